"""Paged and filtered rows against plain lists."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from factory_tui.ui import rows as module
from factory_tui.ui.rows import PAGE, FilteredRows, PagedRows


class Table:
    """A table of growing numbers with holes, and what was read from it."""

    def __init__(self, size: int) -> None:
        self.seqs = [3 * n + 5 for n in range(size)]
        self.reads: list[str] = []

    def page(self, offset: int, limit: int) -> Sequence[int]:
        self.reads.append("page")
        return self.seqs[offset : offset + limit]

    def after(self, seq: int, limit: int) -> Sequence[int]:
        self.reads.append("after")
        return [found for found in self.seqs if found > seq][:limit]

    def rows(self) -> PagedRows[int]:
        return PagedRows(
            count=lambda: len(self.seqs), page=self.page, after=self.after, seq=lambda seq: seq
        )


@pytest.mark.parametrize("size", [0, 1, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE + 17])
def test_every_row_is_where_the_table_has_it(size: int) -> None:
    table = Table(size)
    rows = table.rows()
    assert rows.count() == size
    assert [rows.get(index) for index in range(size)] == table.seqs
    assert rows.get(size) is None and rows.get(-1) is None


@pytest.mark.parametrize("size", [0, 3, PAGE, 2 * PAGE + 100])
def test_growing_tables_are_followed(size: int) -> None:
    table = Table(size)
    rows = table.rows()
    dice = random.Random(size)
    for _ in range(12):
        last = table.seqs[-1] if table.seqs else 0
        table.seqs += [last + 2 * n for n in range(1, dice.randrange(1, 400))]
        assert rows.catch_up() and rows.count() == len(table.seqs)
        for _ in range(20):
            index = dice.randrange(len(table.seqs))
            assert rows.get(index) == table.seqs[index]
    assert rows.catch_up() == 0


def test_only_some_pages_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    table = Table(20 * PAGE)
    rows = table.rows()
    for index in range(0, table.seqs.__len__(), 50):
        assert rows.get(index) == table.seqs[index]
    assert len(rows._pages) == 3
    table.reads.clear()
    rows.get(PAGE)
    assert table.reads == ["after"], "a page that was seen once is found by key"


def test_known_rows_are_not_added_twice() -> None:
    table = Table(10)
    rows = table.rows()
    assert rows.extend(table.seqs) == 0 and rows.count() == 10


def test_filters_follow_too() -> None:
    table = Table(1000)
    rows = table.rows()
    even = FilteredRows[int](rows, lambda seq: seq % 2 == 0)
    assert even.count() == 0 and even.pending == 1000
    while even.pending:
        even.scan()
    expected = [seq for seq in table.seqs if seq % 2 == 0]
    assert [even.get(index) for index in range(even.count())] == expected
    table.seqs += [table.seqs[-1] + 1, table.seqs[-1] + 2]
    rows.catch_up()
    assert even.scan() == 1 and even.pending == 0
    assert even.get(even.count()) is None
    assert rows.get(even.base_index(even.nearest(500))) == expected[even.nearest(500)]
