"""Apps: what one is set to be told of and asked for, its credentials and its tokens.

An app's settings are a manifest, as Slack describes them; what events need of it is kept beside
it in the row (``bot_events``, ``urls``), so that a message costs no walk through a document.
"""

from collections.abc import Iterable
from typing import Any, Final

from factory_tui.universe import ALNUM, DIGITS, HEX, Ids, Row, Table, Twin

__all__ = [
    "ADMIN_SCOPES",
    "ALL_SCOPES",
    "USER_ONLY_SCOPES",
    "app_of",
    "app_row",
    "app_token",
    "base_url",
    "bot_token",
    "credentials",
    "grant",
    "hooks_url",
    "lack_base",
    "main_app",
    "note_base",
    "set_manifest",
]

_EVERY: Final = (
    "app_configurations:read app_configurations:write app_mentions:read assistant:write "
    "authorizations:read bookmarks:read bookmarks:write calls:read calls:write canvases:read "
    "canvases:write channels:history channels:join channels:manage channels:read channels:write "
    "channels:write.invites channels:write.topic chat:write chat:write.customize "
    "chat:write.public commands connections:write conversations.connect:manage "
    "conversations.connect:read conversations.connect:write dnd:read dnd:write email emoji:read "
    "files:read files:write groups:history groups:read groups:write groups:write.invites "
    "groups:write.topic identity.avatar identity.basic identity.email identity.team im:history "
    "im:read im:write im:write.topic incoming-webhook links:read links:write lists:read "
    "lists:write metadata.message:read mpim:history mpim:read mpim:write mpim:write.topic openid "
    "pins:read pins:write profile reactions:read reactions:write reminders:read reminders:write "
    "remote_files:read remote_files:share remote_files:write search:read search:read.files "
    "search:read.public search:read.private stars:read stars:write team.billing:read "
    "team.preferences:read team:read tokens.basic usergroups:read usergroups:write "
    "users.profile:read users.profile:write users:read users:read.email users:write admin"
)
_FURTHER: Final = (
    "channels:join datastore:read datastore:write rtm:stream triggers:read triggers:write "
    "workflows.templates:read workflows.templates:write"
)
_ADMIN: Final = (
    "admin.analytics:read admin.app_activities:read admin.apps:read admin.apps:write "
    "admin.barriers:read admin.barriers:write admin.chat:read admin.chat:write "
    "admin.conversations:read admin.conversations:write admin.conversations:manage_objects "
    "admin.invites:read admin.invites:write admin.roles:read admin.roles:write admin.teams:read "
    "admin.teams:write admin.usergroups:read admin.usergroups:write admin.users:read "
    "admin.users:write admin.workflows:read admin.workflows:write auditlogs:read"
)
ADMIN_SCOPES: Final = frozenset(_ADMIN.split())
"""Scopes of ``admin.*`` and the audit logs, which only a person's token carries."""
_USER_ONLY: Final = (
    "admin identity.avatar identity.basic identity.email identity.team openid email profile "
    "reminders:read reminders:write search:read stars:read stars:write users.profile:write "
    "app_configurations:read app_configurations:write channels:write connections:write "
    "authorizations:read"
)
USER_ONLY_SCOPES: Final = frozenset(_USER_ONLY.split())
"""Scopes outside ``admin.*`` that a bot's token does not carry."""
ALL_SCOPES: Final = frozenset([*_EVERY.split(), *_FURTHER.split(), *ADMIN_SCOPES])
"""Scopes that a token may carry."""


def app_row(
    ids: Ids,
    key: str,
    name: str,
    *,
    created: int,
    bot_user: str = "",
    bot_id: str = "",
    installer: str = "",
    scopes: Iterable[str] = (),
) -> Row:
    """An app with fresh credentials that is told of nothing yet."""
    secret = {
        what: ids.mint(what, 32, alphabet=HEX) for what in ("client secret", "signing secret")
    }
    numbers = [ids.mint("client id", 12, alphabet=DIGITS) for _ in range(2)]
    manifest = {
        "display_information": {"name": name},
        "features": {"bot_user": {"display_name": name, "always_online": False}},
        "oauth_config": {"scopes": {"bot": list(scopes)}, "redirect_urls": []},
        "settings": {"socket_mode_enabled": False, "token_rotation_enabled": False},
    }
    row = {
        "id": key,
        "name": name,
        "client_id": ".".join(numbers),
        "client_secret": secret["client secret"],
        "signing_secret": secret["signing secret"],
        "verification_token": ids.mint("verification", 24, alphabet=ALNUM),
        "bot_user": bot_user,
        "bot_id": bot_id,
        "installer": installer,
        "created": created,
        "verified": True,
        "base_url": "",
    }
    return set_manifest(row, manifest)


