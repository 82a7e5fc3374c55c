"""Slack Connect: invitations between this workspace and others, and what they lead to.

Nobody sits in the other organisations; what they do is done by a scenario (``connect_invite``,
``connect_accept``, ``connect_request``, see ``connect_requests.py``).
"""

from typing import Any, Final

from factory_tui.universe import ALNUM, UPPER, Row, Twin

from . import events
from .conversations import channel_for
from .errors import SlackError
from .method import Context, method
from .shapes import profile_shape
from .state import add_member, channel_of, check_name, count, create_channel, is_member, update

__all__ = ["MAX_MESSAGE", "connected", "icon", "invite_row", "invite_shape", "tell", "user_part"]

MAX_MESSAGE: Final = 560
FORTNIGHT: Final = 14 * 86_400
WRITE: Final = "conversations.connect:write"
MANAGE: Final = "conversations.connect:manage"


def icon() -> dict[str, Any]:
    """A team's picture: the default one."""
    base = "https://a.slack-edge.com/80588/img/avatars-teams/ava_0011"
    sizes = (34, 44, 68, 88, 102, 132, 230)
    return {**{f"image_{size}": f"{base}-{size}.png" for size in sizes}, "image_default": True}


def _team(row: Row, created: int = 0) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "icon": icon(),
        "is_verified": False,
        "domain": row["domain"],
        "date_created": row.get("created", created),
        "avatar_base_url": "https://ca.slack-edge.com/",
        "requires_sponsorship": False,
    }


def user_part(c: Context, user: str) -> dict[str, Any]:
    """A person as invitations show them."""
    row = c["users"].get(user)
    if row is None:
        return {"id": user}
    profile = profile_shape(c, row)
    names = [
        "real_name",
        "display_name",
        "real_name_normalized",
        "display_name_normalized",
        "team",
        "avatar_hash",
        *(f"image_{size}" for size in (24, 32, 48, 72, 192, 512)),
    ]
    shown = {name: profile[name] for name in names}
    if "email" in profile:
        shown["email"] = profile["email"]
    return {
        "id": row["id"],
        "team_id": c.team["id"],
        "name": row["name"],
        "updated": row["updated"],
        "who_can_share_contact_card": "EVERYONE",
        "profile": shown,
    }


def invite_row(twin: Twin, direction: str, channel: Row | Any, **fields: Any) -> Row:
    """A fresh invitation, kept. ``channel``: the row, or the name of one elsewhere."""
    now = twin.clock.epoch()
    key = twin.ids.mint("shared invite", 10, prefix="I", alphabet=UPPER)
    row: Row = {
        "id": key,
        "n": count(twin, "n"),
        "direction": direction,
        "status": "pending",
        "channel": channel["id"] if isinstance(channel, dict) else "",
        "channel_name": channel["name"] if isinstance(channel, dict) else str(channel),
        "private": channel["private"] if isinstance(channel, dict) else False,
        "created": now,
        "updated": now,
        "expires": now + FORTNIGHT,
        "team": "",
        "user": "",
        "email": "",
        "recipient": "",
        "limited": True,
        "approved": [],
        "code": twin.ids.mint("invite code", 24, alphabet=ALNUM),
        **fields,
    }
    twin["shared_invites"].put(key, row)
    return row


def _link(c: Context, row: Row) -> str:
    return f"https://join.slack.com/share/{row['id']}/{row['code']}"


def invite_shape(c: Context, row: Row) -> dict[str, Any]:
    """An invitation as events and lists show it."""
    outward = row["direction"] == "outgoing"
    other = c["external_teams"].get(row["team"])
    inviting = c.team if outward or other is None else other
    person = user_part(c, row["user"]) if outward else {"id": row["user"], "team_id": row["team"]}
    invite: dict[str, Any] = {
        "id": row["id"],
        "date_created": row["created"],
        "date_invalid": row["expires"],
        "inviting_team": _team(inviting),
        "inviting_user": person,
        "link": _link(c, row),
    }
    if row["email"]:
        invite["recipient_email"] = row["email"]
    if row["recipient"]:
        invite["recipient_user_id"] = row["recipient"]
    return invite


def _channel_part(row: Row) -> dict[str, Any]:
    return {
        "id": row["channel"],
        "is_im": False,
        "is_private": row["private"],
        "name": row["channel_name"],
    }


def tell(c: Context, what: str, row: Row, **more: Any) -> None:
    """Tell apps of an invitation."""
    event = {"type": f"shared_channel_invite_{what}", "invite": invite_shape(c, row)}
    events.notify(c.twin, {**event, "channel": _channel_part(row), **more})


def connected(c: Context, channel: Row, team: str) -> Row:
    """The channel, shared with another organisation from now on."""
    teams = [*channel.get("connected", ()), *([team] if team else ())]
    row = update(c.twin, "channels", channel["id"], connected=list(dict.fromkeys(teams)))
    event = {"type": "channel_shared", "connected_team_id": team, "channel": row["id"]}
    events.notify(c.twin, event, row)
    return row


