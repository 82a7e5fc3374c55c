"""What is particular to the areas that few clients touch: state that shows elsewhere, edges."""

from typing import Any

import pytest

from .samples import GOOD

BOOKMARK = {"name": "bookmark", "label": "B", "settings": {"app": {"url": "https://b.example"}}}


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def app(okta: Any, label: str = "Client") -> str:
    return str(okta("POST /api/v1/apps", {**GOOD["/api/v1/apps"], "label": label}).data()["id"])


def group(okta: Any, name: str) -> str:
    return str(okta("POST /api/v1/groups", {"profile": {"name": name}}).data()["id"])


def test_an_email_domain_belongs_to_a_brand(okta: Any) -> None:
    brand = okta("POST /api/v1/brands", {"name": "Second"}).data()["id"]
    body = {"brandId": brand, "domain": "mail.example", "displayName": "A", "userName": "it"}
    made = okta("POST /api/v1/email-domains", body).data()
    assert made["validationStatus"] == "NOT_STARTED"
    assert code(okta("POST /api/v1/email-domains", body)) == (409, "E0000197")
    line = f"/api/v1/email-domains/{made['id']}"
    held = okta(f"GET {line}?expand=brands").data()["_embedded"]["brands"]
    assert [one["id"] for one in held] == [brand]
    assert okta(f"POST {line}/verify").data()["validationStatus"] == "VERIFIED"
    assert okta(f"DELETE {line}").status == 204
    assert "emailDomainId" not in okta(f"GET /api/v1/brands/{brand}").data()
    assert okta("POST /api/v1/email-domains", {**body, "brandId": "x"}).status == 404


def test_one_email_server_at_most_is_enabled(okta: Any) -> None:
    path = "/api/v1/email-servers"
    first = okta(f"POST {path}", GOOD[path]).data()
    assert "password" not in first
    second = okta(f"POST {path}", {**GOOD[path], "alias": "other"}).data()
    states = {one["id"]: one["enabled"] for one in okta(f"GET {path}").data()["email-servers"]}
    assert states == {first["id"]: False, second["id"]: True}
    change = {"authType": "BASIC_SMTP_AUTH", "port": 99_999}
    assert code(okta(f"PATCH {path}/{first['id']}", change)) == (400, "E0000001")
    oauth = {**GOOD[path], "alias": "third", "authType": "OAUTH2_CLIENT_CREDENTIALS"}
    assert code(okta(f"POST {path}", oauth)) == (400, "E0000001"), "it needs a client"


def test_an_import_makes_people_and_groups(okta: Any) -> None:
    source = f"/api/v1/identity-sources/{app(okta)}"
    session = okta(f"POST {source}/sessions").data()
    assert code(okta(f"POST {source}/sessions")) == (400, "E0000001"), "one at a time"
    line = f"{source}/sessions/{session['id']}"
    profile = {"userName": "eve@x.example", "email": "eve@x.example", "firstName": "E"}
    entries = [{"externalId": "e1", "profile": profile}]
    people = {"entityType": "USERS", "profiles": entries}
    assert okta(f"POST {line}/bulk-upsert", people).status == 202
    teams = {"profiles": [{"externalId": "g1", "profile": {"displayName": "Team"}}]}
    assert okta(f"POST {line}/bulk-groups-upsert", teams).status == 202
    members = {"memberships": [{"groupExternalId": "g1", "memberExternalIds": ["e1"]}]}
    assert okta(f"POST {line}/bulk-group-memberships-upsert", members).status == 202
    many = {"entityType": "USERS", "profiles": entries * 201}
    assert code(okta(f"POST {line}/bulk-upsert", many)) == (400, "E0000001")
    assert okta("GET /api/v1/users/eve@x.example").status == 404, "not yet"
    assert okta(f"POST {line}/start-import").data()["status"] == "TRIGGERED"
    assert okta(f"GET {line}").data()["status"] == "COMPLETED"
    assert code(okta(f"POST {line}/bulk-upsert", people)) == (400, "E0000001"), "it is over"
    user = okta("GET /api/v1/users/eve@x.example").data()
    assert user["status"] == "STAGED"
    assert okta(f"GET {source}/users/e1").data()["id"] == user["id"]
    held = okta(f"GET {source}/groups/g1").data()
    assert [u["id"] for u in okta(f"GET /api/v1/groups/{held['id']}/users").data()] == [user["id"]]
    assert okta(f"GET {source}/groups/g1/membership").data() == {"memberExternalIds": ["e1"]}
    change = {"profile": {"userName": "eve@x.example", "email": "eve@y.example"}}
    okta(f"PATCH {source}/users/e1", change)
    assert okta(f"GET /api/v1/users/{user['id']}").data()["profile"]["email"] == "eve@y.example"
    assert okta(f"DELETE {source}/groups/g1/membership/e1").status == 204
    assert okta(f"DELETE {source}/users/e1").status == 204
    assert okta.status(user["id"]) == "DEPROVISIONED"
    assert okta(f"GET {source}/users/e1").status == 404
    assert okta(f"DELETE {source}/groups/{held['id']}").status == 204
    assert okta(f"GET /api/v1/groups/{held['id']}").status == 404


