"""Whether a plugin fits this crosskey: it names the oldest one that it works with, as any package names its needs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

__all__ = ("unfitness",)


def unfitness(requirements: Iterable[str] | None) -> str:
    """Why a distribution with these ``Requires-Dist`` lines does not fit, empty when it does.

    A floor (``crosskey>=1.4``) is all that is asked for: within one major version everything public stays. One that
    names no crosskey at all is taken to fit.
    """
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - only where plugins are

    for line in requirements or ():
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if wanted.name.lower() == "crosskey" and applies:
            here = version("crosskey")
            if not wanted.specifier.contains(here, prereleases=True):
                return f"it needs crosskey {wanted.specifier}, this is {here}: upgrade whichever is older"
    return ""
