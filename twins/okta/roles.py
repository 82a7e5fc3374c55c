"""Administrator roles of users and groups, and the groups such a role is limited to."""

from base64 import b32encode
from typing import Any, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors, seeds, shapes
from .apps import APPS
from .base import body_object, listed, now, page
from .groups import find_group
from .users import find_user

__all__ = ["STANDARD_ROLES", "Roles", "find_assignment", "holder_of"]

_USER: Final = "/api/v1/users/{userId}/roles"
_GROUP: Final = "/api/v1/groups/{groupId}/roles"
_ROLE: Final = "/{roleAssignmentId}"
_TARGETS: Final = _ROLE + "/targets/groups"
_CLIENT: Final = "/oauth2/v1/clients/{clientId}/roles"
STANDARD_ROLES: Final = {
    "ACCESS_CERTIFICATIONS_ADMIN": "Access Certifications Administrator",
    "ACCESS_REQUESTS_ADMIN": "Access Requests Administrator",
    "API_ACCESS_MANAGEMENT_ADMIN": "API Access Management Administrator",
    "API_ADMIN": "API Administrator",
    "APP_ADMIN": "Application Administrator",
    "GROUP_MEMBERSHIP_ADMIN": "Group Membership Administrator",
    "HELP_DESK_ADMIN": "Help Desk Administrator",
    "MOBILE_ADMIN": "Mobile Administrator",
    "ORG_ADMIN": "Organizational Administrator",
    "READ_ONLY_ADMIN": "Read-only Administrator",
    "REPORT_ADMIN": "Report Administrator",
    "SUPER_ADMIN": "Super Organization Administrator",
    "USER_ADMIN": "User Administrator",
    "WORKFLOWS_ADMIN": "Workflows Administrator",
}
"""What Okta calls them."""
_LIMITABLE: Final = ("GROUP_MEMBERSHIP_ADMIN", "HELP_DESK_ADMIN", "USER_ADMIN")


class Roles:
    """Operations on the ``roles`` of users, groups and clients."""

    @route("GET", _USER, "listAssignedRolesForUser")
    @route("GET", _GROUP, "listGroupAssignedRoles")
    @route("GET", _CLIENT, "listRolesForClient")
    def list_roles(self, call: Call) -> Response:
        """All of them, in one page; ``expand`` embeds what each is limited to."""
        holder = holder_of(call)
        table = call.twin["roles"]
        rows = [table[key] for key in table.find("holder", holder)]
        wanted = call.request.query.get("expand", "")
        return Response.json([_expanded(call, row, wanted) for row in rows])

    @route("POST", _USER, "assignRoleToUser")
    @route("POST", _GROUP, "assignRoleToGroup")
    @route("POST", _CLIENT, "assignRoleToClient")
    def assign_role(self, call: Call) -> Response:
        """Answers 201 (200 for a client); 409 when the role is assigned already."""
        status = 200 if "clientId" in call.params else 201
        holder = holder_of(call)
        body = body_object(call)
        kind = body.get("type")
        if kind == "CUSTOM":
            return self._assign_custom(call, holder, body, status)
        if not isinstance(kind, str) or kind not in STANDARD_ROLES:
            raise errors.invalid(call, "type", "type: The field has an invalid value")
        # A standard role's id is its name in base 32.
        key = b32encode(kind.encode()).decode().rstrip("=")
        if (holder, key) in call.twin["roles"]:
            sentence = "The role specified is already assigned to the user."
            raise errors.refuse(call, 409, "E0000090", sentence)
        when = now(call)
        row = {
            "id": key,
            "holder": holder,
            "type": kind,
            "created": when,
            "lastUpdated": when,
            "targets": [],
        }
        call.twin["roles"].put((holder, key), row)
        return Response.json(_shown(call, row), status)

    def _assign_custom(
        self, call: Call, holder: str, body: dict[str, Any], status: int
    ) -> Response:
        """A custom role over a resource set."""
        chosen = {}
        for name, resource, kind in (
            ("role", "custom_roles", "CustomRole"),
            ("resource-set", "resource_sets", "IAMPolicy"),
        ):
            key = body.get(name)
            if not isinstance(key, str) or not key:
                raise errors.invalid(call, name, f"{name}: The field cannot be left blank")
            found = call.twin["things"].get((resource, key))
            if found is None:
                raise errors.not_found(call, key, kind)
            chosen[name] = found
        for row in call.twin["roles"].rows():
            same = all(row.get(name) == one["id"] for name, one in chosen.items())
            if row["holder"] == holder and same:
                sentence = "The role specified is already assigned to the user."
                raise errors.refuse(call, 409, "E0000090", sentence)
        when = now(call)
        row = {
            "id": seeds.new_id(call.twin.ids.mint, "irb"),
            "holder": holder,
            "type": "CUSTOM",
            "label": chosen["role"]["fields"]["label"],
            "created": when,
            "lastUpdated": when,
            "targets": [],
            **{name: one["id"] for name, one in chosen.items()},
        }
        call.twin["roles"].put((holder, row["id"]), row)
        return Response.json(_shown(call, row), status)

    @route("GET", _USER + _ROLE, "getUserAssignedRole")
    @route("GET", _GROUP + _ROLE, "getGroupAssignedRole")
    @route("GET", _CLIENT + _ROLE, "retrieveClientRole")
    def get_role(self, call: Call) -> Response:
        """By the id of the assignment."""
        return Response.json(_shown(call, find_assignment(call)))

    @route("DELETE", _USER + _ROLE, "unassignRoleFromUser")
    @route("DELETE", _GROUP + _ROLE, "unassignRoleFromGroup")
    @route("DELETE", _CLIENT + _ROLE, "deleteRoleFromClient")
    def unassign_role(self, call: Call) -> Response:
        """204."""
        row = find_assignment(call)
        call.twin["roles"].delete((row["holder"], row["id"]))
        return Response(204)

    @route("GET", _USER + _TARGETS, "listGroupTargetsForRole")
    @route("GET", _GROUP + _TARGETS, "listGroupTargetsForGroupRole")
    @route("GET", _CLIENT + _TARGETS, "listGroupTargetRoleForClient")
    def list_targets(self, call: Call) -> Response:
        """In pages of 20."""
        groups = call.twin["groups"]
        rows = [groups[key] for key in find_assignment(call)["targets"] if key in groups]
        shown, links = page(call, rows, 20, 200, by_offset=True)
        return listed([shapes.group(row, call.request.base_url) for row in shown], links)

    @route("PUT", _USER + _TARGETS + "/{targetId}", "assignGroupTargetToUserRole")
    @route("PUT", _GROUP + _TARGETS + "/{targetId}", "assignGroupTargetToGroupAdminRole")
    @route("PUT", _CLIENT + _TARGETS + "/{groupId}", "assignGroupTargetRoleForClient")
    def assign_target(self, call: Call) -> Response:
        """204; only for roles that can be limited to groups."""
        row = find_assignment(call)
        group = find_group(call, _target(call))
        if row["type"] not in _LIMITABLE:
            sentence = "The provided role type was not the same as required role type."
            raise errors.refuse(call, 403, "E0000091", sentence)
        if group["id"] not in row["targets"]:
            _limit(call, row, [*row["targets"], group["id"]])
        return Response(204)

    @route("DELETE", _USER + _TARGETS + "/{targetId}", "unassignGroupTargetFromUserAdminRole")
    @route("DELETE", _GROUP + _TARGETS + "/{targetId}", "unassignGroupTargetFromGroupAdminRole")
    @route("DELETE", _CLIENT + _TARGETS + "/{groupId}", "removeGroupTargetRoleFromClient")
    def unassign_target(self, call: Call) -> Response:
        """204."""
        row = find_assignment(call)
        key = _target(call)
        if key not in row["targets"]:
            raise errors.not_found(call, key, "UserGroup")
        _limit(call, row, [other for other in row["targets"] if other != key])
        return Response(204)


