"""The Events API: which app is told of what happens, in Slack's envelope.

Delivery (signature, retries, Socket Mode) is in ``delivery.py``. Without an app that asked for
events nothing here changes any state.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from factory_tui.universe import UPPER, Row, Subscription, Table, Twin

from .apps import bot_token
from .delivery import subscription

__all__ = [
    "channel_kind",
    "event_ts",
    "listening",
    "message_changed",
    "notify",
    "tell_app",
    "tell_sessions",
]

_MESSAGES: Final = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}

_SCOPES: Final[dict[str, tuple[str, ...]]] = {
    "app_mention": ("app_mentions:read",),
    "assistant_thread_context_changed": ("assistant:write",),
    "assistant_thread_started": ("assistant:write",),
    "call_rejected": ("calls:read",),
    "channel_archive": ("channels:read",),
    "channel_created": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_left": ("channels:read",),
    "channel_rename": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "channel_shared": ("channels:read", "groups:read"),
    "channel_unshared": ("channels:read", "groups:read"),
    "dnd_updated": ("dnd:read",),
    "dnd_updated_user": ("dnd:read",),
    "emoji_changed": ("emoji:read",),
    "file_change": ("files:read",),
    "file_created": ("files:read",),
    "file_deleted": ("files:read",),
    "file_public": ("files:read",),
    "file_shared": ("files:read",),
    "file_unshared": ("files:read",),
    "group_archive": ("groups:read",),
    "group_close": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_left": ("groups:read",),
    "group_open": ("groups:read",),
    "group_rename": ("groups:read",),
    "group_unarchive": ("groups:read",),
    "im_close": ("im:read",),
    "im_created": ("im:read",),
    "im_open": ("im:read",),
    "link_shared": ("links:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message_metadata_deleted": ("metadata.message:read",),
    "message_metadata_posted": ("metadata.message:read",),
    "message_metadata_updated": ("metadata.message:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "pin_added": ("pins:read",),
    "pin_removed": ("pins:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "shared_channel_invite_accepted": ("conversations.connect:manage",),
    "shared_channel_invite_approved": ("conversations.connect:manage",),
    "shared_channel_invite_declined": ("conversations.connect:manage",),
    "shared_channel_invite_received": ("conversations.connect:read",),
    "shared_channel_invite_requested": ("conversations.connect:manage",),
    "star_added": ("stars:read",),
    "star_removed": ("stars:read",),
    "subteam_created": ("usergroups:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_self_added": ("usergroups:read",),
    "subteam_self_removed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "team_domain_change": ("team:read",),
    "team_join": ("users:read",),
    "team_rename": ("team:read",),
    "user_change": ("users:read",),
    "user_profile_changed": ("users:read",),
    "user_status_changed": ("users:read",),
}
"""Any one of these scopes is needed to be told; events that are not named need none."""

_ABROAD: Final = frozenset({"channel_archive", "channel_created", "channel_deleted",
                            "channel_rename", "channel_unarchive"})  # fmt: skip
"""Events of public channels that apps outside them hear of too."""


PRIVATE: Final = frozenset({"channel", "extra", "mode", "plan", "replies", "streaming", "tasks"})
"""What only the twin keeps of a message; its channel stands beside it."""


def listening(twin: Twin) -> bool:
    """Whether any app asked for events, or holds a session of the Real Time Messaging API."""
    tables = twin.tables
    return tables["rtm"].touched or tables["apps"].derived(_asked)


def _asked(apps: Table) -> bool:
    return any(app["bot_events"] or app["user_events"] for app in apps.rows())


def channel_kind(row: Row) -> str:
    """The ``channel_type`` of message events."""
    if row["kind"] != "channel":
        return str(row["kind"])
    return "group" if row["private"] else "channel"


def event_ts(twin: Twin) -> str:
    """The virtual time as an event's timestamp."""
    now = twin.clock.micros
    return f"{now // 1_000_000}.{now % 1_000_000:06d}"


def notify(
    twin: Twin, event: dict[str, Any], channel: Row | None = None, *, only: str = ""
) -> None:
    """Tell every app that asked and may know.

    Args:
        channel: Limits it to those inside.
        only: The user whose own business it is; apps hear of it on this user's behalf.
    """
    if twin["rtm"].touched:
        tell_sessions(twin, event, channel, only=only)
    for app in twin["apps"].rows():
        if not app["bot_events"] and not app["user_events"]:
            continue
        name = str(event["type"])
        if name == "message" and channel is not None:
            name = f"message.{_MESSAGES[channel_kind(channel)]}"
        who = _told(twin, app, name, channel, only)
        if who:
            tell_app(twin, app, event, who, channel)


