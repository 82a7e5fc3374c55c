"""The Responses API's items: messages to input items, output items to parts of a message."""

import base64
import json
from collections.abc import Mapping
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
from factory_tui.llm.types import FinishReason, Request, Usage, tool_call
from factory_tui.llm.wire import from_wire, result_text

__all__ = ["finish_reason", "input_items", "output_parts", "text_format", "usage_of"]


def text_format(request: Request) -> dict[str, Any] | None:
    """How the text of an answer is to be formed, ``None``: freely."""
    schema, shape = request.output_schema, request.response_format
    if schema is not None:
        strict = shape.strict if shape is not None else True
        return {"type": "json_schema", "name": "output", "schema": schema, "strict": strict}
    return {"type": "json_object"} if shape is not None and shape.type == "json" else None


def input_items(request: Request) -> tuple[str, list[dict[str, Any]]]:
    """(instructions, input items) of a request."""
    instructions = [request.system] if request.system else []
    items: list[dict[str, Any]] = []
    for given in request.messages:
        message = given if isinstance(given, Message) else from_wire(given)
        if message.role == Role.SYSTEM:
            instructions.append(message.text)
        else:
            items += _items(message)
    return "\n\n".join(instructions), items


def _items(message: Message) -> list[dict[str, Any]]:
    """The input items of one message; calls and results are items of their own."""
    items: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    role = "user" if message.role == Role.TOOL else str(message.role)

    def flush() -> None:
        if said:
            items.append({"type": "message", "role": role, "content": list(said)})
            said.clear()

    for part in message.content:
        if part.thinking is not None:
            if part.native_provider == "openai" and part.native is not None:
                flush()
                items.append(dict(part.native))
        elif part.tool_call is not None:
            flush()
            call = part.tool_call
            text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
            items.append(
                {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": text}
            )
        elif part.tool_result is not None:
            flush()
            items.append(_output(part.tool_result))
        else:
            block = _content(part, assistant=role == "assistant")
            if block is not None:
                said.append(block)
    flush()
    return items


def _output(result: ToolResultData) -> dict[str, Any]:
    text = result_text(result.content)
    if result.is_error and "error" not in text[:40].lower():
        text = f"Error: {text}"  # the API has no flag for it
    output: Any = text
    if result.image_data is not None:
        data = base64.b64encode(result.image_data).decode()
        url = f"data:{result.image_media_type or 'image/png'};base64,{data}"
        output = [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": url}]
    return {"type": "function_call_output", "call_id": result.tool_call_id, "output": output}


def _content(part: ContentPart, *, assistant: bool) -> dict[str, Any] | None:
    if part.kind == ContentKind.TEXT:
        return {"type": "output_text" if assistant else "input_text", "text": part.text or ""}
    if part.image is not None:
        how, value, kind = media(part.image)
        url = value if how == "url" else f"data:{kind};base64,{value}"
        block = {"type": "input_image", "image_url": url}
        return block | ({"detail": part.image.detail} if part.image.detail else {})
    if part.document is not None:
        how, value, kind = media(part.document)
        if how == "url":
            return {"type": "input_file", "file_url": value}
        name = part.document.file_name or "document.pdf"
        data = f"data:{kind};base64,{value}"
        return {"type": "input_file", "filename": name, "file_data": data}
    if part.audio is not None:
        raise ConfigurationError("The Responses API takes no audio.", provider="openai")
    if part.native_provider:
        return None  # a kind only another provider knows
    raise ConfigurationError(f"No item for content of kind {part.kind}.", provider="openai")


def output_parts(item: Mapping[str, Any]) -> list[ContentPart]:
    """The parts of a message that an output item stands for."""
    kind = item["type"]
    own: dict[str, Any] = {"native_provider": "openai", "native": dict(item)}
    if kind == "message":
        texts = [c.get("text") or c.get("refusal") or "" for c in item["content"]]
        return [ContentPart(ContentKind.TEXT, text=text) for text in texts if text]
    if kind == "function_call":
        call = tool_call(item.get("call_id") or item["id"], item["name"], item["arguments"])
        good = bool(call.arguments) or (call.raw_arguments or "").strip() in ("", "{}")
        arguments = call.arguments if good else item["arguments"]
        data = ToolCallData(call.id, call.name, arguments)
        return [ContentPart(ContentKind.TOOL_CALL, tool_call=data, **own)]
    if kind == "reasoning":
        text = "\n\n".join(piece["text"] for piece in item.get("summary") or [])
        thinking = ThinkingData(text, item.get("encrypted_content"), redacted=not text)
        return [ContentPart(ContentKind.THINKING, thinking=thinking, **own)]
    return [ContentPart(f"openai:{kind}", **own)]


def finish_reason(raw: Mapping[str, Any], parts: list[ContentPart]) -> FinishReason:
    """Why an answer ended."""
    status = str(raw.get("status") or "")
    if status == "incomplete":
        why = str((raw.get("incomplete_details") or {}).get("reason") or status)
        reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
        return FinishReason(reasons.get(why, "other"), why)
    if any(part.tool_call is not None for part in parts):
        return FinishReason("tool_calls", status or None)
    return FinishReason("stop" if status in ("completed", "") else "other", status or None)


def usage_of(wire: Any) -> Usage:
    """Usage from its wire names."""
    if not isinstance(wire, Mapping):
        return Usage(0, 0, estimated=True)
    read = (wire.get("input_tokens_details") or {}).get("cached_tokens")
    reasoning = (wire.get("output_tokens_details") or {}).get("reasoning_tokens")
    given, out = int(wire["input_tokens"]), int(wire["output_tokens"])
    return Usage(
        given,
        out,
        cache_read_tokens=read,
        reasoning_tokens=reasoning,
        raw=dict(wire),
        cache_in_input=True,
    )
