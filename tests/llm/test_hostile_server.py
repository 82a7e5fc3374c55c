"""What a model server says is booked and kept, or refused; it never breaks whoever asked."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from factory_tui.agent import AssistantTurn, turn_to_json
from factory_tui.llm import (
    AdapterTimeout,
    Limits,
    LLMError,
    MemoryBook,
    Request,
    RequestTimeoutError,
    bounds,
)
from factory_tui.llm.ledger import Ledger
from factory_tui.llm.serving import Call, Reply
from factory_tui.store.codec import dumps, loads
from tests.llm.providers import Providers, say
from tests.llm.scripted import MODEL, USAGE, Desk, Step, answer

HUGE = 10**30
HALF = "\ud800"
TEXT = {"type": "text", "text": "Hi."}

Events = list[tuple[str, dict[str, Any]]]


def tool(given: Any, *, name: str = "shell", ident: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": ident, "name": name, "input": given}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def told(name: str, **changes: Any) -> Callable[[Events], None]:
    def change(events: Events) -> None:
        for kind, data in events:
            if kind == name:
                data.update(changes)

    return change


def started(block: dict[str, Any]) -> Callable[[Events], None]:
    return told("content_block_start", content_block=block)


def cut(first: int, last: int | None = None) -> Callable[[Events], None]:
    def change(events: Events) -> None:
        del events[first:last]

    return change


ODD: dict[str, Step] = {
    "a long integer": answer([tool({"n": HUGE})], "tool_use"),
    "deep input": answer([tool(nested(400))], "tool_use"),
    "half a character in a name": answer([tool({}, name=HALF)], "tool_use"),
    "half a character in an id": answer([tool({}, ident=HALF)], "tool_use"),
    "half a signature": answer([{"type": "thinking", "thinking": "x", "signature": HALF}, TEXT]),
    "half a redaction": answer([{"type": "redacted_thinking", "data": HALF}, TEXT]),
    "an unknown block": answer([{"type": "zork", "x": HUGE}, TEXT]),
    "half an id": answer(
        change=told("message_start", message={"id": HALF, "model": HALF, "usage": USAGE})
    ),
    "half a reason": answer(stop_reason=HALF),
    "a reason that is none": answer(change=told("message_delta", delta={"stop_reason": {"a": 1}})),
    "a number for a text": answer(change=started({"type": "text", "text": 12})),
    "a list for a type": answer(change=started({"type": ["text"]})),
    "a result of nothing": answer(change=started({"type": "tool_result", "content": "x"})),
    "no number": answer(
        [tool({})],
        change=lambda events: events.__setitem__(
            slice(2, 4), [_start(2, tool({"a": float("nan")}, ident="toolu_2"))]
        ),
    ),
}


def _start(index: int, block: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    data = {"type": "content_block_start", "index": index, "content_block": block}
    return "content_block_start", data


def ask(**more: Any) -> Request:
    return Request(
        model=MODEL, messages=[{"role": "user", "content": "Hi."}], max_tokens=100, **more
    )


@pytest.mark.parametrize("what", ODD)
async def test_an_odd_answer_can_be_kept_or_is_refused(desk: Desk, what: str) -> None:
    desk.server.steps = [ODD[what]] * 2
    try:
        said = await desk.client(max_retries=1).complete(ask())
    except LLMError as error:
        str(error).encode()
    else:
        kept = turn_to_json(AssistantTurn(said.content, said.stop_reason, said.model, said.id))
        assert loads(dumps(kept)) == kept
        dumps([said.text, [(c.id, c.name, c.arguments) for c in said.tool_calls]])
        again = [{"role": "assistant", "content": said.content}, *ask().messages]
        await desk.client().complete(ask() if not said.content else Request(MODEL, again))
    assert "open" not in {state for state, _ in desk.states}


async def test_a_long_integer_reaches_its_tool(desk: Desk) -> None:
    desk.server.steps = [answer([tool({"n": HUGE, "m": -(2**63)})], "tool_use")]
    said = await desk.client().complete(ask())
    assert said.tool_calls[0].arguments == {"n": float(HUGE), "m": -(2**63)}


@pytest.mark.parametrize(
    ("usage", "change", "least"),
    [
        ({"input_tokens": 500_000, "output_tokens": 1}, cut(3), 500_001),
        ({"input_tokens": 9, "output_tokens": 800_000}, cut(-1), 800_009),
        ({"input_tokens": 500_000}, None, 500_001),
        ({"input_tokens": 9, "output_tokens": -5}, None, 9),
        ({"input_tokens": 1e300, "output_tokens": "7"}, None, 100),
    ],
)
async def test_what_a_server_owns_up_to_is_booked_and_flagged(
    desk: Desk, usage: dict[str, Any], change: Callable[[Events], None] | None, least: int
) -> None:
    desk.server.steps = [answer(usage=usage, change=change)]
    try:
        await desk.client(max_retries=0).complete(ask())
    except LLMError:
        assert change is not None
    ((state, tokens),) = desk.states
    assert state == "forfeited"
    assert tokens >= least
    assert ("budget.overbilled" in desk.kinds()) == (least > 1000)
    dearest = Decimal(tokens) * 75 / 10**6
    assert desk.book.rows[0]["usd"] <= dearest


@pytest.mark.parametrize(
    ("given", "out"), [(-50, 20), (100, -7), (10**40, 3), (float("inf"), 3), (float("nan"), 3)]
)
@pytest.mark.parametrize("provider", ["openai", "gemini"])
async def test_counts_that_count_nothing_cost_the_reservation(
    providers: Providers, provider: str, given: Any, out: Any
) -> None:
    book = MemoryBook()
    ledger = Ledger(book, Limits(tokens=10**6), lambda kind, data: None)
    client = providers.client(ledger=ledger)
    providers.steps = [say(given=given, out=out)]
    asked = Request("m", ask().messages, max_tokens=50, provider=provider)
    try:
        await client.complete(asked)
    except LLMError as error:
        assert error.billed
    assert book.rows[0]["state"] != "open"
    assert book.rows[0]["tokens"] >= 50
    assert book.rows[0]["tokens"] <= 10**15


@pytest.mark.parametrize("provider", ["openai", "gemini"])
async def test_odd_calls_of_other_providers_can_be_kept(
    providers: Providers, provider: str
) -> None:
    ledger = Ledger(MemoryBook(), Limits(), lambda kind, data: None)
    client = providers.client(ledger=ledger)
    providers.steps = [say(text=f"a{HALF}b", calls=[("c1", "shell", {"n": HUGE, "s": HALF})])]
    said = await client.complete(Request("m", ask().messages, max_tokens=50, provider=provider))
    dumps([said.id, said.content, [c.arguments for c in said.tool_calls]])
    assert said.tool_calls[0].arguments == {"n": float(HUGE), "s": "�"}


def endless(piece: Callable[[int], bytes], sent: list[int], status: int = 200) -> Step:
    async def step(_call: Call, reply: Reply) -> None:
        if status == 200:
            await reply.begin()
        else:
            head = (
                b"HTTP/1.1 500 x\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            await reply._send(head)
        for number in range(1_000_000):
            data = piece(number)
            sent.append(len(data))
            await reply.raw(data)

    return step


def _event(data: dict[str, Any]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


START = _event({"type": "message_start", "message": {"id": "m", "usage": USAGE}})
ENDLESS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "a line": (lambda n: b"data: " + b"x" * 65_536 if not n else b"x" * 65_536, 200),
    "lines": (lambda n: b"data: x\n" * 8192, 200),
    "blocks": (
        lambda n: (
            START
            if not n
            else _event(
                {
                    "type": "content_block_start",
                    "index": n,
                    "content_block": {"type": "text", "text": "x" * 60_000},
                }
            )
        ),
        200,
    ),
    "events nobody knows": (lambda n: _event({"type": "zork", "x": "x" * 60_000}), 200),
    "an error": (lambda n: b"x" * 65_536, 500),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_an_answer_without_end_is_refused(
    desk: Desk, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_STREAM", 12 << 20)
    piece, status = ENDLESS[what]
    sent: list[int] = []
    desk.server.steps = [endless(piece, sent, status)]
    with pytest.raises(LLMError):
        await desk.client(max_retries=0).complete(ask())
    assert sum(sent) < 40 << 20  # what the sockets hold included
    assert [state for state, _ in desk.states] == ["forfeited"]


ELSEWHERE: dict[str, tuple[Callable[[int], bytes], int, bool]] = {
    "a line": (lambda n: b"data: " + b"x" * 65_536 if not n else b"x" * 65_536, 200, True),
    "lines": (lambda n: b"data: x\n" * 8192, 200, True),
    "events nobody knows": (lambda n: _event({"type": "zork", "x": "x" * 60_000}), 200, True),
    "a body": (lambda n: b'{"x":"' if not n else b"x" * 65_536, 200, False),
    "an error": (lambda n: b"x" * 65_536, 500, False),
}


@pytest.mark.parametrize("provider", ["openai", "gemini"])
@pytest.mark.parametrize("what", ELSEWHERE)
async def test_other_providers_answers_without_end_are_refused(
    providers: Providers, provider: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "_STREAM", 12 << 20)
    monkeypatch.setattr(bounds, "_WHOLE", 12 << 20)
    piece, status, streamed = ELSEWHERE[what]
    sent: list[int] = []

    async def step(_api: str, _body: dict[str, Any], _call: Call, reply: Reply) -> None:
        if streamed:
            await reply.begin()
        else:
            head = f"HTTP/1.1 {status} x\r\ncontent-type: application/json\r\n"
            await reply._send(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for number in range(1_000_000):
            sent.append(len(piece(number)))
            await reply.raw(piece(number))

    providers.steps = [step]
    client = providers.client()
    asked = Request("m", ask().messages, max_tokens=50, provider=provider)
    with pytest.raises(LLMError):
        if streamed:
            async for _ in client.stream(asked):
                pass
        else:
            await client.complete(asked)
    assert sum(sent) < 40 << 20  # what the sockets hold included


@pytest.mark.parametrize("provider", ["openai", "gemini", "anthropic"])
async def test_a_stream_that_goes_on_and_on_ends(providers: Providers, provider: str) -> None:
    async def step(_api: str, _body: dict[str, Any], _call: Call, reply: Reply) -> None:
        await reply.begin()
        while True:
            await reply.raw(b'data: {"type": "zork"}\n\n')
            await asyncio.sleep(0.05)

    providers.steps = [step]
    client = providers.client(timeout=AdapterTimeout(stream=1.0))
    asked = Request("m", ask().messages, max_tokens=50, provider=provider)
    with pytest.raises(RequestTimeoutError):
        async for _ in client.stream(asked):
            pass


async def test_a_long_event_may_come_in_many_pieces() -> None:
    event = b"data: " + b"x" * (2 << 20) + b"\n\n"
    counted = bounds._Events()
    pieces = [event[at : at + 1448] for at in range(0, len(event), 1448)]
    assert all(counted.bear(piece) for piece in pieces * 3)
    tiny = bounds._Events()
    assert not all(tiny.bear(b"x" * 100) for _ in range(100))
