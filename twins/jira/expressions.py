"""expression: evaluating Jira expressions in the context of issues, projects and users."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .adf import plain
from .context import Context, operation, reply
from .errors import JiraError
from .jexp import MOST_STEPS, Evaluation, JexpError, Lazy, parse
from .jql import JqlError
from .query import run

__all__ = ["value_for"]

_MOST_ISSUES: Final = 1000


def _user(c: Context, key: str | None) -> Lazy | None:
    row = c["users"].get(key) if key else None
    if row is None:
        return None
    return Lazy(
        "User",
        {
            "accountId": lambda: row["id"],
            "displayName": lambda: f"{row['first']} {row['last']}".strip(),
            "emailAddress": lambda: row["email"],
            "groups": lambda: list(row["groups"]),
        },
    )


def _named(c: Context, table: str, key: str | None) -> Lazy | None:
    row = c[table].get(key) if key else None
    if row is None:
        return None
    values: dict[str, Any] = {"id": lambda: int(row["id"]), "name": lambda: row["name"]}
    if table == "statuses":
        values["category"] = lambda: {"key": row["category"]}
    return Lazy(table, values)


def _project(c: Context, row: Row) -> Lazy:
    return Lazy(
        "Project",
        {
            "id": lambda: int(row["id"]),
            "key": lambda: row["key"],
            "name": lambda: row["name"],
            "lead": lambda: _user(c, row["lead"]),
        },
    )


def _comment(c: Context, row: Row) -> Lazy:
    return Lazy(
        "Comment",
        {
            "id": lambda: int(row["id"]),
            "author": lambda: _user(c, row["author"]),
            "body": lambda: plain(row["body"]),
            "created": lambda: row["created"],
        },
    )


def _issue(c: Context, row: Row) -> Lazy:
    table = c["issues"]
    children = lambda: [_issue(c, table[key]) for key in table.find("parent", row["id"])]  # noqa: E731
    return Lazy(
        "Issue",
        {
            "id": lambda: int(row["id"]),
            "key": lambda: row["key"],
            "summary": lambda: row["summary"],
            "description": lambda: plain(row["description"]),
            "labels": lambda: list(row["labels"]),
            "created": lambda: row["created"],
            "updated": lambda: row["updated"],
            "dueDate": lambda: row["due"],
            "status": lambda: _named(c, "statuses", row["status"]),
            "issueType": lambda: _named(c, "issuetypes", row["type"]),
            "priority": lambda: _named(c, "priorities", row["priority"]),
            "resolution": lambda: _named(c, "resolutions", row["resolution"]),
            "assignee": lambda: _user(c, row["assignee"]),
            "reporter": lambda: _user(c, row["reporter"]),
            "creator": lambda: _user(c, row["creator"]),
            "project": lambda: _project(c, c["projects"][row["project"]]),
            "parent": lambda: _issue(c, table[row["parent"]]) if row["parent"] else None,
            "subtasks": children,
            "stories": children,
            "comments": lambda: [
                _comment(c, c["comments"][key])
                for key in c["comments"].find("issue", row["id"])
            ],
            "votes": lambda: len(row["voters"]),
            "watchers": lambda: [_user(c, key) for key in row["watchers"]],
        },
    )  # fmt: skip


def _reference(value: Any) -> str:
    if not isinstance(value, dict) or ("id" in value) == ("key" in value):
        raise JiraError(400, "Either the id or the key of an object of the context is needed.")
    return str(value.get("key") or value.get("id"))


def _context(c: Context, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The names an expression may use, and what is told of the issues found by JQL."""
    names: dict[str, Any] = {"user": _user(c, c.me), "issues": []}
    meta: dict[str, Any] = {}
    if given.get("issue") is not None:
        row = c.find_issue(_reference(given["issue"]))
        if row is None:
            raise JiraError(404, "The issue of the context does not exist or is not visible.")
        names["issue"] = _issue(c, row)
        names["project"] = _project(c, c["projects"][row["project"]])
    if given.get("project") is not None:
        names["project"] = _project(c, c.project(_reference(given["project"])))
    for name, table in (("sprint", "sprints"), ("board", "boards")):
        if given.get(name) is not None:
            found = _named(c, table, str(given[name]))
            if found is None:
                raise JiraError(404, f"The {name} of the context does not exist.")
            names[name] = found
    wanted = given.get("issues")
    jql = wanted.get("jql") if isinstance(wanted, dict) else None
    if isinstance(jql, dict):
        try:
            rows = run(c, str(jql.get("query") or ""), bounded=False)
        except JqlError as error:
            raise JiraError(400, *error.messages) from error
        start = jql.get("startAt") or 0
        size = jql.get("maxResults")
        size = _MOST_ISSUES if not isinstance(size, int) or isinstance(size, bool) else size
        token = jql.get("nextPageToken")
        if token is not None and str(token).isdecimal():
            start = int(token)
        if not isinstance(start, int) or start < 0 or not 0 <= size <= _MOST_ISSUES:
            raise JiraError(400, "The page of issues of the context is not valid.")
        page = rows[start : start + size]
        names["issues"] = [_issue(c, row) for row in page]
        meta = {"startAt": start, "size": size, "count": len(page), "total": len(rows)}
    return names, meta


