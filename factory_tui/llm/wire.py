"""Between the unified message model and the Messages API's blocks.

The rest of the product keeps conversations in the wire shape of the Messages API (exactly as they
travelled); the specification's types are another view of the same blocks.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from factory_tui.llm.content import (
    ContentKind,
    ContentPart,
    Message,
    Role,
    ThinkingData,
    ToolCallData,
    ToolResultData,
)
from factory_tui.llm.errors import ConfigurationError
from factory_tui.llm.media import media

__all__ = ["ANTHROPIC", "block_of", "from_wire", "part_of", "result_text", "to_wire"]

ANTHROPIC = "anthropic"


def part_of(block: Mapping[str, Any]) -> ContentPart:
    """A block of the Messages API as a part; unknown kinds keep their name and their block."""
    kind = block.get("type")
    own: dict[str, Any] = {"native_provider": ANTHROPIC, "native": dict(block)}
    if kind == "text":
        return ContentPart(ContentKind.TEXT, text=block["text"], **own)
    if kind == "thinking":
        thinking = ThinkingData(block.get("thinking") or "", block.get("signature"))
        return ContentPart(ContentKind.THINKING, thinking=thinking, **own)
    if kind == "redacted_thinking":
        thinking = ThinkingData(block["data"], redacted=True)
        return ContentPart(ContentKind.REDACTED_THINKING, thinking=thinking, **own)
    if kind == "tool_use":
        call = ToolCallData(block["id"], block["name"], block["input"])
        return ContentPart(ContentKind.TOOL_CALL, tool_call=call, **own)
    if kind == "tool_result":
        result = ToolResultData(
            block["tool_use_id"], block.get("content", ""), bool(block.get("is_error"))
        )
        return ContentPart(ContentKind.TOOL_RESULT, tool_result=result, **own)
    return ContentPart(str(kind), **own)


def from_wire(message: Mapping[str, Any]) -> Message:
    """A message of the Messages API in the specification's model.

    A user message that holds only tool results becomes a message of the role TOOL.
    """
    content = message["content"]
    if isinstance(content, str):
        return Message(Role(message["role"]), [ContentPart.of_text(content)])
    parts = [part_of(block) for block in content]
    if parts and all(part.tool_result is not None for part in parts):
        first = parts[0].tool_result
        return Message(Role.TOOL, parts, tool_call_id=first.tool_call_id if first else None)
    return Message(Role(message["role"]), parts)


def result_text(content: Any) -> str:
    """A tool's result as text: strings as they are, anything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def block_of(part: ContentPart) -> dict[str, Any] | None:
    """A part as a block of the Messages API; ``None`` for another provider's reasoning.

    Raises:
        ConfigurationError: The API has no block for it.
    """
    if part.native is not None and part.native_provider == ANTHROPIC and _unchanged(part):
        return dict(part.native)
    if part.kind == ContentKind.TEXT:
        return {"type": "text", "text": part.text or ""}
    if part.thinking is not None:
        if part.native_provider not in ("", ANTHROPIC):
            return None  # signed by somebody else
        if part.kind == ContentKind.REDACTED_THINKING or part.thinking.redacted:
            return {"type": "redacted_thinking", "data": part.thinking.text}
        if part.thinking.signature is None:
            return None  # unsigned thinking is refused
        return {
            "type": "thinking",
            "thinking": part.thinking.text,
            "signature": part.thinking.signature,
        }
    if part.tool_call is not None:
        call = part.tool_call
        given = call.arguments
        arguments = json.loads(given or "{}") if isinstance(given, str) else given
        return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
    if part.tool_result is not None:
        return _result_block(part.tool_result)
    if part.image is not None:
        return {"type": "image", "source": _source(media(part.image))}
    if part.document is not None:
        block = {"type": "document", "source": _source(media(part.document))}
        return block | ({"title": part.document.file_name} if part.document.file_name else {})
    if part.kind in (ContentKind.AUDIO, "audio"):
        raise ConfigurationError("The Messages API takes no audio.", provider=ANTHROPIC)
    if part.native_provider not in ("", ANTHROPIC):
        return None
    raise ConfigurationError(f"No block for content of kind {part.kind}.", provider=ANTHROPIC)


def _unchanged(part: ContentPart) -> bool:
    """Whether the part still says what its native block says."""
    return part_of(part.native or {}) == part if part.native else False


def _source(found: tuple[str, str, str]) -> dict[str, Any]:
    how, value, media_type = found
    if how == "url":
        return {"type": "url", "url": value}
    return {"type": "base64", "media_type": media_type, "data": value}


def _result_block(result: ToolResultData) -> dict[str, Any]:
    content: Any = result_text(result.content)
    if result.image_data is not None:
        import base64

        image = {
            "type": "base64",
            "media_type": result.image_media_type or "image/png",
            "data": base64.b64encode(result.image_data).decode(),
        }
        blocks = [{"type": "text", "text": content}] if content else []
        content = [*blocks, {"type": "image", "source": image}]
    elif isinstance(result.content, list) and all(
        isinstance(item, Mapping) and "type" in item for item in result.content
    ):
        content = result.content  # blocks already
    block = {"type": "tool_result", "tool_use_id": result.tool_call_id, "content": content}
    return block | ({"is_error": True} if result.is_error else {})


_WIRE_ROLES = {Role.USER: "user", Role.TOOL: "user", Role.ASSISTANT: "assistant"}


def to_wire(
    messages: Sequence[Message | Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(system blocks, messages) for the Messages API.

    System and developer messages are taken out, tool results become user messages, and messages
    of one role in a row become one. Messages already in wire shape pass unchanged.
    """
    system: list[dict[str, Any]] = []
    wire: list[dict[str, Any]] = []
    built: list[dict[str, Any]] = []
    joinable = False
    for message in messages:
        if not isinstance(message, Message):
            wire.append(dict(message))
            joinable = False
            continue
        blocks = [block for part in message.content if (block := block_of(part)) is not None]
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            system += blocks
            continue
        if not blocks:
            continue
        role = _WIRE_ROLES[message.role]
        if joinable and wire[-1]["role"] == role:
            wire[-1]["content"] += blocks
        else:
            wire.append({"role": role, "content": blocks})
            built.append(wire[-1])
            joinable = True
    for one in built:  # results first: the API wants them before anything else is said
        one["content"].sort(key=lambda block: block.get("type") != "tool_result")
    return system, wire
