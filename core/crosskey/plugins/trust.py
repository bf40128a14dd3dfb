"""Whose code may run: a plugin of another distribution is imported only once somebody said that this very build may.

Everything here works on the files that an installer left and imports nothing of a plugin. Light, because
``crosskey --help`` asks it too. What a pin covers: the distribution's name, its version, its ``RECORD`` and every file
whose digest stands in there (https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from crosskey.errors import CrosskeyError

__all__ = ("BUILT_IN", "Pin", "Trust", "canonical", "changed_files", "digest")

BUILT_IN: Final = "crosskey"
"""The distribution that needs no trust: whoever runs crosskey runs it."""


class Pin(NamedTuple):
    """One build that may run. ``record`` is the SHA-256 of its ``RECORD``, ``at`` when somebody said so (ISO 8601).

    Of an ``editable`` one only the way to its code is pinned.
    """

    distribution: str
    version: str
    record: str
    at: str
    editable: bool = False


class Trust:
    """What somebody trusts, kept in one private file of the person or service that runs crosskey.

    The file stands outside of the Python environment on purpose: an installer that brings a plugin must not be able to
    bring its own permission. ``CROSSKEY_TRUST`` names another file.
    """

    def __init__(self, path: Path, pins: Mapping[str, Pin]) -> None:
        self.path = path
        self.pins = dict(pins)

    @classmethod
    def read(cls) -> Trust:
        """What is trusted now; nothing, where there is no file. Raises :class:`ConfigError` for one nobody can read."""
        path = _path()
        try:
            pins = [Pin(**each) for each in json.loads(path.read_bytes())]
        except FileNotFoundError:
            return cls(path, {})
        except (OSError, ValueError, TypeError) as error:
            raise _unreadable(path, error) from error
        return cls(path, {pin.distribution: pin for pin in pins})

    def refusal(self, distribution: str, version: str, record: str | None, folder: Path) -> str:
        """Why a distribution must not be imported, empty when it may. ``folder`` is the one it was installed into."""
        name = canonical(distribution)
        if name == BUILT_IN:
            return ""
        pin = self.pins.get(name)
        again = f"look at it, then run `crosskey plugins trust {name}`"
        if pin is None:
            return f"nobody trusts it: {again}"
        if record is None:
            return f"its RECORD is missing, so nobody can tell what it is: reinstall {name}"
        if pin.version != version:
            return f"version {pin.version} is trusted, {version} is installed: {again}"
        if pin.record != digest(record):
            return f"it is not the build that was trusted: {again}"
        changed = changed_files(record, folder)
        return f"{changed[0]} is not what was installed: reinstall {name}" if changed else ""

    def trust(self, pin: Pin) -> None:
        """Trust one build instead of whichever of that distribution was trusted before."""
        self.pins[pin.distribution] = pin
        self._write()

    def withdraw(self, distribution: str) -> bool:
        """Trust a distribution no more; whether it was trusted."""
        known = self.pins.pop(canonical(distribution), None) is not None
        if known:
            self._write()
        return known

    def _write(self) -> None:
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.partial")
        text = json.dumps([self.pins[name]._asdict() for name in sorted(self.pins)], indent=2).encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 - private from the start
                file.write(text + b"\n")
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise _unwritable(self.path, error) from error


def canonical(distribution: str) -> str:
    """A distribution's name as everybody writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def digest(record: str) -> str:
    """What a pin keeps of a ``RECORD``: over its lines sorted, for installers write them in any order."""
    return hashlib.sha256("\n".join(sorted(record.splitlines())).encode()).hexdigest()


def changed_files(record: str, folder: Path) -> list[str]:
    """The files of a ``RECORD`` that are missing or hold something else than was installed."""
    changed: list[str] = []
    for path, algorithm, wanted in _hashed(record):
        try:
            with open(folder / path, "rb") as file:  # noqa: PTH123 - pathlib's is the same
                found = hashlib.file_digest(file, algorithm).digest()
        except (OSError, ValueError):
            found = b""
        if base64.urlsafe_b64encode(found).rstrip(b"=").decode() != wanted:
            changed.append(path)
    return changed


def _hashed(record: str) -> list[tuple[str, str, str]]:
    """Path, algorithm and digest of each file that has one: compiled files and the RECORD itself have none."""
    rows = [row for row in csv.reader(record.splitlines()) if len(row) >= 2 and "=" in row[1]]
    return [(row[0], *row[1].split("=", 1)) for row in rows]  # pyright: ignore[reportReturnType] - two parts by `if`


def _path() -> Path:
    named = os.environ.get("CROSSKEY_TRUST")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "crosskey" / "trusted.json"


def _unreadable(path: Path, error: Exception) -> CrosskeyError:
    from crosskey.errors import ConfigError  # noqa: PLC0415 - the help of a sound installation does without

    return ConfigError(
        f"the list of trusted plugins cannot be read: {error}",
        code="trust-unreadable",
        where=str(path),
        fix="repair or remove it, then trust each plugin again: crosskey plugins trust NAME",
    )


def _unwritable(path: Path, error: OSError) -> CrosskeyError:
    from crosskey.errors import StorageError  # noqa: PLC0415 - as above

    return StorageError(
        f"the list of trusted plugins cannot be written: {error.strerror}",
        code="trust-unwritable",
        where=str(path),
        fix="run as the user that runs crosskey, or name another file in CROSSKEY_TRUST",
    )
