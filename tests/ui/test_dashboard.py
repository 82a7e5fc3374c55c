"""The dashboard of a run: what it shows, at every size and in every state."""

from __future__ import annotations

import pytest

from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.trajectory import Trajectory
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import enter_text, line, text_of

WIDE, NARROW = (160, 48), (80, 24)


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
