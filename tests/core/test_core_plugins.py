"""Finding plugins: what one of them breaks stays with it, and nobody wins a name in silence."""

from __future__ import annotations

import pytest
from core_acme import ENTRY

from crosskey.plugins import PluginRecord, Plugins, load_plugins

GOOD = """
    from contextlib import asynccontextmanager
    from crosskey import Settings, SourceSpec, hookimpl

    class S(Settings):
        url: str

    @asynccontextmanager
    async def opened(settings, context):
        yield object()

    @hookimpl
    def crosskey_sources():
        return [SourceSpec(name="{name}", summary="", settings=S, open=opened)]
"""


def record(plugins: Plugins, name: str) -> PluginRecord:
    return next(found for found in plugins.found if found.name == name)


def broken(shelf, source: str) -> str:
    """The reason for which a plugin with this source is refused, beside a good one that goes on."""
    shelf.put("fine-plugin", "1.0", GOOD.format(name="fine"))
    shelf.put("bad-plugin", "2.0", source, entry="bad")
    plugins = load_plugins(shelf.entry_points())
    assert list(plugins.sources) == ["fine"]
    found = record(plugins, "bad")
    assert (found.state, found.distribution, found.version, found.module) == (
        "broken",
        "bad-plugin",
        "2.0",
        "bad_plugin",
    )
    return found.reason


def test_a_distribution_is_found_and_everything_it_gives_bears_its_origin(shelf):
    shelf.put("crosskey-acme", "1.2", GOOD.format(name="acme"), entry="acme")
    plugins = load_plugins(shelf.entry_points())
    provided = plugins.sources["acme"]
    assert provided.value.name == "acme"
    assert (provided.plugin, provided.distribution, provided.version) == ("acme", "crosskey-acme", "1.2")
    assert provided.origin == "plugin acme (crosskey-acme 1.2)"
    assert plugins.found == (
        PluginRecord(
            name="acme",
            distribution="crosskey-acme",
            version="1.2",
            module="crosskey_acme",
            state="loaded",
            provides=("source acme",),
        ),
    )


def test_the_built_in_plugins_come_through_the_public_door():
    names = {found.name for found in load_plugins().found if found.distribution == "crosskey"}
    assert {"halo", "okta", "rules", "sandbox"} <= names


def test_kinds_are_kept_apart():
    plugins = load_plugins([ENTRY])
    assert (list(plugins.sources), list(plugins.targets), list(plugins.mappers)) == (["acme"], ["desk"], ["rules"])
    assert record(plugins, "acme").provides == ("source acme", "target desk", "mapper rules")
    assert not plugins.sso_flows


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("import no_such_module_anywhere", "ModuleNotFoundError: No module named", id="import"),
        pytest.param("def (:", "SyntaxError", id="syntax"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exit"),
        pytest.param("raise ValueError('two\\nlines')", "ValueError: two lines", id="raises"),
    ],
)
def test_a_plugin_that_cannot_be_imported_stands_alone(shelf, source, reason):
    assert reason in broken(shelf, source)


HOOKIMPL = "from crosskey import hookimpl\n"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("@hookimpl\ndef crosskey_source(): return []", 'no hook crosskey_source. Did you mean "crosskey_sources"'),
        ("@hookimpl\nasync def crosskey_sources(): return []", "crosskey_sources is async"),
        ("@hookimpl\nasync def crosskey_sources(): yield 1", "crosskey_sources is async"),
        (
            "@hookimpl\ndef crosskey_on_event(event=None): ...",
            'crosskey_on_event gives its parameter "event" a default',
        ),
        ("@hookimpl\ndef crosskey_on_event(*args): ...", "crosskey_on_event takes *args"),
        ("@hookimpl\ndef crosskey_on_event(event, more): ...", "more"),
        ("@hookimpl(wrapper=True)\ndef crosskey_sources():\n    return (yield)", "crosskey_sources is a wrapper"),
        ("@hookimpl(tryfirst=True)\ndef crosskey_sources(): return []", "asks for an order"),
        ("def crosskey_sources(): return []", "bad_plugin.crosskey_sources is not marked: write @hookimpl"),
        ("@hookimpl\ndef crosskey_sources(): return 1 / 0", "crosskey_sources raised ZeroDivisionError"),
        ("@hookimpl\ndef crosskey_sources():\n    yield 1 / 0", "crosskey_sources raised ZeroDivisionError"),
        ("@hookimpl\ndef crosskey_sources(): raise SystemExit", "crosskey_sources raised SystemExit"),
        ("PLUGIN = 'elsewhere'", "it implements no hook"),
        ("@hookimpl\ndef crosskey_sources(): return 7", "crosskey_sources raised TypeError"),
        ("@hookimpl\ndef crosskey_sources(): return ['okta']", "crosskey_sources returned a str where a SourceSpec"),
    ],
)
def test_hooks_that_would_fail_later_or_never_run_are_refused_at_load(shelf, source, reason):
    assert reason in broken(shelf, HOOKIMPL + source)


