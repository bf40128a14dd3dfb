"""Every switch of the local vendors with what it may do to a sync, and why. A switch or value that is missing fails.

Values of flags and choices are taken from the switches' own types; numbers and the like are sampled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

from crosskey.errors import AuthError, ConfigError, ContractError, CrosskeyError
from crosskey_sandbox.halo import HaloQuirks
from crosskey_sandbox.okta import OktaQuirks

Structs = Mapping[str, type[msgspec.Struct]]
STRUCTS: Structs = {"okta": OktaQuirks, "halo": HaloQuirks}

Ends = Literal["same", "settles", "told", "refused"]
"""``same``: each run plans, writes and leaves the desk as undisturbed. ``settles``: the desk ends the same after the
settle time. ``told``: what the vendor cannot do is told for that record in each run, everything else is the same.
``refused``: one clear error, no write, whether the switch is on from the start or comes later."""


class Does(msgspec.Struct, frozen=True, kw_only=True):
    """What a switch does. ``world`` and ``beside`` (further switches) hold in the undisturbed run as well."""

    why: str
    ends: Ends = "same"
    error: type[CrosskeyError] = CrosskeyError
    code: str = ""
    more: int = 0  # requests of a quiet sync above the formula
    writes: int = 6  # POSTs of the first sync
    world: Mapping[str, Any] = {}
    beside: Mapping[str, Any] = {}


class Switch(msgspec.Struct, frozen=True):
    """One switch: what all its values do, or each; ``samples`` where the type does not name the values."""

    does: Does | Mapping[Any, Does]
    samples: tuple[Any, ...] = ()


class Case(msgspec.Struct, frozen=True):
    """One value of one switch."""

    vendor: str
    name: str
    value: Any
    does: Does

    def __str__(self) -> str:
        return f"{self.vendor}.{self.name}={self.value}"

    @property
    def switches(self) -> dict[str, Any]:
        return {**self.does.beside, self.name: self.value}


def harmless(why: str, *samples: Any, **does: Any) -> Switch:
    return Switch(Does(why=why, **does), samples)


def refused(error: type[CrosskeyError], code: str, why: str, **does: Any) -> Does:
    return Does(ends="refused", error=error, code=code, why=why, **does)


_APP = {"app": True}
_NAMESAKES = {"unique_agent_names": True}
_LOST = Does(ends="told", why="one record that Halo refuses is told each time and takes nobody along", writes=14)
_PAGES = {"people": 230}
_ARRAYS = "arrays are taken apart; what was learned about them holds for the rest"

OKTA: Mapping[str, Switch] = {
    "rates": harmless("pacing reads headers where there are any"),
    "plan": harmless("every plan's limits are above what a small company asks"),
    "share": harmless("the shown limit is paced to, at whatever speed", 0.01),
    "limits": harmless("tiny buckets are waited for", {"users": 3, "groups": 3, "group": 5}, more=2),
    "concurrency": harmless("fewer at once, the same answers", 1, 35),
    "latency_ms": harmless("slower, the same answers", 250.0),
    "faults": harmless("none: each kind has a test of its own", ()),
    "joined_links": harmless("links are read in either form"),
    "canonical_host": Switch(
        refused(ContractError, "foreign-host", "a link to a host nobody named gets no token"), ("acme.oktapreview.com",)
    ),
    "groups_default_limit": harmless("a limit is always asked for", 10_000),
    "members_limit": harmless("shorter pages of members, followed as they name each other", 5, 200, more=12),
    "page_overlap": harmless("rows that come twice are one person", 3, world=_PAGES, more=40),
    "page_gap": harmless(
        "nothing can know of rows that no page showed; who was there before is confirmed by id, or held",
        1,
        world=_PAGES,
    ),
    "search_lag": harmless("`search` is not used, because it lags", 600.0),
    "search_flap": harmless("`search` is not used, because it flaps", 1),
    "membership_lag": harmless("members are read, not dates of groups", 600.0),
    "late_status_changed": harmless("states are read, not their dates"),
    "delete_moves_membership": harmless("members are read, not dates of groups"),
    "log_late": harmless("a full read does not ask the log", 600.0),
    "hook_timeout": harmless("hooks push, a sync reads", 0.1),
    "hook_duplicates": harmless("hooks push, a sync reads"),
    "hook_shuffled": harmless("hooks push, a sync reads"),
    "dpop_ecdsa": harmless("proofs are RSA whatever discovery lists", world=_APP, more=3),
    "resource_nonce": harmless("one more exchange learns the nonce", world=_APP, more=4),
    "empty_scope_error": harmless("nothing to refuse: the scopes are there", world=_APP, more=3),
    "identity_engine": harmless("the pipeline's version is not asked"),
}

HALO: Mapping[str, Switch] = {
    "page_cap": harmless(
        "pages end where the count is reached; a first page that shows no roles has them asked by list",
        1,
        7,
        50,
        more=5,
    ),
    "default_page_size": harmless("a size is always asked for", 5),
    "count_past_end": harmless("the count of a page past the end is not believed"),
    "count_offset": Switch(
        {
            5: refused(ContractError, "halo-incomplete", "rows that are counted and not given may be anybody's"),
            -5: Does(why="a count that is too small ends nothing before a shorter page", more=5),
        },
        (5, -5),
    ),
    "unpaged": harmless("pages are always asked for"),
    "agent_list": harmless("agents are read in every known wrapping"),
    "list_lag": Switch(
        Does(ends="settles", why="answered writes are not planned again; only leavers are, rather than be left in"),
        (3.0, 20.0, 40.0),
    ),
    "hidden": Switch(
        {
            ("Users",): refused(AuthError, "halo-no-users", "taken for empty, everybody would be made twice"),
            ("Agent",): refused(AuthError, "halo-no-agents", "taken for empty, everybody would be made twice"),
            ("Client",): Does(why="sites name their client themselves"),
            **{
                (name,): refused(ConfigError, "mapping", "what the rules name is not there")
                for name in ("Site", "Team", "Roles", "UserRoles", "TopLevel")
            },
        }
    ),
    "other5_listed": harmless("accounts are known by the journal; the marker is only looked at for lost writes"),
    "okta_id_accepts": harmless(
        "the marker is written under both names, and needed for lost writes only",
        world={"target": 'user_marker = "oktaid"\nagent_marker = "oktaid"'},
    ),
    "federated_identity_id": harmless(
        "an older version drops the marker; the journal knows the accounts",
        world={"target": 'user_marker = "federated_identity_id"'},
    ),
    "third_party_relational_id": harmless(
        "an older version drops the marker; the journal knows the accounts",
        world={"target": 'user_marker = "third_party_relational_id"'},
    ),
    "user_roles_listed": harmless("where rows do not tell, one list a role does", more=3),
    "user_departments_listed": harmless("fewer lists where rows tell"),
    "agent_roles_listed": harmless("ids or names, both are read"),
    "agent_memberships_listed": harmless("teams and departments tell their agents too"),
    "department_members": harmless("both forms are read"),
    "search_aliases": harmless("a search of an address alone is never taken for all of them"),
    "search_case": harmless("searches are for lost writes, which are sought as they were written"),
    "advanced_search": harmless("a full run reads lists; look-ups try first whether it knows a field"),
    "post_status": harmless("any 2xx is success"),
    "many_reply": harmless("what the answer leaves out is found in one list", writes=14),
    "many_saved": Switch(
        Does(ends="settles", why="what was dropped is found missing after the settle time, and goes alone", writes=14)
    ),
    "bad_item": harmless("whatever became of the array, each record is looked after", beside=_NAMESAKES, writes=14),
    "batch_limit": harmless(_ARRAYS, 1, 5, writes=60),
    "doubles": harmless("ids are written as whole numbers"),
    "memberships": Switch(
        {
            "merge": Does(
                ends="told", why="a list that only grows cannot lose a role: told, held for a day, never claimed"
            )
        }
    ),
    "long_text": Switch({"refuse": _LOST}),
    "null": harmless('null is never sent: "" clears'),
    "unique_agent_names": Switch(_LOST),
    "unique_emails": harmless("no second account of an address is made"),
    "seats_enforced": harmless("the rail counts seats before Halo does", world={"seats": 8}),
    "open_work": Switch(
        {
            "ignored": Does(why="nothing to tell"),
            "demand": Does(ends="told", why="an agent with open tickets is not switched off: told until it is done"),
        }
    ),
    "ticket_agents": harmless("each agent whom a list leaves out is asked for alone"),
    "approvals": harmless("approvals that are not listed are left out"),
    "single_sign_on": harmless("nobody's sign-in is set up here"),
    "locked_tickets": harmless("nobody's tickets are handed over here", (1,)),
    "error_body": harmless("every shape has its sentence", beside=_NAMESAKES, writes=14),
    "auth_info": harmless("the hosted default address holds"),
    "tenant_required": harmless("the tenant is learned from the instance and always sent"),
    "token_life": harmless("a token that ends is replaced", 2, beside={"latency_ms": 250.0}, more=60),
    "tells_expiry": harmless(
        "a 401 is answered with a new token", beside={"token_life": 2, "latency_ms": 250.0}, more=30
    ),
    "tells_scope": harmless("scopes are only told by `check`"),
    "forbidden": Switch(
        {
            (name,): refused(AuthError, "halo-forbidden", "the right that is missing is named")
            for name in ("Users", "Agent", "Client", "Site", "Team", "Roles", "UserRoles", "TopLevel", "InstanceInfo")
        }
    ),
    "budget": harmless("429s are waited out", 0, 20, more=30),
    "budget_seconds": harmless("a longer window is waited out", 600.0, beside={"budget": 20}, more=30),
    "retry_after": harmless("told waits are kept", beside={"budget": 20}, more=30),
    "latency_ms": harmless("slower, the same answers", 250.0),
}
Switches = Mapping[str, Mapping[str, Switch]]
SWITCHES: Switches = {"okta": OKTA, "halo": HALO}
"""Entra's are in :mod:`quirks_entra`: what they may do shows in a read and its rounds, without a desk."""


