"""Methods that Slack describes and no longer runs; it answers ``method_deprecated``."""

from typing import Any, Final

from .errors import SlackError
from .method import Context, method

__all__ = ["RETIRED"]

_FAMILIES: Final = {
    "channels": "archive create history info invite join kick leave list mark rename replies "
    "setPurpose setTopic unarchive",
    "groups": "archive close create createChild history info invite kick leave list mark open "
    "rename replies setPurpose setTopic unarchive",
    "im": "close history list mark open replies",
    "mpim": "close history list mark open replies",
}
_OTHERS: Final = {
    "admin.conversations.whitelist.add": "admin.conversations.restrictAccess.addGroup",
    "admin.conversations.whitelist.listGroupsLinkedToChannel": (
        "admin.conversations.restrictAccess.listGroups"
    ),
    "admin.conversations.whitelist.remove": "admin.conversations.restrictAccess.removeGroup",
    "apps.permissions.info": "",
    "apps.permissions.request": "",
    "apps.permissions.resources.list": "",
    "apps.permissions.scopes.list": "",
    "apps.permissions.users.list": "",
    "apps.permissions.users.request": "",
    "files.comments.add": "chat.postMessage",
    "files.comments.edit": "chat.update",
    "files.upload": "files.getUploadURLExternal",
    "oauth.token": "oauth.v2.access",
    "workflows.stepCompleted": "functions.completeSuccess",
    "workflows.stepFailed": "functions.completeError",
    "workflows.updateStep": "",
}


def _replacement(verb: str) -> str:
    return f"conversations.{'create' if verb == 'createChild' else verb}"


RETIRED: Final[dict[str, str]] = {
    f"{family}.{verb}": _replacement(verb)
    for family, verbs in _FAMILIES.items()
    for verb in verbs.split()
} | _OTHERS
"""Method to what Slack says to use instead ("" for nothing)."""


def _answer(c: Context) -> dict[str, Any]:
    instead = RETIRED[c.call.operation]
    message = "[ERROR] This method is retired and can no longer be used."
    if instead:
        message += f" Please use {instead} instead."
    raise SlackError("method_deprecated", message)


for _name in RETIRED:
    method(_name, kinds=("bot", "user", "app"))(_answer)
