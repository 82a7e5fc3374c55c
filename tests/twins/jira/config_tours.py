"""Calls that drive the administration of fields, screens, workflows, permissions and schemes."""

from typing import Any
from urllib.parse import quote

from tests.twins.jira.tours import Tour

__all__ = ["BASIC", "CONFIG_TOURS", "custom_field", "new_workflow"]

BASIC = "com.atlassian.jira.plugin.system.customfieldtypes:"
NOT_FOUND = 404
_CONNECT = "/rest/atlassian-connect/1"


def custom_field(t: Tour, name: str, kind: str, *, screen: bool = True) -> str:
    """A new custom field, on the default screen; its id."""
    key = str(t("POST /field", {"name": name, "type": BASIC + kind}, 201)["id"])
    if screen:
        t(f"POST /screens/addToDefault/{key}", None, 200)
    return key


def context_id(t: Tour, key: str) -> str:
    return str(t(f"GET /field/{key}/context")["values"][0]["id"])


def _one(name: str, value: Any) -> dict[str, Any]:
    return {name: value}


def fields(t: Tour) -> None:
    key = custom_field(t, "Team size", "float")
    assert (
        t(
            "GET /field/search?type=custom&query=team&expand=screensCount,contextsCount,lastUsed,"
            "isLocked,searcherKey,projectsCount,isUnscreenable"
        )["values"][0]["screensCount"]
        == 1
    )
    assert key in [one["id"] for one in t("GET /field")]
    t(f"PUT /field/{key}", {"name": "Crew", "description": "How many"}, 204)
    assert t(f"GET /field/{key}/screens?expand=tab")["values"][0]["tab"]["name"] == "Field Tab"
    issue = t.issue(**_one(key, 3))
    t("GET /projects/fields?projectId=10000&workTypeId=10001")
    t(f"POST /field/{key}/trash", None, 200)
    assert key not in t(f"GET /issue/{issue}")["fields"]
    assert t("GET /field/search/trashed")["values"][0]["id"] == key
    t(f"POST /field/{key}/restore", None, 200)
    assert t(f"GET /issue/{issue}")["fields"][key] == 3.0
    t(f"DELETE /field/{key}", None, 303)
    t(f"PUT /field/{key}", {"name": "x"}, NOT_FOUND)
    t("POST /field", {"name": "x", "type": "nope"}, 400)


def contexts(t: Tour) -> None:
    key = custom_field(t, "Region", "textfield")
    base = f"/field/{key}/context"
    everywhere = context_id(t, key)
    t(
        f"PUT {base}/defaultValue",
        {"defaultValues": [{"type": "textfield", "contextId": everywhere, "text": "EU"}]},
        204,
    )
    assert t(f"GET {base}/defaultValue")["values"][0]["text"] == "EU"
    assert t(f"GET /issue/{t.issue()}")["fields"][key] == "EU"
    t(f"PUT {base}/{everywhere}", {"name": "All"}, 204)
    t(f"PUT {base}/{everywhere}/issuetype", {"issueTypeIds": ["10004"]}, 204)
    t(f"PUT {base}/{everywhere}/issuetype", {"issueTypeIds": ["10004"]}, 400)
    assert t(f"GET {base}/issuetypemapping")["values"][0]["issueTypeId"] == "10004"
    assert key not in t(f"GET /issue/{t.issue()}")["fields"]  # a task: the context is for bugs
    t(f"POST {base}/{everywhere}/issuetype/remove", {"issueTypeIds": ["10004"]}, 204)
    one = t(f"POST {base}", {"name": "IT", "projectIds": ["10000"]}, 201)["id"]
    t(f"POST {base}", {"name": "again"}, 400)
    assert t(f"GET {base}/projectmapping?contextId={one}")["values"][0]["projectId"] == "10000"
    asked = {"mappings": [{"projectId": "10000", "issueTypeId": "10001"}]}
    assert t(f"POST {base}/mapping", asked, 200)["values"][0]["contextId"] == one
    t(f"POST {base}/{one}/project/remove", {"projectIds": ["10000"]}, 204)
    t(f"PUT {base}/{one}/project", {"projectIds": ["10000"]}, 204)
    t(f"GET /field/{key}/contexts")
    t(f"DELETE {base}/{one}", None, 204)
    t(f"DELETE {base}/{one}", None, NOT_FOUND)
    wanted = {"associationContexts": [{"type": "PROJECT_ID", "identifier": 10000}],
              "fields": [{"type": "FIELD_ID", "identifier": key}]}  # fmt: skip
    t("PUT /field/association", wanted, 204)
    t("DELETE /field/association", wanted, 204)


