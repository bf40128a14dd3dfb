"""What one provider does in its own way. A plugin derives from :class:`Dialect`; everything else is the standard's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from crosskey.connector.sso import LoginRequest, MfaEvidence, Provider
from crosskey.model import Subject
from crosskey.sso.keys import PublicKey
from crosskey.sso.mfa import no_evidence

__all__ = ("Dialect",)


class Dialect:
    """A provider that keeps to OpenID Connect. ``people`` is the name that its people's issuer bears in the journal.

    ``open_claims`` are claims of its own that say nothing about a person, to be shown unmasked.
    """

    open_claims: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, people: str) -> None:
        self.people = people

    def asks(self, request: LoginRequest) -> Mapping[str, str]:  # noqa: ARG002 - for subclasses
        """Further parameters of the sign-in."""
        return {}

    def token_issuer(self, provider: Provider, claims: dict[str, Any]) -> str:  # noqa: ARG002 - for subclasses
        """The one issuer that a token with these claims must be of. Raises :class:`crosskey.SsoRefused` for none."""
        return provider.issuer

    def key_fits(self, key: PublicKey, issuer: str) -> bool:
        """Whether a key may sign tokens of that issuer."""
        return not key.issuer or key.issuer == issuer

    def require(self, claims: dict[str, Any]) -> None:
        """Raise :class:`crosskey.SsoRefused` for somebody who must not come in, whatever else is in order."""

    def subject(self, claims: dict[str, Any]) -> Subject:
        """The person as the sync names them."""
        return Subject(self.people, str(claims["sub"]))

    def signalled(self, sub: str) -> Subject | None:
        """The person whom a signal names by ``sub``; ``None`` where that is not how the sync names people."""
        return Subject(self.people, sub)

    def is_guest(self, claims: dict[str, Any]) -> bool:  # noqa: ARG002 - for subclasses
        """Whether the person belongs to somebody else's directory."""
        return False

    def evidence(self, claims: dict[str, Any], request: LoginRequest) -> MfaEvidence:  # noqa: ARG002 - for subclasses
        """What the token proves about a second factor."""
        return no_evidence(claims)
