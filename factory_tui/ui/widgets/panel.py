"""A bordered pane that draws all its lines itself."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.strip import Strip

from factory_tui.ui.widgets.tones import Part, Toned

__all__ = ["Panel", "title"]


def title(text: str) -> Content:
    """A border title that shows the text as it is."""
    return Content(text)


class Panel(Toned, can_focus=True):
    """A pane with a border, a title with its number, and keys in the lower edge.

    Subclasses implement :meth:`draw`; :meth:`redraw` paints it again.
    """

    DEFAULT_CSS = """
    Panel {
        border: round $line;
        border-title-color: $muted;
        border-subtitle-color: $faint;
        border-title-style: none;
        padding: 0 1;
        &:focus {
            border: round $accent;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $muted;
        }
    }
    """

    _lines: Sequence[Sequence[Part]] | None = None

    def draw(self, width: int, height: int) -> Sequence[Sequence[Part]]:
        """The pane's lines for this size; lines beyond ``height`` are not shown."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw again with the present state; nothing is painted if it looks the same."""
        lines = self.draw(*self.size) if self.size.area else None
        if lines is None or lines != self._lines:
            self._lines = lines
            self.refresh()

    def notify_style_update(self) -> None:
        """Draw again in the new colours."""
        super().notify_style_update()
        self._lines = None

    def on_resize(self) -> None:
        """Draw again for the new size."""
        self._lines = None
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Paint one line of the content area."""
        width, height = self.size
        if self._lines is None:
            self._lines = self.draw(width, height)
        if y < len(self._lines):
            return self.strip(self._lines[y], width)
        return self.blank(width)
