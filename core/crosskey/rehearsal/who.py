"""Whom a word names: heard while sources are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from crosskey.connector.source import ConfirmsMembership, FindsPeople, PeoplePage, ReadPage, ReadRequest, Source
from crosskey.errors import ConfigError, close_matches
from crosskey.model import Person, Subject

__all__ = ("Book", "Listening")


class Book:
    """Everybody that was read, by e-mail address, user name, name and id, whatever the case of the letters."""

    def __init__(self) -> None:
        self._subjects: dict[str, set[Subject]] = {}
        self._shown: set[str] = set()

    def note(self, people: Iterable[Person]) -> None:
        """Write people down."""
        for person in people:
            self._shown.add(person.email or person.label)
            for word in {person.email, person.user_name, person.label, person.subject.id} - {""}:
                self._subjects.setdefault(word.casefold(), set()).add(person.subject)

    def find(self, word: str) -> frozenset[Subject]:
        """Whoever is named so. Raises :class:`ConfigError` for nobody, with close matches."""
        found = self._subjects.get(word.casefold())
        if not found:
            raise ConfigError(
                f'no source tells of "{word}". {close_matches(word, self._shown)}'.rstrip(),
                code="who-unknown",
                fix="correct the name, or describe that person in the case",
            )
        return frozenset(found)


class Listening:
    """A source whose people are written down as they are read; it can what the source can."""

    def __init__(self, source: Source, book: Book) -> None:
        self._source = source
        self._book = book
        self.issuer = source.issuer
        self.check = source.check
        if isinstance(source, FindsPeople):
            self.find = source.find
        if isinstance(source, ConfirmsMembership):
            self.groups_of = source.groups_of

    async def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        """Everyone, as the source tells."""
        async for page in self._source.read(request):
            if isinstance(page, PeoplePage):
                self._book.note(page.people)
            yield page
