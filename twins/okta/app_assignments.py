"""Users and groups of an application, and whom a group's assignment brings along."""

from collections.abc import Iterable
from typing import Any, ClassVar, Final

from factory_tui.universe import Call, Response, Row, Twin, route

from . import changes, errors, seeds, shapes
from .apps import APPS, app_links, assigned_user
from .base import body_object, listed, page
from .fields import checked
from .groups import find_group
from .resource import Resource, caller, link, rows_of
from .users import find_user

__all__ = ["RESOURCES", "apps_of_user"]

_APP: Final = "/api/v1/apps/{appId}"


class AppUsers(Resource):
    """``/api/v1/apps/{appId}/users``."""

    name = "app_users"
    kind = "AppUser"
    path = _APP + "/users/{userId}"
    parent = APPS
    keyed = True
    verbs: ClassVar[str] = "list create get update delete"
    unique = ""
    page_size = 50
    page_most = 500
    fields = "scope:USER|GROUP credentials:dict profile:dict"

    def create(self, call: Call, body: dict[str, Any], owner: str = "", **more: Any) -> Row:
        """Who is named by ``id``; assigning again changes the assignment."""
        user = find_user(call, str(body.get("id")), alive=True)
        kept = self.check(call, body, None)
        app = call.twin["things"][("apps", owner)]
        credentials = kept.get("credentials", {})
        fields = {
            "user": user["id"],
            "scope": "USER",
            "credentials": _shown_credentials(app, user, credentials),
            "profile": kept.get("profile", {}),
        }
        password = credentials.get("password", {}).get("value")
        _event(call, "add", user, app)
        return self.put_new(
            call.twin, fields, owner, id=user["id"], by=caller(call), hidden={"password": password}
        )

    def check(self, call: Call, body: dict[str, Any], before: Row | None) -> dict[str, Any]:
        """Credentials and profile."""
        kept = checked(call, body, self.fields)
        credentials = kept.get("credentials", {})
        checked(call, credentials, "userName:str password:dict")
        return kept

    def do_update(self, call: Call) -> Response:
        """Credentials or profile."""
        row = self.find(call)
        kept = self.check(call, body_object(call), row)
        if not row["key"]:
            # Whom somebody changes has an assignment of their own from then on.
            fields = dict(row["fields"])
            row = self.put_new(call.twin, fields, row["parent"], id=row["id"], by=caller(call))
        fields = dict(row["fields"])
        if "credentials" in kept:
            given = {k: v for k, v in kept["credentials"].items() if k == "userName"}
            fields["credentials"] = {**fields["credentials"], **given}
        if "profile" in kept:
            fields["profile"] = {**fields["profile"], **kept["profile"]}
        fields["scope"] = kept.get("scope", fields["scope"])
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))

    def find(self, call: Call) -> Row:
        """By the user's id or login."""
        owner = self.parent_id(call)
        key = call.params["userId"]
        row = call.twin["things"].get((self.name, f"{owner}/{key}"))
        if row is not None:
            return row
        user = call.twin["users"].first("login", key.lower()) or call.twin["users"].get(key)
        if user is not None:
            for group in _groups_of_app(call.twin, owner):
                if _is_member(call.twin, group["id"], user["id"]):
                    return _brought_along(call.twin, owner, group, user["id"])
        return self.by_key(call, user["id"] if user is not None else key, owner)

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Whom somebody assigned, then the members of assigned groups."""
        own = super().rows(twin, owner)
        have = {row["id"] for row in own}
        for group in _groups_of_app(twin, owner):
            for key in seeds.member_ids(twin, twin["groups"][group["id"]]):
                if key not in have and twin["users"][key]["status"] != "DEPROVISIONED":
                    have.add(key)
                    own.append(_brought_along(twin, owner, group, key))
        # Cursors go by running numbers, which members do not have here.
        return [{**row, "n": number} for number, row in enumerate(own, 1)]

    def do_delete(self, call: Call) -> Response:
        """204; who came by a group leaves with it."""
        row = self.find(call)
        if row["fields"]["scope"] == "GROUP" and not row["key"]:
            raise errors.forbidden(call)
        return super().do_delete(call)

    def deleting(self, call: Call, row: Row) -> None:
        """Its event."""
        app = call.twin["things"][("apps", row["parent"])]
        _event(call, "remove", call.twin["users"].get(row["id"]), app)

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``q``: start of user name, first name, last name or email."""
        wanted = call.request.query.get("q", "").casefold()
        users = call.twin["users"]
        for row in rows:
            user = users.get(row["id"])
            if user is None:
                continue
            profile = user["profile"]
            names = [profile.get(name) or "" for name in ("firstName", "lastName", "email")]
            names.append(row["fields"]["credentials"].get("userName") or "")
            if any(str(name).casefold().startswith(wanted) for name in names):
                yield row

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The assignment; ``expand=user`` embeds the user."""
        shown = assigned_user(call, row)
        if call.request.query.get("expand") == "user":
            user = call.twin["users"].get(row["id"])
            if user is not None:
                shown["_embedded"] = {"user": shapes.user(user, call.request.base_url)}
        return shown


class AppGroups(Resource):
    """``/api/v1/apps/{appId}/groups``."""

    name = "app_groups"
    kind = "AppGroup"
    path = _APP + "/groups/{groupId}"
    parent = APPS
    keyed = True
    verbs = "list get replace patch delete"
    unique = ""
    page_size = 20
    fields = "priority:int profile:dict"

    def do_replace(self, call: Call) -> Response:
        """200; assigns the group, or changes the assignment."""
        owner = self.parent_id(call)
        group = find_group(call, call.params["groupId"])
        body = body_object(call) if call.request.body else {}
        kept = checked(call, body, self.fields)
        old = call.twin["things"].get((self.name, f"{owner}/{group['id']}"))
        count = len(self.rows(call.twin, owner))
        priority = kept.get("priority", old["fields"]["priority"] if old is not None else count)
        fields = {"priority": priority, "profile": kept.get("profile", {})}
        if old is not None:
            return Response.json(self.shown(call, self.put(call, old, fields=fields)))
        row = self.put_new(call.twin, fields, owner, id=group["id"], by=caller(call))
        return Response.json(self.shown(call, row))

    def do_patch(self, call: Call) -> Response:
        """A JSON patch of priority and profile."""
        row = self.find(call)
        fields = {**row["fields"], "profile": dict(row["fields"]["profile"])}
        try:
            steps = call.request.json()
        except ValueError as problem:
            raise errors.bodies_malformed(call) from problem
        if not isinstance(steps, list):
            raise errors.bodies_malformed(call)
        for step in steps:
            where = step.get("path") if isinstance(step, dict) else None
            if not isinstance(where, str) or step.get("op") not in ("add", "replace", "remove"):
                raise errors.invalid(call, "patch", "patch: The operation is not supported")
            value = step.get("value")
            if where == "/priority" and isinstance(value, int):
                fields["priority"] = value
            elif where == "/profile" and isinstance(value, dict) and step["op"] != "remove":
                fields["profile"] = dict(value)
            elif where.startswith("/profile/") and step["op"] == "remove":
                fields["profile"].pop(where[9:], None)
            elif where.startswith("/profile/"):
                fields["profile"][where[9:]] = value
            else:
                raise errors.invalid(call, "patch", f"patch: The path {where[:80]} is unknown")
        return Response.json(self.shown(call, self.put(call, row, fields=fields)))

    def shown(self, call: Call, row: Row) -> dict[str, Any]:
        """The assignment; ``expand=group`` embeds the group."""
        href = link(call, f"apps/{row['parent']}")
        shown = {
            "id": row["id"],
            "lastUpdated": row["lastUpdated"],
            **row["fields"],
            "_links": {
                "app": {"href": href},
                "self": {"href": f"{href}/groups/{row['id']}"},
                "group": {"href": link(call, f"groups/{row['id']}")},
            },
        }
        if call.request.query.get("expand") == "group":
            group = shapes.group(call.twin["groups"][row["id"]], call.request.base_url)
            shown["_embedded"] = {"group": group}
        return shown

    def selected(self, call: Call, rows: Iterable[Row]) -> Iterable[Row]:
        """``q``: start of the group's name."""
        wanted = call.request.query.get("q", "").casefold()
        groups = call.twin["groups"]
        return [r for r in rows if groups[r["id"]]["profile"]["name"].casefold().startswith(wanted)]

    def rows(self, twin: Twin, owner: str = "") -> list[Row]:
        """Groups that are still there."""
        return [row for row in super().rows(twin, owner) if row["id"] in twin["groups"]]

    @route("GET", "/api/v1/groups/{groupId}/apps", "listAssignedApplicationsForGroup")
    def list_group_apps(self, call: Call) -> Response:
        """The applications a group is assigned to."""
        group = find_group(call, call.params["groupId"])
        things = call.twin["things"]
        rows = [
            app
            for app in APPS.rows(call.twin)
            if (self.name, f"{app['id']}/{group['id']}") in things
        ]
        shown, links = page(call, rows, 20, 200)
        return listed([APPS.shown(call, row) for row in shown], links)

    @route("GET", "/api/v1/users/{id}/appLinks", "listAppLinks")
    def list_app_links(self, call: Call) -> Response:
        """What a user sees on the dashboard."""
        user = find_user(call, call.params["id"])
        found: list[Row] = []
        for app in apps_of_user(call.twin, user["id"]):
            fields = app["fields"]
            if app["status"] != "ACTIVE" or fields["visibility"]["hide"]["web"]:
                continue
            for item in app_links(call, app):
                found.append(
                    {
                        "id": f"{user['id']}{app['id']}"[:40],
                        "label": fields["label"],
                        "linkUrl": item["href"],
                        "logoUrl": f"{call.request.base_url}/assets/img/logos/{fields['name']}.png",
                        "appName": fields["name"],
                        "appInstanceId": app["id"],
                        "appAssignmentId": f"{app['id']}/{user['id']}",
                        "credentialsSetup": False,
                        "hidden": False,
                        "sortOrder": len(found),
                    }
                )
        return Response.json(found)


