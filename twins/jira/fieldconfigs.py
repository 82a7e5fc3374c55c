"""fieldconfiguration, fieldconfigurationscheme: what is hidden, required and described."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, free_name, id_list, listed, named, queried_ids
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .fields import fields_of
from .pages import page
from .screenschemes import assign, by_scheme
from .state import new_id

_ADMINS: Final = "Only Jira administrators can access field configurations."
_TAKEN: Final = "A field configuration is using this name."
_SCHEME_TAKEN: Final = "A field configuration scheme is using this name."
_ALWAYS: Final = ("summary", "issuetype", "project")
"""Fields that cannot be hidden."""


def _config(c: Context) -> Row:
    c.need_admin(_ADMINS)
    row = c["fieldconfigs"].get(c.param("id"))
    if row is None:
        raise JiraError(404, "The field configuration was not found.")
    return row


def _shape(row: Row) -> dict[str, Any]:
    shape = {"id": int(row["id"]), "name": row["name"], "description": row["description"]}
    return {**shape, "isDefault": True} if row.get("default") else shape


def _detail(row: Row) -> dict[str, Any]:
    return _shape(row)


@operation("GET", "/fieldconfiguration", "getAllFieldConfigurations")
def configs(c: Context) -> Response:
    """Field configurations in pages."""
    c.need_admin(_ADMINS)
    ids, needle = queried_ids(c), c.query("query").lower()
    rows = [
        row
        for row in c["fieldconfigs"].rows()
        if (not ids or row["id"] in ids)
        and needle in row["name"].lower()
        and (not c.query_flag("isDefault") or row.get("default"))
    ]
    return page(c, rows, _detail)


@operation("POST", "/fieldconfiguration", "createFieldConfiguration")
def create(c: Context) -> Response:
    """A field configuration that hides and requires nothing."""
    c.need_admin(_ADMINS)
    body = c.body()
    name = free_name(c, "fieldconfigs", named(body), _TAKEN)
    key = new_id(c.twin, "fieldconfig", 10_001)
    row = {"id": key, "name": name, "description": described(body, longest=255), "items": {}}
    c["fieldconfigs"].put(key, row)
    return reply(_shape(row))


@operation("PUT", "/fieldconfiguration/{id}", "updateFieldConfiguration")
def update(c: Context) -> Response:
    """Another name or description."""
    row = _config(c)
    body = c.body()
    if row.get("default"):
        raise JiraError(400, "The default field configuration cannot be updated.")
    name = free_name(c, "fieldconfigs", named(body), _TAKEN, row["id"])
    new = {**row, "name": name, "description": described(body, row["description"], 255)}
    c["fieldconfigs"].put(row["id"], new)
    return empty()


@operation("DELETE", "/fieldconfiguration/{id}", "deleteFieldConfiguration")
def delete(c: Context) -> Response:
    """Delete a field configuration that no scheme uses."""
    row = _config(c)
    used = any(row["id"] in one["mappings"].values() for one in c["fieldschemes"].rows())
    if row.get("default") or used:
        raise JiraError(400, "The field configuration is in use and cannot be deleted.")
    c["fieldconfigs"].delete(row["id"])
    return empty()


@operation("GET", "/fieldconfiguration/{id}/fields", "getFieldConfigurationItems")
def items(c: Context) -> Response:
    """What a field configuration says of every field."""
    row = _config(c)

    def shape(key: str) -> dict[str, Any]:
        item = row["items"].get(key, {})
        shown = {
            "id": key,
            "isHidden": bool(item.get("hidden")),
            "isRequired": bool(item.get("required")) or key in _ALWAYS,
            "description": item.get("description", ""),
        }
        renderer = item.get("renderer") or _renderer(c, key)
        return {**shown, "renderer": renderer} if renderer else shown

    return page(c, list(fields_of(c)), shape)


def _renderer(c: Context, key: str) -> str:
    found = fields_of(c)[key]
    if key in ("description", "environment", "comment") or found.custom.endswith(":textarea"):
        return "wiki-renderer"
    return "text-renderer" if found.custom.endswith(":textfield") else ""


@operation("PUT", "/fieldconfiguration/{id}/fields", "updateFieldConfigurationItems")
def update_items(c: Context) -> Response:
    """Hide, require, describe fields."""
    row = _config(c)
    sent = c.body().get("fieldConfigurationItems")
    if not isinstance(sent, list) or not sent or not all(isinstance(one, dict) for one in sent):
        raise JiraError(400, "The fieldConfigurationItems must be provided.")
    found = dict(row["items"])
    for one in sent:
        key = str(one.get("id"))
        if key not in fields_of(c):
            raise JiraError(400, f"The field '{key[:60]}' was not found.")
        item = dict(found.get(key, {}))
        for name, stored in (("isHidden", "hidden"), ("isRequired", "required")):
            if isinstance(one.get(name), bool):
                item[stored] = one[name]
        for name in ("description", "renderer"):
            if isinstance(one.get(name), str):
                item[name] = one[name]
        if item.get("hidden") and item.get("required"):
            raise JiraError(400, f"The field '{key}' cannot be both hidden and required.")
        if item.get("hidden") and key in _ALWAYS:
            raise JiraError(400, f"The field '{key}' cannot be hidden.")
        found[key] = item
    c["fieldconfigs"].put(row["id"], {**row, "items": found})
    return empty()


# -- schemes


_SCHEME_ADMINS: Final = "Only Jira administrators can access field configuration schemes."
_MISSING: Final = "The field configuration scheme was not found."


def _scheme(c: Context) -> Row:
    c.need_admin(_SCHEME_ADMINS)
    row = c["fieldschemes"].get(c.param("id"))
    if row is None or row.get("default"):
        raise JiraError(404, _MISSING)
    return row


def _scheme_shape(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "description": row["description"]}


@operation("GET", "/fieldconfigurationscheme", "getAllFieldConfigurationSchemes")
def schemes(c: Context) -> Response:
    """Field configuration schemes in pages."""
    c.need_admin(_SCHEME_ADMINS)
    return listed(c, "fieldschemes", _scheme_shape)


@operation("POST", "/fieldconfigurationscheme", "createFieldConfigurationScheme")
def scheme_create(c: Context) -> Response:
    """A field configuration scheme; everything has the default configuration."""
    c.need_admin(_SCHEME_ADMINS)
    body = c.body()
    name = free_name(c, "fieldschemes", named(body), _SCHEME_TAKEN)
    key = new_id(c.twin, "fieldscheme", 10_001)
    default = next(str(row["id"]) for row in c["fieldconfigs"].rows() if row.get("default"))
    row = {"id": key, "name": name, "description": described(body, longest=1024),
           "mappings": {"default": default}}  # fmt: skip
    c["fieldschemes"].put(key, row)
    return reply(_scheme_shape(row), 201)


@operation("PUT", "/fieldconfigurationscheme/{id}", "updateFieldConfigurationScheme")
def scheme_update(c: Context) -> Response:
    """Another name or description."""
    row = _scheme(c)
    body = c.body()
    name = free_name(c, "fieldschemes", named(body), _SCHEME_TAKEN, row["id"])
    new = {**row, "name": name, "description": described(body, row["description"], 1024)}
    c["fieldschemes"].put(row["id"], new)
    return empty()


@operation("DELETE", "/fieldconfigurationscheme/{id}", "deleteFieldConfigurationScheme")
def scheme_delete(c: Context) -> Response:
    """Delete a field configuration scheme that no project has."""
    row = _scheme(c)
    if any(scheme_of(one, "field_scheme") == row["id"] for one in c["projects"].rows()):
        raise JiraError(400, "The field configuration scheme is used by projects.")
    c["fieldschemes"].delete(row["id"])
    return empty()


@operation("GET", "/fieldconfigurationscheme/mapping", "getFieldConfigurationSchemeMappings")
def mappings(c: Context) -> Response:
    """Scheme, issue type and configuration, one by one."""
    c.need_admin(_SCHEME_ADMINS)
    ids = queried_ids(c, "fieldConfigurationSchemeId")
    if any(key not in c["fieldschemes"] for key in ids):
        raise JiraError(404, _MISSING)
    found = [
        {
            "fieldConfigurationSchemeId": row["id"],
            "issueTypeId": kind,
            "fieldConfigurationId": config,
        }
        for row in c["fieldschemes"].rows()
        if not ids or row["id"] in ids
        for kind, config in row["mappings"].items()
    ]
    return page(c, found, lambda one: one)


@operation("GET", "/fieldconfigurationscheme/project", "getFieldConfigurationSchemeProjectMapping")
def projects(c: Context) -> Response:
    """Schemes with the projects asked about."""
    c.need_admin(_SCHEME_ADMINS)
    name = "fieldConfigurationScheme"
    found = by_scheme(c, "field_scheme", "fieldschemes", name, _scheme_shape)
    return page(c, found, lambda one: one)


@operation("PUT", "/fieldconfigurationscheme/project", "assignFieldConfigurationSchemeToProject")
def scheme_assign(c: Context) -> Response:
    """Give a project a field configuration scheme; none = the default."""
    c.need_admin(_SCHEME_ADMINS)
    body = c.body()
    key = body.get("fieldConfigurationSchemeId")
    if key is not None and str(key) not in c["fieldschemes"]:
        raise JiraError(404, _MISSING)
    assign(c, "field_scheme", str(key) if key is not None else "", body.get("projectId"))
    return empty()


@operation("PUT", "/fieldconfigurationscheme/{id}/mapping", "setFieldConfigurationSchemeMapping")
def set_mappings(c: Context) -> Response:
    """Field configurations for issue types."""
    row = _scheme(c)
    pairs = c.body().get("mappings")
    if not isinstance(pairs, list) or not pairs or not all(isinstance(p, dict) for p in pairs):
        raise JiraError(400, "The mappings must be provided.")
    found = dict(row["mappings"])
    seen = set()
    for pair in pairs:
        kind, config = str(pair.get("issueTypeId")), str(pair.get("fieldConfigurationId"))
        if kind in seen:
            raise JiraError(400, "The issueTypeIds must not contain duplicates.")
        seen.add(kind)
        if kind != "default" and kind not in c["issuetypes"]:
            raise JiraError(404, f"These issue types were not found: {kind[:40]}")
        if config not in c["fieldconfigs"]:
            raise JiraError(404, "The field configuration was not found.")
        found[kind] = config
    c["fieldschemes"].put(row["id"], {**row, "mappings": found})
    return empty()


@operation(
    "POST",
    "/fieldconfigurationscheme/{id}/mapping/delete",
    "removeIssueTypesFromGlobalFieldConfigurationScheme",
)
def remove_mappings(c: Context) -> Response:
    """Let issue types have the default configuration of the scheme again."""
    row = _scheme(c)
    keys = id_list(c.body(), "issueTypeIds")
    missing = [key for key in keys if key not in c["issuetypes"]]
    if missing:
        raise JiraError(404, f"These issue types were not found: {', '.join(missing)[:200]}")
    kept = {kind: key for kind, key in row["mappings"].items() if kind not in keys}
    c["fieldschemes"].put(row["id"], {**row, "mappings": kept})
    return empty()
