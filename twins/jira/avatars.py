"""Avatars of projects, issue types, priorities and users: the system's and uploaded ones."""

from typing import Any, Final

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .state import new_id

_TYPES: Final = ("project", "issuetype", "priority", "user")
_SYSTEM: Final = {
    "project": range(10_324, 10_334),
    "issuetype": range(10_300, 10_323),
    "priority": range(10_340, 10_345),
    "user": range(10_334, 10_350),
}
_SIZES: Final = ("16x16", "24x24", "32x32", "48x48")
_PIXELS: Final = {"xsmall": 16, "small": 24, "medium": 32, "large": 48, "xlarge": 64}


def _urls(c: Context, kind: str, key: str) -> dict[str, str]:
    base = f"{c.call.request.base_url}/rest/api/2/universal_avatar/view/type/{kind}/avatar/{key}"
    names = ("xsmall", "small", "medium", "large")
    return {size: f"{base}?size={name}" for size, name in zip(_SIZES, names, strict=True)}


def _system(c: Context, kind: str, selected: str = "") -> list[dict[str, Any]]:
    return [
        {
            "id": str(number),
            "isSystemAvatar": True,
            "isSelected": str(number) == selected,
            "isDeletable": False,
            "fileName": f"{kind}-{number}.svg",
            "urls": _urls(c, kind, str(number)),
        }
        for number in _SYSTEM[kind]
    ]


def _custom(c: Context, row: Row, selected: str = "") -> dict[str, Any]:
    return {
        "id": row["id"],
        "owner": row["owner"],
        "isSystemAvatar": False,
        "isSelected": row["id"] == selected,
        "isDeletable": True,
        "urls": _urls(c, row["type"], row["id"]),
    }


def _kind(c: Context) -> str:
    kind = c.param("type")
    if kind not in _TYPES:
        raise JiraError(404, f"The avatar type '{kind[:40]}' is not valid.")
    return kind


@operation("GET", "/avatar/{type}/system", "getAllSystemAvatars")
def system(c: Context) -> Response:
    """The system's avatars of a type."""
    return reply({"system": _system(c, _kind(c))})


def _entity(c: Context, kind: str, key: str) -> Row:
    """What an avatar belongs to. Raises 404."""
    if kind == "project":
        return c.project(key)
    tables = {"issuetype": "issuetypes", "priority": "priorities", "user": "users"}
    row = c[tables[kind]].get(key)
    if row is None:
        raise JiraError(404, f"The owner '{key[:40]}' of the avatar does not exist.")
    return row


def _need(c: Context, kind: str, row: Row) -> None:
    if kind == "project" and c.may("ADMINISTER_PROJECTS", row):
        return
    c.need_admin("You do not have permission to change this avatar.")


def _of(c: Context, kind: str, row: Row) -> Response:
    mine = [r for r in c["avatars"].rows() if (r["type"], r["owner"]) == (kind, row["id"])]
    selected = str(row.get("avatar", ""))
    custom = [_custom(c, avatar, selected) for avatar in mine]
    return reply({"system": _system(c, kind, selected), "custom": custom})


def _store(c: Context, kind: str, row: Row) -> Response:
    _need(c, kind, row)
    request = c.call.request
    if request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
        raise JiraError(403, "XSRF check failed")
    if not request.body:
        raise JiraError(400, "The request does not contain an image.")
    if not request.media_type.startswith("image/"):
        raise JiraError(400, f"The image type '{request.media_type[:40]}' is not supported.")
    for name in ("x", "y", "size"):
        number = c.query_number(name, 0) or 0
        if number < 0 or number > 10_000:
            raise JiraError(400, f"The crop parameter '{name}' is not valid.")
    key = new_id(c.twin, "avatar", 11_000)
    avatar = {
        "id": key,
        "type": kind,
        "owner": row["id"],
        "media": request.media_type,
        "data": request.body.decode("latin-1"),
    }
    c["avatars"].put(key, avatar)
    return reply(_custom(c, avatar), 201)


def _drop(c: Context, kind: str, row: Row) -> Response:
    _need(c, kind, row)
    key = c.param("id")
    if key in {str(number) for number in _SYSTEM[kind]}:
        raise JiraError(403, "System avatars cannot be deleted.")
    avatar = c["avatars"].get(key)
    if avatar is None or (avatar["type"], avatar["owner"]) != (kind, row["id"]):
        raise JiraError(404, f"The avatar with id '{key[:40]}' does not exist.")
    c["avatars"].delete(key)
    return empty()


_OWNER: Final = "/universal_avatar/type/{type}/owner"


