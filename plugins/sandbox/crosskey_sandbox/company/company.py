"""A made-up company: the same people and groups for the same seed, whichever vendor's directory then tells them.

Everything is synthetic. Proportions are chosen to look like a real staff: mostly active, a few in every other state,
a few sharing an e-mail address, a few without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from random import Random

import msgspec

from crosskey_sandbox.company.names import CULTURES, WEIGHTS
from crosskey_sandbox.company.people import Person, PersonStatus, Team
from crosskey_sandbox.company.places import DEPARTMENTS, OFFICES, Office, mobile_number

__all__ = ("Company",)

DOMAIN = "acme.example"
# one in so many people is in this state (never the first twenty, who run the place)
_STATES: tuple[tuple[PersonStatus, int], ...] = (
    ("deactivated", 31),
    ("staged", 89),
    ("suspended", 149),
    ("invited", 167),
    ("password_expired", 211),
    ("locked_out", 317),
    ("recovering", 487),
)
_CHIEFS = 20
_OFFICE_WEIGHTS = (26, 14, 12, 9, 9, 7, 8, 5, 4, 6)
_DEPARTMENT_WEIGHTS = (26, 18, 14, 12, 6, 6, 8, 4, 3, 3)
_SKILLS = ("networking", "printers", "sql", "telephony", "onboarding", "accounts", "español", "日本語")
_DESK_EVERY = 2  # of the IT department, one in so many works at the service desk


class Company:
    """People and teams. ``hire`` adds one more person in the same style."""

    def __init__(self, people: list[Person], teams: list[Team], maker: _Maker) -> None:
        self.people = people
        self.teams = teams
        self._maker = maker

    @classmethod
    def generate(cls, people: int = 1000, groups: int = 40, seed: int = 7) -> Company:
        """So many people, and the first so many groups (more are numbered project teams)."""
        maker = _Maker(seed)
        staff = maker.staff(people)
        return cls(staff, _teams(staff, groups, Random(seed + 1)), maker)  # noqa: S311 - made-up data

    def team(self, name: str) -> Team:
        """The first team of this name."""
        return next(team for team in self.teams if team.name == name)

    def hire(self, *, office: str = "London", department: str = "Engineering") -> Person:
        """A new active colleague at an office; the caller puts the person into a directory."""
        place = next(place for place in OFFICES if place.city == office)
        person = self._maker.person(len(self.people) + 1, place, department)
        self.people.append(person)
        return person


class _Maker:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up data
        self._taken: dict[str, int] = {}
        self._heads: dict[str, str] = {}

    def staff(self, count: int) -> list[Person]:
        """Everybody, service accounts and shared e-mail addresses included."""
        choose = self._random.choices
        offices = choose(OFFICES, _OFFICE_WEIGHTS, k=count)
        departments = choose(list(DEPARTMENTS), _DEPARTMENT_WEIGHTS, k=count)
        made = enumerate(zip(offices, departments, strict=True), start=1)
        return [self._anyone(number, office, department) for number, (office, department) in made]

    def person(self, number: int, office: Office, department: str) -> Person:
        """One active person with an e-mail address; who comes first in a department heads it."""
        random, roll = self._random, self._random.random
        culture = random.choices(CULTURES, WEIGHTS)[0]
        given, family = random.choice(culture.given), random.choice(culture.family)
        login = self._login(given[1], family[1])
        cost_center, titles = DEPARTMENTS[department]
        head = self._heads.setdefault(department, login)
        contractor = number > _CHIEFS and roll() < 0.07
        return Person(
            number=number,
            login=login,
            email=login,
            given_name=given[0],
            family_name=family[0],
            display_name=culture.display(given[0], family[0]),
            language=culture.language,
            kind="contractor" if contractor else "employee",
            title=titles[2] if head == login else titles[1] if roll() < 0.25 else titles[0],
            department=department,
            division="Technology" if department in {"Engineering", "IT"} else "Business",
            cost_center=cost_center,
            organization="Acme",
            office=office.city,
            street=office.street,
            region=office.region,
            postal_code=office.postal_code,
            country=office.country,
            locale=office.locale,
            timezone=office.timezone,
            manager="" if head == login else head,
            employee_number=f"{'C' if contractor else 'E'}{number:06}",
            work_phone=office.number(number),
            mobile_phone=mobile_number(number) if roll() < 0.6 else "",
            remote=roll() < 0.2,
            floor=random.randrange(1, 12),
            skills=tuple(random.sample(_SKILLS, 2)) if department == "IT" else (),
        )

    def _service(self, number: int) -> Person:
        login = self._login("svc", f"scanner{number}")
        return Person(
            number=number,
            login=login,
            email="",
            given_name="Service",
            family_name=f"Scanner {number}",
            display_name=f"Scanner {number}",
            language="en",
            kind="service",
            employee_number=f"S{number:06}",
        )

    def _login(self, given: str, family: str) -> str:
        name = f"{given}.{family}"
        again = self._taken[name] = self._taken.get(name, 0) + 1
        return f"{name}{again if again > 1 else ''}@{DOMAIN}"

    def _anyone(self, number: int, office: Office, department: str) -> Person:
        """Mostly an ordinary person; now and then a service account, another state, or another e-mail address."""
        if number <= _CHIEFS:
            return self.person(number, office, department)
        if number % 331 == 0:
            return self._service(number)
        person = self.person(number, office, department)
        state = next((state for state, every in _STATES if number % every == 0), None)
        if state is not None:
            return msgspec.structs.replace(person, status=state)
        if number % 263 == 0:
            return msgspec.structs.replace(person, email="")
        if number % 401 in {7, 8}:  # two colleagues at one desk
            return msgspec.structs.replace(person, email=f"reception{number // 401}@{DOMAIN}")
        return person


def _teams(staff: list[Person], count: int, random: Random) -> list[Team]:
    people = [person for person in staff if person.kind != "service"]
    desk = [person for person in people if person.department == "IT"][::_DESK_EVERY]
    wanted: list[tuple[str, str, Iterable[Person]]] = [
        ("All Staff", "Everybody who works here", people),
        ("Contractors", "Not on the payroll", _those(people, lambda p: p.kind == "contractor")),
        ("Service Desk", "Everybody at the service desk", desk),
        ("Service Desk L1", "First line", desk[::2]),
        ("Service Desk L2", "Second line", desk[1::2]),
    ]
    wanted += [(f"{o.city} Office", f"Works in {o.city}", _those(people, partial(_at, o.city))) for o in OFFICES]
    wanted += [(d, f"The {d} department", _those(people, partial(_in, d))) for d in DEPARTMENTS]
    wanted += [
        ("Managers", "Leads a team", _those(people, lambda p: p.title.startswith(("Head", "General")))),
        ("Remote Workers", "Works away from an office", _those(people, lambda p: p.remote)),
        ("Project Phoenix", "Imported from the old directory", _some(people, random)),
        ("Project Phoenix", "", _some(people, random)),
        ("Empty Team", "Nobody yet", ()),
    ]
    wanted += [(f"Project {n:03}", "", _some(people, random)) for n in range(1, max(1, count - len(wanted) + 1))]
    return [
        Team(name=name, description=description, members=tuple(person.number for person in members))
        for name, description, members in wanted[:count]
    ]


def _those(people: Iterable[Person], test: Callable[[Person], bool]) -> list[Person]:
    return [person for person in people if test(person)]


def _at(city: str, person: Person) -> bool:
    return person.office == city


def _in(department: str, person: Person) -> bool:
    return person.department == department


def _some(people: list[Person], random: Random) -> list[Person]:
    return random.sample(people, min(len(people), random.randrange(3, 31)))
