"""The trajectory stream: what the builder says and does, what trials and the engine report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from factory_tui.events import Event
from factory_tui.state import GLYPHS, describe, explain, is_error
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.stream import Stream
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["Trajectory"]

_SIGNS: Final = frozenset(f"{sign} " for sign in (*GLYPHS.values(), "✓", "▲", "!"))


class Trajectory(Stream[Event]):
    """Events as lines. ``by_run`` shows the run's id instead of the turn (all runs together)."""

    def __init__(
        self, heading: str, *, by_run: bool = False, keys: str = "", ident: str | None = None
    ) -> None:
        super().__init__(heading, keys=keys, ident=ident)
        self.by_run = by_run

    def parts(self, row: Event, width: int) -> list[Part]:
        """Time, turn, kind, text, figure."""
        entry = describe(row)
        parts: list[Part] = [(fmt.clock(row.ts_ms) + " ", "faint")] if width >= 56 else []
        if self.by_run:
            parts.append((fit(row.run_id, 6) + " ", "muted"))
        elif width >= 64:
            turn = row.data.get("turn")
            mark = f"{row.iteration}.{turn}" if turn else (str(row.iteration or ""))
            parts.append((fit(mark, 5) + " ", "faint"))
        label_tone = "accent" if entry.tone in ("text", "accent") else "muted"
        parts.append((fit(entry.label, 7) + " ", label_tone))
        used = sum(len(text) for text, _ in parts)
        right = f" {entry.right:>6}" if entry.right and width >= 50 else ""
        text = fit(entry.text, width - used - len(right) - 1)
        if text[:2] in _SIGNS:
            # The sign carries the colour; a screen full of green sentences says nothing.
            calm = "muted" if entry.tone == "good" else "text"
            parts += [(text[:2], entry.tone), (text[2:], calm)]
        else:
            parts.append((text, entry.tone))
        parts.append((right, "faint"))
        return parts

    def text_of(self, row: Event) -> str:
        """The line and the event's full text."""
        return f"{describe(row).text} {row.scenario} {fmt.clip(explain(row), 8000)}"

    def tags_of(self, row: Event) -> dict[str, str]:
        """kind, run, iter, scenario, tool."""
        return {
            "kind": f"{row.kind} {describe(row).label}",
            "run": row.run_id,
            "iter": str(row.iteration),
            "scenario": row.scenario,
            "tool": str(row.data.get("tool") or ""),
        }

    def failed(self, row: Event) -> bool:
        """Failed tools and trials, faults, warnings."""
        return is_error(row)

    def key_of(self, row: Event) -> int:
        """The sequence number."""
        return row.seq

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """What will be here."""
        if self.errors_only or self.filter_text:
            return [[("Nothing matches. ! and & change what is shown.", "muted")]]
        return [
            [("Nothing yet.", "muted")],
            [("What the builder says and does appears here", "faint")],
            [("as soon as the engine has started.", "faint")],
        ]