def test_a_pushed_group(okta: Any) -> None:
    path = f"/api/v1/apps/{app(okta)}/group-push/mappings"
    source = group(okta, "source")
    body = {"sourceGroupId": source, "targetGroupName": "target"}
    made = okta(f"POST {path}", body).data()
    assert okta(f"GET /api/v1/groups/{made['targetGroupId']}").data()["type"] == "APP_GROUP"
    assert code(okta(f"POST {path}", body)) == (400, "E0000001"), "it is pushed already"
    both = {**body, "sourceGroupId": group(okta, "x"), "targetGroupId": source}
    assert code(okta(f"POST {path}", both)) == (400, "E0000001")
    line = f"{path}/{made['id']}"
    assert code(okta(f"DELETE {line}?deleteTargetGroup=true")) == (400, "E0000001"), "active"
    assert okta(f"PATCH {line}", {"status": "INACTIVE"}).data()["status"] == "INACTIVE"
    assert okta(f"GET {path}?status=ACTIVE").data() == []
    assert okta(f"DELETE {line}?deleteTargetGroup=true").status == 204
    assert okta(f"GET /api/v1/groups/{made['targetGroupId']}").status == 404
    assert okta(f"GET {line}").status == 404


def test_connections_between_applications_show_at_both(okta: Any) -> None:
    one, two = app(okta), app(okta, "Other")
    path = "/api/v1/apps/{}/cwo/connections"
    body = {"requestingAppInstanceId": one, "resourceAppInstanceId": two}
    made = okta(f"POST {path.format(one)}", body).data()
    for key in (one, two):
        assert [c["id"] for c in okta(f"GET {path.format(key)}").data()] == [made["id"]]
    assert okta(f"GET {path.format(one)}?resourceAppId={one}").data() == []
    assert code(okta(f"POST {path.format(one)}", body)) == (400, "E0000001")
    assert okta(f"POST {path.format(app(okta, 'Third'))}", body).status == 400
    okta(f"POST /api/v1/apps/{two}/lifecycle/deactivate")
    okta(f"DELETE /api/v1/apps/{two}")
    assert okta(f"GET {path.format(one)}").data() == []
    assert okta(f"GET {path.format(one)}/{made['id']}").status == 404
    trust = f"/api/v1/apps/{one}/interclient-allowed-apps"
    other = app(okta, "Fourth")
    assert okta(f"POST {trust}", {"id": other}).status == 201
    assert code(okta(f"POST {trust}", {"id": other})) == (400, "E0000001")
    assert okta(f"GET /api/v1/apps/{other}/interclient-target-apps").data() == [one]
    bookmark = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    assert code(okta(f"POST {trust}", {"id": bookmark})) == (400, "E0000001")


