"""``crosskey plugins``."""

from __future__ import annotations

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crosskey.cli.listing import Listing
from crosskey.cli.options import json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.trusting import trust, untrust, verify
from crosskey.config.reference import SettingRow, setting_rows
from crosskey.errors import ConfigError, close_matches
from crosskey.plugins import Plugins, load_plugins
from crosskey.settings import Settings

__all__ = ("plugins",)


@click.group()
def plugins() -> None:
    """List plugins, show one plugin's settings, say whose code may run."""


plugins.add_command(trust)
plugins.add_command(untrust)
plugins.add_command(verify)


@plugins.command("list")
@json_option
def list_plugins(*, as_json: bool) -> None:
    """List every plugin that is installed: what it provides, where it comes from, and why one is not used."""
    found = load_plugins().found
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("plugin", "state", "provides", "from", "why"):
        table.add_column(column, overflow="fold")
    for record in found:
        colour = {"loaded": "green", "broken": "red", "refused": "yellow"}[record.state]
        origin = f"{record.distribution} {record.version}"
        table.add_row(
            record.name, f"[{colour}]{record.state}[/]", ", ".join(record.provides), origin, escape(record.reason)
        )
    console_for_tables().print(table)


@plugins.command("show")
@click.argument("name")
@json_option
def show_plugin(name: str, *, as_json: bool) -> None:
    """Show what one plugin provides, what it can do, and every setting."""
    loaded = load_plugins()
    record = next((record for record in loaded.found if record.name == name), None)
    if record is None:
        hint = close_matches(name, (record.name for record in loaded.found))
        raise ConfigError(
            f'no plugin is named "{name}". {hint}'.rstrip(),
            code="plugin-unknown",
            where="plugins show",
            fix="see `crosskey plugins list`",
        )
    tables = {title: setting_rows(settings) for title, settings in _settings(loaded, name).items()}
    if as_json:
        click.echo(msgspec.json.encode({"plugin": record, "settings": tables}))
        return
    console = console_for_tables()
    console.print(
        f"[bold]{record.name}[/] {record.state}, from {record.distribution} {record.version} ({record.module})"
    )
    if record.reason:
        console.print(f"  {escape(record.reason)}")
    for line in (*record.provides, *record.capabilities):
        console.print(f"  {escape(line)}")
    for title, rows in tables.items():
        console.print(f"\n[bold]{escape(title)}[/]")
        _show_settings(console, rows)


def _show_settings(console: Console, rows: list[SettingRow]) -> None:
    listing = Listing("key", "type", details={"default": 2, "about": 5})
    for row in rows:
        kind = escape(row.type) + (", [bold]required[/]" if row.required else "")
        listing.add(f"[cyan]{escape(row.key)}[/]", kind, escape(row.default), escape(row.description))
    console.print(listing)


def _settings(loaded: Plugins, plugin: str) -> dict[str, type[Settings]]:
    tables: dict[str, type[Settings]] = {}
    for place, specs in (
        ("[source.<name>]", loaded.sources),
        ("[target.<name>]", loaded.targets),
        ("[map.<kind>]", loaded.mappers),
        ("[notify.<name>]", loaded.notifiers),
    ):
        for name, provided in specs.items():
            if provided.plugin == plugin:
                tables[f'{place} use = "{name}"'] = provided.value.settings
    return tables
