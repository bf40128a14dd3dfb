"""The case list, and that each of its rows is a test: nobody removes one without taking it off this list."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = (HERE, HERE.parent / "doors")

# How many rows each part of the list has.
ROWS = {"A": 13, "B": 30, "C": 12, "D": 17, "E": 5, "F": 14, "G": 7, "H": 10, "I": 12}
CASES = [f"{part}{number}" for part, count in ROWS.items() for number in range(1, count + 1)]

# Faults of other libraries and products, and the rows that stand for them here.
FAULTS = {
    "CVE-2024-37568": "B19",
    "CVE-2025-68158": "D2",
    "CVE-2026-41425": "C11",
    "CVE-2026-27962": "B21",
    "CVE-2026-104056": "A3",
    "CVE-2026-114616": "B19",
    "CVE-2026-114617": "B15",
    "CVE-2026-75509": "B2",
    "CVE-2026-102946": "B28",
    "CVE-2026-62995": "B28",
    "CVE-2026-32597": "B22",
    "CVE-2026-48710": "D14",
    "CVE-2020-26244": "B20",
}


def left_to_doors() -> set[str]:
    lines = (HERE / "cases_of_doors.txt").read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def count_tests() -> dict[str, int]:
    """How many tests bear the id of each case in their name."""
    found = dict.fromkeys(CASES, 0)
    for folder in FOLDERS:
        for path in folder.glob("test_*.py"):
            for case in re.findall(r"^(?:async )?def test_([a-i]\d+)_", path.read_text(encoding="utf-8"), re.MULTILINE):
                found[case.upper()] += 1
    return found


def test_every_case_has_a_test():
    missing = {case for case, count in count_tests().items() if not count}
    assert missing <= left_to_doors(), "these have no test"
    if (HERE.parent / "doors").is_dir():
        assert missing == set(), "these are left to the doors and have no test there either"


def test_every_case_that_is_left_to_the_doors_is_a_case():
    assert left_to_doors() <= set(CASES)
    assert len(CASES) == 120


def test_every_known_fault_of_others_is_a_case():
    assert set(FAULTS.values()) <= set(CASES)
