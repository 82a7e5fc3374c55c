"""What makes an app manifest valid, with Slack's sentences about what does not."""

import re
from typing import Any, Final

from .apps import ADMIN_SCOPES, ALL_SCOPES, USER_ONLY_SCOPES
from .open import EVERY_EVENT

__all__ = ["manifest_problems"]

_COLOR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}\Z")
_COMMAND: Final = re.compile(r"/[^\s/]{1,31}\Z")
_PROPERTIES: Final = {
    "_metadata": dict,
    "display_information": dict,
    "features": dict,
    "oauth_config": dict,
    "settings": dict,
    "functions": dict,
    "workflows": dict,
    "datastores": dict,
    "types": dict,
    "events": dict,
    "outgoing_domains": list,
    "external_auth_providers": dict,
    "metadata_events": list,
}
_SETTINGS: Final = (
    "allowed_ip_address_ranges",
    "app_type",
    "event_subscriptions",
    "function_runtime",
    "hermes_app_type",
    "interactivity",
    "is_hosted",
    "is_mcp_enabled",
    "org_deploy_enabled",
    "siws_links",
    "socket_mode_enabled",
    "token_rotation_enabled",
    "incoming_webhooks",
    "background_color",
    "long_description",
    "description",
)
_FEATURES: Final = (
    "agent_view",
    "app_home",
    "assistant_view",
    "bot_user",
    "rich_previews",
    "search",
    "shortcuts",
    "slash_commands",
    "unfurl_domains",
    "unfurls",
    "user_connections",
    "workflow_steps",
)
_USER_EVENTS: Final = frozenset(EVERY_EVENT) | {
    "dnd_updated",
    "email_domain_changed",
    "external_org_migration_finished",
    "grid_migration_finished",
    "grid_migration_started",
    "message",
    "message.app_home",
    "resources_added",
    "user_connection",
    "user_huddle_changed",
}
_BOT_EVENTS: Final = frozenset(EVERY_EVENT) | {
    "app_requested",
    "entity_details_requested",
    "function_executed",
    "invite_requested",
    "message.app_home",
    "shared_channel_invite_requested",
    "team_access_granted",
    "team_access_revoked",
    "user_connection",
    "user_huddle_changed",
    "workflow_deleted",
    "workflow_published",
    "workflow_step_deleted",
    "workflow_step_execute",
    "workflow_unpublished",
}


class _Found(list[dict[str, str]]):
    def add(self, message: str, pointer: str, code: str = "") -> None:
        self.append({"message": message, "pointer": pointer, **({"code": code} if code else {})})


def _text(found: _Found, value: Any, at: str, most: int, least: int = 1) -> None:
    if not isinstance(value, str):
        found.add("Value must be a string", at, "invalid_type")
    elif not least <= len(value) <= most:
        found.add(f"Must be between {least} and {most} characters", at, "invalid_length")


def _url(found: _Found, value: Any, at: str) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        found.add("Must be a valid URL", at, "invalid_url")


def _flag(found: _Found, holder: dict[str, Any], name: str, at: str) -> None:
    if name in holder and not isinstance(holder[name], bool):
        found.add("Value must be a boolean", f"{at}/{name}", "invalid_type")


def _known(found: _Found, holder: Any, names: tuple[str, ...], at: str) -> bool:
    if not isinstance(holder, dict):
        found.add("Value must be an object", at, "invalid_type")
        return False
    for name in holder:
        if name not in names:
            found.add(f"{name} is not an allowed property", f"{at}/{name}", "additional_property")
    return True


