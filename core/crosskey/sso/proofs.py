"""What test sign-ins at a door have shown, as the journal keeps them."""

from __future__ import annotations

from typing import Final

from crosskey.config import DoorSection
from crosskey.errors import ConfigError
from crosskey.journal import Doorbook

__all__ = ("require_factor_proof",)

_REFUSED_FOR_FACTOR: Final = ("mfa-missing", "mfa-unmet", "provider-refused")


def require_factor_proof(section: DoorSection, book: Doorbook) -> None:
    """Raise :class:`ConfigError` where a second factor is required and no tests showed that the demand does its work.

    A provider may ignore what it is asked, or never say what it did: somebody with a second factor must have come
    through a test, and somebody without must have been refused in one.
    """
    if section.rules.mfa != "required":
        return
    passed = book.latest_attempt(section.door, "test", "tested")
    missing: list[str] = []
    if passed is None or passed.mfa != "proven":
        missing.append("somebody with a second factor")
    if not any(book.latest_attempt(section.door, "test", code) for code in _REFUSED_FOR_FACTOR):
        missing.append("somebody without one, who must be refused")
    if missing:
        raise ConfigError(
            f"a second factor is required, and no test sign-in was made by {' nor by '.join(missing)}",
            code="mfa-unproven",
            where=f"{section.path}.mfa",
            fix=f'run `crosskey sso test {section.door} --mfa` with them; until then write mfa = "off"',
        )
