"""A budgeted Messages API server as a provider adapter."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from factory_tui.llm.errors import StreamError
from factory_tui.llm.messages import MessagesClient, OnDelta
from factory_tui.llm.streaming import StreamEvent, StreamEventType
from factory_tui.llm.synthetic import events_of
from factory_tui.llm.types import Request, Response

__all__ = ["MessagesAdapter"]


class MessagesAdapter:
    """Makes a ``MessagesClient`` an adapter; it retries, records and books by itself."""

    name = "anthropic"

    def __init__(self, client: MessagesClient) -> None:
        self._client = client

    async def complete(self, request: Request, on_delta: OnDelta | None = None) -> Response:
        """See ``MessagesClient.complete``."""
        return await self._client.complete(request, on_delta)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def supports_tool_choice(self, mode: str) -> bool:
        """Whether a mode can be asked for; newest models refuse to be forced."""
        return mode in ("auto", "none", "required", "named")

    async def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """Yield the answer as it comes.

        Text and thinking come piece by piece, tool calls once they are complete. What has been
        delivered cannot be taken back, so then a broken answer is an error instead of a retry.
        """
        pieces: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        told = False

        def on_delta(kind: str, piece: str) -> None:
            nonlocal told
            if kind == "retry":
                if told:
                    raise StreamError("the answer broke off after some of it was delivered")
                return
            if kind != "tool":
                told = True
                pieces.put_nowait((kind, piece))

        work = asyncio.ensure_future(self._client.complete(request, on_delta))
        work.add_done_callback(lambda _: pieces.put_nowait(("", "")))
        open_, count = "", 0
        ends = {"text": StreamEventType.TEXT_END, "thinking": StreamEventType.REASONING_END}
        try:
            started = False
            while True:
                kind, piece = await pieces.get()
                if not started and (kind or not work.exception()):
                    started = True
                    yield StreamEvent(StreamEventType.STREAM_START)
                if kind != open_:
                    if open_:
                        id_ = f"text_{count}" if open_ == "text" else None
                        yield StreamEvent(ends[open_], text_id=id_)
                    open_ = kind
                    if kind == "text":
                        count += 1
                        yield StreamEvent(StreamEventType.TEXT_START, text_id=f"text_{count}")
                    elif kind:
                        yield StreamEvent(StreamEventType.REASONING_START)
                if not kind:
                    break
                if kind == "text":
                    yield StreamEvent(
                        StreamEventType.TEXT_DELTA, delta=piece, text_id=f"text_{count}"
                    )
                else:
                    yield StreamEvent(StreamEventType.REASONING_DELTA, reasoning_delta=piece)
            response = work.result()
            for event in events_of(response, only_calls=True):
                yield event
        finally:
            if not work.done():
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await work
