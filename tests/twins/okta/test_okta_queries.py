"""What lists offer besides paging: ``q``, ``search``, ``sortBy``, ``expand``; sizes of pages."""

import re
from typing import Any

import pytest

from .test_okta_defaults import BOOKMARK, refused


def names(answer: Any) -> list[str]:
    assert answer.status == 200, answer.body
    return [one.get("name") or one["profile"]["name"] for one in answer.data()]


def saml(label: str) -> dict[str, Any]:
    sign_on = {"ssoAcsUrl": "https://sp.example/acs", "audience": "urn:sp"}
    return {"label": label, "signOnMode": "SAML_2_0", "settings": {"signOn": sign_on}}


def test_q_looks_where_the_description_says(okta: Any) -> None:
    servers = "/api/v1/authorizationServers"
    for name, audience in (("Payments", "api://pay"), ("Ledger", "api://books")):
        okta(f"POST {servers}", {"name": name, "description": "d", "audiences": [audience]})
    assert names(okta(f"GET {servers}?q=MENT")) == ["Payments"]
    assert names(okta(f"GET {servers}?q=books")) == ["Ledger"]
    assert names(okta(f"GET {servers}/default/scopes?q=mail")) == ["email"]
    for name, origin in (("Shop", "https://shop.example"), ("Till", "https://till.example")):
        scopes = [{"type": "CORS"}]
        okta("POST /api/v1/trustedOrigins", {"name": name, "origin": origin, "scopes": scopes})
    assert names(okta("GET /api/v1/trustedOrigins?q=sh")) == ["Shop"]
    assert names(okta("GET /api/v1/trustedOrigins?q=https://till")) == ["Till"]
    okta("POST /api/v1/brands", {"name": "Northwind"})
    assert names(okta("GET /api/v1/brands?q=wind")) == ["Northwind"]


def test_assigned_groups_are_found_by_name(okta: Any) -> None:
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    for name in ("Red", "Green"):
        group = okta("POST /api/v1/groups", {"profile": {"name": name}}).data()["id"]
        assert okta(f"PUT /api/v1/apps/{app}/groups/{group}").status == 200
    found = okta(f"GET /api/v1/apps/{app}/groups?q=gr&expand=group").data()
    assert [one["_embedded"]["group"]["profile"]["name"] for one in found] == ["Green"]


def test_who_comes_by_a_group_is_a_user_of_the_application(okta: Any) -> None:
    app = okta("POST /api/v1/apps", BOOKMARK).data()["id"]
    ada, bob = okta.user("ada"), okta.user("bob")
    group = okta("POST /api/v1/groups", {"profile": {"name": "Red"}}).data()["id"]
    for user in (ada, bob):
        okta(f"PUT /api/v1/groups/{group}/users/{user}")
    okta(f"POST /api/v1/apps/{app}/users", {"id": ada, "scope": "USER"})
    assert okta(f"PUT /api/v1/apps/{app}/groups/{group}").status == 200
    path = f"/api/v1/apps/{app}/users"
    shown = okta(f"GET {path}").data()
    assert [(one["id"], one["scope"]) for one in shown] == [(ada, "USER"), (bob, "GROUP")]
    assert [len(page) for page in okta.pages(f"{path}?limit=1")] == [1, 1]
    one = okta(f"GET {path}/{bob}?expand=user").data()
    assert one["credentials"] == {"userName": "bob@test.example"}
    assert one["_embedded"]["user"]["id"] == bob
    assert okta(f"DELETE {path}/{bob}").status == 403
    changed = okta(f"POST {path}/{bob}", {"credentials": {"userName": "bobby"}}).data()
    assert changed["credentials"]["userName"] == "bobby"
    assert okta(f"DELETE /api/v1/groups/{group}/users/{ada}").status == 204
    assert okta(f"DELETE {path}/{ada}").status == 204
    assert okta(f"GET {path}/{ada}").status == 404


def test_policies_are_sorted_by_name(okta: Any) -> None:
    for name in ("Zeta", "alpha"):
        okta("POST /api/v1/policies", {"type": "OKTA_SIGN_ON", "name": name})
    path = "/api/v1/policies?type=OKTA_SIGN_ON"
    assert names(okta(f"GET {path}")) == ["Zeta", "alpha", "Default Policy"]
    assert names(okta(f"GET {path}&sortBy=name")) == ["alpha", "Default Policy", "Zeta"]


