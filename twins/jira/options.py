"""field/…/option: the choices of custom fields, those of contexts and those of apps."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import id_list, see_other
from .context import Context, empty, operation, reply
from .contexts import context_of
from .customtypes import TYPES, options_of
from .errors import JiraError, many
from .fieldadmin import custom_field
from .fields import fields_of
from .jql import JqlError
from .pages import page
from .query import run
from .state import change_issue, draft, new_id

_ADMINS: Final = "Only Jira administrators can manage custom field options."


def _place(c: Context) -> tuple[Row, Row]:
    c.need_admin(_ADMINS)
    field = custom_field(c, c.param("fieldId"))
    if not TYPES[field["type"]].options:
        raise JiraError(400, "The custom field doesn't support options.")
    return field, context_of(c, field, c.param("contextId"))


def _shape(row: Row) -> dict[str, Any]:
    shape = {"id": row["id"], "value": row["value"], "disabled": row["disabled"]}
    return {**shape, "optionId": row["parent"]} if row["parent"] else shape


@operation("GET", "/customFieldOption/{id}", "getCustomFieldOption")
def one(c: Context) -> Response:
    """An option by itself."""
    row = c["options"].get(c.param("id"))
    if row is None:
        raise JiraError(404, "A custom field option with id "
                        f"'{c.param('id')[:40]}' does not exist")  # fmt: skip
    return reply({"self": f"{c.api}/customFieldOption/{row['id']}", "value": row["value"]})


@operation("GET", "/field/{fieldId}/context/{contextId}/option", "getOptionsForContext")
def options(c: Context) -> Response:
    """The options of a context in their order."""
    _, context = _place(c)
    only = c.query("optionId")
    rows = [
        row
        for row in options_of(c, context["id"])
        if (not only or only in (row["id"], row["parent"]))
        and not (c.query_flag("onlyOptions") and row["parent"])
    ]
    return page(c, rows, _shape, 100, 100)


def _sent(c: Context) -> list[dict[str, Any]]:
    found = c.body().get("options")
    if not isinstance(found, list) or not found or len(found) > 1000:
        raise JiraError(400, "Specify from 1 to 1000 options.")
    if not all(isinstance(item, dict) for item in found):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return found


def _value(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise JiraError(400, "The option value must not be empty.")
    if len(value) > 255:
        raise JiraError(400, "The option value is too long, maxSize=255")
    return value.strip()


def _free(rows: list[Row], value: str, parent: str, own: str = "") -> None:
    for row in rows:
        if row["parent"] == parent and row["id"] != own and row["value"].lower() == value.lower():
            raise JiraError(400, f"The option value '{value}' is already used in this context.")


@operation("POST", "/field/{fieldId}/context/{contextId}/option", "createCustomFieldOption")
def create(c: Context) -> Response:
    """New options, at the end; ``optionId`` puts one below another (cascading)."""
    field, context = _place(c)
    rows = options_of(c, context["id"])
    made: list[Row] = []
    for item in _sent(c):
        parent = str(item.get("optionId") or "")
        if parent and TYPES[field["type"]].jql != "cascade":
            raise JiraError(400, "Only cascading fields have options below options.")
        if parent and all(row["id"] != parent for row in [*rows, *made]):
            raise JiraError(404, "The option was not found.")
        value = _value(item.get("value"))
        _free([*rows, *made], value, parent)
        made.append(
            {
                "id": "",
                "context": context["id"],
                "value": value,
                "disabled": item.get("disabled") is True,
                "parent": parent,
                "n": max([row["n"] for row in [*rows, *made]], default=-1) + 1,
            }
        )
    for row in made:
        row["id"] = new_id(c.twin, "option", 10_200)
        c["options"].put(row["id"], row)
    return reply({"options": [_shape(row) for row in made]})


@operation("PUT", "/field/{fieldId}/context/{contextId}/option", "updateCustomFieldOption")
def update(c: Context) -> Response:
    """Other words for options, or options disabled."""
    _, context = _place(c)
    rows = options_of(c, context["id"])
    changed = []
    for item in _sent(c):
        row = next((row for row in rows if row["id"] == str(item.get("id"))), None)
        if row is None:
            raise JiraError(404, "The option was not found.")
        new = dict(row)
        if item.get("value") is not None:
            new["value"] = _value(item["value"])
            _free(rows, new["value"], row["parent"], row["id"])
        if isinstance(item.get("disabled"), bool):
            new["disabled"] = item["disabled"]
        changed.append(new)
    for row in changed:
        c["options"].put(row["id"], row)
    return reply({"options": [_shape(row) for row in changed]})


@operation("PUT", "/field/{fieldId}/context/{contextId}/option/move", "reorderCustomFieldOptions")
def move(c: Context) -> Response:
    """Another order of options."""
    _, context = _place(c)
    body = c.body()
    keys = id_list(body, "customFieldOptionIds")
    after, position = body.get("after"), body.get("position")
    if after is not None and position is not None:
        raise JiraError(
            400,
            "'after' and 'position' were provided. Only 'after' or 'position' can be specified.",
        )
    if after is None and position not in ("First", "Last"):
        raise JiraError(400, "Either 'after' or 'position' must be specified.")
    rows = options_of(c, context["id"])
    known = {row["id"]: row for row in rows}
    if any(key not in known for key in keys) or (after is not None and str(after) not in known):
        raise JiraError(404, "The option was not found.")
    kept = [row["id"] for row in rows if row["id"] not in keys]
    at = 0 if position == "First" else len(kept)
    if after is not None:
        at = kept.index(str(after)) + 1 if str(after) in kept else len(kept)
    for n, key in enumerate([*kept[:at], *keys, *kept[at:]]):
        c["options"].put(key, {**known[key], "n": n})
    return empty()


def _users(c: Context, field: str, key: str) -> list[Row]:
    return [
        row
        for row in c["issues"].rows()
        if key in (v if isinstance(v := row.get(field), list) else [v])
    ]


@operation(
    "DELETE",
    "/field/{fieldId}/context/{contextId}/option/{optionId}",
    "deleteCustomFieldOption",
)
def delete(c: Context) -> Response:
    """Delete an option that no issue has, with those below it."""
    field, context = _place(c)
    row = c["options"].get(c.param("optionId"))
    if row is None or row["context"] != context["id"]:
        raise JiraError(404, "The option was not found.")
    gone = [row["id"], *(one["id"] for one in options_of(c, context["id"])
                         if one["parent"] == row["id"])]  # fmt: skip
    if any(_users(c, field["id"], key) for key in gone):
        raise JiraError(400, "The option is used in issues and cannot be deleted.")
    for key in gone:
        c["options"].delete(key)
    return empty()


@operation(
    "DELETE",
    "/field/{fieldId}/context/{contextId}/option/{optionId}/issue",
    "replaceCustomFieldOption",
)
def replace(c: Context) -> Response:
    """Take an option off the issues a query finds, or put another in its place."""
    field, context = _place(c)
    row = c["options"].get(c.param("optionId"))
    if row is None or row["context"] != context["id"]:
        raise JiraError(404, "The option was not found.")
    instead = c.query("replaceWith")
    if instead and instead not in c["options"]:
        raise JiraError(404, "The option was not found.")
    changed = _swap(c, field["id"], row["id"], instead)
    words = f", and replace with option {instead}" if instead else ""
    jql = c.query("jql") or "*"
    return see_other(
        c,
        f"Remove option {row['id']} from issues matched by '{jql}'{words}",
        {"errors": {"errorMessages": [], "errors": {}, "httpStatusCode": {"present": False}},
         "modifiedIssues": changed},
    )  # fmt: skip


def _swap(c: Context, field: str, key: str, instead: str) -> list[int]:
    jql = c.query("jql")
    rows = _users(c, field, key)
    if jql:
        try:
            found = {row["id"] for row in run(c, jql, bounded=False)}
        except JqlError as error:
            raise JiraError(400, *error.messages) from error
        rows = [row for row in rows if row["id"] in found]
    for row in rows:
        new = draft(row)
        if isinstance(new[field], list):
            swapped = [instead if one == key else one for one in new[field]]
            new[field] = [one for one in dict.fromkeys(swapped) if one] or None
        else:
            new[field] = instead or None
        change_issue(c, row, new)
    return [int(row["id"]) for row in rows]


# -- options of fields that apps provide


def _app_field(c: Context) -> str:
    c.need_admin("The request is not authenticated as a Jira administrator.")
    key = c.param("fieldKey")
    found = fields_of(c).get(key)
    if found is None or not found.custom:
        raise JiraError(404, f"The field '{key[:60]}' was not found or does not support options.")
    return key


def _app_shape(row: Row) -> dict[str, Any]:
    shown = {"id": row["n"], "value": row["value"], "properties": row["properties"]}
    return {**shown, "config": row["config"]}


def _app_rows(c: Context, field: str) -> list[Row]:
    table = c["appoptions"]
    return [table[key] for key in table.find("field", field)]


@operation("GET", "/field/{fieldKey}/option", "getAllIssueFieldOptions")
def app_options(c: Context) -> Response:
    """The options of an app's field."""
    return page(c, _app_rows(c, _app_field(c)), _app_shape)


