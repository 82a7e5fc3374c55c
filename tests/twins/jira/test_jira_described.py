"""Every operation answers as Atlassian's description says, wherever the tours lead."""

from collections.abc import Callable
from typing import Any

import pytest

from factory_tui.universe import Response
from tests.twins.jira.conftest import Site
from tests.twins.jira.described import WRONG, Description
from tests.twins.jira.tours import TOURS, Tour


@pytest.fixture(scope="module")
def description(request: pytest.FixtureRequest) -> Description:
    found = Description.find(request.config.rootpath)
    if found is None:
        pytest.skip("Jira's API description is not at hand")
    return found


@pytest.mark.parametrize("name", TOURS)
def test_answers_are_as_described(site: Any, description: Description, name: str) -> None:
    TOURS[name](Tour(site))
    problems = [
        problem
        for exchange in site.universe.tap
        for problem in description.problems(
            exchange.operation, exchange.status, exchange.response_body
        )
    ]
    assert sorted(set(problems)) == []
    assert site.universe.gaps == []


_PLACES = {
    "projectIdOrKey": "IT",
    "projectKeyOrId": "IT",
    "projectId": "10000",
    "issueIdOrKey": "IT-601",
    "screenId": "1",
    "fieldId": "summary",
    "statusId": "3",
    "issueTypeId": "10001",
    "projectTypeKey": "software",
    "applicationKey": "jira-software",
}
_FIRST = {
    "applicationrole": "jira-software",
    "component": "9000",
    "dashboard": "10000",
    "fieldconfiguration": "10000",
    "filter": "9001",
    "issueLinkType": "10000",
    "issuetype": "10001",
    "issuetypescheme": "10000",
    "issuetypescreenscheme": "1",
    "notificationscheme": "10000",
    "permissionscheme": "0",
    "priority": "3",
    "priorityscheme": "1",
    "projectCategory": "9001",
    "resolution": "10000",
    "role": "10002",
    "screenscheme": "1",
    "status": "3",
    "statuscategory": "2",
    "version": "9000",
    "workflowscheme": "10000",
}
_ASKED = {
    "bulkGetUsers": "accountId={me}",
    "findUsers": "query=a",
    "getBulkScreenTabs": "screenId=1",
    "getFieldConfigurationSchemeProjectMapping": "projectId=10000",
    "getIssueTypeSchemeForProjects": "projectId=10000",
    "getIssueTypesForProject": "projectId=10000",
    "getIssueTypeScreenSchemeProjectAssociations": "projectId=10000",
    "getMyPermissions": "permissions=BROWSE_PROJECTS",
    "getStatusesById": "id=3",
    "getStatusesByName": "name=Done",
    "getUser": "accountId={me}",
    "getWorkflowSchemeProjectAssociations": "projectId=10000",
    "getWorkflowTransitionRuleConfigurations": "types=postfunction",
}


def _place(path: str) -> str:
    """The path with the ids of things that a large site has."""
    parts = path.strip("/").split("/")
    for n, part in enumerate(parts):
        if part.startswith("{"):
            known = _FIRST.get(parts[0]) if n == 1 else None
            parts[n] = known or _PLACES.get(part[1:-1], "1")
    return "/" + "/".join(parts)


def ask_everything(site: Site) -> dict[str, Response]:
    """What a large site answers to every described GET that is implemented, by operation."""
    tour = Tour(site)
    tour.issue()
    pack: Any = site.universe.packs["jira"]
    found: dict[str, Response] = {}
    for name, (method, path, done) in sorted(pack.routes.operations.items()):
        if method == "GET" and done:
            query = _ASKED.get(name, "").format(me=tour.me)
            target = f"{_place(path)}?{query}" if query else _place(path)
            whole = target.startswith(("/rest/", "/secure/"))
            found[name] = site.plain("GET", target) if whole else site.raw(f"GET {target}")
    return found


def test_what_a_large_site_shows_is_as_described(
    make_site: Callable[..., Site], description: Description
) -> None:
    answers = ask_everything(make_site("acme-5000"))
    problems = [
        problem
        for name, answer in answers.items()
        for problem in description.problems(name, answer.status, answer.body)
    ]
    assert problems == []
    good = {name for name, answer in answers.items() if answer.status < 300}
    assert len(good & set(description.operations)) > 160


def test_the_exceptions_name_operations_that_exist(description: Description) -> None:
    assert {name for name, _ in WRONG} <= set(description.operations)
