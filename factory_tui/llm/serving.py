"""The server's side of the Messages API on loopback: just enough HTTP/1.1, and real SSE.

What to answer is the handler's business; this module knows only how answers travel.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from factory_tui.llm.types import Block

__all__ = ["Call", "LoopbackServer", "Reply", "estimate_tokens", "message_events"]

_MOST_HEADER = 1 << 20
_MOST_BODY = 256 << 20
_PIECE = 48
"""Characters per streamed piece."""


def estimate_tokens(value: Any) -> int:
    """Roughly how many tokens ``value`` is as JSON: 3.5 characters each."""
    return max(1, int(len(json.dumps(value, ensure_ascii=False)) / 3.5))


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request; header names are in lower case, ``path`` has no query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; ValueError if it is none."""
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("the body is no JSON object")
        return value


class Reply:
    """Answers one call: ``json`` or ``error`` once, or ``begin``, any ``event``, ``end``."""

    def __init__(self, writer: asyncio.StreamWriter, number: int) -> None:
        self._writer = writer
        self.request_id = f"req_loopback_{number:06d}"

    async def json(
        self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """A whole answer."""
        data = json.dumps(value).encode()
        head = {"content-type": "application/json", "content-length": str(len(data))}
        await self._send(self._head(status, head | dict(headers or {})) + data)

    async def error(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """An error in the API's shape."""
        error = {"type": kind, "message": message}
        value = {"type": "error", "error": error, "request_id": self.request_id}
        await self.json(value, status, headers)

    async def begin(self) -> None:
        """Start a stream of events."""
        head = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        await self._send(self._head(200, head))

    async def event(self, name: str, data: Mapping[str, Any]) -> None:
        """Send one event."""
        await self.raw(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    async def raw(self, data: bytes) -> None:
        """Send bytes as they are, as a chunk of the stream."""
        await self._send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        """End the stream in order."""
        await self._send(b"0\r\n\r\n")

    def abort(self) -> None:
        """Break the connection off."""
        transport = self._writer.transport
        transport.abort()

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:  # 529
            reason = "Error"
        lines = [f"HTTP/1.1 {status} {reason}", f"request-id: {self.request_id}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


Handler = Callable[[Call, Reply], Awaitable[None]]


class LoopbackServer:
    """Serves a handler on 127.0.0.1 until closed."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()  # asyncio itself keeps only weak ones
        self._calls = 0

    async def start(self, port: int = 0) -> str:
        """Listen (port 0: any free one); returns the base URL."""
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", port, limit=_MOST_HEADER
        )
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def aclose(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                call = await _read_call(reader)
                self._calls += 1
                await self._handler(call, Reply(writer, self._calls))
        except (
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            ConnectionError,
            ValueError,
        ):
            pass  # the client left, or does not speak HTTP
        finally:
            writer.close()


async def _read_call(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in rest if line)
    }
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _MOST_BODY:
        raise ValueError("unreasonable content-length")
    return Call(method, target.partition("?")[0], headers, await reader.readexactly(length))


def message_events(
    *,
    id: str,  # noqa: A002 - the wire's name
    model: str,
    content: Sequence[Block],
    stop_reason: str,
    usage: Mapping[str, Any],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of one answer, in the order the API sends them: (event name, data).

    Usage goes out as the real server sends it: input at the start with one output token, the
    final output count in ``message_delta``.
    """
    message: dict[str, Any] = {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    yield _event("message_start", message=message)
    yield _event("ping")
    for index, block in enumerate(content):
        start, deltas = _split(block)
        yield _event("content_block_start", index=index, content_block=start)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    stop = {"stop_reason": stop_reason, "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage=dict(usage))
    yield _event("message_stop")


def _event(name: str, **data: Any) -> tuple[str, dict[str, Any]]:
    return name, {"type": name, **data}


def _split(block: Block) -> tuple[Block, list[dict[str, Any]]]:
    """A block as it starts, and the deltas that complete it."""
    kind = block["type"]
    if kind == "text":
        pieces = _pieces(block["text"])
        return {**block, "text": ""}, [{"type": "text_delta", "text": p} for p in pieces]
    if kind == "thinking":
        pieces = _pieces(block["thinking"])
        deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces]
        start = {**block, "thinking": ""}
        if "signature" in block:
            start["signature"] = ""
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return start, deltas
    if kind == "compaction":
        delta = {name: value for name, value in block.items() if name != "type"}
        return {"type": kind, "content": None}, [{"type": "compaction_delta", **delta}]
    if kind == "tool_use":
        pieces = ["", *_pieces(json.dumps(block["input"], ensure_ascii=False))]
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": p} for p in pieces
        ]
    return dict(block), []


def _pieces(text: str) -> list[str]:
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]
