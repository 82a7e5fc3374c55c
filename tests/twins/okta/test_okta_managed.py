"""What all managed resources have in common: made, found, listed, changed, refused, deleted."""

from collections.abc import Callable
from typing import Any

import pytest

from .samples import GOOD, NESTED

PATHS = [*GOOD, *NESTED]
UNIQUE = {
    "/api/v1/zones": "name",
    "/api/v1/behaviors": "name",
    "/api/v1/trustedOrigins": "name",
    "/api/v1/iam/roles": "label",
    "/api/v1/iam/resource-sets": "label",
    "/api/v1/authorizationServers": "name",
    "/api/v1/policies": "name",
    "/api/v1/logStreams": "name",
    "/api/v1/eventHooks": "name",
    "/api/v1/inlineHooks": "name",
    "/api/v1/device-assurances": "name",
    "/api/v1/push-providers": "name",
    "/api/v1/authorizationServers/{0}/scopes": "name",
    "/api/v1/policies/{0}/rules": "name",
}
ONCE = {"/api/v1/apps/{0}/credentials/csrs", "/api/v1/idps/{0}/credentials/csrs"}


def made(okta: Any, path: str) -> tuple[str, dict[str, Any], Any]:
    """Make one; its list's path, what was sent and what was answered."""
    body = GOOD.get(path) or NESTED[path]
    if path in NESTED:
        above, _, _ = path.partition("/{0}")
        owner = okta(f"POST {above}", GOOD[above]).data()
        path = path.replace("{0}", owner["id"])
    answer = okta(f"POST {path}", body)
    assert answer.status in (200, 201), answer.body
    return path, body, answer.data()


def listed(okta: Any, path: str) -> list[Any]:
    query = "?type=OKTA_SIGN_ON" if path.endswith("/v1/policies") else ""
    answer = okta(f"GET {path}{query}")
    assert answer.status == 200, answer.body
    found = answer.data()
    if isinstance(found, dict):
        found = next(value for value in found.values() if isinstance(value, list))
    return list(found)


def key_of(one: dict[str, Any]) -> str:
    return str(one.get("id") or one["kid"])


@pytest.mark.parametrize("path", PATHS)
def test_what_is_made_is_found_and_listed(okta: Any, path: str) -> None:
    path, _, one = made(okta, path)
    keys = [key_of(other) for other in listed(okta, path)]
    assert keys.count(key_of(one)) == 1
    got = okta(f"GET {path}/{key_of(one)}").data()
    shown_once = {"_embedded", "credentials", "client_secret"}
    assert {k: v for k, v in got.items() if k not in shown_once} == {
        k: v for k, v in one.items() if k not in shown_once
    }
    answer = okta(f"GET {path}/nobody")
    assert answer.status == 404
    assert answer.data()["errorCode"] == "E0000007"
    assert answer.data()["errorSummary"].startswith("Not found: Resource not found: nobody (")


@pytest.mark.parametrize("path", PATHS)
def test_what_is_deleted_is_gone(okta: Any, path: str) -> None:
    path, _, one = made(okta, path)
    line = f"{path}/{key_of(one)}"
    if path.endswith("/authenticators"):
        assert okta(f"DELETE {line}").status == 405
        return
    if okta(f"DELETE {line}").status != 204:
        assert okta(f"POST {line}/lifecycle/deactivate").status in (200, 204, 400)
        if path.endswith("/secrets"):
            # One has to stay: a second one first.
            assert okta(f"POST {path}").status in (201, 400)
            okta(f"POST {line}/lifecycle/deactivate")
        assert okta(f"DELETE {line}").status == 204
    assert key_of(one) not in [key_of(other) for other in listed(okta, path)]
    assert okta(f"GET {line}").status == 404


@pytest.mark.parametrize("path", PATHS)
def test_a_body_without_what_is_needed_is_refused(okta: Any, path: str) -> None:
    real, body, _ = made(okta, path)
    optional = {"status", "description", "priority", "settings", "label", "response_types", "kid"}
    optional |= {"authType", "enabled"} if path == "/api/v1/email-servers" else set()
    optional |= {"name", "signOnMode", "credentials"} if path == "/api/v1/apps" else set()
    for name in set(body) - optional:
        answer = okta(f"POST {real}", {k: v for k, v in body.items() if k != name})
        assert answer.status in (400, 403), (name, answer.status, answer.body)
        assert answer.data()["errorCode"].startswith("E00000") or answer.status == 403
    answer = okta(f"POST {real}", b"[")
    if not path.endswith("/secrets"):
        assert (answer.status, answer.data()["errorCode"]) == (400, "E0000003")
    for name in set(body) - {"kid", "y", "description"}:
        wrong: Any = {} if not isinstance(body[name], dict) else 7
        answer = okta(f"POST {real}", {**body, name: wrong})
        assert answer.status in (400, 403, 404), (name, answer.status, answer.body)


