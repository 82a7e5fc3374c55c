"""The twins of one trial: what they held when it ended, and what the product changed in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from factory_tui.state import GLYPHS
from factory_tui.state import format as fmt
from factory_tui.store import StoreError, Traffic, TrialRow
from factory_tui.ui.screens.panes import Panes
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.holdings import (
    CollectionList,
    Held,
    RowList,
    collections,
    names_of,
    row_lines,
)
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.sheet import Sheet
from factory_tui.ui.widgets.tones import Part
from factory_tui.ui.widgets.verdict import OUTCOME

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["TwinsScreen"]


class TwinsScreen(Panes):
    """Collections, rows, one row in full; ``[`` and ``]`` go through the scenario's trials."""

    PANE_IDS = ("collections", "rows", "row")
    CSS = """
    TwinsScreen {
        #about { background: $panel; }
        #panes { layout: horizontal; height: 1fr; }
        #collections { width: 34; }
        #right { layout: vertical; width: 1fr; }
        #row { height: 9; }
        &.-wide #collections { width: 46; }
        &.-wide #right { layout: horizontal; }
        &.-wide #rows { width: 1fr; height: 1fr; }
        &.-wide #row { width: 1fr; height: 1fr; }
        &.-max #collections, &.-max #rows, &.-max #row { width: 1fr; height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "trial(-1)", "Trial", key_display="[ ]"),
        Binding("right_square_bracket", "trial(1)", "Next trial", show=False),
    ]

    def __init__(self, run_id: str, scenario_id: str, trial_id: str = "") -> None:
        super().__init__()
        self.run_id, self.scenario_id = run_id, scenario_id
        self._wanted = trial_id
        self._trials: list[TrialRow] = []
        self._traffic: Traffic | None = None

    def body(self) -> Iterable[Widget]:
        """Which trial, then three panes."""
        with Container(classes="body"):
            yield Line(ident="about")
            with Container(id="panes"):
                yield CollectionList(ident="collections")
                with Vertical(id="right"):
                    yield RowList(ident="rows")
                    yield Sheet(ident="row")

    def crumbs(self) -> list[str]:
        """The run, the scenario."""
        return [self.run_id, self.scenario_id, "twins"]

    def on_mount(self) -> None:
        """Show the trial that was asked for, else the newest that has ended."""
        super().on_mount()
        self._read()
        self.focus_first()

    def on_unmount(self) -> None:
        """Let go of the traffic file."""
        if self._traffic is not None:
            self._traffic.close()

    def focus_first(self) -> None:
        """The collections."""
        self.set_focus(self.query_one(CollectionList))

    def update(self, batch: Batch | None) -> None:
        """Take in what ends while it is watched."""
        if batch is not None and any(
            event.kind == "trial.finished" and event.scenario == self.scenario_id
            for event in batch.events
        ):
            self._read()

    # -- trials ----------------------------------------------------------------------------

    def _read(self) -> None:
        store = self.factory.store
        rows = store.trials(self.run_id, scenario=self.scenario_id)
        self._trials = [row for row in rows if row.outcome]
        known = [row.id for row in self._trials]
        if self._wanted not in known:
            self._wanted = known[-1] if known else self._wanted
        self._show()

    @property
    def trial(self) -> TrialRow | None:
        """The trial that is shown."""
        return next((row for row in self._trials if row.id == self._wanted), None)

    def _show(self) -> None:
        trial, hint = self.trial, ""
        state = None
        if trial is None:
            hint = "No trial of this scenario has ended yet; twins are recorded at its end."
        else:
            try:
                if self._traffic is None:
                    path = self.factory.traffic_path(self.run_id)
                    self._traffic = Traffic.open(path, create=False)
                state = self._traffic.state(trial.id)
            except StoreError as error:
                hint = str(error)
            if state is None and not hint:
                hint = "This trial was performed by a version that recorded no twins."
        found = collections(state or {})
        self.query_one(CollectionList).show(found, hint)
        self._show_about(trial)
        self._show_rows()

    def _show_about(self, trial: TrialRow | None) -> None:
        if trial is None:
            self.query_one("#about", Line).show([("no trial", "faint")])
            return
        glyph, tone = OUTCOME.get(trial.outcome, (GLYPHS["none"], "muted"))
        left: list[Part] = [
            (
                f"{trial.split}  iteration {trial.iteration}  trial {fmt.trial_number(trial.n)} ",
                "muted",
            ),
            (f"{glyph} {trial.outcome}", tone),
        ]
        place = self._trials.index(trial) + 1
        right: list[Part] = [
            ("as they were when the trial ended  " if self.wide else "", "muted"),
            (f"{place} of {len(self._trials)} trials", "muted"),
        ]
        self.query_one("#about", Line).show(left, right)

    def _show_rows(self) -> None:
        lists = self.query_one(CollectionList)
        names = names_of(lists.items, lists.current.twin) if lists.current else {}
        self.query_one(RowList).show(lists.current, names)
        self._show_row()

    def _show_row(self) -> None:
        held = self.query_one(RowList).current
        sheet = self.query_one("#row", Sheet)
        if held is None:
            sheet.show("3 Row", keys="")
            return
        mark = f"{held.mark} in this trial  " if held.mark else ""
        sheet.show(f"3 {mark}{held.key}", row_lines(held), keys="enter in full · y copies")

    # -- keys ------------------------------------------------------------------------------

    @on(LineList.Moved, "#collections")
    def _other_collection(self) -> None:
        self._show_rows()

    @on(LineList.Moved, "#rows")
    def _other_row(self) -> None:
        self._show_row()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        if isinstance(event.lines, CollectionList):
            self.set_focus(self.query_one(RowList))
            return
        held = self.query_one(RowList).current
        if isinstance(held, Held):
            text = "\n".join("".join(part for part, _ in line) for line in row_lines(held))
            self.factory.open_text(self.run_id, f"{held.key} {held.mark}".strip(), text)

    def action_trial(self, direction: int) -> None:
        """Show the next or previous trial of this scenario."""
        ids = [row.id for row in self._trials]
        at = ids.index(self._wanted) + direction if self._wanted in ids else -1
        if 0 <= at < len(ids):
            self._wanted = ids[at]
            self._show()
        else:
            self.notify("No further trial of this scenario", timeout=2)
