"""``crosskey --help``, a fresh process each time: at most twice ``python -c "import click"``."""

from __future__ import annotations

import sys

from measuring import CROSSKEY, Verdicts, arguments, median, run, show, side_by_side


def main() -> None:
    chosen = arguments(__doc__, rounds=30)
    runs = side_by_side(
        chosen.rounds,
        import_click=lambda: run([sys.executable, "-c", "import click"]),
        crosskey_help=lambda: run([CROSSKEY, "--help"]),
    )
    show("Start", runs)
    verdicts = Verdicts()
    verdicts.bar("--help to import click", median(runs["crosskey_help"]) / median(runs["import_click"]), 2, " x")
    verdicts.exit()


if __name__ == "__main__":
    main()
