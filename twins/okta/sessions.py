"""Primary authentication (``/api/v1/authn``) and sessions."""

from datetime import timedelta
from typing import Any, ClassVar, Final

from factory_tui.universe import BASE62, Call, Response, Row, iso, parse_time, route

from . import changes, errors, seeds
from .base import body_object, now
from .fields import checked
from .resource import Resource, hinted, link, put_thing, rows_of
from .users import find_user

__all__ = ["RESOURCES"]

_SESSION: Final = "/api/v1/sessions/{sessionId}"
_ATTEMPTS: Final = 10
_LETTERS: Final = BASE62 + "-_"


def _after(call: Call, **more: int) -> str:
    return iso(call.twin.clock.now() + timedelta(**more))[:19] + ".000Z"


def _failed(call: Call) -> Exception:
    return errors.refuse(call, 401, "E0000004", "Authentication failed")


class Authentication(Resource):
    """``/api/v1/authn``: a password for a token that is good once, for five minutes."""

    name = "authn"
    kind = "Authentication"
    path = "/api/v1/authn"
    verbs = ""

    @route("POST", "/api/v1/authn", "authenticate")
    def authenticate(self, call: Call) -> Response:
        """SUCCESS, or what stands in the way: PASSWORD_EXPIRED, MFA_REQUIRED, LOCKED_OUT."""
        body = checked(
            call, body_object(call), "username:str! password:str! options:dict context:dict"
        )
        users = call.twin["users"]
        user = users.first("login", body["username"].lower())
        if user is None or user["status"] in (
            "STAGED",
            "DEPROVISIONED",
            "SUSPENDED",
            "PROVISIONED",
        ):
            raise _failed(call)
        if user["status"] == "LOCKED_OUT":
            return Response.json({"status": "LOCKED_OUT", "_links": {}})
        if user["password"] is None or user["password"] != body["password"]:
            self._count(call, user)
            raise _failed(call)
        call.twin["things"].delete(("attempts", user["id"]))
        until = _after(call, minutes=5)
        profile = user["profile"]
        names = ("login", "firstName", "lastName")
        person = {
            "id": user["id"],
            "passwordChanged": user["passwordChanged"],
            "profile": {
                **{name: profile.get(name) for name in names},
                "locale": profile.get("locale") or "en_US",
                "timeZone": profile.get("timezone") or "America/Los_Angeles",
            },
        }
        cancel = {"cancel": hinted(link(call, "authn/cancel"), "POST")}
        token = call.twin.ids.mint("session_token", 50, prefix="2011", alphabet=_LETTERS)
        answer: dict[str, Any] = {"expiresAt": until, "status": "SUCCESS"}
        if user["status"] in ("PASSWORD_EXPIRED", "RECOVERY"):
            answer |= {"status": "PASSWORD_EXPIRED", "stateToken": token}
        else:
            answer["sessionToken"] = token
            hidden = {"user": user["id"], "until": until}
            put_thing(call.twin, "session_tokens", "", {}, id=token, hidden=hidden)
            draft = users.draft(user["id"])
            draft["lastLogin"] = now(call)
            users.put(user["id"], draft)
            changes.log_about(call, "user.session.start", "User login to Okta")
        return Response.json({**answer, "_embedded": {"user": person}, "_links": cancel})

    def _count(self, call: Call, user: Row) -> None:
        """Ten wrong passwords in a row lock a user out."""
        row = call.twin["things"].get(("attempts", user["id"]))
        count = 1 + (row["fields"]["count"] if row is not None else 0)
        put_thing(call.twin, "attempts", "", {"count": count}, id=user["id"])
        if count >= _ATTEMPTS and user["status"] == "ACTIVE":
            changes.set_status(call.twin, user["id"], "LOCKED_OUT", now(call))


class Sessions(Resource):
    """``/api/v1/sessions``; a session lasts two hours, and as long again when refreshed."""

    name = "sessions"
    kind = "AppSession"
    path = _SESSION
    verbs: ClassVar[str] = "get delete"
    unique = ""

    @route("POST", "/api/v1/sessions", "createSession")
    def create_session(self, call: Call) -> Response:
        """With a session token, which is good once."""
        body = body_object(call) if call.request.body else {}
        token = body.get("sessionToken")
        if token is None:
            raise errors.bodies_malformed(call)
        things = call.twin["things"]
        row = things.get(("session_tokens", str(token)))
        if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
            raise _failed(call)
        things.delete(("session_tokens", str(token)))
        key = call.twin.ids.mint("session", 22, prefix="102", alphabet=_LETTERS)
        fields = {"expiresAt": _after(call, hours=2)}
        hidden = {"user": row["hidden"]["user"]}
        made = put_thing(call.twin, "sessions", "", fields, id=key, hidden=hidden)
        return Response.json(self._shown(call, made, "me", "me"))

    def by_key(self, call: Call, key: str, owner: str = "") -> Row:
        """One that has not expired, and whose user is still there."""
        row = super().by_key(call, key, owner)
        expired = parse_time(row["fields"]["expiresAt"]) < call.twin.clock.now()
        if expired or row["hidden"]["user"] not in call.twin["users"]:
            raise errors.not_found(call, key, self.kind)
        return row

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The session."""
        return self._shown(call, row, row["id"], row["hidden"]["user"])

    def _shown(self, call: Call, row: Row, key: str, whose: str) -> dict[str, Any]:
        user = call.twin["users"][row["hidden"]["user"]]
        href = link(call, f"sessions/{key}")
        mfa = any(f["status"] == "ACTIVE" for f in rows_of(call.twin, "factors", user["id"]))
        return {
            "id": row["id"],
            "userId": user["id"],
            "login": user["profile"]["login"],
            "createdAt": row["created"],
            "expiresAt": row["fields"]["expiresAt"],
            "status": "ACTIVE",
            "lastPasswordVerification": row["created"],
            "lastFactorVerification": None,
            "amr": ["pwd"],
            "idp": {"id": call.twin["org"]["org"]["id"], "type": "OKTA"},
            "mfaActive": mfa,
            "_links": {
                "self": hinted(href, "GET", "DELETE"),
                "refresh": hinted(f"{href}/lifecycle/refresh", "POST"),
                "user": hinted(link(call, f"users/{whose}"), "GET", name=seeds.full_name(user)),
            },
        }

    @route("POST", _SESSION + "/lifecycle/refresh", "")
    def refresh(self, call: Call) -> Response:
        """Another two hours."""
        row = self.find(call)
        row = self.put(call, row, fields={"expiresAt": _after(call, hours=2)})
        return Response.json(self.shown(call, row))

    @route("DELETE", "/api/v1/users/{userId}/sessions", "revokeUserSessions")
    def revoke_all(self, call: Call) -> Response:
        """204; ends all sessions of a user."""
        user = find_user(call, call.params["userId"])
        for row in self.rows(call.twin):
            if row["hidden"]["user"] == user["id"]:
                self.remove(call.twin, row)
        changes.log(call, "user.session.clear", user)
        return Response(204)


RESOURCES: Final = (Authentication(), Sessions())
