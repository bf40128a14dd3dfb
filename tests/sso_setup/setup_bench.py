"""The installed command line between local vendors that know how sign-in is set up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli_bench import Run, run_here

from crosskey.clock import SystemClock
from crosskey.journal import Journal
from crosskey_sandbox.okta.access import SUPER_ADMIN
from crosskey_sandbox.stage import Stage, configuration

AGENTS = """
[sso.agents]
public_url = "https://desk.acme.example"
client_secret = { file = "agents.secret" }
"""
MANAGES = ("Application.ReadWrite.OwnedBy", "AppRoleAssignment.ReadWrite.All")


class Bench:
    """A folder with a configuration, where commands are typed; its journal is its own, the vendors are shared."""

    def __init__(self, folder: Path, stage: Stage, *, source: str = "okta", doors: str = AGENTS) -> None:
        self.folder, self.stage = folder, stage
        self.file = folder / "crosskey.toml"
        self.environment = {**stage.secrets(), "OKTA_TOKEN": stage.org.access.add_token(SUPER_ADMIN)}
        self.said: list[str] = []
        self.write(source, doors)

    def write(self, source: str, doors: str) -> None:
        """Write the configuration anew."""
        self.file.write_text(configuration(self.stage, source) + doors, encoding="utf-8")  # pyright: ignore

    def edit(self, old: str, new: str) -> None:
        """Replace a text of the configuration, which must be there."""
        text = self.file.read_text(encoding="utf-8")
        assert old in text, old
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    def __call__(self, *words: str, **environment: str) -> Run:
        """Type a command."""
        run = run_here(words, self.folder, {**self.environment, **environment})
        assert "Traceback" not in run.err + run.out, run
        self.said += [run.out, run.err]
        return run

    def plan(self) -> Mapping[str, Any]:
        """The first door of ``crosskey sso plan``."""
        run = self("sso", "plan", "--json")
        assert run.code == 0, run
        return run.json["doors"][0]

    def differences(self) -> dict[str, tuple[str, str]]:
        """Every field that would be written: what it is, what it should be."""
        door = self.plan()
        return {
            each["field"]: (each["now"], each["then"]) for side in ("app", "desk") for each in door[side]["differences"]
        }

    def apply(self, *words: str) -> Mapping[str, Any]:
        """The first door of ``crosskey sso apply``."""
        run = self("sso", "apply", "--yes", "--json", *words)
        assert run.code == 0, run
        return run.json["doors"][0]

    def settle(self, client_id: str) -> None:
        """Write the client id into the door's section, as the checklist asks."""
        self.edit("[sso.agents]\n", f'[sso.agents]\nclient_id = "{client_id}"\n')

    def noted(self) -> list[tuple[str, Mapping[str, Any]]]:
        """What the journal says of sign-in: kind and facts."""
        with Journal.open(
            self.folder / ".crosskey" / "journal.sqlite", clock=SystemClock(), connection="desk"
        ) as journal:
            return [(each.kind, each.facts) for each in journal.events() if each.kind.startswith("sign-in.")]

    @property
    def secret(self) -> str:
        """What is stored where the door's section says."""
        return (self.folder / "agents.secret").read_text(encoding="utf-8")
