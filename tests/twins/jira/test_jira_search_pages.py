"""Pages of searches while issues come and go; what lags behind; fields that cannot be loaded."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Universe, load_packs
from tests.twins.jira.config_tours import custom_field
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

_ORDERS = ["", "created", "created DESC", "priority", "priority DESC, summary", "summary DESC",
           "key", "assignee, key DESC", "Weight DESC, updated", "Rank", "duedate DESC", "labels",
           "Story Points"]  # fmt: skip


@pytest.fixture(scope="module")
def shelf(request: pytest.FixtureRequest) -> Universe:
    folder = request.config.rootpath / "twins"
    universe = Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True)
    t = Tour(Site(universe))
    weight = custom_field(t, "Weight", "float")
    for n in range(14):
        more: dict[str, Any] = {weight: n % 4} if n % 3 else {}
        more |= {"duedate": f"2026-0{n % 5 + 1}-11"} if n % 4 else {}
        more |= {"labels": ["a"]} if n % 2 else {}
        t.issue(f"s{n % 5}", priority={"id": str(n % 5 + 1)}, **more)
        universe.clock.advance(n % 3)
    return universe


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    order=st.sampled_from(_ORDERS),
    size=st.integers(1, 5),
    changes=st.lists(
        st.tuples(st.sampled_from(["create", "delete"]), st.integers(0, 30)), max_size=6
    ),
    data=st.data(),
)
def test_pages_neither_repeat_nor_skip_while_issues_come_and_go(
    shelf: Universe, order: str, size: int, changes: list[tuple[str, int]], data: Any
) -> None:
    t = Tour(Site(shelf.fork()))
    jql = "project = IT" + (f" ORDER BY {order}" if order else "")
    before = [one["id"] for one in t("POST /search/jql", {"jql": jql})["issues"]]
    gone: set[str] = set()
    seen: list[str] = []
    token = None
    while True:
        body: dict[str, Any] = {"jql": jql, "maxResults": size}
        page = t("POST /search/jql", body | ({"nextPageToken": token} if token else {}))
        seen += [one["id"] for one in page["issues"]]
        token = page.get("nextPageToken")
        if token is None:
            break
        if changes and data.draw(st.booleans()):
            what, n = changes.pop()
            if what == "create":
                t.issue(f"s{n % 5}", priority={"id": str(n % 5 + 1)})
            else:
                left = [key for key in before if key not in gone]
                gone.add(left[n % len(left)])
                t(f"DELETE /issue/{left[n % len(left)]}", None, 204)
    assert len(set(seen)) == len(seen)
    old = [key for key in seen if key in set(before)]
    assert old == [key for key in before if key in set(old)]  # in their order
    assert set(before) - gone <= set(old)  # nobody was skipped


def test_a_token_is_for_one_query_and_for_a_week(site: Site) -> None:
    for n in range(3):
        site.create(f"s{n}")
    jql = "project = IT ORDER BY created"
    token = site("POST /search/jql", {"jql": jql, "maxResults": 1})["nextPageToken"]

    def status(token: Any, jql: str = jql) -> int:
        return site.raw("POST /search/jql", {"jql": jql, "nextPageToken": token}).status

    assert status(token) == 200
    assert status(token, "project = IT") == 400
    for wrong in ("x", "", "1", 7, ["a"], token[:-2], token[::-1], "\u00e4" * 9):
        assert status(wrong) == 400
    site.universe.clock.advance(8 * 86_400)
    refused = site("POST /search/jql", {"jql": jql, "nextPageToken": token}, status=400)
    assert refused["errorMessages"] == ["The provided next page token is invalid or expired."]


def test_reconciled_issues_are_found_at_once_while_the_search_lags(site: Site) -> None:
    old = site.create("Alpha one")
    site.universe.clock.advance(60)
    site.universe.faults.add({"twin": "jira", "match": "searchAndReconsile*", "stale": 10})
    assert site.find('summary ~ "alpha"') == [old]
    new = site.create("Alpha two")
    changed = site.create("Beta")
    site("PUT /issue/" + old, {"fields": {"summary": "Gamma"}}, status=204)
    site("PUT /issue/" + changed, {"fields": {"summary": "Alpha three"}}, status=204)
    numbers = {key: int(site(f"GET /issue/{key}")["id"]) for key in (old, new, changed)}
    ask: dict[str, Any] = {"jql": "summary ~ alpha ORDER BY key", "fields": ["summary"]}

    def found(*keys: str, size: int = 50) -> list[tuple[str, str]]:
        body = {**ask, "reconcileIssues": [numbers[key] for key in keys], "maxResults": size}
        rows: list[tuple[str, str]] = []
        while True:
            page = site("POST /search/jql", body)
            rows += [(one["key"], one["fields"]["summary"]) for one in page["issues"]]
            if page["isLast"]:
                return rows
            body["nextPageToken"] = page["nextPageToken"]

    assert found() == [(old, "Alpha one")]  # as it was ten seconds ago
    assert found(new) == [(old, "Alpha one"), (new, "Alpha two")]
    assert found(old) == []
    for size in (1, 50):
        assert found(old, new, changed, size=size) == [
            (new, "Alpha two"), (changed, "Alpha three")]  # fmt: skip
    path = f"/search/jql?jql=summary~alpha&reconcileIssues={numbers[new]}"
    assert len(site(f"GET {path}")["issues"]) == 2
    too_many = {**ask, "reconcileIssues": list(range(51))}
    assert site.raw("POST /search/jql", too_many).status == 400
    assert site.raw("POST /search/jql", {**ask, "reconcileIssues": ["x"]}).status == 400


def test_a_field_that_cannot_be_loaded_is_left_out_or_fails_the_call(site: Site) -> None:
    key = site.create("Alpha", labels=["a"])
    site.universe.faults.add({"twin": "jira", "match": "field:labels", "reply": 503})
    assert "labels" not in site(f"GET /issue/{key}")["fields"]
    refused = site(f"GET /issue/{key}?failFast=true", status=503)
    assert refused["errorMessages"] == ["The field 'labels' could not be loaded."]
    assert site(f"GET /issue/{key}?failFast=true&fields=summary")["fields"] == {"summary": "Alpha"}
    body = {"jql": "project = IT", "fields": ["summary", "labels"]}
    page = site("POST /search/jql", body)
    assert page["issues"][0]["fields"] == {"summary": "Alpha"}
    assert site.raw("POST /search/jql", {**body, "failFast": True}).status == 503
    query = "jql=project%3DIT&fields=labels&failFast=true"
    assert site.raw(f"GET /search/jql?{query}").status == 503


def test_fields_that_are_taken_away_leave_the_navigable_ones(site: Site) -> None:
    site.create("Alpha")
    body = {"jql": "project = IT", "fields": ["-description", "-labels"]}
    found = site("POST /search/jql", body)["issues"][0]["fields"]
    assert {"summary", "status"} <= set(found)
    assert not {"description", "labels", "comment"} & set(found)


def test_two_fields_with_one_name(site: Site) -> None:
    t = Tour(site)
    one, two = custom_field(t, "Team", "textfield"), custom_field(t, "Team", "textfield")
    other = custom_field(t, "Team", "float")
    like_status = custom_field(t, "Status", "textfield")
    a = t.issue("a", **{one: "red"})
    b = t.issue("b", **{two: "red"})
    c = t.issue("c", **{one: "blue", two: "blue"})
    both: dict[str, Any] = {other: 3, like_status: "odd"}
    d = t.issue("d", **both)

    def number(key: str) -> str:
        return f"cf[{key.rpartition('_')[2]}]"

    assert site.find(f"{number(one)} ~ red") == [a]
    assert site.find(f"{number(two)} ~ red") == [b]
    assert site.find('"Team[Short text]" ~ red') == [b, a]
    assert site.find('"Team[Short text]" !~ red ORDER BY key') == [c]
    assert site.find('"Team[Number]" > 2') == [d]
    # The bare name means all three, and each of them has to understand what is said.
    refused = site("POST /search/jql", {"jql": "Team ~ red"}, status=400)
    assert refused["errorMessages"] == ["The operator '~' is not supported by the 'Team' field."]
    assert site.find("Team is not EMPTY ORDER BY key") == [a, b, c, d]
    assert site.find("Team is EMPTY ORDER BY key") == [a, b, c, d]  # each lacks one of them
    t(f"DELETE /field/{other}", None, 303)
    assert site.find("Team ~ red ORDER BY Team, key") == [a, b]
    assert site.find('status = "To Do" ORDER BY key') == [a, b, c, d]  # the system's
    assert site.find(f"{number(like_status)} ~ odd") == [d]
    names = t("GET /jql/autocompletedata")["visibleFieldNames"]
    shown = {one.get("cfid"): one["value"] for one in names if one.get("cfid")}
    assert shown[number(one)] == number(one)
    assert shown[number(like_status)] == number(like_status)
