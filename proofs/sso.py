"""Take every single check out of the verifier, one at a time, and see a test turn red for each.

A check is what leads to a refusal: the condition of a refusal, each part of such a condition, and each call of a
function that does nothing but refuse. Each is taken out of the code as it is loaded; no file is changed. What no test
notices is printed with its place, and the program ends with 1.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
TESTS: Final = ROOT / "tests" / "sso"

_SSO: Final = "core/crosskey/sso"
# By file, the tests that know it, the best first.
VERIFIER: Final[dict[str, str]] = {
    f"{_SSO}/answer.py": "requests hybrid mfa",
    f"{_SSO}/asking.py": "discovery requests sound_but",
    f"{_SSO}/callback.py": "hybrid",
    f"{_SSO}/discovery.py": "discovery sound_but",
    f"{_SSO}/doorkeeper.py": "linking mfa signals requests logout",
    f"{_SSO}/hashes.py": "hybrid",
    f"{_SSO}/hearing.py": "signals logout sound_but",
    f"{_SSO}/heartbeat.py": "refresh",
    f"{_SSO}/jws.py": "tokens sound_but",
    f"{_SSO}/keys.py": "discovery tokens",
    f"{_SSO}/linking.py": "linking logout",
    f"{_SSO}/mfa.py": "mfa sound_but",
    f"{_SSO}/oidc.py": "hybrid refresh tokens linking",
    f"{_SSO}/provider.py": "discovery",
    f"{_SSO}/redemption.py": "requests refresh sound_but",
    f"{_SSO}/return_path.py": "requests",
    f"{_SSO}/sessions.py": "linking mfa",
    f"{_SSO}/signals.py": "signals logout",
    f"{_SSO}/strict_json.py": "tokens discovery",
    f"{_SSO}/subjects.py": "signals",
    f"{_SSO}/tickets.py": "linking requests",
    f"{_SSO}/token.py": "tokens signals",
    f"{_SSO}/transactions.py": "requests hybrid",
    "core/crosskey/http/addresses.py": "discovery",
    "plugins/entra/crosskey_entra/sso.py": "linking mfa",
    "plugins/oidc/crosskey_oidc/opening.py": "settings tokens",
    "plugins/okta/crosskey_okta/sso.py": "settings mfa",
}
EXCUSED: Final[dict[str, str]] = {
    "settings.certificate is None": "the settings refuse it; this is for the type checker",
}
"""By text of the check, why no test can notice."""

_GREEN, _RED, _BROKEN = 0, 1, 99
_SWITCH: Final = "_crosskey_check_taken_out"
_REFUSALS: Final = ("SsoRefused", "NotStrict", "ContractError")
_GIVES_UP: Final = ("_usable", "_public", "return_path", "unseal", "is_public")
"""Functions whose early returns are refusals too."""
_JUDGES: Final = ("fits", "hash_fits", "key_fits", "is_guest", "is_public", "is_ticket", "is_json", "_ends", "is_due")
"""Functions that only say whether; each part of what they say is a check."""


class Check(NamedTuple):
    """One check: where it is, and the node that is replaced, by its position in a walk over the tree."""

    path: str
    line: int
    text: str
    node: int
    value: bool | None

    def __str__(self) -> str:
        """Place and text."""
        return f"{self.path}:{self.line}: {self.text}"


class _Switches(ast.NodeTransformer):
    """Puts a switch before every check of a file: with its number set, the check is as if it were not there."""

    def __init__(self, numbers: dict[int, tuple[int, bool | None]]) -> None:
        self._numbers = numbers  # by the node's identity: the number of its check, and what takes its place

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, behind its switch if it is a check."""
        found = self._numbers.get(id(node))
        self.generic_visit(node)
        if found is None:
            return node
        number, value = found
        if isinstance(node, ast.Expr):
            node.value = _switched(number, ast.Constant(None), node.value)
            return node
        return _switched(number, ast.Constant(value), node) if isinstance(node, ast.expr) else node


def _switched(number: int, instead: ast.expr, check: ast.expr) -> ast.expr:
    test = ast.parse(f"{_SWITCH}[0] == {number}", mode="eval").body
    return ast.copy_location(ast.IfExp(test, instead, check), check)


def checks_of(path: str) -> Iterator[Check]:
    """Every check in a file."""
    source = (ROOT / path).read_text(encoding="utf-8")
    tree = ast.parse(source)
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}

    def check(node: ast.AST, value: bool | None) -> Check:
        text = " ".join((ast.get_source_segment(source, node) or "").split())
        return Check(path, getattr(node, "lineno", 0), text, numbers[id(node)], value)

    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)):
        for node in _own(function):
            if isinstance(node, ast.If) and _refuses(node.body, function.name):
                yield from _conditions(node.test, check)
            elif isinstance(node, ast.If) and function.name.endswith("_evidence"):
                yield from _proofs(node.test, check)
            elif isinstance(node, ast.Expr) and _only_refuses(node.value):
                yield check(node, None)
            elif isinstance(node, ast.Return) and function.name in _JUDGES and isinstance(node.value, ast.BoolOp):
                keep = isinstance(node.value.op, ast.And)
                yield from (check(part, keep) for part in node.value.values)


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own(child)


def _conditions(test: ast.expr, make: Callable[[ast.AST, bool], Check]) -> Iterator[Check]:
    """A condition as a whole, and each of its parts."""
    yield make(test, False)
    if isinstance(test, ast.BoolOp):
        keep = isinstance(test.op, ast.And)
        for part in test.values:
            yield make(part, keep)


