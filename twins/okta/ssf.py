"""Shared signals: streams on which Okta tells others of security events, and providers that tell
Okta (OpenID Shared Signals Framework, RFC 8417 and RFC 8935)."""

from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from factory_tui.universe import (
    Ask,
    Call,
    Delivery,
    Event,
    Outgoing,
    Reply,
    Response,
    Retries,
    Row,
    Subscription,
    Twin,
    route,
)

from . import changes, crypto, errors
from .authservers import SERVER_KEYS
from .base import body_object
from .fields import BLANK, INVALID, checked
from .keys import signing_key
from .resource import Resource, caller, rows_of

__all__ = ["RESOURCES", "set_of", "ssf_subscriptions"]

_CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
_VERIFICATION: Final = "https://schemas.openid.net/secevent/ssf/event-type/verification"
_EVENTS: Final = {
    "user.session.clear": f"{_CAEP}session-revoked",
    "user.account.update_password": f"{_CAEP}credential-change",
    "user.account.reset_password": f"{_CAEP}credential-change",
}
"""Which events of the system log are told on streams, and as what."""
_SUPPORTED: Final = tuple(dict.fromkeys(_EVENTS.values()))
_METHODS: Final = (
    "https://schemas.openid.net/secevent/risc/delivery-method/push",
    "urn:ietf:rfc:8935",
)
_STREAM: Final = "/api/v1/ssf/stream"
_RETRIES: Final = Retries((1.0,), timeout=3.0)


def _is_https(url: Any) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() else None
    except ValueError:
        return False
    near = parts is not None and parts.hostname in ("127.0.0.1", "localhost")
    return parts is not None and bool(parts.netloc) and (parts.scheme == "https" or near)


class Streams(Resource):
    """``/api/v1/ssf/stream``: one for every client (or owner of an API token)."""

    name = "ssf_streams"
    kind = "Stream"
    path = _STREAM
    prefix = "esc"
    verbs: ClassVar[str] = ""
    fields = "delivery:dict! events_requested:list! format:str=iss_sub"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """An address to push to, and events that there are."""
        kept = checked(call, body, self.fields)
        words = "method:str! endpoint_url:str! authorization_header:str"
        delivery = checked(call, kept["delivery"], words)
        if delivery["method"] not in _METHODS:
            raise errors.invalid(call, "delivery.method", f"delivery.method: {INVALID}")
        if not _is_https(delivery["endpoint_url"]):
            raise errors.invalid(call, "delivery.endpoint_url", f"endpoint_url: {INVALID}")
        if kept["format"] != "iss_sub":
            raise errors.invalid(call, "format", f"format: {INVALID}")
        asked = kept["events_requested"]
        if not asked or not all(isinstance(one, str) for one in asked):
            raise errors.invalid(call, "events_requested", f"events_requested: {BLANK}")
        return {**kept, "delivery": delivery}

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The stream's configuration; not the header it signs in with."""
        fields = row["fields"]
        delivery = {k: v for k, v in fields["delivery"].items() if k != "authorization_header"}
        asked = fields["events_requested"]
        return {
            "stream_id": row["id"],
            "iss": call.request.base_url,
            "aud": row["hidden"]["audience"],
            "events_supported": list(_SUPPORTED),
            "events_requested": asked,
            "events_delivered": [one for one in _SUPPORTED if one in asked],
            "delivery": delivery,
            "format": fields["format"],
            "min_verification_interval": 0,
        }

    def _of_caller(self, call: Call) -> Row | None:
        owner = caller(call)
        for row in self.rows(call.twin):
            if row["createdBy"] == owner:
                return row
        return None

    def _named(self, call: Call, key: Any) -> Row:
        """The stream of an id, or the caller's; refuses with 404."""
        row = self._of_caller(call)
        if key is not None:
            row = call.twin["things"].get((self.name, str(key)))
        if row is None:
            raise errors.not_found(call, str(key or "stream"), self.kind)
        return row

    @route("GET", _STREAM, "")
    def get_streams(self, call: Call) -> Response:
        """One by ``stream_id``, else a list."""
        key = call.request.query.get("stream_id")
        if key is not None:
            return Response.json(self.shown(call, self._named(call, key)))
        row = self._of_caller(call)
        return Response.json([self.shown(call, row)] if row is not None else [])

    @route("POST", _STREAM, "")
    def create_stream(self, call: Call) -> Response:
        """201; 409 for a second one."""
        kept = self.check(call, body_object(call), None)
        if self._of_caller(call) is not None:
            sentence = "A stream already exists for this client."
            raise errors.refuse(call, 409, "E0000001", f"Api validation failed: {sentence}")
        owner = caller(call)
        hidden = {"audience": owner}
        row = self.put_new(call.twin, kept, by=owner, hidden=hidden)
        return Response.json(self.shown(call, row), 201)

    @route("PUT", _STREAM, "")
    @route("PATCH", _STREAM, "")
    def change_stream(self, call: Call) -> Response:
        """All of it, or what is named."""
        body = body_object(call)
        row = self._named(call, body.get("stream_id"))
        if call.request.method == "PATCH":
            body = {**row["fields"], **body}
        kept = self.check(call, body, row)
        return Response.json(self.shown(call, self.put(call, row, fields=kept)))

    @route("DELETE", _STREAM, "")
    def delete_stream(self, call: Call) -> Response:
        """204."""
        self.remove(call.twin, self._named(call, call.request.query.get("stream_id")))
        return Response(204)

    @route("GET", _STREAM + "/status", "")
    def get_status(self, call: Call) -> Response:
        """Always enabled."""
        key = call.request.query.get("stream_id")
        if not key:
            raise errors.invalid(call, "stream_id", f"stream_id: {BLANK}")
        return Response.json({"stream_id": self._named(call, key)["id"], "status": "enabled"})

    @route("POST", _STREAM + "/verification", "")
    def verify(self, call: Call) -> Response:
        """204; a verification event is on its way."""
        given = checked(call, body_object(call), "stream_id:str! state:str")
        row = self._named(call, given["stream_id"])
        state = {"state": given["state"]} if "state" in given else {}
        told = {"type": _VERIFICATION, "about": state, "iss": call.request.base_url}
        call.twin.emit("ssf.verification", told, to=[_subscription(row)])
        return Response(204)

    @route("GET", "/.well-known/ssf-configuration", "")
    def metadata(self, call: Call) -> Response:
        """What a receiver has to know."""
        base = call.request.base_url
        return Response.json(
            {
                "spec_version": "1_0-ID3",
                "issuer": base,
                "jwks_uri": f"{base}/oauth2/v1/keys",
                "delivery_methods_supported": list(_METHODS),
                "configuration_endpoint": f"{base}{_STREAM}",
                "verification_endpoint": f"{base}{_STREAM}/verification",
                "default_subjects": "ALL",
                "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
            }
        )


