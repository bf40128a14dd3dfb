"""The Halo target by the kit that third parties use, over the local Halo."""

from __future__ import annotations

from kit_halo import LocalHalo

from crosskey.testing import TargetConformance


class TestHalo(TargetConformance):
    plugin = "crosskey_halo"
    use = "halo"
    settings = """
url = "https://acme.haloitsm.example"
client_id = "crosskey-sandbox"
client_secret = { env = "HALO_SECRET" }
"""
    many = 120

    def vendor(self, clock):
        return LocalHalo(clock)
