"""The rate limits that Okta publishes for a workforce organisation, per minute.

Source: the tables "Management rate limits" and "Authentication rate limits" of Okta's developer
documentation. A bucket is counted for the whole organisation, whoever calls.
"""

from functools import lru_cache
from math import ceil
from typing import Final

from factory_tui.universe import Call, Header, Limit, Request

__all__ = ["bucket_of", "rate_headers"]

_OTHERS: Final = 1200
_ONE: Final = {
    "apps": ("apps/one", 500),
    "groups": ("groups/one", 1000),
    "users": ("users/one", 600),
}
"""Buckets of a single object by its path's third part."""
_ALL: Final = {
    "apps": ("apps", 100),
    "groups": ("groups", 500),
    "logs": ("logs", 120),
    "events": ("events", 100),
    "devices": ("devices", 100),
    "certificateAuthorities": ("certificateAuthorities", 100),
    "authn": ("authn", 1000),
    "sessions": ("sessions", 1000),
}
_OAUTH: Final = {
    "authorize": 1200,
    "token": 2000,
    "keys": 2000,
    "clients": 100,
    "userinfo": 2000,
    "introspect": 2000,
    "revoke": 2000,
}


def rate_headers(call: Call) -> tuple[tuple[str, str], ...]:
    """What every answer says about the bucket: its size, what is left, when it is full again."""
    allowance = call.allowance
    if allowance is not None:
        return (
            ("x-rate-limit-limit", str(allowance.limit.allowance)),
            ("x-rate-limit-remaining", str(allowance.remaining)),
            ("x-rate-limit-reset", str(ceil(allowance.reset.timestamp()))),
        )
    limit, size = call.request.derived(_bucket_told)
    window, reset = _window(call.twin.clock.epoch() // 60)
    used = call.twin.ids.count(f"rate/{limit.bucket}/{window}")
    left = limit.allowance - used
    # Nothing is enforced, so a client that watches this is never sent to sleep.
    return size, ("x-rate-limit-remaining", str(left if left > 1 else 1)), reset


def _bucket_told(request: Request) -> tuple[Limit, Header]:
    limit = bucket_of(request)
    return limit, Header("x-rate-limit-limit", str(limit.allowance))


@lru_cache(64)
def _window(minute: int) -> tuple[int, Header]:
    return minute, Header("x-rate-limit-reset", str((minute + 1) * 60))


def bucket_of(request: Request) -> Limit:
    """The bucket a request counts against."""
    parts = [part for part in request.segments if part]
    if parts[:1] == ["oauth2"]:
        word = next((part for part in parts[1:] if part in _OAUTH), "")
        return Limit(f"oauth2/{word}", _OAUTH.get(word, _OTHERS))
    if parts[:2] != ["api", "v1"] or len(parts) < 3:
        return Limit("others", _OTHERS)
    area, alone = parts[2], len(parts) == 4 and parts[3] != "rules"
    if area == "users":
        if len(parts) == 3 and request.method in ("GET", "POST"):
            return Limit("users", 600)
        if not alone:
            return Limit("others", _OTHERS)
        # Reading one user has a bucket of its own, the largest there is.
        return Limit("users/get", 2000) if request.method == "GET" else Limit(*_ONE["users"])
    found = _ONE.get(area) if alone else None
    return Limit(*(found or _ALL.get(area) or ("others", _OTHERS)))
