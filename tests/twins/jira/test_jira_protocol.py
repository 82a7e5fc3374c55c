"""Versions, deployments, credentials, gaps, faults, and whatever else may be sent."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.universe import Request, Universe, load_packs


def test_cloud_s_old_search_is_gone(site: Any) -> None:
    for line, body in (("GET /search?jql=project=IT", None), ("POST /search", {"jql": "x = y"})):
        answer = site(line, body, status=410)
        assert "/rest/api/3/search/jql" in answer["errorMessages"][0]


def test_ids_only_unless_fields_are_named(site: Any) -> None:
    site.create()
    page = site("POST /search/jql", {"jql": "project = IT"})
    assert page == {"issues": [{"id": "10000"}], "isLast": True}
    page = site("GET /search/jql?jql=project%20%3D%20IT&fields=summary")
    assert page["issues"][0]["fields"] == {"summary": "Something"}
    assert "total" not in page


@pytest.mark.parametrize("jql", ["", "ORDER BY created", None])
def test_unbounded_queries_are_refused(site: Any, jql: str | None) -> None:
    answer = site("POST /search/jql", {"jql": jql} if jql is not None else {}, status=400)
    assert answer["errorMessages"][0].startswith("Unbounded JQL queries are not allowed here.")


def test_page_tokens_belong_to_their_query(site: Any) -> None:
    for _ in range(4):
        site.create()
    page = site("POST /search/jql", {"jql": "project = IT", "maxResults": 2})
    assert page["isLast"] is False
    stolen = {"jql": "project = IT AND labels is EMPTY", "nextPageToken": page["nextPageToken"]}
    refused = site("POST /search/jql", stolen, status=400)
    assert "next page token is invalid or expired" in refused["errorMessages"][0]
    assert site.raw("POST /search/jql", stolen | {"nextPageToken": "\u00e4?"}).status == 400
    count = site("POST /search/approximate-count", {"jql": "project = IT"})
    assert count == {"count": 4}


def test_data_center_pages_by_offset(make_site: Any) -> None:
    site = make_site("acme-it-dc")
    for _ in range(4):
        site.create()
    page = site("GET /search?jql=project=IT&startAt=1&maxResults=2", version="2")
    assert (page["startAt"], page["maxResults"], page["total"]) == (1, 2, 4)
    assert len(page["issues"]) == 2
    assert page["issues"][0]["fields"]["creator"]["name"] == "automation"
    assert site.raw("GET /search/jql?jql=project=IT", version="2").status == 404
    assert site.raw("GET /serverInfo", version="3").status == 404
    info = site("GET /serverInfo", version="latest")
    assert info["deploymentType"] == "Server"


def test_credentials(site: Any) -> None:
    open_door = site.raw("GET /serverInfo", authorization="")
    assert open_door.data()["deploymentType"] == "Cloud"
    closed = site.raw("GET /myself", authorization="")
    assert closed.status == 401
    for wrong in ("Basic !!!", "Basic YTpi", "Bearer no", "Digest x"):
        answer = site.raw("GET /serverInfo", authorization=wrong)
        assert answer.status == 401
        assert answer.header("x-seraph-loginreason") == "AUTHENTICATED_FAILED"
    assert site.raw("GET /myself", authorization=f"Bearer {site.token}").status == 200


def test_nothing_described_is_a_gap_and_what_is_not_is_unknown(site: Any) -> None:
    operations = site.universe.packs["jira"].routes.operations
    assert len(operations) > 700
    assert [name for name, (_, _, done) in operations.items() if not done] == []
    assert site.raw("GET /sandwich").status == 404
    wrong = site.raw("PATCH /issue/IT-1")
    assert (wrong.status, wrong.header("allow")) == (405, "DELETE,GET,PUT")
    assert site.universe.gaps == []


def test_faults_speak_jira(site: Any) -> None:
    site.universe.faults.add({"twin": "jira", "match": "createIssue", "nth": 1, "reply": 429})
    site.universe.faults.add(
        {"twin": "jira", "match": "createIssue", "nth": 2, "drop": "after-commit"}
    )
    limited = site.raw("POST /issue", {})
    assert (limited.status, limited.header("retry-after")) == (429, "1")
    assert limited.header("ratelimit-reason") == "jira-burst-based"
    assert set(limited.data()) == {"errorMessages", "errors"}
    fields = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "kept"}
    assert site.raw("POST /issue", {"fields": fields}).drop is True
    assert [i["summary"] for i in site.universe.view("jira")["issues"]] == ["kept"]


def test_same_seed_and_same_calls_give_the_same_bytes(make_site: Any) -> None:
    def play() -> list[bytes]:
        site = make_site("acme-12", seed=3, vary={"ids", "names", "pages"})
        site.create()
        site("POST /search/jql", {"jql": "project = IT", "fields": ["*all"]})
        site("GET /users/search")
        return [e.response_body + repr(e.response_headers).encode() for e in site.universe.tap]

    assert play() == play()


def test_seeds(make_site: Any) -> None:
    assert make_site("empty").universe.view("jira") == {"projects": [], "issues": []}
    assert make_site("acme-it")("GET /project/IT")["name"] == "IT help desk"
    people = make_site("acme-300")("GET /users/search?maxResults=1000")
    assert len(people) == 301


def test_varied_pages_are_small(make_site: Any) -> None:
    site = make_site(vary={"pages"})
    for _ in range(9):
        site.create()
    page = site("POST /search/jql", {"jql": "project = IT", "maxResults": 50})
    assert len(page["issues"]) < 9
    assert page["isLast"] is False
    assert len(site.find("project = IT")) == 9


@pytest.fixture(scope="module")
def _base(request: pytest.FixtureRequest) -> Universe:
    folder = request.config.rootpath / "twins"
    universe = Universe(load_packs(folder, ["jira"]), {"jira": "acme-12"}, debug=True)
    issue = {"project": "IT", "summary": "One two", "labels": ["a"], "status": "Done"}
    universe.apply("jira", "add_issues", [issue, issue])
    universe.apply("jira", "add_comment", {"key": "IT-1", "text": "hello"})
    return universe


_WORDS = (
    "fields update project key id name issuetype summary description labels priority assignee "
    "accountId body transition jql nextPageToken maxResults startAt type version content text add "
    "set remove comment issueUpdates issueIdsOrKeys ids queries expand duedate parent timetracking "
    "originalEstimate remainingEstimate components fixVersions versions reporter environment "
    "visibility lead leadAccountId timeSpent timeSpentSeconds started comment inwardIssue "
    "outwardIssue object url title global globalId released archived releaseDate projectId"
)
_NAMES = st.sampled_from(_WORDS.split())
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["IT", "IT-1", "Task", "doc", "21", "3h", "2026-03-01", "10000", "Sub-task"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_KEYS = "jql fields expand startAt maxResults query accountId orderBy keys projectId"
_QUERY = st.sampled_from(_KEYS.split())
_PARAMS = st.sampled_from(["IT-1", "IT-2", "10000", "10001", "IT", "21", "x", "\u00e4 /", "3"])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.data())
def test_nothing_that_can_be_sent_makes_the_twin_fail(_base: Universe, data: st.DataObject) -> None:
    universe = _base.fork()
    pack: Any = universe.packs["jira"]
    auth = f"Bearer {universe.env('jira', '')['JIRA_TOKEN']}"
    for _ in range(3):
        method, template = data.draw(st.sampled_from(pack.implemented()))
        path = "/".join(
            data.draw(_PARAMS) if part.startswith("{") else part for part in template.split("/")
        )
        query = "&".join(
            f"{data.draw(_QUERY)}={data.draw(_PARAMS)}" for _ in range(data.draw(st.integers(0, 3)))
        )
        payload = data.draw(st.dictionaries(_NAMES, _VALUES, max_size=5) | _VALUES)
        version = data.draw(st.sampled_from(["2", "3"]))
        head = {"authorization": auth, "host": "jira"}
        body = json.dumps(payload).encode()
        root = "" if path.startswith("/rest/") else f"/rest/api/{version}"
        request = Request(method, f"{root}{path}", query, head, body)
        response = universe.handle("jira", request)
        assert universe.crashes == [], universe.crashes[0]
        assert response.status < 500, (method, path, response.body)
        universe.view("jira")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    path=st.sampled_from(["/rest/api/3/issue", "/rest/api/3/", "/", "/rest/api/9/myself", "/a/b"]),
    query=st.text(max_size=30),
    body=st.binary(max_size=60),
    auth=st.text(max_size=20),
)
def test_hostile_bytes_are_answered(
    _base: Universe, method: str, path: str, query: str, body: bytes, auth: str
) -> None:
    universe = _base.fork()
    for given_auth in (auth, f"Bearer {universe.env('jira', '')['JIRA_TOKEN']}"):
        head = {"authorization": given_auth, "host": "jira"}
        response = universe.handle("jira", Request(method, path, query, head, body))
        assert universe.crashes == [], universe.crashes[0]
        assert response.status < 500
