"""What plugin authors build on does not change by accident, and importing it stays cheap."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import subprocess
import sys

import pytest

import crosskey
import crosskey.errors
import crosskey.http
import crosskey.testing
from crosskey import hookspecs

PUBLIC = """
    PERSON_ATTRIBUTES Account AccountsComplete AccountsPage AccountsRequest AuthError AuthorizationRedirect
    Callback Candidate Catalogue CatalogueEntry Change ClientAuth Clock CompiledMapping ConfigError
    ConfirmsMembership Context ContractError CountsSeats Credential CrosskeyError CursorExpiredError Desired
    Diagnostic Difference Door DoorApp EndsLogins EndsSessions Event FieldChange FieldSpec FindsChanges
    FindsPeople GonePage Group GroupSelection GroupsPage HasCatalogue HearsSignals Identity KindSpec Lateness
    LeadsSignIn LeaverPolicy LoginRequest LogoutRequest LooksUpAccounts Lookup ManagesSubscriptions MapperSpec
    MappingContext MatchKey MembersLeftPage MembersPage MfaEvidence Notice Notifier NotifierSpec Outcome
    Ownership PeoplePage Person Pinned Pins PlanHeader PluginError Provider ReadComplete ReadPage ReadRequest
    ReadsChanges ReceivesSignals ReferenceChange ReferenceSpec Refreshed RefreshesLogins RejectedError
    RetryableError RunFacts Scalar Seats Secret SecretReference SetUp SetsUpSignIn Settings SignInAddresses
    SignInApp SignInGroup SignInLink SignalAnswer SignalEvent SignalMessage SignalPoll SignalRequest Source
    SourceSpec SsoContext SsoFlow SsoFlowSpec SsoRefused Subject Subscription Survey Target TargetSchema TargetSpec
    TellsCredentials TellsOrigins TellsSignIns UncertainError hookimpl signal_poll
"""

HTTP = "Budget Client RefreshingAuth Reply RetryPolicy Token link_next merge open_client recording"

HOOKS = {
    "crosskey_sources": [],
    "crosskey_targets": [],
    "crosskey_mappers": [],
    "crosskey_sso_flows": [],
    "crosskey_notifiers": [],
    "crosskey_commands": [],
    "crosskey_resolve_secret": ["ref"],
    "crosskey_review_plan": ["plan", "run"],
    "crosskey_on_event": ["event"],
}

HEAVY = ("httpx", "sqlite_utils", "sqlite3", "jinja2", "joserfc", "starlette", "opentelemetry.sdk", "vcr", "rich")


TESTING = """
    FakeDirectory FakeProvider FakeTarget FakeVendor MapperConformance SourceConformance SsoFlowConformance
    TargetConformance VirtualClock play
"""


def test_the_names_of_the_kit_are_these():
    assert list(crosskey.testing.__all__) == TESTING.split()
    assert all(getattr(crosskey.testing, name) for name in crosskey.testing.__all__)


def test_the_public_names_are_these():
    assert list(crosskey.__all__) == PUBLIC.split()
    assert list(crosskey.http.__all__) == HTTP.split()


@pytest.mark.parametrize("module", [crosskey, crosskey.http, crosskey.errors], ids=lambda module: module.__name__)
def test_every_public_name_is_there_and_listed(module):
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module) or name in module.__all__


def test_a_public_name_is_the_thing_itself():
    assert crosskey.Person is importlib.import_module("crosskey.model").Person
    assert "Person" in dir(crosskey)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Pearson'"):
        _ = crosskey.Pearson


def test_hooks_keep_their_names_and_parameters():
    found = {name: function for name, function in vars(hookspecs).items() if name.startswith("crosskey_")}
    assert {name: list(inspect.signature(function).parameters) for name, function in found.items()} == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_says_what_it_does_and_what_happens_when_it_raises(name):
    text = inspect.getdoc(getattr(hookspecs, name))
    assert "If it raises" in text
    assert all(f":param {parameter}:" in text for parameter in HOOKS[name])
    assert len(HOOKS[name]) <= 2


def imported_by(code: str) -> set[str]:
    """The modules that a fresh interpreter holds after the code."""
    program = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_crosskey_imports_nothing_else():
    assert {name for name in imported_by("import crosskey") if name.startswith("crosskey")} == {"crosskey"}
    assert "msgspec" not in imported_by("import crosskey")


@pytest.mark.parametrize(
    "code",
    [
        "from crosskey.plugins import load_plugins; load_plugins()",
        "from crosskey import *",
        "import crosskey.config, crosskey.context, crosskey.telemetry, crosskey.logs",
    ],
)
def test_finding_plugins_and_reading_settings_stays_light(code):
    loaded = imported_by(code)
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("package", ["crosskey", "crosskey.plugins"])
def test_no_lazy_name_is_that_of_a_module(package):
    """Once such a module is imported, it stands where the name did: what one gets would depend on what came before."""
    module = importlib.import_module(package)
    lazy = {name for name in module.__all__ if importlib.util.find_spec(f"{package}.{name}") is not None}
    assert lazy == set()