def _limit(call: Call, row: Row, targets: list[str]) -> None:
    changed = {**row, "targets": targets, "lastUpdated": now(call)}
    call.twin["roles"].put((row["holder"], row["id"]), changed)


def _target(call: Call) -> str:
    """The id of the group that a role is limited to."""
    return call.params["groupId" if "clientId" in call.params else "targetId"]


def holder_of(call: Call) -> str:
    """The id of the user, group or client whose roles the path is about; refuses with 404."""
    client = call.params.get("clientId")
    if client is not None:
        if APPS.by_client(call.twin, client) is None:
            raise errors.not_found(call, client, "PublicClientApp")
        return client
    if "groupId" in call.params:
        return str(find_group(call, call.params["groupId"])["id"])
    return str(find_user(call, call.params["userId"])["id"])


def find_assignment(call: Call) -> Row:
    """The row of a role's assignment; refuses with 404."""
    holder, key = holder_of(call), call.params["roleAssignmentId"]
    row = call.twin["roles"].get((holder, key))
    if row is None:
        raise errors.not_found(call, key, "Role")
    return row


def _expanded(call: Call, row: Row, wanted: str) -> dict[str, Any]:
    """With the groups and applications that it is limited to, where ``expand`` names them."""
    shown = _shown(call, row)
    targets: dict[str, Any] = {}
    if "targets/groups" in wanted:
        known = call.twin["groups"]
        groups = [known[key] for key in row["targets"] if key in known]
        targets["groups"] = [shapes.group(group, call.request.base_url) for group in groups]
    if "targets/catalog/apps" in wanted:
        # Targets need this module.
        from .role_targets import shown_app

        targets["catalog"] = {"apps": [shown_app(call, app) for app in row.get("apps", [])]}
    return {**shown, "_embedded": {"targets": targets}} if targets else shown


def _shown(call: Call, row: Row) -> dict[str, Any]:
    kind = {"00g": "GROUP", "00u": "USER"}.get(row["holder"][:3], "CLIENT")
    where = {"GROUP": "api/v1/groups", "USER": "api/v1/users"}.get(kind, "oauth2/v1/clients")
    assignee = f"{call.request.base_url}/{where}/{row['holder']}"
    base = f"{call.request.base_url}/api/v1/iam"
    links: dict[str, Any] = {"assignee": {"href": assignee}}
    custom: dict[str, Any] = {}
    if row["type"] == "CUSTOM":
        custom = {name: row[name] for name in ("role", "resource-set")}
        where = f"{base}/resource-sets/{row['resource-set']}"
        links["role"] = {"href": f"{base}/roles/{row['role']}"}
        links["resource-set"] = {"href": where}
        links["permissions"] = {"href": f"{base}/roles/{row['role']}/permissions"}
        links["member"] = {"href": f"{where}/bindings/{row['role']}/members/{row['id']}"}
    return {
        "id": row["id"],
        "label": row.get("label") or STANDARD_ROLES[row["type"]],
        "type": row["type"],
        "status": "ACTIVE",
        "created": row["created"],
        "lastUpdated": row["lastUpdated"],
        "assignmentType": kind,
        **custom,
        "_links": links,
    }
