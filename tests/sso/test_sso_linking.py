"""Whose account it is: only by the immutable subject that the sync has stored, and only while the account is on."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from sso_bench import ADA, BO, CONNECTION, ISSUER, opened, roll_out, section_of
from sso_entra import OID, TENANT, entra, entra_claims, of_entra
from sso_provider import FakeProvider, public, rsa, signed

from crosskey.connector.refusal import SsoRefused
from crosskey.journal import Doorbook, JournalWriter, Whom
from crosskey.model import Subject
from crosskey.plan import Held
from crosskey.sso.callback import read_callback
from crosskey.sso.doorkeeper import Rehearsal

OTHER = "22222222-2222-2222-2222-222222222222"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


async def outside(bench, ticket, code):
    with pytest.raises(SsoRefused) as caught:
        bench.keeper.check(ticket)
    assert caught.value.code == code


# --------------------------------------------------------------------------------------------------------- who it is


async def test_h1_the_same_mail_is_nobody(bench, tmp_path):
    mail = {"email": "ada@acme.example", "email_verified": True, "preferred_username": "ada"}
    await bench.refuses_claims("not-provisioned", sub="mallory", **mail)
    other = section_of(issuer="https://other.example")
    async with opened(tmp_path, other, FakeProvider("https://other.example"), beside=bench) as beside:
        await beside.begin()
        await beside.refuses("identity-unlinked", beside.id_token(sub="ada", **mail))


@pytest.mark.parametrize("sub", ["Ada", "ada ", " ada", "ada\u200b", "\uff41da"])
async def test_h1_a_subject_that_looks_the_same(bench, sub):
    await bench.refuses_claims("not-provisioned", sub=sub)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"tid": OTHER}, "tenant-refused"),
        ({"tid": None}, "tenant-refused"),
        ({"tid": [TENANT]}, "tenant-refused"),
        ({"tid": TENANT, "iss": f"{ISSUER}/{OTHER}/v2.0"}, "iss-mismatch"),
        ({"iss": f"{ISSUER}/{{tenantid}}/v2.0"}, "iss-mismatch"),
        ({"tid": CONSUMERS, "iss": f"{ISSUER}/{CONSUMERS}/v2.0"}, "tenant-refused"),
        ({"ver": "1.0"}, "version-refused"),
        ({"ver": None}, "version-refused"),
        ({"oid": None}, "sub-invalid"),
        ({"oid": "x"}, "sub-invalid"),
    ],
)
async def test_h2_tenants(tmp_path, claims, code):
    async with opened(tmp_path, entra(), of_entra()) as bench:
        bench.sync.link(Subject(ISSUER, OID), "agent", "9")
        await bench.begin()
        await bench.refuses(code, bench.id_token(**entra_claims(**claims)))
        await bench.begin()
        await bench.come_back(bench.id_token(**entra_claims()))


async def test_h2_keys_of_another_tenant(tmp_path):
    async with opened(tmp_path, entra(), of_entra()) as bench:
        bench.sync.link(Subject(ISSUER, OID), "agent", "9")
        for issuer, fine in [(f"{ISSUER}/{CONSUMERS}/v2.0", False), (f"{ISSUER}/{{tenantid}}/v2.0", True)]:
            bench.provider.keys = [public(rsa(), issuer=issuer)]
            bench.clock.advance(3700)
            await bench.begin()
            token = bench.id_token(**entra_claims())
            await (bench.come_back(token) if fine else bench.refuses("key-unknown", token))


async def test_h2_several_tenants(tmp_path):
    provider = of_entra()
    provider.metadata["issuer"] = f"{ISSUER}/{{tenantid}}/v2.0"
    async with opened(tmp_path, entra(tenants=(OTHER,)), provider) as bench:
        theirs = Subject(f"https://login.microsoftonline.com/{OTHER}/v2.0", OID)
        bench.sync.link(theirs, "agent", "12")
        await bench.begin()
        admitted = await bench.come_back(signed(bench.claims(**entra_claims(tid=OTHER, iss=f"{ISSUER}/{OTHER}/v2.0"))))
        assert (admitted.session.key, admitted.session.person) == ("12", theirs)
        assert bench.provider.asked("openid-configuration")[0].url.path.startswith("/organizations/")


@pytest.mark.parametrize("claims", [{"acct": 1}, {"acct": "1"}, {"idp": "https://sts.windows.net/x/"}])
async def test_h3_guests(tmp_path, claims):
    async with opened(tmp_path, entra(), of_entra()) as bench:
        bench.sync.link(Subject(ISSUER, OID), "agent", "9")
        await bench.begin()
        await bench.refuses("guest-refused", bench.id_token(**entra_claims(**claims)))
    async with opened(tmp_path, entra(guests=True), of_entra()) as bench:
        await bench.begin()
        await bench.come_back(bench.id_token(**entra_claims(**claims)))
        assert bench.inside == 1


# ------------------------------------------------------------------------------------------------- how they stand


async def test_h4_the_account_is_off_whatever_the_provider_says(bench):
    bench.sync.disable(ADA, "agent", "7")
    refused = await bench.refuses_claims("account-disabled")
    assert refused.reason.page == "account-off"


async def test_h4_the_account_is_about_to_be_off(bench):
    """The write has left and nobody knows what became of it: as good as off."""
    bench.sync.disable(ADA, "agent", "7", record=False)
    await bench.refuses_claims("account-disabled")


async def test_h4_the_link_is_gone(bench):
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        journal.unlink("agent", ADA, run="", reason="gone")
        journal.unlink("user", ADA, run="", reason="gone")
    await bench.refuses_claims("not-provisioned")


async def test_h5_somebody_without_an_account_gets_none_by_coming(bench):
    refused = await bench.refuses_claims("not-provisioned", sub="newcomer")
    assert refused.reason.page == "no-account"
    [attempt] = bench.book.attempts(limit=1)
    assert attempt.subject == Subject(ISSUER, "newcomer"), "whom an on-demand sync would look at"
    assert bench.book.links("agent", [Subject(ISSUER, "newcomer")]) == {}


@pytest.mark.parametrize(
    ("rail", "code"),
    [
        ("create-flood", "account-held"),
        ("ambiguous-match", "account-ambiguous"),
        ("ambiguous-person", "account-ambiguous"),
    ],
)
async def test_h5_somebody_whose_account_waits_for_a_decision(bench, rail, code):
    waiting = Subject(ISSUER, "waiting")
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        run = journal.start_run("sync", trigger="command", config_digest="sha-1", config_text="[sync]", plugins={})
        held = Held(rail=rail, scope="person", summary="waits", kind="agent", subject=waiting)
        journal.keep_waiting(run, [(held, None)], whole=True)
    await bench.refuses_claims(code, sub="waiting")


async def test_h5_an_update_that_is_held_keeps_nobody_out(bench):
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        run = journal.start_run("sync", trigger="command", config_digest="sha-1", config_text="[sync]", plugins={})
        held = Held(rail="mass-change", scope="person", summary="waits", kind="agent", subject=ADA, action="update")
        journal.keep_waiting(run, [(held, None)], whole=True)
    await bench.sign_in()


async def test_h6_each_at_their_own_door(bench, tmp_path):
    await bench.refuses_claims("account-elsewhere", sub="bo")
    async with opened(tmp_path, section_of(door="portal"), bench.provider, beside=bench) as portal:
        assert (await portal.sign_in({"sub": "bo"})).session.key == "80"
        both = await portal.sign_in()
        agents = await bench.sign_in()
        assert (both.session.key, agents.session.key) == ("70", "7")
        assert bench.inside == 3
        await outside(bench, both.ticket, "session-door")
        await outside(portal, agents.ticket, "session-door")


async def test_h7_a_door_that_is_off_is_no_door(bench, tmp_path):
    admitted = await bench.sign_in()
    await bench.begin()
    off = section_of(rules={"enabled": False})
    async with opened(tmp_path, off, bench.provider, beside=bench) as closed:
        closed.browser, closed.asked = bench.browser, bench.asked
        await outside(closed, admitted.ticket, "door-off")
        await closed.refuses("door-off")
        await closed.refuses("door-off", parameters={"state": "A" * 43}, browser="")
        with pytest.raises(SsoRefused) as caught:
            await closed.begin()
        assert (caught.value.code, caught.value.reason.status) == ("door-off", 404)
        async with opened(tmp_path, section_of(door="portal"), bench.provider, beside=bench) as portal:
            await portal.sign_in({"sub": "bo"})


async def test_a_door_at_its_first_step_lets_nobody_in(bench):
    """Whoever was sent away before it went back comes back to nothing, also in the middle of it."""
    admitted = await bench.sign_in()
    await bench.begin()
    roll_out(bench.path, bench.clock, "test", ("agents",))
    await outside(bench, admitted.ticket, "session-revoked")
    await bench.refuses("door-testing")
    await bench.refuses("door-testing", parameters={"state": "A" * 43}, browser="")
    with pytest.raises(SsoRefused) as caught:
        await bench.begin()
    assert (caught.value.code, caught.value.reason.status) == ("door-testing", 403)
    await bench.begin(purpose="test")
    assert isinstance(await bench.come_back(), Rehearsal)
    roll_out(bench.path, bench.clock, "button", ("agents",))
    await bench.begin()

    def goes_back(_request):
        roll_out(bench.path, bench.clock, "test", ("agents",))
        return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": bench.id_token()})

    bench.provider.faults = {"/token": goes_back}
    await bench.refuses("door-testing")


async def test_h8_another_person_under_the_same_account(bench):
    """Somebody is hired again: the sync gives the account to another subject, and the old one is nobody's."""
    admitted = await bench.sign_in()
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        journal.unlink("agent", ADA, run="", reason="rehired")
    bench.sync.link(Subject(ISSUER, "ada-2"), "agent", "7")
    await outside(bench, admitted.ticket, "session-revoked")
    await bench.refuses_claims("account-elsewhere")
    assert (await bench.sign_in({"sub": "ada-2"})).session.key == "7"


