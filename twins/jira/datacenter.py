"""What only Data Center has: archiving by PUT, index, cluster, custom fields, applications."""

from collections.abc import Callable
from typing import Any

from factory_tui.universe import Response, Row

from .audit import record
from .context import Context, Function, empty, operation, reply
from .errors import JiraError
from .fields import fields_of
from .needs import need_write
from .pages import page
from .project_more import archive_project, restore_project
from .users import asked_account


def _server(method: str, path: str, name: str) -> Callable[[Function], Function]:
    """Register an operation that Cloud does not know."""

    def register(function: Function) -> Function:
        def run(c: Context) -> Response:
            if c.cloud:
                raise JiraError(404, f"null for uri: {c.call.request.path}")
            return function(c)

        operation(method, path, name)(run)
        return function

    return register


# -- archiving


@_server("PUT", "/project/{projectIdOrKey}/archive", "archiveProjectServer")
def archive(c: Context) -> Response:
    """Archive a project."""
    return archive_project(c)


@_server("PUT", "/project/{projectIdOrKey}/restore", "restoreProjectServer")
def restore(c: Context) -> Response:
    """Bring it back."""
    restore_project(c)
    return empty()


def _issue(c: Context) -> Row:
    row = c.issue(c.param("issueIdOrKey"))
    need_write(c, row)
    return row


@_server("PUT", "/issue/{issueIdOrKey}/archive", "archiveIssueServer")
def archive_issue(c: Context) -> Response:
    """Archive an issue."""
    row = _issue(c)
    if row.get("archived"):
        raise JiraError(409, f"Issue '{row['key']}' is archived already.")
    c["issues"].put(row["id"], {**row, "archived": c.now, "archived_by": c.me})
    return empty()


@_server("PUT", "/issue/{issueIdOrKey}/restore", "restoreIssueServer")
def restore_issue(c: Context) -> Response:
    """Bring it back."""
    row = _issue(c)
    if not row.get("archived"):
        raise JiraError(409, f"Issue '{row['key']}' is not archived.")
    kept = {k: v for k, v in row.items() if k not in ("archived", "archived_by")}
    c["issues"].put(row["id"], kept)
    return empty()


# -- index and cluster


def _index(c: Context) -> dict[str, Any]:
    return {
        "progressUrl": f"{c.api}/reindex/progress",
        "currentProgress": 100,
        "type": c.query("type") or "BACKGROUND",
        "submittedTime": c.now,
        "startTime": c.now,
        "finishTime": c.now,
        "success": True,
    }


@_server("POST", "/reindex", "reindex")
def reindex(c: Context) -> Response:
    """Build the index anew: it always is."""
    c.need_admin()
    return reply(_index(c), 202)


@_server("GET", "/reindex", "getReindexInfo")
@_server("GET", "/reindex/progress", "getReindexProgress")
def progress(c: Context) -> Response:
    """How far that is."""
    return reply(_index(c))


@_server("POST", "/reindex/issue", "reindexIssues")
def reindex_issues(c: Context) -> Response:
    """The same for single issues."""
    for key in c.query_list("issueId"):
        c.issue(key)
    return reply(_index(c), 202)


@_server("GET", "/index/summary", "getIndexSummary")
def summary(c: Context) -> Response:
    """Whether the index is complete: it is."""
    c.need_admin()
    count = len(c["issues"])
    issues = {"indexReadable": True, "countInDatabase": count, "countInIndex": count}
    return reply({"nodeId": "node-1", "reportTime": c.now, "issueIndex": issues})


@_server("GET", "/cluster/nodes", "getAllNodes")
def nodes(c: Context) -> Response:
    """The cluster's nodes: one."""
    c.need_admin()
    node = {"nodeId": "node-1", "state": "ACTIVE", "timestamp": 0, "ip": "127.0.0.1",
            "cacheListenerPort": 40001, "nodeBuildNumber": c.site["build"],
            "nodeVersion": c.site["version"], "alive": True}  # fmt: skip
    return reply([node])


# -- fields, applications, log


@_server("GET", "/customFields", "getCustomFieldsServer")
def custom_fields(c: Context) -> Response:
    """Custom fields by name."""
    needle = c.query("search").lower()
    found = [f for f in fields_of(c).values() if f.custom and needle in f.name.lower()]

    def shape(field: Any) -> dict[str, Any]:
        return {"id": field.id, "name": field.name, "type": field.custom, "numericId":
                int(field.id.rpartition("_")[2])}  # fmt: skip

    return page(c, found, shape, links=False)


@_server("POST", "/user/application", "addUserToApplication")
def join_application(c: Context) -> Response:
    """Let a user use a product."""
    c.need_admin()
    row = asked_account(c)
    group = f"{c.query('applicationKey')}-users"
    if group not in row["groups"]:
        c["users"].put(row["id"], {**row, "groups": [*row["groups"], group]})
    return empty(200)


@_server("DELETE", "/user/application", "removeUserFromApplication")
def leave_application(c: Context) -> Response:
    """No longer."""
    c.need_admin()
    row = asked_account(c)
    group = f"{c.query('applicationKey')}-users"
    kept = [name for name in row["groups"] if name != group]
    c["users"].put(row["id"], {**row, "groups": kept})
    return empty()


@_server("PUT", "/user/password", "changeUserPassword")
def password(c: Context) -> Response:
    """Another password; tokens are what opens this site, so nothing else changes."""
    c.need_admin()
    asked_account(c)
    if not c.body().get("password"):
        raise JiraError(400, "The password must be specified.")
    return empty()


@_server("POST", "/auditing/record", "addAuditRecord")
def add_record(c: Context) -> Response:
    """Write into the audit log."""
    c.need_admin()
    body = c.body()
    text = body.get("summary")
    if not isinstance(text, str) or not text:
        raise JiraError(400, "The summary of the record must be specified.")
    item = body.get("objectItem")
    item = item if isinstance(item, dict) else {}
    category = str(body.get("category") or "")
    names = [str(item.get(name) or "") for name in ("typeName", "id", "name")]
    record(c, category, text, *names)
    return empty(201)


@_server("PUT", "/settings/baseUrl", "setBaseUrl")
def base_url(c: Context) -> Response:
    """Where the site is; links follow the address that a client used."""
    c.need_admin()
    return empty()
