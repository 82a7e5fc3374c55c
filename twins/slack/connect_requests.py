"""conversations.requestSharedInvite.*, and what people elsewhere do about invitations."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import UPPER, ApplyError, Call, Request, Row, Twin

from . import events
from .apps import main_app
from .body import Arguments
from .connect import FORTNIGHT, MANAGE, MAX_MESSAGE, icon, invite_row, tell, user_part
from .errors import SlackError
from .method import Context, method
from .state import channel_of, count, update, user_named

__all__ = ["OPS"]


def _shape(c: Context, row: Row) -> dict[str, Any]:
    team = c.team
    shown: dict[str, Any] = {
        "id": row["id"],
        "date_created": row["created"],
        "date_last_updated": row["updated"],
        "expires_at": row["expires"],
        "inviting_team": {
            "id": team["id"],
            "name": team["name"],
            "icon": icon(),
            "avatar_base_url": "https://ca.slack-edge.com/",
            "is_verified": False,
            "domain": team["domain"],
            "date_created": team["created"],
            "requires_sponsorship": False,
        },
        "inviting_user": user_part(c, row["user"]),
        "is_external_limited": row["limited"],
        "target_user": {"recipient_email": row["email"]},
    }
    channel = c["channels"].get(row["channel"])
    if channel is not None:
        shown["channel"] = {
            "id": channel["id"],
            "is_im": False,
            "is_private": channel["private"],
            "date_created": channel["created"],
            "name": channel["name"],
            "connections": [],
            "pending_connections": [],
            "previous_connections": [],
        }
    if row["status"] == "denied":
        shown["date_denied"] = row["updated"]
    if row["status"] == "approved":
        shown["date_approved"] = row["updated"]
    if row["reviewer"]:
        shown["reviewing_user"] = user_part(c, row["reviewer"])
    return shown


@method("conversations.requestSharedInvite.list", MANAGE)
def list_requests(c: Context) -> dict[str, Any]:
    """Requests to let somebody from outside in; the settled ones only if asked for."""
    wanted = set(c.args.items("invite_ids"))
    user = c.args.text("user_id")

    def fits(row: Row) -> bool:
        expired = row["status"] == "pending" and row["expires"] < c.now
        state = "expired" if expired else row["status"]
        shown = state == "pending" or c.args.flag(f"include_{state}")
        return shown and (not wanted or row["id"] in wanted) and user in ("", row["user"])

    rows = [row for row in c["connect_requests"].rows() if fits(row)]
    page, metadata = c.page(rows, "id", default=200, limit_error="invalid_arguments")
    return {"invite_requests": [_shape(c, row) for row in page], "response_metadata": metadata}


def _request(c: Context) -> Row:
    row = c["connect_requests"].get(c.args.need("invite_id", "invite_not_found"))
    if row is None:
        raise SlackError("invite_not_found")
    if row["status"] == "approved":
        raise SlackError("invite_already_approved")
    if row["status"] == "denied":
        raise SlackError("invite_already_denied")
    if row["expires"] < c.now:
        raise SlackError("invite_expired")
    return row


@method("conversations.requestSharedInvite.approve", MANAGE)
def approve_request(c: Context) -> dict[str, Any]:
    """Send the invitation that somebody asked for."""
    row = _request(c)
    message = c.args.json("message", "invalid_arguments")
    if message is not None:
        fine = isinstance(message, dict) and isinstance(message.get("text"), str)
        if not fine or not isinstance(message.get("is_override"), bool):
            raise SlackError("invalid_arguments", "[ERROR] missing required field: text")
        kept = "" if message["is_override"] else row["message"]
        if len(message["text"]) + len(kept) > MAX_MESSAGE:
            raise SlackError("message_too_long")
    channel = c["channels"].get(c.args.text("channel_id") or row["channel"])
    if channel is None:
        raise SlackError("channel_not_found")
    limited = c.args.flag("is_external_limited", row["limited"])
    sent = invite_row(
        c.twin, "outgoing", channel, user=row["user"], email=row["email"], limited=limited
    )
    update(
        c.twin,
        "connect_requests",
        row["id"],
        status="approved",
        updated=c.now,
        reviewer=c.user,
    )
    return {"invite_id": sent["id"]}


@method("conversations.requestSharedInvite.deny", MANAGE)
def deny_request(c: Context) -> dict[str, Any]:
    """Send no invitation."""
    row = _request(c)
    if len(c.args.text("message")) > MAX_MESSAGE:
        raise SlackError("message_too_long")
    changes = {"status": "denied", "updated": c.now, "reviewer": c.user}
    update(c.twin, "connect_requests", row["id"], **changes)
    return {"invite_id": row["id"]}


# -- what happens elsewhere


def _context(twin: Twin, user: str) -> Context:
    token = {"token": "", "kind": "user", "user": user, "scopes": []}
    return Context(Call(twin, Request("POST", "/")), Arguments({}), token)


def _other_team(twin: Twin, args: dict[str, Any]) -> Row:
    """The other organisation ``team`` names; a new one where there is none of that name."""
    name = str(args.get("team", "Globex"))
    for row in twin["external_teams"].rows():
        if name in (row["id"], row["name"]):
            return row
    key = twin.ids.mint("team", 10, prefix="T", alphabet=UPPER)
    row = {
        "id": key,
        "name": name,
        "domain": "".join(letter for letter in name.lower() if letter.isalnum()),
        "created": twin.clock.epoch(),
        "status": "CONNECTED",
    }
    twin["external_teams"].put(key, row)
    return row


def connect_invite(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Another organisation invites: ``{team?, channel, user?}`` (user: who gets it)."""
    team = _other_team(twin, args)
    user = user_named(twin, str(args["user"])) if args.get("user") else None
    recipient = user["id"] if user else main_app(twin)["bot_user"]
    foreign = twin.ids.mint("user", 10, prefix="U", alphabet=UPPER)
    remote = twin.ids.mint("channel", 10, prefix="C", alphabet=UPPER)
    row = invite_row(
        twin,
        "incoming",
        str(args["channel"]).lstrip("#"),
        team=team["id"],
        user=foreign,
        recipient=recipient,
        email=user["email"] if user else "",
        remote_channel=remote,
    )
    tell(_context(twin, recipient), "received", row)
    return {"invite": row["id"], "team": team["id"], "channel": remote}


