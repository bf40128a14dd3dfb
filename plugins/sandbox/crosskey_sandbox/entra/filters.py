"""``$filter``: the part of OData's language that Graph takes for users, groups and service principals."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.odata import Options
from crosskey_sandbox.entra.records import Record

__all__ = ("Test", "filter_test", "search_test")

Test = Callable[[Record], bool]
Literal = str | bool | int | None
Value = Callable[[object], bool]

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([(),:])|([^\s(),':]+(?::[^\s(),']*)*))")
_ADVANCED = frozenset({"ne", "not", "endswith"})
_ENDS = frozenset({"mail", "userPrincipalName"})


def filter_test(asked: Options) -> Test | None:
    """The test that ``$filter`` names, or None.

    400 for a text outside the language, and for ``ne``, ``not`` and ``endsWith`` without ``ConsistencyLevel: eventual``
    and ``$count=true``. Comparisons of text ignore case.
    """
    if asked.filter is None:
        return None
    parser = _Parser(asked.filter)
    test = parser.whole()
    if parser.advanced and not asked.advanced:
        raise GraphError.unsupported("Unsupported Query.")
    return test


def search_test(asked: Options) -> Test | None:
    """The test of ``$search="property:text"``: a word of the property begins with the text."""
    if asked.search is None:
        return None
    if not asked.eventual:
        raise GraphError.unsupported("Request with $search query parameter only works with ConsistencyLevel:eventual.")
    name, colon, text = asked.search.strip('"').partition(":")
    if not colon:
        raise GraphError.bad_request(f"Syntax error in $search: '{asked.search}'.", "BadRequest")
    start = text.casefold()

    def test(record: Record) -> bool:
        words = re.split(r"[\s@.\-]+", str(record.values.get(name) or "").casefold())
        return any(word.startswith(start) for word in words)

    return test


class _Parser:
    """Recursive descent: or, and, not, then a comparison, a function, ``in``, ``any`` or brackets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._at = 0
        self.advanced = False

    def whole(self) -> Test:
        """The test of the whole text."""
        test = self._either()
        if self._at < len(self._tokens):
            raise self._bad()
        return test

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._bad()
            tokens.append(match[0].strip())
            at = match.end()
        return tokens

    def _bad(self) -> GraphError:
        return GraphError.bad_request(f"Invalid filter clause: '{self._text}'.", "BadRequest")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self, *expected: str) -> str:
        token = self._peek()
        if not token or (expected and token.lower() not in expected):
            raise self._bad()
        self._at += 1
        if token.lower() in _ADVANCED:
            self.advanced = True
        return token

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek().lower() == "or":
            self._next()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._peek().lower() == "and":
            self._next()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def _one(self) -> Test:
        token = self._next()
        if token == "(":  # noqa: S105 - a bracket
            test = self._either()
            self._next(")")
            return test
        if token.lower() == "not":
            test = self._one()
            return lambda record: not test(record)
        if token.lower() in {"startswith", "endswith"}:
            return self._function(token.lower())
        if token.endswith("/any"):
            return self._any(token.removesuffix("/any"))
        return _property(token, self._comparison())

    def _function(self, name: str) -> Test:
        self._next("(")
        path = self._next()
        self._next(",")
        text = str(self._literal()).casefold()
        self._next(")")
        if name == "endswith" and path not in _ENDS:
            raise GraphError.unsupported(f"Unsupported property filter clause operator 'endsWith' for '{path}'.")
        found = str.endswith if name == "endswith" else str.startswith
        return _property(path, lambda value: isinstance(value, str) and found(value.casefold(), text))

    def _any(self, path: str) -> Test:
        """``path/any(x:x eq 'v')``."""
        self._next("(")
        variable = self._next()
        if ":" in variable:  # `x:x` is one word
            variable, _, again = variable.partition(":")
        else:
            self._next(":")
            again = self._next()
        if again != variable:
            raise self._bad()
        test = self._comparison()
        self._next(")")
        return _property(path, lambda value: any(test(item) for item in _items(value)))

    def _comparison(self) -> Value:
        operator = self._next("eq", "ne", "gt", "ge", "lt", "le", "in").lower()
        if operator == "in":
            return self._listed()
        wanted = _folded(self._literal())
        return lambda value: _holds(operator, _folded(value), wanted)

    def _listed(self) -> Value:
        self._next("(")
        wanted = {_folded(self._literal())}
        while self._next(",", ")") == ",":
            wanted.add(_folded(self._literal()))
        return lambda value: _folded(value) in wanted

    def _literal(self) -> Literal:
        token = self._next()
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        words: Mapping[str, Literal] = {"true": True, "false": False, "null": None}
        if token in words:
            return words[token]
        if token.isdecimal():
            return int(token)
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", token):
            return token
        raise self._bad()


def _property(path: str, test: Value) -> Test:
    outer, _, inner = path.partition("/")

    def read(record: Record) -> bool:
        value = record.values.get(outer)
        if inner:
            value = cast("Mapping[str, object]", value).get(inner) if isinstance(value, Mapping) else None
        return test(value)

    return read


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value


def _holds(operator: str, value: object, wanted: object) -> bool:
    if operator in {"eq", "ne"}:
        return (value == wanted) is (operator == "eq")
    if value is None or type(value) is not type(wanted):
        return False
    low, high = cast("str", value) < cast("str", wanted), cast("str", value) > cast("str", wanted)
    return {"lt": low, "gt": high, "le": not high, "ge": not low}[operator]
