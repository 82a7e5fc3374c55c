"""Columns of lists and what stands in their cells."""

import re
from typing import Any, Final

import orjson

from factory_tui.universe import UPPER, Row

from .block_check import Problems
from .block_rich import RICH_TEXT
from .errors import SlackError
from .method import Context

__all__ = ["TODO", "cell", "field", "make_schema", "plain", "shown_column"]

MAX_COLUMNS: Final = 30
MAX_VALUES: Final = 50

_KINDS: Final = {
    "attachment": "attachment",
    "canvas": "canvas",
    "channel": "channel",
    "checkbox": "checkbox",
    "date": "date",
    "email": "email",
    "link": "link",
    "message": "message",
    "number": "number",
    "phone": "phone",
    "rating": "rating",
    "reference": "reference",
    "select": "select",
    "text": "rich_text",
    "rich_text": "rich_text",
    "timestamp": "timestamp",
    "todo_assignee": "user",
    "todo_completed": "checkbox",
    "todo_due_date": "date",
    "user": "user",
    "vote": "vote",
}
"""Type of a column to the key its values come under."""

_FILLED: Final = ("created_by", "created_time", "last_edited_by", "last_edited_time")
_OWN: Final = ("todo_assignee", "todo_completed", "todo_due_date")
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")
_PHONE: Final = re.compile(r"\+?[\d().\- ]{3,25}\Z")

TODO: Final[tuple[Row, ...]] = (
    {
        "id": "Col00",
        "key": "todo_completed",
        "name": "Completed",
        "type": "todo_completed",
        "is_primary_column": False,
    },
    {
        "id": "Col01",
        "key": "todo_assignee",
        "name": "Assignee",
        "type": "todo_assignee",
        "is_primary_column": False,
        "options": {"format": "multi_entity", "default_value": None, "show_member_name": True},
    },
    {
        "id": "Col02",
        "key": "todo_due_date",
        "name": "Due Date",
        "type": "todo_due_date",
        "is_primary_column": False,
    },
)
"""What a list of tasks has besides its own columns."""


def make_schema(c: Context, wanted: Any) -> list[Row]:
    """The columns that ``slackLists.create`` asks for, with their ids."""
    if wanted is None:
        wanted = [{"key": "name", "name": "Name", "type": "text", "is_primary_column": True}]
    if not isinstance(wanted, list) or not wanted:
        raise SlackError("invalid_schema")
    if len(wanted) > MAX_COLUMNS:
        raise SlackError("over_column_maximum")
    columns = [_column(c, item) for item in wanted]
    primary = [column for column in columns if column["is_primary_column"]]
    if len(primary) != 1 or primary[0]["type"] not in ("text", "rich_text"):
        raise SlackError("invalid_primary_column")
    if len({column["key"] for column in columns}) < len(columns):
        raise SlackError("invalid_schema")
    return columns


def _column(c: Context, item: Any) -> Row:
    if not isinstance(item, dict):
        raise SlackError("invalid_schema")
    words = [item.get(name) for name in ("key", "name", "type")]
    if not all(isinstance(word, str) and word for word in words):
        raise SlackError("invalid_schema")
    key, name, kind = words
    if kind not in (*_KINDS, *_FILLED) or kind in _OWN:
        raise SlackError("invalid_column_type")
    column = {
        "id": c.twin.ids.mint("list column", 10, prefix="Col", alphabet=UPPER),
        "key": key,
        "name": name,
        "type": kind,
        "is_primary_column": item.get("is_primary_column") is True,
    }
    options = item.get("options")
    if options is not None:
        if not isinstance(options, dict):
            raise SlackError("invalid_schema")
        column["options"] = _options(options)
    if kind == "select" and not column.get("options", {}).get("choices"):
        raise SlackError("invalid_schema")
    return column


