"""Satisfaction: of all observed trajectories, the fraction that likely satisfy the user.

The headline counts the first ``trials.min`` trials of each scenario, so that stopping a scenario
early or late cannot bias it; later trials settle only the scenario's own status. A scenario's
rate has a Wilson interval; the overall rate weighs scenarios and gets Wilson at an effective
number of trials, because trials of one scenario resemble each other (naive intervals are half
as wide as they should be). Void trials are left out and shown as bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

from factory_tui.scenarios.stats import sign_flip, sprt, t_quantile, wilson, z_quantile

__all__ = [
    "Comparison",
    "Gauge",
    "Report",
    "ScenarioScore",
    "Score",
    "TrialOutcome",
    "gauge",
    "paired",
    "pass_hat",
    "report",
    "score",
    "sprt",
    "steps_of_five",
]

Status = Literal["pass", "fail", "flaky", "void"]


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """What counts of one trial. ``n`` counts a scenario's trials from 1."""

    scenario: str
    split: str
    weight: float
    n: int
    outcome: str
    facts_only: bool = False


@dataclass(frozen=True, slots=True)
class ScenarioScore:
    """One scenario: all its trials. ``decision`` is the sequential test's."""

    id: str
    split: str
    weight: float
    satisfied: int
    trials: int
    void: int
    facts_only: int
    rate: float | None
    low: float
    high: float
    status: Status
    decision: str

    def as_dict(self) -> dict[str, Any]:
        """The journal's form."""
        return {
            "satisfied": self.satisfied,
            "trials": self.trials,
            "void": self.void,
            "facts_only": self.facts_only,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """The headline of a set of scenarios.

    ``rate`` is ``None`` without a trial. ``low``/``high`` is the 95 % interval for "users like
    these"; ``set_error`` and ``like_error`` are the standard errors for "these scenarios" and
    "users like these". ``worst``/``best`` count every void trial as 0 and as 1. ``few`` says
    that there are too few scenarios for the interval to mean much.
    """

    satisfied: int = 0
    trials: int = 0
    scenarios: int = 0
    rate: float | None = None
    low: float = 0.0
    high: float = 1.0
    n_eff: float = 0.0
    set_error: float = 0.0
    like_error: float = 0.0
    void: int = 0
    facts_only: int = 0
    worst: float | None = None
    best: float | None = None
    few: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The journal's form: satisfied, trials, scenarios, rate, low, high."""
        return {
            "satisfied": self.satisfied,
            "trials": self.trials,
            "scenarios": self.scenarios,
            "rate": self.rate,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One iteration: the splits apart, together, and every scenario."""

    train: Score
    holdout: Score
    overall: Score
    scenarios: Mapping[str, ScenarioScore] = field(default_factory=dict)

    def reached(self, target: float) -> bool:
        """Whether train and holdout both reach the target; a split without scenarios does."""
        scored = [s for s in (self.train, self.holdout) if s.scenarios]
        return bool(scored) and all(s.rate is not None and s.rate >= target for s in scored)


Minimum = int | Mapping[str, int]


def _first(trials: Iterable[TrialOutcome], minimum: Minimum) -> dict[str, list[TrialOutcome]]:
    """Scenario → its first counted trials in order of ``n``, void ones left out."""
    found: dict[str, list[TrialOutcome]] = {}
    for trial in sorted(trials, key=lambda t: (t.scenario, t.n)):
        found.setdefault(trial.scenario, [])
        if trial.outcome != "void" and len(found[trial.scenario]) < _least(minimum, trial.scenario):
            found[trial.scenario].append(trial)
    return found


def _least(minimum: Minimum, scenario: str) -> int:
    return minimum if isinstance(minimum, int) else minimum.get(scenario, 1)


def score(trials: Sequence[TrialOutcome], min_trials: Minimum) -> Score:
    """The headline over all given trials (hand in one split's, or all).

    Args:
        trials: outcomes of any number of scenarios.
        min_trials: how many of each scenario's trials count, one number or by scenario.
    """
    by_id = _first(trials, min_trials)
    weights = {t.scenario: t.weight for t in trials}
    counted = {sid: ts for sid, ts in by_id.items() if ts}
    void = sum(t.outcome == "void" for t in trials)
    if not counted:
        return Score(scenarios=len(by_id), void=void)
    rates = {s: sum(t.outcome == "satisfied" for t in ts) / len(ts) for s, ts in counted.items()}
    total = sum(weights[s] for s in counted)
    share = {s: weights[s] / total for s in counted}
    rate = min(1.0, math.fsum(share[s] * rates[s] for s in counted))
    n = sum(len(ts) for ts in counted.values())
    set_error = math.sqrt(
        math.fsum(_smoothed(share[s], rates[s], len(counted[s])) for s in counted)
    )
    size = len(counted)
    like = math.fsum((share[s] * (rates[s] - rate)) ** 2 for s in counted)
    like_error = math.sqrt(size / (size - 1) * like) if size > 1 else set_error
    n_eff = _effective(rate, n, like_error)
    quantile = t_quantile(0.975, size - 1) if size > 1 else z_quantile(0.975)
    low, high = wilson(rate, n_eff, quantile)
    worst, best = _bounds(by_id, trials, min_trials, weights)
    return Score(
        satisfied=sum(t.outcome == "satisfied" for ts in counted.values() for t in ts),
        trials=n,
        scenarios=len(by_id),
        rate=rate,
        low=low,
        high=high,
        n_eff=n_eff,
        set_error=set_error,
        like_error=like_error,
        void=void,
        facts_only=sum(t.facts_only for ts in counted.values() for t in ts),
        worst=worst,
        best=best,
        few=size < 10,
    )


def _smoothed(share: float, rate: float, n: int) -> float:
    # Without smoothing five of five would contribute no variance at all.
    p = (rate * n + 0.5) / (n + 1)
    return share * share * p * (1 - p) / n


def _effective(rate: float, n: int, error: float) -> float:
    naive = rate * (1 - rate) / n
    if naive <= 0:
        return float(n)
    return n / max(1.0, error * error / naive)


def _bounds(
    by_id: Mapping[str, Sequence[TrialOutcome]],
    trials: Sequence[TrialOutcome],
    minimum: Minimum,
    weights: Mapping[str, float],
) -> tuple[float, float]:
    """The rate if every void trial that left a gap had failed, and if it had passed."""
    voids: dict[str, int] = {}
    for t in trials:
        voids[t.scenario] = voids.get(t.scenario, 0) + (t.outcome == "void")
    total = worst = best = 0.0
    for sid, counted in by_id.items():
        gap = min(voids[sid], _least(minimum, sid) - len(counted))
        n = len(counted) + gap
        if not n:
            continue
        passed = sum(t.outcome == "satisfied" for t in counted)
        total += weights[sid]
        worst += weights[sid] * passed / n
        best += weights[sid] * (passed + gap) / n
    return worst / total, min(1.0, best / total)


def _scenario(sid: str, trials: Sequence[TrialOutcome]) -> ScenarioScore:
    counted = [t for t in trials if t.outcome != "void"]
    satisfied = sum(t.outcome == "satisfied" for t in counted)
    n = len(counted)
    rate = satisfied / n if n else None
    low, high = wilson(rate, n) if rate is not None else (0.0, 1.0)
    status: Status = "void"
    if n:
        status = "pass" if satisfied == n else "fail" if satisfied == 0 else "flaky"
    return ScenarioScore(
        id=sid,
        split=trials[0].split,
        weight=trials[0].weight,
        satisfied=satisfied,
        trials=n,
        void=len(trials) - n,
        facts_only=sum(t.facts_only for t in counted),
        rate=rate,
        low=low,
        high=high,
        status=status,
        decision=sprt(satisfied, n - satisfied),
    )


def report(trials: Sequence[TrialOutcome], min_trials: Minimum) -> Report:
    """Everything about one iteration: train, holdout and overall apart, and every scenario.

    Canary trials are in ``scenarios`` only: passing one is no satisfaction.
    """
    grouped: dict[str, list[TrialOutcome]] = {}
    for trial in trials:
        grouped.setdefault(trial.scenario, []).append(trial)

    def of(*splits: str) -> Score:
        return score([t for t in trials if t.split in splits], min_trials)

    return Report(
        train=of("train"),
        holdout=of("holdout"),
        overall=of("train", "holdout"),
        scenarios={sid: _scenario(sid, ts) for sid, ts in sorted(grouped.items())},
    )


def pass_hat(successes: int, n: int, k: int) -> float | None:
    """pass^k: the chance that ``k`` trials in a row all satisfy; ``None`` when ``n < k``."""
    if n < k or k < 1:
        return None
    return math.comb(successes, k) / math.comb(n, k)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two products on the same scenarios. ``p`` is the two-sided sign-flip p-value."""

    difference: float
    p: float
    scenarios: int
    better: tuple[str, ...] = ()
    worse: tuple[str, ...] = ()


def paired(before: Mapping[str, ScenarioScore], after: Mapping[str, ScenarioScore]) -> Comparison:
    """Compare by scenario: the weighted mean change of the rates, and whether it is chance."""
    both = [
        (sid, before[sid].rate, after[sid].rate, after[sid].weight)
        for sid in sorted(before.keys() & after.keys())
    ]
    changes = [(sid, a - b, w) for sid, b, a, w in both if a is not None and b is not None]
    total = math.fsum(w for _, _, w in changes)
    if not total:
        return Comparison(0.0, 1.0, 0)
    weighted = [d * w / total for _, d, w in changes]
    return Comparison(
        difference=math.fsum(weighted),
        p=sign_flip(weighted),
        scenarios=len(changes),
        better=tuple(sid for sid, d, _ in changes if d > 0),
        worse=tuple(sid for sid, d, _ in changes if d < 0),
    )


@dataclass(frozen=True, slots=True)
class Gauge:
    """How far train runs ahead of holdout. ``probability`` is P(the true gap > 0)."""

    gap: float
    error: float
    low: float
    high: float
    probability: float
    colour: Literal["green", "amber", "red"]


def gauge(train: Score, holdout: Score) -> Gauge | None:
    """The overfit gauge; ``None`` until both splits have trials.

    Red when the gap is there beyond its 95 % interval, amber when it is likely (90 %).
    """
    if train.rate is None or holdout.rate is None:
        return None
    gap = train.rate - holdout.rate
    # A split that is all green or all red has no spread; its own smoothed error stands in.
    errors = [
        max(s.like_error, s.set_error if s.like_error == 0 else 0.0) for s in (train, holdout)
    ]
    error = math.hypot(*errors)
    probability = NormalDist(gap, error).cdf(0.0) if error else float(gap <= 0)
    half = z_quantile(0.975) * error
    colour: Literal["green", "amber", "red"] = "green"
    if gap - half > 0:
        colour = "red"
    elif 1 - probability >= 0.9:
        colour = "amber"
    return Gauge(gap, error, gap - half, gap + half, 1 - probability, colour)


def steps_of_five(rate: float | None) -> str:
    """A rate as a percentage in steps of five points: all that may leave the vault."""
    return "no score yet" if rate is None else f"{5 * math.floor(rate * 20 + 0.5)} %"
