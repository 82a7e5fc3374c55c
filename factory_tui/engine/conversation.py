"""One conversation of a builder: what is stored of it, and what the journal tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from factory_tui.agent import (
    AssistantTurn,
    EventKind,
    SessionEvent,
    ToolRecord,
    Turn,
    UserTurn,
    turn_from_json,
    turn_to_json,
)
from factory_tui.engine.places import Place
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.where import Where
from factory_tui.llm import Request, Response
from factory_tui.text import clean

__all__ = ["Conversation", "conversation_name"]

DETAIL: Final = 4000
"""Characters of a tool's output that the journal shows; the store keeps all of it."""

TURN_TYPE: Final = "factory.builder.turn"

ASIDE_TYPE: Final = "factory.builder.aside"


def conversation_name(runtime: Runtime, where: Where, iteration: int) -> str:
    """The name of the conversation of a visit: ``builder/ITERATION/NODE/NUMBER``.

    The number counts the visits of the node within the iteration; a visit that was begun before
    a restart keeps its own. An attempt after a failed one is a conversation of its own.
    """
    path = "/".join(filter(None, (where.pipeline, where.node)))
    prefix, label = f"builder/{iteration}/{path}/", _label(where)
    names = []
    for row in runtime.store.contexts(runtime.run_id):
        if row.tag.startswith(prefix) and row.tag.removeprefix(prefix).isdigit():
            if label in row.labels:
                return row.tag
            names.append(row.tag)
    return f"{prefix}{len(set(names)) + 1}"


def _label(where: Where) -> str:
    return f"visit:{where.key}#{where.attempt}"


