"""OpenAI's Responses API.

Calls are stateless: nothing is stored at OpenAI, and a reasoning model's reasoning goes back
encrypted, as the items it came in.
"""

import os
import re
from collections.abc import AsyncGenerator, Mapping
from types import ModuleType
from typing import Any

from factory_tui.llm.adapters.base import (
    AdapterTimeout,
    deep_merge,
    rate_limit,
)
from factory_tui.llm.adapters.openai_items import (
    finish_reason,
    input_items,
    output_parts,
    text_format,
    usage_of,
)
from factory_tui.llm.adapters.openai_segments import Segments
from factory_tui.llm.adapters.sdk import SdkAdapter
from factory_tui.llm.content import (
    Message,
    Role,
)
from factory_tui.llm.errors import (
    InvalidReply,
    SDKError,
    StreamCut,
    error_from_status_code,
)
from factory_tui.llm.streaming import StreamEvent
from factory_tui.llm.types import (
    Request,
    Response,
    ToolChoice,
    Warning,  # noqa: A004
)

__all__ = ["OpenAIAdapter", "OpenAISdkAdapter"]

_REASONS_ITSELF = re.compile(r"(gpt-[5-9]|o[1-9])(?!.*chat)")


class OpenAISdkAdapter(SdkAdapter):
    """What the adapters share that speak through OpenAI's SDK."""

    url_variable = "OPENAI_BASE_URL"
    module = "openai"
    extra = "openai"
    organization: str | None = None
    project: str | None = None

    def _make(self, module: ModuleType, http: Any) -> Any:
        return module.AsyncOpenAI(
            api_key=self._key or "none",  # the SDK wants one; servers of one's own need none
            base_url=self._base_url,
            organization=self.organization,
            project=self.project,
            default_headers=self._headers,
            max_retries=0,
            http_client=http,
        )


class OpenAIAdapter(OpenAISdkAdapter):
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
    key_variable = "OPENAI_API_KEY"
    default_url = "https://api.openai.com/v1"

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
        super().__init__(api_key, base_url, default_headers, timeout)
        self.organization = organization or os.environ.get("OPENAI_ORG_ID")
        self.project = project or os.environ.get("OPENAI_PROJECT_ID")

    # requests

    def body(self, request: Request) -> tuple[dict[str, Any], list[Warning]]:
        """(body, warnings) of a request."""
        warnings: list[Warning] = []
        instructions, items = input_items(request)
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
        if (shape := text_format(request)) is not None:
            body["text"] = {"format": shape}
        options = request.options_for(self.name)
        if "tools" in options:  # built-in tools come on top of ours
            options["tools"] = [*body.get("tools", []), *options["tools"]]
        return deep_merge(body, options), warnings

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        body, warnings = self.body(request)
        reply = await self._post("/responses", body)
        try:
            raw = reply.json()
        except ValueError as error:
            raise self._translate(error) from error
        return self._parse(raw, reply.headers, warnings)

    async def stream(self, request: Request) -> AsyncGenerator[StreamEvent, None]:
        """See ``ProviderAdapter``."""
        body, warnings = self.body(request)
        await self._connection.sdk()
        from openai import AsyncStream

        stream = await self._open("/responses", body, AsyncStream[object])
        segments = Segments(warnings)
        try:
            async for data in self._events(aiter(stream)):
                if not isinstance(data, dict):
                    continue
                kind = data.get("type")
                if kind == "error":
                    raise _failed(data, data)
                if kind in ("response.completed", "response.incomplete", "response.failed"):
                    for event in segments.close():
                        yield event
                    yield StreamEvent.finish(
                        self._parse(data["response"], stream.response.headers, warnings)
                    )
                    return
                for event in segments.translate(data):
                    yield event
            raise StreamCut("The answer ended before it was complete.", provider=self.name)
        finally:
            await stream.close()

    async def list_models(self) -> list[dict[str, Any]]:
        """The provider's own listing of its models, as it comes."""
        return list((await self._get("/models"))["data"])

    # answers

    def _parse(self, raw: Any, headers: Any, warnings: list[Warning]) -> Response:
        try:
            if raw.get("status") == "failed" or (raw.get("error") and not raw.get("output")):
                raise _failed(raw.get("error") or {}, raw)
            parts = [part for item in raw["output"] for part in output_parts(item)]
            return Response(
                id=str(raw["id"]),
                model=str(raw["model"]),
                provider=self.name,
                message=Message(Role.ASSISTANT, parts),
                finish_reason=finish_reason(raw, parts),
                usage=usage_of(raw.get("usage")),
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
