"""T10: change the code of rails, journal, recovery and paging in every small way, and see a test turn red for each.

mutmut makes the mutants and picks the tests that reach each of them. What survives is printed as a diff; one is
excused only as a wording (part of a sentence for people, or the case of SQL), or by a reason in ``survivors.toml``.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
EXCUSES: Final = Path(__file__).with_name("survivors.toml")


class Area(NamedTuple):
    """Code that is mutated together: its files by package, the tests that guard it (arguments of pytest), and the share
    to be killed.
    """

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    bar: float


_RAIL_TESTS: Final = tuple(
    f"tests/engine/test_engine_{name}.py"
    for name in (
        "rail_edges",
        "rail_counts",
        "allowed_edges",
        "class_edges",
        "class_rails",
        "rail_limits",
        "first_run",
        "headroom",
        "approvals",
        "clock",
        "rails",
    )
)
_GUARD_TESTS: Final = tuple(
    f"tests/engine/test_engine_{name}.py" for name in ("guard_edges", "switch_edges", "guards", "clock")
)

AREAS: Final[dict[str, Area]] = {
    "rails": Area(("crosskey/engine/rails/*.py", "crosskey/engine/protect.py"), _RAIL_TESTS, 1.0),
    "guards": Area(("crosskey/engine/guarding/*.py", "crosskey/engine/timekeeper.py"), _GUARD_TESTS, 1.0),
    "recovery": Area(
        ("crosskey/engine/recover.py", "crosskey/engine/shown.py", "crosskey/engine/restored.py"),
        tuple(
            f"tests/engine/test_engine_{name}.py"
            for name in ("shown_edges", "recovery", "recovery_edges", "settle", "restored")
        ),
        0.9,
    ),
    "journal": Area(
        tuple(
            f"crosskey/journal/{name}.py"
            for name in ("events", "operations", "outcomes", "settlement", "links", "lease", "filelock", "evidence")
        ),
        ("tests/journal",),
        0.9,
    ),
    "paging": Area(
        (
            "crosskey/engine/read.py",
            "crosskey_okta/reading.py",
            "crosskey_entra/graph.py",
            "crosskey_entra/reading.py",
            "crosskey_halo/lists.py",
            "crosskey_halo/reader.py",
        ),
        (
            "tests/engine/test_engine_faults.py",
            "tests/engine/test_engine_changes.py",
            "tests/engine/test_engine_read_edges.py",
            "tests/okta",
            "tests/entra",
            "tests/halo",
            # half of the time of all of these; without them fewer mutants die, and never more
            "--ignore=tests/okta/test_okta_hooks.py",
            "--ignore=tests/okta/test_okta_credentials.py",
            "--ignore=tests/okta/test_okta_changes_property.py",
        ),
        0.9,
    ),
}


class Mutant(NamedTuple):
    """One small change: where it is, and the lines it took and put."""

    name: str
    removed: str
    added: str

    def is_wording(self) -> bool:
        """Whether only words differ: of a sentence for people, of SQL by their case, of a cast for the type checker."""
        if _uncast(self.removed) == _uncast(self.added):
            return True
        if self.removed.casefold() == self.added.casefold():
            return bool(re.search(r"\b(SELECT|UPDATE|INSERT|DELETE|FROM|WHERE|ORDER BY|PRAGMA)\b", self.removed)) or (
                _is_sentence(_changed(self.removed, self.added))
            )
        return "XX" in self.added and _is_sentence(_changed(self.added, self.removed))


def _uncast(line: str) -> str:
    return re.sub(r'cast\((?:"[^"]*"|None),', "cast(", line)


def _changed(line: str, other: str) -> str:
    """The string literals of a line that the other does not have."""
    literals = re.findall(r"f?\"[^\"]*\"|f?'[^']*'", line)
    return " ".join(each for each in literals if each not in other)


def _is_sentence(text: str) -> bool:
    return len(text.split()) > 2


def main() -> int:
    """Mutate the areas that were named (all by default); the exit code is 1 when any misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"of {', '.join(AREAS)}; all when left out")
    parser.add_argument("--file", action="append", default=[], help="only this file of the area, such as clock.py")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument(
        "--keep", type=Path, help="work in this folder and keep it: another time only survivors are tried"
    )
    options = parser.parse_args()
    chosen = options.areas or list(AREAS)
    if unknown := set(chosen) - set(AREAS):
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    codes: list[int] = []
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            base = options.keep / name if options.keep else Path(folder)
            codes.append(mutate(name, AREAS[name], base=base, files=options.file, jobs=options.jobs))
    return max(codes)


def mutate(name: str, area: Area, *, base: Path, files: Sequence[str], jobs: int) -> int:
    """Mutate one area in a copy of the repository; print what it came to."""
    copy = base / "repository"
    sources = _copy(copy, area)
    (copy / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)  # which test reaches what may have changed
    made = _mutmut(copy, "run", "--max-children", "1", "none-yet")  # makes them, and sees which test reaches which
    chosen = [source for source in sources if not files or Path(source).name in files]
    wording = [each for source in chosen for each in _mutants(copy, source) if each.is_wording()]
    _prepare(copy, chosen, {each.name for each in wording})
    tried = {each for source in chosen for each, state in _states(copy, source).items() if state is None}
    ran = _mutmut(copy, "run", "--max-children", str(jobs), *(tried if files else ())) if tried else made
    states = {source: _states(copy, source) for source in chosen}
    if not any(states.values()) or (tried and ran.returncode):
        print(made.stdout[-3_000:], ran.stdout[-3_000:], ran.stderr[-3_000:], sep="\n", file=sys.stderr)
        print(f"{name}: mutmut could not run; is it installed (pip install mutmut)?", file=sys.stderr)
        return 1
    return _tell(name, area, copy, states)


