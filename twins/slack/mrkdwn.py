"""What Slack makes of the text of a message: what it escapes and what it turns into links."""

import re
from collections.abc import Callable
from typing import Final

from factory_tui.universe import Twin

from .state import channel_of, escape

__all__ = ["stored"]

_URL: Final = re.compile(
    r"(?<![\w<|@/])https?://[^\s<>|\"'`]+|(?<![\w<|@/.])mailto:[^\s<>|]+@[^\s<>|]+"
)
_EMAIL: Final = re.compile(
    r"(?<![\w<|:@/.+-])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?![\w@])"
)
_CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.S)
_MARKUP: Final = re.compile(r"<[^<>]*>")
_NAME: Final = re.compile(r"(?<![\w<|&#@])([@#])([a-z0-9][a-z0-9._-]{0,79})")
_END: Final = ".,;:!?)]}"


def _outside(pattern: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """``change`` applied to what lies between the matches of ``pattern``."""
    parts, at = [], 0
    for match in pattern.finditer(text):
        parts += [change(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join([*parts, change(text[at:])])


def _link(match: re.Match[str]) -> str:
    url = match.group()
    kept = url.rstrip(_END)
    if url[len(kept) :].startswith(")") and kept.count("(") > kept.count(")"):
        kept += ")"
    return f"<{kept}>{url[len(kept) :]}"


def _linked(text: str) -> str:
    text = _URL.sub(_link, text)
    if "@" not in text:
        return text
    return _outside(
        _MARKUP, text, lambda part: _EMAIL.sub(lambda m: f"<mailto:{m[0]}|{m[0]}>", part)
    )


def _named(twin: Twin, text: str) -> str:
    """``@handle`` of people and user groups and ``#channel`` as mentions."""

    def mention(match: re.Match[str]) -> str:
        kind, name = match[1], match[2].rstrip(".-")
        rest = match[2][len(name) :]
        if kind == "#":
            room = channel_of(twin, name)
            return f"<#{room['id']}|{name}>{rest}" if room and not room["private"] else match[0]
        if name in ("here", "channel", "everyone"):
            return f"<!{name}>{rest}"
        group = twin["usergroups"].first("handle", name)
        if group is not None and not group["deleted"]:
            return f"<!subteam^{group['id']}|@{name}>{rest}"
        for row in twin["users"].rows():
            if row["name"] == name and not row["deleted"]:
                return f"<@{row['id']}>{rest}"
        return match[0]

    return _outside(_MARKUP, text, lambda part: _NAME.sub(mention, part))


def stored(twin: Twin, text: str, *, parse: str = "", names: bool = False) -> str:
    """Text as Slack keeps it.

    URLs and addresses become links (not within code, not with ``parse`` ``none``); with
    ``parse`` ``full`` or ``names``, names of people, groups and channels become mentions.
    """
    shown = escape(text)
    if parse != "none" and ("://" in shown or "@" in shown):
        shown = _outside(_CODE, shown, _linked)
    if (names or parse == "full") and ("@" in shown or "#" in shown):
        shown = _outside(_CODE, shown, lambda part: _named(twin, part))
    return shown
