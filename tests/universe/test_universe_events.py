"""Events: queued by the request, delivered on the virtual clock, in order, over real HTTP."""

import asyncio
import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from factory_tui.universe import (
    Courier,
    FaultError,
    Outgoing,
    Pack,
    Reply,
    Request,
    Server,
    Universe,
    load_packs,
    serve,
)

AUTH = {"authorization": "Bearer t0p"}


@pytest.fixture(scope="session")
def hook_packs(packs_folder: Path) -> dict[str, Pack]:
    return load_packs(packs_folder, ["hooks"])


@pytest.fixture
def universe(hook_packs: dict[str, Pack]) -> Universe:
    return Universe(hook_packs, debug=True)


class Receiver:
    """A real web server that notes what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[dict[str, str], dict[str, Any], bytes]] = []
        self.answers: list[int | Callable[[web.Request], Any]] = []

    @property
    def texts(self) -> list[str]:
        return [body["text"] for _, body, _ in self.got]

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return web.Response(text=request.headers["x-challenge"])
        raw = await request.read()
        self.got.append((dict(request.headers), await request.json(), raw))
        answer = self.answers.pop(0) if self.answers else 200
        if callable(answer):
            made: web.StreamResponse = await answer(request)
            return made
        return web.json_response({"thanks": True}, status=answer)


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    runner = web.ServerRunner(web.Server(made))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def courier(universe: Universe) -> AsyncIterator[Courier]:
    async with Courier(universe) as running:
        yield running


@pytest_asyncio.fixture
async def server(universe: Universe) -> AsyncIterator[Server]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    running = await serve(universe, "hooks", sock)
    yield running
    await running.close()


def ask(universe: Universe, line: str, body: Any = None) -> Any:
    method, target = line.split(" ", 1)
    return universe.handle("hooks", Request.build(method, target, AUTH, body or {})).data()


async def fetch(method: str, url: str, body: Any = None) -> Any:
    async with (
        aiohttp.ClientSession(headers=AUTH) as session,
        session.request(method, url, json=body) as response,
    ):
        return await response.json()


def hook(universe: Universe, url: str, **more: Any) -> None:
    ask(universe, "POST /hooks", {"id": "h1", "url": url, **more})


def post(universe: Universe, text: str) -> None:
    assert ask(universe, "POST /posts", {"text": text}) == {"ok": True}


def log(universe: Universe) -> list[str]:
    return [row["what"] for row in universe.view("hooks")["log"]]


async def test_a_request_queues_and_the_courier_delivers_signed(
    universe: Universe, receiver: Receiver, courier: Courier
) -> None:
    hook(universe, receiver.url)
    post(universe, "one")
    assert receiver.got == []
    assert [d.event.payload for d in universe.outbox.pending] == [{"text": "one"}]
    await courier.flush()
    headers, body, raw = receiver.got[0]
    assert body["text"] == "one"
    expected = hmac.new(b"s3cret", raw, hashlib.sha256).hexdigest()
    assert headers["x-signature"] == expected
    assert headers["x-attempt"] == "1"
    assert len(universe.outbox) == 0
    seen = universe.tap[-1]
    assert (seen.direction, seen.twin, seen.operation, seen.status) == ("out", "hooks", "post", 200)
    assert (seen.path, seen.request_body) == (receiver.url, raw)
    assert seen.to_dict()["direction"] == "out"


async def test_events_leave_on_their_own_while_the_twin_is_served(
    universe: Universe, receiver: Receiver, courier: Courier, server: Server
) -> None:
    hook(universe, receiver.url)
    told = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        # The receiver may call the twin while it is being told.
        assert await fetch("GET", f"{server.url}/posts") == ["one"]
        told.set()
        return web.Response()

    receiver.answers.append(answer)
    assert await fetch("POST", f"{server.url}/posts", {"text": "one"}) == {"ok": True}
    await asyncio.wait_for(told.wait(), 10)


async def test_retries_run_on_the_virtual_clock(
    universe: Universe, receiver: Receiver, courier: Courier
) -> None:
    hook(universe, receiver.url, delays=[0, 60, 300])
    receiver.answers += [500, 503, 404]
    post(universe, "one")
    await courier.flush()
    assert len(receiver.got) == 2  # the first retry is immediate
    await courier.advance(59)
    assert len(receiver.got) == 2
    await courier.advance(400)
    assert [headers["x-attempt"] for headers, _, _ in receiver.got] == ["1", "2", "3", "4"]
    assert [headers.get("x-reason") for headers, _, _ in receiver.got] == [
        None,
        "500",
        "503",
        "404",
    ]
    rows = universe.view("hooks")["log"]
    assert [row["what"] for row in rows] == ["one 1 500", "one 2 503", "one 3 404", "one 4 200"]
    assert rows[2]["at"][11:19] == "09:01:00"
    assert rows[3]["at"][11:19] == "09:06:00"
    assert universe.clock.iso()[11:19] == "09:07:39"
    assert universe.outbox.failed == []


async def test_what_is_given_up(universe: Universe, receiver: Receiver, courier: Courier) -> None:
    hook(universe, receiver.url, delays=[1])

    async def never(request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"x-no-retry": "1"})

    receiver.answers += [never, 500, 500]
    post(universe, "no retry wanted")
    post(universe, "twice failed")
    await courier.advance(10)
    assert log(universe) == ["no retry wanted 1 500", "twice failed 1 500", "twice failed 2 500"]
    assert [d.event.payload["text"] for d, _ in universe.outbox.failed] == [
        "no retry wanted",
        "twice failed",
    ]


async def test_receivers_that_do_not_answer(universe: Universe, courier: Courier) -> None:
    with socket.socket() as deaf, socket.socket() as closed:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        closed.bind(("127.0.0.1", 0))
        hook(universe, f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=0.1)
        post(universe, "deaf")
        await courier.flush()
        hook(universe, f"http://127.0.0.1:{closed.getsockname()[1]}/")
        post(universe, "closed")
        hook(universe, "ftp://nowhere")
        post(universe, "odd")
        hook(universe, "socket:app")
        post(universe, "nobody connected")
        await courier.flush()
    ends = [entry.rsplit(" 1 ")[1] for entry in log(universe)]
    assert ends[0] == "timeout"
    assert ends[1] == "connection refused"
    assert ends[2].startswith("no HTTP")
    assert ends[3] == "no connection"
    assert [exchange.status for exchange in universe.tap if exchange.direction == "out"] == [0] * 4


async def test_plans_for_events(universe: Universe, receiver: Receiver, courier: Courier) -> None:
    hook(universe, receiver.url)
    for fault in (
        {"twin": "hooks", "event": "post", "nth": 1, "drop": True},
        {"twin": "hooks", "event": "po*", "nth": 2, "duplicate": 1},
        {"twin": "*", "event": "post", "nth": 3, "reorder": True},
        {"twin": "hooks", "event": "post", "nth": 5, "missign": True},
        {"twin": "hooks", "event": "post", "nth": 6, "delay": 30},
        {"twin": "hooks", "event": "other", "drop": True},
    ):
        universe.faults.add(fault)
    for text in ("dropped", "twice", "late", "overtakes", "forged", "slow", "last"):
        post(universe, text)
    await courier.flush()
    assert receiver.texts == ["twice", "twice", "overtakes", "late", "forged", "last"]
    ids = [body["id"] for _, body, _ in receiver.got]
    assert ids[0] == ids[1]
    right = [
        headers["x-signature"] == hmac.new(b"s3cret", raw, hashlib.sha256).hexdigest()
        for headers, _, raw in receiver.got
    ]
    assert right == [True, True, True, True, False, True]
    await courier.advance(29)
    assert receiver.texts[6:] == []
    await courier.advance(1)
    assert receiver.texts[6:] == ["slow"]
    told = [exchange.fault for exchange in universe.tap if exchange.direction == "out"]
    assert told == ["duplicated"] * 2 + ["", "reordered", "mis-signed", "", "delayed 30 s"]


async def test_one_to_be_reordered_goes_alone_in_the_end(
    universe: Universe, receiver: Receiver, courier: Courier
) -> None:
    hook(universe, receiver.url)
    universe.faults.add({"twin": "hooks", "event": "post", "reorder": True})
    post(universe, "alone")
    await courier.advance(4)
    assert receiver.texts == []
    await courier.advance(2)
    assert receiver.texts == ["alone"]


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ({"twin": "hooks", "event": "post"}, "nothing goes wrong"),
        ({"event": "post", "drop": True}, "twin"),
        ({"twin": "hooks", "event": "post", "reply": 500}, "reply: no such field"),
        ({"twin": "hooks", "event": "post", "drop": "yes"}, "wrong type"),
        ({"twin": "hooks", "event": "post", "duplicate": 1000}, "at most"),
        ({"twin": "hooks", "event": "post", "delay": -1}, "negative"),
        ({"twin": "hooks", "event": "post", "drop": True, "probability": 2}, "between 0 and 1"),
    ],
)
def test_plans_that_make_no_sense(universe: Universe, fault: dict[str, Any], problem: str) -> None:
    with pytest.raises(FaultError, match=problem):
        universe.faults.add(fault)


async def test_forks_and_snapshots_carry_what_is_on_its_way(
    universe: Universe, receiver: Receiver
) -> None:
    hook(universe, receiver.url)
    post(universe, "one")
    before = universe.snapshot()
    fork = universe.fork()
    async with Courier(universe) as courier:
        await courier.flush()
    assert receiver.texts == ["one"]
    assert (len(universe.outbox), len(fork.outbox)) == (0, 1)
    universe.restore(before)
    assert len(universe.outbox) == 1
    async with Courier(fork) as courier:
        await courier.flush()
    assert receiver.got[0][1:] == receiver.got[1][1:]  # the same event, byte for byte
    assert log(universe) == []


async def test_what_is_scheduled_happens_on_the_way(
    universe: Universe, receiver: Receiver, courier: Courier
) -> None:
    hook(universe, receiver.url, delays=[90])
    receiver.answers.append(500)
    ask(universe, "POST /later", {"at": "2026-03-02T09:02:00Z", "text": "second"})
    ask(universe, "POST /later", {"at": "2026-03-02T09:01:00Z", "text": "first"})
    await courier.advance(3600)
    assert [(row["at"][11:19], row["what"]) for row in universe.view("hooks")["log"]] == [
        ("09:01:00", "first 1 500"),
        ("09:02:00", "second 1 200"),
        ("09:02:30", "first 2 200"),
    ]
    ask(universe, "POST /later", {"at": "2026-03-02T11:00:00Z", "text": "third"})
    universe.advance(7200)  # without delivering
    assert ask(universe, "GET /posts")[-1] == "third"


async def test_a_handler_that_asks_outside(
    universe: Universe, receiver: Receiver, courier: Courier, server: Server
) -> None:
    hook(universe, receiver.url)
    async with aiohttp.ClientSession(server.url, headers=AUTH) as session:
        async with session.post("/hooks/h1/verify") as response:
            assert response.status == 200
            assert (await response.json())["verified"] is True
        hook(universe, "http://127.0.0.1:1/")
        async with session.post("/hooks/h1/verify") as response:
            assert response.status == 400
            assert await response.json() == {"error": "connection refused"}
    assert [exchange.operation for exchange in universe.tap].count("verifyHook") == 2


def test_without_a_courier_asking_fails_at_once(universe: Universe) -> None:
    hook(universe, "http://127.0.0.1:1/")
    assert ask(universe, "POST /hooks/h1/verify") == {"error": "nobody delivers here"}
    assert universe.tap[-1].status == 400


def test_a_pack_that_fails_to_word_an_event_is_a_crash_of_the_twin(
    universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(universe, "http://127.0.0.1:1/")
    post(universe, "one")

    def broken(*_: Any) -> Outgoing:
        raise RuntimeError("no words")

    monkeypatch.setattr(universe.packs["hooks"], "outgoing", broken)
    delivery = universe.outbox.pending[0]
    universe.settle(delivery, universe.prepare(delivery, 0), Reply.nothing("no words"))
    assert universe.failures == ["a twin crashed: RuntimeError: no words"]


async def test_a_courier_ends_though_its_cancellation_is_swallowed(
    universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    courier = Courier(universe)
    began = asyncio.Event()

    async def swallow() -> int:
        began.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 0

    monkeypatch.setattr(courier, "flush", swallow)
    courier.start()
    await began.wait()
    async with asyncio.timeout(10):
        await courier.close()
