"""Context that the server sums up: asked for, sent back as it came, and paid for."""

import json
from typing import Any

import pytest

from factory_tui.llm import BudgetExhausted, Limits, Request
from factory_tui.llm.compaction import SMALLEST, read_part
from tests.llm.scripted import MODEL, Desk, answer

SUMMARY = {"type": "compaction", "content": "They spoke of ships.", "encrypted_content": "b3B="}
SAID = [SUMMARY, {"type": "text", "text": "Aye."}]
ITERATIONS = {
    "input_tokens": 900,
    "output_tokens": 40,
    "iterations": [
        {"type": "compaction", "input_tokens": 60_000, "output_tokens": 500},
        {"type": "message", "input_tokens": 900, "output_tokens": 40},
    ],
}


def ask(*messages: dict[str, Any], max_tokens: int = 1000) -> Request:
    return Request(MODEL, list(messages), max_tokens=max_tokens)


HELLO = {"role": "user", "content": "Hello. " * 500}


async def test_it_is_asked_for_only_where_it_is_wanted(desk: Desk) -> None:
    await desk.client().complete(ask(HELLO))
    await desk.client(compact_at=80_000).complete(ask(HELLO))
    plain, wanted = desk.server.calls
    assert "context_management" not in plain
    assert wanted["context_management"]["edits"] == [
        {"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 80_000}}
    ]
    assert "anthropic-beta" not in desk.server.headers[0]
    assert desk.server.headers[1]["anthropic-beta"] == "compact-2026-01-12"


async def test_the_summary_comes_back_as_it_was_sent_and_is_billed(desk: Desk) -> None:
    desk.server.steps = [answer(SAID, usage=ITERATIONS)]
    response = await desk.client(compact_at=SMALLEST).complete(ask(HELLO))
    assert json.dumps(response.content) == json.dumps(SAID)
    assert response.usage.input_tokens == 60_900
    assert response.usage.output_tokens == 540
    await desk.client(compact_at=SMALLEST).complete(
        ask(HELLO, {"role": "assistant", "content": response.content}, HELLO)
    )
    assert desk.server.calls[1]["messages"][1]["content"] == SAID


def test_what_stands_before_the_summary_is_not_read_again() -> None:
    messages = [HELLO, {"role": "assistant", "content": [{"type": "text", "text": "x"}, *SAID]}]
    assert read_part({"system": "s", "messages": [*messages, HELLO]}) == {
        "system": "s",
        "messages": [{"role": "assistant", "content": SAID}, HELLO],
    }
    failed = {"role": "assistant", "content": [{"type": "compaction", "content": None}]}
    whole = {"messages": [HELLO, failed, HELLO]}
    assert read_part(whole) == whole


@pytest.mark.parametrize(("size", "fits"), [(40_000, True), (60_000, False)])
async def test_a_call_that_may_compact_is_held_for_both(desk: Desk, size: int, fits: bool) -> None:
    desk.ledger.set_limits(Limits(tokens=70_000, usd=None))
    desk.server.counted = size
    client = desk.client(compact_at=SMALLEST)
    if fits:
        await client.complete(ask(HELLO))
    else:
        with pytest.raises(BudgetExhausted):
            await client.complete(ask(HELLO))
