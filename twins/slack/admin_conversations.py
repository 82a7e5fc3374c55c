"""admin.conversations.*: channels of the whole workspace, seen by those who run it."""

from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .admin import admin_method, numbered, team_for
from .errors import SlackError
from .method import Context
from .state import (
    add_member,
    channel_of,
    check_name,
    create_channel,
    is_member,
    members_of,
    post,
    update,
)

_SORTS: Final = ("relevant", "name", "member_count", "created")
_TYPES: Final = (
    "private public archived exclude_archived private_exclude multi_workspace org_wide "
    "external_shared external_shared_exclude external_shared_private"
)
_KINDS: Final = frozenset(_TYPES.split())
_PREFS: Final = ("who_can_post", "can_thread", "can_huddle", "enable_at_channel", "enable_at_here")


def _room(c: Context, *, general: bool = True) -> Row:
    row = c["channels"].get(c.args.need("channel_id", "channel_not_found"))
    if row is None:
        raise SlackError("channel_not_found")
    if row["kind"] != "channel":
        raise SlackError("channel_type_not_supported")
    if row["general"] and not general:
        raise SlackError("default_org_wide_channel")
    return row


@admin_method("admin.conversations.create")
def create(c: Context) -> dict[str, Any]:
    """A channel in the workspace."""
    if "team_id" not in c.args and not c.args.flag("org_wide"):
        raise SlackError("team_id_or_org_required")
    team_for(c)
    name = c.args.need("name", "invalid_name")
    try:
        check_name(name)
    except SlackError as error:
        raise SlackError("invalid_name") from error
    row = create_channel(c.twin, name, c.user, private=c.args.flag("is_private"))
    add_member(c.twin, row, c.user)
    if c.args.text("description"):
        told = {"value": c.args.text("description"), "creator": c.user, "last_set": c.now}
        update(c.twin, "channels", row["id"], purpose=told)
    return {"channel_id": row["id"]}


@admin_method("admin.conversations.search")
def search(c: Context) -> dict[str, Any]:
    """Channels by name and kind, private ones too."""
    sort, order = c.args.text("sort", "member_count"), c.args.text("sort_dir", "desc")
    if sort not in _SORTS:
        raise SlackError("invalid_sort")
    if order not in ("asc", "desc"):
        raise SlackError("invalid_sort_dir")
    kinds = c.args.items("search_channel_types")
    if set(kinds) - _KINDS:
        raise SlackError("invalid_search_channel_type")
    if set(c.args.items("team_ids")) - {c.team["id"]}:
        raise SlackError("team_not_found")
    query = c.args.text("query").lower()
    found = []
    for row in c["channels"].rows():
        if row["kind"] != "channel" or query not in row["name"]:
            continue
        if ("private" in kinds and not row["private"]) or (
            "archived" in kinds and not row["archived"]
        ):
            continue
        if "exclude_archived" in kinds and row["archived"]:
            continue
        found.append(_shape(c, row))
    keys = {"member_count": "member_count", "created": "created"}
    found.sort(key=lambda row: row[keys.get(sort, "name")], reverse=order == "desc")
    page, metadata = c.page(numbered(found), "admin_channel", default=10, largest=20)
    rows = [item["row"] for item in page]
    next_cursor = metadata["next_cursor"]
    return {"conversations": rows, "next_cursor": next_cursor, "total_count": len(found)}


def _shape(c: Context, row: Row) -> dict[str, Any]:
    members = [item["user"] for item in members_of(c.twin, row["id"])]
    return {
        "id": row["id"],
        "name": row["name"],
        "purpose": row["purpose"]["value"],
        "member_count": len(members),
        "created": row["created"],
        "creator_id": row["creator"],
        "is_private": row["private"],
        "is_archived": row["archived"],
        "is_general": row["general"],
        "last_activity_ts": row["updated"] // 1000,
        "is_ext_shared": bool(row.get("connected")),
        "is_global_shared": False,
        "is_org_default": False,
        "is_org_mandatory": False,
        "is_org_shared": False,
        "is_frozen": False,
        "connected_team_ids": list(row.get("connected", ())),
        "internal_team_ids_count": 1,
        "internal_team_ids_sample_team": c.team["id"],
        "pending_connected_team_ids": [],
        "is_pending_ext_shared": False,
        "channel_manager_count": 0,
        "external_user_count": 0,
    }


@admin_method("admin.conversations.archive")
def archive(c: Context) -> dict[str, Any]:
    """Close a channel."""
    row = _room(c)
    if row["general"]:
        raise SlackError("cant_archive_general")
    if row["archived"]:
        raise SlackError("already_archived")
    row = update(c.twin, "channels", row["id"], archived=True, updated=c.now * 1000)
    post(c.twin, row["id"], c.user, f"<@{c.user}> archived the channel", subtype="channel_archive")
    events.channel_told(c.twin, "archive", row, c.user)
    return {}


