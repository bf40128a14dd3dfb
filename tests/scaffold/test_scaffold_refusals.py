"""What is not written: under names that cannot be, or over anything that is there."""

from __future__ import annotations

import pytest
from cli_bench import run_here

from crosskey.errors import ExitCode
from crosskey.scaffold import KINDS, names_for


def new(folder, *words):
    return run_here(("plugin", "new", *words), folder, {})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Acme", "is no name for a plugin"),
        ("acme_hr", "is no name for a plugin"),
        ("acme--hr", "is no name for a plugin"),
        ("9lives", "is no name for a plugin"),
        ("../escape", "is no name for a plugin"),
        ("a b", "is no name for a plugin"),
        ("äcme", "is no name for a plugin"),
        ("crosskey-acme", "write acme"),
        ("a" * 31, "at most 30"),
        ("class", "means something else"),
        ("okta", "is installed already"),
        ("rules", "is installed already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_its_fix(tmp_path, name, says):
    run = new(tmp_path, name, "--kind", "source")
    assert run.code == ExitCode.CONFIG
    assert says in run.err
    assert "fix:" in run.err
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_is_none_is_refused(tmp_path):
    run = new(tmp_path, "acme", "--kind", "directory")
    assert run.code == ExitCode.CONFIG
    assert "'source', 'target', 'mapper', 'sso'" in run.err


def test_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "crosskey-acme"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for name, there in (("acme", "crosskey-acme"), ("other", "file")):
        (tmp_path / "file").write_text("mine")
        run = new(tmp_path, name, "--kind", "mapper", "--into", there)
        assert run.code == ExitCode.CONFIG
        assert "--into" in run.err
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "here").mkdir()
    assert new(tmp_path, "acme", "--kind", "mapper", "--into", "here").code == ExitCode.OK
    assert (tmp_path / "here" / "pyproject.toml").is_file()


def test_every_form_of_a_name():
    names = names_for("acme-hr2")
    assert (names.distribution, names.module, names.word, names.title, names.spoken, names.env) == (
        "crosskey-acme-hr2",
        "crosskey_acme_hr2",
        "acme_hr2",
        "AcmeHr2",
        "Acme Hr2",
        "ACME_HR2",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_ends_in_lines_and_holds_no_template(tmp_path, kind):
    new(tmp_path, "acme", "--kind", kind, "--into", "new")
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert len(files) > 8
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not text or text.endswith("\n"), file
        assert not text.endswith("\n\n"), file
        assert "{%" not in text, file
        assert "{{" not in text.replace("${{ matrix.python }}", ""), file
