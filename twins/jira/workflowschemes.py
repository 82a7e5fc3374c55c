"""workflowscheme: which workflow the issue types of projects follow, and drafts of that.

A scheme that a project has is *active*: it is changed through a draft, which is published with
a mapping for the issues whose status the new workflow lacks.
"""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, named, see_other
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError, many
from .pages import page
from .shapes import type_shape, user_shape
from .state import new_id
from .statuses import category_word, token_page
from .workflow import migrate

_ADMINS: Final = "Only Jira administrators can access workflow schemes."
_MISSING: Final = "The workflow scheme was not found."
_NO_DRAFT: Final = "Draft workflow scheme was not found."


def _need(c: Context) -> None:
    c.need_admin(_ADMINS)


def _scheme(c: Context, name: str = "id") -> Row:
    _need(c)
    row = c["workflowschemes"].get(c.param(name))
    if row is None:
        raise JiraError(404, _MISSING)
    return row


def _active(c: Context, row: Row) -> bool:
    return any(scheme_of(one, "workflow_scheme") == row["id"] for one in c["projects"].rows())


def _workflow_name(c: Context, key: str) -> str:
    row = c["workflows"].get(key)
    return str(row["name"]) if row else ""


def _workflow_id(c: Context, name: Any, status: int = 400) -> str:
    row = c["workflows"].first("name", str(name))
    if row is None:
        raise JiraError(status, f"The workflow '{str(name)[:80]}' was not found.")
    return str(row["id"])


def _shape(c: Context, row: Row, part: Row | None = None) -> dict[str, Any]:
    """A scheme, or the ``part`` that is its draft."""
    of = part if part is not None else row
    place = f"{c.api}/workflowscheme/{row['id']}"
    shape: dict[str, Any] = {
        "id": int(row["id"]),
        "name": of["name"],
        "description": of["description"],
        "defaultWorkflow": _workflow_name(c, of["default_workflow"]),
        "issueTypeMappings": {kind: _workflow_name(c, key) for kind, key in of["types"].items()},
        "draft": part is not None,
        "self": f"{place}/draft" if part is not None else place,
    }
    if part is not None:
        shape["originalDefaultWorkflow"] = _workflow_name(c, row["default_workflow"])
        shape["originalIssueTypeMappings"] = {
            kind: _workflow_name(c, key) for kind, key in row["types"].items()
        }
        shape["lastModified"] = part["modified"]
        shape["lastModifiedUser"] = user_shape(c, part["modifier"])
    if "issueTypes" in c.query_list("expand"):
        shape["issueTypes"] = {
            kind: type_shape(c, c["issuetypes"][kind])
            for kind in of["types"]
            if kind in c["issuetypes"]
        }
    return shape


# -- schemes


@operation("GET", "/workflowscheme", "getAllWorkflowSchemes")
def schemes(c: Context) -> Response:
    """Workflow schemes in pages."""
    _need(c)
    return page(c, list(c["workflowschemes"].rows()), lambda row: _shape(c, row))


def _free(c: Context, body: dict[str, Any], own: str = "") -> str:
    name = named(body)
    for row in c["workflowschemes"].rows():
        if row["name"].lower() == name.lower() and row["id"] != own:
            raise JiraError(400, "The name is used by another workflow scheme.")
    return name


def _mappings(c: Context, sent: Any) -> dict[str, str]:
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    for kind in sent:
        if kind not in c["issuetypes"]:
            raise JiraError(400, f"The issue type with ID {str(kind)[:40]} was not found.")
    return {str(kind): _workflow_id(c, name) for kind, name in sent.items()}


@operation("POST", "/workflowscheme", "createWorkflowScheme")
def create(c: Context) -> Response:
    """A workflow scheme."""
    _need(c)
    body = c.body()
    default = body.get("defaultWorkflow")
    row = {
        "name": _free(c, body),
        "description": described(body),
        "default_workflow": _workflow_id(c, default if default is not None else "jira"),
        "types": _mappings(c, body.get("issueTypeMappings")),
        "draft": None,
        "version": 1,
    }
    key = new_id(c.twin, "workflowscheme", 10_001)
    c["workflowschemes"].put(key, {"id": key, **row})
    return reply(_shape(c, c["workflowschemes"][key]), 201)


