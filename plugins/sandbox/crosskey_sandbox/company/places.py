"""Where the made-up company works, and telephone numbers that belong to nobody.

Numbers come from the ranges that regulators keep free for drama: 020 7946 0xxx, 0161 496 0xxx and 07700 900xxx
(Ofcom), 030 23125 xxx (Bundesnetzagentur), 01 99 00 xx xx (ARCEP), 555-01xx (NANPA), 02 5550 xxxx (ACMA). Where no
such range is known, people have no office number.
"""

from __future__ import annotations

import msgspec

__all__ = ("DEPARTMENTS", "OFFICES", "Office", "mobile_number")


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """One office. ``phone`` has ``{}`` where the last digits go, ``digits`` says how many."""

    city: str
    street: str
    region: str = ""
    postal_code: str
    country: str
    locale: str
    timezone: str
    phone: str = ""
    digits: int = 0

    def number(self, n: int) -> str:
        """The office telephone number of the n-th person, or ``""``."""
        return self.phone.format(str(n % 10**self.digits).zfill(self.digits)) if self.phone else ""


OFFICES: tuple[Office, ...] = (
    Office(
        city="London",
        street="1 Example Wharf",
        postal_code="ZZ1 1AA",
        country="GB",
        locale="en_GB",
        timezone="Europe/London",
        phone="+44 20 7946 0{}",
        digits=3,
    ),
    Office(
        city="Manchester",
        street="22 Sample Street",
        postal_code="ZZ2 2BB",
        country="GB",
        locale="en_GB",
        timezone="Europe/London",
        phone="+44 161 496 0{}",
        digits=3,
    ),
    Office(
        city="Berlin",
        street="Musterstraße 3",
        postal_code="10000",
        country="DE",
        locale="de_DE",
        timezone="Europe/Berlin",
        phone="+49 30 23125 {}",
        digits=3,
    ),
    Office(
        city="Paris",
        street="4 rue de l'Exemple",
        postal_code="75000",
        country="FR",
        locale="fr_FR",
        timezone="Europe/Paris",
        phone="+33 1 99 00 {}",
        digits=4,
    ),
    Office(
        city="Warsaw",
        street="ul. Przykładowa 5",
        postal_code="00-000",
        country="PL",
        locale="pl_PL",
        timezone="Europe/Warsaw",
    ),
    Office(
        city="Madrid",
        street="Calle del Ejemplo 6",
        postal_code="28000",
        country="ES",
        locale="es_ES",
        timezone="Europe/Madrid",
    ),
    Office(
        city="New York",
        street="7 Example Avenue",
        region="NY",
        postal_code="10000",
        country="US",
        locale="en_US",
        timezone="America/New_York",
        phone="+1 212 555 01{}",
        digits=2,
    ),
    Office(
        city="Toronto",
        street="8 Sample Road",
        region="ON",
        postal_code="M0M 0M0",
        country="CA",
        locale="en_CA",
        timezone="America/Toronto",
        phone="+1 416 555 01{}",
        digits=2,
    ),
    Office(
        city="Singapore",
        street="9 Example Quay",
        postal_code="000000",
        country="SG",
        locale="en_SG",
        timezone="Asia/Singapore",
    ),
    Office(
        city="Sydney",
        street="10 Sample Parade",
        region="NSW",
        postal_code="2000",
        country="AU",
        locale="en_AU",
        timezone="Australia/Sydney",
        phone="+61 2 5550 {}",
        digits=4,
    ),
)

# department -> (cost centre, titles, from the most common to the head)
DEPARTMENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "Engineering": ("CC-100", ("Software Engineer", "Senior Engineer", "Head of Engineering")),
    "Sales": ("CC-200", ("Account Executive", "Account Manager", "Head of Sales")),
    "Operations": ("CC-300", ("Operations Analyst", "Operations Lead", "Head of Operations")),
    "Customer Support": ("CC-400", ("Support Specialist", "Support Lead", "Head of Customer Support")),
    "Finance": ("CC-500", ("Accountant", "Financial Controller", "Head of Finance")),
    "Marketing": ("CC-600", ("Marketing Specialist", "Brand Manager", "Head of Marketing")),
    "IT": ("CC-700", ("Service Desk Analyst", "Systems Engineer", "Head of IT")),
    "HR": ("CC-800", ("HR Advisor", "HR Partner", "Head of HR")),
    "Legal": ("CC-900", ("Paralegal", "Counsel", "General Counsel")),
    "Facilities": ("CC-950", ("Facilities Coordinator", "Building Manager", "Head of Facilities")),
}


def mobile_number(n: int) -> str:
    """A mobile number that belongs to nobody; they repeat after a thousand people."""
    return f"+44 7700 900{n % 1000:03}"
