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
_GROUPS: Final = (
    "already_disabled",
    "already_enabled",
    "handle_already_exists",
    "invalid_handle",
    "invalid_users",
    "name_already_exists",
    "no_such_subteam",
    "no_users_provided",
)
_PAGES: Final = ("invalid_cursor", "invalid_limit")

NEWER: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "invalid_arguments",
        "missing_scope",
        "not_allowed_token_type",
        "unknown_method",
    ),
    "bookmarks.add": ("channel_not_found", "invalid_bookmark_type", "invalid_link"),
    "bookmarks.edit": ("channel_not_found", "not_found"),
    "bookmarks.list": ("channel_not_found",),
    "bookmarks.remove": ("channel_not_found", "not_found"),
    "chat.meMessage": ("invalid_thread_ts", "thread_not_found"),
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
    "files.completeUploadExternal": (
        "channel_not_found",
        "file_not_found",
        "is_archived",
        "not_in_channel",
    ),
    "pins.list": ("not_in_channel",),
    "reactions.get": ("channel_not_found",),
    "reactions.list": _PAGES,
    "reminders.add": ("time_in_past",),
    "usergroups.create": _GROUPS,
    "usergroups.disable": _GROUPS,
    "usergroups.enable": _GROUPS,
    "usergroups.update": _GROUPS,
    "usergroups.users.list": _GROUPS,
    "usergroups.users.update": _GROUPS,
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
