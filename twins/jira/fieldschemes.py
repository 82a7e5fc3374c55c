"""config/fieldschemes: which fields projects have, for which work types, and how they are set up.

The rows are those of the field configuration schemes. On top of the configurations that a scheme
maps issue types to, its row may hold ``removed`` (fields that are not in it) and ``fields``: field
to ``{"types", "parameters", "by_type"}``, as :func:`twins.jira.screening.config_item` reads them.
Changes of many fields or projects at once are told one by one: 200 when all went well, 207 when
some did, 400 when none did.
"""

from collections.abc import Iterator
from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described, free_name, named
from .config import scheme_of
from .context import Context, empty, operation, reply
from .errors import JiraError
from .fields import fields_of
from .pages import page
from .screening import scheme_has_field, scheme_item
from .state import new_id

_PATH: Final = "/config/fieldschemes"
_ADMINS: Final = "Only Jira administrators can access field schemes."
_TAKEN: Final = "A field scheme is using this name."
_BAD: Final = "Invalid request payload. Refer to the REST API documentation."
_FIXED: Final = ("summary", "issuetype", "project")
"""Fields that every work item has: they cannot be removed, restricted or made optional."""
_PARAMETERS: Final = {"isRequired": "required", "description": "description"}
"""A parameter as it is sent, and as it is stored."""
_LARGEST: Final = 100

Results = list[dict[str, Any]]


def _scheme(c: Context, missing: int = 404) -> Row:
    c.need_admin(_ADMINS)
    row = c["fieldschemes"].get(c.param("id"))
    if row is None:
        raise JiraError(missing, f"Field scheme #{c.param('id')[:40]} doesn't exist")
    return row


def _links(c: Context, row: Row, *, whole: bool) -> dict[str, str]:
    base = f"{c.call.request.base_url}/" if whole else ""
    place = f"{base}rest/api/{3 if c.v3 else 2}{_PATH}/{row['id']}"
    return {"associations": f"{place}/fields", "projects": f"{place}/projects"}


def _shape(c: Context, row: Row, *, made: bool = False) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "id": int(row["id"]),
        "name": row["name"],
        "description": row["description"],
    }
    if not made:
        shape["isDefault"] = bool(row.get("default"))
    return {**shape, "links": _links(c, row, whole=made)}


def _check_page(c: Context) -> None:
    """400 for more than a page may hold; a negative one is refused with the page itself."""
    if (c.query_number("maxResults") or 0) > _LARGEST:
        raise JiraError(400, f"The 'maxResults' parameter must not be greater than {_LARGEST}.")


def _numbers(c: Context, name: str) -> list[str]:
    """Ids in the query, as texts. Raises 400 for what is no number."""
    found = c.query_list(name)
    if any(not one.isdecimal() for one in found):
        raise JiraError(400, f"The '{name}' parameter must be a list of numbers.")
    return found


# -- schemes


@operation("GET", _PATH, "getFieldAssociationSchemes")
def schemes(c: Context) -> Response:
    """Schemes in pages, by project and by words of name or description; says what matched."""
    c.need_admin(_ADMINS)
    _check_page(c)
    projects, query = _numbers(c, "projectId"), c.query("query")
    users: dict[str, list[int]] = {}
    for key in dict.fromkeys(projects):
        project = c["projects"].get(key)
        if project is not None:
            users.setdefault(scheme_of(project, "field_scheme"), []).append(int(key))

    def shape(row: Row) -> dict[str, Any]:
        shown = _shape(c, row)
        matched: dict[str, Any] = {}
        if projects:
            matched["projectIds"] = users[row["id"]]
        if query:
            matched["query"] = query
        return {**shown, "matchedFilters": matched} if matched else shown

    rows = [
        row
        for row in c["fieldschemes"].rows()
        if (not projects or row["id"] in users)
        and query.lower() in f"{row['name']}\n{row['description']}".lower()
    ]
    return page(c, rows, shape, 50, _LARGEST)


