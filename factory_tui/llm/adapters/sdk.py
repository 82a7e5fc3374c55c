"""What adapters over an SDK share: one request, one stream, and their errors as ours."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from factory_tui.llm.adapters.base import AdapterTimeout, Connection, translate, within
from factory_tui.llm.errors import ConfigurationError, RequestTimeoutError, SDKError

if TYPE_CHECKING:
    import httpx2

__all__ = ["SdkAdapter"]


class SdkAdapter:
    """A provider's SDK, used for its connection, its headers and its errors.

    Args:
        api_key: The key; without it what ``key_variable`` holds, then ``other_key_variable``.
        base_url: The server; without it what ``url_variable`` holds, then ``default_url``.
        default_headers: Sent with every request.
        timeout: Seconds for a whole request, or all timeouts.
    """

    name: str
    key_variable: ClassVar[str] = ""
    """The environment variable of the key, "" where a server needs none."""
    other_key_variable: ClassVar[str] = ""
    url_variable: ClassVar[str]
    default_url: ClassVar[str] = ""
    module: ClassVar[str]
    """The SDK's module."""
    extra: ClassVar[str] = ""
    """The extra of this package that installs it."""

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: AdapterTimeout | float | None = None,
    ) -> None:
        known = (os.environ.get(name) for name in (self.key_variable, self.other_key_variable))
        self._key = api_key or next(filter(None, known), "")
        self._base_url = base_url or os.environ.get(self.url_variable) or self.default_url
        self._headers = dict(default_headers or {})
        self.timeout = AdapterTimeout.of(timeout)
        self._connection = Connection(
            provider=self.name,
            module=self.module,
            extra=self.extra,
            base_url=self._base_url,
            timeout=self.timeout,
            make=self._make,
        )

    def _make(self, module: ModuleType, http: Any) -> Any:
        """The SDK's client, from its module and an HTTP client."""
        raise NotImplementedError

    def initialize(self) -> None:
        """Check the configuration.

        Raises:
            ConfigurationError: There is no key.
        """
        if self.key_variable and not self._key:
            raise ConfigurationError(f"No key: set {self.key_variable}.", provider=self.name)

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    def supports_tool_choice(self, mode: str, model: str | None = None) -> bool:
        """Whether a mode can be asked for."""
        return mode in ("auto", "none", "required", "named")

    def _translate(self, error: Exception, *, streaming: bool = False) -> SDKError:
        return translate(error, self.name, streaming=streaming)

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> "httpx2.Response":
        """Send a request that is answered in one piece."""
        seconds = timeout or self.timeout.request
        try:
            sdk = await self._connection.sdk()
            import httpx2

            reply: httpx2.Response = await within(
                seconds,
                self.name,
                sdk.post(
                    path,
                    cast_to=httpx2.Response,
                    body=body,
                    options={"headers": dict(headers or {}), "timeout": seconds},
                ),
            )
            return reply
        except Exception as error:
            raise self._translate(error) from error

    async def _get(self, path: str, **params: Any) -> Any:
        """What a listing holds."""
        try:
            sdk = await self._connection.sdk()
            import httpx2

            asked = sdk.get(path, cast_to=httpx2.Response, options={"params": params})
            return (await within(self.timeout.request, self.name, asked)).json()
        except Exception as error:
            raise self._translate(error) from error

    async def _open(
        self,
        path: str,
        body: Mapping[str, Any],
        stream_class: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request that is answered by a stream; gives the SDK's."""
        try:
            sdk = await self._connection.sdk()
            return await within(
                self.timeout.request,
                self.name,
                sdk.post(
                    path,
                    cast_to=object,
                    body={**body, "stream": True},
                    options={"headers": dict(headers or {})},
                    stream=True,
                    stream_cls=stream_class,
                ),
            )
        except Exception as error:
            raise self._translate(error) from error

    async def _events(
        self,
        events: AsyncIterator[Any],
        *,
        open: bool = True,  # noqa: A002
    ) -> AsyncGenerator[Any, None]:
        """What a stream brings, until its end.

        Args:
            events: The stream.
            open: Whether the request was answered before the first event is asked for.

        Raises:
            RequestTimeoutError: It was silent for too long, or went on for too long.
            SDKError: It broke.
        """
        end = asyncio.get_running_loop().time() + self.timeout.stream
        while True:
            left = max(0.0, end - asyncio.get_running_loop().time())
            try:
                event = await within(min(self.timeout.stream_read, left), self.name, anext(events))
            except StopAsyncIteration:
                return
            except RequestTimeoutError:
                raise
            except Exception as error:
                raise self._translate(error, streaming=open) from error
            open = True  # noqa: A001
            yield event
