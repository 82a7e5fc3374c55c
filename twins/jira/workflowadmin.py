"""workflows: read, with statuses, transitions and their rules; what they can be made of."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import sorted_rows
from .config import scheme_of
from .context import Context, operation, reply
from .errors import JiraError, many
from .pages import bean
from .statuses import category_word
from .workflow import workflow_for
from .workflowrules import ACTIONS, CONDITIONS, VALIDATORS

__all__ = [
    "ADMINS",
    "in_use",
    "put_version",
    "statuses_json",
    "users_of",
    "workflow_json",
    "workflow_uuid",
]

ADMINS: Final = "Only Jira administrators can access the workflow configuration."
_BAD: Final = "Invalid request payload. Refer to the REST API documentation."


def workflow_uuid(c: Context) -> str:
    """A new workflow's id."""
    letters = c.twin.ids.mint("workflow", 32, alphabet="0123456789abcdef")
    return "-".join((letters[:8], letters[8:12], letters[12:16], letters[16:20], letters[20:]))


def users_of(c: Context, workflow: str) -> list[Row]:
    """The workflow schemes that name a workflow."""
    return [
        row
        for row in c["workflowschemes"].rows()
        if row["default_workflow"] == workflow or workflow in row["types"].values()
    ]


def in_use(c: Context, workflow: str) -> bool:
    """Whether a project follows a workflow."""
    schemes = {row["id"] for row in users_of(c, workflow)}
    return any(scheme_of(one, "workflow_scheme") in schemes for one in c["projects"].rows())


def put_version(c: Context, row: Row) -> Row:
    """Store a changed workflow as its next version and keep that for the history."""
    new = {**row, "version": row.get("version", 0) + 1, "updated": c.now, "updater": c.me}
    c["workflows"].put(row["id"], new)
    c["workflowversions"].put((row["id"], str(new["version"])), new)
    return new


# -- reading


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    shape = {"ruleKey": rule["ruleKey"], "parameters": dict(rule["parameters"])}
    return {"id": rule["id"], **shape} if rule.get("id") else shape


def _conditions(tree: dict[str, Any]) -> dict[str, Any]:
    return {
        "operation": tree.get("operation", "ALL"),
        "conditions": [_rule(rule) for rule in many(tree.get("conditions"))],
        "conditionGroups": [_conditions(one) for one in many(tree.get("conditionGroups"))],
    }


def transition_json(row: dict[str, Any]) -> dict[str, Any]:
    """A transition as this API shows it."""
    shape: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "type": row["type"],
        "toStatusReference": row["to"],
        "links": [{"fromStatusReference": key, "fromPort": 0, "toPort": 0} for key in row["from"]],
        "actions": [_rule(rule) for rule in row["actions"]],
        "validators": [_rule(rule) for rule in row["validators"]],
        "triggers": [_rule(rule) for rule in row.get("triggers", ())],
        "properties": dict(row["properties"]),
    }
    if row["conditions"]:
        shape["conditions"] = _conditions(row["conditions"])
    if row["screen"]:
        parameters = {"screenId": row["screen"]}
        shape["transitionScreen"] = {"ruleKey": "system:transition-screen",
                                     "parameters": parameters}  # fmt: skip
    return shape


def workflow_json(c: Context, row: Row, *, full: bool = True) -> dict[str, Any]:
    """A workflow as this API shows it."""
    shape: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "isEditable": bool(row.get("editable", True)),
        "scope": {"type": "GLOBAL"},
        "version": {"id": f"{row['id']}:{row['version']}", "versionNumber": row["version"]},
        "startPointLayout": {"x": -100.0, "y": -150.0},
        "statuses": [
            {
                "statusReference": one["id"],
                "layout": one.get("layout") or {"x": 115.0 * n, "y": -16.0},
                "properties": dict(one["properties"]),
                "deprecated": False,
            }
            for n, one in enumerate(row["statuses"])
        ],
        "transitions": [transition_json(one) for one in row["transitions"]] if full else [],
    }
    for name in ("created", "updated"):
        if row.get(name):
            shape[name] = row[name]
    return shape


def statuses_json(c: Context, rows: list[Row]) -> list[dict[str, Any]]:
    """The statuses of workflows, each once."""
    keys = dict.fromkeys(one["id"] for row in rows for one in row["statuses"])
    found = (c["statuses"].get(key) for key in keys)
    return [
        {
            "id": row["id"],
            "name": row["name"],
            "description": row.get("description", ""),
            "scope": {"type": "GLOBAL"},
            "statusCategory": category_word(row),
            "statusReference": row["id"],
        }
        for row in found
        if row is not None
    ]


