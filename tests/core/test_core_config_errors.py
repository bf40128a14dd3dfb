"""A configuration that is wrong: every problem in one turn, each with its place, its words and its fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from core_acme import CONFIG, ENTRY, acme_plugins

from crosskey.config import load_config
from crosskey.errors import ConfigError, Diagnostic, ExitCode
from crosskey.plugins import load_plugins


@pytest.fixture
def refused(tmp_path: Path):
    """The problems found in a text, by the path of their key."""

    def refused(text: str | bytes, *, resolve_secrets: bool = False) -> dict[str, Diagnostic]:
        path = tmp_path / "crosskey.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigError) as caught:
            load_config(path, acme_plugins(), resolve_secrets=resolve_secrets)
        assert caught.value.exit_code is ExitCode.CONFIG
        assert caught.value.where == str(path)
        found = {problem.path: problem for problem in caught.value.problems}
        assert len(found) == len(caught.value.problems), "two problems at one place"
        return found

    return refused


def test_all_problems_come_at_once_and_in_one_error(refused):
    problems = refused(
        """
        [source.corp]
        use = "acme"
        ulr = "https://acme.example.com"
        token = "canary"
        mode = "fsat"
        timeout = 90
        hosts = ["a", 2]
        levels = { x = "hgih", y = "low" }
        retry = { attempts = 0, wiat = "1s" }
        steps = [{}, { wait = "soon" }]
        certificate = 1
        [source.corp.groups]
        "All Staff" = 7
        [target.support]
        use = "dsek"
        [sync]
        from = ["crop"]
        settle = 5
        [mapp.user]
        [rails]
        max_disable = { count = -1 }
        shrink_percent = 101
        """
    )
    summaries = {path: problem.summary for path, problem in problems.items()}
    assert summaries == {
        "mapp": 'unknown section. Did you mean "map"?',
        "source.corp.ulr": 'unknown key. Did you mean "url"?',
        "source.corp.url": "this key is required: Where the directory is.",
        "source.corp.token": "a secret may not stand in the configuration, only a reference to it",
        "source.corp.mode": '"fsat" is not known. Did you mean "fast"?',
        "source.corp.timeout": "expected text, got a whole number",
        "source.corp.hosts[1]": "expected text, got a whole number",
        "source.corp.levels.x": '"hgih" is not known. Did you mean "high"?',
        "source.corp.retry.attempts": "expected a whole number >= 1",
        "source.corp.retry.wiat": 'unknown key. Did you mean "wait"?',
        "source.corp.steps[1].wait": 'expected a duration like "90s", "15m", "4h" or "7d"',
        "source.corp.certificate": "expected text, got a whole number",
        'source.corp.groups."All Staff"': "expected text, got a whole number",
        "target.support.use": 'no plugin offers a target named "dsek". Did you mean "desk"?',
        "sync.from": 'there is no section [source.crop]. Did you mean "corp"?',
        "sync.settle": "expected text, got a whole number",
        "map": "there are no mapping rules",
        "rails.max_disable.count": "expected a whole number >= 0",
        "rails.shrink_percent": "expected a number <= 100.0",
    }
    assert problems["source.corp.token"].fix == 'store it elsewhere and write token = { env = "CORP_TOKEN" }'
    assert problems["source.corp.mode"].fix == 'write one of "fast", "safe"'
    assert problems["source.corp.timeout"].fix == 'write it as text: "90s", "15m", "4h", "7d"'


def test_what_a_plugin_finds_in_its_own_settings_gets_its_place(refused):
    text = CONFIG.replace("[target", 'token = { env = "A" }\npassword = { env = "B" }\n[target')
    problem = refused(text)["source.corp.password"]
    assert (problem.summary, problem.fix) == ("token and password exclude each other", "keep one of them")


def test_a_section_that_is_not_used_is_checked_too(refused):
    assert list(refused(CONFIG + '[source.other]\nuse = "acme"\n')) == ["source.other.url", "sync.from"]


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        ('"s3cret-canary"', "a secret may not stand in the configuration, only a reference to it"),
        ("7", "a secret may not stand in the configuration, only a reference to it"),
        ("{}", "a secret needs exactly one of env, file, keyring, command"),
        ('{ env = "A", file = "b" }', "a secret needs exactly one of env, file, keyring, command"),
        ('{ evn = "A" }', 'no plugin knows the secret scheme "evn". Did you mean "env"?'),
        ('{ env = "" }', "env needs text that says where the secret is"),
        ('{ env = ["A"] }', "env needs text that says where the secret is"),
        ("{ command = [] }", "command needs text that says where the secret is"),
        ('{ command = ["pass", 7] }', "command needs text that says where the secret is"),
    ],
)
def test_a_secret_must_be_one_reference(refused, value, summary):
    problem = refused(CONFIG.replace('{ env = "DESK_SECRET" }', value))["target.support.secret"]
    assert problem.summary == summary
    assert 'secret = { env = "SUPPORT_SECRET" }' in problem.fix
    assert "canary" not in str(problem)


def test_a_required_secret_is_asked_for_as_a_reference(refused):
    problem = refused(CONFIG.replace('secret = { env = "DESK_SECRET" }', ""))["target.support.secret"]
    assert problem.summary == "this key is required: The desk's own secret."
    assert problem.fix == 'write secret = { env = "SUPPORT_SECRET" }'


@pytest.mark.parametrize(
    ("change", "path", "summary", "fix"),
    [
        (
            ("[map.user]", ""),
            "map",
            "there are no mapping rules",
            "write a section [map.<kind>]",
        ),
        (
            ("[map.user]", "[map.user]\nuse = 'ruels'"),
            "map.user.use",
            'no plugin offers a mapper named "ruels". Did you mean "rules"?',
            "correct the name, or install the plugin that offers it (`crosskey plugins list` shows what is there)",
        ),
        (
            ("[source.corp]", "[source]"),
            "source",
            "keys stand outside a section [source.<name>]: use, url",
            "give the section a name: [source.<name>]",
        ),
        (
            ("[source.corp]", "[source.'my corp']"),
            'source."my corp"',
            "a section's name may hold letters, digits, - and _ only",
            "rename the section",
        ),
        (
            ('use = "acme"', ""),
            "source.corp.use",
            "this key is required: it names the source plugin",
            'write use = … with one of "acme"',
        ),
        (
            ('use = "acme"', "use = 5"),
            "source.corp.use",
            "expected text, got a whole number: it names the source plugin",
            'write use = … with one of "acme"',
        ),
        (
            ("[map.user]", "[map.user]\n[sync]\nto = 'suport'"),
            "sync.to",
            'there is no section [target.suport]. Did you mean "support"?',
            "correct the name",
        ),
        (
            ("[map.user]", "[map.user]\n[sync]\nfrom = 'corp'"),
            "sync.from",
            "expected a list, got text",
            "",
        ),
        (
            ("[map.user]", "[map.user]\n[source.b]\nuse='acme'\nurl='x'\n[sync]\nfrom = ['corp', 'b']"),
            "sync.same",
            "several sources are read, and nothing says how one person in two of them is recognised",
            'write same = ["employee_number", "email"] or whatever surely tells people apart; [] for nobody',
        ),
        (
            ("[map.user]", "[map.user]\n[source.b]\nuse='acme'\nurl='x'"),
            "sync.from",
            "there are several sources, and none is chosen",
            'name one of "corp", "b" here',
        ),
        (
            ("\n[source.corp]", "rails = 5\n[source.corp]"),
            "rails",
            "expected a table, got a whole number",
            "",
        ),
        (
            ("[map.user]", "[map.user]\n[journal]\npath = ''"),
            "journal.path",
            "this may not be empty",
            "write the path as text",
        ),
    ],
)
def test_each_slip_has_its_sentence_and_its_fix(refused, change, path, summary, fix):
    problem = refused(CONFIG.replace(*change))[path]
    assert (problem.summary, problem.fix) == (summary, fix)


def test_an_empty_file_says_everything_that_is_missing(refused):
    problems = refused("")
    assert {path: problem.fix for path, problem in problems.items()} == {
        "source": "write a section [source.<name>]",
        "target": "write a section [target.<name>]",
        "map": "write a section [map.<kind>]",
    }


def test_lists_keep_their_limits(refused):
    text = CONFIG.replace("[target", "steps = [{}, {}, {}]\n[target")
    assert "length <= 2" in refused(text)["source.corp.steps"].summary


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[source.corp]\nuse = okta\n", "line 2, column 7", "Invalid value"),
        ("[source.corp\n", "line 1, column 13", "Expected"),
        ('a = "unfinished', "end of file", "Unterminated string"),
        ("a = 1\na = 2\n", "line 2, column 6", "Cannot overwrite a value"),
        ("a = 2026-13-45", "line 1", ""),
        ("a = " + "[" * 20_000, "crosskey.toml", "nested too deeply"),
        ("a = " + "9" * 5_000, "crosskey.toml", ""),
    ],
    ids=["bare-word", "bracket", "string", "twice", "date", "deep", "long-number"],
)
def test_broken_toml_says_where(refused, text, place, words):
    ((path, problem),) = refused(text).items()
    assert problem.code == "config-syntax"
    assert place in path
    assert words in problem.summary


def test_a_syntax_error_takes_nothing_of_the_file_along(tmp_path):
    path = tmp_path / "crosskey.toml"
    path.write_text('token = "canary"\nbroken = {')
    with pytest.raises(ConfigError) as caught:
        load_config(path, acme_plugins())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_missing_file_points_to_init(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "absent.toml", acme_plugins())
    assert caught.value.code == "config-missing"
    assert "crosskey init" in caught.value.fix
    assert "absent.toml" in caught.value.where


def test_a_folder_or_other_bytes_are_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path, acme_plugins())
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "latin.toml", acme_plugins())


AWKWARD = """
    from contextlib import asynccontextmanager
    from crosskey import Settings, SourceSpec, hookimpl

    class S(Settings):
        {field}

        def __post_init__(self):
            raise ValueError("an odd address")

    @asynccontextmanager
    async def opened(settings, context):
        yield object()

    @hookimpl
    def crosskey_sources():
        return [SourceSpec(name="awkward", summary="", settings=S, open=opened)]
