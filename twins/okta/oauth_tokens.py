"""Tokens: made, found again, introspected and taken back.

Access and ID tokens are signed with the issuer's active key. Access tokens are rows
(``oauth_tokens``), as are refresh tokens (``app_tokens``, which the API lists); the text of a
refresh token leads to its row through ``refresh_texts``.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from factory_tui.universe import BASE62, Call, Response, Row, Twin, iso

from . import crypto, seeds
from .authservers import SERVER_KEYS
from .keys import public, signing_key
from .oauth_claims import Subject, access_claims, identity_claims
from .oauth_clients import client_id, client_settings, dpop_nonce
from .oauth_core import Issuer
from .oauth_scopes import offline
from .resource import put_thing, rows_of

__all__ = [
    "ALIVE",
    "Grant",
    "access_token",
    "drop_refresh",
    "id_token",
    "id_token_claims",
    "live",
    "live_refresh",
    "refresh_token",
    "respond",
    "signed",
    "signed_claims",
    "used",
]

_ID_TOKEN_SECONDS: Final = 3600
_LETTERS: Final = BASE62 + "-_"
_FOREVER: Final = 100 * 365 * 86_400
ALIVE: Final = frozenset({"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"})
"""The statuses in which a user's tokens are good."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client was granted.

    Attributes:
        client: The application's row.
        issuer: Who issues.
        user: On whose behalf, ``None`` for the client itself.
        scopes: What was granted.
        rule: How long tokens last, as a policy rule says it.
        nonce: Of the authorization request.
        auth_time: When the user signed in, seconds since 1970.
        amr: How.
        thumb: Of the key that tokens are bound to, "" for bearer tokens.
        refresh: The id of the refresh token that stands behind it.
        session: The id of the user's session.
    """

    client: Row
    issuer: Issuer
    user: Row | None
    scopes: list[str]
    rule: Row
    nonce: str = ""
    auth_time: int = 0
    amr: list[str] = field(default_factory=lambda: ["pwd"])
    thumb: str = ""
    refresh: str = ""
    session: str = ""

    def subject(self, call: Call) -> Subject:
        """Whom its tokens are about."""
        return Subject(call, self.client, self.user)

    @property
    def seconds(self) -> int:
        """How long an access token lasts."""
        return int(self.rule["accessTokenLifetimeMinutes"]) * 60


def signed(call: Call, issuer: Issuer, claims: dict[str, Any], header: dict[str, Any]) -> str:
    """Claims as a token that the issuer's active key has signed."""
    key = SERVER_KEYS.active(call.twin, issuer.id)
    return crypto.sign({"kid": key["id"], **header}, claims, signing_key(key))


def access_token(call: Call, grant: Grant) -> str:
    """A new access token."""
    twin, issuer = call.twin, grant.issuer
    begins = twin.clock.epoch()
    jti = "AT." + twin.ids.mint("jti", 43, alphabet=_LETTERS)
    if grant.refresh:
        jti = f"{jti}.{grant.refresh}"
    claims: dict[str, Any] = {
        "ver": 1,
        "jti": jti,
        "iss": issuer.url,
        "aud": issuer.server["fields"]["audiences"][0] if issuer.server else issuer.url,
        "iat": begins,
        "exp": begins + grant.seconds,
        "cid": client_id(grant.client),
    }
    if grant.user is not None:
        claims["uid"] = grant.user["id"]
    claims["scp"] = grant.scopes
    if grant.auth_time:
        claims["auth_time"] = grant.auth_time
    if grant.thumb:
        claims["cnf"] = {"jkt": grant.thumb}
    claims |= access_claims(grant.subject(call), issuer, grant.scopes)
    header = {} if issuer.server is not None else {"typ": "application/okta-internal-at+jwt"}
    text = signed(call, issuer, claims, header)
    fields = {
        "clientId": claims["cid"],
        "app": grant.client["id"],
        "server": issuer.id,
        "user": grant.user["id"] if grant.user is not None else "",
        "scopes": grant.scopes,
        "exp": claims["exp"],
        "iat": begins,
        "scheme": "DPoP" if grant.thumb else "Bearer",
        "jkt": grant.thumb,
        "refresh": grant.refresh,
        "session": grant.session,
    }
    put_thing(twin, "oauth_tokens", "", fields, id=jti, hidden={"token": text})
    return text


