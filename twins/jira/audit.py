"""auditing/record: what administrators changed."""

from typing import Any

from factory_tui.universe import Response, iso, parse_time

from .context import Context, operation, reply
from .errors import JiraError
from .state import new_id

__all__ = ["record"]


def record(c: Context, category: str, summary: str, kind: str, key: str, name: str) -> None:
    """Note a change of the site: ``record(c, "user management", "User created", "USER", …)``."""
    number = new_id(c.twin, "audit", 1)
    c["audit"].put(
        number,
        {
            "id": number,
            "category": category,
            "summary": summary,
            "author": c.me,
            "at": iso(c.twin.clock.now()),
            "kind": kind,
            "key": key,
            "name": name,
        },
    )


@operation("GET", "/auditing/record", "getAuditRecords")
def records(c: Context) -> Response:
    """The audit log, newest first, filtered by words and time."""
    c.need_admin("You do not have permission to access the audit log.")
    offset = c.query_number("offset", 0) or 0
    limit = c.page_size(c.query_number("limit"), 1000, 1000)
    rows = list(c["audit"].rows())[::-1]
    for word in c.query("filter").lower().split():
        rows = [r for r in rows if word in f"{r['summary']} {r['category']} {r['name']}".lower()]
    for name, later in (("from", True), ("to", False)):
        text = c.query(name)
        if not text:
            continue
        try:
            moment = iso(parse_time(text))
        except ValueError as error:
            raise JiraError(400, f"The value of '{name}' is not a valid date.") from error
        rows = [row for row in rows if (row["at"] >= moment if later else row["at"] <= moment)]
    shapes = []
    for row in rows[max(0, offset) :][:limit]:
        item: dict[str, Any] = {"id": row["key"], "name": row["name"], "typeName": row["kind"]}
        shapes.append(
            {
                "id": int(row["id"]),
                "summary": row["summary"],
                "authorKey": row["author"],
                "created": row["at"].replace("Z", "+0000"),
                "category": row["category"],
                "eventSource": "",
                "objectItem": item,
                "associatedItems": [],
                "changedValues": [],
            }
        )
    return reply({"offset": offset, "limit": limit, "total": len(rows), "records": shapes})
