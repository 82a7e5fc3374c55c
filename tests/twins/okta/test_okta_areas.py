"""What is particular to an area: assignments, factors, schemas, priorities, members, limits."""

from base64 import b32decode
from typing import Any

import pytest

from .samples import CLIENT, GOOD

BOOKMARK = {
    "name": "bookmark",
    "label": "Wiki",
    "settings": {"app": {"url": "https://wiki.example"}},
}


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def group(okta: Any, name: str) -> str:
    return str(okta("POST /api/v1/groups", {"profile": {"name": name}}).data()["id"])


def test_who_is_assigned_sees_the_application(okta: Any) -> None:
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    ann, bob = okta.user("ann"), okta.user("bob")
    readers = group(okta, "readers")
    okta(f"PUT /api/v1/groups/{readers}/users/{bob}")
    assert okta(f"GET /api/v1/users/{ann}/appLinks").data() == []
    held = okta(f"POST /api/v1/apps/{app}/users", {"id": ann}).data()
    assert (held["scope"], held["credentials"]["userName"]) == ("USER", "ann@test.example")
    assert okta(f"PUT /api/v1/apps/{app}/groups/{readers}").data()["priority"] == 0
    for key in (ann, bob):
        assert [x["label"] for x in okta(f"GET /api/v1/users/{key}/appLinks").data()] == ["Wiki"]
    assert [x["id"] for x in okta(f"GET /api/v1/groups/{readers}/apps").data()] == [app]
    stats = okta("GET /api/v1/groups?expand=stats&q=readers").data()[0]["_embedded"]["stats"]
    assert stats["appsCount"] == 1
    okta(f"POST /api/v1/apps/{app}/users/{ann}", {"credentials": {"userName": "annie"}})
    got = okta(f"GET /api/v1/apps/{app}/users/{ann}?expand=user").data()
    assert got["credentials"] == {"userName": "annie"}
    assert got["_embedded"]["user"]["profile"]["login"] == "ann@test.example"
    assert [x["id"] for x in okta(f"GET /api/v1/apps/{app}/users?q=ann").data()] == [ann]
    assert okta(f"GET /api/v1/apps/{app}/users?q=zed").data() == []
    found = okta(f'GET /api/v1/apps?filter=user.id+eq+"{ann}"').data()
    assert [x["id"] for x in found] == [app]
    okta(f"DELETE /api/v1/groups/{readers}")
    assert okta(f"GET /api/v1/apps/{app}/groups").data() == []
    assert okta(f"GET /api/v1/users/{bob}/appLinks").data() == []
    for _ in range(2):
        okta(f"DELETE /api/v1/users/{ann}")
    assert okta(f"GET /api/v1/apps/{app}/users").data() == []
    assert code(okta(f"GET /api/v1/apps/{app}/users/{ann}")) == (404, "E0000007")


def test_an_active_application_cannot_be_deleted(okta: Any) -> None:
    app = okta("POST /api/v1/apps?activate=false", BOOKMARK).data()
    assert app["status"] == "INACTIVE"
    okta(f"POST /api/v1/apps/{app['id']}/lifecycle/activate")
    assert code(okta(f"DELETE /api/v1/apps/{app['id']}")) == (403, "E0000056")
    assert okta("GET /api/v1/apps?q=wik").data()[0]["id"] == app["id"]
    assert okta('GET /api/v1/apps?filter=status+eq+"INACTIVE"').data() == []
    assert code(okta('GET /api/v1/apps?filter=label+eq+"x"')) == (400, "E0000031")
    assert code(okta("GET /api/v1/apps?expand=user")) == (400, "E0000001")


@pytest.mark.parametrize(
    "change",
    [
        {"signOnMode": "MAGIC"},
        {"settings": {"oauthClient": {**CLIENT["settings"]["oauthClient"], "grant_types": ["x"]}}},
        {"settings": {"oauthClient": {"grant_types": ["authorization_code"]}}},
        {"credentials": {"oauthClient": {"token_endpoint_auth_method": "guess"}}},
        {"label": ""},
    ],
)
def test_clients_are_checked(okta: Any, change: dict[str, Any]) -> None:
    assert code(okta("POST /api/v1/apps", {**CLIENT, **change})) == (400, "E0000001")


