"""Anthropic's Messages API.

Prompt caching: unless ``provider_options["anthropic"]["auto_cache"]`` is false, breakpoints are
set on the last tool, on the last system block and on the last block of the last user message:
everything that stays the same from turn to turn is read from the cache, and the history before
the newest message is found again within the API's lookback.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import ModuleType
from typing import Any

from factory_tui.llm.adapters.anthropic_segments import Segments
from factory_tui.llm.adapters.base import (
    deep_merge,
    rate_limit,
)
from factory_tui.llm.adapters.sdk import SdkAdapter
from factory_tui.llm.assemble import Assembly, read_usage
from factory_tui.llm.catalog import forced_tool_choice
from factory_tui.llm.errors import (
    InvalidReply,
    SDKError,
    UnsupportedToolChoiceError,
    error_from_status_code,
)
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import Request, Response, ToolChoice, Usage, Warning  # noqa: A004
from factory_tui.llm.wire import ANTHROPIC, to_wire

__all__ = ["AnthropicAdapter"]

DEFAULT_MAX_TOKENS = 4096
_LONGEST_UNSTREAMED = 16_000
"""Longer answers are streamed even for ``complete``: connections do not stay idle for so long."""
_NO_SAMPLING_SINCE = "2026-10-21"
_CACHING_BETA = "prompt-caching-2024-07-31"
_OWN_OPTIONS = ("beta_headers", "auto_cache")
_COUNTED = (
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "output_config",
    "thinking",
)
"""Parts of a request that its tokens are counted from."""
_COUNT_S = 15.0
_MARK = {"type": "ephemeral"}


class AnthropicAdapter(SdkAdapter):
    """Speaks the Messages API through Anthropic's SDK."""

    name = ANTHROPIC
    key_variable = "ANTHROPIC_API_KEY"
    url_variable = "ANTHROPIC_BASE_URL"
    default_url = "https://api.anthropic.com"
    module = "anthropic"

    def _make(self, module: ModuleType, http: Any) -> Any:
        return module.AsyncAnthropic(
            api_key=self._key,
            base_url=self._base_url,
            default_headers=self._headers,
            max_retries=0,
            open_telemetry=False,
            http_client=http,
        )

    def supports_tool_choice(self, mode: str, model: str | None = None) -> bool:
        """Whether a mode works; newest models cannot be forced to use a tool."""
        if mode in ("required", "named"):
            return model is None or forced_tool_choice(model)
        return mode in ("auto", "none")

    @property
    def _takes_sampling(self) -> bool:
        """Whether the API version in use still knows sampling parameters."""
        headers = {name.lower(): value for name, value in self._headers.items()}
        return headers.get("anthropic-version", _NO_SAMPLING_SINCE) < _NO_SAMPLING_SINCE

    # requests

    def body(self, request: Request) -> tuple[dict[str, Any], dict[str, str], list[Warning]]:
        """(body, headers, warnings) of a request.

        Raises:
            UnsupportedToolChoiceError: The model cannot be forced to use a tool.
        """
        options = request.options_for(self.name)
        warnings: list[Warning] = []
        system, messages = to_wire(request.messages)
        if request.system:
            system.insert(0, {"type": "text", "text": request.system})
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": messages,
        }
        if system:
            body["system"] = system
        self._add_tools(body, request)
        for name in ("temperature", "top_p"):
            value = getattr(request, name)
            if value is not None and self._takes_sampling:
                body[name] = value
            elif value is not None:
                warnings.append(
                    Warning(f"{request.model} takes no {name}; it was left out", "unsupported")
                )
        if request.stop_sequences:
            body["stop_sequences"] = list(request.stop_sequences)
        if request.metadata and "user_id" in request.metadata:
            body["metadata"] = {"user_id": request.metadata["user_id"]}
        output: dict[str, Any] = {}
        shape = request.response_format
        if (schema := request.output_schema) is not None:
            output["format"] = {"type": "json_schema", "schema": schema}
        elif shape is not None and shape.type == "json":
            hint = {"type": "text", "text": "Answer with one JSON value and nothing else."}
            body["system"] = [*body.get("system", []), hint]
        if request.reasoning_effort:
            output["effort"] = request.reasoning_effort
        if output:
            body["output_config"] = output
        if options.get("auto_cache", True):
            _set_breakpoints(body)
        more = {key: value for key, value in options.items() if key not in _OWN_OPTIONS}
        body = deep_merge(body, more)
        betas = list(options.get("beta_headers") or ())
        if '"cache_control"' in json.dumps(body) and _CACHING_BETA not in betas:
            betas.append(_CACHING_BETA)
        return body, {"anthropic-beta": ",".join(betas)} if betas else {}, warnings

    def _add_tools(self, body: dict[str, Any], request: Request) -> None:
        choice = ToolChoice.of(request.tool_choice)
        if not request.tools:
            return
        tools = [tool.wire() for tool in request.tools]
        if choice is None or choice.mode == "auto":
            body["tools"] = tools
            if choice is not None:
                body["tool_choice"] = {"type": "auto"}
        elif choice.mode == "none":
            # Without tools the API refuses a history that has used some.
            if '"tool_use"' in json.dumps(body["messages"]):
                body |= {"tools": tools, "tool_choice": {"type": "none"}}
        elif not self.supports_tool_choice(choice.mode, request.model):
            raise UnsupportedToolChoiceError(
                f"{request.model} cannot be forced to use a tool", provider=self.name
            )
        elif choice.mode == "required":
            body |= {"tools": tools, "tool_choice": {"type": "any"}}
        else:
            body |= {"tools": tools, "tool_choice": {"type": "tool", "name": choice.tool_name}}

    # answers

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        body, headers, warnings = self.body(request)
        if body["max_tokens"] > _LONGEST_UNSTREAMED:
            return await self._complete_streamed(request)
        reply = await self._post("/v1/messages", body, headers)
        try:
            raw = reply.json()
        except ValueError as error:
            raise self._translate(error) from error
        return self._parse(raw, reply.headers, warnings)

    async def _complete_streamed(self, request: Request) -> Response:
        async with aclosing(self.stream(request)) as events:
            async for event in events:
                if event.type == StreamEventType.FINISH and event.response is not None:
                    return event.response
        raise InvalidReply("the stream ended without an answer", provider=self.name)

    def _parse(self, raw: Any, headers: Any, warnings: list[Warning]) -> Response:
        try:
            content = [dict(block) for block in raw["content"]]
            stop = str(raw["stop_reason"])
            return self._response(
                str(raw["id"]),
                str(raw["model"]),
                content,
                stop,
                raw["usage"],
                headers,
                warnings,
                raw,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidReply(
                f"{self.name} sent no message: {error!r}", provider=self.name, cause=error
            ) from error

    def _response(
        self,
        id_: str,
        model: str,
        content: list[dict[str, Any]],
        stop: str,
        wire_usage: Any,
        headers: Any,
        warnings: list[Warning],
        raw: dict[str, Any] | None,
        incomplete_tool: str = "",
    ) -> Response:
        return Response(
            id_,
            model,
            content,
            stop,
            _usage(wire_usage, content),
            incomplete_tool=incomplete_tool,
            provider=self.name,
            raw=raw,
            warnings=warnings,
            rate_limit=rate_limit(headers),
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        body, headers, warnings = self.body(request)
        await self._connection.sdk()
        from anthropic import AsyncStream

        stream = await self._open("/v1/messages", body, AsyncStream[object], headers)
        assembly, segments = Assembly(), Segments()
        try:
            async for sse in self._events(AsyncStream.raw_events(stream.response)):
                try:
                    data = json.loads(sse.data) if sse.data and sse.event != "ping" else None
                except ValueError as error:
                    raise self._translate(error, streaming=True) from error
                if not isinstance(data, dict):
                    continue
                if data.get("type") == "error":
                    raise _from_event(data)
                assembly.add(data)
                for event in segments.translate(data, warnings):
                    yield event
            content = assembly.finish()
            response = self._response(
                assembly.id,
                assembly.model or request.model,
                content,
                assembly.stop_reason or "",
                assembly.wire_usage,
                stream.response.headers,
                warnings,
                {
                    "id": assembly.id,
                    "model": assembly.model,
                    "content": content,
                    "stop_reason": assembly.stop_reason,
                    "usage": assembly.wire_usage,
                },
                assembly.incomplete_tool,
            )
            yield StreamEvent.finish(response)
        finally:
            await stream.close()

    async def count_tokens(self, request: Request) -> int:
        """Ask the server how many tokens a request's prompt has."""
        body, headers, _ = self.body(request)
        counted = {name: body[name] for name in _COUNTED if name in body}
        reply = await self._post("/v1/messages/count_tokens", counted, headers, timeout=_COUNT_S)
        return int(reply.json()["input_tokens"])

    async def list_models(self) -> list[dict[str, Any]]:
        """The provider's own listing of its models, as it comes."""
        return list((await self._get("/v1/models", limit=1000))["data"])


def _from_event(data: Mapping[str, Any]) -> SDKError:
    told = data.get("error")
    told = told if isinstance(told, Mapping) else {"message": str(told)}
    return error_from_status_code(
        None,
        str(told.get("message") or "error in mid-answer"),
        ANTHROPIC,
        error_code=str(told.get("type") or "") or None,
        raw=dict(data),
    )


def _usage(wire: Any, content: list[dict[str, Any]]) -> Usage:
    """Usage from its wire names; reasoning is estimated where the server does not count it."""
    wire = wire if isinstance(wire, Mapping) else {}
    usage = read_usage(wire) or Usage(
        int(wire.get("input_tokens") or 0), int(wire.get("output_tokens") or 0), estimated=True
    )
    thought = sum(len(b.get("thinking") or "") for b in content if b.get("type") == "thinking")
    known = isinstance(wire.get("output_tokens_details"), Mapping)
    reasoning: int | None = usage.reasoning_tokens
    if not known:
        reasoning = min(-(-thought // 4), usage.output_tokens) if thought else None
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens if "cache_read_input_tokens" in wire else None,
        usage.cache_write_tokens if "cache_creation_input_tokens" in wire else None,
        reasoning,
        usage.estimated,
        usage.cache_write_1h_tokens,
        usage.geo,
        raw=dict(wire),
    )


def _set_breakpoints(body: dict[str, Any]) -> None:
    """Mark what stays the same; what is marked is copied, never changed in place."""
    for name in ("tools", "system"):
        if body.get(name):
            body[name] = [*body[name][:-1], {**body[name][-1], "cache_control": _MARK}]
    messages = body["messages"]
    for index in range(len(messages) - 1, -1, -1):
        content = messages[index]["content"]
        if messages[index]["role"] != "user" or not content:
            continue
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        marked = [*blocks[:-1], {**blocks[-1], "cache_control": _MARK}]
        body["messages"] = [
            *messages[:index],
            {**messages[index], "content": marked},
            *messages[index + 1 :],
        ]
        return