@operation("GET", f"{_OWNER}/{{entityId}}", "getAvatars")
def avatars(c: Context) -> Response:
    """The avatars something may have."""
    kind = _kind(c)
    return _of(c, kind, _entity(c, kind, c.param("entityId")))


@operation("POST", f"{_OWNER}/{{entityId}}", "storeAvatar")
def store(c: Context) -> Response:
    """Upload an image."""
    kind = _kind(c)
    return _store(c, kind, _entity(c, kind, c.param("entityId")))


@operation("DELETE", f"{_OWNER}/{{owningObjectId}}/avatar/{{id}}", "deleteAvatar")
def delete(c: Context) -> Response:
    """Delete an uploaded one."""
    kind = _kind(c)
    return _drop(c, kind, _entity(c, kind, c.param("owningObjectId")))


# -- of projects


@operation("GET", "/project/{projectIdOrKey}/avatars", "getAllProjectAvatars")
def of_project(c: Context) -> Response:
    """The avatars a project may have."""
    return _of(c, "project", c.project(c.param("projectIdOrKey")))


@operation("POST", "/project/{projectIdOrKey}/avatar2", "createProjectAvatar")
def store_project(c: Context) -> Response:
    """Upload one for a project."""
    return _store(c, "project", c.project(c.param("projectIdOrKey")))


@operation("PUT", "/project/{projectIdOrKey}/avatar", "updateProjectAvatar")
def choose(c: Context) -> Response:
    """Choose a project's avatar."""
    project = c.project(c.param("projectIdOrKey"))
    _need(c, "project", project)
    key = str(c.body().get("id") or "")
    avatar = c["avatars"].get(key)
    mine = avatar is not None and (avatar["type"], avatar["owner"]) == ("project", project["id"])
    if not mine and key not in {str(number) for number in _SYSTEM["project"]}:
        raise JiraError(404, f"The avatar with id '{key[:40]}' does not exist.")
    c["projects"].put(project["id"], {**project, "avatar": key})
    return empty()


@operation("DELETE", "/project/{projectIdOrKey}/avatar/{id}", "deleteProjectAvatar")
def delete_project(c: Context) -> Response:
    """Delete an uploaded one."""
    return _drop(c, "project", c.project(c.param("projectIdOrKey")))


# -- images


def _image(c: Context, kind: str, avatar: Row | None, key: str) -> Response:
    if avatar is not None:
        data = avatar["data"].encode("latin-1")
        return Response(200, data, [("content-type", avatar["media"])])
    size = _PIXELS.get(c.query("size", "medium"))
    if size is None:
        raise JiraError(404, "No avatar of that size exists.")
    hue = (int(key) * 47) % 360 if key.isdecimal() else 210
    image = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 8 8">'
        f'<rect width="8" height="8" rx="1" fill="hsl({hue} 60% 45%)"/></svg>'
    )
    return Response(200, image.encode(), [("content-type", "image/svg+xml")])


_VIEW: Final = "/universal_avatar/view/type/{type}"


@operation("GET", _VIEW, "getAvatarImageByType")
def default_image(c: Context) -> Response:
    """The default avatar of a type."""
    kind = _kind(c)
    return _image(c, kind, None, str(_SYSTEM[kind][0]))


@operation("GET", f"{_VIEW}/avatar/{{id}}", "getAvatarImageByID")
def image(c: Context) -> Response:
    """An avatar."""
    kind = _kind(c)
    key = c.param("id")
    avatar = c["avatars"].get(key)
    if avatar is not None and avatar["type"] != kind:
        avatar = None
    if avatar is None and key not in {str(number) for number in _SYSTEM[kind]}:
        raise JiraError(404, f"The avatar with id '{key[:40]}' does not exist.")
    return _image(c, kind, avatar, key)


@operation("GET", f"{_VIEW}/owner/{{entityId}}", "getAvatarImageByOwner")
def owner_image(c: Context) -> Response:
    """The avatar something has."""
    kind = _kind(c)
    row = _entity(c, kind, c.param("entityId"))
    key = str(row.get("avatar") or _SYSTEM[kind][0])
    return _image(c, kind, c["avatars"].get(key), key)


@operation("POST", "/issuetype/{id}/avatar2", "createIssueTypeAvatar")
def store_type(c: Context) -> Response:
    """Upload an image for an issue type; it becomes the type's avatar."""
    if c.query_number("size") is None:
        raise JiraError(400, "The size of the crop area must be specified.")
    row = _entity(c, "issuetype", c.param("id"))
    answer = _store(c, "issuetype", row)
    c["issuetypes"].put(row["id"], {**row, "avatar": str(answer.data()["id"])})
    return answer
