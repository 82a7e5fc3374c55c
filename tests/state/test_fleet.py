"""The list of runs, and what each is doing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from factory_tui.events import Event
from factory_tui.state import FleetState
from factory_tui.state.liveness import FINAL, GLYPH, judge

NOW = 10_000_000


@dataclass(frozen=True)
class Facts:
    id: str
    name: str = "rollcall"
    spec_path: str = "specs/rollcall.md"
    spec_hash: str = "c41e"
    status: str = "running"
    created_ms: int = 0
    finished_ms: int | None = None
    pid: int | None = 7
    pid_started: int | None = 1
    heartbeat_ms: int | None = NOW - 500
    recorded: bool = False


def yes(pid: int | None, started: int | None) -> bool:
    return True


def no(pid: int | None, started: int | None) -> bool:
    return False


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "working"),
        ({"waiting": "builder waits 8 s"}, "waiting"),
        ({"status": "paused"}, "paused"),
        ({"last_event_ms": NOW - 200_000}, "quiet"),
        ({"last_event_ms": NOW - 90_000}, "working"),
        ({"last_event_ms": NOW - 90_000, "building": True}, "waiting"),
        ({"last_event_ms": NOW - 700_000, "building": True}, "quiet"),
        ({"process_alive": False}, "dead"),
        ({"process_alive": False, "status": "paused"}, "paused"),
        ({"heartbeat_ms": NOW - 60_000}, "dead"),
        ({"status": "starting", "heartbeat_ms": None, "process_alive": False}, "starting"),
        ({"status": "starting", "heartbeat_ms": None}, "starting"),
        ({"status": "satisfied", "process_alive": False}, "satisfied"),
        ({"status": "failed", "process_alive": False, "heartbeat_ms": None}, "failed"),
    ],
)
def test_liveness(given: dict[str, object], word: str) -> None:
    base: dict[str, object] = {
        "status": "running",
        "now_ms": NOW,
        "last_event_ms": NOW - 1000,
        "heartbeat_ms": NOW - 500,
        "process_alive": True,
    }
    live = judge(**(base | given))  # type: ignore[arg-type]
    assert live.word == word and live.text and live.glyph == GLYPH[word]


def test_every_final_status_has_a_sign() -> None:
    assert set(GLYPH) >= FINAL


def fleet() -> FleetState:
    state = FleetState()
    state.set_facts(
        [
            Facts("aaaa", created_ms=3, status="satisfied"),
            Facts("bbbb", created_ms=2),
            Facts("cccc", created_ms=1, name="billing"),
        ]
    )
    kinds: list[tuple[str, str, dict[str, object]]] = [
        ("bbbb", "run.started", {}),
        ("cccc", "run.started", {}),
    ]
    kinds.append(("cccc", "budget.warned", {"percent": 75, "of": "tokens"}))
    for seq, (run, kind, data) in enumerate(kinds, 1):
        state.apply(Event(seq, NOW - 1000, run, kind, data))
    return state


def ids(state: FleetState, **how: str) -> list[str]:
    return [row.facts.id for row in state.rows(NOW, yes, **how)]


def test_what_needs_somebody_comes_first_and_what_has_ended_last() -> None:
    assert ids(fleet()) == ["cccc", "bbbb", "aaaa"]


def test_sorting_and_narrowing() -> None:
    state = fleet()
    assert ids(state, sort="newest") == ["aaaa", "bbbb", "cccc"]
    assert ids(state, sort="name") == ["cccc", "aaaa", "bbbb"]
    assert ids(state, find="BILL") == ["cccc"]
    assert ids(state, find="satisfied") == ["aaaa"]


def test_a_dead_engine_needs_somebody() -> None:
    rows = {row.facts.id: row for row in fleet().rows(NOW, no)}
    assert rows["bbbb"].live.word == "dead" and rows["bbbb"].needs == ("engine gone",)
    assert rows["cccc"].needs == ("engine gone", "budget 75 %")
    assert rows["aaaa"].live.word == "satisfied" and not rows["aaaa"].needs


def test_removed_runs_disappear() -> None:
    state = fleet()
    state.set_facts([Facts("bbbb")])
    assert ids(state) == ["bbbb"] and set(state.runs) == {"bbbb"}