def tell_sessions(
    twin: Twin, event: dict[str, Any], channel: Row | None = None, *, but: str = "", only: str = ""
) -> None:
    """Tell every session of the Real Time Messaging API whose user may know."""
    for session in list(twin["rtm"].rows()):
        if session["channel"] == but or only not in ("", session["user"]):
            continue
        if _near(twin, session["user"], str(event["type"]), channel):
            name = session["channel"]
            target = Subscription(name, f"socket:{name}", data={"kind": "rtm"})
            twin.emit(str(event["type"]), {"event_ts": event_ts(twin), **event}, to=[target])


def tell_app(
    twin: Twin, app: Row, event: dict[str, Any], who: str = "", channel: Row | None = None
) -> None:
    """Send one app an event on behalf of a user (its bot by default)."""
    target = subscription(app, "events_api")
    if target is None or not app["verified"]:
        return
    _send(twin, app, target, event, who or app["bot_user"], channel)


def _send(
    twin: Twin,
    app: Row,
    target: Subscription,
    event: dict[str, Any],
    who: str,
    channel: Row | None,
) -> None:
    team = next(twin["team"].rows())["id"]
    key = twin.ids.mint("event", 10, prefix="Ev", alphabet=UPPER)
    authorization = {
        "enterprise_id": None,
        "team_id": team,
        "user_id": who,
        "is_bot": who == app["bot_user"],
        "is_enterprise_install": False,
    }
    context = twin.ids.mint("event context", 40)
    twin["authorizations"].put(context, {"app": app["id"], "all": [authorization]})
    payload = {
        "token": app["verification_token"],
        "team_id": team,
        "context_team_id": team,
        "context_enterprise_id": None,
        "api_app_id": app["id"],
        "event": {"event_ts": event_ts(twin), **event},
        "type": "event_callback",
        "event_id": key,
        "event_time": twin.clock.epoch(),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": context,
    }
    twin.emit(str(event["type"]), payload, id=key, to=[target])


def _told(twin: Twin, app: Row, name: str, channel: Row | None, only: str = "") -> str:
    """The user on whose behalf the app hears of it, "" when it does not."""
    if name in app["bot_events"] and only in ("", app["bot_user"]):
        token = bot_token(twin, app)
        if token and _allowed(token, name) and _near(twin, app["bot_user"], name, channel):
            return str(app["bot_user"])
    if name in app["user_events"]:
        for token in twin["tokens"].rows():
            if (
                token["kind"] == "user"
                and not token["revoked"]
                and only in ("", token["user"])
                and token.get("app", app["id"]) == app["id"]
                and _allowed(token, name)
                and _near(twin, token["user"], name, channel)
            ):
                return str(token["user"])
    return ""


def _allowed(token: Row, name: str) -> bool:
    needed = _SCOPES.get(name, ())
    return not needed or any(scope in token["scopes"] for scope in needed)


def _near(twin: Twin, user: str, name: str, channel: Row | None) -> bool:
    if channel is None or (name in _ABROAD and not channel["private"]):
        return True
    return (channel["id"], user) in twin["members"]


def said(twin: Twin, row: Row) -> None:
    """A message was posted: ``message``, and ``app_mention`` and ``link_shared`` if they apply."""
    channel = twin["channels"].get(row["channel"])
    if channel is None:
        return
    team = next(twin["team"].rows())["id"]
    event = {
        **{key: row[key] for key in row if key not in PRIVATE and key != "reactions"},
        "channel": row["channel"],
        "channel_type": channel_kind(channel),
        "event_ts": row["ts"],
    }
    if row.get("files") and not row.get("subtype"):
        event["subtype"] = "file_share"
    if not row.get("subtype"):
        event["team"] = team
    thread = row.get("thread_ts")
    parent = twin["messages"].get((row["channel"], thread)) if thread else None
    if parent is not None and thread != row["ts"]:
        event["parent_user_id"] = parent["user"]
    notify(twin, event, channel)
    if row.get("metadata"):
        metadata_told(twin, "posted", row)
    if row.get("subtype") not in (None, "thread_broadcast", "bot_message"):
        return
    text = str(row["text"])
    if channel["kind"] != "im":
        for app in list(twin["apps"].rows()):
            if f"<@{app['bot_user']}>" in text and row["user"] != app["bot_user"]:
                _mentioned(twin, app, event, channel)
    _linked(twin, row, channel)


def _mentioned(twin: Twin, app: Row, event: dict[str, Any], channel: Row) -> None:
    if _told(twin, app, "app_mention", channel):
        mention = {key: value for key, value in event.items() if key != "channel_type"}
        tell_app(twin, app, {**mention, "type": "app_mention"}, channel=channel)


