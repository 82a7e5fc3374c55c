"""The tables of a workspace and the rows a named seed starts with.

==============  ===================  ========================================================
table          key                 rows
==============  ===================  ========================================================
team           team id             the one workspace
users          user id             people, the bot user, Slackbot
bots           bot id              the app's bot
tokens         token               who it acts as, its scopes
channels       conversation id     channels, direct and group messages
members        (channel, user)     who is in what; ``n`` orders them
messages       (channel, ts)       messages, replies and system messages
pins           (channel, ts)       pinned messages
scheduled      scheduled id        messages to be posted when the clock gets there
usergroups     user group id       with their users
reminders      reminder id
files          file id             with their content
uploads        upload id           announced, not yet completed files
views          view id             modals and home tabs
bookmarks      bookmark id
apps           app id              settings (a manifest) and credentials
authorizations event context       on whose behalf an event was sent
triggers       trigger id          what a person did that allows opening a modal
tickets        ticket              connections of Socket Mode that may be opened
responses      path                response URLs and how often they were used
ephemerals     (channel, ts, user) messages one person sees
interactions   interaction id      what a person did and what the app answered
grants         code                OAuth codes not yet exchanged
refreshes      refresh token       whose access they renew
webhooks       path                incoming webhooks
stars          (user, item)        saved items
dnd            user id             do not disturb
calls          call id
canvases       canvas id
lists          list id
list_items     (list, item)
remote_files   file id             files kept elsewhere
shared_invites invite id           invitations from and to other workspaces
jobs           job id              exports of lists
rtm            channel             open sessions of the Real Time Messaging API
dialogs        dialog id           forms shown to people
external_teams team id             other organisations that Slack Connect leads to
connect_requests invite id         requests to invite somebody from outside
executions     execution id        runs of the app's workflow functions
featured       channel             workflows shown in a channel
entities       trigger             what an app told of a work object
invite_requests request id         whom people want to have invited
roles          (role, user, where) who may do what
barriers       barrier id          groups that may not talk to one another
policies       (policy, user)      whose sign-in a policy rules
datastore      (app, store, id)    what apps keep in their datastores
emoji          name                custom emoji
assistants     (channel, thread)   status, title and prompts of assistant threads
access         (document, entity)  who may see a canvas or list
==============  ===================  ========================================================
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from factory_tui.universe import DIGITS, UPPER, IndexFn, Key, Person, Row, Seed, SeedTables

from .apps import app_row

__all__ = [
    "BOT_NAME",
    "BOT_SCOPES",
    "TABLES",
    "USER_SCOPES",
    "channel_row",
    "seed_tables",
    "user_row",
]


def _words(text: str) -> list[str]:
    return text.split()


TABLES: Final[Mapping[str, Mapping[str, IndexFn]]] = {
    "team": {},
    "users": {"email": lambda key, row: row["email"].lower()},
    "bots": {},
    "tokens": {},
    "channels": {
        "name": lambda key, row: row["name"],
        "with": lambda key, row: row.get("with", ""),
    },
    "members": {
        "channel": lambda key, row: row["channel"],
        "user": lambda key, row: row["user"],
    },
    "messages": {
        "channel": lambda key, row: row["channel"],
        "thread": lambda key, row: (row["channel"], row.get("thread_ts", "")),
    },
    "pins": {"channel": lambda key, row: row["channel"]},
    "scheduled": {},
    "usergroups": {"handle": lambda key, row: row["handle"]},
    "reminders": {},
    "files": {},
    "uploads": {},
    "views": {},
    "bookmarks": {"channel": lambda key, row: row["channel"]},
    "apps": {"client": lambda key, row: row["client_id"]},
    "authorizations": {},
    "triggers": {},
    "tickets": {},
    "responses": {},
    "ephemerals": {},
    "interactions": {},
    "grants": {},
    "refreshes": {},
    "webhooks": {},
    "stars": {},
    "dnd": {},
    "calls": {"external": lambda key, row: row["external_unique_id"]},
    "canvases": {},
    "lists": {},
    "list_items": {"list": lambda key, row: row["list_id"]},
    "remote_files": {"external": lambda key, row: row["external_id"]},
    "shared_invites": {},
    "jobs": {},
    "rtm": {},
    "dialogs": {},
    "external_teams": {},
    "connect_requests": {},
    "executions": {},
    "featured": {},
    "entities": {},
    "invite_requests": {},
    "roles": {},
    "barriers": {},
    "policies": {},
    "datastore": {},
    "emoji": {},
    "assistants": {},
    "access": {"document": lambda key, row: row["document"]},
}

BOT_NAME: Final = "automation"

BOT_SCOPES: Final = _words(
    "app_mentions:read bookmarks:read bookmarks:write channels:history channels:join "
    "channels:manage channels:read channels:write.invites channels:write.topic chat:write "
    "chat:write.customize chat:write.public emoji:read files:read files:write groups:history "
    "groups:read groups:write groups:write.invites groups:write.topic im:history im:read "
    "im:write links:read links:write mpim:history mpim:read mpim:write pins:read pins:write "
    "reactions:read reactions:write reminders:read reminders:write team:read usergroups:read "
    "usergroups:write users.profile:read users:read users:read.email users:write"
)

USER_SCOPES: Final = _words(
    "channels:history channels:read channels:write chat:write emoji:read files:read "
    "files:write groups:history groups:read groups:write im:history im:read im:write "
    "mpim:history mpim:read mpim:write pins:read pins:write reactions:read reactions:write "
    "reminders:read reminders:write search:read stars:read stars:write team:read "
    "usergroups:read usergroups:write users.profile:read users.profile:write users:read "
    "users:read.email users:write"
)

_COLORS: Final = ("9f69e7", "4bbe2e", "e7392d", "3c989f", "674b1b", "e96699", "e0a729", "684b6c")


def seed_tables(seed: Seed) -> SeedTables:
    """A workspace for the seed's organisation, with the automation's bot in every channel."""
    ids = seed.ids
    created = int(datetime.fromisoformat(seed.epoch).timestamp())
    team = ids.mint("team", 10, prefix="T", alphabet=UPPER)
    users: dict[Key, Row] = {}
    for person in seed.org.people:
        key = ids.mint("user", 10, prefix="U", alphabet=UPPER)
        users[key] = user_row(key, len(users) + 1, person, created)
        if person.standing in ("left", "suspended"):
            users[key]["deleted"] = True
    owner = next(iter(users), "")
    if owner:
        users[owner] |= {"admin": True, "owner": True}
    bot = ids.mint("user", 10, prefix="U", alphabet=UPPER)
    bot_id = ids.mint("bot", 10, prefix="B", alphabet=UPPER)
    app_id = ids.mint("app", 10, prefix="A", alphabet=UPPER)
    users["USLACKBOT"] = _bot_row("USLACKBOT", len(users) + 1, "slackbot", "Slackbot", 0)
    users[bot] = _bot_row(bot, len(users) + 1, BOT_NAME, "Acme Automation", created)
    users[bot] |= {"bot_id": bot_id, "app_id": app_id}
    tables: SeedTables = {
        "team": {team: {"id": team, "name": "Acme", "domain": "acme", "created": created}},
        "users": users,
        "bots": {
            bot_id: {
                "id": bot_id,
                "app_id": app_id,
                "user_id": bot,
                "name": "Acme Automation",
                "deleted": False,
                "updated": created,
            }
        },
        "tokens": _tokens(seed, bot, str(owner)),
        "apps": {
            app_id: app_row(
                ids,
                app_id,
                "Acme Automation",
                created=created,
                bot_user=bot,
                bot_id=bot_id,
                installer=str(owner),
                scopes=BOT_SCOPES,
            )
        },
        "channels": {},
        "members": {},
        "usergroups": {},
    }
    _seed_channels(seed, tables, bot, created)
    return tables


def _seed_channels(seed: Seed, tables: SeedTables, bot: str, created: int) -> None:
    """A channel for every group; where the organisation has circles, for those too.

    Accounts that are deactivated are in none. An organisation with circles has user groups.
    """
    active = {row["email"]: row["id"] for row in tables["users"].values() if not row["deleted"]}
    n = 0
    for group, emails in [*seed.org.groups.items(), *seed.org.circles.items()]:
        key = seed.ids.mint("channel", 10, prefix="C", alphabet=UPPER)
        name = "general" if group == "everyone" else group
        row = channel_row(key, len(tables["channels"]) + 1, name, bot, created)
        if name == "general":
            row["general"] = True
            row["purpose"]["value"] = "Company-wide announcements and work-based matters"
        row["private"] = group in seed.org.circles and group == "managers"
        tables["channels"][key] = row
        people = [active[email] for email in emails if email in active]
        for user in [bot, *people]:
            n += 1
            tables["members"][key, user] = {"channel": key, "user": user, "n": n}
        if seed.org.circles and group in seed.org.groups and group != "everyone":
            _seed_group(seed, tables, group, people, created)


def _seed_group(seed: Seed, tables: SeedTables, name: str, users: list[str], created: int) -> None:
    key = seed.ids.mint("usergroup", 10, prefix="S", alphabet=UPPER)
    owner = next(iter(tables["users"]))
    tables["usergroups"][key] = {
        "id": key,
        "name": name.replace("-", " ").capitalize(),
        "handle": name[:21],
        "description": f"Everybody in {name}",
        "channels": [],
        "users": users,
        "created": created,
        "created_by": owner,
        "deleted": 0,
        "updated": created,
        "updated_by": owner,
    }


def user_row(key: str, n: int, person: Person, created: int) -> Row:
    """A person's account."""
    return {
        "id": key,
        "n": n,
        "name": person.email.partition("@")[0].lower()[:21],
        "email": person.email,
        "first": person.first,
        "last": person.last,
        "display": "",
        "title": person.title,
        "phone": "",
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "deleted": False,
        "bot": False,
        "admin": False,
        "owner": False,
        "presence": "auto",
        "color": _COLORS[n % len(_COLORS)],
        "updated": created,
    }


