"""Third-party distributions, made on the spot."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import dedent

import pytest

from trusted_site import write_record


class Shelf:
    """A folder of distributions that importlib.metadata finds, as after ``pip install``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self, distribution: str, version: str, source: str, *, entry: str = "", module: str = "", needs: str = ""
    ) -> None:
        """Install a distribution with one module that one entry point names."""
        module = module or distribution.replace("-", "_")
        (self.folder / f"{module}.py").write_text(dedent(source))
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        requires = f"Requires-Dist: {needs}\n" if needs else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{requires}")
        (info / "entry_points.txt").write_text(f"[crosskey]\n{entry or module} = {module}\n")
        write_record(self.folder, info, f"{module}.py")

    def entry_points(self) -> list[EntryPoint]:
        """Everything on the shelf."""
        return [entry for found in distributions(path=[str(self.folder)]) for entry in found.entry_points]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """An empty shelf on ``sys.path``; its modules are forgotten afterwards."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    modules: Mapping[str, object] = dict(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield Shelf(folder)
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - set(modules):
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
