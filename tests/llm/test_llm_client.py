"""The client against a server that speaks the real wire format, through the real SDK."""

import asyncio
import json
import socket
import struct
from decimal import Decimal
from typing import Any

import pytest

from factory_tui.llm import (
    AuthError,
    BadRequest,
    BudgetExhausted,
    Client,
    InvalidReply,
    Ledger,
    Limits,
    LLMError,
    MemoryBook,
    NetworkError,
    Overloaded,
    RateLimited,
    Request,
    ServerError,
    StreamCut,
    StreamStalled,
    Tool,
)
from factory_tui.llm.serving import Call, Reply
from tests.llm.scripted import MODEL, USAGE, Desk, Scripted, answer, refuse

ASK = Request(MODEL, [{"role": "user", "content": "Hi"}], max_tokens=1000)
BOUND = 100 + 5 + 64  # what the server counts, and the margin
HELD = BOUND + 1000

CALLS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "First \u202elook.", "signature": "c2lnbmF0dXJl"},
    {"type": "redacted_thinking", "data": "b3BhcXVl"},
    {"type": "text", "text": "I read both \x1b[31mfiles\x1b[0m 👩‍👩‍👧‍👦."},
    {"type": "tool_use", "id": "toolu_a", "name": "read_file", "input": {"path": "b", "n": [1.5]}},
    {"type": "tool_use", "id": "toolu_b", "name": "ls", "input": {}},
]


async def test_an_answer_comes_back_as_it_was_sent(desk: Desk) -> None:
    desk.server.steps = [answer(CALLS, "tool_use")]
    pieces: list[tuple[str, str]] = []
    response = await desk.client().complete(ASK, lambda kind, piece: pieces.append((kind, piece)))
    assert json.dumps(response.content) == json.dumps(CALLS)
    assert [(c.id, c.name, c.input) for c in response.tool_calls] == [
        ("toolu_a", "read_file", {"path": "b", "n": [1.5]}),
        ("toolu_b", "ls", {}),
    ]
    assert response.stop_reason == "tool_use"
    assert response.cost == Decimal("0.0014")  # 100 × $4 + 50 × $20 per million
    assert response.budget_tokens == 150
    assert desk.states == [("committed", 150)]
    said = {kind: "".join(p for k, p in pieces if k == kind) for kind, _ in pieces}
    assert said["text"] == CALLS[2]["text"]
    assert said["thinking"] == CALLS[0]["thinking"]
    assert said["tool"] == 'read_file {"path": "b", "n": [1.5]}ls {}'


async def test_thinking_goes_back_exactly_as_it_came(desk: Desk) -> None:
    desk.server.steps = [answer(CALLS, "tool_use"), answer()]
    client = desk.client()
    first = await client.complete(ASK)
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "ok"}
        for call in first.tool_calls
    ]
    history = [
        *ASK.messages,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    await client.complete(Request(MODEL, history, max_tokens=1000))
    assert desk.server.calls[1]["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": CALLS},
        {"role": "user", "content": results},
    ]


async def test_what_is_sent(desk: Desk) -> None:
    tool = Tool("ls", "List files.", {"type": "object", "properties": {}})
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    request = Request(
        MODEL, ASK.messages, "Be brief.", [tool], 1000, schema, role="judge", key="judge/1/a b/1"
    )
    await desk.client(send_key=True, api_key="k").complete(request)
    body, headers = desk.server.calls[0], desk.server.headers[0]
    assert body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hi"}],
        "system": "Be brief.",
        "tools": [
            {
                "name": "ls",
                "description": "List files.",
                "input_schema": {"type": "object", "properties": {}},
            }
        ],
        "max_tokens": 1000,
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "cache_control": {"type": "ephemeral"},
        "stream": True,
    }
    assert headers["authorization"] == "Bearer k"
    assert headers["x-factory-key"] == "judge/1/a%20b/1"


