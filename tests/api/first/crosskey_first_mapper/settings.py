"""What a team writes below ``[map.<kind>]``."""

from __future__ import annotations

from typing import Annotated

import msgspec
from crosskey import Settings
from msgspec import Meta

__all__ = ("FirstMapperSettings",)


class FirstMapperSettings(Settings, frozen=True, kw_only=True):
    """Each description is the documentation: in ``crosskey init``, ``plugins show`` and error messages."""

    group: Annotated[str, Meta(description="Who is in this group has an account.")]
    fields: Annotated[dict[str, str], Meta(description="Field of the account = attribute of the person.")]
    match: Annotated[
        str, Meta(description="Attribute by which accounts that are there already are recognised. Empty: none are.")
    ] = ""
    reference: Annotated[str, Meta(description="What the table gives, such as `site`.")]
    by: Annotated[str, Meta(description="The attribute that the table goes by, such as `locality`.")]
    table: Annotated[dict[str, str], Meta(description="Value of the attribute = name in the target.")] = msgspec.field(
        default_factory=dict[str, str]
    )
    otherwise: Annotated[str, Meta(description="The name for whom the table has no entry.")]