def unclassified(structs: Structs = STRUCTS, switches: Switches = SWITCHES) -> list[str]:
    """Switches and values that nobody said anything about, and words about switches that are gone."""
    found: list[str] = []
    for vendor, struct in structs.items():
        fields = {field.name: field for field in msgspec.structs.fields(struct)}
        found += [f"{vendor}.{name}" for name in fields.keys() ^ switches[vendor].keys()]
        for name in fields.keys() & switches[vendor].keys():
            does = switches[vendor][name].does
            values = list(_values(fields[name], switches[vendor][name]))
            if not values:
                found.append(f"{vendor}.{name}: no sample")
            if not isinstance(does, Does):
                found += [f"{vendor}.{name}={value}" for value in values if value not in does]
    return found


def cases(structs: Structs = STRUCTS, switches: Switches = SWITCHES) -> Iterator[Case]:
    """Every value of every classified switch that is not its default."""
    for vendor, struct in structs.items():
        for field in msgspec.structs.fields(struct):
            switch = switches[vendor].get(field.name)
            for value in _values(field, switch) if switch else ():
                does = switch.does if isinstance(switch.does, Does) else switch.does.get(value)
                if does is not None and value != field.default:
                    yield Case(vendor, field.name, value, does)


def _values(field: msgspec.structs.FieldInfo, switch: Switch) -> tuple[Any, ...]:
    if field.type is bool:
        return (not field.default,)
    if get_origin(field.type) is Literal:
        return tuple(value for value in get_args(field.type) if value != field.default)
    return switch.samples or (() if isinstance(switch.does, Does) else tuple(switch.does))
