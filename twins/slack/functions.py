"""functions.*, workflows.featured.*, apps.user.connection.* and entity.presentDetails.

A scenario starts a function with ``run_function`` and asks for a work object with
``open_entity``; the app hears ``function_executed`` and ``entity_details_requested``.
"""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import ALNUM, UPPER, ApplyError, Row, Twin

from . import events, modals
from .apps import app_of, bot_token, main_app
from .conversations import channel_for, visible
from .errors import SlackError
from .method import Context, method
from .state import channel_of, find_user, user_named

__all__ = ["OPS"]

_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


# -- functions


def _execution(c: Context) -> Row:
    row = c["executions"].get(c.args.need("function_execution_id"))
    if row is None:
        raise SlackError("function_execution_not_found")
    if row["app"] != app_of(c.twin, c.token)["id"]:
        raise SlackError("access_denied")
    if row["state"] != "running":
        raise SlackError("execution_not_in_running_state")
    return row


def _check_outputs(parameters: Any, outputs: Row) -> list[str]:
    """What does not fit the function's output parameters."""
    found = []
    known = parameters if isinstance(parameters, dict) else {}
    for name, about in known.items():
        if name not in outputs:
            if about.get("is_required"):
                found.append(f"missing required parameter: {name}")
            continue
        wanted = _TYPES.get(str(about.get("type")))
        if wanted is not None and not isinstance(outputs[name], wanted):
            found.append(f"parameter {name} must be of type {about['type']}")
    return found


