"""Entity properties: JSON that integrations keep beside issues, projects, users, boards, …"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from factory_tui.universe import BadBodyError, Response

from .context import Context, empty, operation, reply
from .errors import JiraError
from .needs import need_write
from .telling import property_event

__all__ = ["MAX_VALUE", "Owner", "drop_properties", "property_value", "register", "set_property"]

MAX_VALUE: Final = 32_768
MAX_KEY: Final = 255


class Owner(NamedTuple):
    """Whose properties a call is about.

    Attributes:
        entity: ``issue/10000``.
        address: Where the properties are, for links, with a slash at the end.
    """

    entity: str
    address: str


def property_value(c: Context) -> Any:
    """The JSON that was sent as a value. Raises 400."""
    try:
        value: Any = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, "The property value is not valid JSON.") from error
    if value is None and not c.call.request.body:
        raise JiraError(400, "The property value is not valid JSON.")
    return value


def set_property(c: Context, entity: str, key: str, value: Any) -> bool:
    """Store a value; whether there was one before. Raises 400 for one that is too long."""
    if len(key) > MAX_KEY:
        raise JiraError(400, f"The property key exceeds {MAX_KEY} characters.")
    if len(orjson.dumps(value)) > MAX_VALUE:
        raise JiraError(400, f"The property value exceeds {MAX_VALUE} characters.")
    known = (entity, key) in c["properties"]
    c["properties"].put((entity, key), {"entity": entity, "key": key, "value": value})
    return known


def drop_properties(c: Context, entity: str) -> None:
    """Forget everything kept beside an entity that goes."""
    for key in c["properties"].find("entity", entity):
        c["properties"].delete(key)


def register(
    path: str,
    names: tuple[str, str, str, str],
    owner: Callable[[Context, bool], Owner],
    shape: Callable[[Context, str], str] | None = None,
    told: Callable[[Context, str, str, Any], None] | None = None,
) -> None:
    """Make the four operations of an entity's properties.

    Args:
        path: Up to ``/properties``.
        names: Of the operations: keys, get, set, delete.
        owner: Finds the entity and checks the caller; the flag says "to change it".
        shape: The link of a key, where it is not the address and the key.
        told: Called after a change with ``set`` or ``deleted``, the key and the value.
    """

    @operation("GET", path, names[0])
    def keys(c: Context) -> Response:
        """The keys of an entity's properties."""
        found = owner(c, False)
        table = c["properties"]
        known = sorted(str(table[key]["key"]) for key in table.find("entity", found.entity))
        link = shape or (lambda _c, key: found.address + key)
        return reply({"keys": [{"self": link(c, key), "key": key} for key in known]})

    @operation("GET", f"{path}/{{propertyKey}}", names[1])
    def get(c: Context) -> Response:
        """A property."""
        row = c["properties"].get((owner(c, False).entity, c.param("propertyKey")))
        if row is None:
            raise _missing(c)
        return reply({"key": row["key"], "value": row["value"]})

    @operation("PUT", f"{path}/{{propertyKey}}", names[2])
    def put(c: Context) -> Response:
        """Set a property: 201 for a new one, 200 for another value."""
        found = owner(c, True)
        value = property_value(c)
        known = set_property(c, found.entity, c.param("propertyKey"), value)
        if told is not None:
            told(c, "set", c.param("propertyKey"), value)
        return empty(200 if known else 201)

    @operation("DELETE", f"{path}/{{propertyKey}}", names[3])
    def delete(c: Context) -> Response:
        """Remove a property."""
        if not c["properties"].delete((owner(c, True).entity, c.param("propertyKey"))):
            raise _missing(c)
        if told is not None:
            told(c, "deleted", c.param("propertyKey"), None)
        return empty()


def _missing(c: Context) -> JiraError:
    return JiraError(404, f"The property with key '{c.param('propertyKey')}' does not exist.")


def _issue(c: Context, change: bool) -> Owner:
    issue = c.issue(c.param("issueIdOrKey"))
    if change:
        need_write(c, issue)
    return Owner(f"issue/{issue['id']}", f"{c.api}/issue/{issue['key']}/properties/")


register(
    "/issue/{issueIdOrKey}/properties",
    ("getIssuePropertyKeys", "getIssueProperty", "setIssueProperty", "deleteIssueProperty"),
    _issue,
    told=lambda c, what, key, value: property_event(
        c, what, c.issue(c.param("issueIdOrKey")), key, value
    ),
)