def _shown(c: Context, row: Row) -> Response:
    if c.query_flag("returnDraftIfExists") and row["draft"]:
        return reply(_shape(c, row, row["draft"]))
    return reply(_shape(c, row))


@operation("GET", "/workflowscheme/{id}", "getWorkflowScheme")
def one(c: Context) -> Response:
    """A workflow scheme, or its draft."""
    return _shown(c, _scheme(c))


def _change(c: Context, change: Callable[[Row], Row], *, wanted: bool) -> Response:
    """Change a scheme, or the draft of an active one where the caller wants that."""
    row = _scheme(c)
    if not _active(c, row):
        new = change(row)
        c["workflowschemes"].put(row["id"], {**new, "version": row["version"] + 1})
        return reply(_shape(c, c["workflowschemes"][row["id"]]))
    if not wanted:
        raise JiraError(400, "The workflow scheme is active and cannot be edited; update its draft "
                        "instead.")  # fmt: skip
    return reply(_shape(c, *_put_draft(c, row, change)))


def _put_draft(c: Context, row: Row, change: Callable[[Row], Row]) -> tuple[Row, Row]:
    base = row["draft"] or {
        "name": row["name"],
        "description": row["description"],
        "default_workflow": row["default_workflow"],
        "types": dict(row["types"]),
    }
    part = {**change(base), "modified": c.now, "modifier": c.me}
    new = {**row, "draft": part}
    c["workflowschemes"].put(row["id"], new)
    return new, part


def _updated(c: Context, body: dict[str, Any], own: str) -> Callable[[Row], Row]:
    def change(row: Row) -> Row:
        new = {**row, "description": described(body, row["description"])}
        if body.get("name") is not None:
            new["name"] = _free(c, body, own)
        if body.get("defaultWorkflow") is not None:
            new["default_workflow"] = _workflow_id(c, body["defaultWorkflow"])
        if body.get("issueTypeMappings") is not None:
            new["types"] = _mappings(c, body["issueTypeMappings"])
        return new

    return change


def _wants(body: dict[str, Any]) -> bool:
    return body.get("updateDraftIfNeeded") is True


@operation("PUT", "/workflowscheme/{id}", "updateWorkflowScheme")
def update(c: Context) -> Response:
    """Another name, description or other workflows."""
    body = c.body()
    return _change(c, _updated(c, body, c.param("id")), wanted=_wants(body))


@operation("DELETE", "/workflowscheme/{id}", "deleteWorkflowScheme")
def delete(c: Context) -> Response:
    """Delete a scheme that no project has."""
    row = _scheme(c)
    if _active(c, row) or row.get("default"):
        raise JiraError(400, "The workflow scheme is active and cannot be deleted.")
    c["workflowschemes"].delete(row["id"])
    return empty()


# -- parts of schemes and of drafts


def _draft(c: Context) -> Row:
    row = _scheme(c)
    if not row["draft"]:
        raise JiraError(404, _NO_DRAFT)
    return row


def _type_known(c: Context) -> str:
    kind = c.param("issueType")
    if kind not in c["issuetypes"]:
        raise JiraError(404, f"The issue type with ID {kind[:40]} was not found.")
    return kind


def _set_default(c: Context) -> Callable[[Row], Row]:
    name = c.body().get("workflow")
    if not name:
        raise JiraError(400, "The workflow must be provided.")
    key = _workflow_id(c, name)
    return lambda row: {**row, "default_workflow": key}


def _no_default(c: Context) -> Callable[[Row], Row]:
    key = next(str(row["id"]) for row in c["workflows"].rows() if row.get("default"))
    return lambda row: {**row, "default_workflow": key}


