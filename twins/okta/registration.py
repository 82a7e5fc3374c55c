"""Dynamic client registration (``/oauth2/v1/clients``), and the revocation of all of a user.

A client is an application: what is changed here shows at ``/api/v1/apps``, and the reverse.
"""

from typing import Any, Final

from factory_tui.universe import BASE62, Call, Response, Row, parse_time, route

from . import changes, errors, oauth_tokens
from .apps import APPS
from .base import body_object, listed, page
from .fields import checked
from .resource import put_thing, rows_of

__all__ = ["Registration"]

_CLIENT: Final = "/oauth2/v1/clients/{clientId}"
_FIELDS: Final = (
    "client_name:str! application_type:web|native|browser|service=web redirect_uris:list"
    " post_logout_redirect_uris:list response_types:list grant_types:list"
    " token_endpoint_auth_method:str initiate_login_uri:str? logo_uri:str? policy_uri:str?"
    " tos_uri:str? client_uri:str? jwks:dict jwks_uri:str request_object_signing_alg:str"
    " frontchannel_logout_uri:str frontchannel_logout_session_required:bool client_id:str"
)
_REQUIRED_GRANT: Final = {
    "web": "authorization_code",
    "native": "authorization_code",
    "browser": "",
    "service": "client_credentials",
}
_SETTINGS: Final = (
    "initiate_login_uri",
    "logo_uri",
    "policy_uri",
    "tos_uri",
    "client_uri",
    "jwks",
    "jwks_uri",
    "request_object_signing_alg",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
)


def _bad(call: Call, sentence: str) -> Exception:
    return errors.refuse(call, 400, "invalid_client_metadata", sentence)


class Registration:
    """``/oauth2/v1/clients``."""

    @route("GET", "/oauth2/v1/clients", "listClients")
    def list_clients(self, call: Call) -> Response:
        """In pages; ``q`` is the start of a name."""
        wanted = call.request.query.get("q", "").casefold()
        rows = [
            row
            for row in APPS.rows(call.twin)
            if "oauthClient" in row["fields"]["credentials"]
            and row["fields"]["label"].casefold().startswith(wanted)
        ]
        shown, links = page(call, rows, 20, 200)
        return listed([_shown(row) for row in shown], links)

    @route("POST", "/oauth2/v1/clients", "createClient")
    def create_client(self, call: Call) -> Response:
        """201 with the client, and with its secret if it has one."""
        kept = _checked(call, body_object(call), None)
        row = APPS.create(call, _application(kept, {}))
        APPS.log(call, "create", row)
        return Response.json(_shown(row, secret=True), 201)

    @route("GET", _CLIENT, "getClient")
    def get_client(self, call: Call) -> Response:
        """By client id."""
        return Response.json(_shown(_find(call)))

    @route("PUT", _CLIENT, "replaceClient")
    def replace_client(self, call: Call) -> Response:
        """Everything anew, but for the secret."""
        row = _find(call)
        kept = _checked(call, body_object(call), row)
        body = _application(kept, row["fields"])
        fields = APPS.check(call, body, row)
        return Response.json(_shown(APPS.put(call, row, fields=fields), secret=True))

    @route("DELETE", _CLIENT, "deleteClient")
    def delete_client(self, call: Call) -> Response:
        """204; unlike an application it need not be inactive."""
        row = _find(call)
        APPS.remove(call.twin, row)
        APPS.log(call, "delete", row)
        return Response(204)

    @route("POST", _CLIENT + "/lifecycle/newSecret", "generateNewClientSecret")
    def new_secret(self, call: Call) -> Response:
        """The old secret is worth nothing from then on."""
        row = _find(call)
        client = row["fields"]["credentials"]["oauthClient"]
        if not client["token_endpoint_auth_method"].startswith("client_secret"):
            sentence = "The client does not use a client secret."
            raise errors.invalid(call, "token_endpoint_auth_method", sentence)
        things = call.twin["things"]
        for old in rows_of(call.twin, "app_secrets", row["id"]):
            things.delete(("app_secrets", old["key"]))
        secret = call.twin.ids.mint("secret", 64, alphabet=BASE62)
        put_thing(call.twin, "app_secrets", "ocs", {}, row["id"], hidden={"secret": secret})
        credentials = {
            **row["fields"]["credentials"],
            "oauthClient": {**client, "client_secret": secret},
        }
        row = APPS.put(call, row, fields={**row["fields"], "credentials": credentials})
        return Response.json(_shown(row, secret=True))

    @route("POST", "/oauth2/v1/global-token-revocation", "globalTokenRevocation")
    def revoke_everything(self, call: Call) -> Response:
        """204; a user's sessions and tokens are worth nothing from then on."""
        body = body_object(call)
        sub = body.get("sub_id")
        if not isinstance(sub, dict) or sub.get("format") not in ("opaque", "iss_sub"):
            return Response(400)
        if sub["format"] == "iss_sub":
            call.gap("globalTokenRevocation with iss_sub")
            return Response(400)
        user = call.twin["users"].get(str(sub.get("id")))
        if user is None:
            return Response(400)
        revoke_all(call, user)
        changes.log(call, "user.session.clear", user)
        return Response(204)


