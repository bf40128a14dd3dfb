"""Plans and results as tables for people and as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.config import Config
from crosskey.connector.target import TargetSchema
from crosskey.engine.duties import in_words
from crosskey.engine.run import Proposal, RunResult
from crosskey.model import Catalogue, Scalar
from crosskey.plan import Change, FieldChange, Plan

__all__ = ("Names", "Renderer", "console_for_tables", "counted", "reference_names", "what", "why", "written")

_SHOWN: Final = 10
"""Changes shown of each kind and action unless all are asked for."""

_COLOURS: Final[Mapping[str, str]] = {
    "create": "green",
    "adopt": "cyan",
    "enable": "green",
    "update": "yellow",
    "disable": "red",
    "relink": "cyan",
    "release": "magenta",
}
_SIGNS: Final[Mapping[str, str]] = {
    "create": "+",
    "adopt": "=",
    "enable": "^",
    "update": "~",
    "disable": "-",
    "relink": ">",
    "release": "/",
}

_WIDE: Final = 160

Names = Callable[[str, str, str], str]


class Renderer:
    """Shows what one run came to."""

    def __init__(self, console: Console, config: Config, *, show_all: bool = False, heading: str = "") -> None:
        self._console = console
        self._heading = heading
        self._config = config
        self._show_all = show_all
        self._shown = False
        self._names: Names = lambda _kind, _reference, id_: id_

    def proposal(self, proposal: Proposal) -> None:
        """How much was read, the plan as a table with reasons, then what is held."""
        self._names = reference_names(proposal.schema, proposal.catalogue)
        self._shown = True
        self._console.print(self._heading or self._read(proposal), markup=False)
        plan = proposal.plan
        if plan.size:
            self._changes(plan)
        if plan.held:
            self._held(plan)
        self._console.print(f"Plan: {counted(plan.header.counts)}{_held_count(plan)}.")

    def result(self, result: RunResult, *, applies: bool, saved: Path | None, by: str = "crosskey apply") -> None:
        """The whole run; what was proposed only if nobody saw it yet. ``by`` is what carries out what was saved."""
        if not self._shown:
            self.proposal(result)
        if result.because:
            self._console.print(f"[blue]i[/] everything was read: {escape(result.because)}")
        for notice in result.notices[:_SHOWN]:
            fix = f"\n      fix: {notice.fix}" if notice.fix else ""
            self._console.print(f"[yellow]note[/] {escape(notice.summary + fix)}")
        if len(result.notices) > _SHOWN:
            self._console.print(f"[yellow]note[/] … and {len(result.notices) - _SHOWN} more")
        if applies:
            self._outcome(result)
        if saved is not None:
            self._console.print(f"Saved. Apply exactly this: {by} {saved}")

    def result_json(
        self, result: RunResult, *, saved: Path | None, more: Mapping[str, object] = MappingProxyType({})
    ) -> None:
        """The whole run as one JSON object; changes are written as they are read."""
        head = {
            "run": result.run,
            "verdict": result.verdict,
            "reach": result.reach,
            "because": result.because,
            "people": result.people,
            "accounts": dict(result.accounts),
            "plan": result.plan.header,
            "notices": result.notices,
            "results": dict(result.applied.counts),
            "failures": [{"change": change.id, "outcome": outcome} for change, outcome in result.applied.failures],
            "waves": result.applied.waves,
            "error": result.applied.stopped.diagnostic() if result.applied.stopped else None,
            "saved": str(saved) if saved else None,
            **more,
        }
        encode = msgspec.json.Encoder().encode
        click.echo(encode(head)[:-1] + b',"changes":[', nl=False)
        for number, change in enumerate(result.plan.changes()):
            click.echo((b"," if number else b"") + encode(change), nl=False)
        click.echo(b"]}")

    def _read(self, proposal: Proposal) -> str:
        accounts = ", ".join(f"{count} {kind}s" for kind, count in proposal.accounts.items())
        sources = " + ".join(section.path for section in self._config.feeds)
        return f"{sources}: {proposal.people} people   {self._config.target.path}: {accounts}"

    def _changes(self, plan: Plan) -> None:
        listing = Listing("", "account", "who", details={"what": 4, "why": 5})
        shown: Counter[tuple[str, str]] = Counter()
        for change in plan.changes():
            shown[change.action, change.kind] += 1
            if self._show_all or shown[change.action, change.kind] <= _SHOWN:
                colour = _COLOURS[change.action]
                listing.add(
                    f"[{colour}]{_SIGNS[change.action]} {change.action}[/]",
                    change.kind if change.key is None else f"{change.kind} {escape(change.key)}",
                    f"[bold]{escape(change.label)}[/]",
                    escape(what(change, self._names, whole=self._show_all)),
                    escape(why(change)),
                )
        self._console.print(listing)
        for (action, kind), count in shown.items():
            if not self._show_all and count > _SHOWN:
                self._console.print(f"… and {count - _SHOWN} more to {action} ({kind}); --all shows every one")

    def _held(self, plan: Plan) -> None:
        listing = Listing("held", "who", details={"why": 5, "fix": 4})
        shown: Counter[str] = Counter()
        for hold in plan.held:
            shown[hold.rail] += hold.count
            if self._show_all or hold.scope != "person" or shown[hold.rail] <= _SHOWN:
                who = {"person": hold.label, "run": "the whole run", "class": f"all {hold.action}s"}[hold.scope]
                examples = "".join(f"\n  {example}" for example in hold.examples)
                why = escape(hold.summary + examples)
                listing.add(f"[magenta]! {hold.rail}[/]", f"[bold]{escape(who)}[/]", why, escape(hold.fix))
        self._console.print(listing)
        for rail, count in plan.header.held_counts.items():
            people = sum(hold.rail == rail and hold.scope == "person" for hold in plan.held)
            listed = shown[rail] if self._show_all or not people else min(shown[rail], _SHOWN)
            if count > listed:
                more = "--all shows more; " if shown[rail] > listed else ""
                self._console.print(
                    f"… and {count - listed} more held by {rail}; {more}`crosskey held --all` tells of each"
                )
        self._console.print("What lets it through, and what waits later: crosskey held")

    def _outcome(self, result: RunResult) -> None:
        applied = result.applied
        for wave in applied.waves:
            bad = (
                f"{wave.failed} failed, {wave.unverified} not as written" if wave.failed or wave.unverified else "good"
            )
            self._console.print(f"{wave.name[:1].upper()}{wave.name[1:]}: {wave.size} changes, {bad}.")
        for change, outcome in applied.failures[:_SHOWN]:
            what = outcome.code if outcome.result == "applied" else outcome.result
            who = f"{change.action} {change.kind} {escape(change.label)}"
            self._console.print(f"[red]{what}[/] {who}: {escape(outcome.message)}")
        if len(applied.failures) > _SHOWN:
            self._console.print(f"… and {len(applied.failures) - _SHOWN} more; see `crosskey history {result.run}`")
        if applied.stopped is not None:
            self._console.print(f"[red]Stopped:[/] {escape(str(applied.stopped))}")
        if applied.interrupted:
            self._console.print("[yellow]Interrupted:[/] what was begun is done; the next run goes on.")
        if applied.declined:
            self._console.print("Nothing was applied.")
        elif applied.counts:
            done = ", ".join(f"{count} {name}" for name, count in sorted(applied.counts.items()))
            self._console.print(f"Run {result.run}: {done}.")
        else:
            self._console.print(f"Run {result.run}: nothing to do.")


def console_for_tables() -> Console:
    """Standard output; where it is a file or a pipe, lines are long enough for a table."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, _WIDE))


