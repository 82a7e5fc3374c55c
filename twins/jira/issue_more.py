"""Issues: changelogs of several, notify, picker, bulk properties, who watches what, limits."""

import json
from html import escape
from typing import Any, Final

from factory_tui.universe import BadBodyError, Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .expressions import value_for
from .groups_of import group_named
from .jql import JqlError
from .needs import need_write
from .properties import MAX_VALUE, Owner, register, set_property
from .query import run
from .read import history_shape
from .tasks import finished, task_link

__all__ = ["properties_of"]

_MOST: Final = 10_000


# -- changelogs


def _histories(c: Context, issue: Row) -> list[Row]:
    return [c["changelog"][key] for key in c["changelog"].find("issue", issue["id"])]


@operation("POST", "/issue/{issueIdOrKey}/changelog/list", "getChangeLogsByIds")
def changelogs_by_ids(c: Context) -> Response:
    """Some entries of an issue's history."""
    issue = c.issue(c.param("issueIdOrKey"))
    wanted = c.body().get("changelogIds")
    if not isinstance(wanted, list) or not wanted:
        raise JiraError(400, "The ids of the changelogs must be specified in 'changelogIds'.")
    keys = {str(item) for item in wanted}
    found = [history_shape(c, row) for row in _histories(c, issue) if row["id"] in keys]
    return reply({"startAt": 0, "maxResults": len(found), "total": len(found), "histories": found})


@operation("POST", "/changelog/bulkfetch", "getBulkChangelogs")
def changelogs(c: Context) -> Response:
    """The histories of up to 1,000 issues, in pages by token, maybe of some fields only."""
    body = c.body()
    names = body.get("issueIdsOrKeys")
    if not isinstance(names, list) or not 0 < len(names) <= 1000:
        raise JiraError(400, "From 1 to 1000 issues must be specified in 'issueIdsOrKeys'.")
    fields = body.get("fieldIds") or []
    if not isinstance(fields, list) or len(fields) > 10:
        raise JiraError(400, "Up to 10 fields can be specified in 'fieldIds'.")
    token, most = body.get("nextPageToken"), body.get("maxResults")
    if token is not None and not str(token).isdecimal():
        raise JiraError(400, "The provided next page token is invalid.")
    if most is not None and (isinstance(most, bool) or not isinstance(most, int)):
        raise JiraError(400, "'maxResults' must be a number.")
    rows = [
        (issue, row)
        for name in names
        if (issue := c.find_issue(str(name))) is not None
        for row in _histories(c, issue)
        if not fields or any(item["fieldId"] in fields for item in row["items"])
    ]
    start = int(token or 0)
    size = c.page_size(most, 1000, 10_000)
    found: dict[str, list[Any]] = {}
    for issue, row in rows[start : start + size]:
        shape = history_shape(c, row)
        if fields:
            items = [item for item in shape["items"] if item["fieldId"] in fields]
            shape = {**shape, "items": items}
        found.setdefault(issue["id"], []).append(shape)
    answer: dict[str, Any] = {
        "issueChangeLogs": [
            {"issueId": key, "changeHistories": shapes} for key, shapes in found.items()
        ]
    }
    if start + size < len(rows):
        answer["nextPageToken"] = str(start + size)
    return reply(answer)


# -- mail


@operation("POST", "/issue/{issueIdOrKey}/notify", "notify")
def notify(c: Context) -> Response:
    """Write to people about an issue; nothing leaves the twin, wrong recipients are refused."""
    issue = c.issue(c.param("issueIdOrKey"))
    to = c.body().get("to")
    to = to if isinstance(to, dict) else {}
    users: set[str] = set()
    for name in ("reporter", "assignee"):
        if to.get(name) is True and issue[name]:
            users.add(issue[name])
    for name in ("watchers", "voters"):
        if to.get(name) is True:
            users |= set(issue[name])
    for reference in many(to.get("users")):
        row = c.find_account(reference)
        if row is None:
            raise JiraError(400, "A recipient does not exist.")
        users.add(row["id"])
    groups = [*many(to.get("groups")), *({"groupId": key} for key in many(to.get("groupIds")))]
    for reference in groups:
        group = group_named(c, reference)
        if group is None:
            raise JiraError(400, "A group of recipients does not exist.")
        users |= {row["id"] for row in c["users"].rows() if group in row["groups"]}
    if not users - {c.me}:
        raise JiraError(400, "No recipients were defined for notification.")
    return empty()


# -- picker


def _marked(text: str, needle: str) -> str:
    at = text.lower().find(needle.lower()) if needle else -1
    if at < 0:
        return escape(text)
    end = at + len(needle)
    return f"{escape(text[:at])}<b>{escape(text[at:end])}</b>{escape(text[end:])}"


