"""One model call to a Messages API server, from request to booked response.

``MessagesClient.complete`` streams from any server that speaks the Messages API, through
Anthropic's SDK (imported on first use: it costs two seconds). Around the SDK it adds what the SDK
does not do: every attempt is reserved in the ledger before and settled after, retries are ours
because each one may bill, a stream that ends early is an error, and silence has an end.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import quote, urlsplit

from factory_tui.llm import compaction
from factory_tui.llm.assemble import Assembly
from factory_tui.llm.bounds import Bounded, bound_body
from factory_tui.llm.count import InputCounter
from factory_tui.llm.errors import (
    AuthError,
    BudgetExhausted,
    LLMError,
    StreamStalled,
    from_error_event,
    from_sdk,
)
from factory_tui.llm.ledger import Ledger, Reservation
from factory_tui.llm.prices import Prices
from factory_tui.llm.recording import KEY_HEADER, Recorder
from factory_tui.llm.types import Request, Response, ToolChoice, Usage
from factory_tui.llm.wire import to_wire

if TYPE_CHECKING:
    import anthropic

__all__ = ["MessagesClient", "MessagesOptions", "OnDelta", "Retry"]

DEFAULT_BASE_URL = "https://api.anthropic.com"
DEFAULT_MAX_TOKENS = 8192

_CHOICES = {"none": {"type": "none"}, "required": {"type": "any"}, "named": {"type": "tool"}}

OnDelta = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry is coming: attempt number ``attempt`` (from 2) starts in ``wait_s`` seconds."""

    role: str
    model: str
    key: str
    attempt: int
    wait_s: float
    error: LLMError


class MessagesOptions(TypedDict, total=False):
    """What a ``MessagesClient`` can be told, besides its ledger."""

    prices: Prices | None
    api_key: str | None
    base_url: str | None
    recorder: Recorder | None
    send_key: bool
    gate: Callable[[], Awaitable[None]] | None
    on_exhausted: Callable[[BudgetExhausted], Awaitable[bool]] | None
    on_retry: Callable[[Retry], None] | None
    on_answer: Callable[[Request, Response], None] | None
    max_retries: int
    backoff_s: float
    max_wait_s: float
    idle_s: float
    content_s: float
    cache: bool
    thinking: bool
    structured: bool
    compact_at: int


