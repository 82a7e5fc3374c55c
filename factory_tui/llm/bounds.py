"""How much a model server may send: an answer without end must not fill the memory.

Bodies are counted as they arrive, streamed answers once more unpacked and event by event.
"""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Final

from factory_tui.llm.errors import InvalidReply

if TYPE_CHECKING:
    import httpx2

__all__ = ["Bounded", "bound_body", "bound_reply"]

_STREAM: Final = 256 << 20
"""Bytes of a streamed answer: some fifteen times what a model's longest takes today."""
_EVENT: Final = 8 << 20
_EVENT_LINES: Final = 64
"""Bytes and lines of one event, which has two lines; the SDKs' readers copy what they have so far
with every line, and with every piece of one that arrives, ..."""
_PIECE: Final = 1 << 10
"""... so that a long event has to come in pieces of so many bytes."""
_BODY: Final = 4 << 20
_WHOLE: Final = 32 << 20
"""Bytes of an answer in one piece, which may hold pictures."""
_PACKED_BODY: Final = 256 << 10
"""Bytes of any other answer: a count, an error."""


class Bounded:
    """A streamed response whose unpacked bytes are counted (as far as the SDK's reader asks)."""

    def __init__(self, response: Any) -> None:
        self._response = response

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The response's bytes.

        Raises:
            InvalidReply: there are more than any answer has.
        """
        events = _Events()
        async for chunk in self._response.aiter_bytes():
            if not events.bear(chunk):
                raise InvalidReply("The answer is too large to be one.")
            yield chunk


class _Events:
    """Counts what a stream of events brings."""

    def __init__(self) -> None:
        self._total = self._size = self._lines = 0

    def bear(self, chunk: bytes) -> bool:
        """Whether the stream may still be an answer with this much more of it."""
        self._total += len(chunk)
        for line in chunk.splitlines():
            self._size, self._lines = (self._size + len(line), self._lines + 1) if line else (0, 0)
            if self._size > _EVENT or self._lines > _EVENT_LINES + self._size // _PIECE:
                return False
        return self._total <= _STREAM


async def bound_body(response: "httpx2.Response") -> None:
    """Limit the body of a response that is no stream; for an HTTP client's response hook."""
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/event-stream") and response.status_code == 200:
        return
    packed = response.headers.get("content-encoding", "identity") != "identity"
    response.stream = _limited(response.stream, _PACKED_BODY if packed else _BODY)


async def bound_reply(response: "httpx2.Response") -> None:
    """Limit any answer of a server that was asked not to pack it; for a response hook."""
    kind = response.headers.get("content-type", "")
    packed = response.headers.get("content-encoding", "identity") != "identity"
    if response.status_code != 200:
        response.stream = _limited(response.stream, _PACKED_BODY if packed else _BODY)
    elif packed:
        response.stream = _limited(response.stream, _PACKED_BODY)
    elif kind.startswith("text/event-stream"):
        response.stream = _limited(response.stream, _STREAM, _Events().bear)
    else:
        response.stream = _limited(response.stream, _WHOLE)


def _limited(stream: Any, most: int, bearable: Callable[[bytes], bool] = lambda _: True) -> Any:
    import httpx2

    class Limited(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in stream:
                size += len(chunk)
                if size > most or not bearable(chunk):
                    raise httpx2.RemoteProtocolError("the answer is too large to be one")
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Limited()