def options(t: Tour) -> None:
    key = custom_field(t, "Colour", "select")
    base = f"/field/{key}/context/{context_id(t, key)}/option"
    made = t(f"POST {base}", {"options": [{"value": v} for v in ("red", "green", "blue")]}, 200)
    red, green, blue = (one["id"] for one in made["options"])
    t(f"POST {base}", {"options": [{"value": "RED"}]}, 400)
    t(f"PUT {base}/move", {"customFieldOptionIds": [blue], "position": "First"}, 204)
    assert [one["value"] for one in t(f"GET {base}")["values"]] == ["blue", "red", "green"]
    t(f"PUT {base}", {"options": [{"id": green, "value": "lime", "disabled": True}]}, 200)
    assert t(f"GET /customFieldOption/{green}")["value"] == "lime"
    issue = t.issue(**_one(key, {"value": "red"}))
    refused = t(f"PUT /issue/{issue}", {"fields": {key: {"value": "lime"}}}, 400)
    assert refused["errors"] == {key: "Option value 'lime' is not valid"}
    t(f"DELETE {base}/{red}", None, 400)
    t(f"DELETE {base}/{red}/issue?replaceWith={blue}", None, 303)
    assert t(f"GET /issue/{issue}")["fields"][key]["value"] == "blue"
    t(f"DELETE {base}/{red}", None, 204)
    apps = f"/field/{key}/option"
    number = t(f"POST {apps}", {"value": "a", "properties": {"x": 1}}, 200)["id"]
    t(f"PUT {apps}/{number}", {"id": number, "value": "b"}, 200)
    for path in ("", f"/{number}", "/suggestions/edit", "/suggestions/search"):
        t(f"GET {apps}{path}")
    t(f"DELETE {apps}/{number}/issue", None, 303)
    t(f"DELETE {apps}/{number}", None, 204)
    tree = custom_field(t, "Place", "cascadingselect")
    base = f"/field/{tree}/context/{context_id(t, tree)}/option"
    top = t(f"POST {base}", {"options": [{"value": "DE"}]})["options"][0]["id"]
    t(f"POST {base}", {"options": [{"value": "Berlin", "optionId": top}]}, 200)
    issue = t.issue(**_one(tree, {"value": "DE", "child": {"value": "Berlin"}}))
    assert t(f"GET /issue/{issue}")["fields"][tree]["child"]["value"] == "Berlin"
    found = t("POST /search/jql", {"jql": 'Place in cascadeOption("DE", "Berlin")'})
    assert len(found["issues"]) == 1


def screens(t: Tour) -> None:
    screen = t("POST /screens", {"name": "Mine"}, 201)["id"]
    t("POST /screens", {"name": "mine"}, 400)
    t(f"PUT /screens/{screen}", {"description": "d"}, 200)
    tabs = f"/screens/{screen}/tabs"
    first = t(f"GET {tabs}")[0]["id"]
    second = t(f"POST {tabs}", {"name": "More"}, 200)["id"]
    t(f"PUT {tabs}/{second}", {"name": "Most"}, 200)
    t(f"POST {tabs}/{second}/move/0", None, 204)
    assert [one["id"] for one in t(f"GET {tabs}")] == [second, first]
    for name in ("summary", "labels", "priority"):
        t(f"POST {tabs}/{first}/fields", {"fieldId": name}, 200)
    t(f"POST {tabs}/{second}/fields", {"fieldId": "labels"}, 400)
    t(f"POST {tabs}/{first}/fields/labels/move", {"position": "First"}, 204)
    t(f"POST {tabs}/{first}/fields/labels/move", {"after": "summary"}, 204)
    got = [one["id"] for one in t(f"GET {tabs}/{first}/fields")]
    assert got == ["summary", "labels", "priority"]
    t(f"DELETE {tabs}/{first}/fields/priority", None, 204)
    t(f"GET /screens/tabs?screenId={screen}")
    t(f"DELETE {tabs}/{second}", None, 204)
    assert "assignee" in [one["id"] for one in t(f"GET /screens/{screen}/availableFields")]
    t("GET /screens?queryString=mine&orderBy=-name")
    scheme = t(
        "POST /screenscheme", {"name": "S", "screens": {"default": 1, "create": screen}}, 201
    )["id"]
    t(f"DELETE /screens/{screen}", None, 400)
    t(f"PUT /screenscheme/{scheme}", {"description": "x"}, 204)
    t("GET /screenscheme?expand=issueTypeScreenSchemes")
    given = [{"issueTypeId": "default", "screenSchemeId": str(scheme)}]
    types = t("POST /issuetypescreenscheme", {"name": "T", "issueTypeMappings": given}, 201)["id"]
    base = f"/issuetypescreenscheme/{types}"
    t(f"PUT {base}", {"name": "T2"}, 204)
    t("GET /issuetypescreenscheme?orderBy=name")
    bugs = {"issueTypeMappings": [{"issueTypeId": "10004", "screenSchemeId": "1"}]}
    t(f"PUT {base}/mapping", bugs, 204)
    t(f"PUT {base}/mapping/default", {"screenSchemeId": str(scheme)}, 204)
    t(f"GET /issuetypescreenscheme/mapping?issueTypeScreenSchemeId={types}")
    t(
        "PUT /issuetypescreenscheme/project",
        {"issueTypeScreenSchemeId": types, "projectId": "10000"},
        204,
    )
    t("GET /issuetypescreenscheme/project?projectId=10000")
    assert t(f"GET {base}/project")["values"][0]["key"] == "IT"
    refused = {"fields": {"project": {"key": "IT"}, "issuetype": {"name": "Task"},
                          "summary": "x", "duedate": "2026-01-01"}}  # fmt: skip
    assert "duedate" in t("POST /issue", refused, 400)["errors"]
    t.issue(kind="Bug", duedate="2026-01-01")
    t(f"POST {base}/mapping/remove", {"issueTypeIds": ["10004"]}, 204)
    t(f"DELETE {base}", None, 400)
    t(
        "PUT /issuetypescreenscheme/project",
        {"issueTypeScreenSchemeId": "1", "projectId": "10000"},
        204,
    )
    t(f"DELETE {base}", None, 204)
    t(f"DELETE /screenscheme/{scheme}", None, 204)
    t(f"DELETE /screens/{screen}", None, 204)


