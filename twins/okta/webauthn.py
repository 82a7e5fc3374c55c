"""WebAuthn: models of security keys an organisation takes, and keys that are enrolled for users
before they have them (with Yubico)."""

import hashlib
import re
from base64 import b64decode, b64encode
from typing import Any, ClassVar, Final

from factory_tui.universe import BASE62, Call, Response, Row, route

from . import changes, errors
from .base import body_object
from .fields import BLANK, INVALID, checked
from .resource import Resource, hinted, link, rows_of
from .users import find_user

__all__ = ["RESOURCES"]

_ONE: Final = "/api/v1/authenticators/{authenticatorId}"
_AAGUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_BASE: Final = "/webauthn-registration/api/v1"
_ENROLLMENT: Final = _BASE + "/users/{userId}/enrollments/{authenticatorEnrollmentId}"
_PROVIDER: Final = "fulfillmentProvider:str! userId:str!"


def _authenticator(call: Call) -> Row:
    """The WebAuthn authenticator of the path; refuses another one."""
    key = call.params["authenticatorId"]
    row = call.twin["things"].get(("authenticators", key))
    if row is None:
        raise errors.not_found(call, key, "Authenticator")
    if row["fields"]["key"] != "webauthn":
        raise errors.invalid(call, "authenticatorId", "The authenticator is not WebAuthn.")
    return row


class Aaguids(Resource):
    """``…/aaguids``: models of security keys with their characteristics."""

    name = "aaguids"
    kind = "CustomAAGUID"
    path = _ONE + "/aaguids/{aaguid}"
    keyed = True
    verbs: ClassVar[str] = "list get replace patch delete"
    has_status = False
    stamps = ""
    unique = ""
    fields = "name:str authenticatorCharacteristics:dict={} attestationRootCertificates:list=[]"

    def parent_id(self, call: Call) -> str:
        """The authenticator's."""
        return str(_authenticator(call)["id"])

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Certificates in base 64, and three yes or no."""
        kept = checked(call, body, self.fields)
        words = "fipsCompliant:bool=false hardwareProtected:bool=false platformAttached:bool=false"
        kept["authenticatorCharacteristics"] = checked(
            call, kept["authenticatorCharacteristics"], words
        )
        certificates = []
        for one in kept["attestationRootCertificates"]:
            text = one.get("x5c") if isinstance(one, dict) else None
            try:
                raw = b64decode("".join(str(text).split()), validate=True)
            except ValueError:
                raw = b""
            if not raw:
                raise errors.invalid(call, "x5c", f"attestationRootCertificates: {INVALID}")
            mark = b64encode(hashlib.sha256(raw).digest()).decode()
            certificates.append({"x5c": text, "x5t#S256": mark})
        return {**kept, "attestationRootCertificates": certificates}

    @route("POST", _ONE + "/aaguids", "")
    def add(self, call: Call) -> Response:
        """200; once for each model."""
        owner = self.parent_id(call)
        body = body_object(call)
        key = str(body.get("aaguid", ""))
        if not _AAGUID.fullmatch(key):
            raise errors.invalid(call, "aaguid", f"aaguid: {INVALID}")
        if (self.name, f"{owner}/{key}") in call.twin["things"]:
            raise errors.invalid(call, "aaguid", "aaguid: The AAGUID exists already.")
        row = self.put_new(call.twin, self.check(call, body, None), owner, id=key)
        return Response.json(self.shown(call, row))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The model."""
        href = link(call, f"authenticators/{row['parent']}/aaguids/{row['id']}")
        links = {"self": hinted(href, "GET", "PUT", "PATCH", "DELETE")}
        return {"aaguid": row["id"], **row["fields"], "_links": links}

    @route("POST", _ONE + "/methods/{webAuthnMethodType}/verify-rp-id-domain", "")
    def verify_domain(self, call: Call) -> Response:
        """204; in the universe every DNS record is as it should be."""
        row = _authenticator(call)
        if call.params["webAuthnMethodType"] != "webauthn":
            raise errors.not_found(call, call.params["webAuthnMethodType"], "AuthenticatorMethod")
        held = row["hidden"].get("methods", {}).get("webauthn", {})
        if not held.get("settings", {}).get("rpId"):
            raise errors.invalid(call, "rpId", f"rpId: {BLANK}")
        return Response(204)


