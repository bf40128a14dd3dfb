"""What comes in by the door names people to look at, and can do nothing else."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from hook_bench import AUTH, ISSUER, Bench, PushingSource
from hypothesis import example, given
from hypothesis import strategies as st

from crosskey.connector.signal import SignalAnswer
from crosskey.model import Subject

# ---------------------------------------------------------------------------------------------------------- what is told


async def test_people_are_passed_on_as_subjects_of_their_source_and_answered_at_once():
    bench = Bench()
    response = await bench.told(people=["p1", "p2"])
    assert (response.status_code, response.content) == (202, b"")
    assert bench.woken == [(frozenset({Subject(ISSUER, "p1"), Subject(ISSUER, "p2")}), False)]


async def test_changes_and_renewals_are_passed_on():
    bench = Bench()
    await bench.told(changes=True)
    await bench.told(renew=True)
    await bench.told()
    assert (bench.woken, bench.renewed) == ([(frozenset(), True)], ["corp"])


async def test_that_a_vendor_spoke_is_told_where_it_can_be_believed():
    bench = Bench()
    await bench.told(people=["p1"], events=["e1"])
    await bench.told(people=["p1"], events=["e1"])  # heard before, and the channel works all the same
    await bench.client.post("/hooks/corp", content=b"{}", headers={"authorization": "guess"})
    await bench.client.get("/hooks/corp?challenge=abc")
    assert bench.spoke == ["corp", "corp"]


async def test_each_source_has_its_own_address():
    other = PushingSource()
    other.issuer = "https://other.example"
    bench = Bench({"corp": PushingSource(), "branch": other})
    await bench.told(source="branch", people=["p1"])
    assert bench.woken == [(frozenset({Subject("https://other.example", "p1")}), False)]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_challenge_is_answered_and_nothing_else_happens(method):
    bench = Bench()
    response = await bench.client.request(method, "/hooks/corp?challenge=abc%20%3Cb%3E")
    assert (response.status_code, response.text) == (200, "abc <b>")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert bench.woken == []


async def test_the_source_sees_the_request_as_it_came():
    bench = Bench()
    await bench.client.post(
        "/hooks/corp?a=1&a=2&b=%C3%A9",
        content=b"\x00raw",
        headers=[("X-Some-Header", "Value"), ("Authorization", "one"), ("Authorization", "two")],
    )
    (request,) = bench.source.received
    assert (request.method, request.body, dict(request.query)) == ("POST", b"\x00raw", {"a": "1", "b": "é"})
    assert request.headers["x-some-header"] == "Value"
    assert request.headers["authorization"] == "one, two", "a header that comes twice is no secret"


# ------------------------------------------------------------------------------------------------------- who is let in


async def test_a_wrong_secret_is_refused_without_a_word():
    bench = Bench()
    response = await bench.told(headers={"authorization": "guess"}, people=["p1"])
    assert (response.status_code, response.content) == (401, b"")
    assert bench.woken == []


async def test_an_unknown_source_is_not_there_and_not_read():
    bench = Bench()
    response = await bench.told(source="nobody", people=["p1"])
    assert (response.status_code, response.content) == (404, b"")
    assert (await bench.client.get("/hooks/")).status_code == 404
    assert bench.source.received == []


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_taken(method):
    bench = Bench()
    assert (await bench.client.request(method, "/hooks/corp", headers=AUTH)).status_code == 405
    assert bench.source.received == []


@pytest.mark.parametrize(("verdict", "status", "expected"), [
    ("refused", 200, 403), ("refused", 500, 403), ("accepted", 500, 200), ("challenge", 302, 200),
])  # fmt: skip
async def test_a_source_cannot_give_an_answer_that_its_vendor_would_misread(verdict, status, expected):
    bench = Bench()
    bench.source.receive = lambda _: SignalAnswer(verdict=verdict, code="x", status=status, content_type="text/html")
    response = await bench.told()
    assert response.status_code == expected
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda _: None])
async def test_a_source_that_breaks_its_contract_does_not_take_the_door_along(broken, caplog):
    bench = Bench()
    bench.source.receive = broken
    assert (await bench.told(people=["p1"])).status_code == 503
    assert "source-broken" in caplog.text
    del bench.source.receive
    assert (await bench.told(people=["p1"])).status_code == 202


async def test_whoever_cannot_be_woken_costs_no_answer(caplog):
    bench = Bench()

    class NoIssuer(PushingSource):
        @property
        def issuer(self):
            raise RuntimeError("who: p1 with not-a-secret")

    bench = Bench({"corp": NoIssuer()})
    assert (await bench.told(people=["p1"])).status_code == 503
    assert "not-handled (RuntimeError)" in caplog.text
    assert "not-a-secret" not in caplog.text


# -------------------------------------------------------------------------------------------------------------- bodies


async def test_a_body_may_be_as_long_as_the_limit_and_no_longer():
    bench = Bench(body=100)
    assert (await bench.client.post("/hooks/corp", content=b"x" * 100, headers=AUTH)).status_code == 400
    assert (await bench.client.post("/hooks/corp", content=b"x" * 101, headers=AUTH)).status_code == 413
    assert len(bench.source.received) == 1


async def test_a_body_that_is_longer_than_it_was_said_to_be_is_cut_off():
    bench = Bench(body=100)
    sent = []

    async def endless():
        while True:
            sent.append(40)
            yield b"x" * 40

    response = await bench.client.post("/hooks/corp", content=endless(), headers=AUTH)
    assert (response.status_code, len(sent)) == (413, 3)


@pytest.mark.parametrize(
    ("announced", "status"), [("9" * 4000, 413), ("-1", 400), ("0x10", 400), ("", 400), ("²", 400)]
)
async def test_an_odd_length_is_refused_unread(announced, status):
    bench = Bench()
    assert await raw(bench, headers=[(b"content-length", announced.encode("latin-1"))]) == status
    assert bench.source.received == []


async def test_a_body_that_drips_in_is_given_up():
    bench = Bench(body_seconds=5.0)

    async def dripping():
        for _ in range(100):
            bench.clock.advance(1.0)
            yield b"x"

    response = await bench.client.post("/hooks/corp", content=dripping(), headers=AUTH)
    assert response.status_code == 408
    assert bench.clock.elapsed == 6.0


async def test_a_body_that_never_comes_is_given_up():
    bench = Bench(body_seconds=0.01)

    async def never():
        await asyncio.Event().wait()
        yield b""

    assert (await bench.client.post("/hooks/corp", content=never(), headers=AUTH)).status_code == 408


async def test_a_sender_who_hangs_up_leaves_the_door_open():
    bench = Bench(at_once=1)
    assert await raw(bench, messages=[{"type": "http.disconnect"}]) == 400
    assert (await bench.told(people=["p1"])).status_code == 202


async def test_only_so_many_are_read_at_once():
    bench = Bench(at_once=1)
    gate = asyncio.Event()

    async def slow():
        await gate.wait()
        yield b'{"people": ["slow"]}'

    first = asyncio.create_task(bench.client.post("/hooks/corp", content=slow(), headers=AUTH))
    await asyncio.sleep(0)
    response = await bench.told(people=["p1"])
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")
    gate.set()
    assert (await first).status_code == 202
    assert bench.people == ["slow"]


# ------------------------------------------------------------------------------------------------- replays and floods


async def test_an_event_that_comes_again_is_answered_and_not_acted_upon():
    bench = Bench()
    for _ in range(3):
        assert (await bench.told(people=["p1"], events=["e1"])).status_code == 202
    assert bench.people == ["p1"]
    await bench.told(people=["p1", "p2"], events=["e1", "e2"])
    assert bench.people == ["p1", "p1", "p2"], "one of them is new"


async def test_signals_without_event_ids_are_never_taken_for_replays():
    bench = Bench()
    await bench.told(people=["p1"])
    await bench.told(people=["p1"])
    assert bench.people == ["p1", "p1"]


async def test_event_ids_are_forgotten_with_time_and_number():
    bench = Bench(events=2, events_seconds=60.0)
    for event in ("e1", "e2", "e3", "e1"):
        await bench.told(people=[event], events=[event])
    assert bench.people == ["e1", "e2", "e3", "e1"], "the oldest of three was forgotten"
    await bench.told(people=["e3"], events=["e3"])
    bench.clock.advance(61.0)
    await bench.told(people=["e3"], events=["e3"])
    assert bench.people == ["e1", "e2", "e3", "e1", "e3"]


async def test_one_source_cannot_use_up_the_event_ids_of_another():
    bench = Bench({"corp": PushingSource(), "branch": PushingSource()})
    await bench.told(source="branch", people=["p1"], events=["e1"])
    await bench.told(source="corp", people=["p1"], events=["e1"])
    assert bench.people == ["p1", "p1"]


async def test_a_flood_of_signals_becomes_one_round_of_changes():
    bench = Bench(signals=1.0, signals_burst=3, calm=5.0)
    for number in range(50):
        assert (await bench.told(people=[f"p{number}"])).status_code == 202, "the vendor is answered as always"
    assert bench.people == ["p0", "p1", "p2"]
    await bench.clock.pass_time(5.0)
    assert bench.woken[3:] == [(frozenset(), True)]
    await bench.clock.pass_time(60.0)
    assert len(bench.woken) == 4
    await bench.told(people=["later"])
    assert bench.people[3:] == ["later"], "what comes afterwards is looked at by name again"


async def test_what_comes_during_the_calm_after_a_flood_is_not_lost():
    bench = Bench(signals=0.001, signals_burst=1)
    for _ in range(3):
        await bench.told(people=["p1"], renew=True)
        await bench.told(people=["p2"])
        await bench.clock.pass_time(5.0)
    assert bench.woken[1:] == [(frozenset(), True)] * 3
    assert bench.renewed == ["corp"] * 3, "one at once, two after the calm"


async def test_a_signal_that_names_very_many_people_becomes_a_round_of_changes():
    bench = Bench(people=10)
    await bench.told(people=[f"p{number}" for number in range(11)])
    await bench.clock.pass_time(5.0)
    assert bench.woken == [(frozenset(), True)]


async def test_a_flood_of_requests_is_turned_away_unread():
    bench = Bench(requests=1.0, requests_burst=3)
    answers = [(await bench.told(headers={}, people=["p1"])).status_code for _ in range(10)]
    assert answers == [401] * 3 + [429] * 7
    assert len(bench.source.received) == 3
    await bench.clock.pass_time(60.0)
    assert bench.woken == [], "strangers wake nobody"
    assert (await bench.told(people=["p1"])).status_code == 202


async def test_the_vendors_own_flood_is_followed_by_a_look_even_where_some_was_turned_away():
    bench = Bench(requests=0.001, requests_burst=2)
    answers = [(await bench.told(people=[f"p{number}"])).status_code for number in range(5)]
    assert answers == [202, 202, 429, 429, 429]
    await bench.clock.pass_time(5.0)
    assert bench.woken[2:] == [(frozenset(), True)]


# ---------------------------------------------------------------------------------------------------------------- logs


async def test_what_happens_is_logged_by_constant_reasons_and_not_for_each_request(caplog):
    caplog.set_level(logging.INFO, logger="crosskey.hooks")
    bench = Bench()
    for _ in range(100):
        await bench.told(headers={"authorization": "guess-4711"}, people=["alice"])
    await bench.told(people=["alice"], events=["event-0815"])
    assert [record.message for record in caplog.records] == [
        "hook of source.corp: wrong-secret, 1 since it was last told",
        "hook of source.corp: events, 1 since it was last told",
    ]
    bench.clock.advance(61.0)
    await bench.told(headers={"authorization": "guess-4711"})
    assert caplog.records[-1].message == "hook of source.corp: wrong-secret, 100 since it was last told"
    assert not any(word in caplog.text for word in ("4711", "alice", "0815", "not-a-secret"))


async def test_reasons_that_are_no_constants_are_not_passed_on(caplog):
    bench = Bench()
    codes = iter(["Alice is 401", "x" * 49, *(f"code-{number}" for number in range(60))])
    bench.source.receive = lambda _: SignalAnswer(verdict="refused", code=next(codes))
    for _ in range(62):
        await bench.told()
    reasons = {record.message.split(": ")[1].split(",")[0] for record in caplog.records}
    assert "other" in reasons
    assert len(reasons) <= 41
    assert "Alice" not in caplog.text


# ------------------------------------------------------------------------------------------------------- whatever comes


async def raw(bench, *, method="POST", path="/hooks/corp", query=b"", headers=(), messages=None):
    """One request as a server hands it over; the status that was answered."""
    coming = iter(messages if messages is not None else [{"type": "http.request", "body": b""}])
    sent = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https", "method": method,
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query, "headers": list(headers),
        "server": ("public.example", 443), "client": ("192.0.2.1", 1234),
    }  # fmt: skip

    async def receive():
        return next(coming, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    await bench.app(scope, receive, send)
    return sent[0]["status"]


HEADERS = st.lists(st.tuples(st.binary(max_size=30).map(bytes.lower), st.binary(max_size=60)), max_size=8)
CHUNKS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("http.request"), "body": st.binary(max_size=200), "more_body": st.booleans()}
        ),
        st.just({"type": "http.disconnect"}),
    ),
    max_size=6,
)


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "BREW"]),
    source=st.one_of(st.just("corp"), st.text(max_size=12)),
    query=st.binary(max_size=80),
    headers=HEADERS,
    known=st.booleans(),
    messages=CHUNKS,
)
@example(method="GET", source="0/", query=b"\x80", headers=[], known=False, messages=[])
def test_no_request_whatever_it_is_makes_the_door_fall(method, source, query, headers, known, messages):
    bench = Bench(body=300)
    if known:
        headers = [*headers, (b"authorization", b"not-a-secret")]
    path = f"/hooks/{source}"
    status = asyncio.run(raw(bench, method=method, path=path, query=query, headers=headers, messages=messages))
    assert status in {200, 202, 400, 401, 404, 405, 408, 413}
    assert len(bench.woken) <= 1


async def test_routes_are_those_of_an_ordinary_application():
    (route,) = Bench().routes
    assert route.url_path_for("hooks", source="corp") == "/hooks/corp"
    assert isinstance(await Bench().told(), httpx.Response)
