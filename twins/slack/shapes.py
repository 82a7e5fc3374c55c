"""Rows as Slack's JSON."""

from itertools import islice
from typing import Any, Final

import orjson

from factory_tui.universe import Row, RowMemo, Table

from .events import PRIVATE
from .method import Context
from .state import is_member, member_ids

__all__ = ["ODD", "channel_shape", "message_shape", "user_shape", "users_page"]

_MOST_PAGES: Final = 64
ODD: Final = frozenset({*PRIVATE, "reactions", "subtype", "thread_ts"}) - {"channel"}
"""What a plain message does not have."""


def user_shape(c: Context, row: Row, *, locale: bool = False) -> dict[str, Any]:
    """A user object; the email only for tokens with ``users:read.email``."""
    return _user(row, c.team["id"], _sees_email(c), locale)


def users_page(
    c: Context, start: int, size: int, *, locale: bool = False
) -> tuple[orjson.Fragment, int | None]:
    """A page of user objects as JSON, written once until a user changes.

    Args:
        c: Who looks.
        start: The number ``n`` of the first user.
        size: How many.
        locale: As for :func:`user_shape`.

    Returns the page and the number with which the next one starts.
    """
    users = c["users"]
    place = start, size, c.team["id"], _sees_email(c), locale
    known = users.derived(_pages)
    found = known.get(place)
    if found is None:
        rows = list(islice(users.rows_from("n", start), size + 1))
        text = orjson.dumps([_written(row, *place[2:]) for row in rows[:size]])
        if len(known) >= _MOST_PAGES:
            known.clear()
        following = rows[size]["n"] if len(rows) > size else None
        found = known[place] = orjson.Fragment(text), following
    return found


def _pages(_users: Table) -> dict[Any, tuple[orjson.Fragment, int | None]]:
    """Place and manner of a page to its JSON and what the next one starts with."""
    return {}


def _sees_email(c: Context) -> bool:
    return c.token is None or c.has_scope("users:read.email")


def _user(row: Row, team: str, email: bool, locale: bool) -> dict[str, Any]:
    real_name = f"{row['first']} {row['last']}".strip()
    user: dict[str, Any] = {
        "id": row["id"],
        "team_id": team,
        "name": row["name"],
        "deleted": row["deleted"],
    }
    if not row["deleted"]:
        user |= {
            "color": row["color"],
            "real_name": real_name,
            "tz": "America/Los_Angeles",
            "tz_label": "Pacific Standard Time",
            "tz_offset": -28800,
        }
    user["profile"] = _profile(row, team, email)
    if not row["deleted"]:
        user |= {
            "is_admin": row["admin"],
            "is_owner": row["owner"],
            "is_primary_owner": row["owner"],
            "is_restricted": bool(row.get("guest")),
            "is_ultra_restricted": row.get("guest") == "ultra",
        }
    user |= {
        "is_bot": row["bot"] and row["id"] != "USLACKBOT",
        "is_app_user": False,
        "updated": row["updated"],
    }
    if not row["deleted"]:
        user |= {"is_email_confirmed": not row["bot"], "who_can_share_contact_card": "EVERYONE"}
    if locale:
        user["locale"] = "en-US"
    return user


_written: Final = RowMemo(
    lambda row, team, email, locale: orjson.Fragment(orjson.dumps(_user(row, team, email, locale)))
)


def profile_shape(c: Context, row: Row) -> dict[str, Any]:
    """A user's profile."""
    return _profile(row, c.team["id"], _sees_email(c))


def _profile(row: Row, team: str, email: bool) -> dict[str, Any]:
    real_name = f"{row['first']} {row['last']}".strip()
    digest = row.get("photo") or row["id"].lower()
    profile: dict[str, Any] = {
        "title": row["title"],
        "phone": row["phone"],
        "skype": "",
        "real_name": real_name,
        "real_name_normalized": real_name,
        "display_name": row["display"],
        "display_name_normalized": row["display"],
        "fields": None,
        "status_text": row["status_text"],
        "status_emoji": row["status_emoji"],
        "status_emoji_display_info": [],
        "status_expiration": row["status_expiration"],
        "avatar_hash": f"g{digest}",
        "first_name": row["first"],
        "last_name": row["last"],
    }
    if row.get("bot_id"):
        profile |= {"bot_id": row["bot_id"], "api_app_id": row["app_id"], "always_active": True}
    elif email and row["email"]:
        profile["email"] = row["email"]
    for size in (24, 32, 48, 72, 192, 512):
        profile[f"image_{size}"] = f"https://secure.gravatar.com/avatar/{digest}.jpg?s={size}"
    profile |= {"status_text_canonical": "", "team": team}
    return profile


