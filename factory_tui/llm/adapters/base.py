"""What every adapter is, and what all of them need: connections, timeouts, errors, headers."""

import asyncio
import importlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlsplit

from factory_tui.llm.bounds import bound_reply
from factory_tui.llm.errors import (
    ConfigurationError,
    NetworkError,
    RequestTimeoutError,
    SDKError,
    StreamCut,
    StreamError,
    error_from_status_code,
    retry_after_seconds,
)
from factory_tui.llm.streaming import StreamEvent
from factory_tui.llm.types import RateLimitInfo, Request, Response

if TYPE_CHECKING:
    import httpx2

__all__ = [
    "AdapterTimeout",
    "Connection",
    "ProviderAdapter",
    "deep_merge",
    "given",
    "rate_limit",
    "translate",
]

_T = TypeVar("_T")


@runtime_checkable
class ProviderAdapter(Protocol):
    """Speaks one provider's native API.

    An adapter may also have ``close()``, ``initialize()`` (both may be async) and
    ``supports_tool_choice(mode)``.
    """

    @property
    def name(self) -> str:
        """The provider's name, such as "openai"."""
        ...

    async def complete(self, request: Request) -> Response:
        """Send a request and return the whole answer; never retries."""
        ...

    def stream(self, request: Request) -> AsyncIterator[StreamEvent]:
        """Send a request and yield the answer as it comes; never retries."""
        ...


@dataclass(frozen=True, slots=True)
class AdapterTimeout:
    """Seconds: to connect, for a whole request, between two events of a stream, for all of it."""

    connect: float = 10.0
    request: float = 120.0
    stream_read: float = 30.0
    stream: float = 3600.0

    @classmethod
    def of(cls, timeout: "AdapterTimeout | float | None") -> "AdapterTimeout":
        """A timeout given as one number bounds the whole request."""
        if timeout is None:
            return cls()
        if isinstance(timeout, AdapterTimeout):
            return timeout
        seconds = float(timeout)
        return cls(min(cls().connect, seconds), seconds, seconds)


class Connection:
    """One provider's SDK, imported and connected on first use.

    Args:
        provider: The provider's name, for errors.
        module: The SDK's module.
        extra: The extra of this package that installs it ("" if it always is).
        base_url: The server, to tell loopback ones from others.
        timeout: The timeouts.
        make: Makes the SDK's client from its module and an HTTP client.
    """

    def __init__(
        self,
        *,
        provider: str,
        module: str,
        extra: str,
        base_url: str,
        timeout: AdapterTimeout,
        make: Callable[[ModuleType, "httpx2.AsyncClient"], Any],
    ) -> None:
        self._provider, self._module, self._extra = provider, module, extra
        self._base_url, self._timeout, self._make = base_url, timeout, make
        self._http: httpx2.AsyncClient | None = None
        self._sdk: Any = None
        self._lock = asyncio.Lock()

    async def sdk(self) -> Any:
        """The SDK's client.

        Raises:
            ConfigurationError: The SDK is not installed.
        """
        async with self._lock:
            if self._sdk is None:
                try:
                    module = await asyncio.to_thread(importlib.import_module, self._module)
                except ImportError as error:
                    raise ConfigurationError(
                        f"The {self._provider} SDK is not installed: "
                        f"pip install 'factory-tui[{self._extra}]'",
                        cause=error,
                        provider=self._provider,
                    ) from error
                import httpx2

                host = urlsplit(self._base_url).hostname or ""
                self._http = httpx2.AsyncClient(
                    # A proxy from the environment must not swallow calls to this machine.
                    trust_env=host not in ("127.0.0.1", "::1", "localhost"),
                    timeout=httpx2.Timeout(
                        self._timeout.stream_read, connect=self._timeout.connect
                    ),
                    limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
                    follow_redirects=True,
                    headers={"accept-encoding": "identity"},
                    event_hooks={"response": [bound_reply]},
                )
                self._sdk = self._make(module, self._http)
        return self._sdk

    async def close(self) -> None:
        """Close the connections."""
        http, self._http, self._sdk = self._http, None, None
        if http is not None:
            await http.aclose()


