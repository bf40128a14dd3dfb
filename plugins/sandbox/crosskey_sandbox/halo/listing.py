"""GET lists: which records, in which order, on which page.

Rules followed: inactive and disabled records are hidden unless asked for; API-only agents and *Unassigned* too;
paging happens with ``pageinate=true``, pages hold at most ``page_cap`` rows whatever ``page_size`` says,
``record_count`` tells the whole number; users, clients and sites come in an envelope, the others as bare arrays.
Order is by id unless ``order`` names a member. How the date filters compare is synthetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

import msgspec

from crosskey_sandbox.halo.desk import HaloDesk
from crosskey_sandbox.halo.records import Agent, Approval, Client, Department, Key, Record, Site, Team, Ticket, User
from crosskey_sandbox.halo.rows import ENCODER, agent_row, department_agents, single, team_agents, user_row
from crosskey_sandbox.halo.saving import BadItem

__all__ = ("list_body",)

Query = Mapping[str, str]
Keep = Callable[[Record], bool]

ENVELOPES: Final = {"Users": "users", "Client": "clients", "Site": "sites", "Tickets": "tickets"}
_PAGING: Final = frozenset({"pageinate", "page_no", "page_size", "count", "tenant", "idonly"})
_SEARCHED: Final = ("name", "firstname", "surname", "emailaddress", "email2", "email3", "login", "email", "phonenumber")
_WHITELIST: Final = frozenset({"name", "emailaddress", "email"})


class _Condition(msgspec.Struct):
    """One entry of ``advanced_search``."""

    filter_name: str
    filter_type: int
    filter_value: str


def list_body(desk: HaloDesk, resource: str, query: Query) -> bytes:
    """The body of a list answer. Raises :class:`BadItem` for a search that Halo refuses."""
    records, keys = _selected(desk, resource, query)
    total = len(keys)
    envelope = ENVELOPES.get(resource) or (desk.quirks.agent_list if resource == "Agent" else "array")
    paged = _flag(query, "pageinate", default=False) or desk.quirks.unpaged == "first_page"
    if envelope == "array" or (resource == "Agent" and not _flag(query, "pageinate", default=False)):
        return b"[" + b",".join(_encoded(desk, resource, query, records, keys)) + b"]"
    number, size = 1, total
    if paged:
        number = max(1, _number(query, "page_no", 1))
        size = min(_number(query, "page_size", desk.quirks.default_page_size) or 1, desk.quirks.page_cap)
        keys = keys[(number - 1) * size : number * size]
    elif "count" in query:
        keys = keys[: _number(query, "count", total)]
    count = total + desk.quirks.count_offset
    if number > 1 and not keys and desk.quirks.count_past_end == "zero":
        count = 0
    head = f'{{"page_no":{number},"page_size":{size},"record_count":{count},"{envelope}":['.encode()
    return head + b",".join(_encoded(desk, resource, query, records, keys)) + b"]}"


def _selected(desk: HaloDesk, resource: str, query: Query) -> tuple[Mapping[Key, Record], Sequence[Key]]:
    """The records as lists show them now, and the ids the filters leave, remembered until something changes."""
    table = desk.tables[resource]
    if resource in desk.quirks.hidden:
        return table, ()
    lagging = _lagging(desk, resource)
    filters = {name: value for name, value in query.items() if name not in _PAGING}
    if lagging is not None:
        return lagging, _select(desk, resource, lagging, filters)
    remembered = (resource, *sorted(filters.items()))
    keys = desk.selections.get(remembered)
    if keys is None:
        keys = desk.selections[remembered] = _select(desk, resource, table, filters)
    return table, keys


def _lagging(desk: HaloDesk, resource: str) -> Mapping[Key, Record] | None:
    """The table without the writes of the last ``list_lag`` seconds; ``None``: nothing lags."""
    since = desk.clock.monotonic() - desk.quirks.list_lag
    view: dict[Key, Record] | None = None
    for write in reversed(desk.writes):
        if not desk.quirks.list_lag or write.at <= since:
            break
        if write.resource == resource:
            view = dict(desk.tables[resource]) if view is None else view
            if write.before is None:
                view.pop(write.id, None)
            else:
                view[write.id] = write.before
    return view


def _select(desk: HaloDesk, resource: str, table: Mapping[Key, Record], query: Query) -> tuple[Key, ...]:
    tests = list(_tests(desk, resource, query))
    chosen = [record for record in table.values() if all(test(record) for test in tests)]
    order = query.get("order", "").lower()
    if order and chosen and order in chosen[0].__struct_fields__:
        chosen.sort(key=_by(order), reverse=_flag(query, "orderdesc", default=False))
    elif resource != "Roles":
        chosen.sort(key=lambda record: int(record.id))
    return tuple(record.id for record in chosen)


def _by(member: str) -> Callable[[Record], tuple[int, str, str]]:
    """The order of a column: numbers as such, text whatever its case."""

    def place(record: Record) -> tuple[int, str, str]:
        value = getattr(record, member)
        return (value, "", str(record.id)) if isinstance(value, int) else (0, str(value).casefold(), str(record.id))

    return place


def _tests(desk: HaloDesk, resource: str, query: Query) -> Iterator[Keep]:
    if resource == "Users":
        yield from _user_tests(desk, query)
    elif resource == "Agent":
        yield from _agent_tests(desk, query)
    elif resource in {"Client", "Site", "Team"}:
        yield from _activity(query, "includeactive", "includeinactive", "inactive")
    elif resource == "Tickets":
        yield from _ticket_tests(desk, query)
    elif resource == "TicketApproval" and (desk.quirks.approvals == "mine" or _flag(query, "mine", default=False)):
        yield lambda record: cast("Approval", record).agent_id == desk.application.agent_id
    if resource == "Site" and _number(query, "client_id"):
        yield lambda record: cast("Site", record).client_id == _number(query, "client_id")
    if resource == "Team" and _number(query, "department_id"):
        yield lambda record: cast("Team", record).department_id == _number(query, "department_id")
    if resource == "TopLevel" and _flag(query, "agent_departments_only", default=False):
        yield lambda record: cast("Department", record).agent_department
    if query.get("search"):
        yield _search(desk, query["search"])
    if query.get("advanced_search"):
        yield from _advanced(desk, query["advanced_search"])


def _user_tests(desk: HaloDesk, query: Query) -> Iterator[Keep]:
    yield from _activity(query, "includeactive", "includeinactive", "inactive")
    if _flag(query, "exclude_generaluser", default=False) or _flag(query, "exclude_defaultsiteusers", default=False):
        yield lambda record: not cast("User", record).general
    if _flag(query, "exclude_agents", default=False):
        yield lambda record: not cast("User", record).linked_agent_id
    if not _flag(query, "includeserviceaccount", default=True):
        yield lambda record: not cast("User", record).isserviceaccount
    if not _flag(query, "includenonserviceaccount", default=True):
        yield lambda record: cast("User", record).isserviceaccount
    if _number(query, "site_id"):
        yield lambda record: cast("User", record).site_id == _number(query, "site_id")
    if _number(query, "client_id"):
        sites = {site.id for site in desk.sites.values() if site.client_id == _number(query, "client_id")}
        yield lambda record: cast("User", record).site_id in sites
    if _number(query, "role"):
        yield lambda record: any(link.id == _number(query, "role") for link in cast("User", record).roles)
    if _number(query, "department_id"):
        yield _in_department(_number(query, "department_id"))
    yield from _integration(query)
    since = query.get("lastupdatefromdate", "")
    if since:
        yield lambda record: cast("User", record).lastupdate >= since


def _agent_tests(desk: HaloDesk, query: Query) -> Iterator[Keep]:
    if not _flag(query, "showall", default=False):
        yield from _activity(query, "includeenabled", "includedisabled", "isdisabled")
    if not _flag(query, "includeapiagents", default=False):
        yield lambda record: not cast("Agent", record).isapiagent
    if not _flag(query, "includeunassigned", default=False):
        yield lambda record: not cast("Agent", record).unassigned
    if _flag(query, "withemail", default=False):
        yield lambda record: bool(cast("Agent", record).email)
    team = _number(query, "team_id")
    named = query.get("team", "").casefold()
    ids = {team} if team else {known.id for known in desk.teams.values() if known.name.casefold() == named}
    if team or named:
        yield lambda record: any(link.team_id in ids for link in cast("Agent", record).teams)
    role = query.get("role", "")
    if role:
        guids = {known.id for known in desk.roles.values() if role in {known.id, str(known.id_int)}}
        yield lambda record: any(link.id in guids for link in cast("Agent", record).roles)
    if _number(query, "department_id"):
        yield _in_department(_number(query, "department_id"))
    yield from _integration(query)


def _ticket_tests(desk: HaloDesk, query: Query) -> Iterator[Keep]:
    if _flag(query, "open_only", default=False):
        yield lambda record: not cast("Ticket", record).closed
    if _number(query, "agent_id"):
        yield lambda record: cast("Ticket", record).agent_id == _number(query, "agent_id")
    several = [int(part) for part in query.get("agent", "").split(",") if part.strip().isdigit()]
    if several and desk.quirks.ticket_agents != "ignored":
        agents = several if desk.quirks.ticket_agents == "list" else several[:1]
        yield lambda record: cast("Ticket", record).agent_id in agents


def _activity(query: Query, on: str, off: str, member: str) -> Iterator[Keep]:
    """Active unless told otherwise, inactive only when asked; also as the pair ``activeinactive=true,false``."""
    pair = [part.strip().lower() == "true" for part in query.get("activeinactive", "").split(",")]
    active = pair[0] if len(pair) == 2 else _flag(query, on, default=True)
    inactive = pair[1] if len(pair) == 2 else _flag(query, off, default=False)
    if not active:
        yield lambda record: bool(getattr(record, member))
    if not inactive:
        yield lambda record: not getattr(record, member)


def _integration(query: Query) -> Iterator[Keep]:
    """``integration_type``: only records that carry that integration's id."""
    member = {"okta": "oktaid", "azure": "azureoid"}.get(query.get("integration_type", "").lower())
    if member:
        yield lambda record: bool(getattr(record, member, ""))


