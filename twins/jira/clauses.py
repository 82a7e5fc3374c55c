"""The fields that JQL knows: what they hold, which operators fit, how they sort."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from . import dates
from .adf import plain
from .context import Context
from .customtypes import TYPES
from .fields import fields_of
from .ranks import rank_of

__all__ = [
    "CLAUSES",
    "EQUAL",
    "HISTORY",
    "IS",
    "ORDERED",
    "TEXT",
    "Searched",
    "clause_named",
    "clauses_named",
    "clauses_of",
]

EQUAL: Final = frozenset({"=", "!=", "in", "not in"})
IS: Final = frozenset({"is", "is not"})
ORDERED: Final = frozenset({"<", ">", "<=", ">="})
TEXT: Final = frozenset({"~", "!~"})
HISTORY: Final = frozenset({"was", "was not", "was in", "was not in", "changed"})


class Searched(NamedTuple):
    """How JQL sees a field.

    Attributes:
        kind: ``date``, ``text``, ``number``, ``user``, ``label``, ``key``, ``option``, ``group``
            or a table of options.
        values: The field's values in an issue; none when it is empty.
        operators: What may stand between it and a value.
        order: Sort key, ``None`` where Jira cannot sort by it.
        column: The name in the issue's row where ``values`` is just that one value.
        shown: How JQL is completed: the name as people write it.
        field: The custom field's id, "" for the system's.
    """

    name: str
    kind: str
    values: Callable[[Context, Row], list[Any]]
    operators: frozenset[str]
    order: Callable[[Context, Row], Any] | None = None
    column: str = ""
    shown: str = ""
    field: str = ""


def _some(value: Any) -> list[Any]:
    return [] if value is None or value == "" else [value]


def _stored(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: _some(row.get(field))


def _listed(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: list(row.get(field) or ())


def _cascading(field: str) -> Callable[[Context, Row], list[Any]]:
    """Option and option below it; ``10001:none`` stands for one with nothing below it."""

    def values(_c: Context, row: Row) -> list[Any]:
        found = list(row.get(field) or ())
        return [*found, f"{found[0]}:none"] if len(found) == 1 else found

    return values


def _text_of(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: _some(plain(row.get(field)))


def _readable(c: Context, table: str, row: Row) -> list[Row]:
    from .read import readable

    rows = c[table]
    found = (rows[key] for key in rows.find("issue", row["id"]))
    return [one for one in found if readable(c, one)]


def _comments(c: Context, row: Row) -> list[Any]:
    return [plain(one["body"]) for one in _readable(c, "comments", row)]


def _worklogs(field: str) -> Callable[[Context, Row], list[Any]]:
    def values(c: Context, row: Row) -> list[Any]:
        found = [one[field] for one in _readable(c, "worklogs", row)]
        if field == "comment":
            return [plain(one) for one in found if one]
        return [dates.moment(one) for one in found] if field == "started" else found

    return values


def _all_text(c: Context, row: Row) -> list[Any]:
    texts = [row["summary"], plain(row["description"]), plain(row["environment"])]
    for field in _text_fields(c):
        value = row.get(field)
        if value:
            texts.append(plain(value) if isinstance(value, dict) else str(value))
    return [text for text in [*texts, *_comments(c, row)] if text]


def _text_fields(c: Context) -> list[str]:
    found: list[str] | None = c.cache.get("text fields")
    if found is None:
        found = [
            row["id"]
            for row in c["customfields"].rows()
            if not row["trashed"] and TYPES[row["type"]].jql in ("text", "rich")
        ]
        c.cache["text fields"] = found
    return found


def _date_of(field: str) -> Callable[[Context, Row], list[Any]]:
    return lambda _c, row: [dates.moment(row[field])] if row.get(field) else []


def _number_in(table: str, field: str) -> Callable[[Context, Row], Any]:
    return lambda c, row: c[table][row[field]]["n"] if row[field] in c[table] else 99


def _name_in(table: str, field: str) -> Callable[[Context, Row], Any]:
    return lambda c, row: c[table][row[field]]["name"].lower() if row[field] in c[table] else "~"


def _person(field: str) -> Callable[[Context, Row], Any]:
    def key(c: Context, row: Row) -> Any:
        account = row.get(field)
        account = account[0] if isinstance(account, list) and account else account
        user = c["users"].get(account) if account else None
        return f"{user['first']} {user['last']}".lower() if user else "\uffff"

    return key


def _key_order(c: Context, row: Row) -> Any:
    return (c["projects"][row["project"]]["key"], row["n"])


def _first(
    values: Callable[[Context, Row], list[Any]], empty: Any
) -> Callable[[Context, Row], Any]:
    def key(c: Context, row: Row) -> Any:
        found = values(c, row)
        return (0, found[0]) if found else (1, empty)

    return key


def _category(c: Context, row: Row) -> list[Any]:
    return [c["statuses"][row["status"]]["category"]]


def _epic(c: Context, row: Row) -> list[Any]:
    parent = c["issues"].get(row["parent"]) if row["parent"] else None
    above = parent is not None and c["issuetypes"][parent["type"]]["level"] == 1
    return [row["parent"]] if above else []


def _project_category(c: Context, row: Row) -> list[Any]:
    return _some(c["projects"][row["project"]].get("category"))


def _level(c: Context, row: Row) -> list[Any]:
    return [c["issuetypes"][row["type"]]["level"]]


def _attachments(c: Context, row: Row) -> list[Any]:
    return list(c["attachments"].find("issue", row["id"]))


def _link_types(c: Context, row: Row) -> list[Any]:
    from .read import links_of

    found = []
    for shape in links_of(c, row):
        side = "inward" if "inwardIssue" in shape else "outward"
        found += [shape["type"]["name"].lower(), shape["type"][side].lower()]
    return found


def _ratio(_c: Context, row: Row) -> list[Any]:
    from .durations import work_ratio

    return [work_ratio(row["estimate"], row["spent"])] if row["estimate"] else []


def _viewed(c: Context, row: Row) -> list[Any]:
    found = c["views"].get((c.me, row["id"]))
    return [dates.moment(found["when"])] if found else []


def _date(name: str, field: str, shown: str = "") -> Searched:
    values = _date_of(field)
    return Searched(name, "date", values, EQUAL | IS | ORDERED, _first(values, None), field, shown)


def _number(name: str, field: str) -> Searched:
    return Searched(
        name,
        "number",
        lambda _c, row: [len(row[field])] if isinstance(row[field], list) else _some(row[field]),
        EQUAL | IS | ORDERED,
        lambda _c, row: len(row[field]) if isinstance(row[field], list) else row[field] or 0,
    )


def _duration(name: str, field: str) -> Searched:
    return _number(name, field)._replace(kind="duration")


def _user(name: str, history: bool = False) -> Searched:
    operators = EQUAL | IS | (HISTORY if history else frozenset())
    return Searched(name, "user", _stored(name), operators, _person(name), name)


_FIELDS: Final = (
    (("key", "issuekey", "issue", "id"), Searched(
        "key", "key", lambda _c, row: [row["id"]], EQUAL | IS | ORDERED, _key_order, "id")),
    (("project",), Searched(
        "project", "projects", _stored("project"), EQUAL | IS,
        lambda c, row: c["projects"][row["project"]]["name"].lower(), "project")),
    (("category",), Searched("category", "categories", _project_category, EQUAL | IS)),
    (("projecttype",), Searched(
        "projectType", "label", lambda c, row: ["software"], EQUAL)),
    (("issuetype", "type"), Searched(
        "issuetype", "issuetypes", _stored("type"), EQUAL | IS, _name_in("issuetypes", "type"),
        "type")),
    (("hierarchylevel",), Searched("hierarchyLevel", "number", _level, EQUAL | IS | ORDERED)),
    (("status",), Searched(
        "status", "statuses", _stored("status"), EQUAL | IS | HISTORY,
        _number_in("statuses", "status"), "status")),
    (("statuscategory",), Searched(
        "statusCategory", "category", _category, EQUAL | IS,
        lambda c, row: ("new", "indeterminate", "done").index(_category(c, row)[0]))),
    (("priority",), Searched(
        "priority", "priorities", _stored("priority"), EQUAL | IS | ORDERED | HISTORY,
        lambda c, row: -int(_number_in("priorities", "priority")(c, row)), "priority")),
    (("resolution",), Searched(
        "resolution", "resolutions", _stored("resolution"), EQUAL | IS | ORDERED | HISTORY,
        _number_in("resolutions", "resolution"), "resolution")),
    (("level",), Searched(
        "level", "securitylevels", _stored("security"), EQUAL | IS,
        _first(_stored("security"), ""))),
    (("assignee",), _user("assignee", history=True)),
    (("reporter",), _user("reporter", history=True)),
    (("creator",), _user("creator")),
    (("watcher",), Searched("watcher", "user", _listed("watchers"), EQUAL | IS)),
    (("voter",), Searched("voter", "user", _listed("voters"), EQUAL | IS)),
    (("labels",), Searched(
        "labels", "label", _listed("labels"), EQUAL | IS, _first(_listed("labels"), ""))),
    (("component",), Searched(
        "component", "components", _listed("components"), EQUAL | IS,
        _first(_listed("components"), ""))),
    (("fixversion",), Searched(
        "fixVersion", "versions", _listed("fix"), EQUAL | IS | ORDERED | HISTORY | TEXT,
        _first(_listed("fix"), ""))),
    (("affectedversion",), Searched(
        "affectedVersion", "versions", _listed("affects"), EQUAL | IS | ORDERED | TEXT,
        _first(_listed("affects"), ""))),
    (("parent",), Searched("parent", "key", _stored("parent"), EQUAL | IS,
        _first(_stored("parent"), ""), "parent")),
    (("issuelink", "issuelinktype"), Searched(
        "issueLinkType", "label", _link_types, EQUAL | IS)),
    (("attachments",), Searched("attachments", "label", _attachments, IS)),
    (("summary",), Searched(
        "summary", "text", _stored("summary"), TEXT | IS,
        lambda _c, row: row["summary"].lower(), "summary")),
    (("description",), Searched(
        "description", "text", _text_of("description"), TEXT | IS,
        lambda _c, row: plain(row["description"]).lower())),
    (("environment",), Searched(
        "environment", "text", _text_of("environment"), TEXT | IS,
        lambda _c, row: plain(row["environment"]).lower())),
    (("comment",), Searched("comment", "text", _comments, TEXT | IS)),
    (("text", "textfields"), Searched("text", "text", _all_text, TEXT)),
    (("worklogauthor",), Searched("worklogAuthor", "user", _worklogs("author"), EQUAL | IS)),
    (("worklogcomment",), Searched("worklogComment", "text", _worklogs("comment"), TEXT)),
    (("worklogdate",), Searched(
        "worklogDate", "date", _worklogs("started"), EQUAL | IS | ORDERED)),
    (("created", "createddate"), _date("created", "created")),
    (("updated", "updateddate"), _date("updated", "updated")),
    (("resolved", "resolutiondate"), _date("resolved", "resolved")),
    (("statuscategorychangeddate",), _date("statusCategoryChangedDate", "category_changed")),
    (("lastviewed",), Searched(
        "lastViewed", "date", _viewed, EQUAL | IS | ORDERED, _first(_viewed, None))),
    (("due", "duedate"), _date("due", "due")),
    (("votes",), _number("votes", "voters")),
    (("watchers",), _number("watchers", "watchers")),
    (("workratio",), Searched(
        "workRatio", "number", _ratio, EQUAL | IS | ORDERED, _first(_ratio, 0))),
    (("originalestimate", "timeoriginalestimate"), _duration("originalEstimate", "estimate")),
    (("remainingestimate", "timeestimate"), _duration("remainingEstimate", "remaining")),
    (("timespent",), _duration("timespent", "spent")),
    (("filter", "savedfilter", "searchrequest", "request"), Searched(
        "filter", "filter", lambda _c, _row: [], EQUAL)),
    (("sprint", "cf[10020]"), Searched(
        "sprint", "sprints", lambda _c, row: list(row.get("sprints", ())), EQUAL | IS,
        lambda _c, row: int((row.get("sprints") or ["0"])[-1]))),
    (("epic link", "cf[10014]"), Searched(
        "Epic Link", "key", _epic, EQUAL | IS, _first(_epic, ""))),
    (("epic name", "cf[10011]"), Searched(
        "Epic Name", "text", lambda _c, row: _some(row.get("epic_name")), EQUAL | TEXT | IS)),
    (("story points", "cf[10028]"), Searched(
        "Story Points", "number", lambda _c, row: _some(row.get("points")),
        EQUAL | IS | ORDERED, lambda _c, row: row.get("points") or 0)),
    (("rank", "cf[10019]"), Searched(
        "rank", "text", lambda _c, row: [rank_of(row)], frozenset(),
        lambda _c, row: rank_of(row))),
)  # fmt: skip

CLAUSES: Final = {name: searched for names, searched in _FIELDS for name in names}
"""Clause name of the system's fields, lower case, to what it searches."""

