"""What policies would say: ``POST /api/v1/policies/simulate``.

Conditions about people, network zones, devices and risk are looked at; one that needs what the
request does not tell is UNDEFINED.
"""

from typing import Any, Final

from factory_tui.universe import BadBodyError, Call, Response, Row, Twin, route

from . import errors
from .apps import APPS
from .fields import INVALID, checked
from .policies import POLICIES
from .resource import Resource, rows_of
from .users import find_user, groups_of

__all__ = ["RESOURCES"]

_TYPES: Final = ("OKTA_SIGN_ON", "MFA_ENROLL", "ACCESS_POLICY", "PROFILE_ENROLLMENT")
_OF_APP: Final = ("ACCESS_POLICY", "PROFILE_ENROLLMENT")
_CONTEXT: Final = "user:dict! groups:dict! ip:str zones:dict device:dict risk:dict"


class Simulations(Resource):
    """``/api/v1/policies/simulate`` and the end of a mapping."""

    name = "simulations"
    kind = "PolicySimulation"
    path = "/api/v1/policies/simulate"
    verbs = ""

    @route("POST", path, "")
    def simulate(self, call: Call) -> Response:
        """An evaluation for every type of every entry; ``expand=EVALUATED`` tells all of it."""
        try:
            bodies = call.request.json()
        except BadBodyError as problem:
            raise errors.bodies_malformed(call) from problem
        if not isinstance(bodies, list) or not bodies:
            raise errors.bodies_malformed(call)
        found = []
        for body in bodies:
            if not isinstance(body, dict):
                raise errors.bodies_malformed(call)
            found += self._evaluations(call, body)
        return Response.json(found)

    def _evaluations(self, call: Call, body: dict[str, Any]) -> list[Row]:
        asked = checked(call, body, "appInstance:str! policyContext:dict! policyTypes:list")
        app = APPS.by_key(call, asked["appInstance"])
        context = checked(call, asked["policyContext"], _CONTEXT)
        user = find_user(call, str(context["user"].get("id")))
        given = context["groups"].get("ids")
        if not isinstance(given, list):
            raise errors.invalid(call, "groups", f"groups: {INVALID}")
        everyone = [row["id"] for row in call.twin["groups"].rows() if row["type"] == "BUILT_IN"]
        own = [row["id"] for row in groups_of(call.twin, user["id"])]
        context["of"] = {*map(str, given), *own, *everyone}
        context["who"] = user["id"]
        kinds = asked.get("policyTypes") or list(_TYPES)
        if any(kind not in _TYPES for kind in kinds):
            raise errors.invalid(call, "policyTypes", f"policyTypes: {INVALID}")
        return [self._evaluation(call, kind, app, context) for kind in kinds]

    def _evaluation(self, call: Call, kind: str, app: Row, context: Row) -> Row:
        policies = _candidates(call.twin, kind, app)
        judged = [_policy(call.twin, row, context) for row in policies]
        chosen = next((one for one in judged if one["status"] != "NOT_MATCH"), None)
        shown: Row = {
            "policyType": [kind],
            "status": chosen["status"] if chosen is not None else "NOT_MATCH",
            "result": {"policies": [_matching(chosen)] if chosen is not None else []},
        }
        if "EVALUATED" in call.request.query.get("expand", "").upper():
            shown["evaluated"] = {"policies": [one for one in judged if one is not chosen]}
            vague = [one for one in judged if one["status"] == "UNDEFINED"]
            shown["undefined"] = {"policies": vague}
        return shown

    @route("DELETE", "/api/v1/policies/{policyId}/mappings/{mappingId}", "")
    def drop_mapping(self, call: Call) -> Response:
        """204; the application follows the default policy again."""
        policy = POLICIES.find(call)
        kind = policy["fields"]["type"]
        for app in rows_of(call.twin, "apps"):
            if (
                app["hidden"].get(kind) == policy["id"]
                and _mapping_id(app) == call.params["mappingId"]
            ):
                hidden = {name: value for name, value in app["hidden"].items() if name != kind}
                APPS.put(call, app, hidden=hidden)
                return Response(204)
        raise errors.not_found(call, call.params["mappingId"], "PolicyMapping")


