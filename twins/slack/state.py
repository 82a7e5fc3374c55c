"""What methods and scenario operations do to a workspace: look up, add, post, join."""

import re
from typing import Any

from factory_tui.universe import UPPER, Person, Row, Twin

from . import events
from .errors import SlackError
from .seed import channel_row, user_row

__all__ = [
    "add_member",
    "add_user",
    "channel_of",
    "check_name",
    "count",
    "create_channel",
    "direct_message",
    "escape",
    "find_channel",
    "find_user",
    "is_member",
    "is_ts",
    "keep",
    "member_ids",
    "members_of",
    "next_ts",
    "post",
    "put_member",
    "remove_member",
    "unescape",
    "update",
    "user_named",
]

MAX_NAME = 80


def count(twin: Twin, kind: str) -> int:
    """The next number of a sequence that starts behind every seed."""
    return twin.ids.count(kind, 1_000_000)


_TS = re.compile(r"\d{1,12}(?:\.\d{1,6})?\Z")


def is_ts(text: str) -> bool:
    """Whether it looks like the timestamp of a message."""
    return _TS.match(text) is not None


def next_ts(twin: Twin) -> str:
    """A message timestamp: virtual time in microseconds, unique and rising in the workspace."""
    value = twin.ids.rise("ts", twin.universe.clock.micros)
    return f"{value // 1_000_000}.{value % 1_000_000:06d}"


def update(twin: Twin, table: str, key: str, **changes: Any) -> Row:
    """Change top-level fields of a row; returns the new row."""
    row = {**twin[table][key], **changes}
    twin[table].put(key, row)
    return row


# -- users


def find_user(twin: Twin, user: str) -> Row:
    """The user with that id. Raises ``user_not_found``."""
    row = twin["users"].get(user)
    if row is None:
        raise SlackError("user_not_found")
    return row


def user_named(twin: Twin, email: str) -> Row | None:
    """The user with that email address, deactivated or not."""
    return twin["users"].first("email", email.lower()) if email else None


def add_user(twin: Twin, first: str, last: str, email: str) -> Row:
    """A new account, which joins ``#general`` as everybody does."""
    key = twin.ids.mint("user", 10, prefix="U", alphabet=UPPER)
    row = user_row(key, count(twin, "n"), Person(first, last, email, "", ""), twin.clock.epoch())
    twin["users"].put(key, row)
    return row


# -- channels


def find_channel(twin: Twin, channel: str) -> Row:
    """The conversation with that id. Raises ``channel_not_found``."""
    row = twin["channels"].get(channel)
    if row is None:
        raise SlackError("channel_not_found")
    return row


def channel_of(twin: Twin, name: str) -> Row | None:
    """The channel with that name."""
    return twin["channels"].first("name", name.removeprefix("#")) if name else None


def check_name(name: str) -> str:
    """A name a channel may have, as Slack stores it. Raises Slack's error about it."""
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > MAX_NAME:
        raise SlackError("invalid_name_maxlength")
    if not any(character.isalnum() for character in name):
        raise SlackError("invalid_name_punctuation")
    if name != name.lower() or not all(c.isalnum() or c in "-_" for c in name):
        raise SlackError("invalid_name_specials")
    return name


def create_channel(twin: Twin, name: str, creator: str, *, private: bool = False) -> Row:
    """A new channel nobody is in. Raises ``name_taken`` and the errors of :func:`check_name`."""
    check_name(name)
    if channel_of(twin, name) is not None:
        raise SlackError("name_taken")
    key = twin.ids.mint("channel", 10, prefix="C", alphabet=UPPER)
    row = channel_row(key, count(twin, "n"), name, creator, twin.clock.epoch())
    row["private"] = private
    twin["channels"].put(key, row)
    events.channel_told(twin, "created", row, creator)
    return row


