"""OAuth v2: the consent page, oauth.v2.access and exchange, apps.uninstall, users.identity."""

import base64
import binascii
from html import escape as html
from typing import Any, Final
from urllib.parse import urlencode

from factory_tui.universe import (
    ALNUM,
    DIGITS,
    UPPER,
    BadBodyError,
    Call,
    Person,
    Response,
    Row,
    Twin,
)

from . import events
from .apps import ADMIN_SCOPES, ALL_SCOPES, USER_ONLY_SCOPES, app_of, bot_token, grant
from .body import bearer
from .errors import SlackError
from .method import Context, method
from .seed import user_row
from .shapes import profile_shape
from .state import count, update
from .webhooks import new_webhook

__all__ = ["authorize", "client_of", "install_bot", "new_token", "renewed", "rotation"]

_TEN_MINUTES: Final = 600
_HALF_DAY: Final = 43_200
_FLOWS: Final = {
    "oauth/v2/authorize": "v2",
    "oauth/authorize": "v1",
    "openid/connect/authorize": "openid",
}


_CLASSIC: Final = tuple(sorted(ALL_SCOPES - ADMIN_SCOPES - USER_ONLY_SCOPES))
"""What the scope ``bot`` of a classic app stands for."""


def _scopes(text: str) -> list[str]:
    return [scope for scope in text.replace(" ", ",").split(",") if scope]


def _page(status: int, text: str) -> Response:
    return Response.html(f"<!DOCTYPE html><title>Slack</title>{text}", status)


def authorize(call: Call) -> Response:
    """The consent page (GET) and the person's answer (POST).

    ``/oauth/v2/authorize``, ``/oauth/authorize`` of classic apps and, to sign in with Slack,
    ``/openid/connect/authorize``.
    """
    request, twin = call.request, call.twin
    asked = dict(request.query)
    if request.method == "POST":
        try:
            asked |= request.form()
        except BadBodyError:
            return _page(400, "<p>The form cannot be read</p>")
    app = twin["apps"].first("client", asked.get("client_id", ""))
    flow = _FLOWS.get("/".join(request.segments), "")
    if app is None or not flow:
        return _page(404, "<p>Invalid client_id parameter</p>")
    wanted = _scopes(asked.get("scope", "")), _scopes(asked.get("user_scope", ""))
    if flow == "openid":
        if asked.get("response_type", "code") != "code" or "openid" not in wanted[0]:
            return _page(400, "<p>Invalid scope: openid is needed</p>")
        wanted = [], wanted[0]
    elif flow == "v1":
        bot = [scope for scope in wanted[0] if scope in ("bot", "incoming-webhook", "commands")]
        wanted = bot, [scope for scope in wanted[0] if scope not in bot]
    unknown = sorted({*wanted[0], *wanted[1]} - ALL_SCOPES - {"bot"})
    if unknown or not any(wanted):
        problem = f"Invalid scope: {unknown[0]}" if unknown else "No scopes requested"
        return _page(400, f"<p>{html(problem)}</p>")
    redirects = app["manifest"]["oauth_config"].get("redirect_urls") or []
    redirect = asked.get("redirect_uri") or (redirects[0] if redirects else "")
    if not any(redirect == url or redirect.startswith(f"{url}/") for url in redirects):
        return _page(400, "<p>redirect_uri did not match any configured URIs.</p>")
    if request.method != "POST":
        hidden = "".join(
            f'<input type="hidden" name="{html(name)}" value="{html(value)}">'
            for name, value in asked.items()
        )
        return _page(
            200,
            f"<h1>{html(app['name'])} is requesting permission</h1><form method=post>{hidden}"
            "<button name=allow value=1>Allow</button><button name=deny value=1>Cancel</button>"
            "</form>",
        )
    asked["flow"] = flow
    answer = {"state": asked.get("state", "")}
    if asked.get("deny"):
        answer = {"error": "access_denied", **answer}
    else:
        answer = {"code": _code(twin, app, asked, redirect, wanted), **answer}
    location = f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(answer)}"
    clean = location.replace("\r", "").replace("\n", "")
    return Response(302, b"", [("location", clean)])


