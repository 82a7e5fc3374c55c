"""One text in full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from factory_tui.ui.screens.frame import FrameScreen
from factory_tui.ui.widgets.detail import DetailPane

__all__ = ["PagerScreen"]


class PagerScreen(FrameScreen):
    """An event, a diff or a feedback in full; esc goes back."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "back", "Back")]

    def __init__(self, run_id: str, title: str, text: str) -> None:
        super().__init__()
        self.run_id, self._title, self._text = run_id, title, text

    def body(self) -> Iterable[Widget]:
        """The text."""
        pane = DetailPane(ident="text")
        pane.add_class("body")
        yield pane

    def crumbs(self) -> list[str]:
        """The run."""
        return [self.run_id] if self.run_id else []

    def on_mount(self) -> None:
        """Show the text."""
        super().on_mount()
        pane = self.query_one(DetailPane)
        pane.show(self._title, self._text, "y copies · esc back")
        pane.focus()
