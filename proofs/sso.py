"""Take every single check out of the verifier, one at a time, and see a test turn red for each.

A check is what leads to a refusal: the condition of a refusal, each part of such a condition, and each call of a
function that does nothing but refuse. Each is taken out of the code as it is loaded; no file is changed. What no test
notices is printed with its place, and the program ends with 1.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
TESTS: Final = ROOT / "tests" / "sso"

_SSO: Final = "core/crosskey/sso"
# By file, the tests that know it, the best first.
VERIFIER: Final[dict[str, str]] = {
    f"{_SSO}/answer.py": "requests hybrid mfa",
    f"{_SSO}/asking.py": "discovery requests",
    f"{_SSO}/callback.py": "hybrid",
    f"{_SSO}/discovery.py": "discovery",
    f"{_SSO}/doorkeeper.py": "linking mfa signals requests logout",
    f"{_SSO}/hashes.py": "hybrid",
    f"{_SSO}/hearing.py": "signals logout",
    f"{_SSO}/heartbeat.py": "refresh",
    f"{_SSO}/jws.py": "tokens",
    f"{_SSO}/keys.py": "discovery tokens",
    f"{_SSO}/linking.py": "linking logout",
    f"{_SSO}/mfa.py": "mfa",
    f"{_SSO}/oidc.py": "hybrid refresh tokens linking",
    f"{_SSO}/provider.py": "discovery",
    f"{_SSO}/redemption.py": "requests refresh",
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
    "settings.client_secret is None": "the settings refuse it; this is for the type checker",
    "settings.certificate is None": "the same",
}
"""By text of the check, why no test can notice."""

_GREEN, _RED, _BROKEN = 0, 1, 99
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


class _Mutation(ast.NodeTransformer):
    """Replaces the node of a check: a condition by what it would have to be, a statement by nothing."""

    def __init__(self, target: ast.AST, value: bool | None) -> None:
        self._target = target
        self._value = value

    def visit(self, node: ast.AST) -> ast.AST:
        """The node, or what takes its place."""
        if node is self._target:
            new = ast.Pass() if self._value is None else ast.Constant(self._value)
            return ast.copy_location(new, node)
        return self.generic_visit(node)


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
# Trying one
# ----------------------------------------------------------------------------------------------------------------------


class _Loader(importlib.abc.Loader):
    def __init__(self, code: CodeType) -> None:
        self._code = code

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)  # the project's own code, with one check less


class _Finder(importlib.abc.MetaPathFinder):
    """Gives one module with a check less."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        self._name = name
        self._file = file
        self._code = code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - the import system's shape
        target: ModuleType | None = None,  # noqa: ARG002 - as above
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of that one module."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._file, loader=_Loader(self._code))


def _without(check: Check) -> CodeType:
    """The code of the file without the check."""
    tree = ast.parse((ROOT / check.path).read_text(encoding="utf-8"))
    target = next(node for number, node in enumerate(ast.walk(tree)) if number == check.node)
    _Mutation(target, check.value).visit(tree)
    return compile(ast.fix_missing_locations(tree), check.path, "exec")


def _module(path: str) -> str:
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "core" else parts[2:])


def _try(check: Check | None) -> int:
    """In a process of its own: the exit code of the tests with the check taken out, or with none."""
    import pytest  # noqa: PLC0415 - only the process that tries one needs it; the parent has imported it before it forks

    names = " ".join(VERIFIER.values()).split()
    if check is not None:
        sys.meta_path.insert(0, _Finder(_module(check.path), ROOT / check.path, _without(check)))
        names = VERIFIER[check.path].split()
    files = [str(TESTS / f"test_sso_{name}.py") for name in dict.fromkeys(names)]
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", f"--rootdir={ROOT}"]
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = int(pytest.main([*options, *files]))
    if code not in (_GREEN, _RED):
        print(told.getvalue()[-2_000:], flush=True)
    return code


def _fork(check: Check | None) -> bool:
    """Whether a test turned red without the check. Raises :class:`RuntimeError` when the tests did not even run."""
    child = os.fork()
    if child == 0:
        code = _BROKEN
        try:
            code = _try(check)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (_GREEN, _RED):
        raise RuntimeError(f"the tests ended with {code} without {check}")
    return code == _RED


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
    for name in ("httpx", "joserfc.jws", "pytest"):  # once, before the processes that need them part from this one
        importlib.import_module(name)

    started = time.monotonic()
    if _fork(None):
        print("a test is red with every check in its place")
        return 1
    with ThreadPoolExecutor(wish.jobs) as pool:
        noticed = list(pool.map(_fork, checks))
    survivors = [check for check, red in zip(checks, noticed, strict=True) if not red]
    for check in survivors:
        print(f"no test noticed: {check}")
    took = time.monotonic() - started
    print(f"{len(checks) - len(survivors)} of {len(checks)} checks are needed by a test; {took / 60:.1f} minutes")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
