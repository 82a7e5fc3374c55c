"""search: JQL over HTTP, with Cloud's token pages or Data Center's offsets."""

from typing import Any, Final, NamedTuple

from factory_tui.universe import Call, Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .expanding import expand_issue, properties_of
from .fields import field_shape, fields_of
from .jql import JqlError
from .jql import parse as parse_jql
from .ordering import compare_places, place_of, stages_of
from .pagetokens import opened, sealed
from .query import Found, find
from .read import issue_shape, wanted_fields

REMOVED: Final = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)

MAX_ORDER: Final = 7
MAX_RECONCILE: Final = 50
MAX_PROPERTIES: Final = 5


class _Asked:
    """The arguments of a search, from the query or the body."""

    def __init__(self, c: Context) -> None:
        if c.call.request.method == "POST":
            body = c.body()
            self.jql = body.get("jql")
            self.fields = _names(body.get("fields"))
            self.expand = _names(body.get("expand"))
            self.properties = _names(body.get("properties"))
            self.reconcile = body.get("reconcileIssues") or []
            self.token = body.get("nextPageToken")
            self.fail_fast = body.get("failFast") is True
            self.strict = body.get("validateQuery") is not False
            self.start = _number(body, "startAt")
            self.size = _number(body, "maxResults")
        else:
            self.jql = c.call.request.query.get("jql")
            self.fields = c.query_list("fields")
            self.expand = c.query_list("expand")
            self.properties = c.query_list("properties")
            self.reconcile = c.query_list("reconcileIssues")
            self.token = c.query("nextPageToken") or None
            self.fail_fast = c.query_flag("failFast")
            self.strict = c.query_flag("validateQuery", True)
            self.start = c.query_number("startAt")
            self.size = c.query_number("maxResults")
        if self.jql is not None and not isinstance(self.jql, str):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
        if not isinstance(self.reconcile, list):
            raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
        if self.size is not None and self.size < 0:
            raise JiraError(400, "The 'maxResults' parameter must not be negative.")


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(item) for item in value] if isinstance(value, list) else []


