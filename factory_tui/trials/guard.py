"""What a trial's product may make its host keep and do, and what becomes of one that goes too far.

Its boxes bound what it does inside; here is bounded what it does outside, through the twins: each
call and each event is kept until the trial ends, and a bot that answers its own messages would
never be done. Who crosses a limit is stopped, and the trial ends as the product's failure.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from factory_tui.universe import Exchange, Universe

__all__ = ["DELIVERIES", "EXCHANGES", "KEPT_BYTES", "PENDING", "Guard"]

KEPT_BYTES: Final = 64 << 20
"""About how many bytes of memory the traffic of one trial may fill."""

EXCHANGES: Final = 20_000
"""Calls and deliveries of one trial."""

PENDING: Final = 20_000
"""Deliveries that wait at a time: each call may be told to each hook that the product made."""

DELIVERIES: Final = 500
"""Deliveries that a product may cause while nobody but itself does anything, ..."""

ECHO_S: Final = 5.0
"""... and the seconds for which it has to go on like that; a bulk import is no echo."""


class Guard:
    """Watches one universe.

    Args:
        universe: its ``on_exchange`` is taken.
        stop: called once, when a limit is crossed; cuts the product off.

    Attributes:
        killed: ``traffic``, ``echo`` or ``wall`` after a limit was crossed, else "".
        said: what happened, as a sentence for the product's engineer.
    """

    def __init__(self, universe: Universe, stop: Callable[[], None]) -> None:
        self.killed = ""
        self.said = ""
        self._universe = universe
        self._stop = stop
        self._count = 0
        self._bytes = 0
        self._settling = False
        self._since = 0.0
        self._mark = 0
        universe.on_exchange = self.hear

    def hear(self, exchange: Exchange) -> None:
        """Count an exchange. What comes after a limit was crossed is not kept."""
        if self.killed:
            self._universe.tap.pop()
            return
        self._count += 1
        self._bytes += exchange.weight
        if self._bytes > KEPT_BYTES:
            kept = KEPT_BYTES >> 20
            self.cross("traffic", f"the product's calls and their answers exceed {kept} MiB")
        elif self._count > EXCHANGES:
            self.cross("traffic", f"the product made more than {EXCHANGES:,} calls in one trial")
        elif len(self._universe.outbox) > PENDING:
            self.cross("traffic", f"more than {PENDING:,} deliveries wait for the product")
        elif self._settling and exchange.direction == "out":
            made = self._universe.outbox.made - self._mark
            long = asyncio.get_running_loop().time() - self._since > ECHO_S
            if made > DELIVERIES and long:
                self.cross(
                    "echo",
                    f"the product answered its own messages: {made} deliveries without settling",
                )

    @contextlib.contextmanager
    def settling(self) -> Iterator[None]:
        """While the product, and nobody else, acts."""
        self._since = asyncio.get_running_loop().time()
        self._mark = self._universe.outbox.made
        self._settling = True
        try:
            yield
        finally:
            self._settling = False

    def cross(self, killed: str, said: str) -> None:
        """Stop the product, unless that has happened already."""
        if not self.killed:
            self.killed, self.said = killed, f"{said}; it was stopped"
            self._stop()
