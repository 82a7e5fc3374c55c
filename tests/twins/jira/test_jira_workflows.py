"""What transitions take, and what becomes of issues whose status their workflow loses."""

from typing import Any

from tests.twins.jira.config_tours import new_workflow
from tests.twins.jira.conftest import Site
from tests.twins.jira.tours import Tour


def _status(t: Tour, key: str) -> str:
    return str(t(f"GET /issue/{key}?fields=status")["fields"]["status"]["name"])


def _steps(t: Tour, key: str) -> list[tuple[str, str, str]]:
    """Field, before and after of every change of an issue, the oldest first."""
    return [
        (item["field"], item["fromString"], item["toString"])
        for entry in t(f"GET /issue/{key}/changelog")["values"]
        for item in entry["items"]
    ]


def test_a_transition_without_a_screen_takes_no_fields(site: Site) -> None:
    t = Tour(site)
    key = t.issue()
    resolved: Any = {"resolution": {"name": "Done"}}
    labelled: Any = {"labels": [{"add": "a"}]}
    for how, sent in (("fields", {"summary": "y"}), ("fields", resolved), ("update", labelled)):
        body = {"transition": {"id": "21"}, how: sent}
        refused = t(f"POST /issue/{key}/transitions", body, 400)
        (field,) = sent
        assert refused["errors"] == {
            field: f"Field '{field}' cannot be set. It is not on the appropriate screen, or "
            "unknown."
        }
        assert _status(t, key) == "To Do"
    meta = t(f"GET /issue/{key}/transitions?expand=transitions.fields")["transitions"]
    assert [one["fields"] for one in meta] == [{} for _ in meta]
    words = {"type": "doc", "version": 1, "content": []}
    said = {"comment": [{"add": {"body": words}}]}
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "21"}, "update": said}, 204)
    assert _status(t, key) == "In Progress"
    assert t(f"GET /issue/{key}/comment")["total"] == 1


def test_a_transition_with_a_screen_takes_the_fields_of_the_screen(site: Site) -> None:
    t = Tour(site)
    screen = {"ruleKey": "system:transition-screen", "parameters": {"screenId": "3"}}
    flow = new_workflow(t, "Screened", transitionScreen=screen)
    body = {"name": "S", "defaultWorkflow": "Screened"}
    scheme = str(t("POST /workflowscheme", body, 201)["id"])
    given = {"workflowSchemeId": scheme, "projectId": "10000"}
    t("PUT /workflowscheme/project", given, 204)
    key = t.issue()
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "2"}}, 204)
    last = {"transition": {"id": "3"}}
    refused = t(f"POST /issue/{key}/transitions", last, 400)
    assert refused["errors"] == {"resolution": "Resolution is required."}
    refused = t(f"POST /issue/{key}/transitions", {**last, "fields": {"summary": "y"}}, 400)
    assert "summary" in refused["errors"]
    t(f"POST /issue/{key}/transitions", {**last, "fields": {"resolution": {"id": "10000"}}}, 204)
    found = t(f"GET /issue/{key}")["fields"]
    assert (found["status"]["name"], found["resolution"]["id"]) == ("Done", "10000")
    assert flow["name"] == "Screened"


def test_a_status_that_a_workflow_loses_is_mapped_without_post_functions(site: Site) -> None:
    t = Tour(site)
    made = new_workflow(t, "Flow")
    scheme = str(t("POST /workflowscheme", {"name": "S", "defaultWorkflow": "Flow"}, 201)["id"])
    given = {"workflowSchemeId": scheme, "projectId": "10000"}
    t("PUT /workflowscheme/project", given, 204)
    key = t.issue()
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "2"}}, 204)
    assert _status(t, key) == "Review Flow"
    review = made["statuses"][1]["statusReference"]
    left = [one for one in made["statuses"] if one["statusReference"] != review]
    done = left[1]["statusReference"]
    action = {"ruleKey": "system:update-field",
              "parameters": {"field": "resolution", "value": "10000"}}  # fmt: skip
    steps = [made["transitions"][0]]
    steps.append({"id": "4", "type": "DIRECTED", "name": "Finish", "toStatusReference": done,
                  "links": [{"fromStatusReference": left[0]["statusReference"]}],
                  "actions": [action]})  # fmt: skip
    workflow: dict[str, Any] = {
        "id": made["id"], "version": made["version"], "transitions": steps,
        "statuses": [{"statusReference": one["statusReference"], "properties": {}}
                     for one in left],
    }  # fmt: skip
    refused = t("POST /workflows/update", {"statuses": [], "workflows": [workflow]}, 400)
    assert "map it to another status" in refused["errorMessages"][0]
    workflow["defaultStatusMappings"] = [{"oldStatusReference": review, "newStatusReference": done}]
    before = site.universe.clock.now()
    site.universe.clock.advance(60)
    t("POST /workflows/update", {"statuses": [], "workflows": [workflow]}, 200)
    found = t(f"GET /issue/{key}")["fields"]
    assert found["status"]["name"] == "Done"
    assert (found["resolution"], found["resolutiondate"]) == (None, None)
    assert found["updated"] == found["statuscategorychangedate"] != before
    assert _steps(t, key)[-1] == ("status", "Review Flow", "Done")
    assert len(t("POST /search/jql", {"jql": "status changed to Done"})["issues"]) == 1


def test_another_scheme_maps_statuses_without_post_functions_too(site: Site) -> None:
    t = Tour(site)
    made = new_workflow(t, "Flow")
    scheme = str(t("POST /workflowscheme", {"name": "S", "defaultWorkflow": "Flow"}, 201)["id"])
    key = t.issue()
    t(f"POST /issue/{key}/transitions", {"transition": {"id": "21"}}, 204)
    switch = {"projectId": "10000", "targetSchemeId": scheme,
              "mappingsByIssueTypeOverride": [
                  {"issueTypeId": "10001",
                   "statusMappings": [{"oldStatusId": "3", "newStatusId": "10001"}]}]}  # fmt: skip
    t("POST /workflowscheme/project/switch", switch, 303)
    found = t(f"GET /issue/{key}")["fields"]
    assert (found["status"]["name"], found["resolution"]) == ("Done", None)
    assert _steps(t, key)[-1] == ("status", "In Progress", "Done")
    assert made["name"] == "Flow"


def test_a_property_can_be_an_expression_of_each_issue(site: Site) -> None:
    t = Tour(site)
    one, two = t.issue("Alpha"), t.issue("Beta")
    sent: dict[str, Any] = {"expression": "{title: issue.summary, by: user.accountId}"}
    t("PUT /issue/properties/card", sent, 303)
    for key, title in ((one, "Alpha"), (two, "Beta")):
        value = t(f"GET /issue/{key}/properties/card")["value"]
        assert value == {"title": title, "by": t.me}
    t("PUT /issue/properties/card", {**sent, "value": 1}, 400)
    t("PUT /issue/properties/card", {"expression": "issue."}, 400)
    assert site.universe.gaps == []
