"""Results as JUnit XML, which every CI system shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

from crosskey.errors import StorageError
from crosskey.rehearsal.suite import CaseResult

__all__ = ("write_junit",)


def write_junit(results: Sequence[CaseResult], file: Path) -> None:
    """Write the results to a file. Raises :class:`StorageError`."""
    totals = {
        "tests": str(len(results)),
        "failures": str(sum(result.state == "failed" for result in results)),
        "errors": str(sum(result.state == "error" for result in results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
    }
    root = Element("testsuites", totals)
    suite = SubElement(root, "testsuite", {"name": "crosskey", **totals})
    for result in results:
        case = SubElement(
            suite,
            "testcase",
            {"classname": "crosskey", "name": result.name, "file": result.file, "time": f"{result.seconds:.3f}"},
        )
        if result.error is not None:
            text = "\n".join(str(each) for each in (result.error, *result.problems))
            SubElement(case, "error", {"message": result.error.summary, "type": result.error.code}).text = text
        elif result.misses:
            missed = SubElement(case, "failure", {"message": f"expected {result.misses[0].expected}"})
            missed.text = "\n".join(str(miss) for miss in result.misses)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise StorageError(
            f"the results cannot be written: {error.strerror}", code="junit", where=str(file), fix="name another file"
        ) from error
