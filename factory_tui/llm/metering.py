"""The ledger around any adapter: reserve before a call, settle after it, whatever happens."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from typing import Any

from factory_tui.llm.adapters.base import ProviderAdapter
from factory_tui.llm.content import ContentPart, Message
from factory_tui.llm.count import InputCounter
from factory_tui.llm.errors import BudgetExhausted, InvalidReply, SDKError
from factory_tui.llm.ledger import Ledger, Reservation
from factory_tui.llm.media import media
from factory_tui.llm.plain import plain
from factory_tui.llm.prices import Prices
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import Request, Response, Usage

__all__ = ["Metered"]

DEFAULT_MAX_TOKENS = 8192

_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading an answer fails with that is not what the provider says its answers are."""


class Metered:
    """An adapter whose every call is booked in a ledger.

    Args:
        adapter: What makes the calls.
        ledger: The budget.
        prices: What models cost.
        gate: Awaited before each reservation; a pause is a gate that does not open.
        on_exhausted: Asked when the budget is exhausted; True means try again.
        on_answer: Given every complete answer before it is booked as paid.
    """

    def __init__(
        self,
        adapter: ProviderAdapter,
        ledger: Ledger,
        *,
        prices: Prices | None = None,
        gate: Callable[[], Awaitable[None]] | None = None,
        on_exhausted: Callable[[BudgetExhausted], Awaitable[bool]] | None = None,
        on_answer: Callable[[Request, Response], None] | None = None,
    ) -> None:
        self._adapter, self._ledger = adapter, ledger
        self._prices = prices or Prices()
        self._gate, self._on_exhausted, self._on_answer = gate, on_exhausted, on_answer
        self._counter = InputCounter()

    @property
    def name(self) -> str:
        """The provider's name."""
        return self._adapter.name

    def __getattr__(self, name: str) -> Any:
        """What an adapter may have besides: close, supports_tool_choice, list_models."""
        return getattr(self._adapter, name)

    async def complete(self, request: Request) -> Response:
        """See ``ProviderAdapter``."""
        held = await self._reserve(request)
        try:
            response = await self._adapter.complete(replace(request, max_tokens=held.max_tokens))
        except BaseException as error:
            self._settle_failure(held, error)
            if isinstance(error, _MALFORMED):
                raise self._malformed(error) from error
            raise
        return self._settle(held, request, response)

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """See ``ProviderAdapter``."""
        held: Reservation | None = await self._reserve(request)
        assert held is not None
        sent = replace(request, max_tokens=held.max_tokens)
        try:
            async with aclosing(self._adapter.stream(sent)) as events:  # type: ignore[type-var]
                async for event in events:
                    if event.type == StreamEventType.FINISH and event.response and held:
                        reservation, held = held, None
                        response = self._settle(reservation, request, event.response)
                        event = replace(event, response=response, usage=response.usage)
                    yield event
        except BaseException as error:
            if held is not None:
                reservation, held = held, None
                self._settle_failure(reservation, error)
                if isinstance(error, _MALFORMED):
                    raise self._malformed(error) from error
            raise
        finally:
            if held is not None:  # it ended without an answer
                self._ledger.forfeit(held)

    async def _reserve(self, request: Request) -> Reservation:
        prompt = _prompt(request)
        count = getattr(self._adapter, "count_tokens", None)

        async def ask() -> int:
            if count is None:
                raise NotImplementedError
            return int(await count(request))

        bound = 0
        while True:
            if self._gate is not None:
                await self._gate()
            bound = bound or await self._counter.bound(prompt, ask)
            try:
                return await self._ledger.reserve(
                    role=request.role,
                    model=request.model,
                    key=request.key,
                    input_tokens=bound,
                    max_tokens=request.max_tokens or DEFAULT_MAX_TOKENS,
                    worst=lambda given, out: self._prices.worst(
                        request.model, given, out, self.name
                    ),
                )
            except BudgetExhausted as exhausted:
                if self._on_exhausted is None or not await self._on_exhausted(exhausted):
                    raise

    def _settle(self, held: Reservation, request: Request, response: Response) -> Response:
        try:
            response = _plain(response)
            if self._on_answer is not None:
                self._on_answer(request, response)
        except ValueError as error:
            raise self._malformed(error) from error
        finally:
            settled = self._booked(held, response)
        return settled

    def _malformed(self, error: Exception) -> InvalidReply:
        said = f"{type(error).__name__}: {error}"
        return InvalidReply(f"{self.name} sent an invalid answer: {said}", provider=self.name)

    def _booked(self, held: Reservation, response: Response) -> Response:
        usage = response.usage
        silent = usage.estimated and usage.total_tokens == 0
        if silent or not usage.sound:
            usage, cost = self._ledger.forfeit(held), held.usd
        else:
            cost = self._prices.cost(held.model, usage, self.name)
            self._ledger.commit(held, usage, cost)
        return Response(
            response.id,
            response.model,
            response.content,
            response.stop_reason,
            usage,
            cost,
            usage.budget_tokens,
            response.incomplete_tool,
            provider=response.provider,
            message=response.message,
            finish_reason=response.finish_reason,
            raw=response.raw,
            warnings=response.warnings,
            rate_limit=response.rate_limit,
        )

    def _settle_failure(self, held: Reservation, error: BaseException) -> None:
        if isinstance(error, SDKError) and not error.billed:
            self._ledger.commit(held, Usage(0, 0), Decimal(0))
        else:
            self._ledger.forfeit(held)


