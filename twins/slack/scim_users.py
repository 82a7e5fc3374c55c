"""SCIM ``Users``: the accounts of people."""

import re
from collections.abc import Iterator
from typing import Any, Final

from factory_tui.universe import Row

from . import events
from .people import changed
from .scim_common import Scim, ScimError, apply_operations
from .shapes import user_shape
from .state import add_user, channel_of, put_member, update, user_named

__all__ = ["create", "delete", "everything", "find", "patch", "replace", "shape"]

_TEXTS: Final = {"title": "title", "displayName": "display"}
_MAX_TEXT: Final = 255
_NAME: Final = 21
_EMAIL: Final = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+\Z")
_LISTS: Final = ("addresses", "roles", "phoneNumbers")
_KEPT: Final = ("addresses", "roles", "phoneNumbers", "preferredLanguage", "locale", "userType")
_ENTERPRISE: Final = (
    "urn:scim:schemas:extension:enterprise:1.0",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
)


def everything(s: Scim) -> Iterator[dict[str, Any]]:
    """All accounts of people, deactivated ones included."""
    groups = _groups(s)
    return (
        _shape(s, row, groups.get(row["id"], [])) for row in s.c["users"].rows() if not row["bot"]
    )


def find(s: Scim, key: str) -> Row:
    """A person's account. Raises ``user_not_found``."""
    row = s.c["users"].get(key)
    if row is None or row["bot"]:
        raise ScimError(404, "user_not_found")
    return row


def _groups(s: Scim) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for group in s.c["usergroups"].rows():
        for user in group["users"]:
            found.setdefault(user, []).append({"value": group["id"], "display": group["name"]})
    return found


def shape(s: Scim, row: Row) -> dict[str, Any]:
    """An account as SCIM shows it."""
    return _shape(s, row, _groups(s).get(row["id"], []))


def _shape(s: Scim, row: Row, groups: list[dict[str, str]]) -> dict[str, Any]:
    kept = row.get("scim", {})
    team = s.c.team
    digest = row.get("photo") or row["id"].lower()
    shown: dict[str, Any] = {
        "schemas": [s.schema("User")],
        "id": row["id"],
        "externalId": kept.get("externalId", ""),
        "meta": s.meta("Users", row["id"], kept.get("created", team["created"])),
        "userName": row["name"],
        "nickName": kept.get("nickName", row["name"]),
        "name": {"givenName": row["first"], "familyName": row["last"]},
        "displayName": row["display"] or f"{row['first']} {row['last']}".strip(),
        "profileUrl": f"https://{team['domain']}.slack.com/team/{row['name']}",
        "title": row["title"],
        "timezone": kept.get("timezone", "America/Los_Angeles"),
        "active": not row["deleted"],
        "emails": [{"value": row["email"], "primary": True}],
        "photos": [{"value": f"https://secure.gravatar.com/avatar/{digest}.jpg", "type": "photo"}],
        "groups": groups,
    }
    if row["phone"] and "phoneNumbers" not in kept:
        shown["phoneNumbers"] = [{"value": row["phone"], "primary": True}]
    prefix = kept.get("honorificPrefix")
    if prefix:
        shown["name"]["honorificPrefix"] = prefix
    shown |= {name: kept[name] for name in _KEPT if kept.get(name)}
    if kept.get("enterprise"):
        shown["schemas"] = [*shown["schemas"], s.enterprise]
        shown[s.enterprise] = kept["enterprise"]
    return shown


def _email(said: dict[str, Any]) -> str:
    """The primary address (else the first), "" when none is given. Raises ``invalid_email``."""
    emails = said.get("emails")
    if emails is None:
        return ""
    if not isinstance(emails, list):
        raise ScimError(400, "invalid_email")
    items = [item if isinstance(item, dict) else {"value": item} for item in emails]
    items.sort(key=lambda item: item.get("primary") is not True)
    value = items[0].get("value") if items else ""
    if value in ("", None):
        return ""
    if not isinstance(value, str) or len(value) > _MAX_TEXT or not _EMAIL.match(value):
        raise ScimError(400, "invalid_email")
    return value.lower()


def _user_name(s: Scim, said: Any, key: str) -> str:
    """A name that Slack allows, made of what was asked for; an address gives its local part."""
    if not isinstance(said, str) or not said.strip():
        raise ScimError(400, "invalid_username")
    name = re.sub(r"[^a-z0-9._-]", "", said.strip().lower().partition("@")[0])[:_NAME]
    if not name:
        raise ScimError(400, "invalid_username")
    for row in s.c["users"].rows():
        if row["name"] == name and row["id"] != key:
            raise ScimError(409, "username_taken")
    return name


def _invalid(name: str) -> ScimError:
    return ScimError(400, "invalid_" + re.sub("([A-Z])", r"_\1", name).lower())


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise _invalid(name)
    return value


