"""Authorization servers with their scopes, claims, policies, rules and keys."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, iso, parse_time, route

from . import errors
from .app_defaults import GRANTS
from .apps import APPS
from .base import body_object
from .fields import BLANK, INVALID, checked
from .keys import ROTATION_DAYS, ServerKeys
from .policies import RULE_FIELDS, by_priority, check_people, close_ranks, place
from .resource import Resource, caller, hinted, link, rows_of

__all__ = ["CLAIMS", "OIDC_SCOPES", "RESOURCES", "RULES", "SCOPES", "SERVERS", "SERVER_KEYS"]
__all__ += ["system_claims", "system_scopes"]

_SERVER: Final = "/api/v1/authorizationServers/{authServerId}"
_OF_PEOPLE: Final = frozenset({"authorization_code", "implicit", "password"})
"""Grants that are a user's."""
_NAME: Final = re.compile(r"[\w:.\-/]+")
OIDC_SCOPES: Final = {
    "openid": "Signals that a request is an OpenID request.",
    "profile": "The exact data varies based on what profile information you have provided.",
    "email": "This allows the app to view your email address.",
    "address": "This allows the app to view your address.",
    "phone": "This allows the app to view your phone number.",
    "offline_access": "This keeps you signed in to the app, even when you are not using it.",
    "device_sso": "Request a device secret used to obtain a new set of tokens.",
}
_CLAIMS: Final = """
name:user.getInternalProperty("displayName"):profile given_name:user.firstName:profile
family_name:user.lastName:profile middle_name:user.middleName:profile
nickname:user.nickName:profile preferred_username:user.login:profile
profile:user.profileUrl:profile zoneinfo:user.timezone:profile locale:user.locale:profile
updated_at:user.lastUpdated:profile email:user.email:email email_verified:true:email
phone_number:user.primaryPhone:phone address:user.postalAddress:address
"""


class Servers(Resource):
    """``/api/v1/authorizationServers``."""

    name = "servers"
    kind = "AuthorizationServer"
    sought = "name audiences*"
    path = _SERVER
    prefix = "aus"
    created_status = 201
    turned = "nothing"
    event = "oauth2.as"
    page_size = 200
    fields: ClassVar[str] = (
        "name:str(100)! description:str(1024)? audiences:list!"
        " issuerMode:ORG_URL|CUSTOM_URL|DYNAMIC=ORG_URL credentials:dict issuer:str"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Exactly one audience."""
        kept = checked(call, body, self.fields)
        audiences = kept["audiences"]
        if len(audiences) != 1 or not isinstance(audiences[0], str) or not audiences[0]:
            raise errors.invalid(call, "audiences", f"audiences: {INVALID}")
        signing = (kept.pop("credentials", {}) or {}).get("signing", {})
        mode = signing.get("rotationMode", "AUTO") if isinstance(signing, dict) else "AUTO"
        if mode not in ("AUTO", "MANUAL"):
            raise errors.invalid(call, "credentials", f"rotationMode: {INVALID}")
        kept["rotationMode"] = mode
        kept.pop("issuer", None)
        return kept

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With a key, OpenID Connect's scopes and the claims that come with them."""
        row = super().put_new(twin, kept, owner, **more)
        SERVER_KEYS.active(twin, row["id"])
        for scope in system_scopes():
            SCOPES.put_new(twin, scope, row["id"])
        for claim in system_claims():
            CLAIMS.put_new(twin, claim, row["id"])
        return row

    def find(self, call: Call) -> Row:
        """By id."""
        return self.by_key(call, call.params["authServerId"])

    def deleting(self, call: Call, row: Row) -> None:
        """Not the one that came with the organisation."""
        if row["id"] == "default":
            raise errors.forbidden(call)

    def issuer(self, call: Call, row: Row) -> str:
        """Who it says it is."""
        return f"{call.request.base_url}/oauth2/{row['id']}"

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With its key's rotation."""
        fields = dict(row["fields"])
        key = SERVER_KEYS.active(call.twin, row["id"])
        made = parse_time(key["lastUpdated"])
        signing: dict[str, Any] = {
            "rotationMode": fields.pop("rotationMode"),
            "lastRotated": key["lastUpdated"],
            "nextRotation": iso(made + timedelta(days=ROTATION_DAYS))[:19] + ".000Z",
            "kid": key["id"],
        }
        return {
            "id": row["id"],
            **fields,
            "issuer": self.issuer(call, row),
            "status": row["status"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "credentials": {"signing": signing},
            "_links": self.links(call, row),
        }

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """Everything below it."""
        href = self.href(call, row)
        known = f"{self.issuer(call, row)}/.well-known/"
        names = ("oauth-authorization-server", "openid-configuration")
        return {
            "rotateKey": hinted(f"{href}/credentials/lifecycle/keyRotate", "POST"),
            "metadata": [
                {"name": name, "href": known + name, "hints": {"allow": ["GET"]}} for name in names
            ],
            "keys": hinted(f"{href}/credentials/keys", "GET"),
            "claims": hinted(f"{href}/claims", "GET", "POST"),
            "policies": hinted(f"{href}/policies", "GET", "POST"),
            "scopes": hinted(f"{href}/scopes", "GET", "POST"),
            **super().links(call, row),
        }

    def href(self, call: Call, row: Row) -> str:
        """By id."""
        return link(call, f"authorizationServers/{row['id']}")

    @route("POST", _SERVER + "/credentials/lifecycle/keyRotate", "")
    def rotate(self, call: Call) -> Response:
        """200 with the keys; the old one expires."""
        row = self.find(call)
        if checked(call, body_object(call), "use:str!")["use"] != "sig":
            raise errors.invalid(call, "use", f"use: {INVALID}")
        SERVER_KEYS.rotate(call.twin, row["id"])
        rows = SERVER_KEYS.rows(call.twin, row["id"])
        return Response.json([SERVER_KEYS.shown(call, key) for key in rows])

    @route("GET", _SERVER + "/clients", "listOAuth2ClientsForAuthorizationServer")
    def list_clients(self, call: Call) -> Response:
        """Clients that hold tokens of it."""
        row = self.find(call)
        clients = {
            token["fields"]["clientId"]: None
            for token in call.twin["things"].rows()
            if token["kind"] == "oauth_tokens" and token["fields"]["server"] == row["id"]
        }
        href = f"{call.request.base_url}/oauth2/v1/clients"
        return Response.json(
            [
                {"client_id": client, "_links": {"client": {"href": f"{href}/{client}"}}}
                for client in clients
            ]
        )


class ServerKeysOf(ServerKeys):
    """``…/credentials/keys``."""

    path = _SERVER + "/credentials/keys/{keyId}"

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])