def _suggested(c: Context, *, selectable: bool) -> Response:
    field = _app_field(c)
    project = c.query_number("projectId")
    rows = []
    for row in _app_rows(c, field):
        scope = row["config"].get("scope") or {}
        places = many(scope.get("projects"))
        places = [*places, *(one.get("id") for one in many(scope.get("projects2")))]
        hidden = "notSelectable" in (row["config"].get("attributes") or [])
        if (project is None or not places or project in places) and not (selectable and hidden):
            rows.append(row)
    return page(c, rows, _app_shape)


@operation("GET", "/field/{fieldKey}/option/suggestions/edit", "getSelectableIssueFieldOptions")
def app_selectable(c: Context) -> Response:
    """The options that may be chosen, in a project."""
    return _suggested(c, selectable=True)


@operation("GET", "/field/{fieldKey}/option/suggestions/search", "getVisibleIssueFieldOptions")
def app_visible(c: Context) -> Response:
    """The options that may be searched for, in a project."""
    return _suggested(c, selectable=False)


def _app_sent(c: Context) -> dict[str, Any]:
    body = c.body()
    config = body.get("config")
    properties = body.get("properties")
    config = config if isinstance(config, dict) else {}
    if not isinstance(config.get("scope"), dict):
        config = {**config, "scope": {"projects": [], "projects2": []}}
    return {
        "value": _value(body.get("value")),
        "properties": properties if isinstance(properties, dict) else {},
        "config": {
            "attributes": [
                one
                for one in many(config.get("attributes"))
                if one in ("notSelectable", "defaultValue")
            ]
            if isinstance(many(config.get("attributes")), list)
            else [],
            "scope": _scope(config["scope"]),
        },
    }


