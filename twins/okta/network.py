"""Network zones, trusted origins, behaviours, log streams and threat insight."""

import ipaddress
import re
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object
from .fields import BLANK, INVALID, checked
from .resource import Resource, caller, hinted, link

__all__ = ["RESOURCES", "ZONES"]

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.\-]*://[^\s/?#]+/?", re.IGNORECASE)


def _spaced(stamp: str) -> str:
    """A time as some old parts of Okta write it: ``2021-06-14 14:45:46``."""
    return stamp[:19].replace("T", " ")


class Zones(Resource):
    """``/api/v1/zones``."""

    name = "zones"
    page_size = 20
    kind = "NetworkZone"
    path = "/api/v1/zones/{zoneId}"
    prefix = "nzo"
    filters = ("id", "usage", "system", "name")
    event = "zone"
    fields: ClassVar[str] = (
        "type:IP|DYNAMIC|DYNAMIC_V2! name:str(128)! usage:POLICY|BLOCKLIST=POLICY gateways:list?"
        " proxies:list? asns:any locations:any proxyType:str status:ACTIVE|INACTIVE"
        " ipServiceCategories:dict"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Addresses that are some; an IP zone has at least one."""
        kept = checked(call, body, self.fields)
        kept.pop("status", None)
        for name in ("gateways", "proxies"):
            for entry in kept[name] or []:
                if not isinstance(entry, dict) or not _is_address(entry):
                    raise errors.invalid(call, name, f"{name}: {INVALID}")
        wanted = dict if kept["type"] == "DYNAMIC_V2" else list
        for name in ("asns", "locations"):
            if name in kept and not kept[name]:
                del kept[name]
            elif name in kept and not isinstance(kept[name], wanted):
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        kept["system"] = bool(before and before["fields"]["system"])
        if kept["type"] == "IP":
            if not kept["system"] and not kept["gateways"] and not kept["proxies"]:
                raise errors.invalid(call, "gateways", f"gateways: {BLANK}")
        else:
            del kept["gateways"], kept["proxies"]
        return kept

    def do_delete(self, call: Call) -> Response:
        """204; an active zone has to be deactivated first."""
        row = self.find(call)
        if row["status"] == "ACTIVE" and not row["fields"]["system"]:
            rest = "is an active zone. Active zones cannot be deleted."
            summary = f"Api validation failed: The zone: {row['fields']['name']} {rest}"
            cause = f"id: The zone: {row['id']} {rest}"
            raise errors.refuse(call, 400, "E0000001", summary, cause)
        return super().do_delete(call)

    def deleting(self, call: Call, row: Row) -> None:
        """Not those that came with the organisation."""
        if row["fields"]["system"]:
            raise errors.forbidden(call)


def _is_address(entry: dict[str, Any]) -> bool:
    value = entry.get("value")
    if entry.get("type") not in ("CIDR", "RANGE") or not isinstance(value, str):
        return False
    try:
        if entry["type"] == "CIDR":
            ipaddress.ip_network(value, strict=False)
        else:
            first, _, last = value.partition("-")
            ipaddress.ip_address(first)
            ipaddress.ip_address(last or first)
    except ValueError:
        return False
    return True


class TrustedOrigins(Resource):
    """``/api/v1/trustedOrigins``."""

    name = "origins"
    page_size = 20
    kind = "TrustedOrigin"
    sought = "name origin"
    path = "/api/v1/trustedOrigins/{trustedOriginId}"
    prefix = "tos"
    stamps = "created createdBy lastUpdated lastUpdatedBy"
    filters = ("id", "name", "origin", "status", "created", "createdBy", "lastUpdated")
    fields = "name:str(255)! origin:str(255)! scopes:list!"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """An origin, and what it may do: CORS, redirects, iframes."""
        kept = checked(call, body, self.fields)
        if not _ORIGIN.fullmatch(kept["origin"]):
            raise errors.invalid(call, "origin", "origin: Invalid origin")
        for scope in kept["scopes"]:
            kind = scope.get("type") if isinstance(scope, dict) else None
            if kind not in ("CORS", "REDIRECT", "IFRAME_EMBED"):
                raise errors.invalid(call, "scopes", f"scopes: {INVALID}")
        if not kept["scopes"]:
            raise errors.invalid(call, "scopes", f"scopes: {BLANK}")
        for row in self.rows(call.twin):
            same = row["fields"]["origin"] == kept["origin"]
            if same and (before is None or row["id"] != before["id"]):
                sentence = "origin: Trusted Origin with this URL already exists"
                raise errors.invalid(call, "origin", sentence)
        return kept


_BEHAVIOURS: Final[dict[str, dict[str, Any]]] = {
    "VELOCITY": {"velocityKph": 805},
    "ANOMALOUS_LOCATION": {
        "minEventsNeededForEvaluation": 0,
        "maxEventsUsedForEvaluation": 20,
        "granularity": "CITY",
    },
    "ANOMALOUS_IP": {"minEventsNeededForEvaluation": 0, "maxEventsUsedForEvaluation": 50},
    "ANOMALOUS_DEVICE": {"minEventsNeededForEvaluation": 0, "maxEventsUsedForEvaluation": 20},
    "ANOMALOUS_ASN": {"minEventsNeededForEvaluation": 0, "maxEventsUsedForEvaluation": 20},
}


class Behaviours(Resource):
    """``/api/v1/behaviors``. A new one is active, whatever status was sent."""

    name = "behaviours"
    page_size = 10
    kind = "BehaviorSettings"
    path = "/api/v1/behaviors/{behaviorId}"
    prefix = "bhv"
    fields = f"name:str(128)! type:{'|'.join(_BEHAVIOURS)}! settings:dict={{}}"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Numbers in the settings are positive."""
        kept = checked(call, body, self.fields)
        if len(kept["name"]) > 128:
            raise errors.invalid(call, "name", "name: The field is too long")
        settings = {**_BEHAVIOURS[kept["type"]], **kept["settings"]}
        for name, value in settings.items():
            if isinstance(value, int | float) and value < 0:
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        kept["settings"] = settings
        return kept

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Times in a form of their own."""
        shown = super().shown(call, row)
        for stamp in ("created", "lastUpdated"):
            shown[stamp] = _spaced(row[stamp]) + ".0"
        return shown


class LogStreams(Resource):
    """``/api/v1/logStreams``."""

    name = "streams"
    page_size = 20
    kind = "AppInstance"
    path = "/api/v1/logStreams/{logStreamId}"
    prefix = "0oa"
    inactive_first = "An active log stream cannot be deleted"
    filters = ("type",)
    fields = "type:aws_eventbridge|splunk_cloud_logstreaming! name:str! settings:dict!"
    event = "system.log_stream.lifecycle"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Where to: an AWS account and region, or a Splunk host with a token."""
        kept = checked(call, body, self.fields)
        if before is not None and kept["type"] != before["fields"]["type"]:
            raise errors.invalid(call, "type", "type: The field cannot be changed")
        if kept["type"] == "aws_eventbridge":
            wanted = "accountId:str! eventSourceName:str! region:str!"
        else:
            wanted = "edition:aws|aws_govcloud|gcp=aws host:str! token:str"
        settings = checked(call, kept["settings"], wanted)
        if "accountId" in settings and not re.fullmatch(r"\d{12}", settings["accountId"]):
            raise errors.invalid(call, "accountId", f"accountId: {INVALID}")
        settings.pop("token", None)
        kept["settings"] = settings
        return kept

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """With a method each."""
        href = self.href(call, row)
        turn = "deactivate" if row["status"] == "ACTIVE" else "activate"
        return {
            "self": {"href": href, "method": "GET"},
            turn: {"href": f"{href}/lifecycle/{turn}", "method": "POST"},
        }

    turned = "blank"


class ThreatInsight(Resource):
    """``/api/v1/threats/configuration``: one object."""

    name = "threats"
    kind = "ThreatInsightConfiguration"
    path = "/api/v1/threats/configuration"
    verbs = ""

    @route("GET", "/api/v1/threats/configuration", "")
    def get(self, call: Call) -> Response:
        """What to do about suspicious addresses."""
        return self._answer(call, self._row(call))

    @route("POST", "/api/v1/threats/configuration", "")
    def update(self, call: Call) -> Response:
        """The action, and the zones it leaves alone."""
        row = self._row(call)
        kept = checked(call, body_object(call), "action:none|audit|block! excludeZones:list=[]")
        for key in kept["excludeZones"]:
            if not isinstance(key, str) or ("zones", key) not in call.twin["things"]:
                raise errors.not_found(call, str(key)[:60], "NetworkZone")
        return self._answer(call, self.put(call, row, fields=kept))

    def _row(self, call: Call) -> Row:
        row = call.twin["things"].get((self.name, "threats"))
        if row is None:
            fields: Row = {"action": "none", "excludeZones": []}
            row = self.put_new(call.twin, fields, id="threats", by=caller(call))
        return row

    def _answer(self, call: Call, row: Row) -> Response:
        stamps = {name: _spaced(row[name]) for name in ("created", "lastUpdated")}
        links = {"self": hinted(link(call, "threats/configuration"), "GET", "POST")}
        return Response.json({**row["fields"], **stamps, "_links": links})


ZONES = Zones()
RESOURCES: Final = (ZONES, TrustedOrigins(), Behaviours(), LogStreams(), ThreatInsight())
