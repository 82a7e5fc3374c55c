"""What people do in Slack, as operations of scenarios: commands, clicks, modals, reactions.

A person is named by email, a channel by name. An operation that an app is told of gives
``{"interaction": id}``; the view ``interactions`` shows how the app answered.
"""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import ApplyError, Call, Request, Row, Twin

from . import events, modals
from .apps import main_app
from .body import Arguments
from .chat import changes, withdraw
from .entries import find_element, picked, state_values
from .interactions import new_response_url, send, user_part
from .marks import reacted
from .method import Context
from .mrkdwn import stored
from .shapes import message_shape
from .state import channel_of, direct_message, escape, is_member, post, user_named
from .view_build import open_views

__all__ = ["OPS", "as_person"]


def _person(twin: Twin, args: dict[str, Any]) -> str:
    row = user_named(twin, str(args["user"]))
    if row is None:
        raise ApplyError(f"slack has no account for {args['user']}")
    return str(row["id"])


def _place(twin: Twin, args: dict[str, Any], user: str) -> Row:
    """The channel that is named, or the direct message with the app."""
    if not args.get("channel"):
        return direct_message(twin, [user, main_app(twin)["bot_user"]])[0]
    row = channel_of(twin, str(args["channel"])) or twin["channels"].get(str(args["channel"]))
    if row is None:
        raise ApplyError(f"slack has no channel {args['channel']}")
    if not is_member(twin, row["id"], user):
        raise ApplyError(f"{args['user']} is not in #{row['name']}")
    return row


def as_person(twin: Twin, user: str) -> Context:
    """A context in which a person acts."""
    token = {"token": "", "kind": "user", "user": user, "scopes": []}
    return Context(Call(twin, Request("POST", "/")), Arguments({}), token)


def _message(twin: Twin, channel: Row, args: dict[str, Any]) -> Row:
    if args.get("ts"):
        row = twin["messages"].get((channel["id"], str(args["ts"])))
    else:
        keys = sorted(twin["messages"].find("channel", channel["id"]), key=lambda key: str(key[1]))
        row = twin["messages"].get(keys[-1]) if keys else None
    if row is None:
        raise ApplyError(f"slack: there is no such message in {channel['name'] or channel['id']}")
    return row


