"""What users granted to clients, and the refresh tokens that clients hold for them.

Both come to be when somebody signs in to a client, or by a scenario's ``add_grants``; here they are
found and revoked, from the user's side, the application's and the authorization server's. Rows of
the same tokens and grants are shown everywhere.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import ApplyError, Call, Response, Row, Twin, iso, op, route

from . import errors
from .apps import APPS
from .authservers import SERVERS
from .base import listed, page
from .resource import Resource, hinted, link, put_thing, rows_of
from .users import find_user

__all__ = ["RESOURCES", "GrantOps", "put_grant", "put_refresh_token"]

_USER: Final = "/api/v1/users/{userId}"
_CLIENT: Final = _USER + "/clients/{clientId}"
_SERVER: Final = "/api/v1/authorizationServers/{authServerId}/clients/{clientId}"
_DAYS: Final = 7


def put_refresh_token(
    twin: Twin, app: Row, user: str, server: str, scopes: list[str], issuer: str
) -> Row:
    """A refresh token that an application holds for a user, good for a week.

    Args:
        twin: The state.
        app: The application.
        user: The user's id.
        server: The authorization server's id, "" for the organisation's own.
        scopes: What it is good for.
        issuer: The server's address.
    """
    until = twin.clock.now() + timedelta(days=_DAYS)
    fields = {
        "issuer": issuer,
        "clientId": app["fields"]["credentials"]["oauthClient"]["client_id"],
        "userId": user,
        "scopes": list(scopes),
        "expiresAt": iso(until)[:19] + ".000Z",
    }
    hidden = {"server": server}
    return put_thing(twin, "app_tokens", "oar", fields, app["id"], hidden=hidden)


def put_grant(twin: Twin, app: Row, user: str, server: str, scope: str) -> Row:
    """A user's consent to one scope; the same consent again is the same grant."""
    client = app["fields"]["credentials"]["oauthClient"]["client_id"]
    fields = {"clientId": client, "app": app["id"], "server": server, "scopeId": scope}
    for row in rows_of(twin, "user_grants", user):
        if row["fields"] == fields:
            return row
    return put_thing(twin, "user_grants", "oag", fields, user)


def _issuer(call: Call, server: str) -> str:
    base = call.request.base_url
    return f"{base}/oauth2/{server}" if server else base


def _app(twin: Twin, row: Row) -> Row | None:
    return twin["things"].get(("apps", row["fields"].get("app") or row["parent"]))


def _client(call: Call) -> Row:
    """The application behind the client of the path; refuses one there is not."""
    key = call.params["clientId"]
    app = APPS.by_client(call.twin, key)
    if app is None:
        raise errors.not_found(call, key, "PublicClientApp")
    return app


