"""How a user proves who they are: password, lock-out, and the factor a sign-on policy asks for."""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final

from factory_tui.universe import BASE62, DIGITS, Call, Response, Row, Twin, iso, parse_time

from . import changes
from .base import now
from .factors import totp
from .resource import put_thing, rows_of

__all__ = [
    "SESSION_COOKIE",
    "after",
    "answers",
    "check_password",
    "cookie",
    "end_session",
    "factors_of",
    "new_session",
    "put_one_time",
    "send_code",
    "session_of",
    "session_token",
    "sign_on_rule",
    "spend_session_token",
]

SESSION_COOKIE: Final = "sid"
_ATTEMPTS: Final = 10
_LETTERS: Final = BASE62 + "-_"
_CANNOT: Final = frozenset({"STAGED", "DEPROVISIONED", "SUSPENDED", "PROVISIONED"})
_ADDRESS: Final = "127.0.0.1"


def after(call: Call, **more: int) -> str:
    """The virtual time so much later, as Okta writes it."""
    return iso(call.twin.clock.now() + timedelta(**more))[:19] + ".000Z"


def check_password(call: Call, login: str, password: str) -> Row | None:
    """The user whose login and password these are, locked out or expired ones too."""
    user = call.twin["users"].first("login", login.lower())
    if user is None or user["status"] in _CANNOT:
        return None
    if user["status"] == "LOCKED_OUT":
        return user
    if user["password"] is None or user["password"] != password:
        _count(call, user)
        return None
    call.twin["things"].delete(("attempts", user["id"]))
    return user


def _count(call: Call, user: Row) -> None:
    """Ten wrong passwords in a row lock a user out."""
    row = call.twin["things"].get(("attempts", user["id"]))
    count = 1 + (row["fields"]["count"] if row is not None else 0)
    put_thing(call.twin, "attempts", "", {"count": count}, id=user["id"])
    if count >= _ATTEMPTS and user["status"] == "ACTIVE":
        changes.set_status(call.twin, user["id"], "LOCKED_OUT", now(call))


# -- what a policy asks for


def sign_on_rule(call: Call, user: Row) -> Row | None:
    """What the first sign-on rule that fits says; ``None`` when no policy has one that does."""
    twin = call.twin
    mine = {str(key[0]) for key in twin["members"].find("user", user["id"])}
    mine |= {str(key) for key, row in twin["groups"].items() if row["type"] == "BUILT_IN"}
    policies = [
        row
        for row in rows_of(twin, "policies")
        if row["fields"]["type"] == "OKTA_SIGN_ON" and row["status"] == "ACTIVE"
    ]
    policies.sort(key=lambda r: (r["fields"]["system"], r["fields"]["priority"], r["n"]))
    for policy in policies:
        people = (policy["fields"]["conditions"] or {}).get("people") or {}
        groups = (people.get("groups") or {}).get("include")
        if groups is not None and not mine & set(groups):
            continue
        rules = [r for r in rows_of(twin, "policy_rules", policy["id"]) if r["status"] == "ACTIVE"]
        rules.sort(key=lambda r: (r["fields"]["system"], r["fields"]["priority"], r["n"]))
        for rule in rules:
            if _fits(twin, rule["fields"]["conditions"] or {}, user):
                found: Row = rule["fields"]["actions"]["signon"]
                return found
    return None


def _fits(twin: Twin, conditions: dict[str, Any], user: Row) -> bool:
    users = (conditions.get("people") or {}).get("users") or {}
    if user["id"] in (users.get("exclude") or []):
        return False
    network = conditions.get("network") or {}
    if network.get("connection", "ANYWHERE") != "ZONE":
        return True
    include, exclude = network.get("include") or [], network.get("exclude") or []
    if include and not any(_inside(twin, key) for key in include):
        return False
    return not any(_inside(twin, key) for key in exclude)


