"""Policies and their rules, of every type, with priorities and the organisation's defaults."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import errors, seeds
from .base import body_object
from .fields import BLANK, INVALID, checked
from .policy_defaults import PASSWORD, SIGN_ON, default_rule, filled
from .resource import Resource, caller, hinted, link, rows_of

__all__ = [
    "POLICIES",
    "RULES",
    "RULE_FIELDS",
    "RULE_TYPES",
    "Policies",
    "Rules",
    "by_priority",
    "close_ranks",
    "place",
]

RULE_TYPES: Final = {
    "OKTA_SIGN_ON": "SIGN_ON",
    "PASSWORD": "PASSWORD",
    "MFA_ENROLL": "MFA_ENROLL",
    "IDP_DISCOVERY": "IDP_DISCOVERY",
    "ACCESS_POLICY": "ACCESS_POLICY",
    "PROFILE_ENROLLMENT": "PROFILE_ENROLLMENT",
    "POST_AUTH_SESSION": "POST_AUTH_SESSION",
    "ENTITY_RISK": "ENTITY_RISK",
    "DEVICE_SIGNAL_COLLECTION": "DEVICE_SIGNAL_COLLECTION",
    "SESSION_VIOLATION_DETECTION": "SESSION_VIOLATION_DETECTION",
    "CLIENT_UPDATE": "CLIENT_UPDATE",
    "IDENTITY_CLAIM_SOURCING": "IDENTITY_CLAIM_SOURCING",
}
"""Types of policies, and of the rules each has."""
_LAST: Final = 99
"""The priority of rules that catch all, whatever comes before them."""
_WITHOUT_CONDITIONS: Final = frozenset({"ACCESS_POLICY", "PROFILE_ENROLLMENT"})
_CONDITIONS: Final = {
    "OKTA_SIGN_ON": ("people",),
    "PASSWORD": ("people", "authProvider"),
    "MFA_ENROLL": ("people",),
}
RULE_FIELDS: Final = (
    "name:str(255)! type:str priority:int system:bool=false conditions:dict actions:dict"
    " status:ACTIVE|INACTIVE"
)


def place(call: Call, resource: Resource, row: Row, rows: list[Row], wanted: int | None) -> Row:
    """Put a row at the priority it asks for (last without one) and move the others on."""
    others = [other for other in rows if other["id"] != row["id"] and not other["fields"]["system"]]
    others.sort(key=lambda other: (other["fields"]["priority"], other["n"]))
    at = len(others) if wanted is None else max(0, min(wanted - 1, len(others)))
    others.insert(at, row)
    number_on(call, resource, others, rows)
    return call.twin["things"][(resource.name, row["key"])]


def number_on(call: Call, resource: Resource, ordered: list[Row], rows: Iterable[Row]) -> None:
    """Number rows from 1 as they are ordered, and behind them what Okta made itself."""
    last = [row for row in rows if row["fields"]["system"] and row["fields"]["priority"] != _LAST]
    for number, row in enumerate([*ordered, *last], 1):
        table = call.twin["things"]
        known = table.get((resource.name, row["key"]))
        if known is None or known["fields"]["priority"] != number:
            kept = {**row, "fields": {**row["fields"], "priority": number}}
            table.put((resource.name, row["key"]), kept)


def close_ranks(call: Call, resource: Resource, rows: list[Row]) -> None:
    """Number what is left after one has gone."""
    others = [row for row in rows if not row["fields"]["system"]]
    others.sort(key=lambda row: (row["fields"]["priority"], row["n"]))
    number_on(call, resource, others, rows)


def by_priority(rows: Iterable[Row]) -> list[Row]:
    """Rows by priority, what Okta made itself last."""
    found = sorted(
        rows, key=lambda row: (row["fields"]["system"], row["fields"]["priority"], row["n"])
    )
    # Cursors go by running numbers, which do not follow priorities.
    return [{**row, "n": number} for number, row in enumerate(found, 1)]


class Policies(Resource):
    """``/api/v1/policies``."""

    name = "policies"
    kind = "Policy"
    path = "/api/v1/policies/{policyId}"
    prefix = "00p"
    turned = "nothing"
    page_size = 200
    event = "policy.lifecycle"
    fields: ClassVar[str] = (
        f"type:{'|'.join(RULE_TYPES)}! name:str(255)! description:text priority:int"
        " system:bool=false status:ACTIVE|INACTIVE conditions:dict settings:dict"
    )

    def do_list(self, call: Call) -> Response:
        """``type`` is required; ``status``, ``q`` (start of the name), ``expand=rules``."""
        kind = call.request.query.get("type")
        if not kind:
            raise errors.invalid(call, "type", f"type: {BLANK}")
        if kind not in RULE_TYPES:
            raise errors.invalid(call, "type", f"type: {INVALID}")
        return super().do_list(call)

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """Of the type, by priority, the default last."""
        query = call.request.query
        status, wanted = query.get("status"), query.get("q", "").casefold()
        found = [
            row
            for row in rows
            if row["fields"]["type"] == query.get("type")
            and status in (None, row["status"])
            and row["fields"]["name"].casefold().startswith(wanted)
        ]
        if query.get("sortBy") == "name":
            found.sort(key=lambda row: row["fields"]["name"].casefold())
            return [{**row, "n": number} for number, row in enumerate(found, 1)]
        return by_priority(found)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Groups in the conditions have to be there; the type cannot change."""
        if before is not None:
            body = {"type": before["fields"]["type"], **body}
        kept = checked(call, body, self.fields)
        kind = kept["type"]
        if before is not None and kind != before["fields"]["type"]:
            raise errors.invalid(call, "type", "type: The field cannot be changed")
        conditions = kept.get("conditions")
        if kind in _WITHOUT_CONDITIONS or not conditions:
            conditions = None
        else:
            check_people(call, conditions)
        kept["conditions"] = conditions
        if kind == "PASSWORD":
            kept["settings"] = filled(PASSWORD, kept.get("settings", {}))
            provider = {"authProvider": {"provider": "OKTA"}}
            kept["conditions"] = {**provider, **(conditions or {})}
        elif kind != "MFA_ENROLL":
            kept.pop("settings", None)
        kept["system"] = bool(before and before["fields"]["system"])
        if kept["system"]:
            # Whom a default is for cannot be changed.
            kept["conditions"] = before["fields"]["conditions"] if before is not None else None
        kept.setdefault("description", None if kind not in _WITHOUT_CONDITIONS else "")
        return kept

    def _unique(self, call: Call, kept: Any, owner: str, own: str | None) -> None:
        for row in self.rows(call.twin):
            same = row["fields"]["name"] == kept["name"] and row["fields"]["type"] == kept["type"]
            if same and row["id"] != own:
                raise errors.invalid(call, "name", "name: Policy name already in use")

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """At the priority it asks for; ``activate=false`` leaves it inactive."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        asked = call.request.query.get("activate", "").lower()
        status = kept.pop("status", "ACTIVE") if asked != "false" else "INACTIVE"
        kept.pop("status", None)
        wanted = kept.pop("priority", None)
        kept["priority"] = 1
        app = kept["type"] in _WITHOUT_CONDITIONS
        row = self._make(call, kept, status, "rst" if app else "00p")
        if not app:
            row = place(call, self, row, self._siblings(call.twin, kept["type"]), wanted)
        else:
            RULES.put_new(call.twin, default_rule(kept["type"]), row["id"], by=caller(call))
        return row

    def _make(self, call: Call, kept: Row, status: str, prefix: str) -> Row:
        key = seeds.new_id(call.twin.ids.mint, prefix)
        return self.put_new(call.twin, kept, id=key, status=status, by=caller(call))

    def _siblings(self, twin: Twin, kind: str) -> list[Row]:
        return [row for row in self.rows(twin) if row["fields"]["type"] == kind]

    def _change(self, call: Call, *, whole: bool) -> Response:
        row = self.find(call)
        kept = self.check(call, self.body(call), row)
        self._unique(call, kept, "", row["id"])
        status = kept.pop("status", row["status"])
        wanted = kept.pop("priority", row["fields"]["priority"])
        kept["priority"] = row["fields"]["priority"]
        row = self.put(call, row, fields=kept, status=status)
        if not kept["system"] and kept["type"] not in _WITHOUT_CONDITIONS:
            row = place(call, self, row, self._siblings(call.twin, kept["type"]), wanted)
        self.log(call, "update", row)
        return Response.json(self.shown(call, row))

    def do_delete(self, call: Call) -> Response:
        """204; those behind it move up."""
        row = self.find(call)
        answer = super().do_delete(call)
        kind = row["fields"]["type"]
        if kind not in _WITHOUT_CONDITIONS:
            close_ranks(call, self, self._siblings(call.twin, kind))
        return answer

    def deleting(self, call: Call, row: Row) -> None:
        """Not the default, and none that applications follow."""
        if row["fields"]["system"] or row["hidden"].get("default"):
            raise errors.forbidden(call)
        for app in rows_of(call.twin, "apps"):
            if row["id"] in app["hidden"].values():
                sentence = "The policy is assigned to applications and cannot be deleted"
                raise errors.invalid(call, "policyId", sentence)

    def turning(self, call: Call, row: Row, status: str) -> None:
        """Not the default."""
        if row["fields"]["system"] and status == "INACTIVE":
            raise errors.forbidden(call)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The policy; ``expand=rules`` embeds its rules."""
        fields = dict(row["fields"])
        if fields["description"] is None and fields["system"]:
            fields.pop("description")
        if fields.get("description") == "":
            fields.pop("description")
        shown = {
            "id": row["id"],
            "status": row["status"],
            **fields,
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "_links": self.links(call, row),
        }
        if "rules" in call.request.query.get("expand", ""):
            rules = by_priority(rows_of(call.twin, "policy_rules", row["id"]))
            shown["_embedded"] = {"rules": [RULES.shown(call, rule) for rule in rules]}
        return shown

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """Rules, mappings of application policies, and the lifecycle."""
        href = link(call, f"policies/{row['id']}")
        rules = hinted(f"{href}/rules", "GET", "POST")
        if row["fields"]["system"]:
            return {"self": hinted(href, "GET", "PUT"), "rules": rules}
        found: dict[str, Any] = {"self": hinted(href, "GET", "PUT", "DELETE")}
        if row["fields"]["type"] in _WITHOUT_CONDITIONS:
            found["mappings"] = hinted(f"{href}/mappings", "GET", "POST")
        found["rules"] = rules
        turn = "deactivate" if row["status"] == "ACTIVE" else "activate"
        found[turn] = hinted(f"{href}/lifecycle/{turn}", "POST")
        return found

    # -- more than others

    @route("POST", "/api/v1/policies/{policyId}/clone", "clonePolicy")
    def clone(self, call: Call) -> Response:
        """200; access policies only, with their rules."""
        row = self.find(call)
        if row["fields"]["type"] != "ACCESS_POLICY":
            raise errors.invalid(call, "type", "Only access policies can be cloned.")
        title = f"[cloned] {row['fields']['name']}"
        kept = {**row["fields"], "name": title, "system": False}
        self._unique(call, kept, "", None)
        copy = self._make(call, kept, "ACTIVE", "rst")
        for rule in rows_of(call.twin, "policy_rules", row["id"]):
            RULES.put_new(call.twin, rule["fields"], copy["id"], status=rule["status"])
        shown = self.shown(call, copy)
        # The answer does not yet know the times; reading the clone does.
        return Response.json(shown | {"created": None, "lastUpdated": None})

    @route("GET", "/api/v1/policies/{policyId}/mappings", "listPolicyMappings")
    def list_mappings(self, call: Call) -> Response:
        """The same as mappings."""
        row = self.find(call)
        return Response.json([_mapping(call, row, app) for app in self._apps(call.twin, row)])

    @route("POST", "/api/v1/policies/{policyId}/mappings", "mapResourceToPolicy")
    def map_resource(self, call: Call) -> Response:
        """Okta has given this up: applications are assigned at the application."""
        self.find(call)
        body_object(call)
        sentence = "Policy mappings are no longer supported on this endpoint."
        raise errors.refuse(call, 400, "E0000001", f"Api validation failed: {sentence}")

    @route("GET", "/api/v1/policies/{policyId}/mappings/{mappingId}", "getPolicyMapping")
    def get_mapping(self, call: Call) -> Response:
        """One application that follows it."""
        row = self.find(call)
        for app in self._apps(call.twin, row):
            if f"map{app['id'][3:]}" == call.params["mappingId"]:
                return Response.json(_mapping(call, row, app))
        raise errors.not_found(call, call.params["mappingId"], "PolicyMapping")

    def _apps(self, twin: Twin, row: Row) -> list[Row]:
        kind = row["fields"]["type"]
        return [app for app in rows_of(twin, "apps") if app["hidden"].get(kind) == row["id"]]