class Scopes(Resource):
    """``…/scopes``."""

    name = "server_scopes"
    kind = "OAuth2Scope"
    sought = "name*"
    path = _SERVER + "/scopes/{scopeId}"
    prefix = "scp"
    verbs = "list create get replace delete"
    created_status = 201
    has_status = False
    stamps = ""
    fields = (
        "name:str(100)! displayName:str description:str? metadataPublish:ALL_CLIENTS|NO_CLIENTS"
        "=NO_CLIENTS consent:IMPLICIT|REQUIRED|FLEXIBLE default:bool=false optional:bool"
    )
    filters = ("name",)

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A name without blanks; what came with the server keeps its name."""
        kept = checked(call, body, self.fields)
        if not _NAME.fullmatch(kept["name"]):
            raise errors.invalid(call, "name", f"name: {INVALID}")
        kept["system"] = bool(before and before["fields"]["system"])
        if kept["system"] and before is not None and kept["name"] != before["fields"]["name"]:
            raise errors.invalid(call, "name", "name: The field cannot be changed")
        return kept

    def deleting(self, call: Call, row: Row) -> None:
        """Not those that came with the server."""
        if row["fields"]["system"]:
            raise errors.forbidden(call)


class Claims(Resource):
    """``…/claims``."""

    name = "server_claims"
    kind = "OAuth2Claim"
    path = _SERVER + "/claims/{claimId}"
    prefix = "ocl"
    verbs = "list create get replace delete"
    created_status = 201
    stamps = ""
    fields = (
        "name:str(100)! status:ACTIVE|INACTIVE claimType:IDENTITY|RESOURCE=RESOURCE"
        " valueType:EXPRESSION|GROUPS|SYSTEM=EXPRESSION value:str! conditions:dict={}"
        " alwaysIncludeInToken:bool=true group_filter_type:STARTS_WITH|EQUALS|CONTAINS|REGEX"
    )

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Its scopes have to be there."""
        kept = checked(call, body, self.fields)
        scopes = kept["conditions"].get("scopes") or []
        names = {
            row["fields"]["name"]
            for row in rows_of(call.twin, "server_scopes", call.params["authServerId"])
        }
        if not isinstance(scopes, list) or any(scope not in names for scope in map(str, scopes)):
            raise errors.invalid(call, "scopes", f"scopes: {INVALID}")
        kept["conditions"] = {"scopes": scopes}
        kept["system"] = bool(before and before["fields"]["system"])
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With a status of its own."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        status = kept.pop("status", "ACTIVE")
        return self.put_new(call.twin, kept, owner, status=status, by=caller(call))

    def _change(self, call: Call, *, whole: bool) -> Response:
        row = self.find(call)
        kept = self.check(call, self.body(call), row)
        self._unique(call, kept, row["parent"], row["id"])
        status = kept.pop("status", row["status"])
        return Response.json(self.shown(call, self.put(call, row, fields=kept, status=status)))

    def deleting(self, call: Call, row: Row) -> None:
        """Not those that came with the server."""
        if row["fields"]["system"]:
            raise errors.forbidden(call)


