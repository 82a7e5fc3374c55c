"""Folding pipeline events: visits, retries, money, branches, candidates, questions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from factory_tui.state import RunState
from factory_tui.state.liveness import judge
from tests.state.test_run import CREATED, Journal

GRAPH = {
    "name": "g",
    "nodes": [{"id": "a", "label": "A"}, {"id": "b", "layer": 1}, {"id": "c", "layer": 1}],
    "edges": [{"from": "a", "to": "b", "label": "yes"}, {"from": "a", "to": "c"}, {"from": "x"}],
}


@pytest.fixture
def journal() -> Journal:
    made = Journal(CREATED)
    made.add("pipeline.started", GRAPH)
    return made


def at(node: str, visit: int = 1, **more: Any) -> dict[str, Any]:
    return {"node": node, "pipeline": "", "branch": "", "visit": visit, **more}


def test_what_a_visit_cost_is_the_engines_sum_once_it_is_over(journal: Journal) -> None:
    pipeline = journal.run.pipeline.of("")
    assert [len(pipeline.graph.nodes), len(pipeline.graph.edges)] == [3, 2]
    journal.add("node.entered", at("a", attempt=1))
    journal.add("spend", at("a", tokens=100, usd="0.10", role="builder"))
    journal.add("node.retrying", at("a", attempt=2, delay_s=1, error="529"))
    node = pipeline.nodes["a"]
    assert (node.state, node.tokens, node.usd, node.retries) == (
        "retrying",
        100,
        Decimal("0.10"),
        1,
    )
    journal.add("node.entered", at("a", attempt=2))
    assert node.state == "live" and pipeline.live == ["a"] and len(node.visits) == 1
    journal.add("spend", at("a", tokens=50, usd=None, role="builder"))
    assert node.usd is None, "an unknown price is not nothing"
    left = at("a", status="success", ms=5000, tokens=170, usd="0.20", calls=3, attempts=2)
    journal.add("node.left", left)
    assert (node.state, node.tokens, node.usd, node.retries) == ("success", 170, Decimal("0.20"), 1)
    assert node.seconds(journal.now + 60_000) == 5.0
    journal.add("edge.taken", {"from": "a", "to": "b", "label": "yes", "pipeline": ""})
    first, second = pipeline.graph.edges
    assert (pipeline.times(first), pipeline.times(second)) == (1, 0)
    journal.add("node.entered", at("a", 2))
    assert len(node.visits) == 2 and pipeline.rests_at == "a"


def test_a_restarted_visit_is_the_same_visit(journal: Journal) -> None:
    journal.add("node.entered", at("a"))
    journal.add("run.started", {"pid": 2, "tier": {}, "resumed": True})
    journal.add("node.entered", at("a"))
    assert len(journal.run.pipeline.of("").nodes["a"].visits) == 1


def test_child_pipelines_are_kept_apart(journal: Journal) -> None:
    journal.add("pipeline.started", {**GRAPH, "pipeline": "boss", "name": "child"})
    journal.add("node.entered", {**at("b"), "pipeline": "boss"})
    assert [p.key for p in journal.run.pipeline.drawn] == ["", "boss"]
    assert journal.run.pipeline.of("").live == [] and journal.run.node == ""


def test_trials_of_candidates_count_once_one_is_kept(journal: Journal) -> None:
    run = journal.run
    for branch, outcome in (("x", "satisfied"), ("y", "unsatisfied")):
        about = {"n": 1, "split": "train", "candidate": branch}
        journal.add("trial.started", about, iteration=1, scenario="alpha", trial=branch)
        done = {**about, "outcome": outcome}
        journal.add("trial.finished", done, iteration=1, scenario="alpha", trial=branch)
    assert run.grid.columns == [] and "2 candidates, trials: 2 done" in run.activity
    journal.add("candidate.kept", {"branch": "x", "node": "keep", "score": 1.0}, iteration=1)
    assert run.grid.rows()[-1].satisfied == 1 and run.grid.rows()[-1].trials == 1
    assert run.pipeline.of("").branches["x"].kept


def test_a_question_holds_the_run_until_it_is_answered(journal: Journal) -> None:
    run = journal.run
    journal.add("node.entered", at("b"))
    options = [{"key": "Y", "label": "Yes"}, {"key": "N", "label": "No"}]
    asked = at("b", id="q", text="Go\non?", type="yes_no", options=options, default="")
    journal.add("question.asked", {**asked, "asked_ms": journal.now, "expires_ms": None})
    journal.add("run.paused", {"reason": "question", "detail": ""})
    assert run.pipeline.of("").nodes["b"].state == "asks"
    question = run.questions.first
    assert question is not None and question.option("y") is question.options[0]
    assert "until somebody answers" in question.waits(journal.now)
    assert [need.short for need in run.needs] == ["asks you"]
    live = judge(
        status="paused",
        now_ms=journal.now,
        last_event_ms=journal.now,
        heartbeat_ms=None,
        process_alive=True,
        question="Go on?",
    )
    assert live.word == "asking" and "Go on?" in live.text
    journal.add("question.answered", {"id": "q", "node": "b", "choice": "Y", "how": "answered"})
    assert run.questions.first is None and run.needs == []
    assert run.pipeline.of("").nodes["b"].state == "live"


def test_a_judge_of_the_builders_family_is_known() -> None:
    run = Journal({**CREATED, "judge_same_family": True}).run
    assert run.judge_same_family
    assert not RunState("x").judge_same_family
