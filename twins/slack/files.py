"""files.*: uploads in three steps (announce, send the bytes, complete), reading and deleting."""

from hashlib import blake2b
from typing import Any, Final

from factory_tui.universe import ALNUM, UPPER, Call, Response, Row

from . import events
from .blocks import check_blocks
from .body import Arguments, bearer, read_arguments
from .conversations import visible
from .errors import SlackError
from .file_types import content_of, kind_of, looks
from .history import is_ts, ts_number
from .lists import csv_of
from .method import Context, method
from .mrkdwn import stored as stored_text
from .state import count, find_channel, is_member, post

__all__ = ["download", "file_of", "file_shape", "may_see", "told", "upload"]

MAX_SIZE: Final = 1 << 30
MAX_CHANNELS: Final = 100


@method("files.getUploadURLExternal", "files:write")
def announce(c: Context) -> dict[str, Any]:
    """An address for the bytes of a file of the given name and length."""
    name = c.args.need("filename")
    length = c.args.number("length")
    if length is None:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: length")
    if length <= 0 or length > MAX_SIZE:
        raise SlackError(
            "invalid_arguments", "[ERROR] must be greater than 0 [json-pointer:/length]"
        )
    key = c.twin.ids.mint("file", 10, prefix="F", alphabet=UPPER)
    secret = c.twin.ids.mint("upload", 40, alphabet=ALNUM)
    row = {"id": key, "name": name, "length": length, "user": c.user, "data": None}
    row |= {"snippet": c.args.text("snippet_type"), "alt": c.args.text("alt_txt")}
    c["uploads"].put(secret, row)
    url = f"{c.call.request.base_url}/upload/v1/{secret}"
    return {"upload_url": url, "file_id": key}


def upload(call: Call) -> Response:
    """Take the bytes of an announced file: raw, or as the first file of a form."""
    secret = call.request.segments[-1]
    row = call.twin["uploads"].get(secret)
    if row is None or call.request.method != "POST":
        return Response(404, b"Not Found", [("content-type", "text/plain")])
    data = call.request.body
    if call.request.media_type == "multipart/form-data":
        try:
            values = read_arguments(call.request)[0].values()
        except SlackError:
            return Response(400, b"Bad Request", [("content-type", "text/plain")])
        data = next((value for value in values if isinstance(value, bytes)), b"")
    if len(data) != row["length"]:
        return Response(400, b"Bad Request", [("content-type", "text/plain")])
    call.twin["uploads"].put(secret, {**row, "data": data.decode("latin-1")})
    return Response(200, f"OK - {len(data)}".encode(), [("content-type", "text/plain")])


@method("files.completeUploadExternal", "files:write")
def complete(c: Context) -> dict[str, Any]:
    """Make files of sent bytes and share them where wanted."""
    wanted = c.args.json("files", "invalid_arguments")
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    sent = {row["id"]: (key, row) for key, row in c["uploads"].items()}
    chosen = []
    for item in wanted:
        key = item.get("id") if isinstance(item, dict) else None
        found = sent.get(key) if isinstance(key, str) else None
        if found is None or found[1]["data"] is None or found[1]["user"] != c.user:
            raise SlackError("file_not_found")
        chosen.append((found, item))
    channels, said = _destinations(c), _said(c)
    files = []
    for (secret, row), item in chosen:
        title = item.get("title")
        files.append(_store(c, row, title if isinstance(title, str) else row["name"]))
        c["uploads"].delete(secret)
    for row in files:
        told(c, "file_created", row)
    for channel in channels:
        _share(c, channel, files, said)
        for row in files:
            told(c, "file_shared", row, channel)
    return {"files": [file_shape(c, c["files"][row["id"]]) for row in files]}


def told(c: Context, what: str, row: Row, channel: Row | None = None) -> None:
    """Tell apps that may see the file what has become of it."""
    event: dict[str, Any] = {"type": what, "file_id": row["id"]}
    if what == "file_deleted":
        event["channel_ids"] = list(row["channels"])
    else:
        event |= {"user_id": c.user, "file": {"id": row["id"]}}
    if channel is not None:
        event["channel_id"] = channel["id"]
    events.notify(c.twin, event, channel)


def _destinations(c: Context) -> list[Row]:
    names = c.args.items("channel_id") or c.args.items("channels")
    if len(names) > MAX_CHANNELS:
        raise SlackError("channels_limit_exceeded")
    rows = []
    for name in names:
        row = find_channel(c.twin, name)
        if not visible(c, row):
            raise SlackError("channel_not_found")
        if row["archived"]:
            raise SlackError("is_archived")
        if not is_member(c.twin, row["id"], c.user):
            raise SlackError("not_in_channel")
        rows.append(row)
    return rows


