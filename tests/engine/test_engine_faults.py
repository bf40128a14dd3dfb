"""Plugins that raise, rules that do not fit, files that cannot be: one clear error each, and nothing half done."""

import asyncio

import msgspec
import pytest
from engine_bench import CONFIG, rails

from crosskey.engine.explanation import explain
from crosskey.engine.saved import load_plan
from crosskey.engine.stage import Stage
from crosskey.errors import AuthError, ConfigError, ContractError, PluginError, RetryableError, StorageError
from crosskey.journal import Journal

GROUP = ExceptionGroup("tasks", [ExceptionGroup("inner", [RetryableError("no answer", where="source.corp")])])
ODD_GROUP = ExceptionGroup("tasks", [KeyError("oops")])


@pytest.mark.parametrize(
    ("raised", "error", "words"),
    [
        (KeyError("oops"), PluginError, "KeyError"),
        (GROUP, RetryableError, "no answer"),
        (ODD_GROUP, PluginError, "KeyError"),
        (AuthError("no longer allowed", where="source.corp"), AuthError, "no longer allowed"),
    ],
)
async def test_whatever_a_plugin_raises_while_it_reads_is_one_error_with_its_name(bench, raised, error, words):
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.fail = raised
    with pytest.raises(error, match=words) as caught:
        await bench.run()
    assert caught.value.where == "source.corp"
    assert bench.desk.writes == []
    with bench.journal() as journal:
        last = journal.runs(limit=1)[0]
    assert last.verdict == "failed"
    assert last.note.startswith(caught.value.code)


async def test_what_cancels_from_within_a_plugin_stays_an_interruption(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.fail = BaseExceptionGroup("tasks", [asyncio.CancelledError()])
    with pytest.raises(asyncio.CancelledError):
        await bench.run()
    with bench.journal() as journal:
        assert journal.runs(limit=1)[0].verdict == "aborted"


async def test_text_that_is_no_text_names_the_plugin(bench):
    bench.directory.add("ada", groups=["Staff"], display_name="half a \ud83d face")
    with pytest.raises(PluginError, match="surrogates not allowed"):
        await bench.run()
    assert bench.desk.writes == []


async def test_a_source_that_goes_on_after_its_end_breaks_its_contract(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.goes_on = True
    with pytest.raises(ContractError, match="went on"):
        await bench.run()


async def test_every_mapping_that_does_not_fit_is_told_at_once(bench):
    bench.configure(
        CONFIG.replace("Acme / London", "Acme / Londn").replace("[map.agent", "[map.agnet")
        + '\n[map.robot.fields]\nx = "y"'
    )
    with pytest.raises(ConfigError) as caught:
        await bench.run()
    told = str(caught.value)
    assert 'Did you mean "agent"?' in told
    assert '"Acme / Londn"' in told
    assert "[map.robot]" in told
    assert len(caught.value.problems) == 3


async def test_an_empty_catalogue_plans_nothing(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.entries = ()
    with pytest.raises(ConfigError, match="do not fit target.desk"):
        await bench.run()
    assert bench.desk.writes == []


async def test_a_role_that_was_renamed_keeps_its_id_and_plans_nothing(bench):
    bench.directory.add("ada", groups=["Staff", "London"])
    await bench.run()
    bench.desk.entries = tuple(
        msgspec.structs.replace(entry, name="Reader") if entry.name == "Viewer" else entry
        for entry in bench.desk.entries
    )
    bench.configure(CONFIG.replace('"Viewer"', '"Reader"'))
    await bench.run()
    assert bench.did() == []


async def test_a_plan_file_that_cannot_be_written_or_is_none(bench, tmp_path):
    bench.directory.add("ada", groups=["Staff"])
    with pytest.raises(ConfigError, match="cannot be written"):
        await bench.run("plan", keep=tmp_path / "no" / "such" / "folder.plan")
    with pytest.raises(ConfigError, match="plain file"):
        await bench.run("plan", keep=tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_plan(tmp_path / "none.plan")
    for odd in (b'{"format": "crosskey-plan/2"}', b'{"format": "\xff"}'):
        (tmp_path / "odd.plan").write_bytes(odd)
        with pytest.raises(ConfigError, match="not a plan"):
            load_plan(tmp_path / "odd.plan")


async def test_a_saved_plan_of_another_journal_is_refused(bench, tmp_path):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run("plan", keep=tmp_path / "saved.plan")
    for file in bench.config.journal.path.parent.iterdir():
        file.unlink()
    with pytest.raises(Exception, match="another journal"):
        await bench.run("apply", expected=load_plan(tmp_path / "saved.plan"))
    assert bench.desk.writes == []


async def test_a_scratch_file_that_cannot_be_made_is_a_storage_error(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.config.journal.path.parent.mkdir()
    bench.config.journal.path.with_name("reading.sqlite").mkdir()
    with pytest.raises(StorageError, match="scratch"):
        await bench.run()


async def test_nobody_is_explained_who_is_not_known_and_somebody_gone_still_is(bench):
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"], user_name=f"{name}.user")
    await bench.run()
    del bench.directory.people["ada"]
    bench.directory.group("Staff").discard("ada")
    await bench.run()
    snapshot = bench.config.journal.path.with_name("snapshot.sqlite")
    with Journal.open(bench.config.journal.path, clock=bench.clock) as journal, Stage.kept(snapshot) as stage:
        [bob] = explain(bench.config, journal, stage, "BOB.USER")
        [same] = explain(bench.config, journal, stage, "user:2")
        assert bob.person == same.person
        assert bob.person is not None
        [gone] = explain(bench.config, journal, stage, "user:1")
        with pytest.raises(ConfigError, match='nobody is known as "user:9"'):
            explain(bench.config, journal, stage, "user:9")
        with pytest.raises(StorageError, match="holds no weather"):
            stage.read_note("weather", str)
    assert gone.person is None
    assert gone.groups == []
    assert [operation.change.action for operation in gone.accounts[0].operations] == ["disable", "create"]


async def test_no_snapshot_yet_says_what_to_run(bench, tmp_path):
    with pytest.raises(StorageError, match="crosskey plan"):
        Stage.kept(tmp_path / "snapshot.sqlite")


async def test_a_held_read_leaves_the_last_good_snapshot(bench):
    for number in range(20):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    bench.directory.people.clear()
    assert rails(await bench.run()) == ["empty-source"]
    with Stage.kept(bench.config.journal.path.with_name("snapshot.sqlite")) as stage:
        assert stage.people.count() == 20


async def test_how_much_came_is_in_the_journal(bench):
    for number in range(9):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.desk.batch = 9
    await bench.run()
    await bench.run()
    assert bench.observer.advanced["Reading people and accounts"] == 9 + 9
    with bench.journal() as journal:
        people, accounts = journal.last_complete("source.corp", "people"), journal.last_complete("target.desk", "user")
    groups_page, people_pages, member_pages, end = 1, 3, 3, 1
    assert (people.pages, people.records) == (groups_page + people_pages + member_pages + end, 9)
    assert (accounts.pages, accounts.records) == (2 + 1, 9)
    assert people.reason == ""


async def test_accounts_without_an_end_are_not_complete(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.complete = False
    with pytest.raises(ContractError, match=r"got \{.*'user': 1.*\}, the target told no end"):
        await bench.run()
    bench.desk.complete, bench.desk.told = True, {"user": 2}
    with pytest.raises(ContractError, match=r"the target told \{.*'user': 2"):
        await bench.run()
    assert bench.desk.writes == []
    with bench.journal() as journal:
        assert journal.last_complete("target.desk", "user") is None
