"""Profile mappings: which attribute of one profile fills which of another."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin

from . import errors, seeds
from .base import body_object
from .custom import custom_attributes
from .fields import INVALID, checked
from .resource import Resource, link, put_thing, rows_of
from .users import PROFILE_NAMES

__all__ = ["RESOURCES"]

_USER: Final = {"id": seeds.USER_TYPE, "name": "user", "type": "user"}


class Mappings(Resource):
    """``/api/v1/mappings``: two for every application, between its users and Okta's."""

    name = "mappings"
    kind = "ProfileMapping"
    path = "/api/v1/mappings/{mappingId}"
    prefix = "prm"
    verbs: ClassVar[str] = "list get update"
    unique = ""
    page_size = 20

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Applications bring theirs along, and take them with them."""
        known = rows_of(twin, self.name)
        apps = {row["id"]: row for row in rows_of(twin, "apps")}
        have = {row["hidden"]["app"] for row in known}
        for key, app in apps.items():
            if key not in have:
                _make(twin, app)
        for row in known:
            if row["hidden"]["app"] not in apps and row["hidden"]["app"]:
                self.remove(twin, row)
        return rows_of(twin, self.name)

    def find(self, call: Call) -> Row:
        """By id."""
        self.rows(call.twin)
        return super().find(call)

    def selected(self, call: Call, rows: Any) -> Any:
        """``sourceId`` and ``targetId``."""
        query = call.request.query
        return [
            row
            for row in rows
            if query.get("sourceId") in (None, row["fields"]["source"]["id"])
            and query.get("targetId") in (None, row["fields"]["target"]["id"])
        ]

    def do_list(self, call: Call) -> Response:
        """Without their properties."""
        answer = super().do_list(call)
        rows = answer.data()
        for row in rows:
            del row["properties"]
        return Response.json(rows, 200, [h for h in answer.headers if h[0] == "link"])

    def do_update(self, call: Call) -> Response:
        """Properties come, change and go (``null``); they have to be attributes of the target."""
        row = self.find(call)
        given = checked(call, body_object(call), "properties:dict!")["properties"]
        properties = dict(row["fields"]["properties"])
        for name, value in given.items():
            if value is None:
                properties.pop(name, None)
                continue
            if not isinstance(value, dict):
                raise errors.invalid(call, "updateMapping", f"{name}: {INVALID}")
            if name not in _attributes(call.twin, row):
                raise errors.invalid(call, "updateMapping", f"Invalid target field {name[:80]}")
            kept = {**properties.get(name, {}), **value}
            kept = checked(call, kept, "expression:str! pushStatus:PUSH|DONT_PUSH=DONT_PUSH")
            properties[name] = kept
        row = self.put(call, row, fields={**row["fields"], "properties": properties})
        return Response.json(self.shown(call, row))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Both sides with their schemas."""
        fields = row["fields"]
        sides = {}
        for side in ("source", "target"):
            one = fields[side]
            if one["type"] == "appuser":
                href = link(call, f"apps/{one['id']}")
                schema = link(call, f"meta/schemas/apps/{one['id']}/default")
            else:
                href = link(call, f"meta/types/user/{one['id']}")
                schema = link(call, f"meta/schemas/user/osc{one['id'][3:]}")
            sides[side] = {**one, "_links": {"self": {"href": href}, "schema": {"href": schema}}}
        return {
            "id": row["id"],
            **sides,
            "properties": fields["properties"],
            "_links": {"self": {"href": self.href(call, row)}},
        }


def _make(twin: Twin, app: Row) -> None:
    appuser = {"id": app["id"], "name": app["fields"]["name"], "type": "appuser"}
    names = {"email": "appuser.userName"}
    ways = [
        (
            appuser,
            _USER,
            {k: {"expression": v, "pushStatus": "DONT_PUSH"} for k, v in names.items()},
        ),
        (_USER, appuser, {"userName": {"expression": "user.login", "pushStatus": "DONT_PUSH"}}),
    ]
    for source, target, properties in ways:
        fields = {"source": source, "target": target, "properties": properties}
        put_thing(twin, "mappings", "prm", fields, hidden={"app": app["id"]})


def _attributes(twin: Twin, row: Row) -> set[str]:
    target = row["fields"]["target"]
    if target["type"] == "user":
        return {*PROFILE_NAMES, *custom_attributes(twin, "user", f"osc{target['id'][3:]}")}
    return {"userName", *custom_attributes(twin, "app", target["id"])}


RESOURCES: Final = (Mappings(),)
