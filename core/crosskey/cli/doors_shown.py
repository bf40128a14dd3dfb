"""What ``crosskey status`` shows of open doors: how late a leaver may be out, and when each channel last spoke."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from crosskey.cli.listing import Listing
from crosskey.config import duration_text
from crosskey.watch.channels import ChannelStatus, DoorStatus

__all__ = ("CHANNELS", "show_door", "within")

CHANNELS: Final = {
    "rounds": "rounds of crosskey watch",
    "hook": "hook of the source",
    "refresh": "provider asked about a session in use",
    "back-channel": "back-channel logout",
    "front-channel": "front-channel logout",
    "security-event": "security events",
    "poll": "security events fetched",
    "token-revocation": "Global Token Revocation",
    "operator": "crosskey sessions revoke",
    "limits": "the session's own end",
}


def show_door(console: Console, door: DoorStatus, when: Callable[[datetime | None], str]) -> None:
    """The worst case, then a row for each channel, then what is wrong with any."""
    console.print(f"[bold]{door.door}[/]: {escape(door.provider)}, people of {escape(door.source)}")
    console.print(Padding(escape(f"worst case: {door.sentence}"), (0, 0, 0, 2), expand=False))
    listing = Listing("channel", "out within", details={"last spoke": 3, "the provider says": 5})
    for each in door.channels:
        spoke = "" if each.channel in ("operator", "limits") else when(each.heard_at)
        listing.add(CHANNELS.get(each.channel, escape(each.channel)), within(each), spoke, escape(_says(each)))
    console.print(Padding(listing, (0, 0, 0, 2), expand=True))
    for each in door.channels:
        if each.problem:
            name = CHANNELS.get(each.channel, each.channel)
            console.print(Padding(f"[yellow]![/] {name}: {escape(each.problem)}", (0, 0, 0, 2), expand=False))
            if each.fix:
                console.print(Padding(f"fix: {escape(each.fix)}", (0, 0, 0, 4), expand=False))


def within(channel: ChannelStatus) -> str:
    """What crosskey itself takes at most, and what the provider adds at most, where it says so."""
    ours = duration_text(timedelta(seconds=channel.bound)) if channel.bound else "the next click"
    if channel.most is None:
        return ours
    theirs = duration_text(timedelta(seconds=channel.most))
    return f"{ours} after {theirs}"


def _says(channel: ChannelStatus) -> str:
    return f"{channel.says} ({channel.source})" if channel.source else channel.says
