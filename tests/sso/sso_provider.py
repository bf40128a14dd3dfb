"""A made-up identity provider at the transport: it signs whatever a test wants, and remembers what it was asked."""

from __future__ import annotations

import json
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import httpx
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

ISSUER = "https://id.acme.example"


@cache
def rsa(name: str = "one", size: int = 2048) -> RSAKey:
    """An RSA key; the same one for the same name."""
    with warnings.catch_warnings(action="ignore"):  # a small key is what some tests are about
        return RSAKey.generate_key(size, {"kid": name, "use": "sig"})


@cache
def ec(name: str = "curve", curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": name, "use": "sig"})


def public(key: RSAKey | ECKey, **changes: Any) -> dict[str, Any]:
    """A key as a key set shows it; ``None`` leaves a member out."""
    found = {**key.as_dict(private=False), **changes}
    return {name: value for name, value in found.items() if value is not None}


def b64(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return urlsafe_b64encode(raw).decode().rstrip("=")


def signed(
    claims: dict[str, Any] | str,
    *,
    key: RSAKey | ECKey | OctKey | None = None,
    alg: str = "RS256",
    header: dict[str, Any] | None = None,
) -> str:
    """A token with a sound signature; ``header`` members that are ``None`` are left out."""
    whole: dict[str, Any] = {"alg": alg, "kid": "one", **(header or {})}
    whole = {name: value for name, value in whole.items() if value is not None}
    text = claims if isinstance(claims, str) else json.dumps(claims)
    return raw_signed(json.dumps(whole), text, key or rsa(), alg)


def raw_signed(header: str, payload: str, key: RSAKey | ECKey | OctKey, alg: str = "RS256") -> str:
    """A token of exactly these texts."""
    message = f"{b64(header)}.{b64(payload)}"
    signature = jws.JWSRegistry.algorithms[alg].sign(message.encode(), key)
    return f"{message}.{b64(signature)}"


class FakeProvider(httpx.AsyncBaseTransport):
    """``token_answer`` gives the token endpoint's answer to a form; ``faults`` answers by path before anything else."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.keys: list[dict[str, Any]] = [public(rsa())]
        self.metadata: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "end_session_endpoint": f"{issuer}/logout",
            "code_challenge_methods_supported": ["S256"],
            "response_types_supported": ["code", "code id_token"],
        }
        self.id_token = ""
        self.token: dict[str, Any] = {}
        self.token_status = 200
        self.userinfo: dict[str, Any] = {}
        self.requests: list[httpx.Request] = []
        self.faults: dict[str, Callable[[httpx.Request], httpx.Response]] = {}

    def asked(self, path: str) -> list[httpx.Request]:
        return [request for request in self.requests if request.url.path.endswith(path)]

    def form(self) -> dict[str, str]:
        """What the token endpoint was last asked."""
        return dict(parse_qsl(self.asked("/token")[-1].content.decode()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        path = request.url.path
        for ending, fault in self.faults.items():
            if path.endswith(ending):
                return fault(request)
        if path.endswith("/.well-known/openid-configuration"):
            return httpx.Response(200, json=self.metadata)
        if path.endswith("/keys"):
            return httpx.Response(200, json={"keys": self.keys})
        if path.endswith("/token"):
            answer = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": self.id_token}
            answer = {name: value for name, value in (answer | self.token).items() if value is not None}
            return httpx.Response(self.token_status, json=answer)
        if path.endswith("/userinfo"):
            return httpx.Response(200, json=self.userinfo)
        return httpx.Response(404, json={"error": "not_found"})


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def answering(status: int = 200, **parts: Any) -> Callable[[httpx.Request], httpx.Response]:
    """An answer that is always the same."""
    return lambda request: httpx.Response(status, **parts)
