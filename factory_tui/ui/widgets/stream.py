"""A live, endless list: follow or pause, find, filter, errors only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from factory_tui.ui.rows import FilteredRows, PagedRows, Rows
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part

__all__ = ["Stream", "highlight"]

T = TypeVar("T")

_STEP = 200
"""Rows searched between two looks at the keyboard."""


def highlight(parts: Sequence[Part], needle: str) -> list[Part]:
    """The parts with every occurrence of ``needle`` (any case) in the tone "hit"."""
    if not needle:
        return list(parts)
    folded = needle.casefold()
    marked: list[Part] = []
    for text, tone in parts:
        low = text.casefold()
        # Folding may change the length ("ß"); positions then no longer fit the text.
        if folded not in low or len(low) != len(text):
            marked.append((text, tone))
            continue
        at = 0
        while (hit := low.find(folded, at)) >= 0:
            marked += [(text[at:hit], tone), (text[hit : hit + len(folded)], "hit")]
            at = hit + len(folded)
        marked.append((text[at:], tone))
    return marked


class Stream(LineList, Generic[T]):
    """Rows of the journal or of a run's traffic, newest at the bottom.

    Following keeps the cursor on the newest row. Any movement away from it pauses, so that
    what is being read stays where it is; ``G`` or ``f`` follows again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", tooltip="Follow the newest row, or stay here"),
        Binding("slash", "screen.find", "Find", key_display="/", tooltip="Find; n and N go on"),
        Binding("n", "next_hit(1)", "Next hit", show=False),
        Binding("N", "next_hit(-1)", "Previous hit", show=False),
        Binding(
            "ampersand",
            "screen.filter",
            "Filter",
            key_display="&",
            tooltip="Show only what matches",
        ),
        Binding("exclamation_mark", "errors", "Errors", key_display="!", tooltip="Failures only"),
        Binding("y", "yank", "Copy line", show=False),
    ]

    follow: reactive[bool] = reactive(True, repaint=False)
    errors_only: reactive[bool] = reactive(False, repaint=False)
    filter_text: reactive[str] = reactive("", repaint=False)
    find_text: reactive[str] = reactive("", repaint=False)

    @dataclass
    class Found(Message):
        """A search ended; ``index`` is None if nothing matches."""

        stream: Stream[Any]
        index: int | None
        wrapped: bool

        @property
        def control(self) -> Widget:
            """The stream, for ``@on`` selectors."""
            return self.stream

    def __init__(self, heading: str, *, keys: str = "", ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.heading, self.keys = heading, keys
        self.rows: PagedRows[T] | None = None
        self.live_line = ""
        self._view: Rows[T] | None = None
        self._new = 0
        self._strips: LRUCache[Any, Strip] = LRUCache(1024)

    # -- what a subclass says --------------------------------------------------------------

    def parts(self, row: T, width: int) -> list[Part]:
        """A row as a line."""
        raise NotImplementedError

    def text_of(self, row: T) -> str:
        """What find and filter look at."""
        raise NotImplementedError

    def tags_of(self, row: T) -> dict[str, str]:
        """What ``key:value`` words of a filter look at."""
        return {}

    def failed(self, row: T) -> bool:
        """Whether ``!`` keeps this row."""
        raise NotImplementedError

    def key_of(self, row: T) -> int:
        """A number that tells rows apart, for the cache of painted lines."""
        raise NotImplementedError

    # -- rows ------------------------------------------------------------------------------

    def show(self, rows: PagedRows[T] | None) -> None:
        """Show other rows, from their end."""
        self.rows = rows
        self._strips.clear()
        self._new = 0
        self._rebuild()

    def row(self, index: int) -> T | None:
        """The row at an index of what is shown."""
        return None if self._view is None else self._view.get(index)

    @property
    def current(self) -> T | None:
        """The row under the cursor."""
        return self.row(self.cursor)

    def row_count(self) -> int:
        """Rows shown, after filtering."""
        return 0 if self._view is None else self._view.count()

    def grown(self) -> None:
        """Show rows that were appended to :attr:`rows`."""
        if isinstance(self._view, FilteredRows):
            if self._view.pending > 2000:
                self._scan()
                return
            self._view.scan(self._view.pending)
        self._settle(self.row_count() - self._shown)

    def set_live(self, text: str) -> None:
        """Show what is being streamed right now, below the last row; "" for nothing."""
        if text == self.live_line:
            return
        had = bool(self.live_line)
        self.live_line = text
        if had != bool(text):
            self.redraw()
            self._stick()
        else:
            self.refresh_row(self.row_count())

    _shown = 0

    def _settle(self, added: int) -> None:
        self._shown = self.row_count()
        if not self.follow:
            self._new += added
        self.redraw()
        self._stick()
        self._caption()

    def _stick(self) -> None:
        if self.follow and self.is_mounted:
            last = max(0, self.row_count() - 1)
            if self.cursor == last:
                self.post_message(self.Moved(self, last))
            self.cursor = last
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def _rebuild(self) -> None:
        test = self._test()
        if self.rows is None or test is None:
            self._view = self.rows
            self._settle(0)
        else:
            self._view = FilteredRows[T](self.rows, test)
            self._scan()

    def _test(self) -> Callable[[T], bool] | None:
        words = [word.casefold() for word in self.filter_text.split()]
        if not words and not self.errors_only:
            return None

        def passes(row: T) -> bool:
            if self.errors_only and not self.failed(row):
                return False
            text, tags = self.text_of(row).casefold(), None
            for word in words:
                key, colon, value = word.partition(":")
                if colon:
                    tags = self.tags_of(row) if tags is None else tags
                    if key in tags:
                        if value not in tags[key].casefold():
                            return False
                        continue
                if word not in text:
                    return False
            return True

        return passes

    def _scan(self) -> None:
        self.run_worker(self._scan_all(), group="scan", exclusive=True, exit_on_error=False)

    async def _scan_all(self) -> None:
        view = self._view
        while isinstance(view, FilteredRows) and view is self._view and view.pending:
            view.scan()
            self._settle(0)
            await asyncio.sleep(0)
        self._settle(0)

    # -- painting --------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Paint again in the new colours."""
        super().notify_style_update()
        self._strips.clear()

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One row's parts, hits marked."""
        row = self.row(index)
        if row is None:
            return [("…", "faint")]
        return highlight(self.parts(row, width), self.find_text)

    def row_strip(self, index: int, width: int, *, cursor: bool) -> Strip:
        """One row as painted, from the cache if it was painted before."""
        row = self.row(index)
        if row is None:
            return self.strip([("…", "faint")], width, cursor=cursor)
        key = (self.key_of(row), width, cursor)
        strip = self._strips.get(key)
        if strip is None:
            parts = highlight(self.parts(row, width), self.find_text)
            strip = self._strips[key] = self.strip(parts, width, cursor=cursor)
        return strip

    def tail_height(self) -> int:
        """One line while something is being streamed."""
        return 1 if self.live_line else 0

    def tail_line(self, place: int, width: int) -> Strip:
        """What is being streamed."""
        if place or not self.live_line:
            return self.blank(width)
        tail = self.live_line[-max(8, width - 4) :]
        return self.strip([("▌ ", "accent"), (tail, "muted")], width)

    def _caption(self) -> None:
        state = "follow ●" if self.follow else "paused ○"
        if not self.follow and self._new:
            state += f"  +{self._new:,} new (G)"
        marks = []
        if self.errors_only:
            marks.append("errors only")
        if self.filter_text:
            marks.append(f"filter: {self.filter_text}")
        title = "  ".join([self.heading, state, *marks])
        count = self.row_count()
        place = f"{self.cursor + 1:,} of {count:,}" if count else "empty"
        keys = f" · {self.keys}" if self.keys and self.size.width > 60 else ""
        self.caption(title, f"{place}{keys}")

    # -- keys ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Start with a caption."""
        self._caption()

    def watch_follow(self, follow: bool) -> None:
        """Go to the end, or count what comes from now on."""
        self._new = 0
        if follow:
            self._stick()
        self._caption()

    def watch_errors_only(self) -> None:
        """Filter again."""
        self._rebuild()

    def watch_filter_text(self) -> None:
        """Filter again."""
        self._rebuild()

    def watch_find_text(self) -> None:
        """Mark other hits."""
        self._strips.clear()
        self.refresh()

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell, and show the place."""
        super().watch_cursor(old, new)
        if self.is_mounted:
            self._caption()

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; away from the end this pauses."""
        if index < self.row_count() - 1:
            self.follow = False
        super().move_to(index)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Reading back pauses."""
        if self.max_scroll_y > 0:
            self.follow = False

    def action_to_end(self) -> None:
        """Go to the newest row and follow."""
        super().action_to_end()
        self.follow = True

    def action_follow(self) -> None:
        """Follow the newest row, or stay here."""
        self.follow = not self.follow

    def action_errors(self) -> None:
        """Show failures only, or everything."""
        self.errors_only = not self.errors_only

    def action_yank(self) -> None:
        """Copy the line to the clipboard."""
        row = self.current
        if row is not None:
            self.app.copy_to_clipboard(self.text_of(row))
            self.notify("Line copied")

    def find(self, text: str) -> None:
        """Mark a text and go to its next occurrence from the cursor on."""
        self.find_text = text
        if text:
            self._search(1, include_here=True)

    def action_next_hit(self, direction: int) -> None:
        """Go to the next (1) or previous (-1) occurrence."""
        if self.find_text:
            self._search(direction, include_here=False)
        else:
            self.notify("Nothing to find yet: / starts a search")

    def _search(self, direction: int, *, include_here: bool) -> None:
        start = self.cursor if include_here else self.cursor + direction
        self.run_worker(
            self._look(self.find_text.casefold(), start, direction),
            group="find",
            exclusive=True,
            exit_on_error=False,
        )

    async def _look(self, needle: str, start: int, direction: int) -> None:
        count = self.row_count()
        for distance in range(count):
            index = (start + direction * distance) % count
            row = self.row(index)
            if row is not None and needle in self.text_of(row).casefold():
                wrapped = not 0 <= start + direction * distance < count
                self.move_to(index)
                self.post_message(self.Found(self, index, wrapped))
                return
            if distance % _STEP == _STEP - 1:
                await asyncio.sleep(0)
        self.post_message(self.Found(self, None, False))