def _groups_of_app(twin: Twin, app: str) -> list[Row]:
    """Assignments of groups that are still there."""
    return [row for row in rows_of(twin, "app_groups", app) if row["id"] in twin["groups"]]


def _is_member(twin: Twin, group: str, user: str) -> bool:
    built_in = twin["groups"][group]["type"] == "BUILT_IN"
    return built_in or (group, user) in twin["members"]


def _brought_along(twin: Twin, app: str, group: Row, user: str) -> Row:
    """How a user has an application whose group they are in; it has no row of its own."""
    row = twin["things"][("apps", app)]
    credentials = _shown_credentials(row, twin["users"][user], {})
    fields = {"user": user, "scope": "GROUP", "credentials": credentials, "profile": {}}
    return {**group, "id": user, "key": "", "kind": "app_users", "fields": fields, "hidden": {}}


def apps_of_user(twin: Twin, user: str) -> list[Row]:
    """Applications a user has, by name or through a group."""
    groups = [key[0] for key in twin["members"].find("user", user)]
    groups += [str(key) for key, row in twin["groups"].items() if row["type"] == "BUILT_IN"]
    things = twin["things"]
    return [
        app
        for app in rows_of(twin, "apps")
        if ("app_users", f"{app['id']}/{user}") in things
        or any(("app_groups", f"{app['id']}/{group}") in things for group in groups)
    ]


def _shown_credentials(app: Row, user: Row, given: dict[str, Any]) -> dict[str, Any]:
    template = app["fields"]["credentials"]["userNameTemplate"].get("template")
    profile = user["profile"]
    names = {"${source.login}": "login", "${source.email}": "email"}
    name = given.get("userName") or profile.get(names.get(str(template), "login"))
    shown = {"userName": name}
    if given.get("password"):
        shown["password"] = {}
    return shown


def _event(call: Call, what: str, user: Row | None, app: Row) -> None:
    target = changes.party(app["id"], "AppInstance", app["fields"]["label"])
    person = []
    if user is not None:
        person = [changes.party(user["id"], "AppUser", seeds.full_name(user))]
    says = {"add": "Add user to application membership", "remove": "Remove user's application"}
    changes.log_about(call, f"application.user_membership.{what}", says[what], *person, target)


RESOURCES: Final = (AppUsers(), AppGroups())
