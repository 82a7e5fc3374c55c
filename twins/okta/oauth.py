"""OAuth 2.0 and OpenID Connect of the organisation and of its authorization servers.

This module has the documents and the endpoints around tokens; ``oauth_authorize`` the browser's
part, ``oauth_grants`` the grant types, ``login`` the pages, ``registration`` the clients.
"""

import hashlib
from typing import Any, Final
from urllib.parse import urlencode

from factory_tui.universe import Call, Request, Response, Row, Twin, route

from . import crypto, errors, oauth_pages, oauth_tokens, signin
from .authservers import SERVER_KEYS
from .login import Login
from .oauth_authorize import Authorize
from .oauth_claims import Subject, userinfo_claims
from .oauth_clients import client_id, client_of, client_settings, named_client, proof_of
from .oauth_core import Issuer, Refusal, answering, form_of, issuer_of, no
from .oauth_device import DeviceGrant
from .oauth_grants import DEVICE_CODE, TOKEN_EXCHANGE, grant_token
from .oauth_scopes import scope_rows
from .registration import Registration

__all__ = ["OPEN", "OAuth", "bearer"]

_ORG: Final = "/oauth2/v1"
_CUSTOM: Final = "/oauth2/{authorizationServerId}"
_NAMES: Final = """
authorize authorizeWithPost authorizeCustomAS authorizeCustomASWithPost resumeAuthorize
answerConsent par parCustomAS parOptions parOptionsCustomAS token tokenCustomAS tokenOptions
tokenOptionsCustomAS introspect introspectCustomAS revoke revokeCustomAS userinfo userinfoCustomAS
userinfoWithPost userinfoCustomASWithPost logout logoutWithPost logoutCustomAS
logoutCustomASWithPost oauthKeys oauthKeysCustomAS deviceAuthorize deviceAuthorizeCustomAS
getWellKnownOpenIDConfiguration getWellKnownOAuthConfiguration
getWellKnownOpenIDConfigurationCustomAS getWellKnownOAuthConfigurationCustomAS
signInPage signIn changeExpiredPassword answerFactor sessionCookieRedirect signOut userHome
activateDevicePage activateDeviceByCode
"""
OPEN: Final = frozenset(_NAMES.split())
"""Operations that want no token of Okta's API: they know clients and users by other means."""
_SCOPES: Final = ("openid", "email", "profile", "address", "phone", "offline_access", "groups")
_RESPONSE_TYPES: Final = (
    "code",
    "id_token",
    "code id_token",
    "code token",
    "id_token token",
    "code id_token token",
)
_GRANTS: Final = (
    "authorization_code",
    "implicit",
    "refresh_token",
    "password",
    "client_credentials",
    DEVICE_CODE,
    TOKEN_EXCHANGE,
)
_METHODS: Final = (
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "none",
)
_CLAIMS: Final = """
iss ver sub aud iat exp jti auth_time amr idp nonce name nickname preferred_username given_name
middle_name family_name email email_verified profile zoneinfo locale address phone_number picture
website gender birthdate updated_at at_hash c_hash
"""
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")


