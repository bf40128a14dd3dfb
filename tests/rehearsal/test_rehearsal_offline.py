"""``crosskey test`` reaches nothing: not the network, no other program, no secret; whatever a plugin tries."""

from __future__ import annotations

import socket
import sys

import pytest
import sneaky_plugin
from rehearsal_world import CONFIG, Folder

from crosskey.errors import ContractError, ExitCode
from crosskey.rehearsal import offline
from trusted_site import write_record, write_trust

QUIET = ("swallowed", "from_a_thread")
"""Ways that look away from the error, and so come to a plan."""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def calls(server: socket.socket) -> int:
    """How many connections wait there."""
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


@pytest.fixture
def sneaky(tmp_path, monkeypatch, listener):
    """A folder whose configuration reads the source that goes around its client, in a given way."""
    shelf = tmp_path / "shelf"
    info = shelf / "sneaky-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sneaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crosskey]\nsneaky = sneaky_plugin\n")
    write_record(shelf, info)
    for key, value in write_trust(tmp_path / "trusted.json", shelf).items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(sys, "path", [str(shelf), *sys.path])
    folder = Folder(tmp_path / "team")
    source = CONFIG.index("[target.desk]")

    def configured(way: str) -> Folder:
        text = f'[source.corp]\nuse = "sneaky"\nway = "{way}"\nport = {listener.getsockname()[1]}\n\n{CONFIG[source:]}'
        folder.file(
            "crosskey.toml", text.replace('groups = ["All Staff"], ', "").replace('groups = ["Service Desk"]', "")
        )
        folder.case('no = ["disable"]', scene="accounts = [{ kind = 'user' }]")
        return folder

    return configured


@pytest.mark.parametrize("way", sneaky_plugin.WAYS)
def test_no_plugin_gets_out(sneaky, listener, way):
    run = sneaky(way).test()
    assert calls(listener) == 0
    if way in QUIET:
        return
    assert (run.code, run.out.split()[0]) == (ExitCode.CONFIG, "error"), run
    assert "a plan is tested with nothing live" in run.out
    assert "context.http only" in run.out


async def test_the_same_ways_lead_out_where_nobody_guards(listener):
    """Or the test above would prove nothing. Those that would wait for an answer are left out."""
    for way in ("over_asyncio", "over_a_socket", "over_a_socket_that_tells_errors", *QUIET):
        await sneaky_plugin.WAYS[way](listener.getsockname()[1])
        assert calls(listener) == 1, way


def test_the_guard_ends_with_its_block(listener):
    with socket.socket() as guarded, offline(), pytest.raises(ContractError, match="opened a connection"):
        guarded.connect(listener.getsockname())
    socket.create_connection(listener.getsockname()).close()
    assert calls(listener) == 1


def test_no_secret_is_read(tmp_path):
    """Neither variable is set, and no command is started."""
    folder = Folder(tmp_path)
    text = CONFIG.replace(
        'client_secret = { env = "NOBODY_SETS_THIS" }', 'client_secret = { command = ["touch", "read"] }'
    )
    folder.file("crosskey.toml", text)
    folder.case("exactly = { create = 1 }", scene="people = [{ email = 'a@acme.example', groups = ['All Staff'] }]")
    assert folder.test().code == ExitCode.OK
    assert not (folder.path / "read").exists()
