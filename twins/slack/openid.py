"""Sign in with Slack: openid.connect.token and userInfo, and what a client discovers.

Consent is asked for at ``/openid/connect/authorize`` (see ``oauth.py``).
"""

from typing import Any, Final

from factory_tui.universe import Call, Response, Row

from .errors import SlackError
from .id_tokens import half_hash, public_key, sign
from .method import Context, method
from .oauth import client_of, new_token, renewed, rotation
from .shapes import profile_shape

__all__ = ["discover", "keys"]

ISSUER: Final = "https://slack.com"
_FIVE_MINUTES: Final = 300


def _about(c: Context, row: Row, scopes: list[str]) -> dict[str, Any]:
    """What is told of a person; the email and the name only with their scopes."""
    team = c.team
    told: dict[str, Any] = {
        f"{ISSUER}/user_id": row["id"],
        f"{ISSUER}/team_id": team["id"],
    }
    profile = profile_shape(c, row)
    if "email" in scopes:
        told |= {"email": row["email"], "email_verified": True}
        told["date_email_verified"] = row["updated"]
    if "profile" in scopes:
        told |= {
            "name": profile["real_name"],
            "picture": profile["image_512"],
            "given_name": row["first"],
            "family_name": row["last"],
            "locale": "en-US",
            f"{ISSUER}/team_name": team["name"],
            f"{ISSUER}/team_domain": team["domain"],
        }
        for size in (24, 32, 48, 72, 192, 512):
            told[f"{ISSUER}/user_image_{size}"] = profile[f"image_{size}"]
        for size in (34, 44, 68, 88, 102, 132, 230):
            picture = f"https://a.slack-edge.com/80588/img/avatars-teams/ava_0001-{size}.png"
            told[f"{ISSUER}/team_image_{size}"] = picture
        told[f"{ISSUER}/team_image_default"] = True
    return told


@method("openid.connect.token", public=True)
def token(c: Context) -> dict[str, Any]:
    """An access token and who the person is, for the code of a sign-in."""
    app = client_of(c)
    kind = c.args.text("grant_type", "authorization_code")
    if kind == "refresh_token":
        made = renewed(c, app)
        return {"access_token": made["token"], "token_type": "Bearer", **rotation(c, made)}
    if kind != "authorization_code":
        raise SlackError("invalid_grant_type")
    row = c["grants"].get(c.args.need("code", "invalid_code"))
    if row is None or row["app"] != app["id"] or row["used"] or c.now - row["at"] > _FIVE_MINUTES:
        raise SlackError("invalid_code")
    if row.get("flow") != "openid":
        raise SlackError("oauth_authorization_url_mismatch")
    if c.args.text("redirect_uri") != row["redirect"]:
        raise SlackError("bad_redirect_uri")
    c["grants"].put(row["code"], {**row, "used": True})
    made = new_token(c, app, "user", row["user"], row["person"])
    person = c["users"][row["user"]]
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "sub": person["id"],
        "aud": app["client_id"],
        "exp": c.now + _FIVE_MINUTES,
        "iat": c.now,
        "auth_time": row["at"],
        "at_hash": half_hash(made["token"]),
    }
    if row.get("nonce"):
        claims["nonce"] = row["nonce"]
    claims |= _about(c, person, row["person"])
    answer = {"access_token": made["token"], "token_type": "Bearer", "id_token": sign(claims)}
    if row.get("state"):
        answer["state"] = row["state"]
    return {**answer, **rotation(c, made)}


@method("openid.connect.userInfo", "openid", kinds=("user",))
def user_info(c: Context) -> dict[str, Any]:
    """Who has signed in."""
    assert c.token is not None
    row = c["users"][c.user]
    return {"sub": row["id"], **_about(c, row, c.token["scopes"])}


def discover(call: Call) -> Response:
    """``/.well-known/openid-configuration``."""
    if call.request.segments[1:] != ["openid-configuration"]:
        return Response.html("<!DOCTYPE html><title>404 | Slack</title>", 404)
    base = call.request.base_url
    return Response.json(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{base}/openid/connect/authorize",
            "token_endpoint": f"{base}/api/openid.connect.token",
            "userinfo_endpoint": f"{base}/api/openid.connect.userInfo",
            "jwks_uri": f"{base}/openid/connect/keys",
            "scopes_supported": ["openid", "profile", "email"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["form_post"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["sub", "auth_time", "iss"],
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": True,
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "client_secret_basic",
            ],
        }
    )


def keys() -> Response:
    """``/openid/connect/keys``: what verifies the tokens."""
    return Response.json({"keys": [public_key()]})
