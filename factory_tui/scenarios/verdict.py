"""One verdict per trial: facts first, the judge second, and a failed harness is nobody's fault.

A trajectory is satisfied when every ``must`` holds, nothing that must never happen did, and the
person is likely satisfied (``q ≥ 0.5``). Product crashes and timeouts count against the product;
faults of the harness make the trial void.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from factory_tui.scenarios.judge import Judgement
from factory_tui.scenarios.model import Criterion, Scenario

__all__ = ["Outcome", "Source", "Verdict", "decide", "needs_judge"]

Outcome = Literal["satisfied", "unsatisfied", "void"]
Source = Literal["facts", "judge", "recorded", "facts only"]

_WEIGHT = {"must": 2.0, "never": 2.0, "should": 1.0}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is held of one trial.

    ``satisfied`` and ``q`` are ``None`` when it is void. ``criteria`` has one entry per criterion
    that was looked at: ``{n, level, kind, text, verdict, evidence, steps}``. ``failing_step`` is
    the first scenario step that the failure rests on. ``undecided`` asks for a human. ``product``
    is how the program itself failed, if it did.
    """

    outcome: Outcome
    satisfied: bool | None
    q: float | None
    source: Source
    reason: str
    failing_step: int | None = None
    failed: tuple[int, ...] = ()
    criteria: tuple[Mapping[str, Any], ...] = ()
    evidence_steps: tuple[int, ...] = ()
    undecided: bool = False
    facts_passed: int = 0
    facts_total: int = 0
    product: str = ""


@dataclass(slots=True)
class _Tally:
    """Criteria as they are gone through."""

    entries: list[Mapping[str, Any]] = field(default_factory=list)
    failed: list[tuple[Criterion, str, str, list[int]]] = field(default_factory=list)
    open: list[Criterion] = field(default_factory=list)
    weight: float = 0.0
    met: float = 0.0

    def add(
        self, c: Criterion, ruling: str, evidence: str, steps: list[int], text: str = ""
    ) -> None:
        self.entries.append(
            {
                "n": c.n,
                "level": c.level,
                "kind": c.kind,
                "text": text or c.text,
                "verdict": ruling,
                "evidence": evidence,
                "steps": steps,
            }
        )
        self.weight += _WEIGHT[c.level]
        if ruling == "met":
            self.met += _WEIGHT[c.level]
        elif c.level != "should":
            if ruling == "unclear":
                self.open.append(c)
            else:
                self.failed.append((c, text or c.text, evidence, steps))


def _facts_failed(scenario: Scenario, facts: Sequence[Mapping[str, Any]]) -> bool:
    known = {f["n"]: f for f in facts}
    return any(
        _fact_ruling(c, known.get(c.n)) != "met" for c in scenario.facts if c.level != "should"
    )


def _fact_ruling(criterion: Criterion, fact: Mapping[str, Any] | None) -> str:
    if fact is None or fact.get("error"):
        return "unmet"  # what cannot be told does not pass
    holds = bool(fact.get("ok"))
    return "met" if holds != (criterion.level == "never") else "unmet"


def needs_judge(scenario: Scenario, facts: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the judge has anything to decide: it has questions, and no hard fact failed."""
    return scenario.judged and not _facts_failed(scenario, facts)


def decide(
    scenario: Scenario,
    facts: Sequence[Mapping[str, Any]],
    judgement: Judgement | None = None,
    *,
    harness: str = "",
    product: str = "",
    product_step: int | None = None,
    facts_only: bool = False,
    recorded: bool = False,
) -> Verdict:
    """The verdict on one trial.

    Args:
        scenario: what was performed.
        facts: ``{n, ok, expected, actual, steps, error}`` of every fact criterion.
        judgement: what the judge said, if it was asked. After an undecided first reading, the
            second.
        harness: why the harness failed, or what the simulated user's audit found; makes it void.
        product: how the product itself failed the whole trial ("ran out of time").
        product_step: the step where it did.
        facts_only: no judge is to be had (playback without a matching recording): what the facts
            say stands.
        recorded: the judgement comes from a recording.
    """
    total = len(scenario.facts)
    known = {f["n"]: f for f in facts}
    passed = sum(_fact_ruling(c, known.get(c.n)) == "met" for c in scenario.facts)
    if harness:
        return Verdict("void", None, None, "facts", harness, facts_passed=passed, facts_total=total)
    tally = _Tally()
    for c in scenario.facts:
        fact = known.get(c.n)
        evidence, steps = _fact_evidence(fact)
        # The fact's own text says what this trial calls everybody.
        text = str((fact or {}).get("text") or "")
        tally.add(c, _fact_ruling(c, fact), evidence, steps, text)
    settled = bool(tally.failed) or bool(product)
    asked = scenario.judged and not settled
    source: Source = "facts"
    if asked and judgement is None:
        if not facts_only or not scenario.facts:
            said = "the judge gave no verdict"
            return Verdict(
                "void", None, None, "judge", said, facts_passed=passed, facts_total=total
            )
        source = "facts only"
    q = tally.met / tally.weight if tally.weight else 1.0
    if asked and judgement is not None:
        source = "recorded" if recorded else "judge"
        for c in scenario.questions:
            said_of = judgement.of(c.n)
            tally.add(c, said_of.verdict, said_of.evidence, list(said_of.steps))
        q = judgement.q
    if product:
        reason, steps = product, [product_step] if product_step else []
        q = 0.0
    elif tally.failed:
        failing, text, evidence, steps = tally.failed[0]
        reason = _reason(failing, text, evidence)
        q = min(q, 0.49)
    elif tally.open:
        reason, steps = f"the judge could not tell: {tally.open[0].text}", []
    elif q < 0.5:
        reason, steps = (judgement.reason if judgement else "") or "too few of the wishes hold", []
    else:
        reason, steps = (judgement.reason if judgement else "") or "every fact holds", []
    satisfied = not product and not tally.failed and not tally.open and q >= 0.5
    unmet = [e["n"] for e in tally.entries if e["verdict"] != "met"]
    return Verdict(
        outcome="satisfied" if satisfied else "unsatisfied",
        satisfied=satisfied,
        q=q,
        source=source,
        reason=" ".join(reason.split())[:300],
        failing_step=min(steps) if steps and not satisfied else None,
        failed=tuple(unmet),
        criteria=tuple(tally.entries),
        evidence_steps=tuple(sorted({s for e in tally.entries for s in e["steps"]})),
        undecided=bool(tally.open) and not tally.failed and not product,
        facts_passed=passed,
        facts_total=total,
        product=product,
    )


def _fact_evidence(fact: Mapping[str, Any] | None) -> tuple[str, list[int]]:
    if fact is None:
        return "not checked", []
    steps = [int(s) for s in fact.get("steps") or () if s]
    if fact.get("error"):
        return f"cannot be told: {fact['error']}", steps
    return f"expected {fact.get('expected', '')}, was {fact.get('actual', '')}", steps


def _reason(criterion: Criterion, text: str, evidence: str) -> str:
    if criterion.kind == "judge":
        return f"{criterion.level}: {text}"
    word = "must not hold" if criterion.level == "never" else "does not hold"
    return f"{word}: {text} ({evidence})"
