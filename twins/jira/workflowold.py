"""workflow: the older API of workflows, its properties of transitions, usages and history."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, sorted_rows
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .pages import page
from .statuses import token_page
from .workflow import workflow_for
from .workflowadmin import (
    ADMINS,
    in_use,
    put_version,
    statuses_json,
    users_of,
    workflow_json,
    workflow_uuid,
)
from .workflowrules import old_conditions, old_rule, shown_old, shown_old_conditions

_LISTS: Final = "Only Jira administrators can access workflows."


def _rules(step: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "validators": [shown_old(rule) for rule in step["validators"]],
        "postFunctions": [shown_old(rule) for rule in step["actions"]],
    }
    tree = shown_old_conditions(step["conditions"])
    return {"conditionsTree": tree, **shape} if tree else shape


@operation("GET", "/workflow", "getAllWorkflows")
def all_workflows(c: Context) -> Response:
    """All workflows in few words."""
    c.need_admin(_LISTS)
    name = c.query("workflowName")
    return reply(
        [
            {
                "name": row["name"],
                "description": row["description"],
                "steps": len(row["statuses"]),
                "default": bool(row.get("default")),
            }
            for row in c["workflows"].rows()
            if not name or row["name"] == name
        ]
    )


@operation("GET", "/workflow/search", "getWorkflowsPaginated")
def search(c: Context) -> Response:
    """Published workflows in pages."""
    c.need_admin(_LISTS)
    names = [v for name, v in c.call.request.query_pairs if name == "workflowName"]
    needle, expand = c.query("queryString").lower(), c.query_list("expand")
    rows = [
        row
        for row in c["workflows"].rows()
        if (not names or row["name"] in names)
        and needle in row["name"].lower()
        and (not c.query("isActive") or in_use(c, row["id"]) == c.query_flag("isActive"))
    ]
    ordered = sorted_rows(c, rows, ("name", "created", "updated"))
    return page(c, ordered, lambda row: _shape(c, row, expand))


def _shape(c: Context, row: Row, expand: list[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": {"name": row["name"], "entityId": row["id"]},
        "description": row["description"],
    }
    for name in ("created", "updated"):
        if row.get(name):
            shape[name] = row[name]
    if "transitions" in expand or "transitions.rules" in expand:
        shape["transitions"] = [_step(c, step, expand) for step in row["transitions"]]
    if "statuses" in expand:
        with_properties = "statuses.properties" in expand
        shape["statuses"] = [
            {
                "id": one["id"],
                "name": c["statuses"][one["id"]]["name"],
                **({"properties": dict(one["properties"])} if with_properties else {}),
            }
            for one in row["statuses"]
            if one["id"] in c["statuses"]
        ]
    if "default" in expand:
        shape["isDefault"] = bool(row.get("default"))
    if "schemes" in expand:
        shape["schemes"] = [{"id": s["id"], "name": s["name"]} for s in users_of(c, row["id"])]
    if "projects" in expand:
        schemes = {one["id"] for one in users_of(c, row["id"])}
        shape["projects"] = [
            {"id": one["id"], "key": one["key"], "name": one["name"]}
            for one in c["projects"].rows()
            if scheme_of(one, "workflow_scheme") in schemes
        ]
    if "hasDraftWorkflow" in expand:
        shape["hasDraftWorkflow"] = False
    if "operations" in expand:
        used = bool(users_of(c, row["id"]))
        editable = bool(row.get("editable", True))
        shape["operations"] = {"canEdit": editable, "canDelete": editable and not used}
    return shape


def _step(c: Context, step: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": step["id"],
        "name": step["name"],
        "description": step["description"],
        "from": list(step["from"]),
        "to": step["to"],
        "type": step["type"].lower(),
    }
    if step["screen"]:
        screen = c["screens"].get(step["screen"])
        shape["screen"] = {"id": step["screen"], "name": screen["name"] if screen else ""}
    if "transitions.rules" in expand:
        shape["rules"] = _rules(step)
    if "transitions.properties" in expand:
        shape["properties"] = dict(step["properties"])
    return shape


@operation("POST", "/workflow", "createWorkflow")
def create(c: Context) -> Response:
    """A workflow, as the older API writes it."""
    c.need_admin(ADMINS)
    body = c.body()
    name, statuses, steps = body.get("name"), body.get("statuses"), body.get("transitions")
    if not name or not isinstance(statuses, list) or not isinstance(steps, list):
        raise JiraError(400, "The request body parameters are missing.")
    if not isinstance(name, str) or name != name.strip() or len(name) > 255:
        raise JiraError(400, "The workflow name cannot start or end with spaces and has at most "
                        "255 characters.")  # fmt: skip
    if c["workflows"].first("name", name) is not None:
        raise JiraError(400, f"A workflow with the name '{name}' already exists")
    own = [str(one.get("id")) for one in statuses if isinstance(one, dict)]
    for key in own:
        if key not in c["statuses"]:
            raise JiraError(404, f"Status with ID {key[:40]} was not found")
    rows = [_new_step(c, step, n, own) for n, step in enumerate(steps)]
    if sum(one["type"] == "INITIAL" for one in rows) != 1:
        raise JiraError(400, "The workflow must have exactly one initial transition.")
    row = {
        "id": workflow_uuid(c),
        "name": name,
        "description": described(body),
        "statuses": [
            {"id": str(one["id"]), "properties": _properties(one.get("properties"))}
            for one in statuses
        ],
        "transitions": rows,
        "default": False,
        "editable": True,
        "created": c.now,
        "version": 0,
    }
    made = put_version(c, row)
    return reply({"name": name, "entityId": made["id"]}, 201)


def _properties(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _new_step(c: Context, step: Any, n: int, own: list[str]) -> dict[str, Any]:
    if not isinstance(step, dict) or not isinstance(step.get("name"), str):
        raise JiraError(400, "A transition must have a name.")
    kind = str(step.get("type") or "").upper()
    if kind not in ("INITIAL", "GLOBAL", "DIRECTED"):
        raise JiraError(400, "The type of a transition must be global, initial or directed.")
    target = str(step.get("to") or "")
    starts = [str(key) for key in many(step.get("from"))]
    if any(key not in own for key in [target, *starts]):
        raise JiraError(400, "A transition refers to a status that is not in the workflow.")
    if kind == "DIRECTED" and not starts:
        raise JiraError(400, "A directed transition must have a status to start from.")
    if kind != "DIRECTED" and starts:
        raise JiraError(400, "Only directed transitions have statuses to start from.")
    rules = step.get("rules") if isinstance(step.get("rules"), dict) else {}
    screen = step.get("screen")
    key = str(screen.get("id") or "") if isinstance(screen, dict) else ""
    if key and key not in c["screens"]:
        raise JiraError(400, f"The screen with ID {key[:40]} was not found.")
    return {
        "id": str(n * 10 + 1),
        "name": step["name"].strip(),
        "description": str(step.get("description") or ""),
        "type": kind,
        "from": starts,
        "to": target,
        "conditions": old_conditions((rules or {}).get("conditions")),
        "validators": [old_rule(rule) for rule in many((rules or {}).get("validators"))],
        "actions": [old_rule(rule) for rule in many((rules or {}).get("postFunctions"))],
        "triggers": [],
        "screen": key,
        "properties": _properties(step.get("properties")),
    }


def _one(c: Context, name: str) -> Row:
    c.need_admin(ADMINS)
    row = c["workflows"].get(c.param(name))
    if row is None:
        raise JiraError(404, "The workflow was not found.")
    return row


@operation("DELETE", "/workflow/{entityId}", "deleteInactiveWorkflow")
def delete(c: Context) -> Response:
    """Delete a workflow that no scheme names."""
    row = _one(c, "entityId")
    if row.get("default"):
        raise JiraError(400, "Cannot delete the system workflow.")
    if in_use(c, row["id"]):
        raise JiraError(400, "Cannot delete an active workflow.")
    if users_of(c, row["id"]):
        raise JiraError(400, "Cannot delete a workflow that is used in a workflow scheme.")
    c["workflows"].delete(row["id"])
    return empty()


# -- usages


@operation("GET", "/workflow/{workflowId}/projectUsages", "getProjectUsagesForWorkflow")
def project_usages(c: Context) -> Response:
    """The projects that follow a workflow."""
    row = _one(c, "workflowId")
    schemes = {one["id"] for one in users_of(c, row["id"])}
    found = [
        {"id": one["id"]}
        for one in c["projects"].rows()
        if scheme_of(one, "workflow_scheme") in schemes
    ]
    return reply({"workflowId": row["id"], "projects": token_page(c, found)})


@operation(
    "GET",
    "/workflow/{workflowId}/project/{projectId}/issueTypeUsages",
    "getWorkflowProjectIssueTypeUsages",
)
def type_usages(c: Context) -> Response:
    """The issue types of a project that follow a workflow."""
    row = _one(c, "workflowId")
    project = c.project(c.param("projectId"))
    found = [
        {"id": kind}
        for kind in project["types"]
        if workflow_for(c, project, kind)["id"] == row["id"]
    ]
    shape = {"workflowId": row["id"], "projectId": project["id"]}
    return reply({**shape, "issueTypes": token_page(c, found)})


@operation("GET", "/workflow/{workflowId}/workflowSchemes", "getWorkflowSchemeUsagesForWorkflow")
def scheme_usages(c: Context) -> Response:
    """The schemes that name a workflow."""
    row = _one(c, "workflowId")
    found = [{"id": one["id"]} for one in users_of(c, row["id"])]
    return reply({"workflowId": row["id"], "workflowSchemes": token_page(c, found)})


# -- history


def _history_of(c: Context, body: dict[str, Any]) -> Row:
    c.need_admin(ADMINS)
    row = c["workflows"].get(str(body.get("workflowId")))
    if row is None:
        raise JiraError(400, "The workflow was not found.")
    return row


@operation("POST", "/workflow/history/list", "listWorkflowHistory")
def history(c: Context) -> Response:
    """The versions of a workflow, the newest first."""
    row = _history_of(c, c.body())
    versions = [
        one for key, one in c["workflowversions"].items() if key[0] == row["id"]
    ]  # fmt: skip
    return reply(
        {
            "entries": [
                {
                    "workflowId": row["id"],
                    "workflowVersion": one["version"],
                    "writtenAt": one["updated"],
                    "isIntermediate": False,
                }
                for one in reversed(versions)
            ]
        }
    )


@operation("POST", "/workflow/history", "readWorkflowFromHistory")
def from_history(c: Context) -> Response:
    """A workflow as it was in a version."""
    body = c.body()
    row = _history_of(c, body)
    found = c["workflowversions"].get((row["id"], str(body.get("version"))))
    if found is None:
        raise JiraError(400, "The version of the workflow was not found.")
    shape = workflow_json(c, found)
    shape.pop("isEditable")
    return reply({"statuses": statuses_json(c, [found]), "workflows": [shape]})


# -- properties of transitions


def _transition(c: Context) -> tuple[Row, dict[str, Any]]:
    c.need_admin("You must have global administrator rights to view workflow properties.")
    row = c["workflows"].first("name", c.query("workflowName"))
    if row is None:
        raise JiraError(404, "The workflow was not found.")
    for step in row["transitions"]:
        if step["id"] == c.param("transitionId"):
            return row, step
    raise JiraError(404, "The workflow transition was not found.")


def _put_step(c: Context, row: Row, step: dict[str, Any]) -> None:
    if not row.get("editable", True):
        raise JiraError(400, "The workflow cannot be edited.")
    steps = [step if one["id"] == step["id"] else one for one in row["transitions"]]
    put_version(c, {**row, "transitions": steps})


def _property(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": value, "id": key}


_PATH: Final = "/workflow/transitions/{transitionId}/properties"


@operation("GET", _PATH, "getWorkflowTransitionProperties")
def properties(c: Context) -> Response:
    """The properties of a transition, or one of them."""
    _, step = _transition(c)
    key = c.query("key")
    if key:
        if key not in step["properties"]:
            raise JiraError(404, "The workflow transition property was not found.")
        return reply(_property(key, step["properties"][key]))
    return reply([_property(name, value) for name, value in step["properties"].items()])


def _key_and_value(c: Context) -> tuple[str, str]:
    key, value = c.query("key"), c.body().get("value")
    if not key or not isinstance(value, str):
        raise JiraError(400, "The key and the value must be provided.")
    if key.startswith("jira.i18n."):
        raise JiraError(400, "The key is reserved.")
    return key, value


@operation("POST", _PATH, "createWorkflowTransitionProperty")
def add_property(c: Context) -> Response:
    """A property for a transition."""
    row, step = _transition(c)
    key, value = _key_and_value(c)
    if key in step["properties"]:
        raise JiraError(400, "A workflow property with the same key is present.")
    _put_step(c, row, {**step, "properties": {**step["properties"], key: value}})
    return reply(_property(key, value))


@operation("PUT", _PATH, "updateWorkflowTransitionProperty")
def set_property(c: Context) -> Response:
    """Another value for a property of a transition; 304 for the same one."""
    row, step = _transition(c)
    key, value = _key_and_value(c)
    if step["properties"].get(key) == value:
        return Response(304)
    _put_step(c, row, {**step, "properties": {**step["properties"], key: value}})
    return reply(_property(key, value))


@operation("DELETE", _PATH, "deleteWorkflowTransitionProperty")
def delete_property(c: Context) -> Response:
    """Take a property off a transition; 304 where there is none."""
    row, step = _transition(c)
    key = c.query("key")
    if key not in step["properties"]:
        return Response(304)
    kept = {name: value for name, value in step["properties"].items() if name != key}
    _put_step(c, row, {**step, "properties": kept})
    return reply({})