def _mapping_id(app: Row) -> str:
    return f"map{app['id'][3:]}"


def _candidates(twin: Twin, kind: str, app: Row) -> list[Row]:
    """The policies that could apply, in their order."""
    rows = [r for r in rows_of(twin, "policies") if r["fields"]["type"] == kind]
    rows = [row for row in rows if row["status"] == "ACTIVE"]
    if kind in _OF_APP:
        wanted = app["hidden"].get(kind)
        return [
            row
            for row in rows
            if row["id"] == wanted or (not wanted and row["hidden"].get("default"))
        ]
    return sorted(rows, key=lambda row: (row["fields"]["system"], row["fields"]["priority"]))


def _policy(twin: Twin, row: Row, context: Row) -> Row:
    conditions = _conditions(row["fields"].get("conditions") or {}, context)
    rules = []
    for rule in sorted(
        rows_of(twin, "policy_rules", row["id"]),
        key=lambda rule: (rule["fields"]["system"], rule["fields"]["priority"]),
    ):
        if rule["status"] == "ACTIVE":
            told = _conditions(rule["fields"].get("conditions") or {}, context)
            title = rule["fields"]["name"]
            rules.append(
                {"id": rule["id"], "name": title, "status": _together(told), "conditions": told}
            )
    status = _together(conditions)
    if status == "MATCH" and rules and all(rule["status"] == "NOT_MATCH" for rule in rules):
        status = "NOT_MATCH"
    return {
        "id": row["id"],
        "name": row["fields"]["name"],
        "status": status,
        "conditions": conditions,
        "rules": rules,
    }


def _matching(policy: Row) -> Row:
    """The policy with the rule that decides."""
    rules = [rule for rule in policy["rules"] if rule["status"] != "NOT_MATCH"]
    return {**policy, "rules": rules[:1]}


def _together(conditions: list[Row]) -> str:
    states = {one["status"] for one in conditions}
    return next((state for state in ("NOT_MATCH", "UNDEFINED") if state in states), "MATCH")


def _conditions(conditions: Row, context: Row) -> list[Row]:
    found = []
    for name, judge in (
        ("people", _people),
        ("network", _network),
        ("device", _device),
        ("riskScore", _risk),
    ):
        given = conditions.get(name)
        if isinstance(given, dict):
            found.append({"type": name, "status": judge(given, context)})
    return found


def _chosen(given: Row, name: str, side: str) -> list[Any]:
    part = given.get(name)
    keys = part.get(side) if isinstance(part, dict) else None
    return keys if isinstance(keys, list) else []


def _people(given: Row, context: Row) -> str:
    who, groups = context["who"], context["of"]
    if who in _chosen(given, "users", "exclude") or groups & set(
        map(str, _chosen(given, "groups", "exclude"))
    ):
        return "NOT_MATCH"
    wanted = [*_chosen(given, "users", "include"), *_chosen(given, "groups", "include")]
    held = not wanted or "EVERYONE" in wanted or who in wanted or groups & set(map(str, wanted))
    return "MATCH" if held else "NOT_MATCH"


def _network(given: Row, context: Row) -> str:
    if given.get("connection", "ANYWHERE") != "ZONE":
        return "MATCH"
    zones = context.get("zones", {}).get("ids")
    if not isinstance(zones, list):
        return "UNDEFINED"
    include, exclude = given.get("include") or [], given.get("exclude") or []
    if any(zone in exclude for zone in zones):
        return "NOT_MATCH"
    return "MATCH" if not include or any(zone in include for zone in zones) else "NOT_MATCH"


def _device(given: Row, context: Row) -> str:
    device = context.get("device")
    for name in ("registered", "managed"):
        if given.get(name) is not None:
            if not isinstance(device, dict) or name not in device:
                return "UNDEFINED"
            if device[name] != given[name]:
                return "NOT_MATCH"
    return "MATCH"


def _risk(given: Row, context: Row) -> str:
    wanted = given.get("level", "ANY")
    if wanted == "ANY":
        return "MATCH"
    level = context.get("risk", {}).get("level")
    if level is None:
        return "UNDEFINED"
    return "MATCH" if level == wanted else "NOT_MATCH"


RESOURCES: Final = (Simulations(),)