def _number(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return value


def _find(c: Context, jql: str, *, bounded: bool, warnings: list[str] | None = None) -> Found:
    try:
        if bounded and len(parse_jql(jql).order) > MAX_ORDER:
            raise JqlError(f"The ORDER BY clause can contain at most {MAX_ORDER} fields.")
        return find(c, jql, bounded=bounded, warnings=warnings)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error


class _Page(NamedTuple):
    """Some of the issues that a query finds, each with the state that it is read from.

    Attributes:
        token: Of the next page, "" for none.
    """

    issues: list[tuple[Context, Row]]
    token: str


def _token_page(c: Context, asked: _Asked, default: int, largest: int) -> _Page:
    """The page that was asked for, of what a bounded query finds."""
    jql = asked.jql or ""
    found = _find(c, jql, bounded=True)
    place = opened(c, jql, asked.token) if asked.token is not None else None
    rest = [(c, row) for row in (found.rows if place is None else found.after(place))]
    if asked.reconcile:
        rest = _reconciled(c, asked, found, rest, place)
    size = c.twin.page_size(asked.size or None, default, largest)
    page = rest[:size]
    more = size < len(rest)
    return _Page(page, sealed(c, jql, _place(found, page[-1])) if more else "")


def _place(found: Found, entry: tuple[Context, Row]) -> list[Any]:
    of, row = entry
    return place_of(stages_of(of, found.order), row)


def _reconciled(
    c: Context, asked: _Asked, found: Found, rest: list[tuple[Context, Row]], place: Any
) -> list[tuple[Context, Row]]:
    """The rest of the results with some issues as they are, whatever the others lag behind.

    A search lags behind where a fault makes its reads stale; else nothing changes.
    """
    twin = c.call.scratch.get("present")
    if twin is None:
        return rest
    call = Call(twin, c.call.request)
    call.scratch = c.call.scratch
    now = Context(call, twin["users"].get(c.me) if c.me else None, v3=c.v3)
    fresh = _find(now, asked.jql or "", bounded=True)
    rows = fresh.rows if place is None else fresh.after(place)
    named = {str(key) for key in asked.reconcile}
    mixed = [entry for entry in rest if entry[1]["id"] not in named]
    mixed += [(now, row) for row in rows if row["id"] in named]
    compare = compare_places(found.stages)
    return sorted(mixed, key=lambda entry: compare(_place(found, entry)))


@operation("GET", "/search/jql", "searchAndReconsileIssuesUsingJql")
@operation("POST", "/search/jql", "searchAndReconsileIssuesUsingJqlPost")
def search_jql(c: Context) -> Response:
    """A page of issues and the token of the next; ids only unless fields are asked for."""
    if not c.cloud:
        raise JiraError(404, "null for uri: " + c.call.request.path)
    asked = _Asked(c)
    if len(asked.reconcile) > MAX_RECONCILE:
        raise JiraError(400, f"The reconcileIssues can contain at most {MAX_RECONCILE} ids.")
    if not all(str(key).isdecimal() for key in asked.reconcile):
        raise JiraError(400, "The reconcileIssues must be ids of issues.")
    if len(asked.properties) > MAX_PROPERTIES:
        raise JiraError(400, f"At most {MAX_PROPERTIES} properties can be asked for.")
    largest = 5000 if not asked.fields or set(asked.fields) <= {"id", "key"} else 100
    page = _token_page(c, asked, 50, largest)
    names = wanted_fields(c, asked.fields, "*navigable") if asked.fields else []
    c.call.scratch["fail fast"] = asked.fail_fast
    if asked.fields and asked.fields != ["id"]:
        issues = [_issue(of, row, names, asked) for of, row in page.issues]
    else:
        issues = [{"id": row["id"]} for _, row in page.issues]
    answer: dict[str, Any] = {"issues": issues, **_legend(c, names, asked)}
    if page.token:
        answer["nextPageToken"] = page.token
    return reply({**answer, "isLast": not page.token})


_LEGEND: Final = ("names", "schema")


def _issue(c: Context, row: Row, fields: list[str], asked: _Asked) -> dict[str, Any]:
    """An issue; what explains the fields stands once beside all issues."""
    expand = [name for name in asked.expand if name not in _LEGEND]
    shape = issue_shape(c, row, fields, expand)
    expand_issue(c, row, shape, fields, expand)
    if asked.properties:
        shape["properties"] = properties_of(c, row, asked.properties)
    return shape


def _legend(c: Context, fields: list[str], asked: _Asked) -> dict[str, Any]:
    known = fields_of(c)
    shape: dict[str, Any] = {}
    if "names" in asked.expand:
        shape["names"] = {name: known[name].name for name in fields}
    if "schema" in asked.expand:
        shape["schema"] = {name: field_shape(c, known[name])["schema"] for name in fields}
    return shape


@operation("POST", "/search/id", "searchForIssuesIds")
def search_ids(c: Context) -> Response:
    """Ids only, a thousand at a time."""
    if not c.cloud:
        raise JiraError(404, "null for uri: " + c.call.request.path)
    page = _token_page(c, _Asked(c), 1000, 1000)
    answer: dict[str, Any] = {"issueIds": [int(row["id"]) for _, row in page.issues]}
    return reply({**answer, "nextPageToken": page.token} if page.token else answer)


@operation("GET", "/search", "searchForIssuesUsingJql")
@operation("POST", "/search", "searchForIssuesUsingJqlPost")
def search(c: Context) -> Response:
    """Data Center's search with offsets and a total; gone from Cloud.

    With ``validateQuery=false`` fields and values that are not there find nothing, and the answer
    says so in ``warningMessages``.
    """
    if c.cloud:
        raise JiraError(410, REMOVED)
    asked = _Asked(c)
    warnings: list[str] | None = None if asked.strict else []
    found = _find(c, asked.jql or "", bounded=False, warnings=warnings).rows
    start = max(0, asked.start or 0)
    size = c.page_size(asked.size, 50, 1000)
    fields = wanted_fields(c, asked.fields, "*navigable")
    issues = [_issue(c, row, fields, asked) for row in found[start : start + size]]
    answer = {
        "expand": "schema,names",
        **_legend(c, fields, asked),
        "startAt": start,
        "maxResults": size,
        "total": len(found),
        "issues": issues,
    }
    return reply({**answer, "warningMessages": warnings} if warnings else answer)


@operation("POST", "/search/approximate-count", "countIssues")
def count(c: Context) -> Response:
    """How many issues a query finds."""
    jql = c.body().get("jql")
    if jql is not None and not isinstance(jql, str):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return reply({"count": len(_find(c, jql or "", bounded=True).rows)})
