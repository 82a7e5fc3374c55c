"""Calls that make projects from templates, and templates from projects."""

from typing import Any

from tests.twins.jira.config_tours import BASIC
from tests.twins.jira.tours import Tour

__all__ = ["project_templates"]


def _ref(kind: str, name: str) -> dict[str, Any]:
    """A PCRI as an object; ``_text`` writes the same one as a text."""
    return {"entityType": kind, "type": "ref", "entityId": name}


def _text(kind: str, name: str, how: str = "ref") -> str:
    return f"pcri:{kind}:{how}:{name}"


_STEPS = [
    {"id": 1, "type": "initial", "name": "Create", "to": {"status": _ref("status", "new")}},
    {"id": 11, "type": "directed", "name": "Triage", "to": {"status": _ref("status", "seen")},
     "from": [{"status": _ref("status", "new")}],
     "conditions": {"operation": "ALL", "conditions": [], "conditionGroup": [
         {"operation": "ANY", "conditions": [
             {"ruleKey": "system:restrict-issue-transition",
              "parameters": {"accountIds": "allow-reporter"}}]}]}},
    {"id": 21, "type": "global", "name": "Close", "to": {"status": _ref("status", "done")}},
]  # fmt: skip


def _template(me: str) -> dict[str, Any]:
    """A help desk with everything of its own."""
    statuses: list[dict[str, Any]] = [
        {"name": "New request", "statusCategory": "TODO", "pcri": _ref("status", "new")},
        {"name": "Triaged", "statusCategory": "IN_PROGRESS", "pcri": _ref("status", "seen")},
        {"name": "Done", "statusCategory": "DONE", "pcri": _ref("status", "done"),
         "onConflict": "USE"},
    ]  # fmt: skip
    names = ("new", "seen", "done")
    flow = {"name": "Request flow", "pcri": _ref("workflow", "flow"), "transitions": _STEPS,
            "statuses": [{"pcri": _ref("status", name)} for name in names]}  # fmt: skip
    fields = ["summary", "reporter", "description"]
    screen = {"name": "Request screen", "pcri": _ref("screen", "screen"), "tabs": [
        {"name": "Ask", "fields": [_text("field", name, "id") for name in fields]},
        {"name": "More", "fields": [_ref("customField", "impact")]}]}  # fmt: skip
    layout = {"name": "Requests", "pcri": _ref("fieldLayout", "l"), "configuration": [
        {"pcri": _ref("customField", "impact"), "field": True, "required": True}]}  # fmt: skip
    everybody = ["BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES",
                 "MODIFY_REPORTER", "ADMINISTER_PROJECTS"]  # fmt: skip
    grants = [
        {"permissionKeys": everybody, "projectRoles": [_ref("role", "agents")]},
        {"permissionKeys": ["BROWSE_PROJECTS"], "specialGrants": ["reporter"]},
    ]
    event = {"event": {"id": "1"}, "notifications": [{"notificationType": "Reporter"}]}
    return {
        "project": {
            "projectTypeKey": "software",
            "pcri": _ref("project", "desk"),
            **{f"{name}SchemeId": _ref("scheme", name) for name in (
                "permission", "issueSecurity", "workflow", "issueType", "issueTypeScreen",
                "fieldLayout", "notification")},
        },
        "role": {
            "roles": [{"name": "Agents", "pcri": _ref("role", "agents"),
                       "defaultActors": [_text("user", me, "id")]}],
            "roleToProjectActors": {_text("role", "agents"): [_text("user", me, "id")]},
        },
        "issueType": {
            "issueTypes": [
                {"name": "Request", "hierarchyLevel": 0, "pcri": _ref("issueType", "request")},
                {"name": "Bug", "onConflict": "NEW", "pcri": _ref("issueType", "bug")},
            ],
            "issueTypeScheme": {
                "name": "Requests", "pcri": _ref("scheme", "issueType"),
                "issueTypeIds": [_ref("issueType", "request"), _ref("issueType", "bug")],
                "defaultIssueTypeId": _ref("issueType", "request"),
            },
        },
        "field": {
            "customFieldDefinitions": [
                {"name": "Impact", "cfType": f"{BASIC}textfield",
                 "pcri": _ref("customField", "impact")}],
            "screens": [screen],
            "screenScheme": [{"name": "Requests", "defaultScreen": _ref("screen", "screen"),
                              "pcri": _ref("screenScheme", "s")}],
            "issueTypeScreenScheme": {
                "name": "Requests", "pcri": _ref("scheme", "issueTypeScreen"),
                "defaultScreenScheme": _ref("screenScheme", "s")},
            "fieldLayouts": [layout],
            "fieldLayoutScheme": {
                "name": "Requests", "pcri": _ref("scheme", "fieldLayout"),
                "explicitMappings": {_text("issueType", "bug"): _ref("fieldLayout", "l")}},
        },
        "workflow": {
            "statuses": statuses,
            "workflows": [flow],
            "workflowScheme": {"name": "Requests", "pcri": _ref("scheme", "workflow"),
                               "defaultWorkflow": _ref("workflow", "flow")},
        },
        "permissionScheme": {"name": "Requests", "pcri": _ref("scheme", "permission"),
                             "grants": grants},
        "notification": {"name": "Requests", "pcri": _ref("scheme", "notification"),
                         "notificationSchemeEvents": [event]},
        "security": {"name": "Requests", "pcri": _ref("scheme", "issueSecurity"),
                     "securityLevels": [{"name": "Staff", "securityLevelMembers": [
                         {"type": "reporter"}]}]},
        "boards": {"boards": [{"name": "Desk", "supportsSprint": False}]},
    }  # fmt: skip


