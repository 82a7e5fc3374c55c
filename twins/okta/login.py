"""The organisation's sign-in page, its session cookie, and the page where devices are activated."""

from typing import Final
from urllib.parse import quote, urlencode

from factory_tui.universe import Call, Refused, Response, Row, parse_time, route

from . import changes, oauth_pages, signin
from .base import now
from .oauth_core import Refusal, form_of
from .resource import put_thing
from .users import check_password

__all__ = ["Login"]

_FORM: Final = "/login/login.htm"
_HOME: Final = "/app/UserHome"
_STEP_SECONDS: Final = 300


class Login:
    """``/login`` and ``/activate``: what people see in a browser."""

    @route("GET", _FORM, "signInPage")
    @route("GET", "/signin", "signInPage")
    def sign_in_page(self, call: Call) -> Response:
        """The form."""
        return _page(_local(call.request.query.get("fromURI", "")), "")

    @route("POST", _FORM, "signIn")
    def sign_in(self, call: Call) -> Response:
        """With user name and password; goes on to ``fromURI`` with a session's cookie."""
        form = _form(call)
        back = _local(form.get("fromURI", ""))
        login = form.get("username", "")
        user = signin.check_password(call, login, form.get("password", ""))
        if user is None:
            return _page(back, login, "Unable to sign in")
        if user["status"] == "LOCKED_OUT":
            return _page(back, login, "Your account is locked. Contact your administrator.")
        rule = signin.sign_on_rule(call, user) or {}
        if rule.get("access") == "DENY":
            return _page(back, login, "You are not allowed to access this application.")
        if user["status"] in ("PASSWORD_EXPIRED", "RECOVERY"):
            return _password_page(_step(call, user, back), "")
        if rule.get("requireFactor"):
            return _factor_page(call, _step(call, user, back), "")
        return _in(call, user, back, ["pwd"])

    @route("POST", "/login/password", "changeExpiredPassword")
    def change_expired_password(self, call: Call) -> Response:
        """The new password of a user whose old one has expired."""
        form = _form(call)
        step = _known_step(call, form)
        if step is None:
            return oauth_pages.error_page("The sign-in has expired.")
        user = call.twin["users"][step["hidden"]["user"]]
        try:
            value = {"value": form.get("newPassword", "")}
            password = check_password(call, value, user["profile"]["login"])
        except Refused:
            password = None
        if password is None:
            return _password_page(step, "Password requirements were not met.")
        draft = call.twin["users"].draft(user["id"])
        draft |= {"password": password, "passwordChanged": now(call), "status": "ACTIVE"}
        call.twin["users"].put(user["id"], draft)
        changes.log(call, "user.account.update_password", user)
        return _in(call, draft, step["hidden"]["back"], ["pwd"])

    @route("POST", "/login/factor", "answerFactor")
    def answer_factor(self, call: Call) -> Response:
        """The passcode or answer of a factor."""
        form = _form(call)
        step = _known_step(call, form)
        if step is None:
            return oauth_pages.error_page("The sign-in has expired.")
        user = call.twin["users"][step["hidden"]["user"]]
        given = form.get("passCode", "")
        for factor in signin.factors_of(call.twin, user):
            if signin.answers(call, factor, given):
                call.twin["things"].delete(("signin_steps", step["key"]))
                kind = "kba" if factor["fields"]["factorType"] == "question" else "otp"
                return _in(call, user, step["hidden"]["back"], ["pwd", kind, "mfa"])
        return _factor_page(call, step, "Your token doesn't match our records.")

    @route("GET", "/login/sessionCookieRedirect", "sessionCookieRedirect")
    def session_cookie_redirect(self, call: Call) -> Response:
        """A session token becomes a cookie; goes on to ``redirectUrl``."""
        query = call.request.query
        target = query.get("redirectUrl") or _HOME
        base = call.request.base_url
        if not (target.startswith(base + "/") or _local(target) == target):
            return oauth_pages.error_page("The 'redirectUrl' parameter is not trusted.")
        session = signin.spend_session_token(call, query.get("token", ""))
        if session is None:
            return _to(f"{_FORM}?{urlencode({'fromURI': target})}")
        return signin.cookie(_to(target), session)

    @route("GET", "/login/signout", "signOut")
    def sign_out(self, call: Call) -> Response:
        """Ends the browser's session; ``fromURI`` may say where to go then."""
        session = signin.session_of(call)
        if session is not None:
            signin.end_session(call, session)
        target = _local(call.request.query.get("fromURI", ""), _FORM)
        return signin.cookie(_to(target), None)

    @route("GET", _HOME, "userHome")
    def user_home(self, call: Call) -> Response:
        """Where people are who have signed in."""
        session = signin.session_of(call)
        if session is None:
            return _to(f"{_FORM}?{urlencode({'fromURI': _HOME})}")
        user = call.twin["users"][session["hidden"]["user"]]
        return oauth_pages.message_page("My Apps", f"Signed in as {user['profile']['login']}.")

    # -- devices

    @route("GET", "/activate", "activateDevicePage")
    def activate_page(self, call: Call) -> Response:
        """Asks for the code that a device shows."""
        code = call.request.query.get("user_code", "")
        if signin.session_of(call) is None:
            back = f"/activate?{urlencode({'user_code': code})}" if code else "/activate"
            return _to(f"{_FORM}?{urlencode({'fromURI': back})}")
        return _device_page(code, "")

    @route("POST", "/activate", "activateDeviceByCode")
    def activate_device(self, call: Call) -> Response:
        """Allows or denies the device whose code it is."""
        session, form = signin.session_of(call), _form(call)
        if session is None:
            return _to(f"{_FORM}?{urlencode({'fromURI': '/activate'})}")
        wanted = form.get("user_code", "").replace("-", "").upper()
        things = call.twin["things"]
        for key in things.find("of", ("device_codes", "")):
            row = things[key]
            held = row["hidden"]
            fresh = call.twin.clock.epoch() < held["until"]
            if fresh and held["userCode"] == wanted and held["state"] == "pending":
                allowed = form.get("answer", "allow") == "allow"
                told = {
                    "state": "allowed" if allowed else "denied",
                    "user": session["hidden"]["user"],
                    "authTime": session["hidden"].get("authTime", 0),
                    "amr": list(session["hidden"].get("amr", ["pwd"])),
                }
                things.put(key, {**row, "hidden": {**held, **told}})
                says = "Device activated" if allowed else "Device denied"
                return oauth_pages.message_page(says, "You can close this window.")
        return _device_page(wanted, "Invalid code. Try again.")