def id_token(call: Call, grant: Grant, access: str = "", code: str = "") -> str:
    """A new ID token; ``access`` and ``code`` come with it."""
    twin = call.twin
    assert grant.user is not None
    begins = twin.clock.epoch()
    claims: dict[str, Any] = {
        "sub": grant.user["id"],
        **identity_claims(grant.subject(call), grant.issuer, grant.scopes, thin=bool(access)),
        "ver": 1,
        "iss": grant.issuer.url,
        "aud": client_id(grant.client),
        "iat": begins,
        "exp": begins + _ID_TOKEN_SECONDS,
        "jti": "ID." + twin.ids.mint("jti", 43, alphabet=_LETTERS),
        "amr": grant.amr,
        "idp": twin["org"]["org"]["id"],
    }
    if grant.nonce:
        claims["nonce"] = grant.nonce
    claims["auth_time"] = grant.auth_time or begins
    if access:
        claims["at_hash"] = _half(access)
    if code:
        claims["c_hash"] = _half(code)
    settings = client_settings(grant.client)
    if settings.get("id_token_encrypted_response_alg"):
        call.gap("encrypted ID tokens")
    return signed(call, grant.issuer, claims, {})


def _half(text: str) -> str:
    return crypto.b64(hashlib.sha256(text.encode()).digest()[:16])


# -- refresh tokens


def refresh_token(call: Call, grant: Grant) -> tuple[str, str]:
    """A new refresh token: the id of its row, and its text."""
    twin = call.twin
    assert grant.user is not None
    now = twin.clock.epoch()
    lifetime = int(grant.rule.get("refreshTokenLifetimeMinutes", 0)) * 60
    idle = int(grant.rule.get("refreshTokenWindowMinutes", 0)) * 60
    until = now + (lifetime or _FOREVER)
    text = twin.ids.mint("refresh_token", 43, alphabet=_LETTERS)
    fields = {
        "issuer": grant.issuer.url,
        "clientId": client_id(grant.client),
        "userId": grant.user["id"],
        "scopes": grant.scopes,
        "expiresAt": _stamp(min(until, now + idle if idle else until)),
    }
    hidden = {
        "text": text,
        "server": grant.issuer.id,
        "until": until,
        "idle": idle,
        "idleUntil": now + idle if idle else until,
        "authTime": grant.auth_time,
        "amr": grant.amr,
        "jkt": grant.thumb,
        "session": grant.session,
    }
    key = seeds.new_id(twin.ids.mint, "oar")
    put_thing(twin, "app_tokens", "oar", fields, grant.client["id"], id=key, hidden=hidden)
    put_thing(twin, "refresh_texts", "", {"row": key, "rotated": 0}, key, id=text)
    return key, text


def _stamp(seconds: int) -> str:
    return iso(datetime.fromtimestamp(seconds, UTC))[:19] + ".000Z"


def live_refresh(twin: Twin, text: str) -> Row | None:
    """The row of a refresh token that is still good, whichever of its texts that is."""
    pointer = twin["things"].get(("refresh_texts", text))
    row = twin["things"].get(("app_tokens", pointer["fields"]["row"])) if pointer else None
    if row is None:
        return None
    hidden, now = row["hidden"], twin.clock.epoch()
    user = twin["users"].get(row["fields"]["userId"])
    if now >= min(hidden["until"], hidden["idleUntil"]):
        return None
    return row if user is not None and user["status"] in ALIVE else None