def field_configurations(t: Tour) -> None:
    config = t("POST /fieldconfiguration", {"name": "Strict", "description": ""}, 200)["id"]
    t("GET /fieldconfiguration?query=strict")
    t(f"PUT /fieldconfiguration/{config}", {"name": "Stricter"}, 204)
    items = [{"id": "description", "isRequired": True}, {"id": "environment", "isHidden": True}]
    t(f"PUT /fieldconfiguration/{config}/fields", {"fieldConfigurationItems": items}, 204)
    t(f"GET /fieldconfiguration/{config}/fields")
    scheme = t("POST /fieldconfigurationscheme", {"name": "FS"}, 201)["id"]
    base = f"/fieldconfigurationscheme/{scheme}"
    t(f"PUT {base}", {"name": "FS2"}, 204)
    pairs = [{"issueTypeId": "10001", "fieldConfigurationId": str(config)}]
    t(f"PUT {base}/mapping", {"mappings": pairs}, 204)
    t("GET /fieldconfigurationscheme")
    t(f"GET /fieldconfigurationscheme/mapping?fieldConfigurationSchemeId={scheme}")
    given = {"fieldConfigurationSchemeId": scheme, "projectId": "10000"}
    t("PUT /fieldconfigurationscheme/project", given, 204)
    t("GET /fieldconfigurationscheme/project?projectId=10000")
    task = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "x"}
    refused = t("POST /issue", {"fields": task}, 400)
    assert refused["errors"] == {"description": "Description is required."}
    meta = t("GET /issue/createmeta/IT/issuetypes/10001")["fields"]
    assert {one["fieldId"]: one["required"] for one in meta}["description"]
    assert "environment" not in {one["fieldId"] for one in meta}
    t(f"DELETE /fieldconfiguration/{config}", None, 400)
    t(f"POST {base}/mapping/delete", {"issueTypeIds": ["10001"]}, 204)
    t.issue()
    t(f"DELETE {base}", None, 400)
    t("PUT /fieldconfigurationscheme/project", {"projectId": "10000"}, 204)
    t(f"DELETE {base}", None, 204)
    t(f"DELETE /fieldconfiguration/{config}", None, 204)


def field_schemes(t: Tour) -> None:
    key = custom_field(t, "Region", "textfield")
    task, bug, nowhere = 10001, 10004, 999_999
    scheme = t("POST /config/fieldschemes", {"name": "Lean", "description": "few"}, 200)["id"]
    t("POST /config/fieldschemes", {"name": "lean"}, 400)
    base = f"/config/fieldschemes/{scheme}"
    assert t(f"PUT {base}", {"name": "Leaner"}, 200)["description"] == "few"
    assert t(f"GET {base}")["isDefault"] is False
    pairs = {str(scheme): {"projectIds": [10000]}, "777": {"projectIds": [10000]}}
    told = t("PUT /config/fieldschemes/projects", pairs, 207)["results"]
    assert told[1]["error"] == "Field scheme #777 doesn't exist"
    t("PUT /config/fieldschemes/projects", {str(scheme): {"projectIds": [nowhere]}}, 400)
    t("PUT /config/fieldschemes/projects", {str(scheme): {"projectIds": [10000]}}, 200)
    t("GET /config/fieldschemes/projects", None, 400)
    found = t("GET /config/fieldschemes/projects?projectId=10000")["values"]
    assert found == [{"projectId": 10000, "schemeId": scheme}]
    assert t(f"GET {base}/projects")["values"][0]["id"] == "10000"
    found = t("GET /config/fieldschemes?projectId=10000&query=LEAN")["values"]
    assert found[0]["matchedFilters"] == {"projectIds": [10000], "query": "LEAN"}
    assert "matchedFilters" not in t("GET /config/fieldschemes")["values"][0]
    t("GET /config/fieldschemes?maxResults=101", None, 400)
    t(f"DELETE {base}", None, 409)
    t("DELETE /config/fieldschemes/10000", None, 400)

    # The field is on bugs only, then nowhere, then everywhere again.
    sent: Any = {key: [{"schemeIds": [scheme], "restrictedToWorkTypes": [bug]}]}
    t("PUT /config/fieldschemes/fields", sent, 200)
    assert t(f"GET {base}/fields?fieldId={key}")["values"][0]["restrictedToWorkTypes"] == ["10004"]
    t(f"GET {base}/fields?fieldId={key}&fieldId={key}", None, 400)
    new = {"project": {"key": "IT"}, "issuetype": {"name": "Task"}, "summary": "x"}
    assert key in t("POST /issue", {"fields": {**new, key: "EU"}}, 400)["errors"]
    issue = t.issue(kind="Bug", **_one(key, "EU"))
    gone = {key: {"schemeIds": [scheme, 777]}, "nope": {"schemeIds": [scheme]}}
    told = t("DELETE /config/fieldschemes/fields", gone, 207)["results"]
    assert [one["success"] for one in told] == [True, False, False]
    t("DELETE /config/fieldschemes/fields", {"summary": {"schemeIds": [scheme]}}, 400)
    assert key in t(f"PUT /issue/{issue}", {"fields": {key: "US"}}, 400)["errors"]
    assert key not in {one["fieldId"] for one in t(f"GET {base}/fields?maxResults=100")["values"]}
    t(f"GET {base}/fields/{key}/parameters", None, 400)
    t("PUT /config/fieldschemes/fields", {key: [{"schemeIds": [scheme]}]}, 200)
    t(f"PUT /issue/{issue}", {"fields": {key: "US"}}, 204)

    # It is required, though not of bugs.
    ruled = [{"workTypeId": bug, "isRequired": False, "description": "for bugs"}]
    item = {"schemeIds": [scheme], "parameters": {"isRequired": True, "description": "where"}}
    change = {key: [{**item, "workTypeParameters": ruled}], "nope": [item]}
    told = t("PUT /config/fieldschemes/fields/parameters", change, 207)["results"]
    assert [one["success"] for one in told] == [True, True, False]
    refused = t("POST /issue", {"fields": new}, 400)
    assert refused["errors"] == {key: "Region is required."}
    t.issue(kind="Bug")
    shown = t(f"GET {base}/fields/{key}/parameters")
    assert shown["parameters"] == {"description": "where", "isRequired": True}
    assert [one["workTypeId"] for one in shown["workTypeParameters"]] == [bug]
    meta = t("GET /issue/createmeta/IT/issuetypes/10001")["fields"]
    assert {one["fieldId"]: one["required"] for one in meta}[key]
    less = [{"schemeId": scheme, "workTypeIds": [bug], "parameters": ["isRequired"]}]
    wrong = [{"schemeId": 777, "workTypeIds": [task], "parameters": ["isRequired"]}]
    told = t("DELETE /config/fieldschemes/fields/parameters", {key: less + wrong}, 207)["results"]
    assert told[1]["error"]["code"] == "SCHEME_NOT_FOUND"
    t("DELETE /config/fieldschemes/fields/parameters", {key: less}, 200)
    bugs = {**new, "issuetype": {"name": "Bug"}}
    assert key in t("POST /issue", {"fields": bugs}, 400)["errors"]
    assert t(f"GET {base}/fields?fieldId={key}")["values"][0]["workTypeParameters"] == [
        {"workTypeId": "10004", "description": "for bugs", "isRequired": True}
    ]
    # The last good one before a malformed one is not carried out either.
    t("PUT /config/fieldschemes/fields", {"labels": [{"schemeIds": [scheme]}], key: []}, 400)
    t("PUT /config/fieldschemes/projects", {"10000": {"projectIds": [10000]}}, 200)
    t.issue()
    assert t(f"DELETE {base}", None, 200) == {"id": str(scheme), "deleted": True}
    t(f"GET {base}", None, NOT_FOUND)


