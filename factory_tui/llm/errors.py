"""Everything that can go wrong with a model call, in words of our own.

The SDK raises its own classes, raw transport errors, bare ``ValueError`` and ``AssertionError``,
and sometimes nothing at all. ``from_sdk`` maps all of them, so nobody else has to know.
"""

import email.utils
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anthropic

__all__ = [
    "AbortError",
    "AccessDeniedError",
    "AuthError",
    "AuthenticationError",
    "BadRequest",
    "BudgetExhausted",
    "ConfigurationError",
    "ContentFilterError",
    "ContextLengthError",
    "InvalidReply",
    "InvalidRequestError",
    "InvalidToolCallError",
    "LLMError",
    "NetworkError",
    "NoObjectGeneratedError",
    "NotFoundError",
    "Overloaded",
    "PlaybackMiss",
    "ProviderError",
    "QuotaExceededError",
    "RateLimitError",
    "RateLimited",
    "RequestTimeoutError",
    "SDKError",
    "ServerError",
    "StreamCut",
    "StreamError",
    "StreamStalled",
    "UnknownPrice",
    "UnsupportedToolChoiceError",
    "error_from_status_code",
    "from_error_event",
    "from_sdk",
    "printable",
    "retry_after_seconds",
]

_REFUSED = frozenset({400, 401, 402, 403, 404, 405, 406, 413, 415, 422, 429, 529})
"""Statuses with which a server says it did not start: nothing ran, so nothing is billed."""


def printable(text: str, limit: int = 500) -> str:
    """``text`` on one line without control or bidi characters: servers can be hostile too."""
    flat = "".join(c if c.isprintable() else " " for c in text[: limit * 4])
    return " ".join(flat.split())[:limit]


class SDKError(Exception):
    """A model call failed, or could not be made.

    Attributes:
        message: What went wrong, on one printable line.
        cause: The exception underneath, if any.
        provider: Which provider it came from ("" where none was involved).
        status_code: HTTP status, if there was one.
        error_code: The provider's own code or type, if it gave one.
        retryable: Whether another attempt may succeed.
        retry_after: Seconds the server asked to wait.
        raw: The provider's error body.
        billed: Whether the server may have billed it (False only where it surely did not start).
        request_id: The provider's name for the call.
    """

    retryable = False
    billed = True

    def __init__(
        self,
        message: str = "",
        *,
        cause: BaseException | None = None,
        provider: str = "",
        status_code: int | None = None,
        error_code: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        raw: dict[str, Any] | None = None,
        billed: bool | None = None,
        request_id: str = "",
    ) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.cause = cause
        self.provider = provider
        self.status_code = status_code
        self.error_code = error_code
        self.retry_after = retry_after
        self.raw = raw
        self.request_id = request_id
        if billed is not None:
            self.billed = billed
        if retryable is not None:
            self.retryable = retryable

    @property
    def status(self) -> int | None:
        """``status_code`` by its short name."""
        return self.status_code


LLMError = SDKError
"""The same class under the name the rest of the product uses."""


class ProviderError(SDKError):
    """The provider answered with an error; unknown ones may be tried again."""

    retryable = True


class AuthError(ProviderError):
    """The key is missing, wrong, or not allowed to do this."""

    retryable = False


class AuthenticationError(AuthError):
    """401: no key, or not a valid one."""


class AccessDeniedError(AuthError):
    """403: the key may not do this."""


class BadRequest(ProviderError):
    """The server refuses this request as it is; sending it again would not help."""

    retryable = False


class InvalidRequestError(BadRequest):
    """400 or 422: the request is malformed."""


class NotFoundError(BadRequest):
    """404: no such model or endpoint."""


class ContextLengthError(BadRequest):
    """413, or a message saying so: the prompt does not fit the model."""


class ContentFilterError(BadRequest):
    """A safety filter refused the request or its answer."""


class QuotaExceededError(BadRequest):
    """The account's credit or quota is used up; waiting does not help."""


class RateLimitError(ProviderError):
    """429, or a rate limit in mid-stream."""


RateLimited = RateLimitError


class ServerError(ProviderError):
    """The server failed (5xx, 409, or an ``api_error`` in mid-stream)."""


class Overloaded(ServerError):
    """529, or an overload in mid-stream."""


class PlaybackMiss(ProviderError):
    """The recording has no answer for this request."""

    retryable = False
    billed = False


class RequestTimeoutError(SDKError):
    """A request, an attempt or a silence took too long."""


class StreamStalled(RequestTimeoutError):
    """No byte, or no content, for too long: the call hangs, it is not merely slow."""

    retryable = True


class AbortError(SDKError):
    """The caller gave the call up."""


class NetworkError(SDKError):
    """The server could not be reached."""

    retryable = True


class StreamError(SDKError):
    """The stream of an answer broke or made no sense."""

    retryable = True


class StreamCut(StreamError):
    """The answer ended before it was complete."""


