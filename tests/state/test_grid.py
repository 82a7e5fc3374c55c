"""Satisfaction by scenario and iteration."""

from __future__ import annotations

from typing import Any

from factory_tui.state import GLYPHS, Grid, Score
from tests.state.test_run import CREATED, Journal

SCORE = {"satisfied": 5, "trials": 8, "scenarios": 4, "rate": 0.625, "low": 0.31, "high": 0.86}


def scored(**more: Any) -> dict[str, Any]:
    return {
        "train": SCORE,
        "holdout": {"satisfied": 0, "trials": 0, "scenarios": 0, "rate": None},
        "overall": SCORE,
        "confirmation": False,
        "satisfied": False,
        "scenarios": {
            "alpha": {"satisfied": 2, "trials": 3, "void": 0, "facts_only": 1, "status": "flaky"},
            "beta": {"satisfied": 3, "trials": 3, "void": 0, "facts_only": 0, "status": "pass"},
        },
        **more,
    }


def test_scores_are_shown_exactly_as_scored() -> None:
    journal = Journal(CREATED)
    journal.add("iteration.scored", scored(), iteration=1)
    latest = journal.run.latest
    assert latest is not None
    assert latest.train == Score(5, 8, 4, 0.625, 0.31, 0.86)
    assert latest.holdout.rate is None and latest.holdout.trials == 0
    assert latest.extras() == (0, 1) and latest.passing == 1


def test_cells_before_the_score_follow_the_trials() -> None:
    journal = Journal(CREATED)
    grid = journal.run.grid
    assert [row.states for row in grid.rows()] == [(), ()]
    journal.add("trial.started", {"n": 1}, iteration=1, scenario="alpha")
    assert grid.columns[0].cells["alpha"].status == "running"
    journal.add("trial.finished", {"n": 1, "outcome": "satisfied"}, iteration=1, scenario="alpha")
    assert grid.columns[0].cells["alpha"].status == "pass"
    journal.trial("alpha", "unsatisfied", n=2, reason="too many tickets")
    assert grid.columns[0].cells["alpha"].status == "flaky"
    journal.trial("beta", "void", reason="host died")
    assert grid.columns[0].cells["beta"].status == "void"
    row = next(row for row in grid.rows() if row.scenario.id == "alpha")
    assert (row.satisfied, row.trials, row.reason) == (1, 2, "too many tickets")


def test_the_engine_has_the_last_word_on_a_cell() -> None:
    journal = Journal(CREATED)
    journal.trial("alpha", "satisfied")
    journal.add("iteration.scored", scored(), iteration=1)
    assert journal.run.grid.columns[0].cells["alpha"].status == "flaky"


def test_failing_scenarios_come_first_by_their_newest_state() -> None:
    journal = Journal(CREATED)
    journal.trial("alpha", "unsatisfied", it=1)
    journal.trial("beta", "satisfied", it=1)
    journal.trial("alpha", "satisfied", it=2)
    journal.trial("beta", "unsatisfied", it=2)
    rows = journal.run.grid.rows()
    assert [row.scenario.id for row in rows] == ["beta", "alpha"]
    assert rows[0].states == ("pass", "fail")


def test_trials_after_the_score_are_the_confirmation_round() -> None:
    journal = Journal(CREATED)
    journal.trial("alpha", "satisfied")
    journal.add("iteration.scored", scored(), iteration=1)
    journal.trial("alpha", "satisfied", n=2)
    grid = journal.run.grid
    assert [column.label for column in grid.columns] == ["1", "1c"]
    assert journal.run.activity == "confirming, trials: 1 done"
    journal.add("iteration.scored", scored(confirmation=True, satisfied=True), iteration=1)
    assert journal.run.latest is grid.columns[1] and grid.columns[1].satisfied
    journal.trial("alpha", "satisfied", it=2)
    assert [column.label for column in grid.columns] == ["1", "1c", "2"]
    journal.add("iteration.scored", scored(), iteration=2)
    assert grid.previous is not None and grid.previous.iteration == 1


def test_more_trials_of_one_scenario_fold_into_the_iteration() -> None:
    journal = Journal(CREATED)
    journal.add("iteration.scored", scored(), iteration=1)
    journal.trial("alpha", "satisfied", n=4)
    journal.add("iteration.scored", scored(), iteration=1)
    assert [column.label for column in journal.run.grid.columns] == ["1"]


def test_a_trial_that_outlives_the_score_stays_in_its_round() -> None:
    grid = Grid()
    grid.trial_started(1, "alpha")
    grid.scored(1, scored())
    from factory_tui.state import Trial

    grid.trial_finished(1, "alpha", Trial("t", 1, "satisfied"))
    assert len(grid.columns) == 1 and len(grid.columns[0].cells["alpha"].trials) == 1


def test_every_state_has_a_shape_of_its_own() -> None:
    assert len(set(GLYPHS.values())) == len(GLYPHS)
    assert all(len(glyph) == 1 for glyph in GLYPHS.values())


def test_before_the_first_score_the_trials_of_each_split_are_counted() -> None:
    journal = Journal(CREATED)
    grid = journal.run.grid
    assert grid.so_far("train") == (0, 0)
    journal.trial("alpha", "satisfied")
    journal.trial("alpha", "unsatisfied", n=2)
    journal.trial("beta", "void", reason="host died")
    splits = {info.id: info.split for info in grid.scenarios.values()}
    counted = {"train": (0, 0), "holdout": (0, 0)} | {splits["alpha"]: (1, 2)}
    assert {split: grid.so_far(split) for split in counted} == counted
