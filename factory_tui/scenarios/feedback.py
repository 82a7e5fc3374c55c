"""What the builder is told after an iteration: the only way out of the vault.

Levels, coarse to fine: ``score`` (satisfaction in steps of five points), ``tags`` (the same per
area), ``symptom`` (what users noticed, in the spec's words, grouped), ``excerpt`` (passages of
train trajectories). Train has any of them, holdout only ``score``. Everything but the scores
passes the leak lint; what fails it is told one level coarser, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from factory_tui.scenarios.leaklint import Leak, find_leaks, vault_text
from factory_tui.scenarios.model import Scenario
from factory_tui.scenarios.satisfaction import Score, steps_of_five
from factory_tui.scenarios.verdict import Verdict

__all__ = ["LEVELS", "Feedback", "ScenarioResult", "compose", "result_of"]

LEVELS: Final = ("score", "tags", "symptom", "excerpt")

_EXCERPT_CHARS: Final = 1_500
_EXCERPTS: Final = 3


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What one iteration's trials showed of one scenario.

    ``failed`` maps a criterion's number to the trials in which it failed; ``product`` are the
    ways the program itself failed ("ran out of time"); ``excerpts`` are passages of trajectories.
    Void trials do not count.
    """

    scenario: Scenario
    trials: int
    satisfied: int
    failed: Mapping[int, int] = field(default_factory=dict)
    product: Sequence[str] = ()
    excerpts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is told, at which levels, and what the lint made of it.

    ``lint`` is ``clean``, or says what was withheld (for the engineer, not the builder).
    """

    text: str
    train_level: str
    holdout_level: str
    lint: str


def result_of(
    scenario: Scenario, verdicts: Sequence[Verdict], excerpts: Sequence[str] = ()
) -> ScenarioResult:
    """Gather the verdicts of one scenario's trials."""
    counted = [v for v in verdicts if v.outcome != "void"]
    failed: dict[int, int] = {}
    for verdict in counted:
        for n in verdict.failed:
            failed[n] = failed.get(n, 0) + 1
    return ScenarioResult(
        scenario=scenario,
        trials=len(counted),
        satisfied=sum(v.outcome == "satisfied" for v in counted),
        failed=failed,
        product=tuple(dict.fromkeys(v.product for v in counted if v.product)),
        excerpts=tuple(excerpts),
    )


@dataclass(slots=True)
class _Line:
    """One thing that users noticed, and in whose stories."""

    text: str
    always: bool
    weight: float
    scenarios: list[Scenario]


def compose(
    results: Sequence[ScenarioResult],
    *,
    train: Score,
    holdout: Score,
    spec: str,
    vault: Sequence[Scenario],
    train_level: str = "symptom",
    holdout_level: str = "score",
) -> Feedback:
    """Write the feedback on one iteration.

    Args:
        results: what the trials showed; only those of train scenarios are spoken of.
        train: headline of the train split.
        holdout: headline of the holdout split.
        spec: the spec's text: what the builder knows.
        vault: every scenario, told or not.
        train_level: one of :data:`LEVELS`.
        holdout_level: only ``score`` exists.

    Raises:
        ValueError: a level that does not exist.
    """
    if train_level not in LEVELS or holdout_level != "score":
        raise ValueError(f"no such feedback level: {train_level}/{holdout_level}")
    told = [r for r in results if r.scenario.split == "train" and r.trials]
    secrets = {s.id: vault_text(s.text) for s in vault}
    hidden = {s.id: vault_text(s.text) for s in vault if s.split != "train"}

    def leaks(text: str) -> list[Leak]:
        return find_leaks(text, secrets, spec)

    withheld: list[str] = []
    level, detail = "score", ""
    if train_level in ("symptom", "excerpt"):
        detail = _symptoms(told, leaks, withheld)
        level = "symptom"
        if found := leaks(detail):
            withheld += [f"symptoms: {leak}" for leak in found]
            level, detail = "score", ""
    if train_level == "tags" or (train_level != "score" and level == "score"):
        detail, level = _tags(told), "tags"
        if found := leaks(detail):
            withheld += [f"tags: {leak}" for leak in found]
            level, detail = "score", ""
    if train_level == "excerpt" and level == "symptom":
        excerpts = [e for e in _excerpts(told) if not _withhold(e, hidden, spec, withheld)]
        if excerpts:
            detail += "\n\nSeen while they used it:\n\n" + "\n\n".join(excerpts)
            level = "excerpt"
    text = _score_lines(train, holdout) + (f"\n\n{detail}" if detail else "")
    lint = "clean" if not withheld else "withheld " + " | ".join(withheld)
    return Feedback(text.strip() + "\n", level, holdout_level, lint)