def direct_message(twin: Twin, users: list[str]) -> tuple[Row, bool]:
    """The direct (two users) or group message between ``users``, and whether it was there."""
    people = sorted(set(users))
    found = twin["channels"].first("with", ",".join(people))
    if found is not None:
        return found, True
    kind = "im" if len(people) <= 2 else "mpim"
    key = twin.ids.mint("channel", 10, prefix="D" if kind == "im" else "C", alphabet=UPPER)
    names = "--".join(str(twin["users"][user]["name"]) for user in people)
    name = f"mpdm-{names}-1"[:MAX_NAME] if kind == "mpim" else ""
    row = channel_row(key, count(twin, "n"), name, users[0], twin.clock.epoch())
    row |= {"kind": kind, "private": True, "with": ",".join(people), "user": users[-1]}
    twin["channels"].put(key, row)
    for user in people:
        put_member(twin, key, user)
    if kind == "im" and events.listening(twin):
        shown = {"id": key, "created": row["created"], "is_im": True, "user": users[0]}
        events.notify(twin, {"type": "im_created", "user": users[-1], "channel": shown}, row)
    return row, False


# -- membership


def is_member(twin: Twin, channel: str, user: str) -> bool:
    """Whether the user is in the conversation."""
    return twin.tables["members"].get((channel, user)) is not None


def members_of(twin: Twin, channel: str) -> list[Row]:
    """Membership rows in the order of joining."""
    table = twin["members"]
    return sorted((table[key] for key in table.find("channel", channel)), key=lambda row: row["n"])


def member_ids(twin: Twin, channel: str) -> list[str]:
    """Ids of the users in a conversation, in the order of joining."""
    return [row["user"] for row in members_of(twin, channel)]


def put_member(twin: Twin, channel: str, user: str) -> None:
    """Make the user a member without a word."""
    row = {"channel": channel, "user": user, "n": count(twin, "n")}
    twin["members"].put((channel, user), row)


def add_member(twin: Twin, channel: Row, user: str, inviter: str = "") -> None:
    """Put a user into a channel, with the message Slack posts about it."""
    put_member(twin, channel["id"], user)
    extra = {"inviter": inviter} if inviter and inviter != user else {}
    noun = "group" if channel["private"] else "channel"
    text = f"<@{user}> has joined the channel"
    post(twin, channel["id"], user, text, subtype=f"{noun}_join", **extra)
    events.moved(twin, channel, user, joined=True, inviter=inviter)


def remove_member(twin: Twin, channel: Row, user: str) -> None:
    """Take a user out of a channel, with the message Slack posts about it."""
    twin["members"].delete((channel["id"], user))
    noun = "group" if channel["private"] else "channel"
    text = f"<@{user}> has left the channel"
    post(twin, channel["id"], user, text, subtype=f"{noun}_leave")
    events.moved(twin, channel, user, joined=False)


# -- messages


def post(twin: Twin, channel: str, user: str, text: str, **fields: Any) -> Row:
    """Store a message; ``thread_ts`` among ``fields`` makes it a reply."""
    row: Row = {
        "type": "message",
        "channel": channel,
        "user": user,
        "text": text,
        "ts": next_ts(twin),
        **fields,
    }
    return keep(twin, row)


def keep(twin: Twin, row: Row) -> Row:
    """Store a new message and tell of it."""
    tables = twin.tables
    tables["messages"].put((row["channel"], row["ts"]), row)
    if events.listening(twin):
        events.said(twin, row)
    return row


_ALLOWED = re.compile(
    r"<(?:@[A-Z0-9]+(?:\|[^<>]*)?|#[A-Z0-9]+(?:\|[^<>]*)?|![^<>]+|[a-z][a-z0-9+.-]*:[^<>\s]+"
    r"(?:\|[^<>]*)?)>|&(?:amp|lt|gt);"
)


def escape(text: str) -> str:
    """Text as Slack stores it: ``&``, ``<`` and ``>`` escaped unless they are markup."""
    if "&" not in text and "<" not in text and ">" not in text:
        return text
    parts = []
    at = 0
    for match in _ALLOWED.finditer(text):
        parts.append(_plain(text[at : match.start()]))
        parts.append(match.group())
        at = match.end()
    parts.append(_plain(text[at:]))
    return "".join(parts)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_BARE = re.compile(r"<(?:mailto:([^<>|]+)\|\1|(https?://[^<>|]+))>")


def unescape(text: str) -> str:
    """The text as its author wrote it, without the links that Slack has made of it."""
    text = _BARE.sub(lambda match: match[1] or match[2], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