async def test_h8_a_link_that_leads_elsewhere_ends_the_session_by_itself(bench):
    admitted = await bench.sign_in()
    with bench.book._database.transaction():
        bench.book._database.run("UPDATE link SET key = '8' WHERE subject = 'ada' AND kind = 'agent'")
    await outside(bench, admitted.ticket, "session-account")


async def test_h9_the_first_time_is_told(bench):
    first = await bench.sign_in()
    again = await bench.sign_in()
    assert (first.session.first, again.session.first) == (True, False)
    assert len(bench.chain("door.opened")) == 2


# ------------------------------------------------------------------------------------------------------------ leavers


async def test_a_leaver_is_out_when_the_disable_is_recorded(bench):
    admitted = await bench.sign_in()
    bench.keeper.check(admitted.ticket)
    bench.sync.disable(ADA, "agent", "7")
    await outside(bench, admitted.ticket, "session-revoked")
    assert {"because": "account-disabled", "count": 1} in bench.chain("sessions.ended")


async def test_a_leaver_is_out_before_the_write_has_left(bench, tmp_path):
    """Killed between disable and record: the intent has ended the session already, and nobody comes in again."""
    admitted = await bench.sign_in()
    async with opened(tmp_path, section_of(door="portal"), bench.provider, beside=bench) as portal:
        stays = await portal.sign_in()
        bench.sync.disable(ADA, "agent", "7", record=False)
        await outside(bench, admitted.ticket, "session-revoked")
        portal.keeper.check(stays.ticket)
    await bench.refuses_claims("account-disabled")


