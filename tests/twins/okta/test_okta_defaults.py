"""What callers of a fresh organisation take for granted: its applications, policies and rules."""

from typing import Any

import pytest

RULES = {
    "OKTA_SIGN_ON": ("Default Rule", "SIGN_ON", "signon"),
    "PASSWORD": ("Default Rule", "PASSWORD", "passwordChange"),
    "MFA_ENROLL": ("Default Rule", "MFA_ENROLL", "enroll"),
    "IDP_DISCOVERY": ("Default Rule", "IDP_DISCOVERY", "idp"),
    "ACCESS_POLICY": ("Catch-all Rule", "ACCESS_POLICY", "appSignOn"),
    "PROFILE_ENROLLMENT": ("Catch-all Rule", "PROFILE_ENROLLMENT", "profileEnrollment"),
}
BOOKMARK = {
    "name": "bookmark",
    "label": "Wiki",
    "signOnMode": "BOOKMARK",
    "settings": {"app": {"url": "https://wiki.example"}},
}


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


def refused(answer: Any) -> tuple[str, list[str]]:
    """What a 400 says: its summary after the colon, and its causes."""
    assert code(answer) == (400, "E0000001"), answer.body
    said = answer.data()
    summary = said["errorSummary"].removeprefix("Api validation failed: ")
    return summary, [cause["errorSummary"] for cause in said["errorCauses"]]


def test_the_organisations_own_applications_are_there(okta: Any) -> None:
    apps = okta("GET /api/v1/apps").data()
    names = {app["name"]: app for app in apps}
    assert set(names) == {"saasure", "okta_enduser", "okta_browser_plugin"}
    console = names["saasure"]
    assert (console["label"], console["signOnMode"]) == ("Okta Admin Console", "OPENID_CONNECT")
    assert "clientCredentials" not in console["_links"]
    policy = okta(f"GET {console['_links']['accessPolicy']['href'].partition('.test')[2]}").data()
    assert policy["name"] == "Okta Admin Console"
    off = okta(f"POST /api/v1/apps/{console['id']}/lifecycle/deactivate")
    assert code(off) == (403, "E0000006")
    assert len(okta("GET /api/v1/mappings").data()) == 2 * len(apps)


@pytest.mark.parametrize("kind", sorted(RULES))
def test_a_default_policy_has_its_rule(okta: Any, kind: str) -> None:
    policies = okta(f"GET /api/v1/policies?type={kind}").data()
    (default,) = [policy for policy in policies if policy["system"]]
    assert set(default["_links"]) == {"self", "rules"}
    path = f"/api/v1/policies/{default['id']}"
    (rule,) = okta(f"GET {path}/rules").data()
    assert (rule["name"], rule["type"]) == RULES[kind][:2]
    assert rule["system"] and RULES[kind][2] in rule["actions"]
    assert code(okta(f"DELETE {path}/rules/{rule['id']}")) == (403, "E0000006")
    off = okta(f"POST {path}/rules/{rule['id']}/lifecycle/deactivate")
    assert code(off) == (403, "E0000006")
    assert code(okta(f"DELETE {path}")) == (403, "E0000006")
    embedded = okta(f"GET {path}?expand=rules").data()["_embedded"]["rules"]
    assert [one["id"] for one in embedded] == [rule["id"]]


def test_priorities_close_ranks_and_defaults_come_last(okta: Any) -> None:
    def shown() -> list[tuple[str, int]]:
        policies = okta("GET /api/v1/policies?type=OKTA_SIGN_ON").data()
        return [(policy["name"], policy["priority"]) for policy in policies]

    made = [
        okta("POST /api/v1/policies", {"type": "OKTA_SIGN_ON", "name": name}).data()["id"]
        for name in "ABC"
    ]
    assert shown() == [("A", 1), ("B", 2), ("C", 3), ("Default Policy", 4)]
    assert okta(f"DELETE /api/v1/policies/{made[1]}").status == 204
    assert shown() == [("A", 1), ("C", 2), ("Default Policy", 3)]
    rules = f"/api/v1/policies/{made[0]}/rules"
    first, second = (okta(f"POST {rules}", {"name": name}).data() for name in ("x", "y"))
    moved = okta(f"PUT {rules}/{second['id']}", {**second, "priority": 1}).data()
    assert moved["priority"] == 1
    assert [rule["name"] for rule in okta(f"GET {rules}").data()] == ["y", "x"]
    assert okta(f"DELETE {rules}/{second['id']}").status == 204
    assert okta(f"GET {rules}/{first['id']}").data()["priority"] == 1


