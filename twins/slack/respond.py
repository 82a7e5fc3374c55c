"""Answers to commands and clicks: by response URL or in the acknowledgement itself."""

from typing import Any

from factory_tui.universe import BadBodyError, Call, Request, Response, Row, Twin, read_json

from .apps import app_of
from .body import Arguments
from .chat import bot_fields, changes, content, show_to, withdraw
from .errors import SlackError
from .method import Context
from .shapes import message_shape
from .state import next_ts, post

__all__ = ["payload_of", "respond", "response_url", "speaking"]

_HALF_HOUR = 1800


def speaking(twin: Twin, app: Row, said: dict[str, Any]) -> Context:
    """A context in which the app's bot says ``said``."""
    token = {"token": "", "kind": "bot", "user": app["bot_user"], "scopes": [], "app": app["id"]}
    return Context(Call(twin, Request("POST", "/")), Arguments(said), token)


def respond(twin: Twin, place: Row, said: dict[str, Any]) -> None:
    """Say it where the person acted. Raises :class:`SlackError`."""
    app = app_of(twin, {"app": place["app"]})
    channel = twin["channels"].get(place["channel"])
    if channel is None:
        raise SlackError("channel_not_found")
    c = speaking(twin, app, said)
    ts = place["ts"]
    if c.args.flag("delete_original") and ts:
        _delete(c, channel, place)
        return
    fields = content(c)
    if c.args.flag("replace_original") and ts:
        _replace(c, channel, place, fields)
        return
    text = fields.pop("text")
    more = bot_fields(c)
    thread = c.args.text("thread_ts")
    if thread and (channel["id"], thread) in twin["messages"]:
        more["thread_ts"] = thread
    if c.args.text("response_type") == "in_channel":
        post(twin, channel["id"], c.user, text, **more, **fields)
    else:
        message = {"text": text, "ts": next_ts(twin), "user": c.user, **more, **fields}
        show_to(c, channel, place["user"], message)


def _delete(c: Context, channel: Row, place: Row) -> None:
    if place["ephemeral"]:
        c["ephemerals"].delete((channel["id"], place["ts"], place["user"]))
        return
    row = c["messages"].get((channel["id"], place["ts"]))
    if row is None:
        raise SlackError("message_not_found")
    withdraw(c, channel, row)


def _replace(c: Context, channel: Row, place: Row, fields: dict[str, Any]) -> None:
    table = c["ephemerals" if place["ephemeral"] else "messages"]
    key: Any = (channel["id"], place["ts"])
    if place["ephemeral"]:
        key = (*key, place["user"])
    row = table.get(key)
    if row is None:
        raise SlackError("message_not_found")
    kept = {name: value for name, value in row.items() if name not in ("blocks", "attachments")}
    after = {**kept, **fields}
    if place["ephemeral"]:
        table.put(key, after)
        return
    after["edited"] = {"user": c.user, "ts": f"{c.now}.000000"}
    before = message_shape(c, row)
    table.put(key, after)
    changes(c, channel, before, message_shape(c, after))


def payload_of(request: Request) -> dict[str, Any]:
    """The JSON object of a webhook's body, as such or in the form field ``payload``.

    Raises :class:`SlackError` ``invalid_payload``.
    """
    try:
        if request.media_type == "application/x-www-form-urlencoded" and not (
            request.body.lstrip().startswith(b"{")
        ):
            value = read_json(request.form().get("payload", ""))
        else:
            value = read_json(request.body)
    except BadBodyError as error:
        raise SlackError("invalid_payload") from error
    if not isinstance(value, dict):
        raise SlackError("invalid_payload")
    return value


def _plain(status: int, text: str) -> Response:
    return Response(status, text.encode(), [("content-type", "text/html")])


def response_url(call: Call) -> Response:
    """``POST /commands/…`` and ``/actions/…``: five answers within half an hour."""
    twin = call.twin
    row = twin["responses"].get(call.request.path)
    if row is None or call.request.method != "POST":
        return _plain(404, "no_service")
    if twin.clock.epoch() - row["at"] > _HALF_HOUR:
        return Response.json({"ok": False, "error": "expired_url"}, 404)
    if row["left"] <= 0:
        return Response.json({"ok": False, "error": "used_url"}, 404)
    try:
        respond(twin, row, payload_of(call.request))
    except SlackError as error:
        return _plain(404 if error.name.endswith("not_found") else 400, error.name)
    twin["responses"].put(row["path"], {**row, "left": row["left"] - 1})
    return Response.json({"ok": True})
