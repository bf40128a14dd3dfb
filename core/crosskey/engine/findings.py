"""What planning found besides changes: who is held and why, and what is worth telling.

However many people one cause touches, memory and output stay small: a hundred of each sort are listed, the rest are
counted. Everybody who is held is in the stage, so that ``crosskey explain`` knows each one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from crosskey.engine.stage import Stage
from crosskey.errors import Diagnostic
from crosskey.model import Subject
from crosskey.plan import Held

__all__ = ("LISTED", "Findings")

LISTED = 100
"""So many of one rail or one code are listed."""

_BUFFER = 500


class Findings:
    """What one run found."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._unsaved: list[Held] = []
        self._notices: list[Diagnostic] = []
        self._noticed: Counter[str] = Counter()
        self._listed: Counter[str] = Counter()
        self.held: list[Held] = []
        self.held_counts: Counter[str] = Counter()
        self.linked_seen: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.looked_at = False
        """Whether something is in the plan only because a person looks at it before it is applied."""

    def add(self, held: Held) -> None:
        """Note something that is held."""
        self._list(held)
        if held.subject is not None:
            self._unsaved.append(held)
            if len(self._unsaved) == _BUFFER:
                self.save()

    def add_standing(self, held: Iterable[Held]) -> None:
        """Tell of people whom an earlier run held and whom this one had no reason to look at."""
        for each in held:
            self._list(each)

    def _list(self, held: Held) -> None:
        self.held_counts[held.rail] += held.count
        self._listed[held.rail] += 1
        if self._listed[held.rail] <= LISTED:
            self.held.append(held)

    def hold(
        self,
        rail: str,
        summary: str,
        *,
        fix: str = "",
        kind: str,
        subject: Subject,
        label: str,
        key: str | None = None,
    ) -> None:
        """Hold one person back."""
        self.add(
            Held(
                rail=rail,
                scope="person",
                summary=summary,
                fix=fix,
                kind=kind,
                subject=subject,
                label=label,
                key=key,
            )
        )

    def notice(self, code: str, summary: str, *, path: str = "", fix: str = "") -> None:
        """Tell something that holds nothing back."""
        self._noticed[code] += 1
        if self._noticed[code] <= LISTED:
            self._notices.append(Diagnostic(severity="warning", code=code, summary=summary, path=path, fix=fix))

    @property
    def notices(self) -> tuple[Diagnostic, ...]:
        """What is worth telling, and of which there is more than is listed."""
        more = [
            Diagnostic(severity="info", code=code, summary=f"{count - LISTED} more are told the same ({code})")
            for code, count in self._noticed.items()
            if count > LISTED
        ]
        return (*self._notices, *more)

    def save(self) -> None:
        """Write who is held into the stage. Call before the stage is kept."""
        self._stage.proposals.add_held(self._unsaved)
        self._unsaved = []
