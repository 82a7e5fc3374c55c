"""Whatever a receiver replies to a twin: never the twin's crash, which would void the trial."""

from base64 import urlsafe_b64encode
from itertools import cycle
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from factory_tui.universe import Reply, Request, Universe, Waiting, load_packs

from .conftest import TWINS
from .okta.samples import GOOD
from .test_fuzz import _JSON, NAMES, authorization

URL = "http://127.0.0.1:8080/in"
KEYS = "http://127.0.0.1:8080/keys"
REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"

_WORDS = st.sampled_from(
    ["keys", "kid", "kty", "crv", "n", "e", "x", "y", "alg", "jwks_uri", "verification",
     "challenge", "response_action", "errors", "view", "text", "blocks", "attachments", "type",
     "title", "response_type", "thread_ts", "channel", "metadata", "delete_original", "options",
     "replace_original", "external_id", "private_metadata", "block_id", "commands", "callback_id"]
)  # fmt: skip
_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["k1", "RSA", "EC", "P-256", "AQAB", KEYS, "clear", "errors", "push", "update", "modal",
     "in_channel", "b1", True, 5, [], {}, None, {"type": "plain_text", "text": "T"}]
)  # fmt: skip
_TOLD = st.recursive(
    _VALUES | _JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=5),
    max_leaves=10,
)
_BODIES = st.one_of(
    _TOLD.map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)),
    st.binary(max_size=40),
    st.sampled_from([b"", b"[" * 5000, b"[" * 300 + b"]" * 300, b'{"a":' * 300 + b"1" + b"}" * 300,
                     b'{"keys":[{"kid":"k1","kty":"EC","crv":"P-256","x":5}]}', b"\xff"]),
)  # fmt: skip
_REPLIES = st.builds(
    Reply,
    st.sampled_from([200, 200, 200, 200, 201, 204, 302, 400, 404, 429, 500, 599]),
    st.lists(st.tuples(st.sampled_from(["content-type", "x-slack-no-retry", "retry-after"]),
                       st.text(max_size=5)), max_size=2).map(tuple),
    _BODIES,
)  # fmt: skip


def send(universe: Universe, twin: str, target: str, body: Any = b"", kind: str = "") -> Any:
    """What a twin answers, or the request that waits for a reply from outside."""
    headers = {"authorization": authorization(universe, twin)}
    if kind:
        headers["content-type"] = kind
    answer = universe.begin(twin, Request.build("POST", target, headers, body))
    return answer if isinstance(answer, Waiting) else answer.data()


def token(issuer: str, alg: str) -> bytes:
    """A security event token that nobody signed."""
    claims = {"iss": issuer, "events": {"x": {}}}
    parts = [{"alg": alg, "kid": "k1"}, claims, "signature"]
    return b".".join(urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in parts)


def okta(universe: Universe) -> list[Waiting]:
    """Okta asks receivers and providers, and tells hooks and streams."""
    asked = []
    for path, act in (("eventHooks", "lifecycle/verify"), ("inlineHooks", "execute")):
        body = GOOD[f"/api/v1/{path}"]
        config = {**body["channel"]["config"], "uri": URL}
        hook = {**body, "channel": {**body["channel"], "config": config}}
        key = send(universe, "okta", f"/api/v1/{path}", hook)["id"]
        asked.append(send(universe, "okta", f"/api/v1/{path}/{key}/{act}", {}))
        if path == "eventHooks":
            verified = send(universe, "okta", f"/api/v1/{path}/{key}/{act}", {})
            sent = dict(verified.outgoing.headers)["x-okta-verification-challenge"]
            verified.resume(Reply(200, body=orjson.dumps({"verification": sent})))
    path = "/api/v1/security-events-providers"
    for name, told in (("A", {"issuer": "https://a.example", "jwks_url": KEYS}),
                        ("B", {"well_known_url": "http://localhost:8080/known"})):  # fmt: skip
        send(universe, "okta", path, {"name": name, "type": "okta", "settings": told})
    kind = "application/secevent+jwt"
    for issuer in ("https://a.example", "http://localhost:8080"):
        for alg in ("RS256", "ES256", "HS256"):
            text = token(issuer, alg)
            asked.append(send(universe, "okta", "/security/api/v1/security-events", text, kind))
    delivery = {"method": "urn:ietf:rfc:8935", "endpoint_url": URL}
    stream = {"delivery": delivery, "events_requested": [REVOKED]}
    key = send(universe, "okta", "/api/v1/ssf/stream", stream)["stream_id"]
    send(universe, "okta", "/api/v1/ssf/stream/verification", {"stream_id": key})
    person = {"firstName": "A", "lastName": "B", "email": "a@b.example", "login": "a@b.example"}
    send(universe, "okta", "/api/v1/users?activate=false", {"profile": person})
    return asked


