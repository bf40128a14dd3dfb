"""The pages are whole: generated blocks fresh, links good, nothing left out, nothing left open."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from docs_pages import PAGES, ROOT, anchors, every, prose

from crosskey.cli.main import COMMANDS
from crosskey.config.reference import setting_rows
from crosskey.config.sections import JournalSettings, RailSettings, SyncSection, WatchSettings
from crosskey.config.serve import ServeSettings
from crosskey.engine.rails import RAILS
from crosskey.errors import ExitCode
from crosskey.instruments import INSTRUMENTS
from crosskey.mapping.settings import RulesSettings
from crosskey.spans import SPANS
from crosskey.web import Limits
from crosskey_entra.settings import EntraSettings
from crosskey_halo.settings import HaloSettings
from crosskey_notify.settings import CommandSettings, SmtpSettings, WebhookSettings
from crosskey_okta.settings import OktaSettings

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|<(?P<address>https?://[^>\s]+)>")
READMES = [*PAGES, *sorted(ROOT.glob("examples/*/README.md"))]
ELSEWHERE = {
    "entra.microsoft.com",
    "mutmut.readthedocs.io",
    "opentelemetry.io",
    "vcrpy.readthedocs.io",
    "www.rfc-editor.org",
    "www.standardwebhooks.com",
}
"""Where pages may lead to. Nobody looks there: a new one is written down here by whoever looked."""
README, CONFIGURATION = ROOT / "README.md", ROOT / "docs" / "configuration.md"


def test_generated_blocks_are_fresh():
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"run `python docs/generate.py`:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for link in LINK.finditer(prose(page)):
        address = link["target"] or link["address"]
        target, _, anchor = address.partition("#")
        if target.startswith(("http://", "https://", "mailto:")):
            assert urlsplit(target).hostname in ELSEWHERE, f"{page.name}: nobody wrote down that {address} is good"
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.is_file(), f"{page.name}: {address} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{page.name}: {address} has no such heading"


def test_every_place_elsewhere_is_still_linked_to():
    found = {
        urlsplit(link["target"] or link["address"]).hostname for page in READMES for link in LINK.finditer(prose(page))
    }
    assert found - {None} == ELSEWHERE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_left_open(page):
    assert re.findall(r"\b(TODO|FIXME|TBD|XXX|lorem)\b", page.read_text(encoding="utf-8")) == []


def test_the_readme_leads_to_every_page():
    text = README.read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"](docs/{page.name})" not in text] == []


def test_every_command_rail_and_exit_code_is_in_the_readme():
    text = README.read_text(encoding="utf-8")
    assert [name for name in (*COMMANDS, "demo", "sandbox") if f"`crosskey {name}`" not in text] == []
    assert [code for code in RAILS if f"| `{code}` |" not in text] == []
    assert [code for code in ExitCode if f"| {int(code)} |" not in text] == []


@pytest.mark.parametrize(
    "settings",
    [
        *(OktaSettings, EntraSettings, HaloSettings, RulesSettings),
        *(SyncSection, RailSettings, JournalSettings, WatchSettings),
        *(WebhookSettings, SmtpSettings, CommandSettings),
    ],
)
def test_every_setting_is_described(settings):
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert [row.key for row in setting_rows(settings) if f"| `{row.key}` |" not in text] == []


def test_every_span_and_metric_is_described():
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    missing = [name for name, said in INSTRUMENTS.items() if f"| `{name}` | {said.kind} | `{said.unit}` |" not in text]
    assert missing == []
    assert [name for name in SPANS if f"| `{name}` |" not in text] == []


def test_every_language_of_a_block_has_its_test():
    """A block in another language would be checked by nobody."""
    tested = {"sh", "console", "toml", "python", "ini", "cron", "text", "nginx"}
    fences = {
        line[3:].split()[0]
        for page in PAGES
        for line in page.read_text("utf-8").splitlines()
        if line[:3] == "```" and line[3:]
    }
    assert fences == tested


def test_terminal_output_is_generated():
    """What a terminal shows is never typed by hand."""
    assert [block.where for language in ("console", "text") for block in every(language, generated=False)] == []


def test_the_proxy_lets_only_hooks_through_and_as_much_as_the_door_takes():
    (proxy,) = [block for block in every("nginx") if "/hooks/" in block.text]
    assert proxy.text.count("{") == proxy.text.count("}")
    places = dict(re.findall(r"location (\S+) \{\n(.*?)\n    \}", proxy.text, re.DOTALL))
    assert places.keys() == {"/hooks/", "/"}
    assert [name for name, body in places.items() if "proxy_pass http://127.0.0.1:" in body] == ["/hooks/"]
    assert places["/"].strip() == "return 404;"
    limits = Limits()
    assert f"client_max_body_size {limits.body // 1024}k;" in places["/hooks/"]
    assert f"client_body_timeout {limits.body_seconds:.0f}s;" in places["/hooks/"]


def test_the_proxy_before_the_doors_asks_what_is_served_and_believes_no_browser():
    (proxy,) = [block for block in every("nginx") if "auth_request" in block.text]
    assert proxy.text.count("{") == proxy.text.count("}")
    asked = f"http://{ServeSettings().listen}/auth/verify?door=agents"
    for line in (f"proxy_pass {asked};", 'proxy_set_header X-Forwarded-Uri "";', "error_page 401 = @sign_in;"):
        assert line in proxy.text
    assert "return 302 /agents/sign-in?to=$request_uri;" in proxy.text


def test_the_limits_of_the_door_are_those_that_are_told():
    limits = Limits()
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for told in (
        f"more than {limits.signals:.0f} signals a second for long ({limits.signals_burst} at once)",
        f"{limits.calm:.0f} seconds later",
        f"more than {limits.people} people in one signal",
        f"up to {limits.events_seconds / 3600:.0f} hours ago",
        f"more than {limits.requests:.0f} requests a second ({limits.requests_burst} at once)",
        f"or {limits.at_once} unfinished ones",
        f"more than {limits.body // 1024} KiB, or one that takes longer than {limits.body_seconds:.0f} seconds",
    ):
        assert told in text
