"""What keys, mouse and events do, through the pilot."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from factory_tui.state import STREAM_KINDS
from factory_tui.store import Store
from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.fleet import FleetScreen
from factory_tui.ui.screens.help import HelpScreen
from factory_tui.ui.screens.pager import PagerScreen
from factory_tui.ui.screens.run import RunScreen
from factory_tui.ui.screens.small import SmallScreen
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.fleet import FleetTable
from factory_tui.ui.widgets.frame import KeyLine, Line, Prompt
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.traffic import TrafficStream
from factory_tui.ui.widgets.trajectory import Trajectory
from tests.ui.conftest import Factory, caught_up

WIDE, NARROW = (160, 48), (80, 24)


def text_of(app: FactoryApp) -> str:
    """What the screen shows."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(s.text for s in line).ljust(width) for line in lines[:height])


def line(app: FactoryApp, name: str) -> str:
    return app.screen.query_one(f"#{name}", Line).text


async def enter_text(pilot: Pilot[Any], text: str) -> None:
    """Paste a text into the prompt and accept it."""
    pilot.app.screen.query_one(Input).insert_text_at_cursor(text)
    await pilot.press("enter")


def requests(factory: Factory) -> list[tuple[str, dict[str, Any]]]:
    with Store.open(factory.path) as store:
        return [(c.verb, dict(c.args)) for c in store.pending("7f3a")]


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_the_dashboard_answers_the_three_questions(
    factory: Factory, size: tuple[int, int]
) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=size) as pilot:
        await caught_up(pilot)
        shown = text_of(app)
    assert "working" in shown and "trials: 7 done" in shown, "what is it doing"
    assert "$0.80" in shown and "400k" in shown and "/min" in shown and "3m0" in shown, "its cost"
    assert "okta-down" in shown and "83% " in shown and "67% " in shown, "what fails"
    assert "[64–93]" in shown and "n=24" in shown and "n=12" in shown
    played = "RECORDED model" if size == NARROW else "RECORDED – the model's words are played back"
    assert played in shown
    assert "▣ A" in shown or "isolation A full" in shown