def _store(c: Context, upload_row: Row, title: str) -> Row:
    row = {
        "id": upload_row["id"],
        "n": count(c.twin, "n"),
        "name": upload_row["name"],
        "title": title,
        "user": c.user,
        "created": c.now,
        "size": upload_row["length"],
        "data": upload_row["data"],
        "channels": [],
        "public": False,
        "snippet": upload_row.get("snippet", ""),
        "alt": upload_row.get("alt", ""),
    }
    c["files"].put(row["id"], row)
    return row


def _share(c: Context, channel: Row, files: list[Row], fields: dict[str, Any]) -> None:
    for row in files:
        stored = c["files"][row["id"]]
        changed = {**stored, "channels": [*stored["channels"], channel["id"]]}
        c["files"].put(row["id"], changed)
    fields = {**fields, "files": [file_shape(c, c["files"][row["id"]]) for row in files]}
    thread = c.args.text("thread_ts")
    if thread and (channel["id"], thread) in c["messages"]:
        parent = c["messages"][channel["id"], thread]
        fields["thread_ts"] = parent.get("thread_ts") or thread
        if parent.get("thread_ts") is None:
            c["messages"].put((channel["id"], thread), {**parent, "thread_ts": thread})
    text = stored_text(c.twin, c.args.text("initial_comment"))
    sent = post(c.twin, channel["id"], c.user, text, upload=True, **fields)
    for row in files:
        stored = c["files"][row["id"]]
        shares = {**stored.get("shares", {}), channel["id"]: sent["ts"]}
        c["files"].put(row["id"], {**stored, "shares": shares})


def _said(c: Context) -> dict[str, Any]:
    """Blocks that introduce the files; a comment takes their place."""
    blocks = c.args.json("blocks", "invalid_blocks")
    if not blocks or "initial_comment" in c.args:
        return {}
    try:
        check_blocks(blocks)
    except SlackError as error:
        raise SlackError("invalid_blocks", **error.fields) from error
    return {
        "blocks": [
            block if block.get("block_id") else {**block, "block_id": c.twin.ids.mint("block", 5)}
            for block in blocks
        ]
    }


def file_shape(c: Context, row: Row) -> dict[str, Any]:
    """A file object."""
    base = f"{c.call.request.base_url}/files-pri/{c.team['id']}-{row['id']}"
    permalink = f"https://{c.team['domain']}.slack.com/files/{row['user']}/{row['id']}/"
    alt = {"alt_txt": row["alt"]} if row.get("alt") else {}
    places: dict[str, list[str]] = {}
    for key in row["channels"]:
        places.setdefault(_place(c, key), []).append(key)
    return {
        "id": row["id"],
        "created": row["created"],
        "timestamp": row["created"],
        "name": row["name"],
        "title": row["title"],
        "user": row["user"],
        "user_team": c.team["id"],
        "size": row["size"],
        **looks(row, permalink, f"{base}/{row['name']}"),
        **alt,
        "is_external": False,
        "external_type": "",
        "is_public": "channels" in places,
        "public_url_shared": row["public"],
        "display_as_bot": False,
        "username": "",
        "url_private": f"{base}/{row['name']}",
        "url_private_download": f"{base}/download/{row['name']}",
        "permalink": permalink,
        "permalink_public": f"https://slack-files.com/{c.team['id']}-{row['id']}-{_secret(row)}",
        "channels": places.get("channels", []),
        "groups": places.get("groups", []),
        "ims": places.get("ims", []),
        "comments_count": 0,
        "shares": _shares(c, row),
        "is_starred": False,
        "has_rich_preview": False,
        "file_access": "visible",
    }


def _place(c: Context, key: str) -> str:
    """Under which name a file's shape lists a conversation."""
    room = c["channels"].get(key)
    if room is None or (room["kind"] == "channel" and not room["private"]):
        return "channels"
    return "ims" if room["kind"] == "im" else "groups"


def _secret(row: Row) -> str:
    return blake2b(str(row["id"]).encode(), digest_size=5).hexdigest()


