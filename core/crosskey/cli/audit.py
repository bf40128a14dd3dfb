"""``crosskey audit``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.errors import ExitCode
from crosskey.journal import Verification, read_heads, write_heads

__all__ = ("audit",)


@click.group()
def audit() -> None:
    """Prove that the journal is what was written, or say from where it is not."""


@audit.command(
    epilog="""\
\b
Examples:
  crosskey audit verify
  crosskey audit verify --against heads.jsonl      also finds an older copy, or another journal, put in its place
"""
)
@config_option
@json_option
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Compare with heads that `crosskey audit export` wrote.",
)
@click.option("--signed-by", metavar="KEY", help="Every segment must be signed, the newest by this public key.")
def verify(config_path: Path, *, as_json: bool, against: Path | None, signed_by: str | None) -> int:
    """Compare everything that was done with the chain of events that vouches for it.

    Finds what was edited, removed, inserted or put in another order, and the first event from which nothing can be
    trusted. Reads the journal only; needs no network and no secrets. The exit code is 0 or 13, and 8 where the file
    cannot be read at all.
    """
    heads = read_heads(against) if against is not None else []
    with Session(config_path, offline=True).reading() as journal:
        found = journal.audit(heads)
    unsigned = _unsigned(found, signed_by)
    if as_json:
        shown = {**msgspec.structs.asdict(found), "ok": found.ok and not unsigned, "trustworthy": found.trustworthy}
        click.echo(msgspec.json.encode({**shown, "signatures": unsigned}))
    else:
        _show(console_for_tables(), found, unsigned, compared=len(heads))
    return int(ExitCode.OK if found.ok and not unsigned else ExitCode.ALTERED)


@audit.command(
    epilog="""\
\b
Examples:
  crosskey audit export --out /mnt/elsewhere/heads.jsonl     adds what is new
  crosskey audit export | ssh log.example 'cat >> heads.jsonl'
"""
)
@config_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Add those that are not in FILE yet, instead of printing all of them.",
)
def export(config_path: Path, *, out: Path | None) -> None:
    """Write the heads of the chain as JSON lines, to be kept where nobody who can write the journal can write.

    They hold hashes, numbers and times; no names. Whoever rewrites the whole journal cannot make it fit them.
    """
    with Session(config_path, offline=True).reading() as journal:
        heads = journal.heads()
    if out is not None:
        click.echo(f"{write_heads(out, heads)} heads added to {out}.", err=True)
        return
    for head in heads:
        sys.stdout.write(msgspec.json.encode(head).decode() + "\n")


def _unsigned(found: Verification, signed_by: str | None) -> str:
    if signed_by is None:
        return ""
    if not found.keys:
        return "no segment is signed"
    return "" if found.keys[-1] == signed_by else f"the newest signature is by {found.keys[-1]}"


def _show(console: Console, found: Verification, unsigned: str, *, compared: int) -> None:
    if found.ok and not unsigned:
        console.print(f"[green]The journal is what was written[/]: {found.trustworthy}.")
    elif found.first_bad is not None:
        console.print(f"[red]The journal is not what was written, from event {found.first_bad} on[/]: {found.reason}.")
        console.print(f"  What can be trusted: {found.trustworthy}.")
    if found.damage:
        console.print(f"[red]The file is damaged[/]: {escape(found.damage)}")
    if unsigned:
        console.print(f"[red]It is not signed as it should be[/]: {unsigned}.")
    console.print(f"  history {found.lineage}, {found.operations} changes, {found.segments} sealed segments")
    if compared:
        console.print(f"  compared with {compared} heads")
    for key in found.keys:
        console.print(f"  signed by {key}")
    for note in found.notes:
        console.print(f"  note: {escape(note)}")
