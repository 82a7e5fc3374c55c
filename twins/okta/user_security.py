"""What an organisation knows of its users besides their profiles: risk, forgotten passwords,
enrolled authenticators; and its stock of YubiKeys."""

import re
from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import BASE62, Call, Response, Row, iso, route

from . import changes, errors, signin
from .base import body_object, flag, now
from .factors import FACTORS
from .fields import INVALID, checked
from .resource import Resource, hinted, link, put_thing, rows_of
from .users import find_user

__all__ = ["RESOURCES"]

_USER: Final = "/api/v1/users/{userId}"
_ENROLLMENTS: Final = _USER + "/authenticator-enrollments"
_TOKENS: Final = "/api/v1/org/factors/yubikey_token/tokens"
_TTL: Final = re.compile(r"PT?(\d{1,4})([MHD])|(\d{1,6})")
_AUTHENTICATORS: Final = {
    "sms": ("phone_number", "phone", "Phone"),
    "call": ("phone_number", "phone", "Phone"),
    "email": ("okta_email", "email", "Email"),
    "question": ("security_question", "security_question", "Security Question"),
    "push": ("okta_verify", "app", "Okta Verify"),
    "signed_nonce": ("okta_verify", "app", "Okta Verify"),
    "webauthn": ("webauthn", "security_key", "Security Key or Biometric"),
    "token:hardware": ("yubikey_token", "security_key", "YubiKey OTP"),
}
"""The authenticator of a factor: key, type, name. Software tokens depend on the provider."""


class UserRisk(Resource):
    """``/api/v1/users/{userId}/risk``."""

    name = "user_risk"
    kind = "UserRisk"
    path = _USER + "/risk"
    verbs: ClassVar[str] = ""

    @route("GET", path, "")
    def get(self, call: Call) -> Response:
        """NONE until somebody says otherwise."""
        user = find_user(call, call.params["userId"])["id"]
        row = call.twin["things"].get((self.name, f"{user}/risk"))
        return Response.json(
            self._shown(call, user, row["fields"] if row else {"riskLevel": "NONE"})
        )

    @route("PUT", path, "")
    def put_risk(self, call: Call) -> Response:
        """201 the first time, then 200."""
        user = find_user(call, call.params["userId"])["id"]
        kept = checked(call, body_object(call), "riskLevel:HIGH|MEDIUM|LOW! riskReason:str")
        if len(kept.get("riskReason", "")) > 500:
            raise errors.invalid(call, "riskReason", f"riskReason: {INVALID}")
        known = (self.name, f"{user}/risk") in call.twin["things"]
        reason = kept.pop("riskReason", "override.by.admin")
        fields = {**kept, "reason": reason}
        put_thing(call.twin, self.name, "", fields, user, id="risk", keyed=True)
        target = changes.party(user, "User", user)
        changes.log_about(call, "user.risk.change", "User risk level changed", target)
        return Response.json(self._shown(call, user, fields), 200 if known else 201)

    def _shown(self, call: Call, user: str, fields: Row) -> dict[str, Any]:
        href = link(call, f"users/{user}")
        links = {"self": hinted(f"{href}/risk", "GET", "PUT"), "user": hinted(href, "GET")}
        return {**fields, "_links": links}


class ForgottenPasswords(Resource):
    """``…/credentials/forgot_password``."""

    name = "forgotten"
    kind = "User"
    path = _USER + "/credentials/forgot_password"
    verbs = ""

    @route("POST", path, "")
    def begin(self, call: Call) -> Response:
        """RECOVERY; with ``sendEmail=false`` answers with the link."""
        user = find_user(call, call.params["userId"], alive=True)
        if user["status"] != "ACTIVE" or user["recovery"] is None:
            sentence = "Forgot password not allowed on specified user."
            raise errors.refuse(call, 403, "E0000034", sentence)
        row = changes.set_status(call.twin, user["id"], "RECOVERY", now(call))
        changes.log(call, "user.account.reset_password", row)
        if flag(call, "sendEmail", True):
            return Response.json({})
        token = call.twin.ids.mint("reset", 20, alphabet=BASE62)
        signin.put_one_time(call, row, token, days=1)
        href = f"{call.request.base_url}/signin/reset-password/{token}"
        return Response.json({"resetPasswordUrl": href})


