"""Groups as fields, grants and queries refer to them: by name, or by an id made from it."""

from hashlib import blake2b
from typing import Any
from uuid import UUID

from .context import Context

__all__ = ["group_id", "group_named", "group_names", "group_reference"]


def group_id(c: Context, name: str) -> str:
    """The id of a group."""
    table = c.twin.tables.get("groups")
    row = table.get(name) if table is not None else None
    if row is not None and row.get("id"):
        return str(row["id"])
    return str(UUID(bytes=blake2b(name.encode("utf-8", "replace"), digest_size=16).digest()))


def group_names(c: Context) -> list[str]:
    """Every group there is, by name."""
    found = {str(name) for row in c["users"].rows() for name in row["groups"]}
    table = c.twin.tables.get("groups")
    if table is not None:
        found |= {str(row["name"]) for row in table.rows()}
    return sorted(found)


def group_reference(c: Context, name: str) -> dict[str, Any]:
    """A group as a field shows it."""
    key = group_id(c, name)
    shape = {"name": name, "self": f"{c.api}/group?groupId={key}"}
    return {**shape, "groupId": key} if c.cloud else {"name": name, "self": f"{c.api}/group"}


def group_named(c: Context, reference: Any) -> str | None:
    """The name of the group that ``{"name"}`` or ``{"groupId"}`` means, or ``None``."""
    if not isinstance(reference, dict):
        return None
    for name in group_names(c):
        if reference.get("groupId") == group_id(c, name) or reference.get("name") == name:
            return name
    return None
