"""Applications that an administrator's role is limited to, and where its assignments come from."""

from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .app_defaults import NAMES
from .apps import APPS
from .base import listed, now, page
from .fields import INVALID
from .resource import Resource, link, rows_of
from .roles import find_assignment, holder_of
from .users import find_user, groups_of

__all__ = ["RESOURCES", "shown_app"]

_USER: Final = "/api/v1/users/{userId}/roles/{roleAssignmentId}"
_GROUP: Final = "/api/v1/groups/{groupId}/roles/{roleAssignmentId}"
_CLIENT: Final = "/oauth2/v1/clients/{clientId}/roles/{roleAssignmentId}"
_APPS: Final = "/targets/catalog/apps"
_GRANT: Final = _USER + "/governance/{grantId}"
_CATALOG: Final = {
    "amazon_aws": "Amazon Web Services",
    "asana": "Asana",
    "atlassian_cloud": "Atlassian Cloud",
    "boxnet": "Box",
    "docusign": "DocuSign",
    "dropbox_for_business": "Dropbox for Business",
    "facebook": "Facebook",
    "github": "GitHub",
    "google": "Google Workspace",
    "jira_onprem": "Jira On-Premise",
    "linkedin": "LinkedIn",
    "office365": "Microsoft Office 365",
    "okta_org2org": "Okta Org2Org",
    "salesforce": "Salesforce.com",
    "servicenow_ud": "ServiceNow UD",
    "slack": "Slack",
    "twitter": "Twitter",
    "workday": "Workday",
    "zendesk": "Zendesk",
    "zoomus": "Zoom",
}
"""Some applications of Okta's catalogue, besides the generic ones and the organisation's own."""


def _limited(call: Call) -> Row:
    """The assignment of the path; refuses a role that cannot be limited to applications."""
    row = find_assignment(call)
    if row["type"] != "APP_ADMIN":
        sentence = "The provided role type was not the same as required role type."
        raise errors.refuse(call, 403, "E0000091", sentence)
    return row


def _put(call: Call, row: Row, apps: list[Row]) -> None:
    changed = {**row, "apps": apps, "lastUpdated": now(call)}
    call.twin["roles"].put((row["holder"], row["id"]), changed)


def _target(call: Call) -> Row:
    """The application of the path: a name of the catalogue, or one instance of it."""
    name, key = call.params["appName"], call.params.get("appId")
    if key is not None:
        app = APPS.by_key(call, key)
        if app["fields"]["name"] != name:
            raise errors.not_found(call, key, APPS.kind)
        return {"name": name, "id": key}
    known = {app["fields"]["name"] for app in rows_of(call.twin, "apps")}
    if name not in known | set(_CATALOG) | set(NAMES):
        raise errors.not_found(call, name, "App")
    return {"name": name, "id": None}


def shown_app(call: Call, target: Row) -> dict[str, Any]:
    """An application that a role is limited to, as the catalogue or the organisation has it."""
    name = target["name"]
    title = _CATALOG.get(name, name)
    shown: dict[str, Any] = {
        "name": name,
        "displayName": title,
        "description": "",
        "status": "ACTIVE",
        "lastUpdated": now(call),
        "category": "",
        "verificationStatus": "OKTA_VERIFIED",
        "website": "",
        "signOnModes": [],
        "features": [],
    }
    if target["id"]:
        app = call.twin["things"].get(("apps", target["id"]))
        if app is not None:
            shown |= {
                "id": app["id"],
                "displayName": app["fields"]["label"],
                "status": app["status"],
                "lastUpdated": app["lastUpdated"],
                "signOnModes": [app["fields"]["signOnMode"]],
                "features": app["fields"]["features"],
            }
    href = f"apps/{target['id']}" if target["id"] else f"catalog/apps/{name}"
    logo = f"{call.request.base_url}/assets/img/logos/{name}.png"
    shown["_links"] = {
        "logo": [{"name": "medium", "href": logo, "type": "image/png"}],
        "self": {"href": link(call, href)},
    }
    return shown


