"""The SCIM and Audit Logs APIs through slack_sdk's own clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from slack_sdk.audit_logs import AuditLogsClient
from slack_sdk.audit_logs.async_client import AsyncAuditLogsClient
from slack_sdk.scim import SCIMClient
from slack_sdk.scim.async_client import AsyncSCIMClient
from slack_sdk.scim.v1.group import Group, GroupMember
from slack_sdk.scim.v1.user import User, UserEmail, UserName

from factory_tui.universe import Request, Universe
from twins.slack.scim_filter import FilterError, parse_filter

Serve = Callable[[Universe, str], Awaitable[str]]


class Place:
    """A workspace served on its own: where it is, and its credentials."""

    def __init__(self, universe: Universe, url: str) -> None:
        state = universe.twins["slack"]
        state.pack.stand_alone(state)
        self.universe, self.url = universe, url
        self.env = universe.env("slack", url)

    def rest(self, verb: str, path: str, body: Any = None, token: str = "SLACK_ADMIN_TOKEN") -> Any:
        head = {"authorization": f"Bearer {self.env.get(token, token)}"}
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            head["content-type"] = "application/json"
        return self.universe.handle("slack", Request.build(verb, path, head, data))

    def client(self, token: str = "SLACK_ADMIN_TOKEN") -> SCIMClient:
        return SCIMClient(self.env.get(token, token), base_url=f"{self.url}/scim/v1/")


@pytest.fixture
async def place(make_universe: Callable[..., Universe], served: Serve) -> AsyncIterator[Place]:
    universe = make_universe("slack", seeds={"slack": "acme-12"})
    yield Place(universe, await served(universe, "slack"))
    assert universe.crashes == []


async def test_an_account_lives_through_scim(place: Place) -> None:
    client = place.client()

    def play() -> None:
        user = User(
            user_name="Carly.Rae@other.example",
            name=UserName(given_name="Carly", family_name="Rae"),
            emails=[UserEmail(value="Carly@example.com")],
            title="Singer",
        )
        made = client.create_user(user)
        assert made.status_code == 201
        assert (made.user.user_name, made.user.active) == ("carly.rae", True)
        assert made.user.emails[0].to_dict() == {"value": "carly@example.com", "primary": True}
        key = made.user.id
        found = client.search_users(start_index=1, count=5, filter='userName Eq "Carly.Rae"')
        assert (found.status_code, [user.id for user in found.users]) == (200, [key])
        assert client.read_user(key).user.title == "Singer"
        patched = client.patch_user(key, User(name=UserName(family_name="Jepsen"), title="Star"))
        assert patched.status_code == 200
        assert patched.user.name.to_dict() == {"givenName": "Carly", "familyName": "Jepsen"}
        mine = patched.user
        mine.name = UserName(given_name="C", family_name="J")
        updated = client.update_user(mine)
        assert (updated.status_code, updated.user.name.given_name) == (200, "C")
        assert client.delete_user(key).status_code == 200
        assert client.read_user(key).user.active is False
        again = client.patch_user(key, {"active": True})
        assert again.user.active is True
        taken = client.create_user(User(user_name="carly.rae", emails=[UserEmail(value="x@y.z")]))
        assert (taken.status_code, taken.errors.code) == (409, 409)
        assert taken.errors.description == "username_taken"

    await asyncio.to_thread(play)
    slack = {"authorization": f"Bearer {place.env['SLACK_TOKEN']}"}
    path = "/api/users.lookupByEmail?email=carly@example.com"
    seen = place.universe.handle("slack", Request.build("GET", path, slack)).data()
    assert seen["user"]["profile"]["real_name"] == "C J"


async def test_groups_of_scim_are_user_groups(place: Place) -> None:
    client = AsyncSCIMClient(place.env["SLACK_ADMIN_TOKEN"], base_url=f"{place.url}/scim/v1/")
    people = (await client.search_users(start_index=1, count=3)).users
    members = [GroupMember(value=person.id) for person in people[:2]]
    made = await client.create_group(Group(display_name="Night shift", members=members))
    assert made.status_code == 201
    key = made.group.id
    assert [member.value for member in made.group.members] == [p.id for p in people[:2]]
    found = await client.search_groups(start_index=1, count=1, filter='displayName sw "night"')
    assert [group.id for group in found.groups] == [key]
    change = {"members": [{"value": people[0].id, "operation": "delete"}, {"value": people[2].id}]}
    patched = await client.patch_group(key, Group(**change))
    assert (patched.status_code, patched.raw_body) == (204, "")
    group = (await client.read_group(key)).group
    assert [member.value for member in group.members] == [people[1].id, people[2].id]
    person = (await client.read_user(people[1].id)).user
    assert [mine.value for mine in person.groups] == [key]
    group.display_name = "Day shift"
    updated = await client.update_group(group)
    assert (updated.status_code, updated.group.display_name) == (200, "Day shift")
    token = {"authorization": f"Bearer {place.env['SLACK_TOKEN']}"}
    said = Request.build("GET", "/api/usergroups.list?include_users=1", token)
    listed = place.universe.handle("slack", said).data()["usergroups"]
    assert [(row["id"], row["handle"], len(row["users"])) for row in listed] == [
        (key, "night-shift", 2)
    ]
    assert (await client.delete_group(key)).status_code == 200
    gone = await client.read_group(key)
    assert (gone.status_code, gone.errors.description) == (404, "group_not_found")


async def test_pages_of_accounts(place: Place) -> None:
    everybody = place.rest("GET", "/scim/v1/Users?count=1000").data()
    assert everybody["totalResults"] == everybody["itemsPerPage"] == 12
    page = place.rest("GET", "/scim/v1/Users?startIndex=11&count=5").data()
    assert (page["startIndex"], page["itemsPerPage"], page["totalResults"]) == (11, 2, 12)
    assert page["Resources"] == everybody["Resources"][10:]
    assert place.rest("GET", "/scim/v1/Users?count=0").data()["Resources"] == []
    bad = place.rest("GET", "/scim/v1/Users?count=some")
    assert (bad.status, bad.data()["Errors"]["description"]) == (400, "invalid_count")
    bad = place.rest("GET", f"/scim/v1/Users?filter={quote('userName is here')}")
    assert (bad.status, bad.data()["Errors"]["description"]) == (400, "invalid_filter")


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        ("xoxp-unknown", 401, "invalid_authentication"),
        ("SLACK_BOT_TOKEN", 401, "invalid_authentication"),
        ("member", 403, "not_authorized"),
        ("scopeless", 403, "missing_scope"),
    ],
)
async def test_only_admins_may_use_scim(
    place: Place, token: str, status: int, description: str
) -> None:
    if token == "member":
        args: dict[str, Any] = {"user": place.universe.pick("it", 1)["email"], "scopes": ["admin"]}
        token = place.universe.apply("slack", "add_token", args)["token"]
    if token == "scopeless":
        owner = next(row for row in place.universe.twins["slack"]["users"].rows() if row["owner"])
        args = {"user": owner["email"], "scopes": ["users:read"]}
        token = place.universe.apply("slack", "add_token", args)["token"]
    refused = await asyncio.to_thread(place.client(token).search_users, start_index=1, count=1)
    assert refused.status_code == refused.errors.code == status
    assert refused.errors.description == description


async def test_version_2_patches_by_operations(place: Place) -> None:
    core = "urn:ietf:params:scim:schemas:core:2.0:User"
    company = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    said = {"schemas": [core], "userName": "ada", "emails": [{"value": "ada@example.com"}]}
    made = place.rest("POST", "/scim/v2/Users", said | {company: {"department": "Maths"}})
    assert made.status == 201
    user = made.data()
    assert user["schemas"] == [core, company]
    assert made.header("location") == user["meta"]["location"]
    where = f"/scim/v2/Users/{user['id']}"
    operations = [
        {"op": "Replace", "path": "name.givenName", "value": "Ada"},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "ada@other.example"},
        {"op": "add", "value": {"title": "Countess", "active": False}},
        {"op": "add", "path": f"{company}:department", "value": "Engines"},
    ]
    after = place.rest("PATCH", where, {"Operations": operations}).data()
    assert (after["name"]["givenName"], after["title"], after["active"]) == (
        "Ada",
        "Countess",
        False,
    )
    assert after["emails"][0]["value"] == "ada@other.example"
    assert after[company] == {"department": "Engines"}
    assert place.rest("DELETE", where).status == 204
    group = place.rest("POST", "/scim/v2/Groups", {"displayName": "Engine", "members": []}).data()
    there = f"/scim/v2/Groups/{group['id']}"
    steps: list[dict[str, Any]] = [
        {"op": "add", "path": "members", "value": [{"value": user["id"]}]},
        {"op": "replace", "value": {"displayName": "Engines"}},
    ]
    assert place.rest("PATCH", there, {"Operations": steps}).status == 204
    shown = place.rest("GET", there).data()
    assert (shown["displayName"], shown["members"][0]["value"]) == ("Engines", user["id"])
    away = [{"op": "remove", "path": f'members[value eq "{user["id"]}"]'}]
    assert place.rest("PATCH", there, {"Operations": away}).status == 204
    assert place.rest("GET", there).data()["members"] == []
    bad = place.rest("PATCH", there, {"Operations": [{"op": "paint"}]})
    assert (bad.status, bad.data()["Errors"]["description"]) == (400, "invalid_syntax")


async def test_what_scim_says_of_itself(place: Place) -> None:
    abilities = place.rest("GET", "/scim/v1/ServiceProviderConfigs").data()
    assert (abilities["patch"], abilities["bulk"]["supported"]) == ({"supported": True}, False)
    names = {
        item["name"] for item in place.rest("GET", "/scim/v1/Schemas/Users").data()["attributes"]
    }
    shown = place.rest("GET", "/scim/v1/Users?count=1").data()["Resources"][0]
    assert set(shown) - {"schemas", "id", "meta"} <= names
    types = place.rest("GET", "/scim/v2/ResourceTypes").data()["Resources"]
    assert [item["endpoint"] for item in types] == ["/Users", "/Groups"]
    assert place.rest("GET", "/scim/v1/ResourceTypes").status == 404
    assert place.rest("POST", "/scim/v1/Schemas/Users", {}).status == 405
    assert place.rest("GET", "/scim/v3/Users").status == 404


@pytest.mark.parametrize(
    ("body", "status", "description"),
    [
        ([], 400, "invalid_json"),
        ({"emails": [{"value": "a@b.c"}]}, 400, "invalid_username"),
        ({"userName": "x"}, 400, "invalid_email"),
        ({"userName": "x", "emails": [{"value": "nowhere"}]}, 400, "invalid_email"),
        ({"userName": "???", "emails": [{"value": "a@b.c"}]}, 400, "invalid_username"),
        ({"userName": "x", "emails": [{"value": "a@b.c"}], "active": 7}, 400, "invalid_active"),
        ({"userName": "x", "emails": [{"value": "a@b.c"}], "name": "A"}, 400, "invalid_name"),
    ],
)
async def test_accounts_that_cannot_be_made(
    place: Place, body: Any, status: int, description: str
) -> None:
    before = place.rest("GET", "/scim/v1/Users?count=0").data()["totalResults"]
    said = place.rest("POST", "/scim/v1/Users", body)
    assert (said.status, said.data()["Errors"]["description"]) == (status, description)
    assert place.rest("GET", "/scim/v1/Users?count=0").data()["totalResults"] == before


async def test_the_primary_owner_cannot_be_switched_off(place: Place) -> None:
    owner = next(row for row in place.universe.twins["slack"]["users"].rows() if row["owner"])
    refused = place.rest("DELETE", f"/scim/v1/Users/{owner['id']}")
    assert refused.status == 403
    assert place.rest("GET", f"/scim/v1/Users/{owner['id']}").data()["active"] is True


def test_the_language_of_filters() -> None:
    row = {
        "userName": "carly",
        "active": True,
        "emails": [{"value": "c@x.com", "primary": True}],
        "name": {"familyName": "Rae"},
        "title": "",
    }
    for text in (
        'username eq "CARLY"',
        'emails co "@x"',
        'emails.value ew ".com" and not (title pr)',
        'title pr or (name.familyName sw "R" and active eq true)',
        'userName ne "x" and userName gt "a" and userName le "carly"',
        'active eq "true"',
    ):
        assert parse_filter(text)(row), text
    for text in ('userName eq "x"', "title pr", 'nothing eq "x"', "active eq false"):
        assert not parse_filter(text)(row), text
    for text in ("", "userName", 'userName is "x"', '(userName eq "x"', 'a eq "b" c', "not a pr"):
        with pytest.raises(FilterError):
            parse_filter(text)


async def test_audit_logs(place: Place) -> None:
    bot = {"authorization": f"Bearer {place.env['SLACK_BOT_TOKEN']}"}
    made = Request.build("GET", "/api/conversations.create?name=secret-plans&is_private=1", bot)
    room = place.universe.handle("slack", made).data()["channel"]["id"]
    base = f"{place.url}/audit/v1/"
    client = AuditLogsClient(place.env["SLACK_ADMIN_TOKEN"], base_url=base)

    def play() -> None:
        actions = client.actions()
        assert (actions.status_code, "user_login" in actions.body["actions"]["user"]) == (200, True)
        kinds = {schema["type"] for schema in client.schemas().body["schemas"]}
        assert {"user", "channel", "workspace"} <= kinds
        logins = client.logs(action="user_login", limit=5)
        assert (logins.status_code, len(logins.typed_body.entries)) == (200, 5)
        first = logins.typed_body.entries[0]
        assert (first.action, first.entity.type, first.context.location.type) == (
            "user_login",
            "user",
            "workspace",
        )
        cursor = logins.typed_body.response_metadata.next_cursor
        rest = client.logs(action="user_login", limit=100, cursor=cursor).typed_body
        ids = {entry.id for entry in [*logins.typed_body.entries, *rest.entries]}
        assert (len(ids), rest.response_metadata.next_cursor) == (12, "")
        (entry,) = client.logs(entity=room, action="private_channel_created").typed_body.entries
        assert (entry.entity.channel.name, entry.entity.channel.privacy) == (
            "secret-plans",
            "private",
        )
        assert client.logs(latest=entry.date_create - 1, entity=room).typed_body.entries == []
        refused = client.logs(action="dancing")
        assert (refused.status_code, refused.body["error"]) == (400, "invalid_action")

    await asyncio.to_thread(play)
    plain = AsyncAuditLogsClient(place.env["SLACK_USER_TOKEN"], base_url=base)
    refused = await plain.logs()
    assert (refused.status_code, refused.body["error"]) == (403, "missing_scope")
    assert refused.body["needed"] == "auditlogs:read"
    unknown = await AsyncAuditLogsClient("xoxp-1", base_url=base).logs()
    assert (unknown.status_code, unknown.body["error"]) == (401, "invalid_auth")


def _junk(dice: Random, depth: int = 0) -> Any:
    """Anything that JSON can say, with words that mean something among it."""
    words = ("value", "type", "primary", "op", "path", "name", "members", "Operations", "meta")
    kinds: list[Callable[[], Any]] = [
        lambda: dice.choice(
            [None, True, False, "", "ü\U0001f600", "add", "remove", "members[value"]
        ),
        lambda: dice.randrange(-5, 10**9),
        lambda: "x" * dice.randrange(300),
    ]
    if depth < 3:
        kinds += [
            lambda: [_junk(dice, depth + 1) for _ in range(dice.randrange(3))],
            lambda: {dice.choice(words): _junk(dice, depth + 1) for _ in range(dice.randrange(4))},
        ]
    return dice.choice(kinds)()


async def test_junk_gets_an_answer(place: Place) -> None:
    dice = Random(7)
    rows = place.universe.twins["slack"]["users"]
    person = next(row["id"] for row in rows.rows() if not row["owner"] and not row["bot"])
    group = place.rest("POST", "/scim/v1/Groups", {"displayName": "G"}).data()["id"]
    names = ("userName", "emails", "name", "active", "groups", "phoneNumbers", "addresses")
    more = ("displayName", "members", "meta", "Operations", "schemas", "externalId")
    kinds = (f"Users/{person}", "Users", f"Groups/{group}", "Groups", "Schemas/Users", "")
    for _ in range(600):
        body = {dice.choice(names + more): _junk(dice) for _ in range(dice.randrange(4))}
        verb = dice.choice(["GET", "POST", "PUT", "PATCH", "PATCH"])
        query = f"?filter={quote(str(_junk(dice)))}&count={dice.randrange(-3, 30)}"
        path = f"/scim/{dice.choice(['v1', 'v2'])}/{dice.choice(kinds)}"
        said = place.rest(verb, path + (query if verb == "GET" else ""), body)
        assert said.status < 500, (verb, path, body)
        name = dice.choice(["limit", "cursor", "oldest", "action"])
        logs = place.rest("GET", f"/audit/v1/logs?{name}={quote(str(_junk(dice)))}")
        assert logs.status in (200, 400)