@pytest.mark.parametrize("where", ["users", "groups", "clients"])
def test_a_role_is_limited_to_applications(okta: Any, where: str) -> None:
    slack = okta("POST /api/v1/apps", {**BOOKMARK, "name": "slack", "signOnMode": "SAML_2_0"})
    holder = {
        "users": lambda: f"/api/v1/users/{okta.user('ann')}",
        "groups": lambda: f"/api/v1/groups/{group(okta, 'g')}",
        "clients": lambda: f"/oauth2/v1/clients/{app(okta)}",
    }[where]()
    kind = {"type": "APP_ADMIN"}
    made = okta(f"POST {holder}/roles", kind)
    assert made.status == (200 if where == "clients" else 201)
    assert code(okta(f"POST {holder}/roles", kind)) == (409, "E0000090")
    line = f"{holder}/roles/{made.data()['id']}/targets/catalog/apps"
    key = slack.data()["id"]
    assert okta(f"PUT {line}/slack/{key}").status == 204
    assert okta(f"PUT {line}/slack/nobody").status == 404
    assert okta(f"PUT {line}/nothing").status == 404
    assert [t.get("id") for t in okta(f"GET {line}").data()] == [key]
    assert code(okta(f"DELETE {line}/slack/{key}")) == (403, "E0000006"), "the last one"
    assert okta(f"PUT {line}/salesforce").status in (200, 204)
    assert okta(f"PUT {line}/slack").status in (200, 204), "takes the place of its instance"
    assert sorted(t["name"] for t in okta(f"GET {line}").data()) == ["salesforce", "slack"]
    assert okta(f"DELETE {line}/slack").status == 204
    assert okta(f"DELETE {line}/slack").status == 404
    help_desk = okta(f"POST {holder}/roles", {"type": "HELP_DESK_ADMIN"}).data()["id"]
    other = f"{holder}/roles/{help_desk}/targets/catalog/apps/slack"
    assert code(okta(f"PUT {other}")) == (403, "E0000091")
    team = group(okta, "team")
    assert okta(f"PUT {holder}/roles/{help_desk}/targets/groups/{team}").status == 204
    if where == "users":
        orns = okta(f"GET {holder}/roles/{help_desk}/targets").data()
        assert [one["orn"].rpartition(":")[2] for one in orns] == [team]
    assert okta(f"DELETE {holder}/roles/{help_desk}").status == 204
    assert okta(f"GET {holder}/roles/{help_desk}").status == 404


def test_grants_and_tokens_are_the_same_from_every_side(okta: Any) -> None:
    user, client = okta.user("ann"), app(okta)
    server = okta("POST /api/v1/authorizationServers", GOOD["/api/v1/authorizationServers"]).data()
    item = {"user": "ann@test.example", "app": client, "server": server["id"]}
    made = okta.universe.apply("okta", "add_grants", [item])[0]
    below = f"/clients/{client}/tokens"
    lists = [
        f"/api/v1/users/{user}{below}",
        f"/api/v1/apps/{client}/tokens",
        f"/api/v1/authorizationServers/{server['id']}{below}",
    ]
    for path in lists:
        assert [t["id"] for t in okta(f"GET {path}").data()] == [made["token"]]
        assert okta(f"GET {path}/{made['token']}?expand=scope").data()["_embedded"]["scopes"]
    assert [c["client_id"] for c in okta(f"GET /api/v1/users/{user}/clients").data()] == [client]
    grants = [g["id"] for g in okta(f"GET /api/v1/users/{user}/grants").data()]
    assert grants == made["grants"]
    assert okta(f"GET /api/v1/users/{user}/clients/{client}/grants").data()[0]["id"] == grants[0]
    assert okta(f"DELETE /api/v1/users/{user}/grants/{grants[0]}").status == 204
    assert okta(f"DELETE /api/v1/users/{user}/grants/{grants[0]}").status == 404
    assert okta(f"DELETE /api/v1/users/{user}/grants").status == 204
    assert okta(f"GET /api/v1/users/{user}/grants").data() == []
    assert okta(f"DELETE {lists[2]}").status == 204
    assert all(okta(f"GET {path}").data() == [] for path in lists)
    assert okta(f"GET {lists[0]}/{made['token']}").status == 404
    assert okta(f"GET /api/v1/users/{user}/clients/nobody/tokens").status == 404


