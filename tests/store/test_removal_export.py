"""Taking a run out: as JSON lines, or for good."""

import json
import sqlite3
from collections import Counter
from decimal import Decimal

import pytest

from factory_tui.store import (
    IterationRow,
    RunRow,
    ScenarioRow,
    StepRow,
    Store,
    StoreError,
    TrialRow,
    UnknownRun,
    UnknownTurn,
    VerdictRow,
)

from .conftest import RUN


def fill(store: Store, run: str, turns: int = 3) -> list[int]:
    """One of everything; gives the ids of the run's turns."""
    store.append(run, "note", {"text": "hi"})
    store.request(run, "pause")
    store.set_live(run, "builder", "...")
    store.save_iteration(IterationRow(run, 1, commit="c0ffee", tree="7ea", scores={"a": 1}))
    store.save_scenarios(run, [ScenarioRow(run, "joiner", judged=True)])
    trial = f"{run}-t1"
    store.save_trial(TrialRow(trial, run, 1, "joiner", 1, confirmation=True))
    store.save_steps(trial, [StepRow(trial, 1, "run", data={"exit": 0})])
    store.save_verdict(VerdictRow(trial, "satisfied", True, facts=[{"n": 1}], evidence_steps=[1]))
    entry = store.book(run).open(role="b", model="m", key="k", tokens=9, usd=Decimal("0.1"))
    store.book(run).close(
        entry, state="committed", tokens=8, usd=Decimal("0.05"), usage={"input": 8}
    )
    context = store.new_context(tag="builder", run_id=run, labels=["x"])
    return [
        store.append_turn(context, f"{run}/{n}", type_id="n", idempotency_key=str(n)).id
        for n in range(turns)
    ]


def rows(store: Store) -> Counter[str]:
    conn = sqlite3.connect(store.path)
    tables = [
        name
        for (name,) in conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
    count = Counter({t: conn.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables})
    assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
    conn.close()
    return count


def test_export_is_everything_of_one_run_as_json(store: Store) -> None:
    store.add_run(RunRow("other"))
    fill(store, RUN)
    fill(store, "other")
    objects = [json.loads(json.dumps(item)) for item in store.export(RUN)]
    assert Counter(item["type"] for item in objects) == {
        "run": 1,
        "scenario": 1,
        "iteration": 1,
        "journal": 1,
        "trial": 1,
        "step": 1,
        "verdict": 1,
        "ledger": 1,
        "control": 1,
        "context": 1,
        "turn": 3,
    }
    by_type = {item["type"]: item for item in objects}
    assert by_type["run"]["recorded"] is False
    assert by_type["run"]["spent_usd"] == "0.05"
    assert by_type["iteration"]["commit"] == "c0ffee"
    assert by_type["journal"]["data"] == {"text": "hi"}
    assert by_type["trial"]["confirmation"] is True
    assert by_type["verdict"]["facts"] == [{"n": 1}]
    assert by_type["verdict"]["satisfied"] is True
    assert by_type["ledger"]["usage"] == {"input": 8}
    assert by_type["turn"]["payload"] == f"{RUN}/2"
    assert len(by_type["turn"]["hash"]) == 64
    with pytest.raises(UnknownRun):
        store.export("nobody")


def test_export_holds_one_moment_while_others_write(store: Store, viewer: Store) -> None:
    for n in range(20):
        store.append(RUN, "note", {"n": n})
    objects = viewer.export(RUN)
    assert next(objects)["type"] == "run"
    store.append(RUN, "note", {"n": 20})
    assert sum(item["type"] == "journal" for item in objects) == 20


def test_a_removed_run_leaves_nothing_and_others_alone(store: Store) -> None:
    store.add_run(RunRow("other"))
    kept = store.put_blob(b"kept for its own sake")
    before = rows(store)
    theirs = fill(store, "other")
    others = list(store.export("other"))
    with_other = rows(store)
    fill(store, RUN)
    store.remove_run(RUN)
    after = rows(store)
    assert after == with_other - Counter({"run": 1})
    assert list(store.export("other")) == others
    assert store.get_blob(kept) == b"kept for its own sake"
    assert store.turn(theirs[-1]).payload == "other/2"
    with pytest.raises(UnknownRun):
        store.remove_run(RUN)
    store.remove_run("other")
    assert rows(store) - Counter({"type": 1}) == before - Counter({"run": 2})


def test_shared_payloads_survive_the_removal_of_one_sharer(store: Store) -> None:
    store.add_run(RunRow("other"))
    texts = ["prompt", "only mine"]
    mine = store.new_context(tag="a", run_id=RUN)
    other = store.new_context(tag="a", run_id="other")
    hashes = [store.append_turn(mine, text, type_id="n").hash for text in texts]
    turn = store.append_turn(other, "prompt", type_id="n")
    store.remove_run(RUN)
    assert store.turn(turn.id) == turn
    with pytest.raises(StoreError, match="no blob"):
        store.get_blob(hashes[1])


@pytest.mark.parametrize("appended", [0, 2])
def test_turns_that_another_run_builds_on_stay(store: Store, appended: int) -> None:
    store.add_run(RunRow("other"))
    turns = fill(store, RUN, turns=6)
    fork = store.new_context(tag="retry", base_turn=turns[3], run_id="other")
    for n in range(appended):
        store.append_turn(fork, f"more {n}", type_id="n")
    exported = [o["payload"] for o in store.export("other") if o["type"] == "turn"]
    store.remove_run(RUN)
    expected = [f"{RUN}/{n}" for n in range(4)] + [f"more {n}" for n in range(appended)]
    assert [turn.payload for turn in store.turns(fork)] == expected == exported
    with pytest.raises(UnknownTurn):
        store.turn(turns[4])
    rows(store)  # checks every reference
    store.append_turn(fork, "and on", type_id="n")
    assert store.common_ancestor(turns[3], store.turns(fork)[-1].id) == turns[3]
    # what was shared is nobody's now and goes on serving the run that needs it
    assert [o["payload"] for o in store.export("other") if o["type"] == "turn"] == [
        *expected,
        "and on",
    ]


def test_events_of_a_removed_run_are_never_numbered_again(store: Store) -> None:
    store.append(RUN, "note", {})
    last = store.append(RUN, "note", {}).seq
    store.remove_run(RUN)
    store.add_run(RunRow(RUN))
    assert store.append(RUN, "note", {}).seq > last
