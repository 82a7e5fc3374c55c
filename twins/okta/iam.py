"""Custom administrator roles with permissions, resource sets, their bindings and members."""

from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, route

from . import errors
from .base import body_object, now
from .fields import BLANK, INVALID, checked
from .resource import Resource, caller, in_body, link

__all__ = ["CUSTOM_ROLES", "RESOURCES"]

_ROLE: Final = "/api/v1/iam/roles/{roleIdOrLabel}"
_SET: Final = "/api/v1/iam/resource-sets/{resourceSetIdOrLabel}"
_BINDING: Final = _SET + "/bindings/{roleIdOrLabel}"


def _known_permission(name: str) -> bool:
    """Whether a permission could be one of Okta's: ``okta.<area>.<what>``."""
    parts = name.split(".")
    return len(parts) >= 3 and parts[0] == "okta" and all(part.isidentifier() for part in parts)


class CustomRoles(Resource):
    """``/api/v1/iam/roles``, by id or label."""

    name = "custom_roles"
    kind = "CustomRole"
    path = _ROLE
    prefix = "cr0"
    verbs: ClassVar[str] = "list create get replace delete"
    has_status = False
    unique = "label"
    allow = ""
    fields = "label:str! description:str! permissions:list"
    page_size = 100
    event = "iam.role"

    def find(self, call: Call) -> Row:
        """By id or label."""
        key = call.params["roleIdOrLabel"]
        for row in self.rows(call.twin):
            if key in (row["id"], row["fields"]["label"]):
                return row
        raise errors.not_found(call, key, self.kind)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """At least one permission at first."""
        kept = checked(call, body, self.fields)
        if before is not None:
            kept.pop("permissions", None)
            return kept
        names = kept.get("permissions")
        if not names or not all(isinstance(n, str) and _known_permission(n) for n in names):
            raise errors.invalid(call, "permissions", f"permissions: {INVALID}")
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Its permissions are objects of their own."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        names = kept.pop("permissions")
        row = self.put_new(call.twin, kept, by=caller(call))
        for name in dict.fromkeys(names):
            PERMISSIONS.put_new(call.twin, {"conditions": None}, row["id"], id=name)
        return row

    def taken(self, call: Call) -> Exception:
        """In its own words."""
        sentence = "label: There is already an admin role with this name."
        return errors.invalid(call, "label", sentence)

    def do_list(self, call: Call) -> Response:
        """An object around a list."""
        rows = [self.shown(call, row) for row in self.rows(call.twin)]
        return Response.json({"roles": rows, "_links": {"self": {"href": link(call, "iam/roles")}}})

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Without its permissions."""
        shown = super().shown(call, row)
        return {**shown, "isCloneable": False}

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its permissions."""
        href = link(call, f"iam/roles/{row['id']}")
        return {"permissions": {"href": f"{href}/permissions"}, "self": {"href": href}}

    def deleting(self, call: Call, row: Row) -> None:
        """None that is bound."""
        held = any(other.get("role") == row["id"] for other in call.twin["roles"].rows())
        if held or any(
            key[0] == "bindings" and key[1].endswith("/" + row["id"]) for key in call.twin["things"]
        ):
            sentence = "The role is in use and cannot be deleted."
            raise errors.invalid(call, "roleIdOrLabel", sentence)


CUSTOM_ROLES = CustomRoles()


class Permissions(Resource):
    """``/api/v1/iam/roles/{roleIdOrLabel}/permissions``."""

    name = "permissions"
    kind = "Permission"
    path = _ROLE + "/permissions/{permissionType}"
    parent = CUSTOM_ROLES
    keyed = True
    verbs = "list get delete"
    has_status = False
    unique = ""

    def do_list(self, call: Call) -> Response:
        """An object around a list."""
        rows = self.rows(call.twin, self.parent_id(call))
        rows = sorted(rows, key=lambda row: row["id"])
        return Response.json({"permissions": [self.shown(call, row) for row in rows]})

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """With links."""
        href = link(call, f"iam/roles/{row['parent']}")
        links = {"role": {"href": href}, "self": {"href": f"{href}/permissions/{row['id']}"}}
        return {**_bare(row), "_links": links}

    def deleting(self, call: Call, row: Row) -> None:
        """The last one stays."""
        if len(self.rows(call.twin, row["parent"])) == 1:
            raise errors.invalid(call, "permissions", "A role needs at least one permission.")

    @route("POST", _ROLE + "/permissions/{permissionType}", "")
    def add(self, call: Call) -> Response:
        """204; may have conditions."""
        owner = self.parent_id(call)
        name = call.params["permissionType"]
        if not _known_permission(name):
            raise errors.not_found(call, name, self.kind)
        conditions = self._conditions(call)
        if (self.name, f"{owner}/{name}") not in call.twin["things"]:
            self.put_new(call.twin, conditions, owner, id=name)
        return Response(204)

    @route("PUT", _ROLE + "/permissions/{permissionType}", "")
    def change(self, call: Call) -> Response:
        """Other conditions."""
        row = self.find(call)
        return Response.json(self.shown(call, self.put(call, row, fields=self._conditions(call))))

    def _conditions(self, call: Call) -> Row:
        body = body_object(call) if call.request.body else {}
        return {"conditions": checked(call, body, "conditions:dict").get("conditions")}