def used(call: Call, row: Row, *, rotate: bool) -> Row:
    """The row of a refresh token after its use: its window begins anew, its text may change."""
    twin, now = call.twin, call.twin.clock.epoch()
    hidden = dict(row["hidden"])
    hidden["idleUntil"] = now + hidden["idle"] if hidden["idle"] else hidden["until"]
    if rotate:
        old = twin["things"][("refresh_texts", hidden["text"])]
        changed = {**old, "fields": {**old["fields"], "rotated": now}}
        twin["things"].put(("refresh_texts", old["key"]), changed)
        hidden["text"] = twin.ids.mint("refresh_token", 43, alphabet=_LETTERS)
        fresh = {"row": row["id"], "rotated": 0}
        put_thing(twin, "refresh_texts", "", fresh, row["id"], id=hidden["text"])
    fields = {**row["fields"], "expiresAt": _stamp(min(hidden["until"], hidden["idleUntil"]))}
    changed = {**row, "fields": fields, "hidden": hidden, "lastUpdated": _stamp(now)}
    twin["things"].put(("app_tokens", row["key"]), changed)
    return changed


def drop_refresh(twin: Twin, row: Row) -> None:
    """Revoke a refresh token and the access tokens that came of it."""
    things = twin["things"]
    for key in list(things.find("of", ("oauth_tokens", ""))):
        if things[key]["fields"]["refresh"] == row["id"]:
            things.delete(key)
    for key in list(things.find("of", ("refresh_texts", row["id"]))):
        things.delete(key)
    things.delete(("app_tokens", row["key"]))


# -- finding


def live(twin: Twin, text: str) -> Row | None:
    """The row of an access token that is still good."""
    try:
        claims = crypto.parts(text)[1]
    except crypto.BadTokenError:
        return None
    row = twin["things"].get(("oauth_tokens", str(claims.get("jti"))))
    if row is None or row["hidden"]["token"] != text:
        return None
    if row["fields"]["exp"] <= twin.clock.epoch():
        return None
    key = row["fields"]["user"]
    user = twin["users"].get(key) if key else None
    return row if not key or (user is not None and user["status"] in ALIVE) else None


def signed_claims(twin: Twin, text: str) -> dict[str, Any] | None:
    """The claims of a token that one of our servers has signed, expired or not."""
    try:
        header, _ = crypto.parts(text)
    except crypto.BadTokenError:
        return None
    for owner in ("", *(row["id"] for row in rows_of(twin, "servers"))):
        key = twin["things"].get((SERVER_KEYS.name, f"{owner}/{header.get('kid')}"))
        if key is None:
            continue
        try:
            return crypto.verify(text, public(key))[1]
        except crypto.BadTokenError:
            return None
    return None


def id_token_claims(twin: Twin, text: str) -> dict[str, Any] | None:
    """The claims of an ID token of ours, expired or not."""
    claims = signed_claims(twin, text)
    return claims if claims and str(claims.get("jti", "")).startswith("ID.") else None


# -- answers


def respond(call: Call, grant: Grant, text: str = "", **more: Any) -> Response:
    """The token endpoint's answer to a grant; ``text`` is the refresh token to give along."""
    wanted = grant.user is not None and "offline_access" in grant.scopes
    if wanted and not text and offline(grant.client):
        key, text = refresh_token(call, grant)
        grant = replace(grant, refresh=key)
    access = access_token(call, grant)
    answer: dict[str, Any] = {
        "token_type": "DPoP" if grant.thumb else "Bearer",
        "expires_in": grant.seconds,
        "access_token": access,
        "scope": " ".join(grant.scopes),
    }
    if text:
        answer["refresh_token"] = text
    if grant.user is not None and "openid" in grant.scopes:
        answer["id_token"] = id_token(call, grant, access)
    if grant.user is not None and "device_sso" in grant.scopes:
        answer["device_secret"] = device_secret(call, grant)
    headers = [("dpop-nonce", dpop_nonce(call.twin))] if grant.thumb else []
    return Response.json({**answer, **more}, 200, headers)


def device_secret(call: Call, grant: Grant) -> str:
    """A secret by which other applications of the device get tokens (native single sign-on)."""
    assert grant.user is not None
    secret = call.twin.ids.mint("device_secret", 43, alphabet=_LETTERS)
    until = call.twin.clock.now() + timedelta(days=90)
    fields = {"user": grant.user["id"], "app": grant.client["id"], "until": iso(until)}
    put_thing(call.twin, "device_secrets", "", fields, id=secret)
    return secret