def issue_types(t: Tour) -> None:
    kind = t("POST /issuetype", {"name": "Incident", "hierarchyLevel": 0}, 201)["id"]
    t("POST /issuetype", {"name": "incident"}, 409)
    t(f"PUT /issuetype/{kind}", {"name": "Outage", "description": "d"}, 200)
    t("GET /issuetype")
    t(f"GET /issuetype/{kind}/alternatives")
    assert kind in [one["id"] for one in t("GET /issuetype/project?projectId=10000&level=0")]
    t.properties(f"/issuetype/{kind}/properties")
    issue = t.issue(kind="Outage")
    scheme = t(
        "POST /issuetypescheme",
        {"name": "Few", "issueTypeIds": ["10001", "10004"], "defaultIssueTypeId": "10001"},
        201,
    )["issueTypeSchemeId"]
    base = f"/issuetypescheme/{scheme}"
    given = {"issueTypeSchemeId": scheme, "projectId": "10000"}
    t("PUT /issuetypescheme/project", given, 400)
    t(f"DELETE /issuetype/{kind}", None, NOT_FOUND)
    t(f"DELETE /issuetype/{kind}?alternativeIssueTypeId=10001", None, 204)
    assert t(f"GET /issue/{issue}")["fields"]["issuetype"]["name"] == "Task"
    t("PUT /issuetypescheme/project", given, 204)
    assert len(t("GET /issue/createmeta/IT/issuetypes")["issueTypes"]) == 2
    t(f"PUT {base}/issuetype", {"issueTypeIds": ["10002"]}, 204)
    t(f"PUT {base}/issuetype/move", {"issueTypeIds": ["10002"], "position": "First"}, 204)
    t(f"DELETE {base}/issuetype/10004", None, 204)
    assert [one["name"] for one in t("GET /issuetype/project?projectId=10000")] == ["Story", "Task"]
    t(f"PUT {base}", {"name": "Fewer"}, 204)
    t("GET /issuetypescheme?queryString=few")
    t(f"GET /issuetypescheme/mapping?issueTypeSchemeId={scheme}")
    t("GET /issuetypescheme/project?projectId=10000")
    t(f"DELETE {base}", None, 204)
    t("DELETE /issuetypescheme/10000", None, 400)
    assert len(t("GET /issuetype/project?projectId=10000")) == 5


def permissions(t: Tour) -> None:
    grant = {"holder": {"type": "anyone"}, "permission": "BROWSE_PROJECTS"}
    scheme = t("POST /permissionscheme?expand=all", {"name": "Open", "permissions": [grant]}, 201)
    base = f"/permissionscheme/{scheme['id']}"
    more = {"holder": {"type": "projectRole", "value": "10002"}, "permission": "EDIT_ISSUES"}
    made = t(f"POST {base}/permission", more, 201)["id"]
    t(f"POST {base}/permission", more, 400)
    t(f"GET {base}/permission/{made}?expand=all")
    assert len(t(f"GET {base}/permission")["permissions"]) == 2
    t(f"DELETE {base}/permission/{made}", None, 204)
    t(f"PUT {base}", {"name": "Open2", "description": "d"}, 200)
    t(f"GET {base}?expand=all")
    t("GET /permissionscheme?expand=permissions")
    t("PUT /project/IT/permissionscheme", {"id": scheme["id"]}, 200)
    assert t("GET /project/IT/permissionscheme")["id"] == scheme["id"]
    mine = t("GET /mypermissions?projectKey=IT&permissions=EDIT_ISSUES,BROWSE_PROJECTS")
    assert not mine["permissions"]["EDIT_ISSUES"]["havePermission"]
    body = {"permissions": ["BROWSE_PROJECTS"]}
    assert t("POST /permissions/project", body, 200)["projects"][0]["key"] == "IT"
    asked = [{"permissions": ["EDIT_ISSUES", "BROWSE_PROJECTS"], "projects": [10000]}]
    checked = t(
        "POST /permissions/check",
        {"globalPermissions": ["ADMINISTER"], "projectPermissions": asked},
        200,
    )
    assert [one["projects"] for one in checked["projectPermissions"]] == [[], [10000]]
    wrong = t("POST /permissions/check", {"globalPermissions": ["X"]}, 400)
    assert wrong["errors"] == {"X": "Unrecognized permission"}
    t("GET /permissions")
    t(f"DELETE {base}", None, 204)
    t.issue()


