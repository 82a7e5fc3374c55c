"""ORDER BY: several keys, each up or down, what is empty where Jira puts it."""

import json
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from .clauses import Searched, clauses_named
from .context import Context
from .jql import Sort

__all__ = ["Stage", "compare_places", "place_of", "sort_rows", "stages_of"]

_DOWN_BY_DEFAULT: Final = frozenset(
    {"created", "updated", "resolved", "priority", "votes", "watchers", "lastViewed"}
)


class Stage(NamedTuple):
    """One comparison of a sort: a key and whether larger ones come first."""

    key: Callable[[Row], Any]
    down: bool


def stages_of(c: Context, order: Iterable[Sort]) -> list[Stage]:
    """The comparisons of a sort, the first decides first; in the end the newest comes first."""
    stages: list[Stage] = []
    for sort in order:
        for searched in clauses_named(c, sort.field):
            down = sort.descending
            if down is None:
                down = searched.name in _DOWN_BY_DEFAULT
            stages += _stages(c, searched, down)
    return [*stages, Stage(_created_order, True)]


def _stages(c: Context, searched: Searched, down: bool) -> list[Stage]:
    order = searched.order
    if order is None:
        return []
    if searched.kind != "date":
        return [Stage(lambda row: order(c, row), down)]
    # Issues without the date come last either way.
    if searched.column:
        column = searched.column
        return [
            Stage(lambda row: not row.get(column), False),
            Stage(lambda row: row.get(column) or "", down),
        ]
    return [
        Stage(lambda row: order(c, row)[0], False),
        Stage(lambda row: v[1].timestamp() if (v := order(c, row))[0] == 0 else 0.0, down),
    ]


def sort_rows(rows: list[Row], stages: list[Stage]) -> None:
    """Sort in place."""
    for stage in reversed(stages):
        rows.sort(key=stage.key, reverse=stage.down)


def place_of(stages: list[Stage], row: Row) -> list[Any]:
    """Where a row stands among others: what each comparison sees, as JSON can hold it."""
    found: list[Any] = json.loads(json.dumps([stage.key(row) for stage in stages]))
    return found


def compare_places(stages: list[Stage]) -> Callable[[list[Any]], Any]:
    """A sort key for what :func:`place_of` gives."""

    def compare(one: list[Any], other: list[Any]) -> int:
        for stage, a, b in zip(stages, one, other, strict=True):
            if a != b:
                return 1 if (a > b) != stage.down else -1
        return 0

    return cmp_to_key(compare)


def _created_order(row: Row) -> tuple[str, int]:
    return row["created"], int(row["id"])
