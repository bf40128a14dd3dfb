"""What to do about a refusal, in the words of the Entra admin center."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from crosskey.errors import AuthError, ConfigError, CrosskeyError, RejectedError, RetryableError
from crosskey_entra.errors import SignInProblem, code_of

__all__ = ("PERMISSION", "Advice", "permission_for")

PERMISSION = "entra-permission"
"""Code of every error that says: a good credential, with too few permissions for this."""

_PERMISSIONS: Mapping[str, str] = {
    "users": "User.Read.All",
    "groups": "GroupMember.Read.All",
    "servicePrincipals": "Application.Read.All",
    "applications": "Application.Read.All",
    "organization": "Organization.Read.All",
    "directory": "User.Read.All",  # the recycle bin of people
    "subscriptions": "Group.Read.All",  # to groups; members of groups alone are not enough
}
"""The least application permission for reading each kind of object."""

_NAMED = re.compile(r"MSGraph permissions ([A-Za-z.]+(?:,\s*[A-Za-z.]+)*)")
_LICENCE = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_UNKNOWN_APP = "Authorization_IdentityNotFound"

# OAuth's error words that say: what was asked for is wrong, whatever the credential.
_MISCONFIGURED = ("invalid_request", "invalid_scope", "invalid_resource", "unauthorized_client")

_TENANT = "write the Directory (tenant) ID from the Entra admin center (Overview), and the `cloud` it belongs to"
_APP = "write the Application (client) ID of an app registration of this very tenant"
_RENEW = (
    "make a new one (App registrations > the app > Certificates & secrets), and store its Value, not its Secret ID, "
    "where client_secret points"
)
_UPLOAD = "upload the certificate that `certificate` holds (App registrations > the app > Certificates & secrets)"

_SIGN_IN: Mapping[int, tuple[str, str, str]] = {
    # AADSTS number: what it means, the setting it is about, the fix. Only for better words: `error` decides.
    90002: ("there is no such tenant in this cloud", "tenant", _TENANT),
    900023: ("the tenant's name cannot be one", "tenant", _TENANT),
    700016: ("the tenant has no such app", "client_id", _APP),
    7000215: ("the client secret is wrong", "client_secret", _RENEW),
    7000222: ("the client secret has expired", "client_secret", _RENEW),
    700027: ("the app does not know the certificate", "certificate", _UPLOAD),
    50012: ("the assertion's signature was not accepted", "certificate", _UPLOAD),
    70011: ("Microsoft Graph's address is not one of this cloud", "graph_url", "correct or remove graph_url and cloud"),
    28002: ("Microsoft Graph's address is not one of this cloud", "graph_url", "correct or remove graph_url and cloud"),
    500011: ("the tenant has no Microsoft Graph of that address", "cloud", "write the `cloud` the tenant belongs to"),
    50196: ("too many tokens were asked for in a short time", "", "wait some minutes, and run one crosskey at a time"),
}


def permission_for(path: str) -> str:
    """The permission that reading ``path`` needs, or nothing where that is not known."""
    return _PERMISSIONS.get(path.lstrip("/").partition("/")[0].partition("(")[0], "")


class Advice(msgspec.Struct, frozen=True):
    """Fixes for one instance."""

    instance: str

    def grant(self, permission: str) -> str:
        """How to give the app a permission."""
        return (
            f"add the application permission {permission or 'that is missing'} of Microsoft Graph to the app and grant "
            "admin consent (Entra admin center > App registrations > the app > API permissions)"
        )

    def refusal(self, status: int, problem: SignInProblem) -> CrosskeyError:
        """The token endpoint's refusal: a wrong configuration, a bad credential, or a busy service."""
        meaning, key, fix = _SIGN_IN.get(problem.number, ("", "", ""))
        number = f"AADSTS{problem.number}" if problem.number else f"HTTP {status}"
        ids = ", ".join(part for part in (problem.error, number, _trace(problem)) if part)
        message = f"Entra gave no access token: {meaning or 'it refused'} [{ids}]"
        if problem.said and not meaning:
            message += f": {problem.said[:200]}"
        where = f"{self.instance}.{key}" if key else self.instance
        code = f"entra-aadsts{problem.number}" if problem.number else "entra-sign-in"
        if problem.error == "temporarily_unavailable":
            return RetryableError(message, code=code, where=where, fix="run again later")
        kind = ConfigError if problem.error in _MISCONFIGURED else AuthError
        return kind(
            message,
            code=code,
            where=where,
            fix=fix or f"check tenant, client_id and the credential in [{self.instance}] against the app registration",
        )

    def improve(self, error: CrosskeyError, path: str) -> CrosskeyError:
        """An error of Graph about ``path``, with the missing permission named and settings called by their names."""
        names = (
            f"check the properties in [{self.instance}.attributes] and the names of extra.<name> in mappings: Graph "
            "must know each for users, and upper and lower case count"
        )
        if code_of(error) == "NotImplemented":  # 501 is for good: a property that no list of users can bring
            return ConfigError(error.message, code="entra-property", where=error.where, fix=names)
        if isinstance(error, RejectedError) and error.status == 400 and path.startswith("/users"):
            error.fix = error.fix or names
        if not isinstance(error, AuthError):
            return self.addressed(error, "graph_url")
        graph_code = code_of(error)
        if graph_code == _LICENCE:
            code, fix = "entra-licence", "leave out what needs Entra ID P1 or P2"
        elif graph_code == _UNKNOWN_APP:
            code, fix = "entra-consent", self.grant(permission_for(path))
        elif error.code == "permission-denied":
            named = _NAMED.search(error.message)
            permission = named.group(1) if named else permission_for(path)
            return AuthError(
                f"{permission or 'a permission'} is missing: {error.message}",
                code=PERMISSION,
                where=error.where,
                fix=self.grant(permission),
            )
        elif graph_code:
            code = "entra-token"
            fix = f"check `cloud`, `authority` and `graph_url` in [{self.instance}]: they must be of one cloud"
        else:
            return error
        return AuthError(error.message, code=code, where=error.where, fix=fix)

    def addressed(self, error: CrosskeyError, key: str) -> CrosskeyError:
        """The same error, whose fix names the settings that make the address here."""
        error.fix = error.fix.replace("`url`", f"`cloud` or `{key}`")
        return error


def _trace(problem: SignInProblem) -> str:
    return f"trace {problem.trace_id}" if problem.trace_id else ""
