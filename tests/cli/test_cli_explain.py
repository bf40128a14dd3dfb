"""What explain says of an account is as a run left it, not as the run found it."""

import pytest

from crosskey.errors import ExitCode


@pytest.fixture
def hired(crosskey):
    """The first run is done; one of those who were hired."""
    assert crosskey("sync").code == ExitCode.OK
    crosskey.person = [each for each in crosskey.stage.company.people if each.status == "active" and each.email][7]
    return crosskey


def told(crosskey):
    text = " ".join(crosskey("explain", crosskey.person.email).out.split())
    [one] = crosskey("explain", crosskey.person.email, "--json").json
    return text, next(account for account in one["accounts"] if account["kind"] == "user")


def test_an_account_that_the_run_made_is_there_though_the_run_did_not_read_it(hired):
    text, account = told(hired)
    assert f"account: user {account['link']['key']}, active; " in text
    assert account["active"] is True
    assert "not in the last read" not in text
    assert "rules: wanted: in " in text


def test_an_account_that_the_run_switched_off_is_off_and_switched_on_again_it_is_on(hired):
    hired.stage.org.users.find(hired.person.login).status = "DEPROVISIONED"
    assert hired("sync").code == ExitCode.OK
    text, account = told(hired)
    assert f"account: user {account['link']['key']}, not active; " in text
    assert (account["active"], account["account"].get("active", True)) == (False, True), (
        "off, though it was on when it was read"
    )
    assert "rules: not wanted while not active in the source; otherwise in " in text
    last = hired("history", "--json").json[0]["id"]
    assert hired("undo", last, "--yes").code == ExitCode.OK
    text, account = told(hired)
    assert f"account: user {account['link']['key']}, active; " in text


def test_an_account_that_somebody_removed_is_not_in_the_last_read(hired):
    _, account = told(hired)
    hired("sync")
    hired.stage.desk.drop("Users", int(account["link"]["key"]))
    hired("plan")
    text, account = told(hired)
    assert account["active"] is None
    assert "not in the last read; " in text
