"""Views (modals and home tabs): what makes one valid, how it is stored, what a person enters."""

from hashlib import blake2b
from typing import Any, Final

import orjson

from factory_tui.universe import UPPER, Row, Twin

from .block_check import Check, Problems, anything, boolean, nullable, record, string
from .block_elements import plain_text
from .blocks import Surface, problems_of
from .errors import SlackError

__all__ = ["check_view", "elements", "open_views", "store_view", "view_problems"]

MAX_VIEW: Final = 250_000
_PLAIN: Final = plain_text(24)
_PROPERTIES: Final[dict[str, Check]] = {
    "type": anything,
    "blocks": anything,
    "title": _PLAIN,
    "submit": nullable(_PLAIN),
    "close": nullable(_PLAIN),
    "private_metadata": nullable(string(3000)),
    "callback_id": nullable(string(255)),
    "external_id": nullable(string(255)),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}
_GIVEN: Final = (
    "app_id",
    "app_installed_team_id",
    "bot_id",
    "hash",
    "id",
    "previous_view_id",
    "root_view_id",
    "state",
    "team_id",
)
"""What Slack puts into a view, and ignores when a view it gave comes back."""

_VIEW: Final = record({**_PROPERTIES, **dict.fromkeys(_GIVEN, anything)})


def view_problems(view: dict[str, Any], root: str = "/view") -> Problems:
    """Everything Slack has against a view (at ``root``) whose type is known."""
    problems = Problems()
    _VIEW(problems, view, root)
    surface: Surface = "home" if view["type"] == "home" else "modal"
    if "blocks" not in view:
        problems.add("missing required field: blocks", root, "required", "blocks")
        return problems
    if surface == "modal" and "title" not in view:
        problems.add("missing required field: title", root, "required", "title")
    problems += problems_of(view["blocks"], f"{root}/blocks", surface)
    asks = not problems and any(block["type"] == "input" for block in view["blocks"])
    if asks and surface == "modal" and not view.get("submit"):
        problems.add("missing required field: submit", root, "required", "submit")
    return problems


def check_view(view: Any, *kinds: str) -> dict[str, Any]:
    """The view, if Slack would take it. Raises ``invalid_arguments`` or ``view_too_large``."""
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: view")
    if view.get("type") not in kinds:
        kind = view.get("type")
        problem = f"unsupported type: {kind}" if kind else "missing required field: type"
        raise SlackError("invalid_arguments", f"[ERROR] {problem} [json-pointer:/view/type]")
    problems = view_problems(view)
    if problems:
        messages = [f"[ERROR] {problem}" for problem in problems]
        raise SlackError("invalid_arguments", response_metadata={"messages": messages})
    if len(orjson.dumps(view)) > MAX_VIEW:
        raise SlackError("view_too_large")
    return view


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
