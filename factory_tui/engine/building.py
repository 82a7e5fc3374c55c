"""Build: the coding agent works on the spec and the feedback until it says it is done.

Each visit of a builder node is one conversation, kept turn by turn in the store; a run that was
cut off goes on from the last turn. The product of an iteration is what the workspace holds when
a validating node commits it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from factory_tui.agent import (
    EventKind,
    Session,
    SessionConfig,
    SessionEvent,
    ToolRecord,
    Turn,
    prompts,
    turn_from_json,
    turn_to_json,
)
from factory_tui.engine.environment import BenchEnvironment
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.validating import trial_seed
from factory_tui.llm import PlaybackMiss, Request, Response, ToolCall
from factory_tui.sandbox import prepare_tree
from factory_tui.text import clean
from factory_tui.trials import HarnessFault

__all__ = ["Builder", "BuilderFailed"]

DETAIL = 4000
"""Characters of a tool's output that the journal shows; the turns keep what the model saw."""

TURN_TYPE = "factory.builder.turn"


class BuilderFailed(Exception):
    """The builder cannot go on; the sentence says why."""


class Builder:
    """The coding agent of one run."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._left = ""

    async def _start(self, environment: BenchEnvironment) -> None:
        """Start the workbench; a harness that fails holds the run until somebody has mended it."""
        while True:
            try:
                return await environment.start()
            except HarnessFault as fault:
                self.runtime.pause("harness", clean(str(fault), limit=500))
                await self.runtime.gate.wait()

    def _expected(self, talk: _Conversation) -> str:
        """The tree as the agents left it; anything else in the workspace is a hand edit.

        After a crash in the middle of a conversation nobody can tell how far its last tool call
        came, so what is there then counts as the agent's.
        """
        workspace = self.runtime.workspace
        if self._left:
            return self._left
        if talk.first and workspace.head():
            return workspace.tree_of(workspace.head())
        return workspace.snapshot()

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
            BuilderFailed: a recording has no further words for it.
        """
        runtime = self.runtime
        settings = runtime.settings
        talk = _Conversation(runtime, node, visit)
        seed = trial_seed("development", node, runtime.iteration)
        environment = BenchEnvironment(runtime, runtime.folder / "workspace", seed)
        guard = _Guard(runtime, self._expected(talk))
        session = Session(
            talk,
            environment,
            system=prompts.system(command=settings.command, twins=settings.packs),
            limits=SessionConfig(
                max_tokens=settings.models.max_tokens,
                max_tool_rounds_per_input=settings.max_rounds,
                default_command_timeout_ms=int(settings.sandbox.wall * 1000),
            ),
            model_name=runtime.model("builder")
            if runtime.options.recording
            else model or runtime.model("builder"),
            key=talk.key,
            history=talk.history,
            on_event=talk.event,
            on_turn=talk.keep,
            on_tool=talk.tool,
            before_tool=guard.before,
            after_tool=guard.after,
            inbox=talk.inbox,
        )
        try:
            guard.check()
            await self._start(environment)
            finished = await session.submit("" if talk.history else task)
        except PlaybackMiss as miss:
            raise BuilderFailed(
                f"the recording has no further words for the builder ({miss}); it was made "
                "with other prompts"
            ) from miss
        finally:
            await environment.close()
            runtime.quiet("builder")
        guard.check()
        self._left = runtime.workspace.snapshot()
        runtime.emit("agent.finished", {"turn": talk.turn, "reason": finished.reason})
        return clean(finished.text)