def _shares(c: Context, row: Row) -> dict[str, Any]:
    """Where the file was shown, and by which message."""
    found: dict[str, Any] = {}
    for key, ts in row.get("shares", {}).items():
        room = c["channels"].get(key)
        if room is not None:
            share = {"reply_users": [], "reply_users_count": 0, "reply_count": 0, "ts": ts}
            share |= {"channel_name": room["name"], "team_id": c.team["id"]}
            kind = "private" if room["private"] else "public"
            found.setdefault(kind, {})[key] = [{**share, "share_user_id": row["user"]}]
    return found


def file_of(c: Context) -> Row:
    """The file a call names, if the caller may see it. Raises ``file_not_found``."""
    row = c["files"].get(c.args.need("file", "file_not_found"))
    if row is None or not may_see(c, row):
        raise SlackError("file_not_found")
    return row


def may_see(c: Context, row: Row) -> bool:
    """Whether the file is the caller's or shared where the caller may look."""
    if row["user"] == c.user:
        return True
    rooms = (c["channels"].get(key) for key in row["channels"])
    return any(room is not None and visible(c, room) for room in rooms)


@method("files.info", "files:read")
def info(c: Context) -> dict[str, Any]:
    """A file."""
    metadata = {"next_cursor": ""}
    row = file_of(c)
    shown = {"file": file_shape(c, row), **content_of(row)}
    return {**shown, "comments": [], "response_metadata": metadata}


_KINDS: Final = ("all", "spaces", "snippets", "images", "gdocs", "zips", "pdfs", "canvases")


def _of_kind(row: Row, kinds: list[str]) -> bool:
    kind = kind_of(row["name"], row.get("snippet", ""))
    fits = {
        "all": True,
        "images": kind[1].startswith("image/"),
        "pdfs": kind[0] == "pdf",
        "snippets": "preview" in looks(row, "", ""),
        "zips": kind[0] in ("zip", "gzip"),
    }
    return not kinds or any(fits.get(kind, False) for kind in kinds)


@method("files.list", "files:read")
def list_files(c: Context) -> dict[str, Any]:
    """Files, the newest first, in numbered pages."""
    user, channel = c.args.text("user"), c.args.text("channel")
    kinds = c.args.items("types")
    if set(kinds) - set(_KINDS):
        raise SlackError("unknown_type")
    if user and user not in c["users"]:
        raise SlackError("user_not_found")
    bounds = [
        ts_number(text) // 1_000_000 if is_ts(text := c.args.text(name)) else None
        for name in ("ts_from", "ts_to")
    ]
    rows = [
        row
        for row in c["files"].rows()
        if may_see(c, row)
        and (not user or row["user"] == user)
        and (not channel or channel in row["channels"])
        and (bounds[0] is None or row["created"] >= bounds[0])
        and (bounds[1] is None or row["created"] <= bounds[1])
        and _of_kind(row, kinds)
    ][::-1]
    size = c.twin.page_size(c.args.number("count"), 100, 1000)
    page = max(1, c.args.number("page", 1) or 1)
    start = (page - 1) * size
    return {
        "files": [file_shape(c, row) for row in rows[start : start + size]],
        "paging": {
            "count": size,
            "total": len(rows),
            "page": page,
            "pages": -(-len(rows) // size),
        },
    }


@method("files.delete", "files:write")
def delete(c: Context) -> dict[str, Any]:
    """Delete a file of one's own; admins delete any."""
    row = file_of(c)
    if row["user"] != c.user and (c.is_bot or not c["users"][c.user]["admin"]):
        raise SlackError("cant_delete_file")
    c["files"].delete(row["id"])
    told(c, "file_deleted", row)
    return {}


def download(call: Call) -> Response:
    """The bytes of a file, for whoever shows a token that may see it."""
    parts = call.request.segments
    key = parts[1].rpartition("-")[2] if len(parts) > 2 else ""
    row = call.twin["files"].get(key)
    token = call.twin["tokens"].get(bearer(call.request))
    if token is not None and not token["revoked"] and parts[2:3] == ["csv"]:
        exported = csv_of(call.twin, key)
        if exported is not None:
            return Response(200, exported, [("content-type", "text/csv; charset=utf-8")])
    if row is None or token is None or token["revoked"]:
        return Response.html("<!DOCTYPE html><title>Sign in | Slack</title>", 404)
    if not may_see(Context(call, Arguments({}), token), row):
        return Response.html("<!DOCTYPE html><title>Sign in | Slack</title>", 404)
    data = row["data"].encode("latin-1")
    mime = kind_of(row["name"], row.get("snippet", ""))[1]
    return Response(200, data, [("content-type", mime)])
