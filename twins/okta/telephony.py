"""Custom telephony providers: whose account sends the organisation's SMS and calls."""

import re
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object
from .fields import BLANK, INVALID, checked
from .resource import Resource

__all__ = ["RESOURCES"]

_ONE: Final = "/api/v1/telephony-providers/{customTelephonyProviderId}"
_SETTINGS: Final = {
    ("TWILIO", "sms"): ("twilioVerifySid", "twilioPhoneNumber", "twilioMessageSid"),
    ("TWILIO", "call"): ("twilioVerifySid", "twilioPhoneNumber", "twilioCallerId"),
    ("TELESIGN", "sms"): ("telesignService",),
    ("TELESIGN", "call"): ("telesignService",),
}
"""What may be set by provider and kind of message."""
_PHONE: Final = re.compile(r"\+?[\d\-(). ]{6,30}")


class TelephonyProviders(Resource):
    """``/api/v1/telephony-providers``: one of each name; one of them is the primary one."""

    name = "telephony"
    kind = "CustomTelephonyProvider"
    path = _ONE
    prefix = "ctp"
    verbs: ClassVar[str] = "list create get patch delete activate deactivate"
    created_status = 201
    unique = "providerName"
    inactive_first = "An enabled telephony provider cannot be deleted."
    fields = (
        "providerName:TWILIO|TELESIGN! providerSid:str! providerAuthToken:str!"
        " providerCapability:ALL=ALL providerSettings:dict={}"
    )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Settings of the provider; the token is taken and never shown."""
        fields = self.fields
        if before is not None:
            name = before["fields"]["providerName"]
            if body.get("providerName", name) != name:
                sentence = "providerName: The field cannot be changed"
                raise errors.invalid(call, "providerName", sentence)
            fields = fields.replace("providerAuthToken:str!", "providerAuthToken:str")
        kept = checked(call, body, fields)
        for kind, given in kept["providerSettings"].items():
            known = _SETTINGS.get((kept["providerName"], kind))
            if known is None or not isinstance(given, dict) or set(given) - set(known):
                raise errors.invalid(call, "providerSettings", f"providerSettings: {INVALID}")
        kept.pop("providerAuthToken", None)
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Not enabled at first; the first one is the primary one."""
        row = super().create(call, body, owner, **more)
        first = len(self.rows(call.twin)) == 1
        return self.put(call, row, status="INACTIVE", hidden={"primary": first})

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without its token."""
        return {
            "id": row["id"],
            **row["fields"],
            "enabled": row["status"] == "ACTIVE",
            "isPrimaryProvider": row["hidden"]["primary"],
        }

    @route("POST", _ONE + "/setAsPrimary", "")
    def set_primary(self, call: Call) -> Response:
        """The one before is not any more."""
        row = self.find(call)
        for other in self.rows(call.twin):
            if other["hidden"]["primary"] and other["id"] != row["id"]:
                self.put(call, other, hidden={"primary": False})
        return Response.json(self.shown(call, self.put(call, row, hidden={"primary": True})))

    @route("POST", _ONE + "/test", "")
    def test(self, call: Call) -> Response:
        """204; nobody gets the message."""
        self.find(call)
        kept = checked(
            call, body_object(call), "phoneNumber:str! countryCodeIso2:str! factor:SMS|CALL!"
        )
        if not _PHONE.fullmatch(kept["phoneNumber"]):
            raise errors.invalid(call, "phoneNumber", "Invalid Phone Number.")
        if not re.fullmatch(r"[A-Z]{2}", kept["countryCodeIso2"]):
            raise errors.invalid(call, "countryCodeIso2", f"countryCodeIso2: {BLANK}")
        return Response(204)


RESOURCES: Final = (TelephonyProviders(),)
