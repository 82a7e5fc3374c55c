"""Takes secrets and people out of recorded traffic, the same way every time.

What is replaced stays distinguishable: one address is one ``person-xxxxxx@example.com``
everywhere, so that a recording still tells who is who. Ids and page cursors are kept: without
them a recording cannot be replayed.
"""

import re
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson

__all__ = ["GONE", "Redactor"]

GONE: Final = "REDACTED"

_HEADERS: Final = frozenset(
    {"authorization", "cookie", "dpop", "proxy-authorization", "set-cookie", "x-api-key"}
)
_SECRET_KEY: Final = re.compile(
    r"token|secret|password|passphrase|credential|assertion|private_?key|signature|verifier"
    r"|(^|_)(answer|otp|pass_?code)$",
    re.IGNORECASE,
)
_SECRET_BELOW: Final = re.compile(r"password$|secret$|private_?key$|passphrase$", re.IGNORECASE)
_NO_SECRET: Final = re.compile(r"page_?token|cursor|token_?(type|id)|expires", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(
    r"\bxox[a-z](?:\.xox[a-z])?-[\w-]{6,}"
    r"|\bxapp-[\w-]{6,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
    r"|\bATATT[\w=-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
)
_SCHEME: Final = re.compile(r"^(SSWS|Bearer|Basic|DPoP)\s*", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+-]+(@|%40)[\w-]+(?:\.[\w-]+)+")
_KEPT_DOMAINS: Final = (".example", "example.com", "example.org", "example.net")


class Redactor:
    """Redacts one recording.

    Args:
        names: Texts to replace besides: the host of the service by one of the documentation's.
        people: Whether addresses are replaced too.
    """

    def __init__(self, names: dict[str, str] | None = None, *, people: bool = True) -> None:
        self._names = {name: value for name, value in (names or {}).items() if name}
        self._people = people

    def headers(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Headers without credentials; the scheme (``SSWS``, ``Bearer``) stays."""
        kept = []
        for name, value in pairs:
            if name.lower() in _HEADERS:
                scheme = _SCHEME.match(value)
                value = f"{scheme[1]} {GONE}" if scheme else GONE
            kept.append((name, self.text(value)))
        return kept

    def path(self, target: str) -> str:
        """A path whose query carries no secrets."""
        path, mark, query = target.partition("?")
        return self.text(path) + (f"?{self._form(query)}" if mark else "")

    def body(self, body: bytes, media_type: str) -> str:
        """A body as text: JSON and forms field by field; what is no text by its size."""
        if "json" in media_type or body[:1] in (b"{", b"["):
            try:
                return orjson.dumps(self._value(orjson.loads(body))).decode()
            except orjson.JSONDecodeError:
                pass
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return f"<{len(body)} bytes>"
        if media_type == "application/x-www-form-urlencoded":
            return self._form(text)
        return self.text(text)

    def text(self, text: str) -> str:
        """Any text without what looks like a token or an address."""
        for name, value in self._names.items():
            text = text.replace(name, value)
        text = _SECRET_TEXT.sub(GONE, text)
        return _EMAIL.sub(self._person, text) if self._people else text

    def _person(self, match: re.Match[str]) -> str:
        address = match[0].replace("%40", "@")
        if address.lower().endswith(_KEPT_DOMAINS):
            return match[0]
        digest = blake2b(address.lower().encode(), digest_size=4).hexdigest()
        return f"person-{digest}{match[1]}example.com"

    def _form(self, text: str) -> str:
        pairs = parse_qsl(text, keep_blank_values=True)
        if not pairs:
            return self.text(text)
        clean = [
            (name, GONE if _is_secret(name) and value else self.text(value))
            for name, value in pairs
        ]
        return urlencode(clean)

    def _value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            # Okta has {"password": {"value": …}}; other names below a secret's tell no less.
            below = name if _SECRET_BELOW.search(name) else ""
            return {key: self._value(item, below or key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, name) for item in value]
        if isinstance(value, str):
            return GONE if value and _is_secret(name) else self.text(value)
        return value


def _is_secret(name: str) -> bool:
    return bool(_SECRET_KEY.search(name)) and not _NO_SECRET.search(name)
