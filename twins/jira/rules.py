"""The rules of a workflow's transitions: conditions, validators and post functions.

A rule is ``{"ruleKey": "system:…", "parameters": {…}}`` with text parameters, as the workflow
API writes it; lists are comma-separated. Rules of apps are kept and do nothing.
"""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from factory_tui.universe import Row

from . import dates
from .context import Context
from .errors import JiraError
from .fields import FIELDS, fields_of
from .groups_of import group_id
from .permits import in_role
from .screening import is_empty

__all__ = ["allowed", "check", "perform", "status_history"]

Rule = dict[str, Any]


def _list(rule: Rule, name: str) -> list[str]:
    text = str(rule["parameters"].get(name) or "")
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = []
        return [str(item) for item in found] if isinstance(found, list) else []
    return [part.strip() for part in text.split(",") if part.strip()]


def _flag(rule: Rule, name: str) -> bool:
    return str(rule["parameters"].get(name, "")).lower() == "true"


def status_history(c: Context, issue: Row) -> list[tuple[str, str, str]]:
    """The status changes of an issue, oldest first: from, to, who."""
    table = c["changelog"]
    return [
        (item["from"], item["to"], entry["author"])
        for key in table.find("issue", issue["id"])
        for entry in (table[key],)
        for item in entry["items"]
        if item["fieldId"] == "status"
    ]


# -- conditions


def allowed(c: Context, conditions: dict[str, Any] | None, issue: Row) -> bool:
    """Whether a tree of conditions lets the caller perform a transition."""
    if not conditions:
        return True
    results = [_condition(c, rule, issue) for rule in conditions.get("conditions") or []]
    results += [allowed(c, group, issue) for group in conditions.get("conditionGroups") or []]
    if not results:
        return True
    return any(results) if conditions.get("operation") == "ANY" else all(results)


def _condition(c: Context, rule: Rule, issue: Row) -> bool:
    test = _CONDITIONS.get(rule["ruleKey"])
    return True if test is None else test(c, rule, issue)


def _restrict(c: Context, rule: Rule, issue: Row) -> bool:
    mine = c.user["groups"] if c.user else []
    project = c["projects"][issue["project"]]
    for name in _list(rule, "accountIds"):
        if name == "allow-assignee":
            if issue["assignee"] == c.me:
                return True
        elif name == "allow-reporter":
            if issue["reporter"] == c.me:
                return True
        elif name == c.me:
            return True
    if any(in_role(c, c.me, role, project["id"]) for role in _list(rule, "roleIds")):
        return True
    wanted = _list(rule, "groupIds")
    if any(name in wanted or group_id(c, name) in wanted for name in mine):
        return True
    if any(c.may(key, project, issue) for key in _list(rule, "permissionKeys")):
        return True
    for field in _list(rule, "allowUserCustomFields"):
        value = issue.get(field)
        if c.me in (value if isinstance(value, list) else [value]):
            return True
    for field in _list(rule, "groupCustomFields"):
        value = issue.get(field)
        if any(name in mine for name in (value if isinstance(value, list) else [value])):
            return True
    denied = _list(rule, "denyUserCustomFields")
    for field in denied:
        value = issue.get(field)
        if c.me in (value if isinstance(value, list) else [value]):
            return False
    others = ("accountIds", "roleIds", "groupIds", "permissionKeys", "allowUserCustomFields",
              "groupCustomFields")  # fmt: skip
    return not any(_list(rule, name) for name in others)


def _separate(c: Context, rule: Rule, issue: Row) -> bool:
    start, end = rule["parameters"].get("fromStatusId"), rule["parameters"].get("toStatusId")
    return not any(
        who == c.me and (not start or before == start) and (not end or after == end)
        for before, after, who in status_history(c, issue)
    )


def _texts_of(c: Context, issue: Row, field: str) -> list[str]:
    found = fields_of(c).get(field)
    if found is None:
        return []
    value = issue.get(found.stored)
    if value is None:
        return []
    return [str(item) for item in (value if isinstance(value, list) else [value])]


_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
}


def _compare(c: Context, rule: Rule, issue: Row) -> bool:
    found = _texts_of(c, issue, str(rule["parameters"].get("fieldId", "")))
    wanted = _list(rule, "fieldValue")
    sign = str(rule["parameters"].get("comparator", "="))
    holds = _COMPARE.get(sign, _COMPARE["="])
    if sign in ("=", "!="):
        words = [_option_text(c, text) for text in found]
        same = sorted(found) == sorted(wanted) or sorted(words) == sorted(wanted)
        return same == (sign == "=")
    if not found or not wanted:
        return False
    try:
        return holds(float(found[0]), float(wanted[0]))
    except ValueError:
        return holds(found[0], wanted[0])


def _option_text(c: Context, key: str) -> str:
    row = c["options"].get(key)
    return str(row["value"]) if row else key