def bearer(twin: Twin, request: Request) -> Row | None:
    """The access token a request carries, if it is good for Okta's own API and still lasts."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    row = _presented(twin, request, scheme, value)
    return row if row is not None and not row["fields"]["server"] else None


def _presented(twin: Twin, request: Request, scheme: str, value: str) -> Row | None:
    """The access token of a request, with the proof that it wants."""
    if scheme not in ("Bearer", "DPoP") or not value:
        return None
    row = oauth_tokens.live(twin, value)
    if row is None or row["fields"]["scheme"] != scheme:
        return None
    if scheme == "DPoP":
        try:
            proof = proof_of(request, request.headers.get("dpop", ""))
        except Refusal:
            return None
        digest = crypto.b64(hashlib.sha256(value.encode()).digest())
        if proof["ath"] != digest or proof["jkt"] != row["fields"]["jkt"]:
            return None
    return row


class OAuth(Authorize, DeviceGrant, Registration, Login):
    """``/oauth2``, the well-known documents and the sign-in pages."""

    # -- documents

    @route("GET", "/.well-known/openid-configuration", "getWellKnownOpenIDConfiguration")
    @route("GET", "/.well-known/oauth-authorization-server", "getWellKnownOAuthConfiguration")
    @route(
        "GET",
        _CUSTOM + "/.well-known/openid-configuration",
        "getWellKnownOpenIDConfigurationCustomAS",
    )
    @route(
        "GET",
        _CUSTOM + "/.well-known/oauth-authorization-server",
        "getWellKnownOAuthConfigurationCustomAS",
    )
    def configuration(self, call: Call) -> Response:
        """Where everything is."""
        issuer = issuer_of(call)
        asked = call.request.query.get("client_id")
        if asked is not None:
            try:
                named_client(call, asked)
            except Refusal as refusal:
                raise errors.refuse(call, 400, refusal.code, refusal.sentence) from refusal
        found = _metadata(call, issuer)
        if call.request.path.rstrip("/").endswith("openid-configuration"):
            found["userinfo_endpoint"] = f"{issuer.endpoints}/userinfo"
            found["id_token_signing_alg_values_supported"] = ["RS256"]
        return Response.json(found, 200, [("cache-control", "max-age=86400, must-revalidate")])

    @route("GET", _ORG + "/keys", "oauthKeys")
    @route("GET", _CUSTOM + "/v1/keys", "oauthKeysCustomAS")
    def keys(self, call: Call) -> Response:
        """The public keys that tokens are signed with."""
        owner = issuer_of(call).id
        found = []
        for row in SERVER_KEYS.rows(call.twin, owner):
            shown = SERVER_KEYS.shown(call, row)
            found.append({k: shown[k] for k in ("kty", "alg", "kid", "use", "e", "n")})
        headers = [("cache-control", "max-age=3832304, must-revalidate")]
        return Response.json({"keys": found}, 200, headers)

    # -- tokens

    @route("POST", _ORG + "/token", "token")
    @route("POST", _CUSTOM + "/v1/token", "tokenCustomAS")
    def token(self, call: Call) -> Response:
        """Tokens for a grant."""

        def answer(call: Call) -> Response:
            return grant_token(call, issuer_of(call), form_of(call))

        return answering(call, answer)

    @route("OPTIONS", _ORG + "/token", "tokenOptions")
    @route("OPTIONS", _CUSTOM + "/v1/token", "tokenOptionsCustomAS")
    @route("OPTIONS", _ORG + "/par", "parOptions")
    @route("OPTIONS", _CUSTOM + "/v1/par", "parOptionsCustomAS")
    def options(self, call: Call) -> Response:
        """204; a browser of any origin may post."""
        origin = call.request.headers.get("origin", "*")
        headers = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", "authorization, content-type, dpop"),
            ("access-control-max-age", "3600"),
            ("vary", "Origin"),
        ]
        return Response(204, b"", headers)

    @route("POST", _ORG + "/introspect", "introspect")
    @route("POST", _CUSTOM + "/v1/introspect", "introspectCustomAS")
    def introspect(self, call: Call) -> Response:
        """What a token says, or ``active: false``."""
        return answering(call, _introspect)

    @route("POST", _ORG + "/revoke", "revoke")
    @route("POST", _CUSTOM + "/v1/revoke", "revokeCustomAS")
    def revoke_token(self, call: Call) -> Response:
        """200, also for a token that is none."""
        return answering(call, _revoke)

    @route("GET", _ORG + "/userinfo", "userinfo")
    @route("GET", _CUSTOM + "/v1/userinfo", "userinfoCustomAS")
    @route("POST", _ORG + "/userinfo", "userinfoWithPost")
    @route("POST", _CUSTOM + "/v1/userinfo", "userinfoCustomASWithPost")
    def userinfo(self, call: Call) -> Response:
        """Every claim that the access token's scopes allow."""
        issuer = issuer_of(call)
        scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
        row = _presented(call.twin, call.request, scheme, value)
        if row is None or row["fields"]["server"] != issuer.id or not row["fields"]["user"]:
            return _challenged(401, "invalid_token", "The access token is invalid.")
        scopes = list(row["fields"]["scopes"])
        if "openid" not in scopes:
            sentence = "The access token must provide access to at least one of these scopes"
            return _challenged(403, "insufficient_scope", f"{sentence} - openid")
        client = call.twin["things"].get(("apps", row["fields"]["app"]))
        if client is None:
            return _challenged(401, "invalid_token", "The access token is invalid.")
        subject = Subject(call, client, call.twin["users"][row["fields"]["user"]])
        claims = userinfo_claims(subject, issuer, scopes)
        return Response.json({"sub": row["fields"]["user"], **claims})

    @route("GET", _ORG + "/logout", "logout")
    @route("POST", _ORG + "/logout", "logoutWithPost")
    @route("GET", _CUSTOM + "/v1/logout", "logoutCustomAS")
    @route("POST", _CUSTOM + "/v1/logout", "logoutCustomASWithPost")
    def logout(self, call: Call) -> Response:
        """Ends the browser's session if it is the token's user's, and goes on."""
        try:
            return _logout(call)
        except Refusal as refusal:
            return oauth_pages.error_page(refusal.sentence)