def _invite(c: Context, direction: str = "") -> Row:
    row = c["shared_invites"].get(c.args.need("invite_id", "invite_not_found"))
    if row is None or (direction and row["direction"] != direction):
        raise SlackError("invite_not_found")
    return row


@method("conversations.inviteShared", WRITE)
def invite_shared(c: Context) -> dict[str, Any]:
    """Invite somebody of another organisation into a channel."""
    channel = channel_for(c)
    if channel["kind"] != "channel":
        raise SlackError("invalid_channel_type")
    if channel["archived"]:
        raise SlackError("channel_archived")
    if channel["general"]:
        raise SlackError("cannot_share_mandatory_channel")
    if not is_member(c.twin, channel["id"], c.user):
        raise SlackError("not_in_channel")
    emails, users = c.args.items("emails"), c.args.items("user_ids")
    if not emails and not users:
        raise SlackError("recipients_not_specified" if c.is_bot else "invalid_arguments")
    if len(emails) + len(users) > 1:
        raise SlackError("too_many_emails")
    if emails and ("@" not in emails[0] or emails[0].startswith("@")):
        raise SlackError("invalid_email")
    if users and users[0] not in c["users"]:
        raise SlackError("user_not_found")
    if users and is_member(c.twin, channel["id"], users[0]):
        raise SlackError("already_in_channel")
    row = invite_row(
        c.twin,
        "outgoing",
        channel,
        user=c.user,
        email=emails[0] if emails else "",
        recipient=users[0] if users else "",
        limited=c.args.flag("external_limited", True),
    )
    answer = {"invite_id": row["id"], "is_legacy_shared_channel": False}
    if emails:
        return {**answer, "conf_code": row["code"][:8], "url": _link(c, row)}
    return answer


@method("conversations.acceptSharedInvite", WRITE)
def accept_shared(c: Context) -> dict[str, Any]:
    """Take another organisation's channel in, under a name of one's own."""
    name = c.args.need("channel_name", "invalid_name_required")
    if "invite_id" not in c.args and "channel_id" not in c.args:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: invite_id")
    if "invite_id" in c.args:
        row = _invite(c)
    else:
        wanted = c.args.text("channel_id")
        rows = [r for r in c["shared_invites"].rows() if r.get("remote_channel") == wanted]
        if not rows:
            raise SlackError("invite_not_found")
        row = rows[-1]
    if row["direction"] == "outgoing":
        raise SlackError("invite_from_same_org")
    if row["status"] in ("accepted", "approved"):
        raise SlackError("invite_used")
    if row["status"] != "pending" or row["expires"] < c.now:
        raise SlackError("invalid_link")
    check_name(name)
    if channel_of(c.twin, name) is not None:
        raise SlackError("name_taken")
    private = c.args.flag("is_private")
    channel = create_channel(c.twin, name, c.user, private=private)
    add_member(c.twin, channel, c.user)
    channel = connected(c, c["channels"][channel["id"]], row["team"])
    changes = {"status": "accepted", "updated": c.now, "channel": channel["id"]}
    row = update(c.twin, "shared_invites", row["id"], **changes)
    tell(c, "accepted", row, accepting_user=user_part(c, c.user), approval_required=False)
    return {
        "implicit_approval": True,
        "channel_id": channel["id"],
        "invite_id": row["id"],
        "can_open_scdm": True,
    }


@method("conversations.approveSharedInvite", MANAGE)
def approve_shared(c: Context) -> dict[str, Any]:
    """Let an invitation take effect that the other side has accepted."""
    row = _invite(c)
    target = c.args.text("target_team")
    if row["direction"] == "outgoing" and not target:
        raise SlackError("missing_target_team")
    if row["status"] == "approved":
        raise SlackError("already_approved")
    if row["status"] == "pending":
        raise SlackError("approval_not_found")
    if row["status"] != "accepted":
        raise SlackError("approval_inactive")
    if target and row["team"] and target != row["team"]:
        raise SlackError("approval_not_found")
    row = update(c.twin, "shared_invites", row["id"], status="approved", updated=c.now)
    channel = c["channels"].get(row["channel"])
    if channel is None:
        raise SlackError("channel_not_found")
    connected(c, channel, row["team"])
    tell(c, "approved", row, approving_team_id=c.team["id"], approving_user=user_part(c, c.user))
    return {}


@method("conversations.declineSharedInvite", MANAGE)
def decline_shared(c: Context) -> dict[str, Any]:
    """Let an invitation lead to nothing."""
    row = _invite(c)
    if row["direction"] == "outgoing" and "target_team" not in c.args:
        raise SlackError("missing_target_team")
    if row["status"] == "declined":
        raise SlackError("inactive_invite")
    if row["status"] == "approved":
        raise SlackError("approval_inactive")
    row = update(c.twin, "shared_invites", row["id"], status="declined", updated=c.now)
    person = user_part(c, c.user)
    tell(c, "declined", row, declining_team_id=c.team["id"], declining_user=person)
    return {}