def _children_done(c: Context, rule: Rule, issue: Row) -> bool:
    wanted = _list(rule, "statusIds")
    table = c["issues"]
    if str(rule["parameters"].get("blocker", "CHILD")).upper() == "PARENT":
        parent = table.get(issue["parent"]) if issue["parent"] else None
        return parent is None or parent["status"] in wanted
    return all(table[key]["status"] in wanted for key in table.find("parent", issue["id"]))


def _was_in(c: Context, rule: Rule, issue: Row) -> bool:
    wanted = _list(rule, "previousStatusIds")
    history = [before for before, _, _ in status_history(c, issue)]
    if _flag(rule, "mostRecentStatusOnly"):
        history = history[-1:]
    if _flag(rule, "includeCurrentStatus"):
        history.append(issue["status"])
    return any(status in wanted for status in history) != _flag(rule, "not")


_CONDITIONS: Final[dict[str, Callable[[Context, Rule, Row], bool]]] = {
    "system:restrict-issue-transition": _restrict,
    "system:separation-of-duties": _separate,
    "system:check-field-value": _compare,
    "system:parent-or-child-blocking-condition": _children_done,
    "system:previous-status-condition": _was_in,
    "system:restrict-from-all-users": lambda c, rule, issue: (
        rule["parameters"].get("restrictMode") == "users"
    ),
}


# -- validators


def check(c: Context, rules: list[Rule], before: Row, after: Row) -> None:
    """Let the validators look at a transition. Raises 400 with every complaint."""
    failure = JiraError(400)
    for rule in rules:
        test = _VALIDATORS.get(rule["ruleKey"])
        if test is not None:
            test(c, rule, before, after, failure)
    if failure.messages or failure.errors:
        raise failure


def _words(rule: Rule, otherwise: str) -> str:
    return str(rule["parameters"].get("errorMessage") or otherwise)


def _field_value(c: Context, rule: Rule, before: Row, after: Row, failure: JiraError) -> None:
    kind = str(rule["parameters"].get("ruleType", ""))
    test = _FIELD_RULES.get(kind)
    if test is not None:
        test(c, rule, before, after, failure)


