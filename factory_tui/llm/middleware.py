"""Middleware: the same function around whole answers and around streams."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from factory_tui.llm.streaming import StreamAccumulator, StreamEvent, StreamEventType
from factory_tui.llm.synthetic import events_of
from factory_tui.llm.types import Request, Response

__all__ = ["Complete", "Middleware", "Stream", "around_complete", "around_stream"]

Complete = Callable[[Request], Awaitable[Response]]
Stream = Callable[[Request], AsyncIterator[StreamEvent]]
Middleware = Callable[[Request, Any], Any]
"""``async (request, next) -> Response``, or an async generator of stream events."""


def _for_streams(middleware: Middleware) -> bool:
    call = getattr(type(middleware), "__call__", None)  # noqa: B004 - its own, not if it has one
    return inspect.isasyncgenfunction(middleware) or inspect.isasyncgenfunction(call)


def around_complete(middleware: Sequence[Middleware], last: Complete) -> Complete:
    """The chain for whole answers; async generators take no part in it."""
    call = last
    for one in reversed(middleware):
        if not _for_streams(one):
            call = _wrapped(one, call)
    return call


def _wrapped(middleware: Middleware, inner: Complete) -> Complete:
    async def call(request: Request) -> Response:
        result = middleware(request, inner)
        response: Response = await result if inspect.isawaitable(result) else result
        return response

    return call


def around_stream(middleware: Sequence[Middleware], last: Stream) -> Stream:
    """The chain for streams."""
    call = last
    for one in reversed(middleware):
        call = _streamed(one, call) if _for_streams(one) else _bridged(one, call)
    return call


def _streamed(middleware: Middleware, inner: Stream) -> Stream:
    def call(request: Request) -> AsyncIterator[StreamEvent]:
        events: AsyncIterator[StreamEvent] = middleware(request, inner)
        return events

    return call


def _bridged(middleware: Middleware, inner: Stream) -> Stream:
    """Run a function for whole answers around a stream.

    Events pass as they come; only the last one waits for what the function returns.
    """

    async def call(request: Request) -> AsyncIterator[StreamEvent]:
        passing: asyncio.Queue[StreamEvent | None] = asyncio.Queue(1)
        finish: list[StreamEvent] = []

        async def proceed(final: Request) -> Response:
            whole = StreamAccumulator()
            async for event in inner(final):
                whole.process(event)
                if event.type == StreamEventType.FINISH:
                    finish.append(event)
                else:
                    await passing.put(event)
            return whole.response()

        async def run() -> Response:
            try:
                return await _wrapped(middleware, proceed)(request)
            finally:
                await passing.put(None)

        work = asyncio.ensure_future(run())
        try:
            while (event := await passing.get()) is not None:
                yield event
            response = await work
            if not finish:  # answered by the middleware itself
                for event in events_of(response):
                    yield event
                return
            yield replace(
                finish[-1],
                response=response,
                usage=response.usage,
                finish_reason=response.finish_reason,
            )
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await work

    return call
