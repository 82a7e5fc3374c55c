"""The site of a large organisation: several projects, boards, sprints, some thousand issues."""

from collections.abc import Callable

import pytest

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS
from tests.twins.jira.conftest import Site
from tests.twins.jira.described import Description
from tests.twins.jira.tours import Tour

A = "/rest/agile/1.0"


@pytest.fixture(scope="module")
def large() -> Universe:
    return Universe(load_packs(TWINS, ["jira"]), {"jira": "acme-5000"})


def test_what_there_is(large: Universe) -> None:
    t = Tour(Site(large.fork()))
    found = t("GET /project/search?expand=insight")
    counts = {row["key"]: row["insight"]["totalIssueCount"] for row in found["values"]}
    assert len(counts) == 8
    assert sum(counts.values()) == 3200
    boards = t(f"GET {A}/board")["values"]
    assert {board["type"] for board in boards} == {"scrum", "kanban"}
    web = next(b["id"] for b in boards if b["location"]["projectKey"] == "WEB")
    states = [sprint["state"] for sprint in t(f"GET {A}/board/{web}/sprint")["values"]]
    assert states == ["closed"] * 6 + ["active"] + ["future"] * 2
    backlog = t(f"GET {A}/board/{web}/backlog?fields=summary")["total"]
    assert 0 < backlog < t(f"GET {A}/board/{web}/issue?fields=summary")["total"]
    jql = {"jql": "project = WEB AND sprint in openSprints() AND status != Done"}
    open_ = t("POST /search/approximate-count", jql)["count"]
    assert 0 < open_ < 200
    assert t("GET /group/bulk?maxResults=50")["total"] > 30
    assert large.crashes == []


def test_every_issue_reads_as_described(large: Universe, request: pytest.FixtureRequest) -> None:
    site = Site(large.fork())
    t = Tour(site)
    keys = [f"{key}-{n}" for key in ("IT", "PLAT", "SUP") for n in range(1, 60)]
    for start in range(0, len(keys), 100):
        body = {"issueIdsOrKeys": keys[start : start + 100], "fields": ["*all"]}
        assert t("POST /issue/bulkfetch", body)["issueErrors"] == []
    found = Description.find(request.config.rootpath)
    if found is not None:
        problems = [
            problem
            for row in site.universe.tap
            for problem in found.problems(row.operation, row.status, row.response_body)
        ]
        assert problems == []


def test_new_things_get_ids_of_their_own(large: Universe) -> None:
    universe = large.fork()
    t = Tour(Site(universe))
    before = {name: set(table) for name, table in universe.twins["jira"].tables.items()}
    issue = t.issue()
    assert issue == "IT-601"
    t(f"POST /rest/api/2/issue/{issue}/comment", {"body": "hi"}, 201)
    search = t("POST /filter", {"name": "F", "jql": "project = IT"})["id"]
    body = {"name": "B", "type": "scrum", "filterId": int(search)}
    board = t(f"POST {A}/board", body, 201)["id"]
    t(f"POST {A}/sprint", {"name": "S", "originBoardId": board}, 201)
    t("POST /version", {"name": "9", "projectId": 10000}, 201)
    t("POST /component", {"name": "9", "project": "IT"}, 201)
    for name in ("issues", "comments", "filters", "boards", "sprints", "versions", "components"):
        assert len(set(universe.twins["jira"][name]) - before[name]) == 1, name
    found = t(f"GET {A}/board/{board}/issue?fields=summary&startAt=0&maxResults=1")
    assert found["total"] == 586
    assert len(before["issues"]) == 3200


def test_a_fork_holds_its_changes_only(large: Universe) -> None:
    fork = large.fork()
    Tour(Site(fork)).issue()
    tables = fork.twins["jira"].tables
    changed = {name: len(table.changes()) for name, table in tables.items() if table.changes()}
    assert changed == {"projects": 1, "issues": 1}
    assert len(large.twins["jira"]["issues"].changes()) == 0


def test_the_same_on_data_center(make_universe: Callable[..., Universe]) -> None:
    site = Site(make_universe("jira", seeds={"jira": "acme-5000-dc"}))
    found = site("GET /search?jql=project%20%3D%20WEB&maxResults=1", version="2")
    assert (found["total"], "name" in found["issues"][0]["fields"]["reporter"]) == (500, True)
    small = Site(make_universe("jira", seeds={"jira": "acme-12-dc"}))
    assert len(small("GET /user/search?username=.", version="2")) == 13


def test_it_is_the_same_every_time(make_universe: Callable[..., Universe]) -> None:
    one, two = (make_universe("jira", seeds={"jira": "acme-5000"}, seed=7) for _ in range(2))
    rows = [list(universe.twins["jira"]["issues"].items()) for universe in (one, two)]
    assert rows[0] == rows[1]
