"""What a target can hold, asked without any network: for a first configuration, before there is a credential."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crosskey.config.annotations import described, member_for
from crosskey.connector.target import KindSpec, TargetSpec
from crosskey.context import InstanceContext
from crosskey.settings import Secret

__all__ = ("kinds_of",)


async def kinds_of(spec: TargetSpec) -> Sequence[KindSpec]:
    """The kinds of account of a target, by its schema, which costs no request."""
    values = {
        field.name: Secret("unused")
        if member_for(described(field.type)[0], {}) is Secret
        else "https://offline.invalid"
        for field in msgspec.structs.fields(spec.settings)
        if field.required
    }
    context = InstanceContext(f"target.{spec.name}")
    async with spec.open(spec.settings(**values), context) as target:
        return (await target.schema()).kinds
