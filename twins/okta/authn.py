"""Primary authentication (``/api/v1/authn``): a transaction from the password to a session token.

A transaction is a row (``authn``) under its state token. Its state is one of PASSWORD_EXPIRED,
PASSWORD_RESET, RECOVERY, MFA_ENROLL, MFA_ENROLL_ACTIVATE, MFA_REQUIRED, MFA_CHALLENGE; SUCCESS
and LOCKED_OUT need none. Source: Okta's reference of the Authentication API.
"""

from typing import Any, ClassVar, Final

from factory_tui.universe import BASE62, Call, Response, Row, parse_time, route

from . import changes, errors, signin
from .base import body_object, now
from .factors import FACTORS
from .fields import checked
from .resource import Resource, hinted, link, put_thing
from .users import check_password

__all__ = ["RESOURCES", "Authentication"]

_AUTHN: Final = "/api/v1/authn"
_FACTOR: Final = _AUTHN + "/factors/{factorId}"
_LETTERS: Final = BASE62 + "-_"
_SENT: Final = ("sms", "call", "email")
_KINDS: Final = {
    "question": "OKTA",
    "sms": "OKTA",
    "call": "OKTA",
    "email": "OKTA",
    "token:software:totp": "GOOGLE",
}
"""Factors that can be enrolled while signing in, and who provides them."""


def _failed(call: Call) -> Exception:
    return errors.refuse(call, 401, "E0000004", "Authentication failed")


def _not_now(call: Call) -> Exception:
    sentence = "This operation is not allowed in the current authentication state."
    return errors.refuse(call, 403, "E0000079", sentence)


