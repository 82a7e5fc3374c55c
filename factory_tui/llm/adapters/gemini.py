"""Google's Gemini API.

Calls have no ids there (newer models give some): where one is missing it is made up, and results
find their function's name through the history.
"""

import base64
import os
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
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
)
from factory_tui.llm.errors import (
    ConfigurationError,
    ContentFilterError,
    InvalidReply,
    RequestTimeoutError,
    SDKError,
    StreamCut,
    error_from_status_code,
    retry_after_seconds,
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
from factory_tui.llm.wire import from_wire

__all__ = ["GeminiAdapter"]

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
}


class GeminiAdapter:
    """Speaks the Gemini API through Google's SDK (extra ``gemini``).

    Args:
        api_key: The key; without it ``GEMINI_API_KEY``, then ``GOOGLE_API_KEY``.
        base_url: The server; without it ``GEMINI_BASE_URL``, then Google's.
        default_headers: Sent with every request.
        timeout: Seconds for a whole request, or all timeouts.
    """

    name = "gemini"

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: AdapterTimeout | float | None = None,
    ) -> None:
        env = os.environ.get
        self._key = api_key or env("GEMINI_API_KEY") or env("GOOGLE_API_KEY") or ""
        self._base_url = base_url or env("GEMINI_BASE_URL") or DEFAULT_BASE_URL
        self._headers = dict(default_headers or {})
        self.timeout = AdapterTimeout.of(timeout)
        self._connection = Connection(
            provider=self.name,
            module="google.genai",
            extra="gemini",
            base_url=self._base_url,
            timeout=self.timeout,
            make=self._make,
        )

    def _make(self, module: ModuleType, http: Any) -> Any:
        return module.Client(
            vertexai=False,
            api_key=self._key or "none",
            http_options={
                "base_url": self._base_url,
                "api_version": "v1beta",
                "headers": self._headers,
                # Its own transports retry by themselves; ours does not.
                "httpx_async_client": http,
                "retry_options": {"attempts": 1},
            },
        )

    def initialize(self) -> None:
        """Check the configuration.

        Raises:
            ConfigurationError: There is no key.
        """
        if not self._key:
            raise ConfigurationError("No key: set GEMINI_API_KEY.", provider=self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    def supports_tool_choice(self, mode: str) -> bool:
        """Whether a mode works."""
        return mode in ("auto", "none", "required", "named")

    # requests

    def body(self, request: Request) -> dict[str, Any]:
        """The body of a request, contents included."""
        system, contents = _contents(request)
        body: dict[str, Any] = {"contents": contents}
        if system:
            body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
        if request.tools:
            body["tools"] = [
                {
                    "functionDeclarations": [
                        {
                            "name": tool.name,
                            "description": tool.description,
                            **_schema("parameters", tool.parameters),
                        }
                        for tool in request.tools
                    ]
                }
            ]
            choice = ToolChoice.of(request.tool_choice)
            if choice is not None:
                mode = {"auto": "AUTO", "none": "NONE"}.get(choice.mode, "ANY")
                config: dict[str, Any] = {"mode": mode}
                if choice.tool_name:
                    config["allowedFunctionNames"] = [choice.tool_name]
                body["toolConfig"] = {"functionCallingConfig": config}
        generation: dict[str, Any] = {}
        for ours, theirs in (
            ("temperature", "temperature"),
            ("top_p", "topP"),
            ("max_tokens", "maxOutputTokens"),
        ):
            if getattr(request, ours) is not None:
                generation[theirs] = getattr(request, ours)
        if request.stop_sequences:
            generation["stopSequences"] = list(request.stop_sequences)
        shape = request.response_format
        if (schema := request.output_schema) is not None:
            generation |= {
                "responseMimeType": "application/json",
                **_schema("responseSchema", schema),
            }
        elif shape is not None and shape.type == "json":
            generation["responseMimeType"] = "application/json"
        if request.reasoning_effort:
            generation["thinkingConfig"] = {"thinkingLevel": request.reasoning_effort}
        options = request.options_for(self.name)
        if "thinkingConfig" in options:  # where the specification's users put it
            generation = deep_merge(generation, {"thinkingConfig": options.pop("thinkingConfig")})
        if generation:
            body["generationConfig"] = generation
        if "tools" in options:  # grounding and the like come on top of ours
            options["tools"] = [*body.get("tools", []), *options["tools"]]
        return deep_merge(body, options)

    def _call(self, request: Request) -> dict[str, Any]:
        """Arguments for the SDK: what it does not model (or models otherwise) goes in as is."""
        body = self.body(request)
        return {
            "model": request.model,
            "contents": [{"role": "user", "parts": [{"text": " "}]}],  # the body's own replace it
            "config": {
                "http_options": {
                    "extra_body": body,
                    "timeout": round(self.timeout.request * 1000),
                },
                "automatic_function_calling": {"disable": True},
            },
        }

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        call = self._call(request)
        try:
            sdk = await self._connection.sdk()
            reply = await within(
                self.timeout.request, self.name, sdk.aio.models.generate_content(**call)
            )
            return self._parse([_plain(reply)], _headers(reply), request.model)
        except SDKError:
            raise
        except Exception as error:
            raise _translate(error) from error

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        call = self._call(request)
        try:
            sdk = await self._connection.sdk()
            chunks = await within(
                self.timeout.request, self.name, sdk.aio.models.generate_content_stream(**call)
            )
        except Exception as error:
            raise _translate(error) from error
        seen: list[dict[str, Any]] = []
        segments = _Segments()
        headers: Any = {}
        try:
            while True:
                try:
                    chunk = await within(self.timeout.stream_read, self.name, anext(chunks))
                    plain = _plain(chunk)
                except StopAsyncIteration:
                    break
                except RequestTimeoutError:
                    raise
                except Exception as error:
                    raise _translate(error, streaming=bool(seen)) from error
                headers = _headers(chunk) or headers
                _name_calls(plain)
                seen.append(plain)
                for event in segments.translate(plain):
                    yield event
        finally:
            await chunks.aclose()
        for event in segments.close():
            yield event
        if not segments.finished:
            raise StreamCut("The answer ended before it was complete.", provider=self.name)
        response = self._parse(seen, headers, request.model)
        yield StreamEvent(
            StreamEventType.FINISH,
            finish_reason=response.finish_reason,
            usage=response.usage,
            response=response,
        )

    async def list_models(self) -> list[dict[str, Any]]:
        """The provider's own listing of its models, as it comes."""
        try:
            sdk = await self._connection.sdk()
            return [_plain(model) async for model in await sdk.aio.models.list()]
        except Exception as error:
            raise _translate(error) from error

    # answers

    def _parse(self, chunks: Sequence[dict[str, Any]], headers: Any, model: str) -> Response:
        """The answer that one or many chunks add up to."""
        raw = dict(chunks[-1]) if chunks else {}
        for chunk in chunks:
            blocked = (chunk.get("promptFeedback") or {}).get("blockReason")
            if blocked and not chunk.get("candidates"):
                raise ContentFilterError(
                    f"the prompt was blocked: {blocked}",
                    provider=self.name,
                    error_code=str(blocked),
                    raw=chunk,
                )
            _name_calls(chunk)
        wire = _joined([part for chunk in chunks for part in _wire_parts(chunk)])
        parts = [_part(part) for part in wire]
        finish = next((f for chunk in reversed(chunks) if (f := _finish_of(chunk))), None)
        if finish is None:
            raise InvalidReply(f"{self.name} sent no candidate", provider=self.name, raw=raw)
        if len(chunks) > 1:
            raw["candidates"] = [
                {"content": {"role": "model", "parts": wire}, "finishReason": finish}
            ]
        calls = any(part.tool_call is not None for part in parts)
        reason = _REASONS.get(finish, "other")
        usage = next((u for c in reversed(chunks) if (u := c.get("usageMetadata"))), None)
        return Response(
            id=str(raw.get("responseId") or f"gemini_{uuid.uuid4().hex}"),
            model=str(raw.get("modelVersion") or model),
            provider=self.name,
            message=Message(Role.ASSISTANT, parts),
            finish_reason=FinishReason(
                "tool_calls" if calls and reason == "stop" else reason, finish
            ),
            usage=_usage(usage),
            raw=raw,
            rate_limit=rate_limit(headers),
        )


_JSON_SCHEMA_FIELD = {
    "parameters": "parametersJsonSchema",
    "responseSchema": "responseJsonSchema",
}
_PLAIN_WORDS = frozenset(
    {"type", "format", "title", "description", "nullable", "default", "enum", "properties"}
    | {"required", "items", "minItems", "maxItems", "minimum", "maximum", "minLength"}
    | {"maxLength", "minProperties", "maxProperties", "pattern", "anyOf"}
)


def _schema(field: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema in the API's own dialect where that can say it, else as JSON Schema."""
    plain = _in_dialect(schema)
    return {field: plain} if plain is not None else {_JSON_SCHEMA_FIELD[field]: dict(schema)}


def _in_dialect(schema: Any) -> dict[str, Any] | None:
    """A schema without words the API's dialect lacks; ``None`` if one of them matters."""
    if not isinstance(schema, Mapping) or isinstance(schema.get("type"), list):
        return None
    plain: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "additionalProperties" and value is False:
            continue  # we check arguments and answers ourselves
        if word not in _PLAIN_WORDS:
            return None
        if word == "properties":
            inner = {name: _in_dialect(one) for name, one in value.items()}
            if None in inner.values():
                return None
            value = inner
        elif word == "items" and (value := _in_dialect(value)) is None:
            return None
        elif word == "anyOf":
            value = [_in_dialect(one) for one in value]
            if None in value:
                return None
        plain[word] = value
    return plain


def _translate(error: Exception, *, streaming: bool = False) -> SDKError:
    status, told = getattr(error, "code", None), getattr(error, "details", None)
    if not isinstance(status, int) or isinstance(error, SDKError):
        return translate(error, "gemini", streaming=streaming)
    inner = told.get("error", told) if isinstance(told, Mapping) else {}
    headers = getattr(getattr(error, "response", None), "headers", None)
    return error_from_status_code(
        status,
        str(getattr(error, "message", None) or error),
        "gemini",
        error_code=str(getattr(error, "status", None) or "") or None,
        raw=dict(told) if isinstance(told, Mapping) else None,
        retry_after=_wanted_wait(inner) or retry_after_seconds(headers),
        grpc_status=str(getattr(error, "status", None) or "") or None,
        cause=error,
    )


def _wanted_wait(told: Any) -> float | None:
    """Seconds from the error's ``RetryInfo``."""
    for detail in (told.get("details") if isinstance(told, Mapping) else None) or []:
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                return float(delay[:-1])
            except ValueError:
                return None
    return None


def _plain(reply: Any) -> dict[str, Any]:
    """An SDK object as the JSON it came from."""
    plain: dict[str, Any] = reply.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"}
    )
    return plain


def _headers(reply: Any) -> Any:
    return getattr(getattr(reply, "sdk_http_response", None), "headers", None)


def _wire_parts(chunk: Mapping[str, Any]) -> list[dict[str, Any]]:
    candidates = chunk.get("candidates") or [{}]
    return list((candidates[0].get("content") or {}).get("parts") or [])


def _finish_of(chunk: Mapping[str, Any]) -> str | None:
    finish: str | None = (chunk.get("candidates") or [{}])[0].get("finishReason")
    return finish


def _name_calls(chunk: Mapping[str, Any]) -> None:
    """Give an id to every call that has none."""
    for part in _wire_parts(chunk):
        call = part.get("functionCall")
        if call is not None and not call.get("id"):
            call["id"] = f"{_MADE_UP}{uuid.uuid4().hex}"


_MADE_UP = "call_"


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _part(wire: Mapping[str, Any]) -> ContentPart:
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


def _usage(wire: Any) -> Usage:
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


def _contents(request: Request) -> tuple[list[str], list[dict[str, Any]]]:
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
    if part.native is not None and part.native_provider == "gemini" and _part(part.native) == part:
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


class _Segments:
    """Chunks to stream events; a part of another kind ends the segment before it."""

    def __init__(self, warnings: Sequence[Warning] = ()) -> None:
        self._warnings = warnings
        self._started = False
        self._open = ""
        self._count = 0
        self.finished = False

    def translate(self, chunk: dict[str, Any]) -> list[StreamEvent]:
        """The events one chunk stands for."""
        events: list[StreamEvent] = []
        if not self._started:
            self._started = True
            start = StreamEvent(StreamEventType.STREAM_START, warnings=self._warnings, raw=chunk)
            events.append(start)
        for part in _wire_parts(chunk):
            if "functionCall" in part:
                call = part["functionCall"]
                whole = tool_call(call["id"], call["name"], call.get("args") or {})
                events += [
                    *self.close(),
                    StreamEvent(
                        StreamEventType.TOOL_CALL_START,
                        tool_call=ToolCall(call["id"], call["name"]),
                    ),
                    StreamEvent(StreamEventType.TOOL_CALL_END, tool_call=whole),
                ]
            elif part.get("thought"):
                events += self._switch("thinking")
                piece = part.get("text") or ""
                events.append(StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece))
            elif part.get("text"):
                events += self._switch("text")
                text_id = f"text_{self._count}"
                delta = StreamEvent(StreamEventType.TEXT_DELTA, delta=part["text"], text_id=text_id)
                events.append(delta)
            elif "text" not in part:
                events.append(StreamEvent(StreamEventType.PROVIDER_EVENT, raw=part))
        if _finish_of(chunk) or (chunk.get("promptFeedback") or {}).get("blockReason"):
            self.finished = True
            events += self.close()
        return events

    def _switch(self, kind: str) -> list[StreamEvent]:
        if self._open == kind:
            return []
        events = self.close()
        self._open = kind
        if kind == "thinking":
            return [*events, StreamEvent(StreamEventType.REASONING_START)]
        self._count += 1
        return [*events, StreamEvent(StreamEventType.TEXT_START, text_id=f"text_{self._count}")]

    def close(self) -> list[StreamEvent]:
        """End the segment still open."""
        was, self._open = self._open, ""
        if was == "text":
            return [StreamEvent(StreamEventType.TEXT_END, text_id=f"text_{self._count}")]
        return [StreamEvent(StreamEventType.REASONING_END)] if was == "thinking" else []
