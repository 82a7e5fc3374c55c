"""What a person enters into blocks, as Slack puts it into ``state.values`` and ``actions``."""

from typing import Any, Final

from factory_tui.universe import ApplyError, Twin

from .state import channel_of, user_named
from .view_build import elements

__all__ = ["find_element", "picked", "state_values"]

_TYPED: Final = ("plain_text_input", "email_text_input", "number_input", "url_text_input")
_ONE: Final = {
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "overflow": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", "initial_files"),
}
"""Element to where its value goes and where its first value comes from."""


def find_element(
    blocks: list[dict[str, Any]], wanted: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The (block, element) with that action_id, block_id or text. Raises :class:`ApplyError`."""
    for block, element in elements(blocks):
        text = element.get("text")
        said = text.get("text") if isinstance(text, dict) else None
        if wanted in (element.get("action_id"), block.get("block_id"), said):
            return block, element
    raise ApplyError(f"slack: there is no element {wanted}")


def picked(twin: Twin, element: dict[str, Any], value: Any) -> dict[str, Any]:
    """The value of an element after a person chose ``value`` (``None``: its first value).

    Raises :class:`ApplyError` for what its options do not offer.
    """
    kind = str(element["type"])
    if kind in _TYPED:
        chosen = element.get("initial_value") if value is None else str(value)
        return {"value": chosen or None}
    if kind not in _ONE:
        return {}
    name, first = _ONE[kind]
    many = name in ("selected_options", "selected_users", "selected_channels",
                    "selected_conversations", "files")  # fmt: skip
    if value is None:
        return {name: element.get(first, [] if many else None)}
    if not many:
        return {name: _chosen(twin, element, kind, value)}
    values = value if isinstance(value, list) else [value]
    return {name: [_chosen(twin, element, kind, item) for item in values]}


def _chosen(twin: Twin, element: dict[str, Any], kind: str, value: Any) -> Any:
    if "users" in kind:
        row = user_named(twin, str(value))
        return row["id"] if row else str(value)
    if "channels" in kind or "conversations" in kind:
        room = channel_of(twin, str(value))
        return room["id"] if room else str(value)
    if kind in ("external_select", "multi_external_select"):
        if isinstance(value, dict):
            return value
        return {"text": {"type": "plain_text", "text": str(value)}, "value": str(value)}
    if kind in ("datepicker", "timepicker", "rich_text_input", "file_input", "datetimepicker"):
        return value
    groups = element.get("option_groups") or []
    options = [*(element.get("options") or []), *(o for g in groups for o in g["options"])]
    for option in options:
        if value in (option.get("value"), option["text"]["text"]):
            return option
    raise ApplyError(f"slack: {element.get('action_id')} does not offer {value}")


def state_values(twin: Twin, view: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """``state.values`` of a view filled in; a required input left empty cannot be submitted.

    Args:
        given: By action_id or block_id.
    """
    values: dict[str, dict[str, Any]] = {}
    used: set[str] = set()
    for block, element in elements(view["blocks"]):
        action, place = str(element.get("action_id", "")), str(block["block_id"])
        key = action if action in given else place
        used |= {key} & given.keys()
        value = picked(twin, element, given.get(key))
        if not value:
            continue
        values.setdefault(place, {})[action] = {"type": element["type"], **value}
        empty = all(item in (None, [], "") for item in value.values())
        if block["type"] == "input" and empty and not block.get("optional"):
            raise ApplyError(f"slack: the modal cannot be submitted without {key}")
    unknown = sorted(given.keys() - used)
    if unknown:
        raise ApplyError(f"slack: the modal has no input {unknown[0]}")
    return values
