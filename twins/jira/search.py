"""search: JQL over HTTP, with Cloud's token pages or Data Center's offsets."""

import base64
import binascii
from hashlib import blake2b
from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .expanding import expand_issue, properties_of
from .fields import field_shape, fields_of
from .jql import JqlError
from .jql import parse as parse_jql
from .query import run
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
            self.start = _number(body, "startAt")
            self.size = _number(body, "maxResults")
        else:
            self.jql = c.call.request.query.get("jql")
            self.fields = c.query_list("fields")
            self.expand = c.query_list("expand")
            self.properties = c.query_list("properties")
            self.reconcile = c.query_list("reconcileIssues")
            self.token = c.query("nextPageToken") or None
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


def _find(c: Context, jql: str, *, bounded: bool) -> list[Row]:
    try:
        if bounded and len(parse_jql(jql).order) > MAX_ORDER:
            raise JqlError(f"The ORDER BY clause can contain at most {MAX_ORDER} fields.")
        return run(c, jql, bounded=bounded)
    except JqlError as error:
        raise JiraError(400, *error.messages) from error


@operation("GET", "/search/jql", "searchAndReconsileIssuesUsingJql")
@operation("POST", "/search/jql", "searchAndReconsileIssuesUsingJqlPost")
def search_jql(c: Context) -> Response:
    """A page of issues and the token of the next; ids only unless fields are asked for."""
    if not c.cloud:
        raise JiraError(404, "null for uri: " + c.call.request.path)
    asked = _Asked(c)
    jql = asked.jql or ""
    found = _find(c, jql, bounded=True)
    if len(asked.reconcile) > MAX_RECONCILE:
        raise JiraError(400, f"The reconcileIssues can contain at most {MAX_RECONCILE} ids.")
    if len(asked.properties) > MAX_PROPERTIES:
        raise JiraError(400, f"At most {MAX_PROPERTIES} properties can be asked for.")
    start = _from_token(asked.token, jql) if asked.token is not None else 0
    largest = 5000 if not asked.fields or set(asked.fields) <= {"id", "key"} else 100
    size = c.twin.page_size(asked.size or None, 50, largest)
    page = found[start : start + size]
    last = start + size >= len(found)
    names = wanted_fields(c, asked.fields, "") if asked.fields else []
    if asked.fields and asked.fields != ["id"]:
        issues = [_issue(c, row, names, asked) for row in page]
    else:
        issues = [{"id": row["id"]} for row in page]
    answer: dict[str, Any] = {"issues": issues, **_legend(c, names, asked)}
    if not last:
        answer["nextPageToken"] = _token(start + size, jql)
    return reply({**answer, "isLast": last})


def _digest(jql: str) -> str:
    return blake2b(jql.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _token(start: int, jql: str) -> str:
    """An opaque token, good for this query only."""
    return base64.urlsafe_b64encode(f"{_digest(jql)}:{start}".encode()).decode().rstrip("=")


def _from_token(token: Any, jql: str) -> int:
    try:
        padded = str(token) + "=" * (-len(str(token)) % 4)
        digest, _, start = base64.urlsafe_b64decode(padded).decode().partition(":")
        if digest != _digest(jql) or not start.isdecimal() or len(start) > 9:
            raise ValueError(token)
        return int(start)
    except (binascii.Error, UnicodeDecodeError, UnicodeEncodeError, ValueError) as error:
        raise JiraError(400, "The provided next page token is invalid or expired.") from error


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
    asked = _Asked(c)
    jql = asked.jql or ""
    found = _find(c, jql, bounded=True)
    start = _from_token(asked.token, jql) if asked.token is not None else 0
    size = c.twin.page_size(asked.size or None, 1000, 1000)
    page = [int(row["id"]) for row in found[start : start + size]]
    answer: dict[str, Any] = {"issueIds": page}
    if start + size < len(found):
        answer["nextPageToken"] = _token(start + size, jql)
    return reply(answer)


@operation("GET", "/search", "searchForIssuesUsingJql")
@operation("POST", "/search", "searchForIssuesUsingJqlPost")
def search(c: Context) -> Response:
    """Data Center's search with offsets and a total; gone from Cloud."""
    if c.cloud:
        raise JiraError(410, REMOVED)
    asked = _Asked(c)
    found = _find(c, asked.jql or "", bounded=False)
    start = max(0, asked.start or 0)
    size = 0 if asked.size == 0 else c.twin.page_size(asked.size, 50, 1000)
    fields = wanted_fields(c, asked.fields, "*navigable")
    issues = [_issue(c, row, fields, asked) for row in found[start : start + size]]
    return reply(
        {
            "expand": "schema,names",
            **_legend(c, fields, asked),
            "startAt": start,
            "maxResults": size,
            "total": len(found),
            "issues": issues,
        }
    )


@operation("POST", "/search/approximate-count", "countIssues")
def count(c: Context) -> Response:
    """How many issues a query finds."""
    jql = c.body().get("jql")
    if jql is not None and not isinstance(jql, str):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return reply({"count": len(_find(c, jql or "", bounded=True))})
