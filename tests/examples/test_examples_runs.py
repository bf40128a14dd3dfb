"""Third parties' packages, really installed: found, refused, trusted, and used with the mappings that others have."""

from __future__ import annotations

import csv
import io
import os
import tomllib
from contextlib import contextmanager

from examples_installed import PACKAGES, Installed
from scim2_models import ScimProvider, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage
from scim2_server.utils import load_default_provider

from crosskey_sandbox.entra import staffing as entra
from crosskey_sandbox.okta import staffing as okta
from crosskey_sandbox.server import serving
from crosskey_sandbox.stage import configuration

TOKEN = "synthetic-token"
PEOPLE_TARGET = """\
[target.people]
use = "scim"
url = "{url}/v2"
token = {{ env = "SCIM_TOKEN" }}
page_size = 10

[sync]
from = ["corp"]
to = "people"

[map.user]
scope = {{ groups = ["All Staff"], where = "user_type != 'service'" }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}

[map.user.fields]
user_name = "email"
display_name = "{{{{ display_name }}}}"
given_name = "given_name"
family_name = "family_name"
email = "email"
title = "title"
work_phone = "work_phone"
employee_number = "employee_number"

[[map.user.assign]]
group = "Service Desk"
member_of = ["Agents"]

[rails]
first_run = "go"
max_disable = {{ count = 10, percent = 5 }}
"""
HR_SOURCE = """\
[source.hr]
use = "csv"
path = "people.csv"
id = "No"
columns = { given_name = "First", family_name = "Last", display_name = "Name", title = "Job", employee_number = "No", status = "State" }
active = ["Active"]
inactive = ["Terminated"]
group_columns = ["Department"]

"""


class People(ASGIApplication):
    """A SCIM service that asks for a token, and what is in it."""

    def __init__(self, provider: ScimProvider) -> None:
        self.memory = InMemoryStorage()
        super().__init__(AsyncInMemoryStorage(self.memory), provider)
        self.asked: list[str] = []

    def check_auth(self, request):
        self.asked.append(f"{request.method} {request.path}")
        if request.header("Authorization") != f"Bearer {TOKEN}":
            raise UnauthorizedException

    def add_group(self, name: str) -> None:
        kind = next(each for each in self.service.provider.resource_types if each.name == "Group")
        model = self.service.get_model(kind)
        self.memory.create(kind, model.model_validate({"schemas": [kind.schema_], "displayName": name}))

    def all(self, kind: str) -> list[dict]:
        return [each.model_dump() for each in self.memory.resources if each.meta.resource_type == kind]

    def image(self) -> list[tuple]:
        """Everybody as others see them, without ids of the source."""
        (group,) = self.all("Group")
        inside = {member["value"] for member in group.get("members", [])}
        return sorted(
            (one["userName"], one["displayName"], one["active"], one.get("title"), one["id"] in inside)
            for one in self.all("User")
        )


@contextmanager
def people_service():
    """The service on loopback, with one group."""
    service = People(load_default_provider())
    service.add_group("Agents")
    with serving(service) as url:
        yield service, url


def section(stage, source) -> str:
    """The source's section of the stage's configuration, the only one that knows the directory."""
    return configuration(stage, source).split("[target.desk]")[0]


def test_packages_are_listed_and_refused_until_somebody_trusts_them(tmp_path, crosskey: Installed):
    def states() -> dict[str, tuple[str, list[str]]]:
        found = crosskey.types("plugins", "list", "--json").json
        return {one["name"]: (one["state"], one["provides"]) for one in found if one["distribution"] in PACKAGES}

    assert states() == {"csv": ("loaded", ["source csv"]), "scim": ("loaded", ["target scim"])}
    assert crosskey.types("plugins", "untrust", *PACKAGES).code == 0
    assert states() == {"csv": ("refused", []), "scim": ("refused", [])}


