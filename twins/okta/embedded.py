"""What ``expand`` embeds into a user: classification and blocks."""

from typing import Any

from factory_tui.universe import Call, Row

__all__ = ["classification_of", "expanded"]


def classification_of(call: Call, user: Row) -> dict[str, Any]:
    """STANDARD since the user was made, unless somebody has said otherwise."""
    row = call.twin["things"].get(("classifications", user["id"]))
    if row is None:
        return {"type": "STANDARD", "lastUpdated": user["created"]}
    return {**row["fields"], "lastUpdated": row["lastUpdated"]}


def expanded(call: Call, user: Row, shown: dict[str, Any]) -> dict[str, Any]:
    """The user with what the query's ``expand`` names; other words are ignored, as at Okta."""
    words = call.request.query.get("expand", "").split(",")
    found: dict[str, Any] = {}
    if "blocks" in words:
        found["blocks"] = []
    if "classification" in words:
        found["classification"] = classification_of(call, user)
    return {**shown, "_embedded": found} if found else shown
