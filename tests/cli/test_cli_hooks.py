"""``crosskey hooks``: what is set up at the vendor, and what is said when it cannot be."""

from __future__ import annotations

import sys

import hook_vendor
import pytest
from cli_bench import run_here

from crosskey.errors import ExitCode
from trusted_site import write_record, write_trust

CONFIG = """
[source.corp]
use = "{use}"
[target.desk]
use = "bench"
[map.user]
scope = {{ groups = ["All Staff"] }}
fields = {{ name = "display_name" }}
"""
URL = "https://sync.acme.example"


@pytest.fixture
def type_(tmp_path, monkeypatch):
    """Type a command in a folder whose configuration reads the source with hooks (or another: ``use``)."""
    hook_vendor.reset()
    shelf = tmp_path / "shelf"
    for name, module in (("hook-vendor", "hook_vendor"), ("bench", "bench_plugin")):
        info = shelf / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[crosskey]\n{name} = {module}\n")
        write_record(shelf, info)
    for key, value in write_trust(tmp_path / "trusted.json", shelf).items():
        monkeypatch.setenv(key, value)
    sys.path.insert(0, str(shelf))

    def run(*words, use="pushing", public_url=""):
        watch = f'[watch]\npublic_url = "{public_url}"\n' if public_url else ""
        (tmp_path / "crosskey.toml").write_text(CONFIG.format(use=use) + watch)
        return run_here(("hooks", *words), tmp_path, {})

    yield run
    sys.path.remove(str(shelf))


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (URL, f"{URL}/hooks/corp"),
        (f"{URL}/", f"{URL}/hooks/corp"),
        (f"{URL}/hooks/", f"{URL}/hooks/corp"),
        (f"{URL}/desk", f"{URL}/desk/hooks/corp"),
        (f"{URL}/desk/hooks/corp", f"{URL}/desk/hooks/corp"),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123/hooks/corp"),
    ],
)
def test_install_subscribes_to_the_address_of_the_source(type_, url, address):
    hook_vendor.reachable.append("http://127.0.0.1")
    run = type_("install", "--url", url, "--json")
    assert (run.code, run.json["ok"]) == (ExitCode.OK, True)
    assert {each.url for each in hook_vendor.subscribed.values()} == {address}
    assert run.json["hooks"][0] == {
        "source": "corp",
        "id": "sub-people",
        "url": address,
        "state": "active",
        "about": "people",
        "expires_at": "2026-01-31T09:00:00Z",
    }


def test_install_takes_its_address_from_the_configuration_unless_one_is_given(type_):
    assert type_("install", public_url=URL).code == ExitCode.OK
    assert {each.url for each in hook_vendor.subscribed.values()} == {f"{URL}/hooks/corp"}
    assert type_("install", "--url", "https://other.acme.example", public_url=URL).code == ExitCode.OK
    assert {each.url for each in hook_vendor.subscribed.values()} == {"https://other.acme.example/hooks/corp"}


def test_install_without_any_address_says_where_to_write_it(type_):
    run = type_("install")
    assert run.code == 2
    assert "--url, or [watch] public_url" in run.err


def test_a_public_address_that_no_vendor_delivers_to_is_refused(type_):
    run = type_("install", public_url="http://sync.acme.example")
    assert run.code == ExitCode.CONFIG
    assert "watch.public_url" in run.err
    assert hook_vendor.subscribed == {}


def test_install_again_changes_nothing(type_):
    first, again = (type_("install", "--url", URL) for _ in range(2))
    assert (again.code, again.out) == (ExitCode.OK, first.out)
    assert len(hook_vendor.subscribed) == 2


def test_status_shows_what_there_is(type_):
    assert "No hooks are set up" in type_("status").out
    type_("install", "--url", URL)
    run = type_("status")
    assert run.code == ExitCode.OK
    for word in ("corp", "active", "people", "groups", "2026-01-31 09:00", "hooks/corp"):
        assert word in run.out


def test_an_address_that_the_vendor_cannot_reach_needs_a_person(type_):
    hook_vendor.reachable.clear()
    hook_vendor.reachable.append("https://other.example")
    run = type_("install", "--url", URL)
    assert run.code == ExitCode.HELD
    assert "2 not working" in run.out
    assert "crosskey watch" in run.out
    status = type_("status", "--json")
    assert (status.code, status.json["ok"]) == (ExitCode.HELD, False)


def test_remove_removes_them_all_and_then_nothing(type_):
    type_("install", "--url", URL)
    run = type_("remove")
    assert run.code == ExitCode.OK
    assert run.out.splitlines() == [
        f"removed sub-{about} of source.corp, which delivered to {URL}/hooks/corp" for about in ("people", "groups")
    ]
    assert hook_vendor.subscribed == {}
    again = type_("remove")
    assert (again.code, again.out) == (ExitCode.OK, "There was nothing to remove.\n")
    assert type_("remove", "--json").json == {"removed": []}


@pytest.mark.parametrize("words", [("install", "--url", URL), ("status",), ("remove",)])
def test_a_source_without_hooks_says_so(type_, words):
    run = type_(*words, use="quiet")
    assert run.code == ExitCode.CONFIG
    assert "[hooks-unsupported, exit 2]" in run.err
    assert "the timer" in run.err


@pytest.mark.parametrize(
    "url",
    [
        "http://sync.acme.example",
        "ftp://sync.acme.example",
        "sync.acme.example",
        "https://",
        "https://user:password@sync.acme.example",
        f"{URL}?a=1",
        f"{URL}#a",
        f"{URL}/hooks/branch",
        "https://sync.acme.example:port",
    ],
)
def test_an_address_that_no_vendor_delivers_to_is_refused(type_, url):
    run = type_("install", "--url", url)
    assert run.code == ExitCode.CONFIG
    assert "[hooks-url, exit 2]" in run.err
    assert "password@" not in run.err
    assert hook_vendor.subscribed == {}


def test_what_the_vendor_refuses_ends_with_the_class_of_its_error(type_):
    hook_vendor.faults.append(hook_vendor.forbidden())
    run = type_("status", "--json")
    assert (run.code, run.error["fix"]) == (ExitCode.AUTH, "grant hooks.manage")
    hook_vendor.faults[:] = [KeyError("oops")]
    assert type_("status").code == ExitCode.PLUGIN
