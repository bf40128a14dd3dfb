"""What the tests of the local Okta share: an org on a clock they move, clients, and a service app's key."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from itertools import count

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks, ServiceApp, okta_app
from fake_clock import FakeClock

BASE = "https://acme.okta.example"
TOKEN_URL = f"{BASE}/oauth2/v1/token"
SCOPES = ("okta.users.read", "okta.groups.read", "okta.apps.read")


class Wide(JWSRegistry):
    max_header_length = 8192


def new_org(people: int = 0, **quirks) -> OktaOrg:
    org = OktaOrg(clock=FakeClock(), quirks=OktaQuirks(**quirks))
    for number in range(people):
        add(org, f"p{number:04}")
    return org


def add(org: OktaOrg, name: str, **profile):
    values = {"login": f"{name}@acme.example", "email": f"{name}@acme.example", "firstName": name, "lastName": "Test"}
    return org.users.create({**values, **profile}, password=True)


def client(org: OktaOrg, token: str | None = None, **headers) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(okta_app(org)),
        base_url=BASE,
        headers={"authorization": f"SSWS {token or org.api_token}", **headers},
    )


async def walk(http: httpx.AsyncClient, url: str) -> list[list[dict]]:
    """All pages, following next links as given."""
    pages, following = [], url
    while following:
        answer = await http.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        following = answer.links.get("next", {}).get("url")
    return pages


def ids(pages: list[list[dict]]) -> list[str]:
    return [row["id"] for page in pages for row in page]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


@cache
def rsa(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name})


@cache
def ec(name: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": name})


class Service:
    """A service app that signs its own assertions and proofs."""

    def __init__(self, org: OktaOrg, *, scopes=SCOPES, rights=READ_ONLY, dpop: bool = True) -> None:
        self.org = org
        self.key = rsa("client")
        self.proof_key = rsa("proof")
        self.app: ServiceApp = org.access.add_service_app(
            [self.key.as_dict(private=False)], scopes, rights=rights, dpop=dpop
        )
        self._numbers = count(1)
        self.http = client(org)
        del self.http.headers["authorization"]

    def now(self) -> int:
        return int(self.org.cell.clock.now().timestamp())

    def assertion(self, *, key: RSAKey | None = None, **claims) -> str:
        me = self.app.client_id
        base = {"iss": me, "sub": me, "aud": TOKEN_URL, "exp": self.now() + 300, "jti": f"a{next(self._numbers)}"}
        key = key or self.key
        return jwt.encode({"alg": "RS256", "kid": key.kid}, {**base, **claims}, key)

    def proof(
        self, url: str, *, method: str = "GET", key=None, token: str | None = None, typ="dpop+jwt", **claims
    ) -> str:
        key = key or self.proof_key
        base = {"htm": method, "htu": url, "iat": self.now(), "jti": f"p{next(self._numbers)}"}
        if token is not None:
            base["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        public = {k: v for k, v in key.as_dict(private=False).items() if k != "kid"}
        header = {"alg": "ES256" if isinstance(key, ECKey) else "RS256", "typ": typ, "jwk": public}
        return jwt.encode(header, {**base, **claims}, key, registry=Wide(algorithms=[header["alg"]]))

    async def ask(
        self, *, scope: str = " ".join(SCOPES), proof: str | None = None, assertion: str | None = None, **form
    ):
        data = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion or self.assertion(),
            **form,
        }
        return await self.http.post("/oauth2/v1/token", data=data, headers={"dpop": proof} if proof else {})

    async def token(self, **ask) -> httpx.Response:
        """The whole handshake: ask, learn the nonce, ask again."""
        if not self.app.dpop:
            return await self.ask(**ask)
        first = await self.ask(proof=self.proof(TOKEN_URL, method="POST"), **ask)
        assert first.json()["error"] == "use_dpop_nonce"
        return await self.ask(proof=self.proof(TOKEN_URL, method="POST", nonce=first.headers["dpop-nonce"]), **ask)

    async def get(self, path: str, access: str, **proof) -> httpx.Response:
        if not self.app.dpop:
            return await self.http.get(path, headers={"authorization": f"Bearer {access}"})
        bare = BASE + path.partition("?")[0]
        headers = {"authorization": f"DPoP {access}", "dpop": self.proof(bare, **{"token": access, **proof})}
        return await self.http.get(path, headers=headers)
