"""chat.startStream, appendStream, stopStream and chat.unfurl: messages that grow, and links."""

from typing import Any

from factory_tui.universe import Row

from .chat import changes, content, destination, send
from .errors import SlackError
from .history import message_at
from .method import Context, method
from .shapes import message_shape
from .state import escape

MAX_TEXT = 12_000


def _text(c: Context) -> str:
    text = c.args.text("markdown_text")
    if len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")
    return text


@method("chat.startStream", "chat:write", kinds=("bot",))
def start(c: Context) -> dict[str, Any]:
    """Begin a reply in a thread that will grow."""
    channel = destination(c)
    c.args.need("thread_ts", "invalid_thread_ts")
    text = _text(c)
    row = send(c, channel, {"text": escape(text), "streaming": True})
    return {"channel": channel["id"], "ts": row["ts"]}


def _streaming(c: Context) -> tuple[Row, Row]:
    channel = destination(c)
    row = message_at(c, channel["id"], c.args.need("ts", "message_not_found"))
    if row["user"] != c.user:
        raise SlackError("message_not_owned_by_app")
    if not row.get("streaming"):
        raise SlackError("message_not_in_streaming_state")
    return channel, row


@method("chat.appendStream", "chat:write", kinds=("bot",))
def append(c: Context) -> dict[str, Any]:
    """Let it grow."""
    channel, row = _streaming(c)
    if "markdown_text" not in c.args:
        raise SlackError("no_text")
    text = row["text"] + escape(_text(c))
    c["messages"].put((channel["id"], row["ts"]), {**row, "text": text})
    return {"channel": channel["id"], "ts": row["ts"]}


@method("chat.stopStream", "chat:write", kinds=("bot",))
def stop(c: Context) -> dict[str, Any]:
    """The message is complete."""
    channel, row = _streaming(c)
    done = {key: value for key, value in row.items() if key != "streaming"}
    done["text"] = row["text"] + escape(_text(c))
    if "blocks" in c.args:
        said = content(c)
        if "blocks" in said:
            done["blocks"] = said["blocks"]
    before = message_shape(c, row)
    c["messages"].put((channel["id"], row["ts"]), done)
    changes(c, channel, before, message_shape(c, done))
    return {"channel": channel["id"], "ts": row["ts"], "message": message_shape(c, done)}


@method("chat.unfurl", "links:write")
def unfurl(c: Context) -> dict[str, Any]:
    """Show what the links of a message lead to."""
    channel = destination(c, write=False)
    row = c["messages"].get((channel["id"], c.args.need("ts", "cannot_unfurl_url")))
    unfurls = c.args.json("unfurls", "missing_unfurls")
    if not isinstance(unfurls, dict) or not unfurls:
        raise SlackError("missing_unfurls")
    if row is None or any(
        url not in row["text"] or not isinstance(item, dict) for url, item in unfurls.items()
    ):
        raise SlackError("cannot_unfurl_url")
    known = [item for item in row.get("attachments", ()) if item.get("from_url") not in unfurls]
    shown = [{**item, "from_url": url, "is_app_unfurl": True} for url, item in unfurls.items()]
    attachments = [{**item, "id": n} for n, item in enumerate([*known, *shown], 1)]
    after = {**row, "attachments": attachments}
    before = message_shape(c, row)
    c["messages"].put((channel["id"], row["ts"]), after)
    changes(c, channel, before, message_shape(c, after))
    return {}