class Rules(Resource):
    """``/api/v1/policies/{policyId}/rules``."""

    name = "policy_rules"
    kind = "PolicyRule"
    path = "/api/v1/policies/{policyId}/rules/{ruleId}"
    prefix = "0pr"
    turned = "nothing"
    parent = None
    event = "policy.rule"
    fields = RULE_FIELDS

    def parent_id(self, call: Call) -> str:
        """The policy's."""
        return str(POLICIES.find(call)["id"])

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """By priority."""
        return by_priority(rows)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Conditions and actions by the policy's type, filled with Okta's defaults."""
        policy = call.twin["things"][("policies", call.params["policyId"])]
        kind = RULE_TYPES[policy["fields"]["type"]]
        kept = checked(call, body, self.fields)
        if kept.get("type", kind) != kind:
            raise errors.invalid(call, "type", f"type: {INVALID}")
        kept["type"] = kind
        conditions = kept.get("conditions", {})
        check_people(call, conditions)
        actions = kept.get("actions", {})
        if kind == "SIGN_ON":
            base = {
                "people": {"users": {"exclude": []}},
                "network": {"connection": "ANYWHERE"},
                "authContext": {"authType": "ANY"},
            }
            kept["conditions"] = filled(base, conditions)
            kept["actions"] = filled({"signon": SIGN_ON}, actions)
        elif kind == "PASSWORD":
            base = {"people": {"users": {"exclude": []}}, "network": {"connection": "ANYWHERE"}}
            kept["conditions"] = filled(base, conditions)
            allow = {name: {"access": "ALLOW"} for name in _PASSWORD_ACTIONS}
            kept["actions"] = filled(allow, actions)
        else:
            kept["conditions"] = conditions or None
            kept["actions"] = actions
        kept["system"] = bool(before and before["fields"]["system"])
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """At the priority it asks for."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        status = kept.pop("status", "ACTIVE")
        if call.request.query.get("activate", "").lower() == "false":
            status = "INACTIVE"
        wanted = kept.pop("priority", None)
        kept["priority"] = 1
        row = self.put_new(call.twin, kept, owner, status=status, by=caller(call))
        return place(call, self, row, self.rows(call.twin, owner), wanted)

    def _change(self, call: Call, *, whole: bool) -> Response:
        row = self.find(call)
        kept = self.check(call, self.body(call), row)
        self._unique(call, kept, row["parent"], row["id"])
        status = kept.pop("status", row["status"])
        wanted = kept.pop("priority", row["fields"]["priority"])
        kept["priority"] = row["fields"]["priority"]
        row = self.put(call, row, fields=kept, status=status)
        if not kept["system"]:
            row = place(call, self, row, self.rows(call.twin, row["parent"]), wanted)
        return Response.json(self.shown(call, row))

    def do_delete(self, call: Call) -> Response:
        """204; those behind it move up."""
        row = self.find(call)
        answer = super().do_delete(call)
        close_ranks(call, self, self.rows(call.twin, row["parent"]))
        return answer

    def deleting(self, call: Call, row: Row) -> None:
        """Not the rule that Okta made."""
        if row["fields"]["system"]:
            raise errors.forbidden(call)

    def turning(self, call: Call, row: Row, status: str) -> None:
        """Not the rule that Okta made."""
        if row["fields"]["system"] and status == "INACTIVE":
            raise errors.forbidden(call)

    def taken(self, call: Call) -> Exception:
        """Names of rules are unique within a policy."""
        return errors.invalid(call, "name", "name: Policy rule name already in use")

    def href(self, call: Call, row: Row) -> str:
        """Below its policy."""
        return link(call, f"policies/{row['parent']}/rules/{row['id']}")


