"""filter: saved searches, their owners, favourites, columns and with whom they are shared."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from factory_tui.universe import Response, Row

from .columns import column_shape, sent_columns
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .groups_of import group_named
from .hooks import tell
from .jql import JqlError
from .pages import page
from .query import run
from .shapes import user_shape
from .sharing import may_edit, may_view, sent_share, sent_shares, share_shape
from .state import new_id

__all__ = ["add_filter", "filter_shape"]

_NONE: Final = {"size": 0, "items": [], "max-results": 0, "start-index": 0, "end-index": 0}
_GONE: Final = (
    "The selected filter is not available to you, perhaps it has been deleted or had its "
    "permissions changed."
)


def filter_shape(c: Context, row: Row) -> dict[str, Any]:
    """A filter in full."""
    base = c.call.request.base_url
    shape: dict[str, Any] = {
        "self": f"{c.api}/filter/{row['id']}",
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "owner": user_shape(c, row["owner"]),
        "jql": row["jql"],
        "viewUrl": f"{base}/issues/?filter={row['id']}",
        "searchUrl": f"{c.api}/search?jql={quote(row['jql'], safe='')}",
        "favourite": c.me in row["fans"],
        "favouritedCount": len(row["fans"]),
        "sharePermissions": [share_shape(c, share) for share in row["shares"]],
        "editPermissions": [share_shape(c, share) for share in row["editors"]],
        "subscriptions": dict(_NONE),
    }
    return {**shape, "sharedUsers": dict(_NONE)} if c.cloud else shape


def _fields(c: Context, body: dict[str, Any], key: str, owner: str) -> dict[str, Any]:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise bad_field("filterName", "You must specify a name to save this filter as.")
    if len(name) > 255:
        raise bad_field("filterName", "The entered filter name is too long (maximum is 255).")
    _free(c, name, key, owner)
    jql = body.get("jql", "")
    if not isinstance(jql, str):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    try:
        run(c, jql, bounded=False)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error
    fields: dict[str, Any] = {"name": name, "jql": jql}
    description = body.get("description")
    fields["description"] = description if isinstance(description, str) else ""
    for sent, stored in (("sharePermissions", "shares"), ("editPermissions", "editors")):
        if sent in body:
            fields[stored] = sent_shares(c, body[sent])
    return fields


def _free(c: Context, name: str, key: str, owner: str) -> None:
    for row in c["filters"].rows():
        if row["name"].lower() == name.lower() and row["id"] != key and row["owner"] == owner:
            raise bad_field("filterName", "Filter with same name already exists.")


def add_filter(c: Context, fields: dict[str, Any]) -> Row:
    """Store a new filter of the caller's."""
    key = new_id(c.twin, "filter")
    scope = (c.user or {}).get("share_scope", "PRIVATE")
    first = {"GLOBAL": "global", "AUTHENTICATED": "loggedin"}.get(str(scope))
    shares = sent_shares(c, [{"type": first}] if first else [])
    row = {"id": key, "owner": c.me, "shares": shares, "editors": [], "fans": [], **fields}
    c["filters"].put(key, row)
    tell(c, "filter_created", lambda h: {"filter": filter_shape(h, row)})
    return row


@operation("POST", "/filter", "createFilter")
def create(c: Context) -> Response:
    """Save a search."""
    body = c.body()
    fields = _fields(c, body, "", c.me)
    if body.get("favourite") is True:
        fields["fans"] = [c.me]
    return reply(filter_shape(c, add_filter(c, fields)))


def _filter(c: Context, *, status: int = 400) -> Row:
    row = c["filters"].get(c.param("id"))
    if row is None or not may_view(c, row):
        raise JiraError(status, _GONE)
    return row


def _mine(c: Context, *, status: int = 400) -> Row:
    """A filter that the caller may change."""
    row = _filter(c, status=status)
    if not may_edit(c, row) and not (c.user and c.user["admin"]):
        raise JiraError(403, "You are not the owner of this filter.")
    return row


@operation("GET", "/filter/{id}", "getFilter")
def get(c: Context) -> Response:
    """A saved search."""
    return reply(filter_shape(c, _filter(c)))


