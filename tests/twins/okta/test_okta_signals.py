"""Shared signals with a real receiver and a real provider: signed security event tokens."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import jwt
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from factory_tui.universe import Courier, Universe

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


class Elsewhere:
    """A receiver of events that also has keys of its own."""

    def __init__(self) -> None:
        self.url = ""
        self.got: list[tuple[str, str]] = []
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    async def __call__(self, request: web.Request) -> web.Response:
        if request.path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return web.json_response({"keys": [{**public, "kid": "k1"}]})
        if request.path == "/known":
            return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})
        self.got.append((request.headers.get("authorization", ""), await request.text()))
        return web.Response(status=202)

    def token(self, **claims: Any) -> str:
        told = {"iss": self.url, "jti": "1", "iat": 1, "aud": "okta", "events": {REVOKED: {}}}
        headers = {"typ": "secevent+jwt", "kid": "k1"}
        return jwt.encode({**told, **claims}, self.key, algorithm="RS256", headers=headers)


@pytest_asyncio.fixture
async def elsewhere() -> AsyncIterator[Elsewhere]:
    made = Elsewhere()
    runner = web.ServerRunner(web.Server(made))  # type: ignore[arg-type]
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def test_a_stream_tells_of_revoked_sessions(okta: Any, elsewhere: Elsewhere) -> None:
    universe: Universe = okta.universe
    delivery = {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": f"{elsewhere.url}/events",
        "authorization_header": "Bearer secret",
    }
    body = {"delivery": delivery, "events_requested": [REVOKED]}
    made = okta("POST /api/v1/ssf/stream", body)
    assert made.status == 201
    stream = made.data()
    assert stream["events_delivered"] == [REVOKED]
    assert "authorization_header" not in stream["delivery"]
    assert okta("POST /api/v1/ssf/stream", body).status == 409
    keys = {key["kid"]: key for key in okta("GET /oauth2/v1/keys").data()["keys"]}

    def read(number: int) -> dict[str, Any]:
        sent, text = elsewhere.got[number]
        assert sent == "Bearer secret"
        key = jwt.PyJWK(keys[jwt.get_unverified_header(text)["kid"]])
        options: Any = {"verify_iat": False}
        return dict(
            jwt.decode(text, key, algorithms=["RS256"], audience=stream["aud"], options=options)
        )

    async with Courier(universe) as courier:
        asked = {"stream_id": stream["stream_id"], "state": "abc"}
        assert okta("POST /api/v1/ssf/stream/verification", asked).status == 204
        await courier.flush()
        (name,) = read(0)["events"]
        assert name.endswith("/verification") and read(0)["events"][name] == {"state": "abc"}
        user = okta.user("ann")
        okta(f"DELETE /api/v1/users/{user}/sessions")
        await courier.flush()
        assert read(1)["events"][REVOKED]["subject"]["sub"] == user
        assert okta("DELETE /api/v1/ssf/stream").status == 204
        okta(f"DELETE /api/v1/users/{user}/sessions")
        await courier.flush()
        assert len(elsewhere.got) == 2
    unknown = {"stream_id": stream["stream_id"]}
    assert okta("POST /api/v1/ssf/stream/verification", unknown).status == 404


async def test_a_provider_is_believed_by_its_signature(
    okta: Any, elsewhere: Elsewhere, served: Callable[..., Any]
) -> None:
    universe: Universe = okta.universe
    url = f"{await served(universe, 'okta')}/security/api/v1/security-events"
    path = "/api/v1/security-events-providers"
    settings = {"issuer": elsewhere.url, "jwks_url": f"{elsewhere.url}/keys"}
    one = {"name": "Signals", "type": "okta", "settings": settings}
    key = okta(f"POST {path}", one).data()["id"]
    assert okta(f"POST {path}", {**one, "name": "Other"}).status == 400, "the issuer is taken"

    def told() -> int:
        kind = 'eventType eq "security.events.provider.receive_event"'
        return len(okta(f"GET /api/v1/logs?filter={kind.replace(' ', '+')}").data())

    headers = {"content-type": "application/secevent+jwt"}
    async with Courier(universe), aiohttp.ClientSession(headers=headers) as client:

        async def publish(text: str) -> tuple[int, str]:
            async with client.post(url, data=text) as answer:
                body = await answer.json() if answer.status == 400 else {}
                return answer.status, body.get("err", "")

        assert await publish(elsewhere.token()) == (202, "")
        assert told() == 1
        assert await publish("no token") == (400, "invalid_request")
        assert await publish(elsewhere.token(iss="https://other.example")) == (
            400,
            "invalid_issuer",
        )
        elsewhere.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        good = elsewhere.token()
        elsewhere.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        assert await publish(good) == (400, "invalid_key")
        okta(f"POST {path}/{key}/lifecycle/deactivate")
        assert await publish(elsewhere.token()) == (400, "invalid_issuer")
        known = {**one, "settings": {"well_known_url": f"{elsewhere.url}/known"}}
        assert okta(f"PUT {path}/{key}", known).status == 200
        okta(f"POST {path}/{key}/lifecycle/activate")
        assert await publish(elsewhere.token()) == (202, "")
        assert told() == 2
