"""The Gemini API's contents: messages to contents and parts, parts to those of a message."""

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from factory_tui.llm.content import (
    ContentKind,
    ContentPart,
    Message,
    Role,
    ThinkingData,
    ToolCallData,
)
from factory_tui.llm.errors import ConfigurationError
from factory_tui.llm.media import media
from factory_tui.llm.types import Request, Usage, tool_call
from factory_tui.llm.wire import from_wire

__all__ = ["contents_of", "finish_of", "joined", "name_calls", "part_of", "usage_of", "wire_parts"]


def wire_parts(chunk: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of the first candidate."""
    candidates = chunk.get("candidates") or [{}]
    return list((candidates[0].get("content") or {}).get("parts") or [])


def finish_of(chunk: Mapping[str, Any]) -> str | None:
    """Why the first candidate ended, ``None`` while it goes on."""
    finish: str | None = (chunk.get("candidates") or [{}])[0].get("finishReason")
    return finish


def name_calls(chunk: Mapping[str, Any]) -> None:
    """Give an id to every call that has none."""
    for part in wire_parts(chunk):
        call = part.get("functionCall")
        if call is not None and not call.get("id"):
            call["id"] = f"{_MADE_UP}{uuid.uuid4().hex}"


_MADE_UP = "call_"


def joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Pieces of one text become one part; a signature stays where it is."""
    joined: list[dict[str, Any]] = []
    for part in parts:
        last = joined[-1] if joined else {}
        same = (
            "text" in part
            and "text" in last
            and bool(part.get("thought")) == bool(last.get("thought"))
            and "thoughtSignature" not in last
        )
        if same:
            joined[-1] = {**last, **part, "text": last["text"] + part["text"]}
        else:
            joined.append(dict(part))
    return joined


def part_of(wire: Mapping[str, Any]) -> ContentPart:
    """A part of a message from one of the API."""
    own: dict[str, Any] = {"native_provider": "gemini", "native": dict(wire)}
    if "functionCall" in wire:
        call = wire["functionCall"]
        data = ToolCallData(call["id"], call["name"], call.get("args") or {})
        return ContentPart(ContentKind.TOOL_CALL, tool_call=data, **own)
    if wire.get("thought"):
        thinking = ThinkingData(wire.get("text") or "", wire.get("thoughtSignature"))
        return ContentPart(ContentKind.THINKING, thinking=thinking, **own)
    if "text" in wire:
        return ContentPart(ContentKind.TEXT, text=wire["text"], **own)
    return ContentPart(f"gemini:{next(iter(wire), 'part')}", **own)


def usage_of(wire: Any) -> Usage:
    """Usage from its wire names."""
    if not isinstance(wire, Mapping):
        return Usage(0, 0, estimated=True)
    return Usage(
        int(wire.get("promptTokenCount") or 0),
        int(wire.get("candidatesTokenCount") or 0),
        cache_read_tokens=wire.get("cachedContentTokenCount"),
        reasoning_tokens=wire.get("thoughtsTokenCount"),
        raw=dict(wire),
        cache_in_input=True,
        reasoning_in_output=False,
    )


def contents_of(request: Request) -> tuple[list[str], list[dict[str, Any]]]:
    """(system texts, contents) of a request; contents of one role in a row become one."""
    system = [request.system] if request.system else []
    contents: list[dict[str, Any]] = []
    names: dict[str, tuple[str, bool]] = {}  # call id: (function, did the server give the id)
    for given in request.messages:
        message = given if isinstance(given, Message) else from_wire(given)
        if message.role in (Role.SYSTEM, Role.DEVELOPER):
            system.append(message.text)
            continue
        for part in message.content:
            if (call := part.tool_call) is not None:
                ours = part.native_provider != "gemini" or call.id.startswith(_MADE_UP)
                names[call.id] = (call.name, not ours)
        parts = [one for part in message.content if (one := _wire(part, names, message.name))]
        role = "model" if message.role == Role.ASSISTANT else "user"
        if parts and contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    return system, contents


def _wire(
    part: ContentPart, names: Mapping[str, tuple[str, bool]], name: str | None
) -> dict[str, Any] | None:
    if (
        part.native is not None
        and part.native_provider == "gemini"
        and part_of(part.native) == part
    ):
        wire = dict(part.native)
        if call := wire.get("functionCall"):  # an id of ours means nothing to the server
            made_up = call["id"].startswith(_MADE_UP)
            wire["functionCall"] = {
                key: value for key, value in call.items() if not (made_up and key == "id")
            }
        return wire
    if part.kind == ContentKind.TEXT:
        return {"text": part.text or ""}
    if part.thinking is not None:
        return None  # signed by somebody else
    if part.tool_call is not None:
        call_data = part.tool_call
        parsed = tool_call(call_data.id, call_data.name, call_data.arguments)
        return {"functionCall": {"name": parsed.name, "args": parsed.arguments}}
    if part.tool_result is not None:
        return _function_response(part, names, name)
    for item in (part.image, part.audio, part.document):
        if item is not None:
            how, value, kind = media(item)
            if how == "url":
                return {"fileData": {"mimeType": kind, "fileUri": value}}
            return {"inlineData": {"mimeType": kind, "data": value}}
    if part.native_provider:
        return None  # a kind only another provider knows
    raise ConfigurationError(f"No part for content of kind {part.kind}.", provider="gemini")


def _function_response(
    part: ContentPart, names: Mapping[str, tuple[str, bool]], name: str | None
) -> dict[str, Any]:
    result = part.tool_result
    if result is None:
        raise TypeError("not a tool result")
    called, known = names.get(result.tool_call_id) or (name, False)
    if not called:
        raise ConfigurationError(
            f"No call {result.tool_call_id!r} in the history to tell the function's name.",
            provider="gemini",
        )
    content = result.content
    if result.is_error:
        response: dict[str, Any] = {"error": content}
    else:
        response = content if isinstance(content, dict) else {"result": content}
    answer: dict[str, Any] = {"name": called, "response": response}
    if known:
        answer["id"] = result.tool_call_id
    if result.image_data is not None:
        data = base64.b64encode(result.image_data).decode()
        kind = result.image_media_type or "image/png"
        answer["parts"] = [{"inlineData": {"mimeType": kind, "data": data}}]
    return {"functionResponse": answer}
