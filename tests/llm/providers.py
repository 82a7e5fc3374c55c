"""A loopback server that speaks three providers' real wire formats.

What it says is described once (``say``) and sent in the dialect of whichever API is called:
Messages, Responses, Chat Completions or Gemini, whole or streamed.
"""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from factory_tui.llm import (
    AnthropicAdapter,
    Client,
    GeminiAdapter,
    OpenAIAdapter,
    OpenAICompatibleAdapter,
    ProviderAdapter,
)
from factory_tui.llm.serving import Call, LoopbackServer, Reply, message_events

MODELS = {
    "anthropic": "claude-opus-4-6",
    "openai": "gpt-5.2",
    "gemini": "gemini-3-flash-preview",
}
PROVIDERS = list(MODELS)
Step = Callable[[str, dict[str, Any], Call, Reply], Awaitable[None]]


@dataclass
class Said:
    """One answer: ``calls`` are (id, name, arguments); tokens as the provider counts them."""

    text: str = "Hello there."
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    thinking: str = ""
    stop: str = ""
    given: int = 100
    out: int = 20
    cached: int = 0
    reasoning: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0


def anthropic_message(said: Said) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if said.thinking:
        content.append({"type": "thinking", "thinking": said.thinking, "signature": "c2ln"})
        content.append({"type": "redacted_thinking", "data": "b3BhcXVl"})
    if said.text:
        content.append({"type": "text", "text": said.text})
    content += [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in said.calls]
    usage = {
        "input_tokens": said.given - said.cached,
        "output_tokens": said.out,
        "cache_read_input_tokens": said.cached,
        "cache_creation_input_tokens": 0,
    }
    if said.reasoning:
        usage |= {"output_tokens_details": {"thinking_tokens": said.reasoning}}  # type: ignore[dict-item]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODELS["anthropic"],
        "content": content,
        "stop_reason": said.stop or ("tool_use" if said.calls else "end_turn"),
        "usage": usage,
    }


def openai_response(said: Said) -> dict[str, Any]:
    output: list[dict[str, Any]] = []
    if said.thinking or said.reasoning:
        summary = [{"type": "summary_text", "text": said.thinking}] if said.thinking else []
        output.append(
            {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "c2VjcmV0"}
        )
    if said.text:
        content = [{"type": "output_text", "text": said.text, "annotations": []}]
        output.append(
            {"type": "message", "id": "m_1", "role": "assistant", "content": content}
            | {"status": "completed"}
        )
    output += [
        {"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": n}
        | {"arguments": json.dumps(a), "status": "completed"}
        for i, n, a in said.calls
    ]
    cut = said.stop in ("max_output_tokens", "content_filter")
    return {
        "id": "resp_1",
        "object": "response",
        "model": MODELS["openai"],
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": said.stop} if cut else None,
        "error": None,
        "output": output,
        "usage": {
            "input_tokens": said.given,
            "output_tokens": said.out,
            "total_tokens": said.given + said.out,
            "input_tokens_details": {"cached_tokens": said.cached},
            "output_tokens_details": {"reasoning_tokens": said.reasoning},
        },
    }


def gemini_response(said: Said) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if said.thinking:
        parts.append({"text": said.thinking, "thought": True})
    if said.text:
        parts.append({"text": said.text})
    parts += [
        {"functionCall": {"name": n, "args": a}, "thoughtSignature": "c2lnbmVk"}
        for _, n, a in said.calls
    ]
    return {
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": said.stop or "STOP"}
        ],
        "usageMetadata": {
            "promptTokenCount": said.given,
            "candidatesTokenCount": said.out,
            "thoughtsTokenCount": said.reasoning,
            "cachedContentTokenCount": said.cached,
            "totalTokenCount": said.given + said.out + said.reasoning,
        },
        "modelVersion": MODELS["gemini"],
        "responseId": "resp_1",
    }


def chat_completion(said: Said) -> dict[str, Any]:
    calls = [
        {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}}
        for i, n, a in said.calls
    ]
    return {
        "id": "chat_1",
        "model": "local",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": said.text or None, "tool_calls": calls},
                "finish_reason": said.stop or ("tool_calls" if calls else "stop"),
            }
        ],
        "usage": {"prompt_tokens": said.given, "completion_tokens": said.out},
    }