async def test_settings_for_servers_that_know_less_or_more(desk: Desk) -> None:
    request = Request(MODEL, ASK.messages, max_tokens=1000, schema={"type": "object"}, key="k")
    await desk.client(cache=False, structured=False).complete(request)
    assert set(desk.server.calls[0]) == {"model", "messages", "max_tokens", "stream"}
    assert "x-factory-key" not in desk.server.headers[0]
    await desk.client(thinking=True).complete(ASK)
    assert desk.server.calls[1]["thinking"] == {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("status", "kind", "error", "tries", "state"),
    [
        (400, "invalid_request_error", BadRequest, 1, "committed"),
        (401, "authentication_error", AuthError, 1, "committed"),
        (402, "billing_error", BadRequest, 1, "committed"),
        (403, "permission_error", AuthError, 1, "committed"),
        (404, "not_found_error", BadRequest, 1, "committed"),
        (413, "request_too_large", BadRequest, 1, "committed"),
        (429, "rate_limit_error", RateLimited, 3, "committed"),
        (529, "overloaded_error", Overloaded, 3, "committed"),
        (500, "api_error", ServerError, 3, "forfeited"),
        (502, "api_error", ServerError, 3, "forfeited"),
        (504, "timeout_error", ServerError, 3, "forfeited"),
        (408, "timeout_error", ServerError, 3, "forfeited"),
    ],
)
async def test_refusals_cost_nothing_and_failures_cost_their_reservation(
    desk: Desk, status: int, kind: str, error: type[LLMError], tries: int, state: str
) -> None:
    desk.server.steps = [refuse(status, kind)] * tries
    with pytest.raises(error) as caught:
        await desk.client(max_retries=tries - 1).complete(ASK)
    assert isinstance(caught.value, error)
    assert caught.value.status == status
    assert caught.value.request_id.startswith("req_")
    assert len(desk.server.calls) == tries
    assert desk.states == [(state, 0 if state == "committed" else HELD)] * tries
    assert [retry.attempt for retry in desk.retries] == list(range(2, tries + 1))


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "30"}, 0.03),
        ({"retry-after": "0.02"}, 0.02),
        ({"retry-after-ms": "rubbish", "retry-after": "0.01"}, 0.01),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
async def test_the_server_says_how_long_to_wait(
    desk: Desk, headers: dict[str, str], wait: float
) -> None:
    desk.server.steps = [refuse(429, "rate_limit_error", headers)]
    response = await desk.client().complete(ASK)
    assert response.text == "Hello."
    (retry,) = desk.retries
    assert retry.wait_s == pytest.approx(wait)
    assert isinstance(retry.error, RateLimited)
    assert (retry.role, retry.model) == ("builder", MODEL)
    assert desk.states == [("committed", 0), ("committed", 150)]


async def test_backoff_grows_and_is_jittered(desk: Desk) -> None:
    desk.server.steps = [refuse(529, "overloaded_error")] * 4
    await desk.client(backoff_s=0.004).complete(ASK)
    waits = [retry.wait_s for retry in desk.retries]
    for number, wait in enumerate(waits):
        assert 0.5 <= wait / (0.004 * 2**number) <= 1.5
    assert len(set(waits)) == 4


async def test_a_wait_that_is_too_long_fails_the_call(desk: Desk) -> None:
    desk.server.steps = [refuse(429, "rate_limit_error", {"retry-after": "9000"})]
    with pytest.raises(RateLimited) as caught:
        await desk.client().complete(ASK)
    assert caught.value.retry_after == 9000
    assert len(desk.server.calls) == 1


async def test_the_server_may_forbid_a_retry(desk: Desk) -> None:
    desk.server.steps = [refuse(529, "overloaded_error", {"x-should-retry": "false"})]
    with pytest.raises(Overloaded):
        await desk.client().complete(ASK)
    assert len(desk.server.calls) == 1


Events = list[tuple[str, dict[str, Any]]]


def cut(events: Events) -> None:
    del events[-2:]  # before message_delta


def no_end(events: Events) -> None:
    del events[-1:]


def fail(kind: str) -> Any:
    def change(events: Events) -> None:
        error = {"type": "error", "error": {"type": kind, "message": "in mid-stream"}}
        events[4:] = [("error", error)]

    return change


def no_start(events: Events) -> None:
    del events[0]


def garbled_tool(events: Events) -> None:
    for _, data in events:
        if data["type"] == "content_block_delta" and data["delta"].get("partial_json"):
            data["delta"]["partial_json"] = '{"path" "b"'