def security(t: Tour) -> None:
    t.issue()
    level = {"name": "Private", "members": [{"type": "reporter"}], "isDefault": True}
    scheme = t("POST /issuesecurityschemes", {"name": "Sec", "levels": [level]}, 201)["id"]
    base = f"/issuesecurityschemes/{scheme}"
    t("GET /issuesecurityschemes")
    first = t(f"GET {base}")["levels"][0]["id"]
    t(f"PUT {base}", {"description": "d"}, 204)
    t(f"PUT {base}/level", {"levels": [{"name": "Two"}]}, 204)
    second = t(f"GET /issuesecurityschemes/level?schemeId={scheme}")["values"][1]["id"]
    group = [{"type": "group", "parameter": "jira-software-users"}]
    t(f"PUT {base}/level/{second}/member", {"members": group}, 204)
    t(f"PUT {base}/level/{second}", {"name": "Staff"}, 204)
    members = t(f"GET /issuesecurityschemes/level/member?levelId={second}&expand=all")["values"]
    t(f"GET {base}/members?expand=all")
    given = {"projectId": "10000", "schemeId": scheme}
    t("PUT /issuesecurityschemes/project", given, 303)
    t("GET /issuesecurityschemes/project?projectId=10000")
    t("GET /issuesecurityschemes/search?projectId=10000")
    t("GET /project/IT/issuesecuritylevelscheme")
    assert len(t("GET /project/IT/securitylevel")["levels"]) == 2
    t(f"GET /securitylevel/{first}")
    issue = t.issue()
    assert t(f"GET /issue/{issue}")["fields"]["security"]["name"] == "Private"
    found = t("POST /search/jql", {"jql": "level = Private"})["issues"]
    assert len(found) == 1
    values = [{"issueSecuritySchemeId": scheme, "defaultLevelId": second}]
    t("PUT /issuesecurityschemes/level/default", {"defaultValues": values}, 204)
    t(f"DELETE {base}/level/{second}/member/{members[0]['id']}", None, 204)
    t(f"DELETE {base}/level/{first}?replaceWith={second}", None, 303)
    t(f"GET /issue/{issue}", None, NOT_FOUND)  # a level that nobody is a member of
    t(f"DELETE {base}", None, 400)


def priorities(t: Tour) -> None:
    key = t("POST /priority", {"name": "Blocker", "statusColor": "#ff0000"}, 201)["id"]
    t("POST /priority", {"name": "blocker", "statusColor": "#f00"}, 400)
    t(f"PUT /priority/{key}", {"description": "Stops all"}, 204)
    t("PUT /priority/move", {"ids": [key], "position": "First"}, 204)
    assert t("GET /priority")[0]["name"] == "Blocker"
    t(f"GET /priority/{key}")
    t("PUT /priority/default", {"id": "4"}, 204)
    assert t("GET /priority/search?onlyDefault=true")["values"][0]["id"] == "4"
    issue = t.issue(priority={"name": "Blocker"})
    scheme = t(
        "POST /priorityscheme",
        {"name": "Two", "priorityIds": [2, 4], "defaultPriorityId": 4, "projectIds": [10000]},
        202,
    )["id"]
    assert t(f"GET /issue/{issue}")["fields"]["priority"]["name"] == "Low"
    refused = t(f"PUT /issue/{issue}", {"fields": {"priority": {"id": "1"}}}, 400)
    assert refused["errors"] == {"priority": "The priority selected is invalid."}
    base = f"/priorityscheme/{scheme}"
    t("GET /priorityscheme?expand=priorities,projects")
    assert len(t(f"GET {base}/priorities")["values"]) == 2
    t(f"GET {base}/projects")
    t(f"GET /priorityscheme/priorities/available?schemeId={scheme}")
    t("POST /priorityscheme/mappings", {"schemeId": int(scheme), "priorities": {"remove": [4]}})
    t(f"PUT {base}", {"name": "Three", "priorities": {"add": {"ids": [3]}}}, 202)
    t(f"DELETE {base}", None, 400)
    t(f"PUT {base}", {"projects": {"remove": {"ids": [10000]}}}, 202)
    t(f"DELETE {base}", None, 204)
    t(f"DELETE /priority/{key}", None, 303)
    done = t("POST /resolution", {"name": "Later"}, 201)["id"]
    t(f"PUT /resolution/{done}", {"name": "Someday"}, 204)
    t("PUT /resolution/move", {"ids": [done], "position": "First"}, 204)
    t("PUT /resolution/default", {"id": done}, 204)
    assert t("GET /resolution")[0]["name"] == "Someday"
    assert t("GET /resolution/search?onlyDefault=true")["values"][0]["id"] == done
    t(f"GET /resolution/{done}")
    t(f"DELETE /resolution/{done}?replaceWith=10000", None, 303)


