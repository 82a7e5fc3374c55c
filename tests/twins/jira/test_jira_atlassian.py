"""``atlassian-python-api``, unmodified: its generated Cloud client on every tour, its older one."""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from atlassian.jira import Jira, JiraCloud, JiraSoftware
from requests import HTTPError

from factory_tui.universe import Universe
from tests.twins.jira import test_jira_agile
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import TOURS, Tour

Serve = Callable[[Universe, str], Awaitable[str]]


def _snake(name: str) -> str:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.replace(".", "_"))
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", spaced).lower()


class ClientTour(Tour):
    """A tour that goes through the client wherever it has a method for the operation.

    Attributes:
        driven: The operations that the client was used for.
    """

    def __init__(self, site: Site, client: Any) -> None:
        self.client: Any = None
        self.driven: set[str] = set()
        super().__init__(site)
        self.client = client

    def __call__(self, line: str, body: Any = None, status: int = 0, **headers: str) -> Any:
        call = self._method(line, body) if self.client and status < 300 and not headers else None
        if call is None:
            return super().__call__(line, body, status, **headers)
        answer = call()
        return {} if answer is None else answer

    def _method(self, line: str, body: Any) -> Callable[[], Any] | None:
        verb, target = line.split(" ", 1)
        path, _, query = target.partition("?")
        outside = path.startswith(("/rest/", "/secure/"))
        file = "/view/" in path or "/content/" in path
        if outside or file or isinstance(body, bytes | str | int):
            return None
        pack: Any = self.site.universe.packs["jira"]
        found = pack.routes.match(verb, path.split("/")[1:])
        method = getattr(self.client, _snake(found.operation), None) if found else None
        if found is None or method is None:
            return None
        pairs = parse_qsl(query)
        given = {_snake(name): value for name, value in [*found.params.items(), *pairs]}
        if body is not None:
            given["data"] = body
        known = inspect.signature(method).parameters
        if not set(given) <= set(known) or len(given) < len(found.params) + len(pairs):
            return None
        self.driven.add(found.operation)
        return lambda: method(**given)


async def _client(universe: Universe, served: Serve, kind: Any, **more: Any) -> Any:
    env = universe.env("jira", await served(universe, "jira"))
    return kind(env["JIRA_URL"], username=env["JIRA_EMAIL"], password=env["JIRA_TOKEN"], **more)


_LEAST = {"apps": 4, "avatars": 2, "files": 4, "expressions": 3, "redactions": 2}


@pytest.mark.parametrize("name", TOURS)
async def test_the_generated_client_goes_on_every_tour(
    make_universe: Callable[..., Universe], served: Serve, name: str
) -> None:
    universe = make_universe("jira", seeds={"jira": "acme-12"})
    client = await _client(universe, served, JiraCloud)

    def work() -> set[str]:
        tour = ClientTour(Site(universe), client)
        TOURS[name](tour)
        return tour.driven

    driven = await asyncio.to_thread(work)
    assert len(driven) >= _LEAST.get(name, 5)
    assert universe.crashes == []
    assert universe.gaps == []


def _software_methods() -> dict[tuple[str, str], str]:
    """Verb and path template (names left out) to the method of the software client."""
    found = {}
    for name, method in inspect.getmembers(JiraSoftware, inspect.isfunction):
        source = inspect.getsource(method)
        url = re.search(r'url = f?"(rest/[^"]+)"', source)
        verb = re.search(r"self\.(get|post|put|delete)\(", source)
        if url and verb:
            found[verb[1].upper(), re.sub(r"{\w+}", "{}", url[1])] = name
    return found


class SoftwareTour(ClientTour):
    """A tour of the agile API through the software client."""

    methods = _software_methods()

    def _method(self, line: str, body: Any) -> Callable[[], Any] | None:
        verb, target = line.split(" ", 1)
        path, _, query = target.partition("?")
        pack: Any = self.site.universe.packs["jira"]
        found = pack.routes.match(verb, path.split("/")[1:])
        if found is None or not found.operation:
            return None
        template = re.sub(r"{\w+}", "{}", pack.routes.operations[found.operation][1].strip("/"))
        name = self.methods.get((verb, template))
        if name is None:
            return None
        given = {_snake(key): value for key, value in parse_qsl(query)}
        if body is not None:
            given["data"] = body
        self.driven.add(found.operation)
        return lambda: getattr(self.client, name)(*found.params.values(), **given)


