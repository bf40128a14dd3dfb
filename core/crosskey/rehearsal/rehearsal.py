"""A plan that was made with nothing live, and what is needed to look at it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
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
        made_up: bool,
        book: Book,
        after: Callable[[], Rehearsal],
    ) -> None:
        self.config = config
        self.changes = changes
        self.held = held
        self.held_counts = held_counts
        self.schema = schema
        self.catalogue = catalogue
        self._made_up = made_up
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

    def id_of(self, listing: str, name: str) -> str:
        """The id behind a name. Raises :class:`ConfigError` for one that is not there.

        Where the catalogue is only what rules name, a name that none of them names any more is no mistake: nobody has
        it.
        """
        try:
            return self.catalogue.resolve(listing, name, where="expect")
        except ConfigError:
            if self._made_up:
                return name
            raise

    # -- to a reader --------------------------------------------------------------------------------------------------

    def tell(self, change: Change, parts: Collection[str] | None = None) -> str:
        """The change on one line, with what decided it and where that stands in the configuration.

        ``parts`` are the fields and references that matter; without any, all do.
        """
        account = change.kind if change.key is None else f"{change.kind} {change.key}"
        matters = {*change.fields, *change.references, "active"} if parts is None else set(parts)
        what = "; ".join(self._parts(change, matters))
        told = [text for name, text in change.why.items() if text and (name == "" or name in matters)]
        reasons = "; ".join(dict.fromkeys(self._reason(text) for text in told))
        return f"{change.action} {account} {change.label}" + (f": {what}" if what else "") + f" ({reasons})"

    def tell_held(self, held: Held) -> str:
        """The same of something that is held."""
        return f"held by {held.rail}: {f'{held.label}: ' if held.label else ''}{held.summary}"

    def _parts(self, change: Change, matters: Collection[str]) -> Iterator[str]:
        for name, reference in change.references.items():
            if name in matters:
                added = [
                    f"+{self.name(change.kind, name, one)}" for one in reference.after if one not in reference.before
                ]
                taken = [
                    f"-{self.name(change.kind, name, one)}" for one in reference.before if one not in reference.after
                ]
                yield f"{name} {', '.join([*added, *taken])}"
        for name, field in change.fields.items():
            if name in matters:
                before = f"{_shown(field.before)} → " if change.key else ""
                yield f"{name} {before}{_shown(field.after)}"
        if change.active is not None and change.action != "create" and "active" in matters:
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
