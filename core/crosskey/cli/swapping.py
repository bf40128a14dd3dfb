"""The proof of a swap, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crosskey.engine.swap import Proof

__all__ = ("show_proof",)


def show_proof(console: Console, proof: Proof) -> None:
    """Who was matched and how, what differs, and the plan that the first run after the swap would make."""
    console.print(f"[bold]{escape(proof.old)}[/] → [bold]{escape(proof.new)}[/]")
    console.print(f"{_people(proof.matched)} matched by {', '.join(proof.keys)}; {proof.relinks} accounts follow them")
    for key, count in proof.by_key.items():
        console.print(f"  {count} by {key}", markup=False)
    for agreeing, count in proof.agreeing.items():
        console.print(f"  {count} with {agreeing} of the keys that both sides fill in", markup=False)
    _listed(console, f"{_people(proof.unmatched_count)} only in the old directory", proof.unmatched)
    if proof.unmatched_linked:
        console.print(f"  [yellow]{proof.unmatched_linked} active accounts of theirs stay as they are, unmanaged[/]")
    _listed(console, f"{_people(proof.newcomer_count)} only in the new directory", proof.newcomers)
    _listed(console, f"{_people(proof.unclear_count)} nobody can tell apart", proof.unclear)
    _groups(console, proof)
    _differences(console, proof)
    counts = ", ".join(f"{count} {action}" for action, count in proof.plan.counts.items() if count)
    before, after = proof.uses
    console.print(
        f"{before} → {after}: {_people(proof.matched)} matched, {counts or '0 changes'} in the first plan afterwards",
        style="bold green" if proof.nothing_changes else "bold yellow",
    )
    for rail, count in proof.plan.held_counts.items():
        names = ", ".join(each.label for each in proof.plan.held if each.rail == rail and each.label)
        console.print(f"  {count} held ({rail}): {names}", markup=False)
    for each in proof.held:
        console.print(f"held ({each.rail}): {each.summary}\n  fix: {each.fix}", style="red", markup=False)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _listed(console: Console, title: str, names: Sequence[str]) -> None:
    if names:
        console.print(f"{title}: {', '.join(names[:10])}{' …' if len(names) > 10 else ''}", markup=False)


def _groups(console: Console, proof: Proof) -> None:
    table = Table("group", "members today", "then", "lost", "gained", box=None, pad_edge=False)
    for group in proof.groups:
        lost, gained = ", ".join(group.lost), ", ".join(group.gained)
        style = "" if group.same else "yellow"
        table.add_row(
            escape(group.name), str(group.before), str(group.after), escape(lost), escape(gained), style=style
        )
    if proof.groups:
        console.print(table)


def _differences(console: Console, proof: Proof) -> None:
    if not proof.difference_count:
        console.print("The rules make the same of everybody on both sides.")
        return
    console.print(f"The rules make {proof.difference_count} values differently:", style="yellow")
    table = Table("who", "account", "what", "today", "then", box=None, pad_edge=False)
    for each in proof.differences:
        table.add_row(*(escape(str(text)) for text in (each.who, each.kind, each.what, each.before, each.after)))
    console.print(table)
