"""The fault plan: what is matched, when it strikes, and what it does."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.universe import Fault, FaultError, Response, Universe

Make = Callable[..., Universe]
Ask = Callable[..., Response]


def statuses(universe: Universe, ask: Ask, line: str, count: int) -> list[int]:
    return [ask(universe, line).status for _ in range(count)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"nth": 2}, [200, 429, 200, 200]),
        ({"nth": [1, 4]}, [429, 200, 200, 429]),
        ({"nth": "from 3"}, [200, 200, 429, 429]),
        ({"nth": "2"}, [200, 429, 200, 200]),
        ({}, [429, 429, 429, 429]),
        ({"times": 1}, [429, 200, 200, 200]),
        ({"nth": "from 2", "times": 2}, [200, 429, 429, 200]),
        ({"probability": 0.0}, [200, 200, 200, 200]),
        ({"probability": 1}, [429, 429, 429, 429]),
        ({"principal": "b*"}, [429, 429, 429, 429]),
        ({"principal": "alice"}, [200, 200, 200, 200]),
        ({"match": "GET /notes*"}, [429, 429, 429, 429]),
        ({"match": "get /n?tes"}, [429, 429, 429, 429]),
        ({"match": "* /notes"}, [429, 429, 429, 429]),
        ({"match": "/notes"}, [429, 429, 429, 429]),
        ({"match": "list*"}, [429, 429, 429, 429]),
        ({"match": "POST /notes"}, [200, 200, 200, 200]),
        ({"match": "getNote"}, [200, 200, 200, 200]),
        ({"twin": "okta"}, [200, 200, 200, 200]),
        ({"twin": "*"}, [429, 429, 429, 429]),
    ],
)
def test_when_a_fault_strikes(
    make: Make, ask: Ask, fault: dict[str, Any], expected: list[int]
) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "match": "listNotes", "reply": 429} | fault)
    assert statuses(universe, ask, "GET /notes?limit=3", 4) == expected
    assert [e.fault for e in universe.tap] == ["429" if s == 429 else "" for s in expected]


def test_an_operation_pattern_with_a_dot_is_no_path(make: Make) -> None:
    fault = Fault.parse({"twin": "slack", "match": "chat.*", "reply": 503})
    assert fault.matches("slack", "chat.postMessage", "POST", "/api/chat.postMessage", "")
    assert not fault.matches("slack", "users.list", "GET", "/api/users.list", "")


def test_a_reply_speaks_the_vendors_dialect_and_has_no_effect(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add(
        {"twin": "notes", "match": "createNote", "reply": 429, "headers": {"Retry-After": 3}}
    )
    response = ask(universe, "POST /notes")
    assert (response.status, response.data()) == (429, {"error": "fault_429"})
    assert response.header("retry-after") == "3"
    assert response.header("x-request-id")
    assert len(universe.view("notes")["notes"]) == 12


def test_bodies_and_pages(make: Make, ask: Ask) -> None:
    universe = make()
    for n, extra in enumerate(
        ({"html": True}, {"body": "busy"}, {"body": {"why": 1}}, {"body": "<b>", "html": True}), 1
    ):
        universe.faults.add({"twin": "notes", "match": "listNotes", "nth": n, "reply": 502} | extra)
    page, text, data, own = (ask(universe, "GET /notes") for _ in range(4))
    assert page.header("content-type") == "text/html; charset=utf-8"
    assert b"502" in page.body
    assert (text.body, text.status) == (b"busy", 502)
    assert data.data() == {"why": 1}
    assert own.body == b"<b>"


def test_drops_and_their_effect(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "match": "createNote", "nth": 1, "drop": "before"})
    universe.faults.add({"twin": "notes", "match": "createNote", "nth": 2, "drop": "after-commit"})
    universe.faults.add({"twin": "notes", "match": "createNote", "nth": 3, "reset": True})
    first, second, third = (ask(universe, "POST /notes") for _ in range(3))
    assert first.drop
    assert second.drop
    assert third.cut == len(third.body) // 2
    assert len(universe.view("notes")["notes"]) == 14
    assert [e.status for e in universe.tap] == [0, 201, 201]
    assert [e.fault for e in universe.tap] == [
        "dropped before",
        "dropped after commit",
        "reset mid-body",
    ]


def test_a_delay_moves_the_clock_too(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "delay": 30})
    before = universe.clock.now()
    assert ask(universe, "GET /notes").delay == 30
    assert (universe.clock.now() - before).total_seconds() == pytest.approx(30.05)


def test_the_first_fault_wins_and_the_others_count_on(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "reply": 500, "nth": 1})
    universe.faults.add({"twin": "notes", "reply": 502, "nth": 2})
    assert statuses(universe, ask, "GET /notes", 3) == [500, 502, 200]


@given(st.integers(0, 1000))
def test_the_seeded_share(seed: int) -> None:
    from factory_tui.universe import FaultPlan, Ids

    plan = FaultPlan()
    plan.add({"twin": "t", "probability": 0.5, "reply": 500})
    ids = Ids(str(seed))
    hits = sum(plan.pick(ids, "t", "o", "GET", "/", "") is not None for _ in range(200))
    assert 50 < hits < 150


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"twin": "t"}, "nothing goes wrong"),
        ({"match": "x", "reply": 500}, "twin: name the twin"),
        ({"twin": "t", "reply": 42}, "reply: 42"),
        ({"twin": "t", "reply": "429"}, "reply: '429' has the wrong type"),
        ({"twin": "t", "reply": True}, "reply: True has the wrong type"),
        ({"twin": "t", "reply": 500, "nth": 0}, "nth: 0"),
        ({"twin": "t", "reply": 500, "nth": []}, r"nth: \[\]"),
        ({"twin": "t", "reply": 500, "nth": "from x"}, "nth:"),
        ({"twin": "t", "reply": 500, "probability": 2}, "probability: 2"),
        ({"twin": "t", "drop": "later"}, "drop:"),
        ({"twin": "t", "delay": -1}, "delay:"),
        ({"twin": "t", "html": True, "drop": "before"}, "body and html need"),
        ({"twin": "t", "reply": 500, "replay": 1}, "replay: no such field"),
        ({"twin": "t", "reply": 429, "headers": "x"}, "headers: must be a mapping"),
    ],
)
def test_a_bad_fault_is_explained(data: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FaultError, match=sentence):
        Fault.parse(data)
