"""filter: saved searches."""

from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .jql import JqlError
from .query import run
from .shapes import user_shape
from .state import new_id


def _shape(c: Context, row: Row) -> dict[str, Any]:
    return {
        "self": f"{c.api}/filter/{row['id']}",
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "owner": user_shape(c, row["owner"]),
        "jql": row["jql"],
        "viewUrl": f"{c.call.request.base_url}/issues/?filter={row['id']}",
        "searchUrl": f"{c.api}/search?jql={row['jql']}",
        "favourite": row["favourite"],
        "favouritedCount": int(row["favourite"]),
        "sharePermissions": [],
        "editPermissions": [],
        "subscriptions": {"size": 0, "items": [], "max-results": 0, "start-index": 0,
                          "end-index": 0},
    }  # fmt: skip


def _fields(c: Context, body: dict[str, Any], key: str) -> dict[str, Any]:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_field("filterName", "You must specify a name to save this filter as.")
    for row in c["filters"].rows():
        if row["name"].lower() == name.lower() and row["id"] != key and row["owner"] == c.me:
            raise bad_field("filterName", "Filter with same name already exists.")
    jql = body.get("jql", "")
    if not isinstance(jql, str):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    try:
        run(c, jql, bounded=False)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error
    description = body.get("description")
    return {
        "name": name,
        "jql": jql,
        "description": description if isinstance(description, str) else "",
        "favourite": body.get("favourite") is True,
    }


@operation("POST", "/filter", "createFilter")
def create(c: Context) -> Response:
    """Save a search."""
    fields = _fields(c, c.body(), "")
    key = new_id(c.twin, "filter")
    c["filters"].put(key, {"id": key, "owner": c.me, **fields})
    return reply(_shape(c, c["filters"][key]))


def _filter(c: Context) -> Row:
    row = c["filters"].get(c.param("id"))
    if row is None:
        raise JiraError(404, f"The selected filter with id '{c.param('id')}' does not exist.")
    return row


@operation("GET", "/filter/{id}", "getFilter")
def get(c: Context) -> Response:
    """A saved search."""
    return reply(_shape(c, _filter(c)))


@operation("PUT", "/filter/{id}", "updateFilter")
def update(c: Context) -> Response:
    """Change a saved search."""
    row = _filter(c)
    body = {"name": row["name"], "jql": row["jql"], **c.body()}
    c["filters"].put(row["id"], {**row, **_fields(c, body, row["id"])})
    return reply(_shape(c, c["filters"][row["id"]]))


@operation("DELETE", "/filter/{id}", "deleteFilter")
def delete(c: Context) -> Response:
    """Forget a saved search."""
    c["filters"].delete(_filter(c)["id"])
    return empty()


@operation("GET", "/filter/my", "getMyFilters")
def mine(c: Context) -> Response:
    """The caller's saved searches."""
    return reply([_shape(c, row) for row in c["filters"].rows() if row["owner"] == c.me])


@operation("GET", "/filter/favourite", "getFavouriteFilters")
def favourites(c: Context) -> Response:
    """The caller's favourites."""
    rows = [r for r in c["filters"].rows() if r["owner"] == c.me and r["favourite"]]
    return reply([_shape(c, row) for row in rows])


@operation("GET", "/filter/search", "getFiltersPaginated")
def search(c: Context) -> Response:
    """Saved searches in pages."""
    start, size = c.page(50, 100)
    needle = c.query("filterName").lower()
    rows = [_shape(c, r) for r in c["filters"].rows() if needle in r["name"].lower()]
    return reply(
        {
            "startAt": start,
            "maxResults": size,
            "total": len(rows),
            "isLast": start + size >= len(rows),
            "values": rows[start : start + size],
        }
    )
