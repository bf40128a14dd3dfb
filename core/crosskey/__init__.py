"""crosskey keeps a service desk in step with an identity provider.

The names exported here, by :mod:`crosskey.http` and by :mod:`crosskey.errors` are all that a plugin needs. Each module
is imported when one of its names is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosskey.clock import Clock
    from crosskey.connector.context import Context
    from crosskey.connector.credential import Credential, TellsCredentials
    from crosskey.connector.lateness import Lateness
    from crosskey.connector.mapper import (
        Candidate,
        CompiledMapping,
        Desired,
        LeaverPolicy,
        MapperSpec,
        MappingContext,
        MatchKey,
        Ownership,
        TellsOrigins,
    )
    from crosskey.connector.notifier import Notice, Notifier, NotifierSpec
    from crosskey.connector.refusal import SsoRefused
    from crosskey.connector.sign_in import (
        Difference,
        LeadsSignIn,
        SetsUpSignIn,
        SetUp,
        SignInAddresses,
        SignInApp,
        SignInGroup,
        SignInLink,
        Survey,
    )
    from crosskey.connector.signal import (
        ManagesSubscriptions,
        ReceivesSignals,
        SignalAnswer,
        SignalRequest,
        Subscription,
    )
    from crosskey.connector.signal_poll import SignalPoll, signal_poll
    from crosskey.connector.source import (
        ConfirmsMembership,
        FindsPeople,
        GonePage,
        GroupsPage,
        MembersLeftPage,
        MembersPage,
        PeoplePage,
        ReadComplete,
        ReadPage,
        ReadRequest,
        ReadsChanges,
        Source,
        SourceSpec,
    )
    from crosskey.connector.sso import (
        AuthorizationRedirect,
        Callback,
        ClientAuth,
        Door,
        DoorApp,
        EndsLogins,
        HearsSignals,
        Identity,
        LoginRequest,
        LogoutRequest,
        MfaEvidence,
        Pinned,
        Pins,
        Provider,
        Refreshed,
        RefreshesLogins,
        SignalEvent,
        SignalMessage,
        SsoContext,
        SsoFlow,
        SsoFlowSpec,
    )
    from crosskey.connector.target import (
        AccountsComplete,
        AccountsPage,
        AccountsRequest,
        CountsSeats,
        EndsSessions,
        FieldSpec,
        FindsChanges,
        HasCatalogue,
        KindSpec,
        LooksUpAccounts,
        Lookup,
        ReferenceSpec,
        Seats,
        Target,
        TargetSchema,
        TargetSpec,
        TellsSignIns,
    )
    from crosskey.errors import (
        AuthError,
        ConfigError,
        ContractError,
        CrosskeyError,
        CursorExpiredError,
        Diagnostic,
        PluginError,
        RejectedError,
        RetryableError,
        UncertainError,
    )
    from crosskey.events import Event, RunFacts
    from crosskey.hookspecs import hookimpl
    from crosskey.model import (
        PERSON_ATTRIBUTES,
        Account,
        Catalogue,
        CatalogueEntry,
        Group,
        GroupSelection,
        Person,
        Scalar,
        Subject,
    )
    from crosskey.plan import Change, FieldChange, Outcome, PlanHeader, ReferenceChange
    from crosskey.settings import Secret, SecretReference, Settings

__all__ = (
    "PERSON_ATTRIBUTES",
    "Account",
    "AccountsComplete",
    "AccountsPage",
    "AccountsRequest",
    "AuthError",
    "AuthorizationRedirect",
    "Callback",
    "Candidate",
    "Catalogue",
    "CatalogueEntry",
    "Change",
    "ClientAuth",
    "Clock",
    "CompiledMapping",
    "ConfigError",
    "ConfirmsMembership",
    "Context",
    "ContractError",
    "CountsSeats",
    "Credential",
    "CrosskeyError",
    "CursorExpiredError",
    "Desired",
    "Diagnostic",
    "Difference",
    "Door",
    "DoorApp",
    "EndsLogins",
    "EndsSessions",
    "Event",
    "FieldChange",
    "FieldSpec",
    "FindsChanges",
    "FindsPeople",
    "GonePage",
    "Group",
    "GroupSelection",
    "GroupsPage",
    "HasCatalogue",
    "HearsSignals",
    "Identity",
    "KindSpec",
    "Lateness",
    "LeadsSignIn",
    "LeaverPolicy",
    "LoginRequest",
    "LogoutRequest",
    "LooksUpAccounts",
    "Lookup",
    "ManagesSubscriptions",
    "MapperSpec",
    "MappingContext",
    "MatchKey",
    "MembersLeftPage",
    "MembersPage",
    "MfaEvidence",
    "Notice",
    "Notifier",
    "NotifierSpec",
    "Outcome",
    "Ownership",
    "PeoplePage",
    "Person",
    "Pinned",
    "Pins",
    "PlanHeader",
    "PluginError",
    "Provider",
    "ReadComplete",
    "ReadPage",
    "ReadRequest",
    "ReadsChanges",
    "ReceivesSignals",
    "ReferenceChange",
    "ReferenceSpec",
    "Refreshed",
    "RefreshesLogins",
    "RejectedError",
    "RetryableError",
    "RunFacts",
    "Scalar",
    "Seats",
    "Secret",
    "SecretReference",
    "SetUp",
    "SetsUpSignIn",
    "Settings",
    "SignInAddresses",
    "SignInApp",
    "SignInGroup",
    "SignInLink",
    "SignalAnswer",
    "SignalEvent",
    "SignalMessage",
    "SignalPoll",
    "SignalRequest",
    "Source",
    "SourceSpec",
    "SsoContext",
    "SsoFlow",
    "SsoFlowSpec",
    "SsoRefused",
    "Subject",
    "Subscription",
    "Survey",
    "Target",
    "TargetSchema",
    "TargetSpec",
    "TellsCredentials",
    "TellsOrigins",
    "TellsSignIns",
    "UncertainError",
    "hookimpl",
    "signal_poll",
)

_HOMES = {
    "clock": "Clock",
    "connector.context": "Context",
    "connector.credential": "Credential TellsCredentials",
    "connector.lateness": "Lateness",
    "connector.mapper": (
        "Candidate CompiledMapping Desired LeaverPolicy MapperSpec MappingContext MatchKey Ownership TellsOrigins"
    ),
    "connector.notifier": "Notice Notifier NotifierSpec",
    "connector.signal": "ManagesSubscriptions ReceivesSignals SignalAnswer SignalRequest Subscription",
    "connector.signal_poll": "SignalPoll signal_poll",
    "connector.source": (
        "ConfirmsMembership FindsPeople GonePage GroupsPage MembersLeftPage MembersPage PeoplePage ReadComplete "
        "ReadPage ReadRequest ReadsChanges Source SourceSpec"
    ),
    "connector.refusal": "SsoRefused",
    "connector.sign_in": (
        "Difference LeadsSignIn SetUp SetsUpSignIn SignInAddresses SignInApp SignInGroup SignInLink Survey"
    ),
    "connector.sso": (
        "AuthorizationRedirect Callback ClientAuth Door DoorApp EndsLogins HearsSignals Identity LoginRequest "
        "LogoutRequest MfaEvidence Pinned Pins Provider Refreshed RefreshesLogins SignalEvent SignalMessage SsoContext "
        "SsoFlow SsoFlowSpec"
    ),
    "connector.target": (
        "AccountsComplete AccountsPage AccountsRequest CountsSeats EndsSessions FieldSpec FindsChanges HasCatalogue "
        "KindSpec LooksUpAccounts Lookup ReferenceSpec Seats Target TargetSchema TargetSpec TellsSignIns"
    ),
    "errors": (
        "AuthError ConfigError ContractError CrosskeyError CursorExpiredError Diagnostic PluginError "
        "RejectedError RetryableError UncertainError"
    ),
    "events": "Event RunFacts",
    "hookspecs": "hookimpl",
    "model": "PERSON_ATTRIBUTES Account Catalogue CatalogueEntry Group GroupSelection Person Scalar Subject",
    "plan": "Change FieldChange Outcome PlanHeader ReferenceChange",
    "settings": "Secret SecretReference Settings",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import the module of a public name when it is first asked for, and keep the name."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
