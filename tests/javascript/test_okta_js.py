"""``@okta/okta-sdk-nodejs``, unmodified, against the Okta twin."""

from typing import Any

import pytest

from factory_tui.universe import Universe
from tests.javascript.conftest import RunJs
from tests.twins.conftest import MakeUniverse, Serve


@pytest.fixture
def universe(make_universe: MakeUniverse) -> Universe:
    return make_universe("okta", seeds={"okta": "acme-300"})


async def _run(universe: Universe, served: Serve, run_js: RunJs, *script: str) -> Any:
    url = await served(universe, "okta")
    answer = await run_js("okta.mjs", *script, **universe.env("okta", url))
    assert universe.crashes == []
    assert universe.gaps == []
    return answer


async def test_users_are_made_changed_and_deleted(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    answer = await _run(universe, served, run_js, "users")
    assert (answer["staged"], answer["status"]) == ("STAGED", "ACTIVE")
    assert answer["updated"]["profile"]["nickName"] == "bobby"
    assert answer["replaced"]["profile"]["department"] == "Ops"
    assert answer["replaced"]["profile"].get("nickName") is None
    assert answer["twice"]["code"] == "E0000001"
    assert "login: An object with this field already exists" in answer["twice"]["causes"][0]
    assert (answer["gone"]["status"], answer["gone"]["code"]) == (404, "E0000007")


async def test_collections_page_to_the_end(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    answer = await _run(universe, served, run_js, "paging")
    assert answer["count"] == 300
    assert answer["pages"] >= 6
    assert answer["found"] == ["IT"] * 6
    assert answer["q"]
    assert answer["bad"]["code"] == "E0000031"


async def test_members_and_rules(universe: Universe, served: Serve, run_js: RunJs) -> None:
    answer = await _run(universe, served, run_js, "groups")
    assert answer["members"] == ["ben", "cat"]
    assert answer["mine"] == ["Everyone", "night shift"]
    assert answer["after"] == 3
    assert (answer["fixed"]["status"], answer["fixed"]["code"]) == (403, "E0000006")


async def test_lifecycle_errors_are_the_vendors(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    answer = await _run(universe, served, run_js, "lifecycle")
    codes = {
        name: (value["status"], value["code"])
        for name, value in answer.items()
        if isinstance(value, dict)
    }
    assert codes == {
        "active": (403, "E0000016"),
        "unlock": (403, "E0000032"),
        "unsuspend": (400, "E0000001"),
        "suspend": (400, "E0000001"),
        "reset": (403, "E0000038"),
        "nobody": (404, "E0000007"),
        "weak": (400, "E0000001"),
    }
    assert (answer["suspended"], answer["recovery"]) == ("SUSPENDED", "RECOVERY")
    assert "/signin/reset-password/" in answer["url"]
    assert answer["expired"] == "PASSWORD_EXPIRED"
    assert answer["events"][:2] == ["user.lifecycle.create", "user.lifecycle.activate"]


async def test_applications(universe: Universe, served: Serve, run_js: RunJs) -> None:
    answer = await _run(universe, served, run_js, "apps")
    assert answer["name"] == "template_basic_auth"
    assert answer["assigned"]["scope"] == "USER"
    assert answer["bad"]["code"] == "E0000001"
    assert (answer["active"]["status"], answer["active"]["code"]) == (403, "E0000056")
    assert answer["off"] == "INACTIVE"
    assert answer["servers"] == ["default"]


@pytest.mark.parametrize(("mode", "scheme"), [("plain", "Bearer"), ("dpop", "DPoP")])
async def test_a_service_with_a_private_key(
    universe: Universe, served: Serve, run_js: RunJs, mode: str, scheme: str
) -> None:
    answer = await _run(universe, served, run_js, "oauth", mode)
    assert (answer["users"], answer["group"]) == (300, "by service")
    assert (answer["forbidden"]["status"], answer["forbidden"]["code"]) == (403, "E0000006")
    # The client does not look at the token endpoint's error and calls with no token.
    assert answer["denied"]["status"] == 401
    made = next(one for one in universe.tap if one.operation == "addGroup")
    assert dict(made.request_headers)["authorization"].startswith(scheme)
    assert (answer["invalid"]["status"], answer["invalid"]["code"]) == (401, "E0000011")


async def test_a_client_waits_when_it_is_told_to(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    universe.faults.add({"twin": "okta", "match": "listGroups", "nth": 1, "reply": 429})
    answer = await _run(universe, served, run_js, "limited")
    assert answer["groups"] == 9
    assert [wait["status"] for wait in answer["waits"]] == [429]
    assert 0 < answer["waits"][0]["delayMs"] <= 3000
    retried = dict(universe.tap[-1].request_headers)
    assert retried["x-okta-retry-for"] == answer["waits"][0]["requestId"]
