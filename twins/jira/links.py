"""issueLink, issueLinkType, remotelink: how issues hang together, and with the rest."""

from typing import Any

from factory_tui.universe import Response, Row

from .adf import NotADocumentError, rich
from .context import Context, empty, operation, reply
from .errors import JiraError, bad_field
from .fields import issue_link_shape
from .needs import need_write
from .read import link_type_shape, link_types
from .state import add_comment, new_id, touch
from .telling import link_event


@operation("GET", "/issueLinkType", "getIssueLinkTypes")
def types(c: Context) -> Response:
    """The types of links."""
    return reply({"issueLinkTypes": [link_type_shape(c, key) for key in link_types(c)]})


@operation("GET", "/issueLinkType/{issueLinkTypeId}", "getIssueLinkType")
def one_type(c: Context) -> Response:
    """A type of link."""
    key = c.param("issueLinkTypeId")
    return reply(link_type_shape(c, _known(c, key)))


def _known(c: Context, key: str) -> str:
    if not key.isdecimal():
        raise JiraError(400, f"The issue link type id '{key[:40]}' is not valid.")
    if key not in link_types(c):
        raise JiraError(404, f"No issue link type with id '{key}' found.")
    return key


def _type_fields(c: Context, body: dict[str, Any], key: str) -> dict[str, str]:
    known = link_types(c).get(key)
    found: dict[str, str] = {}
    for n, name in enumerate(("name", "inward", "outward")):
        value = body.get(name) or (known[n] if known else None)
        if not isinstance(value, str) or not value.strip():
            raise bad_field(name, f"The {name} of the issue link type must be specified.")
        found[name] = value.strip()
    for other, names in link_types(c).items():
        if names[0].lower() == found["name"].lower() and other != key:
            raise JiraError(404, "An issue link type with this name already exists.")
    return found


def _need_admin(c: Context) -> None:
    # Jira hides what one may not administer.
    c.need_admin("You do not have permission to manage issue link types.")


@operation("POST", "/issueLinkType", "createIssueLinkType")
def create_type(c: Context) -> Response:
    """A new type of link."""
    _need_admin(c)
    fields = _type_fields(c, c.body(), "")
    key = new_id(c.twin, "linktype", 10_100)
    c["linktypes"].put(key, {"id": key, "gone": False, **fields})
    return reply(link_type_shape(c, key), 201)


@operation("PUT", "/issueLinkType/{issueLinkTypeId}", "updateIssueLinkType")
def update_type(c: Context) -> Response:
    """Other words for a type of link."""
    _need_admin(c)
    key = _known(c, c.param("issueLinkTypeId"))
    c["linktypes"].put(key, {"id": key, "gone": False, **_type_fields(c, c.body(), key)})
    return reply(link_type_shape(c, key))


@operation("DELETE", "/issueLinkType/{issueLinkTypeId}", "deleteIssueLinkType")
def delete_type(c: Context) -> Response:
    """Delete a type of link with its links."""
    _need_admin(c)
    key = _known(c, c.param("issueLinkTypeId"))
    for row in list(c["links"].rows()):
        if row["type"] == key:
            c["links"].delete(row["id"])
    c["linktypes"].put(key, {"id": key, "gone": True, "name": "", "inward": "", "outward": ""})
    return empty()


def _type(c: Context, value: Any) -> str:
    if isinstance(value, dict):
        for key, names in link_types(c).items():
            if str(value.get("id")) == key or value.get("name") == names[0]:
                return key
        if value.get("name") is None and value.get("id") is not None:
            raise JiraError(404, f"No issue link type with id '{str(value['id'])[:60]}' found.")
        raise JiraError(404, f"No issue link type with name '{value.get('name')}' found.")
    raise JiraError(400, "The issue link type must be given.")


def _end(c: Context, value: Any, name: str) -> Row:
    reference = (value.get("key") or value.get("id")) if isinstance(value, dict) else None
    if reference is None:
        raise JiraError(400, f"The '{name}' must be given.")
    return c.issue(str(reference))


@operation("POST", "/issueLink", "linkIssues")
def link(c: Context) -> Response:
    """Link two issues; the same link is not made twice."""
    body = c.body()
    kind = _type(c, body.get("type"))
    inward = _end(c, body.get("inwardIssue"), "inwardIssue")
    outward = _end(c, body.get("outwardIssue"), "outwardIssue")
    need_write(c, inward)
    if inward["id"] == outward["id"]:
        raise JiraError(400, "You cannot link an issue to itself.")
    comment = body.get("comment")
    text = None
    if isinstance(comment, dict):
        try:
            text = rich(comment.get("body"), v3=c.v3)
        except NotADocumentError as error:
            raise bad_field("comment", "Comment body is not valid!") from error
    connect(c, kind, inward, outward)
    if text is not None:
        add_comment(c, inward, text)
    return Response(201)


def connect(c: Context, kind: str, inward: Row, outward: Row) -> None:
    """Link two issues unless they are linked so."""
    table = c["links"]
    known = [table[key] for key in table.find("inward", inward["id"])]
    if any(row["outward"] == outward["id"] and row["type"] == kind for row in known):
        return
    key = new_id(c.twin, "link")
    ends = {"inward": inward["id"], "outward": outward["id"]}
    table.put(key, {"id": key, "type": kind, **ends})
    touch(c, inward)
    touch(c, outward)
    link_event(c, "created", table[key])


def link_from(c: Context, issue: Row, value: dict[str, Any]) -> None:
    """Link ``issue`` as its ``update`` says: ``{"type", "inwardIssue" or "outwardIssue"}``."""
    kind = _type(c, value.get("type"))
    if value.get("outwardIssue") is not None:
        connect(c, kind, issue, _end(c, value["outwardIssue"], "outwardIssue"))
    else:
        connect(c, kind, _end(c, value.get("inwardIssue"), "inwardIssue"), issue)


