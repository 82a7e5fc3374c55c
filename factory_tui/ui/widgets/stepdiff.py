"""Two trials of one scenario side by side, step by step: what went otherwise when it worked?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from textual.content import Content

from factory_tui.state import format as fmt
from factory_tui.store import StepRow
from factory_tui.ui.evidence import EXCHANGES, PROGRAMS
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.steps import call_status, run_status
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["Pair", "StepDiff", "compare"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Entries that correspond. ``then`` and ``now`` are indexes, None where one side has none.

    ``count`` equal pairs in a row are one.
    """

    sign: str
    then: int | None
    now: int | None
    count: int = 1


def _what(entry: StepRow) -> tuple[object, ...]:
    """What an entry is, apart from how it went and from ids that differ by seed."""
    if entry.kind in EXCHANGES:
        doing = entry.data.get("operation") or entry.text.split("?")[0]
        return entry.step, entry.kind, entry.who, doing
    if entry.kind in PROGRAMS:
        return entry.step, entry.kind, entry.text.split(" ")[0]
    return entry.step, entry.kind, entry.who


def _how(entry: StepRow) -> tuple[object, ...]:
    """How an entry went."""
    data = entry.data
    if entry.kind in EXCHANGES:
        return data.get("status"), bool(data.get("fault")), bool(data.get("gap"))
    if entry.kind in PROGRAMS:
        return data.get("exit"), data.get("killed") or ""
    return ()


def compare(then: Sequence[StepRow], now: Sequence[StepRow]) -> list[Pair]:
    """Pair the entries of two trajectories: ``=`` same, ``≠`` otherwise, ``−`` ``+`` one-sided.

    Bodies, ids and names are not compared: seeds make them differ between any two trials.
    """
    pairs: list[Pair] = []
    matcher = SequenceMatcher(None, [_what(e) for e in then], [_what(e) for e in now], False)
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag != "equal":
            pairs += [Pair("−", a, None) for a in range(a1, a2)]
            pairs += [Pair("+", None, b) for b in range(b1, b2)]
            continue
        for a, b in zip(range(a1, a2), range(b1, b2), strict=True):
            same = _how(then[a]) == _how(now[b])
            last = pairs[-1] if pairs else None
            if (
                same
                and last is not None
                and last.sign == "="
                and last.now is not None
                and now[last.now].kind == now[b].kind == "call"
                and _what(now[last.now]) == _what(now[b])
            ):
                pairs[-1] = Pair("=", last.then, last.now, last.count + 1)
            else:
                pairs.append(Pair("=" if same else "≠", a, b))
    return pairs


_TONE = {"=": "faint", "≠": "warn", "−": "bad", "+": "good"}


class StepDiff(LineList):
    """What the last satisfied trial did at each step, and what this one did instead."""

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._then: Sequence[StepRow] = ()
        self._now: Sequence[StepRow] = ()
        self._pairs: list[Pair] = []
        self._message = ""

    def show(
        self, heading: str, then: Sequence[StepRow], now: Sequence[StepRow], message: str = ""
    ) -> None:
        """Compare two trajectories; ``message`` is said if there is nothing to compare."""
        self._then, self._now, self._message = then, now, message
        self._pairs = [] if message else compare(then, now)
        self.border_title = Content(heading)
        differ = sum(pair.sign != "=" for pair in self._pairs)
        self.border_subtitle = Content(f"{differ} differ · = ≠ − + · d closes")
        self.set_reactive(LineList.cursor, 0)
        self.redraw()
        first = next((i for i, pair in enumerate(self._pairs) if pair.sign != "="), 0)
        self.move_to(first)

    @property
    def current_now(self) -> int | None:
        """The index of this trial's entry under the cursor."""
        return self._pairs[self.cursor].now if self.cursor < len(self._pairs) else None

    def go_to(self, index: int) -> None:
        """Put the cursor on the pair of one of this trial's entries."""
        for place, pair in enumerate(self._pairs):
            if pair.now is not None and pair.now <= index < pair.now + pair.count:
                self.move_to(place)
                return

    def row_count(self) -> int:
        """Pairs."""
        return len(self._pairs)

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One pair: step, sign, what; then and now."""
        pair = self._pairs[index]
        entry = self._now[pair.now] if pair.now is not None else self._then[pair.then or 0]
        tone = _TONE[pair.sign]
        parts: list[Part] = [(f"{entry.step or '':>3} ", "muted"), (f"{pair.sign} ", tone)]
        times = f"  ×{pair.count}" if pair.count > 1 else ""
        what = f"{entry.who} {entry.text}" if entry.kind in EXCHANGES else entry.text
        what = ("$ " if entry.kind in PROGRAMS else "") + fmt.one_line(what) + times
        then = self._went(None if pair.then is None else self._then[pair.then])
        now = self._went(None if pair.now is None else self._now[pair.now])
        room = 34 if width >= 100 else 24
        strong = "muted" if pair.sign == "=" else "text"
        parts.append((fit(what, width - 6 - room), strong))
        if pair.sign == "=":
            return [*parts, (fit("  " + now, room), "faint")]
        if pair.sign == "≠":
            half = (room - 4) // 2
            return [
                *parts,
                ("  ", "text"),
                (fit(then, half), "good"),
                ("→ ", "faint"),
                (now, "bad"),
            ]
        side = "only then" if pair.sign == "−" else "only now"
        return [*parts, (f"  {side} ", tone), (then if pair.sign == "−" else now, "muted")]

    @staticmethod
    def _went(entry: StepRow | None) -> str:
        if entry is None:
            return ""
        if entry.kind in EXCHANGES:
            return call_status(entry)[0]
        return run_status(entry)[0] if entry.kind in PROGRAMS else ""

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Why there is nothing to compare."""
        return [[(self._message, "muted")]]