def test_the_default_sign_on_rule_comes_after_others(okta: Any) -> None:
    okta.user("ada")
    (default,) = okta("GET /api/v1/policies?type=OKTA_SIGN_ON").data()
    rule = {"name": "Nobody", "actions": {"signon": {"access": "DENY"}}}
    assert okta(f"POST /api/v1/policies/{default['id']}/rules", rule).status == 200
    body = {"username": "ada@test.example", "password": "Abcd1234x"}
    assert code(okta("POST /api/v1/authn", body)) == (403, "E0000085")


def test_the_default_password_policy_has_settings(okta: Any) -> None:
    (policy,) = okta("GET /api/v1/policies?type=PASSWORD").data()
    assert policy["settings"]["password"]["complexity"]["minLength"] == 8
    (policy,) = okta("GET /api/v1/policies?type=MFA_ENROLL").data()
    assert policy["settings"]["type"] == "AUTHENTICATORS"


def test_a_default_policy_keeps_its_conditions(okta: Any) -> None:
    (policy,) = okta("GET /api/v1/policies?type=OKTA_SIGN_ON").data()
    body = {"type": "OKTA_SIGN_ON", "name": "Default Policy", "description": "Ours"}
    changed = okta(f"PUT /api/v1/policies/{policy['id']}", body).data()
    assert changed["conditions"] == policy["conditions"]
    assert (changed["description"], changed["system"]) == ("Ours", True)


def test_applications_that_follow_a_default_are_listed_with_it(okta: Any) -> None:
    app = okta("POST /api/v1/apps", BOOKMARK).data()
    policies = okta("GET /api/v1/policies?type=ACCESS_POLICY").data()
    (default,) = [policy for policy in policies if policy["system"]]
    apps = okta(f"GET /api/v1/policies/{default['id']}/app").data()
    assert app["id"] in [one["id"] for one in apps]
    assert "saasure" not in [one["name"] for one in apps]


def test_the_default_brand_stays(okta: Any) -> None:
    (brand,) = okta("GET /api/v1/brands").data()
    named = {"name": "Ours", "removePoweredByOkta": True}
    assert okta(f"PUT /api/v1/brands/{brand['id']}", named).status == 200
    assert code(okta(f"DELETE /api/v1/brands/{brand['id']}")) == (409, "E0000202")


# -- applications


def test_custom_saml_needs_addresses_and_shows_how_it_signs(okta: Any) -> None:
    saml: dict[str, Any] = {"label": "Travel", "signOnMode": "SAML_2_0"}
    summary, causes = refused(okta("POST /api/v1/apps", saml))
    assert summary == "settings.signOn.ssoAcsUrl"
    assert causes[0] == "ssoAcsUrl: The field cannot be left blank"
    sign_on = {"ssoAcsUrl": "nowhere", "audience": "urn:travel"}
    bad = okta("POST /api/v1/apps", {**saml, "settings": {"signOn": sign_on}})
    assert refused(bad)[0] == "ssoAcsUrl"
    sign_on["ssoAcsUrl"] = "https://travel.example/acs"
    made = [
        okta("POST /api/v1/apps", {**saml, "settings": {"signOn": sign_on}}).data()
        for _ in range(2)
    ]
    assert [app["name"] for app in made] == ["acme_travel_1", "acme_travel_2"]
    shown = made[0]["settings"]["signOn"]
    assert shown["allowMultipleAcsEndpoints"] is False
    assert (shown["acsEndpoints"], shown["attributeStatements"]) == ([], [])
    metadata = made[0]["_links"]["metadata"]
    assert metadata["type"] == "application/xml"
    assert okta(f"GET {metadata['href'].partition('.test')[2]}").status == 200


