"""Devices, device assurance policies, posture checks, push providers and realms."""

import re
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, op, route

from . import errors
from .fields import INVALID, checked
from .resource import Resource, hinted, put_thing
from .users import find_user, sorted_rows

__all__ = ["RESOURCES", "DeviceOps"]

_DEVICE: Final = "/api/v1/devices/{deviceId}"
_PLATFORMS: Final = "ANDROID|IOS|MACOS|WINDOWS|CHROMEOS"


class Devices(Resource):
    """``/api/v1/devices``. Nobody makes one through the API: Okta Verify enrols them."""

    name = "devices"
    kind = "UDDevice"
    path = _DEVICE
    prefix = "guo"
    verbs: ClassVar[str] = "list get delete"
    unique = ""
    filters = ("id", "status", "lastUpdated", "profile.")

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The device; ``expand=user`` embeds whose it is."""
        title = row["fields"]["profile"].get("displayName", "")
        shown = {
            "id": row["id"],
            "status": row["status"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "profile": row["fields"]["profile"],
            "resourceType": "UDDevice",
            "resourceDisplayName": {"value": title, "sensitive": False},
            "resourceId": row["id"],
            "resourceAlternateId": None,
            "_links": self.links(call, row),
        }
        if call.request.query.get("expand", "").startswith("user"):
            shown["_embedded"] = {"users": self._users(call, row)}
        return shown

    def do_get(self, call: Call) -> Response:
        """One device, and what enrolled it."""
        row = self.find(call)
        shown = self.shown(call, row)
        origin = {"id": "autoktaverify", "name": "Okta Verify", "key": "okta_verify"}
        for known in call.twin["things"].rows():
            if known["kind"] == "authenticators" and known["fields"]["key"] == "okta_verify":
                origin["id"] = known["id"]
        shown["_embedded"] = {**shown.get("_embedded", {}), "originatedFrom": [origin]}
        return Response.json(shown)

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        href = self.href(call, row)
        if row["status"] == "DEACTIVATED":
            activate = hinted(f"{href}/lifecycle/activate", "POST")
            return {"activate": activate, "self": hinted(href, "GET", "DELETE")}
        turns = {"ACTIVE": ("suspend",), "SUSPENDED": ("unsuspend",)}.get(
            row["status"], ("activate",)
        )
        return {
            **{n: hinted(f"{href}/lifecycle/{n}", "POST") for n in (*turns, "deactivate")},
            "self": hinted(href, "GET", "PATCH", "PUT"),
            "users": hinted(f"{href}/users", "GET"),
        }

    def deleting(self, call: Call, row: Row) -> None:
        """Only deactivated ones."""
        if row["status"] != "DEACTIVATED":
            sentence = "The device must be deactivated before it can be deleted"
            raise errors.invalid(call, "deviceId", sentence)

    @route("POST", _DEVICE + "/lifecycle/activate", "")
    @route("POST", _DEVICE + "/lifecycle/deactivate", "")
    @route("POST", _DEVICE + "/lifecycle/suspend", "")
    @route("POST", _DEVICE + "/lifecycle/unsuspend", "")
    def turn(self, call: Call) -> Response:
        """204; refused from a status it cannot be taken from."""
        row = self.find(call)
        sources, target = _TURNS[call.request.segments[-1] or call.request.segments[-2]]
        if row["status"] not in sources:
            sentence = f"The device is {row['status']}"
            raise errors.invalid(call, "status", f"status: {sentence}")
        hidden = {"users": []} if target == "DEACTIVATED" else row["hidden"]
        self.put(call, row, status=target, hidden={**row["hidden"], **hidden})
        return Response(204)

    @route("GET", _DEVICE + "/users", "")
    def list_users(self, call: Call) -> Response:
        """Whose it is."""
        return Response.json(self._users(call, self.find(call)))

    @route("GET", "/api/v1/users/{userId}/devices", "")
    def list_devices(self, call: Call) -> Response:
        """A user's devices."""
        user = find_user(call, call.params["userId"])
        return Response.json(
            [
                {
                    "created": row["created"],
                    "deviceUserId": f"{row['id']}-{user['id']}",
                    "device": self.shown(call, row),
                }
                for row in self.rows(call.twin)
                if user["id"] in row["hidden"]["users"]
            ]
        )

    def _users(self, call: Call, row: Row) -> list[dict[str, Any]]:
        found = []
        for key in row["hidden"]["users"]:
            user = call.twin["users"].get(key)
            if user is None:
                continue
            names = "id status created activated statusChanged lastLogin lastUpdated"
            shown = {name: user[name] for name in names.split()}
            shown |= {
                "passwordChanged": user["passwordChanged"],
                "type": {"id": user["type"]},
                "profile": user["profile"],
                "credentials": {
                    **({"password": {}} if user["password"] else {}),
                    "provider": {"type": "OKTA", "name": "OKTA"},
                },
            }
            managed: Row = {"created": row["created"], "managementStatus": "NOT_MANAGED"}
            lock = row["fields"]["profile"].get("screenLockType")
            found.append({**managed, **({"screenLockType": lock} if lock else {}), "user": shown})
        return found


