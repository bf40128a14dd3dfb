"""T13, the short tier: every cassette, a sample of what can be changed in it, and proof that the judge would notice."""

from __future__ import annotations

from collections import Counter

import pytest
from proofs.cassettes.cases import cases
from proofs.cassettes.judge import try_case
from proofs.cassettes.mutants import mutants_of
from proofs.cassettes.tape import load

import crosskey_halo.writer
from crosskey.errors import CrosskeyError
from crosskey_okta.org import Org
from crosskey_okta.status import Statuses

EVERY = 30
"""The short tier tries one mutant of so many, and at least one of each kind."""


def wrong(judged) -> list[str]:
    return [f"{mutant.kind} {mutant.where}: {came.why}" for mutant, came in judged if came.verdict == "wrong"]


@pytest.mark.parametrize("path", sorted(cases()))
async def test_a_cassette_changed_in_one_place_is_refused_or_does_no_harm(path):
    judged = await try_case(path, EVERY)
    assert wrong(judged) == []
    assert any(came.verdict == "refused" for _, came in judged), "an answer that is cut is refused somewhere"


def test_every_kind_of_change_is_tried():
    kinds = Counter(mutant.kind for case in cases().values() for mutant in mutants_of(load(case.file)))
    assert {"cut", "removed", "status 500", "status 401", "status 404", "status 204", "dropped", "type", "null",
            "broken text", "doubled", "swapped", "next dropped", "next to itself"} == set(kinds)  # fmt: skip


# ------------------------------------------------------------------------------------ tolerances, planted one at a time


async def test_a_list_that_ends_early_and_counts_as_whole_is_noticed(monkeypatch):
    listing = Org.listing

    async def tolerant(self, *args, **kwargs):
        try:
            async for page in listing(self, *args, **kwargs):
                yield page
        except CrosskeyError:
            return

    monkeypatch.setattr(Org, "listing", tolerant)
    assert any("ended early" in each for each in wrong(await try_case("okta/full-read", EVERY)))


async def test_a_status_that_nobody_knows_taken_for_inactive_is_noticed(monkeypatch):
    monkeypatch.setattr(Statuses, "active", lambda self, status: self._active.get(status, False))
    assert any("was disabled" in each for each in wrong(await try_case("okta/rate-limited", 3)))


async def test_answers_of_the_desk_matched_by_place_alone_are_noticed(monkeypatch):
    def by_place(kind, piece, rows):
        return {change.id: row for change, row in zip(piece, rows, strict=False)}

    monkeypatch.setattr(crosskey_halo.writer, "created", by_place)
    assert any("did not say so" in each for each in wrong(await try_case("halo/bisect-refused", 5)))
