"""What a team writes under ``[source.<name>]`` with ``use = "okta"``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from crosskey.settings import Secret, Settings

__all__ = ("APPS_SCOPE", "HOOKS_SCOPE", "LOG_SCOPE", "NEEDED_SCOPES", "OktaSettings", "Verdict")

Verdict = Literal["active", "inactive", "ignore"]
"""What a status means for accounts: should have them, should not, or nothing is changed."""

NEEDED_SCOPES = ("okta.users.read", "okta.groups.read", "okta.apps.read")
"""All that a read needs; the last one only when mappings name apps."""

LOG_SCOPE = "okta.logs.read"
"""For the System Log, by which changes are followed sooner and at less cost; nothing depends on it."""
HOOKS_SCOPE = "okta.eventHooks.manage"
"""For crosskey to set its event hook up; it can be set up by hand."""

APPS_SCOPE = "okta.apps.manage"
"""For crosskey to set up the apps that people sign in to; they can be set up by hand."""


class OktaSettings(Settings, frozen=True, kw_only=True):
    """An Okta org and one of two credentials: an API token, or an OAuth 2.0 service app ("API Services")."""

    url: Annotated[str, Meta(description="Address of the org, without `-admin` and path: `https://acme.okta.com`")]
    token: Annotated[
        Secret | None, Meta(description="API token (SSWS) of a Read-Only Administrator. This, or `client_id`")
    ] = None
    client_id: Annotated[str, Meta(description="Client ID of an API Services app, with `private_key`")] = ""
    private_key: Annotated[
        Secret | None, Meta(description="The app's private key: PEM (PKCS#8 or PKCS#1) or one JWK as JSON")
    ] = None
    key_id: Annotated[str, Meta(description="`kid` of that key, when the app has several and the JWK holds none")] = ""
    scopes: Annotated[
        tuple[str, ...], Meta(description="Scopes to ask for; each must be granted to the app (Okta API Scopes tab)")
    ] = NEEDED_SCOPES
    dpop: Annotated[
        bool | Literal["auto"],
        Meta(description="Bind tokens to a key (DPoP): `auto` asks Okta, which demands it of apps made since 2024"),
    ] = "auto"
    statuses: Annotated[
        dict[str, Verdict],
        Meta(
            description='What Okta statuses mean, over the safe defaults: `{ STAGED = "active" }`; '
            "`active`, `inactive` or `ignore` (nothing is changed)"
        ),
    ] = field(default_factory=dict[str, Verdict])
    attributes: Annotated[
        dict[str, str],
        Meta(
            description='Where to find neutral attributes in the Okta profile: `{ employee_number = "badgeId" }`; '
            "every other profile attribute is `extra.<name>` in mappings"
        ),
    ] = field(default_factory=dict[str, str])
    member_page: Annotated[
        int, Meta(ge=1, le=1000, description="Group members a page. Okta recommends 200; 1000 costs a fifth")
    ] = 200
    issuer: Annotated[
        str,
        Meta(
            description="Name that people of this source bear in the journal; keep the old address here when the "
            "org gets a custom domain. Default: `url`"
        ),
    ] = ""
    hosts: Annotated[
        tuple[str, ...],
        Meta(description="Further hosts that links to next pages may name (the okta.com host behind a custom domain)"),
    ] = ()
    hook_secret: Annotated[
        Secret | None,
        Meta(description="Secret that Okta's event hook sends in its `Authorization` header; without it none is heard"),
    ] = None
    concurrency: Annotated[int, Meta(ge=1, le=32, description="Requests in flight; Okta allows 35 to 75 per org")] = 8
