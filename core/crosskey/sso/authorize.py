"""The address that a browser is sent to for signing in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from crosskey.connector.sso import LoginRequest, LogoutRequest, Provider

__all__ = ("authorization_url", "end_session_url")


def authorization_url(
    provider: Provider, request: LoginRequest, *, client_id: str, scopes: Sequence[str], further: Mapping[str, str]
) -> str:
    """Authorization code flow with PKCE (S256), state and nonce, always (RFC 9700 §2.1.1).

    ``further`` parameters are the vendor's own; none of them can take the place of one that protects somebody.
    """
    parameters = dict(further) | {
        "response_type": request.response_type,
        "client_id": client_id,
        "redirect_uri": request.redirect_uri,
        "scope": " ".join(scopes),
        "state": request.state,
        "nonce": request.nonce,
        "code_challenge": request.code_challenge,
        "code_challenge_method": "S256",
    }
    if request.response_mode == "form_post":
        parameters["response_mode"] = "form_post"
    if request.max_age is not None:
        parameters["max_age"] = str(request.max_age)
    for name, value in (
        ("prompt", request.prompt),
        ("login_hint", request.login_hint),
        ("ui_locales", request.locales),
    ):
        if value:
            parameters[name] = value
    return _with(provider.authorization_endpoint, parameters)


def end_session_url(provider: Provider, request: LogoutRequest, *, client_id: str) -> str | None:
    """The address for signing out at the provider (RP-Initiated Logout 1.0 §2); ``None`` where it has none."""
    if not provider.end_session_endpoint:
        return None
    parameters = {
        "client_id": client_id,
        "post_logout_redirect_uri": request.return_to,
        "state": request.state,
    }
    if request.id_token is not None:
        parameters["id_token_hint"] = request.id_token.reveal()
    if request.logout_hint:
        parameters["logout_hint"] = request.logout_hint
    return _with(provider.end_session_endpoint, parameters)


def _with(endpoint: str, parameters: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"
