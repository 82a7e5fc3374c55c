"""What Okta asks of other systems: agents of directories, devices' managers, the schemas of log
streams, and moves of users between realms."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import changes, errors
from .apps import APPS
from .base import body_object, listed, now, page
from .fields import BLANK, INVALID, checked
from .groups import find_group
from .resource import Resource, hinted, link, put_thing, rows_of

__all__ = ["RESOURCES"]

_DIRECTORY: Final = "/api/v1/directories/{appInstanceId}/groups"
_QUERY: Final = _DIRECTORY + "/{groupId}/query"
_INTEGRATION: Final = "/api/v1/device-integrations/{deviceIntegrationId}"
_INTEGRATIONS: Final = (
    ("com.android.zero.trust", "Android Device Trust", "ANDROID"),
    ("com.google.dtc", "Chrome Device Trust", "CHROMEOS"),
    ("com.okta.device.osquery", "Device Posture Provider", "MACOS"),
    ("com.okta.windowssecuritycenter", "Windows Security Center", "WINDOWS"),
    ("com.crowdstrike.zta", "CrowdStrike", "WINDOWS"),
)


class Directories(Resource):
    """``/api/v1/directories``: groups as an agent sees them. Agents come by ``add_agent_pools``."""

    name = "directory_queries"
    kind = "GroupQuery"
    path = _QUERY + "/{resultId}"
    prefix = "dgq"
    verbs: ClassVar[str] = ""

    def _directory(self, call: Call) -> None:
        """404 for no directory; 502 for one whose agents nobody has installed."""
        key = call.params["appInstanceId"]
        if ("pools", key) in call.twin["things"]:
            return
        APPS.by_key(call, key)
        sentence = "No connected agents were found."
        raise errors.refuse(call, 502, "E0000237", sentence)

    @route("POST", _DIRECTORY + "/modify", "")
    def modify(self, call: Call) -> Response:
        """200 without a body; who is added or removed is, in Okta too."""
        self._directory(call)
        body = checked(call, body_object(call), "id:str! parameters:dict!")
        group = find_group(call, body["id"])
        words = "action:ADD|REMOVE! attribute:str! values:list!"
        asked = checked(call, body["parameters"], words)
        if asked["attribute"] != "member":
            raise errors.invalid(call, "attribute", f"attribute: {INVALID}")
        for key in asked["values"]:
            if not isinstance(key, str) or key not in call.twin["users"]:
                raise errors.not_found(call, str(key)[:60], "User")
        change = changes.join if asked["action"] == "ADD" else changes.leave
        for key in asked["values"]:
            change(call, group["id"], key)
        return Response(200)

    @route("POST", _QUERY, "")
    def query(self, call: Call) -> Response:
        """202; the answer is there when somebody asks."""
        self._directory(call)
        group = find_group(call, call.params["groupId"])
        names = checked(call, body_object(call), "attributes:list!")["attributes"]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise errors.invalid(call, "attributes", f"attributes: {BLANK}")
        row = self.put_new(call.twin, {"attributes": names}, group["id"])
        return Response.json({"resultId": row["id"]}, 202)

    @route("GET", path, "")
    def get_result(self, call: Call) -> Response:
        """The attributes that Okta knows of the group."""
        self._directory(call)
        group = find_group(call, call.params["groupId"])
        row = self.by_key(call, call.params["resultId"], group["id"])
        profile = {name: group["profile"].get(name) for name in row["fields"]["attributes"]}
        return Response.json({"id": group["id"], "profile": profile})


class DeviceIntegrations(Resource):
    """``/api/v1/device-integrations``: there are as many as Okta has."""

    name = "device_integrations"
    kind = "DeviceIntegration"
    path = _INTEGRATION
    prefix = "dvi"
    verbs = "list get activate deactivate"
    unique = ""
    stamps = ""

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """All of them, off at first."""
        if not rows_of(twin, self.name):
            for name, title, platform in _INTEGRATIONS:
                fields = {"name": name, "displayName": title, "platform": platform}
                put_thing(twin, self.name, self.prefix, fields, status="DEACTIVATED")
        return rows_of(twin, self.name)

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """By id."""
        self.rows(call.twin)
        return super().by_key(call, key, owner)

    def do_deactivate(self, call: Call) -> Response:
        """DEACTIVATED."""
        return self._turn(call, "DEACTIVATED")


_SCHEMAS: Final[dict[str, tuple[str, Row, list[str]]]] = {
    "aws_eventbridge": (
        "AWS EventBridge",
        {
            "accountId": {"title": "AWS Account ID", "type": "string", "pattern": r"^\d{12}$"},
            "eventSourceName": {
                "title": "AWS Event Source Name",
                "type": "string",
                "pattern": r"^[\.\-_A-Za-z0-9]{1,75}$",
            },
            "region": {"title": "AWS Region", "type": "string"},
        },
        ["eventSourceName", "accountId", "region"],
    ),
    "splunk_cloud_logstreaming": (
        "Splunk Cloud",
        {
            "host": {"title": "Host", "type": "string", "pattern": r"^[a-zA-Z0-9.-]+$"},
            "token": {"title": "HEC Token", "type": "string", "writeOnly": True},
            "edition": {"title": "Splunk Cloud Edition", "type": "string"},
        },
        ["edition", "host", "token"],
    ),
}


class LogStreamSchemas(Resource):
    """``/api/v1/meta/schemas/logStream``."""

    name = "log_stream_schemas"
    kind = "LogStreamSchema"
    path = "/api/v1/meta/schemas/logStream/{logStreamType}"
    verbs = ""

    @route("GET", "/api/v1/meta/schemas/logStream", "")
    def list_schemas(self, call: Call) -> Response:
        """One for each type."""
        return Response.json([self._shown(call, name) for name in _SCHEMAS])

    @route("GET", path, "")
    def get_schema(self, call: Call) -> Response:
        """By type."""
        name = call.params["logStreamType"]
        if name not in _SCHEMAS:
            raise errors.not_found(call, name, self.kind)
        return Response.json(self._shown(call, name))

    def _shown(self, call: Call, name: str) -> dict[str, Any]:
        title, properties, required = _SCHEMAS[name]
        href = link(call, f"meta/schemas/logStream/{name}")
        settings = {
            "title": "Configuration",
            "type": "object",
            "properties": properties,
            "required": required,
        }
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "id": href,
            "title": title,
            "type": "object",
            "properties": {
                "settings": settings,
                "name": {"title": "Name", "type": "string"},
            },
            "required": ["name", "settings"],
            "errorMessage": {"properties": {}},
            "_links": {"self": hinted(href, "GET")},
        }


class RealmOperations(Resource):
    """``/api/v1/realm-assignments/operations``. Users are in no realm, so nobody is moved."""

    name = "realm_operations"
    kind = "RealmAssignmentOperation"
    path = "/api/v1/realm-assignments/operations/{operationId}"
    prefix = "rre"
    verbs = ""

    @route("GET", "/api/v1/realm-assignments/operations", "")
    def list_operations(self, call: Call) -> Response:
        """The latest first, in pages."""
        rows, links = page(call, reversed(self.rows(call.twin)), 200, 200, by_offset=True)
        return listed([self._shown(call, row) for row in rows], links)

    @route("POST", "/api/v1/realm-assignments/operations", "")
    def execute(self, call: Call) -> Response:
        """201; an assignment that is active."""
        key = checked(call, body_object(call), "assignmentId:str!")["assignmentId"]
        assignment = call.twin["things"].get(("realm_assignments", key))
        if assignment is None:
            raise errors.not_found(call, key, "RealmAssignment")
        if assignment["status"] != "ACTIVE":
            sentence = "Only an active realm assignment can be executed."
            raise errors.invalid(call, "assignmentId", sentence)
        fields = assignment["fields"]
        asked = {
            "id": key,
            "name": fields["name"],
            "conditions": fields["conditions"],
            "actions": fields["actions"],
        }
        row = self.put_new(call.twin, {"configuration": asked, "done": now(call)})
        return Response.json(self._shown(call, row), 201)

    def _shown(self, call: Call, row: Row) -> dict[str, Any]:
        asked = row["fields"]["configuration"]
        wanted = asked["actions"].get("assignUserToRealm")
        realm = wanted.get("realmId") if isinstance(wanted, dict) else None
        known = call.twin["things"].get(("realms", str(realm)))
        href = link(call, f"realm-assignments/operations/{row['id']}")
        return {
            "id": row["id"],
            "type": "realm:assignment",
            "status": "COMPLETED",
            "created": row["created"],
            "started": row["created"],
            "completed": row["fields"]["done"],
            "assignmentOperation": {"configuration": asked},
            "numUserMoved": 0,
            "realmId": realm or "",
            "realmName": known["fields"]["profile"]["name"] if known is not None else "",
            "_links": {"self": hinted(href, "GET")},
        }


RESOURCES: Final = (Directories(), DeviceIntegrations(), LogStreamSchemas(), RealmOperations())