def half_a_tool(events: Events) -> None:
    for _, data in events:
        if data["type"] == "content_block_delta" and data["delta"].get("partial_json"):
            data["delta"]["partial_json"] = '{"path": "b'


def stray_delta(events: Events) -> None:
    delta = {"type": "text_delta", "text": "x"}
    events.insert(
        3, ("content_block_delta", {"type": "content_block_delta", "index": 9} | {"delta": delta})
    )


TOOL = [{"type": "tool_use", "id": "toolu_a", "name": "read_file", "input": {"path": "b"}}]


@pytest.mark.parametrize(
    ("step", "error", "state"),
    [
        (answer(change=cut), StreamCut, ("forfeited", HELD)),
        (answer(change=no_end), StreamCut, ("forfeited", HELD)),
        (answer(TOOL, "tool_use", change=cut), StreamCut, ("forfeited", HELD)),
        (answer(stop_reason=None), StreamCut, ("committed", 150)),
        (answer(change=fail("overloaded_error")), Overloaded, ("forfeited", HELD)),
        (answer(change=fail("api_error")), ServerError, ("forfeited", HELD)),
        (answer(change=fail("rate_limit_error")), RateLimited, ("forfeited", HELD)),
        (answer(change=fail("something_new")), ServerError, ("forfeited", HELD)),
        (answer(change=no_start), InvalidReply, ("committed", 150)),
        (answer(change=stray_delta), InvalidReply, ("committed", 150)),
        (answer(TOOL, "tool_use", change=garbled_tool), InvalidReply, ("committed", 150)),
        (answer(TOOL, "tool_use", change=half_a_tool), InvalidReply, ("committed", 150)),
        (answer(TOOL, "end_turn", change=half_a_tool), InvalidReply, ("committed", 150)),
    ],
)
async def test_a_stream_that_goes_wrong_is_retried_and_never_returned(
    desk: Desk, step: Any, error: type[LLMError], state: tuple[str, int]
) -> None:
    desk.server.steps = [step]
    pieces: list[str] = []
    response = await desk.client().complete(ASK, lambda kind, _: pieces.append(kind))
    assert response.text == "Hello."
    assert isinstance(desk.retries[0].error, error)
    assert desk.states == [state, ("committed", 150)]
    assert pieces.count("retry") == 1
    desk.server.steps = [step]
    with pytest.raises(error):
        await desk.client(max_retries=0).complete(ASK)


def raw(*chunks: bytes) -> Any:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.begin()
        for chunk in chunks:
            await reply.raw(chunk)
        await reply.end()

    return step


START = (
    b'event: message_start\ndata: {"type": "message_start", "message": {"id": "m", "type": '
    b'"message", "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 1, '
    b'"output_tokens": 1}}}\n\n'
)


@pytest.mark.parametrize(
    "step",
    [
        raw(b'data: {"type": "message_start"}\n\n', b'data: {"type": "message_stop"}\n\n'),
        raw(b"<html>gateway</html>"),
        raw(b"event: message_start\ndata: {not json\n\n"),
        raw(b"event: message_start\ndata: 5\n\n"),
        raw(b'event: message_start\ndata: {"type": "message_start", "message": null}\n\n'),
        raw(START, b"event: content_block_delta\ndata: \xff\xfe\x1b[2J\n\n"),
        raw(START, b"\x00\x1b]0;x\x07\n\n", b"event: message_stop\ndata: {}\n\n"),
        raw(START, b'event: content_block_start\ndata: {"type": "content_block_start"}\n\n'),
        raw(START, b"event: x\ndata: " + b"[" * 100_000 + b"\n\n"),
        raw(),
    ],
)
async def test_bytes_that_are_no_answer_become_our_own_errors(desk: Desk, step: Any) -> None:
    desk.server.steps = [step]
    with pytest.raises((InvalidReply, StreamCut)) as caught:
        await desk.client(max_retries=0).complete(ASK)
    assert str(caught.value).isprintable()
    assert desk.states == [("forfeited", HELD)]


async def test_a_page_of_html_with_status_200_is_no_answer(desk: Desk) -> None:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.json("<html>", headers={"content-type": "text/html"})

    desk.server.steps = [step]
    with pytest.raises(InvalidReply):
        await desk.client(max_retries=0).complete(ASK)
    assert desk.states == [("forfeited", HELD)]


