"""Build: the coding agent works on the spec and the feedback until it says it is done.

Each visit of a builder node is one conversation, kept turn by turn in the store; a run that was
cut off goes on from the last turn. The product of an iteration is what the workspace holds when
a validating node commits it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from factory_tui.agent import (
    AssistantTurn,
    Finished,
    RegisteredTool,
    Session,
    SessionConfig,
    ToolRecord,
    turn_to_json,
)
from factory_tui.agent.subagents import SUBAGENT_TOOLS
from factory_tui.attractor import ToolHooks
from factory_tui.engine.conversation import Conversation, conversation_name
from factory_tui.engine.environment import BenchEnvironment
from factory_tui.engine.models import split_model
from factory_tui.engine.places import Place
from factory_tui.engine.profiles import (
    CALL_ID,
    REPORT,
    builder_profile,
    hooked,
    report_tool,
    system_prompt,
)
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.validating import trial_seed
from factory_tui.engine.where import Where
from factory_tui.llm import PlaybackMiss, Request, ToolCall
from factory_tui.text import clean

__all__ = ["Builder", "BuilderFailed", "Stage", "Work"]

_PARTS: Final = 12
"""Conversations in one visit: a builder that outgrows its model this often gets nowhere."""

_REMINDERS: Final = 2
"""Times a builder is asked to mend a workspace that cannot be committed."""

_SHOWN_OF_A_LONG_TALK: Final = 240_000
"""Characters of a conversation that its summary is made from."""


class BuilderFailed(Exception):
    """The builder cannot go on; the sentence says why. Trying again would not help."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Stage:
    """What a pipeline's node asks of a builder.

    Attributes:
        task: the first message.
        model: another model than the run's builder, as in ``factory.toml``; "" for none.
        effort: how hard it is to think; "" leaves it to the model.
        labels: the ways on that it may choose between.
        reports: whether the pipeline goes by what it reports.
        hooks: gives the commands around its tool calls, from what runs commands in its box.
    """

    task: str
    model: str = ""
    effort: str = ""
    labels: Sequence[str] = ()
    reports: bool = False
    hooks: Callable[[Any], ToolHooks] = lambda run: ToolHooks()


@dataclass(frozen=True, slots=True)
class Work:
    """What came of it: why the agent stopped, what it said last, and what it reported."""

    reason: str
    text: str
    report: dict[str, Any] | None = None
    changed: bool = False


