"""What applications have to do with each other and with groups elsewhere: cross-app access, trust
between clients, group push; and what they show the other side: SAML metadata, provisioning keys."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape, quoteattr

from factory_tui.universe import Call, Response, Row, Twin, route

from . import changes, errors
from .apps import APPS
from .base import body_object, flag, now
from .fields import BLANK, checked
from .groups import find_group
from .keys import new_key, public, signing_key
from .resource import Resource, caller, link, rows_of

__all__ = ["RESOURCES"]

_APP: Final = "/api/v1/apps/{appId}"
_STATUS: Final = "status:ACTIVE|INACTIVE!"
_CONSENT_APPS: Final = ("office365", "google", "zoomus", "slack")


def _app(call: Call, key: Any, field: str) -> Row:
    """An application that a body names."""
    if not isinstance(key, str) or not key:
        raise errors.invalid(call, field, f"{field}: {BLANK}")
    return APPS.by_key(call, key)


class CrossAppAccess(Resource):
    """``/api/v1/apps/{appId}/cwo/connections``: shown at both of its applications."""

    name = "cross_app"
    kind = "OrgCrossAppAccessConnection"
    path = _APP + "/cwo/connections/{connectionId}"
    prefix = "cwo"
    verbs: ClassVar[str] = "list create get delete"
    created_status = 201
    unique = ""
    fields = "requestingAppInstanceId:str! resourceAppInstanceId:str! status:ACTIVE|INACTIVE=ACTIVE"

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Between this application and another, once for each direction."""
        app = APPS.find(call)
        kept = checked(call, body, self.fields)
        sides = [kept["requestingAppInstanceId"], kept["resourceAppInstanceId"]]
        for name, key in zip(
            ("requestingAppInstanceId", "resourceAppInstanceId"), sides, strict=True
        ):
            _app(call, key, name)
        if app["id"] not in sides or sides[0] == sides[1]:
            sentence = "One side of the connection has to be the application of the path."
            raise errors.invalid(call, "requestingAppInstanceId", sentence)
        for row in rows_of(call.twin, self.name):
            if [
                row["fields"]["requestingAppInstanceId"],
                row["fields"]["resourceAppInstanceId"],
            ] == sides:
                raise errors.invalid(call, "connection", "The connection already exists.")
        status = kept.pop("status")
        return self.put_new(call.twin, kept, status=status, by=caller(call))

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Whose applications are still there."""
        apps = {row["id"] for row in rows_of(twin, "apps")}
        return [
            row
            for row in rows_of(twin, self.name)
            if apps >= set(row["fields"].values()) and owner in ("", *row["fields"].values())
        ]

    def parent_id(self, call: Call) -> str:
        """The application's."""
        return str(APPS.find(call)["id"])

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """By id, at either application."""
        for row in self.rows(call.twin, owner):
            if row["id"] == key:
                return row
        raise errors.not_found(call, key, self.kind)

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``status``, ``requestingAppId``, ``resourceAppId``, and the names of both."""
        query, things = call.request.query, call.twin["things"]
        for row in rows:
            fields = row["fields"]
            sides = (fields["requestingAppInstanceId"], fields["resourceAppInstanceId"])
            names = [things[("apps", key)]["fields"]["name"] for key in sides]
            wanted = [query.get(n) for n in ("requestingAppId", "resourceAppId")]
            named = [query.get(n) for n in ("requestingAppName", "resourceAppName")]
            if (
                query.get("status") in (None, row["status"])
                and all(w in (None, have) for w, have in zip(wanted, sides, strict=True))
                and all(w in (None, have) for w, have in zip(named, names, strict=True))
            ):
                yield row

    @route("PATCH", path, "")
    def change(self, call: Call) -> Response:
        """Its status."""
        row = self.find(call)
        status = checked(call, body_object(call), _STATUS)["status"]
        return Response.json(self.shown(call, self.put(call, row, status=status)))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without links."""
        return {name: value for name, value in super().shown(call, row).items() if name != "_links"}