def test_simulated_policies(okta: Any) -> None:
    user, team, client = okta.user("ann"), group(okta, "team"), app(okta)
    body = {"type": "OKTA_SIGN_ON", "name": "Team", "description": "d"}
    people = {"people": {"groups": {"include": [team]}}}
    made = okta("POST /api/v1/policies", {**body, "conditions": people}).data()["id"]
    zone = okta("GET /api/v1/zones").data()[0]["id"]
    network = {"network": {"connection": "ZONE", "include": [zone]}}
    rule = {"name": "From the zone", "type": "SIGN_ON", "conditions": network}
    okta(f"POST /api/v1/policies/{made}/rules", rule)

    def chosen(groups: list[str], **more: Any) -> tuple[str, str]:
        context = {"user": {"id": user}, "groups": {"ids": groups}, **more}
        asked = {"appInstance": client, "policyContext": context, "policyTypes": ["OKTA_SIGN_ON"]}
        (told,) = okta("POST /api/v1/policies/simulate?expand=EVALUATED", [asked]).data()
        found = told["result"]["policies"]
        assert len(told["evaluated"]["policies"]) == 1
        return told["status"], found[0]["name"]

    assert chosen([]) == ("MATCH", "Default Policy")
    assert chosen([team], zones={"ids": [zone]}) == ("MATCH", "Team")
    assert chosen([team], zones={"ids": ["elsewhere"]}) == ("MATCH", "Default Policy")
    assert chosen([team])[1] == "Team", "nobody said where from"
    wrong = [{"appInstance": "x", "policyContext": {}}]
    assert okta("POST /api/v1/policies/simulate", wrong).status == 404
    assert code(okta("POST /api/v1/policies/simulate", {})) == (400, "E0000003")


def test_a_push_is_answered_or_times_out(okta: Any) -> None:
    user = okta.user("ann")
    path = f"/api/v1/users/{user}/factors"
    key = okta(f"POST {path}", {"factorType": "push", "provider": "OKTA"}).data()["id"]
    waiting = okta(f"POST {path}/{key}/lifecycle/activate").data()
    assert waiting["factorResult"] == "WAITING"
    okta.universe.apply("okta", "scan_push", ["ann@test.example"])
    assert okta(f"GET {path}/{key}").data()["status"] == "ACTIVE"
    for answer, due in (("SUCCESS", "SUCCESS"), ("REJECTED", "REJECTED"), ("", "TIMEOUT")):
        asked = okta(f"POST {path}/{key}/verify").data()
        poll = "GET " + asked["_links"]["poll"]["href"].partition("twin.test")[2]
        assert okta(poll).data()["factorResult"] == "WAITING"
        if answer:
            args = {"users": ["ann@test.example"], "answer": answer}
            okta.universe.apply("okta", "answer_push", args)
        else:
            okta.universe.clock.advance(301)
        assert okta(poll).data()["factorResult"] == due


def test_enrolled_authenticators(okta: Any) -> None:
    user = okta.user("ann")
    path = f"/api/v1/users/{user}/authenticator-enrollments"
    phone = next(a for a in okta("GET /api/v1/authenticators").data() if a["type"] == "phone")
    body = {"authenticatorId": phone["id"], "profile": {"phoneNumber": "+15551234567"}}
    made = okta(f"POST {path}/phone", body).data()
    assert [f["id"] for f in okta(f"GET /api/v1/users/{user}/factors").data()] == [made["id"]]
    assert code(okta(f"POST {path}/phone", body)) == (400, "E0000001")
    tac = okta("POST /api/v1/authenticators", {"key": "tac", "name": "Code"}).data()["id"]
    assert okta(f"POST {path}/phone", {**body, "authenticatorId": tac}).status == 400
    asked = {"authenticatorId": tac, "profile": {"ttl": "PT30M", "multiUse": True}}
    shown = okta(f"POST {path}/tac", asked).data()
    assert len(shown["profile"]["tac"]) == 16
    assert "profile" not in okta(f"GET {path}/{shown['id']}").data()
    kinds = [one["type"] for one in okta(f"GET {path}").data()]
    assert kinds == ["password", "phone", "tac"]
    okta.universe.clock.advance(31 * 60)
    assert okta(f"GET {path}/{shown['id']}").status == 404, "it has expired"
    assert code(okta(f"DELETE {path}/{okta(f'GET {path}').data()[0]['id']}")) == (403, "E0000006")
    assert okta(f"DELETE {path}/{made['id']}").status == 204
    assert okta(f"GET /api/v1/users/{user}/factors").data() == []


