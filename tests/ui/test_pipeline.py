"""The running pipeline on the screen: graph, live node, figures, branches, questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from factory_tui.ui.app import FactoryApp
from factory_tui.ui.screens.answer import AnswerScreen
from factory_tui.ui.screens.pipeline import PipelineScreen
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.graph import GraphView
from tests.ui.conftest import Factory, caught_up
from tests.ui.looking import requests, text_of
from tests.ui.pipelines import GATE, Teller, graph, loop, three

WIDE, NARROW = (160, 48), (80, 24)


@pytest.fixture
def running(factory: Factory) -> Factory:
    factory.fill(part="begin", recorded=False)
    return factory


async def opened(pilot: Pilot[Any]) -> GraphView:
    await caught_up(pilot)
    await pilot.press("v")
    await caught_up(pilot, lambda: isinstance(pilot.app.screen, PipelineScreen))
    return pilot.app.screen.query_one(GraphView)


def box(app: FactoryApp, label: str) -> str:
    """The text around a node's label on the screen."""
    lines = text_of(app).splitlines()
    at = next(n for n, row in enumerate(lines) if f" {label}" in row)
    return "\n".join(lines[max(0, at - 1) : at + 3])


async def test_the_live_node_its_visits_retries_and_cost_are_seen(running: Factory) -> None:
    loop(running)
    app = running.app()
    async with app.run_test(size=WIDE) as pilot:
        view = await opened(pilot)
        shown = text_of(app)
        assert view.cursor == "build", "the view stands where the run is"
        assert "● Build" in shown and "2× ↻1" in shown
        assert "60.1k $0.53" in shown, "both visits, the open one as far as it went"
        assert "✓ Validate" in shown and "9.0k $0.08" in shown
        assert "· Exit" in shown, "what was not reached is there too"
        assert "╔" in shown and "Not yet" in shown and "▶" in shown
        assert "at Build" in shown and "follow ●" in shown
        detail = app.screen.query_one(DetailPane)._text
        assert "visit 2" in detail and "under way" in detail and "attempt 2" in detail
        assert "529 overloaded" in text_of(app) or "visit 1" in detail
        assert "→ validate  taken 1×" in detail and "prompt" in detail
        assert "fidelity full" in detail
        assert view.drawing.width <= view.size.width and view.drawing.height <= view.size.height


async def test_small_terminals_scroll_and_the_cursor_stays_in_sight(running: Factory) -> None:
    loop(running)
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        view = await opened(pilot)
        assert "● Build" in text_of(app)
        for key in ("down", "down", "down", "down"):
            await pilot.press(key)
            await pilot.pause()
            label = {n.id: n.label for n in app.screen.pipeline.graph.nodes}[view.cursor]  # type: ignore[attr-defined,union-attr]
            assert label in text_of(app)
        assert not view.follow
        await pilot.press("f")
        await pilot.pause()
        assert view.cursor == "build"


async def test_the_view_follows_the_run(running: Factory) -> None:
    tell = loop(running)
    app = running.app()
    async with app.run_test(size=WIDE) as pilot:
        view = await opened(pilot)
        tell.leave("build", "validate", ms=30_000, tokens=20_000, usd="0.2", calls=3)
        tell.enter("validate")
        await caught_up(pilot, lambda: view.cursor == "validate")
        assert "● Validate" in text_of(app) and "✓ Build" in text_of(app)
        running.append("run.paused", {"reason": "user", "detail": ""})
        await caught_up(pilot)
        assert "‖ Validate" in text_of(app), "a run at rest has no live node"


async def test_branches_stand_side_by_side(running: Factory) -> None:
    three(running)
    app = running.app()
    async with app.run_test(size=WIDE) as pilot:
        view = await opened(pilot)
        shown = text_of(app)
        assert "● Build B" in shown and "✗ Build C" in shown and "✓ Build A" in shown
        places = [view.drawing.boxes[f"build_{name}"] for name in "abc"]
        assert len({p.y for p in places}) == 1 or len({p.x for p in places}) == 1
        view.follow = False
        view._select("build_a")
        await caught_up(pilot)
        detail = app.screen.query_one(DetailPane)._text
        assert "branch build_a: success · satisfaction 82%" in detail


async def test_enter_shows_all_of_a_node(running: Factory) -> None:
    tell = loop(running)
    for _ in range(4):
        tell.leave("build", "validate", ms=1000, tokens=1, usd="0", calls=1)
        tell.enter("build")
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert "3 earlier visits" in app.screen.query_one(DetailPane)._text
        await pilot.press("enter")
        await pilot.pause()
        assert "visit 1" in app.screen.query_one(DetailPane)._text