def connect_accept(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """The other side accepts an invitation of ours: ``{invite, team?}``; it awaits approval."""
    row = twin["shared_invites"].get(str(args["invite"]))
    if row is None or row["direction"] != "outgoing" or row["status"] != "pending":
        raise ApplyError(f"slack: {args['invite']} is no invitation that can be accepted")
    team = _other_team(twin, args)
    changes = {"status": "accepted", "team": team["id"], "updated": twin.clock.epoch()}
    row = update(twin, "shared_invites", row["id"], **changes)
    c = _context(twin, row["user"])
    foreign = {"id": twin.ids.mint("user", 10, prefix="U", alphabet=UPPER), "team_id": team["id"]}
    tell(c, "accepted", row, accepting_user=foreign, approval_required=True)
    return {"team": team["id"]}


def connect_request(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody asks to invite from outside: ``{user, channel, email, message?}``."""
    person, room = user_named(twin, str(args["user"])), channel_of(twin, str(args["channel"]))
    if person is None or room is None:
        raise ApplyError(f"slack has no {args['channel'] if person else args['user']}")
    now = twin.clock.epoch()
    key = twin.ids.mint("shared invite", 10, prefix="I", alphabet=UPPER)
    row: Row = {
        "id": key,
        "n": count(twin, "n"),
        "user": person["id"],
        "channel": room["id"],
        "email": str(args["email"]),
        "message": str(args.get("message", "")),
        "created": now,
        "updated": now,
        "expires": now + FORTNIGHT,
        "status": "pending",
        "limited": True,
        "reviewer": "",
    }
    twin["connect_requests"].put(key, row)
    c = _context(twin, person["id"])
    shown = _shape(c, row)
    events.notify(
        twin,
        {
            "type": "shared_channel_invite_requested",
            "actor": shown["inviting_user"],
            "channel_id": room["id"],
            "event_type": "slack#/events/shared_channel_invite_requested",
            "channel_name": room["name"],
            "channel_type": "private" if room["private"] else "public",
            "target_users": [{"email": row["email"], "invite_id": key}],
            "teams_in_channel": [],
            "is_external_limited": True,
            "channel_date_created": room["created"],
            "channel_message_latest_counted_timestamp": 0,
        },
    )
    return {"invite": key}


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    function.__name__: function for function in (connect_invite, connect_accept, connect_request)
}
