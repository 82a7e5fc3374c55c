"""chat.unfurl: what the links of a message lead to, shown below it."""

from typing import Any

from factory_tui.universe import Row

from .blocks import check_attachments
from .chat import changes, destination, show_to
from .errors import SlackError
from .method import Context, method
from .shapes import message_shape
from .state import escape, next_ts


def _message(c: Context) -> tuple[Row, Row | None]:
    """The message: by ``channel`` and ``ts``, or by ``unfurl_id`` and ``source``."""
    if "unfurl_id" in c.args:
        if "source" not in c.args:
            raise SlackError("missing_source")
        channel_id, _, ts = c.args.text("unfurl_id").partition(".")
        c.args.values = {**c.args.values, "channel": channel_id}
        return destination(c, write=False), c["messages"].get((channel_id, ts))
    channel = destination(c, write=False)
    ts = c.args.need("ts", "cannot_unfurl_url")
    return channel, c["messages"].get((channel["id"], ts))


@method("chat.unfurl", "links:write")
def unfurl(c: Context) -> dict[str, Any]:
    """Show what the links of a message lead to, or that one has to sign in to see it."""
    channel, row = _message(c)
    unfurls = c.args.json("unfurls", "missing_unfurls")
    if c.args.flag("user_auth_required") or "user_auth_url" in c.args:
        return _ask(c, channel, row)
    if not isinstance(unfurls, dict) or not unfurls:
        raise SlackError("missing_unfurls")
    if row is None or any(
        (url not in row["text"] and escape(url) not in row["text"]) or not isinstance(item, dict)
        for url, item in unfurls.items()
    ):
        raise SlackError("cannot_unfurl_url")
    check_attachments([item for item in unfurls.values() if isinstance(item, dict)])
    known = [item for item in row.get("attachments", ()) if item.get("from_url") not in unfurls]
    shown = [{**item, "from_url": url, "is_app_unfurl": True} for url, item in unfurls.items()]
    attachments = [{**item, "id": n} for n, item in enumerate([*known, *shown], 1)]
    after = {**row, "attachments": attachments}
    before = message_shape(c, row)
    c["messages"].put((channel["id"], row["ts"]), after)
    changes(c, channel, before, message_shape(c, after))
    return {}


def _ask(c: Context, channel: Row, row: Row | None) -> dict[str, Any]:
    """Ask the author of the message, whom nobody else sees asked, to connect an account."""
    if row is None:
        raise SlackError("cannot_unfurl_url")
    words = c.args.text("user_auth_message", "Connect your account to see this link.")
    url = c.args.text("user_auth_url")
    text = f"{words} <{url}>" if url else words
    message = {"text": text, "ts": next_ts(c.twin), "user": c.user}
    show_to(c, channel, row["user"], message)
    return {}