async def within(seconds: float, provider: str, work: Awaitable[_T]) -> _T:
    """Wait for something, at most so long.

    Raises:
        RequestTimeoutError: It took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError as error:
        raise RequestTimeoutError(
            f"{provider} did not answer within {seconds:g} seconds", provider=provider, cause=error
        ) from error


def translate(error: Exception, provider: str, *, streaming: bool = False) -> SDKError:
    """Whatever an SDK or its transport raised, as one of our errors."""
    import httpx2

    if isinstance(error, SDKError):
        return error
    status = getattr(error, "status_code", None)
    response = getattr(error, "response", None)
    if isinstance(status, int) and response is not None:
        return _from_body(
            provider,
            status,
            getattr(error, "body", None),
            response.headers,
            text=str(getattr(error, "message", "") or error),
            cause=error,
            streaming=streaming and status == 200,
        )
    body = getattr(error, "body", None)
    if isinstance(body, Mapping) and streaming:  # an error event the SDK noticed by itself
        return _from_body(provider, None, body, {}, text=str(error), cause=error, streaming=True)
    under = error.__cause__ if isinstance(error.__cause__, Exception) else error
    for one in (error, under):
        if isinstance(one, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            return NetworkError(
                f"No connection to {provider}: {one!r}",
                provider=provider,
                cause=error,
                billed=False,
            )
        if isinstance(one, httpx2.TimeoutException):
            return RequestTimeoutError(
                f"{provider} sent nothing for too long", provider=provider, cause=error
            )
        if isinstance(one, httpx2.TransportError | httpx2.StreamError):
            cls = StreamCut if streaming else NetworkError
            return cls(
                f"The connection to {provider} broke: {one!r}", provider=provider, cause=error
            )
    if type(error).__name__ == "APITimeoutError":
        return RequestTimeoutError(f"{provider} timed out", provider=provider, cause=error)
    if type(error).__name__ == "APIConnectionError":
        return NetworkError(f"No connection to {provider}: {error}", provider=provider, cause=error)
    return StreamError(
        f"{provider} sent an invalid answer: {error!r}", provider=provider, cause=error
    )


def _from_body(
    provider: str,
    status: int | None,
    body: Any,
    headers: Any,
    *,
    text: str,
    cause: Exception,
    streaming: bool,
) -> SDKError:
    if isinstance(body, str):
        body = _json_or_text(body)
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    told = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(told, Mapping):
        told = {"message": told} if isinstance(told, str) else {}
    code = told.get("code") if isinstance(told.get("code"), str) else None
    error = error_from_status_code(
        None if streaming else status,
        str(told.get("message") or text),
        provider,
        error_code=code or _text(told.get("type")) or _text(told.get("status")),
        raw=dict(body) if isinstance(body, Mapping) else None,
        retry_after=retry_after_seconds(headers),
        grpc_status=_text(told.get("status")),
        request_id=str(_get(headers, "request-id") or _get(headers, "x-request-id") or ""),
        cause=cause,
    )
    should = _get(headers, "x-should-retry")
    if should in ("true", "false"):
        error.retryable = should == "true"
    return error


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _get(headers: Any, name: str) -> str | None:
    get = getattr(headers, "get", None)
    return None if get is None else get(name)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def rate_limit(headers: Any) -> RateLimitInfo | None:
    """Rate limits from response headers, by either of the two customary spellings."""

    def number(kind: str, what: str) -> int | None:
        for name in (f"x-ratelimit-{what}-{kind}", f"anthropic-ratelimit-{kind}-{what}"):
            value = _get(headers, name)
            if value is not None and value.strip().isdigit():
                return int(value)
        return None

    resets = [
        when
        for kind in ("requests", "tokens")
        for name in (f"x-ratelimit-reset-{kind}", f"anthropic-ratelimit-{kind}-reset")
        if (when := _moment(_get(headers, name))) is not None
    ]
    info = RateLimitInfo(
        number("requests", "remaining"),
        number("requests", "limit"),
        number("tokens", "remaining"),
        number("tokens", "limit"),
        max(resets, default=None),
    )
    return None if info == RateLimitInfo() else info


def _moment(value: str | None) -> datetime | None:
    """A reset time: RFC 3339, or a duration such as ``6m0.5s``."""
    if not value:
        return None
    try:
        when = datetime.fromisoformat(value)
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    except ValueError:
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
        if not parts:
            return None
        return datetime.now(UTC) + timedelta(seconds=sum(float(n) * _UNITS[u] for n, u in parts))


def given(**values: Any) -> dict[str, Any]:
    """Those that were given, under a provider's names."""
    return {name: value for name, value in values.items() if value is not None}


def deep_merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` on top, objects merged key by key."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[key] = deep_merge(known, value) if both else value  # type: ignore[arg-type]
    return merged
