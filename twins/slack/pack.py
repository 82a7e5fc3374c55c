"""The pack: finds the method, checks the token, answers in Slack's dialect."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

import orjson

from factory_tui.universe import (
    Allowance,
    ApplyError,
    Call,
    Delivery,
    Header,
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
)
from factory_tui.universe.sockets import Socket

from . import (
    acts,
    admin_teams,
    apps,
    areas,
    calls,
    connect_requests,
    dialogs,
    functions,
    interactions,
    rtm,
    scenario,
    scim,
    settings,
    sockets,
    webhooks,
)
from . import delivery as delivery_
from .body import Arguments, Head, bearer, read_arguments
from .dialect import DESCRIBED, may_answer
from .errors import SlackError
from .method import METHODS, Context, Method
from .open import open_env, open_up
from .seed import TABLES, seed_tables
from .session import Session, session_of

__all__ = ["Slack"]

_TYPE: Final = "application/json; charset=utf-8"
_JSON: Final = Header("content-type", _TYPE)


class Slack(Pack):
    """A Slack workspace."""

    name: ClassVar[str] = "slack"
    hosts: ClassVar[tuple[str, ...]] = ("slack.com", "*.slack.com")
    tables: ClassVar[Mapping[str, Mapping[str, IndexFn]]] = TABLES

    def __init__(self) -> None:
        super().__init__()
        self.ops.update(scenario.OPS)
        self.ops.update(settings.OPS)
        self.ops.update(acts.OPS)
        self.ops.update(dialogs.OPS)
        self.ops.update(functions.OPS)
        self.ops.update(connect_requests.OPS)
        self.ops.update(calls.OPS)
        self.ops.update(admin_teams.OPS)
        self.ops.update(sockets.OPS)
        self.ops.update(webhooks.OPS)

    def implemented(self) -> list[str]:
        """Names of the methods the twin implements."""
        return sorted(METHODS)

    def coverage(self) -> dict[str, bool]:
        """Every method Slack describes, and whether the twin answers it as Slack does."""
        return {name: name in METHODS for name in sorted(DESCRIBED) if name}

    def may_answer(self, name: str, error: str) -> bool:
        """Whether Slack knows that error of that method (or of all of them)."""
        return may_answer(name, error)

    def seed(self, seed: Seed) -> SeedTables:
        """A workspace where everybody has an account and every group a channel."""
        return seed_tables(seed)

    def principal(self, twin: Twin, request: Request) -> str:
        """The name of the user whose token is used."""
        session = session_of(twin, _token(request))
        return "" if session is None else session.name

    def match(self, call: Call) -> None:
        """The operation is the last part of ``/api/METHOD``, whatever the HTTP method."""
        call.plan = plan = call.request.derived(_Plan)
        call.operation = plan.operation

    def identify(self, call: Call) -> str:
        """Likewise; the :class:`Session` is kept."""
        given = call.plan.bearer or _token(call.request)
        call.session = session = session_of(call.twin, given)
        return "" if session is None else session.name

    def answer(self, call: Call) -> Response:
        """Run a method; whatever it is, HTTP says 200."""
        plan: _Plan = call.plan
        tables = call.twin.tables
        if tables["scheduled"].touched:
            areas.catch_up(call.twin)
        if tables["apps"].derived(apps.lack_base):
            apps.note_base(call.twin, plan.base_url)
        if plan.raw is not None:
            return plan.raw(call)
        if not call.operation:
            return self.unknown_response(call)
        warnings: list[str] = []
        try:
            values, warnings = read_arguments(call.request, plan)
            body = self._run(call, plan.method, Arguments(values))
        except SlackError as error:
            body = error.body()
        if warnings:
            _warn(body, warnings)
        return Response(200, orjson.dumps(body), [_JSON])

    def _run(self, call: Call, found: Method | None, args: Arguments) -> dict[str, Any]:
        if found is not None and found.public:
            return {"ok": True, **found.function(Context(call, args, None))}
        token = _authenticate(call, args)
        context = Context(call, args, token)
        if found is None:
            return self._gap(call)
        call.scratch["accepted"] = found.accepted
        if found.name not in call.session.passed:
            _check(found, context)
        return {"ok": True, **found.function(context)}

    def _gap(self, call: Call) -> dict[str, Any]:
        call.gap(call.operation)
        message = f"[ERROR] this twin does not implement {call.operation}"
        return SlackError("fatal_error", message).body()

    def finish(self, call: Call, response: Response) -> None:
        """The headers Slack always sends."""
        headers = response.headers
        headers.append(("x-slack-req-id", call.twin.ids.serial("req")))
        session = call.session
        if session is not None:
            headers.append(session.scopes)
            accepted = call.scratch.get("accepted")
            if accepted is not None:
                headers.append(accepted)

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        """``ratelimited`` with ``Retry-After`` for 429, ``internal_error`` and the like."""
        name = _FAULTS.get(status, "internal_error" if status >= 500 else "request_denied")
        extra = [("retry-after", "1")] if status == 429 else []
        if status < 300:
            name = "internal_error"
        if call.operation == "scim":
            answer = scim.error_response(status if status >= 400 else 500, name)
            answer.headers.extend(extra)
            return answer
        return Response.json({"ok": False, "error": name}, status, extra, _TYPE)

    def gap_response(self, call: Call) -> Response:
        """``fatal_error`` with a message that names the method."""
        return Response.json(self._gap(call), content_type=_TYPE)

    def unknown_response(self, call: Call) -> Response:
        """``unknown_method`` below ``/api/``, a 404 page elsewhere."""
        parts = call.request.segments
        if parts and parts[0] == "api":
            name = "/".join(parts[1:])
            body = {"ok": False, "error": "unknown_method", "req_method": name}
            return Response.json(body, content_type=_TYPE)
        return Response.html("<!DOCTYPE html><title>404 | Slack</title><h1>404</h1>", 404)

    # -- events and Socket Mode

    def outgoing(self, twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
        """An event, a command or an action in Slack's wire format."""
        return delivery_.outgoing(delivery)

    def sign(self, delivery: Delivery, outgoing: Outgoing, secret: str, timestamp: int) -> None:
        """``X-Slack-Signature`` v0."""
        delivery_.sign(delivery, outgoing, secret, timestamp)

    def outcome(self, twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
        """Retry events; let the answer to a person's action take effect."""
        kind = delivery.subscription.data["kind"]
        if kind == "url_verification":
            return settings.verified(twin, delivery, reply)
        if kind == "rtm":
            return "delivered" if reply.ok else "failed"
        if kind == "events_api":
            return delivery_.retry_outcome(reply)
        return interactions.answered(twin, delivery, reply)

    def socket_channel(self, call: Call) -> str | None:
        """The app of a Socket Mode connection, or the session of a Real Time Messaging one."""
        parts = call.request.segments
        if len(parts) == 2 and parts[0] == "websocket":
            return rtm.channel(call)
        return sockets.channel(call)

    def socket_opened(self, twin: Twin, socket: Socket) -> None:
        """``hello``."""
        (rtm if socket.channel.startswith(rtm.PREFIX) else sockets).opened(twin, socket)

    def socket_message(self, twin: Twin, socket: Socket, data: str | bytes) -> None:
        """An acknowledgement, or what an RTM client says."""
        if socket.channel.startswith(rtm.PREFIX):
            rtm.message(twin, socket, data)
        else:
            sockets.message(socket, data)

    def socket_closed(self, twin: Twin, socket: Socket) -> None:
        """A session of the Real Time Messaging API is over."""
        if socket.channel.startswith(rtm.PREFIX):
            rtm.closed(twin, socket)

    # -- time and limits

    def next_due(self, twin: Twin) -> datetime | None:
        """When the next scheduled message is due."""
        return areas.next_due(twin)

    def catch_up(self, twin: Twin) -> None:
        """Post what is due."""
        areas.catch_up(twin)

    def limit(self, call: Call) -> Limit | None:
        """The published tier of a method, per method and app; posting counts per channel."""
        if call.operation == "chat.postMessage":
            try:
                channel = read_arguments(call.request)[0].get("channel")
            except SlackError:
                channel = ""
            return Limit(f"chat.postMessage {channel}", 1, 1.0)
        allowed = _TIERS.get(DESCRIBED.get(call.operation, {}).get("tier", ""))
        return Limit(call.operation, allowed) if allowed else None

    def limited_response(self, call: Call, allowance: Allowance) -> Response:
        """429 with ``ratelimited`` and ``Retry-After``."""
        headers = [("retry-after", str(allowance.retry_after))]
        return Response.json({"ok": False, "error": "ratelimited"}, 429, headers, _TYPE)

    def revoke(self, call: Call) -> bool:
        """Revoke the token of the call."""
        row = call.twin["tokens"].get(_token(call.request))
        if row is None:
            return False
        call.twin["tokens"].put(row["token"], {**row, "revoked": True})
        self.identify(call)
        return True

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        """``SLACK_URL`` (ends in ``/api/``) and ``SLACK_TOKEN`` (the bot's).

        An app that is told of events finds ``SLACK_SIGNING_SECRET`` too, and in Socket Mode
        ``SLACK_APP_TOKEN``.
        """
        token = next(row["token"] for row in twin["tokens"].rows() if row["kind"] == "bot")
        found = {"SLACK_URL": f"{url}/api/", "SLACK_TOKEN": str(token)}
        apps.note_base(twin, url, sure=True)
        app = apps.main_app(twin)
        if any(app["urls"].values()) or app["socket"]:
            found["SLACK_SIGNING_SECRET"] = str(app["signing_secret"])
        if app["socket"]:
            found["SLACK_APP_TOKEN"] = apps.app_token(twin, app)
        return found | open_env(twin, url)

    def stand_alone(self, twin: Twin) -> None:
        """Every kind of token with every scope, and a webhook; :meth:`env` tells them."""
        open_up(twin)

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        """``users``, ``channels`` and ``messages`` as facts see them."""
        areas.catch_up(twin)
        return scenario.view(twin)

    def apply(self, twin: Twin, operation: str, args: dict[str, Any]) -> Any:
        """A scenario's change; Slack's errors become the scenario author's."""
        try:
            return super().apply(twin, operation, args)
        except SlackError as error:
            raise ApplyError(f"slack {operation}: {error.name}") from error


def _warn(body: dict[str, Any], warnings: list[str]) -> None:
    """Add warnings about the request to what the method has to say."""
    if "warning" in body:
        body["warning"] = ",".join([*body["warning"].split(), *warnings])
    else:
        body["warning"] = warnings[0] if len(warnings) == 1 else ",".join(warnings)
    metadata = body.get("response_metadata")
    if metadata is None:
        body["response_metadata"] = {"warnings": warnings}
    else:
        metadata["warnings"] = [*metadata.get("warnings", []), *warnings]


_TIERS: Final = {"Tier1": 1, "Tier2": 20, "Tier3": 50, "Tier4": 100}

_FAULTS: Final = {
    401: "invalid_auth",
    403: "access_denied",
    404: "not_found",
    408: "request_timeout",
    429: "ratelimited",
    500: "internal_error",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
}


class _Plan(Head):
    """What the head of a request asks for.

    Attributes:
        operation: A method's name, or what is called outside ``/api/``; "" for the unknown.
        method: The method, if it is implemented.
        raw: Who answers a path outside ``/api/``.
        base_url: Under which address the twin was called.
    """

    __slots__ = ("base_url", "method", "operation", "raw")

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        parts = request.segments
        self.operation = ""
        self.raw: Callable[[Call], Response] | None = None
        if len(parts) == 2 and parts[0] == "api":
            name = parts[1]
            self.operation = name if name in METHODS or (name and name in DESCRIBED) else ""
        found = areas.RAW.get(parts[0]) if parts else None
        if found is not None:
            self.operation, self.raw = found
        self.method = METHODS.get(self.operation)
        self.base_url = request.base_url


def _token(request: Request) -> str:
    found = bearer(request)
    if found:
        return found
    try:
        value = read_arguments(request)[0].get("token")
    except SlackError:
        return ""
    return value if isinstance(value, str) else ""


def _authenticate(call: Call, args: Arguments) -> Row:
    session: Session | None = call.session
    if session is None:
        if not (call.plan.bearer or args.text("token")):
            raise SlackError("not_authed")
        raise SlackError("invalid_auth")
    token, user = session.token, session.user
    if token["revoked"]:
        raise SlackError("token_revoked")
    if "expires" in token and token["expires"] <= call.twin.clock.epoch():
        raise SlackError("token_expired")
    if (user is None or user["deleted"]) and token["kind"] != "app":
        raise SlackError("account_inactive")
    return token


def _check(method: Method, context: Context) -> None:
    token = context.token
    if token is not None and token["kind"] not in method.kinds:
        raise SlackError("not_allowed_token_type")
    context.need_scope(*method.scopes)
    context.call.session.passed.add(method.name)