def _inside(twin: Twin, zone: str) -> bool:
    """Whether callers, all of whom are on this machine, are in an IP zone."""
    row = twin["things"].get(("zones", zone))
    if row is None or row["status"] != "ACTIVE":
        return False
    for gateway in row["fields"].get("gateways") or []:
        value = str(gateway.get("value", ""))
        try:
            if gateway.get("type") == "RANGE":
                first, _, last = value.partition("-")
                low, high = ip_address(first.strip()), ip_address((last or first).strip())
                if int(low) <= int(ip_address(_ADDRESS)) <= int(high):
                    return True
            elif ip_address(_ADDRESS) in ip_network(value, strict=False):
                return True
        except ValueError:
            continue
    return False


def factors_of(twin: Twin, user: Row) -> list[Row]:
    """The user's active factors."""
    return [row for row in rows_of(twin, "factors", user["id"]) if row["status"] == "ACTIVE"]


def answers(call: Call, factor: Row, given: str) -> bool:
    """Whether that is the factor's passcode, or the answer to its question."""
    hidden = factor["hidden"]
    if factor["fields"]["factorType"] == "question":
        return bool(given) and given == hidden.get("answer")
    if hidden.get("secret"):
        step = call.twin.clock.epoch() // 30
        return given in {totp(hidden["secret"], step + offset) for offset in (-1, 0, 1)}
    if hidden.get("code"):
        return given == hidden["code"] and parse_time(hidden["until"]) >= call.twin.clock.now()
    return False


def send_code(call: Call, factor: Row) -> None:
    """A fresh code, which lasts five minutes."""
    code = call.twin.ids.mint("otp", 6, alphabet=DIGITS)
    hidden = {**factor["hidden"], "code": code, "until": after(call, minutes=5)}
    call.twin["things"].put(("factors", factor["key"]), {**factor, "hidden": hidden})


def put_one_time(call: Call, user: Row, token: str, **lasting: int) -> None:
    """Note a token that an invitation or a reset carries; it leads to a new password."""
    hidden = {"user": user["id"], "until": after(call, **lasting)}
    put_thing(call.twin, "one_time_tokens", "", {}, user["id"], id=token, hidden=hidden)


# -- sessions


def session_token(call: Call, user: Row, amr: list[str]) -> str:
    """A token that is good once, for five minutes; the user has signed in."""
    token = call.twin.ids.mint("session_token", 50, prefix="2011", alphabet=_LETTERS)
    hidden = {
        "user": user["id"],
        "until": after(call, minutes=5),
        "amr": amr,
        "authTime": call.twin.clock.epoch(),
    }
    put_thing(call.twin, "session_tokens", "", {}, id=token, hidden=hidden)
    return token


def spend_session_token(call: Call, token: str) -> Row | None:
    """A new session for a session token; ``None`` for one that is spent, too old or none."""
    things = call.twin["things"]
    row = things.get(("session_tokens", token))
    if row is None or parse_time(row["hidden"]["until"]) < call.twin.clock.now():
        return None
    things.delete(("session_tokens", token))
    if row["hidden"]["user"] not in call.twin["users"]:
        return None
    return new_session(call, row["hidden"])


def new_session(call: Call, about: Row) -> Row:
    """A session of two hours; ``about`` has ``user``, ``amr`` and ``authTime``."""
    key = call.twin.ids.mint("session", 22, prefix="102", alphabet=_LETTERS)
    fields = {"expiresAt": after(call, hours=2)}
    hidden = {name: about[name] for name in ("user", "amr", "authTime") if name in about}
    return put_thing(call.twin, "sessions", "", fields, id=key, hidden=hidden)


def session_of(call: Call) -> Row | None:
    """The live session that the request's cookie names."""
    for part in call.request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION_COOKIE:
            row = call.twin["things"].get(("sessions", value.strip('"')))
            if row is None or parse_time(row["fields"]["expiresAt"]) < call.twin.clock.now():
                continue
            user = call.twin["users"].get(row["hidden"]["user"])
            if user is not None and user["status"] not in _CANNOT:
                return row
    return None


def cookie(response: Response, session: Row | None) -> Response:
    """Set the session's cookie, or clear it."""
    value = session["id"] if session is not None else ""
    gone = "" if session is not None else "; Max-Age=0"
    text = f"{SESSION_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{gone}"
    response.headers.append(("set-cookie", text))
    return response


def end_session(call: Call, session: Row) -> None:
    """Sign the user out."""
    call.twin["things"].delete(("sessions", session["key"]))
