"""jql/…: parse, complete, match, sanitise and migrate queries."""

from collections.abc import Iterable
from typing import Any, Final

from factory_tui.universe import Response

from . import dates
from .clauses import CLAUSES, Searched, clause_named, clauses_named, clauses_of
from .context import Context, operation, reply
from .errors import JiraError
from .fields import fields_of
from .functions import FUNCTIONS
from .jql import RESERVED, Both, Clause, Either, JqlError, Node, Not, Operand, Query, Value
from .jql import parse as parse_jql
from .jqltext import quoted, structure, written
from .pages import page
from .query import check_query, tester

_BAD: Final = "Invalid request payload. Refer to the REST API documentation."


@operation("POST", "/jql/parse", "parseJqlQueries")
def parse_queries(c: Context) -> Response:
    """Whether queries are right, each by itself, and how they are built.

    ``validation``: ``strict`` tells everything that is wrong, ``warn`` tells it and shows the
    structure all the same, ``none`` looks at the syntax only.
    """
    queries = c.body().get("queries")
    if not isinstance(queries, list) or not queries or len(queries) > 100:
        raise JiraError(400, "Specify from 1 to 100 queries in 'queries'.")
    how = c.query("validation", "strict")
    if how not in ("strict", "warn", "none"):
        raise JiraError(400, "The 'validation' must be one of strict, warn, none.")
    return reply({"queries": [_parsed(c, str(text), how) for text in queries]})


def _parsed(c: Context, text: str, how: str) -> dict[str, Any]:
    result: dict[str, Any] = {"query": text}
    try:
        query = parse_jql(text)
    except JqlError as error:
        return {**result, "errors": error.messages}
    if how != "none":
        try:
            check_query(c, text)
        except JqlError as error:
            if how == "strict":
                return {**result, "errors": error.messages}
            result["warnings"] = error.messages
    return {**result, "structure": structure(query)}


@operation("POST", "/jql/match", "matchIssues")
def match(c: Context) -> Response:
    """Which of some issues each of some queries finds."""
    body = c.body()
    queries, ids = body.get("jqls"), body.get("issueIds")
    if not isinstance(queries, list) or not isinstance(ids, list):
        raise JiraError(400, _BAD)
    if len(queries) > 100 or len(ids) > 1000:
        raise JiraError(400, "At most 100 queries and 1000 issues can be given.")
    rows = [row for key in ids if (row := c["issues"].get(str(key))) is not None]
    matches: list[dict[str, Any]] = []
    for text in queries:
        try:
            test = tester(c, str(text))
        except JqlError as error:
            matches.append({"matchedIssues": [], "errors": error.messages})
            continue
        found = [int(row["id"]) for row in rows if test(row)]
        matches.append({"matchedIssues": found, "errors": []})
    return reply({"matches": matches})


# -- other accounts' queries


def _mapped(node: Node, change: Any) -> Node:
    if isinstance(node, Not):
        return Not(_mapped(node.part, change))
    if isinstance(node, Both):
        return Both(tuple(_mapped(part, change) for part in node.parts))
    if isinstance(node, Either):
        return Either(tuple(_mapped(part, change) for part in node.parts))
    found: Node = change(node)
    return found


def _with_operands(clause: Clause, operands: Iterable[Operand]) -> Clause:
    return Clause(clause.field, clause.operator, tuple(operands), clause.is_list, clause.predicates)


def _sanitised(c: Context, text: str) -> str:
    """The query with ids in the place of names that the account may not see."""
    query = parse_jql(text)

    def hide(clause: Clause) -> Clause:
        searched = clause_named(c, clause.field)
        if searched is None or searched.kind not in ("projects", "key"):
            return clause
        return _with_operands(clause, (_hidden(c, searched, one) for one in clause.operands))

    where = _mapped(query.where, hide) if query.where is not None else None
    return written(Query(where, query.order))


