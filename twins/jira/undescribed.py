"""What clients ask for outside the description: pinned comments, application links, old avatars."""

from typing import Any

from factory_tui.universe import BadBodyError, Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .needs import need_write
from .shapes import comment_shape, user_shape
from .state import new_id
from .telling import user_event
from .users import asked_account


@operation("GET", "/rest/applinks/latest/listApplicationlinks", "listApplicationLinks")
def links(c: Context) -> Response:
    """The site's links to other products: none."""
    return reply({"list": []})


@operation("GET", "/rest/project-templates/latest/templates", "getProjectTemplates")
def templates(c: Context) -> Response:
    """From what projects can be made."""
    known = (
        ("Scrum", "com.pyxis.greenhopper.jira:gh-simplified-scrum-classic"),
        ("Kanban", "com.pyxis.greenhopper.jira:gh-simplified-kanban-classic"),
        ("Basic", "com.pyxis.greenhopper.jira:gh-simplified-basic"),
    )
    rows = [
        {"name": name, "projectTypeKey": "software", "projectTemplateModuleCompleteKey": key}
        for name, key in known
    ]
    group = {"projectTypeBean": {"projectTypeKey": "software"}, "projectTemplates": rows}
    return reply({"projectTemplatesGroupedByType": [group]})


@operation(
    "PUT", "/rest/internal/latest/dashboards/{id}/automatic-refresh-ms", "setDashboardRefresh"
)
def refresh(c: Context) -> Response:
    """How often a dashboard is shown anew."""
    row = c["dashboards"].get(c.param("id"))
    value = c.body().get("automaticRefreshMs")
    if row is None:
        raise JiraError(404, f"The dashboard with id '{c.param('id')}' does not exist.")
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise JiraError(400, "'automaticRefreshMs' must be a number.")
    c["dashboards"].put(row["id"], {**row, "refresh": value})
    return empty()


# -- pinned comments


@operation("GET", "/issue/{issueIdOrKey}/pinned-comments", "getPinnedComments")
def pinned(c: Context) -> Response:
    """The comments pinned to the top of an issue."""
    issue = c.issue(c.param("issueIdOrKey"))
    rows = [c["comments"][key] for key in c["comments"].find("issue", issue["id"])]
    return reply(
        [
            {
                "comment": comment_shape(c, row),
                "pinnedBy": user_shape(c, row["pinned"]),
                "pinnedDate": row["updated"],
            }
            for row in rows
            if row.get("pinned")
        ]
    )


@operation("PUT", "/issue/{issueIdOrKey}/comment/{id}/pin", "setPinComment")
def pin(c: Context) -> Response:
    """Pin a comment, or unpin it; the body is ``true`` or ``false``."""
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    row = c["comments"].get(c.param("id"))
    if row is None or row["issue"] != issue["id"]:
        raise JiraError(404, f"Can not find a comment for the id: {c.param('id')}.")
    try:
        value = c.call.request.json()
    except BadBodyError as error:
        raise JiraError(400, "There was an error parsing JSON.") from error
    if not isinstance(value, bool):
        raise JiraError(400, "The body must be true or false.")
    c["comments"].put(row["id"], {**row, "pinned": c.me if value else ""})
    return empty()


# -- avatars in two steps, as Data Center takes them


def _temporary(c: Context) -> Response:
    if not c.call.request.body:
        raise JiraError(400, "The request does not contain an image.")
    shape = {"cropperWidth": 120, "cropperOffsetX": 0, "cropperOffsetY": 0}
    return reply({**shape, "url": f"{c.call.request.base_url}/secure/temporaryavatar",
                  "needsCropping": False}, 201)  # fmt: skip


def _confirmed(c: Context, kind: str, owner: str) -> Response:
    key = new_id(c.twin, "avatar", 11_000)
    row = {"id": key, "type": kind, "owner": owner, "media": "image/png", "data": ""}
    c["avatars"].put(key, row)
    shape = {"id": key, "owner": owner, "isSystemAvatar": False, "isSelected": False}
    return reply({**shape, "isDeletable": True}, 201)


@operation("POST", "/project/{projectIdOrKey}/avatar/temporary", "storeTemporaryProjectAvatar")
def project_temporary(c: Context) -> Response:
    """Upload a project's avatar."""
    c.project(c.param("projectIdOrKey"))
    return _temporary(c)


@operation("POST", "/project/{projectIdOrKey}/avatar", "createProjectAvatarFromTemporary")
def project_confirm(c: Context) -> Response:
    """Keep it."""
    return _confirmed(c, "project", c.project(c.param("projectIdOrKey"))["id"])


def _avatars(c: Context, row: Row) -> list[dict[str, Any]]:
    chosen = str(row.get("avatar", ""))
    mine = [a for a in c["avatars"].rows() if (a["type"], a["owner"]) == ("user", row["id"])]
    return [
        {
            "id": avatar["id"],
            "owner": row["name"],
            "isSystemAvatar": False,
            "isSelected": avatar["id"] == chosen,
            "isDeletable": True,
        }
        for avatar in mine
    ]


@operation("GET", "/user/avatars", "getAllUserAvatars")
def user_avatars(c: Context) -> Response:
    """The avatars an account may have."""
    row = asked_account(c)
    system = [
        {"id": str(number), "isSystemAvatar": True, "isSelected": False, "isDeletable": False}
        for number in range(10_334, 10_350)
    ]
    return reply({"system": system, "custom": _avatars(c, row)})


@operation("POST", "/user/avatar/temporary", "storeTemporaryUserAvatar")
def user_temporary(c: Context) -> Response:
    """Upload an account's avatar."""
    asked_account(c)
    return _temporary(c)


@operation("POST", "/user/avatar", "createUserAvatarFromTemporary")
def user_confirm(c: Context) -> Response:
    """Keep it."""
    return _confirmed(c, "user", asked_account(c)["id"])


@operation("PUT", "/user/avatar", "updateUserAvatar")
def user_choose(c: Context) -> Response:
    """Choose it."""
    row = asked_account(c)
    c["users"].put(row["id"], {**row, "avatar": str(c.body().get("id") or "")})
    return empty()


@operation("DELETE", "/user/avatar/{id}", "deleteUserAvatar")
def user_delete(c: Context) -> Response:
    """Delete it."""
    row = asked_account(c)
    avatar = c["avatars"].get(c.param("id"))
    if avatar is None or (avatar["type"], avatar["owner"]) != ("user", row["id"]):
        raise JiraError(404, f"The avatar with id '{c.param('id')}' does not exist.")
    c["avatars"].delete(avatar["id"])
    return empty()


@operation("PUT", "/user", "updateUser")
def rename(c: Context) -> Response:
    """Change an account's name, email or words (Data Center)."""
    c.need_admin("You do not have permission to change users.")
    row = asked_account(c)
    body = c.body()
    changed = dict(row)
    if isinstance(body.get("name"), str) and body["name"]:
        changed["name"] = body["name"].lower()
    if isinstance(body.get("emailAddress"), str) and "@" in body["emailAddress"]:
        changed["email"] = body["emailAddress"]
    if isinstance(body.get("displayName"), str) and body["displayName"]:
        changed["first"], _, changed["last"] = body["displayName"].partition(" ")
    if isinstance(body.get("active"), bool):
        changed["active"] = body["active"]
    c["users"].put(row["id"], changed)
    user_event(c, "updated", changed)
    return reply(user_shape(c, row["id"]))
