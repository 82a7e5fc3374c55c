"""Profile schemas of users, groups and applications, with custom attributes."""

import re
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import errors, seeds
from .apps import APPS
from .base import body_object, now
from .fields import INVALID
from .resource import Resource, put_thing, rows_of

__all__ = ["RESOURCES"]

_TYPES: Final = ("string", "boolean", "number", "integer", "array", "country_code", "language_code")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_USER: Final = """
login:Username:100 firstName:First name:50 lastName:Last name:50 middleName:Middle name:
honorificPrefix:Honorific prefix: honorificSuffix:Honorific suffix: email:Primary email:100
title:Title: displayName:Display name: nickName:Nickname: profileUrl:Profile Url:
secondEmail:Secondary email:100 mobilePhone:Mobile phone:100 primaryPhone:Primary phone:100
streetAddress:Street address: city:City: state:State: zipCode:Zip code:50
countryCode:Country code: postalAddress:Postal Address:4096 preferredLanguage:Preferred language:
locale:Locale: timezone:Time zone: userType:User type: employeeNumber:Employee number:
costCenter:Cost center: organization:Organization: division:Division: department:Department:
managerId:ManagerId: manager:Manager:
"""
_ENTRY: Final = re.compile(r"(\w+):([^:]+):(\d*)\s")
_SELF: Final = [{"principal": "SELF", "action": "READ_WRITE"}]
_BASES: Final = {
    "group": "name:Name:255 description:Description:1024 ",
    "user": _USER,
    "app": "userName:Username:100 ",
}
_NEEDED: Final = {
    "group": ("name",),
    "user": ("login", "firstName", "lastName", "email"),
    "app": ("userName",),
}


_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "Username": {"minLength": 5},
    "First name": {"minLength": 1},
    "Last name": {"minLength": 1},
    "Primary email": {"format": "email", "minLength": 5},
    "Secondary email": {"format": "email", "minLength": 5},
}
"""What base attributes ask for besides a length."""


def _attribute(title: str, longest: str, needed: bool, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"title": title, "type": "string"} | more
    if needed:
        found["required"] = True
    found |= {"mutability": "READ_WRITE", "scope": "NONE"}
    found |= _FORMATS.get(title, {})
    if longest:
        found["maxLength"] = int(longest)
    return found | {"permissions": _SELF, "master": {"type": "PROFILE_MASTER"}}


def _base(kind: str) -> dict[str, Any]:
    about = {"group": True}.get(kind, False)
    return {
        name: _attribute(
            title,
            longest,
            name in _NEEDED[kind],
            **({"description": title} if about else {}),
        )
        for name, title, longest in _ENTRY.findall(_BASES[kind])
    }


