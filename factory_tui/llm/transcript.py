"""A conversation that only grows.

System prompt and tools are frozen when it starts and every message is kept as the exact JSON
text it had when it was appended. So the next request always begins with the previous one, byte
for byte: caches hit, and models that bind their thinking to the history accept it.
"""

import json
from collections.abc import Sequence
from typing import Any

from factory_tui.llm.types import Block, Request, Response, Tool, ToolDefinition
from factory_tui.llm.types import WireMessage as Message

__all__ = ["Transcript", "TranscriptError"]


class TranscriptError(Exception):
    """A message would break the conversation (for instance, a tool call left unanswered)."""


class Transcript:
    """One conversation: frozen system prompt and tools, and its messages so far."""

    def __init__(
        self,
        *,
        system: str = "",
        tools: Sequence[ToolDefinition] = (),
        messages: Sequence[Message] = (),
    ) -> None:
        self._system = system
        self._tools = json.dumps([tool.wire() for tool in tools])
        self._messages: list[str] = []
        self._unanswered: list[str] = []
        for message in messages:
            self._append(message)

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def system(self) -> str:
        """The system prompt, frozen."""
        return self._system

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools, frozen."""
        return tuple(
            Tool(tool["name"], tool["description"], tool["input_schema"])
            for tool in json.loads(self._tools)
        )

    @property
    def messages(self) -> list[Message]:
        """The messages; each call returns fresh copies, so nobody can edit the history."""
        return [json.loads(text) for text in self._messages]

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Ids of tool calls that still wait for their result."""
        return tuple(self._unanswered)

    def say(self, content: str | Sequence[Block]) -> None:
        """Append a user message.

        Raises:
            TranscriptError: Tool calls are waiting for their results.
        """
        self._append(
            {"role": "user", "content": content if isinstance(content, str) else list(content)}
        )

    def reply(self, response: Response) -> None:
        """Append the model's answer exactly as it came.

        An answer without content leaves no trace: the API refuses empty messages.
        """
        if response.content:
            self._append({"role": "assistant", "content": response.content})

    def answer(self, results: Sequence[tuple[str, str, bool]], also: str = "") -> None:
        """Append the results of all waiting tool calls as one user message.

        Args:
            results: (tool call id, output, is it an error) of every waiting call.
            also: Something to tell the model with them; it goes after the results.

        Raises:
            TranscriptError: A waiting call has no result, or a result no call.
        """
        blocks: list[Block] = [
            {"type": "tool_result", "tool_use_id": id_, "content": output}
            | ({"is_error": True} if failed else {})
            for id_, output, failed in results
        ]
        if also:
            blocks.append({"type": "text", "text": also})
        self._append({"role": "user", "content": blocks})

    def request(self, model: str, **options: Any) -> Request:
        """A request that continues this conversation; ``options`` are fields of ``Request``."""
        return Request(
            model=model, messages=self.messages, system=self._system, tools=self.tools, **options
        )

    def _append(self, message: Message) -> None:
        role, content = message.get("role"), message.get("content")
        if role not in ("user", "assistant") or not content:
            raise TranscriptError(f"not a message: {message!r:.200}")
        blocks = [] if isinstance(content, str) else content
        results = [b["tool_use_id"] for b in blocks if b.get("type") == "tool_result"]
        if sorted(results) != sorted(self._unanswered):
            raise TranscriptError(
                f"tool calls {self._unanswered} are waiting, but the next message answers {results}"
            )
        self._messages.append(json.dumps(message))
        self._unanswered = [
            b["id"] for b in blocks if role == "assistant" and b.get("type") == "tool_use"
        ]
