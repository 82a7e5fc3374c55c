"""Rich text: sections, lists, quotes and preformatted text, and what stands in them."""

from typing import Final

from .block_check import (
    Check,
    anything,
    boolean,
    choice,
    each,
    enum,
    integer,
    record,
    required,
    string,
)

__all__ = ["RICH_TEXT"]

_TYPE: Final = {"type": anything}
_STYLES: Final = "bold italic strike code underline highlight client_highlight unlink"
_STYLE: Final = record(dict.fromkeys(_STYLES.split(), boolean))


def _part(**properties: Check) -> Check:
    return record({**_TYPE, "style": _STYLE, **properties})


_PARTS: Final = {
    "text": _part(text=required(string(least=1))),
    "link": _part(url=required(string()), text=string(), unsafe=boolean),
    "emoji": _part(name=required(string()), unicode=string(), skin_tone=anything,
                   url=string(), display_team_id=string()),
    "user": _part(user_id=required(string())),
    "usergroup": _part(usergroup_id=required(string())),
    "channel": _part(channel_id=required(string())),
    "team": _part(team_id=required(string())),
    "broadcast": _part(range=required(enum("here", "channel", "everyone"))),
    "color": _part(value=required(string())),
    "date": _part(timestamp=required(integer()), format=required(string()), url=string(),
                  fallback=string()),
    "citation": _part(url=required(string()), text=string()),
    "attachment_mention": _part(attachment_id=anything, text=string(), url=string()),
}  # fmt: skip
_INLINE: Final = each(choice(_PARTS))
_PLAIN: Final = each(choice(_PARTS, {"text", "link"}))
_SECTION: Final = record({**_TYPE, "elements": required(_INLINE)})

_ELEMENTS: Final = {
    "rich_text_section": _SECTION,
    "rich_text_quote": record({**_TYPE, "elements": required(_INLINE), "border": integer(0)}),
    "rich_text_preformatted": record(
        {**_TYPE, "elements": required(_PLAIN), "border": integer(0), "language": string()}
    ),
    "rich_text_list": record(
        {
            **_TYPE,
            "elements": required(each(choice({"rich_text_section": _SECTION}))),
            "style": required(enum("bullet", "ordered")),
            "indent": integer(0, 8),
            "offset": integer(0),
            "border": integer(0),
        }
    ),
}
RICH_TEXT: Final = record(
    {**_TYPE, "block_id": string(255), "elements": required(each(choice(_ELEMENTS)))}
)
"""A ``rich_text`` block."""
