"""What differs between the file of a cursor and the one that is there now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from crosskey import GonePage, GroupsPage, MembersPage, PeoplePage, ReadComplete, ReadPage, ReadRequest

from crosskey_csv.cursor import Cursor, digest, expired
from crosskey_csv.roster import Roster
from crosskey_csv.settings import CsvSettings

__all__ = ("changed_pages", "parts", "place_of")

_PAGE = 500


def changed_pages(
    before: Cursor, roster: Roster, request: ReadRequest, chosen: AbstractSet[str], settings: CsvSettings, instance: str
) -> Iterator[ReadPage]:
    """The pages of one round. Raises :class:`CursorExpiredError` where an absence must not be told as a change."""
    now = place_of(roster, request, chosen, before.request, turn=before.turn + 1)
    missing = tuple(sorted(before.people.keys() - now.people.keys()))
    if missing and not settings.complete:
        raise expired(f"{len(missing)} people are not in the file any more, which says nothing of them", instance)
    # Nobody is in a group that is lost: that is what the rows say, not what is missing from them.
    lost = tuple(sorted(set(before.groups) - roster.groups.keys()))
    if missing or lost:
        yield GonePage(people=missing, groups=lost)
    changed = [key for key, told in now.people.items() if before.people.get(key) != told]
    for keys in parts(changed):
        yield PeoplePage([roster.person(key, request.attributes) for key in keys])
    new = [group for key, group in roster.groups.items() if key not in before.groups]
    if new:
        yield GroupsPage(new)
    for group, told in now.members.items():
        if before.members.get(group) != told:
            yield MembersPage(group, roster.members(group), whole=True)
    yield ReadComplete(cursor=now.text(), warnings=roster.warnings)


def place_of(
    roster: Roster, request: ReadRequest, chosen: AbstractSet[str], request_digest: str, *, turn: int = 0
) -> Cursor:
    """The place that a file is, for one request."""
    return Cursor(
        request=request_digest,
        turn=turn,
        people={key: digest(roster.person(key, request.attributes)) for key in roster.people},
        groups=tuple(roster.groups),
        members={group: digest(sorted(roster.members(group))) for group in sorted(chosen)},
    )


def parts(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """The keys in order, as many as stand on one page."""
    return (keys[start : start + _PAGE] for start in range(0, len(keys), _PAGE))
