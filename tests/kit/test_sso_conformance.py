"""The sign-in flows by the kit that third parties use, over a local provider with each vendor's claims."""

from __future__ import annotations

from typing import Any, ClassVar

from crosskey.testing import FakeProvider, SsoFlowConformance

ISSUER, CLIENT = "https://id.acme.example", "crosskey-desk"
TENANT = "19ae0f99-6fc6-444b-bd54-97504efc66ad"


class Entra(FakeProvider):
    """Tokens of version 2: the object id is the person, ``sub`` is one of the app's own."""

    def person_claims(self, number: int) -> dict[str, Any]:
        return {
            "sub": f"kit-pairwise-{number}",
            "oid": f"0f0f0f0f-0000-4000-8000-{number:012d}",
            "tid": TENANT,
            "ver": "2.0",
        }


class TestOidcSignIn(SsoFlowConformance):
    plugin = "crosskey_oidc"
    use = "oidc"
    settings = f"""
issuer = "{ISSUER}"
client_id = "{CLIENT}"
client_secret = {{ env = "SSO_SECRET" }}
acr_values = ["urn:acme:2fa"]
"""
    secrets: ClassVar = {"SSO_SECRET": "synthetic-client-secret"}
    proves: ClassVar = {"acr": "urn:acme:2fa"}

    def vendor(self, clock):
        return FakeProvider(clock, issuer=ISSUER, client_id=CLIENT)


class TestOktaSignIn(SsoFlowConformance):
    plugin = "crosskey_okta"
    use = "okta"
    settings = f"""
url = "https://acme.okta.com"
client_id = "{CLIENT}"
client_secret = {{ env = "SSO_SECRET" }}
"""
    secrets: ClassVar = {"SSO_SECRET": "synthetic-client-secret"}
    proves: ClassVar = {"acr": "urn:okta:loa:2fa:any"}

    def vendor(self, clock):
        return FakeProvider(clock, issuer="https://acme.okta.com", client_id=CLIENT)


class TestEntraSignIn(SsoFlowConformance):
    plugin = "crosskey_entra"
    use = "entra"
    settings = f"""
tenant = "{TENANT}"
client_id = "{CLIENT}"
client_secret = {{ env = "SSO_SECRET" }}
mfa_context = "c1"
"""
    secrets: ClassVar = {"SSO_SECRET": "synthetic-client-secret"}
    proves: ClassVar = {"acrs": "c1"}

    def vendor(self, clock):
        return Entra(clock, issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0", client_id=CLIENT)
