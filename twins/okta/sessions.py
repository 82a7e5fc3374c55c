"""Sessions (``/api/v1/sessions``), by id and by the browser's cookie."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, parse_time, route

from . import authn, changes, errors, seeds, signin
from .base import body_object
from .resource import Resource, hinted, link, rows_of
from .users import find_user

__all__ = ["RESOURCES"]

_SESSION: Final = "/api/v1/sessions/{sessionId}"


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
        made = signin.spend_session_token(call, str(token))
        if made is None:
            raise errors.refuse(call, 401, "E0000004", "Authentication failed")
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
            "amr": list(row["hidden"].get("amr", ["pwd"])),
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
        row = self.put(call, row, fields={"expiresAt": signin.after(call, hours=2)})
        return Response.json(self.shown(call, row))

    @route("GET", "/api/v1/sessions/me", "getCurrentSession")
    def get_current(self, call: Call) -> Response:
        """The session of the browser's cookie."""
        return Response.json(self._shown(call, self._current(call), "me", "me"))

    @route("DELETE", "/api/v1/sessions/me", "closeCurrentSession")
    def close_current(self, call: Call) -> Response:
        """204; the browser is signed out."""
        self.remove(call.twin, self._current(call))
        return signin.cookie(Response(204), None)

    @route("POST", "/api/v1/sessions/me/lifecycle/refresh", "refreshCurrentSession")
    def refresh_current(self, call: Call) -> Response:
        """Another two hours."""
        row = self._current(call)
        row = self.put(call, row, fields={"expiresAt": signin.after(call, hours=2)})
        return Response.json(self._shown(call, row, "me", "me"))

    def _current(self, call: Call) -> Row:
        row = signin.session_of(call)
        if row is None:
            raise errors.not_found(call, "me", self.kind)
        return row

    @route("DELETE", "/api/v1/users/{userId}/sessions", "revokeUserSessions")
    def revoke_all(self, call: Call) -> Response:
        """204; ends all sessions of a user."""
        user = find_user(call, call.params["userId"])
        for row in self.rows(call.twin):
            if row["hidden"]["user"] == user["id"]:
                self.remove(call.twin, row)
        changes.log(call, "user.session.clear", user)
        return Response(204)


RESOURCES: Final = (*authn.RESOURCES, Sessions())