def test_a_totp_factor_from_enrolment_to_reset(okta: Any) -> None:
    import hmac
    from hashlib import sha1

    user = okta.user("ann")
    path = f"/api/v1/users/{user}/factors"
    wanted = {"factorType": "token:software:totp", "provider": "GOOGLE"}
    made = okta(f"POST {path}", wanted).data()
    secret = made["_embedded"]["activation"]["sharedSecret"]
    key = b32decode(secret + "=" * (-len(secret) % 8))

    def digits() -> str:
        step = (okta.universe.clock.epoch() // 30).to_bytes(8, "big")
        digest = hmac.new(key, step, sha1).digest()
        at = digest[-1] & 15
        number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
        return f"{number % 10**6:06d}"

    line = f"{path}/{made['id']}"
    assert code(okta(f"POST {line}/lifecycle/activate", {"passCode": "000000x"})) == (
        403,
        "E0000068",
    )
    active = okta(f"POST {line}/lifecycle/activate", {"passCode": digits()}).data()
    assert active["status"] == "ACTIVE" and "_embedded" not in active
    assert okta(f"POST {line}/verify", {"passCode": digits()}).data()["factorResult"] == "SUCCESS"
    old = digits()
    okta.universe.clock.advance(120)
    assert okta(f"POST {line}/verify", {"passCode": old}).status == 403
    assert okta(f"POST {path}", wanted).status == 400, "it is set up already"
    states = {f["factorType"]: f["status"] for f in okta(f"GET {path}/catalog").data()}
    assert (states["token:software:totp"], states["sms"]) == ("ACTIVE", "NOT_SETUP")
    okta(f"POST /api/v1/users/{user}/lifecycle/reset_factors")
    assert okta(f"GET {path}").data() == []


def test_a_security_question(okta: Any) -> None:
    user = okta.user("ann")
    path = f"/api/v1/users/{user}/factors"
    profile = {"question": "favorite_toy", "answer": "my bear"}
    body = {"factorType": "question", "provider": "OKTA", "profile": profile}
    made = okta(f"POST {path}", body).data()
    assert made["status"] == "ACTIVE" and "answer" not in made["profile"]
    line = f"POST {path}/{made['id']}/verify"
    assert okta(line, {"answer": "my bear"}).data() == {"factorResult": "SUCCESS"}
    assert code(okta(line, {"answer": "no"})) == (403, "E0000068")
    assert okta(f"POST {path}", {**body, "profile": {**profile, "answer": "no"}}).status == 400


def test_custom_attributes_shape_profiles(okta: Any) -> None:
    def defined(where: str, **attributes: Any) -> Any:
        custom = {"id": "#custom", "type": "object", "properties": attributes}
        return okta(f"POST /api/v1/meta/schemas/{where}", {"definitions": {"custom": custom}})

    level = {"title": "Level", "type": "integer", "enum": [1, 2]}
    badge = {"title": "Badge", "type": "string", "minLength": 3, "required": True}
    user = okta.user("ann")
    line = f"POST /api/v1/users/{user}"
    assert okta(line, {"profile": {"level": 1}}).status == 400, "not in the schema yet"
    schema = defined("user/default", level=level, badge=badge).data()
    assert schema["definitions"]["custom"]["required"] == ["badge"]
    assert okta(line, {"profile": {"level": 1}}).status == 400, "the badge is needed"
    assert okta(line, {"profile": {"level": 1, "badge": "A-1"}}).data()["profile"]["level"] == 1
    for wrong in ({"level": 3}, {"level": "1"}, {"badge": "A"}, {"badge": 7}):
        assert okta(line, {"profile": wrong}).status == 400, wrong
    assert okta('GET /api/v1/users?search=profile.badge+eq+"a-1"').data()[0]["id"] == user
    assert okta("GET /api/v1/users?search=profile.level+ge+1").data()[0]["id"] == user
    defined("user/default", badge=None)
    assert (
        "badge"
        not in okta("GET /api/v1/meta/schemas/user/default").data()["definitions"]["custom"][
            "properties"
        ]
    )
    assert defined("user/default", login={"title": "x", "type": "string"}).status == 400
    assert defined("group/default", cost={"title": "Cost", "type": "number"}).status == 200
    body = {"profile": {"name": "paid", "cost": 1.5}}
    made = okta("POST /api/v1/groups", body).data()
    assert made["profile"]["cost"] == 1.5
    assert (
        okta(f"PUT /api/v1/groups/{made['id']}", {"profile": {"name": "p", "cost": "x"}}).status
        == 400
    )
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    mapping = okta(f"GET /api/v1/mappings?sourceId={app}").data()[0]["id"]
    rule = {"properties": {"level": {"expression": "appuser.level"}}}
    assert okta(f"POST /api/v1/mappings/{mapping}", rule).status == 200
    rule = {"properties": {"nothing": {"expression": "appuser.x"}}}
    assert code(okta(f"POST /api/v1/mappings/{mapping}", rule)) == (400, "E0000001")


def test_priorities_of_policies_and_rules(okta: Any) -> None:
    def names() -> list[str]:
        found = okta("GET /api/v1/policies?type=OKTA_SIGN_ON").data()
        assert [one["priority"] for one in found[:-1]] == list(range(1, len(found)))
        return [one["name"] for one in found]

    body = {"type": "OKTA_SIGN_ON", "description": "d"}
    for name in ("one", "two"):
        okta("POST /api/v1/policies", {**body, "name": name})
    okta("POST /api/v1/policies", {**body, "name": "first", "priority": 1})
    assert names() == ["first", "one", "two", "Default Policy"]
    default = okta("GET /api/v1/policies?type=OKTA_SIGN_ON").data()[-1]["id"]
    assert code(okta(f"DELETE /api/v1/policies/{default}")) == (403, "E0000006")
    assert okta(f"POST /api/v1/policies/{default}/lifecycle/deactivate").status == 403
    assert okta("GET /api/v1/policies").status == 400, "a type is needed"
    people = {"conditions": {"people": {"groups": {"include": ["00gnobody"]}}}}
    assert okta("POST /api/v1/policies", {**body, "name": "x", **people}).status == 400
    access = {"type": "ACCESS_POLICY", "name": "Apps", "description": "d"}
    made = okta("POST /api/v1/policies", access).data()["id"]
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    assert okta(f"PUT /api/v1/apps/{app}/policies/{made}").status == 204
    assert [a["id"] for a in okta(f"GET /api/v1/policies/{made}/app").data()] == [app]
    assert okta(f"GET /api/v1/apps/{app}").data()["_links"]["accessPolicy"]["href"].endswith(made)
    assert okta(f"DELETE /api/v1/policies/{made}").status == 400, "an application follows it"
    rules = okta(f"GET /api/v1/policies/{made}/rules").data()
    assert [rule["system"] for rule in rules] == [True]
    copy = okta(f"POST /api/v1/policies/{made}/clone").data()
    assert copy["name"] == "[cloned] Apps"
    assert len(okta(f"GET /api/v1/policies/{copy['id']}/rules").data()) == 1


def test_a_role_over_a_resource_set_has_members(okta: Any) -> None:
    role = okta("POST /api/v1/iam/roles", GOOD["/api/v1/iam/roles"]).data()["id"]
    where = okta("POST /api/v1/iam/resource-sets", GOOD["/api/v1/iam/resource-sets"]).data()["id"]
    base, user = f"/api/v1/iam/resource-sets/{where}/bindings", okta.user("ann")
    member = f"https://acme.okta.com/api/v1/users/{user}"
    assert okta(f"POST {base}", {"role": "Helper", "members": [member]}).status == 200
    (held,) = okta(f"GET {base}/{role}/members").data()["members"]
    assert held["_links"]["self"]["href"].endswith(user)
    more = {"additions": [f"https://x/api/v1/groups/{group(okta, 'g')}", member]}
    okta(f"PATCH {base}/{role}/members", more)
    assert len(okta(f"GET {base}/{role}/members").data()["members"]) == 2
    assert okta(f"PATCH {base}/{role}/members", {"additions": ["users/nobody"]}).status == 404
    assert okta(f"DELETE /api/v1/iam/roles/{role}").status == 400, "it is bound"
    assert okta(f"DELETE {base}/{role}/members/{held['id']}").status == 204
    assert okta(f"GET {base}/{role}/members/{held['id']}").status == 404
    assert okta(f"DELETE {base}/{role}").status == 204
    line = f"POST /api/v1/users/{user}/roles"
    custom = {"type": "CUSTOM", "role": role, "resource-set": where}
    given = okta(line, custom)
    assert (given.status, given.data()["label"]) == (201, "Helper")
    assert code(okta(line, custom)) == (409, "E0000090")
    assert code(okta(line, {**custom, "role": "x"})) == (404, "E0000007")
    assert code(okta(line, {"type": "CUSTOM", "role": role})) == (400, "E0000001")
    (held,) = okta(f"GET /api/v1/users/{user}/roles").data()
    assert (held["role"], held["resource-set"]) == (role, where)
    assert okta(f"DELETE /api/v1/users/{user}/roles/{held['id']}").status == 204
    assert okta(f"DELETE /api/v1/iam/roles/{role}").status == 204


def test_ten_wrong_passwords_lock_a_user_out(okta: Any) -> None:
    user = okta.user("ann")

    def sign_in(password: str) -> Any:
        body = {"username": "ann@test.example", "password": password}
        return okta("POST /api/v1/authn", body, authorization="")

    token = sign_in("Abcd1234x").data()["sessionToken"]
    session = okta("POST /api/v1/sessions", {"sessionToken": token}).data()
    assert code(okta("POST /api/v1/sessions", {"sessionToken": token})) == (401, "E0000004")
    assert okta(f"GET /api/v1/sessions/{session['id']}").data()["userId"] == user
    okta.universe.clock.advance(2 * 3600 + 1)
    assert code(okta(f"GET /api/v1/sessions/{session['id']}")) == (404, "E0000007")
    for _ in range(10):
        assert code(sign_in("wrong")) == (401, "E0000004")
    assert sign_in("Abcd1234x").data()["status"] == "LOCKED_OUT"
    assert okta.status(user) == "LOCKED_OUT"
    okta(f"POST /api/v1/users/{user}/lifecycle/unlock")
    assert sign_in("Abcd1234x").data()["status"] == "SUCCESS"


def test_a_revoked_token_is_worth_nothing(okta: Any) -> None:
    login = next(okta.universe.twins["okta"]["users"].rows())["profile"]["login"]
    made = okta.universe.apply("okta", "add_tokens", [{"name": "ci", "user": login}])[0]
    key = {"authorization": f"SSWS {made['token']}"}
    assert okta("GET /api/v1/users?limit=1", **key).status == 200
    limits = okta('GET /api/v1/principal-rate-limits?filter=principalType+eq+"SSWS_TOKEN"').data()
    assert made["id"] in [one["principalId"] for one in limits]
    assert okta(f"DELETE /api/v1/api-tokens/{made['id']}").status == 204
    assert code(okta("GET /api/v1/users?limit=1", **key)) == (401, "E0000011")
    assert okta("DELETE /api/v1/api-tokens/current").status == 204
    assert okta("GET /api/v1/api-tokens").status == 401


def test_devices_links_owners_and_switches(okta: Any) -> None:
    ann, bob = okta.user("ann"), okta.user("bob")
    (device,) = okta.universe.apply(
        "okta", "add_devices", [{"name": "Mac", "users": ["ann@test.example"]}]
    )
    line = f"/api/v1/devices/{device['id']}"
    assert okta(f"GET {line}/users").data()[0]["user"]["id"] == ann
    assert [d["device"]["id"] for d in okta(f"GET /api/v1/users/{ann}/devices").data()] == [
        device["id"]
    ]
    assert okta(f"DELETE {line}").status == 400
    assert okta(f"POST {line}/lifecycle/unsuspend").status == 400
    assert okta(f"POST {line}/lifecycle/deactivate").status == 204
    assert okta(f"DELETE {line}").status == 204
    pair = {
        "primary": {"name": "manager", "title": "M", "type": "USER"},
        "associated": {"name": "report", "title": "R", "type": "USER"},
    }
    okta("POST /api/v1/meta/schemas/user/linkedObjects", pair)
    assert okta(f"PUT /api/v1/users/{ann}/linkedObjects/manager/{bob}").status == 204
    (held,) = okta(f"GET /api/v1/users/{ann}/linkedObjects/manager").data()
    assert held["_links"]["self"]["href"].endswith(bob)
    (held,) = okta(f"GET /api/v1/users/{bob}/linkedObjects/report").data()
    assert held["_links"]["self"]["href"].endswith(ann)
    assert okta(f"DELETE /api/v1/users/{ann}/linkedObjects/manager").status == 204
    assert okta(f"GET /api/v1/users/{bob}/linkedObjects/report").data() == []
    team = group(okta, "team")
    owner = {"id": ann, "type": "USER"}
    assert okta(f"POST /api/v1/groups/{team}/owners", owner).status == 201
    assert okta(f"POST /api/v1/groups/{team}/owners", owner).status == 400
    assert okta(f"GET /api/v1/groups/{team}/owners").data()[0]["displayName"] == "Ann Test"
    assert okta(f"DELETE /api/v1/groups/{team}/owners/{ann}").status == 204
    features = {f["name"]: f for f in okta("GET /api/v1/features").data()}
    mails = features["Recent Activity Emails"]["id"]
    assert okta(f"POST /api/v1/features/{mails}/enable").status == 400
    assert okta(f"POST /api/v1/features/{mails}/enable?mode=force").data()["status"] == "ENABLED"
    needed = okta(f"GET /api/v1/features/{mails}/dependencies").data()
    assert [f["status"] for f in needed] == ["ENABLED"]
    first = GOOD["/api/v1/captchas"]
    captcha = okta("POST /api/v1/captchas", first).data()["id"]
    assert code(okta("POST /api/v1/captchas", {**first, "name": "D"})) == (403, "E0000166")
    okta("PUT /api/v1/org/captcha", {"captchaId": captcha, "enabledPages": ["SSR"]})
    assert okta(f"DELETE /api/v1/captchas/{captcha}").status == 403
    assert okta("DELETE /api/v1/org/captcha").status == 204
    assert okta(f"DELETE /api/v1/captchas/{captcha}").status == 204
