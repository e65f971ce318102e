"""``python -m nbseal_hub``."""

from nbseal_hub.cli import main

main()