@operation("POST", "/workflows", "readWorkflows")
def read(c: Context) -> Response:
    """Workflows by id, name, or project and issue type."""
    c.need_admin(ADMINS)
    body = c.body()
    rows: dict[str, Row] = {}
    for key in c.sent_texts(body, "workflowIds"):
        found = c["workflows"].get(key)
        if found is not None:
            rows[found["id"]] = found
    for name in c.sent_texts(body, "workflowNames"):
        found = c["workflows"].first("name", name)
        if found is not None:
            rows[found["id"]] = found
    pairs = many(body.get("projectAndIssueTypes"))
    for pair in pairs if isinstance(pairs, list) else []:
        project = c["projects"].get(str(pair.get("projectId"))) if isinstance(pair, dict) else None
        if project is not None:
            found = workflow_for(c, project, str(pair.get("issueTypeId")))
            rows[found["id"]] = found
    shapes = [workflow_json(c, row) for row in rows.values()]
    return reply({"statuses": statuses_json(c, list(rows.values())), "workflows": shapes})


@operation("GET", "/workflows/search", "searchWorkflows")
def search(c: Context) -> Response:
    """Workflows in pages with the statuses they use."""
    c.need_admin(ADMINS)
    needle = c.query("queryString").lower()
    rows = [
        row
        for row in c["workflows"].rows()
        if needle in row["name"].lower()
        and (not c.query("isActive") or in_use(c, row["id"]) == c.query_flag("isActive"))
    ]
    ordered = sorted_rows(c, rows, ("name", "created", "updated"))
    shape = bean(c, ordered, lambda row: workflow_json(c, row), 50, 200)
    shape["statuses"] = statuses_json(c, rows)
    return reply(shape)


@operation("GET", "/workflows/capabilities", "workflowCapabilities")
def capabilities(c: Context) -> Response:
    """The rules that workflows can have."""
    c.need_admin(ADMINS)

    def rules(known: dict[str, str], kind: str) -> list[dict[str, Any]]:
        return [
            {
                "ruleKey": key,
                "name": name,
                "description": name,
                "ruleType": kind,
                "isAvailableForInitialTransition": kind != "Condition",
                "isVisible": True,
                "incompatibleRuleKeys": [],
            }
            for key, name in known.items()
        ]

    return reply(
        {
            "editorScope": "GLOBAL",
            "projectTypes": ["software", "business", "service_desk"],
            "systemRules": rules(CONDITIONS, "Condition")
            + rules(VALIDATORS, "Validator")
            + rules(ACTIONS, "Function"),
            "connectRules": [],
            "forgeRules": [],
            "triggerRules": [],
        }
    )


@operation("GET", "/workflows/defaultEditor", "getDefaultEditor")
def default_editor(c: Context) -> Response:
    """Which editor is opened."""
    return reply({"value": "NEW"})


@operation("POST", "/workflows/preview", "readWorkflowPreviews")
def preview(c: Context) -> Response:
    """The workflows of a project for everybody who may see it."""
    body = c.body()
    project = c.find_project(str(body.get("projectId")))
    if project is None:
        raise JiraError(404, "The project was not found.")
    types = [str(key) for key in many(body.get("issueTypeIds"))]
    names, ids = many(body.get("workflowNames")), many(body.get("workflowIds"))
    if sum(bool(one) for one in (types, names, ids)) > 1:
        raise JiraError(400, "Only one of issueTypeIds, workflowNames and workflowIds is allowed.")
    found: dict[str, tuple[Row, list[str]]] = {}
    for kind in types or project["types"]:
        row = workflow_for(c, project, kind)
        if (names and row["name"] not in names) or (ids and row["id"] not in ids):
            continue
        found.setdefault(row["id"], (row, []))[1].append(kind)
    workflows = []
    for row, kinds in found.values():
        shape = workflow_json(c, row)
        for name in ("isEditable", "created", "updated"):
            shape.pop(name, None)
        for one in shape["statuses"]:
            one.pop("properties")
        for step in shape["transitions"]:
            step.pop("properties")
            step["triggers"] = []
        shape["queryContext"] = [{"project": project["id"], "issueTypes": kinds}]
        workflows.append(shape)
    shown = [
        {**one, "rawName": one["name"]} for one in statuses_json(c, [r for r, _ in found.values()])
    ]
    return reply({"statuses": shown, "workflows": workflows})
