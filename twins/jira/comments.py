"""comment: what people say about an issue."""

from typing import Any

from factory_tui.universe import Response, Row

from .adf import MAX_TEXT, NotADocumentError, plain, rich
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .read import readable
from .rendering import html_of
from .shapes import comment_shape
from .state import add_comment, touch
from .telling import comment_event
from .visibility import sent_visibility


def body_of(c: Context, payload: dict[str, Any]) -> Any:
    """The rich text of a comment that was sent. Raises 400 about it."""
    try:
        body = rich(payload.get("body"), v3=c.v3)
    except NotADocumentError as error:
        raise bad_field("comment", "Comment body is not valid!") from error
    if body is None or (not plain(body).strip() and "text" in body):
        raise bad_field("comment", "Comment body can not be empty!")
    if len(plain(body)) > MAX_TEXT:
        raise bad_field(
            "comment",
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        )
    return body


def _shown(c: Context, row: Row) -> dict[str, Any]:
    """A comment with what is to be expanded of it."""
    shape, expand = comment_shape(c, row), c.query_list("expand")
    if "renderedBody" in expand:
        shape["renderedBody"] = html_of(row["body"])
    if "properties" in expand:
        table = c["properties"]
        found = [table[key] for key in table.find("entity", f"comment/{row['id']}")]
        shape["properties"] = [{"key": one["key"], "value": one["value"]} for one in found]
    return shape


@operation("GET", "/issue/{issueIdOrKey}/comment", "getComments")
def get_all(c: Context) -> Response:
    """The comments of an issue, oldest first or by ``orderBy``."""
    issue = c.issue(c.param("issueIdOrKey"))
    start, size = c.page(100, 5000)
    order = c.query("orderBy", "created")
    if order.lstrip("+-") != "created":
        raise JiraError(400, f"The 'orderBy' value '{order[:40]}' is not supported.")
    table = c["comments"]
    keys = [key for key in table.find("issue", issue["id"]) if readable(c, table[key])]
    if order.startswith("-"):
        keys.reverse()
    page = [_shown(c, c["comments"][key]) for key in keys[start : start + size]]
    return reply({"startAt": start, "maxResults": size, "total": len(keys), "comments": page})


@operation("POST", "/issue/{issueIdOrKey}/comment", "addComment")
def add(c: Context) -> Response:
    """A new comment."""
    issue = c.issue(c.param("issueIdOrKey"))
    c.need("ADD_COMMENTS", issue, "You do not have the permission to comment on this issue.")
    payload = c.body()
    limit = sent_visibility(c, issue, payload)
    row = add_comment(c, issue, body_of(c, payload), limit)
    return reply(_shown(c, row), 201)


def _need_one(c: Context, issue: Row, row: Row, verb: str) -> None:
    """Refuse unless the caller may edit or delete a comment."""
    if c.may(f"{verb}_ALL_COMMENTS", None, issue):
        return
    if row["author"] == c.me and c.may(f"{verb}_OWN_COMMENTS", None, issue):
        return
    raise JiraError(400, f"You do not have the permission to {verb.lower()} this comment.")


def _comment(c: Context) -> tuple[Row, Row]:
    issue = c.issue(c.param("issueIdOrKey"))
    row = c["comments"].get(c.param("id"))
    if row is None or row["issue"] != issue["id"] or not readable(c, row):
        raise JiraError(404, f"Can not find a comment for the id: {c.param('id')}.")
    return issue, row


@operation("GET", "/issue/{issueIdOrKey}/comment/{id}", "getComment")
def get(c: Context) -> Response:
    """One comment."""
    return reply(_shown(c, _comment(c)[1]))


@operation("PUT", "/issue/{issueIdOrKey}/comment/{id}", "updateComment")
def update(c: Context) -> Response:
    """Other words for a comment."""
    issue, row = _comment(c)
    _need_one(c, issue, row, "EDIT")
    payload = c.body()
    changed = {**row, "body": body_of(c, payload), "updater": c.me, "updated": c.now}
    if "visibility" in payload:
        changed["visibility"] = sent_visibility(c, issue, payload)
    c["comments"].put(row["id"], changed)
    touch(c, issue)
    comment_event(c, "updated", changed, issue)
    return reply(_shown(c, changed))


@operation("DELETE", "/issue/{issueIdOrKey}/comment/{id}", "deleteComment")
def delete(c: Context) -> Response:
    """Delete a comment."""
    issue, row = _comment(c)
    _need_one(c, issue, row, "DELETE")
    c["comments"].delete(row["id"])
    touch(c, issue)
    comment_event(c, "deleted", row, issue)
    return empty()


@operation("POST", "/comment/list", "getCommentsByIds")
def by_ids(c: Context) -> Response:
    """Comments by their ids, of any issue the caller sees."""
    wanted = c.body().get("ids")
    if not isinstance(wanted, list) or len(wanted) > 1000:
        raise JiraError(400, "Specify up to 1000 comment ids in 'ids'.")
    rows = []
    for key in dict.fromkeys(str(item) for item in wanted):
        row = c["comments"].get(key)
        if row is not None and c.find_issue(row["issue"]) is not None and readable(c, row):
            rows.append(_shown(c, row))
    return reply(
        {
            "startAt": 0,
            "maxResults": 1048576,
            "total": len(rows),
            "isLast": True,
            "values": rows,
        }
    )
