"""What holds for every test: nothing outside is read from the environment, written to a home, or reached by network."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Two cores shared with other work make a slow example look like a slow program. The gate judges a commit and not its
# luck: it tries the same examples every time, and new ones are tried wherever else the tests run.
settings.register_profile(
    "crosskey",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("crosskey")

_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def pytest_configure() -> None:
    """Keep the tests' files in memory where there is room: half of a journal test's time is waiting for the disk.

    What a bad disk does to a journal is tried by faults, which strike in memory too. ``TMPDIR`` chooses another place.
    """
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ.setdefault("TMPDIR", str(_MEMORY))
        tempfile.tempdir = None  # pytest asked already, and kept the answer


_SCRUBBED = ("CROSSKEY_", "OTEL_", "OKTA_", "HALO_", "XDG_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(scope="session", autouse=True)
def scrubbed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An environment without settings of this machine, and a home of its own."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_SCRUBBED) or name.upper() in _PROXIES:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        for variable, folder in (
            ("CONFIG", ".config"),
            ("DATA", ".local/share"),
            ("CACHE", ".cache"),
            ("STATE", ".state"),
        ):
            patch.setenv(f"XDG_{variable}_HOME", str(home / folder))
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "120")
        yield


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Any connection or look-up beyond this machine fails the test, whatever the code under test catches."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address):
        _refuse_foreign(self.family, address)
        return connect(self, address)

    def guarded_connect_ex(self: socket.socket, address):
        _refuse_foreign(self.family, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host, *args, **kwargs):
        if not _is_loopback(host):
            pytest.fail(f"the test looked up {host!r}: only loopback is allowed")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def unchanged_process() -> Iterator[None]:
    """A test that leaves the working folder or the environment changed spoils the next: name it."""
    before = Path.cwd(), dict(os.environ)
    yield
    after = Path.cwd(), dict(os.environ)
    # pytest itself names the running test there
    for _, environment in (before, after):
        environment.pop("PYTEST_CURRENT_TEST", None)
    assert after == before, "the test changed the working folder or the environment"


def _refuse_foreign(family: int, address: object) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
        pytest.fail(f"the test connected to {address!r}: only loopback is allowed")


def _is_loopback(host: object) -> bool:
    if host is None:
        return True
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(name.split("%")[0]).is_loopback
    except ValueError:
        return name in ("localhost", "")
