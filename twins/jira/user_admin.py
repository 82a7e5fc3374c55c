"""user: making and removing accounts, and what is kept of each: columns, properties, email."""

from typing import Any, Final

from factory_tui.universe import Person, Response, Row

from .audit import record
from .columns import DEFAULT, column_shape, sent_columns
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .pages import page
from .people import found_users, user_page
from .permits import holds, may_browse
from .properties import Owner, drop_properties, register
from .seed import user_row
from .shapes import user_shape
from .telling import user_event
from .users import asked_account

_PRODUCTS: Final = {
    "jira-core": "jira-core-users",
    "jira-software": "jira-software-users",
    "jira-servicedesk": "jira-servicedesk-users",
    "jira-product-discovery": "jira-product-discovery-users",
}


@operation("POST", "/user", "createUser")
def create(c: Context) -> Response:
    """A new account."""
    c.need_admin("You do not have permission to create users.")
    body = c.body()
    email = body.get("emailAddress") or body.get("email")
    if not isinstance(email, str) or "@" not in email:
        raise bad_field("emailAddress", "You must specify a valid email address.")
    known = c["users"].first("email", email.lower())
    if known is not None:
        if c.cloud:
            # Cloud answers with the account there is.
            return reply(user_shape(c, known["id"]), 201)
        raise bad_field("email", "A user with that email address already exists.")
    name = str(body.get("displayName") or body.get("name") or email.partition("@")[0])
    if not c.cloud:
        login = body.get("name")
        if not isinstance(login, str) or not login:
            raise bad_field("username", "You must specify a username.")
        if c["users"].first("name", login.lower()) is not None:
            raise bad_field("username", "A user with that username already exists.")
    products = body.get("products")
    if products is not None and not isinstance(products, list):
        raise bad_field("products", "The products must be a list.")
    for product in products or []:
        if product not in _PRODUCTS:
            raise bad_field("products", f"The product '{str(product)[:40]}' is not known.")
    first, _, last = name.partition(" ")
    account = c.twin.ids.mint("account", 23, prefix="5", alphabet="0123456789abcdef")
    row = user_row(account, Person(first, last, email, "", ""))
    if not c.cloud:
        row["name"] = str(body["name"]).lower()
    if products is not None:
        row["groups"] = [_PRODUCTS[product] for product in products]
    c["users"].put(account, row)
    record(c, "user management", "User created", "USER", account, name)
    user_event(c, "created", row)
    return reply(user_shape(c, account), 201)


@operation("DELETE", "/user", "removeUser")
def remove(c: Context) -> Response:
    """Delete an account; what it wrote stays."""
    c.need_admin("You do not have permission to delete users.")
    row = asked_account(c)
    if row["id"] == c.me:
        raise JiraError(400, "You cannot delete the currently logged in user.")
    user_event(c, "deleted", row)
    c["users"].delete(row["id"])
    drop_properties(c, f"user/{row['id']}")
    record(c, "user management", "User deleted", "USER", row["id"], row["email"])
    return empty()


@operation("GET", "/user/bulk/migration", "bulkGetUsersMigration")
def migration(c: Context) -> Response:
    """Account ids for the names and keys of old."""
    pairs = c.call.request.query_pairs
    names = {value.lower() for key, value in pairs if key in ("username", "key")}
    if not names:
        raise JiraError(400, "Either 'username' or 'key' must be specified.")
    rows = [row for row in c["users"].rows() if row["name"] in names]
    start, size = c.page(10, 200)
    return reply(
        [
            {"username": row["name"], "key": row["name"], "accountId": row["id"]}
            for row in rows[start : start + size]
        ]
    )


# -- columns of the issue navigator


def _own(c: Context) -> Row:
    """The account the query names, the caller by default; others only for administrators."""
    named = c.query("accountId") or c.query("username")
    row = asked_account(c) if named else c.user
    if row is None:
        raise JiraError(404, "The user does not exist.")
    if row["id"] != c.me:
        c.need_admin("You do not have permission to see the columns of other users.")
    return row


@operation("GET", "/user/columns", "getUserDefaultColumns")
def columns(c: Context) -> Response:
    """The columns a user sees by default."""
    names = _own(c).get("columns") or c.site.get("columns") or DEFAULT
    return reply([column_shape(c, name) for name in names])


@operation("PUT", "/user/columns", "setUserColumns")
def set_columns(c: Context) -> Response:
    """Choose them."""
    row = _own(c)
    c["users"].put(row["id"], {**row, "columns": sent_columns(c)})
    return empty(200)


@operation("DELETE", "/user/columns", "resetUserColumns")
def reset_columns(c: Context) -> Response:
    """Back to the site's."""
    row = _own(c)
    c["users"].put(row["id"], {key: value for key, value in row.items() if key != "columns"})
    return empty()


# -- email, for apps that are allowed to know it


@operation("GET", "/user/email", "getUserEmail")
def email(c: Context) -> Response:
    """The email address of an account."""
    _need_app(c)
    row = asked_account(c)
    return reply({"accountId": row["id"], "email": row["email"]})


