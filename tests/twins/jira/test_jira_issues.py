"""Issues over HTTP: what Jira takes, what it refuses, and in which words."""

from typing import Any

import pytest

DOC = {
    "type": "doc",
    "version": 1,
    "content": [
        {"type": "heading", "attrs": {"level": 2}, "content": [{"type": "text", "text": "Who"}]},
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "Ada", "marks": [{"type": "strong"}]},
                {"type": "text", "text": " and Bo"},
                {"type": "hardBreak"},
                {"type": "text", "text": "today"},
            ],
        },
        {
            "type": "bulletList",
            "content": [
                {
                    "type": "listItem",
                    "content": [
                        {"type": "paragraph", "content": [{"type": "text", "text": "one"}]}
                    ],
                },
                {
                    "type": "listItem",
                    "content": [
                        {"type": "paragraph", "content": [{"type": "text", "text": "two"}]}
                    ],
                },
            ],
        },
    ],
}


def _fields(**more: Any) -> dict[str, Any]:
    given = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "x"}
    return {"fields": given | more}


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"summary", "project"}),
        ({"summary": "x", "project": {"key": "NO"}}, {"project"}),
        ({"project": {"key": "IT"}, "summary": "x"}, {"issuetype"}),
        ({"project": {"key": "IT"}, "summary": "x", "issuetype": {"name": "Wish"}}, {"issuetype"}),
        (_fields(summary="")["fields"], {"summary"}),
        (_fields(summary="a\nb")["fields"], {"summary"}),
        (_fields(summary="y" * 256)["fields"], {"summary"}),
        (_fields(labels=["two words"])["fields"], {"labels"}),
        (_fields(labels="x")["fields"], {"labels"}),
        (_fields(priority={"name": "Urgent"})["fields"], {"priority"}),
        (_fields(assignee={"accountId": "nobody"})["fields"], {"assignee"}),
        (_fields(description="plain text")["fields"], {"description"}),
        (_fields(duedate="tomorrow")["fields"], {"duedate"}),
        (_fields(customfield_10010=1, wish=2)["fields"], {"customfield_10010", "wish"}),
        (_fields(issuetype={"name": "Sub-task"})["fields"], {"parent"}),
        (_fields(components=[{"name": "none"}])["fields"], {"components"}),
    ],
)
def test_every_wrong_field_is_named(site: Any, fields: dict[str, Any], errors: set[str]) -> None:
    answer = site("POST /issue", {"fields": fields}, status=400)
    assert set(answer["errors"]) == errors
    assert answer["errorMessages"] == []
    assert site.universe.view("jira")["issues"] == []


def test_rich_text_reads_in_both_versions(site: Any) -> None:
    made = site("POST /issue", _fields(description=DOC))
    assert set(made) == {"id", "key", "self"}
    in_v3 = site(f"GET /issue/{made['key']}")["fields"]["description"]
    in_v2 = site(f"GET /issue/{made['id']}", version="2")["fields"]["description"]
    assert in_v3 == DOC
    assert in_v2 == "h2. Who\n\n*Ada* and Bo\ntoday\n\n* one\n* two"
    seen = site.universe.view("jira")["issues"][0]["description"]
    assert seen == "Who\n\nAda and Bo\ntoday\n\none\ntwo"
    text = site.create(description="first\nline\n\nsecond")
    document = site(f"GET /issue/{text}")["fields"]["description"]
    assert [block["type"] for block in document["content"]] == ["paragraph", "paragraph"]
    again = site(f"GET /issue/{text}", version="2")["fields"]["description"]
    assert again == "first\nline\n\nsecond"


def test_documents_with_unknown_nodes_are_refused(site: Any) -> None:
    doc = {"type": "doc", "version": 1, "content": [{"type": "marquee"}]}
    answer = site("POST /issue", _fields(description=doc), status=400)
    assert answer["errorMessages"] == ["INVALID_INPUT"]
    key = site.create()
    answer = site(f"POST /issue/{key}/comment", {"body": "text"}, status=400)
    assert answer["errors"] == {"comment": "Comment body is not valid!"}


