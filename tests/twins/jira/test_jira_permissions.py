"""Permissions that decide: schemes, roles, levels, conditions and validators, seen by others."""

from typing import Any

import pytest

from tests.twins.jira.config_tours import custom_field, new_workflow
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

GONE = "Issue does not exist or you do not have permission to see it."


class Other(Site):
    """Somebody else, with a token of their own."""

    def __init__(self, site: Any, at: int = 0) -> None:
        self.universe = site.universe
        twin = self.universe.twins["jira"]
        people = [row for row in twin["users"].rows() if not row["app"]]
        self.id = str(people[at]["id"])
        self.token = f"token-{at}"
        self.auth = f"Bearer {self.token}"
        twin["tokens"].put(self.token, {"token": self.token, "user": self.id})


def scheme(t: Tour, **grants: list[dict[str, str]]) -> None:
    """Give IT a scheme in which the automation may do everything and others what is granted."""
    names = [one for one in t("GET /permissions")["permissions"] if one.isupper()]
    project = [name for name in names if t("GET /permissions")["permissions"][name]["type"]
               == "PROJECT"]  # fmt: skip
    me = {"type": "user", "parameter": t.me}
    given = [{"permission": name, "holder": me} for name in project]
    for name, holders in grants.items():
        given += [{"permission": name, "holder": holder} for holder in holders]
    taken = len(t("GET /permissionscheme")["permissionSchemes"])
    name = f"Narrow {taken}"
    made = t("POST /permissionscheme", {"name": name, "permissions": given}, 201)
    t("PUT /project/IT/permissionscheme", {"id": made["id"]})


def test_what_one_may_not_browse_is_not_there(site: Any) -> None:
    t, other = Tour(site), Other(site)
    key = t.issue()
    assert other(f"GET /issue/{key}")["key"] == key
    scheme(t)
    for line in (f"GET /issue/{key}", f"GET /issue/{key}/comment", f"GET /issue/{key}/transitions"):
        assert other(line, status=404)["errorMessages"] == [GONE]
    assert other(f"PUT /issue/{key}", {"fields": {}}, status=404)["errorMessages"] == [GONE]
    wrong = other("POST /search/jql", {"jql": "project = IT"}, status=400)
    assert wrong["errorMessages"] == ["The value 'IT' does not exist for the field 'project'."]
    assert other("POST /search/jql", {"jql": "summary ~ x"})["issues"] == []
    assert other("GET /project/search")["values"] == []


def test_roles_open_and_close_projects(site: Any) -> None:
    t, other = Tour(site), Other(site)
    key = t.issue()
    scheme(t, BROWSE_PROJECTS=[{"type": "projectRole", "parameter": "10003"}])
    other(f"GET /issue/{key}", status=404)
    t("POST /project/IT/role/10003", {"user": [other.id]})
    assert other(f"GET /issue/{key}")["key"] == key
    mine = other("GET /mypermissions?permissions=EDIT_ISSUES,BROWSE_PROJECTS&projectKey=IT")
    assert [one["havePermission"] for one in mine["permissions"].values()] == [False, True]


def test_each_change_needs_its_permission(site: Any) -> None:
    t, other = Tour(site), Other(site)
    key = t.issue()
    scheme(t, BROWSE_PROJECTS=[{"type": "applicationRole"}])
    doc = {"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": "x"}]}]}  # fmt: skip
    for line, body, status in (
        (f"PUT /issue/{key}", {"fields": {"summary": "y"}}, 403),
        (f"PUT /issue/{key}/assignee", {"accountId": other.id}, 403),
        (f"POST /issue/{key}/comment", {"body": doc}, 403),
        (f"POST /issue/{key}/worklog", {"timeSpent": "1h"}, 400),
        (f"POST /issue/{key}/transitions", {"transition": {"id": "21"}}, 403),
        (f"DELETE /issue/{key}", None, 403),
    ):
        answer = other(line, body, status=status)
        assert "ermission" in answer["errorMessages"][0], line
    assert other(f"GET /issue/{key}/transitions")["transitions"] == []
    fields = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "z"}
    refused = other("POST /issue", {"fields": fields}, status=400)
    assert "permission to create issues" in refused["errorMessages"][0]
    assert other("GET /issue/createmeta")["projects"] == []


