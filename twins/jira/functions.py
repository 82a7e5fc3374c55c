"""JQL's functions other than those of dates: what they stand for."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from factory_tui.universe import Row

from . import dates
from .clauses import Searched
from .context import Context
from .groups_of import group_id
from .jql import Call, JqlError
from .permission_keys import PROJECT_PERMISSIONS
from .permits import in_role

__all__ = ["FUNCTIONS", "Function"]

Finder = Callable[[Context, Call, Searched], list[Any]]


class Function(NamedTuple):
    """A function of JQL.

    Attributes:
        name: As people write it.
        kinds: The kinds of fields it gives values for.
        find: Its values. May raise :class:`JqlError`.
        arguments: How many, at least and at most.
        is_list: Needs IN instead of ``=``.
    """

    name: str
    kinds: tuple[str, ...]
    find: Finder
    arguments: tuple[int, int] = (0, 0)
    is_list: bool = True


def _user(c: Context, text: str) -> str:
    from .values import account_named

    return account_named(c, text, "user")


def _current_user(c: Context, _call: Call, _field: Searched) -> list[Any]:
    return [c.me] if c.me else []


def _members_of(c: Context, call: Call, _field: Searched) -> list[Any]:
    wanted = call.args[0]
    found = [
        row["id"]
        for row in c["users"].rows()
        if any(wanted.lower() == name.lower() or wanted == group_id(c, name)
               for name in row["groups"])
    ]  # fmt: skip
    table = c.twin.tables.get("groups")
    if not found and not (table is not None and wanted in table):
        raise JqlError(f"Function '{call.name}' can not find a group with name '{wanted}'.")
    return found


def _watched(c: Context, _call: Call, _field: Searched) -> list[Any]:
    return [row["id"] for row in c["issues"].rows() if c.me in row["watchers"]]


def _voted(c: Context, _call: Call, _field: Searched) -> list[Any]:
    return [row["id"] for row in c["issues"].rows() if c.me in row["voters"]]


def _viewed(c: Context, _call: Call, _field: Searched) -> list[Any]:
    return [row["issue"] for row in c["views"].rows() if row["user"] == c.me]


def _linked(c: Context, call: Call, _field: Searched) -> list[Any]:
    from .read import links_of

    row = c.find_issue(call.args[0])
    if row is None:
        raise JqlError(f"Function '{call.name}' can not find the issue '{call.args[0]}'.")
    wanted = [text.lower() for text in call.args[1:]]
    found = []
    names: set[str] = set()
    for shape in links_of(c, row):
        side = "inwardIssue" if "inwardIssue" in shape else "outwardIssue"
        words = {shape["type"]["name"].lower(), shape["type"][side.removesuffix("Issue")].lower()}
        names |= words
        if not wanted or any(word in words for word in wanted):
            found.append(shape[side]["id"])
    return found


def _with_remote(c: Context, call: Call, _field: Searched) -> list[Any]:
    return [row["issue"] for row in c["remotelinks"].rows() if row.get("global") in set(call.args)]


def _updated_by(c: Context, call: Call, _field: Searched) -> list[Any]:
    who = _user(c, call.args[0])
    now = c.twin.clock.now()
    start, end = (
        dates.literal(text, now, "updatedBy") if text else None
        for text in (*call.args[1:], "", "")[:2]
    )

    def within(stamp: str) -> bool:
        when = dates.moment(stamp)
        return (start is None or when >= start) and (end is None or when <= end)

    found: dict[str, None] = {}
    for row in c["issues"].rows():
        if row["creator"] == who and within(row["created"]):
            found[row["id"]] = None
    for table in ("changelog", "comments", "worklogs"):
        for row in c[table].rows():
            if row["author"] == who and within(row["created"]):
                found[row["issue"]] = None
    return list(found)


def _types(subtask: bool) -> Finder:
    return lambda c, _call, _field: [
        row["id"] for row in c["issuetypes"].rows() if row["subtask"] == subtask
    ]


def _projects_of(c: Context, call: Call) -> set[str] | None:
    """The projects that the arguments name; ``None``: all of them."""
    if not call.args:
        return None
    found = set()
    for text in call.args:
        row = c.find_project(text) or next(
            (one for one in c["projects"].rows() if one["name"].lower() == text.lower()), None
        )
        if row is None:
            raise JqlError(f"Could not resolve the project '{text}' provided to function "
                           f"'{call.name}'.")  # fmt: skip
        found.add(row["id"])
    return found


def _versions(released: bool) -> Finder:
    def find(c: Context, call: Call, _field: Searched) -> list[Any]:
        within = _projects_of(c, call)
        return [
            row["id"]
            for row in c["versions"].rows()
            if row["released"] == released
            and not row["archived"]
            and (within is None or row["project"] in within)
        ]

    return find


def _edge_version(released: bool) -> Finder:
    """The latest released or the earliest unreleased version of a project."""

    def find(c: Context, call: Call, field: Searched) -> list[Any]:
        found = _versions(released)(c, call, field)
        return found[-1:] if released else found[:1]

    return find


def _led(c: Context, call: Call, _field: Searched) -> list[Any]:
    who = _user(c, call.args[0]) if call.args else c.me
    return [row["id"] for row in c["projects"].rows() if row["lead"] == who]


def _led_components(c: Context, call: Call, _field: Searched) -> list[Any]:
    who = _user(c, call.args[0]) if call.args else c.me
    return [row["id"] for row in c["components"].rows() if row["lead"] == who]


def _permitted(c: Context, call: Call, _field: Searched) -> list[Any]:
    wanted = call.args[0].lower()
    for key, (name, _) in PROJECT_PERMISSIONS.items():
        if wanted in (key.lower(), name.lower()):
            return [row["id"] for row in c["projects"].rows() if c.may(key, row)]
    raise JqlError(f"Function '{call.name}' can not find the permission '{call.args[0]}'.")


def _in_role(c: Context, call: Call, _field: Searched) -> list[Any]:
    wanted = call.args[0].lower()
    roles = [row["id"] for row in c["roles"].rows() if wanted in (row["name"].lower(), row["id"])]
    if not roles:
        raise JqlError(f"Function '{call.name}' can not find the role '{call.args[0]}'.")
    return [
        row["id"]
        for row in c["projects"].rows()
        if any(in_role(c, c.me, role, row["id"]) for role in roles)
    ]


def _sprints(state: str) -> Finder:
    return lambda c, _call, _field: [
        row["id"] for row in c["sprints"].rows() if row["state"] == state
    ]


def _cascade(c: Context, call: Call, field: Searched) -> list[Any]:
    parent, child = call.args[0].lower(), (call.args[1].lower() if len(call.args) > 1 else "")
    rows: list[Row] = [
        c["options"][option]
        for key in c["contexts"].find("field", field.field)
        for option in c["options"].find("context", key)
    ]
    tops = {
        row["id"]
        for row in rows
        if not row["parent"] and (row["value"].lower() == parent or row["id"] == parent)
    }
    if not child:
        return sorted(tops)
    if child == "none":
        return [f"{key}:none" for key in sorted(tops)]
    child = child.strip('"')
    return [row["id"] for row in rows if row["parent"] in tops and row["value"].lower() == child]


def _children(c: Context, call: Call, _field: Searched) -> list[Any]:
    table = c["issues"]
    found: list[Any] = []
    level = [row["id"] for text in call.args if (row := c.find_issue(text)) is not None]
    while level:
        level = [key for above in level for key in table.find("parent", above)]
        found += level
    return found


def _parents(c: Context, call: Call, _field: Searched) -> list[Any]:
    found = []
    for text in call.args:
        row = c.find_issue(text)
        while row is not None and row["parent"]:
            found.append(row["parent"])
            row = c["issues"].get(row["parent"])
    return found


def _epic_children(c: Context, call: Call, _field: Searched) -> list[Any]:
    """``parentEpic``: the epics' children and their subtasks."""
    named = [row["id"] for text in call.args if (row := c.find_issue(text)) is not None]
    return named + _children(c, call, _field)