def _score_lines(train: Score, holdout: Score) -> str:
    lines = [
        "People used the program the way the spec says they will, several times over.",
        f"Satisfied: {steps_of_five(train.rate)} of the uses that are described below.",
    ]
    if holdout.scenarios:
        told = f"Satisfied: {steps_of_five(holdout.rate)} of other uses"
        lines.append(f"{told}, about which you will not hear more than this.")
    return "\n".join(lines)


def _symptoms(
    results: Sequence[ScenarioResult],
    leaks: Callable[[str], list[Leak]],
    withheld: list[str],
) -> str:
    lines: dict[str, _Line] = {}
    areas: dict[str, _Line] = {}
    for result in results:
        for text, count in _noticed(result):
            found = leaks(text)
            withheld += [f"a symptom: {leak}" for leak in found]
            coarse = not text or bool(found)
            if coarse:
                text = "In this area something is wrong: " + ", ".join(result.scenario.tags)
                if not result.scenario.tags:
                    text = "Something else is wrong that the spec asks for."
            group = areas if coarse else lines
            line = group.setdefault(text, _Line(text, False, 0.0, []))
            line.always = line.always or count >= result.trials
            line.weight += result.scenario.weight * count / result.trials
            if result.scenario not in line.scenarios:
                line.scenarios.append(result.scenario)
    ordered = sorted(lines.values(), key=lambda x: (-x.weight, x.text))
    ordered += sorted(areas.values(), key=lambda x: (-x.weight, x.text))
    if not ordered:
        return "Nobody noticed anything wrong in the uses that may be described."
    said = [f"- {'Every time' if x.always else 'Sometimes'}: {x.text}" for x in ordered]
    return "What they noticed, the heaviest first:\n" + "\n".join(said)


def _noticed(result: ScenarioResult) -> list[tuple[str, int]]:
    """Symptoms of one scenario with the trials that showed them; "" where none is written."""
    found: dict[str, int] = {}
    for fault in result.product:
        found[f"The program {fault}."] = 1
    by_number = {c.n: c for c in result.scenario.criteria}
    unspoken = 0
    for n, count in result.failed.items():
        symptom = by_number[n].symptom
        if symptom:
            found[symptom] = max(found.get(symptom, 0), count)
        elif by_number[n].level != "should":
            unspoken = max(unspoken, count)
    if unspoken and not found:
        found[""] = unspoken
    return list(found.items())


def _tags(results: Sequence[ScenarioResult]) -> str:
    areas: dict[str, list[ScenarioResult]] = {}
    for result in results:
        for tag in result.scenario.tags:
            areas.setdefault(tag, []).append(result)
    lines = []
    for tag, members in sorted(areas.items()):
        rate = sum(r.satisfied / r.trials for r in members) / len(members)
        # In words: a number per area would tell more than it seems to.
        word = "good" if rate >= 0.9 else "mixed" if rate >= 0.4 else "poor"
        lines.append(f"- {tag}: {word}")
    return "By area:\n" + "\n".join(lines) if lines else ""


def _excerpts(results: Sequence[ScenarioResult]) -> list[str]:
    failing = [r for r in results if r.satisfied < r.trials]
    failing.sort(key=lambda r: (r.satisfied / r.trials, -r.scenario.weight, r.scenario.id))
    texts = [e.strip()[:_EXCERPT_CHARS] for r in failing for e in r.excerpts[:1]]
    return [f"```\n{t}\n```" for t in texts if t][:_EXCERPTS]


def _withhold(text: str, hidden: Mapping[str, str], spec: str, withheld: list[str]) -> bool:
    found = find_leaks(text, hidden, spec)
    withheld += [f"an excerpt: {leak}" for leak in found]
    return bool(found)
