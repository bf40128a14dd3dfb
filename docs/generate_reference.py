"""The reference of what a plugin may import, made from signatures and docstrings: it says what the code does."""

from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec

__all__ = ("REFERENCE", "told")

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "specs": "SourceSpec TargetSpec MapperSpec SsoFlowSpec NotifierSpec hookimpl Context Clock Settings Secret "
        "SecretReference",
        "sources": "Source ReadRequest PeoplePage GroupsPage MembersPage MembersLeftPage GonePage ReadComplete "
        "ReadPage FindsPeople ConfirmsMembership ReadsChanges ReceivesSignals SignalRequest SignalAnswer "
        "ManagesSubscriptions Subscription TellsCredentials Credential",
        "targets": "Target TargetSchema KindSpec FieldSpec ReferenceSpec AccountsRequest AccountsPage AccountsComplete "
        "HasCatalogue FindsChanges LooksUpAccounts Lookup EndsSessions CountsSeats Seats TellsSignIns",
        "mappers": "MappingContext CompiledMapping Candidate Desired MatchKey LeaverPolicy Ownership TellsOrigins",
        "sso": "SsoFlow SsoContext Door Provider LoginRequest AuthorizationRedirect Callback Identity MfaEvidence "
        "Pinned Pins SsoRefused RefreshesLogins Refreshed EndsLogins LogoutRequest HearsSignals SignalMessage "
        "SignalEvent SignalPoll signal_poll Lateness DoorApp ClientAuth SetsUpSignIn LeadsSignIn SignInApp "
        "SignInGroup SignInLink SignInAddresses "
        "Survey Difference SetUp",
        "notifiers": "Notifier Notice",
        "vocabulary": "Subject Person PERSON_ATTRIBUTES Group GroupSelection Account Catalogue CatalogueEntry Scalar "
        "Change FieldChange ReferenceChange Outcome PlanHeader Event RunFacts Diagnostic",
    }
)
"""The public names of ``crosskey`` by what they are for; the errors have a section of their own."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "ClientAuth": "How an application proves to its provider who it is, by its name in OpenID Connect.",
        "Door": "One audience's sign-in: `agents` or `portal`.",
        "PERSON_ATTRIBUTES": "The names that a mapping may use besides `active`, `subject` and `extra.*`.",
        "ReadPage": "Any page of a read: what `Source.read` and `ReadsChanges.read_changes` give one after the other.",
        "UNREADABLE": "What msgspec raises for bytes that are not what was expected, as a tuple for `except`.",
        "Scalar": "The value of a field: text, a flag, a number, or nothing.",
        "Ownership": "When a field is written: `always`, `on_create` or `if_empty`.",
        "hookimpl": "The decorator of hook functions.",
        "RetryPolicy": "How often, and how long apart, the client tries again.",
    }
)
"""What names say that cannot carry a docstring."""

HOOKS = ("vendor", "fields", "references", "unacceptable")
"""What a subclass of a conformance class may define."""

_ROLE = re.compile(r":(?:class|meth|attr|mod|func):`~?(?:[\w.]*\.)?(\w+)`")


def section(name: str) -> str:
    """The entries of one section."""
    module = importlib.import_module("crosskey")
    return "\n".join(_entry(each, getattr(module, each)) for each in SECTIONS[name].split())


def module(name: str) -> str:
    """The entries of a whole module."""
    found = importlib.import_module(name)
    return "\n".join(_entry(each, getattr(found, each)) for each in found.__all__)


def left_over() -> set[str]:
    """Public names of ``crosskey`` that no section has: what :func:`errors` shows besides is none of them."""
    names = set(importlib.import_module("crosskey").__all__)
    return names - {each for text in SECTIONS.values() for each in text.split()} - _errors()


def errors() -> str:
    """The tree of errors, as the module tells it, and what else is there."""
    if left_over():
        raise ValueError(f"public names that no section of the reference has: {sorted(left_over())}")
    found = importlib.import_module("crosskey.errors")
    tree = inspect.cleandoc(found.__doc__ or "")
    start = tree.index("CrosskeyError")
    drawn = inspect.cleandoc(tree[start : tree.index("\n\nEach error")])
    rest = "\n".join(_entry(each, getattr(found, each)) for each in found.__all__ if each != "Severity")
    return f"```text\n{drawn}\n```\n\n{rest}"


def _errors() -> set[str]:
    return set(importlib.import_module("crosskey.errors").__all__)


def _entry(name: str, value: object) -> str:
    """One name: how it is made, what it says of itself, and what it has."""
    own = WORDS.get(name) or " ".join(_own_words(value))
    if not own:
        raise ValueError(f"{name} says nothing of itself: write its docstring, or a word into WORDS")
    lines = [f"- **`{name}{_made(value)}`**: {told(own)}"]
    lines += [f"  - `{member}`: {told(text)}" for member, text in _members(value)]
    return "\n".join(lines)


def _own_words(value: object) -> Iterator[str]:
    """The docstring; of a conformance class those of its bases too, which say what to write in a subclass."""
    if not inspect.isclass(value):
        yield inspect.getdoc(value) or "" if inspect.isfunction(value) else ""
        return
    kit = [base for base in value.__mro__ if base.__name__.endswith(("Case", "Conformance")) and base is not value]
    yield from (inspect.cleandoc(base.__doc__ or "") for base in (value, *kit))


def _made(value: object) -> str:
    if isinstance(value, type) and issubclass(value, msgspec.Struct):
        return f"({', '.join(_field(field) for field in msgspec.structs.fields(value))})"
    if inspect.isfunction(value):
        return _signature(value)
    return ""


def _field(field: msgspec.structs.FieldInfo) -> str:
    if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
        return field.name
    default = "…" if field.default is msgspec.NODEFAULT else repr(field.default)
    return f"{field.name}={default if len(default) < 30 else '…'}"


def _members(value: object) -> Iterator[tuple[str, str]]:
    """Methods and properties that the class itself has, in the order in which they are written."""
    if not isinstance(value, type) or issubclass(value, Exception | enum.Enum):
        return
    kit = value.__name__.endswith("Conformance")
    bases = [base for base in value.__mro__ if base.__module__.startswith("crosskey.testing")] if kit else [value]
    for name, member in {name: member for base in reversed(bases) for name, member in vars(base).items()}.items():
        function = member.fget if isinstance(member, property) else member
        if name.startswith(("_", "test_")) or not inspect.isfunction(function) or (kit and name not in HOOKS):
            continue
        shown = name if isinstance(member, property) else f"{name}{_signature(function)}"
        yield shown, inspect.getdoc(function) or ""


def _signature(function: Callable[..., object]) -> str:
    names = []
    starred = False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            names.append("*")
            starred = True
        names.append(parameter.name if parameter.default is parameter.empty else f"{parameter.name}=…")
    return f"({', '.join(names)})"


def told(text: str) -> str:
    """A docstring as one paragraph of Markdown."""
    flat = " ".join(_ROLE.sub(r"``\1``", text).split())
    return flat.replace("``", "`")


REFERENCE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        **{f"reference {name}": lambda name=name: section(name) for name in SECTIONS},
        "reference errors": errors,
        "reference http": lambda: module("crosskey.http"),
        "reference testing": lambda: module("crosskey.testing"),
    }
)
