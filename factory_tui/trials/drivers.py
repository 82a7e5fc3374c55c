"""Two drivers of one stage: scripted steps, and a simulated user.

Both only choose the next action; the stage (in its host process) performs it. A model is handed
in as a :class:`Mind`, so nothing here knows where answers come from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from factory_tui.scenarios import Scenario, Step, user
from factory_tui.trials.pool import Host
from factory_tui.trials.wire import HarnessFault

__all__ = ["Diverged", "Job", "Mind", "Report", "perform"]

Observer = Callable[[Sequence[Mapping[str, Any]]], None]

TURNS = 12
"""Actions of a simulated user where its scenario sets no limit."""

MISREADINGS = 2
"""Unusable replies of a simulated user that are asked again before the trial is void."""


class Diverged(Exception):
    """A played-back user was asked something its recording does not know: the trial is void."""


class Mind(Protocol):
    """Whoever plays the simulated user."""

    async def answer(self, request: user.UserRequest, turn: int) -> str:
        """Say what the user does next, as the JSON that the request asks for.

        Raises:
            Diverged: a recording has no answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to perform. ``limits`` as in ``sandbox.Limits``, for each command."""

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
    entities: dict[str, Any] = field(default_factory=dict)
    void: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    """What the twins held at the end, see ``trials.endstate``."""


async def perform(host: Host, job: Job, mind: Mind | None, observe: Observer) -> Report:
    """Perform one trial on a host.

    Args:
        host: a live trial host.
        job: what to perform.
        mind: plays the simulated user; ``None`` is fine for scenarios without one.
        observe: called with the twin exchanges of each action as they happen.

    Raises:
        HarnessFault: the harness failed; the trial says nothing about the product.
    """
    try:
        opened = await host.call(
            "open",
            trial=job.trial,
            path=str(job.scenario.path),
            text=job.scenario.text,
            product=str(job.product),
            command=job.command,
            scratch=str(job.scratch),
            seed=job.seed,
            limits=dict(job.limits),
        )
        performance = _Performance(host, job, mind, observe, opened["entities"])
        for step in job.scenario.steps:
            if step.verb == "user":
                await performance.converse(step)
            else:
                await performance.act(step.verb, step.text, step.n)
            if performance.void or performance.over:
                break
        closed = await host.call("close", trial=job.trial)
    except ValueError as error:
        raise HarnessFault(f"{job.scenario.id}: {error}") from error
    except BaseException:
        if host.alive:
            with contextlib.suppress(HarnessFault):
                await host.call("abandon", trial=job.trial)
        raise
    return Report(
        facts=closed["facts"],
        trajectory=closed["trajectory"],
        gaps=closed["gaps"],
        entities=closed["entities"],
        void=performance.void,
        state=closed["state"],
    )


class _Performance:
    """What is known while a trial goes on.

    Attributes:
        void: Why the trial says nothing about the product, "" while it does.
        over: Why the product was stopped for good, "" while it was not.
    """

    def __init__(
        self,
        host: Host,
        job: Job,
        mind: Mind | None,
        observe: Observer,
        entities: Mapping[str, Any],
    ) -> None:
        self.host = host
        self.job = job
        self.mind = mind
        self.observe = observe
        self.entities = entities
        self.seen: list[dict[str, Any]] = []
        self.void = ""
        self.over = ""
        self._turn = 0

    async def act(self, verb: str, text: str, step: int) -> None:
        trial = self.job.trial
        try:
            done = await self.host.call("act", trial=trial, verb=verb, text=text, step=step)
        except ValueError as error:
            raise HarnessFault(f"{self.job.scenario.id}, step {step}: {error}") from error
        self.seen += done["entries"]
        self.entities = done["entities"]
        self.observe(done["exchanges"])
        self.over = done["over"]

    async def converse(self, step: Step) -> None:
        """Let the simulated user act until it is done; sets ``void`` if it played falsely."""
        scenario = self.job.scenario
        if self.mind is None or scenario.user is None:
            raise HarnessFault(f"{scenario.id}: step {step.n} needs a simulated user")
        turns: list[tuple[user.Action, list[Mapping[str, Any]]]] = []
        for number in range(1, (scenario.limits.turns or TURNS) + 1):
            action = await self._choose(self.mind, step, number)
            if action is None:
                return
            turns.append((action, list(self.seen)))
            said = action.why if action.action == "shell" else f"{action.action}: {action.why}"
            noted = await self.host.call(
                "say", trial=self.job.trial, who="user", text=said, step=step.n
            )
            self.seen += noted["entries"]
            if action.action != "shell":
                break
            await self.act("shell", action.command, step.n)
            if self.over:
                return
        findings = user.audit(scenario, turns, task=step.text, entities=self.entities)
        if findings:
            self.void = f"the simulated user played falsely: {findings[0]}"

    async def _choose(self, mind: Mind, step: Step, number: int) -> user.Action | None:
        request = user.build(
            self.job.scenario, self.seen, task=step.text, turn=number, entities=self.entities
        )
        for attempt in range(MISREADINGS + 1):
            self._turn += 1
            try:
                return user.parse(await mind.answer(request, self._turn))
            except Diverged as error:
                self.void = f"the recorded user does not know this situation ({error})"
                return None
            except user.UserReplyError as error:
                if attempt == MISREADINGS:
                    self.void = f"the simulated user gave no usable answer: {error}"
        return None
