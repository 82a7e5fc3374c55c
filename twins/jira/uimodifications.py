"""uiModifications, app/field: what apps keep of forms, and what they write into fields."""

from typing import Any, Final
from uuid import UUID

from factory_tui.universe import Response, Row

from .admin import named
from .context import Context, empty, operation, reply
from .contexts import context_of
from .customtypes import TYPES
from .errors import JiraError
from .fieldadmin import custom_field
from .pages import page
from .state import change_issue, draft

_BAD: Final = "Invalid request payload. Refer to the REST API documentation."
_VIEWS: Final = ("GIC", "IssueView", "IssueTransition", "JSMRequestCreate")


def _contexts(c: Context, sent: Any) -> list[dict[str, Any]]:
    if not isinstance(sent, list) or len(sent) > 1000:
        raise JiraError(400, "At most 1000 contexts can be given.")
    found = []
    for item in sent:
        if not isinstance(item, dict) or item.get("viewType") not in (None, *_VIEWS):
            raise JiraError(400, "The viewType of a context is invalid.")
        project, kind = item.get("projectId"), item.get("issueTypeId")
        for table, key, noun in (
            ("projects", project, "project"),
            ("issuetypes", kind, "issue type"),
        ):
            if key is not None and str(key) not in c[table]:
                raise JiraError(400, f"The {noun} with ID {str(key)[:40]} was not found.")
        context: dict[str, Any] = {"id": _uuid(c), "isAvailable": True}
        for name in ("projectId", "issueTypeId", "viewType", "portalId", "requestTypeId"):
            if item.get(name) is not None:
                context[name] = str(item[name])
        found.append(context)
    return found


def _uuid(c: Context) -> str:
    return str(UUID(c.twin.ids.mint("uimodification", 32, alphabet="0123456789abcdef")))


def _fields(c: Context, body: dict[str, Any], row: Row) -> Row:
    new = dict(row)
    if body.get("name") is not None or not row:
        new["name"] = named(body)
    for name, longest in (("description", 255), ("data", 50_000)):
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, str) or len(value) > longest:
            raise JiraError(400, f"The {name} must be a text of at most {longest} characters.")
        new[name] = value
    if body.get("contexts") is not None:
        new["contexts"] = _contexts(c, body["contexts"])
    return new


def _one(c: Context) -> Row:
    c.need_admin("The request is not from an app that may change the issue view.")
    row = c["uimodifications"].get(c.param("uiModificationId"))
    if row is None:
        raise JiraError(404, "The UI modification was not found.")
    return row


@operation("GET", "/uiModifications", "getUiModifications")
def modifications(c: Context) -> Response:
    """UI modifications in pages."""
    c.need_admin("The request is not from an app that may change the issue view.")
    expand = c.query_list("expand")

    def shape(row: Row) -> dict[str, Any]:
        shown = {"id": row["id"], "name": row["name"], "self": _link(c, row["id"])}
        if row.get("description"):
            shown["description"] = row["description"]
        return shown | {name: row[name] for name in ("data", "contexts")
                        if name in expand and name in row}  # fmt: skip

    return page(c, list(c["uimodifications"].rows()), shape, 50, 100)


def _link(c: Context, key: str) -> str:
    return f"{c.api}/uiModifications/{key}"


@operation("POST", "/uiModifications", "createUiModification")
def create(c: Context) -> Response:
    """A UI modification with the places where it applies."""
    c.need_admin("The request is not from an app that may change the issue view.")
    row = _fields(c, c.body(), {})
    key = _uuid(c)
    c["uimodifications"].put(key, {**row, "id": key})
    return reply({"id": key, "self": _link(c, key)}, 201)


@operation("PUT", "/uiModifications/{uiModificationId}", "updateUiModification")
def update(c: Context) -> Response:
    """Another name, data or other places."""
    row = _one(c)
    c["uimodifications"].put(row["id"], _fields(c, c.body(), row))
    return empty()


