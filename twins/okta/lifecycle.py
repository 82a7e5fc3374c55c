"""Lifecycle and credential operations, driven by the table in ``machine.py``."""

from factory_tui.universe import BASE62, Call, Response, Row, route

from . import changes, errors, shapes, signin
from .base import body_object, flag, now
from .machine import ACTIVE, TRANSITIONS, WITH_PASSWORD, Refusal
from .users import check_password, check_recovery, find_user

__all__ = ["Lifecycle"]

_PATH = "/api/v1/users/{id}/lifecycle/"
_CREDENTIALS = "/api/v1/users/{userId}/credentials/"


class Lifecycle:
    """Operations on ``/api/v1/users/{id}/lifecycle`` and ``/credentials``."""

    @route("POST", _PATH + "activate", "activateUser")
    def activate_user(self, call: Call) -> Response:
        """With ``sendEmail=false`` answers with the activation link, password or not."""
        row = _take(call, "activate")
        changes.apply_rules(call, row["id"])
        return self._invitation(call, row)

    @route("POST", _PATH + "reactivate", "reactivateUser")
    def reactivate_user(self, call: Call) -> Response:
        """A fresh activation link for a user who has not followed the first."""
        row = _take(call, "reactivate")
        return self._invitation(call, row, default=False)

    def _invitation(self, call: Call, row: Row, *, default: bool = True) -> Response:
        if flag(call, "sendEmail", default):
            return Response.json({})
        token = call.twin.ids.mint("activation", 20, alphabet=BASE62)
        signin.put_one_time(call, row, token, days=7)
        url = f"{call.request.base_url}/welcome/{token}"
        return Response.json({"activationUrl": url, "activationToken": token})

    @route("POST", _PATH + "deactivate", "deactivateUser")
    @route("POST", _PATH + "suspend", "suspendUser")
    @route("POST", _PATH + "unsuspend", "unsuspendUser")
    @route("POST", _PATH + "unlock", "unlockUser")
    def change_status(self, call: Call) -> Response:
        """Answers with an empty object."""
        row = _take(call, call.request.segments[-1] or call.request.segments[-2])
        call.twin["things"].delete(("attempts", row["id"]))
        return Response.json({})

    @route("POST", _PATH + "expire_password", "expirePassword")
    def expire_password(self, call: Call) -> Response:
        """Answers with the user."""
        row = _take(call, "expire_password")
        return Response.json(shapes.user(row, call.request.base_url, full=True))

    @route("POST", _PATH + "expire_password_with_temp_password", "expirePasswordWithTempPassword")
    def expire_with_temporary(self, call: Call) -> Response:
        """Answers with a temporary password."""
        row = _take(call, "expire_password")
        password = call.twin.ids.mint("temporary", 8)
        draft = call.twin["users"].draft(row["id"])
        draft |= {"password": password, "passwordChanged": now(call)}
        call.twin["users"].put(row["id"], draft)
        return Response.json({"tempPassword": password})

    @route("POST", _PATH + "reset_password", "resetPassword")
    def reset_password(self, call: Call) -> Response:
        """With ``sendEmail=false`` answers with the link to reset it."""
        row = _take(call, "reset_password")
        if flag(call, "sendEmail", True):
            return Response.json({})
        token = call.twin.ids.mint("reset", 20, alphabet=BASE62)
        signin.put_one_time(call, row, token, days=1)
        url = f"{call.request.base_url}/signin/reset-password/{token}"
        return Response.json({"resetPasswordUrl": url})

    @route("POST", _PATH + "reset_factors", "resetFactors")
    def reset_factors(self, call: Call) -> Response:
        """Takes away all factors of a user."""
        row = find_user(call, call.params["id"], alive=True)
        things = call.twin["things"]
        for key in list(things.find("of", ("factors", row["id"]))):
            things.delete(key)
        changes.log(call, "user.mfa.factor.reset_all", row)
        return Response.json({})

    @route("POST", _CREDENTIALS + "change_password", "changePassword")
    def change_password(self, call: Call) -> Response:
        """Needs the old password."""
        row = find_user(call, call.params["userId"], alive=True)
        body = body_object(call)
        old = body.get("oldPassword")
        if not isinstance(old, dict) or old.get("value") != row["password"]:
            raise errors.refuse(
                call,
                403,
                "E0000014",
                "Update of credentials failed",
                "Old Password is not correct",
            )
        password = check_password(call, body.get("newPassword"), row["profile"]["login"])
        if password is None:
            raise errors.invalid(call, "newPassword", "newPassword: The field cannot be left blank")
        return self._new_credentials(call, row, password=password)

    @route("POST", _CREDENTIALS + "change_recovery_question", "changeRecoveryQuestion")
    def change_recovery_question(self, call: Call) -> Response:
        """Needs the password."""
        row = find_user(call, call.params["userId"], alive=True)
        body = body_object(call)
        given = body.get("password")
        if not isinstance(given, dict) or given.get("value") != row["password"]:
            raise errors.refuse(
                call, 403, "E0000014", "Update of credentials failed", "Password is not correct"
            )
        recovery = check_recovery(call, body.get("recovery_question"))
        if recovery is None:
            sentence = "recovery_question: The field cannot be left blank"
            raise errors.invalid(call, "recovery_question", sentence)
        return self._new_credentials(call, row, recovery=recovery)

    @route(
        "POST", _CREDENTIALS + "forgot_password_recovery_question", "forgotPasswordSetNewPassword"
    )
    def forgot_password(self, call: Call) -> Response:
        """Sets a new password for who knows the answer."""
        row = find_user(call, call.params["userId"], alive=True)
        body = body_object(call)
        asked = body.get("recovery_question")
        answer = asked.get("answer") if isinstance(asked, dict) else None
        if row["recovery"] is None or answer != row["recovery"]["answer"]:
            sentence = "The recovery question answer did not match our records."
            raise errors.refuse(call, 403, "E0000087", sentence)
        password = check_password(call, body.get("password"), row["profile"]["login"])
        if password is None:
            raise errors.invalid(call, "password", "password: The field cannot be left blank")
        return self._new_credentials(call, row, password=password)

    def _new_credentials(
        self, call: Call, row: Row, *, password: str | None = None, recovery: Row | None = None
    ) -> Response:
        when = now(call)
        draft = call.twin["users"].draft(row["id"])
        draft["lastUpdated"] = when
        if password is not None:
            draft |= {"password": password, "passwordChanged": when}
            if row["status"] in ("PASSWORD_EXPIRED", "RECOVERY", "LOCKED_OUT"):
                draft |= {"status": ACTIVE, "statusChanged": when}
            changes.log(call, "user.account.update_password", row)
        if recovery is not None:
            draft["recovery"] = recovery
        call.twin["users"].put(row["id"], draft)
        shown = shapes.credentials_of(draft)
        del shown["emails"]
        return Response.json(shown)


def _take(call: Call, name: str) -> Row:
    """Take a transition and log it, or refuse as Okta does."""
    transition = TRANSITIONS[name]
    row = find_user(call, call.params["id"])
    if row["status"] not in transition.sources:
        raise _refuse(call, transition.refusal, row["id"])
    target = transition.target
    if target == WITH_PASSWORD:
        target = ACTIVE if row["password"] or row.get("provider") else "PROVISIONED"
    row = changes.set_status(call.twin, row["id"], target, now(call))
    changes.log(call, transition.event, row)
    return row


def _refuse(call: Call, refusal: Refusal, key: str) -> Exception:
    summary = refusal.summary.replace("{id}", key)
    return errors.refuse(call, refusal.status, refusal.code, summary, *refusal.causes)