def new_workflow(t: Tour, name: str, **step: Any) -> dict[str, Any]:
    """A workflow To Do -> Review (new) -> Done; ``step`` adds to the transition to Done."""
    statuses = [
        {"statusReference": "a", "id": "10000", "name": "To Do", "statusCategory": "TODO"},
        {"statusReference": "b", "name": f"Review {name}", "statusCategory": "IN_PROGRESS"},
        {"statusReference": "c", "id": "10001", "name": "Done", "statusCategory": "DONE"},
    ]
    steps: list[dict[str, Any]] = [
        {"id": "1", "type": "INITIAL", "name": "Create", "toStatusReference": "a"},
        {"id": "2", "type": "DIRECTED", "name": "Review", "toStatusReference": "b",
         "links": [{"fromStatusReference": "a"}]},
        {"id": "3", "type": "DIRECTED", "name": "Finish", "toStatusReference": "c",
         "links": [{"fromStatusReference": "b"}], **step},
    ]  # fmt: skip
    layout = [{"statusReference": one["statusReference"], "properties": {}} for one in statuses]
    workflow = {"name": name, "statuses": layout, "transitions": steps}
    body = {"scope": {"type": "GLOBAL"}, "statuses": statuses, "workflows": [workflow]}
    assert t("POST /workflows/create/validation", {"payload": body}, 200)["errors"] == []
    made: dict[str, Any] = t("POST /workflows/create", body, 200)["workflows"][0]
    again = {**body, "statuses": [statuses[0], statuses[2]]}
    codes = t("POST /workflows/create/validation", {"payload": again})["errors"]
    assert "NON_UNIQUE_WORKFLOW_NAME" in {one["code"] for one in codes}
    t("POST /workflows/create", again, 400)
    return made


def workflows(t: Tour) -> None:
    made = new_workflow(t, "Flow")
    key = made["id"]
    t("POST /workflows", {"workflowIds": [key]}, 200)
    t("GET /workflows/search?queryString=flow")
    t("GET /workflows/capabilities")
    t("GET /workflows/defaultEditor")
    t("POST /workflows/preview", {"projectId": "10000", "issueTypeIds": ["10001"]}, 200)
    change = {
        "statuses": [],
        "workflows": [
            {"id": key, "version": made["version"], "description": "d",
             "statuses": [{"statusReference": one["statusReference"], "properties": {}}
                          for one in made["statuses"]],
             "transitions": made["transitions"]}
        ],
    }  # fmt: skip
    assert t("POST /workflows/update/validation", {"payload": change})["errors"] == []
    assert t("POST /workflows/update", change)["workflows"][0]["version"]["versionNumber"] == 2
    t("POST /workflows/update", change, 400)  # the version is an old one
    assert len(t("POST /workflow/history/list", {"workflowId": key})["entries"]) == 2
    t("POST /workflow/history", {"workflowId": key, "version": 1})
    name = quote("Flow")
    place = f"/workflow/transitions/3/properties?workflowName={name}"
    t(f"POST {place}&key=a", {"value": "1"}, 200)
    t(f"PUT {place}&key=a", {"value": "1"}, 304)
    t(f"PUT {place}&key=a", {"value": "2"}, 200)
    assert t(f"GET {place}&key=a")["value"] == "2"
    t(f"DELETE {place}&key=a", None, 200)
    for path in ("projectUsages", "workflowSchemes", "project/10000/issueTypeUsages"):
        t(f"GET /workflow/{key}/{path}")
    old = {
        "name": "Old",
        "statuses": [{"id": "10000"}, {"id": "10001"}],
        "transitions": [
            {"name": "Create", "type": "initial", "to": "10000"},
            {"name": "Done", "type": "directed", "from": ["10000"], "to": "10001",
             "rules": {"conditions": {"type": "AllowOnlyAssignee"},
                       "validators": [{"type": "PermissionValidator",
                                       "configuration": {"permissionKey": "EDIT_ISSUES"}}]}},
        ],
    }  # fmt: skip
    entity = t("POST /workflow", old, 201)["entityId"]
    t("POST /workflow", old, 400)
    everything = "transitions.rules,transitions.properties,statuses.properties,statuses,default," \
                 "schemes,projects,hasDraftWorkflow,operations,transitions"  # fmt: skip
    t(f"GET /workflow/search?expand={everything}")
    t("GET /workflow")
    t("GET /workflow/rule/config?types=condition&types=postfunction")
    gone = [{"workflowId": {"name": "Old", "draft": False}, "workflowRuleIds": ["x"]}]
    t("PUT /workflow/rule/config/delete", {"workflows": gone}, 200)
    rules = [
        {
            "workflowId": {"name": "Old", "draft": False},
            "conditions": [{"id": "x", "key": "k", "configuration": {"value": "{}"}}],
        }
    ]
    t("PUT /workflow/rule/config", {"workflows": rules}, 200)
    _app_rules(t)
    t(f"DELETE /workflow/{entity}", None, 204)
    made = t(
        "POST /statuses",
        {"scope": {"type": "GLOBAL"}, "statuses": [{"name": "Parked", "statusCategory": "TODO"}]},
        200,
    )
    status = made[0]["id"]
    t("PUT /statuses", {"statuses": [{**made[0], "name": "Waiting"}]}, 204)
    t(f"GET /statuses?id={status}")
    assert t("GET /statuses/byNames?name=Waiting")[0]["id"] == status
    t("GET /statuses/search?statusCategory=DONE")
    for path in ("projectUsages", "workflowUsages", "project/10000/issueTypeUsages"):
        t(f"GET /statuses/10000/{path}")
    t("DELETE /statuses?id=10000", None, 400)
    t(f"DELETE /statuses?id={status}", None, 204)


