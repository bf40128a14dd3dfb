"""Carrying changes out, and saying for each what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import msgspec
from crosskey import AuthError, Change, CrosskeyError, Outcome, RejectedError, RetryableError, UncertainError

from crosskey_scim.accounts import MEMBER_OF, marker_of
from crosskey_scim.bodies import edited, needs_whole, new_user, operations, shortfalls, writes
from crosskey_scim.directory import Directory, version_of
from crosskey_scim.lookups import Lookups
from crosskey_scim.memberships import Memberships
from crosskey_scim.places import Resource
from crosskey_scim.service import Service

__all__ = ("MARKER_TAKEN", "NOT_DONE", "Writer")

NOT_DONE = "scim-not-done"
"""The service said yes and did something else."""

MARKER_TAKEN = "scim-marker-taken"
"""A new external id was to be written over another program's."""

_OURS = "ck-"
_CHANGED_MEANWHILE = 412
_DUPLICATE = 409


class Writer:
    """Writes users, then the groups that they share."""

    def __init__(self, directory: Directory, lookups: Lookups, memberships: Memberships) -> None:
        self._directory = directory
        self._lookups = lookups
        self._memberships = memberships
        self._places = directory.places

    async def apply(self, batch: Sequence[Change]) -> list[Outcome]:
        """One outcome for each change. Raises only when nothing of the batch was written.

        Costs a request for each user (two where lists or whole users are written) and one for each group.
        """
        service = await self._directory.service()
        done = await asyncio.gather(*(self._user(change, service) for change in batch))
        unsent = [one for one in done if isinstance(one, CrosskeyError)]
        if unsent and not any(isinstance(one, Outcome) and one.result in ("applied", "unknown") for one in done):
            raise unsent[0]
        outcomes = {
            change.id: _outcome(change, "unknown", one.code, f"not sent: {one.message}")
            if isinstance(one, CrosskeyError)
            else one
            for change, one in zip(batch, done, strict=True)
        }
        await self._groups(batch, outcomes)
        return [outcomes[change.id] for change in batch]

    # ----------------------------------------------------------------------------------------------------------- users

    async def _user(self, change: Change, service: Service) -> Outcome | CrosskeyError:
        """What became of the user itself, or the error with which nothing of it was written."""
        try:
            return await (self._create(change, service) if change.key is None else self._update(change, service))
        except UncertainError as error:
            return _outcome(change, "unknown", error.code, error.message)
        except RejectedError as error:
            return _outcome(change, "rejected", error.code, error.message)
        except (AuthError, RetryableError) as error:
            return error

    async def _create(self, change: Change, service: Service) -> Outcome:
        """Make a user; whether an earlier try made it is looked up by marker before anything is believed."""
        try:
            made = await self._directory.create(service.users, new_user(change, self._places))
        except UncertainError:
            made = await self._lookups.user_of(change)
            if made is None:
                raise
        except RejectedError as error:
            if error.status != _DUPLICATE:
                raise
            twin = await self._lookups.user_of(change)
            if twin is not None:
                return Outcome(change=change.id, result="already", key=twin["id"])
            raise await self._duplicate(change, error) from None
        if made is None:  # the answer does not say which user it is
            made = await self._lookups.user_of(change)
        if made is None:
            return _outcome(change, "unknown", "scim-no-answer", "the answer does not say which user was made")
        missing = shortfalls(made, change, self._places, marked=True)
        return Outcome(change=change.id, result="applied", key=made["id"], message="; ".join(missing))

    async def _duplicate(self, change: Change, error: RejectedError) -> RejectedError:
        holder = await self._lookups.named(change)
        who = f"user {holder['id']} has that user_name" if holder else error.message
        return RejectedError(
            f"the service has such a user already: {who}",
            code="scim-duplicate",
            where=self._directory.where,
            fix='write match = ["user_name"] in the mapping, so that it is adopted',
            status=_DUPLICATE,
        )

    async def _update(self, change: Change, service: Service) -> Outcome:
        """Change a user, and look at it wherever it is not clear what happened."""
        key = change.key or ""
        user = await self._seen(change, service)
        marked = self._marks(change, user)
        if not writes(change, marked=marked):
            return Outcome(change=change.id, result="applied", key=key)
        try:
            now = await self._write(change, service, user, marked=marked)
        except (RejectedError, RetryableError) as error:
            return await self._settled(change, service, error, marked=marked)
        missing = [] if now is None else shortfalls(now, change, self._places, marked=marked)
        if missing:
            said = f"the service took the change and did not do it: {'; '.join(missing)}"
            return _outcome(change, "rejected", NOT_DONE, said)
        return Outcome(change=change.id, result="applied", key=key)

    async def _seen(self, change: Change, service: Service) -> Resource | None:
        """The user, where the change cannot be made without knowing it."""
        if change.action not in ("relink", "release") and service.patch and not needs_whole(change, self._places):
            return None
        user = await self._directory.one(service.users, change.key or "")
        if user is None:
            raise RejectedError("the user is not there any more", code="scim-gone", where=self._directory.where)
        return user

    def _marks(self, change: Change, user: Resource | None) -> bool:
        """Whether the marker is to be written. Another program's external id is never written over."""
        if not change.marker:
            return False
        borne = change.bore if user is None else marker_of(user)
        if change.action == "release":
            return borne == change.marker
        if borne and not borne.startswith(_OURS):
            if change.action == "relink":
                raise RejectedError(
                    "another program keeps its external id there", code=MARKER_TAKEN, where=self._directory.where
                )
            return False
        return borne != change.marker

    async def _write(self, change: Change, service: Service, user: Resource | None, *, marked: bool) -> Resource | None:
        whole = edited(user or {}, change, self._places, marked=marked)
        version = version_of(user) if user and service.etag else ""
        if service.patch:
            made = operations(change, whole, self._places, marked=marked)
            return await self._directory.patch(service.users, change.key or "", made, version)
        return await self._directory.put(service.users, change.key or "", whole, version)

    async def _settled(
        self, change: Change, service: Service, error: RejectedError | RetryableError, *, marked: bool
    ) -> Outcome:
        """After a refusal or no answer: done all the same, done now where somebody else was quicker, or not done."""
        try:
            user = await self._directory.one(service.users, change.key or "")
            if user is not None and not shortfalls(user, change, self._places, marked=marked):
                return Outcome(change=change.id, result="already", key=change.key)
            if isinstance(error, RejectedError) and error.status == _CHANGED_MEANWHILE and user is not None:
                await self._write(change, service, user, marked=marked)
                return Outcome(change=change.id, result="applied", key=change.key)
        except CrosskeyError:
            pass  # what the write itself met says more
        if isinstance(error, RejectedError):
            raise error
        if error.code == "rate-limited":  # it was not even tried
            raise error
        return _outcome(change, "unknown", error.code, error.message)

    # ---------------------------------------------------------------------------------------------------------- groups

    async def _groups(self, batch: Sequence[Change], outcomes: dict[str, Outcome]) -> None:
        """Write each group once for all users of the batch, and note on whose account it failed."""
        added: dict[str, set[str]] = {}
        removed: dict[str, set[str]] = {}
        concerned: dict[str, list[Change]] = {}
        for change in batch:
            outcome, reference = outcomes[change.id], change.references.get(MEMBER_OF)
            if reference is None or outcome.key is None or outcome.result not in ("applied", "already"):
                continue
            before, after = frozenset(reference.before), frozenset(reference.after)
            for group in before ^ after:
                (added if group in after else removed).setdefault(group, set()).add(outcome.key)
                concerned.setdefault(group, []).append(change)
        for group, changes in sorted(concerned.items()):
            add: AbstractSet[str] = added.get(group, set())
            try:
                await self._memberships.write(group, add=add, remove=removed.get(group, set()))
            except CrosskeyError as error:
                for change in changes:
                    outcomes[change.id] = _without(outcomes[change.id], change, group, error)


def _without(outcome: Outcome, change: Change, group: str, error: CrosskeyError) -> Outcome:
    """The outcome of a change whose group could not be written. A user that was made stays made."""
    said = "; ".join(filter(None, (outcome.message, f"group {group} was not written: {error.message}")))
    if change.action == "create":
        return msgspec.structs.replace(outcome, message=said)
    result = "rejected" if isinstance(error, RejectedError | AuthError) else "unknown"
    return msgspec.structs.replace(outcome, result=result, code=error.code, message=said)


def _outcome(change: Change, result: Literal["rejected", "unknown"], code: str, message: str) -> Outcome:
    return Outcome(change=change.id, result=result, key=change.key, code=code, message=message)