SPEC = """
from crosskey import *
from contextlib import asynccontextmanager
class S(Settings):
    url: str
class Clash(Settings):
    use: str
class Loose(__import__("msgspec").Struct):
    url: str
@asynccontextmanager
async def opened(settings, context): yield object()
async def not_opened(settings, context): yield object()
@hookimpl
def crosskey_sources():
    return [SourceSpec(name={name}, summary="", settings={settings}, open={open})]
"""


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"name": "7"}, "name 7 is not a lower-case word"),
        ({"name": "'Big Name'"}, "name 'Big Name' is not a lower-case word"),
        ({"settings": "dict"}, "settings is not a class derived from crosskey.Settings"),
        ({"settings": "Loose"}, "Loose must be frozen and refuse unknown keys"),
        ({"settings": "Clash"}, 'Clash declares the key "use"'),
        ({"open": "not_opened"}, "write @asynccontextmanager above it"),
        ({"open": "None"}, "open is not callable"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_specs_are_checked_before_anybody_uses_them(shelf, parts, reason):
    parts = {"name": "'x'", "settings": "S", "open": "opened"} | parts
    assert reason in broken(shelf, SPEC.format(**parts))


def test_a_plugin_that_breaks_half_way_gives_nothing(shelf):
    source = (
        GOOD.format(name="half") + "\n    @hookimpl\n    def crosskey_targets():\n        raise ValueError('late')\n"
    )
    shelf.put("half-plugin", "1", source, entry="half")
    plugins = load_plugins(shelf.entry_points())
    assert not plugins.sources
    assert record(plugins, "half").reason == "crosskey_targets raised ValueError: late"
    assert record(plugins, "half").provides == ()


def test_a_name_that_two_plugins_claim_belongs_to_neither(shelf):
    shelf.put("first-dist", "1.0", GOOD.format(name="same"), entry="first")
    shelf.put("second-dist", "2.0", GOOD.format(name="same"), entry="second")
    plugins = load_plugins(shelf.entry_points())
    assert not plugins.sources
    why = plugins.why_not("source", "same")
    assert why.code == "plugin-name-taken"
    assert "plugin first (first-dist 1.0)" in why.summary
    assert "plugin second (second-dist 2.0)" in why.summary
    assert "plugin second (second-dist 2.0) declares it too" in record(plugins, "first").reason
    assert "plugin first (first-dist 1.0) declares it too" in record(plugins, "second").reason


def test_two_kinds_may_share_a_name(shelf):
    shelf.put("first-dist", "1.0", GOOD.format(name="desk"), entry="first")
    assert load_plugins([ENTRY, *shelf.entry_points()]).sources["desk"].plugin == "first"


def test_two_distributions_with_one_plugin_name_are_both_refused(shelf):
    shelf.put("first-dist", "1.0", GOOD.format(name="one"), entry="twin")
    shelf.put("second-dist", "2.0", GOOD.format(name="two"), entry="twin")
    plugins = load_plugins(shelf.entry_points())
    assert not plugins.sources
    assert [found.state for found in plugins.found] == ["broken", "broken"]
    for found in plugins.found:
        assert "first-dist 1.0" in found.reason
        assert "second-dist 2.0" in found.reason


def test_the_same_entry_point_found_twice_is_one_plugin():
    assert [found.state for found in load_plugins([ENTRY, ENTRY]).found] == ["loaded"]


def test_a_hook_of_a_newer_crosskey_is_passed_over_when_the_plugin_says_so(shelf):
    source = GOOD.format(name="new") + "\n    @hookimpl(optionalhook=True)\n    def crosskey_later(x):\n        ...\n"
    shelf.put("new-plugin", "1", source, entry="new")
    assert list(load_plugins(shelf.entry_points()).sources) == ["new"]


def test_abilities_show_without_opening_anything_when_the_annotation_tells(shelf):
    source = """
        from collections.abc import AsyncIterator
        from contextlib import asynccontextmanager
        from crosskey import Context, Settings, SourceSpec, hookimpl

        class S(Settings):
            url: str

        class Directory:
            async def find(self, subject): ...

        @asynccontextmanager
        async def opened(settings: S, context: Context) -> AsyncIterator[Directory]:
            yield Directory()

        @hookimpl
        def crosskey_sources():
            return [SourceSpec(name="able", summary="", settings=S, open=opened)]
    """
    shelf.put("able-plugin", "1", source, entry="able")
    assert record(load_plugins(shelf.entry_points()), "able").capabilities == ("source able: find",)


def test_why_not_names_what_is_broken_and_what_is_close(shelf):
    shelf.put("crosskey-bad", "1", "import no_such_module_anywhere", entry="bad")
    plugins = load_plugins([ENTRY, *shelf.entry_points()])
    assert "plugin bad (crosskey-bad 1) is broken: ModuleNotFoundError" in plugins.why_not("source", "bad").summary
    assert 'Did you mean "acme"?' in plugins.why_not("source", "acne").summary
    assert plugins.why_not("sso flow", "acne").code == "sso-flow-unknown"