def _set_type(c: Context) -> Callable[[Row], Row]:
    kind, name = _type_known(c), c.body().get("workflow")
    key = _workflow_id(c, name)
    return lambda row: {**row, "types": {**row["types"], kind: key}}


def _no_type(c: Context) -> Callable[[Row], Row]:
    kind = _type_known(c)
    return lambda row: {
        **row, "types": {one: key for one, key in row["types"].items() if one != kind}
    }  # fmt: skip


def _set_mapping(c: Context) -> Callable[[Row], Row]:
    body = c.body()
    name = c.query("workflowName") or body.get("workflow")
    key = _workflow_id(c, name, 404)
    kinds = [str(kind) for kind in many(body.get("issueTypes"))]
    for kind in kinds:
        if kind not in c["issuetypes"]:
            raise JiraError(400, f"The issue type with ID {kind[:40]} was not found.")

    def change(row: Row) -> Row:
        types = {one: value for one, value in row["types"].items() if value != key}
        new = {**row, "types": {**types, **dict.fromkeys(kinds, key)}}
        return {**new, "default_workflow": key} if body.get("defaultMapping") is True else new

    return change


def _no_mapping(c: Context) -> Callable[[Row], Row]:
    key = _workflow_id(c, c.query("workflowName"), 404)
    fallback = next(str(row["id"]) for row in c["workflows"].rows() if row.get("default"))
    return lambda row: {
        **row,
        "types": {one: value for one, value in row["types"].items() if value != key},
        "default_workflow": fallback if row["default_workflow"] == key else row["default_workflow"],
    }


def _default_json(c: Context, part: Row) -> dict[str, Any]:
    return {"workflow": _workflow_name(c, part["default_workflow"])}


def _type_json(c: Context, part: Row) -> dict[str, Any]:
    kind = _type_known(c)
    key = part["types"].get(kind)
    if key is None:
        raise JiraError(404, f"The issue type with ID {kind[:40]} has no workflow in the scheme.")
    return {"issueType": kind, "workflow": _workflow_name(c, key)}


def _mapping_json(c: Context, part: Row) -> Any:
    def shape(key: str) -> dict[str, Any]:
        kinds = [kind for kind, value in part["types"].items() if value == key]
        return {
            "workflow": _workflow_name(c, key),
            "issueTypes": kinds,
            "defaultMapping": part["default_workflow"] == key,
        }

    name = c.query("workflowName")
    if name:
        return shape(_workflow_id(c, name, 404))
    keys = dict.fromkeys([part["default_workflow"], *part["types"].values()])
    found = [shape(key) for key in keys]
    return found[0] if len(found) == 1 else found


Setter = Callable[[Context], Callable[[Row], Row]]
Reader = Callable[[Context, Row], Any]


def _register(
    path: str,
    names: tuple[str, str, str],
    read: Reader,
    put: Setter,
    remove: Setter,
    *,
    bare: bool = False,
) -> None:
    """The three operations of a part, for schemes and for their drafts.

    Args:
        path: Below the scheme.
        names: Of the operations for drafts: get, put, delete, each with ``{}`` for ``Draft``.
        bare: Deleting answers without the scheme.
    """

    @operation("GET", f"/workflowscheme/{{id}}{path}", names[0].format(""))
    def get_live(c: Context) -> Response:
        """The part of a scheme."""
        row = _scheme(c)
        part = row["draft"] if c.query_flag("returnDraftIfExists") and row["draft"] else row
        return reply(read(c, part))

    @operation("GET", f"/workflowscheme/{{id}}/draft{path}", names[0].format("Draft"))
    def get_draft(c: Context) -> Response:
        """The part of a draft."""
        return reply(read(c, _draft(c)["draft"]))

    @operation("PUT", f"/workflowscheme/{{id}}{path}", names[1].format(""))
    def put_live(c: Context) -> Response:
        """Change the part of a scheme."""
        _scheme(c)
        return _change(c, put(c), wanted=_wants(c.body()))

    @operation("PUT", f"/workflowscheme/{{id}}/draft{path}", names[1].format("Draft"))
    def put_draft(c: Context) -> Response:
        """Change the part of a draft."""
        row = _draft(c)
        return reply(_shape(c, *_put_draft(c, row, put(c))))

    @operation("DELETE", f"/workflowscheme/{{id}}{path}", names[2].format(""))
    def delete_live(c: Context) -> Response:
        """Remove the part of a scheme."""
        _scheme(c)
        answer = _change(c, remove(c), wanted=c.query_flag("updateDraftIfNeeded"))
        return empty(200) if bare else answer

    @operation("DELETE", f"/workflowscheme/{{id}}/draft{path}", names[2].format("Draft"))
    def delete_draft(c: Context) -> Response:
        """Remove the part of a draft."""
        row = _draft(c)
        changed = _put_draft(c, row, remove(c))
        return empty(200) if bare else reply(_shape(c, *changed))


