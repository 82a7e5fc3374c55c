"""files.remote.*: files that live elsewhere and are shown in Slack."""

from typing import Any, Final

from factory_tui.universe import UPPER, Row

from . import events
from .apps import app_of
from .conversations import visible
from .errors import SlackError
from .history import is_ts, ts_number
from .method import Context, method
from .state import count, find_channel, is_member, post

__all__ = ["remote_shape"]

MAX_ID: Final = 255
MAX_TITLE: Final = 2000
MAX_PREVIEW: Final = 10 << 20
_PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")


def remote_shape(c: Context, row: Row) -> dict[str, Any]:
    """A remote file as a file object."""
    team = c.team
    app = app_of(c.twin, {"app": row["app"]})
    shape: dict[str, Any] = {
        "id": row["id"],
        "created": row["created"],
        "timestamp": row["created"],
        "name": row["title"],
        "title": row["title"],
        "mimetype": "application/vnd.slack-remote",
        "filetype": "remote",
        "pretty_type": "Remote",
        "user": row["user"],
        "user_team": team["id"],
        "editable": False,
        "size": 0,
        "mode": "external",
        "is_external": True,
        "external_type": "app",
        "is_public": any(
            not c["channels"][key]["private"] for key in row["channels"] if key in c["channels"]
        ),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": row["external_url"],
        "app_id": app["id"],
        "app_name": app["name"],
        "permalink": f"https://{team['domain']}.slack.com/files/{row['user']}/{row['id']}/",
        "comments_count": 0,
        "is_starred": False,
        "shares": {},
        "channels": [],
        "groups": [],
        "ims": [],
        "external_id": row["external_id"],
        "external_url": row["external_url"],
        "has_rich_preview": bool(row["preview"]),
    }
    if row["filetype"]:
        shape["filetype"] = row["filetype"]
    for key, ts in row["shares"].items():
        channel = c["channels"].get(key)
        if channel is None:
            continue
        kind = "private" if channel["private"] else "public"
        place = {"public": "channels", "private": "groups"}[kind]
        shape["ims" if channel["kind"] == "im" else place].append(key)
        share = {"reply_users": [], "reply_users_count": 0, "reply_count": 0, "ts": ts}
        share |= {"channel_name": channel["name"], "team_id": team["id"]}
        shape["shares"].setdefault(kind, {})[key] = [share]
    return shape


def _named(c: Context) -> Row:
    """The file that ``file`` or ``external_id`` names."""
    key, external = c.args.text("file"), c.args.text("external_id")
    if key and external:
        raise SlackError("too_many_ids")
    if not key and not external:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: external_id")
    app = app_of(c.twin, c.token)["id"]
    if key:
        row = c["remote_files"].get(key)
    else:
        table = c["remote_files"]
        rows = (table[at] for at in table.find("external", external))
        row = next((found for found in rows if found["app"] == app), None)
    if row is None:
        raise SlackError("file_not_found")
    return row


def _bot_only(c: Context) -> None:
    if not c.is_bot:
        raise SlackError("bot_user_required")


def _picture(c: Context) -> str:
    """The preview as text, checked; "" when there is none."""
    data = c.args.values.get("preview_image")
    if not isinstance(data, bytes) or not data:
        return ""
    if len(data) > MAX_PREVIEW:
        raise SlackError("too_large")
    if not data.startswith(_PICTURES):
        raise SlackError("bad_image")
    return data.decode("latin-1")


def _words(c: Context) -> str:
    data = c.args.values.get("indexable_file_contents")
    if isinstance(data, bytes):
        return data.decode(errors="replace")
    return data if isinstance(data, str) else ""