_KILLED: Final = frozenset({1, 3, 24, -24, 36, 152, 255})
"""mutmut's codes for a test that failed, or that never came to its end."""
_WORDING: Final = 34
"""mutmut's code for what is not to be tried."""


def _tell(name: str, area: Area, copy: Path, states: Mapping[str, Mapping[str, int | None]]) -> int:
    excuses = tomllib.loads(EXCUSES.read_text(encoding="utf-8")) if EXCUSES.exists() else {}
    reasons = {(each["removed"], each["added"]) for each in excuses.get("survivor", [])}
    total = Counter[str]()
    for source, codes in states.items():
        came = Counter[str]()
        for mutant in _mutants(copy, source):
            code = codes.get(mutant.name)
            if code == _WORDING:
                came["wording"] += 1
                continue
            came["made"] += 1
            if code in _KILLED:
                came["killed"] += 1
            elif (mutant.removed, mutant.added) in reasons:
                came["excused"] += 1
            else:
                came["survived"] += 1
                print(f"\n{mutant.name} ({code})\n  - {mutant.removed}\n  + {mutant.added}")
        print(f"\n{source}: {_figures(came)}")
        total += came
    print(f"\n{name}: {_figures(total)}; bar {area.bar:.0%}")
    return 0 if total["killed"] + total["excused"] >= total["made"] * area.bar else 1


def _figures(came: Counter[str]) -> str:
    return (
        f"{came['made']} mutants, {came['killed']} killed, {came['excused']} excused, {came['survived']} survived; "
        f"{came['wording']} that only word a sentence or case SQL were not tried"
    )


def _meta(copy: Path, source: str) -> Path:
    return copy / "mutants" / f"{source}.meta"


def _states(copy: Path, source: str) -> dict[str, int | None]:
    """What became of each mutant of a file, in mutmut's codes; ``None`` was not tried yet."""
    meta = _meta(copy, source)
    return json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"] if meta.exists() else {}


def _prepare(copy: Path, sources: Iterable[str], wording: AbstractSet[str]) -> None:
    """Have mutmut pass over wordings, and try again what survived the last time."""
    for source in sources:
        meta = _meta(copy, source)
        if not meta.exists():
            continue
        content = json.loads(meta.read_text(encoding="utf-8"))
        content["exit_code_by_key"] = {
            name: _WORDING if name in wording else code if code in _KILLED else None
            for name, code in content["exit_code_by_key"].items()
        }
        meta.write_text(json.dumps(content), encoding="utf-8")


def _mutants(copy: Path, source: str) -> list[Mutant]:
    """The mutants of a file, as mutmut wrote them beside the original: one function each."""
    path = copy / "mutants" / source
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = text.splitlines()
    functions = {
        node.name: lines[node.lineno : node.end_lineno]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name
    }
    found: list[Mutant] = []
    for key in _states(copy, source):
        function = key.rpartition(".")[2]
        before = functions[re.sub(r"\d+$", "orig", function)]
        changed = [line for line in difflib.ndiff(before, functions[function]) if line[:2] in ("- ", "+ ")]
        found.append(
            Mutant(
                key,
                " ".join(line[2:].strip() for line in changed if line.startswith("- ")),
                " ".join(line[2:].strip() for line in changed if line.startswith("+ ")),
            )
        )
    return found


def _copy(copy: Path, area: Area) -> list[str]:
    """The working tree with all packages in ``src``, where mutmut finds them under the name they are imported by.

    Comes back with the files to be mutated.
    """
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for file in files.stdout.splitlines():
        goal = copy / re.sub(r"^(core|plugins/\w+)/(?=crosskey)", "src/", file)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).is_file():
            shutil.copyfile(ROOT / file, goal)
    beside = ROOT.parent / "shared"  # recordings that tests read in place
    if beside.exists() and not (copy.parent / "shared").exists():
        (copy.parent / "shared").symlink_to(beside)
    sources = sorted(
        path.relative_to(copy).as_posix() for pattern in area.sources for path in (copy / "src").glob(pattern)
    )
    for source in sources:
        path = copy / source
        path.write_text(_undecorated(path.read_text(encoding="utf-8")), encoding="utf-8")
    project = copy / "pyproject.toml"
    text = project.read_text(encoding="utf-8").replace("pythonpath = [", 'pythonpath = ["src", ')
    settings = [
        "[tool.mutmut]",
        f"source_paths = {sources!r}",
        'also_copy = ["src", "tests", "proofs", "docs", "cassettes", "README.md", "Makefile"]',
        f"pytest_add_cli_args_test_selection = {list(area.tests)!r}",
        'pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "proofs.mutation_order"]',
    ]
    project.write_text(text + "\n" + "\n".join(settings).replace("'", '"') + "\n", encoding="utf-8")
    return sources


def _undecorated(text: str) -> str:
    """The same module with properties and the like made after their function: mutmut passes over decorated ones."""
    lines = text.splitlines()
    for node in sorted(ast.walk(ast.parse(text)), key=lambda node: -getattr(node, "lineno", 0)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or len(node.decorator_list) != 1:
            continue
        (decorator,) = node.decorator_list
        if isinstance(decorator, ast.Name) and decorator.id in ("property", "classmethod", "staticmethod"):
            made = f"{' ' * node.col_offset}{node.name} = {decorator.id}({node.name})"
            lines.insert(node.end_lineno or len(lines), made)
            del lines[decorator.lineno - 1]
    return "\n".join(lines) + "\n"


def _mutmut(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "mutants" / "src")},  # for processes that tests start
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
