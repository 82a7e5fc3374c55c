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
