"""Worklogs, links, attachments, components, versions, properties and filters."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jira import JIRA

from factory_tui.universe import Universe

Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.mark.parametrize("seed", ["acme-12", "acme-it-dc"])
async def test_the_client_reaches_what_hangs_on_issues(
    make_universe: Callable[..., Universe], served: Serve, seed: str
) -> None:
    universe = make_universe("jira", seeds={"jira": seed})
    env = universe.env("jira", await served(universe, "jira"))

    def work() -> None:
        account = (env["JIRA_EMAIL"], env["JIRA_TOKEN"])
        client: Any = JIRA(server=env["JIRA_URL"], basic_auth=account, max_retries=0)
        one = client.create_issue(project="IT", summary="One", issuetype="Task")
        two = client.create_issue(project="IT", summary="Two", issuetype="Bug")
        client.create_issue_link("Blocks", inwardIssue=one.key, outwardIssue=two.key)
        link = client.issue(one.key).fields.issuelinks[0]
        assert (link.type.name, link.outwardIssue.key) == ("Blocks", two.key)
        assert client.issue(two.key).fields.issuelinks[0].inwardIssue.key == one.key
        client.issue_link(link.id).delete()
        assert client.issue(one.key).fields.issuelinks == []

        client.add_worklog(one, timeSpent="1d 2h", comment="digging")
        assert client.worklogs(one)[0].timeSpentSeconds == 10 * 3600
        assert client.issue(one.key).fields.timespent == 36000

        sent = client.add_attachment(issue=one, attachment=io.BytesIO(b"a,b\n"), filename="x.csv")
        assert (sent.filename, sent.size, sent.get()) == ("x.csv", 4, b"a,b\n")
        sent.delete()
        assert client.issue(one.key).fields.attachment == []

        part = client.create_component("Network", "IT", description="cables")
        release = client.create_version("1.0", "IT", releaseDate="2026-04-01")
        fields = {"components": [{"name": "Network"}], "fixVersions": [{"name": "1.0"}]}
        one.update(fields=fields)
        found = client.search_issues("component = Network AND fixVersion in unreleasedVersions()")
        assert [issue.key for issue in found] == [one.key]
        release.update(released=True)
        assert client.project_versions("IT")[0].released is True
        part.delete()
        assert client.issue(one.key).fields.components == []

        client.add_remote_link(one.id, {"url": "https://x.example", "title": "X"})
        assert client.remote_links(one)[0].object.title == "X"
        client.add_issue_property(one, "sync", {"state": "ok"})
        assert client.issue_property(one, "sync").value.state == "ok"
        client.create_filter(name="Open", jql="resolution is EMPTY", favourite=True)
        assert [f.name for f in client.favourite_filters()] == ["Open"]

    await asyncio.to_thread(work)
    assert universe.crashes == []
    assert universe.gaps == []


def test_attaching_needs_the_header(site: Any) -> None:
    key = site.create()
    kind = {"content-type": "multipart/form-data; boundary=b"}
    refused = site.raw(f"POST /issue/{key}/attachments", {}, **kind)
    assert (refused.status, refused.data()["errorMessages"]) == (403, ["XSRF check failed"])
    empty = site.raw(
        f"POST /issue/{key}/attachments", {}, **kind | {"x-atlassian-token": "no-check"}
    )
    assert empty.status == 400


def test_time_that_is_no_time(site: Any) -> None:
    key = site.create(timetracking={"originalEstimate": "2d"})
    refused = site(f"POST /issue/{key}/worklog", {"timeSpent": "soon"}, status=400)
    assert refused["errors"] == {"timeLogged": "Invalid time duration entered."}
    missing = site(f"POST /issue/{key}/worklog", {}, status=400)
    assert "timeLogged" in missing["errors"]
    site(f"POST /issue/{key}/worklog", {"timeSpentSeconds": 3600})
    tracking = site(f"GET /issue/{key}")["fields"]["timetracking"]
    assert tracking["remainingEstimate"] == "1d 7h"


def test_links_need_two_issues(site: Any) -> None:
    key = site.create()
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": key}}
    itself = site("POST /issueLink", body, status=400)
    assert itself["errorMessages"] == ["You cannot link an issue to itself."]
    wrong = site("POST /issueLink", body | {"type": {"name": "Loves"}}, status=404)
    assert "Loves" in wrong["errorMessages"][0]
    assert site.raw("POST /issueLink", {"type": {"name": "Blocks"}}).status == 400
