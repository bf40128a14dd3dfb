"""Secrets and people run through every command with everything switched on, and are looked for in all that is left behind."""

from __future__ import annotations

import base64
import json

import pytest
from cli_bench import Run
from joserfc.jwk import RSAKey

from crosskey.errors import ExitCode
from crosskey_sandbox.okta.access import Access

WATCHED = {"CROSSKEY_DEBUG": "1", "CROSSKEY_LOG": "debug"}
EVERY_SCOPE = ("okta.users.read", "okta.groups.read", "okta.apps.read")


class Canaries:
    """What must be seen nowhere, and where it was looked for."""

    def __init__(self, crosskey) -> None:
        self.crosskey = crosskey
        self.seen: list[tuple[str, bytes]] = []

    def run(self, *words: str, trace: bool = False) -> Run:
        """Run a command with debugging, logging and (where it can) tracing on; keep all that it said."""
        extra = ("--trace", f"trace-{len(self.seen)}.jsonl") if trace else ()
        process = self.crosskey.start(*words, *extra, environment=WATCHED)
        out, err = process.communicate(timeout=60)
        self.seen += [(f"stdout of {words}", out.encode()), (f"stderr of {words}", err.encode())]
        return Run(process.returncode, out, err)

    def everything(self) -> list[tuple[str, bytes]]:
        """All output, and every file in the folder."""
        files = [path for path in self.crosskey.folder.rglob("*") if path.is_file()]
        return self.seen + [(str(path), path.read_bytes()) for path in files]

    def traces(self) -> bytes:
        """All spans."""
        return b"".join(path.read_bytes() for path in self.crosskey.folder.glob("trace-*.jsonl"))

    def assert_hidden(self, secrets: dict[str, str]) -> None:
        """No secret in anything, in clear or as JSON or base64 would write it."""
        places = self.everything()
        assert len(places) > 8
        for name, secret in secrets.items():
            assert secret
            forms = {secret, json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode()}
            for place, content in places:
                assert not any(form.encode() in content for form in forms), f"{name} is in {place}"

    def assert_nobody_in_spans(self) -> None:
        """Spans name no person, no address and no filter."""
        spans = self.traces().decode()
        assert '"crosskey.run"' in spans
        assert '"/api/v1/users"' in spans
        for person in self.crosskey.stage.company.people:
            for text in (person.email, person.login, person.display_name, person.family_name + '"'):
                assert text not in spans, f"{text} is in a span"
        for word in ("DEPROVISIONED", "filter", "after=", "search="):
            assert word not in spans, f"{word} is in a span"


def through_everything(canaries: Canaries) -> None:
    """Every command, as text and as JSON."""
    person = canaries.crosskey.stage.company.people[3]
    for words in (["check"], ["plan", "--all"], ["plan", "--save", "monday.plan"], ["sync"]):
        for form in ([], ["--json"]):
            assert canaries.run(*words, *form, trace=True).code == ExitCode.OK
    for words in (["explain", person.email], ["history"], ["plugins", "list"], ["plugins", "show", "okta"]):
        for form in ([], ["--json"]):
            assert canaries.run(*words, *form).code == ExitCode.OK


@pytest.fixture
def issued(monkeypatch) -> list[str]:
    """Every credential that the local Okta was ever shown: proofs, assertions and access tokens are in its requests."""
    tokens: list[str] = []
    grant = Access.grant

    def noting(self, token: str, scheme: str):
        tokens.append(token)
        return grant(self, token, scheme)

    monkeypatch.setattr(Access, "grant", noting)
    return tokens


def test_an_api_token_and_a_client_secret_are_seen_nowhere(crosskey):
    canaries = Canaries(crosskey)
    through_everything(canaries)
    desk = crosskey.stage.desk
    secrets = {"API token": crosskey.stage.okta_token, "client secret": desk.application.client_secret}
    secrets |= {f"access token {number}": token for number, token in enumerate(desk.tokens)}
    assert len(secrets) > 2
    canaries.assert_hidden(secrets)
    canaries.assert_nobody_in_spans()


def test_a_private_key_its_proofs_and_its_tokens_are_seen_nowhere(crosskey, issued):
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    app = crosskey.stage.org.access.add_service_app([key.as_dict(private=False)], EVERY_SCOPE)
    crosskey.environment["OKTA_KEY"] = key.as_pem(private=True).decode()
    line = f'client_id = "{app.client_id}"\nprivate_key = {{ env = "OKTA_KEY" }}'
    crosskey.edit(('token = { env = "OKTA_TOKEN" }', line))
    canaries = Canaries(crosskey)
    through_everything(canaries)
    assert issued
    lines = crosskey.environment["OKTA_KEY"].splitlines()
    secrets = {f"line {number} of the key": text for number, text in enumerate(lines) if "-----" not in text}
    secrets |= {f"access token {number}": token for number, token in enumerate(set(issued))}
    secrets["private exponent"] = str(key.as_dict(private=True)["d"])
    canaries.assert_hidden(secrets)
    canaries.assert_nobody_in_spans()
    for place, content in canaries.everything():
        # assertions, proofs and tokens are all JSON Web Tokens
        assert b"eyJ" not in content, f"a token is in {place}"


def test_errors_show_no_secret_either(crosskey):
    wrong = {"OKTA_TOKEN": "00canary-of-okta-4711", "HALO_SECRET": "canary-of-halo-4711"}
    right = dict(crosskey.environment)
    canaries = Canaries(crosskey)
    for name, canary in wrong.items():
        crosskey.environment = {**right, name: canary}
        for words in (["check"], ["plan"], ["sync", "--json"]):
            assert canaries.run(*words, trace=True).code == ExitCode.AUTH
    crosskey.environment = {**right, "OKTA_TOKEN": "00canary-with-a\nline-break-4711"}
    assert canaries.run("plan", trace=True).code == ExitCode.CONFIG
    crosskey.environment = {**right, "OKTA_TOKEN": "00canäry-of-okta-4711"}
    assert canaries.run("plan", trace=True).code == ExitCode.AUTH
    crosskey.environment = right
    crosskey.edit((f'url = "{crosskey.stage.okta_url}"', 'url = "https://me:canary-word-4711@acme.okta.com"'))
    assert canaries.run("check", trace=True).code == ExitCode.CONFIG
    crosskey.file.unlink()  # it holds the one that was written into it on purpose
    hidden = ["canary-of", "canary-with", "line-break-4711", "canäry", "canary-word-4711", *right.values()]
    canaries.assert_hidden({f"canary {number}": text for number, text in enumerate(hidden)})


def test_what_is_left_behind_belongs_to_its_user_alone(crosskey):
    assert Canaries(crosskey).run("plan", "--save", "monday.plan", trace=True).code == ExitCode.OK
    left = [path for path in crosskey.folder.rglob("*") if path.is_file() and path != crosskey.file]
    assert len(left) >= 4
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in left} == {path.name: "0o0" for path in left}