def slack(universe: Universe) -> list[Waiting]:
    """A person acts, and an app is told of it and of events."""
    person = {"user": universe.pick("it", 1)["email"]}
    shortcuts = [{"name": "s", "callback_id": "s", "type": "global", "description": "d"}]
    app = {"url": URL, "commands": ["/x"], "shortcuts": shortcuts, "verify": True}
    app |= {"events": ["message.im"], "scopes": ["im:history"]}
    universe.apply("slack", "configure_app", app)
    (delivery,) = universe.outbox.pending
    challenge = delivery.event.payload["challenge"]
    settle(universe, Reply(200, body=challenge.encode()))
    block = {"type": "input", "block_id": "b1", "label": {"type": "plain_text", "text": "L"},
             "element": {"type": "plain_text_input", "action_id": "a1"}}  # fmt: skip
    title = {"type": "plain_text", "text": "T"}
    view = {"type": "modal", "title": title, "submit": title, "blocks": [block]}
    for _ in range(2):
        universe.apply("slack", "slash_command", {**person, "command": "/x"})
    trigger = universe.outbox.pending[-1].event.payload["trigger_id"]
    opened = send(universe, "slack", "/api/views.open", {"trigger_id": trigger, "view": view})
    assert opened["ok"], opened
    for _ in range(3):
        universe.apply("slack", "submit_view", {**person, "values": {"a1": "v"}})
    universe.apply("slack", "shortcut", {**person, "callback_id": "s"})
    universe.apply("slack", "say", {**person, "text": "hello"})
    universe.apply("slack", "configure_app", app)
    return []


def jira(universe: Universe) -> list[Waiting]:
    """Webhooks of an administrator and of an app hear of an issue."""
    hook = {"name": "Ours", "url": URL, "events": ["jira:issue_created"]}
    assert send(universe, "jira", "/rest/webhooks/1.0/webhook", hook)["name"] == "Ours"
    own = {"events": ["jira:issue_created"], "jqlFilter": "project = IT"}
    send(universe, "jira", "/rest/api/3/webhook", {"url": URL, "webhooks": [own]})
    fields = {"project": {"key": "IT"}, "summary": "S", "issuetype": {"name": "Task"}}
    assert "id" in send(universe, "jira", "/rest/api/3/issue", {"fields": fields})
    return []


ACTS = {"okta": okta, "slack": slack, "jira": jira}


def settle(universe: Universe, reply: Reply) -> bool:
    """Let the delivery that is next come to that; whether there was one."""
    delivery = universe.outbox.take(universe.clock.now())
    if delivery is None:
        return False
    universe.settle(delivery, universe.prepare(delivery, 0), reply)
    return True


@pytest.fixture(scope="module")
def base() -> Universe:
    seeds = {"okta": "acme-12", "slack": "acme-12", "jira": "acme-it"}
    return Universe(load_packs(TWINS, NAMES), seeds, debug=True)


