"""Arguments at the edge: pages of nothing, bodies that say nothing, names that do not fit."""

from typing import Any

import pytest

from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour

_PAGES = """
/project/search values
/field/search values
/filter/search values
/dashboard dashboards
/dashboard/search values
/group/bulk values
/issuetypescheme values
/label values
/priority/search values
/project/IT/version values
/screens values
/statuses/search values
/users/search
/user/search?query=a
/user/picker?query=a users
/groups/picker groups
/workflow/search values
/issue/IT-1/comment comments
/issue/IT-1/changelog values
/issue/IT-1/worklog worklogs
/issue/createmeta/IT/issuetypes issueTypes
"""


@pytest.mark.parametrize("line", _PAGES.split("\n")[1:-1])
def test_a_page_of_nothing_and_one_behind_the_end(site: Site, line: str) -> None:
    site.create()
    path, _, name = line.partition(" ")
    mark = "&" if "?" in path else "?"
    for asked in ("maxResults=0", "startAt=1000"):
        if asked.startswith("startAt") and "picker" in path:
            continue  # pickers do not page
        page = site(f"GET {path}{mark}{asked}")
        assert (page[name] if name else page) == [], asked
        if name and asked == "maxResults=0" and "picker" not in path:
            assert page["maxResults"] == 0
    for wrong in ("maxResults=-1", "startAt=-1", "maxResults=x"):
        if "picker" not in path:
            assert site.raw(f"GET {path}{mark}{wrong}").status == 400, wrong


def test_an_issue_needs_fields_or_an_update(site: Site) -> None:
    key = site.create()
    said = ["one of 'fields' or 'update' required"]
    assert site("POST /issue", {}, status=400)["errorMessages"] == said
    assert site(f"PUT /issue/{key}", {}, status=400)["errorMessages"] == said
    assert site.raw(f"PUT /issue/{key}", {"fields": {}}).status == 204
    assert site.raw(f"PUT /issue/{key}", {"properties": [{"key": "a", "value": 1}]}).status == 204
    assert site(f"GET /issue/{key}/properties/a")["value"] == 1


def test_comments_and_worklogs_for_a_role_or_a_group(site: Site) -> None:
    t = Tour(site)
    key = t.issue()
    t("POST /group", {"name": "crew"}, 201)
    role = str(t("POST /role", {"name": "Watch"}, 200)["id"])
    group, watch = {"type": "group", "value": "crew"}, {"type": "role", "value": "Watch"}
    refusals = {
        "Group: none does not exist.": {"type": "group", "value": "none"},
        "You are currently not a member of the group: crew.": group,
        "The project role 'none' does not exist.": {"type": "role", "value": "none"},
        "You are currently not a member of the project role: Watch.": watch,
    }
    comment, work = {"body": "psst"}, {"timeSpent": "1h", "comment": "psst"}
    base = f"/rest/api/2/issue/{key}"
    for sentence, limit in refusals.items():
        for part, body in (("comment", comment), ("worklog", work)):
            refused = t(f"POST {base}/{part}", {**body, "visibility": limit}, 400)
            assert refused == {"errorMessages": [], "errors": {"commentLevel": sentence}}
    t("POST /group/user?groupname=crew", {"accountId": t.me}, 201)
    t(f"POST /project/IT/role/{role}", {"user": [t.me]}, 200)
    made = t(f"POST {base}/comment", {**comment, "visibility": group}, 201)
    shown = made["visibility"]
    assert (shown["type"], shown["value"]) == ("group", "crew")
    assert shown["identifier"] == t("GET /group?groupname=crew")["groupId"]
    changed = {**comment, "visibility": watch}
    made = t(f"PUT {base}/comment/{made['id']}", changed, 200)
    assert made["visibility"] == {**watch, "identifier": "Watch"}
    assert "visibility" not in t(
        f"PUT {base}/comment/{made['id']}", {**comment, "visibility": None}, 200
    )
    log = t(f"POST {base}/worklog", {**work, "visibility": watch}, 201)
    assert log["visibility"]["value"] == "Watch"
    t(f"DELETE /project/IT/role/{role}?user={t.me}", None, 204)
    table = site.universe.twins["jira"]["worklogs"]
    somebody = next(u["accountId"] for u in t("GET /users") if u["accountId"] != t.me)
    table.put(log["id"], {**table[log["id"]], "author": somebody})
    assert t(f"GET {base}/worklog")["worklogs"] == []
    assert t(f"GET {base}?fields=worklog")["fields"]["worklog"]["total"] == 0
    t(f"GET {base}/worklog/{log['id']}", None, 404)
    assert t("POST /worklog/list", {"ids": [int(log["id"])]}) == []


