"""Multipart forms: the parts of a request with files in it."""

from factory_tui.universe import BadBodyError, Request, read_parts

__all__ = ["form_parts"]


def form_parts(request: Request) -> list[tuple[str, str, bytes]]:
    """Name, file name ("" for none) and content of every part; none for what is no form."""
    if request.media_type != "multipart/form-data":
        return []
    try:
        parts = read_parts(request.headers["content-type"], request.body)
    except BadBodyError:
        return []
    return [(part.name, part.filename or "", part.data) for part in parts]
