"""Changes as the records that Halo takes.

Only the id and what changes is sent: fields that are not sent are left alone. Ids go out as ints, because Halo refuses
the doubles that it answers. Membership lists go out complete, because whether Halo replaces or merges them is not
documented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from crosskey.errors import ContractError
from crosskey.model import Scalar
from crosskey.plan import Change
from crosskey_halo.accounts import AccountKind
from crosskey_halo.notebook import Notebook
from crosskey_halo.rows import AgentRow, UserRow
from crosskey_halo.schema import AGENT

__all__ = ("Bodies", "Body", "objection", "sign_off")

A = TypeVar("A", UserRow, AgentRow)
Body = dict[str, object]
_MEMBER = {"teams": "team_id", "departments": "department_id", "roles": "id"}


def sign_off(key: str) -> Body:
    """End an agent's session and revoke its tokens, and nothing else."""
    return {"id": int(key), "_kick": True, "_revoke_tokens": True}


class Bodies:
    """Makes the records of one kind. ``team_names`` are names by id: an agent's default team goes by name."""

    def __init__(
        self,
        kind: AccountKind[UserRow] | AccountKind[AgentRow],
        notebook: Notebook,
        team_names: Mapping[str, str],
        *,
        fire_automations: bool,
    ) -> None:
        self._kind = kind
        self._notebook = notebook
        self._team_names = team_names
        self._silent: Body = {} if fire_automations or kind.name == AGENT else {"_dont_fire_automations": True}

    def make(self, change: Change) -> Body:
        """The record for one change. Raises :class:`ContractError` where Halo would do something else than is meant.

        The guard that matters: an update without an id would silently create a second record.
        """
        body: Body = {**self._identity(change), **self._silent}
        if change.action == "relink":
            if change.fields or change.references or change.active is not None:
                raise ContractError(f"the relink {change.id} changes more than the external id", code="halo-relink")
            return body | dict.fromkeys(self._kind.marker, change.marker)
        body |= {name: _plain(field.after) for name, field in change.fields.items()}
        if "oktaid" in body:
            body["okta_id"] = body["oktaid"]
        if self.marks(change):
            body |= dict.fromkeys(self._kind.marker, "" if change.action == "release" else change.marker)
        if change.active is not None and (change.key is not None or not change.active.after):
            body[self._kind.off] = not change.active.after
        for reference, ids in change.references.items():
            body |= self._reference(change, reference, ids.after)
        if self._kind.name == AGENT and (change.action == "disable" or change.end_sessions):
            body |= {"_kick": True, "_revoke_tokens": True}
        return body

    def marks(self, change: Change) -> bool:
        """Whether the external id is written: not over what somebody else keeps in that field."""
        return bool(change.marker) and (change.key is None or change.key not in self._notebook.foreign)

    def _identity(self, change: Change) -> Body:
        if change.action == "create":
            if change.key is not None:
                raise ContractError(f"the create {change.id} names a record", code="halo-create-with-id")
            return {}
        if change.key is None or not change.key.isdigit() or int(change.key) <= 0:
            raise ContractError(
                f"the change {change.id} names no record: Halo would create one", code="halo-update-without-id"
            )
        return {"id": int(change.key)}

    def _reference(self, change: Change, reference: str, ids: Sequence[str]) -> Body:
        if reference == "site":
            return {"site_id": int(ids[0])} if ids else {}
        if reference == "team":
            return {"team": self._team_names.get(ids[0], "")} if ids else {"team": ""}
        member = _MEMBER[reference]
        links = [
            {**self._notebook.link(change.key, reference, id_), member: int(id_) if id_.isdigit() else id_}
            for id_ in ids
        ]
        return {reference: links}


def objection(change: Change, kind: AccountKind[A], notebook: Notebook) -> str:
    """Why this change must not be sent at all; ``""`` when it may be.

    What Halo would refuse anyway is told before it can drag a whole array down.
    """
    reason = notebook.protected.get(change.key or "", "")
    if reason:
        return f"{kind.name} {change.key} is protected: {reason}"
    name = change.fields.get("name")
    if str(name.after if name else change.label).strip().casefold() in ("general user", "unassigned"):
        return "this is the name of Halo's own pseudo-accounts, which crosskey never touches"
    if name is not None and not str(name.after or "").strip():
        return "Halo needs a name"
    if change.action == "relink" and not change.marker:
        return "the relink names no external id to write"
    return _incomplete(change, kind.mail) if change.action == "create" else ""


def _incomplete(change: Change, mail: str) -> str:
    if "name" not in change.fields:
        return "Halo needs a name to create this"
    if change.kind == AGENT:
        address = change.fields.get(mail)
        return "" if address and address.after else "Halo needs an e-mail address to create an agent"
    site = change.references.get("site")
    return "" if site and site.after else "Halo needs a site to create a user: assign one, or set a default site"


def _plain(value: Scalar) -> Scalar:
    return "" if value is None else value
