"""Build: the coding agent works on the spec and the feedback until it says it is done.

Each visit of a builder node is one conversation, kept turn by turn in the store; a run that was
cut off goes on from the last turn. The product of an iteration is what the workspace holds when
a validating node commits it.
"""

from __future__ import annotations

from factory_tui.agent import Session, SessionLimits, prompts
from factory_tui.engine.environment import BenchEnvironment
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.validating import trial_seed
from factory_tui.llm import PlaybackMiss
from factory_tui.text import clean

__all__ = ["Builder", "BuilderFailed"]

DETAIL = 4000
"""Characters of a tool's output that the journal shows; all of it is kept as a blob."""

TURN = "builder.message"


class BuilderFailed(Exception):
    """The builder cannot go on; the sentence says why."""


class Builder:
    """The coding agent of one run."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def work(self, node: str, visit: int, task: str, model: str = "") -> str:
        """Let the agent work on a task until it is done.

        Args:
            node: the pipeline's node, part of the conversation's name.
            visit: how often this node was entered in this iteration, from 1.
            task: the first message.
            model: another model than the run's builder, if the pipeline says so.

        Returns:
            What the agent said at the end.

        Raises:
            BuilderFailed: a recording has no further words, or the agent broke a limit.
        """
        runtime = self.runtime
        conversation = _Conversation(runtime, node, visit, model)
        environment = BenchEnvironment(
            runtime,
            runtime.folder / "workspace",
            trial_seed("development", node, runtime.iteration),
        )
        await environment.start()
        guard = _Guard(runtime)
        session = Session(
            model=conversation,
            environment=environment,
            system=prompts.system(command=runtime.settings.command, twins=runtime.settings.packs),
            history=conversation.history,
            limits=SessionLimits(),
            on_turn=conversation.keep,
            on_tool=conversation.tool,
            before_tool=guard.before,
            after_tool=guard.after,
            inbox=conversation.inbox,
        )
        try:
            result = await session.submit("" if conversation.history else task)
        except PlaybackMiss as miss:
            raise BuilderFailed(
                "the recording has no further words for the builder; "
                "it fits other prompts than these, or another spec"
            ) from miss
        finally:
            await environment.close()
            guard.settle()
        runtime.emit("agent.finished", {"turn": conversation.turn, "reason": result.reason})
        return clean(result.text)
