"""The models that take part in a trial: the simulated user, and the judge after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from factory_tui.engine.runtime import Runtime
from factory_tui.llm import PlaybackMiss, Request
from factory_tui.scenarios import Scenario, judge, user
from factory_tui.trials import Diverged

__all__ = ["Judge", "JudgeFailed", "UserMind"]

READINGS = 2
"""Readings of one trajectory before an undecided judge stays undecided."""

MISREADINGS = 2
"""Replies without a verdict that are asked again."""

JUDGES_AT_ONCE = 8
USER_TOKENS = 1500
JUDGE_TOKENS = 4000


class JudgeFailed(Exception):
    """The judge answered, but never with a verdict; the trial is void."""


class UserMind:
    """Plays the simulated user of one trial with the ``user`` model."""

    def __init__(self, runtime: Runtime, scenario: Scenario, iteration: str, n: int) -> None:
        self.runtime = runtime
        self.scenario = scenario
        self.iteration = iteration
        self.n = n

    async def answer(self, request: user.UserRequest, turn: int) -> str:
        """Ask the model for the person's next action."""
        runtime = self.runtime
        limit = self.scenario.limits.user_tokens
        question = Request(
            model=runtime.model("user"),
            system=request.system,
            messages=[{"role": "user", "content": request.prompt}],
            schema=request.schema,
            max_tokens=min(USER_TOKENS, limit or USER_TOKENS),
            role="user",
            key=f"user/{self.iteration}/{self.scenario.id}/{self.n}/{turn}",
        )
        try:
            return (await runtime.complete(question)).text
        except PlaybackMiss as miss:
            raise Diverged(str(miss)) from miss


class Judge:
    """Reads trajectories with the ``judge`` model."""

    def __init__(self, runtime: Runtime, iteration: int, candidate: str = "") -> None:
        self.runtime = runtime
        self.name = f"{iteration}@{candidate}" if candidate else str(iteration)
        """The iteration, and the candidate if it is about one, in the keys of requests."""
        self._slots = asyncio.Semaphore(JUDGES_AT_ONCE)

    async def read(
        self,
        scenario: Scenario,
        n: int,
        trajectory: Sequence[Mapping[str, Any]],
        facts: Sequence[Mapping[str, Any]],
        entities: Mapping[str, Any],
    ) -> tuple[judge.Judgement | None, str]:
        """Judge one trajectory; an undecided reading is followed by one more.

        Returns:
            The judgement (``None`` when a recording has none for exactly this input) and the hash
            of what was asked.

        Raises:
            JudgeFailed: there was no verdict in any reply.
        """
        judgement: judge.Judgement | None = None
        request = judge.build(scenario, trajectory, facts, entities=entities)
        for reading in range(READINGS):
            if reading:
                request = judge.build(scenario, trajectory, facts, entities=entities, seed=reading)
            try:
                judgement = await self._ask(scenario, n, request, reading)
            except PlaybackMiss:
                return judgement, request.hash
            if not judge.undecided(scenario, judgement):
                break
        return judgement, request.hash

    async def _ask(
        self, scenario: Scenario, n: int, request: judge.JudgeRequest, reading: int
    ) -> judge.Judgement:
        runtime = self.runtime
        limit = scenario.limits.judge_tokens
        expected = [c.n for c in scenario.questions]
        problem = ""
        for attempt in range(MISREADINGS + 1):
            ordinal = reading * (MISREADINGS + 1) + attempt
            question = Request(
                model=runtime.model("judge"),
                system=request.system,
                messages=[{"role": "user", "content": request.prompt}],
                schema=request.schema,
                max_tokens=min(JUDGE_TOKENS, limit or JUDGE_TOKENS),
                role="judge",
                key=f"judge/{self.name}/{scenario.id}/{n}/{ordinal}",
            )
            async with self._slots:
                response = await runtime.complete(question)
            try:
                return judge.parse(response.text, expected)
            except judge.JudgeReplyError as error:
                problem = str(error)
        raise JudgeFailed(problem)
