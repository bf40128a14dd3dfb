"""``crosskey explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import Names, console_for_tables, reference_names, written
from crosskey.cli.session import Session
from crosskey.connector.mapper import Desired
from crosskey.engine.explanation import AccountExplained, Entry, Explanation
from crosskey.engine.explanation import explain as explain_person
from crosskey.engine.stage import Stage
from crosskey.model import PERSON_ATTRIBUTES

__all__ = ("explain",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey explain ada@acme.example
  crosskey explain user:1234              by the account in the target
"""
)
@click.argument("who")
@config_option
@json_option
def explain(who: str, config_path: Path, *, as_json: bool) -> None:
    """Say everything about one person: rules, groups, accounts, changes.

    WHO is an e-mail address, a user name or an id of the source, or an account of the target as kind:key. Reads the
    last run's snapshot and the journal; needs no network and no secrets.
    """
    session = Session(config_path, offline=True)
    snapshot = session.config.journal.path.with_name("snapshot.sqlite")
    with session.reading() as journal, Stage.kept(snapshot) as stage:
        explanations = explain_person(session.config, journal, stage, who)
    if as_json:
        click.echo(msgspec.json.encode([_as_data(each) for each in explanations]))
        return
    console = console_for_tables()
    for explanation in explanations:
        _show(console, explanation)


def _as_data(explanation: Explanation) -> dict[str, object]:
    data = msgspec.structs.asdict(explanation)
    del data["schema"], data["catalogue"]
    return data


def _show(console: Console, explanation: Explanation) -> None:
    person = explanation.person
    title = person.label if person else f"{explanation.subject.id} (not in the last read)"
    console.print(f"[bold]{escape(title)}[/]")
    subject, read_at = explanation.subject, explanation.read_at
    _say(console, f"{subject.issuer} id {subject.id}, as read {read_at:%Y-%m-%d %H:%M} UTC")
    if person is not None:
        active = {True: "active", False: "not active", None: "unknown: nothing is changed"}[person.active]
        _say(console, f"status {person.status or '(none)'}: {active}")
        facts = [f"{name} {text}" for name in PERSON_ATTRIBUTES if name != "status" and (text := person.text(name))]
        facts += [f"extra.{name} {value}" for name, value in person.extra.items()]
        _say(console, f"{escape('; '.join(facts))}")
    _say(console, f"groups that rules name: {escape(_named((*explanation.groups, *explanation.apps)))}")
    for entry in explanation.entries:
        _show_entry(console, entry)
    names = reference_names(explanation.schema, explanation.catalogue)
    for account in explanation.accounts:
        _show_account(console, account, names, reads=explanation.absent_reads)


def _show_entry(console: Console, entry: Entry) -> None:
    subject, person = entry.subject, entry.person
    state = "not in the last read" if person is None else f"status {person.status or '(none)'}"
    _say(console, escape(f"known to {subject.issuer} as {subject.id}, {state}; in {_named(entry.groups)}"))
    if entry.because:
        since = "" if entry.since is None else f" since {entry.since:%Y-%m-%d %H:%M} UTC in run {entry.run}"
        _say(console, escape(f"the same person by {entry.because}{since}"), indent=4)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "none"


def _show_account(console: Console, explained: AccountExplained, names: Names, *, reads: int) -> None:
    console.print()
    console.print(f"[bold]{explained.kind}[/]")
    desired, link, account = explained.desired, explained.link, explained.account
    if desired is not None:
        verdict = "wanted" if desired.in_scope else "not wanted"
        _say(console, f"rules: {verdict}: {escape(desired.why.get('', ''))}")
        if desired.problem and not explained.held:
            _say(console, f"[magenta]would be held:[/] {escape(desired.problem)}")
    for held in explained.held:
        _say(console, f"[magenta]held ({held.rail}):[/] {escape(held.summary)}")
        if held.fix:
            _say(console, f"fix: {escape(held.fix)}", indent=4)
    if link is None:
        _say(console, "account: none of crosskey's")
    else:
        state = "not in the last read" if account is None else "active" if account.active else "not active"
        since = f"{link.established_by} {link.since:%Y-%m-%d %H:%M} UTC in run {link.run}"
        _say(console, f"account: {explained.kind} {link.key}, {state}; {since}")
    if explained.leaving_since is not None:
        _say(console, f"leaving since {explained.leaving_since:%Y-%m-%d %H:%M} UTC")
    if (missing := explained.missing) is not None:
        since = f"missing from the source since {missing.since:%Y-%m-%d %H:%M} UTC"
        _say(console, f"{since}, {missing.confirmations} of {reads} confirmations")
    if desired is not None and desired.in_scope:
        console.print(Padding(_fields(explained, desired, names), (0, 0, 0, 4)))
    for operation in explained.operations:
        change = operation.change
        parts = ", ".join((*change.fields, *change.references)) or change.why.get("", "")
        when = f"{operation.intent_at:%Y-%m-%d %H:%M:%S}"
        _say(console, f"{when} {change.action} ({operation.state}) {escape(parts)} in run {operation.run}")


def _say(console: Console, text: str, *, indent: int = 2) -> None:
    """A paragraph whose lines are all indented."""
    console.print(Padding(text, (0, 0, 0, indent), expand=False))


def _fields(explained: AccountExplained, desired: Desired, names: Names) -> Listing:
    """Each field and reference that rules write: as the last read found it and as it should be, and by which rule."""
    listing = Listing("field", "value", details={"rule": 1})
    account = explained.account

    def add(name: str, now: str, wanted: str) -> None:
        value = escape(wanted) if account is None or now == wanted else f"{escape(now)} [yellow]→[/] {escape(wanted)}"
        listing.add(name, value, escape(desired.why.get(name, "")))

    for name, value in desired.fields.items():
        add(name, written(account.fields.get(name)) if account else "", written(value))
    for name, ids in desired.references.items():
        there = account.references.get(name, ()) if account else ()
        now, wanted = (", ".join(names(explained.kind, name, id_) for id_ in each) for each in (there, ids))
        add(name, now or written(None), wanted)
    return listing
