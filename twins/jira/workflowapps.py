"""workflow/rule/config: the rules that apps brought into workflows, and their configurations."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from factory_tui.universe import Response, Row

from .connect import need_app
from .context import Context, operation, reply
from .errors import JiraError, many
from .pages import page
from .workflowadmin import put_version

_KINDS: Final = {"postfunction": "actions", "condition": "conditions", "validator": "validators"}
_SHOWN: Final = {
    "actions": "postFunctions",
    "conditions": "conditions",
    "validators": "validators",
}


def _app_rules(step: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    rules = step[kind]
    if kind == "conditions":
        rules = many((rules or {}).get("conditions"))
    return [rule for rule in rules if not rule["ruleKey"].startswith("system:") and rule.get("id")]


def _app_shape(step: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    parameters = rule["parameters"]
    configuration: dict[str, Any] = {"value": parameters.get("value", "{}")}
    if "disabled" in parameters:
        configuration["disabled"] = parameters["disabled"] == "true"
    if parameters.get("tag"):
        configuration["tag"] = parameters["tag"]
    return {
        "id": rule["id"],
        "key": parameters.get("appKey") or rule["ruleKey"],
        "configuration": configuration,
        "transition": {"id": int(step["id"]), "name": step["name"]},
    }


@operation("GET", "/workflow/rule/config", "getWorkflowTransitionRuleConfigurations")
def rule_configs(c: Context) -> Response:
    """The rules of apps in workflows."""
    need_app(c, 403)
    types = c.query_list("types")
    if not types:
        raise JiraError(400, "The types must be provided.")
    if any(kind not in _KINDS for kind in types):
        raise JiraError(404, "A transition rule type is not supported.")
    keys, names = c.query_list("keys"), c.query_list("workflowNames")
    found = [
        shape
        for row in c["workflows"].rows()
        if (not names or row["name"] in names)
        and (shape := _rules_shape(row, types, lambda one: not keys or one["key"] in keys))
    ]
    return page(c, found, lambda one: one, 10, 50)


def _rules_shape(
    row: Row, types: Iterable[str], wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any] | None:
    """The rules of a workflow that are wanted, by what they do; ``None`` for none."""
    shape: dict[str, Any] = {"workflowId": {"name": row["name"], "draft": False}}
    shape |= {name: [] for name in _SHOWN.values()}
    for step in row["transitions"]:
        for kind in types:
            rules = (_app_shape(step, rule) for rule in _app_rules(step, _KINDS[kind]))
            shape[_SHOWN[_KINDS[kind]]] += [one for one in rules if wanted(one)]
    return shape if any(shape[name] for name in _SHOWN.values()) else None


def _sent_workflows(c: Context) -> list[dict[str, Any]]:
    need_app(c, 403)
    found = c.body().get("workflows")
    if not isinstance(found, list) or not found or not all(isinstance(w, dict) for w in found):
        raise JiraError(400, "The workflows must be provided.")
    return found


def _named(sent: dict[str, Any]) -> str:
    which = sent.get("workflowId")
    return str(which.get("name") or "") if isinstance(which, dict) else ""


def _change_rules(c: Context, sent: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Give rules, by id, other parameters or (``None``) remove them; what went wrong."""
    name = _named(sent)
    row = c["workflows"].first("name", name)
    errors: list[str] = []
    problems: dict[str, list[str]] = {}
    if row is None:
        errors.append(f"Workflow not found: WorkflowIdBean{{name={name[:60]}, draft=false}}")
    else:
        left = dict(new)
        steps = []
        for step in row["transitions"]:
            changed = dict(step)
            for kind in _SHOWN:
                rules = [_changed(rule, left) for rule in _app_all(step, kind)]
                kept = [rule for rule in rules if rule is not None]
                if kind == "conditions":
                    if step["conditions"]:
                        changed["conditions"] = {**step["conditions"], "conditions": kept}
                else:
                    changed[kind] = kept
            steps.append(changed)
        for key in left:
            problems[key] = [f"The rule with this id does not exist: {key[:60]}"]
        if len(left) < len(new):
            put_version(c, {**row, "transitions": steps})
    return {
        "workflowId": {"name": name, "draft": False},
        "ruleUpdateErrors": problems,
        "updateErrors": errors,
    }