@admin_method("admin.conversations.unarchive")
def unarchive(c: Context) -> dict[str, Any]:
    """Open a channel again."""
    row = _room(c)
    if not row["archived"]:
        raise SlackError("channel_not_archived")
    row = update(c.twin, "channels", row["id"], archived=False, updated=c.now * 1000)
    events.channel_told(c.twin, "unarchive", row, c.user)
    return {}


def _erase(c: Context, row: Row) -> None:
    for name in ("members", "messages", "pins"):
        table = c[name]
        for key in table.find("channel", row["id"]):
            table.delete(key)
    noun = "group" if row["private"] else "channel"
    event = {"type": f"{noun}_deleted", "channel": row["id"], "actor_id": c.user}
    events.notify(c.twin, event, row if row["private"] else None)
    c["channels"].delete(row["id"])


@admin_method("admin.conversations.delete")
def delete(c: Context) -> dict[str, Any]:
    """A channel is gone with all that was said in it."""
    _erase(c, _room(c, general=False))
    return {}


@admin_method("admin.conversations.rename")
def rename(c: Context) -> dict[str, Any]:
    """Another name."""
    row = _room(c)
    name = c.args.need("name")
    if channel_of(c.twin, name) is not None:
        raise SlackError("name_taken")
    try:
        check_name(name)
    except SlackError as error:
        raise SlackError("could_not_rename_channel") from error
    previous = [*row["previous_names"], row["name"]]
    changes = {"name": name, "previous_names": previous, "updated": c.now * 1000}
    row = update(c.twin, "channels", row["id"], **changes)
    events.channel_told(c.twin, "rename", row, c.user)
    return {}


@admin_method("admin.conversations.invite")
def invite(c: Context) -> dict[str, Any]:
    """Put people into a channel."""
    row = _room(c)
    users = c.args.items("user_ids")
    wrong = {
        user: "user_not_found"
        for user in users
        if user not in c["users"] or c["users"][user]["deleted"]
    }
    if not users or wrong:
        raise SlackError("failed_for_some_users", failed_user_ids=wrong)
    for user in users:
        if not is_member(c.twin, row["id"], user):
            add_member(c.twin, row, user, c.user)
    return {}


def _convert(c: Context, *, private: bool) -> dict[str, Any]:
    row = _room(c, general=not private)
    if row["private"] == private:
        raise SlackError("channel_type_not_supported" if private else "already_public")
    update(c.twin, "channels", row["id"], private=private, updated=c.now * 1000)
    return {}


@admin_method("admin.conversations.convertToPrivate")
def to_private(c: Context) -> dict[str, Any]:
    """Only members see the channel from now on."""
    return _convert(c, private=True)


@admin_method("admin.conversations.convertToPublic")
def to_public(c: Context) -> dict[str, Any]:
    """Everybody may see the channel from now on."""
    return _convert(c, private=False)


@admin_method("admin.conversations.getConversationPrefs")
def get_prefs(c: Context) -> dict[str, Any]:
    """Who may post, thread and huddle."""
    row = _room(c)
    anybody = {"type": ["ra"], "user": []}
    shown = {"who_can_post": anybody, "can_thread": anybody, **row.get("prefs", {})}
    return {"prefs": shown}


@admin_method("admin.conversations.setConversationPrefs")
def set_prefs(c: Context) -> dict[str, Any]:
    """The same, changed."""
    row = _room(c)
    prefs = c.args.json("prefs", "invalid_arguments")
    if not isinstance(prefs, dict) or set(prefs) - set(_PREFS):
        raise SlackError("could_not_set_channel_pref")
    parsed: Row = {}
    for name, value in prefs.items():
        if isinstance(value, str):  # "type:admin,user:U1"
            kept: dict[str, list[str]] = {"type": [], "user": []}
            for item in value.split(","):
                kind, _, who = item.partition(":")
                if kind not in kept or not who:
                    raise SlackError("could_not_set_channel_pref")
                kept[kind].append(who)
            parsed[name] = kept
        else:
            parsed[name] = value
    update(c.twin, "channels", row["id"], prefs={**row.get("prefs", {}), **parsed})
    return {}


@admin_method("admin.conversations.getCustomRetention")
def get_retention(c: Context) -> dict[str, Any]:
    """For how many days messages are kept; 0: as everywhere."""
    days = _room(c).get("retention", 0)
    return {"is_policy_enabled": bool(days), "duration_days": days}


