"""Applications: create, list, find, change, lifecycle, features, provisioning, policy, logo."""

import re
from collections.abc import Iterable
from itertools import count
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route, thaw

from . import errors, seeds
from .app_defaults import MODES, NAMES, credentials_of, settings_of, visibility_of
from .base import body_object, flag
from .built_in import BUILT_IN
from .fields import BLANK, INVALID, checked
from .keys import new_key
from .policies import POLICIES
from .resource import TAKEN, Resource, hinted, link, put_thing, rows_of

__all__ = ["APPS", "FEATURES", "Apps", "app_links", "assigned_user"]

_APP: Final = "/api/v1/apps/{appId}"
_CONNECTION: Final = _APP + "/connections/default"
_EXPAND: Final = re.compile(r"(user|group)/[\w@.+-]+")
FEATURES: Final = ("USER_PROVISIONING", "INBOUND_PROVISIONING")
_FOLLOWED: Final = {"PROFILE_ENROLLMENT": "profileEnrollment", "ACCESS_POLICY": "accessPolicy"}
"""Types of policies that applications follow, and what links to them are called."""
_IMAGE: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


class Apps(Resource):
    """``/api/v1/apps``."""

    name = "apps"
    kind = "AppInstance"
    path = _APP
    prefix = "0oa"
    unique = ""
    turned = "empty"
    inactive_first = "Delete application forbidden."
    filters = ("id", "status", "name", "credentials.signing.kid", "settings.slo.enabled")
    page_size = 20
    event = "application.lifecycle"
    fields: ClassVar[str] = (
        "name:str label:str(100)! signOnMode:str accessibility:dict visibility:dict features:list"
        " credentials:dict settings:dict licensing:dict profile:dict"
    )

    def do_create(self, call: Call) -> Response:
        """200; ``activate=false`` leaves it INACTIVE."""
        row = self.create(call, self.body(call))
        if not flag(call, "activate", True):
            row = self.put(call, row, status="INACTIVE")
        self.log(call, "create", row)
        return Response.json(self.shown_new(call, row))

    def do_list(self, call: Call) -> Response:
        """``q`` (start of name or label), ``filter``, ``expand=user/{id}``."""
        expand = call.request.query.get("expand")
        if expand and not _EXPAND.fullmatch(expand):
            raise errors.invalid(call, "RequestParams", "Expand query is malformed.")
        return super().do_list(call)

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``filter`` and ``q``; ``filter`` may also name a user or group assigned to it."""
        query = call.request.query
        wanted = query.get("q", "").casefold()
        if wanted:
            rows = [
                row
                for row in rows
                if any(row["fields"][n].casefold().startswith(wanted) for n in ("name", "label"))
            ]
        held = re.fullmatch(r'\s*(user|group)\.id\s+eq\s+"([^"]*)"\s*', query.get("filter", ""))
        if held is None:
            return super().selected(call, rows)
        table = "app_users" if held[1] == "user" else "app_groups"
        return [row for row in rows if (table, f"{row['id']}/{held[2]}") in call.twin["things"]]

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Name and sign-on mode decide which settings there are."""
        kept = checked(call, body, self.fields)
        given = kept.get("signOnMode")
        name = kept.get("name") or {v: k for k, v in NAMES.items()}.get(given or "", "")
        mode = given or NAMES.get(name) or ("SAML_2_0" if before is None else "")
        if before is not None:
            name = before["fields"]["name"]
            mode = given or before["fields"]["signOnMode"]
        elif not given and not kept.get("name"):
            raise errors.invalid(call, "signOnMode", f"signOnMode: {BLANK}")
        if mode not in MODES:
            raise errors.invalid(call, "signOnMode", f"signOnMode: {INVALID}")
        own = not name or name.startswith(f"{call.twin['org']['org']['subdomain']}_")
        if not name:
            name = self._own_name(call.twin, kept["label"])
        old = before["fields"] if before is not None else {}
        settings = settings_of(call, kept.get("settings", {}), mode, own)
        credentials = credentials_of(call, kept.get("credentials", {}), mode, old, settings)
        return {
            "name": name,
            "label": kept["label"],
            "accessibility": {
                "selfService": False,
                "errorRedirectUrl": None,
                "loginRedirectUrl": None,
                **kept.get("accessibility", {}),
            },
            "visibility": visibility_of(kept.get("visibility", {}), mode),
            "features": kept.get("features", []),
            "signOnMode": mode,
            "credentials": credentials,
            "settings": settings,
            **({"profile": kept["profile"]} if "profile" in kept else {}),
        }

    def _own_name(self, twin: Twin, label: str) -> str:
        """The name of an application that the organisation makes itself, numbered from 1."""
        word = re.sub(r"[^a-z0-9]+", "", label.lower()) or "app"
        start = f"{twin['org']['org']['subdomain']}_{word}_"
        taken = {row["fields"]["name"] for row in self.rows(twin)}
        return next(name for n in count(1) if (name := f"{start}{n}") not in taken)

    def _unique(self, call: Call, kept: Any, owner: str, own: str | None) -> None:
        """Client ids are unique; labels are not."""
        client = kept["credentials"].get("oauthClient", {}).get("client_id")
        holder = self.by_client(call.twin, client) if client else None
        if holder is not None and holder["id"] != own:
            raise errors.invalid(call, "client_id", f"client_id: {TAKEN}")

    def do_replace(self, call: Call) -> Response:
        """With the client's secret, as when it is made."""
        answer = super().do_replace(call)
        return Response.json(
            {**answer.data(), "credentials": self.find(call)["fields"]["credentials"]}
        )

    def turning(self, call: Call, row: Row, status: str) -> None:
        """Not those that came with the organisation."""
        if status == "INACTIVE" and row["fields"]["name"] in BUILT_IN:
            raise errors.forbidden(call)

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With a signing key where the sign-on mode needs one; a client's id is the app's."""
        key = more.pop("id", "") or seeds.new_id(twin.ids.mint, self.prefix)
        kept = thaw(kept)
        client = kept["credentials"].get("oauthClient")
        if client is not None:
            client["client_id"] = client.get("client_id") or key
        if kept["signOnMode"] in ("OPENID_CONNECT", "SAML_2_0", "SAML_1_1", "WS_FEDERATION"):
            kept["credentials"]["signing"]["kid"] = new_key(twin, "app_keys", key, 10)["id"]
        row = super().put_new(twin, kept, owner, id=key, **more)
        if client is not None and client.get("client_secret"):
            hidden = {"secret": client["client_secret"]}
            put_thing(twin, "app_secrets", "ocs", {}, key, hidden=hidden)
        return row

    def remove(self, twin: Twin, row: Row) -> None:
        """And the roles its client has."""
        if row["kind"] == self.name:
            client = row["fields"]["credentials"].get("oauthClient", {}).get("client_id", "")
            for key in list(twin["roles"].find("holder", client)):
                twin["roles"].delete(key)
        super().remove(twin, row)

    def refuse_delete(self, call: Call) -> Exception:
        """403, with a code of its own."""
        return errors.refuse(call, 403, "E0000056", self.inactive_first)

    def by_client(self, twin: Twin, client: str) -> Row | None:
        """The application whose client id that is."""
        for row in self.rows(twin):
            known = row["fields"]["credentials"].get("oauthClient")
            if known is not None and known["client_id"] == client:
                return row
        return None

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The application."""
        fields = row["fields"]
        org = call.twin["org"]["org"]["id"]
        oauth = "oauthClient" in fields["credentials"]
        logout: dict[str, Any] | None = {"status": "UNSUPPORTED"}
        if fields["name"] in BUILT_IN:
            logout = None
        elif oauth:
            logout = {
                "status": "DISABLED",
                "supportType": "FULL",
                "identityStack": "NOT_SHARED",
                "protocol": "GLOBAL_TOKEN_REVOCATION",
            }
        fields = {**fields, "credentials": dict(fields["credentials"])}
        if oauth:
            # The secret is shown when the application is made, and with its secrets.
            client = dict(fields["credentials"]["oauthClient"])
            client.pop("client_secret", None)
            fields["credentials"]["oauthClient"] = client
        shown = {
            "id": row["id"],
            "orn": f"orn:okta:idp:{org}:apps:{fields['name']}:{row['id']}",
            **fields,
            "status": row["status"],
            "lastUpdated": row["lastUpdated"],
            "created": row["created"],
            "universalLogout": logout,
            "_links": self.links(call, row),
        }
        expand = call.request.query.get("expand", "")
        if expand.startswith("user/"):
            user = call.twin["things"].get(("app_users", f"{row['id']}/{expand[5:]}"))
            if user is not None:
                shown["_embedded"] = {"user": assigned_user(call, user)}
        return shown

    def shown_new(self, call: Call, row: Row) -> dict[str, Any]:
        """With the client's secret."""
        return {**self.shown(call, row), "credentials": row["fields"]["credentials"]}

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """Everything below it, and what may be done with it."""
        href = link(call, f"apps/{row['id']}")
        turn = "deactivate" if row["status"] == "ACTIVE" else "activate"
        fields = row["fields"]
        found: dict[str, Any] = {
            "uploadLogo": hinted(f"{href}/logo", "POST"),
            "appLinks": app_links(call, row),
            "policies": hinted(f"{href}/policies", "PUT"),
            "groups": {"href": f"{href}/groups"},
            "logo": [
                {
                    "name": "medium",
                    "href": row["hidden"].get("logo")
                    or f"{call.request.base_url}/assets/img/logos/{fields['name']}.png",
                    "type": "image/png",
                }
            ],
            "users": {"href": f"{href}/users"},
            turn: {"href": f"{href}/lifecycle/{turn}"},
        }
        if fields["signOnMode"] == "SAML_2_0":
            metadata = f"{href}/sso/saml/metadata"
            found["metadata"] = {"href": metadata, "type": "application/xml"}
            setup = f"{call.request.base_url}/app/{fields['name']}/{row['id']}/setup/help/SAML_2_0"
            found["help"] = {"href": f"{setup}/instructions", "type": "text/html"}
        if "oauthClient" in fields["credentials"]:
            secrets = f"{href}/credentials/secrets"
            found["clientCredentials"] = [{"name": "secrets", "href": secrets}]
        for policy in rows_of(call.twin, "policies"):
            kind = policy["fields"]["type"]
            wanted = row["hidden"].get(kind)
            follows = policy["id"] == wanted or (not wanted and policy["hidden"].get("default"))
            if follows and kind in _FOLLOWED:
                found[_FOLLOWED[kind]] = {"href": link(call, f"policies/{policy['id']}")}
        return found

    # -- policy, logo

    @route("GET", "/api/v1/policies/{policyId}/app", "listPolicyApps")
    def list_policy_apps(self, call: Call) -> Response:
        """The applications that follow a policy."""
        policy = POLICIES.find(call)
        kind = policy["fields"]["type"]
        default = policy["hidden"].get("default")
        rows = [
            row
            for row in self.rows(call.twin)
            if row["hidden"].get(kind) == policy["id"]
            or (default and kind in _FOLLOWED and kind not in row["hidden"])
        ]
        return Response.json([self.shown(call, row) for row in rows])

    @route("PUT", _APP + "/policies/{policyId}", "assignApplicationPolicy")
    def assign_policy(self, call: Call) -> Response:
        """204; the application follows another access policy."""
        row = self.find(call)
        policy = POLICIES.by_key(call, call.params["policyId"])
        if policy["fields"]["type"] not in _FOLLOWED:
            raise errors.invalid(call, "Policy", f"policyId: {INVALID}")
        owner = policy["hidden"].get("app")
        if owner:
            sentence = f'This policy belongs to "{owner}", and re-assignment of this policy is not'
            raise errors.invalid(call, "Policy", f"{sentence} allowed")
        hidden = {**row["hidden"], policy["fields"]["type"]: policy["id"]}
        self.put(call, row, hidden=hidden)
        return Response(204)

    @route("POST", _APP + "/logo", "uploadApplicationLogo")
    def upload_logo(self, call: Call) -> Response:
        """201; an image in a multipart form."""
        row = self.find(call)
        if not any(mark in call.request.body for mark in _IMAGE):
            raise errors.invalid(call, "file", "file: The file is not an image")
        mark = call.twin.ids.mint("logo", 20)
        self.put(
            call,
            row,
            hidden={**row["hidden"], "logo": f"{call.request.base_url}/fs/bcg/4/gfs{mark}"},
        )
        return Response(201)

    # -- provisioning

    @route("GET", _APP + "/features", "listFeaturesForApplication")
    def list_features(self, call: Call) -> Response:
        """Only of applications that provision."""
        row = self._provisioning(call)
        return Response.json([self._feature(call, row, name) for name in FEATURES])

    @route("GET", _APP + "/features/{featureName}", "getFeatureForApplication")
    def get_feature(self, call: Call) -> Response:
        """By name."""
        name = self._feature_name(call)
        return Response.json(self._feature(call, self._provisioning(call), name))

    @route("PUT", _APP + "/features/{featureName}", "updateFeatureForApplication")
    def update_feature(self, call: Call) -> Response:
        """Its capabilities."""
        name = self._feature_name(call)
        row = self._provisioning(call)
        given = checked(
            call, body_object(call), "create:dict update:dict importSettings:dict importRules:dict"
        )
        features = dict(row["hidden"].get("features", {}))
        features[name] = {**features.get(name, _capabilities(name)), **given}
        row = self.put(call, row, hidden={**row["hidden"], "features": features})
        return Response.json(self._feature(call, row, name))

    def _provisioning(self, call: Call) -> Row:
        row = self.find(call)
        if row["hidden"].get("connection", {}).get("status") != "ENABLED":
            sentence = "Provisioning is not supported."
            raise errors.invalid(call, sentence, sentence)
        return row

    def _feature_name(self, call: Call) -> str:
        name = call.params["featureName"]
        if name not in FEATURES:
            raise errors.not_found(call, name, "PublicAppFeatureSetName")
        return name

    def _feature(self, call: Call, row: Row, name: str) -> dict[str, Any]:
        held = row["hidden"].get("features", {}).get(name, _capabilities(name))
        href = link(call, f"apps/{row['id']}/features/{name}")
        title = "User provisioning settings from Okta to a downstream application"
        return {
            "name": name,
            "status": "ENABLED",
            "description": title
            if name == FEATURES[0]
            else "User provisioning settings from an application to Okta",
            "capabilities": held,
            "_links": {"self": hinted(href, "GET", "PUT")},
        }

    @route("GET", _CONNECTION, "getDefaultProvisioningConnectionForApplication")
    def get_connection(self, call: Call) -> Response:
        """UNKNOWN until somebody sets it up."""
        return Response.json(self._connection(call, self.find(call)))

    @route("POST", _CONNECTION, "updateDefaultProvisioningConnectionForApplication")
    def update_connection(self, call: Call) -> Response:
        """A token or OAuth 2.0 profile; ``activate=true`` enables it."""
        row = self.find(call)
        profile = checked(call, body_object(call), "profile:dict! baseUrl:str")["profile"]
        kept = checked(
            call,
            profile,
            "authScheme:TOKEN|OAUTH2|ACS! token:str clientId:str settings:dict signing:dict",
        )
        status = "ENABLED" if flag(call, "activate", False) else "DISABLED"
        secretless = {name: value for name, value in kept.items() if name != "token"}
        connection = {"status": status, "profile": secretless}
        row = self.put(call, row, hidden={**row["hidden"], "connection": connection})
        return Response.json(self._connection(call, row))

    @route("POST", _CONNECTION + "/lifecycle/activate", "")
    @route("POST", _CONNECTION + "/lifecycle/deactivate", "")
    def turn_connection(self, call: Call) -> Response:
        """204; a connection nobody set up stays UNKNOWN."""
        row = self.find(call)
        connection = row["hidden"].get("connection")
        if connection is not None:
            on = call.request.segments[-1] == "activate"
            changed = {**connection, "status": "ENABLED" if on else "DISABLED"}
            self.put(call, row, hidden={**row["hidden"], "connection": changed})
        return Response(204)

    def _connection(self, call: Call, row: Row) -> dict[str, Any]:
        connection = row["hidden"].get("connection")
        if connection is None:
            return {"status": "UNKNOWN", "profile": {"authScheme": "UNKNOWN"}}
        href = link(call, f"apps/{row['id']}/connections/default")
        turn = "deactivate" if connection["status"] == "ENABLED" else "activate"
        return {
            "authScheme": connection["profile"]["authScheme"],
            **connection,
            "_links": {
                "self": hinted(href, "GET", "POST"),
                turn: hinted(f"{href}/lifecycle/{turn}", "POST"),
            },
        }


