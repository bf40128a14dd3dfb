"""When each hook is called, as a picture. It names every hook exactly once, or it is not made."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from crosskey import hookspecs

__all__ = ("HOOKS",)

PICTURE = """\
   THE COMMAND LINE IS BUILT                              installed, trusted and sound plugins only
   │
   ├─ crosskey_commands()                                 "my commands"
   │
   PLUGINS ARE LOADED                                     once; nothing is opened, nothing is read
   │
   ├─ crosskey_sources()   crosskey_targets()             "this is what I can make:
   ├─ crosskey_mappers()   crosskey_sso_flows()            a name for `use = …`, its settings,
   ├─ crosskey_notifiers()                                 and how to open it"
   │
   THE CONFIGURATION IS READ                              settings → your struct; all errors at once
   │
   ├─ crosskey_resolve_secret(ref)                        for a reference of a scheme that is not built in
   │
   A RUN BEGINS                                           spec.open(settings, context) for each section in use
   │
   │    source.read / read_changes      target.read / look_up
   │                 └──────────┬──────────┘
   │              mapper: people → what should be
   │                            │
   │              difference → plan → rails hold what is not safe
   │                            │
   ├─ crosskey_review_plan(plan, run)                     last word: an error blocks the apply
   │                            │
   │    target.apply(changes), batch by batch             intent in the journal before, outcome after
   │                            │
   │              looked at again → settled
   │
   └─ crosskey_on_event(event)                            all the while, after each event is in the journal
"""


def picture() -> str:
    """The picture. Raises :class:`ValueError` unless it names the hooks that there are, with their parameters."""
    drawn = re.findall(r"(crosskey_\w+)\(([^)]*)\)", PICTURE)
    there = [
        (name, ", ".join(inspect.signature(function).parameters))
        for name, function in vars(hookspecs).items()
        if name.startswith("crosskey_")
    ]
    if sorted(drawn) != sorted(there):
        raise ValueError(f"the picture of the hooks names {sorted(drawn)}, and there are {sorted(there)}")
    return f"```text\n{PICTURE}```"


HOOKS: Mapping[str, Callable[[], str]] = MappingProxyType({"hooks picture": picture})
