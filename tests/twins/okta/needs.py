"""What the driver needs to call any operation: what its path names, its body, its query.

Bare paths have no names for their parameters: ``/api/v1/apps/{}``.
"""

from typing import Any, Final

from .samples import GOOD, NESTED

# The head of a picture of one pixel.
IMAGE: Final = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
PASSWORD: Final = "Abcd1234x"
_POLICY_TYPE: Final = "OKTA_SIGN_ON"


def _numbered(d: Any, word: str) -> str:
    d.known[word] = d.known.get(word, 0) + 1
    return f"{word}{d.known[word]}"


def _user(d: Any, *_: str) -> str:
    return str(d.okta.user(_numbered(d, "driven"), password=PASSWORD))


def _user_body(d: Any, *_: str) -> dict[str, Any]:
    name = _numbered(d, "person")
    login = f"{name}@test.example"
    profile = {"firstName": "A", "lastName": "B", "login": login, "email": login}
    return {"profile": profile, "credentials": {"password": {"value": PASSWORD}}}


def _group_body(d: Any, *_: str) -> dict[str, Any]:
    return {"profile": {"name": _numbered(d, "group"), "description": "d"}}


def _group(d: Any, *_: str) -> str:
    return str(d.post("/api/v1/groups", _group_body(d))["id"])


def _rule_body(d: Any, *_: str) -> dict[str, Any]:
    return {
        "type": "group_rule",
        "name": _numbered(d, "rule"),
        "conditions": {
            "expression": {
                "type": "urn:okta:expression:1.0",
                "value": 'user.department=="x"',
            }
        },
        "actions": {"assignUserToGroups": {"groupIds": [_group(d)]}},
    }


def _member(d: Any, group: str) -> str:
    user = _user(d)
    d.okta(f"PUT /api/v1/groups/{group}/users/{user}")
    return user


def _role(kind: str, where: str) -> Any:
    def make(d: Any, holder: str) -> str:
        return str(d.post(f"{where}/{holder}/roles", {"type": kind})["id"])

    return make


