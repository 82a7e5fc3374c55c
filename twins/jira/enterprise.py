"""The site of a large organisation: projects of teams, boards, sprints, some thousand issues.

Everything is drawn from the seed's minters, once per process; universes share the rows. Ids are
below those that a site gives to new things, so that the two never meet.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from factory_tui.universe import Ids, Key, Row, Seed, SeedTables

from .context import stamp
from .seed import project_row

__all__ = ["LARGE", "furnish"]

LARGE: Final = frozenset({"acme-5000"})
"""The organisations whose sites are furnished."""


class _Team(NamedTuple):
    key: str
    name: str
    group: str
    board: str
    issues: int


_TEAMS: Final = (
    _Team("IT", "IT help desk", "it", "kanban", 600),
    _Team("PLAT", "Platform", "eng-platform", "scrum", 600),
    _Team("WEB", "Web", "eng-web", "scrum", 500),
    _Team("MOB", "Mobile apps", "eng-mobile", "scrum", 400),
    _Team("DATA", "Data", "eng-data", "scrum", 300),
    _Team("SEC", "Security", "it-security", "kanban", 200),
    _Team("SUP", "Customer support", "support", "kanban", 400),
    _Team("OPS", "Logistics", "logistics", "kanban", 200),
)
_FIRST_DAY: Final = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
_LAST_DAY: Final = datetime(2026, 2, 27, 17, 0, tzinfo=UTC)
_SPRINT: Final = timedelta(days=14)
_FIRST_SPRINT: Final = datetime(2025, 12, 1, 9, 0, tzinfo=UTC)
_SPRINTS: Final = ("closed",) * 6 + ("active",) + ("future",) * 2

_VERBS: Final = ("Add", "Fix", "Document", "Replace", "Review", "Speed up", "Test", "Retire")
_NOUNS: Final = (
    *("login page", "payroll export", "VPN access", "printer queue", "search index", "onboarding"),
    *("invoice template", "mobile push", "audit report", "backup job", "sign-up form", "cache"),
    *("laptop image", "warehouse label", "status page", "API gateway", "billing alert", "survey"),
)
_WHERE: Final = ("in Berlin", "for contractors", "on staging", "in the app", "for new hires", "")
_LABELS: Final = ("backend", "customer", "hardware", "infra", "quick-win", "security", "ui")
_WORDS: Final = (
    "Reported by the team this morning.",
    "See the runbook; the workaround holds for now.",
    "Happens since the last release.",
    "Needs a decision before we start.",
)
_EPIC, _STORY, _TASK, _BUG, _SUBTASK = "10000", "10002", "10001", "10004", "10003"
_TODO, _DOING, _DONE = "10000", "3", "10001"


def furnish(seed: Seed, tables: SeedTables, bot: str) -> None:
    """Add projects, boards, sprints, issues, comments and history to the site's first rows."""
    people = _people(seed, tables)
    for name in ("categories", "components", "versions", "filters", "boards", "sprints"):
        tables[name] = {}
    for name in ("issues", "comments", "changelog"):
        tables[name] = {}
    tables["categories"]["9001"] = {"id": "9001", "name": "Engineering", "description": ""}
    for number, team in enumerate(_TEAMS):
        members = people.get(team.group) or [bot]
        _project(seed, tables, number, team, members, bot)
        _issues(seed.ids, tables, number, team, members, bot)


def _people(seed: Seed, tables: SeedTables) -> dict[str, list[str]]:
    """Put people into their groups; account ids by group, those who work there only."""
    by_email = {row["email"]: row for row in tables["users"].values()}
    found: dict[str, list[str]] = {}
    for name, emails in seed.org.groups.items():
        for email in emails:
            row = by_email[email]
            if name != "everyone":
                row["groups"] = [*row["groups"], name]
            if row["active"]:
                found.setdefault(name, []).append(row["id"])
    return found


def _number(team: int) -> str:
    return "10000" if team == 0 else str(9000 + team)


def _project(
    seed: Seed, tables: SeedTables, number: int, team: _Team, members: list[str], bot: str
) -> None:
    project = _number(number)
    row = project_row(project, team.key, team.name, bot if number == 0 else members[0])
    row["issues"] = team.issues
    if team.group.startswith("eng-"):
        row["category"] = "9001"
    tables["projects"][project] = row
    for n, name in enumerate(("Backend", "Frontend", "Operations")):
        key = str(9000 + number * 10 + n)
        tables["components"][key] = {
            "id": key,
            "project": project,
            "name": name,
            "description": "",
            "lead": members[n % len(members)],
        }
    for n, name in enumerate(("1.0", "1.1", "2.0")):
        key = str(9000 + number * 10 + n)
        tables["versions"][key] = {
            "id": key,
            "project": project,
            "name": name,
            "archived": False,
            "released": n == 0,
        }
    search = str(9000 + number)
    tables["filters"][search] = {
        "id": search,
        "owner": bot,
        "name": f"Filter for {team.key} board",
        "description": "",
        "jql": f"project = {team.key} ORDER BY Rank ASC",
        "shares": [{"id": 9000 + number, "type": "project", "project": project}],
        "editors": [],
        "fans": [],
    }
    board = str(1001 + number)
    tables["boards"][board] = {
        "id": board,
        "name": f"{team.key} board",
        "type": team.board,
        "filter": search,
        "project": project,
        "user": "",
    }
    if team.board == "scrum":
        for n, state in enumerate(_SPRINTS):
            key = _sprint(number, n)
            start = _FIRST_SPRINT + n * _SPRINT
            end = _iso(start + _SPRINT)
            tables["sprints"][key] = {
                "id": key,
                "board": board,
                "name": f"{team.key} Sprint {n + 1}",
                "state": state,
                "goal": f"{_VERBS[n % len(_VERBS)]} the {_NOUNS[(n + number) % len(_NOUNS)]}",
                "start": _iso(start) if state != "future" else None,
                "end": end if state != "future" else None,
                "complete": end if state == "closed" else None,
                "created": _iso(_FIRST_SPRINT),
                # Those that are made later come after these.
                "n": int(key) - 100_000,
            }


