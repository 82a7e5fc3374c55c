"""user, users, myself, groups: who there is."""

from collections.abc import Callable
from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .groups_of import group_reference
from .people import found_users, picked_users, user_page
from .shapes import user_shape

__all__ = ["asked_account"]


@operation("GET", "/myself", "getCurrentUser")
def myself(c: Context) -> Response:
    """The caller."""
    shape: dict[str, Any] = {**(user_shape(c, c.me) or {}), "locale": "en_US"}
    groups = c.user["groups"] if c.user else []
    items = [group_reference(c, name) for name in groups]
    expand = c.query_list("expand")
    shape["groups"] = {"size": len(groups), "items": items if "groups" in expand else []}
    shape["applicationRoles"] = {"size": 1, "items": []}
    shape["expand"] = "groups,applicationRoles"
    return reply(shape)


def asked_account(c: Context) -> Row:
    """The account that the query names. Raises 400 (none named) or 404."""
    key = c.query("accountId")
    row = c["users"].get(key) if key else None
    if not c.cloud:
        name = c.query("username") or c.query("key")
        if not name and not key:
            raise JiraError(
                400,
                "Either the 'username' or the 'key' query parameters need to be provided.",
            )
        row = c["users"].first("name", name.lower()) if name else row
        if row is None:
            raise JiraError(404, f"The user named '{name}' does not exist")
        return row
    if not key:
        raise JiraError(400, "The query parameter 'accountId' must be provided.")
    if row is None:
        raise JiraError(
            404, "Specified user does not exist or you do not have required permissions"
        )
    return row


@operation("GET", "/user", "getUser")
def get(c: Context) -> Response:
    """One account."""
    row = asked_account(c)
    shown = row["groups"] if "groups" in c.query_list("expand") else []
    items = [group_reference(c, name) for name in shown]
    groups = {"size": len(row["groups"]), "items": items}
    roles = {"size": 1, "items": []}
    shape = {**(user_shape(c, row["id"]) or {}), "groups": groups, "applicationRoles": roles}
    return reply({**shape, "expand": "groups,applicationRoles"})


@operation("GET", "/user/groups", "getUserGroups")
def groups_of(c: Context) -> Response:
    """The groups of an account."""
    row = asked_account(c)
    return reply([group_reference(c, name) for name in row["groups"]])


@operation("GET", "/user/search", "findUsers")
def search(c: Context) -> Response:
    """Accounts whose name or email starts with ``query``."""
    if not c.cloud:
        needle = c.query("username") or c.query("query")
        if not needle:
            raise JiraError(400, "The username query parameter was not provided")
        return user_page(c, found_users(c, "" if needle == "." else needle))
    account = c.query("accountId")
    if account:
        row = c["users"].get(account)
        return user_page(c, [row] if row is not None else [])
    if "query" not in c.call.request.query:
        raise JiraError(400, "The query parameters 'query', 'accountId' or 'property' are missing.")
    return user_page(c, found_users(c, c.query("query")))


def _assignable(name: str) -> Callable[[Context], Response]:
    def find(c: Context) -> Response:
        """Accounts that issues may be assigned to."""
        needle = c.query("query") or c.query("username")
        if name == "one":
            key, issue = c.query("project"), c.query("issueKey")
            if not key and not issue:
                raise JiraError(400, "Either the 'project' or 'issueKey' parameter is needed.")
            if key:
                c.project(key)
            else:
                c.issue(issue)
        account = c.query("accountId")
        rows = [row for row in found_users(c, needle) if not row["app"] or row["id"] == c.me]
        return user_page(c, [row for row in rows if not account or row["id"] == account])

    return find


operation("GET", "/user/assignable/search", "findAssignableUsers")(_assignable("one"))
operation("GET", "/user/assignable/multiProjectSearch", "findBulkAssignableUsers")(
    _assignable("many")
)


@operation("GET", "/users", "getAllUsersDefault")
@operation("GET", "/users/search", "getAllUsers")
def everybody(c: Context) -> Response:
    """All accounts, inactive ones too."""
    return user_page(c, list(c["users"].rows()))


@operation("GET", "/user/bulk", "bulkGetUsers")
def bulk(c: Context) -> Response:
    """Several accounts by id, in a page."""
    wanted = [value for name, value in c.call.request.query_pairs if name == "accountId"]
    if not wanted:
        raise JiraError(400, "The query parameter 'accountId' must be provided.")
    start, size = c.page(10, 200)
    rows = [row for key in wanted if (row := c["users"].get(key)) is not None]
    page = [user_shape(c, row["id"]) for row in rows[start : start + size]]
    last = start + size >= len(rows)
    shape = {"self": f"{c.api}/user/bulk", "maxResults": size, "startAt": start}
    return reply({**shape, "total": len(rows), "isLast": last, "values": page})


@operation("GET", "/user/picker", "findUsersForPicker")
def picker(c: Context) -> Response:
    """Accounts for a picker, with their html."""
    return reply(picked_users(c, found_users(c, c.query("query"))))
