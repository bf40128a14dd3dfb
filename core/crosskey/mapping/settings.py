"""What a team writes below ``[map.<kind>]``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crosskey.connector.mapper import DriftPolicy, Ownership
from crosskey.model import Scalar
from crosskey.settings import Settings

__all__ = ("FieldSettings", "LeaverSettings", "Names", "ReassignSettings", "RulesSettings", "ScopeSettings", "Written")

Names = str | tuple[str, ...]
"""One name, or a list of names; each may be a template."""


class ScopeSettings(Settings, frozen=True):
    """Who should have an account of this kind: in any of the groups or apps, and the condition holds."""

    groups: Annotated[tuple[str, ...] | None, Meta(description="Members of any of these groups.")] = None
    apps: Annotated[tuple[str, ...] | None, Meta(description="People assigned to any of these applications.")] = None
    except_groups: Annotated[
        tuple[str, ...] | None, Meta(description="Nobody who is in one of these groups, whatever else holds.")
    ] = None
    where: Annotated[
        str | None, Meta(description="A condition that must hold too, such as user_type != 'service'.")
    ] = None


class ReassignSettings(Settings, frozen=True):
    """Who takes over the open tickets of leavers."""

    reassign: Annotated[str, Meta(description='The account or team: "agent:12", "team:2nd Line".')]


class LeaverSettings(Settings, frozen=True):
    """What happens to the account of somebody who left the source or the scope."""

    do: Annotated[Literal["disable", "keep"], Meta(description="Disable the account, or keep it as it is.")] = "disable"
    after: Annotated[timedelta, Meta(description="The grace before that, such as 7d.")] = timedelta(0)
    duties: Annotated[
        Literal["list", "hold"] | ReassignSettings,
        Meta(
            description="Open tickets, approvals and teams led: list them and go on, hold the account on while there "
            'are any, or hand the tickets over: { reassign = "agent:12" } or "team:2nd Line".'
        ),
    ] = "list"


class FieldSettings(Settings, frozen=True):
    """One field written out: where its value comes from, and when it is written."""

    from_: Annotated[str | None, Meta(description="The attribute to copy.")] = msgspec.field(default=None, name="from")
    template: Annotated[str | None, Meta(description="A Jinja2 template over the attributes.")] = None
    value: Annotated[Scalar, Meta(description="The same value for everybody.")] = None
    write: Annotated[
        Ownership,
        Meta(description="always: whenever it differs; on_create: only with the create; if_empty: while it is empty."),
    ] = "always"
    drift: Annotated[
        DriftPolicy | None, Meta(description="For this field: as drift of the kind, which counts where this is absent.")
    ] = None


Written = str | bool | int | float | FieldSettings
"""A field's rule as written; constants that stand alone are refused later, with their fix."""


class RulesSettings(Settings, frozen=True):
    """The rules of one kind of account.

    ``fields`` values are a template (text with ``{{`` or ``{%``), the name of an attribute, or a table. ``assign``
    rules count in the order written: the first that matches gives a single reference, all that match add to a set.
    """

    scope: Annotated[ScopeSettings, Meta(description="Who should have an account; absent: everyone.")] = ScopeSettings()
    match: Annotated[
        tuple[str, ...], Meta(description="Attributes by which accounts without a link are adopted, in order.")
    ] = ()
    leavers: Annotated[LeaverSettings, Meta(description="What happens to accounts of leavers.")] = LeaverSettings()
    drift: Annotated[
        DriftPolicy,
        Meta(
            description="When somebody else changed what crosskey applied: reassert (write it again), "
            "yield (leave it to them), alert (hold it for a person)."
        ),
    ] = "reassert"
    fields: Annotated[
        dict[str, Written],
        Meta(description="Field = attribute, template, or { from | template | value = …, write = …, drift = … }."),
    ] = msgspec.field(default_factory=dict)
    assign: Annotated[
        tuple[dict[str, Names], ...],
        Meta(description="Rules: group, groups, app, apps, where; every other key is a reference to give."),
    ] = ()
    default: Annotated[dict[str, Names], Meta(description="References for whom no assign rule gave one.")] = (
        msgspec.field(default_factory=dict)
    )