def test_automatic_sign_in_needs_an_address(okta: Any) -> None:
    body: dict[str, Any] = {"label": "Old", "signOnMode": "AUTO_LOGIN"}
    assert refused(okta("POST /api/v1/apps", body))[0] == "loginUrl"
    body["settings"] = {"signOn": {"loginUrl": "https://old.example/login"}}
    made = okta("POST /api/v1/apps", body).data()
    assert made["settings"]["signOn"] == {
        "redirectUrl": None,
        "loginUrl": "https://old.example/login",
    }


def client(**more: Any) -> dict[str, Any]:
    given = {"grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/cb"]}
    return {
        "name": "oidc_client",
        "label": "Portal",
        "signOnMode": "OPENID_CONNECT",
        "settings": {"oauthClient": {**given, **more}},
    }


@pytest.mark.parametrize(
    ("more", "summary"),
    [
        ({"grant_types": ["implicit"], "response_types": ["code"]}, "grant_types"),
        ({"response_types": ["token"]}, "grant_types"),
        ({"response_types": ["words"]}, "response_types"),
        ({"redirect_uris": ["nowhere"]}, "redirect_uris"),
        ({"post_logout_redirect_uris": [7]}, "post_logout_redirect_uris"),
    ],
)
def test_clients_that_make_no_sense(okta: Any, more: dict[str, Any], summary: str) -> None:
    assert refused(okta("POST /api/v1/apps", client(**more)))[0].endswith(summary)


def test_client_ids_are_unique_and_secrets_are_shown_on_change(okta: Any) -> None:
    body = client()
    body["credentials"] = {"oauthClient": {"client_id": "our-portal"}}
    app = okta("POST /api/v1/apps", body).data()
    oauth = app["credentials"]["oauthClient"]
    assert (oauth["client_id"], oauth["pkce_required"]) == ("our-portal", False)
    assert app["settings"]["oauthClient"]["response_types"] == ["code"]
    summary, causes = refused(okta("POST /api/v1/apps", body))
    assert (summary, causes[0].partition(":")[0]) == ("client_id", "client_id")
    changed = okta(f"PUT /api/v1/apps/{app['id']}", {**body, "label": "Door"}).data()
    assert changed["credentials"]["oauthClient"]["client_secret"] == oauth["client_secret"]
    seen = okta(f"GET /api/v1/apps/{app['id']}").data()
    assert "client_secret" not in seen["credentials"]["oauthClient"]


def test_public_clients_prove_their_keys(okta: Any) -> None:
    body = client(application_type="browser")
    body["credentials"] = {"oauthClient": {"token_endpoint_auth_method": "none"}}
    app = okta("POST /api/v1/apps", body).data()
    assert app["credentials"]["oauthClient"]["pkce_required"] is True
    body["credentials"]["oauthClient"]["pkce_required"] = False
    assert refused(okta("POST /api/v1/apps", body))[0] == "pkce_required"


def test_a_feature_nobody_knows_is_not_found_before_the_application(okta: Any) -> None:
    answer = okta("GET /api/v1/apps/nope/features/INVALID_FEATURE")
    assert answer.data()["errorSummary"].endswith("INVALID_FEATURE (PublicAppFeatureSetName)")


