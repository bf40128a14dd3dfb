"""What a test sign-in showed that is not as the door's policy wants it, whether somebody would come in or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.config import DoorSection, duration_text
from crosskey.connector.reasons import REASONS
from crosskey.connector.refusal import SsoRefused
from crosskey.journal import STEPS, Standing, Step
from crosskey.sso.doorkeeper import Rehearsal
from crosskey.sso.set_up.wanted import app_of

__all__ = ("Differs", "differences")

_SKEW: Final = 60.0
_SENT_AT_ONCE: Final = STEPS.index("redirect")

# What a refusal is about, and which of the door's rules wanted it otherwise.
_REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "callback-mode": ("response mode", "response"),
    "mfa-missing": ("second factor", "mfa"),
    "mfa-unmet": ("second factor", "mfa"),
}
_OTHERWISE: Final[Mapping[str, tuple[str, str]]] = {
    "guest-refused": ("guests", "nobody who is a guest"),
    "auth-time-stale": ("age of the sign-in", "a fresh one"),
    "iss-mismatch": ("issuer", "the configured one"),
    "response-iss-mismatch": ("issuer", "the configured one"),
    "tenant-refused": ("issuer", "a configured tenant"),
    "aud-mismatch": ("client", "the configured client_id"),
    "azp-mismatch": ("client", "the configured client_id"),
    "iat-invalid": ("their clock", "within 60 s of ours"),
    "iat-stale": ("their clock", "within 60 s of ours"),
}


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """One thing: what the policy wants, and what came."""

    what: str
    wanted: str
    came: str


def differences(
    section: DoorSection, came_to: Rehearsal | SsoRefused, step: Step, *, asked_for_mfa: bool, now: datetime
) -> list[Differs]:
    """Everything that differs; ``asked_for_mfa``: the test demanded a second factor, whatever the door does."""
    if isinstance(came_to, SsoRefused):
        return list(_refused(section, came_to.code))
    found = [*_factor(section, came_to, step, asked_for_mfa=asked_for_mfa), *_age(section, came_to, now)]
    return [*found, *_account(section, came_to.standing), *_provider(section, came_to)]


def _refused(section: DoorSection, code: str) -> Iterator[Differs]:
    if code in _REFUSED:
        what, rule = _REFUSED[code]
        yield Differs(what=what, wanted=f'{rule} = "{getattr(section.rules, rule)}"', came=REASONS[code].text)
    elif code in _OTHERWISE:
        what, wanted = _OTHERWISE[code]
        yield Differs(what=what, wanted=wanted, came=REASONS[code].text)


def _factor(section: DoorSection, came_to: Rehearsal, step: Step, *, asked_for_mfa: bool) -> Iterator[Differs]:
    factor, required = came_to.identity.mfa, section.rules.mfa == "required"
    came = f"{factor.verdict}: {factor.because}" if factor.because else factor.verdict
    if factor.verdict != "proven" and (required or asked_for_mfa):
        yield Differs(what="second factor", wanted="proven", came=came)
    elif not required and asked_for_mfa:
        yield Differs(what="second factor", wanted='mfa = "off": the door will not ask for it', came="the test did")
    elif factor.verdict != "proven" and STEPS.index(step) >= _SENT_AT_ONCE:
        yield Differs(what="second factor", wanted=f"proven, at the step {step}", came=f'{came}, and mfa = "off"')


def _age(section: DoorSection, came_to: Rehearsal, now: datetime) -> Iterator[Differs]:
    at = came_to.identity.authenticated_at
    if at is None:
        yield Differs(
            what="age of the sign-in", wanted="auth_time, for what needs a fresh one", came="the token has none"
        )
    elif now - at > section.lasts:
        wanted = f"no older than a session lasts ({duration_text(section.lasts)})"
        ago = duration_text(timedelta(seconds=round((now - at).total_seconds())))
        yield Differs(what="age of the sign-in", wanted=wanted, came=f"{ago} ago")
    if came_to.identity.guest and not getattr(section.settings, "guests", False):
        yield Differs(what="guests", wanted="nobody who is a guest", came="a guest")


def _account(section: DoorSection, standing: Standing) -> Iterator[Differs]:
    wanted = f"one of the kind {section.kind}, which is on"
    if standing.key is None:
        why = f"held: {', '.join(standing.held)}" if standing.held else "none"
        other = f"; one of the kind {', '.join(standing.elsewhere)}" if standing.elsewhere else ""
        yield Differs(what="account", wanted=wanted, came=why + other)
    elif not standing.active:
        yield Differs(what="account", wanted=wanted, came=f"{standing.key}, switched off")
    elif standing.held:
        yield Differs(
            what="account", wanted=f"{wanted}, with nothing to decide", came=f"held: {', '.join(standing.held)}"
        )


def _provider(section: DoorSection, came_to: Rehearsal) -> Iterator[Differs]:
    identity, app = came_to.identity, app_of(section)
    if not came_to.standing.known_issuer:
        wanted = f"the name that people of [source.{section.source}] bear in the journal"
        yield Differs(what="issuer", wanted=wanted, came=f"{identity.subject.issuer}, of whom the sync knows nobody")
    if app is not None and app.client_id and identity.client_id != app.client_id:
        yield Differs(what="client", wanted=app.client_id, came=identity.client_id)
    if abs(identity.skew) > _SKEW:
        yield Differs(what="their clock", wanted="within 60 s of ours", came=f"{identity.skew:+.1f} s from ours")