def _plain(response: Response) -> Response:
    """The answer in a form that can be kept and sent back.

    Raises:
        ValueError: there is none.
    """
    parts = []
    for part in response.message.content:
        call, thinking = part.tool_call, part.thinking
        if call is not None:
            call = replace(
                call,
                id=plain(call.id),
                name=plain(call.name),
                arguments=_arguments(call.arguments),
            )
        if thinking is not None:
            thinking = replace(
                thinking, text=plain(thinking.text), signature=plain(thinking.signature)
            )
        native = None if part.native is None else plain(part.native)
        parts.append(
            replace(
                part,
                kind=plain(str(part.kind)),
                text=plain(part.text),
                tool_call=call,
                thinking=thinking,
                native=native,
            )
        )
    key, model = plain(response.id), plain(response.model)
    if parts == response.message.content and (key, model) == (response.id, response.model):
        return response
    return Response(
        key,
        model,
        usage=response.usage,
        cost=response.cost,
        budget_tokens=response.budget_tokens,
        incomplete_tool=response.incomplete_tool,
        provider=response.provider,
        message=replace(response.message, content=parts),
        finish_reason=response.finish_reason,
        raw=response.raw,
        warnings=response.warnings,
        rate_limit=response.rate_limit,
    )


def _arguments(given: Any) -> Any:
    """A call's arguments; a text stays as it is unless what it says cannot be kept."""
    if not isinstance(given, str):
        return plain(given)
    try:
        said = json.loads(given)
    except ValueError:
        return plain(given)
    kept = plain(said)
    return plain(given) if json.dumps(kept) == json.dumps(said) else kept


def _prompt(request: Request) -> Mapping[str, Any]:
    """All that the model reads, as JSON-able data of about the size it will have."""
    messages = [
        [str(message.role), [_size_of(part) for part in message.content]]
        if isinstance(message, Message)
        else message
        for message in request.messages
    ]
    tools = [tool.wire() for tool in request.tools or ()]
    return {
        "system": request.system,
        "messages": messages,
        "tools": tools,
        "schema": request.output_schema,
        "options": json.loads(json.dumps(request.provider_options or {}, default=str)),
    }


def _size_of(part: ContentPart) -> Any:
    if part.native is not None:
        return json.loads(json.dumps(dict(part.native), default=str))
    for item in (part.image, part.audio, part.document):
        if item is not None:
            return media(item)[1]
    call, result, thinking = part.tool_call, part.tool_result, part.thinking
    if call is not None:
        return [call.id, call.name, call.arguments]
    if result is not None:
        image = "x" * (len(result.image_data or b"") * 4 // 3)
        return [result.tool_call_id, result.content, image]
    if thinking is not None:
        return [thinking.text, thinking.signature]
    return part.text
