"""Iterations, scenarios, trials, trajectories, verdicts."""

import dataclasses

import pytest

from factory_tui.store import (
    IterationRow,
    RunRow,
    ScenarioRow,
    StepRow,
    Store,
    TrialRow,
    UnknownRun,
    UnknownTrial,
    VerdictRow,
)

from .conftest import RUN

TRIAL = TrialRow(
    id="t1",
    run_id=RUN,
    iteration=1,
    scenario="joiner",
    n=1,
    seed="00ff",
    split="holdout",
    product_tree="cd" * 20,
    tier="A",
    started_ms=7,
)
STEPS = [
    StepRow("t1", 1, "run", "sut", "./rollcall", {"exit": 0}, 12, 1),
    StepRow("t1", 2, "twin", "slack", "POST /api/x", {"seq": 9}, 15, 1),
]
VERDICT = VerdictRow(
    trial="t1",
    outcome="unsatisfied",
    satisfied=False,
    q=0.25,
    source="judge",
    judge_model="m",
    prompt_hash="ee",
    facts=[{"n": 1, "ok": False}],
    criteria=[{"n": 2, "verdict": "met"}],
    reason="nobody was invited",
    evidence_steps=[1, 2],
    tier="A",
)


def test_iterations_are_replaced_by_number(store: Store, viewer: Store) -> None:
    second = IterationRow(RUN, 2, "c2", "t2", "s", 5, 9, {"train": {"rate": 0.5}})
    store.save_iteration(second)
    store.save_iteration(IterationRow(RUN, 1))
    done = IterationRow(RUN, 1, commit="c1", finished_ms=4)
    store.save_iteration(done)
    assert viewer.iterations(RUN) == [done, second]
    with pytest.raises(UnknownRun):
        store.save_iteration(IterationRow("nobody", 1))


def test_scenarios_keep_their_order_and_are_replaced_together(store: Store) -> None:
    rows = [
        ScenarioRow(RUN, "z", "Z", "train", 2.0, "h", True),
        ScenarioRow(RUN, "a", "A", "holdout"),
    ]
    store.save_scenarios(RUN, rows)
    assert store.scenarios(RUN) == rows
    store.save_scenarios(RUN, rows[1:])
    assert store.scenarios(RUN) == rows[1:]
    for wrong in ([rows[0], rows[0]], [ScenarioRow("other", "z")]):
        with pytest.raises(ValueError):
            store.save_scenarios(RUN, wrong)
    with pytest.raises(UnknownRun):
        store.save_scenarios("nobody", [ScenarioRow("nobody", "z")])
    assert store.scenarios(RUN) == rows[1:]


def test_a_trial_is_saved_at_its_start_and_again_at_its_end(store: Store, viewer: Store) -> None:
    store.save_trial(TRIAL)
    assert viewer.trial("t1") == TRIAL
    store.save_steps("t1", STEPS)
    store.save_verdict(VERDICT)
    ended = dataclasses.replace(TRIAL, outcome="unsatisfied", source="judge", ms=900)
    store.save_trial(ended)
    assert viewer.trial("t1") == ended
    assert viewer.steps("t1") == STEPS  # saving the trial again left them alone
    assert viewer.verdict("t1") == VERDICT
    with pytest.raises(UnknownRun):
        store.save_trial(dataclasses.replace(TRIAL, id="t2", run_id="nobody"))
    with pytest.raises(UnknownTrial):
        store.trial("t2")


def test_trials_are_found_by_iteration_and_scenario(store: Store) -> None:
    store.add_run(RunRow("other"))
    for iteration in (2, 1):
        for scenario in ("b", "a"):
            for confirmation in (True, False):
                for n in (2, 1):
                    name = f"{iteration}{scenario}{'c' if confirmation else ''}{n}"
                    store.save_trial(
                        TrialRow(name, RUN, iteration, scenario, n, confirmation=confirmation)
                    )
    store.save_trial(TrialRow("x", "other", 1, "a", 1))
    assert [t.id for t in store.trials(RUN, 1, "a")] == ["1a1", "1a2", "1ac1", "1ac2"]
    assert {t.scenario for t in store.trials(RUN, scenario="b")} == {"b"}
    assert [t.iteration for t in store.trials(RUN)] == [1] * 8 + [2] * 8
    assert len(store.trials(RUN, iteration=2)) == 8


def test_steps_are_added_in_pieces_and_come_back_in_order(store: Store) -> None:
    store.save_trial(TRIAL)
    store.save_steps("t1", STEPS[1:])
    store.save_steps("t1", STEPS)
    assert store.steps("t1") == STEPS
    with pytest.raises(ValueError):
        store.save_steps("t1", [StepRow("t9", 1, "run")])
    with pytest.raises(UnknownTrial):
        store.save_steps("t9", [StepRow("t9", 1, "run")])


def test_a_void_verdict_is_neither_satisfied_nor_not(store: Store) -> None:
    store.save_trial(TRIAL)
    assert store.verdict("t1") is None
    store.save_verdict(VerdictRow("t1", "void", reason="the twin host died"))
    verdict = store.verdict("t1")
    assert verdict is not None
    assert verdict.satisfied is None
    assert verdict.q is None
    with pytest.raises(UnknownTrial):
        store.save_verdict(VerdictRow("t9", "void"))
