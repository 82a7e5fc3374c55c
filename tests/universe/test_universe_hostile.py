"""Clients and receivers that mean ill: what they can make a host of twins keep, wait or open."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from factory_tui.universe import Courier, Pack, Request, Server, Universe, load_packs, serve
from factory_tui.universe.standalone import serve_packs
from factory_tui.universe.tls import Authority

AUTH = {"authorization": "Bearer t0p"}


@pytest.fixture(scope="session")
def hook_packs(packs_folder: Path) -> dict[str, Pack]:
    return load_packs(packs_folder, ["hooks"])


@pytest.fixture
def universe(hook_packs: dict[str, Pack]) -> Universe:
    return Universe(hook_packs, debug=True)


def ask(universe: Universe, line: str, body: Any) -> None:
    method, target = line.split(" ", 1)
    answer = universe.handle("hooks", Request.build(method, target, AUTH, body))
    assert answer.status < 300


def log(universe: Universe) -> list[str]:
    return [row["what"] for row in universe.view("hooks")["log"]]


class Liar:
    """Answers every request with the bytes it was given, as long as anybody takes them."""

    def __init__(self) -> None:
        self.says: Iterator[bytes] = iter(())
        self.said = 0
        self.asked = 0
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            for piece in self.says:
                self.said += len(piece)
                writer.write(piece)
                await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def liar() -> AsyncIterator[Liar]:
    made = Liar()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    yield made
    server.close()


def forever(start: bytes, piece: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield piece


LIES: dict[str, tuple[Iterator[bytes], str]] = {
    "status": (forever(b"HTTP/1.1 200 ", b"O" * 8000), "the head of the reply is too long"),
    "header": (
        forever(b"HTTP/1.1 200 OK\r\nx: ", b"y" * 8000),
        "the head of the reply is too long",
    ),
    "headers": (
        forever(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 99),
        "the reply has too many headers",
    ),
    "interim": (
        forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
        "the head of the reply is too long",
    ),
    "chunks": (
        forever(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\ny\r\n" * 999),
        "the reply is too long",
    ),
    "trailers": (
        forever(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 99),
        "the reply has too many headers",
    ),
    "upgrade": (
        iter(
            [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello"]
        ),
        "it wants to speak another protocol",
    ),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_reply_without_an_end_is_cut_off(universe: Universe, liar: Liar, lie: str) -> None:
    liar.says, expected = LIES[lie]
    ask(universe, "POST /hooks", {"id": "h1", "url": liar.url, "timeout": 60})
    async with Courier(universe) as courier:
        ask(universe, "POST /posts", {"text": "one"})
        async with asyncio.timeout(50):
            await courier.flush()
    assert log(universe) == [f"one 1 no HTTP: {expected}"]
    assert liar.said < 20_000_000  # what the kernel buffers included


async def test_a_reply_is_neither_followed_nor_unpacked(universe: Universe, liar: Liar) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    head = f"HTTP/1.1 307 Go\r\nlocation: {liar.url}\r\ncontent-encoding: gzip\r\n"
    liar.says = iter([f"{head}content-length: {len(bomb)}\r\n\r\n".encode(), bomb])
    ask(universe, "POST /hooks", {"id": "h1", "url": liar.url})
    async with Courier(universe) as courier:
        ask(universe, "POST /posts", {"text": "one"})
        await courier.flush()
    assert log(universe) == ["one 1 307"]
    assert liar.asked == 1
    assert universe.tap[-1].response_body == bomb


@pytest.mark.parametrize(
    "url",
    [
        "http://[x",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://a\0b/",
        "http://%s/" % ("a" * 300),
        "http://..\u3002/",
        "https://\ud800.example/",
        "http://127.0.0.1:1/\r\nx: y",
        "//x",
        "",
    ],
)
async def test_a_url_that_is_none_is_one_failed_delivery(
    universe: Universe, liar: Liar, url: str
) -> None:
    liar.says = iter([b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"])
    ask(universe, "POST /hooks", {"id": "h1", "url": "http://127.0.0.1:1/"})
    hooks = universe.twins["hooks"]["hooks"]
    hooks.put("h1", {"id": "h1", "url": url})
    async with Courier(universe):
        ask(universe, "POST /posts", {"text": "one"})
        hooks.put("h1", {"id": "h1", "url": liar.url})
        ask(universe, "POST /posts", {"text": "two"})
        async with asyncio.timeout(20):
            while len(log(universe)) < 2:
                await asyncio.sleep(0.01)
    assert log(universe)[0].startswith("one 1 ")
    assert log(universe)[0] != "one 1 200"
    assert log(universe)[1] == "two 1 200"
    assert universe.crashes == []


async def test_twins_that_stand_alone_forget_their_oldest_traffic(
    packs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.standalone._TAP_BYTES", 2_000_000)
    monkeypatch.setattr("factory_tui.universe.standalone._TAP_LEAST", 500_000)
    serving = await serve_packs(["notes"], 0, folder=packs_folder)

    async def fill(url: str, times: int) -> None:
        async with aiohttp.ClientSession(headers=AUTH) as session:
            for n in range(times):
                body = b"x" * 100_000
                async with session.post(f"{url}/none?n={n}", data=body) as response:
                    await response.read()

    main = serving.universe
    await fill(serving.twins[0].url, 60)
    assert 10 < len(main.tap) < 20
    assert sum(exchange.weight for exchange in main.tap) <= 2_000_000
    assert main.tap[-1].path == "/none?n=59"
    fork = await serving.fork()  # each may have half of it now
    assert sum(exchange.weight for exchange in main.tap) <= 1_000_000
    await fill(fork.twins[0].url, 30)
    assert 5 < len(fork.universe.tap) < 10
    await serving.remove(fork.name)
    await fill(serving.twins[0].url, 30)
    assert 10 < len(main.tap) < 20
    await serving.close()


async def test_many_calls_in_one_piece_are_no_long_head(universe: Universe) -> None:
    line = socket.socket()
    line.bind(("127.0.0.1", 0))
    server = await serve(universe, "hooks", line)
    call = b"GET /posts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\nx: %b\r\n\r\n" % (
        b"y" * 900
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(call * 600 + call[:-2])  # half a megabyte, and the start of one more
    writer.write(b"\r\n")
    writer.write_eof()
    async with asyncio.timeout(30):
        answers = await reader.read(-1)
    assert answers.count(b"HTTP/1.1 200 OK") == 601
    writer.close()
    await server.close()


async def listening(universe: Universe, **more: Any) -> Server:
    line = socket.socket()
    line.bind(("127.0.0.1", 0))
    line.listen(512)
    return await serve(universe, "hooks", line, **more)


async def dialled(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


GET = b"GET /posts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n\r\n"


async def test_connections_beyond_a_number_are_closed(universe: Universe) -> None:
    server = await listening(universe, most=8)
    lines = []
    for _ in range(8):
        lines.append(await dialled(server.port))
        lines[-1][1].write(GET)
        assert (await lines[-1][0].readuntil(b"[]")).startswith(b"HTTP/1.1 200")
    reader, writer = await dialled(server.port)
    with contextlib.suppress(ConnectionError):
        writer.write(GET)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
    lines[0][1].close()
    async with asyncio.timeout(10):  # there is room again
        while True:
            reader, writer = await dialled(server.port)
            with contextlib.suppress(ConnectionError):
                writer.write(GET)
                if await reader.read(10):
                    break
    for _, writer in lines:
        writer.close()
    await server.close()


async def test_unfinished_bodies_fill_no_memory(universe: Universe) -> None:
    server = await listening(universe)
    head = GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\ncontent-length: %d\r\n\r\n")
    part = b"x" * (15 << 20)
    lines = []
    for _ in range(8):  # 120 MiB
        reader, writer = await dialled(server.port)
        lines.append(writer)
        with contextlib.suppress(ConnectionError):
            writer.write(head % (16 << 20) + part)
            async with asyncio.timeout(30):
                await writer.drain()
    state: Any = server._state
    assert state.held <= 65 << 20
    for writer in lines:
        writer.transport.abort()
    async with asyncio.timeout(30):
        while state.held:
            await asyncio.sleep(0.01)
    reader, writer = await dialled(server.port)
    writer.write(head % 17 + b'{"text": "hello"}')
    assert (await reader.readline()).startswith(b"HTTP/1.1 201")
    assert state.held == 0
    writer.close()
    await server.close()


async def test_a_request_of_many_small_headers_is_refused(universe: Universe) -> None:
    server = await listening(universe)
    reader, writer = await dialled(server.port)
    writer.write(b"GET /posts HTTP/1.1\r\n" + b"a:\r\n" * 15_000 + b"\r\n")
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 431")
    writer.close()
    await server.close()


async def test_handshakes_that_never_end_are_few(
    universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.gate.HANDSHAKES", 5)
    monkeypatch.setattr("factory_tui.universe.gate.HANDSHAKE_S", 0.2)
    authority = Authority()
    server = await listening(universe, tls=authority)
    before = len(list(Path("/proc/self/fd").iterdir()))
    lines = [await dialled(server.port) for _ in range(60)]
    for _, writer in lines:
        writer.write(b"\x16\x03\x01")
    await asyncio.sleep(0.1)
    assert len(list(Path("/proc/self/fd").iterdir())) - before - 60 <= 5
    # Who means well is let in when the others' time is up.
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=authority.client(), server_hostname="localhost"
        )
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    for _, one in [*lines, (reader, writer)]:
        one.transport.abort()
    await server.close()


async def test_pongs_do_not_pile_up(universe: Universe) -> None:
    server = await listening(universe)
    reader, writer = await dialled(server.port)
    writer.write(
        b"GET /link?app=A1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
        b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
        b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert (await reader.readline()).startswith(b"HTTP/1.1 101")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    ping = (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 500
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 100_000_000:  # it takes no more once its answers are not taken
            writer.write(ping)
            async with asyncio.timeout(2):
                await writer.drain()
            sent += len(ping)
    assert sent < 60_000_000
    (opened,) = server._state.connections
    assert opened.transport.get_write_buffer_size() < 2_000_000
    writer.transport.abort()
    await server.close()


async def test_any_number_of_empty_frames_is_nothing(universe: Universe) -> None:
    server = await listening(universe)
    async with (
        aiohttp.ClientSession(server.url, headers=AUTH) as session,
        session.ws_connect("/link?app=A1") as ws,
    ):
        await ws.receive_json()
        (opened,) = server._state.connections
        opened.data_received(b"\x01\x80\0\0\0\0")  # text, more to come
        for _ in range(50):
            opened.data_received(b"\x00\x80\0\0\0\0" * 1000)
        assert len(opened._parts) <= 1
    await server.close()