def _code(
    twin: Twin, app: Row, asked: dict[str, str], redirect: str, scopes: tuple[list[str], list[str]]
) -> str:
    """A code for whoever consented: the user named in ``user``, else who installed the app."""
    numbers = [twin.ids.mint("grant", 12, alphabet=DIGITS) for _ in range(2)]
    code = f"{'.'.join(numbers)}.{twin.ids.mint('grant', 64, alphabet=ALNUM)}"
    found = twin["users"].first("email", asked.get("user", "").lower()) if "user" in asked else None
    row = {
        "code": code,
        "app": app["id"],
        "user": found["id"] if found else app["installer"],
        "redirect": redirect if asked.get("redirect_uri") else "",
        "bot": scopes[0],
        "person": scopes[1],
        "channel": asked.get("channel", ""),
        "at": twin.clock.epoch(),
        "used": False,
        "flow": asked["flow"],
        "nonce": asked.get("nonce", ""),
        "state": asked.get("state", ""),
    }
    twin["grants"].put(code, row)
    return code


def client_of(c: Context) -> Row:
    """The app that shows its id and secret, in the Authorization header or the arguments."""
    key, secret = c.args.text("client_id"), c.args.text("client_secret")
    kind, _, given = c.call.request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise SlackError("invalid_client_id") from error
    app = c["apps"].first("client", key) if key else None
    if app is None:
        raise SlackError("invalid_client_id")
    if secret != app["client_secret"]:
        raise SlackError("bad_client_secret")
    return app


@method("oauth.v2.access", public=True)
def access(c: Context) -> dict[str, Any]:
    """Tokens for a code or, where tokens rotate, for a refresh token."""
    app = client_of(c)
    kind = c.args.text("grant_type", "authorization_code")
    if kind == "refresh_token":
        return _refresh(c, app)
    if kind != "authorization_code":
        raise SlackError("invalid_grant_type")
    row = c["grants"].get(c.args.need("code", "invalid_code"))
    if row is None or row["app"] != app["id"] or c.now - row["at"] > _TEN_MINUTES:
        raise SlackError("invalid_code")
    if row["used"]:
        raise SlackError("code_already_used")
    if c.args.text("redirect_uri") != row["redirect"]:
        raise SlackError("bad_redirect_uri")
    c["grants"].put(row["code"], {**row, "used": True})
    answer = _installed(c, app, row)
    if "incoming-webhook" in row["bot"]:
        room = c["channels"].get(row["channel"]) or next(
            found for found in c["channels"].rows() if found["kind"] == "channel"
        )
        answer["incoming_webhook"] = new_webhook(c.twin, app, room, c.call.request.base_url)
    return answer


def new_token(c: Context, app: Row, kind: str, user: str, scopes: list[str]) -> Row:
    """A fresh token; one that expires where the app's tokens rotate."""
    prefix = {"bot": "xoxb", "user": "xoxp"}[kind]
    if app["rotates"]:
        prefix = f"xoxe.{prefix}-1"
    numbers = [c.twin.ids.mint("token", 12, alphabet=DIGITS) for _ in range(2)]
    token = c.twin.ids.mint("token", 24, prefix=f"{prefix}-{'-'.join(numbers)}-")
    row: dict[str, Any] = {"token": token, "kind": kind, "user": user, "revoked": False}
    row |= {"scopes": scopes, "app": app["id"]}
    if app["rotates"]:
        row["expires"] = c.now + _HALF_DAY
    c["tokens"].put(token, row)
    return row


