"""The Real Time Messaging API: rtm.connect, rtm.start and the WebSocket behind them."""

from typing import Any, Final

from factory_tui.universe import ALNUM, BadBodyError, Call, Request, Row, Twin, read_json
from factory_tui.universe.sockets import Socket

from . import events
from .apps import app_of
from .body import Arguments
from .chat import send
from .conversations import visible
from .errors import SlackError
from .method import Context, method
from .state import escape, is_member

__all__ = ["channel", "closed", "message", "opened"]

PREFIX: Final = "rtm:"
_HALF_MINUTE: Final = 30
MAX_TEXT: Final = 4000


def _connect(c: Context) -> dict[str, Any]:
    if not c.has_scope("rtm:stream"):
        if c.is_bot:
            raise SlackError("not_allowed_token_type")
        c.need_scope("rtm:stream")
    ticket = c.twin.ids.mint("rtm ticket", 43, alphabet=ALNUM)
    row = {
        "ticket": ticket,
        "user": c.user,
        "bot": c.is_bot,
        "app": app_of(c.twin, c.token)["id"],
        "at": c.now,
    }
    c["tickets"].put(ticket, row)
    user, team = c["users"][c.user], c.team
    base = c.call.request.base_url.replace("http", "ws", 1)
    return {
        "url": f"{base}/websocket/{ticket}",
        "team": {"id": team["id"], "name": team["name"], "domain": team["domain"]},
        "self": {"id": user["id"], "name": user["name"]},
    }


@method("rtm.connect")
def connect(c: Context) -> dict[str, Any]:
    """An address for one WebSocket, good for half a minute."""
    return _connect(c)


@method("rtm.start")
def start(c: Context) -> dict[str, Any]:
    """What ``rtm.connect`` does, with a warning: Slack has retired the rest of it."""
    warning = "method_deprecated"
    metadata = {"warnings": [warning]}
    return {**_connect(c), "warning": warning, "response_metadata": metadata}


def channel(call: Call) -> str | None:
    """The session whose unused address the handshake names."""
    call.operation = "rtm"
    table = call.twin["tickets"]
    row = table.get(call.request.segments[-1])
    if row is None or "user" not in row:
        return None
    table.delete(row["ticket"])
    if call.twin.clock.epoch() - row["at"] > _HALF_MINUTE:
        return None
    name = f"{PREFIX}{row['ticket']}"
    call.twin["rtm"].put(name, {"channel": name, **row})
    return name


def opened(twin: Twin, socket: Socket) -> None:
    """Greet a client."""
    socket.send(
        {
            "type": "hello",
            "fast_reconnect": True,
            "region": "us-east-1",
            "start": True,
            "host_id": f"gs-iad-{socket.n}",
        }
    )


def closed(twin: Twin, socket: Socket) -> None:
    """The session is over."""
    twin["rtm"].delete(socket.channel)


def _fail(socket: Socket, number: Any, code: int, text: str) -> None:
    socket.send({"ok": False, "reply_to": number, "error": {"code": code, "msg": text}})


def message(twin: Twin, socket: Socket, data: str | bytes) -> None:
    """A client speaks: ``ping``, ``message``, ``typing``, presence."""
    session = twin["rtm"].get(socket.channel)
    if session is None:
        return
    try:
        said = read_json(data)
    except BadBodyError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("type"), str):
        _fail(socket, None, 1, "missing or invalid type")
        return
    kind, number = said["type"], said.get("id")
    if kind == "ping":
        more = {name: value for name, value in said.items() if name not in ("type", "id")}
        reply = {"type": "pong", **({"reply_to": number} if number is not None else {}), **more}
        socket.send(reply)
    elif kind == "message":
        _say(twin, socket, session, said)
    elif kind == "typing":
        _typing(twin, session, said)
    elif kind == "presence_query":
        _presence(twin, socket, said)
    elif kind not in ("presence_sub", "tickle", "goodbye"):
        _fail(socket, number, 1, f"unknown message type {kind}")


def _speaking(twin: Twin, session: Row, said: dict[str, Any]) -> Context:
    kind = "bot" if session["bot"] else "user"
    token = {"token": "", "kind": kind, "user": session["user"], "app": session["app"]}
    args: dict[str, Any] = {n: said[n] for n in ("thread_ts", "reply_broadcast") if n in said}
    return Context(Call(twin, Request("POST", "/")), Arguments(args), {**token, "scopes": []})


def _say(twin: Twin, socket: Socket, session: Row, said: dict[str, Any]) -> None:
    number, text = said.get("id"), said.get("text")
    if not isinstance(text, str) or not text:
        _fail(socket, number, 2, "message text is missing")
        return
    if len(text) > MAX_TEXT:
        _fail(socket, number, 4, "message text is too long")
        return
    c = _speaking(twin, session, said)
    room = twin["channels"].get(str(said.get("channel", "")))
    if room is None or not visible(c, room):
        _fail(socket, number, 3, "channel_not_found")
        return
    if room["archived"] or not is_member(twin, room["id"], session["user"]):
        _fail(socket, number, 5, "is_archived" if room["archived"] else "not_in_channel")
        return
    try:
        row = send(c, room, {"text": escape(text)})
    except SlackError as error:
        _fail(socket, number, 6, error.name)
        return
    socket.send({"ok": True, "reply_to": number, "ts": row["ts"], "text": row["text"]})


def _typing(twin: Twin, session: Row, said: dict[str, Any]) -> None:
    room = twin["channels"].get(str(said.get("channel", "")))
    if room is None or not is_member(twin, room["id"], session["user"]):
        return
    event = {"type": "user_typing", "channel": room["id"], "user": session["user"]}
    events.tell_sessions(twin, event, room, but=session["channel"])


def _presence(twin: Twin, socket: Socket, said: dict[str, Any]) -> None:
    ids = said.get("ids")
    for user in ids if isinstance(ids, list) else ():
        row = twin["users"].get(user) if isinstance(user, str) else None
        if row is not None:
            state = "away" if row["presence"] == "away" or row["deleted"] else "active"
            socket.send({"type": "presence_change", "user": user, "presence": state})