def value_for(c: Context, text: Any, row: Row) -> Any:
    """The value of an expression about one issue; it may use ``issue`` and ``user``. Raises 400."""
    if not isinstance(text, str) or not text.strip():
        raise JiraError(400, "The expression must be specified.")
    try:
        return Evaluation({"user": _user(c, c.me), "issue": _issue(c, row)}).run(parse(text))
    except JexpError as error:
        raise JiraError(400, str(error)) from error


def _evaluated(c: Context, *, tokens: bool) -> Response:
    body = c.body()
    text = body.get("expression")
    if not isinstance(text, str) or not text.strip():
        raise JiraError(400, "The expression must be specified.")
    context = body.get("context")
    names, found = _context(c, context if isinstance(context, dict) else {})
    evaluation = Evaluation(names)
    try:
        value = evaluation.run(parse(text))
    except JexpError as error:
        raise JiraError(400, str(error)) from error
    answer: dict[str, Any] = {"value": value}
    meta: dict[str, Any] = {}
    if "meta.complexity" in c.query_list("expand"):
        meta["complexity"] = {
            "steps": {"value": evaluation.steps, "limit": MOST_STEPS},
            "expensiveOperations": {"value": min(10, evaluation.expensive), "limit": 10},
            "beans": {"value": found.get("count", 0), "limit": 1000},
            "primitiveValues": {"value": 1, "limit": 10_000},
        }
    if found and tokens:
        end = found["startAt"] + found["count"]
        last = end >= found["total"]
        meta["issues"] = {"jql": {"isLast": last, "nextPageToken": "" if last else str(end)}}
    elif found:
        meta["issues"] = {
            "jql": {
                "startAt": found["startAt"],
                "maxResults": found["size"],
                "count": found["count"],
                "totalCount": found["total"],
            }
        }
    return reply({**answer, "meta": meta} if meta else answer)


@operation("POST", "/expression/eval", "evaluateJiraExpression")
def evaluate(c: Context) -> Response:
    """The value of an expression; issues of the context in pages by offset."""
    return _evaluated(c, tokens=False)


@operation("POST", "/expression/evaluate", "evaluateJSISJiraExpression")
def evaluate_by_token(c: Context) -> Response:
    """The same with token pages."""
    return _evaluated(c, tokens=True)


@operation("POST", "/expression/analyse", "analyseExpression")
def analyse(c: Context) -> Response:
    """Whether expressions can be read."""
    given = c.body().get("expressions")
    if not isinstance(given, list) or not given or not all(isinstance(e, str) for e in given):
        raise JiraError(400, "The expressions must be specified in 'expressions'.")
    check = c.query("check", "syntax")
    if check not in ("syntax", "type", "complexity"):
        raise JiraError(400, f"The check '{check[:40]}' is not valid.")
    results = []
    for text in given:
        shape: dict[str, Any] = {"expression": text, "valid": True}
        try:
            parse(text)
        except JexpError as error:
            problem: dict[str, Any] = {"message": str(error), "type": "syntax"}
            if error.line > 0:
                problem |= {"line": error.line, "column": error.column}
            shape |= {"valid": False, "errors": [{**problem, "expression": text}]}
        else:
            if check == "complexity":
                many = ".map(" in text or ".filter(" in text
                shape["complexity"] = {"expensiveOperations": "N" if many else "1"}
        results.append(shape)
    return reply({"results": results})