def _app_rules(t: Tour) -> None:
    """Rules of an app: listed, changed, searched for while it migrates, removed."""
    rule = {"ruleKey": "forge:vote", "id": "b4d6cbdc-59f5-11e9-8647-d663bd873d93",
            "parameters": {"value": "{}", "appKey": "voting__vote"}}  # fmt: skip
    made = new_workflow(t, "Voted", validators=[rule])
    place = f"{_CONNECT}/migration/workflow/rule/search"
    asked = {"workflowEntityId": made["id"], "ruleIds": [rule["id"], "x"]}
    head = {"atlassian_transfer_id": "0f1d1f4c-4b93-4a8f-9f58-6a5a5f1fd0e1"}
    t(f"POST {place}", asked, 400)
    for few_or_many in ([], [str(n) for n in range(11)], "x"):
        t(f"POST {place}", {**asked, "ruleIds": few_or_many}, 400, **head)
    found = t(f"POST {place}", {**asked, "expand": "transition"}, 200, **head)
    assert found["invalidRules"] == ["x"]
    assert found["validRules"][0]["validators"] == [
        {"id": rule["id"], "key": "voting__vote", "configuration": {"value": "{}"},
         "transition": {"id": 3, "name": "Finish"}}
    ]  # fmt: skip
    bare = t(f"POST {place}", asked, 200, **head)["validRules"][0]["validators"]
    assert "transition" not in bare[0]
    gone = {"workflowId": {"name": "Voted", "draft": False}, "workflowRuleIds": [rule["id"]]}
    t("PUT /workflow/rule/config/delete", {"workflows": [gone]}, 200)
    assert t(f"POST {place}", asked, 200, **head)["validRules"] == []


def workflow_schemes(t: Tour) -> None:
    flow = new_workflow(t, "Flow")
    scheme = t(
        "POST /workflowscheme",
        {"name": "WS", "defaultWorkflow": "jira", "issueTypeMappings": {"10004": "Flow"}},
        201,
    )["id"]
    base = f"/workflowscheme/{scheme}"
    t("GET /workflowscheme?expand=issueTypes")
    t(f"GET {base}?expand=issueTypes")
    t(f"PUT {base}", {"name": "WS2"}, 200)
    t(f"PUT {base}/issuetype/10002", {"workflow": "Flow"}, 200)
    t(f"GET {base}/issuetype/10002")
    t(f"DELETE {base}/issuetype/10002", None, 200)
    t(f"PUT {base}/default", {"workflow": "Flow"}, 200)
    assert t(f"GET {base}/default")["workflow"] == "Flow"
    t(f"DELETE {base}/default", None, 200)
    t(f"PUT {base}/workflow?workflowName=Flow", {"issueTypes": ["10001"]}, 200)
    assert t(f"GET {base}/workflow?workflowName=Flow")["issueTypes"] == ["10001"]
    t(f"DELETE {base}/workflow?workflowName=Flow", None, 200)
    t(f"DELETE /workflow/{flow['id']}", None, 204)
    new_workflow(t, "Flow2")
    given = {"workflowSchemeId": str(scheme), "projectId": "10000"}
    t("PUT /workflowscheme/project", given, 204)
    t("GET /workflowscheme/project?projectId=10000")
    t(f"GET {base}/projectUsages")
    one = t.issue()
    t(f"POST /issue/{one}/transitions", {"transition": {"id": "21"}}, 204)
    t(f"PUT {base}/default", {"workflow": "Flow2"}, 400)  # active: only through a draft
    t(f"POST {base}/createdraft", None, 201)
    part = f"{base}/draft"
    t(f"GET {part}")
    t(f"PUT {part}", {"description": "d"}, 200)
    t(f"PUT {part}/issuetype/10004", {"workflow": "Flow2"}, 200)
    t(f"GET {part}/issuetype/10004")
    t(f"DELETE {part}/issuetype/10004", None, 200)
    t(f"PUT {part}/workflow?workflowName=Flow2", {"issueTypes": ["10004"]}, 200)
    t(f"GET {part}/workflow?workflowName=Flow2")
    t(f"DELETE {part}/workflow?workflowName=Flow2", None, 200)
    t(f"DELETE {part}/default", None, 200)
    t(f"PUT {part}/default", {"workflow": "Flow2"}, 200)
    assert t(f"GET {part}/default")["workflow"] == "Flow2"
    refused = t(f"POST {part}/publish", {"statusMappings": []}, 400)
    assert "missing the mappings required for statuses with IDs 3." in refused["errorMessages"][0]
    pair = {"issueTypeId": "10001", "statusId": "3", "newStatusId": "10000"}
    t(f"POST {part}/publish", {"statusMappings": [pair]}, 303)
    assert t(f"GET /issue/{one}")["fields"]["status"]["name"] == "To Do"
    t(f"POST {base}/createdraft", None, 201)
    t(f"DELETE {part}", None, 204)
    t(f"GET {part}", None, NOT_FOUND)
    read = t("POST /workflowscheme/read", {"projectIds": ["10000"]})[0]
    jira = t("POST /workflows", {"workflowNames": ["jira"]})["workflows"][0]["id"]
    asked = {"id": str(scheme), "defaultWorkflowId": jira, "workflowsForIssueTypes": []}
    t("POST /workflowscheme/update/mappings", asked)
    t(
        "POST /workflowscheme/update",
        {**asked, "name": "WS3", "description": "", "version": read["version"]},
        200,
    )
    t(f"DELETE {base}", None, 400)
    t("POST /workflowscheme/project/switch", {"projectId": "10000", "targetSchemeId": "10000"}, 303)
    t(f"DELETE {base}", None, 204)


