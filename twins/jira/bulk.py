"""bulk/issues: delete, edit, move, transition and watch up to 1,000 issues, as tasks."""

from collections.abc import Callable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, operation, reply
from .errors import JiraError
from .fields import fields_of
from .setting import set_field
from .state import change_issue, delete_issue, draft
from .tasks import submit, work
from .workflow import available, do

_MOST: Final = 1000


def _names(c: Context, body: dict[str, Any]) -> list[str]:
    names = body.get("selectedIssueIdsOrKeys")
    if not isinstance(names, list) or not names:
        raise JiraError(400, "At least one issue must be selected in 'selectedIssueIdsOrKeys'.")
    if len(names) > _MOST:
        raise JiraError(400, f"The maximum number of issues is {_MOST}.")
    return [str(name) for name in names]


def _submitted(c: Context, description: str, name: str, args: Any) -> Response:
    return reply({"taskId": submit(c, description, name, args)["id"]}, 201)


def _each(c: Context, names: list[str], change: Callable[[Row], None]) -> dict[str, Any]:
    """Change each issue; what went well and what did not, as the progress tells it."""
    processed: list[int] = []
    failed: dict[str, list[str]] = {}
    invalid = 0
    for name in names:
        row = c.find_issue(name)
        if row is None:
            invalid += 1
            continue
        try:
            change(row)
        except JiraError as error:
            failed[row["id"]] = [*error.messages, *error.errors.values()]
        else:
            processed.append(int(row["id"]))
    return {"total": len(names), "invalid": invalid, "processed": processed, "failed": failed}


@operation("POST", "/bulk/issues/delete", "submitBulkDelete")
def delete(c: Context) -> Response:
    """Delete issues."""
    return _submitted(c, "Bulk delete", "bulk delete", _names(c, c.body()))


@work("bulk delete")
def _delete(c: Context, names: list[str]) -> Any:
    def change(row: Row) -> None:
        c.need("DELETE_ISSUES", row, "You do not have permission to delete this issue.")
        delete_issue(c, row)

    return _each(c, names, change)


def _watching(watch: bool) -> Callable[[Context, list[str]], Any]:
    def run(c: Context, names: list[str]) -> Any:
        def change(row: Row) -> None:
            kept = [key for key in row["watchers"] if key != c.me]
            watchers = [*kept, c.me] if watch else kept
            c["issues"].put(row["id"], {**row, "watchers": watchers})

        return _each(c, names, change)

    return run


work("bulk watch")(_watching(True))
work("bulk unwatch")(_watching(False))


@operation("POST", "/bulk/issues/watch", "submitBulkWatch")
def watch(c: Context) -> Response:
    """Watch issues."""
    return _submitted(c, "Bulk watch", "bulk watch", _names(c, c.body()))


@operation("POST", "/bulk/issues/unwatch", "submitBulkUnwatch")
def unwatch(c: Context) -> Response:
    """Watch issues no longer."""
    return _submitted(c, "Bulk unwatch", "bulk unwatch", _names(c, c.body()))


# -- transitions


def _asked_issues(c: Context) -> list[Row]:
    names = c.query_list("issueIdsOrKeys")
    if not names:
        raise JiraError(400, "At least one issue must be specified in 'issueIdsOrKeys'.")
    rows = []
    for name in names:
        row = c.find_issue(name)
        if row is None:
            raise JiraError(400, f"The issue '{name[:40]}' does not exist or is not visible.")
        rows.append(row)
    return rows


