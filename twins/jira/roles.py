"""role and project/…/role: project roles and who is in them."""

from typing import Any

from factory_tui.universe import Response, Row

from .audit import record
from .context import Context, empty, operation, reply
from .errors import JiraError
from .groups_of import group_id, group_named
from .permits import in_role
from .state import new_id


def _name(row: Row) -> str:
    return f"{row['first']} {row['last']}".strip()


def _actors(c: Context, users: list[str], groups: list[str], *, active: bool) -> list[Any]:
    base = c.call.request.base_url
    shapes: list[dict[str, Any]] = []
    for key in users:
        row = c["users"].get(key)
        if row is None or (active and not row["active"]):
            continue
        shape: dict[str, Any] = {
            "id": int(key[1:9] or "0", 16) if c.cloud else 10_000 + len(shapes),
            "displayName": _name(row),
            "type": "atlassian-user-role-actor",
            "avatarUrl": f"{base}/secure/useravatar?size=16&ownerId={row['name']}",
        }
        if c.cloud:
            shape["actorUser"] = {"accountId": key}
        else:
            shape["name"] = row["name"]
        shapes.append(shape)
    for name in groups:
        key = group_id(c, name)
        group: dict[str, Any] = {"displayName": name, "name": name}
        shape = {
            "id": int(key[:8], 16),
            "displayName": name,
            "type": "atlassian-group-role-actor",
            "name": name,
        }
        if c.cloud:
            shape["actorGroup"] = {**group, "groupId": key}
        shapes.append(shape)
    return shapes


def _shape(c: Context, row: Row, project: Row | None = None) -> dict[str, Any]:
    """A role, with its actors in a project or, without one, the default ones."""
    place = f"project/{project['id']}/role" if project else "role"
    actors = (c["actors"].get((project["id"], row["id"])) or {}) if project else row
    found = _actors(
        c,
        list(actors.get("users", ())),
        list(actors.get("groups", ())),
        active=c.query_flag("excludeInactiveUsers"),
    )
    return {
        "self": f"{c.api}/{place}/{row['id']}",
        "name": row["name"],
        "id": int(row["id"]),
        "description": row["description"],
        "actors": found,
    }


def _role(c: Context) -> Row:
    row = c["roles"].get(c.param("id"))
    if row is None:
        raise JiraError(404, f"Can not retrieve project role with id: {c.param('id')}")
    return row


def _need(c: Context) -> None:
    c.need_admin("You do not have permission to manage project roles.")


# -- roles of the site


@operation("GET", "/role", "getAllProjectRoles")
def roles(c: Context) -> Response:
    """All roles with their default actors."""
    return reply([_shape(c, row) for row in c["roles"].rows()])


@operation("POST", "/role", "createProjectRole")
def create(c: Context) -> Response:
    """A new role."""
    _need(c)
    body = c.body()
    name = body.get("name")
    if not isinstance(name, str) or not name or name != name.strip():
        raise JiraError(400, "The role name must not be empty or start or end with whitespace.")
    _free(c, name, "")
    key = new_id(c.twin, "role", 10_100)
    description = body.get("description")
    row = {
        "id": key,
        "name": name,
        "description": description if isinstance(description, str) else "",
        "users": [],
        "groups": [],
    }
    c["roles"].put(key, row)
    record(c, "projects", "Project role created", "PROJECT_ROLE", key, name)
    return reply(_shape(c, row))


def _free(c: Context, name: str, key: str) -> None:
    for row in c["roles"].rows():
        if row["name"].lower() == name.lower() and row["id"] != key:
            raise JiraError(409, f"A project role with name '{name}' already exists.")


@operation("GET", "/role/{id}", "getProjectRoleById")
def get(c: Context) -> Response:
    """A role with its default actors."""
    return reply(_shape(c, _role(c)))


def _update(c: Context, *, full: bool) -> Response:
    _need(c)
    row = _role(c)
    body = c.body()
    name, description = body.get("name"), body.get("description")
    if full and (not isinstance(name, str) or not isinstance(description, str)):
        raise JiraError(400, "The name and the description of the role must be specified.")
    if name is None and description is None:
        raise JiraError(400, "The name or the description of the role must be specified.")
    changed = dict(row)
    if isinstance(name, str):
        if not name or name != name.strip():
            raise JiraError(400, "The role name must not be empty or start or end with whitespace.")
        _free(c, name, row["id"])
        changed["name"] = name
    if isinstance(description, str) and (full or name is None):
        # A partial update takes the name and forgets about the description.
        changed["description"] = description
    c["roles"].put(row["id"], changed)
    return reply(_shape(c, changed))


