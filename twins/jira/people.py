"""Finding accounts: what the searches and pickers of users share."""

from html import escape
from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, reply
from .shapes import user_shape

__all__ = ["found_users", "picked_users", "user_page"]


def found_users(c: Context, needle: str) -> list[Row]:
    """Active accounts one of whose names, or whose email, starts with ``needle``."""
    lowered = needle.lower()
    rows = []
    for row in c["users"].rows():
        name = f"{row['first']} {row['last']}".lower()
        texts = [name, *name.split(), row["email"].lower()]
        # Cloud finds an account by its whole id too.
        texts.append(row["name"] if not c.cloud else row["id"] if lowered == row["id"] else name)
        if row["active"] and any(text.startswith(lowered) for text in texts):
            rows.append(row)
    return rows


def user_page(c: Context, rows: list[Row]) -> Response:
    """A page that is a bare list, as the searches of users answer."""
    start, size = c.page(50, 1000)
    return reply([user_shape(c, row["id"]) for row in rows[start : start + size]])


def _set_off(c: Context, row: Row, name: str) -> str:
    """How a picker shows an account: what was asked for is bold."""
    asked = c.query("query")
    texts = [name] if c.cloud else [name, row["email"], f"({row['name']})"]
    shown = []
    for text in texts:
        at = text.lower().find(asked.lower()) if asked else -1
        end = at + len(asked)
        bold = f"{escape(text[:at])}<strong>{escape(text[at:end])}</strong>{escape(text[end:])}"
        shown.append(bold if at >= 0 else escape(text))
    return " - ".join(shown[:2]) + "".join(f" {one}" for one in shown[2:])


def picked_users(c: Context, rows: list[Row]) -> dict[str, Any]:
    """Accounts for a picker, with the match set off in their html."""
    size = c.page_size(c.query_number("maxResults"), 50, 1000)
    left_out = {v for k, v in c.call.request.query_pairs if k in ("exclude", "excludeAccountIds")}
    rows = [row for row in rows if row["id"] not in left_out and row["name"] not in left_out]
    users: list[dict[str, Any]] = []
    for row in rows[:size]:
        name = f"{row['first']} {row['last']}".strip()
        shape: dict[str, Any] = {"displayName": name, "html": _set_off(c, row, name)}
        if c.cloud:
            shape = {"accountId": row["id"], "accountType": "app" if row["app"] else "atlassian",
                     **shape}  # fmt: skip
        else:
            shape = {"name": row["name"], "key": row["name"], **shape}
        if c.query_flag("showAvatar"):
            base = c.call.request.base_url
            shape["avatarUrl"] = f"{base}/secure/useravatar?size=16&ownerId={row['name']}"
        users.append(shape)
    header = f"Showing {len(users)} of {len(rows)} matching users"
    return {"users": users, "total": len(rows), "header": header}