class Enrollments(Resource):
    """``…/authenticator-enrollments``: what a user has set up, factors and the password."""

    name = "tac_enrollments"
    kind = "AuthenticatorEnrollment"
    path = _ENROLLMENTS + "/{enrollmentId}"
    prefix = "tac"
    verbs = "list get delete"
    unique = ""

    def parent_id(self, call: Call) -> str:
        """The user's."""
        return str(find_user(call, call.params["userId"])["id"])

    def do_list(self, call: Call) -> Response:
        """All of them, in one page."""
        user = find_user(call, call.params["userId"])
        return Response.json([self._seen(call, one) for one in self._all(call, user)])

    def do_get(self, call: Call) -> Response:
        """By id."""
        return Response.json(self._seen(call, self._one(call)))

    def do_delete(self, call: Call) -> Response:
        """204; a password is not taken away."""
        one = self._one(call)
        if one["row"] is None:
            raise errors.forbidden(call)
        self.remove(call.twin, one["row"])
        return Response(204)

    def _one(self, call: Call) -> Row:
        user = find_user(call, call.params["userId"])
        for one in self._all(call, user):
            if one["id"] == call.params["enrollmentId"]:
                return one
        raise errors.not_found(call, call.params["enrollmentId"], self.kind)

    def _all(self, call: Call, user: Row) -> list[Row]:
        found: list[Row] = []
        if user["password"]:
            stamps = {"created": user["created"], "lastUpdated": user["passwordChanged"]}
            about = {"key": "okta_password", "type": "password", "name": "Password"}
            found.append({"id": f"laekey{user['id'][3:]}", **about, **stamps, "row": None})
        for row in FACTORS.rows(call.twin, user["id"]):
            fields = row["fields"]
            known = _AUTHENTICATORS.get(fields["factorType"])
            if known is None:
                google = fields["provider"] == "GOOGLE"
                known = ("google_otp", "app", "Google Authenticator")
                known = known if google else ("okta_verify", "app", "Okta Verify")
            if row["status"] != "ACTIVE":
                continue
            key, kind, title = known
            about = {"key": key, "type": kind, "name": title}
            phone = fields["profile"].get("phoneNumber")
            profile = {"profile": {"phoneNumber": phone}} if phone else {}
            stamps = {"created": row["created"], "lastUpdated": row["lastUpdated"]}
            found.append({"id": row["id"], **about, **stamps, **profile, "row": row})
        for row in self.rows(call.twin, user["id"]):
            until = row["fields"]["profile"]["expiresAt"]
            if until > iso(call.twin.clock.now()):
                stamps = {"created": row["created"], "lastUpdated": row["lastUpdated"]}
                about = {"key": "tac", "type": "tac", "name": "Temporary Access Code"}
                found.append({"id": row["id"], **about, **stamps, "row": row})
        return found

    def _seen(self, call: Call, one: Row) -> dict[str, Any]:
        user = find_user(call, call.params["userId"])["id"]
        href = link(call, f"users/{user}")
        where = f"{href}/authenticator-enrollments/{one['id']}"
        key = next(
            (
                a["id"]
                for a in rows_of(call.twin, "authenticators")
                if a["fields"]["key"] == one["key"]
            ),
            "",
        )
        links = {
            "self": hinted(where, "GET", "DELETE"),
            "user": hinted(href, "GET"),
            "authenticator": hinted(link(call, f"authenticators/{key}"), "GET"),
        }
        shown = {name: value for name, value in one.items() if name != "row"}
        return {**shown, "status": "ACTIVE", "_links": links}

    def _authenticator(self, call: Call, key: str, wanted: str) -> None:
        row = call.twin["things"].get(("authenticators", key))
        if row is None:
            raise errors.not_found(call, key, "Authenticator")
        if row["fields"]["key"] != wanted:
            raise errors.invalid(call, "authenticatorId", f"authenticatorId: {INVALID}")

    @route("POST", _ENROLLMENTS + "/phone", "")
    def enrol_phone(self, call: Call) -> Response:
        """Activated at once, for text messages."""
        user = find_user(call, call.params["userId"], alive=True)
        body = checked(call, body_object(call), "authenticatorId:str! profile:dict!")
        self._authenticator(call, body["authenticatorId"], "phone_number")
        row = FACTORS.enrol_phone(call, user, body["profile"])
        call.params["enrollmentId"] = row["id"]
        return self.do_get(call)

    @route("POST", _ENROLLMENTS + "/tac", "")
    def enrol_code(self, call: Call) -> Response:
        """A temporary access code, told only here."""
        user = find_user(call, call.params["userId"], alive=True)
        body = checked(call, body_object(call), "authenticatorId:str! profile:dict={}")
        self._authenticator(call, body["authenticatorId"], "tac")
        given = checked(call, body["profile"], "multiUse:bool=false ttl:str=60")
        until = call.twin.clock.now() + self._lasting(call, given["ttl"])
        for old in self.rows(call.twin, user["id"]):
            self.remove(call.twin, old)
        profile = {"multiUse": given["multiUse"], "expiresAt": iso(until)[:19] + ".000Z"}
        row = self.put_new(call.twin, {"profile": profile}, user["id"])
        code = call.twin.ids.mint("tac", 16, alphabet=BASE62)
        self.put(call, row, hidden={"tac": code})
        call.params["enrollmentId"] = row["id"]
        shown = self._seen(call, self._one(call))
        return Response.json({**shown, "profile": {**profile, "tac": code}})

    def _lasting(self, call: Call, text: str) -> timedelta:
        """Minutes, or ISO 8601 (``PT30M``, ``P2D``); from ten minutes to ten days."""
        found = _TTL.fullmatch(text)
        if found is not None:
            number, unit = int(found[1] or found[3]), found[2] or "M"
            lasting = number * {"M": 1, "H": 60, "D": 1440}[unit]
            if 10 <= lasting <= 14_400:
                return timedelta(minutes=lasting)
        raise errors.invalid(call, "ttl", f"ttl: {INVALID}")


