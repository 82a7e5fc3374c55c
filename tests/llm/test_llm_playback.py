"""Recording a session and playing it back through the real SDK."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from factory_tui.llm import (
    Client,
    Ledger,
    Limits,
    MemoryBook,
    PlaybackMiss,
    Recorder,
    Recording,
    RecordingError,
    Request,
    request_hash,
)
from factory_tui.llm.playback import Pacing, PlaybackServer
from tests.llm.scripted import Desk, answer

CONTENT: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Let me see. " * 20, "signature": "c2lnbmF0dXJl"},
    {"type": "text", "text": "Reading 👩‍👩‍👧‍👦 \x1b[31mfiles\x1b[0m."},
    {
        "type": "tool_use",
        "id": "toolu_a",
        "name": "write",
        "input": {"z": [1, None], "a": "é" * 90},
    },
    {"type": "tool_use", "id": "toolu_b", "name": "ls", "input": {}},
]
BUILD = Request(
    "claude-opus-5-5",
    [{"role": "user", "content": "Build."}],
    "You build.",
    max_tokens=2000,
    key="builder/1///1",
)
JUDGE = Request(
    "claude-opus-5-5",
    [{"role": "user", "content": "Judge."}],
    "You judge.",
    max_tokens=2000,
    schema={"type": "object", "properties": {"ok": {"type": "boolean"}}},
    role="judge",
    key="judge/1/late joiner/t1/1",
)
USED = {"input_tokens": 20_000, "cache_read_input_tokens": 5000, "output_tokens": 70}


@pytest.fixture
async def recording(desk: Desk, tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "take.jsonl"
    desk.server.counted = 26_000
    desk.server.steps = [answer(CONTENT, "tool_use", USED), answer(usage=USED)]
    client = desk.client(recorder=Recorder(path))
    await client.complete(BUILD)
    await client.complete(JUDGE)
    return path


class Player(NamedTuple):
    server: PlaybackServer
    client: Client
    book: MemoryBook
    url: str


@pytest.fixture
async def player(recording: Path) -> AsyncIterator[Player]:
    book = MemoryBook()
    said: list[str] = []
    ledger = Ledger(book, Limits(tokens=10**6), lambda kind, _: said.append(kind))
    async with PlaybackServer(recording) as server:
        url = await server.start()
        async with Client(ledger=ledger, base_url=url, send_key=True, backoff_s=0.001) as client:
            yield Player(server, client, book, url)
    assert "budget.overbilled" not in said


def change(request: Request, **fields: object) -> Request:
    return replace(request, **fields)  # type: ignore[arg-type]


async def test_the_same_content_comes_back(player: Player) -> None:
    server, client, _, _ = player
    response = await client.complete(change(BUILD, model="recorded"))
    assert json.dumps(response.content) == json.dumps(CONTENT)
    assert (response.stop_reason, response.model) == ("tool_use", "recorded")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (20_000, 70)
    assert response.usage.cache_read_tokens == 5000
    assert response.usage.estimated
    assert dict(server.answered) == {"builder": 1}


async def test_a_builders_key_decides_alone(player: Player) -> None:
    client = player.client
    other = change(BUILD, messages=[{"role": "user", "content": "Other."}], system="Other.")
    assert json.dumps((await client.complete(other)).content) == json.dumps(CONTENT)


async def test_a_judge_must_be_asked_the_same(player: Player) -> None:
    server, client, book, _ = player
    same = change(JUDGE, model="recorded", max_tokens=1234)
    assert (await client.complete(same)).text == "Hello."
    for fields in (
        {"system": "You judge!"},
        {"messages": [{"role": "user", "content": "Judge"}]},
        {"schema": {"type": "object"}},
        {"key": "judge/1/late joiner/t2/1"},
    ):
        with pytest.raises(PlaybackMiss):
            await client.complete(change(JUDGE, **fields))
    assert len(server.missed) == 4
    assert [row["state"] for row in book.rows] == ["committed"] * 5  # a miss is not retried
    assert [row["tokens"] for row in book.rows[1:]] == [0] * 4


async def test_no_key_is_a_miss(player: Player) -> None:
    client = player.client
    with pytest.raises(PlaybackMiss):
        await client.complete(change(BUILD, key=""))


async def test_billing_respects_a_lowered_limit(player: Player) -> None:
    client = player.client
    response = await client.complete(change(BUILD, max_tokens=10))
    assert response.usage.output_tokens == 10


async def test_played_answers_can_be_recorded_again(
    player: Player, recording: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.jsonl"
    ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
    async with Client(
        ledger=ledger, base_url=player.url, send_key=True, recorder=Recorder(again)
    ) as client:
        await asyncio.gather(client.complete(BUILD), client.complete(JUDGE))
    first, second = Recording.load(recording), Recording.load(again)
    assert sorted((a.key, a.hash, a.stop_reason) for a in first.answers) == sorted(
        (a.key, a.hash, a.stop_reason) for a in second.answers
    )


def test_the_hash_is_over_what_is_asked_and_nothing_else() -> None:
    plain = request_hash("s", [{"role": "user", "content": "x"}], None)
    assert plain == request_hash("s", [{"content": "x", "role": "user"}], None)
    assert plain != request_hash("s", [{"role": "user", "content": "x "}], None)
    assert request_hash("", [], None) == request_hash([], [], {})


async def test_the_last_take_of_a_key_counts(recording: Path) -> None:
    lines = recording.read_text().splitlines()
    row = json.loads(lines[0])
    row["content"] = [{"type": "text", "text": "second take"}]
    recording.write_text("\n".join([*lines, "", json.dumps(row), json.dumps(row | {"hash": "z"})]))
    takes = Recording.load(recording)
    found = takes.find(BUILD.key, "whatever is asked")
    assert found is not None and found.hash == "z"
    same = takes.find(BUILD.key, row["hash"])
    assert same is not None and same.content == row["content"]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"key": "k", "role": "r"}', '"text"', "\x00"])
def test_a_broken_recording_names_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "take.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(RecordingError, match=r"take.jsonl:2: "):
        Recording.load(path)
    with pytest.raises(RecordingError):
        Recording.load(tmp_path / "none.jsonl")


async def test_requests_that_are_none_are_refused(player: Player) -> None:
    async with httpx2.AsyncClient(trust_env=False, base_url=player.url) as http:
        for body in (
            b"{",
            b"[]",
            b"{}",
            b'{"messages": 5}',
            b'{"messages": [], "output_config": 5}',
        ):
            response = await http.post("/v1/messages", content=body)
            assert (response.status_code, response.json()["type"]) == (400, "error")
        assert (await http.get("/v1/models")).json()["data"][0]["id"] == "recorded"
        assert (await http.get("/elsewhere")).status_code == 404
        whole = {"messages": [{"role": "user", "content": "Build."}], "model": "recorded"}
        response = await http.post("/v1/messages", json=whole, headers={"x-factory-key": BUILD.key})
        assert response.json()["content"] == CONTENT  # not streamed


def test_pacing_keeps_a_long_recording_short(recording: Path) -> None:
    row = json.loads(recording.read_text().splitlines()[0])
    lines = [json.dumps(row | {"key": f"builder/{n}", "ms": n * 1000}) for n in range(150)]
    recording.write_text("\n".join(lines))
    takes = Recording.load(recording)
    pacing = Pacing(takes, 1.0)
    paced = [pacing.seconds(answer) for answer in takes.answers]
    assert sum(paced) == pytest.approx(75)
    assert max(paced) <= 3
    assert sum(Pacing(takes, 0.0).seconds(answer) for answer in takes.answers) == 0
    assert Pacing(takes, 0.001).seconds(takes.answers[100]) == pytest.approx(0.1)


def start(recording: Path, port_file: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "factory_tui.llm.playback", "--recording", str(recording)]
    command += ["--port-file", str(port_file), "--pace", "0"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[2])


async def wait_for(path: Path) -> str:
    for _ in range(1200):
        if path.exists():
            return path.read_text().strip()
        await asyncio.sleep(0.05)
    raise AssertionError(f"{path} never came")


async def test_it_runs_alone_until_its_stdin_ends(recording: Path, tmp_path: Path) -> None:
    process = start(recording, tmp_path / "port")
    try:
        url = f"http://127.0.0.1:{await wait_for(tmp_path / 'port')}"
        ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
        async with Client(ledger=ledger, base_url=url, send_key=True) as client:
            assert (await client.complete(JUDGE)).text == "Hello."
        assert process.stdin is not None
        process.stdin.close()
        assert await asyncio.to_thread(process.wait, 60) == 0
    finally:
        process.kill()


async def test_it_dies_with_its_parent(recording: Path, tmp_path: Path) -> None:
    script = f"""
import subprocess, sys, time, pathlib
port = pathlib.Path({str(tmp_path / "port")!r})
child = subprocess.Popen([sys.executable, "-m", "factory_tui.llm.playback", "--recording",
    {str(recording)!r}, "--port-file", str(port)], stdin=subprocess.DEVNULL)
while not port.exists():
    time.sleep(0.05)
print(child.pid, flush=True)
"""
    root = Path(__file__).parents[2]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        cwd=root,
        timeout=120,
        check=True,
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 60
    while _alive(pid):
        assert time.monotonic() < deadline, "the server outlived its parent"
        await asyncio.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_a_recording_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "factory_tui.llm.playback"]
    command += ["--recording", str(tmp_path / "none"), "--port-file", str(tmp_path / "port")]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 2
    assert "none" in done.stderr