def test_editing(site: Any) -> None:
    key = site.create(labels=["a"])
    assert site.raw(f"PUT /issue/{key}", {"fields": {"summary": "new"}}).status == 204
    update = {"update": {"labels": [{"add": "b"}, {"remove": "a"}]}}
    assert site.raw(f"PUT /issue/{key}", update).status == 204
    issue = site(f"GET /issue/{key}?fields=summary,labels&expand=changelog")
    assert issue["fields"] == {"summary": "new", "labels": ["b"]}
    log = site(f"GET /issue/{key}/changelog")["values"]
    assert [entry["items"][0]["field"] for entry in log] == ["summary", "labels"]
    assert log[1]["items"][0]["toString"] == "b"
    wrong = site(f"PUT /issue/{key}", {"update": {"labels": [{"jump": "x"}]}}, status=400)
    assert "labels" in wrong["errors"]
    wrong = site(f"PUT /issue/{key}", {"fields": {"status": "Done"}}, status=400)
    assert "cannot be set" in wrong["errors"]["status"]


def test_fields_can_be_chosen(site: Any) -> None:
    key = site.create()
    everything = site(f"GET /issue/{key}")["fields"]
    assert {"comment", "worklog", "summary", "status"} <= set(everything)
    assert "comment" not in site(f"GET /issue/{key}?fields=*navigable")["fields"]
    assert "summary" not in site(f"GET /issue/{key}?fields=*all,-summary")["fields"]
    assert set(site(f"GET /issue/{key}?fields=status")["fields"]) == {"status"}


def test_bulk_creation_keeps_the_good_ones(site: Any) -> None:
    payload = {"issueUpdates": [_fields(), {"fields": {"summary": "no project"}}, _fields()]}
    answer = site("POST /issue/bulk", payload)
    assert [issue["key"] for issue in answer["issues"]] == ["IT-1", "IT-2"]
    assert answer["errors"][0]["failedElementNumber"] == 1
    assert "project" in answer["errors"][0]["elementErrors"]["errors"]
    assert site.raw("POST /issue/bulk", {"issueUpdates": [{}]}).status == 400


def test_the_workflow_has_no_short_cut(site: Any) -> None:
    key = site.create()
    steps = site(f"GET /issue/{key}/transitions")["transitions"]
    assert [(step["id"], step["name"]) for step in steps] == [("21", "In Progress")]
    refused = site(f"POST /issue/{key}/transitions", {"transition": {"id": "31"}}, status=400)
    assert refused["errorMessages"] == ["Transition id '31' is not valid for this issue."]
    refused = site(f"POST /issue/{key}/transitions", {}, status=400)
    assert refused["errorMessages"] == ["Missing 'transition' identifier"]
    for step in (21, "31"):
        done = site.raw(f"POST /issue/{key}/transitions", {"transition": {"id": step}})
        assert (done.status, done.body) == (204, b"")
    fields = site(f"GET /issue/{key}")["fields"]
    assert fields["status"]["statusCategory"]["key"] == "done"
    assert fields["resolution"]["name"] == "Done"
    assert fields["resolutiondate"]
    site.raw(f"POST /issue/{key}/transitions", {"transition": {"id": "21"}})
    assert site(f"GET /issue/{key}")["fields"]["resolution"] is None


def test_comments(site: Any) -> None:
    key = site.create()
    made = site(f"POST /issue/{key}/comment", {"body": "one"}, version="2")
    assert made["body"] == "one"
    assert made["author"]["emailAddress"] == "automation@acme.example"
    site(f"PUT /issue/{key}/comment/{made['id']}", {"body": DOC})
    listed = site(f"GET /issue/{key}/comment?maxResults=1")
    assert (listed["total"], listed["comments"][0]["body"]) == (1, DOC)
    assert site.raw(f"DELETE /issue/{key}/comment/{made['id']}").status == 204
    assert site.raw(f"GET /issue/{key}/comment/{made['id']}").status == 404
    empty = site(f"POST /issue/{key}/comment", {"body": ""}, version="2", status=400)
    assert empty["errors"] == {"comment": "Comment body can not be empty!"}


def test_deleting_spares_no_subtask_by_accident(site: Any) -> None:
    parent = site.create()
    child = site.create(issuetype={"name": "Sub-task"}, parent={"key": parent})
    assert site(f"GET /issue/{parent}")["fields"]["subtasks"][0]["key"] == child
    refused = site(f"DELETE /issue/{parent}", status=400)
    assert "deleteSubtasks" in refused["errorMessages"][0]
    assert site.raw(f"DELETE /issue/{parent}?deleteSubtasks=true").status == 204
    assert site.universe.view("jira")["issues"] == []


def test_no_issue_becomes_its_own_ancestor(site: Any) -> None:
    epic = site.create(issuetype={"name": "Epic"})
    child = site.create(parent={"key": epic})
    lower = {"fields": {"issuetype": {"name": "Sub-task"}, "parent": {"key": child}}}
    refused = site(f"PUT /issue/{epic}", lower, status=400)
    assert refused["errors"]["issuetype"] == "The issue type selected is invalid."
    typeless = {"project": {"key": "IT"}, "summary": "x", "parent": {"key": epic}}
    assert "issuetype" in site("POST /issue", {"fields": typeless}, status=400)["errors"]
    assert site.raw(f"DELETE /issue/{epic}").status == 204
    assert site(f"GET /issue/{child}")["fields"].get("parent") is None


