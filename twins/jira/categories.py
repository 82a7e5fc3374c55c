"""projectCategory: groups of projects."""

from typing import Any

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .state import new_id

__all__ = ["category_shape"]


def category_shape(c: Context, row: Row) -> dict[str, Any]:
    """A category of projects."""
    return {
        "self": f"{c.api}/projectCategory/{row['id']}",
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
    }


def _need(c: Context) -> None:
    c.need_admin("You do not have permission to manage project categories.")


def _one(c: Context) -> Row:
    row = c["categories"].get(c.param("id"))
    if row is None:
        raise JiraError(404, f"Project category with id '{c.param('id')}' does not exist.")
    return row


def _fields(c: Context, body: dict[str, Any], row: Row) -> Row:
    name, text = body.get("name", row["name"]), body.get("description", row["description"])
    if not isinstance(name, str) or not name.strip() or len(name) > 255:
        raise JiraError(400, "The category's name must have from 1 to 255 characters.")
    if not isinstance(text, str) or len(text) > 1000:
        raise JiraError(400, "The category's description must not exceed 1000 characters.")
    for other in c["categories"].rows():
        if other["name"].lower() == name.strip().lower() and other["id"] != row["id"]:
            raise JiraError(409, f"The project category '{name}' already exists.")
    return {**row, "name": name.strip(), "description": text}


@operation("GET", "/projectCategory", "getAllProjectCategories")
def listed(c: Context) -> Response:
    """All categories."""
    return reply([category_shape(c, row) for row in c["categories"].rows()])


@operation("POST", "/projectCategory", "createProjectCategory")
def create(c: Context) -> Response:
    """A new category."""
    _need(c)
    row = _fields(c, c.body(), {"id": "", "name": "", "description": ""})
    row["id"] = new_id(c.twin, "category")
    c["categories"].put(row["id"], row)
    return reply(category_shape(c, row), 201)


@operation("GET", "/projectCategory/{id}", "getProjectCategoryById")
def get(c: Context) -> Response:
    """A category."""
    return reply(category_shape(c, _one(c)))


@operation("PUT", "/projectCategory/{id}", "updateProjectCategory")
def update(c: Context) -> Response:
    """Change a category."""
    _need(c)
    row = _fields(c, c.body(), _one(c))
    c["categories"].put(row["id"], row)
    return reply(category_shape(c, row))


@operation("DELETE", "/projectCategory/{id}", "removeProjectCategory")
def delete(c: Context) -> Response:
    """Delete a category; its projects have none then."""
    _need(c)
    row = _one(c)
    for project in list(c["projects"].rows()):
        if project.get("category") == row["id"]:
            c["projects"].put(project["id"], {**project, "category": ""})
    c["categories"].delete(row["id"])
    return empty()
