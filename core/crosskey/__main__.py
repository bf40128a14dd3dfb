"""``python -m crosskey``."""

from crosskey.cli.main import main

main()
