"""``crosskey sso break-glass`` at a local (synthetic) Halo: the proof that somebody gets in while nothing else works."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from sso_bench import ADA, CONNECTION, Journal
from test_doors_commands import CONFIGURATION

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.errors import ConfigError, RetryableError
from crosskey.journal import Doorbook
from crosskey.plugins import load_plugins
from crosskey.sso.break_glass import look_at, prove
from crosskey_sandbox.halo import HaloDesk, halo_app
from fake_clock import FakeClock

GLASS = "glass@acme.example"


class Vault:
    """A door, the desk behind it with an account that nobody has, and a journal beside them."""

    def __init__(self, folder, monkeypatch, *, protect=(GLASS,), door="agents", target="halo"):
        for name, value in (("OKTA_TOKEN", "canary-a"), ("HALO_SECRET", "sandbox-halo-secret"), ("DOOR_SECRET", "x")):
            monkeypatch.setenv(name, value)
        text = CONFIGURATION.replace('client_id = "x"', 'client_id = "crosskey-sandbox"').replace("agents]", f"{door}]")
        text += f"\n[rails]\nprotect = {list(protect)!r}\n".replace("'", '"')
        (folder / "crosskey.toml").write_text(text, encoding="utf-8")
        self.config = load_config(folder / "crosskey.toml", load_plugins())
        self.section = self.config.doors[door]
        self.clock = FakeClock()
        self.desk = HaloDesk.seeded(clock=FakeClock(self.clock.now() - timedelta(hours=5)))  # far behind ours
        self.account = self.desk.add_agent("Break Glass", email=GLASS)
        self.sync = Journal(self.config.journal.path, self.clock)
        self.sync.begin()
        self.connect = Connect(clock=self.clock, transport=lambda _: httpx.ASGITransport(app=halo_app(self.desk)))
        self.challenged = []

    def book(self):
        return Doorbook.noting(self.sync.path, clock=self.clock, connection=CONNECTION)

    async def prove(self, key="", *, signs_in=True, wait=600, word=""):
        def challenge(account):
            self.challenged.append(account.key)
            if signs_in:
                self.desk.clock.advance(7)
                table = self.desk.agents if account.kind == "agent" else self.desk.users
                self.desk.sign_in(table[int(account.key)])

        with self.book() as book:
            return await prove(
                self.config,
                self.connect,
                self.section,
                book,
                key or str(self.account.id),
                by="tests",
                wait=wait,
                challenge=challenge,
                word=word,
            )

    async def unfit(self, key=""):
        """The codes of what is wrong with the account; nobody was asked to sign in."""
        with pytest.raises(ConfigError) as caught:
            await self.prove(key)
        assert (caught.value.code, self.challenged) == ("break-glass-unfit", [])
        with self.book() as book:
            assert book.break_glass(self.section.door) is None
        assert all(each.fix and each.path for each in caught.value.problems)
        return [each.code for each in caught.value.problems]


@pytest.fixture
def vault(tmp_path, monkeypatch):
    return Vault(tmp_path, monkeypatch)


@pytest.mark.parametrize("before", [False, True], ids=["never before", "again"])
async def test_a_sign_in_that_the_desk_saw_is_a_proof(vault, before):
    if before:
        vault.desk.sign_in(vault.account)
    proven = await vault.prove()
    assert (proven.key, proven.pattern, proven.word, proven.by) == (str(vault.account.id), GLASS, "", "tests")
    with vault.book() as book:
        assert book.break_glass("agents") == proven
        [event] = [each for each in book.events() if each.kind == "break_glass.proven"]
    assert "glass@" not in str(event.facts).lower()
    assert "Break" not in str(event.facts)
    assert vault.desk.writes == []


async def test_a_sign_in_before_the_challenge_is_none(vault):
    vault.desk.sign_in(vault.account)
    with pytest.raises(RetryableError) as caught:
        await vault.prove(signs_in=False, wait=60)
    assert caught.value.code == "break-glass-unseen"
    assert sum(vault.clock.slept) == 60
    with vault.book() as book:
        assert book.break_glass("agents") is None


async def test_a_clock_at_the_desk_that_went_back_proves_nothing(vault):
    vault.desk.sign_in(vault.account)
    vault.desk.clock.elapsed -= 3600
    with pytest.raises(RetryableError):
        await vault.prove(wait=10)


async def test_h10_an_account_that_is_somebodys_is_none_to_get_in_with(vault):
    vault.sync.link(ADA, "agent", str(vault.account.id))
    assert await vault.unfit() == ["break-glass-linked"]


async def test_h10_nor_one_that_is_off_or_not_there(vault):
    vault.desk.edit(vault.account, isdisabled=True)
    assert await vault.unfit() == ["break-glass-off"]
    assert await vault.unfit("99999") == ["break-glass-unknown"]


async def test_h10_nor_one_that_no_rail_protects(tmp_path, monkeypatch):
    vault = Vault(tmp_path, monkeypatch, protect=("other@acme.example",))
    assert await vault.unfit() == ["break-glass-unprotected"]


async def test_h10_a_proven_account_is_looked_at_again(vault):
    proven = await vault.prove()
    with vault.book() as book:
        look = (vault.config, vault.connect, vault.section, book, proven)
        assert await look_at(*look) == []
        vault.desk.edit(vault.desk.agents[vault.account.id], isdisabled=True, email="renamed@acme.example")
        assert [each.code for each in await look_at(*look)] == ["break-glass-off", "break-glass-unprotected"]


async def test_the_portals_door_has_a_user(tmp_path, monkeypatch):
    vault = Vault(tmp_path, monkeypatch, door="portal")
    user = vault.desk.add_user("Glass", 1, emailaddress=GLASS)
    proven = await vault.prove(str(user.id))
    assert (proven.kind, proven.key) == ("user", str(user.id))


async def test_a_persons_word_is_kept_as_such(vault):
    proven = await vault.prove(word="Bo Ek saw Ada Park sign in", signs_in=False)
    assert (proven.word, vault.challenged, vault.clock.slept) == ("Bo Ek saw Ada Park sign in", [], [])
    with vault.book() as book:
        [event] = [each for each in book.events() if each.kind == "break_glass.proven"]
    assert (event.facts["how"], "Bo" in str(event.facts)) == ("attested", False)


class Silent:
    """A target that looks accounts up and does not say when somebody signed in."""

    def __init__(self, target):
        self.look_up = target.look_up


async def test_a_desk_that_cannot_tell_is_said_so(vault):
    section = vault.config.target
    spec = section.provided.value

    @asynccontextmanager
    async def silently(settings, context):
        async with spec.open(settings, context) as target:
            yield Silent(target)

    provided = replace(section.provided, value=replace(spec, open=silently))
    vault.config = replace(vault.config, targets={section.name: replace(section, provided=provided)})
    with pytest.raises(ConfigError) as caught:
        await vault.prove()
    assert (caught.value.code, "--attest" in caught.value.fix) == ("sign-ins-untold", True)
