"""The keys of a ``[target.<name>]`` section with ``use = "halo"``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from crosskey.settings import Secret, Settings

__all__ = ("AgentMarker", "HaloSettings", "UserMarker")

UserMarker = Literal[
    "other1",
    "other2",
    "other3",
    "other4",
    "other5",
    "federated_identity_id",
    "third_party_relational_id",
    "oktaid",
]
"""Text fields of a user in which an external id can be kept."""

AgentMarker = Literal["federated_identity_id", "oktaid", "third_party_guid"]
"""Text fields of an agent in which an external id can be kept; agents have no ``otherN``."""


class HaloSettings(Settings, frozen=True, kw_only=True):
    """How to reach a Halo instance, as whom, and how hard to lean on it."""

    url: Annotated[
        str,
        Meta(description="Address of the instance, `https://acme.haloitsm.com` or `https://acme.halopsa.com`."),
    ]
    client_id: Annotated[
        str,
        Meta(
            description="Client ID of the API application (Configuration, Integrations, Halo API, View Applications)."
        ),
    ]
    client_secret: Annotated[Secret, Meta(description="Client secret of the API application, shown once by Halo.")]
    tenant: Annotated[
        str,
        Meta(description="Tenant, as Halo's API page shows it. Empty: ask the instance (`/api/authinfo`)."),
    ] = ""
    auth_url: Annotated[
        str,
        Meta(description="Authorisation server, where it is on another host than `url` (some self-hosted instances)."),
    ] = ""
    scope: Annotated[
        str,
        Meta(description="OAuth scopes, separated by spaces. Roles and agents need `all`."),
    ] = "all"
    requests_per_5_minutes: Annotated[
        int,
        Meta(
            ge=0,
            description="Requests allowed in any 5 minutes; hosted instances refuse at 300. 0: no limit of our own.",
        ),
    ] = 250
    page_size: Annotated[
        int, Meta(ge=1, le=100, description="Rows asked for in a list request. Halo gives at most 100.")
    ] = 100
    batch: Annotated[
        int, Meta(ge=1, le=100, description="Records written in one request. 1 where an instance mishandles arrays.")
    ] = 100
    concurrency: Annotated[int, Meta(ge=1, le=16, description="Requests in flight at once.")] = 4
    user_marker: Annotated[
        UserMarker,
        Meta(description="User field that holds crosskey's external id. It must be free of other uses."),
    ] = "other5"
    agent_marker: Annotated[
        AgentMarker,
        Meta(description="Agent field that holds crosskey's external id. Versions that do not know it ignore it."),
    ] = "federated_identity_id"
    fire_automations: Annotated[
        bool,
        Meta(
            description="Let Halo's automations run when crosskey writes a user; `false` asks Halo to hold them back."
        ),
    ] = True
