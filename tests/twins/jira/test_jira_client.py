"""The official ``jira`` client, unmodified, over real sockets, on Cloud and Data Center."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jira import JIRA
from jira.exceptions import JIRAError

from factory_tui.universe import Universe

Make = Callable[..., Universe]
Serve = Callable[[Universe, str], Awaitable[str]]


@pytest.fixture(params=["acme-12", "acme-it-dc"], ids=["cloud", "data-center"])
def universe(request: pytest.FixtureRequest, make_universe: Make) -> Universe:
    return make_universe("jira", seeds={"jira": request.param})


async def _run(universe: Universe, served: Serve, work: Callable[[JIRA], None]) -> None:
    env = universe.env("jira", await served(universe, "jira"))

    def connect() -> None:
        account = (env["JIRA_EMAIL"], env["JIRA_TOKEN"])
        work(JIRA(server=env["JIRA_URL"], basic_auth=account, max_retries=0))

    await asyncio.to_thread(connect)
    assert universe.crashes == []
    assert universe.gaps == []


async def test_a_ticket_from_creation_to_done(universe: Universe, served: Serve) -> None:
    def work(client: JIRA) -> None:
        assert [project.key for project in client.projects()] == ["IT"]
        assert client.project("IT").name == "IT help desk"
        made: Any = client.create_issue(
            project="IT",
            summary="Place ada@acme.example",
            description="Not found in Slack.\n\nPlease help.",
            issuetype={"name": "Task"},
            labels=["rollcall"],
        )
        assert made.key == "IT-1"
        assert made.fields.status.name == "To Do"
        assert made.fields.description == "Not found in Slack.\n\nPlease help."
        query = 'project = IT AND summary ~ "ada@acme.example" AND status != Done'
        assert [issue.key for issue in client.search_issues(query)] == ["IT-1"]
        client.add_comment(made, "Looking into it")
        assert [comment.body for comment in client.comments(made)] == ["Looking into it"]
        assert [step["name"] for step in client.transitions(made)] == ["In Progress"]
        client.transition_issue(made, "In Progress")
        client.transition_issue(made, "Done", comment="Found")
        made = client.issue("IT-1", expand="changelog")
        assert (made.fields.status.name, made.fields.resolution.name) == ("Done", "Done")
        assert len(made.changelog.histories) == 2
        assert client.search_issues(query) == []
        made.update(fields={"summary": "Placed", "labels": ["x"]})
        assert (made.fields.summary, made.fields.labels) == ("Placed", ["x"])
        me = client.myself()
        client.assign_issue(made, me["emailAddress"] if client._is_cloud else me["name"])
        assigned: Any = client.issue("IT-1")
        assert assigned.fields.assignee.displayName == "Acme Automation"
        made.delete()

    await _run(universe, served, work)
    assert universe.view("jira")["issues"] == []


async def test_pages_of_a_search(universe: Universe, served: Serve) -> None:
    for number in range(7):
        universe.apply("jira", "add_issues", {"project": "IT", "summary": f"Ticket {number}"})

    def work(client: JIRA) -> None:
        client._options["default_batch_size"] = {type: 3}
        found = client.search_issues(
            "project = IT ORDER BY key", maxResults=False, fields="summary"
        )
        assert [issue.key for issue in found] == [f"IT-{n}" for n in range(1, 8)]

    await _run(universe, served, work)


async def test_mistakes_are_refused_in_jira_s_words(universe: Universe, served: Serve) -> None:
    def work(client: JIRA) -> None:
        def error(call: Callable[[], Any]) -> tuple[int | None, str | None]:
            with pytest.raises(JIRAError) as caught:
                call()
            return caught.value.status_code, caught.value.text

        missing = "Issue Does Not Exist"
        if client._is_cloud:
            missing = "Issue does not exist or you do not have permission to see it."
        assert error(lambda: client.issue("IT-404")) == (404, missing)
        assert error(lambda: client.project("NOPE"))[0] == 404
        assert error(lambda: client.search_issues("colour = red")) == (
            400,
            "Field 'colour' does not exist or you do not have permission to view it.",
        )
        fields = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}}
        assert error(lambda: client.create_issue(fields=fields)) == (
            400,
            "You must specify a summary of the issue.",
        )
        made = client.create_issue(fields={**fields, "summary": "x"})
        assert error(lambda: client.transition_issue(made, "31")) == (
            400,
            "Transition id '31' is not valid for this issue.",
        )

    await _run(universe, served, work)


async def test_who_may_not_come_in(universe: Universe, served: Serve) -> None:
    url = await served(universe, "jira")

    def work() -> None:
        with pytest.raises(JIRAError) as caught:
            JIRA(server=url, basic_auth=("automation@acme.example", "wrong"), max_retries=0)
        assert caught.value.status_code == 401
        nobody = JIRA(server=url, max_retries=0)
        with pytest.raises(JIRAError) as caught:
            nobody.projects()
        assert caught.value.status_code == 401
        bearer = JIRA(server=url, token_auth=universe.env("jira", url)["JIRA_TOKEN"], max_retries=0)
        assert bearer.myself()["displayName"] == "Acme Automation"

    await asyncio.to_thread(work)
