"""The official ``okta`` client, unmodified, against the served twin."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from factory_tui.universe import Universe

MakeUniverse = Callable[..., Universe]
Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.fixture
def universe(make_universe: MakeUniverse) -> Universe:
    return make_universe("okta")


@pytest_asyncio.fixture
async def client(universe: Universe, served: Serve, monkeypatch: pytest.MonkeyPatch) -> Any:
    # The client wants https; this is its own switch for tests.
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    from okta.client import Client

    env = universe.env("okta", await served(universe, "okta"))
    return Client({"orgUrl": env["OKTA_URL"], "token": env["OKTA_TOKEN"]})


async def new_user(client: Any, name: str, *, activate: bool = True) -> Any:
    from okta.models import CreateUserRequest

    request = CreateUserRequest(
        **{
            "profile": {
                "firstName": name.title(),
                "lastName": "Client",
                "email": f"{name}@client.example",
                "login": f"{name}@client.example",
            },
            "credentials": {"password": {"value": "Abcd1234x"}},
        }
    )
    user, _, error = await client.create_user(request, activate=activate)
    assert error is None
    return user


async def new_group(client: Any, name: str) -> Any:
    from okta.models import AddGroupRequest

    request = AddGroupRequest(**{"profile": {"name": name, "description": "made by a test"}})
    group, _, error = await client.add_group(request)
    assert error is None
    return group


async def all_pages(list_page: Callable[..., Awaitable[Any]], **query: Any) -> list[list[Any]]:
    from okta.pagination import PaginationHelper

    found: list[list[Any]] = []
    while True:
        page, response, error = await list_page(**query)
        assert error is None
        found.append(page)
        after = PaginationHelper.extract_next_cursor(response.headers)
        if after is None:
            return found
        query["after"] = after


async def test_users(client: Any, universe: Universe) -> None:
    user = await new_user(client, "ada")
    assert user.status.value == "ACTIVE"
    for key in (user.id, "ada@client.example", "me"):
        got, _, error = await client.get_user(key)
        assert error is None
        assert got.profile.email
    from okta.models import UpdateUserRequest

    change = UpdateUserRequest(**{"profile": {"nickName": "AB", "department": "Eng"}})
    updated, _, error = await client.update_user(user.id, change)
    assert error is None
    assert (updated.profile.nick_name, updated.profile.first_name) == ("AB", "Ada")
    found, _, error = await client.list_users(search='profile.department eq "eng"')
    assert error is None
    assert [one.id for one in found] == [user.id]
    for _ in range(2):
        _, response, error = await client.delete_user(user.id)
        assert error is None
        assert response.status_code == 204
    # Another id than before: the client caches what it has read.
    error = (await client.get_user("nobody@client.example"))[-1]
    assert "E0000007" in str(error)
    assert universe.crashes == []
    assert universe.gaps == []


async def test_lists_in_pages(client: Any) -> None:
    pages = await all_pages(client.list_users, limit=5)
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({user.id for page in pages for user in page}) == 12
    for number in range(4):
        await new_group(client, f"crew-{number}")
    pages = await all_pages(client.list_groups, limit=3)
    assert [len(page) for page in pages] == [3, 3, 3]


async def test_groups_and_members(client: Any) -> None:
    group = await new_group(client, "crew")
    users = [await new_user(client, name) for name in ("ada", "bob", "cid")]
    for user in users:
        _, response, error = await client.assign_user_to_group(group.id, user.id)
        assert error is None
        assert response.status_code == 204
    pages = await all_pages(lambda **query: client.list_group_users(group.id, **query), limit=2)
    assert [[user.id for user in page] for page in pages] == [
        [users[0].id, users[1].id],
        [users[2].id],
    ]
    mine, _, error = await client.list_user_groups(users[0].id)
    assert error is None
    assert [one.profile.actual_instance.name for one in mine] == ["Everyone", "crew"]
    await client.unassign_user_from_group(group.id, users[0].id)
    left, _, _ = await client.list_group_users(group.id)
    assert [user.id for user in left] == [users[1].id, users[2].id]
    found, _, error = await client.list_groups(q="cre")
    assert error is None
    assert [one.id for one in found] == [group.id]
    apps, _, error = await client.list_assigned_applications_for_group(group.id)
    assert (apps, error) == ([], None)
    _, _, error = await client.delete_group(group.id)
    assert error is None


async def test_lifecycle_and_its_illegal_edges(client: Any, universe: Universe) -> None:
    user = await new_user(client, "ada", activate=False)
    assert user.status.value == "STAGED"
    # On errors the client gives two values from some operations and three from others.
    error = (await client.suspend_user(user.id))[-1]
    assert "Cannot suspend a user that is not active" in str(error)
    for step, status in (
        (client.activate_user(user.id, send_email=False), "ACTIVE"),
        (client.suspend_user(user.id), "SUSPENDED"),
        (client.unsuspend_user(user.id), "ACTIVE"),
        (client.expire_password(user.id), "PASSWORD_EXPIRED"),
        (client.reset_password(user.id, send_email=False), "RECOVERY"),
        (client.deactivate_user(user.id), "DEPROVISIONED"),
    ):
        error = (await step)[-1]
        assert error is None
        view = {row["id"]: row for row in universe.view("okta")["users"]}
        assert view[user.id]["status"] == status
    assert "E0000007" in str((await client.deactivate_user(user.id))[-1])
    assert "E0000032" in str((await client.unlock_user(user.id))[-1])


async def test_rules_logs_and_org(client: Any) -> None:
    from okta.models import CreateGroupRuleRequest

    group, user = await new_group(client, "crew"), await new_user(client, "ada")
    request = CreateGroupRuleRequest(
        **{
            "type": "group_rule",
            "name": "everybody called Client",
            "conditions": {
                "expression": {
                    "type": "urn:okta:expression:1.0",
                    "value": 'user.lastName=="Client"',
                }
            },
            "actions": {"assignUserToGroups": {"groupIds": [group.id]}},
        }
    )
    rule, _, error = await client.create_group_rule(request)
    assert error is None
    _, _, error = await client.activate_group_rule(rule.id)
    assert error is None
    members, _, _ = await client.list_group_users(group.id)
    assert [one.id for one in members] == [user.id]
    rules, _, error = await client.list_group_rules()
    assert error is None
    assert [one.status.value for one in rules] == ["ACTIVE"]
    events, _, error = await client.list_log_events(limit=10)
    assert error is None
    assert [event.event_type for event in events] == [
        "group.lifecycle.create",
        "user.lifecycle.create",
        "user.lifecycle.activate",
        "group.user_membership.add",
    ]
    org, _, error = await client.get_org_settings()
    assert error is None
    assert org.company_name == "Acme"


async def test_it_waits_out_a_429_and_tries_again(
    client: Any, universe: Universe, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def quick(seconds: float, *rest: Any) -> Any:
        waited.append(seconds)
        return await sleep(min(seconds, 0.01), *rest)

    monkeypatch.setattr("okta.request_executor.asyncio.sleep", quick)
    universe.faults.add({"twin": "okta", "match": "listUsers", "nth": 1, "reply": 429})
    users, _, error = await client.list_users()
    assert error is None
    assert len(users) == 12
    assert 1.0 <= max(waited) <= 3.0
    assert [exchange.status for exchange in universe.tap] == [429, 200]
    retry = dict(universe.tap[1].request_headers)
    assert retry["x-okta-retry-count"] == "1"
    first = dict(universe.tap[0].response_headers)
    assert retry["x-okta-retry-for"] == first["x-okta-request-id"]


async def test_bad_tokens(universe: Universe, served: Serve, client: Any) -> None:
    from okta.client import Client

    stranger = Client({"orgUrl": await served(universe, "okta"), "token": "nope"})
    _, _, error = await stranger.list_users()
    assert "E0000011" in str(error)
    users, _, error = await client.list_users()
    assert (len(users), error) == (12, None)
