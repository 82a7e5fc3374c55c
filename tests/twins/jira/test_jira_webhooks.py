"""Webhooks: who hears of what, signed and repeated as Atlassian does, under fault plans."""

import hmac
import json
from hashlib import sha256
from typing import Any

import pytest

from factory_tui.universe import EventFault, Reply
from tests.twins.jira.tours import Tour

HOOKS = "/rest/webhooks/1.0/webhook"
URL = "http://hooks.example/jira"


class Ear:
    """A receiver: takes what is due, in the order in which it leaves."""

    def __init__(self, site: Any) -> None:
        self.universe = site.universe
        self.status = 200

    def hear(self) -> list[tuple[dict[str, str], Any, str]]:
        """Headers, body and URL of every delivery that is due now."""
        heard: list[tuple[dict[str, str], Any, str]] = []
        while True:
            delivery = self.universe.outbox.take(self.universe.clock.now())
            if delivery is None:
                return heard
            sent = self.universe.prepare(delivery, 0)
            self.universe.settle(delivery, sent, Reply(self.status))
            body = json.loads(sent.body) if sent.body else None
            heard.append((dict(sent.headers), body, sent.url))
            self.raw = sent.body

    def kinds(self) -> list[str]:
        return [body["webhookEvent"] for _, body, _ in self.hear()]


@pytest.fixture
def t(site: Any) -> Tour:
    return Tour(site)


@pytest.fixture
def ear(site: Any) -> Ear:
    return Ear(site)


def hook(t: Tour, *events: str, **more: Any) -> str:
    body = {"name": "Ours", "url": URL, "events": list(events), **more}
    return str(t(f"POST {HOOKS}", body, 201)["self"].rpartition("/")[2])


def test_what_happens_to_an_issue_is_told(t: Tour, ear: Ear) -> None:
    hook(t, "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created")
    key = t.issue("Printer")
    (headers, body, url), *more = ear.hear()
    assert (url, more) == (URL, [])
    assert body["webhookEvent"] == "jira:issue_created"
    assert body["issue_event_type_name"] == "issue_created"
    assert body["issue"]["fields"]["summary"] == "Printer"
    assert body["user"]["accountId"] == t.me
    assert headers["x-atlassian-webhook-identifier"]
    assert "x-hub-signature" not in headers
    t(f"PUT /issue/{key}", {"fields": {"summary": "Scanner"}}, 204)
    ((_, body, _),) = ear.hear()
    assert body["issue_event_type_name"] == "issue_updated"
    (item,) = body["changelog"]["items"]
    assert (item["field"], item["fromString"], item["toString"]) == (
        "summary",
        "Printer",
        "Scanner",
    )
    t(f"POST /rest/api/2/issue/{key}/comment", {"body": "hi"}, 201)
    (_, comment, _), (_, update, _) = ear.hear()
    assert (comment["webhookEvent"], comment["comment"]["body"]) == ("comment_created", "hi")
    assert update["issue_event_type_name"] == "issue_commented"
    t(f"DELETE /issue/{key}", None, 204)
    assert ear.kinds() == ["jira:issue_deleted"]


def test_everything_else_that_is_told(t: Tour, ear: Ear) -> None:
    kinds = [
        *("worklog_created", "worklog_updated", "worklog_deleted", "issuelink_created"),
        *("issuelink_deleted", "project_created", "project_updated", "project_soft_deleted"),
        *("jira:version_created", "jira:version_released", "jira:version_deleted"),
        *("sprint_created", "sprint_started", "sprint_closed", "sprint_deleted", "board_created"),
        *("board_deleted", "user_created", "user_deleted", "attachment_created"),
        *("attachment_deleted", "issue_property_set", "issue_property_deleted"),
    ]
    hook(t, *kinds)
    one, two = t.issue(), t.issue()
    log = t(f"POST /issue/{one}/worklog", {"timeSpent": "1h"}, 201)["id"]
    t(f"PUT /issue/{one}/worklog/{log}", {"timeSpent": "2h"})
    t(f"DELETE /issue/{one}/worklog/{log}", None, 204)
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": one}, "outwardIssue": {"key": two}}
    t("POST /issueLink", link, 201)
    key = t(f"GET /issue/{one}")["fields"]["issuelinks"][0]["id"]
    t(f"DELETE /issueLink/{key}")
    t("POST /project", {"key": "NEW", "name": "New", "leadAccountId": t.me}, 201)
    t("PUT /project/NEW", {"name": "Newer"})
    t("DELETE /project/NEW", None, 204)
    version = t("POST /version", {"name": "1", "projectId": 10000}, 201)["id"]
    t(f"PUT /version/{version}", {"released": True})
    t(f"DELETE /version/{version}", None, 204)
    search = t("POST /filter", {"name": "F", "jql": "project = IT"})["id"]
    a = "/rest/agile/1.0"
    board = t(f"POST {a}/board", {"name": "B", "type": "scrum", "filterId": int(search)}, 201)["id"]
    dates = {"startDate": "2026-03-02T09:00:00Z", "endDate": "2026-03-16T09:00:00Z"}
    sprint = t(f"POST {a}/sprint", {"name": "S", "originBoardId": board, **dates}, 201)["id"]
    t(f"POST {a}/sprint/{sprint}", {"state": "active"})
    t(f"POST {a}/sprint/{sprint}", {"state": "closed"})
    t(f"DELETE {a}/sprint/{sprint}", None, 204)
    t(f"DELETE {a}/board/{board}", None, 204)
    new = t("POST /user", {"emailAddress": "n@acme.example", "products": []}, 201)["accountId"]
    t(f"DELETE /user?accountId={new}", None, 204)
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhi\r\n--b--'
    )
    kind: Any = {"content_type": "multipart/form-data; boundary=b", "x_atlassian_token": "no-check"}
    file = t(f"POST /issue/{one}/attachments", form, **kind)[0]["id"]
    t(f"DELETE /attachment/{file}", None, 204)
    t.properties(f"/issue/{one}/properties")
    heard = ear.kinds()
    assert set(heard) == set(kinds)
    assert [heard.count(k) for k in ("sprint_created", "issue_property_set")] == [1, 2]


