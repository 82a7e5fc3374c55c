"""What scenarios do to a workspace (operations) and see of it (views).

A user is named by email, a channel by name (with or without ``#``).
"""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import DIGITS, ApplyError, Call, Request, Row, Twin

from . import events
from .apps import ALL_SCOPES
from .body import Arguments
from .method import Context
from .shapes import user_shape
from .state import (
    add_user,
    channel_of,
    create_channel,
    is_member,
    member_ids,
    post,
    put_member,
    remove_member,
    unescape,
    update,
    user_named,
)

__all__ = ["OPS", "view"]


def _bot(twin: Twin) -> Row:
    return next(row for row in twin["users"].rows() if row.get("bot_id"))


def _user(twin: Twin, email: str) -> Row:
    row = user_named(twin, email)
    if row is None:
        raise ApplyError(f"slack has no account for {email}")
    return row


def _channel(twin: Twin, args: dict[str, Any], name: str = "channel") -> Row:
    row = channel_of(twin, str(args[name]))
    if row is None:
        raise ApplyError(f"slack has no channel {args[name]}")
    return row


def _emails(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ApplyError("a list of email addresses is needed")
    return [str(item) for item in value]


def _join(twin: Twin, channel: Row, emails: list[str]) -> None:
    for email in emails:
        user = _user(twin, email)["id"]
        if not is_member(twin, channel["id"], user):
            put_member(twin, channel["id"], user)
            events.moved(twin, channel, user, joined=True)


def _changed(twin: Twin, row: Row, what: str) -> None:
    if events.listening(twin):
        shown = user_shape(Context(Call(twin, Request("GET", "/")), Arguments({}), None), row)
        events.notify(twin, {"type": what, "user": shown, "cache_ts": twin.clock.epoch()})


def add_users(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Accounts for ``{as?, first, last, email}`` each; they join #general."""
    entities: dict[str, dict[str, str]] = {}
    for entry in args if isinstance(args, list) else [args]:
        first, last, email = str(entry["first"]), str(entry["last"]), str(entry["email"])
        if user_named(twin, email) is not None:
            raise ApplyError(f"slack already has an account for {email}")
        row = add_user(twin, first, last, email)
        _changed(twin, row, "team_join")
        general = channel_of(twin, "general")
        if general is not None:
            put_member(twin, general["id"], row["id"])
            events.moved(twin, general, row["id"], joined=True)
        entities[str(entry.get("as", email))] = {
            "id": row["id"],
            "email": email,
            "first": first,
            "last": last,
            "name": f"{first} {last}",
        }
    return entities


def remove_users(twin: Twin, args: Any) -> None:
    """The account was never there: it, its memberships and its messages vanish."""
    for email in _emails(args):
        user = _user(twin, email)["id"]
        for key in twin["members"].find("user", user):
            twin["members"].delete(key)
        for key, row in list(twin["messages"].items()):
            if row["user"] == user:
                twin["messages"].delete(key)
        twin["users"].delete(user)


def deactivate_users(twin: Twin, args: Any) -> None:
    """The account is deactivated, which takes it out of every channel."""
    for email in _emails(args):
        user = _user(twin, email)["id"]
        row = update(twin, "users", user, deleted=True, updated=twin.clock.epoch())
        for key in twin["members"].find("user", user):
            twin["members"].delete(key)
        _changed(twin, row, "user_change")


def add_channels(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Channels ``{as?, name, private?, members}`` with the bot in them (``bot: false``: not)."""
    entities: dict[str, dict[str, str]] = {}
    for entry in args if isinstance(args, list) else [args]:
        name = str(entry["name"]).removeprefix("#")
        bot = _bot(twin)["id"]
        row = create_channel(twin, name, bot, private=bool(entry.get("private", False)))
        if entry.get("bot", True):
            put_member(twin, row["id"], bot)
        _join(twin, row, _emails(entry.get("members", [])))
        entities[str(entry.get("as", name))] = {"id": row["id"], "name": name}
    return entities


def set_channel(twin: Twin, args: dict[str, Any]) -> None:
    """Exactly these people are members (bots stay)."""
    channel = _channel(twin, args, "name")
    wanted = {_user(twin, email)["id"] for email in _emails(args["members"])}
    for user in member_ids(twin, channel["id"]):
        if user not in wanted and not twin["users"][user]["bot"]:
            twin["members"].delete((channel["id"], user))
            events.moved(twin, channel, user, joined=False)
    _join(twin, channel, _emails(args["members"]))


def add_to_channel(twin: Twin, args: dict[str, Any]) -> None:
    """These people are members too."""
    _join(twin, _channel(twin, args), _emails(args["users"]))


def remove_from_channel(twin: Twin, args: dict[str, Any]) -> None:
    """These people are no longer members."""
    channel = _channel(twin, args)
    for email in _emails(args["users"]):
        user = _user(twin, email)["id"]
        if is_member(twin, channel["id"], user):
            remove_member(twin, channel, user)


def archive_channel(twin: Twin, args: dict[str, Any]) -> None:
    """The channel is archived."""
    row = update(twin, "channels", _channel(twin, args, "name")["id"], archived=True)
    events.channel_told(twin, "archive", row, _bot(twin)["id"])


def post_message(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody says something: ``{channel, user, text}``."""
    channel = _channel(twin, args)
    row = post(twin, channel["id"], _user(twin, str(args["user"]))["id"], str(args["text"]))
    return {"ts": row["ts"], "channel": channel["id"]}


def set_token(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """The bot's token is limited to ``scopes`` (a list) or ``revoked``."""
    row = next(row for row in twin["tokens"].rows() if row["kind"] == "bot")
    scopes: list[str] = list(args.get("scopes") or row["scopes"])
    unknown = set(scopes) - ALL_SCOPES
    if unknown:
        raise ApplyError(f"slack has no bot scope {min(unknown)}")
    revoked = bool(args.get("revoked", row["revoked"]))
    update(twin, "tokens", row["token"], scopes=scopes, revoked=revoked)
    return {"token": row["token"]}


def add_token(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Another token: ``{user?: email, scopes: [...]}``; without a user it is the bot's."""
    user = _user(twin, str(args["user"])) if args.get("user") else _bot(twin)
    kind = "bot" if user["bot"] else "user"
    number = twin.ids.mint("token", 12, alphabet=DIGITS)
    prefix = "xoxb" if kind == "bot" else "xoxp"
    token = twin.ids.mint("token", 24, prefix=f"{prefix}-{number}-")
    row = {"token": token, "kind": kind, "user": user["id"], "revoked": False}
    twin["tokens"].put(token, row | {"scopes": [str(scope) for scope in args["scopes"]]})
    return {"token": token}


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    function.__name__: function
    for function in (
        add_users,
        remove_users,
        deactivate_users,
        add_channels,
        set_channel,
        add_to_channel,
        remove_from_channel,
        archive_channel,
        post_message,
        set_token,
        add_token,
    )
}


def view(twin: Twin) -> dict[str, list[Row]]:
    """People, channels (without direct messages) and what was said, in words."""
    accounts = {row["id"]: row for row in twin["users"].rows()}
    channels = {row["id"]: row for row in twin["channels"].rows()}
    users = [
        {
            "id": row["id"],
            "name": f"{row['first']} {row['last']}".strip(),
            "email": row["email"],
            "deleted": row["deleted"],
        }
        for row in accounts.values()
        if not row["bot"]
    ]
    rooms = [
        {
            "id": row["id"],
            "name": row["name"],
            "private": row["private"],
            "archived": row["archived"],
            "members": [
                accounts[user]["email"]
                for user in member_ids(twin, row["id"])
                if user in accounts and not accounts[user]["bot"]
            ],
        }
        for row in channels.values()
        if row["kind"] == "channel"
    ]
    messages = [
        {
            "channel": _place(row["channel"], channels, accounts),
            "user": _author(row["user"], accounts),
            "text": unescape(row["text"]),
            "ts": row["ts"],
        }
        for row in sorted(twin["messages"].rows(), key=lambda row: str(row["ts"]))
        if not str(row.get("subtype", "")).startswith(("channel_", "group_", "tombstone"))
    ]
    seen = {"users": users, "channels": rooms, "messages": messages}
    return seen | _shown_to_one(twin, channels, accounts)


def _shown_to_one(
    twin: Twin, channels: dict[str, Row], accounts: dict[str, Row]
) -> dict[str, list[Row]]:
    """What only one person sees; left out where there is none of it."""
    ephemerals = [
        {
            "channel": _place(row["channel"], channels, accounts),
            "to": _author(row["to"], accounts),
            "text": unescape(row["text"]),
            "ts": row["ts"],
        }
        for row in twin["ephemerals"].rows()
    ]
    modals = [
        {
            "id": row["id"],
            "user": _author(row["user"], accounts),
            "title": (row["view"].get("title") or {}).get("text", ""),
            "callback_id": row["view"]["callback_id"],
            "open": not row["closed"],
            "errors": dict(row["errors"]),
        }
        for row in twin["views"].rows()
        if row["view"]["type"] == "modal"
    ]
    interactions = [
        {
            "id": row["id"],
            "what": row["what"],
            "user": _author(row["user"], accounts),
            "state": row["state"],
            "error": row["error"],
            "answer": row["answer"],
        }
        for row in twin["interactions"].rows()
    ]
    found = {"ephemerals": ephemerals, "modals": modals, "interactions": interactions}
    return {name: rows for name, rows in found.items() if rows}


def _author(user: str, accounts: dict[str, Row]) -> str:
    row = accounts.get(user)
    if row is None:
        return user
    return str(row["name"] if row["bot"] else row["email"])


def _place(channel: str, channels: dict[str, Row], accounts: dict[str, Row]) -> str:
    row = channels[channel]
    if row["kind"] != "im":
        return str(row["name"])
    people = [user for user in row["with"].split(",") if not accounts.get(user, {}).get("bot")]
    return "@" + ",".join(_author(user, accounts) for user in people)
