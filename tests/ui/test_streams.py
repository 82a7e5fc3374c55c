"""The streams of a run: following, finding, filtering, reading in full."""

from __future__ import annotations

import json

import pytest

from factory_tui.state import STREAM_KINDS
from factory_tui.store import Store
from factory_tui.ui.screens.pager import PagerScreen
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.traffic import TrafficStream
from factory_tui.ui.widgets.trajectory import Trajectory
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import enter_text, line, text_of

WIDE, NARROW = (160, 48), (80, 24)


async def test_moving_away_pauses_and_new_rows_are_counted(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("3", "k", "k")
        stream = app.screen.query_one(Trajectory)
        assert stream.has_focus and not stream.follow
        at, top = stream.cursor, stream.scroll_y
        for n in range(3):
            factory.append("note", {"text": f"more {n}", "level": "info"})
        await caught_up(pilot)
        assert (stream.cursor, stream.scroll_y) == (at, top), "what is read stays in place"
        assert "+3 new" in str(stream.border_title)
        await pilot.press("G")
        assert stream.follow and stream.cursor == stream.row_count() - 1
        await pilot.press("f", "g")
        assert stream.cursor == 0 and not stream.follow
        await pilot.press("ctrl+d")
        assert stream.cursor == max(1, stream.body_height // 2)
        await pilot.press("ctrl+u")
        assert stream.cursor == 0


async def test_find_filter_and_errors(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        await pilot.press("3", "g", "slash")
        await enter_text(pilot, "Retry-Aft")
        await caught_up(pilot, lambda: stream.cursor > 0)
        first = stream.current
        assert first is not None and "Retry-Aft" in stream.text_of(first) and stream.has_focus
        at = stream.cursor
        await pilot.press("n")
        await caught_up(pilot, lambda: stream.cursor > at)
        await pilot.press("N")
        await caught_up(pilot, lambda: stream.cursor == at)

        total = stream.row_count()
        await pilot.press("exclamation_mark")
        await caught_up(pilot, lambda: 0 < stream.row_count() < total)
        assert all(stream.failed(stream.row(i)) for i in range(stream.row_count()))  # type: ignore[arg-type]
        await pilot.press("exclamation_mark")
        await caught_up(pilot, lambda: stream.row_count() == total)

        await pilot.press("ampersand")
        await enter_text(pilot, "kind:trial okta")
        await caught_up(pilot, lambda: 0 < stream.row_count() < total)
        rows = [stream.row(i) for i in range(stream.row_count())]
        assert {(e.kind, e.scenario) for e in rows if e} == {("trial.finished", "okta-down")}
        factory.append(
            "trial.finished",
            {"n": 4, "outcome": "satisfied", "split": "holdout"},
            iteration=3,
            scenario="okta-down",
        )
        count = len(rows)
        await caught_up(pilot, lambda: stream.row_count() == count + 1)


@pytest.mark.slow
async def test_errors_only_in_the_traffic(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(TrafficStream)
        total = stream.row_count()
        assert total > 300
        await pilot.press("4", "exclamation_mark")
        await caught_up(pilot, lambda: 0 < stream.row_count() < total)
        rows = [stream.row(i) for i in range(stream.row_count())]
        assert {r.status for r in rows if r} == {429, 503, 501, 0}
        await pilot.press("ampersand")
        await enter_text(pilot, "twin:jira")
        await caught_up(pilot, lambda: stream.row_count() > 0)
        assert {r.twin for r in [stream.row(0)] if r} == {"jira"}


@pytest.mark.slow
async def test_nothing_found_is_said(factory: Factory) -> None:
    factory.fill(part="begin")
    app = factory.app()
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        await pilot.press("3", "slash")
        await enter_text(pilot, "zebra")
        await caught_up(pilot, lambda: any("found" in n.message for n in app._notifications))
        assert stream.has_focus


@pytest.mark.slow
async def test_markup_in_model_text_stays_text(factory: Factory) -> None:
    factory.fill()
    hostile = "[bold]loud[/bold] [link=x]y[/link] [/] \\[ok]"
    factory.append("agent.text", {"turn": 9, "text": hostile}, iteration=3)
    factory.append("harness.fault", {"where": "[red]host", "detail": "[/boom]"}, iteration=3)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        shown = text_of(app)
        assert hostile in shown and "[red]host" in line(app, "banner")
        await pilot.press("3", "k", "enter")
        await pilot.pause()
        assert hostile in text_of(app)


async def test_the_detail_follows_the_filter(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        panel, detail = app.screen.query_one(SatisfactionPanel), app.screen.query_one(DetailPane)
        await pilot.press("G")
        await pilot.pause()
        assert panel.current is not None and panel.current.status == "pass"
        await pilot.press("exclamation_mark")
        await pilot.pause()
        shown = panel.current
        assert (shown is None and not detail._text) or (
            shown is not None and shown.scenario.title in detail._text
        )


@pytest.mark.slow
async def test_streamed_text_is_seen_and_goes(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        with Store.open(factory.path) as store:
            store.set_live("7f3a", "builder", "honour the\nRetry-After header")
            await caught_up(pilot, lambda: bool(stream.live_line))
            assert "▌ honour the Retry-After header" in text_of(app)
            store.set_live("7f3a", "builder", "")
            await caught_up(pilot, lambda: not stream.live_line)


@pytest.mark.slow
async def test_what_is_drawn_does_not_grow_with_the_journal(factory: Factory) -> None:
    """A long journal costs pages, not rows: only what is seen is ever read and painted."""
    factory.fill(part="begin")
    rows = 60_000
    with Store.open(factory.path) as store:
        now = factory.clock()
        with store._db.write() as db:
            db.executemany(
                "INSERT INTO journal(ts_ms, run_id, kind, iteration, scenario, trial, data)"
                " VALUES(?,?,?,?,?,?,?)",
                (
                    (now, "7f3a", "agent.tool", 1, "", "", json.dumps({"turn": n, "tool": "t"}))
                    for n in range(rows)
                ),
            )
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        assert stream.rows is not None
        with Store.open(factory.path) as store:
            assert stream.row_count() == store.event_count("7f3a", STREAM_KINDS) > rows
        assert len(stream.rows._pages) <= 3
        await pilot.press("3", "g")
        assert stream.cursor == 0
        first = stream.current
        assert first is not None and first.kind == "run.created"
        await pilot.press("G")
        assert len(stream.rows._pages) <= 5


async def test_a_cut_output_is_opened_whole(factory: Factory) -> None:
    factory.fill()
    with Store.open(factory.path) as store:
        context = store.new_context(tag="output", run_id="7f3a")
        whole = {"text": "line\n" * 9000 + "the end"}
        turn = store.append_turn(context, whole, type_id="tool.output")
    call = {"turn": 9, "call": "c", "tool": "shell", "summary": "shell make", "ok": True, "ms": 1}
    factory.append("agent.tool", {**call, "detail": "line …", "full": turn.id}, iteration=3)
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("3", "enter")
        await caught_up(pilot, lambda: isinstance(app.screen, PagerScreen))
        await pilot.press("G")
        await pilot.pause()
        assert "the end" in text_of(app)
