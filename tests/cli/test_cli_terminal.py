"""What a person sees on a real terminal: nothing squeezed, nothing overwritten by the progress bar."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios

import pytest
from rich.cells import cell_len

from crosskey.errors import ExitCode

CTRL_C = "\x03"
ASKED = b"[y/N]: "
_PATIENCE = 5.0
_CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(.)", re.DOTALL)


class Terminal:
    """Types commands into a terminal of so many columns."""

    def __init__(self, crosskey, columns: int) -> None:
        self.crosskey, self.columns = crosskey, columns
        self.raw = ""

    def __call__(self, *words: str, typed: str = "", code: int = 0) -> str:
        """What is on the screen in the end."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self.columns, 0, 0))
        environment = {
            name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}
        }
        with subprocess.Popen(
            [sys.executable, "-m", "crosskey", *words],
            cwd=self.crosskey.folder,
            env={**environment, **self.crosskey.environment, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            said = b""
            while True:
                # A signal between the prompt and Python's own wait for a key is noted and wakes nobody: a person presses
                # the keys again, and so does this one.
                if typed == CTRL_C and said.endswith(ASKED) and not select.select([ours], [], [], _PATIENCE)[0]:
                    process.send_signal(signal.SIGINT)
                    continue
                try:
                    said += os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                if said.endswith(ASKED):
                    process.send_signal(signal.SIGINT) if typed == CTRL_C else os.write(ours, typed.encode())
        os.close(ours)
        self.raw = said.decode()
        assert process.returncode == code, self.raw
        return screen(self.raw)


def screen(text: str) -> str:
    """The lines that are left after carriage returns, cursor moves and erasures."""
    lines, row, column = [""], 0, 0
    for found in _CONTROL.finditer(text):
        number, control, letter = found.groups()
        if control == "A":
            row = max(0, row - int(number or 1))
        elif control == "K":
            lines[row] = "" if number == "2" else lines[row][:column]
        elif letter == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif letter == "\r":
            column = 0
        elif letter:
            lines[row] = lines[row][:column].ljust(column) + letter + lines[row][column + 1 :]
            column += 1
    return "\n".join(line.rstrip() for line in lines)


@pytest.fixture
def narrow(crosskey) -> Terminal:
    return Terminal(crosskey, 80)


@pytest.fixture
def wide(crosskey) -> Terminal:
    return Terminal(crosskey, 140)


def test_a_narrow_plan_says_why_under_what(narrow):
    shown = narrow("plan")
    lines = shown.splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    created = next(number for number, line in enumerate(lines) if re.match(r"\+ create +user", line))
    assert lines[created + 1].startswith("    what  site: Acme / ")
    assert lines[created + 2] == '    why   in group "All Staff" and where "user_type != \'service\'"'
    assert lines[created + 3].startswith("          (map.user.scope); site: map.user.assign[")


def test_a_wide_plan_says_why_beside_what(wide):
    lines = wide("plan").splitlines()
    heading = next(line for line in lines if line.split() == ["account", "who", "what", "why"])
    created = next(line for line in lines if re.match(r"\+ create +user", line))
    assert created.index("site: Acme") == heading.index("what")
    assert created.index('in group "All Staff"') == heading.index("why")


@pytest.mark.parametrize("columns", [80, 140])
def test_the_bar_leaves_every_line_of_the_answer_alone(crosskey, columns):
    terminal = Terminal(crosskey, columns)
    planned = terminal("plan")
    assert "Reading people" in terminal.raw, "a bar is drawn while it reads"
    assert planned.startswith("source.corp: 30 people")
    assert planned.splitlines()[-1].startswith("Plan: ")
    lines = terminal("sync").splitlines()
    assert re.fullmatch(r"  Applying .* (\d+) of \1 0:00:\d\d", lines[0])
    assert "source.corp: 30 people" in lines[1]
    assert re.fullmatch(r"Run \S+: \d+ applied\.", lines[-1])


def test_apply_shows_the_plan_with_names_asks_and_goes_on(narrow):
    shown = narrow("apply", typed="y\n")
    lines = shown.splitlines()
    asked = lines.index(next(line for line in lines if line.startswith("Apply these ")))
    assert lines[0].startswith("source.corp: 30 people")
    assert "site: +Acme / London" in shown
    assert lines[asked - 1].startswith("Plan: ")
    assert lines[asked + 1].startswith("  Applying ")
    assert lines[asked + 2 :][-1].endswith(" applied.")
    assert narrow.crosskey("plan", "--json").json["changes"] == []


@pytest.mark.parametrize(("typed", "code"), [(CTRL_C, ExitCode.INTERRUPTED), ("n\n", ExitCode.OK)])
def test_whoever_does_not_say_yes_changes_nothing(narrow, typed, code):
    shown = narrow("apply", typed=typed, code=code)
    assert ("interrupted" in shown) == (code == ExitCode.INTERRUPTED)
    assert narrow.crosskey.writes == 0
    assert narrow.crosskey.last_run()["verdict"] == "aborted"


def test_apply_says_what_holds_a_whole_run_although_there_is_nothing_to_ask(narrow):
    narrow("sync")
    org = narrow.crosskey.stage.org
    [staff] = org.groups.named("All Staff")
    for person in narrow.crosskey.stage.company.people:
        org.groups.remove_member(staff.id, person.login)
    shown = narrow("apply", code=ExitCode.HELD)
    assert "! empty-group" in shown
    assert "    fix  " in shown
    assert "Apply these" not in shown


def test_check_keeps_a_long_finding_under_its_sign(narrow):
    narrow.crosskey.edit(('"Acme / London"', '"Acme / Londn"'))
    lines = narrow("check", code=ExitCode.CONFIG).splitlines()
    wrong = next(number for number, line in enumerate(lines) if line.startswith("  ✗ map.user.assign[0].site: "))
    assert all(line.startswith("    ") for line in lines[wrong + 1 : lines.index("1 to fix.")])
    assert "    fix: correct the name, or create the site in the target first" in lines


def test_explain_and_settings_fit_a_narrow_terminal(narrow):
    narrow("sync")
    person = next(each for each in narrow.crosskey.stage.company.people if each.status == "active" and each.email)
    explained = narrow("explain", person.login)
    assert max(cell_len(line) for line in explained.splitlines()) <= 80
    assert re.search(
        r'^    site  .*Acme / \w+\n        rule +map\.user\.assign\[\d\]: in group "', explained, re.MULTILINE
    )
    settings = narrow("plugins", "show", "okta")
    assert "url          text, required\n    about  Address of the org" in settings
