"""``crosskey plugins trust``, ``untrust`` and ``verify``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

import click
import msgspec
from rich.markup import escape

from crosskey.cli.options import json_option
from crosskey.cli.render import console_for_tables
from crosskey.errors import ConfigError, ExitCode, close_matches
from crosskey.plugins.trust import BUILT_IN, Pin, Trust, canonical, changed_files, digest

__all__ = ("trust", "untrust", "verify")


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One installed distribution with plugins, and why it may not run (empty: it may)."""

    distribution: str
    version: str
    plugins: tuple[str, ...]
    problem: str
    editable: bool = False


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@json_option
def trust(names: tuple[str, ...], *, as_json: bool) -> None:
    """Let plugins of other distributions run, in exactly the build that is installed.

    NAME is a plugin or a distribution. What is kept is the distribution, its version and the digest of its RECORD: any
    other build is refused until somebody trusts that one too. Nothing of the plugin is imported for this.
    """
    kept = Trust.read()
    pins: list[Pin] = []
    for found in _named(names):
        pin = _pin(found)
        kept.trust(pin)
        pins.append(pin)
    if as_json:
        click.echo(msgspec.json.encode(pins))
        return
    for pin in pins:
        click.echo(f"trusted: {pin.distribution} {pin.version}, RECORD sha256 {pin.record[:16]}…, in {kept.path}")
        if pin.editable:
            click.echo("  it is installed editable: its code lives elsewhere and can change under this trust")


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def untrust(names: tuple[str, ...]) -> None:
    """Trust plugins no more: nothing of them is imported from now on.

    NAME is a plugin or a distribution; one that is not installed any more, too.
    """
    kept = Trust.read()
    by_plugin = {entry.name: found for found in _with_plugins() for entry in _entries(found)}
    for name in names:
        distribution = canonical(by_plugin[name].name) if name in by_plugin else canonical(name)
        if not kept.withdraw(distribution):
            raise ConfigError(
                f'"{name}" is not trusted. {close_matches(distribution, kept.pins)}'.rstrip(),
                code="not-trusted",
                where="plugins untrust",
                fix="see `crosskey plugins verify`",
            )
        click.echo(f"no longer trusted: {distribution}")


@click.command()
@json_option
def verify(*, as_json: bool) -> int:
    """Compare every installed plugin with what was trusted, file by file.

    The exit code is 0 when each is as it was trusted, else 7. Nothing of a plugin is imported for this.
    """
    kept = Trust.read()
    checked = [_checked(found, kept) for found in _with_plugins()]
    if as_json:
        click.echo(msgspec.json.encode(checked))
    else:
        console = console_for_tables()
        for one in checked:
            state = f"[red]{escape(one.problem)}[/]" if one.problem else "[green]as it was trusted[/]"
            editable = "; editable: its code is not covered" if one.editable else ""
            console.print(f"{one.distribution} {one.version} ({', '.join(one.plugins)}): {state}{editable}")
    return int(ExitCode.PLUGIN if any(one.problem for one in checked) else ExitCode.OK)


def _checked(found: Distribution, kept: Trust) -> Checked:
    record, folder = found.read_text("RECORD"), Path(str(found.locate_file("")))
    name = canonical(found.name)
    problem = kept.refusal(name, found.version, record, folder)
    if name == BUILT_IN and record is not None and (changed := changed_files(record, folder)):
        problem = f"{changed[0]} is not what was installed: reinstall {name}"
    return Checked(
        distribution=name,
        version=found.version,
        plugins=tuple(sorted(entry.name for entry in _entries(found))),
        problem=problem,
        editable=_is_editable(record or ""),
    )


def _pin(found: Distribution) -> Pin:
    record = found.read_text("RECORD")
    if record is None:
        raise ConfigError(
            f"{found.name} has no RECORD, so nobody could tell this build from another",
            code="no-record",
            where="plugins trust",
            fix="install it with pip, from a wheel",
        )
    changed = changed_files(record, Path(str(found.locate_file(""))))
    if changed:
        raise ConfigError(
            f"{changed[0]} is not what was installed",
            code="record-differs",
            where=f"plugins trust: {found.name}",
            fix=f"look at the file, then reinstall {found.name}",
        )
    return Pin(
        distribution=canonical(found.name),
        version=found.version,
        record=digest(record),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        editable=_is_editable(record),
    )


def _is_editable(record: str) -> bool:
    """Whether no code stands in a RECORD: an editable install lists only the way to it."""
    return not any(line.split(",", 1)[0].endswith((".py", ".so", ".pyd")) for line in record.splitlines())


def _named(names: tuple[str, ...]) -> Iterator[Distribution]:
    """The installed distributions that are meant. Raises :class:`ConfigError` for a name that nobody bears."""
    known = _with_plugins()
    by_name = {canonical(found.name): found for found in known}
    by_plugin = {entry.name: found for found in known for entry in _entries(found)}
    for name in names:
        found = by_plugin.get(name) or by_name.get(canonical(name))
        if found is None or canonical(found.name) == BUILT_IN:
            why = "comes with crosskey and is always trusted" if found else "is not installed, or has no plugins"
            hint = "" if found else close_matches(name, {*by_name, *by_plugin} - {BUILT_IN})
            raise ConfigError(
                f'"{name}" {why}. {hint}'.rstrip(), code="plugin-unknown", where="plugins trust", fix=_LIST
            )
        yield found


_LIST = "see `crosskey plugins list`"


def _with_plugins() -> list[Distribution]:
    """Every distribution that has plugins; of two of one name the first on the path, as on import."""
    found: dict[str, Distribution] = {}
    for one in distributions():
        if _entries(one):
            found.setdefault(canonical(one.name), one)
    return [found[name] for name in sorted(found)]


def _entries(found: Distribution):  # noqa: ANN202 - importlib.metadata's own collection
    return [entry for entry in found.entry_points if entry.group == "crosskey"]