def _kept(value: Any, name: str) -> Any:
    """An attribute that Slack keeps as it is: a list of objects, or a text."""
    if name not in _LISTS:
        return _text(value, name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _invalid(name)
    return value


def _changes(s: Scim, said: dict[str, Any], row: Row | None) -> dict[str, Any]:
    """The fields of an account that ``said`` sets, all checked before any is stored."""
    key = row["id"] if row else ""
    changes: dict[str, Any] = {}
    if "userName" in said:
        changes["name"] = _user_name(s, said["userName"], key)
    email = _email(said)
    if email:
        known = user_named(s.c.twin, email)
        if known is not None and known["id"] != key:
            raise ScimError(409, "email_taken")
        changes["email"] = email
    kept: dict[str, Any] = dict(row.get("scim", {})) if row else {"created": s.c.now}
    name = said.get("name")
    if isinstance(name, dict):
        for part, field in (("givenName", "first"), ("familyName", "last")):
            if part in name:
                changes[field] = _text(name[part], part)
        if "honorificPrefix" in name:
            kept["honorificPrefix"] = _text(name["honorificPrefix"], "honorificPrefix")
    elif name is not None:
        raise ScimError(400, "invalid_name")
    for attribute, field in _TEXTS.items():
        if attribute in said:
            changes[field] = _text(said[attribute], attribute)
    for attribute in ("externalId", "nickName", "timezone"):
        if attribute in said:
            kept[attribute] = _text(said[attribute], attribute)
    for attribute in _KEPT:
        if attribute in said:
            kept[attribute] = _kept(said[attribute], attribute)
    numbers = said.get("phoneNumbers")
    if isinstance(numbers, list) and numbers and isinstance(numbers[0], dict):
        changes["phone"] = str(numbers[0].get("value") or "")[:_MAX_TEXT]
    for schema in _ENTERPRISE:
        if isinstance(said.get(schema), dict):
            kept["enterprise"] = {**kept.get("enterprise", {}), **said[schema]}
    if "active" in said:
        active = said["active"]
        if isinstance(active, str):
            active = {"true": True, "false": False}.get(active.lower())
        if not isinstance(active, bool):
            raise ScimError(400, "invalid_active")
        changes["deleted"] = not active
    return {**changes, "scim": kept}


def _store(s: Scim, row: Row, changes: dict[str, Any]) -> Row:
    """Change an account; one that is switched off leaves its channels."""
    off = changes.get("deleted")
    if off and row["owner"]:
        raise ScimError(403, "cannot_remove_primary_owner")
    new = update(s.c.twin, "users", row["id"], **changes, updated=s.c.now)
    members = s.c["members"]
    if off and not row["deleted"]:
        for key in members.find("user", row["id"]):
            members.delete(key)
        for group in s.c["usergroups"].rows():
            if row["id"] in group["users"]:
                left = [user for user in group["users"] if user != row["id"]]
                update(s.c.twin, "usergroups", group["id"], users=left)
    elif off is False and row["deleted"]:
        _welcome(s, row["id"])
    changed(s.c, new)
    return new


def _welcome(s: Scim, key: str) -> None:
    general = channel_of(s.c.twin, "general")
    if general is not None:
        put_member(s.c.twin, general["id"], key)


def create(s: Scim, said: dict[str, Any]) -> dict[str, Any]:
    """A new account; it needs ``userName`` and an address."""
    if "userName" not in said:
        raise ScimError(400, "invalid_username")
    changes = _changes(s, said, None)
    if "email" not in changes:
        raise ScimError(400, "invalid_email")
    row = add_user(s.c.twin, changes.get("first", ""), changes.get("last", ""), changes["email"])
    row = update(s.c.twin, "users", row["id"], **changes)
    if not row["deleted"]:
        _welcome(s, row["id"])
    if events.listening(s.c.twin):
        events.notify(s.c.twin, {"type": "team_join", "user": user_shape(s.c, row)})
    return shape(s, row)


def patch(s: Scim, row: Row, said: dict[str, Any]) -> dict[str, Any] | None:
    """Change what is given; in version 2 also as a list of operations."""
    if "Operations" in said:
        said = apply_operations(said["Operations"])
    return shape(s, _store(s, row, _changes(s, said, row)))


def replace(s: Scim, row: Row, said: dict[str, Any]) -> dict[str, Any]:
    """Change everything: attributes that are not given are emptied.

    The name, the address and whether the account is active stay when they are not given.
    """
    kept = row.get("scim", {})
    blank: dict[str, Any] = {"first": "", "last": "", "display": "", "title": "", "phone": ""}
    empty = {**row, **blank, "scim": {"created": kept["created"]} if "created" in kept else {}}
    changes = {**blank, **_changes(s, said, empty)}
    return shape(s, _store(s, row, changes))


def delete(s: Scim, row: Row) -> None:
    """Switch an account off; Slack does not remove people."""
    if row["deleted"]:
        return
    _store(s, row, {"deleted": True})