_register(
    "/default",
    ("get{}DefaultWorkflow", "update{}DefaultWorkflow", "delete{}DefaultWorkflow"),
    _default_json,
    _set_default,
    _no_default,
)
_register(
    "/issuetype/{issueType}",
    (
        "getWorkflowScheme{}IssueType",
        "setWorkflowScheme{}IssueType",
        "deleteWorkflowScheme{}IssueType",
    ),
    _type_json,
    _set_type,
    _no_type,
)
_register(
    "/workflow",
    ("get{}Workflow", "update{}WorkflowMapping", "delete{}WorkflowMapping"),
    _mapping_json,
    _set_mapping,
    _no_mapping,
    bare=True,
)


# -- drafts as a whole


@operation("POST", "/workflowscheme/{id}/createdraft", "createWorkflowSchemeDraftFromParent")
def draft_create(c: Context) -> Response:
    """A draft of an active scheme."""
    row = _scheme(c)
    if not _active(c, row):
        raise JiraError(400, "The workflow scheme is not active.")
    if row["draft"]:
        raise JiraError(400, "The workflow scheme already has a draft.")
    return reply(_shape(c, *_put_draft(c, row, lambda part: part)), 201)


@operation("GET", "/workflowscheme/{id}/draft", "getWorkflowSchemeDraft")
def draft_one(c: Context) -> Response:
    """The draft of a scheme."""
    row = _draft(c)
    return reply(_shape(c, row, row["draft"]))


@operation("PUT", "/workflowscheme/{id}/draft", "updateWorkflowSchemeDraft")
def draft_update(c: Context) -> Response:
    """Change the draft of a scheme."""
    row = _draft(c)
    return reply(_shape(c, *_put_draft(c, row, _updated(c, c.body(), row["id"]))))


@operation("DELETE", "/workflowscheme/{id}/draft", "deleteWorkflowSchemeDraft")
def draft_delete(c: Context) -> Response:
    """Throw a draft away."""
    row = _draft(c)
    c["workflowschemes"].put(row["id"], {**row, "draft": None})
    return empty()


def _lost(c: Context, project: Row, part: Row) -> list[Row]:
    """Issues of a project whose status the workflow of ``part`` lacks."""
    table = c["issues"]
    found = []
    for key in table.find("project", project["id"]):
        issue = table[key]
        workflow = c["workflows"][part["types"].get(issue["type"]) or part["default_workflow"]]
        if all(one["id"] != issue["status"] for one in workflow["statuses"]):
            found.append(issue)
    return found


Moves = dict[tuple[str, str], str]
"""Issue type and old status to the new status."""


def _migrate(c: Context, projects: list[Row], part: Row, moves: Moves) -> None:
    """Put issues into statuses that exist. Raises 400 where a mapping is missing."""
    lost = [issue for project in projects for issue in _lost(c, project, part)]
    missing: dict[str, set[str]] = {}
    for issue in lost:
        if (issue["type"], issue["status"]) not in moves:
            missing.setdefault(issue["type"], set()).add(issue["status"])
    if missing:
        raise JiraError(
            400,
            *(
                f"Issue type with ID '{kind}' is missing the mappings required for statuses with "
                f"IDs {', '.join(sorted(statuses))}."
                for kind, statuses in sorted(missing.items())
            ),
        )
    for status in moves.values():
        if status not in c["statuses"]:
            raise JiraError(404, f"The status with ID {status[:40]} was not found.")
    for issue in lost:
        migrate(c, issue, moves[issue["type"], issue["status"]])