async def test_a_leaver_is_out_whatever_instant_the_sync_is_killed_at(bench, tmp_path):
    """A process intends the disable and is killed with SIGKILL before it can record anything."""
    admitted = await bench.sign_in()
    program = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from datetime import timedelta
from crosskey.clock import SystemClock
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plan import Change, FieldChange
from pathlib import Path
journal = JournalWriter.open(Path({str(bench.path)!r}), clock=SystemClock(), connection="desk")
run = journal.start_run("sync", trigger="command", config_digest="sha-1", config_text="[sync]", plugins={{}})
one = Change(id="1", action="disable", kind="agent", subject=Subject({ISSUER!r}, "ada"), label="Ada", key="7",
             active=FieldChange(True, False))
journal.intend(run, [one], settle=timedelta(seconds=120))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    await outside(bench, admitted.ticket, "session-revoked")
    with Doorbook.reading(bench.path, clock=bench.clock, connection=CONNECTION) as beside:
        assert beside.sessions() == []


async def test_a_leaver_within_a_grace_signs_in_again_if_the_provider_lets_them(bench):
    admitted = await bench.sign_in()
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        journal.mark_leaving("agent", [ADA])
    await outside(bench, admitted.ticket, "session-revoked")
    again = await bench.sign_in()
    with JournalWriter.open(bench.path, clock=bench.clock, connection=CONNECTION) as journal:
        journal.mark_leaving("agent", [ADA])
    bench.keeper.check(again.ticket)


