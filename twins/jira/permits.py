"""Who may do what: permission schemes, roles, security levels, and the kernel of every 403.

A permission is granted to holders: anyone, everybody who can log in (``applicationRole``),
groups, users, project roles, the project's lead, an issue's reporter or assignee, and whoever a
custom field of the issue names.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from factory_tui.universe import Row

from .config import ADMIN_ROLE, scheme_of
from .permission_keys import GLOBAL_PERMISSIONS, READ_PERMISSIONS

if TYPE_CHECKING:
    from .context import Context

__all__ = [
    "HOLDERS",
    "Browse",
    "holds",
    "in_role",
    "level_open",
    "matches_holder",
    "may_browse",
    "speaks_for",
]


def in_role(c: "Context", account: str, role: str, project: str) -> bool:
    """Whether an account is in a role of a project, itself or through a group."""
    row = c["actors"].get((project, role))
    if row is None or not account:
        return False
    if account in row["users"]:
        return True
    groups = c["users"][account]["groups"]
    return any(name in groups for name in row["groups"])


def speaks_for(c: "Context", role: str, project: str) -> bool:
    """Whether the caller may write and read what is for a role of a project.

    Where nobody was put into the role of administrators, those of the site are in it.
    """
    if role == ADMIN_ROLE and (project, role) not in c["actors"]:
        return bool(c.user and c.user["admin"])
    return in_role(c, c.me, role, project)


def _named(c: "Context", issue: Row | None, field: str, account: str, *, groups: bool) -> bool:
    if issue is None:
        return True
    value = issue.get(field)
    named = value if isinstance(value, list) else [value]
    if groups:
        mine = c["users"][account]["groups"] if account else []
        return any(name in mine for name in named)
    return account in named


def _in_group(c: "Context", account: str, group: str) -> bool:
    return bool(account) and group in c["users"][account]["groups"]


Holder = Callable[["Context", str, Row, "Row | None", str], bool]

HOLDERS: Final[dict[str, Holder]] = {
    "anyone": lambda c, who, project, issue, to: True,
    "applicationRole": lambda c, who, project, issue, to: bool(who),
    "user": lambda c, who, project, issue, to: who == to,
    "group": lambda c, who, project, issue, to: _in_group(c, who, to),
    "projectRole": lambda c, who, project, issue, to: in_role(c, who, to, project["id"]),
    "projectLead": lambda c, who, project, issue, to: bool(who) and project["lead"] == who,
    "lead": lambda c, who, project, issue, to: bool(who) and project["lead"] == who,
    "reporter": lambda c, who, project, issue, to: (
        bool(who) and (issue is None or issue["reporter"] == who)
    ),
    "assignee": lambda c, who, project, issue, to: (
        bool(who) and (issue is None or issue["assignee"] == who)
    ),
    "userCustomField": lambda c, who, project, issue, to: _named(c, issue, to, who, groups=False),
    "groupCustomField": lambda c, who, project, issue, to: _named(c, issue, to, who, groups=True),
    "sd.customer.portal.only": lambda c, who, project, issue, to: False,
}
"""Type of holder, as the API names it, to its test of (account, project, issue, parameter)."""

_PER_ISSUE: Final = frozenset({"reporter", "assignee", "userCustomField", "groupCustomField"})


def matches_holder(
    c: "Context", holder: dict[str, Any], account: str, project: Row, issue: Row | None
) -> bool:
    """Whether an account is who ``{"type", "parameter"}`` describes.

    Without an issue the holders that depend on one count as met: there may be such an issue.
    """
    test = HOLDERS.get(str(holder["type"]))
    return test is not None and test(c, account, project, issue, str(holder["parameter"] or ""))


def holds(
    c: "Context",
    permission: str,
    project: Row | None = None,
    issue: Row | None = None,
    account: str | None = None,
) -> bool:
    """Whether an account (the caller) has a permission.

    Args:
        project: Needed for permissions of projects; with ``None`` they mean "in some project".
    """
    who = c.me if account is None else account
    row = c["users"].get(who) if who else None
    admin = row is not None and bool(row["admin"])
    if permission in GLOBAL_PERMISSIONS:
        if permission in ("ADMINISTER", "SYSTEM_ADMIN"):
            return admin
        return row is not None
    if project is None:
        return any(holds(c, permission, one, None, who) for one in c["projects"].rows())
    if who in project.get("hidden_from", ()) or project.get("trashed"):
        return False
    if project.get("archived") and permission not in READ_PERMISSIONS:
        return admin and permission == "ADMINISTER_PROJECTS"
    if who in project.get("read_only_for", ()) and permission not in READ_PERMISSIONS:
        return admin and permission == "ADMINISTER_PROJECTS"
    if admin and permission == "ADMINISTER_PROJECTS":
        return True
    return any(
        matches_holder(c, grant, who, project, issue)
        for grant in _grants(c, scheme_of(project, "permission_scheme"), permission)
    )


def _grants(c: "Context", scheme: str, permission: str) -> list[Any]:
    cached = c.cache.setdefault("grants", {})
    found: list[Any] | None = cached.get((scheme, permission))
    if found is None:
        row = c["permissionschemes"].get(scheme)
        rows = row["grants"] if row is not None else []
        found = [grant for grant in rows if grant["permission"] == permission]
        cached[scheme, permission] = found
    return found


def level_open(c: "Context", issue: Row, account: str | None = None) -> bool:
    """Whether an issue's security level lets an account see it."""
    level = issue.get("security")
    if not level:
        return True
    row = c["securitylevels"].get(level)
    if row is None:
        return True
    who = c.me if account is None else account
    project = c["projects"][issue["project"]]
    return any(matches_holder(c, member, who, project, issue) for member in row["members"])


def may_browse(c: "Context", issue: Row, account: str | None = None) -> bool:
    """Whether an account (the caller) may see an issue."""
    project = c["projects"][issue["project"]]
    return holds(c, "BROWSE_PROJECTS", project, issue, account) and level_open(c, issue, account)


class Browse:
    """A quick test of which issues the caller sees, for searches over many.

    Attributes:
        whole: Projects all of whose issues without a level are seen, by id.
        some: Projects in which it depends on the issue.
    """

    __slots__ = ("_c", "some", "whole")

    def __init__(self, c: "Context") -> None:
        self._c = c
        self.whole: set[str] = set()
        self.some: set[str] = set()
        for project in c["projects"].rows():
            if not holds(c, "BROWSE_PROJECTS", project):
                continue
            grants = _grants(c, scheme_of(project, "permission_scheme"), "BROWSE_PROJECTS")
            sure = [grant for grant in grants if grant["type"] not in _PER_ISSUE]
            if any(matches_holder(c, grant, c.me, project, None) for grant in sure):
                self.whole.add(str(project["id"]))
            else:
                self.some.add(str(project["id"]))

    def __call__(self, row: Row) -> bool:
        """Whether the caller finds an issue; archived ones are not found."""
        if row.get("archived"):
            return False
        if row["project"] in self.whole:
            return not row.get("security") or level_open(self._c, row)
        return row["project"] in self.some and may_browse(self._c, row)
