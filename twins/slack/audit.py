"""The Audit Logs API, ``/audit/v1``: who did what, as far as the workspace still shows it."""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final

from factory_tui.universe import Call, Header, Response, Row

from .audit_actions import ACTIONS, SCHEMAS
from .body import Arguments, bearer
from .errors import SlackError
from .method import Context, make_cursor, read_cursor

__all__ = ["audit"]

MAX_LIMIT: Final = 9999
DEFAULT_LIMIT: Final = 100
_TYPE: Final = "application/json; charset=utf-8"
_SCOPE: Final = Header("x-accepted-oauth-scopes", "auditlogs:read")
_STATUS: Final = {"missing_scope": 403, "not_an_admin": 403, "unknown_method": 404}
_UNSIGNED: Final = frozenset(
    {"not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive"}
)
_CHANNEL: Final = {
    "join": "user_channel_join",
    "leave": "user_channel_leave",
    "archive": "{kind}_channel_archive",
    "unarchive": "{kind}_channel_unarchive",
    "name": "channel_renamed",
    "topic": "channel_topic_changed",
    "purpose": "channel_purpose_changed",
}
"""What the last word of a system message's subtype is as an action."""


def audit(call: Call) -> Response:
    """Answer a request below ``/audit/v1/``; unlike the Web API's, errors have a status."""
    parts = [part for part in call.request.segments[1:] if part]
    try:
        answer = _HANDLERS.get("/".join(parts))
        if answer is None:
            raise SlackError("unknown_method")
        if call.request.method != "GET":
            return Response.json({"ok": False, "error": "method_not_supported"}, 405, (), _TYPE)
        return Response.json(answer(call), content_type=_TYPE)
    except SlackError as error:
        status = 401 if error.name in _UNSIGNED else _STATUS.get(error.name, 400)
        return Response.json(error.body(), status, content_type=_TYPE)


def _context(call: Call) -> Context:
    """Who asks: an owner whose token has ``auditlogs:read``."""
    given = bearer(call.request)
    if not given:
        raise SlackError("not_authed")
    token = call.twin["tokens"].get(given)
    if token is None:
        raise SlackError("invalid_auth")
    if token["revoked"]:
        raise SlackError("token_revoked")
    if token.get("expires", 1 << 60) <= call.twin.clock.epoch():
        raise SlackError("token_expired")
    if token["kind"] != "user":
        raise SlackError("not_allowed_token_type")
    call.scratch["accepted"] = _SCOPE
    c = Context(call, Arguments(dict(call.request.query)), token)
    user = c["users"].get(c.user)
    if user is None or user["deleted"]:
        raise SlackError("account_inactive")
    c.need_scope("auditlogs:read")
    if not user["owner"]:
        raise SlackError("not_an_admin")
    return c


def _user(c: Context, key: str) -> dict[str, Any]:
    row = c["users"].get(key)
    name = f"{row['first']} {row['last']}".strip() if row else ""
    email = row["email"] if row else ""
    return {"id": key, "name": name, "email": email, "team": c.team["id"]}


def _channel(c: Context, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "privacy": "private" if row["private"] else "public",
        "is_shared": bool(row.get("connected")),
        "is_org_shared": False,
        "teams_shared_with": list(row.get("connected", ())),
    }


def _entry(
    c: Context,
    at: int,
    action: str,
    actor: str,
    entity: dict[str, Any],
    **details: Any,
) -> dict[str, Any]:
    """One thing that happened.

    Args:
        c: Who looks.
        at: Epoch seconds.
        action: Slack's name for it.
        actor: The id of the user who did it.
        entity: ``{type, TYPE: {id, …}}``, what it was done to.
        details: Anything more.
    """
    key = entity[entity["type"]].get("id", "")
    digest = blake2b(f"{at} {action} {actor} {key}".encode(), digest_size=16).hexdigest()
    team = c.team
    place = {
        "type": "workspace",
        "id": team["id"],
        "name": team["name"],
        "domain": team["domain"],
    }
    entry: dict[str, Any] = {
        "id": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])),
        "date_create": at,
        "action": action,
        "actor": {"type": "user", "user": _user(c, actor)},
        "entity": entity,
        "context": {
            "location": place,
            "ua": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "ip_address": f"203.0.113.{int(digest[:4], 16) % 254 + 1}",
        },
    }
    if details:
        entry["details"] = details
    return entry


def _people(c: Context) -> Iterator[dict[str, Any]]:
    created = c.team["created"]
    for row in c["users"].rows():
        if row["bot"]:
            continue
        key, since = row["id"], row.get("scim", {}).get("created", created)
        entity = {"type": "user", "user": _user(c, key)}
        yield _entry(c, since, "user_created", key, entity)
        if row["deleted"]:
            yield _entry(c, row["updated"], "user_deactivated", key, entity)
        else:
            yield _entry(c, since, "user_login", key, entity)


