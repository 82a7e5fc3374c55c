"""attachment: files on issues."""

from email.parser import BytesParser
from email.policy import HTTP
from mimetypes import guess_type

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .needs import need_write
from .shapes import attachment_shape
from .state import new_id, touch
from .telling import attachment_event

MAX_SIZE = 10 << 20


@operation("POST", "/issue/{issueIdOrKey}/attachments", "addAttachment")
def add(c: Context) -> Response:
    """Attach the files of a form; Jira insists on a header against forged requests."""
    request = c.call.request
    if request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
        raise JiraError(403, "XSRF check failed")
    issue = c.issue(c.param("issueIdOrKey"))
    need_write(c, issue)
    if request.media_type != "multipart/form-data":
        raise JiraError(415, "Unsupported Media Type")
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head.encode("utf-8", "replace") + request.body)
    shapes = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_filename()
        payload = part.get_payload(decode=True)
        if not name or not isinstance(payload, bytes):
            continue
        if len(payload) > MAX_SIZE:
            raise JiraError(413, "The attachment is larger than the allowed size.")
        key = new_id(c.twin, "attachment")
        row = {
            "id": key,
            "issue": issue["id"],
            "filename": name,
            "author": c.me,
            "created": c.now,
            "size": len(payload),
            "type": guess_type(name)[0] or "application/octet-stream",
            "data": payload.decode("latin-1"),
        }
        c["attachments"].put(key, row)
        attachment_event(c, "created", row, issue)
        shapes.append(attachment_shape(c, row))
    if not shapes:
        raise JiraError(400, "No file was sent in the part 'file'.")
    touch(c, issue)
    return reply(shapes)


def _attachment(c: Context) -> Row:
    row = c["attachments"].get(c.param("id"))
    if row is None or c.find_issue(row["issue"]) is None:
        raise JiraError(404, f"The attachment with id '{c.param('id')}' does not exist")
    return row


@operation("GET", "/attachment/meta", "getAttachmentMeta")
def meta(c: Context) -> Response:
    """Whether and how large."""
    return reply({"enabled": True, "uploadLimit": MAX_SIZE})


@operation("GET", "/attachment/{id}", "getAttachment")
def get(c: Context) -> Response:
    """What is known of an attachment."""
    return reply(attachment_shape(c, _attachment(c)))


@operation("GET", "/attachment/content/{id}", "getAttachmentContent")
def content(c: Context) -> Response:
    """Its bytes."""
    row = _attachment(c)
    kind = [("content-type", row["type"])]
    return Response(200, row["data"].encode("latin-1"), kind)


@operation("DELETE", "/attachment/{id}", "removeAttachment")
def delete(c: Context) -> Response:
    """Remove an attachment."""
    row = _attachment(c)
    issue = c["issues"][row["issue"]]
    need_write(c, issue)
    c["attachments"].delete(row["id"])
    touch(c, issue)
    attachment_event(c, "deleted", row, issue)
    return empty()