@operation("POST", "/role/{id}", "partialUpdateProjectRole")
def patch(c: Context) -> Response:
    """Change the name or the description."""
    return _update(c, full=False)


@operation("PUT", "/role/{id}", "fullyUpdateProjectRole")
def put(c: Context) -> Response:
    """Change both."""
    return _update(c, full=True)


@operation("DELETE", "/role/{id}", "deleteProjectRole")
def delete(c: Context) -> Response:
    """Delete a role; ``swap`` takes over where it is used."""
    _need(c)
    row = _role(c)
    swap = c.query("swap")
    if swap and (c["roles"].get(swap) is None or swap == row["id"]):
        raise JiraError(400, "The replacement project role does not exist.")
    used = [
        scheme["id"]
        for scheme in c["permissionschemes"].rows()
        if any(
            grant["type"] == "projectRole" and str(grant["parameter"]) == row["id"]
            for grant in scheme["grants"]
        )
    ]
    if used and not swap:
        raise JiraError(409, "The project role is used by permission schemes.")
    for key in used:
        scheme = c["permissionschemes"].draft(key)
        for grant in scheme["grants"]:
            if grant["type"] == "projectRole" and str(grant["parameter"]) == row["id"]:
                grant["parameter"] = swap
        c["permissionschemes"].put(key, scheme)
    for key, actors in list(c["actors"].items()):
        if actors.get("role") == row["id"] or (isinstance(key, tuple) and key[1] == row["id"]):
            c["actors"].delete(key)
    c["roles"].delete(row["id"])
    record(c, "projects", "Project role deleted", "PROJECT_ROLE", row["id"], row["name"])
    return empty()


# -- actors: default ones and those of a project


