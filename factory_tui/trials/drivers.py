"""Two drivers of one stage: scripted steps, and a simulated user.

Both only choose the next action; the stage (in its host process) performs it. A model is handed
in as a :class:`Mind`, so nothing here knows where answers come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from factory_tui.scenarios import Scenario, user
from factory_tui.trials.pool import Host
from factory_tui.trials.wire import HarnessFault

__all__ = ["Diverged", "Job", "Mind", "Report", "perform"]

Observer = Callable[[Sequence[Mapping[str, Any]]], None]


class Diverged(Exception):
    """A played-back user was asked something the recording does not know: the trial is void."""


class Mind(Protocol):
    """Whoever plays the simulated user."""

    async def answer(
        self, *, system: str, messages: list[dict[str, Any]], schema: Mapping[str, Any], turn: int
    ) -> str:
        """Say what the user does next, as JSON after ``schema``.

        Raises:
            Diverged: a recording has no answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to perform."""

    trial: str
    scenario: Scenario
    product: Path
    command: str
    scratch: Path
    seed: int
    limits: Mapping[str, Any]


@dataclass(slots=True)
class Report:
    """What a trial yielded: the facts, and everything observed, in order."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    trajectory: list[dict[str, Any]] = field(default_factory=list)
    gaps: list[list[str]] = field(default_factory=list)
    void: str = ""


async def perform(host: Host, job: Job, mind: Mind | None, observe: Observer) -> Report:
    """Perform one trial on a host.

    Args:
        mind: plays the simulated user; ``None`` is fine for scenarios without one.
        observe: called with the twin exchanges of each action as they happen.

    Raises:
        HarnessFault: the harness failed; the trial says nothing about the product.
    """
    await host.call(
        "open",
        trial=job.trial,
        path=str(job.scenario.path),
        product=str(job.product),
        command=job.command,
        scratch=str(job.scratch),
        seed=job.seed,
        limits=dict(job.limits),
    )
    void = ""
    closed: dict[str, Any] = {}
    try:
        for step in job.scenario.steps:
            if step.verb == "user":
                void = await _user(host, job, step.n, step.text, mind, observe)
                if void:
                    break
                continue
            try:
                seen = await host.call(
                    "act", trial=job.trial, verb=step.verb, text=step.text, step=step.n
                )
            except ValueError as error:
                raise HarnessFault(f"{job.scenario.id}, step {step.n}: {error}") from error
            observe(seen["exchanges"])
    finally:
        if host.alive:
            closed = await host.call("close", trial=job.trial)
    return Report(closed["facts"], closed["trajectory"], closed["gaps"], void)


async def _user(
    host: Host, job: Job, step: int, goal: str, mind: Mind | None, observe: Observer
) -> str:
    """Let a simulated user act until it is done; returns why the trial is void, or ""."""
    scenario = job.scenario
    if mind is None or scenario.user is None:
        raise HarnessFault(f"{scenario.id}: step {step} needs a simulated user and there is none")
    talk = user.Conversation(scenario, goal)
    turns = scenario.limits.turns
    for turn in range(turns):
        try:
            reply = await mind.answer(
                system=talk.system, messages=talk.messages, schema=user.SCHEMA, turn=turn
            )
        except Diverged as error:
            return f"the recorded user does not know this situation ({error})"
        try:
            action = talk.take(reply)
        except user.UserReplyError as error:
            return f"the simulated user gave no usable answer: {error}"
        await host.call("say", trial=job.trial, who="user", text=action.said, step=step)
        if action.kind != "shell":
            return talk.audit()
        seen = await host.call(
            "act", trial=job.trial, verb="shell", text=action.command, step=step
        )
        observe(seen["exchanges"])
        talk.observe([e for e in seen["entries"] if e["kind"] == "run"])
    return talk.audit()
