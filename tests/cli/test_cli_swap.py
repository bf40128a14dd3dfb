"""``crosskey swap`` and what the other commands say of it, and of people whom two directories know."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cli_bench import Shell

from crosskey.errors import ExitCode
from crosskey_sandbox.stage import configuration, on_stage


@pytest.fixture
def crosskey(tmp_path: Path):
    """A shell between both directories and the desk, in step with the first."""
    with on_stage(people=30, groups=40, entra_port=0) as stage:
        for user in [user for user in stage.desk.users.values() if user.name.endswith("(old)")]:
            stage.desk.drop("Users", user.id)
        shell = Shell(tmp_path, stage)
        (tmp_path / "entra.toml").write_text(configuration(stage, "entra"), encoding="utf-8")
        yield shell


def test_a_swap_is_told_as_json_and_in_the_history(crosskey: Shell) -> None:
    assert crosskey("sync").code == ExitCode.OK
    run = crosskey("swap", "entra.toml", "--yes", "--json", "--match", "employee_number")
    told = run.json
    assert (run.code, run.err) == (ExitCode.OK, "")
    assert (told["verdict"], told["nothing_changes"], told["failures"], told["error"]) == ("clean", True, [], None)
    last = crosskey.last_run()
    assert (last["id"], last["kind"], last["verdict"]) == (told["run"], "swap", "clean")
    assert "relink" in crosskey("history", told["run"]).out


def test_what_a_swap_refuses_is_one_json_document_too(crosskey: Shell) -> None:
    assert crosskey("swap", "entra.toml", "--json").error["code"] == "usage"
    secrets = dict(crosskey.environment)
    crosskey.environment = {name: value for name, value in secrets.items() if "ENTRA" not in name}
    run = crosskey("swap", "entra.toml", "--proof", "--json")
    assert (run.error["where"], run.json["error"]["problems"][0]["path"]) == ("entra.toml", "source.corp.client_secret")
    crosskey.environment = secrets
    assert crosskey("swap", "crosskey.toml", "--proof", "--json").error["code"] == "swap-sections"


def test_nobody_is_explained_by_links_that_have_moved(crosskey: Shell) -> None:
    assert crosskey("sync").code == ExitCode.OK
    person = crosskey.stage.company.people[3]
    assert crosskey("swap", "entra.toml", "--yes", "--match", "employee_number").code == ExitCode.OK
    (crosskey.folder / "entra.toml").replace(crosskey.file)
    assert crosskey("explain", person.email, "--json").error["code"] == "no-snapshot"
    assert crosskey("plan").code == ExitCode.OK
    [told] = crosskey("explain", person.email, "--json").json
    assert told["accounts"][0]["link"]["key"] == told["accounts"][0]["account"]["key"]


def test_explain_shows_that_two_directories_know_somebody(crosskey: Shell) -> None:
    entra = tomllib.loads((crosskey.folder / "entra.toml").read_text(encoding="utf-8"))["source"]["corp"]
    crosskey.edit(('from = ["corp"]', 'from = ["corp", "acquired"]\nsame = ["employee_number"]'))
    crosskey.add(
        f'[source.acquired]\nuse = "entra"\ntenant = "{entra["tenant"]}"\nclient_id = "{entra["client_id"]}"\n'
        f'client_secret = {{ env = "{entra["client_secret"]["env"]}" }}\n'
        + "".join(f'{name} = "{entra[name]}"\n' for name in ("authority", "graph_url"))
    )
    assert crosskey("sync").code in (ExitCode.OK, ExitCode.HELD)
    person = crosskey.stage.company.people[3]
    [told] = crosskey("explain", person.email, "--json").json
    first, second = told["entries"]
    assert (first["subject"]["issuer"], first["because"]) == (crosskey.stage.okta_url, "")
    assert second["because"] == f'same employee_number "{person.employee_number}"'
    assert second["run"] == crosskey.last_run()["id"]
    assert '"All Staff"' in crosskey("explain", person.email).out
    text = " ".join(crosskey("explain", second["subject"]["id"]).out.split())
    assert f"known to {crosskey.stage.okta_url} as {first['subject']['id']}" in text
    assert "the same person by same employee_number" in text
