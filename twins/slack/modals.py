"""views.open, push and update: modals, which a trigger from a person's action lets open."""

from typing import Any, Final

from factory_tui.universe import DIGITS, HEX, Row, Twin

from .apps import app_of
from .errors import SlackError
from .method import Context, method
from .view_build import check_view, open_views, store_view

__all__ = ["new_trigger"]

TRIGGER_S: Final = 3.0
MAX_STACK: Final = 3


def new_trigger(twin: Twin, app: Row, user: str, view: str = "") -> str:
    """A trigger id that lets ``app`` open one modal for ``user`` within three seconds."""
    numbers = [twin.ids.mint("trigger", 12, alphabet=DIGITS) for _ in range(2)]
    key = f"{'.'.join(numbers)}.{twin.ids.mint('trigger', 32, alphabet=HEX)}"
    now = twin.clock.now().timestamp()
    row = {"id": key, "app": app["id"], "user": user, "at": now, "used": False, "view": view}
    twin["triggers"].put(key, row)
    return key


def use_trigger(c: Context) -> Row:
    """The trigger a call names, which is spent by it."""
    given = c.args.text("trigger_id") or c.args.text("interactivity_pointer")
    if not given:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: trigger_id")
    row = c["triggers"].get(given)
    if row is None or row["app"] != app_of(c.twin, c.token)["id"]:
        raise SlackError("invalid_trigger_id")
    if row["used"]:
        raise SlackError("exchanged_trigger_id")
    if c.twin.clock.now().timestamp() - row["at"] > TRIGGER_S:
        raise SlackError("expired_trigger_id")
    return row


def _spend(c: Context, row: Row) -> None:
    c["triggers"].put(row["id"], {**row, "used": True})


@method("views.open")
def open_view(c: Context) -> dict[str, Any]:
    """Open a modal."""
    trigger = use_trigger(c)
    view = check_view(c.args.json("view", "invalid_arguments"), "modal")
    row = store_view(c.twin, app_of(c.twin, c.token), trigger["user"], view)
    _spend(c, trigger)
    return {"view": row["view"]}


@method("views.push")
def push_view(c: Context) -> dict[str, Any]:
    """Put a modal on top of the one that the person acted in."""
    trigger = use_trigger(c)
    stack = open_views(c.twin, trigger["user"])
    if not stack or not trigger["view"]:
        raise SlackError("invalid_trigger_id")
    if len(stack) >= MAX_STACK:
        raise SlackError("push_limit_reached")
    view = check_view(c.args.json("view", "invalid_arguments"), "modal")
    row = store_view(c.twin, app_of(c.twin, c.token), trigger["user"], view, over=stack[-1])
    _spend(c, trigger)
    return {"view": row["view"]}


@method("views.update")
def update_view(c: Context) -> dict[str, Any]:
    """Show another content in a view."""
    row = _named(c)
    asked = c.args.text("hash")
    if asked and asked != row["view"]["hash"]:
        raise SlackError("hash_conflict")
    view = check_view(c.args.json("view", "invalid_arguments"), row["view"]["type"])
    app = app_of(c.twin, c.token)
    return {"view": store_view(c.twin, app, row["user"], view, key=row["id"])["view"]}


def _named(c: Context) -> Row:
    key, external = c.args.text("view_id"), c.args.text("external_id")
    app = app_of(c.twin, c.token)["id"]
    for row in c["views"].rows():
        if row["view"]["app_id"] != app or row.get("closed"):
            continue
        if row["id"] == key or (external and row["view"]["external_id"] == external):
            return row
    if not key and not external:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view_id")
    raise SlackError("not_found")
