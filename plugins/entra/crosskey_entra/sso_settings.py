"""What a team writes under ``[sso.<door>]`` with ``use = "entra"``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from crosskey.errors import ConfigError
from crosskey.settings import Secret, Settings
from crosskey_entra.settings import CloudName

__all__ = ("EntraSsoSettings",)


class EntraSsoSettings(Settings, frozen=True, kw_only=True):
    """A tenant, the app registration that people sign in to, and one credential of it."""

    tenant: Annotated[str, Meta(description="Directory (tenant) ID, a GUID. As the source's")]
    tenants: Annotated[
        tuple[str, ...], Meta(description="Further tenants whose people may come in; the app must be multi-tenant then")
    ] = ()
    client_id: Annotated[
        str,
        Meta(
            description="Application (client) ID of the app registration for this door. Empty until "
            "`crosskey sso apply` has made it"
        ),
    ] = ""
    client_secret: Annotated[
        Secret | None, Meta(description="Value of a client secret of that app. This, or `certificate`")
    ] = None
    certificate: Annotated[
        Secret | None, Meta(description="PEM with the certificate that the app registration holds, and its private key")
    ] = None
    private_key: Annotated[
        Secret | None, Meta(description="PEM with the certificate's private key, when it is in a file of its own")
    ] = None
    cloud: Annotated[CloudName, Meta(description="Which Microsoft cloud. As the source's")] = "global"
    authority: Annotated[
        str, Meta(description="Address of the sign-in service, where it is not that of `cloud`. As the source's")
    ] = ""
    issuer: Annotated[str, Meta(description="Name that people of the tenant bear in the journal. As the source's")] = ""
    scopes: Annotated[
        tuple[str, ...],
        Meta(description="Scopes to ask for; with `offline_access` sessions are asked about while they are in use"),
    ] = ("openid", "profile", "email")
    mfa_context: Annotated[
        str,
        Meta(
            description="Authentication context (`c1` …) that a Conditional Access policy guards with a second factor; "
            "needed where one is required. Entra issues it too where no policy guards it: test that"
        ),
    ] = ""
    guests: Annotated[bool, Meta(description="Whether guests of the tenant come in by this door")] = False
    own_keys: Annotated[
        bool,
        Meta(description="The app has a claims mapping or a signing key of its own: keys are asked for by app"),
    ] = False

    def __post_init__(self) -> None:
        given = sum(each is not None for each in (self.client_secret, self.certificate))
        if given > 1 or (self.client_id and not given):
            raise ConfigError(
                "exactly one credential is needed", where="client_secret", fix="write client_secret or certificate"
            )
        if not {"openid", "profile"} <= set(self.scopes):
            raise ConfigError(
                "without the scopes openid and profile nobody is known",
                where="scopes",
                fix='add "openid", "profile"',
            )