def _linked(twin: Twin, row: Row, channel: Row) -> None:
    words = str(row["text"]).replace("<", " ").replace(">", " ").replace("|", " ").split()
    urls = [word for word in dict.fromkeys(words) if word.startswith(("http://", "https://"))]
    if not urls:
        return
    for app in list(twin["apps"].rows()):
        links = [
            {"domain": domain, "url": url}
            for url in urls
            for domain in app["domains"]
            if _host(url) == domain or _host(url).endswith(f".{domain}")
        ]
        if links and row["user"] != app["bot_user"] and _told(twin, app, "link_shared", channel):
            event = {
                "type": "link_shared",
                "user": row["user"],
                "channel": row["channel"],
                "message_ts": row["ts"],
                "links": links,
                "source": "conversations_history",
                "unfurl_id": f"{row['channel']}.{row['ts']}",
                "is_bot_user_member": True,
            }
            if row.get("thread_ts"):
                event["thread_ts"] = row["thread_ts"]
            tell_app(twin, app, event, channel=channel)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def metadata_told(twin: Twin, what: str, row: Row, before: Row | None = None) -> None:
    """A message's metadata was ``posted``, ``updated`` or ``deleted``."""
    user = twin["users"].get(row["user"]) or {}
    event: dict[str, Any] = {
        "type": f"message_metadata_{what}",
        "app_id": row.get("app_id", ""),
        "bot_id": row.get("bot_id", ""),
        "user_id": user.get("id", ""),
        "team_id": next(twin["team"].rows())["id"],
        "channel_id": row["channel"],
        "message_ts": row["ts"],
    }
    if what == "deleted":
        event |= {"previous_metadata": row["metadata"], "deleted_ts": event_ts(twin)}
    else:
        event["metadata"] = row["metadata"]
        if before is not None:
            event["previous_metadata"] = before
    notify(twin, event, twin["channels"].get(row["channel"]))


def message_changed(
    twin: Twin,
    channel: Row,
    before: dict[str, Any],
    after: dict[str, Any] | None,
    ts: str,
) -> None:
    """A message was edited, or deleted when there is no ``after``; both in message shape."""
    event: dict[str, Any] = {
        "type": "message",
        "subtype": "message_deleted" if after is None else "message_changed",
        "previous_message": before,
        "channel": channel["id"],
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel_kind(channel),
    }
    if after is None:
        event["deleted_ts"] = before["ts"]
    else:
        event["message"] = after
    notify(twin, event, channel)


def moved(twin: Twin, channel: Row, user: str, *, joined: bool, inviter: str = "") -> None:
    """Somebody joined or left a channel."""
    if channel["kind"] != "channel" or not listening(twin):
        return
    team = next(twin["team"].rows())["id"]
    event = {
        "type": "member_joined_channel" if joined else "member_left_channel",
        "user": user,
        "channel": channel["id"],
        "channel_type": "G" if channel["private"] else "C",
        "team": team,
    }
    if joined and inviter and inviter != user:
        event["inviter"] = inviter
    notify(twin, event, channel)
    if joined:
        return
    noun = "group" if channel["private"] else "channel"
    for app in list(twin["apps"].rows()):
        name = f"{noun}_left"
        if app["bot_user"] == user and name in app["bot_events"]:
            tell_app(twin, app, {"type": name, "channel": channel["id"], "actor_id": user})


def channel_told(twin: Twin, what: str, channel: Row, user: str) -> None:
    """A channel was ``created``, ``rename``d, ``archive``d or ``unarchive``d."""
    if channel["kind"] != "channel" or not listening(twin):
        return
    noun = "group" if channel["private"] else "channel"
    event: dict[str, Any] = {"type": f"{noun}_{what}"}
    if what == "created":
        if channel["private"]:
            return
        event["channel"] = {
            "id": channel["id"],
            "name": channel["name"],
            "name_normalized": channel["name"],
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": False,
            "is_archived": False,
            "is_general": channel["general"],
            "is_shared": False,
            "is_org_shared": False,
            "is_ext_shared": False,
            "created": channel["created"],
            "creator": channel["creator"],
            "previous_names": channel["previous_names"],
            "context_team_id": next(twin["team"].rows())["id"],
        }
    elif what == "rename":
        event["channel"] = {
            "id": channel["id"],
            "name": channel["name"],
            "name_normalized": channel["name"],
            "created": channel["created"],
            "is_channel": not channel["private"],
            "is_mpim": False,
        }
    else:
        event |= {"channel": channel["id"], "user": user}
    notify(twin, event, channel)
