"""The official client makes, finds, lists and replaces every type of what comes in types."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from factory_tui.universe import Universe

from .sdk import Operation, built, operations
from .variants import APPS, FACTORS, IDPS, OTHERS, POLICIES, RULES


@pytest_asyncio.fixture
async def client(
    okta: Any, served: Callable[[Universe, str], Awaitable[str]], monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    from okta.client import Client

    env = okta.universe.env("okta", await served(okta.universe, "okta"))
    return Client({"orgUrl": env["OKTA_URL"], "token": env["OKTA_TOKEN"]})


async def called(client: Any, verb: str, path: str, *values: str, **more: Any) -> Any:
    """Call the method of a path; its model, or the error."""
    one: Operation = operations()[verb, path]
    given = dict(zip(one.params, values, strict=True)) | more
    if one.body and one.body in given:
        given[one.body] = built(one.kind, given[one.body])
    result = await getattr(client, one.name)(**given)
    assert result[-1] is None, f"{one.name}: {result[-1]}"
    return result[0] if len(result) == 3 else None


async def whole_life(client: Any, path: str, body: dict[str, Any], *above: str) -> Any:
    """Made, found, listed, replaced; the last of it."""
    one = operations()["POST", path]
    made = await called(client, "POST", path, *above, **{one.body: body})
    assert made is not None, path
    found = await called(client, "GET", f"{path}/{{}}", *above, made.id)
    assert found.id == made.id
    # What is made may have a model of its own, with secrets that are shown once.
    assert type(found) is type(made) or "Create" in type(made).__name__
    kind = body.get("type")
    query = {"type": kind} if path.endswith("/policies") else {}
    listed = await called(client, "GET", path, *above, **query)
    (same,) = [other for other in listed if other.id == made.id]
    assert type(same) is type(found)
    if ("PUT", f"{path}/{{}}") in operations():
        put = operations()["PUT", f"{path}/{{}}"]
        again = await called(client, "PUT", f"{path}/{{}}", *above, made.id, **{put.body: body})
        assert (type(again), again.id) == (type(found), made.id)
    return made


@pytest.mark.parametrize("kind", APPS)
async def test_applications_of_every_sign_on_mode(client: Any, kind: str) -> None:
    made = await whole_life(client, "/api/v1/apps", APPS[kind])
    assert type(made).__name__ != "Application"
    assert made.sign_on_mode == APPS[kind]["signOnMode"]


@pytest.mark.parametrize("kind", POLICIES)
async def test_policies_and_rules_of_every_type(client: Any, kind: str) -> None:
    made = await whole_life(client, "/api/v1/policies", POLICIES[kind])
    assert type(made).__name__ != "Policy"
    if kind in RULES:
        rule = await whole_life(client, "/api/v1/policies/{}/rules", RULES[kind], made.id)
        assert type(rule).__name__ != "PolicyRule"


@pytest.mark.parametrize("kind", IDPS)
async def test_identity_providers_of_every_type(client: Any, kind: str) -> None:
    made = await whole_life(client, "/api/v1/idps", IDPS[kind])
    assert made.type == kind


@pytest.mark.parametrize("kind", FACTORS)
async def test_factors_of_every_type(okta: Any, client: Any, kind: str) -> None:
    user = okta.user("ann")
    made = await called(client, "POST", "/api/v1/users/{}/factors", user, body=FACTORS[kind])
    assert type(made).__name__ != "UserFactor"
    assert made.factor_type == FACTORS[kind]["factorType"]
    found = await called(client, "GET", "/api/v1/users/{}/factors/{}", user, made.id)
    assert (type(found), found.id) == (type(made), made.id)
    (listed,) = await called(client, "GET", "/api/v1/users/{}/factors", user)
    assert type(listed) is type(made)


@pytest.mark.parametrize(("path", "body"), OTHERS)
async def test_other_types(client: Any, path: str, body: dict[str, Any]) -> None:
    await whole_life(client, path, body)
