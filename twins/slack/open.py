"""What a workspace served on its own starts with: every credential a person could make by hand."""

from collections.abc import Iterable
from typing import Any, Final

from factory_tui.universe import ALNUM, DIGITS, Row, Twin

from .apps import (
    ADMIN_SCOPES,
    ALL_SCOPES,
    USER_ONLY_SCOPES,
    app_token,
    bot_token,
    credentials,
    hooks_url,
    main_app,
    set_manifest,
)
from .state import channel_of
from .webhooks import new_webhook

__all__ = ["EVERY_EVENT", "config_token", "open_env", "open_up", "subscribe_all"]

HALF_DAY: Final = 43_200
_EVENTS: Final = (
    "app_home_opened app_mention app_uninstalled assistant_thread_context_changed "
    "assistant_thread_started call_rejected channel_archive channel_created channel_deleted "
    "channel_history_changed channel_id_changed channel_left channel_rename channel_shared "
    "channel_unarchive channel_unshared dnd_updated_user emoji_changed file_change file_created "
    "file_deleted file_public file_shared file_unshared group_archive group_close group_deleted "
    "group_history_changed group_left group_open group_rename group_unarchive im_close im_created "
    "im_history_changed im_open link_shared member_joined_channel member_left_channel "
    "message.channels message.groups message.im message.mpim message_metadata_posted "
    "message_metadata_updated message_metadata_deleted pin_added pin_removed reaction_added "
    "reaction_removed shared_channel_invite_accepted shared_channel_invite_approved "
    "shared_channel_invite_declined shared_channel_invite_received star_added star_removed "
    "subteam_created subteam_members_changed subteam_self_added subteam_self_removed "
    "subteam_updated team_domain_change team_join team_rename tokens_revoked user_change "
    "user_profile_changed user_status_changed"
)
EVERY_EVENT: Final = tuple(_EVENTS.split())
"""The events a bot may subscribe to."""


def _token(twin: Twin, kind: str, prefix: str, user: str, scopes: Iterable[str]) -> Row:
    numbers = [twin.ids.mint(f"{kind} token", 12, alphabet=DIGITS) for _ in range(2)]
    token = twin.ids.mint(f"{kind} token", 24, prefix=f"{prefix}-{'-'.join(numbers)}-")
    row: Row = {"token": token, "kind": kind, "user": user, "revoked": False}
    row |= {"scopes": sorted(scopes), "app": main_app(twin)["id"]}
    twin["tokens"].put(token, row)
    return row


def config_token(twin: Twin, user: str) -> tuple[Row, str]:
    """A fresh app configuration token of a person, good for 12 hours, and what renews it."""
    number = twin.ids.mint("config token", 90, alphabet=ALNUM)
    token = f"xoxe.xoxp-1-{number}"
    row: Row = {"token": token, "kind": "config", "user": user, "revoked": False}
    row |= {"scopes": ["app_configurations:read", "app_configurations:write"]}
    row["expires"] = twin.clock.epoch() + HALF_DAY
    twin["tokens"].put(token, row)
    refresh = twin.ids.mint("config refresh", 90, prefix="xoxe-1-", alphabet=ALNUM)
    twin["refreshes"].put(refresh, {"token": token, "app": "", "used": False, "user": user})
    return row, refresh


def open_up(twin: Twin) -> None:
    """Give the app's bot and the owner every scope, and make the other kinds of tokens once.

    The app is in Socket Mode; it hears of everything from its first connection on.
    """
    team = next(twin["team"].rows())
    if team.get("open"):
        return
    app = main_app(twin)
    manifest = {key: dict(value) for key, value in app["manifest"].items()}
    manifest["settings"]["socket_mode_enabled"] = True
    manifest["settings"]["interactivity"] = {"is_enabled": True}
    manifest["oauth_config"]["redirect_urls"] = ["http://localhost:3000/slack/oauth_redirect"]
    twin["apps"].put(app["id"], set_manifest(app, manifest))
    app = main_app(twin)
    bot = bot_token(twin, app)
    if bot is not None:
        scopes = sorted(ALL_SCOPES - ADMIN_SCOPES - USER_ONLY_SCOPES)
        twin["tokens"].put(bot["token"], {**bot, "scopes": scopes})
    level = app_token(twin, app)
    scopes = ["app_configurations:write", "authorizations:read", "connections:write"]
    twin["tokens"].put(level, {**twin["tokens"][level], "scopes": scopes})
    given: dict[str, Any] = {"app": level}
    owner = app["installer"]
    if owner:
        people = sorted(ALL_SCOPES - ADMIN_SCOPES)
        known = next(row for row in twin["tokens"].rows() if row["kind"] == "user")
        twin["tokens"].put(known["token"], {**known, "scopes": people})
        admin = _token(twin, "user", "xoxp", owner, [*ADMIN_SCOPES, *people])
        config, refresh = config_token(twin, owner)
        given |= {
            "user": known["token"],
            "admin": admin["token"],
            "config": config["token"],
            "refresh": refresh,
        }
    room = channel_of(twin, "general")
    if room is not None:
        new_webhook(twin, app, room)
    twin["team"].put(team["id"], {**next(twin["team"].rows()), "open": given})


def subscribe_all(twin: Twin, app: Row) -> None:
    """Let an app that asked for nothing hear of everything, in a workspace opened up."""
    if not next(twin["team"].rows()).get("open") or app["bot_events"] or app["user_events"]:
        return
    manifest = {key: dict(value) for key, value in app["manifest"].items()}
    every = [*EVERY_EVENT, "entity_details_requested", "function_executed"]
    manifest["settings"]["event_subscriptions"] = {"bot_events": every}
    twin["apps"].put(app["id"], set_manifest(app, manifest))


def open_env(twin: Twin, url: str) -> dict[str, str]:
    """Variables with everything :func:`open_up` made; empty for a workspace that is not open."""
    given = next(twin["team"].rows()).get("open")
    if not given:
        return {}
    secrets = credentials(twin, main_app(twin))
    found = {
        "SLACK_BOT_TOKEN": secrets["bot_token"],
        "SLACK_USER_TOKEN": given.get("user", ""),
        "SLACK_ADMIN_TOKEN": given.get("admin", ""),
        "SLACK_APP_TOKEN": given["app"],
        "SLACK_CONFIG_TOKEN": given.get("config", ""),
        "SLACK_CONFIG_REFRESH_TOKEN": given.get("refresh", ""),
        "SLACK_SIGNING_SECRET": secrets["signing_secret"],
        "SLACK_CLIENT_ID": secrets["client_id"],
        "SLACK_CLIENT_SECRET": secrets["client_secret"],
        "SLACK_APP_ID": secrets["app_id"],
        "SLACK_TEAM_ID": str(next(twin["team"].rows())["id"]),
    }
    room = channel_of(twin, "general")
    if room is not None:
        found["SLACK_CHANNEL_ID"] = str(room["id"])
    for row in twin["webhooks"].rows():
        if row["active"]:
            found["SLACK_WEBHOOK_URL"] = f"{hooks_url(url)}{row['path']}"
            break
    return {name: value for name, value in found.items() if value}