def _bot_row(key: str, n: int, name: str, real_name: str, created: int) -> Row:
    row = user_row(key, n, Person(real_name, "", "", "", ""), created)
    return row | {"name": name, "bot": True}


def channel_row(key: str, n: int, name: str, creator: str, created: int) -> Row:
    """A public channel nobody is in."""
    blank = {"value": "", "creator": "", "last_set": 0}
    return {
        "id": key,
        "n": n,
        "name": name,
        "kind": "channel",
        "private": False,
        "archived": False,
        "general": False,
        "created": created,
        "updated": created * 1000,
        "creator": creator,
        "topic": dict(blank),
        "purpose": dict(blank),
        "previous_names": [],
    }


def _tokens(seed: Seed, bot: str, owner: str) -> dict[Key, Row]:
    ids = seed.ids
    numbers = ids.mint("token", 12, alphabet=DIGITS), ids.mint("token", 13, alphabet=DIGITS)
    stem = "-".join(numbers)
    wanted: list[tuple[str, str, str, list[str]]] = [
        ("bot", "xoxb", bot, BOT_SCOPES),
        ("app", "xapp-1", bot, ["connections:write"]),
    ]
    if owner:
        wanted.append(("user", "xoxp", owner, USER_SCOPES))
    tokens: dict[Key, Row] = {}
    for kind, prefix, user, scopes in wanted:
        token = ids.mint("token", 24, prefix=f"{prefix}-{stem}-")
        row: dict[str, Any] = {"token": token, "kind": kind, "user": user, "revoked": False}
        tokens[token] = row | {"scopes": list(scopes)}
    return tokens
