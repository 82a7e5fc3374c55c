"""The ledger's recipe: reserve before, commit or forfeit after, never past a limit."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from factory_tui.llm import (
    BudgetExhausted,
    Ledger,
    Limits,
    MemoryBook,
    Price,
    Prices,
    Reservation,
    UnknownPrice,
    Usage,
)

PRICES = Prices({"m": Price(Decimal(1), Decimal(10), cache_write=Decimal(2))})


class Till:
    """A ledger with its book and what it said."""

    def __init__(self, limits: Limits) -> None:
        self.book = MemoryBook()
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.ledger = Ledger(self.book, limits, lambda kind, data: self.said.append((kind, data)))

    async def reserve(self, given: int, out: int, model: str = "m", **more: Any) -> Reservation:
        return await self.ledger.reserve(
            role="builder",
            model=model,
            input_tokens=given,
            max_tokens=out,
            worst=lambda i, o: PRICES.worst(model, i, o),
            **more,
        )

    def spend(self, reservation: Reservation, given: int, out: int) -> None:
        usage = Usage(given, out)
        self.ledger.commit(reservation, usage, PRICES.cost(reservation.model, usage))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [data for said, data in self.said if said == kind]


async def test_a_reservation_is_held_then_replaced_by_the_truth() -> None:
    till = Till(Limits(tokens=10_000, usd=Decimal(1)))
    reservation = await till.reserve(1000, 2000)
    totals = till.ledger.totals()
    assert (totals.held_tokens, totals.held_usd) == (3000, Decimal("0.022"))  # writes at $2
    assert (totals.spent_tokens, totals.spent_usd) == (0, Decimal(0))
    till.spend(reservation, 900, 100)
    totals = till.ledger.totals()
    assert (totals.spent_tokens, totals.spent_usd) == (1000, Decimal("0.0019"))
    assert (totals.held_tokens, totals.held_usd) == (0, Decimal(0))


async def test_a_forfeit_costs_the_whole_reservation() -> None:
    till = Till(Limits())
    till.ledger.forfeit(await till.reserve(1000, 2000))
    totals = till.ledger.totals()
    assert (totals.spent_tokens, totals.spent_usd) == (3000, Decimal("0.022"))
    (spend,) = till.of("spend")
    assert (spend["state"], spend["tokens"], spend["estimated"]) == ("forfeited", 3000, True)


async def test_an_entry_is_settled_once() -> None:
    till = Till(Limits())
    reservation = await till.reserve(10, 10)
    till.spend(reservation, 5, 5)
    with pytest.raises(ValueError, match="already settled"):
        till.ledger.forfeit(reservation)
    assert till.ledger.totals().spent_tokens == 10


async def test_max_tokens_shrinks_to_what_tokens_allow() -> None:
    till = Till(Limits(tokens=5000))
    assert (await till.reserve(1000, 8000)).max_tokens == 4000


async def test_max_tokens_shrinks_to_what_dollars_allow() -> None:
    till = Till(Limits(usd=Decimal("0.05")))
    reservation = await till.reserve(1000, 8000)  # $0.002 for the prompt, $0.01 per 1000 out
    assert reservation.max_tokens == 4800
    assert reservation.usd == Decimal("0.05")


async def test_it_shrinks_to_something_useful_or_refuses() -> None:
    till = Till(Limits(tokens=2000))
    with pytest.raises(BudgetExhausted) as refused:
        await till.reserve(1000, 8000)
    assert (refused.value.of, refused.value.needed_tokens) == ("tokens", 2024)
    assert (await till.reserve(1000, 500)).max_tokens == 500  # small ones need no more
    till = Till(Limits(tokens=2024))
    assert (await till.reserve(1000, 8000)).max_tokens == 1024


async def test_dollars_refuse_too_and_it_is_said_once_until_limits_change() -> None:
    till = Till(Limits(tokens=100_000, usd=Decimal("0.01")))
    for _ in range(3):
        with pytest.raises(BudgetExhausted) as refused:
            await till.reserve(1000, 8000)
        assert refused.value.of == "usd"
    assert till.of("budget.exhausted") == [
        {"of": "usd", "needed_tokens": 2024, "needed_usd": "0.01224"}
    ]
    till.ledger.set_limits(Limits(usd=Decimal("0.012")))
    with pytest.raises(BudgetExhausted):
        await till.reserve(1000, 8000)
    assert len(till.of("budget.exhausted")) == 2
    till.ledger.set_limits(Limits(usd=Decimal(1)))
    assert (await till.reserve(1000, 8000)).max_tokens == 8000


async def test_running_calls_make_others_wait_instead_of_failing() -> None:
    till = Till(Limits(tokens=10_000))
    first = await till.reserve(1000, 7000)
    second = asyncio.create_task(till.reserve(1000, 5000))
    await asyncio.sleep(0.01)
    assert not second.done()
    till.spend(first, 1000, 100)
    assert (await second).max_tokens == 5000


async def test_waiting_ends_when_the_room_is_spent() -> None:
    till = Till(Limits(tokens=10_000))
    first = await till.reserve(1000, 8500)
    second = asyncio.create_task(till.reserve(1000, 8000))
    await asyncio.sleep(0.01)
    till.ledger.forfeit(first)
    with pytest.raises(BudgetExhausted):
        await second


async def test_waiting_ends_when_the_limit_changes() -> None:
    till = Till(Limits(tokens=10_000))
    await till.reserve(1000, 8500)
    second = asyncio.create_task(till.reserve(1000, 8000))
    await asyncio.sleep(0.01)
    till.ledger.set_limits(Limits(tokens=20_000))
    assert (await second).max_tokens == 8000


async def test_entries_left_open_by_others_are_not_waited_for() -> None:
    till = Till(Limits(tokens=10_000))
    till.book.open(role="judge", model="m", key="", tokens=9500, usd=None)
    with pytest.raises(BudgetExhausted):
        await till.reserve(1000, 8000)


async def test_warnings_come_once_and_again_after_a_raise() -> None:
    till = Till(Limits(tokens=1000))

    async def use(tokens: int) -> list[int]:
        till.said.clear()
        till.spend(await till.reserve(tokens, 0), tokens, 0)
        return [data["percent"] for data in till.of("budget.warned")]

    assert await use(740) == []
    assert await use(10) == [75]
    assert await use(100) == []
    assert await use(60) == [90]
    till.ledger.set_limits(Limits(tokens=2000))
    assert await use(500) == []
    assert await use(100) == [75]
    till.said.clear()
    till.ledger.set_limits(Limits(tokens=1600))
    assert [data["percent"] for data in till.of("budget.warned")] == [90]


async def test_warnings_know_tokens_from_dollars() -> None:
    till = Till(Limits(tokens=10**6, usd=Decimal("0.01")))
    till.spend(await till.reserve(100, 800), 100, 800)
    assert till.of("budget.warned") == [{"percent": 75, "of": "usd"}]


async def test_billing_above_the_reservation_is_booked_and_flagged() -> None:
    till = Till(Limits(tokens=10_000))
    till.spend(await till.reserve(1000, 1000), 1000, 50_000)
    (flag,) = till.of("budget.overbilled")
    assert (flag["reserved_tokens"], flag["billed_tokens"]) == (2000, 51_000)
    assert till.ledger.totals().spent_tokens == 51_000
    assert [data["percent"] for data in till.of("budget.warned")] == [75, 90]


async def test_dearer_dollars_alone_are_flagged_too() -> None:
    till = Till(Limits())
    reservation = await till.reserve(1000, 1000)
    till.ledger.commit(reservation, Usage(10, 10), Decimal(5))
    assert till.of("budget.overbilled")[0]["billed_usd"] == "5"


async def test_an_unknown_price_is_unknown_and_never_zero() -> None:
    till = Till(Limits(tokens=10_000))
    reservation = await till.reserve(100, 100, model="who")
    assert reservation.usd is None
    till.spend(reservation, 100, 50)
    assert till.ledger.totals().unknown_cost
    assert till.of("spend")[0]["usd"] is None


async def test_a_dollar_limit_needs_a_price() -> None:
    till = Till(Limits(usd=Decimal(5)))
    with pytest.raises(UnknownPrice, match=r"The price of who is unknown.*\$5"):
        await till.reserve(100, 100, model="who")
    assert till.book.rows == []


async def test_lowering_the_limit_below_what_is_spent_only_stops_new_calls() -> None:
    till = Till(Limits(tokens=10_000))
    running = await till.reserve(1000, 5000)
    till.ledger.set_limits(Limits(tokens=100))
    till.spend(running, 1000, 5000)
    with pytest.raises(BudgetExhausted):
        await till.reserve(10, 10)
    assert till.ledger.totals().spent_tokens == 6000