def revoke_all(call: Call, user: Row) -> None:
    """End a user's sessions and revoke every token given on the user's behalf."""
    things = call.twin["things"]
    for session in rows_of(call.twin, "sessions"):
        if session["hidden"]["user"] == user["id"]:
            things.delete(("sessions", session["key"]))
    for token in rows_of(call.twin, "oauth_tokens"):
        if token["fields"]["user"] == user["id"]:
            things.delete(("oauth_tokens", token["key"]))
    for app in APPS.rows(call.twin):
        for refresh in rows_of(call.twin, "app_tokens", app["id"]):
            if refresh["fields"]["userId"] == user["id"]:
                oauth_tokens.drop_refresh(call.twin, refresh)


def _find(call: Call) -> Row:
    key = call.params["clientId"]
    row = APPS.by_client(call.twin, key)
    if row is None:
        raise errors.not_found(call, key, "PublicClientApp")
    return row


def _checked(call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
    """The registration's members; refuses what does not go together."""
    for name in ("client_secret_expires_at", "client_id_issued_at"):
        if before is not None and body.get(name) is not None:
            raise _bad(call, f"The '{name}' property can't be specified.")
    kept = checked(call, body, _FIELDS)
    kind = kept["application_type"]
    if before is not None:
        client = before["fields"]["credentials"]["oauthClient"]
        if kept.pop("client_id", client["client_id"]) != client["client_id"]:
            raise _bad(call, "The 'client_id' can't be changed.")
        if kind != before["fields"]["settings"]["oauthClient"]["application_type"]:
            raise _bad(call, "The 'application_type' can't be changed.")
    elif kept.pop("client_id", None) is not None:
        raise _bad(call, "The 'client_id' can't be specified.")
    needed = _REQUIRED_GRANT[kind]
    grants = kept.get("grant_types") or [needed or "authorization_code"]
    if needed and needed not in grants:
        sentence = f"'grant_types' must include '{needed}' for application type '{kind}'."
        raise _bad(call, sentence)
    redirects = kept.get("redirect_uris") or []
    if not all(isinstance(uri, str) for uri in redirects) or any("#" in uri for uri in redirects):
        raise errors.refuse(call, 400, "invalid_redirect_uri", "Invalid 'redirect_uris'.")
    if {"authorization_code", "implicit"} & set(map(str, grants)) and not redirects:
        sentence = "'redirect_uris' must be provided for the given grant types."
        raise errors.refuse(call, 400, "invalid_redirect_uri", sentence)
    types = kept.get("response_types")
    if types is None:
        types = ["code"] if "authorization_code" in grants else []
        types += ["id_token", "token"] if "implicit" in grants else []
        types = types or ["token"]
    if ("code" in types) != ("authorization_code" in grants):
        sentence = "'response_types' and 'grant_types' do not go together."
        raise _bad(call, sentence)
    method = kept.get("token_endpoint_auth_method")
    if not method:
        method = "none" if kind == "browser" else "client_secret_basic"
    if kind == "browser" and method != "none":
        raise _bad(call, "Browser applications can't use a client secret or key.")
    return {
        **kept,
        "grant_types": grants,
        "response_types": types,
        "redirect_uris": redirects,
        "token_endpoint_auth_method": method,
    }


def _application(kept: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The body of the application that a registration is."""
    settings = {
        "application_type": kept["application_type"],
        "grant_types": kept["grant_types"],
        "response_types": kept["response_types"],
        "redirect_uris": kept["redirect_uris"],
        "post_logout_redirect_uris": kept.get("post_logout_redirect_uris") or [],
        # Clients that register themselves are not trusted.
        "consent_method": "REQUIRED",
        **{name: kept[name] for name in _SETTINGS if kept.get(name) is not None},
    }
    if before:
        old = before["settings"]["oauthClient"]
        settings = {**old, **settings, "consent_method": old["consent_method"]}
    method = kept["token_endpoint_auth_method"]
    return {
        **({"name": "oidc_client", "signOnMode": "OPENID_CONNECT"} if not before else {}),
        "label": kept["client_name"],
        "credentials": {
            "oauthClient": {
                "token_endpoint_auth_method": method,
                "pkce_required": kept["application_type"] in ("browser", "native"),
            }
        },
        "settings": {"oauthClient": settings},
    }


def _shown(row: Row, *, secret: bool = False) -> dict[str, Any]:
    """The client as RFC 7591 writes it."""
    fields = row["fields"]
    client, settings = fields["credentials"]["oauthClient"], fields["settings"]["oauthClient"]
    confidential = client["token_endpoint_auth_method"].startswith("client_secret")
    shown: dict[str, Any] = {
        "client_id": client["client_id"],
        "client_id_issued_at": int(parse_time(row["created"]).timestamp()),
    }
    if secret and confidential:
        shown["client_secret"] = client["client_secret"]
    if confidential:
        shown["client_secret_expires_at"] = 0
    shown |= {
        "client_name": fields["label"],
        "client_uri": settings.get("client_uri"),
        "logo_uri": settings.get("logo_uri"),
        "redirect_uris": settings.get("redirect_uris") or [],
        "post_logout_redirect_uris": settings.get("post_logout_redirect_uris") or [],
        "response_types": settings.get("response_types") or [],
        "grant_types": settings["grant_types"],
        "token_endpoint_auth_method": client["token_endpoint_auth_method"],
        "application_type": settings["application_type"],
    }
    more = (name for name in _SETTINGS if name not in shown and settings.get(name) is not None)
    return {**shown, **{name: settings[name] for name in more}}