@operation("GET", "/issue/picker", "getIssuePickerResource")
def picker(c: Context) -> Response:
    """Issues whose key or summary has the words, from history and the current search."""
    query = c.query("query").strip()
    jql = c.query("currentJQL")
    try:
        rows = run(c, jql or "ORDER BY updated DESC", bounded=False)
    except JqlError:
        rows = []
    current = c.query("currentIssueKey").upper()
    project = c.query("currentProjectId")
    subtasks = c.query_flag("showSubTasks", True)

    def fits(row: Row) -> bool:
        if row["key"] == current or (project and row["project"] != project):
            return False
        if not subtasks and c["issuetypes"][row["type"]]["subtask"]:
            return False
        words = query.lower().split()
        text = f"{row['key']} {row['summary']}".lower()
        return all(word in text for word in words)

    found = [row for row in rows if fits(row)] if query or jql else []
    shapes = [
        {
            "id": int(row["id"]),
            "key": row["key"],
            "keyHtml": _marked(row["key"], query),
            "img": f"/images/icons/issuetypes/{row['type']}.svg",
            "summary": _marked(row["summary"], query),
            "summaryText": row["summary"],
        }
        for row in found[:20]
    ]
    words = f"Showing {len(shapes)} of {len(found)} matching issues"
    section = {"label": "Current Search", "id": "cs", "sub": words, "issues": shapes}
    history = {"label": "History Search", "id": "hs", "sub": words, "issues": shapes}
    return reply({"sections": [history, section] if jql else [history]})


# -- properties of many issues


def _done(c: Context, description: str, count: int) -> Response:
    row = finished(c, description, {"updated": count})
    answer = empty(303)
    answer.headers.append(("location", task_link(c, row)))
    return answer


def _issues(c: Context, keys: Any) -> list[Row]:
    if not isinstance(keys, list) or len(keys) > _MOST:
        raise JiraError(400, f"Up to {_MOST} issues can be specified.")
    rows = []
    for key in keys:
        row = c.find_issue(str(key))
        if row is None:
            raise JiraError(400, f"Issue {str(key)[:40]} does not exist or is not visible.")
        need_write(c, row)
        rows.append(row)
    return rows


def _values(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not 0 < len(value) <= 10:
        raise JiraError(400, "From 1 to 10 properties must be specified.")
    return value


@operation("POST", "/issue/properties", "bulkSetIssuesPropertiesList")
def set_many(c: Context) -> Response:
    """Set the same properties of several issues."""
    body = c.body()
    values = _values(body.get("properties"))
    rows = _issues(c, body.get("entitiesIds"))
    for row in rows:
        for key, value in values.items():
            set_property(c, f"issue/{row['id']}", key, value)
    return _done(c, "Set issue properties", len(rows))


@operation("POST", "/issue/properties/multi", "bulkSetIssuePropertiesByIssue")
def set_each(c: Context) -> Response:
    """Set properties of several issues, each its own."""
    given = c.body().get("issues")
    if not isinstance(given, list) or not 0 < len(given) <= 100:
        raise JiraError(400, "From 1 to 100 issues must be specified.")
    todo = []
    for item in given:
        if not isinstance(item, dict):
            raise JiraError(400, "Every issue must be an object.")
        todo.append((_issues(c, [item.get("issueID")])[0], _values(item.get("properties"))))
    for row, values in todo:
        for key, value in values.items():
            set_property(c, f"issue/{row['id']}", key, value)
    return _done(c, "Set issue properties", len(todo))


def _selected(c: Context, given: Any, key: str) -> list[Row]:
    """The issues that a filter of a bulk operation on one property chooses."""
    chosen = given if isinstance(given, dict) else {}
    if chosen.get("entityIds") is not None:
        rows = _issues(c, chosen["entityIds"])
    else:
        rows = [row for row in c["issues"].rows() if c.may("EDIT_ISSUES", None, row)]
    table = c["properties"]
    if "currentValue" in chosen:
        wanted = chosen["currentValue"]
        return [
            row
            for row in rows
            if (kept := table.get((f"issue/{row['id']}", key))) and kept["value"] == wanted
        ]
    if isinstance(chosen.get("hasProperty"), bool):
        return [
            row for row in rows if ((f"issue/{row['id']}", key) in table) == chosen["hasProperty"]
        ]
    return rows


_KINDS: Final = {
    "IssueProperty": ("issue", "issues"),
    "CommentProperty": ("comment", "comments"),
    "DashboardItemProperty": ("dashboarditem", ""),
    "IssueTypeProperty": ("issuetype", "issuetypes"),
    "ProjectProperty": ("project", "projects"),
    "UserProperty": ("user", "users"),
    "WorklogProperty": ("worklog", "worklogs"),
    "BoardProperty": ("board", "boards"),
    "SprintProperty": ("sprint", "sprints"),
}


def properties_of(c: Context, kind: str) -> Response:
    """Write the properties in the body: ``[{"entityId", "key", "value"}]`` of one kind."""
    if kind not in _KINDS:
        raise JiraError(400, f"The entity type '{kind[:40]}' is not valid.")
    prefix, table = _KINDS[kind]
    try:
        given = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, "There was an error parsing JSON.") from error
    if not isinstance(given, list) or not 0 < len(given) <= 50:
        raise JiraError(400, "From 1 to 50 properties must be specified.")
    for item in given:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str):
            raise JiraError(400, "Every property needs 'entityId', 'key' and 'value'.")
        key = str(item.get("entityId"))
        if table and c[table].get(key) is None:
            raise JiraError(400, f"The entity '{key[:40]}' does not exist.")
        set_property(c, f"{prefix}/{key}", item["key"], item.get("value"))
    return empty(200)


