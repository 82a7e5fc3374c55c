"""How a universe answers a request: match, fault, limit, handler, headers, record."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final, Literal

from factory_tui.universe.clock import Clock
from factory_tui.universe.fault_answers import faulty, strike
from factory_tui.universe.faults import Fault, FaultPlan
from factory_tui.universe.http import Request, Response
from factory_tui.universe.ids import Ids
from factory_tui.universe.limits import Windows
from factory_tui.universe.outbox import Ask, Outbox, Outgoing, Reply
from factory_tui.universe.pack import Call, Refused, Twin
from factory_tui.universe.past import Past
from factory_tui.universe.sockets import Socket
from factory_tui.universe.tap import EMPTY, Exchange, Tap
from factory_tui.universe.wire import BODILESS, written

__all__ = ["Answering", "Waiting"]

_CRASHED: Final = "crashed: "


class Answering:
    """The part of a universe that requests and WebSockets meet."""

    clock: Clock
    crashes: list[str]
    faults: FaultPlan
    limits: bool
    on_exchange: Callable[[Exchange], None] | None
    outbox: Outbox
    step: int
    tap: Tap
    twins: dict[str, Twin]
    _gaps: dict[str, None]
    _ids: Ids
    _past: Past
    _requests: int
    _windows: Windows

    def handle(self, twin: str, request: Request) -> Response:
        """Answer one request and record it. Never raises for anything a caller can send.

        A handler that asks outside (:class:`Ask`) hears that nobody is there; where somebody
        may be, use :meth:`begin`.
        """
        answered = self.begin(twin, request)
        while isinstance(answered, Waiting):
            answered = answered.resume(Reply.nothing("nobody delivers here"))
        return answered

    def begin(self, twin: str, request: Request) -> "Response | Waiting":
        """Answer one request as far as that goes without a reply from outside."""
        started = perf_counter()
        state = self.twins[twin]
        pack = state.pack
        at = self.clock.tick()
        self._requests = n = self._requests + 1
        call = Call(state, request)
        fault: Fault | None = None
        try:
            pack.match(call)
            call.principal = pack.identify(call)
            if self.faults.faults:
                fault = self._fault(call, twin)
            if fault is None and not self.limits and not self.faults.revoked:
                try:
                    response = pack.answer(call)
                except Refused as refused:
                    response = refused.response
            else:
                response = self._respond(call, fault)
        except Ask as ask:
            return Waiting(self, _Open(call, n, at, started, fault), ask)
        except Exception as error:  # a bug of the pack must not take the other universes down
            response = self._crashed(error, call)
        return self._end(call, n, at, started, fault, response)

    def _end(
        self,
        call: Call,
        n: int,
        at: int,
        started: float,
        fault: Fault | None,
        response: Response,
    ) -> Response:
        """Complete the answer and record the exchange."""
        state = call.twin
        try:
            state.pack.finish(call, response)
        except Exception as error:
            response = self._crashed(error, call)
        headers = response.headers
        shown: Sequence[tuple[str, str]] | int
        if fault is None:
            headers.append(self.clock.date_header())
            response.wire = answer = written(response, True)
            shown = len(answer) - (0 if response.status in BODILESS else len(response.body))
        else:
            if response.header("date") is None:
                headers.append(self.clock.date_header())
            strike(fault, response)
            shown, answer = tuple(headers), response.body
        request = call.request
        body = request.body
        gap = "; ".join(call.gaps) if call.gaps else ""
        weight = EMPTY + len(body) + len(answer) + request.weight
        # fmt: off
        exchange = Exchange(
            (n, self.step, at, state.pack.name, call.operation, request, body, response.status,
             (perf_counter() - started) * 1e3, "" if fault is None else fault.describe(), gap,
             call.principal, shown, answer, "in", weight)
        )
        # fmt: on
        if gap or self.on_exchange is not None:
            self._tap(exchange)
        else:
            self.tap.append(exchange)
        if self.outbox.wake is not None and len(self.outbox):
            self.outbox.wake()
        return response

    def _crashed(self, error: Exception, call: Call | None = None) -> Response:
        """Note a bug of a pack. Of a call: the vendor's 500, and a word in its exchange."""
        self.crashes.append(traceback.format_exc())
        if call is not None:
            call.gaps.append(f"{_CRASHED}{type(error).__name__}")
            try:
                return call.twin.pack.fault_response(call, 500, {})
            except Exception:
                self.crashes.append(traceback.format_exc())
        return Response.json({"error": "the twin failed; this is a bug of the twin"}, 500)

    def _fault(self, call: Call, twin: str) -> Fault | None:
        horizon = max(fault.stale for fault in self.faults.faults)
        if horizon:
            self._keep_past(horizon)
        request = call.request
        return self.faults.pick(
            self._ids, twin, call.operation, request.method, request.path, call.principal
        )

    def _keep_past(self, horizon: float) -> None:
        raise NotImplementedError

    def _respond(self, call: Call, fault: Fault | None) -> Response:
        pack = call.twin.pack
        if fault is not None:
            self.clock.wait(fault.delay)
            if fault.drop == "before":
                return Response(0)
            if fault.reply is not None:
                return faulty(call, fault, fault.reply)
            if fault.revoke and call.principal and not pack.revoke(call):
                self.faults.revoked |= {(pack.name, call.principal)}
        if self.faults.revoked and (pack.name, call.principal) in self.faults.revoked:
            return pack.revoked_response(call)
        if self.limits:
            limit = pack.limit(call)
            if limit is not None:
                now = self.clock.now()
                call.allowance = self._windows.count(pack.name, call.principal, limit, now)
                if call.allowance.retry_after:
                    return pack.limited_response(call, call.allowance)
        if fault is not None and fault.stale:
            earlier = self._past.answer(call, fault.stale)
            if earlier is not None:
                return earlier
        try:
            return pack.answer(call)
        except Refused as refused:
            return refused.response

    def _tap(self, exchange: Exchange) -> None:
        self.tap.append(exchange)
        if exchange.gap and _CRASHED not in exchange.gap:
            self._gaps[f"{exchange.twin}: {exchange.gap}"] = None
        if self.on_exchange is not None:
            self.on_exchange(exchange)

    # -- WebSockets

    def open_socket(self, twin: str, request: Request) -> str | None:
        """The channel of a WebSocket that a client asks for, ``None`` if it is refused.

        One that is let in is recorded with status 101; for a refused one :meth:`begin` gives the
        answer.
        """
        state = self.twins[twin]
        call = Call(state, request)
        started = perf_counter()
        try:
            state.pack.match(call)
            call.principal = state.pack.identify(call)
            channel = state.pack.socket_channel(call)
        except Exception as error:
            self._crashed(error)
            return None
        if channel is None:
            return None
        at = self.clock.tick()
        self._requests += 1
        self._tap(
            Exchange.of(
                self._requests,
                self.step,
                at,
                twin,
                call.operation,
                request,
                request.body,
                101,
                (perf_counter() - started) * 1e3,
                "",
                "; ".join(call.gaps),
                call.principal,
                (),
                b"",
            )
        )
        return channel

    def socket_event(
        self, socket: Socket, what: Literal["opened", "message", "closed"], data: str | bytes = ""
    ) -> None:
        """Tell the pack what a WebSocket did."""
        state = self.twins[socket.twin]
        try:
            if what == "opened":
                state.pack.socket_opened(state, socket)
            elif what == "closed":
                state.pack.socket_closed(state, socket)
            else:
                self.clock.tick()
                state.pack.socket_message(state, socket, data)
        except Exception as error:
            self._crashed(error)
        if self.outbox.wake is not None and len(self.outbox):
            self.outbox.wake()

    # -- what went wrong

    @property
    def gaps(self) -> list[str]:
        """What the twins lacked so far, each ``twin: what`` once."""
        return list(self._gaps)


@dataclass(slots=True)
class _Open:
    """A request that is being answered."""

    call: Call
    n: int
    at: int
    started: float
    fault: Fault | None


class Waiting:
    """A request whose answer needs a reply from outside.

    Attributes:
        outgoing: What to send.
        timeout: Real seconds.
    """

    __slots__ = ("_open", "_then", "_universe", "outgoing", "timeout")

    # As of a response whose bytes are not known yet.
    wire: Final = None

    def __init__(self, universe: Answering, open_call: _Open, ask: Ask) -> None:
        self._universe = universe
        self._open = open_call
        self._then = ask.then
        self.outgoing: Outgoing = ask.outgoing
        self.timeout = ask.timeout

    def resume(self, reply: Reply) -> "Response | Waiting":
        """Go on with the reply; status 0 means that nothing came."""
        universe, this = self._universe, self._open
        try:
            response = self._then(reply)
        except Refused as refused:
            response = refused.response
        except Ask as ask:
            return Waiting(universe, this, ask)
        except Exception as error:
            response = universe._crashed(error, this.call)
        return universe._end(this.call, this.n, this.at, this.started, this.fault, response)