def test_reporters_and_assignees_may_see_their_own(site: Any) -> None:
    t, other = Tour(site), Other(site)
    mine, theirs = t.issue(assignee={"accountId": other.id}), t.issue()
    scheme(t, BROWSE_PROJECTS=[{"type": "assignee"}])
    found = other("POST /search/jql", {"jql": "project = IT", "fields": ["summary"]})["issues"]
    assert [issue["key"] for issue in found] == [mine]
    other(f"GET /issue/{theirs}", status=404)


def test_one_s_own_comments_and_those_of_others(site: Any) -> None:
    t, other = Tour(site), Other(site)
    key = t.issue()
    scheme(
        t,
        BROWSE_PROJECTS=[{"type": "applicationRole"}],
        ADD_COMMENTS=[{"type": "applicationRole"}],
        EDIT_OWN_COMMENTS=[{"type": "applicationRole"}],
    )
    hers = t(f"POST /rest/api/2/issue/{key}/comment", {"body": "a"}, 201)["id"]
    his = other(f"POST /issue/{key}/comment", {"body": "b"}, version="2")["id"]
    other(f"PUT /issue/{key}/comment/{his}", {"body": "c"}, version="2")
    other(f"PUT /issue/{key}/comment/{hers}", {"body": "c"}, version="2", status=400)
    other(f"DELETE /issue/{key}/comment/{his}", version="2", status=400)
    secret = {"body": "d", "visibility": {"type": "role", "value": "Administrators"}}
    hidden = t(f"POST /rest/api/2/issue/{key}/comment", secret, 201)["id"]
    other(f"GET /issue/{key}/comment/{hidden}", status=404)
    assert len(other(f"GET /issue/{key}/comment")["comments"]) == 2


def test_one_s_own_files_and_those_of_others(site: Any) -> None:
    t, other = Tour(site), Other(site)
    theirs = Tour(other)
    key = t.issue()
    everybody = [{"type": "applicationRole"}]
    form = {"content_type": "multipart/form-data; boundary=xyz", "x_atlassian_token": "no-check"}
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'

    def attach(who: Tour, status: int) -> Any:
        return who(f"POST /issue/{key}/attachments", head + b"x\r\n--xyz--", status, **form)

    scheme(t, BROWSE_PROJECTS=everybody, EDIT_ISSUES=everybody)
    refused = attach(theirs, 403)
    assert refused["errorMessages"] == [
        "You do not have permission to create attachments for this issue."
    ]
    grants = {"CREATE_ATTACHMENTS": everybody, "DELETE_OWN_ATTACHMENTS": everybody}
    scheme(t, BROWSE_PROJECTS=everybody, **grants)
    hers, his = attach(t, 200)[0]["id"], attach(theirs, 200)[0]["id"]
    theirs(f"DELETE /attachment/{hers}", None, 403)
    theirs(f"DELETE /attachment/{his}", None, 204)
    t(f"DELETE /attachment/{hers}", None, 204)


def test_security_levels_hide_single_issues(site: Any) -> None:
    t, other = Tour(site), Other(site)
    level = {"name": "Private", "members": [{"type": "reporter"}]}
    made = t("POST /issuesecurityschemes", {"name": "S", "levels": [level]}, 201)["id"]
    t("PUT /issuesecurityschemes/project", {"projectId": "10000", "schemeId": made}, 303)
    hidden, shown = t.issue(security={"name": "Private"}), t.issue()
    other(f"GET /issue/{hidden}", status=404)
    found = other("POST /search/jql", {"jql": "project = IT", "fields": ["summary"]})["issues"]
    assert [issue["key"] for issue in found] == [shown]
    wrong = other("POST /search/jql", {"jql": f"key = {hidden}"}, status=400)
    assert "does not exist" in wrong["errorMessages"][0]