def test_only_issues_of_the_filter_and_fields_asked_for(t: Tour, ear: Ear) -> None:
    jql = {"issue-related-events-section": "project = IT AND labels = hw"}
    hook(t, "jira:issue_created", filters=jql)
    t.issue("no")
    t.issue("yes", labels=["hw"])
    ((_, body, _),) = ear.hear()
    assert body["issue"]["fields"]["summary"] == "yes"
    t(f"POST {HOOKS}", {"name": "x", "url": URL, "filters": {
        "issue-related-events-section": "colour = red"}}, 400)  # fmt: skip
    t(f"POST {HOOKS}", {"name": "x", "url": URL, "events": ["nothing"]}, 400)


def test_signature_variables_and_no_body(t: Tour, ear: Ear, site: Any) -> None:
    where = "http://hooks.example/${project.key}/${issue.key}"
    hook(t, "jira:issue_created", url=where, secret="s3cret")
    key = t.issue()
    ((headers, _, url),) = ear.hear()
    assert url == f"http://hooks.example/IT/{key}"
    digest = hmac.new(b"s3cret", ear.raw, sha256).hexdigest()
    assert headers["x-hub-signature"] == f"sha256={digest}"
    site.universe.faults.events.add(EventFault("jira", missign=True))
    t.issue()
    ((headers, _, _),) = ear.hear()
    digest = hmac.new(b"s3cret", ear.raw, sha256).hexdigest()
    assert headers["x-hub-signature"] != f"sha256={digest}"
    number = hook(t, "jira:issue_updated", excludeBody=True)
    t(f"PUT /issue/{key}", {"fields": {"summary": "z"}}, 204)
    ((_, body, _),) = ear.hear()
    assert body is None
    t(f"PUT {HOOKS}/{number}", {"enabled": False})
    t(f"PUT /issue/{key}", {"fields": {"summary": "q"}}, 204)
    assert ear.hear() == []
    t(f"DELETE {HOOKS}/{number}", None, 204)
    t(f"GET {HOOKS}/{number}", None, 404)


def test_what_fails_is_repeated_five_times_and_then_listed(t: Tour, ear: Ear, site: Any) -> None:
    wanted = {"events": ["jira:issue_created"], "jqlFilter": "project = IT"}
    answer = t("POST /webhook", {"url": URL, "webhooks": [wanted, wanted]})
    assert [r["createdWebhookId"] for r in answer["webhookRegistrationResult"]] == [1, 2]
    t.issue()
    ear.status = 503
    heard = ear.hear()
    for _ in range(5):
        site.universe.clock.advance(900)
        heard += ear.hear()
    assert len(heard) == 6
    assert len({headers["x-atlassian-webhook-identifier"] for headers, _, _ in heard}) == 1
    retries = [headers.get("x-atlassian-webhook-retry") for headers, _, _ in heard]
    assert retries == [None, "1", "2", "3", "4", "5"]
    assert heard[0][1]["matchedWebhookIds"] == [1, 2]
    (failed,) = t("GET /webhook/failed")["values"]
    assert json.loads(failed["body"])["webhookEvent"] == "jira:issue_created"
    ear.status = 404
    t.issue()
    assert len(ear.hear()) == 1
    site.universe.clock.advance(4000)
    assert ear.hear() == []


def test_dynamic_webhooks_expire_and_belong_to_an_app(t: Tour, ear: Ear, site: Any) -> None:
    wanted = {"events": ["jira:issue_created"], "jqlFilter": "project = IT"}
    t("POST /webhook", {"url": URL, "webhooks": [wanted]})
    site.universe.clock.advance(29 * 86400)
    t("PUT /webhook/refresh", {"webhookIds": [1]})
    site.universe.clock.advance(29 * 86400)
    t.issue()
    assert ear.kinds() == ["jira:issue_created"]
    site.universe.clock.advance(2 * 86400)
    t.issue()
    assert ear.hear() == []
    assert t("GET /webhook")["total"] == 0
    bad = {"events": ["sprint_created"], "jqlFilter": "summary ~ x"}
    (result,) = t("POST /webhook", {"url": URL, "webhooks": [bad]})["webhookRegistrationResult"]
    assert len(result["errors"]) == 2


def test_plans_delay_drop_and_duplicate(t: Tour, ear: Ear, site: Any) -> None:
    hook(t, "jira:issue_created")
    plan = site.universe.faults.events
    plan.add(EventFault("jira", nth=1, drop=True))
    plan.add(EventFault("jira", nth=2, delay=60.0))
    plan.add(EventFault("jira", nth=3, duplicate=1))
    for n in range(3):
        t.issue(str(n))
    names = [body["issue"]["fields"]["summary"] for _, body, _ in ear.hear()]
    assert names == ["2", "2"]
    site.universe.clock.advance(61)
    names = [body["issue"]["fields"]["summary"] for _, body, _ in ear.hear()]
    assert names == ["1"]


def test_only_administrators_set_up_webhooks(make_site: Any) -> None:
    site = make_site()
    rows = site.universe.twins["jira"]["users"]
    bot = next(row for row in rows.rows() if row["admin"])
    rows.put(bot["id"], {**bot, "admin": False, "app": False})
    t = Tour(site)
    refused = t(f"GET {HOOKS}", None, 403)
    assert "permission" in refused["errorMessages"][0]
    t("GET /webhook", None, 403)
