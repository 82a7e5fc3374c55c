"""Event hooks and inline hooks.

Events of the system log go to the event hooks that asked for their type and are verified. In a
universe that nobody delivers for, nothing outside answers, so a verification fails as it does at
Okta for an address that does not answer.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

import orjson

from factory_tui.universe import (
    BASE62,
    Ask,
    Call,
    Delivery,
    Event,
    Outgoing,
    Pack,
    Reply,
    Response,
    Retries,
    Row,
    Subscription,
    Twin,
    iso,
    route,
)

from . import errors
from .base import body_object
from .fields import BLANK, INVALID, checked
from .resource import Resource, hinted, rows_of
from .ssf import set_of, ssf_subscriptions

__all__ = ["RESOURCES", "HookEvents"]

_EVENT: Final = "/api/v1/eventHooks/{eventHookId}"
_INLINE: Final = "/api/v1/inlineHooks/{inlineHookId}"
_RETRIES: Final = Retries((1.0,), timeout=3.0)
"""Okta tries once more (its documentation of event hooks)."""
_NEAR: Final = ("127.0.0.1", "localhost")
_KINDS: Final = (
    "com.okta.import.transform|com.okta.oauth2.tokens.transform|com.okta.saml.tokens.transform"
    "|com.okta.telephony.provider|com.okta.user.credential.password.import"
    "|com.okta.user.pre-registration"
)


def _channel(call: Call, channel: dict[str, Any], before: Row | None) -> tuple[Row, Row]:
    """A checked channel as it is shown, and its secret."""
    kept = checked(call, channel, "type:HTTP|OAUTH=HTTP version:str! config:dict!")
    config = checked(
        call,
        kept["config"],
        "uri:str! headers:list=[] method:POST|PUT|GET=POST authScheme:dict authType:str"
        " clientId:str tokenUrl:str scope:str hookKeyId:str",
    )
    try:
        parts = urlsplit(config["uri"]) if config["uri"].isprintable() else None
    except ValueError:
        parts = None
    secure = parts is not None and parts.scheme == "https"
    # A receiver in the same box has no certificate.
    near = parts is not None and parts.scheme == "http" and parts.hostname in _NEAR
    if parts is None or not parts.netloc or not (secure or near):
        raise errors.invalid(call, "uri", "uri: The URI must be an https address")
    for header in config["headers"]:
        if not isinstance(header, dict) or not isinstance(header.get("key"), str):
            raise errors.invalid(call, "headers", f"headers: {INVALID}")
    secret: Row = dict(before["hidden"]) if before is not None else {}
    scheme = config.pop("authScheme", None)
    if scheme is not None:
        scheme = checked(call, scheme, "type:HEADER=HEADER key:str! value:str")
        secret |= {"value": scheme.pop("value")} if "value" in scheme else {}
        config["authScheme"] = {"type": scheme["type"], "key": scheme["key"]}
    return {**kept, "config": config}, secret


def _to_hook(row: Row, method: str, headers: dict[str, str], body: bytes) -> Outgoing:
    """A request to a hook's address, with the headers it wants."""
    config = row["fields"]["channel"]["config"]
    sent = {str(h["key"]): str(h.get("value", "")) for h in config["headers"]}
    if "authScheme" in config:
        sent[config["authScheme"]["key"]] = row["hidden"].get("value", "")
    return Outgoing(config["uri"], body, [*sent.items(), *headers.items()], method)


class EventHooks(Resource):
    """``/api/v1/eventHooks``: unverified until the address has answered a challenge once."""

    name = "event_hooks"
    kind = "EventHook"
    path = _EVENT
    prefix = "who"
    allow = ""
    inactive_first = "An active event hook cannot be deleted"
    fields: ClassVar[str] = "name:str(255)! description:str events:dict! channel:dict!"
    stamps = "created createdBy lastUpdated"
    event = "event_hook"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Event types to be told about, and where."""
        kept = checked(call, body, self.fields)
        events = checked(
            call, kept["events"], "type:EVENT_TYPE|FLOW_EVENT=EVENT_TYPE items:list! filter:dict"
        )
        if not events["items"] or not all(isinstance(item, str) for item in events["items"]):
            raise errors.invalid(call, "events.items", f"items: {BLANK}")
        kept["events"] = events
        kept["channel"], call.scratch["secret"] = _channel(call, kept["channel"], before)
        old = before["fields"] if before is not None else {}
        same = (
            old.get("channel", {}).get("config", {}).get("uri") == kept["channel"]["config"]["uri"]
        )
        kept["verificationStatus"] = old.get("verificationStatus", "") if same else "UNVERIFIED"
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Unverified."""
        row = super().create(call, body, owner, **more)
        return self.put(call, row, hidden=call.scratch["secret"])

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        href = self.href(call, row)
        links = super().links(call, row)
        if row["status"] == "ACTIVE":
            links["verify"] = hinted(f"{href}/lifecycle/verify", "POST")
        else:
            links["delete"] = hinted(href, "DELETE")
        return links

    @route("POST", _EVENT + "/lifecycle/verify", "")
    def verify(self, call: Call) -> Response:
        """One GET with a challenge, which the address has to send back."""
        row = self.find(call)
        challenge = call.twin.ids.mint("challenge", 40, alphabet=BASE62)
        headers = {"x-okta-verification-challenge": challenge}
        raise Ask(
            _to_hook(row, "GET", headers, b""), lambda reply: self._verified(call, challenge, reply)
        )

    def _verified(self, call: Call, challenge: str, reply: Reply) -> Response:
        row = self.find(call)
        answer = reply.json() if reply.ok else None
        if not isinstance(answer, dict) or answer.get("verification") != challenge:
            sentence = (
                "Event hook verification failed: the address did not send the challenge back."
            )
            raise errors.refuse(call, 400, "E0000136", "Event Hook verification failed", sentence)
        fields = {**row["fields"], "verificationStatus": "VERIFIED"}
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))