class Builder:
    """The coding agents of one run."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def work(self, where: Where, place: Place, stage: Stage) -> Work:
        """Let the agent work on a stage until it is done.

        Raises:
            BuilderFailed: it cannot: a recording has no further words for it, or what it was
                told does not fit its model.
        """
        runtime = self.runtime
        name = conversation_name(runtime, where, runtime.iteration)
        talk = Conversation(runtime, where, place, name)
        seed = trial_seed("development", where.node, runtime.iteration)
        before = place.row.base if not place.workspace.head() else place.workspace.head()
        environment = BenchEnvironment(runtime, place, seed)
        place.check()
        try:
            await environment.start()
            finished = await self._talk(talk, environment, stage)
        except PlaybackMiss as miss:
            raise BuilderFailed(
                f"the recording has no further words for the builder ({miss}); it was made "
                "with other prompts"
            ) from miss
        finally:
            place.rest()
            await environment.close()
            runtime.quiet(talk.who)
        about = {**where.data(), "agent": ""}
        runtime.emit("agent.finished", {**about, "turn": talk.turn, "reason": finished.reason})
        reports = talk.calls(REPORT)
        changed = not before or place.workspace.diff_stat(before, place.tree()).files > 0
        return Work(
            finished.reason, clean(finished.text), reports[-1] if reports else None, changed
        )

    async def _talk(
        self, talk: Conversation, environment: BenchEnvironment, stage: Stage
    ) -> Finished:
        """Hold the conversation, in a new part each time it outgrows its model."""
        said = "" if talk.history else stage.task
        while True:
            session = await self._session(talk, environment, stage)
            finished = await _to_the_end(session, talk, said, self.runtime.settings.max_rounds)
            if finished.reason == "context_window":
                if not any(isinstance(turn, AssistantTurn) for turn in session.history):
                    raise BuilderFailed(
                        f"what the builder is told does not fit the model {stage.model or 'it has'}"
                        ": shorten the spec, or choose a model with a larger window"
                    )
                if talk.parts >= _PARTS:
                    raise BuilderFailed(f"the conversation outgrew its model {_PARTS} times")
                said = await self._continued(talk, session, stage)
                continue
            return await self._committable(session, talk, finished)

    async def _session(
        self, talk: Conversation, environment: BenchEnvironment, stage: Stage
    ) -> Session:
        runtime, settings = self.runtime, self.runtime.settings
        recorded = bool(runtime.options.recording)
        wanted = runtime.model("builder") if recorded else stage.model or runtime.model("builder")
        provider, model = ("anthropic", wanted) if recorded else split_model(wanted)
        profile = builder_profile(provider, model)
        given = [t for n in profile.tool_registry.names() if (t := profile.tool_registry.get(n))]
        if stage.reports:
            given.append(report_tool(stage.labels))
        tools = hooked(given, stage.hooks(environment.command))
        if not talk.system:
            talk.begin(await system_prompt(runtime, profile, environment))
        guard = _Guard(talk.place)
        talk.problem = guard.take_problem
        rounds = settings.max_rounds
        return Session(
            profile,
            environment,
            SessionConfig(
                max_tokens=settings.models.max_tokens,
                max_tool_rounds_per_input=rounds and max(1, rounds - talk.rounds),
                default_command_timeout_ms=int(settings.sandbox.wall * 1000),
                reasoning_effort=stage.effort or None,
            ),
            llm_client=talk,
            system=talk.system,
            tools=tools,
            key=talk.key,
            history=talk.history,
            on_event=talk.event,
            on_turn=talk.keep,
            on_tool=talk.tool,
            before_tool=guard.before,
            after_tool=guard.after,
            inbox=talk.inbox,
            child_options=lambda: self._child(talk, tools, guard),
        )

    def _child(
        self, talk: Conversation, tools: Sequence[RegisteredTool], guard: _Guard
    ) -> dict[str, Any]:
        """What a subagent's session is made with: its own conversation, the same workspace."""
        child = Conversation(
            self.runtime, talk.where, talk.place, talk.name, f"agent-{secrets.token_hex(3)}"
        )
        child.begin(talk.system)
        own = [t for t in tools if t.definition.name not in (*SUBAGENT_TOOLS, REPORT)]
        return {
            "llm_client": child,
            "system": talk.system,
            "tools": own,
            "key": child.key,
            "on_event": child.event,
            "on_turn": child.keep,
            "on_tool": child.tool,
            "before_tool": guard.before,
            "after_tool": guard.after,
        }

    async def _continued(self, talk: Conversation, session: Session, stage: Stage) -> str:
        """Begin a new part of a conversation that outgrew its model; what to say in it first."""
        text = "a conversation with the builder no longer fits its model; it goes on from a summary"
        self.runtime.emit("note", {"text": text, "level": "warning"})
        lines = []
        for turn in session.history[1:]:
            payload = turn_to_json(turn)
            lines.append(f"[{payload['kind']}] {payload.get('content') or payload.get('results')}")
        told = "\n".join(lines)
        if len(told) > _SHOWN_OF_A_LONG_TALK:
            half = _SHOWN_OF_A_LONG_TALK // 2
            told = f"{told[: half // 4]}\n[…]\n{told[-half - half * 3 // 4 :]}"
        request = Request(
            model=self.runtime.model("summary"),
            system="You summarise the work of a coding agent so that it can go on without its "
            "notes. Say what was done, what was found out, what fails and why, what was decided, "
            "and what is left to do. Name files and commands exactly. Leave out greetings.",
            messages=[{"role": "user", "content": f"<work>\n{told}\n</work>"}],
            max_tokens=4000,
            role="summary",
            key=f"summary/{talk.name}/{talk.parts}",
        )
        summary = (await self.runtime.complete(request)).text
        talk.begin(talk.system)
        return (
            f"{stage.task}\n\nYou have been at work on this already, for so long that the "
            "conversation had to be cut off. The workspace is as you left it. A summary of what "
            f"happened:\n\n<summary>\n{summary.strip()}\n</summary>\n\nGo on from there."
        )

    async def _committable(
        self, session: Session, talk: Conversation, finished: Finished
    ) -> Finished:
        """See to it that what the builder leaves can be committed."""
        place = talk.place
        for _ in range(_REMINDERS):
            problem = place.problem()
            if not problem:
                return finished
            finished = await _to_the_end(session, talk, _unfit(problem), 0)
        if place.problem():
            removed = place.trim()
            text = f"removed, too large to be part of a product: {', '.join(removed) or 'files'}"
            self.runtime.emit("note", {"text": text, "level": "warning"})
        return finished


async def _to_the_end(session: Session, talk: Conversation, said: str, rounds: int) -> Finished:
    """Submit, and leave no subagent behind."""
    if not said and rounds and talk.rounds >= rounds:
        return Finished("round_limit", talk.last_text, talk.rounds)
    try:
        return await session.submit(said)
    finally:
        for handle in session.subagents.values():
            handle.session.abort()
            if handle.task is not None:
                handle.task.cancel()
        tasks = [h.task for h in session.subagents.values() if h.task is not None]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


def _unfit(problem: str) -> str:
    return (
        f"The workspace cannot be delivered as it is: {problem}. Remove what does not belong to "
        "the program (build output, caches, data you made for trying it out), then stop."
    )


class _Guard:
    """Code belongs to the agents: what others change between two tool calls is undone."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._problem = self._told = ""

    async def before(self, call: ToolCall) -> None:
        """Undo what somebody else changed since the last tool call."""
        CALL_ID.set(call.id)
        if call.name not in SUBAGENT_TOOLS:
            self.place.begin_work()

    async def after(self, record: ToolRecord) -> None:
        """Remember what the agent left."""
        if record.call.name not in SUBAGENT_TOOLS:
            self._problem = self.place.end_work()

    def take_problem(self) -> str:
        """What the agent has to hear about its workspace, once."""
        problem, self._problem = self._problem, ""
        if problem == self._told:
            return ""
        self._told = problem
        return _unfit(problem) if problem else ""