_AGILE = [
    name
    for name, test in inspect.getmembers(test_jira_agile, inspect.isfunction)
    if name.startswith("test_") and list(inspect.signature(test).parameters) == ["t"]
]


@pytest.mark.parametrize("name", _AGILE)
async def test_the_software_client_does_what_the_agile_tests_do(
    make_universe: Callable[..., Universe], served: Serve, name: str
) -> None:
    universe = make_universe("jira", seeds={"jira": "acme-12"})
    client = await _client(universe, served, JiraSoftware, cloud=True)

    def work() -> set[str]:
        tour = SoftwareTour(Site(universe), client)
        getattr(test_jira_agile, name)(tour)
        return tour.driven

    assert await asyncio.to_thread(work)
    assert universe.crashes == []


async def test_the_software_client_plans_a_sprint(
    make_universe: Callable[..., Universe], served: Serve
) -> None:
    universe = make_universe("jira", seeds={"jira": "acme-12"})
    site = Site(universe)
    keys = [site.create(f"Issue {n}") for n in range(4)]
    epic = site.create("Epic", issuetype={"name": "Epic"})
    search = int(site("POST /filter", {"name": "F", "jql": "project = IT"})["id"])
    client = await _client(universe, served, JiraSoftware, cloud=True)

    def found(answer: dict[str, Any]) -> list[str]:
        return [issue["key"] for issue in answer["issues"]]

    def work() -> None:
        place = {"type": "project", "projectKeyOrId": "IT"}
        body = {"name": "B", "type": "scrum", "filterId": search, "location": place}
        board = client.create_board(data=body)["id"]
        assert client.get_board(board)["location"]["projectKey"] == "IT"
        assert client.get_all_boards(type="scrum")["total"] == 1
        assert client.get_board_by_filter_id(search)["values"][0]["id"] == board
        assert client.get_configuration(board)["ranking"]
        sprint = client.create_sprint(data={"name": "S", "originBoardId": board})["id"]
        client.move_issues_to_sprint_and_rank(sprint, data={"issues": keys[:2]})
        dates = {"startDate": "2026-03-02T09:00:00Z", "endDate": "2026-03-16T09:00:00Z"}
        client.partially_update_sprint(sprint, data={"state": "active", **dates})
        assert found(client.get_issues_for_sprint(sprint, fields="summary")) == keys[:2]
        assert found(client.get_issues_for_sprint_jsis(sprint, fields="summary")) == keys[:2]
        assert found(client.get_board_issues_for_sprint(board, sprint, fields="x")) == keys[:2]
        assert found(client.get_issues_for_backlog(board, jql="ORDER BY key")) == keys[2:]
        first = client.get_issues_for_backlog_jsis(board, max_results=1)
        token = first["nextPageToken"]
        second = client.get_issues_for_backlog_jsis(board, next_page_token=token)
        assert found(first) + found(second) == keys[2:]
        assert client.get_approximate_issue_count_for_backlog(board)["count"] == 2
        client.rank_issues(data={"issues": [keys[3]], "rankBeforeIssue": keys[0]})
        assert found(client.get_issues_for_board(board))[0] == keys[3]
        client.move_issues_to_epic(epic, data={"issues": [keys[2]]})
        assert found(client.get_issues_for_epic(epic)) == [keys[2]]
        assert client.get_epics(board)["values"][0]["key"] == epic
        client.partially_update_epic(epic, data={"name": "Ours"})
        assert client.get_epic(epic)["name"] == "Ours"
        client.remove_issues_from_epic(data={"issues": [keys[2]]})
        assert found(client.get_issues_without_epic_for_board(board))
        client.estimate_issue_for_board(keys[0], board_id=board, data={"value": "3"})
        assert client.get_issue_estimation_for_board(keys[0], board_id=board)["value"] == "3.0"
        client.move_issues_to_backlog(data={"issues": [keys[1]]})
        assert found(client.get_issues_for_sprint(sprint)) == [keys[0]]
        client.set_property(sprint, "k", data={"a": 1})
        assert client.get_property(sprint, "k")["value"] == {"a": 1}
        client.update_sprint(sprint, data={"name": "S2", "state": "closed"})
        assert client.get_sprint(sprint)["state"] == "closed"
        client.delete_sprint(sprint)
        client.delete_board(board)
        with pytest.raises(HTTPError):
            client.get_board(board)

    await asyncio.to_thread(work)
    assert universe.crashes == []
    assert universe.gaps == []