def test_a_rule_for_users_says_which(okta: Any) -> None:
    policies = "/api/v1/authorizationServers/default/policies"
    policy = okta(f"GET {policies}").data()[0]["id"]
    conditions: dict[str, Any] = {
        "grantTypes": {"include": ["authorization_code"]},
        "scopes": {"include": ["*"]},
    }
    body = {"name": "Ours", "type": "RESOURCE_ACCESS", "conditions": conditions}
    summary, (cause,) = refused(okta(f"POST {policies}/{policy}/rules", body))
    assert summary == "conditions.people"
    assert cause.startswith("conditions.people: At least one of")
    conditions["people"] = {"groups": {"include": ["EVERYONE"]}}
    assert okta(f"POST {policies}/{policy}/rules", body).status == 201
    conditions.pop("people")
    conditions["grantTypes"] = {"include": ["client_credentials"]}
    assert okta(f"POST {policies}/{policy}/rules", {**body, "name": "Machines"}).status == 201


# -- what is refused, and how


def test_a_profile_says_all_it_lacks(okta: Any) -> None:
    summary, causes = refused(okta("POST /api/v1/users", {"profile": {"shoeSize": "44"}}))
    assert summary == "login"
    assert causes == [
        "login: The field cannot be left blank",
        "firstName: The field cannot be left blank",
        "lastName: The field cannot be left blank",
        "email: The field cannot be left blank",
        "login: Username must be in the form of an email address",
    ]
    group = {"profile": {"name": "Runners", "shoeSize": "44"}}
    summary, causes = refused(okta("POST /api/v1/groups", group))
    assert summary == "New UserGroup"
    assert causes == ["Property name 'shoeSize' is not defined in profile"]


def test_an_active_zone_is_not_deleted(okta: Any) -> None:
    body = {"type": "IP", "name": "Office", "gateways": [{"type": "CIDR", "value": "1.2.3.4/24"}]}
    zone = okta("POST /api/v1/zones", body).data()["id"]
    summary, causes = refused(okta(f"DELETE /api/v1/zones/{zone}"))
    assert summary == "The zone: Office is an active zone. Active zones cannot be deleted."
    assert causes == [f"id: The zone: {zone} is an active zone. Active zones cannot be deleted."]


@pytest.mark.parametrize(
    ("path", "body", "name", "longest"),
    [
        ("apps", BOOKMARK, "label", 100),
        ("idps", {}, "name", 100),
        ("authorizationServers", {"audiences": ["a"]}, "name", 100),
        ("zones", {"type": "DYNAMIC"}, "name", 128),
        ("hook-keys", {}, "name", 255),
        ("policies", {"type": "OKTA_SIGN_ON"}, "name", 255),
        ("eventHooks", {}, "name", 255),
    ],
)
def test_names_have_a_length(
    okta: Any, path: str, body: dict[str, Any], name: str, longest: int
) -> None:
    causes = refused(okta(f"POST /api/v1/{path}", {**body, name: "x" * (longest + 1)}))[1]
    assert f"{name}: The field is too long" in causes
    answer = okta(f"POST /api/v1/{path}", {**body, name: "x" * longest})
    assert b"too long" not in answer.body


def test_identity_providers_may_share_a_name(okta: Any) -> None:
    protocol = {
        "type": "OIDC",
        "scopes": ["openid"],
        "credentials": {"client": {"client_id": "c", "client_secret": "s"}},
    }
    body = {"type": "GOOGLE", "name": "Google", "protocol": protocol}
    assert [okta("POST /api/v1/idps", body).status for _ in "12"] == [200, 200]


# -- roles, rules of groups


def test_roles_embed_what_they_are_limited_to(okta: Any) -> None:
    user = okta.user("ada")
    group = okta("POST /api/v1/groups", {"profile": {"name": "Desk"}}).data()["id"]
    role = okta(f"POST /api/v1/users/{user}/roles", {"type": "USER_ADMIN"}).data()["id"]
    okta(f"PUT /api/v1/users/{user}/roles/{role}/targets/groups/{group}")
    admin = okta(f"POST /api/v1/users/{user}/roles", {"type": "APP_ADMIN"}).data()["id"]
    okta(f"PUT /api/v1/users/{user}/roles/{admin}/targets/catalog/apps/slack")
    expand = "expand=targets/groups,targets/catalog/apps"
    first, second = okta(f"GET /api/v1/users/{user}/roles?{expand}").data()
    assert [one["id"] for one in first["_embedded"]["targets"]["groups"]] == [group]
    apps = second["_embedded"]["targets"]["catalog"]["apps"]
    assert [one["name"] for one in apps] == ["slack"]
    plain = okta(f"GET /api/v1/users/{user}/roles").data()
    assert all("_embedded" not in one for one in plain)