@operation("POST", "/workflowscheme/{id}/draft/publish", "publishDraftWorkflowScheme")
def draft_publish(c: Context) -> Response:
    """Let a draft take the place of its scheme; issues move as the mappings say."""
    row = _draft(c)
    moves: Moves = {}
    for one_ in c.body().get("statusMappings") or []:
        if isinstance(one_, dict):
            place = (str(one_.get("issueTypeId")), str(one_.get("statusId")))
            moves[place] = str(one_.get("newStatusId"))
    projects = [p for p in c["projects"].rows() if scheme_of(p, "workflow_scheme") == row["id"]]
    part = row["draft"]
    if c.query_flag("validateOnly"):
        needed = {(i["type"], i["status"]) for p in projects for i in _lost(c, p, part)}
        if needed - moves.keys():
            raise JiraError(400, "Mappings of statuses are missing.")
        return empty()
    _migrate(c, projects, part, moves)
    kept = {name: part[name] for name in ("name", "description", "default_workflow", "types")}
    new = {**row, **kept, "draft": None, "version": row["version"] + 1}
    c["workflowschemes"].put(row["id"], new)
    return see_other(c, f"Publish the draft of workflow scheme {row['id']}")


# -- projects


@operation("GET", "/workflowscheme/project", "getWorkflowSchemeProjectAssociations")
def associations(c: Context) -> Response:
    """Schemes with the projects asked about."""
    _need(c)
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
                {"projectIds": found, "workflowScheme": _shape(c, c["workflowschemes"][key])}
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
    _need(c)
    body = c.body()
    project = _project(c, body.get("projectId"))
    key = body.get("workflowSchemeId")
    if key is not None and str(key) not in c["workflowschemes"]:
        raise JiraError(404, _MISSING)
    part = c["workflowschemes"][str(key) if key is not None else "10000"]
    _migrate(c, [project], part, {})
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
    _need(c)
    body = c.body()
    row = c["projects"].get(str(body.get("projectId")))
    part = c["workflowschemes"].get(str(body.get("targetSchemeId")))
    if row is None or part is None:
        raise JiraError(400, "The project or the workflow scheme was not found.")
    _migrate(c, [row], part, _overrides(body.get("mappingsByIssueTypeOverride")))
    row = c["projects"][row["id"]]
    c["projects"].put(row["id"], {**row, "workflow_scheme": part["id"]})
    return see_other(c, f"Switch the workflow scheme of project {row['id']}")


@operation(
    "GET", "/workflowscheme/{workflowSchemeId}/projectUsages", "getProjectUsagesForWorkflowScheme"
)
def usages(c: Context) -> Response:
    """The projects that have a scheme."""
    row = _scheme(c, "workflowSchemeId")
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
    _need(c)
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
    _need(c)
    body = c.body()
    row = c["workflowschemes"].get(str(body.get("id")))
    if row is None:
        raise JiraError(400, _MISSING)
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
    moving = any(_lost(c, project, part) for project in projects)
    _migrate(c, projects, part, moves)
    new = {
        **row,
        **part,
        "name": _free(c, body, row["id"]),
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
    _need(c)
    body = c.body()
    row = c["workflowschemes"].get(str(body.get("id")))
    if row is None:
        raise JiraError(400, _MISSING)
    part = _sent_part(c, body, row)
    by_type: dict[str, set[str]] = {}
    by_workflow: dict[tuple[str, str], set[str]] = {}
    for project in c["projects"].rows():
        if scheme_of(project, "workflow_scheme") != row["id"]:
            continue
        for issue in _lost(c, project, part):
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
