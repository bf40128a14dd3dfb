"""The Okta source by the kit that third parties use, over the local Okta."""

from __future__ import annotations

from kit_okta import LocalOkta

from crosskey.testing import SourceConformance


class TestOkta(SourceConformance):
    plugin = "crosskey_okta"
    use = "okta"
    settings = """
url = "https://acme.okta.com"
token = { env = "OKTA_TOKEN" }
member_page = 10
"""
    many = 230

    def vendor(self, clock):
        return LocalOkta(clock)
