"""Boards, sprints, epics, backlog and ranks through the agile API."""

from typing import Any

import pytest

from factory_tui.universe import ApplyError
from tests.twins.jira.tours import Tour

A = "/rest/agile/1.0"
S = "/rest/software/1.0"
START, END = "2026-03-02T09:00:00.000+02:00", "2026-03-16T09:00:00.000Z"


@pytest.fixture
def t(site: Any) -> Tour:
    return Tour(site)


def board(t: Tour, kind: str = "scrum") -> int:
    jql = "project = IT ORDER BY Rank ASC"
    search = t("POST /filter", {"name": f"IT {kind}", "jql": jql})["id"]
    place = {"type": "project", "projectKeyOrId": "IT"}
    body = {"name": f"IT {kind}", "type": kind, "filterId": int(search), "location": place}
    return int(t(f"POST {A}/board", body, 201)["id"])


def sprint(t: Tour, on: int, name: str = "Sprint 1", *, active: bool = False) -> int:
    body = {"name": name, "originBoardId": on, "startDate": START, "endDate": END, "goal": "g"}
    key = int(t(f"POST {A}/sprint", body, 201)["id"])
    if active:
        t(f"POST {A}/sprint/{key}", {"state": "active"})
    return key


def keys(answer: dict[str, Any]) -> list[str]:
    return [issue["key"] for issue in answer["issues"]]


def test_a_sprint_from_planning_to_review(t: Tour) -> None:
    on = board(t)
    one, two, three = (t.issue(f"Issue {n}") for n in range(3))
    key = sprint(t, on)
    t(f"POST {A}/sprint/{key}/issue", {"issues": [one, two]}, 204)
    assert keys(t(f"GET {A}/board/{on}/backlog?fields=summary")) == [three]
    assert keys(t(f"GET {S}/board/{on}/backlog?fields=summary")) == [three]
    assert t(f"GET {S}/board/{on}/backlog/approximate-count") == {"count": 1}
    t(f"POST {A}/sprint/{key}", {"state": "active"})
    t(f"POST /issue/{one}/transitions", {"transition": {"id": "21"}}, 204)
    t(f"POST /issue/{one}/transitions", {"transition": {"id": "31"}}, 204)
    closed = t(f"POST {A}/sprint/{key}", {"state": "closed"})
    assert (closed["state"], "completeDate" in closed) == ("closed", True)
    # What was not done is in the backlog again and remembers the sprint.
    assert keys(t(f"GET {A}/board/{on}/backlog?fields=summary")) == [two, three]
    fields = t(f"GET {A}/issue/{two}?fields=sprint,closedSprints")["fields"]
    assert (fields["sprint"], fields["closedSprints"][0]["id"]) == (None, key)
    changes = t(f"GET /issue/{two}/changelog")["values"]
    assert changes[0]["items"][0]["field"] == "Sprint"
    assert changes[0]["items"][0]["toString"] == "Sprint 1"
    assert t.site.find("sprint in closedSprints() ORDER BY Rank") == [one, two]
    assert t.site.find("sprint in openSprints()") == []


def test_what_a_sprint_cannot_become(t: Tour) -> None:
    on = board(t)
    key = t(f"POST {A}/sprint", {"name": "No dates", "originBoardId": on}, 201)["id"]
    refused = t(f"POST {A}/sprint/{key}", {"state": "active"}, 400)
    assert list(refused["errors"]) == ["startDate"]
    refused = t(f"POST {A}/sprint/{key}", {"state": "closed"}, 400)
    assert list(refused["errors"]) == ["state"]
    late = {"startDate": END, "endDate": START}
    assert list(t(f"POST {A}/sprint/{key}", late, 400)["errors"]) == ["endDate"]
    done = sprint(t, on, "Done", active=True)
    t(f"POST {A}/sprint/{done}", {"state": "closed"})
    for state in ("active", "future"):
        t(f"POST {A}/sprint/{done}", {"state": state}, 400)
    # A closed sprint takes another name and ignores other dates.
    renamed = t(f"POST {A}/sprint/{done}", {"name": "Ours", "endDate": "2027-01-01T00:00:00Z"})
    assert (renamed["name"], renamed["endDate"]) == ("Ours", END)
    refused = t(f"POST {A}/sprint/{done}/issue", {"issues": [t.issue()]}, 400)
    wanted = ["Issue can be assigned only active or future sprints."]
    assert refused["errorMessages"] == wanted
    t(f"POST {A}/sprint/{key}/issue", {"issues": ["IT-1"] * 51}, 400)
    t(f"GET {A}/sprint/99", None, 404)
    t(f"POST {A}/sprint", {"name": "x", "originBoardId": 99}, 404)
    kanban = board(t, "kanban")
    refused = t(f"GET {A}/board/{kanban}/sprint", None, 400)
    assert refused["errorMessages"] == ["The board does not support sprints"]