def test_okta_feeds_a_scim_service_and_entra_goes_on_with_the_same_mappings(crosskey: Installed):
    stage = crosskey.stage
    crosskey.environment["SCIM_TOKEN"] = TOKEN
    with people_service() as (service, url):
        target = PEOPLE_TARGET.format(url=url)
        crosskey.file.write_text(section(stage, "okta") + target, encoding="utf-8")
        made = crosskey.synced()
        staff = [person for person in stage.company.people if person.number in stage.company.team("All Staff").members]
        active = sorted(person.email for person in staff if person.status == "active")
        assert made == {"create": len(active)}
        assert sorted(one["userName"] for one in service.all("User")) == active
        agents = set(stage.company.team("Service Desk").members)
        expected = sorted(person.email for person in staff if person.number in agents and person.email in active)
        assert sorted(name for name, *_, inside in service.image() if inside) == expected
        before = service.image()

        leaver = next(person for person in reversed(staff) if person.email in active)
        okta.leave(stage.org, leaver.login)
        entra.leave(stage.tenant, leaver.login)
        service.asked.clear()
        assert crosskey.synced("--changes") == {"disable": 1}
        assert [one for one in service.asked if not one.startswith("GET")] == [
            f"PATCH /Users/{next(one['id'] for one in service.all('User') if one['userName'] == leaver.email)}"
        ]
        after = service.image()
        assert [one for one in after if one not in before] == [
            (name, label, False, *rest) for name, label, _, *rest in before if name == leaver.email
        ]

        other = crosskey.folder / "entra.toml"
        other.write_text(section(stage, "entra") + target, encoding="utf-8")
        swapped = crosskey.types("swap", "entra.toml", "--match", "employee_number", "--yes")
        assert swapped.code == 0, swapped
        assert "0 changes in the first plan afterwards" in swapped.out
        other.replace(crosskey.file)
        assert crosskey.synced() == {}
        assert service.image() == after


def hr_file(crosskey: Installed, *, left: tuple[str, ...] = ()) -> None:
    """What the HR system writes of the same company; settled long ago."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["No", "First", "Last", "Name", "Job", "Department", "State"])
    for one in crosskey.stage.company.people:
        state = "Terminated" if one.login in left or one.status != "active" else "Active"
        number, names = one.employee_number, (one.given_name, one.family_name, one.display_name)
        writer.writerow([number, *names, one.title, one.department, state])
    path = crosskey.folder / "people.csv"
    path.write_bytes(text.getvalue().encode("utf-8-sig"))
    os.utime(path, (1, 1))


def test_an_hr_file_and_entra_feed_halo_with_the_mappings_that_okta_had(crosskey: Installed):
    stage = crosskey.stage
    both = HR_SOURCE + configuration(stage, "entra").replace(
        'from = ["corp"]', 'from = ["hr", "corp"]\nsame = ["employee_number"]'
    )
    assert tomllib.loads(both)["map"] == tomllib.loads(configuration(stage, "okta"))["map"]
    assert crosskey.synced()  # from Okta, as the shell found it
    by_okta = crosskey.image()

    hr_file(crosskey)
    desk = stage.desk
    for kind, users in (("Users", desk.users), ("Agent", desk.agents)):
        for one in [
            one for one in users.values() if getattr(one, "other5", "") or getattr(one, "federated_identity_id", "")
        ]:
            desk.drop(kind, one.id)
    crosskey.journal.parent.rename(crosskey.folder / "okta-journal")
    crosskey.file.write_text(both, encoding="utf-8")
    assert crosskey.synced()["create"]
    assert crosskey.image() == by_okta
    assert crosskey.synced() == {}

    leaver = next(one for one in reversed(stage.company.people) if one.status == "active" and one.department != "IT")
    hr_file(crosskey, left=(leaver.login,))
    assert crosskey.synced() == {}, "one of two sources says that somebody left"
    entra.leave(stage.tenant, leaver.login)
    assert crosskey.synced() == {"disable": 1}
    left = crosskey.image()
    assert [one for one in by_okta if one not in left] == [
        one for one in by_okta if one[0] == "user" and one[1] == leaver.display_name
    ]

    for data in (b"", (crosskey.folder / "people.csv").read_bytes()[:-20]):
        (crosskey.folder / "people.csv").write_bytes(data)
        os.utime(crosskey.folder / "people.csv", (2, 2))
        run = crosskey.types("sync", "--json")
        assert run.error["exit_code"] == 4, run
        assert run.error["where"] == "source.hr"
    assert crosskey.image() == left