class ProfileSchemas(Resource):
    """``/api/v1/meta/schemas``."""

    name = "schemas"
    kind = "Schema"
    path = "/api/v1/meta/schemas/group/default"
    verbs: ClassVar[str] = ""

    @route("GET", "/api/v1/meta/schemas/group/default", "")
    @route("POST", "/api/v1/meta/schemas/group/default", "")
    def group(self, call: Call) -> Response:
        """Of groups."""
        return self._answer(call, "group", "default", "Okta group", "Okta group profile template")

    @route("GET", "/api/v1/meta/schemas/user/{schemaId}", "")
    @route("POST", "/api/v1/meta/schemas/user/{schemaId}", "")
    def user(self, call: Call) -> Response:
        """Of a type of users, by ``default`` or the id in the type's link."""
        key = call.params["schemaId"]
        wanted = seeds.USER_TYPE if key == "default" else f"oty{key[3:]}"
        if wanted not in call.twin["types"]:
            raise errors.not_found(call, key, "UserSchema")
        about = "Okta user profile template with default permission settings"
        return self._answer(call, "user", f"osc{wanted[3:]}", "User", about)

    @route("GET", "/api/v1/meta/schemas/apps/{appId}/default", "")
    @route("POST", "/api/v1/meta/schemas/apps/{appId}/default", "")
    def app(self, call: Call) -> Response:
        """Of an application's users."""
        row = APPS.find(call)
        title = f"{row['fields']['label']} User"
        return self._answer(call, "app", row["id"], title, f"{title} profile template")

    def _answer(self, call: Call, kind: str, key: str, title: str, about: str) -> Response:
        row = call.twin["things"].get(("schemas", f"{kind}/{key}"))
        if row is None:
            row = _fresh(call.twin, kind, key)
        if call.request.method == "POST":
            row = self._changed(call, row, kind)
        names = {"group": "group/default", "user": f"user/{key}", "app": f"apps/{key}/default"}
        base = call.request.base_url
        custom, fixed = row["fields"]["custom"], row["fields"]["base"]
        href = f"{base}/api/v1/meta/schemas/{names[kind]}"
        links: dict[str, Any] = {"self": {"rel": "self", "href": href, "method": "GET"}}
        if kind == "user":
            of = f"{base}/api/v1/meta/types/user/oty{key[3:]}"
            links["type"] = {"rel": "type", "href": of, "method": "GET"}
        return Response.json(
            {
                "id": f"{base}/meta/schemas/{names[kind]}",
                "$schema": "http://json-schema.org/draft-04/schema#",
                "name": {"app": "appuser"}.get(kind, kind),
                "title": title,
                "description": about,
                "lastUpdated": row["lastUpdated"],
                "created": row["created"],
                "definitions": {
                    "custom": {
                        "id": "#custom",
                        "type": "object",
                        "properties": custom,
                        "required": _required(custom),
                    },
                    "base": {
                        "id": "#base",
                        "type": "object",
                        "properties": fixed,
                        "required": _required(fixed),
                    },
                },
                "type": "object",
                "properties": {
                    "profile": {
                        "allOf": [{"$ref": "#/definitions/custom"}, {"$ref": "#/definitions/base"}]
                    }
                },
                "_links": links,
            }
        )

    def _changed(self, call: Call, row: Row, kind: str) -> Row:
        """Custom attributes come and go (``null``); of the others some settings may change."""
        definitions = body_object(call).get("definitions")
        if not isinstance(definitions, dict):
            raise errors.invalid(call, "definitions", f"definitions: {INVALID}")
        fields = {part: dict(row["fields"][part]) for part in ("custom", "base")}
        for part in ("custom", "base"):
            given = definitions.get(part)
            properties = given.get("properties", {}) if isinstance(given, dict) else {}
            if not isinstance(properties, dict):
                raise errors.invalid(call, part, f"{part}: {INVALID}")
            for name, value in properties.items():
                if value is None and part == "custom":
                    if fields["custom"].pop(name, None) is not None:
                        _forget(call.twin, kind, row["id"], name)
                elif not isinstance(value, dict):
                    raise errors.invalid(call, name, f"{name}: {INVALID}")
                elif part == "base":
                    if name not in fields["base"]:
                        raise errors.invalid(call, name, f"{name}: is no base attribute")
                    fields["base"][name] = {**fields["base"][name], **value}
                else:
                    if name in fields["base"]:
                        raise errors.invalid(call, name, f"{name}: is a base attribute")
                    fields["custom"][name] = _checked(call, name, value, fields["custom"].get(name))
        stamped = {**row, "fields": fields, "lastUpdated": now(call)}
        call.twin["things"].put(("schemas", row["key"]), stamped)
        return stamped


def _checked(call: Call, name: str, value: Row, old: Row | None) -> Row:
    if not _NAME.fullmatch(name) or len(name) > 128:
        sentence = f"{name[:60]}: the name may hold letters, digits and underscores"
        raise errors.invalid(call, name[:60], sentence)
    kept = {**(old or {}), **value}
    if not isinstance(kept.get("title"), str) or not kept["title"]:
        raise errors.invalid(call, "title", f"{name}: title: The field cannot be left blank")
    if kept.get("type") not in _TYPES or (old is not None and old["type"] != kept["type"]):
        raise errors.invalid(call, "type", f"{name}: type: {INVALID}")
    if not kept.get("required"):
        kept.pop("required", None)
    return {
        **{n: kept[n] for n in ("title", "description", "type") if n in kept},
        "mutability": "READ_WRITE",
        "scope": "NONE",
        **{n: v for n, v in kept.items() if n not in ("title", "description", "type")},
        "permissions": kept.get("permissions", _SELF),
        "master": kept.get("master", {"type": "PROFILE_MASTER"}),
    }


def _forget(twin: Twin, kind: str, key: str, name: str) -> None:
    """Take an attribute that is no more out of all profiles."""
    if kind == "app":
        for row in rows_of(twin, "app_users", key):
            profile = {n: value for n, value in row["fields"]["profile"].items() if n != name}
            fields = {**row["fields"], "profile": profile}
            twin["things"].put(("app_users", row["key"]), {**row, "fields": fields})
        return
    table = twin["users" if kind == "user" else "groups"]
    for row in list(table.rows()):
        if name in row["profile"] and (kind == "group" or row["type"][3:] == key[3:]):
            profile = {n: value for n, value in row["profile"].items() if n != name}
            table.put(row["id"], {**row, "profile": profile})


def _required(properties: Row) -> list[str]:
    return [name for name, value in properties.items() if value.get("required")]


def _fresh(twin: Twin, kind: str, key: str) -> Row:
    fields = {"custom": {}, "base": _base(kind)}
    return put_thing(twin, "schemas", "", fields, kind, id=key, keyed=True)


RESOURCES: Final = (ProfileSchemas(),)
