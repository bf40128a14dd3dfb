"""A local Okta and a local Halo that know the same made-up company, and a configuration that connects them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeVar

import msgspec

from crosskey.errors import ConfigError, close_matches
from crosskey_sandbox.company import OFFICES, Company
from crosskey_sandbox.halo import Contact, HaloDesk, HaloQuirks, halo_app
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks, okta_app
from crosskey_sandbox.okta.staffing import org_of
from crosskey_sandbox.server import serving

__all__ = ("Quirks", "Stage", "chosen_quirks", "configuration", "on_stage", "quirk_lines")

Q = TypeVar("Q", OktaQuirks, HaloQuirks)

CLIENT: Final = "Acme"
_KNOWN_ALREADY: Final = 8


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """Switches of both vendors."""

    okta: OktaQuirks = OktaQuirks()
    halo: HaloQuirks = HaloQuirks()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Two running vendors; ``company`` is what the directory was filled from."""

    company: Company
    org: OktaOrg
    desk: HaloDesk
    okta_url: str
    okta_token: str
    halo_url: str

    def secrets(self) -> dict[str, str]:
        """What the environment must hold for :func:`configuration`; synthetic."""
        return {"OKTA_TOKEN": self.okta_token, "HALO_SECRET": self.desk.application.client_secret}

    def facts(self) -> dict[str, str | int]:
        """Addresses, credentials and sizes."""
        return {
            "okta_url": self.okta_url,
            "okta_token": self.okta_token,
            "halo_url": self.halo_url,
            "halo_client_id": self.desk.application.client_id,
            "halo_client_secret": self.desk.application.client_secret,
            "people": len(self.company.people),
            "groups": len(self.company.teams),
        }


@contextmanager
def on_stage(
    *,
    people: int = 1000,
    groups: int = 40,
    seed: int = 7,
    quirks: Quirks | None = None,
    ports: tuple[int, int] = (0, 0),
) -> Generator[Stage]:
    """Start both vendors on loopback (``ports``: Okta's and Halo's, 0 any free one) and stop them at the end.

    The desk has a site for each office, seats for the service desk, and a few of the company's people as users already:
    active, inactive, and one address twice. Raises :class:`ConfigError` for a port that is taken.
    """
    switches = quirks or Quirks()
    company = Company.generate(people=people, groups=groups, seed=seed)
    org = org_of(company, seed=seed, quirks=switches.okta)
    desk = HaloDesk.seeded(
        client=CLIENT,
        offices=[office.city for office in OFFICES],
        contacts=_contacts(company),
        quirks=switches.halo,
        seats=people // 10 + 20,
    )
    with ExitStack() as stack:
        addresses: list[str] = []
        for app, port, option in (
            (okta_app(org), ports[0], "--okta-port"),
            (halo_app(desk), ports[1], "--halo-port"),
        ):
            try:
                addresses.append(stack.enter_context(serving(app, port)))
            except OSError as error:
                raise ConfigError(
                    f"port {port} cannot be used: {error.strerror}", where=option, fix=f"{option} 0 takes any free port"
                ) from error
        yield Stage(
            company=company,
            org=org,
            desk=desk,
            okta_url=addresses[0],
            okta_token=org.access.add_token(READ_ONLY, owner=company.people[0].login),
            halo_url=addresses[1],
        )


def configuration(stage: Stage) -> str:
    """The text of a ``crosskey.toml`` for this stage; secrets come from the environment (:meth:`Stage.secrets`)."""
    names = {team.name for team in stage.company.teams}
    offices = "".join(
        f'[[map.user.assign]]\ngroup = "{office.city} Office"\nsite = "{CLIENT} / {office.city}"\n\n'
        for office in OFFICES
        if f"{office.city} Office" in names
    )
    desk = _AGENTS if {"Service Desk", "Service Desk L1", "Service Desk L2"} <= names else ""
    return _CONFIGURATION.format(
        okta_url=stage.okta_url,
        halo_url=stage.halo_url,
        client_id=stage.desk.application.client_id,
        client=CLIENT,
        offices=offices,
        agents=desk,
    )


