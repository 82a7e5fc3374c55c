"""``jira.js``, unmodified, against the Jira twin."""

from typing import Any

import pytest

from factory_tui.universe import Universe
from tests.javascript.conftest import RunJs
from tests.twins.conftest import MakeUniverse, Serve


@pytest.fixture
def universe(make_universe: MakeUniverse) -> Universe:
    return make_universe("jira", seeds={"jira": "acme-12"})


async def _run(universe: Universe, served: Serve, run_js: RunJs, script: str) -> Any:
    url = await served(universe, "jira")
    answer = await run_js("jira.mjs", script, **universe.env("jira", url))
    assert universe.crashes == []
    assert universe.gaps == []
    return answer


async def test_a_ticket(universe: Universe, served: Serve, run_js: RunJs) -> None:
    answer = await _run(universe, served, run_js, "ticket")
    fields = answer["issue"]["fields"]
    assert fields["status"]["name"] == "In Progress"
    assert fields["assignee"]["accountId"] == answer["me"]["accountId"]
    assert fields["description"]["type"] == "doc"
    assert answer["text"] == "It is on fire."
    assert fields["timespent"] == 3600
    assert len(answer["issue"]["changelog"]["histories"]) >= 2
    assert [issue["key"] for issue in answer["page"]["issues"]] == ["IT-1"]
    assert answer["property"]["value"] == {"a": 1}
    assert answer["missing"] == 404


async def test_groups_filters_dashboards_roles(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    answer = await _run(universe, served, run_js, "site")
    assert answer["group"]["name"] == "night"
    assert answer["members"]["total"] == 1
    assert answer["shares"][0]["group"]["name"] == "night"
    assert answer["gadget"]["position"] == {"row": 0, "column": 0}
    assert len(answer["inProject"]["actors"]) == 1
    assert (answer["version"]["name"], answer["component"]["name"]) == ("1.0", "Net")
    assert answer["project"]["key"] == "IT"
    assert answer["found"]["total"] == 1
    assert len(answer["users"]) == 1
    assert answer["webhooks"]["webhookRegistrationResult"] == [{"createdWebhookId": 1}]
    assert answer["audit"]["total"] >= 3
    assert answer["refusedGroup"] == 400


async def test_a_sprint(universe: Universe, served: Serve, run_js: RunJs) -> None:
    answer = await _run(universe, served, run_js, "sprint")
    one, two, three = answer["keys"]
    assert [issue["key"] for issue in answer["inSprint"]["issues"]] == [two, one]
    assert [issue["key"] for issue in answer["backlog"]["issues"]] == [three]
    assert [issue["key"] for issue in answer["open"]["issues"]] == [two, one]
    assert answer["boards"]["values"][0]["id"] == answer["board"]["id"]
    assert answer["again"] == 400
    assert answer["closed"]["state"] == "closed"
    assert len(answer["epics"]["values"]) == 1


async def test_field_schemes_and_templates(
    universe: Universe, served: Serve, run_js: RunJs
) -> None:
    answer = await _run(universe, served, run_js, "schemes")
    number = answer["id"]
    assert answer["scheme"]["name"] == "Leaner"
    assert answer["given"]["results"] == [{"projectId": 10000, "schemeId": number, "success": True}]
    assert answer["parameters"]["workTypeParameters"][0]["workTypeId"] == 10004
    assert answer["missing"] == 400
    assert answer["bug"]["key"] == "IT-1"
    assert [one["success"] for one in answer["partly"]["results"]] == [True, False]
    assert answer["fields"]["values"] == []
    assert answer["projects"]["values"][0]["id"] == "10000"
    assert answer["pairs"]["values"] == [{"projectId": 10000, "schemeId": number}]
    assert answer["all"]["values"][0]["matchedFilters"] == {"query": "lean"}
    assert (answer["used"], answer["gone"]) == (409, 404)
    assert answer["deleted"] == {"id": str(number), "deleted": True}
    assert answer["template"]["description"] == "For desks"
    assert answer["rules"]["invalidRules"] == ["x"]
    assert answer["task"]["status"] == "ENQUEUED"
    universe.clock.advance(2)
    assert [one["key"] for one in universe.view("jira")["projects"]] == ["IT", "NEW"]