@operation("GET", "/bulk/issues/transition", "getAvailableTransitions")
def transitions(c: Context) -> Response:
    """The transitions that all issues of a workflow and status share."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in _asked_issues(c):
        keys = tuple(str(step["id"]) for step in available(c, row))
        groups.setdefault(keys, []).append(row)
    shapes = []
    for rows in groups.values():
        steps = [
            {
                "transitionId": int(step["id"]),
                "transitionName": step["name"],
                "to": {
                    "statusId": int(step["to"]),
                    "statusName": c["statuses"][step["to"]]["name"],
                },
            }
            for step in available(c, rows[0])
        ]
        issues = [row["key"] for row in rows]
        shapes.append({"issues": issues, "transitions": steps, "isTransitionsFiltered": False})
    return reply({"availableTransitions": shapes})


@operation("POST", "/bulk/issues/transition", "submitBulkTransition")
def transition(c: Context) -> Response:
    """Perform transitions."""
    inputs = c.body().get("bulkTransitionInputs")
    if not isinstance(inputs, list) or not inputs:
        raise JiraError(400, "At least one input must be specified in 'bulkTransitionInputs'.")
    steps: list[list[str]] = []
    for item in inputs:
        if not isinstance(item, dict) or not item.get("transitionId"):
            raise JiraError(400, "Every input must have a 'transitionId'.")
        steps += [[name, str(item["transitionId"])] for name in _names(c, item)]
    return _submitted(c, "Bulk transition", "bulk transition", steps)


@work("bulk transition")
def _transition(c: Context, steps: list[list[str]]) -> Any:
    wanted = {step[0]: step[1] for step in steps}

    def change(row: Row) -> None:
        key = wanted.get(row["key"]) or wanted.get(row["id"])
        step = next((step for step in available(c, row) if str(step["id"]) == key), None)
        if step is None:
            raise JiraError(400, f"Transition id '{key}' is not valid for this issue.")
        do(c, row, step, {})

    return _each(c, list(wanted), change)


# -- fields


_EDITABLE: Final = {
    "assignee": "assignee",
    "components": "components",
    "duedate": "date",
    "fixVersions": "versions",
    "issuetype": "issuetype",
    "labels": "labels",
    "parent": "parent",
    "priority": "priority",
    "reporter": "reporter",
    "versions": "versions",
}


@operation("GET", "/bulk/issues/fields", "getBulkEditableFields")
def fields(c: Context) -> Response:
    """The fields that can be edited for all of the issues."""
    _asked_issues(c)
    needle = c.query("searchText").lower()
    known = fields_of(c)
    shapes = []
    for name, kind in _EDITABLE.items():
        if needle not in known[name].name.lower():
            continue
        shape: dict[str, Any] = {
            "id": name,
            "name": known[name].name,
            "type": kind,
            "description": "",
            "isRequired": name in ("issuetype", "reporter"),
        }
        if name in ("components", "fixVersions", "labels", "versions"):
            shape["multiSelectFieldOptions"] = ["ADD", "REMOVE", "REPLACE", "REMOVE_ALL"]
        shapes.append(shape)
    return reply({"fields": shapes})


@operation("POST", "/bulk/issues/fields", "submitBulkEdit")
def edit(c: Context) -> Response:
    """Edit fields."""
    body = c.body()
    names = _names(c, body)
    actions, given = body.get("selectedActions"), body.get("editedFieldsInput")
    if not isinstance(actions, list) or not actions or not isinstance(given, dict):
        raise JiraError(400, "'selectedActions' and 'editedFieldsInput' must be specified.")
    changes = _changes(given)
    for name in actions:
        if str(name) not in changes:
            raise JiraError(400, f"There is no input for the selected action '{str(name)[:40]}'.")
    chosen = {str(name): changes[str(name)] for name in actions}
    return _submitted(c, "Bulk edit", "bulk edit", {"names": names, "changes": chosen})


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _changes(given: dict[str, Any]) -> dict[str, list[Any]]:
    """Field id to how it changes (``REPLACE`` and the like) and to which value."""
    found: dict[str, list[Any]] = {}
    single: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
        ("priority", "priority", lambda item: {"id": str(item.get("priorityId"))}),
        ("issueType", "issuetype", lambda item: {"id": str(item.get("issueTypeId"))}),
    )
    for sent, name, value in single:
        if isinstance(given.get(sent), dict):
            found[name] = ["REPLACE", value(given[sent])]
    lists: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("labelsFields", lambda item: [str(x.get("name")) for x in _dicts(item.get("labels"))]),
        ("singleLineTextFields", lambda item: item.get("text")),
        ("clearableNumberFields", lambda item: item.get("value")),
        ("datePickerFields", lambda item: _dict(item.get("date")).get("formattedDate")),
        ("singleSelectClearableUserPickerFields",
         lambda item: {"accountId": _dict(item.get("user")).get("accountId")}),
        ("multipleVersionPickerFields",
         lambda item: [{"id": str(x.get("versionId"))} for x in _dicts(item.get("versions"))]),
    )  # fmt: skip
    for sent, value in lists:
        for item in _dicts(given.get(sent)):
            if isinstance(item.get("fieldId"), str):
                how = str(item.get("bulkEditMultiSelectFieldOption") or "REPLACE")
                found[item["fieldId"]] = [how, value(item)]
    parts = given.get("multiselectComponents")
    if isinstance(parts, dict):
        ids = [{"id": str(x.get("componentId"))} for x in _dicts(parts.get("components"))]
        how = str(parts.get("bulkEditMultiSelectFieldOption") or "REPLACE")
        found["components"] = [how, ids]
    return found


@work("bulk edit")
def _edit(c: Context, args: dict[str, Any]) -> Any:
    known = fields_of(c)

    def change(row: Row) -> None:
        c.need("EDIT_ISSUES", row, "You do not have permission to edit this issue.")
        changed = draft(row)
        for name, (how, value) in args["changes"].items():
            stored = known[name].stored if name in known else ""
            before = list(changed.get(stored) or []) if isinstance(value, list) else []
            set_field(c, changed, name, [] if how == "REMOVE_ALL" else value)
            if how in ("ADD", "REMOVE"):
                now = changed[stored]
                kept = [item for item in before if item not in now]
                changed[stored] = kept if how == "REMOVE" else kept + now
        change_issue(c, row, changed)

    return _each(c, args["names"], change)


@operation("POST", "/bulk/issues/move", "submitBulkMove")
def move(c: Context) -> Response:
    """Move issues to other types of the same project; other projects are refused."""
    mapping = c.body().get("targetToSourcesMapping")
    if not isinstance(mapping, dict) or not mapping:
        raise JiraError(400, "'targetToSourcesMapping' must be specified.")
    steps: list[list[str]] = []
    for target, source in mapping.items():
        project, _, rest = str(target).partition(",")
        kind = rest.partition(",")[0]
        found = c.find_project(project)
        if found is None or kind not in found["types"]:
            raise JiraError(400, f"The target '{str(target)[:60]}' is not valid.")
        names = source.get("issueIdsOrKeys") if isinstance(source, dict) else None
        if not isinstance(names, list) or not names:
            raise JiraError(400, "Every target needs its 'issueIdsOrKeys'.")
        steps += [[str(name), found["id"], kind] for name in names]
    return _submitted(c, "Bulk move", "bulk move", steps)


@work("bulk move")
def _move(c: Context, steps: list[list[str]]) -> Any:
    wanted = {name: (project, kind) for name, project, kind in steps}

    def change(row: Row) -> None:
        project, kind = wanted.get(row["key"]) or wanted[row["id"]]
        if row["project"] != project:
            raise JiraError(400, "Issues cannot be moved to another project here.")
        changed = draft(row)
        set_field(c, changed, "issuetype", {"id": kind})
        change_issue(c, row, changed)

    return _each(c, list(wanted), change)