def _made(t: Tour, details: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """The task of making a project, when it is over."""
    body = {"details": details, "template": template}
    t("POST /project-template", body, 303)
    place = dict(t.site.universe.tap[-1].response_headers)["location"]
    path = "/rest/" + place.partition("/rest/")[2]
    assert t(f"GET {path}")["status"] == "ENQUEUED"
    t.site.universe.clock.advance(2)
    found: dict[str, Any] = t(f"GET {path}")
    return found


def project_templates(t: Tour) -> None:
    details = {"key": "DESK", "name": "Desk", "leadAccountId": t.me, "description": "ask us"}
    refused = t("POST /project-template", {"details": {"key": "it", "name": ""}}, 400)["errors"]
    assert set(refused) == {"projectKey", "projectName"}
    task = _made(t, details, _template(t.me))
    assert (task["status"], task["result"]["projectKey"]) == ("COMPLETE", "DESK")
    shown = t("GET /project/DESK?expand=lead,description,issueTypes")
    assert (shown["description"], shown["lead"]["accountId"]) == ("ask us", t.me)
    assert [one["name"] for one in shown["issueTypes"]] == ["Request", "Bug 2"]

    impact = next(one["id"] for one in t("GET /field") if one["name"] == "Impact")
    new = {"project": {"key": "DESK"}, "summary": "Help"}
    refused = t("POST /issue", {"fields": {**new, "issuetype": {"name": "Bug 2"}}}, 400)
    assert refused["errors"] == {impact: "Impact is required."}
    refused = t(
        "POST /issue",
        {"fields": {**new, "issuetype": {"name": "Request"}, "labels": ["a"]}},
        400,
    )
    assert set(refused["errors"]) == {"labels"}
    key = t("POST /issue", {"fields": {**new, "issuetype": {"name": "Request"}}}, 201)["key"]
    assert t(f"GET /issue/{key}")["fields"]["status"]["name"] == "New request"
    steps = t(f"GET /issue/{key}/transitions")["transitions"]
    assert [one["name"] for one in steps] == ["Triage", "Close"]
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "21"}}, 204)
    assert t(f"GET /issue/{key}")["fields"]["status"]["id"] == "10001"  # the Done there was
    board = t("GET /rest/agile/1.0/board?projectKeyOrId=DESK")["values"][0]
    assert (board["name"], board["type"]) == ("Desk", "kanban")

    wrong = _template(t.me)
    wrong["project"]["workflowSchemeId"] = _ref("scheme", "nowhere")
    task = _made(t, {"key": "DESQ", "name": "Desq"}, {"project": wrong["project"]})
    assert task["status"] == "FAILED"
    t("GET /project/DESQ", None, 404)

    # A template that follows its project, and one of its state of now.
    number = int(shown["id"])
    sent: dict[str, Any] = {"projectId": number, "templateType": "LIVE"}
    body = {"templateName": "Help desk", "templateFromProjectRequest": sent}
    live = t("POST /project-template/save-template", body, 200)["projectTemplateKey"]["key"]
    t("POST /project-template/save-template", body, 400)
    t("POST /project-template/save-template", {**body, "templateName": "x" * 51}, 400)
    sent["templateType"] = "SNAPSHOT"
    body["templateName"] = "Help desk of now"
    fixed = t("POST /project-template/save-template", body, 200)["projectTemplateKey"]["key"]
    change = {"templateKey": live, "templateDescription": "for all",
              "templateGenerationOptions": {"enableScreenDelegatedAdminSupport": True}}  # fmt: skip
    t("PUT /project-template/edit-template", change, 200)
    found = t(f"GET /project-template/live-template?projectId={number}")
    assert (found["name"], found["description"], found["type"]) == ("Help desk", "for all", "LIVE")
    assert found["templateGenerationOptions"]["enableScreenDelegatedAdminSupport"] is True
    found = t(f"GET /project-template/live-template?templateKey={fixed}")
    assert found["snapshotTemplate"]["project"]["workflowScheme"]
    t("GET /project-template/live-template", None, 400)
    t("PUT /project/DESK", {"assigneeType": "PROJECT_LEAD"}, 200)
    for key, template, assignee in (("A1", live, "PROJECT_LEAD"), ("B1", fixed, "UNASSIGNED")):
        asked = {"key": key, "name": key, "leadAccountId": t.me, "projectTemplateKey": template}
        t("POST /project", {**asked, "projectTypeKey": "software"}, 201)
        made = t(f"GET /project/{key}")
        assert [one["name"] for one in made["issueTypes"]] == ["Request", "Bug 2"]
        assert made["assigneeType"] == assignee
    t(f"DELETE /project-template/remove-template?templateKey={live}", None, 200)
    t(f"DELETE /project-template/remove-template?templateKey={live}", None, 404)
    t("PUT /project-template/edit-template", {"templateKey": live}, 404)
