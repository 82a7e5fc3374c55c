"""attachment: files on issues."""

import io
import re
import zipfile
from mimetypes import guess_type
from typing import Any, Final
from urllib.parse import quote

from factory_tui.universe import Response, Row

from .context import Context, empty, operation, reply
from .errors import JiraError
from .forms import form_parts
from .shapes import attachment_shape
from .state import new_id, touch
from .telling import attachment_event

MAX_SIZE: Final = 10 << 20


_NOT_ALLOWED: Final = "You do not have permission to create attachments for this issue."
MAX_FILES: Final = 60


@operation("POST", "/issue/{issueIdOrKey}/attachments", "addAttachment")
def add(c: Context) -> Response:
    """Attach the files of a form, all or none; Jira insists on a header against forged requests."""
    request = c.call.request
    if request.headers.get("x-atlassian-token", "").lower() not in ("no-check", "nocheck"):
        raise JiraError(403, "XSRF check failed")
    issue = c.issue(c.param("issueIdOrKey"))
    c.need("CREATE_ATTACHMENTS", issue, _NOT_ALLOWED)
    if request.media_type != "multipart/form-data":
        raise JiraError(415, "Unsupported Media Type")
    files = [(name, data) for part, name, data in form_parts(request) if part == "file" and name]
    if not files:
        raise JiraError(400, "No file was sent in the part 'file'.")
    if len(files) > MAX_FILES:
        raise JiraError(413, f"At most {MAX_FILES} files can be attached at once.")
    if any(len(data) > MAX_SIZE for _, data in files):
        raise JiraError(413, "The attachment is larger than the allowed size.")
    shapes = []
    for name, payload in files:
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
    shape = attachment_shape(c, _attachment(c))
    # Alone it has a number for its id; on an issue it has a text.
    return reply({**shape, "id": int(shape["id"])} if c.cloud else shape)


def _bytes(c: Context, row: Row) -> Response:
    """The content, or the part of it that a ``Range`` header asks for."""
    data = row["data"].encode("latin-1")
    kind = [("content-type", row["type"]), ("accept-ranges", "bytes")]
    asked = c.call.request.headers.get("range")
    if not asked:
        return Response(200, data, kind)
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.strip())
    if found is None or not any(found.groups()):
        raise JiraError(400, "The range header is malformed.")
    first, last = found.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end:
        raise JiraError(416, "The range cannot be satisfied.")
    kind.append(("content-range", f"bytes {start}-{end}/{len(data)}"))
    return Response(206, data[start : end + 1], kind)


def _elsewhere(c: Context, row: Row, folder: str) -> Response:
    """To the address of the file itself, unless ``redirect=false``."""
    if not c.query_flag("redirect", True):
        return _bytes(c, row)
    name = quote(row["filename"], safe="")
    place = f"{c.call.request.base_url}/secure/{folder}/{row['id']}/{name}"
    return Response(303, b"", [("location", place)])


@operation("GET", "/attachment/content/{id}", "getAttachmentContent")
def content(c: Context) -> Response:
    """Its bytes: a redirect to where they are."""
    return _elsewhere(c, _attachment(c), "attachment")


@operation("GET", "/secure/attachment/{id}/{filename}", "downloadAttachment")
@operation("GET", "/secure/thumbnail/{id}/{filename}", "downloadThumbnail")
def download(c: Context) -> Response:
    """The file itself."""
    return _bytes(c, _attachment(c))


_NO_PICTURE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 8 8">'
    '<path d="M1 0h4l2 2v6H1z" fill="#8993a4"/></svg>'
)


@operation("GET", "/attachment/thumbnail/{id}", "getAttachmentThumbnail")
def thumbnail(c: Context) -> Response:
    """A picture's thumbnail; it is the picture. For other files there is a default one."""
    row = _attachment(c)
    for name in ("width", "height"):
        if (c.query_number(name, 1) or 0) < 1:
            raise JiraError(400, f"The {name} of the thumbnail is not valid.")
    if row["type"].startswith("image/"):
        return _elsewhere(c, row, "thumbnail")
    if not c.query_flag("fallbackToDefault", True):
        raise JiraError(404, "The attachment has no thumbnail.")
    return Response(200, _NO_PICTURE.encode(), [("content-type", "image/svg+xml")])


def _entries(row: Row) -> list[zipfile.ZipInfo]:
    """The files in an archive. Raises 409 for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(row["data"].encode("latin-1"))) as archive:
            return [item for item in archive.infolist() if not item.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise JiraError(409, "The attachment is not an archive that can be read.") from error


def _kind(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"


def _size(number: int) -> str:
    if number < 1024:
        return f"{number} B"
    return f"{number / 1024:.0f} kB" if number < 1 << 20 else f"{number / (1 << 20):.1f} MB"


@operation("GET", "/attachment/{id}/expand/human", "expandAttachmentForHumans")
def expand_human(c: Context) -> Response:
    """What is in an archive, to be shown."""
    row = _attachment(c)
    entries = [
        {
            "index": number,
            "label": item.filename.rpartition("/")[2],
            "mediaType": _kind(item.filename),
            "path": item.filename,
            "size": _size(item.file_size),
        }
        for number, item in enumerate(_entries(row))
    ]
    shape: dict[str, Any] = {"entries": entries, "totalEntryCount": len(entries)}
    return reply({**shape, "id": int(row["id"]), "name": row["filename"], "mediaType": row["type"]})


@operation("GET", "/attachment/{id}/expand/raw", "expandAttachmentForMachines")
def expand_raw(c: Context) -> Response:
    """The same, to be worked with."""
    entries = [
        {
            "entryIndex": number,
            "abbreviatedName": item.filename[-40:],
            "mediaType": _kind(item.filename),
            "name": item.filename,
            "size": item.file_size,
        }
        for number, item in enumerate(_entries(_attachment(c)))
    ]
    return reply({"entries": entries, "totalEntryCount": len(entries)})


@operation("DELETE", "/attachment/{id}", "removeAttachment")
def delete(c: Context) -> Response:
    """Remove an attachment."""
    row = _attachment(c)
    issue = c["issues"][row["issue"]]
    own = row["author"] == c.me and c.may("DELETE_OWN_ATTACHMENTS", None, issue)
    if not own:
        words = f"You do not have permission to delete attachment with id: {row['id']}"
        c.need("DELETE_ALL_ATTACHMENTS", issue, words)
    c["attachments"].delete(row["id"])
    touch(c, issue)
    attachment_event(c, "deleted", row, issue)
    return empty()
