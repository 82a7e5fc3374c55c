"""The scenario drill-down: from a failing scenario to the call that made it fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from factory_tui.store import ExchangeRow, StepRow, Store, Traffic, TrialRow, VerdictRow
from factory_tui.ui import evidence
from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.exchange import ExchangeScreen
from factory_tui.ui.screens.pager import PagerScreen
from factory_tui.ui.screens.scenario import ScenarioScreen
from factory_tui.ui.widgets.calls import TrialCalls
from factory_tui.ui.widgets.rounds import RoundsLine
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.sheet import Sheet
from factory_tui.ui.widgets.stepdiff import StepDiff, compare
from factory_tui.ui.widgets.steps import StepList
from factory_tui.ui.widgets.verdict import VerdictPane
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import text_of
from tests.ui.seed_trials import plant

WIDE, NARROW = (160, 48), (80, 24)
SIZES = [NARROW, pytest.param(WIDE, marks=pytest.mark.slow)]


@pytest.fixture
def told(factory: Factory) -> Factory:
    plant(factory.folder, factory.clock)
    return factory


async def opened(pilot: Pilot[Any], scenario: str) -> ScenarioScreen:
    await caught_up(pilot)
    app = pilot.app
    assert isinstance(app, FactoryApp)
    app.open_scenario("7f3a", scenario)
    await caught_up(pilot, lambda: isinstance(app.screen, ScenarioScreen))
    assert isinstance(app.screen, ScenarioScreen)
    return app.screen


def rounds(screen: ScenarioScreen) -> str:
    return screen.query_one(RoundsLine).text


# -- what a verdict rests on -------------------------------------------------------------------


def call(n: int, step: int, who: str, operation: str, status: int, **data: Any) -> StepRow:
    text = f"POST /api/{operation}"
    return StepRow("t", n, "call", who, text, {"n": n, "operation": operation, "status": status,
                                               **data}, 0, step)  # fmt: skip


def ran(n: int, step: int, code: int | None, **data: Any) -> StepRow:
    return StepRow("t", n, "run", "product", "sync", {"exit": code, **data}, 0, step)


def ruling(text: str, steps: tuple[int, ...] = (), **more: Any) -> evidence.Ruling:
    return evidence.Ruling(1, "must", "fact", text, "unmet", steps=steps, **more)


def test_a_command_is_listed_before_the_calls_it_made() -> None:
    steps = [call(1, 1, "okta", "a", 200), call(2, 1, "slack", "b", 200), ran(3, 1, 0),
             call(4, 2, "okta", "a", 200), ran(5, 2, 0)]  # fmt: skip
    assert [entry.n for entry in evidence.arrange(steps)] == [3, 1, 2, 5, 4]


def test_calls_of_a_step_without_a_command_keep_their_place() -> None:
    steps = [call(1, 1, "okta", "a", 200), StepRow("t", 2, "clock", step=2), ran(3, 3, 0)]
    assert [entry.n for entry in evidence.arrange(steps)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "steps", "expected"),
    [
        ("calls.slack[operation=kick].count == 0", (2,), 4),
        ("slack.channels.members == okta.groups.members", (), 2),
        ("cmd[2].exit == 0", (2,), 2),
    ],
)
def test_the_culprit_is_what_the_criterion_names_else_what_failed(
    text: str, steps: tuple[int, ...], expected: int
) -> None:
    entries = [
        ran(1, 1, 0),
        ran(2, 2, 1),
        call(3, 2, "slack", "list", 503, fault="reply 503"),
        call(4, 2, "slack", "list", 200),
        call(5, 2, "slack", "kick", 200),
    ]
    assert evidence.culprit(entries, [ruling(text, steps)]) == expected


def test_without_a_failure_the_last_change_of_the_twin_is_looked_at() -> None:
    read = StepRow("t", 4, "call", "slack", "GET /api/list", {"n": 4, "status": 200}, 0, 1)
    entries = [ran(1, 1, 0), call(2, 1, "slack", "invite", 200), call(3, 1, "jira", "x", 201), read]
    assert evidence.culprit(entries, [ruling("slack.channels[name=a].members.count == 1")]) == 1


def test_a_never_fact_that_does_not_hold_is_met() -> None:
    facts = [
        {"n": 1, "level": "never", "text": "x", "ok": False, "steps": []},
        {"n": 2, "level": "never", "text": "y", "ok": True, "steps": []},
        {"n": 3, "level": "must", "text": "z", "ok": True, "error": "no such twin"},
    ]
    found = evidence.rulings(VerdictRow("t", "unsatisfied", facts=facts))
    assert [(r.n, r.verdict) for r in found] == [(2, "unmet"), (3, "unmet"), (1, "met")]


def test_the_diff_pairs_equal_calls_and_shows_what_went_otherwise() -> None:
    then = [ran(1, 1, 0), call(2, 1, "slack", "invite", 429), call(3, 1, "slack", "invite", 200)]
    now = [ran(1, 1, 1), call(2, 1, "slack", "invite", 429)]
    assert [pair.sign for pair in compare(then, now)] == ["≠", "=", "−"]
    assert [pair.sign for pair in compare(now, then)] == ["≠", "=", "+"]
    pages = [ran(1, 1, 0), *[call(n, 1, "okta", "list", 200) for n in range(2, 7)]]
    assert [(pair.sign, pair.count) for pair in compare(pages, pages)] == [("=", 1), ("=", 5)]


# -- the screen --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_from_the_dashboard_it_is_two_keys_to_the_call_that_made_it_fail(
    told: Factory, size: tuple[int, int]
) -> None:
    app = told.app()
    async with app.run_test(size=size) as pilot:
        await caught_up(pilot)
        panel = app.screen.query_one(SatisfactionPanel)
        await caught_up(pilot, lambda: panel.current is not None)
        assert panel.current is not None and panel.current.scenario.id == "okta-down"
        await pilot.press("enter")
        await caught_up(pilot, lambda: isinstance(app.screen, ScenarioScreen))
        steps = app.screen.query_one(StepList)
        assert steps.current is not None
        assert steps.current.data["operation"] == "conversations.kick"
        await pilot.press("enter")
        await caught_up(pilot, lambda: isinstance(app.screen, ExchangeScreen))
        shown = text_of(app)
    assert "conversations.kick" in shown and "C01ENG" in shown and "okta-down step 3" in shown


@pytest.mark.parametrize("size", SIZES)
async def test_a_holdout_says_so(told: Factory, size: tuple[int, int]) -> None:
    app = told.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, "okta-down")
        assert "HOLDOUT" in rounds(screen)
        assert "HOLDOUT" in text_of(app) and "RECORDED" in text_of(app) and "▣" in text_of(app)
        await pilot.press("escape")
        screen = await opened(pilot, "rate-limited")
        assert "HOLDOUT" not in text_of(app) and "train" in rounds(screen)


@pytest.mark.slow
async def test_the_verdict_tells_expected_and_actual_and_quotes_the_judge(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, "okta-down")
        shown = text_of(app)
        assert "✗ unsatisfied" in shown and "by facts" in shown
        assert "was      0" in shown and "step 3" in shown and "never" in shown
        assert "expected 3" not in shown, "the fact itself says what is expected"
        await pilot.press("escape")
        await opened(pilot, "asks-before-removing")
        shown = text_of(app)
        assert "facts and recorded judge" in shown
        assert "“removed jonas.weber”" in shown and "should" in shown


async def test_one_cursor_goes_through_all_panes(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "okta-down")
        steps, calls = screen.query_one(StepList), screen.query_one(TrialCalls)
        assert calls.current is not None and calls.current.operation == "conversations.kick"
        await pilot.press("g")
        await caught_up(pilot, lambda: calls.current is not None and calls.current.step == 1)
        await pilot.press("3", "G")
        await caught_up(pilot, lambda: steps.current is not None and steps.current.step == 3)
        assert steps.current is not None and steps.current.data.get("n") == calls.row_count()
        await pilot.press("1", "G", "k", "k")
        verdict = screen.query_one(VerdictPane)
        await caught_up(pilot, lambda: verdict.current is not None)
        await pilot.press("L", "3", "g")
        await pilot.pause()
        assert "unlinked" in rounds(screen)
        at = steps.cursor
        await pilot.press("j", "j")
        await pilot.pause()
        assert steps.cursor == at


@pytest.mark.slow
async def test_n_goes_from_evidence_to_evidence(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, "okta-down")
        steps = screen.query_one(StepList)
        seen = []
        for _ in range(3):
            await pilot.press("n")
            await pilot.pause()
            assert steps.current is not None
            seen.append((steps.current.kind, steps.current.data.get("operation")))
        assert ("call", "conversations.kick") in seen
        await pilot.press("N", "N", "N", "N")
        await pilot.pause()
        await pilot.press("3", "n")
        await pilot.pause()
        assert steps.current is not None


async def test_brackets_change_trial_and_iteration(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "asks-before-removing")
        assert "[2 ~]" in rounds(screen) and "[3 ✗]" in rounds(screen)
        await pilot.press("left_square_bracket")
        await pilot.pause()
        assert "[2 ■]" in rounds(screen)
        assert "■ satisfied" in text_of(app)
        await pilot.press("left_curly_bracket")
        await pilot.pause()
        assert "[1 ✗]" in rounds(screen)
        await pilot.press("left_curly_bracket", "left_square_bracket")
        await pilot.pause()
        assert "[1 ✗]" in rounds(screen), "there is nothing before"


@pytest.mark.parametrize("size", SIZES)
async def test_the_diff_compares_with_the_last_satisfied_trial(
    told: Factory, size: tuple[int, int]
) -> None:
    app = told.app()
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, "rate-limited")
        await pilot.press("left_curly_bracket", "d")
        await pilot.pause()
        diff = screen.query_one(StepDiff)
        assert diff.display and diff.row_count() == 8
        shown = text_of(app)
        assert "iteration 3, trial 1" in shown and "exit 0" in shown and "exit 1" in shown
        assert "only then" in shown
        await pilot.press("d")
        await pilot.pause()
        assert not diff.display and app.focused is screen.query_one(StepList)
        await pilot.press("escape")
        await opened(pilot, "okta-down")
        await pilot.press("d")
        await pilot.pause()
        assert "No trial of this scenario has satisfied its user yet" in text_of(app)


async def test_small_terminals_show_every_pane_in_turn(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, "okta-down")
        visited = []
        for _ in range(4):
            await pilot.press("tab")
            await pilot.pause()
            assert app.focused is not None and app.focused.display
            visited.append(app.focused.id)
        assert visited == ["calls", "detail", "verdict", "steps"]
        await pilot.press("3", "plus")
        await pilot.pause()
        assert [p for p in screen.PANE_IDS if screen.query_one(f"#{p}").display] == ["calls"]
        await pilot.press("2")
        await pilot.pause()
        assert [p for p in screen.PANE_IDS if screen.query_one(f"#{p}").display] == ["steps"]
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, ScenarioScreen)
        assert screen.query_one(VerdictPane).display and screen.query_one(StepList).display


@pytest.mark.slow
async def test_a_call_is_copied_as_curl_and_a_command_shown_in_full(told: Factory) -> None:
    app = told.app()
    copied: list[str] = []
    async with app.run_test(size=WIDE) as pilot:
        app.copy_to_clipboard = copied.append  # type: ignore[method-assign]
        await opened(pilot, "okta-down")
        await pilot.press("3", "y")
        await pilot.pause()
        assert copied and copied[0].startswith("curl -i -X POST")
        await pilot.press("2", "g", "enter")
        await caught_up(pilot, lambda: isinstance(app.screen, PagerScreen))
        assert "in step" in text_of(app)


async def test_a_running_trial_shows_its_calls_as_they_come(told: Factory) -> None:
    app = told.app()
    trial = TrialRow("7f3a-9-new", "7f3a", 9, "brand-new", 1, "seed", "holdout", "", "A")

    def exchanges(count: int) -> list[ExchangeRow]:
        return [
            ExchangeRow(run_id="7f3a", iteration=9, scenario="brand-new", trial=trial.id, step=1,
                        n=n, twin="okta", method="GET", path="/x", status=200)
            for n in range(1, count + 1)
        ]  # fmt: skip

    with Store.open(told.path) as store:
        store.save_trial(trial)
    path = told.folder / "runs" / "7f3a" / "traffic.db"
    with Traffic.open(path) as traffic:
        traffic.add(exchanges(2))
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "brand-new")
        assert "being performed" in text_of(app)
        calls = screen.query_one(TrialCalls)
        assert calls.row_count() == 2
        with Traffic.open(path) as traffic:
            traffic.add([ExchangeRow(run_id="7f3a", trial=trial.id, step=1, n=3, status=500)])
        with Store.open(told.path) as store:
            store.save_steps(
                trial.id, [StepRow(trial.id, 1, "run", "product", "sync", {"exit": 1}, 0, 1)]
            )
            store.save_verdict(VerdictRow(trial.id, "unsatisfied", False, 0.0, "facts"))
            done = TrialRow("7f3a-9-new", "7f3a", 9, "brand-new", 1, "seed", "holdout", "", "A",
                            "unsatisfied", "facts", "did not end in time")  # fmt: skip
            store.save_trial(done)
        told.append("trial.finished", {"n": 1, "outcome": "unsatisfied"}, iteration=9,
                    scenario="brand-new", trial=trial.id)  # fmt: skip
        await caught_up(pilot, lambda: "✗ unsatisfied" in text_of(app))
        await caught_up(pilot, lambda: calls.row_count() == 3)


@pytest.mark.slow
async def test_without_traffic_the_trajectory_still_tells(told: Factory) -> None:
    (told.folder / "runs" / "7f3a" / "traffic.db").unlink()
    app = told.app()
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot, "okta-down")
        assert "channel" in screen.query_one("#detail", Sheet).text
        await pilot.press("enter")
        await caught_up(pilot, lambda: isinstance(app.screen, PagerScreen))


@pytest.mark.slow
async def test_the_story_is_the_scenarios_file(told: Factory) -> None:
    folder = told.folder / "scenarios"
    folder.mkdir()
    (folder / "x.md").write_text("---\nid: okta-down\ntitle: x\n---\n\n# Story\n\nA bad minute.\n")
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, "okta-down")
        await pilot.press("v")
        await caught_up(pilot, lambda: isinstance(app.screen, PagerScreen))
        assert "A bad minute." in text_of(app) and "HOLDOUT" in text_of(app)


@pytest.mark.slow
async def test_a_scenario_without_trials_says_so(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, "never-heard-of")
        assert "No trial of this scenario has ended yet" in text_of(app)
        await pilot.press("n", "d", "d", "right_square_bracket", "right_curly_bracket", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ScenarioScreen)


# -- look --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
@pytest.mark.parametrize(
    ("scenario", "keys"),
    [
        ("okta-down", ()),
        pytest.param("asks-before-removing", (), marks=pytest.mark.slow),
        pytest.param("rate-limited", ("left_curly_bracket", "d"), marks=pytest.mark.slow),
    ],
    ids=["facts", "judge", "diff"],
)
def test_scenario_look(
    told: Factory,
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    scenario: str,
    keys: tuple[str, ...],
) -> None:
    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot, scenario)
        await pilot.press(*keys)
        await caught_up(pilot)

    assert snap_compare(told.app(), terminal_size=size, run_before=prepare)


async def test_the_bar_of_iterations_knows_what_came_behind_another_screen(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, "okta-down")
        before = rounds(screen)
        await pilot.press("question_mark")
        await pilot.pause()
        assert app.screen is not screen
        row = told_trial("7f3a.9.okta-down.1", 9)
        with Store.open(told.path) as store:
            store.save_trial(row)
        told.append("trial.started", {"n": 1}, iteration=9, scenario="okta-down", trial=row.id)
        told.append(
            "trial.finished",
            {"n": 1, "outcome": "satisfied"},
            iteration=9,
            scenario="okta-down",
            trial=row.id,
        )
        await caught_up(pilot)
        await pilot.press("escape")
        await caught_up(pilot, lambda: app.screen is screen and rounds(screen) != before)
        assert "9" in rounds(screen)


def told_trial(ident: str, iteration: int) -> TrialRow:
    return TrialRow(
        ident, "7f3a", iteration, "okta-down", 1, "5eed", "holdout", outcome="satisfied"
    )


async def test_a_single_piece_of_evidence_is_called_so(told: Factory) -> None:
    app = told.app()
    async with app.run_test(size=NARROW) as pilot:
        screen = await opened(pilot, "okta-down")
        screen._evidence = [screen.query_one(StepList).current_index or 0]
        await pilot.press("n")
        await pilot.pause()
        said = [note.message for note in app._notifications]
        assert said == ["This is the only evidence in this trial"]


def test_a_fact_that_held_does_not_draw_the_cursor_from_those_that_did_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The step of the evidence also made other facts true; they are not what is looked for."""
    pane, moves = VerdictPane(), list[int]()
    monkeypatch.setattr(pane, "move_to", moves.append)
    failed, held = ruling("slack.channels.count == 1", ()), ruling("cmd[1].exit == 0", (1,))
    held = dataclasses.replace(held, verdict="met")
    pane._lines = [([], None), ([], 0), ([], 1)]
    pane._rulings = [failed, held]
    pane.go_to_step(1)
    assert moves == []
    pane._rulings = [dataclasses.replace(failed, verdict="met"), held]
    pane.go_to_step(1)
    assert moves == [2]
