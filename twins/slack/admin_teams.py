"""admin.teams.*, admin.emoji.*, admin.usergroups.*, admin.inviteRequests.*, admin.roles.*"""

import re
from typing import Any, Final

from factory_tui.universe import UPPER, ApplyError, Row, Twin

from . import events
from .admin import admin_method, team_for
from .errors import SlackError
from .method import Context
from .state import add_user, count, update, user_named

__all__ = ["OPS"]

_EMOJI: Final = re.compile(r"[a-z0-9_+'\-]{1,100}\Z")
_ROLES: Final = frozenset(f"Rl0{letter}" for letter in "123456789ACEG")


def _team_shape(c: Context) -> dict[str, Any]:
    team = c.team
    owner = next((row for row in c["users"].rows() if row["owner"]), None)
    return {
        "id": team["id"],
        "name": team["name"],
        "discoverability": team.get("discoverability", "invite_only"),
        "team_url": f"https://{team['domain']}.slack.com/",
        "primary_owner": {
            "user_id": owner["id"] if owner else "",
            "email": owner["email"] if owner else "",
        },
    }


@admin_method("admin.teams.list")
def list_teams(c: Context) -> dict[str, Any]:
    """The workspaces of the organisation: one."""
    return {"teams": [_team_shape(c)], "response_metadata": {"next_cursor": ""}}


@admin_method("admin.teams.create")
def create_team(c: Context) -> dict[str, Any]:
    """Another workspace, which the twin does not have."""
    c.args.need("team_domain", "invalid_team_domain")
    c.args.need("team_name", "invalid_team_name")
    if c.args.text("team_domain") == c.team["domain"]:
        raise SlackError("team_domain_already_exists")
    raise SlackError("create_team_failed")


def _people(c: Context, what: str) -> dict[str, Any]:
    team_for(c, needed=True)
    rows = [row for row in c["users"].rows() if row[what] and not row["deleted"]]
    page, metadata = c.page(rows, f"team_{what}", default=100)
    return {f"{what}_ids": [row["id"] for row in page], "response_metadata": metadata}


@admin_method("admin.teams.admins.list")
def list_admins(c: Context) -> dict[str, Any]:
    """Who are admins."""
    return _people(c, "admin")


@admin_method("admin.teams.owners.list")
def list_owners(c: Context) -> dict[str, Any]:
    """Who are owners."""
    return _people(c, "owner")


@admin_method("admin.teams.settings.info")
def settings(c: Context) -> dict[str, Any]:
    """The workspace's settings."""
    team = team_for(c, needed=True)
    return {
        "team": {
            "id": team["id"],
            "name": team["name"],
            "domain": team["domain"],
            "email_domain": "acme.example",
            "description": team.get("description", ""),
            "icon": {"image_default": "icon" not in team, "image_34": team.get("icon", "")},
            "enterprise_id": "",
            "enterprise_name": "",
            "default_channels": team.get("default_channels", []),
        }
    }


def _set(c: Context, **changes: Any) -> dict[str, Any]:
    team = team_for(c, needed=True)
    c["team"].put(team["id"], {**team, **changes})
    return {}


@admin_method("admin.teams.settings.setName")
def set_name(c: Context) -> dict[str, Any]:
    """Another name for the workspace."""
    name = c.args.need("name", "invalid_name")
    answer = _set(c, name=name)
    events.notify(c.twin, {"type": "team_rename", "name": name})
    return answer


@admin_method("admin.teams.settings.setDescription")
def set_description(c: Context) -> dict[str, Any]:
    """What the workspace is for."""
    return _set(c, description=c.args.need("description", "invalid_description"))


@admin_method("admin.teams.settings.setDiscoverability")
def set_discoverability(c: Context) -> dict[str, Any]:
    """Who may find and join the workspace."""
    wanted = c.args.text("discoverability")
    if wanted not in ("open", "closed", "invite_only", "unlisted"):
        raise SlackError("invalid_discoverability")
    return _set(c, discoverability=wanted)


@admin_method("admin.teams.settings.setIcon")
def set_icon(c: Context) -> dict[str, Any]:
    """The workspace's picture."""
    url = c.args.need("image_url", "bad_image")
    if not url.startswith(("http://", "https://")):
        raise SlackError("bad_image")
    return _set(c, icon=url)


@admin_method("admin.teams.settings.setDefaultChannels")
def set_defaults(c: Context) -> dict[str, Any]:
    """Where new people land."""
    keys = c.args.items("channel_ids")
    for key in keys:
        row = c["channels"].get(key)
        if row is None or row["private"]:
            raise SlackError("channel_not_found")
    return _set(c, default_channels=keys)


# -- emoji


def _emoji(c: Context, argument: str = "name") -> str:
    name = c.args.need(argument, "invalid_name").strip(":")
    if not _EMOJI.match(name):
        raise SlackError("emoji_name_i18n" if not name.isascii() else "bad_name")
    return name


