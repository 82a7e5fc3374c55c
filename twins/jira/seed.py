"""The tables of a site and the rows a named seed starts with.

===========  ===============  ==========================================================
table        key              rows
===========  ===============  ==========================================================
site         "site"           deployment (Cloud or Server), title, versions
users        account id       people and the automation's account
tokens       token            whose it is
projects     project id       with key, lead, issue types
issuetypes   id               Task, Bug, Story, Epic, Sub-task
statuses     id               with their category
transitions  id               a workflow's edges: from (status ids), to (status id)
priorities   id               Highest to Lowest
resolutions  id               Done, Won't Do, Duplicate, Cannot Reproduce
issues       issue id         with everything that is a field
comments     comment id       of issues
changelog    history id       what changed on an issue, when and by whom
worklogs     worklog id       of issues
links        link id          between issues
remotelinks  link id          from issues to elsewhere
attachments  attachment id    of issues, with their content
components   component id     of projects
versions     version id       of projects
filters      filter id        saved searches
properties   (entity, key)    entity properties
boards       board id         agile boards, each on a filter
sprints      sprint id        of boards
webhooks     webhook id       of apps (dynamic) and of the site
failedhooks  identifier       deliveries to apps that were given up
groups       name             groups that were made, besides those that people are in
dashboards   dashboard id     with their gadgets
avatars      avatar id        uploaded images
categories   category id      of projects
notificationschemes  id       besides the default one
linktypes    id               made, changed or deleted types of links
audit        number           what administrators changed
pending      task id          work that is still to be done, on the virtual clock
goneworklogs worklog id       deleted ones, with the time
modules      module key       what apps have registered (Connect)
===========  ===============  ==========================================================
"""

from collections.abc import Mapping
from typing import Any, Final

from factory_tui.universe import HEX, ORGS, IndexFn, Key, Person, Row, Seed, SeedTables

__all__ = ["BOT_EMAIL", "SEEDS", "TABLES", "project_row", "seed_tables", "user_row"]


def _by(field: str) -> IndexFn:
    return lambda _key, row: row[field]


TABLES: Final[Mapping[str, Mapping[str, IndexFn]]] = {
    "site": {},
    "users": {
        "email": lambda key, row: row["email"].lower(),
        "name": _by("name"),
    },
    "tokens": {},
    "projects": {"key": _by("key")},
    "issuetypes": {},
    "statuses": {},
    "transitions": {},
    "priorities": {},
    "resolutions": {},
    "issues": {
        "key": _by("key"),
        "project": _by("project"),
        "parent": lambda key, row: row.get("parent", ""),
    },
    "comments": {"issue": _by("issue")},
    "changelog": {"issue": _by("issue")},
    "worklogs": {"issue": _by("issue")},
    "links": {"inward": _by("inward"), "outward": _by("outward")},
    "remotelinks": {"issue": _by("issue")},
    "attachments": {"issue": _by("issue")},
    "components": {"project": _by("project")},
    "versions": {"project": _by("project")},
    "filters": {},
    "properties": {"entity": _by("entity")},
    "boards": {"filter": _by("filter")},
    "sprints": {"board": _by("board")},
    "webhooks": {},
    "failedhooks": {},
    "groups": {},
    "dashboards": {},
    "avatars": {},
    "categories": {},
    "notificationschemes": {},
    "linktypes": {},
    "audit": {},
    "pending": {},
    "goneworklogs": {},
    "modules": {},
}

SEEDS: Final = ("acme-it", "acme-it-dc", *(f"{name}-dc" for name in ORGS if name != "empty"))
"""``acme-it``: a help desk on Jira Cloud; ``-dc``: the same or an organisation's on Data Center."""

BOT_EMAIL: Final = "automation@acme.example"

