"""The packages under ``examples/`` installed as anybody would install them, beside this environment and not into it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli_bench import Run, Shell

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crosskey-csv", "crosskey-scim")


def install(folder: Path) -> None:
    """Build and install both into a folder, from nothing but what is on this machine."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps"]
    where = [str(ROOT / "examples" / name) for name in PACKAGES]
    command = [*pip, "--no-build-isolation", "--no-compile", "--target", str(folder), *where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


class Installed(Shell):
    """A shell whose crosskey finds the installed packages."""

    folder_of_packages: Path

    def types(self, *words: str) -> Run:
        """Type a command: a process of its own, as an installed plugin runs."""
        paths = {"PYTHONPATH": str(self.folder_of_packages), "CROSSKEY_TRUST": str(self.folder / "trusted.json")}
        return self.process(*words, environment=paths)

    def synced(self, *words: str) -> dict[str, int]:
        """A sync that did its work: how many changes of each action."""
        run = self.types("sync", "--json", *words)
        assert run.code == 0, run
        return run.json["plan"]["counts"]
