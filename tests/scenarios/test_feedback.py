"""Feedback: what the builder is told, and that nothing else leaves the vault."""

import pytest

from factory_tui.scenarios.feedback import ScenarioResult, compose, result_of
from factory_tui.scenarios.leaklint import find_leaks, vault_text
from factory_tui.scenarios.satisfaction import Score
from factory_tui.scenarios.verdict import Verdict
from tests.scenarios.make import scenario

SPEC = (
    "The program syncs Okta groups to Slack channels and opens a Jira ticket when a member has no "
    "Slack account. Running it again must be safe. `sync --config mapping.yaml` exits with 0."
)
TOLD = "After a failure while creating a ticket, running again leaves more than one ticket."
STORY = (
    "Lee is in Okta but was never invited to Slack. Sam wants one ticket at lee@acme.example in "
    "project IT that says who, which group and what to do next, however often the sync runs."
)
TRAIN = scenario(
    "id: one-ticket\ntags: [tickets]",
    story=STORY,
    criteria=f"- must fact: jira.issues[project=IT].count == 1\n  symptom: {TOLD}\n"
    "- must: The ticket names the person and the channel.\n"
    "- should: It is polite.",
)
OTHER = scenario(
    "id: joiner\ntags: [membership, tickets]", criteria=f"- must: x\n  symptom: {TOLD}"
)
SECRET = scenario(
    "id: big-bang\nsplit: holdout\ntags: [everything]",
    story="The pipes burst on a rainy Tuesday at headquarters.",
)
VAULT = [TRAIN, OTHER, SECRET]


def result(found, *failed, trials=2, satisfied=0, **more):
    return ScenarioResult(found, trials, satisfied, dict.fromkeys(failed, trials), **more)


def told(results, **more):
    scores = {"train": Score(rate=0.62, scenarios=2), "holdout": Score(rate=0.31, scenarios=1)}
    return compose(results, spec=SPEC, vault=VAULT, **{**scores, **more})


def test_train_is_told_as_symptoms_and_holdout_as_a_rounded_score():
    made = told([result(TRAIN, 1), result(SECRET, 1), result(OTHER, 1)])
    assert made.text == (
        "People used the program the way the spec says they will, several times over.\n"
        "Satisfied: 60 % of the uses that are described below.\n"
        "Satisfied: 30 % of other uses, about which you will not hear more than this.\n\n"
        "What they noticed, the heaviest first:\n"
        f"- Every time: {TOLD}\n"
    )
    assert (made.train_level, made.holdout_level, made.lint) == ("symptom", "score", "clean")


def test_what_fails_only_sometimes_is_said_so():
    made = told([ScenarioResult(TRAIN, 3, 1, {1: 2})])
    assert f"- Sometimes: {TOLD}" in made.text


def test_a_criterion_without_a_symptom_is_told_by_its_area():
    made = told([result(TRAIN, 2)])
    assert "In this area something is wrong: tickets" in made.text
    assert "names the person" not in made.text
    assert told([result(TRAIN, 3)]).text.count("- ") == 0


def test_a_product_that_failed_as_a_whole_is_told():
    made = told([result(TRAIN, product=["ran out of time"])])
    assert "- Sometimes: The program ran out of time." in made.text


def test_a_symptom_that_leaks_is_told_one_level_coarser():
    leaky = scenario(
        "id: leaky\ntags: [tickets]",
        criteria="- must fact: cmd[1].exit == 0\n"
        "  symptom: The pipes burst on a rainy Tuesday for lee@acme.example",
    )
    made = told([result(leaky, 1), result(TRAIN, 1)])
    assert "rainy" not in made.text
    assert "lee@acme" not in made.text
    assert "In this area something is wrong: tickets" in made.text
    assert TOLD in made.text
    assert made.train_level == "symptom"
    assert "big-bang" in made.lint and "rainy" in made.lint


def test_when_even_the_area_leaks_the_score_is_still_told():
    leaky = scenario("id: leaky\ntags: [big-bang]", criteria="- must fact: cmd[1].exit == 0")
    made = told([result(leaky, 1)])
    assert made.train_level == "score"
    assert "Satisfied: 60 %" in made.text
    assert "big-bang" not in made.text
    assert made.lint.startswith("withheld")


def test_the_levels():
    results = [result(TRAIN, 1, excerpts=["$ sync\nfailed for lee@acme.example"])]
    assert told(results, train_level="score").text.count("\n") == 3
    tags = told([*results, result(OTHER, satisfied=2)], train_level="tags")
    assert "- membership: good" in tags.text
    assert "- tickets: mixed" in tags.text
    excerpt = told(results, train_level="excerpt")
    assert "failed for lee@acme.example" in excerpt.text
    assert excerpt.train_level == "excerpt"
    secret = [result(TRAIN, 1, excerpts=["the pipes burst on a rainy day"])]
    withheld = told(secret, train_level="excerpt")
    assert "pipes" not in withheld.text
    assert withheld.train_level == "symptom"
    for wrong in ({"train_level": "everything"}, {"holdout_level": "symptom"}):
        with pytest.raises(ValueError, match="no such feedback level"):
            told(results, **wrong)


def test_nothing_of_holdout_is_ever_told_beyond_the_score():
    texts = {
        told([result(TRAIN, 1), r], train_level=level).text
        for r in (result(SECRET, 1), result(SECRET, satisfied=2), result(SECRET, product=["died"]))
        for level in ("symptom",)
    }
    assert len(texts) == 1
    assert "other uses" not in told([result(TRAIN, 1)], holdout=Score()).text


def test_a_clean_iteration_says_so():
    assert "Nobody noticed anything wrong" in told([result(TRAIN, satisfied=2)]).text


def test_verdicts_are_gathered_by_criterion():
    verdicts = [
        Verdict("unsatisfied", False, 0.1, "facts", "x", failed=(1, 3)),
        Verdict("unsatisfied", False, 0.0, "facts", "x", failed=(1,), product="ran out of time"),
        Verdict("satisfied", True, 1.0, "facts", "x"),
        Verdict("void", None, None, "facts", "x"),
    ]
    found = result_of(TRAIN, verdicts)
    assert (found.trials, found.satisfied, found.failed) == (3, 1, {1: 2, 3: 1})
    assert found.product == ("ran out of time",)


# -- the lint --------------------------------------------------------------------------------

SECRETS = {s.id: vault_text(s.text) for s in VAULT}


def leaks(text):
    return [leak.scenario for leak in find_leaks(text, SECRETS, SPEC)]


def test_the_lint_finds_shared_phrases_literals_and_names():
    found = find_leaks(
        "The ticket names the person and the channel, says lee@acme.example.", SECRETS, SPEC
    )[0]
    assert found.scenario == "one-ticket"
    assert "names the person and" in found.phrases
    assert found.literals == ("lee@acme.example",)
    assert leaks("scenario big-bang failed") == ["big-bang"]
    assert "lee@acme.example" in str(found)


def test_the_lint_passes_the_specs_own_words_symptoms_and_scores():
    assert leaks(TOLD) == []
    assert leaks("It opens a Jira ticket when a member has no Slack account.") == []
    assert leaks("Reliability under service failures is worse than before.") == []
    assert leaks("Run `sync --config mapping.yaml` again.") == []


def test_symptom_lines_are_not_secret():
    assert TOLD not in vault_text(TRAIN.text)
    assert "names the person" in vault_text(TRAIN.text)
