"""Features an organisation has to buy: device posture checks and federated claims.

Without them Okta answers 401 with E0000015 (recorded). A scenario buys them with
``buy_features``.
"""

from typing import Any, ClassVar, Final

from factory_tui.universe import ApplyError, Call, Response, Row, Twin, op, route

from . import errors
from .apps import APPS
from .fields import INVALID, checked
from .resource import Resource, put_thing

__all__ = ["RESOURCES", "FeatureOps", "PostureChecks"]

_BUYABLE: Final = ("device_posture_checks", "federated_claims")
_BUILT_IN: Final = (
    ("macOSFirewall", "Firewall is on", "MACOS"),
    ("macOSGatekeeper", "Gatekeeper is on", "MACOS"),
    ("windowsAntivirus", "Antivirus is on", "WINDOWS"),
    ("windowsFirewall", "Firewall is on", "WINDOWS"),
)


def _need(call: Call, name: str) -> None:
    if ("bought", name) not in call.twin["things"]:
        raise errors.no_feature(call)


class FeatureOps:
    """What scenarios can do that the API cannot."""

    @op("buy_features")
    def buy_features(self, twin: Twin, args: Any) -> None:
        """``[name]``: ``device_posture_checks``, ``federated_claims``."""
        for name in args["buy_features"] if isinstance(args, dict) else args:
            if name not in _BUYABLE:
                raise ApplyError(f'buy_features: "{name}" is none of {", ".join(_BUYABLE)}')
            put_thing(twin, "bought", "", {}, id=name)


class PostureChecks(Resource):
    """``/api/v1/device-posture-checks``."""

    name = "postures"
    kind = "DevicePostureCheck"
    path = "/api/v1/device-posture-checks/{postureCheckId}"
    prefix = "dch"
    verbs: ClassVar[str] = "list create get replace delete"
    has_status = False
    unique = "variableName"
    fields = (
        "name:str! description:str variableName:str! platform:MACOS|WINDOWS! type:BUILTIN|CUSTOM"
        "=CUSTOM mappingType:CHECKBOX|TEXTBOX! query:text! remediationSettings:dict"
    )

    def parent_id(self, call: Call) -> str:
        """Only where the feature was bought."""
        _need(call, "device_posture_checks")
        return ""

    def find(self, call: Call) -> Row:
        """Not the built-in ones: they have no id."""
        return self.by_key(call, call.params[self.param()], self.parent_id(call))

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Nobody makes a built-in one; name and platform stay."""
        kept = checked(call, body, self.fields)
        if kept["type"] != "CUSTOM":
            raise errors.invalid(call, "type", f"type: {INVALID}")
        if before is not None:
            for name in ("variableName", "platform"):
                if kept[name] != before["fields"][name]:
                    raise errors.invalid(call, name, f"{name}: The field cannot be changed")
        return kept

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With names of its own for the times."""
        return {
            "id": row["id"],
            **row["fields"],
            "createdDate": row["created"],
            "createdBy": row["createdBy"],
            "lastUpdate": row["lastUpdated"],
            "lastUpdatedBy": row["lastUpdatedBy"],
            "_links": self.links(call, row),
        }

    @route("GET", "/api/v1/device-posture-checks/default", "")
    def list_built_in(self, call: Call) -> Response:
        """Okta's own."""
        self.parent_id(call)
        return Response.json(
            [
                {
                    "name": name,
                    "variableName": variable,
                    "platform": platform,
                    "type": "BUILTIN",
                    "mappingType": "CHECKBOX",
                    "query": f"SELECT enabled AS active FROM {variable}",
                }
                for variable, name, platform in _BUILT_IN
            ]
        )


class FederatedClaims(Resource):
    """``/api/v1/apps/{appId}/federated-claims``."""

    name = "federated_claims"
    kind = "FederatedClaim"
    path = "/api/v1/apps/{appId}/federated-claims/{claimId}"
    prefix = "ofc"
    verbs = "list create get delete"
    created_status = 201
    has_status = False
    fields = "name:str! expression:text!"

    def parent_id(self, call: Call) -> str:
        """The application's."""
        owner = str(APPS.find(call)["id"])
        _need(call, "federated_claims")
        return owner

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without links."""
        return {name: value for name, value in super().shown(call, row).items() if name != "_links"}

    @route("PUT", path, "")
    def replace(self, call: Call) -> Response:
        """201, as the description says."""
        return Response.json(self.do_replace(call).data(), 201)


RESOURCES: Final = (PostureChecks(), FederatedClaims())
