"""The trajectory of one trial: what the user did, what the product did, whom it called."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.binding import Binding, BindingType

from factory_tui.state import format as fmt
from factory_tui.store import StepRow
from factory_tui.ui.evidence import PROGRAMS, call_failed
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["StepList", "call_status", "run_status"]

PREVIEW: Final = 3
"""Lines of a command's output that are shown below it."""


def run_status(entry: StepRow) -> Part:
    """How a command ended."""
    killed, code = entry.data.get("killed"), entry.data.get("exit")
    if killed:
        return f"killed: {killed}", "bad"
    if code is None:
        return "", "muted"
    return f"exit {code}", "good" if code == 0 else "bad"


def call_status(entry: StepRow) -> Part:
    """How a twin answered."""
    data = entry.data
    status = data.get("status")
    text = "" if status is None else str(status) if status else "no answer"
    mark = "gap" if data.get("gap") else "fault" if data.get("fault") else ""
    tone = "muted"
    if mark or call_failed(entry):
        tone = "warn" if mark or (status and status < 500) else "bad"
    return f"{text} {mark}".strip(), tone


@dataclass(frozen=True, slots=True)
class _Row:
    """A line: an entry, or a piece of its output (``text``)."""

    index: int
    text: str = ""
    tone: str = "muted"


class StepList(LineList):
    """Entries of a trajectory, each command with its calls and the end of its output."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,c", "yank", "Copy", show=False),
    ]

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.entries: Sequence[StepRow] = ()
        self.marked: Collection[int] = ()
        self.message = ""
        self._rows: list[_Row] = []

    def show(self, entries: Sequence[StepRow], marked: Collection[int], message: str) -> None:
        """Show another trajectory.

        Args:
            entries: in reading order.
            marked: indexes of the entries that are evidence.
            message: what to say if there are none.
        """
        self.entries, self.marked, self.message = entries, marked, message
        rows: list[_Row] = []
        for index, entry in enumerate(entries):
            rows.append(_Row(index))
            if entry.kind in PROGRAMS:
                rows += self._output(index, entry)
        self._rows = rows
        self.redraw()

    @staticmethod
    def _output(index: int, entry: StepRow) -> list[_Row]:
        told: list[_Row] = []
        for name, tone in (("stdout", "muted"), ("stderr", "warn")):
            lines = [x for x in str(entry.data.get(name) or "").splitlines() if x.strip()]
            if len(lines) > PREVIEW:
                told.append(_Row(index, f"… {len(lines) - PREVIEW + 1} more lines", "faint"))
                lines = lines[1 - PREVIEW :]
            told += [_Row(index, line.expandtabs(4), tone) for line in lines]
        return told

    @property
    def current_index(self) -> int | None:
        """The index of the entry under the cursor."""
        return self._rows[self.cursor].index if self.cursor < len(self._rows) else None

    @property
    def current(self) -> StepRow | None:
        """The entry under the cursor."""
        index = self.current_index
        return None if index is None else self.entries[index]

    def go_to(self, index: int) -> None:
        """Put the cursor on an entry."""
        for place, row in enumerate(self._rows):
            if row.index == index:
                self.move_to(place)
                return

    def row_count(self) -> int:
        """Lines."""
        return len(self._rows)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One entry, or a line of output."""
        row = self._rows[index]
        entry = self.entries[row.index]
        if row.text:
            return [("       ┊ ", "faint"), (fit(row.text, width - 9), row.tone)]
        before = self.entries[row.index - 1] if row.index else None
        new_step = before is None or before.step != entry.step
        number = (str(entry.step) if entry.step else "set-up") if new_step else ""
        mark: Part = ("◀ ", "bad") if row.index in self.marked else ("  ", "text")
        parts: list[Part] = [(fit(number, 3, right=True) + " ", "muted"), mark]
        if entry.step == 0 and new_step:
            parts[0] = ("  0 ", "muted")
        text, tail = self._say(entry, width)
        used = 6 + sum(len(piece) for piece, _ in (*text[:-1], *tail))
        words, tone = text[-1]
        return [*parts, *text[:-1], (fit(words, width - used), tone), *tail]

    def _say(self, entry: StepRow, width: int) -> tuple[list[Part], list[Part]]:
        """The words of an entry (the last part may be cut), and what stands at the right."""
        said = fmt.one_line(entry.text)
        match entry.kind:
            case "run":
                text, tone = run_status(entry)
                seconds = entry.data.get("seconds")
                took = f" {seconds:.1f}s" if isinstance(seconds, (int, float)) else ""
                tail = [(f" {text}", tone), (fit(took, 6, right=True), "faint")]
                return [("$ ", "accent"), (said, "strong")], tail
            case "start":
                listens = entry.data.get("listens")
                tone = "good" if listens else "warn"
                told = " listens" if listens else " does not listen"
                return [("& ", "accent"), (said, "strong")], [(told, tone)]
            case "stop":
                text, tone = run_status(entry)
                if not entry.data.get("by_itself"):
                    text, tone = "stopped", "muted"
                return [("& ", "accent"), (said, "muted")], [(f" {text}", tone)]
            case "event":
                text, tone = call_status(entry)
                return (
                    [("  ← ", "faint"), (fit(entry.who, 5) + " ", "accent"), (said, "text")],
                    [(f" {text}", tone)],
                )
            case "call":
                text, tone = call_status(entry)
                return (
                    [("  → ", "faint"), (fit(entry.who, 5) + " ", "accent"), (said, "text")],
                    [(f" {text}", tone)],
                )
            case "user":
                return [("user ", "accent"), (f"“{said}”", "text")], []
            case "clock" | "wait":
                return [("time ", "accent"), (said, "muted")], []
            case "twin":
                return [(fit(entry.who, 5) + " ", "accent"), (f"is changed: {said}", "muted")], []
            case "write":
                return [("file ", "accent"), (said, "muted")], []
            case _:
                return [(fit(entry.kind, 5) + " ", "muted"), (said, "muted")], []

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Why there is nothing."""
        return [[(self.message, "muted")]]

    def action_yank(self) -> None:
        """Copy the entry: its words and output."""
        entry = self.current
        if entry is not None:
            data = entry.data
            text = [entry.text, *(str(data.get(name) or "") for name in ("stdout", "stderr"))]
            self.app.copy_to_clipboard("\n".join(part for part in text if part))
            self.notify("Entry copied")
