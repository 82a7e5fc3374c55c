"""Group rules: who matches an expression is put into groups."""

from typing import Any

from factory_tui.universe import Call, Response, Row, route, thaw

from . import changes, errors, seeds
from .base import body_object, flag, listed, now, page
from .rule_language import RuleError, compile_rule

__all__ = ["Rules"]

_RULES = "/api/v1/groups/rules"
_RULE = _RULES + "/{groupRuleId}"


class Rules:
    """Operations on ``/api/v1/groups/rules``. A rule acts at once, not some seconds later."""

    @route("GET", _RULES, "listGroupRules")
    def list_rules(self, call: Call) -> Response:
        """``search`` is a keyword in the name."""
        wanted = call.request.query.get("search", "").casefold()
        rows = [row for row in call.twin["rules"].rows() if wanted in row["name"].casefold()]
        shown, links = page(call, rows, 50, 200)
        return listed([_expanded(call, _shown(row)) for row in shown], links)

    @route("POST", _RULES, "createGroupRule")
    def create_rule(self, call: Call) -> Response:
        """A new rule is inactive."""
        given = _checked(call)
        when = now(call)
        key = seeds.new_id(call.twin.ids.mint, "0pr")
        row = {
            "n": call.twin.ids.count("n/rules"),
            "type": "group_rule",
            "id": key,
            "status": "INACTIVE",
            "name": given["name"],
            "created": when,
            "lastUpdated": when,
            "conditions": given["conditions"],
            "actions": given["actions"],
        }
        call.twin["rules"].put(key, row)
        return Response.json(_shown(row))

    @route("GET", _RULE, "getGroupRule")
    def get_rule(self, call: Call) -> Response:
        """By id; ``expand=groupIdToGroupNameMap`` embeds the names of its groups."""
        return Response.json(_expanded(call, _shown(_find(call))))

    @route("PUT", _RULE, "replaceGroupRule")
    def replace_rule(self, call: Call) -> Response:
        """Only an inactive rule can be changed."""
        row = _find(call)
        if row["status"] != "INACTIVE":
            sentence = "An active group rule can not be updated. Deactivate it first."
            if row["status"] == "INVALID":
                sentence = "A group rule whose groups are gone can only be deleted."
            raise errors.invalid(call, "status", sentence)
        draft = thaw(row) | _checked(call) | {"lastUpdated": now(call)}
        call.twin["rules"].put(row["id"], draft)
        return Response.json(_shown(draft))

    @route("DELETE", _RULE, "deleteGroupRule")
    def delete_rule(self, call: Call) -> Response:
        """202; with ``removeUsers=true`` who came by the rule leaves with it."""
        row = _find(call)
        if flag(call, "removeUsers", False):
            changes.drop_rule(call, row)
        call.twin["rules"].delete(row["id"])
        return Response.json({}, 202)

    @route("POST", _RULE + "/lifecycle/activate", "activateGroupRule")
    def activate_rule(self, call: Call) -> Response:
        """204; everybody who matches joins."""
        row = self._set(call, "ACTIVE")
        changes.apply_rule(call, row)
        return Response(204)

    @route("POST", _RULE + "/lifecycle/deactivate", "deactivateGroupRule")
    def deactivate_rule(self, call: Call) -> Response:
        """204; nobody leaves."""
        self._set(call, "INACTIVE")
        return Response(204)

    def _set(self, call: Call, status: str) -> Row:
        row = _find(call)
        if row["status"] == "INVALID":
            sentence = "A group rule whose groups are gone can only be deleted."
            raise errors.invalid(call, "status", sentence)
        draft = call.twin["rules"].draft(row["id"])
        draft |= {"status": status, "lastUpdated": now(call)}
        call.twin["rules"].put(row["id"], draft)
        return draft


def _expanded(call: Call, shown: dict[str, Any]) -> dict[str, Any]:
    """With the names of the groups that the rule assigns, if they are asked for."""
    if call.request.query.get("expand") != "groupIdToGroupNameMap":
        return shown
    groups = call.twin["groups"]
    keys = shown["actions"]["assignUserToGroups"]["groupIds"]
    names = {key: groups[key]["profile"]["name"] for key in keys if key in groups}
    return {**shown, "_embedded": {"groupIdToGroupNameMap": names}}


def _find(call: Call) -> Row:
    key = call.params["groupRuleId"]
    row = call.twin["rules"].get(key)
    if row is None:
        raise errors.not_found(call, key, "GroupRule")
    return row


def _shown(row: Row) -> dict[str, Any]:
    invalid = {"allGroupsValid": False} if row["status"] == "INVALID" else {}
    return {name: value for name, value in row.items() if name != "n"} | invalid


def _checked(call: Call) -> dict[str, Any]:
    """Name, conditions and actions out of the body; refuses what cannot act."""
    body = body_object(call)
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 50:
        sentence = "name: The field must have between 1 and 50 characters"
        raise errors.invalid(call, "name", sentence)
    conditions, actions = _mapping(body.get("conditions")), _mapping(body.get("actions"))
    expression = _mapping(conditions.get("expression")).get("value")
    if not isinstance(expression, str) or not expression.strip():
        sentence = "conditions.expression: The field cannot be left blank"
        raise errors.invalid(call, "conditions", sentence)
    excluded = _mapping(_mapping(conditions.get("people")).get("users")).get("exclude") or []
    if not isinstance(excluded, list):
        raise errors.bodies_malformed(call)
    try:
        compile_rule(expression)
    except RuleError as problem:
        call.gap(f"group rule expression: {problem}")
        raise errors.invalid(call, "validateRule", f"{problem}: {expression}") from None
    groups = _mapping(actions.get("assignUserToGroups")).get("groupIds")
    if not isinstance(groups, list) or not groups:
        sentence = "actions.assignUserToGroups.groupIds: The field cannot be left blank"
        raise errors.invalid(call, "actions", sentence)
    for key in groups:
        group = call.twin["groups"].get(key) if isinstance(key, str) else None
        if group is None or group["type"] != "OKTA_GROUP":
            raise errors.invalid(call, "groupIds", f"groupIds: Invalid group {key}")
    shown: dict[str, Any] = {"expression": {"value": expression, "type": "urn:okta:expression:1.0"}}
    if excluded:
        shown["people"] = {"users": {"exclude": excluded}, "groups": {"exclude": []}}
    return {
        "name": name,
        "conditions": shown,
        "actions": {"assignUserToGroups": {"groupIds": groups}},
    }


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
