"""Workflow rules as they are written: which there are, checked, and the older API's names."""

from typing import Any, Final

from .context import Context
from .errors import JiraError, many
from .fields import fields_of

__all__ = [
    "ACTIONS",
    "CONDITIONS",
    "VALIDATORS",
    "new_conditions",
    "new_rule",
    "old_conditions",
    "old_rule",
    "shown_old",
    "shown_old_conditions",
]

CONDITIONS: Final = {
    "system:restrict-issue-transition": "Restrict who can move an issue",
    "system:separation-of-duties": "Separation of duties",
    "system:check-field-value": "Restrict to when a field is a specific value",
    "system:parent-or-child-blocking-condition": "Block transition until the subtasks are done",
    "system:previous-status-condition": "Restrict based on the previous status",
    "system:restrict-from-all-users": "Restrict from all users",
    "system:block-in-progress-approval": "Block transition until approval",
}
VALIDATORS: Final = {
    "system:validate-field-value": "Validate a field",
    "system:check-permission-validator": "Validate that people have a specific permission",
    "system:previous-status-validator": "Validate that an issue has been through a status",
    "system:parent-or-child-blocking-validator": "Validate the parent's status",
}
ACTIONS: Final = {
    "system:update-field": "Update an issue field",
    "system:change-assignee": "Assign an issue",
    "system:copy-value-from-other-field": "Copy the value of one field to another",
    "system:set-security-level-from-role": "Set the issue's security level",
    "system:trigger-webhook": "Trigger a webhook",
}

_OLD: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "AllowOnlyAssignee": ("system:restrict-issue-transition", {"accountIds": "allow-assignee"}),
    "AllowOnlyReporter": ("system:restrict-issue-transition", {"accountIds": "allow-reporter"}),
    "PermissionCondition": ("system:restrict-issue-transition", {}),
    "UserInGroupCondition": ("system:restrict-issue-transition", {}),
    "UserInAnyGroupCondition": ("system:restrict-issue-transition", {}),
    "InProjectRoleCondition": ("system:restrict-issue-transition", {}),
    "UserInAnyProjectRoleCondition": ("system:restrict-issue-transition", {}),
    "UserIsInCustomFieldCondition": ("system:restrict-issue-transition", {}),
    "InGroupCFCondition": ("system:restrict-issue-transition", {}),
    "SeparationOfDutiesCondition": ("system:separation-of-duties", {}),
    "ValueFieldCondition": ("system:check-field-value", {}),
    "SubTaskBlockingCondition": ("system:parent-or-child-blocking-condition", {"blocker": "CHILD"}),
    "PreviousStatusCondition": ("system:previous-status-condition", {}),
    "AlwaysFalseCondition": ("system:restrict-from-all-users", {"restrictMode": "usersAndAPI"}),
    "RemoteOnlyCondition": ("system:restrict-from-all-users", {"restrictMode": "users"}),
    "BlockInProgressApprovalCondition": ("system:block-in-progress-approval", {}),
    "PermissionValidator": ("system:check-permission-validator", {}),
    "UserPermissionValidator": ("system:check-permission-validator", {}),
    "FieldRequiredValidator": ("system:validate-field-value", {"ruleType": "fieldRequired"}),
    "FieldChangedValidator": ("system:validate-field-value", {"ruleType": "fieldChanged"}),
    "FieldHasSingleValueValidator": (
        "system:validate-field-value", {"ruleType": "fieldHasSingleValue"}),
    "RegexpFieldValidator": (
        "system:validate-field-value", {"ruleType": "fieldMatchesRegularExpression"}),
    "DateFieldValidator": ("system:validate-field-value", {"ruleType": "dateFieldComparison"}),
    "WindowsDateValidator": ("system:validate-field-value", {"ruleType": "windowDateComparison"}),
    "PreviousStatusValidator": ("system:previous-status-validator", {}),
    "ParentStatusValidator": ("system:parent-or-child-blocking-validator", {"blocker": "PARENT"}),
    "AssignToCurrentUserFunction": ("system:change-assignee", {"type": "to-current-user"}),
    "AssignToLeadFunction": ("system:change-assignee", {"type": "to-lead"}),
    "AssignToReporterFunction": ("system:change-assignee", {"type": "to-reporter"}),
    "ClearFieldValuePostFunction": ("system:update-field", {"value": ""}),
    "UpdateIssueFieldFunction": ("system:update-field", {}),
    "UpdateIssueCustomFieldPostFunction": ("system:update-field", {}),
    "CopyValueFromOtherFieldPostFunction": ("system:copy-value-from-other-field", {}),
    "SetIssueSecurityFromRoleFunction": ("system:set-security-level-from-role", {}),
    "TriggerWebhookFunction": ("system:trigger-webhook", {}),
    "FireIssueEventFunction": ("system:fire-issue-event", {}),
}  # fmt: skip
"""The older API's name of a rule to the newer one's, with parameters that are always the same."""

