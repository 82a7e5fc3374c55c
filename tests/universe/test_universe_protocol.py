"""The HTTP connection itself: any cutting of the bytes, limits, sleepy clients, crashed packs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Request, Response, Server, Universe, serve
from factory_tui.universe.protocol import Connection, Connections

HEAD = b"POST /notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
ONE = HEAD + b'content-length: 14\r\n\r\n{"text":"one"}'
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{}   \r\n0\r\n\r\n"
GET = b"GET /notes/n1?a=1&a=2 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n\r\n"
FLAT = b"GET /notes/n1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
Make = Callable[..., Universe]


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str) -> None:
        return None

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


def answers(universe: Universe, pieces: list[bytes]) -> tuple[bytes, list[tuple[str, bytes]]]:
    """What a connection answers to bytes that come in these pieces, and what the twin saw."""

    async def talk() -> bytes:
        state, wire = Connections(), Wire()
        connection = Connection(universe, "notes", state)
        connection.connection_made(wire)  # type: ignore[arg-type]
        for piece in pieces:
            connection.data_received(piece)
        state.stop()
        return wire.written

    written = asyncio.run(talk())
    return written, [(exchange.path, exchange.request_body) for exchange in universe.tap]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    parts=st.lists(st.sampled_from([ONE, CHUNKED, GET, FLAT + b"\r\n", b"\r\n" + GET]), max_size=6),
    cuts=st.lists(st.integers(0, 900), max_size=8),
)
def test_how_the_bytes_are_cut_changes_nothing(
    _base: Universe, parts: list[bytes], cuts: list[int]
) -> None:
    whole = b"".join(parts)
    places = sorted({cut for cut in cuts if 0 < cut < len(whole)})
    pieces = [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]
    asked = [part.removeprefix(b"\r\n") for part in parts]
    one = answers(_base.fork(), [piece for piece in pieces if piece])
    other = answers(_base.fork(), asked)
    assert one == other
    assert one[0].count(b"HTTP/1.1 20") == len(parts)
    for (path, body), part in zip(one[1], asked, strict=True):
        assert path.encode() == part.split(b" ", 2)[1]
        assert body == (b'{"text":"one"}' if part == ONE else b"{}   " if part == CHUNKED else b"")


@pytest.fixture(scope="module")
def _base(packs: dict[str, object]) -> Universe:
    return Universe(packs)  # type: ignore[arg-type]


def test_a_head_that_is_none_is_not_remembered(_base: Universe) -> None:
    for start in (b"\r\n\r\n", b"\n\n", b"GET / HTTP/1.1\nhost: x\n\n"):
        first = answers(_base.fork(), [start + GET])[0]
        again = answers(_base.fork(), [start + GET])[0]
        assert first == again
        assert first.count(b"HTTP/1.1 200") <= 1
    smuggled = FLAT + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"
    for _ in range(2):
        assert answers(_base.fork(), [smuggled])[0].startswith(b"HTTP/1.1 400 ")
    both = HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    for _ in range(2):
        assert answers(_base.fork(), [both])[0].startswith(b"HTTP/1.1 400 ")


def test_header_values_stay_in_their_line(_base: Universe, monkeypatch: pytest.MonkeyPatch) -> None:
    universe = _base.fork()

    def finish(call: object, response: Response) -> None:
        response.headers.append(("x-said", "one\r\nset-cookie: two\x7f"))

    monkeypatch.setattr(universe.packs["notes"], "finish", finish)
    head = answers(universe, [GET])[0].partition(b"\r\n\r\n")[0]
    assert b"x-said: one  set-cookie: two \r\n" in head


def test_a_crash_is_the_vendors_error_and_seen_in_the_traffic(
    _base: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    universe = _base.fork()
    pack = universe.packs["notes"]
    with monkeypatch.context() as patch:
        patch.setattr(pack, "answer", lambda call: 1 / 0)
        response = universe.handle("notes", Request.build("GET", "/notes"))
        assert response.status == 500
        assert response.data() == pack.fault_response(None, 500, {}).data()  # type: ignore[arg-type]
        patch.setattr(pack, "fault_response", lambda *_: 1 / 0)
        assert universe.handle("notes", Request.build("GET", "/notes")).status == 500
    assert [exchange.gap for exchange in universe.tap] == ["crashed: ZeroDivisionError"] * 2
    assert "ZeroDivisionError" in universe.crashes[0]
    assert universe.gaps == []
    assert universe.handle("notes", Request.build("GET", "/notes")).status != 500


@pytest_asyncio.fixture
async def server(make: Make) -> AsyncIterator[Server]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = await serve(make(), "notes", sock)
    yield running
    await running.close()


async def talk(server: Server, *pieces: bytes) -> bytes:
    """Send pieces; everything the server says until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 20)
    except ConnectionError:  # it closed while we were still talking
        return b""
    finally:
        writer.close()


async def test_sleepy_clients_are_sent_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.protocol.IDLE_S", 0.4)
    monkeypatch.setattr("factory_tui.universe.protocol.REQUEST_S", 0.2)
    idle, done, half, slow = await asyncio.gather(
        talk(server),
        talk(server, GET),
        talk(server, GET, GET[:40]),
        talk(server, HEAD + b"content-length: 9\r\n\r\n", b"{"),
    )
    assert idle == b""
    assert done.startswith(b"HTTP/1.1 200 ")
    assert b" 408 " not in done
    assert half.count(b"HTTP/1.1 200 ") == half.count(b"HTTP/1.1 408 ") == 1
    assert slow.startswith(b"HTTP/1.1 408 ")


async def test_an_answer_that_is_late_is_no_sleepy_client(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.protocol.IDLE_S", 0.2)
    monkeypatch.setattr("factory_tui.universe.protocol.REQUEST_S", 0.2)
    universe = make()
    universe.faults.add({"twin": "notes", "delay": 0.8})
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = await serve(universe, "notes", sock)
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(GET)
    writer.write_eof()  # a client that says no more still wants to hear
    assert (await asyncio.wait_for(reader.read(), 20)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await running.close()


async def test_a_head_without_end_is_refused(server: Server) -> None:
    for data in (
        b"GET /" + b"a" * 200_000,
        FLAT + b"x-long: " + b"a" * 200_000,
        FLAT + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 100) for n in range(2000)) + b"\r\n",
    ):
        answer = await talk(server, *(data[at : at + 50_000] for at in range(0, len(data), 50_000)))
        assert answer.startswith(b"HTTP/1.1 431 ") or answer == b""


async def test_another_protocol_is_not_spoken(server: Server) -> None:
    offer = FLAT + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n"
    answer = await talk(server, offer + FLAT + b"connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 2
