"""Groups, members, rules, the log, the org, and what scenarios may do."""

from collections.abc import Callable
from typing import Any

import pytest

from factory_tui.universe import ApplyError


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def new_group(okta: Any, name: str) -> str:
    answer = okta("POST /api/v1/groups", {"profile": {"name": name, "description": None}})
    assert answer.status == 200, answer.body
    return str(answer.data()["id"])


def names(answer: Any) -> list[str]:
    return [group["profile"]["name"] for group in answer.data()]


def test_a_group_from_birth_to_death(okta: Any) -> None:
    key = new_group(okta, "crew")
    group = okta(f"GET /api/v1/groups/{key}").data()
    assert list(group) == [
        "id", "created", "lastUpdated", "lastMembershipUpdated", "objectClass", "type", "profile",
        "_links",
    ]  # fmt: skip
    assert group["type"] == "OKTA_GROUP"
    assert group["objectClass"] == ["okta:user_group"]
    renamed = okta(f"PUT /api/v1/groups/{key}", {"profile": {"name": "team", "description": "d"}})
    assert renamed.data()["profile"] == {"name": "team", "description": "d"}
    assert okta(f"DELETE /api/v1/groups/{key}").status == 204
    missing = okta(f"GET /api/v1/groups/{key}")
    assert missing.data()["errorSummary"] == f"Not found: Resource not found: {key} (UserGroup)"
    assert code(missing) == (404, "E0000007")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"profile": None},
        {"profile": {"name": ""}},
        {"profile": {"name": "x" * 256}},
        {"profile": {"name": 7}},
        {"profile": {"name": "n", "description": 7}},
        {"profile": {"name": "n", "colour": "red"}},
        {"profile": {"name": "Eng-Platform"}},
    ],
)
def test_groups_that_okta_refuses(okta: Any, body: Any) -> None:
    assert code(okta("POST /api/v1/groups", body)) == (400, "E0000001")


def test_members(okta: Any) -> None:
    group, user = new_group(okta, "crew"), okta.user("ada")
    member = f"/api/v1/groups/{group}/users/{user}"
    before = okta(f"GET /api/v1/groups/{group}").data()["lastMembershipUpdated"]
    okta.universe.clock.advance(5)
    for _ in range(2):
        assert okta(f"PUT {member}").status == 204
    assert okta(f"GET /api/v1/groups/{group}").data()["lastMembershipUpdated"] > before
    assert [u["id"] for u in okta(f"GET /api/v1/groups/{group}/users").data()] == [user]
    assert names(okta(f"GET /api/v1/users/{user}/groups")) == ["Everyone", "crew"]
    for _ in range(2):
        assert okta(f"DELETE {member}").status == 204
    assert okta(f"GET /api/v1/groups/{group}/users").data() == []
    assert code(okta(f"PUT /api/v1/groups/{group}/users/nobody")) == (404, "E0000007")
    assert code(okta(f"PUT /api/v1/groups/nothing/users/{user}")) == (404, "E0000007")
    events = [e["eventType"] for page in okta.pages("/api/v1/logs") for e in page]
    assert events.count("group.user_membership.add") == 1
    assert events.count("group.user_membership.remove") == 1
    assert okta(f"GET /api/v1/groups/{group}/apps").data() == []


def test_users_can_be_created_in_groups(okta: Any) -> None:
    group = new_group(okta, "crew")
    profile = {"firstName": "A", "lastName": "B", "login": "a@b.co", "email": "a@b.co"}
    created = okta("POST /api/v1/users", {"profile": profile, "groupIds": [group]})
    assert created.status == 200
    assert [u["id"] for u in okta(f"GET /api/v1/groups/{group}/users").data()] == [
        created.data()["id"]
    ]
    profile |= {"login": "c@b.co"}
    assert okta("POST /api/v1/users", {"profile": profile, "groupIds": ["00gnone"]}).status == 404
    assert okta("GET /api/v1/users/c@b.co").status == 404


