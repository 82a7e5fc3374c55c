"""workflowscheme: which projects have one, giving them another, reading and changing several."""

from typing import Any

from factory_tui.universe import Response, Row

from .admin import described, see_other
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .statuses import category_word, token_page
from .workflowschemes import (
    MISSING,
    Moves,
    free_scheme_name,
    lost_issues,
    migrate_issues,
    need_schemes,
    scheme_asked,
    scheme_shape,
)


@operation("GET", "/workflowscheme/project", "getWorkflowSchemeProjectAssociations")
def associations(c: Context) -> Response:
    """Schemes with the projects asked about."""
    need_schemes(c)
    ids = c.query_list("projectId")
    if not ids:
        error = JiraError(400)
        error.errors = {"projectId": "The ID of a project has to be provided."}
        raise error
    groups: dict[str, list[str]] = {}
    for project in c["projects"].rows():
        if project["id"] in ids:
            groups.setdefault(scheme_of(project, "workflow_scheme"), []).append(project["id"])
    return reply(
        {
            "values": [
                {"projectIds": found, "workflowScheme": scheme_shape(c, c["workflowschemes"][key])}
                for key, found in groups.items()
            ]
        }
    )


def _project(c: Context, key: Any) -> Row:
    row = c["projects"].get(str(key))
    if row is None:
        raise JiraError(404, "The project was not found.")
    return row


@operation("PUT", "/workflowscheme/project", "assignSchemeToProject")
def assign(c: Context) -> Response:
    """Give a project without issues a workflow scheme; none = the default."""
    need_schemes(c)
    body = c.body()
    project = _project(c, body.get("projectId"))
    key = body.get("workflowSchemeId")
    if key is not None and str(key) not in c["workflowschemes"]:
        raise JiraError(404, MISSING)
    part = c["workflowschemes"][str(key) if key is not None else "10000"]
    migrate_issues(c, [project], part, {})
    c["projects"].put(project["id"], {**project, "workflow_scheme": str(key or "")})
    return empty()


def _overrides(sent: Any) -> Moves:
    moves: Moves = {}
    for one_ in sent if isinstance(sent, list) else []:
        if not isinstance(one_, dict):
            continue
        for pair in many(one_.get("statusMappings")):
            place = (str(one_.get("issueTypeId")), str(pair.get("oldStatusId")))
            moves[place] = str(pair.get("newStatusId"))
    return moves


@operation("POST", "/workflowscheme/project/switch", "switchWorkflowSchemeForProject")
def switch(c: Context) -> Response:
    """Give a project another workflow scheme and its issues statuses that exist there."""
    need_schemes(c)
    body = c.body()
    row = c["projects"].get(str(body.get("projectId")))
    part = c["workflowschemes"].get(str(body.get("targetSchemeId")))
    if row is None or part is None:
        raise JiraError(400, "The project or the workflow scheme was not found.")
    migrate_issues(c, [row], part, _overrides(body.get("mappingsByIssueTypeOverride")))
    row = c["projects"][row["id"]]
    c["projects"].put(row["id"], {**row, "workflow_scheme": part["id"]})
    return see_other(c, f"Switch the workflow scheme of project {row['id']}")


@operation(
    "GET", "/workflowscheme/{workflowSchemeId}/projectUsages", "getProjectUsagesForWorkflowScheme"
)
def usages(c: Context) -> Response:
    """The projects that have a scheme."""
    row = scheme_asked(c, "workflowSchemeId")
    found = [
        {"id": p["id"]} for p in c["projects"].rows()
        if scheme_of(p, "workflow_scheme") == row["id"]
    ]  # fmt: skip
    return reply({"workflowSchemeId": row["id"], "projects": token_page(c, found)})


# -- several at once


def _meta(c: Context, key: str) -> dict[str, Any]:
    row = c["workflows"][key]
    version = {"id": f"{key}:{row['version']}", "versionNumber": row["version"]}
    return {"id": key, "name": row["name"], "description": row["description"],
            "version": version}  # fmt: skip


@operation("POST", "/workflowscheme/read", "readWorkflowSchemes")
def read(c: Context) -> Response:
    """Schemes by id or project."""
    need_schemes(c)
    body = c.body()
    keys = c.sent_texts(body, "workflowSchemeIds")
    for key in c.sent_texts(body, "projectIds"):
        project = c["projects"].get(key)
        if project is not None:
            keys.append(scheme_of(project, "workflow_scheme"))
    found = []
    for key in dict.fromkeys(keys):
        row = c["workflowschemes"].get(key)
        if row is None:
            continue
        groups: dict[str, list[str]] = {}
        for kind, workflow in row["types"].items():
            groups.setdefault(workflow, []).append(kind)
        found.append(
            {
                "id": key,
                "name": row["name"],
                "description": row["description"],
                "scope": {"type": "GLOBAL"},
                "version": {"id": f"{key}:{row['version']}", "versionNumber": row["version"]},
                "defaultWorkflow": _meta(c, row["default_workflow"]),
                "workflowsForIssueTypes": [
                    {"workflow": _meta(c, workflow), "issueTypeIds": kinds}
                    for workflow, kinds in groups.items()
                ],
            }
        )
    return reply(found)


