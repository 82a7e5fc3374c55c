"""ORDER BY: several keys, each up or down, what is empty where Jira puts it."""

from collections.abc import Iterable
from typing import Final

from factory_tui.universe import Row

from .clauses import Searched, clause_named
from .context import Context
from .jql import Sort

__all__ = ["sort_rows"]

_DOWN_BY_DEFAULT: Final = frozenset(
    {"created", "updated", "resolved", "priority", "votes", "watchers", "lastViewed"}
)


def sort_rows(c: Context, rows: list[Row], order: Iterable[Sort]) -> list[Row]:
    """Sort in place: by the keys, then the newest first. Gives the list back."""
    rows.sort(key=_created_order, reverse=True)
    for sort in reversed(tuple(order)):
        searched = clause_named(c, sort.field)
        if searched is None:
            continue
        down = sort.descending
        if down is None:
            down = searched.name in _DOWN_BY_DEFAULT
        _sort_by(c, rows, searched, down)
    return rows


def _sort_by(c: Context, rows: list[Row], searched: Searched, down: bool) -> None:
    assert searched.order is not None
    order = searched.order
    if searched.kind != "date":
        rows.sort(key=lambda row: order(c, row), reverse=down)
        return
    # Issues without the date come last either way.
    if searched.column:
        column = searched.column
        rows.sort(key=lambda row: row.get(column) or "", reverse=down)
        rows.sort(key=lambda row: not row.get(column))
        return
    rows.sort(
        key=lambda row: value[1].timestamp() if (value := order(c, row))[0] == 0 else 0.0,
        reverse=down,
    )
    rows.sort(key=lambda row: order(c, row)[0])


def _created_order(row: Row) -> tuple[str, int]:
    return row["created"], int(row["id"])
