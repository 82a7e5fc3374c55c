"""Identity sources: people and groups of another directory, one at a time or in import sessions.

An identity source is an instance of an application. What it brings becomes Okta's own when it is
sent, or when the import of a session starts: its people users (STAGED), its groups groups of the
application. What it takes away is deactivated or deleted.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import changes, errors
from .apps import APPS
from .base import body_object, listed, now, page
from .fields import BLANK, INVALID, checked
from .resource import Resource, caller, put_thing, rows_of

__all__ = ["RESOURCES"]

_SOURCE: Final = "/api/v1/identity-sources/{identitySourceId}"
_SESSION: Final = _SOURCE + "/sessions/{sessionId}"
_GROUP: Final = _SOURCE + "/groups/{groupOrExternalId}"
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_PERSON: Final = (
    "userName:str! email:str! firstName:str lastName:str secondEmail:str mobilePhone:str"
    " homeAddress:str"
)
_TEAM: Final = "displayName:str! description:str"
_MOST: Final = 200


def _source(call: Call) -> str:
    return str(APPS.by_key(call, call.params["identitySourceId"])["id"])


def _key(call: Call, value: Any, field: str = "externalId") -> str:
    if not isinstance(value, str) or not value or len(value) > 512:
        raise errors.invalid(call, field, f"{field}: {BLANK}")
    return value


def _rows(twin: Twin, kind: str, source: str) -> dict[str, Row]:
    """What a source has, by its own ids; without what somebody deleted in Okta."""
    table = twin["users" if kind == "source_users" else "groups"]
    return {row["id"]: row for row in rows_of(twin, kind, source) if row["fields"]["okta"] in table}


def _put(call: Call, kind: str, source: str, key: str, okta: str) -> Row:
    old = call.twin["things"].get((kind, f"{source}/{key}"))
    fields = {"okta": okta}
    if old is not None:
        row: Row = {**old, "fields": fields, "lastUpdated": now(call)}
        call.twin["things"].put((kind, row["key"]), row)
        return row
    return put_thing(call.twin, kind, "", fields, source, id=key, keyed=True, by=caller(call))


def _put_person(call: Call, source: str, key: str, given: Row) -> Row:
    """A person of the source, and the user that stands for him or her."""
    profile = checked(call, given, _PERSON)
    if not _EMAIL.fullmatch(profile["email"]):
        raise errors.invalid(call, "email", f"email: {INVALID}")
    profile = {**profile, "login": profile.pop("userName")}
    users = call.twin["users"]
    known = _rows(call.twin, "source_users", source).get(key)
    user = (
        users[known["fields"]["okta"]] if known else users.first("login", profile["login"].lower())
    )
    if user is None:
        empty = dict.fromkeys(("firstName", "lastName", "mobilePhone", "secondEmail"))
        user = changes.add_user(call.twin, now(call), {**empty, **profile})
        changes.log(call, "user.lifecycle.create", user)
    else:
        changed = {**user, "profile": {**user["profile"], **profile}, "lastUpdated": now(call)}
        users.put(user["id"], changed)
    return _put(call, "source_users", source, key, user["id"])


def _drop_person(call: Call, source: str, key: str) -> None:
    row = _rows(call.twin, "source_users", source).get(key)
    if row is not None:
        changes.set_status(call.twin, row["fields"]["okta"], "DEPROVISIONED", now(call))
        call.twin["things"].delete(("source_users", row["key"]))


def _put_team(call: Call, source: str, key: str, given: Row) -> Row:
    """A group of the source, and Okta's group that stands for it."""
    profile = checked(call, given, _TEAM)
    known = _rows(call.twin, "source_groups", source).get(key)
    groups = call.twin["groups"]
    shown = {"name": profile["displayName"], "description": profile.get("description")}
    if known is None:
        group = changes.add_group(call.twin, now(call), shown["name"], shown["description"])
    else:
        group = groups[known["fields"]["okta"]]
    changed = {**group, "type": "APP_GROUP", "profile": shown, "lastUpdated": now(call)}
    groups.put(group["id"], changed)
    return _put(call, "source_groups", source, key, group["id"])


def _drop_team(call: Call, source: str, key: str) -> None:
    row = _rows(call.twin, "source_groups", source).get(key)
    if row is not None:
        changes.remove_group(call.twin, row["fields"]["okta"])
        call.twin["things"].delete(("source_groups", row["key"]))


def _member(call: Call, source: str, group: str, key: str, put: bool) -> None:
    """Put a person of the source into one of its groups, or take the person out."""
    team = _rows(call.twin, "source_groups", source).get(group)
    person = _rows(call.twin, "source_users", source).get(key)
    if team is not None and person is not None:
        change = changes.join if put else changes.leave
        change(call, team["fields"]["okta"], person["fields"]["okta"])


