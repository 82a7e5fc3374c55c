"""Stale reads, revoked credentials and enforced rate limits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.universe import FaultError, Pack, Request, Response, Universe, load_packs

Make = Callable[..., Universe]
Ask = Callable[..., Response]


def count(ask: Ask, universe: Universe) -> int:
    return len(ask(universe, "GET /notes").data())


def test_reads_lag_behind_writes(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "match": "listNotes", "stale": 10})
    universe.faults.add({"twin": "notes", "match": "createNote", "stale": 10})
    assert count(ask, universe) == 12
    assert ask(universe, "POST /notes").status == 201  # a write is never stale
    assert len(universe.view("notes")["notes"]) == 13
    assert count(ask, universe) == 12
    assert universe.tap[-1].fault == "stale by 10 s"
    universe.clock.advance(5)
    assert count(ask, universe) == 12
    universe.clock.advance(6)
    assert count(ask, universe) == 13


def test_stale_reads_know_what_scenarios_changed(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "match": "listNotes", "stale": 60})
    owner = ask(universe, "GET /notes/n1").data()["owner"]
    universe.apply("notes", "rename_owner", {"from": owner, "to": "zed@acme.example"})
    assert ask(universe, "GET /notes/n1").data()["owner"] == "zed@acme.example"
    stale = ask(universe, "GET /notes").data()
    assert {row["id"]: row["owner"] for row in stale}["n1"] == owner
    universe.faults.clear()
    fresh = ask(universe, "GET /notes").data()
    assert {row["id"]: row["owner"] for row in fresh}["n1"] == "zed@acme.example"


def test_credentials_revoked_in_mid_run(make: Make, ask: Ask) -> None:
    universe = make()
    universe.faults.add({"twin": "notes", "match": "getNote", "nth": 2, "revoke": True})
    assert ask(universe, "GET /notes/n1").status == 200
    before = universe.snapshot()
    assert ask(universe, "GET /notes/n1").status == 401
    assert universe.tap[-1].fault == "credentials revoked"
    assert ask(universe, "GET /notes").status == 401
    assert ask(universe.fork(), "GET /notes").status == 401
    universe.restore(before)
    assert ask(universe, "GET /notes").status == 200


@pytest.mark.parametrize("fault", [{"stale": -1}, {"stale": "yes"}, {"revoke": 1}])
def test_faults_that_make_no_sense(make: Make, fault: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        make().faults.add({"twin": "notes", **fault})


@pytest.fixture(scope="session")
def hook_packs(packs_folder: Path) -> dict[str, Pack]:
    return load_packs(packs_folder, ["hooks"])


def post(universe: Universe, who: str) -> Response:
    headers = {"authorization": f"Bearer {who}"}
    return universe.handle("hooks", Request.build("POST", "/posts", headers, {"text": "hi"}))


def test_limits_are_off_unless_asked(hook_packs: dict[str, Pack]) -> None:
    universe = Universe(hook_packs)
    assert {post(universe, "ann").status for _ in range(10)} == {201}


def test_limits_per_caller_and_window(hook_packs: dict[str, Pack]) -> None:
    universe = Universe(hook_packs, limits=True)
    assert [post(universe, "ann").header("x-remaining") for _ in range(2)] == ["1", "0"]
    refused = post(universe, "ann")
    assert (refused.status, refused.header("retry-after")) == (429, "60")
    assert post(universe, "bob").status == 201
    fork = universe.fork()
    fork.clock.advance(59)
    assert post(fork, "ann").header("retry-after") == "1"
    fork.clock.advance(1)
    assert post(fork, "ann").status == 201
    assert post(universe, "ann").status == 429
    assert len(universe.view("hooks")["posts"]) == 3
