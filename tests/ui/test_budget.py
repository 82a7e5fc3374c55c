"""The budget editor: what another limit would do, and asking the engine for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.budget import BudgetScreen
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.run import RunScreen
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import requests, text_of

WIDE, NARROW = (160, 48), (80, 24)
SIZES = [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)]


async def opened(pilot: Pilot[Any]) -> BudgetScreen:
    await caught_up(pilot)
    await pilot.press("b")
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, BudgetScreen))
    assert isinstance(pilot.app.screen, BudgetScreen)
    return pilot.app.screen


async def typed(pilot: Pilot[Any], field: str, text: str) -> None:
    pilot.app.screen.query_one(f"#{field}", Input).value = text
    await pilot.pause()


def shows_run(app: FactoryApp) -> Callable[[], bool]:
    return lambda: isinstance(app.screen, RunScreen)


# -- the screen --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_it_shows_used_burn_and_both_exhaustion_times(
    factory: Factory, size: tuple[int, int]
) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        before = text_of(app)
        await pilot.press("up")
        await pilot.pause()
        after = text_of(app)
        assert screen.query_one("#tokens", Input).value == "500,000"
    assert "400,000" in before and "% " in before and "/min" in before
    assert "Unchanged" in before
    assert "500k tokens" in after and "+100k" in after and after.count("empty at") == 2
    assert "Takes effect at once" in after
    assert "illustrative" in after and "RECORDED" in after


async def test_arrows_step_and_ctrl_s_asks_the_engine(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("up", "up", "down", "ctrl+up", "tab", "up", "ctrl+up", "ctrl+s")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == [("budget", {"tokens": 1_500_000, "usd": "21.00"})]


@pytest.mark.slow
async def test_none_takes_a_limit_away(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await typed(pilot, "tokens", "none")
        await typed(pilot, "usd", "none")
        assert "never empty" in text_of(app)
        await pilot.press("enter")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == [("budget", {"tokens": None, "usd": None})]


async def test_lower_than_used_asks_before_it_pauses_the_run(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await typed(pilot, "tokens", "10k")
        assert "would pause the run now" in text_of(app)
        await pilot.press("ctrl+s")
        await caught_up(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert "would pause the run now" in text_of(app)
        await pilot.press("n")
        await caught_up(pilot, lambda: isinstance(app.screen, BudgetScreen))
        assert requests(factory) == []
        await pilot.press("ctrl+s")
        await caught_up(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == [("budget", {"tokens": 10_000, "usd": "10.00"})]


@pytest.mark.slow
async def test_dollars_below_used_ask_too(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await typed(pilot, "usd", "0.10")
        await pilot.press("ctrl+s")
        await caught_up(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("escape", "escape")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == []


async def test_nonsense_is_said_and_not_sent(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await typed(pilot, "tokens", "lots")
        assert "tokens: give a number such as 400000, 400k or 1.5M, or none" in text_of(app)
        await pilot.press("up", "ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, BudgetScreen)
        await pilot.press("escape")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == []


@pytest.mark.slow
async def test_the_same_budget_is_not_asked_for(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("up", "down", "ctrl+s")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == []


async def test_an_engine_that_is_gone_is_woken(factory: Factory) -> None:
    factory.fill()
    woken: list[str] = []
    app = factory.app(alive=lambda pid, started: False, wake_run=woken.append)
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await pilot.press("up")
        await pilot.pause()
        assert "applying starts it again" in text_of(app)
        await pilot.press("ctrl+s")
        await caught_up(pilot, lambda: woken == ["7f3a"])
    assert requests(factory) == [("budget", {"tokens": 500_000, "usd": "10.00"})]


@pytest.mark.slow
async def test_changes_and_warnings_are_told(factory: Factory) -> None:
    factory.fill()
    old, new = {"tokens": 400_000, "usd": "10.00"}, {"tokens": 90_000, "usd": None}
    factory.append("budget.changed", {"old": old, "new": new, "who": "you"}, iteration=3)
    factory.append("budget.warned", {"percent": 75, "of": "tokens"}, iteration=3)
    factory.append("budget.exhausted", {"of": "tokens"}, iteration=3)
    factory.append("run.paused", {"reason": "budget", "detail": ""}, iteration=3)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        shown = text_of(app)
        assert "400k tokens, $10.00 → 90.0k tokens" in shown and "you" in shown
        assert "75 % of the tokens spent" in shown and "tokens exhausted" in shown
        await pilot.press("up")
        await pilot.pause()
        assert "goes on as soon as this is applied" in text_of(app)


@pytest.mark.slow
async def test_unknown_prices_are_said(factory: Factory) -> None:
    factory.fill(recorded=False)
    spend = {"role": "builder", "tokens": 10, "usd": None, "input": 7, "output": 3,
             "spent_tokens": 90_000, "spent_usd": "0.80", "state": "committed"}  # fmt: skip
    factory.append("spend", spend, iteration=3)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("up")
        await pilot.pause()
        shown = text_of(app)
    assert "not every price is known" in shown and "price is unknown are refused" in shown
    assert "illustrative" not in shown


@pytest.mark.slow
async def test_a_run_that_has_ended_says_so(factory: Factory) -> None:
    factory.fill(part="whole")
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert "satisfied and has ended: it spends nothing" in " ".join(text_of(app).split())
        await pilot.press("up", "ctrl+s")
        await pilot.pause()
        assert requests(factory) == [], "p does not resume a satisfied run, nor does a budget"


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
def test_budget_look(
    factory: Factory, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    factory.fill()
    old, new = {"tokens": 300_000, "usd": None}, {"tokens": 400_000, "usd": "10.00"}
    factory.append("budget.changed", {"old": old, "new": new, "who": "you"}, iteration=3)
    factory.append("budget.warned", {"percent": 75, "of": "tokens"}, iteration=3)

    async def prepare(pilot: Pilot[Any]) -> None:
        screen = await opened(pilot)
        field = screen.query_one("#tokens", Input)
        field.cursor_blink = False
        await typed(pilot, "tokens", "50k")

    assert snap_compare(factory.app(), terminal_size=size, run_before=prepare)


async def test_an_empty_field_is_not_an_unlimited_budget(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        await typed(pilot, "tokens", "")
        assert "tokens: give a number" in text_of(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, BudgetScreen)
        await typed(pilot, "tokens", "none")
        await typed(pilot, "usd", "none")
        assert "Without any limit" in text_of(app)
        await pilot.press("escape")
        await caught_up(pilot, shows_run(app))
    assert requests(factory) == []
