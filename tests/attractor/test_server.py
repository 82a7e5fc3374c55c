"""The HTTP server, with a real client over a real socket."""

import asyncio
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from factory_tui.attractor import (
    Context,
    Node,
    PipelineServer,
    Serving,
    parse_dot,
    render_svg,
    serve_pipelines,
)

GATE = """
digraph Review {
    graph [goal="ship", label="Review"]
    start [shape=Mdiamond] exit [shape=Msquare]
    work [prompt="Do $goal"]
    gate [shape=hexagon, label="Ship it?"]
    start -> work -> gate
    gate -> exit [label="[S] Ship"]
    gate -> work [label="[F] Fix"]
}
"""
SLOW = """digraph S { start [shape=Mdiamond] exit [shape=Msquare] slow [prompt=x]
    start -> slow -> exit }"""


async def answer(node: Node, prompt: str, context: Context) -> str:
    if node.id == "slow":
        await asyncio.sleep(3600)
    return f"done: {prompt}"


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Serving]:
    running = await serve_pipelines(PipelineServer(tmp_path, backend=answer))
    yield running
    await running.close()


@pytest.fixture
async def client(serving: Serving) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(serving.url) as session:
        yield session


async def get(client: aiohttp.ClientSession, path: str) -> Any:
    async with client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def post(client: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with client.post(path, json=body) as response:
        return response.status, await response.json()


async def events(
    client: aiohttp.ClientSession,
    path: str,
    until: Callable[[dict[str, Any]], bool] = lambda event: False,
    **headers: str,
) -> list[dict[str, Any]]:
    """Read an event stream until it ends or an event fits."""
    found: list[dict[str, Any]] = []
    async with client.get(path, headers=headers) as response:
        assert response.content_type == "text/event-stream"
        number = 0
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("id: "):
                number = int(line[4:])
            if line.startswith("data: "):
                event = {**json.loads(line[6:]), "seq": number}
                found.append(event)
                if until(event):
                    return found
    return found


def asked(event: dict[str, Any]) -> bool:
    return bool(event["kind"] == "InterviewStarted")


async def test_a_pipeline_from_submission_to_answer_to_end(
    client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    status, made = await post(client, "/pipelines", {"dot": GATE, "context": {"given": 7}})
    assert (status, made["name"], made["status"]) == (201, "Review", "running")
    base = f"/pipelines/{made['id']}"
    seen = await events(client, f"{base}/events", until=asked)
    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    assert seen[0]["kind"] == "PipelineStarted"

    (question,) = await get(client, f"{base}/questions")
    assert (question["text"], question["stage"]) == ("Ship it?", "gate")
    assert [option["key"] for option in question["options"]] == ["S", "F"]
    now = await get(client, base)
    assert (now["current_node"], now["questions"]) == ("gate", 1)
    assert now["stages"]["work"] == "success"
    reply = f"{base}/questions/{question['id']}/answer"
    status, told = await post(client, reply, {"answer": "maybe"})
    assert (status, told["error"]) == (400, "'maybe' is not one of the answers S, F")
    assert (await post(client, reply, {"answer": "f"}))[1]["label"] == "[F] Fix"

    rest = await events(
        client, f"{base}/events", until=asked, **{"Last-Event-ID": str(seen[-1]["seq"])}
    )
    assert rest[0]["seq"] == seen[-1]["seq"] + 1, "the stream goes on where it was cut off"
    (again,) = await get(client, f"{base}/questions")
    assert again["id"] != question["id"]
    assert (await post(client, reply, {"answer": "S"}))[0] == 404, "that one is settled"
    status, _ = await post(client, f"{base}/questions/{again['id']}/answer", {"answer": "[S] Ship"})
    assert status == 200

    everything = await events(client, f"{base}/events")
    assert everything[-1]["kind"] == "PipelineCompleted"
    assert (await get(client, base))["status"] == "completed"
    assert (await get(client, f"{base}/context"))["given"] == 7
    checkpoint = await get(client, f"{base}/checkpoint")
    assert checkpoint["completed_nodes"] == ["start", "work", "gate", "work", "gate", "exit"]
    assert (tmp_path / made["id"] / "work" / "response.md").read_text().endswith("Do ship")
    assert (tmp_path / made["id"] / "pipeline.dot").read_text() == GATE
    assert [one["id"] for one in await get(client, "/pipelines")] == [made["id"]]


async def test_the_short_forms(client: aiohttp.ClientSession) -> None:
    async with client.post("/run", data=GATE) as response:
        assert response.status == 201
        ident = (await response.json())["id"]
    await events(client, f"/pipelines/{ident}/events", until=asked)
    assert (await get(client, "/status"))["questions"] == 1
    assert (await post(client, "/answer", {"answer": "S"}))[0] == 200
    await events(client, f"/pipelines/{ident}/events")
    assert (await get(client, f"/status?id={ident}"))["status"] == "completed"
    assert (await post(client, "/answer", {"answer": "S"}))[0] == 404


async def test_cancelling(client: aiohttp.ClientSession) -> None:
    _, made = await post(client, "/pipelines", {"dot": SLOW})
    base = f"/pipelines/{made['id']}"
    await events(client, f"{base}/events", until=lambda event: event.get("name") == "slow")
    status, told = await post(client, f"{base}/cancel")
    assert (status, told["cancelled"], told["status"]) == (200, True, "cancelled")
    assert (await events(client, f"{base}/events"))[-1]["kind"] == "StageStarted"
    assert (await post(client, f"{base}/cancel"))[1]["cancelled"] is False


async def test_what_is_wrong_is_said(client: aiohttp.ClientSession) -> None:
    status, told = await post(client, "/pipelines", {"dot": "digraph a { b -- c }"})
    assert (status, told["line"], told["column"]) == (400, 1, 15)
    status, told = await post(client, "/pipelines", {"dot": "digraph a { b }"})
    assert status == 422
    assert {"start_node", "terminal_node"} <= {d["rule"] for d in told["diagnostics"]}
    for body in (["x"], {"dot": 1}, {"dot": SLOW, "context": "x"}):
        assert (await post(client, "/pipelines", body))[0] == 400
    async with client.post(
        "/pipelines", data=b"{", headers={"content-type": "application/json"}
    ) as response:
        assert response.status == 400
    for path in ("/pipelines/none", "/nothing", "/status"):
        async with client.get(path) as response:
            assert response.status == 404
            assert (await response.json())["error"]
    async with client.post("/pipelines", data=b"x" * (5 << 20)) as response:
        assert response.status == 413


async def test_a_failing_pipeline(client: aiohttp.ClientSession) -> None:
    source = """digraph F { start [shape=Mdiamond] exit [shape=Msquare]
        t [shape=parallelogram, tool_command="echo no >&2; exit 4"] start -> t -> exit }"""
    _, made = await post(client, "/pipelines", {"dot": source})
    seen = await events(client, f"/pipelines/{made['id']}/events")
    assert seen[-1]["error"] == "exit code 4: no"
    now = await get(client, f"/pipelines/{made['id']}")
    assert (now["status"], now["reason"]) == ("failed", "exit code 4: no")
    assert now["stages"]["t"] == "fail"


async def test_the_graph_is_drawn_with_what_is_going_on(client: aiohttp.ClientSession) -> None:
    _, made = await post(client, "/pipelines", {"dot": SLOW})
    base = f"/pipelines/{made['id']}"
    await events(client, f"{base}/events", until=lambda event: event.get("name") == "slow")
    async with client.get(f"{base}/graph") as response:
        assert response.content_type == "image/svg+xml"
        drawn = ElementTree.fromstring(await response.text())
    space = "{http://www.w3.org/2000/svg}"
    states = {g.get("id"): g.get("data-state") for g in drawn.iter(f"{space}g") if g.get("id")}
    assert states == {"node-start": "success", "node-slow": "running", "node-exit": ""}
    assert len(drawn.findall(f".//{space}path[@class='edge']")) == 2


def test_any_graph_can_be_drawn() -> None:
    source = r"""digraph D { a [label="<b>&\"'", shape=house] a -> a a -> b [label="x < y"]
        b -> a c -> d d -> c e }"""
    graph = parse_dot(source)
    graph.nodes["e"].attrs["label"] = "\x00\x1b[31m\ud800"
    drawn = ElementTree.fromstring(render_svg(graph))
    assert sum(1 for g in drawn.iter("{http://www.w3.org/2000/svg}g") if g.get("id")) == 5


async def test_strangers_are_refused(tmp_path: Path) -> None:
    serving = await serve_pipelines(PipelineServer(tmp_path, token="secret"))
    port = serving.url.rsplit(":", 1)[1]
    try:
        async with aiohttp.ClientSession(serving.url) as client:
            cases: list[tuple[dict[str, str], int]] = [
                ({}, 401),
                ({"Authorization": "Bearer wrong"}, 401),
                ({"Authorization": "Bearer secret"}, 200),
                ({"Authorization": "Bearer secret", "Origin": "http://evil.example"}, 403),
                ({"Authorization": "Bearer secret", "Host": f"evil.example:{port}"}, 403),
                ({"Authorization": "Bearer secret", "Origin": f"http://127.0.0.1:{port}"}, 200),
            ]
            for headers, expected in cases:
                async with client.get("/pipelines", headers=headers) as response:
                    assert response.status == expected, headers
            async with client.get("/pipelines?token=secret") as response:
                assert response.status == 200
            async with client.get("/") as response:
                assert response.status == 200, "the page itself holds nothing"
                assert "default-src 'self'" in response.headers["content-security-policy"]
                assert "<title>Pipelines</title>" in await response.text()
    finally:
        await serving.close()
    with pytest.raises(ValueError, match="needs a token"):
        await serve_pipelines(PipelineServer(tmp_path), address="0.0.0.0")


async def test_closing_stops_what_runs(tmp_path: Path) -> None:
    ended = []

    async def backend(node: Node, prompt: str, context: Context) -> str:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(node.id)
        return ""

    server = PipelineServer(tmp_path, backend=backend)
    serving = await serve_pipelines(server)
    async with aiohttp.ClientSession(serving.url) as client:
        _, made = await post(client, "/pipelines", {"dot": SLOW})
        await events(
            client,
            f"/pipelines/{made['id']}/events",
            until=lambda event: event.get("name") == "slow",
        )
    await asyncio.sleep(0)
    await serving.close()
    assert ended == ["slow"]
    assert server.host.pipelines[made["id"]].status == "cancelled"
