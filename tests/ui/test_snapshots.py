"""How the screens look, at the two sizes that the wireframes are drawn for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from factory_tui.ui.app import FactoryApp
from tests.ui.conftest import Factory, caught_up

SIZES = {"80x24": (80, 24), "160x48": (160, 48)}
Compare = Callable[..., bool]


@pytest.fixture(params=SIZES, ids=list(SIZES))
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


def pressing(*keys: str) -> Callable[[Pilot[Any]], Any]:
    """Wait for the journal, then press keys."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await caught_up(pilot)
        await pilot.press(*keys)
        await caught_up(pilot)

    return prepare


def check(compare: Compare, app: FactoryApp, size: tuple[int, int], *keys: str) -> None:
    assert compare(app, terminal_size=size, run_before=pressing(*keys))


def test_run(factory: Factory, size: tuple[int, int], snap_compare: Compare) -> None:
    factory.fill()
    check(snap_compare, factory.app(), size)


@pytest.mark.slow
def test_run_reading_the_trajectory(
    factory: Factory, size: tuple[int, int], snap_compare: Compare
) -> None:
    factory.fill(recorded=False)
    factory.append("budget.warned", {"percent": 90, "of": "tokens"}, iteration=3)
    check(snap_compare, factory.app(), size, "3", "exclamation_mark", "k", "k")


@pytest.mark.slow
def test_run_just_begun_without_isolation(
    factory: Factory, size: tuple[int, int], snap_compare: Compare
) -> None:
    factory.fill(part="begin", tier="E")
    check(snap_compare, factory.app(), size)


def test_fleet(factory: Factory, size: tuple[int, int], snap_compare: Compare) -> None:
    factory.fill("81bc", part="whole")
    factory.fill("7f3a")
    factory.fill("90de", part="begin", recorded=False, tier="E")
    factory.append("budget.exhausted", {"of": "tokens", "needed_tokens": 9000}, iteration=3)
    factory.append("run.paused", {"reason": "budget", "detail": ""}, iteration=3)
    check(snap_compare, factory.app(None), size)


@pytest.mark.slow
def test_fleet_empty(factory: Factory, snap_compare: Compare) -> None:
    check(snap_compare, factory.app(None), SIZES["80x24"])


def test_help(factory: Factory, snap_compare: Compare) -> None:
    factory.fill()
    check(snap_compare, factory.app(), SIZES["80x24"], "3", "question_mark")


@pytest.mark.slow
def test_stop_question(factory: Factory, snap_compare: Compare) -> None:
    factory.fill()
    check(snap_compare, factory.app(), SIZES["80x24"], "x")


@pytest.mark.slow
def test_too_small(factory: Factory, snap_compare: Compare) -> None:
    factory.fill()
    check(snap_compare, factory.app(), (50, 12))
