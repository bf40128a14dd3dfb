"""What a plan must be, as a case writes it below ``[expect]``."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from crosskey.errors import ConfigError
from crosskey.plan import Action
from crosskey.settings import Settings

__all__ = ("Expectation", "Wanted")

Wanted = str | bool | int | float | tuple[str, ...]
"""A field's value, or the names of what a reference leads to."""

Parts = dict[str, Wanted]


class Expectation(Settings, frozen=True, kw_only=True):
    """What must hold. Whatever is not mentioned may be as it is.

    People are named by e-mail address, user name, display name or id, accounts as ``user:12``.
    """

    no: Annotated[
        tuple[Action, ...], Meta(description='Actions that the plan must not hold: ["disable", "create"].')
    ] = ()
    at_most: Annotated[
        dict[Action, int], Meta(description="By action, how many changes there may be: { create = 25 }.")
    ] = msgspec.field(default_factory=dict[Action, int])
    exactly: Annotated[dict[Action, int], Meta(description="By action, how many changes there must be.")] = (
        msgspec.field(default_factory=dict[Action, int])
    )
    only_fields: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="By kind, the fields and references that may change of accounts which are there already: "
            '{ user = ["title"] }.'
        ),
    ] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    gets: Annotated[
        dict[str, Parts],
        Meta(description='By person, what they get: { "ada@acme.example" = { site = "Acme / London" } }.'),
    ] = msgspec.field(default_factory=dict[str, Parts])
    loses: Annotated[dict[str, Parts], Meta(description="By person, the references that are taken from them.")] = (
        msgspec.field(default_factory=dict[str, Parts])
    )
    does: Annotated[
        dict[str, Action], Meta(description='By person, what happens to their account: { "bob@…" = "disable" }.')
    ] = msgspec.field(default_factory=dict[str, Action])
    left_alone: Annotated[
        tuple[str, ...], Meta(description="People and accounts for whom the plan holds no change at all.")
    ] = ()
    held: Annotated[
        tuple[str, ...] | None,
        Meta(description="The rails that hold something: these and no others. `[]`: nothing is held."),
    ] = None
    held_people: Annotated[
        dict[str, str], Meta(description='By person, the rail that holds them: { "bob@…" = "ambiguous-match" }.')
    ] = msgspec.field(default_factory=dict[str, str])
    second_plan_empty: Annotated[
        bool, Meta(description="Once the plan is applied (in memory), the next one changes nothing.")
    ] = False

    def __post_init__(self) -> None:
        if self.held is None and not any(getattr(self, name) for name in self.__struct_fields__):
            raise ConfigError(
                "nothing is expected: whatever the plan is, the case would pass",
                code="case-empty",
                fix='write what must hold, such as no = ["disable"]',
            )
