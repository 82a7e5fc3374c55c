"""A scenario as the rest of the program sees it: plain frozen data, no parsing, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from factory_tui.scenarios.binding import Binding
from factory_tui.scenarios.facts.syntax import Fact

__all__ = [
    "SPLITS",
    "Criterion",
    "Limits",
    "Scenario",
    "Setup",
    "Split",
    "Step",
    "Trials",
    "UserSpec",
]

Split = Literal["train", "holdout", "canary"]
SPLITS: tuple[Split, ...] = ("train", "holdout", "canary")


@dataclass(frozen=True, slots=True)
class Trials:
    """How often a scenario is performed: ``min`` for the headline, up to ``max`` to settle it."""

    min: int = 2
    max: int = 6


@dataclass(frozen=True, slots=True)
class Limits:
    """What one trial may use; ``None`` leaves it to ``factory.toml``.

    ``wall`` in seconds, ``turns`` of a simulated user, ``calls`` to twins, tokens, ``cost`` in US
    dollars.
    """

    wall: float | None = None
    turns: int | None = None
    calls: int | None = None
    user_tokens: int | None = None
    judge_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Setup:
    """The world before the first step.

    ``clock`` is ISO 8601 in UTC; ``seeds`` maps a twin to the name of its seed; ``operations``
    are ``(twin, operation, arguments)`` in the order written; ``files`` maps a relative path in
    the working folder to its text. ``rate_limits`` enforces what the vendors publish, ``strict``
    voids a trial in which the product calls what a twin lacks.
    """

    clock: str = "2026-03-02T09:00:00Z"
    seeds: Mapping[str, str] = field(default_factory=dict)
    operations: Sequence[tuple[str, str, Any]] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    rate_limits: bool = False
    strict: bool = False


@dataclass(frozen=True, slots=True)
class UserSpec:
    """Whom a language model plays: what the person knows, hides, and when they stop."""

    drives: tuple[str, ...] = ("shell",)
    knows: str = ""
    hides: str = ""
    stops_when: str = ""
    min_turns: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered line under ``# Steps``; ``n`` counts from 1 and stamps what it causes."""

    n: int
    verb: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line under ``# Satisfied when``.

    A ``fact`` is computed; a ``judge`` criterion (``fact is None``) is read by a model.
    ``symptom`` says in the spec's words what a user would notice when it fails.
    """

    n: int
    level: Literal["must", "should", "never"]
    kind: Literal["fact", "judge"]
    text: str
    fact: Fact | None
    symptom: str
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One end-to-end user story with what would satisfy the user.

    ``hash`` is the BLAKE3 of ``text``, the file as it was read.
    """

    id: str
    title: str
    persona: str
    tags: tuple[str, ...]
    weight: float
    split: Split
    trials: Trials
    limits: Limits
    setup: Setup
    user: UserSpec | None
    faults: tuple[Mapping[str, Any], ...]
    vary: frozenset[str]
    story: str
    steps: tuple[Step, ...]
    criteria: tuple[Criterion, ...]
    path: Path
    hash: str
    text: str
    notes: str = ""

    @property
    def judged(self) -> bool:
        """Whether facts alone cannot settle it."""
        return any(c.kind == "judge" for c in self.criteria)

    @property
    def facts(self) -> tuple[Criterion, ...]:
        """The criteria that are computed."""
        return tuple(c for c in self.criteria if c.kind == "fact")

    @property
    def questions(self) -> tuple[Criterion, ...]:
        """The criteria that a model has to read the trajectory for."""
        return tuple(c for c in self.criteria if c.kind == "judge")

    def bind(self, entities: Mapping[str, Any]) -> Binding:
        """A resolver for ``{{name.field}}`` and ``{{sut}}``; call it with a text."""
        return Binding(entities)
