"""Vendors that are not there, refuse, or answer nonsense: one message, the documented exit code, nothing written."""

from __future__ import annotations

import socket
import unicodedata

import msgspec
import pytest
from cli_bench import refusal
from joserfc.jwk import RSAKey

from crosskey.errors import ExitCode
from crosskey_sandbox.halo import Fault as HaloFault
from crosskey_sandbox.okta import NO_ROLE, Fault, OktaQuirks

COMMANDS = ("plan", "sync")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def errors_of(run) -> list[dict]:
    """What ``crosskey check --json`` found wrong."""
    found = [finding for section in run.json["findings"].values() for finding in section]
    return [finding for finding in found if finding["severity"] == "error"]


def checked(crosskey, code: ExitCode) -> list[dict]:
    """``check`` must find something, end with this code, and give each finding a place and a fix."""
    run = crosskey("check", "--json")
    assert run.code == code, run
    found = errors_of(run)
    assert found
    assert all(finding["path"] and finding["fix"] for finding in found), found
    text = crosskey("check")
    assert text.code == code
    assert all(finding["fix"] in " ".join(text.out.split()) for finding in found)
    return found


# ------------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("side", "url", "place", "fix"),
    [
        ("okta_url", "http://acme.okta.com", "source.corp", 'url = "https://acme.okta.com"'),
        ("okta_url", "acme.okta.com", "source.corp", 'url = "https://acme.okta.com"'),
        ("okta_url", "https://me:secret-word@acme.okta.com", "source.corp", 'url = "https://acme.okta.com"'),
        ("halo_url", "http://acme.haloitsm.com", "target.desk", 'url = "https://acme.haloitsm.com"'),
        ("halo_url", "https://acme.haloitsm.com/tickets?x=1", "target.desk", 'url = "https://acme.haloitsm.com"'),
        ("halo_url", "not an address", "target.desk", "url ="),
    ],
)
def test_an_address_that_cannot_be_right_is_refused_before_anything_is_sent(crosskey, side, url, place, fix):
    crosskey.edit((getattr(crosskey.stage, side), url))
    error = refusal(crosskey, "plan", code=ExitCode.CONFIG)
    assert error["where"].startswith(place)
    assert fix in error["fix"]
    assert "secret-word" not in str(error)
    assert checked(crosskey, ExitCode.CONFIG)


def test_a_path_behind_the_address_is_taken_off_with_a_warning(crosskey):
    okta = crosskey.stage.okta_url
    crosskey.edit((okta, f"{okta}/admin/dashboard"))
    found = crosskey("check", "--json")
    assert found.code == ExitCode.OK
    warned = [each for each in found.json["findings"]["source.corp"] if each["severity"] == "warning"]
    assert [(each["code"], each["fix"]) for each in warned] == [("okta-url-corrected", f'write url = "{okta}"')]
    assert crosskey("plan").code == ExitCode.OK


def test_a_closed_port_is_something_to_try_again(crosskey):
    crosskey.edit((crosskey.stage.okta_url, f"http://127.0.0.1:{free_port()}"))
    error = refusal(crosskey, "sync", code=ExitCode.RETRYABLE)
    assert (error["where"], error["code"]) == ("source.corp", "unreachable")
    assert "url" in error["fix"]


def test_check_tells_a_closed_port_too(crosskey):
    crosskey.edit((crosskey.stage.halo_url, f"http://127.0.0.1:{free_port()}"))
    run = crosskey("check", "--json")
    [finding] = errors_of(run)
    assert (run.code, finding["path"], finding["code"]) == (ExitCode.RETRYABLE, "target.desk", "unreachable")


def test_a_name_that_nobody_knows_is_told(crosskey):
    crosskey.edit((crosskey.stage.okta_url, "https://acme.invalid"))
    run = crosskey.process("plan", "--json")  # its look-up of a name is no matter of this process
    assert (run.code, run.error["where"]) == (ExitCode.RETRYABLE, "source.corp")
    assert "acme.invalid" in run.error["message"]
    assert crosskey.writes == 0


def test_another_web_site_is_not_an_okta_org(crosskey):
    crosskey.edit((f'url = "{crosskey.stage.okta_url}"', f'url = "{crosskey.stage.halo_url}"'))
    found = checked(crosskey, ExitCode.CONFIG)
    assert [each["code"] for each in found] == ["okta-host"]


# ----------------------------------------------------------------------------------------------------------- credentials


def test_a_wrong_okta_token_is_an_auth_error_everywhere(crosskey):
    crosskey.environment["OKTA_TOKEN"] = "00wrong-token-of-nobody"
    for command in COMMANDS:
        error = refusal(crosskey, command, code=ExitCode.AUTH)
        assert error["where"] == "source.corp"
        assert "source.corp.token" in error["fix"]
    assert checked(crosskey, ExitCode.AUTH)


