"""apps.manifest.*: apps made and changed by their manifests; tooling.tokens.rotate."""

from typing import Any, Final

from factory_tui.universe import UPPER, Row

from .apps import app_row, main_app, set_manifest
from .errors import SlackError
from .manifest_check import manifest_problems
from .method import Context, method
from .open import config_token
from .state import update

_KINDS: Final = ("config",)


def _manifest(c: Context) -> dict[str, Any]:
    """The manifest a call brings. Raises ``invalid_manifest`` with what is wrong with it."""
    if "manifest" not in c.args:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: manifest")
    manifest = c.args.json("manifest", "invalid_manifest")
    problems = manifest_problems(manifest)
    if problems:
        raise SlackError("invalid_manifest", errors=problems)
    found: dict[str, Any] = manifest
    return found


def _app(c: Context) -> Row:
    row = c["apps"].get(c.args.need("app_id", "invalid_app_id"))
    if row is None:
        raise SlackError("invalid_app_id")
    if row["installer"] != c.user:
        raise SlackError("no_permission")
    return row


def _whole(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the parts that the twin counts on."""
    return {
        **manifest,
        "features": dict(manifest.get("features") or {}),
        "oauth_config": {
            "scopes": {},
            "redirect_urls": [],
            **(manifest.get("oauth_config") or {}),
        },
        "settings": dict(manifest.get("settings") or {}),
    }


@method("apps.manifest.validate", "app_configurations:write", kinds=_KINDS)
def validate(c: Context) -> dict[str, Any]:
    """Whether a manifest would make an app."""
    if "app_id" in c.args:
        _app(c)
    _manifest(c)
    return {"errors": []}


@method("apps.manifest.create", "app_configurations:write", kinds=_KINDS)
def create(c: Context) -> dict[str, Any]:
    """A new app, not installed yet."""
    manifest = _whole(_manifest(c))
    team = c.team
    if c.args.text("team_id", team["id"]) != team["id"]:
        raise SlackError("invalid_team_id")
    key = c.twin.ids.mint("app", 10, prefix="A", alphabet=UPPER)
    name = manifest["display_information"]["name"]
    row = app_row(c.twin.ids, key, name, created=c.now, installer=c.user)
    row = set_manifest(row | {"made": True, "base_url": c.call.request.base_url}, manifest)
    c["apps"].put(key, row)
    scopes = manifest["oauth_config"].get("scopes") or {}
    query = f"client_id={row['client_id']}&scope={','.join(scopes.get('bot', ()))}"
    if scopes.get("user"):
        query += f"&user_scope={','.join(scopes['user'])}"
    names = ("client_id", "client_secret", "verification_token", "signing_secret")
    return {
        "app_id": key,
        "credentials": {name: row[name] for name in names},
        "oauth_authorize_url": f"{c.call.request.base_url}/oauth/v2/authorize?{query}",
        "team_id": team["id"],
        "team_domain": team["domain"],
    }


@method("apps.manifest.update", "app_configurations:write", kinds=_KINDS)
def change(c: Context) -> dict[str, Any]:
    """Another manifest; what it does not say is gone."""
    row = _app(c)
    manifest = _whole(_manifest(c))
    old = row["manifest"]["oauth_config"].get("scopes") or {}
    new = manifest["oauth_config"].get("scopes") or {}
    c["apps"].put(row["id"], set_manifest(row, manifest))
    return {"app_id": row["id"], "permissions_updated": old != new}


@method("apps.manifest.export", "app_configurations:read", kinds=_KINDS)
def export(c: Context) -> dict[str, Any]:
    """An app's manifest."""
    row = _app(c)
    manifest = {"_metadata": {"major_version": 1, "minor_version": 1}, **row["manifest"]}
    defaults = {
        "org_deploy_enabled": False,
        "socket_mode_enabled": False,
        "token_rotation_enabled": False,
    }
    return {"manifest": {**manifest, "settings": {**defaults, **manifest["settings"]}}}


@method("apps.manifest.delete", "app_configurations:write", kinds=_KINDS)
def delete(c: Context) -> dict[str, Any]:
    """The app and its tokens are gone; only what a manifest made can go so."""
    row = _app(c)
    if not row.get("made") or row["id"] == main_app(c.twin)["id"]:
        raise SlackError("app_not_eligible")
    for token in list(c["tokens"].rows()):
        if token.get("app") == row["id"]:
            c["tokens"].delete(token["token"])
    for path, hook in list(c["webhooks"].items()):
        if hook["app"] == row["id"]:
            c["webhooks"].delete(path)
    if row["bot_user"]:
        update(c.twin, "users", row["bot_user"], deleted=True, updated=c.now)
        update(c.twin, "bots", row["bot_id"], deleted=True, updated=c.now)
        for key in c["members"].find("user", row["bot_user"]):
            c["members"].delete(key)
    c["apps"].delete(row["id"])
    return {}


@method("tooling.tokens.rotate", public=True)
def rotate(c: Context) -> dict[str, Any]:
    """A fresh configuration token; the old one lasts until its time."""
    given = c.args.need("refresh_token", "invalid_refresh_token")
    found = c["refreshes"].get(given)
    if found is None or found["app"] or found["used"]:
        raise SlackError("invalid_refresh_token")
    c["refreshes"].put(given, {**found, "used": True})
    row, refresh = config_token(c.twin, found["user"])
    return {
        "token": row["token"],
        "refresh_token": refresh,
        "team_id": c.team["id"],
        "user_id": row["user"],
        "iat": c.now,
        "exp": row["expires"],
    }