async def test_an_account_that_is_switched_off_by_whatever_way_lets_nobody_stay(bench):
    admitted = await bench.sign_in()
    with bench.book._database.transaction():
        bench.book._database.run("UPDATE link SET active = 0 WHERE subject = 'ada' AND kind = 'agent'")
    await outside(bench, admitted.ticket, "session-account")


# ------------------------------------------------------------------------------------------------------------ sessions


async def test_sessions_end_by_themselves(bench):
    admitted = await bench.sign_in()
    for _ in range(10):
        bench.clock.advance(29 * 60)
        bench.keeper.check(admitted.ticket)
    bench.clock.advance(30 * 60)
    await outside(bench, admitted.ticket, "session-idle")
    admitted = await bench.sign_in()
    for _ in range(20):
        bench.clock.advance(29 * 60)
        bench.keeper.check(admitted.ticket)
    bench.clock.advance(20 * 60)
    await outside(bench, admitted.ticket, "session-over")


async def test_shorter_limits_hold_for_sessions_that_were_begun_before(bench, tmp_path):
    admitted = await bench.sign_in()
    bench.clock.advance(20 * 60)
    for rules, code in (
        ({"idle": timedelta(minutes=10)}, "session-idle"),
        ({"lasts": timedelta(minutes=10)}, "session-over"),
    ):
        async with opened(tmp_path, section_of(rules=rules), bench.provider, beside=bench) as stricter:
            await outside(stricter, admitted.ticket, code)
    bench.keeper.check(admitted.ticket)


@pytest.mark.parametrize("ticket", ["", "x", "A" * 43, "A" * 44, "é" * 43, "a" * 10_000])
async def test_a_ticket_that_is_none(bench, ticket):
    await bench.sign_in()
    await outside(bench, ticket, "session-unknown")


@pytest.mark.parametrize(
    ("whom", "left"),
    [
        (Whom(person=ADA), 1),
        (Whom(person=ADA, door="portal"), 2),
        (Whom(person=BO), 2),
        (Whom(number=2), 2),
        (Whom(sid="s1", iss=ISSUER), 2),
        (Whom(everybody=True), 0),
        (Whom(everybody=True, door="agents"), 2),
        (Whom(), 3),
        (Whom(door="agents"), 3),
        (Whom(iss=ISSUER), 3),
        (Whom(client="door-client"), 3),
    ],
)
async def test_an_operator_ends_sessions(bench, tmp_path, whom, left):
    async with opened(tmp_path, section_of(door="portal"), bench.provider, beside=bench) as portal:
        await bench.sign_in({"sid": "s1"})
        await portal.sign_in()
        await portal.sign_in({"sub": "bo"})
        ended = bench.book.end_sessions(whom, "operator")
        assert (ended, bench.inside) == (3 - left, left)
        assert len(bench.book.sessions(ended=True)) == 3


async def test_a_new_session_has_a_new_ticket(bench):
    first, second = await bench.sign_in(), await bench.sign_in()
    assert first.ticket != second.ticket
    assert len(first.ticket) == 43
    returned = read_callback("GET", b"code=x&state=" + bench.asked["state"].encode())
    with pytest.raises(SsoRefused):
        await bench.keeper.finish(returned, browser=bench.browser)