def test_everyone_is_built_in(okta: Any) -> None:
    user = okta.user("ada")
    everyone = okta("GET /api/v1/groups?q=every").data()[0]
    assert everyone["type"] == "BUILT_IN"
    assert len(okta(f"GET /api/v1/groups/{everyone['id']}/users").data()) == 13
    for line in (
        f"DELETE /api/v1/groups/{everyone['id']}",
        f"PUT /api/v1/groups/{everyone['id']}/users/{user}",
        f"DELETE /api/v1/groups/{everyone['id']}/users/{user}",
    ):
        assert code(okta(line)) == (403, "E0000006")


def test_finding_groups(okta: Any) -> None:
    listed = "GET /api/v1/groups?"
    assert names(okta(listed + "q=ENG")) == ["eng-platform", "eng-web"]
    assert names(okta(listed + "search=profile.name+sw+%22ENG-w%22")) == ["eng-web"]
    assert names(okta(listed + "filter=type+eq+%22BUILT_IN%22")) == ["Everyone"]
    assert code(okta(listed + "filter=profile.name+eq+%22it%22")) == (400, "E0000031")
    downwards = okta(listed + "search=type+pr&sortBy=profile.name&sortOrder=desc&limit=2")
    assert names(downwards) == ["it", "Everyone"]
    pages = okta.pages("/api/v1/groups?search=type+pr&sortBy=profile.name&sortOrder=desc&limit=2")
    assert [len(page) for page in pages] == [2, 2, 1]
    stats = okta(listed + "q=design&expand=stats").data()[0]["_embedded"]["stats"]
    assert stats["usersCount"] == 2


def test_member_pages(open_okta: Callable[..., Any]) -> None:
    okta = open_okta(seeds={"okta": "acme-300"}, vary={"pages"}, seed=4)
    group = okta("GET /api/v1/groups?q=eng-platform").data()[0]["id"]
    pages = okta.pages(f"/api/v1/groups/{group}/users")
    assert len(pages) >= 6
    emails = sorted(u["profile"]["email"] for page in pages for u in page)
    assert emails == sorted(okta.universe.twins["okta"].org.groups["eng-platform"])


def rule(okta: Any, expression: str, group: str) -> str:
    body = {
        "type": "group_rule",
        "name": "rule",
        "conditions": {
            "expression": {"value": expression, "type": "urn:okta:expression:1.0"},
            "people": {"users": {"exclude": []}, "groups": {"exclude": []}},
        },
        "actions": {"assignUserToGroups": {"groupIds": [group]}},
    }
    answer = okta("POST /api/v1/groups/rules", body)
    assert answer.status == 200, answer.body
    assert answer.data()["status"] == "INACTIVE"
    return str(answer.data()["id"])


def test_group_rules(okta: Any) -> None:
    group, user = new_group(okta, "crew"), okta.user("ada")
    key = rule(okta, 'user.lastName=="Test" and String.startsWith(user.firstName, "A")', group)
    path = f"/api/v1/groups/rules/{key}"
    members = f"GET /api/v1/groups/{group}/users"
    assert okta(members).data() == []
    assert okta(f"POST {path}/lifecycle/activate").status == 204
    assert [u["id"] for u in okta(members).data()] == [user]
    other = okta.user("amy")
    assert [u["id"] for u in okta(members).data()] == [user, other]
    okta(f"POST /api/v1/users/{user}", {"profile": {"lastName": "Wed"}})
    assert [u["id"] for u in okta(members).data()] == [other]
    assert okta(f"PUT {path}", okta(f"GET {path}").data()).status == 400
    assert okta(f"POST {path}/lifecycle/deactivate").status == 204
    changed = okta(f"GET {path}").data() | {"name": "changed"}
    assert okta(f"PUT {path}", changed).data()["name"] == "changed"
    assert [r["name"] for r in okta("GET /api/v1/groups/rules").data()] == ["changed"]
    deleted = okta(f"DELETE {path}?removeUsers=true")
    assert (deleted.status, deleted.data()) == (202, {})
    assert okta(members).data() == []
    assert code(okta(f"GET {path}")) == (404, "E0000007")