class YubiKeys(Resource):
    """``/api/v1/org/factors/yubikey_token/tokens``: keys whose seeds were uploaded."""

    name = "yubikeys"
    kind = "YubiKeyToken"
    path = _TOKENS + "/{tokenId}"
    prefix = "ykk"
    verbs = "list get"
    unique = ""
    fields = "serialNumber:str! publicId:str! privateId:str! aesKey:str!"

    def selected(self, call: Call, rows: Any) -> Any:
        """``filter`` by status or serial number."""
        text = call.request.query.get("filter", "")
        found = re.fullmatch(r'\s*(status|profile\.serial|serial)\s+eq\s+"([^"]*)"\s*', text)
        if not text:
            return rows
        if found is None:
            raise errors.bad_search(call)
        name, value = found[1], found[2]
        return [r for r in rows if value == (r["status"] if name == "status" else self._serial(r))]

    def _serial(self, row: Row) -> str:
        return str(row["fields"]["serialNumber"])

    @route("POST", _TOKENS, "")
    def upload(self, call: Call) -> Response:
        """200; the secrets are taken and never shown."""
        kept = checked(call, body_object(call), self.fields)
        for name in ("privateId", "aesKey"):
            kept.pop(name)
        if any(self._serial(row) == kept["serialNumber"] for row in self.rows(call.twin)):
            raise errors.invalid(call, "serialNumber", "The serial number is taken already.")
        return Response.json(self.shown(call, self.put_new(call.twin, kept, status="UNASSIGNED")))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The key."""
        return {
            "id": row["id"],
            "created": row["created"],
            "lastUpdated": row["lastUpdated"],
            "lastVerified": None,
            "status": row["status"],
            "profile": {"serial": {"value": self._serial(row)}},
            "_links": {"self": hinted(self.href(call, row), "GET")},
        }


RESOURCES: Final = (UserRisk(), ForgottenPasswords(), Enrollments(), YubiKeys())
