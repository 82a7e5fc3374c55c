"""Composition objects and block elements of Block Kit, as Slack's reference describes them."""

from collections.abc import Mapping
from typing import Any, Final

from .block_check import (
    Check,
    Problems,
    anything,
    boolean,
    choice,
    each,
    enum,
    integer,
    matching,
    one_of,
    record,
    required,
    string,
)

__all__ = ["ACCESSORIES", "ACTIONS", "ELEMENTS", "IMAGE", "INPUTS", "mixed_text", "plain_text"]

_TYPE: Final = {"type": anything}
_ACTION_ID: Final = string(255)
_URL: Final = string(3000)


def _plain(most: int, least: int = 1) -> Check:
    return record(
        {**_TYPE, "text": required(string(most, least)), "emoji": boolean},
    )


def _mrkdwn(most: int, least: int = 1) -> Check:
    return record(
        {**_TYPE, "text": required(string(most, least)), "verbatim": boolean, "emoji": boolean}
    )


def plain_text(most: int) -> Check:
    """A ``plain_text`` object."""
    return choice({"plain_text": _plain(most)})


def mixed_text(most: int) -> Check:
    """A ``plain_text`` or ``mrkdwn`` object."""
    return one_of(choice({"plain_text": _plain(most), "mrkdwn": _mrkdwn(most)}))


_CONFIRM: Final = record(
    {
        "title": required(plain_text(100)),
        "text": required(mixed_text(300)),
        "confirm": required(plain_text(30)),
        "deny": required(plain_text(30)),
        "style": enum("primary", "danger"),
    }
)
_DISPATCH: Final = record(
    {"trigger_actions_on": each(enum("on_enter_pressed", "on_character_entered"), 2, 1)}
)
_FILE: Final = record({"id": string(), "url": string()})


def _option(text: Check, **more: Check) -> Check:
    return record(
        {
            "text": required(text),
            "value": required(string(150)),
            "description": mixed_text(75),
            **more,
        }
    )


_OPTION: Final = _option(plain_text(75))
_RICH_OPTION: Final = _option(mixed_text(75))
_GROUP: Final = record({"label": required(plain_text(75)), "options": required(each(_OPTION, 100))})


def _chosen_among(problems: Problems, value: dict[str, Any], at: str) -> None:
    """First choices have to be among the options."""
    groups = value.get("option_groups")
    options = list(value.get("options") or ()) if isinstance(value.get("options"), list) else []
    if isinstance(groups, list):
        for group in groups:
            if isinstance(group, dict) and isinstance(group.get("options"), list):
                options += group["options"]
    known = [item.get("value") for item in options if isinstance(item, dict)]
    one = value.get("initial_option")
    if isinstance(one, dict) and one.get("value") not in known:
        problems.add("must match one of the options", f"{at}/initial_option", "options")
    first = value.get("initial_options")
    for number, item in enumerate(first if isinstance(first, list) else ()):
        if isinstance(item, dict) and item.get("value") not in known:
            problems.add("must match one of the options", f"{at}/initial_options/{number}")


def _options_or_groups(problems: Problems, value: dict[str, Any], at: str) -> None:
    if ("options" in value) == ("option_groups" in value):
        problems.add("must define either `options` or `option_groups`", at, "one_of")
    _chosen_among(problems, value, at)


def _picture(problems: Problems, value: dict[str, Any], at: str) -> None:
    if "image_url" not in value and "slack_file" not in value:
        problems.add("must define either `image_url` or `slack_file`", at, "one_of")


IMAGE: Final = record(
    {**_TYPE, "alt_text": required(string(2000)), "image_url": _URL, "slack_file": _FILE},
    _picture,
)

_BASE: Final[dict[str, Check]] = {**_TYPE, "action_id": _ACTION_ID, "confirm": _CONFIRM}
_FIELD: Final[dict[str, Check]] = {
    **_BASE,
    "focus_on_load": boolean,
    "placeholder": plain_text(150),
}
_TYPED: Final[dict[str, Check]] = {**_FIELD, "dispatch_action_config": _DISPATCH}
_MANY: Final[dict[str, Check]] = {**_FIELD, "max_selected_items": integer(1)}
_FILTER: Final = record(
    {
        "include": each(enum("im", "mpim", "private", "public"), least=1),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    }
)
_OPTIONS: Final[dict[str, Check]] = {
    "options": each(_OPTION, 100, 1),
    "option_groups": each(_GROUP, 100, 1),
}
_FEEDBACK: Final = record(
    {
        "text": required(plain_text(75)),
        "value": required(string(2000)),
        "accessibility_label": string(75),
    }
)
_WORKFLOW: Final = record(
    {
        "trigger": required(
            record(
                {
                    "url": required(string()),
                    "customizable_input_parameters": each(
                        record({"name": required(string()), "value": required(anything)})
                    ),
                }
            )
        )
    }
)


def _lengths(problems: Problems, value: dict[str, Any], at: str) -> None:
    least, most = value.get("min_length"), value.get("max_length")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        problems.add("must be less than or equal to max_length", f"{at}/min_length", "range")


def _numbers(problems: Problems, value: dict[str, Any], at: str) -> None:
    bounds = []
    for name in ("min_value", "max_value", "initial_value"):
        if name in value:
            try:
                bounds.append(float(value[name]))
            except (TypeError, ValueError):
                problems.add("must be a valid number", f"{at}/{name}", "type", "number")
    if "min_value" in value and "max_value" in value and len(bounds) > 1 and bounds[0] > bounds[1]:
        problems.add("must be less than or equal to max_value", f"{at}/min_value", "range")