def _scope(scope: dict[str, Any]) -> dict[str, Any]:
    def numbers(value: Any) -> list[int]:
        items = value if isinstance(value, list) else []
        return [one for one in items if isinstance(one, int) and not isinstance(one, bool)]

    kept: dict[str, Any] = {"projects": numbers(scope.get("projects")), "projects2": []}
    for one in many(scope.get("projects2")) if isinstance(scope.get("projects2"), list) else []:
        if isinstance(one, dict) and isinstance(one.get("id"), int):
            kept["projects2"].append({"id": one["id"], "attributes": []})
    return kept


@operation("POST", "/field/{fieldKey}/option", "createIssueFieldOption")
def app_create(c: Context) -> Response:
    """A new option of an app's field."""
    field = _app_field(c)
    row = _app_sent(c)
    number = max([one["n"] for one in _app_rows(c, field)], default=0) + 1
    row |= {"n": number, "field": field}
    c["appoptions"].put((field, str(number)), row)
    return reply(_app_shape(row))


def _app_one(c: Context) -> tuple[str, Row]:
    field = _app_field(c)
    row = c["appoptions"].get((field, c.param("optionId")))
    if row is None:
        raise JiraError(404, f"The option '{c.param('optionId')[:40]}' was not found.")
    return field, row


@operation("GET", "/field/{fieldKey}/option/{optionId}", "getIssueFieldOption")
def app_one(c: Context) -> Response:
    """An option of an app's field."""
    return reply(_app_shape(_app_one(c)[1]))


@operation("PUT", "/field/{fieldKey}/option/{optionId}", "updateIssueFieldOption")
def app_update(c: Context) -> Response:
    """Change or make an option of an app's field."""
    field = _app_field(c)
    key = c.param("optionId")
    if not key.isdecimal() or len(key) > 9:
        raise JiraError(400, "The option id must be a number.")
    sent = c.body().get("id")
    if sent is not None and str(sent) != key:
        raise JiraError(400, "The id in the body differs from the id in the path.")
    row = {**_app_sent(c), "n": int(key), "field": field}
    c["appoptions"].put((field, key), row)
    return reply(_app_shape(row))


@operation("DELETE", "/field/{fieldKey}/option/{optionId}", "deleteIssueFieldOption")
def app_delete(c: Context) -> Response:
    """Delete an option of an app's field that no issue has."""
    field, row = _app_one(c)
    if _users(c, field, str(row["n"])):
        raise JiraError(409, "The option is used in issues and cannot be deleted.")
    c["appoptions"].delete((field, str(row["n"])))
    return empty()


@operation("DELETE", "/field/{fieldKey}/option/{optionId}/issue", "replaceIssueFieldOption")
def app_replace(c: Context) -> Response:
    """Take an app's option off issues, or put another in its place."""
    field, row = _app_one(c)
    changed = _swap(c, field, str(row["n"]), c.query("replaceWith"))
    return see_other(c, f"Remove option {row['n']} of {field}", {"modifiedIssues": changed})
