"""Importing an area registers its methods; here they come together."""

from collections.abc import Callable
from typing import Final

from factory_tui.universe import Call, Request, Response, Twin

from . import (  # noqa: F401 - imported for their registrations
    bookmarks,
    chat,
    conversations,
    files,
    history,
    marks,
    membership,
    people,
    reminders,
    usergroups,
    views,
    workspace,
)
from .body import Arguments
from .method import Context

__all__ = ["RAW", "catch_up"]

RAW: Final[dict[str, tuple[str, Callable[[Call], Response]]]] = {
    "upload": ("files.upload-bytes", files.upload),
    "files-pri": ("files.download", files.download),
}
"""Paths outside ``/api/``: first segment to operation name and handler."""


def catch_up(twin: Twin) -> None:
    """Let happen what the clock has reached since the last call."""
    if len(twin["scheduled"].changes()):
        call = Call(twin, Request("GET", "/"))
        chat.deliver_due(Context(call, Arguments({}), None))
