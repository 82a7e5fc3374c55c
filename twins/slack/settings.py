"""How a scenario configures an app, and the check that a request URL is the app's own."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import (
    BASE62,
    ApplyError,
    Delivery,
    Outcome,
    Reply,
    Row,
    Subscription,
    Twin,
)

from .apps import ALL_SCOPES, credentials, grant, main_app, set_manifest

__all__ = ["OPS", "verified", "verify"]


def _app(twin: Twin, args: dict[str, Any]) -> Row:
    wanted = args.get("app")
    if not wanted:
        return main_app(twin)
    for row in twin["apps"].rows():
        if wanted in (row["id"], row["name"]):
            return row
    raise ApplyError(f"slack has no app {wanted}")


def configure_app(twin: Twin, args: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Settings of an app; what is not named stays. Gives the entity ``slack_app``.

    ``{app?, url?, request_url?, interactivity_url?, options_url?, events?, user_events?,
    commands?: [name or {command, url}], shortcuts?: [{callback_id, type}], socket_mode?,
    redirect_urls?, unfurl_domains?, scopes?, token_rotation?, verify?}``. ``url`` stands for
    every address. With ``verify`` the request URL has to answer Slack's challenge first.
    """
    app = _app(twin, args)
    url = str(args.get("url", ""))
    manifest = {key: dict(value) for key, value in app["manifest"].items()}
    settings, features = manifest["settings"], manifest["features"]
    events = dict(settings.get("event_subscriptions") or {})
    for name, key in (("events", "bot_events"), ("user_events", "user_events")):
        if name in args:
            events[key] = _texts(args[name])
    if args.get("request_url") or url:
        events["request_url"] = str(args.get("request_url") or url)
    if events:
        settings["event_subscriptions"] = events
    clicks = dict(settings.get("interactivity") or {"is_enabled": True})
    if args.get("interactivity_url") or url:
        clicks["request_url"] = str(args.get("interactivity_url") or url)
    if args.get("options_url") or url:
        clicks["message_menu_options_url"] = str(args.get("options_url") or url)
    settings["interactivity"] = clicks
    for name, key in (("socket_mode", "socket_mode_enabled"),
                      ("token_rotation", "token_rotation_enabled")):  # fmt: skip
        if name in args:
            settings[key] = bool(args[name])
    if "commands" in args:
        features["slash_commands"] = [_command(item, url) for item in args["commands"]]
    if "shortcuts" in args:
        features["shortcuts"] = [dict(item) for item in args["shortcuts"]]
    if "unfurl_domains" in args:
        features["unfurl_domains"] = _texts(args["unfurl_domains"])
    if "redirect_urls" in args:
        manifest["oauth_config"]["redirect_urls"] = _texts(args["redirect_urls"])
    app = set_manifest(app, manifest)
    twin["apps"].put(app["id"], app)
    scopes = _texts(args.get("scopes", []))
    if set(scopes) - ALL_SCOPES:
        raise ApplyError(f"slack has no scope {min(set(scopes) - ALL_SCOPES)}")
    grant(twin, app, [*scopes, *(["commands"] if features.get("slash_commands") else [])])
    if args.get("verify"):
        verify(twin, app)
    return {"slack_app": credentials(twin, app)}


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ApplyError("a list is needed")
    return [str(item) for item in value]


def _command(item: Any, url: str) -> dict[str, str]:
    entry = {"command": item} if isinstance(item, str) else dict(item)
    name = str(entry["command"])
    if not name.startswith("/"):
        raise ApplyError(f"{name} is no command: it starts with /")
    return {"url": url, "description": name[1:], **{k: str(v) for k, v in entry.items()}}


def verify(twin: Twin, app: Row) -> None:
    """Send the request URL a challenge; until it is answered the app is told of nothing."""
    url = app["urls"]["events_api"]
    if not url or app["socket"]:
        return
    twin["apps"].put(app["id"], {**app, "verified": False})
    challenge = twin.ids.mint("challenge", 52, alphabet=BASE62)
    body = {
        "token": app["verification_token"],
        "challenge": challenge,
        "type": "url_verification",
    }
    data = {"kind": "url_verification", "app": app["id"]}
    target = Subscription(app["id"], url, app["signing_secret"], data=data)
    twin.emit("url_verification", body, to=[target])


def verified(twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
    """The challenge came back as text, as a form or as JSON."""
    challenge = delivery.event.payload["challenge"]
    text = reply.body.decode(errors="replace").strip()
    body = reply.json()
    given = body.get("challenge") if isinstance(body, dict) else text.removeprefix("challenge=")
    app = twin["apps"].get(delivery.subscription.data["app"])
    if reply.status != 200 or given != challenge or app is None:
        return "failed"
    twin["apps"].put(app["id"], {**app, "verified": True})
    return "delivered"


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {"configure_app": configure_app}