class ServerPolicies(Resource):
    """``…/policies``."""

    name = "server_policies"
    kind = "Policy"
    path = _SERVER + "/policies/{policyId}"
    prefix = "00p"
    created_status = 201
    turned = "nothing"
    fields = (
        "name:str(100)! description:str(255)! type:OAUTH_AUTHORIZATION_POLICY priority:int"
        " conditions:dict={} status:ACTIVE|INACTIVE"
    )

    def parent_id(self, call: Call) -> str:
        """The server's."""
        return str(SERVERS.find(call)["id"])

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """By priority."""
        return by_priority(rows)

    def do_delete(self, call: Call) -> Response:
        """204; those behind it move up."""
        row = self.find(call)
        answer = Resource.do_delete(self, call)
        close_ranks(call, self, self.rows(call.twin, row["parent"]))
        return answer

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The clients it is for."""
        kept = checked(call, body, self.fields)
        clients = kept["conditions"].get("clients", {})
        include = clients.get("include", []) if isinstance(clients, dict) else None
        if not isinstance(include, list) or not all(isinstance(key, str) for key in include):
            raise errors.invalid(call, "conditions.clients", f"clients: {INVALID}")
        for key in include:
            if key != "ALL_CLIENTS" and APPS.by_client(call.twin, key) is None:
                sentence = f"conditions.clients.include: The client '{key[:60]}' does not exist."
                raise errors.invalid(call, "conditions.clients", sentence)
        kept["conditions"] = {"clients": {"include": include}}
        kept["type"] = "OAUTH_AUTHORIZATION_POLICY"
        kept["system"] = False
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """At the priority it asks for."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        status, wanted = kept.pop("status", "ACTIVE"), kept.pop("priority", None)
        kept["priority"] = 1
        row = self.put_new(call.twin, kept, owner, status=status, by=caller(call))
        return place(call, self, row, self.rows(call.twin, owner), wanted)

    def _change(self, call: Call, *, whole: bool) -> Response:
        row = self.find(call)
        kept = self.check(call, self.body(call), row)
        self._unique(call, kept, row["parent"], row["id"])
        status = kept.pop("status", row["status"])
        wanted = kept.pop("priority", row["fields"]["priority"])
        kept["priority"] = row["fields"]["priority"]
        row = self.put(call, row, fields=kept, status=status)
        row = place(call, self, row, self.rows(call.twin, row["parent"]), wanted)
        return Response.json(self.shown(call, row))

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """With its rules."""
        rules = hinted(f"{self.href(call, row)}/rules", "GET")
        return {"rules": rules, **super().links(call, row)}

    def href(self, call: Call, row: Row) -> str:
        """Below its server."""
        return link(call, f"authorizationServers/{row['parent']}/policies/{row['id']}")