def _app_target(where: str, instance: bool = False) -> Any:
    """A role that is limited to Slack and to an application."""

    def make(d: Any, holder: str, role: str, name: str = "oidc_client") -> str:
        app = str(d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"])
        apps = f"PUT {where}/{holder}/roles/{role}/targets/catalog/apps"
        assert d.okta(f"{apps}/slack").status in (200, 204)
        assert d.okta(f"{apps}/oidc_client{'/' + app if instance else ''}").status in (200, 204)
        return app if instance else name

    return make


def _limited(where: str, *more: Any) -> Any:
    """An administrator of applications instead of one of users."""

    def make(d: Any) -> list[str]:
        maker = {"/api/v1/users": _user, "/api/v1/groups": _group}.get(where, _client)
        holder = maker(d)
        found = [holder, _role("APP_ADMIN", where)(d, holder)]
        for one in more:
            found.append(one(d, *found) if callable(one) else one)
        return found

    return make


def _target(where: str) -> Any:
    def make(d: Any, holder: str, role: str) -> str:
        group = _group(d)
        d.okta(f"PUT {where}/{holder}/roles/{role}/targets/groups/{group}")
        return group

    return make


def _app_user(d: Any, app: str) -> str:
    user = _user(d)
    d.post(f"/api/v1/apps/{app}/users", {"id": user})
    return user


def _app_group(d: Any, app: str) -> str:
    group = _group(d)
    d.okta(f"PUT /api/v1/apps/{app}/groups/{group}")
    return group


def _access_policy(d: Any, *_: str) -> str:
    body = {"type": "ACCESS_POLICY", "name": _numbered(d, "access"), "description": "d"}
    return str(d.post("/api/v1/policies", body)["id"])


def _mapped(d: Any, policy: str) -> str:
    app = d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"]
    d.okta(f"PUT /api/v1/apps/{app}/policies/{policy}")
    return str(d.first(f"/api/v1/policies/{policy}/mappings"))


def _token(d: Any, *_: str) -> str:
    login = next(d.okta.universe.twins["okta"]["users"].rows())["profile"]["login"]
    given = [{"name": _numbered(d, "token"), "user": login}]
    return str(d.okta.universe.apply("okta", "add_tokens", given)[0]["id"])


def _device(d: Any, *_: str) -> str:
    user = _user_body(d)
    d.post("/api/v1/users", user)
    given = [{"name": "Mac", "users": [user["profile"]["login"]]}]
    return str(d.okta.universe.apply("okta", "add_devices", given)[0]["id"])


def _linked(d: Any, *_: str) -> str:
    d.post("/api/v1/meta/schemas/user/linkedObjects", LINKED)
    return "manager"


def _manager(d: Any, user: str) -> str:
    _linked(d)
    d.okta(f"PUT /api/v1/users/{user}/linkedObjects/manager/{_user(d)}")
    return "manager"


def _factor(d: Any, user: str) -> str:
    body = {"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "+15551234567"}}
    return str(d.post(f"/api/v1/users/{user}/factors", body)["id"])


def _csr(d: Any, *_: str) -> dict[str, Any]:
    return {"subject": {"commonName": "acme.example"}}


def _bound(d: Any, where: str) -> str:
    role = d.post("/api/v1/iam/roles", GOOD["/api/v1/iam/roles"])["id"]
    user = f"https://x/api/v1/users/{_user(d)}"
    d.post(f"/api/v1/iam/resource-sets/{where}/bindings", {"role": role, "members": [user]})
    return str(role)


def _idp_user(d: Any, idp: str) -> str:
    user = _user(d)
    d.post(f"/api/v1/idps/{idp}/users/{user}", {"externalId": "elsewhere"})
    return user


def _session(d: Any, *_: str) -> str:
    user = _user_body(d)
    d.post("/api/v1/users", user)
    body = {"username": user["profile"]["login"], "password": PASSWORD}
    token = d.post("/api/v1/authn", body)["sessionToken"]
    return str(d.post("/api/v1/sessions", {"sessionToken": token})["id"])


def _public_key(d: Any, *_: str) -> str:
    return str(d.post("/api/v1/hook-keys", {"name": "Key"})["keyId"])


def _type_body(d: Any, *_: str) -> dict[str, Any]:
    name = _numbered(d, "type")
    return {"name": name, "displayName": name, "description": "d"}


def _app_mapping(d: Any, *_: str) -> str:
    d.post("/api/v1/apps", GOOD["/api/v1/apps"])
    return str(d.first("/api/v1/mappings"))


def _connected(d: Any, app: str) -> str:
    body = {"profile": {"authScheme": "TOKEN", "token": "t"}}
    d.post(f"/api/v1/apps/{app}/connections/default?activate=true", body)
    return "USER_PROVISIONING"


def _pool(d: Any, *_: str) -> str:
    given = [{"name": _numbered(d, "pool"), "agents": ["dc1"]}]
    return str(d.okta.universe.apply("okta", "add_agent_pools", given)[0]["id"])


def _update(d: Any, pool: str) -> str:
    return str(d.post(f"/api/v1/agentPools/{pool}/updates", UPDATE)["id"])


def _granted(d: Any, user: str, app: str, server: str = "") -> Any:
    login = d.okta(f"GET /api/v1/users/{user}").data()["profile"]["login"]
    given = [{"user": login, "app": app, "server": server}]
    return d.okta.universe.apply("okta", "add_grants", given)[0]


def _client(d: Any, *_: str) -> str:
    return str(d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"])


def _other_app(d: Any, *_: str) -> str:
    return str(d.post("/api/v1/apps", {**GOOD["/api/v1/apps"], "label": "Other"})["id"])


def _saml(d: Any) -> list[str]:
    body = {
        "label": "SAML",
        "signOnMode": "SAML_2_0",
        "settings": {"signOn": {"ssoAcsUrl": "https://sp.example/acs", "audience": "urn:sp"}},
    }
    return [str(d.post("/api/v1/apps", body)["id"])]


def _slack(d: Any) -> list[str]:
    body = {"name": "slack", "label": "Slack", "signOnMode": "SAML_2_0"}
    return ["slack", str(d.post("/api/v1/apps", body)["id"])]


def _other_server(d: Any, *_: str) -> str:
    body = {**GOOD["/api/v1/authorizationServers"], "name": _numbered(d, "server")}
    return str(d.post("/api/v1/authorizationServers", body)["id"])


def _trusted(d: Any, server: str) -> str:
    other = _other_server(d)
    d.okta(f"POST /api/v1/authorizationServers/{server}/associatedServers", {"trusted": [other]})
    return other


def _pushed(d: Any, app: str) -> str:
    body = {"sourceGroupId": _group(d), "targetGroupName": _numbered(d, "pushed")}
    key = str(d.post(f"/api/v1/apps/{app}/group-push/mappings", body)["id"])
    d.okta(f"PATCH /api/v1/apps/{app}/group-push/mappings/{key}", {"status": "INACTIVE"})
    return key


def _allowed(d: Any, app: str) -> str:
    other = _other_app(d)
    d.post(f"/api/v1/apps/{app}/interclient-allowed-apps", {"id": other})
    return other


def _source_body(d: Any, *_: str) -> dict[str, Any]:
    name = _numbered(d, "source")
    profile = {
        "userName": f"{name}@test.example",
        "email": f"{name}@test.example",
        "firstName": "A",
        "lastName": "B",
    }
    return {"externalId": name, "profile": profile}


def _source_user(d: Any, source: str) -> str:
    body = _source_body(d)
    d.post(f"/api/v1/identity-sources/{source}/users", body)
    return str(body["externalId"])


def _source_group_body(d: Any, *_: str) -> dict[str, Any]:
    name = _numbered(d, "source")
    return {"externalId": name, "profile": {"displayName": name}}


def _source_member(d: Any, source: str, group: str) -> str:
    key = _source_user(d, source)
    d.post(
        f"/api/v1/identity-sources/{source}/groups/{group}/membership", {"memberExternalId": key}
    )
    return key


def _stream(d: Any) -> list[str]:
    d.post("/api/v1/ssf/stream", STREAM)
    return []


def _stream_id(d: Any, *_: str) -> str:
    return str(d.okta("GET /api/v1/ssf/stream").data()[0]["stream_id"])


def _webauthn(d: Any, *_: str) -> str:
    body = {"key": "webauthn", "name": "Security Key"}
    key = str(d.post("/api/v1/authenticators", body)["id"])
    d.okta(
        f"PUT /api/v1/authenticators/{key}/methods/webauthn",
        {"type": "webauthn", "settings": {"rpId": {"domain": {"name": "acme.example"}}}},
    )
    return key


AAGUID: Final = "cb69481e-8ff7-4039-93ec-0a2729a154a8"


def _aaguid(d: Any) -> list[str]:
    key = _webauthn(d)
    body = {"aaguid": AAGUID, "authenticatorCharacteristics": {}}
    d.post(f"/api/v1/authenticators/{key}/aaguids", body)
    return [key, AAGUID]


def _prepared(d: Any, user: str) -> str:
    made = d.post("/webauthn-registration/api/v1/enroll", _enrolled(d, user))
    return str(made["credRequests"][0]["authenticatorEnrollmentId"])


def _enrolled(d: Any, user: str = "") -> dict[str, Any]:
    return {
        "fulfillmentProvider": "yubico",
        "userId": user or _user(d),
        "enrollmentRpIds": ["acme.example"],
        "yubicoTransportKeyJWK": {
            "kty": "EC",
            "crv": "P-384",
            "kid": "1",
            "use": "enc",
            "x": "x",
            "y": "y",
        },
    }


def _answered(d: Any) -> dict[str, Any]:
    user = _user(d)
    key = _prepared(d, user)
    return {
        "fulfillmentProvider": "yubico",
        "userId": user,
        "credResponses": [{"authenticatorEnrollmentId": key, "credResponseJwe": "e"}],
        "pinResponseJwe": "e",
        "serial": "1",
        "version": "5",
    }


def _pin(d: Any) -> dict[str, Any]:
    user = _user(d)
    key = _prepared(d, user)
    return {
        "fulfillmentProvider": "yubico",
        "userId": user,
        "authenticatorEnrollmentId": key,
    }


def _authenticator(d: Any, key: str) -> str:
    for one in d.okta("GET /api/v1/authenticators").data():
        if one["key"] == key:
            return str(one["id"])
    return str(d.post("/api/v1/authenticators", {"key": key, "name": key})["id"])


def _enrollment(d: Any, user: str) -> str:
    body = {
        "authenticatorId": _authenticator(d, "phone_number"),
        "profile": {"phoneNumber": "+15551234567"},
    }
    return str(d.post(f"/api/v1/users/{user}/authenticator-enrollments/phone", body)["id"])


def _pushed_factor(d: Any) -> list[str]:
    user = _user(d)
    login = d.okta(f"GET /api/v1/users/{user}").data()["profile"]["login"]
    body = {"factorType": "push", "provider": "OKTA"}
    factor = str(d.post(f"/api/v1/users/{user}/factors", body)["id"])
    d.okta.universe.apply("okta", "scan_push", [login])
    asked = d.post(f"/api/v1/users/{user}/factors/{factor}/verify")
    return [user, factor, asked["_links"]["poll"]["href"].rpartition("/")[2]]


def _yubikey(d: Any, *_: str) -> dict[str, Any]:
    return {
        "serialNumber": _numbered(d, "7886"),
        "publicId": "ccc",
        "privateId": "aaa",
        "aesKey": "bbb",
    }


def _directory(d: Any) -> list[str]:
    return [_pool(d)]


def _queried(d: Any) -> list[str]:
    pool, group = _pool(d), _group(d)
    asked = d.post(f"/api/v1/directories/{pool}/groups/{group}/query", {"attributes": ["name"]})
    return [pool, group, asked["resultId"]]


def _assignment(d: Any) -> dict[str, Any]:
    body = {**GOOD["/api/v1/realm-assignments"], "name": _numbered(d, "assignment")}
    key = d.post("/api/v1/realm-assignments", body)["id"]
    d.okta(f"POST /api/v1/realm-assignments/{key}/lifecycle/activate")
    return {"assignmentId": key}


def _simulated(d: Any) -> list[dict[str, Any]]:
    context = {"user": {"id": _user(d)}, "groups": {"ids": [_group(d)]}}
    return [{"appInstance": _client(d), "policyContext": context}]


def _aerial(d: Any) -> list[str]:
    d.post("/api/v1/org/privacy/aerial/grant", {"accountId": "0200000001"})
    return []


def _case(d: Any) -> str:
    given = [{"subject": "It does not work"}]
    return str(d.okta.universe.apply("okta", "add_support_cases", given)[0]["caseNumber"])


STREAM: Final[dict[str, Any]] = {
    "delivery": {
        "method": "urn:ietf:rfc:8935",
        "endpoint_url": "https://receiver.example/events",
        "authorization_header": "Bearer x",
    },
    "events_requested": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"],
    "format": "iss_sub",
}
LINKED: Final[dict[str, Any]] = {
    "primary": {"name": "manager", "title": "M", "description": "m", "type": "USER"},
    "associated": {"name": "report", "title": "R", "description": "r", "type": "USER"},
}
MADE: dict[str, Any] = {
    "/api/v1/brands/{}/well-known-uris/{}": "webauthn",
    "/api/v1/device-integrations/{}": lambda d: d.first("/api/v1/device-integrations"),
    "/api/v1/dr/status/{}": lambda d: d.first("/api/v1/dr/status", "domain"),
    "/api/v1/first-party-app-settings/{}": "admin-console",
    "/api/v1/meta/schemas/logStream/{}": "aws_eventbridge",
    "/api/v1/org/privacy/oktaSupport/cases/{}": _case,
    "/webauthn-registration/api/v1/users/{}": _user,
    "/webauthn-registration/api/v1/users/{}/enrollments/{}": _prepared,
    "/api/v1/users/{}/authenticator-enrollments/{}": _enrollment,
    "/api/v1/identity-sources/{}": _client,
    "/api/v1/identity-sources/{}/users/{}": _source_user,
    "/api/v1/identity-sources/{}/groups/{}/membership/{}": _source_member,
    "/api/v1/users/{}": _user,
    "/api/v1/groups/{}": _group,
    "/api/v1/groups/{}/users/{}": _member,
    "/api/v1/groups/{}/owners/{}": lambda d, group: d.post(
        f"/api/v1/groups/{group}/owners", {"id": _user(d), "type": "USER"}
    )["id"],
    "/api/v1/groups/{}/roles/{}": _role("USER_ADMIN", "/api/v1/groups"),
    "/api/v1/groups/{}/roles/{}/targets/groups/{}": _target("/api/v1/groups"),
    "/api/v1/users/{}/roles/{}": _role("USER_ADMIN", "/api/v1/users"),
    "/api/v1/users/{}/roles/{}/targets/groups/{}": _target("/api/v1/users"),
    "/api/v1/users/{}/roles/{}/governance/{}": "nobody",
    "/api/v1/iam/governance/bundles/{}/entitlements/{}": lambda d, bundle: d.first(
        f"/api/v1/iam/governance/bundles/{bundle}/entitlements"
    ),
    "/oauth2/v1/clients/{}/roles/{}": _role("USER_ADMIN", "/oauth2/v1/clients"),
    "/oauth2/v1/clients/{}/roles/{}/targets/groups/{}": _target("/oauth2/v1/clients"),
    "/api/v1/users/{}/subscriptions/{}": "OKTA_UPDATE",
    "/api/v1/users/{}/linkedObjects/{}": _manager,
    "/api/v1/users/{}/linkedObjects/{}/{}": _user,
    "/api/v1/users/{}/factors/{}": _factor,
    "/api/v1/users/{}/clients/{}": _client,
    "/api/v1/users/{}/clients/{}/tokens/{}": lambda d, user, app: _granted(d, user, app)["token"],
    "/api/v1/users/{}/grants/{}": lambda d, user: _granted(d, user, _client(d))["grants"][0],
    "/api/v1/apps/{}/tokens/{}": lambda d, app: _granted(d, _user(d), app)["token"],
    "/api/v1/authorizationServers/{}/clients/{}": _client,
    "/api/v1/authorizationServers/{}/clients/{}/tokens/{}": lambda d, server, app: _granted(
        d, _user(d), app, server
    )["token"],
    "/api/v1/roles/{}": "SUPER_ADMIN",
    "/api/v1/roles/{}/subscriptions/{}": "OKTA_UPDATE",
    "/api/v1/api-tokens/{}": _token,
    "/api/v1/apps/{}/group-push/mappings/{}": _pushed,
    "/api/v1/apps/{}/interclient-allowed-apps/{}": _allowed,
    "/api/v1/authorizationServers/{}/associatedServers/{}": _trusted,
    "/api/v1/apps/{}/users/{}": _app_user,
    "/api/v1/apps/{}/groups/{}": _app_group,
    "/api/v1/apps/{}/policies/{}": _access_policy,
    "/api/v1/apps/{}/features/{}": _connected,
    "/api/v1/apps/{}/credentials/keys/{}": lambda d, app: d.post(
        f"/api/v1/apps/{app}/credentials/keys/generate?validityYears=2"
    )["kid"],
    "/api/v1/authenticators/{}": lambda d: d.first("/api/v1/authenticators"),
    "/api/v1/authenticators/{}/methods/{}": "email",
    "/api/v1/authorizationServers/{}/credentials/keys/{}": lambda d, server: d.first(
        f"/api/v1/authorizationServers/{server}/credentials/keys", "kid"
    ),
    "/api/v1/brands/{}/templates/email/{}": "ForgotPassword",
    "/api/v1/brands/{}/themes/{}": lambda d, brand: d.first(f"/api/v1/brands/{brand}/themes"),
    "/api/v1/devices/{}": _device,
    "/api/v1/agentPools/{}": _pool,
    "/api/v1/agentPools/{}/updates/{}": _update,
    "/api/v1/features/{}": lambda d: d.first("/api/v1/features"),
    "/api/v1/features/{}/{}": "ENABLE",
    "/api/v1/groups/rules/{}": lambda d: d.post("/api/v1/groups/rules", _rule_body(d))["id"],
    "/api/v1/hook-keys/public/{}": _public_key,
    "/api/v1/iam/resource-sets/{}/bindings/{}": _bound,
    "/api/v1/iam/resource-sets/{}/bindings/{}/members/{}": lambda d, where, role: d.first(
        f"/api/v1/iam/resource-sets/{where}/bindings/{role}/members"
    ),
    "/api/v1/iam/resource-sets/{}/resources/{}": lambda d, where: d.first(
        f"/api/v1/iam/resource-sets/{where}/resources"
    ),
    "/api/v1/iam/roles/{}/permissions/{}": "okta.users.read",
    "/api/v1/idps/{}/users/{}": _idp_user,
    "/api/v1/idps/{}/credentials/keys/{}": lambda d, idp: d.post(
        f"/api/v1/idps/{idp}/credentials/keys/generate?validityYears=2"
    )["kid"],
    "/api/v1/mappings/{}": _app_mapping,
    "/api/v1/meta/schemas/apps/{}": lambda d: d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"],
    "/api/v1/meta/schemas/user/linkedObjects/{}": _linked,
    "/api/v1/meta/schemas/user/{}": "default",
    "/api/v1/org/contacts/{}": "BILLING",
    "/api/v1/policies/{}/mappings/{}": _mapped,
    "/api/v1/principal-rate-limits/{}": lambda d: d.first(
        '/api/v1/principal-rate-limits?filter=principalType+eq+"SSWS_TOKEN"'
    ),
    "/api/v1/sessions/{}": _session,
    "/oauth2/v1/clients/{}": lambda d: d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"],
}
"""What stands for a parameter at the end of a bare path: a word, or what makes it from the values
before it. Everything else is made at the path without it, from :data:`GOOD` and the others."""


def _server_rule(d: Any, *_: str) -> dict[str, Any]:
    return {
        "name": _numbered(d, "rule"),
        "type": "RESOURCE_ACCESS",
        "priority": 1,
        "conditions": {
            "people": {"groups": {"include": ["EVERYONE"]}},
            "grantTypes": {"include": ["client_credentials"]},
            "scopes": {"include": ["*"]},
        },
        "actions": {"token": {"accessTokenLifetimeMinutes": 60}},
    }


def _code(d: Any, _: str, factor: str) -> dict[str, Any]:
    """The code that was sent to the user: nothing outside the twin is told."""
    row = d.okta.universe.twins["okta"]["things"]["factors", factor]
    return {"passCode": row["hidden"]["code"]}


def _active_factor(d: Any) -> list[str]:
    user = _user(d)
    factor = _factor(d, user)
    d.post(f"/api/v1/users/{user}/factors/{factor}/lifecycle/activate", _code(d, user, factor))
    d.post(f"/api/v1/users/{user}/factors/{factor}/verify")
    return [user, factor]


def _provisioned(d: Any) -> list[str]:
    return [str(d.okta.user(_numbered(d, "driven"), password=""))]


def _locked(d: Any) -> list[str]:
    body = _user_body(d)
    key = d.post("/api/v1/users", body)["id"]
    for _ in range(11):
        wrong = {"username": body["profile"]["login"], "password": "wrong"}
        d.okta("POST /api/v1/authn", wrong, authorization="")
    return [str(key)]


def _forgetful(d: Any) -> list[str]:
    user = _user(d)
    question = {"question": "What?", "answer": "nothing much"}
    body = {"password": {"value": PASSWORD}, "recovery_question": question}
    d.post(f"/api/v1/users/{user}/credentials/change_recovery_question", body)
    return [user]


def _page(name: str) -> Any:
    def make(d: Any) -> list[str]:
        brand = d.first("/api/v1/brands")
        d.okta(f"PUT /api/v1/brands/{brand}/pages/{name}", {"pageContent": "<html></html>"})
        return [brand]

    return make


def _verified(d: Any) -> list[str]:
    made = d.post("/api/v1/domains", GOOD["/api/v1/domains"])["id"]
    d.post(f"/api/v1/domains/{made}/verify")
    return [str(made)]


def _connected_app(d: Any) -> list[str]:
    app = str(d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"])
    _connected(d, app)
    return [app]


def _followed(d: Any) -> list[str]:
    policy = _access_policy(d)
    return [policy, _mapped(d, policy)]


BEFORE: dict[str, str] = {
    "POST /api/v1/agentPools/{}/updates/{}/resume": "pause",
    "POST /api/v1/agentPools/{}/updates/{}/retry": "stop",
    "POST /api/v1/devices/{}/lifecycle/unsuspend": "suspend",
    "POST /api/v1/users/{}/lifecycle/unsuspend": "suspend",
}
"""What has to be done with an object first: the last part of the path instead of its own."""
_ALL: Final = ("GET", "PUT", "PATCH", "DELETE")
_HOLDERS: Final = ("/api/v1/users", "/api/v1/groups", "/oauth2/v1/clients")
_TARGETS: Final = "{}/roles/{}/targets/catalog/apps"
VALUES: dict[str, Any] = {
    "POST /api/v1/directories/{}/groups/modify": _directory,
    "POST /api/v1/directories/{}/groups/{}/query": lambda d: [_pool(d), _group(d)],
    "GET /api/v1/directories/{}/groups/{}/query/{}": _queried,
    "GET /api/v1/org/privacy/aerial": _aerial,
    "POST /api/v1/org/privacy/aerial/revoke": _aerial,
    "DELETE /api/v1/policies/{}/mappings/{}": _followed,
    "GET /api/v1/authenticators/{}/aaguids": lambda d: [_webauthn(d)],
    "POST /api/v1/authenticators/{}/aaguids": lambda d: [_webauthn(d)],
    **{f"{verb} /api/v1/authenticators/{{}}/aaguids/{{}}": _aaguid for verb in _ALL},
    "POST /api/v1/authenticators/{}/methods/{}/verify-rp-id-domain": lambda d: [
        _webauthn(d),
        "webauthn",
    ],
    "POST /api/v1/users/{}/credentials/forgot_password": _forgetful,
    "GET /api/v1/users/{}/factors/{}/transactions/{}": _pushed_factor,
    "GET /api/v1/ssf/stream": _stream,
    "PUT /api/v1/ssf/stream": _stream,
    "PATCH /api/v1/ssf/stream": _stream,
    "DELETE /api/v1/ssf/stream": _stream,
    "GET /api/v1/ssf/stream/status": _stream,
    "POST /api/v1/ssf/stream/verification": _stream,
    "GET /api/v1/apps/{}/sso/saml/metadata": _saml,
    "POST /api/v1/apps/{}/{}/oauth2/callback": _slack,
    **{
        f"{verb} {where}/{_TARGETS}{tail}": _limited(where, *more)
        for where in _HOLDERS
        for verb, tail, more in (
            ("GET", "", ()),
            ("PUT", "", ()),
            ("PUT", "/{}", ("slack",)),
            ("PUT", "/{}/{}", ("oidc_client", lambda d, *_: _client(d))),
            ("DELETE", "/{}", (_app_target(where),)),
            ("DELETE", "/{}/{}", ("oidc_client", _app_target(where, instance=True))),
        )
    },
    "POST /api/v1/users/{}/factors/{}/verify": _active_factor,
    "POST /api/v1/users/{}/lifecycle/reactivate": _provisioned,
    "POST /api/v1/users/{}/lifecycle/unlock": _locked,
    "POST /api/v1/users/{}/credentials/forgot_password_recovery_question": _forgetful,
    "GET /api/v1/brands/{}/pages/error/customized": _page("error/customized"),
    "GET /api/v1/brands/{}/pages/error/preview": _page("error/preview"),
    "GET /api/v1/brands/{}/pages/sign-in/customized": _page("sign-in/customized"),
    "GET /api/v1/brands/{}/pages/sign-in/preview": _page("sign-in/preview"),
    "PUT /api/v1/domains/{}/certificate": _verified,
    "GET /api/v1/apps/{}/features": _connected_app,
    "POST /api/v1/policies/{}/clone": lambda d: [_access_policy(d)],
    "GET /api/v1/policies/{}/mappings/{}": _followed,
}
"""The values of a path whose object has to be in a certain state."""
WIRE: dict[str, str] = {
    "GET /api/v1/users/{}/authenticator-enrollments": "it takes the list for one of them",
    "POST /api/v1/apps/{}/credentials/csrs/{}/lifecycle/publish": "it cannot send bytes",
    "POST /api/v1/idps/{}/credentials/csrs/{}/lifecycle/publish": "it cannot send bytes",
    "POST /api/v1/users/{}/factors/{}/lifecycle/activate": "its model has no code",
    "POST /api/v1/users/{}/factors/{}/verify": "its model has no code",
    "POST /api/v1/apps/{}/credentials/jwks": "it cannot tell the two kinds of keys apart",
    "POST /api/v1/apps/{}/users/{}": "it cannot tell the two kinds of bodies apart",
}
"""Operations whose bodies the client cannot make, and why: its models read the answer."""
OTHER_STATUS: dict[str, str] = {
    "POST /api/v1/domains": "201 was recorded",
    "POST /api/v1/apps/{}/grants": "200 was recorded",
    "POST /api/v1/idps/{}/credentials/keys/generate": "201 was recorded",
    "POST /api/v1/logStreams/{}/lifecycle/activate": "200 without a body was recorded",
    "POST /api/v1/logStreams/{}/lifecycle/deactivate": "200 without a body was recorded",
    "POST /api/v1/org/privacy/oktaSupport/grant": "200 was recorded, not 301",
    "POST /api/v1/org/privacy/oktaSupport/extend": "200 was recorded, not 301",
    "POST /api/v1/org/privacy/oktaSupport/revoke": "200 was recorded, not 301",
}
"""Where real organisations answer with another status or body than the description says."""
REFUSED: dict[str, str] = {
    "GET /api/v1/users/{}/roles/{}/governance/{}": "E0000007",
    "GET /api/v1/users/{}/roles/{}/governance/{}/resources": "E0000007",
    "POST /api/v1/policies/{}/mappings": "E0000001",
    "POST /api/v1/principal-rate-limits": "E0000007",
}
"""Operations that Okta refuses today, or that need what nobody can make."""
ELSEWHERE: dict[str, str] = {
    "POST /security/api/v1/security-events": "test_okta_signals.py",
    "POST /api/v1/eventHooks/{}/lifecycle/verify": "test_okta_hooks.py",
    "POST /api/v1/inlineHooks/{}/execute": "test_okta_hooks.py",
}
"""Operations that need a receiver outside, and where they are called."""
MAIL: Final[dict[str, Any]] = {
    "language": "en",
    "subject": "Hello",
    "body": "<html><body>${resetPasswordLink}</body></html>",
    "isDefault": True,
}
BUNDLE: Final[dict[str, Any]] = {
    "name": "Helpers",
    "description": "d",
    "entitlements": [
        {"role": "HELP_DESK_ADMIN", "targets": ["orn:okta:directory:x:groups:y"]},
        {"role": "READ_ONLY_ADMIN"},
    ],
}
PROVIDER: Final[dict[str, Any]] = {
    "name": "Signals",
    "type": "okta",
    "settings": {"issuer": "signals.example", "jwks_url": "https://signals.example/keys"},
}
POSTURE: Final[dict[str, Any]] = {
    "name": "Agent runs",
    "variableName": "agentRuns",
    "platform": "MACOS",
    "type": "CUSTOM",
    "mappingType": "CHECKBOX",
    "query": "SELECT 1 AS active",
}
UPDATE: Final[dict[str, Any]] = {
    "name": "Next",
    "agentType": "AD",
    "agents": [{"id": "a53", "name": "dc1", "type": "AD"}],
    "schedule": {"cron": "0 3 * * *", "duration": 60, "timezone": "Europe/Berlin"},
}
ATTRIBUTE: Final[dict[str, Any]] = {
    "definitions": {
        "custom": {
            "id": "#custom",
            "type": "object",
            "properties": {"twitter": {"title": "Twitter", "type": "string", "maxLength": 20}},
        }
    }
}
BODIES: dict[str, Any] = {
    "PUT /api/v1/brands/{}/well-known-uris/{}/customized": {
        "representation": {"origins": ["https://acme.example"]}
    },
    "POST /api/v1/bot-protection/configuration": {"level": "ANY", "mode": "LOG_ONLY"},
    "POST /api/v1/directories/{}/groups/modify": lambda d, _: {
        "id": _group(d),
        "parameters": {"action": "ADD", "attribute": "member", "values": [_user(d)]},
    },
    "POST /api/v1/directories/{}/groups/{}/query": {"attributes": ["name"]},
    "POST /api/v1/dr/failover": {"domains": []},
    "PUT /api/v1/first-party-app-settings/{}": {
        "sessionIdleTimeoutMinutes": 20,
        "sessionMaxLifetimeMinutes": 600,
    },
    "POST /api/v1/org/privacy/aerial/grant": {"accountId": "0200000001"},
    "POST /api/v1/org/privacy/aerial/revoke": {"accountId": "0200000001"},
    "PATCH /api/v1/org/privacy/oktaSupport/cases/{}": {"impersonation": {"status": "ENABLED"}},
    "POST /api/v1/orgs": {
        "name": "Child",
        "subdomain": "child",
        "website": "https://child.example",
        "edition": "SKU",
        "admin": {
            "profile": {
                "firstName": "A",
                "lastName": "B",
                "email": "a@child.example",
                "login": "a@child.example",
            },
            "credentials": {"password": {"value": PASSWORD}},
        },
    },
    "POST /api/v1/policies/simulate": _simulated,
    "POST /api/v1/realm-assignments/operations": _assignment,
    "PUT /okta-personal-settings/api/v1/edit-feature": {"enableExportApps": True},
    "PUT /okta-personal-settings/api/v1/export-blocklists": {"domains": ["acme.example"]},
    "PUT /api/v1/users/{}/risk": {"riskLevel": "HIGH"},
    "PUT /api/v1/users/{}/classification": {"type": "LITE"},
    "POST /api/v1/users/{}/authenticator-enrollments/phone": lambda d, _: {
        "authenticatorId": _authenticator(d, "phone_number"),
        "profile": {"phoneNumber": "+15551234567"},
    },
    "POST /api/v1/users/{}/authenticator-enrollments/tac": lambda d, _: {
        "authenticatorId": _authenticator(d, "tac"),
        "profile": {"multiUse": True, "ttl": "60"},
    },
    "POST /api/v1/org/factors/yubikey_token/tokens": _yubikey,
    "POST /api/v1/authenticators/{}/aaguids": {
        "aaguid": AAGUID,
        "authenticatorCharacteristics": {"fipsCompliant": True},
        "attestationRootCertificates": [{"x5c": "MIIC"}],
    },
    "PUT /api/v1/authenticators/{}/aaguids/{}": {"name": "Key", "authenticatorCharacteristics": {}},
    "PATCH /api/v1/authenticators/{}/aaguids/{}": {"name": "Key"},
    "POST /webauthn-registration/api/v1/initiate-fulfillment-request": lambda d: {
        "fulfillmentProvider": "yubico",
        "userId": _user(d),
        "fulfillmentData": [{"productId": "1", "customizationId": "2", "inventoryProductId": "3"}],
    },
    "POST /webauthn-registration/api/v1/enroll": _enrolled,
    "POST /webauthn-registration/api/v1/activate": _answered,
    "POST /webauthn-registration/api/v1/send-pin": _pin,
    "POST /api/v1/identity-sources/{}/users": _source_body,
    "PUT /api/v1/identity-sources/{}/users/{}": _source_body,
    "PATCH /api/v1/identity-sources/{}/users/{}": _source_body,
    "POST /api/v1/identity-sources/{}/groups": _source_group_body,
    "POST /api/v1/identity-sources/{}/groups/{}": _source_group_body,
    "POST /api/v1/identity-sources/{}/groups/{}/membership": lambda d, source, _: {
        "memberExternalId": _source_user(d, source)
    },
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-upsert": lambda d, *_: {
        "entityType": "USERS",
        "profiles": [_source_body(d)],
    },
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-delete": {
        "entityType": "USERS",
        "profiles": [{"externalId": "x"}],
    },
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-groups-upsert": lambda d, *_: {
        "profiles": [_source_group_body(d)]
    },
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-groups-delete": {"externalIds": ["x"]},
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-group-memberships-upsert": {
        "memberships": [{"groupExternalId": "g", "memberExternalIds": ["x"]}]
    },
    "POST /api/v1/identity-sources/{}/sessions/{}/bulk-group-memberships-delete": {
        "memberships": [{"groupExternalId": "g", "memberExternalIds": ["x"]}]
    },
    "POST /api/v1/ssf/stream": STREAM,
    "PUT /api/v1/ssf/stream": STREAM,
    "PATCH /api/v1/ssf/stream": STREAM,
    "POST /api/v1/ssf/stream/verification": lambda d: {"stream_id": _stream_id(d)},
    "* /api/v1/security-events-providers": PROVIDER,
    "* /api/v1/security-events-providers/{}": PROVIDER,
    "POST /api/v1/telephony-providers": {
        "providerName": "TWILIO",
        "providerSid": "AC1",
        "providerAuthToken": "t",
        "providerSettings": {"sms": {"twilioPhoneNumber": "+15550000000"}},
    },
    "PATCH /api/v1/telephony-providers/{}": {"providerSid": "AC2"},
    "POST /api/v1/telephony-providers/{}/test": {
        "phoneNumber": "+15550000000",
        "countryCodeIso2": "US",
        "factor": "SMS",
    },
    "POST /privileged-access/api/v1/okta-service-accounts": lambda d: {
        "name": _numbered(d, "account"),
        "oktaUserId": _user(d),
    },
    "PATCH /privileged-access/api/v1/okta-service-accounts/{}": {"description": "other"},
    "POST /privileged-access/api/v1/service-accounts": lambda d: {
        "name": _numbered(d, "account"),
        "containerOrn": f"orn:okta:idp:x:apps:oidc_client:{_client(d)}",
        "username": "root",
        "password": "s3cret",
    },
    "PATCH /privileged-access/api/v1/service-accounts/{}": {"description": "other"},
    "POST /api/v1/apps/{}/cwo/connections": lambda d, app: {
        "requestingAppInstanceId": app,
        "resourceAppInstanceId": _other_app(d),
    },
    "PATCH /api/v1/apps/{}/cwo/connections/{}": {"status": "INACTIVE"},
    "POST /api/v1/apps/{}/group-push/mappings": lambda d, _: {
        "sourceGroupId": _group(d),
        "targetGroupName": _numbered(d, "pushed"),
    },
    "PATCH /api/v1/apps/{}/group-push/mappings/{}": {"status": "ACTIVE"},
    "POST /api/v1/apps/{}/interclient-allowed-apps": lambda d, _: {"id": _other_app(d)},
    "POST /api/v1/authorizationServers/{}/associatedServers": lambda d, _: {
        "trusted": [_other_server(d)]
    },
    "POST /api/v1/authorizationServers/{}/resourceservercredentials/keys": {
        "kty": "RSA",
        "kid": "enc1",
        "use": "enc",
        "e": "AQAB",
        "n": "u" * 342,
    },
    "POST /api/v1/users": _user_body,
    "* /api/v1/users/{}": {"profile": {"nickName": "Al"}},
    "PUT /api/v1/users/{}": _user_body,
    "POST /api/v1/groups": _group_body,
    "PUT /api/v1/groups/{}": _group_body,
    "* /api/v1/groups/rules": _rule_body,
    "* /api/v1/groups/rules/{}": _rule_body,
    "POST /api/v1/groups/{}/owners": lambda d, _: {"id": _user(d), "type": "USER"},
    "POST /api/v1/groups/{}/roles": {"type": "USER_ADMIN"},
    "POST /api/v1/users/{}/roles": {"type": "USER_ADMIN"},
    "POST /oauth2/v1/clients/{}/roles": {"type": "USER_ADMIN"},
    "* /api/v1/iam/governance/bundles": BUNDLE,
    "* /api/v1/iam/governance/bundles/{}": BUNDLE,
    "PUT /api/v1/iam/resource-sets/{}/resources/{}": {
        "conditions": {"Exclude": {"okta:ORN": ["orn:okta:directory:x:groups:y"]}}
    },
    "POST /api/v1/users/{}/credentials/change_password": {
        "oldPassword": {"value": PASSWORD},
        "newPassword": {"value": PASSWORD + "Y2"},
    },
    "POST /api/v1/users/{}/credentials/change_recovery_question": {
        "password": {"value": PASSWORD},
        "recovery_question": {"question": "What?", "answer": "nothing much"},
    },
    "POST /api/v1/users/{}/factors": {
        "factorType": "sms",
        "provider": "OKTA",
        "profile": {"phoneNumber": "+15551234567"},
    },
    "PUT /api/v1/api-tokens/{}": lambda d, *_: {
        "name": "renamed",
        "userId": d.first("/api/v1/users"),
        "network": {"connection": "ANYWHERE"},
    },
    "PUT /api/v1/apps/{}/features/{}": {
        "create": {"lifecycleCreate": {"status": "ENABLED"}},
        "update": {"profile": {"status": "ENABLED"}},
    },
    "POST /api/v1/apps/{}/users": lambda d, _: {"id": _user(d)},
    "POST /api/v1/apps/{}/users/{}": {"credentials": {"userName": "other"}},
    "PUT /api/v1/apps/{}/groups/{}": {"priority": 0},
    "PATCH /api/v1/apps/{}/groups/{}": [
        {"op": "replace", "path": "/profile", "value": {"seat": "window"}}
    ],
    "POST /api/v1/authorizationServers/{}/credentials/lifecycle/keyRotate": {"use": "sig"},
    "* /api/v1/authorizationServers/{}/policies/{}/rules": _server_rule,
    "PUT /api/v1/brands/{}/pages/error/customized": {"pageContent": "<html></html>"},
    "PUT /api/v1/brands/{}/pages/error/preview": {"pageContent": "<html></html>"},
    "PUT /api/v1/brands/{}/pages/sign-in/customized": {"pageContent": "<html></html>"},
    "PUT /api/v1/brands/{}/pages/sign-in/preview": {"pageContent": "<html></html>"},
    "PUT /api/v1/brands/{}/pages/sign-out/customized": {"type": "OKTA_DEFAULT"},
    "* /api/v1/brands/{}/templates/email/{}/customizations": MAIL,
    "PUT /api/v1/brands/{}/templates/email/{}/settings": {"recipients": "ALL_USERS"},
    "PUT /api/v1/brands/{}/themes/{}": {
        "primaryColorHex": "#112233",
        "secondaryColorHex": "#445566",
        "signInPageTouchPointVariant": "OKTA_DEFAULT",
        "endUserDashboardTouchPointVariant": "OKTA_DEFAULT",
        "errorPageTouchPointVariant": "OKTA_DEFAULT",
        "emailTemplateTouchPointVariant": "OKTA_DEFAULT",
    },
    "PUT /api/v1/domains/{}/certificate": {
        "type": "PEM",
        "certificate": "c",
        "certificateChain": "c",
        "privateKey": "k",
    },
    "POST /api/v1/iam/resource-sets/{}/bindings": lambda d, _: {
        "role": d.post("/api/v1/iam/roles", GOOD["/api/v1/iam/roles"])["id"],
        "members": [f"https://x/api/v1/users/{_user(d)}"],
    },
    "PATCH /api/v1/iam/resource-sets/{}/bindings/{}/members": lambda d, *_: {
        "additions": [f"https://x/api/v1/users/{_user(d)}"]
    },
    "POST /api/v1/iam/resource-sets/{}/resources": {
        "resourceOrnOrUrl": "https://acme.okta.com/api/v1/groups",
        "conditions": {},
    },
    "PATCH /api/v1/iam/resource-sets/{}/resources": {
        "additions": ["https://acme.okta.com/api/v1/apps"]
    },
    "* /api/v1/iam/roles/{}/permissions/{}": {"conditions": {}},
    "* /api/v1/idps/credentials/keys": {"x5c": ["MIIC"]},
    "POST /api/v1/idps/{}/users/{}": {"externalId": "elsewhere"},
    "POST /api/v1/mappings/{}": {
        "properties": {"nickName": {"expression": "appuser.nickName", "pushStatus": "PUSH"}}
    },
    "POST /api/v1/meta/schemas/apps/{}/default": ATTRIBUTE,
    "POST /api/v1/meta/schemas/group/default": ATTRIBUTE,
    "POST /api/v1/meta/schemas/user/{}": ATTRIBUTE,
    "POST /api/v1/apps/{}/connections/default": {"profile": {"authScheme": "TOKEN", "token": "t"}},
    "POST /api/v1/apps/{}/credentials/jwks": {
        **NESTED["/api/v1/apps/{0}/credentials/jwks"],
        "use": "sig",
    },
    "POST /api/v1/apps/{}/credentials/csrs/{}/lifecycle/publish": b"MIIC",
    "POST /api/v1/idps/{}/credentials/csrs/{}/lifecycle/publish": b"MIIC",
    "PUT /api/v1/brands/{}/templates/email/{}/customizations/{}": MAIL,
    "POST /api/v1/inlineHooks/{}/execute": {"data": {"context": {}}},
    "PUT /api/v1/authorizationServers/{}/policies/{}/rules/{}": _server_rule,
    "POST /api/v1/users/{}/factors/{}/lifecycle/activate": _code,
    "POST /api/v1/users/{}/factors/{}/verify": _code,
    "PUT /api/v1/authenticators/{}": lambda d, key: {
        name: d.okta(f"GET /api/v1/authenticators/{key}").data()[name] for name in ("key", "name")
    },
    "PUT /api/v1/authenticators/{}/methods/{}": {"type": "email", "status": "ACTIVE"},
    "* /api/v1/apps/{}/federated-claims": {"name": "costs", "expression": "user.costCenter"},
    "PUT /api/v1/apps/{}/federated-claims/{}": {"name": "costs", "expression": "user.division"},
    "PUT /api/v1/domains/{}": lambda d, _: {"brandId": d.first("/api/v1/brands")},
    "PUT /api/v1/idps/credentials/keys/{}": {"x5c": ["MIIC"]},
    "POST /api/v1/logStreams": {
        **GOOD["/api/v1/logStreams"],
        "id": "",
        "created": "2025-01-01T00:00:00.000Z",
        "lastUpdated": "2025-01-01T00:00:00.000Z",
        "status": "ACTIVE",
        "_links": {"self": {"href": "https://x"}},
    },
    "POST /api/v1/policies/{}/mappings": {"resourceId": "x", "resourceType": "ACCESS_POLICY"},
    "* /api/v1/policies/{}/rules": {"name": "First", "type": "SIGN_ON"},
    "* /api/v1/policies/{}/rules/{}": {"name": "Other", "type": "SIGN_ON"},
    "POST /api/v1/principal-rate-limits": {
        "principalId": "nobody",
        "principalType": "SSWS_TOKEN",
        "defaultPercentage": 40,
    },
    "POST /api/v1/users/{}/credentials/forgot_password_recovery_question": {
        "password": {"value": PASSWORD + "Y3"},
        "recovery_question": {"question": "What?", "answer": "nothing much"},
    },
    "POST /api/v1/users/{}/factors/{}/resend": {"factorType": "sms"},
    "* /api/v1/device-posture-checks": POSTURE,
    "* /api/v1/device-posture-checks/{}": POSTURE,
    "POST /api/v1/email-domains": lambda d, *_: {
        "brandId": d.first("/api/v1/brands"),
        "domain": "acme.example",
        "displayName": "Acme",
        "userName": "noreply",
    },
    "PUT /api/v1/email-domains/{}": {"displayName": "Acme Corp", "userName": "it"},
    "PATCH /api/v1/email-servers/{}": {"authType": "BASIC_SMTP_AUTH", "port": 25},
    "POST /api/v1/email-servers/{}/test": {
        "fromAddress": "it@acme.example",
        "toAddress": "ann@acme.example",
    },
    "POST /api/v1/org/email/bounces/remove-list": {"emailAddresses": ["ann@acme.example", "x"]},
    "POST /api/v1/agentPools/{}/updates": UPDATE,
    "POST /api/v1/agentPools/{}/updates/{}": UPDATE,
    "POST /api/v1/agentPools/{}/updates/settings": {"agentType": "AD", "continueOnError": True},
    "POST /api/v1/meta/schemas/user/linkedObjects": LINKED,
    "POST /api/v1/meta/types/user": _type_body,
    "* /api/v1/meta/types/user/{}": lambda d, key: {
        "name": d.okta(f"GET /api/v1/meta/types/user/{key}").data()["name"],
        "displayName": "Other",
        "description": "o",
    },
    "PUT /api/v1/org": {"companyName": "Acme"},
    "POST /api/v1/org": {"companyName": "Acme"},
    "PUT /api/v1/org/captcha": {"enabledPages": ["SSR"]},
    "PUT /api/v1/org/contacts/{}": lambda d, _: {"userId": _user(d)},
    "POST /api/v1/org/orgSettings/thirdPartyAdminSetting": {"thirdPartyAdmin": True},
    "POST /api/v1/org/settings/autoAssignAdminAppSetting": {"autoAssignAdminAppSetting": True},
    "PUT /api/v1/org/settings/clientPrivilegesSetting": {"clientPrivilegesSetting": True},
    "PUT /api/v1/principal-rate-limits/{}": lambda d, key: {
        **{
            name: d.okta(f"GET /api/v1/principal-rate-limits/{key}").data()[name]
            for name in ("principalId", "principalType")
        },
        "defaultPercentage": 40,
        "defaultConcurrencyPercentage": 40,
    },
    "PUT /api/v1/rate-limit-settings/admin-notifications": {"notificationsEnabled": False},
    "PUT /api/v1/rate-limit-settings/per-client": {"defaultMode": "PREVIEW"},
    "PUT /api/v1/rate-limit-settings/warning-threshold": {"warningThreshold": 70},
    "POST /api/v1/threats/configuration": {"action": "audit", "excludeZones": []},
    "PUT /attack-protection/api/v1/authenticator-settings": {
        "verifyKnowledgeSecondWhen2faRequired": True
    },
    "PUT /attack-protection/api/v1/user-lockout-settings": {
        "preventBruteForceLockoutFromUnknownDevices": True
    },
    "POST /api/v1/authenticators": {"key": "google_otp", "name": "Google Authenticator"},
}
"""Bodies by method and bare path; ``*`` stands for every method. A function gets the driver and the
values of the path."""