def _hidden(c: Context, searched: Searched, operand: Operand) -> Operand:
    if not isinstance(operand, Value):
        return operand
    if searched.kind == "key":
        row = c["issues"].first("key", operand.text.upper())
        return operand if row is None or c.find_issue(row["id"]) else Value(row["id"])
    text = operand.text
    row = c["projects"].first("key", text.upper()) or next(
        (one for one in c["projects"].rows() if one["name"].lower() == text.lower()), None
    )
    return operand if row is None or c.may_see(row) else Value(row["id"])


@operation("POST", "/jql/sanitize", "sanitiseJqlQueries")
def sanitise(c: Context) -> Response:
    """Queries as others may read them."""
    c.need_admin("Only Jira administrators can sanitize queries.")
    queries = c.body().get("queries")
    if not isinstance(queries, list) or not queries:
        raise JiraError(400, "The queries has to be provided.")
    found = []
    for item in queries:
        if not isinstance(item, dict) or not isinstance(item.get("query"), str):
            raise JiraError(400, _BAD)
        account = item.get("accountId")
        result: dict[str, Any] = {"initialQuery": item["query"]}
        if account is not None:
            result["accountId"] = str(account)
        if account is not None and str(account) not in c["users"]:
            raise JiraError(400, f"The user with account ID '{str(account)[:60]}' was not found.")
        reader = Context(c.call, c["users"].get(str(account)) if account else None, v3=c.v3)
        try:
            result["sanitizedQuery"] = _sanitised(reader, item["query"])
        except JqlError as error:
            result["errors"] = {"errorMessages": error.messages, "errors": {}}
        found.append(result)
    return reply({"queries": found})


@operation("POST", "/jql/pdcleaner", "migrateQueries")
def migrate(c: Context) -> Response:
    """Queries with account ids in the place of user names; ``unknown`` for nobody."""
    queries = c.body().get("queryStrings")
    if not isinstance(queries, list) or not queries or len(queries) > 100:
        raise JiraError(400, "Specify from 1 to 100 queries in 'queryStrings'.")
    converted, unknown = [], []
    for text in queries:
        lost: list[str] = []

        def by_account(clause: Clause, lost: list[str] = lost) -> Clause:
            searched = clause_named(c, clause.field)
            if searched is None or searched.kind != "user":
                return clause
            return _with_operands(clause, (_account(c, one, lost) for one in clause.operands))

        try:
            query = parse_jql(str(text))
        except JqlError as error:
            raise JiraError(400, *error.messages) from error
        where = _mapped(query.where, by_account) if query.where is not None else None
        new = written(Query(where, query.order))
        if lost:
            unknown.append({"originalQuery": str(text), "convertedQuery": new})
        else:
            converted.append(new)
    return reply({"queryStrings": converted, "queriesWithUnknownUsers": unknown})


def _account(c: Context, operand: Operand, lost: list[str]) -> Operand:
    if not isinstance(operand, Value) or operand.text in c["users"]:
        return operand
    table = c["users"]
    lowered = operand.text.lower()
    row = table.first("name", lowered) or table.first("email", lowered)
    if row is None:
        lost.append(operand.text)
        return Value("unknown")
    return Value(row["id"])


# -- completion


_ORDER: Final = (
    "=", "!=", "in", "not in", "is", "is not", "~", "!~", ">", ">=", "<", "<=", "was", "was not",
    "was in", "was not in", "changed",
)  # fmt: skip
_TYPES: Final = {
    "date": "java.util.Date",
    "user": "com.atlassian.jira.user.ApplicationUser",
    "projects": "com.atlassian.jira.project.Project",
    "issuetypes": "com.atlassian.jira.issue.issuetype.IssueType",
    "statuses": "com.atlassian.jira.issue.status.Status",
    "priorities": "com.atlassian.jira.issue.priority.Priority",
    "resolutions": "com.atlassian.jira.issue.resolution.Resolution",
    "versions": "com.atlassian.jira.project.version.Version",
    "components": "com.atlassian.jira.bc.project.component.ProjectComponent",
    "key": "com.atlassian.jira.issue.Issue",
    "option": "com.atlassian.jira.issue.customfields.option.Option",
    "cascade": "com.atlassian.jira.issue.customfields.option.CascadeOption",
    "group": "com.atlassian.crowd.embedded.api.Group",
    "number": "java.lang.Number",
    "label": "com.atlassian.jira.issue.label.Label",
}
_COMPLETED: Final = frozenset(
    {"user", "projects", "issuetypes", "statuses", "priorities", "resolutions", "versions",
     "components", "label", "option", "category", "securitylevels", "sprints"}
)  # fmt: skip