@operation("POST", _PATH, "createFieldAssociationScheme")
def create(c: Context) -> Response:
    """A scheme with every field, none of them required beyond what the default one says."""
    c.need_admin(_ADMINS)
    body = c.body()
    name = free_name(c, "fieldschemes", named(body), _TAKEN)
    text = described(body, longest=1024)
    key = new_id(c.twin, "fieldscheme", 10_001)
    default = next(str(row["id"]) for row in c["fieldconfigs"].rows() if row.get("default"))
    row = {"id": key, "name": name, "description": text, "mappings": {"default": default}}
    c["fieldschemes"].put(key, row)
    return reply(_shape(c, row, made=True))


@operation("GET", f"{_PATH}/{{id}}", "getFieldAssociationSchemeById")
def one(c: Context) -> Response:
    """A scheme."""
    row = _scheme(c)
    return reply({**_shape(c, row), "id": row["id"]})


@operation("PUT", f"{_PATH}/{{id}}", "updateFieldAssociationScheme")
def update(c: Context) -> Response:
    """Another name or description."""
    row = _scheme(c)
    body = c.body()
    new = {**row, "description": described(body, row["description"], 1024)}
    if body.get("name") is not None:
        new["name"] = free_name(c, "fieldschemes", named(body), _TAKEN, row["id"])
    c["fieldschemes"].put(row["id"], new)
    return reply(_shape(c, new, made=True))


@operation("DELETE", f"{_PATH}/{{id}}", "deleteFieldAssociationScheme")
def delete(c: Context) -> Response:
    """Delete a scheme: 400 for the system's own, 409 for one that projects have."""
    row = _scheme(c)
    if row.get("default"):
        raise JiraError(400, "The default field scheme cannot be deleted.")
    if any(scheme_of(project, "field_scheme") == row["id"] for project in c["projects"].rows()):
        raise JiraError(409, "The field scheme is used by projects and cannot be deleted.")
    c["fieldschemes"].delete(row["id"])
    return reply({"id": row["id"], "deleted": True})


# -- projects


@operation("GET", f"{_PATH}/projects", "getProjectsWithFieldSchemes")
def projects(c: Context) -> Response:
    """The schemes of the projects asked about."""
    c.need_admin(_ADMINS)
    _check_page(c)
    keys = _numbers(c, "projectId")
    if not keys:
        raise JiraError(400, "The projectId must be provided.")
    found = [
        {"projectId": int(row["id"]), "schemeId": int(scheme_of(row, "field_scheme"))}
        for row in c["projects"].rows()
        if row["id"] in keys
    ]
    return page(c, found, lambda one: one, 50, _LARGEST)


@operation("GET", f"{_PATH}/{{id}}/projects", "searchFieldAssociationSchemeProjects")
def projects_of(c: Context) -> Response:
    """The projects that have a scheme."""
    row = _scheme(c)
    _check_page(c)
    keys = _numbers(c, "projectId")
    found = [
        project
        for project in c["projects"].rows()
        if scheme_of(project, "field_scheme") == row["id"] and (not keys or project["id"] in keys)
    ]
    return page(c, found, lambda one: {"id": one["id"], "name": one["name"]}, 50, _LARGEST)


@operation("PUT", f"{_PATH}/projects", "associateProjectsToFieldAssociationSchemes")
def assign(c: Context) -> Response:
    """Give projects schemes: scheme to projects."""
    c.need_admin(_ADMINS)
    wanted = [
        (_number(scheme), project)
        for scheme, sent in _sent(c)
        for project in _ids(sent, "projectIds")
    ]
    results: Results = []
    for scheme, project in wanted:
        row = c["projects"].get(str(project))
        error = "" if row else f"Project #{project} doesn't exist"
        if str(scheme) not in c["fieldschemes"]:
            error = f"Field scheme #{scheme} doesn't exist"
        results.append(_result(error, projectId=project, schemeId=scheme))
        if row is not None and not error:
            c["projects"].put(row["id"], {**row, "field_scheme": str(scheme)})
    return _told(results)


