"""The guards around every test do guard."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.com", 443)])
def test_nothing_beyond_this_machine_is_reached(address):
    with pytest.raises(pytest.fail.Exception, match="only loopback"):
        socket.create_connection(address, timeout=1)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=1):
        pass


def test_settings_of_this_machine_are_out_of_sight():
    assert not [name for name in os.environ if name.startswith(("CROSSKEY_", "OTEL_", "OKTA_", "HALO_"))]
    assert "pytest" in str(Path.home())
