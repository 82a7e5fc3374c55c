"""The terminal that shows the screens, and leaving when it is gone. Runs go on.

Textual does not notice that its terminal went away: its input thread reads "" again and again,
and its output thread ends at the first write, after which the screens wait for it forever. So a
thread of ours waits for the hang-up, or for a signal, and needs neither of them.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from factory_tui.ui.theme import FACTORY_16

if TYPE_CHECKING:
    from factory_tui.ui.app import FactoryApp

__all__ = ["GRACE_S", "show"]

GRACE_S: Final = 5.0
"""Seconds that the screens have to close (drafts are kept then) before the process ends anyway."""

_SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


def show(app: FactoryApp) -> int:
    """Show the screens until they are left, their terminal is gone, or a signal says so.

    Returns:
        The exit code: 0, or 128 and the number of the signal (SIGHUP for a terminal that is gone).
        Where the screens cannot close in time, the process ends here with that code.
    """
    for name in ("COLUMNS", "LINES"):
        # Left over from another window, they would count for more than the real size.
        os.environ.pop(name, None)
    if app.console.color_system == "standard":
        app.register_theme(FACTORY_16)
        app.theme = FACTORY_16.name
    told = _Told()
    with told.listening(app):
        try:
            app.run()
        except OSError:
            # What cannot be written at the end is a complaint about the terminal that is gone.
            if not told.code:
                raise
    return told.code or app.return_code or 0


class _Told:
    """What made the screens leave: ``code``, the exit code of it, 0 for nothing."""

    def __init__(self) -> None:
        self.code = 0
        self._signals, self._writer = os.pipe()
        os.set_blocking(self._writer, False)

    @contextlib.contextmanager
    def listening(self, app: FactoryApp) -> Iterator[None]:
        """Let the app leave at a hang-up or a signal, even while it waits for its terminal."""
        before: dict[signal.Signals, Any] = {}
        for each in _SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:  # as nohup asks for
                before[each] = signal.signal(each, self._note)
        # Never ended: a terminal may also go while Python itself shuts down.
        threading.Thread(target=self._wait, args=(app,), name="hang-up", daemon=True).start()
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _note(self, number: int, _frame: object) -> None:
        # Nothing else may be done here: the screens may be waiting for any lock.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, bytes([number]))

    def _wait(self, app: FactoryApp) -> None:
        """Until something ends the app: ask it to leave, and end the process if it cannot."""
        modes = _modes()
        poll = select.poll()
        poll.register(self._signals, select.POLLIN)
        for stream in (sys.__stdin__, sys.__stderr__):  # where Textual reads and writes
            if stream is not None:
                poll.register(stream.fileno(), 0)  # hang-ups and errors are always told
        ready = [number for number, _ in poll.poll()]
        signalled = ready == [self._signals]
        number = os.read(self._signals, 1)[0] if signalled else int(signal.SIGHUP)
        self.code = 128 + number
        app.post_message(app.Leave(self.code))
        threading.Event().wait(GRACE_S)
        # Still here: the screens hang at a terminal that takes nothing any more.
        if modes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, modes)
        os._exit(self.code)


def _modes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None