@operation("PUT", "/filter/{id}", "updateFilter")
def update(c: Context) -> Response:
    """Change a saved search."""
    row = _mine(c)
    given = c.body()
    body = {"name": row["name"], "jql": row["jql"], "description": row["description"], **given}
    changed = {**row, **_fields(c, body, row["id"], row["owner"])}
    if isinstance(given.get("favourite"), bool):
        changed["fans"] = _fans(c, row, given["favourite"])
    c["filters"].put(row["id"], changed)
    tell(c, "filter_updated", lambda h: {"filter": filter_shape(h, changed)})
    return reply(filter_shape(c, changed))


@operation("DELETE", "/filter/{id}", "deleteFilter")
def delete(c: Context) -> Response:
    """Forget a saved search."""
    row = _mine(c)
    c["filters"].delete(row["id"])
    tell(c, "filter_deleted", lambda h: {"filter": filter_shape(h, row)})
    return empty()


def _fans(c: Context, row: Row, wanted: bool) -> list[str]:
    others = [fan for fan in row["fans"] if fan != c.me]
    return [*others, c.me] if wanted else others


def _favour(wanted: bool) -> Callable[[Context], Response]:
    def favour(c: Context) -> Response:
        """Make a filter the caller's favourite, or no longer."""
        row = _filter(c)
        changed = {**row, "fans": _fans(c, row, wanted)}
        c["filters"].put(row["id"], changed)
        return reply(filter_shape(c, changed))

    return favour


operation("PUT", "/filter/{id}/favourite", "setFavouriteForFilter")(_favour(True))
operation("DELETE", "/filter/{id}/favourite", "deleteFavouriteForFilter")(_favour(False))


@operation("PUT", "/filter/{id}/owner", "changeFilterOwner")
def change_owner(c: Context) -> Response:
    """Give a filter to somebody else."""
    row = _filter(c, status=404)
    if row["owner"] != c.me:
        c.need_admin("You are not the owner of this filter.")
    owner = c.find_account({"accountId": c.body().get("accountId")})
    if owner is None:
        raise JiraError(404, "The new owner of the filter does not exist.")
    _free(c, row["name"], row["id"], owner["id"])
    c["filters"].put(row["id"], {**row, "owner": owner["id"]})
    return empty()


# -- lists


@operation("GET", "/filter/my", "getMyFilters")
def mine(c: Context) -> Response:
    """The caller's saved searches, with ``includeFavourites`` also those of others."""
    more = c.query_flag("includeFavourites")
    rows = [
        row
        for row in c["filters"].rows()
        if row["owner"] == c.me or (more and c.me in row["fans"] and may_view(c, row))
    ]
    return reply([filter_shape(c, row) for row in rows])


@operation("GET", "/filter/favourite", "getFavouriteFilters")
def favourites(c: Context) -> Response:
    """The caller's favourites."""
    rows = [row for row in c["filters"].rows() if c.me in row["fans"] and may_view(c, row)]
    return reply([filter_shape(c, row) for row in rows])


_ORDERS: Final[dict[str, Callable[[Context, Row], Any]]] = {
    "id": lambda c, row: int(row["id"]),
    "name": lambda c, row: row["name"].lower(),
    "description": lambda c, row: row["description"].lower(),
    "owner": lambda c, row: row["owner"],
    "favourite_count": lambda c, row: len(row["fans"]),
    "is_favourite": lambda c, row: c.me not in row["fans"],
    "is_shared": lambda c, row: not row["shares"],
}
_EXPAND: Final = (
    *("description", "favourite", "favouritedCount", "jql", "owner", "searchUrl"),
    *("sharePermissions", "editPermissions", "isWritable", "subscriptions", "viewUrl"),
)


@operation("GET", "/filter/search", "getFiltersPaginated")
def search(c: Context) -> Response:
    """Saved searches in pages; all but id and name only when expanded."""
    expand = c.query_list("expand")
    order = c.query("orderBy", "name")
    if order.lstrip("+-") not in _ORDERS:
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    needle = c.query("filterName").strip('"').lower()
    owner = c.query("accountId") or c.query("owner")
    keys = {value for name, value in c.call.request.query_pairs if name == "id"}
    group = None
    if c.query("groupname") or c.query("groupId"):
        group = group_named(c, {"name": c.query("groupname"), "groupId": c.query("groupId")})
        if group is None:
            raise JiraError(400, "The group does not exist.")
    rows = [
        row
        for row in c["filters"].rows()
        if may_view(c, row)
        and needle in row["name"].lower()
        and (not owner or row["owner"] == owner)
        and (not keys or row["id"] in keys)
        and (group is None or any(share.get("group") == group for share in row["shares"]))
        and _of_project(c, row)
    ]
    by = _ORDERS[order.lstrip("+-")]
    rows.sort(key=lambda row: by(c, row), reverse=order.startswith("-"))

    def shape(row: Row) -> dict[str, Any]:
        full = {**filter_shape(c, row), "isWritable": may_edit(c, row), "subscriptions": []}
        wanted = ("self", "id", "name", *(name for name in _EXPAND if name in expand))
        brief = {name: full[name] for name in wanted if name in full}
        return {"expand": ",".join(_EXPAND), **brief}

    return page(c, rows, shape, 50, 100)


