"""Cleans what a product sent, without spending more on it than it is worth.

Cleaning plain text costs next to nothing, control characters some hundred nanoseconds each, and a
product can send many millions of them: beyond a budget only what is shown of a text is cleaned.
"""

from __future__ import annotations

from typing import Final

from factory_tui.text import clean

__all__ = ["Brief", "brief"]

BUDGET: Final = 4 << 20
"""Bytes that are not plain ASCII and are cleaned in full, ..."""

MOST: Final = 32 << 10
"""... and so many of them in one text."""

LITTLE: Final = 200
"""Characters that are kept of such a text where the budget is spent."""

_HEAD: Final = 20
_LONG: Final = 256 << 10
_PLAIN: Final = bytes([9, 10, *range(32, 127)])


class Brief:
    """Cleans texts that are kept together."""

    def __init__(self) -> None:
        self._left = BUDGET

    def __call__(self, body: bytes | None, limit: int) -> str:
        """A body as clean text of at most ``limit`` characters: its head and its tail."""
        body = body or b""
        if len(body) > _LONG:  # cleaning costs many times the memory of what is cleaned
            body = _cut(body, _LONG)
        odd = len(body.translate(None, _PLAIN))
        if odd:
            if self._left <= 0:
                limit = min(limit, LITTLE)
            if odd > MOST or self._left <= 0:
                body = _cut(body, 4 * limit)
            self._left -= min(odd, len(body))
        return clean(body, limit=limit)

    def head(self, text: str, limit: int) -> str:
        """A header's name or value as clean text of at most ``limit`` characters."""
        if not (text.isascii() and text.isprintable()):
            if self._left <= 0:
                text = text[:_HEAD]
            self._left -= min(len(text), 4 * limit)
        return brief(text, limit)


def brief(text: str, limit: int) -> str:
    """A text as clean text; of a far too long one only its ends are looked at."""
    if len(text) > 8 * limit:
        text = (
            f"{text[: 2 * limit]}\n… {len(text) - 4 * limit} characters cut …\n{text[-2 * limit :]}"
        )
    return clean(text, limit=limit)


def _cut(body: bytes, most: int) -> bytes:
    if len(body) <= most:
        return body
    half = most // 2
    return b"%s\n... %d bytes cut ...\n%s" % (body[:half], len(body) - most, body[-half:])
