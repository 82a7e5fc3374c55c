"""The promise of the budget, against a model server with bad habits.

Whatever the server does, as long as it bills within the counted bound: no attempt starts that
could break a limit, every attempt is booked, and what the server truly billed never exceeds
what is booked.
"""

import asyncio
import json
import random
import sys
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from genai_prices import extract_usage

from factory_tui.llm import (
    BudgetExhausted,
    Client,
    Ledger,
    Limits,
    LLMError,
    MemoryBook,
    Request,
    Tool,
    Transcript,
)
from factory_tui.llm.serving import Call, Reply
from tests.support.chaos_model import HOSTILE, ChaosModel, Habits

MODELS = ("claude-opus-5-5", "claude-haiku-5-5")
SHELL = Tool(
    "shell",
    "Run a command.",
    {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
)


class WatchedBook(MemoryBook):
    """Checks at every admission that the limits in force hold even in the worst case."""

    limits = Limits()

    def open(self, **entry: Any) -> int:
        number = super().open(**entry)
        spent_tokens, spent_usd, held_tokens, held_usd, _ = self.totals()
        if self.limits.tokens is not None:
            assert spent_tokens + held_tokens <= self.limits.tokens
        if self.limits.usd is not None:
            assert spent_usd + held_usd <= self.limits.usd
        return number


async def spree(seed: int, workers: int) -> None:
    rng = random.Random(f"spree {seed} {workers}")
    habits = Habits(
        faults=rng.choice([0.0, 0.2, 0.5]),
        no_usage=rng.choice([0.0, 0.1]),
        hostile=0.5,
        counts=rng.random() < 0.7,
        spendthrift=True,
    )
    book, events = WatchedBook(), list[tuple[str, dict[str, Any]]]()
    start = Limits(tokens=rng.randint(20_000, 120_000), usd=Decimal(rng.randint(20, 150)) / 100)
    ledger = Ledger(book, start, lambda kind, data: events.append((kind, data)))
    book.limits = start
    highest = start

    async def meddle() -> None:
        nonlocal highest
        for _ in range(rng.randint(0, 4)):
            await asyncio.sleep(rng.uniform(0, 0.2))
            factor = rng.uniform(0.6, 1.4)
            tokens, usd = book.limits.tokens or 0, book.limits.usd or Decimal(0)
            limits = Limits(int(tokens * factor), usd * Decimal(f"{factor:.3f}"))
            book.limits = limits
            ledger.set_limits(limits)
            highest = Limits(
                max(highest.tokens or 0, limits.tokens or 0),
                max(highest.usd or Decimal(0), limits.usd or Decimal(0)),
            )

    async def work(client: Client, number: int) -> None:
        mine = random.Random(f"{seed} {number}")
        for ordinal in range(40):
            text = "word " * mine.randint(1, 2000)
            request = Request(
                mine.choice(MODELS),
                [{"role": "user", "content": f"{number} {ordinal} {text}"}],
                tools=[SHELL],
                max_tokens=mine.randint(100, 6000),
                key=f"builder/{number}/{ordinal}",
            )
            patience = mine.choice([None, None, None, None, 0.01])
            try:
                await asyncio.wait_for(client.complete(request), patience)
            except (LLMError, TimeoutError):
                continue
            except BudgetExhausted:
                return

    async with ChaosModel(seed, habits) as server:
        url = await server.start()
        async with Client(ledger=ledger, base_url=url, backoff_s=0.001, max_retries=3) as client:
            await asyncio.gather(meddle(), *(work(client, number) for number in range(workers)))
        billed = server.billed

    # every attempt is booked and settled, and told
    states = Counter(row["state"] for row in book.rows)
    assert states["open"] == 0
    assert billed.requests <= len(book.rows)
    assert sum(kind == "spend" for kind, _ in events) == len(book.rows)
    spent_tokens, spent_usd, held_tokens, held_usd, unknown = book.totals()
    assert (held_tokens, held_usd, unknown) == (0, Decimal(0), False)

    # what is booked as known is what was billed; what is unknown is booked in full
    truth = Counter(
        u["input_tokens"] + u["cache_creation_input_tokens"] + u["output_tokens"]
        for _, u in billed.usages
    )
    known = Counter(r["tokens"] for r in book.rows if r["state"] == "committed" and r["tokens"])
    assert known <= truth
    assert truth.total() - known.total() <= states["forfeited"]

    # and so the truth stays below the book, and the book below the limits
    dollars = sum((_dollars(model, usage) for model, usage in billed.usages), Decimal(0))
    assert billed.budget_tokens <= spent_tokens <= (highest.tokens or 0)
    assert dollars <= spent_usd <= (highest.usd or 0)
    assert "budget.overbilled" not in {kind for kind, _ in events}


def _dollars(model: str, usage: dict[str, Any]) -> Decimal:
    """The bill by another road than the client's: straight from the wire."""
    extracted = extract_usage({"model": model, "usage": usage}, provider_id="anthropic")
    return extracted.calc_price().total_price


@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_limits_hold_whatever_the_server_does(seed: int, workers: int) -> None:
    await spree(seed, workers)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3, 16])