class RoleTargets(Resource):
    """Operations on ``…/roles/{id}/targets/catalog/apps`` and ``…/governance``."""

    name = "role_targets"
    kind = "CatalogApplication"
    path = _USER + _APPS
    verbs = ""

    @route("GET", _USER + _APPS, "")
    @route("GET", _GROUP + _APPS, "")
    @route("GET", _CLIENT + _APPS, "")
    def list_app_targets(self, call: Call) -> Response:
        """In pages of 20; an instance shows its id."""
        row = find_assignment(call)
        found = [{"n": n, **app} for n, app in enumerate(row.get("apps", []), 1)]
        rows, links = page(call, found, 20, 200)
        return listed([shown_app(call, app) for app in rows], links)

    @route("PUT", _USER + _APPS, "")
    def assign_all(self, call: Call) -> Response:
        """200; the role is for all applications again."""
        _put(call, _limited(call), [])
        return Response(200)

    @route("PUT", _GROUP + _APPS + "/{appName}", "")
    @route("PUT", _USER + _APPS + "/{appName}", "")
    @route("PUT", _CLIENT + _APPS + "/{appName}", "")
    @route("PUT", _GROUP + _APPS + "/{appName}/{appId}", "")
    @route("PUT", _USER + _APPS + "/{appName}/{appId}", "")
    @route("PUT", _CLIENT + _APPS + "/{appName}/{appId}", "")
    def assign_app(self, call: Call) -> Response:
        """204 (200 for a group's catalogue entry); an entry takes the place of its instances."""
        row = _limited(call)
        target = _target(call)
        others = [
            app
            for app in row.get("apps", [])
            if app != target and (target["id"] or app["name"] != target["name"])
        ]
        _put(call, row, [*others, target])
        return Response(200 if "groupId" in call.params and not target["id"] else 204)

    @route("DELETE", _GROUP + _APPS + "/{appName}", "")
    @route("DELETE", _USER + _APPS + "/{appName}", "")
    @route("DELETE", _CLIENT + _APPS + "/{appName}", "")
    @route("DELETE", _GROUP + _APPS + "/{appName}/{appId}", "")
    @route("DELETE", _USER + _APPS + "/{appName}/{appId}", "")
    @route("DELETE", _CLIENT + _APPS + "/{appName}/{appId}", "")
    def unassign_app(self, call: Call) -> Response:
        """204; the last one stays, as the role would then be for all applications."""
        row = _limited(call)
        apps = row.get("apps", [])
        gone = {"name": call.params["appName"], "id": call.params.get("appId")}
        if gone not in apps:
            raise errors.not_found(call, gone["id"] or call.params["appName"], self.kind)
        if len(apps) == 1:
            sentence = "The last target of a role assignment cannot be removed."
            raise errors.refuse(call, 403, "E0000006", errors.STATUS_ERRORS[403][1], sentence)
        _put(call, row, [app for app in apps if app != gone])
        return Response(204)

    @route("GET", "/api/v1/users/{userId}/roles/{roleIdOrEncodedRoleId}/targets", "")
    def list_targets(self, call: Call) -> Response:
        """Groups and applications, given to the user or to groups (``assignmentType``)."""
        user = find_user(call, call.params["userId"])
        wanted = call.request.query.get("assignmentType")
        if wanted not in (None, "USER", "GROUP"):
            raise errors.invalid(call, "assignmentType", f"assignmentType: {INVALID}")
        key = call.params["roleIdOrEncodedRoleId"]
        holders = [("USER", user["id"])]
        holders += [("GROUP", group["id"]) for group in groups_of(call.twin, user["id"])]
        found, known = [], False
        for kind, holder in holders:
            row = call.twin["roles"].get((holder, key))
            known = known or row is not None
            if row is not None and wanted in (None, kind):
                found += [self._target(call, kind, name) for name in self._names(call, row)]
        if not known:
            raise errors.not_found(call, key, "Role")
        return Response.json(found)

    def _names(self, call: Call, row: Row) -> list[str]:
        org = call.twin["org"]["org"]["id"]
        groups = [f"orn:okta:directory:{org}:groups:{key}" for key in row["targets"]]
        return groups + [
            f"orn:okta:idp:{org}:apps:{app['name']}" + (f":{app['id']}" if app["id"] else "")
            for app in row.get("apps", [])
        ]

    def _target(self, call: Call, kind: str, name: str) -> dict[str, Any]:
        key = name.rpartition(":")[2]
        href = link(call, f"{'groups' if ':groups:' in name else 'apps'}/{key}")
        return {"assignmentType": kind, "orn": name, "_links": {"self": {"href": href}}}

    # -- governance

    @route("GET", _USER + "/governance", "")
    def list_sources(self, call: Call) -> Response:
        """None: nobody gets a role through Okta's identity governance here."""
        row = find_assignment(call)
        user = holder_of(call)
        href = link(call, f"users/{user}")
        links = {
            "assignee": {"href": href},
            "self": {"href": f"{href}/roles/{row['id']}/governance"},
        }
        return Response.json({"grants": [], "_links": links})

    @route("GET", _GRANT, "")
    @route("GET", _GRANT + "/resources", "")
    def get_source(self, call: Call) -> Response:
        """404, as there are none."""
        find_assignment(call)
        raise errors.not_found(call, call.params["grantId"], "RoleGovernanceSource")


RESOURCES: Final = (RoleTargets(),)