def _sent(c: Context, body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Accounts and groups that a body names. Raises 400 for none, 404 for unknown ones."""
    users = body.get("user") or []
    names = body.get("group") or []
    keys = body.get("groupId") or []
    if not all(isinstance(part, list) for part in (users, names, keys)):
        raise JiraError(400, "The actors must be lists.")
    if not users and not names and not keys:
        raise JiraError(400, "At least one actor must be specified.")
    return [_user(c, item) for item in users], [
        *(_group(c, name=item) for item in names),
        *(_group(c, key=item) for item in keys),
    ]


def _user(c: Context, value: Any) -> str:
    row = c.find_account({"accountId" if c.cloud else "name": str(value)})
    if row is None:
        raise JiraError(404, f"'{str(value)[:60]}' is not a known user.")
    return str(row["id"])


def _group(c: Context, *, name: Any = None, key: Any = None) -> str:
    found = group_named(c, {"name": name, "groupId": key})
    if found is None:
        raise JiraError(404, f"'{str(name or key)[:60]}' is not a known group.")
    return found


def _asked(c: Context) -> tuple[list[str], list[str]]:
    query = c.query
    body = {
        "user": [query("user")] if query("user") else [],
        "group": [query("group")] if query("group") else [],
        "groupId": [query("groupId")] if query("groupId") else [],
    }
    return _sent(c, body)


def _merged(row: Row, users: list[str], groups: list[str]) -> dict[str, Any]:
    return {
        "users": list(dict.fromkeys([*row["users"], *users])),
        "groups": list(dict.fromkeys([*row["groups"], *groups])),
    }


@operation("GET", "/role/{id}/actors", "getProjectRoleActorsForRole")
def default_actors(c: Context) -> Response:
    """Who is in a role of every new project."""
    _need(c)
    return reply(_shape(c, _role(c)))


@operation("POST", "/role/{id}/actors", "addProjectRoleActorsToRole")
def add_default(c: Context) -> Response:
    """Add default actors."""
    _need(c)
    row = _role(c)
    changed = {**row, **_merged(row, *_sent(c, c.body()))}
    c["roles"].put(row["id"], changed)
    return reply(_shape(c, changed))


@operation("DELETE", "/role/{id}/actors", "deleteProjectRoleActorsFromRole")
def drop_default(c: Context) -> Response:
    """Remove a default actor."""
    _need(c)
    row = _role(c)
    users, groups = _asked(c)
    changed = {
        **row,
        "users": [key for key in row["users"] if key not in users],
        "groups": [name for name in row["groups"] if name not in groups],
    }
    c["roles"].put(row["id"], changed)
    return reply(_shape(c, changed))


def _project(c: Context, *, change: bool = False) -> Row:
    project = c.project(c.param("projectIdOrKey"))
    if change and not c.may("ADMINISTER_PROJECTS", project):
        raise JiraError(404, f"No project could be found with key '{project['key']}'.")
    return project


@operation("GET", "/project/{projectIdOrKey}/role", "getProjectRoles")
def of_project(c: Context) -> Response:
    """The roles of a project: name to address."""
    project = _project(c)
    base = f"{c.api}/project/{project['id']}/role"
    return reply({row["name"]: f"{base}/{row['id']}" for row in c["roles"].rows()})


@operation("GET", "/project/{projectIdOrKey}/roledetails", "getProjectRoleDetails")
def details(c: Context) -> Response:
    """The same as a list, without actors."""
    project = _project(c)
    only = c.query_flag("currentMember")
    return reply(
        [
            {
                "self": f"{c.api}/project/{project['id']}/role/{row['id']}",
                "name": row["name"],
                "id": int(row["id"]),
                "description": row["description"],
                "admin": row["name"] == "Administrators",
                "default": False,
                "roleConfigurable": True,
                "translatedName": row["name"],
            }
            for row in c["roles"].rows()
            if not only or in_role(c, c.me, row["id"], project["id"])
        ]
    )


@operation("GET", "/project/{projectIdOrKey}/role/{id}", "getProjectRole")
def in_project(c: Context) -> Response:
    """A role with its actors in a project."""
    project = _project(c)
    return reply(_shape(c, _role(c), project))


def _kept(c: Context, project: Row, role: Row) -> Row:
    blank = {"project": project["id"], "role": role["id"], "users": [], "groups": []}
    return c["actors"].get((project["id"], role["id"])) or blank


@operation("POST", "/project/{projectIdOrKey}/role/{id}", "addActorUsers")
def add(c: Context) -> Response:
    """Put users and groups into a role of a project."""
    project, role = _project(c, change=True), _role(c)
    row = _kept(c, project, role)
    c["actors"].put((project["id"], role["id"]), {**row, **_merged(row, *_sent(c, c.body()))})
    return reply(_shape(c, role, project))


@operation("PUT", "/project/{projectIdOrKey}/role/{id}", "setActors")
def set_actors(c: Context) -> Response:
    """Say who is in a role of a project; nobody else stays."""
    project, role = _project(c, change=True), _role(c)
    given = c.body().get("categorisedActors")
    if not isinstance(given, dict):
        raise JiraError(400, "The actors must be specified in 'categorisedActors'.")
    users = given.get("atlassian-user-role-actor") or []
    names = given.get("atlassian-group-role-actor") or []
    keys = given.get("atlassian-group-role-actor-id") or []
    if not all(isinstance(part, list) for part in (users, names, keys)):
        raise JiraError(400, "The actors must be lists.")
    row = {
        **_kept(c, project, role),
        "users": [_user(c, item) for item in users],
        "groups": [*(_group(c, name=n) for n in names), *(_group(c, key=k) for k in keys)],
    }
    c["actors"].put((project["id"], role["id"]), row)
    return reply(_shape(c, role, project))


@operation("DELETE", "/project/{projectIdOrKey}/role/{id}", "deleteActor")
def drop(c: Context) -> Response:
    """Take a user or group out of a role of a project."""
    project, role = _project(c, change=True), _role(c)
    users, groups = _asked(c)
    row = _kept(c, project, role)
    if not set(users) & set(row["users"]) and not set(groups) & set(row["groups"]):
        raise JiraError(404, "The actor is not in this role of the project.")
    changed = {
        **row,
        "users": [key for key in row["users"] if key not in users],
        "groups": [name for name in row["groups"] if name not in groups],
    }
    c["actors"].put((project["id"], role["id"]), changed)
    return empty()
