"""Agent pools with their updates, API service integrations, and features of the organisation."""

from typing import Any, ClassVar, Final

from factory_tui.universe import BASE62, ApplyError, Call, Response, Row, Twin, op, route

from . import crypto, errors, seeds
from .base import body_object
from .fields import INVALID, checked
from .resource import Resource, caller, link, put_thing

__all__ = ["FEATURES", "RESOURCES", "AgentOps"]

_POOL: Final = "/api/v1/agentPools/{poolId}"
_UPDATE: Final = _POOL + "/updates/{updateId}"
_SERVICE: Final = "/integrations/api/v1/api-services/{apiServiceId}"
_AGENTS: Final = "AD|IWA|LDAP|MFA|OPP|RUM|Radius"
_TURNS: Final = {
    "activate": ({"Scheduled"}, "Scheduled"),
    "deactivate": ({"Scheduled"}, "Cancelled"),
    "pause": ({"InProgress", "Scheduled"}, "Paused"),
    "resume": ({"Paused"}, "InProgress"),
    "retry": ({"Failed", "Cancelled"}, "Scheduled"),
    "stop": ({"InProgress", "Paused", "Scheduled"}, "Cancelled"),
}


class AgentPools(Resource):
    """``/api/v1/agentPools``: pools come with agents that somebody installs, so there are none."""

    name = "pools"
    kind = "AppInstance"
    path = _POOL
    verbs: ClassVar[str] = ""
    unique = ""

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The pool and its agents."""
        agents = row["fields"]["agents"]
        wrong = [one for one in agents if one["operationalStatus"] != "OPERATIONAL"]
        href = link(call, f"agentPools/{row['id']}")
        return {
            "id": row["id"],
            "name": row["fields"]["name"],
            "type": row["fields"]["type"],
            "operationalStatus": "DEGRADED" if wrong else "OPERATIONAL",
            "disruptedAgents": len(wrong),
            "inactiveAgents": 0,
            "agents": agents,
            "_links": {"self": {"href": href}},
        }

    @route("GET", "/api/v1/agentPools", "")
    def list_pools(self, call: Call) -> Response:
        """All pools."""
        return self.do_list(call)

    @route("GET", _POOL + "/updates/settings", "")
    def get_settings(self, call: Call) -> Response:
        """How a pool is updated."""
        row = self.find(call)
        return Response.json(row["hidden"].get("settings", {}))

    @route("POST", _POOL + "/updates/settings", "")
    def put_settings(self, call: Call) -> Response:
        """201; another way."""
        row = self.find(call)
        words = (
            f"agentType:{_AGENTS} continueOnError:bool latestVersion:str poolId:str poolName:str"
        )
        words += " minimalSupportedVersion:str releaseChannel:BETA|EA|GA|TEST"
        kept = checked(call, body_object(call), words)
        self.put(call, row, hidden={**row["hidden"], "settings": kept})
        return Response.json(kept, 201)


class AgentUpdates(Resource):
    """``/api/v1/agentPools/{poolId}/updates``. A pool nobody knows has no updates."""

    name = "pool_updates"
    kind = "AgentUpdate"
    path = _UPDATE
    prefix = "apu"
    verbs = "list create get update delete"
    created_status = 201
    stamps = ""
    unique = ""
    fields = (
        f"name:str! agentType:{_AGENTS}! agentList:list! enabled:bool=true notifyAdmin:bool=false"
        " reason:str schedule:dict targetVersion:str"
    )

    def parent_id(self, call: Call) -> str:
        """Not checked: the list of an unknown pool is empty."""
        return str(call.params["poolId"])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """All of name, type and agents; in words of its own."""
        wanted = ("name", "agentType", "agentList")
        if "agents" in body:
            body = {**body, "agentList": body["agents"]}
        lacking = [name for name in wanted if not body.get(name)]
        if lacking:
            causes = (f"errors in the field: {name}" for name in lacking)
            raise errors.invalid(call, lacking[0], *causes)
        kept = checked(call, body, self.fields)
        POOLS.find(call)
        kept["agents"] = kept.pop("agentList")
        return kept

    @route("POST", _UPDATE + "/activate", "")
    @route("POST", _UPDATE + "/deactivate", "")
    @route("POST", _UPDATE + "/pause", "")
    @route("POST", _UPDATE + "/resume", "")
    @route("POST", _UPDATE + "/retry", "")
    @route("POST", _UPDATE + "/stop", "")
    def turn(self, call: Call) -> Response:
        """201, as the description says; from a status it can be taken from."""
        row = self.find(call)
        sources, target = _TURNS[call.request.path.rstrip("/").rpartition("/")[2]]
        if row["status"] not in sources:
            raise errors.invalid(call, "status", f"status: the update is {row['status']}")
        return Response.json(self.shown(call, self.put(call, row, status=target)), 201)

    def do_update(self, call: Call) -> Response:
        """201, as the description says."""
        return Response.json(super().do_update(call).data(), 201)

    def put_new(self, twin: Twin, kept: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Scheduled."""
        return super().put_new(twin, kept, owner, **{"status": "Scheduled", **more})


