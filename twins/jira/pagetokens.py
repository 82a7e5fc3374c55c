"""Tokens of Cloud's search pages: where the last issue stood, so that the next page starts there.

A token names a place in the order of the query's results and no offset. Issues that are created,
changed or deleted between two pages thus neither repeat nor hide others. It is good for one query
and for seven days.
"""

import base64
import binascii
import json
from datetime import timedelta
from hashlib import blake2b
from typing import Any, Final

from .context import Context
from .errors import JiraError

__all__ = ["opened", "sealed"]

_LIFE: Final = timedelta(days=7)
_SEAL: Final = 12


def _seal(content: bytes, jql: str) -> bytes:
    key = blake2b(jql.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return blake2b(content, key=key, digest_size=_SEAL).digest()


def sealed(c: Context, jql: str, place: list[Any]) -> str:
    """The token of what follows a place in the results of a query."""
    written = json.dumps([int(c.twin.clock.now().timestamp()), place], separators=(",", ":"))
    content = written.encode()
    return base64.urlsafe_b64encode(_seal(content, jql) + content).decode().rstrip("=")


def opened(c: Context, jql: str, token: Any) -> list[Any]:
    """The place that a token names. Raises 400 for another query's, an old or an invented one."""
    try:
        text = str(token)
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    content = raw[_SEAL:]
    if content and raw[:_SEAL] == _seal(content, jql):
        made, place = json.loads(content)
        if c.twin.clock.now().timestamp() - made <= _LIFE.total_seconds():
            return list(place)
    raise JiraError(400, "The provided next page token is invalid or expired.")