def test_keys_are_never_reused(site: Any) -> None:
    first = site.create()
    site.raw(f"DELETE /issue/{first}")
    assert (first, site.create()) == ("IT-1", "IT-2")


def test_what_one_may_not_see_is_not_there(site: Any) -> None:
    key = site.create()
    site.universe.apply("jira", "limit_access", {"project": "IT", "access": "none"})
    assert site.raw(f"GET /issue/{key}").status == 404
    assert site.raw("GET /project/IT").status == 404
    unseen = site("POST /search/jql", {"jql": "project = IT"}, status=400)
    assert unseen["errorMessages"] == ["The value 'IT' does not exist for the field 'project'."]
    site.universe.apply("jira", "limit_access", {"project": "IT", "access": "read_only"})
    assert site.raw(f"GET /issue/{key}").status == 200
    assert site.raw(f"PUT /issue/{key}", {"fields": {"summary": "y"}}).status == 403
    assert site.raw(f"POST /issue/{key}/comment", {"body": DOC}).status == 403
    assert site.raw("POST /issue", _fields()).status == 400
    assert site(f"GET /issue/{key}/transitions")["transitions"] == []


def test_watchers_and_votes(site: Any) -> None:
    key = site.create()
    person = site("GET /user/search?query=")[0]["accountId"]
    assert site.raw(f"POST /issue/{key}/watchers", person).status == 204
    assert site(f"GET /issue/{key}/watchers")["watchCount"] == 2
    assert site.raw(f"DELETE /issue/{key}/watchers?accountId={person}").status == 204
    assert site(f"GET /issue/{key}")["fields"]["watches"]["watchCount"] == 1
    own = site(f"POST /issue/{key}/votes", status=404)
    assert own["errorMessages"] == ["You cannot vote for an issue you have reported."]


def test_people_are_found(site: Any) -> None:
    person = site.universe.pick("design", 1)
    found = site(f"GET /user/search?query={person['email']}")
    assert [user["displayName"] for user in found] == [person["name"]]
    account = found[0]["accountId"]
    assert site(f"GET /user?accountId={account}")["emailAddress"] == person["email"]
    assert site.raw("GET /user?accountId=zzz").status == 404
    assert site.raw("GET /user/search").status == 400
    assert len(site("GET /users/search?maxResults=5")) == 5
    key = site.create()
    assert site.raw(f"PUT /issue/{key}/assignee", {"accountId": account}).status == 204
    assert site.find(f'assignee = "{person["email"]}"') == [key]
    assert site.raw(f"PUT /issue/{key}/assignee", {"accountId": None}).status == 204
    assert site.find("assignee is EMPTY") == [key]


def test_projects(site: Any) -> None:
    made = site("POST /project", {"key": "OPS", "name": "Operations"})
    assert made["key"] == "OPS"
    page = site("GET /project/search?maxResults=1")
    assert (page["total"], page["isLast"], page["values"][0]["key"]) == (2, False, "IT")
    assert [p["key"] for p in site("GET /project")] == ["IT", "OPS"]
    bad = site("POST /project", {"key": "bad key", "name": "x"}, status=400)
    assert "projectKey" in bad["errors"]
    taken = site("POST /project", {"key": "IT", "name": "x"}, status=400)
    assert taken["errors"]["projectKey"] == "Project 'IT help desk' uses this project key."
    assert site.raw("DELETE /project/OPS").status == 204


def test_meta_tells_what_is_required(site: Any) -> None:
    kinds = site("GET /issue/createmeta/IT/issuetypes")["issueTypes"]
    task = next(kind["id"] for kind in kinds if kind["name"] == "Task")
    fields = site(f"GET /issue/createmeta/IT/issuetypes/{task}")["fields"]
    required = {field["fieldId"] for field in fields if field["required"]}
    assert required == {"project", "issuetype", "summary"}
    assert "summary" in site(f"GET /issue/{site.create()}/editmeta")["fields"]


def test_labels_in_use(site: Any) -> None:
    site.create(labels=["b", "a"])
    site.create(labels=["c"])
    page = site("GET /label?maxResults=2")
    assert (page["values"], page["total"], page["isLast"]) == (["a", "b"], 3, False)
