"""Runs, control, the live line."""

import dataclasses

import pytest

from factory_tui.store import AmbiguousRun, RunRow, Store, StoreError, UnknownRun

from .conftest import RUN

FULL = RunRow(
    id="feed",
    name="rollcall",
    spec_path="specs/rollcall.md",
    spec_hash="ab" * 32,
    status="running",
    created_ms=5_000,
    finished_ms=6_000,
    pid=77,
    pid_started=123_456_789_012,
    heartbeat_ms=5_500,
    iteration=3,
    budget_tokens=2_000_000,
    budget_usd="12.50",
    spent_tokens=10,
    spent_usd="0.1",
    recorded=True,
    tier="A",
    factory_dir="/home/me/factory",
    seed_from="/home/me/code",
    settings={"target": 0.9, "models": {"builder": "m"}},
    cost_unknown=True,
)


def test_a_run_comes_back_as_it_was_added(store: Store, viewer: Store) -> None:
    store.add_run(FULL)
    assert viewer.run("feed") == FULL
    assert viewer.runs()[0] == FULL  # newest first
    assert [run.id for run in viewer.runs()] == ["feed", RUN]


def test_every_field_but_the_ledgers_can_be_changed(store: Store) -> None:
    store.add_run(RunRow("beef"))
    ledgers = {"id", "spent_tokens", "spent_usd", "cost_unknown"}
    changes = {
        f.name: getattr(FULL, f.name) for f in dataclasses.fields(FULL) if f.name not in ledgers
    }
    store.update_run("beef", **changes)
    assert store.run("beef") == dataclasses.replace(RunRow("beef"), **changes)
    for name in ledgers | {"colour"}:
        with pytest.raises(ValueError, match=name):
            store.update_run("beef", **{name: 1})


def test_what_cannot_be_added_or_changed(store: Store) -> None:
    with pytest.raises(StoreError, match="cannot be added"):
        store.add_run(RunRow(RUN))
    with pytest.raises(ValueError, match="'dancing'"):
        store.update_run(RUN, status="dancing")
    with pytest.raises(ValueError, match="'dancing'"):
        store.add_run(RunRow("cafe", status="dancing"))
    with pytest.raises(UnknownRun):
        store.update_run("nobody", pid=1)
    with pytest.raises(UnknownRun):
        store.run("nobody")


def test_a_new_run_gets_its_time(store: Store) -> None:
    store.add_run(RunRow("beef"))
    assert store.run("beef").created_ms > 1_700_000_000_000


def test_a_prefix_finds_a_run(store: Store) -> None:
    store.add_run(RunRow("a1ff"))
    store.add_run(RunRow("a1ff22"))
    assert store.find_run("a1b").id == RUN
    assert store.find_run("a1ff").id == "a1ff"
    assert store.find_run("a1ff2").id == "a1ff22"
    with pytest.raises(AmbiguousRun, match="a1b2c3, a1ff, a1ff22"):
        store.find_run("a1")
    for nothing in ("zz", "%", "A1B", "a1b2c3d"):
        with pytest.raises(UnknownRun):
            store.find_run(nothing)


def test_control_goes_from_the_viewer_to_the_engine_and_back(store: Store, viewer: Store) -> None:
    first = viewer.request(RUN, "pause")
    second = viewer.request(RUN, "budget", {"tokens": 5, "usd": "1.5"}, who="ada")
    assert [(c.id, c.verb, dict(c.args), c.who) for c in store.pending(RUN)] == [
        (first, "pause", {}, "you"),
        (second, "budget", {"tokens": 5, "usd": "1.5"}, "ada"),
    ]
    store.acknowledge(first, "paused")
    assert [c.id for c in viewer.pending(RUN)] == [second]
    assert viewer.answer(first) == "paused"
    assert viewer.answer(second) is None
    store.acknowledge(first, "again")
    assert viewer.answer(first) == "paused"


def test_control_knows_its_verbs_and_runs(store: Store) -> None:
    with pytest.raises(ValueError, match="'edit-code' is not one of answer, budget, pause"):
        store.request(RUN, "edit-code")
    with pytest.raises(UnknownRun):
        store.request("nobody", "stop")
    with pytest.raises(StoreError):
        store.acknowledge(99, "")
    with pytest.raises(StoreError):
        store.answer(99)
    assert store.pending(RUN) == []


def test_the_live_line_is_overwritten(store: Store, viewer: Store) -> None:
    store.set_live(RUN, "builder", "I will")
    store.set_live(RUN, "builder", "I will write")
    store.set_live(RUN, "judge", "Met.")
    assert viewer.live(RUN) == {"builder": "I will write", "judge": "Met."}
    store.set_live(RUN, "builder", "")
    assert viewer.live(RUN) == {"judge": "Met."}
    with pytest.raises(UnknownRun):
        store.set_live("nobody", "builder", "x")


def test_a_durable_write_after_a_live_one_is_durable_again(store: Store) -> None:
    levels = []
    store.set_live(RUN, "builder", "x")
    levels.append(store._db.one("PRAGMA synchronous")[0])
    store.append(RUN, "note", {})
    levels.append(store._db.one("PRAGMA synchronous")[0])
    assert levels == [1, 2]  # NORMAL, FULL
