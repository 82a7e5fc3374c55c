"""How much a model server may send: an answer without end must not fill the memory.

Bodies are counted as they arrive, streamed answers once more unpacked and event by event.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from factory_tui.llm.errors import InvalidReply

if TYPE_CHECKING:
    import httpx2

__all__ = ["Bounded", "bound_body"]

_STREAM: Final = 256 << 20
"""Bytes of a streamed answer: some fifteen times what a model's longest takes today."""
_EVENT: Final = 8 << 20
_EVENT_LINES: Final = 64
"""Bytes and lines of one event, which has two lines; the SDK's reader copies what it has so far
with every line."""
_BODY: Final = 4 << 20
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
        total = size = lines = 0
        async for chunk in self._response.aiter_bytes():
            total += len(chunk)
            for line in chunk.splitlines():
                size, lines = (size + len(line), lines + 1) if line else (0, 0)
                if size > _EVENT or lines > _EVENT_LINES or total > _STREAM:
                    raise InvalidReply("The answer is too large to be one.")
            yield chunk


async def bound_body(response: "httpx2.Response") -> None:
    """Limit the body of a response that is no stream; for an HTTP client's response hook."""
    kind = response.headers.get("content-type", "")
    if kind.startswith("text/event-stream") and response.status_code == 200:
        return
    packed = response.headers.get("content-encoding", "identity") != "identity"
    response.stream = _limited(response.stream, _PACKED_BODY if packed else _BODY)


def _limited(stream: Any, most: int) -> Any:
    import httpx2

    class Limited(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in stream:
                size += len(chunk)
                if size > most:
                    raise httpx2.RemoteProtocolError("the answer is too large to be one")
                yield chunk

        async def aclose(self) -> None:
            await stream.aclose()

    return Limited()