PROPERTY: Final = "issue.property["


def clauses_of(c: Context) -> Mapping[str, list[Searched]]:
    """Every clause name, lower case: one of the system's, or the custom fields of that name."""
    cached: dict[str, list[Searched]] | None = c.cache.get("clauses")
    if cached is None:
        cached = {name: [searched] for name, searched in CLAUSES.items()}
        for row in c["customfields"].rows():
            field = None if row["trashed"] else fields_of(c).get(row["id"])
            if field is not None:
                searched = _custom(c, row)
                for name in dict.fromkeys(name.lower() for name in field.clauses):
                    if name not in CLAUSES:
                        cached.setdefault(name, []).append(searched)
        c.cache["clauses"] = cached
    return cached


def clauses_named(c: Context, name: str) -> list[Searched]:
    """What a clause name searches: several custom fields may have one name; none is unknown."""
    lowered = name.lower()
    found = CLAUSES.get(lowered)
    if found is not None:
        return [found]
    if lowered.startswith(PROPERTY):
        return [_property(name)]
    return clauses_of(c).get(lowered, [])


def clause_named(c: Context, name: str) -> Searched | None:
    """The first of what a clause name searches, or ``None``."""
    return next(iter(clauses_named(c, name)), None)


def _property(name: str) -> Searched:
    key, _, path = name[len(PROPERTY) :].partition("]")
    steps = [step for step in path.split(".") if step]

    def values(c: Context, row: Row) -> list[Any]:
        found = c["properties"].get((f"issue/{row['id']}", key))
        value = found["value"] if found else None
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        items = value if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, str | int | float | bool)]

    return Searched(name, "property", values, EQUAL | IS | ORDERED | TEXT)