@pytest.mark.parametrize("seed", ["acme-12", "acme-it-dc"], ids=["cloud", "data-center"])
async def test_the_older_client(
    make_universe: Callable[..., Universe], served: Serve, seed: str
) -> None:
    universe = make_universe("jira", seeds={"jira": seed})
    cloud = seed == "acme-12"
    client = await _client(universe, served, Jira, cloud=cloud)

    def work() -> None:
        fields = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "Printer"}
        key = client.issue_create(fields)["key"]
        assert client.issue_exists(key)
        client.update_issue_field(key, {"summary": "Scanner"})
        assert client.issue_field_value(key, "summary") == "Scanner"
        client.issue_add_comment(key, "hello")
        assert client.issue_get_comments(key)["total"] == 1
        client.set_issue_status(key, "In Progress")
        assert client.get_issue_status(key) == "In Progress"
        assert client.get_issue_changelog(key)
        client.issue_worklog(key, "2026-03-02T09:00:00.000+0000", 3600)
        assert client.issue_get_worklog(key)["total"] == 1
        client.label_issue(key, ["hw"]) if hasattr(client, "label_issue") else None
        found = client.enhanced_jql("project = IT") if cloud else client.jql("project = IT")
        assert [issue["key"] for issue in found["issues"]] == [key]
        assert client.get_all_projects()[0]["key"] == "IT"
        assert client.project("IT")["name"] == "IT help desk"
        assert client.get_project_components("IT") == []
        client.add_version("IT", "10000", "1.0")
        assert [v["name"] for v in client.get_project_versions("IT")] == ["1.0"]
        assert "Administrators" in client.get_project_roles("IT")
        assert client.get_all_global_project_roles()
        assert client.get_all_priorities()
        assert client.get_all_statuses()
        assert client.get_all_resolutions()
        assert client.get_issue_link_types()
        assert client.get_dashboards()
        assert client.get_notification_schemes()
        assert client.get_audit_records() is not None
        assert client.get_time_tracking_settings()["workingHoursPerDay"] == 8.0
        assert client.get_groups()["total"] >= 1
        client.create_group("night")
        assert client.get_all_users_from_group("night")["total"] == 0
        client.remove_group("night")
        search = client.create_filter("F", "project = IT")["id"]
        board = client.create_agile_board("B", "scrum", search)["id"]
        sprint = client.create_sprint("S", board)["id"]
        client.add_issues_to_sprint(sprint, [key])
        assert client.get_sprint_issues(sprint, 0, 10)["total"] == 1
        client.rename_sprint(sprint, "T", "2026-03-02T09:00:00Z", "2026-03-16T09:00:00Z")
        assert client.get_sprint(sprint)["name"] == "T"
        client.flag_issue([key])
        assert client.get_all_sprints_from_board(board)["values"][0]["id"] == sprint
        client.move_issues_to_backlog([key])
        assert client.get_issues_for_backlog(board)["total"] == 1
        client.delete_sprint(sprint)
        client.delete_agile_board(board)
        client.delete_issue(key)
        assert not client.issue_exists(key)
        if not cloud:
            _only_on_data_center(client)

    await asyncio.to_thread(work)
    assert universe.crashes == []
    assert universe.gaps == []


def _only_on_data_center(client: Any) -> None:
    fields = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "Old"}
    key = client.issue_create(fields)["key"]
    client.issue_archive(key)
    assert client.jql("project = IT")["total"] == 0
    client.issue_restore(key)
    assert client.jql("project = IT")["total"] == 1
    assert client.reindex()["success"] is True
    assert client.get_cluster_all_nodes()[0]["nodeId"] == "node-1"
    assert client.get_custom_fields(search="sprint", start=0)["values"][0]["name"] == "Sprint"
    client.post_audit_record({"summary": "Moved house", "category": "site"})
    assert client.get_audit_records()["records"][0]["summary"] == "Moved house"
    client.user_create("nia", "nia@acme.example", "Nia New", "x")
    client.user_update_email("nia", "nia.new@acme.example")
    assert client.user("nia")["emailAddress"] == "nia.new@acme.example"
    client.add_user_to_application("nia", "jira-servicedesk")
    found = client.user("nia", expand="groups")["groups"]["items"]
    assert "jira-servicedesk-users" in [group["name"] for group in found]
    client.user_remove(username="nia")
    client.archive_project("IT")
    with pytest.raises(HTTPError):
        client.issue_create(fields)
