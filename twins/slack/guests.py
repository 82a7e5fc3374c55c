"""Guests: what accounts of guests may not do, and how they end.

A guest is a ``restricted`` account (several channels) or an ``ultra`` one (a single channel). Its
row says so under ``guest``. It sees only the channels it is in (:func:`conversations.visible`).
"""

from dataclasses import replace
from typing import Any, Final

from factory_tui.universe import Row, Twin

from .dialect import DESCRIBED
from .errors import SlackError
from .method import METHODS, Context, Function
from .state import update

__all__ = ["FLAGS", "expire", "kind_of", "plan", "restrict"]

FLAGS: Final = {"restricted": "is_restricted", "ultra": "is_ultra_restricted"}
"""Kind of guest to the argument and flag that Slack has for it."""


def kind_of(c: Context) -> str:
    """The kind of guest that the arguments of an invitation ask for, "" for a member."""
    return next((kind for kind in ("ultra", "restricted") if c.args.flag(FLAGS[kind])), "")


def restrict() -> None:
    """Make every method that Slack keeps from guests refuse them."""
    for name, method in METHODS.items():
        errors = DESCRIBED.get(name, {}).get("errors", ())
        if "user_is_restricted" in errors:
            ultra = "user_is_ultra_restricted" in errors
            METHODS[name] = replace(method, function=_guarded(method.function, ultra))


def _guarded(function: Function, ultra: bool) -> Function:
    def guarded(c: Context) -> dict[str, Any]:
        guest = "" if c.is_bot else c["users"][c.user].get("guest", "")
        if guest:
            named = "user_is_ultra_restricted" if ultra and guest == "ultra" else ""
            raise SlackError(named or "user_is_restricted")
        return function(c)

    guarded.__doc__ = function.__doc__
    return guarded


def plan(twin: Twin, row: Row) -> None:
    """Let the account of a guest end when its time has come."""
    ending = {"id": row["id"], "channel": "", "user": "USLACKBOT", "post_at": row["expires"]}
    twin["scheduled"].put(row["id"], {**ending, "date_created": 0, "fields": {}})


def expire(twin: Twin, key: str) -> None:
    """End the account of a guest whose time has come."""
    row = twin["users"][key]
    if row["deleted"] or not row.get("guest"):
        return
    for membership in twin["members"].find("user", key):
        twin["members"].delete(membership)
    update(twin, "users", key, deleted=True, updated=twin.clock.epoch())
