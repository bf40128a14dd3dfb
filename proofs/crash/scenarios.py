"""What is interrupted: a command, and how its folder was prepared. Another command is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

__all__ = ("SCENARIOS", "Run", "Scenario")

Run = Callable[..., object]
"""Run ``crosskey WORDS`` undisturbed in the folder that is being prepared."""


def _nothing(_run: Run, _folder: Path) -> None:
    """The folder as the first sync left it."""


def _saved(run: Run, _folder: Path) -> None:
    run("plan", "--save", "saved.plan")


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """``words`` is interrupted, ``recover`` runs undisturbed afterwards and must end where nothing ever happened.

    ``synced``: a first sync has been before the company changed. ``reads``: the command writes nothing to the desk.
    """

    words: tuple[str, ...]
    recover: tuple[str, ...] = ("sync",)
    synced: bool = True
    reads: bool = False
    prepare: Callable[[Run, Path], None] = _nothing


SCENARIOS: dict[str, Scenario] = {
    "first": Scenario(words=("sync",), synced=False),
    "sync": Scenario(words=("sync",)),
    "apply": Scenario(words=("apply", "saved.plan"), prepare=_saved),
    "plan": Scenario(words=("plan",), reads=True),
}
