"""What a history is drawn from: steps in any order, and the switches of each vendor that lag, flap and repeat."""

from __future__ import annotations

from following_directories import AGENTS, APPROVERS, LEADS, LONDON, OTHER, PART, STAFF
from hypothesis import strategies as st

WHO = st.integers(0, 14)
GROUP = st.sampled_from([STAFF, STAFF, LONDON, APPROVERS, AGENTS, LEADS, PART, OTHER])
INNER = st.sampled_from([PART, OTHER])
OUTER = st.sampled_from([STAFF, AGENTS, LONDON, PART, OTHER])

HAPPENS = st.one_of(
    st.tuples(st.just("hire"), st.sets(GROUP, max_size=3).map(sorted)),
    st.tuples(st.sampled_from(["off", "on", "delete", "restore", "purge", "number", "mail", "title"]), WHO),
    st.tuples(st.sampled_from(["off", "delete", "restore", "purge"]), st.integers(0, 3)),
    st.tuples(st.sampled_from(["swap_mail", "rehire"]), WHO),
    st.tuples(st.sampled_from(["join", "leave"]), GROUP, WHO),
    st.tuples(st.sampled_from(["nest", "unnest"]), OUTER, INNER),
    st.tuples(st.sampled_from(["swap_names", "rename"]), st.sampled_from([LONDON, APPROVERS, LEADS, OTHER])),
)
BY_HAND = st.tuples(st.just("by_hand"), st.sampled_from(["off", "name", "role", "delete"]), st.integers(0, 20))
EFFECT = st.sampled_from(["lost_before", "lost_after", "late", "error_after", "error_before", "truncated"])
GOES_WRONG = st.one_of(
    st.tuples(st.just("fault"), EFFECT, st.sampled_from(["POST", "POST", "GET"]), st.integers(0, 1)),
    st.tuples(st.just("kill"), st.sampled_from(["before", "after"]), st.integers(0, 1)),
)
RUNS = st.one_of(
    st.tuples(st.just("run"), st.sampled_from(["changes", "changes", "plan", "full plan", "full"])),
    st.tuples(st.just("person"), WHO),
    st.just(("run", "changes")),
    st.just(("run", "changes")),
)
WAITS = st.tuples(st.just("wait"), st.sampled_from([0.3, 5.0, 25.0, 45.0, 130.0, 700.0, 4000.0]))
STEPS = st.lists(
    st.tuples(st.one_of(HAPPENS, HAPPENS, HAPPENS, RUNS, RUNS, WAITS, GOES_WRONG, BY_HAND), st.booleans()),
    min_size=2,
    max_size=24,
)

HALO = st.fixed_dictionaries({"list_lag": st.sampled_from([0.0, 0.0, 20.0]), "other5_listed": st.booleans()})
OKTA = st.fixed_dictionaries(
    {
        "membership_lag": st.sampled_from([0.0, 6.0]),
        "search_lag": st.sampled_from([0.0, 20.0]),
        "search_flap": st.sampled_from([0, 2, 3]),
        "log_late": st.sampled_from([0.0, 30.0]),
        "delete_moves_membership": st.booleans(),
    }
)
ENTRA = st.fixed_dictionaries(
    {
        "replication_lag": st.sampled_from([0.0, 30.0]),
        "lagging_reads": st.sampled_from([1, 2, 3]),
        "deleted_members_in_delta": st.booleans(),
        "delta_page": st.sampled_from([2, 200]),
        "delta_replay": st.sampled_from([0, 2]),
    }
)