class InlineHooks(Resource):
    """``/api/v1/inlineHooks``."""

    name = "inline_hooks"
    kind = "InlineHook"
    path = _INLINE
    prefix = "cal"
    verbs = "list create get replace update delete activate deactivate"
    allow = ""
    inactive_first = "An active inline hook cannot be deleted"
    fields = f"name:str(255)! type:{_KINDS} version:str! channel:dict!"
    event = "inline_hook"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """A type there is; it cannot be changed."""
        if before is not None:
            body = {"type": before["fields"]["type"], "version": "1.0.0", **body}
        elif not body.get("type"):
            raise errors.invalid(call, "type", f"type: {BLANK}")
        kind = body.get("type")
        if kind not in _KINDS.split("|"):
            raise errors.invalid(call, "type", f"type: {INVALID}")
        kept = checked(call, body, self.fields)
        if before is not None and kept["type"] != before["fields"]["type"]:
            raise errors.invalid(call, "type", "type: The field cannot be changed")
        kept["channel"], call.scratch["secret"] = _channel(call, kept["channel"], before)
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """With its secret kept apart."""
        row = super().create(call, body, owner, **more)
        return self.put(call, row, hidden=call.scratch["secret"])

    def selected(self, call: Call, rows: Any) -> Any:
        """``type``."""
        kind = call.request.query.get("type")
        return [row for row in rows if kind in (None, row["fields"]["type"])]

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """What may be done with it now."""
        href = self.href(call, row)
        links = super().links(call, row)
        if row["status"] == "ACTIVE":
            links["execute"] = hinted(f"{href}/execute", "POST")
        else:
            links["delete"] = hinted(href, "DELETE")
        return links

    @route("POST", _INLINE + "/execute", "")
    def execute(self, call: Call) -> Response:
        """Send a preview to the address and answer what it answers."""
        row = self.find(call)
        body_object(call)
        if row["status"] != "ACTIVE":
            raise errors.invalid(call, "status", "The inline hook is not active.")
        headers = {"content-type": "application/json"}
        raise Ask(
            _to_hook(row, "POST", headers, call.request.body),
            lambda reply: self._executed(call, reply),
        )

    def _executed(self, call: Call, reply: Reply) -> Response:
        if not reply.ok:
            sentence = "The inline hook did not answer."
            raise errors.refuse(
                call, 400, "E0000124", "Could not execute the inline hook.", sentence
            )
        return Response(200, reply.body, [("content-type", "application/json")])


class HookEvents(Pack):
    """How events of the system log reach the hooks that asked for their type."""

    def subscriptions(self, twin: Twin, event: Event) -> Iterable[Subscription]:
        """Active, verified hooks with the event's type among theirs, and streams of signals."""
        yield from ssf_subscriptions(twin, event)
        for row in rows_of(twin, "event_hooks"):
            fields = row["fields"]
            if row["status"] != "ACTIVE" or fields["verificationStatus"] != "VERIFIED":
                continue
            if event.kind in fields["events"]["items"]:
                yield Subscription(row["id"], fields["channel"]["config"]["uri"], retries=_RETRIES)

    def outgoing(self, twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
        """The event in Okta's envelope, with the headers the hook wants."""
        if "ssf" in delivery.subscription.data:
            return set_of(twin, delivery, timestamp)
        row = twin["things"].get(("event_hooks", delivery.subscription.id))
        if row is None:
            return Outgoing(delivery.subscription.url)
        org = twin["org"]["org"]["subdomain"]
        envelope = {
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "source": f"https://{org}.okta.com/api/v1/eventHooks/{row['id']}",
            "eventId": delivery.event.id,
            "data": {"events": [delivery.event.payload]},
            "eventTime": iso(delivery.event.at),
            "contentType": "application/json",
        }
        headers = {"content-type": "application/json"}
        return _to_hook(row, "POST", headers, orjson.dumps(envelope))


RESOURCES: Final = (EventHooks(), InlineHooks())
