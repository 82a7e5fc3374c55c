"""A pack for the tests of events, sockets, limits and time: a board that tells who subscribed."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

import orjson

from factory_tui.universe import (
    Ask,
    Call,
    Delivery,
    Event,
    Limit,
    Outcome,
    Outgoing,
    Pack,
    Refused,
    Reply,
    Request,
    Response,
    Retries,
    Row,
    Seed,
    SeedTables,
    Socket,
    Subscription,
    Twin,
    parse_time,
    route,
)


class Hooks(Pack):
    name = "hooks"
    tables: ClassVar = {"posts": {}, "hooks": {}, "later": {}, "log": {}}

    def __init__(self) -> None:
        super().__init__()
        self.routes.add("PUT", "/posts", "replacePosts")

    def seed(self, seed: Seed) -> SeedTables:
        return {}

    def principal(self, twin: Twin, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer ")

    def fault_response(self, call: Call, status: int, headers: Mapping[str, str]) -> Response:
        return Response.json({"error": f"fault_{status}"}, status)

    def gap_response(self, call: Call) -> Response:
        return Response.json({"error": "not_implemented"}, 501)

    def unknown_response(self, call: Call) -> Response:
        return Response.json({"error": "unknown"}, 404)

    def env(self, twin: Twin, url: str) -> dict[str, str]:
        return {"HOOKS_URL": url}

    def view(self, twin: Twin) -> dict[str, list[Row]]:
        return {name: [dict(row) for row in twin[name].rows()] for name in self.tables}

    @route("GET", "/posts", "listPosts")
    def list_posts(self, call: Call) -> Response:
        return Response.json([row["text"] for row in call.twin["posts"].rows()])

    @route("POST", "/posts", "createPost")
    def create_post(self, call: Call) -> Response:
        self._post(call.twin, call.request.json()["text"])
        return Response.json({"ok": True}, 201)

    def _post(self, twin: Twin, text: str) -> None:
        key = twin.ids.mint("post", 8)
        twin["posts"].put(key, {"id": key, "text": text})
        twin.emit("post", {"text": text})

    @route("POST", "/later", "schedulePost")
    def schedule_post(self, call: Call) -> Response:
        key = call.twin.ids.mint("later", 8)
        call.twin["later"].put(key, {"id": key, **call.request.json()})
        return Response.json({"id": key}, 201)

    @route("POST", "/hooks", "createHook")
    def create_hook(self, call: Call) -> Response:
        hook = call.request.json()
        key = hook.setdefault("id", call.twin.ids.mint("hook", 8))
        call.twin["hooks"].put(key, hook)
        return Response.json(hook, 201)

    @route("POST", "/hooks/{id}/verify", "verifyHook")
    def verify_hook(self, call: Call) -> Response:
        hook = call.twin["hooks"].draft(call.params["id"])
        challenge = call.twin.ids.mint("challenge", 8)

        def then(reply: Reply) -> Response:
            if not reply.ok or reply.body.decode() != challenge:
                raise Refused(Response.json({"error": reply.error or "wrong answer"}, 400))
            hook["verified"] = True
            call.twin["hooks"].put(hook["id"], hook)
            return Response.json(hook)

        raise Ask(Outgoing(hook["url"], headers=[("x-challenge", challenge)], method="GET"), then)

    def subscriptions(self, twin: Twin, event: Event) -> Iterable[Subscription]:
        for hook in twin["hooks"].rows():
            plan = Retries(tuple(hook.get("delays", ())), timeout=hook.get("timeout", 3))
            yield Subscription(hook["id"], hook["url"], "s3cret", plan)

    def outgoing(self, twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
        headers = [("x-attempt", str(delivery.attempt))]
        if delivery.last is not None:
            headers.append(("x-reason", delivery.last.error or str(delivery.last.status)))
        body = {"id": delivery.event.id, **delivery.event.payload}
        outgoing = Outgoing.json(delivery.subscription.url, body, headers)
        outgoing.ack = delivery.event.id
        return outgoing

    def sign(self, delivery: Delivery, outgoing: Outgoing, secret: str, timestamp: int) -> None:
        outgoing.headers.append(("x-signature", signature(secret, outgoing.body)))

    def outcome(self, twin: Twin, delivery: Delivery, reply: Reply) -> Outcome:
        key = twin.ids.mint("log", 8)
        what = f"{delivery.event.payload['text']} {delivery.attempt} {reply.error or reply.status}"
        twin["log"].put(key, {"at": twin.clock.iso(), "what": what, "said": reply.json()})
        if reply.header("x-no-retry"):
            return "failed"
        return super().outcome(twin, delivery, reply)

    def socket_channel(self, call: Call) -> str | None:
        return call.request.query.get("app") if call.principal == "t0p" else None

    def before(self, call: Call) -> Response | None:
        return None if call.principal else Response.json({"error": "not_authed"}, 401)

    def socket_opened(self, twin: Twin, socket: Socket) -> None:
        socket.send({"type": "hello", "app": socket.channel})

    def socket_message(self, twin: Twin, socket: Socket, data: str | bytes) -> None:
        message: Any = orjson.loads(data)
        if "ack" in message:
            socket.ack(message["ack"], message.get("payload"))
        elif message.get("bye"):
            socket.close(1001, "bye")
        else:
            self._post(twin, message["text"])

    def next_due(self, twin: Twin) -> datetime | None:
        return min((parse_time(row["at"]) for row in twin["later"].rows()), default=None)

    def catch_up(self, twin: Twin) -> None:
        now = twin.clock.now()
        for key, row in list(twin["later"].items()):
            if parse_time(row["at"]) <= now:
                twin["later"].delete(key)
                self._post(twin, row["text"])

    def limit(self, call: Call) -> Limit | None:
        return Limit("post", 2, 60) if call.operation == "createPost" else None

    def finish(self, call: Call, response: Response) -> None:
        if call.allowance is not None:
            response.headers.append(("x-remaining", str(call.allowance.remaining)))


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


PACK = Hooks()
