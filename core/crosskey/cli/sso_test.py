"""``crosskey sso test``."""

from __future__ import annotations

import asyncio
import webbrowser
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.serve import require_web
from crosskey.clock import SystemClock
from crosskey.config import DOORS, Config, DoorSection, load_config
from crosskey.connector.reasons import REASONS
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Door
from crosskey.errors import ConfigError, ExitCode, RetryableError
from crosskey.journal import Doorbook, Watchbook
from crosskey.plugins import load_plugins
from crosskey.sso.addresses import door_addresses
from crosskey.sso.differing import differences
from crosskey.sso.doorkeeper import Rehearsal

__all__ = ("test",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey sso test agents                 somebody who must come in
  crosskey sso test agents --mfa           as if a second factor were required: once with somebody who has one,
                                           once with somebody who has none and must be refused
"""
)
@click.argument("door", type=click.Choice(DOORS))
@click.option("--mfa", is_flag=True, help="As if a second factor were required.")
@click.option("--pin", is_flag=True, help="Pin what the provider says of itself now, whatever was pinned before.")
@click.option("--port", type=click.IntRange(1024, 65535), default=8490, show_default=True, help="Port of the callback.")
@click.option("--wait", type=click.IntRange(min=1), default=600, show_default=True, help="Seconds until it gives up.")
@click.option("--no-browser", is_flag=True, help="Print the address only; open no browser.")
@config_option
@json_option
@watch_options
def test(
    door: Door, port: int, wait: int, config_path: Path, *, mfa: bool, pin: bool, no_browser: bool, as_json: bool
) -> int:
    """Make a real sign-in in a browser on this machine. Opens no session; the door may be on or off.

    Shows masked claims, whose account it would be and why, the second factor, the provider's clock, and what differs
    from the door's policy. The provider must know the callback that is printed first as a further redirect URI.
    """
    require_web()
    config = load_config(config_path, load_plugins(), serving=True)
    if door not in config.doors:
        raise ConfigError("there is no such door", code="no-door", where=f"sso.{door}", fix=f"write [sso.{door}]")
    Watchbook.prepare(config.journal.path, clock=SystemClock(), connection=config.connection)
    came_to = asyncio.run(_rehearse(config, door, port, wait, mfa=mfa, pin=pin, browser=not no_browser))
    shown = _told(came_to) | _compared(config, config.doors[door], came_to, port, mfa=mfa)
    if as_json:
        click.echo(msgspec.json.encode(shown))
    else:
        _show(shown)
    return int(ExitCode.OK if shown["code"] == "tested" else ExitCode.REJECTED)


async def _rehearse(
    config: Config, door: Door, port: int, wait: int, *, mfa: bool, pin: bool, browser: bool
) -> Rehearsal | SsoRefused:
    from crosskey.web.doors import rehearsal  # noqa: PLC0415 - needs the extra `web`
    from crosskey.web.server import serving  # noqa: PLC0415 - the same

    async with (
        rehearsal(config, door, f"http://localhost:{port}", mfa=mfa, anew=pin) as stage,
        serving(stage.app, "127.0.0.1", port, where="--port"),
    ):
        click.echo(f"redirect URI: {stage.callback}\nopen in a browser on this machine: {stage.start}", err=True)
        if browser:
            webbrowser.open(stage.start)
        try:
            async with asyncio.timeout(wait):
                came_to = await stage.outcome
        except TimeoutError:
            raise RetryableError(
                "nobody came back from the provider", code="test-unfinished", fix="register the redirect URI; try again"
            ) from None
        await asyncio.sleep(0.2)  # so that the browser has its last page
        return came_to


def _told(came_to: Rehearsal | SsoRefused) -> dict[str, Any]:
    if isinstance(came_to, SsoRefused):
        said: dict[str, Any] = {"code": came_to.code, "detail": came_to.message, "reference": came_to.reference}
        return said | {"fix": came_to.reason.fix}
    identity, standing = came_to.identity, came_to.standing
    return {
        "code": came_to.code,
        "detail": came_to.detail,
        "reference": came_to.reference,
        "fix": REASONS[came_to.code].fix if came_to.code in REASONS else "",
        "person": {"issuer": identity.subject.issuer, "id": identity.subject.id, "guest": identity.guest},
        "account": standing.key and {"key": standing.key, "active": standing.active},
        "second_factor": {"verdict": identity.mfa.verdict, "because": identity.mfa.because},
        "skew": round(identity.skew, 1),
        "claims": came_to.claims,
    }


def _compared(
    config: Config, section: DoorSection, came_to: Rehearsal | SsoRefused, port: int, *, mfa: bool
) -> dict[str, Any]:
    """What differs from the door's policy, and the redirect URI that the test could not try."""
    clock = SystemClock()
    with Doorbook.reading(config.journal.path, clock=clock, connection=config.connection) as book:
        step = book.step(section.door).step
    differs = differences(section, came_to, step, asked_for_mfa=mfa, now=clock.now())
    flow = section.provided.value.name
    tested, own = (
        door_addresses(url, section.door, flow).callback if url else ""
        for url in (f"http://localhost:{port}", section.rules.public_url)
    )
    return {"step": step, "differs": differs, "redirect_uri": {"tested": tested, "door": own}}


def _show(said: dict[str, Any]) -> None:
    console = console_for_tables()
    good = said["code"] == "tested"
    console.print("[green]would come in[/]" if good else f"[red]would be refused: {escape(said['code'])}[/]")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _lines(said):
        if text:
            table.add_row(label, escape(text))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if "person" in said and not said["differs"]:
        console.print("Nothing differs from what the door wants.")
    for each in said["differs"]:
        console.print(
            f"[yellow]differs:[/] {escape(each.what)}: wanted {escape(each.wanted)}; came {escape(each.came)}"
        )


def _lines(said: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("because", said["detail"]), ("fix", said["fix"]), ("reference", said["reference"])]
    tried, own = said["redirect_uri"]["tested"], said["redirect_uri"]["door"]
    lines.append(("redirect URI", f"tried {tried}; the door's own is {own or 'not known: public_url is empty'}"))
    if "person" not in said:
        return lines
    person, account, factor = said["person"], said["account"], said["second_factor"]
    whose = f"{person['id']} of {person['issuer']}"
    lines.append(("person", whose + (" (a guest)" if person["guest"] else "")))
    if account:
        state = "on" if account["active"] else "switched off"
        lines.append(("account", f"{account['key']}, {state}: the sync stored it for this id"))
    else:
        lines.append(("account", "none: the sync has stored no account for this id, and nothing else counts"))
    lines.append(("second factor", f"{factor['verdict']}: {factor['because']}"))
    lines.append(("their clock", f"{said['skew']:+.1f} s from ours"))
    lines += [(f"claim {name}", value) for name, value in sorted(said["claims"].items())]
    return lines
