"""views.publish: an app's home tab. Modals need a person's click and are gaps."""

from hashlib import blake2b
from typing import Any

import orjson

from factory_tui.universe import UPPER

from .blocks import check_blocks
from .errors import SlackError
from .method import Context, method
from .state import find_user

MAX_VIEW = 250_000


@method("views.publish")
def publish(c: Context) -> dict[str, Any]:
    """Show a home tab to a user."""
    user = find_user(c.twin, c.args.need("user_id"))["id"]
    view = c.args.json("view", "invalid_arguments")
    if not isinstance(view, dict) or view.get("type") != "home":
        raise SlackError(
            "invalid_arguments", "[ERROR] must be one of: home [json-pointer:/view/type]"
        )
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or len(blocks) > 100:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: blocks")
    try:
        check_blocks(blocks[:50], root="/view/blocks")
        check_blocks(blocks[50:], root="/view/blocks")
    except SlackError as error:
        raise SlackError("invalid_arguments", error.message) from error
    known = next((row for row in c["views"].rows() if row["user"] == user), None)
    asked = c.args.text("hash")
    if asked and known is not None and asked != known["view"]["hash"]:
        raise SlackError("hash_conflict")
    key = known["view"]["id"] if known else c.twin.ids.mint("view", 10, prefix="V", alphabet=UPPER)
    raw = orjson.dumps(view)
    if len(raw) > MAX_VIEW:
        raise SlackError("view_too_large")
    bot = c["users"][c.user]
    shown = {
        "id": key,
        "team_id": c.team["id"],
        "type": "home",
        "blocks": blocks,
        "private_metadata": str(view.get("private_metadata", "")),
        "callback_id": str(view.get("callback_id", "")),
        "external_id": str(view.get("external_id", "")),
        "state": {"values": {}},
        "hash": f"{c.now}.{blake2b(raw, digest_size=4).hexdigest()}",
        "clear_on_close": False,
        "notify_on_close": False,
        "close": None,
        "submit": None,
        "previous_view_id": None,
        "root_view_id": key,
        "app_id": bot.get("app_id", ""),
        "bot_id": bot.get("bot_id", ""),
    }
    c["views"].put(key, {"id": key, "user": user, "view": shown})
    return {"view": shown}