_TURNS: Final = {
    "activate": (("CREATED", "DEACTIVATED", "SUSPENDED", "ACTIVE"), "ACTIVE"),
    "deactivate": (("CREATED", "ACTIVE", "SUSPENDED", "DEACTIVATED"), "DEACTIVATED"),
    "suspend": (("ACTIVE",), "SUSPENDED"),
    "unsuspend": (("SUSPENDED",), "ACTIVE"),
}


class DeviceOps:
    """What scenarios can do that the API cannot."""

    @op("add_devices")
    def add_devices(self, twin: Twin, args: Any) -> list[Row]:
        """``[{name, platform, users: [email], status?, profile?}]``. Returns id and name."""
        made = []
        for item in (
            args["add_devices"] if isinstance(args, dict) and "add_devices" in args else args
        ):
            users = [twin["users"].first("login", email.lower()) for email in item.get("users", [])]
            profile = {
                "displayName": item["name"],
                "platform": item.get("platform", "MACOS"),
                "manufacturer": "APPLE",
                "model": "MacBookPro",
                "osVersion": "14.0",
                "serialNumber": twin.ids.mint("serial", 10).upper(),
                "udid": twin.ids.mint("udid", 24).upper(),
                "registered": True,
                "secureHardwarePresent": True,
                "authenticatorAppKey": twin.ids.mint("udid", 24).upper(),
                **item.get("profile", {}),
            }
            hidden = {"users": [user["id"] for user in users if user is not None]}
            status = item.get("status", "ACTIVE")
            fields = {"profile": profile}
            row = put_thing(twin, "devices", "guo", fields, status=status, hidden=hidden)
            made.append({"id": row["id"], "name": item["name"]})
        return made