async def test_a_run_that_recorded_no_graph_says_so(running: Factory) -> None:
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot)
        assert "graph appears when" in text_of(app)
        await pilot.press("down", "enter", "f", "d", "right_square_bracket")
        assert isinstance(app.screen, PipelineScreen)


# -- questions ---------------------------------------------------------------------------------


def ask(factory: Factory, ident: str = "q1", **more: Any) -> Teller:
    tell = Teller(factory)
    tell.say("pipeline.started", **graph(GATE))
    tell.walk("start", "build")
    tell.enter("review")
    options = [
        {"key": "Y", "label": "Yes, ship", "to": "exit"},
        {"key": "N", "label": "No, once more", "to": "build"},
    ]
    question = {
        "id": ident,
        **tell.where("review"),
        "text": "Ship the build?",
        "type": "multiple_choice",
        "options": options,
        "default": "N",
        "asked_ms": factory.clock(),
        "expires_ms": factory.clock() + 90_000,
        **more,
    }
    tell.say("question.asked", **question)
    tell.say("run.paused", reason="question", detail="")
    return tell


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_question_is_said_everywhere_and_answered_by_its_key(
    running: Factory, size: tuple[int, int]
) -> None:
    ask(running)
    app = running.app(None)
    async with app.run_test(size=size) as pilot:
        await caught_up(pilot)
        fleet = text_of(app)
        assert "asks you" in fleet and "1 needs you" in fleet and "a Answer" in fleet
        await pilot.press("enter")
        await caught_up(pilot)
        run = text_of(app)
        assert "? asking" in run and "Ship the build?" in run and "a Answer" in run
        await pilot.press("a")
        await caught_up(pilot, lambda: isinstance(app.screen, AnswerScreen))
        dialog = text_of(app)
        assert "Yes, ship" in dialog and "No, once more" in dialog and "default" in dialog
        assert "in 1m" in dialog and "“No, once more” is chosen" in dialog
        await pilot.press("x", "y")
        await caught_up(pilot, lambda: not isinstance(app.screen, AnswerScreen))
        assert requests(running) == [("answer", {"question": "q1", "choice": "Y"})]


async def test_enter_takes_the_default_and_esc_leaves_it_open(running: Factory) -> None:
    ask(running, expires_ms=None)
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("a", "escape")
        await pilot.pause()
        assert requests(running) == [] and not isinstance(app.screen, AnswerScreen)
        await pilot.press("a")
        await caught_up(pilot)
        assert "waits until somebody answers" in text_of(app)
        await pilot.press("enter")
        await pilot.pause()
        assert requests(running) == [("answer", {"question": "q1", "choice": "N"})]


async def test_free_text_is_an_answer_too(running: Factory) -> None:
    ask(running, type="freeform", options=[], default="", text="What should it be called?")
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("a")
        await caught_up(pilot, lambda: isinstance(app.screen, AnswerScreen))
        await pilot.press("enter")
        app.screen.query_one(Input).insert_text_at_cursor("yes master")
        await pilot.press("enter")
        await pilot.pause()
        assert requests(running) == [("answer", {"question": "q1", "choice": "yes master"})]


async def test_a_question_settled_elsewhere_closes_its_dialog(running: Factory) -> None:
    tell = ask(running)
    app = running.app()
    async with app.run_test(size=NARROW) as pilot:
        await caught_up(pilot)
        await pilot.press("a")
        await caught_up(pilot, lambda: isinstance(app.screen, AnswerScreen))
        tell.say("question.answered", id="q1", node="review", choice="Y", label="Yes", who="x")
        tell.say("run.resumed", who="x")
        await caught_up(pilot, lambda: not isinstance(app.screen, AnswerScreen))
        assert "asks you" not in text_of(app) and "Answer" not in text_of(app).splitlines()[-1]


# -- looks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
@pytest.mark.parametrize("story", [loop, three], ids=["loop", "branches"])
def test_pipeline_look(
    running: Factory,
    snap_compare: Callable[..., bool],
    size: tuple[int, int],
    story: Callable[[Factory], Teller],
) -> None:
    story(running)

    async def prepare(pilot: Pilot[Any]) -> None:
        await opened(pilot)

    assert snap_compare(running.app(), terminal_size=size, run_before=prepare)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["80x24", "160x48"])
def test_question_look(
    running: Factory, snap_compare: Callable[..., bool], size: tuple[int, int]
) -> None:
    ask(running)

    async def prepare(pilot: Pilot[Any]) -> None:
        await caught_up(pilot)
        await pilot.press("a")
        await caught_up(pilot)

    assert snap_compare(running.app(), terminal_size=size, run_before=prepare)
