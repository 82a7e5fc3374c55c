"""Roles, user types, linked object definitions and the organisation's settings."""

from typing import Any

import pytest


def code(answer: Any) -> tuple[int, str]:
    return answer.status, answer.data()["errorCode"]


@pytest.fixture
def holders(okta: Any) -> dict[str, str]:
    """Paths of the roles of a user and of a group."""
    group = okta("GET /api/v1/groups?q=it").data()[0]["id"]
    return {"USER": f"/api/v1/users/{okta.user('ada')}", "GROUP": f"/api/v1/groups/{group}"}


@pytest.mark.parametrize("kind", ["USER", "GROUP"])
def test_roles_and_their_targets(okta: Any, holders: dict[str, str], kind: str) -> None:
    path = holders[kind] + "/roles"
    role = okta(f"POST {path}", {"type": "USER_ADMIN"})
    assert role.status == 201
    assert role.data()["id"] == "KVJUKUS7IFCE2SKO"
    assert role.data()["label"] == "User Administrator"
    assert role.data()["assignmentType"] == kind
    assert code(okta(f"POST {path}", {"type": "USER_ADMIN"})) == (409, "E0000090")
    assert code(okta(f"POST {path}", {"type": "KING"})) == (400, "E0000001")
    other = okta(f"POST {path}", {"type": "APP_ADMIN"}).data()
    assert [one["type"] for one in okta(f"GET {path}").data()] == ["USER_ADMIN", "APP_ADMIN"]
    assert okta(f"GET {path}/{other['id']}").data() == other
    groups = [group["id"] for group in okta("GET /api/v1/groups?q=eng").data()]
    targets = f"{path}/KVJUKUS7IFCE2SKO/targets/groups"
    for group in [*groups, groups[0]]:
        assert okta(f"PUT {targets}/{group}").status == 204
    pages = okta.pages(targets + "?limit=1")
    assert [[group["id"] for group in page] for page in pages] == [[groups[0]], [groups[1]]]
    refused = okta(f"PUT {path}/{other['id']}/targets/groups/{groups[0]}")
    assert code(refused) == (403, "E0000091")
    assert okta(f"DELETE {targets}/{groups[0]}").status == 204
    assert okta(f"DELETE {targets}/{groups[0]}").status == 404
    assert okta(f"DELETE {path}/{other['id']}").status == 204
    assert code(okta(f"GET {path}/{other['id']}")) == (404, "E0000007")
    okta(f"DELETE /api/v1/groups/{groups[1]}")
    assert okta(f"GET {targets}").data() == []


def test_a_deleted_user_has_no_roles(okta: Any, holders: dict[str, str]) -> None:
    okta(f"POST {holders['USER']}/roles", {"type": "SUPER_ADMIN"})
    assert len(okta.universe.twins["okta"]["roles"]) == 1
    for _ in range(2):
        okta(f"DELETE {holders['USER']}")
    assert len(okta.universe.twins["okta"]["roles"]) == 0


def test_user_types(okta: Any) -> None:
    types = "/api/v1/meta/types/user"
    body = {"name": "contractor", "displayName": "Contractor", "description": "external"}
    made = okta(f"POST {types}", body)
    assert made.status == 200
    kind = made.data()
    assert list(kind) == [
        "id", "displayName", "name", "description", "createdBy", "lastUpdatedBy", "created",
        "lastUpdated", "default", "_links",
    ]  # fmt: skip
    assert code(okta(f"POST {types}", body)) == (400, "E0000001")
    assert [row["name"] for row in okta(f"GET {types}").data()] == ["user", "contractor"]
    assert okta(f"GET {types}/default").data()["default"] is True
    updated = okta(f"POST {types}/{kind['id']}", {"displayName": "External"}).data()
    assert (updated["displayName"], updated["description"]) == ("External", "external")
    replaced = okta(f"PUT {types}/{kind['id']}", {"name": "contractor", "displayName": "X"})
    assert replaced.data()["description"] is None
    renamed = okta(f"PUT {types}/{kind['id']}", {"name": "other", "displayName": "X"})
    assert code(renamed) == (400, "E0000001")
    profile = {"firstName": "A", "lastName": "B", "login": "a@b.co", "email": "a@b.co"}
    user = okta("POST /api/v1/users", {"profile": profile, "type": {"id": kind["id"]}}).data()
    assert user["type"] == {"id": kind["id"]}
    assert code(okta(f"DELETE {types}/{kind['id']}")) == (400, "E0000001")
    for _ in range(2):
        okta(f"DELETE /api/v1/users/{user['id']}")
    assert okta(f"DELETE {types}/{kind['id']}").status == 204
    assert code(okta(f"GET {types}/{kind['id']}")) == (404, "E0000007")
    assert code(okta(f"DELETE {types}/default")) == (400, "E0000001")
    unknown = okta("POST /api/v1/users", {"profile": profile, "type": {"id": "otynone"}})
    assert code(unknown) == (400, "E0000001")


def test_linked_object_definitions(okta: Any) -> None:
    linked = "/api/v1/meta/schemas/user/linkedObjects"
    body = {
        "primary": {"name": "manager", "title": "Manager", "type": "USER"},
        "associated": {"name": "report", "title": "Report", "type": "USER"},
    }
    assert okta(f"POST {linked}", body).status == 201
    assert code(okta(f"POST {linked}", body)) == (400, "E0000001")
    for name in ("manager", "report"):
        assert okta(f"GET {linked}/{name}").data()["primary"]["title"] == "Manager"
    assert len(okta(f"GET {linked}").data()) == 1
    assert okta(f"DELETE {linked}/report").status == 204
    missing = okta(f"GET {linked}/manager")
    assert missing.data()["errorSummary"] == (
        "Not found: Resource not found: manager (LinkedObjectProperty)"
    )


def test_settings_of_the_org(okta: Any) -> None:
    org = "/api/v1/org"
    kinds = [row["contactType"] for row in okta(f"GET {org}/contacts").data()]
    assert kinds == ["BILLING", "TECHNICAL"]
    user = okta.user("ada")
    assert okta(f"PUT {org}/contacts/billing", {"userId": user}).data()["userId"] == user
    assert okta(f"GET {org}/contacts/BILLING").data()["userId"] == user
    assert code(okta(f"PUT {org}/contacts/billing", {"userId": "x"})) == (404, "E0000007")
    assert code(okta(f"GET {org}/contacts/legal")) == (404, "E0000007")
    hidden = okta(f"POST {org}/preferences/hideEndUserFooter").data()
    assert hidden["showEndUserFooter"] is False
    assert list(hidden["_links"]) == ["showEndUserFooter"]
    assert okta(f"GET {org}/preferences").data() == hidden
    out = okta(f"POST {org}/privacy/oktaCommunication/optOut").data()
    assert (out["optOutEmailUsers"], list(out["_links"])) == (True, ["optIn"])
    assert okta(f"GET {org}/privacy/oktaCommunication").data() == out
    granted = okta(f"POST {org}/privacy/oktaSupport/grant").data()
    assert granted["expiration"] == "2026-03-02T17:00:00.000Z"
    extended = okta(f"POST {org}/privacy/oktaSupport/extend").data()
    assert extended["expiration"] == "2026-03-03T17:00:00.000Z"
    revoked = okta(f"POST {org}/privacy/oktaSupport/revoke").data()
    assert (revoked["support"], list(revoked["_links"])) == ("DISABLED", ["grant"])
    assert okta(f"GET {org}/privacy/oktaSupport").data() == revoked
