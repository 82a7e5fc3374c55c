"""What scenarios can do to the organisation without going through the API.

These changes are made by nobody, so they leave no event in the system log.
"""

from typing import Any

from factory_tui.universe import ApplyError, Row, Twin, op

from . import changes, seeds
from .base import now
from .machine import STATUSES

__all__ = ["Operations"]


class Operations:
    """The ``okta:`` operations of scenarios."""

    @op("add_users")
    def add_users(self, twin: Twin, args: Any) -> list[Row]:
        """``[{first, last, email?, groups?, status?}]``: people, by default ACTIVE.

        Returns ``email``, ``first``, ``last``, ``name`` and ``id`` of each.
        """
        added = []
        for item in _list(args, "add_users"):
            first, last = _word(item, "first"), _word(item, "last")
            email = item.get("email") or f"{first}.{last}@acme.example".lower().replace(" ", "-")
            if twin["users"].find("login", email.lower()):
                raise ApplyError(f"add_users: there is a user {email} already")
            status = item.get("status", "ACTIVE")
            if status not in STATUSES:
                raise ApplyError(f'add_users: "{status}" is no status; {", ".join(STATUSES)}')
            profile = {
                "firstName": first,
                "lastName": last,
                "mobilePhone": None,
                "secondEmail": None,
                "login": email,
                "email": email,
            }
            groups = [_group(twin, name) for name in item.get("groups") or []]
            when = now(twin)
            password = twin.ids.mint("password", 20) if status != "STAGED" else None
            row = changes.add_user(twin, when, profile, password=password)
            if status != "STAGED":
                row = changes.set_status(twin, row["id"], status, when)
            for group in groups:
                _join(twin, group, row)
            name = f"{first} {last}"
            added.append(
                {"email": email, "first": first, "last": last, "name": name, "id": row["id"]}
            )
        return added

    @op("remove_users")
    def remove_users(self, twin: Twin, args: Any) -> None:
        """``[email]``: as if they had never been there."""
        for row in _users(twin, args, "remove_users"):
            changes.remove_user(twin, row["id"])

    @op("deactivate_users")
    def deactivate_users(self, twin: Twin, args: Any) -> None:
        """``[email]``: they become DEPROVISIONED and stay in their groups."""
        for row in _users(twin, args, "deactivate_users"):
            changes.set_status(twin, row["id"], "DEPROVISIONED", now(twin))

    @op("suspend_users")
    def suspend_users(self, twin: Twin, args: Any) -> None:
        """``[email]``: they become SUSPENDED."""
        for row in _users(twin, args, "suspend_users"):
            changes.set_status(twin, row["id"], "SUSPENDED", now(twin))

    @op("add_groups")
    def add_groups(self, twin: Twin, args: Any) -> list[Row]:
        """``[{name, members?}]``. Returns ``id`` and ``name`` of each."""
        added = []
        for item in _list(args, "add_groups"):
            name = _word(item, "name")
            if twin["groups"].find("name", name.lower()):
                raise ApplyError(f'add_groups: there is a group "{name}" already')
            row = changes.add_group(twin, now(twin), name, item.get("description"))
            for user in _users(twin, item.get("members") or [], "add_groups"):
                _join(twin, row, user)
            added.append({"id": row["id"], "name": name})
        return added

    @op("set_group")
    def set_group(self, twin: Twin, args: Any) -> None:
        """``{name, members}``: the group has exactly these members."""
        group = _changeable(twin, _word(args, "name"))
        wanted = _users(twin, args.get("members") or [], "set_group")
        keep = {row["id"] for row in wanted}
        for user in seeds.member_ids(twin, group):
            if user not in keep:
                changes.drop_member(twin, group["id"], user)
        for row in wanted:
            _join(twin, group, row)

    @op("add_to_group")
    def add_to_group(self, twin: Twin, args: Any) -> None:
        """``{group, users}``."""
        group = _changeable(twin, _word(args, "group"))
        for row in _users(twin, args.get("users"), "add_to_group"):
            _join(twin, group, row)

    @op("remove_from_group")
    def remove_from_group(self, twin: Twin, args: Any) -> None:
        """``{group, users}``."""
        group = _changeable(twin, _word(args, "group"))
        for row in _users(twin, args.get("users"), "remove_from_group"):
            changes.drop_member(twin, group["id"], row["id"])


def _list(args: Any, name: str) -> list[Any]:
    if isinstance(args, dict) and len(args) == 1:
        args = next(iter(args.values()))
    if not isinstance(args, list):
        raise ApplyError(f"{name}: give a list")
    return args


def _word(item: Any, name: str) -> str:
    value = item.get(name) if isinstance(item, dict) else None
    if not isinstance(value, str) or not value:
        raise ApplyError(f'"{name}" is missing in {item}')
    return value


def _users(twin: Twin, emails: Any, name: str) -> list[Row]:
    found = []
    for email in [emails] if isinstance(emails, str) else _list(emails, name):
        row = twin["users"].first("login", str(email).lower())
        if row is None:
            raise ApplyError(f"{name}: there is no user {email}")
        found.append(row)
    return found


def _group(twin: Twin, name: Any) -> Row:
    row = twin["groups"].first("name", str(name).lower())
    if row is None:
        raise ApplyError(f'there is no group "{name}"')
    return row


def _changeable(twin: Twin, name: str) -> Row:
    row = _group(twin, name)
    if row["type"] == "BUILT_IN":
        raise ApplyError(f'everybody is in "{name}", nobody can be put in or taken out')
    return row


def _join(twin: Twin, group: Row, user: Row) -> None:
    if group["type"] != "BUILT_IN" and (group["id"], user["id"]) not in twin["members"]:
        changes.put_member(twin, group["id"], user["id"])
