"""Delivers a universe's events over real connections, in the order of the virtual clock."""

import asyncio
import ssl
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from factory_tui.universe.client import Connect, send
from factory_tui.universe.outbox import Delivery, Outgoing, Reply
from factory_tui.universe.sockets import SCHEME
from factory_tui.universe.universe import Universe

__all__ = ["Courier"]

MAX_REPLY: Final = 1 << 20
"""Bytes of a receiver's reply that are read; a longer one counts as none."""

_LOOK_S: Final = 0.25
"""How often a clock that follows the real time is looked at for what has come due."""


class Courier:
    """Delivers what a universe's outbox holds, from the loop that serves it.

    One delivery at a time: the order is that of the virtual clock, and a receiver may call the
    twins while it is being told. Use as an async context manager, or :meth:`start` and
    :meth:`close`.

    Args:
        universe: Whose events; its :attr:`Universe.courier` from :meth:`start` on.
        connect: Makes the connections, for receivers that live in another network.
        tls: For receivers at ``https``.
        ready: Awaited before each delivery over HTTP: receivers that still start are not told.
    """

    def __init__(
        self,
        universe: Universe,
        *,
        connect: Connect | None = None,
        tls: ssl.SSLContext | None = None,
        ready: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        self.universe = universe
        self._ready = ready
        self._connect = connect
        self._tls = tls
        self._one = asyncio.Lock()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> "Courier":
        """Deliver from now on, whenever something is due."""
        self.universe.courier = self
        self.universe.outbox.wake = self._woken.set
        self._closing = False
        self._woken.set()
        self._task = asyncio.get_running_loop().create_task(self._work())
        return self

    async def close(self) -> None:
        """Stop; what is pending stays in the outbox."""
        if self.universe.courier is self:
            self.universe.courier = None
            self.universe.outbox.wake = None
        if self._task is not None:
            self._closing = True
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def __aenter__(self) -> "Courier":
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _work(self) -> None:
        while self.universe.clock.live and not self._closing:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.advance(0)
            except Exception:  # a bug of a pack, which would come again at every look
                self.universe.crashes.append(traceback.format_exc())
                break
        # What a pack or a library does must not make a cancellation go unheard.
        while not self._closing:
            await self._woken.wait()
            self._woken.clear()
            await self.flush()

    async def flush(self, until: float | None = None) -> int:
        """Deliver everything that is due now, and what that makes due; returns how many.

        A receiver that makes new events due by each delivery keeps this from ending; ``until``, a
        time of the loop, ends it between two deliveries.
        """
        count = 0
        now = asyncio.get_running_loop().time
        while until is None or now() < until:
            async with self._one:
                delivery = self.universe.outbox.take(self.universe.clock.now())
                if delivery is None:
                    break
                await self._deliver(delivery)
                count += 1
        return count

    async def advance(self, seconds: float, until: float | None = None) -> None:
        """Move the virtual clock, delivering on the way whatever comes due.

        After ``until``, a time of the loop, the clock goes on and nothing is delivered any more.
        Raises ``ValueError`` for a negative or absurd amount.
        """
        universe = self.universe
        target = universe.target(seconds)
        await self.flush(until)
        while universe.stop_before(target):
            await self.flush(until)
        await self.flush(until)

    async def ask(self, outgoing: Outgoing, timeout: float) -> Reply:
        """Send a request of a twin and give its reply."""
        try:
            return await send(
                outgoing, timeout=timeout, connect=self._connect, tls=self._tls, most=MAX_REPLY
            )
        except Exception as error:  # whoever registered the URL must not end the deliveries
            return Reply.nothing(f"nothing can be sent: {type(error).__name__}")

    async def _deliver(self, delivery: Delivery) -> None:
        universe = self.universe
        epoch = universe.outbox.epoch
        if self._ready is not None and not delivery.subscription.url.startswith(SCHEME):
            await self._ready()
        started = time.perf_counter()
        url = delivery.subscription.url
        # A receiver's library compares the signature's time with its own clock.
        outgoing = universe.prepare(delivery, int(time.time()))
        timeout = delivery.subscription.retries.timeout
        if outgoing.url.startswith(SCHEME):
            reply = await self._over_socket(delivery.twin, outgoing, timeout)
        elif _names_a_host(outgoing.url):
            reply = await self.ask(outgoing, timeout)
        else:
            reply = Reply.nothing(f"nothing can be sent to {url!r}")
        if universe.outbox.epoch == epoch:
            universe.settle(delivery, outgoing, reply, (time.perf_counter() - started) * 1e3)

    async def _over_socket(self, twin: str, outgoing: Outgoing, timeout: float) -> Reply:
        acked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        sockets = self.universe.sockets

        def confirm(body: bytes) -> None:
            if not acked.done():
                acked.set_result(body)

        channel = outgoing.url.removeprefix(SCHEME)
        try:
            sent = sockets.send(twin, channel, outgoing.body, outgoing.ack, confirm)
        except UnicodeDecodeError:
            return Reply.nothing("nothing can be sent: no text")
        if not sent:
            return Reply.nothing("no connection")
        try:
            async with asyncio.timeout(timeout):
                return Reply(200, body=await acked)
        except TimeoutError:
            return Reply.nothing("timeout")
        finally:
            sockets.forget(twin, outgoing.ack)


def _names_a_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:  # http://[x
        return False