class RefreshTokens(Resource):
    """Refresh tokens of a client: of an application, for a user, from an authorization server."""

    name = "app_tokens"
    kind = "OAuth2RefreshToken"
    path = "/api/v1/apps/{appId}/tokens/{tokenId}"
    parent = APPS
    prefix = "oar"
    verbs: ClassVar[str] = "list get delete"
    unique = ""
    page_size = 20

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Never the token itself; ``expand=scope`` embeds its scopes."""
        fields = row["fields"]
        app, user, server = row["parent"], fields["userId"], row["hidden"]["server"]
        owner = _app(call.twin, row)
        title = owner["fields"]["label"] if owner is not None else ""
        links = {
            "app": {"href": link(call, f"apps/{app}"), "title": title},
            "self": hinted(link(call, f"apps/{app}/tokens/{row['id']}"), "GET", "DELETE"),
            "revoke": hinted(link(call, f"apps/{app}/tokens/{row['id']}"), "DELETE"),
            "client": {
                "href": f"{call.request.base_url}/oauth2/v1/clients/{fields['clientId']}",
                "title": title,
            },
            "user": {"href": link(call, f"users/{user}")},
        }
        if server:
            href = link(call, f"authorizationServers/{server}")
            links["authorizationServer"] = {"href": href}
        shown = {
            "id": row["id"],
            "status": "ACTIVE",
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            **fields,
            "_links": links,
        }
        if call.request.query.get("expand") == "scope":
            scopes = [{"id": name, "name": name} for name in fields["scopes"]]
            shown["_embedded"] = {"scopes": scopes}
        return shown

    def _some(self, call: Call) -> list[Row]:
        """The tokens that the path is about: of a client, for a user or from a server."""
        client = _client(call)
        rows = self.rows(call.twin, client["id"])
        if "userId" in call.params:
            user = find_user(call, call.params["userId"])["id"]
            return [row for row in rows if row["fields"]["userId"] == user]
        server = SERVERS.find(call)["id"]
        return [row for row in rows if row["hidden"]["server"] == server]

    def remove(self, twin: Twin, row: Row) -> None:
        """And the access tokens that came of it."""
        things = twin["things"]
        for key in list(things.find("of", ("oauth_tokens", ""))):
            if things[key]["fields"].get("refresh") == row["id"]:
                things.delete(key)
        super().remove(twin, row)

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Of users who are still there."""
        return [
            row for row in super().rows(twin, owner) if row["fields"]["userId"] in twin["users"]
        ]

    def _one(self, call: Call) -> Row:
        for row in self._some(call):
            if row["id"] == call.params["tokenId"]:
                return row
        raise errors.not_found(call, call.params["tokenId"], self.kind)

    @route("GET", _CLIENT + "/tokens", "")
    @route("GET", _SERVER + "/tokens", "")
    def list_some(self, call: Call) -> Response:
        """In pages of 20."""
        rows, links = page(call, self._some(call), 20, 200)
        return listed([self.shown(call, row) for row in rows], links)

    @route("DELETE", _CLIENT + "/tokens", "")
    @route("DELETE", _SERVER + "/tokens", "")
    def revoke_some(self, call: Call) -> Response:
        """204."""
        return self._revoked(call, self._some(call))

    @route("GET", _CLIENT + "/tokens/{tokenId}", "")
    @route("GET", _SERVER + "/tokens/{tokenId}", "")
    def get_one(self, call: Call) -> Response:
        """By id."""
        return Response.json(self.shown(call, self._one(call)))

    @route("DELETE", _CLIENT + "/tokens/{tokenId}", "")
    @route("DELETE", _SERVER + "/tokens/{tokenId}", "")
    def revoke_one(self, call: Call) -> Response:
        """204."""
        return self._revoked(call, [self._one(call)])

    @route("DELETE", "/api/v1/apps/{appId}/tokens", "")
    def revoke_all(self, call: Call) -> Response:
        """204."""
        return self._revoked(call, self.rows(call.twin, self.parent_id(call)))

    def _revoked(self, call: Call, rows: Iterable[Row]) -> Response:
        for row in list(rows):
            self.remove(call.twin, row)
        return Response(204)


