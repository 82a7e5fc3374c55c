"""chat.*: posting, changing and deleting messages."""

import re
from typing import Any, Final

import orjson

from factory_tui.universe import Row, RowMemo

from . import events
from .blocks import MAX_MARKDOWN, check_attachments, check_blocks
from .conversations import TYPES, type_of, visible
from .errors import SlackError
from .guests import expire
from .history import is_ts, message_at, ts_number
from .method import Context, method
from .mrkdwn import stored
from .reminders import remind
from .shapes import ODD, message_shape
from .state import channel_of, count, direct_message, is_member, keep, next_ts, post

__all__ = [
    "bot_fields",
    "changes",
    "content",
    "destination",
    "send",
    "show_to",
    "withdraw",
]

MAX_TEXT: Final = 40_000
"""What is longer is cut off when it is posted, with a warning."""
MAX_UPDATED: Final = 4_000
"""A longer text is refused when it shall replace another."""
TRUNCATED: Final = (
    "[WARN] Your message was truncated but still posted. "
    "The `text` field accepts up to 40,000 characters."
)
MAX_METADATA: Final = 16_000
_MORE: Final = frozenset(
    {"attachments", "blocks", "link_names", "markdown_text", "metadata", "parse"}
)
"""What a message may say besides plain text."""
FAR: Final = 120
"""Days ahead for which a message may be scheduled."""
FAR_OPEN: Final = 366
"""The same in a workspace served on its own: its clients may count from today's date."""
MAX_NEAR: Final = 30
"""Messages that may be scheduled for one channel within five minutes."""
_CUSTOM: Final = frozenset({"username", "icon_emoji", "icon_url"})
_MARKED: Final = re.compile("[&<>@]|://")
"""What a text has in it that is not kept as it is."""
NO_PREVIEW: Final = "[no preview available]"


def destination(c: Context, *, write: bool = True) -> Row:
    """The conversation a message goes to: an id, ``#name``, or a user's id (direct message)."""
    wanted = c.args.values.get("channel")
    if type(wanted) is not str or not wanted:
        wanted = c.args.need("channel", "channel_not_found")
    row = c.twin.tables["channels"].get(wanted)
    if row is None and wanted in c["users"]:
        row = direct_message(c.twin, [c.user, wanted])[0]
    if row is None:
        row = channel_of(c.twin, wanted)
    if row is None or not visible(c, row):
        raise SlackError("channel_not_found")
    if write:
        _check_writable(c, row)
    return row


def _check_writable(c: Context, row: Row) -> None:
    if row["archived"]:
        raise SlackError("is_archived")
    if "prefs" in row:
        _check_permitted(c, row["prefs"])
    if is_member(c.twin, row["id"], c.user):
        return
    if type_of(row) != "public_channel" or (c.is_bot and not c.has_scope("chat:write.public")):
        raise SlackError("not_in_channel")


def _check_permitted(c: Context, prefs: dict[str, Any]) -> None:
    """Raise what Slack says where admins have said who may post or reply."""
    may_reply = _permitted(c, prefs.get("can_thread"))
    if c.args.text("thread_ts"):
        if not may_reply:
            raise SlackError("restricted_action_non_threadable_channel")
    elif not _permitted(c, prefs.get("who_can_post")):
        limited = may_reply and "can_thread" in prefs
        kind = "thread_only" if limited else "read_only"
        raise SlackError(f"restricted_action_{kind}_channel")


def _permitted(c: Context, allowed: Any) -> bool:
    """Whether the caller is among ``{type: [ra, admin, owner], user: [ids]}``; ``ra`` is all."""
    if not isinstance(allowed, dict):
        return True
    kinds, users = allowed.get("type"), allowed.get("user")
    if isinstance(users, list) and c.user in users:
        return True
    account = c["users"].get(c.user)
    if not isinstance(kinds, list) or account is None:
        return False
    return "ra" in kinds or any(kind in kinds and account[kind] for kind in ("admin", "owner"))