def _sprint(team: int, n: int) -> str:
    return str(1000 + team * 20 + n)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


class _Draw:
    """Cheap draws: one long number of the minter, cut into pieces."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._rest = 0

    def below(self, limit: int) -> int:
        """A number from 0 up to, not including, ``limit``."""
        if self._rest < 1 << 64:
            self._rest = self._ids.number("estate")
        self._rest, found = divmod(self._rest, limit)
        return found


def _issues(
    ids: Ids, tables: SeedTables, number: int, team: _Team, members: list[str], bot: str
) -> None:
    draw = _Draw(ids)
    project = _number(number)
    first = 1000 + sum(other.issues for other in _TEAMS[:number])
    step = (_LAST_DAY - _FIRST_DAY) / team.issues
    epics: list[str] = []
    parent = ""
    for n in range(team.issues):
        key = str(first + n)
        kind = _EPIC if n % 40 == 0 else _kind(draw.below(10))
        if kind == _SUBTASK and not parent:
            kind = _TASK
        created = _FIRST_DAY + n * step
        row = _issue(tables, draw, project, team, members, bot, n, key, kind, created)
        if kind == _EPIC:
            epics.append(key)
            row["epic_name"] = row["summary"]
        elif kind == _SUBTASK:
            row["parent"] = parent
        else:
            parent = key
            row["parent"] = epics[-1] if draw.below(3) else ""
            if team.board == "scrum":
                row["points"] = (1.0, 2.0, 3.0, 5.0, 8.0)[draw.below(5)]
                row["sprints"] = _sprints_of(draw, number, row["status"])
        tables["issues"][key] = row


def _kind(draw: int) -> str:
    return (_TASK, _TASK, _TASK, _STORY, _STORY, _STORY, _BUG, _BUG, _SUBTASK, _TASK)[draw]


def _sprints_of(draw: _Draw, team: int, status: str) -> list[str]:
    if status == _DONE:
        return [_sprint(team, draw.below(6))]
    if status == _DOING:
        return [_sprint(team, 6)]
    return [_sprint(team, 6 + draw.below(3))] if draw.below(2) else []


def _issue(
    tables: SeedTables,
    draw: _Draw,
    project: str,
    team: _Team,
    members: list[str],
    bot: str,
    n: int,
    key: str,
    kind: str,
    created: datetime,
) -> Row:
    age = n / team.issues
    status = _DONE if draw.below(100) < 90 - age * 80 else _DOING if draw.below(3) == 0 else _TODO
    reporter = members[draw.below(len(members))]
    assignee = members[draw.below(len(members))] if status != _TODO or draw.below(2) else None
    made = stamp(created)
    changed = stamp(created + timedelta(hours=draw.below(90) + 1)) if status != _TODO else made
    what = f"{_VERBS[draw.below(len(_VERBS))]} {_NOUNS[draw.below(len(_NOUNS))]}"
    where = _WHERE[draw.below(len(_WHERE))]
    labels = [_LABELS[draw.below(len(_LABELS))]] if draw.below(2) else []
    done = status == _DONE
    row: dict[str, Any] = {
        "id": key,
        "key": f"{team.key}-{n + 1}",
        "n": n + 1,
        "project": project,
        "type": kind,
        "summary": f"{what} {where}".strip(),
        "description": {"text": _WORDS[draw.below(len(_WORDS))]} if draw.below(3) else None,
        "environment": None,
        "status": status,
        "priority": ("1", "2", "3", "3", "3", "4", "5")[draw.below(7)],
        "labels": labels,
        "assignee": assignee,
        "reporter": reporter,
        "creator": reporter,
        "created": made,
        "updated": changed,
        "category_changed": changed,
        "resolution": "10000" if done else None,
        "resolved": changed if done else None,
        "due": None,
        "parent": "",
        "components": [],
        "fix": [],
        "affects": [],
        "watchers": [reporter],
        "voters": [],
        "estimate": None,
        "remaining": None,
        "spent": None,
    }
    if draw.below(4) == 0:
        part = list(tables["components"])[-1 - draw.below(3)]
        row["components"] = [str(part)]
    if done and draw.below(3) == 0:
        row["fix"] = [str(list(tables["versions"])[-1 - draw.below(3)])]
    if status != _TODO:
        _history(tables["changelog"], row, assignee or bot, changed)
    if draw.below(3) == 0:
        number = f"{1000 + len(tables['comments'])}"
        tables["comments"][number] = {
            "id": number,
            "issue": key,
            "author": assignee or reporter,
            "updater": assignee or reporter,
            "body": {"text": _WORDS[draw.below(len(_WORDS))]},
            "created": changed,
            "updated": changed,
            "visibility": None,
        }
    return row


_STEPS: Final = {
    _DOING: (("To Do", _TODO, "In Progress", _DOING),),
    _DONE: (("To Do", _TODO, "In Progress", _DOING), ("In Progress", _DOING, "Done", _DONE)),
}


def _history(table: dict[Key, Row], issue: Row, author: str, when: str) -> None:
    for before, start, after, end in _STEPS[issue["status"]]:
        number = f"{1000 + len(table)}"
        item = {
            "field": "status",
            "fieldtype": "jira",
            "fieldId": "status",
            "from": start,
            "fromString": before,
            "to": end,
            "toString": after,
        }
        table[number] = {
            "id": number,
            "issue": issue["id"],
            "author": author,
            "created": when,
            "items": [item],
        }
