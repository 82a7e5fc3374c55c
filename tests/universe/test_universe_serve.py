"""Twins over HTTP: framing, broken connections, delays, hostile bytes, and serving alone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from factory_tui.universe import Server, Universe, serve
from factory_tui.universe.standalone import serve_packs

AUTH = {"authorization": "Bearer t0p"}
Make = Callable[..., Universe]


@pytest.fixture
def universe(make: Make) -> Universe:
    return make()


@pytest_asyncio.fixture
async def server(universe: Universe) -> AsyncIterator[Server]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = await serve(universe, "notes", sock)
    yield running
    await running.close()


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers=AUTH) as session:
        yield session


async def raw(server: Server, data: bytes, end: bytes = b"}") -> bytes:
    """Send bytes and read until the answer ends so, the server closes or 3 s pass."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(data)
    answer = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), 3):
            answer += piece
            if answer.endswith(end):
                break
    except (TimeoutError, ConnectionError):
        pass
    writer.close()
    return answer


async def test_requests_over_one_connection(
    universe: Universe, client: aiohttp.ClientSession
) -> None:
    async with client.get("/notes", params={"limit": "1"}) as response:
        assert response.status == 200
        assert response.headers["Date"] == "Mon, 02 Mar 2026 09:00:00 GMT"
        assert len(await response.json()) == 12
    async with client.post("/notes", json={}) as response:
        assert response.status == 201
    async with client.delete("/notes/n1") as response:
        assert (response.status, await response.read()) == (204, b"")
    async with client.head("/notes") as response:
        assert response.status == 405
    assert universe.tap[0].path == "/notes?limit=1"
    assert dict(universe.tap[1].request_headers)["content-type"] == "application/json"


async def test_chunked_bodies_arrive_whole(
    universe: Universe, client: aiohttp.ClientSession
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b"x" * 10_000

    async with client.post("/notes", data=pieces()) as response:
        assert response.status == 201
    assert universe.tap[0].request_body == b"x" * 500_000


async def test_pipelined_requests_are_answered_in_order(server: Server) -> None:
    one = b"GET /notes/n1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n\r\n"
    two = b"GET /notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n\r\n"
    answer = await raw(server, one + two, b"]")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.index(b'{"id":"n1"') < answer.index(b'[{"id":"n0"')


async def test_a_pipelined_request_waits_for_the_one_before(
    universe: Universe, server: Server
) -> None:
    universe.faults.add({"twin": "notes", "match": "getNote", "delay": 0.2})
    ask = "GET /notes{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n\r\n"
    last = "GET /notes/n3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    wanted = ask.format("/n1") + ask.format("/n2") + ask.format("") * 400 + last
    answer = await raw(server, wanted.encode(), b"never")
    assert answer.count(b"HTTP/1.1 200 OK") == 402
    assert answer.index(b'{"id":"n1"') < answer.index(b'{"id":"n2"') < answer.index(b"[{")
    assert [exchange.path for exchange in universe.tap[:3]] == ["/notes/n1", "/notes/n2", "/notes"]


async def test_old_and_odd_clients(universe: Universe, server: Server) -> None:
    old = b"GET /notes/n1 HTTP/1.0\r\nauthorization: Bearer t0p\r\n\r\n"
    answer = await raw(server, old, b"never")
    assert b"connection: close" in answer
    assert answer.endswith(b"}")
    patient = (
        b"POST /notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
        b"expect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(patient)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await reader.read()).startswith(b"HTTP/1.1 201 Created\r\n")
    writer.close()
    upgrade = (
        b"GET /notes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
        b"connection: upgrade\r\nupgrade: websocket\r\n\r\n"
    )
    assert (await raw(server, upgrade, b"]")).startswith(b"HTTP/1.1 200 OK\r\n")
    assert [exchange.status for exchange in universe.tap] == [200, 201, 200]


@pytest.mark.parametrize("when", ["before", "after-commit"])
async def test_dropped_connections(
    universe: Universe, client: aiohttp.ClientSession, when: str
) -> None:
    universe.faults.add({"twin": "notes", "match": "createNote", "nth": 1, "drop": when})
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post("/notes")
    async with client.post("/notes") as response:
        assert response.status == 201
    assert len(universe.view("notes")["notes"]) == (13 if when == "before" else 14)


async def test_a_reset_in_the_middle_of_the_body(
    universe: Universe, client: aiohttp.ClientSession
) -> None:
    universe.faults.add({"twin": "notes", "match": "listNotes", "times": 1, "reset": True})
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        async with client.get("/notes") as response:
            assert response.status == 200
            await response.read()
    async with client.get("/notes") as response:
        assert len(await response.json()) == 12


async def test_a_delay_is_real(universe: Universe, client: aiohttp.ClientSession) -> None:
    universe.faults.add({"twin": "notes", "match": "listNotes", "times": 1, "delay": 30})
    with pytest.raises(TimeoutError):
        await client.get("/notes", timeout=aiohttp.ClientTimeout(total=0.3))
    async with client.get("/notes") as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /notes HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /notes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /notes/%00%ff%zz?%=%&a HTTP/1.1\r\nhost: x\r\nauthorization: \xff\r\n\r\n",
    ],
)
async def test_hostile_bytes_leave_the_server_alive(
    universe: Universe, server: Server, client: aiohttp.ClientSession, data: bytes
) -> None:
    answer = await asyncio.wait_for(raw(server, data), 10)
    assert b" 500 " not in answer
    async with client.get("/notes") as response:
        assert response.status == 200
    assert universe.crashes == []


async def test_a_body_beyond_reason_closes_the_connection(
    universe: Universe, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("factory_tui.universe.protocol.MAX_BODY", 100_000)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post("/notes", data=b"x" * 5_000_000)
    assert universe.tap == []


async def test_closing_a_server_ends_its_connections(universe: Universe) -> None:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = await serve(universe, "notes", sock)
    universe.faults.add({"twin": "notes", "delay": 60})
    async with aiohttp.ClientSession(server.url, headers=AUTH) as session:
        pending = asyncio.create_task(session.get("/notes"))
        while not universe.tap:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(server.close(), 5)
        with pytest.raises(aiohttp.ClientConnectionError):
            await pending


async def test_two_universes_on_two_ports_are_two_worlds(make: Make) -> None:
    urls = []
    servers = []
    universes = [make(), make()]
    for universe in universes:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        servers.append(await serve(universe, "notes", sock))
        urls.append(servers[-1].url)
    async with aiohttp.ClientSession(headers=AUTH) as session:
        async with session.post(urls[0] + "/notes") as response:
            assert response.status == 201
        async with session.get(urls[1] + "/notes") as response:
            assert len(await response.json()) == 12
    assert [len(universe.tap) for universe in universes] == [1, 1]
    for server in servers:
        await server.close()


async def test_packs_can_be_served_alone(packs_folder: Path) -> None:
    seen = []
    serving = await serve_packs(["notes"], 0, 7, seen.append, folder=packs_folder, org="acme-300")
    assert serving.env == {"NOTES_URL": serving.twins[0].url}
    async with (
        aiohttp.ClientSession(headers=AUTH) as session,
        session.get(serving.twins[0].url + "/notes") as response,
    ):
        assert len(await response.json()) == 300
    assert [exchange.operation for exchange in seen] == ["listNotes"]
    port = int(serving.twins[0].url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"):
        await serve_packs(["notes"], port, folder=packs_folder)
    await serving.close()
