"""Accounts under privileged access: users of Okta and accounts of applications."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from factory_tui.universe import HEX, Call, Response, Row, Twin

from . import errors
from .apps import APPS
from .fields import BLANK, INVALID, checked
from .resource import Resource
from .users import find_user

__all__ = ["RESOURCES"]

_BASE: Final = "/privileged-access/api/v1"
_NAMED: Final = "name:str! description:str ownerUserIds:list=[] ownerGroupIds:list=[]"


class _Accounts(Resource):
    """What both kinds have in common: names, owners, a state."""

    verbs: ClassVar[str] = "list create get patch delete"
    has_status = False
    page_size = 20
    match_fields: ClassVar[tuple[str, ...]] = ("name",)

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Ids are UUIDs here."""
        raw = twin.ids.mint("uuid", 32, alphabet=HEX)
        key = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
        return super().put_new(twin, kept, owner, **{"id": key, **more})

    def common(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        """A short name, and owners there are."""
        kept = checked(call, body, _NAMED)
        if len(kept["name"]) > 50 or len(kept.get("description", "")) > 255:
            raise errors.invalid(call, "name", f"name: {INVALID}")
        for name, table in (("ownerUserIds", "users"), ("ownerGroupIds", "groups")):
            for key in kept[name]:
                if not isinstance(key, str) or key not in call.twin[table]:
                    raise errors.not_found(call, str(key)[:60], table.title()[:-1])
        return kept

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``match``: part of a name."""
        word = call.request.query.get("match", "").casefold()
        for row in rows:
            shown = self.shown(call, row)
            if any(word in str(shown.get(name, "")).casefold() for name in self.match_fields):
                yield row

    def do_patch(self, call: Call) -> Response:
        """Name, description and owners only."""
        row = self.find(call)
        body = self.body(call)
        names = ("name", "description", "ownerUserIds", "ownerGroupIds")
        given = {name: body[name] for name in names if name in body}
        kept = {**row["fields"], **self.common(call, {**row["fields"], **given})}
        self._unique(call, kept, "", row["id"])
        return Response.json(self.shown(call, self.put(call, row, fields=kept)))


class ManagedUsers(_Accounts):
    """``/privileged-access/api/v1/okta-service-accounts``: users whose password is managed."""

    name = "managed_users"
    kind = "OktaManagedUserAccount"
    path = _BASE + "/okta-service-accounts/{id}"
    created_status = 201
    match_fields = ("name", "username")

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A user there is, once."""
        kept = self.common(call, body)
        user = find_user(call, checked(call, body, "oktaUserId:str!")["oktaUserId"])
        for row in self.rows(call.twin):
            if row["fields"]["oktaUserId"] == user["id"]:
                raise errors.invalid(call, "oktaUserId", "The user is managed already.")
        return {**kept, "oktaUserId": user["id"]}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With the user's login."""
        user = call.twin["users"].get(row["fields"]["oktaUserId"])
        profile = user["profile"] if user is not None else {"login": "", "email": ""}
        return {
            "id": row["id"],
            **row["fields"],
            "username": profile["login"],
            "email": profile["email"],
            "status": "NO_ISSUES",
            "statusDetail": "STAGED",
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
        }


class ServiceAccounts(_Accounts):
    """``/privileged-access/api/v1/service-accounts``: accounts of an application."""

    name = "service_accounts"
    kind = "AppServiceAccount"
    path = _BASE + "/service-accounts/{id}"
    match_fields = ("name", "username", "containerInstanceName", "containerGlobalName")

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Of an application there is (``orn:okta:idp:{org}:apps:{name}:{id}``)."""
        kept = self.common(call, body)
        more = checked(call, body, "containerOrn:str! username:str! password:str!")
        more.pop("password")
        parts = more["containerOrn"].split(":")
        if len(parts) != 7 or parts[4] != "apps":
            raise errors.invalid(call, "containerOrn", f"containerOrn: {BLANK}")
        APPS.by_key(call, parts[6])
        return {**kept, **more}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With the application's names; never the password."""
        app = call.twin["things"].get(("apps", row["fields"]["containerOrn"].rpartition(":")[2]))
        return {
            "id": row["id"],
            **row["fields"],
            "containerInstanceName": app["fields"]["label"] if app is not None else "",
            "containerGlobalName": app["fields"]["name"] if app is not None else "",
            "status": "NO_ISSUES",
            "statusDetail": "STAGED",
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
        }


RESOURCES: Final = (ManagedUsers(), ServiceAccounts())
