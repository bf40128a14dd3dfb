"""Hooks from end to end, as real processes: a local vendor delivers to a running watcher, which writes to a local Halo."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from cli_bench import Shell
from test_watch_process import Watching

from crosskey_sandbox.entra import staffing as entra_staff
from crosskey_sandbox.okta import SUPER_ADMIN
from crosskey_sandbox.okta import staffing as okta_staff
from crosskey_sandbox.stage import Stage, configuration, on_stage

SECRET = "synthetic-hook-secret-of-a-local-imitation"
NAME = {"okta": "OKTA_HOOK_SECRET", "entra": "ENTRA_HOOK_SECRET"}


class Vendor:
    """One of the vendors of a stage, and what its deliveries look like."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage, self.name = stage, name
        self.company = stage.company

    def leaves(self, login: str) -> None:
        if self.name == "okta":
            okta_staff.leave(self.stage.org, login)
        else:
            entra_staff.leave(self.tenant, login)

    def starts(self) -> str:
        """Somebody is hired; their address."""
        person = self.company.hire(office="Paris")
        if self.name == "okta":
            okta_staff.join(self.stage.org, person)
        else:
            entra_staff.join(self.tenant, person)
        return person.email

    @property
    def tenant(self) -> Any:
        assert self.stage.tenant is not None
        return self.stage.tenant

    def says(self, url: str, login: str, secret: str, event: str = "event-1") -> httpx.Response:
        """Deliver by hand that somebody was changed."""
        if self.name == "okta":
            target = {"id": self.stage.org.users.find(login).id, "type": "User"}
            events = [
                {
                    "uuid": event,
                    "eventType": "user.lifecycle.deactivate",
                    "outcome": {"result": "SUCCESS"},
                    "target": [target],
                }
            ]
            body: dict[str, Any] = {
                "eventType": "com.okta.event_hook",
                "eventTypeVersion": "1.0",
                "eventId": event,
                "data": {"events": events},
            }
            return httpx.post(url, json=body, headers={"authorization": secret}, trust_env=False)
        key = self.tenant.directory.find(login, "user").id
        item = {
            "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
            "clientState": secret,
            "changeType": "updated",
            "tenantId": self.tenant.id,
            "resource": f"Users/{key}",
            "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": key},
        }
        return httpx.post(url, json={"value": [item]}, trust_env=False)


@pytest.fixture(params=["okta", "entra"])
def world(request, tmp_path) -> Iterator[tuple[Shell, Vendor]]:
    name = request.param
    with on_stage(people=60, groups=40, entra_port=0) as stage:
        desk = stage.desk
        desk.quirks = msgspec.structs.replace(desk.quirks, budget=0)
        for user in [user for user in desk.users.values() if user.name.endswith("(old)")]:
            desk.drop("Users", user.id)
        shell = Shell(tmp_path, stage)
        text = configuration(stage, name).replace(
            f'use = "{name}"\n', f'use = "{name}"\nhook_secret = {{ env = "{NAME[name]}" }}\n', 1
        )
        shell.file.write_text(text.replace("percent = 5", "percent = 100"))
        shell.add('[watch]\nevery = "1h"\nlisten = "127.0.0.1:0"\n')
        shell.environment |= {NAME[name]: SECRET, "OKTA_TOKEN": stage.org.access.add_token(SUPER_ADMIN)}
        yield shell, Vendor(stage, name)


def an_agent(stage: Stage) -> tuple[str, Any]:
    """The login of somebody who has an agent at Halo, and that agent."""
    agents = {agent.email.casefold(): agent for agent in stage.desk.agents.values() if agent.federated_identity_id}
    for person in stage.company.people:
        agent = agents.get(person.email.casefold()) if person.email else None
        if person.status == "active" and person.email == person.login and agent is not None and not agent.isdisabled:
            return person.login, agent
    raise AssertionError("nobody is an agent")


def install(crosskey: Shell, watching: Watching) -> None:
    watching.says("everything: clean")
    installed = crosskey("hooks", "install", "--url", watching.url)
    assert installed.code == 0, installed
    assert crosskey("hooks", "status").code == 0


def test_leavers_are_disabled_and_signed_out_and_starters_appear_without_waiting_for_the_interval(world):
    crosskey, vendor = world
    desk = crosskey.stage.desk
    with Watching(crosskey) as watching:
        install(crosskey, watching)
        login, agent = an_agent(crosskey.stage)
        vendor.leaves(login)
        watching.until(lambda: desk.agents[agent.id].isdisabled)
        watching.until(lambda: any(ended.agent_id == agent.id for ended in desk.session_ends))
        address = vendor.starts()
        watching.until(lambda: any(user.emailaddress == address and user.other5 for user in desk.users.values()))
        assert watching.end() == 0
    crosskey.in_step()


def test_a_forged_secret_a_replay_and_a_flood_change_nothing(world):
    crosskey, vendor = world
    with Watching(crosskey) as watching:
        install(crosskey, watching)
        login, agent = an_agent(crosskey.stage)
        hook = f"{watching.url}/hooks/corp"
        before, image = crosskey.writes, crosskey.image()
        for forged in ("", "guess", SECRET + "x"):
            assert vendor.says(hook, login, forged).status_code in (401, 403)
        for _ in range(2):  # as the vendor would say it, and once more
            assert vendor.says(hook, login, SECRET).status_code in (200, 202)
        answers = {vendor.says(hook, login, SECRET, f"flood-{number}").status_code for number in range(60)}
        assert answers <= {200, 202, 204, 429}
        watching.until(lambda: " people: clean" in watching.text())
        rounds = watching.text().count(": clean")
        assert crosskey("watch", "--now").code == 0
        watching.says(": clean", times=rounds + 1)
        assert crosskey("watch", "--now", "--full").code == 0
        watching.says("everything: clean", times=2)
        assert (crosskey.writes, crosskey.image()) == (before, image)
        assert not crosskey.stage.desk.agents[agent.id].isdisabled
        assert SECRET not in watching.text()
        assert login not in watching.text()
        assert watching.end() == 0


def test_a_changed_secret_holds_for_the_door_after_a_reload(world, tmp_path):
    crosskey, vendor = world
    kept = tmp_path / "hook.secret"
    kept.write_text(SECRET)
    kept.chmod(0o600)
    crosskey.edit((f'{{ env = "{NAME[vendor.name]}" }}', f'{{ file = "{kept}" }}'))
    with Watching(crosskey) as watching:
        watching.says("everything: clean")
        login, _ = an_agent(crosskey.stage)
        hook = f"{watching.url}/hooks/corp"
        assert vendor.says(hook, login, SECRET).is_success
        kept.write_text("another-synthetic-secret-of-a-local-imitation")
        watching.process.send_signal(signal.SIGHUP)
        watching.says("the configuration was read again")
        assert vendor.says(hook, login, SECRET).status_code in (401, 403)
        assert vendor.says(hook, login, "another-synthetic-secret-of-a-local-imitation", "event-2").is_success
        assert watching.end() == 0
