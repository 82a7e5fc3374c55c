"""The text of what is selected, wrapped; scrolls if it is long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType
from textual.strip import Strip

from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part

__all__ = ["DetailPane", "wrap"]


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at blanks where possible; indents are kept."""
    lines: list[str] = []
    for raw in text.expandtabs(4).splitlines() or [""]:
        rest = raw.rstrip()
        while cell_len(rest) > width > 0:
            head = chop_cells(rest, width)[0]
            at = head.rfind(" ")
            if at > width // 3:
                head = rest[:at]
            lines.append(head)
            rest = rest[len(head) :].lstrip(" ")
        lines.append(rest)
    return lines


class DetailPane(LineList):
    """Several lines of text, shown as they are. Diff lines are toned."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "yank", "Copy", show=False)]

    OPENS = False

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._text = ""
        self._lines: list[str] = []
        self._wrapped_for = -1

    def show(self, heading: str, text: str, keys: str = "") -> None:
        """Show a text from its beginning."""
        same = heading == self._captions[0]
        self.caption(heading, keys)
        if text == self._text:
            return
        self._text, self._wrapped_for = text, -1
        if same:
            # The same thing has moved on; whoever reads it stays where they are.
            self.redraw()
            return
        self.set_reactive(LineList.cursor, 0)
        self.redraw()
        self.scroll_to(y=0, animate=False, immediate=True, force=True)

    def row_count(self) -> int:
        """Lines after wrapping."""
        width = self._inner_width
        if width != self._wrapped_for:
            self._lines = wrap(self._text, width) if self._text else []
            self._wrapped_for = width
        return len(self._lines)

    def row_strip(self, index: int, width: int, *, cursor: bool) -> Strip:
        """One line; the cursor is only seen while the text has the focus."""
        return super().row_strip(index, width, cursor=cursor and self.has_focus)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One line."""
        line = self._lines[index]
        tone = "text"
        if line.startswith("@@"):
            tone = "accent"
        elif line.startswith("+"):
            tone = "good"
        elif line.startswith("-"):
            tone = "bad"
        return [(line, tone)]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Nothing is selected."""
        return [[("Nothing selected.", "faint")]]

    def action_yank(self) -> None:
        """Copy the whole text to the clipboard."""
        self.app.copy_to_clipboard(self._text)
        self.notify("Text copied")