_PASSWORD_ACTIONS: Final = (
    "passwordChange",
    "selfServicePasswordReset",
    "selfServiceUnlock",
)


def check_people(call: Call, conditions: dict[str, Any]) -> None:
    """Refuse groups and users in conditions that are not there."""
    people = conditions.get("people")
    for name, table, kind in (("groups", "groups", "UserGroup"), ("users", "users", "User")):
        chosen = people.get(name) if isinstance(people, dict) else None
        for side in ("include", "exclude"):
            keys = chosen.get(side) if isinstance(chosen, dict) else None
            for key in keys if isinstance(keys, list) else []:
                if key != "EVERYONE" and (not isinstance(key, str) or key not in call.twin[table]):
                    sentence = f"conditions: Invalid {kind} {str(key)[:60]}"
                    raise errors.invalid(call, "conditions", sentence)


def _mapping(call: Call, policy: Row, app: Row) -> dict[str, Any]:
    key = f"map{app['id'][3:]}"
    href = link(call, f"policies/{policy['id']}")
    return {
        "id": key,
        "_links": {
            "application": {"href": link(call, f"apps/{app['id']}")},
            "policy": {"href": href},
            "self": hinted(f"{href}/mappings/{key}", "GET", "DELETE"),
        },
    }


POLICIES = Policies()
RULES = Rules()
