"""apps.datastore.*: what apps on Slack's platform keep there, as their manifests declare it."""

from typing import Any, Final

import orjson

from factory_tui.universe import Row

from .apps import app_of
from .datastore_query import BadExpressionError, condition
from .errors import SlackError
from .method import Context, method
from .state import count

READ, WRITE = "datastore:read", "datastore:write"
MAX_ITEM: Final = 400_000
_KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


def _error(text: str) -> SlackError:
    return SlackError("datastore_error", errors=[{"code": "datastore_error", "message": text}])


def _store(c: Context) -> tuple[str, str, Row]:
    """The app, the datastore's name and its declaration."""
    app = app_of(c.twin, c.token)
    name = c.args.need("datastore")
    declared = (app["manifest"].get("datastores") or {}).get(name)
    if not isinstance(declared, dict):
        raise SlackError("datastore_config_not_found")
    return str(app["id"]), name, declared


def _checked(declared: Row, item: Any, *, whole: bool) -> Row:
    """An item as the datastore's attributes allow it."""
    key = str(declared.get("primary_key", "id"))
    if not isinstance(item, dict):
        raise SlackError("invalid_arguments", "[ERROR] must provide an object [json-pointer:/item]")
    if not isinstance(item.get(key), str) or not item[key]:
        raise _error(f"the item lacks its primary key {key}")
    attributes = declared.get("attributes") or {}
    for name, value in item.items():
        about = attributes.get(name)
        if not isinstance(about, dict):
            raise _error(f"the datastore has no attribute {name}")
        wanted = _KINDS.get(str(about.get("type")), object)
        if value is not None and not isinstance(value, wanted):
            raise _error(f"attribute {name} must be of type {about.get('type')}")
    missing = [n for n, about in attributes.items() if about.get("required") and n not in item]
    if whole and missing:
        raise _error(f"the item lacks {missing[0]}")
    if len(orjson.dumps(item)) > MAX_ITEM:
        raise _error("the item is larger than 400 kB")
    return item


def _put(c: Context, app: str, name: str, declared: Row, item: Row, *, merge: bool) -> Row:
    key = (app, name, item[str(declared.get("primary_key", "id"))])
    known = c["datastore"].get(key)
    kept = {**(known["item"] if known and merge else {}), **item}
    n = known["n"] if known else count(c.twin, "n")
    c["datastore"].put(key, {"app": app, "store": name, "n": n, "item": kept})
    return kept


@method("apps.datastore.put", WRITE, kinds=("bot",))
def put(c: Context) -> dict[str, Any]:
    """Keep an item in place of the one with its key."""
    app, name, declared = _store(c)
    item = _checked(declared, c.args.json("item", "invalid_arguments"), whole=True)
    return {"datastore": name, "item": _put(c, app, name, declared, item, merge=False)}


@method("apps.datastore.update", WRITE, kinds=("bot",))
def update(c: Context) -> dict[str, Any]:
    """Change the attributes given."""
    app, name, declared = _store(c)
    item = _checked(declared, c.args.json("item", "invalid_arguments"), whole=False)
    return {"datastore": name, "item": _put(c, app, name, declared, item, merge=True)}


@method("apps.datastore.bulkPut", WRITE, kinds=("bot",))
def put_many(c: Context) -> dict[str, Any]:
    """Keep up to 25 items."""
    app, name, declared = _store(c)
    items = c.args.json("items", "invalid_arguments")
    if not isinstance(items, list) or not 1 <= len(items) <= 25:
        raise SlackError("invalid_arguments", "[ERROR] 1 to 25 items [json-pointer:/items]")
    checked = [_checked(declared, item, whole=True) for item in items]
    for item in checked:
        _put(c, app, name, declared, item, merge=False)
    return {"datastore": name, "failed_items": []}


@method("apps.datastore.get", READ, kinds=("bot",))
def get(c: Context) -> dict[str, Any]:
    """An item; empty where there is none."""
    app, name, _ = _store(c)
    row = c["datastore"].get((app, name, c.args.need("id")))
    return {"datastore": name, "item": row["item"] if row else {}}


@method("apps.datastore.bulkGet", READ, kinds=("bot",))
def get_many(c: Context) -> dict[str, Any]:
    """Those of the items that are there."""
    app, name, _ = _store(c)
    rows = [c["datastore"].get((app, name, key)) for key in c.args.items("ids")]
    items = [row["item"] for row in rows if row is not None]
    return {"datastore": name, "items": items, "failed_items": []}


@method("apps.datastore.delete", WRITE, kinds=("bot",))
def delete(c: Context) -> dict[str, Any]:
    """An item is gone, if it was there."""
    app, name, _ = _store(c)
    c["datastore"].delete((app, name, c.args.need("id")))
    return {}


@method("apps.datastore.bulkDelete", WRITE, kinds=("bot",))
def delete_many(c: Context) -> dict[str, Any]:
    """Items are gone."""
    app, name, _ = _store(c)
    for key in c.args.items("ids"):
        c["datastore"].delete((app, name, key))
    return {"failed_items": []}


def _found(c: Context) -> tuple[str, list[Row]]:
    app, name, _ = _store(c)
    rows = [r for r in c["datastore"].rows() if r["app"] == app and r["store"] == name]
    text = c.args.text("expression")
    if text:
        names = c.args.json("expression_attributes", "invalid_arguments") or {}
        values = c.args.json("expression_values", "invalid_arguments") or {}
        if not isinstance(names, dict) or not isinstance(values, dict):
            raise SlackError("invalid_arguments", "[ERROR] must provide an object")
        try:
            fits = condition(text, names, values)
        except BadExpressionError as error:
            raise _error(str(error)) from error
        rows = [row for row in rows if fits(row["item"])]
    return name, sorted(rows, key=lambda row: row["n"])


@method("apps.datastore.query", READ, kinds=("bot",))
def query(c: Context) -> dict[str, Any]:
    """Items that an expression fits, in the order of their making."""
    name, rows = _found(c)
    page, metadata = c.page(rows, "datastore", default=100, limit_error="invalid_arguments")
    items = [row["item"] for row in page]
    return {"datastore": name, "items": items, "response_metadata": metadata}


@method("apps.datastore.count", READ, kinds=("bot",))
def count_items(c: Context) -> dict[str, Any]:
    """How many an expression fits."""
    name, rows = _found(c)
    return {"datastore": name, "count": len(rows)}
