"""What the SCIM API says about itself: its abilities and the attributes of its resources."""

from typing import Any, Final

from .scim_common import Scim

__all__ = ["described"]

_WORDS: Final = {
    "User": {
        "userName": "string",
        "nickName": "string",
        "displayName": "string",
        "externalId": "string",
        "profileUrl": "string",
        "title": "string",
        "timezone": "string",
        "active": "boolean",
    },
    "Group": {"displayName": "string"},
}
_PARTS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "User": {
        "name": ("givenName", "familyName", "honorificPrefix"),
        "emails": ("value", "type", "primary"),
        "photos": ("value", "type"),
        "addresses": (
            "streetAddress",
            "locality",
            "region",
            "postalCode",
            "country",
            "primary",
        ),
        "phoneNumbers": ("value", "type", "primary"),
        "roles": ("value", "type", "primary"),
        "groups": ("value", "display"),
    },
    "Group": {"members": ("value", "display")},
}
_REQUIRED: Final = frozenset({"userName", "emails", "displayName of Group"})
_READ_ONLY: Final = frozenset({"photos", "groups", "profileUrl"})


def described(s: Scim, kind: str, key: str) -> dict[str, Any] | None:
    """The document at that place, ``None`` when there is none."""
    if kind in ("ServiceProviderConfigs", "ServiceProviderConfig") and not key:
        return _abilities(s)
    if kind == "Schemas":
        if key in ("Users", "Groups"):
            return _schema(s, key.removesuffix("s"))
        if not key:
            return _listed(s, [_schema(s, "User"), _schema(s, "Group")])
    if kind == "ResourceTypes" and not key and s.newer:
        return _listed(s, [_resource_type(s, "User"), _resource_type(s, "Group")])
    return None


def _listed(s: Scim, resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schemas": [s.list_schema],
        "totalResults": len(resources),
        "itemsPerPage": len(resources),
        "startIndex": 1,
        "Resources": resources,
    }


def _abilities(s: Scim) -> dict[str, Any]:
    no = {"supported": False}
    found: dict[str, Any] = {
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "Authentication scheme using the OAuth Bearer Token standard",
                "specUrl": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": 1000},
        "changePassword": no,
        "sort": no,
        "etag": no,
    }
    if s.newer:
        schema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
        return {"schemas": [schema], **found}
    return {**found, "xmlDataFormat": no}


def _attribute(kind: str, name: str, what: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": what,
        "multiValued": False,
        "readOnly": name in _READ_ONLY,
        "required": name in _REQUIRED or f"{name} of {kind}" in _REQUIRED,
        "caseExact": False,
        **more,
    }


def _schema(s: Scim, kind: str) -> dict[str, Any]:
    attributes = [_attribute(kind, name, what) for name, what in _WORDS[kind].items()]
    for name, parts in _PARTS[kind].items():
        inner = [
            _attribute("", part, "boolean" if part == "primary" else "string") for part in parts
        ]
        many = name != "name"
        more = {"multiValued": many, "subAttributes": inner}
        attributes.append(_attribute(kind, name, "complex", **more))
    return {
        "id": s.schema(kind) if s.newer else f"{s.schema(kind)}:{kind}",
        "name": kind,
        "description": f"{'Accounts' if kind == 'User' else 'User groups'} of the workspace",
        "schema": s.schema(kind),
        "endpoint": f"/{kind}s",
        "attributes": attributes,
    }


def _resource_type(s: Scim, kind: str) -> dict[str, Any]:
    base = s.c.call.request.base_url
    found: dict[str, Any] = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind,
        "name": kind,
        "endpoint": f"/{kind}s",
        "description": f"{'Accounts' if kind == 'User' else 'User groups'} of the workspace",
        "schema": s.schema(kind),
        "meta": {
            "location": f"{base}/scim/v2/ResourceTypes/{kind}",
            "resourceType": "ResourceType",
        },
    }
    if kind == "User":
        found["schemaExtensions"] = [{"schema": s.enterprise, "required": False}]
    return found
