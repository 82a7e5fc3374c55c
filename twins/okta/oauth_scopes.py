"""Which scopes a client gets: the scopes there are, and the access policies of custom servers."""

from collections.abc import Iterable
from typing import Any, Final

from factory_tui.universe import Call, Row, Twin

from .app_assignments import apps_of_user
from .authservers import OIDC_SCOPES
from .oauth_clients import client_id, client_settings
from .oauth_core import Issuer, no
from .resource import rows_of

__all__ = ["DEFAULT_RULE", "assigned", "granted", "offline", "scope_rows"]

DEFAULT_RULE: Final = {
    "accessTokenLifetimeMinutes": 60,
    "refreshTokenLifetimeMinutes": 0,
    "refreshTokenWindowMinutes": 10_080,
}
"""How long tokens of the organisation's server last; a refresh token a week without use."""
_OIDC: Final = frozenset({*OIDC_SCOPES, "groups"})
_POLICY: Final = (
    "Policy evaluation failed for this request, please check the policy configurations."
)
_UNKNOWN: Final = "One or more scopes are not configured for the authorization server resource."


def scope_rows(twin: Twin, server: Row) -> list[Row]:
    """The scopes of a custom server."""
    return rows_of(twin, "server_scopes", server["id"])


def assigned(call: Call, client: Row, user: Row) -> bool:
    """Whether a user may use an application: by name, through a group, or as everybody may."""
    if client["fields"]["settings"].get("implicitAssignment"):
        return True
    return any(app["id"] == client["id"] for app in apps_of_user(call.twin, user["id"]))


def granted(
    call: Call, issuer: Issuer, client: Row, user: Row | None, grant: str, wanted: Iterable[str]
) -> tuple[list[str], Row]:
    """The scopes a client gets, and what the rule that allows it says of tokens.

    Args:
        call: The request.
        issuer: Who issues.
        client: Who asks.
        user: On whose behalf; ``None`` when the client acts for itself.
        grant: The grant type, as rules name it.
        wanted: The scopes that are asked for.
    """
    scopes = list(dict.fromkeys(wanted))
    if issuer.server is None:
        return _of_org(call, client, user, scopes), DEFAULT_RULE
    rows = scope_rows(call.twin, issuer.server)
    if user is None:
        rows = [row for row in rows if not row["fields"]["system"]]
    known = {row["fields"]["name"] for row in rows}
    scopes = scopes or [row["fields"]["name"] for row in rows if row["fields"]["default"]]
    # Who is allowed nothing does not learn which scopes there are.
    rule = _rule(call, issuer.server, client, user, grant, scopes)
    if rule is None and not _rule(call, issuer.server, client, user, grant, []):
        raise no("access_denied", _POLICY)
    if not scopes:
        raise no("invalid_scope", "The authorization request must specify a 'scope'.")
    if any(scope not in known for scope in scopes):
        raise no("invalid_scope", _UNKNOWN)
    if rule is None:
        raise no("access_denied", _POLICY)
    return scopes, rule["fields"]["actions"]["token"]


def _of_org(call: Call, client: Row, user: Row | None, scopes: list[str]) -> list[str]:
    if not scopes:
        raise no("invalid_scope", "The authorization request must specify a 'scope'.")
    held = {row["fields"]["scopeId"] for row in rows_of(call.twin, "app_grants", client["id"])}
    lacking = [scope for scope in scopes if scope not in held]
    if user is not None:
        lacking = [scope for scope in lacking if scope not in _OIDC]
        if any(not scope.startswith("okta.") for scope in lacking):
            raise no("invalid_scope", _UNKNOWN)
        if lacking:
            raise no("access_denied", "You are not allowed any of the requested scopes.")
    elif lacking:
        sentence = f"You are not allowed any of the requested scopes: {lacking[0][:80]}"
        raise no("invalid_scope", sentence)
    return scopes


def _by_priority(rows: list[Row]) -> list[Row]:
    active = [row for row in rows if row["status"] == "ACTIVE"]
    return sorted(active, key=lambda row: (row["fields"]["priority"], row["n"]))


def _rule(
    call: Call, server: Row, client: Row, user: Row | None, grant: str, scopes: list[str]
) -> Row | None:
    """The first rule of the first policy that fits: policies and rules go by priority."""
    ids = {client["id"], client_id(client)}
    for policy in _by_priority(rows_of(call.twin, "server_policies", server["id"])):
        include = policy["fields"]["conditions"]["clients"]["include"]
        if "ALL_CLIENTS" not in include and not ids & set(include):
            continue
        for rule in _by_priority(rows_of(call.twin, "server_rules", policy["id"])):
            conditions = rule["fields"]["conditions"]
            allowed = conditions["scopes"]["include"]
            if (
                grant in conditions["grantTypes"]["include"]
                and ("*" in allowed or set(scopes) <= set(allowed))
                and (user is None or _people(call.twin, conditions.get("people") or {}, user))
            ):
                return rule
    return None


def _people(twin: Twin, people: dict[str, Any], user: Row) -> bool:
    """Whether a rule is for a user; one that includes nobody by name or group is for all."""
    users, groups = people.get("users") or {}, people.get("groups") or {}
    mine = {str(key[0]) for key in twin["members"].find("user", user["id"])}
    mine |= {str(key) for key, row in twin["groups"].items() if row["type"] == "BUILT_IN"}
    mine.add("EVERYONE")
    if user["id"] in (users.get("exclude") or []) or mine & set(groups.get("exclude") or []):
        return False
    if "include" not in users and "include" not in groups:
        return True
    return user["id"] in (users.get("include") or []) or bool(
        mine & set(groups.get("include") or [])
    )


def offline(client: Row) -> bool:
    """Whether a client may have refresh tokens."""
    return "refresh_token" in client_settings(client)["grant_types"]
