"""WebSockets and TLS on the listener that serves a twin's HTTP."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from factory_tui.universe import Courier, Pack, Request, Server, Universe, load_packs, serve
from factory_tui.universe.tls import Authority

AUTH = {"authorization": "Bearer t0p"}


@pytest.fixture(scope="session")
def hook_packs(packs_folder: Path) -> dict[str, Pack]:
    return load_packs(packs_folder, ["hooks"])


@pytest.fixture
def universe(hook_packs: dict[str, Pack]) -> Universe:
    return Universe(hook_packs, debug=True)


def listener() -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


@pytest_asyncio.fixture
async def server(universe: Universe) -> AsyncIterator[Server]:
    running = await serve(universe, "hooks", listener())
    yield running
    await running.close()


@pytest_asyncio.fixture
async def client(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, headers=AUTH) as session:
        yield session


def texts(universe: Universe, table: str = "posts", field: str = "text") -> list[Any]:
    return [row[field] for row in universe.view("hooks")[table]]


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not check():
            await asyncio.sleep(0.005)


async def test_messages_both_ways(universe: Universe, client: aiohttp.ClientSession) -> None:
    async with client.ws_connect("/link?app=A1") as ws:
        assert await ws.receive_json() == {"type": "hello", "app": "A1"}
        await ws.send_json({"text": "from the socket"})
        await ws.send_json({"text": "x" * 200_000})
        await ws.ping()
        await ws.send_json({"bye": True})
        assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1001
    assert texts(universe) == ["from the socket", "x" * 200_000]
    await until(lambda: universe.sockets.of("hooks") == [])
    opened = universe.tap[0]
    assert (opened.status, opened.path, opened.principal) == (101, "/link?app=A1", "t0p")
    async with client.get("/posts") as response:  # HTTP goes on beside it
        assert response.status == 200


async def test_events_over_the_socket_are_acknowledged(
    universe: Universe, client: aiohttp.ClientSession
) -> None:
    async with Courier(universe) as courier, client.ws_connect("/link?app=A1") as ws:
        await ws.receive_json()
        hook = {"id": "h1", "url": "socket:A1", "delays": [0], "timeout": 0.2}
        async with client.post("/hooks", json=hook) as response:
            assert response.status == 201
        async with client.post("/posts", json={"text": "one"}) as response:
            assert response.status == 201
        first = await ws.receive_json()
        assert first["text"] == "one"
        again = await ws.receive_json()  # the first was not acknowledged in time
        assert again == first
        await ws.send_json({"ack": again["id"], "payload": {"view": 1}})
        await until(lambda: len(texts(universe, "log", "what")) == 2)
        await courier.flush()
    log = universe.view("hooks")["log"]
    assert [row["what"] for row in log] == ["one 1 timeout", "one 2 200"]
    assert log[1]["said"] == {"view": 1}


async def test_refused_and_broken_handshakes(
    universe: Universe, server: Server, client: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.ws_connect("/link", headers={"authorization": ""})
    assert refused.value.status == 401
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        b"GET /link?app=A HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0p\r\n"
        b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\r\n"
    )
    assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 400 ")
    writer.close()
    # Bytes that are no frame end that connection and nothing else.
    ws = await client.ws_connect("/link?app=A1")
    await ws.receive_json()
    assert ws._response.connection is not None
    transport = ws._response.connection.transport
    assert transport is not None
    transport.write(b"\xff\xff\xff\xff\xff\xff")  # type: ignore[attr-defined]
    assert (await ws.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    await until(lambda: universe.sockets.of("hooks") == [])
    assert universe.crashes == []


async def test_closing_the_server_ends_its_sockets(
    universe: Universe, client: aiohttp.ClientSession, server: Server
) -> None:
    ws = await client.ws_connect("/link?app=A1")
    await ws.receive_json()
    await server.close()
    message = await asyncio.wait_for(ws.receive(), 10)
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert universe.sockets.of("hooks") == []


async def test_https_for_whatever_host_is_asked_for(universe: Universe, tmp_path: Path) -> None:
    authority = Authority()
    server = await serve(universe, "hooks", listener(), tls=authority)
    assert server.url.startswith("https://")
    try:
        for host in ("slack.com", "acme.okta.com", "localhost"):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", server.port, ssl=authority.client(), server_hostname=host
            )
            certificate = writer.get_extra_info("peercert")
            assert (("DNS", host),) == certificate["subjectAltName"]
            writer.write(b"GET /posts HTTP/1.1\r\nhost: slack.com\r\nconnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
            writer.close()
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection(
                "127.0.0.1", server.port, ssl=ssl.create_default_context(), server_hostname="a.b"
            )
        bundle = authority.write(tmp_path / "ca.pem")
        trusting = ssl.create_default_context(cafile=str(bundle))
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session,
            session.ws_connect(f"https://localhost:{server.port}/link?app=A", headers=AUTH) as ws,
        ):
            assert (await ws.receive_json())["type"] == "hello"
    finally:
        await server.close()
    assert Authority.env("/ca.pem")["SSL_CERT_FILE"] == "/ca.pem"


def test_links_in_answers_follow_the_scheme() -> None:
    host = {"host": "slack.com"}
    assert Request("GET", "/", headers=host).base_url == "http://slack.com"
    assert Request("GET", "/", headers=host, scheme="https").base_url == "https://slack.com"
