"""The client: finds the adapter of a request and puts middleware around the call."""

import inspect
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Unpack

from factory_tui.llm.adapters import (
    AnthropicAdapter,
    GeminiAdapter,
    OpenAIAdapter,
    ProviderAdapter,
)
from factory_tui.llm.errors import ConfigurationError, InvalidReply, SDKError
from factory_tui.llm.ledger import Ledger
from factory_tui.llm.messages import MessagesClient, MessagesOptions, OnDelta
from factory_tui.llm.metering import Metered
from factory_tui.llm.middleware import Middleware, around_complete, around_stream
from factory_tui.llm.serverside import MessagesAdapter
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.types import Request, Response

__all__ = ["Client"]

_FROM_ENV: tuple[tuple[tuple[str, ...], Callable[[], ProviderAdapter]], ...] = (
    (("ANTHROPIC_API_KEY",), AnthropicAdapter),
    (("OPENAI_API_KEY",), OpenAIAdapter),
    (("GEMINI_API_KEY", "GOOGLE_API_KEY"), GeminiAdapter),
)


class Client:
    """Routes requests to provider adapters, through middleware and, if given, a ledger.

    Args:
        providers: Adapters by name.
        default_provider: Who gets requests that name no provider; the client never guesses.
        middleware: Put around every call, the first outermost. A plain (async) function
            ``(request, next) -> response`` also works around streams: its ``next`` resolves when
            the answer is complete, while its events pass by. An async generator function
            ``(request, next)`` works around streams only and may change every event.
        ledger: The budget; every call of every adapter is reserved and settled in it.
        options: Without ``providers``: what a ``MessagesClient`` takes. The client then speaks to
            one Messages API server, with retries, recording and a gate. With ``providers``,
            only ``prices``, ``gate``, ``on_exhausted`` and ``on_answer`` mean something.

    Raises:
        ConfigurationError: The default provider is not among the providers, or an adapter's
            ``initialize`` says so.
    """

    def __init__(
        self,
        providers: Mapping[str, ProviderAdapter] | None = None,
        default_provider: str | None = None,
        middleware: Sequence[Middleware] = (),
        *,
        ledger: Ledger | None = None,
        **options: Unpack[MessagesOptions],
    ) -> None:
        self._adapters: dict[str, ProviderAdapter] = {}
        self._middleware = list(middleware)
        self._ledger, self._options = ledger, options
        self._unready: list[Any] = []
        self.retries_itself = False
        if ledger is not None and providers is None:
            self.retries_itself = True
            self._adapters["anthropic"] = MessagesAdapter(MessagesClient(ledger=ledger, **options))
            default_provider = default_provider or "anthropic"
        elif ledger is None and options:
            raise TypeError(f"without a ledger there is nothing to do with {', '.join(options)}")
        for name, adapter in (providers or {}).items():
            self.register(name, adapter)
        if default_provider is not None and default_provider not in self._adapters:
            raise ConfigurationError(f"No provider {default_provider!r} to be the default.")
        self.default_provider = default_provider

    @classmethod
    def from_env(
        cls,
        *,
        middleware: Sequence[Middleware] = (),
        ledger: Ledger | None = None,
        **options: Unpack[MessagesOptions],
    ) -> "Client":
        """A client with every provider whose key is in the environment, the first as default.

        In this order: ``ANTHROPIC_API_KEY``, ``OPENAI_API_KEY``, ``GEMINI_API_KEY`` (or
        ``GOOGLE_API_KEY``).
        """
        made = [make() for names, make in _FROM_ENV if any(os.environ.get(n) for n in names)]
        providers = {adapter.name: adapter for adapter in made}
        default = next(iter(providers), None)
        return cls(providers, default, middleware, ledger=ledger, **options)

    @property
    def providers(self) -> dict[str, ProviderAdapter]:
        """The adapters by name."""
        return dict(self._adapters)

    def register(self, name: str, adapter: ProviderAdapter) -> None:
        """Add an adapter, or replace the one of that name."""
        initialize = getattr(adapter, "initialize", None)
        if initialize is not None:
            if inspect.iscoroutinefunction(initialize):
                self._unready.append(initialize)
            else:
                initialize()
        if self._ledger is not None:
            adapter = Metered(
                adapter,
                self._ledger,
                prices=self._options.get("prices"),
                gate=self._options.get("gate"),
                on_exhausted=self._options.get("on_exhausted"),
                on_answer=self._options.get("on_answer"),
            )
        self._adapters[name] = adapter

    async def complete(self, request: Request, on_delta: OnDelta | None = None) -> Response:
        """Answer a request; never retries (unless it is a client of one Messages API server).

        ``on_delta(kind, piece)`` gets the answer as it streams: kind "text", "thinking" or
        "tool"; kind "retry" (an empty piece) means that all pieces so far are void.

        Raises:
            ConfigurationError: No provider is named and there is no default.
            BudgetExhausted: The call does not fit the ledger's budget.
            SDKError: The call failed; the class says why.
        """

        async def last(final: Request) -> Response:
            adapter = self._adapter(final)
            if on_delta is None:
                return await adapter.complete(final)
            if isinstance(adapter, MessagesAdapter):
                return await adapter.complete(final, on_delta)
            return await _telling(adapter, final, on_delta)

        await self._get_ready()
        return await around_complete(self._middleware, last)(self._named(request))

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """Yield a request's answer as it comes, ``FINISH`` last; never retries.

        An error in mid-stream is told as an ``ERROR`` event and then raised. Errors as in
        ``complete``.
        """

        def last(final: Request) -> AsyncIterator[StreamEvent]:
            return self._adapter(final).stream(final)

        await self._get_ready()
        events = around_stream(self._middleware, last)(self._named(request))
        begun = False
        try:
            async for event in events:
                begun = True
                yield event
        except SDKError as error:
            if begun:
                yield StreamEvent(StreamEventType.ERROR, error=error)
            raise
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def close(self) -> None:
        """Close all adapters."""
        for adapter in self._adapters.values():
            close = getattr(adapter, "close", None)
            if close is not None:
                done = close()
                if inspect.isawaitable(done):
                    await done

    aclose = close

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def supports_tool_choice(self, mode: str, provider: str | None = None) -> bool:
        """Whether a provider knows a tool choice mode; one that does not say is believed to."""
        name = provider or self.default_provider
        adapter = self._adapters.get(name or "")
        ask = getattr(adapter, "supports_tool_choice", None)
        return bool(ask(mode)) if ask is not None else adapter is not None

    def _named(self, request: Request) -> Request:
        """The request with its provider filled in."""
        self._adapter(request)
        return replace(request, provider=request.provider or self.default_provider)

    def _adapter(self, request: Request) -> ProviderAdapter:
        name = request.provider or self.default_provider
        if name is None:
            raise ConfigurationError(
                "The request names no provider, and there is no default one"
                + ("." if self._adapters else ": no provider is configured.")
            )
        if name not in self._adapters:
            raise ConfigurationError(
                f"No provider {name!r}; there are: {', '.join(self._adapters) or 'none'}."
            )
        return self._adapters[name]

    async def _get_ready(self) -> None:
        while self._unready:
            await self._unready.pop()()


async def _telling(adapter: ProviderAdapter, request: Request, on_delta: OnDelta) -> Response:
    """Complete by streaming, telling the pieces."""
    kinds = {
        StreamEventType.TEXT_DELTA: "text",
        StreamEventType.REASONING_DELTA: "thinking",
        StreamEventType.TOOL_CALL_DELTA: "tool",
    }
    async with aclosing(adapter.stream(request)) as events:  # type: ignore[type-var]
        async for event in events:
            if event.type == StreamEventType.FINISH and event.response is not None:
                return event.response
            if event.type == StreamEventType.ERROR and event.error is not None:
                raise event.error
            if event.type == StreamEventType.TOOL_CALL_START and event.tool_call is not None:
                on_delta("tool", f"{event.tool_call.name} ")
            piece = event.delta or event.reasoning_delta
            if piece and (kind := kinds.get(StreamEventType(event.type))):
                on_delta(kind, piece)
    raise InvalidReply("the stream ended without an answer", provider=adapter.name)
