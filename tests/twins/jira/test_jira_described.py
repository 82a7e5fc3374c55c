"""Every operation answers as Atlassian's description says, wherever the tours lead."""

from typing import Any

import pytest

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


def test_the_exceptions_name_operations_that_exist(description: Description) -> None:
    assert {name for name, _ in WRONG} <= set(description.operations)