def test_a_token_whose_owner_left_is_an_auth_error(crosskey):
    org = crosskey.stage.org
    token = org.access.add_token(owner=crosskey.stage.company.people[5].login)
    org.users.deactivate(crosskey.stage.company.people[5].login)
    crosskey.environment["OKTA_TOKEN"] = token
    assert refusal(crosskey, "sync", code=ExitCode.AUTH)["where"] == "source.corp"


@pytest.mark.parametrize("name", ["HALO_SECRET", "client_id"])
def test_a_wrong_halo_credential_is_an_auth_error_everywhere(crosskey, name):
    if name == "client_id":
        crosskey.edit((crosskey.stage.desk.application.client_id, "somebody-else"))
    else:
        crosskey.environment[name] = "not-the-secret"
    for command in COMMANDS:
        error = refusal(crosskey, command, code=ExitCode.AUTH)
        assert error["where"].startswith("target.desk")
        assert "client id" in error["fix"]
        assert "not-the-secret" not in str(error)
    assert checked(crosskey, ExitCode.AUTH)


def test_a_secret_with_a_line_break_is_told_without_showing_it(crosskey):
    crosskey.environment["OKTA_TOKEN"] = "00first-half\n00second-half"
    error = refusal(crosskey, "plan", code=ExitCode.CONFIG)
    assert "half" not in str(error)


def service_app(crosskey, scopes, **options):
    """Let the configuration sign in as a service app with these granted scopes."""
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    app = crosskey.stage.org.access.add_service_app([key.as_dict(private=False)], scopes, **options)
    crosskey.environment["OKTA_KEY"] = key.as_pem(private=True).decode()
    line = f'client_id = "{app.client_id}"\nprivate_key = {{ env = "OKTA_KEY" }}'
    crosskey.edit(('token = { env = "OKTA_TOKEN" }', line))


EVERY_SCOPE = ("okta.users.read", "okta.groups.read", "okta.apps.read")


def test_a_service_app_with_everything_it_needs_works(crosskey):
    service_app(crosskey, EVERY_SCOPE)
    assert crosskey("check").code == ExitCode.OK
    assert crosskey("sync").code == ExitCode.OK


@pytest.mark.parametrize("missing", ["okta.users.read", "okta.groups.read"])
def test_a_scope_that_was_not_granted_is_named(crosskey, missing):
    service_app(crosskey, [scope for scope in EVERY_SCOPE if scope != missing])
    error = refusal(crosskey, "sync", code=ExitCode.AUTH)
    assert missing in error["fix"]
    assert any(missing in finding["fix"] for finding in checked(crosskey, ExitCode.AUTH))


def test_a_key_of_another_app_is_refused(crosskey):
    service_app(crosskey, EVERY_SCOPE)
    crosskey.environment["OKTA_KEY"] = RSAKey.generate_key(2048).as_pem(private=True).decode()
    error = refusal(crosskey, "plan", code=ExitCode.AUTH)
    assert "client_id" in error["fix"]
    assert "PRIVATE KEY" not in str(error)


def test_a_private_key_that_is_none_is_a_configuration_error(crosskey):
    service_app(crosskey, EVERY_SCOPE)
    crosskey.environment["OKTA_KEY"] = "-----BEGIN PRIVATE KEY-----\nTHIS-IS-NO-KEY\n-----END PRIVATE KEY-----"
    error = refusal(crosskey, "plan", code=ExitCode.CONFIG)
    assert "source.corp" in error["where"]
    assert "THIS-IS-NO-KEY" not in str(error)