@pytest.mark.parametrize(
    "line",
    [
        "POST /field", "POST /screens", "POST /workflows/create", "POST /statuses",
        "POST /permissionscheme", "POST /priority", "GET /issuesecurityschemes",
        "POST /issuetype", "GET /workflowscheme", "POST /fieldconfiguration",
    ],
)  # fmt: skip
def test_administration_is_for_administrators(site: Any, line: str) -> None:
    body = None if line.startswith("GET") else {"name": "x"}
    answer = Other(site)(line, body, status=403)
    assert answer["errorMessages"][0]
    assert answer["errors"] == {}


def test_conditions_screens_and_validators_of_transitions(site: Any) -> None:
    t, other = Tour(site), Other(site)
    field = custom_field(t, "Cause", "textfield")
    needed = {"ruleType": "fieldRequired", "fieldsRequired": field, "errorMessage": "Say why."}
    flow = new_workflow(
        t,
        "Guarded",
        transitionScreen={"ruleKey": "system:transition-screen", "parameters": {"screenId": "3"}},
        conditions={
            "operation": "ALL",
            "conditions": [
                {
                    "ruleKey": "system:restrict-issue-transition",
                    "parameters": {"accountIds": "allow-assignee"},
                }
            ],
        },
        validators=[{"ruleKey": "system:validate-field-value", "parameters": needed}],
        actions=[
            {"ruleKey": "system:change-assignee", "parameters": {"type": "to-unassigned"}},
        ],
    )
    made = t("POST /workflowscheme", {"name": "G", "defaultWorkflow": flow["name"]}, 201)["id"]
    t("PUT /workflowscheme/project", {"workflowSchemeId": str(made), "projectId": "10000"}, 204)
    key = t.issue(assignee={"accountId": other.id})
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "2"}}, 204)
    assert t(f"GET /issue/{key}/transitions")["transitions"] == []
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "3"}}, 400)
    seen = other(f"GET /issue/{key}/transitions?expand=transitions.fields")["transitions"]
    assert [one["hasScreen"] for one in seen] == [True]
    assert seen[0]["fields"]["resolution"]["required"] is True
    go: dict[str, Any] = {"transition": {"id": "3"}}
    refused = other(f"POST /issue/{key}/transitions", go, status=400)
    assert refused["errors"] == {"resolution": "Resolution is required."}
    go["fields"] = {"resolution": {"name": "Done"}}
    refused = other(f"POST /issue/{key}/transitions", go, status=400)
    assert refused["errors"] == {field: "Say why."}
    other(f"PUT /issue/{key}", {"fields": {field: "Power"}})
    other(f"POST /issue/{key}/transitions", go)
    after = t(f"GET /issue/{key}")["fields"]
    assert (after["status"]["name"], after["assignee"]) == ("Done", None)
    assert after["resolution"]["name"] == "Done"
    assert t("POST /search/jql", {"jql": "status was 'Review Guarded' AND Cause ~ 'power'"})[
        "issues"
    ]


def test_limits_strike_where_asked_and_headers_are_always_there(make_site: Any) -> None:
    free = make_site("acme-12").raw("GET /myself")
    assert free.header("x-ratelimit-limit") == "100"
    assert free.header("retry-after") is None
    site = make_site("acme-12", limits=True)
    key = site.create()
    answers = [site.raw(f"PUT /issue/{key}", {"fields": {"summary": f"{n}"}}) for n in range(21)]
    assert [one.status for one in answers] == [204] * 20 + [429]
    last = answers[-1]
    assert last.header("ratelimit-reason") == "jira-per-issue-on-write"
    assert last.header("x-ratelimit-remaining") == "0"
    site.universe.clock.advance(int(last.header("retry-after") or 0))
    assert site.raw(f"PUT /issue/{key}", {"fields": {"summary": "now"}}).status == 204


def test_a_revoked_token_is_gone_for_good(site: Any) -> None:
    site.universe.faults.add({"twin": "jira", "match": "getCurrentUser", "revoke": True, "nth": 1})
    assert site.raw("GET /myself").status == 401
    again = site.raw("GET /project/IT")
    assert (again.status, again.header("x-seraph-loginreason")) == (401, "AUTHENTICATED_FAILED")