@operation("DELETE", "/uiModifications/{uiModificationId}", "deleteUiModification")
def delete(c: Context) -> Response:
    """Forget a UI modification."""
    c["uimodifications"].delete(_one(c)["id"])
    return empty()


# -- values and configurations of fields


def _write(c: Context, field: str, update_: Any) -> None:
    ids = update_.get("issueIds") if isinstance(update_, dict) else None
    if not isinstance(ids, list) or not ids:
        raise JiraError(400, "The issueIds must be provided.")
    row = custom_field(c, field)
    rows = [c["issues"].get(str(key)) for key in ids]
    for key, issue in zip(ids, rows, strict=True):
        if issue is None:
            raise JiraError(404, f"The issue with ID {str(key)[:40]} was not found.")
        new = draft(issue)
        new[field] = TYPES[row["type"]].write(c, new, field, update_.get("value"))
        change_issue(c, issue, new)


def _updates(c: Context) -> list[Any]:
    c.need_admin("Only the app that owns the custom field can update its values.")
    found = c.body().get("updates")
    if not isinstance(found, list) or not found or len(found) > 1000:
        raise JiraError(400, "The updates must be provided.")
    return found


@operation("PUT", "/app/field/{fieldIdOrKey}/value", "updateCustomFieldValue")
def write_one(c: Context) -> Response:
    """Write values of one field into issues."""
    for one in _updates(c):
        _write(c, c.param("fieldIdOrKey"), one)
    return empty()


@operation("POST", "/app/field/value", "updateMultipleCustomFieldValues")
def write_many(c: Context) -> Response:
    """Write values of several fields into issues."""
    for one in _updates(c):
        _write(c, str(one.get("customField")) if isinstance(one, dict) else "", one)
    return empty()


def _configurations(c: Context, field: Row) -> list[dict[str, Any]]:
    wanted = set(c.query_list("fieldContextId") + c.query_list("id"))
    table = c["contexts"]
    found = []
    for key in table.find("field", field["id"]):
        if wanted and key not in wanted:
            continue
        row = table[key]
        shape = {"id": key, "fieldContextId": key, "customFieldId": field["id"]}
        for name in ("configuration", "schema"):
            if row.get(name) is not None:
                shape[name] = row[name]
        found.append(shape)
    return found


@operation("GET", "/app/field/{fieldIdOrKey}/context/configuration", "getCustomFieldConfiguration")
def configurations(c: Context) -> Response:
    """What an app keeps of each context of its field."""
    c.need_admin("Only the app that owns the custom field can read its configuration.")
    rows = _configurations(c, custom_field(c, c.param("fieldIdOrKey")))
    return page(c, rows, lambda one: {k: v for k, v in one.items() if k != "customFieldId"}, 100,
                1000)  # fmt: skip


@operation("POST", "/app/field/context/configuration/list", "getCustomFieldsConfigurations")
def configurations_of_many(c: Context) -> Response:
    """The same of several fields."""
    c.need_admin("Only the app that owns the custom field can read its configuration.")
    keys = c.body().get("fieldIdsOrKeys")
    if not isinstance(keys, list) or not keys:
        raise JiraError(400, "The fieldIdsOrKeys must be provided.")
    rows = [one for key in keys for one in _configurations(c, custom_field(c, str(key)))]
    return page(c, rows, lambda one: one, 100, 1000)


@operation(
    "PUT", "/app/field/{fieldIdOrKey}/context/configuration", "updateCustomFieldConfiguration"
)
def configure(c: Context) -> Response:
    """Other configurations for contexts."""
    c.need_admin("Only the app that owns the custom field can change its configuration.")
    field = custom_field(c, c.param("fieldIdOrKey"))
    items = c.body().get("configurations")
    if not isinstance(items, list) or not items or not all(isinstance(i, dict) for i in items):
        raise JiraError(400, _BAD)
    for item in items:
        row = context_of(c, field, str(item.get("fieldContextId")))
        new = {name: item.get(name) for name in ("configuration", "schema")}
        c["contexts"].put(row["id"], {**row, **new})
    return reply({})