_ANY: Final = 100

FUNCTIONS: Final[dict[str, Function]] = {
    function.name.lower(): function
    for function in (
        Function("currentUser", ("user",), _current_user, is_list=False),
        Function("membersOf", ("user",), _members_of, (1, 1)),
        Function("watchedIssues", ("key",), _watched),
        Function("votedIssues", ("key",), _voted),
        Function("issueHistory", ("key",), _viewed),
        Function("linkedIssues", ("key",), _linked, (1, _ANY)),
        Function("linkedIssue", ("key",), _linked, (1, _ANY)),
        Function("issuesWithRemoteLinksByGlobalId", ("key",), _with_remote, (1, _ANY)),
        Function("updatedBy", ("key",), _updated_by, (1, 3)),
        Function("portfolioChildIssuesOf", ("key",), _children, (1, _ANY)),
        Function("portfolioParentIssuesOf", ("key",), _parents, (1, _ANY)),
        Function("childIssuesOf", ("key",), _children, (1, _ANY)),
        Function("parentEpic", ("key",), _epic_children, (1, _ANY)),
        Function("standardIssueTypes", ("issuetypes",), _types(False), (0, _ANY)),
        Function("subtaskIssueTypes", ("issuetypes",), _types(True), (0, _ANY)),
        Function("releasedVersions", ("versions",), _versions(True), (0, _ANY)),
        Function("unreleasedVersions", ("versions",), _versions(False), (0, _ANY)),
        Function("latestReleasedVersion", ("versions",), _edge_version(True), (1, 1), False),
        Function("earliestUnreleasedVersion", ("versions",), _edge_version(False), (1, 1), False),
        Function("projectsLeadByUser", ("projects",), _led, (0, 1)),
        Function("projectsWhereUserHasPermission", ("projects",), _permitted, (1, 1)),
        Function("projectsWhereUserHasRole", ("projects",), _in_role, (1, 1)),
        Function("componentsLeadByUser", ("components",), _led_components, (0, 1)),
        Function("cascadeOption", ("cascade",), _cascade, (1, 2)),
        Function("openSprints", ("sprints",), _sprints("active"), (0, _ANY)),
        Function("closedSprints", ("sprints",), _sprints("closed"), (0, _ANY)),
        Function("futureSprints", ("sprints",), _sprints("future"), (0, _ANY)),
    )
}
"""Function name, lower case, to what it does."""