def _metadata(call: Call, issuer: Issuer) -> dict[str, Any]:
    at = issuer.endpoints
    scopes = list(_SCOPES)
    if issuer.server is not None:
        scopes = [
            row["fields"]["name"]
            for row in scope_rows(call.twin, issuer.server)
            if row["fields"]["metadataPublish"] == "ALL_CLIENTS"
        ]
    return {
        "issuer": issuer.url,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "registration_endpoint": f"{call.request.base_url}/oauth2/v1/clients",
        "jwks_uri": f"{at}/keys",
        "response_types_supported": list(_RESPONSE_TYPES),
        "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
        "grant_types_supported": list(_GRANTS),
        "subject_types_supported": ["public"],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": list(_METHODS),
        "claims_supported": _CLAIMS.split(),
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint": f"{at}/introspect",
        "introspection_endpoint_auth_methods_supported": list(_METHODS),
        "revocation_endpoint": f"{at}/revoke",
        "revocation_endpoint_auth_methods_supported": list(_METHODS),
        "end_session_endpoint": f"{at}/logout",
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": ["HS256", "HS384", "HS512", *_ALGORITHMS],
        "device_authorization_endpoint": f"{at}/device/authorize",
        "pushed_authorization_request_endpoint": f"{at}/par",
        "dpop_signing_alg_values_supported": list(_ALGORITHMS),
    }


def _challenged(status: int, code: str, sentence: str) -> Response:
    challenge = f'Bearer error="{code}", error_description="{sentence}"'
    return Response(status, b"", [("www-authenticate", challenge)])


def _introspect(call: Call) -> Response:
    issuer, form = issuer_of(call), form_of(call)
    client_of(call, form)
    text = form.get("token", "")
    if not text:
        raise no("invalid_request", "The request must specify a 'token'.")
    twin = call.twin
    row = oauth_tokens.live(twin, text)
    if row is not None and row["fields"]["server"] == issuer.id:
        return Response.json(_about_access(twin, row))
    refresh = oauth_tokens.live_refresh(twin, text)
    if refresh is not None and refresh["hidden"]["server"] == issuer.id:
        return Response.json(_about_refresh(twin, refresh))
    claims = oauth_tokens.id_token_claims(twin, text)
    if claims is not None and claims["iss"] == issuer.url and claims["exp"] > twin.clock.epoch():
        user = twin["users"].get(claims["sub"])
        if user is not None and user["status"] in oauth_tokens.ALIVE:
            names = ("aud", "exp", "iat", "iss", "jti", "sub")
            about = {name: claims[name] for name in names}
            login = user["profile"]["login"]
            more = {"client_id": claims["aud"], "username": login, "token_type": "Bearer"}
            return Response.json({"active": True, **about, **more})
    return Response.json({"active": False})