async def test_error_messages_are_cleaned(desk: Desk) -> None:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.error(400, "invalid_request_error", "\x1b[2Jbad\u202e\nthing\x07" + "x" * 9000)

    desk.server.steps = [step]
    with pytest.raises(BadRequest) as caught:
        await desk.client().complete(ASK)
    message = str(caught.value)
    assert message.isprintable()
    assert "[2Jbad thing" in message
    assert len(message) <= 500


async def test_surrogates_split_over_pieces_are_joined(desk: Desk) -> None:
    def change(events: Events) -> None:
        delta = next(data for _, data in events if data["type"] == "content_block_delta")
        at = next(i for i, (_, data) in enumerate(events) if data is delta)
        texts = ["\ud83d", "\ude00 and alone \udead"]
        events[at : at + 1] = [
            (
                "content_block_delta",
                {**delta, "delta": {"type": "text_delta", "text": text}},
            )
            for text in texts
        ]

    desk.server.steps = [answer(change=change)]
    response = await desk.client().complete(ASK)
    assert response.text == "😀 and alone \ufffd"
    response.text.encode()


def tool_json(text: str) -> Any:
    def change(events: Events) -> None:
        for _, data in events:
            if data["type"] == "content_block_delta" and data["delta"].get("partial_json"):
                data["delta"]["partial_json"] = text

    return answer(TOOL, "tool_use", change=change)


async def test_tool_input_can_always_be_stored_and_sent_back(desk: Desk) -> None:
    desk.server.steps = [tool_json('{"a\\ud800": ["\\ud83d\\ude00 \\udead", 1e3]}')]
    response = await desk.client().complete(ASK)
    assert response.tool_calls[0].input == {"a\ufffd": ["😀 \ufffd", 1000.0]}


@pytest.mark.parametrize("text", ['{"a": NaN}', "[1]", '"x"', "null", "{} {}", "[" * 50_000])
async def test_tool_input_that_is_no_json_object_is_refused(desk: Desk, text: str) -> None:
    desk.server.steps = [tool_json(text)]
    with pytest.raises(InvalidReply):
        await desk.client(max_retries=0).complete(ASK)
    assert desk.states == [("committed", 150)]


async def test_a_reset_connection_is_a_cut_stream(desk: Desk) -> None:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.begin()
        await reply.raw(START)
        sock = reply._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reply.abort()

    desk.server.steps = [step]
    response = await desk.client().complete(ASK)
    assert response.text == "Hello."
    assert isinstance(desk.retries[0].error, StreamCut)
    assert desk.states == [("forfeited", HELD), ("committed", 150)]