@operation("GET", "/user/email/bulk", "getUserEmailBulk")
def emails(c: Context) -> Response:
    """The email addresses of several accounts."""
    _need_app(c)
    wanted = c.query_list("accountId")
    if not wanted:
        raise JiraError(400, "The query parameter 'accountId' must be provided.")
    rows = [row for key in wanted if (row := c["users"].get(key)) is not None]
    return reply([{"accountId": row["id"], "email": row["email"]} for row in rows])


def _need_app(c: Context) -> None:
    if not (c.user and c.user["app"]):
        raise JiraError(400, "The calling app is not approved to use this API.")


# -- properties


def _owner(c: Context, _change: bool) -> Owner:
    row = asked_account(c)
    if row["id"] != c.me:
        c.need_admin("You do not have permission to see the properties of other users.")
    return Owner(f"user/{row['id']}", f"{c.api}/user/properties/")


register(
    "/user/properties",
    ("getUserPropertyKeys", "getUserProperty", "setUserProperty", "deleteUserProperty"),
    _owner,
    lambda c, key: f"{c.api}/user/properties/{key}?accountId={asked_account(c)['id']}",
)


# -- more searches


def _query_rows(c: Context) -> list[Row]:
    """Accounts that a structured query (``is assignee of PROJ``) finds."""
    text = c.query("query").strip()
    words = text.split()
    if len(words) < 4 or words[0].lower() != "is" or words[2].lower() != "of":
        raise JiraError(400, f"The query '{text[:80]}' is not valid.")
    kind = words[1].lower()
    if kind not in ("assignee", "reporter", "watcher", "voter", "commenter", "transitioner"):
        raise JiraError(400, f"The query '{text[:80]}' is not valid.")
    named = [name.strip("(),") for name in words[3:]]
    projects = [row["id"] for name in named if (row := c.find_project(name)) is not None]
    keys = [row["id"] for name in named if (row := c.find_issue(name)) is not None]
    if not projects and not keys:
        raise JiraError(400, f"The query '{text[:80]}' names nothing that exists.")
    found: dict[str, None] = {}
    for issue in c["issues"].rows():
        if issue["project"] not in projects and issue["id"] not in keys:
            continue
        found |= dict.fromkeys(account for account in _involved(c, issue, kind) if account)
    return [row for account in found if (row := c["users"].get(account)) is not None]


def _involved(c: Context, issue: Row, kind: str) -> list[Any]:
    if kind in ("assignee", "reporter"):
        return [issue[kind]]
    if kind in ("watcher", "voter"):
        return list(issue[f"{kind}s"])
    if kind == "commenter":
        return [c["comments"][key]["author"] for key in c["comments"].find("issue", issue["id"])]
    rows = [c["changelog"][key] for key in c["changelog"].find("issue", issue["id"])]
    return [r["author"] for r in rows if any(i["fieldId"] == "status" for i in r["items"])]


@operation("GET", "/user/search/query", "findUsersByQuery")
def by_query(c: Context) -> Response:
    """Accounts by a structured query."""
    return page(c, _query_rows(c), lambda row: user_shape(c, row["id"]), 100, 100)


@operation("GET", "/user/search/query/key", "findUserKeysByQuery")
def keys_by_query(c: Context) -> Response:
    """Their ids only."""
    rows = _query_rows(c)
    return page(c, rows, lambda row: {"key": row["name"], "accountId": row["id"]}, 100, 100)


def _place(c: Context) -> tuple[Row, Row | None]:
    """The project and maybe issue that ``projectKey`` or ``issueKey`` names."""
    if c.query("issueKey"):
        issue = c.issue(c.query("issueKey"))
        return c["projects"][issue["project"]], issue
    if c.query("projectKey"):
        return c.project(c.query("projectKey")), None
    raise JiraError(400, "Either 'issueKey' or 'projectKey' must be specified.")


def _candidates(c: Context) -> list[Row]:
    account = c.query("accountId")
    query = c.query("query") or c.query("username")
    if account and query:
        raise JiraError(400, "Only one of 'query' and 'accountId' can be specified.")
    if account:
        row = c["users"].get(account)
        return [row] if row is not None else []
    return found_users(c, query)


@operation("GET", "/user/viewissue/search", "findUsersWithBrowsePermission")
def browsers(c: Context) -> Response:
    """Accounts that may see an issue or a project."""
    project, issue = _place(c)
    rows = [
        row
        for row in _candidates(c)
        if (
            may_browse(c, issue, row["id"])
            if issue is not None
            else holds(c, "BROWSE_PROJECTS", project, None, row["id"])
        )
    ]
    return user_page(c, rows)


@operation("GET", "/user/permission/search", "findUsersWithAllPermissions")
def permitted(c: Context) -> Response:
    """Accounts that have all the given permissions."""
    wanted = c.query_list("permissions")
    if not wanted:
        raise JiraError(400, "The 'permissions' query parameter must not be empty.")
    project, issue = _place(c)
    rows = [
        row
        for row in _candidates(c)
        if all(holds(c, name, project, issue, row["id"]) for name in wanted)
    ]
    return user_page(c, rows)