@method("files.remote.add", "remote_files:write")
def add(c: Context) -> dict[str, Any]:
    """Tell Slack of a file; adding an ``external_id`` again changes what is known of it."""
    _bot_only(c)
    external = c.args.need("external_id")
    title, url = c.args.need("title"), c.args.need("external_url")
    if len(external) > MAX_ID:
        raise SlackError("invalid_external_id")
    if len(title) > MAX_TITLE:
        raise SlackError("bad_title")
    app = app_of(c.twin, c.token)["id"]
    table = c["remote_files"]
    known = next(
        (table[at] for at in table.find("external", external) if table[at]["app"] == app), None
    )
    key = known["id"] if known else c.twin.ids.mint("file", 10, prefix="F", alphabet=UPPER)
    row = {
        "id": key,
        "n": known["n"] if known else count(c.twin, "n"),
        "app": app,
        "user": c.user,
        "created": known["created"] if known else c.now,
        "external_id": external,
        "external_url": url,
        "title": title,
        "filetype": c.args.text("filetype"),
        "preview": _picture(c),
        "words": _words(c),
        "channels": known["channels"] if known else [],
        "shares": known["shares"] if known else {},
    }
    table.put(key, row)
    events.notify(c.twin, _told("file_created", row, c.user))
    return {"file": remote_shape(c, row)}


def _told(what: str, row: Row, user: str) -> dict[str, Any]:
    return {"type": what, "file_id": row["id"], "user_id": user, "file": {"id": row["id"]}}


@method("files.remote.update", "remote_files:write")
def update(c: Context) -> dict[str, Any]:
    """Another title, address, type or preview."""
    _bot_only(c)
    row = _named(c)
    changes: dict[str, Any] = {
        name: c.args.text(name) for name in ("title", "external_url", "filetype") if name in c.args
    }
    if len(changes.get("title", "")) > MAX_TITLE:
        raise SlackError("bad_title")
    if "preview_image" in c.args:
        changes["preview"] = _picture(c)
    if "indexable_file_contents" in c.args:
        changes["words"] = _words(c)
    row = {**row, **changes}
    c["remote_files"].put(row["id"], row)
    event = {"type": "file_change", "file_id": row["id"], "file": {"id": row["id"]}}
    events.notify(c.twin, event)
    return {"file": remote_shape(c, row)}


@method("files.remote.info", "remote_files:read")
def info(c: Context) -> dict[str, Any]:
    """A remote file."""
    return {"file": remote_shape(c, _named(c))}


@method("files.remote.list", "remote_files:read")
def list_remote(c: Context) -> dict[str, Any]:
    """Remote files of the app, in the order of adding."""
    channel = c.args.text("channel")
    if channel and not visible(c, find_channel(c.twin, channel)):
        raise SlackError("channel_not_found")
    bounds = []
    for name, default in (("ts_from", 0), ("ts_to", 10**18)):
        text = c.args.text(name)
        if text and not is_ts(text):
            raise SlackError("invalid_arguments", f"[ERROR] invalid timestamp: {name}")
        bounds.append(ts_number(text) // 1_000_000 if text else default)
    app = app_of(c.twin, c.token)["id"]
    rows = (
        row
        for row in c["remote_files"].rows()
        if row["app"] == app
        and (not channel or channel in row["channels"])
        and bounds[0] <= row["created"] <= bounds[1]
    )
    page, metadata = c.page(rows, "remote_file", default=100, largest=1000)
    files = [remote_shape(c, row) for row in page]
    return {"files": files, "response_metadata": metadata}


@method("files.remote.remove", "remote_files:write")
def remove(c: Context) -> dict[str, Any]:
    """Slack forgets the file; where it lives it stays."""
    _bot_only(c)
    row = _named(c)
    c["remote_files"].delete(row["id"])
    event = {"type": "file_deleted", "file_id": row["id"], "channel_ids": row["channels"]}
    events.notify(c.twin, event)
    return {}


@method("files.remote.share", "remote_files:share")
def share(c: Context) -> dict[str, Any]:
    """Show the file in channels, with a message in each."""
    names = c.args.items("channels")
    if not names:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: channels")
    row = _named(c)
    rooms = []
    for name in names:
        room = find_channel(c.twin, name)
        if not visible(c, room):
            raise SlackError("channel_not_found")
        if not is_member(c.twin, room["id"], c.user):
            raise SlackError("not_in_channel")
        rooms.append(room)
    for room in rooms:
        sent = post(c.twin, room["id"], c.user, "", files=[remote_shape(c, row)], upload=False)
        row = {
            **row,
            "channels": [*row["channels"], room["id"]],
            "shares": {**row["shares"], room["id"]: sent["ts"]},
        }
        c["remote_files"].put(row["id"], row)
        event = _told("file_shared", row, c.user)
        events.notify(c.twin, {**event, "channel_id": room["id"]}, room)
    return {"file": remote_shape(c, row)}