def test_sprints_of_a_board(t: Tour) -> None:
    on = board(t)
    future, active = sprint(t, on, "B"), sprint(t, on, "A", active=True)
    found = t(f"GET {A}/board/{on}/sprint")
    assert [s["id"] for s in found["values"]] == [active, future]
    found = t(f"GET {A}/board/{on}/sprint?state=future,closed")
    assert [s["id"] for s in found["values"]] == [future]
    other = sprint(t, on, "C")
    t(f"POST {A}/sprint/{other}/swap", {"sprintToSwapWith": future}, 204)
    found = t(f"GET {A}/board/{on}/sprint?state=future")
    assert [s["id"] for s in found["values"]] == [other, future]
    t.properties(f"{A}/sprint/{future}/properties")
    full = t(f"PUT {A}/sprint/{future}", {"name": "B2", "state": "future"})
    assert "startDate" not in full
    issue = t.issue()
    t(f"POST {A}/sprint/{active}/issue", {"issues": [issue]}, 204)
    t(f"DELETE {A}/sprint/{active}", None, 204)
    assert t(f"GET {A}/issue/{issue}?fields=sprint")["fields"]["sprint"] is None


def test_epics(t: Tour) -> None:
    on = board(t)
    epic = t.issue("Checkout", "Epic", customfield_10011="Pay")
    one, two = t.issue("One"), t.issue("Two")
    t(f"POST {A}/epic/{epic}/issue", {"issues": [one]}, 204)
    t(f"PUT /issue/{two}", {"fields": {"customfield_10014": epic}}, 204)
    assert keys(t(f"GET {A}/epic/{epic}/issue?fields=summary")) == [one, two]
    assert keys(t(f"GET {S}/epic/{epic}/issue?fields=summary")) == [one, two]
    assert t.site.find(f'"Epic Link" = {epic}') == [two, one]
    assert t.site.find(f"parent = {epic}") == [two, one]
    assert t(f"GET /issue/{one}")["fields"]["parent"]["key"] == epic
    t(f"POST {A}/epic/none/issue", {"issues": [two]}, 204)
    assert two in keys(t(f"GET {A}/epic/none/issue?fields=summary"))
    number = t(f"GET {A}/epic/{epic}")["id"]
    assert keys(t(f"GET {A}/board/{on}/epic/{number}/issue?fields=epic")) == [one]
    assert keys(t(f"GET {A}/board/{on}/epic/none/issue?fields=epic")) == [two]
    changed = t(
        f"POST {A}/epic/{epic}", {"name": "Paid", "done": True, "color": {"key": "color_3"}}
    )
    assert (changed["name"], changed["done"], changed["color"]["key"]) == ("Paid", True, "color_3")
    assert t(f"GET {A}/board/{on}/epic?done=false")["values"] == []
    t(f"POST {A}/epic/{epic}/issue", {"issues": [t.issue("E", "Epic")]}, 400)
    t(f"GET {A}/epic/{one}", None, 400)
    t(f"GET {A}/epic/IT-99", None, 404)
    other = t.issue("Other", "Epic")
    t(f"PUT {A}/epic/{other}/rank", {"rankBeforeEpic": epic}, 204)
    epics = t(f"GET {A}/board/{on}/epic")["values"]
    assert [e["key"] for e in epics].index(other) < [e["key"] for e in epics].index(epic)


def test_ranks(t: Tour) -> None:
    on = board(t)
    made = [t.issue(str(n)) for n in range(6)]
    path = f"GET {A}/board/{on}/issue?fields=customfield_10019"
    assert keys(t(path)) == made
    moved = {"issues": [made[4], made[5]], "rankBeforeIssue": made[0]}
    t(f"PUT {A}/issue/rank", moved, 204)
    t(f"PUT {A}/issue/rank", {"issues": [made[0]], "rankAfterIssue": made[2]}, 204)
    order = [made[n] for n in (4, 5, 1, 2, 0, 3)]
    found = t(path)
    assert keys(found) == order
    ranks = [issue["fields"]["customfield_10019"] for issue in found["issues"]]
    assert ranks == sorted(ranks)
    assert t.site.find("project = IT ORDER BY Rank ASC") == order
    t(f"PUT {A}/issue/rank", {"issues": [made[0]]}, 400)
    t(f"PUT {A}/issue/rank", {**moved, "rankCustomFieldId": 10020}, 400)
    t(f"PUT {A}/issue/rank", {"issues": ["IT-99"], "rankBeforeIssue": made[0]}, 404)


def test_between_two_neighbours_there_is_always_room(t: Tour) -> None:
    first, second, third = (t.issue() for _ in range(3))
    for n in range(200):
        moved, limit = (third, second) if n % 2 else (second, third)
        body = {"issues": [moved], "rankBeforeIssue": limit}
        t(f"PUT {A}/issue/rank", body, 204)
        assert t.site.find("project = IT ORDER BY Rank") == [first, moved, limit]