class _Conversation:
    """One conversation: what is stored of it, and what the journal tells of it."""

    def __init__(self, runtime: Runtime, node: str, visit: int) -> None:
        self.runtime = runtime
        self.name = f"builder/{runtime.iteration}/{node}/{visit}"
        known = runtime.store.contexts(runtime.run_id, self.name)
        earlier = runtime.store.contexts(runtime.run_id)
        prefix = f"builder/{runtime.iteration}/"
        self.first = not any(row.tag.startswith(prefix) for row in earlier)
        self.context = (
            known[-1].id
            if known
            else runtime.store.new_context(
                tag=self.name,
                title=f"{node}, iteration {runtime.iteration}",
                run_id=runtime.run_id,
            )
        )
        stored = runtime.store.turns(self.context)
        self.history: tuple[Turn, ...] = tuple(turn_from_json(row.payload) for row in stored)
        self.turn = sum(row.payload.get("kind") == "assistant" for row in stored)
        self._kept = len(stored)

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        """Ask the builder's model."""
        return await self.runtime.complete(request, on_delta)

    def key(self, ordinal: int) -> str:
        """The name of a request, for recording and playback."""
        return f"{self.name}/{ordinal}"

    def keep(self, turn: Turn) -> None:
        """Store a turn before anything is done about it."""
        payload = turn_to_json(turn)
        self._kept += 1
        self.runtime.store.append_turn(
            self.context, payload, type_id=TURN_TYPE, idempotency_key=f"turn-{self._kept}"
        )
        if payload["kind"] == "steering":
            self.runtime.keep_told()
        if payload["kind"] == "assistant":
            self.turn += 1

    def event(self, event: SessionEvent) -> None:
        """Tell the journal and the live line what the agent does."""
        data = event.data
        if event.kind is EventKind.ASSISTANT_TEXT_DELTA:
            if data["of"] == "retry":
                self.runtime.quiet("builder")
            self.runtime.live("builder", data["of"], data["text"])
        elif event.kind is EventKind.ASSISTANT_TEXT_END:
            self.runtime.quiet("builder")
            if data["text"].strip():
                said = {"turn": self.turn, "text": clean(data["text"])}
                self.runtime.emit("agent.text", said)
        elif event.kind is EventKind.STEERING_INJECTED:
            self.runtime.emit("agent.steered", {"text": clean(data["content"], limit=DETAIL)})
        elif event.kind in (EventKind.LOOP_DETECTION, EventKind.WARNING):
            note = {"text": clean(data["message"]), "level": "warning"}
            self.runtime.emit("note", note)

    def tool(self, record: ToolRecord) -> None:
        """Tell the journal of a finished tool call."""
        self.runtime.emit(
            "agent.tool",
            {
                "turn": self.turn,
                "call": clean(record.call.id),
                "tool": clean(record.call.name),
                "summary": clean(record.summary, limit=300),
                "ok": not record.is_error,
                "ms": record.ms,
                "detail": clean(record.output, limit=DETAIL),
            },
        )

    def inbox(self) -> Sequence[str]:
        """What the builder has to hear at this tool round: changes of the spec."""
        message = self.runtime.spec.message(self.turn)
        if message and self.runtime.options.recording:
            text = "the builder's words are recorded: it hears of the edit but cannot react to it"
            self.runtime.emit("note", {"text": text, "level": "warning"})
        return [message] if message else []


class _Guard:
    """Code belongs to the agents: a change of the tree between two tool calls is undone."""

    def __init__(self, runtime: Runtime, tree: str) -> None:
        self.runtime = runtime
        self._tree = tree

    async def before(self, call: ToolCall) -> None:
        """Undo what somebody else changed since the last tool call."""
        self.check()

    async def after(self, record: ToolRecord) -> None:
        """Remember what the agent left."""
        self._tree = self.runtime.workspace.snapshot()

    def check(self) -> None:
        """Restore the agent's tree; what was changed is kept as a patch beside the run."""
        patch = self.runtime.workspace.restore(self._tree)
        if patch is None:
            return
        prepare_tree(self.runtime.workspace.root)
        folder = self.runtime.folder / "patches"
        folder.mkdir(exist_ok=True)
        path = folder / f"{len(list(folder.iterdir())) + 1:03d}.patch"
        path.write_text(patch.text, encoding="utf-8", errors="surrogateescape")
        files = [clean(name) for name in patch.files]
        shown = str(path.relative_to(self.runtime.settings.folder))
        self.runtime.emit("handedit.undone", {"files": files, "patch": shown})
