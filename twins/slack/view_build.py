"""Views (modals and home tabs): what makes one valid, how it is stored, what a person enters."""

from hashlib import blake2b
from typing import Any, Final

import orjson

from factory_tui.universe import UPPER, Row, Twin

from .blocks import check_blocks
from .errors import SlackError

__all__ = ["check_view", "elements", "open_views", "store_view"]

MAX_VIEW: Final = 250_000
_TITLE: Final = 24


def _bad(message: str, pointer: str) -> SlackError:
    return SlackError("invalid_arguments", f"[ERROR] {message} [json-pointer:/view{pointer}]")


def check_view(view: Any, *kinds: str) -> dict[str, Any]:
    """The view, if Slack would take it. Raises ``invalid_arguments`` or ``view_too_large``."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    if view.get("type") not in kinds:
        raise _bad(f"must be one of: {', '.join(kinds)}", "/type")
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or len(blocks) > 100:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: blocks")
    try:
        check_blocks(blocks[:50], root="/view/blocks")
        check_blocks(blocks[50:], root="/view/blocks")
    except SlackError as error:
        raise SlackError("invalid_arguments", error.message) from error
    for name, longest in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        value = view.get(name, "")
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            raise _bad(f"must be less than {longest + 1} characters", f"/{name}")
    if view["type"] == "modal":
        _words_of_modal(view, any(block["type"] == "input" for block in blocks))
    if len(orjson.dumps(view)) > MAX_VIEW:
        raise SlackError("view_too_large")
    return view


def _words_of_modal(view: dict[str, Any], inputs: bool) -> None:
    if "title" not in view:
        raise _bad("missing required field: title", "")
    if inputs and not view.get("submit"):
        raise _bad("missing required field: submit, which a view with inputs needs", "")
    for name in ("title", "submit", "close"):
        text = view.get(name)
        if text is None and name != "title":
            continue
        if not isinstance(text, dict) or text.get("type") != "plain_text":
            raise _bad("must be one of: plain_text", f"/{name}/type")
        words = text.get("text")
        if not isinstance(words, str) or not 0 < len(words) <= _TITLE:
            raise _bad(f"must be less than {_TITLE + 1} characters", f"/{name}/text")


def store_view(
    twin: Twin, app: Row, user: str, view: dict[str, Any], *, over: Row | None = None, key: str = ""
) -> Row:
    """Keep a checked view; ``over`` is the one it lies upon, ``key`` the one it replaces."""
    external = view.get("external_id") or ""
    for row in twin["views"].rows():
        if external and row["view"]["external_id"] == external and row["id"] != key:
            if row.get("closed"):
                continue
            raise SlackError("duplicate_external_id")
    key = key or twin.ids.mint("view", 10, prefix="V", alphabet=UPPER)
    known = twin["views"].get(key)
    digest = blake2b(orjson.dumps(view), digest_size=4).hexdigest()
    blocks = [
        block if block.get("block_id") else {**block, "block_id": twin.ids.mint("block", 5)}
        for block in view["blocks"]
    ]
    root = over["view"]["root_view_id"] if over else key
    shown = {
        "id": key,
        "team_id": next(twin["team"].rows())["id"],
        "type": view["type"],
        "blocks": [_with_actions(twin, block) for block in blocks],
        "private_metadata": view.get("private_metadata") or "",
        "callback_id": view.get("callback_id") or "",
        "external_id": external,
        "state": {"values": {}},
        "hash": f"{twin.clock.epoch()}.{digest}",
        "title": view.get("title"),
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
        "close": view.get("close"),
        "submit": view.get("submit"),
        "previous_view_id": over["id"] if over else None,
        "root_view_id": known["view"]["root_view_id"] if known else root,
        "app_id": app["id"],
        "app_installed_team_id": next(twin["team"].rows())["id"],
        "bot_id": app["bot_id"],
    }
    if known:
        shown["previous_view_id"] = known["view"]["previous_view_id"]
    row = {"id": key, "user": user, "view": shown, "closed": False, "errors": {}}
    twin["views"].put(key, row)
    return row


def _with_actions(twin: Twin, block: dict[str, Any]) -> dict[str, Any]:
    """The block, its elements named where their author did not."""

    def named(element: Any) -> Any:
        if isinstance(element, dict) and not element.get("action_id"):
            return {**element, "action_id": twin.ids.mint("action", 5)}
        return element

    if block["type"] == "actions":
        return {**block, "elements": [named(item) for item in block["elements"]]}
    if block["type"] == "input":
        return {**block, "element": named(block["element"])}
    return block


def open_views(twin: Twin, user: str) -> list[Row]:
    """The modals a user has before them, the topmost last."""
    return [
        row
        for row in twin["views"].rows()
        if row["user"] == user and row["view"]["type"] == "modal" and not row.get("closed")
    ]


def elements(blocks: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every (block, interactive element) in order."""
    found = []
    for block in blocks:
        items = []
        if block.get("type") == "actions":
            items = block["elements"]
        elif block.get("type") == "input":
            items = [block["element"]]
        elif isinstance(block.get("accessory"), dict):
            items = [block["accessory"]]
        found += [(block, item) for item in items if isinstance(item, dict)]
    return found
