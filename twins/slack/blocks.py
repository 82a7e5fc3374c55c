"""Checks of Block Kit blocks and legacy attachments, with Slack's messages about them."""

from typing import Any, Final

from .errors import SlackError

__all__ = ["check_attachments", "check_blocks"]


def _words(text: str) -> list[str]:
    return text.split()


MAX_BLOCKS: Final = 50
MAX_ATTACHMENTS: Final = 100
_PLAIN: Final = ("plain_text",)
_ANY: Final = ("plain_text", "mrkdwn")

_BLOCKS: Final[dict[str, tuple[str, ...]]] = {
    "actions": ("elements",),
    "call": ("call_id",),
    "context": ("elements",),
    "context_actions": ("elements",),
    "divider": (),
    "file": ("external_id", "source"),
    "header": ("text",),
    "image": ("alt_text",),
    "input": ("label", "element"),
    "markdown": ("text",),
    "rich_text": ("elements",),
    "section": (),
    "table": ("rows",),
    "video": ("alt_text", "title", "thumbnail_url", "video_url"),
}
_ACTIONS: Final = frozenset(
    _words(
        "button checkboxes datepicker datetimepicker overflow radio_buttons timepicker "
        "static_select external_select users_select conversations_select channels_select "
        "multi_static_select multi_external_select multi_users_select multi_conversations_select "
        "multi_channels_select workflow_button feedback_buttons icon_button"
    )
)
_INPUTS: Final = _ACTIONS - {"button", "overflow", "workflow_button"} | frozenset(
    _words(
        "plain_text_input email_text_input number_input url_text_input rich_text_input file_input"
    )
)
_RICH: Final = frozenset(
    ["rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"]
)


class _BadBlockError(Exception):
    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(f"[ERROR] {message} [json-pointer:{pointer}]")


def check_blocks(blocks: Any, *, root: str = "/blocks", inputs: bool = True) -> None:
    """Raise ``invalid_blocks`` (or ``invalid_blocks_format``) about the first bad block."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > MAX_BLOCKS:
        raise SlackError("invalid_blocks", f"[ERROR] no more than {MAX_BLOCKS} items allowed")
    seen: set[str] = set()
    try:
        for number, block in enumerate(blocks):
            _block(block, f"{root}/{number}", inputs)
            key = block.get("block_id")
            if key is not None:
                if not isinstance(key, str) or len(key) > 255:
                    raise _BadBlockError(
                        "must be less than 256 characters", f"{root}/{number}/block_id"
                    )
                if key in seen:
                    raise _BadBlockError(f"duplicate `block_id` {key}", f"{root}/{number}/block_id")
                seen.add(key)
    except _BadBlockError as problem:
        raise SlackError("invalid_blocks", str(problem)) from problem


def check_attachments(attachments: Any) -> None:
    """Raise Slack's error about attachments that are not a list of objects, or too many."""
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for number, attachment in enumerate(attachments):
        if "blocks" in attachment:
            check_blocks(attachment["blocks"], root=f"/attachments/{number}/blocks")


def _block(block: Any, at: str, inputs: bool) -> None:
    if not isinstance(block, dict):
        raise _BadBlockError("must be an object", at)
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in _BLOCKS:
        raise _BadBlockError(f"unsupported type: {kind}", f"{at}/type")
    if kind == "input" and not inputs:
        raise _BadBlockError("unsupported type: input", f"{at}/type")
    for name in _BLOCKS[kind]:
        if name not in block:
            raise _BadBlockError(f"missing required field: {name}", at)
    check = _CHECKS.get(kind)
    if check is not None:
        check(block, at)


def _section(block: dict[str, Any], at: str) -> None:
    if "text" not in block and "fields" not in block:
        raise _BadBlockError("missing required field: text", at)
    if "text" in block:
        _text(block["text"], f"{at}/text", 3000, _ANY)
    if "fields" in block:
        fields = _list(block["fields"], f"{at}/fields", 10)
        for number, item in enumerate(fields):
            _text(item, f"{at}/fields/{number}", 2000, _ANY)
    if "accessory" in block:
        _element(block["accessory"], f"{at}/accessory", _ACTIONS | {"image"})


