"""The commands a person types, each a process of its own, against a recorded Okta and a local Halo over real HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

import httpx
from joserfc.jwk import RSAKey
from real_bench import EVERYBODY, FIELDS, MEMBERS, write_configuration
from real_org import RealOrg, large, refusals, small, synthetic_host

from crosskey.errors import ExitCode
from crosskey_sandbox.halo import HaloDesk, halo_app
from crosskey_sandbox.server import serving

BAD_TOKEN = "sdk-python/errors/users_401_E0000011_bad_ssws.yaml"
EMPTY = "sdk-python/oauth-dpop/dpop_api_request.yaml"


def served(org: RealOrg):
    """The recorded org as an ASGI application."""

    async def app(scope, receive, send) -> None:
        headers = dict(scope["headers"])
        url = f"http://{headers[b'host'].decode()}{scope['path']}?{scope['query_string'].decode()}"
        body = (await receive()).get("body", b"")
        request = httpx.Request(scope["method"], url.rstrip("?"), headers=scope["headers"], content=body)
        answer = await org.handle_async_request(request)
        pairs = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": pairs})
        await send({"type": "http.response.body", "body": answer.content})

    return app


class Shell:
    """A folder with a configuration, where commands are typed."""

    def __init__(self, folder, desk: HaloDesk) -> None:
        self.folder, self.desk = folder, desk

    def __call__(self, *words: str) -> tuple[int, dict, str]:
        """Exit code, JSON, and what went to standard error."""
        command = [sys.executable, "-m", "crosskey", *words, "--json"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout), done.stderr


@contextmanager
def shell(folder, org: RealOrg, rules: str, **configuration: str):
    desk = HaloDesk.seeded(contacts=())
    with serving(served(org)) as okta, serving(halo_app(desk)) as halo:
        write_configuration(folder, rules, halo=halo, okta=okta, **configuration)
        yield Shell(folder, desk)
    assert not org.unrecorded


def test_plan_apply_plan_over_the_large_org(tmp_path) -> None:
    with shell(tmp_path, large(), EVERYBODY) as crosskey:
        code, first, _ = crosskey("plan", "--save", "monday.plan")
        assert (code, first["people"], first["plan"]["counts"]) == (ExitCode.HELD, 161, {"create": 110})
        assert [hold["rail"] for hold in first["plan"]["held"]] == ["ambiguous-match"] * 2
        code, applied, _ = crosskey("apply", "monday.plan")
        assert (code, applied["results"]) == (ExitCode.HELD, {"applied": 110})
        code, second, _ = crosskey("plan")
        assert (code, second["changes"], second["plan"].get("counts", {})) == (ExitCode.HELD, [], {})
        assert len(crosskey.desk.writes) == 110


def test_sync_twice_over_the_small_org(tmp_path) -> None:
    with shell(tmp_path, small(), MEMBERS) as crosskey:
        code, first, errors = crosskey("sync")
        assert (code, first["verdict"], first["results"], errors) == (ExitCode.OK, "clean", {"applied": 6}, "")
        code, second, _ = crosskey("sync")
        assert (code, second["verdict"], second["results"], second["changes"]) == (ExitCode.OK, "clean", {}, [])


def test_check_finds_everything_in_place(tmp_path) -> None:
    org = small()
    synthetic_host(org)
    with shell(tmp_path, org, MEMBERS) as crosskey:
        code, told, _ = crosskey("check")
    assert (code, told["ok"]) == (ExitCode.OK, True)
    assert {"okta-users", "okta-groups", "okta-apps", "okta-token"} <= {
        f["code"] for f in told["findings"]["source.corp"]
    }


def test_check_tells_everything_wrong_with_a_section_at_once(tmp_path) -> None:
    wrong = 'attributes = { payroll = "badge" }\nclient_id = "0oa1"\n'
    with shell(tmp_path, small(), MEMBERS, source=wrong) as crosskey:
        code, told, _ = crosskey("check")
    assert code == ExitCode.CONFIG
    assert [finding["code"] for finding in told["findings"]["source.corp"]] == ["okta-credential", "okta-attribute"]


def test_a_dead_token_is_an_auth_error_to_every_command(tmp_path) -> None:
    org = refusals(BAD_TOKEN)
    synthetic_host(org)
    with shell(tmp_path, org, EVERYBODY) as crosskey:
        for words in (["plan"], ["sync"], ["apply", "--yes"]):
            code, told, _ = crosskey(*words)
            assert (code, told["error"]["class"], told["error"]["where"]) == (ExitCode.AUTH, "AuthError", "source.corp")
        code, told, _ = crosskey("check")
        assert (code, told["ok"]) == (ExitCode.AUTH, False)
        assert not crosskey.desk.writes


def test_an_app_without_a_role_is_an_auth_error_to_every_command(tmp_path) -> None:
    org = refusals(EMPTY, app=True)
    synthetic_host(org)
    key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    with shell(tmp_path, org, EVERYBODY, key=key) as crosskey:
        code, told, _ = crosskey("plan")
        assert (code, told["error"]["code"]) == (ExitCode.AUTH, "okta-sees-nobody")
        code, told, _ = crosskey("check")
        assert code == ExitCode.AUTH
        [found] = [f for f in told["findings"]["source.corp"] if f["code"] == "okta-sees-nobody"]
        assert "Admin roles" in found["fix"]


def test_two_groups_of_one_name_are_a_configuration_error(tmp_path) -> None:
    with shell(tmp_path, large(), f'[map.user]\nscope = {{ groups = ["alba01"] }}\n{FIELDS}') as crosskey:
        code, told, _ = crosskey("plan")
    assert (code, told["error"]["code"]) == (ExitCode.CONFIG, "group-ambiguous")
    assert told["error"]["fix"].startswith('say which one: [source.corp.groups] "alba01" = "00g')