def set_manifest(row: Row, manifest: dict[str, Any]) -> Row:
    """The row with another (valid) manifest and what events need of it."""
    settings = manifest.get("settings") or {}
    events = settings.get("event_subscriptions") or {}
    interactivity = settings.get("interactivity") or {}
    features = manifest.get("features") or {}
    return {
        **row,
        "manifest": manifest,
        "name": manifest["display_information"]["name"],
        "socket": bool(settings.get("socket_mode_enabled")),
        "rotates": bool(settings.get("token_rotation_enabled")),
        "bot_events": list(events.get("bot_events") or ()),
        "user_events": list(events.get("user_events") or ()),
        "domains": list(features.get("unfurl_domains") or ()),
        "urls": {
            "events_api": events.get("request_url") or "",
            "interactive": interactivity.get("request_url") or "",
            "options": interactivity.get("message_menu_options_url") or "",
        },
        "commands": {
            item["command"]: item.get("url") or "" for item in features.get("slash_commands") or ()
        },
        "shortcuts": {
            item["callback_id"]: item.get("type") or "global"
            for item in features.get("shortcuts") or ()
        },
    }


def main_app(twin: Twin) -> Row:
    """The workspace's first app, whose bot is in every channel."""
    return next(twin["apps"].rows())


def app_of(twin: Twin, token: Row | None) -> Row:
    """The app a token belongs to."""
    found = twin["apps"].get(token.get("app", "")) if token else None
    return found or main_app(twin)


def _token(twin: Twin, app: Row, kind: str) -> Row | None:
    first = main_app(twin)["id"]
    return next(
        (
            row
            for row in twin["tokens"].rows()
            if row["kind"] == kind and row.get("app", first) == app["id"] and not row["revoked"]
        ),
        None,
    )


def bot_token(twin: Twin, app: Row) -> Row | None:
    """The valid token of the app's bot, if there is one."""
    return _token(twin, app, "bot")


def app_token(twin: Twin, app: Row) -> str:
    """The app-level token for Socket Mode, made when there is none."""
    row = _token(twin, app, "app")
    if row is None:
        number = twin.ids.mint("token", 12, alphabet=DIGITS)
        token = twin.ids.mint("token", 24, prefix=f"xapp-1-{app['id']}-{number}-")
        row = {"token": token, "kind": "app", "user": app["bot_user"], "revoked": False}
        row |= {"scopes": ["connections:write", "authorizations:read"], "app": app["id"]}
        twin["tokens"].put(token, row)
    return str(row["token"])


def grant(twin: Twin, app: Row, scopes: Iterable[str]) -> None:
    """Add scopes to the token of the app's bot, as installing the app again does."""
    row = bot_token(twin, app)
    more = [scope for scope in scopes if row is not None and scope not in row["scopes"]]
    if row is not None and more:
        twin["tokens"].put(row["token"], {**row, "scopes": [*row["scopes"], *more]})


def credentials(twin: Twin, app: Row) -> dict[str, str]:
    """Everything a program needs to act as the app."""
    bot = bot_token(twin, app)
    return {
        "app_id": app["id"],
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "signing_secret": app["signing_secret"],
        "verification_token": app["verification_token"],
        "app_token": app_token(twin, app),
        "bot_token": bot["token"] if bot else "",
        "bot_user_id": app["bot_user"],
        "bot_id": app["bot_id"],
    }


def note_base(twin: Twin, url: str, *, sure: bool = False) -> None:
    """Remember under which address the twin is called, for links in events.

    Args:
        sure: The address is the one programs are told; a request only fills in a missing one.
    """
    if not sure and not twin.tables["apps"].derived(lack_base):
        return
    for app in list(twin["apps"].rows()):
        if app["base_url"] == url or (app["base_url"] and not sure):
            continue
        if _needs_base(app):
            twin["apps"].put(app["id"], {**app, "base_url": url})


def _needs_base(app: Row) -> bool:
    return bool(app["commands"] or app["socket"] or any(app["urls"].values()) or app["shortcuts"])


def lack_base(apps: Table) -> bool:
    """Whether an app needs the address under which the twin is called and has none."""
    return any(not app["base_url"] and _needs_base(app) for app in apps.rows())


def base_url(app: Row) -> str:
    """Where the twin is, as its clients see it; Slack's own address while nobody has called."""
    return str(app["base_url"] or "https://slack.com")


def hooks_url(base: str) -> str:
    """Where webhooks and response URLs live, given the address of the API."""
    scheme, _, host = base.partition("://")
    if host.removesuffix(":443") == "slack.com" or host.endswith(".slack.com"):
        return f"{scheme}://hooks.slack.com"
    return base
