"""team.accessLogs, migration.exchange and files.comments.delete."""

from typing import Any, Final

from factory_tui.universe import Row

from .errors import SlackError
from .files import file_of
from .method import Context, method

MAX_PAGES: Final = 100


def _logins(c: Context) -> list[Row]:
    """Who has come in and when: everybody once, on the day their account was made."""
    rows = []
    for n, row in enumerate(c["users"].rows(), 1):
        if row["bot"]:
            continue
        rows.append(
            {
                "n": n,
                "user_id": row["id"],
                "username": row["name"],
                "date_first": row["updated"],
                "date_last": row["updated"],
                "count": 1,
                "ip": f"203.0.113.{n % 254 + 1}",
                "user_agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                "isp": "Example ISP",
                "country": "US",
                "region": "CA",
            }
        )
    return rows


@method("team.accessLogs", "admin", kinds=("user",))
def access_logs(c: Context) -> dict[str, Any]:
    """When people came in, in numbered pages or, with ``limit``, by cursor."""
    if not c["users"][c.user]["admin"]:
        raise SlackError("no_permission")
    before = c.args.text("before")
    if before and before != "now" and not before.isdecimal():
        raise SlackError("invalid_arguments", "[ERROR] must be an integer [json-pointer:/before]")
    latest = int(before) if before.isdecimal() else c.now
    rows = [row for row in _logins(c) if row["date_first"] <= latest]

    def shown(items: list[Row]) -> list[Row]:
        return [{name: row[name] for name in row if name != "n"} for row in items]

    if "limit" in c.args or "cursor" in c.args:
        page, metadata = c.page(rows, "access_log", default=100)
        return {"logins": shown(page), "response_metadata": metadata}
    size, number = c.args.number("count", 100) or 100, c.args.number("page", 1) or 1
    if size > 1000 or number > MAX_PAGES or size < 1 or number < 1:
        raise SlackError("over_pagination_limit")
    size = c.twin.page_size(size, 100, 1000)
    start, pages = (number - 1) * size, -(-len(rows) // size)
    paging = {"count": size, "total": len(rows), "page": number, "pages": pages}
    return {"logins": shown(rows[start : start + size]), "paging": paging}


@method("migration.exchange", "tokens.basic")
def exchange_ids(c: Context) -> dict[str, Any]:
    """Ids of people in an Enterprise organisation, which this workspace is not part of."""
    users = c.args.items("users")
    if not users:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: users")
    if len(users) > 400:
        raise SlackError("too_many_users")
    raise SlackError("not_enterprise_team")


@method("files.comments.delete", "files:write")
def delete_comment(c: Context) -> dict[str, Any]:
    """Comments on files are gone since 2018, so there is none to delete."""
    file_of(c)
    c.args.need("id", "comment_not_found")
    raise SlackError("comment_not_found")
