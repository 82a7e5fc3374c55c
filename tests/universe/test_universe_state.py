"""Universes: isolation, fork, snapshot, diff, and the same bytes for the same calls."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import ApplyError, Pack, Request, Response, Universe

AUTH = {"authorization": "Bearer t0p"}
Make = Callable[..., Universe]
Ask = Callable[..., Response]

calls = st.lists(
    st.sampled_from(
        [
            "GET /notes",
            "POST /notes",
            "DELETE /notes/n1",
            "POST /notes/n2/tags?tag=x",
            "GET /notes/n1",
            "GET /notes/n3/history",
            "GET /nowhere",
            "PATCH /notes",
        ]
    ),
    max_size=12,
)


def wire(response: Response) -> tuple[Any, ...]:
    return response.status, response.headers, response.body, response.drop, response.delay


def run(universe: Universe, lines: list[str]) -> list[tuple[Any, ...]]:
    out = []
    for line in lines:
        method, target = line.split(" ", 1)
        out.append(wire(universe.handle("notes", Request.build(method, target, AUTH))))
    return out


def new(packs: dict[str, Pack], seed: int, vary: frozenset[str] = frozenset()) -> Universe:
    universe = Universe(packs, seed=seed, vary=vary, debug=True)
    universe.faults.add({"twin": "notes", "match": "*Note*", "probability": 0.4, "reply": 503})
    universe.faults.add({"twin": "notes", "match": "POST /notes*", "nth": "from 3", "delay": 2})
    return universe


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 5), calls, calls)
def test_same_seed_and_same_calls_give_the_same_bytes(
    packs: dict[str, Pack], seed: int, first: list[str], second: list[str]
) -> None:
    vary = frozenset({"ids", "names", "order", "pages", "clock"})
    one, other = new(packs, seed, vary), new(packs, seed, vary)
    assert run(one, first) == run(other, first)
    saved = one.snapshot()
    fork = one.fork()
    expected = run(one, second)
    assert run(fork, second) == expected
    one.restore(saved)
    assert one.diff(saved) == {}
    assert run(one, second) == expected
    assert one.crashes == other.crashes == []


def test_a_fork_changes_neither_its_origin_nor_the_seed(make: Make, ask: Ask) -> None:
    origin = make()
    before = origin.snapshot()
    fork = origin.fork()
    key = ask(fork, "POST /notes").data()["id"]
    ask(fork, "DELETE /notes/n0")
    assert ask(origin, "GET /notes/n0").status == 200
    assert origin.diff(before) == {}
    changes = fork.diff(before)["notes"]["notes"]
    assert changes["n0"][1] is None
    assert changes[key][0] is None
    assert [exchange.n for exchange in origin.tap] == [1]


def test_the_seed_decides_what_vary_names(make: Make, ask: Ask) -> None:
    def owners(**settings: Any) -> list[str]:
        return [row["owner"] for row in ask(make(**settings), "GET /notes").data()]

    plain = owners(seed=1)
    assert owners(seed=2) == plain
    assert owners(seed=2, vary={"names"}) != plain
    turned = owners(seed=2, vary={"order"})
    assert turned != plain
    assert sorted(turned) == sorted(plain)
    assert make(seed=1, vary={"clock"}).clock.now() != make(seed=2, vary={"clock"}).clock.now()
    ids = {ask(make(seed=seed, vary={"ids"}), "POST /notes").data()["id"] for seed in range(5)}
    assert len(ids) == 5
    twin = make(seed=3, vary={"pages"}).twins["notes"]
    assert 3 <= twin.page_size(None, 200, 1000) <= 7
    assert make().twins["notes"].page_size(5000, 200, 1000) == 1000


def test_bad_settings_are_said_in_a_sentence(make: Make) -> None:
    with pytest.raises(ValueError, match='vary: "moon" is not one of'):
        make(vary={"moon"})
    with pytest.raises(ValueError, match='notes has no seed "acme-9"; there are'):
        make(seeds={"notes": "acme-9"})
    with pytest.raises(ValueError, match='there is no twin "okta"'):
        make(seeds={"okta": "empty"})


def test_the_tap_tells_what_happened(make: Make, ask: Ask) -> None:
    universe = make()
    seen = []
    universe.on_exchange = seen.append
    universe.step = 4
    ask(universe, "GET /notes?limit=1", {"x-trace": "7"})
    ask(universe, "GET /notes/n1/history")
    ask(universe, "GET /nowhere")
    universe.handle("notes", Request.build("GET", "/notes"))
    assert seen == universe.tap
    listed, gap, unknown, stranger = universe.tap
    assert (listed.n, listed.step, listed.operation) == (1, 4, "listNotes")
    assert (listed.method, listed.path, listed.status) == ("GET", "/notes?limit=1", 200)
    assert listed.t_virtual == "2026-03-02T09:00:00.050Z"
    assert listed.principal == "bot"
    shown = listed.to_dict()
    assert shown["request_headers"]["x-trace"] == "7"
    assert shown["response_body"].startswith('[{"id":"n0"')
    assert (gap.operation, gap.gap, gap.status) == ("getHistory", "getHistory", 501)
    assert (unknown.operation, unknown.gap, unknown.status) == ("", "", 404)
    assert (stranger.principal, stranger.status) == ("", 401)
    assert universe.gaps == ["notes: getHistory"]
    assert universe.failures == []


def test_the_tap_can_be_kept_short(make: Make, ask: Ask) -> None:
    universe = make()
    universe.tap.most = 10
    ask(universe, "GET /notes/n1/history")
    for _ in range(50):
        ask(universe, "GET /notes/n1")
    assert 10 <= len(universe.tap) < 20
    assert universe.tap[-1].n == 51
    assert universe.gaps == ["notes: getHistory"]


def test_strict_universes_fail_on_gaps(make: Make, ask: Ask) -> None:
    universe = make(strict=True)
    ask(universe, "GET /notes/n1")
    assert universe.failures == []
    ask(universe, "GET /notes/n1/history")
    assert universe.failures == ["gap in notes: getHistory"]


def test_a_handler_that_changes_a_row_in_place_is_caught(make: Make, ask: Ask) -> None:
    universe = make()
    assert ask(universe, "POST /notes/n1/spoil").status == 500
    assert "FrozenRowError" in universe.crashes[0]
    assert universe.failures[0].startswith("a twin crashed: ")
    assert ask(universe, "GET /notes/n1").data()["tags"] == ["seed"]


def test_operations_of_scenarios(make: Make) -> None:
    universe = make()
    member = universe.pick("eng-web", 2)
    assert universe.apply("notes", "rename_owner", {"from": "any:eng-web:2", "to": "z"}) == "z"
    owners = [row["owner"] for row in universe.view("notes")["notes"]]
    assert "z" in owners
    assert member["email"] not in owners
    for twin, name, args, sentence in (
        ("okta", "x", {}, 'there is no twin "okta"'),
        ("notes", "fly", {}, 'notes has no operation "fly"; there are rename_owner'),
        ("notes", "rename_owner", {"from": "nobody", "to": "z"}, "nobody owns a note"),
        ("notes", "rename_owner", {"to": "z"}, '"from" is missing'),
        ("notes", "rename_owner", {"from": "any:eng-web:99", "to": "z"}, "has 3 members"),
        ("notes", "rename_owner", {"from": "any:chess:1", "to": "z"}, 'no group "chess"'),
    ):
        with pytest.raises(ApplyError, match=sentence):
            universe.apply(twin, name, args)


def isolated(packs: dict[str, Pack], ask: Ask, count: int, turns: int) -> None:
    """Let many forks write to the same rows in turn; each must hold its own writes and no other."""
    origin = Universe(packs, {"notes": "acme-300"})
    universes = [origin.fork() for _ in range(count)]
    for turn in range(turns):
        for number, universe in enumerate(universes):
            if turn % 2:
                ask(universe, f"POST /notes/n{number % 300}/tags?tag={number}")
            else:
                ask(universe, "POST /notes")
    for number, universe in enumerate(universes):
        rows = {row["id"]: row for row in universe.view("notes")["notes"]}
        assert len(rows) == 300 + turns // 2
        assert rows[f"n{number % 300}"]["tags"] == ["seed", *[str(number)] * (turns // 2)]
        others = [row for key, row in rows.items() if key != f"n{number % 300}"]
        assert all(row["tags"] in ([], ["seed"]) for row in others)
        assert len(universe.tap) == turns
    assert len(origin.view("notes")["notes"]) == 300
    assert origin.tap == []


def test_many_universes_are_isolated(packs: dict[str, Pack], ask: Ask) -> None:
    isolated(packs, ask, count=320, turns=4)


@pytest.mark.slow
def test_a_thousand_universes_are_isolated(packs: dict[str, Pack], ask: Ask) -> None:
    isolated(packs, ask, count=1000, turns=20)
