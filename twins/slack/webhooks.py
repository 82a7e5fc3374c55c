"""Incoming webhooks: ``POST /services/T…/B…/…`` says something in one channel."""

from typing import Any, Final

from factory_tui.universe import ALNUM, UPPER, ApplyError, Call, Response, Row, Twin

from .apps import base_url, hooks_url, main_app
from .chat import bot_fields, content
from .errors import SlackError
from .respond import payload_of, speaking
from .state import channel_of, post, put_member

__all__ = ["OPS", "incoming", "new_webhook"]

_STATUS: Final = {
    "channel_is_archived": 410,
    "channel_not_found": 404,
    "invalid_payload": 400,
    "no_service": 404,
    "no_text": 400,
}


def new_webhook(twin: Twin, app: Row, channel: Row, base: str = "") -> dict[str, str]:
    """A webhook of an app into a channel, as OAuth answers show it."""
    team = next(twin["team"].rows())
    number = twin.ids.mint("webhook", 10, prefix="B", alphabet=UPPER)
    path = f"/services/{team['id']}/{number}/{twin.ids.mint('webhook', 24, alphabet=ALNUM)}"
    row = {"path": path, "app": app["id"], "channel": channel["id"], "active": True}
    twin["webhooks"].put(path, row)
    return {
        "channel": f"#{channel['name']}",
        "channel_id": channel["id"],
        "configuration_url": f"https://{team['domain']}.slack.com/services/{number}",
        "url": f"{hooks_url(base or base_url(app))}{path}",
    }


def _plain(status: int, text: str) -> Response:
    return Response(status, text.encode(), [("content-type", "text/html")])


def incoming(call: Call) -> Response:
    """Take a message; answers are plain words, with an HTTP status that says what is wrong."""
    row = call.twin["webhooks"].get(call.request.path)
    if call.request.method != "POST":
        return _plain(405, "method_not_allowed")
    if row is None:
        known = call.twin["webhooks"].rows()
        stem = call.request.path.rpartition("/")[0]
        near = any(str(other["path"]).rpartition("/")[0] == stem for other in known)
        return _plain(403, "invalid_token") if near else _plain(404, "no_service")
    if not row["active"]:
        return _plain(403, "action_prohibited")
    try:
        _say(call.twin, row, payload_of(call.request))
    except SlackError as error:
        return _plain(_STATUS.get(error.name, 400), error.name)
    return _plain(200, "ok")


def _say(twin: Twin, row: Row, said: dict[str, Any]) -> None:
    app = twin["apps"].get(row["app"]) or main_app(twin)
    channel = twin["channels"].get(row["channel"])
    if channel is None:
        raise SlackError("channel_not_found")
    if channel["archived"]:
        raise SlackError("channel_is_archived")
    c = speaking(twin, app, said)
    fields = content(c)
    fields |= {"subtype": "bot_message", **bot_fields(c)}
    thread = c.args.text("thread_ts")
    if thread and (channel["id"], thread) in twin["messages"]:
        fields["thread_ts"] = thread
    text = fields.pop("text")
    post(twin, channel["id"], c.user, text, **fields)


def add_webhook(twin: Twin, args: dict[str, Any]) -> dict[str, dict[str, str]]:
    """A webhook for ``{channel, as?}``; gives its ``url``. ``{revoke: url}`` ends one."""
    if args.get("revoke"):
        path = "/services/" + str(args["revoke"]).partition("/services/")[2]
        row = twin["webhooks"].get(path)
        if row is None:
            raise ApplyError(f"slack has no webhook {path}")
        twin["webhooks"].put(path, {**row, "active": False})
        return {}
    channel = channel_of(twin, str(args["channel"]))
    if channel is None:
        raise ApplyError(f"slack has no channel {args['channel']}")
    app = main_app(twin)
    if (channel["id"], app["bot_user"]) not in twin["members"]:
        put_member(twin, channel["id"], app["bot_user"])
    return {str(args.get("as", "webhook")): new_webhook(twin, app, channel)}


OPS: Final = {"add_webhook": add_webhook}
