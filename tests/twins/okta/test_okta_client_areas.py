"""The official ``okta`` client reads, turns and deletes what the twin manages.

Its models refuse answers whose fields have wrong types or lack what they need, so every call that
comes back without an error has been checked by the vendor's own description.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any, get_args, get_origin

import pytest
import pytest_asyncio

from factory_tui.universe import Universe

from .samples import GOOD, NESTED

NOT_THERE = {
    "list_device_posture_checks",
    "list_default_device_posture_checks",
    "get_aerial_consent",
}
"""Features that the organisation does not have (401 E0000015), consent nobody gave (404)."""


@pytest_asyncio.fixture
async def client(
    okta: Any, served: Callable[[Universe, str], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    from okta.client import Client

    env = okta.universe.env("okta", await served(okta.universe, "okta"))
    return Client({"orgUrl": env["OKTA_URL"], "token": env["OKTA_TOKEN"]})


def snake(operation: str) -> str:
    apart = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", operation)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", apart).lower()


def operations(okta: Any, path: str) -> dict[str, str]:
    """What may be done with the objects of a list: ``GET …/{}`` to the client's method."""
    plain = re.sub(r"\{[^}]*\}", "{}", path)
    found = {}
    for operation, (method, template, done) in okta.universe.packs[
        "okta"
    ].routes.operations.items():
        bare = re.sub(r"\{[^}]*\}", "{}", template)
        if done and bare.startswith(plain):
            found[f"{method} {bare[len(plain) :]}"] = snake(operation)
    return found


async def tried(client: Any, name: str, *args: Any) -> Any:
    method = getattr(client, name, None)
    if method is None:
        return None
    result = await method(*args)
    assert result[-1] is None, f"{name}{args}: {result[-1]}"
    return result[0] if len(result) == 3 else None


@pytest.mark.parametrize("path", [*GOOD, *NESTED])
async def test_the_client_understands(okta: Any, client: Any, path: str) -> None:
    body = GOOD.get(path) or NESTED[path]
    above: tuple[str, ...] = ()
    known = operations(okta, path.replace("{0}", "{}"))
    if path in NESTED:
        parent = path.partition("/{0}")[0]
        above = (okta(f"POST {parent}", GOOD[parent]).data()["id"],)
        path = path.replace("{0}", above[0])
    made = okta(f"POST {path}", body)
    assert made.status in (200, 201)
    key = made.data()["id"]
    extra = ("OKTA_SIGN_ON",) if path.endswith("v1/policies") else ()
    await tried(client, known["GET "], *above, *extra)
    if "GET /{}" in known:
        got = await tried(client, known["GET /{}"], *above, key)
        assert got is None or key in (getattr(got, "id", key), getattr(got, "kid", key))
    for word in ("deactivate", "activate", "deactivate"):
        line = f"POST /{{}}/lifecycle/{word}"
        if line in known and not path.endswith("/secrets"):
            await tried(client, known[line], *above, key)
    if path.endswith("/secrets"):
        # The application has another, so this one may go.
        await tried(client, known["POST /{}/lifecycle/deactivate"], *above, key)
    if "DELETE /{}" in known:
        await tried(client, known["DELETE /{}"], *above, key)
        assert okta(f"GET {path}/{key}").status in (404, 405)


