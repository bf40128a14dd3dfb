"""Which plugins are installed, read straight from the files of their distributions.

importlib.metadata tells the same for every kind of importer, and takes longer than all the rest of ``crosskey --help``.
Whatever is *used* is found through it (:mod:`crosskey.plugins.discovery`); here names are only looked up to be listed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ("Installed", "installed_plugins")

GROUP = "crosskey"


class Installed(NamedTuple):
    """One entry point of the group ``crosskey``: its name, what it points to, who installed it, and where."""

    name: str
    target: str
    distribution: str
    version: str
    folder: str = ""
    info: str = ""

    def record(self) -> str | None:
        """The distribution's RECORD, ``None`` when it has none that can be read."""
        try:
            with open(f"{self.info}/RECORD", encoding="utf-8") as file:  # noqa: PTH123 - as below
                return file.read()
        except (OSError, UnicodeDecodeError):
            return None


def installed_plugins() -> Iterator[Installed]:
    """Every plugin whose name is its own, in no order. What cannot be read is passed over."""
    found: dict[str, set[Installed]] = {}
    shadowed: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        here: set[str] = set()
        for distribution, version, text, info in _declared(folder):
            if distribution in shadowed:  # as on import, what comes first on the path counts
                continue
            here.add(distribution)
            for name, target in _entries(text):
                found.setdefault(name, set()).add(Installed(name, target, distribution, version, folder, info))
        shadowed |= here
    return (next(iter(twins)) for twins in found.values() if len(twins) == 1)


def _declared(folder: str) -> Iterator[tuple[str, str, str, str]]:
    """Name, version, entry points and metadata folder of the distributions in a folder that may have plugins."""
    try:
        entries = [entry for entry in os.scandir(folder or ".") if entry.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return
    for entry in entries:
        try:
            with open(f"{entry.path}/entry_points.txt", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 3 ms
                text = file.read()
        except (OSError, UnicodeDecodeError):
            continue
        name, _, version = entry.name.rpartition(".")[0].partition("-")
        yield name.lower(), version, text, entry.path


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """``name = module:object`` lines of our section; extras after the object are dropped."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            yield name.strip(), target.partition("[")[0].strip()
