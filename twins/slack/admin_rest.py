"""What is left of admin.*: permissions of functions, workflows, analytics, exports, moves."""

import re
from typing import Any, Final

from .admin import admin_method
from .errors import SlackError
from .method import Context

_VISIBLE: Final = ("everyone", "app_collaborators", "named_entities", "no_one")
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")


def _functions(c: Context) -> list[str]:
    """Ids of the functions that apps bring, as ``admin.functions.list`` gives them."""
    found: list[str] = []
    for app in c["apps"].rows():
        for number, _ in enumerate(app["manifest"].get("functions") or {}):
            found.append(f"Fn{app['id'][1:]}{number}")
    return found


@admin_method("admin.functions.permissions.lookup")
def lookup(c: Context) -> dict[str, Any]:
    """Who may use functions in workflows."""
    keys = c.args.items("function_ids")
    if not keys:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: function_ids")
    known, kept = _functions(c), c.team.get("function_permissions", {})
    permissions = {key: kept.get(key, {"type": "everyone"}) for key in keys if key in known}
    errors = {key: "function_not_found" for key in keys if key not in known}
    return {"permissions": permissions, "errors": errors}


@admin_method("admin.functions.permissions.set")
def set_permissions(c: Context) -> dict[str, Any]:
    """The same, changed."""
    key = c.args.need("function_id", "function_not_found")
    if key not in _functions(c):
        raise SlackError("function_not_found")
    visible = c.args.need("visibility")
    if visible not in _VISIBLE:
        message = "[ERROR] must be a valid enum value [json-pointer:/visibility]"
        raise SlackError("invalid_arguments", message)
    users = c.args.items("user_ids")
    if visible == "named_entities" and not users:
        raise SlackError("named_entities_cannot_be_empty")
    if any(user not in c["users"] for user in users):
        raise SlackError("invalid_named_entities")
    permission: dict[str, Any] = {"type": visible}
    if users:
        permission["user_ids"] = users
    team = c.team
    kept = {**team.get("function_permissions", {}), key: permission}
    c["team"].put(team["id"], {**team, "function_permissions": kept})
    return {}


# -- workflows: people have built none


def _workflows(c: Context) -> list[str]:
    keys = c.args.items("workflow_ids")
    if not keys:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: workflow_ids")
    return keys


@admin_method("admin.workflows.collaborators.add")
def add_collaborators(c: Context) -> dict[str, Any]:
    """Let people change workflows."""
    _workflows(c)
    raise SlackError("workflow_not_found")


@admin_method("admin.workflows.collaborators.remove")
def remove_collaborators(c: Context) -> dict[str, Any]:
    """Let them no more."""
    _workflows(c)
    raise SlackError("workflow_not_found")


@admin_method("admin.workflows.unpublish")
def unpublish(c: Context) -> dict[str, Any]:
    """Nobody can start workflows any more."""
    _workflows(c)
    raise SlackError("workflow_not_found")


@admin_method("admin.workflows.permissions.lookup")
def lookup_workflows(c: Context) -> dict[str, Any]:
    """Who may use workflows."""
    return {"permissions": {}, "errors": dict.fromkeys(_workflows(c), "workflow_not_found")}


# -- the organisation


@admin_method("admin.conversations.bulkMove")
def bulk_move(c: Context) -> dict[str, Any]:
    """Move channels to another workspace, of which there is none."""
    if not c.args.items("channel_ids"):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: channel_ids")
    target = c.args.need("target_team_id", "team_not_found")
    if target != c.team["id"]:
        raise SlackError("team_not_found")
    not_added = [
        {"channel_id": key, "errors": ["team_is_source_team"]}
        for key in c.args.items("channel_ids")
    ]
    return {"bulk_action_id": c.twin.ids.mint("bulk action", 12), "not_added": not_added}


@admin_method("admin.conversations.ekm.listOriginalConnectedChannelInfo")
def original_channels(c: Context) -> dict[str, Any]:
    """Channels that were connected before key management began: none."""
    return {"channels": [], "response_metadata": {"next_cursor": ""}}


@admin_method("admin.users.unsupportedVersions.export")
def export_versions(c: Context) -> dict[str, Any]:
    """Have Slackbot send a list of people on clients that support ends for."""
    for name in ("date_end_of_support", "date_sessions_started"):
        c.args.number(name)
    return {}


@admin_method("admin.analytics.getFile")
def analytics(c: Context) -> dict[str, Any]:
    """Statistics of a day, which are made for days that are past; the twin makes none."""
    kind = c.args.need("type", "invalid_type")
    if kind not in ("member", "public_channel"):
        raise SlackError("invalid_type")
    if c.args.flag("metadata_only"):
        raise SlackError("metadata_not_available")
    date = c.args.need("date", "invalid_date")
    if not _DATE.match(date):
        raise SlackError("invalid_date")
    raise SlackError("file_not_found")