def _in_department(key: int) -> Keep:
    return lambda record: any(link.department_id == key for link in cast("User | Agent", record).departments)


def _search(desk: HaloDesk, text: str) -> Keep:
    """``search``: name, e-mail, login and phone columns; not ids of integrations."""
    names = [name for name in _SEARCHED if desk.quirks.search_aliases or name not in {"email2", "email3"}]
    wanted = _as_compared(desk, text)
    return lambda record: any(wanted in _as_compared(desk, getattr(record, name, "")) for name in names)


def _as_compared(desk: HaloDesk, value: object) -> str:
    return str(value) if desk.quirks.search_case == "kept" else str(value).casefold()


def _advanced(desk: HaloDesk, text: str) -> Iterator[Keep]:
    """``advanced_search``: types 2 and 6 equal, 3 unequal, 4 like, 0 in; the others are refused here (synthetic)."""
    try:
        conditions = msgspec.json.decode(text, type=list[_Condition])
    except msgspec.MsgspecError as error:
        raise BadItem("Invalid advanced search parameter") from error
    for condition in conditions:
        name, value = condition.filter_name.lower(), _as_compared(desk, condition.filter_value)
        if name.startswith("_") or (not desk.quirks.advanced_search and name not in _WHITELIST):
            raise BadItem(f"Invalid advanced search parameter: {condition.filter_name}")
        yield _matches(desk, name, condition.filter_type, value)


