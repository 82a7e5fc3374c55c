"""The twins after a trial: collections, rows, what changed, one row in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from factory_tui.store import Traffic
from factory_tui.ui.screens.scenario import ScenarioScreen
from factory_tui.ui.screens.twins import TwinsScreen
from factory_tui.ui.widgets.holdings import CollectionList, RowList, collections, names_of
from factory_tui.ui.widgets.sheet import Sheet
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import text_of
from tests.ui.seed_trials import plant

WIDE, NARROW = (160, 48), (80, 24)


def person(n: int, status: str = "ACTIVE") -> dict[str, Any]:
    return {"id": f"00u{n}", "status": status, "profile": {"login": f"p{n}@acme.example"}}


STATE = {
    "okta": [
        {
            "name": "users", "kind": "table", "count": 41, "inserted": 1, "updated": 1,
            "deleted": 1,
            "rows": [
                {"key": "00u1", "mark": "updated", "row": person(1, "DEPROVISIONED"),
                 "before": person(1)},
                {"key": "00u2", "mark": "deleted", "row": person(2)},
                {"key": "00u3", "mark": "inserted", "row": person(3)},
                *({"key": f"00u{n}", "mark": "", "row": person(n)} for n in range(4, 14)),
            ],
        },
        {
            "name": "groups", "kind": "view", "count": 1, "inserted": 0, "updated": 0, "deleted": 0,
            "rows": [{"key": "1", "mark": "", "row": {"name": "eng-platform", "members": ["a"]}}],
        },
    ],
    "slack": [
        {
            "name": "channels", "kind": "view", "count": 0, "inserted": 0, "updated": 0,
            "deleted": 0, "rows": [],
        }
    ],
}  # fmt: skip


@pytest.fixture
def held(factory: Factory) -> Factory:
    plant(factory.folder, factory.clock)
    with Traffic.open(factory.path.parent / "7f3a" / "traffic.db") as traffic:
        for trial in {row.trial for row in traffic.page(offset=0, limit=10_000)}:
            traffic.save_state(trial, STATE)
    return factory


async def opened(pilot: Pilot[Any]) -> TwinsScreen:
    await caught_up(pilot)
    await pilot.press("enter")
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, ScenarioScreen))
    await pilot.press("t")
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, TwinsScreen))
    assert isinstance(pilot.app.screen, TwinsScreen)
    return pilot.app.screen


@pytest.mark.parametrize("size", [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)])
async def test_what_changed_comes_first(held: Factory, size: tuple[int, int]) -> None:
    app = held.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        shown = text_of(app)
        assert "3 rows changed" in shown and "+1 ~1 −1" in shown and "41" in shown
        rows = screen.query_one(RowList)
        assert [row.mark for row in rows._rows[:3]] == ["updated", "deleted", "inserted"]
        assert "status: ACTIVE → DEP" in shown and "29 more not kept" in str(rows.border_subtitle)
        sheet = screen.query_one("#row", Sheet).text
        assert '-   "status": "ACTIVE"' in sheet and '+   "status": "DEPROVISIONED"' in sheet
        await pilot.press("2", "j")
        await pilot.pause()
        assert "deleted in this trial  00u2" in str(screen.query_one("#row", Sheet).border_title)
        await pilot.press("exclamation_mark")
        assert rows.row_count() == 3
        await pilot.press("1", "j")
        await pilot.pause()
        assert "Nothing changed here" in text_of(app)
        await pilot.press("2", "exclamation_mark", "enter")
        await pilot.pause()
        assert '"eng-platform"' in text_of(app)


async def test_other_trials_are_two_keys_away(held: Factory) -> None:
    app = held.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot)
        before = screen.trial
        await pilot.press("left_square_bracket")
        await pilot.pause()
        assert before is not None and screen.trial is not None and screen.trial.id != before.id
        assert screen.query_one(CollectionList).row_count() == 3


async def test_a_trial_that_recorded_nothing_says_so(factory: Factory) -> None:
    plant(factory.folder, factory.clock)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        shown = " ".join(text_of(app).replace("│", " ").split())
        assert "by a version" in shown and "recorded no twins" in shown
        await pilot.press("2", "j", "enter", "3", "enter", "1", "enter")
        assert isinstance(app.screen, TwinsScreen)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
def test_twins_look(
    held: Factory, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot)
        await pilot.press("2")

    assert snap_compare(held.app(), terminal_size=size, run_before=prepare)


def test_rows_made_of_ids_are_called_by_the_names_behind_them() -> None:
    found = collections(
        {
            "slack": [
                {"name": "members", "kind": "table", "count": 1, "inserted": 1,
                 "rows": [{"key": "C0ENGWEB00/U0ANAHOLT0", "mark": "inserted",
                           "row": {"channel": "C0ENGWEB00", "user": "U0ANAHOLT0", "n": 7}}]},
                {"name": "channels", "kind": "table", "count": 1,
                 "rows": [{"key": "C0ENGWEB00", "row": {"id": "C0ENGWEB00", "name": "eng-web"}}]},
                {"name": "users", "kind": "table", "count": 2,
                 "rows": [{"key": "U0ANAHOLT0", "row": {"id": "U0ANAHOLT0", "name": "ana.holt"}},
                          {"key": "1", "row": {"id": "1", "name": "somebody else"}}]},
            ]
        }
    )  # fmt: skip
    names = names_of(found, "slack")
    assert names == {"C0ENGWEB00": "eng-web", "U0ANAHOLT0": "ana.holt"}
    rows = RowList()
    rows.collection, rows._rows, rows._names = found[0], list(found[0].rows), names
    shown = "".join(text for text, _ in rows.draw_row(0, 42))
    assert shown.split() == ["+", "eng-web", "/", "ana.holt"]