class Preregistrations(Resource):
    """Keys that are on their way to a user."""

    name = "preregistrations"
    kind = "WebAuthnPreregistrationFactor"
    path = _ENROLLMENT
    prefix = "fwf"
    verbs = "list delete"
    unique = ""

    def parent_id(self, call: Call) -> str:
        """The user's."""
        return str(find_user(call, call.params["userId"])["id"])

    def _asked(self, call: Call, more: str = "") -> tuple[Row, Row]:
        """The body, and the user it names."""
        body = checked(call, body_object(call), f"{_PROVIDER} {more}")
        if body["fulfillmentProvider"] != "yubico":
            raise errors.invalid(call, "fulfillmentProvider", f"fulfillmentProvider: {INVALID}")
        return body, find_user(call, body["userId"], alive=True)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """As a factor."""
        href = f"{call.request.base_url}{_BASE}/users/{row['parent']}/enrollments/{row['id']}"
        return {
            "id": row["id"],
            "factorType": "webauthn",
            "provider": "FIDO",
            "vendorName": "FIDO",
            "status": row["status"],
            "profile": row["fields"]["profile"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "_links": {"self": hinted(href, "DELETE")},
        }

    @route("POST", _BASE + "/initiate-fulfillment-request", "")
    def initiate(self, call: Call) -> Response:
        """204; leaves the event that a workflow waits for."""
        body, user = self._asked(call, "fulfillmentData:list!")
        if not body["fulfillmentData"]:
            raise errors.invalid(call, "fulfillmentData", f"fulfillmentData: {BLANK}")
        target = changes.party(user["id"], "User", user["profile"]["login"])
        says = "Initiate WebAuthn preregistration"
        changes.log_about(call, "user.mfa.factor.preregister.initiate", says, target)
        return Response(204)

    @route("POST", _BASE + "/enroll", "")
    def enroll(self, call: Call) -> Response:
        """An enrolment for each relying party; what is encrypted is a seeded draw."""
        body, user = self._asked(call, "enrollmentRpIds:list! yubicoTransportKeyJWK:dict!")
        names = body["enrollmentRpIds"]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise errors.invalid(call, "enrollmentRpIds", f"enrollmentRpIds: {BLANK}")
        checked(
            call, body["yubicoTransportKeyJWK"], "kty:EC! crv:str! kid:str! use:str! x:str! y:str!"
        )
        found = []
        for name in names:
            fields = {"profile": {"rpId": name}}
            row = self.put_new(call.twin, fields, user["id"], status="PENDING_ACTIVATION")
            found.append(
                {
                    "authenticatorEnrollmentId": row["id"],
                    "credRequestJwe": call.twin.ids.mint("jwe", 60, alphabet=BASE62),
                    "keyId": call.twin.ids.mint("kid", 20, alphabet=BASE62),
                }
            )
        return Response.json(
            {
                "userId": user["id"],
                "fulfillmentProvider": "yubico",
                "credRequests": found,
                "pinRequestJwe": call.twin.ids.mint("jwe", 60, alphabet=BASE62),
            }
        )

    @route("POST", _BASE + "/activate", "")
    def activate(self, call: Call) -> Response:
        """The enrolments that Yubico has answered."""
        words = (
            "credResponses:list! pinResponseJwe:str! serial:str! version:str yubicoSigningJwks:list"
        )
        body, user = self._asked(call, words)
        rows = []
        for one in body["credResponses"]:
            key = one.get("authenticatorEnrollmentId") if isinstance(one, dict) else None
            if not key or not isinstance(one.get("credResponseJwe"), str):
                raise errors.invalid(call, "credResponses", f"credResponses: {INVALID}")
            rows.append(self.by_key(call, str(key), user["id"]))
        for row in rows:
            profile = {**row["fields"]["profile"], "serial": body["serial"]}
            self.put(call, row, status="ACTIVE", fields={"profile": profile})
        keys = [row["id"] for row in rows]
        return Response.json(
            {
                "userId": user["id"],
                "fulfillmentProvider": "yubico",
                "authenticatorEnrollmentIds": keys,
            }
        )

    @route("POST", _BASE + "/send-pin", "")
    def send_pin(self, call: Call) -> Response:
        """204; nobody reads the mail."""
        body, user = self._asked(call, "authenticatorEnrollmentId:str!")
        self.by_key(call, body["authenticatorEnrollmentId"], user["id"])
        return Response(204)

    @route("POST", _ENROLLMENT + "/mark-error", "")
    def mark_error(self, call: Call) -> Response:
        """204; the key will not come."""
        row = self.find(call)
        self.put(call, row, status="INACTIVE", hidden={"error": "FULFILLMENT_ERRORED"})
        return Response(204)


class AppAuthenticators(Resource):
    """``/.well-known/app-authenticator-configuration``."""

    name = "app_authenticators"
    kind = "Authenticator"
    path = "/.well-known/app-authenticator-configuration"
    verbs = ""

    @route("GET", path, "")
    def get(self, call: Call) -> Response:
        """The custom authenticators of an OAuth client."""
        client = call.request.query.get("oauthClientId")
        if not client:
            raise errors.invalid(call, "oauthClientId", f"oauthClientId: {BLANK}")
        base = call.request.base_url
        found = []
        for row in rows_of(call.twin, "authenticators"):
            settings = row["fields"].get("settings", {})
            if row["fields"]["key"] != "custom_app" or settings.get("oauthClientId") != client:
                continue
            status = row["status"]
            found.append(
                {
                    "authenticatorId": row["id"],
                    "key": "custom_app",
                    "name": row["fields"]["name"],
                    "type": "app",
                    "orgId": call.twin["org"]["org"]["id"],
                    "createdDate": row["created"],
                    "lastUpdated": row["lastUpdated"],
                    "appAuthenticatorEnrollEndpoint": f"{base}/idp/authenticators",
                    "settings": {"userVerification": settings.get("userVerification", "PREFERRED")},
                    "supportedMethods": [{"type": "push", "status": status, "settings": {}}],
                }
            )
        return Response.json(found)


RESOURCES: Final = (Aaguids(), Preregistrations(), AppAuthenticators())
