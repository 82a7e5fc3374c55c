"""The grant types of the token endpoint."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Call, Response, Row, Twin

from . import changes, crypto, oauth_tokens
from .factors import totp
from .oauth_clients import client_id, client_of, client_settings, dpop_proof
from .oauth_core import Issuer, issuer_at, no
from .oauth_scopes import DEFAULT_RULE, assigned, granted
from .oauth_tokens import ALIVE, Grant, respond
from .resource import put_thing
from .signin import check_password, factors_of, sign_on_rule

__all__ = ["DEVICE_CODE", "PASSWORDLESS", "TOKEN_EXCHANGE", "grant_token", "put_code"]

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_OTP: Final = "urn:okta:params:oauth:grant-type:otp"
_MFA_OTP: Final = "http://auth0.com/oauth/grant-type/mfa-otp"
PASSWORDLESS: Final = frozenset({_OTP, _MFA_OTP})
_TYPE: Final = "urn:ietf:params:oauth:token-type:"
_ID_JAG: Final = _TYPE + "id-jag"
_DEVICE_SECRET: Final = "urn:x-oath:params:oauth:token-type:device-secret"
_CODE_SECONDS: Final = 300
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

Handler = Callable[[Call, Issuer, Row, dict[str, str]], Response]


def grant_token(call: Call, issuer: Issuer, form: dict[str, str]) -> Response:
    """The token endpoint's answer."""
    kind = form.get("grant_type")
    if not kind:
        raise no("invalid_request", "The token request must specify a 'grant_type'.")
    client = client_of(call, form)
    handler = _HANDLERS.get(kind)
    if handler is None:
        if kind in _GAPS:
            call.gap(f"token with grant_type={kind}")
            raise no("unsupported_grant_type", f"The twin does not know {kind}.", 501)
        sentence = "The authorization grant type is not supported by the authorization server."
        raise no("unsupported_grant_type", sentence)
    if kind not in client_settings(client)["grant_types"]:
        sentence = f"The client is not authorized to use the provided grant type: {kind[:60]}."
        raise no("unauthorized_client", sentence)
    return handler(call, issuer, client, form)


