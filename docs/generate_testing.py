"""The page about testing a configuration: its tables, and what its own cases print."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from click.testing import CliRunner
from generate_tables import table

from crosskey.cli.test import test
from crosskey.config.reference import settings_table
from crosskey.rehearsal.case import Scene
from crosskey.rehearsal.desk import DescribedAccount
from crosskey.rehearsal.expectation import Expectation
from crosskey.rehearsal.people import PersonKeys
from crosskey.rehearsal.suite import EXITS

__all__ = ("TESTING", "set_up")

ROOT = Path(__file__).resolve().parents[1]
CASE = re.compile(r"^```toml case\n# (?P<name>\S+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
CONFIGURATION = re.compile(r"^```toml\n(?P<text>\[source.*?)^```$", re.DOTALL | re.MULTILINE)
NEW_FIELD = 'surname = "family_name"\n'
LONDON = "Acme / London"


def set_up(folder: Path) -> None:
    """The folder that the page describes: the README's configuration, an older one, and cases without a cassette."""
    text = next(found["text"] for found in CONFIGURATION.finditer((ROOT / "README.md").read_text(encoding="utf-8")))
    (folder / "crosskey.toml").write_text(text, encoding="utf-8")
    (folder / "main.toml").write_text(text.replace(NEW_FIELD, ""), encoding="utf-8")
    for found in CASE.finditer((ROOT / "docs" / "testing.md").read_text(encoding="utf-8")):
        if "cassettes =" not in found["text"]:
            file = folder / found["name"]
            file.parent.mkdir(exist_ok=True)
            file.write_text(found["text"], encoding="utf-8")


def _passing() -> str:
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        return _shown(Path(folder))


def _failing() -> str:
    """One of them after somebody moved London."""
    with tempfile.TemporaryDirectory() as folder:
        set_up(Path(folder))
        file = Path(folder) / "crosskey.toml"
        text = file.read_text(encoding="utf-8")
        assert LONDON in text  # noqa: S101 - the README changed: so must this
        file.write_text(text.replace(LONDON, "Acme / Leeds"), encoding="utf-8")
        return _shown(Path(folder), "cases/london.toml")


def _shown(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(test, [str(folder / (words or ("cases",))[0])])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    lines = "\n".join(line.rstrip() for line in done.output.replace(f"{folder}/", "").splitlines())
    return f"```console\n$ {' '.join(('crosskey test', *words))}\n{lines}\n```"


def _exits() -> str:
    return table("code", "when", rows=[(str(int(code)), when) for code, when in EXITS.items()])


TESTING: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "test passing": _passing,
        "test failing": _failing,
        "test exits": _exits,
        "settings case": lambda: settings_table(Scene),
        "settings case person": lambda: settings_table(PersonKeys),
        "settings case account": lambda: settings_table(DescribedAccount),
        "settings expect": lambda: settings_table(Expectation),
    }
)
