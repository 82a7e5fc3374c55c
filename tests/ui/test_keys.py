"""What keys and the mouse do: panes, screens, commands, requests to the engine."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input

from factory_tui.store import Store
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.fleet import FleetScreen
from factory_tui.ui.screens.help import HelpScreen
from factory_tui.ui.screens.pager import PagerScreen
from factory_tui.ui.screens.run import RunScreen
from factory_tui.ui.screens.small import SmallScreen
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.fleet import FleetTable
from factory_tui.ui.widgets.frame import KeyLine, Prompt
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.trajectory import Trajectory
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import enter_text, line, requests, text_of

WIDE, NARROW = (160, 48), (80, 24)


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