def _field_json(name: str, searched: Searched, c: Context) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "value": quoted(name) if not name.startswith("cf[") else name,
        "displayName": searched.shown or name,
        "orderable": str(searched.order is not None).lower(),
        "searchable": "true",
        "auto": str(searched.kind in _COMPLETED).lower(),
        "operators": [one for one in _ORDER if one in searched.operators],
        "types": [_TYPES.get(searched.kind, "java.lang.String")],
    }
    if searched.field:
        number = searched.field.rpartition("_")[2]
        shape["cfid"] = f"cf[{number}]"
        shape["displayName"] = f"{searched.name} - {fields_of(c)[searched.field].clauses[-1]}"
        shape["value"] = quoted(searched.name)
        if len(clauses_named(c, searched.name)) > 1 or searched.name.lower() in CLAUSES:
            shape["value"] = shape["cfid"]
    return shape


_NAMES: Final = (
    "affectedVersion", "assignee", "attachments", "category", "comment", "component", "created",
    "creator", "description", "due", "environment", "filter", "fixVersion", "issuekey",
    "issueLinkType", "issuetype", "labels", "lastViewed", "level", "originalEstimate", "parent",
    "priority", "project", "projectType", "remainingEstimate", "reporter", "resolution",
    "resolved", "sprint", "status", "statusCategory", "statusCategoryChangedDate", "summary",
    "text", "timespent", "updated", "voter", "votes", "watcher", "watchers", "worklogAuthor",
    "worklogComment", "worklogDate", "workratio",
)  # fmt: skip


def _called(name: str, arguments: int) -> str:
    empty = ", ".join(['""'] * arguments)
    return f"{name}({empty})"


def _reference(c: Context) -> dict[str, Any]:
    fields = [_field_json(name, CLAUSES[name.lower()], c) for name in _NAMES]
    seen = set()
    for searched in (one for found in clauses_of(c).values() for one in found):
        if searched.field and searched.field not in seen:
            seen.add(searched.field)
            fields.append(_field_json(searched.name, searched, c))
    functions = [
        {
            "value": _called(one.name, one.arguments[0]),
            "displayName": _called(one.name, one.arguments[0]),
            "isList": str(one.is_list).lower(),
            "supportsListAndSingleValueOperators": str(not one.is_list).lower(),
            "types": [_TYPES.get(kind, "java.lang.String") for kind in one.kinds],
        }
        for one in FUNCTIONS.values()
    ] + [
        {
            "value": f"{name}()",
            "displayName": f"{name}()",
            "isList": "false",
            "supportsListAndSingleValueOperators": "true",
            "types": ["java.util.Date"],
        }
        for name in dates.NAMES
    ]
    return {
        "visibleFieldNames": fields,
        "visibleFunctionNames": sorted(functions, key=lambda one: str(one["value"]).lower()),
        "jqlReservedWords": sorted(RESERVED),
    }


@operation("GET", "/jql/autocompletedata", "getAutoComplete")
def complete(c: Context) -> Response:
    """The fields, functions and words of JQL."""
    return reply(_reference(c))


@operation("POST", "/jql/autocompletedata", "getAutoCompletePost")
def complete_post(c: Context) -> Response:
    """The same, for some projects."""
    ids = c.body().get("projectIds") or []
    if not isinstance(ids, list):
        raise JiraError(400, _BAD)
    shape = _reference(c)
    if ids:
        wanted = {str(key) for key in ids}
        hidden = {
            row["id"]
            for row in c["customfields"].rows()
            if not any(
                not one["projects"] or wanted & set(one["projects"])
                for key in c["contexts"].find("field", row["id"])
                for one in (c["contexts"][key],)
            )
        }
        numbers = {f"cf[{key.rpartition('_')[2]}]" for key in hidden}
        shape["visibleFieldNames"] = [
            one for one in shape["visibleFieldNames"] if one.get("cfid") not in numbers
        ]
    return reply(shape)