def test_brands_and_templates_embed(okta: Any) -> None:
    (brand,) = okta("GET /api/v1/brands?expand=themes,domains").data()
    assert len(brand["_embedded"]["themes"]) == 1
    assert brand["_embedded"]["domains"] == []
    path = f"/api/v1/brands/{brand['id']}/templates/email/Welcome"
    path = path.replace("Welcome", okta(f"GET /api/v1/brands/{brand['id']}/templates/email").data()
                        [0]["name"])  # fmt: skip
    assert okta(f"PUT {path}/settings", {"recipients": "ADMINS_ONLY"}).status in (200, 204)
    embedded = okta(f"GET {path}?expand=settings,customizationCount").data()["_embedded"]
    assert embedded["settings"]["recipients"] == "ADMINS_ONLY"
    assert embedded["customizationCount"] == 0


def test_owners_of_a_group_are_searched_by_type(okta: Any) -> None:
    groups = [okta("POST /api/v1/groups", {"profile": {"name": n}}).data()["id"] for n in "AB"]
    owners = f"/api/v1/groups/{groups[0]}/owners"
    okta(f"POST {owners}", {"id": okta.user("ada"), "type": "USER"})
    okta(f"POST {owners}", {"id": groups[1], "type": "GROUP"})
    found = okta(f"GET {owners}?search=type+eq+%22GROUP%22").data()
    assert [one["id"] for one in found] == [groups[1]]


def test_granted_scopes_are_embedded_on_request(okta: Any) -> None:
    client = {"grant_types": ["client_credentials"], "application_type": "service"}
    body = {"name": "oidc_client", "label": "x", "signOnMode": "OPENID_CONNECT",
            "settings": {"oauthClient": client}}  # fmt: skip
    app = okta("POST /api/v1/apps", body).data()["id"]
    grants = f"/api/v1/apps/{app}/grants"
    okta(f"POST {grants}", {"scopeId": "okta.users.read", "issuer": "https://twin.test"})
    (plain,) = okta(f"GET {grants}").data()
    (full,) = okta(f"GET {grants}?expand=scope").data()
    assert "_embedded" not in plain
    assert full["_embedded"] == {"scope": {"id": "okta.users.read"}}


@pytest.mark.parametrize(
    ("path", "size", "most"),
    [
        ("zones", 20, 200),
        ("trustedOrigins", 20, 200),
        ("logStreams", 20, 200),
        ("idps", 20, 200),
        ("brands", 20, 200),
        ("behaviors", 10, 200),
        ("mappings", 20, 200),
    ],
)
def test_pages_are_as_large_as_described(okta: Any, path: str, size: int, most: int) -> None:
    for query, wanted in (("", size), ("?limit=9999", most)):
        links = [v for k, v in okta(f"GET /api/v1/{path}{query}").headers if k == "link"]
        assert int(re.findall(r"limit=(\d+)", links[0])[0]) == wanted


def test_where_a_new_key_is(okta: Any) -> None:
    one, two = (okta("POST /api/v1/apps", saml(label)).data()["id"] for label in ("A", "B"))
    made = okta(f"POST /api/v1/apps/{one}/credentials/keys/generate?validityYears=2")
    kid = made.data()["kid"]
    assert made.header("location") == f"http://twin.test/api/v1/apps/{one}/credentials/keys/{kid}"
    copy = okta(f"POST /api/v1/apps/{one}/credentials/keys/{kid}/clone?targetAid={two}")
    assert copy.header("location") == f"http://twin.test/api/v1/apps/{two}/credentials/keys/{kid}"
    csr = okta(f"POST /api/v1/apps/{one}/credentials/csrs", {"subject": {"countryName": "US"}})
    assert okta("GET " + str(csr.header("location")).partition(".test")[2]).status == 200


# -- what rules and policies of authorization servers name has to be there


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"grantTypes": {"include": ["client-credentials"]}}, "conditions.grantTypes"),
        ({"scopes": {"include": ["nowhere"]}}, "conditions.scopes"),
        ({"people": {"groups": {"include": ["00gnobody"]}}}, "conditions"),
    ],
)
def test_rules_name_what_is_there(okta: Any, change: dict[str, Any], field: str) -> None:
    policies = "/api/v1/authorizationServers/default/policies"
    policy = okta(f"GET {policies}").data()[0]["id"]
    conditions = {
        "people": {"groups": {"include": ["EVERYONE"]}},
        "grantTypes": {"include": ["password"]},
        "scopes": {"include": ["openid"]},
        **change,
    }
    answer = okta(f"POST {policies}/{policy}/rules", {"name": "x", "conditions": conditions})
    assert refused(answer)[0] == field
    clients = {"clients": {"include": ["0oanobody"]}}
    body = {"name": "x", "description": "d", "conditions": clients}
    assert refused(okta(f"POST {policies}", body))[0] == "conditions.clients"
