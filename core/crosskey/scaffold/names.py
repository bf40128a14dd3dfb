"""The name of a new plugin, and every form of it that the package needs."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from typing import Final

import msgspec

from crosskey.errors import ConfigError

__all__ = ("Names", "names_for")

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 30
_PREFIX: Final = "crosskey-"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """One name in the forms of a distribution, a module, a class, a variable and a sentence."""

    name: str

    @property
    def distribution(self) -> str:
        """``crosskey-acme-hr``."""
        return f"{_PREFIX}{self.name}"

    @property
    def word(self) -> str:
        """``acme_hr``."""
        return self.name.replace("-", "_")

    @property
    def module(self) -> str:
        """``crosskey_acme_hr``."""
        return f"crosskey_{self.word}"

    @property
    def title(self) -> str:
        """``AcmeHr``."""
        return "".join(part.capitalize() for part in self.name.split("-"))

    @property
    def spoken(self) -> str:
        """``Acme Hr``."""
        return " ".join(part.capitalize() for part in self.name.split("-"))

    @property
    def env(self) -> str:
        """``ACME_HR``."""
        return self.word.upper()


def names_for(name: str, *, taken: Collection[str] = ()) -> Names:
    """The forms of a name. Raises :class:`ConfigError` for one that cannot be, or that is ``taken``."""
    problem, fix = "", "write it in small letters, digits and single hyphens, such as acme-hr"
    if name.startswith(_PREFIX):
        problem, fix = "the package is called crosskey-… by itself", f"write {name.removeprefix(_PREFIX)}"
    elif not _NAME.fullmatch(name):
        problem = f'"{name}" is no name for a plugin'
    elif len(name) > _LONGEST:
        problem, fix = f"the name has {len(name)} characters", f"write one of at most {_LONGEST}"
    elif keyword.iskeyword(name) or name in ("plugin", "testing"):
        problem, fix = f'"{name}" means something else in Python or crosskey', "take another name"
    elif name in taken:
        problem, fix = f'a plugin named "{name}" is installed already', "take another name, or uninstall that one"
    if problem:
        raise ConfigError(problem, code="plugin-name", where="NAME", fix=fix)
    return Names(name=name)
