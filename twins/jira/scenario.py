"""What scenarios do to a site (operations) and see of it (views)."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import ApplyError, Call, Person, Request, Row, Twin

from .adf import plain
from .agile import agile_time
from .boards import add_board
from .context import Context
from .filters import add_filter
from .projects import add_project, check_key
from .seed import BOT_EMAIL, user_row
from .setting import set_field
from .sprints import add_sprint, change_state, move_into
from .state import add_comment as store_comment
from .state import change_issue, draft, insert_issue, new_issue
from .workflow import move

__all__ = ["OPS", "view"]


def _context(twin: Twin) -> Context:
    """Act as the automation, in the words of API version 2."""
    call = Call(twin, Request("POST", "/", headers={"host": "jira"}))
    return Context(call, twin["users"].first("email", BOT_EMAIL), v3=False)


def _entries(args: Any) -> list[dict[str, Any]]:
    entries = args if isinstance(args, list) else [args]
    if not all(isinstance(entry, dict) for entry in entries):
        raise ApplyError("mappings are needed")
    return entries


def _status(twin: Twin, name: str) -> str:
    for row in twin["statuses"].rows():
        if row["name"].lower() == name.lower():
            return str(row["id"])
    known = ", ".join(str(row["name"]) for row in twin["statuses"].rows())
    raise ApplyError(f'jira has no status "{name}"; there are {known}')


def _user(twin: Twin, email: str) -> Row:
    row = twin["users"].first("email", email.lower())
    if row is None:
        raise ApplyError(f"jira has no account for {email}")
    return row


def _issue(c: Context, key: str) -> Row:
    row = c["issues"].first("key", key.upper())
    if row is None:
        raise ApplyError(f"jira has no issue {key}")
    return row


def _project(c: Context, key: str) -> Row:
    row = c["projects"].first("key", key.upper())
    if row is None:
        raise ApplyError(f"jira has no project {key}")
    return row


def add_projects(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Projects ``{as?, key, name}``."""
    c = _context(twin)
    entities: dict[str, dict[str, str]] = {}
    for entry in _entries(args):
        key = check_key(c, entry["key"])
        row = add_project(c, key, str(entry.get("name", key)), c.me)
        entity = {"id": row["id"], "key": key, "name": row["name"]}
        entities[str(entry.get("as", key))] = entity
    return entities


