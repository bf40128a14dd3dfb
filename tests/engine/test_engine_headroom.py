"""How far a plan is from the rails that count: each number, of each kind of account."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

from crosskey.config import Limit, RailSettings
from crosskey.engine.rails.headroom import headroom

SETTINGS = RailSettings(max_disable=Limit(count=2, percent=10.0), max_create=Limit(count=5, percent=50.0))


class Links:
    """A journal that knows only how many accounts are linked, and for which kinds a run came to its end."""

    def __init__(self, links: dict[str, tuple[int, int]], begun: set[str]):
        self._links, self._begun = links, begun

    def link_count(self, kind: str, *, active_only: bool = False) -> int:
        return self._links[kind][1 if active_only else 0]

    def applied_configuration(self, kind: str) -> str | None:
        return "some configuration" if kind in self._begun else None


def told(links: dict[str, tuple[int, int]], counts: dict[tuple[str, str], int], *, begun: tuple[str, ...] = ()):
    planner = SimpleNamespace(
        stage=SimpleNamespace(proposals=SimpleNamespace(change_counts=lambda: Counter(counts))),
        journal=Links(links, set(begun)),
        kinds=[SimpleNamespace(name=kind) for kind in links],
    )
    return list(headroom(planner, SETTINGS))


def test_what_is_left_is_the_limit_less_what_is_planned():
    counts = {("user", "disable"): 3, ("user", "create"): 7, ("user", "update"): 90}
    assert told({"user": (100, 40)}, counts, begun=("user",)) == [
        ("mass-disable", "user", 1),
        ("create-flood", "user", 43),
    ]


def test_too_many_count_below_nought():
    counts = {("user", "disable"): 6, ("user", "create"): 9}
    assert told({"user": (10, 8)}, counts, begun=("user",)) == [
        ("mass-disable", "user", -4),
        ("create-flood", "user", -4),
    ]


def test_each_kind_has_its_own_and_a_first_run_may_create_any_number():
    counts = {("user", "create"): 9, ("agent", "disable"): 1, ("agent", "create"): 1}
    assert told({"user": (0, 0), "agent": (20, 20)}, counts, begun=("agent",)) == [
        ("mass-disable", "user", 2),
        ("mass-disable", "agent", 1),
        ("create-flood", "agent", 9),
    ]


def test_what_nothing_is_planned_of_has_its_whole_limit_left():
    assert told({"user": (10, 10)}, {}, begun=("user",)) == [("mass-disable", "user", 2), ("create-flood", "user", 5)]