def content(c: Context) -> dict[str, Any]:
    """What a message says: text, blocks, attachments and metadata, checked."""
    if _MORE.isdisjoint(c.args.values):
        said = c.args.values.get("text")
        if type(said) is str and 0 < len(said) <= MAX_TEXT:
            return {"text": stored(c.twin, said) if _MARKED.search(said) else said}
    text = c.args.text("text")
    blocks = c.args.json("blocks", "invalid_blocks_format")
    attachments = c.args.json("attachments", "invalid_attachments")
    fields: dict[str, Any] = {}
    if "markdown_text" in c.args:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text = c.args.text("markdown_text")
        if len(text) > MAX_MARKDOWN:
            raise SlackError("msg_too_long")
        blocks = [{"type": "markdown", "text": text}]
    if blocks:
        check_blocks(blocks)
        fields["blocks"] = _identified(c, blocks)
    if attachments:
        check_attachments(attachments)
        fields["attachments"] = [
            {"id": number, **{"fallback": item.get("text") or NO_PREVIEW}, **item}
            for number, item in enumerate(attachments, 1)
        ]
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        c.call.scratch["truncated"] = True
    metadata = _metadata(c)
    if metadata is not None:
        fields["metadata"] = metadata
    parse, names = c.args.text("parse"), c.args.flag("link_names")
    return {"text": stored(c.twin, text, parse=parse, names=names), **fields}


def _metadata(c: Context) -> dict[str, Any] | None:
    """What the message carries for programs: ``{event_type, event_payload}``."""
    metadata = c.args.json("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_type"), str):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload", {}), dict):
        raise SlackError("invalid_metadata_format")
    if not metadata["event_type"] or len(metadata["event_type"]) > 255:
        raise SlackError("invalid_metadata_schema")
    if len(orjson.dumps(metadata)) > MAX_METADATA:
        raise SlackError("metadata_too_large")
    return {"event_payload": {}, **metadata}


