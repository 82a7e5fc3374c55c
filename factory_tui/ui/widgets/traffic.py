"""The twin traffic stream: every HTTP exchange between a product and its twins."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from rich.cells import cell_len

from factory_tui.state import format as fmt
from factory_tui.store import ExchangeRow
from factory_tui.text import clean
from factory_tui.ui.widgets.stream import Stream
from factory_tui.ui.widgets.tones import Part, fit, width_of

__all__ = ["TrafficStream"]


def short_path(path: str, room: int) -> str:
    """A path as people read it, ``%40`` as ``@``, in at most ``room`` cells.

    Where it does not fit, the middle goes: the beginning says which area of the service, the end
    which thing in it.
    """
    path = clean(unquote(path)).replace("\n", " ")
    if cell_len(path) <= room or room < 8:
        return path
    if room < 24:
        return "…" + path[-(room - 1) :]
    ahead = room // 3
    return f"{path[:ahead]}…{path[-(room - ahead - 1) :]}"


class TrafficStream(Stream[ExchangeRow]):
    """Exchanges as lines: time, twin, method, path, status, and which scenario's step called."""

    def parts(self, row: ExchangeRow, width: int) -> list[Part]:
        """One exchange."""
        status = str(row.status) if row.status else "—"
        if row.gap:
            tone, mark = "warn", "◇"
        elif row.fault:
            tone, mark = "warn", "▲"
        elif row.status >= 500 or not row.status:
            tone, mark = "bad", "✗"
        elif row.status >= 400:
            tone, mark = "warn", " "
        else:
            tone, mark = "good", " "
        where = f"{row.scenario} #{row.step}" if row.scenario else "builder"
        scene = 24 if width >= 90 else 18 if width >= 64 else 0
        head: list[Part] = [(fmt.clock(row.ts_ms) + " ", "faint")] if width >= 52 else []
        what = row.method if row.direction == "in" else "told"
        head += [(fit(row.twin, 5) + " ", "accent"), (fit(what, 4) + " ", "muted")]
        tail: list[Part] = [(f"{status:>3}{mark} ", tone)]
        if width >= 64:
            tail.append((f"{row.ms:>4.0f}ms ", "faint"))
        if scene:
            tail.append((fit(where, scene), "muted"))
        room = width - width_of([*head, *tail]) - 1
        return [*head, (fit(short_path(row.path, room), room) + " ", "text"), *tail]

    def text_of(self, row: ExchangeRow) -> str:
        """Method, path, status, operation, scenario."""
        return (
            f"{row.twin} {row.method} {row.path} {row.status} {row.operation} "
            f"{row.scenario} #{row.step} {row.fault} {row.gap}"
        )

    def tags_of(self, row: ExchangeRow) -> dict[str, str]:
        """twin, status, scenario, iter, step, trial, op."""
        return {
            "twin": row.twin,
            "status": str(row.status),
            "scenario": row.scenario,
            "iter": str(row.iteration),
            "step": str(row.step),
            "trial": row.trial,
            "op": row.operation,
        }

    def failed(self, row: ExchangeRow) -> bool:
        """Error answers, injected faults and gaps."""
        return row.failed

    def key_of(self, row: ExchangeRow) -> int:
        """The sequence number."""
        return row.seq

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """What will be here."""
        if self.errors_only or self.filter_text:
            return [[("Nothing matches. ! and & change what is shown.", "muted")]]
        return [
            [("No calls yet.", "muted")],
            [("Every request to a twin becomes a row here", "faint")],
            [("once the builder or a trial runs the product.", "faint")],
        ]
