"""What to do about a refusal, in the words of Okta's console."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from crosskey.errors import AuthError, ContractError
from crosskey_okta.errors import code_of
from crosskey_okta.settings import APPS_SCOPE, HOOKS_SCOPE

__all__ = ("INSUFFICIENT", "Advice", "scope_for")

_ROLE = "Read-Only Administrator"
_ROLES = {HOOKS_SCOPE: "Super Administrator", APPS_SCOPE: "Application Administrator"}
"""Admin roles that allow more than reading, by scope."""
_DENIED = "permission-denied"  # a 403 whose body says nothing, as older orgs answer
INSUFFICIENT = ("okta-E0000006", "okta-insufficient-scope", _DENIED)
"""Codes of errors that say: a good credential, with too few rights for this."""
_BAD_TOKEN = ("E0000004", "E0000005", "E0000011")


def scope_for(path: str) -> str:
    """The scope that reading ``path`` needs."""
    kind = path.removeprefix("/api/v1/").partition("/")[0]
    return "okta.orgs.read" if kind == "org" else f"okta.{kind}.read"


class Advice(msgspec.Struct, frozen=True):
    """Fixes for one instance; ``app`` is whether it uses a service app instead of an API token."""

    instance: str
    app: bool
    scopes: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """How to give the credential an admin role that sees everybody."""
        return self._given(_ROLE)

    def _given(self, role: str) -> str:
        if self.app:
            return f'give the app the role "{role}" in Okta (Applications > the app > Admin roles)'
        return f'make the API token while signed in to Okta as an admin with the role "{role}"'

    def scope(self, missing: Collection[str]) -> str:
        """How to grant scopes to the app."""
        return (
            f"grant {', '.join(missing)} in Okta as a Super Administrator (Applications > the app > Okta API Scopes; "
            "look again after a reload)"
        )

    def fix(self, code: str, *, scope: str = "", of: str = "") -> str:
        """What to do about Okta's refusal ``code`` of something that lacks ``scope``, or else a role for ``of``."""
        if code in _BAD_TOKEN and not self.app:
            return f"make a new token in Okta (Security > API > Tokens) and store it where {self.instance}.token points"
        if code == "invalid_scope":
            return self.scope(self.scopes)
        if code == "invalid_dpop_proof":
            return f'remove {self.instance}.dpop, or set it to "auto"'
        if code in ("invalid_client", "unauthorized_client", "access_denied") or code in _BAD_TOKEN:
            return (
                f"check {self.instance}.client_id, private_key and key_id against the app in Okta "
                "(an active API Services app; a new key needs Done and then Save)"
            )
        role = self._given(_ROLES.get(of or scope, _ROLE))
        return f"{self.scope([scope])}, and {role}" if scope else role

    def nobody(self) -> AuthError:
        """An empty list of people. Without an admin role Okta gives 200 and nobody, not 403; no real org is empty."""
        return AuthError(
            "Okta shows this credential no people at all: it lacks an admin role",
            code="okta-sees-nobody",
            where=self.instance,
            fix=self.role,
        )

    def refusal(self, sentence: str, code: str) -> AuthError:
        """The token endpoint's refusal."""
        return AuthError(
            f"Okta gave no access token: {sentence}",
            code=_stable(code),
            where=self.instance,
            fix=self.fix(code),
        )

    def improve(self, error: AuthError, scope: str, *, of: str = "") -> AuthError:
        """The same error with Okta's code and a fix that names the missing ``scope``, and the role for it (``of``)."""
        code = code_of(error)
        if not code and error.code != _DENIED:
            return error
        return AuthError(
            error.message,
            code=_stable(code) if code else error.code,
            where=error.where,
            fix=self.fix(code, scope=scope, of=of),
        )

    def pinned(self, error: ContractError) -> ContractError:
        """The same error; a link to another host gets the fix that fits Okta: custom domains link to the org's own."""
        if error.code != "foreign-host":
            return error
        return ContractError(
            error.message,
            code=error.code,
            where=error.where,
            fix=f'if that host is your org\'s own behind a custom domain, write hosts = ["…"] in [{self.instance}]',
        )


def _stable(code: str) -> str:
    return f"okta-{code.replace('_', '-')}" if code else "okta-refused"
