"""field/…/context: where custom fields apply, and with which default values."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, id_list, named
from .context import Context, empty, operation, reply
from .customtypes import TYPES, contexts_for
from .errors import JiraError, many
from .fieldadmin import custom_field
from .groups_of import group_id, group_names
from .pages import page
from .state import new_id

__all__ = ["context_of"]

_ADMINS: Final = "Only Jira administrators can access custom field contexts."


def _field(c: Context) -> Row:
    c.need_admin(_ADMINS)
    return custom_field(c, c.param("fieldId"))


def context_of(c: Context, field: Row, key: str) -> Row:
    """A context of a field. Raises 404."""
    row = c["contexts"].get(key)
    if row is None or row["field"] != field["id"]:
        raise JiraError(404, "The context was not found.")
    return row


def _rows(c: Context, field: Row) -> list[Row]:
    wanted = c.query_list("contextId")
    table = c["contexts"]
    rows = [table[key] for key in table.find("field", field["id"])]
    return [row for row in rows if not wanted or row["id"] in wanted]


def _shape(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "isGlobalContext": not row["projects"],
        "isAnyIssueType": not row["types"],
    }


@operation("GET", "/field/{fieldId}/context", "getContextsForField")
def contexts(c: Context) -> Response:
    """The contexts of a custom field."""
    rows = _rows(c, _field(c))
    for name, stored in (("isGlobalContext", "projects"), ("isAnyIssueType", "types")):
        if c.query(name):
            rows = [row for row in rows if (not row[stored]) == c.query_flag(name)]
    return page(c, rows, _shape)


@operation("GET", "/field/{fieldId}/contexts", "getContextsForFieldDeprecated")
def contexts_deprecated(c: Context) -> Response:
    """The contexts of a custom field, in few words."""
    rows = _rows(c, _field(c))
    return page(c, rows, lambda row: {"id": int(row["id"]), "name": row["name"]}, 20, 100)


def _known(c: Context, table: str, keys: list[str], noun: str) -> None:
    missing = [key for key in keys if key not in c[table]]
    if missing:
        raise JiraError(404, f"These {noun} were not found: {', '.join(missing)[:200]}.")


@operation("POST", "/field/{fieldId}/context", "createCustomFieldContext")
def create(c: Context) -> Response:
    """A context, for projects and issue types or for everything."""
    field = _field(c)
    body = c.body()
    projects = id_list(body, "projectIds", empty=True) if "projectIds" in body else []
    types = id_list(body, "issueTypeIds", empty=True) if "issueTypeIds" in body else []
    _known(c, "projects", projects, "projects")
    _known(c, "issuetypes", types, "issue types")
    table = c["contexts"]
    others = [table[key] for key in table.find("field", field["id"])]
    if not projects and any(not row["projects"] for row in others):
        raise JiraError(400, "The custom field already has a global context.")
    _free_projects(others, projects)
    key = new_id(c.twin, "fieldcontext", 10_100)
    row = {
        "id": key,
        "field": field["id"],
        "name": named(body),
        "description": described(body),
        "projects": projects,
        "types": types,
        "default": None,
    }
    table.put(key, row)
    shape = {"id": key, "name": row["name"], "description": row["description"]}
    return reply({**shape, "projectIds": projects, "issueTypeIds": types}, 201)


def _free_projects(others: list[Row], projects: list[str]) -> None:
    taken = sorted(key for row in others for key in row["projects"] if key in projects)
    if taken:
        raise JiraError(
            400, f"These projects already have a context for this field: {', '.join(taken)}."
        )


def _context(c: Context) -> Row:
    return context_of(c, _field(c), c.param("contextId"))


@operation("PUT", "/field/{fieldId}/context/{contextId}", "updateCustomFieldContext")
def update(c: Context) -> Response:
    """Another name or description."""
    row = _context(c)
    body = c.body()
    name = named(body) if body.get("name") is not None else row["name"]
    changes = {"name": name, "description": described(body, row["description"])}
    c["contexts"].put(row["id"], {**row, **changes})
    return empty()


@operation("DELETE", "/field/{fieldId}/context/{contextId}", "deleteCustomFieldContext")
def delete(c: Context) -> Response:
    """Delete a context with its options."""
    row = _context(c)
    for key in c["options"].find("context", row["id"]):
        c["options"].delete(key)
    c["contexts"].delete(row["id"])
    return empty()


@operation("PUT", "/field/{fieldId}/context/{contextId}/issuetype", "addIssueTypesToContext")
def add_types(c: Context) -> Response:
    """Let a context apply to more issue types."""
    row = _context(c)
    keys = id_list(c.body(), "issueTypeIds")
    _known(c, "issuetypes", keys, "issue types")
    already = [key for key in keys if key in row["types"]]
    if already:
        raise JiraError(400, "These issue types are already associated with the context: "
                        f"{', '.join(already)}.")  # fmt: skip
    c["contexts"].put(row["id"], {**row, "types": [*row["types"], *keys]})
    return empty()


@operation(
    "POST", "/field/{fieldId}/context/{contextId}/issuetype/remove", "removeIssueTypesFromContext"
)
def remove_types(c: Context) -> Response:
    """Let a context apply to fewer issue types; none left = to all."""
    row = _context(c)
    keys = id_list(c.body(), "issueTypeIds")
    missing = [key for key in keys if key not in row["types"]]
    if missing:
        raise JiraError(400, "These issue types are not associated with the context: "
                        f"{', '.join(missing)}.")  # fmt: skip
    kept = [key for key in row["types"] if key not in keys]
    c["contexts"].put(row["id"], {**row, "types": kept})
    return empty()


@operation(
    "PUT", "/field/{fieldId}/context/{contextId}/project", "assignProjectsToCustomFieldContext"
)
def add_projects(c: Context) -> Response:
    """Let a context apply to more projects."""
    row = _context(c)
    keys = id_list(c.body(), "projectIds")
    _known(c, "projects", keys, "projects")
    table = c["contexts"]
    _free_projects(
        [table[key] for key in table.find("field", row["field"]) if key != row["id"]], keys
    )
    more = [key for key in keys if key not in row["projects"]]
    table.put(row["id"], {**row, "projects": [*row["projects"], *more]})
    return empty()


@operation(
    "POST",
    "/field/{fieldId}/context/{contextId}/project/remove",
    "removeCustomFieldContextFromProjects",
)
def remove_projects(c: Context) -> Response:
    """Let a context apply to fewer projects; none left = to all."""
    row = _context(c)
    keys = id_list(c.body(), "projectIds")
    _known(c, "projects", keys, "projects")
    missing = [key for key in keys if key not in row["projects"]]
    if missing:
        raise JiraError(
            400, f"These projects are not associated with the context: {', '.join(missing)}."
        )
    kept = [key for key in row["projects"] if key not in keys]
    c["contexts"].put(row["id"], {**row, "projects": kept})
    return empty()


@operation("GET", "/field/{fieldId}/context/issuetypemapping", "getIssueTypeMappingsForContexts")
def type_mappings(c: Context) -> Response:
    """Context and issue type, one by one."""
    found: list[dict[str, Any]] = []
    for row in _rows(c, _field(c)):
        for key in row["types"]:
            found.append({"contextId": row["id"], "issueTypeId": key})
        if not row["types"]:
            found.append({"contextId": row["id"], "isAnyIssueType": True})
    return page(c, found, lambda one: one)


@operation("GET", "/field/{fieldId}/context/projectmapping", "getProjectContextMapping")
def project_mappings(c: Context) -> Response:
    """Context and project, one by one."""
    found: list[dict[str, Any]] = []
    for row in _rows(c, _field(c)):
        for key in row["projects"]:
            found.append({"contextId": row["id"], "projectId": key})
        if not row["projects"]:
            found.append({"contextId": row["id"], "isGlobalContext": True})
    return page(c, found, lambda one: one)


@operation(
    "POST", "/field/{fieldId}/context/mapping", "getCustomFieldContextsForProjectsAndIssueTypes"
)
def mappings(c: Context) -> Response:
    """The context that applies to each project and issue type asked about."""
    field = _field(c)
    pairs = c.body().get("mappings")
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        raise JiraError(400, "The mappings must be provided.")
    keys = [(str(pair.get("projectId")), str(pair.get("issueTypeId"))) for pair in pairs]
    if len(set(keys)) != len(keys):
        raise JiraError(400, "Duplicate project and issue type mappings cannot be provided.")
    _known(c, "projects", [project for project, _ in keys], "projects")
    _known(c, "issuetypes", [kind for _, kind in keys], "issue types")
    found = []
    for project, kind in keys:
        row = contexts_for(c, field["id"], project, kind)
        if row is not None:
            found.append({"projectId": project, "issueTypeId": kind, "contextId": row["id"]})
    return page(c, found, lambda one: one)


# -- default values


def _default_shape(c: Context, field: Row, row: Row) -> dict[str, Any] | None:
    value = row.get("default")
    if value is None:
        return None
    kind = TYPES[field["type"]].default
    shape: dict[str, Any] = {"type": kind, "contextId": row["id"]}
    if kind == "option.single":
        return {**shape, "optionId": value}
    if kind == "option.multiple":
        return {**shape, "optionIds": list(value)}
    if kind == "option.cascading":
        shape["optionId"] = value[0]
        return {**shape, "cascadingOptionId": value[1]} if len(value) > 1 else shape
    if kind == "single.user.select":
        limit = {"enabled": False, "groups": [], "roleIds": []}
        return {**shape, "accountId": value, "userFilter": limit}
    if kind == "multi.user.select":
        return {**shape, "accountIds": list(value)}
    if kind == "grouppicker.single":
        return {**shape, "groupId": group_id(c, value)}
    if kind == "grouppicker.multiple":
        return {**shape, "groupIds": [group_id(c, name) for name in value]}
    name = _NAMES[kind]
    if kind in ("datepicker", "datetimepicker"):
        return {"type": kind, name: value, "useCurrent": False}
    if name in ("url", "projectId", "versionId"):
        return {**shape, name: value}
    if kind == "version.multiple":
        return {"type": kind, "versionIds": list(value)}
    stored = value.get("text", "") if isinstance(value, dict) else value
    return {"type": kind, name: stored}


_NAMES: Final = {
    "datepicker": "date",
    "datetimepicker": "dateTime",
    "url": "url",
    "project": "projectId",
    "float": "number",
    "labels": "labels",
    "textfield": "text",
    "textarea": "text",
    "readonly": "text",
    "version.single": "versionId",
    "version.multiple": "versionIds",
}


@operation("GET", "/field/{fieldId}/context/defaultValue", "getDefaultValues")
def defaults(c: Context) -> Response:
    """The default values of the contexts that have one."""
    field = _field(c)
    shapes = [_default_shape(c, field, row) for row in _rows(c, field)]
    return page(c, [shape for shape in shapes if shape is not None], lambda one: one)


@operation("PUT", "/field/{fieldId}/context/defaultValue", "setDefaultValues")
def set_defaults(c: Context) -> Response:
    """Set or clear default values."""
    field = _field(c)
    values = c.body().get("defaultValues")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise JiraError(400, "The default values must be provided.")
    kind = TYPES[field["type"]].default
    if any(value.get("type") != kind for value in values):
        raise JiraError(400, "All default values in the request must have the same type."
                        if len({str(value.get("type")) for value in values}) > 1
                        else f"The default value type must be {kind}.")  # fmt: skip
    changed = []
    for value in values:
        rows = _rows(c, field)
        key = value.get("contextId")
        row = context_of(c, field, str(key)) if key is not None else next(iter(rows), None)
        if row is None:
            raise JiraError(404, "The context was not found.")
        changed.append({**row, "default": _default(c, kind, row, value)})
    for row in changed:
        c["contexts"].put(row["id"], row)
    return empty()


def _option(c: Context, row: Row, key: Any, parent: str = "") -> str:
    found = c["options"].get(str(key))
    if found is None or found["context"] != row["id"] or found["parent"] != parent:
        noun = "cascading option" if parent else "option"
        raise JiraError(404, f"The {noun} was not found.")
    return str(found["id"])


def _group(c: Context, key: Any) -> str:
    for name in group_names(c):
        if group_id(c, name) == key:
            return name
    raise JiraError(404, f"The group '{str(key)[:60]}' was not found.")


def _default(c: Context, kind: str, row: Row, value: dict[str, Any]) -> Any:
    if kind == "option.single":
        return _option(c, row, value["optionId"]) if value.get("optionId") else None
    if kind == "option.multiple":
        return [_option(c, row, key) for key in many(value.get("optionIds"))] or None
    if kind == "option.cascading":
        if not value.get("optionId"):
            return None
        top = _option(c, row, value["optionId"])
        below = value.get("cascadingOptionId")
        return [top, _option(c, row, below, top)] if below else [top]
    if kind in ("single.user.select", "multi.user.select"):
        keys = value.get("accountIds") if kind.startswith("multi") else [value.get("accountId")]
        found = [str(key) for key in keys or [] if key is not None]
        if any(key not in c["users"] for key in found):
            raise JiraError(404, "The user was not found.")
        return (found or None) if kind.startswith("multi") else (found[0] if found else None)
    if kind == "grouppicker.single":
        return _group(c, value["groupId"]) if value.get("groupId") else None
    if kind == "grouppicker.multiple":
        return [_group(c, key) for key in many(value.get("groupIds"))] or None
    given = value.get(_NAMES[kind])
    if given is None:
        return None
    if kind == "textarea":
        return {"text": str(given)}
    if kind == "float":
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise JiraError(400, "The default value must be a number.")
        return float(given)
    if kind in ("labels", "version.multiple"):
        return [str(item) for item in given] if isinstance(given, list) else None
    return str(given)
