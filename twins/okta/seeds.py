"""The seed's rows, and the few questions about rows that several parts ask."""

from typing import Any

from factory_tui.universe import ALNUM, Key, Row, Seed, SeedTables, Table, Twin

__all__ = [
    "EVERYONE",
    "USER_TYPE",
    "build",
    "full_name",
    "group_row",
    "member_ids",
    "new_id",
    "type_row",
    "user_row",
]

EVERYONE = "Everyone"
USER_TYPE = "otydefault0twin0005d7"
_CELL = "5d7"
_LETTERS = ALNUM + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STANDINGS: dict[str, Row] = {
    "invited": {"status": "PROVISIONED", "password": None, "passwordChanged": None},
    "suspended": {"status": "SUSPENDED"},
    "left": {"status": "DEPROVISIONED", "password": None},
}


def new_id(mint: Any, prefix: str) -> str:
    """An id as Okta makes them: three letters of kind, fourteen of chance, the cell's name."""
    return str(mint(prefix, 14, prefix=prefix, alphabet=_LETTERS)) + _CELL


def user_row(key: str, n: int, when: str, profile: Row, **more: Any) -> Row:
    """A user row; ``n`` is its running number, which lists and cursors go by."""
    return {
        "id": key,
        "n": n,
        "status": "STAGED",
        "created": when,
        "activated": None,
        "statusChanged": None,
        "lastLogin": None,
        "lastUpdated": when,
        "passwordChanged": None,
        "type": USER_TYPE,
        "profile": profile,
        "password": None,
        "recovery": None,
    } | more


def group_row(key: str, n: int, when: str, name: str, description: str | None, kind: str) -> Row:
    """A group row."""
    return {
        "id": key,
        "n": n,
        "created": when,
        "lastUpdated": when,
        "lastMembershipUpdated": when,
        "type": kind,
        "profile": {"name": name, "description": description},
    }


def type_row(key: str, when: str, by: str, name: str, title: str) -> Row:
    """A user type row."""
    return {
        "id": key,
        "displayName": title,
        "name": name,
        "description": None,
        "createdBy": by,
        "lastUpdatedBy": by,
        "created": when,
        "lastUpdated": when,
        "default": False,
    }


def member_ids(twin: Twin, group: Row) -> list[str]:
    """Ids of a group's members in the order in which they joined."""
    if group["type"] == "BUILT_IN":
        return [str(key) for key in twin["users"]]
    members: Table = twin["members"]
    keys = members.find("group", group["id"])
    return [key[1] for key in sorted(keys, key=lambda key: members[key]["n"])]


def full_name(row: Row) -> str:
    """First and last name of a user row."""
    profile = row["profile"]
    return f"{profile.get('firstName') or ''} {profile.get('lastName') or ''}".strip()


def build(seed: Seed) -> SeedTables:
    """Users, groups and memberships of the seed's organisation, one token, the org itself."""
    ids = seed.ids
    when = seed.epoch
    users: dict[Key, Row] = {}
    by_email: dict[str, str] = {}
    names = {person.email: person.name for person in seed.org.people}

    def add_user(profile: Row) -> str:
        key = new_id(ids.mint, "00u")
        users[key] = user_row(
            key,
            len(users) + 1,
            when,
            profile,
            status="ACTIVE",
            activated=when,
            statusChanged=when,
            passwordChanged=when,
            password=ids.mint("password", 20),
        )
        by_email[profile["email"]] = key
        return key

    for person in seed.org.people:
        profile = {
            "firstName": person.first,
            "lastName": person.last,
            "mobilePhone": None,
            "secondEmail": None,
            "login": person.email,
            "email": person.email,
            "title": person.title,
            "department": person.department,
        }
        if person.number:
            profile |= {"employeeNumber": str(person.number), "city": person.office}
            if person.manager:
                profile |= {"managerId": person.manager, "manager": names[person.manager]}
        key = add_user(profile)
        if person.standing != "active":
            users[key] |= _STANDINGS[person.standing]
    admins = seed.org.groups.get("it") or [person.email for person in seed.org.people]
    owner = (
        by_email[admins[0]]
        if admins
        else add_user(
            {
                "firstName": "Org",
                "lastName": "Administrator",
                "mobilePhone": None,
                "secondEmail": None,
                "login": "admin@acme.example",
                "email": "admin@acme.example",
            }
        )
    )
    groups: dict[Key, Row] = {}
    members: dict[Key, Row] = {}
    teams = {name: people for name, people in seed.org.groups.items() if name != "everyone"}
    inside: dict[str, list[str]] = {EVERYONE: []} | teams | seed.org.circles
    for name, people in inside.items():
        key = new_id(ids.mint, "00g")
        everyone = name == EVERYONE
        about = f"Team {name}" if name in teams else f"All {name.replace('-', ' ')}"
        about = "All users in your organization" if everyone else about
        kind = "BUILT_IN" if everyone else "OKTA_GROUP"
        groups[key] = group_row(key, len(groups) + 1, when, name, about, kind)
        for email in people:
            members[key, by_email[email]] = {"n": len(members) + 1, "rule": ""}
    token = ids.mint("token", 40, prefix="00", alphabet=_LETTERS + "-_")
    org = {
        "id": new_id(ids.mint, "00o"),
        "subdomain": "acme",
        "companyName": "Acme",
        "status": "ACTIVE",
        "expiresAt": None,
        "created": when,
        "lastUpdated": when,
        "website": "https://acme.example",
        "phoneNumber": "",
        "endUserSupportHelpURL": "",
        "supportPhoneNumber": "",
        "address1": None,
        "address2": None,
        "city": None,
        "state": None,
        "country": None,
        "postalCode": None,
    }
    # Parts of the managed resources need this module.
    from .default_server import default_server
    from .founding import founding

    whole = next(str(key) for key, row in groups.items() if row["type"] == "BUILT_IN")
    things = founding(seed, owner, whole)
    things |= default_server(seed, owner, len(things))
    return {
        "things": things,
        "users": users,
        "groups": groups,
        "members": members,
        "tokens": {token: {"user": owner, "name": "factory"}},
        "org": {
            "org": org,
            "contacts": {"BILLING": owner, "TECHNICAL": owner},
            "footer": {"showEndUserFooter": True},
            "communication": {"optOutEmailUsers": False},
            "support": {"support": "DISABLED", "expiration": None},
        },
        "types": {USER_TYPE: type_row(USER_TYPE, when, owner, "user", "User") | {"default": True}},
    }