def _bare(row: Row) -> dict[str, Any]:
    stamps = {"created": row["created"], "lastUpdated": row["lastUpdated"]}
    return {"label": row["id"], **stamps, "conditions": row["fields"]["conditions"]}


PERMISSIONS = Permissions()


class ResourceSets(Resource):
    """``/api/v1/iam/resource-sets``, by id or label."""

    name = "resource_sets"
    kind = "IAMPolicy"
    path = _SET
    prefix = "iam"
    verbs = "list create get replace delete"
    has_status = False
    unique = "label"
    fields = "label:str! description:str! resources:list"

    def find(self, call: Call) -> Row:
        """By id or label."""
        key = call.params["resourceSetIdOrLabel"]
        for row in self.rows(call.twin):
            if key in (row["id"], row["fields"]["label"]):
                return row
        raise errors.not_found(call, key, self.kind)

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """At least one resource at first."""
        kept = checked(call, body, self.fields)
        if before is not None:
            kept.pop("resources", None)
            return kept
        names = kept.get("resources")
        if not names or not all(isinstance(n, str) and n for n in names):
            raise errors.invalid(call, "resources", f"resources: {BLANK}")
        return kept

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Its resources are objects of their own."""
        kept = self.check(call, body, None)
        self._unique(call, kept, owner, None)
        names = kept.pop("resources")
        row = self.put_new(call.twin, kept, by=caller(call))
        for name in dict.fromkeys(names):
            MEMBERS.put_new(call.twin, {"orn": name}, row["id"])
        return row

    def do_list(self, call: Call) -> Response:
        """An object around a list."""
        rows = [self.shown(call, row) for row in self.rows(call.twin)]
        links = {"self": {"href": link(call, "iam/resource-sets")}}
        return Response.json({"resource-sets": rows, "_links": links})

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To bindings and resources."""
        href = link(call, f"iam/resource-sets/{row['id']}")
        return {
            "bindings": {"href": f"{href}/bindings"},
            "self": {"href": href},
            "resources": {"href": f"{href}/resources"},
        }


SETS = ResourceSets()


class SetResources(Resource):
    """``…/resources``."""

    name = "set_resources"
    kind = "Resource"
    path = _SET + "/resources/{resourceId}"
    parent = SETS
    prefix = "ire"
    verbs = "list create get delete"
    has_status = False
    unique = ""
    fields = "resourceOrnOrUrl:str! conditions:dict"

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """By its name."""
        kept = checked(call, body, self.fields)
        return {"orn": kept.pop("resourceOrnOrUrl"), **kept}

    def do_list(self, call: Call) -> Response:
        """An object around a list."""
        owner = self.parent_id(call)
        rows, more = in_body(call, self.rows(call.twin, owner))
        href = link(call, f"iam/resource-sets/{owner}")
        links = {"resource-set": {"href": href}, "self": {"href": f"{href}/resources"}}
        found = [self.shown(call, row) for row in rows]
        return Response.json({"resources": found, "_links": {**links, **more}})

    @route("PUT", path, "")
    def change(self, call: Call) -> Response:
        """Other conditions."""
        row = self.find(call)
        kept = checked(call, body_object(call), "conditions:dict!")
        fields = {**row["fields"], **kept}
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))

    @route("PATCH", _SET + "/resources", "")
    def add(self, call: Call) -> Response:
        """``additions``: more resources."""
        owner = self.parent_id(call)
        names = checked(call, body_object(call), "additions:list!")["additions"]
        if not names or not all(isinstance(n, str) and n for n in names):
            raise errors.invalid(call, "additions", f"additions: {INVALID}")
        have = {row["fields"]["orn"] for row in self.rows(call.twin, owner)}
        for name in dict.fromkeys(names):
            if name not in have:
                self.put_new(call.twin, {"orn": name}, owner)
        return Response.json(SETS.shown(call, SETS.find(call)))


MEMBERS = SetResources()


