"""The control API of twins that stand alone, and universes beside one another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from factory_tui.universe import Server
from factory_tui.universe.control import serve_control
from factory_tui.universe.standalone import Serving, serve_packs

AUTH = {"authorization": "Bearer t0p"}


@pytest_asyncio.fixture
async def serving(packs_folder: Path) -> AsyncIterator[Serving]:
    running = await serve_packs(["notes", "hooks"], 0, folder=packs_folder)
    yield running
    await running.close()


@pytest_asyncio.fixture
async def control(serving: Serving) -> AsyncIterator[Server]:
    running = await serve_control(serving)
    yield running
    await running.close()


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


class Api:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session, self.base = session, base

    async def __call__(self, line: str, body: Any = None, status: int = 200) -> Any:
        method, path = line.split(" ")
        async with self.session.request(method, self.base + path, json=body) as response:
            data = await response.json()
            assert response.status == status, data
            return data


@pytest.fixture
def api(session: aiohttp.ClientSession, control: Server) -> Api:
    return Api(session, control.url)


async def notes(session: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with session.get(f"{url}/notes", headers=AUTH | headers) as response:
        assert response.status == 200, await response.text()
        return len(await response.json())


async def add(session: aiohttp.ClientSession, url: str, **headers: str) -> None:
    async with session.post(f"{url}/notes", headers=AUTH | headers) as response:
        assert response.status == 201


async def test_reset_snapshot_restore_and_diff(api: Api, session: aiohttp.ClientSession) -> None:
    main = await api("GET /universes/main")
    url = main["twins"]["notes"]["url"]
    assert main["env"]["NOTES_URL"] == url
    await add(session, url)
    assert await api("POST /universes/main/snapshots", {"name": "one"}) == {"snapshot": "one"}
    await add(session, url)
    changed = await api("GET /universes/main/snapshots/one/diff")
    (row,) = changed["notes"]["notes"]
    assert row["before"] is None
    assert row["after"]["owner"] == "bot"
    assert len((await api("GET /universes/main/snapshots/start/diff"))["notes"]["notes"]) == 2
    await api("POST /universes/main/snapshots/one/restore")
    assert await notes(session, url) == 13
    assert len((await api("GET /universes/main/view/notes"))["notes"]) == 13
    assert await api("GET /universes/main/snapshots") == {"snapshots": ["start", "one"]}
    await api("POST /universes/main/reset")
    assert await notes(session, url) == 12
    assert len((await api("GET /universes/main/traffic"))["traffic"]) == 1


async def test_seed_puts_another_data_set_behind_the_same_ports(
    api: Api, session: aiohttp.ClientSession
) -> None:
    url = (await api("GET /universes/main"))["twins"]["notes"]["url"]
    told = await api(
        "POST /universes/main/seed", {"org": "acme-300", "clock": "2030-01-01T00:00:00Z"}
    )
    assert told["twins"]["notes"] == {"url": url, "env": {"NOTES_URL": url}, "seed": "acme-300"}
    assert told["clock"].startswith("2030-01-01")
    assert await notes(session, url) == 300
    problem = await api("POST /universes/main/seed", {"org": "nowhere"}, 400)
    assert 'has no seed "nowhere"' in problem["error"]
    assert await notes(session, url) == 300


async def test_universes_by_port_header_and_host_label(
    api: Api, session: aiohttp.ClientSession, serving: Serving
) -> None:
    main = serving.twins[0].url
    port = main.rpartition(":")[2]
    await add(session, main)
    fork = await api("POST /universes", {"name": "t1"})
    own = fork["twins"]["notes"]["url"]
    assert own != main
    await add(session, own)
    await add(session, main, **{"x-universe": "t1"})
    await add(session, main, host=f"t1.localhost:{port}")
    assert await notes(session, own) == 16
    assert await notes(session, main) == 13
    assert await notes(session, main, host=f"other.localhost:{port}") == 13
    async with session.get(f"{main}/notes", headers=AUTH | {"x-universe": "gone"}) as response:
        assert response.status == 404
    child = await api("POST /universes", {"from": "t1"})
    assert child["name"] == "u1"
    assert await notes(session, child["twins"]["notes"]["url"]) == 16
    assert [u["name"] for u in (await api("GET /"))["universes"]] == ["main", "t1", "u1"]
    await api("DELETE /universes/t1")
    with pytest.raises(aiohttp.ClientConnectionError):
        await notes(session, own)
    await api("GET /universes/t1", status=404)


async def test_faults_and_time(api: Api, session: aiohttp.ClientSession, serving: Serving) -> None:
    url = serving.twins[0].url
    added = await api(
        "POST /universes/main/faults",
        [
            {"twin": "notes", "match": "listNotes", "times": 1, "reply": 503},
            {"twin": "hooks", "event": "post", "drop": True},
        ],
    )
    assert [fault["twin"] for fault in added["faults"]] == ["notes", "hooks"]
    async with session.get(f"{url}/notes", headers=AUTH) as response:
        assert response.status == 503
    bad = [{"twin": "notes", "reply": 503}, {"twin": "notes", "repli": 503}]
    problem = await api("POST /universes/main/faults", bad, 400)
    assert "repli: no such field" in problem["error"]
    assert len((await api("GET /universes/main/faults"))["faults"]) == 2  # all or none
    assert await api("DELETE /universes/main/faults") == {"faults": []}
    before = (await api("GET /universes/main/clock"))["now"]
    after = (await api("POST /universes/main/clock", {"advance": 86400}))["now"]
    assert (before[8:10], after[8:10]) == ("02", "03")


async def test_events_are_delivered_and_listed(
    api: Api, session: aiohttp.ClientSession, serving: Serving
) -> None:
    url = serving.twins[1].url
    hook = {"id": "h1", "url": "http://127.0.0.1:1/", "delays": [60]}
    async with session.post(f"{url}/hooks", json=hook, headers=AUTH) as response:
        assert response.status == 201
    async with session.post(f"{url}/posts", json={"text": "hi"}, headers=AUTH) as response:
        assert response.status == 201
    async with asyncio.timeout(10):
        while True:
            events = await api("GET /universes/main/events")
            if events["pending"] and events["pending"][0]["attempt"] == 2:
                break
    await api("POST /universes/main/clock", {"advance": 61})
    events = await api("GET /universes/main/events")
    assert events["pending"] == []
    assert events["failed"][0]["error"] == "connection refused"
    traffic = (await api("GET /universes/main/traffic?twin=hooks"))["traffic"]
    assert [row.get("direction", "in") for row in traffic] == ["in", "in", "out", "out"]


async def test_traffic_as_a_stream(
    api: Api, session: aiohttp.ClientSession, control: Server, serving: Serving
) -> None:
    url = serving.twins[0].url
    await add(session, url)
    await add(session, url)
    place = f"{control.url}/universes/main/traffic?follow=1&after=1"
    async with session.get(place) as stream, asyncio.timeout(10):
        first = orjson.loads(await stream.content.readline())
        assert (first["n"], first["operation"]) == (2, "createNote")
        await notes(session, url)
        assert orjson.loads(await stream.content.readline())["operation"] == "listNotes"
    async with asyncio.timeout(10):
        while serving.main.listeners:
            await asyncio.sleep(0.005)


async def test_scenario_operations_and_gaps(
    api: Api, session: aiohttp.ClientSession, serving: Serving
) -> None:
    url = serving.twins[0].url
    async with session.get(f"{url}/notes/n1", headers=AUTH) as response:
        owner = (await response.json())["owner"]
    args = {"from": owner, "to": "zed@acme.example"}
    applied = {"twin": "notes", "op": "rename_owner", "args": args}
    assert await api("POST /universes/main/apply", applied) == {"result": "zed@acme.example"}
    problem = await api("POST /universes/main/apply", applied, 400)
    assert "nobody owns a note" in problem["error"]
    async with session.get(f"{url}/notes/n1/history", headers=AUTH) as response:
        assert response.status == 501
    assert await api("GET /universes/main/gaps") == {"gaps": ["notes: getHistory"], "crashes": []}


@pytest.mark.parametrize(
    ("line", "body", "status", "sentence"),
    [
        ("GET /nowhere", None, 404, 'there is no "/nowhere"'),
        ("PUT /universes", None, 405, "use GET, POST"),
        ("GET /universes/gone", None, 404, 'no universe "gone"'),
        ("POST /universes", {"from": "gone"}, 404, 'no universe "gone"'),
        ("POST /universes", {"name": "main"}, 400, "already"),
        ("POST /universes", {"name": "Not a label"}, 400, "no name"),
        ("POST /universes", {"nam": "x"}, 400, "no such field"),
        ("POST /universes", [], 400, "JSON object"),
        ("DELETE /universes/main", None, 400, "stays"),
        ("POST /universes/main/clock", {"advance": -1}, 400, "forward"),
        ("POST /universes/main/clock", {"advance": "1h"}, 400, "number"),
        ("POST /universes/main/faults", 7, 400, "JSON object"),
        ("POST /universes/main/snapshots", {"name": "start"}, 400, "cannot be called"),
        ("POST /universes/main/snapshots/gone/restore", None, 404, 'no snapshot "gone"'),
        ("GET /universes/main/traffic?after=x", None, 400, "invalid literal"),
        ("GET /universes/main/view/gone", None, 404, 'no twin "gone"'),
        ("POST /universes/main/apply", {"twin": "gone"}, 400, 'no twin "gone"'),
    ],
)
async def test_what_is_wrong_is_said(
    api: Api, line: str, body: Any, status: int, sentence: str
) -> None:
    assert sentence in (await api(line, body, status))["error"]


async def test_web_pages_and_broken_bodies_are_refused(
    session: aiohttp.ClientSession, control: Server
) -> None:
    place = f"{control.url}/universes/main/reset"
    async with session.post(place, headers={"origin": "http://evil.test"}) as response:
        assert response.status == 403
    async with session.post(f"{control.url}/universes", data=b"{") as response:
        assert response.status == 400
        assert "not JSON" in (await response.json())["error"]