def test_an_empty_answer_for_want_of_a_role_makes_nobody_a_leaver(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    done = crosskey.writes
    service_app(crosskey, EVERY_SCOPE, rights=NO_ROLE)
    run = crosskey("sync", "--json")
    assert (run.code, run.error["code"]) == (ExitCode.AUTH, "okta-sees-nobody")
    assert "role" in run.error["fix"]
    assert crosskey.writes == done
    assert crosskey.last_run()["verdict"] == "failed"
    assert any(finding["code"] == "okta-sees-nobody" for finding in checked(crosskey, ExitCode.AUTH))


def test_a_right_that_halo_does_not_give_is_an_auth_error(crosskey):
    crosskey.stage.desk.quirks = msgspec.structs.replace(crosskey.stage.desk.quirks, forbidden=("Agent",))
    assert refusal(crosskey, "plan", code=ExitCode.AUTH)["where"] == "target.desk"


# --------------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/groups"])
@pytest.mark.parametrize(("kind", "status"), [("html", 200), ("truncated", None)])
def test_okta_answers_that_are_no_json_stop_the_run(crosskey, path, kind, status):
    crosskey.stage.org.quirks = OktaQuirks(faults=(Fault(kind=kind, path=path, status=status),))
    error = refusal(crosskey, "sync", code=ExitCode.PLUGIN)
    assert error["where"] == "source.corp"
    assert "url" in error["fix"]
    assert ("Service unavailable" if kind == "html" else "not whole JSON") in error["message"]


@pytest.mark.parametrize("effect", ["html", "truncated"])
@pytest.mark.parametrize("resource", ["Users", "Site"])
def test_halo_answers_that_are_no_json_stop_the_run(crosskey, effect, resource):
    crosskey.stage.desk.fail(HaloFault(effect=effect, method="GET", resource=resource, times=None))
    error = refusal(crosskey, "sync", code=ExitCode.PLUGIN)
    assert error["where"] == "target.desk"
    assert ("Sign in" if effect == "html" else "not whole JSON") in error["message"]


def test_an_okta_that_stays_down_is_something_to_try_again(crosskey):
    crosskey.stage.org.quirks = OktaQuirks(faults=(Fault(kind="error", path="/api/v1/users", status=500),))
    run = crosskey.process("plan", "--json")
    assert (run.code, run.error["where"]) == (ExitCode.RETRYABLE, "source.corp")


# ---------------------------------------------------------------------------------------------------------------- people


def account_of(desk, mail):
    """The end user of this address."""
    [user] = [user for user in desk.users.values() if user.emailaddress.lower() == mail]
    return user


def test_a_status_that_nobody_documented_changes_nothing_and_is_told(crosskey):
    org, login = crosskey.stage.org, crosskey.stage.company.people[9].login
    assert crosskey("sync").code == ExitCode.OK
    org.users.find(login).status = "HIBERNATING"
    run = crosskey("sync", "--json")
    assert (run.code, run.json["changes"]) == (ExitCode.OK, [])
    [notice] = run.json["notices"]
    assert "HIBERNATING" in notice["summary"]
    assert "statuses" in notice["fix"]
    assert not account_of(crosskey.stage.desk, login).inactive


def test_two_people_with_one_address_are_held_and_everybody_else_goes_on(crosskey):
    org, people = crosskey.stage.org, crosskey.stage.company.people
    shared = people[0].email  # an account at the desk has this address: whose is it?
    org.users.update_profile(people[10].login, {"email": shared})
    run = crosskey("sync", "--json")
    assert run.code == ExitCode.HELD
    held = run.json["plan"]["held"]
    assert {hold["label"] for hold in held} == {people[0].display_name, people[10].display_name}
    assert all(shared in hold["summary"] and hold["fix"] for hold in held)
    assert run.json["results"] == {"applied": len(run.json["changes"])}
    assert len(run.json["changes"]) > 20


def test_people_without_an_address_still_get_their_account(crosskey):
    person = crosskey.stage.company.people[11]
    crosskey.stage.org.users.update_profile(person.login, {"email": None})
    assert crosskey("sync").code == ExitCode.OK
    [account] = [user for user in crosskey.stage.desk.users.values() if user.other1 == person.employee_number]
    assert (account.name, account.emailaddress) == (person.display_name, "")
    assert crosskey("plan", "--json").json["changes"] == []


NAMES = (
    ("नेहा", "नायर"),
    ("Zoë", "O\u2019Connor-Łęcka"),
    ("عمر", "النجار"),
    ("小林", "さくら"),
    ("\U0001d49c\U0001d4c1", "👩🏽\u200d💻"),
    ("e\u0301", "é"),  # decomposed letters arrive composed (NFC), so that what looks the same is the same
    ('"Quo\\te"', "<b>&amp;{{ 7 * 7 }}%s"),
)


def test_names_in_any_script_arrive_byte_for_byte(crosskey):
    org, desk, people = crosskey.stage.org, crosskey.stage.desk, crosskey.stage.company.people
    for person, (given, family) in zip(people[10:], NAMES, strict=False):
        profile = {"firstName": given, "lastName": family, "displayName": f"{given} {family}"}
        org.users.update_profile(person.login, profile)
    assert crosskey("sync").code == ExitCode.OK
    for person, (given, family) in zip(people[10:], NAMES, strict=False):
        account = account_of(desk, person.email)
        told = (account.firstname, account.surname, account.name)
        assert told == tuple(unicodedata.normalize("NFC", text) for text in (given, family, f"{given} {family}"))
    again = crosskey("plan", "--json")
    assert (again.code, again.json["changes"]) == (ExitCode.OK, [])
    assert crosskey("plan", "--all").code == ExitCode.OK
    assert crosskey("explain", people[10].email).code == ExitCode.OK
