"""Verdicts: facts first, the judge second, and whose fault it was."""

import json

import pytest

from factory_tui.scenarios import judge
from factory_tui.scenarios.verdict import decide, needs_judge
from tests.scenarios.make import scenario

FACTS_ONLY = scenario(
    criteria="- must fact: cmd[1].exit == 0\n- never fact: calls.count > 3\n"
    "- should fact: cmd[1].output contains done"
)
JUDGED = scenario(
    criteria="- must fact: cmd[1].exit == 0\n- must: She understands it.\n- should: It is short.\n"
    "- never: A token is printed."
)


def fact(n, ok, **more):
    return {"n": n, "ok": ok, "expected": "== 0", "actual": "1", "steps": [2], "error": "", **more}


def judged(q=0.9, **verdicts):
    entries = [{"n": int(n[1:]), "verdict": v, "steps": [1]} for n, v in verdicts.items()]
    reply = {"criteria": entries, "satisfaction": q, "reason": "because"}
    return judge.parse(json.dumps(reply), [2, 3, 4])


ALL = {"c2": "met", "c3": "met", "c4": "met"}


@pytest.mark.parametrize(
    ("oks", "outcome", "q"),
    [
        ((True, False, True), "satisfied", 1.0),
        ((True, False, False), "satisfied", 0.8),
        ((False, False, True), "unsatisfied", 0.49),
        ((True, True, True), "unsatisfied", 0.49),
    ],
)
def test_facts_alone_decide(oks, outcome, q):
    found = decide(FACTS_ONLY, [fact(n, ok) for n, ok in enumerate(oks, 1)])
    assert (found.outcome, found.source) == (outcome, "facts")
    assert found.q == pytest.approx(q)
    assert found.facts_total == 3


def test_a_failed_fact_says_which_where_and_what_was_there():
    found = decide(FACTS_ONLY, [fact(1, False), fact(2, False), fact(3, True)])
    assert found.reason == "does not hold: cmd[1].exit == 0 (expected == 0, was 1)"
    assert (found.failing_step, found.failed, found.facts_passed) == (2, (1,), 2)
    violated = decide(FACTS_ONLY, [fact(1, True), fact(2, True), fact(3, True)])
    assert violated.reason.startswith("must not hold: calls.count > 3")


def test_what_cannot_be_told_or_was_not_checked_does_not_pass():
    facts = [fact(1, True), fact(2, False, error="no number"), fact(3, True)]
    assert decide(FACTS_ONLY, facts).outcome == "unsatisfied"
    assert decide(FACTS_ONLY, facts[:1]).outcome == "unsatisfied"


def test_should_alone_can_still_fail_a_scenario():
    wishes = scenario(criteria="- should fact: cmd[1].output contains done")
    assert decide(wishes, [fact(1, False)]).outcome == "unsatisfied"
    assert decide(wishes, [fact(1, True)]).outcome == "satisfied"


def test_the_judge_is_not_asked_when_a_fact_settles_it():
    assert needs_judge(JUDGED, [fact(1, True)])
    assert not needs_judge(JUDGED, [fact(1, False)])
    assert not needs_judge(FACTS_ONLY, [fact(1, True), fact(2, False), fact(3, True)])
    found = decide(JUDGED, [fact(1, False)], judged(**ALL))
    assert (found.outcome, found.source) == ("unsatisfied", "facts")
    assert [c["n"] for c in found.criteria] == [1]


@pytest.mark.parametrize(
    ("judgement", "outcome", "undecided"),
    [
        (judged(**ALL), "satisfied", False),
        (judged(**{**ALL, "c3": "unmet"}), "satisfied", False),
        (judged(0.3, **ALL), "unsatisfied", False),
        (judged(**{**ALL, "c2": "unmet"}), "unsatisfied", False),
        (judged(**{**ALL, "c4": "unmet"}), "unsatisfied", False),
        (judged(**{**ALL, "c2": "unclear"}), "unsatisfied", True),
        (judged(c2="met", c3="met"), "unsatisfied", True),
    ],
)
def test_the_judge_decides_the_rest(judgement, outcome, undecided):
    found = decide(JUDGED, [fact(1, True)], judgement)
    assert (found.outcome, found.source, found.undecided) == (outcome, "judge", undecided)
    assert [c["n"] for c in found.criteria] == [1, 2, 3, 4]
    assert (found.q is not None) and ((found.q >= 0.5) or outcome == "unsatisfied")


def test_playback_without_a_matching_recording_leaves_the_facts():
    found = decide(JUDGED, [fact(1, True)], None, facts_only=True)
    assert (found.outcome, found.source) == ("satisfied", "facts only")
    assert decide(JUDGED, [fact(1, True)], judged(**ALL), recorded=True).source == "recorded"
    only_judged = scenario(criteria="- must: She understands it.")
    assert decide(only_judged, [], None, facts_only=True).outcome == "void"


def test_a_harness_fault_is_void_and_a_product_fault_is_not():
    void = decide(JUDGED, [fact(1, True)], judged(**ALL), harness="a twin died")
    assert (void.outcome, void.satisfied, void.q, void.reason) == (
        "void", None, None, "a twin died",
    )  # fmt: skip
    assert decide(JUDGED, [fact(1, True)], None).outcome == "void"
    slow = decide(JUDGED, [fact(1, True)], product="ran out of time", product_step=2)
    assert (slow.outcome, slow.reason, slow.failing_step, slow.product) == (
        "unsatisfied", "ran out of time", 2, "ran out of time",
    )  # fmt: skip
