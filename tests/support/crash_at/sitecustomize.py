"""Kills an engine right after the commit that holds a certain write; on its PYTHONPATH.

``CRASH_AT`` is ``event:KIND:N`` or ``turn:KIND:N``, the N-th such write of the process;
``CRASH_MARK`` is a file that says it has happened, so that the next process lives.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _install(wanted: str, mark: Path) -> None:
    from factory_tui.store import Store
    from factory_tui.store.connection import Connection

    seen: Counter[str] = Counter()
    due = False
    append, append_turn, write = Store.append, Store.append_turn, Connection.write

    def count(name: str) -> None:
        nonlocal due
        seen[name] += 1
        due = due or f"{name}:{seen[name]}" == wanted

    def counted(name: Callable[..., str], method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with args[0].transaction():
                made = method(*args, **kwargs)
                count(name(*args))
                return made

        return call

    @contextmanager
    def killed(self: Connection, *, durable: bool | None = None) -> Iterator[Any]:
        outermost = not self.raw.in_transaction
        with write(self, durable=durable) as db:
            yield db
        if outermost and due:
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    new: Any = {
        "append": counted(lambda _s, _run, kind, *_: f"event:{kind}", append),
        "append_turn": counted(lambda _s, _context, said, *_: f"turn:{said['kind']}", append_turn),
    }
    for name, method in new.items():
        setattr(Store, name, method)
    Connection.write = killed  # type: ignore[method-assign]


if "factory_tui.engine" in sys.orig_argv and "CRASH_AT" in os.environ:
    _mark = Path(os.environ["CRASH_MARK"])
    if not _mark.exists():
        _install(os.environ["CRASH_AT"], _mark)
