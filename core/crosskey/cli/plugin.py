"""``crosskey plugin``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.plugins import load_plugins
from crosskey.scaffold import KINDS, KindName, names_for, write_package

__all__ = ("plugin",)


@click.group()
def plugin() -> None:
    """Write a plugin of your own."""


@plugin.command(
    "new",
    epilog="""\
\b
Examples:
  crosskey plugin new acme-hr --kind source
  crosskey plugin new acme-desk --kind target --into ~/src/crosskey-acme-desk
""",
)
@click.argument("name")
@click.option("--kind", type=click.Choice(list(KINDS)), required=True, help="What the plugin gives.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to write it. Left out: crosskey-NAME, here.",
)
def new_plugin(name: str, kind: KindName, into: Path | None) -> None:
    """Write a complete package for a plugin called NAME.

    Typed code for an invented service, tests on the conformance kit against a fake of it, settings for ruff and
    basedpyright, and a CI file: green as it is, without a network. Nothing that is there is overwritten.
    """
    names = names_for(name, taken={record.name for record in load_plugins().found})
    folder = into or Path(names.distribution)
    for path in write_package(names, kind, folder):
        click.echo(folder / path)
    click.echo(f"""
Next:
  cd {folder}
  python -m pip install --no-deps --no-build-isolation --editable .
  python -m pytest                       green as it is; README.md says what to change
  crosskey plugins trust {names.name}    or it is refused: whose code may run, somebody must say""")
