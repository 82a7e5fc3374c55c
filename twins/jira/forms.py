"""Multipart forms: the parts of a request with files in it."""

from email.parser import BytesParser
from email.policy import HTTP

from factory_tui.universe import Request

__all__ = ["form_parts"]


def form_parts(request: Request) -> list[tuple[str, str, bytes]]:
    """Name, file name ("" for none) and content of every part; none for what is no form."""
    if request.media_type != "multipart/form-data":
        return []
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head.encode("utf-8", "replace") + request.body)
    parts = []
    for part in message.iter_parts() if message.is_multipart() else ():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            name = part.get_param("name", header="content-disposition")
            parts.append((str(name or ""), part.get_filename() or "", payload))
    return parts