class UserGrants(Resource):
    """``/api/v1/users/{userId}/grants``."""

    name = "user_grants"
    kind = "OAuth2ScopeConsentGrant"
    path = _USER + "/grants/{grantId}"
    prefix = "oag"
    verbs = "list get delete"
    unique = ""
    page_size = 20

    def parent_id(self, call: Call) -> str:
        """The user's."""
        return str(find_user(call, call.params["userId"])["id"])

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Of applications that are still there."""
        return [row for row in super().rows(twin, owner) if _app(twin, row) is not None]

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Who granted what to which client; ``expand=scope`` embeds the scope."""
        fields, user = row["fields"], row["parent"]
        app = _app(call.twin, row)
        title = app["fields"]["label"] if app is not None else ""
        href = link(call, f"users/{user}")
        shown = {
            "id": row["id"],
            "status": "ACTIVE",
            "created": row["created"],
            "createdBy": {"id": user, "type": "User"},
            "lastUpdated": row["lastUpdated"],
            "issuer": fields.get("issuer") or _issuer(call, fields["server"]),
            "clientId": fields["clientId"],
            "userId": user,
            "scopeId": fields["scopeId"],
            "source": "END_USER",
            "_links": {
                "app": {"href": link(call, f"apps/{fields['app']}"), "title": title},
                "self": hinted(f"{href}/grants/{row['id']}", "GET", "DELETE"),
                "client": {
                    "href": f"{call.request.base_url}/oauth2/v1/clients/{fields['clientId']}",
                    "title": title,
                },
                "user": {"href": href},
            },
        }
        if call.request.query.get("expand") == "scope":
            shown["_embedded"] = {"scope": {"id": fields["scopeId"]}}
        return shown

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``scopeId``, and the client where the path has one."""
        scope, client = call.request.query.get("scopeId"), call.params.get("clientId")
        return [
            row
            for row in rows
            if scope in (None, row["fields"]["scopeId"])
            and client in (None, row["fields"]["clientId"])
        ]

    @route("DELETE", _USER + "/grants", "")
    def revoke_all(self, call: Call) -> Response:
        """204."""
        return self._revoked(call, self.rows(call.twin, self.parent_id(call)))

    @route("GET", _CLIENT + "/grants", "")
    def list_of_client(self, call: Call) -> Response:
        """To one client."""
        _client(call)
        return self.do_list(call)

    @route("DELETE", _CLIENT + "/grants", "")
    def revoke_of_client(self, call: Call) -> Response:
        """204."""
        _client(call)
        rows = self.rows(call.twin, self.parent_id(call))
        return self._revoked(call, self.selected(call, rows))

    def _revoked(self, call: Call, rows: Iterable[Row]) -> Response:
        for row in list(rows):
            self.remove(call.twin, row)
        return Response(204)

    @route("GET", _USER + "/clients", "")
    def list_clients(self, call: Call) -> Response:
        """Clients that have grants or tokens of the user."""
        user = self.parent_id(call)
        rows = self.rows(call.twin, user)
        found = {row["fields"]["clientId"]: row["fields"]["app"] for row in rows}
        for key in call.twin["things"]:
            if key[0] == "app_tokens":
                row = call.twin["things"][key]
                if row["fields"]["userId"] == user:
                    found[row["fields"]["clientId"]] = row["parent"]
        shown = []
        for client, key in found.items():
            app = call.twin["things"][("apps", key)]
            settings = app["fields"]["settings"].get("oauthClient", {})
            href = link(call, f"users/{user}/clients/{client}")
            shown.append(
                {
                    "client_id": client,
                    "client_name": app["fields"]["label"],
                    "client_uri": settings.get("client_uri"),
                    "logo_uri": settings.get("logo_uri"),
                    "_links": {
                        "grants": hinted(f"{href}/grants", "GET", "DELETE"),
                        "tokens": hinted(f"{href}/tokens", "GET", "DELETE"),
                    },
                }
            )
        return Response.json(shown)


class GrantOps:
    """What scenarios can do that the API cannot."""

    @op("add_grants")
    def add_grants(self, twin: Twin, args: Any) -> list[Row]:
        """``[{user: email, app: id, scopes?: [name], server?: id, issuer?}]``: somebody signed in.

        Leaves a grant for each scope and a refresh token. Returns ``token`` and ``grants``, the
        ids.
        """
        made = []
        for item in args["add_grants"] if isinstance(args, dict) else args:
            user = twin["users"].first("login", str(item.get("user")).lower())
            app = twin["things"].get(("apps", str(item.get("app"))))
            if user is None or app is None or "oauthClient" not in app["fields"]["credentials"]:
                raise ApplyError(f"add_grants: there is no such user or client in {item}")
            server = item.get("server", "")
            scopes = item.get("scopes", ["openid", "offline_access"])
            grants = [put_grant(twin, app, user["id"], server, scope)["id"] for scope in scopes]
            issuer = item.get("issuer", "https://acme.okta.com")
            token = put_refresh_token(twin, app, user["id"], server, scopes, issuer)
            made.append({"token": token["id"], "grants": grants})
        return made


RESOURCES: Final = (RefreshTokens(), UserGrants())
