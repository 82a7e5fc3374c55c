"""Satisfaction: rates, intervals, what counts, and when a scenario is decided."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.scenarios.satisfaction import (
    Score,
    TrialOutcome,
    gauge,
    paired,
    pass_hat,
    report,
    score,
    steps_of_five,
)
from factory_tui.scenarios.stats import sign_flip, sprt, t_quantile, wilson

GOOD, BAD, VOID = "satisfied", "unsatisfied", "void"


def trials(name, *outcomes, weight=1.0, split="train"):
    return [TrialOutcome(name, split, weight, n, o) for n, o in enumerate(outcomes, 1)]


@pytest.mark.parametrize(
    ("s", "n", "low", "high"),
    [(3, 3, 0.44, 1), (5, 5, 0.57, 1), (4, 5, 0.38, 0.96), (10, 10, 0.72, 1), (30, 30, 0.89, 1),
     (45, 50, 0.79, 0.96), (0, 3, 0, 0.56)],
)  # fmt: skip
def test_wilson(s, n, low, high):
    assert wilson(s / n, n) == pytest.approx((low, high), abs=0.005)


@pytest.mark.parametrize(
    ("p", "df", "t"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.3027), (0.975, 10, 2.2281), (0.975, 39, 2.0227),
     (0.95, 5, 2.0150), (0.025, 4, -2.7764), (0.995, 29, 2.7564), (0.975, 5000, 1.9600)],
)  # fmt: skip
def test_quantiles_of_t(p, df, t):
    assert t_quantile(p, df) == pytest.approx(t, abs=1e-3)


def test_the_worked_example():
    outcomes = [
        *trials("a", *[GOOD] * 5, weight=3),
        *trials("b", *[GOOD] * 4, BAD, weight=2),
        *trials("c", *[GOOD] * 2, *[BAD] * 3, weight=3),
    ]
    found = score(outcomes, 5)
    assert found.rate == pytest.approx(0.725)
    assert found.set_error == pytest.approx(0.106, abs=0.001)
    assert found.like_error == pytest.approx(0.197, abs=0.001)
    assert found.few
    assert (found.satisfied, found.trials, found.scenarios) == (11, 15, 3)
    assert found.low < 0.4 and found.high > 0.9


def test_only_the_first_trials_count_for_the_headline():
    outcomes = [*trials("a", GOOD, GOOD, BAD, BAD), *trials("b", BAD, GOOD)]
    assert score(outcomes, 2).rate == 0.75
    assert score(outcomes, {"a": 4, "b": 1}).rate == 0.25
    assert report(outcomes, 2).scenarios["a"].rate == 0.5
    assert report(outcomes, 2).scenarios["a"].status == "flaky"


def test_void_trials_are_replaced_and_bounded():
    outcomes = [*trials("a", VOID, GOOD, GOOD), *trials("b", VOID, BAD)]
    found = score(outcomes, 2)
    assert (found.rate, found.void, found.trials) == (0.5, 2, 3)
    assert (found.worst, found.best) == (0.5, 0.75)
    nothing = score(trials("a", VOID), 2)
    assert (nothing.rate, nothing.scenarios, nothing.as_dict()["rate"]) == (None, 1, None)
    assert score([], 2) == Score()


def test_splits_are_apart_and_the_canary_does_not_count():
    outcomes = [
        *trials("a", GOOD, GOOD),
        *trials("b", BAD, GOOD, split="holdout"),
        *trials("c", BAD, BAD, split="canary"),
    ]
    found = report(outcomes, 2)
    assert (found.train.rate, found.holdout.rate, found.overall.rate) == (1.0, 0.5, 0.75)
    assert found.scenarios["c"].status == "fail"
    assert found.scenarios["b"].as_dict() == {
        "satisfied": 1, "trials": 2, "void": 0, "facts_only": 0, "status": "flaky",
    }  # fmt: skip
    assert not found.reached(0.9)
    assert report(outcomes[:2], 2).reached(0.9)
    assert not report(trials("a", VOID), 2).reached(0.0)
    assert not report([], 2).reached(0.0)


def test_trials_of_one_scenario_do_not_count_as_independent():
    alike = [t for i in range(10) for t in trials(f"s{i}", *[GOOD if i < 5 else BAD] * 5)]
    mixed = [t for i in range(10) for t in trials(f"s{i}", GOOD, BAD, GOOD, BAD, GOOD)]
    clustered, even = score(alike, 5), score(mixed, 5)
    assert clustered.n_eff < 15 < even.n_eff
    assert clustered.high - clustered.low > 1.5 * (even.high - even.low)


OUTCOMES = st.lists(
    st.tuples(
        st.lists(st.sampled_from([GOOD, BAD, VOID]), min_size=1, max_size=5),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=8,
)


@given(OUTCOMES, st.integers(1, 4))
def test_a_score_is_consistent(drawn, least):
    outcomes = [t for i, (os, w) in enumerate(drawn) for t in trials(f"s{i}", *os, weight=w)]
    found = score(outcomes, least)
    assert 0 <= found.low <= found.high <= 1
    assert found.satisfied <= found.trials <= least * len(drawn)
    if found.rate is not None:
        assert found.low - 1e-9 <= found.rate <= found.high + 1e-9
        assert found.worst <= found.rate + 1e-9
        assert found.rate <= found.best + 1e-9
        assert 0 < found.n_eff <= found.trials + 1e-9
        better = [TrialOutcome(t.scenario, t.split, t.weight, t.n, GOOD) for t in outcomes]
        assert score(better, least).rate == pytest.approx(1.0)
    assert score(list(reversed(outcomes)), least) == found


@given(st.integers(0, 40), st.integers(1, 40))
def test_wilson_holds_the_rate_and_narrows(successes, n):
    successes = min(successes, n)
    low, high = wilson(successes / n, n)
    assert 0 <= low <= successes / n <= high <= 1
    wide_low, wide_high = wilson(successes / n, n / 2)
    assert wide_high - wide_low >= high - low - 1e-12


def test_six_straight_passes_or_two_straight_failures_decide():
    assert [sprt(n, 0) for n in (0, 5, 6)] == ["continue", "continue", "pass"]
    assert [sprt(0, n) for n in (0, 1, 2)] == ["continue", "continue", "fail"]
    assert sprt(3, 1) == "continue"
    assert math.isclose(math.log(0.9 / 0.6), 0.405, abs_tol=0.001)


def test_a_paired_comparison_uses_each_scenario_as_its_own_control():
    before = report([t for i in range(8) for t in trials(f"s{i}", BAD, GOOD)], 2).scenarios
    after = report([t for i in range(8) for t in trials(f"s{i}", GOOD, GOOD)], 2).scenarios
    found = paired(before, after)
    assert (found.difference, found.p, found.scenarios) == (0.5, 2 / 2**8, 8)
    assert found.better == tuple(f"s{i}" for i in range(8))
    assert paired(before, before).p == 1.0
    assert paired(before, {}).scenarios == 0


def test_sign_flips():
    assert sign_flip([]) == 1.0
    assert sign_flip([1.0, 1.0, 1.0]) == 0.25
    assert sign_flip([1.0, -1.0]) == 1.0
    many = sign_flip([0.1] * 30, seed=1)
    assert many == sign_flip([0.1] * 30, seed=1) < 0.001


@given(st.lists(st.sampled_from([-0.5, 0.0, 0.2, 1.0]), max_size=8))
def test_a_p_value_is_one_and_symmetric(differences):
    p = sign_flip(differences)
    assert 0 < p <= 1
    assert p == sign_flip([-d for d in differences])


def test_pass_hat():
    assert pass_hat(3, 4, 1) == 0.75
    assert pass_hat(3, 4, 3) == 0.25
    assert pass_hat(2, 4, 3) == 0.0
    assert pass_hat(2, 2, 3) is None


def test_the_overfit_gauge():
    def of(rate, error):
        return Score(rate=rate, like_error=error, trials=100, scenarios=20)

    found = gauge(of(0.887, 0.045), of(0.720, 0.090))
    assert found.gap == pytest.approx(0.167)
    assert (found.low, found.high) == pytest.approx((-0.03, 0.36), abs=0.01)
    assert found.probability == pytest.approx(0.95, abs=0.005)
    assert found.colour == "amber"
    assert gauge(of(0.9, 0.02), of(0.6, 0.02)).colour == "red"
    assert gauge(of(0.7, 0.05), of(0.72, 0.05)).colour == "green"
    assert gauge(of(1.0, 0.0), of(1.0, 0.0)).colour == "green"
    assert gauge(Score(), of(0.7, 0.05)) is None


@pytest.mark.parametrize(
    ("rate", "said"),
    [(None, "no score yet"), (0.0, "0 %"), (0.024, "0 %"), (0.026, "5 %"), (0.725, "75 %"),
     (0.97, "95 %"), (0.99, "100 %"), (1.0, "100 %")],
)  # fmt: skip
def test_only_steps_of_five_points_leave_the_vault(rate, said):
    assert steps_of_five(rate) == said