_PARAMETERS: Final = {
    "permissionKey": "permissionKey",
    "group": "groupIds",
    "groups": "groupIds",
    "projectRole": "roleIds",
    "projectRoles": "roleIds",
    "statuses": "statusIds",
    "parentStatuses": "statusIds",
    "previousStatus": "previousStatusIds",
    "fromStatus": "fromStatusId",
    "toStatus": "toStatusId",
    "fields": "fieldsRequired",
    "date1": "date1FieldKey",
    "date2": "date2FieldKey",
    "comparator": "comparator",
    "regexp": "regexp",
    "windowsDays": "numberOfDays",
    "sourceFieldId": "sourceFieldKey",
    "destinationFieldId": "targetFieldKey",
    "fieldValue": "value",
    "copyType": "issueSource",
    "securityLevel": "securityLevelId",
    "exemptedGroups": "groupsExemptFromValidation",
}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("id") or value.get("name") or "")
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def old_rule(sent: Any) -> dict[str, Any]:
    """A rule of the older API, kept with what it means. Raises 400."""
    if not isinstance(sent, dict) or not isinstance(sent.get("type"), str):
        raise JiraError(400, "The rule type is missing.")
    kind = sent["type"]
    if kind not in _OLD:
        raise JiraError(400, f"The rule type '{kind[:60]}' is not supported.")
    configuration = sent.get("configuration")
    configuration = configuration if isinstance(configuration, dict) else {}
    key, fixed = _OLD[kind]
    parameters = dict(fixed)
    for name, value in configuration.items():
        known = str(_PARAMETERS.get(str(name), name))
        if name == "fieldId":
            names = {"system:update-field": "field", "system:check-field-value": "fieldId"}
            known = names.get(str(key), "fieldKey")
            if kind == "UserIsInCustomFieldCondition":
                allow = configuration.get("allowUserInField", True)
                known = "allowUserCustomFields" if allow else "denyUserCustomFields"
            elif kind == "InGroupCFCondition":
                known = "groupCustomFields"
        if name == "fieldValue" and key == "system:check-field-value":
            known = "fieldValue"
        if name == "permissionKey" and key == "system:restrict-issue-transition":
            known = "permissionKeys"
        if name == "comparator" and kind == "DateFieldValidator":
            known = "conditionSelected"
        parameters[known] = _text(value)
    return {
        "ruleKey": key,
        "parameters": parameters,
        "old": {"type": kind, "configuration": configuration},
    }


def old_conditions(sent: Any) -> dict[str, Any] | None:
    """A tree of conditions of the older API. Raises 400."""
    if sent is None:
        return None
    if not isinstance(sent, dict):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    if sent.get("conditions") is None:
        return {"operation": "ALL", "conditions": [old_rule(sent)], "conditionGroups": []}
    parts = sent["conditions"]
    if not isinstance(parts, list) or sent.get("operator") not in ("AND", "OR"):
        raise JiraError(400, "The operator of conditions must be AND or OR.")
    simple = [old_rule(part) for part in parts if not _compound(part)]
    groups = [old_conditions(part) for part in parts if _compound(part)]
    return {
        "operation": "ANY" if sent["operator"] == "OR" else "ALL",
        "conditions": simple,
        "conditionGroups": groups,
    }


def _compound(part: Any) -> bool:
    return isinstance(part, dict) and part.get("conditions") is not None


def shown_old(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as the older API shows it."""
    old = rule.get("old")
    if old is not None:
        shape = {"type": old["type"]}
        return {**shape, "configuration": old["configuration"]} if old["configuration"] else shape
    return {"type": rule["ruleKey"], "configuration": dict(rule["parameters"])}


def shown_old_conditions(tree: dict[str, Any] | None) -> dict[str, Any] | None:
    """A tree of conditions as the older API shows it."""
    if not tree:
        return None
    parts = [{"nodeType": "simple", **shown_old(rule)} for rule in many(tree.get("conditions"))]
    for group in many(tree.get("conditionGroups")):
        found = shown_old_conditions(group)
        if found is not None:
            parts.append(found)
    if len(parts) == 1:
        return parts[0]
    operator = "OR" if tree.get("operation") == "ANY" else "AND"
    return {"nodeType": "compound", "operator": operator, "conditions": parts}


# -- the newer API


def new_rule(c: Context, sent: Any, known: dict[str, str], what: str) -> dict[str, Any]:
    """A rule of the newer API. Raises 400 for one that Jira does not know."""
    if not isinstance(sent, dict) or not isinstance(sent.get("ruleKey"), str):
        raise JiraError(400, f"The ruleKey of a {what} is missing.")
    key = sent["ruleKey"]
    if key.startswith("system:") and key not in known:
        raise JiraError(400, f"The {what} '{key[:80]}' does not exist.")
    parameters = sent.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if not all(isinstance(value, str) for value in parameters.values()):
        raise JiraError(400, f"The parameters of the {what} '{key}' must be texts.")
    for name in ("fieldKey", "field", "fieldId"):
        field = parameters.get(name)
        if key.startswith("system:") and field and field not in fields_of(c):
            raise JiraError(400, f"The field '{field[:60]}' of the {what} '{key}' does not exist.")
    rule = {"ruleKey": key, "parameters": dict(parameters)}
    return {**rule, "id": str(sent["id"])} if sent.get("id") else rule


def new_conditions(c: Context, sent: Any, depth: int = 0) -> dict[str, Any] | None:
    """A tree of conditions of the newer API. Raises 400."""
    if sent is None:
        return None
    if not isinstance(sent, dict) or depth > 5:
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    if sent.get("operation") not in ("ANY", "ALL"):
        raise JiraError(400, "The operation of conditions must be ANY or ALL.")
    rules = many(sent.get("conditions"))
    groups = many(sent.get("conditionGroups"))
    if not isinstance(rules, list) or not isinstance(groups, list):
        raise JiraError(400, "Invalid request payload. Refer to the REST API documentation.")
    return {
        "operation": sent["operation"],
        "conditions": [new_rule(c, rule, CONDITIONS, "condition") for rule in rules],
        "conditionGroups": [
            found for one in groups if (found := new_conditions(c, one, depth + 1)) is not None
        ],
    }
