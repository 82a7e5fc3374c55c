"""admin.apps.*, admin.barriers.*, admin.auth.policy.*, admin.functions.*, admin.workflows.*"""

from typing import Any, Final

from factory_tui.universe import UPPER, Row

from .admin import admin_method, team_for
from .apps import app_of
from .errors import SlackError
from .method import Context
from .state import count, update

_BARRIERS: Final = ["im", "mpim", "call"]


def _app_shape(app: Row, scopes: list[str]) -> dict[str, Any]:
    return {
        "id": app["id"],
        "name": app["name"],
        "description": "",
        "help_url": "",
        "privacy_policy_url": "",
        "app_homepage_url": "",
        "app_directory_url": f"https://slack.com/apps/{app['id']}",
        "is_app_directory_approved": False,
        "is_internal": True,
        "additional_info": "",
        "scopes": [{"name": scope, "description": "", "token_type": "bot"} for scope in scopes],
    }


def _decide(c: Context, state: str) -> dict[str, Any]:
    team_for(c)
    key = c.args.text("app_id") or c.args.text("request_id")
    if not key:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: app_id")
    if key not in c["apps"]:
        raise SlackError("app_not_found" if "app_id" in c.args else "request_not_found")
    update(c.twin, "apps", key, approval=state, decided=c.now, decided_by=c.user)
    return {}


@admin_method("admin.apps.approve")
def approve(c: Context) -> dict[str, Any]:
    """An app may be installed."""
    return _decide(c, "approved")


@admin_method("admin.apps.restrict")
def restrict(c: Context) -> dict[str, Any]:
    """An app may not be installed."""
    return _decide(c, "restricted")


@admin_method("admin.apps.clearResolution")
def clear(c: Context) -> dict[str, Any]:
    """Nothing has been decided about an app."""
    return _decide(c, "")


def _listed(c: Context, state: str) -> dict[str, Any]:
    team_for(c)
    found = []
    for n, app in enumerate(c["apps"].rows(), 1):
        if app.get("approval", "approved") == state:
            scopes = app["manifest"]["oauth_config"]["scopes"].get("bot", [])
            shown = {
                "app": _app_shape(app, scopes),
                "scopes": _app_shape(app, scopes)["scopes"],
                "date_updated": app.get("decided", app["created"]),
                "last_resolved_by": {
                    "actor_id": app.get("decided_by", app["installer"]),
                    "actor_type": "user",
                },
            }
            found.append({"n": n, "row": shown})
    page, metadata = c.page(found, f"app_{state}", default=100)
    return {f"{state}_apps": [item["row"] for item in page], "response_metadata": metadata}


@admin_method("admin.apps.approved.list")
def list_approved(c: Context) -> dict[str, Any]:
    """Apps that may be installed."""
    return _listed(c, "approved")


@admin_method("admin.apps.restricted.list")
def list_restricted(c: Context) -> dict[str, Any]:
    """Apps that may not."""
    return _listed(c, "restricted")


@admin_method("admin.apps.requests.list")
def list_requests(c: Context) -> dict[str, Any]:
    """Apps that people ask for: none, as everybody may install."""
    team_for(c)
    return {"app_requests": [], "response_metadata": {"next_cursor": ""}}


@admin_method("admin.apps.requests.cancel")
def cancel_request(c: Context) -> dict[str, Any]:
    """Forget what somebody asked for."""
    c.args.need("request_id")
    raise SlackError("request_not_found")


@admin_method("admin.apps.activities.list")
def activities(c: Context) -> dict[str, Any]:
    """What functions of apps have done."""
    wanted = c.args.text("app_id")
    rows = [
        {
            "n": n,
            "row": {
                "level": "error" if row["state"] == "failed" else "info",
                "event_type": "function_execution_result",
                "source": "slack",
                "component_type": "events_api",
                "component_id": row["id"],
                "payload": {"function_name": row["callback_id"], "outcome": row["state"]},
                "created": c.now * 1_000_000,
                "trace_id": row["id"],
                "app_id": row["app"],
            },
        }
        for n, row in enumerate(c["executions"].rows(), 1)
        if wanted in ("", row["app"])
    ]
    page, metadata = c.page(rows, "activity", default=100)
    return {"activities": [item["row"] for item in page], "response_metadata": metadata}


@admin_method("admin.apps.config.lookup")
def lookup_config(c: Context) -> dict[str, Any]:
    """Which domains an app's functions may reach."""
    keys = c.args.items("app_ids")
    if not keys or any(key not in c["apps"] for key in keys):
        raise SlackError("app_not_found")
    none: Row = {"domains": [], "emails": []}
    configs = [
        {
            "app_id": key,
            "domain_restrictions": c["apps"][key].get("config", none),
            "workflow_auth_strategy": c["apps"][key].get("strategy", "end_user_only"),
        }
        for key in keys
    ]
    return {"configs": configs}


@admin_method("admin.apps.config.set")
def set_config(c: Context) -> dict[str, Any]:
    """The same, changed."""
    key = c.args.need("app_id", "app_not_found")
    if key not in c["apps"]:
        raise SlackError("app_not_found")
    limits = c.args.json("domain_restrictions", "invalid_arguments")
    strategy = c.args.text("workflow_auth_strategy", "end_user_only")
    if strategy not in ("builder_choice", "end_user_only"):
        raise SlackError("invalid_arguments", "[ERROR] must be a valid enum value")
    changes: Row = {"strategy": strategy}
    if isinstance(limits, dict):
        changes["config"] = {"domains": [], "emails": [], **limits}
    update(c.twin, "apps", key, **changes)
    return {}


