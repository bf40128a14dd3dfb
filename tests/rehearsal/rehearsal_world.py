"""A configuration as a team has it, and a few lines to write a case about it."""

from __future__ import annotations

from pathlib import Path

from cli_bench import Run, run_here

CONFIG = """
[source.corp]
use = "okta"
url = "https://acme.okta.com"
client_id = "0oa1"
private_key = { env = "NOBODY_SETS_THIS" }

[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "3f2a0c1e"
client_secret = { env = "NOBODY_SETS_THIS" }

[map.user]
scope = { groups = ["All Staff"], where = "user_type != 'service'" }
match = ["email"]
default = { site = "Acme / Main" }
[map.user.fields]
name = "{{ display_name }}"
emailaddress = "email"
title = "title"
[[map.user.assign]]
group = "London Office"
site = "Acme / London"

[map.agent]
scope = { groups = ["Service Desk"] }
match = ["email"]
[map.agent.fields]
name = "{{ display_name }}"
email = "email"
[[map.agent.assign]]
group = "Service Desk"
roles = ["Standard User"]
teams = ["2nd Line"]
"""

PEOPLE = """
people = [
  { email = "ada.king@acme.example", groups = ["All Staff", "London Office"] },
  { email = "bob.moss@acme.example", groups = ["All Staff"], active = false, was = { active = true } },
  { email = "cy.holt@acme.example", groups = ["All Staff"], was = { groups = ["All Staff", "London Office"] } },
  { email = "di.wood@acme.example", title = "Dr", groups = ["All Staff"], was = { title = "" } },
  { email = "twin@acme.example", id = "t1", groups = ["All Staff"] },
  { email = "twin@acme.example", id = "t2", groups = ["All Staff"] },
  { email = "new.face@acme.example", groups = ["All Staff", "Service Desk"], was = { groups = [] } },
]
"""
"""Ada stays, Bob leaves, Cy moves, Di is promoted, two share an address, and somebody is new at the service desk."""


class Folder:
    """A folder with the configuration and cases."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file("crosskey.toml", CONFIG)

    def file(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def text(self) -> str:
        """The configuration."""
        return (self.path / "crosskey.toml").read_text(encoding="utf-8")

    def case(self, expect: str, *, scene: str = PEOPLE, name: str = "case.toml") -> Path:
        """A case with these lines under ``[expect]``."""
        return self.file(f"cases/{name}", f'config = "../crosskey.toml"\n{scene}\n[expect]\n{expect}\n')

    def test(self, *words: str, **environment: str) -> Run:
        """Type ``crosskey test``."""
        return run_here(("test", *words), self.path, environment)
