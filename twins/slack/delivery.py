"""How an app hears: signed HTTP requests with Slack's retries, or envelopes in Socket Mode."""

import hmac
from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from factory_tui.universe import Delivery, Outcome, Outgoing, Reply, Retries, Row, Subscription

__all__ = ["outgoing", "retry_outcome", "sign", "subscription"]

_AGENT: Final = "Slackbot 1.0 (+https://api.slack.com/robots)"
_EVENTS: Final = Retries((0.0, 60.0, 300.0), timeout=3.0)
_ONCE: Final = Retries((), timeout=3.0)


def subscription(app: Row, kind: str, url: str = "", **data: Any) -> Subscription | None:
    """Where an app wants to hear of ``events_api``, ``interactive``, ``slash_commands``.

    ``None`` when it has said nothing.
    """
    target = f"socket:{app['id']}" if app["socket"] else url or app["urls"].get(kind, "")
    if not target:
        return None
    retries = _EVENTS if kind == "events_api" else _ONCE
    return Subscription(
        app["id"], target, app["signing_secret"], retries, {"kind": kind, "app": app["id"], **data}
    )


def _reason(last: Reply | None) -> str:
    if last is None:
        return ""
    if last.status:
        return "http_error"
    if "timeout" in last.error or "timed out" in last.error:
        return "http_timeout"
    return "ssl_error" if "ssl" in last.error.lower() else "connection_failed"


def outgoing(delivery: Delivery) -> Outgoing:
    """What is sent, without the signature."""
    target = delivery.subscription
    kind = str(target.data["kind"])
    payload = delivery.event.payload
    if kind == "rtm":
        return Outgoing(target.url, orjson.dumps(payload))
    if target.url.startswith("socket:"):
        return _envelope(delivery, kind, payload)
    headers = [("accept", "*/*"), ("user-agent", _AGENT)]
    if delivery.attempt > 1:
        headers.append(("x-slack-retry-num", str(delivery.attempt - 1)))
        headers.append(("x-slack-retry-reason", _reason(delivery.last)))
    if kind in ("slash_commands", "interactive"):
        fields = (
            payload if kind == "slash_commands" else {"payload": orjson.dumps(payload).decode()}
        )
        headers.append(("content-type", "application/x-www-form-urlencoded"))
        return Outgoing(target.url, urlencode(fields).encode(), headers)
    return Outgoing.json(target.url, payload, headers)


def _envelope(delivery: Delivery, kind: str, payload: Mapping[str, Any]) -> Outgoing:
    seed = f"{delivery.event.id}/{delivery.n}/{delivery.attempt}".encode()
    letters = blake2b(seed, digest_size=16).hexdigest()
    key = "-".join((letters[:8], letters[8:12], letters[12:16], letters[16:20], letters[20:]))
    envelope: dict[str, Any] = {
        "envelope_id": key,
        "payload": payload,
        "type": kind,
        "accepts_response_payload": kind != "events_api",
    }
    if kind == "events_api":
        reason = "timeout" if delivery.last is not None else ""
        envelope |= {"retry_attempt": delivery.attempt - 1, "retry_reason": reason}
    return Outgoing(delivery.subscription.url, orjson.dumps(envelope), ack=key)


def sign(delivery: Delivery, request: Outgoing, secret: str, timestamp: int) -> None:
    """Slack's ``v0`` signature: HMAC-SHA256 of version, time and body."""
    if delivery.subscription.url.startswith("socket:"):
        return
    text = b"v0:%d:%s" % (timestamp, request.body)
    digest = hmac.new(secret.encode(), text, sha256).hexdigest()
    request.headers.append(("x-slack-request-timestamp", str(timestamp)))
    request.headers.append(("x-slack-signature", f"v0={digest}"))


def retry_outcome(reply: Reply) -> Outcome:
    """Of an event: delivered on 2xx, again otherwise unless the app wants no retry."""
    if reply.ok:
        return "delivered"
    return "failed" if reply.header("x-slack-no-retry") == "1" else "retry"