def _options(options: dict[str, Any]) -> dict[str, Any]:
    choices = options.get("choices")
    if choices is None:
        return dict(options)
    if not isinstance(choices, list):
        raise SlackError("invalid_schema")
    for choice in choices:
        if not isinstance(choice, dict) or not isinstance(choice.get("value"), str):
            raise SlackError("invalid_schema")
        if not isinstance(choice.get("label"), str):
            raise SlackError("invalid_schema")
    return dict(options)


def shown_column(column: Row) -> Row:
    """A column as answers show it."""
    return {name: column[name] for name in column if name != "options" or column[name]}


def cell(c: Context, column: Row, given: dict[str, Any]) -> Any:
    """The value that ``given`` has for a column, checked; ``None`` empties the cell."""
    kind = column["type"]
    if kind in _FILLED:
        raise SlackError("uneditable_column")
    key = _KINDS[kind]
    places = ("row_id", "row_id_to_create", "column_id", "column_id_to_create", "key")
    names = [name for name in given if name not in places]
    if names != [key]:
        raise SlackError("invalid_input_type")
    value = given[key]
    if value is None or value == []:
        return None
    if key == "checkbox":
        if not isinstance(value, bool):
            raise SlackError("invalid_input_type")
        return value
    if not isinstance(value, list):
        raise SlackError("invalid_input_type")
    if len(value) > MAX_VALUES:
        raise SlackError("over_cell_fields_limit")
    if key == "rich_text":
        problems = Problems()
        for number, block in enumerate(value):
            RICH_TEXT(problems, block, f"/{number}")
            if not problems and block.get("type") != "rich_text":
                raise SlackError("invalid_text_block")
        if problems:
            raise SlackError("invalid_text_block", f"[ERROR] {problems[0]}")
        return value
    for item in value:
        _item(c, column, key, item)
    return value


def _item(c: Context, column: Row, key: str, item: Any) -> None:
    """Raise what Slack says of one value of a cell."""
    if key in ("number", "rating", "timestamp"):
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise SlackError("invalid_input_type")
        return
    if key in ("link", "reference"):
        if not isinstance(item, dict | str):
            raise SlackError("invalid_input_type")
        return
    if not isinstance(item, str):
        raise SlackError("invalid_vote_value" if key == "vote" else "invalid_input_type")
    if key == "user" and item not in c["users"]:
        raise SlackError("user_not_found")
    if key == "channel" and item not in c["channels"]:
        raise SlackError("channel_not_found")
    if key == "attachment" and item not in c["files"]:
        raise SlackError("file_not_found")
    if key == "date" and not _DATE.match(item):
        raise SlackError("invalid_date")
    if key == "email" and not _EMAIL.match(item):
        raise SlackError("invalid_email")
    if key == "phone" and not _PHONE.match(item):
        raise SlackError("invalid_phone_number")
    if key == "message" and "/archives/" not in item:
        raise SlackError("invalid_link")
    if key == "select":
        choices = column.get("options", {}).get("choices", ())
        if item not in [choice["value"] for choice in choices]:
            raise SlackError("invalid_option_id")


def field(column: Row, value: Any) -> Row:
    """A filled cell as items show it."""
    key = _KINDS[column["type"]]
    shown: Row = {"key": column["key"], "column_id": column["id"]}
    if key == "checkbox":
        return {**shown, "value": value, "checkbox": value}
    if key == "rich_text":
        encoded = orjson.dumps(value).decode()
        return {**shown, "value": encoded, "text": plain(value), "rich_text": value}
    if key in ("number", "rating", "timestamp") and len(value) == 1:
        return {**shown, "value": value[0], key: value}
    if key in ("link", "reference"):
        return {**shown, "value": orjson.dumps(value[0]).decode(), key: value}
    return {**shown, "value": "|".join(str(item) for item in value), key: value}


def plain(value: Any) -> str:
    """The words in rich text, or a value of another kind as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            return str(value["text"])
        return plain(value["elements"]) if "elements" in value else str(value.get("url", ""))
    if isinstance(value, list):
        words = [plain(item) for item in value]
        joint = "" if all(isinstance(item, dict) for item in value) else ", "
        return joint.join(words)
    return "" if value is None else str(value)
