"""Prices, input bounds and transcripts."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from factory_tui.llm import FREE, Price, Prices, Response, Tool, Transcript, TranscriptError, Usage
from factory_tui.llm.count import InputCounter, bound_from_count, bound_from_length

# prices


def test_list_prices_agree_with_a_hand_calculation() -> None:
    usage = Usage(1200, 2500, cache_read_tokens=80_000, cache_write_tokens=5000)
    hour = Usage(1200, 2500, 80_000, 5000, cache_write_1h_tokens=1000)
    prices = Prices()
    # per million: 2 in, 10 out, 0.10 read, 2.50 write for five minutes, 4 for an hour
    assert prices.cost("claude-sonnet-5-5", usage) == Decimal("0.0479")
    assert prices.cost("claude-sonnet-5-5", hour) == Decimal("0.0494")
    us = Usage(1200, 2500, 80_000, 5000, geo="us")
    assert prices.cost("claude-sonnet-5-5", us) == Decimal("0.0479") * Decimal("1.1")


def test_the_long_prompt_tier_prices_the_whole_request() -> None:
    prices = Prices()
    assert prices.cost("claude-haiku-5-5", Usage(100_000, 1000)) == Decimal("0.0105")
    assert prices.cost("claude-haiku-5-5", Usage(100_001, 1000)) == Decimal("0.0525005")


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-2"])
@pytest.mark.parametrize("prompt", [10, 90_000, 100_001, 400_000])
def test_the_worst_case_covers_every_way_to_cache(model: str, prompt: int) -> None:
    prices = Prices()
    worst = prices.worst(model, prompt, 4000)
    assert worst is not None
    for read in (0, prompt // 2, prompt):
        for write in (0, prompt - read):
            for hour in (0, write):
                usage = Usage(
                    prompt - read - write,
                    4000,
                    cache_read_tokens=read,
                    cache_write_tokens=write,
                    cache_write_1h_tokens=hour,
                )
                cost = prices.cost(model, usage)
                assert cost is not None and cost <= worst


def test_the_users_prices_win() -> None:
    prices = Prices({"llama*": FREE, "claude-opus-5-5": Price(Decimal(1), Decimal(1))})
    assert prices.cost("llama3:8b", Usage(10**6, 10**6)) == 0
    assert prices.worst("llama3:8b", 10**6, 10**6) == 0
    assert prices.cost("claude-opus-5-5", Usage(10**6, 10**6)) == 2
    assert prices.source("llama3:8b") == "user"


def test_where_prices_come_from() -> None:
    prices = Prices()
    assert prices.source("claude-opus-5-5") == "list"
    assert prices.source("recorded") == "illustrative"
    assert prices.source("my-own-model") == "unknown"
    assert prices.cost("my-own-model", Usage(1, 1)) is None
    assert prices.worst("my-own-model", 1, 1) is None
    assert (prices.cost("recorded", Usage(1000, 1000)) or 0) > 0


# input bounds


def test_bounds_round_up() -> None:
    assert bound_from_count(100) == 100 + 5 + 64
    assert bound_from_count(101) == 101 + 6 + 64
    prompt = {"messages": [{"role": "user", "content": "日本" * 50}]}
    assert bound_from_length(prompt) == -(-len(json.dumps(prompt)) // 2) + 700


@pytest.mark.parametrize("answer", [0, -1, True, None, "12", 1.5])
async def test_a_count_that_is_no_count_is_not_believed(answer: object) -> None:
    async def ask() -> int:
        return answer  # type: ignore[return-value]

    assert await InputCounter().bound({}, ask) == bound_from_length({})


# transcripts


def reply(*blocks: dict[str, Any]) -> Response:
    return Response("m", "m", list(blocks), "end_turn", Usage(1, 1), None, 2)


THINK: dict[str, Any] = {"signature": "c2ln", "thinking": "", "type": "thinking"}
CALL: dict[str, Any] = {"type": "tool_use", "id": "a", "name": "ls", "input": {"z": 1, "a": 2}}
OTHER: dict[str, Any] = {"type": "tool_use", "id": "b", "name": "ls", "input": {}}


def test_a_transcript_only_grows_byte_for_byte() -> None:
    talk = Transcript(system="Build.", tools=[Tool("ls", "List.", {"type": "object"})])
    steps: list[Callable[[], None]] = [
        lambda: talk.say("Go."),
        lambda: talk.reply(reply(THINK, CALL, OTHER)),
        lambda: talk.answer([("a", "x\u202e", False), ("b", "no", True)], also="The spec changed."),
        lambda: talk.reply(reply({"type": "text", "text": "Done."})),
        lambda: talk.say([{"type": "text", "text": "More."}]),
    ]
    before = "["
    for step in steps:
        step()
        now = json.dumps(talk.messages)
        assert now.startswith(before)
        before = now[:-1]
        talk.messages[0]["content"] = "edited"  # a copy: the history does not notice
    request = talk.request("m", max_tokens=5, key="builder/1")
    assert request.system == "Build."
    assert request.tools == talk.tools == (Tool("ls", "List.", {"type": "object"}),)
    assert list(request.messages)[1] == {"role": "assistant", "content": [THINK, CALL, OTHER]}
    assert list(request.messages)[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "x\u202e"},
        {"type": "tool_result", "tool_use_id": "b", "content": "no", "is_error": True},
        {"type": "text", "text": "The spec changed."},
    ]
    again = Transcript(system=talk.system, tools=talk.tools, messages=talk.messages)
    assert json.dumps(again.messages) == json.dumps(talk.messages)


def test_every_tool_call_is_answered_before_anything_else() -> None:
    talk = Transcript()
    talk.say("Go.")
    with pytest.raises(TranscriptError):
        talk.answer([("a", "nobody asked", False)])
    talk.reply(reply(CALL, OTHER))
    assert talk.unanswered == ("a", "b")
    with pytest.raises(TranscriptError, match="waiting"):
        talk.say("Wait.")
    with pytest.raises(TranscriptError):
        talk.answer([("a", "one is missing", False)])
    talk.answer([("b", "", False), ("a", "", False)])
    assert not talk.unanswered
    assert len(talk) == 3


def test_an_empty_answer_leaves_no_message() -> None:
    talk = Transcript()
    talk.say("Go.")
    talk.reply(reply())
    assert len(talk) == 1
    with pytest.raises(TranscriptError):
        talk.say("")


# imports


def test_the_package_is_cheap_to_import() -> None:
    code = (
        "import factory_tui.llm, sys; "
        "print([name for name in ('anthropic', 'genai_prices', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
