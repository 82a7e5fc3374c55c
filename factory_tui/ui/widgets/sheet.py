"""Toned text: one column, or two side by side where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.strip import Strip

from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part, width_of

__all__ = ["Column", "Sheet", "wrap_parts"]

SIDE_BY_SIDE: Final = 100
"""From this width on two columns stand side by side."""

_BREAKS: Final = (" ", ",|/", ".")
"""After these a line may go on below, the earlier ones rather."""

Column = Sequence[Sequence[Part]]


def wrap_parts(line: Sequence[Part], width: int, indent: int = 0) -> list[list[Part]]:
    """A line of parts as lines of at most ``width`` cells; what follows the first is indented."""
    if width_of(line) <= width or width < 8:
        return [list(line)]
    lines: list[list[Part]] = [[]]
    room = width
    for text, tone in line:
        rest = text
        while cell_len(rest) > room:
            head = chop_cells(rest, room)[0] if room > 0 else ""
            for signs in _BREAKS:
                at = max(head.rfind(sign) for sign in signs)
                if at > len(head) // 2:
                    head = head[: at + 1]
                    break
            lines[-1].append((head, tone))
            rest = rest[len(head) :].lstrip(" ")
            lines.append([(" " * indent, "text")] if indent else [])
            room = width - indent
        if rest:
            lines[-1].append((rest, tone))
            room -= cell_len(rest)
    return lines


class Sheet(LineList):
    """Columns of toned lines, wrapped to the width there is."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "yank", "Copy", show=False)]

    def __init__(self, *, hint: str = "Nothing selected.", ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.hint = hint
        self._columns: list[Column] = []
        self._lines: list[list[Part]] = []
        self._laid_out_for = -1

    def show(self, heading: str, *columns: Column, keys: str = "") -> None:
        """Show one or two columns, from their beginning unless they are what is shown."""
        self.border_title = Content(heading)
        self.border_subtitle = Content(keys)
        new = [column for column in columns if column]
        if new == self._columns:
            return
        self._columns, self._laid_out_for = new, -1
        self.set_reactive(LineList.cursor, 0)
        self.redraw()
        self.scroll_to(y=0, animate=False, immediate=True, force=True)

    @property
    def text(self) -> str:
        """All columns as plain text."""
        return "\n\n".join(
            "\n".join("".join(text for text, _ in line) for line in column)
            for column in self._columns
        )

    def row_count(self) -> int:
        """Lines after wrapping."""
        width = self._inner_width
        if width != self._laid_out_for:
            self._laid_out_for = width
            self._lines = self._lay_out(width)
        return len(self._lines)

    def _lay_out(self, width: int) -> list[list[Part]]:
        if width <= 0:
            return []
        if len(self._columns) < 2 or width < SIDE_BY_SIDE:
            lines: list[list[Part]] = []
            for number, column in enumerate(self._columns):
                if number:
                    lines.append([("┄" * min(width, 24), "faint")])
                for line in column:
                    lines += wrap_parts(line, width)
            return lines
        left_width = (width - 3) // 2
        right_width = width - 3 - left_width
        left = [part for line in self._columns[0] for part in wrap_parts(line, left_width)]
        right = [part for line in self._columns[1] for part in wrap_parts(line, right_width)]
        joined = []
        for number in range(max(len(left), len(right))):
            first = left[number] if number < len(left) else []
            second = right[number] if number < len(right) else []
            gap = " " * max(0, left_width - width_of(first))
            joined.append([*first, (gap, "text"), (" │ ", "faint"), *second])
        return joined

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One line."""
        return self._lines[index]

    def row_strip(self, index: int, width: int, *, cursor: bool) -> Strip:
        """A line; text has no selected line unless somebody reads in it."""
        return super().row_strip(index, width, cursor=cursor and self.has_focus)

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """What would be here."""
        return [[(self.hint, "faint")]]

    def action_yank(self) -> None:
        """Copy everything to the clipboard."""
        self.app.copy_to_clipboard(self.text)
        self.notify("Text copied")