class DeviceAssurance(Resource):
    """``/api/v1/device-assurances``."""

    name = "assurances"
    kind = "DeviceAssuranceRuleManagerImpl"
    path = "/api/v1/device-assurances/{deviceAssuranceId}"
    prefix = "dae"
    verbs = "list create get replace delete"
    has_status = False
    fields = (
        f"name:str(255)! platform:{_PLATFORMS}! osVersion:dict osVersionConstraints:list"
        " jailbreak:bool diskEncryptionType:dict screenLockType:dict secureHardwarePresent:bool"
        " thirdPartySignalProviders:dict devicePostureChecks:dict gracePeriod:dict"
        " displayRemediationMode:str"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """At least one condition; the platform stays."""
        kept = checked(call, body, self.fields)
        if not set(kept) - {"name", "platform", "displayRemediationMode", "gracePeriod"}:
            sentence = "Please select at least one device condition before saving"
            raise errors.invalid(call, "deviceAssuranceMediated", sentence)
        if before is not None and kept["platform"] != before["fields"]["platform"]:
            raise errors.invalid(call, "platform", "platform: The field cannot be changed")
        version = kept.get("osVersion", {}).get("minimum")
        if version is not None and not re.fullmatch(r"\d+(\.\d+){0,4}([.\-]\S+)?", str(version)):
            raise errors.invalid(call, "osVersion", f"osVersion: {INVALID}")
        return kept

    def do_replace(self, call: Call) -> Response:
        """The answer leaves out who made it when."""
        row = self.find(call)
        kept = self.check(call, self.body(call), row)
        self._unique(call, kept, "", row["id"])
        shown = self.shown(call, self.put(call, row, fields=kept))
        return Response.json({k: v for k, v in shown.items() if not k.startswith("created")})

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With names of its own for the times."""
        title = {"value": row["fields"]["name"], "sensitive": False}
        return {
            "id": row["id"],
            **row["fields"],
            "createdDate": row["created"],
            "createdBy": row["createdBy"],
            "lastUpdate": row["lastUpdated"],
            "lastUpdatedBy": row["lastUpdatedBy"],
            "resourceType": "DeviceAssurancePolicyEntity",
            "resourceDisplayName": title,
            "resourceId": row["id"],
            "_links": self.links(call, row),
        }


class PushProviders(Resource):
    """``/api/v1/push-providers``."""

    name = "pushers"
    kind = "PushProvider"
    path = "/api/v1/push-providers/{pushProviderId}"
    prefix = "ppc"
    verbs = "list create get replace delete"
    has_status = False
    fields = "name:str! providerType:APNS|FCM! configuration:dict!"

    def selected(self, call: Call, rows: Any) -> Any:
        """``type``."""
        kind = call.request.query.get("type")
        if kind not in (None, "APNS", "FCM"):
            raise errors.invalid(call, "type", f"type: {INVALID}")
        return [row for row in rows if kind in (None, row["fields"]["providerType"])]

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Keys are taken and never shown; they may be left out when nothing about them changes."""
        kept = checked(call, body, self.fields)
        if before is not None and kept["providerType"] != before["fields"]["providerType"]:
            raise errors.invalid(call, "providerType", "providerType: The field cannot be changed")
        needed = "" if before is not None else "!"
        if kept["providerType"] == "APNS":
            wanted = f"keyId:str! teamId:str! tokenSigningKey:text{needed} fileName:str!"
            given = checked(call, kept["configuration"], wanted)
            names: tuple[str, ...] = ("fileName", "teamId", "keyId")
        else:
            given = checked(
                call, kept["configuration"], f"serviceAccountJson:dict{needed} fileName:str"
            )
            account = given.get("serviceAccountJson", {})
            given["projectId"] = account.get("project_id") or (
                before["fields"]["configuration"].get("projectId") if before is not None else None
            )
            names = ("fileName", "projectId")
        kept["configuration"] = {name: given[name] for name in names if given.get(name)}
        return kept

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With one time."""
        updated = {"lastUpdatedDate": row["lastUpdated"]}
        return {"id": row["id"], **row["fields"], **updated, "_links": self.links(call, row)}


class Realms(Resource):
    """``/api/v1/realms``."""

    name = "realms"
    kind = "Realm"
    path = "/api/v1/realms/{realmId}"
    prefix = "guo"
    verbs = "list create get replace delete"
    has_status = False
    filters = ("id", "profile.name", "profile.realmType")
    fields = "profile:dict!"
    unique = ""

    def body(self, call: Call) -> dict[str, Any]:
        """An empty body is not well-formed."""
        body = super().body(call)
        if "profile" not in body:
            raise errors.bodies_malformed(call)
        return body

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A name nobody has."""
        fields = "name:str! realmType:PARTNER|DEFAULT domains:list=[]"
        profile = checked(call, checked(call, body, self.fields)["profile"], fields)
        for row in self.rows(call.twin):
            same = row["fields"]["profile"]["name"] == profile["name"]
            if same and (before is None or row["id"] != before["id"]):
                raise errors.invalid(call, "name", "name: Realm name already exists")
        return {"profile": profile, "isDefault": bool(before and before["fields"]["isDefault"])}

    def selected(self, call: Call, rows: Any) -> Any:
        """``search`` and ``sortBy``."""
        rows = super().selected(call, rows)
        by = call.request.query.get("sortBy")
        if not by:
            return rows
        rows = sorted_rows(call, rows, by, lambda row: {**row["fields"], **row})
        return [{**row, "n": number} for number, row in enumerate(rows, 1)]

    def deleting(self, call: Call, row: Row) -> None:
        """Not the default one, and none with people in it."""
        if row["fields"]["isDefault"]:
            raise errors.invalid(call, "realmId", "The default realm cannot be deleted")

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To itself."""
        return {"self": {"rel": "self", "href": self.href(call, row), "method": "GET"}}


RESOURCES: Final = (
    Devices(),
    DeviceAssurance(),
    PushProviders(),
    Realms(),
)
