"""Governance of administrators' roles: bundles of entitlements, and whether it is on."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors, seeds
from .fields import BLANK, INVALID, checked
from .iam import CUSTOM_ROLES
from .resource import Resource, in_body, link, put_thing
from .roles import STANDARD_ROLES

__all__ = ["RESOURCES"]

_BUNDLE: Final = "/api/v1/iam/governance/bundles/{bundleId}"
_OPT: Final = "/api/v1/iam/governance"


class Bundles(Resource):
    """``/api/v1/iam/governance/bundles``."""

    name = "bundles"
    kind = "GovernanceBundle"
    path = _BUNDLE
    prefix = "enb"
    verbs: ClassVar[str] = "create get replace delete"
    has_status = False
    fields = "name:str! description:str entitlements:list=[]"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Roles there are, each with resource sets or with targets."""
        kept = checked(call, body, self.fields)
        old = {one["role"]: one["id"] for one in before["fields"]["entitlements"]} if before else {}
        found = []
        for one in kept["entitlements"]:
            if not isinstance(one, dict):
                raise errors.invalid(call, "entitlements", f"entitlements: {INVALID}")
            given = checked(call, one, "role:str! resourceSets:list=[] targets:list=[]")
            self._check_role(call, given)
            key = old.get(given["role"]) or seeds.new_id(call.twin.ids.mint, "ent")
            found.append({"id": key, **given})
        return {**kept, "entitlements": found}

    def _check_role(self, call: Call, given: Row) -> None:
        role, sets = given["role"], given["resourceSets"]
        if not all(isinstance(one, str) for one in [*sets, *given["targets"]]):
            raise errors.invalid(call, "targets", f"targets: {INVALID}")
        if role in STANDARD_ROLES:
            if sets:
                raise errors.invalid(call, "resourceSets", f"resourceSets: {INVALID}")
            return
        CUSTOM_ROLES.by_key(call, role)
        if not sets:
            raise errors.invalid(call, "resourceSets", f"resourceSets: {BLANK}")
        for key in sets:
            if ("resource_sets", key) not in call.twin["things"]:
                raise errors.not_found(call, key, "IAMPolicy")

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without its entitlements."""
        fields = {k: v for k, v in row["fields"].items() if k != "entitlements"}
        org = call.twin["org"]["org"]["id"]
        return {
            "id": row["id"],
            "orn": f"orn:okta:governance:{org}:entitlement-bundles:{row['id']}",
            **fields,
            "status": "ACTIVE",
            "_links": self.links(call, row),
        }

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To itself and its entitlements."""
        href = link(call, f"iam/governance/bundles/{row['id']}")
        return {"self": {"href": href}, "entitlements": {"href": f"{href}/entitlements"}}

    @route("GET", _OPT + "/bundles", "")
    def list_bundles(self, call: Call) -> Response:
        """An object around a list."""
        rows, more = in_body(call, self.rows(call.twin), 20)
        links = {"self": {"href": link(call, "iam/governance/bundles")}, **more}
        found = [self.shown(call, row) for row in rows]
        return Response.json({"bundles": found, "_links": links})

    @route("GET", _BUNDLE + "/entitlements", "")
    def list_entitlements(self, call: Call) -> Response:
        """One for each role."""
        row = self.find(call)
        links = self.links(call, row)
        href = links["entitlements"]["href"]
        held = [{"n": n, **one} for n, one in enumerate(row["fields"]["entitlements"], 1)]
        shown, more = in_body(call, held, 20)
        found = [
            {
                "id": one["id"],
                "role": one["role"],
                "name": STANDARD_ROLES.get(one["role"], one["role"]),
                "description": "",
                "_links": {"values": {"href": f"{href}/{one['id']}/values"}},
            }
            for one in shown
        ]
        links = {"self": {"href": href}, "bundle": links["self"], **more}
        return Response.json({"entitlements": found, "_links": links})

    @route("GET", _BUNDLE + "/entitlements/{entitlementId}/values", "")
    def list_values(self, call: Call) -> Response:
        """What the role is over: resource sets or targets."""
        row = self.find(call)
        key = call.params["entitlementId"]
        one = next((e for e in row["fields"]["entitlements"] if e["id"] == key), None)
        if one is None:
            raise errors.not_found(call, key, "BundleEntitlement")
        links = self.links(call, row)
        href = f"{links['entitlements']['href']}/{key}"
        found = []
        names = [*one["resourceSets"], *one["targets"]]
        shown, more = in_body(call, [{"n": n, "id": v} for n, v in enumerate(names, 1)], 20)
        for number, value in ((entry["n"], entry["id"]) for entry in shown):
            where = link(call, f"iam/resource-sets/{value}")
            sets = {"resource-set": {"href": where}} if value in one["resourceSets"] else {}
            found.append({"id": f"{key}-{number}", "name": value, "value": value, "_links": sets})
        links = {
            "self": {"href": f"{href}/values"},
            "bundle": links["self"],
            "entitlements": links["entitlements"],
            **more,
        }
        return Response.json({"entitlementValues": found, "_links": links})

    # -- whether it is on

    @route("GET", _OPT + "/optIn", "")
    @route("POST", _OPT + "/optIn", "")
    @route("POST", _OPT + "/optOut", "")
    def opt(self, call: Call) -> Response:
        """In or out at once."""
        if call.request.method == "POST":
            word = "OPTED_IN" if call.operation == "optIn" else "OPTED_OUT"
            put_thing(call.twin, "governance", "", {"optInStatus": word}, id="optIn")
        row = call.twin["things"].get(("governance", "optIn"))
        shown = row["fields"] if row is not None else {"optInStatus": "OPTED_OUT"}
        links = {"optInStatus": {"href": link(call, "iam/governance/optIn")}}
        return Response.json({**shown, "_links": links})


RESOURCES: Final = (Bundles(),)
