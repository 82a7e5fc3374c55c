"""The pack: finds the operation, checks who calls, answers in Jira's dialect."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from factory_tui.universe import (
    ORGS,
    Allowance,
    ApplyError,
    Call,
    Delivery,
    IndexFn,
    Limit,
    Outcome,
    Outgoing,
    Pack,
    Reply,
    Request,
    Response,
    Row,
    Seed,
    SeedTables,
    Twin,
    org,
)

from . import (
    areas,  # noqa: F401 - registers the operations
    hooks,
    ratelimits,
    scenario,
    sessions,
    tasks,
)
from .config import CONFIG_TABLES, ISSUE_INDEXES, config_tables
from .context import OPERATIONS, Context, Function
from .enterprise import LARGE, furnish
from .errors import TYPE, JiraError
from .fields import SCREENED
from .seed import BOT_EMAIL, SEEDS, TABLES, seed_tables

__all__ = ["Jira"]

_DESCRIBED: Final = Path(__file__).with_name("operations.json")
_OPEN: Final = frozenset({"getServerInfo"})
"""Operations that need no login."""

_UNKNOWN_CALLER: Final = "Client must be authenticated to access this resource."


class Jira(Pack):
    """A Jira site, Cloud or Data Center."""

    name: ClassVar[str] = "jira"
    hosts: ClassVar[tuple[str, ...]] = ("*.atlassian.net",)
    tables: ClassVar[Mapping[str, Mapping[str, IndexFn]]] = {
        **TABLES,
        **CONFIG_TABLES,
        "issues": {**TABLES["issues"], **ISSUE_INDEXES},
    }
    seeds: ClassVar[tuple[str, ...]] = SEEDS

    def __init__(self) -> None:
        super().__init__()
        self.ops.update(scenario.OPS)
        for method, path, name in json.loads(_DESCRIBED.read_text()):
            self.routes.add(method, path, name)
        for item in OPERATIONS:
            self.routes.add(item.method, item.path, item.name, _handler(item.function))

    def implemented(self) -> list[tuple[str, str]]:
        """Method and path (below the API's version) of every implemented operation."""
        return sorted((item.method, item.path) for item in OPERATIONS)

    def seed(self, seed: Seed) -> SeedTables:
        """A site with the organisation's people."""
        name = seed.name.removesuffix("-dc")
        if name != seed.name and name in ORGS:
            # The kernel knows the organisations by their own names only.
            seed = Seed(seed.name, org(name), seed.ids)
        seeded = seed_tables(seed)
        if name in LARGE:
            bot = next(str(row["user"]) for row in seeded["tokens"].values())
            furnish(seed, seeded, bot)
        return {**seeded, **config_tables(seeded, list(SCREENED))}

    def principal(self, twin: Twin, request: Request) -> str:
        """The email of the account that calls."""
        row, _ = _caller(twin, request)
        return str(row["email"]) if row else ""

    def match(self, call: Call) -> None:
        """Operations are looked up without the API's version, which says how they answer."""
        parts = call.request.segments
        version = ""
        if len(parts) > 3 and parts[:2] == ["rest", "api"]:
            version, parts = parts[2], parts[3:]
            served = ("3", "2", "latest") if _is_cloud(call.twin) else ("2", "latest")
            if version not in served:
                return
        call.scratch["v3"] = version == "3"
        found = self.routes.match(call.request.method, parts)
        if found is not None:
            call.operation = found.operation
            call.params = found.params
            call.handler = found.handler
            call.allowed = found.allowed

    def before(self, call: Call) -> Response | None:
        """Who calls: 401 for wrong credentials, and for none where they are needed."""
        row, given = _caller(call.twin, call.request)
        if row is None and (given or call.operation not in _OPEN | sessions.OPEN):
            return _unauthorised(call, given=given)
        call.scratch["user"] = row
        return None

    def answer(self, call: Call) -> Response:
        """The usual order; Jira's errors are raised by the operations."""
        tasks.catch_up(call.twin)
        try:
            return super().answer(call)
        except JiraError as error:
            return error.response()

    def finish(self, call: Call, response: Response) -> None:
        """The headers Jira always sends."""
        number = call.twin.ids.number("request")
        response.headers += [
            ("x-arequestid", f"{number:064x}"[:32]),
            ("cache-control", "no-cache, no-store, no-transform"),
            ("x-content-type-options", "nosniff"),
        ]
        user = call.scratch.get("user")
        if user is not None:
            account = user["id"] if _is_cloud(call.twin) else user["name"]
            name = "x-aaccountid" if _is_cloud(call.twin) else "x-ausername"
            response.headers.append((name, str(account)))
        if _is_cloud(call.twin) and response.header("x-ratelimit-limit") is None:
            response.headers += ratelimits.headers_of(call, call.allowance)

    def limit(self, call: Call) -> Limit | None:
        """Requests per second and endpoint, or writes to one issue; Data Center has none."""
        return ratelimits.limit_of(call) if _is_cloud(call.twin) else None

    def limited_response(self, call: Call, allowance: Allowance) -> Response:
        """429; :meth:`finish` adds what the limit is and when it ends."""
        return JiraError(429, _FAULTS[429]).response()

    def revoke(self, call: Call) -> bool:
        """Revoke the token of the call."""
        token = _token_of(call.twin, call.request)
        if token is None:
            return False
        call.twin["tokens"].put(token["token"], {**token, "revoked": True})
        return True

    def revoked_response(self, call: Call) -> Response:
        """The answer to credentials that are no longer valid."""
        return _unauthorised(call)

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        """Jira's body for a status; 429 with ``Retry-After`` and the rate limit's headers."""
        sentence = _FAULTS.get(status, "The request could not be processed.")
        refusal = JiraError(status, sentence)
        if status == 429:
            reset = call.twin.clock.now().strftime("%Y-%m-%dT%H:%MZ")
            refusal.headers += [
                ("retry-after", "1"),
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", reset),
                ("ratelimit-reason", "jira-burst-based"),
            ]
        return refusal.response()

    def gap_response(self, call: Call) -> Response:
        """501 that names the operation."""
        return JiraError(501, f"This twin does not implement {call.operation}.").response()

    def unknown_response(self, call: Call) -> Response:
        """405 where only the method is wrong, else the 404 of Jira's REST framework."""
        if call.allowed:
            headers = [("allow", ",".join(call.allowed))]
            body = {"message": "HTTP 405 Method Not Allowed", "status-code": 405}
            return Response.json(body, 405, headers, TYPE)
        url = call.request.base_url + call.request.path
        body = {"message": f"null for uri: {url}", "status-code": 404}
        return Response.json(body, 404, content_type=TYPE)

    def outgoing(self, twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
        """A webhook's request."""
        return hooks.outgoing(delivery)

    def sign(self, delivery: Delivery, outgoing: Outgoing, secret: str, timestamp: int) -> None:
        """``X-Hub-Signature``, for webhooks with a secret."""
        hooks.sign(delivery, outgoing, secret)

    def outcome(self, twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
        """Whether a delivery is repeated."""
        return hooks.outcome(twin, delivery, reply)

    def next_due(self, twin: Twin) -> datetime | None:
        """When the next task is to be carried out."""
        return tasks.next_due(twin)

    def catch_up(self, twin: Twin) -> None:
        """Carry out the tasks that are due."""
        tasks.catch_up(twin)

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        """``JIRA_URL``, ``JIRA_EMAIL`` and ``JIRA_TOKEN`` of the automation."""
        token = next(iter(twin["tokens"].rows()))["token"]
        return {"JIRA_URL": url, "JIRA_EMAIL": BOT_EMAIL, "JIRA_TOKEN": str(token)}

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        """``projects`` and ``issues`` as facts see them."""
        tasks.catch_up(twin)
        return scenario.view(twin)

    def apply(self, twin: Twin, operation: str, args: dict[str, Any]) -> Any:
        """A scenario's change; Jira's errors become the scenario author's."""
        try:
            return super().apply(twin, operation, args)
        except JiraError as error:
            words = [*error.messages, *error.errors.values()]
            raise ApplyError(f"jira {operation}: {' '.join(words)}") from error


_FAULTS: Final = {
    400: "The request is not valid.",
    401: _UNKNOWN_CALLER,
    403: "You do not have permission to perform this operation.",
    404: "The requested resource could not be found.",
    409: "The issue could not be updated because of a conflicting update.",
    429: "Rate limit exceeded.",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service temporarily unavailable. Please try again later.",
    504: "Gateway timeout",
}


def _handler(function: Function) -> Any:
    def run(call: Call) -> Response:
        return function(Context(call, call.scratch.get("user"), v3=call.scratch["v3"]))

    return run


def _unauthorised(call: Call, *, given: bool = True) -> Response:
    refusal = JiraError(401, _UNKNOWN_CALLER)
    if given:
        refusal.headers.append(("x-seraph-loginreason", "AUTHENTICATED_FAILED"))
    realm = 'OAuth realm="' + call.request.base_url.replace(":", "%3A") + '"'
    refusal.headers.append(("www-authenticate", realm))
    return refusal.response()


def _is_cloud(twin: Twin) -> bool:
    return bool(twin["site"]["site"]["deployment"] == "Cloud")


def _secret(twin: Twin, request: Request) -> tuple[str, str]:
    """The secret that was sent, "" for none, and the name that goes with it."""
    header = request.headers.get("authorization", "")
    kind, _, value = header.partition(" ")
    if not header:
        return ("" if _is_cloud(twin) else _cookie(request.headers.get("cookie", "")), "")
    if kind.lower() == "bearer":
        return value.strip(), ""
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return secret, name or "-"
    return "", ""


def _token_of(twin: Twin, request: Request) -> Row | None:
    """The valid token of a request."""
    row = twin["tokens"].get(_secret(twin, request)[0])
    return row if row is not None and not row.get("revoked") else None


def _caller(twin: Twin, request: Request) -> tuple[Row | None, bool]:
    """The account that calls and whether any credentials were given."""
    _, name = _secret(twin, request)
    token = _token_of(twin, request)
    given = "authorization" in request.headers
    user = twin["users"].get(token["user"]) if token else None
    if user is None or not user["active"]:
        return None, given and bool(request.headers["authorization"])
    if name and name.lower() not in (user["email"].lower(), user["name"]):
        return None, True
    return user, True


def _cookie(header: str) -> str:
    """The session in a cookie, "" for none."""
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == sessions.COOKIE:
            return value
    return ""
