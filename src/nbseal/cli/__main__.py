"""``python -m nbseal.cli`` is ``nbseal``."""

from nbseal.cli import program

if __name__ == "__main__":
    program()