class Conversation:
    """A builder's conversation, or one of its subagents'.

    Args:
        runtime: the run.
        where: the visit it belongs to.
        place: the workspace it is about.
        name: its name, also the beginning of its requests' keys.
        agent: the subagent's id, "" for the builder.
    """

    retries_itself = True

    def __init__(
        self, runtime: Runtime, where: Where, place: Place, name: str, agent: str = ""
    ) -> None:
        self.runtime, self.where, self.place, self.agent = runtime, where, place, agent
        self.name = f"{name}/{agent}" if agent else name
        self.who = " ".join(filter(None, ("builder", where.branch, agent)))
        self.problem: Callable[[], str] = str
        known = runtime.store.contexts(runtime.run_id, self.name)
        self.parts = len(known)
        """How many conversations it consists of: one more each time it outgrew its model."""
        self.system = ""
        self.history: tuple[Turn, ...] = ()
        self.turn = self._kept = 0
        if known:
            self.context = known[-1].id
            self._load()
            kept = runtime.store.contexts(runtime.run_id, f"{self.name}/aside")
            aside = runtime.store.turns(kept[0].id) if kept else []
            prompts = [row.payload["text"] for row in aside if row.payload["kind"] == "system"]
            self.system = prompts[-1] if prompts else ""

    def begin(self, system: str) -> None:
        """Start it, or its next part, with a system prompt that stays."""
        runtime, where = self.runtime, self.where
        self.system = system
        labels = [_label(where), f"place:{self.place.key}"]
        title = f"{where.node}, iteration {runtime.iteration}"
        with runtime.store.transaction():
            self.context = runtime.store.new_context(
                tag=self.name,
                title=f"{title}, subagent {self.agent}" if self.agent else title,
                labels=labels,
                run_id=runtime.run_id,
            )
            self._aside("system", system)
        self.parts += 1
        self._load()

    def _aside(self, kind: str, text: str) -> int:
        """Keep a text that is no part of the conversation, with the run; gives its turn's id."""
        store, run_id = self.runtime.store, self.runtime.run_id
        tag = f"{self.name}/aside"
        known = store.contexts(run_id, tag)
        context = known[0].id if known else store.new_context(tag=tag, run_id=run_id)
        return store.append_turn(context, {"kind": kind, "text": text}, type_id=ASIDE_TYPE).id

    def _load(self) -> None:
        stored = self.runtime.store.turns(self.context)
        self.history = tuple(turn_from_json(row.payload) for row in stored)
        self.turn = sum(row.payload.get("kind") == "assistant" for row in stored)
        self._kept = len(stored)

    @property
    def rounds(self) -> int:
        """Rounds of tool calls since the last input, one that was cut off included."""
        count = 0
        for turn in reversed(self.history):
            if isinstance(turn, UserTurn):
                break
            count += isinstance(turn, AssistantTurn) and bool(turn.tool_calls)
        return count

    @property
    def last_text(self) -> str:
        """What was said last."""
        said = (turn.text for turn in reversed(self.history) if isinstance(turn, AssistantTurn))
        return next(said, "")

    def calls(self, tool: str) -> list[dict[str, Any]]:
        """The arguments of all calls of a tool in the stored conversation, oldest first."""
        found = []
        for row in self.runtime.store.turns(self.context):
            if row.payload.get("kind") == "assistant":
                blocks = row.payload["content"]
                found += [
                    dict(b["input"])
                    for b in blocks
                    if b.get("type") == "tool_use" and b.get("name") == tool
                ]
        return found

    # -- what the session needs ------------------------------------------------------------

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        """Ask the builder's model."""
        return await self.runtime.complete(request, on_delta, holds=not self.agent)

    def key(self, ordinal: int) -> str:
        """The name of a request, for recording and playback."""
        part = f"~{self.parts}" if self.parts > 1 else ""
        return f"{self.name}{part}/{ordinal}"

    def keep(self, turn: Turn) -> None:
        """Store a turn before anything is done about it, with what the journal tells of it."""
        payload = turn_to_json(turn)
        self._kept += 1
        listener, heard = self.place.listener, False
        with self.runtime.store.transaction():
            self.runtime.store.append_turn(
                self.context, payload, type_id=TURN_TYPE, idempotency_key=f"turn-{self._kept}"
            )
            if isinstance(turn, AssistantTurn):
                self.turn += 1
                if turn.text.strip():
                    self._emit("agent.text", {"turn": self.turn, "text": clean(turn.text)})
            if payload["kind"] == "steering" and not self.agent:
                heard = listener.said(str(payload["content"]), self.turn)
        if heard:
            listener.keep()

    def _emit(self, kind: str, data: dict[str, Any]) -> None:
        self.runtime.emit(kind, {**self.where.data(), "agent": self.agent, **data})

    def event(self, event: SessionEvent) -> None:
        """Tell the journal and the live line what the agent does."""
        data = event.data
        if event.kind is EventKind.ASSISTANT_TEXT_DELTA:
            if data["of"] == "retry":
                self.runtime.quiet(self.who)
            self.runtime.live(self.who, data["of"], data["text"])
        elif event.kind is EventKind.ASSISTANT_TEXT_END:
            self.runtime.quiet(self.who)
        elif event.kind is EventKind.STEERING_INJECTED:
            self._emit("agent.steered", {"text": clean(data["content"], limit=DETAIL)})
        elif event.kind in (EventKind.LOOP_DETECTION, EventKind.WARNING):
            note = {"text": clean(data["message"]), "level": "warning"}
            self.runtime.emit("note", note)

    def tool(self, record: ToolRecord) -> None:
        """Tell the journal of a finished tool call."""
        full = self._aside("output", clean(record.output)) if len(record.output) > DETAIL else 0
        self._emit(
            "agent.tool",
            {
                "turn": self.turn,
                "call": clean(record.call.id),
                "tool": clean(record.call.name),
                "summary": clean(record.summary, limit=300),
                "ok": not record.is_error,
                "ms": record.ms,
                "detail": clean(record.output, limit=DETAIL),
                "full": full,
            },
        )

    def inbox(self) -> Sequence[str]:
        """What the builder has to hear at this tool round."""
        if self.agent:
            return []
        messages = [self.problem()]
        message = self.place.listener.message()
        if message and self.runtime.options.recording:
            text = "the builder's words are recorded: it hears of the edit but cannot react to it"
            self.runtime.emit("note", {"text": text, "level": "warning"})
        return [text for text in (*messages, message) if text]
