"""Said instead of a broken screen, and in the way of its keys."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip

from factory_tui.ui.widgets.tones import Toned

__all__ = ["MIN_HEIGHT", "MIN_WIDTH", "SmallScreen", "TooSmall"]

MIN_WIDTH: Final = 60
MIN_HEIGHT: Final = 15


class TooSmall(Toned):
    """Needed and present size, in the middle."""

    DEFAULT_CSS = "TooSmall { width: 1fr; height: 1fr; }"

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        width, height = self.size
        screen = self.app.size
        lines: list[tuple[str, str]] = [
            ("The terminal is too small", "strong"),
            (
                f"it is {screen.width}×{screen.height}, factory-tui needs {MIN_WIDTH}×{MIN_HEIGHT}",
                "text",
            ),
            ("runs go on meanwhile · q leaves", "muted"),
        ]
        place = y - max(0, (height - len(lines)) // 2)
        if not 0 <= place < len(lines):
            return self.blank(width)
        text, tone = lines[place]
        return self.strip([(" " * max(0, (width - len(text)) // 2), "text"), (text, tone)], width)


class SmallScreen(ModalScreen[None]):
    """Covers whatever is open while the terminal is too small: nobody acts on what is not seen."""

    DEFAULT_CSS = "SmallScreen { background: $background; }"
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.leave", "Quit (runs go on)")]

    def compose(self) -> ComposeResult:
        """One widget."""
        yield TooSmall()
