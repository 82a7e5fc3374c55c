"""The thread that reads the journal."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from factory_tui.events import Event
from factory_tui.state import FOLDED_KINDS
from factory_tui.store import Store
from factory_tui.ui import follower as module
from factory_tui.ui.follower import Follower
from tests.ui.conftest import Factory


class Reader:
    """Takes batches until it has seen enough."""

    def __init__(self, follower: Follower, woken: threading.Event) -> None:
        self.follower, self.woken = follower, woken
        self.events: list[Event] = []
        self.wakes = 0
        self.last: dict[str, Any] = {}

    def until(self, seq: int) -> None:
        while not (self.events and self.events[-1].seq >= seq and self.last.get("caught_up")):
            assert self.woken.wait(30), "the follower fell silent"
            self.woken.clear()
            batch = self.follower.take()
            if batch is None:
                continue
            self.wakes += 1
            self.events += batch.events
            for key in ("runs", "live", "error"):
                if getattr(batch, key):
                    self.last[key] = getattr(batch, key)
            self.last["caught_up"] = batch.caught_up


@pytest.fixture
def started(factory: Factory) -> Any:
    woken = threading.Event()
    follower = Follower(factory.path, woken.set)
    follower.watched = "7f3a"
    thread = threading.Thread(target=follower.run)
    reader = Reader(follower, woken)

    def start() -> Reader:
        thread.start()
        return reader

    yield start
    follower.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_history_then_news(factory: Factory, started: Any) -> None:
    factory.fill()
    with Store.open(factory.path) as store:
        reader = started()
        reader.until(store.last_seq())
        assert [run.id for run in reader.last["runs"]] == ["7f3a"]
        event = store.append("7f3a", "note", {"text": "hello", "level": "info"})
        store.set_live("7f3a", "builder", "thinking")
        reader.until(event.seq)
        assert reader.events[-1].data["text"] == "hello"
        seqs = [e.seq for e in reader.events]
        assert seqs == sorted(set(seqs)), "in order, none twice"


def test_old_chatter_is_skipped_but_nothing_that_matters(
    factory: Factory, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RECENT", 20)
    monkeypatch.setattr(module, "_PAGE", 7)
    factory.fill()
    with Store.open(factory.path) as store:
        everything = store.events(limit=10_000)
        reader = started()
        reader.until(everything[-1].seq)
    got = {e.seq for e in reader.events}
    missing = {e.kind for e in everything if e.seq not in got}
    assert missing and not missing & FOLDED_KINDS
    assert {e.seq for e in everything[-20:]} <= got


def test_the_reader_sets_the_pace(
    factory: Factory, started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LIMIT", 10)
    monkeypatch.setattr(module, "_PAGE", 5)
    factory.fill()
    with Store.open(factory.path) as store:
        reader = started()
        reader.until(store.last_seq())
        assert len(reader.events) == len(store.events(limit=10_000, kinds=None))
    assert reader.wakes > 5


def test_a_store_that_cannot_be_read_is_said(factory: Factory, started: Any) -> None:
    factory.path.write_bytes(b"not a database at all, just bytes" * 100)
    for side in ("-wal", "-shm"):
        factory.path.with_name(factory.path.name + side).unlink(missing_ok=True)
    reader = started()
    while "error" not in reader.last:
        assert reader.woken.wait(30)
        reader.woken.clear()
        batch = reader.follower.take()
        if batch is not None and batch.error:
            reader.last["error"] = batch.error
    assert "factory.db" in reader.last["error"]
