"""``/rest/auth``: sessions with a cookie (Data Center), and what is known of the caller's."""

from typing import Any, Final

from factory_tui.universe import Response

from .context import Context, empty, operation, reply
from .errors import JiraError

__all__ = ["COOKIE", "OPEN"]

COOKIE: Final = "JSESSIONID"
OPEN: Final = frozenset({"loginSession"})
"""Operations that need no login."""


def _info(c: Context) -> dict[str, Any]:
    return {"failedLoginCount": 0, "loginCount": 1, "previousLoginTime": c.now}


for _version in ("1", "latest"):
    _PATH = f"/rest/auth/{_version}/session"

    @operation("GET", _PATH, f"currentSession_{_version}")
    def current(c: Context) -> Response:
        """Who is logged in."""
        name = c.user["name"] if c.user else ""
        address = f"{c.call.request.base_url}/rest/api/latest/user?username={name}"
        return reply({"self": address, "name": name, "loginInfo": _info(c)})

    @operation("POST", _PATH, "loginSession")
    def login(c: Context) -> Response:
        """Log in with name and password (or token); Cloud knows only basic authentication."""
        if c.cloud:
            raise JiraError(
                403, "Basic authentication with passwords is deprecated. Use an API token."
            )
        body = c.body()
        secret = str(body.get("password") or "")
        token = c["tokens"].get(secret)
        user = c["users"].get(token["user"]) if token else None
        named = str(body.get("username") or "").lower()
        if user is None or named not in (user["name"], user["email"].lower()):
            raise JiraError(401, "Login failed")
        session = {"name": COOKIE, "value": secret}
        answer = reply({"session": session, "loginInfo": _info(c)})
        answer.headers.append(("set-cookie", f"{COOKIE}={secret}; Path=/; HttpOnly"))
        return answer

    @operation("DELETE", _PATH, f"logoutSession_{_version}")
    def logout(c: Context) -> Response:
        """Log out."""
        answer = empty()
        answer.headers.append(("set-cookie", f"{COOKIE}=; Path=/; Max-Age=0"))
        return answer


@operation("DELETE", "/rest/auth/1/websudo", "releaseWebsudo")
def release(c: Context) -> Response:
    """Give up an administrator's session."""
    return empty()
