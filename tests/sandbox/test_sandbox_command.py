from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
import tomllib

import httpx
import pytest
from click.testing import CliRunner

from crosskey.errors import ConfigError
from crosskey_sandbox import crosskey_commands
from crosskey_sandbox.stage import chosen_quirks, configuration, on_stage, quirk_lines

SANDBOX = next(command for command in crosskey_commands() if command.name == "sandbox")
CROSSKEY = [sys.executable, "-c", "from crosskey.cli.main import main; main()"]


def refusal(*words: str) -> ConfigError:
    result = CliRunner().invoke(SANDBOX, list(words))
    assert isinstance(result.exception, ConfigError)
    return result.exception


def test_declaring_the_command_loads_no_web_framework():
    code = (
        "import sys, crosskey_sandbox; crosskey_sandbox.crosskey_commands();"
        "print([name for name in ('httpx', 'starlette', 'uvicorn', 'joserfc') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_it_runs_until_interrupted_and_writes_a_configuration(tmp_path):
    file = tmp_path / "crosskey.toml"
    words = ["sandbox", "--okta-port", "0", "--halo-port", "0", "--people", "30", "--json", "--write-config", str(file)]
    with subprocess.Popen([*CROSSKEY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        facts = json.loads(process.stdout.readline())
        written = tomllib.loads(file.read_text(encoding="utf-8"))
        okta = httpx.get(f"{facts['okta_url']}/api/v1/org", headers={"Authorization": f"SSWS {facts['okta_token']}"})
        halo = httpx.get(f"{facts['halo_url']}/api/authinfo")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (okta.status_code, halo.status_code) == (200, 200)
    assert (written["source"]["corp"]["url"], written["target"]["desk"]["url"]) == (
        facts["okta_url"],
        facts["halo_url"],
    )
    assert facts["okta_token"] not in file.read_text(encoding="utf-8")
    assert facts["halo_client_secret"] not in file.read_text(encoding="utf-8")
    assert (process.returncode, errors) == (0, "stopped\n")


def test_people_are_told_what_to_export(tmp_path):
    words = ["sandbox", "--okta-port", "0", "--halo-port", "0", "--people", "30"]
    with subprocess.Popen([*CROSSKEY, *words], stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while "Ctrl-C stops both.\n" not in lines:
            lines.append(process.stdout.readline())
        command = shlex.split(next(line for line in lines if line.startswith("  curl ")))
        name, _, value = command[4].partition(": ")
        left = httpx.post(command[5], headers={name: value})
        process.send_signal(signal.SIGINT)
    assert left.status_code == 200, "the leaver can be made as it is told"
    text = "".join(lines)
    assert "export OKTA_TOKEN=00" in text
    assert "export HALO_SECRET=sandbox-halo-secret" in text
    assert "http://127.0.0.1:" in text


def test_a_file_is_replaced_only_when_forced(tmp_path):
    file = tmp_path / "crosskey.toml"
    file.write_text("mine")
    assert "--force" in refusal("--write-config", str(file)).fix
    assert file.read_text() == "mine"


def test_a_port_that_is_taken_is_named_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = refusal("--okta-port", "0", "--halo-port", str(port), "--people", "10")
    assert (str(port) in error.message, error.where, error.fix) == (
        True,
        "--halo-port",
        "--halo-port 0 takes any free port",
    )


# -------------------------------------------------------------------------------------------------------------- quirks


def test_switches_are_read_as_their_types():
    quirks = chosen_quirks(
        [
            "halo.page_cap=50",
            "halo.tenant_required=true",
            "halo.bad_item=save_good",
            "halo.post_status=200",
            "halo.latency_ms=1.5",
            "halo.hidden=Users,Site",
            "okta.rates=false",
            'okta.limits={"users": 10}',
        ]
    )
    halo = quirks.halo
    assert (halo.page_cap, halo.tenant_required, halo.bad_item) == (50, True, "save_good")
    assert (halo.post_status, halo.latency_ms, halo.hidden) == (200, 1.5, ("Users", "Site"))
    assert (quirks.okta.rates, quirks.okta.limits) == (False, {"users": 10})


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("halo.pagecap=50", '"halo.page_cap"'),
        ("halo.page_cap", '"halo.page_cap"'),
        ("page_cap=50", '"halo.page_cap"'),
        ("zoho.x=1", "zoho.x"),
        ("halo.page_cap=many", "int"),
        ("halo.bad_item=explode", "explode"),
    ],
)
def test_a_wrong_switch_is_refused_with_the_closest_ones(word, says):
    error = refusal("--quirk", word)
    assert says in error.message
    assert error.where == "--quirk"


def test_listed_switches_can_be_given_back():
    result = CliRunner().invoke(SANDBOX, ["--quirks"])
    lines = result.output.splitlines()
    assert lines == list(quirk_lines())
    assert "halo.page_cap=100" in lines
    assert chosen_quirks([line for line in lines if "canonical_host" not in line]) == chosen_quirks([])


# --------------------------------------------------------------------------------------------------------------- stage


def test_the_desk_knows_some_people_of_the_company_already():
    with on_stage(people=50, groups=40) as stage:
        known = [user.emailaddress.lower() for user in stage.desk.users.values() if user.emailaddress]
        staff = {person.email for person in stage.company.people if person.status == "active"}
    assert len(staff & set(known)) == 8
    assert max(known.count(address) for address in staff) == 2
    assert {user.inactive for user in stage.desk.users.values() if user.emailaddress.lower() in staff} == {True, False}


def test_the_configuration_names_only_groups_that_exist():
    with on_stage(people=50, groups=1) as small, on_stage(people=50, groups=40) as large:
        few, many = tomllib.loads(configuration(small)), tomllib.loads(configuration(large))
    assert "agent" not in few["map"]
    assert "assign" not in few["map"]["user"]
    groups = {team.name for team in large.company.teams}
    named = {rule["group"] for kind in many["map"].values() for rule in kind["assign"]}
    assert named <= groups
    assert "London Office" in named
    sites = {rule["site"] for rule in many["map"]["user"]["assign"]} | {many["map"]["user"]["default"]["site"]}
    assert sites == {f"Acme / {site.name}" for site in large.desk.sites.values()}
