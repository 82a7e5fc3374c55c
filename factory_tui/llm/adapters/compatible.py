"""Chat Completions, for the many servers that imitate it (vLLM, Ollama, Groq, …).

They know no reasoning items, no built-in tools and no encrypted state; for OpenAI itself, use
``OpenAIAdapter``.
"""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from factory_tui.llm.adapters.base import (
    AdapterTimeout,
    deep_merge,
    given,
    rate_limit,
)
from factory_tui.llm.adapters.compatible_chunks import Chunks
from factory_tui.llm.adapters.openai import OpenAISdkAdapter
from factory_tui.llm.content import ContentKind, ContentPart, Message, Role, ToolCallData
from factory_tui.llm.errors import (
    ConfigurationError,
    InvalidReply,
    StreamCut,
)
from factory_tui.llm.media import media
from factory_tui.llm.streaming import StreamEvent
from factory_tui.llm.types import (
    FinishReason,
    Request,
    Response,
    ToolChoice,
    Usage,
    tool_call,
)
from factory_tui.llm.wire import from_wire, result_text

__all__ = ["OpenAICompatibleAdapter"]

_REASONS = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class OpenAICompatibleAdapter(OpenAISdkAdapter):
    """Speaks Chat Completions to a server of one's choice (extra ``openai``).

    Args:
        api_key: The key, if the server wants one.
        base_url: The server, with ``/v1``; without it ``OPENAI_BASE_URL``.
        default_headers: Sent with every request.
        timeout: Seconds for a whole request, or all timeouts.
        name: The provider's name for routing.

    Raises:
        ConfigurationError: No server is given.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: AdapterTimeout | float | None = None,
        *,
        name: str = "openai_compatible",
    ) -> None:
        self.name = name
        super().__init__(api_key, base_url, default_headers, timeout)
        if not self._base_url:
            raise ConfigurationError("OpenAICompatibleAdapter needs a base_url.", provider=name)

    def body(self, request: Request) -> dict[str, Any]:
        """The body of a request."""
        messages = [{"role": "system", "content": request.system}] if request.system else []
        for said in request.messages:
            messages += _messages(said if isinstance(said, Message) else from_wire(said))
        body: dict[str, Any] = {"model": request.model, "messages": messages}
        if request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
            choice = ToolChoice.of(request.tool_choice)
            if choice is not None:
                named = {"type": "function", "function": {"name": choice.tool_name}}
                body["tool_choice"] = named if choice.mode == "named" else choice.mode
        body |= given(
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            reasoning_effort=request.reasoning_effort,
        )
        if request.stop_sequences:
            body["stop"] = list(request.stop_sequences)
        shape = request.response_format
        if (schema := request.output_schema) is not None:
            strict = shape.strict if shape is not None else True
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "output", "schema": schema, "strict": strict},
            }
        elif shape is not None and shape.type == "json":
            body["response_format"] = {"type": "json_object"}
        return deep_merge(body, request.options_for(self.name))

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        reply = await self._post("/chat/completions", self.body(request))
        try:
            raw = reply.json()
            choice = raw["choices"][0]
            return self._response(raw, choice["message"], choice, reply.headers)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise InvalidReply(
                f"{self.name} sent no completion: {error!r}", provider=self.name, cause=error
            ) from error
        except ValueError as error:
            raise self._translate(error) from error

    def _response(
        self, raw: dict[str, Any], said: Mapping[str, Any], choice: Mapping[str, Any], headers: Any
    ) -> Response:
        parts = []
        if text := said.get("content") or said.get("refusal"):
            parts.append(ContentPart(ContentKind.TEXT, text=text))
        for call in said.get("tool_calls") or []:
            made = tool_call(call["id"], call["function"]["name"], call["function"]["arguments"])
            whole = made.arguments or (made.raw_arguments or "").strip() in ("", "{}")
            data = ToolCallData(
                made.id, made.name, made.arguments if whole else made.raw_arguments or ""
            )
            parts.append(ContentPart(ContentKind.TOOL_CALL, tool_call=data))
        native = choice.get("finish_reason")
        return Response(
            id=str(raw.get("id") or ""),
            model=str(raw.get("model") or ""),
            provider=self.name,
            message=Message(Role.ASSISTANT, parts),
            finish_reason=FinishReason(_REASONS.get(str(native), "other"), native),
            usage=_usage(raw.get("usage")),
            raw=raw,
            rate_limit=rate_limit(headers),
        )

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        body = self.body(request) | {"stream_options": {"include_usage": True}}
        await self._connection.sdk()
        from openai import AsyncStream

        stream = await self._open("/chat/completions", body, AsyncStream[object])
        chunks = Chunks()
        try:
            async for data in self._events(aiter(stream)):
                if isinstance(data, dict):
                    for event in chunks.translate(data):
                        yield event
            if chunks.finish is None:
                raise StreamCut("The answer ended before it was complete.", provider=self.name)
            for event in chunks.close():
                yield event
            response = self._response(
                chunks.raw,
                chunks.message(),
                {"finish_reason": chunks.finish},
                stream.response.headers,
            )
            yield StreamEvent.finish(response)
        finally:
            await stream.close()


def _usage(wire: Any) -> Usage:
    if not isinstance(wire, Mapping):
        return Usage(0, 0, estimated=True)
    read = (wire.get("prompt_tokens_details") or {}).get("cached_tokens")
    return Usage(
        int(wire.get("prompt_tokens") or 0),
        int(wire.get("completion_tokens") or 0),
        cache_read_tokens=read,
        raw=dict(wire),
        cache_in_input=True,
    )


def _messages(message: Message) -> list[dict[str, Any]]:
    results = [part.tool_result for part in message.content if part.tool_result is not None]
    wire: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": r.tool_call_id, "content": result_text(r.content)}
        for r in results
    ]
    content = [block for part in message.content if (block := _content(part)) is not None]
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {
                "name": call.name,
                "arguments": call.arguments
                if isinstance(call.arguments, str)
                else json.dumps(call.arguments),
            },
        }
        for call in message.tool_calls
    ]
    if content or calls:
        plain = all(block["type"] == "text" for block in content)
        said: Any = "".join(block["text"] for block in content) if plain else content
        role = "user" if message.role == Role.TOOL else str(message.role)
        one: dict[str, Any] = {"role": role, "content": said or None}
        wire.append(one | ({"tool_calls": calls} if calls else {}))
    return wire


def _content(part: ContentPart) -> dict[str, Any] | None:
    if part.kind == ContentKind.TEXT:
        return {"type": "text", "text": part.text or ""}
    if part.image is not None:
        how, value, kind = media(part.image)
        url = value if how == "url" else f"data:{kind};base64,{value}"
        detail = {"detail": part.image.detail} if part.image.detail else {}
        return {"type": "image_url", "image_url": {"url": url} | detail}
    if part.audio is not None or part.document is not None:
        raise ConfigurationError(f"Chat Completions takes no {part.kind} here.")
    return None
