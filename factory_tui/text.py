"""Make text from untrusted programs safe to store and to paint.

What a program prints may hold terminal control sequences (a clipboard write, a title change, an
alternate screen) and invisible characters that show one thing and mean another. Neither may reach
the store, a model or a terminal, so everything that comes out of a sandbox or a twin passes
through :func:`clean` first.
"""

import re
from typing import Final

__all__ = ["clean"]

# Sequences in their 7-bit form. A string's body holds no other introducer, which keeps the scan
# linear on hostile input. An unterminated string ends with its line, so that one stray introducer
# cannot hide the rest of an output.
_SEQUENCE: Final = re.compile(
    r"""\x1b(?:
          [\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)  # OSC DCS SOS PM APC up to BEL or ST, over line ends
        | [\]PX^_][^\x07\x1b\n\r]*             # ... unterminated: to the end of the line
        | \[[0-?]*[\ -/]*[@-~]?                # CSI
        | [\ -/]*[0-~]?                        # every other escape sequence
    )""",
    re.VERBOSE,
)

_C1: Final = re.compile("[\x80-\x9f]")

# 8-bit control functions as the escape sequences that mean the same (ECMA-48 §5.3).
_SEVEN_BIT: Final = {code: "\x1b" + chr(code - 0x40) for code in range(0x80, 0xA0)}

_LINE_END: Final = re.compile("\r\n?|[\u2028\u2029]")

_FORBIDDEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f"  # C0 but tab and newline, DEL
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u00ad\u180e\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff"  # zero width, deprecated format
    "\ufff9-\ufffb"  # interlinear annotation
    "\U0001d173-\U0001d17a"  # musical format controls
    "\U000e0000-\U000e0fff"  # tags and supplementary variation selectors
    "]+"
)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_HARMLESS: Final = bytes([9, 10, *range(32, 127)])


def clean(data: bytes | str, *, limit: int | None = None) -> str:
    """Return ``data`` as plain text that no terminal can be made to obey.

    Escape, CSI, OSC, DCS, SOS, PM and APC sequences go, whether terminated or not, in their 7-bit
    and 8-bit forms; so do C0 characters except newline and tab, DEL, C1, bidirectional and
    zero-width controls and tag characters. ``\\r\\n``, a lone ``\\r`` and the Unicode line and
    paragraph separators become ``\\n``. Invalid UTF-8 and lone surrogates become U+FFFD.
    Cleaning twice is the same as cleaning once.

    Args:
        data: Bytes are decoded as UTF-8.
        limit: Most characters to return. A longer text keeps its head and its tail around a
            marker that says how many characters were cut; where the marker itself does not fit,
            only the head is kept.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    harmless = isinstance(data, bytes) and not data.translate(None, _HARMLESS)
    if not harmless:  # most output is, and may be megabytes long
        if _C1.search(text):
            text = text.translate(_SEVEN_BIT)
        text = _SEQUENCE.sub("", text)
        text = _FORBIDDEN.sub("", _LINE_END.sub("\n", text))
        text = _SURROGATE.sub("\ufffd", text)
    return text if limit is None else _shorten(text, limit)


def _shorten(text: str, limit: int) -> str:
    """Cut the middle out of ``text`` so that at most ``limit`` characters remain."""
    if len(text) <= limit:
        return text
    cut = len(text) - limit
    for _ in range(2):  # the marker's own length changes how much has to go
        marker = f"\n… {cut:,} characters cut …\n"
        kept = limit - len(marker)
        cut = len(text) - max(kept, 0)
    marker = f"\n… {cut:,} characters cut …\n"
    kept = limit - len(marker)
    if kept < 0:
        return text[: max(limit, 0)]
    head = (kept + 1) // 2
    return text[:head] + marker + text[len(text) - (kept - head) :]