def _need(form: dict[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise no("invalid_request", f"The token request must specify a '{name}'.")
    return value


def _scopes(form: dict[str, str]) -> list[str]:
    return form.get("scope", "").split()


# -- client_credentials


def _client_credentials(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    scopes, rule = granted(call, issuer, client, None, "client_credentials", _scopes(form))
    thumb = dpop_proof(call, client)
    return respond(call, Grant(client, issuer, None, scopes, rule, thumb=thumb))


# -- authorization_code


def put_code(call: Call, grant: Grant, redirect: str, challenge: str) -> str:
    """A code for a grant, good once and for five minutes."""
    assert grant.user is not None
    code = call.twin.ids.mint("oauth_code", 43, alphabet=_LETTERS)
    hidden = {
        "app": grant.client["id"],
        "server": grant.issuer.id,
        "user": grant.user["id"],
        "scopes": grant.scopes,
        "rule": dict(grant.rule),
        "nonce": grant.nonce,
        "authTime": grant.auth_time,
        "amr": grant.amr,
        "session": grant.session,
        "redirect": redirect,
        "challenge": challenge,
        "until": call.twin.clock.epoch() + _CODE_SECONDS,
        "spent": "",
    }
    put_thing(call.twin, "oauth_codes", "", {}, grant.user["id"], id=code, hidden=hidden)
    return code


def _authorization_code(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    twin = call.twin
    code = _need(form, "code")
    row = twin["things"].get(("oauth_codes", code))
    invalid = no("invalid_grant", "The authorization code is invalid or has expired.")
    if row is None or row["hidden"]["app"] != client["id"]:
        raise invalid
    held = row["hidden"]
    if held["spent"]:
        # A code that is used twice may have been stolen: what came of it is taken back.
        _take_back(twin, code)
        raise invalid
    user = twin["users"].get(held["user"])
    if held["server"] != issuer.id or twin.clock.epoch() >= held["until"]:
        raise invalid
    if user is None or user["status"] not in ALIVE:
        raise invalid
    if form.get("redirect_uri", held["redirect"]) != held["redirect"]:
        sentence = "The 'redirect_uri' does not match the redirection URI used in the"
        raise no("invalid_grant", f"{sentence} authorization request.")
    _check_verifier(form, held["challenge"])
    thumb = dpop_proof(call, client)
    twin["things"].put(("oauth_codes", code), {**row, "hidden": {**held, "spent": "yes"}})
    grant = Grant(
        client,
        issuer,
        user,
        held["scopes"],
        held["rule"],
        nonce=held["nonce"],
        auth_time=held["authTime"],
        amr=held["amr"],
        thumb=thumb,
        session=held["session"] or code,
    )
    answer = respond(call, grant)
    _note_tokens(twin, code, answer.data())
    return answer


def _check_verifier(form: dict[str, str], challenge: str) -> None:
    if not challenge:
        return
    verifier = form.get("code_verifier")
    if not verifier:
        raise no("invalid_request", "The token request must specify a 'code_verifier'.")
    digest = crypto.b64(hashlib.sha256(verifier.encode()).digest())
    if not 43 <= len(verifier) <= 128 or digest != challenge:
        raise no("invalid_grant", "PKCE verification failed.")


def _note_tokens(twin: Twin, code: str, answer: dict[str, Any]) -> None:
    """Remember what came of a code."""
    row = twin["things"][("oauth_codes", code)]
    found = {name: answer.get(name, "") for name in ("access_token", "refresh_token")}
    twin["things"].put(("oauth_codes", code), {**row, "hidden": {**row["hidden"], **found}})


def _take_back(twin: Twin, code: str) -> None:
    held = twin["things"][("oauth_codes", code)]["hidden"]
    token = oauth_tokens.live(twin, held.get("access_token", ""))
    if token is not None:
        twin["things"].delete(("oauth_tokens", token["key"]))
    refresh = oauth_tokens.live_refresh(twin, held.get("refresh_token", ""))
    if refresh is not None:
        oauth_tokens.drop_refresh(twin, refresh)


# -- refresh_token


def _refresh_token(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    twin = call.twin
    text = _need(form, "refresh_token")
    invalid = no("invalid_grant", "The refresh token is invalid or expired.")
    row = oauth_tokens.live_refresh(twin, text)
    if row is None or row["parent"] != client["id"] or row["hidden"]["server"] != issuer.id:
        raise invalid
    rotation = client_settings(client).get("refresh_token") or {}
    browser = client_settings(client)["application_type"] == "browser"
    rotate = rotation.get("rotation_type", "ROTATE" if browser else "STATIC") == "ROTATE"
    if text != row["hidden"]["text"]:
        rotated = twin["things"][("refresh_texts", text)]["fields"]["rotated"]
        leeway = int(rotation.get("leeway", 0 if browser else 30))
        if twin.clock.epoch() - rotated >= leeway:
            # Somebody else has used it since: nobody gets anything any more.
            oauth_tokens.drop_refresh(twin, row)
            target = changes.party(client["id"], "PublicClientApp", client["fields"]["label"])
            says = "OAuth refresh token reuse detected"
            changes.log_about(call, "app.oauth2.token.detect_reuse", says, target)
            raise invalid
        rotate = False
    user = twin["users"][row["fields"]["userId"]]
    kept = list(row["fields"]["scopes"])
    wanted = _scopes(form) or kept
    if not set(wanted) <= set(kept):
        sentence = "One or more scopes were not granted with the refresh token."
        raise no("invalid_scope", sentence)
    thumb = dpop_proof(call, client)
    if row["hidden"]["jkt"] and thumb != row["hidden"]["jkt"]:
        raise no("invalid_dpop_proof", "The DPoP proof key is not the refresh token's.")
    if not assigned(call, client, user):
        raise no("invalid_grant", "User is not assigned to the client application.")
    rule = DEFAULT_RULE
    if issuer.server is not None:
        rule = granted(call, issuer, client, user, "authorization_code", kept)[1]
    row = oauth_tokens.used(call, row, rotate=rotate)
    grant = Grant(
        client,
        issuer,
        user,
        wanted,
        rule,
        auth_time=row["hidden"]["authTime"],
        amr=list(row["hidden"]["amr"]),
        thumb=thumb,
        refresh=row["id"],
        session=row["hidden"]["session"],
    )
    return respond(call, grant, row["hidden"]["text"])


# -- password, and one-time passcodes without or after it


def _password(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    login, password = _need(form, "username"), _need(form, "password")
    user = check_password(call, login, password)
    if user is None or user["status"] != "ACTIVE":
        raise no("invalid_grant", "The credentials provided were invalid.")
    scopes, rule = _for_user(call, issuer, client, user, "password", _scopes(form))
    signon = sign_on_rule(call, user) or {}
    if signon.get("access") == "DENY":
        raise no("access_denied", "Resource owner password credentials authentication denied.")
    if signon.get("requireFactor"):
        raise _mfa_required(call, client, user, form)
    return _direct(call, issuer, client, user, scopes, rule, ["pwd"])


def _for_user(
    call: Call, issuer: Issuer, client: Row, user: Row, grant: str, scopes: list[str]
) -> tuple[list[str], Row]:
    if not assigned(call, client, user):
        raise no("access_denied", "User is not assigned to the client application.")
    return granted(call, issuer, client, user, grant, scopes)


def _direct(
    call: Call,
    issuer: Issuer,
    client: Row,
    user: Row,
    scopes: list[str],
    rule: Row,
    amr: list[str],
) -> Response:
    """Tokens for a user who has just signed in without a browser."""
    thumb = dpop_proof(call, client)
    when = call.twin.clock.epoch()
    grant = Grant(client, issuer, user, scopes, rule, auth_time=when, amr=amr, thumb=thumb)
    return respond(call, grant)


def _mfa_required(call: Call, client: Row, user: Row, form: dict[str, str]) -> Exception:
    if not PASSWORDLESS & set(client_settings(client)["grant_types"]):
        sentence = "MFA required for this authorization request."
        return no("invalid_grant", sentence)
    token = call.twin.ids.mint("mfa_token", 43, alphabet=_LETTERS)
    hidden = {
        "user": user["id"],
        "app": client["id"],
        "scopes": _scopes(form),
        "until": call.twin.clock.epoch() + _CODE_SECONDS,
    }
    put_thing(call.twin, "mfa_tokens", "", {}, id=token, hidden=hidden)
    refusal = no("mfa_required", "MFA is required for this authorization request.", 403)
    refusal.more = {"mfa_token": token}
    return refusal


def _holds_otp(call: Call, user: Row, otp: str) -> bool:
    step = call.twin.clock.epoch() // 30
    for factor in factors_of(call.twin, user):
        secret = factor["hidden"].get("secret")
        if secret and otp in {totp(secret, step + offset) for offset in (-1, 0, 1)}:
            return True
    return False


def _otp(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    user = call.twin["users"].first("login", _need(form, "login_hint").lower())
    otp = _need(form, "otp")
    if user is None or user["status"] != "ACTIVE" or not _holds_otp(call, user, otp):
        raise no("invalid_grant", "The credentials provided were invalid.")
    scopes, rule = _for_user(call, issuer, client, user, "password", _scopes(form))
    return _direct(call, issuer, client, user, scopes, rule, ["otp"])


def _mfa_otp(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    row = call.twin["things"].get(("mfa_tokens", _need(form, "mfa_token")))
    otp = _need(form, "otp")
    held: Row = row["hidden"] if row is not None else {"until": 0}
    if row is None or held.get("app") != client["id"] or call.twin.clock.epoch() >= held["until"]:
        raise no("invalid_grant", "The 'mfa_token' is invalid or has expired.")
    user = call.twin["users"].get(held["user"])
    if user is None or user["status"] != "ACTIVE" or not _holds_otp(call, user, otp):
        raise no("invalid_grant", "The one-time passcode is invalid.")
    call.twin["things"].delete(("mfa_tokens", row["key"]))
    scopes, rule = _for_user(call, issuer, client, user, "password", held["scopes"])
    return _direct(call, issuer, client, user, scopes, rule, ["pwd", "otp", "mfa"])


# -- device_code


def _device_code(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    things = call.twin["things"]
    row = things.get(("device_codes", _need(form, "device_code")))
    held = row["hidden"] if row is not None else {}
    if row is None or held["app"] != client["id"] or held["server"] != issuer.id:
        raise no("invalid_grant", "The device code is invalid or has expired.")
    if call.twin.clock.epoch() >= held["until"]:
        raise no("expired_token", "The device code has expired.")
    if held["state"] == "denied":
        raise no("access_denied", "The user denied the request.")
    user = call.twin["users"].get(held["user"])
    if held["state"] != "allowed" or user is None:
        raise no(
            "authorization_pending",
            "The device authorization is pending. Please try again later.",
        )
    scopes, rule = _for_user(call, issuer, client, user, DEVICE_CODE, held["scopes"])
    thumb = dpop_proof(call, client)
    things.delete(("device_codes", row["key"]))
    return respond(
        call,
        Grant(
            client,
            issuer,
            user,
            scopes,
            rule,
            auth_time=held["authTime"],
            amr=held["amr"],
            thumb=thumb,
        ),
    )


# -- token exchange and the assertions it makes


def _token_exchange(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    text, kind = _need(form, "subject_token"), _need(form, "subject_token_type")
    user, held = _exchanged(call, text, kind)
    wanted = form.get("requested_token_type", _TYPE + "access_token")
    if wanted == _ID_JAG:
        return _id_jag(call, issuer, client, form, user)
    if wanted != _TYPE + "access_token":
        raise no("invalid_request", "The 'requested_token_type' is not supported.")
    actor = form.get("actor_token")
    if actor is not None:
        secret = call.twin["things"].get(("device_secrets", actor))
        if form.get("actor_token_type") != _DEVICE_SECRET or secret is None:
            raise no("invalid_grant", "The 'actor_token' is invalid.")
        if secret["fields"]["user"] != user["id"]:
            raise no("invalid_grant", "The 'actor_token' is not of the subject.")
    elif issuer.server is None:
        raise no("invalid_request", "The token request must specify an 'actor_token'.")
    elif form.get("audience") not in (None, *issuer.server["fields"]["audiences"]):
        raise no("invalid_target", "The 'audience' is not the authorization server's.")
    scopes = _scopes(form) or held
    scopes, rule = _for_user(call, issuer, client, user, TOKEN_EXCHANGE, scopes)
    grant = Grant(client, issuer, user, scopes, rule, thumb=dpop_proof(call, client))
    return respond(call, grant, issued_token_type=wanted)


def _exchanged(call: Call, text: str, kind: str) -> tuple[Row, list[str]]:
    """The user whom a subject token is about, and its scopes."""
    twin = call.twin
    invalid = no("invalid_grant", "The 'subject_token' is invalid.")
    key, scopes = "", []
    if kind == _TYPE + "access_token":
        row = oauth_tokens.live(twin, text)
        if row is not None:
            key, scopes = row["fields"]["user"], list(row["fields"]["scopes"])
    elif kind == _TYPE + "id_token":
        found = oauth_tokens.id_token_claims(twin, text)
        if found is not None and found["exp"] > twin.clock.epoch():
            key = found["sub"]
    else:
        raise no("invalid_request", "The 'subject_token_type' is not supported.")
    user = twin["users"].get(key)
    if user is None or user["status"] not in ALIVE:
        raise invalid
    return user, scopes


def _id_jag(call: Call, issuer: Issuer, client: Row, form: dict[str, str], user: Row) -> Response:
    """An assertion for another authorization server (cross-app access)."""
    audience = _need(form, "audience")
    if not assigned(call, client, user):
        raise no("access_denied", "User is not assigned to the client application.")
    begins = call.twin.clock.epoch()
    claims = {
        "jti": "IDAAG." + call.twin.ids.mint("jti", 43, alphabet=_LETTERS),
        "iss": issuer.url,
        "aud": audience,
        "sub": user["id"],
        "client_id": client_id(client),
        "iat": begins,
        "exp": begins + _CODE_SECONDS,
        "scope": " ".join(_scopes(form)),
        "auth_time": begins,
    }
    text = oauth_tokens.signed(call, issuer, claims, {"typ": "oauth-id-jag+jwt"})
    return Response.json(
        {
            "token_type": "N_A",
            "expires_in": _CODE_SECONDS,
            "access_token": text,
            "issued_token_type": _ID_JAG,
            "scope": claims["scope"],
        }
    )


def _jwt_bearer(call: Call, issuer: Issuer, client: Row, form: dict[str, str]) -> Response:
    """With an assertion that one of the organisation's own servers has signed."""
    claims = oauth_tokens.signed_claims(call.twin, _need(form, "assertion"))
    invalid = no("invalid_grant", "The 'assertion' is invalid.")
    if claims is None or claims.get("exp", 0) <= call.twin.clock.epoch():
        raise invalid
    if claims.get("aud") != issuer.url or claims.get("client_id") != client_id(client):
        raise invalid
    origin = issuer_at(call, "")
    assert origin is not None
    used = ("jtis", f"{client['id']}/{claims['jti']}")
    user = call.twin["users"].get(str(claims.get("sub")))
    if claims.get("iss") != origin.url or user is None or used in call.twin["things"]:
        raise invalid
    wanted = _scopes(form) or str(claims.get("scope", "")).split()
    scopes, rule = _for_user(call, issuer, client, user, _JWT_BEARER, wanted)
    put_thing(call.twin, "jtis", "", {}, client["id"], id=claims["jti"], keyed=True)
    grant = Grant(client, issuer, user, scopes, rule, thumb=dpop_proof(call, client))
    return respond(call, grant)


_HANDLERS: Final[dict[str, Handler]] = {
    "client_credentials": _client_credentials,
    "authorization_code": _authorization_code,
    "refresh_token": _refresh_token,
    "password": _password,
    DEVICE_CODE: _device_code,
    TOKEN_EXCHANGE: _token_exchange,
    _JWT_BEARER: _jwt_bearer,
    _OTP: _otp,
    _MFA_OTP: _mfa_otp,
}
_GAPS: Final = frozenset(
    {
        "interaction_code",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:openid:params:grant-type:ciba",
        "urn:okta:params:oauth:grant-type:oob",
        "http://auth0.com/oauth/grant-type/mfa-oob",
    }
)
"""Grant types that Okta knows and the twin does not."""