def _channels(c: Context) -> Iterator[dict[str, Any]]:
    for row in c["channels"].rows():
        if row["kind"] != "channel":
            continue
        kind = "private" if row["private"] else "public"
        entity = {"type": "channel", "channel": _channel(c, row)}
        yield _entry(c, row["created"], f"{kind}_channel_created", row["creator"], entity)


def _said(c: Context) -> Iterator[dict[str, Any]]:
    """What the system messages of channels tell, and which messages were edited."""
    for row in c["messages"].rows():
        room = c["channels"].get(row["channel"])
        subtype = row.get("subtype") or ""
        if room is None or room["kind"] != "channel":
            continue
        at = int(str(row["ts"]).partition(".")[0])
        noun, _, what = subtype.partition("_")
        if noun in ("channel", "group") and what in _CHANNEL:
            kind = "private" if room["private"] else "public"
            action = _CHANNEL[what].format(kind=kind)
            inviter = row.get("inviter")
            details = {"inviter": {"type": "user", "user": _user(c, inviter)}} if inviter else {}
            entity = {"type": "channel", "channel": _channel(c, room)}
            yield _entry(c, at, action, row["user"], entity, **details)
        elif row.get("edited"):
            message = {"team": c.team["id"], "channel": row["channel"], "timestamp": row["ts"]}
            when = int(str(row["edited"]["ts"]).partition(".")[0])
            entity = {"type": "message", "message": message}
            yield _entry(c, when, "message_edited", row["edited"]["user"], entity)


def _files(c: Context) -> Iterator[dict[str, Any]]:
    for row in c["files"].rows():
        file = {"id": row["id"], "name": row.get("name", ""), "title": row.get("title", "")}
        file["filetype"] = row.get("filetype", "")
        entity = {"type": "file", "file": file}
        yield _entry(c, row["created"], "file_uploaded", row["user"], entity)


def _apps(c: Context) -> Iterator[dict[str, Any]]:
    for row in c["apps"].rows():
        app = {
            "id": row["id"],
            "name": row["name"],
            "is_distributed": False,
            "is_directory_approved": False,
            "is_workflow_app": False,
            "scopes": list(row.get("scopes", ())),
        }
        if row.get("installer"):
            entity = {"type": "app", "app": app}
            yield _entry(c, c.team["created"], "app_installed", row["installer"], entity)


def _groups(c: Context) -> Iterator[dict[str, Any]]:
    for row in c["usergroups"].rows():
        entity = {"type": "usergroup", "usergroup": {"id": row["id"], "name": row["name"]}}
        yield _entry(c, row["created"], "subteam_created", row["created_by"], entity)


_SOURCES: Final = (_people, _channels, _said, _files, _apps, _groups)


def _bound(c: Context, name: str) -> int | None:
    text = c.args.text(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 12:
        raise SlackError("invalid_arguments", f"[ERROR] must be an integer [json-pointer:/{name}]")
    return int(text)


def _logs(call: Call) -> dict[str, Any]:
    """Entries, the newest first."""
    c = _context(call)
    oldest, latest, limit = (_bound(c, name) for name in ("oldest", "latest", "limit"))
    if limit is not None and not 1 <= limit <= MAX_LIMIT:
        raise SlackError("invalid_arguments", "[ERROR] out of range [json-pointer:/limit]")
    actions = set(c.args.items("action"))
    if actions - _NAMES:
        raise SlackError("invalid_action")
    actor, entity = c.args.text("actor"), c.args.text("entity")
    found = [
        entry
        for source in _SOURCES
        for entry in source(c)
        if (oldest is None or entry["date_create"] >= oldest)
        and (latest is None or entry["date_create"] <= latest)
        and (not actions or entry["action"] in actions)
        and (not actor or entry["actor"]["user"]["id"] == actor)
        and (not entity or entry["entity"][entry["entity"]["type"]].get("id") == entity)
    ]
    found.sort(key=lambda entry: (-entry["date_create"], entry["id"]))
    start = read_cursor(c.args.text("cursor"), "audit")
    size = c.twin.page_size(limit, DEFAULT_LIMIT, MAX_LIMIT)
    rest = len(found) > start + size
    following = make_cursor("audit", start + size) if rest else ""
    page = found[start : start + size]
    return {"entries": page, "response_metadata": {"next_cursor": following}}


_NAMES: Final = frozenset(name for names in ACTIONS.values() for name in names)

_HANDLERS: Final[dict[str, Callable[[Call], dict[str, Any]]]] = {
    "v1/logs": _logs,
    "v1/actions": lambda _call: {"actions": ACTIONS},
    "v1/schemas": lambda _call: {"schemas": SCHEMAS},
}
