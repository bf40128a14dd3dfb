"""Settings of plugins as frozen structs, and secrets that cannot be shown by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import msgspec

from crosskey.errors import ConfigError

__all__ = ("Secret", "SecretReference", "Settings")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every settings struct: frozen, keyword-only, unknown keys refused.

    Document each key with ``Annotated[T, msgspec.Meta(description="…")]``; ``crosskey plugins
    show`` and the settings tables of the documentation are made from these.
    """


class SecretReference(msgspec.Struct, frozen=True):
    """Where a secret is kept: ``scheme`` (env, file, keyring, command, a plugin's own) and its argument."""

    scheme: str
    argument: str

    def __str__(self) -> str:
        """As it is written in the configuration."""
        return f'{{ {self.scheme} = "{self.argument}" }}'


class Secret:
    """A value that hides itself: no repr, no str, no pickle, no JSON, no equality by value.

    Made from a reference in the configuration; :meth:`reveal` gives the text (reading it once, when
    first asked) and belongs only in the line that sends it. A ``str`` given instead of a reader is for tests.
    """

    __slots__ = ("_read", "_value", "reference")

    def __init__(self, value: str | Callable[[], str], reference: SecretReference | None = None) -> None:
        self.reference = reference
        self._value = value if isinstance(value, str) else None
        self._read = None if isinstance(value, str) else value

    def reveal(self) -> str:
        """The secret text. Raises :class:`ConfigError` when its reference cannot be read."""
        if self._value is None:
            if self._read is None:
                raise ConfigError("this secret was not resolved", code="secret-unresolved", where=str(self))
            self._value = self._read()
        return self._value

    def __repr__(self) -> str:
        """Its reference, never its value."""
        return f"Secret({self.reference or 'hidden'})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError("a Secret cannot be serialised")
