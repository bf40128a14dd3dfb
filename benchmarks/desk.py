"""A folder with a configuration for the local vendors, in which the real command line runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import CROSSKEY, Measured, Vendors, run

HELD = 6
"""Exit code of a run that holds somebody back: a few of the made-up people share an address on purpose."""


class Desk:
    """One configuration and its journal."""

    def __init__(self, folder: Path, vendors: Vendors) -> None:
        self.folder = folder
        self.env = {**vendors.facts["secrets"], "CROSSKEY_CONFIG": str(folder / "crosskey.toml")}
        (folder / "crosskey.toml").write_text(_without_budget(vendors.facts["config"]), encoding="utf-8")

    def command(self, *words: str) -> Measured:
        """Run ``crosskey …``."""
        return run([CROSSKEY, *words], codes=(0, HELD), env=self.env)


@contextmanager
def new_desk(vendors: Vendors) -> Iterator[Desk]:
    with TemporaryDirectory() as folder:
        yield Desk(Path(folder), vendors)


def _without_budget(config: str) -> str:
    """A self-hosted desk has no budget of requests."""
    return config.replace("[target.desk]\n", "[target.desk]\nrequests_per_5_minutes = 0\n")