class Bindings(Resource):
    """``…/bindings``: a role and the members who have it over the set."""

    name = "bindings"
    kind = "RoleBinding"
    path = _BINDING
    parent = SETS
    keyed = True
    verbs = "get delete"
    has_status = False

    def do_list(self, call: Call) -> Response:
        """An object around a list."""
        owner = self.parent_id(call)
        href = link(call, f"iam/resource-sets/{owner}")
        roles = [
            {"id": row["id"], "_links": {"self": {"href": f"{href}/bindings/{row['id']}"}}}
            for row in self.rows(call.twin, owner)
        ]
        links = {"resource-set": {"href": href}, "self": {"href": f"{href}/bindings"}}
        return Response.json({"roles": roles, "_links": links})

    @route("GET", _SET + "/bindings", "")
    @route("POST", _SET + "/bindings", "")
    def collection_of(self, call: Call) -> Response:
        """List, or bind a role (200)."""
        if call.request.method == "GET":
            return self.do_list(call)
        owner = self.parent_id(call)
        kept = checked(call, body_object(call), "role:str! members:list=[]")
        role = next(
            (
                r
                for r in CUSTOM_ROLES.rows(call.twin)
                if kept["role"] in (r["id"], r["fields"]["label"])
            ),
            None,
        )
        if role is None:
            raise errors.not_found(call, kept["role"], CUSTOM_ROLES.kind)
        row = call.twin["things"].get((self.name, f"{owner}/{role['id']}"))
        if row is None:
            row = self.put_new(call.twin, {}, owner, id=role["id"], hidden={"members": {}})
        row = self._join(call, row, kept["members"])
        return Response.json({"id": row["id"], "_links": self.links(call, row)})

    def find(self, call: Call) -> Row:
        """By the role's id or label."""
        owner = self.parent_id(call)
        key = call.params["roleIdOrLabel"]
        for role in CUSTOM_ROLES.rows(call.twin):
            if key == role["fields"]["label"]:
                key = role["id"]
        return self.by_key(call, key, owner)

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """Only links."""
        return {"id": row["id"], "_links": self.links(call, row)}

    def links(self, call: Call, row: Row) -> dict[str, Any]:
        """To its members and the set."""
        href = link(call, f"iam/resource-sets/{row['parent']}")
        own = f"{href}/bindings/{row['id']}"
        return {
            "bindings": {"href": f"{href}/bindings"},
            "self": {"href": own},
            "members": {"href": f"{own}/members"},
            "resource-set": {"href": href},
        }

    def _join(self, call: Call, row: Row, members: list[Any]) -> Row:
        held = dict(row["hidden"]["members"])
        for name in members:
            parts = str(name).rstrip("/").split("/")
            kind, key = (parts[-2], parts[-1]) if len(parts) > 1 else ("", "")
            table = call.twin[kind] if kind in ("users", "groups") else None
            if table is None or key not in table:
                raise errors.not_found(call, str(name)[:80], "RoleBindingMember")
            if key not in [one["of"] for one in held.values()]:
                made = call.twin.ids.mint("irb", 17)
                held[f"irb{made}"] = {"of": key, "kind": kind, "created": now(call)}
        return self.put(call, row, hidden={"members": held})

    @route("GET", _BINDING + "/members", "")
    def list_members(self, call: Call) -> Response:
        """Users and groups."""
        row = self.find(call)
        found = [self._member(call, row, key) for key in row["hidden"]["members"]]
        return Response.json(
            {"members": found, "_links": {"binding": self.links(call, row)["self"]}}
        )

    @route("PATCH", _BINDING + "/members", "")
    def add_members(self, call: Call) -> Response:
        """``additions``: addresses of users and groups."""
        row = self.find(call)
        names = checked(call, body_object(call), "additions:list!")["additions"]
        return Response.json(self.shown(call, self._join(call, row, names)))

    @route("GET", _BINDING + "/members/{memberId}", "")
    def get_member(self, call: Call) -> Response:
        """One of them."""
        row = self.find(call)
        return Response.json(self._member(call, row, self._member_key(call, row)))

    @route("DELETE", _BINDING + "/members/{memberId}", "")
    def drop_member(self, call: Call) -> Response:
        """204."""
        row = self.find(call)
        gone = self._member_key(call, row)
        held = {key: one for key, one in row["hidden"]["members"].items() if key != gone}
        self.put(call, row, hidden={"members": held})
        return Response(204)

    def _member_key(self, call: Call, row: Row) -> str:
        key = call.params["memberId"]
        if key not in row["hidden"]["members"]:
            raise errors.not_found(call, key, "RoleBindingMember")
        return key

    def _member(self, call: Call, row: Row, key: str) -> dict[str, Any]:
        one = row["hidden"]["members"][key]
        href = link(call, f"{one['kind']}/{one['of']}")
        stamps = {"created": one["created"], "lastUpdated": one["created"]}
        return {"id": key, **stamps, "_links": {"self": {"href": href}}}


class AdminUsers(Resource):
    """``/api/v1/iam/assignees/users``: users who have a role."""

    name = "assignees"
    kind = "User"
    path = "/api/v1/iam/assignees/users"
    verbs = ""

    @route("GET", "/api/v1/iam/assignees/users", "")
    def list_users(self, call: Call) -> Response:
        """Their ids."""
        holders = dict.fromkeys(row["holder"] for row in call.twin["roles"].rows())
        found = [
            {
                "id": key,
                "orn": f"orn:okta:directory:{call.twin['org']['org']['id']}:users:{key}",
                "_links": {"self": {"href": link(call, f"users/{key}")}},
            }
            for key in holders
            if key in call.twin["users"]
        ]
        return Response.json({"value": found, "_links": {}})


RESOURCES: Final = (CUSTOM_ROLES, PERMISSIONS, SETS, MEMBERS, Bindings(), AdminUsers())
