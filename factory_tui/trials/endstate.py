"""What the twins hold when a trial ends, and what changed since it began: for people to look at.

Rows are cut down to what a screen can show: every row that changed, and the first of the others.
All text is cleaned; the twins were fed by a product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from factory_tui.trials.brief import brief
from factory_tui.universe import Snapshot, Universe

__all__ = ["end_state"]

_CALM: Final = 60
"""Unchanged rows kept of each table or view."""

_CHANGED: Final = 500
"""Changed rows kept of each table."""

_TEXT: Final = 2_000
"""Characters kept of a text in a row."""


def end_state(universe: Universe, start: Snapshot, views: Mapping[str, Any]) -> dict[str, Any]:
    """The state of all twins, as JSON.

    Args:
        universe: as it is now.
        start: taken when the trial began.
        views: twin to collection to rows, as facts see them.

    Returns:
        Twin to a list of collections ``{name, kind: "view" | "table", count, inserted, updated,
        deleted (numbers), rows: [{key, mark: "" | "inserted" | "updated" | "deleted", row,
        before (of an updated one)}]}``: views first, then the tables that hold anything, those
        with changes first. ``row`` of a deleted one is what it was.
    """
    changes = universe.diff(start)
    found: dict[str, Any] = {}
    for name, state in universe.twins.items():
        collections = [_view(kind, rows) for kind, rows in views.get(name, {}).items()]
        tables = [
            _table(table, rows, changes.get(name, {}).get(table, {}))
            for table, rows in state.tables.items()
        ]
        shown = [table for table in tables if table["count"] or table["rows"]]
        shown.sort(key=lambda t: (not (t["inserted"] + t["updated"] + t["deleted"]), t["name"]))
        found[name] = [*collections, *shown]
    return found


def _view(name: str, rows: Any) -> dict[str, Any]:
    listed = list(rows)
    return {
        "name": name,
        "kind": "view",
        "count": len(listed),
        "inserted": 0,
        "updated": 0,
        "deleted": 0,
        "rows": [
            {"key": str(n), "mark": "", "row": _plain(row)}
            for n, row in enumerate(listed[:_CALM], 1)
        ],
    }


def _table(name: str, table: Any, changes: Mapping[Any, Any]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    counts = {"inserted": 0, "updated": 0, "deleted": 0}
    for key, (before, after) in changes.items():
        mark = "inserted" if before is None else "deleted" if after is None else "updated"
        counts[mark] += 1
        if len(rows) < _CHANGED:
            kept = {
                "key": _key(key),
                "mark": mark,
                "row": _plain(before if after is None else after),
            }
            if mark == "updated":
                kept["before"] = _plain(before)
            rows.append(kept)
    calm = 0
    for key, row in table.items():
        if calm >= _CALM:
            break
        if key not in changes:
            calm += 1
            rows.append({"key": _key(key), "mark": "", "row": _plain(row)})
    return {"name": name, "kind": "table", "count": len(table), **counts, "rows": rows}


def _key(key: Any) -> str:
    return brief("/".join(key) if isinstance(key, tuple) else str(key), 200)


def _plain(value: Any) -> Any:
    """The value as cleaned JSON; what JSON does not know is told as text."""
    if isinstance(value, str):
        return brief(value, _TEXT)
    if isinstance(value, dict):
        return {brief(str(key), 200): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return brief(str(value), _TEXT)