async def test_lists_that_need_nothing(okta: Any, client: Any) -> None:
    failed = []
    tries = 0
    for operation, (method, template, done) in okta.universe.packs[
        "okta"
    ].routes.operations.items():
        name = snake(operation)
        if method != "GET" or not done or "{" in template or name in NOT_THERE:
            continue
        if not hasattr(client, name):
            continue
        needed = [
            p
            for p in inspect.signature(getattr(client, name)).parameters.values()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        if needed:
            continue
        tries += 1
        try:
            result = await getattr(client, name)()
        except Exception as problem:
            failed.append(f"{name}: {str(problem)[:300]}")
            continue
        if result[-1] is not None:
            failed.append(f"{name}: {str(result[-1])[:300]}")
    assert tries > 40
    assert failed == []


async def test_what_belongs_to_a_brand_a_user_and_a_group(okta: Any, client: Any) -> None:
    brand = okta("GET /api/v1/brands").data()[0]["id"]
    (theme, *_) = await tried(client, "list_brand_themes", brand)
    await tried(client, "get_brand_theme", brand, theme.id)
    await tried(client, "list_email_templates", brand)
    await tried(client, "get_email_template", brand, "ForgotPassword")
    await tried(client, "list_email_customizations", brand, "ForgotPassword")
    user = okta.user("client")
    for name in ("list_factors", "list_supported_factors", "list_app_links", "list_user_clients"):
        await tried(client, name, user)
    await tried(client, "list_supported_security_questions", user)
    await tried(client, "list_subscriptions_user", user)
    group = okta("POST /api/v1/groups", {"profile": {"name": "g"}}).data()["id"]
    await tried(client, "list_assigned_applications_for_group", group)
    await tried(client, "list_group_owners", group)
    await tried(client, "get_user_schema", "default")
    await tried(client, "get_group_schema")
    key = okta("POST /api/v1/apps", GOOD["/api/v1/apps"]).data()["id"]
    okta(f"POST /api/v1/apps/{key}/users", {"id": user})
    okta(f"PUT /api/v1/apps/{key}/groups/{group}")
    (held,) = await tried(client, "list_application_users", key)
    assert held.id == user
    (held,) = await tried(client, "list_application_group_assignments", key)
    assert held.id == group
    for name in ("list_application_keys", "list_jwk", "list_o_auth2_client_secrets"):
        await tried(client, name, key)
    await tried(client, "get_application_user_schema", key)


NOT_FROM_SAMPLES = {
    "/api/v1/apps",
    "/api/v1/logStreams",
    "/api/v1/apps/{0}/credentials/jwks",
    "/api/v1/policies/{0}/rules",
}
"""The client's models ask for more than Okta does before they let these samples out."""

OTHER_STATUS = {
    "/api/v1/domains",
    "/api/v1/apps/{0}/credentials/csrs",
    "/api/v1/apps/{0}/grants",
}
"""Recorded organisations answer with another 2xx than the one this client reads a body from."""


@pytest.mark.parametrize("path", [p for p in [*GOOD, *NESTED] if p not in NOT_FROM_SAMPLES])
async def test_the_client_makes_and_replaces(okta: Any, client: Any, path: str) -> None:
    body = GOOD.get(path) or NESTED[path]
    known = operations(okta, path.replace("{0}", "{}"))
    above: tuple[str, ...] = ()
    if path in NESTED:
        parent = path.partition("/{0}")[0]
        above = (okta(f"POST {parent}", GOOD[parent]).data()["id"],)
    made = await tried(client, known["POST "], *above, model(client, known["POST "], above, body))
    if path in OTHER_STATUS:
        listed = okta(f"GET {path.format(*above)}").data()
        assert len(listed.get("domains", []) if isinstance(listed, dict) else listed) == 1
        return
    key = getattr(made, "id", None)
    assert key and okta(f"GET {path.format(*above)}/{key}").status in (200, 405)
    if "PUT /{}" not in known:
        return
    changed = model(client, known["PUT /{}"], (*above, key), body)
    again = await tried(client, known["PUT /{}"], *above, key, changed)
    assert again is None or again.id == key


def model(client: Any, name: str, before: tuple[str, ...], body: dict[str, Any]) -> Any:
    """The body as the client's method wants it: its own model, where it names one."""
    kinds = list(inspect.signature(getattr(client, name)).parameters.values())
    kind = kinds[len(before)].annotation
    while get_origin(kind) is not None:
        kind = get_args(kind)[0]
    return kind.from_dict(body) if hasattr(kind, "from_dict") else body
