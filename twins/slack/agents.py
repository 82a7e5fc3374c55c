"""agents.sessions.*: what an agent is doing in a thread, and what the thread is about."""

from typing import Any, Final

from factory_tui.universe import Row

from .conversations import channel_for
from .errors import SlackError
from .history import message_at
from .method import Context, method
from .state import is_member

MAX_TITLE: Final = 200
STATUSES: Final = ("active", "processing", "suspended", "closed")


def _place(c: Context) -> tuple[str, str]:
    """The thread that a session belongs to."""
    channel = channel_for(c, argument="channel_id")
    if not is_member(c.twin, channel["id"], c.user):
        raise SlackError("not_in_channel")
    ts = c.args.required("thread_ts", "invalid_thread_ts")
    row = message_at(c, channel["id"], ts, "invalid_thread_ts")
    return channel["id"], str(row.get("thread_ts") or row["ts"])


def _title(c: Context) -> str:
    title = c.args.text("title")
    if len(title) > MAX_TITLE:
        message = f"[ERROR] must be less than {MAX_TITLE + 1} characters [json-pointer:/title]"
        raise SlackError("invalid_arguments", message)
    return title


@method("agents.sessions.setStatus", "chat:write", kinds=("bot",))
def set_status(c: Context) -> dict[str, Any]:
    """Set the status of a thread's session; the first call makes the session."""
    status = c.args.required("status", "invalid_arguments")
    if status not in STATUSES:
        message = "[ERROR] must be a valid enum value [json-pointer:/status]"
        raise SlackError("invalid_arguments", message)
    key, title = _place(c), _title(c)
    user = c.args.text("initiator_user_id")
    if user and not is_member(c.twin, key[0], user):
        raise SlackError("user_not_in_channel")
    known: Row = c["assistants"].get(key) or {"channel": key[0], "ts": key[1]}
    session: Row = known.get("session") or {"title": title, "initiator": user or c.user}
    session = {**session, "status": status}
    if c.has_scope("chat:write.customize"):
        given = c.args.values
        looks = {
            name: given[name] for name in ("icon_emoji", "icon_url", "username") if name in given
        }
        session["looks"] = {**session.get("looks", {}), **looks}
    c["assistants"].put(key, {**known, "session": session})
    return {"status": status, "agent_status": status, "title": session["title"]}


@method("agents.sessions.rename", "chat:write", kinds=("bot",))
def rename(c: Context) -> dict[str, Any]:
    """Another title for a session."""
    c.args.required("title", "invalid_arguments")
    key, title = _place(c), _title(c)
    known = c["assistants"].get(key) or {}
    if "session" not in known:
        raise SlackError("session_not_found")
    c["assistants"].put(key, {**known, "session": {**known["session"], "title": title}})
    return {"title": title}