POOLS = AgentPools()


class AgentOps:
    """What scenarios can do that the API cannot."""

    @op("add_agent_pools")
    def add_agent_pools(self, twin: Twin, args: Any) -> list[Row]:
        """``[{name, type?, agents: [name]?}]``: a directory's agents. Returns id and name."""
        made = []
        for item in args["add_agent_pools"] if isinstance(args, dict) else args:
            kind = item.get("type", "AD")
            if kind not in _AGENTS.split("|"):
                raise ApplyError(f'add_agent_pools: "{kind}" is none of {_AGENTS}')
            agents = [
                {
                    "id": seeds.new_id(twin.ids.mint, "a53"),
                    "name": name,
                    "type": kind,
                    "operationalStatus": "OPERATIONAL",
                    "version": "3.19.0",
                    "isHidden": False,
                    "isLatestGAedVersion": True,
                    "lastConnection": twin.clock.epoch() * 1000,
                }
                for name in item.get("agents", ["agent-1"])
            ]
            fields = {"name": item["name"], "type": kind, "agents": agents}
            row = put_thing(twin, "pools", "0oa", fields)
            made.append({"id": row["id"], "name": item["name"]})
        return made


class ApiServices(Resource):
    """``/integrations/api/v1/api-services``."""

    name = "services"
    kind = "APIServiceIntegration"
    path = _SERVICE
    prefix = "0oa"
    verbs = "list create get delete"
    created_status = 201
    unique = ""
    fields = "type:str! grantedScopes:list! properties:dict"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Named by its type and a number."""
        kept = checked(call, body, self.fields)
        if not kept["grantedScopes"] or not all(isinstance(s, str) for s in kept["grantedScopes"]):
            raise errors.invalid(call, "grantedScopes", f"grantedScopes: {INVALID}")
        same = [row for row in self.rows(call.twin) if row["fields"]["type"] == kept["type"]]
        return {"name": f"{kept['type']}_{len(same) + 1}", **kept}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With its client id."""
        client = {"client_id": row["id"], "autoKeyRotation": True}
        href = self.href(call, row)
        return {
            "id": row["id"],
            **row["fields"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "credentials": {"oauthClient": client},
            "_links": {
                "self": {"href": href},
                "secrets": {"href": f"{href}/credentials/secrets"},
            },
        }


SERVICES = ApiServices()


class ServiceSecrets(Resource):
    """``…/credentials/secrets``: at most two; the secret is shown once."""

    name = "service_secrets"
    kind = "APIServiceIntegrationSecret"
    path = _SERVICE + "/credentials/secrets/{secretId}"
    parent = SERVICES
    prefix = "ocs"
    verbs = "list create delete activate deactivate"
    created_status = 201
    unique = ""

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """A fresh secret."""
        if len(self.rows(call.twin, owner)) >= 2:
            sentence = "You've reached the maximum number of client secrets per client."
            raise errors.invalid(call, "client_secret", sentence)
        secret = call.twin.ids.mint("secret", 44, alphabet=BASE62)
        return self.put_new(call.twin, {}, owner, by=caller(call), hidden={"secret": secret})

    def body(self, call: Call) -> dict[str, Any]:
        """There is none."""
        return {}

    def deleting(self, call: Call, row: Row) -> None:
        """Only inactive ones."""
        if row["status"] == "ACTIVE":
            raise errors.invalid(call, "secretId", "Active client secrets can't be deleted.")

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With stars for the secret."""
        return {
            "id": row["id"],
            "status": row["status"],
            "client_secret": "*" * 12,
            "secret_hash": crypto.digest(row["hidden"]["secret"]),
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "_links": {"self": {"href": self.href(call, row)}},
        }

    def shown_new(self, call: Call, row: Row) -> dict[str, Any]:
        """Only here with the secret."""
        return {**self.shown(call, row), "client_secret": row["hidden"]["secret"]}


FEATURES: Final = (
    (
        "Import Monitoring Dashboard",
        "Monitor the import jobs that are in progress or were started.",
        (),
    ),
    ("Workflows", "Automate identity processes.", ()),
    ("Android Device Trust", "Context about devices for sign-on policies.", ()),
    ("Recent Activity", "Users see where they are signed in.", ()),
    ("Recent Activity Emails", "And are told about new places.", (3,)),
)
"""Self-service features: name, what it is, the numbers of those it needs."""


class Features(Resource):
    """``/api/v1/features``: on or off; one that needs others needs them on."""

    name = "features"
    kind = "Feature"
    path = "/api/v1/features/{featureId}"
    prefix = "ftr"
    verbs = "list get"
    unique = ""

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With its stage."""
        fields = row["fields"]
        href = link(call, f"features/{row['id']}")
        return {
            "id": row["id"],
            "type": "self-service",
            "status": row["status"],
            "name": fields["name"],
            "description": fields["description"],
            "stage": {"value": "BETA", "state": "OPEN"},
            "_links": {
                "helpDoc": {"href": f"{call.request.base_url}/help/{row['id']}"},
                "self": {"href": href},
                "dependents": {"href": f"{href}/dependents"},
                "dependencies": {"href": f"{href}/dependencies"},
            },
        }

    def _needed(self, call: Call, row: Row) -> list[Row]:
        return [r for r in self.rows(call.twin) if r["id"] in row["fields"]["needs"]]

    def _needing(self, call: Call, row: Row) -> list[Row]:
        return [r for r in self.rows(call.twin) if row["id"] in r["fields"]["needs"]]

    @route("GET", "/api/v1/features/{featureId}/dependencies", "")
    def dependencies(self, call: Call) -> Response:
        """What it needs."""
        rows = self._needed(call, self.find(call))
        return Response.json([self.shown(call, row) for row in rows])

    @route("GET", "/api/v1/features/{featureId}/dependents", "")
    def dependents(self, call: Call) -> Response:
        """What needs it."""
        rows = self._needing(call, self.find(call))
        return Response.json([self.shown(call, row) for row in rows])

    @route("POST", "/api/v1/features/{featureId}/{lifecycle}", "")
    def turn(self, call: Call) -> Response:
        """``enable`` or ``disable``; ``mode=force`` takes the others along."""
        row = self.find(call)
        word = call.params["lifecycle"].lower()
        if word not in ("enable", "disable"):
            raise errors.invalid(call, "lifecycle", f"lifecycle: {INVALID}")
        status = "ENABLED" if word == "enable" else "DISABLED"
        others = self._needed(call, row) if word == "enable" else self._needing(call, row)
        wrong = [other for other in others if other["status"] != status]
        if wrong and call.request.query.get("mode") != "force":
            sentence = f"The feature depends on {wrong[0]['fields']['name']}"
            raise errors.invalid(call, "dependencies", sentence)
        for other in wrong:
            self.put(call, other, status=status)
        return Response.json(self.shown(call, self.put(call, row, status=status)))


RESOURCES: Final = (POOLS, AgentUpdates(), SERVICES, ServiceSecrets(), Features())