# -- what was sent, what is told


def _sent(c: Context) -> list[tuple[str, Any]]:
    """The pairs of a body that is a map. Raises 400 for an empty one."""
    found = list(c.body().items())
    if not found:
        raise JiraError(400, "At least one association must be provided.")
    return found


def _items(sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or not sent or not all(isinstance(one, dict) for one in sent):
        raise JiraError(400, _BAD)
    return sent


def _ids(sent: Any, name: str, *, needed: bool = True) -> list[int]:
    """A set of whole numbers in an object. Raises 400."""
    value = sent.get(name) if isinstance(sent, dict) else None
    if value is None and not needed:
        return []
    good = isinstance(value, list) and all(type(one) is int for one in value)
    if not good or (needed and not value):
        raise JiraError(400, f"The {name} must be a list of ids.")
    return list(dict.fromkeys(value or []))


def _number(text: str) -> int:
    """The id that a key of a body is. Raises 400."""
    if not text.isdecimal() or len(text) > 18:
        raise JiraError(400, f"'{text[:40]}' is not the id of a field scheme.")
    return int(text)


def _told(results: Results) -> Response:
    good = sum(bool(one["success"]) for one in results)
    status = 200 if good == len(results) else 207 if good else 400
    return reply({"results": results}, status)


def _refusal(c: Context, field: str, scheme: int) -> str:
    """Why nothing can be said about a field in a scheme, "" where something can."""
    if str(scheme) not in c["fieldschemes"]:
        return f"Scheme {scheme} doesn't exist"
    return "" if field in fields_of(c) else f"Field {field[:60]} doesn't exist"


# -- fields


@operation("GET", f"{_PATH}/{{id}}/fields", "searchFieldAssociationSchemeFields")
def fields(c: Context) -> Response:
    """The fields of a scheme, what may be done with them, their parameters."""
    row = _scheme(c)
    _check_page(c)
    asked = c.query_list("fieldId")
    if len(set(asked)) != len(asked):
        raise JiraError(400, "The 'fieldId' parameter must not contain duplicates.")
    found = [
        key for key in fields_of(c) if scheme_has_field(c, row, key) and (not asked or key in asked)
    ]

    def shape(key: str) -> dict[str, Any]:
        shown = _parameters(c, row, key, str)
        allowed = ["CHANGE_DESCRIPTION"]
        if key not in _FIXED:
            allowed = ["REMOVE", "CHANGE_REQUIRED", *allowed]
        return {
            "fieldId": key,
            "allowedOperations": allowed,
            "restrictedToWorkTypes": list(_entry(row, key).get("types", [])),
            **shown,
        }

    return page(c, found, shape, 50, _LARGEST)


def _entry(row: Row, field: str) -> dict[str, Any]:
    found: dict[str, Any] = row.get("fields", {}).get(field, {})
    return found


def _parameters(c: Context, row: Row, field: str, key: Any) -> dict[str, Any]:
    """The parameters of a field in a scheme: for everything, and where a work type differs."""

    def shape(item: dict[str, Any]) -> dict[str, Any]:
        required = bool(item.get("required")) or field in _FIXED
        return {"description": item.get("description", ""), "isRequired": required}

    differing = [kind for kind in row["mappings"] if kind != "default"]
    differing += [kind for kind in _entry(row, field).get("by_type", {}) if kind not in differing]
    usual = shape(scheme_item(c, row, "", field))
    found = {kind: shape(scheme_item(c, row, kind, field)) for kind in differing}
    return {
        "parameters": usual,
        "workTypeParameters": [
            {"workTypeId": key(kind), **item} for kind, item in found.items() if item != usual
        ],
    }


@operation(
    "GET",
    f"{_PATH}/{{id}}/fields/{{fieldId}}/parameters",
    "getFieldAssociationSchemeItemParameters",
)
def parameters(c: Context) -> Response:
    """The parameters of one field in a scheme."""
    row = _scheme(c, 400)
    field = c.param("fieldId")
    if field not in fields_of(c) or not scheme_has_field(c, row, field):
        raise JiraError(
            400, f"The field '{field[:60]}' is not associated with the scheme '{row['id']}'."
        )
    return reply({"fieldId": field, **_parameters(c, row, field, int)})


@operation("PUT", f"{_PATH}/fields", "updateFieldsAssociatedWithSchemes")
def add_fields(c: Context) -> Response:
    """Put fields into schemes, for some work types or for all."""
    c.need_admin(_ADMINS)
    wanted = [
        (field, scheme, _ids(item, "restrictedToWorkTypes", needed=False))
        for field, sent in _sent(c)
        for item in _items(sent)
        for scheme in _ids(item, "schemeIds")
    ]
    results: Results = []
    for field, scheme, kinds in wanted:
        error = _refusal(c, field, scheme) or _unknown_type(c, kinds)
        if not error and kinds and field in _FIXED:
            error = f"Field {field} cannot be restricted to work types"
        results.append(_result(error, fieldId=field, schemeId=scheme, workTypeIds=kinds))
        if not error:
            row = c["fieldschemes"][str(scheme)]
            entry = {**_entry(row, field), "types": [str(kind) for kind in kinds]}
            _put(c, row, field, entry)
    return _told(results)


def _result(error: Any, **what: Any) -> dict[str, Any]:
    result = {**what, "success": not error}
    return {**result, "error": error} if error else result


def _unknown_type(c: Context, kinds: list[int]) -> str:
    missing = [kind for kind in kinds if str(kind) not in c["issuetypes"]]
    return f"Work type {missing[0]} doesn't exist" if missing else ""


def _put(c: Context, row: Row, field: str, entry: dict[str, Any] | None) -> None:
    """Store what a scheme says of a field; ``None`` takes the field out."""
    entries = {key: value for key, value in row.get("fields", {}).items() if key != field}
    removed = [key for key in row.get("removed", []) if key != field]
    if entry is None:
        removed.append(field)
    else:
        entries[field] = entry
    c["fieldschemes"].put(row["id"], {**row, "fields": entries, "removed": removed})


@operation("DELETE", f"{_PATH}/fields", "removeFieldsAssociatedWithSchemes")
def remove_fields(c: Context) -> Response:
    """Take fields out of schemes; values that issues have stay."""
    c.need_admin(_ADMINS)
    wanted = [(field, one) for field, sent in _sent(c) for one in _ids(sent, "schemeIds")]
    results: Results = []
    for field, scheme in wanted:
        error = _refusal(c, field, scheme)
        if not error and field in _FIXED:
            error = f"Field {field} cannot be removed"
        elif not error and not scheme_has_field(c, c["fieldschemes"][str(scheme)], field):
            error = f"Field {field} is not associated with scheme {scheme}"
        results.append(_result(error, fieldId=field, schemeId=scheme))
        if not error:
            _put(c, c["fieldschemes"][str(scheme)], field, None)
    return _told(results)


# -- parameters


def _stored(sent: Any) -> dict[str, Any]:
    """Parameters of a field as they are stored. Raises 400."""
    if not isinstance(sent, dict):
        raise JiraError(400, _BAD)
    found: dict[str, Any] = {}
    for name, kind in (("isRequired", bool), ("description", str)):
        value = sent.get(name)
        if value is not None and not isinstance(value, kind):
            raise JiraError(400, f"The parameter '{name}' of a field is not valid.")
        if value is not None:
            found[_PARAMETERS[name]] = value
    return found


def _plans(item: dict[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """Work type (``None`` = all of them) and parameters of what was sent. Raises 400."""
    if item.get("parameters") is not None:
        yield None, _stored(item["parameters"])
    for part in _items(item["workTypeParameters"]) if item.get("workTypeParameters") else ():
        if type(part.get("workTypeId")) is not int:
            raise JiraError(400, "The workTypeId must be provided.")
        yield part["workTypeId"], _stored(part)


@operation("PUT", f"{_PATH}/fields/parameters", "updateFieldAssociationSchemeItemParameters")
def set_parameters(c: Context) -> Response:
    """Describe and require fields of schemes, for all work types or for some."""
    c.need_admin(_ADMINS)
    wanted = [
        (field, scheme, kind, given)
        for field, sent in _sent(c)
        for item in _items(sent)
        for scheme in _ids(item, "schemeIds")
        for kind, given in _plans(item)
    ]
    if not wanted:
        raise JiraError(400, "The parameters must be provided.")
    results: Results = []
    for field, scheme, kind, given in wanted:
        what: dict[str, Any] = {"fieldId": field, "schemeId": scheme}
        if kind is not None:
            what["workTypeId"] = kind
        results.append(_result(_set_one(c, field, scheme, kind, given), **what))
    return _told(results)


def _set_one(c: Context, field: str, scheme: int, kind: int | None, given: dict[str, Any]) -> str:
    """Store parameters; what is wrong with them, "" for nothing."""
    error = _refusal(c, field, scheme) or _unknown_type(c, [kind] if kind is not None else [])
    if error:
        return error
    row = c["fieldschemes"][str(scheme)]
    if not scheme_has_field(c, row, field):
        return f"Field {field} is not associated with scheme {scheme}"
    if field in _FIXED and given.get("required") is False:
        return f"Field {field} must be required"
    entry = dict(_entry(row, field))
    if kind is None:
        entry["parameters"] = {**entry.get("parameters", {}), **given}
    else:
        own = entry.get("by_type", {})
        entry["by_type"] = {**own, str(kind): {**own.get(str(kind), {}), **given}}
    _put(c, row, field, entry)
    return ""


@operation("DELETE", f"{_PATH}/fields/parameters", "removeFieldAssociationSchemeItemParameters")
def drop_parameters(c: Context) -> Response:
    """Let work types have the usual parameters of a field again."""
    c.need_admin(_ADMINS)
    wanted = []
    for field, sent in _sent(c):
        for item in _items(sent):
            names = c.sent_texts(item, "parameters")
            if not names or any(name not in _PARAMETERS for name in names):
                raise JiraError(400, "The parameters must be some of description, isRequired.")
            if type(item.get("schemeId")) is not int:
                raise JiraError(400, "The schemeId must be provided.")
            stored = [_PARAMETERS[name] for name in names]
            wanted.append((field, item["schemeId"], _ids(item, "workTypeIds"), stored))
    results: Results = []
    for field, scheme, kinds, stored in wanted:
        error = _drop(c, field, scheme, kinds, stored)
        results.append(_result(error, fieldId=field, schemeId=scheme, workTypeIds=kinds))
    return empty(200) if all(one["success"] for one in results) else _told(results)


def _drop(
    c: Context, field: str, scheme: int, kinds: list[int], names: list[str]
) -> dict[str, str] | None:
    """Remove parameters of work types; what is wrong, ``None`` for nothing."""
    row = c["fieldschemes"].get(str(scheme))
    if row is None:
        return {"code": "SCHEME_NOT_FOUND", "message": f"The scheme '{scheme}' was not found."}
    if field not in fields_of(c):
        return {"code": "FIELD_NOT_FOUND", "message": f"The field '{field[:60]}' was not found."}
    if not scheme_has_field(c, row, field):
        words = f"The field '{field}' is not associated with the scheme '{scheme}'."
        return {"code": "FIELD_IS_NOT_ASSOCIATED", "message": words}
    gone = {str(kind) for kind in kinds}
    own = {
        kind: {k: v for k, v in given.items() if kind not in gone or k not in names}
        for kind, given in _entry(row, field).get("by_type", {}).items()
    }
    _put(c, row, field, {**_entry(row, field), "by_type": {k: v for k, v in own.items() if v}})
    return None