def test_estimates(t: Tour) -> None:
    on, other = board(t), board(t, "kanban")
    issue = t.issue()
    path = f"{A}/issue/{issue}/estimation?boardId="
    assert t(f"PUT {path}{on}", {"value": "8.0"})["value"] == "8.0"
    assert t(f"GET {path}{on}") == {"fieldId": "customfield_10028", "value": "8.0"}
    assert t.site.find('"Story Points" >= 5') == [issue]
    t(f"PUT {path}{on}", {"value": "much"}, 400)
    t(f"PUT {path}{other}", {"value": "2d"})
    assert t(f"GET /issue/{issue}")["fields"]["timetracking"]["originalEstimate"] == "2d"
    t(f"GET {A}/issue/{issue}/estimation", None, 400)


def test_boards(t: Tour) -> None:
    on = board(t)
    assert t(f"GET {A}/board?projectKeyOrId=IT&type=scrum&name=it")["total"] == 1
    assert t(f"GET {A}/board?type=kanban")["total"] == 0
    t(f"GET {A}/board?type=waterfall", None, 400)
    found = t(f"GET {A}/board/{on}/configuration")
    names = [column["name"] for column in found["columnConfig"]["columns"]]
    assert names == ["To Do", "In Progress", "Done"]
    assert found["ranking"] == {"rankCustomFieldId": 10019}
    assert t(f"GET {A}/board/filter/{found['filter']['id']}")["values"][0]["id"] == on
    for part in ("project", "project/full", "version", "features", "quickfilter", "reports"):
        t(f"GET {A}/board/{on}/{part}")
    quick = t(f"GET {A}/board/{on}/quickfilter")["values"][0]["id"]
    assert t(f"GET {A}/board/{on}/quickfilter/{quick}")["jql"] == "assignee = currentUser()"
    t.properties(f"{A}/board/{on}/properties")
    errors = t(f"POST {A}/board", {"name": "", "type": "x", "filterId": 99}, 400)["errors"]
    assert sorted(errors) == ["filterId", "name", "type"]
    t(f"DELETE {A}/board/{on}", None, 204)
    gone = t(f"GET {A}/board/{on}", None, 404)
    assert "cannot be viewed" in gone["errorMessages"][0]


def test_scenarios_set_up_boards_and_sprints(site: Any) -> None:
    site.universe.apply("jira", "add_issues", [
        {"project": "IT", "summary": "One"}, {"project": "IT", "summary": "Two"}])  # fmt: skip
    boards = site.universe.apply("jira", "add_boards", {"project": "IT", "as": "board"})
    assert boards["board"]["name"] == "IT board"
    entry = {"board": "IT board", "name": "Now", "state": "active", "issues": ["IT-1"]}
    with pytest.raises(ApplyError, match="startDate"):
        site.universe.apply("jira", "add_sprints", entry)
    dates = {"start": "2026-03-02T09:00:00Z", "end": "2026-03-16T09:00:00Z"}
    site.universe.apply("jira", "add_sprints", entry | dates)
    assert site.find("sprint in openSprints()") == ["IT-1"]
    with pytest.raises(ApplyError, match="no board"):
        site.universe.apply("jira", "add_sprints", {"board": "x", "name": "y"})


def test_greenhopper(t: Tour) -> None:
    g = "/rest/greenhopper/1.0"
    on = board(t)
    one, two, three = (t.issue() for _ in range(3))
    key, later = sprint(t, on, active=True), sprint(t, on, "Next")
    t(f"POST {A}/sprint/{key}/issue", {"issues": [one, two, three]}, 204)
    for issue, points in ((one, 3), (two, 5), (three, 8)):
        t(f"PUT /issue/{issue}", {"fields": {"customfield_10028": points}}, 204)
    for step in ("21", "31"):
        t(f"POST /issue/{one}/transitions", {"transition": {"id": step}}, 204)
    t(f"POST {A}/backlog/issue", {"issues": [three]}, 204)
    t(f"POST {g}/xboard/issue/flag/flag.json", {"issueKeys": [two], "flag": True}, 204)
    assert t(f"GET {A}/issue/{two}")["fields"]["flagged"] is True
    done = {"incompleteIssuesDestination": later}
    t(f"PUT {g}/sprint/{key}/complete", done)
    path = f"{g}/rapid/charts/sprintreport?rapidViewId={on}&sprintId={key}"
    report = t(f"GET {path}")["contents"]
    assert report["completedIssuesEstimateSum"]["value"] == 3
    assert report["incompletedIssuesEstimateSum"]["value"] == 5
    assert [issue["key"] for issue in report["puntedIssues"]] == [three]
    assert t(f"GET {A}/issue/{two}")["fields"]["sprint"]["id"] == later
    assert [s["id"] for s in t(f"GET {g}/sprintquery/{on}")["sprints"]] == [key, later]
    assert t(f"GET {g}/rapidview")["views"][0]["id"] == on
    assert t(f"PUT {g}/sprint/{later}", {"name": "Renamed"})["name"] == "Renamed"
