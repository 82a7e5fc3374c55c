"""Block Kit's blocks and legacy attachments: what Slack takes, and its words about the rest."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from .block_check import (
    Check,
    Problems,
    anything,
    boolean,
    choice,
    each,
    enum,
    integer,
    one_of,
    record,
    required,
    string,
)
from .block_elements import ACCESSORIES, ACTIONS, ELEMENTS, IMAGE, INPUTS, mixed_text, plain_text
from .block_rich import RICH_TEXT
from .errors import SlackError

__all__ = ["MAX_MARKDOWN", "Surface", "check_attachments", "check_blocks", "problems_of"]

Surface = Literal["message", "modal", "home"]

MAX_BLOCKS: Final = 50
MAX_VIEW_BLOCKS: Final = 100
MAX_ATTACHMENTS: Final = 100
MAX_MARKDOWN: Final = 12_000

_ANY: Final[dict[str, Check]] = {"type": anything, "block_id": string(255)}


def _section(problems: Problems, value: dict[str, Any], at: str) -> None:
    if "text" not in value and "fields" not in value:
        problems.add("must define either `fields` or `text`", at, "one_of")


def _image(problems: Problems, value: dict[str, Any], at: str) -> None:
    if "image_url" not in value and "slack_file" not in value:
        problems.add("must define either `image_url` or `slack_file`", at, "one_of")


def _card(problems: Problems, value: dict[str, Any], at: str) -> None:
    if not value.keys() & {"hero_image", "title", "actions", "body"}:
        problems.add("must define at least one of `hero_image`, `title`, `actions`, `body`", at)


def _container(problems: Problems, value: dict[str, Any], at: str) -> None:
    if "title" not in value and "rich_text_title" not in value:
        problems.add("must define either `title` or `rich_text_title`", at, "one_of")
    if value.get("default_collapsed") is True and value.get("is_collapsible") is not True:
        problems.add("requires is_collapsible", f"{at}/default_collapsed")


def _even_rows(problems: Problems, value: dict[str, Any], at: str) -> None:
    rows = value.get("rows")
    lengths = {len(row) for row in rows if isinstance(row, list)} if isinstance(rows, list) else ()
    if len(lengths) > 1:
        problems.add("all rows must have the same number of cells", f"{at}/rows", "rows")


def _number(problems: Problems, value: Any, at: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add("must provide a number", at, "type", "number")


_RAW_TEXT: Final = record({"type": anything, "text": required(string(least=1))})
_RAW_NUMBER: Final = record({"type": anything, "value": required(_number), "text": string()})
_CELL: Final = choice({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": RICH_TEXT})
_COLUMN: Final = record({"align": enum("left", "center", "right"), "is_wrapped": boolean})
_TASK: Final = record(
    {
        **_ANY,
        "task_id": required(string(255, 1)),
        "title": required(string(least=1)),
        "details": choice({"rich_text": RICH_TEXT}),
        "output": choice({"rich_text": RICH_TEXT}),
        "sources": each(
            choice(
                {
                    "url": record(
                        {"type": anything, "url": required(string()), "text": required(string())}
                    )
                }
            )
        ),
        "status": required(enum("pending", "in_progress", "complete", "error")),
    }
)
_CARD: Final = record(
    {
        **_ANY,
        "hero_image": choice({"image": IMAGE}),
        "icon": choice({"image": IMAGE}),
        "slack_icon": anything,
        "title": mixed_text(150),
        "subtitle": mixed_text(150),
        "body": mixed_text(200),
        "subtext": mixed_text(200),
        "actions": each(choice(ELEMENTS, {"button"}), 5),
    },
    _card,
)
_POINT: Final = record({"label": required(string(least=1)), "value": required(_number)})
_AXES: Final = record(
    {
        "categories": required(each(string(), 20, 1)),
        "x_label": string(),
        "y_label": string(),
    }
)
_SERIES: Final = record(
    {
        "type": anything,
        "series": required(
            each(record({"name": required(string()), "data": required(each(_POINT, 20, 1))}), 6, 1)
        ),
        "axis_config": required(_AXES),
    }
)
_CHART: Final = choice(
    {
        "pie": record({"type": anything, "segments": required(each(_POINT, 6, 1))}),
        "bar": _SERIES,
        "area": _SERIES,
        "line": _SERIES,
    }
)

_BLOCKS: Final[dict[str, Check]] = {
    "actions": record({**_ANY, "elements": required(each(choice(ELEMENTS, ACTIONS), 25, 1))}),
    "alert": record(
        {
            **_ANY,
            "text": required(mixed_text(3000)),
            "level": enum("default", "info", "warning", "error", "success"),
        }
    ),
    "call": record(
        {
            **_ANY,
            "call_id": required(string()),
            "api_decoration_available": boolean,
            "call": anything,
        }
    ),
    "card": _CARD,
    "carousel": record({**_ANY, "elements": required(each(choice({"card": _CARD}), 10, 1))}),
    "context": record(
        {
            **_ANY,
            "elements": required(
                each(
                    one_of(
                        choice(
                            {
                                "image": IMAGE,
                                "plain_text": record(
                                    {
                                        "type": anything,
                                        "text": required(string(3000, 1)),
                                        "emoji": boolean,
                                    }
                                ),
                                "mrkdwn": record(
                                    {
                                        "type": anything,
                                        "text": required(string(3000, 1)),
                                        "verbatim": boolean,
                                        "emoji": boolean,
                                    }
                                ),
                            }
                        )
                    ),
                    10,
                    1,
                )
            ),
        }
    ),
    "context_actions": record(
        {
            **_ANY,
            "elements": required(each(choice(ELEMENTS, {"feedback_buttons", "icon_button"}), 5, 1)),
        }
    ),
    "data_table": record(
        {
            **_ANY,
            "rows": required(each(each(_CELL, 20, 1), 101, 2)),
            "caption": required(string()),
            "page_size": integer(1, 100),
            "row_header_column_index": integer(0, 19),
        },
        _even_rows,
    ),
    "data_visualization": record(
        {**_ANY, "title": required(string(50, 1)), "chart": required(_CHART)}
    ),
    "divider": record(_ANY),
    "file": record({**_ANY, "external_id": required(string()), "source": required(string())}),
    "header": record({**_ANY, "text": required(plain_text(150)), "level": integer(1, 6)}),
    "image": record(
        {
            **_ANY,
            "alt_text": required(string(2000)),
            "image_url": string(3000),
            "slack_file": record({"id": string(), "url": string()}),
            "title": plain_text(2000),
        },
        _image,
    ),
    "input": record(
        {
            **_ANY,
            "label": required(plain_text(2000)),
            "element": required(choice(ELEMENTS, INPUTS)),
            "hint": plain_text(2000),
            "optional": boolean,
            "dispatch_action": boolean,
        }
    ),
    "markdown": record({**_ANY, "text": required(string(MAX_MARKDOWN, 1))}),
    "plan": record(
        {
            **_ANY,
            "title": required(string(least=1)),
            "tasks": each(choice({"task_card": _TASK})),
        }
    ),
    "rich_text": RICH_TEXT,
    "section": record(
        {
            **_ANY,
            "text": mixed_text(3000),
            "fields": each(mixed_text(2000), 10, 1),
            "accessory": choice(ELEMENTS, ACCESSORIES),
            "expand": boolean,
        },
        _section,
    ),
    "table": record(
        {
            **_ANY,
            "rows": required(each(each(_CELL, 20, 1), 100, 1)),
            "column_settings": each(one_of(_COLUMN), 20),
        }
    ),
    "task_card": _TASK,
    "video": record(
        {
            **_ANY,
            "alt_text": required(string()),
            "title": required(plain_text(200)),
            "thumbnail_url": required(string(3000)),
            "video_url": required(string(3000)),
            "title_url": string(3000),
            "author_name": string(50),
            "description": plain_text(200),
            "provider_name": string(),
            "provider_icon_url": string(3000),
        }
    ),
}
_NESTED: Final = choice(
    _BLOCKS, _BLOCKS.keys() - {"alert", "card", "carousel", "input", "task_card", "plan"}
)
_BLOCKS["container"] = record(
    {
        **_ANY,
        "title": plain_text(150),
        "rich_text_title": choice({"rich_text": RICH_TEXT}),
        "subtitle": mixed_text(150),
        "child_blocks": required(each(_NESTED, 10, 1)),
        "width": enum("narrow", "standard", "wide", "full"),
        "icon": choice({"image": IMAGE}),
        "is_collapsible": boolean,
        "default_collapsed": boolean,
        "has_header_divider": boolean,
    },
    _container,
)
_ONLY_MESSAGES: Final = frozenset(
    {"call", "card", "carousel", "container", "context_actions", "data_table",
     "data_visualization", "file", "markdown", "plan", "table", "task_card"}
)  # fmt: skip
_SURFACES: Final[Mapping[str, Check]] = {
    "message": choice(_BLOCKS, _BLOCKS.keys() - {"alert"}),
    "modal": choice(_BLOCKS, _BLOCKS.keys() - _ONLY_MESSAGES),
    "home": choice(_BLOCKS, _BLOCKS.keys() - _ONLY_MESSAGES - {"alert"}),
}


def problems_of(blocks: Any, root: str = "/blocks", surface: Surface = "message") -> Problems:
    """Everything Slack has against a list of blocks that would stand at ``root``."""
    problems = Problems()
    most = MAX_BLOCKS if surface == "message" else MAX_VIEW_BLOCKS
    if not isinstance(blocks, list):
        problems.add("must provide an array", root, "type", "array")
        return problems
    if len(blocks) > most:
        problems.add(f"no more than {most} items allowed", root, "max_items", most)
        return problems
    check = _SURFACES[surface]
    for number, block in enumerate(blocks):
        check(problems, block, f"{root}/{number}")
    if not problems:
        _unique(problems, blocks, root)
    return problems


def _unique(problems: Problems, blocks: list[dict[str, Any]], root: str) -> None:
    """Block ids differ in a surface, action ids in a block."""
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        key = block.get("block_id")
        if key and key in seen:
            problems.add(
                f'`block_id` "{key}" already exists', f"{root}/{number}/block_id", "unique"
            )
        seen.add(key or "")
        elements = block.get("elements") if block["type"] in ("actions", "context_actions") else ()
        actions: set[str] = set()
        for at, element in enumerate(elements or ()):
            action = element.get("action_id")
            if action and action in actions:
                problems.add(
                    f'`action_id` "{action}" already exists for block_id "{key or ""}"',
                    f"{root}/{number}/elements/{at}/action_id",
                    "unique",
                )
            actions.add(action or "")


def refused(error: str, problems: Problems) -> SlackError:
    """The error with all its problems, twice, as Slack tells them."""
    words = [str(problem) for problem in problems]
    metadata = {"messages": [f"[ERROR] {text}" for text in words]}
    return SlackError(error, errors=words, response_metadata=metadata)


def check_blocks(blocks: Any, *, root: str = "/blocks", surface: Surface = "message") -> None:
    """Raise ``invalid_blocks`` about everything that is wrong with blocks.

    Raises ``invalid_blocks_format`` for what is no list, ``msg_blocks_too_long`` for too much
    Markdown, ``invalid_attachments`` for a second table.
    """
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = problems_of(blocks, root, surface)
    if problems:
        raise refused("invalid_blocks", problems)
    if sum(len(b["text"]) for b in blocks if b["type"] == "markdown") > MAX_MARKDOWN:
        raise SlackError("msg_blocks_too_long")
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise SlackError("invalid_attachments", "[ERROR] only_one_table_allowed")


def check_attachments(attachments: Any) -> None:
    """Raise Slack's error about attachments that are not a list of objects, or too many."""
    if not isinstance(attachments, list) or not all(isinstance(a, dict) for a in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    for number, attachment in enumerate(attachments):
        if "blocks" in attachment:
            problems = problems_of(attachment["blocks"], f"/attachments/{number}/blocks")
            if problems:
                raise refused("invalid_attachments", problems)
        for name, most in (("actions", 5), ("fields", 0)):
            items = attachment.get(name)
            if items is None:
                continue
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise SlackError("invalid_attachments")
            if most and len(items) > most:
                raise SlackError("invalid_attachments")
