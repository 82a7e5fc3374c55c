"""search: JQL over HTTP, with Cloud's token pages or Data Center's offsets."""

import base64
import binascii
from hashlib import blake2b
from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .jql import JqlError
from .query import run
from .read import issue_shape, wanted_fields

REMOVED: Final = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)


class _Asked:
    """The arguments of a search, from the query or the body."""

    def __init__(self, c: Context) -> None:
        if c.call.request.method == "POST":
            body = c.body()
            self.jql = body.get("jql")
            self.fields = _names(body.get("fields"))
            self.expand = _names(body.get("expand"))
            self.token = body.get("nextPageToken")
            self.start = _number(body, "startAt")
            self.size = _number(body, "maxResults")
        else:
            self.jql = c.call.request.query.get("jql")
            self.fields = c.query_list("fields")
            self.expand = c.query_list("expand")
            self.token = c.query("nextPageToken") or None
            self.start = c.query_number("startAt")
            self.size = c.query_number("maxResults")
        if self.jql is not None and not isinstance(self.jql, str):
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
    start = _from_token(asked.token, jql) if asked.token is not None else 0
    largest = 5000 if not asked.fields else 100
    size = c.twin.page_size(asked.size or None, 50, largest)
    page = found[start : start + size]
    last = start + size >= len(found)
    names = wanted_fields(c, asked.fields, "") if asked.fields else []
    if asked.fields and asked.fields != ["id"]:
        issues = [issue_shape(c, row, names, asked.expand) for row in page]
    else:
        issues = [{"id": row["id"]} for row in page]
    answer: dict[str, Any] = {"issues": issues}
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
    issues = [issue_shape(c, row, fields, asked.expand) for row in found[start : start + size]]
    return reply(
        {
            "expand": "schema,names",
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


@operation("POST", "/jql/parse", "parseJqlQueries")
def parse_queries(c: Context) -> Response:
    """Whether queries are right, each by itself."""
    queries = c.body().get("queries")
    if not isinstance(queries, list) or not queries or len(queries) > 100:
        raise JiraError(400, "Specify from 1 to 100 queries in 'queries'.")
    results = []
    for text in queries:
        result: dict[str, Any] = {"query": text}
        try:
            run(c, str(text), bounded=False)
        except JqlError as error:
            result["errors"] = error.messages
        results.append(result)
    return reply({"queries": results})
