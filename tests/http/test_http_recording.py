"""Recording and replay: scrubbed when written, exact when read."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import httpx
import msgspec
import pytest

from crosskey.errors import AuthError
from crosskey.http import Client, RefreshingAuth, Token, recording
from crosskey.http.cassette import RecordingError
from crosskey.settings import Secret
from fake_clock import FakeClock

LOCAL = "127.0.0.1:8801"
NAME = "okta.example.test"
HOSTS = {LOCAL: NAME}


class Grant(msgspec.Struct):
    access_token: str


class Auth(RefreshingAuth):
    async def fetch(self, client: Client) -> Token:
        form = {"grant_type": "client_credentials", "client_secret": "canary-secret"}
        reply = await client.call("POST", "/token", decode=Grant, form=form, auth=None, repeatable=True)
        return Token(value=Secret(reply.value.access_token))


class Sandbox:
    """A local server whose every answer holds something that must not be written."""

    def __init__(self) -> None:
        self.served = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.served += 1
        headers = {"Set-Cookie": "sid=canary-cookie", "dpop-nonce": "canary-nonce", "Server": "sandbox"}
        if request.url.path == "/token":
            return httpx.Response(200, json={"access_token": "canary-token", "token_type": "Bearer"}, headers=headers)
        assert request.headers["authorization"] == "Bearer canary-token"
        if request.url.path == "/echo":
            return httpx.Response(200, json=json.loads(request.content), headers=headers)
        if request.url.path == "/busy" and self.served < 4:
            return httpx.Response(429, headers={"Retry-After": "7"} | headers)
        if "after" not in request.url.params:
            link = f'<http://{LOCAL}/users?after=b&limit=1>; rel="next"'
            body = [{"id": "1", "name": "Ána", "password": "canary-password", "self": f"http://{LOCAL}/users/1"}]
            return httpx.Response(200, json=body, headers=headers | {"Link": link})
        return httpx.Response(200, json=[{"id": "2", "name": "Ben"}], headers=headers)


class User(msgspec.Struct):
    id: str
    name: str


async def read(client: Client) -> list[str]:
    return [
        user.name
        async for page in client.pages("/users", decode=list[User], params={"limit": 1})
        for user in page.value
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "okta" / "users.yaml"


@pytest.fixture
def refuse():
    def handler(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was really sent")

    return handler


async def record(client_for, path: Path, **options) -> Sandbox:
    sandbox = Sandbox()
    with recording(path, "all", hosts=HOSTS, **options):
        async with client_for(sandbox, base=f"http://{LOCAL}", auth=Auth()) as client:
            assert await read(client) == ["Ána", "Ben"]
    return sandbox


async def test_a_recording_replays_under_its_name_without_a_server(client_for, path, refuse):
    await record(client_for, path)
    with recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth()) as client:
            assert await read(client) == ["Ána", "Ben"]


async def test_no_secret_and_no_local_address_is_written(client_for, path):
    await record(client_for, path, secrets=("Ben",))
    written = path.read_text(encoding="utf-8")
    assert written.startswith("# synthetic: recorded against crosskey's sandbox")
    assert "canary" not in written
    assert LOCAL not in written
    assert "Ben" not in written
    assert f"https://{NAME}/users?after=b&limit=1" in written
    for dropped in ("set-cookie", "content-length", "server:", "user-agent", "transfer-encoding"):
        assert dropped not in written.lower()


async def test_a_real_recording_says_so(client_for, path):
    await record(client_for, path, synthetic=False)
    assert path.read_text(encoding="utf-8").startswith("# recorded against a real service")


async def test_compressed_answers_are_written_readably(client_for, path, refuse):
    def handler(request: httpx.Request) -> httpx.Response:
        body = gzip.compress(b'[{"id": "1", "name": "Readable"}]')
        stream = httpx.ByteStream(body)
        return httpx.Response(
            200, headers={"Content-Encoding": "gzip", "Content-Length": str(len(body))}, stream=stream
        )

    with recording(path, "all"):
        async with client_for(handler) as client:
            assert (await client.call("GET", "/users", decode=list[User])).value[0].name == "Readable"
    assert "Readable" in path.read_text(encoding="utf-8")
    with recording(path):
        async with client_for(refuse) as client:
            assert (await client.call("GET", "/users", decode=list[User])).value[0].name == "Readable"


async def test_a_request_that_was_not_recorded_fails_and_names_the_nearest(client_for, path, refuse):
    await record(client_for, path)
    with pytest.raises(RecordingError) as caught, recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth()) as client:
            await client.call("GET", "/users", decode=list[User], params={"limit": 2, "token": "canary-query"})
    assert f"https://{NAME}/users?limit=1" in str(caught.value)
    assert "query" in str(caught.value)
    assert "canary" not in str(caught.value)


async def test_what_nobody_asked_for_fails_the_replay_unless_allowed(client_for, path, refuse):
    await record(client_for, path)
    with pytest.raises(RecordingError, match="not asked for") as caught, recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth()) as client:
            await client.call("GET", "/users", decode=list[User], params={"limit": 1})
    assert "after=b" in str(caught.value)
    assert "limit=1\n" not in str(caught.value)
    with recording(path, allow_unplayed=True):
        pass


async def test_the_tests_own_failure_is_not_hidden_by_what_was_left_over(client_for, path):
    await record(client_for, path)
    with pytest.raises(LookupError), recording(path):
        raise LookupError


async def test_a_missing_recording_is_an_error_not_a_live_call(client_for, path, refuse):
    with pytest.raises(RecordingError), recording(path):
        async with client_for(refuse) as client:
            await client.call("GET", "/users", decode=list[User])
    assert not path.exists()


async def test_once_records_the_first_time_and_replays_after(client_for, path):
    sandbox = Sandbox()
    for _ in range(2):
        with recording(path, "once", hosts=HOSTS):
            async with client_for(sandbox, base=f"http://{LOCAL}", auth=Auth()) as client:
                reply = await client.call("GET", "/users", decode=list[User])
                assert reply.value[0].name == "Ána"
    assert sandbox.served == 2


async def test_writes_are_told_apart_by_their_bodies(client_for, path, refuse):
    async def write(client: Client, *values: int) -> list[object]:
        return [
            (await client.call("POST", "/echo", decode=dict, json={"n": n, "secret": "canary"})).value for n in values
        ]

    with recording(path, "all", hosts=HOSTS):
        async with client_for(Sandbox(), base=f"http://{LOCAL}", auth=Auth()) as client:
            await write(client, 1, 2)
    assert "canary" not in path.read_text(encoding="utf-8")
    with recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth()) as client:
            assert [answer["n"] for answer in await write(client, 2, 1)] == [2, 1]
    with pytest.raises(RecordingError, match="body"), recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth()) as client:
            await write(client, 3)


async def test_waits_and_retries_run_again_on_replay(client_for, path, refuse, clock):
    with recording(path, "all", hosts=HOSTS):
        async with client_for(Sandbox(), base=f"http://{LOCAL}", auth=Auth()) as client:
            await client.call("GET", "/busy", decode=list[User])
    assert clock.elapsed == 14
    replay_clock = FakeClock()
    with recording(path):
        async with client_for(refuse, base=f"https://{NAME}", auth=Auth(), clock=replay_clock) as client:
            await client.call("GET", "/busy", decode=list[User])
    assert replay_clock.elapsed == 14


async def test_parallel_requests_are_written_in_a_stable_order(client_for, path):
    written = []
    for order in ([1, 2, 3], [3, 1, 2]):
        with recording(path, "all", hosts=HOSTS):
            async with client_for(Sandbox(), base=f"http://{LOCAL}", auth=Auth()) as client:
                await asyncio.gather(*(client.call("GET", f"/users?after={n}", decode=list[User]) for n in order))
        written.append(path.read_text(encoding="utf-8"))
        path.unlink()
    assert written[0] == written[1]


async def test_a_run_that_failed_leaves_no_recording(client_for, path):
    with pytest.raises(AuthError), recording(path, "all"):
        async with client_for(lambda request: httpx.Response(401)) as client:
            await client.call("GET", "/users", decode=list[User])
    assert not path.exists()


async def test_a_recording_cannot_run_code(client_for, path, refuse):
    path.parent.mkdir()
    path.write_text(
        "interactions: !!python/object/apply:os.system ['touch /tmp/owned']\nversion: 1\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match="problem loading the cassette"), recording(path):
        pass
