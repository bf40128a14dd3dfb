"""What the tests of the local Entra ID share: a tenant on a clock they move, clients, certificates, a mirror."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from functools import cache
from itertools import count

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from crosskey_sandbox.entra import EntraQuirks, EntraTenant, entra_app
from fake_clock import FakeClock

BASE = "https://entra.example"
SCOPE = "https://graph.microsoft.com/.default"
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
EVERYTHING = ("Directory.Read.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Application.Read.All")
_numbers = count(1)


def new_tenant(people: int = 0, **quirks) -> EntraTenant:
    tenant = EntraTenant(clock=FakeClock(), quirks=EntraQuirks(**quirks))
    for number in range(people):
        add(tenant, f"p{number:04}")
    tenant.directory.settle()
    return tenant


def add(tenant: EntraTenant, name: str, **values):
    upn = f"{name}@acme.example"
    base = {"userPrincipalName": upn, "mail": upn, "displayName": name, "accountEnabled": True, "userType": "Member"}
    return tenant.directory.create("user", {**base, **values}, manager=values.pop("manager_id", ""))


def group(tenant: EntraTenant, name: str, *members, **values):
    made = tenant.directory.create("group", {"displayName": name, "securityEnabled": True, **values})
    for member in members:
        tenant.directory.add_member(made.id, member.id)
    return made


def bearer(tenant: EntraTenant, *roles: str) -> str:
    """A token with exactly these permissions, or the source's own."""
    app = tenant.applications.register(f"app {next(_numbers)}", roles) if roles else tenant.application
    return tenant.applications.issue(app)[0]


def client(tenant: EntraTenant, *roles: str, **headers) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(entra_app(tenant)),
        base_url=BASE,
        headers={"authorization": f"Bearer {bearer(tenant, *roles)}", **headers},
    )


async def walk(http: httpx.AsyncClient, url: str) -> list[dict]:
    """The bodies of all pages, following next links as given."""
    pages, following = [], url
    while following:
        answer = await http.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        following = pages[-1].get("@odata.nextLink")
    return pages


def rows(pages: list[dict]) -> list[dict]:
    return [row for page in pages for row in page["value"]]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class Mirror:
    """What a client knows after following delta links of one collection: merged as Microsoft says."""

    def __init__(self) -> None:
        self.objects: dict[str, dict] = {}
        self.members: dict[str, set[str]] = {}
        self.removed: dict[str, str] = {}
        self.link = ""
        self.pages = 0

    async def follow(self, http: httpx.AsyncClient, url: str = "") -> list[dict]:
        pages = await walk(http, url or self.link)
        self.pages = len(pages)
        self.link = pages[-1]["@odata.deltaLink"]
        for row in rows(pages):
            self._take(row)
        return pages

    def _take(self, row: dict) -> None:
        key = row["id"]
        if "@removed" in row:
            self.removed[key] = row["@removed"]["reason"]
            self.objects.pop(key, None)
            self.members.pop(key, None)
            return
        self.removed.pop(key, None)
        known = self.objects.setdefault(key, {})
        known |= {name: value for name, value in row.items() if name != "members@delta"}
        held = self.members.setdefault(key, set())
        for member in row.get("members@delta", ()):
            (held.discard if "@removed" in member else held.add)(member["id"])


# ----------------------------------------------------------------------------------------------------------- signing in


class Pair:
    """A certificate and its key; times lie around the fake clock's."""

    def __init__(self, *, starts: float, ends: float) -> None:
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "crosskey test")])
        now = FakeClock().now()
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now + timedelta(days=starts))
            .not_valid_after(now + timedelta(days=ends))
            .sign(key, hashes.SHA256())
        )
        der = made.public_bytes(Encoding.DER)
        self.pem = made.public_bytes(Encoding.PEM)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.key = RSAKey.import_key(private, {"kid": "key"})
        self.sha1 = _b64(hashlib.sha1(der).digest())
        self.sha256 = _b64(hashlib.sha256(der).digest())


@cache
def pair(name: str, starts: float = -1, ends: float = 30) -> Pair:
    return Pair(starts=starts, ends=ends)


def assertion(header: dict, claims: dict, key: RSAKey) -> str:
    return jwt.encode(header, claims, key, registry=JWSRegistry(algorithms=[header["alg"]]))


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