async def test_a_server_that_is_not_there(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(NetworkError):
        await desk.client(base_url=url, max_retries=1).complete(ASK)
    assert [state for state, _ in desk.states] == ["committed", "committed"]
    assert desk.ledger.totals().spent_tokens == 0


async def test_silence_fails_the_call(desk: Desk) -> None:
    async def step(_call: Call, reply: Reply) -> None:
        await reply.begin()
        await reply.raw(START)
        await asyncio.sleep(60)

    desk.server.steps = [step]
    with pytest.raises(StreamStalled):
        await desk.client(idle_s=0.2, max_retries=0).complete(ASK)
    assert desk.states == [("forfeited", HELD)]


async def test_pings_are_bytes_but_no_content(desk: Desk) -> None:
    pings = 0

    async def step(_call: Call, reply: Reply) -> None:
        nonlocal pings
        await reply.begin()
        await reply.raw(START)
        while True:
            await reply.event("ping", {"type": "ping"})
            pings += 1
            await asyncio.sleep(0.02)

    desk.server.steps = [step]
    with pytest.raises(StreamStalled, match="No content"):
        await desk.client(idle_s=5, content_s=0.4, max_retries=0).complete(ASK)
    assert pings > 2
    assert desk.states == [("forfeited", HELD)]


async def test_slow_content_is_not_silence(desk: Desk) -> None:
    async def step(_call: Call, reply: Reply) -> None:
        async def slow(name: str, data: dict[str, Any]) -> None:
            await asyncio.sleep(0.15)
            await original(name, data)

        original = reply.event
        reply.event = slow  # type: ignore[method-assign, assignment]
        await answer([{"type": "text", "text": "word " * 90}])(_call, reply)

    desk.server.steps = [step]
    response = await desk.client(idle_s=5, content_s=2.0, max_retries=0).complete(ASK)
    assert response.text == "word " * 90  # took longer than content_s in all


async def test_a_cancelled_call_forfeits(desk: Desk) -> None:
    arrived = asyncio.Event()

    async def step(_call: Call, reply: Reply) -> None:
        await reply.begin()
        await reply.raw(START)
        arrived.set()
        await asyncio.sleep(60)

    desk.server.steps = [step]
    task = asyncio.create_task(desk.client().complete(ASK))
    await arrived.wait()
    assert desk.ledger.totals().held_tokens == HELD
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert desk.states == [("forfeited", HELD)]
    assert desk.ledger.totals().held_tokens == 0


async def test_a_reader_that_fails_does_not_hide_the_cost(desk: Desk) -> None:
    def on_delta(_kind: str, _piece: str) -> None:
        raise RuntimeError("a bug of the reader")

    with pytest.raises(RuntimeError, match="a bug of the reader"):
        await desk.client().complete(ASK, on_delta)
    assert desk.states == [("forfeited", HELD)]
    assert len(desk.server.calls) == 1


def drop_usage(events: Events) -> None:
    for _, data in events:
        data.pop("usage", None)
        data.get("message", {}).pop("usage", None)


def drop_final_usage(events: Events) -> None:
    for _, data in events:
        data.pop("usage", None)


@pytest.mark.parametrize(
    "step",
    [
        answer(change=drop_usage),
        answer(change=drop_final_usage),
        answer(usage={"input_tokens": -5, "output_tokens": 1}),
        answer(usage={"input_tokens": "100", "output_tokens": 1}),
        answer(usage={"input_tokens": 0, "output_tokens": 0}),
        answer(usage={"input_tokens": True, "output_tokens": 3}),
    ],
)
async def test_an_answer_that_hides_its_cost_is_charged_in_full(desk: Desk, step: Any) -> None:
    desk.server.steps = [step]
    response = await desk.client().complete(ASK)
    assert response.text == "Hello."
    assert desk.states == [("forfeited", HELD)]
    assert response.budget_tokens == HELD
    assert response.usage.estimated
    assert response.cost == desk.book.rows[0]["usd"]


async def test_overbilling_is_booked_and_flagged(desk: Desk) -> None:
    desk.server.steps = [answer(usage={"input_tokens": 5000, "output_tokens": 10**30})]
    response = await desk.client().complete(ASK)
    assert response.usage.output_tokens == 10**12
    flagged = [data for kind, data in desk.events if kind == "budget.overbilled"]
    assert [(d["reserved_tokens"], d["billed_tokens"]) for d in flagged] == [(HELD, 5000 + 10**12)]
    assert desk.ledger.totals().spent_tokens == 5000 + 10**12
    with pytest.raises(BudgetExhausted):
        await desk.client().complete(ASK)


async def test_an_answer_cut_by_its_limit_keeps_what_is_whole(desk: Desk) -> None:
    content: list[dict[str, Any]] = [{"type": "text", "text": "I will write it."}, *TOOL]
    desk.server.steps = [answer(content, "max_tokens", change=half_a_tool)]
    response = await desk.client().complete(ASK)
    assert response.content == content[:1]
    assert response.tool_calls == []
    assert response.incomplete_tool == "read_file"
    assert desk.states == [("committed", 150)]


async def test_unknown_blocks_and_events_pass_through(desk: Desk) -> None:
    strange = {"type": "hologram", "data": {"x": [1, None]}}

    def change(events: Events) -> None:
        events.insert(2, ("brand_new", {"type": "brand_new"}))

    desk.server.steps = [answer([strange, {"type": "text", "text": "ok"}], change=change)]
    response = await desk.client().complete(ASK)
    assert response.content == [strange, {"type": "text", "text": "ok"}]


async def test_counting_is_optional(desk: Desk) -> None:
    desk.server.count_status = 404
    client = desk.client()
    await client.complete(ASK)
    await client.complete(ASK)
    assert desk.server.counts == 1
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    bound = -(-len(json.dumps(body)) // 2) + 700
    assert desk.events[0][1]["held_tokens"] == 0
    desk.server.steps = [answer(change=cut)]
    with pytest.raises(StreamCut):
        await desk.client(max_retries=0).complete(ASK)
    assert desk.states[-1] == ("forfeited", bound + 1000)


async def test_counting_that_fails_is_tried_again_a_few_times(desk: Desk) -> None:
    desk.server.count_status = 500
    client = desk.client()
    for _ in range(5):
        assert (await client.complete(ASK)).text == "Hello."
    assert desk.server.counts == 3


async def test_the_gate_is_passed_before_every_reservation(desk: Desk) -> None:
    opened = asyncio.Event()
    passed = 0

    async def gate() -> None:
        nonlocal passed
        passed += 1
        await opened.wait()

    desk.server.steps = [refuse(529, "overloaded_error")]
    task = asyncio.create_task(desk.client(gate=gate).complete(ASK))
    await asyncio.sleep(0.05)
    assert desk.book.rows == []
    assert desk.server.counts == 0
    opened.set()
    await task
    assert passed == 2


async def test_when_exhausted_somebody_may_raise_the_limit(server: Scripted) -> None:
    desk = Desk(server, Limits(tokens=500))
    asked: list[BudgetExhausted] = []

    async def raise_limit(error: BudgetExhausted) -> bool:
        asked.append(error)
        desk.ledger.set_limits(Limits(tokens=2000))
        return len(asked) == 1

    client = desk.client(on_exhausted=raise_limit)
    assert (await client.complete(ASK)).text == "Hello."
    assert [error.of for error in asked] == ["tokens"]
    desk.ledger.set_limits(Limits(tokens=160))
    with pytest.raises(BudgetExhausted):
        await Client(ledger=desk.ledger, base_url=server.url).complete(ASK)
    await client.aclose()


async def test_max_tokens_is_lowered_to_what_fits(desk: Desk) -> None:
    desk.ledger.set_limits(Limits(tokens=BOUND + 1500))
    request = Request(MODEL, ASK.messages, max_tokens=8000)
    await desk.client().complete(request)
    assert desk.server.calls[0]["max_tokens"] == 1500


async def test_no_key_and_no_loopback_is_refused_before_any_call() -> None:
    book = MemoryBook()
    ledger = Ledger(book, Limits(), lambda *_: None)
    async with Client(ledger=ledger, base_url="https://models.invalid") as client:
        with pytest.raises(AuthError, match="ANTHROPIC_API_KEY"):
            await client.complete(ASK)
    assert [(row["state"], row["tokens"]) for row in book.rows] == [("committed", 0)]


async def test_the_environment_names_server_and_key(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "t0ken")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # must not be asked for loopback
    ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
    async with Client(ledger=ledger) as client:
        assert (await client.complete(ASK)).text == "Hello."
    assert server.headers[0]["authorization"] == "Bearer t0ken"


async def test_spend_is_told_in_the_journals_words(desk: Desk) -> None:
    desk.server.steps = [
        answer(
            usage={
                **USAGE,
                "cache_read_input_tokens": 1000,
                "cache_creation_input_tokens": 10,
                "cache_creation": {"ephemeral_1h_input_tokens": 10},
                "output_tokens_details": {"thinking_tokens": 20},
            }
        )
    ]
    response = await desk.client().complete(ASK)
    assert response.usage.reasoning_tokens == 20
    kind, data = desk.events[0]
    assert kind == "spend"
    assert data.pop("ms") >= 0
    assert data == {
        "role": "builder",
        "model": MODEL,
        "key": "",
        "tokens": 160,
        "usd": "0.00168",  # 100×4 + 1000×0.2 + 10×8 + 50×20 per million
        "input": 100,
        "output": 50,
        "cache_read": 1000,
        "cache_write": 10,
        "estimated": False,
        "state": "committed",
        "spent_tokens": 160,
        "spent_usd": "0.00168",
        "held_tokens": 0,
        "held_usd": "0",
    }
