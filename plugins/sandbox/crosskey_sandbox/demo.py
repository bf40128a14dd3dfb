"""``crosskey demo``: a whole company's first day with crosskey, on local vendors, with the very commands a user types.

Nothing is simulated on crosskey's side: each step is a process of its own that reads a configuration, talks HTTP to the
local Okta, Entra ID and Halo, and keeps its journal. Only the vendors and the people are made up.
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

_BERLIN = "+49 30 901820 77"
_FINE = (0, 6)
"""Success, and "something is held": a few people here share an address on purpose."""


@click.command("demo", short_help="Watch a whole company move from a local Okta into a local Halo.")
@click.option("--people", type=click.IntRange(50), default=1000, show_default=True, help="People in the directory.")
@click.option("--groups", type=click.IntRange(20), default=40, show_default=True, help="Groups in the directory.")
@click.option("--seed", type=int, default=7, show_default=True, help="Another number makes another company.")
def demo(*, people: int, groups: int, seed: int) -> None:
    """Watch a whole company move from a local Okta into a local Halo.

    Starts the vendors on loopback, then check, plan, apply, a second sync that plans nothing, and after one leaver,
    one mover and one starter a sync that does exactly those three. A technician leaves open tickets behind. At the end
    the company swaps Okta for Entra ID, and nothing changes. Needs no account anywhere; everything is gone afterwards.
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
    company = stage.on_stage(people=people, groups=groups, seed=seed, entra_port=0)
    with company as on_stage, tempfile.TemporaryDirectory() as folder:
        config, entra = Path(folder) / "crosskey.toml", Path(folder) / "entra.toml"
        config.write_text(stage.configuration(on_stage, "okta"), encoding="utf-8")
        entra.write_text(stage.configuration(on_stage, "entra"), encoding="utf-8")
        _Demo(on_stage, config, entra).play()


class _Demo:
    """The steps, each checked against what the local desk saw."""

    def __init__(self, stage: Stage, config: Path, entra: Path) -> None:
        self._stage = stage
        self._config = config
        self._entra = entra
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
        technician = self._lose_a_technician()
        _say(f"   {technician}, a technician, leaves too, with open tickets. The plan tells what is left behind:")
        self._run("plan")
        self._run("sync")
        done += 2
        self._expect(done + 3)
        _say("6. Why is that so? (from the journal and the last read, without any network)")
        self._run("explain", self._mover_login)
        self._run("history")
        _say("7. The company swaps Okta for Entra ID: one section of the configuration. What would change? Nothing.")
        links = self._swap()
        self._expect(done + 3 + links)
        _say("8. From now on Entra ID is read, and the desk is in step with it.")
        self._entra.replace(self._config)
        self._run("sync")
        self._expect(done + 3 + links)
        _say("That was it. Try it by hand: crosskey sandbox. Your own first plan takes five minutes: crosskey init")

    def _swap(self) -> int:
        """Swap; how many links moved. The local Halo must show everybody as before, to the last field."""
        before = self._people_of_desk()
        self._run("swap", self._entra.name, "--match", "employee_number", "--yes")
        if self._people_of_desk() != before:
            raise _failed("somebody in the local Halo changed", fix="please report this with the output above")
        agents = sum(bool(agent.federated_identity_id) for agent in self._stage.desk.agents.values())
        return agents + sum(bool(user.other5) for user in self._stage.desk.users.values())

    def _people_of_desk(self) -> list[tuple[object, ...]]:
        desk = self._stage.desk
        users = [(u.id, u.name, u.emailaddress, u.site_id, u.inactive, u.phonenumber) for u in desk.users.values()]
        return [*users, *((a.id, a.name, a.email, a.isdisabled, len(a.roles)) for a in desk.agents.values())]

    def _change_the_company(self) -> tuple[str, str, str]:
        """One leaver, one mover, one starter, in both directories alike."""
        from crosskey_sandbox.entra import staffing as entra  # noqa: PLC0415 - see demo()
        from crosskey_sandbox.okta import staffing as okta  # noqa: PLC0415 - see demo()

        org, tenant, company = self._stage.org, self._stage.tenant, self._stage.company
        if tenant is None:
            raise _failed("there is no local Entra ID", fix="please report this")
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
        okta.leave(org, leaver.login)
        entra.leave(tenant, leaver.login)
        okta.move(org, mover.login, "Berlin")
        entra.move(tenant, mover.login, "Berlin")
        org.users.update_profile(mover.login, {"primaryPhone": _BERLIN})  # each directory would give one of its own
        tenant.directory.update(mover.login, {"businessPhones": [_BERLIN]})
        okta.join(org, starter)
        entra.join(tenant, starter)
        self._mover_login = mover.login
        return leaver.display_name, mover.display_name, starter.display_name

    def _lose_a_technician(self) -> str:
        """Somebody of the service desk leaves, in both directories alike; their tickets stay open."""
        from crosskey_sandbox.entra import staffing as entra  # noqa: PLC0415 - see demo()
        from crosskey_sandbox.okta import staffing as okta  # noqa: PLC0415 - see demo()

        desk, tenant = self._stage.desk, self._stage.tenant
        ours = {user.emailaddress for user in desk.users.values() if user.other5 and not user.inactive}
        agents = {
            agent.email: agent
            for agent in desk.agents.values()
            if agent.federated_identity_id and agent.email in ours and not agent.isdisabled
        }
        person = next((one for one in self._stage.company.people if one.email in agents), None)
        if tenant is None or person is None:
            raise _failed("the local Halo has no technician of this company", fix="please report this")
        agent = agents[person.email]
        for summary in ("Printer on the second floor", "New laptop", "Telephone is silent", "Badge reader"):
            desk.add_ticket(summary, agent.id)
        okta.leave(self._stage.org, person.login)
        entra.leave(tenant, person.login)
        return person.display_name

    def _run(self, *words: str) -> None:
        import subprocess  # noqa: PLC0415 - help needs none of it

        click.secho(f"\n$ crosskey {' '.join(words)}", fg="cyan", bold=True)
        sys.stdout.flush()
        environment = {**os.environ, **self._stage.secrets(), "CROSSKEY_CONFIG": str(self._config)}
        command: Sequence[str] = (sys.executable, "-m", "crosskey", *words)
        folder = self._config.parent
        code = subprocess.run(command, env=environment, cwd=folder, check=False).returncode  # noqa: S603 - crosskey itself
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