def _link(c: Context) -> Row:
    row = c["links"].get(c.param("linkId"))
    if row is None or c.find_issue(row["inward"]) is None or c.find_issue(row["outward"]) is None:
        raise JiraError(404, f"No issue link with id '{c.param('linkId')}' exists.")
    return row


@operation("GET", "/issueLink/{linkId}", "getIssueLink")
def get(c: Context) -> Response:
    """A link with both its ends."""
    row = _link(c)
    return reply(
        {
            "id": row["id"],
            "self": f"{c.api}/issueLink/{row['id']}",
            "type": link_type_shape(c, row["type"]),
            "inwardIssue": issue_link_shape(c, c["issues"][row["inward"]]),
            "outwardIssue": issue_link_shape(c, c["issues"][row["outward"]]),
        }
    )


@operation("DELETE", "/issueLink/{linkId}", "deleteIssueLink")
def delete(c: Context) -> Response:
    """Undo a link."""
    row = _link(c)
    need_write(c, c["issues"][row["inward"]])
    c["links"].delete(row["id"])
    link_event(c, "deleted", row)
    return empty()


# -- links to elsewhere


def _remote_shape(c: Context, row: Row, issue: Row) -> dict[str, Any]:
    shape = {
        "id": int(row["id"]),
        "self": f"{c.api}/issue/{issue['key']}/remotelink/{row['id']}",
        "application": row["application"],
        "object": row["object"],
    }
    if row["global"]:
        shape["globalId"] = row["global"]
    if row["relationship"]:
        shape["relationship"] = row["relationship"]
    return shape


def _remote_of(c: Context, payload: dict[str, Any], issue: Row) -> Row:
    target = payload.get("object")
    if not isinstance(target, dict):
        raise bad_field("object", "'object' is required.")
    for name in ("title", "url"):
        if not isinstance(target.get(name), str) or not target[name]:
            raise bad_field(name, f"'{name}' is required.")
    application = payload.get("application")
    return {
        "issue": issue["id"],
        "global": str(payload.get("globalId") or ""),
        "relationship": str(payload.get("relationship") or ""),
        "application": application if isinstance(application, dict) else {},
        "object": target,
    }


def _remotes(c: Context, issue: Row) -> list[Row]:
    table = c["remotelinks"]
    return [table[key] for key in table.find("issue", issue["id"])]


@operation("GET", "/issue/{issueIdOrKey}/remotelink", "getRemoteIssueLinks")
def remotes(c: Context) -> Response:
    """The links of an issue to elsewhere, or the one with ``globalId``."""
    issue = c.issue(c.param("issueIdOrKey"))
    rows = _remotes(c, issue)
    wanted = c.query("globalId")
    if wanted:
        for row in rows:
            if row["global"] == wanted:
                return reply(_remote_shape(c, row, issue))
        raise JiraError(404, f"A remote link with the globalId '{wanted}' does not exist.")
    return reply([_remote_shape(c, row, issue) for row in rows])


@operation("POST", "/issue/{issueIdOrKey}/remotelink", "createOrUpdateRemoteIssueLink")
def add_remote(c: Context) -> Response:
    """Link to elsewhere; the same ``globalId`` updates the link there is."""
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    row = _remote_of(c, c.body(), issue)
    known = next((r for r in _remotes(c, issue) if row["global"] and r["global"] == row["global"]),
                 None)  # fmt: skip
    key = known["id"] if known else new_id(c.twin, "remotelink")
    c["remotelinks"].put(key, {"id": key, **row})
    shape = {"id": int(key), "self": f"{c.api}/issue/{issue['key']}/remotelink/{key}"}
    return reply(shape, 200 if known else 201)


@operation("DELETE", "/issue/{issueIdOrKey}/remotelink", "deleteRemoteIssueLinkByGlobalId")
def delete_by_global_id(c: Context) -> Response:
    """Remove the link to elsewhere that has a global id."""
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    wanted = c.query("globalId")
    if not wanted:
        raise JiraError(400, "The global id must be specified.")
    for row in _remotes(c, issue):
        if row["global"] == wanted:
            c["remotelinks"].delete(row["id"])
            return empty()
    raise JiraError(404, f"A remote link with the globalId '{wanted}' does not exist.")


def _remote(c: Context) -> tuple[Row, Row]:
    issue = c.issue(c.param("issueIdOrKey"))
    row = c["remotelinks"].get(c.param("linkId"))
    if row is None or row["issue"] != issue["id"]:
        raise JiraError(404, f"The remote link with id '{c.param('linkId')}' does not exist.")
    return issue, row


@operation("GET", "/issue/{issueIdOrKey}/remotelink/{linkId}", "getRemoteIssueLinkById")
def remote(c: Context) -> Response:
    """One link to elsewhere."""
    issue, row = _remote(c)
    return reply(_remote_shape(c, row, issue))


@operation("PUT", "/issue/{issueIdOrKey}/remotelink/{linkId}", "updateRemoteIssueLink")
def update_remote(c: Context) -> Response:
    """Change a link to elsewhere."""
    issue, row = _remote(c)
    need_write(c, issue)
    c["remotelinks"].put(row["id"], {"id": row["id"], **_remote_of(c, c.body(), issue)})
    return empty()


@operation("DELETE", "/issue/{issueIdOrKey}/remotelink/{linkId}", "deleteRemoteIssueLinkById")
def delete_remote(c: Context) -> Response:
    """Remove a link to elsewhere."""
    issue, row = _remote(c)
    need_write(c, issue)
    c["remotelinks"].delete(row["id"])
    return empty()