def _added(c: Context, name: str, value: str) -> dict[str, Any]:
    if name in c["emoji"]:
        raise SlackError("error_name_taken")
    row = {"name": name, "value": value, "user": c.user, "created": c.now}
    c["emoji"].put(name, {**row, "n": count(c.twin, "n")})
    event = {"type": "emoji_changed", "subtype": "add", "name": name, "value": value}
    events.notify(c.twin, event)
    return {}


@admin_method("admin.emoji.add")
def add_emoji(c: Context) -> dict[str, Any]:
    """A custom emoji."""
    url = c.args.need("url", "bad_url")
    if not url.startswith(("http://", "https://")):
        raise SlackError("bad_url")
    return _added(c, _emoji(c), url)


@admin_method("admin.emoji.addAlias")
def alias_emoji(c: Context) -> dict[str, Any]:
    """Another name for an emoji."""
    return _added(c, _emoji(c), f"alias:{_emoji(c, 'alias_for')}")


@admin_method("admin.emoji.remove")
def remove_emoji(c: Context) -> dict[str, Any]:
    """An emoji is gone, and the names that led to it."""
    name = _emoji(c)
    if name not in c["emoji"]:
        raise SlackError("emoji_not_found")
    aliases = [row["name"] for row in c["emoji"].rows() if row["value"] == f"alias:{name}"]
    for key in (name, *aliases):
        c["emoji"].delete(key)
    event = {"type": "emoji_changed", "subtype": "remove", "names": [name, *aliases]}
    events.notify(c.twin, event)
    return {}


@admin_method("admin.emoji.rename")
def rename_emoji(c: Context) -> dict[str, Any]:
    """Another name."""
    old, new = _emoji(c), _emoji(c, "new_name")
    row = c["emoji"].get(old)
    if row is None:
        raise SlackError("emoji_not_found")
    if new in c["emoji"]:
        raise SlackError("error_name_taken")
    c["emoji"].delete(old)
    c["emoji"].put(new, {**row, "name": new})
    event = {"type": "emoji_changed", "subtype": "rename", "old_name": old, "new_name": new}
    events.notify(c.twin, {**event, "value": row["value"]})
    return {}


@admin_method("admin.emoji.list")
def list_emoji(c: Context) -> dict[str, Any]:
    """Custom emoji with who made them."""
    page, metadata = c.page(list(c["emoji"].rows()), "emoji", default=100)
    shown = {
        row["name"]: {
            "url": row["value"],
            "date_created": row["created"],
            "uploaded_by": row["user"],
        }
        for row in page
    }
    return {"emoji": shown, "response_metadata": metadata}


# -- user groups


def _group(c: Context) -> Row:
    row = c["usergroups"].get(c.args.need("usergroup_id", "usergroup_not_found"))
    if row is None:
        raise SlackError("usergroup_not_found")
    return row


@admin_method("admin.usergroups.addChannels")
def add_channels(c: Context) -> dict[str, Any]:
    """People of a group get channels by default."""
    row = _group(c)
    keys = c.args.items("channel_ids")
    wrong = [key for key in keys if key not in c["channels"]]
    if wrong or not keys:
        raise SlackError("invalid_channels_provided", invalid_channels=wrong)
    update(c.twin, "usergroups", row["id"], channels=list(dict.fromkeys([*row["channels"], *keys])))
    return {}


@admin_method("admin.usergroups.removeChannels")
def remove_channels(c: Context) -> dict[str, Any]:
    """They get them no more."""
    row = _group(c)
    gone = c.args.items("channel_ids")
    left = [key for key in row["channels"] if key not in gone]
    update(c.twin, "usergroups", row["id"], channels=left)
    return {}


@admin_method("admin.usergroups.listChannels")
def list_channels(c: Context) -> dict[str, Any]:
    """What people of a group get."""
    row = _group(c)
    rooms = [c["channels"][key] for key in row["channels"] if key in c["channels"]]
    channels: list[Row] = [
        {"id": room["id"], "name": room["name"], "team_id": c.team["id"]} for room in rooms
    ]
    if c.args.flag("include_num_members"):
        for shown in channels:
            shown["num_members"] = len(c["members"].find("channel", shown["id"]))
    return {"channels": channels}


@admin_method("admin.usergroups.addTeams")
def add_teams(c: Context) -> dict[str, Any]:
    """A group is there in further workspaces, of which there are none."""
    _group(c)
    if set(c.args.items("team_ids")) - {c.team["id"]}:
        raise SlackError("team_not_found")
    return {}


# -- requests to invite


