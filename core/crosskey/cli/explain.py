"""``crosskey explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from crosskey.cli.field_history import show_history, shown
from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import Names, console_for_tables, reference_names, written
from crosskey.cli.session import Session
from crosskey.connector.mapper import Desired
from crosskey.engine.explanation import AccountExplained, Entry, Explanation
from crosskey.engine.explanation import explain as explain_person
from crosskey.engine.field_story import OURS, FieldStory
from crosskey.engine.merging import Preference
from crosskey.engine.past.asking import explain_as_of, named_run, rules_text
from crosskey.engine.stage import Stage
from crosskey.journal import Trouble, Watchbook
from crosskey.model import PERSON_ATTRIBUTES, Person

__all__ = ("explain",)

_GO_ON: Final = "see `crosskey status`, then `crosskey watch --clear`"

_SHOWN: Final = 20
"""So many of the last writes to an account are listed."""


@click.command(
    epilog="""\
\b
Examples:
  crosskey explain ada@acme.example
  crosskey explain user:1234              by the account in the target
  crosskey explain ada@acme.example --field title
  crosskey explain ada@acme.example --at 2026-11-23
"""
)
@click.argument("who")
@config_option
@json_option
@click.option(
    "--at",
    metavar="RUN",
    help="As of a run that is past: its id, the beginning of it, or a day or time (UTC) at which it was the last.",
)
@click.option("--field", metavar="NAME", help="List every change of one field or reference (`active`: on and off).")
def explain(who: str, config_path: Path, *, as_json: bool, at: str | None, field: str | None) -> None:
    """Say everything about one person: rules, groups, accounts, changes.

    WHO is an e-mail address, a user name or an id of the source, or an account of the target as kind:key. Reads
    snapshots and the journal; needs no network and no secrets. For each field it names what it is made of, the rule
    and its line, the run that wrote it last, and whose it is.
    """
    session = Session(config_path, offline=True)
    explanations = _explained(session, who, at)
    if field is not None:
        show_history(explanations, field, as_json=as_json)
    elif as_json:
        trouble = _given_up(session) if at is None else None
        click.echo(msgspec.json.encode([_as_data(each, trouble) for each in explanations]))
    else:
        console = console_for_tables()
        if at is None:
            _show_given_up(console, session)
        for explanation in explanations:
            _show(console, explanation, session.config.path.name)


def _explained(session: Session, who: str, at: str | None) -> list[Explanation]:
    config, text = session.config, rules_text(session.config.path)
    with session.reading() as journal:
        if at is not None:
            run = named_run(journal, at)
            return explain_as_of(config, session.plugins, journal, run, who, clock=session.clock, text=text)
        preference = Preference.by_names(config.sync.prefer, config.sync.sources)
        with Stage.kept(config.journal.path.with_name("snapshot.sqlite"), preference=preference) as stage:
            return explain_person(config, journal, stage, who, text=text)


def _show_given_up(console: Console, session: Session) -> None:
    """Why nothing comes of what is told below, where the watcher gave up."""
    if (trouble := _given_up(session)) is not None:
        since = f"{trouble.failures} rounds failed since {trouble.since:%Y-%m-%d %H:%M} UTC"
        console.print(
            f"[red]given up (given-up):[/] {since}, and none begins by itself any more: {escape(trouble.text)}"
        )
        _say(console, f"fix: {_GO_ON}")


def _given_up(session: Session) -> Trouble | None:
    """The trouble for which no round begins by itself any more."""
    with Watchbook.reading(session.config.journal.path, clock=session.clock, connection=session.connection) as book:
        trouble = book.trouble()
    return trouble if trouble is not None and trouble.given_up else None


def _as_data(explanation: Explanation, trouble: Trouble | None) -> dict[str, object]:
    data = msgspec.structs.asdict(explanation)
    del data["schema"], data["catalogue"]
    data["given_up"] = None
    if trouble is not None:
        said = {"failures": trouble.failures, "since": trouble.since, "code": trouble.code, "text": trouble.text}
        data["given_up"] = {**said, "fix": _GO_ON}
    return data


def _show(console: Console, explanation: Explanation, file: str) -> None:
    person = explanation.person
    title = person.label if person else f"{explanation.subject.id} (not in the last read)"
    console.print(f"[bold]{escape(title)}[/]")
    subject, read_at = explanation.subject, explanation.read_at
    read = "" if read_at is None else f", as read {read_at:%Y-%m-%d %H:%M} UTC"
    by = f" by run {explanation.read_by}" if read and explanation.read_by else ""
    _say(console, escape(f"{subject.issuer} id {subject.id}{read}{by}"))
    if explanation.unknown:
        _say(console, f"[yellow]{escape(explanation.unknown)}[/]")
    if person is not None:
        active = {True: "active", False: "not active", None: "unknown: nothing is changed"}[person.active]
        _say(console, f"status {person.status or '(none)'}: {active}")
        facts = [f"{name} {text}" for name in PERSON_ATTRIBUTES if name != "status" and (text := person.text(name))]
        facts += [f"extra.{name} {value}" for name, value in person.extra.items()]
        _say(console, f"{escape('; '.join(facts))}")
    if read_at is not None:
        _say(console, f"groups that rules name: {escape(_named((*explanation.groups, *explanation.apps)))}")
    for entry in explanation.entries:
        _show_entry(console, entry)
    names = reference_names(explanation.schema, explanation.catalogue)
    for account in explanation.accounts:
        _show_account(console, account, names, file, explanation)


def _show_entry(console: Console, entry: Entry) -> None:
    subject, person = entry.subject, entry.person
    state = "not in the last read" if person is None else f"status {person.status or '(none)'}"
    _say(console, escape(f"known to {subject.issuer} as {subject.id}, {state}; in {_named(entry.groups)}"))
    if entry.because:
        since = "" if entry.since is None else f" since {entry.since:%Y-%m-%d %H:%M} UTC in run {entry.run}"
        _say(console, escape(f"the same person by {entry.because}{since}"), indent=4)


def _named(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "none"


def _show_account(
    console: Console, explained: AccountExplained, names: Names, file: str, explanation: Explanation
) -> None:
    console.print()
    console.print(f"[bold]{explained.kind}[/]")
    desired, link = explained.desired, explained.link
    if desired is not None:
        _say(console, f"rules: {_verdict(desired, explanation.person)}{escape(desired.why.get('', ''))}")
        if desired.problem and not explained.held:
            _say(console, f"[magenta]would be held:[/] {escape(desired.problem)}")
    for held in explained.held:
        _say(console, f"[magenta]held ({held.rail}):[/] {escape(held.summary)}")
        if held.fix:
            _say(console, f"fix: {escape(held.fix)}", indent=4)
    if link is None:
        _say(console, "account: none of crosskey's")
    else:
        state = {True: "active", False: "not active", None: "not in the last read"}[explained.active]
        since = f"{link.established_by} {link.since:%Y-%m-%d %H:%M} UTC in run {link.run}"
        _say(console, f"account: {explained.kind} {link.key}, {state}; {since}")
    if any(drift.part == "active" for drift in explained.drifts):
        _say(console, "[yellow]drift:[/] somebody else switched it on or off; `crosskey drift` shows it")
    if explained.leaving_since is not None:
        _say(console, f"leaving since {explained.leaving_since:%Y-%m-%d %H:%M} UTC")
    if (missing := explained.missing) is not None:
        since = f"missing from the source since {missing.since:%Y-%m-%d %H:%M} UTC"
        _say(console, f"{since}, {missing.confirmations} of {explanation.absent_reads} confirmations")
    if explained.fields and (link is not None or (desired is not None and desired.in_scope)):
        console.print(Padding(_fields(explained, names, file), (0, 0, 0, 4)))
    for operation in explained.operations[:_SHOWN]:
        change = operation.change
        parts = ", ".join((*change.fields, *change.references)) or change.why.get("", "")
        when = f"{operation.intent_at:%Y-%m-%d %H:%M:%S}"
        _say(console, f"{when} {change.action} ({operation.state}) {escape(parts)} in run {operation.run}")


def _verdict(desired: Desired, person: Person | None) -> str:
    if desired.in_scope and person is not None and person.active is False:
        return "not wanted while not active in the source; otherwise "
    return "wanted: " if desired.in_scope else "not wanted: "


def _say(console: Console, text: str, *, indent: int = 2) -> None:
    """A paragraph whose lines are all indented."""
    console.print(Padding(text, (0, 0, 0, indent), expand=False))


def _fields(explained: AccountExplained, names: Names, file: str) -> Listing:
    """Each field and reference: as it was read and as it should be, by which rule, from what, and who wrote it."""
    listing = Listing("field", "value", details={"rule": 4, "from": 3, "written": 4})
    for story in explained.fields:
        now = shown(explained.kind, story.name, story.value, names)
        wanted = shown(explained.kind, story.name, story.wanted, names)
        differs = explained.account is not None and explained.desired is not None and now != wanted
        value = (
            f"{escape(now)} [yellow]→[/] {escape(wanted)}" if differs else escape(now if explained.account else wanted)
        )
        listing.add(story.name, value, escape(_rule(story, file)), escape(_said(story)), escape(_written(story)))
    return listing


def _rule(story: FieldStory, file: str) -> str:
    rule = f"{story.rule}: {story.text}" if story.text else story.rule
    return f"{rule} ({file} line {story.line})" if story.line else rule


def _said(story: FieldStory) -> str:
    return "; ".join(f"{said.attribute} = {written(said.value)} in {said.subject.issuer}" for said in story.said)


def _written(story: FieldStory) -> str:
    if story.last is None:
        return story.owner
    written = f"run {story.last.run} ({story.last.action}, {story.last.at:%Y-%m-%d %H:%M} UTC)"
    return f"crosskey since {written}" if story.owner == OURS else f"{story.owner}; crosskey last wrote it in {written}"
