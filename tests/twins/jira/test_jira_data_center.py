"""Where Data Center answers otherwise than Cloud."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.twins.jira.conftest import Site


class Center:
    """A Data Center site, called in version 2."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(self, line: str, body: Any = None, status: int = 0) -> Any:
        return self.site(line, body, version="2", status=status)


@pytest.fixture
def center(make_site: Callable[..., Site]) -> Center:
    return Center(make_site("acme-it-dc"))


def test_a_search_that_is_not_validated_warns(center: Center) -> None:
    center.site.create("one")
    for jql in ("project = NOPE", "colour = red", "assignee = nobody"):
        wrong = center(f"GET /search?jql={jql.replace(' ', '%20')}", status=400)
        loose = center("POST /search", {"jql": jql, "validateQuery": False})
        assert (loose["total"], loose["issues"]) == (0, [])
        assert loose["warningMessages"] == wrong["errorMessages"]
    either = "project = NOPE OR summary ~ one ORDER BY colour"
    found = center("POST /search", {"jql": either, "validateQuery": False})
    assert [one["key"] for one in found["issues"]] == ["IT-1"]
    assert len(found["warningMessages"]) == 2
    fine = center("GET /search?jql=summary%20~%20one&validateQuery=false")
    assert fine["total"] == 1
    assert "warningMessages" not in fine
    assert center.site.raw("GET /search?jql=project%20%3D&validateQuery=false").status == 404
    center("GET /search?jql=project%20%3D&validateQuery=false", status=400)  # not even a query


def test_what_is_not_there_is_worded_otherwise(center: Center, make_site: Any) -> None:
    missing = center("GET /issue/IT-99", status=404)
    assert missing["errorMessages"] == ["Issue Does Not Exist"]
    assert center("GET /issue/createmeta?projectKeys=IT", status=404) == missing
    assert center("GET /issue/createmeta/IT/issuetypes")["values"]
    cloud = make_site("acme-12")("GET /issue/IT-99", status=404)
    assert cloud["errorMessages"] == [
        "Issue does not exist or you do not have permission to see it."
    ]
    nobody = center("GET /user", status=400)
    assert nobody["errorMessages"] == [
        "Either the 'username' or the 'key' query parameters need to be provided."
    ]
    assert center("GET /user?username=nope", status=404)["errorMessages"] == [
        "The user named 'nope' does not exist"
    ]


def test_transitions_are_told_in_few_words(center: Center, make_site: Any) -> None:
    key = center.site.create()
    steps = center(f"GET /issue/{key}/transitions")["transitions"]
    assert {name for step in steps for name in step} == {"id", "name", "to"}
    cloud = make_site("acme-12")
    steps = cloud(f"GET /issue/{cloud.create()}/transitions")["transitions"]
    assert {"hasScreen", "isGlobal", "isConditional"} <= set(steps[0])


def test_limited_comments_name_no_identifier(center: Center) -> None:
    key = center.site.create()
    limit = {"type": "role", "value": "Administrators"}
    made = center(f"POST /issue/{key}/comment", {"body": "x", "visibility": limit})
    assert made["visibility"] == limit
