"""What the screens make of the terminal they get, and that they end when it is gone."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_tui import process
from factory_tui.store import Store
from tests.ui.conftest import Factory

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


class Viewer:
    """The screens in a pseudo-terminal whose other end is ours."""

    def __init__(
        self, argv: list[str], *, ignoring: bool = False, term: str = "xterm-256color"
    ) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Not as the tests were started: a shell's background jobs ignore SIGINT.
            for each in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                signal.signal(each, signal.SIG_DFL)
            if ignoring:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.environ.update(TERM=term, PYTHONPATH=str(ROOT))
            os.chdir(ROOT)
            os.execv(argv[0], argv)
        self.seen = b""

    def until(self, words: bytes) -> None:
        """Read what is shown until the words are there."""
        end = time.monotonic() + PATIENCE_S
        while words not in self.seen:
            assert time.monotonic() < end, self.seen[-2000:]
            if select.select([self.fd], [], [], 0.2)[0]:
                self.seen += os.read(self.fd, 65536)

    def hang_up(self) -> None:
        os.close(self.fd)
        self.fd = -1

    def code(self) -> int:
        """The exit code of a viewer that ends."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("the viewer goes on without a terminal")

    def end(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


Open = Callable[..., Viewer]


@pytest.fixture
def viewer() -> Iterator[Open]:
    made: list[Viewer] = []

    def start(argv: list[str], **options: Any) -> Viewer:
        made.append(Viewer(argv, **options))
        return made[-1]

    yield start
    for each in made:
        each.end()


def screens(factory: Factory) -> list[str]:
    factory.fill()
    return [sys.executable, "-m", "tests.ui.try_it", str(factory.folder), "7f3a"]


@pytest.mark.parametrize("ignoring", [False, True])
def test_it_ends_when_its_terminal_is_closed(
    factory: Factory, viewer: Open, ignoring: bool
) -> None:
    found = viewer(screens(factory), ignoring=ignoring)
    found.until(b"rollcall")
    found.hang_up()
    assert found.code() == 128 + signal.SIGHUP


@pytest.mark.parametrize("ignoring", [False, True])
def test_it_ends_when_its_terminal_took_nothing_and_is_closed(
    factory: Factory, viewer: Open, ignoring: bool
) -> None:
    found = viewer(screens(factory), ignoring=ignoring)
    found.until(b"rollcall")
    stall(factory, found)
    found.hang_up()
    assert found.code() == 128 + signal.SIGHUP


def test_it_ends_at_a_signal_though_its_terminal_takes_nothing(
    factory: Factory, viewer: Open
) -> None:
    found = viewer(screens(factory))
    found.until(b"rollcall")
    stall(factory, found)
    os.kill(found.pid, signal.SIGTERM)
    assert found.code() == 128 + signal.SIGTERM


def stall(factory: Factory, found: Viewer) -> None:
    """Give the viewer more to draw than a terminal that nobody reads can hold."""
    for number in range(60):
        factory.append("note", {"text": f"note {number} " + "much to draw " * 9, "level": "info"})
        with contextlib.suppress(BlockingIOError):
            os.write(found.fd, b"jjkk?\x1b[B\x1b[A")
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_gives_the_terminal_back(
    factory: Factory, viewer: Open, number: signal.Signals
) -> None:
    found = viewer(screens(factory))
    found.until(b"rollcall")
    os.kill(found.pid, number)
    found.until(b"\x1b[?1049l")
    assert found.code() == 128 + number


def test_an_unsaved_spec_is_there_again_after_a_hang_up(factory: Factory, viewer: Open) -> None:
    specs = factory.folder / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "rollcall.md").write_text("# Rollcall\n")
    argv = screens(factory)
    found = viewer(argv)
    found.until(b"rollcall")
    os.write(found.fd, b"e")
    found.until(b"watching the disk")
    os.write(found.fd, b"UNSAVED ")
    found.until(b"modified")
    found.hang_up()
    found.code()
    drafts = list((factory.path.parent / "drafts").glob("*.json"))
    assert "UNSAVED" in drafts[0].read_text()


def test_it_ends_with_what_held_its_terminal(factory: Factory, tmp_path: Path) -> None:
    """As with a terminal multiplexer that is killed: nobody closes anything in order."""
    note = tmp_path / "pid"
    holder = (
        "import os, pty, sys\n"
        "pid, fd = pty.fork()\n"
        "if not pid: os.execv(sys.argv[2], sys.argv[2:])\n"
        "seen = b''\n"
        "while b'rollcall' not in seen: seen += os.read(fd, 65536)\n"
        "open(sys.argv[1] + '.new', 'w').write(str(pid))\n"
        "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
        "while True: os.read(fd, 65536)\n"
    )
    argv = [sys.executable, "-c", holder, str(note), *screens(factory)]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, cwd=ROOT, env=environment, start_new_session=True) as parent:
        eventually(note.exists)
        pid = int(note.read_text())
        started = process.start_time(pid)
        parent.kill()
    eventually(lambda: not process.alive(pid, started))


@pytest.mark.slow
def test_the_run_goes_on_without_its_viewer(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("demo")
    for parent in (base, *base.parents[:4]):
        parent.chmod(parent.stat().st_mode | 0o011)
    folder = base / "demo"
    found = Viewer([sys.executable, "-m", "factory_tui", "demo", "--folder", str(folder)])
    try:
        found.until(b"Trajectory")
        found.hang_up()
        assert found.code() == 128 + signal.SIGHUP
        with Store.open(folder / "runs" / "factory.db") as store:
            row, before = store.runs()[0], store.last_seq()
            assert process.alive(row.pid, row.pid_started)
            eventually(lambda: store.last_seq() > before + 20)
            assert process.alive(row.pid, row.pid_started)
            store.request(row.id, "stop", {}, "test")
            eventually(lambda: store.run(row.id).status == "stopped")
    finally:
        found.end()


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_size_is_the_terminals_not_the_environments(
    factory: Factory, viewer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "5")
    found = viewer(screens(factory))
    fcntl.ioctl(found.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    found.until(b"Trajectory")


def test_sixteen_colours_are_those_that_the_terminal_has(
    factory: Factory, viewer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLORTERM", "")
    found = viewer(screens(factory), term="xterm")
    found.until(b"rollcall")
    found.until(b"92;40m")  # what passes is bright green
    assert b"\x1b[38;" not in found.seen


@pytest.mark.parametrize(
    ("redirect", "said"),
    [("", "TERM=dumb"), ("2>/dev/null", "drawn on standard error")],
)
def test_a_terminal_that_cannot_show_screens_is_told(
    tmp_path: Path, viewer: Open, redirect: str, said: str
) -> None:
    command = f"{sys.executable} -m factory_tui"
    assert (
        subprocess.run([*command.split(), "init", str(tmp_path / "f")], check=False).returncode == 0
    )
    argv = ["/bin/sh", "-c", f"{command} --factory {tmp_path / 'f'} {redirect}"]
    found = viewer(argv, term="dumb" if not redirect else "xterm")
    found.until(said.encode())
    assert found.code() == 2