class ServerRules(Resource):
    """``…/policies/{policyId}/rules``."""

    name = "server_rules"
    kind = "PolicyRule"
    path = _SERVER + "/policies/{policyId}/rules/{ruleId}"
    prefix = "0pr"
    created_status = 201
    turned = "nothing"
    fields = RULE_FIELDS.replace("conditions:dict", "conditions:dict!")

    def parent_id(self, call: Call) -> str:
        """The policy's."""
        return str(SERVER_POLICIES.find(call)["id"])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Grant types and scopes; lifetimes within Okta's limits."""
        kept = checked(call, body, self.fields)
        if kept.get("type", "RESOURCE_ACCESS") != "RESOURCE_ACCESS":
            raise errors.invalid(call, "type", f"type: {INVALID}")
        conditions = kept["conditions"]
        for name in ("grantTypes", "scopes"):
            chosen = conditions.get(name)
            include = chosen.get("include") if isinstance(chosen, dict) else None
            if not isinstance(include, list) or not include:
                raise errors.invalid(call, f"conditions.{name}", f"{name}: {BLANK}")
        people = conditions.get("people") or {}
        if not isinstance(people, dict):
            raise errors.invalid(call, "conditions.people", f"people: {INVALID}")
        grants = conditions["grantTypes"]["include"]
        if not _named(people) and _OF_PEOPLE.intersection(map(str, grants)):
            sentence = (
                "At least one of 'conditions.people.users.include' or"
                " 'conditions.people.groups.include' must contain a valid user or group when"
                " 'conditions.grantTypes' contains one or more of"
                " [authorization_code, implicit, password]."
            )
            raise errors.invalid(call, "conditions.people", f"conditions.people: {sentence}")
        _check_condition(call, people, grants, conditions["scopes"]["include"])
        kept["conditions"] = {
            "people": {"users": {"exclude": []}, **people},
            "grantTypes": conditions["grantTypes"],
            "scopes": conditions["scopes"],
        }
        token = kept.get("actions", {}).get("token", {})
        token = checked(
            call,
            token if isinstance(token, dict) else {},
            "accessTokenLifetimeMinutes:int=60 refreshTokenLifetimeMinutes:int=0"
            " refreshTokenWindowMinutes:int=10080 inlineHook:dict",
        )
        if not 5 <= token["accessTokenLifetimeMinutes"] <= 1440:
            sentence = "accessTokenLifetimeMinutes: must be between 5 minutes and 1 day"
            raise errors.invalid(call, "accessTokenLifetimeMinutes", sentence)
        kept |= {"type": "RESOURCE_ACCESS", "actions": {"token": token}, "system": False}
        return kept

    selected = ServerPolicies.selected
    do_delete = ServerPolicies.do_delete
    create = ServerPolicies.create
    _change = ServerPolicies._change

    def href(self, call: Call, row: Row) -> str:
        """Below its policy."""
        server = call.params["authServerId"]
        policy = f"authorizationServers/{server}/policies/{row['parent']}"
        return link(call, f"{policy}/rules/{row['id']}")


def _check_condition(call: Call, people: dict[str, Any], grants: list[Any], scopes: Any) -> None:
    """Refuse grants, scopes, groups and users that are not there."""
    for grant in grants:
        if not isinstance(grant, str) or grant not in GRANTS:
            sentence = f"conditions.grantTypes.include: {INVALID}"
            raise errors.invalid(call, "conditions.grantTypes", sentence)
    known = {
        row["fields"]["name"]
        for row in rows_of(call.twin, "server_scopes", call.params["authServerId"])
    }
    for scope in scopes:
        if scope != "*" and scope not in known:
            sentence = f"conditions.scopes.include: The scope '{str(scope)[:60]}' does not exist."
            raise errors.invalid(call, "conditions.scopes", sentence)
    check_people(call, {"people": people})


def _named(people: dict[str, Any]) -> bool:
    """Whether conditions name a user or group."""
    parts = (people.get("users"), people.get("groups"))
    return any(isinstance(part, dict) and part.get("include") for part in parts)


def system_scopes() -> list[Row]:
    """The scopes that every server has."""
    return [
        {
            "name": name,
            "displayName": None,
            "description": about,
            "system": True,
            "metadataPublish": "ALL_CLIENTS",
            "consent": "IMPLICIT",
            "default": False,
            "optional": False,
        }
        for name, about in OIDC_SCOPES.items()
    ]


def system_claims() -> list[Row]:
    """The claims that every server has."""
    sub = "(appuser != null) ? appuser.userName : app.clientId"
    found = [_claim("sub", "RESOURCE", sub, [])]
    for line in _CLAIMS.split():
        name, value, scope = line.split(":")
        found.append(_claim(name, "IDENTITY", value, [scope]))
    return found


def _claim(name: str, kind: str, value: str, scopes: list[str]) -> Row:
    return {
        "name": name,
        "claimType": kind,
        "valueType": "SYSTEM" if scopes else "EXPRESSION",
        "value": value,
        "conditions": {"scopes": scopes},
        "system": True,
        "alwaysIncludeInToken": not scopes,
    }


SERVERS = Servers()
SERVER_KEYS = ServerKeysOf()
SCOPES = Scopes()
CLAIMS = Claims()
SERVER_POLICIES = ServerPolicies()
RULES = ServerRules()
RESOURCES: Final = (SERVERS, SERVER_KEYS, SCOPES, CLAIMS, SERVER_POLICIES, RULES)
