"""The changes themselves, shared by the API's handlers and the scenarios' operations."""

from typing import Any, Final

from factory_tui.universe import HEX, Call, Row, Twin

from . import seeds, shapes
from .base import now
from .rule_language import RuleError, compile_rule, looks_at_groups

__all__ = [
    "add_group",
    "add_user",
    "apply_rule",
    "apply_rules",
    "drop_rule",
    "join",
    "leave",
    "log",
    "log_about",
    "party",
    "remove_group",
    "remove_user",
    "set_status",
]

_SAYS = {
    "user.lifecycle.create": "Create okta user",
    "user.lifecycle.activate": "Activate Okta user",
    "user.lifecycle.reactivate": "Reactivate Okta user",
    "user.lifecycle.deactivate": "Deactivate Okta user",
    "user.lifecycle.suspend": "Suspend Okta user",
    "user.lifecycle.unsuspend": "Unsuspend Okta user",
    "user.lifecycle.delete.completed": "Delete Okta user",
    "user.account.unlock": "Unlock user account",
    "user.account.update_profile": "Update user profile for Okta",
    "user.account.update_password": "User update password for Okta",
    "user.account.reset_password": "User reset password for Okta",
    "user.account.expire_password": "Expire a user's password",
    "user.mfa.factor.reset_all": "Reset all factors for user",
    "user.session.clear": "Clear user session",
    "group.lifecycle.create": "Create Okta group",
    "group.lifecycle.delete": "Delete Okta group",
    "group.profile.update": "Okta group profile update",
    "group.user_membership.add": "Add user to group membership",
    "group.user_membership.remove": "Remove user from group membership",
}

_DEEPEST: Final = 5
"""How often one membership that a rule gives may lead to the next."""


def add_user(twin: Twin, when: str, profile: Row, **more: Any) -> Row:
    """Put a new STAGED user."""
    key = seeds.new_id(twin.ids.mint, "00u")
    changed = when if more.get("password") else None
    row = seeds.user_row(
        key, _running(twin, "users"), when, profile, passwordChanged=changed, **more
    )
    twin["users"].put(key, row)
    return row


def set_status(twin: Twin, key: str, status: str, when: str) -> Row:
    """Move a user to ``status`` and stamp what Okta stamps."""
    row = twin["users"].draft(key)
    row |= {"status": status, "statusChanged": when, "lastUpdated": when}
    if status in ("ACTIVE", "PROVISIONED", "PASSWORD_EXPIRED") and row["activated"] is None:
        row["activated"] = when
    if status == "DEPROVISIONED":
        # A user who is activated again has to choose a new password.
        row["password"] = None
    twin["users"].put(key, row)
    return row


def remove_user(twin: Twin, key: str) -> None:
    """Delete a user and its memberships."""
    for member in twin["members"].find("user", key):
        twin["members"].delete(member)
    _drop_roles(twin, key)
    _drop_things(twin, key, "app_users", "idp_users")
    twin["users"].delete(key)


def add_group(twin: Twin, when: str, name: str, description: str | None) -> Row:
    """Put a new group without members."""
    key = seeds.new_id(twin.ids.mint, "00g")
    row = seeds.group_row(key, _running(twin, "groups"), when, name, description, "OKTA_GROUP")
    twin["groups"].put(key, row)
    return row


def remove_group(twin: Twin, key: str) -> None:
    """Delete a group and its memberships; rules that fill it can do so no more."""
    for rule in list(twin["rules"].rows()):
        if key in rule["actions"]["assignUserToGroups"]["groupIds"]:
            twin["rules"].put(rule["id"], {**rule, "status": "INVALID"})
    for member in twin["members"].find("group", key):
        twin["members"].delete(member)
    _drop_roles(twin, key)
    _drop_things(twin, key, "app_groups")
    twin["groups"].delete(key)


def _drop_roles(twin: Twin, holder: str) -> None:
    for key in twin["roles"].find("holder", holder):
        twin["roles"].delete(key)


def _drop_things(twin: Twin, key: str, *assignments: str) -> None:
    """Delete what is below a user or group, and its assignments to applications and the like."""
    things = twin["things"]
    for name in list(things.find("parent", key)):
        things.delete(name)
    for owner in ("apps", "idps"):
        for held in things.find("of", (owner, "")):
            for assignment in assignments:
                things.delete((assignment, f"{held[1]}/{key}"))


def join(call: Call, group: str, user: str, rule: str = "", depth: int = 0) -> None:
    """Make a user a member and log it; nothing happens if it is one."""
    if (group, user) not in call.twin["members"]:
        put_member(call.twin, group, user, rule)
        log(call, "group.user_membership.add", call.twin["users"][user], call.twin["groups"][group])
        _follow(call, user, depth)


def leave(call: Call, group: str, user: str, depth: int = 0) -> None:
    """Remove a member and log it; nothing happens if it is none."""
    if drop_member(call.twin, group, user):
        row = call.twin["groups"][group]
        log(call, "group.user_membership.remove", call.twin["users"][user], row)
        _follow(call, user, depth)


