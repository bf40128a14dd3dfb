"""A door to a made-up tenant, whose directory is at the made-up provider's address."""

from __future__ import annotations

from sso_bench import ISSUER, section_of
from sso_provider import FakeProvider

TENANT = "11111111-1111-1111-1111-111111111111"
OID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def entra(rules=None, **own):
    defaults = {"tenant": TENANT, "authority": ISSUER, "issuer": ISSUER, "mfa_context": "c1"}
    return section_of("entra", rules=rules, **{**defaults, **own})


def of_entra() -> FakeProvider:
    provider = FakeProvider()
    provider.issuer = provider.metadata["issuer"] = f"{ISSUER}/{TENANT}/v2.0"
    return provider


def entra_claims(**changes):
    return {"tid": TENANT, "ver": "2.0", "oid": OID, "sub": "pairwise", **changes}