def chosen_quirks(words: Sequence[str]) -> Quirks:
    """Switches from ``vendor.name=value`` words. Raises :class:`ConfigError` naming the closest switch."""
    chosen: dict[str, dict[str, object]] = {"okta": {}, "halo": {}}
    models: dict[str, type[OktaQuirks | HaloQuirks]] = {"okta": OktaQuirks, "halo": HaloQuirks}
    for word in words:
        path, equals, value = word.partition("=")
        vendor, _, name = path.partition(".")
        known = {field.name: field.type for field in msgspec.structs.fields(models[vendor])} if vendor in models else {}
        if not equals or name not in known:
            every = [f"{owner}.{field}" for owner, model in models.items() for field in model.__struct_fields__]
            raise ConfigError(
                f'there is no switch "{word}". {close_matches(path, every)}',
                where="--quirk",
                fix="write vendor.name=value; crosskey sandbox --quirks lists all switches",
            )
        chosen[vendor][name] = _value(path, value, known[name])
    return Quirks(okta=OktaQuirks(**chosen["okta"]), halo=HaloQuirks(**chosen["halo"]))  # pyright: ignore[reportArgumentType]  each value was converted to its field's type


def quirk_lines() -> Iterator[str]:
    """``vendor.name=default`` of every switch."""
    for vendor, switches in (("okta", OktaQuirks()), ("halo", HaloQuirks())):
        for name, value in msgspec.to_builtins(switches).items():
            yield f"{vendor}.{name}={_written(value)}"


def _value(path: str, text: str, kind: object) -> object:
    """A switch's value: as the configuration would write it, or several words with commas between."""
    attempts = (
        lambda: msgspec.convert(text, kind, strict=False),
        lambda: msgspec.json.decode(text, type=kind),
        lambda: msgspec.convert([word for word in text.split(",") if word], kind, strict=False),
    )
    problem = ""
    for attempt in attempts:
        try:
            return attempt()
        except msgspec.MsgspecError as error:
            problem = problem or str(error)
    raise ConfigError(f'"{text}" does not fit {path}: {problem}', where="--quirk", fix="see crosskey sandbox --quirks")


def _written(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _contacts(company: Company) -> list[Contact]:
    """A few people whom the desk knows already; none of those who share an address."""
    active = [person for person in company.people if person.status == "active" and person.email == person.login]
    return [Contact(person.display_name, person.email) for person in active[:_KNOWN_ALREADY]]


_CONFIGURATION: Final = """\
# A local Okta and a local Halo, started by `crosskey sandbox`. Secrets are references, never values.

[source.corp]
use = "okta"
url = "{okta_url}"
token = {{ env = "OKTA_TOKEN" }}

[target.desk]
use = "halo"
url = "{halo_url}"
client_id = "{client_id}"
client_secret = {{ env = "HALO_SECRET" }}

[sync]
from = ["corp"]
to = "desk"

# Everybody who works here is an end user of the portal.
[map.user]
scope = {{ groups = ["All Staff"], where = "user_type != 'service'" }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}
default = {{ site = "{client} / Main" }}

[map.user.fields]
name = "{{{{ display_name }}}}"
firstname = "given_name"
surname = "family_name"
emailaddress = "email"
title = "title"
phonenumber = "work_phone"
mobilenumber = "mobile_phone"
other1 = "employee_number"

{offices}{agents}[rails]
max_disable = {{ count = 10, percent = 5 }}
"""

_AGENTS: Final = """\
# The service desk are agents.
[map.agent]
scope = { groups = ["Service Desk"], where = "email" }
match = ["email"]
leavers = { do = "disable", after = "0d" }

[map.agent.fields]
name = "{{ display_name }}"
email = "email"
firstname = "given_name"
surname = "family_name"
jobtitle = "title"

[[map.agent.assign]]
group = "Service Desk"
roles = ["Standard User"]
departments = ["IT"]

[[map.agent.assign]]
group = "Service Desk L1"
teams = ["1st Line"]

[[map.agent.assign]]
group = "Service Desk L2"
teams = ["2nd Line"]

"""