def _subscription(row: Row) -> Subscription:
    delivery = row["fields"]["delivery"]
    data = {"ssf": row["id"]}
    return Subscription(row["id"], delivery["endpoint_url"], retries=_RETRIES, data=data)


def ssf_subscriptions(twin: Twin, event: Event) -> Iterable[Subscription]:
    """Streams that asked to be told of an event of the system log."""
    kind = _EVENTS.get(event.kind)
    if kind is not None:
        for row in rows_of(twin, "ssf_streams"):
            if kind in row["fields"]["events_requested"]:
                yield _subscription(row)


def set_of(twin: Twin, delivery: Delivery, timestamp: int) -> Outgoing:
    """The signed security event token of an event, on its way to a stream's address."""
    row = twin["things"].get(("ssf_streams", delivery.subscription.id))
    event = delivery.event
    if row is None:
        return Outgoing(delivery.subscription.url)
    payload = event.payload
    issuer = payload.get("iss") or f"https://{twin['org']['org']['subdomain']}.okta.com"
    about: dict[str, Any] = payload.get("about", {})
    if event.kind in _EVENTS:
        users = [one["id"] for one in payload["target"] if one["type"] == "User"]
        subject = {"format": "iss_sub", "iss": issuer, "sub": users[0] if users else ""}
        about = {"subject": subject, "event_timestamp": timestamp}
    claims: dict[str, Any] = {
        "jti": event.id,
        "iss": issuer,
        "aud": row["hidden"]["audience"],
        "iat": timestamp,
        "events": {payload.get("type") or _EVENTS[event.kind]: about},
    }
    if event.kind == "ssf.verification":
        claims["sub_id"] = {"format": "opaque", "id": row["id"]}
    key = SERVER_KEYS.active(twin, "")
    text = crypto.sign({"kid": key["id"], "typ": "secevent+jwt"}, claims, signing_key(key))
    headers = [("content-type", "application/secevent+jwt"), ("accept", "application/json")]
    word = row["fields"]["delivery"].get("authorization_header")
    if word:
        headers.append(("authorization", word))
    return Outgoing(delivery.subscription.url, text.encode(), headers)


