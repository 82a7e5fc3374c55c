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
from .workflow import migrate

__all__ = [
    "MISSING",
    "Moves",
    "free_scheme_name",
    "lost_issues",
    "migrate_issues",
    "need_schemes",
    "scheme_asked",
    "scheme_shape",
]

_ADMINS: Final = "Only Jira administrators can access workflow schemes."
MISSING: Final = "The workflow scheme was not found."
_NO_DRAFT: Final = "Draft workflow scheme was not found."


def need_schemes(c: Context) -> None:
    """403 unless the caller administers the site."""
    c.need_admin(_ADMINS)


def scheme_asked(c: Context, name: str = "id") -> Row:
    """The scheme in the path. Raises 404."""
    need_schemes(c)
    row = c["workflowschemes"].get(c.param(name))
    if row is None:
        raise JiraError(404, MISSING)
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


def scheme_shape(c: Context, row: Row, part: Row | None = None) -> dict[str, Any]:
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
    need_schemes(c)
    return page(c, list(c["workflowschemes"].rows()), lambda row: scheme_shape(c, row))


def free_scheme_name(c: Context, body: dict[str, Any], own: str = "") -> str:
    """A name that no other scheme has. Raises 400."""
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
    need_schemes(c)
    body = c.body()
    default = body.get("defaultWorkflow")
    row = {
        "name": free_scheme_name(c, body),
        "description": described(body),
        "default_workflow": _workflow_id(c, default if default is not None else "jira"),
        "types": _mappings(c, body.get("issueTypeMappings")),
        "draft": None,
        "version": 1,
    }
    key = new_id(c.twin, "workflowscheme", 10_001)
    c["workflowschemes"].put(key, {"id": key, **row})
    return reply(scheme_shape(c, c["workflowschemes"][key]), 201)


def _shown(c: Context, row: Row) -> Response:
    if c.query_flag("returnDraftIfExists") and row["draft"]:
        return reply(scheme_shape(c, row, row["draft"]))
    return reply(scheme_shape(c, row))


@operation("GET", "/workflowscheme/{id}", "getWorkflowScheme")
def one(c: Context) -> Response:
    """A workflow scheme, or its draft."""
    return _shown(c, scheme_asked(c))


def _change(c: Context, change: Callable[[Row], Row], *, wanted: bool) -> Response:
    """Change a scheme, or the draft of an active one where the caller wants that."""
    row = scheme_asked(c)
    if not _active(c, row):
        new = change(row)
        c["workflowschemes"].put(row["id"], {**new, "version": row["version"] + 1})
        return reply(scheme_shape(c, c["workflowschemes"][row["id"]]))
    if not wanted:
        raise JiraError(400, "The workflow scheme is active and cannot be edited; update its draft "
                        "instead.")  # fmt: skip
    return reply(scheme_shape(c, *_put_draft(c, row, change)))


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
            new["name"] = free_scheme_name(c, body, own)
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
    row = scheme_asked(c)
    if _active(c, row) or row.get("default"):
        raise JiraError(400, "The workflow scheme is active and cannot be deleted.")
    c["workflowschemes"].delete(row["id"])
    return empty()


# -- parts of schemes and of drafts


def _draft(c: Context) -> Row:
    row = scheme_asked(c)
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
        row = scheme_asked(c)
        part = row["draft"] if c.query_flag("returnDraftIfExists") and row["draft"] else row
        return reply(read(c, part))

    @operation("GET", f"/workflowscheme/{{id}}/draft{path}", names[0].format("Draft"))
    def get_draft(c: Context) -> Response:
        """The part of a draft."""
        return reply(read(c, _draft(c)["draft"]))

    @operation("PUT", f"/workflowscheme/{{id}}{path}", names[1].format(""))
    def put_live(c: Context) -> Response:
        """Change the part of a scheme."""
        scheme_asked(c)
        return _change(c, put(c), wanted=_wants(c.body()))

    @operation("PUT", f"/workflowscheme/{{id}}/draft{path}", names[1].format("Draft"))
    def put_draft(c: Context) -> Response:
        """Change the part of a draft."""
        row = _draft(c)
        return reply(scheme_shape(c, *_put_draft(c, row, put(c))))

    @operation("DELETE", f"/workflowscheme/{{id}}{path}", names[2].format(""))
    def delete_live(c: Context) -> Response:
        """Remove the part of a scheme."""
        scheme_asked(c)
        answer = _change(c, remove(c), wanted=c.query_flag("updateDraftIfNeeded"))
        return empty(200) if bare else answer

    @operation("DELETE", f"/workflowscheme/{{id}}/draft{path}", names[2].format("Draft"))
    def delete_draft(c: Context) -> Response:
        """Remove the part of a draft."""
        row = _draft(c)
        changed = _put_draft(c, row, remove(c))
        return empty(200) if bare else reply(scheme_shape(c, *changed))


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
    row = scheme_asked(c)
    if not _active(c, row):
        raise JiraError(400, "The workflow scheme is not active.")
    if row["draft"]:
        raise JiraError(400, "The workflow scheme already has a draft.")
    return reply(scheme_shape(c, *_put_draft(c, row, lambda part: part)), 201)


@operation("GET", "/workflowscheme/{id}/draft", "getWorkflowSchemeDraft")
def draft_one(c: Context) -> Response:
    """The draft of a scheme."""
    row = _draft(c)
    return reply(scheme_shape(c, row, row["draft"]))


@operation("PUT", "/workflowscheme/{id}/draft", "updateWorkflowSchemeDraft")
def draft_update(c: Context) -> Response:
    """Change the draft of a scheme."""
    row = _draft(c)
    return reply(scheme_shape(c, *_put_draft(c, row, _updated(c, c.body(), row["id"]))))


@operation("DELETE", "/workflowscheme/{id}/draft", "deleteWorkflowSchemeDraft")
def draft_delete(c: Context) -> Response:
    """Throw a draft away."""
    row = _draft(c)
    c["workflowschemes"].put(row["id"], {**row, "draft": None})
    return empty()


def lost_issues(c: Context, project: Row, part: Row) -> list[Row]:
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


def migrate_issues(c: Context, projects: list[Row], part: Row, moves: Moves) -> None:
    """Put issues into statuses that exist. Raises 400 where a mapping is missing."""
    lost = [issue for project in projects for issue in lost_issues(c, project, part)]
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
        needed = {(i["type"], i["status"]) for p in projects for i in lost_issues(c, p, part)}
        if needed - moves.keys():
            raise JiraError(400, "Mappings of statuses are missing.")
        return empty()
    migrate_issues(c, projects, part, moves)
    kept = {name: part[name] for name in ("name", "description", "default_workflow", "types")}
    new = {**row, **kept, "draft": None, "version": row["version"] + 1}
    c["workflowschemes"].put(row["id"], new)
    return see_other(c, f"Publish the draft of workflow scheme {row['id']}")
