"""OAuth 2.0 and OpenID Connect of the organisation and of its authorization servers.

Client credentials with ``private_key_jwt`` or a secret, DPoP with its nonce challenge, discovery,
keys, introspection, revocation. Signing in through a browser is not there (a gap).
"""

import hashlib
from base64 import b64decode
from typing import Any, Final

from factory_tui.universe import BadBodyError, Call, Request, Response, Row, Twin, route

from . import crypto
from .apps import APPS
from .authservers import SERVER_KEYS
from .resource import put_thing, rows_of

__all__ = ["OAuth", "bearer"]

_ORG: Final = "/oauth2/v1"
_CUSTOM: Final = "/oauth2/{authorizationServerId}"
_LIFETIME: Final = 3600
_JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NONCE_WINDOW: Final = 86_400


def _refused(status: int, code: str, sentence: str, **headers: str) -> Response:
    body = {"error": code, "error_description": sentence}
    return Response.json(body, status, [(k.replace("_", "-"), v) for k, v in headers.items()])


class _Refusal(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _no(code: str, sentence: str, status: int = 400, **headers: str) -> _Refusal:
    return _Refusal(_refused(status, code, sentence, **headers))


def bearer(twin: Twin, request: Request) -> Row | None:
    """The access token a request carries, if it is good for Okta's own API and still lasts."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme not in ("Bearer", "DPoP") or not value:
        return None
    row = _token_row(twin, value)
    if row is None or row["fields"]["server"] or row["fields"]["scheme"] != scheme:
        return None
    if scheme == "DPoP":
        try:
            proof = _proof(twin, request, request.headers.get("dpop", ""))
        except _Refusal:
            return None
        digest = crypto.b64(hashlib.sha256(value.encode()).digest())
        if proof["ath"] != digest or proof["jkt"] != row["fields"]["jkt"]:
            return None
    return row


def _token_row(twin: Twin, value: str) -> Row | None:
    try:
        claims = crypto.parts(value)[1]
    except crypto.BadTokenError:
        return None
    row = twin["things"].get(("oauth_tokens", str(claims.get("jti"))))
    if row is None or row["hidden"]["token"] != value:
        return None
    return row if row["fields"]["exp"] > twin.clock.epoch() else None


def _proof(twin: Twin, request: Request, text: str) -> dict[str, Any]:
    """A DPoP proof whose signature, method, address and time hold."""
    try:
        header = crypto.parts(text)[0]
        key = header.get("jwk")
        if not isinstance(key, dict) or header.get("typ") != "dpop+jwt":
            raise crypto.BadTokenError("no key")
        claims = crypto.verify(text, key)[1]
        thumb = crypto.thumbprint(key)
    except crypto.BadTokenError as problem:
        raise _no("invalid_dpop_proof", "The DPoP proof JWT is invalid.") from problem
    if claims.get("htm") != request.method or not str(claims.get("htu", "")).partition("?")[
        0
    ].endswith("/" + request.path.strip("/")):
        raise _no("invalid_dpop_proof", "The DPoP proof JWT's 'htm' or 'htu' claim is wrong.")
    if not isinstance(claims.get("jti"), str) or not isinstance(claims.get("iat"), int):
        raise _no("invalid_dpop_proof", "The DPoP proof JWT lacks 'jti' or 'iat'.")
    return {"jkt": thumb, "ath": claims.get("ath"), "nonce": claims.get("nonce")}


class OAuth:
    """``/oauth2`` and the well-known documents."""

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
        issuer, server = _issuer(call)
        if server is None and "authorizationServerId" in call.params:
            return _not_there(call)
        base = f"{issuer}/v1" if server is not None else f"{issuer}/oauth2/v1"
        methods = ["client_secret_basic", "client_secret_post", "client_secret_jwt"]
        methods += ["private_key_jwt", "none"]
        scopes = ["openid", "email", "profile", "address", "phone", "offline_access", "groups"]
        if server is not None:
            rows = rows_of(call.twin, "server_scopes", server["id"])
            scopes = [row["fields"]["name"] for row in rows]
        return Response.json(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "userinfo_endpoint": f"{base}/userinfo",
                "registration_endpoint": f"{call.request.base_url}/oauth2/v1/clients",
                "jwks_uri": f"{base}/keys",
                "response_types_supported": ["code", "id_token", "code id_token"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "grant_types_supported": [
                    "authorization_code",
                    "implicit",
                    "refresh_token",
                    "password",
                    "client_credentials",
                ],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": scopes,
                "token_endpoint_auth_methods_supported": methods,
                "claims_supported": ["iss", "ver", "sub", "aud", "iat", "exp", "jti", "cid", "scp"],
                "code_challenge_methods_supported": ["S256"],
                "introspection_endpoint": f"{base}/introspect",
                "introspection_endpoint_auth_methods_supported": methods,
                "revocation_endpoint": f"{base}/revoke",
                "revocation_endpoint_auth_methods_supported": methods,
                "end_session_endpoint": f"{base}/logout",
                "dpop_signing_alg_values_supported": ["RS256", "ES256"],
            }
        )

    @route("GET", _ORG + "/keys", "oauthKeys")
    @route("GET", _CUSTOM + "/v1/keys", "oauthKeysCustomAS")
    def keys(self, call: Call) -> Response:
        """The public keys that tokens are signed with."""
        _, server = _issuer(call)
        if server is None and "authorizationServerId" in call.params:
            return _not_there(call)
        owner = server["id"] if server is not None else ""
        SERVER_KEYS.active(call.twin, owner)
        found = []
        for row in SERVER_KEYS.rows(call.twin, owner):
            shown = {**SERVER_KEYS.shown(call, row)}
            found.append({k: shown[k] for k in ("kty", "alg", "kid", "use", "e", "n")})
        return Response.json({"keys": found})

    # -- tokens

    @route("POST", _ORG + "/token", "token")
    @route("POST", _CUSTOM + "/v1/token", "tokenCustomAS")
    def token(self, call: Call) -> Response:
        """``client_credentials``; other grants are a gap."""
        try:
            return self._token(call)
        except _Refusal as refusal:
            return refusal.response

    def _token(self, call: Call) -> Response:
        form = _form(call)
        _, server = _issuer(call)
        if server is None and "authorizationServerId" in call.params:
            return _not_there(call)
        grant = form.get("grant_type")
        if not grant:
            raise _no("invalid_request", "The token request must specify a 'grant_type'.")
        client = _client(call, form)
        settings = client["fields"]["settings"]["oauthClient"]
        if grant not in settings["grant_types"]:
            sentence = f"The client is not authorized to use the provided grant type: {grant[:60]}."
            raise _no("unauthorized_client", sentence)
        if grant != "client_credentials":
            call.gap(f"token with grant_type={grant}")
            raise _no("unsupported_grant_type", "The twin knows only 'client_credentials'.", 501)
        thumb = self._dpop(call, settings)
        scopes = _scopes(call, client, server, form.get("scope", "").split())
        return self._issue(call, client, server, scopes, thumb)

    def _dpop(self, call: Call, settings: Row) -> str:
        """The thumbprint of the proof's key, "" for a bearer token."""
        text = call.request.headers.get("dpop")
        if text is None:
            if settings["dpop_bound_access_tokens"]:
                raise _no("invalid_dpop_proof", "The DPoP proof JWT header is missing.")
            return ""
        proof = _proof(call.twin, call.request, text)
        nonce = _nonce(call.twin)
        if proof["nonce"] != nonce:
            sentence = "Authorization server requires nonce in DPoP proof."
            raise _no("use_dpop_nonce", sentence, dpop_nonce=nonce)
        return str(proof["jkt"])

    def _issue(
        self, call: Call, client: Row, server: Row | None, scopes: list[str], thumb: str
    ) -> Response:
        twin = call.twin
        owner = server["id"] if server is not None else ""
        issuer, _ = _issuer(call)
        key = SERVER_KEYS.active(twin, owner)
        client_id = client["fields"]["credentials"]["oauthClient"]["client_id"]
        begins = twin.clock.epoch()
        lifetime = _lifetime(call, server)
        jti = "AT." + twin.ids.mint("jti", 43)
        claims: dict[str, Any] = {
            "ver": 1,
            "jti": jti,
            "iss": issuer,
            "aud": server["fields"]["audiences"][0] if server is not None else issuer,
            "sub": client_id,
            "iat": begins,
            "exp": begins + lifetime,
            "cid": client_id,
            "scp": scopes,
        }
        header = {"kid": key["id"]}
        if server is None:
            header["typ"] = "application/okta-internal-at+jwt"
        if thumb:
            claims["cnf"] = {"jkt": thumb}
        text = crypto.sign(header, claims, crypto.key_of(key["hidden"]["rsa"]))
        fields = {
            "clientId": client_id,
            "app": client["id"],
            "server": owner,
            "scopes": scopes,
            "exp": claims["exp"],
            "iat": begins,
            "scheme": "DPoP" if thumb else "Bearer",
            "jkt": thumb,
        }
        put_thing(twin, "oauth_tokens", "", fields, id=jti, hidden={"token": text})
        headers = [("dpop-nonce", _nonce(twin))] if thumb else []
        answer = {
            "token_type": fields["scheme"],
            "expires_in": lifetime,
            "access_token": text,
            "scope": " ".join(scopes),
        }
        return Response.json(answer, 200, headers)

    @route("POST", _ORG + "/introspect", "introspect")
    @route("POST", _CUSTOM + "/v1/introspect", "introspectCustomAS")
    def introspect(self, call: Call) -> Response:
        """What a token says, or ``active: false``."""
        try:
            form = _form(call)
            _client(call, form)
        except _Refusal as refusal:
            return refusal.response
        row = _token_row(call.twin, form.get("token", ""))
        if row is None:
            return Response.json({"active": False})
        claims = crypto.parts(row["hidden"]["token"])[1]
        shown = {name: claims[name] for name in ("aud", "exp", "iat", "iss", "jti", "sub")}
        fields = row["fields"]
        return Response.json(
            {
                "active": True,
                "scope": " ".join(fields["scopes"]),
                "client_id": fields["clientId"],
                "token_type": fields["scheme"],
                **shown,
            }
        )

    @route("POST", _ORG + "/revoke", "revoke")
    @route("POST", _CUSTOM + "/v1/revoke", "revokeCustomAS")
    def revoke_token(self, call: Call) -> Response:
        """200, also for a token that is none."""
        try:
            form = _form(call)
            client = _client(call, form)
        except _Refusal as refusal:
            return refusal.response
        row = _token_row(call.twin, form.get("token", ""))
        if row is not None and row["fields"]["app"] == client["id"]:
            call.twin["things"].delete(("oauth_tokens", row["key"]))
        return Response(200)


def _form(call: Call) -> dict[str, str]:
    try:
        return call.request.form()
    except BadBodyError as problem:
        raise _no("invalid_request", "The request body is not a form.") from problem


def _issuer(call: Call) -> tuple[str, Row | None]:
    """Who issues, and the custom authorization server if it is one."""
    base = call.request.base_url
    key = call.params.get("authorizationServerId")
    if key is None:
        return base, None
    row = call.twin["things"].get(("servers", key))
    if row is None or row["status"] != "ACTIVE":
        return base, None
    return f"{base}/oauth2/{key}", row


def _not_there(call: Call) -> Response:
    return _refused(404, "invalid_issuer", "The authorization server does not exist.")


def _nonce(twin: Twin) -> str:
    """The nonce proofs have to carry now; another one every day."""
    org = twin["org"]["org"]["id"]
    day = twin.clock.epoch() // _NONCE_WINDOW
    return crypto.b64(hashlib.sha256(f"{org}/{day}".encode()).digest())


def _lifetime(call: Call, server: Row | None) -> int:
    if server is None:
        return _LIFETIME
    for policy in rows_of(call.twin, "server_policies", server["id"]):
        for rule in rows_of(call.twin, "server_rules", policy["id"]):
            minutes: int = rule["fields"]["actions"]["token"]["accessTokenLifetimeMinutes"]
            return minutes * 60
    return _LIFETIME


def _scopes(call: Call, client: Row, server: Row | None, wanted: list[str]) -> list[str]:
    """What may be had of what is asked for."""
    if server is not None:
        rows = rows_of(call.twin, "server_scopes", server["id"])
        known = {row["fields"]["name"] for row in rows if not row["fields"]["system"]}
        wanted = wanted or [row["fields"]["name"] for row in rows if row["fields"]["default"]]
        if not any(_allows(call, server, client) for _ in (1,)):
            sentence = (
                "Policy evaluation failed for this request, please check the policy configurations."
            )
            raise _no("access_denied", sentence)
    else:
        known = {row["fields"]["scopeId"] for row in rows_of(call.twin, "app_grants", client["id"])}
    if not wanted:
        raise _no("invalid_scope", "The authorization request must specify a 'scope'.")
    lacking = [scope for scope in wanted if scope not in known]
    if lacking:
        sentence = "One or more scopes are not configured for the authorization server resource."
        if server is None:
            sentence = f"You are not allowed any of the requested scopes: {lacking[0][:80]}"
        raise _no("invalid_scope", sentence)
    return wanted


def _allows(call: Call, server: Row, client: Row) -> bool:
    for policy in rows_of(call.twin, "server_policies", server["id"]):
        include = policy["fields"]["conditions"]["clients"]["include"]
        ids = {client["id"], client["fields"]["credentials"]["oauthClient"]["client_id"]}
        if policy["status"] != "ACTIVE" or (
            "ALL_CLIENTS" not in include and not ids & set(include)
        ):
            continue
        for rule in rows_of(call.twin, "server_rules", policy["id"]):
            grants = rule["fields"]["conditions"]["grantTypes"]["include"]
            if rule["status"] == "ACTIVE" and "client_credentials" in grants:
                return True
    return False


def _client(call: Call, form: dict[str, str]) -> Row:
    """The client, authenticated by the method it is registered with."""
    key, secret, assertion = form.get("client_id", ""), form.get("client_secret", ""), ""
    used = "client_secret_post" if secret else "none"
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            key = ""
        used = "client_secret_basic"
    elif form.get("client_assertion_type") == _JWT_BEARER:
        assertion, used = form.get("client_assertion", ""), "private_key_jwt"
        try:
            key = str(crypto.parts(assertion)[1].get("sub"))
        except crypto.BadTokenError as problem:
            raise _no(
                "invalid_client", "The client_assertion token is malformed.", 401
            ) from problem
    row = APPS.by_client(call.twin, key)
    if row is None or row["status"] != "ACTIVE":
        raise _no("invalid_client", "Invalid value for 'client_id' parameter.", 401)
    client = row["fields"]["credentials"]["oauthClient"]
    method = client["token_endpoint_auth_method"]
    if used == "private_key_jwt" and method == "client_secret_jwt":
        used = method
    if used != method:
        sentence = f"Client authentication failed. The client must use '{method}'."
        raise _no("invalid_client", sentence, 401)
    if assertion:
        _check_assertion(call, row, assertion)
    elif secret and secret not in _secrets(call.twin, row):
        raise _no(
            "invalid_client",
            "The client secret supplied for a confidential client is invalid.",
            401,
        )
    return row


def _secrets(twin: Twin, row: Row) -> list[str]:
    rows = rows_of(twin, "app_secrets", row["id"])
    return [one["hidden"]["secret"] for one in rows if one["status"] == "ACTIVE"]


def _check_assertion(call: Call, row: Row, assertion: str) -> None:
    keys: list[Any] = list(
        (row["fields"]["settings"]["oauthClient"].get("jwks") or {}).get("keys", [])
    )
    keys += [
        k["fields"] for k in rows_of(call.twin, "app_jwks", row["id"]) if k["status"] == "ACTIVE"
    ]
    keys += _secrets(call.twin, row)
    claims = None
    for key in keys:
        try:
            claims = crypto.verify(assertion, key)[1]
        except crypto.BadTokenError:
            continue
        break
    if claims is None:
        raise _no("invalid_client", "The client_assertion signature is invalid.", 401)
    audience = claims.get("aud")
    aimed = [audience] if isinstance(audience, str) else audience
    path = "/" + call.request.path.strip("/")
    if not isinstance(aimed, list) or not any(str(one).endswith(path) for one in aimed):
        raise _no("invalid_client", "The audience claim for client_assertion is wrong.", 401)
    expires = claims.get("exp")
    if not isinstance(expires, int | float):
        raise _no("invalid_client", "The client_assertion token has no 'exp'.", 401)
    jti = claims.get("jti")
    if isinstance(jti, str):
        used = ("jtis", f"{row['id']}/{jti[:200]}")
        if used in call.twin["things"]:
            raise _no("invalid_client", "The client_assertion token was used before.", 401)
        put_thing(call.twin, "jtis", "", {}, row["id"], id=jti[:200], keyed=True)