"""


@pytest.mark.parametrize(
    ("field", "code", "words"),
    [
        ("url: str", "config-value", "an odd address"),
        ("url: 'NoSuchType'", "plugin-broken", "awkward_plugin.S cannot be used as settings (NameError"),
    ],
)
def test_settings_that_raise_are_reported_at_their_section(shelf, tmp_path, field, code, words):
    shelf.put("awkward-plugin", "1", AWKWARD.format(field=field))
    path = tmp_path / "crosskey.toml"
    path.write_text(CONFIG.replace('"acme"', '"awkward"'))
    with pytest.raises(ConfigError) as caught:
        load_config(path, load_plugins([ENTRY, *shelf.entry_points()]), resolve_secrets=False)
    (problem,) = caught.value.problems
    assert (problem.path, problem.code) == ("source.corp", code)
    assert words in problem.summary


def test_a_sync_that_is_no_table_is_one_problem(refused):
    assert list(refused("sync = 'corp'" + CONFIG)) == ["sync"]


@pytest.mark.parametrize("value", ["[]", "5"])
def test_sections_that_are_no_tables_are_one_problem(refused, value):
    problem = refused(f"map = {value}" + CONFIG.replace("[map.user]", ""))["map"]
    assert "expected sections [map.<name>]" in problem.summary


def test_a_broken_plugin_is_named_where_it_is_used(shelf, tmp_path):
    shelf.put("crosskey-acme", "3.1", "import no_such_module_anywhere", entry="acme")
    path = tmp_path / "crosskey.toml"
    path.write_text(CONFIG)
    with pytest.raises(ConfigError) as caught:
        load_config(path, load_plugins(shelf.entry_points()))
    problem = caught.value.problems[0]
    assert (problem.path, problem.code) == ("source.corp.use", "plugin-broken")
    assert "plugin acme (crosskey-acme 3.1) is broken: ModuleNotFoundError" in problem.summary