def _sent_part(c: Context, body: dict[str, Any], row: Row) -> Row:
    types: dict[str, str] = {}
    for one_ in many(body.get("workflowsForIssueTypes")):
        key = str(one_.get("workflowId")) if isinstance(one_, dict) else ""
        if key not in c["workflows"]:
            raise JiraError(400, f"The workflow with ID {key[:60]} was not found.")
        for kind in many(one_.get("issueTypeIds")):
            if str(kind) not in c["issuetypes"]:
                raise JiraError(400, f"The issue type with ID {str(kind)[:40]} was not found.")
            types[str(kind)] = key
    default = str(body.get("defaultWorkflowId") or row["default_workflow"])
    if default not in c["workflows"]:
        raise JiraError(400, f"The workflow with ID {default[:60]} was not found.")
    return {"types": types, "default_workflow": default}


@operation("POST", "/workflowscheme/update", "updateSchemes")
def bulk_update(c: Context) -> Response:
    """Change a scheme at once, active or not; its issues move as the mappings say."""
    need_schemes(c)
    body = c.body()
    row = c["workflowschemes"].get(str(body.get("id")))
    if row is None:
        raise JiraError(400, MISSING)
    version = body.get("version")
    if not isinstance(version, dict) or version.get("versionNumber") != row["version"]:
        raise JiraError(409, "The workflow scheme has been changed since it was read.")
    part = _sent_part(c, body, row)
    moves = _overrides(body.get("statusMappingsByIssueTypeOverride"))
    for one_ in many(body.get("statusMappingsByWorkflows")):
        for pair in many(one_.get("statusMappings")) if isinstance(one_, dict) else []:
            for kind in c["issuetypes"]:
                place = (str(kind), str(pair.get("oldStatusId")))
                moves.setdefault(place, str(pair.get("newStatusId")))
    projects = [p for p in c["projects"].rows() if scheme_of(p, "workflow_scheme") == row["id"]]
    moving = any(lost_issues(c, project, part) for project in projects)
    migrate_issues(c, projects, part, moves)
    new = {
        **row,
        **part,
        "name": free_scheme_name(c, body, row["id"]),
        "description": described(body, row["description"]),
        "version": row["version"] + 1,
    }
    c["workflowschemes"].put(row["id"], new)
    if moving:
        return see_other(c, f"Update workflow scheme {row['id']}")
    return reply({})


@operation("POST", "/workflowscheme/update/mappings", "getRequiredWorkflowSchemeMappings")
def required_mappings(c: Context) -> Response:
    """Which statuses need mappings before a scheme can be changed so."""
    need_schemes(c)
    body = c.body()
    row = c["workflowschemes"].get(str(body.get("id")))
    if row is None:
        raise JiraError(400, MISSING)
    part = _sent_part(c, body, row)
    by_type: dict[str, set[str]] = {}
    by_workflow: dict[tuple[str, str], set[str]] = {}
    for project in c["projects"].rows():
        if scheme_of(project, "workflow_scheme") != row["id"]:
            continue
        for issue in lost_issues(c, project, part):
            by_type.setdefault(issue["type"], set()).add(issue["status"])
            old = row["types"].get(issue["type"]) or row["default_workflow"]
            new = part["types"].get(issue["type"]) or part["default_workflow"]
            by_workflow.setdefault((old, new), set()).add(issue["status"])
    workflows = dict.fromkeys([part["default_workflow"], *part["types"].values()])
    statuses = dict.fromkeys(
        one_["id"] for key in workflows for one_ in c["workflows"][key]["statuses"]
    )
    return reply(
        {
            "statusMappingsByIssueTypes": [
                {"issueTypeId": kind, "statusIds": sorted(found)} for kind, found in by_type.items()
            ],
            "statusMappingsByWorkflows": [
                {"sourceWorkflowId": old, "targetWorkflowId": new, "statusIds": sorted(found)}
                for (old, new), found in by_workflow.items()
            ],
            "statuses": [
                {
                    "id": key,
                    "name": c["statuses"][key]["name"],
                    "category": category_word(c["statuses"][key]),
                }
                for key in statuses
            ],
            "statusesPerWorkflow": [
                {
                    "workflowId": key,
                    "initialStatusId": next(
                        (
                            step["to"]
                            for step in c["workflows"][key]["transitions"]
                            if step["type"] == "INITIAL"
                        ),
                        "",
                    ),
                    "statuses": [one_["id"] for one_ in c["workflows"][key]["statuses"]],
                }
                for key in workflows
            ],
        }
    )