@operation("PUT", "/issue/properties/{propertyKey}", "bulkSetIssueProperty")
def set_one(c: Context) -> Response:
    """Set a property of all issues that a filter chooses."""
    body = c.body()
    if ("value" in body) == ("expression" in body):
        raise JiraError(
            400, "Either the value or the expression of the property must be specified."
        )
    key = c.param("propertyKey")
    rows = _selected(c, body.get("filter"), key)
    if "value" in body:
        values = [(row, body["value"]) for row in rows]
    else:
        values = [(row, value_for(c, body["expression"], row)) for row in rows]
        values = [pair for pair in values if len(json.dumps(pair[1])) <= MAX_VALUE]
    for row, value in values:
        set_property(c, f"issue/{row['id']}", key, value)
    return _done(c, "Set issue property", len(values))


@operation("DELETE", "/issue/properties/{propertyKey}", "bulkDeleteIssueProperty")
def delete_one(c: Context) -> Response:
    """Remove a property from all issues that a filter chooses."""
    key = c.param("propertyKey")
    rows = _selected(c, {**c.body()}, key)
    count = sum(c["properties"].delete((f"issue/{row['id']}", key)) for row in rows)
    return _done(c, "Delete issue property", count)


# -- properties of comments and worklogs


def _comment(c: Context, change: bool) -> Owner:
    row = c["comments"].get(c.param("commentId"))
    issue = c.find_issue(row["issue"]) if row is not None else None
    if row is None or issue is None:
        raise JiraError(404, f"Can not find a comment for the id: {c.param('commentId')}.")
    if change:
        need_write(c, issue)
    return Owner(f"comment/{row['id']}", f"{c.api}/comment/{row['id']}/properties/")


register(
    "/comment/{commentId}/properties",
    ("getCommentPropertyKeys", "getCommentProperty", "setCommentProperty", "deleteCommentProperty"),
    _comment,
)


def _worklog(c: Context, change: bool) -> Owner:
    issue = c.issue(c.param("issueIdOrKey"))
    row = c["worklogs"].get(c.param("worklogId"))
    if row is None or row["issue"] != issue["id"]:
        raise JiraError(404, f"Cannot find worklog with id: '{c.param('worklogId')}'.")
    if change:
        need_write(c, issue)
    address = f"{c.api}/issue/{issue['id']}/worklog/{row['id']}/properties/"
    return Owner(f"worklog/{row['id']}", address)


register(
    "/issue/{issueIdOrKey}/worklog/{worklogId}/properties",
    ("getWorklogPropertyKeys", "getWorklogProperty", "setWorklogProperty", "deleteWorklogProperty"),
    _worklog,
)


# -- the rest


@operation("POST", "/issue/watching", "getIsWatchingIssueBulk")
def watching(c: Context) -> Response:
    """Which issues the caller watches."""
    keys = c.body().get("issueIds")
    if not isinstance(keys, list):
        raise JiraError(400, "The ids of the issues must be specified in 'issueIds'.")
    rows = {str(key): c.find_issue(str(key)) for key in keys}
    found = {key: row is not None and c.me in row["watchers"] for key, row in rows.items()}
    return reply({"issuesIsWatching": found})


_LIMITS: Final = {
    "comment": ("comments", 5000),
    "worklog": ("worklogs", 10_000),
    "attachment": ("attachments", 2000),
    "remoteIssueLinks": ("remotelinks", 2000),
}


@operation("GET", "/issue/limit/report", "getIssueLimitReport")
def limits(c: Context) -> Response:
    """Issues with (nearly) as many parts as Jira allows."""
    c.need_admin()
    near: dict[str, dict[str, int]] = {}
    over: dict[str, dict[str, int]] = {}
    name = "key" if c.query_flag("isReturningKeys") else "id"
    for field, (table, most) in _LIMITS.items():
        for row in c["issues"].rows():
            count = len(c[table].find("issue", row["id"]))
            if count >= most * 0.8:
                (over if count >= most else near).setdefault(field, {})[row[name]] = count
    known = {field: most for field, (_, most) in _LIMITS.items()}
    return reply({"issuesApproachingLimit": near, "issuesBreachingLimit": over, "limits": known})
