"""The org authorization server's token endpoint, for service apps."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crosskey_sandbox.okta.access import Access, Grant, ServiceApp, covers
from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.dpop import ALGORITHMS, Proofs, WideHeaders
from crosskey_sandbox.okta.errors import OAuthError

__all__ = ("TOKEN_LIFE", "TokenEndpoint")

TOKEN_LIFE = 3600  # seconds, fixed on the org server
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LONGEST = 3600  # seconds that an assertion's exp may lie ahead


class TokenEndpoint:
    """``client_credentials`` with ``private_key_jwt``, and DPoP where the app demands it. No refresh tokens.

    Order of checks: client, proof, scopes. An assertion's ``jti`` is spent even when the proof then fails, so the
    second step of the nonce handshake needs a new one.
    """

    def __init__(self, cell: Cell, access: Access, proofs: Proofs) -> None:
        self._cell = cell
        self._access = access
        self._proofs = proofs
        self._spent: set[str] = set()

    def answer(self, body: bytes, *, url: str, proof: str | None) -> tuple[bytes, dict[str, str]]:
        """The token answer and its headers. ``url`` is the endpoint as called: the audience and the proof's htu."""
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "The authorization grant type is not supported by the server.")
        client = self._client(form, url)
        thumbprint = self._thumbprint(client, url, proof)
        asked = form.get("scope", "").split()
        scopes = [scope for scope in asked if covers(client.scopes, scope)]
        if not scopes:
            raise OAuthError("invalid_scope", "None of the requested scopes is allowed for this client.")
        token = self._issue(client, scopes, thumbprint)
        answer = {
            "token_type": "DPoP" if thumbprint else "Bearer",
            "expires_in": TOKEN_LIFE,
            "access_token": token,
            "scope": " ".join(scopes),
        }
        return msgspec.json.encode(answer), {"dpop-nonce": self._proofs.nonce} if thumbprint else {}

    def _client(self, form: dict[str, str], url: str) -> ServiceApp:
        assertion = form.get("client_assertion", "")
        if form.get("client_assertion_type") != _ASSERTION or not assertion:
            raise _refused("Okta scopes need client authentication by private_key_jwt.")
        client = self._access.client(_claimed_issuer(assertion))
        if client is None:
            raise _refused("The client id of the client_assertion is not known.")
        try:
            keys = KeySet.import_key_set({"keys": [dict(key) for key in client.keys]})  # pyright: ignore[reportArgumentType]  public keys as JSON; joserfc checks their members
            claims = jwt.decode(assertion, keys, registry=WideHeaders(algorithms=ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise _refused("The client_assertion signature is not valid.") from error
        self._check(claims, client, url)
        return client

    def _check(self, claims: dict[str, object], client: ServiceApp, url: str) -> None:
        now = self._cell.epoch()
        expires, issued, jti = claims.get("exp"), claims.get("iat"), claims.get("jti")
        if claims.get("sub") != client.client_id:
            raise _refused("iss and sub of the client_assertion must both be the client id.")
        if claims.get("aud") not in (url, [url]):
            raise _refused("The audience of the client_assertion must be the endpoint invoked for the request.")
        if not isinstance(expires, int | float) or expires <= now:
            raise _refused("The client_assertion token is expired.")
        if expires > now + _LONGEST:
            raise _refused("exp of the client_assertion must be within 3600 seconds of the current time.")
        if isinstance(issued, int | float) and issued > now + 1:
            raise _refused("iat of the client_assertion must not be in the future.")
        if jti is not None:
            if f"{client.client_id}/{jti}" in self._spent:
                raise _refused("The client_assertion token has already been used.")
            self._spent.add(f"{client.client_id}/{jti}")

    def _thumbprint(self, client: ServiceApp, url: str, proof: str | None) -> str | None:
        if proof is None:
            if client.dpop:
                raise OAuthError("invalid_dpop_proof", "The DPoP proof JWT header is missing.")
            return None
        return self._proofs.check(proof, method="POST", url=url, token=None, nonce=True)

    def _issue(self, client: ServiceApp, scopes: list[str], thumbprint: str | None) -> str:
        expires = self._cell.epoch() + TOKEN_LIFE
        claims = {
            "ver": 1,
            "jti": f"AT.{self._cell.noise(43)}",
            "cid": client.client_id,
            "scp": scopes,
            "exp": int(expires),
        }
        # Shaped like a JWT; the signature is noise, since Okta does not publish the keys of these tokens either.
        parts = (msgspec.json.encode({"kid": self._cell.noise(43), "alg": "RS256"}), msgspec.json.encode(claims))
        text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        token = f"{text}.{self._cell.noise(342)}"
        self._access.grants[token] = Grant(
            client=client, scopes=frozenset(scopes), expires=expires, thumbprint=thumbprint
        )
        return token


class _Issuer(msgspec.Struct):
    iss: str = ""


def _claimed_issuer(assertion: str) -> str:
    """The ``iss`` before the signature is checked: it says whose keys to check with."""
    parts = assertion.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(payload, type=_Issuer).iss
    except (IndexError, ValueError, msgspec.DecodeError):
        raise _refused("The client_assertion is not a JWT.") from None


def _refused(description: str) -> OAuthError:
    return OAuthError("invalid_client", description, status=401)
