"""Published rate limits and tokens that are revoked while somebody works with them."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Okta

LIST = "GET /api/v1/users?limit=1"


def numbers(answer: Any) -> tuple[int, int, int]:
    names = ("limit", "remaining", "reset")
    limit, left, reset = (int(answer.header(f"x-rate-limit-{name}")) for name in names)
    return limit, left, reset


def test_headers_count_down_and_nothing_is_enforced_until_asked(okta: Okta) -> None:
    limit, left, reset = numbers(okta(LIST))
    assert (limit, left) == (600, 599)
    assert reset > okta.universe.clock.epoch()
    assert numbers(okta(LIST))[1] == 598
    assert numbers(okta("GET /api/v1/groups"))[:2] == (500, 499), "another bucket"
    for _ in range(130):
        answer = okta("GET /api/v1/logs?limit=1")
        assert answer.status == 200
    assert numbers(answer)[:2] == (120, 1)


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("GET /api/v1/users/me", 2000),
        ("POST /api/v1/users/me", 600),
        ("GET /api/v1/users/me/groups", 1200),
        ("GET /api/v1/groups/nobody", 1000),
        ("GET /api/v1/groups/rules", 500),
        ("GET /api/v1/apps", 100),
        ("GET /api/v1/apps/nothing", 500),
        ("GET /api/v1/apps/nothing/users", 100),
        ("GET /api/v1/zones", 1200),
        ("GET /oauth2/v1/keys", 2000),
    ],
)
def test_every_endpoint_has_the_bucket_that_okta_publishes(
    okta: Okta, line: str, limit: int
) -> None:
    assert numbers(okta(line))[0] == limit


def test_beyond_the_limit_there_is_429_until_the_window_ends(
    open_okta: Callable[..., Okta],
) -> None:
    okta = open_okta(limits=True)
    answers = [okta("GET /api/v1/logs?limit=1") for _ in range(121)]
    assert [answer.status for answer in answers] == [200] * 120 + [429]
    assert [numbers(answer)[1] for answer in answers[-3:]] == [1, 0, 0]
    refused = answers[-1]
    assert refused.data()["errorCode"] == "E0000047"
    assert refused.header("retry-after") is None, "Okta's headers tell it by the reset"
    assert okta(LIST).status == 200, "another bucket"
    wait = numbers(refused)[2] - okta.universe.clock.epoch()
    assert 0 < wait <= 60
    okta.universe.clock.advance(wait)
    assert okta("GET /api/v1/logs?limit=1").status == 200


def test_a_token_revoked_in_the_middle_of_a_run_is_invalid_from_then_on(okta: Okta) -> None:
    okta.universe.faults.add({"twin": "okta", "match": "listGroups", "revoke": True, "times": 1})
    assert okta(LIST).status == 200
    refused = okta("GET /api/v1/groups")
    assert (refused.status, refused.data()["errorCode"]) == (401, "E0000011")
    assert okta(LIST).status == 401
    made = okta.universe.apply(
        "okta",
        "add_tokens",
        {"add_tokens": [{"name": "new", "user": okta.universe.twins["okta"].org.people[0].email}]},
    )
    assert okta(LIST, authorization=f"SSWS {made[0]['token']}").status == 200
    listed = okta("GET /api/v1/api-tokens", authorization=f"SSWS {made[0]['token']}").data()
    assert [row["name"] for row in listed] == ["new"]
