"""Why a run stands still: the gate every model call waits at, and questions nobody answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from factory_tui.engine.control import Gate
from factory_tui.store import Store

__all__ = ["Pausing"]

_LASTING: Final = frozenset({"user", "overbilled", "model", "harness"})
"""Reasons that hold over a restart. An exhausted budget is found again by the next call, a
question is asked again by its node."""


class Pausing:
    """Holds a run and lets it go on, in the store and in the journal.

    A question holds only the line that asks it, so it shuts no gate: what goes on beside it in
    parallel branches goes on.
    """

    def __init__(self, store: Store, run_id: str, emit: Callable[[str, dict[str, Any]], None]):
        self.store, self.run_id, self._emit = store, run_id, emit
        self.gate = Gate()
        self._questions: dict[str, str] = {}
        self._details: dict[str, str] = {}

    @property
    def asking(self) -> bool:
        """Whether the main line waits for an answer."""
        return bool(self._questions)

    def restore(self) -> None:
        """Shut the gate for the reasons that held when the last process ended."""
        held: dict[str, str] = {}
        kinds = ["run.paused", "run.resumed", "run.finished"]
        for event in self.store.events(run_id=self.run_id, kinds=kinds, limit=1_000_000):
            if event.kind == "run.paused":
                held[str(event.data.get("reason"))] = str(event.data.get("detail", ""))
            else:
                held.clear()
        for reason in _LASTING & held.keys():
            self.gate.hold(reason)
            self._details[reason] = held[reason]

    def tell_again(self) -> None:
        """Journal the reasons that hold from before; without any, the run is running."""
        for reason in sorted(self.gate.reasons):
            detail = self._details.get(reason, "")
            self._emit("run.paused", {"reason": reason, "detail": detail or "as before"})
        if not self.gate.reasons:
            self.store.update_run(self.run_id, status="running")

    def hold(self, reason: str, detail: str) -> None:
        """Shut the gate for a reason, if it is not shut for it already."""
        fresh = reason not in self.gate.reasons
        self.gate.hold(reason)
        if fresh:
            self._paused(reason, detail)

    def release(self, reasons: Sequence[str], who: str) -> None:
        """Take reasons away; the run goes on with the last one."""
        held = bool(self.gate.reasons)
        for reason in reasons:
            self.gate.release(reason)
            self._details.pop(reason, None)
        if held and not self.gate.reasons:
            self._resumed(who)

    def ask(self, ident: str, text: str) -> None:
        """The main line waits for an answer."""
        self._questions[ident] = text
        if not self.gate.reasons:
            self._paused("question", text)

    def answered(self, ident: str, who: str) -> None:
        """It does not wait any more; without ``who`` because the process ends."""
        if self._questions.pop(ident, None) is None or not who:
            return
        if not self.gate.reasons and not self._questions:
            self._resumed(who)

    def _paused(self, reason: str, detail: str) -> None:
        with self.store.transaction():
            self.store.update_run(self.run_id, status="paused")
            self._emit("run.paused", {"reason": reason, "detail": detail})

    def _resumed(self, who: str) -> None:
        with self.store.transaction():
            self.store.update_run(self.run_id, status="running")
            self._emit("run.resumed", {"who": who})
        for text in self._questions.values():
            self._paused("question", text)
