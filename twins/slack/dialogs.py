"""dialog.open: the forms that modals have replaced, and what a person enters into them."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import UPPER, ApplyError, Row, Twin

from . import events
from .apps import app_of
from .errors import SlackError
from .interactions import new_response_url, send
from .method import Context, method
from .modals import TRIGGER_S
from .state import channel_of, direct_message, user_named

__all__ = ["OPS"]

_TYPES: Final = ("text", "textarea", "select")
_SUBTYPES: Final = ("email", "number", "tel", "url")
_SOURCES: Final = ("static", "users", "channels", "conversations", "external")
_LONGEST: Final = {"text": 150, "textarea": 3000}


def _element(n: int, item: Any, seen: set[str]) -> list[str]:
    """What is wrong with the n-th element."""
    if not isinstance(item, dict):
        return [f"Element {n} must be an object"]
    found = [
        f"Element {n} is missing required field `{name}`"
        for name in ("type", "name", "label")
        if not item.get(name)
    ]
    kind = item.get("type")
    if kind and kind not in _TYPES:
        found.append(f"Element {n} has an invalid `type`")
    name = item.get("name")
    if isinstance(name, str):
        if name in seen:
            found.append(f"Element {n} has a repeated name")
        seen.add(name)
    limits = {"name": 300, "label": 48, "hint": 150, "placeholder": 150}
    if kind in _LONGEST:
        limits["value"] = _LONGEST[kind]
    for field, most in limits.items():
        if isinstance(item.get(field), str) and len(item[field]) > most:
            found.append(f"Element {n} field `{field}` cannot be longer than {most} characters")
    if kind in _LONGEST:
        found += _lengths(n, item, _LONGEST[kind])
    elif kind == "select":
        found += _select(n, item)
    return found


def _lengths(n: int, item: Row, most: int) -> list[str]:
    found = []
    if item.get("subtype") is not None and item["subtype"] not in _SUBTYPES:
        found.append(f"Element {n} has an invalid `subtype`")
    for field, least in (("min_length", 0), ("max_length", 1)):
        value = item.get(field)
        if value is not None and (not isinstance(value, int) or not least <= value <= most):
            words = f"must be between {least} and {most} (inclusive)"
            found.append(f"Element {n} field `{field}` {words}")
    return found


def _select(n: int, item: Row) -> list[str]:
    source = item.get("data_source", "static")
    if source not in _SOURCES:
        return [f"Element {n} has an invalid `data_source`"]
    if source != "static" or "option_groups" in item:
        return []
    options = item.get("options")
    if not isinstance(options, list):
        return [f"Element {n} field `options` must be a list"]
    if not options:
        return [f"Element {n} field `options` must have at least one option"]
    if len(options) > 100:
        return [f"Element {n} field `options` must have fewer than 100 options"]
    found = []
    for option in options:
        for field in ("label", "value"):
            text = option.get(field) if isinstance(option, dict) else None
            if not isinstance(text, str) or not text:
                found.append(f"Element {n} `options` item is missing required field `{field}`")
            elif len(text) > 75:
                words = f"`{field}` field cannot exceed 75 characters"
                found.append(f"Element {n} `options` item {words}")
    return found


def _problems(dialog: Row) -> list[str]:
    found = [
        f"The field `{name}` is required"
        for name in ("title", "callback_id", "elements")
        if not dialog.get(name) and not (name == "elements" and dialog.get(name) == [])
    ]
    for name, most in (("title", 24), ("submit_label", 48), ("callback_id", 255), ("state", 3000)):
        value = dialog.get(name)
        if isinstance(value, str) and len(value) > most:
            found.append(f"The field `{name}` cannot be longer than {most} characters")
    if isinstance(dialog.get("submit_label"), str) and " " in dialog["submit_label"].strip():
        found.append("The field `submit_label` can only be one word")
    elements = dialog.get("elements")
    if elements is None:
        return found
    if not isinstance(elements, list):
        return [*found, "The field `elements` must be a list"]
    if not elements:
        found.append("The field `elements` has to include at least one element")
    elif len(elements) > 10:
        found.append("The field `elements` cannot include more than ten elements")
    seen: set[str] = set()
    for n, item in enumerate(elements):
        found += _element(n, item, seen)
    return found


@method("dialog.open")
def open_dialog(c: Context) -> dict[str, Any]:
    """Show a person a form."""
    given = c.args.text("trigger_id")
    if not given:
        raise SlackError("missing_trigger")
    dialog = c.args.json("dialog", "validation_errors")
    if dialog is None:
        raise SlackError("missing_dialog")
    problems = _problems(dialog) if isinstance(dialog, dict) else ["The dialog must be an object"]
    if problems:
        raise SlackError("validation_errors", response_metadata={"messages": problems})
    app = app_of(c.twin, c.token)
    row = c["triggers"].get(given)
    if row is None or row["app"] != app["id"]:
        raise SlackError("invalid_trigger")
    if row["used"]:
        raise SlackError("trigger_exchanged")
    if c.twin.clock.now().timestamp() - row["at"] > TRIGGER_S:
        raise SlackError("trigger_expired")
    if not app["socket"] and not app["urls"]["interactive"]:
        raise SlackError("app_missing_action_url")
    c["triggers"].put(row["id"], {**row, "used": True})
    key = c.twin.ids.mint("dialog", 10, prefix="Di", alphabet=UPPER)
    shown = {"id": key, "app": app["id"], "user": row["user"], "dialog": dialog, "open": True}
    c["dialogs"].put(key, shown)
    return {}


# -- what a person does


def _open(twin: Twin, user: str) -> Row:
    rows = [row for row in twin["dialogs"].rows() if row["user"] == user and row["open"]]
    if not rows:
        raise ApplyError("slack: no dialog is open for that person")
    return rows[-1]


def _answer(twin: Twin, args: dict[str, Any], kind: str, more: Row) -> dict[str, str]:
    person = user_named(twin, str(args["user"]))
    if person is None:
        raise ApplyError(f"slack has no account for {args['user']}")
    row = _open(twin, person["id"])
    app = app_of(twin, {"app": row["app"]})
    room = channel_of(twin, str(args.get("channel", "")))
    if room is None:
        room = direct_message(twin, [person["id"], app["bot_user"]])[0]
    team = next(twin["team"].rows())
    dialog = row["dialog"]
    payload = {
        "type": kind,
        "token": app["verification_token"],
        "action_ts": events.event_ts(twin),
        "team": {"id": team["id"], "domain": team["domain"]},
        "enterprise": None,
        "is_enterprise_install": False,
        "user": {"id": person["id"], "name": person["name"], "team_id": team["id"]},
        "channel": {"id": room["id"], "name": room["name"] or "directmessage"},
        "callback_id": dialog["callback_id"],
        "response_url": new_response_url(twin, app, "app", person["id"], room["id"]),
        "state": dialog.get("state", ""),
        **more,
    }
    twin["dialogs"].put(row["id"], {**row, "open": False})
    place = {"app": app["id"], "user": person["id"], "channel": room["id"]}
    sent = send(twin, app, "interactive", kind, payload, place={**place, "dialog": row["id"]})
    return {"interaction": sent["id"]}


def submit_dialog(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody fills in and submits the dialog before them: ``{user, values: {name: …}}``."""
    person = user_named(twin, str(args["user"]))
    row = _open(twin, person["id"] if person else "")
    given = dict(args.get("values") or {})
    submission: Row = {}
    for element in row["dialog"]["elements"]:
        value = given.pop(element["name"], element.get("value"))
        if value in (None, "") and not element.get("optional"):
            raise ApplyError(f"slack: the dialog cannot be submitted without {element['name']}")
        submission[element["name"]] = value
    if given:
        raise ApplyError(f"slack: the dialog has no field {min(given)}")
    return _answer(twin, args, "dialog_submission", {"submission": submission})


def cancel_dialog(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody closes the dialog before them; the app is told if it asked (``{user}``)."""
    person = user_named(twin, str(args["user"]))
    row = _open(twin, person["id"] if person else "")
    if row["dialog"].get("notify_on_cancel"):
        return _answer(twin, args, "dialog_cancellation", {})
    twin["dialogs"].put(row["id"], {**row, "open": False})
    return {"closed": row["id"]}


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    "submit_dialog": submit_dialog,
    "cancel_dialog": cancel_dialog,
}
