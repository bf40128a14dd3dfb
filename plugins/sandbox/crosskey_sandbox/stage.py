"""A local Okta, Halo and, where asked, Entra ID that know the same made-up company, and a configuration for them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, Literal

import msgspec
from starlette.applications import Starlette

from crosskey.errors import ConfigError, close_matches
from crosskey_sandbox.company import OFFICES, Company, Person
from crosskey_sandbox.entra import READ_EVERYTHING, EntraQuirks, EntraTenant, entra_app, tenant_of
from crosskey_sandbox.halo import Contact, HaloDesk, HaloQuirks, halo_app
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks, okta_app
from crosskey_sandbox.okta.staffing import org_of
from crosskey_sandbox.server import serving

__all__ = ("Quirks", "Stage", "chosen_quirks", "configuration", "on_stage", "quirk_lines")

CLIENT: Final = "Acme"
_KNOWN_ALREADY: Final = 8


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """Switches of every vendor."""

    okta: OktaQuirks = OktaQuirks()
    halo: HaloQuirks = HaloQuirks()
    entra: EntraQuirks = EntraQuirks()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Running vendors; ``company`` is what the directories were filled from. ``tenant`` is there where asked for."""

    company: Company
    org: OktaOrg
    desk: HaloDesk
    okta_url: str
    okta_token: str
    halo_url: str
    tenant: EntraTenant | None = None
    entra_url: str = ""

    def secrets(self) -> dict[str, str]:
        """What the environment must hold for :func:`configuration`; synthetic."""
        known = {"OKTA_TOKEN": self.okta_token, "HALO_SECRET": self.desk.application.client_secret}
        return known if self.tenant is None else {**known, "ENTRA_SECRET": self.tenant.application.client_secret}

    def somebody(self) -> Person:
        """An employee about whom nothing is special: to try out what happens when somebody leaves."""
        return next(
            person
            for person in reversed(self.company.people)
            if person.status == "active" and person.kind == "employee" and person.email == person.login
        )

    def facts(self) -> dict[str, str | int]:
        """Addresses, credentials and sizes."""
        return {
            "okta_url": self.okta_url,
            "okta_token": self.okta_token,
            "okta_admin_token": self.org.api_token,
            "halo_url": self.halo_url,
            "halo_client_id": self.desk.application.client_id,
            "halo_client_secret": self.desk.application.client_secret,
            "people": len(self.company.people),
            "groups": len(self.company.teams),
            **(_entra_facts(self.tenant, self.entra_url) if self.tenant is not None else {}),
        }


def _entra_facts(tenant: EntraTenant, url: str) -> dict[str, str]:
    return {
        "entra_url": url,
        "entra_tenant": tenant.id,
        "entra_client_id": tenant.application.client_id,
        "entra_client_secret": tenant.application.client_secret,
    }


