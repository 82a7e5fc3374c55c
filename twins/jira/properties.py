"""Entity properties of issues: JSON that integrations keep beside an issue."""

from typing import Any

import orjson

from factory_tui.universe import BadBodyError, Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .issues import need_write

MAX_VALUE = 32_768
MAX_KEY = 255


def _entity(c: Context) -> tuple[Row, str]:
    issue = c.issue(c.param("issueIdOrKey"))
    return issue, f"issue/{issue['id']}"


@operation("GET", "/issue/{issueIdOrKey}/properties", "getIssuePropertyKeys")
def keys(c: Context) -> Response:
    """The keys of an issue's properties."""
    issue, entity = _entity(c)
    table = c["properties"]
    found = sorted(str(table[key]["key"]) for key in table.find("entity", entity))
    address = f"{c.api}/issue/{issue['key']}/properties/"
    return reply({"keys": [{"self": address + key, "key": key} for key in found]})


@operation("GET", "/issue/{issueIdOrKey}/properties/{propertyKey}", "getIssueProperty")
def get(c: Context) -> Response:
    """A property."""
    _, entity = _entity(c)
    row = c["properties"].get((entity, c.param("propertyKey")))
    if row is None:
        raise JiraError(404, f"The property with key '{c.param('propertyKey')}' does not exist.")
    return reply({"key": row["key"], "value": row["value"]})


@operation("PUT", "/issue/{issueIdOrKey}/properties/{propertyKey}", "setIssueProperty")
def put(c: Context) -> Response:
    """Set a property: 201 for a new one, 200 for another value."""
    issue, entity = _entity(c)
    need_write(c, issue)
    key = c.param("propertyKey")
    try:
        value: Any = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, "The property value is not valid JSON.") from error
    if value is None and not c.call.request.body:
        raise JiraError(400, "The property value is not valid JSON.")
    if len(key) > MAX_KEY:
        raise JiraError(400, f"The property key exceeds {MAX_KEY} characters.")
    if len(orjson.dumps(value)) > MAX_VALUE:
        raise JiraError(400, f"The property value exceeds {MAX_VALUE} characters.")
    known = (entity, key) in c["properties"]
    c["properties"].put((entity, key), {"entity": entity, "key": key, "value": value})
    return empty(200 if known else 201)


@operation("DELETE", "/issue/{issueIdOrKey}/properties/{propertyKey}", "deleteIssueProperty")
def delete(c: Context) -> Response:
    """Remove a property."""
    issue, entity = _entity(c)
    need_write(c, issue)
    if not c["properties"].delete((entity, c.param("propertyKey"))):
        raise JiraError(404, f"The property with key '{c.param('propertyKey')}' does not exist.")
    return empty()
