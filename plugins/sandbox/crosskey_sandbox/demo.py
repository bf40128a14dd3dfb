"""``crosskey demo``: a whole company's first day with crosskey, on local vendors, with the very commands a user types.

Nothing is simulated on crosskey's side: each step is a process of its own that reads a configuration, talks HTTP to the
local Okta and Halo, and keeps its journal. Only the vendors and the people are made up.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from crosskey_sandbox.stage import Stage

__all__ = ("demo",)

_FINE = (0, 6)
"""Success, and "something is held": a few people here share an address on purpose."""


@click.command("demo", short_help="Watch a whole company move from a local Okta into a local Halo.")
@click.option("--people", type=click.IntRange(50), default=1000, show_default=True, help="People in the directory.")
@click.option("--groups", type=click.IntRange(20), default=40, show_default=True, help="Groups in the directory.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another number makes another company.")
def demo(*, people: int, groups: int, seed: int) -> None:
    """Watch a whole company move from a local Okta into a local Halo.

    Starts both vendors on loopback, then check, plan, apply, a second sync that plans nothing, and after one leaver,
    one mover and one starter a sync that does exactly those three. Needs no account anywhere; everything is gone
    afterwards.
    """
    import tempfile  # noqa: PLC0415 - help needs none of it

    try:
        from crosskey_sandbox import stage  # noqa: PLC0415 - brings starlette and uvicorn in, which help must not need
    except ModuleNotFoundError as error:
        from crosskey.errors import ConfigError  # noqa: PLC0415 - help needs none of it

        raise ConfigError(
            f"the demo needs the package {error.name}, which is not installed",
            code="extra-missing",
            fix="pip install 'crosskey[sandbox]'",
        ) from error
    _say(f"A local Okta with {people:,} people and {groups} groups, and a local Halo. All of it is made up.")
    with stage.on_stage(people=people, groups=groups, seed=seed) as on_stage, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "crosskey.toml"
        config.write_text(stage.configuration(on_stage), encoding="utf-8")
        _Demo(on_stage, config).play()


class _Demo:
    """The steps, each checked against what the local desk saw."""

    def __init__(self, stage: Stage, config: Path) -> None:
        self._stage = stage
        self._config = config
        self._mover_login = ""

    def play(self) -> None:
        """Every step, in order."""
        _say('1. Is everything right? (Halo\'s "Test Credentials", for every section)')
        self._run("check")
        _say("2. What would be done, and why? Nothing is written. (People who share an address are held on purpose.)")
        self._run("plan")
        self._expect(0)
        _say("3. Do it. Leavers first, then people in; in batches, because Halo counts requests.")
        self._run("apply", "--yes")
        _say("4. Again: the desk is in step, so there is nothing to do. Who was held on purpose still is.")
        done = len(self._stage.desk.writes)
        self._run("sync")
        self._expect(done)
        leaver, mover, starter = self._change_the_company()
        _say(f"5. Meanwhile in Okta: {leaver} leaves, {mover} moves to Berlin, {starter} starts. Exactly those three:")
        self._run("sync")
        self._expect(done + 3)
        _say("6. Why is that so? (from the journal and the last read, without any network)")
        self._run("explain", self._mover_login)
        self._run("history")
        _say("That was it. Try it by hand: crosskey sandbox. Your own first plan takes five minutes: crosskey init")

    def _change_the_company(self) -> tuple[str, str, str]:
        from crosskey_sandbox.okta.staffing import join, leave, move  # noqa: PLC0415 - see demo()

        org, company = self._stage.org, self._stage.company
        addresses = [person.email for person in company.people]
        ordinary = [
            person
            for person in company.people[len(company.people) // 2 :]
            if person.status == "active"
            and person.kind == "employee"
            and person.office not in ("Berlin", "")
            and person.department != "IT"
            and person.email
            and addresses.count(person.email) == 1
        ]
        leaver, mover = ordinary[0], ordinary[1]
        starter = company.hire(office="London")
        leave(org, leaver.login)
        move(org, mover.login, "Berlin")
        join(org, starter)
        self._mover_login = mover.login
        return leaver.display_name, mover.display_name, starter.display_name

    def _run(self, *words: str) -> None:
        import subprocess  # noqa: PLC0415 - help needs none of it

        click.secho(f"\n$ crosskey {' '.join(words)}", fg="cyan", bold=True)
        sys.stdout.flush()
        environment = {**os.environ, **self._stage.secrets(), "CROSSKEY_CONFIG": str(self._config)}
        command: Sequence[str] = (sys.executable, "-m", "crosskey", *words)
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - crosskey itself
        if code not in _FINE:
            raise _failed(
                f"`crosskey {' '.join(words)}` ended with exit code {code}",
                fix="please report this with the output above",
            )

    def _expect(self, writes: int) -> None:
        seen = len(self._stage.desk.writes)
        if seen != writes:
            raise _failed(
                f"the local Halo saw {seen} writes where {writes} were expected",
                fix="please report this with the output above",
            )


def _say(text: str) -> None:
    click.secho(f"\n{text}", bold=True)


def _failed(message: str, *, fix: str) -> Exception:
    from crosskey.errors import CrosskeyError  # noqa: PLC0415 - help needs none of it

    return CrosskeyError(message, code="demo-failed", fix=fix)
