"""T10: change the code of rails, journal, recovery and paging in every small way, and see a test turn red for each.

mutmut makes the mutants and picks the tests that reach each of them. What survives is printed as a diff; one is
excused only as a wording (part of a sentence for people, or the case of SQL), or by a reason in ``survivors.toml``.
"""

from __future__ import annotations

import argparse
import difflib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
EXCUSES: Final = Path(__file__).with_name("survivors.toml")


class Area(NamedTuple):
    """Code that is mutated together: its files by package, the tests that guard it, and the share to be killed."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    bar: float


_RAIL_TESTS: Final = tuple(
    f"tests/engine/test_engine_{name}.py"
    for name in ("absence", "allowed", "approvals", "class_rails", "first_run", "guards", "rail_limits", "rails")
)

AREAS: Final[dict[str, Area]] = {
    "rails": Area(("crosskey/engine/rails/*.py", "crosskey/engine/protect.py"), _RAIL_TESTS, 1.0),
    "guards": Area(("crosskey/engine/guarding/*.py", "crosskey/engine/timekeeper.py"), _RAIL_TESTS, 1.0),
    "recovery": Area(
        ("crosskey/engine/recover.py", "crosskey/engine/shown.py", "crosskey/engine/restored.py"),
        (
            "tests/engine/test_engine_recovery.py",
            "tests/engine/test_engine_settle.py",
            "tests/engine/test_engine_faults.py",
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
        ("tests/engine/test_engine_faults.py", "tests/okta", "tests/entra", "tests/halo"),
        0.9,
    ),
}


class Survivor(NamedTuple):
    """A mutant that no test noticed: where it is, and the lines it took and put."""

    name: str
    removed: str
    added: str

    @property
    def function(self) -> str:
        """The function it is in, as ``module.function``."""
        return re.sub(r"\.x_?(?:ǁ(\w+)ǁ)?(\w+)__mutmut_\d+$", r".\1.\2", self.name).replace("..", ".")

    def is_wording(self) -> bool:
        """Whether only the words of a sentence for people differ, or the case of SQL's words, which SQL ignores."""
        if self.removed.casefold() == self.added.casefold():
            return bool(re.search(r"\b(SELECT|UPDATE|INSERT|DELETE|FROM|WHERE|ORDER BY|PRAGMA)\b", self.removed)) or (
                _is_sentence(_changed(self.removed, self.added))
            )
        return "XX" in self.added and _is_sentence(_changed(self.added, self.removed))


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
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    options = parser.parse_args()
    chosen = options.areas or list(AREAS)
    if unknown := set(chosen) - set(AREAS):
        parser.error(f"no such area: {', '.join(sorted(unknown))}")
    return max(mutate(name, AREAS[name], jobs=options.jobs) for name in chosen)


def mutate(name: str, area: Area, *, jobs: int) -> int:
    """Mutate one area in a copy of the repository; print what it came to."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "repository"
        _copy(copy, area)
        ran = _mutmut(copy, "run", "--max-children", str(jobs))
        states = _states(copy)
        if ran.returncode or not states:
            print(ran.stdout[-3_000:], ran.stderr[-3_000:], sep="\n", file=sys.stderr)
            print(f"{name}: mutmut could not run; is it installed (pip install mutmut)?", file=sys.stderr)
            return 1
        survivors = [_survivor(copy, mutant) for mutant, state in states.items() if state in _UNSEEN]
    return _tell(name, area, states, survivors)


_UNSEEN: Final = frozenset({"survived", "no tests", "suspicious", "skipped", "not checked"})


def _tell(name: str, area: Area, states: dict[str, str], survivors: list[Survivor]) -> int:
    wording = [each for each in survivors if each.is_wording()]
    excuses = tomllib.loads(EXCUSES.read_text(encoding="utf-8")) if EXCUSES.exists() else {}
    reasons = {(each["removed"], each["added"]): each["because"] for each in excuses.get("survivor", [])}
    counted = len(states) - len(wording)
    seen = [each for each in survivors if each not in wording]
    excused = [each for each in seen if (each.removed.strip(), each.added.strip()) in reasons]
    bare = [each for each in seen if each not in excused]
    killed = counted - len(seen)
    for each in bare:
        print(f"\n{each.function}\n  - {each.removed.strip()}\n  + {each.added.strip()}")
    share = killed / counted if counted else 0.0
    print(
        f"\n{name}: {killed} of {counted} mutants killed ({share:.1%}; bar {area.bar:.0%}), "
        f"{len(excused)} survivors explained, {len(bare)} not; {len(wording)} more only word a sentence or case SQL"
    )
    met = (killed + len(excused)) / counted >= area.bar if counted else False
    return 0 if met else 1


def _copy(copy: Path, area: Area) -> None:
    """The working tree with all packages in ``src``, where mutmut finds them under the name they are imported by."""
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for file in files.stdout.splitlines():
        goal = copy / re.sub(r"^(core|plugins/\w+)/(?=crosskey)", "src/", file)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).is_file():
            shutil.copyfile(ROOT / file, goal)
    beside = ROOT.parent / "shared"  # recordings that tests read in place
    if beside.exists():
        (copy.parent / "shared").symlink_to(beside)
    sources = sorted(
        path.relative_to(copy).as_posix() for pattern in area.sources for path in (copy / "src").glob(pattern)
    )
    project = copy / "pyproject.toml"
    text = project.read_text(encoding="utf-8").replace("pythonpath = [", 'pythonpath = ["src", ')
    settings = [
        "[tool.mutmut]",
        f"source_paths = {sources!r}",
        'also_copy = ["src", "tests", "proofs", "docs", "cassettes", "README.md", "Makefile"]',
        f"pytest_add_cli_args_test_selection = {list(area.tests)!r}",
        'pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "no:xdist"]',
    ]
    project.write_text(text + "\n" + "\n".join(settings).replace("'", '"') + "\n", encoding="utf-8")


def _mutmut(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=copy,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _states(copy: Path) -> dict[str, str]:
    lines = _mutmut(copy, "results", "--all", "true").stdout.splitlines()
    found = [re.fullmatch(r"\s*(\S+__mutmut_\d+): (.+)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def _survivor(copy: Path, mutant: str) -> Survivor:
    lines = _mutmut(copy, "show", mutant).stdout.splitlines()
    removed = [line[1:] for line in lines if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in lines if line.startswith("+") and not line.startswith("+++")]
    kept = [line for line in difflib.ndiff(removed, added) if line[:2] in ("- ", "+ ")]
    return Survivor(
        mutant,
        " ".join(line[2:].strip() for line in kept if line.startswith("- ")),
        " ".join(line[2:].strip() for line in kept if line.startswith("+ ")),
    )


if __name__ == "__main__":
    sys.exit(main())
