"""Puts a streamed answer together, block by block, exactly as it came.

The SDK's own helper reorders the fields of a block, parses tool input leniently, so that a call
cut in half looks complete, and stumbles over servers that leave out usage. Here blocks keep the
form they had on the wire, and nothing counts as complete unless the server said so.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from factory_tui.llm.errors import InvalidReply, StreamCut
from factory_tui.llm.plain import mend, plain
from factory_tui.llm.types import Block, Usage

__all__ = ["Assembly", "read_usage"]

_CUT_BY_LIMIT = frozenset({"max_tokens", "model_context_window_exceeded"})
_MOST_TOKENS = 10**12
"""Larger numbers are booked as this one: absurd either way, and a database must hold them."""
_MOST_CHARACTERS = 64 << 20
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "thinking": ("thinking",),
    "redacted_thinking": ("data",),
    "tool_use": ("id", "name"),
    "tool_result": ("tool_use_id",),
}
"""What blocks of these kinds must have, as text."""


class Assembly:
    """One answer in the making: feed it stream events, then ask for the result.

    Problems are kept until ``finish``, because what comes after a broken block may still tell
    what the answer cost.
    """

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.stop_reason: str | None = None
        self.incomplete_tool = ""
        self._usage: dict[str, Any] = {}
        self._output_known = False
        self._blocks: dict[int, Block] = {}
        self._json: dict[int, list[str]] = {}
        self._text: dict[tuple[int, str], list[str]] = {}
        self._closed: set[int] = set()
        self._size = 0
        self._started = False
        self._ended = False
        self._problem = ""

    def add(self, event: Any) -> tuple[str, str] | None:
        """Take one event (its JSON); return what a reader may see of it: (kind, piece).

        Kinds are "text", "thinking" and "tool" (the tool's name and a space, then its JSON).
        """
        kind = event.get("type") if isinstance(event, dict) else None
        try:
            if kind == "message_start":
                message = event["message"]
                self._started = True
                self.id = mend(str(message.get("id", "")))
                self.model = mend(str(message.get("model", "")))
                self._usage.update(_present(message.get("usage")))
            elif kind == "content_block_start":
                return self._start(event["index"], event["content_block"])
            elif kind == "content_block_delta":
                return self._delta(event["index"], event["delta"])
            elif kind == "content_block_stop":
                self._closed.add(event["index"])
            elif kind == "message_delta":
                usage = _present(event.get("usage"))
                self._output_known = self._output_known or "output_tokens" in usage
                self._usage.update(usage)
                self._stop(event["delta"].get("stop_reason"))
            elif kind == "message_stop":
                self._ended = True
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            self._wrong(f"{kind}: {error!r}")
        return None

    def _stop(self, reason: Any) -> None:
        if reason is not None and not isinstance(reason, str):
            raise TypeError("a stop reason that is no text")
        self.stop_reason = mend(reason or "") or self.stop_reason

    def _start(self, index: int, block: Mapping[str, Any]) -> tuple[str, str] | None:
        if type(index) is not int or index in self._blocks:
            raise ValueError(f"block {index!r} starts twice")
        kind = block["type"]
        for name in _TEXTS.get(kind, ()) if isinstance(kind, str) else ("type",):
            if not isinstance(block[name], str):
                raise TypeError(f"{name} of a block that is no text")
        self._blocks[index] = dict(block)
        if kind == "tool_use":
            return "tool", f"{block['name']} "
        if kind == "text" and block["text"]:
            return "text", block["text"]
        return None

    def _delta(self, index: int, delta: Mapping[str, Any]) -> tuple[str, str] | None:
        block, kind = self._blocks[index], delta["type"]
        if index in self._closed:
            raise ValueError(f"block {index} goes on after its end")
        if kind == "text_delta":
            return "text", self._grow(index, "text", delta["text"])
        if kind == "thinking_delta":
            return "thinking", self._grow(index, "thinking", delta["thinking"])
        if kind == "input_json_delta":
            return "tool", self._grow(index, "input", delta["partial_json"])
        if kind == "compaction_delta":
            if delta.get("content") is not None:
                self._grow(index, "content", delta["content"])
            if delta.get("encrypted_content") is not None:
                block["encrypted_content"] = delta["encrypted_content"]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            if not isinstance(block.get("citations"), list):
                block["citations"] = []
            block["citations"].append(delta["citation"])
        return None

    def _grow(self, index: int, name: str, piece: str) -> str:
        if not isinstance(piece, str):
            raise TypeError(f"a piece of {name} that is no text")
        self._size += len(piece)
        if self._size > _MOST_CHARACTERS:
            raise InvalidReply("The answer is too large to be one.")
        self._text.setdefault((index, name), []).append(piece)
        return piece

    def _wrong(self, what: str) -> None:
        self._problem = self._problem or what

    @property
    def usage(self) -> Usage | None:
        """What the server says it billed; ``None`` unless it said so to the end."""
        if not (self._output_known and self._ended):
            return None
        return read_usage(self._usage)

    def least_usage(self, output_tokens: int) -> Usage | None:
        """What an answer without an account of it must be taken to have cost.

        Args:
            output_tokens: The most it can have been, unless the server spoke of more.
        """
        said = _tokens(self._usage.get("output_tokens")) or 0
        known = {**self._usage, "output_tokens": max(said, output_tokens)}
        known.setdefault("input_tokens", 0)
        return read_usage(known)

    @property
    def wire_usage(self) -> dict[str, Any]:
        """What the server said about usage so far, in its own names."""
        return dict(self._usage)

    def finish(self) -> list[Block]:
        """The complete content.

        Raises:
            StreamCut: The stream ended without a stop reason or its final event.
            InvalidReply: The events make no valid answer.
        """
        if self._problem:
            self._invalid(self._problem)
        if not self._started:
            self._invalid("no message in the stream")
        if not self.stop_reason or not self._ended:
            raise StreamCut("The answer ended before it was complete.")
        content = []
        for index in sorted(self._blocks):
            block = self._blocks[index]
            for name in ("text", "thinking", "content"):
                if (index, name) in self._text:
                    whole = block.get(name) or ""
                    block[name] = f"{whole}{''.join(self._text[index, name])}"
            if block["type"] == "tool_use" and not self._complete_tool(index, block):
                continue
            try:
                content.append(plain(block))
            except ValueError as error:
                self._invalid(f"block {index}: {error}")
        return content

    def _complete_tool(self, index: int, block: Block) -> bool:
        """Fill in a tool call's input; False if the token limit cut it off."""
        pieces = "".join(self._text.get((index, "input"), []))
        cut = self.stop_reason in _CUT_BY_LIMIT and index == max(self._blocks)
        try:
            value = _strict_json(pieces) if pieces.strip() else block.get("input", {})
            if not isinstance(value, dict):
                raise ValueError("the input is no object")
        except (ValueError, RecursionError) as error:
            if not cut:
                self._invalid(f"input of tool {block['name']}: {error}")
            self.incomplete_tool = block["name"]
            return False
        if cut and not pieces.strip():
            self.incomplete_tool = block["name"]
            return False
        block["input"] = value
        return True

    @staticmethod
    def _invalid(what: str) -> NoReturn:
        raise InvalidReply(f"The model server sent an invalid answer: {what}")


def read_usage(wire: Mapping[str, Any]) -> Usage | None:
    """Usage from its wire names; ``None`` if it is missing, incomplete or not numbers.

    Where a server lists ``iterations`` (compaction, fallbacks), their sum is what it bills.
    """
    parts = wire.get("iterations")
    rows = parts if isinstance(parts, list) and parts else [wire]
    total: Usage | None = None
    for row in rows:
        one = _read_row(row)
        if one is None:
            return None
        total = one if total is None else total + one
    if total is None or _all(total) == 0:
        return None
    whole = _read_row(wire)
    return whole if whole is not None and _all(whole) > _all(total) else total


def _all(usage: Usage) -> int:
    return usage.prompt_tokens + usage.output_tokens


def _read_row(wire: Any) -> Usage | None:
    if not isinstance(wire, Mapping):
        return None
    creation = wire.get("cache_creation")
    details = wire.get("output_tokens_details")
    counts = [
        _tokens(wire.get("input_tokens")),
        _tokens(wire.get("output_tokens")),
        _tokens(wire.get("cache_read_input_tokens") or 0),
        _tokens(wire.get("cache_creation_input_tokens") or 0),
        _tokens((details.get("thinking_tokens") if isinstance(details, Mapping) else 0) or 0),
        _tokens(
            (creation.get("ephemeral_1h_input_tokens") if isinstance(creation, Mapping) else 0) or 0
        ),
    ]
    if any(n is None for n in counts):
        return None
    given, out, read, write, reasoning, hour = (n or 0 for n in counts)
    return Usage(
        given,
        out,
        cache_read_tokens=read,
        cache_write_tokens=write,
        reasoning_tokens=min(reasoning, out),
        estimated=wire.get("estimated") is True,
        cache_write_1h_tokens=min(hour, write),
        geo=str(wire.get("inference_geo") or ""),
    )


def _tokens(value: Any) -> int | None:
    if type(value) is not int or value < 0:
        return None
    return min(value, _MOST_TOKENS)


def _present(usage: Any) -> dict[str, Any]:
    """Usage counts are cumulative and overwrite; those left out keep their value."""
    return {k: v for k, v in usage.items() if v is not None} if isinstance(usage, Mapping) else {}


def _strict_json(text: str) -> Any:
    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    return json.loads(mend(text), parse_constant=no_constant)