def _app_all(step: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    rules = step[kind]
    return list(many((rules or {}).get("conditions"))) if kind == "conditions" else list(rules)


def _changed(rule: dict[str, Any], left: dict[str, Any]) -> dict[str, Any] | None:
    key = rule.get("id")
    if key is None or key not in left:
        return rule
    parameters = left.pop(key)
    return None if parameters is None else {**rule, "parameters": {**rule["parameters"],
                                                                  **parameters}}  # fmt: skip


@operation("PUT", "/workflow/rule/config", "updateWorkflowTransitionRuleConfigurations")
def update_rules(c: Context) -> Response:
    """Other configurations for rules of apps."""
    results = []
    for sent in _sent_workflows(c):
        new: dict[str, Any] = {}
        for name in _SHOWN.values():
            rules = many(sent.get(name))
            if not isinstance(rules, list):
                raise JiraError(400, "The rules must be a list.")
            for rule in rules:
                if not isinstance(rule, dict) or not isinstance(rule.get("configuration"), dict):
                    raise JiraError(400, "A rule needs an id and a configuration.")
                given = rule["configuration"]
                parameters = {"value": str(given.get("value", ""))}
                if isinstance(given.get("disabled"), bool):
                    parameters["disabled"] = str(given["disabled"]).lower()
                if given.get("tag"):
                    parameters["tag"] = str(given["tag"])
                new[str(rule.get("id"))] = parameters
        results.append(_change_rules(c, sent, new))
    return reply({"updateResults": results})


@operation("PUT", "/workflow/rule/config/delete", "deleteWorkflowTransitionRuleConfigurations")
def delete_rules(c: Context) -> Response:
    """Remove rules of apps."""
    results = []
    for sent in _sent_workflows(c):
        keys = sent.get("workflowRuleIds")
        if not isinstance(keys, list):
            raise JiraError(400, "The workflowRuleIds must be provided.")
        results.append(_change_rules(c, sent, {str(key): None for key in keys}))
    return reply({"updateResults": results})


_SEARCH: Final = "/rest/atlassian-connect/1/migration/workflow/rule/search"
_MOST: Final = 10


@operation("POST", _SEARCH, "MigrationResource.workflowRuleSearch_post")
def search(c: Context) -> Response:
    """The rules of a workflow that were asked for by id, while an app migrates."""
    need_app(c, 403)
    if not c.call.request.headers.get("atlassian-transfer-id", "").strip():
        raise JiraError(400, "The header Atlassian-Transfer-Id must be provided.")
    body = c.body()
    entity, keys = body.get("workflowEntityId"), body.get("ruleIds")
    if not isinstance(entity, str) or not entity:
        raise JiraError(400, "The workflowEntityId must be provided.")
    good = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not good or not 1 <= len(keys or ()) <= _MOST:
        raise JiraError(400, f"Specify from 1 to {_MOST} ruleIds.")
    wanted = list(dict.fromkeys(keys or ()))
    row = c["workflows"].get(entity)
    shape = _rules_shape(row, _KINDS, lambda one: one["id"] in wanted) if row else None
    shown = [one for name in _SHOWN.values() for one in (shape or {}).get(name, ())]
    known = {one["id"] for one in shown}
    if "transition" not in str(body.get("expand") or "").split(","):
        for one in shown:
            del one["transition"]
    return reply(
        {
            "workflowEntityId": entity,
            "validRules": [shape] if known else [],
            "invalidRules": [key for key in wanted if key not in known],
        }
    )
