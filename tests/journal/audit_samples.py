"""A journal with everything in it that can be tampered with: sealed, signed and pruned segments, every sort of outcome."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from journal_samples import SETTLE, applied, apply, change, create, start, writing

from crosskey.journal import Signer
from crosskey.plan import Outcome
from crosskey.settings import Secret
from fake_clock import FakeClock

DAY = 86_400


def new_key() -> Secret:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Secret(pem.decode())


def a_day(path: Path, clock: FakeClock, number: int, *, signer: Signer | None, keep: int = 400) -> None:
    """One run with applied, refused, lost and found writes; the upkeep of a day follows."""
    clock.advance(DAY + 1)
    with writing(path, clock) as journal:
        first = 10 * number
        run = apply(journal, create(first), f"{first}")
        group = [create(first + 1), create(first + 2), create(first + 3)]
        journal.intend(run, group, settle=SETTLE)
        journal.record(
            run,
            group,
            [
                applied(group[0], f"{first + 1}"),
                Outcome(change=group[1].id, result="unknown", code="timeout", message="no answer"),
                Outcome(change=group[2].id, result="rejected", code="bad", message="no"),
            ],
        )
        journal.intend(run, [group[2]], settle=SETTLE)
        journal.record(run, [group[2]], [applied(group[2], f"{first + 3}")])
        lost = next(one for one in journal.unresolved() if one.change.id == group[1].id)
        journal.resolve(lost.id, "present", run=run, key=f"{first + 2}")
        journal.end_run(run, "partial", {"create": 4})
        journal.keep_up(keep=timedelta(days=keep), keep_plans=timedelta(days=keep), signer=signer)


def full_journal(path: Path, clock: FakeClock) -> Path:
    """Four days: the first are pruned, all but what came last is sealed; one write is open, one has a lost answer."""
    signer = Signer(new_key())
    for number in range(1, 5):
        a_day(path, clock, number, signer=signer, keep=400 if number < 4 else 1)
    with writing(path, clock) as journal:
        run = start(journal)
        journal.intend(run, [create(91)], settle=SETTLE)
        journal.intend(run, [create(92)], settle=SETTLE)
        journal.record(run, [create(92)], [Outcome(change="user:92", result="unknown", code="timeout", message="")])
        one = change(10, "update", "10", tag=":again")
        journal.intend(run, [one], settle=SETTLE)
        journal.record(run, [one], [applied(one, "10")])
        journal.end_run(run, "partial", {})
        assert [each.change.id for each in journal.unresolved()] == ["user:91", "user:92"]
        found = journal.verify()
        assert found.ok, found
        assert found.first > 1
        assert found.segments == 3
    return path