def _capabilities(name: str) -> dict[str, Any]:
    if name == FEATURES[0]:
        return {
            "create": {"lifecycleCreate": {"status": "DISABLED"}},
            "update": {
                "lifecycleDeactivate": {"status": "DISABLED"},
                "password": {"change": "KEEP_EXISTING", "seed": "RANDOM", "status": "DISABLED"},
                "profile": {"status": "DISABLED"},
            },
        }
    return {
        "importSettings": {"username": {"usernameFormat": "EMAIL"}, "schedule": {}},
        "importRules": {"userCreateAndMatch": {"exactMatchCriteria": "USERNAME"}},
    }


def app_links(call: Call, row: Row) -> list[dict[str, Any]]:
    """The links to an application that its users see."""
    fields = row["fields"]
    base = f"{call.request.base_url}/home/{fields['name']}/{row['id']}"
    return [
        {"name": name, "href": f"{base}/{number}", "type": "text/html"}
        for number, name in enumerate(fields["visibility"]["appLinks"], 2557)
    ]


def assigned_user(call: Call, row: Row) -> dict[str, Any]:
    """A user as an application has it."""
    href = link(call, "")
    app, user = row["parent"], row["fields"]["user"]
    kept = {name: value for name, value in row["fields"].items() if name != "user"}
    return {
        "id": user,
        "externalId": None,
        "created": row["created"],
        "lastUpdated": row["lastUpdated"],
        "status": row["status"],
        "statusChanged": row["created"],
        "passwordChanged": None,
        "syncState": "DISABLED",
        **kept,
        "_links": {"app": {"href": f"{href}apps/{app}"}, "user": {"href": f"{href}users/{user}"}},
    }


APPS = Apps()