def _of_project(c: Context, row: Row) -> bool:
    key = c.query("projectId")
    return not key or any(share.get("project") == key for share in row["shares"])


# -- columns


@operation("GET", "/filter/{id}/columns", "getColumns")
def columns(c: Context) -> Response:
    """The columns a filter is shown with."""
    row = _filter(c)
    if not row.get("columns"):
        raise JiraError(404, "No column configuration is set for this filter.")
    return reply([column_shape(c, name) for name in row["columns"]])


@operation("PUT", "/filter/{id}/columns", "setColumns")
def set_columns(c: Context) -> Response:
    """Choose them."""
    row = _mine(c)
    c["filters"].put(row["id"], {**row, "columns": sent_columns(c)})
    return empty(200)


@operation("DELETE", "/filter/{id}/columns", "resetColumns")
def reset_columns(c: Context) -> Response:
    """Back to the viewer's."""
    row = _mine(c)
    c["filters"].put(row["id"], {**row, "columns": []})
    return empty()


# -- sharing


@operation("GET", "/filter/defaultShareScope", "getDefaultShareScope")
def scope(c: Context) -> Response:
    """With whom the caller's new filters and dashboards are shared."""
    return reply({"scope": (c.user or {}).get("share_scope", "PRIVATE")})


@operation("PUT", "/filter/defaultShareScope", "setDefaultShareScope")
def set_scope(c: Context) -> Response:
    """Choose it."""
    wanted = c.body().get("scope")
    if wanted == "GLOBAL":
        wanted = "AUTHENTICATED"
    if wanted not in ("AUTHENTICATED", "PRIVATE"):
        raise JiraError(400, "The scope must be one of GLOBAL, AUTHENTICATED and PRIVATE.")
    c["users"].put(c.me, {**c["users"][c.me], "share_scope": wanted})
    return reply({"scope": wanted})


@operation("GET", "/filter/{id}/permission", "getSharePermissions")
def shares(c: Context) -> Response:
    """With whom a filter is shared."""
    row = _filter(c, status=404)
    return reply([share_shape(c, share) for share in row["shares"]])


@operation("POST", "/filter/{id}/permission", "addSharePermission")
def share(c: Context) -> Response:
    """Share a filter with more; ``global`` replaces all other shares."""
    row = _mine(c, status=404)
    added = sent_share(c, c.body())
    before = row["shares"] if added["type"] not in ("global", "loggedin") else []
    if any(known["type"] == "global" for known in before):
        raise JiraError(400, "The filter is shared with everybody already.")
    found = [*before, {"id": c.twin.ids.count("share", 10_000), **added}]
    c["filters"].put(row["id"], {**row, "shares": found})
    return reply([share_shape(c, item) for item in found], 201)


def _share(c: Context, row: Row) -> Row:
    for item in row["shares"]:
        if str(item["id"]) == c.param("permissionId"):
            found: Row = item
            return found
    raise JiraError(404, "The share permission does not exist.")


@operation("GET", "/filter/{id}/permission/{permissionId}", "getSharePermission")
def one_share(c: Context) -> Response:
    """One of them."""
    return reply(share_shape(c, _share(c, _filter(c, status=404))))


@operation("DELETE", "/filter/{id}/permission/{permissionId}", "deleteSharePermission")
def unshare(c: Context) -> Response:
    """Take it back."""
    row = _mine(c, status=404)
    gone = _share(c, row)
    kept = [item for item in row["shares"] if item["id"] != gone["id"]]
    c["filters"].put(row["id"], {**row, "shares": kept})
    return empty()