@method("functions.completeSuccess")
def succeed(c: Context) -> dict[str, Any]:
    """The function is done, with what it gives."""
    row = _execution(c)
    outputs = c.args.json("outputs", "invalid_arguments")
    if not isinstance(outputs, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: outputs")
    problems = _check_outputs(row["output_parameters"], outputs)
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("parameter_validation_failed", response_metadata={"messages": messages})
    c["executions"].put(row["id"], {**row, "state": "succeeded", "outputs": outputs})
    return {}


@method("functions.completeError")
def fail(c: Context) -> dict[str, Any]:
    """The function could not do it."""
    row = _execution(c)
    error = c.args.need("error")
    c["executions"].put(row["id"], {**row, "state": "failed", "error": error})
    return {}


def run_function(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """A workflow runs a function of the app: ``{callback_id, inputs?}``."""
    app = main_app(twin)
    name = str(args["callback_id"])
    known = app["manifest"].get("functions", {}).get(name, {})
    key = twin.ids.mint("execution", 10, prefix="Fx", alphabet=UPPER)
    function = twin.ids.mint("function", 10, prefix="Fn", alphabet=UPPER)
    token = twin.ids.mint("workflow token", 64, prefix="xwfp-", alphabet=ALNUM)
    row: Row = {
        "id": key,
        "app": app["id"],
        "callback_id": name,
        "inputs": dict(args.get("inputs") or {}),
        "output_parameters": known.get("output_parameters") or {},
        "state": "running",
        "outputs": {},
        "error": "",
    }
    twin["executions"].put(key, row)
    bot = {"token": token, "kind": "bot", "user": app["bot_user"], "revoked": False}
    held = bot_token(twin, app)
    scopes = list(held["scopes"]) if held else []
    twin["tokens"].put(token, {**bot, "scopes": scopes, "app": app["id"]})

    def parameters(kind: str) -> list[Row]:
        return [{"name": n, **about} for n, about in (known.get(kind) or {}).items()]

    event = {
        "type": "function_executed",
        "function": {
            "id": function,
            "callback_id": name,
            "title": known.get("title", name),
            "description": known.get("description", ""),
            "type": "app",
            "input_parameters": parameters("input_parameters"),
            "output_parameters": parameters("output_parameters"),
            "app_id": app["id"],
            "date_created": app["created"],
            "date_updated": app["created"],
            "date_deleted": 0,
            "form_enabled": False,
        },
        "inputs": row["inputs"],
        "function_execution_id": key,
        "workflow_execution_id": twin.ids.mint("workflow run", 10, prefix="Wx", alphabet=UPPER),
        "bot_access_token": token,
    }
    if "function_executed" in app["bot_events"]:
        events.tell_app(twin, app, event)
    return {"execution": key}


# -- featured workflows


def _triggers(c: Context) -> list[str]:
    triggers = list(dict.fromkeys(c.args.items("trigger_ids")))
    if not 1 <= len(triggers) <= 15:
        raise SlackError("invalid_arguments", "[ERROR] 1 to 15 items [json-pointer:/trigger_ids]")
    if not all(key.startswith("Ft") for key in triggers):
        raise SlackError("error_modifying_workflows")
    return triggers


def _feature(c: Context, change: Callable[[list[str], list[str]], list[str]]) -> dict[str, Any]:
    channel = channel_for(c, argument="channel_id")
    known = c["featured"].get(channel["id"])
    triggers = change(known["triggers"] if known else [], _triggers(c))
    if len(triggers) > 15:
        raise SlackError("error_modifying_workflows")
    c["featured"].put(channel["id"], {"channel": channel["id"], "triggers": triggers})
    return {}


@method("workflows.featured.add", "bookmarks:write")
def add_featured(c: Context) -> dict[str, Any]:
    """Show more workflows in a channel."""
    return _feature(c, lambda known, new: [*known, *(key for key in new if key not in known)])


@method("workflows.featured.remove", "bookmarks:write")
def remove_featured(c: Context) -> dict[str, Any]:
    """Show workflows no longer."""
    return _feature(c, lambda known, new: [key for key in known if key not in new])


@method("workflows.featured.set", "bookmarks:write")
def set_featured(c: Context) -> dict[str, Any]:
    """Show exactly these workflows."""
    return _feature(c, lambda known, new: new)


@method("workflows.featured.list", "bookmarks:read")
def list_featured(c: Context) -> dict[str, Any]:
    """What is shown in channels."""
    names = c.args.items("channel_ids")
    if not names:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: channel_ids")
    wrong = [key for key in names if key not in c["channels"] or not visible(c, c["channels"][key])]
    if wrong:
        raise SlackError("error_invalid_channels", invalid_channel_ids=wrong)
    found = []
    for key in names:
        row = c["featured"].get(key) or {"triggers": []}
        triggers = [{"id": name, "title": f"Workflow {name}"} for name in row["triggers"]]
        found.append({"channel_id": key, "triggers": triggers})
    return {"featured_workflows": found}


# -- people's connections to the app


def _connect(c: Context, users: list[str], status: str) -> None:
    app = app_of(c.twin, c.token)
    if "user_connection" not in (*app["bot_events"], *app["user_events"]):
        raise SlackError("app_not_subscribed")
    for user in users:
        find_user(c.twin, user)
    known = {**app.get("connections", {}), **dict.fromkeys(users, status)}
    c["apps"].put(app["id"], {**app, "connections": known})


@method("apps.user.connection.update", "users:write")
def connect_user(c: Context) -> dict[str, Any]:
    """Say whether somebody's account elsewhere is connected to the app."""
    status = c.args.need("status")
    if status not in ("connected", "disconnected"):
        message = "[ERROR] must be a valid enum value [json-pointer:/status]"
        raise SlackError("invalid_arguments", message)
    _connect(c, [c.args.need("user_id", "user_not_found")], status)
    return {}


@method("apps.user.connection.bulkUpdate", "users:write")
def connect_users(c: Context) -> dict[str, Any]:
    """The same for many."""
    on, off = c.args.items("connected_user_ids"), c.args.items("disconnected_user_ids")
    if not on and not off:
        raise SlackError("invalid_arguments", "[ERROR] no users were given")
    _connect(c, on, "connected")
    _connect(c, off, "disconnected")
    return {}


# -- work objects


@method("entity.presentDetails")
def present(c: Context) -> dict[str, Any]:
    """What the flexpane of a work object shows."""
    given = c.args.need("trigger_id", "invalid_trigger_id")
    trigger = c["triggers"].get(given)
    if trigger is None or trigger["app"] != app_of(c.twin, c.token)["id"]:
        raise SlackError("invalid_trigger_id")
    if c.args.flag("user_auth_required") and "user_auth_url" not in c.args:
        raise SlackError("user_auth_url_missing")
    metadata = c.args.json("metadata", "invalid_metadata")
    error = c.args.json("error", "invalid_arguments")
    if metadata is not None and not isinstance(metadata, dict):
        raise SlackError("invalid_metadata")
    if isinstance(metadata, dict):
        wanted = (c["entities"].get(given) or {}).get("external_ref")
        shown = metadata.get("external_ref")
        if wanted and shown is not None and shown != wanted:
            raise SlackError("entity_metadata_does_not_match_trigger")
    row = c["entities"].get(given) or {"trigger": given}
    told = {"metadata": metadata, "error": error, "by": c.user}
    told["auth_url"] = c.args.text("user_auth_url")
    c["entities"].put(given, {**row, **told})
    return {}


def open_entity(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody looks at a work object of the app: ``{user, url, channel?, external_ref?}``."""
    app = main_app(twin)
    person = user_named(twin, str(args["user"]))
    if person is None:
        raise ApplyError(f"slack has no account for {args['user']}")
    trigger = modals.new_trigger(twin, app, person["id"])
    row = {"trigger": trigger, "external_ref": args.get("external_ref"), "url": str(args["url"])}
    twin["entities"].put(trigger, row)
    room = channel_of(twin, str(args.get("channel", "")))
    event = {
        "type": "entity_details_requested",
        "link": {"url": str(args["url"]), "domain": "".join(str(args["url"]).split("/")[2:3])},
        "user": person["id"],
        "external_ref": args.get("external_ref"),
        "entity_url": str(args["url"]),
        "app_unfurl_url": str(args["url"]),
        "trigger_id": trigger,
        "user_locale": "en-US",
        "channel": room["id"] if room else "",
    }
    if "entity_details_requested" in app["bot_events"]:
        events.tell_app(twin, app, event)
    return {"trigger": trigger}


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    "run_function": run_function,
    "open_entity": open_entity,
}
