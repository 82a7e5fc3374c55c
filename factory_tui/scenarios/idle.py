"""Could a program that does nothing satisfy a scenario? What can be told without running it.

The dynamic check (run a null product, expect every scenario unsatisfied) has the last word; this
says what to look at, and which criteria the null product is expected to break.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from factory_tui.scenarios.facts.syntax import Expression, Fact, Path
from factory_tui.scenarios.facts.syntax import Literal as Constant
from factory_tui.scenarios.model import Criterion, Scenario

__all__ = ["Idle", "could_pass_idle"]


@dataclass(frozen=True, slots=True)
class Idle:
    """``level``: ``no`` (a program that neither calls nor prints must fail), ``unclear`` (it
    depends on the twins' state or the judge), ``yes`` (nothing can fail it). ``proof`` are the
    numbers of the criteria that fail it.
    """

    scenario: str
    level: Literal["no", "unclear", "yes"]
    proof: tuple[int, ...] = ()


def could_pass_idle(scenario: Scenario) -> Idle:
    """Whether doing nothing (no call, no output, exit 0) could satisfy a scenario."""
    hard = [c for c in scenario.criteria if c.level == "must"]
    proof = tuple(c.n for c in hard if c.fact is not None and _needs_action(c.fact))
    if proof:
        return Idle(scenario.id, "no", proof)
    depends = any(c.level != "never" and _depends(c) for c in scenario.criteria)
    return Idle(scenario.id, "unclear" if depends else "yes")


def _depends(criterion: Criterion) -> bool:
    """Whether something outside the program's own silence decides a criterion."""
    if criterion.fact is None:
        return True
    return any(p.source not in ("calls", "cmd", "files") for p in criterion.fact.paths())


def _needs_action(fact: Fact) -> bool:
    if not isinstance(fact.left, Path):
        return False
    last = fact.left.parts[-1] if fact.left.parts else None
    name = getattr(last, "name", "")
    if fact.left.source == "calls" and name == "count":
        return _above_zero(fact.op, fact.right)
    if fact.left.source == "cmd":
        if name == "exit":
            zero = isinstance(fact.right, Constant) and fact.right.value == 0
            return (fact.op == "==" and not zero) or (fact.op == "!=" and zero)
        return name in ("output", "stdout", "stderr") and fact.op in ("contains", "matches")
    return False


def _above_zero(op: str, right: Expression) -> bool:
    if not isinstance(right, Constant) or not isinstance(right.value, (int, float)):
        return False
    return (op in ("==", ">=") and right.value > 0) or (op == ">" and right.value >= 0)
