"""Follow the journal from a thread; hand what is new to the screens in batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from factory_tui.events import Event
from factory_tui.state import FOLDED_KINDS
from factory_tui.store import RunRow, Store, StoreError

__all__ = ["ACTIVE_S", "IDLE_S", "Batch", "Follower"]

ACTIVE_S: Final = 0.1
IDLE_S: Final = 0.4
"""Seconds between two looks, while the terminal has the focus and while it has not."""

_PAGE: Final = 1000
_RECENT: Final = 300
"""How far back the journal's every kind is read; before that only what state needs."""

_LIMIT: Final = 4000
"""Events waiting to be taken before the thread stops reading on: back-pressure."""


@dataclass
class Batch:
    """What has changed since the last batch.

    ``runs`` and ``live`` are None when unchanged; ``caught_up`` tells that nothing more was
    waiting; ``error`` says why nothing can be read, "" if all is well.
    """

    events: list[Event] = field(default_factory=list)
    runs: list[RunRow] | None = None
    live: Mapping[str, str] | None = None
    caught_up: bool = False
    error: str = ""


class Follower:
    """Reads the store in a thread of its own and never touches a widget.

    Args:
        path: the store's file.
        wake: called from the thread when :meth:`take` has something; must be thread-safe.
    """

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        self._path, self._wake = path, wake
        self._lock = threading.Lock()
        self._taken = threading.Condition(self._lock)
        self._stop = threading.Event()
        self._waiting: Batch | None = None
        self.interval = ACTIVE_S
        self.watched = ""
        """The run whose streamed text is wanted."""

    def take(self) -> Batch | None:
        """What has come since the last call; for the thread of the screens."""
        with self._lock:
            batch, self._waiting = self._waiting, None
            self._taken.notify()
        return batch

    def stop(self) -> None:
        """End :meth:`run` soon."""
        self._stop.set()
        with self._lock:
            self._taken.notify()

    def run(self) -> None:
        """Follow until :meth:`stop`; the thread's body."""
        while not self._stop.is_set():
            try:
                with Store.open(self._path) as store:
                    self._follow(store)
            except StoreError as error:
                self._put(Batch(error=str(error)))
                self._stop.wait(1.0)

    def _follow(self, store: Store) -> None:
        cursor = self._replay(store)
        runs: list[RunRow] | None = None
        live: Mapping[str, str] = {}
        watched = self.watched
        while not self._stop.is_set():
            if store.changed() or runs is None or watched != self.watched:
                watched = self.watched
                while events := store.events(after=cursor, limit=_PAGE):
                    cursor = events[-1].seq
                    self._put(Batch(events=events))
                    if len(events) < _PAGE or self._stop.is_set():
                        break
                rows, text = store.runs(), store.live(watched) if watched else {}
                batch = Batch(caught_up=True)
                if rows != runs:
                    batch.runs = runs = rows
                if text != live:
                    batch.live = live = text
                self._put(batch)
            self._stop.wait(self.interval)

    def _replay(self, store: Store) -> int:
        """Hand over history: what state needs of the old part, everything of the recent part."""
        self._put(Batch(runs=store.runs()))
        cursor, recent = 0, max(0, store.last_seq() - _RECENT)
        while not self._stop.is_set():
            events = store.events(after=cursor, limit=_PAGE, kinds=FOLDED_KINDS)
            old = [event for event in events if event.seq <= recent]
            if old:
                self._put(Batch(events=old))
                cursor = old[-1].seq
            if len(old) < _PAGE:
                break
        return recent

    def _put(self, new: Batch) -> None:
        with self._lock:
            while (
                self._waiting is not None
                and len(self._waiting.events) > _LIMIT
                and not self._stop.is_set()
            ):
                self._taken.wait()
            batch, first = self._waiting, self._waiting is None
            if batch is None:
                self._waiting = new
            else:
                batch.events.extend(new.events)
                batch.runs = batch.runs if new.runs is None else new.runs
                batch.live = batch.live if new.live is None else new.live
                batch.caught_up |= new.caught_up
                batch.error = new.error
        if first and not self._stop.is_set():
            self._wake()
