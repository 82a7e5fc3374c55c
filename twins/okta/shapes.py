"""Rows as Okta shows them."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from factory_tui.universe import Row, RowMemo

from .machine import STATUSES

__all__ = ["credentials_of", "event", "group", "project", "user", "user_in_list"]

_LINKS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    status: tuple(
        (name, path)
        for name, path, statuses in (
            ("suspend", "lifecycle/suspend", {"ACTIVE", "PASSWORD_EXPIRED", "RECOVERY"}),
            ("unsuspend", "lifecycle/unsuspend", {"SUSPENDED"}),
            ("unlock", "lifecycle/unlock", {"LOCKED_OUT"}),
            ("schema", "", set()),
            ("activate", "lifecycle/activate", {"STAGED", "DEPROVISIONED"}),
            ("reactivate", "lifecycle/reactivate", {"PROVISIONED"}),
            (
                "resetPassword",
                "lifecycle/reset_password",
                {"ACTIVE", "PROVISIONED", "PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"},
            ),
            ("expirePassword", "lifecycle/expire_password", {"ACTIVE", "PASSWORD_EXPIRED"}),
            (
                "changeRecoveryQuestion",
                "credentials/change_recovery_question",
                {"ACTIVE", "PASSWORD_EXPIRED"},
            ),
            ("changePassword", "credentials/change_password", {"ACTIVE", "PASSWORD_EXPIRED"}),
            (
                "deactivate",
                "lifecycle/deactivate",
                {
                    "ACTIVE",
                    "PROVISIONED",
                    "PASSWORD_EXPIRED",
                    "RECOVERY",
                    "LOCKED_OUT",
                    "SUSPENDED",
                },
            ),
        )
        if status in statuses
    )
    for status in STATUSES
}


def user(row: Row, base: str, *, full: bool = False, credentials: bool = True) -> dict[str, Any]:
    """A user; ``full`` adds the links that say what may be done with it now.

    Args:
        row: From the table ``users``.
        base: Scheme and host for links.
        full: As for a single user; lists show only the link to itself.
        credentials: Whether the credentials object is shown.
    """
    link = f"{base}/api/v1/users/{row['id']}"
    links: dict[str, Any] = {}
    if full:
        for name, path in _LINKS[row["status"]]:
            links[name] = {"href": f"{link}/{path}", "method": "POST"}
        if row["recovery"] and "changePassword" in links:
            href = f"{link}/credentials/forgot_password"
            links["forgotPassword"] = {"href": href, "method": "POST"}
        schema = f"{base}/api/v1/meta/schemas/user/osc{row['type'][3:]}"
        links["schema"] = {"href": schema}
        links["type"] = {"href": f"{base}/api/v1/meta/types/user/{row['type']}"}
    links["self"] = {"href": link}
    shown = {
        "id": row["id"],
        "status": row["status"],
        "created": row["created"],
        "activated": row["activated"],
        "statusChanged": row["statusChanged"],
        "lastLogin": row["lastLogin"],
        "lastUpdated": row["lastUpdated"],
        "passwordChanged": row["passwordChanged"],
        "type": {"id": row["type"]},
        "profile": row["profile"],
    }
    if credentials:
        shown["credentials"] = credentials_of(row)
    shown["_links"] = links
    return shown


@RowMemo
def user_in_list(row: Row, base: str) -> orjson.Fragment:
    """A user as lists show it, as JSON."""
    return orjson.Fragment(orjson.dumps(user(row, base)))


def credentials_of(row: Row) -> dict[str, Any]:
    """The credentials object: never a secret, only which kinds there are."""
    profile = row["profile"]
    shown: dict[str, Any] = {"password": {}} if row["password"] else {}
    emails = [{"value": profile["email"], "status": "VERIFIED", "type": "PRIMARY"}]
    if profile.get("secondEmail"):
        emails.append({"value": profile["secondEmail"], "status": "VERIFIED", "type": "SECONDARY"})
    shown["emails"] = emails
    if row["recovery"]:
        shown["recovery_question"] = {"question": row["recovery"]["question"]}
    shown["provider"] = row.get("provider") or {"type": "OKTA", "name": "OKTA"}
    return shown


def group(row: Row, base: str) -> dict[str, Any]:
    """A group."""
    link = f"{base}/api/v1/groups/{row['id']}"
    logo = f"{base}/assets/img/logos/groups/okta-"
    return {
        "id": row["id"],
        "created": row["created"],
        "lastUpdated": row["lastUpdated"],
        "lastMembershipUpdated": row["lastMembershipUpdated"],
        "objectClass": ["okta:user_group"],
        "type": row["type"],
        "profile": row["profile"],
        "_links": {
            "logo": [
                {"name": size, "href": f"{logo}{size}.png", "type": "image/png"}
                for size in ("medium", "large")
            ],
            "users": {"href": f"{link}/users"},
            "apps": {"href": f"{link}/apps"},
        },
    }


def project(fields: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The ``fields`` parameter: ``id,status,profile:(firstName, city)``; ``id`` always stays."""
    top, inner = fields, ""
    start = fields.find("profile:(")
    if start >= 0:
        end = fields.find(")", start)
        end = len(fields) if end < 0 else end
        inner = fields[start + 9 : end]
        top = fields[:start] + fields[end + 1 :]
    wanted = {name.strip() for name in top.split(",") if name.strip()} | {"id", "_links"}
    within = {name.strip() for name in inner.split(",") if name.strip()}

    def apply(shown: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in shown.items() if name in wanted}
        if within:
            profile = shown["profile"]
            kept["profile"] = {name: profile[name] for name in profile if name in within}
        return kept

    return apply


def event(row: Row) -> dict[str, Any]:
    """An event of the system log."""
    return {
        "actor": row["actor"],
        "client": {
            "userAgent": {"rawUserAgent": row["agent"], "os": "Unknown", "browser": "UNKNOWN"},
            "zone": "null",
            "device": "Unknown",
            "id": None,
            "ipAddress": "127.0.0.1",
            "geographicalContext": None,
        },
        "device": None,
        "authenticationContext": {
            "authenticationProvider": None,
            "credentialProvider": None,
            "credentialType": None,
            "issuer": None,
            "interface": None,
            "authenticationStep": 0,
            "externalSessionId": "unknown",
        },
        "displayMessage": row["says"],
        "eventType": row["eventType"],
        "outcome": {"result": "SUCCESS", "reason": None},
        "published": row["published"],
        "securityContext": {
            "asNumber": None,
            "asOrg": None,
            "isp": None,
            "domain": None,
            "isProxy": None,
        },
        "severity": "INFO",
        "debugContext": {"debugData": {}},
        "legacyEventType": None,
        "transaction": {"type": "WEB", "id": row["uuid"].replace("-", ""), "detail": {}},
        "uuid": row["uuid"],
        "version": "0",
        "request": {"ipChain": []},
        "target": row["target"],
    }
