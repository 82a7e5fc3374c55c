"""Which methods Slack describes, and which errors each may answer."""

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["DESCRIBED", "may_answer"]

DESCRIBED: Final[dict[str, dict[str, Any]]] = json.loads(
    Path(__file__).with_name("methods.json").read_text()
)
"""Every method Slack describes: its rate tier and own errors; "" holds the errors of all."""

_BLOCKS: Final = ("invalid_attachments", "invalid_blocks", "invalid_blocks_format")
_PAGES: Final = ("invalid_cursor", "invalid_limit")

NEWER: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "invalid_arguments",
        "missing_scope",
        "not_allowed_token_type",
        "unknown_method",
    ),
    "chat.postEphemeral": (*_BLOCKS, "invalid_metadata_format"),
    "chat.postMessage": (
        *_BLOCKS,
        "invalid_metadata_format",
        "invalid_thread_ts",
        "thread_not_found",
    ),
    "chat.scheduleMessage": (*_BLOCKS, "invalid_metadata_format", "thread_not_found"),
    "chat.update": (*_BLOCKS, "invalid_metadata_format"),
    "conversations.archive": ("not_in_channel",),
    "conversations.history": (*_PAGES, "not_in_channel"),
    "conversations.invite": ("user_disabled",),
    "conversations.kick": ("is_archived",),
    "conversations.list": (*_PAGES, "invalid_types"),
    "conversations.replies": (*_PAGES, "not_in_channel"),
    "pins.list": ("not_in_channel",),
    "reactions.list": _PAGES,
    "users.conversations": (*_PAGES, "invalid_types", "user_not_found"),
    "users.getPresence": ("user_not_found",),
    "users.list": _PAGES,
}
"""Errors that Slack documents since the description was frozen in 2021."""


def may_answer(name: str, error: str) -> bool:
    """Whether Slack knows that error of that method (or of all of them)."""
    return (
        error in DESCRIBED.get(name, {}).get("errors", ())
        or error in DESCRIBED[""]["errors"]
        or error in NEWER[""]
        or error in NEWER.get(name, ())
    )
