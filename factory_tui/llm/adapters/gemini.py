"""Google's Gemini API.

Calls have no ids there (newer models give some): where one is missing it is made up, and results
find their function's name through the history.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from types import ModuleType
from typing import Any

from factory_tui.llm.adapters.base import (
    deep_merge,
    given,
    rate_limit,
    translate,
    within,
)
from factory_tui.llm.adapters.gemini_parts import (
    contents_of,
    finish_of,
    joined,
    name_calls,
    part_of,
    usage_of,
    wire_parts,
)
from factory_tui.llm.adapters.gemini_schema import schema_field
from factory_tui.llm.adapters.gemini_segments import Segments
from factory_tui.llm.adapters.sdk import SdkAdapter
from factory_tui.llm.content import (
    Message,
    Role,
)
from factory_tui.llm.errors import (
    ContentFilterError,
    InvalidReply,
    SDKError,
    StreamCut,
    error_from_status_code,
    retry_after_seconds,
)
from factory_tui.llm.streaming import StreamEvent
from factory_tui.llm.types import (
    FinishReason,
    Request,
    Response,
    ToolChoice,
)

__all__ = ["GeminiAdapter"]

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


class GeminiAdapter(SdkAdapter):
    """Speaks the Gemini API through Google's SDK (extra ``gemini``)."""

    name = "gemini"
    key_variable = "GEMINI_API_KEY"
    other_key_variable = "GOOGLE_API_KEY"
    url_variable = "GEMINI_BASE_URL"
    default_url = "https://generativelanguage.googleapis.com"
    module = "google.genai"
    extra = "gemini"

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

    # requests

    def body(self, request: Request) -> dict[str, Any]:
        """The body of a request, contents included."""
        system, contents = contents_of(request)
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
                            **schema_field("parameters", tool.parameters),
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
        generation: dict[str, Any] = given(
            temperature=request.temperature,
            topP=request.top_p,
            maxOutputTokens=request.max_tokens,
        )
        if request.stop_sequences:
            generation["stopSequences"] = list(request.stop_sequences)
        shape = request.response_format
        if (schema := request.output_schema) is not None:
            generation |= {
                "responseMimeType": "application/json",
                **schema_field("responseSchema", schema),
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
            raise self._translate(error) from error

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        call = self._call(request)
        try:
            sdk = await self._connection.sdk()
            chunks = await within(
                self.timeout.request, self.name, sdk.aio.models.generate_content_stream(**call)
            )
        except Exception as error:
            raise self._translate(error) from error
        seen: list[dict[str, Any]] = []
        segments = Segments()
        headers: Any = {}
        try:
            async for chunk in self._events(chunks, open=False):
                headers = _headers(chunk) or headers
                plain = _plain(chunk)
                name_calls(plain)
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
        yield StreamEvent.finish(response)

    async def list_models(self) -> list[dict[str, Any]]:
        """The provider's own listing of its models, as it comes."""
        try:
            sdk = await self._connection.sdk()
            async with asyncio.timeout(self.timeout.request):
                return [_plain(model) async for model in await sdk.aio.models.list()]
        except Exception as error:
            raise self._translate(error) from error

    def _translate(self, error: Exception, *, streaming: bool = False) -> SDKError:
        return _translate(error, streaming=streaming)

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
            name_calls(chunk)
        wire = joined([part for chunk in chunks for part in wire_parts(chunk)])
        parts = [part_of(part) for part in wire]
        finish = next((f for chunk in reversed(chunks) if (f := finish_of(chunk))), None)
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
            usage=usage_of(usage),
            raw=raw,
            rate_limit=rate_limit(headers),
        )


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