@method("conversations.listConnectInvites", MANAGE)
def list_invites(c: Context) -> dict[str, Any]:
    """Invitations that not everybody has approved yet."""
    size = c.args.number("count")
    if size is not None and not 1 <= size <= 500:
        raise SlackError("invalid_arguments", "[ERROR] must be between 1 and 500: count")
    if c.args.text("team_id", c.team["id"]) != c.team["id"]:
        raise SlackError("invalid_arguments", "[ERROR] unknown team_id")
    rows = [row for row in c["shared_invites"].rows() if row["status"] in ("pending", "accepted")]
    if size is not None:
        c.args.values["limit"] = size
    page, metadata = c.page(rows, "connect_invite", default=100, largest=500)
    invites = []
    for row in page:
        shown = {
            "direction": row["direction"],
            "status": row["status"],
            "date_last_updated": row["updated"],
            "invite_type": "channel",
            "invite": invite_shape(c, row),
            "channel": _channel_part(row),
            "acceptances": [],
        }
        other = c["external_teams"].get(row["team"])
        if row["status"] == "accepted" and other is not None:
            acceptance = {"approval_status": "pending_approval", "date_accepted": row["updated"]}
            acceptance |= {"date_invalid": row["expires"], "accepting_team": _team(other)}
            shown["acceptances"] = [{**acceptance, "reviews": []}]
        invites.append(shown)
    return {"invites": invites, "response_metadata": metadata}


@method("conversations.externalInvitePermissions.set", MANAGE)
def set_permissions(c: Context) -> dict[str, Any]:
    """Whether people of another organisation may only post, or invite too."""
    channel = channel_for(c)
    action = c.args.need("action", "invalid_action")
    if action not in ("upgrade", "downgrade"):
        raise SlackError("invalid_action")
    team = c.args.need("target_team", "invalid_target_team")
    if team not in channel.get("connected", ()):
        raise SlackError("invalid_target_team")
    may = {**channel.get("may_invite", {}), team: action == "upgrade"}
    update(c.twin, "channels", channel["id"], may_invite=may)
    return {}


# -- other organisations


def _rooms(c: Context, team: str) -> dict[str, int]:
    rows = [row for row in c["channels"].rows() if team in row.get("connected", ())]
    return {
        "public_channel_count": sum(not row["private"] for row in rows),
        "private_channel_count": sum(bool(row["private"]) for row in rows),
        "im_channel_count": 0,
        "mpim_channel_count": 0,
    }


@method("team.externalTeams.list", "team:read", MANAGE)
def external_teams(c: Context) -> dict[str, Any]:
    """The organisations that Slack Connect leads to."""
    field, direction = c.args.text("sort_field", "team_name"), c.args.text("sort_direction", "asc")
    if field not in ("team_name", "last_active_timestamp", "connection_status"):
        message = "[ERROR] must be a valid enum value [json-pointer:/sort_field]"
        raise SlackError("invalid_arguments", message)
    if direction not in ("asc", "desc"):
        message = "[ERROR] must be a valid enum value [json-pointer:/sort_direction]"
        raise SlackError("invalid_arguments", message)
    if set(c.args.items("workspace_filter")) - {c.team["id"]}:
        raise SlackError("invalid_workspace_filter")
    status = c.args.text("connection_status_filter")
    found = [
        {
            "team_id": row["id"],
            "team_name": row["name"],
            "team_domain": row["domain"],
            **_rooms(c, row["id"]),
            "connected_workspaces": [
                {"workspace_id": c.team["id"], "workspace_name": c.team["name"]}
            ],
            "slack_connect_prefs": {},
            "connection_status": row["status"],
            "last_active_timestamp": row["created"],
            "is_sponsored": False,
        }
        for row in c["external_teams"].rows()
        if status in ("", row["status"])
    ]
    found.sort(key=lambda row: row[field], reverse=direction == "desc")
    rows = [{"n": n, "row": row} for n, row in enumerate(found, 1)]
    page, metadata = c.page(rows, "external_team", default=20, largest=25)
    answer = {"organizations": [item["row"] for item in page], "total_count": len(found)}
    return {**answer, "response_metadata": metadata}


@method("team.externalTeams.disconnect", MANAGE)
def disconnect(c: Context) -> dict[str, Any]:
    """Share nothing with another organisation any more."""
    team = c.args.need("target_team", "missing_argument")
    row = c["external_teams"].get(team)
    if row is None or row["status"] == "DISCONNECTED":
        raise SlackError("invalid_target_team")
    c["external_teams"].put(team, {**row, "status": "DISCONNECTED"})
    for channel in list(c["channels"].rows()):
        if team in channel.get("connected", ()):
            left = [key for key in channel["connected"] if key != team]
            room = update(c.twin, "channels", channel["id"], connected=left)
            event = {"type": "channel_unshared", "channel": room["id"]}
            event |= {"previously_connected_team_id": team, "is_ext_shared": bool(left)}
            events.notify(c.twin, event, room)
    return {"job_enqueued": True}