def _choices(c: Context, searched: Searched) -> list[tuple[str, str]]:
    """Values with what is shown of them."""
    kind = searched.kind
    if kind == "user":
        return [
            (row["id"] if c.cloud else row["name"], f"{row['first']} {row['last']}".strip())
            for row in c["users"].rows()
            if row["active"]
        ]
    if kind == "label":
        found = {label for row in c["issues"].rows() for label in searched.values(c, row)}
        return [(label, label) for label in sorted(found)]
    if kind == "projects":
        return [
            (row["key"], f"{row['name']} ({row['key']})")
            for row in c["projects"].rows()
            if c.may_see(row)
        ]
    if kind == "category":
        return [(name, name) for name in ("To Do", "In Progress", "Done")]
    if kind == "option":
        return [
            (row["value"], row["value"])
            for key in c["contexts"].find("field", searched.field)
            for one in c["options"].find("context", key)
            for row in (c["options"][one],)
        ]
    table = c.twin.tables.get(kind)
    return [(row["name"], row["name"]) for row in table.rows()] if table is not None else []


@operation("GET", "/jql/autocompletedata/suggestions", "getFieldAutoCompleteForQueryString")
def suggest(c: Context) -> Response:
    """Values of a field, or of a predicate, that start as typed."""
    name, predicate = c.query("fieldName"), c.query("predicateName")
    typed = c.query("predicateValue" if predicate else "fieldValue").lower()
    if not name:
        raise JiraError(400, "The fieldName must be given.")
    searched = CLAUSES["assignee"] if predicate == "by" else clause_named(c, name)
    if searched is None or searched.kind not in _COMPLETED:
        return reply({"results": []})
    results = []
    for value, shown in dict.fromkeys(_choices(c, searched)):
        words = [shown.lower(), value.lower(), *shown.lower().split()]
        if any(word.startswith(typed) for word in words):
            at = shown.lower().find(typed) if typed else -1
            bold = shown
            if at >= 0:
                end = at + len(typed)
                bold = f"{shown[:at]}<b>{shown[at:end]}</b>{shown[end:]}"
            results.append({"value": quoted(value), "displayName": bold})
    return reply({"results": results[:15]})


# -- functions of apps


@operation("GET", "/jql/function/computation", "getPrecomputations")
def precomputations(c: Context) -> Response:
    """What functions of apps came to: there are no such functions on a new site."""
    return page(c, list(c["precomputations"].rows()), lambda row: row, 100, 1000)


@operation("POST", "/jql/function/computation", "updatePrecomputations")
def update_precomputations(c: Context) -> Response:
    """Other results for functions of apps."""
    values = c.body().get("values")
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        raise JiraError(400, _BAD)
    keys = [str(one.get("id")) for one in values]
    missing = [key for key in keys if key not in c["precomputations"]]
    if missing and not c.query_flag("skipNotFoundPrecomputations"):
        raise JiraError(404, f"Precomputations with ids {', '.join(missing)[:200]} were not found.")
    for one in values:
        row = c["precomputations"].get(str(one.get("id")))
        if row is not None:
            kept = {name: one[name] for name in ("value", "error") if name in one}
            c["precomputations"].put(row["id"], {**row, **kept, "updated": c.now})
    return reply({"notFoundPrecomputationIDs": missing})


@operation("POST", "/jql/function/computation/search", "getPrecomputationsByID")
def precomputations_by_id(c: Context) -> Response:
    """Results of functions of apps by their ids."""
    keys = c.body().get("precomputationIDs")
    if not isinstance(keys, list):
        raise JiraError(400, _BAD)
    found = [row for key in keys if (row := c["precomputations"].get(str(key))) is not None]
    missing = [str(key) for key in keys if str(key) not in c["precomputations"]]
    return reply({"precomputations": found, "notFoundPrecomputationIDs": missing})
