"""Calls that drive Jira's operations one after another, area by area."""

import io
import json
import zipfile
from typing import Any

from factory_tui.universe import Request

__all__ = ["TOURS", "Tour"]

_IMAGE = {"content-type": "image/png", "x-atlassian-token": "no-check"}
_NO_CHECK = {"x-atlassian-token": "no-check"}
_CONNECT = "/rest/atlassian-connect/1"
_FORGE = "/rest/forge/1/app/properties"
_AGILE = "/rest/agile/1.0"


class Tour:
    """Calls a site as its automation; an unexpected status is an assertion.

    Attributes:
        me: The automation's account id.
    """

    def __init__(self, site: Any) -> None:
        self.site = site
        self.me = str(site("GET /myself")["accountId"])

    def __call__(self, line: str, body: Any = None, status: int = 0, **headers: str) -> Any:
        """``t("GET /issue/IT-1")``; paths outside ``/rest/api/3`` are given whole."""
        method, path = line.split(" ", 1)
        path = path if path.startswith(("/rest/", "/secure/")) else f"/rest/api/3{path}"
        sent = {"authorization": self.site.auth, "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        answer = self.site.universe.handle("jira", Request.build(method, path, sent, data))
        good = answer.status == status if status else answer.status < 300
        assert good, (line, answer.status, answer.body[:500])
        try:
            return answer.data()
        except ValueError:
            return answer.body

    def issue(self, summary: str = "x", kind: str = "Task", **fields: Any) -> str:
        """Create an issue in IT; its key."""
        given = {"project": {"key": "IT"}, "issuetype": {"name": kind}, "summary": summary}
        return str(self("POST /issue", {"fields": given | fields})["key"])

    def task(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Let a bulk operation be done; how it went."""
        self.site.universe.clock.advance(2)
        found: dict[str, Any] = self(f"GET /bulk/queue/{answer['taskId']}")
        assert found["status"] == "COMPLETE", found
        assert found["failedAccessibleIssues"] == {}, found
        return found

    def properties(self, path: str, query: str = "") -> None:
        """Set, list, get and delete a property."""
        key = f"{path}/prop{query}"
        self(f"PUT {key}", {"a": 1}, 201)
        self(f"PUT {key}", {"a": 2}, 200)
        assert [k["key"] for k in self(f"GET {path}{query}")["keys"]] == ["prop"]
        assert self(f"GET {key}")["value"] == {"a": 2}
        self(f"DELETE {key}", None, 204)
        self(f"GET {key}", None, 404)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def users(t: Tour) -> None:
    t("GET /myself?expand=groups")
    t.issue()
    body = {"emailAddress": "new.one@acme.example", "displayName": "New One", "products": []}
    new = t("POST /user", body, 201)["accountId"]
    t.properties("/user/properties", f"?accountId={t.me}")
    for path in (
        "/user/columns",
        f"/user/email?accountId={new}",
        f"/user/email/bulk?accountId={new}",
        "/user/bulk/migration?username=new.one",
        "/user/search/query?query=is%20reporter%20of%20IT",
        "/user/search/query/key?query=is%20reporter%20of%20IT",
        "/user/viewissue/search?projectKey=IT&query=n",
        "/user/permission/search?projectKey=IT&permissions=BROWSE_PROJECTS&query=n",
        f"/user/groups?accountId={t.me}",
        f"/user?expand=groups&accountId={t.me}",
        "/user/picker?query=n&showAvatar=true",
        "/users",
        "/users/search",
        "/user/search?query=n",
        "/user/assignable/search?project=IT",
        "/user/assignable/multiProjectSearch?projectKeys=IT&query=n",
        f"/user/bulk?accountId={t.me}",
        "/groupuserpicker?query=n",
        "/mypreferences/locale",
    ):
        t(f"GET {path}")
    t("PUT /user/columns", {"columns": ["summary", "status"]})
    assert [c["value"] for c in t("GET /user/columns")] == ["summary", "status"]
    t("DELETE /user/columns")
    t("PUT /mypreferences?key=x", "v")
    assert t("GET /mypreferences?key=x") == "v"
    t("DELETE /mypreferences?key=x")
    t("GET /mypreferences?key=x", None, 404)
    t("PUT /mypreferences/locale", {"locale": "de_DE"})
    t(f"DELETE /user?accountId={new}", None, 204)
    t(f"GET /user?accountId={new}", None, 404)


def groups(t: Tour) -> None:
    t("POST /group", {"name": "devs"}, 201)
    t("POST /group", {"name": "devs"}, 400)
    t("POST /group/user?groupname=devs", {"accountId": t.me}, 201)
    assert t("GET /group?groupname=devs&expand=users")["users"]["size"] == 1
    assert t("GET /group/member?groupname=devs")["total"] == 1
    t("GET /group/bulk")
    assert t("GET /groups/picker?query=dev")["total"] == 1
    t(f"DELETE /group/user?groupname=devs&accountId={t.me}", None, 200)
    t("DELETE /group?groupname=devs", None, 200)
    t("GET /group?groupname=devs", None, 404)
    t("GET /group", None, 400)
    assert t("GET /auditing/record")["total"] == 4


def filters(t: Tour) -> None:
    shares = [{"type": "authenticated"}]
    body = {"name": "F", "jql": "project = IT", "favourite": True, "sharePermissions": shares}
    key = t("POST /filter", body)["id"]
    t(f"GET /filter/{key}")
    t(f"PUT /filter/{key}", {"name": "F2", "jql": "project=IT"})
    t("POST /filter", {"name": "F2", "jql": ""}, 400)
    assert [f["name"] for f in t("GET /filter/my")] == ["F2"]
    assert len(t("GET /filter/favourite")) == 1
    t("GET /filter/search?expand=description,owner,jql,sharePermissions,viewUrl,subscriptions")
    t(f"DELETE /filter/{key}/favourite")
    t(f"PUT /filter/{key}/favourite")
    t(f"GET /filter/{key}/columns", None, 404)
    t(f"PUT /filter/{key}/columns", {"columns": ["summary"]})
    t(f"GET /filter/{key}/columns")
    t(f"DELETE /filter/{key}/columns")
    t("GET /filter/defaultShareScope")
    t("PUT /filter/defaultShareScope", {"scope": "PRIVATE"})
    for share in (
        {"type": "project", "projectId": "10000"},
        {"type": "group", "groupname": "jira-software-users"},
        {"type": "projectRole", "projectId": "10000", "projectRoleId": "10002"},
        {"type": "user", "accountId": t.me},
    ):
        found = t(f"POST /filter/{key}/permission", share, 201)
    assert len(found) == 5
    t(f"GET /filter/{key}/permission")
    t(f"GET /filter/{key}/permission/{found[0]['id']}")
    t(f"DELETE /filter/{key}/permission/{found[0]['id']}", None, 204)
    other = next(u["accountId"] for u in t("GET /users") if u["accountId"] != t.me)
    t(f"PUT /filter/{key}/owner", {"accountId": other}, 204)
    assert t(f"GET /filter/{key}")["owner"]["accountId"] == other
    t(f"DELETE /filter/{key}", None, 204)
    t(f"GET /filter/{key}", None, 400)


def dashboards(t: Tour) -> None:
    shares = [{"type": "group", "group": {"name": "jira-software-users"}}]
    body = {"name": "D", "description": "d", "sharePermissions": shares, "editPermissions": []}
    key = t("POST /dashboard", body)["id"]
    t("GET /dashboard")
    assert t("GET /dashboard?filter=my")["total"] == 1
    t("GET /dashboard/search?dashboardName=D")
    t(f"GET /dashboard/{key}")
    t(f"PUT /dashboard/{key}", {"name": "D2", "sharePermissions": [], "editPermissions": []})
    t(f"POST /dashboard/{key}/copy", {"name": "copy"})
    module = t("GET /dashboard/gadgets")["gadgets"][0]["moduleKey"]
    gadget = t(f"POST /dashboard/{key}/gadget", {"moduleKey": module, "color": "blue"})["id"]
    t(f"POST /dashboard/{key}/gadget", {"moduleKey": "nope"}, 400)
    t(f"PUT /dashboard/{key}/gadget/{gadget}", {"title": "t", "color": "red"}, 204)
    assert t(f"GET /dashboard/{key}/gadget")["gadgets"][0]["color"] == "red"
    t.properties(f"/dashboard/{key}/items/{gadget}/properties")
    t(f"DELETE /dashboard/{key}/gadget/{gadget}", None, 204)
    change = {"newOwner": t.me, "autofixName": True}
    edit = {"action": "changeOwner", "entityIds": [int(key)], "changeOwnerDetails": change}
    t("PUT /dashboard/bulk/edit", edit)
    t(f"DELETE /dashboard/{key}", None, 204)
    t(f"GET /dashboard/{key}", None, 404)


def site(t: Tour) -> None:
    for path in (
        "/announcementBanner",
        "/application-properties",
        "/application-properties/advanced-settings",
        "/applicationrole",
        "/applicationrole/jira-software",
        "/instance/license",
        "/license/approximateLicenseCount",
        "/license/approximateLicenseCount/product/jira-software",
        "/configuration",
        "/configuration/timetracking",
        "/configuration/timetracking/list",
        "/configuration/timetracking/options",
        "/events",
        "/data-policy",
        "/data-policy/project?ids=10000",
        "/classification-levels",
        "/settings/columns",
        "/mypreferences?key=jira.user.locale",
        "/serverInfo",
    ):
        t(f"GET {path}")
    banner = {"message": "hi", "isEnabled": True, "isDismissible": True, "visibility": "private"}
    t("PUT /announcementBanner", banner, 204)
    assert t("GET /announcementBanner")["message"] == "hi"
    t("PUT /application-properties/jira.title", {"id": "jira.title", "value": "T"})
    t("PUT /configuration/timetracking", {"key": "JIRA"}, 204)
    options: dict[str, Any] = {"workingHoursPerDay": 7.5, "workingDaysPerWeek": 5}
    options |= {"timeFormat": "pretty", "defaultUnit": "day"}
    t("PUT /configuration/timetracking/options", options)
    t("PUT /configuration/timetracking/options", {}, 400)
    t("PUT /settings/columns", {"columns": ["summary"]})


def avatars(t: Tour) -> None:
    t("GET /avatar/project/system")
    t("GET /universal_avatar/type/project/owner/10000")
    t("POST /project/IT/avatar2", b"\x89PNG", 403, content_type="image/png")
    key = t("POST /project/IT/avatar2", b"\x89PNG", 201, **_IMAGE)["id"]
    t("PUT /project/IT/avatar", {"id": key}, 204)
    assert [a["isSelected"] for a in t("GET /project/IT/avatars")["custom"]] == [True]
    assert t(f"GET /universal_avatar/view/type/project/avatar/{key}") == b"\x89PNG"
    t("GET /universal_avatar/view/type/project")
    t("GET /universal_avatar/view/type/project/owner/10000")
    t(f"DELETE /project/IT/avatar/{key}", None, 204)
    path = "/universal_avatar/type/issuetype/owner/10001"
    key = t(f"POST {path}?size=16", b"\x89PNG", 201, **_IMAGE)["id"]
    t(f"DELETE {path}/avatar/{key}", None, 204)


def roles(t: Tour) -> None:
    t("GET /role")
    key = t("POST /role", {"name": "QA", "description": "q"})["id"]
    t("POST /role", {"name": "QA"}, 409)
    t(f"GET /role/{key}")
    t(f"POST /role/{key}", {"name": "QA2"})
    t(f"PUT /role/{key}", {"name": "QA3", "description": "z"})
    t(f"POST /role/{key}/actors", {"user": [t.me]})
    t(f"GET /role/{key}/actors")
    t(f"DELETE /role/{key}/actors?user={t.me}")
    t("GET /project/IT/role")
    t("GET /project/IT/roledetails")
    t(f"POST /project/IT/role/{key}", {"user": [t.me]})
    t(f"POST /project/IT/role/{key}", {"group": ["jira-software-users"]})
    assert len(t(f"GET /project/IT/role/{key}")["actors"]) == 2
    t(f"PUT /project/IT/role/{key}", {"categorisedActors": {"atlassian-user-role-actor": [t.me]}})
    t(f"DELETE /project/IT/role/{key}?user={t.me}", None, 204)
    t(f"DELETE /role/{key}", None, 204)
    t(f"GET /role/{key}", None, 404)


def projects(t: Tour) -> None:
    for path in (
        "/project",
        "/project/IT",
        "/project/recent",
        "/project/type",
        "/project/type/accessible",
        "/project/type/software",
        "/project/type/software/accessible",
        "/project/10000/hierarchy",
        "/project/IT/features",
        "/project/10000/email",
        "/project/IT/statuses",
        "/projectvalidate/key?key=IT",
        "/projectvalidate/validProjectKey?key=it",
        "/projectvalidate/validProjectName?name=x",
        "/project/search?expand=lead,description,insight,url,issueTypes",
    ):
        t(f"GET {path}")
    category = t("POST /projectCategory", {"name": "C", "description": "d"}, 201)["id"]
    t("POST /projectCategory", {"name": "c"}, 409)
    t(f"PUT /projectCategory/{category}", {"name": "C2"})
    t(f"GET /projectCategory/{category}")
    t("GET /projectCategory")
    body = {
        "key": "SCR",
        "name": "Scrum",
        "projectTypeKey": "software",
        "projectTemplateKey": "com.pyxis.greenhopper.jira:gh-simplified-scrum-classic",
        "leadAccountId": t.me,
        "categoryId": int(category),
        "assigneeType": "PROJECT_LEAD",
    }
    t("POST /project", body, 201)
    assert t(f"GET {_AGILE}/board?projectKeyOrId=SCR")["values"][0]["type"] == "scrum"
    assert t("GET /project/SCR")["projectCategory"]["name"] == "C2"
    t("PUT /project/SCR", {"name": "Scrum 2", "key": "SCRUM"})
    t("POST /project/SCRUM/archive", None, 204)
    assert t("GET /project/search?status=archived")["total"] == 1
    t("POST /project/SCRUM/restore")
    t("DELETE /project/SCRUM", None, 204)
    t("GET /project/SCRUM", None, 404)
    t("POST /project/SCRUM/restore")
    task = t("POST /project/SCRUM/delete", None, 303)
    assert t(f"GET /task/{task['id']}")["status"] == "ENQUEUED"
    t.site.universe.clock.advance(2)
    assert t(f"GET /task/{task['id']}")["status"] == "COMPLETE"
    t("GET /project/SCRUM", None, 404)
    t(f"POST /task/{task['id']}/cancel", None, 400)
    t(f"DELETE /projectCategory/{category}", None, 204)
    t("PUT /project/IT/features/jsw.classic.backlog", {"state": "DISABLED"})
    t.properties("/project/IT/properties")
    t("PUT /project/10000/email", {"emailAddress": "a@b.example"}, 204)
    level = t("GET /classification-levels")["classifications"][0]["id"]
    t("PUT /project/IT/classification-level/default", {"id": level}, 204)
    t("GET /project/IT/classification-level/default")
    t("DELETE /project/IT/classification-level/default", None, 204)


def notifications(t: Tour) -> None:
    sent = [
        {"notificationType": "User", "parameter": t.me},
        {"notificationType": "ProjectRole", "parameter": "10002"},
        {"notificationType": "Group", "parameter": "jira-software-users"},
    ]
    events = [{"event": {"id": "1"}, "notifications": sent}]
    body = {"name": "N", "notificationSchemeEvents": events}
    path = f"/notificationscheme/{t('POST /notificationscheme', body, 201)['id']}"
    t("GET /notificationscheme?expand=all")
    t("GET /notificationscheme/project")
    t("GET /project/IT/notificationscheme")
    t(f"PUT {path}", {"name": "N2"}, 204)
    more = [{"event": {"id": "2"}, "notifications": [{"notificationType": "Reporter"}]}]
    t(f"PUT {path}/notification", {"notificationSchemeEvents": more}, 204)
    t(f"PUT {path}/notification", {"notificationSchemeEvents": more}, 400)
    found = t(f"GET {path}?expand=all")["notificationSchemeEvents"]
    assert [len(event["notifications"]) for event in found] == [3, 1]
    t(f"DELETE {path}/notification/{found[0]['notifications'][0]['id']}", None, 204)
    t(f"DELETE {path}", None, 204)
    t(f"GET {path}", None, 404)


def parts(t: Tour) -> None:
    one = t("POST /version", {"name": "1.0", "projectId": 10000, "releaseDate": "2026-04-01"})
    two = t("POST /version", {"name": "2.0", "projectId": 10000})
    path = f"/version/{one['id']}"
    t(f"GET {path}")
    t(f"POST {path}/move", {"position": "Last"})
    assert [v["name"] for v in t("GET /project/IT/versions")] == ["2.0", "1.0"]
    t(f"POST {path}/move", {"position": "First"})
    t(f"POST {path}/move", {"after": two["self"]})
    t(f"POST {path}/move", {}, 400)
    t(f"GET {path}/relatedIssueCounts")
    t(f"GET {path}/unresolvedIssueCount")
    work = {"category": "Design", "title": "t", "url": "https://x.example"}
    key = t(f"POST {path}/relatedwork", work, 201)["relatedWorkId"]
    t(f"GET {path}/relatedwork")
    t(f"PUT {path}/relatedwork", {**work, "relatedWorkId": key, "category": "D2"})
    t(f"DELETE {path}/relatedwork/{key}", None, 204)
    t("GET /project/IT/version?query=1")
    t(f"PUT {path}", {"released": True})
    issue = t.issue(fixVersions=[{"name": "1.0"}])
    t(f"PUT {path}/mergeto/{two['id']}", None, 204)
    assert t(f"GET /issue/{issue}?fields=fixVersions")["fields"]["fixVersions"][0]["name"] == "2.0"
    t(f"POST /version/{two['id']}/removeAndSwap", {}, 204)
    three = t("POST /version", {"name": "3.0", "projectId": 10000})
    t(f"DELETE /version/{three['id']}", None, 204)
    body = {"name": "Net", "project": "IT", "leadAccountId": t.me, "assigneeType": "COMPONENT_LEAD"}
    component = t("POST /component", body, 201)["id"]
    t("GET /component?projectIdsOrKeys=IT")
    t(f"GET /component/{component}")
    t(f"PUT /component/{component}", {"description": "cables"})
    t(f"GET /component/{component}/relatedIssueCounts")
    t("GET /project/IT/component")
    t("GET /project/IT/components")
    t(f"DELETE /component/{component}", None, 204)


def issues(t: Tour) -> None:
    one, two = t.issue(), t.issue()
    number = t(f"GET /issue/{one}?expand=names,schema,changelog")["id"]
    more = {"project": {"key": "IT"}, "issuetype": {"name": "Bug"}, "summary": "s"}
    t("POST /issue/bulk", {"issueUpdates": [{"fields": more}]}, 201)
    t("POST /issue/bulkfetch", {"issueIdsOrKeys": [one, "IT-99"], "fields": ["summary"]})
    t(f"PUT /issue/{one}", {"fields": {"summary": "y"}}, 204)
    t(f"PUT /issue/{one}/assignee", {"accountId": t.me}, 204)
    found = t(f"GET /issue/{one}/changelog")
    wanted = {"changelogIds": [int(found["values"][0]["id"])]}
    assert t(f"POST /issue/{one}/changelog/list", wanted)["total"] == 1
    t("POST /changelog/bulkfetch", {"issueIdsOrKeys": [one], "fieldIds": ["summary"]})
    t(f"GET /issue/{one}/transitions")
    t(f"POST /issue/{one}/transitions", {"transition": {"id": "21"}}, 204)
    t(f"GET /issue/{one}/watchers")
    t(f"DELETE /issue/{one}/watchers?accountId={t.me}", None, 204)
    t(f"POST /issue/{one}/watchers", t.me, 204)
    t(f"GET /issue/{one}/votes")
    t("POST /issue/watching", {"issueIds": [number]})
    t("GET /issue/picker?query=y")
    somebody = next(u["accountId"] for u in t("GET /users") if u["accountId"] != t.me)
    t(f"POST /issue/{one}/notify", {"to": {"users": [{"accountId": somebody}]}}, 204)
    t(f"POST /issue/{one}/notify", {"to": {}}, 400)
    t("GET /issue/limit/report")
    t.properties(f"/issue/{one}/properties")
    values = {"a": 1}
    t("POST /issue/properties", {"entitiesIds": [int(number)], "properties": values}, 303)
    each = {"issues": [{"issueID": int(number), "properties": {"b": 2}}]}
    t("POST /issue/properties/multi", each, 303)
    t("PUT /issue/properties/z", {"value": 1, "filter": {"hasProperty": False}}, 303)
    t("DELETE /issue/properties/z", {}, 303)
    keys = t(f"GET /issue/{one}/properties")["keys"]
    assert [key["key"] for key in keys] == ["a", "b"]
    link = {"type": {"name": "Blocks"}, "inwardIssue": {"key": one}, "outwardIssue": {"key": two}}
    t("POST /issueLink", link, 201)
    key = t(f"GET /issue/{one}?fields=issuelinks")["fields"]["issuelinks"][0]["id"]
    t(f"GET /issueLink/{key}")
    t(f"DELETE /issueLink/{key}")
    kind = t("POST /issueLinkType", {"name": "Tests", "inward": "is tested by",
                                     "outward": "tests"}, 201)["id"]  # fmt: skip
    t(f"PUT /issueLinkType/{kind}", {"name": "Tests2"})
    t(f"GET /issueLinkType/{kind}")
    t("GET /issueLinkType")
    t(f"DELETE /issueLinkType/{kind}", None, 204)
    elsewhere = {"globalId": "g", "object": {"title": "t", "url": "https://x.example"}}
    key = t(f"POST /issue/{one}/remotelink", elsewhere, 201)["id"]
    t(f"GET /issue/{one}/remotelink")
    t(f"GET /issue/{one}/remotelink/{key}")
    t(f"DELETE /issue/{one}/remotelink?globalId=g", None, 204)
    t(f"DELETE /issue/{two}", None, 204)


def comments(t: Tour) -> None:
    one, two = t.issue(), t.issue()
    key = t(f"POST /rest/api/2/issue/{one}/comment", {"body": "hi"}, 201)["id"]
    t(f"GET /issue/{one}/comment")
    t(f"GET /issue/{one}/comment/{key}")
    t("POST /comment/list", {"ids": [int(key)]})
    t.properties(f"/comment/{key}/properties")
    t(f"DELETE /issue/{one}/comment/{key}", None, 204)
    log = int(t(f"POST /issue/{one}/worklog", {"timeSpentSeconds": 3600}, 201)["id"])
    t(f"GET /issue/{one}/worklog")
    t("POST /worklog/list", {"ids": [log]})
    assert [row["worklogId"] for row in t("GET /worklog/updated")["values"]] == [log]
    t.properties(f"/issue/{one}/worklog/{log}/properties")
    t(f"POST /issue/{one}/worklog/move", {"ids": [log], "issueIdOrKey": two}, 204)
    number = int(t(f"GET /issue/{two}")["id"])
    pairs = {"requests": [{"issueId": number, "worklogId": log}]}
    t("POST /rest/internal/api/latest/worklog/bulk", pairs)
    t(f"DELETE /issue/{two}/worklog", {"ids": [log]}, 204)
    assert t(f"GET /issue/{two}?fields=timespent")["fields"]["timespent"] is None
    assert [row["worklogId"] for row in t("GET /worklog/deleted")["values"]] == [log]


def bulk(t: Tour) -> None:
    one, two = t.issue(), t.issue()
    both = {"selectedIssueIdsOrKeys": [one, two]}
    t.task(t("POST /bulk/issues/unwatch", both, 201))
    assert t(f"GET /issue/{one}/watchers")["watchCount"] == 0
    t.task(t("POST /bulk/issues/watch", both, 201))
    t(f"GET /bulk/issues/transition?issueIdsOrKeys={one},{two}")
    step = {"selectedIssueIdsOrKeys": [one], "transitionId": "21"}
    t.task(t("POST /bulk/issues/transition", {"bulkTransitionInputs": [step]}, 201))
    t(f"GET /bulk/issues/fields?issueIdsOrKeys={one}")
    labels = {"fieldId": "labels", "labels": [{"name": "q"}]}
    labels["bulkEditMultiSelectFieldOption"] = "ADD"
    given = {"labelsFields": [labels], "priority": {"priorityId": "1"}}
    edit = {**both, "selectedActions": ["labels", "priority"], "editedFieldsInput": given}
    t.task(t("POST /bulk/issues/fields", edit, 201))
    target = {"targetToSourcesMapping": {"IT,10004": {"issueIdsOrKeys": [one]}}}
    t.task(t("POST /bulk/issues/move", target, 201))
    found = t(f"GET /issue/{one}?fields=labels,priority,status,issuetype")["fields"]
    assert found["labels"] == ["q"]
    names = [found[name]["name"] for name in ("priority", "status", "issuetype")]
    assert names == ["Highest", "In Progress", "Bug"]
    assert t("PUT /issue/archive", {"issueIdsOrKeys": [two]})["numberOfIssuesUpdated"] == 1
    assert t("POST /search/jql", {"jql": f"key in ({one}, {two})"})["issues"][0]["id"]
    t("PUT /issue/archive", {"issueIdsOrKeys": ["IT-99"]}, 400)
    t("PUT /issue/unarchive", {"issueIdsOrKeys": [two]})
    t("POST /issue/archive", {"jql": f"key = {two}"}, 202)
    t.site.universe.clock.advance(2)
    assert t("POST /search/jql", {"jql": f"key in ({two})"})["issues"] == []
    t("PUT /issues/archive/export", {}, 202)
    t.task(t("POST /bulk/issues/delete", {"selectedIssueIdsOrKeys": [one]}, 201))
    t(f"GET /issue/{one}", None, 404)


def apps(t: Tour) -> None:
    for path in (f"{_CONNECT}/addons/x/properties", _FORGE):
        assert t(f"PUT {path}/p", 1, 201)["statusCode"] == 201
        t(f"PUT {path}/p", 2, 200)
        t(f"GET {path}")
        assert t(f"GET {path}/p")["value"] == 2
        t(f"DELETE {path}/p", None, 204)
    modules = f"{_CONNECT}/app/module/dynamic"
    t(f"POST {modules}", {"jiraIssueFields": [{"key": "a"}]}, 200)
    t(f"POST {modules}", {"jiraIssueFields": [{"key": "a"}]}, 400)
    t(f"GET {modules}")
    t(f"DELETE {modules}", None, 204)
    hook = {"events": ["jira:issue_created"], "jqlFilter": "project = IT"}
    t("POST /webhook", {"url": "https://x.example", "webhooks": [hook]})
    t("GET /webhook")
    t("PUT /webhook/refresh", {"webhookIds": [1]})
    t("GET /webhook/failed")
    t("DELETE /webhook", {"webhookIds": [1]}, 202)


def files(t: Tour) -> None:
    key = t.issue()
    assert t("GET /attachment/meta")["enabled"] is True
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("docs/read.txt", "hello")
    found = {}
    for name, data in (("a.zip", packed.getvalue()), ("b.png", b"\x89PNG"), ("c.txt", b"hello")):
        form = _form(name, data)
        kind = {"content_type": "multipart/form-data; boundary=xyz"}
        found[name] = t(f"POST /issue/{key}/attachments", form, 200, **kind, **_NO_CHECK)[0]["id"]
    archive_id, picture, text = found.values()
    assert t(f"GET /attachment/{archive_id}")["filename"] == "a.zip"
    entries = t(f"GET /attachment/{archive_id}/expand/human")["entries"]
    assert entries[0]["path"] == "docs/read.txt"
    assert t(f"GET /attachment/{archive_id}/expand/raw")["entries"][0]["size"] == 5
    t(f"GET /attachment/{text}/expand/raw", None, 409)
    t(f"GET /attachment/content/{text}", None, 303)
    assert t(f"GET /secure/attachment/{text}/c.txt") == b"hello"
    assert t(f"GET /attachment/content/{text}?redirect=false", None, 200) == b"hello"
    part = t(f"GET /attachment/content/{text}?redirect=false", None, 206, range="bytes=1-2")
    assert part == b"el"
    t(f"GET /attachment/content/{text}?redirect=false", None, 416, range="bytes=9-")
    t(f"GET /attachment/thumbnail/{picture}", None, 303)
    t(f"GET /attachment/thumbnail/{text}?fallbackToDefault=false", None, 404)
    t(f"DELETE /attachment/{text}", None, 204)
    t(f"GET /attachment/{text}", None, 404)


def _form(name: str, data: bytes) -> bytes:
    head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n--xyz--"


def expressions(t: Tour) -> None:
    key = t.issue("Printer", labels=["hw"])
    context: dict[str, Any] = {"issue": {"key": key}}

    def value(text: str, **more: Any) -> Any:
        body = {"expression": text, "context": {**context, **more}}
        return t("POST /expression/eval?expand=meta.complexity", body)["value"]

    assert value("issue.summary.toUpperCase() + '!'") == "PRINTER!"
    assert value("[1, 2, 3].filter(x => x > 1).map(x => x * 2)") == [4, 6]
    assert value("{key: issue.key, who: user.accountId}") == {"key": key, "who": t.me}
    assert value("issue.assignee == null ? 'nobody' : issue.assignee.displayName") == "nobody"
    found = {"jql": {"query": "project = IT", "maxResults": 10, "startAt": 0}}
    assert value("issues.map(i => i.key)", issues=found) == [key]
    body = {"expression": "issues.length", "context": {"issues": {"jql": {"query": ""}}}}
    assert t("POST /expression/evaluate", body)["meta"]["issues"]["jql"]["isLast"] is True
    results = t("POST /expression/analyse", {"expressions": ["1 + 1", "1 +"]})["results"]
    assert [result["valid"] for result in results] == [True, False]
    for wrong in ("issue.colour", "nobody", "1 +", "1 / 0", "[].first()", ""):
        t("POST /expression/eval", {"expression": wrong, "context": context}, 400)
    t("POST /expression/eval", {"expression": "1", "context": {"issue": {"key": "NO-1"}}}, 404)


def redactions(t: Tour) -> None:
    key = t.issue("Call 555-1234 now")
    number = t(f"GET /issue/{key}")["id"]
    content = {"entityId": number, "entityType": "issuefieldvalue", "id": "summary"}
    one = {
        "contentItem": content,
        "externalId": "b0e5a1a2-5f55-4bd5-9c1f-b0a5a3f4ab01",
        "reason": "a phone number",
        "redactionPosition": {"expectedText": "555-1234", "from": 5, "to": 13},
    }
    job = t("POST /redact", {"redactions": [one]}, 202)
    done = t(f"GET /redact/status/{job}")["bulkRedactionResponse"]["results"]
    assert [result["successful"] for result in done] == [True]
    found = t(f"GET /issue/{key}?fields=summary")["fields"]["summary"]
    assert found == "Call " + "\u2588" * 8 + " now"
    job = t("POST /redact", {"redactions": [one]}, 202)
    done = t(f"GET /redact/status/{job}")["bulkRedactionResponse"]["results"]
    assert [result["successful"] for result in done] == [False]
    moved = f"{_CONNECT}/migration"
    rows = [{"entityId": int(number), "key": "k", "value": "v"}]
    t(f"PUT {moved}/properties/IssueProperty", rows, 200)
    assert t(f"GET /issue/{key}/properties/k")["value"] == "v"
    value = {"_type": "NumberIssueField", "issueID": int(number), "fieldID": 10028, "number": 5}
    t(f"PUT {moved}/field", {"updateValueList": [value]}, 200)
    assert t(f"GET /issue/{key}")["fields"]["customfield_10028"] == 5
    t(f"GET {moved}/app/field/task", None, 404)
    t(f"GET {_CONNECT}/service-registry?serviceIds=x")


TOURS = {
    tour.__name__: tour
    for tour in (
        *(users, groups, filters, dashboards, site, avatars, roles, projects, notifications),
        *(parts, issues, comments, bulk, apps, files, expressions, redactions),
    )
}
