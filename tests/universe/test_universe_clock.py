"""The clock that follows the real time: ``--clock now``."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from factory_tui.universe import Request, Universe, load_packs
from factory_tui.universe import clock as clocks
from factory_tui.universe.clock import TICK, LiveClock, clock_at
from factory_tui.universe.control import serve_control
from factory_tui.universe.standalone import serve_packs

TWINS = Path(__file__).resolve().parents[2] / "twins"
NEAR = 120  # seconds: what a loaded machine may need between two lines


class Real:
    """The machine's clock, as the test wants it."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000

    def time_ns(self) -> int:
        return self.seconds * 1_000_000_000

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Real:
    there = Real()
    monkeypatch.setattr(clocks, "time", there)
    return there


def test_it_follows_and_never_goes_back(real: Real) -> None:
    clock = clock_at("now")
    assert clock.live
    assert clock.now() == real.moment
    one, two = clock.tick(), clock.tick()
    assert 0 < two - one < 10
    real.seconds += 60
    assert clock.tick() == real.seconds * 1_000_000
    real.seconds -= 3600  # somebody puts the machine's clock back
    before = clock.micros
    assert before < clock.tick() < before + 10
    assert clock.iso() == "2027-01-15T08:01:00.000Z"
    assert not clock_at("2026-03-02T09:00:00Z").live
    with pytest.raises(ValueError, match=r"clock noon: give a time such as .*, or now"):
        clock_at("noon")


def test_what_it_is_advanced_by_stays_on_top(real: Real) -> None:
    clock = LiveClock()
    clock.advance(3600)
    assert clock.now() == real.moment + timedelta(hours=1)
    other = clock.fork()
    real.seconds += 5
    for one in (clock, other):
        one.tick()
        assert one.now() == real.moment + timedelta(hours=1)
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    real.seconds += 5
    clock.advance(0)
    assert clock.now() == real.moment + timedelta(hours=1)
    assert other.now() == real.moment + timedelta(hours=1) - timedelta(seconds=5)


def test_a_delayed_answer_takes_its_time_once(real: Real) -> None:
    notes = load_packs(Path(__file__).parent / "packs", ["notes"])
    fault = {"twin": "notes", "delay": 3600}
    fixed, live = Universe(notes), Universe(notes, clock="now")
    before = fixed.clock.now()
    for universe in (fixed, live):
        universe.faults.add(fault)
        universe.handle("notes", Request.build("GET", "/notes", {}, b""))
    assert fixed.clock.now() - before == timedelta(hours=1) + TICK
    # Whoever serves keeps the answer back for that hour; then it is an hour later.
    assert live.clock.now() - real.moment < timedelta(seconds=1)


def test_restored_snapshots_meet_the_present(real: Real) -> None:
    universe = Universe({}, clock="now")
    start = universe.snapshot()
    universe.advance(86_400)
    ahead = universe.snapshot()
    real.seconds += 10
    universe.restore(start)
    assert universe.clock.now() == real.moment
    real.seconds += 10
    universe.restore(ahead)
    assert universe.clock.now() == real.moment - timedelta(seconds=20) + timedelta(days=1)


def post(url: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(url + path, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


async def until(found: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
        while not found():
            await asyncio.sleep(0.05)


async def test_served_twins_show_the_time_of_their_clients() -> None:
    serving = await serve_packs(["slack"], 0, folder=TWINS, clock="now")
    control = await serve_control(serving)
    try:
        env = serving.env
        client = AsyncWebClient(env["SLACK_TOKEN"], base_url=env["SLACK_URL"])
        channel = (await client.conversations_create(name="present"))["channel"]["id"]
        began = time.time()
        said = await client.chat_postMessage(channel=channel, text="now")
        assert began - NEAR < float(said["ts"]) < time.time() + NEAR
        # What is due comes by itself as time passes.
        await client.chat_scheduleMessage(
            channel=channel, text="soon", post_at=int(time.time()) + 2
        )

        def texts() -> list[str]:
            return [row["text"] for row in serving.universe.view("slack")["messages"]]

        assert "soon" not in texts()
        await until(lambda: "soon" in texts())
        # A fork and another data set follow the real time too, and advance on top of it.
        url = f"http://127.0.0.1:{control.port}"
        fork = await asyncio.to_thread(post, url, "/universes", {"name": "fork"})
        told = await asyncio.to_thread(post, url, "/universes/fork/clock", {"advance": 86_400})
        ahead = datetime.fromisoformat(told["now"]).timestamp() - time.time()
        assert abs(ahead - 86_400) < NEAR
        await asyncio.to_thread(post, url, "/universes/main/seed", {"org": "acme-12"})
        for env, ahead in ((serving.env, 0), (fork["env"], 86_400)):
            client = AsyncWebClient(env["SLACK_TOKEN"], base_url=env["SLACK_URL"])
            me = (await client.auth_test())["user_id"]
            to = (await client.conversations_open(users=me))["channel"]["id"]
            said = await client.chat_postMessage(channel=to, text="later")
            assert abs(float(said["ts"]) - time.time() - ahead) < NEAR
    finally:
        await control.close()
        await serving.close()