def test_risk_forgotten_passwords_and_keys(okta: Any) -> None:
    user = okta.user("ann")
    line = f"/api/v1/users/{user}"
    assert okta(f"GET {line}/risk").data()["riskLevel"] == "NONE"
    assert okta(f"PUT {line}/risk", {"riskLevel": "HIGH"}).status == 201
    assert okta(f"PUT {line}/risk", {"riskLevel": "LOW"}).status == 200
    assert okta(f"GET {line}/risk").data()["reason"] == "override.by.admin"
    assert code(okta(f"PUT {line}/risk", {"riskLevel": "NONE"})) == (400, "E0000001")
    forgot = f"POST {line}/credentials/forgot_password?sendEmail=false"
    assert code(okta(forgot)) == (403, "E0000034"), "no recovery question"
    question = {"question": "What?", "answer": "nothing much"}
    body = {"password": {"value": "Abcd1234x"}, "recovery_question": question}
    okta(f"POST {line}/credentials/change_recovery_question", body)
    assert "/reset-password/" in okta(forgot).data()["resetPasswordUrl"]
    assert okta.status(user) == "RECOVERY"
    assert code(okta(forgot)) == (403, "E0000034")
    seed = {"serialNumber": "1", "publicId": "a", "privateId": "b", "aesKey": "c"}
    path = "/api/v1/org/factors/yubikey_token/tokens"
    key = okta(f"POST {path}", seed).data()
    assert key["status"] == "UNASSIGNED" and "aesKey" not in str(key)
    assert code(okta(f"POST {path}", seed)) == (400, "E0000001")
    assert okta(f'GET {path}?filter=status+eq+"ACTIVE"').data() == []


def test_consent_cases_children_and_recovery(okta: Any) -> None:
    line = "/api/v1/org/privacy/aerial"
    assert code(okta(f"GET {line}")) == (404, "E0000007")
    assert okta(f"POST {line}/grant", {"accountId": "1"}).data()["accountId"] == "1"
    assert code(okta(f"POST {line}/revoke", {"accountId": "2"})) == (400, "E0000001")
    assert okta(f"POST {line}/revoke", {"accountId": "1"}).status == 200
    assert okta(f"GET {line}").status == 404
    cases = "/api/v1/org/privacy/oktaSupport/cases"
    assert okta(f"GET {cases}").data() == {"supportCases": []}
    given = [{"subject": "Help", "selfAssigned": True}]
    (case,) = okta.universe.apply("okta", "add_support_cases", given)
    number = case["caseNumber"]
    asked = {"impersonation": {"status": "ENABLED"}, "selfAssigned": {"status": "APPROVED"}}
    assert okta(f"PATCH {cases}/{number}", asked).status == 200
    (held,) = okta(f"GET {cases}").data()["supportCases"]
    assert held["impersonation"]["status"] == "ENABLED"
    assert code(okta(f"PATCH {cases}/{number}", asked)) == (400, "E0000001"), "approved already"
    profile = {"firstName": "A", "lastName": "B", "email": "a@c.example", "login": "a@c.example"}
    child = {"name": "C", "subdomain": "c", "edition": "SKU", "admin": {"profile": profile}}
    assert okta("POST /api/v1/orgs", child).data()["token"].startswith("00")
    assert code(okta("POST /api/v1/orgs", child)) == (400, "E0000001"), "the subdomain is taken"
    (own,) = okta("GET /api/v1/dr/status").data()["status"]
    okta("POST /api/v1/dr/failover", {"domains": [own["domain"]]})
    assert okta(f"GET /api/v1/dr/status/{own['domain']}").data()["status"][0]["isFailedOver"]
    assert code(okta("POST /api/v1/dr/failback", {"domains": ["x"]})) == (400, "E0000001")
    okta("POST /api/v1/dr/failback", {})
    assert not okta("GET /api/v1/dr/status").data()["status"][0]["isFailedOver"]


def test_directories_want_agents(okta: Any) -> None:
    team, user = group(okta, "team"), okta.user("ann")
    asked = {"action": "ADD", "attribute": "member", "values": [user]}
    body = {"id": team, "parameters": asked}
    assert okta(f"POST /api/v1/directories/{app(okta)}/groups/modify", body).status == 502
    (pool,) = okta.universe.apply("okta", "add_agent_pools", [{"name": "AD"}])
    path = f"/api/v1/directories/{pool['id']}/groups"
    assert okta(f"POST {path}/modify", body).status == 200
    assert [u["id"] for u in okta(f"GET /api/v1/groups/{team}/users").data()] == [user]
    okta(f"POST {path}/modify", {"id": team, "parameters": {**asked, "action": "REMOVE"}})
    assert okta(f"GET /api/v1/groups/{team}/users").data() == []
    asked = {"attributes": ["name"]}
    answer = okta(f"POST {path}/{team}/query", asked)
    assert answer.status == 202
    found = okta(f"GET {path}/{team}/query/{answer.data()['resultId']}").data()
    assert found == {"id": team, "profile": {"name": "team"}}


