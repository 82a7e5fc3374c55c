"""Organisations from two people to five thousand."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from factory_tui.universe import Request, Universe

from .conftest import Okta


def test_a_start_up_of_two_has_a_founder_and_somebody_who_reports_to_her(
    open_okta: Callable[..., Okta],
) -> None:
    okta = open_okta(seeds={"okta": "startup-2"})
    first, second = okta("GET /api/v1/users").data()
    assert first["profile"]["title"] == "Chief Executive Officer"
    assert second["profile"]["managerId"] == first["profile"]["login"]
    assert okta("GET /api/v1/users/me").data()["id"] == first["id"]


def test_an_enterprise_has_five_thousand_people_of_several_statuses(
    open_okta: Callable[..., Okta],
) -> None:
    okta = open_okta(seeds={"okta": "acme-5000"})
    users = [user for page in okta.pages("/api/v1/users?search=id+pr") for user in page]
    counts = Counter(user["status"] for user in users)
    assert sum(counts.values()) == len({user["id"] for user in users}) == 5000
    assert set(counts) == {"ACTIVE", "PROVISIONED", "SUSPENDED", "DEPROVISIONED"}
    listed = [user for page in okta.pages("/api/v1/users") for user in page]
    assert len(listed) == 5000 - counts["DEPROVISIONED"]
    boss = listed[0]["profile"]["login"]
    reports = okta.pages(f"/api/v1/users?search=profile.managerId+eq+%22{boss}%22")
    assert {user["profile"]["managerId"] for page in reports for user in page} == {boss}
    group = okta("GET /api/v1/groups?q=office-berlin").data()[0]
    members = [m for page in okta.pages(f"/api/v1/groups/{group['id']}/users") for m in page]
    assert {member["profile"]["city"] for member in members} == {"Berlin"}
    assert len(members) > 1000


def test_forks_of_the_enterprise_share_its_rows_and_not_their_changes(
    make_universe: Callable[..., Any],
) -> None:
    origin: Universe = make_universe("okta", seeds={"okta": "acme-5000"})
    okta = Okta(origin)
    forks = [origin.fork() for _ in range(300)]
    key = okta("GET /api/v1/users?limit=1").data()[0]["id"]
    sent = {"authorization": f"SSWS {okta.token}"}
    body = {"profile": {"title": "Changed"}}
    changed = forks[0].handle("okta", Request.build("POST", f"/api/v1/users/{key}", sent, body))
    assert changed.data()["profile"]["title"] == "Changed"
    seen = {
        fork.handle("okta", Request.build("GET", f"/api/v1/users/{key}", sent, b"")).data()[
            "profile"
        ]["title"]
        for fork in [origin, *forks[1:]]
    }
    assert seen == {"Chief Executive Officer"}