class SourceSessions(Resource):
    """``…/sessions``: what is uploaded happens when the import starts."""

    name = "source_sessions"
    kind = "IdentitySourceSession"
    path = _SESSION
    prefix = "uos"
    verbs: ClassVar[str] = "list create get delete"
    unique = ""

    def parent_id(self, call: Call) -> str:
        """The source's."""
        return _source(call)

    def body(self, call: Call) -> dict[str, Any]:
        """There is none."""
        return {}

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """One at a time."""
        if any(row["status"] == "CREATED" for row in self.rows(call.twin, owner)):
            sentence = "There is an active session for this identity source already."
            raise errors.invalid(call, "identitySourceId", sentence)
        hidden: Row = {"steps": []}
        return self.put_new(call.twin, {}, owner, status="CREATED", hidden=hidden, by=caller(call))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The session."""
        return {
            "id": row["id"],
            "identitySourceId": row["parent"],
            "status": row["status"],
            "importType": "INCREMENTAL",
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
        }

    def _open(self, call: Call) -> Row:
        row = self.find(call)
        if row["status"] != "CREATED":
            sentence = f"The session is {row['status']}; nothing can be done with it any more."
            raise errors.invalid(call, "sessionId", sentence)
        return row

    @route("POST", _SESSION + "/bulk-upsert", "")
    @route("POST", _SESSION + "/bulk-delete", "")
    @route("POST", _SESSION + "/bulk-groups-upsert", "")
    @route("POST", _SESSION + "/bulk-groups-delete", "")
    @route("POST", _SESSION + "/bulk-group-memberships-upsert", "")
    @route("POST", _SESSION + "/bulk-group-memberships-delete", "")
    def upload(self, call: Call) -> Response:
        """202; up to 200 entries, checked now and done later."""
        row = self._open(call)
        word = call.request.path.rstrip("/").rpartition("/")[2]
        name, _ = _STEPS[word]
        body = body_object(call)
        if word in ("bulk-upsert", "bulk-delete"):
            checked(call, body, "entityType:USERS")
        entries = body.get(name)
        if not isinstance(entries, list) or not 0 < len(entries) <= _MOST:
            raise errors.invalid(call, name, f"{name}: {INVALID}")
        _check_entries(call, word, entries)
        steps = [*row["hidden"]["steps"], {"what": word, "entries": entries}]
        self.put(call, row, hidden={"steps": steps})
        return Response(202)

    @route("POST", _SESSION + "/start-import", "")
    def start(self, call: Call) -> Response:
        """TRIGGERED in the answer; it is COMPLETED when somebody looks again."""
        row = self._open(call)
        for step in row["hidden"]["steps"]:
            for entry in step["entries"]:
                _STEPS[step["what"]][1](call, row["parent"], entry)
        row = self.put(call, row, status="COMPLETED")
        return Response.json({**self.shown(call, row), "status": "TRIGGERED"})


def _check_entries(call: Call, word: str, entries: list[Any]) -> None:
    for entry in entries:
        if word == "bulk-groups-delete":
            _key(call, entry)
            continue
        if not isinstance(entry, dict):
            raise errors.invalid(call, "profiles", f"profiles: {INVALID}")
        if "memberships" in word:
            _key(call, entry.get("groupExternalId"), "groupExternalId")
            for key in checked(call, entry, "memberExternalIds:list!")["memberExternalIds"]:
                _key(call, key, "memberExternalIds")
        else:
            _key(call, entry.get("externalId"))
        if word == "bulk-upsert":
            person = checked(call, checked(call, entry, "profile:dict!")["profile"], _PERSON)
            if not _EMAIL.fullmatch(person["email"]):
                raise errors.invalid(call, "email", f"email: {INVALID}")
        elif word == "bulk-groups-upsert":
            checked(call, checked(call, entry, "profile:dict!")["profile"], _TEAM)


def _members(put: bool) -> Callable[[Call, str, Any], None]:
    def step(call: Call, source: str, entry: Any) -> None:
        for key in entry["memberExternalIds"]:
            _member(call, source, entry["groupExternalId"], key, put)

    return step


def _upsert_person(call: Call, source: str, entry: Any) -> None:
    _put_person(call, source, entry["externalId"], entry["profile"])


def _delete_person(call: Call, source: str, entry: Any) -> None:
    _drop_person(call, source, entry["externalId"])


def _upsert_team(call: Call, source: str, entry: Any) -> None:
    _put_team(call, source, entry["externalId"], entry["profile"])


_STEPS: Final[dict[str, tuple[str, Callable[[Call, str, Any], None]]]] = {
    "bulk-upsert": ("profiles", _upsert_person),
    "bulk-delete": ("profiles", _delete_person),
    "bulk-groups-upsert": ("profiles", _upsert_team),
    "bulk-groups-delete": ("externalIds", _drop_team),
    "bulk-group-memberships-upsert": ("memberships", _members(put=True)),
    "bulk-group-memberships-delete": ("memberships", _members(put=False)),
}
"""What an upload's list is called, and what each of its entries does."""


