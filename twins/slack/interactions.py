"""What a person's action sends to an app, and what the app's answer does.

An interaction is one row: what was sent, and later how the app answered it. Its delivery is not
repeated; a person sees that nothing happened and tries again.
"""

from typing import Any, Final

from factory_tui.universe import (
    ALNUM,
    DIGITS,
    UPPER,
    BadBodyError,
    Delivery,
    Outcome,
    Reply,
    Row,
    Twin,
    read_json,
)

from .apps import app_of, base_url, hooks_url
from .delivery import subscription
from .errors import SlackError
from .respond import respond
from .view_build import check_view, open_views, store_view

__all__ = ["answered", "new_response_url", "send", "user_part"]

_RESPONSE_ACTIONS: Final = ("clear", "errors", "push", "update")


def user_part(twin: Twin, user: str) -> dict[str, Any]:
    """The user as payloads name them."""
    row = twin["users"][user]
    team = next(twin["team"].rows())["id"]
    return {"id": user, "username": row["name"], "name": row["name"], "team_id": team}


def new_response_url(
    twin: Twin, app: Row, kind: str, user: str, channel: str, message: Row | None = None
) -> str:
    """An address that takes five answers within half an hour."""
    number = twin.ids.mint("response", 12, alphabet=DIGITS)
    secret = twin.ids.mint("response", 24, alphabet=ALNUM)
    path = f"/{kind}/{next(twin['team'].rows())['id']}/{number}/{secret}"
    row = {
        "path": path,
        "app": app["id"],
        "user": user,
        "channel": channel,
        "ts": message["ts"] if message else "",
        "ephemeral": bool(message and "to" in message),
        "at": twin.clock.epoch(),
        "left": 5,
    }
    twin["responses"].put(path, row)
    return f"{hooks_url(base_url(app))}{path}"


def send(
    twin: Twin,
    app: Row,
    kind: str,
    what: str,
    payload: dict[str, Any],
    url: str = "",
    *,
    place: dict[str, str],
) -> Row:
    """Send what a person did; ``kind`` is ``slash_commands`` or ``interactive``.

    Raises :class:`SlackError` ``no_request_url`` when the app has not said where.
    """
    target = subscription(app, kind, url)
    if target is None:
        raise SlackError("no_request_url")
    key = twin.ids.mint("interaction", 10, prefix="In", alphabet=UPPER)
    row = {"id": key, "what": what, "state": "sent", "error": "", "answer": None, **place}
    twin["interactions"].put(key, row)
    twin.emit(what, payload, id=key, to=[target])
    return row


def answered(twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
    """Note an app's answer to a person's action and let it take effect."""
    row = twin["interactions"].get(delivery.event.id)
    if row is None:
        return "delivered"
    error = ""
    answer: Any = None
    if reply.status == 0:
        error = "operation_timeout" if "time" in reply.error else "dispatch_failed"
    elif reply.status != 200:
        error = "dispatch_failed"
    else:
        answer = _decoded(reply.body)
        try:
            _effect(twin, row, answer)
        except SlackError as bad:
            error = bad.name
    state = "failed" if error else "answered"
    twin["interactions"].put(row["id"], {**row, "state": state, "error": error, "answer": answer})
    return "failed" if error else "delivered"


def _decoded(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return read_json(body)
    except BadBodyError:
        return body.decode(errors="replace")


def _effect(twin: Twin, row: Row, answer: Any) -> None:
    if row["what"] == "view_submission":
        _submitted(twin, row, answer)
    elif row["what"] == "slash_command" and answer not in (None, {}):
        said = answer if isinstance(answer, dict) else {"text": str(answer)}
        place = {"channel": row["channel"], "user": row["user"], "ts": "", "ephemeral": False}
        respond(twin, {**place, "app": row["app"]}, said)


def _submitted(twin: Twin, row: Row, answer: Any) -> None:
    """``response_action`` of a submitted modal; nothing closes it."""
    view = twin["views"].get(row["view"])
    if view is None:
        return
    table = twin["views"]
    if not isinstance(answer, dict) or not answer.get("response_action"):
        table.put(view["id"], {**view, "closed": True, "errors": {}})
        return
    action = answer["response_action"]
    if action not in _RESPONSE_ACTIONS:
        raise SlackError("invalid_response_action")
    app = app_of(twin, {"app": view["view"]["app_id"]})
    if action == "clear":
        for other in open_views(twin, view["user"]):
            table.put(other["id"], {**other, "closed": True})
    elif action == "errors":
        errors = answer.get("errors")
        known = {block["block_id"] for block in view["view"]["blocks"]}
        if not isinstance(errors, dict) or not errors or not set(errors) <= known:
            raise SlackError("invalid_errors")
        table.put(view["id"], {**view, "errors": errors})
    else:
        wanted = check_view(answer.get("view"), "modal")
        if action == "update":
            store_view(twin, app, view["user"], wanted, key=view["id"])
        elif len(open_views(twin, view["user"])) >= 3:
            raise SlackError("push_limit_reached")
        else:
            store_view(twin, app, view["user"], wanted, over=view)
