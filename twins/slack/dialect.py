"""Which methods Slack describes, and which errors each may answer."""

import json
from pathlib import Path
from typing import Any, Final

__all__ = ["DESCRIBED", "may_answer"]

DESCRIBED: Final[dict[str, dict[str, Any]]] = json.loads(
    Path(__file__).with_name("methods.json").read_text()
)
"""Every method Slack describes: its rate tier and own errors; "" holds the errors of all."""

_ADMIN: Final = ("feature_not_enabled", "not_an_admin", "restricted_action", "team_not_found")
DOCUMENTED: Final[dict[str, list[str]]] = json.loads(
    Path(__file__).with_name("enums.json").read_text()
)
"""Errors that Slack's pages list of methods today, where the description has none or older ones."""

_BLOCKS: Final = (
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
)
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

_PERMITTED: Final = (
    "restricted_action_non_threadable_channel",
    "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel",
)
_TRIGGERS: Final = (
    "duplicate_external_id",
    "exchanged_trigger_id",
    "expired_trigger_id",
    "invalid_trigger_id",
    "view_too_large",
)
_OAUTH: Final = ("bad_client_secret", "invalid_client_id", "invalid_token")
_APPS: Final[dict[str, tuple[str, ...]]] = {
    **{
        f"agents.sessions.{name}": (
            "channel_not_found",
            "invalid_thread_ts",
            "not_in_channel",
            "session_not_found",
            "user_not_in_channel",
        )
        for name in ("rename", "setStatus")
    },
    "apps.connections.open": ("socket_mode_not_enabled",),
    "apps.event.authorizations.list": ("invalid_event_context",),
    **{
        f"assistant.threads.{name}": (
            "channel_not_found",
            "invalid_thread_ts",
            "method_not_supported_for_channel_type",
            "not_in_channel",
        )
        for name in ("setStatus", "setSuggestedPrompts", "setTitle")
    },
    "calls.add": ("external_unique_id_taken", "invalid_created_by", "user_not_found"),
    **{
        f"calls.{name}": ("call_ended", "not_found", "user_not_found")
        for name in ("end", "info", "participants.add", "participants.remove", "update")
    },
    **{
        f"canvases.{name}": (
            "canvas_not_found",
            "channel_not_found",
            "invalid_access_level",
            "section_not_found",
            "user_not_found",
        )
        for name in (
            "access.delete",
            "access.set",
            "create",
            "delete",
            "edit",
            "sections.lookup",
        )
    },
    "conversations.canvases.create": (
        "channel_canvas_already_exists",
        "channel_not_found",
        "not_in_channel",
    ),
    **{
        f"chat.{name}": (
            *_BLOCKS,
            "channel_not_found",
            "invalid_metadata_format",
            "invalid_thread_ts",
            "is_archived",
            "message_not_found",
            "message_not_in_streaming_state",
            "message_not_owned_by_app",
            "msg_too_long",
            "no_text",
            "not_in_channel",
            "thread_not_found",
            "too_many_attachments",
        )
        for name in ("appendStream", "startStream", "stopStream")
    },
    "chat.unfurl": ("channel_not_found", "not_in_channel"),
    "dnd.teamInfo": ("too_many_users",),
    "files.sharedPublicURL": ("already_public",),
    "oauth.v2.access": (
        *_OAUTH,
        "bad_redirect_uri",
        "code_already_used",
        "invalid_code",
        "invalid_grant_type",
        "invalid_refresh_token",
    ),
    "oauth.v2.exchange": (*_OAUTH, "token_rotation_not_enabled"),
    **{f"search.{name}": ("no_query", "query_too_long") for name in ("all", "files", "messages")},
    "team.billableInfo": ("user_not_found",),
    "users.discoverableContacts.lookup": ("invalid_email",),
    "views.open": _TRIGGERS,
    "views.publish": ("duplicate_external_id", "hash_conflict", "user_not_found"),
    "views.push": (*_TRIGGERS, "push_limit_reached"),
    "views.update": ("duplicate_external_id", "hash_conflict", "not_found", "view_too_large"),
}

NEWER: Final[dict[str, tuple[str, ...]]] = {
    "": (
        "invalid_arguments",
        "method_deprecated",
        "missing_scope",
        "token_expired",
        "not_allowed_token_type",
        "unknown_method",
    ),
    **_APPS,
    "bookmarks.add": ("channel_not_found", "invalid_bookmark_type", "invalid_link"),
    "bookmarks.edit": ("channel_not_found", "not_found"),
    "bookmarks.list": ("channel_not_found",),
    "bookmarks.remove": ("channel_not_found", "not_found"),
    "chat.meMessage": (*_PERMITTED, "invalid_thread_ts", "thread_not_found"),
    "chat.postEphemeral": (*_BLOCKS, *_PERMITTED, "invalid_metadata_format"),
    "chat.postMessage": (
        *_BLOCKS,
        *_PERMITTED,
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
    "users.profile.set": (
        "profile_status_set_failed_not_emoji_syntax",
        "profile_status_set_failed_too_long",
    ),
}
"""Errors that Slack documents since the description was frozen in 2021."""


def may_answer(name: str, error: str) -> bool:
    """Whether Slack knows that error of that method (or of all of them)."""
    return (
        error in DESCRIBED.get(name, {}).get("errors", ())
        or error in DESCRIBED[""]["errors"]
        or error in NEWER[""]
        or error in NEWER.get(name, ())
        or error in DOCUMENTED.get(name, ())
        or (name.startswith("admin.") and error in _ADMIN)
    )
