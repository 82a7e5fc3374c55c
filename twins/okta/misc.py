"""Smaller resources: UI schemas, SMS templates, hook keys, realm assignments, subscriptions,
owners of groups, links between users, and settings of the organisation."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import errors, seeds
from .base import body_object
from .fields import INVALID, checked
from .groups import find_group
from .keys import new_key, public
from .resource import Resource, hinted, link, put_thing
from .roles import STANDARD_ROLES
from .users import find_user

__all__ = ["RESOURCES"]

_NOTICES: Final = """
CONNECTOR_AGENT USER_LOCKED_OUT APP_IMPORT LDAP_AGENT AD_AGENT OKTA_ANNOUNCEMENT OKTA_UPDATE
IWA_AGENT USER_DEPROVISION REPORT_SUSPICIOUS_ACTIVITY RATELIMIT_NOTIFICATION
AGENT_AUTO_UPDATE_NOTIFICATION
"""
_USER: Final = "/api/v1/users/{userId}"
_SUBSCRIPTION: Final = "/subscriptions/{notificationType}"


class UiSchemas(Resource):
    """``/api/v1/meta/uischemas``."""

    name = "uischemas"
    kind = "UISchemaEntity"
    path = "/api/v1/meta/uischemas/{id}"
    prefix = "uis"
    verbs: ClassVar[str] = "list create get replace delete"
    has_status = False
    unique = ""
    fields = "uiSchema:dict!"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A group of controls."""
        given = checked(call, body, self.fields)["uiSchema"]
        schema = checked(call, given, "type:str! label:str buttonLabel:str elements:list=[]")
        for element in schema["elements"]:
            scope = element.get("scope") if isinstance(element, dict) else None
            if not isinstance(scope, str) or not scope.startswith("#/properties/"):
                raise errors.invalid(call, "elements", f"elements: {INVALID}")
        return {"uiSchema": schema}

    def do_delete(self, call: Call) -> Response:
        """204, also for one that is not there."""
        self.remove(
            call.twin, {"id": call.params["id"], "key": call.params["id"], "kind": self.name}
        )
        return Response(204)


class SmsTemplates(Resource):
    """``/api/v1/templates/sms``."""

    name = "sms_templates"
    kind = "SmsTemplate"
    path = "/api/v1/templates/sms/{templateId}"
    prefix = "cst"
    verbs = "list create get replace update delete"
    has_status = False
    fields = "name:str(50)! type:SMS_VERIFY_CODE! template:str(161)! translations:dict={}"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The code has to be in it; a partial change adds translations."""
        if before is not None and call.request.method == "POST":
            old = before["fields"]["translations"]
            new = body.get("translations")
            body = {**body, "translations": {**old, **(new if isinstance(new, dict) else {})}}
        kept = checked(call, body, self.fields)
        for text in (kept["template"], *kept["translations"].values()):
            if not isinstance(text, str) or "${code}" not in text or len(text) > 160:
                raise errors.invalid(call, "template", "template: needs ${code}, in 160 characters")
        return kept

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without links."""
        return {k: v for k, v in super().shown(call, row).items() if k != "_links"}


class HookKeys(Resource):
    """``/api/v1/hook-keys``."""

    name = "hook_keys"
    kind = "HookKey"
    path = "/api/v1/hook-keys/{id}"
    prefix = "HKY"
    verbs = "list create get replace delete"
    has_status = False
    fields = "name:str(255)!"

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With a key pair."""
        row = super().put_new(twin, kept, owner, **more)
        key = new_key(twin, "hook_pairs", row["id"], 2)
        twin["things"].put((self.name, row["key"]), {**row, "hidden": {"kid": key["id"]}})
        return {**row, "hidden": {"kid": key["id"]}}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The key embedded where one is asked for."""
        kid = row["hidden"]["kid"]
        shown: dict[str, Any] = {"id": row["id"], "keyId": kid, **row["fields"]}
        shown |= {"created": row["created"], "lastUpdated": row["lastUpdated"], "isUsed": "false"}
        if "id" in call.params or call.request.method == "POST":
            pair = call.twin["things"][("hook_pairs", f"{row['id']}/{kid}")]
            shown["_embedded"] = {**public(pair), "alg": "RSA"}
        return shown

    @route("GET", "/api/v1/hook-keys/public/{keyId}", "")
    def get_public(self, call: Call) -> Response:
        """The public key of a key id."""
        for row in self.rows(call.twin):
            if row["hidden"]["kid"] == call.params["keyId"]:
                pair = call.twin["things"][("hook_pairs", f"{row['id']}/{row['hidden']['kid']}")]
                return Response.json({"_embedded": {**public(pair), "alg": "RSA"}})
        raise errors.not_found(call, call.params["keyId"], self.kind)