def halves(text: str) -> list[str]:
    return [text[: len(text) // 2], text[len(text) // 2 :]]


def openai_events(said: Said) -> list[dict[str, Any]]:
    whole = openai_response(said)
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.in_progress", "response": {**whole, "output": []}},
    ]
    for index, item in enumerate(whole["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        bare = {**item, "content": []} if item["type"] == "message" else {**item, "arguments": ""}
        events.append({"type": "response.output_item.added", "item": bare, **at})
        if item["type"] == "reasoning" and said.thinking:
            kind = "response.reasoning_summary_text.delta"
            events += [{"type": kind, "delta": p, **at} for p in halves(said.thinking)]
        if item["type"] == "message":
            kind = "response.output_text.delta"
            events += [
                {"type": kind, "delta": p, "content_index": 0, **at} for p in halves(said.text)
            ]
        if item["type"] == "function_call":
            kind = "response.function_call_arguments.delta"
            events += [{"type": kind, "delta": p, **at} for p in halves(item["arguments"])]
        events.append({"type": "response.output_item.done", "item": item, **at})
    kind = "response.completed" if whole["status"] == "completed" else "response.incomplete"
    return [*events, {"type": kind, "response": whole}]


def gemini_chunks(said: Said) -> list[dict[str, Any]]:
    whole = gemini_response(said)
    chunks = []
    for part in whole["candidates"][0]["content"]["parts"]:
        for piece in halves(part["text"]) if "text" in part else [None]:
            one = part if piece is None else {**part, "text": piece}
            content = {"role": "model", "parts": [one]}
            chunks.append({"candidates": [{"content": content}], "modelVersion": "m"})
    last = {"content": {"role": "model", "parts": []}, "finishReason": said.stop or "STOP"}
    return [*chunks, {**whole, "candidates": [last]}]


def chat_chunks(said: Said) -> list[dict[str, Any]]:
    whole = chat_completion(said)
    choice = whole["choices"][0]
    deltas: list[dict[str, Any]] = [{"content": p} for p in halves(said.text) if p]
    for index, call in enumerate(choice["message"]["tool_calls"]):
        start = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        deltas.append({"tool_calls": [start]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": p}}]}
            for p in halves(call["function"]["arguments"])
        ]
    head = {"id": "chat_1", "model": "local"}
    chunks = [{**head, "choices": [{"index": 0, "delta": d}]} for d in deltas]
    end = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    return [*chunks, {**head, "choices": [end]}, {**head, "choices": [], "usage": whole["usage"]}]


def api_of(call: Call) -> str:
    if call.path.endswith("/messages"):
        return "anthropic"
    if call.path.endswith("/responses"):
        return "openai"
    if call.path.endswith("/chat/completions"):
        return "chat"
    return "gemini"


def is_stream(api: str, body: dict[str, Any], call: Call) -> bool:
    return "stream" in call.path if api == "gemini" else bool(body.get("stream"))


def frames(api: str, said: Said) -> list[bytes]:
    """The frames of a streamed answer."""
    if api == "anthropic":
        message = anthropic_message(said)
        wanted = ("id", "model", "content", "stop_reason", "usage")
        events = message_events(**{name: message[name] for name in wanted})
        return [f"event: {n}\ndata: {json.dumps(d)}\n\n".encode() for n, d in events]
    if api == "openai":
        return [
            f"event: {d['type']}\ndata: {json.dumps(d)}\n\n".encode() for d in openai_events(said)
        ]
    if api == "chat":
        chunks = [f"data: {json.dumps(d)}\n\n".encode() for d in chat_chunks(said)]
        return [*chunks, b"data: [DONE]\n\n"]
    return [f"data: {json.dumps(d)}\r\n\r\n".encode() for d in gemini_chunks(said)]


WHOLE = {
    "anthropic": anthropic_message,
    "openai": openai_response,
    "gemini": gemini_response,
    "chat": chat_completion,
}


def say(said: Said | None = None, **fields: Any) -> Step:
    """A step that answers."""
    wanted = said or Said(**fields)

    async def step(api: str, body: dict[str, Any], call: Call, reply: Reply) -> None:
        if wanted.pause:
            await asyncio.sleep(wanted.pause)
        if not is_stream(api, body, call):
            await reply.json(WHOLE[api](wanted), headers=wanted.headers)
            return
        await reply.begin()
        for frame in frames(api, wanted):
            await reply.raw(frame)
        await reply.end()

    return step


def cut(after: int, how: str = "end", **fields: Any) -> Step:
    """A stream that stops after some frames: in order ("end"), by a reset, or by silence."""
    wanted = Said(**fields)

    async def step(api: str, body: dict[str, Any], call: Call, reply: Reply) -> None:
        await reply.begin()
        for frame in frames(api, wanted)[:after]:
            await reply.raw(frame)
        if how == "end":
            await reply.end()
        elif how == "reset":
            sock = reply._writer.get_extra_info("socket")
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))
            reply.abort()
        else:
            await asyncio.sleep(60)

    return step


def spoil(after: int, frame: bytes, **fields: Any) -> Step:
    """A stream with one frame of somebody's choosing put in, then its end."""
    wanted = Said(**fields)

    async def step(api: str, body: dict[str, Any], call: Call, reply: Reply) -> None:
        await reply.begin()
        for one in [*frames(api, wanted)[:after], frame]:
            await reply.raw(one)
        await reply.end()

    return step


GRPC = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def fail(
    status: int, message: str = "no", headers: dict[str, str] | None = None, code: str = ""
) -> Step:
    """A step that refuses, in each API's own error shape."""

    async def step(api: str, _body: dict[str, Any], _call: Call, reply: Reply) -> None:
        if api == "anthropic":
            error: dict[str, Any] = {"type": code or "api_error", "message": message}
            await reply.json({"type": "error", "error": error}, status, headers)
        elif api == "gemini":
            error = {"code": status, "message": message, "status": code or GRPC.get(status, "")}
            await reply.json({"error": error}, status, headers)
        else:
            error = {"message": message, "type": "x", "code": code or None, "param": None}
            await reply.json({"error": error}, status, headers)

    return step


class Providers:
    """The server: performs one step per call, then says hello; keeps what it was asked."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.open = 0
        self._server = LoopbackServer(self._handle)
        self.url = ""
        self.adapters: list[ProviderAdapter] = []

    async def start(self) -> None:
        self.url = await self._server.start()

    async def aclose(self) -> None:
        for adapter in self.adapters:
            await adapter.close()  # type: ignore[attr-defined]
        await self._server.aclose()

    async def _handle(self, call: Call, reply: Reply) -> None:
        if call.method == "GET" or call.path.endswith("count_tokens"):
            await self._other(call, reply)
            return
        body = call.json()
        self.bodies.append(body)
        self.headers.append(dict(call.headers))
        self.paths.append(call.path)
        step = self.steps.pop(0) if self.steps else say()
        self.open += 1
        try:
            await step(api_of(call), body, call, reply)
        finally:
            self.open -= 1

    async def _other(self, call: Call, reply: Reply) -> None:
        if call.path.endswith("count_tokens"):
            await reply.json({"input_tokens": 100})
        elif "v1beta" in call.path:
            row = {"name": "models/gemini-9", "displayName": "Gemini 9", "inputTokenLimit": 9000}
            await reply.json({"models": [{**row, "outputTokenLimit": 900}]})
        else:
            row = {"id": "model-9", "display_name": "Nine", "type": "model"}
            await reply.json({"data": [{**row, "max_input_tokens": 9000, "max_tokens": 900}]})

    def adapter(self, provider: str, **options: Any) -> ProviderAdapter:
        made: ProviderAdapter
        if provider == "anthropic":
            made = AnthropicAdapter("key", self.url, **options)
        elif provider == "openai":
            made = OpenAIAdapter("key", f"{self.url}/v1", **options)
        elif provider == "gemini":
            made = GeminiAdapter("key", self.url, **options)
        else:
            made = OpenAICompatibleAdapter("key", f"{self.url}/v1", name=provider, **options)
        self.adapters.append(made)
        return made

    def client(self, *providers: str, timeout: Any = None, **options: Any) -> Client:
        names = providers or tuple(PROVIDERS)
        adapters = {name: self.adapter(name, timeout=timeout) for name in names}
        options = {"default_provider": names[0], **options}
        return Client(adapters, **options)
