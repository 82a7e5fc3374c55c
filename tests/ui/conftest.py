"""Seeded factories and apps with a clock that stands still."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from factory_tui.store import Store
from factory_tui.ui.app import FactoryApp
from tests.ui.seed import Clock, fill, frozen

__all__ = ["Factory", "caught_up"]


@pytest.fixture(autouse=True)
def utc() -> Iterator[None]:
    """Clocks on screens show the same hour everywhere."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


_written: dict[tuple[Any, ...], tuple[Path, int]] = {}
"""Runs written in this session: their files, and when their story ends."""


class Factory:
    """A factory's folder, its store and its clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "runs" / "factory.db"
        self.clock = Clock()
        with Store.open(self.path):
            pass

    def fill(self, run_id: str = "7f3a", **options: Any) -> None:
        """Add a run; the clock stands where its story ends.

        The first run of a factory is copied from one written earlier in this session where
        there is one: every commit of the journal waits for the disk.
        """
        fresh = not list(self.path.parent.glob("*/traffic.db"))
        key = (run_id, *sorted(options.items()))
        if fresh and key in _written:
            kept, self.clock.now_ms = _written[key]
            shutil.copytree(kept, self.path.parent, dirs_exist_ok=True)
            return
        with Store.open(self.path) as store:
            fill(store, self.folder, run_id, clock=self.clock, **options)
        if fresh:
            kept = Path(tempfile.mkdtemp(prefix="seed", dir=self.folder.parent.parent))
            shutil.copytree(self.path.parent, kept, dirs_exist_ok=True)
            _written[key] = (kept, self.clock.now_ms)

    def append(self, kind: str, data: dict[str, Any], **where: Any) -> None:
        """Add one event to the run ``7f3a``."""
        with Store.open(self.path) as store, frozen(self.clock):
            store.append("7f3a", kind, data, **where)

    def app(self, run_id: str | None = "7f3a", **options: Any) -> FactoryApp:
        """The app, with all processes alive unless told otherwise."""
        options.setdefault("alive", lambda pid, started: True)
        return FactoryApp(self.folder, self.path, run_id=run_id, clock=self.clock, **options)


@pytest.fixture
def factory(tmp_path: Path) -> Factory:
    folder = tmp_path / "works"
    folder.mkdir()
    return Factory(folder)


async def caught_up(pilot: Pilot[Any], until: Callable[[], bool] | None = None) -> None:
    """Wait until everything in the journal is shown, and ``until`` holds."""
    app = pilot.app
    assert isinstance(app, FactoryApp)
    for _ in range(2000):
        await pilot.pause(0.01)
        shown = app.caught_up and app.fleet.last_seq >= app.store.last_seq()
        if shown and (until is None or until()):
            # Panes load their rows and paint after the journal is folded.
            for _ in range(5):
                await pilot.pause(0.05)
            return
    raise AssertionError(f"never came true: {until}")