def _header(block: dict[str, Any], at: str) -> None:
    _text(block["text"], f"{at}/text", 150, _PLAIN)


def _image(block: dict[str, Any], at: str) -> None:
    if "image_url" not in block and "slack_file" not in block:
        raise _BadBlockError("missing required field: image_url", at)
    _string(block["alt_text"], f"{at}/alt_text", 2000)


def _markdown(block: dict[str, Any], at: str) -> None:
    _string(block["text"], f"{at}/text", 12000)


def _actions(block: dict[str, Any], at: str) -> None:
    for number, item in enumerate(_list(block["elements"], f"{at}/elements", 25)):
        _element(item, f"{at}/elements/{number}", _ACTIONS)


def _context(block: dict[str, Any], at: str) -> None:
    for number, item in enumerate(_list(block["elements"], f"{at}/elements", 10)):
        place = f"{at}/elements/{number}"
        if isinstance(item, dict) and item.get("type") == "image":
            continue
        _text(item, place, 3000, _ANY)


def _input(block: dict[str, Any], at: str) -> None:
    _text(block["label"], f"{at}/label", 2000, _PLAIN)
    _element(block["element"], f"{at}/element", _INPUTS)


def _rich_text(block: dict[str, Any], at: str) -> None:
    elements = block["elements"]
    if not isinstance(elements, list):
        raise _BadBlockError("must be an array", f"{at}/elements")
    for number, item in enumerate(elements):
        if not isinstance(item, dict) or item.get("type") not in _RICH:
            raise _BadBlockError("unsupported type", f"{at}/elements/{number}/type")


_CHECKS: Final = {
    "section": _section,
    "header": _header,
    "image": _image,
    "markdown": _markdown,
    "actions": _actions,
    "context": _context,
    "input": _input,
    "rich_text": _rich_text,
}


def _element(item: Any, at: str, allowed: frozenset[str]) -> None:
    if not isinstance(item, dict):
        raise _BadBlockError("must be an object", at)
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        raise _BadBlockError(f"unsupported type: {kind}", f"{at}/type")
    if kind == "button":
        if "text" not in item:
            raise _BadBlockError("missing required field: text", at)
        _text(item["text"], f"{at}/text", 75, _PLAIN)
        if "value" in item:
            _string(item["value"], f"{at}/value", 2000)
        if item.get("style") not in (None, "primary", "danger"):
            raise _BadBlockError("must be one of: primary, danger", f"{at}/style")
    if kind.endswith("static_select") and not ("options" in item or "option_groups" in item):
        raise _BadBlockError("missing required field: options", at)
    if "options" in item and not _list(item["options"], f"{at}/options", 100):
        raise _BadBlockError("no fewer than 1 items allowed", f"{at}/options")
    action = item.get("action_id")
    if action is not None:
        _string(action, f"{at}/action_id", 255)


def _text(value: Any, at: str, limit: int, kinds: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise _BadBlockError("must be an object", at)
    if value.get("type") not in kinds:
        raise _BadBlockError(f"must be one of: {', '.join(kinds)}", f"{at}/type")
    if "text" not in value:
        raise _BadBlockError("missing required field: text", at)
    _string(value["text"], f"{at}/text", limit, least=1)


def _string(value: Any, at: str, limit: int, *, least: int = 0) -> None:
    if not isinstance(value, str):
        raise _BadBlockError("must be a string", at)
    if len(value) < least:
        raise _BadBlockError(f"must be more than {least - 1} characters", at)
    if len(value) > limit:
        raise _BadBlockError(f"must be less than {limit + 1} characters", at)


def _list(value: Any, at: str, limit: int) -> list[Any]:
    if not isinstance(value, list):
        raise _BadBlockError("must be an array", at)
    if len(value) > limit:
        raise _BadBlockError(f"no more than {limit} items allowed", at)
    return value
