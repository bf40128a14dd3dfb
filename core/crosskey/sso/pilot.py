"""Who is of a door's pilot: members of its groups as the last read knew them. No network: the snapshot tells."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

import msgspec

from crosskey.config import Config, DoorSection
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.merging import Preference
from crosskey.engine.stage import Stage
from crosskey.errors import UNREADABLE, StorageError
from crosskey.model import Subject

__all__ = ("Pilot", "is_of_pilot", "read_pilot")

_log = logging.getLogger("crosskey.sso")


class Pilot(msgspec.Struct, frozen=True, kw_only=True):
    """The members by the subject under which accounts are linked, and the groups that the last read did not bring."""

    members: frozenset[Subject]
    missing: tuple[str, ...] = ()


def read_pilot(config: Config, section: DoorSection) -> Pilot:
    """Everybody of a door's pilot. Raises :class:`StorageError` where nothing was read yet."""
    with _snapshot(config, section) as (stage, logical):
        known = stage.groups.members(logical.refs)
        found = stage.people.candidates_of(sorted(known), logical)
        missing = tuple(name for name in section.rules.pilot if name not in logical.groups)
    members = frozenset(each.person.subject for each in found if each.groups and each.person.active is not False)
    return Pilot(members=members, missing=missing)


def is_of_pilot(config: Config, section: DoorSection, person: Subject) -> bool:
    """Whether somebody is of a door's pilot. Nobody is while that cannot be read."""
    try:
        with _snapshot(config, section) as (stage, logical):
            return any(each.groups for each in stage.people.candidates_of([person], logical))
    except (StorageError, *UNREADABLE) as error:
        _log.warning("%s.pilot: who is of it cannot be told: %s", section.path, type(error).__name__)
        return False


@contextmanager
def _snapshot(config: Config, section: DoorSection) -> Generator[tuple[Stage, LogicalGroups]]:
    """The last read, and the pilot's groups in it."""
    preference = Preference.by_names(config.sync.prefer, config.sync.sources)
    with Stage.kept(config.journal.path.with_name("snapshot.sqlite"), preference=preference) as stage:
        read = stage.read_note("groups", dict[str, list[str]])
        yield stage, LogicalGroups({name: read[name] for name in section.rules.pilot if name in read}, {})
