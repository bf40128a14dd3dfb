"""The made-up company: repeatable, plausible, and big enough."""

from collections import Counter

import pytest

from crosskey_sandbox.company import OFFICES, Company


@pytest.fixture(scope="module")
def company():
    return Company.generate()


def test_the_same_seed_gives_the_same_company(company):
    again = Company.generate()
    assert again.people == company.people
    assert again.teams == company.teams
    assert Company.generate(seed=8).people != company.people


def test_a_thousand_people_and_forty_groups(company):
    assert len(company.people) == 1000
    assert len(company.teams) == 40
    assert {"All Staff", "London Office", "Service Desk", "Service Desk L2", "Contractors"} <= {
        team.name for team in company.teams
    }


def test_logins_are_unique_ascii_addresses_of_the_made_up_domain(company):
    logins = [person.login for person in company.people]
    assert len(set(logins)) == len(logins)
    assert all(login.isascii() and login.endswith("@acme.example") and " " not in login for login in logins)


def test_names_come_in_many_scripts(company):
    names = "".join(person.display_name for person in company.people)
    samples = {"Latin": "łşöéÁ", "Greek": "αηΠ", "Cyrillic": "аяЖ", "Arabic": "اع", "Hebrew": "הנ", "Indic": "रमा"}
    samples |= {"Chinese": "王陈", "Japanese": "さの", "Korean": "김이"}
    for script, letters in samples.items():
        assert any(letter in names for letter in letters), script


def test_most_are_active_and_every_other_state_occurs(company):
    states = Counter(person.status for person in company.people)
    assert states["active"] > 900
    assert set(states) == {
        "active",
        "staged",
        "invited",
        "suspended",
        "deactivated",
        "locked_out",
        "password_expired",
        "recovering",
    }


def test_a_few_share_an_address_and_a_few_have_none(company):
    addresses = Counter(person.email for person in company.people)
    assert 0 < addresses.pop("") < 10
    assert sum(count > 1 for count in addresses.values()) == 2


def test_two_groups_have_one_name_and_offices_hold_who_works_there(company):
    names = Counter(team.name for team in company.teams)
    assert [name for name, count in names.items() if count > 1] == ["Project Phoenix"]
    people = {person.number: person for person in company.people}
    for office in OFFICES:
        members = company.team(f"{office.city} Office").members
        assert members
        assert {people[number].office for number in members} == {office.city}


def test_managers_are_people_of_the_company(company):
    logins = {person.login for person in company.people}
    assert all(person.manager in logins for person in company.people if person.manager)


def test_hiring_adds_an_active_colleague_with_a_new_login(company):
    before = {person.login for person in company.people}
    person = company.hire(office="Berlin", department="Finance")
    assert person.status == "active"
    assert (person.office, person.department) == ("Berlin", "Finance")
    assert person.login not in before
    assert company.people[-1] is person


def test_whoever_is_hired_is_a_person_with_an_address():
    company = Company.generate(people=300)
    hired = [company.hire() for _ in range(200)]
    assert {(person.kind == "service", person.status, bool(person.email)) for person in hired} == {
        (False, "active", True)
    }


def test_more_groups_than_the_company_has_names_for_are_numbered_projects():
    big = Company.generate(people=50, groups=60)
    assert len(big.teams) == 60
    assert all(big.teams[-1].members)