@contextmanager
def on_stage(
    *,
    people: int = 1000,
    groups: int = 40,
    seed: int = 7,
    quirks: Quirks | None = None,
    ports: tuple[int, int] = (0, 0),
    entra_port: int | None = None,
) -> Generator[Stage]:
    """Start the vendors on loopback (``ports``: Okta's and Halo's, 0 any free one) and stop them at the end.

    With an ``entra_port`` (0 any free one) a local Entra ID tells the same company as the local Okta.

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
    tenant = None if entra_port is None else tenant_of(company, seed=seed, quirks=switches.entra)
    with ExitStack() as stack:
        okta_url = _served(stack, okta_app(org), ports[0], "--okta-port")
        halo_url = _served(stack, halo_app(desk), ports[1], "--halo-port")
        entra_url = ""
        if tenant is not None:
            # Group.Read.All besides: so that notifications of groups can be tried as well.
            tenant.applications.consent(tenant.application, {*READ_EVERYTHING, "Group.Read.All"})
            entra_url = _served(stack, entra_app(tenant), entra_port or 0, "--entra-port")
            stack.enter_context(tenant.courier.delivering())
        yield Stage(
            company=company,
            org=org,
            desk=desk,
            okta_url=okta_url,
            okta_token=org.access.add_token(READ_ONLY, owner=company.people[0].login),
            halo_url=halo_url,
            tenant=tenant,
            entra_url=entra_url,
        )


def _served(stack: ExitStack, app: Starlette, port: int, option: str) -> str:
    try:
        return stack.enter_context(serving(app, port))
    except OSError as error:
        raise ConfigError(
            f"port {port} cannot be used: {error.strerror}", where=option, fix=f"{option} 0 takes any free port"
        ) from error


def configuration(stage: Stage, source: Literal["okta", "entra"] = "okta") -> str:
    """The text of a ``crosskey.toml`` for this stage; secrets come from the environment (:meth:`Stage.secrets`).

    Where the stage has an Entra ID, people may come from there instead: one section differs.
    """
    names = {team.name for team in stage.company.teams}
    offices = "".join(
        f'[[map.user.assign]]\ngroup = "{office.city} Office"\nsite = "{CLIENT} / {office.city}"\n\n'
        for office in OFFICES
        if f"{office.city} Office" in names
    )
    desk = _AGENTS if {"Service Desk", "Service Desk L1", "Service Desk L2"} <= names else ""
    return _CONFIGURATION.format(
        source=_source_section(stage, source),
        halo_url=stage.halo_url,
        client_id=stage.desk.application.client_id,
        client=CLIENT,
        offices=offices,
        agents=desk,
    )


def _source_section(stage: Stage, source: Literal["okta", "entra"]) -> str:
    okta = _OKTA.format(url=stage.okta_url)
    if stage.tenant is None:
        return okta
    client_id = stage.tenant.application.client_id
    entra = _ENTRA.format(url=stage.entra_url, tenant=stage.tenant.id, client_id=client_id)
    chosen, other = (okta, entra) if source == "okta" else (entra, okta)
    rest = "".join(f"# {line}\n" for line in other.splitlines())
    return (
        f"{chosen}\n# The other directory tells the same company: this section in its place, and nothing else.\n{rest}"
    )


def chosen_quirks(words: Sequence[str]) -> Quirks:
    """Switches from ``vendor.name=value`` words. Raises :class:`ConfigError` naming the closest switch."""
    chosen: dict[str, dict[str, object]] = {vendor: {} for vendor in _SWITCHES}
    for word in words:
        path, equals, value = word.partition("=")
        vendor, _, name = path.partition(".")
        known = (
            {field.name: field.type for field in msgspec.structs.fields(_SWITCHES[vendor])}
            if vendor in _SWITCHES
            else {}
        )
        if not equals or name not in known:
            every = [f"{owner}.{field}" for owner, model in _SWITCHES.items() for field in model.__struct_fields__]
            raise ConfigError(
                f'there is no switch "{word}". {close_matches(path, every)}',
                where="--quirk",
                fix="write vendor.name=value; crosskey sandbox --quirks lists all switches",
            )
        chosen[vendor][name] = _value(path, value, known[name])
    return msgspec.convert(chosen, Quirks)


def quirk_lines() -> Iterator[str]:
    """``vendor.name=default`` of every switch."""
    for vendor, switches in _SWITCHES.items():
        for name, value in msgspec.to_builtins(switches()).items():
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


_SWITCHES: Final[dict[str, type[OktaQuirks | HaloQuirks | EntraQuirks]]] = {
    "okta": OktaQuirks,
    "halo": HaloQuirks,
    "entra": EntraQuirks,
}

_OKTA: Final = """\
[source.corp]
use = "okta"
url = "{url}"
token = {{ env = "OKTA_TOKEN" }}
"""

_ENTRA: Final = """\
[source.corp]
use = "entra"
tenant = "{tenant}"
client_id = "{client_id}"
client_secret = {{ env = "ENTRA_SECRET" }}
authority = "{url}"
graph_url = "{url}"
"""

_CONFIGURATION: Final = """\
# Local vendors, started by `crosskey sandbox`. Secrets are references, never values.

{source}
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
# Nobody has to look before the first changes: all of it is made up. Leave this out where a desk is real.
first_run = "go"
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
