"""Sprints against a model: whatever is done in whatever order, states and places agree."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
)

from factory_tui.universe import Universe, load_packs
from tests.twins.conftest import TWINS
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

A = "/rest/agile/1.0"
NEXT = {"future": "active", "active": "closed"}
_base: list[Universe] = []


class Sprints(RuleBasedStateMachine):
    """A board with sprints and issues, and what it should be like."""

    sprints: Bundle[int] = Bundle("sprints")
    issues: Bundle[str] = Bundle("issues")

    def __init__(self) -> None:
        super().__init__()
        if not _base:
            _base.append(Universe(load_packs(TWINS, ["jira"]), {"jira": "acme-12"}, debug=True))
        self.universe = _base[0].fork()
        self.t = Tour(Site(self.universe))
        self.states: dict[int, str] = {}
        self.places: dict[str, list[int]] = {}
        self.board = 0

    @initialize()
    def make_board(self) -> None:
        search = self.t("POST /filter", {"name": "F", "jql": "project = IT"})["id"]
        body = {"name": "B", "type": "scrum", "filterId": int(search)}
        self.board = int(self.t(f"POST {A}/board", body, 201)["id"])

    @rule(target=sprints)
    def plan(self) -> int:
        dates = {"startDate": "2026-03-02T09:00:00Z", "endDate": "2026-03-16T09:00:00Z"}
        body = {"name": "S", "originBoardId": self.board, **dates}
        key = int(self.t(f"POST {A}/sprint", body, 201)["id"])
        self.states[key] = "future"
        return key

    @rule(target=issues)
    def file(self) -> str:
        key = self.t.issue()
        self.places[key] = []
        return key

    @rule(sprint=sprints, state=st.sampled_from(["future", "active", "closed"]))
    def change(self, sprint: int, state: str) -> None:
        was = self.states[sprint]
        fine = state == was or NEXT.get(was) == state
        self.t(f"POST {A}/sprint/{sprint}", {"state": state}, 200 if fine else 400)
        if fine:
            self.states[sprint] = state

    def _open(self, issue: str) -> list[int]:
        return [key for key in self.places[issue] if self.states[key] != "closed"]

    @rule(sprint=sprints, issue=issues)
    def put(self, sprint: int, issue: str) -> None:
        fine = self.states[sprint] != "closed"
        body = {"issues": [issue]}
        self.t(f"POST {A}/sprint/{sprint}/issue", body, 204 if fine else 400)
        if fine:
            past = [key for key in self.places[issue] if self.states[key] == "closed"]
            self.places[issue] = [*past, sprint]

    @rule(issue=issues)
    def take_out(self, issue: str) -> None:
        self.t(f"POST {A}/backlog/issue", {"issues": [issue]}, 204)
        self.places[issue] = [k for k in self.places[issue] if self.states[k] == "closed"]

    @rule(sprint=consumes(sprints))
    def drop(self, sprint: int) -> None:
        self.t(f"DELETE {A}/sprint/{sprint}", None, 204)
        del self.states[sprint]
        for issue, keys in self.places.items():
            self.places[issue] = [key for key in keys if key != sprint]

    @invariant()
    def sprints_agree(self) -> None:
        if not self.board:
            return
        rows = self.t(f"GET {A}/board/{self.board}/sprint?maxResults=100")["values"]
        assert {row["id"]: row["state"] for row in rows} == self.states
        assert all(("completeDate" in row) == (row["state"] == "closed") for row in rows)

    @invariant()
    def issues_agree(self) -> None:
        backlog = {issue for issue in self.places if not self._open(issue)}
        if self.board:
            found: Any = self.t(f"GET {A}/board/{self.board}/backlog?fields=sprint&maxResults=100")
            assert {issue["key"] for issue in found["issues"]} == backlog
        for sprint in self.states:
            wanted = {issue for issue, keys in self.places.items() if sprint in keys}
            found = self.t(f"GET {A}/sprint/{sprint}/issue?fields=sprint&maxResults=100")
            assert {issue["key"] for issue in found["issues"]} == wanted
        for state, function in (("active", "openSprints"), ("closed", "closedSprints")):
            wanted = {
                issue
                for issue, keys in self.places.items()
                if any(self.states[key] == state for key in keys)
            }
            assert set(self.t.site.find(f"sprint in {function}()")) == wanted

    def teardown(self) -> None:
        assert self.universe.crashes == []


TestSprints = Sprints.TestCase
TestSprints.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, derandomize=True
)