def _required(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    for name in _list(rule, "fieldsRequired"):
        found = fields_of(c).get(name)
        if found is not None and is_empty(after, name, c):
            failure.errors[name] = _words(rule, f"{found.name} is required.")


def _single(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    name = str(rule["parameters"].get("fieldKey", ""))
    if len(_texts_of(c, after, name)) > 1:
        failure.errors[name] = _words(rule, f"{_title(c, name)} must have a single value.")


def _changed(c: Context, rule: Rule, before: Row, after: Row, failure: JiraError) -> None:
    name = str(rule["parameters"].get("fieldKey", ""))
    mine = c.user["groups"] if c.user else []
    if any(group in mine for group in _list(rule, "groupsExemptFromValidation")):
        return
    if _texts_of(c, before, name) == _texts_of(c, after, name):
        failure.errors[name] = _words(rule, f"Field {_title(c, name)} has not been modified.")


def _matches(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    name = str(rule["parameters"].get("fieldKey", ""))
    pattern = str(rule["parameters"].get("regexp", ""))
    if len(pattern) > 200 or re.search(r"[+*}]\)?[+*{]", pattern):
        return  # nested quantifiers could take for ever
    try:
        fits = any(re.search(pattern, text[:1000]) for text in _texts_of(c, after, name))
    except re.error:
        return
    if not fits:
        failure.errors[name] = _words(
            rule, f"{_title(c, name)} does not match the regular expression."
        )


def _compare_dates(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    one, other = (str(rule["parameters"].get(f"date{n}FieldKey", "")) for n in (1, 2))
    values = [_texts_of(c, after, name) for name in (one, other)]
    if not values[0] or not values[1]:
        return
    first, second = (dates.moment(value[0]) for value in values)
    if not _flag(rule, "includeTime"):
        first, second = (
            found.replace(hour=0, minute=0, second=0, microsecond=0) for found in (first, second)
        )
    sign = str(rule["parameters"].get("conditionSelected", ">="))
    if not _COMPARE.get(sign, _COMPARE[">="])(first, second):
        failure.messages.append(
            _words(rule, f"{_title(c, one)} must be {sign} {_title(c, other)}.")
        )


def _window(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    one, other = (str(rule["parameters"].get(f"date{n}FieldKey", "")) for n in (1, 2))
    values = [_texts_of(c, after, name) for name in (one, other)]
    if not values[0] or not values[1]:
        return
    days = str(rule["parameters"].get("numberOfDays", "0"))
    span = timedelta(days=int(days)) if days.isdecimal() and len(days) < 6 else timedelta()
    first, second = (dates.moment(value[0]) for value in values)
    if not second <= first <= second + span:
        failure.messages.append(
            _words(rule, f"{_title(c, one)} must be within {days} days of {_title(c, other)}.")
        )


_FIELD_RULES: Final[dict[str, Callable[[Context, Rule, Row, Row, JiraError], None]]] = {
    "fieldRequired": _required,
    "fieldHasSingleValue": _single,
    "fieldChanged": _changed,
    "fieldMatchesRegularExpression": _matches,
    "dateFieldComparison": _compare_dates,
    "windowDateComparison": _window,
}


def _title(c: Context, field: str) -> str:
    found = fields_of(c).get(field)
    return found.name if found else field


def _permitted(c: Context, rule: Rule, _before: Row, after: Row, failure: JiraError) -> None:
    key = str(rule["parameters"].get("permissionKey", ""))
    project = c["projects"][after["project"]]
    if key and not c.may(key, project, after if after["id"] else None):
        failure.messages.append(
            _words(rule, f"User does not have the {key} permission to perform this action.")
        )


def _previously(c: Context, rule: Rule, before: Row, _after: Row, failure: JiraError) -> None:
    if not _was_in(c, rule, before):
        failure.messages.append(
            _words(rule, "The issue has not been in the status that this transition requires.")
        )


def _family(c: Context, rule: Rule, before: Row, _after: Row, failure: JiraError) -> None:
    if not _children_done(c, rule, before):
        failure.messages.append(
            _words(rule, "The parent of this issue is not in the status that is required.")
        )


_VALIDATORS: Final[dict[str, Callable[[Context, Rule, Row, Row, JiraError], None]]] = {
    "system:validate-field-value": _field_value,
    "system:check-permission-validator": _permitted,
    "system:previous-status-validator": _previously,
    "system:parent-or-child-blocking-validator": _family,
}


# -- post functions


def perform(c: Context, rules: list[Rule], issue: Row) -> None:
    """Carry out the post functions on the draft ``issue``."""
    for rule in rules:
        action = _ACTIONS.get(rule["ruleKey"])
        if action is not None:
            action(c, rule, issue)


def _update(c: Context, rule: Rule, issue: Row) -> None:
    name = str(rule["parameters"].get("field", ""))
    value = str(rule["parameters"].get("value") or "")
    found = fields_of(c).get(name)
    if found is None or not found.stored or name in ("status", "project", "issuetype"):
        return
    if name == "resolution":
        if not value:
            issue["resolution"] = None
        elif value in c["resolutions"]:
            issue["resolution"] = issue["resolution"] or value
    elif name in ("assignee", "reporter"):
        known = c["users"].get(value)
        issue[name] = known["id"] if known else None
    elif name == "priority":
        issue["priority"] = value if value in c["priorities"] else issue["priority"]
    elif found.kind == "array":
        issue[found.stored] = _split(value)
    elif found.kind == "number":
        issue[found.stored] = float(value) if re.fullmatch(r"-?\d{1,14}(\.\d+)?", value) else None
    elif name in ("description", "environment") or found.custom.endswith(":textarea"):
        issue[found.stored] = {"text": value} if value else None
    elif name == "summary" or name not in FIELDS:
        issue[found.stored] = value or issue[found.stored] if name == "summary" else value or None


def _split(value: str) -> list[str]:
    return sorted({part.strip() for part in value.split(",") if part.strip()})


def _assign(c: Context, rule: Rule, issue: Row) -> None:
    kind = str(rule["parameters"].get("type", ""))
    chosen = {
        "to-current-user": c.me or None,
        "to-lead": c["projects"][issue["project"]]["lead"],
        "to-project-lead": c["projects"][issue["project"]]["lead"],
        "to-reporter": issue["reporter"],
        "to-unassigned": None,
    }
    if kind in chosen:
        issue["assignee"] = chosen[kind]
        return
    row = c["users"].get(str(rule["parameters"].get("accountId", "")))
    issue["assignee"] = row["id"] if row else None


def _copy(c: Context, rule: Rule, issue: Row) -> None:
    source, target = (
        fields_of(c).get(str(rule["parameters"].get(name, "")))
        for name in ("sourceFieldKey", "targetFieldKey")
    )
    if source is None or target is None or not source.stored or not target.stored:
        return
    if target.id in ("status", "project", "issuetype", "parent") or source.kind != target.kind:
        return
    of: Row | None = issue
    if str(rule["parameters"].get("issueSource", "SAME")).upper() == "PARENT":
        of = c["issues"].get(issue["parent"]) if issue["parent"] else None
    if of is not None:
        value = of.get(source.stored)
        issue[target.stored] = list(value) if isinstance(value, list) else value


def _secure(c: Context, rule: Rule, issue: Row) -> None:
    role = str(rule["parameters"].get("roleId", ""))
    level = str(rule["parameters"].get("securityLevelId", ""))
    if level in c["securitylevels"] and in_role(c, c.me, role, issue["project"]):
        issue["security"] = level


_ACTIONS: Final[dict[str, Callable[[Context, Rule, Row], None]]] = {
    "system:update-field": _update,
    "system:change-assignee": _assign,
    "system:copy-value-from-other-field": _copy,
    "system:set-security-level-from-role": _secure,
}