def _form(call: Call) -> dict[str, str]:
    try:
        return form_of(call)
    except Refusal:
        return {}


def _local(target: str, otherwise: str = _HOME) -> str:
    """``target`` if it is a path of this organisation: nobody is sent elsewhere."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if inside and "\r" not in target and "\n" not in target else otherwise


def _to(target: str) -> Response:
    return Response(302, b"", [("location", quote(target, safe="/:?&=%#+~.,;@!$'()*[]-_"))])


def _in(call: Call, user: Row, back: str, amr: list[str]) -> Response:
    """A session, its cookie, and on to where the user wanted to be."""
    users = call.twin["users"]
    draft = users.draft(user["id"])
    draft["lastLogin"] = now(call)
    users.put(user["id"], draft)
    changes.log_about(call, "user.session.start", "User login to Okta")
    about = {"user": user["id"], "amr": amr, "authTime": call.twin.clock.epoch()}
    return signin.cookie(_to(back), signin.new_session(call, about))


def _page(back: str, login: str, problem: str = "") -> Response:
    fields = [("username", "Username", "text", login), ("password", "Password", "password", "")]
    hidden = {"fromURI": back}
    status = 401 if problem else 200
    return oauth_pages.form_page("Sign In", _FORM, hidden, fields, problem=problem, status=status)


# -- what stands between the password and the session


def _step(call: Call, user: Row, back: str) -> Row:
    key = call.twin.ids.mint("signin_step", 43)
    hidden = {"user": user["id"], "back": back, "until": signin.after(call, seconds=_STEP_SECONDS)}
    return put_thing(call.twin, "signin_steps", "", {}, id=key, hidden=hidden)


def _known_step(call: Call, form: dict[str, str]) -> Row | None:
    row = call.twin["things"].get(("signin_steps", form.get("stateToken", "")))
    if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
        return None
    return row if row["hidden"]["user"] in call.twin["users"] else None


def _password_page(step: Row, problem: str) -> Response:
    fields = [("newPassword", "New password", "password", "")]
    hidden = {"stateToken": step["id"]}
    title = "Your password has expired"
    return oauth_pages.form_page(
        title,
        "/login/password",
        hidden,
        fields,
        buttons=(("", "Change password"),),
        problem=problem,
    )


def _factor_page(call: Call, step: Row, problem: str) -> Response:
    user = call.twin["users"][step["hidden"]["user"]]
    factors = signin.factors_of(call.twin, user)
    if not factors:
        call.gap("enrolling a factor at the sign-in page")
        return oauth_pages.error_page("Set up multifactor authentication through the API first.")
    kinds = ", ".join(factor["fields"]["factorType"] for factor in factors)
    fields = [("passCode", f"Enter the code or answer ({kinds})", "text", "")]
    return oauth_pages.form_page(
        "Verify with something else",
        "/login/factor",
        {"stateToken": step["id"]},
        fields,
        buttons=(("", "Verify"),),
        problem=problem,
        status=401 if problem else 200,
    )


def _device_page(code: str, problem: str) -> Response:
    return oauth_pages.form_page(
        "Activate your device",
        "/activate",
        {},
        [("user_code", "Activation Code", "text", code)],
        buttons=(("allow", "Allow"), ("deny", "Deny")),
        problem=problem,
    )
