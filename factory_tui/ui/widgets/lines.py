"""A list with a cursor: every row is drawn when it is seen, and only then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from factory_tui.ui.widgets.tones import Part, Toned

__all__ = ["LineList"]


class LineList(Toned, ScrollView, can_focus=True):
    """Rows drawn by :meth:`draw_row` under head lines that do not scroll.

    Subclasses say how many rows there are (:meth:`row_count`) and draw one. Moving the cursor
    posts :class:`Moved`, enter or a double click posts :class:`Opened`.
    """

    DEFAULT_CSS = """
    LineList {
        width: 1fr;
        height: 1fr;
        border: round $line;
        border-title-color: $muted;
        border-title-style: none;
        border-subtitle-color: $faint;
        padding: 0 0 0 1;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        &:focus {
            border: round $accent;
            border-title-color: $accent;
            border-title-style: bold;
            border-subtitle-color: $muted;
        }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("g,home", "to_start", "First", show=False),
        Binding("G,end", "to_end", "Last", show=False),
        Binding("ctrl+d", "half_page(1)", "Half page down", show=False),
        Binding("ctrl+u", "half_page(-1)", "Half page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("enter", "open", "Open", tooltip="See inside what is selected"),
    ]

    OPENS: ClassVar[bool] = True
    """Whether there is something to open in a row."""

    cursor: reactive[int] = reactive(0, layout=False, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor is on another row, or that row's content changed."""

        lines: LineList
        index: int

        @property
        def control(self) -> Widget:
            """The list, for ``@on`` selectors."""
            return self.lines

    @dataclass
    class Opened(Message):
        """The engineer wants to see inside a row."""

        lines: LineList
        index: int

        @property
        def control(self) -> Widget:
            """The list, for ``@on`` selectors."""
            return self.lines

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter belongs to what is around a list in which nothing can be opened."""
        return self.OPENS if action == "open" else True

    # -- what a subclass says --------------------------------------------------------------

    def row_count(self) -> int:
        """How many rows there are now."""
        raise NotImplementedError

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One row's parts."""
        raise NotImplementedError

    def head(self, width: int) -> Sequence[Sequence[Part]]:
        """Lines above the rows that stay in place."""
        return ()

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """What to show while there are no rows: what will come, what to do."""
        return ()

    def caption(self, title: str, subtitle: str = "") -> None:
        """Write into the border; text is shown as it is."""
        if (title, subtitle) != self._captions:
            self._captions = (title, subtitle)
            self.border_title, self.border_subtitle = Content(title), Content(subtitle)

    _captions: tuple[str, str] = ("", "")

    def tail_height(self) -> int:
        """Lines below the last row (:meth:`tail_line`)."""
        return 0

    # -- painting --------------------------------------------------------------------------

    _head: Sequence[Sequence[Part]] | None = None
    _head_width = -1

    def _head_lines(self) -> Sequence[Sequence[Part]]:
        width = self._inner_width
        # A scrollbar that appears makes the lines narrower without a resize.
        if self._head is None or width != self._head_width:
            self._head, self._head_width = self.head(width), width
        return self._head

    @property
    def _inner_width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def body_height(self) -> int:
        """Rows that fit below the head lines."""
        return max(1, self.scrollable_content_region.height - len(self._head_lines()))

    def redraw(self) -> None:
        """Paint again: rows, count or head have changed."""
        self._head = None
        self._resize_virtual()
        self._clamp()
        self.refresh()

    def notify_style_update(self) -> None:
        """Paint again in the new colours."""
        super().notify_style_update()
        self._head = None

    def on_resize(self) -> None:
        """Fit rows and cursor to the new size."""
        self.redraw()
        self.show_cursor()

    def _resize_virtual(self) -> None:
        height = self.row_count() + len(self._head_lines()) + self.tail_height()
        size = Size(self._inner_width, height)
        old = self.virtual_size
        if size == old:
            return
        view = self.scrollable_content_region.height
        if self.show_vertical_scrollbar and old.height > view and size.height > view:
            # Setting virtual_size lays the whole screen out again; while the scrollbar stays,
            # telling it the new length is enough and costs half.
            self.set_reactive(Widget.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            self.vertical_scrollbar.refresh()
        else:
            self.virtual_size = size

    def render_line(self, y: int) -> Strip:
        """Paint one line of the content area."""
        width = self._inner_width
        head = self._head_lines()
        if y < len(head):
            return self.strip(head[y], width)
        count = self.row_count()
        if not count:
            lines = self.empty(width)
            at = y - len(head)
            return self.strip(lines[at], width) if at < len(lines) else self.blank(width)
        index = self.scroll_offset.y + y - len(head)
        if index >= count:
            return self.tail_line(index - count, width)
        return self.row_strip(index, width, cursor=index == self.cursor)

    def row_strip(self, index: int, width: int, *, cursor: bool) -> Strip:
        """One row as painted."""
        return self.strip(self.draw_row(index, width), width, cursor=cursor)

    def tail_line(self, place: int, width: int) -> Strip:
        """A line below the last row."""
        return self.blank(width)

    def refresh_row(self, index: int) -> None:
        """Paint one row again."""
        y = index - self.scroll_offset.y + len(self._head_lines())
        self.refresh(Region(0, y, self.size.width, 1))

    # -- cursor ----------------------------------------------------------------------------

    def watch_cursor(self, old: int, new: int) -> None:
        """Show the cursor and tell."""
        if not self.is_mounted:
            return
        self.refresh_row(old)
        self.refresh_row(new)
        self.post_message(self.Moved(self, new))

    def _clamp(self) -> None:
        last = max(0, self.row_count() - 1)
        if self.cursor > last:
            self.cursor = last

    chosen = False
    """Whether the cursor is where somebody put it, and should stay on that row's content."""

    def move_to(self, index: int) -> None:
        """Put the cursor on a row and scroll to it."""
        self.chosen = True
        self.cursor = max(0, min(index, self.row_count() - 1))
        self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll so far that the cursor is seen."""
        top, height = round(self.scroll_y), self.body_height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True, force=True)
        elif self.cursor >= top + height:
            to = self.cursor - height + 1
            self.scroll_to(y=to, animate=False, immediate=True, force=True)

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_to(self.cursor + by)

    def action_half_page(self, direction: int) -> None:
        """Move by half the height."""
        self.move_to(self.cursor + direction * max(1, self.body_height // 2))

    def action_page(self, direction: int) -> None:
        """Move by the height."""
        self.move_to(self.cursor + direction * self.body_height)

    def action_to_start(self) -> None:
        """Go to the first row."""
        self.move_to(0)

    def action_to_end(self) -> None:
        """Go to the last row."""
        self.move_to(self.row_count() - 1)

    def action_open(self) -> None:
        """Ask to open the row under the cursor."""
        if self.row_count():
            self.post_message(self.Opened(self, self.cursor))

    # -- mouse -----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Select the row under the pointer; a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        y = offset.y - len(self._head_lines())
        index = self.scroll_offset.y + y
        if y < 0 or index >= self.row_count():
            return
        self.move_to(index)
        if event.chain >= 2:
            self.action_open()