class InvalidReply(StreamError):
    """The server's answer is not what its API allows."""


class InvalidToolCallError(SDKError):
    """A tool call's arguments are no JSON object or do not fit the tool's schema."""

    billed = False


class UnsupportedToolChoiceError(SDKError):
    """The model does not know this tool choice."""

    billed = False


class NoObjectGeneratedError(SDKError):
    """The answer is not an object of the wanted schema; ``text`` is what came instead."""

    def __init__(self, message: str = "", *, text: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.text = text


class ConfigurationError(SDKError):
    """The library is set up wrongly: no such provider, no key, contradicting arguments."""

    billed = False


class UnknownPrice(SDKError):
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
    "invalid_request_error": InvalidRequestError,
    "request_too_large": ContextLengthError,
    "not_found_error": NotFoundError,
    "billing_error": QuotaExceededError,
    "authentication_error": AuthenticationError,
    "permission_error": AccessDeniedError,
    "playback_miss": PlaybackMiss,
}


_BY_STATUS: dict[int, type[LLMError]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: AccessDeniedError,
    404: NotFoundError,
    408: RequestTimeoutError,
    413: ContextLengthError,
    422: InvalidRequestError,
    429: RateLimitError,
    529: Overloaded,
}

_BY_GRPC: dict[str, type[LLMError]] = {
    "NOT_FOUND": NotFoundError,
    "INVALID_ARGUMENT": InvalidRequestError,
    "FAILED_PRECONDITION": InvalidRequestError,
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": AccessDeniedError,
    "RESOURCE_EXHAUSTED": RateLimitError,
    "UNAVAILABLE": ServerError,
    "DEADLINE_EXCEEDED": RequestTimeoutError,
    "INTERNAL": ServerError,
}

_BY_WORDS: tuple[tuple[tuple[str, ...], type[LLMError]], ...] = (
    (
        ("context length", "too many tokens", "context window", "prompt is too long"),
        ContextLengthError,
    ),
    (("content filter", "content_filter", "safety"), ContentFilterError),
    (("unauthorized", "invalid key", "invalid api key", "api key not valid"), AuthenticationError),
    (("not found", "does not exist"), NotFoundError),
)
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error"})


def error_from_status_code(
    status_code: int | None,
    message: str,
    provider: str,
    error_code: str | None = None,
    raw: dict[str, Any] | None = None,
    retry_after: float | None = None,
    *,
    grpc_status: str | None = None,
    request_id: str = "",
    cause: BaseException | None = None,
) -> SDKError:
    """The error a provider's answer stands for: by status, gRPC code, then by its words.

    Without a status (an error event in mid-stream) the code and the words decide, and the call
    counts as billed.
    """
    cls = _BY_STATUS.get(status_code or 0)
    if cls is None and status_code is not None and status_code >= 500:
        cls = ServerError
    if cls in (None, InvalidRequestError) and grpc_status:
        cls = _BY_GRPC.get(grpc_status, cls)
    if cls is None and error_code:
        cls = _BY_TYPE.get(error_code) or _BY_CODE.get(error_code)
    if error_code in _NO_CREDIT:
        cls = QuotaExceededError
    elif error_code == "context_length_exceeded":
        cls = ContextLengthError
    elif cls in (None, InvalidRequestError):
        said = message.lower()
        found = (kind for words, kind in _BY_WORDS if any(word in said for word in words))
        cls = next(found, cls)
    if cls is None:
        cls = ProviderError if status_code is None or status_code >= 500 else BadRequest
    return cls(
        message or f"{provider} answered with status {status_code}",
        cause=cause,
        provider=provider,
        status_code=status_code,
        error_code=error_code,
        retry_after=retry_after,
        raw=raw,
        billed=status_code not in _REFUSED,
        request_id=printable(request_id, 80),
    )


_BY_CODE: dict[str, type[LLMError]] = {
    "server_error": ServerError,
    "rate_limit_exceeded": RateLimitError,
    "invalid_prompt": InvalidRequestError,
}


def retry_after_seconds(headers: object) -> float | None:
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
    elif status == 401:
        cls = AuthenticationError
    elif status == 403:
        cls = AccessDeniedError
    elif status >= 500 or status in (408, 409, 499):
        cls = ServerError
    else:
        cls = _BY_STATUS.get(status, BadRequest)
        said = str(error.api_message or error.message).lower()
        if status == 400 and any(word in said for word in _BY_WORDS[0][0]):
            cls = ContextLengthError
    return cls(
        f"{status} {kind}: {error.api_message or error.message}",
        provider="anthropic",
        status_code=status,
        error_code=kind or None,
        retry_after=retry_after_seconds(headers),
        request_id=printable(error.request_id or "", 80),
        billed=status not in _REFUSED,
        retryable={"true": True, "false": False}.get(headers.get("x-should-retry", "")),
    )
