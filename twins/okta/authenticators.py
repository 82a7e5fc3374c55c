"""Authenticators, their methods, and the organisation's captcha."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Refused, Response, Row, route

from . import errors
from .base import body_object
from .fields import INVALID, checked
from .resource import Resource, hinted, link, put_thing

__all__ = ["RESOURCES", "SEEDED"]

_ONE: Final = "/api/v1/authenticators/{authenticatorId}"
_CATALOG: Final = {
    "okta_email": ("email", "Email", ("email",)),
    "okta_password": ("password", "Password", ("password",)),
    "okta_verify": ("app", "Okta Verify", ("signed_nonce", "push", "totp")),
    "phone_number": ("phone", "Phone", ("sms", "voice")),
    "security_question": ("security_question", "Security Question", ("security_question",)),
    "webauthn": ("security_key", "Security Key or Biometric", ("webauthn",)),
    "google_otp": ("app", "Google Authenticator", ("otp",)),
    "duo": ("app", "Duo Security", ("duo",)),
    "onprem_mfa": ("security_key", "On-Prem MFA", ("otp",)),
    "symantec_vip": ("app", "Symantec VIP", ("otp",)),
    "yubikey_token": ("security_key", "YubiKey OTP", ("otp",)),
    "external_idp": ("federated", "IdP Authenticator", ("idp",)),
    "smart_card_idp": ("federated", "Smart Card", ("idp",)),
    "tac": ("tac", "Temporary Access Code", ("tac",)),
    "custom_app": ("app", "Custom Authenticator", ("push",)),
}
SEEDED: Final = (
    ("okta_email", "ACTIVE", {"allowedFor": "any", "tokenLifetimeInMinutes": 5}),
    ("okta_password", "ACTIVE", None),
    ("phone_number", "INACTIVE", {"allowedFor": "recovery"}),
    ("security_question", "INACTIVE", {"allowedFor": "recovery"}),
    ("okta_verify", "INACTIVE", {"channelBinding": {"style": "NUMBER_CHALLENGE"}}),
)
"""What an organisation begins with: key, status, settings."""


class Authenticators(Resource):
    """``/api/v1/authenticators``."""

    name = "authenticators"
    kind = "Authenticator"
    path = _ONE
    prefix = "aut"
    verbs: ClassVar[str] = "list create get replace activate deactivate"
    unique = "key"
    allow = "GET PUT"
    fields = "key:str! type:str name:str! settings:dict provider:dict status:str"
    event = "security.authenticator.lifecycle"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A key of the catalogue that the organisation does not have yet."""
        if before is not None:
            body = {"key": before["fields"]["key"], **body}
        kept = checked(call, body, self.fields)
        known = _CATALOG.get(kept["key"])
        if before is None:
            have = {row["fields"]["key"] for row in self.rows(call.twin)}
            # What is made with the organisation cannot be made again.
            if known is None or kept["key"] in have:
                catalog = "com.okta.services.factors.iface.dto.AuthenticatorCatalog"
                raise errors.invalid(call, catalog, INVALID)
        elif kept["key"] != before["fields"]["key"]:
            raise errors.invalid(call, "key", "key: The field cannot be changed")
        assert known is not None
        fields = {"type": known[0], "key": kept["key"], "name": kept["name"]}
        if "settings" in kept:
            allowed = kept["settings"].get("allowedFor", "any")
            if allowed not in ("any", "recovery", "sso", "none"):
                raise errors.invalid(call, "allowedFor", f"allowedFor: {INVALID}")
            fields["settings"] = kept["settings"]
        return fields | ({"provider": kept["provider"]} if "provider" in kept else {})

    def turning(self, call: Call, row: Row, status: str) -> None:
        """Nobody can do without passwords here."""
        if row["fields"]["key"] == "okta_password" and status == "INACTIVE":
            raise errors.forbidden(call)

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its methods."""
        methods = hinted(f"{self.href(call, row)}/methods", "GET")
        return {**super().links(call, row), "methods": methods}

    # -- methods

    @route("GET", _ONE + "/methods", "")
    def list_methods(self, call: Call) -> Response:
        """The ways it works."""
        row = self.find(call)
        names = _CATALOG[row["fields"]["key"]][2]
        return Response.json([self._method(call, row, name) for name in names])

    @route("GET", _ONE + "/methods/{methodType}", "")
    def get_method(self, call: Call) -> Response:
        """One of them."""
        row = self.find(call)
        return Response.json(self._method(call, row, self._method_name(call, row)))

    @route("PUT", _ONE + "/methods/{methodType}", "")
    def replace_method(self, call: Call) -> Response:
        """Its settings."""
        row = self.find(call)
        name = self._method_name(call, row)
        kept = checked(call, body_object(call), "type:str settings:dict={} status:ACTIVE|INACTIVE")
        return self._put_method(call, row, name, settings=kept["settings"])

    @route("POST", _ONE + "/methods/{methodType}/lifecycle/activate", "")
    @route("POST", _ONE + "/methods/{methodType}/lifecycle/deactivate", "")
    def turn_method(self, call: Call) -> Response:
        """On or off."""
        row = self.find(call)
        on = call.request.path.rstrip("/").endswith("/activate")
        status = "ACTIVE" if on else "INACTIVE"
        return self._put_method(call, row, self._method_name(call, row), status=status)

    def _put_method(self, call: Call, row: Row, name: str, **changed: Any) -> Response:
        methods = dict(row["hidden"].get("methods", {}))
        methods[name] = {**methods.get(name, {}), **changed}
        row = self.put(call, row, hidden={**row["hidden"], "methods": methods})
        return Response.json(self._method(call, row, name))

    def _method_name(self, call: Call, row: Row) -> str:
        name = call.params["methodType"]
        if name not in _CATALOG[row["fields"]["key"]][2]:
            raise errors.not_found(call, name, "AuthenticatorMethod")
        return name

    def _method(self, call: Call, row: Row, name: str) -> dict[str, Any]:
        held = row["hidden"].get("methods", {}).get(name, {})
        status = held.get("status", row["status"])
        href = f"{link(call, 'authenticators')}/{row['id']}/methods/{name}"
        turn = "deactivate" if status == "ACTIVE" else "activate"
        settings = {"settings": held["settings"]} if "settings" in held else {}
        links = {
            "self": hinted(href, "GET", "PUT"),
            turn: hinted(f"{href}/lifecycle/{turn}", "POST"),
        }
        return {"type": name, "status": status, **settings, "_links": links}


class Captchas(Resource):
    """``/api/v1/captchas``: at most one."""

    name = "captchas"
    kind = "Captcha"
    path = "/api/v1/captchas/{captchaId}"
    prefix = "cap"
    verbs = "list create get replace update delete"
    created_status = 201
    has_status = False
    stamps = ""
    allow = "GET POST PUT DELETE"
    fields = "name:str! siteKey:str! secretKey:str! type:HCAPTCHA|RECAPTCHA_V2!"

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """403 for the second."""
        if self.rows(call.twin):
            sentence = (
                "CAPTCHA count limit reached. At most one CAPTCHA instance is allowed per Org."
                " Please remove existing CAPTCHA to create a new one."
            )
            refused = errors.refuse(call, 403, "E0000166", sentence, sentence)
            shown = refused.response.data()
            shown["errorCauses"][0] |= {
                "reason": "EXCEEDS_MAX_VALUE",
                "locationType": "url",
                "domain": "captcha",
            }
            raise Refused(Response.json(shown, 403))
        return super().create(call, body, owner, **more)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The secret may be left out when nothing about it changes; it is never shown."""
        fields = (
            self.fields
            if before is None
            else self.fields.replace("secretKey:str!", "secretKey:str")
        )
        kept = checked(call, body, fields)
        kept.pop("secretKey", None)
        return kept

    def deleting(self, call: Call, row: Row) -> None:
        """None that the organisation uses."""
        used = call.twin["things"].get(("org_captcha", "org_captcha"))
        if used is not None and used["fields"]["captchaId"] == row["id"]:
            sentence = "The captcha instance is in use by the organization"
            raise errors.refuse(call, 403, "E0000149", sentence)

    @route("GET", "/api/v1/org/captcha", "")
    def get_settings(self, call: Call) -> Response:
        """Which captcha is asked where."""
        row = call.twin["things"].get(("org_captcha", "org_captcha"))
        fields = row["fields"] if row is not None else {"enabledPages": None, "captchaId": None}
        return self._settings(call, fields)

    @route("PUT", "/api/v1/org/captcha", "")
    def put_settings(self, call: Call) -> Response:
        """A captcha there is, and pages."""
        kept = checked(call, body_object(call), "captchaId:str enabledPages:list=[]")
        if kept.get("captchaId"):
            self.by_key(call, kept["captchaId"])
        for page in kept["enabledPages"]:
            if page not in ("SIGN_IN", "SSR", "SSPR"):
                raise errors.invalid(call, "enabledPages", f"enabledPages: {INVALID}")
        fields = {"enabledPages": kept["enabledPages"], "captchaId": kept.get("captchaId")}
        self._put(call, fields)
        return self._settings(call, fields)

    @route("DELETE", "/api/v1/org/captcha", "")
    def delete_settings(self, call: Call) -> Response:
        """204."""
        call.twin["things"].delete(("org_captcha", "org_captcha"))
        return Response(204)

    def _put(self, call: Call, fields: Row) -> None:
        put_thing(call.twin, "org_captcha", "", fields, id="org_captcha")

    def _settings(self, call: Call, fields: Row) -> Response:
        links = {"self": hinted(link(call, "org/captcha"), "GET", "PUT")}
        if fields["captchaId"]:
            href = link(call, f"captchas/{fields['captchaId']}")
            links["captcha"] = hinted(href, "GET", "POST", "PUT", "DELETE")
        return Response.json({**fields, "_links": links})


RESOURCES: Final = (Authenticators(), Captchas())