_CATEGORIES: Final = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
_STATUSES: Final = (
    ("10000", "To Do", "new"),
    ("3", "In Progress", "indeterminate"),
    ("10001", "Done", "done"),
)
_TRANSITIONS: Final = (
    ("11", "To Do", ["3"], "10000"),
    ("21", "In Progress", ["10000", "10001"], "3"),
    ("31", "Done", ["3"], "10001"),
)
_TYPES: Final = (
    ("10001", "Task", "A small, distinct piece of work.", False, 0),
    ("10004", "Bug", "A problem or error.", False, 0),
    ("10002", "Story", "Functionality or a feature expressed as a user goal.", False, 0),
    ("10000", "Epic", "A collection of related bugs, stories, and tasks.", False, 1),
    ("10003", "Sub-task", "A small piece of work that is part of a larger task.", True, -1),
)
_PRIORITIES: Final = (
    ("1", "Highest", "#d04437"),
    ("2", "High", "#f15C75"),
    ("3", "Medium", "#f79232"),
    ("4", "Low", "#707070"),
    ("5", "Lowest", "#999999"),
)
_RESOLUTIONS: Final = (
    ("10000", "Done", "Work has been completed on this issue."),
    ("10001", "Won't Do", "This issue won't be actioned."),
    ("10002", "Duplicate", "The problem is a duplicate of an existing issue."),
    ("10003", "Cannot Reproduce", "All attempts at reproducing this issue failed."),
)


def seed_tables(seed: Seed) -> SeedTables:
    """A site whose people are the organisation's; ``empty`` has no project."""
    people: dict[Key, Row] = {}
    for person in [*seed.org.people, Person("Acme", "Automation", BOT_EMAIL, "", "")]:
        account = f"5{seed.ids.mint('account', 23, alphabet=HEX)}"
        people[account] = user_row(account, person)
    bot = next(str(key) for key, row in people.items() if row["email"] == BOT_EMAIL)
    people[bot] |= {"admin": True, "app": True}
    token = seed.ids.mint("token", 32, prefix="ATATT3xFfGF0")
    tables: SeedTables = {
        "site": {"site": _site(seed)},
        "users": people,
        "tokens": {token: {"token": token, "user": bot}},
        "issuetypes": {
            key: {"id": key, "name": name, "description": text, "subtask": sub, "level": level}
            for key, name, text, sub, level in _TYPES
        },
        "statuses": {
            key: {"id": key, "name": name, "category": category, "n": n}
            for n, (key, name, category) in enumerate(_STATUSES)
        },
        "transitions": {
            key: {"id": key, "name": name, "from": start, "to": end}
            for key, name, start, end in _TRANSITIONS
        },
        "priorities": {
            key: {"id": key, "name": name, "color": color, "n": n}
            for n, (key, name, color) in enumerate(_PRIORITIES)
        },
        "resolutions": {
            key: {"id": key, "name": name, "description": text, "n": n}
            for n, (key, name, text) in enumerate(_RESOLUTIONS)
        },
        "projects": {},
    }
    if seed.name != "empty":
        tables["projects"]["10000"] = project_row("10000", "IT", "IT help desk", bot)
    return tables


def _site(seed: Seed) -> dict[str, Any]:
    dc = seed.name.endswith("-dc")
    return {
        "deployment": "Server" if dc else "Cloud",
        "title": "Acme Jira",
        "version": "9.12.5" if dc else "1001.0.0-SNAPSHOT",
        "numbers": [9, 12, 5] if dc else [1001, 0, 0],
        "build": 9120005 if dc else 100287,
        "epoch": seed.epoch,
    }


def user_row(account: str, person: Person) -> Row:
    """An account."""
    return {
        "id": account,
        "name": person.email.partition("@")[0].lower(),
        "email": person.email,
        "first": person.first,
        "last": person.last,
        "active": person.standing in ("active", "invited"),
        "admin": False,
        "app": False,
        "groups": ["jira-software-users"],
    }


def project_row(key: str, project: str, name: str, lead: str) -> Row:
    """A company-managed software project without issues."""
    return {
        "id": key,
        "key": project,
        "name": name,
        "lead": lead,
        "description": "",
        "issues": 0,
        "types": [row[0] for row in _TYPES],
        "default_assignee": "UNASSIGNED",
    }


def status_category(category: str) -> tuple[int, str, str]:
    """Id, name and colour of a status category."""
    return _CATEGORIES[category]
