"""users.*: the accounts of the workspace."""

import re
from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .errors import SlackError
from .method import Context, make_cursor, method
from .shapes import profile_shape, user_shape, users_page
from .state import find_user, update, user_named

EVERYBODY: Final = 1_000_000
"""users.list without a limit gives all there are."""


@method("users.list", "users:read")
def list_users(c: Context) -> dict[str, Any]:
    """Everybody, deactivated accounts and bots included."""
    locale = c.args.flag("include_locale")
    largest = 1000 if "limit" in c.args else EVERYBODY
    start, size = c.page_place("user", default=EVERYBODY, largest=largest)
    members, following = users_page(c, start, size, locale=locale)
    metadata = {"next_cursor": make_cursor("user", following) if following is not None else ""}
    return {"members": members, "cache_ts": c.now, "response_metadata": metadata}


@method("users.info", "users:read")
def info(c: Context) -> dict[str, Any]:
    """One account."""
    row = find_user(c.twin, c.args.need("user", "user_not_found"))
    return {"user": user_shape(c, row, locale=c.args.flag("include_locale"))}


@method("users.lookupByEmail", "users:read.email")
def by_email(c: Context) -> dict[str, Any]:
    """The active account with an email address; a deactivated one is not found."""
    row = user_named(c.twin, c.args.required("email", "users_not_found"))
    if row is None or row["deleted"]:
        raise SlackError("users_not_found")
    return {"user": user_shape(c, row)}


@method("users.getPresence", "users:read")
def presence(c: Context) -> dict[str, Any]:
    """Whether somebody is there."""
    row = find_user(c.twin, c.args.text("user") or c.user)
    state = "away" if row["presence"] == "away" or row["deleted"] else "active"
    if row["id"] != c.user:
        return {"presence": state}
    return {
        "presence": state,
        "online": state == "active",
        "auto_away": False,
        "manual_away": row["presence"] == "away",
        "connection_count": 1,
        "last_activity": c.now,
    }


@method("users.setPresence", "users:write")
def set_presence(c: Context) -> dict[str, Any]:
    """Say ``auto`` or ``away``."""
    wanted = c.args.text("presence")
    if wanted not in ("auto", "away"):
        raise SlackError("invalid_presence")
    update(c.twin, "users", c.user, presence=wanted)
    return {}


@method("users.profile.get", "users.profile:read")
def profile(c: Context) -> dict[str, Any]:
    """A profile, one's own by default."""
    row = find_user(c.twin, c.args.text("user") or c.user)
    return {"profile": own_profile(c, row)}


def own_profile(c: Context, row: Row) -> dict[str, Any]:
    """A profile by itself: the workspace is told only where the whole account is."""
    shown = profile_shape(c, row)
    del shown["team"]
    return shown


_EMOJI: Final = re.compile(r":[^\s:]+(?:::skin-tone-[2-6])?:\Z")
_PROFILE: Final = {
    "title": "title",
    "phone": "phone",
    "display_name": "display",
    "first_name": "first",
    "last_name": "last",
    "status_text": "status_text",
    "status_emoji": "status_emoji",
    "status_expiration": "status_expiration",
}


@method("users.profile.set", "users.profile:write", kinds=("user",))
def set_profile(c: Context) -> dict[str, Any]:
    """Change one's own profile."""
    changes = c.args.json("profile", "invalid_profile")
    if changes is None and "name" in c.args:
        changes = {c.args.text("name"): c.args.text("value")}
    if not isinstance(changes, dict):
        raise SlackError("invalid_profile")
    if "user" in c.args and c.args.text("user") != c.user:
        raise SlackError("cannot_update_admin_user")
    known: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in _PROFILE:
            continue
        if name == "status_expiration":
            if not isinstance(value, int) or isinstance(value, bool):
                raise SlackError("invalid_profile")
        elif not isinstance(value, str):
            raise SlackError("invalid_profile")
        known[_PROFILE[name]] = value
    if isinstance(changes.get("real_name"), str) and not {"first", "last"} & known.keys():
        known["first"], _, known["last"] = changes["real_name"].strip().partition(" ")
    if len(known.get("status_text", "")) > 100:
        raise SlackError("profile_status_set_failed_too_long")
    emoji = known.get("status_emoji")
    if emoji and not _EMOJI.match(emoji):
        raise SlackError("profile_status_set_failed_not_emoji_syntax")
    row = update(c.twin, "users", c.user, updated=c.now, **known)
    changed(c, row, *(("user_status_changed",) if "status_text" in known else ()))
    return {"username": row["name"], "profile": own_profile(c, row)}


def changed(c: Context, row: Row, *more: str) -> None:
    """Tell apps that an account is another than before."""
    if events.listening(c.twin):
        shown = {**user_shape(c, row), "profile": profile_shape(c, row)}
        for what in ("user_change", "user_profile_changed", *more):
            events.notify(c.twin, {"type": what, "user": shown, "cache_ts": c.now})
