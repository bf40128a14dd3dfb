"""The line of a rule: where its key stands, however the file is written."""

import pytest

from crosskey.config import line_of

TEXT = '''\
# map.user.fields.title = "no"
[map.user]
scope = { groups = ["Staff"] }
note = """
title = "text, not a key"
[map.user.fields]
"""
[map.user.fields]   # what is written
title = "title"
"odd name" = "email"

[[map.user.assign]]
group = "London"
site = "Acme / London"
[[map.user.assign]]
group = "Berlin"
[map]
agent.match = ["email"]
[map.agent.fields]
'name' = "{{ a }} = {{ b }}"
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("map.user.fields.title", 9),
        ('map.user.fields."odd name"', 10),
        ("map.user.scope", 3),
        ("map.user.scope.groups", 3),
        ("map.user.assign[0]", 12),
        ("map.user.assign[1]", 15),
        ("map.user.assign[1].group", 16),
        ("map.agent.match", 18),
        ("map.agent.fields.name", 20),
        ("map.user.fields.mail", 8),
        ("map.robot.fields.name", None),
        ("rails", None),
    ],
)
def test_the_line_of_a_key(path, line):
    assert line_of(TEXT, path) == line