QUERY: dict[str, dict[str, Any]] = {
    "GET /.well-known/app-authenticator-configuration": {"oauth_client_id": "x"},
    "POST /api/v1/users/{}/credentials/forgot_password": {"send_email": False},
    # The client cannot read the list that comes without it.
    "GET /api/v1/ssf/stream": {"stream_id": _stream_id},
    "GET /api/v1/ssf/stream/status": {"stream_id": _stream_id},
    "GET /api/v1/apps/{}/sso/saml/metadata": {
        "kid": lambda d, app: d.first(f"/api/v1/apps/{app}/credentials/keys", "kid")
    },
    "POST /api/v1/apps/{}/{}/oauth2/callback": {"code": "c", "state": "s"},
    "DELETE /api/v1/apps/{}/group-push/mappings/{}": {"delete_target_group": False},
    "GET /api/v1/policies": {"type": _POLICY_TYPE},
    "GET /api/v1/principal-rate-limits": {"filter": 'principalType eq "SSWS_TOKEN"'},
    "POST /api/v1/apps/{}/credentials/keys/generate": {"validity_years": 2},
    "POST /api/v1/idps/{}/credentials/keys/generate": {"validity_years": 2},
    "POST /api/v1/apps/{}/credentials/keys/{}/clone": {
        "target_aid": lambda d, *_: d.post("/api/v1/apps", GOOD["/api/v1/apps"])["id"]
    },
    "POST /api/v1/idps/{}/credentials/keys/{}/clone": {
        "target_idp_id": lambda d, *_: d.post(
            "/api/v1/idps", {**GOOD["/api/v1/idps"], "name": "n2"}
        )["id"]
    },
    "POST /api/v1/users/{}/lifecycle/reset_password": {"send_email": False},
}
"""Arguments that only some operations want."""

BOUGHT: Final = ("device_posture_checks", "federated_claims")
"""Features without which some operations are refused."""
