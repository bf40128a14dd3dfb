"""Ten made-up people at a local Okta and a local Halo, what changes among them, and the configuration for both."""

from __future__ import annotations

import msgspec

from crosskey_sandbox.company import OFFICES, Company, Person
from crosskey_sandbox.halo import Contact, HaloDesk, HaloQuirks
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks
from crosskey_sandbox.okta.staffing import join, leave, move, org_of
from crosskey_sandbox.stage import Stage, configuration

__all__ = ("Image", "Vendors", "image_of", "marks_of")

_SEED = 32
"""A company of ten in which two people work at the service desk, one in each line."""

Image = list[tuple[str, ...]]


class Vendors(msgspec.Struct, frozen=True):
    """Both vendors' state in memory; whoever serves it decides where."""

    company: Company
    org: OktaOrg
    desk: HaloDesk
    token: str

    @classmethod
    def made(cls) -> Vendors:
        """The company on its first day: the desk knows three of the ten, one of them switched off."""
        company = Company.generate(people=10, groups=40, seed=_SEED)
        org = org_of(company, seed=_SEED, quirks=OktaQuirks(rates=False))
        known = [Contact(person.display_name, person.email) for person in company.people[3:6]]
        desk = HaloDesk.seeded(
            offices=[office.city for office in OFFICES], contacts=known, quirks=HaloQuirks(budget=0), seats=50
        )
        for user in [user for user in desk.users.values() if user.name.endswith("(old)")]:
            desk.drop("Users", user.id)
        return cls(company, org, desk, org.access.add_token(READ_ONLY, owner=company.people[-1].login))

    def change(self) -> None:
        """One starter (create), one mover (update), one leaver (disable), one promotion at the service desk."""
        leaver, mover = self._ordinary()[:2]
        leave(self.org, leaver.login)
        move(self.org, mover.login, "Toronto")
        join(self.org, self.company.hire(office="London"))
        (first,) = (p for p in self.company.people if p.number in self.company.team("Service Desk L1").members)
        self.org.groups.remove_member(self.org.groups.named("Service Desk L1")[0].id, first.login)
        self.org.groups.add_member(self.org.groups.named("Service Desk L2")[0].id, first.login)

    def lose_an_agent(self) -> None:
        """Somebody at the service desk leaves: two accounts to switch off, and nothing else to do."""
        (leaver,) = (p for p in self.company.people if p.number in self.company.team("Service Desk L1").members)
        leave(self.org, leaver.login)

    def _ordinary(self) -> list[Person]:
        desk = self.company.team("Service Desk").members
        return [person for person in self.company.people if person.number not in desk]

    def configuration(self, okta_url: str, halo_url: str, *, settle: str) -> str:
        """What a user would write for these vendors: small batches, so that there are many."""
        text = configuration(self._stage(okta_url, halo_url))
        text = text.replace('client_id = "', 'batch = 2\nclient_id = "', 1)
        return text.replace("[sync]", f'[sync]\nsettle = "{settle}"', 1)

    def secrets(self) -> dict[str, str]:
        """What the environment must hold; synthetic."""
        return self._stage("", "").secrets()

    def _stage(self, okta_url: str, halo_url: str) -> Stage:
        return Stage(
            company=self.company,
            org=self.org,
            desk=self.desk,
            okta_url=okta_url,
            okta_token=self.token,
            halo_url=halo_url,
        )


def image_of(desk: HaloDesk) -> Image:
    """What the desk shows of everybody whom crosskey manages, without ids and times."""
    sites = {site.id: site.name for site in desk.sites.values()}
    users = [
        ("user", u.other5, u.name, u.emailaddress, u.title, u.other1, u.phonenumber, sites[u.site_id], str(u.inactive))
        for u in desk.users.values()
        if u.other5
    ]
    agents = [
        ("agent", a.federated_identity_id, a.name, a.email, a.jobtitle, str(_held(a.roles, a.teams)), str(a.isdisabled))
        for a in desk.agents.values()
        if a.federated_identity_id
    ]
    return sorted([tuple(str(part) for part in row) for row in (*users, *agents)])


def marks_of(desk: HaloDesk) -> list[tuple[str, str, str]]:
    """Kind, external id and key of every account that bears one; an account made twice bears one twice."""
    users = [("user", str(u.other5), str(u.id)) for u in desk.users.values() if u.other5]
    agents = [
        ("agent", str(a.federated_identity_id), str(a.id)) for a in desk.agents.values() if a.federated_identity_id
    ]
    return sorted([*users, *agents])


def _held(*links: tuple[msgspec.Struct, ...]) -> list[list[str]]:
    return [sorted(str(msgspec.to_builtins(link)) for link in each) for each in links]