def _matches(desk: HaloDesk, name: str, how: int, value: str) -> Keep:
    def member(record: Record) -> str:
        return _as_compared(desk, getattr(record, "oktaid" if name == "okta_id" else name, ""))

    tests: dict[int, Keep] = {
        0: lambda record: member(record) in {part.strip() for part in value.split(",")},
        2: lambda record: member(record) == value,
        3: lambda record: member(record) != value,
        4: lambda record: value.strip("%") in member(record),
        6: lambda record: member(record) == value,
    }
    if how not in tests:
        raise BadItem("Invalid advanced search parameter")
    return tests[how]


def _encoded(
    desk: HaloDesk, resource: str, query: Query, records: Mapping[Key, Record], keys: Sequence[Key]
) -> Iterator[bytes]:
    table = desk.tables[resource]
    if _flag(query, "idonly", default=False):
        yield from (ENCODER.encode({"id": key}) for key in keys)
    elif resource == "Users":
        current = records is table
        for key in keys:
            user = cast("User", records[key])
            yield user_row(desk, user) if current or table.get(key) is user else user_row(desk, user, remember=False)
    elif resource == "Agent":
        roles = _flag(query, "includeroles", default=False)
        asked = _flag(query, "include_membership_info", default=desk.quirks.agent_memberships_listed == "always")
        memberships = asked and desk.quirks.agent_memberships_listed != "no"
        memberships = memberships and not _flag(query, "exclude_membership_info", default=False)
        for key in keys:
            yield agent_row(desk, cast("Agent", records[key]), roles=roles, memberships=memberships)
    else:
        for key in keys:
            yield ENCODER.encode(_plain_row(desk, records[key], query))


def _plain_row(desk: HaloDesk, record: Record, query: Query) -> dict[str, object]:
    row = single(desk, record, details=False)
    if isinstance(record, Team) and _flag(query, "includeagentsforteams", default=False):
        row["agents"] = team_agents(desk, record)
    if isinstance(record, Department) and _flag(query, "include_agents", default=False):
        links = department_agents(desk, record)
        if desk.quirks.department_members != "agent_members":
            row["agents"] = links
        if desk.quirks.department_members != "agents":
            inside = {link["agent_id"] for link in links}
            row["agent_members"] = [
                {"id": agent.id, "name": agent.name, "email": agent.email, "isdisabled": agent.isdisabled}
                for agent in desk.agents.values()
                if agent.id in inside
            ]
    if isinstance(record, Client):
        row.pop("use", None)
    return row


def _flag(query: Query, name: str, *, default: bool) -> bool:
    value = query.get(name)
    return default if value is None else value.lower() in {"true", "1"}


def _number(query: Query, name: str, default: int = 0) -> int:
    text = query.get(name, "")
    return int(text) if text.lstrip("-").isdigit() else default