def test_worklogs_by_when_work_began(site: Site) -> None:
    key = site.create()
    for hour in (8, 10, 12):
        sent = {"timeSpent": "1h", "started": f"2026-03-02T{hour:02}:00:00.000+0000"}
        site(f"POST /issue/{key}/worklog", sent)
    ten = 1772445600000

    def hours(query: str) -> list[str]:
        logs = site(f"GET /issue/{key}/worklog?{query}")["worklogs"]
        return [log["started"][11:13] for log in logs]

    assert hours(f"startedAfter={ten}") == ["12"]
    assert hours(f"startedBefore={ten}") == ["08"]
    assert hours(f"startedAfter={ten - 1}&startedBefore={ten + 1}") == ["10"]
    assert hours("startAt=1&maxResults=1") == ["10"]


def test_comments_are_rendered_and_carry_properties_when_asked(site: Site) -> None:
    t = Tour(site)
    key = t.issue()
    bold = [{"type": "text", "text": "a<b", "marks": [{"type": "strong"}]}]
    body = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": bold}]}
    made = t(f"POST /issue/{key}/comment?expand=renderedBody", {"body": body}, 201)
    assert made["renderedBody"] == "<p><b>a&lt;b</b></p>"
    t(f"PUT /comment/{made['id']}/properties/p", {"a": 1}, 201)
    assert "renderedBody" not in t(f"GET /issue/{key}/comment")["comments"][0]
    shown = t(f"GET /issue/{key}/comment/{made['id']}?expand=renderedBody,properties")
    assert shown["properties"] == [{"key": "p", "value": {"a": 1}}]
    many = t("POST /comment/list?expand=renderedBody", {"ids": [int(made["id"])]})
    assert many["values"][0]["renderedBody"] == made["renderedBody"]


def test_names_that_do_not_fit(site: Site) -> None:
    t = Tour(site)

    def says(line: str, body: Any) -> Any:
        return t(line, body, 400)["errors"]

    whole = {"project": "IT", "projectId": 10000}
    assert says("POST /version", {**whole, "name": " "}) == {
        "name": "You must specify a valid version name"
    }
    assert says("POST /component", whole) == {
        "name": "The component name specified is invalid - cannot be an empty string."
    }
    t("POST /component", {**whole, "name": "Net"}, 201)
    assert says("POST /component", {**whole, "name": "net"}) == {
        "name": "A component with the name net already exists in this project."
    }
    search = t("POST /filter", {"name": "f", "jql": "project = IT"})["id"]
    board = {"name": "B", "type": "scrum", "filterId": int(search)}
    number = t("POST /rest/agile/1.0/board", board, 201)["id"]
    sprint = {"originBoardId": number, "name": "x" * 30}
    assert says("POST /rest/agile/1.0/sprint", sprint) == {
        "name": "Sprint name must be shorter than 30 characters."
    }
    t("POST /rest/agile/1.0/sprint", {**sprint, "name": "x" * 29}, 201)
    both = says("POST /project", {"key": "IT", "name": "it HELP desk"})
    assert both == {
        "projectName": "A project with that name already exists.",
        "projectKey": "Project 'IT help desk' uses this project key.",
    }


def test_a_picker_sets_off_what_was_asked_for(make_site: Any) -> None:
    cloud = make_site("acme-12")
    row = next(u for u in cloud("GET /users") if u["accountType"] == "atlassian")
    first = row["displayName"].split()[0]
    found = cloud(f"GET /user/picker?query={first.lower()}")["users"][0]
    assert found["html"].startswith(f"<strong>{first}</strong>")
    hostile = cloud("GET /user/picker?query=%3Cb%3E")["users"]
    assert hostile == []
    center = make_site("acme-it-dc")
    name = next(u["name"] for u in center("GET /user/search?username=.", version="2"))
    found = center(f"GET /user/picker?query={name}", version="2")["users"][0]
    assert f"<strong>{name}</strong>" in found["html"]


def test_issues_are_fetched_once_and_in_the_order_of_their_ids(site: Site) -> None:
    keys = [site.create(f"s{n}") for n in range(3)]
    site(f"PUT /issue/{keys[0]}/properties/p", 1)
    site(f"PUT /issue/{keys[0]}/properties/q", 2)
    number = site(f"GET /issue/{keys[1]}")["id"]
    asked = [keys[2], "IT-99", keys[0].lower(), keys[2], number, "IT-99"]
    body = {"issueIdsOrKeys": asked, "fields": ["summary"], "properties": ["*all", "-q"],
            "expand": ["transitions"]}  # fmt: skip
    found = site("POST /issue/bulkfetch", body)
    assert [one["key"] for one in found["issues"]] == keys
    assert found["issues"][0]["properties"] == {"p": 1}
    assert [len(one["transitions"]) for one in found["issues"]] == [1, 1, 1]
    assert [one["id"] for one in found["issueErrors"]] == ["IT-99"]


