"""Invented people in place of recorded ones: the same person is the same invention everywhere in one cassette.

What is personal is known by the names of JSON members, whatever the vendor (``firstName``, ``mobilePhone`` …), and by
the shape of e-mail addresses. Different values stay different, so that nobody is taken for somebody else. Identifiers,
groups, departments and titles stay: rules are about those.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from itertools import count
from typing import Final, cast

import msgspec

__all__ = ("MAIL", "Pseudonyms", "is_reserved", "personal_members")

MAIL: Final = re.compile(r"[\w.+'-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_RESERVED: Final = (".example", ".test", ".invalid", ".localhost", "example.com", "example.org", "example.net")
_SORTS: Final[dict[str, frozenset[str]]] = {
    "given": frozenset({"firstname", "givenname", "middlename", "forename", "nickname"}),
    "family": frozenset({"lastname", "surname", "familyname", "sn"}),
    "full": frozenset({"displayname", "fullname", "formattedname", "managername"}),
    "phone": frozenset(
        {
            "phone",
            "phonenumber",
            "mobilephone",
            "mobile",
            "mobilenumber",
            "primaryphone",
            "workphone",
            "homephone",
            "businessphones",
            "faxnumber",
            "fax",
            "phonenumberpreferred",
            "sitephonenumber",
            "mobilenumber2",
            "telephonenumber",
        }
    ),
    "place": frozenset(
        {"streetaddress", "street", "address", "postaladdress", "line1", "line2", "postcode", "zipcode"}
    ),
    "number": frozenset({"employeenumber", "employeeid", "nationalid", "socialsecuritynumber", "birthday"}),
}
_OF_PEOPLE: Final = _SORTS["given"] | _SORTS["family"] | {"mail", "email", "emailaddress", "userprincipalname"}
_MORE_OF_PEOPLE: Final = {"name": "full", "login": "login", "username": "login", "networklogin": "login"}
"""Members that are personal only beside others that only people have: sites have names too."""
_GIVEN: Final = ("Ada", "Ben", "Cleo", "Dora", "Emil", "Faye", "Gus", "Hana", "Ivo", "June", "Kai", "Lena", "Milo")
_FAMILY: Final = ("Ash", "Birch", "Cedar", "Dale", "Elm", "Field", "Grove", "Heath", "Ivy", "Knoll", "Larch")


class Pseudonyms:
    """Learns who is in the bodies of one recording, then takes them out of every text of it.

    The inventions depend on a key that is thrown away with this object, so nobody can find out by trying names.
    """

    def __init__(self, *, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._whole: dict[str, str] = {}
        self._anywhere: dict[str, str] = {}
        self._made: set[str] = set()

    @property
    def known(self) -> int:
        """How many different personal values were learned."""
        return len(self._whole.keys() | self._anywhere.keys())

    def learn(self, texts: Iterable[str]) -> None:
        """Find personal values: in the members of JSON bodies, and addresses in any text."""
        for text in texts:
            for mail in MAIL.findall(text):
                self._learn_mail(mail.replace("%40", "@"))
            try:
                value = msgspec.json.decode(text)
            except (msgspec.DecodeError, UnicodeEncodeError):
                continue
            for sort, found in personal_members(value):
                self._learn(sort, found)

    def text(self, text: str) -> str:
        """A text with everything personal replaced. JSON stays JSON."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return self._mails(text)
        if not isinstance(value, dict | list):
            return self._mails(text)
        return msgspec.json.encode(self._value(cast("object", value))).decode()

    def _value(self, value: object) -> object:
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)
            return {name: self._value(one) for name, one in members.items()}
        if isinstance(value, list):
            return [self._value(one) for one in cast("list[object]", value)]
        if isinstance(value, str):
            return self._whole.get(value) or self._mails(value)
        return value

    def _mails(self, text: str) -> str:
        def replaced(match: re.Match[str]) -> str:
            found = match[0]
            quoted = "%40" in found
            plain = found.replace("%40", "@")
            new = self._anywhere.get(plain.casefold()) or plain
            return new.replace("@", "%40") if quoted else new

        return MAIL.sub(replaced, text)

    def _learn_mail(self, mail: str) -> None:
        key = mail.casefold()
        if key in self._anywhere:
            return
        local, _, domain = key.rpartition("@")
        given, family = self._name(local)
        home = f"d{self._number(f'domain {domain}', 9_000) + 1_000}.example"
        self._anywhere[key] = self._unlike_others(
            lambda again: f"{given}.{family}{self._number(f'mail {local}{again}', 9_000) + 1_000}@{home}".lower()
        )

    def _unlike_others(self, invent: Callable[[str], str]) -> str:
        """An invention that nobody else got. ``invent`` is told what to stir in when the one before was taken."""
        made = next(made for again in count() if (made := invent("" if not again else f" {again}")) not in self._made)
        self._made.add(made)
        return made

    def _learn(self, sort: str, value: str) -> None:
        if not value.strip() or value in self._whole or MAIL.fullmatch(value):
            return
        if sort == "full":
            words = [self._whole.get(word) or self._word(word) for word in value.split()]
            self._whole[value] = self._unlike_others(lambda again: " ".join(words) + again)
        else:
            self._whole[value] = self._unlike_others(lambda again: self._invented(sort, value, again))

    def _invented(self, sort: str, value: str, again: str) -> str:
        number = self._number(f"{sort} {value}{again}", 10_000)
        if sort == "phone":
            return f"+1 202 555 {number % 100 + 100:04d} ext {number}"  # the numbers that are kept for fiction
        if sort == "place":
            return f"{number} Example Street"
        if sort == "number":
            digits = iter(str(self._number(f"digits {value}{again}", 10**18)).zfill(18) * (len(value) // 18 + 1))
            return re.sub(r"\d", lambda _: next(digits), value) + ("" if re.search(r"\d", value) else str(number))
        given, family = self._name(value.casefold())
        return given + again if sort == "given" else f"{family}{number}"

    def _word(self, word: str) -> str:
        return self._name(word.casefold())[1]

    def _name(self, of: str) -> tuple[str, str]:
        return _GIVEN[self._number(f"given {of}", len(_GIVEN))], _FAMILY[self._number(f"family {of}", len(_FAMILY))]

    def _number(self, of: str, below: int) -> int:
        return int.from_bytes(hashlib.blake2b(of.encode(), key=self._key, digest_size=8).digest()) % below


def personal_members(value: object, name: str = "") -> Iterable[tuple[str, str]]:
    """Every personal value below a JSON value, as what it is (``given``, ``phone`` …) and its text."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        plain = {member: _plain(member) for member in members}
        somebody = any(each in _OF_PEOPLE and members[member] for member, each in plain.items())
        # Whole names last: their words are known by then.
        for member in sorted(members, key=lambda each: (plain[each] in _SORTS["full"] or plain[each] == "name", each)):
            one, more = members[member], _MORE_OF_PEOPLE.get(plain[member])
            if somebody and more and isinstance(one, str) and one:
                yield more, one
            else:
                yield from personal_members(one, member)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from personal_members(one, name)
    elif isinstance(value, str) and value:
        yield from ((sort, value) for sort, names in _SORTS.items() if _plain(name) in names)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def is_reserved(mail: str) -> bool:
    """Whether an address can belong to nobody (RFC 2606, RFC 6761)."""
    return mail.replace("%40", "@").rpartition("@")[2].casefold().endswith(_RESERVED)