@pytest.mark.parametrize("path", UNIQUE)
def test_names_are_unique(okta: Any, path: str) -> None:
    real, body, _ = made(okta, path)
    again = okta(f"POST {real}", body)
    assert (again.status, again.data()["errorCode"]) == (400, "E0000001")
    other = {**body, UNIQUE[path]: "another:one"}
    if path == "/api/v1/trustedOrigins":
        assert okta(f"POST {real}", other).status == 400, "the address is taken as well"
        other["origin"] = "https://other.example"
    second = okta(f"POST {real}", other)
    assert second.status in (200, 201), second.body
    clash = okta(f"PUT {real}/{key_of(second.data())}", body)
    assert clash.status == 400, "changing it to the other's name"


@pytest.mark.parametrize("path", [p for p in PATHS if p not in ONCE])
def test_a_change_is_kept(okta: Any, path: str) -> None:
    real, body, one = made(okta, path)
    line = f"{real}/{key_of(one)}"
    name = next((n for n in ("label", "name", "description") if n in body), "")
    changed = okta(f"PUT {line}", {**body, name: "Renamed"} if name else body)
    if changed.status == 405:
        return
    if path == "/api/v1/domains":
        brand = okta("GET /api/v1/brands").data()[0]["id"]
        changed = okta(f"PUT {line}", {"brandId": brand})
    assert changed.status == 200, changed.body
    if name:
        assert okta(f"GET {line}").data()[name] == "Renamed"
        assert changed.data()[name] == "Renamed"


TURNED = ["apps", "zones", "trustedOrigins", "behaviors", "logStreams", "eventHooks", "inlineHooks"]


@pytest.mark.parametrize("area", [*TURNED, "idps", "authorizationServers", "policies"])
def test_lifecycle(okta: Any, area: str) -> None:
    path, _, one = made(okta, f"/api/v1/{area}")
    line = f"{path}/{one['id']}"
    assert one["status"] == "ACTIVE"
    for word, status in (
        ("deactivate", "INACTIVE"),
        ("deactivate", "INACTIVE"),
        ("activate", "ACTIVE"),
    ):
        assert okta(f"POST {line}/lifecycle/{word}").status in (200, 204)
        assert okta(f"GET {line}").data()["status"] == status
        links = okta(f"GET {line}").data()["_links"]
        if area != "idps":
            assert ("deactivate" in links) == (status == "ACTIVE")
    assert okta(f"POST {path}/nobody/lifecycle/activate").status == 404
    refused = okta(f"DELETE {line}")
    assert refused.status == (
        204 if area in ("policies", "authorizationServers") else refused.status
    )
    if area in ("apps", "zones", "eventHooks", "inlineHooks", "idps", "logStreams"):
        assert refused.status in (400, 403)
        assert okta(f"GET {line}").status == 200


def test_lists_come_in_pages_whose_cursors_are_opaque_or_ids(okta: Any) -> None:
    for number in range(7):
        okta("POST /api/v1/realms", {"profile": {"name": f"Realm {number}"}})
    pages = okta.pages("/api/v1/realms?limit=3")
    assert [len(page) for page in pages] == [3, 3, 2]
    first = pages[0][0]["id"]
    after = okta(f"GET /api/v1/realms?limit=1&after={first}").data()
    assert after == [pages[0][1]]


def test_a_universe_keeps_its_objects_to_itself(okta: Any) -> None:
    path, _, one = made(okta, "/api/v1/zones")
    copy = okta.universe.fork()
    snapshot = okta.universe.snapshot()
    okta(f"POST {path}/{one['id']}/lifecycle/deactivate")
    assert okta(f"DELETE {path}/{one['id']}").status == 204
    assert ("zones", one["id"]) in copy.twins["okta"]["things"]
    okta.universe.restore(snapshot)
    assert okta(f"GET {path}/{one['id']}").status == 200


def test_same_calls_same_bytes(open_okta: Callable[..., Any]) -> None:
    def play() -> list[bytes]:
        okta = open_okta()
        for path in PATHS:
            made(okta, path) if path not in NESTED else None
        return [exchange.response_body for exchange in okta.universe.tap]

    assert play() == play()
