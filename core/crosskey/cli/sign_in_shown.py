"""How sign-in stands at both vendors, as people and programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crosskey.connector.sign_in import Survey
from crosskey.sso.set_up import Entrance

__all__ = ("as_json", "show_duties", "show_entrance")


def show_entrance(console: Console, entrance: Entrance) -> None:
    """One door: what differs, field by field, and what only a person can do."""
    console.print(f"[bold]{entrance.door}[/], by {escape(entrance.provider)}")
    for side in (each for each in (entrance.app, entrance.desk) if each.what):
        there = f" ({side.client_id})" if side.client_id else ""
        state = f"{len(side.differences)} to change" if side.differences else "as it should be"
        console.print(f"  {side.what}{there}: {state}", markup=False)
        if side.differences:
            console.print(_table(side))
    show_duties(console, duties_of(entrance))


def show_duties(console: Console, duties: Sequence[str]) -> None:
    """The checklist."""
    if duties:
        console.print("  For a person to do:")
        for duty in duties:
            console.print(f"    [ ] {duty}", markup=False, soft_wrap=True)


def duties_of(entrance: Entrance) -> tuple[str, ...]:
    """All that only a person can do, each thing once."""
    return tuple(dict.fromkeys((*entrance.duties, *entrance.app.duties, *entrance.desk.duties)))


def as_json(entrance: Entrance) -> dict[str, Any]:
    """The same for programs."""
    return {
        "door": entrance.door,
        "provider": entrance.provider,
        "app": _side(entrance.app),
        "desk": _side(entrance.desk),
        "duties": duties_of(entrance),
    }


def _side(survey: Survey) -> dict[str, Any]:
    return {
        "what": survey.what,
        "key": survey.key,
        "client_id": survey.client_id,
        "differences": [{"field": each.field, "now": each.now, "then": each.then} for each in survey.differences],
    }


def _table(survey: Survey) -> Table:
    table = Table("", "field", "now", "then", box=None, pad_edge=False)
    for each in survey.differences:
        table.add_row("   ", escape(each.field), escape(each.now), escape(each.then))
    return table
