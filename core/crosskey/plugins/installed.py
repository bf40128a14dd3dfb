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
    """One entry point of the group ``crosskey``: its name, what it points to, and who installed it."""

    name: str
    target: str
    distribution: str
    version: str


def installed_plugins() -> Iterator[Installed]:
    """Every plugin whose name is its own, in no order. What cannot be read is passed over."""
    found: dict[str, set[Installed]] = {}
    shadowed: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        here: set[str] = set()
        for distribution, version, text in _declared(folder):
            if distribution in shadowed:  # as on import, what comes first on the path counts
                continue
            here.add(distribution)
            for name, target in _entries(text):
                found.setdefault(name, set()).add(Installed(name, target, distribution, version))
        shadowed |= here
    return (next(iter(twins)) for twins in found.values() if len(twins) == 1)


def _declared(folder: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and entry points of the distributions in a folder that may have plugins."""
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
        yield name.lower(), version, text


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """``name = module:object`` lines of our section; extras after the object are dropped."""
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            yield name.strip(), target.partition("[")[0].strip()