def add_issues(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Issues ``{as?, project, summary, type?, description?, labels?, status?, assignee?}``."""
    c = _context(twin)
    entities: dict[str, dict[str, str]] = {}
    for entry in _entries(args):
        issue = new_issue(c)
        issue["project"] = _project(c, str(entry["project"]))["id"]
        fields: dict[str, Any] = {
            "issuetype": {"name": entry.get("type", "Task")},
            "summary": entry["summary"],
            "description": entry.get("description"),
            "labels": entry.get("labels", []),
        }
        for name, value in fields.items():
            set_field(c, issue, name, value)
        if entry.get("priority"):
            set_field(c, issue, "priority", {"name": entry["priority"]})
        for role in ("assignee", "reporter"):
            if entry.get(role):
                issue[role] = _user(twin, str(entry[role]))["id"]
        if entry.get("status"):
            move(c, issue, _status(twin, str(entry["status"])))
        row = insert_issue(c, issue)
        entity = {"id": row["id"], "key": row["key"], "summary": row["summary"]}
        entities[str(entry.get("as", row["key"]))] = entity
    return entities


def transition(twin: Twin, args: dict[str, Any]) -> None:
    """Somebody moves the issue: ``{key, to}``."""
    c = _context(twin)
    issue = _issue(c, str(args["key"]))
    changed = draft(issue)
    move(c, changed, _status(twin, str(args["to"])))
    change_issue(c, issue, changed)


def add_comment(twin: Twin, args: dict[str, Any]) -> dict[str, str]:
    """Somebody comments: ``{key, text, author?}``."""
    c = _context(twin)
    issue = _issue(c, str(args["key"]))
    if args.get("author"):
        c.user = _user(twin, str(args["author"]))
    return {"id": store_comment(c, issue, {"text": str(args["text"])})["id"]}


def add_users(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Accounts ``{as?, first, last, email}``."""
    entities: dict[str, dict[str, str]] = {}
    for entry in _entries(args):
        first, last, email = str(entry["first"]), str(entry["last"]), str(entry["email"])
        if twin["users"].first("email", email.lower()) is not None:
            raise ApplyError(f"jira already has an account for {email}")
        account = twin.ids.mint("account", 23, prefix="5", alphabet="0123456789abcdef")
        twin["users"].put(account, user_row(account, Person(first, last, email, "", "")))
        entity = {"id": account, "email": email, "first": first, "last": last}
        entities[str(entry.get("as", email))] = {**entity, "name": f"{first} {last}"}
    return entities


def deactivate_users(twin: Twin, args: Any) -> None:
    """Accounts that can no longer log in or be assigned issues: a list of emails."""
    for email in args:
        row = _user(twin, str(email))
        twin["users"].put(row["id"], {**row, "active": False})


def limit_access(twin: Twin, args: dict[str, Any]) -> None:
    """The automation sees a project ``read_only`` or not at all: ``{project, access: none}``."""
    c = _context(twin)
    row = _project(c, str(args["project"]))
    access = args["access"]
    if access not in ("none", "read_only", "full"):
        raise ApplyError('access is "none", "read_only" or "full"')
    hidden = [c.me] if access == "none" else []
    fixed = [c.me] if access == "read_only" else []
    c["projects"].put(row["id"], {**row, "hidden_from": hidden, "read_only_for": fixed})


def add_boards(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Boards ``{as?, project, name?, type?}`` on the issues of a project, scrum by default."""
    c = _context(twin)
    entities: dict[str, dict[str, str]] = {}
    for entry in _entries(args):
        project = _project(c, str(entry["project"]))
        name = str(entry.get("name", f"{project['key']} board"))
        kind = str(entry.get("type", "scrum"))
        if kind not in ("scrum", "kanban"):
            raise ApplyError('type is "scrum" or "kanban"')
        jql = f"project = {project['key']} ORDER BY Rank ASC"
        search = add_filter(c, {"name": f"Filter for {name}", "description": "", "jql": jql})
        row = add_board(c, name, kind, search["id"], project["id"], "")
        entities[str(entry.get("as", name))] = {"id": row["id"], "name": name}
    return entities


def add_sprints(twin: Twin, args: Any) -> dict[str, dict[str, str]]:
    """Sprints ``{as?, board, name, state?, start?, end?, goal?, issues?}``; ``board`` by name."""
    c = _context(twin)
    entities: dict[str, dict[str, str]] = {}
    for entry in _entries(args):
        wanted = str(entry["board"])
        board = next((row for row in c["boards"].rows() if row["name"] == wanted), None)
        if board is None:
            raise ApplyError(f"jira has no board {wanted}")
        dates = {n: agile_time(n, entry[n]) for n in ("start", "end") if entry.get(n)}
        row = add_sprint(c, board["id"], str(entry["name"]), str(entry.get("goal", "")), **dates)
        move_into(c, [_issue(c, str(key)) for key in entry.get("issues", [])], row)
        state = entry.get("state", "future")
        steps = {"future": (), "active": ("active",), "closed": ("active", "closed")}
        if state not in steps:
            raise ApplyError('state is "future", "active" or "closed"')
        for step in steps[state]:
            row = change_state(c, row, step)
        c["sprints"].put(row["id"], row)
        entities[str(entry.get("as", row["name"]))] = {"id": row["id"], "name": row["name"]}
    return entities


OPS: Final[dict[str, Callable[[Twin, Any], Any]]] = {
    function.__name__: function
    for function in (
        add_projects,
        add_issues,
        transition,
        add_comment,
        add_users,
        deactivate_users,
        limit_access,
        add_boards,
        add_sprints,
    )
}


def view(twin: Twin) -> dict[str, list[Row]]:
    """Projects and issues, rich text as plain text."""
    users = {row["id"]: row for row in twin["users"].rows()}
    projects = {row["id"]: row for row in twin["projects"].rows()}
    names = {
        table: {row["id"]: row["name"] for row in twin[table].rows()}
        for table in ("issuetypes", "statuses")
    }
    issues: list[Row] = []
    for row in twin["issues"].rows():
        if projects[row["project"]].get("trashed"):
            continue
        table = twin["comments"]
        comments = [plain(table[key]["body"]) for key in table.find("issue", row["id"])]
        description = plain(row["description"])
        assignee = users.get(row["assignee"])
        issues.append(
            {
                "key": row["key"],
                "project": projects[row["project"]]["key"],
                "type": names["issuetypes"][row["type"]],
                "summary": row["summary"],
                "description": description,
                "text": "\n".join([row["summary"], description, *comments]),
                "status": names["statuses"][row["status"]],
                "labels": list(row["labels"]),
                "assignee": assignee["email"] if assignee else "",
                "comments": comments,
            }
        )
    listed = [
        {"key": row["key"], "name": row["name"]}
        for row in projects.values()
        if not row.get("trashed")
    ]
    return {"projects": listed, "issues": issues}
