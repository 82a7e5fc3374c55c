"""From a key to its paint in a real pty, idle and while 1,000 events a second arrive.

The screen is a run's dashboard at 160×48 over a journal of 100,000 events. The key is ``?``; the
paint is the first byte of the help screen's text. Idle and busy are measured in one run.
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from factory_tui import process
from factory_tui.store import RunRow, Store

PRESSES = 20
JOURNAL = 100_000
RATE = 1000
MARK = re.compile(rb"half a page")
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]")

WRITER = """
import sys, time
from pathlib import Path
from factory_tui.store import Store
store, rate = Store.open(Path(sys.argv[1])), int(sys.argv[2])
n, began = 0, time.monotonic()
while True:
    with store.transaction():
        for _ in range(rate // 20):
            n += 1
            store.append("bead", "agent.text", {"turn": n, "text": f"event {n} of the flood"})
    time.sleep(max(0.0, began + n / rate - time.monotonic()))
"""


def prepare(folder: Path) -> Path:
    """A store with one long run."""
    path = folder / "runs" / "factory.db"
    path.parent.mkdir(parents=True)
    (path.parent / "bead").mkdir()
    with Store.open(path) as store:
        now = int(time.time() * 1000)
        store.add_run(
            RunRow(
                id="bead",
                name="bench",
                status="running",
                pid=os.getpid(),
                pid_started=process.start_time(os.getpid()),
                heartbeat_ms=now,
            )
        )
        created = {"name": "bench", "spec": "-", "scenarios": [], "target": 0.9}
        store.append("bead", "run.created", created)
        for start in range(0, JOURNAL, 1000):
            with store.transaction():
                for n in range(start, start + 1000):
                    store.append("bead", "agent.text", {"turn": n, "text": f"event {n}"})
    return path


class Screen:
    """The program in a pty."""

    def __init__(self, store: Path) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            code = (
                "import sys; from pathlib import Path; from factory_tui.ui.app import FactoryApp;"
                "p = Path(sys.argv[1]); FactoryApp(p.parent.parent, p, run_id='bead').run()"
            )
            environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [sys.executable, "-c", code, str(store)], environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))

    def drain(self, seconds: float) -> None:
        """Read whatever is painted for a while."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                os.read(self.fd, 1 << 16)

    def press(self, key: bytes, mark: re.Pattern[bytes], patience: float = 10.0) -> float:
        """Seconds from a key to the first paint that shows ``mark``."""
        seen = b""
        began = time.perf_counter()
        os.write(self.fd, key)
        while time.perf_counter() - began < patience:
            if select.select([self.fd], [], [], 0.5)[0]:
                seen = (seen + os.read(self.fd, 1 << 16))[-200_000:]
                if mark.search(ESCAPES.sub(b"", seen)):
                    return time.perf_counter() - began
        raise SystemExit("the key was never painted")

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def series(screen: Screen) -> list[float]:
    """Milliseconds of each press, sorted."""
    found = []
    for _ in range(PRESSES):
        screen.drain(random.uniform(0.2, 0.6))
        found.append(screen.press(b"?", MARK) * 1000)
        screen.drain(0.2)
        os.write(screen.fd, b"\x1b")
        screen.drain(0.3)
    return sorted(found)


def shown(name: str, found: list[float]) -> str:
    p95 = found[int(len(found) * 0.95) - 1]
    return f"{name:22} p50 {statistics.median(found):6.0f} ms   p95 {p95:6.0f} ms"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        store = prepare(Path(name))
        screen = Screen(store)
        writer = None
        try:
            screen.drain(4)
            idle = series(screen)
            writer = subprocess.Popen([sys.executable, "-c", WRITER, str(store), str(RATE)])
            screen.drain(2)
            busy = series(screen)
        finally:
            screen.close()
            if writer is not None:
                writer.kill()
                writer.wait()
        print(shown("idle", idle))
        print(shown(f"{RATE} events/s", busy))
        print(f"busy / idle at p50: {statistics.median(busy) / statistics.median(idle):.1f}")


if __name__ == "__main__":
    main()