class RealmAssignments(Resource):
    """``/api/v1/realm-assignments``."""

    name = "realm_assignments"
    page_size = 20
    kind = "RealmAssignment"
    path = "/api/v1/realm-assignments/{assignmentId}"
    prefix = "rul"
    created_status = 201
    turned = "nothing"
    fields = "name:str! conditions:dict={} actions:dict={} priority:int=1 domains:list"
    inactive_first = "An active realm assignment cannot be deleted"

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Inactive at first."""
        row = super().create(call, body, owner, **more)
        return self.put(call, row, status="INACTIVE")

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A realm there is."""
        kept = checked(call, body, self.fields)
        wanted = kept["actions"].get("assignUserToRealm", {})
        key = wanted.get("realmId") if isinstance(wanted, dict) else None
        if key is not None and ("realms", str(key)) not in call.twin["things"]:
            raise errors.not_found(call, str(key)[:60], "Realm")
        return {**kept, "isDefault": False}


class Subscriptions(Resource):
    """Notices that administrators get: ``/api/v1/users/{userId}/subscriptions`` and of roles."""

    name = "subscriptions"
    kind = "Subscription"
    path = _USER + _SUBSCRIPTION
    verbs = ""

    @route("GET", _USER + "/subscriptions", "")
    @route("GET", "/api/v1/roles/{roleRef}/subscriptions", "")
    def list_subscriptions(self, call: Call) -> Response:
        """All kinds; of a user who is no administrator none."""
        owner, path = self._owner(call)
        if (
            "userId" in call.params
            and not call.twin["roles"].find("holder", owner)
            and not self._admin(call, owner)
        ):
            return Response.json([])
        return Response.json([self._shown(call, owner, path, kind) for kind in _NOTICES.split()])

    @route("GET", _USER + _SUBSCRIPTION, "")
    @route("GET", "/api/v1/roles/{roleRef}" + _SUBSCRIPTION, "")
    def get(self, call: Call) -> Response:
        """One kind."""
        owner, path = self._owner(call)
        return Response.json(self._shown(call, owner, path, self._kind(call)))

    @route("POST", _USER + _SUBSCRIPTION + "/subscribe", "")
    @route("POST", _USER + _SUBSCRIPTION + "/unsubscribe", "")
    @route("POST", "/api/v1/roles/{roleRef}" + _SUBSCRIPTION + "/subscribe", "")
    @route("POST", "/api/v1/roles/{roleRef}" + _SUBSCRIPTION + "/unsubscribe", "")
    def turn(self, call: Call) -> Response:
        """200 without a body."""
        owner, _ = self._owner(call)
        on = call.request.path.rstrip("/").endswith("/subscribe")
        fields = {"status": "subscribed" if on else "unsubscribed"}
        put_thing(call.twin, self.name, "", fields, owner, id=self._kind(call), keyed=True)
        return Response(200)

    def _admin(self, call: Call, owner: str) -> bool:
        return any(row["user"] == owner for row in call.twin["tokens"].rows())

    def _kind(self, call: Call) -> str:
        kind = call.params["notificationType"]
        if kind not in _NOTICES.split():
            raise errors.invalid(call, "notificationType", f"notificationType: {INVALID}")
        return kind

    def _owner(self, call: Call) -> tuple[str, str]:
        if "userId" in call.params:
            key = str(find_user(call, call.params["userId"])["id"])
            return key, f"users/{key}"
        role = call.params["roleRef"]
        if role not in STANDARD_ROLES and ("custom_roles", role) not in call.twin["things"]:
            raise errors.not_found(call, role, "Role")
        return role, f"roles/{role}"

    def _shown(self, call: Call, owner: str, path: str, kind: str) -> dict[str, Any]:
        row = call.twin["things"].get((self.name, f"{owner}/{kind}"))
        status = row["fields"]["status"] if row is not None else "unsubscribed"
        href = link(call, f"{path}/subscriptions/{kind}")
        turn = "unsubscribe" if status == "subscribed" else "subscribe"
        links = {turn: hinted(f"{href}/{turn}", "POST"), "self": {"href": href}}
        return {"notificationType": kind, "channels": ["email"], "status": status, "_links": links}


class GroupOwners(Resource):
    """``/api/v1/groups/{groupId}/owners``."""

    name = "group_owners"
    kind = "GroupOwner"
    path = "/api/v1/groups/{groupId}/owners/{ownerId}"
    keyed = True
    verbs = "list create delete"
    created_status = 201
    unique = ""
    page_size = 1000
    page_most = 1000
    filters = ("id", "type", "displayName")
    fields = "id:str! type:USER|GROUP!"

    def parent_id(self, call: Call) -> str:
        """The group's."""
        return str(find_group(call, call.params["groupId"])["id"])

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """A user or another group."""
        kept = checked(call, body, self.fields)
        if kept["type"] == "USER":
            user = find_user(call, kept["id"])
            key, title = user["id"], seeds.full_name(user)
        else:
            group = find_group(call, kept["id"])
            key, title = group["id"], group["profile"]["name"]
        if (self.name, f"{owner}/{key}") in call.twin["things"]:
            sentence = "Provided owner is already assigned to this group"
            raise errors.invalid(call, "id", sentence)
        return self.put_new(call.twin, {"type": kept["type"], "displayName": title}, owner, id=key)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """From Okta's own directory."""
        return {
            "id": row["id"],
            **row["fields"],
            "resolved": True,
            "originId": None,
            "originType": "OKTA_DIRECTORY",
            "lastUpdated": row["lastUpdated"],
        }


