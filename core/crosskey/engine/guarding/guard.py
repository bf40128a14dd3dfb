"""What a guard is: somebody who looks on while changes are applied, and may hold some or all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crosskey.plan import Change, Held, Outcome

__all__ = ("Guard", "take_out")


class Guard:
    """Looks on while changes are applied; this one lets everything through.

    What it holds has the scope of every rail: ``person`` takes that person's change of that kind out of the batch,
    ``class`` every change of that kind and action, ``run`` ends the run before anything more is written.
    """

    async def before(self, batch: Sequence[Change]) -> Sequence[Held]:  # noqa: ARG002 - what others look at
        """What of a batch must not be written. Raises :class:`crosskey.errors.CrosskeyError` where nobody can tell."""
        return ()

    def after(self, batch: Sequence[Change], outcomes: Sequence[Outcome]) -> Sequence[Held]:  # noqa: ARG002 - as above
        """What must not be written after a batch that came to these outcomes, one for each change."""
        return ()


def take_out(batch: Sequence[Change], held: Iterable[Held]) -> list[Change]:
    """The changes of a batch that nobody holds."""
    holds = list(held)
    return [change for change in batch if not any(_holds(hold, change) for hold in holds)]


def _holds(hold: Held, change: Change) -> bool:
    if hold.scope == "run":
        return True
    if hold.kind != change.kind:
        return False
    return hold.action == change.action if hold.scope == "class" else hold.subject == change.subject
