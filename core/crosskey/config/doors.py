"""``[sso.agents]`` and ``[sso.portal]``: who signs in by which door, how long it lasts, and what must be proven."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, cast, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from crosskey.config.durations import duration_text
from crosskey.config.hook_address import checked_hook_url
from crosskey.connector.sso import Door, SsoFlowSpec
from crosskey.errors import ConfigError, close_matches
from crosskey.plugins.records import Provided
from crosskey.settings import Settings

__all__ = ("DOORS", "DoorSection", "DoorSettings", "door_table", "entry_problem", "kind_problem")

DOORS: Final[tuple[Door, ...]] = get_args(Door)

_KINDS: Final[dict[Door, str]] = {"agents": "agent", "portal": "user"}
_IDLE: Final[dict[Door, timedelta]] = {"agents": timedelta(minutes=30), "portal": timedelta(hours=2)}
_LASTS: Final[dict[Door, timedelta]] = {"agents": timedelta(hours=10), "portal": timedelta(hours=24)}
_SHORTEST: Final = timedelta(minutes=1)


class DoorSettings(Settings, frozen=True, kw_only=True):
    """What crosskey itself reads of a door's section; the other keys are the flow's."""

    enabled: Annotated[bool, Meta(description="Whether anybody comes in by this door. Each has its own switch.")] = (
        False
    )
    public_url: Annotated[
        str, Meta(description="Address of the doors as browsers write it, without path: `https://desk.acme.example`")
    ] = ""
    source: Annotated[
        str,
        Meta(
            description="Name of the source section whose people come in here. Left out: the first that `[sync]` reads."
        ),
    ] = ""
    kind: Annotated[
        str,
        Meta(
            description="Kind of account that the door leads to. Left out: `agent` for agents, `user` for the portal."
        ),
    ] = ""
    mfa: Annotated[
        Literal["required", "off"],
        Meta(description="`required`: only who proved a second factor to the identity provider comes in."),
    ] = "off"
    pilot: Annotated[
        tuple[str, ...],
        Meta(
            description="Groups, named as in the mapping, whose members come in by this door before everybody else "
            "does: at the step `pilot`."
        ),
    ] = ()
    local: Annotated[
        str,
        Meta(
            description="Path of another way in, such as the desk's own sign-in, for the day on which the provider is "
            "down. How it is shown depends on the step."
        ),
    ] = ""
    response: Annotated[
        Literal["code", "code id_token"],
        Meta(
            description="What the provider sends back. `code id_token` comes as a form, the way some desks' own "
            "sign-in asks for it; the provider must allow ID tokens at its authorization endpoint."
        ),
    ] = "code"
    idle: Annotated[
        timedelta | None,
        Meta(
            description="A session ends when nothing is done for so long. Left out: 30 minutes, 2 hours in the portal."
        ),
    ] = None
    lasts: Annotated[
        timedelta | None,
        Meta(description="A session ends after so long in any case. Left out: 10 hours; portal: 24 hours."),
    ] = None
    heartbeat: Annotated[
        timedelta,
        Meta(
            description="How often the provider is asked whether it still stands by a session that is in use, where it "
            "gave a refresh token."
        ),
    ] = timedelta(minutes=10)
    on_demand: Annotated[
        bool,
        Meta(
            description="Whether somebody who has no account yet is looked at by the watcher at once, while they wait. "
            "Rails hold as ever."
        ),
    ] = False
    private_addresses: Annotated[
        bool, Meta(description="Let the provider's name lead to an address inside a private network.")
    ] = False

    def __post_init__(self) -> None:
        if self.enabled and not self.public_url:
            raise ConfigError(
                "an open door needs an address", where="public_url", fix='write it like "https://desk.acme.example"'
            )
        if self.public_url and urlsplit(checked_hook_url(self.public_url, where="public_url")).path:
            raise ConfigError(
                "a door's cookies are for a whole host, so its address has no path",
                where="public_url",
                fix='write it like "https://desk.acme.example"',
            )
        if self.local and (not self.local.startswith("/") or self.local.startswith(("//", "/\\"))):
            raise ConfigError("it is no path of this host", where="local", fix='write it like "/auth/account/login"')
        for name, value in (("idle", self.idle), ("lasts", self.lasts), ("heartbeat", self.heartbeat)):
            if value is not None and value < _SHORTEST:
                raise ConfigError("it is too short", where=name, fix=f'write at least "{duration_text(_SHORTEST)}"')
        if self.idle is not None and self.lasts is not None and self.idle > self.lasts:
            raise ConfigError("it is longer than `lasts`", where="idle", fix="write a shorter one")


class DoorSection(msgspec.Struct, frozen=True, kw_only=True):
    """``[sso.<door>]``, with the defaults that depend on the door filled in."""

    door: Door
    path: str
    provided: Provided[SsoFlowSpec]
    settings: Settings
    source: str
    rules: DoorSettings

    @property
    def kind(self) -> str:
        """The kind of account that the door leads to."""
        return self.rules.kind or _KINDS[self.door]

    @property
    def idle(self) -> timedelta:
        """After how long without anything done a session ends."""
        return min(self.rules.idle or _IDLE[self.door], self.lasts)

    @property
    def lasts(self) -> timedelta:
        """After how long a session ends in any case."""
        return self.rules.lasts or _LASTS[self.door]


def door_table(
    table: Mapping[str, object],
    sources: Mapping[str, object],
    first: str,
    offered: Mapping[str, Provided[SsoFlowSpec]],
) -> tuple[dict[str, object], str]:
    """A door's section as if everything were written in it, and the name of its source.

    A flow has the name of the source whose people it signs in, so ``use`` and what the flow ``inherits`` may be left
    out: whoever swaps the source's section swaps the doors.
    """
    name = str(table.get("source") or first)
    found = sources.get(name)
    source = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    whole = dict(table)
    if "use" not in whole and source.get("use") in offered:
        whole["use"] = source["use"]
    use = whole.get("use")
    if isinstance(use, str) and use in offered and use == source.get("use"):
        for key in offered[use].value.inherits:
            if key in source:
                whole.setdefault(key, source[key])
    return whole, name


def entry_problem(table: Mapping[str, object], path: str) -> ConfigError | None:
    """What is wrong with a door's section that still says how people are sent on: its step does."""
    if "entry" not in table:
        return None
    return ConfigError(
        "how people come in is the door's step now, which is in the journal",
        code="door-entry",
        where=f"{path}.entry",
        fix=f"remove this line; `crosskey sso step {path.rpartition('.')[2]}` shows the step and moves the door",
    )


def kind_problem(section: DoorSection, kinds: Collection[str]) -> ConfigError | None:
    """What is wrong when no rules make the kind of account that a door leads to."""
    if section.kind in kinds:
        return None
    return ConfigError(
        f"no rules make accounts of the kind {section.kind}. {close_matches(section.kind, kinds)}".rstrip(),
        code="door-kind",
        where=f"{section.path}.kind",
        fix=f"write a section [map.{section.kind}], or name another kind",
    )
