"""Administration: every operation does what it says and answers as it is described."""

from typing import Any

import pytest

from tests.twins.jira.config_tours import CONFIG_TOURS
from tests.twins.jira.described import Description
from tests.twins.jira.template_tours import project_templates
from tests.twins.jira.tours import Tour

_TOURS = {**CONFIG_TOURS, "project_templates": project_templates}

_WRONG = {
    "getAllFieldConfigurations values: Additional properties are not allowed ('id' was unexpected)":
        "the schema is of what is sent; the example has ids",
    "getPermissionSchemeGrant holder: Additional properties are not allowed ('projectRole' was "
    "unexpected)": "an expansion that the text describes",
    "getSecurityLevelMembers values/holder: Additional properties are not allowed ('group' was "
    "unexpected)": "the same",
    "getIssueSecurityLevelMembers values/holder: Additional properties are not allowed ('group' "
    "was unexpected)": "the same",
}  # fmt: skip
"""What the description does not say of itself elsewhere, and why."""


@pytest.fixture(scope="module")
def description(request: pytest.FixtureRequest) -> Description:
    found = Description.find(request.config.rootpath)
    if found is None:
        pytest.skip("Jira's API description is not at hand")
    return found


@pytest.mark.parametrize("name", _TOURS)
def test_it_works_and_is_as_described(site: Any, description: Description, name: str) -> None:
    _TOURS[name](Tour(site))
    problems = {
        problem
        for exchange in site.universe.tap
        for problem in description.problems(
            exchange.operation, exchange.status, exchange.response_body
        )
    }
    assert sorted(problems - set(_WRONG)) == []
    assert site.universe.gaps == []