class Authentication(Resource):
    """The operations below ``/api/v1/authn``."""

    name = "authn"
    kind = "Authentication"
    path = _AUTHN
    verbs: ClassVar[str] = ""

    # -- the password

    @route("POST", _AUTHN, "authenticate")
    def authenticate(self, call: Call) -> Response:
        """With a password; with an activation or recovery ``token``; with a ``stateToken``."""
        body = body_object(call)
        if "stateToken" in body:
            return self._shown(call, self._transaction(call, body))
        if "token" in body:
            return self._with_token(call, str(body["token"]), body)
        body = checked(
            call, body, "username:str! password:str! options:dict context:dict relayState:str"
        )
        user = signin.check_password(call, body["username"], body["password"])
        if user is None:
            raise _failed(call)
        if user["status"] == "LOCKED_OUT":
            return Response.json({"status": "LOCKED_OUT", "_links": {}})
        rule = signin.sign_on_rule(call, user) or {}
        if rule.get("access") == "DENY":
            raise errors.refuse(call, 403, "E0000085", _DENIED)
        relay = body.get("relayState", "")
        if user["status"] in ("PASSWORD_EXPIRED", "RECOVERY"):
            return self._begin(call, user, "PASSWORD_EXPIRED", relay)
        return self._after_password(call, user, rule, relay)

    def _after_password(self, call: Call, user: Row, rule: Row, relay: str) -> Response:
        if not rule.get("requireFactor"):
            return self._success(call, user, ["pwd"], relay)
        state = "MFA_REQUIRED" if signin.factors_of(call.twin, user) else "MFA_ENROLL"
        return self._begin(call, user, state, relay)

    def _with_token(self, call: Call, token: str, body: Row) -> Response:
        """A one-time token from an invitation or a reset leads to a new password."""
        things = call.twin["things"]
        row = things.get(("one_time_tokens", token))
        if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        things.delete(("one_time_tokens", token))
        user = call.twin["users"].get(row["hidden"]["user"])
        if user is None or user["status"] in ("DEPROVISIONED", "SUSPENDED"):
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        return self._begin(call, user, "PASSWORD_RESET", str(body.get("relayState") or ""))

    @route("POST", _AUTHN + "/credentials/change_password", "changePasswordWithStateToken")
    def change_password(self, call: Call) -> Response:
        """The new password of a user whose old one has expired."""
        body = body_object(call)
        row = self._transaction(call, body, "PASSWORD_EXPIRED", "PASSWORD_WARN")
        user = self._user(call, row)
        if body.get("oldPassword") != user["password"]:
            cause = "Old Password is not correct"
            raise errors.refuse(call, 403, "E0000014", "Update of credentials failed", cause)
        return self._new_password(call, row, user, body)

    @route("POST", _AUTHN + "/credentials/reset_password", "resetPasswordWithStateToken")
    def reset_password(self, call: Call) -> Response:
        """The new password of a user who has proved who they are otherwise."""
        body = body_object(call)
        row = self._transaction(call, body, "PASSWORD_RESET")
        return self._new_password(call, row, self._user(call, row), body)

    def _new_password(self, call: Call, row: Row, user: Row, body: Row) -> Response:
        value = {"value": body.get("newPassword")}
        password = check_password(call, value, user["profile"]["login"])
        if password is None:
            sentence = "newPassword: The field cannot be left blank"
            raise errors.invalid(call, "newPassword", sentence)
        when = now(call)
        draft = call.twin["users"].draft(user["id"])
        changed = {"password": password, "passwordChanged": when, "lastUpdated": when}
        if user["status"] != "ACTIVE":
            changed |= {"status": "ACTIVE", "statusChanged": when}
            changed["activated"] = user["activated"] or when
        draft |= changed
        call.twin["users"].put(user["id"], draft)
        changes.log(call, "user.account.update_password", user)
        self._end(call, row)
        rule = signin.sign_on_rule(call, draft) or {}
        return self._after_password(call, draft, rule, row["hidden"]["relay"])

    # -- factors

    @route("POST", _AUTHN + "/factors", "enrollFactorWithStateToken")
    def enroll(self, call: Call) -> Response:
        """A factor is enrolled; one that needs no code is active at once."""
        body = body_object(call)
        row = self._transaction(call, body, "MFA_ENROLL", "MFA_ENROLL_ACTIVATE")
        user = self._user(call, row)
        call.params = {**call.params, "userId": user["id"]}
        factor = FACTORS.do_create(call).data()
        if factor["status"] == "ACTIVE":
            self._end(call, row)
            return self._success(call, user, ["pwd", "kba", "mfa"], row["hidden"]["relay"])
        row = self._put(call, row, state="MFA_ENROLL_ACTIVATE", factor=factor["id"])
        return self._shown(call, row)

    @route("POST", _FACTOR + "/lifecycle/activate", "activateFactorWithStateToken")
    def activate(self, call: Call) -> Response:
        """With the code; then the user is signed in."""
        body = body_object(call)
        row = self._transaction(call, body, "MFA_ENROLL_ACTIVATE")
        user = self._user(call, row)
        call.params = {**call.params, "userId": user["id"]}
        FACTORS.activate(call)
        self._end(call, row)
        return self._success(call, user, ["pwd", "otp", "mfa"], row["hidden"]["relay"])

    @route("POST", _FACTOR + "/verify", "verifyFactorWithStateToken")
    @route("POST", _FACTOR + "/verify/resend", "resendFactorWithStateToken")
    def verify(self, call: Call) -> Response:
        """Without a passcode one is sent (MFA_CHALLENGE); with the right one SUCCESS."""
        body = body_object(call)
        row = self._transaction(call, body, "MFA_REQUIRED", "MFA_CHALLENGE")
        user = self._user(call, row)
        factor = call.twin["things"].get(("factors", call.params["factorId"]))
        if factor is None or factor["parent"] != user["id"] or factor["status"] != "ACTIVE":
            raise errors.not_found(call, call.params["factorId"], "UserFactor")
        kind = factor["fields"]["factorType"]
        given = body.get("answer" if kind == "question" else "passCode")
        if not given and kind not in _SENT:
            if kind in ("push", "webauthn", "u2f"):
                call.gap(f"{kind} assertions")
            raise _wrong(call)
        if not given:
            signin.send_code(call, factor)
            row = self._put(call, row, state="MFA_CHALLENGE", factor=factor["id"])
            return self._shown(call, row)
        if not signin.answers(call, factor, str(given)):
            raise _wrong(call)
        self._end(call, row)
        amr = ["pwd", "kba" if kind == "question" else "otp", "mfa"]
        return self._success(call, user, amr, row["hidden"]["relay"])

    @route("POST", _AUTHN + "/previous", "previousAuthenticationState")
    def previous(self, call: Call) -> Response:
        """Back to the choice of a factor."""
        row = self._transaction(call, body_object(call), "MFA_CHALLENGE", "MFA_ENROLL_ACTIVATE")
        before = {"MFA_CHALLENGE": "MFA_REQUIRED", "MFA_ENROLL_ACTIVATE": "MFA_ENROLL"}
        state = before[row["hidden"]["state"]]
        return self._shown(call, self._put(call, row, state=state, factor=""))

    @route("POST", _AUTHN + "/cancel", "cancelAuthentication")
    def cancel(self, call: Call) -> Response:
        """The transaction is over."""
        row = self._transaction(call, body_object(call))
        self._end(call, row)
        relay = row["hidden"]["relay"]
        return Response.json({"relayState": relay} if relay else {})

    # -- recovery

    @route("POST", _AUTHN + "/recovery/password", "forgotPasswordTransaction")
    @route("POST", _AUTHN + "/recovery/unlock", "unlockTransaction")
    def recover(self, call: Call) -> Response:
        """A recovery token for who has an API token; else a challenge is sent to the user."""
        body = checked(
            call, body_object(call), "username:str! factorType:EMAIL|SMS|CALL relayState:str"
        )
        unlock = call.request.segments[-1] == "unlock"
        kind = "UNLOCK" if unlock else "PASSWORD"
        user = call.twin["users"].first("login", body["username"].lower())
        wanted = ("LOCKED_OUT",) if unlock else ("ACTIVE", "RECOVERY", "PASSWORD_EXPIRED")
        able = user is not None and user["status"] in wanted
        if not call.principal or body.get("factorType"):
            # Whoever asks does not learn whether there is such a user.
            factor = body.get("factorType")
            if not factor:
                raise errors.invalid(call, "factorType", "factorType: The field is required")
            if able and user is not None:
                self._one_time(call, user, kind)
            answer = {"status": "RECOVERY_CHALLENGE", "factorResult": "WAITING"}
            return Response.json({**answer, "factorType": factor, "recoveryType": kind})
        if user is None:
            raise errors.not_found(call, body["username"], "User")
        if not able or user["recovery"] is None:
            sentence = "This operation is not allowed in the user's current status."
            raise errors.refuse(call, 403, "E0000034", f"Forgot password not allowed. {sentence}")
        return Response.json(
            {
                "expiresAt": signin.after(call, hours=1),
                "status": "RECOVERY",
                "recoveryType": kind,
                "recoveryToken": self._one_time(call, user, kind),
                "_embedded": {"user": _person(user, recovery=True)},
                "_links": self._links(call, "answer", "recovery/answer"),
            }
        )

    def _one_time(self, call: Call, user: Row, kind: str) -> str:
        token = call.twin.ids.mint("recovery_token", 20, alphabet=_LETTERS)
        hidden = {"user": user["id"], "until": signin.after(call, hours=1), "kind": kind}
        put_thing(call.twin, "recovery_tokens", "", {}, id=token, hidden=hidden)
        return token

    @route("POST", _AUTHN + "/recovery/token", "verifyRecoveryToken")
    def verify_recovery_token(self, call: Call) -> Response:
        """A recovery token becomes a transaction that asks the recovery question."""
        token = str(body_object(call).get("recoveryToken"))
        row = call.twin["things"].get(("recovery_tokens", token))
        if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        user = call.twin["users"].get(row["hidden"]["user"])
        if user is None:
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        call.twin["things"].delete(("recovery_tokens", token))
        return self._begin(call, user, "RECOVERY", "", recovery=row["hidden"]["kind"])

    @route("POST", _AUTHN + "/recovery/answer", "answerRecoveryQuestion")
    def answer(self, call: Call) -> Response:
        """The answer to the recovery question unlocks, or leads to a new password."""
        body = body_object(call)
        row = self._transaction(call, body, "RECOVERY")
        user = self._user(call, row)
        if user["recovery"] is None or body.get("answer") != user["recovery"]["answer"]:
            sentence = "The recovery question answer did not match our records."
            raise errors.refuse(call, 403, "E0000087", sentence)
        if row["hidden"]["recovery"] == "UNLOCK":
            self._end(call, row)
            changes.set_status(call.twin, user["id"], "ACTIVE", now(call))
            call.twin["things"].delete(("attempts", user["id"]))
            changes.log(call, "user.account.unlock", user)
            return Response.json({"status": "SUCCESS", "recoveryType": "UNLOCK"})
        return self._shown(call, self._put(call, row, state="PASSWORD_RESET"))

    # -- transactions

    def _begin(self, call: Call, user: Row, state: str, relay: str, **more: Any) -> Response:
        key = call.twin.ids.mint("state_token", 40, prefix="00", alphabet=_LETTERS)
        hidden = {
            "user": user["id"],
            "state": state,
            "until": signin.after(call, minutes=5),
            "relay": relay,
            "factor": "",
            "recovery": "",
            **more,
        }
        return self._shown(call, put_thing(call.twin, self.name, "", {}, id=key, hidden=hidden))

    def _transaction(self, call: Call, body: Row, *states: str) -> Row:
        """The transaction of a state token, in one of the states; refuses otherwise."""
        row = call.twin["things"].get((self.name, str(body.get("stateToken"))))
        if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        self._user(call, row)
        if states and row["hidden"]["state"] not in states:
            raise _not_now(call)
        return row

    def _user(self, call: Call, row: Row) -> Row:
        user = call.twin["users"].get(row["hidden"]["user"])
        if user is None:
            raise errors.refuse(call, 401, *errors.STATUS_ERRORS[401])
        return user

    def _put(self, call: Call, row: Row, **changed: Any) -> Row:
        hidden = {**row["hidden"], **changed, "until": signin.after(call, minutes=5)}
        return self.put(call, row, hidden=hidden)

    def _end(self, call: Call, row: Row) -> None:
        call.twin["things"].delete((self.name, row["key"]))

    def _success(self, call: Call, user: Row, amr: list[str], relay: str) -> Response:
        users = call.twin["users"]
        answer: dict[str, Any] = {
            "expiresAt": signin.after(call, minutes=5),
            "status": "SUCCESS",
            "sessionToken": signin.session_token(call, user, amr),
        }
        if relay:
            answer["relayState"] = relay
        draft = users.draft(user["id"])
        draft["lastLogin"] = now(call)
        users.put(user["id"], draft)
        changes.log_about(call, "user.session.start", "User login to Okta")
        links = {"cancel": hinted(link(call, "authn/cancel"), "POST")}
        embedded = {"user": _person(user)}
        return Response.json({**answer, "_embedded": embedded, "_links": links})

    def _links(self, call: Call, name: str, path: str) -> dict[str, Any]:
        return {
            "next": {"name": name, **hinted(link(call, f"authn/{path}"), "POST")},
            "cancel": hinted(link(call, "authn/cancel"), "POST"),
        }

    def _shown(self, call: Call, row: Row) -> Response:
        hidden = row["hidden"]
        state, user = hidden["state"], self._user(call, row)
        answer: dict[str, Any] = {
            "stateToken": row["id"],
            "expiresAt": hidden["until"],
            "status": state,
        }
        if hidden["relay"]:
            answer["relayState"] = hidden["relay"]
        if hidden["recovery"]:
            answer["recoveryType"] = hidden["recovery"]
        embedded: dict[str, Any] = {"user": _person(user, recovery=state == "RECOVERY")}
        factor = call.twin["things"].get(("factors", hidden["factor"]))
        cancel = {"cancel": hinted(link(call, "authn/cancel"), "POST")}
        previous = {"prev": hinted(link(call, "authn/previous"), "POST")}
        if state == "PASSWORD_EXPIRED":
            links = self._links(call, "changePassword", "credentials/change_password")
        elif state == "PASSWORD_RESET":
            links = self._links(call, "resetPassword", "credentials/reset_password")
        elif state == "RECOVERY":
            links = self._links(call, "answer", "recovery/answer")
        elif state == "MFA_REQUIRED":
            factors = signin.factors_of(call.twin, user)
            embedded["factors"] = [self._factor(call, one, "verify") for one in factors]
            embedded["policy"] = dict(_REMEMBER)
            links = cancel
        elif state == "MFA_ENROLL":
            embedded["factors"] = [self._to_enroll(call, kind) for kind in _KINDS]
            links = cancel
        else:
            assert factor is not None
            challenge = state == "MFA_CHALLENGE"
            name = "verify" if challenge else "activate"
            path = "verify" if challenge else "lifecycle/activate"
            if challenge:
                answer["factorResult"] = "CHALLENGE"
            embedded["factor"] = self._factor(call, factor, name)
            links = {**self._links(call, name, f"factors/{factor['id']}/{path}"), **previous}
            if challenge:
                kind = factor["fields"]["factorType"]
                again = link(call, f"authn/factors/{factor['id']}/verify/resend")
                links["resend"] = [{"name": kind, **hinted(again, "POST")}]
        return Response.json({**answer, "_embedded": embedded, "_links": links})

    def _factor(self, call: Call, factor: Row, name: str) -> dict[str, Any]:
        shown = FACTORS.shown(call, factor)
        names = ("id", "factorType", "provider", "vendorName")
        kept = {key: shown[key] for key in names if key in shown}
        kept["profile"] = _masked(factor["fields"]["profile"])
        if "_embedded" in shown:
            kept["_embedded"] = shown["_embedded"]
        path = "verify" if name == "verify" else "lifecycle/activate"
        href = link(call, f"authn/factors/{factor['id']}/{path}")
        return {**kept, "_links": {name: hinted(href, "POST")}}

    def _to_enroll(self, call: Call, kind: str) -> dict[str, Any]:
        return {
            "factorType": kind,
            "provider": _KINDS[kind],
            "vendorName": _KINDS[kind],
            "enrollment": "OPTIONAL",
            "status": "NOT_SETUP",
            "_links": {"enroll": hinted(link(call, "authn/factors"), "POST")},
        }