def rotation(c: Context, row: Row) -> dict[str, Any]:
    """A refresh token, if tokens of the app expire."""
    if "expires" not in row:
        return {}
    key = c.twin.ids.mint("refresh", 48, prefix="xoxe-1-", alphabet=ALNUM)
    c["refreshes"].put(key, {"token": row["token"], "app": row["app"], "used": False})
    return {"refresh_token": key, "expires_in": row["expires"] - c.now}


def _about(c: Context, app: Row) -> dict[str, Any]:
    return {
        "app_id": app["id"],
        "team": {"id": c.team["id"], "name": c.team["name"]},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def install_bot(c: Context, app: Row) -> Row:
    """The app with a bot user; an app made from a manifest gets its bot when it is installed."""
    if app["bot_user"]:
        return app
    user = c.twin.ids.mint("user", 10, prefix="U", alphabet=UPPER)
    bot = c.twin.ids.mint("bot", 10, prefix="B", alphabet=UPPER)
    shown = app["manifest"].get("features", {}).get("bot_user", {}).get("display_name")
    row = user_row(user, count(c.twin, "n"), Person(app["name"], "", "", "", ""), c.now)
    row |= {"name": (shown or app["name"]).lower().replace(" ", "_")[:21], "bot": True}
    c["users"].put(user, row | {"bot_id": bot, "app_id": app["id"]})
    told = {"id": bot, "app_id": app["id"], "user_id": user, "name": app["name"]}
    c["bots"].put(bot, {**told, "deleted": False, "updated": c.now})
    app = {**app, "bot_user": user, "bot_id": bot, "installer": app["installer"] or c.user}
    c["apps"].put(app["id"], app)
    return app


def _installed(c: Context, app: Row, row: Row) -> dict[str, Any]:
    if row["bot"]:
        app = install_bot(c, app)
    answer: dict[str, Any] = {"authed_user": {"id": row["user"]}, **_about(c, app)}
    if row["bot"]:
        bot = bot_token(c.twin, app)
        if bot is None or app["rotates"]:
            bot = new_token(c, app, "bot", app["bot_user"], row["bot"])
        else:  # scopes only ever add up
            grant(c.twin, app, row["bot"])
            bot = c["tokens"][bot["token"]]
        answer |= _bearer(c, bot, "bot") | {"bot_user_id": app["bot_user"]}
    if row["person"]:
        token = new_token(c, app, "user", row["user"], row["person"])
        answer["authed_user"] |= _bearer(c, token, "user")
    return answer


def _bearer(c: Context, row: Row, kind: str) -> dict[str, Any]:
    answer = {"scope": ",".join(row["scopes"]), "token_type": kind, "access_token": row["token"]}
    return {**answer, **rotation(c, row)}


def renewed(c: Context, app: Row) -> Row:
    """A token in place of the one that ``refresh_token`` renews."""
    key = c.args.need("refresh_token", "invalid_refresh_token")
    found = c["refreshes"].get(key)
    if found is None or found["app"] != app["id"] or found["used"]:
        raise SlackError("invalid_refresh_token")
    old = c["tokens"][found["token"]]
    if old["revoked"]:
        raise SlackError("token_revoked")
    c["refreshes"].put(key, {**found, "used": True})
    return new_token(c, app, old["kind"], old["user"], list(old["scopes"]))


def _refresh(c: Context, app: Row) -> dict[str, Any]:
    row = renewed(c, app)
    answer = {**_bearer(c, row, row["kind"]), **_about(c, app)}
    if row["kind"] == "bot":
        answer["bot_user_id"] = app["bot_user"]
    return answer


@method("oauth.access", public=True)
def access_v1(c: Context) -> dict[str, Any]:
    """Tokens of a classic app for a code: the person's, and the bot's with the scope ``bot``."""
    app = client_of(c)
    row = c["grants"].get(c.args.need("code", "invalid_code"))
    if row is None or row["app"] != app["id"] or row["used"] or c.now - row["at"] > _TEN_MINUTES:
        raise SlackError("invalid_code")
    if c.args.text("redirect_uri") != row["redirect"]:
        raise SlackError("bad_redirect_uri")
    c["grants"].put(row["code"], {**row, "used": True})
    token = new_token(c, app, "user", row["user"], [*row["bot"], *row["person"]])
    answer: dict[str, Any] = {
        "access_token": token["token"],
        "scope": ",".join(["identify", *token["scopes"]]),
        "user_id": row["user"],
        "team_id": c.team["id"],
        "team_name": c.team["name"],
        "enterprise_id": None,
    }
    if "bot" in row["bot"]:
        app = install_bot(c, app)
        bot = bot_token(c.twin, app) or new_token(c, app, "bot", app["bot_user"], list(_CLASSIC))
        answer["bot"] = {"bot_user_id": app["bot_user"], "bot_access_token": bot["token"]}
    if "incoming-webhook" in row["bot"]:
        room = c["channels"].get(row["channel"]) or next(
            found for found in c["channels"].rows() if found["kind"] == "channel"
        )
        answer["incoming_webhook"] = new_webhook(c.twin, app, room, c.call.request.base_url)
    return answer


@method("oauth.v2.exchange", public=True)
def exchange(c: Context) -> dict[str, Any]:
    """An expiring token for a lasting one, once an app has switched to rotation."""
    app = client_of(c)
    old = c["tokens"].get(c.args.text("token") or bearer(c.call.request))
    if old is None or old["kind"] == "app" or app_of(c.twin, old)["id"] != app["id"]:
        raise SlackError("invalid_token")
    if not app["rotates"]:
        raise SlackError("token_rotation_not_enabled")
    if "expires" in old or old["revoked"]:
        raise SlackError("invalid_token")
    update(c.twin, "tokens", old["token"], revoked=True)
    row = new_token(c, app, old["kind"], old["user"], list(old["scopes"]))
    return {**_bearer(c, row, old["kind"]), **_about(c, app)}


@method("apps.uninstall")
def uninstall(c: Context) -> dict[str, Any]:
    """Take the app out of the workspace: every token of it ends."""
    app = client_of(c)
    if app_of(c.twin, c.token)["id"] != app["id"]:
        raise SlackError("client_id_token_mismatch")
    events.notify(c.twin, {"type": "app_uninstalled"})
    ended: dict[str, list[str]] = {"oauth": [], "bot": []}
    for row in list(c["tokens"].rows()):
        if row["kind"] != "app" and app_of(c.twin, row)["id"] == app["id"] and not row["revoked"]:
            update(c.twin, "tokens", row["token"], revoked=True)
            ended["bot" if row["kind"] == "bot" else "oauth"].append(row["user"])
    if "tokens_revoked" in app["bot_events"]:
        events.tell_app(c.twin, app, {"type": "tokens_revoked", "tokens": ended})
    return {}


@method("users.identity", "identity.basic", kinds=("user",))
def identity(c: Context) -> dict[str, Any]:
    """Who signed in with Slack."""
    row = c["users"][c.user]
    profile = profile_shape(c, row)
    user = {"name": profile["real_name"], "id": row["id"]}
    if c.has_scope("identity.email"):
        user["email"] = row["email"]
    if c.has_scope("identity.avatar"):
        user |= {key: value for key, value in profile.items() if key.startswith("image_")}
    team = {"id": c.team["id"]}
    if c.has_scope("identity.team"):
        team["name"] = c.team["name"]
    return {"user": user, "team": team}


@method("apps.event.authorizations.list", "authorizations:read", kinds=("app",))
def authorizations(c: Context) -> dict[str, Any]:
    """On whose behalf an event was sent."""
    context = c.args.need("event_context", "invalid_event_context")
    row = c["authorizations"].get(context)
    if row is None or row["app"] != app_of(c.twin, c.token)["id"]:
        raise SlackError("invalid_event_context")
    return {"authorizations": [dict(item) for item in row["all"]]}