def rule(name: str, expression: str, group: str) -> dict[str, Any]:
    return {
        "type": "group_rule",
        "name": name,
        "conditions": {"expression": {"value": expression, "type": "urn:okta:expression:1.0"}},
        "actions": {"assignUserToGroups": {"groupIds": [group]}},
    }


def test_a_rule_without_its_group_is_invalid(okta: Any) -> None:
    group = okta("POST /api/v1/groups", {"profile": {"name": "Ops"}}).data()["id"]
    made = okta("POST /api/v1/groups/rules", rule("Ops", 'user.city=="Bonn"', group)).data()["id"]
    assert okta(f"POST /api/v1/groups/rules/{made}/lifecycle/activate").status == 204
    assert okta(f"DELETE /api/v1/groups/{group}").status == 204
    shown = okta(f"GET /api/v1/groups/rules/{made}").data()
    assert (shown["status"], shown["allGroupsValid"]) == ("INVALID", False)
    assert refused(okta(f"POST /api/v1/groups/rules/{made}/lifecycle/activate"))[0] == "status"
    assert okta(f"DELETE /api/v1/groups/rules/{made}").status == 202


def test_rules_follow_memberships_and_chasing_rules_give_up(okta: Any) -> None:
    groups = {
        name: okta("POST /api/v1/groups", {"profile": {"name": name}}).data()["id"]
        for name in ("Staff", "Staff EU", "All", "Chased")
    }
    for name, expression, group in (
        ("all", f'isMemberOfAnyGroup("{groups["Staff"]}", "{groups["Staff EU"]}")', "All"),
        ("chased", 'not isMemberOfGroupName("Chased")', "Chased"),
        ("long", 'isMemberOfGroupNameStartsWith("Staff") and String.len(user.login) > 3', "All"),
    ):
        made = okta("POST /api/v1/groups/rules", rule(name, expression, groups[group])).data()
        assert okta(f"POST /api/v1/groups/rules/{made['id']}/lifecycle/activate").status == 204
    user = okta.user("ada")

    def names() -> set[str]:
        return {one["profile"]["name"] for one in okta(f"GET /api/v1/users/{user}/groups").data()}

    assert "All" not in names()
    assert okta(f"PUT /api/v1/groups/{groups['Staff EU']}/users/{user}").status == 204
    assert {"Staff EU", "All"} <= names()
    assert okta(f"DELETE /api/v1/groups/{groups['Staff EU']}/users/{user}").status == 204
    assert "All" not in names()
    summary, causes = refused(
        okta("POST /api/v1/groups/rules", rule("x", "Strings.nope(1)", groups["All"]))
    )
    assert (summary, causes) == ("validateRule", ["Invalid function Strings.nope: Strings.nope(1)"])


# -- profiles and factors


def test_what_the_schema_says_of_base_attributes(okta: Any) -> None:
    base = okta("GET /api/v1/meta/schemas/user/default").data()["definitions"]["base"]
    assert base["required"] == ["login", "firstName", "lastName", "email"]
    assert base["properties"]["email"]["format"] == "email"
    assert base["properties"]["firstName"]["minLength"] == 1


