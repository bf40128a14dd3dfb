"""The small language of ``search`` and ``filter``: parsed into a test of one row.

Grammar: ``attribute operator value`` or ``attribute pr``, joined by ``and`` and ``or`` (``and`` binds tighter), with
brackets. Only the System Log knows ``ne``, ``ew`` and ``not``. Anything else is 400 E0000031, or the log's E0000053.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

import msgspec

from crosskey_sandbox.okta.cell import time_text
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.records import ProfileValue

__all__ = ("Attribute", "Language")

Row = TypeVar("Row")
Test = Callable[[Row], bool]
Scalar = str | bool | int | float

_TOKEN = re.compile(r'\s*(?:(?P<bracket>[()])|(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"]+))')


class Attribute(msgspec.Struct, Generic[Row], frozen=True):
    """What an expression may say about one attribute: how to read it, its kind, and the operators it takes."""

    read: Callable[[Row], ProfileValue]
    operators: frozenset[str]
    kind: Literal["text", "time"] = "text"


class Language(Generic[Row]):
    """One endpoint's ``search`` or ``filter``: its attributes, and whether the case of values counts.

    ``unknown`` makes an attribute for names outside the table (any profile attribute, in a search) or None.
    """

    def __init__(
        self,
        attributes: Mapping[str, Attribute[Row]],
        *,
        fold: bool = False,
        unknown: Callable[[str], Attribute[Row] | None] | None = None,
        negation: bool = False,
        refusal: str = "E0000031",
    ) -> None:
        self._attributes = attributes
        self._fold = fold
        self._unknown = unknown
        self._refusal = refusal
        self.negation = negation

    def compile(self, expression: str) -> Test[Row]:
        """A test of one row; 400 with the language's code when the expression is not of this language."""
        try:
            return _Parser(self, expression).parse()
        except ApiError as error:
            raise ApiError(self._refusal, causes=error.causes) from None

    def attribute(self, name: str) -> Attribute[Row]:
        """The attribute of this name; case counts."""
        found = self._attributes.get(name) or (self._unknown(name) if self._unknown else None)
        if found is None:
            raise _bad(f"The attribute {name} is not supported here.")
        return found

    def comparison(self, name: str, operator: str, value: Scalar) -> Test[Row]:
        """The test for ``name operator value``."""
        attribute = self.attribute(name)
        if operator not in attribute.operators:
            raise _bad(f"The operator {operator} is not supported for {name}.")
        read, timed = attribute.read, attribute.kind == "time"
        fold = self._fold and not timed
        wanted = _time(value) if timed else _folded(value) if fold else value
        compare = _COMPARISONS[operator]

        def holds(row: Row) -> bool:
            actual = read(row)
            if isinstance(actual, list):
                return any(compare(_folded(item) if fold else item, wanted) for item in actual)
            return actual is not None and compare(_folded(actual) if fold else actual, wanted)

        return holds

    def presence(self, name: str) -> Test[Row]:
        """The test for ``name pr``: there is a value, and it is not empty."""
        attribute = self.attribute(name)
        if "pr" not in attribute.operators:
            raise _bad(f"The operator pr is not supported for {name}.")
        read = attribute.read
        return lambda row: read(row) not in (None, "", [])


class _Parser(Generic[Row]):
    def __init__(self, language: Language[Row], expression: str) -> None:
        self._language = language
        self._tokens = _tokens(expression)
        self._at = 0

    def parse(self) -> Test[Row]:
        test = self._either()
        if self._peek() is not None:
            raise _bad(f"Unexpected {self._peek()}.")
        return test

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> str:
        token = self._peek()
        if token is None:
            raise _bad("The expression ends too early.")
        self._at += 1
        return token

    def _either(self) -> Test[Row]:
        tests = [self._both()]
        while (self._peek() or "").lower() == "or":
            self._at += 1
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _both(self) -> Test[Row]:
        tests = [self._single()]
        while (self._peek() or "").lower() == "and":
            self._at += 1
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _single(self) -> Test[Row]:
        token = self._next()
        if token == "(":  # noqa: S105 - a bracket
            test = self._either()
            if self._next() != ")":
                raise _bad("A bracket is not closed.")
            return test
        if token.lower() == "not" and self._language.negation:
            negated = self._single()
            return lambda row: not negated(row)
        operator = self._next().lower()
        if operator == "pr":
            return self._language.presence(token)
        return self._language.comparison(token, operator, _value(self._next()))


def _tokens(expression: str) -> list[str]:
    tokens: list[str] = []
    at, text = 0, expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _bad("A text is not closed.")
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


def _value(token: str) -> Scalar:
    if token.startswith('"'):
        try:
            return str(json.loads(token))
        except ValueError:
            raise _bad(f"{token} is not a text.") from None
    try:
        return msgspec.json.decode(token, type=bool | int | float)
    except msgspec.DecodeError:
        raise _bad(f"{token} is not a value; texts stand in double quotes.") from None


def _time(value: Scalar) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise _bad(f"{value} is not a time.") from None
    return time_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _folded(value: Scalar) -> Scalar:
    return value.casefold() if isinstance(value, str) else value


def _same(actual: Scalar, wanted: Scalar) -> bool:
    # A boolean may be asked for as a text: profile.remote eq "true".
    return actual == wanted or (isinstance(actual, bool) and str(actual).lower() == str(wanted).lower())


def _before(actual: Scalar, wanted: Scalar) -> bool:
    if isinstance(actual, str) or isinstance(wanted, str):
        return isinstance(actual, str) and isinstance(wanted, str) and actual < wanted
    return actual < wanted


_COMPARISONS: dict[str, Callable[[Scalar, Scalar], bool]] = {
    "eq": _same,
    "ne": lambda actual, wanted: not _same(actual, wanted),
    "gt": lambda actual, wanted: _before(wanted, actual),
    "ge": lambda actual, wanted: actual == wanted or _before(wanted, actual),
    "lt": _before,
    "le": lambda actual, wanted: actual == wanted or _before(actual, wanted),
    "sw": lambda actual, wanted: str(actual).startswith(str(wanted)),
    "ew": lambda actual, wanted: str(actual).endswith(str(wanted)),
    "co": lambda actual, wanted: str(wanted) in str(actual),
}


def _bad(cause: str) -> ApiError:
    return ApiError("E0000031", causes=(cause,))