def test_bodies_that_are_no_json(site: Site) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        refused = site.raw("POST /issue", {"fields": {}}, **{"content-type": kind})
        assert (refused.status, refused.data()["errorMessages"]) == (
            415,
            ["Unsupported Media Type"],
        )
    fine = {"content-type": "application/json; charset=utf-8"}
    assert site.raw("POST /issue", {"fields": {}}, **fine).status == 400


def test_attachments_all_or_none(site: Site) -> None:
    t = Tour(site)
    key = t.issue()
    form = {"content_type": "multipart/form-data; boundary=xyz", "x_atlassian_token": "no-check"}

    def part(name: str, file: str, data: bytes = b"x") -> bytes:
        head = f'--xyz\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"'
        return head.encode() + b"\r\n\r\n" + data + b"\r\n"

    def send(*parts: bytes, status: int) -> Any:
        return t(f"POST /issue/{key}/attachments", b"".join(parts) + b"--xyz--", status, **form)

    send(part("attachment", "a.txt"), status=400)
    send(*[part("file", f"{n}.txt") for n in range(61)], status=413)
    send(part("file", "a.txt"), part("file", "big", b"x" * (10_485_760 + 1)), status=413)
    assert t(f"GET /issue/{key}")["fields"]["attachment"] == []
    sent = send(part("file", "\u00fc n.txt"), part("other", "b"), part("file", "c"), status=200)
    assert [one["filename"] for one in sent] == ["\u00fc n.txt", "c"]


def test_a_link_of_an_unknown_type(site: Site) -> None:
    one, two = site.create(), site.create()
    link = {"type": {"id": "99"}, "inwardIssue": {"key": one}, "outwardIssue": {"key": two}}
    refused = site("POST /issueLink", link, status=404)
    assert refused["errorMessages"] == ["No issue link type with id '99' found."]


def test_minus_one_is_the_automatic_assignee(make_site: Any) -> None:
    for name, field, version in (("acme-12", "accountId", "3"), ("acme-it-dc", "name", "2")):
        site = make_site(name)

        def assignee(key: str, site: Any = site, version: str = version) -> Any:
            return site(f"GET /issue/{key}", version=version)["fields"]["assignee"]

        assert assignee(site.create()) is None  # the project leaves issues unassigned
        site("PUT /project/IT", {"assigneeType": "PROJECT_LEAD"}, version=version)
        lead = site("GET /project/IT", version=version)["lead"][field]
        assert assignee(site.create())[field] == lead
        nobody = site.create(assignee=None)
        assert assignee(nobody) is None
        for minus in (-1, "-1"):
            site(f"PUT /issue/{nobody}/assignee", {field: minus}, version=version, status=204)
            assert assignee(nobody)[field] == lead
            site(f"PUT /issue/{nobody}/assignee", {field: None}, version=version, status=204)
        assert assignee(site.create(assignee={field: "-1"}))[field] == lead


def test_components_choose_whom_issues_go_to(site: Site) -> None:
    t = Tour(site)
    ann, bob = [u["accountId"] for u in t("GET /users") if u["accountId"] != t.me][:2]
    whole = {"project": "IT"}
    for name, who in (("Net", ann), ("Web", bob)):
        part = {**whole, "name": name, "leadAccountId": who, "assigneeType": "COMPONENT_LEAD"}
        t("POST /component", part, 201)
    t("POST /component", {**whole, "name": "Bare", "assigneeType": "COMPONENT_LEAD"}, 201)
    t("POST /component", {**whole, "name": "None", "assigneeType": "UNASSIGNED"}, 201)
    t("PUT /project/IT", {"assigneeType": "PROJECT_LEAD"}, 200)

    def chosen(*names: str) -> str | None:
        key = t.issue(components=[{"name": name} for name in names])
        found = t(f"GET /issue/{key}")["fields"]["assignee"]
        return str(found["accountId"]) if found else None

    assert (chosen("Net"), chosen("Web")) == (ann, bob)
    assert chosen("Bare") == chosen() == t("GET /project/IT")["lead"]["accountId"]
    assert chosen("None") is None
