"""What a screen shows, and what was asked of the engine."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from factory_tui.store import Store
from factory_tui.ui.app import FactoryApp
from factory_tui.ui.widgets.frame import Line
from tests.ui.conftest import Factory

__all__ = ["enter_text", "line", "requests", "text_of"]


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
