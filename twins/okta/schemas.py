"""User types, and the definitions of links between users."""

from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors, seeds
from .base import body_object, now

__all__ = ["Schemas"]

_TYPES: Final = "/api/v1/meta/types/user"
_TYPE: Final = _TYPES + "/{typeId}"
_LINKED: Final = "/api/v1/meta/schemas/user/linkedObjects"
_BLANK: Final = "The field cannot be left blank"


class Schemas:
    """Operations on ``/api/v1/meta/types/user`` and ``…/schemas/user/linkedObjects``."""

    @route("GET", _TYPES, "listUserTypes")
    def list_types(self, call: Call) -> Response:
        """All of them."""
        return Response.json([_type(call, row) for row in call.twin["types"].rows()])

    @route("POST", _TYPES, "createUserType")
    def create_type(self, call: Call) -> Response:
        """Answers 200 with the type."""
        body = body_object(call)
        name, title = _text(call, body, "name"), _text(call, body, "displayName")
        if any(row["name"] == name for row in call.twin["types"].rows()):
            sentence = "An object with this field already exists in the current organization"
            raise errors.invalid(call, "name", f"name: {sentence}")
        key = seeds.new_id(call.twin.ids.mint, "oty")
        row = seeds.type_row(key, now(call), _caller(call), name, title)
        row["description"] = _optional(call, body, "description")
        call.twin["types"].put(key, row)
        return Response.json(_type(call, row))

    @route("GET", _TYPE, "getUserType")
    def get_type(self, call: Call) -> Response:
        """By id, or ``default``."""
        return Response.json(_type(call, _find_type(call)))

    @route("POST", _TYPE, "updateUserType")
    @route("PUT", _TYPE, "replaceUserType")
    def change_type(self, call: Call) -> Response:
        """Display name and description; the name stays what it is."""
        row = _find_type(call)
        body = body_object(call)
        changed = {**row, "lastUpdated": now(call), "lastUpdatedBy": _caller(call)}
        if call.request.method == "PUT":
            if _text(call, body, "name") != row["name"]:
                raise errors.invalid(call, "name", "name: The field cannot be changed")
            changed["description"] = None
            _text(call, body, "displayName")
        if "displayName" in body:
            changed["displayName"] = _text(call, body, "displayName")
        if "description" in body:
            changed["description"] = _optional(call, body, "description")
        call.twin["types"].put(row["id"], changed)
        return Response.json(_type(call, changed))

    @route("DELETE", _TYPE, "deleteUserType")
    def delete_type(self, call: Call) -> Response:
        """204; refused for the default type and for one that users have."""
        row = _find_type(call)
        used = any(user["type"] == row["id"] for user in call.twin["users"].rows())
        if row["default"] or used:
            raise errors.invalid(call, "id", "The user type is in use and cannot be deleted")
        call.twin["types"].delete(row["id"])
        return Response(204)

    @route("GET", _LINKED, "listLinkedObjectDefinitions")
    def list_linked(self, call: Call) -> Response:
        """All definitions."""
        return Response.json([_linked(call, row) for row in call.twin["linked"].rows()])

    @route("POST", _LINKED, "createLinkedObjectDefinition")
    def create_linked(self, call: Call) -> Response:
        """Answers 201."""
        body = body_object(call)
        row: Row = {}
        for side in ("primary", "associated"):
            given = body.get(side)
            if not isinstance(given, dict):
                raise errors.invalid(call, side, f"{side}: {_BLANK}")
            row[side] = {
                "name": _text(call, given, "name"),
                "title": _text(call, given, "title"),
                "description": _optional(call, given, "description"),
                "type": "USER",
            }
            if _find_linked(call, row[side]["name"]) is not None:
                sentence = "An object with this field already exists in the current organization"
                raise errors.invalid(call, "name", f"name: {sentence}")
        call.twin["linked"].put(row["primary"]["name"], row)
        return Response.json(_linked(call, row), 201)

    @route("GET", _LINKED + "/{linkedObjectName}", "getLinkedObjectDefinition")
    def get_linked(self, call: Call) -> Response:
        """By the name of either side."""
        return Response.json(_linked(call, _some_linked(call)))

    @route("DELETE", _LINKED + "/{linkedObjectName}", "deleteLinkedObjectDefinition")
    def delete_linked(self, call: Call) -> Response:
        """204."""
        call.twin["linked"].delete(_some_linked(call)["primary"]["name"])
        return Response(204)


def _caller(call: Call) -> str:
    owner = call.twin["users"].first("login", call.principal.lower())
    return str(owner["id"]) if owner is not None else ""


def _text(call: Call, body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise errors.invalid(call, name, f"{name}: {_BLANK}")
    return value


def _optional(call: Call, body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise errors.invalid(call, name, f"{name}: The field has an invalid value")
    return value


def _find_type(call: Call) -> Row:
    key = call.params["typeId"]
    row = call.twin["types"].get(seeds.USER_TYPE if key == "default" else key)
    if row is None:
        raise errors.not_found(call, key, "UserType")
    return row


def _type(call: Call, row: Row) -> dict[str, Any]:
    link = f"{call.request.base_url}/api/v1/meta"
    schema = f"{link}/schemas/user/osc{row['id'][3:]}"
    return {
        **row,
        "_links": {
            "schema": {"rel": "schema", "href": schema, "method": "GET"},
            "self": {"rel": "self", "href": f"{link}/types/user/{row['id']}", "method": "GET"},
        },
    }


def _find_linked(call: Call, name: str) -> Row | None:
    for row in call.twin["linked"].rows():
        if name in (row["primary"]["name"], row["associated"]["name"]):
            return row
    return None


def _some_linked(call: Call) -> Row:
    name = call.params["linkedObjectName"]
    row = _find_linked(call, name)
    if row is None:
        raise errors.not_found(call, name, "LinkedObjectProperty")
    return row


def _linked(call: Call, row: Row) -> dict[str, Any]:
    href = f"{call.request.base_url}{_LINKED}/{row['primary']['name']}"
    return {**row, "_links": {"self": {"href": href}}}