@pytest.mark.parametrize(
    ("expression", "hit"),
    [
        ('user.firstName == "Ada"', True),
        ("user.firstName == 'ada'", False),
        ('user.title == null or user.city != "Rome"', True),
        ('!(user.firstName == "Ada")', False),
        ('not (user.firstName == "Bob") && user.email != null', True),
        ('String.stringContains(user.email, "@test")', True),
        ('String.toLowerCase(user.firstName) == "ada"', True),
        ("String.len(user.firstName) == 3", True),
        ("true", True),
    ],
)
def test_rule_expressions(okta: Any, expression: str, hit: bool) -> None:
    group, user = new_group(okta, "crew"), okta.user("ada")
    okta(f"POST /api/v1/groups/rules/{rule(okta, expression, group)}/lifecycle/activate")
    ids = [u["id"] for u in okta(f"GET /api/v1/groups/{group}/users").data()]
    assert (user in ids) is hit


@pytest.mark.parametrize("expression", ["", "user.", "1 ==", "String.fly(user.x)", "(" * 99])
def test_bad_rule_expressions(okta: Any, expression: str) -> None:
    group = new_group(okta, "crew")
    body = {
        "name": "r",
        "conditions": {"expression": {"value": expression}},
        "actions": {"assignUserToGroups": {"groupIds": [group]}},
    }
    assert code(okta("POST /api/v1/groups/rules", body)) == (400, "E0000001")


def test_the_log(okta: Any) -> None:
    user = okta.user("ada")
    okta.universe.clock.advance(3600)
    okta(f"POST /api/v1/users/{user}/lifecycle/suspend", **{"user-agent": "probe/1"})
    events = okta("GET /api/v1/logs").data()
    assert [event["eventType"] for event in events] == [
        "user.lifecycle.create",
        "user.lifecycle.activate",
        "user.lifecycle.suspend",
    ]
    last = events[-1]
    assert last["target"][0]["alternateId"] == "ada@test.example"
    assert last["client"]["userAgent"]["rawUserAgent"] == "probe/1"
    assert last["outcome"]["result"] == "SUCCESS"
    assert last["actor"]["alternateId"] == okta.universe.tap[-1].principal
    recent = okta("GET /api/v1/logs?since=2026-03-02T09:30:00Z&until=2026-03-03T00:00:00Z")
    assert [event["uuid"] for event in recent.data()] == [last["uuid"]]
    assert not [v for k, v in recent.headers if 'rel="next"' in v]
    filtered = okta("GET /api/v1/logs?filter=eventType+eq+%22user.lifecycle.create%22").data()
    assert len(filtered) == 1
    by_target = okta(f"GET /api/v1/logs?filter=target.id+eq+%22{user}%22&limit=2")
    assert len(by_target.data()) == 2
    assert len(okta("GET /api/v1/logs?q=SUSPEND+ada@test").data()) == 1
    assert okta("GET /api/v1/logs?sortOrder=DESCENDING").data()[0]["uuid"] == last["uuid"]
    assert code(okta("GET /api/v1/logs?since=yesterday")) == (400, "E0000001")
    assert code(okta("GET /api/v1/logs?filter=((")) == (400, "E0000031")


def test_polling_the_log(okta: Any) -> None:
    okta.user("ada")
    answer = okta("GET /api/v1/logs?since=2026-03-01T00:00:00Z")
    assert len(answer.data()) == 2
    for expected in (0, 2, 0):
        following = next(v for k, v in answer.headers if 'rel="next"' in v)
        answer = okta("GET " + following.partition("<http://twin.test")[2].partition(">")[0])
        assert len(answer.data()) == expected
        if expected == 0:
            okta.user(f"user{len(okta.universe.tap)}")