class UserLinks(Resource):
    """``/api/v1/users/{userIdOrLogin}/linkedObjects``: who is whose manager, and so on."""

    name = "user_links"
    kind = "LinkedObject"
    path = "/api/v1/users/{userIdOrLogin}/linkedObjects/{relationshipName}"
    verbs = ""

    @route(
        "PUT",
        "/api/v1/users/{userIdOrLogin}/linkedObjects/{primaryRelationshipName}/{primaryUserId}",
        "",
    )
    def assign(self, call: Call) -> Response:
        """204; an associated user has one primary."""
        user = find_user(call, call.params["userIdOrLogin"], alive=True)
        primary = find_user(call, call.params["primaryUserId"], alive=True)
        definition = self._definition(call, call.params["primaryRelationshipName"])
        name = definition["primary"]["name"]
        if call.params["primaryRelationshipName"] != name:
            raise errors.invalid(call, "primaryName", f"primaryName: {INVALID}")
        fields = {"primary": primary["id"]}
        put_thing(call.twin, self.name, "", fields, name, id=user["id"], keyed=True)
        return Response(204)

    @route("GET", path, "")
    def list_links(self, call: Call) -> Response:
        """The primary of a user, or the users whose primary it is."""
        user = find_user(call, call.params["userIdOrLogin"])
        name = call.params["relationshipName"]
        definition = self._definition(call, name)
        primary = definition["primary"]["name"]
        rows = [r for r in self.rows(call.twin, primary) if r["id"] in call.twin["users"]]
        if name == primary:
            found = [row["fields"]["primary"] for row in rows if row["id"] == user["id"]]
        else:
            found = [row["id"] for row in rows if row["fields"]["primary"] == user["id"]]
        return Response.json(
            [{"_links": {"self": {"href": link(call, f"users/{key}")}}} for key in found]
        )

    @route("DELETE", path, "")
    def delete(self, call: Call) -> Response:
        """204."""
        user = find_user(call, call.params["userIdOrLogin"])
        definition = self._definition(call, call.params["relationshipName"])
        primary = definition["primary"]["name"]
        call.twin["things"].delete((self.name, f"{primary}/{user['id']}"))
        return Response(204)

    def _definition(self, call: Call, name: str) -> Row:
        for row in call.twin["linked"].rows():
            if name in (row["primary"]["name"], row["associated"]["name"]):
                return row
        raise errors.not_found(call, name, "LinkedObjectProperty")


_ORG: Final = {
    "/api/v1/org/settings/autoAssignAdminAppSetting": ("POST", "autoAssignAdminAppSetting", True),
    "/api/v1/org/settings/clientPrivilegesSetting": ("PUT", "clientPrivilegesSetting", False),
    "/api/v1/org/orgSettings/thirdPartyAdminSetting": ("POST", "thirdPartyAdmin", False),
    "/attack-protection/api/v1/user-lockout-settings": (
        "PUT",
        "preventBruteForceLockoutFromUnknownDevices",
        False,
    ),
    "/attack-protection/api/v1/authenticator-settings": (
        "PUT",
        "verifyKnowledgeSecondWhen2faRequired",
        False,
    ),
}


class Switches(Resource):
    """Settings that are one switch each."""

    name = "switches"
    kind = "Setting"
    path = "/api/v1/org/settings"
    verbs = ""

    def install(self, routes: Any) -> None:
        """Two routes for each."""
        for path, (method, _, _) in _ORG.items():
            self._add(routes, "GET", path, self.get)
            self._add(routes, method, path, self.change)

    def get(self, call: Call) -> Response:
        """As it is."""
        path = "/" + call.request.path.strip("/")
        _, name, default = _ORG[path]
        row = call.twin["things"].get((self.name, name))
        shown = row["fields"] if row is not None else {name: default}
        return Response.json([shown] if path.startswith("/attack") else shown)

    def change(self, call: Call) -> Response:
        """As it shall be."""
        _, name, _ = _ORG["/" + call.request.path.strip("/")]
        kept = checked(call, body_object(call), f"{name}:bool!")
        put_thing(call.twin, self.name, "", kept, id=name)
        return Response.json(kept)


class OrgDocument(Resource):
    """``/.well-known/okta-organization``."""

    name = "document"
    kind = "Document"
    path = "/.well-known/okta-organization"
    verbs = ""

    @route("GET", "/.well-known/okta-organization", "")
    def get(self, call: Call) -> Response:
        """Which organisation this is; needs no token."""
        org = call.twin["org"]["org"]["id"]
        base = call.request.base_url
        links = {"organization": {"href": base}}
        settings = {
            "analyticsCollectionEnabled": False,
            "bugReportingEnabled": True,
            "omEnabled": False,
        }
        return Response.json(
            {"id": org, "pipeline": "idx", "settings": settings, "cell": "twin", "_links": links}
        )


RESOURCES: Final = (
    UiSchemas(),
    SmsTemplates(),
    HookKeys(),
    RealmAssignments(),
    Subscriptions(),
    GroupOwners(),
    UserLinks(),
    Switches(),
    OrgDocument(),
)