@pytest.mark.parametrize("kind", ["user", "group", "apps"])
def test_an_attribute_that_is_taken_away_leaves_profiles(okta: Any, kind: str) -> None:
    user = okta.user("ada")
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    group = okta("POST /api/v1/groups", {"profile": {"name": "Red"}}).data()["id"]
    okta(f"POST /api/v1/apps/{app}/users", {"id": user, "scope": "USER"})
    schema = f"/api/v1/meta/schemas/{kind}/{app + '/' if kind == 'apps' else ''}default"
    line = {
        "user": f"POST /api/v1/users/{user}",
        "group": f"PUT /api/v1/groups/{group}",
        "apps": f"POST /api/v1/apps/{app}/users/{user}",
    }[kind]

    def custom(value: Any) -> dict[str, Any]:
        return {"definitions": {"custom": {"id": "#custom", "properties": {"twitter": value}}}}

    assert okta(f"POST {schema}", custom({"title": "T", "type": "string"})).status == 200
    profile = {"twitter": "@ada"} | ({"name": "Red"} if kind == "group" else {})
    assert okta(line, {"profile": profile}).data()["profile"]["twitter"] == "@ada"
    assert okta(f"POST {schema}", custom(None)).status == 200
    path = line.partition(" ")[2]
    assert "twitter" not in okta(f"GET {path}").data()["profile"]


def test_pending_factors_say_how_to_set_them_up(okta: Any) -> None:
    factors = f"/api/v1/users/{okta.user('ada')}/factors"

    def pending(kind: str, provider: str) -> dict[str, Any]:
        made = okta(f"POST {factors}", {"factorType": kind, "provider": provider}).data()
        assert made["status"] == "PENDING_ACTIVATION"
        return dict(made)

    push = pending("push", "OKTA")
    assert push["_embedded"]["activation"]["factorResult"] == "WAITING"
    assert push["_embedded"]["activation"]["expiresAt"] == "2026-03-02T09:05:00.000Z"
    assert push["_links"]["poll"]["hints"] == {"allow": ["POST"]}
    code = pending("token:software:totp", "GOOGLE")["_embedded"]["activation"]
    assert code["_links"]["qrcode"]["type"] == "image/png"
    key = pending("webauthn", "FIDO")["_embedded"]["activation"]
    assert key["challenge"] and key["user"]["name"] == "ada@test.example"
    phone = {"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "abc"}}
    assert refused(okta(f"POST {factors}", phone)) == (
        "factorEnrollRequest",
        ["Invalid Phone Number."],
    )


PERSON = {"firstName": "Ada", "lastName": "Test", "email": "a@x.example", "login": "a@x.example"}


@pytest.mark.parametrize(
    ("credentials", "provider", "status"),
    [
        ({"provider": {"type": "FEDERATION", "name": "FEDERATION"}}, "FEDERATION", "ACTIVE"),
        ({"provider": {"type": "SOCIAL"}}, "SOCIAL", "ACTIVE"),
        ({"provider": {"type": "OKTA", "name": "OKTA"}}, "OKTA", "PROVISIONED"),
        ({"password": {"hook": {"type": "default"}}}, "IMPORT", "ACTIVE"),
        ({"password": {"value": "Abcd1234x"}}, "OKTA", "ACTIVE"),
    ],
)
def test_users_tell_who_knows_their_password(
    okta: Any, credentials: dict[str, Any], provider: str, status: str
) -> None:
    body = {"profile": PERSON, "credentials": credentials}
    made = okta("POST /api/v1/users?activate=true&provider=true", body).data()
    assert made["credentials"]["provider"] == {"type": provider, "name": provider}
    assert made["status"] == status
    shown = okta(f"GET /api/v1/users/{made['id']}").data()
    assert shown["credentials"] == made["credentials"]


def test_a_provider_nobody_knows_is_refused(okta: Any) -> None:
    body = {"profile": PERSON, "credentials": {"provider": {"type": "MAGIC"}}}
    assert refused(okta("POST /api/v1/users?provider=true", body))[0] == "provider"
    assert okta("POST /api/v1/users?activate=false", body).status == 200


def test_an_organisation_has_a_name(okta: Any) -> None:
    assert refused(okta("PUT /api/v1/org", {"companyName": " "}))[0] == "companyName"