def test_features_that_were_not_bought(okta: Any) -> None:
    claims = f"/api/v1/apps/{app(okta)}/federated-claims"
    claim = {"name": "costs", "expression": "user.costCenter"}
    checks = "/api/v1/device-posture-checks"
    assert code(okta(f"POST {claims}", claim)) == (401, "E0000015")
    assert code(okta(f"GET {checks}/default")) == (401, "E0000015")
    okta.universe.apply("okta", "buy_features", ["federated_claims", "device_posture_checks"])
    assert okta(f"POST {claims}", claim).status == 201
    assert code(okta(f"POST {claims}", claim)) == (400, "E0000001")
    assert {one["type"] for one in okta(f"GET {checks}/default").data()} == {"BUILTIN"}
    with pytest.raises(Exception, match="is none of"):
        okta.universe.apply("okta", "buy_features", ["magic"])


def test_bundles_keys_and_telephony(okta: Any) -> None:
    path = "/api/v1/iam/governance/bundles"
    wrong = {"name": "B", "entitlements": [{"role": "cr0nobody", "resourceSets": ["x"]}]}
    assert okta(f"POST {path}", wrong).status == 404
    role = okta("POST /api/v1/iam/roles", GOOD["/api/v1/iam/roles"]).data()["id"]
    assert code(okta(f"POST {path}", {"name": "B", "entitlements": [{"role": role}]})) == (
        400,
        "E0000001",
    )
    where = okta("POST /api/v1/iam/resource-sets", GOOD["/api/v1/iam/resource-sets"]).data()["id"]
    good = {"name": "B", "entitlements": [{"role": role, "resourceSets": [where]}]}
    key = okta(f"POST {path}", good).data()["id"]
    (held,) = okta(f"GET {path}/{key}/entitlements").data()["entitlements"]
    values = okta(f"GET {path}/{key}/entitlements/{held['id']}/values").data()
    assert [one["value"] for one in values["entitlementValues"]] == [where]
    assert okta("POST /api/v1/iam/governance/optIn").data()["optInStatus"] == "OPTED_IN"
    assert okta("GET /api/v1/iam/governance/optIn").data()["optInStatus"] == "OPTED_IN"
    path = "/api/v1/telephony-providers"
    body = {"providerName": "TWILIO", "providerSid": "a", "providerAuthToken": "t"}
    first = okta(f"POST {path}", body).data()
    assert (first["enabled"], first["isPrimaryProvider"]) == (False, True)
    assert code(okta(f"POST {path}", body)) == (400, "E0000001"), "one of each name"
    second = okta(f"POST {path}", {**body, "providerName": "TELESIGN"}).data()["id"]
    okta(f"POST {path}/{second}/setAsPrimary")
    assert [p["isPrimaryProvider"] for p in okta(f"GET {path}").data()] == [False, True]
    okta(f"POST {path}/{second}/lifecycle/activate")
    assert code(okta(f"DELETE {path}/{second}")) == (400, "E0000001")
    settings = {"sms": {"telesignService": "x"}}
    change = {"providerSettings": settings}
    assert code(okta(f"PATCH {path}/{first['id']}", change)) == (400, "E0000001")
    server = okta("POST /api/v1/authorizationServers", GOOD["/api/v1/authorizationServers"]).data()
    keys = f"/api/v1/authorizationServers/{server['id']}/resourceservercredentials/keys"
    jwk = {"kty": "RSA", "kid": "1", "use": "enc", "e": "AQAB", "n": "u" * 342, "status": "ACTIVE"}
    one = okta(f"POST {keys}", jwk).data()
    two = okta(f"POST {keys}", {**jwk, "kid": "2"}).data()
    assert [k["status"] for k in okta(f"GET {keys}").data()] == ["INACTIVE", "ACTIVE"]
    assert code(okta(f"DELETE {keys}/{two['id']}")) == (400, "E0000001")
    assert okta(f"DELETE {keys}/{one['id']}").status == 204
    assert code(okta(f"POST {keys}", {**jwk, "kid": "3", "n": "abc"})) == (400, "E0000001")
