"""Which client calls an OAuth endpoint, and how it proves it: secrets, assertions, DPoP."""

import hashlib
from base64 import b64decode
from typing import Any, Final

from factory_tui.universe import Call, Request, Row, Twin

from . import crypto
from .apps import APPS
from .oauth_core import no
from .resource import put_thing, rows_of

__all__ = [
    "client_id",
    "client_of",
    "client_settings",
    "dpop_nonce",
    "dpop_proof",
    "keys_of",
    "named_client",
    "proof_of",
]

_JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NONCE_WINDOW: Final = 86_400


def client_id(client: Row) -> str:
    """A client's id."""
    return str(client["fields"]["credentials"]["oauthClient"]["client_id"])


def client_settings(client: Row) -> Row:
    """Its grant types, redirect URIs and the like."""
    settings: Row = client["fields"]["settings"]["oauthClient"]
    return settings


def named_client(call: Call, key: str) -> Row:
    """The active client of an id, not authenticated."""
    row = APPS.by_client(call.twin, key)
    if row is None or row["status"] != "ACTIVE":
        raise no("invalid_client", "Invalid value for 'client_id' parameter.", 401)
    return row


def client_of(call: Call, form: dict[str, str]) -> Row:
    """The client, authenticated by the method it is registered with."""
    key, secret, assertion = form.get("client_id", ""), form.get("client_secret", ""), ""
    used = "client_secret_post" if secret else "none"
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        if secret or form.get("client_assertion"):
            sentence = (
                "Cannot supply multiple client credentials. Use one of the following: credentials"
                " in the Authorization header, credentials in the post body, or a"
                " client_assertion in the post body."
            )
            raise no("invalid_request", sentence)
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
            sentence = "The client_assertion token is malformed."
            raise no("invalid_client", sentence, 401) from problem
    row = named_client(call, key or call.request.query.get("client_id", ""))
    method = row["fields"]["credentials"]["oauthClient"]["token_endpoint_auth_method"]
    if used == "private_key_jwt" and method == "client_secret_jwt":
        used = method
    if used != method:
        sentence = f"Client authentication failed. The client must use '{method}'."
        raise no("invalid_client", sentence, 401)
    if assertion:
        _check_assertion(call, row, assertion)
    elif secret and secret not in _secrets(call.twin, row):
        sentence = "The client secret supplied for a confidential client is invalid."
        raise no("invalid_client", sentence, 401)
    elif used.startswith("client_secret") and not secret:
        raise no("invalid_client", "The client secret is missing.", 401)
    return row


def _secrets(twin: Twin, row: Row) -> list[str]:
    rows = rows_of(twin, "app_secrets", row["id"])
    return [one["hidden"]["secret"] for one in rows if one["status"] == "ACTIVE"]


def keys_of(call: Call, row: Row) -> list[Any]:
    """What a client may sign with: its public keys and its secrets."""
    keys: list[Any] = list((client_settings(row).get("jwks") or {}).get("keys", []))
    keys += [
        k["fields"] for k in rows_of(call.twin, "app_jwks", row["id"]) if k["status"] == "ACTIVE"
    ]
    return keys + _secrets(call.twin, row)


def _check_assertion(call: Call, row: Row, assertion: str) -> None:
    claims = None
    for key in keys_of(call, row):
        try:
            claims = crypto.verify(assertion, key)[1]
        except crypto.BadTokenError:
            continue
        break
    if claims is None:
        raise no("invalid_client", "The client_assertion signature is invalid.", 401)
    audience = claims.get("aud")
    aimed = [audience] if isinstance(audience, str) else audience
    path = "/" + call.request.path.strip("/")
    # The token endpoint and the issuer are audiences for every endpoint.
    token = path.rpartition("/")[0] + "/token"
    ends = (path, token, call.request.base_url, path.rpartition("/v1/")[0])
    if not isinstance(aimed, list) or not any(str(one).endswith(ends) for one in aimed):
        raise no("invalid_client", "The audience claim for client_assertion is wrong.", 401)
    if claims.get("iss") != claims.get("sub"):
        sentence = "The 'iss' and 'sub' claims of client_assertion must be the client_id."
        raise no("invalid_client", sentence, 401)
    if not isinstance(claims.get("exp"), int | float):
        raise no("invalid_client", "The client_assertion token has no 'exp'.", 401)
    _once(call, row, claims.get("jti"))


def _once(call: Call, row: Row, jti: Any) -> None:
    if not isinstance(jti, str):
        return
    if ("jtis", f"{row['id']}/{jti[:200]}") in call.twin["things"]:
        raise no("invalid_client", "The client_assertion token was used before.", 401)
    put_thing(call.twin, "jtis", "", {}, row["id"], id=jti[:200], keyed=True)


# -- DPoP (RFC 9449)


def dpop_nonce(twin: Twin) -> str:
    """The nonce proofs have to carry now; another one every day."""
    org = twin["org"]["org"]["id"]
    day = twin.clock.epoch() // _NONCE_WINDOW
    return crypto.b64(hashlib.sha256(f"{org}/{day}".encode()).digest())


def proof_of(request: Request, text: str) -> dict[str, Any]:
    """A DPoP proof whose signature, method and address hold: ``jkt``, ``ath`` and ``nonce``."""
    try:
        header = crypto.parts(text)[0]
        key = header.get("jwk")
        if not isinstance(key, dict) or "d" in key or header.get("typ") != "dpop+jwt":
            raise crypto.BadTokenError("no key")
        claims = crypto.verify(text, key)[1]
        thumb = crypto.thumbprint(key)
    except crypto.BadTokenError as problem:
        raise no("invalid_dpop_proof", "The DPoP proof JWT is invalid.") from problem
    address = str(claims.get("htu", "")).partition("?")[0].rstrip("/")
    if claims.get("htm") != request.method or not address.endswith("/" + request.path.strip("/")):
        raise no("invalid_dpop_proof", "The DPoP proof JWT's 'htm' or 'htu' claim is wrong.")
    if not isinstance(claims.get("jti"), str) or not isinstance(claims.get("iat"), int):
        raise no("invalid_dpop_proof", "The DPoP proof JWT lacks 'jti' or 'iat'.")
    return {"jkt": thumb, "ath": claims.get("ath"), "nonce": claims.get("nonce")}


def dpop_proof(call: Call, client: Row) -> str:
    """The thumbprint of the key that a token is to be bound to, "" for a bearer token."""
    text = call.request.headers.get("dpop")
    if text is None:
        if client_settings(client)["dpop_bound_access_tokens"]:
            raise no("invalid_dpop_proof", "The DPoP proof JWT header is missing.")
        return ""
    proof = proof_of(call.request, text)
    nonce = dpop_nonce(call.twin)
    if not proof["nonce"] and not client_settings(client)["dpop_bound_access_tokens"]:
        # Okta's JavaScript client sends a proof always, and takes a bearer token for it.
        return ""
    if proof["nonce"] != nonce:
        sentence = "Authorization server requires nonce in DPoP proof."
        raise no("use_dpop_nonce", sentence, dpop_nonce=nonce)
    return str(proof["jkt"])
