"""Every way in which Halo instances differ or misbehave, as one struct of switches.

The defaults are what most sources agree on. Where they disagree, or where nothing public says what Halo does, each
known or possible behaviour is a value here, so that a client can be tried against all of them. *Unknown* marks those.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ("HaloQuirks",)


class HaloQuirks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Switches of one local Halo; replace ``desk.quirks`` at any time (``msgspec.structs.replace``)."""

    # ------------------------------------------------------------------------------------------------------------ lists
    page_cap: int = 100
    """Rows a page holds at most; larger requests are silently cut (100 since 2026; 50 was seen on some resources)."""
    default_page_size: int = 50
    """Rows of a page when ``page_size`` is not given."""
    count_past_end: Literal["zero", "truthful"] = "zero"
    """``record_count`` of a page past the last one."""
    count_offset: int = 0
    """Added to every ``record_count``: a count that is not the truth."""
    unpaged: Literal["whole", "first_page"] = "whole"
    """A list asked without ``pageinate=true``: everything, or (later versions ignore the parameter) one page of it."""
    agent_list: Literal["array", "agents", "results"] = "array"
    """``/Agent``: a bare array of everything (classic), or, when paging is asked, an envelope under that key."""
    list_lag: float = 0.0
    """Seconds until a write shows in lists. *Unknown* whether real instances lag."""
    hidden: tuple[str, ...] = ()
    """Resources whose lists come back empty with 200, as when the agent's visibility hides their records."""

    # ---------------------------------------------------------------------------------------------- fields and versions
    other5_listed: bool = True
    """User lists show ``other5`` (the newer captures do)."""
    okta_id_accepts: Literal["both", "oktaid", "okta_id", "neither"] = "both"
    """Which of the two names a POST persists. *Unknown*."""
    federated_identity_id: Literal["listed", "detail", "unknown"] = "listed"
    """The 2026 field: in lists and details, in details only (*unknown* which), or not known to an older version."""
    third_party_relational_id: Literal["listed", "detail", "unknown"] = "listed"
    """The other 2026 field, the same way."""
    user_roles_listed: Literal["ids_and_names", "ids", "names", "no"] = "ids_and_names"
    """User lists show ``role_ids`` (2026) and ``role_list`` (names in one string)."""
    user_departments_listed: bool = False
    """User lists show ``departments``; the published list model does not have them."""
    agent_roles_listed: Literal["both", "roles", "role_list"] = "both"
    """What ``includeroles=true`` adds to agent rows. *Unknown*; the list model has only ``role_list``."""
    agent_memberships_listed: Literal["always", "asked", "no"] = "always"
    """Agent rows carry ``teams`` and ``departments``: unless excluded, only with ``include_membership_info``, never."""
    department_members: Literal["both", "agents", "agent_members"] = "both"
    """``/TopLevel?include_agents=true``: membership rows (``agents``), agent rows (``agent_members``)."""
    search_aliases: bool = True
    """``search`` looks at ``email2`` and ``email3`` too. *Unknown*."""
    search_case: Literal["ignored", "kept"] = "ignored"
    """``search`` and ``advanced_search`` take capitals and small letters for the same. *Unknown*; what clients do with
    addresses as their directory writes them speaks for it."""
    advanced_search: bool = True
    """``advanced_search`` knows every field; ``False``: only names and e-mail, others are 400."""

    # ----------------------------------------------------------------------------------------------------------- writes
    post_status: Literal[200, 201] = 201
    """Status of a successful POST (undetailed endpoints declare 200)."""
    many_reply: Literal["array", "object"] = "array"
    """Answer to an array of several: an array, or only the first saved record."""
    many_saved: Literal["all", "first"] = "all"
    """``first``: only the first record of an array is saved; the rest is dropped without a word."""
    bad_item: Literal["refuse_all", "save_before", "save_good"] = "refuse_all"
    """One bad record in an array: nothing saved and 400; those before it saved and 400; all others saved and the bad
    one reported in its place of the answer. *Unknown*."""
    batch_limit: int = 0
    """Longer arrays are refused with 400; 0: no limit. *Unknown*."""
    doubles: Literal["refused", "accepted"] = "refused"
    """``95.0`` for an id is refused although lists answer ``95.0``."""
    memberships: Literal["replace", "merge"] = "replace"
    """A posted ``roles``/``teams``/``departments`` list replaces what was there or is added to it. *Unknown*."""
    long_text: Literal["truncate", "refuse"] = "truncate"
    """Text longer than its column: cut silently, or 400. *Unknown*."""
    null: Literal["ignored", "clears"] = "ignored"
    """An explicit ``null``. *Unknown*; ``""`` always clears text."""
    unique_agent_names: bool = False
    """A second agent of one name is 400. *Unknown*."""
    unique_emails: bool = False
    """A second user or agent with one e-mail is 400. *Unknown*."""
    seats_enforced: bool = False
    """An agent beyond the licensed count is 400. *Unknown*."""
    open_work: Literal["ignored", "warning", "demand"] = "warning"
    """Disabling an agent with open tickets (``desk.busy_agents``): works; works with ``_warning``; is not done and
    answered with ``_warning`` and ``check_reassign01`` until ``_force`` is sent. *Unknown*."""
    ticket_agents: Literal["list", "first", "ignored"] = "list"
    """``agent=1,2`` on ``/Tickets``: those of all these agents; of the first only; the parameter is ignored. The
    parameter is documented as an array, how it is written is not."""
    approvals: Literal["all", "mine", "none"] = "all"
    """``/TicketApproval?mine=false``: approvals of everybody; of the acting agent only; the path is 404. *Unknown*."""
    single_sign_on: Literal["list", "typed", "control"] = "list"
    """Applications for single sign-on: a list (2.210 and later); the same, where none is made without a ``type``; no
    such list, only settings of ``/Control``. Whether ``type`` is required is *unknown*."""
    locked_tickets: tuple[int, ...] = ()
    """Tickets that refuse to be changed (400), as a workflow step may."""
    error_body: Literal["exception", "message", "error", "result"] = "exception"
    """Shape of a 400: .NET exception, ``{Message}``, ``{error}``, ``{resultCode, errorMessage}``."""

    # -------------------------------------------------------------------------------------------- sign-in and transport
    auth_info: bool = True
    """``/api/authinfo`` exists."""
    tenant_required: bool = False
    """A token request without ``tenant`` fails like one with a wrong tenant (500)."""
    token_life: int = 3600
    """Seconds an access token lives."""
    tells_expiry: bool = True
    """Token answers have ``expires_in``."""
    tells_scope: bool = True
    """Token answers have ``scope``."""
    forbidden: tuple[str, ...] = ()
    """Resources that answer 403 without a body, as when the agent lacks the right."""
    budget: int = 300
    """API requests per rolling window before 429; 0: no limit (self-hosted)."""
    budget_seconds: float = 300.0
    """Length of that window."""
    retry_after: bool = False
    """429 answers carry ``Retry-After``. *Unknown*."""
    latency_ms: float = 0.0
    """Time every API answer takes; other requests go on meanwhile."""
