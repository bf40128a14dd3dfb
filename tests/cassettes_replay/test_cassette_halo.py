"""The Halo target over its cassettes: typed catalogue, accounts and outcomes."""

from __future__ import annotations

from collections import Counter

from cassette_cases import a_create


async def test_catalogue_and_accounts(replay) -> None:
    catalogue, accounts, end = await replay("halo/read-catalogue-and-accounts")
    assert catalogue.name("site", catalogue.resolve("site", "Acme / London")) == "Acme / London"
    assert {entry.name for entry in catalogue.entries if entry.reference == "agent role"} == {
        "Administrator", "Standard User", "Team Lead", "Read Only",
    }  # fmt: skip
    assert Counter(kind for kind, _ in accounts) == end.counts == {"user": 42, "agent": 4}
    agents = {account.label for account in accounts.values() if account.kind == "agent"}
    assert agents == {"crosskey Integration", "Ines Falk", "Jonas Brandt", "Petra Lang"}, "and never Unassigned"
    users = [account for account in accounts.values() if account.kind == "user"]
    known = [user for user in users if user.label.startswith("Person")]
    assert {user.fields["emailaddress"].casefold() for user in known} == {f"person{n}@example.com" for n in range(40)}
    assert sum(not user.active for user in known) == 13, "inactive ones are read too"
    assert all(len(user.references["site"]) == 1 for user in users)
    [jonas] = [account for account in accounts.values() if account.label == "Jonas Brandt"]
    assert jonas.references["teams"] == (catalogue.resolve("team", "1st Line"),)
    assert jonas.references["roles"] == (catalogue.resolve("agent role", "Standard User"),)
    [integration] = [account for account in accounts.values() if account.label == "crosskey Integration"]
    assert integration.protected, "the agent that we act as is never touched"


async def test_a_batch_of_creates_is_one_request_and_an_outcome_each(replay) -> None:
    outcomes = await replay("halo/create-batch")
    assert [outcome.change for outcome in outcomes] == [a_create(number).id for number in range(1, 13)]
    assert {outcome.result for outcome in outcomes} == {"applied"}
    assert len({outcome.key for outcome in outcomes}) == 12


async def test_one_bad_record_is_told_from_seven_good_ones(replay) -> None:
    outcomes = await replay("halo/bisect-refused")
    refused = [outcome for outcome in outcomes if outcome.result != "applied"]
    assert [(outcome.change, outcome.result) for outcome in refused] == [("user:6", "rejected")]
    assert "truncated in column 'name'" in refused[0].message
    assert len({outcome.key for outcome in outcomes if outcome.key}) == 7


async def test_an_agent_is_disabled(replay) -> None:
    [outcome], agent = await replay("halo/disable-agent")
    assert (outcome.result, outcome.key) == ("applied", agent.key)
    assert (agent.label, agent.active) == ("Jonas Brandt", False)


async def test_check_finds_everything_in_place(replay) -> None:
    found = await replay("halo/check")
    assert set(found.values()) == {"ok"}
    assert {"halo-signed-in", "halo-instance", "halo-users", "halo-sites", "halo-agents"} <= set(found)


async def test_a_used_up_budget_is_waited_for(replay) -> None:
    _, accounts, end = await replay("halo/rate-limited")
    assert replay.clock.elapsed >= 30, "no Retry-After: by our own measure"
    assert Counter(kind for kind, _ in accounts) == end.counts