@admin_method("admin.apps.uninstall")
def uninstall(c: Context) -> dict[str, Any]:
    """Take an app out of the workspace."""
    key = c.args.need("app_id", "app_not_found")
    if key not in c["apps"]:
        raise SlackError("app_not_found")
    for row in list(c["tokens"].rows()):
        if row["kind"] == "bot" and app_of(c.twin, row)["id"] == key:
            update(c.twin, "tokens", row["token"], revoked=True)
    return {}


# -- information barriers


def _barrier(c: Context) -> Row:
    primary = c.args.need("primary_usergroup_id", "invalid_usergroup")
    others = c.args.items("barriered_from_usergroup_ids")
    if primary not in c["usergroups"] or any(key not in c["usergroups"] for key in others):
        raise SlackError("usergroup_not_found")
    if not others or primary in others:
        raise SlackError("primary_usergroup_in_barriered_from_usergroups")
    if sorted(c.args.items("restricted_subjects")) != sorted(_BARRIERS):
        raise SlackError("invalid_restricted_subjects")
    return {"primary": primary, "others": others, "updated": c.now}


def _barrier_shape(c: Context, row: Row) -> dict[str, Any]:
    def group(key: str) -> dict[str, str]:
        found = c["usergroups"].get(key) or {"name": ""}
        return {"id": key, "name": found["name"]}

    return {
        "id": row["id"],
        "enterprise_id": "",
        "primary_usergroup": group(row["primary"]),
        "barriered_from_usergroups": [group(key) for key in row["others"]],
        "restricted_subjects": _BARRIERS,
        "date_update": row["updated"],
    }


@admin_method("admin.barriers.create")
def create_barrier(c: Context) -> dict[str, Any]:
    """People of one group may not talk to those of others."""
    key = c.twin.ids.mint("barrier", 10, prefix="B", alphabet=UPPER)
    row = {"id": key, "n": count(c.twin, "n"), **_barrier(c)}
    c["barriers"].put(key, row)
    return {"barrier": _barrier_shape(c, row)}


@admin_method("admin.barriers.update")
def update_barrier(c: Context) -> dict[str, Any]:
    """Between other groups."""
    key = c.args.need("barrier_id", "barrier_not_found")
    if key not in c["barriers"]:
        raise SlackError("barrier_not_found")
    return {"barrier": _barrier_shape(c, update(c.twin, "barriers", key, **_barrier(c)))}


@admin_method("admin.barriers.delete")
def delete_barrier(c: Context) -> dict[str, Any]:
    """They may again."""
    if not c["barriers"].delete(c.args.need("barrier_id", "barrier_not_found")):
        raise SlackError("barrier_not_found")
    return {}


@admin_method("admin.barriers.list")
def list_barriers(c: Context) -> dict[str, Any]:
    """Who may not talk to whom."""
    page, metadata = c.page(list(c["barriers"].rows()), "barrier", default=100)
    barriers = [_barrier_shape(c, row) for row in page]
    return {"barriers": barriers, "response_metadata": metadata}


# -- sign-in policies


def _policy(c: Context) -> tuple[str, list[str]]:
    name = c.args.need("policy_name", "policy_not_found")
    if name != "email_password":
        raise SlackError("policy_not_found")
    if c.args.text("entity_type", "USER") != "USER":
        raise SlackError("invalid_entity_type")
    return name, c.args.items("entity_ids")


@admin_method("admin.auth.policy.assignEntities")
def assign_policy(c: Context) -> dict[str, Any]:
    """People may sign in with a password besides single sign-on."""
    name, users = _policy(c)
    if not users or any(user not in c["users"] for user in users):
        raise SlackError("entity_ids_not_found")
    for user in users:
        row = {"policy": name, "user": user, "at": c.now, "n": count(c.twin, "n")}
        c["policies"].put((name, user), row)
    total = len(list(c["policies"].rows()))
    return {"entity_total_count": total}


@admin_method("admin.auth.policy.removeEntities")
def remove_policy(c: Context) -> dict[str, Any]:
    """They may no more."""
    name, users = _policy(c)
    for user in users:
        c["policies"].delete((name, user))
    return {"entity_total_count": len(list(c["policies"].rows()))}


@admin_method("admin.auth.policy.getEntities")
def get_policy(c: Context) -> dict[str, Any]:
    """Who may."""
    _policy(c)
    rows = list(c["policies"].rows())
    page, metadata = c.page(rows, "policy", default=1000)
    entities = [
        {"entity_id": row["user"], "entity_type": "USER", "date_added": row["at"]} for row in page
    ]
    total = len(rows)
    return {"entities": entities, "entity_total_count": total, "response_metadata": metadata}


# -- functions and workflows


@admin_method("admin.functions.list")
def list_functions(c: Context) -> dict[str, Any]:
    """Functions that apps bring for workflows."""
    keys = c.args.items("app_ids")
    found: list[Row] = []
    for app in c["apps"].rows():
        if keys and app["id"] not in keys:
            continue
        for n, (name, about) in enumerate((app["manifest"].get("functions") or {}).items()):
            found.append(
                {
                    "id": f"Fn{app['id'][1:]}{n}",
                    "callback_id": name,
                    "title": about.get("title", name),
                    "description": about.get("description", ""),
                    "type": "app",
                    "app_id": app["id"],
                    "date_created": app["created"],
                }
            )
    rows = [{"n": n, "row": row} for n, row in enumerate(found, 1)]
    page, metadata = c.page(rows, "function", default=100)
    return {"functions": [item["row"] for item in page], "response_metadata": metadata}


@admin_method("admin.workflows.search")
def search_workflows(c: Context) -> dict[str, Any]:
    """Workflows of the workspace: people have built none."""
    return {"workflows": [], "total_count": 0, "response_metadata": {"next_cursor": ""}}
