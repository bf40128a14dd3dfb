"""The Entra source by the kit that third parties use, over the local Entra ID."""

from __future__ import annotations

from typing import ClassVar

from kit_entra import LocalEntra

from crosskey.testing import SourceConformance


class TestEntra(SourceConformance):
    plugin = "crosskey_entra"
    use = "entra"
    settings = 'client_secret = { env = "ENTRA_SECRET" }'
    many = 60
    nobody = "00000000-0000-4000-8000-000000000000"
    skips: ClassVar = {
        "test_every_status_means_what_the_fake_says": "Entra ID has no words, only accountEnabled, which suspend() sets"
    }

    def vendor(self, clock):
        return LocalEntra(clock, page_cap=25)
