"""The official ``jira`` client over what it offers besides issues, on Cloud and Data Center."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from jira import JIRA
from jira.exceptions import JIRAError

from factory_tui.universe import Universe

Serve = Callable[[Universe, str], Awaitable[str]]
Work = Callable[[Any], None]


@pytest.fixture(params=["acme-12", "acme-it-dc"], ids=["cloud", "data-center"])
def universe(request: pytest.FixtureRequest, make_universe: Callable[..., Universe]) -> Universe:
    return make_universe("jira", seeds={"jira": request.param})


async def _run(universe: Universe, served: Serve, work: Work, **options: Any) -> None:
    env = universe.env("jira", await served(universe, "jira"))

    def connect() -> None:
        account = (env["JIRA_EMAIL"], env["JIRA_TOKEN"])
        work(JIRA(server=env["JIRA_URL"], basic_auth=account, max_retries=0, options=options))

    await asyncio.to_thread(connect)
    assert universe.crashes == []
    assert universe.gaps == []


def _error(call: Callable[[], Any]) -> int | None:
    with pytest.raises(JIRAError) as caught:
        call()
    return caught.value.status_code


async def test_boards_and_sprints(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        issues = [
            client.create_issue(project="IT", summary=f"Issue {n}", issuetype="Task")
            for n in range(3)
        ]
        epic = client.create_issue(project="IT", summary="Epic", issuetype="Epic")
        search = client.create_filter("IT board", jql="project = IT ORDER BY Rank")
        board = client.create_board("IT board", search.id, location_type="project",
                                    location_id="IT")  # fmt: skip
        assert [found.id for found in client.boards(projectKeyOrID="IT")] == [board.id]
        dates = {"startDate": "2026-03-02T09:00:00.000Z", "endDate": "2026-03-16T09:00:00.000Z"}
        sprint = client.create_sprint("Sprint 1", board.id, goal="Ship", **dates)
        assert (sprint.state, sprint.name) == ("future", "Sprint 1")
        client.add_issues_to_sprint(sprint.id, [issues[0].key, issues[1].key])
        started = client.update_sprint(sprint.id, name="Sprint 1", state="active", **dates)
        assert started["state"] == "active"
        assert [found.state for found in client.sprints(board.id, state="active")] == ["active"]
        assert list(client.sprints_by_name(board.id)) == ["Sprint 1"]
        assert client.sprint(sprint.id).name == client.sprint_info(board.id, sprint.id)["name"]
        found = client.search_issues("sprint in openSprints() ORDER BY Rank")
        assert [issue.key for issue in found] == [issues[0].key, issues[1].key]
        client.rank(issues[1].key, next_issue=issues[0].key)
        found = client.search_issues("sprint in openSprints() ORDER BY Rank")
        assert [issue.key for issue in found] == [issues[1].key, issues[0].key]
        client.add_issues_to_epic(epic.id, [issues[2].key])
        found = client.search_issues(f'"Epic Link" = {epic.key}')
        assert [issue.key for issue in found] == [issues[2].key]
        client.move_to_backlog([issues[0].key])
        assert len(client.search_issues("sprint in openSprints()")) == 1
        closed = client.update_sprint(sprint.id, name="Sprint 1", state="closed")
        assert closed["state"] == "closed"
        assert _error(lambda: client.update_sprint(sprint.id, state="active")) == 400
        sprint.delete()
        assert _error(lambda: client.sprint(sprint.id)) == 404
        board.delete()
        assert client.boards() == []

    await _run(universe, served, work)


async def test_reports_of_the_old_agile_api(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        search = client.create_filter("IT board", jql="project = IT ORDER BY Rank")
        assert client._session.get(client.server_url + "/rest/greenhopper/1.0/rapidview").ok
        url = client.server_url + "/rest/agile/1.0"
        made = client._session.post(
            f"{url}/board", json={"name": "b", "type": "scrum", "filterId": int(search.id)}
        ).json()
        sprint = client._session.post(
            f"{url}/sprint", json={"name": "s", "originBoardId": made["id"]}
        ).json()
        issue = client.create_issue(project="IT", summary="x", issuetype="Task")
        issue.update(fields={"customfield_10020": sprint["id"], "customfield_10028": 3})
        points = client.incompletedIssuesEstimateSum(made["id"], sprint["id"])
        assert points == 3
        assert client.removed_issues(made["id"], sprint["id"]) == []
        client._options["agile_rest_path"] = "greenhopper"

    await _run(universe, served, work, agile_rest_path="greenhopper")


async def test_projects_and_their_parts(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        client.create_project("OPS", name="Operations", assignee=_me(client), issueSecurityScheme=0)
        assert sorted(project.key for project in client.projects()) == ["IT", "OPS"]
        assert client.project("OPS").lead.displayName == "Acme Automation"
        one = client.create_version("1.0", "OPS", description="first")
        two = client.create_version("2.0", "OPS")
        client.move_version(two.id, position="First")
        assert [version.name for version in client.project_versions("OPS")] == ["2.0", "1.0"]
        assert client.get_project_version_by_name("OPS", "1.0").id == one.id
        client.rename_version("OPS", "2.0", "2.1")
        counts = client.version_count_related_issues(one.id)
        assert counts["issuesFixedCount"] == 0
        assert client.version_count_unresolved_issues(one.id) == 0
        part = client.create_component("Network", "OPS", description="cables",
                                       leadUserName=_me(client))  # fmt: skip
        assert client.component(part.id).name == "Network"
        assert client.component_count_related_issues(part.id) == 0
        part.update(name="Wires")
        assert [found.name for found in client.project_components("OPS")] == ["Wires"]
        part.delete()
        roles = client.project_roles("OPS")
        role = client.project_role("OPS", roles["Administrators"]["id"])
        role.add_user(users=_me(client), groups=["jira-software-users"])
        role = client.project_role("OPS", roles["Administrators"]["id"])
        assert len(role.actors) == 2
        assert {found["name"] for found in client.role()} == {"Administrators", "Developers"}
        assert client.project_avatars("OPS")["custom"] == []
        client.set_project_avatar("OPS", "10325")
        assert client.projectcategories() == []
        assert client.permissionschemes()[0]["name"] == "Default Permission Scheme"
        assert client.notificationschemes()[0]["id"] == 10000
        assert client.avatars("project")
        assert client.templates()["Scrum"]["projectTypeKey"] == "software"
        client.delete_project("OPS", enable_undo=False)
        assert _error(lambda: client.project("OPS")) == 404

    await _run(universe, served, work)


def _me(client: Any) -> str:
    me = client.myself()
    return str(me["accountId"] if client._is_cloud else me["name"])


async def test_people_and_groups(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        client.add_group("night-shift")
        assert "night-shift" in client.groups()
        client.add_user("nia.new", "nia.new@acme.example", fullname="Nia New", notify=False,
                        password="x")  # fmt: skip
        name = {"query": "nia.new"} if client._is_cloud else {"user": "nia.new"}
        (new,) = client.search_users(**name)
        who = new.accountId if client._is_cloud else new.name
        assert client.user(who).displayName == new.displayName
        if client._is_cloud:
            # The client names people by their names, which Cloud does not know.
            assert _error(lambda: client.add_user_to_group(who, "night-shift")) == 400
        else:
            client.add_user_to_group(who, "night-shift")
            assert who in client.group_members("night-shift")
            assert client.remove_user_from_group(who, "night-shift")
        client.remove_group("night-shift")
        assert "night-shift" not in client.groups()
        found = client.search_assignable_users_for_issues(project="IT", query="nia.new",
                                                          username="nia.new")  # fmt: skip
        assert len(found) == 1
        found = client.search_assignable_users_for_projects(
            "nia.new", projectKeys="IT"
        ) if not client._is_cloud else found  # fmt: skip
        assert len(found) == 1
        issue = client.create_issue(project="IT", summary="x", issuetype="Task")
        seen = client.search_allowed_users_for_issue("nia.new", issueKey=issue.key)
        assert len(seen) == 1
        client.assign_issue(issue, who)
        client.add_watcher(issue, who)
        assert client.watchers(issue).watchCount == 2
        client.remove_watcher(issue, who)
        assert client.watchers(issue).watchCount == 1
        assert client.votes(issue).votes == 0
        if not client._is_cloud:
            client.rename_user("nia.new", "nia.newer")
            assert client.user("nia.newer").displayName == new.displayName
            assert client.delete_user("nia.newer")
            assert _error(lambda: client.user("nia.newer")) == 404

    await _run(universe, served, work)


async def test_what_hangs_on_issues(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        one = client.create_issue(project="IT", summary="One", issuetype="Task")
        two = client.create_issue(project="IT", summary="Two", issuetype="Bug")
        comment = client.add_comment(one, "first")
        comment.update(body="second")
        assert client.comment(one, comment.id).body == "second"
        client.pin_comment(one, comment.id, True)
        assert [pin.comment.body for pin in client.pinned_comments(one)] == ["second"]
        comment.delete()
        log = client.add_worklog(one, timeSpent="1h")
        log.update(timeSpent="2h")
        assert client.worklog(one, log.id).timeSpentSeconds == 7200
        log.delete()
        assert client.worklogs(one) == []
        file = client.add_attachment(one, attachment=io.BytesIO(b"abc"), filename="a.txt")
        assert client.attachment(file.id).get() == b"abc"
        assert b"".join(client.attachment(file.id).iter_content()) == b"abc"
        assert client.attachment_meta()["enabled"] is True
        client.delete_attachment(file.id)
        client.create_issue_link("Blocks", one.key, two.key)
        link = client.issue(one.key).fields.issuelinks[0]
        client.delete_issue_link(link.id)
        assert client.issue_link_type("10000").name == "Blocks"
        remote = client.add_simple_link(one, {"url": "https://x.example", "title": "X"})
        assert client.remote_link(one, remote.id).object.url == "https://x.example"
        client.remote_link(one, remote.id).update({"url": "https://y.example", "title": "Y"})
        client.delete_remote_link(one, internal_id=remote.id)
        assert client.remote_links(one) == []
        client.add_issue_property(one, "k", {"a": 1})
        assert [prop.key for prop in client.issue_properties(one)] == ["k"]
        client.issue_property(one, "k").delete()
        fields = client.editmeta(one)["fields"]
        assert "summary" in fields
        if client._is_cloud:
            assert client.createmeta("IT")["projects"][0]["issuetypes"]
        else:
            kind = client.project_issue_types("IT")[0].id
            assert client.project_issue_fields("IT", kind)
        made = client.create_issues([
            {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "bulk"},
            {"project": {"key": "IT"}, "issuetype": {"name": "Nope"}, "summary": "bulk"},
        ])  # fmt: skip
        assert [row["status"] for row in made] == ["Success", "Error"]
        assert client.find_transitionid_by_name(two, "In Progress") == "21"

    await _run(universe, served, work)


async def test_dashboards_filters_and_lists(universe: Universe, served: Serve) -> None:
    def work(client: Any) -> None:
        made = client.create_filter("Mine", "d", "project = IT", favourite=True)
        assert client.filter(made.id).jql == "project = IT"
        client.update_filter(made.id, name="Ours")
        assert [row.name for row in client.favourite_filters()] == ["Ours"]
        client.filter(made.id).delete()
        if client._is_cloud:
            _dashboards(client)
        assert client.dashboards()[0].name == "Default dashboard"
        assert len(client.priorities()) == 5
        assert client.priority("3").name == "Medium"
        assert client.resolution("10000").name == "Done"
        assert client.resolutions()
        assert [status.name for status in client.statuses()] == ["To Do", "In Progress", "Done"]
        assert client.status("3").name == "In Progress"
        assert len(client.statuscategories()) >= 3
        assert client.statuscategory(4).name == "In Progress"
        assert client.issue_type("10001").name == "Task"
        assert client.issue_type_by_name("Bug").id == "10004"
        assert client.my_permissions("IT", permissions="BROWSE_PROJECTS")
        assert client.application_properties()
        client.set_application_property("jira.clone.prefix", "COPY -")
        assert client.server_info()["serverTitle"] == "Acme Jira"
        assert client.applicationlinks() == []
        assert "Rank" in [field["name"] for field in client.fields()]

    await _run(universe, served, work)


async def test_a_session_with_a_cookie(universe: Universe, served: Serve) -> None:
    url = await served(universe, "jira")
    env = universe.env("jira", url)
    name = env["JIRA_EMAIL"].partition("@")[0]

    def work() -> None:
        if universe.twins["jira"]["site"]["site"]["deployment"] == "Cloud":
            assert JIRA(
                server=url, basic_auth=(env["JIRA_EMAIL"], env["JIRA_TOKEN"]), max_retries=0
            ).session()
            return
        client: Any = JIRA(server=url, auth=(name, env["JIRA_TOKEN"]), max_retries=0)
        assert client.session().name == name
        assert client.projects()
        client.kill_session()
        client.kill_websudo()

    await asyncio.to_thread(work)
    assert universe.crashes == []


def _dashboards(client: Any) -> None:
    everyone = [{"type": "authenticated"}]
    board = client.create_dashboard(name="D", description="d", share_permissions=everyone)
    assert board.name in [row.name for row in client.dashboards()]
    assert client.all_dashboard_gadgets()
    gadget = client.add_gadget_to_dashboard(board.id, uri="rest/gadgets/1.0/g/x.xml", color="red")
    client.set_dashboard_item_property(board.id, gadget.id, "k", {"a": 1})
    assert client.dashboard_item_property(board.id, gadget.id, "k").value.a == 1
    (key,) = client.dashboard_item_property_keys(board.id, gadget.id)
    assert key.key == "k"
    gadget.update(board.id, title="Renamed")
    assert client.dashboard_gadgets(board.id)[0].title == "Renamed"
    gadget.delete(board.id)
    copy = client.copy_dashboard(board.id, name="Copy")
    copy.delete()
    client.update_dashboard_automatic_refresh_minutes(board.id, 5)
    assert client.dashboard(board.id).automaticRefreshMs == 300_000
    client.dashboard(board.id).delete()
