"""Every change of one field, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.cli.render import Names, console_for_tables, reference_names, written
from crosskey.engine.explanation import Explanation
from crosskey.engine.field_story import Value, written_of
from crosskey.errors import ConfigError, close_matches

__all__ = ("show_history", "shown")


def shown(kind: str, name: str, value: Value, names: Names) -> str:
    """A field's value, or what a reference's ids are called."""
    if isinstance(value, tuple):
        return ", ".join(names(kind, name, id_) for id_ in value) or written(None)
    return written(value)


def show_history(explanations: Sequence[Explanation], field: str, *, as_json: bool) -> None:
    """List every write that changed a field, newest first. Raises :class:`ConfigError` for one nobody ever wrote."""
    found = [
        (explanation, account.kind, written_of(account.operations, field))
        for explanation in explanations
        for account in explanation.accounts
    ]
    found = [one for one in found if one[2]] or found[:1]
    known = {
        name
        for explanation in explanations
        for account in explanation.accounts
        for name in (
            *(story.name for story in account.fields),
            *(
                name
                for operation in account.operations
                for name in (*operation.change.fields, *operation.change.references)
            ),
        )
    }
    if field not in known | {"active"}:
        raise ConfigError(
            f'no rule and no write names a field "{field}". {close_matches(field, known)}'.rstrip(),
            code="field-unknown",
            where="--field",
            fix="name a field or reference of the account, or active",
        )
    if as_json:
        click.echo(
            msgspec.json.encode(
                [
                    {"subject": explanation.subject, "kind": kind, "field": field, "changes": changes}
                    for explanation, kind, changes in found
                ]
            )
        )
        return
    console = console_for_tables()
    for explanation, kind, changes in found:
        names = reference_names(explanation.schema, explanation.catalogue)
        title = explanation.person.label if explanation.person else explanation.subject.id
        console.print(f"[bold]{escape(title)}[/] {kind} {escape(field)}")
        if not changes:
            console.print("  crosskey never wrote it")
            continue
        listing = Listing("when (UTC)", "run", details={"change": 3, "why": 4})
        for change in changes:
            before, after = (shown(kind, field, value, names) for value in (change.before, change.after))
            state = "" if change.state in ("done", "resolved_present") else f" ({change.state})"
            listing.add(
                f"{change.at:%Y-%m-%d %H:%M:%S}",
                change.run,
                f"{change.action}: {escape(before)} → {escape(after)}{state}",
                escape(change.why),
            )
        console.print(listing)