class GroupPush(Resource):
    """``/api/v1/apps/{appId}/group-push/mappings``. What is pushed is there at once."""

    name = "group_push"
    page_size = 100
    page_most = 1000
    kind = "GroupPushMapping"
    path = _APP + "/group-push/mappings/{mappingId}"
    parent = APPS
    prefix = "gPm"
    verbs = "list create get delete"
    created_status = 201
    unique = ""
    fields = (
        "sourceGroupId:str! targetGroupId:str targetGroupName:str appConfig:dict"
        " status:ACTIVE|INACTIVE=ACTIVE"
    )

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """To a group that is there, or to a new one."""
        kept = checked(call, body, self.fields)
        source = find_group(call, kept["sourceGroupId"])
        target, title = kept.get("targetGroupId"), kept.pop("targetGroupName", None)
        if bool(target) == bool(title):
            sentence = "Either targetGroupId or targetGroupName must be provided, but not both."
            raise errors.invalid(call, "targetGroupId", sentence)
        for row in self.rows(call.twin, owner):
            if row["fields"]["sourceGroupId"] == source["id"]:
                raise errors.invalid(call, "sourceGroupId", "The group is already pushed.")
        if target:
            target = find_group(call, target)["id"]
        else:
            row = changes.add_group(call.twin, now(call), str(title), None)
            target = row["id"]
            call.twin["groups"].put(target, {**row, "type": "APP_GROUP"})
        status = kept.pop("status")
        fields = {**kept, "targetGroupId": target, "lastPush": now(call)}
        return self.put_new(call.twin, fields, owner, status=status, by=caller(call))

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``sourceGroupId``, ``status``, ``lastUpdated`` (from then on)."""
        query = call.request.query
        return [
            row
            for row in rows
            if query.get("sourceGroupId") in (None, row["fields"]["sourceGroupId"])
            and query.get("status") in (None, row["status"])
            and row["lastUpdated"] >= query.get("lastUpdated", "")
        ]

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Of groups that are still there."""
        groups = twin["groups"]
        return [r for r in super().rows(twin, owner) if r["fields"]["sourceGroupId"] in groups]

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To the application and both groups."""
        fields = row["fields"]
        return {
            "app": {"href": link(call, f"apps/{row['parent']}")},
            "sourceGroup": {"href": link(call, f"groups/{fields['sourceGroupId']}")},
            "targetGroup": {"href": link(call, f"groups/{fields['targetGroupId']}")},
        }

    def do_delete(self, call: Call) -> Response:
        """204, of an inactive one; ``deleteTargetGroup=true`` takes the group along."""
        row = self.find(call)
        if row["status"] == "ACTIVE":
            sentence = "The group push mapping must be inactive before it can be deleted."
            raise errors.invalid(call, "mappingId", sentence)
        target = row["fields"]["targetGroupId"]
        if flag(call, "deleteTargetGroup", False) and target in call.twin["groups"]:
            changes.remove_group(call.twin, target)
        self.remove(call.twin, row)
        return Response(204)

    @route("PATCH", path, "")
    def change(self, call: Call) -> Response:
        """Its status."""
        row = self.find(call)
        status = checked(call, body_object(call), _STATUS)["status"]
        return Response.json(self.shown(call, self.put(call, row, status=status)))


class InterclientTrust(Resource):
    """``/api/v1/apps/{appId}/interclient-allowed-apps``: who may ask for this one's tokens."""

    name = "interclient"
    kind = "InterclientTrustMapping"
    path = _APP + "/interclient-allowed-apps/{allowedAppId}"
    parent = APPS
    keyed = True
    prefix = "ict"
    verbs = "create delete"
    created_status = 201
    unique = ""

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Of applications that are still there."""
        apps = {row["id"] for row in rows_of(twin, "apps")}
        return [row for row in super().rows(twin, owner) if row["id"] in apps]

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Another OpenID Connect client, once."""
        for app in (APPS.find(call), _app(call, body.get("id"), "id")):
            if app["fields"]["signOnMode"] != "OPENID_CONNECT":
                raise errors.invalid(call, "id", "The app has to be an OpenID Connect client.")
        if body["id"] == owner or any(r["id"] == body["id"] for r in self.rows(call.twin, owner)):
            raise errors.invalid(call, "id", "The app is already allowed.")
        return self.put_new(call.twin, {}, owner, id=body["id"], by=caller(call))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Both applications."""
        return {
            "id": f"ict{row['n']:017d}",
            "appInstanceId": row["parent"],
            "trustedAppInstanceId": row["id"],
            "orgId": call.twin["org"]["org"]["id"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "lastUpdatedBy": row["lastUpdatedBy"],
        }

    @route("GET", _APP + "/interclient-allowed-apps", "")
    def list_allowed(self, call: Call) -> Response:
        """Their ids."""
        return Response.json([row["id"] for row in self.rows(call.twin, self.parent_id(call))])

    @route("GET", _APP + "/interclient-target-apps", "")
    def list_targets(self, call: Call) -> Response:
        """The ids of those that allow this one."""
        own = self.parent_id(call)
        owners = [row["id"] for row in rows_of(call.twin, "apps")]
        found = [key for key in owners if any(r["id"] == own for r in self.rows(call.twin, key))]
        return Response.json(found)


class AppDocuments(Resource):
    """What an application shows the other side."""

    name = "app_documents"
    kind = "Document"
    path = _APP + "/sso/saml/metadata"
    verbs = ""

    @route("GET", path, "")
    def saml_metadata(self, call: Call) -> Response:
        """XML for the service provider, with the key of ``kid``."""
        app = APPS.find(call)
        if app["fields"]["signOnMode"] not in ("SAML_2_0", "SAML_1_1"):
            raise errors.not_found(call, app["id"], "SamlApp")
        kid = call.request.query.get("kid") or app["fields"]["credentials"]["signing"]["kid"]
        key = call.twin["things"].get(("app_keys", f"{app['id']}/{kid}"))
        if key is None:
            raise errors.not_found(call, kid, "JsonWebKey")
        base = call.request.base_url
        where = f"{base}/app/{app['fields']['name']}/{app['id']}/sso/saml"
        protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
        services = "".join(
            f'<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}"'
            f" Location={quoteattr(where)}/>"
            for binding in ("HTTP-POST", "HTTP-Redirect")
        )
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
            f' entityID="http://www.okta.com/{app["id"]}"><md:IDPSSODescriptor'
            f' WantAuthnRequestsSigned="false" protocolSupportEnumeration="{protocol}">'
            '<md:KeyDescriptor use="signing">'
            '<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
            f"<ds:X509Certificate>{escape(key['fields']['x5c'][0])}</ds:X509Certificate>"
            "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            f"{services}</md:IDPSSODescriptor></md:EntityDescriptor>"
        )
        return Response(200, text.encode(), [("content-type", "text/xml")])

    @route("GET", _APP + "/connections/default/jwks", "")
    def connection_keys(self, call: Call) -> Response:
        """The key that provisioning signs with, made at first use."""
        app = APPS.find(call)
        rows = rows_of(call.twin, "connection_keys", app["id"])
        row = rows[0] if rows else new_key(call.twin, "connection_keys", app["id"], 10)
        stamps = {"created": row["created"], "lastUpdated": row["lastUpdated"]}
        key = {**row["fields"], **stamps, **public(row), "n": signing_key(row).modulus}
        return Response.json({"jwks": {"keys": [key]}})

    @route("POST", "/api/v1/apps/{appName}/{appId}/oauth2/callback", "")
    def consented(self, call: Call) -> Response:
        """204; somebody agreed at the other side, so the connection is on."""
        app = APPS.find(call)
        name = call.params["appName"]
        if name not in _CONSENT_APPS or app["fields"]["name"] != name:
            raise errors.not_found(call, app["id"], APPS.kind)
        if not call.request.query.get("code"):
            raise errors.invalid(call, "code", f"code: {BLANK}")
        connection = {"status": "ENABLED", "profile": {"authScheme": "OAUTH2"}}
        APPS.put(call, app, hidden={**app["hidden"], "connection": connection})
        return Response(204)


RESOURCES: Final = (CrossAppAccess(), GroupPush(), InterclientTrust(), AppDocuments())
