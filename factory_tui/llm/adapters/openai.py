"""OpenAI's Responses API.

Calls are stateless: nothing is stored at OpenAI, and a reasoning model's reasoning goes back
encrypted, as the items it came in.
"""

import json
import os
import re
from collections.abc import AsyncGenerator, Mapping
from types import ModuleType
from typing import Any

from factory_tui.llm.adapters.base import (
    AdapterTimeout,
    Connection,
    deep_merge,
    rate_limit,
    translate,
    within,
)
from factory_tui.llm.content import (
    ContentKind,
    ContentPart,
    Message,
    Role,
    ThinkingData,
    ToolCallData,
    ToolResultData,
)
from factory_tui.llm.errors import (
    ConfigurationError,
    InvalidReply,
    RequestTimeoutError,
    SDKError,
    StreamCut,
    error_from_status_code,
)
from factory_tui.llm.media import media
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import (
    FinishReason,
    Request,
    Response,
    ToolCall,
    ToolChoice,
    Usage,
    Warning,  # noqa: A004
    tool_call,
)
from factory_tui.llm.wire import from_wire, result_text

__all__ = ["OpenAIAdapter", "openai_connection"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_REASONS_ITSELF = re.compile(r"(gpt-[5-9]|o[1-9])(?!.*chat)")


def openai_connection(
    provider: str,
    key: str,
    base_url: str,
    headers: Mapping[str, str],
    timeout: AdapterTimeout,
    organization: str | None = None,
    project: str | None = None,
) -> Connection:
    """A connection through OpenAI's SDK."""

    def make(module: ModuleType, http: Any) -> Any:
        return module.AsyncOpenAI(
            api_key=key or "none",  # the SDK wants one; servers of one's own need none
            base_url=base_url,
            organization=organization,
            project=project,
            default_headers=dict(headers),
            max_retries=0,
            http_client=http,
        )

    return Connection(
        provider=provider,
        module="openai",
        extra="openai",
        base_url=base_url,
        timeout=timeout,
        make=make,
    )


class OpenAIAdapter:
    """Speaks the Responses API through OpenAI's SDK (extra ``openai``).

    Args:
        api_key: The key; without it ``OPENAI_API_KEY``.
        base_url: The server, with ``/v1``; without it ``OPENAI_BASE_URL``, then OpenAI's.
        default_headers: Sent with every request.
        timeout: Seconds for a whole request, or all timeouts.
        organization: Without it ``OPENAI_ORG_ID``.
        project: Without it ``OPENAI_PROJECT_ID``.
    """

    name = "openai"

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: AdapterTimeout | float | None = None,
        *,
        organization: str | None = None,
        project: str | None = None,
    ) -> None:
        env = os.environ.get
        self._key = api_key or env("OPENAI_API_KEY") or ""
        self.timeout = AdapterTimeout.of(timeout)
        self._connection = openai_connection(
            self.name,
            self._key,
            base_url or env("OPENAI_BASE_URL") or DEFAULT_BASE_URL,
            default_headers or {},
            self.timeout,
            organization or env("OPENAI_ORG_ID"),
            project or env("OPENAI_PROJECT_ID"),
        )

    def initialize(self) -> None:
        """Check the configuration.

        Raises:
            ConfigurationError: There is no key.
        """
        if not self._key:
            raise ConfigurationError("No key: set OPENAI_API_KEY.", provider=self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    def supports_tool_choice(self, mode: str) -> bool:
        """Whether a mode works."""
        return mode in ("auto", "none", "required", "named")

    # requests

    def body(self, request: Request) -> tuple[dict[str, Any], list[Warning]]:
        """(body, warnings) of a request."""
        warnings: list[Warning] = []
        instructions, items = _input(request)
        body: dict[str, Any] = {"model": request.model, "input": items, "store": False}
        if instructions:
            body["instructions"] = instructions
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                    "strict": False,
                }
                for tool in request.tools
            ]
            choice = ToolChoice.of(request.tool_choice)
            if choice is not None:
                named = {"type": "function", "name": choice.tool_name}
                body["tool_choice"] = named if choice.mode == "named" else choice.mode
        if request.max_tokens is not None:
            body["max_output_tokens"] = request.max_tokens
        reasons = bool(_REASONS_ITSELF.match(request.model))
        for name in ("temperature", "top_p"):
            value = getattr(request, name)
            if value is not None and reasons:
                warnings.append(
                    Warning(f"{request.model} takes no {name}; it was left out", "unsupported")
                )
            elif value is not None:
                body[name] = value
        if request.stop_sequences:
            warnings.append(Warning("the Responses API has no stop sequences", "unsupported"))
        if request.reasoning_effort:
            body["reasoning"] = {"effort": request.reasoning_effort}
        if reasons:
            body["include"] = ["reasoning.encrypted_content"]
        if request.metadata:
            body["metadata"] = dict(request.metadata)
        if (shape := _text_format(request)) is not None:
            body["text"] = {"format": shape}
        options = request.options_for(self.name)
        if "tools" in options:  # built-in tools come on top of ours
            options["tools"] = [*body.get("tools", []), *options["tools"]]
        return deep_merge(body, options), warnings

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        body, warnings = self.body(request)
        try:
            sdk = await self._connection.sdk()
            import httpx2

            reply = await within(
                self.timeout.request,
                self.name,
                sdk.post(
                    "/responses",
                    cast_to=httpx2.Response,
                    body=body,
                    options={"timeout": self.timeout.request},
                ),
            )
            return self._parse(reply.json(), reply.headers, warnings)
        except SDKError:
            raise
        except Exception as error:
            raise translate(error, self.name) from error

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        body, warnings = self.body(request)
        try:
            sdk = await self._connection.sdk()
            from openai import AsyncStream

            stream = await within(
                self.timeout.request,
                self.name,
                sdk.post(
                    "/responses",
                    cast_to=object,
                    body=body | {"stream": True},
                    stream=True,
                    stream_cls=AsyncStream[object],
                ),
            )
        except Exception as error:
            raise translate(error, self.name) from error
        segments = _Segments(warnings)
        try:
            events = aiter(stream)
            while True:
                try:
                    data = await within(self.timeout.stream_read, self.name, anext(events))
                except StopAsyncIteration:
                    raise StreamCut(
                        "The answer ended before it was complete.", provider=self.name
                    ) from None
                except RequestTimeoutError:
                    raise
                except Exception as error:
                    raise translate(error, self.name, streaming=True) from error
                if not isinstance(data, dict):
                    continue
                kind = data.get("type")
                if kind == "error":
                    raise _failed(data, data)
                if kind in ("response.completed", "response.incomplete", "response.failed"):
                    for event in segments.close():
                        yield event
                    response = self._parse(data["response"], stream.response.headers, warnings)
                    yield StreamEvent(
                        StreamEventType.FINISH,
                        finish_reason=response.finish_reason,
                        usage=response.usage,
                        response=response,
                    )
                    return
                for event in segments.translate(data):
                    yield event
        finally:
            await stream.close()

    async def list_models(self) -> list[dict[str, Any]]:
        """The provider's own listing of its models, as it comes."""
        try:
            sdk = await self._connection.sdk()
            import httpx2

            return list((await sdk.get("/models", cast_to=httpx2.Response)).json()["data"])
        except Exception as error:
            raise translate(error, self.name) from error

    # answers

    def _parse(self, raw: Any, headers: Any, warnings: list[Warning]) -> Response:
        try:
            if raw.get("status") == "failed" or (raw.get("error") and not raw.get("output")):
                raise _failed(raw.get("error") or {}, raw)
            parts = [part for item in raw["output"] for part in _parts(item)]
            return Response(
                id=str(raw["id"]),
                model=str(raw["model"]),
                provider=self.name,
                message=Message(Role.ASSISTANT, parts),
                finish_reason=_finish(raw, parts),
                usage=_usage(raw.get("usage")),
                raw=raw,
                warnings=warnings,
                rate_limit=rate_limit(headers),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidReply(
                f"{self.name} sent no response: {error!r}", provider=self.name, cause=error
            ) from error


def _failed(told: Mapping[str, Any], raw: Mapping[str, Any]) -> SDKError:
    inner = told.get("error") if isinstance(told.get("error"), Mapping) else told
    inner = inner if isinstance(inner, Mapping) else {}
    return error_from_status_code(
        None,
        str(inner.get("message") or "the response failed"),
        "openai",
        error_code=str(inner.get("code") or "") or None,
        raw=dict(raw),
    )


def _text_format(request: Request) -> dict[str, Any] | None:
    schema, shape = request.output_schema, request.response_format
    if schema is not None:
        strict = shape.strict if shape is not None else True
        return {"type": "json_schema", "name": "output", "schema": schema, "strict": strict}
    return {"type": "json_object"} if shape is not None and shape.type == "json" else None


def _input(request: Request) -> tuple[str, list[dict[str, Any]]]:
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
        import base64

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


def _parts(item: Mapping[str, Any]) -> list[ContentPart]:
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


def _finish(raw: Mapping[str, Any], parts: list[ContentPart]) -> FinishReason:
    status = str(raw.get("status") or "")
    if status == "incomplete":
        why = str((raw.get("incomplete_details") or {}).get("reason") or status)
        reasons = {"max_output_tokens": "length", "content_filter": "content_filter"}
        return FinishReason(reasons.get(why, "other"), why)
    if any(part.tool_call is not None for part in parts):
        return FinishReason("tool_calls", status or None)
    return FinishReason("stop" if status in ("completed", "") else "other", status or None)


def _usage(wire: Any) -> Usage:
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


_SAID_OTHERWISE = frozenset(
    {
        "response.in_progress",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.done",
        "response.refusal.done",
        "response.function_call_arguments.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
    }
)
"""Events that only frame or repeat what others say."""


class _Segments:
    """Wire events to stream events."""

    def __init__(self, warnings: list[Warning]) -> None:
        self._warnings = warnings
        self._started = False
        self._texts: set[str] = set()
        self._calls: dict[int, tuple[str, str]] = {}
        self._thinking = False

    def translate(self, data: dict[str, Any]) -> list[StreamEvent]:
        """The events one wire event stands for."""
        kind = str(data.get("type"))
        try:
            if kind == "response.created":
                return self._begin(data)
            events = [] if self._started else self._begin(data)
            if kind == "response.output_text.delta":
                return events + self._text(data)
            if kind == "response.refusal.delta":
                return events + self._text(data)
            if kind == "response.reasoning_summary_text.delta":
                return events + self._think(data["delta"])
            if kind == "response.output_item.added":
                return events + self._added(data)
            if kind == "response.function_call_arguments.delta":
                call = ToolCall(*self._calls[data["output_index"]], raw_arguments=data["delta"])
                delta = StreamEvent(
                    StreamEventType.TOOL_CALL_DELTA, delta=data["delta"], tool_call=call
                )
                return [*events, delta]
            if kind == "response.output_item.done":
                return events + self._done(data)
            if kind in _SAID_OTHERWISE:
                return events
        except (KeyError, TypeError) as error:
            raise InvalidReply(f"openai: {kind}: {error!r}", provider="openai") from error
        return [*events, StreamEvent(StreamEventType.PROVIDER_EVENT, raw=data)]

    def _begin(self, data: dict[str, Any]) -> list[StreamEvent]:
        self._started = True
        return [StreamEvent(StreamEventType.STREAM_START, warnings=self._warnings, raw=data)]

    def _text(self, data: dict[str, Any]) -> list[StreamEvent]:
        text_id = f"text_{data.get('output_index', 0)}_{data.get('content_index', 0)}"
        events = []
        if text_id not in self._texts:
            self._texts.add(text_id)
            events.append(StreamEvent(StreamEventType.TEXT_START, text_id=text_id))
        delta = StreamEvent(StreamEventType.TEXT_DELTA, delta=data["delta"], text_id=text_id)
        return [*events, delta]

    def _think(self, piece: str) -> list[StreamEvent]:
        events = [] if self._thinking else [StreamEvent(StreamEventType.REASONING_START)]
        self._thinking = True
        return [*events, StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece)]

    def _added(self, data: dict[str, Any]) -> list[StreamEvent]:
        item = data["item"]
        if item["type"] != "function_call":
            return []
        call = (item.get("call_id") or item["id"], item["name"])
        self._calls[data["output_index"]] = call
        return [StreamEvent(StreamEventType.TOOL_CALL_START, tool_call=ToolCall(*call))]

    def _done(self, data: dict[str, Any]) -> list[StreamEvent]:
        item = data["item"]
        if item["type"] == "message":
            return self.close(thinking=False)
        if item["type"] == "reasoning":
            return self._stop_thinking()
        if item["type"] == "function_call":
            events = [] if data.get("output_index") in self._calls else self._added(data)
            call = tool_call(item.get("call_id") or item["id"], item["name"], item["arguments"])
            return [*events, StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=call)]
        return [StreamEvent(StreamEventType.PROVIDER_EVENT, raw=data)]

    def _stop_thinking(self) -> list[StreamEvent]:
        events = [StreamEvent(StreamEventType.REASONING_END)] if self._thinking else []
        self._thinking = False
        return events

    def close(self, *, thinking: bool = True) -> list[StreamEvent]:
        """End the segments still open."""
        ends = [StreamEvent(StreamEventType.TEXT_END, text_id=id_) for id_ in sorted(self._texts)]
        self._texts.clear()
        return [*ends, *(self._stop_thinking() if thinking else [])]
