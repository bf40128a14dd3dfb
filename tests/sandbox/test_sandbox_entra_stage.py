"""``crosskey sandbox`` with a local Entra ID next to the local Okta: one company, told twice."""

import json
import os
import re
import signal
import subprocess
import sys
import tomllib

import httpx

from crosskey_sandbox.entra import EntraQuirks, Fault
from crosskey_sandbox.stage import chosen_quirks, configuration, on_stage, quirk_lines

CROSSKEY = [sys.executable, "-c", "from crosskey.cli.main import main; main()"]


def crosskey(*words, folder, secrets):
    environment = {**os.environ, **secrets}
    return subprocess.run([*CROSSKEY, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_is_there_only_when_asked_for():
    with on_stage(people=20) as stage:
        assert stage.tenant is None
        assert not [name for name in (*stage.facts(), *stage.secrets()) if "entra" in name.lower()]
        assert "entra" not in configuration(stage)


def test_the_command_starts_it_and_tells_how_to_use_it(tmp_path):
    file = tmp_path / "crosskey.toml"
    ports = ["--okta-port", "0", "--halo-port", "0", "--entra-port", "0"]
    words = ["sandbox", *ports, "--people", "30", "--json", "--write-config", str(file)]
    with subprocess.Popen([*CROSSKEY, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        facts = json.loads(process.stdout.readline())
        form = {
            "grant_type": "client_credentials",
            "client_id": facts["entra_client_id"],
            "client_secret": facts["entra_client_secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        answer = httpx.post(f"{facts['entra_url']}/{facts['entra_tenant']}/oauth2/v2.0/token", data=form)
        token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        users = httpx.get(f"{facts['entra_url']}/v1.0/users?$top=999", headers=token)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert len(users.json()["value"]) > 30
    text = file.read_text(encoding="utf-8")
    assert tomllib.loads(text)["source"]["corp"]["use"] == "okta"
    assert f'# tenant = "{facts["entra_tenant"]}"' in text
    assert facts["entra_client_secret"] not in text


def test_people_are_told_what_to_export():
    ports = ["--okta-port", "0", "--halo-port", "0", "--entra-port", "0"]
    with subprocess.Popen(
        [*CROSSKEY, "sandbox", *ports, "--people", "30"], stdout=subprocess.PIPE, text=True
    ) as process:
        lines = []
        while "Ctrl-C stops all three.\n" not in lines:
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
    text = "".join(lines)
    assert "export ENTRA_SECRET=sandbox-entra-secret-" in text
    assert re.search(r"^Entra  http://127\.0\.0\.1:\d+   tenant ", text, re.MULTILINE)


def test_its_switches_are_among_the_others():
    quirks = chosen_quirks(["entra.units=100", "entra.expired_delta=not_found", 'entra.faults=[{"kind": "html"}]'])
    assert quirks.entra == EntraQuirks(units=100, expired_delta="not_found", faults=(Fault(kind="html"),))
    assert "entra.delta_page=200" in list(quirk_lines())


def test_both_configurations_differ_in_one_section():
    with on_stage(people=60, entra_port=0) as stage:
        okta, entra = (tomllib.loads(configuration(stage, source)) for source in ("okta", "entra"))
        url = stage.entra_url
    assert okta.pop("source")["corp"]["use"] == "okta"
    assert entra.pop("source")["corp"] == {
        "use": "entra",
        "tenant": stage.tenant.id,
        "client_id": stage.tenant.application.client_id,
        "client_secret": {"env": "ENTRA_SECRET"},
        "authority": url,
        "graph_url": url,
    }
    assert okta == entra


def test_both_directories_give_the_same_plan(tmp_path):
    changes = {}
    with on_stage(people=300, entra_port=0) as stage:
        for source in ("okta", "entra"):
            folder = tmp_path / source
            folder.mkdir()
            (folder / "crosskey.toml").write_text(configuration(stage, source), encoding="utf-8")
            told = json.loads(crosskey("plan", "--json", folder=folder, secrets=stage.secrets()).stdout)
            kept = ("action", "kind", "label", "key", "fields", "references")
            changes[source] = [{name: change.get(name) for name in kept} for change in told["changes"]]
    assert len(changes["okta"]) > 280
    assert sorted(changes["entra"], key=str) == sorted(changes["okta"], key=str)
