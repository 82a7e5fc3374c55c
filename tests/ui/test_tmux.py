"""Real keys in a real terminal: tmux at both sizes the screens are drawn for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from factory_tui.store import Store
from tests.ui.conftest import Factory

ROOT = Path(__file__).resolve().parents[2]


class Tmux:
    """A tmux server of our own with one window in it."""

    def __init__(self, socket: Path, columns: int, rows: int, command: str) -> None:
        self.socket = socket
        assert shutil.which("tmux"), "these tests need tmux: apt-get install tmux"
        self.tmux(
            "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(ROOT), command
        )

    def tmux(self, *args: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self.socket), "-f", "/dev/null", *args],
            capture_output=True,
            text=True,
            check=False,
            env={k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "TMUX")},
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", key)
            # A terminal sends alt+key as escape and the key: leave a gap, as a person does.
            time.sleep(0.6 if key == "Escape" else 0.1)

    def shows(self, *words: str, patience: float = 30.0) -> str:
        """Wait until the screen shows all the words; returns the screen."""
        end = time.monotonic() + patience
        while True:
            screen = self.tmux("capture-pane", "-p")
            if all(word in screen for word in words):
                return screen
            assert time.monotonic() < end, f"{words} are not on the screen:\n{screen}"
            time.sleep(0.1)

    def lacks(self, words: str, patience: float = 30.0) -> None:
        """Wait until the words are gone from the screen."""
        end = time.monotonic() + patience
        while words in self.tmux("capture-pane", "-p"):
            assert time.monotonic() < end, f"{words!r} stays on the screen"
            time.sleep(0.1)

    def ends(self, patience: float = 30.0) -> None:
        """Wait until the program has ended."""
        end = time.monotonic() + patience
        while self.tmux("list-sessions").strip():
            assert time.monotonic() < end, self.tmux("capture-pane", "-p")
            time.sleep(0.1)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Tmux]]:
    made: list[Tmux] = []

    def start(columns: int, rows: int, folder: Path, run: str = "") -> Tmux:
        command = f"{sys.executable} -m tests.ui.try_it {folder} {run}"
        made.append(Tmux(tmp_path / f"tmux{len(made)}", columns, rows, command))
        return made[-1]

    yield start
    for each in made:
        each.tmux("kill-server")


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 48)])
def test_from_the_fleet_to_the_request_that_failed(
    factory: Factory, terminal: Callable[..., Tmux], columns: int, rows: int
) -> None:
    factory.fill()
    screen = terminal(columns, rows, factory.folder)
    screen.shows("7f3a", "rollcall", "Runs")
    screen.press("Enter")
    seen = screen.shows("Trajectory", "holdout")
    assert len(seen.splitlines()) == rows
    screen.press("2", "Enter")
    screen.shows("Verdict", "Twin traffic")
    screen.press("?")
    screen.shows("Help", "evidence")
    screen.press("Escape")
    screen.shows("Verdict")
    screen.press("Escape")
    screen.shows("Trajectory", "Satisf")
    screen.press("b")
    screen.shows("Budget of run", "tokens", "dollars")
    screen.press("Escape")
    screen.lacks("Budget of run")
    screen.press("q")
    screen.shows("Runs")
    screen.press("q")
    screen.ends()


def test_a_request_is_written_for_the_engine(
    factory: Factory, terminal: Callable[..., Tmux]
) -> None:
    factory.fill()
    screen = terminal(80, 24, factory.folder, "7f3a")
    screen.shows("Trajectory")
    screen.press("x")
    screen.shows("Stop")
    screen.press("n", "b")
    screen.shows("Budget")
    screen.press("Escape")
    with Store.open(factory.path) as store:
        assert store.pending("7f3a") == []


def test_too_small_says_so(factory: Factory, terminal: Callable[..., Tmux]) -> None:
    factory.fill()
    screen = terminal(50, 12, factory.folder, "7f3a")
    screen.shows("too small", "60×15")
