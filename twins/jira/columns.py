"""Columns of the issue navigator: of the site, a user, a filter."""

from typing import Any, Final

from factory_tui.universe import BadBodyError, Response

from .context import Context, empty, operation, reply
from .errors import JiraError
from .fields import fields_of
from .forms import form_parts

__all__ = ["DEFAULT", "column_shape", "sent_columns"]

DEFAULT: Final = (
    "issuetype",
    "issuekey",
    "summary",
    "assignee",
    "reporter",
    "priority",
    "status",
    "resolution",
    "created",
    "updated",
    "duedate",
)


def column_shape(c: Context, name: str) -> dict[str, Any]:
    """A column."""
    known = fields_of(c).get(name)
    label = "Key" if name == "issuekey" else known.name if known else name
    return {"label": label, "value": name}


def sent_columns(c: Context) -> list[str]:
    """The columns in the body: JSON, or a form with ``columns`` repeated. Raises 400."""
    request = c.call.request
    if request.media_type == "multipart/form-data":
        found = [data.decode("utf-8", "replace") for name, _, data in form_parts(request)
                 if name == "columns"]  # fmt: skip
    elif request.media_type == "application/json":
        try:
            value = request.json()
        except BadBodyError as error:
            raise JiraError(400, "There was an error parsing JSON.") from error
        columns = value.get("columns") if isinstance(value, dict) else value
        found = [str(item) for item in columns] if isinstance(columns, list) else []
    else:
        try:
            pairs = request.form_pairs()
        except BadBodyError as error:
            raise JiraError(400, "The form cannot be read.") from error
        found = [value for name, value in pairs if name == "columns"]
    known = fields_of(c)
    for name in found:
        if name != "issuekey" and (name not in known or not known[name].navigable):
            raise JiraError(400, f"The column '{name[:40]}' is not a navigable field.")
    return found


@operation("GET", "/settings/columns", "getIssueNavigatorDefaultColumns")
def site_columns(c: Context) -> Response:
    """The site's columns."""
    c.need_admin()
    return reply([column_shape(c, name) for name in c.site.get("columns") or DEFAULT])


@operation("PUT", "/settings/columns", "setIssueNavigatorDefaultColumns")
def set_site_columns(c: Context) -> Response:
    """Choose them."""
    c.need_admin()
    c["site"].put("site", {**c.site, "columns": sent_columns(c)})
    return empty(200)
