"""search.*: what a person may read, by words and modifiers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from factory_tui.universe import Row

from .conversations import visible
from .errors import SlackError
from .files import file_shape, may_see
from .history import ts_number
from .method import Context, method
from .state import channel_of, unescape

_TERM = re.compile(r'(-?)(?:(\w+):)?("[^"]*"|\S+)')
_DAYS: Final = {"today": 0, "yesterday": -1}
Check = Callable[[Row], bool]


def _terms(query: str) -> list[tuple[bool, str, str]]:
    return [(m[1] == "-", (m[2] or "").lower(), m[3].strip('"')) for m in _TERM.finditer(query)]


def _day(c: Context, text: str) -> datetime | None:
    now = c.twin.clock.now()
    if text.lower() in _DAYS:
        now += timedelta(days=_DAYS[text.lower()])
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    for shape in ("%Y-%m-%d", "%m/%d/%Y", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _people(c: Context, name: str) -> set[str]:
    wanted = name.lstrip("@").lower()
    if wanted == "me":
        return {c.user}
    wanted = wanted.strip("<>@")
    return {
        str(row["id"])
        for row in c["users"].rows()
        if wanted in (row["id"].lower(), row["name"].lower(), row["display"].lower())
        or wanted == f"{row['first']} {row['last']}".strip().lower()
    }


def _when(c: Context, kind: str, value: str) -> Check:
    day = _day(c, value)
    if day is None:
        return lambda row: False
    start = day.timestamp()
    end = (day + timedelta(days=1)).timestamp()

    def at(row: Row) -> float:
        return float(row["ts"]) if "ts" in row else float(row["created"])

    if kind == "before":
        return lambda row: at(row) < start
    if kind == "after":
        return lambda row: at(row) >= end
    return lambda row: start <= at(row) < end


def _rooms(row: Row) -> list[str]:
    return [row["channel"]] if "channel" in row else list(row["channels"])


def _check(c: Context, kind: str, value: str) -> Check:
    """One modifier or word as a test of a message or file row."""
    if kind == "from":
        users = _people(c, value)
        return lambda row: row["user"] in users
    if kind == "in":
        room = channel_of(c.twin, value.lstrip("#")) or c["channels"].get(value.strip("<>#"))
        return lambda row: room is not None and room["id"] in _rooms(row)
    if kind in ("before", "after", "on", "during"):
        return _when(c, kind, value)
    if kind == "has":
        return lambda row: _has(c, row, value.lower())
    if kind == "is" and value == "thread":
        return lambda row: bool(row.get("thread_ts"))
    word = (f"{kind}:{value}" if kind else value).lower()
    prefix = word.endswith("*") and len(word) > 3
    stem = re.escape(word.rstrip("*") if prefix else word)
    pattern = re.compile(rf"(?<!\w){stem}" + ("" if prefix else r"(?!\w)"))
    return lambda row: pattern.search(_words(row)) is not None


def _words(row: Row) -> str:
    if "text" in row:
        return unescape(str(row["text"])).lower()
    return f"{row['name']} {row['title']}".lower().replace("_", " ").replace(".", " ")


def _has(c: Context, row: Row, what: str) -> bool:
    if what == "link":
        return "http://" in row.get("text", "") or "https://" in row.get("text", "")
    if what == "pin":
        return "ts" in row and (row["channel"], row["ts"]) in c["pins"]
    if what == "reaction":
        return bool(row.get("reactions"))
    name = what.strip(":")
    return any(item["name"] == name for item in row.get("reactions", ()))


def _search(c: Context, rows: list[Row]) -> tuple[list[Row], dict[str, Any]]:
    """The page asked for and its numbers."""
    query = c.args.need("query", "no_query")
    checks = [(not_, _check(c, kind, value)) for not_, kind, value in _terms(query)]
    found = [row for row in rows if all(check(row) != not_ for not_, check in checks)]
    newest = c.args.text("sort_dir", "desc") != "asc"
    found.sort(
        key=lambda row: ts_number(row["ts"]) if "ts" in row else row["created"], reverse=newest
    )
    size = c.twin.page_size(c.args.number("count"), 20, 100)
    page = max(1, c.args.number("page", 1) or 1)
    start, total = (page - 1) * size, len(found)
    pages = -(-total // size)
    part = found[start : start + size]
    first = start + 1 if part else 0
    numbers = {
        "total": total,
        "pagination": {
            "total_count": total,
            "page": page,
            "per_page": size,
            "page_count": pages,
            "first": first,
            "last": start + len(part) if part else 0,
        },
        "paging": {"count": size, "total": total, "page": page, "pages": pages},
    }
    return part, numbers


def _messages(c: Context) -> dict[str, Any]:
    rows = [
        row
        for row in c["messages"].rows()
        if row["channel"] in c["channels"]
        and visible(c, c["channels"][row["channel"]])
        and not str(row.get("subtype", "")).startswith(("channel_", "group_", "tombstone"))
    ]
    page, numbers = _search(c, rows)
    return {**numbers, "matches": [_match(c, row) for row in page]}


def _match(c: Context, row: Row) -> dict[str, Any]:
    channel = c["channels"][row["channel"]]
    user = c["users"].get(row["user"])
    text = str(row["text"])
    if c.args.flag("highlight"):
        for not_, kind, value in _terms(c.args.text("query")):
            if not not_ and not kind:
                text = re.sub(re.escape(value), lambda m: f"\ue000{m[0]}\ue001", text, flags=re.I)
    number = ts_number(row["ts"])
    return {
        "iid": f"{row['channel']}-{row['ts']}",
        "team": c.team["id"],
        "score": 0,
        "channel": {
            "id": channel["id"],
            "name": channel["name"] or channel.get("user", ""),
            "is_channel": channel["kind"] == "channel",
            "is_group": False,
            "is_im": channel["kind"] == "im",
            "is_mpim": channel["kind"] == "mpim",
            "is_private": channel["private"],
            "is_shared": False,
            "is_org_shared": False,
            "is_ext_shared": False,
            "is_pending_ext_shared": False,
            "pending_shared": [],
        },
        "type": "im" if channel["kind"] == "im" else "message",
        "user": row["user"],
        "username": user["name"] if user else "",
        "ts": row["ts"],
        "text": text,
        "permalink": f"https://{c.team['domain']}.slack.com/archives/{channel['id']}/p{number}",
        "no_reactions": not row.get("reactions"),
    }


def _files(c: Context) -> dict[str, Any]:
    page, numbers = _search(c, [row for row in c["files"].rows() if may_see(c, row)])
    return {**numbers, "matches": [file_shape(c, row) for row in page]}


def _query(c: Context) -> str:
    query = c.args.need("query", "no_query")
    if len(query) > 1000:
        raise SlackError("query_too_long")
    return query


@method("search.messages", "search:read", "search:read.public", kinds=("user",))
def messages(c: Context) -> dict[str, Any]:
    """Messages, the newest first."""
    return {"query": _query(c), "messages": _messages(c)}


@method("search.files", "search:read", "search:read.files", kinds=("user",))
def files(c: Context) -> dict[str, Any]:
    """Files by name and title."""
    return {"query": _query(c), "files": _files(c)}


@method("search.all", "search:read", kinds=("user",))
def both(c: Context) -> dict[str, Any]:
    """Messages and files."""
    query = _query(c)
    empty: dict[str, Any] = {"matches": [], "total": 0, "paging": {}, "pagination": {}}
    return {"query": query, "messages": _messages(c), "files": _files(c), "posts": empty}
