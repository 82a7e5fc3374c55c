"""What is refused: things that are not there, callers that may not, bodies that say nothing."""

from typing import Any

import pytest

from tests.twins.jira.conftest import Site
from tests.twins.jira.described import Description
from tests.twins.jira.tours import Tour

NOWHERE = {"issueIdOrKey": "IT-4711", "projectIdOrKey": "NOPE", "projectKeyOrId": "NOPE"}

FINE = {
    "AddonPropertiesResource.getAddonProperties_get": "an app without properties",
    "AddonPropertiesResource.putAddonProperty_put": "any key is a new property",
    "bulkDeleteIssueProperty": "no issue has the property",
    "getApproximateApplicationLicenseCount": "nobody uses that product",
    "getScreensForField": "it is on no screen",
    "putForgeAppProperty": "any key is a new property",
}
"""Operations that answer well although nothing of that name is there, and why."""

SILENT = {
    *("createPermissionGrant", "createWorkflowSchemeDraftFromParent", "deletePriorityScheme"),
    *("deletePermissionSchemeEntity", "getAllIssueFieldOptions", "getAllSystemAvatars"),
    *("getContextsForFieldDeprecated", "getCreateIssueMetaIssueTypeId", "updatePriorityScheme"),
    *("getCreateIssueMetaIssueTypes", "getIssueSecurityScheme", "getProjectsByPriorityScheme"),
    *("getIssueTypeMappingsForContexts", "getPrioritiesByPriorityScheme"),
    "getProjectsForIssueTypeScreenScheme",
}
"""Operations whose description says nothing of things that are not there: they answer 404."""


@pytest.fixture(scope="module")
def description(request: pytest.FixtureRequest) -> Description:
    found = Description.find(request.config.rootpath)
    if found is None:
        pytest.skip("Jira's API description is not at hand")
    return found


def _refusals(site: Site, operations: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    """Status and body of every implemented operation that is asked of something unknown."""
    pack: Any = site.universe.packs["jira"]
    found: dict[str, tuple[int, Any]] = {}
    for name, (method, path, done) in sorted(pack.routes.operations.items()):
        if not done or "{" not in path or (operations and name not in operations):
            continue
        filled = "/".join(
            NOWHERE.get(part[1:-1], "987654321") if part.startswith("{") else part
            for part in path.split("/")
        )
        root = "" if path.startswith("/rest/") else "/rest/api/3"
        body: Any = {} if method in ("POST", "PUT") else None
        answer = site.raw(f"{method} {filled}", body) if root else site.plain(method, filled, body)
        found[name] = (answer.status, answer.data() if answer.body else None)
    return found


def test_what_is_not_there_is_refused_as_described(site: Site, description: Description) -> None:
    refusals = _refusals(site, description.operations)
    well = {name for name, (status, _) in refusals.items() if status < 400}
    assert well == set(FINE)
    wrong = []
    for name, (status, body) in refusals.items():
        if name in FINE:
            continue
        described = description.operations[name][2]["responses"]
        if str(status) not in described and (name not in SILENT or status != 404):
            wrong.append(f"{name}: {status} is not among {', '.join(described)}")
        elif set(body) != {"errorMessages", "errors"} or not any(body.values()):
            wrong.append(f"{name}: {body}")
    assert wrong == []


def test_the_agile_api_refuses_too(site: Site) -> None:
    refusals = _refusals(site, {})
    agile = {n: r for n, r in refusals.items() if "/rest/agile" in site.path_of(n)}
    assert len(agile) > 30
    assert {n: r for n, r in agile.items() if not 400 <= r[0] < 500} == {}


ADMINS_ONLY = """
GET /announcementBanner
PUT /announcementBanner
GET /application-properties
PUT /application-properties/jira.title
GET /applicationrole
GET /auditing/record
GET /configuration/timetracking/options
PUT /configuration/timetracking/options
GET /events
POST /group
DELETE /group?groupname=jira-software-users
POST /group/user?groupname=jira-software-users
GET /group/member?groupname=jira-software-users
POST /issueLinkType
POST /notificationscheme
POST /project
PUT /project/IT
DELETE /project/IT
POST /project/IT/archive
POST /projectCategory
POST /role
DELETE /role/10002
PUT /settings/columns
POST /user
PUT /issue/archive
GET /license/approximateLicenseCount
GET /rest/webhooks/1.0/webhook
POST /webhook
GET /issue/limit/report
"""


@pytest.mark.parametrize("line", ADMINS_ONLY.split("\n")[1:-1])
def test_who_is_no_administrator_is_told_so(site: Site, line: str) -> None:
    rows = site.universe.twins["jira"]["users"]
    bot = next(row for row in rows.rows() if row["admin"])
    rows.put(bot["id"], {**bot, "admin": False, "app": False})
    refused = Tour(site)(line, {} if line.startswith(("POST", "PUT")) else None, 403)
    assert refused["errors"] == {}
    assert len(refused["errorMessages"]) == 1