def _proofs(test: ast.expr, make: Callable[[ast.AST, bool], Check]) -> Iterator[Check]:
    """Each part of a condition that proves something, and one that denies it as a whole."""
    if isinstance(test, ast.BoolOp):
        yield from (make(part, True) for part in test.values)
    elif isinstance(test, ast.UnaryOp):
        yield make(test, False)


def _refuses(body: Sequence[ast.stmt], function: str) -> bool:
    """Whether a block does nothing but refuse."""
    first = body[0]
    if isinstance(first, ast.Raise) and isinstance(first.exc, ast.Call):
        return getattr(first.exc.func, "id", "") in _REFUSALS
    return isinstance(first, ast.Return) and function in _GIVES_UP


def _only_refuses(value: ast.expr) -> bool:
    """Whether a call does nothing but refuse: it has `require`, `verify_signature` or `check` in its name."""
    value = value.value if isinstance(value, ast.Await) else value
    if not isinstance(value, ast.Call):
        return False
    name = getattr(value.func, "id", "") or getattr(value.func, "attr", "")
    return name.lstrip("_").startswith("require") or name in ("verify_signature", "_bytes", "_one_event")


# ----------------------------------------------------------------------------------------------------------------------
# Trying them
# ----------------------------------------------------------------------------------------------------------------------


class _Loader(importlib.abc.Loader):
    def __init__(self, code: CodeType) -> None:
        self._code = code

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # the project's own code, with switches


class _Finder(importlib.abc.MetaPathFinder):
    """Gives the modules of the verifier with a switch before each check."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._files = {_module(path): path for path in dict.fromkeys(check.path for check in checks)}
        self._checks = checks

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's shape
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of one of them."""
        file = self._files.get(fullname)
        if file is None:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / file, loader=_Loader(self._switched(file)))

    def _switched(self, file: str) -> CodeType:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        numbers = {
            id(nodes[check.node]): (number, check.value)
            for number, check in enumerate(self._checks)
            if check.path == file
        }
        _Switches(numbers).visit(tree)
        return compile(ast.fix_missing_locations(tree), str(ROOT / file), "exec")


def _module(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "core" else parts[2:])


class Trial:
    """A pytest plugin: collects once, then runs the tests of each check in a process of its own, until one is red."""

    def __init__(self, checks: Sequence[Check], jobs: int) -> None:
        self._checks = checks
        self._jobs = jobs
        self.survivors: list[Check] = []
        self.broken = "the tests could not be collected"

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of running the tests: try every check."""
        helpers = importlib.import_module("sso_bench"), importlib.import_module("sso_provider")
        for name in ("one", "two", "thief"):  # what takes long to make is made once
            helpers[1].rsa(name)
        helpers[0]._template()  # noqa: SLF001 - as above
        for name in dict.fromkeys(_module(check.path) for check in self._checks):
            spec = importlib.import_module(name).__spec__
            if spec is None or not isinstance(spec.loader, _Loader):
                self.broken = f"{name} was loaded without its switches"
                return True
        if self._fork(session, None) != _GREEN:
            self.broken = "a test is red with every check in its place"
            return True
        self.broken = ""
        with ThreadPoolExecutor(self._jobs) as pool:
            codes = pool.map(partial(self._fork, session), range(len(self._checks)))
            for check, code in zip(self._checks, codes, strict=True):
                if code == _GREEN:
                    self.survivors.append(check)
                elif code != _RED:
                    self.broken = f"the tests ended with {code} without {check}"
        return True

    def _fork(self, session: pytest.Session, number: int | None) -> int:
        child = os.fork()
        if child == 0:
            code = _BROKEN
            try:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 1)
                os.dup2(nowhere, 2)
                builtins.__dict__[_SWITCH][0] = number
                code = self._run(session, None if number is None else self._checks[number])
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)

    def _run(self, session: pytest.Session, check: Check | None) -> int:
        names = " ".join(VERIFIER.values()).split() if check is None else VERIFIER[check.path].split()
        order = [f"test_sso_{name}.py" for name in dict.fromkeys(names)]
        items = [item for name in order for item in session.items if item.path.name == name]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return _RED
        return _GREEN


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them all."""
    parser = argparse.ArgumentParser(prog="python -m proofs.sso", description="Take out each check of the verifier.")
    parser.add_argument("files", nargs="*", help="parts of names of files; left out: all")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    parser.add_argument("--list", action="store_true", help="only show the checks")
    wish = parser.parse_args(arguments)
    paths = [path for path in VERIFIER if not wish.files or any(part in path for part in wish.files)]
    checks = [check for path in paths for check in checks_of(path) if check.text not in EXCUSED]
    if wish.list:
        print(*checks, f"{len(checks)} checks", sep="\n")
        return 0
    started = time.monotonic()
    builtins.__dict__[_SWITCH] = [None]
    sys.meta_path.insert(0, _Finder(checks))
    trial = Trial(checks, wish.jobs)
    options = [
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "--no-summary",
        "--assert=plain",
        f"--rootdir={ROOT}",
    ]
    pytest.main([*options, str(TESTS)], plugins=[trial])
    print(*(f"no test noticed: {check}" for check in trial.survivors), sep="\n")
    noticed = len(checks) - len(trial.survivors)
    took = (time.monotonic() - started) / 60
    print(trial.broken or f"{noticed} of {len(checks)} checks are needed by a test; {took:.1f} minutes")
    return 1 if trial.survivors or trial.broken else 0


if __name__ == "__main__":
    sys.exit(main())