@pytest.mark.parametrize("seed", range(10, 40))
async def test_the_limits_hold_over_many_seeds(seed: int, workers: int) -> None:
    await spree(seed, workers)


async def test_a_server_that_overbills_is_caught_every_time() -> None:
    events: list[tuple[str, dict[str, Any]]] = []
    ledger = Ledger(MemoryBook(), Limits(), lambda kind, data: events.append((kind, data)))
    habits = Habits(faults=0, no_usage=0, overbill=0.4)
    async with ChaosModel(5, habits) as server:
        async with Client(ledger=ledger, base_url=await server.start()) as client:
            for n in range(30):
                messages = [{"role": "user", "content": f"ask {n}"}]
                await client.complete(Request(MODELS[0], messages, max_tokens=500))
        billed = server.billed
    flagged = [data for kind, data in events if kind == "budget.overbilled"]
    assert len(flagged) == billed.overbilled > 5
    assert all(data["billed_tokens"] > data["reserved_tokens"] for data in flagged)
    assert ledger.totals().spent_tokens == billed.budget_tokens


async def test_a_stalled_server_is_left_and_charged() -> None:
    book = MemoryBook()
    ledger = Ledger(book, Limits(), lambda *_: None)
    async with ChaosModel(1, Habits(faults=0, stall=1.0)) as server:
        url = await server.start()
        async with Client(ledger=ledger, base_url=url, idle_s=0.3, max_retries=0) as client:
            request = Request(MODELS[0], [{"role": "user", "content": "x"}], max_tokens=500)
            with pytest.raises(LLMError):
                await client.complete(request)
    assert [row["state"] for row in book.rows] == ["forfeited"]


async def test_a_long_hostile_conversation_only_grows_on_the_wire() -> None:
    bodies: list[dict[str, Any]] = []

    class Watched(ChaosModel):
        async def _answer(self, call: Call, reply: Reply) -> None:
            bodies.append(call.json())
            await super()._answer(call, reply)

    ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
    talk = Transcript(system="Build.", tools=[SHELL])
    talk.say("Go.")
    async with (
        Watched(8, Habits(faults=0.2, hostile=0.9, end=0, rounds=15)) as server,
        Client(ledger=ledger, base_url=await server.start(), backoff_s=0.001) as client,
    ):
        while True:
            response = await client.complete(talk.request(MODELS[0]))
            talk.reply(response)
            if not response.tool_calls:
                break
            talk.answer([(call.id, random.choice(HOSTILE), False) for call in response.tool_calls])
    assert len(bodies) > 15
    for before, after in pairwise(bodies):
        assert json.dumps(after["messages"]).startswith(json.dumps(before["messages"])[:-1])
        assert (before["system"], before["tools"]) == (after["system"], after["tools"])
    assert bodies[-1]["messages"] == talk.messages[:-1]


# the server itself is a tool of other tests: what it promises


async def test_the_bad_server_is_reproducible_and_its_calls_are_valid() -> None:
    async def talk(seed: int) -> list[Any]:
        ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
        async with (
            ChaosModel(seed, Habits(faults=0, no_usage=0)) as server,
            Client(ledger=ledger, base_url=await server.start()) as client,
        ):
            schema = {
                "type": "object",
                "properties": {
                    "verdict": {"enum": ["met", "unmet"]},
                    "n": {"type": "integer", "minimum": 1, "maximum": 3},
                },
                "required": ["verdict", "n"],
            }
            answers = [
                await client.complete(
                    Request("m", [{"role": "user", "content": str(n)}], tools=[SHELL])
                )
                for n in range(20)
            ]
            judged = await client.complete(
                Request("m", [{"role": "user", "content": "judge"}], schema=schema)
            )
        assert '"verdict": ' in judged.text
        for answer in answers:
            assert answer.stop_reason == ("tool_use" if answer.tool_calls else "end_turn")
            for call in answer.tool_calls:
                assert call.name == "shell"
                assert isinstance(call.input["command"], str)
        assert any(answer.tool_calls for answer in answers)
        return [answer.content for answer in answers]

    assert await talk(3) == await talk(3)
    assert await talk(3) != await talk(4)


async def test_the_bad_server_runs_alone_and_tells_its_bill(tmp_path: Path) -> None:
    port = tmp_path / "port"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.chaos_model", "--port-file", str(port)),
        *("--seed", "1", "--faults", "0", "--pause-ms", "0"),
        cwd=Path(__file__).parents[2],
    )
    try:
        while not port.exists():
            assert process.returncode is None
            await asyncio.sleep(0.05)
        url = f"http://127.0.0.1:{port.read_text().strip()}"
        ledger = Ledger(MemoryBook(), Limits(), lambda *_: None)
        async with Client(ledger=ledger, base_url=url) as client:
            request = Request("m", [{"role": "user", "content": "x"}])
            spent = [(await client.complete(request)).budget_tokens for _ in range(3)]
        async with httpx2.AsyncClient(trust_env=False, base_url=url) as http:
            bill = (await http.get("/billed")).json()
        assert bill["requests"] == 3
        assert 0 < bill["budget_tokens"] <= sum(spent)
    finally:
        process.kill()
        await process.wait()
