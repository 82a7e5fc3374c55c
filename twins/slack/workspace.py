"""auth.*, api.test, team.info, bots.info, emoji.list: who and where one is."""

from typing import Any

from . import events
from .apps import app_of
from .errors import SlackError
from .method import Context, method
from .state import update


@method("api.test", public=True)
def api_test(c: Context) -> dict[str, Any]:
    """Give back what was sent; ``error`` makes it fail with that."""
    error = c.args.text("error")
    args = {name: value for name, value in c.args.values.items() if isinstance(value, str | int)}
    if error:
        raise SlackError(error, args=args)
    return {"args": args}


@method("auth.test", kinds=("bot", "user", "app"))
def auth_test(c: Context) -> dict[str, Any]:
    """Whose token it is."""
    team = c.team
    if c.token is not None and c.token["kind"] == "app":
        app = app_of(c.twin, c.token)
        return {"app_name": app["name"], "app_id": app["id"]}
    user = c["users"][c.user]
    answer = {
        "url": f"https://{team['domain']}.slack.com/",
        "team": team["name"],
        "user": user["name"],
        "team_id": team["id"],
        "user_id": user["id"],
    }
    if c.is_bot and user.get("bot_id"):
        answer["bot_id"] = user["bot_id"]
    return {**answer, "is_enterprise_install": False}


@method("auth.revoke", kinds=("bot", "user", "app"))
def auth_revoke(c: Context) -> dict[str, Any]:
    """End a token; with ``test`` only say that one could."""
    if c.args.flag("test"):
        return {"revoked": False}
    assert c.token is not None
    update(c.twin, "tokens", c.token["token"], revoked=True)
    app = app_of(c.twin, c.token)
    if "tokens_revoked" in (*app["bot_events"], *app["user_events"]):
        ended = {"oauth": [], "bot": [], "bot" if c.is_bot else "oauth": [c.user]}
        events.tell_app(c.twin, app, {"type": "tokens_revoked", "tokens": ended})
    return {"revoked": True}


@method("auth.teams.list")
def auth_teams(c: Context) -> dict[str, Any]:
    """The workspaces the token reaches: one."""
    team = c.team
    teams = [{"id": team["id"], "name": team["name"]}]
    return {"teams": teams, "response_metadata": {"next_cursor": ""}}


@method("team.info", "team:read")
def team_info(c: Context) -> dict[str, Any]:
    """The workspace."""
    team = c.team
    wanted = c.args.text("team") or c.args.text("domain") or team["id"]
    if wanted not in (team["id"], team["domain"]):
        raise SlackError("team_not_found")
    url = f"https://{team['domain']}.slack.com/"
    return {
        "team": {
            "id": team["id"],
            "name": team["name"],
            "url": url,
            "domain": team["domain"],
            "email_domain": "acme.example",
            "icon": {"image_default": True},
            "avatar_base_url": "https://ca.slack-edge.com/",
            "is_verified": False,
        }
    }


@method("bots.info", "users:read")
def bots_info(c: Context) -> dict[str, Any]:
    """A bot; without ``bot`` the caller's own."""
    key = c.args.text("bot") or c["users"][c.user].get("bot_id", "")
    row = c["bots"].get(key)
    if row is None:
        raise SlackError("bot_not_found")
    bot = {name: row[name] for name in ("id", "deleted", "name", "updated", "app_id", "user_id")}
    return {"bot": {**bot, "icons": {}}}


@method("emoji.list", "emoji:read")
def emoji_list(c: Context) -> dict[str, Any]:
    """Custom emoji: name to picture, or to ``alias:`` and another name."""
    emoji = {row["name"]: row["value"] for row in c["emoji"].rows()}
    return {"emoji": emoji, "cache_ts": f"{c.now}.000000"}
