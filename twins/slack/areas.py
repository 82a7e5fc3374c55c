"""Importing an area registers its methods; here they come together."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from factory_tui.universe import Call, Request, Response, Twin

from . import (  # noqa: F401 - imported for their registrations
    admin,
    admin_apps,
    admin_conversations,
    admin_rest,
    admin_teams,
    agents,
    audit,
    block_validate,
    bookmarks,
    calls,
    canvases,
    chat,
    connect,
    connect_requests,
    conversations,
    datastores,
    dialogs,
    dnd,
    files,
    functions,
    history,
    list_items,
    lists,
    manifests,
    marks,
    membership,
    modals,
    oauth,
    openid,
    people,
    reminders,
    remote_files,
    respond,
    retired,
    rtm,
    scim,
    search,
    sockets,
    stars,
    streams,
    team_logs,
    unfurls,
    usergroups,
    views,
    webhooks,
    workspace,
    workspace_more,
)
from .body import Arguments
from .guests import restrict
from .method import Context

__all__ = ["RAW", "catch_up", "next_due"]

restrict()


def _openid(call: Call) -> Response:
    if call.request.segments[1:] == ["connect", "keys"]:
        return openid.keys()
    return oauth.authorize(call)


RAW: Final[dict[str, tuple[str, Callable[[Call], Response]]]] = {
    "upload": ("files.upload-bytes", files.upload),
    "files-pri": ("files.download", files.download),
    "commands": ("response_url", respond.response_url),
    "services": ("incoming-webhook", webhooks.incoming),
    "oauth": ("oauth.v2.authorize", oauth.authorize),
    "openid": ("openid.connect.authorize", _openid),
    ".well-known": ("openid.configuration", openid.discover),
    "actions": ("response_url", respond.response_url),
    "app": ("response_url", respond.response_url),
    "scim": ("scim", scim.scim),
    "audit": ("audit", audit.audit),
}
"""Paths outside ``/api/``: first segment to operation name and handler."""


def catch_up(twin: Twin) -> None:
    """Let happen what the clock has reached since the last call."""
    if twin.tables["scheduled"].touched:
        call = Call(twin, Request("GET", "/"))
        chat.deliver_due(Context(call, Arguments({}), None))


def next_due(twin: Twin) -> datetime | None:
    """When the next scheduled message is to be posted."""
    times = [row["post_at"] for row in twin["scheduled"].rows()]
    return datetime.fromtimestamp(min(times), UTC) if times else None
