"""The Halo target by the kit that third parties use, over the local Halo."""

from __future__ import annotations

from typing import ClassVar

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
    many = 60
    skips: ClassVar = {
        "test_what_somebody_gave_since_the_plan_stays": "Halo takes whole lists of roles, teams and departments, "
        "and the plugin writes them as planned: what is given between plan and write is taken away"
    }

    def vendor(self, clock):
        return LocalHalo(clock, page_cap=50)
