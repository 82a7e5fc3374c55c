"""All runs: which one needs me, what does each cost, does it converge?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget

from factory_tui.events import Event
from factory_tui.state import STREAM_KINDS, FleetRow, explain, heading
from factory_tui.state import format as fmt
from factory_tui.state.fleet import SORTS
from factory_tui.ui.rows import PagedRows
from factory_tui.ui.screens.frame import badges
from factory_tui.ui.screens.panes import Panes
from factory_tui.ui.widgets.fleet import FleetTable
from factory_tui.ui.widgets.frame import Prompt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.spend import SpendPanel
from factory_tui.ui.widgets.summary import RunSummary
from factory_tui.ui.widgets.tones import Part
from factory_tui.ui.widgets.trajectory import Trajectory

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["FleetScreen"]

_RECENT = 500
"""Events of all runs that the activity stream starts with."""


class FleetScreen(Panes):
    """The list of runs, and the selected one in more detail."""

    PANE_IDS = ("runs", "summary", "scenarios", "spend", "activity")
    CSS = """
    FleetScreen {
        #runs { height: 1fr; }
        #summary { height: 9; }
        #side { height: 20; }
        #activity { height: 1fr; }
        #scenarios { width: 1fr; }
        #spend { width: 54; }
        &.-narrow #side, &.-narrow #activity { display: none; }
        &.-wide #runs { height: auto; min-height: 7; max-height: 35%; }
        &.-wide #summary { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "app.start", "Start run", tooltip="Start a run of this factory's spec"),
        Binding("a", "app.answer", "Answer", tooltip="Answer what the pipeline asks"),
        Binding("b", "app.budget", "Budget"),
        Binding("e", "app.spec", "Spec"),
        Binding("p", "app.pause", "Pause"),
        Binding("x", "app.stop", "Stop"),
        Binding("v", "app.pipeline", "Pipeline", show=False),
        Binding("s", "sort", "Sort"),
        Binding("slash", "find", "Filter", key_display="/"),
        Binding("q", "back", "Quit", tooltip="Leave; runs go on"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = SORTS[0]
        self._find = ""
        self._activity: PagedRows[Event] | None = None

    def pane_ids(self) -> tuple[str, ...]:
        """With room four panes, else the list and a summary."""
        return tuple(p for p in self.PANE_IDS if p != "summary") if self.wide else self.PANE_IDS[:2]

    @property
    def selected(self) -> str:
        """The id of the run under the cursor, "" for none."""
        row = self._row
        return "" if row is None else row.facts.id

    @property
    def _row(self) -> FleetRow | None:
        return self.query_one(FleetTable).current

    def body(self) -> Iterable[Widget]:
        """List, summary; with room also scenarios, spend and the activity of all runs."""
        with Container(classes="body"):
            yield FleetTable(ident="runs")
            yield RunSummary(ident="summary")
            with Horizontal(id="side"):
                yield SatisfactionPanel(2, ident="scenarios")
                yield SpendPanel(3, ident="spend")
            yield Trajectory("4 Activity of all runs", by_run=True, ident="activity")

    def on_mount(self) -> None:
        """Read the end of the journal."""
        store = self.factory.store
        self._activity = PagedRows(
            count=lambda: 0,
            page=lambda offset, limit: (),
            after=lambda seq, limit: store.events(after=seq, kinds=STREAM_KINDS, limit=limit),
            seq=lambda event: event.seq,
            start=max(0, store.last_seq() - _RECENT),
        )
        self.query_one(Trajectory).show(self._activity)
        super().on_mount()
        self.focus_first()

    def focus_first(self) -> None:
        """The list."""
        self.set_focus(self.query_one(FleetTable))

    # -- frame -----------------------------------------------------------------------------

    def _live(self) -> list[FleetRow]:
        factory = self.factory
        return factory.fleet.rows(factory.now_ms(), factory.alive, sort=self._sort)

    def crumbs(self) -> list[str]:
        """The folder and how many runs there are."""
        rows = self._live()
        going = sum(row.live.word in ("working", "waiting", "starting", "quiet") for row in rows)
        needy = sum(bool(row.needs) for row in rows)
        text = f"{len(rows)} run{'' if len(rows) == 1 else 's'} · {going} live"
        if needy:
            text += f" · {needy} need{'s' if needy == 1 else ''} you"
        return [self.factory.factory_dir.name, text] if self.wide else [text]

    def header_right(self) -> list[Part]:
        """Rate and dollars of all runs."""
        fleet = self.factory.fleet
        rate = f"{fmt.tokens(fleet.burn(self.factory.now_ms()))} tok/min  "
        more = "+?" if fleet.spend_unknown else ""
        return [(rate, "muted"), (fmt.money(fleet.spent_usd) + more, "strong")]

    def status_left(self) -> list[Part]:
        """What the selected run is doing."""
        row = self._row
        if row is None:
            return []
        asked = self.factory.asked(row.facts.id)
        text = f"{asked} asked for, waiting for the engine" if asked else row.live.text
        return [(f"{row.facts.id} ", "strong"), (text, "muted")]

    def marks(self) -> list[Part]:
        """Badges of the selected run."""
        row = self._row
        return [] if row is None else badges(row.run, wide=self.wide)

    def update(self, batch: Batch | None) -> None:
        """Show what is new."""
        if self._activity is None:
            return
        now = self.factory.now_ms()
        rows = self.factory.fleet.rows(now, self.factory.alive, sort=self._sort, find=self._find)
        caption = f"1 Runs  by {self._sort}" + (f"  filter: {self._find}" if self._find else "")
        total = len(self.factory.fleet.facts)
        keys = f"{len(rows)} of {total} · enter opens · s sort" if total else "r starts a run"
        self.query_one(FleetTable).show(rows, now, caption, keys)
        if (batch is None or batch.events) and self._activity.catch_up():
            self.query_one(Trajectory).grown()
        self._show_selected()

    def _show_selected(self) -> None:
        row, now = self._row, self.factory.now_ms()
        self.query_one(RunSummary).show(row, now)
        if row is not None and self.wide:
            self.query_one(SatisfactionPanel).show(row.run)
            self.query_one(SpendPanel).show(row.run, now)

    # -- keys ------------------------------------------------------------------------------

    @on(LineList.Moved, "#runs")
    def _moved(self) -> None:
        self._show_frame()
        self._show_selected()

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        match event.lines:
            case FleetTable() as table:
                self.factory.open_run(table.row(event.index).facts.id)
            case SatisfactionPanel() as panel:
                self.factory.open_scenario(self.selected, panel.row(event.index).scenario.id)
            case Trajectory() as activity:
                found = activity.row(event.index)
                if found is not None:
                    self.factory.open_text(found.run_id, heading(found), explain(found))

    def action_sort(self) -> None:
        """Order the list another way."""
        self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]
        self.refresh_all(None)

    def action_find(self) -> None:
        """Ask what to list; in the activity stream, what to find."""
        if isinstance(self.focused, Trajectory):
            super().action_find()
        else:
            self.query_one(Prompt).ask("runs", "list only", self._find)

    @on(Prompt.Changed)
    def _narrowing(self, event: Prompt.Changed) -> None:
        if event.mode == "runs":
            self._find = event.text.strip()
            self.refresh_all(None)

    @on(Prompt.Entered)
    @on(Prompt.Closed)
    def _narrowed(self, event: Prompt.Entered | Prompt.Closed) -> None:
        if event.mode == "runs":
            self._find = event.text.strip() if isinstance(event, Prompt.Entered) else ""
            self.refresh_all(None)
            self.focus_first()
