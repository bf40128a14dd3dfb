"""The rules mapper by the kit that third parties use."""

from __future__ import annotations

from crosskey.testing import MapperConformance


class TestRules(MapperConformance):
    plugin = "crosskey.mapping.plugin"
    use = "rules"
    settings = """
scope = { groups = ["All Staff"], where = "user_type != 'service'" }
match = ["email"]
default = { site = "Acme / Main" }
[fields]
name = "{{ display_name }}"
emailaddress = "email"
title = { from = "extra.job", write = "on_create" }
[[assign]]
group = "London Office"
site = "Acme / London"
[[assign]]
group = "All Staff"
roles = ["Standard User"]
"""
    wrong = (
        '[fields]\nnane = "display_name"',
        '[fields]\nname = "{{ display_name"',
        '[fields]\nname = "display_name"\n[[assign]]\ngroup = "London"\nsite = "Acme / Nowhere"',
    )
