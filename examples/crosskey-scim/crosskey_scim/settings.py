"""The keys of a ``[target.<name>]`` section with ``use = "scim"``."""

from __future__ import annotations

from typing import Annotated, Literal

from crosskey import Secret, Settings
from msgspec import Meta

__all__ = ("ScimSettings",)


class ScimSettings(Settings, frozen=True, kw_only=True):
    """Where the service is, as whom it is asked, and what it does not say of itself."""

    url: Annotated[
        str, Meta(description="Base address of the service, as `https://acme.example/scim/v2`; `/Users` lies below it.")
    ]
    token: Annotated[Secret, Meta(description="Bearer token, as the service's administration shows it.")]
    patch: Annotated[
        bool | Literal["auto"],
        Meta(
            description="Write only what changes (PATCH) instead of whole users and groups (PUT). `auto`: what the "
            "service says of itself; one that says nothing gets PUT, which every service must know."
        ),
    ] = "auto"
    attributes: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^urn:.+:[^:]+$")], ...],
        Meta(
            description="Plain attributes of the service's own extensions that mappings may write, by their full "
            "names, as `urn:acme:2.0:User:badge`."
        ),
    ] = ()
    page_size: Annotated[int, Meta(ge=2, le=1000, description="Users or groups asked for in a list request.")] = 100
    batch: Annotated[
        int, Meta(ge=1, le=500, description="Users written together; each group they share is written once for all.")
    ] = 50
    requests_per_minute: Annotated[
        int, Meta(ge=0, description="Requests allowed in any minute. 0: only what the service's answers say.")
    ] = 0
    concurrency: Annotated[int, Meta(ge=1, le=16, description="Requests in flight at once.")] = 4
