"""The real bytes: the app in a pseudo-terminal, read by a terminal emulator."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte
import pytest

from factory_tui.store import Store
from tests.ui.conftest import Factory

ROOT = Path(__file__).parents[2]


class Terminal:
    """An 80×24 terminal with a program in it."""

    def __init__(self, argv: list[str]) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(
                TERM="xterm-256color", COLORTERM="truecolor", TZ="UTC", PYTHONPATH=str(ROOT)
            )
            os.chdir(ROOT)
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.raw = b""

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, true: Callable[[str], bool], what: str) -> None:
        """Read what the program writes until the screen looks so; a minute is an error."""
        end = time.monotonic() + 60
        while not true(self.text):
            ready, _, _ = select.select([self.fd], [], [], 0.2)
            if ready:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    raise AssertionError(f"the program ended before: {what}\n{self.text}")
                self.raw += data
                self.stream.feed(data)
            elif time.monotonic() > end:
                raise AssertionError(f"never seen: {what}\n{self.text}")

    def press(self, keys: str) -> None:
        os.write(self.fd, keys.encode())

    def drain(self) -> str:
        """Everything that is written until the program ends."""
        rest = b""
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            rest += data
        return rest.decode(errors="replace")

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def terminal(factory: Factory) -> Iterator[Terminal]:
    factory.fill()
    argv = [sys.executable, "-m", "tests.ui.try_it", str(factory.folder), "7f3a"]
    found = Terminal(argv)
    yield found
    try:
        found.end()
        os.waitpid(found.pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def test_a_session_in_a_real_terminal(terminal: Terminal, factory: Factory) -> None:
    terminal.until(lambda text: "okta-down" in text and "7f3a" in text, "the dashboard")
    assert "RECORDED" in terminal.text
    terminal.press("3kk")
    terminal.until(lambda text: "paused ○" in text, "the stream pauses when read")
    terminal.press("G")
    terminal.until(lambda text: "paused ○" not in text, "G follows again")
    with Store.open(factory.path) as store:
        store.append("7f3a", "note", {"text": "written by another process", "level": "info"})
    terminal.until(lambda text: "written by another" in text, "news of another process")
    terminal.press("?")
    terminal.until(lambda text: "line down" in text, "help")
    terminal.press("\x1b")
    terminal.until(lambda text: "line down" not in text, "back from help")
    terminal.press("x")
    terminal.until(lambda text: "Stop run 7f3a?" in text, "stop asks")
    terminal.press("n")
    terminal.until(lambda text: "Stop run" not in text, "the question is gone")
    terminal.press("q")
    terminal.until(lambda text: "1 Runs" in text, "the fleet")
    terminal.press("q")
    rest = terminal.drain()
    assert "\x1b[?1049l" in rest, "the terminal is given back"
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