class SourceUsers(Resource):
    """``…/users``: one person at a time."""

    name = "source_users"
    kind = "IdentitySourceUser"
    path = _SOURCE + "/users/{externalId}"
    keyed = True
    verbs = "get delete"

    def parent_id(self, call: Call) -> str:
        """The source's."""
        return _source(call)

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """By the source's own id."""
        row = _rows(call.twin, self.name, owner).get(key)
        if row is None:
            raise errors.not_found(call, key, self.kind)
        return row

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The person as the source knows him or her."""
        profile = call.twin["users"][row["fields"]["okta"]]["profile"]
        names = [field.partition(":")[0] for field in _PERSON.split()]
        shown = {name: profile.get("login" if name == "userName" else name) for name in names}
        return {
            "id": row["fields"]["okta"],
            "externalId": row["id"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "profile": {name: value for name, value in shown.items() if value is not None},
        }

    @route("POST", _SOURCE + "/users", "")
    def create_user(self, call: Call) -> Response:
        """200 without a body."""
        source = _source(call)
        body = checked(call, body_object(call), "externalId:str! profile:dict!")
        if body["externalId"] in _rows(call.twin, self.name, source):
            sentence = "externalId: An object with this field already exists"
            raise errors.invalid(call, "externalId", sentence)
        _put_person(call, source, _key(call, body["externalId"]), body["profile"])
        return Response(200)

    @route("PUT", path, "")
    @route("PATCH", path, "")
    def change(self, call: Call) -> Response:
        """The whole profile, or only the attributes that are named."""
        row = self.find(call)
        profile = checked(call, body_object(call), "profile:dict!")["profile"]
        if call.request.method == "PATCH":
            profile = {**self.shown(call, row)["profile"], **profile}
        row = _put_person(call, row["parent"], row["id"], profile)
        return Response.json(self.shown(call, row))

    def do_delete(self, call: Call) -> Response:
        """204; the user is deactivated."""
        row = self.find(call)
        _drop_person(call, row["parent"], row["id"])
        return Response(204)


class SourceGroups(Resource):
    """``…/groups``: one group at a time, by Okta's id or the source's."""

    name = "source_groups"
    kind = "IdentitySourceGroup"
    path = _GROUP
    keyed = True
    verbs = "get delete"

    def parent_id(self, call: Call) -> str:
        """The source's."""
        return _source(call)

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """By either id."""
        rows = _rows(call.twin, self.name, owner)
        for row in rows.values():
            if key in (row["id"], row["fields"]["okta"]):
                return row
        raise errors.not_found(call, key, self.kind)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The group as the source knows it."""
        profile = call.twin["groups"][row["fields"]["okta"]]["profile"]
        shown = {"displayName": profile["name"]}
        if profile.get("description") is not None:
            shown["description"] = profile["description"]
        return {
            "id": row["fields"]["okta"],
            "externalId": row["id"],
            "profile": {"profile": shown},
        }

    @route("POST", _SOURCE + "/groups", "")
    def create_group(self, call: Call) -> Response:
        """200."""
        source = _source(call)
        body = checked(call, body_object(call), "externalId:str! profile:dict!")
        if body["externalId"] in _rows(call.twin, self.name, source):
            sentence = "externalId: An object with this field already exists"
            raise errors.invalid(call, "externalId", sentence)
        row = _put_team(call, source, _key(call, body["externalId"]), body["profile"])
        return Response.json(self.shown(call, row))

    @route("POST", _GROUP, "")
    def change(self, call: Call) -> Response:
        """Its profile."""
        row = self.find(call)
        profile = checked(call, body_object(call), "profile:dict!")["profile"]
        return Response.json(self.shown(call, _put_team(call, row["parent"], row["id"], profile)))

    def do_delete(self, call: Call) -> Response:
        """204; Okta's group goes too."""
        row = self.find(call)
        _drop_team(call, row["parent"], row["id"])
        return Response(204)

    @route("GET", _GROUP + "/membership", "")
    def list_members(self, call: Call) -> Response:
        """The source's own ids, in pages."""
        row = self.find(call)
        members = call.twin["members"]
        found = [
            {"n": number, "id": key}
            for number, (key, person) in enumerate(
                _rows(call.twin, "source_users", row["parent"]).items(), 1
            )
            if (row["fields"]["okta"], person["fields"]["okta"]) in members
        ]
        shown, links = page(call, found, 200, 200)
        answer = listed([], links)
        body = {"memberExternalIds": [one["id"] for one in shown]}
        return Response.json(body, 200, [h for h in answer.headers if h[0] == "link"])

    @route("POST", _GROUP + "/membership", "")
    def add_member(self, call: Call) -> Response:
        """204; somebody of the same source."""
        row = self.find(call)
        key = _key(call, body_object(call).get("memberExternalId"), "memberExternalId")
        self._person(call, row["parent"], key)
        _member(call, row["parent"], row["id"], key, put=True)
        return Response(204)

    @route("DELETE", _GROUP + "/membership/{memberExternalId}", "")
    def drop_member(self, call: Call) -> Response:
        """204."""
        row = self.find(call)
        key = call.params["memberExternalId"]
        self._person(call, row["parent"], key)
        _member(call, row["parent"], row["id"], key, put=False)
        return Response(204)

    def _person(self, call: Call, source: str, key: str) -> None:
        if key not in _rows(call.twin, "source_users", source):
            raise errors.not_found(call, key, "IdentitySourceUser")


RESOURCES: Final = (SourceSessions(), SourceUsers(), SourceGroups())