def _custom(c: Context, row: Row) -> Searched:
    key, kind = row["id"], TYPES[row["type"]]
    listed = kind.kind == "array" or kind.jql == "cascade"
    values = _listed(key) if listed else _stored(key)
    if kind.jql == "cascade":
        values = _cascading(key)
    operators = EQUAL | IS
    order: Callable[[Context, Row], Any] | None = _first(values, "")
    column = "" if listed else key
    if kind.jql in ("text", "rich"):
        operators = TEXT | IS
        if kind.jql == "rich":
            values, column = _text_of(key), ""
        of = values
        order = lambda c, row: (of(c, row) or ["\uffff"])[0].lower()  # noqa: E731
    elif kind.jql in ("number", "date"):
        operators = EQUAL | IS | ORDERED
        if kind.jql == "date":
            values = _date_of(key)
        order = _first(values, None if kind.jql == "date" else 0.0)
    elif kind.jql in ("option", "cascade"):
        order = _by_option(values)
    elif kind.jql == "user":
        order = _person(key)
    elif kind.jql == "versions":
        operators = EQUAL | IS | ORDERED
    shown = kind.jql
    if shown in ("rich", "text"):
        shown = "text"
    return Searched(row["name"], shown, values, operators, order, column, row["name"], key)


def _by_option(
    values: Callable[[Context, Row], list[Any]],
) -> Callable[[Context, Row], Any]:
    def key(c: Context, row: Row) -> Any:
        return tuple(c["options"][one]["n"] for one in values(c, row) if one in c["options"]) or (
            10**9,
        )

    return key