@pytest.mark.parametrize("twin", NAMES)
def test_every_kind_of_delivery_is_under_test(base: Universe, twin: str) -> None:
    universe = base.fork()
    asked = ACTS[twin](universe)
    kinds = {delivery.event.kind for delivery in universe.outbox.pending}
    wanted = {
        "okta": {"ssf.verification", "user.lifecycle.create"},
        "slack": {"url_verification", "message", "slash_command", "view_submission", "shortcut"},
        "jira": {"jira:issue_created"},
    }
    assert wanted[twin] <= kinds
    assert len(asked) == (8 if twin == "okta" else 0)
    assert all(isinstance(one, Waiting) for one in asked)


@pytest.mark.parametrize("twin", NAMES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(replies=st.lists(_REPLIES, min_size=1, max_size=12))
@example(replies=[Reply(200, body=b'{"keys": 5}')])
@example(replies=[Reply(200, body=b"[" * 300 + b"]" * 300)])
@example(replies=[Reply(200, body=b'{"jwks_uri": "%s"}' % KEYS.encode()),
                  Reply(200, body=b'{"keys": {"k1": 5}}')])  # fmt: skip
@example(replies=[Reply(200, body=b'{"response_action": {"a": []}}')])
@example(replies=[Reply(200, body=b'{"response_action": "update", "view": {"type": []}}')])
def test_no_reply_makes_a_twin_crash(base: Universe, twin: str, replies: list[Reply]) -> None:
    universe = base.fork()
    turn = cycle(replies)
    for one in ACTS[twin](universe):
        answer: Any = one
        while isinstance(answer, Waiting):
            answer = answer.resume(next(turn))
        assert answer.status < 500
    for _ in range(60):
        if not settle(universe, next(turn)):
            universe.advance(400)
    assert universe.crashes == [], universe.crashes[0]
    orjson.dumps(universe.view(twin))


@pytest.mark.parametrize("socket", ["socket mode", "rtm"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(said=st.lists(_BODIES, max_size=6), answer=_TOLD)
@example(said=[b'{"type":"ping","x":' + b"[" * 300 + b"]" * 300 + b"}"], answer=None)
def test_nothing_said_over_a_websocket_makes_slack_crash(
    base: Universe, socket: str, said: list[bytes], answer: Any
) -> None:
    universe = base.fork()
    universe.apply("slack", "configure_app", {"socket_mode": True, "commands": ["/x"]})
    env = universe.env("slack", "http://127.0.0.1:1")
    name = "apps.connections.open" if socket == "socket mode" else "rtm.connect"
    bearer = env["SLACK_APP_TOKEN" if socket == "socket mode" else "SLACK_TOKEN"]
    if socket == "rtm":
        universe.apply("slack", "set_token", {"scopes": ["rtm:stream"]})
    headers = {"authorization": f"Bearer {bearer}"}
    url = universe.handle("slack", Request.build("POST", f"/api/{name}", headers)).data()["url"]
    request = Request.build("GET", url.partition("127.0.0.1:1")[2] or "/" + url.split("/", 3)[3])
    channel = universe.open_socket("slack", request)
    assert channel is not None
    line = universe.sockets.open("slack", channel, request, lambda _: None, lambda *_: None)
    universe.socket_event(line, "opened")
    universe.apply(
        "slack", "slash_command", {"user": universe.pick("it", 1)["email"], "command": "/x"}
    )
    delivery = universe.outbox.take(universe.clock.now())
    assert delivery is not None
    sent = universe.prepare(delivery, 0)
    got: list[bytes] = []
    universe.sockets.send("slack", channel, sent.body, sent.ack, got.append)
    for one in [*said, orjson.dumps({"envelope_id": sent.ack, "payload": answer},
                                    option=orjson.OPT_NON_STR_KEYS)]:  # fmt: skip
        universe.socket_event(line, "message", one)
    for body in got:
        universe.settle(delivery, sent, Reply(200, body=body))
    universe.socket_event(line, "closed")
    assert universe.crashes == [], universe.crashes[0]