ELEMENTS: Final[Mapping[str, Check]] = {
    "image": IMAGE,
    "button": record(
        {
            **_BASE,
            "text": required(plain_text(75)),
            "url": _URL,
            "value": string(2000),
            "style": enum("primary", "danger"),
            "accessibility_label": string(75),
            "visible_to_user_ids": each(string()),
            "agent_prompt": string(4000),
            "agent_prompt_display": string(75),
        }
    ),
    "workflow_button": record(
        {
            **_TYPE,
            "action_id": _ACTION_ID,
            "text": required(plain_text(75)),
            "workflow": required(_WORKFLOW),
            "style": enum("primary", "danger"),
            "accessibility_label": string(75),
        }
    ),
    "feedback_buttons": record(
        {
            **_TYPE,
            "action_id": _ACTION_ID,
            "positive_button": required(_FEEDBACK),
            "negative_button": required(_FEEDBACK),
        }
    ),
    "icon_button": record(
        {
            **_BASE,
            "icon": required(enum("trash")),
            "text": required(plain_text(75)),
            "value": string(2000),
            "accessibility_label": string(75),
            "visible_to_user_ids": each(string(), 10),
        }
    ),
    "overflow": record(
        {**_BASE, "options": required(each(_option(plain_text(75), url=_URL), 5, 1))}
    ),
    "checkboxes": record(
        {
            **_BASE,
            "options": required(each(_RICH_OPTION, 10, 1)),
            "initial_options": each(_RICH_OPTION, 10, 1),
            "focus_on_load": boolean,
        },
        _chosen_among,
    ),
    "radio_buttons": record(
        {
            **_BASE,
            "options": required(each(_RICH_OPTION, 10, 1)),
            "initial_option": _RICH_OPTION,
            "focus_on_load": boolean,
        },
        _chosen_among,
    ),
    "datepicker": record(
        {
            **_FIELD,
            "initial_date": matching(
                r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "a date in the format YYYY-MM-DD"
            ),
        }
    ),
    "timepicker": record(
        {
            **_FIELD,
            "initial_time": matching(r"([01]\d|2[0-3]):[0-5]\d", "a time in the format HH:mm"),
            "timezone": string(),
        }
    ),
    "datetimepicker": record(
        {
            **_BASE,
            "focus_on_load": boolean,
            "initial_date_time": integer(1_000_000_000, 9_999_999_999),
        }
    ),
    "static_select": record({**_FIELD, **_OPTIONS, "initial_option": _OPTION}, _options_or_groups),
    "multi_static_select": record(
        {**_MANY, **_OPTIONS, "initial_options": each(_OPTION, 100, 1)}, _options_or_groups
    ),
    "external_select": record(
        {**_FIELD, "initial_option": _OPTION, "min_query_length": integer(0)}
    ),
    "multi_external_select": record(
        {**_MANY, "initial_options": each(_OPTION, 100, 1), "min_query_length": integer(0)}
    ),
    "users_select": record({**_FIELD, "initial_user": string()}),
    "multi_users_select": record({**_MANY, "initial_users": each(string())}),
    "conversations_select": record(
        {
            **_FIELD,
            "initial_conversation": string(),
            "default_to_current_conversation": boolean,
            "response_url_enabled": boolean,
            "filter": _FILTER,
        }
    ),
    "multi_conversations_select": record(
        {
            **_MANY,
            "initial_conversations": each(string()),
            "default_to_current_conversation": boolean,
            "filter": _FILTER,
        }
    ),
    "channels_select": record(
        {**_FIELD, "initial_channel": string(), "response_url_enabled": boolean}
    ),
    "multi_channels_select": record({**_MANY, "initial_channels": each(string())}),
    "plain_text_input": record(
        {
            **_TYPED,
            "initial_value": string(3000),
            "multiline": boolean,
            "min_length": integer(0, 3000),
            "max_length": integer(1, 3000),
        },
        _lengths,
    ),
    "email_text_input": record({**_TYPED, "initial_value": string()}),
    "url_text_input": record({**_TYPED, "initial_value": string()}),
    "number_input": record(
        {
            **_TYPED,
            "is_decimal_allowed": required(boolean),
            "initial_value": anything,
            "min_value": anything,
            "max_value": anything,
        },
        _numbers,
    ),
    "rich_text_input": record(
        {
            **_TYPED,
            "initial_value": anything,
            "min_lines": integer(1),
            "max_lines": integer(1),
        }
    ),
    "file_input": record(
        {
            **_TYPE,
            "action_id": _ACTION_ID,
            "filetypes": each(string(), least=1),
            "max_files": integer(1, 10),
            "confirm": _CONFIRM,
            "focus_on_load": boolean,
            "placeholder": plain_text(150),
        }
    ),
}
"""Every element by its type."""

_PICKERS: Final = frozenset({"datepicker", "timepicker", "checkboxes", "radio_buttons"})
_SELECTS: Final = frozenset(name for name in ELEMENTS if name.endswith("_select"))
ACCESSORIES: Final = _PICKERS | _SELECTS | {"image", "button", "workflow_button", "overflow"}
"""What may stand beside a section's text."""
ACTIONS: Final = (
    _PICKERS | _SELECTS | {"button", "workflow_button", "overflow", "datetimepicker",
                           "rich_text_input"}
)  # fmt: skip
"""What an actions block may hold."""
INPUTS: Final = (
    _PICKERS
    | _SELECTS
    | {
        "datetimepicker",
        "plain_text_input",
        "email_text_input",
        "url_text_input",
        "number_input",
        "rich_text_input",
        "file_input",
    }
)
"""What an input block may ask with."""