def _list(found: _Found, value: Any, at: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        found.add("Value must be an array", at, "invalid_type")
        return []
    if len(value) > most:
        found.add(f"No more than {most} items allowed", at, "too_many_items")
    return value


def _information(found: _Found, manifest: dict[str, Any]) -> None:
    at = "/display_information"
    shown = manifest.get("display_information")
    if not isinstance(shown, dict):
        found.add("Missing required field: display_information", at, "required")
        return
    if "name" not in shown:
        found.add("Missing required field: name", f"{at}/name", "required")
    limits = {"name": 35, "description": 140, "long_description": 4000}
    for name, value in shown.items():
        if name in limits:
            _text(found, value, f"{at}/{name}", limits[name], 175 if "long" in name else 1)
        elif name == "background_color":
            if not isinstance(value, str) or not _COLOR.match(value):
                found.add("Must be a hex color", f"{at}/{name}", "invalid_color")
        else:
            found.add(f"{name} is not an allowed property", f"{at}/{name}", "additional_property")


def _features(found: _Found, features: dict[str, Any]) -> None:
    at = "/features"
    _known(found, features, _FEATURES, at)
    bot = features.get("bot_user")
    if bot is not None and _known(found, bot, ("display_name", "always_online"), f"{at}/bot_user"):
        if "display_name" not in bot:
            found.add("Missing required field: display_name", f"{at}/bot_user", "required")
        else:
            _text(found, bot["display_name"], f"{at}/bot_user/display_name", 80)
        _flag(found, bot, "always_online", f"{at}/bot_user")
    home = features.get("app_home")
    names = ("home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled")
    if home is not None and _known(found, home, names, f"{at}/app_home"):
        for name in names:
            _flag(found, home, name, f"{at}/app_home")
    _commands(found, features)
    _shortcuts(found, features)
    for n, domain in enumerate(
        _list(found, features.get("unfurl_domains", []), f"{at}/unfurl_domains", 5)
    ):
        _text(found, domain, f"{at}/unfurl_domains/{n}", 255)


def _commands(found: _Found, features: dict[str, Any]) -> None:
    at = "/features/slash_commands"
    seen: set[str] = set()
    for n, item in enumerate(_list(found, features.get("slash_commands", []), at, 50)):
        if not isinstance(item, dict):
            found.add("Value must be an object", f"{at}/{n}", "invalid_type")
            continue
        command = item.get("command")
        if not isinstance(command, str) or not _COMMAND.match(command):
            found.add("Must begin with a / and have no spaces", f"{at}/{n}/command", "invalid")
        elif command in seen:
            found.add(f"Duplicate command {command}", f"{at}/{n}/command", "duplicate")
        else:
            seen.add(command)
        _text(found, item.get("description"), f"{at}/{n}/description", 2000)
        if "url" in item:
            _url(found, item["url"], f"{at}/{n}/url")


def _shortcuts(found: _Found, features: dict[str, Any]) -> None:
    at = "/features/shortcuts"
    for n, item in enumerate(_list(found, features.get("shortcuts", []), at, 10)):
        if not isinstance(item, dict):
            found.add("Value must be an object", f"{at}/{n}", "invalid_type")
            continue
        for name, most in (("name", 24), ("callback_id", 255), ("description", 150)):
            _text(found, item.get(name), f"{at}/{n}/{name}", most)
        if item.get("type") not in ("message", "global"):
            found.add("Must be one of message, global", f"{at}/{n}/type", "invalid_enum")


def _oauth(found: _Found, config: dict[str, Any]) -> None:
    at = "/oauth_config"
    names = ("scopes", "redirect_urls", "token_management_enabled", "pkce_enabled")
    _known(found, config, names, at)
    for n, url in enumerate(
        _list(found, config.get("redirect_urls", []), f"{at}/redirect_urls", 1000)
    ):
        _url(found, url, f"{at}/redirect_urls/{n}")
    scopes = config.get("scopes", {})
    if not _known(found, scopes, ("bot", "user", "bot_optional", "user_optional"), f"{at}/scopes"):
        return
    for kind, known in (
        ("bot", ALL_SCOPES - USER_ONLY_SCOPES - ADMIN_SCOPES),
        ("user", ALL_SCOPES),
    ):
        for n, scope in enumerate(_list(found, scopes.get(kind, []), f"{at}/scopes/{kind}", 255)):
            if scope not in known:
                found.add(f"Invalid scope {scope}", f"{at}/scopes/{kind}/{n}", "invalid_scope")


def _settings(found: _Found, settings: dict[str, Any], features: dict[str, Any]) -> None:
    at = "/settings"
    _known(found, settings, _SETTINGS, at)
    for name in ("socket_mode_enabled", "token_rotation_enabled", "org_deploy_enabled"):
        _flag(found, settings, name, at)
    socket = settings.get("socket_mode_enabled") is True
    events = settings.get("event_subscriptions")
    names = ("request_url", "bot_events", "user_events", "metadata_subscriptions")
    if events is not None and _known(found, events, names, f"{at}/event_subscriptions"):
        place = f"{at}/event_subscriptions"
        if "request_url" in events:
            _url(found, events["request_url"], f"{place}/request_url")
        elif not socket:
            words = "Event Subscription requires either Request URL or Socket Mode Enabled"
            found.add(words, place)
        for kind, known in (("bot_events", _BOT_EVENTS), ("user_events", _USER_EVENTS)):
            for n, name in enumerate(_list(found, events.get(kind, []), f"{place}/{kind}", 100)):
                if name not in known:
                    found.add(f"Invalid event {name}", f"{place}/{kind}/{n}", "invalid_event")
        if events.get("bot_events") and "bot_user" not in features:
            found.add("Bot events require a bot user", f"{place}/bot_events", "bot_user_required")
    clicks = settings.get("interactivity")
    addresses = ("request_url", "message_menu_options_url")
    known_names = ("is_enabled", *addresses)
    if clicks is not None and _known(found, clicks, known_names, f"{at}/interactivity"):
        for name in addresses:
            if name in clicks:
                _url(found, clicks[name], f"{at}/interactivity/{name}")
        if clicks.get("is_enabled") is True and not socket and "request_url" not in clicks:
            # The spelling is Slack's.
            found.add("Interactivty requires a Request URL", f"{at}/interactivity")
            found.add("Interactivity requires Socket Mode enabled", f"{at}/interactivity")


def manifest_problems(manifest: Any) -> list[dict[str, str]]:
    """Everything that is wrong with a manifest: ``{message, pointer, code?}`` each."""
    found = _Found()
    if not isinstance(manifest, dict):
        found.add("The manifest must be an object", "/", "invalid_type")
        return found
    for name, value in manifest.items():
        if name not in _PROPERTIES:
            found.add(f"{name} is not an allowed property", f"/{name}", "additional_property")
        elif not isinstance(value, _PROPERTIES[name]):
            kind = "array" if _PROPERTIES[name] is list else "object"
            found.add(f"Value must be an {kind}", f"/{name}", "invalid_type")
    if found:
        return found
    features = manifest.get("features", {})
    _information(found, manifest)
    _features(found, features)
    _oauth(found, manifest.get("oauth_config", {}))
    _settings(found, manifest.get("settings", {}), features)
    return found
