"""The care for hooks with the real Entra plugin and a local Entra, which forgets what lapsed, as Graph does."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from crosskey.config import load_config
from crosskey.connector.signal import ReceivesSignals, SignalRequest
from crosskey.engine.connect import Connect
from crosskey.plugins import load_plugins
from crosskey.watch import Setup
from crosskey.watch.subscriptions import keep_subscriptions
from crosskey_sandbox.entra import READ_EVERYTHING, EntraTenant, entra_app
from crosskey_sandbox.server import serving
from fake_clock import FakeClock

PLUGINS = load_plugins()
DAY = 86_400.0
CONFIG = """\
[source.corp]
use = "entra"
tenant = "{tenant}"
client_id = "{client}"
client_secret = {{ file = "entra.secret" }}
hook_secret = {{ file = "hook.secret" }}
authority = "https://entra.example.com"
graph_url = "https://entra.example.com"
[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "synthetic"
client_secret = {{ file = "entra.secret" }}
[map.user]
scope = {{ groups = ["Staff"] }}
fields = {{ name = "display_name" }}
[watch]
public_url = "{url}"
"""


class World:
    """A local tenant, the configuration that reads it, and the address that Graph delivers to."""

    def __init__(self, folder) -> None:
        self.clock = FakeClock()
        self.tenant = EntraTenant(clock=self.clock)
        self.tenant.applications.consent(self.tenant.application, {*READ_EVERYTHING, "Group.Read.All"})
        self.file = folder / "crosskey.toml"
        for name, secret in (
            ("entra.secret", self.tenant.application.client_secret),
            ("hook.secret", "a-random-state-of-thirty-two-chars"),
        ):
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        self.connect = Connect(clock=self.clock, transport=lambda _: httpx.ASGITransport(app=entra_app(self.tenant)))
        self.source = None
        self.heard = []
        self.serves = True

    async def hook(self, request) -> Response:
        if not self.serves:
            return Response(status_code=502)
        told = SignalRequest(method=request.method, query=dict(request.query_params), body=await request.body())
        answer = self.source.receive(told)
        self.heard.append(answer)
        return Response(answer.body, answer.status, media_type=answer.content_type)

    def configure(self, url) -> None:
        self.file.write_text(CONFIG.format(tenant=self.tenant.id, client=self.tenant.application.client_id, url=url))
        config = load_config(self.file, PLUGINS)
        self.setup = Setup(config=config, plugins=PLUGINS, connect=self.connect)

    async def look(self, dead=(), asked=()):
        """What a watcher does once a day; sections whose hooks are dead."""
        return await keep_subscriptions(self.setup, dead=dead, asked=asked)

    def left(self) -> list[timedelta]:
        """How long each subscription lasts."""
        return [one.ends - self.clock.now() for one in self.tenant.subscriptions.live()]


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    with serving(Starlette(routes=[Route("/hooks/corp", world.hook, methods=["GET", "POST"])])) as url:
        world.configure(url)
        async with world.connect.source(world.setup.config.sources["corp"]) as source:
            assert isinstance(source, ReceivesSignals)
            world.source = source
            yield world


async def test_subscriptions_are_made_prolonged_and_when_they_lapsed_made_anew(world):
    assert await world.look() == ()
    assert world.left() == [timedelta(days=28)] * 2
    made = {one.id for one in world.tenant.subscriptions.live()}
    world.clock.advance(20 * DAY)
    assert await world.look() == ()
    assert world.left() == [timedelta(days=8)] * 2, "they last for more than a week"
    world.clock.advance(1.5 * DAY)
    assert await world.look() == ()
    assert world.left() == [timedelta(days=28)] * 2
    assert {one.id for one in world.tenant.subscriptions.live()} == made
    world.clock.advance(29 * DAY)
    assert world.left() == []
    assert await world.look() == ()
    assert world.left() == [timedelta(days=28)] * 2
    assert made.isdisjoint({one.id for one in world.tenant.subscriptions.live()})


async def test_what_lapsed_and_cannot_be_made_anew_is_dead_until_the_address_answers(world):
    await world.look()
    world.clock.advance(29 * DAY)
    world.serves = False
    assert await world.look() == ("source.corp",)
    world.serves = True
    assert await world.look(dead=("source.corp",)) == ()
    assert world.left() == [timedelta(days=28)] * 2


async def test_when_graph_asks_for_it_they_are_prolonged_however_long_they_last(world):
    await world.look()
    world.clock.advance(DAY)
    world.heard.clear()
    world.tenant.courier.lifecycle("reauthorizationRequired")
    assert world.tenant.courier.deliver() == 2
    assert [answer.renew for answer in world.heard] == [True, True]
    await world.look(asked=("corp",))
    assert world.left() == [timedelta(days=28)] * 2


async def test_those_that_deliver_elsewhere_are_left_alone(world):
    await world.look()
    with serving(Starlette(routes=[Route("/hooks/corp", world.hook, methods=["GET", "POST"])])) as elsewhere:
        world.configure(elsewhere)
        await world.look()
    assert len(world.left()) == 4
    world.clock.advance(22 * DAY)
    world.serves = False
    assert await world.look() == ()
    assert sorted(world.left()) == [timedelta(days=6)] * 2 + [timedelta(days=28)] * 2


async def test_without_the_permission_they_are_dead(world):
    world.tenant.applications.consent(world.tenant.application, READ_EVERYTHING)
    assert await world.look() == ("source.corp",)
