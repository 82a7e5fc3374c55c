"""Long lists read by page: what a stream shows without ever holding all of it.

Row numbers are dense from 0. Nothing here knows Textual.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["FilteredRows", "PagedRows", "Rows"]

T = TypeVar("T")
Row = TypeVar("Row", covariant=True)

PAGE: Final = 256
KEPT: Final = 64
"""Pages held; 64 pages of 256 rows cover every jump a hand makes and stay near 10 MB."""

SCAN: Final = 500
"""Rows looked at in one go while filtering; a few milliseconds."""


class Rows(Protocol[Row]):
    """A list that may be very long."""

    def count(self) -> int:
        """How many rows there are."""
        ...

    def get(self, index: int) -> Row | None:
        """The row at an index, None outside."""
        ...


class PagedRows(Generic[T]):
    """Rows of a database table, read in pages that are kept for a while.

    Args:
        count: how many rows the table has now.
        page: reads ``(offset, limit)``.
        after: reads ``(seq, limit)``: the rows that follow one, which needs no counting.
        seq: a row's sequence number, growing along the table.
        start: leave out rows up to this sequence number; ``count`` and ``page`` don't know them.
    """

    def __init__(
        self,
        *,
        count: Callable[[], int],
        page: Callable[[int, int], Sequence[T]],
        after: Callable[[int, int], Sequence[T]],
        seq: Callable[[T], int],
        start: int = 0,
    ) -> None:
        self._page, self._after, self._seq = page, after, seq
        self._pages: OrderedDict[int, list[T]] = OrderedDict()
        # The seq before each page's first row: a page with an anchor is found by key.
        self._anchors: dict[int, int] = {0: start}
        self._count = 0
        self.last_seq = start
        number = max(0, count() - 1) // PAGE
        self._adopt(number, self._page(number * PAGE, PAGE))
        self.catch_up()

    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def get(self, index: int) -> T | None:
        """The row at an index; read from the database if its page is not at hand."""
        if not 0 <= index < self._count:
            return None
        number, place = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._read(number)
        else:
            self._pages.move_to_end(number)
        return page[place] if place < len(page) else None

    def extend(self, rows: Iterable[T]) -> int:
        """Add rows that were appended to the table; those already known are skipped.

        Returns:
            How many were new.
        """
        before = self._count
        for row in rows:
            seq = self._seq(row)
            if seq <= self.last_seq:
                continue
            number, place = divmod(self._count, PAGE)
            if place == 0:
                self._anchors[number] = self.last_seq
                self._keep(number, [])
            page = self._pages.get(number)
            if page is not None and len(page) == place:
                page.append(row)
            self._count += 1
            self.last_seq = seq
        return self._count - before

    def catch_up(self) -> int:
        """Read what was appended since; returns how many rows were new."""
        added = 0
        while rows := self._after(self.last_seq, 1000):
            added += self.extend(rows)
            if len(rows) < 1000:
                break
        return added

    def _read(self, number: int) -> list[T]:
        anchor = self._anchors.get(number)
        found = self._page(number * PAGE, PAGE) if anchor is None else self._after(anchor, PAGE)
        page = list(found[: self._count - number * PAGE])
        self._keep(number, page)
        if len(page) == PAGE:
            self._anchors[number + 1] = self._seq(page[-1])
        return page

    def _adopt(self, number: int, rows: Sequence[T]) -> None:
        self._count = number * PAGE + len(rows)
        if rows:
            self._keep(number, list(rows))
            self.last_seq = self._seq(rows[-1])
            if len(rows) == PAGE:
                self._anchors[number + 1] = self.last_seq

    def _keep(self, number: int, page: list[T]) -> None:
        self._pages[number] = page
        self._pages.move_to_end(number)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)


class FilteredRows(Generic[T]):
    """Those rows of another list that a test lets through; the matching row numbers, 4 bytes each.

    The list is examined step by step (:meth:`scan`), so that a caller can stay responsive.
    """

    def __init__(self, rows: Rows[T], test: Callable[[T], bool]) -> None:
        self.rows, self.test = rows, test
        self._index = array("I")
        self._seen = 0

    def count(self) -> int:
        """How many rows match, of those examined."""
        return len(self._index)

    def get(self, index: int) -> T | None:
        """The matching row at an index."""
        return self.rows.get(self._index[index]) if 0 <= index < len(self._index) else None

    @property
    def pending(self) -> int:
        """Rows not examined yet."""
        return self.rows.count() - self._seen

    def scan(self, limit: int = SCAN) -> int:
        """Examine up to ``limit`` more rows; returns how many matched."""
        before = len(self._index)
        for number in range(self._seen, min(self.rows.count(), self._seen + limit)):
            row = self.rows.get(number)
            if row is not None and self.test(row):
                self._index.append(number)
            self._seen = number + 1
        return len(self._index) - before

    def base_index(self, index: int) -> int:
        """The row number in the underlying list."""
        return self._index[index]

    def nearest(self, base: int) -> int:
        """The first matching row at or after a row number of the underlying list."""
        return min(bisect_left(self._index, base), max(0, len(self._index) - 1))
