"""workflows: made, changed and checked beforehand, with statuses, transitions and their rules."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .admin import described
from .context import Context, operation, reply
from .errors import JiraError, many
from .statuses import new_status
from .workflow import migrate, workflow_for
from .workflowadmin import ADMINS, put_version, statuses_json, workflow_json, workflow_uuid
from .workflowrules import ACTIONS, VALIDATORS, new_conditions, new_rule

_BAD: Final = "Invalid request payload. Refer to the REST API documentation."


class _Plan:
    """What a request to make or change workflows comes to, if nothing is wrong with it."""

    def __init__(self, c: Context, payload: dict[str, Any], *, update: bool) -> None:
        self.c = c
        self.problems: list[dict[str, Any]] = []
        self.update = update
        self.statuses: dict[str, dict[str, Any]] = {}
        for item in _dicts(payload.get("statuses")):
            self._status(item)
        self.rows = [self._workflow(item) for item in _dicts(payload.get("workflows"))]
        if not self.rows:
            self._problem("WORKFLOW", "At least one workflow must be given.", "MISSING_WORKFLOW")

    def _problem(self, kind: str, message: str, code: str, **where: str) -> None:
        problem: dict[str, Any] = {
            "code": code,
            "level": "ERROR",
            "message": message,
            "type": kind,
        }
        if where:
            problem["elementReference"] = where
        self.problems.append(problem)

    def _status(self, item: dict[str, Any]) -> None:
        reference = str(item.get("statusReference") or "")
        if not reference:
            self._problem("STATUS", "A status needs a statusReference.", "MISSING_REFERENCE")
            return
        key = item.get("id")
        if key is not None and str(key) not in self.c["statuses"]:
            self._problem("STATUS", f"The status with ID {str(key)[:40]} was not found.",
                          "STATUS_NOT_FOUND", statusReference=reference)  # fmt: skip
        elif key is None:
            name = str(item.get("name") or "")
            same = next(
                (r for r in self.c["statuses"].rows() if r["name"].lower() == name.lower()), None
            )
            if not name:
                self._problem("STATUS", "A status needs a name.", "MISSING_NAME",
                              statusReference=reference)  # fmt: skip
            elif same is not None:
                self._problem("STATUS", f"The status name '{name}' is already used.",
                              "NON_UNIQUE_STATUS_NAME", statusReference=reference)  # fmt: skip
            elif item.get("statusCategory") not in ("TODO", "IN_PROGRESS", "DONE"):
                self._problem("STATUS", "A status needs a statusCategory.", "MISSING_CATEGORY",
                              statusReference=reference)  # fmt: skip
        self.statuses[reference] = item

    def _workflow(self, item: dict[str, Any]) -> dict[str, Any]:
        name = str(item.get("name") or "")
        row: dict[str, Any] = {"sent": item, "name": name, "old": None}
        if self.update:
            row["old"] = self.c["workflows"].get(str(item.get("id")))
            self._updated(item, row["old"])
        elif not name.strip() or len(name) > 255:
            self._problem("WORKFLOW", "A workflow needs a name of at most 255 characters.",
                          "INVALID_NAME")  # fmt: skip
        elif self.c["workflows"].first("name", name) is not None:
            self._problem("WORKFLOW", f"The workflow name '{name}' is already used.",
                          "NON_UNIQUE_WORKFLOW_NAME")  # fmt: skip
        own = [str(one.get("statusReference")) for one in _dicts(item.get("statuses"))]
        for reference in own:
            if reference not in self.statuses and reference not in self.c["statuses"]:
                self._problem("STATUS", f"The status reference '{reference[:60]}' is unknown.",
                              "STATUS_NOT_FOUND", statusReference=reference)  # fmt: skip
        if not own:
            self._problem("STATUS_LAYOUT", "A workflow needs at least one status.",
                          "MISSING_STATUSES")  # fmt: skip
        self._transitions(_dicts(item.get("transitions")), own)
        return row

    def _updated(self, item: dict[str, Any], old: Row | None) -> None:
        if old is None:
            self._problem("WORKFLOW", f"The workflow '{str(item.get('id'))[:60]}' was not found.",
                          "WORKFLOW_NOT_FOUND")  # fmt: skip
            return
        if not old.get("editable", True):
            self._problem("WORKFLOW", "The workflow cannot be edited.", "NOT_EDITABLE")
        version = item.get("version")
        number = version.get("versionNumber") if isinstance(version, dict) else None
        if number != old["version"]:
            self._problem("WORKFLOW", "The workflow has been changed since it was read.",
                          "VERSION_MISMATCH")  # fmt: skip

    def _transitions(self, steps: list[dict[str, Any]], own: list[str]) -> None:
        initial = [step for step in steps if step.get("type") == "INITIAL"]
        if len(initial) != 1:
            self._problem("TRANSITION", "A workflow needs exactly one initial transition.",
                          "INITIAL_TRANSITION")  # fmt: skip
        seen: set[str] = set()
        for step in steps:
            key = str(step.get("id") or "")
            where = {"transitionId": key}
            if not key.lstrip("-").isdecimal() or key in seen:
                self._problem("TRANSITION", "Transitions need ids that are different numbers.",
                              "INVALID_TRANSITION_ID", **where)  # fmt: skip
            seen.add(key)
            if step.get("type") not in ("INITIAL", "GLOBAL", "DIRECTED"):
                self._problem("TRANSITION", "The type of a transition is INITIAL, GLOBAL or "
                              "DIRECTED.", "INVALID_TYPE", **where)  # fmt: skip
            if not str(step.get("name") or "").strip():
                self._problem("TRANSITION", "A transition needs a name.", "MISSING_NAME", **where)
            target = step.get("toStatusReference")
            if target is None and step.get("type") != "GLOBAL":
                self._problem("TRANSITION", "A transition needs a target.", "MISSING_TARGET",
                              **where)  # fmt: skip
            elif target is not None and str(target) not in own:
                self._problem("TRANSITION", "The target of a transition is not in the workflow.",
                              "TARGET_NOT_FOUND", **where)  # fmt: skip
            starts = [str(x.get("fromStatusReference")) for x in _dicts(step.get("links"))]
            if any(one not in own for one in starts):
                self._problem("TRANSITION", "A start of a transition is not in the workflow.",
                              "SOURCE_NOT_FOUND", **where)  # fmt: skip
            if step.get("type") == "DIRECTED" and not starts:
                self._problem("TRANSITION", "A directed transition needs a start.",
                              "MISSING_SOURCE", **where)  # fmt: skip
            self._rules(step, where)

    def _rules(self, step: dict[str, Any], where: dict[str, str]) -> None:
        try:
            new_conditions(self.c, step.get("conditions"))
            for name, known, noun in (
                ("validators", VALIDATORS, "validator"),
                ("actions", ACTIONS, "function"),
            ):
                for rule in many(step.get(name)):
                    new_rule(self.c, rule, known, noun)
        except JiraError as error:
            self._problem("RULE", error.messages[0], "INVALID_RULE", **where)
        screen = step.get("transitionScreen")
        key = _screen(screen)
        if key and key not in self.c["screens"]:
            self._problem("RULE", "The screen was not found.", "SCREEN_NOT_FOUND", **where)

    # -- carrying it out

    def carry_out(self) -> list[Row]:
        """Make the statuses and store the workflows. Raises 400 where something is wrong."""
        if self.problems:
            raise JiraError(400, *dict.fromkeys(str(one["message"]) for one in self.problems))
        c = self.c
        ids: dict[str, str] = {}
        for reference, item in self.statuses.items():
            ids[reference] = str(item["id"]) if item.get("id") else new_status(c, item)["id"]
        return [self._store(row, ids) for row in self.rows]

    def _store(self, plan: dict[str, Any], ids: dict[str, str]) -> Row:
        c, sent, old = self.c, plan["sent"], plan["old"]

        def status(reference: Any) -> str:
            return ids.get(str(reference), str(reference))

        row: Row = {
            "id": old["id"] if old else workflow_uuid(c),
            "name": old["name"] if old else plan["name"].strip(),
            "description": described(sent, old["description"] if old else ""),
            "statuses": [
                {
                    "id": status(one.get("statusReference")),
                    "properties": _texts(one.get("properties")),
                    "layout": _layout(one.get("layout")),
                }
                for one in _dicts(sent.get("statuses"))
            ],
            "transitions": [self._step(step, status) for step in _dicts(sent.get("transitions"))],
            "default": False,
            "editable": True,
            "created": old["created"] if old else c.now,
            "version": old["version"] if old else 0,
        }
        if old is not None:
            moves = {
                status(one.get("oldStatusReference")): status(one.get("newStatusReference"))
                for one in _dicts(sent.get("defaultStatusMappings"))
            }
            _migrate(c, old, row, moves)
        return put_version(c, row)

    def _step(self, step: dict[str, Any], status: Any) -> dict[str, Any]:
        c = self.c
        target = step.get("toStatusReference")
        return {
            "id": str(step["id"]),
            "name": str(step["name"]).strip(),
            "description": str(step.get("description") or ""),
            "type": step["type"],
            "from": [status(x.get("fromStatusReference")) for x in _dicts(step.get("links"))],
            "to": status(target) if target is not None else "",
            "conditions": new_conditions(c, step.get("conditions")),
            "validators": [
                new_rule(c, rule, VALIDATORS, "validator") for rule in many(step.get("validators"))
            ],
            "actions": [
                new_rule(c, rule, ACTIONS, "function") for rule in many(step.get("actions"))
            ],
            "triggers": [
                {"ruleKey": str(one.get("ruleKey")), "parameters": _texts(one.get("parameters"))}
                for one in _dicts(step.get("triggers"))
            ],
            "screen": _screen(step.get("transitionScreen")),
            "properties": _texts(step.get("properties")),
        }


def _dicts(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise JiraError(400, _BAD)
    return value


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(key): str(one) for key, one in value.items()}


def _layout(value: Any) -> dict[str, float] | None:
    if not isinstance(value, dict):
        return None
    numbers = {name: value.get(name) for name in ("x", "y")}
    if not all(isinstance(one, int | float) for one in numbers.values()):
        return None
    return {name: float(one) for name, one in numbers.items() if one is not None}


def _screen(value: Any) -> str:
    parameters = value.get("parameters") if isinstance(value, dict) else None
    return str(parameters.get("screenId") or "") if isinstance(parameters, dict) else ""


def _migrate(c: Context, old: Row, new: Row, moves: dict[str, str]) -> None:
    """Issues in a status that a workflow loses go to the mapped one. Raises 400 without."""
    kept = {one["id"] for one in new["statuses"]}
    gone = {one["id"] for one in old["statuses"]} - kept
    if not gone:
        return
    stranded = [
        issue
        for issue in c["issues"].rows()
        if issue["status"] in gone
        and workflow_for(c, c["projects"][issue["project"]], issue["type"])["id"] == old["id"]
    ]
    for issue in stranded:
        if moves.get(issue["status"]) not in kept:
            raise JiraError(400, "Issues are in a status that is removed from the workflow; map it "
                            "to another status.")  # fmt: skip
    for issue in stranded:
        migrate(c, issue, moves[issue["status"]])


def _answer(c: Context, rows: list[Row]) -> dict[str, Any]:
    return {
        "statuses": statuses_json(c, rows),
        "workflows": [workflow_json(c, row) for row in rows],
    }


@operation("POST", "/workflows/create", "createWorkflows")
def create(c: Context) -> Response:
    """New workflows with their statuses."""
    c.need_admin(ADMINS)
    return reply(_answer(c, _Plan(c, c.body(), update=False).carry_out()))


@operation("POST", "/workflows/update", "updateWorkflows")
def update(c: Context) -> Response:
    """Other statuses, transitions and rules for workflows."""
    c.need_admin(ADMINS)
    return reply(_answer(c, _Plan(c, c.body(), update=True).carry_out()))


def _validation(c: Context, *, update: bool) -> Response:
    c.need_admin(ADMINS)
    body = c.body()
    payload = body.get("payload")
    if not isinstance(payload, dict):
        raise JiraError(400, "The payload must be provided.")
    options = body.get("validationOptions")
    levels = options.get("levels") if isinstance(options, dict) else None
    if levels is not None and not isinstance(levels, list):
        raise JiraError(400, _BAD)
    problems = _Plan(c, payload, update=update).problems
    return reply({"errors": [one for one in problems if not levels or one["level"] in levels]})


@operation("POST", "/workflows/create/validation", "validateCreateWorkflows")
def validate_create(c: Context) -> Response:
    """What is wrong with workflows that are to be made."""
    return _validation(c, update=False)


@operation("POST", "/workflows/update/validation", "validateUpdateWorkflows")
def validate_update(c: Context) -> Response:
    """What is wrong with changes of workflows."""
    return _validation(c, update=True)