def _common(twin: Twin, kind: str, user: str, trigger: str) -> dict[str, Any]:
    app, team = main_app(twin), next(twin["team"].rows())
    return {
        "type": kind,
        "user": user_part(twin, user),
        "api_app_id": app["id"],
        "token": app["verification_token"],
        "trigger_id": trigger,
        "team": {"id": team["id"], "domain": team["domain"]},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def slash_command(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody types a command: ``{user, channel?, command, text?}``."""
    app, user = main_app(twin), _person(twin, args)
    channel = _place(twin, args, user)
    name = str(args["command"])
    if name not in app["commands"]:
        raise ApplyError(f"slack: no app has the command {name}")
    team = next(twin["team"].rows())
    payload = {
        "token": app["verification_token"],
        "team_id": team["id"],
        "team_domain": team["domain"],
        "channel_id": channel["id"],
        "channel_name": channel["name"] if channel["kind"] == "channel" else "directmessage",
        "user_id": user,
        "user_name": twin["users"][user]["name"],
        "command": name,
        "text": escape(str(args.get("text", ""))),
        "api_app_id": app["id"],
        "is_enterprise_install": "false",
        "response_url": new_response_url(twin, app, "commands", user, channel["id"]),
        "trigger_id": modals.new_trigger(twin, app, user),
    }
    place = {"app": app["id"], "user": user, "channel": channel["id"]}
    url = app["commands"][name]
    row = send(twin, app, "slash_commands", "slash_command", payload, url, place=place)
    return {"interaction": row["id"]}


def click(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody uses an element: ``{user, action, value?, channel?, ts?, view?, ephemeral?}``.

    ``action`` is its action_id, block_id or text; ``view``: ``home`` or ``modal``.
    """
    app, user = main_app(twin), _person(twin, args)
    place = {"app": app["id"], "user": user}
    wanted = str(args["action"])
    if args.get("view"):
        view = _view(twin, user, args)
        block, element = find_element(view["view"]["blocks"], wanted)
        payload = _common(
            twin, "block_actions", user, modals.new_trigger(twin, app, user, view["id"])
        )
        payload |= {
            "container": {"type": "view", "view_id": view["id"]},
            "view": view["view"],
        }
        place["view"] = view["id"]
    else:
        channel = _place(twin, args, user)
        message = _clickable(twin, channel, user, args)
        block, element = find_element(message["blocks"], wanted)
        hidden = "to" in message
        payload = _common(twin, "block_actions", user, modals.new_trigger(twin, app, user))
        payload |= {
            "container": {
                "type": "message",
                "message_ts": message["ts"],
                "channel_id": channel["id"],
                "is_ephemeral": hidden,
            },
            "channel": {"id": channel["id"], "name": channel["name"] or "directmessage"},
            "state": {"values": {}},
            "response_url": new_response_url(twin, app, "actions", user, channel["id"], message),
        }
        if not hidden:
            payload["message"] = message_shape(as_person(twin, user), message)
        place["channel"] = channel["id"]
    action = {
        "action_id": element.get("action_id", ""),
        "block_id": block.get("block_id", ""),
        "type": element["type"],
        "action_ts": events.event_ts(twin),
    }
    for name in ("text", "value", "placeholder"):
        if name in element:
            action[name] = element[name]
    action |= picked(twin, element, args.get("value")) if element["type"] != "button" else {}
    payload["actions"] = [action]
    row = send(twin, app, "interactive", "block_actions", payload, place=place)
    return {"interaction": row["id"]}


def _clickable(twin: Twin, channel: Row, user: str, args: dict[str, Any]) -> Row:
    """The newest message (or the one of ``ts``) that shows the element to the user."""
    rows = [
        row
        for row in (*twin["messages"].rows(), *twin["ephemerals"].rows())
        if row["channel"] == channel["id"] and row.get("to", user) == user and row.get("blocks")
    ]
    for row in sorted(rows, key=lambda row: str(row["ts"]), reverse=True):
        if args.get("ts") and row["ts"] != args["ts"]:
            continue
        try:
            find_element(row["blocks"], str(args["action"]))
        except ApplyError:
            continue
        return row
    raise ApplyError(f"slack: {args['user']} sees no element {args['action']} there")


def _view(twin: Twin, user: str, args: dict[str, Any]) -> Row:
    if args.get("view") == "home":
        for row in twin["views"].rows():
            if row["user"] == user and row["view"]["type"] == "home":
                return row
        raise ApplyError(f"slack: {args['user']} has no home tab of the app")
    found = open_views(twin, user)
    if not found:
        raise ApplyError(f"slack: no modal is open for {args['user']}")
    return found[-1]


def suggest(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody types into an external select: ``{user, action, value, view or channel}``."""
    app, user = main_app(twin), _person(twin, args)
    payload = _common(twin, "block_suggestion", user, "")
    del payload["trigger_id"]
    if args.get("channel"):
        channel = _place(twin, args, user)
        message = _clickable(twin, channel, user, args)
        blocks = message["blocks"]
        payload |= {"container": {"type": "message", "message_ts": message["ts"],
                                  "channel_id": channel["id"]}}  # fmt: skip
    else:
        view = _view(twin, user, args)
        blocks = view["view"]["blocks"]
        container = {"type": "view", "view_id": view["id"]}
        payload |= {"container": container, "view": view["view"]}
    block, element = find_element(blocks, str(args["action"]))
    payload |= {
        "action_id": element.get("action_id", ""),
        "block_id": block.get("block_id", ""),
        "value": str(args.get("value", "")),
    }
    url = app["urls"]["options"] or app["urls"]["interactive"]
    place = {"app": app["id"], "user": user}
    row = send(twin, app, "interactive", "block_suggestion", payload, url, place=place)
    return {"interaction": row["id"]}


def shortcut(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody uses a shortcut: ``{user, callback_id}``, of a message ``{…, channel, ts?}``."""
    app, user = main_app(twin), _person(twin, args)
    name = str(args["callback_id"])
    if name not in app["shortcuts"]:
        raise ApplyError(f"slack: no app has the shortcut {name}")
    kind = "message_action" if app["shortcuts"][name] == "message" else "shortcut"
    payload = _common(twin, kind, user, modals.new_trigger(twin, app, user))
    payload |= {"callback_id": name, "action_ts": events.event_ts(twin)}
    place = {"app": app["id"], "user": user}
    if kind == "message_action":
        channel = _place(twin, args, user)
        message = _message(twin, channel, args)
        payload |= {
            "channel": {"id": channel["id"], "name": channel["name"] or "directmessage"},
            "message_ts": message["ts"],
            "message": message_shape(as_person(twin, user), message),
            "response_url": new_response_url(twin, app, "actions", user, channel["id"], message),
        }
    row = send(twin, app, "interactive", kind, payload, place=place)
    return {"interaction": row["id"]}


def submit_view(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody fills in and submits the topmost modal: ``{user, values: {action or block: …}}``."""
    app, user = main_app(twin), _person(twin, args)
    row = _view(twin, user, {**args, "view": "modal"})
    state = {"values": state_values(twin, row["view"], dict(args.get("values") or {}))}
    view = {**row["view"], "state": state}
    twin["views"].put(row["id"], {**row, "view": view, "errors": {}})
    trigger = modals.new_trigger(twin, app, user, row["id"])
    payload = _common(twin, "view_submission", user, trigger)
    payload |= {"view": view, "response_urls": []}
    place = {"app": app["id"], "user": user, "view": row["id"]}
    sent = send(twin, app, "interactive", "view_submission", payload, place=place)
    return {"interaction": sent["id"], "view": row["id"]}


def close_view(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody closes the topmost modal, or with ``all`` every one."""
    app, user = main_app(twin), _person(twin, args)
    rows = open_views(twin, user)
    if not rows:
        raise ApplyError(f"slack: no modal is open for {args['user']}")
    for row in reversed(rows if args.get("all") else rows[-1:]):
        twin["views"].put(row["id"], {**row, "closed": True})
        if row["view"]["notify_on_close"]:
            payload = _common(twin, "view_closed", user, "")
            del payload["trigger_id"]
            payload |= {"view": row["view"], "is_cleared": bool(args.get("all"))}
            place = {"app": app["id"], "user": user, "view": row["id"]}
            send(twin, app, "interactive", "view_closed", payload, place=place)
    return {"closed": str(len(rows if args.get("all") else rows[-1:]))}


def open_home(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody opens the app's home tab: ``{user}``."""
    user = _person(twin, args)
    channel = direct_message(twin, [user, main_app(twin)["bot_user"]])[0]
    event = {"type": "app_home_opened", "user": user, "channel": channel["id"], "tab": "home"}
    for row in twin["views"].rows():
        if row["user"] == user and row["view"]["type"] == "home":
            event["view"] = row["view"]
    events.notify(twin, event)


def open_assistant(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody opens the app's assistant: ``{user, channel?}`` (where they stand)."""
    user, app = _person(twin, args), main_app(twin)
    room = direct_message(twin, [user, app["bot_user"]])[0]
    row = post(
        twin, room["id"], app["bot_user"], "New assistant thread", subtype="assistant_app_thread"
    )
    twin["messages"].put((room["id"], row["ts"]), {**row, "thread_ts": row["ts"]})
    seen = channel_of(twin, str(args.get("channel", "")))
    thread = {
        "user_id": user,
        "context": {
            "channel_id": seen["id"] if seen else "",
            "team_id": next(twin["team"].rows())["id"],
            "enterprise_id": None,
        },
        "channel_id": room["id"],
        "thread_ts": row["ts"],
    }
    events.notify(twin, {"type": "assistant_thread_started", "assistant_thread": thread}, room)
    return {"channel": room["id"], "thread_ts": row["ts"]}


def say(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody writes ``{user, text, channel?, thread_ts?}``; without a channel to the app."""
    user = _person(twin, args)
    channel = _place(twin, args, user)
    fields: dict[str, Any] = {}
    if args.get("thread_ts"):
        key = (channel["id"], str(args["thread_ts"]))
        parent = _message(twin, channel, {"ts": args["thread_ts"]})
        fields["thread_ts"] = parent.get("thread_ts") or parent["ts"]
        if parent.get("thread_ts") is None:
            twin["messages"].put(key, {**parent, "thread_ts": parent["ts"]})
    bot = main_app(twin)["bot_user"]
    text = str(args["text"]).replace("@app", f"<@{bot}>")
    row = post(twin, channel["id"], user, stored(twin, text), **fields)
    return {"ts": row["ts"], "channel": channel["id"]}


def react(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody reacts ``{user, channel?, ts?, name}``; ``remove`` takes the reaction back."""
    user = _person(twin, args)
    channel = _place(twin, args, user)
    row = _message(twin, channel, args)
    name = str(args["name"]).strip(":")
    known = {item["name"]: list(item["users"]) for item in row.get("reactions", [])}
    users = known.setdefault(name, [])
    remove = bool(args.get("remove"))
    if (user in users) != remove:
        raise ApplyError(f"slack: {args['user']} has {'not ' if remove else ''}reacted with {name}")
    if remove:
        users.remove(user)
    else:
        users.append(user)
    reactions = [{"name": key, "users": value} for key, value in known.items() if value]
    twin["messages"].put((channel["id"], row["ts"]), {**row, "reactions": reactions})
    reacted(as_person(twin, user), row, name, "reaction_removed" if remove else "reaction_added")


def _mine(twin: Twin, args: dict[str, Any]) -> tuple[Context, Row, Row]:
    user = _person(twin, args)
    channel = _place(twin, args, user)
    row = _message(twin, channel, args)
    if row["user"] != user:
        raise ApplyError(f"slack: that message is not from {args['user']}")
    return as_person(twin, user), channel, row


def edit_message(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody changes a message: ``{user, channel?, ts?, text}``."""
    c, channel, row = _mine(twin, args)
    after = {**row, "text": stored(twin, str(args["text"]))}
    after["edited"] = {"user": c.user, "ts": f"{c.now}.000000"}
    before = message_shape(c, row)
    twin["messages"].put((channel["id"], row["ts"]), after)
    changes(c, channel, before, message_shape(c, after))


def delete_message(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody deletes a message: ``{user, channel?, ts?}``."""
    withdraw(*_mine(twin, args))


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    function.__name__: function
    for function in (
        slash_command,
        click,
        suggest,
        shortcut,
        submit_view,
        close_view,
        open_assistant,
        open_home,
        say,
        react,
        edit_message,
        delete_message,
    )
}
