"""Socket Mode: apps.connections.open, the WebSocket behind it, and what clients send over it."""

from typing import Any, Final

from factory_tui.universe import ALNUM, HEX, ApplyError, BadBodyError, Call, Twin, read_json
from factory_tui.universe.sockets import Socket

from .apps import app_of
from .errors import SlackError
from .method import Context, method
from .open import subscribe_all

__all__ = ["OPS", "channel", "message", "opened"]


@method("apps.connections.open", "connections:write", kinds=("app",))
def open_connection(c: Context) -> dict[str, Any]:
    """An address for one WebSocket of the app the app-level token belongs to."""
    app = app_of(c.twin, c.token)
    if not app["socket"]:
        raise SlackError("socket_mode_not_enabled")
    ticket = c.twin.ids.mint("ticket", 36, alphabet=ALNUM)
    row = {"ticket": ticket, "app": app["id"], "at": c.now, "debug": c.args.flag("debug")}
    c["tickets"].put(ticket, row)
    base = c.call.request.base_url.replace("http", "ws", 1)
    access = c.twin.ids.mint("access key", 32, alphabet=HEX)
    return {"url": f"{base}/link/?ticket={ticket}&app_id={access}"}


def channel(call: Call) -> str | None:
    """The app whose unused ticket the handshake shows."""
    if not call.request.segments or call.request.segments[0] != "link":
        return None
    call.operation = "socket-mode"
    table = call.twin["tickets"]
    row = table.get(call.request.query.get("ticket", ""))
    if row is None:
        return None
    table.delete(row["ticket"])
    return str(row["app"])


def opened(twin: Twin, socket: Socket) -> None:
    """Greet a client."""
    app = twin["apps"].get(socket.channel)
    if app is not None:
        subscribe_all(twin, app)
    count = len(twin.universe.sockets.of(twin.pack.name, socket.channel))
    socket.send(
        {
            "type": "hello",
            "num_connections": count,
            "debug_info": {
                "host": f"applink-{socket.n}",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": socket.channel},
        }
    )


def message(socket: Socket, data: str | bytes) -> None:
    """An acknowledgement with, perhaps, an answer; anything else is ignored, as Slack does."""
    try:
        envelope = read_json(data)
    except BadBodyError:
        return
    if isinstance(envelope, dict) and isinstance(envelope.get("envelope_id"), str):
        socket.ack(envelope["envelope_id"], envelope.get("payload"))


def disconnect_socket(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Slack asks Socket Mode clients to come again: ``{reason?, app?}``.

    ``warning``: the connection will end soon; ``refresh_requested`` (default) and
    ``link_disabled`` end it.
    """
    reason = str(args.get("reason", "refresh_requested"))
    if reason not in ("warning", "refresh_requested", "link_disabled"):
        raise ApplyError(f"slack knows no reason {reason} to disconnect")
    told = 0
    for socket in twin.universe.sockets.of(twin.pack.name):
        if socket.channel not in twin["apps"] or args.get("app", socket.channel) != socket.channel:
            continue
        host = {"host": f"applink-{socket.n}"}
        socket.send({"type": "disconnect", "reason": reason, "debug_info": host})
        told += 1
        if reason != "warning":
            socket.close(1000, reason)
    return {"told": str(told)}


OPS: Final = {"disconnect_socket": disconnect_socket}