_DENIED: Final = "You do not have permission to access your account at this time."
_REMEMBER: Final = {
    "allowRememberDevice": False,
    "rememberDeviceLifetimeInMinutes": 0,
    "rememberDeviceByDefault": False,
    "factorsPolicyInfo": {},
}


def _wrong(call: Call) -> Exception:
    cause = "Your token doesn't match our records. Please try again."
    return errors.refuse(call, 403, "E0000068", "Invalid Passcode/Answer", cause)


def _masked(profile: Row) -> dict[str, Any]:
    """A factor's profile; of a phone number only the end is shown."""
    shown = dict(profile)
    number = shown.get("phoneNumber")
    if isinstance(number, str):
        digits = "".join(letter for letter in number if letter.isdigit())
        shown["phoneNumber"] = f"+{digits[:1]} XXX-XXX-{digits[-4:]}"
    return shown


def _person(user: Row, *, recovery: bool = False) -> dict[str, Any]:
    """The user as transactions show them."""
    profile = user["profile"]
    names = ("login", "firstName", "lastName")
    shown = {
        "id": user["id"],
        "passwordChanged": user["passwordChanged"],
        "profile": {
            **{name: profile.get(name) for name in names},
            "locale": profile.get("locale") or "en_US",
            "timeZone": profile.get("timezone") or "America/Los_Angeles",
        },
    }
    if recovery and user["recovery"] is not None:
        shown["recovery_question"] = {"question": user["recovery"]["question"]}
    return shown


RESOURCES: Final = (Authentication(),)