def reference_names(schema: TargetSchema, catalogue: Catalogue) -> Names:
    """A function from kind, reference and id to the catalogue's name."""
    listing = {(kind.name, reference.name): reference.listing for kind in schema.kinds for reference in kind.references}
    names = {(entry.reference, entry.id): entry.name for entry in catalogue.entries}
    return lambda kind, reference, id_: names.get((listing.get((kind, reference), reference), id_), id_)


def written(value: Scalar) -> str:
    """A field's value as a person reads it."""
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def what(change: Change, names: Names, *, whole: bool) -> str:
    """References first, they decide access; unless the ``whole`` is asked for, fields of a new account are counted."""
    parts: list[str] = []
    for name, reference in change.references.items():
        added = [names(change.kind, name, id_) for id_ in reference.after if id_ not in reference.before]
        taken = [names(change.kind, name, id_) for id_ in reference.before if id_ not in reference.after]
        signs = added if change.action == "create" else [f"+{each}" for each in added]
        mark = " (drift)" if name in change.drifted else ""
        parts.append(f"{name}: {', '.join([*signs, *(f'-{each}' for each in taken)])}{mark}")
    if change.action == "create" and not whole:
        parts.append(f"{len(change.fields)} fields")
    else:
        parts += [
            _field(name, field) + (" (drift)" if name in change.drifted else "")
            for name, field in change.fields.items()
        ]
    if change.active is not None and change.action != "create":
        parts.append("switched on" if change.active.after else "switched off")
    if change.end_sessions:
        parts.append("sessions ended")
    if change.duties:
        parts.append(f"leaves behind {in_words(change.duties)}")
    if change.hand_over is not None:
        parts.append(f"open tickets go to {change.hand_over.label}")
    return "; ".join(parts)


def _field(name: str, field: FieldChange) -> str:
    if field.before in (None, ""):
        return f"{name}: {written(field.after)}"
    return f"{name}: {written(field.before)} → {written(field.after)}"


def why(change: Change) -> str:
    """Why as a whole, then the rule behind each reference; rules of fields are named by their lines."""
    reasons = [change.why[""]] if change.why.get("") else []
    by_rule: dict[str, list[str]] = {}
    for name in change.references:
        if name in change.why:
            by_rule.setdefault(change.why[name], []).append(name)
    reasons += [f"{', '.join(names)}: {rule}" for rule, names in by_rule.items()]
    reasons += [f"{name}: {change.why[name]}" for name in change.fields if name in change.drifted]
    lines = [name for name in change.fields if name in change.why and name not in change.drifted]
    if lines and change.action == "update":
        reasons.append(f"[map.{change.kind}.fields] {', '.join(lines)}")
    return "; ".join(reasons)


def counted(counts: Mapping[str, int]) -> str:
    """How many changes of each action."""
    if not counts:
        return "nothing to do"
    return ", ".join(f"[{_COLOURS[action]}]{count} to {action}[/]" for action, count in counts.items())


def _held_count(plan: Plan) -> str:
    count = sum(plan.header.held_counts.values())
    return f", [magenta]{count} held[/]" if count else ""