def _requests(c: Context, state: str, name: str) -> dict[str, Any]:
    team_for(c)
    rows = [row for row in c["invite_requests"].rows() if row["state"] == state]
    page, metadata = c.page(rows, "invite_request", default=100)
    shown = []
    for row in page:
        request = {
            "id": row["id"],
            "email": row["email"],
            "date_created": row["created"],
            "requester_ids": [row["user"]],
            "channel_ids": row["channels"],
            "invite_type": "full_member",
            "real_name": row["name"],
            "date_expire": 0,
            "request_reason": row["reason"],
            "team_id": c.team["id"],
        }
        if state == "pending":
            shown.append(request)
        else:
            by = {"actor_id": row["by"], "actor_type": "user"}
            verb = f"{state}_by"
            shown.append({"invite_request": request, verb: by, f"date_{state}": row["updated"]})
    return {name: shown, "response_metadata": metadata}


@admin_method("admin.inviteRequests.list")
def list_requests(c: Context) -> dict[str, Any]:
    """Whom people want to have invited."""
    return _requests(c, "pending", "invite_requests")


@admin_method("admin.inviteRequests.approved.list")
def list_approved(c: Context) -> dict[str, Any]:
    """Who was invited so."""
    return _requests(c, "approved", "approved_requests")


@admin_method("admin.inviteRequests.denied.list")
def list_denied(c: Context) -> dict[str, Any]:
    """Who was not."""
    return _requests(c, "denied", "denied_requests")


def _settle(c: Context, state: str) -> Row:
    team_for(c)
    key = c.args.need("invite_request_id", "invalid_request")
    row = c["invite_requests"].get(key)
    if row is None:
        raise SlackError("invalid_request")
    if row["state"] != "pending":
        raise SlackError(f"already_{row['state']}")
    return update(c.twin, "invite_requests", key, state=state, by=c.user, updated=c.now)


@admin_method("admin.inviteRequests.approve")
def approve_request(c: Context) -> dict[str, Any]:
    """Invite the person that somebody asked for."""
    row = _settle(c, "approved")
    first, _, last = row["name"].partition(" ")
    if user_named(c.twin, row["email"]) is None:
        add_user(c.twin, first or row["email"].partition("@")[0], last, row["email"])
    return {}


@admin_method("admin.inviteRequests.deny")
def deny_request(c: Context) -> dict[str, Any]:
    """Do not."""
    _settle(c, "denied")
    return {}


def request_invite(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody asks an admin to invite: ``{user, email, name?, reason?}``."""
    person = user_named(twin, str(args["user"]))
    if person is None:
        raise ApplyError(f"slack has no account for {args['user']}")
    key = twin.ids.mint("invite request", 10, prefix="Ir", alphabet=UPPER)
    row: Row = {
        "id": key,
        "n": count(twin, "n"),
        "user": person["id"],
        "email": str(args["email"]).lower(),
        "name": str(args.get("name", "")),
        "reason": str(args.get("reason", "")),
        "channels": [],
        "created": twin.clock.epoch(),
        "updated": twin.clock.epoch(),
        "state": "pending",
        "by": "",
    }
    twin["invite_requests"].put(key, row)
    return {"request": key}


# -- roles


def _assignments(c: Context) -> tuple[str, list[str], list[str]]:
    role = c.args.need("role_id", "role_not_found")
    if role not in _ROLES:
        raise SlackError("role_not_found")
    users, entities = c.args.items("user_ids"), c.args.items("entity_ids")
    if not users or not entities:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: user_ids")
    wrong = [user for user in users if user not in c["users"]]
    if wrong:
        raise SlackError("invalid_users")
    return role, users, entities


@admin_method("admin.roles.addAssignments")
def add_roles(c: Context) -> dict[str, Any]:
    """People may do what a role may, for certain workspaces or channels."""
    role, users, entities = _assignments(c)
    for user in users:
        for entity in entities:
            row = {"role_id": role, "user_id": user, "entity_id": entity, "date_create": c.now}
            key = (role, user, entity)
            c["roles"].put(key, {**row, "n": count(c.twin, "n")})
    return {"rejected_users": [], "rejected_entities": []}


@admin_method("admin.roles.removeAssignments")
def remove_roles(c: Context) -> dict[str, Any]:
    """They may no more."""
    role, users, entities = _assignments(c)
    for user in users:
        for entity in entities:
            c["roles"].delete((role, user, entity))
    return {}


@admin_method("admin.roles.listAssignments")
def list_roles(c: Context) -> dict[str, Any]:
    """Who may do what."""
    roles, entities = c.args.items("role_ids"), c.args.items("entity_ids")
    rows = [
        row
        for row in c["roles"].rows()
        if (not roles or row["role_id"] in roles) and (not entities or row["entity_id"] in entities)
    ]
    page, metadata = c.page(rows, "role", default=200)
    shown = [{name: row[name] for name in row if name != "n"} for row in page]
    return {"role_assignments": shown, "response_metadata": metadata}


OPS: Final = {"request_invite": request_invite}