def channel_shape(c: Context, row: Row, *, members: bool = False) -> dict[str, Any]:
    """A conversation object; ``members`` adds their number."""
    team = c.team["id"]
    if row["kind"] == "im":
        return _direct_shape(c, row, team)
    mpim = row["kind"] == "mpim"
    channel: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "is_channel": not mpim,
        "is_group": mpim,
        "is_im": False,
        "is_mpim": mpim,
        "is_private": row["private"],
        "created": row["created"],
        "is_archived": row["archived"],
        "is_general": row["general"],
        "unlinked": 0,
        "name_normalized": row["name"],
        "is_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": team,
        "updated": row["updated"],
        "parent_conversation": None,
        "creator": row["creator"],
        "is_ext_shared": False,
        "shared_team_ids": [team],
        "pending_connected_team_ids": [],
        "is_member": is_member(c.twin, row["id"], c.user),
        "topic": row["topic"],
        "purpose": row["purpose"],
        "previous_names": row["previous_names"],
    }
    if row.get("connected"):
        channel |= {
            "is_shared": True,
            "is_ext_shared": True,
            "shared_team_ids": [team, *row["connected"]],
            "connected_team_ids": list(row["connected"]),
        }
    if members:
        channel["num_members"] = len(member_ids(c.twin, row["id"]))
    return channel


def _direct_shape(c: Context, row: Row, team: str) -> dict[str, Any]:
    others = [user for user in row["with"].split(",") if user != c.user]
    other = others[0] if others else c.user
    user = c["users"].get(other)
    return {
        "id": row["id"],
        "created": row["created"],
        "is_archived": False,
        "is_im": True,
        "is_org_shared": False,
        "context_team_id": team,
        "updated": row["updated"],
        "user": other,
        "is_user_deleted": bool(user and user["deleted"]),
        "is_open": True,
        "priority": 0,
    }


def message_shape(c: Context, row: Row) -> dict[str, Any]:
    """A message as history and answers show it, without what only the twin stores."""
    if ODD.isdisjoint(row):
        message = row.copy()
        del message["channel"]
        message["team"] = c.team["id"]
        return _pinned(c, row, message)
    message = {key: value for key, value in row.items() if key not in PRIVATE}
    if not message.get("reactions"):
        message.pop("reactions", None)
    else:
        message["reactions"] = [
            {"name": item["name"], "users": item["users"], "count": len(item["users"])}
            for item in message["reactions"]
        ]
    if not message.get("subtype") or message.get("bot_id"):
        message["team"] = c.team["id"]
    if row.get("thread_ts") == row["ts"]:
        message |= _thread(c, row)
    elif row.get("thread_ts"):
        parent = c["messages"].get((row["channel"], row["thread_ts"]))
        if parent is not None:
            message["parent_user_id"] = parent["user"]
            if row.get("subtype") == "thread_broadcast":
                message["root"] = message_shape(c, parent)
    return _pinned(c, row, message)


def _pinned(c: Context, row: Row, message: dict[str, Any]) -> dict[str, Any]:
    """The message, with what a pin adds to it."""
    pins = c.twin.tables["pins"]
    pin = pins.get((row["channel"], row["ts"])) if pins.touched else None
    if pin is not None:
        message["pinned_to"] = [row["channel"]]
        message["pinned_info"] = {"channel": row["channel"], "pinned_by": pin["user"]}
    return message


def _thread(c: Context, row: Row) -> dict[str, Any]:
    table = c["messages"]
    keys = table.find("thread", (row["channel"], row["ts"]))
    replies = sorted(
        (table[key] for key in keys if key[1] != row["ts"]), key=lambda reply: str(reply["ts"])
    )
    users = list(dict.fromkeys(reply["user"] for reply in replies))
    if not replies:
        return {}
    return {
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": replies[-1]["ts"],
        "reply_users": users[:5],
        "is_locked": False,
        "subscribed": any(reply["user"] == c.user for reply in replies),
    }
