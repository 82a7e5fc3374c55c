"""Everything that can go wrong with a model call, in words of our own.

The SDK raises its own classes, raw transport errors, bare ``ValueError`` and ``AssertionError``,
and sometimes nothing at all. ``from_sdk`` maps all of them, so nobody else has to know.
"""

import email.utils
import time
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anthropic

__all__ = [
    "AuthError",
    "BadRequest",
    "BudgetExhausted",
    "InvalidReply",
    "LLMError",
    "NetworkError",
    "Overloaded",
    "PlaybackMiss",
    "RateLimited",
    "ServerError",
    "StreamCut",
    "StreamStalled",
    "UnknownPrice",
    "from_error_event",
    "from_sdk",
    "printable",
]

_REFUSED = frozenset({400, 401, 402, 403, 404, 405, 406, 413, 415, 422, 429, 529})
"""Statuses with which a server says it did not start: nothing ran, so nothing is billed."""


def printable(text: str, limit: int = 500) -> str:
    """``text`` on one line without control or bidi characters: servers can be hostile too."""
    flat = "".join(c if c.isprintable() else " " for c in text[: limit * 4])
    return " ".join(flat.split())[:limit]


class LLMError(Exception):
    """A model call failed.

    ``retryable``: another attempt may succeed. ``billed``: the server may have billed it (False
    only where it certainly did not start). ``retry_after``: seconds the server asked for.
    """

    retryable = False
    billed = True

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str = "",
        billed: bool | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(printable(message))
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id
        if billed is not None:
            self.billed = billed
        if retryable is not None:
            self.retryable = retryable


class RateLimited(LLMError):
    """429, or a rate limit in mid-stream."""

    retryable = True


class Overloaded(LLMError):
    """529, or an overload in mid-stream."""

    retryable = True


class ServerError(LLMError):
    """The server failed (5xx, 408, 409, or an ``api_error`` in mid-stream)."""

    retryable = True


class NetworkError(LLMError):
    """The server could not be reached."""

    retryable = True


class BadRequest(LLMError):
    """The server refuses this request as it is; sending it again would not help."""


class AuthError(LLMError):
    """The key is missing, wrong, or not allowed to do this."""


class StreamCut(LLMError):
    """The answer ended before it was complete."""

    retryable = True


class StreamStalled(LLMError):
    """No byte, or no content, for too long."""

    retryable = True


class InvalidReply(LLMError):
    """The server's answer is not what the Messages API allows."""

    retryable = True


class PlaybackMiss(LLMError):
    """The recording has no answer for this request."""

    billed = False


class UnknownPrice(LLMError):
    """A dollar limit cannot be kept, because the model's price is unknown."""

    billed = False


class BudgetExhausted(Exception):
    """The next call does not fit what is left of the budget.

    ``of`` is "tokens" or "usd"; ``needed_tokens`` and ``needed_usd`` are what the call would
    have to reserve at the least.
    """

    def __init__(self, of: str, needed_tokens: int, needed_usd: Decimal | None) -> None:
        amount = f"{needed_tokens} tokens" if of == "tokens" else f"${needed_usd}"
        super().__init__(f"The budget is exhausted: the next call needs up to {amount}.")
        self.of = of
        self.needed_tokens = needed_tokens
        self.needed_usd = needed_usd


_BY_TYPE: dict[str, type[LLMError]] = {
    "overloaded_error": Overloaded,
    "rate_limit_error": RateLimited,
    "invalid_request_error": BadRequest,
    "request_too_large": BadRequest,
    "not_found_error": BadRequest,
    "billing_error": BadRequest,
    "authentication_error": AuthError,
    "permission_error": AuthError,
    "playback_miss": PlaybackMiss,
}


def _retry_after(headers: object) -> float | None:
    """Seconds from ``retry-after-ms`` or ``retry-after`` (seconds or an HTTP date)."""
    get = getattr(headers, "get", None)
    if get is None:
        return None
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            date = email.utils.parsedate_tz(value)
            if date is None:
                continue
            seconds = email.utils.mktime_tz(date) - time.time()
        if seconds == seconds:  # a NaN is no number of seconds
            return max(0.0, seconds)
    return None


def from_error_event(event: object) -> LLMError:
    """Map an ``error`` event in mid-stream. The model had started, so it counts as billed."""
    error = event.get("error") if isinstance(event, dict) else None
    kind = str(error.get("type", "")) if isinstance(error, dict) else ""
    message = error.get("message", "") if isinstance(error, dict) else event
    return _BY_TYPE.get(kind, ServerError)(f"{kind} in mid-answer: {message}", billed=True)


def from_sdk(error: Exception) -> LLMError:
    """Map whatever the SDK or its transport raised to one of our errors.

    Anything unknown is an ``InvalidReply``: nobody can say what the server did.
    """
    import anthropic
    import httpx2

    if isinstance(error, LLMError):
        return error
    if isinstance(error, anthropic.APIStatusError):
        return _from_status(error)
    if isinstance(error, anthropic.APIConnectionError):
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return NetworkError(f"No connection to the model server: {error!r}", billed=False)
    if isinstance(error, anthropic.APITimeoutError | httpx2.TimeoutException):
        return StreamStalled("The model server sent nothing for too long.")
    if isinstance(error, httpx2.TransportError | httpx2.StreamError):
        return StreamCut(f"The connection broke in mid-answer: {error!r}")
    if isinstance(error, anthropic.APIConnectionError):
        return NetworkError(f"The connection to the model server failed: {error!r}")
    return InvalidReply(f"The model server sent an invalid answer: {error!r}")


def _from_status(error: "anthropic.APIStatusError") -> LLMError:
    status, kind = error.status_code, str(error.type or "")
    headers = error.response.headers
    cls: type[LLMError]
    if status == 404 and kind == "playback_miss":
        cls = PlaybackMiss
    elif status == 429:
        cls = RateLimited
    elif status == 529 or kind == "overloaded_error":
        cls = Overloaded
    elif status in (401, 403):
        cls = AuthError
    elif status >= 500 or status in (408, 409, 499):
        cls = ServerError
    else:
        cls = BadRequest
    return cls(
        f"{status} {kind}: {error.api_message or error.message}",
        status=status,
        retry_after=_retry_after(headers),
        request_id=printable(error.request_id or "", 80),
        billed=status not in _REFUSED,
        retryable={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )
