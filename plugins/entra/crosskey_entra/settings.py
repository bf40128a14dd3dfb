"""What a team writes under ``[source.<name>]`` with ``use = "entra"``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from crosskey.settings import Secret, Settings

__all__ = ("CloudName", "EntraSettings", "Verdict")

CloudName = Literal["global", "us-government", "us-dod", "china"]
"""Clouds whose addresses are known; ``global`` serves US GCC too, ``us-government`` is GCC High."""

Verdict = Literal["active", "inactive", "ignore"]
"""What guests are to accounts: should have them, should not, or nothing is changed."""


class EntraSettings(Settings, frozen=True, kw_only=True):
    """A tenant and an app registration with one of three credentials: secret, certificate, or federated token."""

    tenant: Annotated[str, Meta(description="Directory (tenant) ID, a GUID")]
    client_id: Annotated[str, Meta(description="Application (client) ID of the app registration, a GUID")]
    client_secret: Annotated[
        Secret | None, Meta(description="Value (not the ID) of a client secret of the app. This, or another credential")
    ] = None
    certificate: Annotated[
        Secret | None,
        Meta(description="PEM with the certificate that the app registration holds, and its private key"),
    ] = None
    private_key: Annotated[
        Secret | None, Meta(description="PEM with the certificate's private key, when it is in a file of its own")
    ] = None
    federated_token_file: Annotated[
        str, Meta(description="File with a token of an issuer that the app trusts (workload identity); read each time")
    ] = ""
    cloud: Annotated[
        CloudName, Meta(description="Which Microsoft cloud: `global`, `us-government` (GCC High), `us-dod`, `china`")
    ] = "global"
    authority: Annotated[
        str, Meta(description="Address of the sign-in service, where it is not that of `cloud`: `https://login.…`")
    ] = ""
    graph_url: Annotated[
        str, Meta(description="Address of Microsoft Graph, where it is not that of `cloud`: `https://graph.…`")
    ] = ""
    guests: Annotated[
        Verdict,
        Meta(
            description="What guests (`userType` Guest) are to accounts: `active` (as members), `inactive`, or "
            "`ignore`: none is made and none is changed. A disabled guest is inactive in any case"
        ),
    ] = "ignore"
    members: Annotated[
        Literal["transitive", "direct"],
        Meta(description="Whether people in groups within a group belong to it (`transitive`), or not (`direct`)"),
    ] = "transitive"
    attributes: Annotated[
        dict[str, str | tuple[str, ...]],
        Meta(
            description="Where to find attributes: a property of the user, or several, of which the first with a value "
            'counts: `{ email = ["mail", "userPrincipalName"], "extra.badge" = "extensionAttribute3" }`; '
            "`[]` leaves one out. Every other property is `extra.<name>` in mappings"
        ),
    ] = field(default_factory=dict[str, str | tuple[str, ...]])
    issuer: Annotated[
        str,
        Meta(
            description="Name that people of this source bear in the journal. "
            "Default: the issuer of the tenant's sign-in tokens"
        ),
    ] = ""
    hook_secret: Annotated[
        Secret | None,
        Meta(
            description="Random text, 32 to 128 characters, by which Graph's change notifications are known (its "
            "`clientState`). Without it none are taken"
        ),
    ] = None
    concurrency: Annotated[int, Meta(ge=1, le=16, description="Requests in flight")] = 6
