"""slackLists.items.*: the rows of lists."""

from typing import Any, Final

from factory_tui.universe import UPPER, Row

from .errors import SlackError
from .list_columns import cell, field
from .lists import columns_of, items_of, list_for, list_shape
from .method import Context, method
from .state import count

MAX_ROWS: Final = 5000
MAX_CELLS: Final = 100


def _shape(row: Row, item: Row) -> Row:
    fields = [
        field(column, item["cells"][column["id"]])
        for column in columns_of(row)
        if item["cells"].get(column["id"]) is not None
    ]
    shown: Row = {
        "id": item["id"],
        "list_id": item["list_id"],
        "date_created": item["created"],
        "created_by": item["created_by"],
        "updated_by": item["updated_by"],
        "fields": fields,
        "updated_timestamp": str(item["updated"]),
    }
    if item["parent"]:
        shown["parent_record_id"] = item["parent"]
    return shown


def _column(row: Row, given: Any, missing: str) -> Row:
    key = given.get("column_id") if isinstance(given, dict) else None
    if not isinstance(key, str) or not key:
        raise SlackError(missing)
    for column in columns_of(row):
        if column["id"] == key:
            return column
    raise SlackError("invalid_column_id")


def _new(c: Context, row: Row, cells: Row, parent: str = "") -> Row:
    if len(c["list_items"].find("list", row["id"])) >= MAX_ROWS:
        raise SlackError("over_row_maximum")
    key = c.twin.ids.mint("list item", 10, prefix="Rec", alphabet=UPPER)
    item: Row = {
        "id": key,
        "list_id": row["id"],
        "n": count(c.twin, "n"),
        "created": c.now,
        "created_by": c.user,
        "updated": c.now,
        "updated_by": c.user,
        "parent": parent,
        "cells": cells,
    }
    c["list_items"].put((row["id"], key), item)
    return item


@method("slackLists.items.create", "lists:write")
def create(c: Context) -> dict[str, Any]:
    """A new row: empty, filled, or a copy of another."""
    row = list_for(c, "write")
    cells: Row = {}
    source = c.args.text("duplicated_item_id")
    if source:
        found = c["list_items"].get((row["id"], source))
        if found is None:
            raise SlackError("duplicated_item_not_found")
        cells = dict(found["cells"])
    parent = c.args.text("parent_item_id")
    if parent and (row["id"], parent) not in c["list_items"]:
        raise SlackError("invalid_args")
    fields = c.args.json("initial_fields", "invalid_args")
    if fields is not None and not isinstance(fields, list):
        raise SlackError("invalid_args")
    for given in fields or ():
        column = _column(row, given, "invalid_column_id")
        cells[column["id"]] = cell(c, column, given)
    return {"item": _shape(row, _new(c, row, cells, parent))}


@method("slackLists.items.update", "lists:write")
def update(c: Context) -> dict[str, Any]:
    """Fill cells, also of rows that it makes: all of them, or none when one cannot be."""
    row = list_for(c, "write")
    given = c.args.json("cells", "invalid_arguments")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_CELLS:
        message = f"[ERROR] 1 to {MAX_CELLS} items allowed [json-pointer:/cells]"
        raise SlackError("invalid_arguments", message)
    changes: list[tuple[str, bool, str, Any]] = []
    for item in given:
        if not isinstance(item, dict):
            message = "[ERROR] must provide an object [json-pointer:/cells]"
            raise SlackError("invalid_arguments", message)
        key, fresh = item.get("row_id"), item.get("row_id_to_create")
        if not (isinstance(key, str) and key) and not fresh:
            raise SlackError("row_id_not_provided")
        if key and (not isinstance(key, str) or (row["id"], key) not in c["list_items"]):
            raise SlackError("invalid_row_id")
        column = _column(row, item, "column_id_not_provided")
        place = str(key or fresh)
        changes.append((place, not key, column["id"], cell(c, column, item)))
    made: dict[str, str] = {}
    for place, fresh, column_id, value in changes:
        if fresh and place not in made:
            made[place] = _new(c, row, {})["id"]
        at = (row["id"], made[place] if fresh else place)
        old = c["list_items"][at]
        cells = {**old["cells"], column_id: value}
        new = {**old, "cells": cells, "updated": c.now, "updated_by": c.user}
        c["list_items"].put(at, new)
    return {}


def _item(c: Context, row: Row, error: str) -> Row:
    item = c["list_items"].get((row["id"], c.args.need("id")))
    if item is None:
        raise SlackError(error)
    return item


@method("slackLists.items.info", "lists:read")
def info(c: Context) -> dict[str, Any]:
    """A row, with the list it is in and the rows below it."""
    row = list_for(c)
    item = _item(c, row, "record_not_found")
    record = _shape(row, item)
    if c.args.flag("include_is_subscribed"):
        record["is_subscribed"] = item["created_by"] == c.user
    answer: dict[str, Any] = {"list": list_shape(c, row), "record": record}
    if item["parent"]:
        answer["parent_task"] = _shape(row, c["list_items"][row["id"], item["parent"]])
    below = [other for other in items_of(c.twin, row["id"]) if other["parent"] == item["id"]]
    return {**answer, "subtasks": [_shape(row, other) for other in below]}


@method("slackLists.items.list", "lists:read")
def list_items(c: Context) -> dict[str, Any]:
    """Rows in the order of their making."""
    row = list_for(c)
    rows = [] if c.args.flag("archived") else items_of(c.twin, row["id"])
    page, metadata = c.page(rows, "list_item", default=100, limit_error="invalid_arguments")
    return {"items": [_shape(row, item) for item in page], "response_metadata": metadata}


def _remove(c: Context, row: Row, key: str) -> None:
    c["list_items"].delete((row["id"], key))
    for other in items_of(c.twin, row["id"]):
        if other["parent"] == key:
            c["list_items"].delete((row["id"], other["id"]))


@method("slackLists.items.delete", "lists:write")
def delete(c: Context) -> dict[str, Any]:
    """A row is gone, and those below it."""
    row = list_for(c, "write")
    _remove(c, row, _item(c, row, "record_not_found")["id"])
    return {}


@method("slackLists.items.deleteMultiple", "lists:write")
def delete_many(c: Context) -> dict[str, Any]:
    """Rows are gone; those that were not there do not matter."""
    row = list_for(c, "write")
    ids = c.args.items("ids")
    if not ids:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: ids")
    for key in ids:
        _remove(c, row, key)
    return {}
