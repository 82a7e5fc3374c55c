"""What SCIM's users and groups share: who asks in which version, errors, dates, patches."""

import re
from datetime import UTC, datetime
from typing import Any, Final

from .method import Context

__all__ = ["Scim", "ScimError", "apply_operations"]

_CORE_1: Final = "urn:scim:schemas:core:1.0"
_CORE_2: Final = "urn:ietf:params:scim:schemas:core:2.0:"
_PATH: Final = re.compile(r'([A-Za-z]\w*)(?:\[[^\]]*"([^"]*)"\s*\])?(?:\.(\w+))?\Z')


class ScimError(Exception):
    """An error of the SCIM API.

    Args:
        status: The HTTP status, which the body repeats as ``code``.
        description: Slack's word for it, ``user_not_found``.
    """

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


class Scim:
    """One request: its context and the version it speaks (``v1``, ``v2``)."""

    def __init__(self, c: Context, version: str) -> None:
        self.c = c
        self.version = version
        self.newer = version == "v2"

    @property
    def list_schema(self) -> str:
        """The schema of a list of resources."""
        return "urn:ietf:params:scim:api:messages:2.0:ListResponse" if self.newer else _CORE_1

    def schema(self, kind: str) -> str:
        """The schema of a ``User`` or ``Group``."""
        return f"{_CORE_2}{kind}" if self.newer else _CORE_1

    @property
    def enterprise(self) -> str:
        """The schema of the attributes that companies add to accounts."""
        if self.newer:
            return "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
        return "urn:scim:schemas:extension:enterprise:1.0"

    def meta(self, kind: str, key: str, created: int) -> dict[str, str]:
        """When a resource was made and where it is."""
        when = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        base = self.c.call.request.base_url
        return {"created": when, "location": f"{base}/scim/{self.version}/{kind}/{key}"}


def apply_operations(operations: Any) -> dict[str, Any]:
    """SCIM 2.0's patch operations as one set of attributes, as far as they set values.

    ``add`` and ``replace`` set; ``remove`` sets ``None``. A path may name a sub-attribute
    (``name.givenName``) or one item of a list (``emails[type eq "work"].value``).

    Raises :class:`ScimError` ``invalid_syntax``.
    """
    if not isinstance(operations, list):
        raise ScimError(400, "invalid_syntax")
    found: dict[str, Any] = {}
    for operation in operations:
        if not isinstance(operation, dict):
            raise ScimError(400, "invalid_syntax")
        verb = str(operation.get("op", "")).lower()
        path, value = operation.get("path"), operation.get("value")
        if verb not in ("add", "replace", "remove") or not isinstance(path, str | None):
            raise ScimError(400, "invalid_syntax")
        if not path:
            if not isinstance(value, dict) or verb == "remove":
                raise ScimError(400, "invalid_syntax")
            found |= value
            continue
        _set(found, path, None if verb == "remove" else value)
    return found


def _set(found: dict[str, Any], path: str, value: Any) -> None:
    if path.startswith("urn:"):
        schema, _, name = path.rpartition(":")
        kept = found.get(schema)
        found[schema] = {**(kept if isinstance(kept, dict) else {}), name: value}
        return
    match = _PATH.match(path)
    if match is None:
        raise ScimError(400, "invalid_path")
    name, kind, part = match.groups()
    if kind is not None:
        item = {"type": kind, part or "value": value}
        found.setdefault(name, [])
        if isinstance(found[name], list):
            found[name] = [*found[name], item]
    elif part:
        kept = found.get(name)
        found[name] = {**(kept if isinstance(kept, dict) else {}), part: value}
    else:
        found[name] = value
