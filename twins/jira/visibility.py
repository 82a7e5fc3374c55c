"""Whom comments and worklogs are for: everybody, or one role or group that the author is in."""

from typing import Any

from factory_tui.universe import Row

from .context import Context
from .errors import JiraError, bad_field
from .groups_of import group_id, group_named
from .permits import speaks_for

__all__ = ["sent_visibility"]


def sent_visibility(c: Context, issue: Row, payload: dict[str, Any]) -> dict[str, Any] | None:
    """The ``visibility`` of a body as it is stored; ``None`` is everybody. Raises 400."""
    sent = payload.get("visibility")
    if not sent:
        return None
    if not isinstance(sent, dict) or sent.get("type") not in ("role", "group"):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    named = str(sent.get("identifier") or sent.get("value") or "")
    if sent["type"] == "role":
        roles = [row for row in c["roles"].rows() if named in (row["id"], row["name"])]
        if not roles:
            raise bad_field("commentLevel", f"The project role '{named[:60]}' does not exist.")
        name = identifier = str(roles[0]["name"])
        member = speaks_for(c, roles[0]["id"], issue["project"])
        noun = "project role"
    else:
        found = group_named(c, {"groupId": named}) or group_named(c, {"name": named})
        if found is None:
            raise bad_field("commentLevel", f"Group: {named[:60]} does not exist.")
        name, identifier = found, group_id(c, found)
        member = c.user is not None and found in c.user["groups"]
        noun = "group"
    if not member:
        raise bad_field("commentLevel", f"You are currently not a member of the {noun}: {name}.")
    stored = {"type": sent["type"], "value": name}
    return {**stored, "identifier": identifier} if c.cloud else stored