async def test_news_arrive_while_watching(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        before = stream.row_count()
        factory.append("note", {"text": "something new", "level": "warning"}, iteration=3)
        factory.append("budget.warned", {"percent": 75, "of": "tokens"}, iteration=3)
        await caught_up(pilot, lambda: stream.row_count() == before + 2)
        assert stream.cursor == stream.row_count() - 1, "following"
        shown = text_of(app)
        assert "something new" in shown
        assert "75 % of the tokens are spent" in line(app, "banner")
        factory.append("budget.changed", {"old": {}, "new": {"tokens": 900_000}, "who": "you"})
        await caught_up(pilot)
        assert not app.screen.query_one("#banner").display
        assert "900k" in text_of(app)


@pytest.mark.slow
async def test_what_came_behind_another_screen_is_there_afterwards(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        stream = app.screen.query_one(Trajectory)
        await pilot.press("question_mark")
        for n in range(5):
            factory.append("note", {"text": f"hidden {n}", "level": "info"}, iteration=3)
        await caught_up(pilot)
        await pilot.press("escape")
        factory.append("note", {"text": "seen", "level": "info"}, iteration=3)
        await caught_up(pilot)
        tail = [stream.row(stream.row_count() - n) for n in range(6, 0, -1)]
        assert [e.data["text"] for e in tail if e] == [*(f"hidden {n}" for n in range(5)), "seen"]


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


async def test_pause_and_resume_are_requests(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("p")
        assert requests(factory) == [("pause", {})]
        assert "pause asked for" in line(app, "status")
        factory.append("run.paused", {"reason": "user", "detail": ""})
        await caught_up(pilot)
        assert "paused by you" in line(app, "status")
        await pilot.press("p")
        assert [verb for verb, _ in requests(factory)] == ["pause", "resume"]


async def test_stop_asks(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("x")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("enter")
        assert isinstance(app.screen, ConfirmScreen), "enter alone is no answer"
        await pilot.press("n")
        assert isinstance(app.screen, RunScreen) and requests(factory) == []
        await pilot.press("x", "y")
        await pilot.pause()
        assert [verb for verb, _ in requests(factory)] == ["stop"]


async def test_a_dead_engine_is_said_and_woken(factory: Factory) -> None:
    factory.fill()
    woken: list[str] = []
    app = factory.app(alive=lambda pid, started: False, wake_run=woken.append)
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        assert "the engine is not running" in line(app, "banner")
        await pilot.press("p")
        await caught_up(pilot, lambda: woken == ["7f3a"])
        assert [verb for verb, _ in requests(factory)] == ["resume"]


@pytest.mark.slow
async def test_an_ended_run_goes_on_only_after_asking(factory: Factory) -> None:
    factory.fill()
    factory.append("run.finished", {"status": "stopped", "detail": "by you", "iteration": 3})
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("p")
        assert isinstance(app.screen, ConfirmScreen) and requests(factory) == []
        await pilot.press("y")
        await pilot.pause()
        assert [verb for verb, _ in requests(factory)] == ["resume"]


@pytest.mark.slow
async def test_panes_by_number_tab_and_in_full(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        screen = app.screen
        for key, name in (
            ("1", "spend"),
            ("2", "scenarios"),
            ("3", "trajectory"),
            ("4", "traffic"),
        ):
            await pilot.press(key)
            assert screen.focused is not None and screen.focused.id == name
        await pilot.press("plus")
        assert screen.query_one("#traffic").region.width > 150
        assert not screen.query_one("#spend").display
        await pilot.press("1")
        assert screen.query_one("#spend").display and not screen.query_one("#traffic").display
        await pilot.press("escape")
        assert all(screen.query_one(f"#{name}").display for name in RunScreen.PANE_IDS)
        assert screen is app.screen, "escape restored before it went back"
        await pilot.press("tab")
        assert screen.focused is not None and screen.focused.id == "scenarios"


@pytest.mark.slow
async def test_the_detail_follows_the_selection(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        detail = app.screen.query_one(DetailPane)
        assert "okta-down" in str(detail.border_title)
        await pilot.press("4", "G")
        await pilot.pause()
        assert "jira POST" in str(detail.border_title) and detail.row_count() > 3
        await pilot.press("3", "slash")
        await enter_text(pilot, "waits and retries")
        await caught_up(pilot, lambda: "iteration.built" in str(detail.border_title))


async def test_enter_opens_and_escape_returns(factory: Factory) -> None:
    factory.fill()
    opened: list[tuple[Any, ...]] = []
    app = factory.app()
    app._open = lambda *args: opened.append(args)  # type: ignore[method-assign]
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        await pilot.press("enter")
        await pilot.press("4", "enter", "b")
        await pilot.press("e")
        await pilot.pause()
        assert opened == [
            ("scenario", "ScenarioScreen", "7f3a", "okta-down"),
            ("exchange", "ExchangeScreen", "7f3a", 418),
            ("budget", "BudgetScreen", "7f3a"),
            ("spec", "SpecScreen", factory.folder / "specs/rollcall.md", "7f3a"),
        ]
        await pilot.press("3", "G", "enter")
        await pilot.pause()
        assert opened[-1] == ("scenario", "ScenarioScreen", "7f3a", "unplaced-person-ticket")
        await pilot.press("g", "enter")
        await pilot.pause()
        assert isinstance(app.screen, PagerScreen)
        assert "RECORDED" in line(app, "status"), "badges are on every screen"
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)
        await pilot.press("q")
        assert isinstance(app.screen, FleetScreen)


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


@pytest.mark.slow
async def test_the_mouse_selects_opens_and_scrolls(factory: Factory) -> None:
    factory.fill()
    opened: list[tuple[Any, ...]] = []
    app = factory.app()
    app._open = lambda *args: opened.append(args)  # type: ignore[method-assign]
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        panel = app.screen.query_one(SatisfactionPanel)
        await pilot.click(panel, offset=(10, 7))
        assert panel.cursor == 2
        await pilot.click(panel, offset=(10, 6), times=2)
        assert opened == [("scenario", "ScenarioScreen", "7f3a", "asks-before-removing")]
        stream = app.screen.query_one(Trajectory)
        await pilot._post_mouse_events([_scroll_up()], stream, offset=(5, 5))
        await pilot.pause()
        assert not stream.follow
        bar = app.screen.query_one(KeyLine)
        shown = "".join(s.text for s in bar.render_line(0))
        await pilot.click(bar, offset=(1 + shown.index("? Help"), 0))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


def _scroll_up() -> Any:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_the_fleet_lists_sorts_narrows_and_opens(factory: Factory) -> None:
    factory.fill("81bc", part="whole")
    factory.fill("7f3a")
    factory.fill("90de", part="begin", recorded=False, tier="E")
    factory.append("budget.warned", {"percent": 75, "of": "tokens"}, iteration=3)
    app = factory.app(None)
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        table = app.screen.query_one(FleetTable)

        def listed() -> list[str]:
            return [table.row(i).facts.id for i in range(table.row_count())]

        assert listed() == ["7f3a", "90de", "81bc"], "what needs somebody first"
        assert "RECORDED" in line(app, "status")
        assert "3 runs · 2 live · 1 needs you" in line(app, "header")
        await pilot.press("j")
        await pilot.pause()
        assert "UNSANDBOXED" in line(app, "status") and "RECORDED" not in line(app, "status")
        await pilot.press("s")
        assert listed()[0] == "90de" and table.current is not None
        assert table.current.facts.id == "90de", "the cursor stays on its run"
        await pilot.press("slash")
        await enter_text(pilot, "81b")
        await caught_up(pilot, lambda: listed() == ["81bc"])
        await pilot.press("enter")
        await caught_up(pilot)
        assert isinstance(app.screen, RunScreen) and app.screen.run_id == "81bc"
        assert "satisfied" in line(app, "header")


async def test_an_empty_factory_says_what_to_do(factory: Factory) -> None:
    made: list[str] = []

    def start() -> str:
        factory.fill("beef", part="begin")
        made.append("beef")
        return "beef"

    app = factory.app(None, start_run=start)
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        shown = text_of(app)
        assert "No run yet" in shown and "starts a run" in shown and "factory-tui demo" in shown
        await pilot.press("r")
        await caught_up(pilot, lambda: isinstance(app.screen, RunScreen))
        await caught_up(pilot)
        shown = text_of(app)
        assert made == ["beef"] and "no trial yet" in shown and "No calls yet" in shown


@pytest.mark.slow
async def test_a_start_that_fails_says_why(factory: Factory) -> None:
    def start() -> str:
        raise ValueError("no model to call: [set] ANTHROPIC_API_KEY")

    app = factory.app(None, start_run=start)
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await caught_up(pilot)
        await pilot.press("r")
        await caught_up(pilot, lambda: any("ANTHROPIC" in n.message for n in app._notifications))


@pytest.mark.slow
async def test_commands(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await caught_up(pilot)
        await pilot.press("colon")
        await enter_text(pilot, "retry okta-down 5")
        await pilot.pause()
        assert requests(factory) == [("retry", {"scenario": "okta-down", "trials": 5})]
        await pilot.press("colon")
        await enter_text(pilot, "dance")
        await caught_up(pilot, lambda: any("dance" in n.message for n in app._notifications))
        await pilot.press("colon", "escape")
        assert not app.screen.query_one(Prompt).is_open
        await pilot.press("colon")
        await enter_text(pilot, "fleet")
        await pilot.pause()
        assert isinstance(app.screen, FleetScreen)


@pytest.mark.slow
async def test_help_is_about_where_it_was_asked_and_can_be_searched(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        assert "Edit the budget of this run" in text_of(app)
        await pilot.press("slash")
        await enter_text(pilot, "holdout")
        await pilot.pause()
        shown = text_of(app)
        assert "the builder learns from train only" in shown and "half a page" not in shown
        await pilot.press("escape")
        assert isinstance(app.screen, RunScreen)


async def test_a_long_name_does_not_hide_what_the_run_does(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        monkeypatch.setattr(app.screen, "crumbs", lambda: ["7f3a", "名前がとても長い工場 " * 9])
        app.screen.refresh_all(None)  # type: ignore[attr-defined]
        await pilot.pause()
        header = text_of(app).splitlines()[0]
        assert "7f3a" in header and "名前" in header and "● working" in header and "$0." in header


async def test_the_footer_says_how_to_go_back_where_there_is_room(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        assert text_of(app).splitlines()[-1].rstrip().endswith("q Back  ? Help")
        await pilot.press("q")
        await caught_up(pilot, lambda: isinstance(app.screen, FleetScreen))
        assert "q Quit" in text_of(app).splitlines()[-1]


@pytest.mark.slow
async def test_every_key_is_in_the_palette(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        from factory_tui.ui.commands import ActionProvider

        provider = ActionProvider(app.screen)
        names = [str(hit.prompt) async for hit in provider.discover()]
        text = "\n".join(names)
        assert names.index("Budget  (b)") < names.index("Down  (↓)"), "moving comes last"
        for word in ("Budget", "Spec", "Pause", "Stop", "Feedback", "Full", "Help", "Command line"):
            assert word in text
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert type(app.screen).__name__ == "CommandPalette"


@pytest.mark.slow
async def test_too_small_says_so_and_recovers(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=(50, 12)) as pilot:
        await caught_up(pilot)
        assert isinstance(app.screen, SmallScreen)
        assert "50×12" in text_of(app) and "60×15" in text_of(app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert isinstance(app.screen, RunScreen) and "too small" not in text_of(app)
        await pilot.resize_terminal(160, 48)
        await pilot.pause()
        assert app.screen.has_class("-wide") and app.screen.query_one(DetailPane).display


async def test_nothing_is_done_that_cannot_be_seen(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.resize_terminal(50, 12)
        await pilot.pause()
        await pilot.press("p", "x", "y", "b", "ctrl+p", "escape", "colon")
        await pilot.pause()
        assert isinstance(app.screen, SmallScreen) and requests(factory) == []
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert isinstance(app.screen, RunScreen) and isinstance(app.focused, SatisfactionPanel)
        await pilot.resize_terminal(50, 12)
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_tab_completes_the_command_and_never_leaves_it(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("colon", "r", "e", "tab")
        box = app.screen.query_one(Input)
        assert app.focused is box and box.value == "resume"
        await pilot.press("tab")
        assert box.value == "retry"
        await pilot.press("shift+tab", "tab", "space", "j", "o", "tab", "tab", "p", "x")
        assert app.focused is box and box.value == "retry joiner-gets-channelspx"
        assert requests(factory) == []
        await pilot.press("tab", "backspace", "backspace", "enter")
        await pilot.pause()
        assert requests(factory) == [("retry", {"scenario": "joiner-gets-channels", "trials": 3})]


async def test_the_footer_names_what_the_key_would_do(factory: Factory) -> None:
    factory.fill()
    app = factory.app()

    def keys() -> dict[str, bool]:
        found = app.screen.query_one(KeyLine)._keys()
        return {name: possible for _, _, name, possible in found}

    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        assert keys()["Pause"] and keys()["Stop"]
        factory.append("run.paused", {"reason": "user", "detail": ""})
        await caught_up(pilot)
        assert "Pause" not in keys() and keys()["Resume"]
        factory.append("run.finished", {"status": "stopped", "detail": "", "iteration": 3})
        await caught_up(pilot)
        assert keys()["Resume"] and not keys()["Stop"]
        await pilot.press("escape")
        await pilot.pause()
        assert keys()["Resume"] and not keys()["Start run"]
        factory.append("run.finished", {"status": "satisfied", "detail": "", "iteration": 3})
        await caught_up(pilot)
        assert not keys()["Pause"]


async def test_figures_of_a_run_at_rest_do_not_decay(factory: Factory) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        assert "empty" in text_of(app)
        factory.append("run.paused", {"reason": "user", "detail": ""})
        await caught_up(pilot)
        before = text_of(app)
        assert "paused: nothing is spent" in before and "empty    in" not in before
        burn = next(row for row in before.splitlines() if " burn " in row)
        factory.clock.step(3600)
        await pilot.pause(1.2)
        assert next(row for row in text_of(app).splitlines() if " burn " in row)[:48] == burn[:48]


async def test_a_dead_run_shows_nothing_as_running(factory: Factory) -> None:
    factory.fill()
    factory.append("trial.started", {"n": 9, "seed": "1"}, iteration=4, scenario="okta-down")
    app = factory.app(alive=lambda pid, started: False)
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        panel = app.screen.query_one(SatisfactionPanel)
        assert all(state != "running" for row in panel._rows for state in row.states)
        assert "engine gone: nothing is spent" in text_of(app)


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


async def test_panes_are_numbered_without_a_gap_at_every_size(factory: Factory) -> None:
    factory.fill()
    app = factory.app(None)
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        for size, numbers in ((WIDE, "1234"), (NARROW, "12")):
            await pilot.resize_terminal(*size)
            await caught_up(pilot)
            panes = [app.screen.query_one(f"#{name}") for name in app.screen.pane_ids()]  # type: ignore[attr-defined]
            shown = [pane for pane in panes if pane.size.area]
            assert [str(pane.border_title)[0] for pane in shown] == list(numbers)
            for number, pane in zip(numbers, shown, strict=True):
                await pilot.press(number)
                await pilot.pause()
                assert app.focused is pane


async def test_a_weighted_rate_says_so(factory: Factory) -> None:
    factory.fill()
    score = {"satisfied": 8, "trials": 16, "scenarios": 8, "rate": 0.45, "low": 0.2, "high": 0.7}
    plain = {**score, "rate": 0.5}
    data = {"train": score, "holdout": plain, "overall": score, "scenarios": {}}
    factory.append("iteration.scored", {**data, "confirmation": False}, iteration=4)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        rows = text_of(app).splitlines()
        train = next(row for row in rows if "train " in row and "8 of 16" in row)
        holdout = next(row for row in rows if "holdout " in row and "8 of 16" in row)
        assert "weighted" in train and "weighted" not in holdout


async def test_iterations_that_do_not_fit_are_left_out_whole(factory: Factory) -> None:
    factory.fill()
    for n in range(4, 9):
        spent = {"role": "builder", "tokens": 52_300, "usd": "0.1", "spent_tokens": 90_000 + n}
        factory.append("spend", {**spent, "spent_usd": "1"}, iteration=n)
    app = factory.app()
    async with app.run_test(size=WIDE) as pilot:
        await caught_up(pilot)
        row = next(row for row in text_of(app).splitlines() if "by iter" in row)[:50]
        assert "8: 52.3k" in row and "… " in row and not row.rstrip(" │").endswith("…")


async def test_a_badge_flags_a_judge_of_the_builders_family(factory: Factory) -> None:
    factory.fill(recorded=False)
    tier = {"letter": "A", "label": "full"}
    started = {"pid": 1, "tier": tier, "resumed": True, "judge_same_family": True}
    factory.append("run.started", started)
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        assert "judge of builder's family" in line(app, "status")
        await pilot.press("escape")
        await caught_up(pilot)
        assert "judge of builder's family" in line(app, "status")


async def test_leaving_detaches_and_says_so(factory: Factory, capsys: Any) -> None:
    factory.fill()
    app = factory.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("q", "q")
        await pilot.pause()
    messages = capsys.readouterr().err
    assert "Run 7f3a goes on" in messages and "factory-tui attach 7f3a" in messages
    with Store.open(factory.path) as store:
        assert store.run("7f3a").status == "running" and store.pending("7f3a") == []


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
