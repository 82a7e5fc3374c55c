"""team.*, users.* and assistant.* beyond what tools need daily."""

from typing import Any, Final

from .conversations import channel_for
from .errors import SlackError
from .files import file_of, file_shape, told
from .history import message_at
from .method import Context, method
from .people import changed
from .shapes import profile_shape
from .state import find_user, is_member, update

_PAGES: Final = {"page": 1, "pages": 1}


@method("team.billableInfo", "admin", kinds=("user",))
def billable(c: Context) -> dict[str, Any]:
    """Who is paid for: active people."""
    wanted = c.args.text("user")
    rows = [find_user(c.twin, wanted)] if wanted else list(c["users"].rows())
    people = [row for row in rows if not row["bot"]]
    info = {row["id"]: {"billing_active": not row["deleted"]} for row in people}
    return {"billable_info": info, "response_metadata": {"next_cursor": ""}}


@method("team.billing.info", "team.billing:read")
def billing(c: Context) -> dict[str, Any]:
    """The plan: ``plus``."""
    return {"plan": c.team.get("plan", "plus")}


@method("team.preferences.list", "team.preferences:read")
def preferences(c: Context) -> dict[str, Any]:
    """The workspace's rules about messages and files."""
    return {
        "msg_edit_window_mins": -1,
        "allow_message_deletion": True,
        "display_real_names": True,
        "disable_file_uploads": "allow_all",
        "who_can_post_general": "everyone",
    }


@method("team.profile.get", "users.profile:read")
def profile_fields(c: Context) -> dict[str, Any]:
    """Custom profile fields: the workspace has defined none."""
    return {"profile": {"fields": [], "sections": []}}


@method("team.integrationLogs", "admin", kinds=("user",))
def integrations(c: Context) -> dict[str, Any]:
    """When apps were added."""
    wanted = c.args.text("app_id")
    logs = [
        {
            "user_id": app["installer"],
            "user_name": (c["users"].get(app["installer"]) or {"name": ""})["name"],
            "date": str(app["created"]),
            "change_type": "added",
            "app_type": app["name"],
            "app_id": app["id"],
            "scope": ",".join(app["manifest"]["oauth_config"]["scopes"].get("bot") or ()),
        }
        for app in c["apps"].rows()
        if wanted in ("", app["id"])
    ]
    paging = {**_PAGES, "count": 100, "total": len(logs)}
    return {"logs": logs, "paging": paging}


@method("users.setActive", "users:write", kinds=("user",))
def set_active(c: Context) -> dict[str, Any]:
    """Say that one is there."""
    update(c.twin, "users", c.user, presence="auto")
    return {}


_PICTURES: Final = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"GIF8": "gif"}


@method("users.setPhoto", "users.profile:write", kinds=("user",))
def set_photo(c: Context) -> dict[str, Any]:
    """Another picture, sent as the form's file ``image``."""
    data = c.args.values.get("image")
    if isinstance(data, str):
        data = data.encode(errors="replace")
    if not isinstance(data, bytes) or not data:
        raise SlackError("not_found")
    if len(data) > 1 << 20:
        raise SlackError("too_large")
    if not any(data.startswith(magic) for magic in _PICTURES):
        raise SlackError("bad_image")
    number = c.twin.ids.mint("photo", 12, alphabet="0123456789abcdef")
    row = update(c.twin, "users", c.user, photo=number, updated=c.now)
    changed(c, row)
    return {"profile": {**_pictures(profile_shape(c, row)), "avatar_hash": number}}


def _pictures(profile: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in profile.items() if key.startswith("image_")}


@method("users.deletePhoto", "users.profile:write", kinds=("user",))
def delete_photo(c: Context) -> dict[str, Any]:
    """No picture of one's own any more."""
    changed(c, update(c.twin, "users", c.user, photo="", updated=c.now))
    return {}


@method("users.discoverableContacts.lookup", "conversations.connect:manage")
def discoverable(c: Context) -> dict[str, Any]:
    """Whether somebody outside can be found by address; nobody here is outside."""
    email = c.args.need("email")
    if "@" not in email:
        raise SlackError("invalid_email")
    return {"is_discoverable": False}


def _thread(c: Context, *, anywhere: bool = False) -> tuple[str, str]:
    """The thread of an assistant: in its direct messages, with ``anywhere`` in channels too."""
    channel = channel_for(c, argument="channel_id")
    if channel["kind"] != "im" and not anywhere:
        raise SlackError("method_not_supported_for_channel_type")
    if not is_member(c.twin, channel["id"], c.user):
        raise SlackError("not_in_channel")
    ts = c.args.required("thread_ts", "invalid_thread_ts")
    message_at(c, channel["id"], ts, "invalid_thread_ts")
    return channel["id"], ts


def _keep(c: Context, *, anywhere: bool = False, **changes: Any) -> None:
    key = _thread(c, anywhere=anywhere)
    known = c["assistants"].get(key) or {"channel": key[0], "ts": key[1]}
    c["assistants"].put(key, {**known, **changes})


@method("assistant.threads.setStatus", "assistant:write", "chat:write")
def set_status(c: Context) -> dict[str, Any]:
    """What the assistant is doing; "" clears it."""
    if "status" not in c.args.values:
        c.args.required("status", "")
    if len(c.args.items("loading_messages")) > 10:
        message = "[ERROR] no more than 10 items allowed [json-pointer:/loading_messages]"
        raise SlackError("invalid_arguments", message)
    _keep(c, anywhere=True, status=c.args.text("status"))
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_title(c: Context) -> dict[str, Any]:
    """The thread's title."""
    _keep(c, title=c.args.need("title"))
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_prompts(c: Context) -> dict[str, Any]:
    """Up to four prompts of ``{title, message}``."""
    prompts = c.args.json("prompts", "invalid_arguments")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= 4:
        raise SlackError("invalid_arguments", "[ERROR] 1 to 4 prompts [json-pointer:/prompts]")
    for prompt in prompts:
        if not isinstance(prompt, dict) or not all(
            isinstance(prompt.get(name), str) for name in ("title", "message")
        ):
            raise SlackError("invalid_arguments", "[ERROR] missing required field: title")
    _keep(c, prompts=prompts)
    return {}


@method("files.sharedPublicURL", "files:write", kinds=("user",))
def share_publicly(c: Context) -> dict[str, Any]:
    """Give a file an address anybody can open."""
    row = file_of(c)
    if row["user"] != c.user:
        raise SlackError("not_allowed")
    if row["public"]:
        raise SlackError("already_public")
    row = update(c.twin, "files", row["id"], public=True)
    told(c, "file_public", row)
    return {"file": {**file_shape(c, row), "public_url_shared": True}}


@method("files.revokePublicURL", "files:write", kinds=("user",))
def unshare_publicly(c: Context) -> dict[str, Any]:
    """Nobody outside can open the file any more."""
    row = update(c.twin, "files", file_of(c)["id"], public=False)
    return {"file": file_shape(c, row)}
