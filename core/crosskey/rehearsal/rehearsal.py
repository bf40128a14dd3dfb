"""A plan that was made with nothing live, and what is needed to look at it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from crosskey.config import line_of
from crosskey.connector.target import KindSpec, TargetSchema
from crosskey.errors import ConfigError, close_matches
from crosskey.model import Catalogue, Scalar, Subject
from crosskey.plan import Change, Held
from crosskey.rehearsal.who import Book

__all__ = ("Rehearsal",)

_PATH: Final = re.compile(r"""\bmap(?:\.(?:[A-Za-z0-9_-]+|"[^"]*")|\[\d+\])+""")


class Rehearsal:
    """What would be done to whom, and why. ``after`` plans once more, as if this plan had been applied."""

    def __init__(
        self,
        *,
        config: Path,
        changes: tuple[Change, ...],
        held: tuple[Held, ...],
        held_counts: dict[str, int],
        schema: TargetSchema,
        catalogue: Catalogue,
        book: Book,
        after: Callable[[], Rehearsal],
    ) -> None:
        self.config = config
        self.changes = changes
        self.held = held
        self.held_counts = held_counts
        self.schema = schema
        self.catalogue = catalogue
        self._book = book
        self._after = after

    @cached_property
    def after(self) -> Rehearsal:
        """The plan that follows once this one is applied, in memory."""
        return self._after()

    @property
    def counts(self) -> Counter[str]:
        """How many changes there are, by action."""
        return Counter(change.action for change in self.changes)

    # -- whom and what a word means -----------------------------------------------------------------------------------

    def of(self, who: str) -> list[Change]:
        """The changes of one person, or of one account (``user:12``). Raises :class:`ConfigError` for nobody."""
        kind, _, key = who.partition(":")
        if key and self.schema.kind(kind) is not None:
            return [change for change in self.changes if (change.kind, change.key) == (kind, key)]
        subjects = self._book.find(who)
        return [change for change in self.changes if change.subject in subjects]

    def held_of(self, who: str) -> list[Held]:
        """What is held of one person or account."""
        kind, _, key = who.partition(":")
        if key and self.schema.kind(kind) is not None:
            return [held for held in self.held if (held.kind, held.key) == (kind, key)]
        subjects: frozenset[Subject] = self._book.find(who)
        return [held for held in self.held if held.subject in subjects]

    def kind(self, name: str) -> KindSpec:
        """The kind of that name. Raises :class:`ConfigError`."""
        found = self.schema.kind(name)
        if found is None:
            hint = close_matches(name, (kind.name for kind in self.schema.kinds))
            raise ConfigError(f'the target has no kind "{name}". {hint}', code="case-unknown", fix="correct the name")
        return found

    def name(self, kind: str, reference: str, id_: str) -> str:
        """What the catalogue calls something that an account refers to."""
        spec = self.kind(kind).reference(reference)
        return self.catalogue.name(spec.listing, id_) if spec else id_

    # -- to a reader --------------------------------------------------------------------------------------------------

    def tell(self, change: Change) -> str:
        """The change on one line, with what decided it and where that stands in the configuration."""
        account = change.kind if change.key is None else f"{change.kind} {change.key}"
        what = "; ".join(self._parts(change))
        reasons = "; ".join(dict.fromkeys(self._reason(text) for text in change.why.values() if text))
        return f"{change.action} {account} {change.label}" + (f": {what}" if what else "") + f" ({reasons})"

    def tell_held(self, held: Held) -> str:
        """The same of something that is held."""
        return f"held by {held.rail}: {f'{held.label}: ' if held.label else ''}{held.summary}"

    def _parts(self, change: Change) -> Iterator[str]:
        for name, reference in change.references.items():
            added = [f"+{self.name(change.kind, name, id_)}" for id_ in reference.after if id_ not in reference.before]
            taken = [f"-{self.name(change.kind, name, id_)}" for id_ in reference.before if id_ not in reference.after]
            yield f"{name} {', '.join([*added, *taken])}"
        for name, field in change.fields.items():
            yield (
                f"{name} {_shown(field.before)} → {_shown(field.after)}"
                if change.key
                else f"{name} {_shown(field.after)}"
            )
        if change.active is not None and change.action != "create":
            yield "switched on" if change.active.after else "switched off"

    def _reason(self, text: str) -> str:
        """The reason with the lines of the configuration that it names."""
        lines = [line for path in _PATH.findall(text) if (line := line_of(self._text, path)) is not None]
        numbers = ", ".join(f"{self.config.name}:{line}" for line in dict.fromkeys(lines))
        return f"{text}, {numbers}" if numbers else text

    @cached_property
    def _text(self) -> str:
        return self.config.read_text(encoding="utf-8-sig")


def _shown(value: Scalar) -> str:
    return "(empty)" if value in (None, "") else f'"{value}"' if isinstance(value, str) else str(value).lower()