def _about_access(twin: Twin, row: Row) -> dict[str, Any]:
    claims = crypto.parts(row["hidden"]["token"])[1]
    fields = row["fields"]
    found: dict[str, Any] = {
        "active": True,
        "scope": " ".join(fields["scopes"]),
        **{name: claims[name] for name in ("exp", "iat", "sub", "aud", "iss", "jti")},
        "token_type": fields["scheme"],
        "client_id": fields["clientId"],
    }
    if fields["user"]:
        user = twin["users"][fields["user"]]
        found |= {"username": user["profile"]["login"], "uid": fields["user"]}
    extra = {k: v for k, v in claims.items() if k not in found and k not in ("scp", "cid", "ver")}
    return {**found, **extra}


def _about_refresh(twin: Twin, row: Row) -> dict[str, Any]:
    fields, hidden = row["fields"], row["hidden"]
    user = twin["users"][fields["userId"]]
    return {
        "active": True,
        "scope": " ".join(fields["scopes"]),
        "username": user["profile"]["login"],
        "exp": min(hidden["until"], hidden["idleUntil"]),
        "sub": user["profile"]["login"],
        "iss": fields["issuer"],
        "jti": row["id"],
        "token_type": "Bearer",
        "client_id": fields["clientId"],
        "uid": user["id"],
    }


def _revoke(call: Call) -> Response:
    issuer, form = issuer_of(call), form_of(call)
    client = client_of(call, form)
    text = form.get("token", "")
    if not text:
        raise no("invalid_request", "The request must specify a 'token'.")
    things = call.twin["things"]
    row = oauth_tokens.live(call.twin, text)
    if row is not None and row["fields"]["app"] == client["id"]:
        if row["fields"]["server"] == issuer.id:
            things.delete(("oauth_tokens", row["key"]))
        return Response(200)
    refresh = oauth_tokens.live_refresh(call.twin, text)
    if refresh is not None and refresh["parent"] == client["id"]:
        oauth_tokens.drop_refresh(call.twin, refresh)
    secret = things.get(("device_secrets", text))
    if secret is not None and secret["fields"]["app"] == client["id"]:
        things.delete(("device_secrets", text))
    return Response(200)


def _logout(call: Call) -> Response:
    issuer_of(call)
    given = call.request.query if call.request.method == "GET" else form_of(call)
    hint, target = given.get("id_token_hint", ""), given.get("post_logout_redirect_uri", "")
    claims = oauth_tokens.id_token_claims(call.twin, hint) if hint else None
    if claims is None:
        raise no("invalid_request", "The 'id_token_hint' parameter is missing or invalid.")
    client = named_client(call, str(claims["aud"]))
    if target:
        known = client_settings(client).get("post_logout_redirect_uris") or []
        if target not in known:
            sentence = "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in"
            raise no("invalid_request", f"{sentence} the client app settings.")
        if given.get("state"):
            target += ("&" if "?" in target else "?") + urlencode({"state": given["state"]})
    session = signin.session_of(call)
    if session is not None and session["hidden"]["user"] == claims["sub"]:
        signin.end_session(call, session)
        _end_tokens(call, session, client)
    response = Response(302, b"", [("location", target or "/login/login.htm")])
    return signin.cookie(response, None) if session is not None else response


def _end_tokens(call: Call, session: Row, client: Row) -> None:
    """Access tokens of a client that were given in a session end with it."""
    things = call.twin["things"]
    for key in list(things.find("of", ("oauth_tokens", ""))):
        fields = things[key]["fields"]
        if fields["session"] == session["id"] and fields["clientId"] == client_id(client):
            things.delete(key)
