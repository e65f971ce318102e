"""``python -m nbseal.cli`` is ``nbseal``."""

from nbseal.cli import main

if __name__ == "__main__":
    main()