class Providers(Resource):
    """``/api/v1/security-events-providers``: who may tell Okta of security events."""

    name = "ssf_providers"
    kind = "SecurityEventsProvider"
    path = "/api/v1/security-events-providers/{securityEventProviderId}"
    prefix = "sse"
    verbs = "list create get replace delete activate deactivate"
    stamps = ""
    fields = "name:str(100)! type:str(255)! settings:dict!"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """The address of its metadata, or its name and the address of its keys."""
        kept = checked(call, body, self.fields)
        words = "well_known_url:str issuer:str jwks_url:str"
        settings = checked(call, kept["settings"], words)
        if "well_known_url" in settings:
            settings = {"well_known_url": settings["well_known_url"]}
        elif not settings.get("issuer") or not settings.get("jwks_url"):
            raise errors.invalid(call, "settings", f"well_known_url: {BLANK}")
        for name in ("well_known_url", "jwks_url"):
            if name in settings and not _is_https(settings[name]):
                raise errors.invalid(call, name, f"{name}: {INVALID}")
        for row in self.rows(call.twin):
            other = row["fields"]["settings"]
            same = settings.get("issuer") and other.get("issuer") == settings.get("issuer")
            if same and (before is None or before["id"] != row["id"]):
                raise errors.invalid(call, "issuer", "issuer: The issuer is taken already.")
        return {**kept, "settings": settings}

    # -- what they tell

    @route("POST", "/security/api/v1/security-events", "")
    def publish(self, call: Call) -> Response:
        """202; nobody signs in: the token's signature says who tells."""
        text = call.request.body.decode("ascii", "replace").strip()
        try:
            claims = crypto.parts(text)[1]
        except crypto.BadTokenError:
            return _no("invalid_request", "The request body is no security event token.")
        issuer = claims.get("iss")
        for row in self.rows(call.twin):
            settings = row["fields"]["settings"]
            if row["status"] != "ACTIVE":
                continue
            if settings.get("issuer") == issuer:
                raise self._ask(call, row, text, settings["jwks_url"])
            if "well_known_url" in settings and _host(settings["well_known_url"]) == _host(issuer):
                url = Outgoing(settings["well_known_url"], b"", [], "GET")
                raise Ask(url, partial(self._found, call, row, text))
        return _no("invalid_issuer", "The issuer of the token is no provider that is known.")

    def _found(self, call: Call, row: Row, text: str, reply: Reply) -> Response:
        known = reply.json() if reply.ok else None
        url = known.get("jwks_uri") if isinstance(known, dict) else None
        if not _is_https(url):
            return _no("invalid_key", "The provider's metadata could not be read.")
        raise self._ask(call, row, text, str(url))

    def _ask(self, call: Call, row: Row, text: str, url: str) -> Ask:
        return Ask(Outgoing(url, b"", [], "GET"), partial(self._told, call, row, text))

    def _told(self, call: Call, row: Row, text: str, reply: Reply) -> Response:
        answer = reply.json() if reply.ok else None
        keys = answer.get("keys") if isinstance(answer, dict) else None
        keys = keys if isinstance(keys, list) else []
        kid = crypto.parts(text)[0].get("kid")
        key = next((k for k in keys if isinstance(k, dict) and k.get("kid") == kid), None)
        if key is None:
            return _no("invalid_key", "The key of the token is none of the provider's.")
        try:
            claims = crypto.verify(text, key)[1]
        except crypto.BadTokenError:
            return _no("invalid_key", "The signature of the token does not hold.")
        if not isinstance(claims.get("events"), dict) or not claims["events"]:
            return _no("invalid_request", "The token holds no events.")
        for name in claims["events"]:
            target = changes.party(row["id"], "SecurityEventsProvider", row["fields"]["name"])
            says = f"Security event received: {str(name)[:200]}"
            changes.log_about(call, "security.events.provider.receive_event", says, target)
        return Response(202)


def _host(url: Any) -> str:
    try:
        return urlsplit(str(url)).hostname or ""
    except ValueError:
        return ""


def _no(code: str, sentence: str) -> Response:
    return Response.json({"err": code, "description": sentence}, 400)


RESOURCES: Final = (Streams(), Providers())