def test_the_org(okta: Any) -> None:
    before = okta("GET /api/v1/org").data()
    assert before["companyName"] == "Acme"
    after = okta("POST /api/v1/org", {"supportPhoneNumber": "123", "subdomain": "evil"}).data()
    assert after["supportPhoneNumber"] == "123"
    assert after["subdomain"] == "acme"
    replaced = okta("PUT /api/v1/org", {"companyName": "Bcme"}).data()
    assert (replaced["companyName"], replaced["supportPhoneNumber"]) == ("Bcme", None)
    assert code(okta("PUT /api/v1/org", {})) == (400, "E0000001")


def test_scenario_operations(okta: Any) -> None:
    apply = okta.universe.apply
    added = apply(
        "okta",
        "add_users",
        [
            {"as": "x", "first": "Xia", "last": "Yu", "groups": ["eng-web", "EVERYONE"]},
            {"first": "Old", "last": "Hand", "email": "old@x.example", "status": "STAGED"},
        ],
    )
    assert added[0]["email"] == "xia.yu@acme.example"
    assert added[0]["name"] == "Xia Yu"
    view = {user["email"]: user for user in okta.universe.view("okta")["users"]}
    assert view["xia.yu@acme.example"]["groups"] == ["Everyone", "eng-web"]
    assert view["xia.yu@acme.example"]["id"] == added[0]["id"]
    assert view["old@x.example"]["status"] == "STAGED"
    apply("okta", "add_groups", [{"name": "crew", "members": ["any:it:1", "xia.yu@acme.example"]}])
    apply("okta", "add_to_group", {"group": "crew", "users": ["old@x.example"]})
    apply("okta", "remove_from_group", {"group": "crew", "users": "any:it:1"})
    groups = {g["name"]: g["members"] for g in okta.universe.view("okta")["groups"]}
    assert groups["crew"] == ["old@x.example", "xia.yu@acme.example"]
    apply("okta", "set_group", {"name": "crew", "members": ["any:design:1"]})
    apply("okta", "suspend_users", ["any:design:1"])
    apply("okta", "deactivate_users", ["any:design:2"])
    apply("okta", "remove_users", ["old@x.example"])
    view = {user["email"]: user for user in okta.universe.view("okta")["users"]}
    assert "old@x.example" not in view
    first, second = (okta.universe.pick("design", n)["email"] for n in (1, 2))
    assert view[first]["status"] == "SUSPENDED"
    assert view[first]["groups"] == ["Everyone", "crew", "design"]
    assert view[second]["status"] == "DEPROVISIONED"
    assert okta("GET /api/v1/logs").data() == []


@pytest.mark.parametrize(
    ("name", "args", "sentence"),
    [
        ("add_users", [{"first": "X"}], '"last" is missing'),
        ("add_users", [{"first": "X", "last": "Y", "status": "HAPPY"}], '"HAPPY" is no status'),
        ("add_users", [{"first": "X", "last": "Y", "groups": ["no"]}], 'no group "no"'),
        ("add_users", "x", "give a list"),
        ("remove_users", ["nobody@x"], "there is no user nobody@x"),
        ("add_groups", [{"name": "IT"}], 'there is a group "IT" already'),
        ("set_group", {"name": "Everyone", "members": []}, "everybody is in"),
        ("add_to_group", {"users": []}, '"group" is missing'),
        ("fly", {}, 'okta has no operation "fly"'),
    ],
)
def test_scenario_operations_explain_themselves(
    okta: Any, name: str, args: Any, sentence: str
) -> None:
    with pytest.raises(ApplyError, match=sentence):
        okta.universe.apply("okta", name, args)


def test_an_empty_org_has_its_administrator(open_okta: Callable[..., Any]) -> None:
    okta = open_okta(seeds={"okta": "empty"})
    assert [u["profile"]["login"] for u in okta("GET /api/v1/users").data()] == [
        "admin@acme.example"
    ]
    assert names(okta("GET /api/v1/groups")) == ["Everyone"]