@admin_method("admin.conversations.setCustomRetention")
def set_retention(c: Context) -> dict[str, Any]:
    """The same, changed."""
    row = _room(c)
    days = c.args.number("duration_days")
    if days is None or days < 1:
        raise SlackError("invalid_arguments", "[ERROR] must be greater than 0: duration_days")
    update(c.twin, "channels", row["id"], retention=days)
    return {}


@admin_method("admin.conversations.removeCustomRetention")
def remove_retention(c: Context) -> dict[str, Any]:
    """Messages are kept as everywhere."""
    update(c.twin, "channels", _room(c)["id"], retention=0)
    return {}


@admin_method("admin.conversations.getTeams")
def get_teams(c: Context) -> dict[str, Any]:
    """The workspaces a channel is in: one."""
    _room(c)
    return {"team_ids": [c.team["id"]], "response_metadata": {"next_cursor": ""}}


@admin_method("admin.conversations.setTeams")
def set_teams(c: Context) -> dict[str, Any]:
    """The same, changed; there is no other workspace."""
    _room(c)
    if set(c.args.items("target_team_ids")) - {c.team["id"]}:
        raise SlackError("invalid_target_team")
    return {}


@admin_method("admin.conversations.lookup")
def lookup(c: Context) -> dict[str, Any]:
    """Channels in which nothing has been said for long, or that few are in."""
    before = c.args.number("last_message_activity_before", c.now) or c.now
    most = c.args.number("max_member_count")
    found = []
    for row in c["channels"].rows():
        if row["kind"] != "channel":
            continue
        stamps = [key[1] for key in c["messages"].find("channel", row["id"])]
        latest = max((float(ts) for ts in stamps), default=float(row["created"]))
        members = len(c["members"].find("channel", row["id"]))
        if latest < before and (most is None or members <= most):
            found.append(row["id"])
    rows = numbered([{"id": key} for key in found])
    page, metadata = c.page(rows, "lookup", default=100)
    channels = [item["row"]["id"] for item in page]
    return {"channels": channels, "response_metadata": metadata}


@admin_method("admin.conversations.disconnectShared")
def disconnect(c: Context) -> dict[str, Any]:
    """A channel is no longer shared with other organisations."""
    row = _room(c)
    if not row.get("connected"):
        raise SlackError("no_teams_to_disconnect")
    leaving = set(c.args.items("leaving_team_ids")) or set(row["connected"])
    if leaving - set(row["connected"]):
        raise SlackError("leaving_team_not_in_channel")
    left = [key for key in row["connected"] if key not in leaving]
    update(c.twin, "channels", row["id"], connected=left)
    return {}


def _each(c: Context) -> list[Row]:
    keys = c.args.items("channel_ids")
    if not keys or len(keys) > 100:
        raise SlackError("invalid_arguments", "[ERROR] 1 to 100 items: channel_ids")
    return [row for key in keys if (row := c["channels"].get(key)) is not None]


@admin_method("admin.conversations.bulkArchive")
def bulk_archive(c: Context) -> dict[str, Any]:
    """Close many channels."""
    for row in _each(c):
        if row["kind"] == "channel" and not row["general"] and not row["archived"]:
            update(c.twin, "channels", row["id"], archived=True, updated=c.now * 1000)
    return {"bulk_action_id": c.twin.ids.mint("bulk action", 12), "not_added": []}


@admin_method("admin.conversations.bulkDelete")
def bulk_delete(c: Context) -> dict[str, Any]:
    """Many channels are gone."""
    for row in _each(c):
        if row["kind"] == "channel" and not row["general"]:
            _erase(c, row)
    return {"bulk_action_id": c.twin.ids.mint("bulk action", 12), "not_added": []}


@admin_method("admin.conversations.restrictAccess.addGroup")
def add_group(c: Context) -> dict[str, Any]:
    """Only people of certain groups may see a private channel: one more group."""
    row = _room(c)
    group = c.args.need("group_id", "group_not_found")
    if group not in c["usergroups"]:
        raise SlackError("group_not_found")
    if not row["private"]:
        raise SlackError("channel_type_not_supported")
    known = row.get("groups", [])
    if group in known:
        raise SlackError("already_added")
    update(c.twin, "channels", row["id"], groups=[*known, group])
    return {}


@admin_method("admin.conversations.restrictAccess.removeGroup")
def remove_group(c: Context) -> dict[str, Any]:
    """One group fewer."""
    row = _room(c)
    group = c.args.need("group_id", "group_not_found")
    if group not in row.get("groups", ()):
        raise SlackError("group_not_found")
    update(c.twin, "channels", row["id"], groups=[key for key in row["groups"] if key != group])
    return {}


@admin_method("admin.conversations.restrictAccess.listGroups")
def list_groups(c: Context) -> dict[str, Any]:
    """Whose people may see a private channel."""
    return {"group_ids": list(_room(c).get("groups", ()))}