class MessagesClient:
    """Calls models of one Messages API server within a budget.

    Args:
        ledger: The budget every attempt is booked in.
        prices: What models cost.
        api_key: The key; without it ``ANTHROPIC_API_KEY``, then ``ANTHROPIC_AUTH_TOKEN``. No
            other source is consulted. A loopback server needs none.
        base_url: The server; without it ``ANTHROPIC_BASE_URL``, then Anthropic's.
        recorder: Gets every answered request.
        send_key: Send each request's key along, for a playback server.
        gate: Awaited before each reservation; a pause is a gate that does not open.
        on_exhausted: Asked when the budget is exhausted; True means try again.
        on_retry: Told before each wait for another attempt.
        on_answer: Given every complete answer before it is booked as paid, so that whoever keeps
            it need not pay for it again after a crash.
        max_retries: Attempts after the first.
        backoff_s: First wait where the server names none; doubles each time, jittered.
        max_wait_s: A server that asks to wait longer than this has failed the call.
        idle_s: Seconds without a byte that fail an attempt.
        content_s: Seconds without content (pings are none) that fail an attempt.
        cache: Ask for automatic prompt caching.
        thinking: Ask for adaptive thinking, with summaries to read (local servers do not
            know this).
        structured: Send a request's schema (servers that refuse it need this off).
        compact_at: Input tokens beyond which the server is to sum up the history; 0: never.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        prices: Prices | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        recorder: Recorder | None = None,
        send_key: bool = False,
        gate: Callable[[], Awaitable[None]] | None = None,
        on_exhausted: Callable[[BudgetExhausted], Awaitable[bool]] | None = None,
        on_retry: Callable[[Retry], None] | None = None,
        on_answer: Callable[[Request, Response], None] | None = None,
        max_retries: int = 4,
        backoff_s: float = 1.0,
        max_wait_s: float = 300.0,
        idle_s: float = 60.0,
        content_s: float = 600.0,
        cache: bool = True,
        thinking: bool = False,
        structured: bool = True,
        compact_at: int = 0,
    ) -> None:
        self._ledger = ledger
        self._prices = prices or Prices()
        self._api_key = api_key
        self._base_url = base_url or os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_BASE_URL
        self._recorder = recorder
        self._send_key = send_key
        self._gate = gate
        self._on_exhausted = on_exhausted
        self._on_retry, self._on_answer = on_retry, on_answer
        self._max_retries = max_retries
        self._backoff_s = backoff_s
        self._max_wait_s = max_wait_s
        self._idle_s = idle_s
        self._content_s = content_s
        self._cache = cache
        self._thinking = thinking
        self._structured = structured
        self._compact_at = compact_at
        self._counter = InputCounter()
        self._sdk: anthropic.AsyncAnthropic | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            await sdk.close()

    async def __aenter__(self) -> "MessagesClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def complete(self, request: Request, on_delta: OnDelta | None = None) -> Response:
        """Answer a request, with retries, within the budget.

        ``on_delta(kind, piece)`` gets the answer as it streams: kind "text", "thinking" or
        "tool"; kind "retry" (an empty piece) means that all pieces so far are void.

        Raises:
            BudgetExhausted: The call does not fit the budget.
            LLMError: The call failed for good; the class says why.
        """
        bound = 0
        attempt = 1
        while True:
            if self._gate is not None:
                await self._gate()
            bound = bound or await self._bound(request)
            wanted = request.max_tokens or DEFAULT_MAX_TOKENS
            try:
                reservation = await self._ledger.reserve(
                    role=request.role,
                    model=request.model,
                    key=request.key,
                    input_tokens=bound + self._spare(bound, wanted),
                    max_tokens=wanted,
                    worst=lambda given, out: self._prices.worst(request.model, given, out),
                )
            except BudgetExhausted as exhausted:
                if self._on_exhausted is not None and await self._on_exhausted(exhausted):
                    continue
                raise
            started = time.monotonic()
            try:
                response = await self._attempt(request, reservation, on_delta)
            except LLMError as error:
                wait = self._wait(error, attempt)
                if wait is None:
                    raise
                attempt += 1
                if self._on_retry is not None:
                    self._on_retry(
                        Retry(request.role, request.model, request.key, attempt, wait, error)
                    )
                if on_delta is not None:
                    on_delta("retry", "")
                await asyncio.sleep(wait)
                continue
            if self._recorder is not None:
                ms = round((time.monotonic() - started) * 1000)
                self._recorder.add(request, response, ms)
            return response

    def _wait(self, error: LLMError, attempt: int) -> float | None:
        """Seconds until the next attempt; ``None`` if there is none."""
        if not error.retryable or attempt > self._max_retries:
            return None
        if error.retry_after is not None:
            return None if error.retry_after > self._max_wait_s else error.retry_after
        backoff: float = min(self._backoff_s * 2.0 ** (attempt - 1), 60.0)
        return backoff * random.uniform(0.5, 1.5)

    async def _attempt(
        self, request: Request, reservation: Reservation, on_delta: OnDelta | None
    ) -> Response:
        """One attempt; its reservation is settled whatever happens."""
        assembly = Assembly()
        try:
            await self._stream(request, reservation, assembly, on_delta)
            content = assembly.finish()
            told = assembly.usage
            # Without it the whole reservation is charged.
            usage = told or Usage(reservation.input_tokens, reservation.max_tokens, estimated=True)
            cost = reservation.usd if told is None else self._prices.cost(request.model, usage)
            response = Response(
                id=assembly.id,
                model=assembly.model or request.model,
                content=content,
                stop_reason=assembly.stop_reason or "",
                usage=usage,
                cost=cost,
                budget_tokens=usage.budget_tokens,
                incomplete_tool=assembly.incomplete_tool,
            )
        except BaseException as error:
            self._settle_failure(reservation, assembly, error)
            raise
        try:
            if self._on_answer is not None:
                self._on_answer(request, response)
        finally:
            if told is None:
                self._forfeit(reservation, assembly)
            else:
                self._ledger.commit(reservation, usage, cost)
        return response

    def _forfeit(self, reservation: Reservation, assembly: Assembly) -> None:
        """Charge all that was reserved, or what the server has owned up to if that is more."""
        least = assembly.least_usage(reservation.max_tokens)
        cost = None if least is None else self._prices.cost(reservation.model, least)
        self._ledger.forfeit(reservation, least, cost)

    def _settle_failure(
        self, reservation: Reservation, assembly: Assembly, error: BaseException
    ) -> None:
        """Book a failed attempt: nothing if it surely never ran, what it says it cost, or all."""
        if isinstance(error, LLMError) and not error.billed:
            self._ledger.commit(reservation, Usage(0, 0), Decimal(0))
        elif (usage := assembly.usage) is not None:
            self._ledger.commit(reservation, usage, self._prices.cost(reservation.model, usage))
        else:
            self._forfeit(reservation, assembly)

    async def _stream(
        self,
        request: Request,
        reservation: Reservation,
        assembly: Assembly,
        on_delta: OnDelta | None,
    ) -> None:
        """Stream one answer into ``assembly``; raises LLMError, or what ``on_delta`` raises."""
        sdk = await self._connect()
        body = self._prompt(request) | {"max_tokens": reservation.max_tokens, "stream": True}
        if self._cache:
            body["cache_control"] = {"type": "ephemeral"}
        if self._thinking:
            body["thinking"] = {"type": "adaptive", "display": "summarized"}
        if self._compact_at:
            body["extra_body"] = {"context_management": compaction.asking(self._compact_at)}
        try:
            async with asyncio.timeout(self._content_s) as silence:
                try:
                    stream = await sdk.messages.create(**body, extra_headers=self._headers(request))
                except Exception as error:
                    raise from_sdk(error) from error
                try:
                    await self._read(stream, assembly, on_delta, silence)
                finally:
                    await stream.close()
        except TimeoutError as error:
            raise StreamStalled(
                f"No content from the model for {self._content_s:g} seconds."
            ) from error

    async def _read(
        self,
        stream: Any,
        assembly: Assembly,
        on_delta: OnDelta | None,
        silence: asyncio.Timeout,
    ) -> None:
        from anthropic import AsyncStream

        clock = asyncio.get_running_loop()
        # Raw events, because the SDK's typed ones reorder and default the fields of a block.
        bounded: Any = Bounded(stream.response)
        events = AsyncStream.raw_events(bounded)
        while True:
            try:
                sse = await anext(events)
                telling = sse.data and sse.event not in (None, "ping")
                event = json.loads(sse.data) if telling else None
            except StopAsyncIteration:
                return
            except Exception as error:
                raise from_sdk(error) from error
            if event is None:  # a ping, or a line no Messages API sends: bytes, but no content
                continue
            if sse.event == "error":
                raise from_error_event(event)
            silence.reschedule(clock.time() + self._content_s)
            piece = assembly.add(event)
            if piece is not None and piece[1] and on_delta is not None:
                on_delta(*piece)

    # what is sent

    def _prompt(self, request: Request) -> dict[str, Any]:
        """All that the model reads, in wire shape."""
        said, messages = to_wire(request.messages)
        prompt: dict[str, Any] = {"model": request.model, "messages": messages}
        if said:
            first = [{"type": "text", "text": request.system}] if request.system else []
            prompt["system"] = [*first, *said]
        elif request.system:
            prompt["system"] = request.system
        choice = ToolChoice.of(request.tool_choice)
        if request.tools:
            prompt["tools"] = [tool.wire() for tool in request.tools]
            if choice is not None and choice.mode != "auto":
                prompt["tool_choice"] = _CHOICES[choice.mode] | (
                    {"name": choice.tool_name} if choice.tool_name else {}
                )
        output: dict[str, Any] = {}
        if (schema := request.output_schema) is not None and self._structured:
            output["format"] = {"type": "json_schema", "schema": schema}
        if request.reasoning_effort:
            output["effort"] = request.reasoning_effort
        if output:
            prompt["output_config"] = output
        return prompt

    def _headers(self, request: Request) -> Mapping[str, str]:
        headers = {"anthropic-beta": compaction.BETA} if self._compact_at else {}
        if self._send_key and request.key:
            headers[KEY_HEADER] = quote(request.key, safe="/:._-")
        return headers

    def _spare(self, bound: int, wanted: int) -> int:
        return compaction.spare(bound, self._compact_at, wanted) if self._compact_at else 0

    async def _bound(self, request: Request) -> int:
        prompt = self._prompt(request)

        async def ask() -> int:
            sdk = await self._connect()
            count = await sdk.messages.count_tokens(
                **prompt,
                timeout=min(self._idle_s, 15.0),
                extra_headers=self._headers(request),
            )
            return count.input_tokens

        return await self._counter.bound(compaction.read_part(prompt), ask)

    async def _connect(self) -> "anthropic.AsyncAnthropic":
        if self._sdk is None:
            await asyncio.to_thread(_import_heavy_parts)
        if self._sdk is None:
            import anthropic
            import httpx2

            host = urlsplit(self._base_url).hostname or ""
            local = host in ("127.0.0.1", "::1", "localhost")
            key = self._api_key or os.environ.get("ANTHROPIC_API_KEY")
            token = None if key else os.environ.get("ANTHROPIC_AUTH_TOKEN")
            if not key and not token:
                if not local:
                    raise AuthError(
                        "No key for the model server: set ANTHROPIC_API_KEY.", billed=False
                    )
                key = "none"  # an explicit one, or the SDK would look for credentials on disk
            timeout = httpx2.Timeout(self._idle_s, connect=min(self._idle_s, 15.0))
            # A proxy from the environment must not swallow calls to this machine.
            kind = httpx2.AsyncClient if local else anthropic.DefaultAsyncHttpxClient
            self._sdk = anthropic.AsyncAnthropic(
                api_key=key or None,
                auth_token=token,
                base_url=self._base_url,
                max_retries=0,
                open_telemetry=False,
                timeout=timeout,
                http_client=kind(
                    trust_env=not local,
                    timeout=timeout,
                    limits=anthropic.DEFAULT_CONNECTION_LIMITS,
                    event_hooks={"response": [bound_body]},
                ),
            )
        return self._sdk


def _import_heavy_parts() -> None:
    """The SDK and the price list take seconds to import: not on the event loop."""
    import anthropic  # noqa: F401
    import genai_prices  # noqa: F401