def _identified(c: Context, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Blocks with an id each, as Slack gives them."""
    return [
        block if block.get("block_id") else {**block, "block_id": c.twin.ids.mint("block", 5)}
        for block in blocks
    ]


def send(c: Context, channel: Row, fields: dict[str, Any]) -> Row:
    """Post as the caller, in a thread when ``thread_ts`` says so."""
    if c.args.values.get("thread_ts"):
        fields |= _thread_fields(c, channel, c.args.text("thread_ts"))
    marks = _bot_marks(c)
    if marks is not None:
        fields |= marks
        if not _CUSTOM.isdisjoint(c.args.values) and c.has_scope("chat:write.customize"):
            fields |= _customized(c, marks["bot_profile"]["name"])
    row = {
        "type": "message",
        "channel": channel["id"],
        "user": c.user,
        "text": fields.pop("text"),
        "ts": next_ts(c.twin),
        **fields,
    }
    return keep(c.twin, row)


def _customized(c: Context, name: str) -> dict[str, Any]:
    """The name and picture under which a bot speaks, when it asks for others than its own."""
    if not any(part in c.args for part in _CUSTOM):
        return {}
    fields: dict[str, Any] = {"subtype": "bot_message"}
    fields["username"] = c.args.text("username") or name
    if "icon_emoji" in c.args:
        fields["icons"] = {"emoji": c.args.text("icon_emoji")}
    elif "icon_url" in c.args:
        address = c.args.text("icon_url")
        fields["icons"] = {f"image_{size}": address for size in (36, 48, 72)}
    return fields


def bot_fields(c: Context) -> dict[str, Any]:
    """What marks a message as a bot's; nothing for a person."""
    return dict(_bot_marks(c) or {})


def _bot_marks(c: Context) -> dict[str, Any] | None:
    if not c.is_bot:
        return None
    tables, session = c.twin.tables, c.call.session
    if session is not None and session.token is c.token:
        key = session.bot
    else:
        user = tables["users"].get(c.user)
        key = user.get("bot_id") if user else None
    bot = tables["bots"].get(key) if key else None
    return None if bot is None else _bot(bot, tables["team"].sole()["id"])


@RowMemo
def _bot(bot: Row, team: str) -> dict[str, Any]:
    profile = {
        "id": bot["id"],
        "app_id": bot["app_id"],
        "user_id": bot["user_id"],
        "name": bot["name"],
        "icons": {},
        "deleted": bot["deleted"],
        "updated": bot["updated"],
        "team_id": team,
    }
    return {"bot_id": bot["id"], "app_id": bot["app_id"], "bot_profile": profile}


def _thread_fields(c: Context, channel: Row, thread: str) -> dict[str, Any]:
    if not is_ts(thread):
        raise SlackError("invalid_thread_ts")
    parent = c["messages"].get((channel["id"], thread))
    if parent is None:
        raise SlackError("thread_not_found")
    root = parent.get("thread_ts") or parent["ts"]
    if parent.get("thread_ts") is None:
        c["messages"].put((channel["id"], thread), {**parent, "thread_ts": thread})
    fields: dict[str, Any] = {"thread_ts": root}
    if c.args.flag("reply_broadcast"):
        fields["subtype"] = "thread_broadcast"
    return fields


def shown(c: Context, row: Row) -> dict[str, Any]:
    """A just posted message as the answer shows it."""
    if not ODD.isdisjoint(row):
        return message_shape(c, row)
    message = row.copy()
    del message["channel"]
    bot = row.get("bot_profile")
    message["team"] = bot["team_id"] if bot else c.team["id"]
    return message


@method("chat.postMessage", "chat:write")
def post_message(c: Context) -> dict[str, Any]:
    """Post a message."""
    channel = destination(c)
    row = send(c, channel, content(c))
    answer = {"channel": channel["id"], "ts": row["ts"], "message": shown(c, row)}
    return _warned(answer) if "truncated" in c.call.scratch else answer


def _warned(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that tells that the text was cut off."""
    said = {"messages": [TRUNCATED], "warnings": ["message_truncated"]}
    return {**answer, "warning": "message_truncated", "response_metadata": said}


@method("chat.meMessage", "chat:write")
def me_message(c: Context) -> dict[str, Any]:
    """Post a ``/me`` message."""
    channel = destination(c)
    text = c.args.need("text", "no_text")
    row = send(c, channel, {"text": stored(c.twin, text), "subtype": "me_message"})
    return {"channel": channel["id"], "ts": row["ts"]}


@method("chat.postEphemeral", "chat:write")
def post_ephemeral(c: Context) -> dict[str, Any]:
    """Show a message to one member only; it leaves no trace in the history."""
    channel = destination(c)
    user = c.args.need("user", "user_not_in_channel")
    said = content(c)
    if not is_member(c.twin, channel["id"], user):
        raise SlackError("user_not_in_channel")
    ts = next_ts(c.twin)
    show_to(c, channel, user, {**said, "ts": ts, "user": c.user})
    answer = {"message_ts": ts}
    return _warned(answer) if "truncated" in c.call.scratch else answer


def show_to(c: Context, channel: Row, user: str, message: dict[str, Any]) -> None:
    """Show a message to one person."""
    row = {"channel": channel["id"], "to": user, "n": count(c.twin, "ephemeral"), **message}
    c["ephemerals"].put((channel["id"], message["ts"], user), row)


def _own(c: Context, error: str, *, admins: bool = False) -> tuple[Row, Row]:
    """The message a call names, which must be the caller's; with ``admins``, admins may too."""
    channel = destination(c, write=False)
    ts = c.args.need("ts", "message_not_found")
    row = message_at(c, channel["id"], ts)
    if row.get("subtype") == "tombstone":
        raise SlackError("message_not_found")
    mine = row["user"] == c.user or (admins and not c.is_bot and c["users"][c.user]["admin"])
    if not mine or (row.get("subtype") or "").startswith(("channel_", "group_")):
        raise SlackError(error)
    return channel, row


@method("chat.update", "chat:write")
def update_message(c: Context) -> dict[str, Any]:
    """Change one's own message. What is not given stays; an empty list takes away."""
    channel, row = _own(c, "cant_update_message")
    if channel["archived"]:
        raise SlackError("is_archived")
    if row.get("streaming"):
        raise SlackError("streaming_state_conflict")
    fields = _changes(c, row)
    changed = {**row, **fields}
    for key in ("blocks", "attachments"):
        if changed.get(key) == []:
            del changed[key]
    changed["edited"] = {"user": c.user, "ts": f"{c.now}.000000"}
    before = message_shape(c, row)
    c["messages"].put((channel["id"], row["ts"]), changed)
    message = message_shape(c, changed)
    changes(c, channel, before, dict(message))
    if "metadata" in fields and events.listening(c.twin):
        events.metadata_told(c.twin, "updated", changed, row.get("metadata"))
    message.pop("ts", None)
    return {"channel": channel["id"], "ts": row["ts"], "text": changed["text"], "message": message}


def _changes(c: Context, row: Row) -> dict[str, Any]:
    """What an update puts in place of what the message said."""
    emptied: dict[str, Any] = {
        name: []
        for name in ("blocks", "attachments")
        if name in c.args.values and c.args.json(name, f"invalid_{name}") in ([], "")
    }
    given = ("text", "blocks", "attachments", "markdown_text")
    if not any(name in c.args for name in given) and not emptied:
        if "metadata" not in c.args:
            raise SlackError("no_text")
        return {"metadata": _metadata(c)}
    if not any(name in c.args for name in given if name not in emptied):
        left = row["text"] or any(
            row.get(name) for name in ("blocks", "attachments") if name not in emptied
        )
        if not left:
            raise SlackError("no_text")
        return emptied
    if len(c.args.text("text")) > MAX_UPDATED:
        raise SlackError("msg_too_long")
    fields = content(c)
    if "text" not in c.args and "markdown_text" not in c.args:
        fields["text"] = row["text"]
    return {**emptied, **fields}


@method("chat.delete", "chat:write")
def delete_message(c: Context) -> dict[str, Any]:
    """Delete one's own message (admins: any); the head of a thread leaves a tombstone."""
    channel, row = _own(c, "cant_delete_message", admins=True)
    withdraw(c, channel, row)
    return {"channel": channel["id"], "ts": row["ts"]}


def changes(c: Context, channel: Row, before: dict[str, Any], after: dict[str, Any] | None) -> None:
    """Tell apps of an edited (or, without ``after``, deleted) message."""
    if events.listening(c.twin):
        events.message_changed(c.twin, channel, before, after, next_ts(c.twin))


def withdraw(c: Context, channel: Row, row: Row) -> None:
    """Take a message away; the head of a thread leaves a tombstone."""
    before = message_shape(c, row)
    key = (channel["id"], row["ts"])
    table = c["messages"]
    if row.get("thread_ts") == row["ts"] and len(table.find("thread", key)) > 1:
        stone = {
            "type": "message",
            "subtype": "tombstone",
            "channel": channel["id"],
            "user": "USLACKBOT",
            "text": "This message was deleted.",
            "hidden": True,
            "ts": row["ts"],
            "thread_ts": row["ts"],
        }
        table.put(key, stone)
    else:
        table.delete(key)
    c["pins"].delete(key)
    changes(c, channel, before, None)
    if row.get("metadata") and events.listening(c.twin):
        events.metadata_told(c.twin, "deleted", row)


@method("chat.getPermalink")
def permalink(c: Context) -> dict[str, Any]:
    """The address of a message in the browser."""
    channel = destination(c, write=False)
    c.need_scope(f"{TYPES[type_of(channel)]}:history", f"{TYPES[type_of(channel)]}:read")
    row = message_at(c, channel["id"], c.args.need("message_ts", "message_not_found"))
    number = ts_number(row["ts"])
    url = f"https://{c.team['domain']}.slack.com/archives/{channel['id']}/p{number}"
    thread = row.get("thread_ts")
    if thread and thread != row["ts"]:
        url += f"?thread_ts={thread}&cid={channel['id']}"
    return {"permalink": url, "channel": channel["id"]}


@method("chat.scheduleMessage", "chat:write")
def schedule(c: Context) -> dict[str, Any]:
    """Post later: when the universe's clock reaches ``post_at``."""
    channel = destination(c)
    post_at = c.args.number("post_at", error="invalid_time")
    if post_at is None:
        raise SlackError("invalid_time")
    if post_at <= c.now:
        raise SlackError("time_in_past")
    if post_at > c.now + (FAR_OPEN if c.team.get("open") else FAR) * 86400:
        raise SlackError("time_too_far")
    fields = content(c)
    near = [
        row
        for row in c["scheduled"].rows()
        if row["channel"] == channel["id"] and abs(row["post_at"] - post_at) < 300
    ]
    if len(near) >= MAX_NEAR:
        raise SlackError("restricted_too_many")
    key = c.twin.ids.mint("scheduled", 10, prefix="Q", alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    thread = c.args.text("thread_ts")
    if thread:
        fields |= _thread_fields(c, channel, thread)
    row = {
        "id": key,
        "channel": channel["id"],
        "user": c.user,
        "post_at": post_at,
        "date_created": c.now,
        "fields": fields,
    }
    c["scheduled"].put(key, row)
    message = {"type": "delayed_message", "user": c.user, **fields}
    answer = {
        "channel": channel["id"],
        "scheduled_message_id": key,
        "post_at": post_at,
        "message": message,
    }
    return _warned(answer) if "truncated" in c.call.scratch else answer


@method("chat.scheduledMessages.list", "chat:write", "channels:read")
def scheduled(c: Context) -> dict[str, Any]:
    """What the caller has scheduled and is not yet posted, the soonest first."""
    only = c.args.text("channel")
    if only and only not in c["channels"]:
        raise SlackError("invalid_channel")
    bounds = [c.args.number(name, error="invalid_arguments") for name in ("oldest", "latest")]
    rows = [
        row
        for row in c["scheduled"].rows()
        if row["user"] == c.user
        and (not only or row["channel"] == only)
        and (bounds[0] is None or row["post_at"] >= bounds[0])
        and (bounds[1] is None or row["post_at"] <= bounds[1])
    ]
    rows.sort(key=lambda row: (row["post_at"], str(row["id"])))
    numbered = [{"n": n, "row": row} for n, row in enumerate(rows, 1)]
    page, metadata = c.page(numbered, "scheduled", default=100, limit_error="invalid_arguments")
    shown_rows = [
        {
            "id": row["id"],
            "channel_id": row["channel"],
            "post_at": row["post_at"],
            "date_created": row["date_created"],
            "text": row["fields"]["text"],
        }
        for row in (item["row"] for item in page)
    ]
    return {"scheduled_messages": shown_rows, "response_metadata": metadata}


@method("chat.deleteScheduledMessage", "chat:write")
def unschedule(c: Context) -> dict[str, Any]:
    """Take back a scheduled message."""
    key = c.args.need("scheduled_message_id", "invalid_scheduled_message_id")
    row = c["scheduled"].get(key)
    if row is None or row["user"] != c.user:
        raise SlackError("invalid_scheduled_message_id")
    if row["post_at"] < c.now + 60:
        raise SlackError("invalid_scheduled_message_id")
    c["scheduled"].delete(key)
    return {}


def deliver_due(c: Context) -> None:
    """Post every scheduled message whose time has come."""
    table = c["scheduled"]
    due = sorted(
        (row for row in table.rows() if row["post_at"] <= c.now),
        key=lambda row: (row["post_at"], str(row["id"])),
    )
    for row in due:
        fields = dict(row["fields"])
        table.delete(row["id"])
        if row["id"] in c["reminders"]:
            remind(c.twin, row["id"])
            continue
        if row["id"] in c["users"]:
            expire(c.twin, row["id"])
            continue
        if row["channel"] in c["channels"] and not c["channels"][row["channel"]]["archived"]:
            text = fields.pop("text")
            post(c.twin, row["channel"], row["user"], text, **fields)