def _follow(call: Call, user: str, depth: int) -> None:
    """Let the rules that look at groups look again; rules that chase each other give up."""
    if depth >= _DEEPEST:
        return
    for rule in list(call.twin["rules"].rows()):
        expression = rule["conditions"]["expression"]["value"]
        if rule["status"] == "ACTIVE" and looks_at_groups(expression):
            _apply(call, rule, call.twin["users"][user], depth + 1)


def put_member(twin: Twin, group: str, user: str, rule: str = "") -> None:
    """Make a user a member, without the log."""
    twin["members"].put((group, user), {"n": _running(twin, "members"), "rule": rule})
    _touch(twin, group)


def drop_member(twin: Twin, group: str, user: str) -> bool:
    """Remove a member, without the log; whether there was one."""
    if not twin["members"].delete((group, user)):
        return False
    _touch(twin, group)
    return True


def _touch(twin: Twin, group: str) -> None:
    row = twin["groups"].draft(group)
    row["lastMembershipUpdated"] = now(twin)
    twin["groups"].put(group, row)


def apply_rules(call: Call, user: str) -> None:
    """Let every active group rule look at a user whose profile is new or changed."""
    for rule in list(call.twin["rules"].rows()):
        if rule["status"] == "ACTIVE":
            _apply(call, rule, call.twin["users"][user])


def apply_rule(call: Call, rule: Row) -> None:
    """Let a rule look at everybody."""
    for row in list(call.twin["users"].rows()):
        _apply(call, rule, row)


def _apply(call: Call, rule: Row, user: Row, depth: int = 0) -> None:
    people = rule["conditions"].get("people") or {}
    excluded = user["id"] in ((people.get("users") or {}).get("exclude") or [])
    expression = rule["conditions"]["expression"]["value"]
    context: Row = {"user": user["profile"]}
    if looks_at_groups(expression):
        context["groups"] = _groups(call.twin, user["id"])
    try:
        matches = compile_rule(expression)
        hit = not excluded and user["status"] != "DEPROVISIONED" and matches(context)
    except RuleError:
        return
    for group in rule["actions"]["assignUserToGroups"]["groupIds"]:
        if group not in call.twin["groups"]:
            continue
        member = call.twin["members"].get((group, user["id"]))
        if hit and member is None:
            join(call, group, user["id"], rule["id"], depth)
        elif (
            not hit
            and member is not None
            and member["rule"] == rule["id"]
            and user["status"] != "DEPROVISIONED"
        ):
            # Deactivation does not take anybody out of a group; a changed profile does.
            leave(call, group, user["id"], depth)


def _groups(twin: Twin, user: str) -> list[tuple[str, str]]:
    """Ids and names of the groups that a user is in."""
    joined = {key[0] for key in twin["members"].find("user", user)}
    return [
        (str(key), row["profile"]["name"])
        for key, row in twin["groups"].items()
        if key in joined or row["type"] == "BUILT_IN"
    ]


def drop_rule(call: Call, rule: Row) -> None:
    """Take out everybody whom a rule put into a group."""
    put = [key for key, row in call.twin["members"].items() if row["rule"] == rule["id"]]
    for key in put:
        leave(call, key[0], key[1])


def _running(twin: Twin, table: str) -> int:
    """The next running number of a table, above those of the seed."""
    return twin.ids.count(f"n/{table}", 1_000_000)


def log(call: Call, event: str, *targets: Row) -> None:
    """Add an event to the system log; targets are user and group rows."""
    log_about(call, event, _SAYS[event], *(_party(row) for row in targets))


def log_about(call: Call, event: str, says: str, *targets: Row) -> None:
    """Add an event about any objects; targets as :func:`party` gives them."""
    twin = call.twin
    actor = twin["users"].first("login", call.principal.lower())
    raw = twin.ids.mint("log", 32, alphabet=HEX)
    uuid = "-".join((raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]))
    number = _running(twin, "logs")
    row = {
        "n": number,
        "uuid": uuid,
        "published": twin.clock.iso(),
        "eventType": event,
        "actor": _party(actor) if actor is not None else None,
        "target": list(targets),
        "agent": call.request.headers.get("user-agent", ""),
        "says": says,
    }
    twin["logs"].put(uuid, row)
    find = twin["things"].find
    if find("of", ("event_hooks", "")) or find("of", ("ssf_streams", "")):
        twin.emit(event, shapes.event(row), id=uuid)


def party(key: str, kind: str, title: str) -> Row:
    """An object as the system log names it."""
    return {
        "id": key,
        "type": kind,
        "alternateId": "unknown",
        "displayName": title,
        "detailEntry": None,
    }


def _party(row: Row) -> Row:
    """A user or group as the system log names it."""
    if "name" in row["profile"]:
        name = row["profile"]["name"]
        return {
            "id": row["id"],
            "type": "UserGroup",
            "alternateId": "unknown",
            "displayName": name,
            "detailEntry": None,
        }
    return {
        "id": row["id"],
        "type": "User",
        "alternateId": row["profile"]["login"],
        "displayName": seeds.full_name(row),
        "detailEntry": None,
    }