def queries(t: Tour) -> None:
    key = t.issue(labels=["a b".replace(" ", "-")])
    number = int(t(f"GET /issue/{key}")["id"])
    asked = ["project = IT AND (summary ~ x OR NOT labels in (a, EMPTY)) ORDER BY created DESC",
             "status was not Done by currentUser() during (-1d, now())", "priority changed",
             'issue.property[a].b = 1 AND cf[10028] is EMPTY', "project ="]  # fmt: skip
    found = t("POST /jql/parse?validation=strict", {"queries": asked}, 200)["queries"]
    assert ["errors" in one for one in found] == [False] * 4 + [True]
    loose = t("POST /jql/parse?validation=none", {"queries": ["nope = 1"]}, 200)["queries"][0]
    assert loose["structure"]["where"]["field"]["name"] == "nope"
    matches = t("POST /jql/match", {"jqls": ["project = IT", "x ="], "issueIds": [number]}, 200)
    assert [one["matchedIssues"] for one in matches["matches"]] == [[number], []]
    t("GET /jql/autocompletedata")
    t("POST /jql/autocompletedata", {"projectIds": [10000]})
    values = t("GET /jql/autocompletedata/suggestions?fieldName=status&fieldValue=in")["results"]
    assert [one["value"] for one in values] == ['"In Progress"']
    t("POST /jql/sanitize", {"queries": [{"query": "project = IT"}]})
    moved = t("POST /jql/pdcleaner", {"queryStrings": ["assignee = automation AND project = IT"]})
    assert moved["queryStrings"] == [f"assignee = {t.me} AND project = IT"]
    t("GET /jql/function/computation")
    t("POST /jql/function/computation", {"values": []})
    t("POST /jql/function/computation/search", {"precomputationIDs": ["x"]})
    t("POST /search/approximate-count", {"jql": "project = IT"})
    page = t(
        "GET /search/jql?jql=project%3DIT&fields=summary&expand=names,schema,transitions,"
        "editmeta,renderedFields,operations,changelog&properties=a"
    )
    assert page["names"] == {"summary": "Summary"}
    assert t("POST /search/id", {"jql": "project = IT"})["issueIds"] == [number]
    t("GET /issue/createmeta?expand=projects.issuetypes.fields")
    t(f"GET /issue/{key}/editmeta")
    t("GET /label")


def plans(t: Tour) -> None:
    wanted = {
        "name": "Year",
        "issueSources": [{"type": "Project", "value": 10000}],
        "scheduling": {"estimation": "Days"},
    }
    key = t("POST /plans/plan", wanted, 201)
    base = f"/plans/plan/{key}"
    t("POST /plans/plan", {**wanted, "issueSources": []}, 400)
    t(f"PUT {base}", [{"op": "replace", "path": "/scheduling/estimation", "value": "Hours"}], 204)
    assert t(f"GET {base}")["scheduling"]["estimation"] == "Hours"
    t(f"PUT {base}", [{"op": "replace", "path": "/nope/x", "value": 1}], 400)
    given = {"name": "Crew", "planningStyle": "Kanban", "memberAccountIds": [t.me]}
    team = t(f"POST {base}/team/planonly", given, 201)
    t(f"PUT {base}/team/planonly/{team}", [{"op": "add", "path": "/capacity", "value": 2}], 204)
    assert t(f"GET {base}/team/planonly/{team}")["capacity"] == 2
    t(f"POST {base}/team/atlassian", {"id": "a-b", "planningStyle": "Scrum"}, 204)
    t(f"PUT {base}/team/atlassian/a-b", [{"op": "add", "path": "/sprintLength", "value": 2}], 204)
    t(f"GET {base}/team/atlassian/a-b")
    assert [one["type"] for one in t(f"GET {base}/team")["values"]] == ["PlanOnly", "Atlassian"]
    t(f"DELETE {base}/team/atlassian/a-b", None, 204)
    t(f"DELETE {base}/team/planonly/{team}", None, 204)
    copy = t(f"POST {base}/duplicate", {"name": "Next"}, 201)
    t(f"PUT {base}/archive", None, 204)
    t(f"PUT {base}/trash", None, 409)
    t(f"PUT /plans/plan/{copy}/trash", None, 204)
    assert t("GET /plans/plan")["values"] == []
    assert len(t("GET /plans/plan?includeTrashed=true&includeArchived=true")["values"]) == 2


def modifications(t: Tour) -> None:
    place = {"projectId": "10000", "issueTypeId": "10001", "viewType": "GIC"}
    made = t("POST /uiModifications", {"name": "M", "data": "{}", "contexts": [place]}, 201)["id"]
    t(f"PUT /uiModifications/{made}", {"description": "d"}, 204)
    shown = t("GET /uiModifications?expand=data,contexts")["values"][0]
    assert shown["contexts"][0]["viewType"] == "GIC"
    t(f"DELETE /uiModifications/{made}", None, 204)
    t(f"DELETE /uiModifications/{made}", None, NOT_FOUND)
    key = custom_field(t, "Score", "float")
    issue = t.issue()
    number = int(t(f"GET /issue/{issue}")["id"])
    t(f"PUT /app/field/{key}/value", {"updates": [{"issueIds": [number], "value": 4}]}, 204)
    many = {"updates": [{"customField": key, "issueIds": [number], "value": 5}]}
    t("POST /app/field/value", many, 204)
    assert t(f"GET /issue/{issue}")["fields"][key] == 5.0
    config = f"/app/field/{key}/context/configuration"
    place_ = context_id(t, key)
    sent = [{"id": place_, "fieldContextId": place_, "configuration": {"max": 5}}]
    t(f"PUT {config}", {"configurations": sent}, 200)
    assert t(f"GET {config}")["values"][0]["configuration"] == {"max": 5}
    t("POST /app/field/context/configuration/list", {"fieldIdsOrKeys": [key]})


CONFIG_TOURS = {
    function.__name__: function
    for function in (
        fields, contexts, options, screens, field_configurations, field_schemes, issue_types,
        permissions, security, priorities, workflows, workflow_schemes, queries, plans,
        modifications,
    )
}  # fmt: skip
"""Area to its tour."""
