"""The run dashboard: what is it doing, what does it cost, what fails?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from factory_tui.events import Event
from factory_tui.state import STREAM_KINDS, GridRow, explain, heading
from factory_tui.store import ExchangeRow, StoreError, Traffic
from factory_tui.ui.rows import PagedRows
from factory_tui.ui.screens.panes import Panes
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.satisfaction import SatisfactionPanel
from factory_tui.ui.widgets.spend import SpendPanel
from factory_tui.ui.widgets.traffic import TrafficStream
from factory_tui.ui.widgets.trajectory import Trajectory

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["RunScreen"]

PANES: Final = ("spend", "scenarios", "trajectory", "traffic")


class RunScreen(Panes):
    """Spend, satisfaction, trajectory and twin traffic of one run, live."""

    PANE_IDS = PANES
    CSS = """
    RunScreen {
        #body { layout: grid; }
        &.-narrow #body { grid-size: 2 3; grid-columns: 34 1fr; grid-rows: 1 1fr 6; }
        &.-narrow #spend { column-span: 2; border: none; height: 1; padding: 0 1; }
        &.-narrow #spend:focus { background: $cursor; }
        &.-narrow #traffic { column-span: 2; }
        &.-narrow #detail { display: none; }
        &.-wide #body { grid-size: 3 2; grid-columns: 50 1fr 40%; grid-rows: 2fr 3fr; }
        &.-wide #scenarios { column-span: 2; }
        &.-wide #middle { column-span: 2; }
        #detail { height: 11; }
        #trajectory { height: 1fr; }
        &.-max #body { grid-size: 1 1; grid-columns: 1fr; grid-rows: 1fr; }
        &.-max #spend { border: round $accent; height: 1fr; }
        &.-max #detail { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "app.answer", "Answer", tooltip="Answer what the pipeline asks"),
        Binding("b", "app.budget", "Budget", tooltip="Edit the budget of this run"),
        Binding("e", "app.spec", "Spec", tooltip="Edit the spec of this run"),
        Binding("p", "app.pause", "Pause", tooltip="Pause this run, or let it go on"),
        Binding("x", "app.stop", "Stop", tooltip="Stop this run (asks)"),
        Binding(
            "v", "app.pipeline", "Pipeline", tooltip="The pipeline's graph, with its live node"
        ),
        Binding("t", "twins", "Twins", tooltip="The twins after the selected scenario's trial"),
        Binding("l", "feedback", "Feedback", show=False, tooltip="What the builder was last told"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._events: PagedRows[Event] | None = None
        self._traffic: Traffic | None = None
        self._exchanges: PagedRows[ExchangeRow] | None = None
        self._upper = 0

    def body(self) -> Iterable[Widget]:
        """Four panes; the detail belongs to whichever stream was used last."""
        with Container(id="body", classes="body") as body:
            yield SpendPanel(ident="spend")
            yield SatisfactionPanel(ident="scenarios")
            with Vertical(id="middle"):
                yield Trajectory("3 Trajectory", keys="f / & ! enter", ident="trajectory")
                yield DetailPane(ident="detail")
            yield TrafficStream("4 Twin traffic", keys="enter inspects · ! errors", ident="traffic")
        del body

    def crumbs(self) -> list[str]:
        """The run and what it builds."""
        run = self.factory.fleet.run(self.run_id)
        return [self.run_id, run.name] if run.name and self.app.size.width > 72 else [self.run_id]

    def on_mount(self) -> None:
        """Read the ends of both streams."""
        store, run_id = self.factory.store, self.run_id
        self._events = PagedRows(
            count=lambda: store.event_count(run_id, STREAM_KINDS),
            page=lambda offset, limit: store.event_page(run_id, STREAM_KINDS, offset, limit),
            after=lambda seq, limit: store.events(
                after=seq, run_id=run_id, kinds=STREAM_KINDS, limit=limit
            ),
            seq=lambda event: event.seq,
        )
        self.query_one(Trajectory).show(self._events)
        super().on_mount()
        self.focus_first()

    def on_unmount(self) -> None:
        """Let go of the traffic file."""
        if self._traffic is not None:
            self._traffic.close()

    def focus_first(self) -> None:
        """What fails matters most."""
        self.set_focus(self.query_one("#scenarios"))

    # -- state -----------------------------------------------------------------------------

    def update(self, batch: Batch | None) -> None:
        """Show what is new."""
        if self._events is None:
            return
        run = self.factory.fleet.run(self.run_id)
        news = batch is None or any(e.run_id == self.run_id for e in batch.events)
        trajectory = self.query_one(Trajectory)
        # Read anew rather than taken from the batch: batches go to the front screen only, and
        # what came while another one was in front must not be missing here.
        if news and self._events.catch_up():
            trajectory.grown()
        if batch is not None and batch.live is not None:
            text = " ".join(" ".join(batch.live.values()).split())
            trajectory.set_live(text)
        self._read_traffic()
        self._fit_rows()
        self.query_one(SpendPanel).show(run, self.factory.now_ms())
        if news or (batch is not None and batch.runs is not None):
            panel = self.query_one(SatisfactionPanel)
            panel.show(run)
            if panel.has_focus:
                self._explain(panel)

    def _read_traffic(self) -> None:
        stream = self.query_one(TrafficStream)
        if self._traffic is None:
            path = self.factory.traffic_path(self.run_id)
            if not path.exists():
                return
            try:
                traffic = self._traffic = Traffic.open(path, create=False)
            except StoreError:
                return  # being created right now; the next look finds it whole
            self._exchanges = PagedRows(
                count=traffic.count,
                page=lambda offset, limit: traffic.page(offset=offset, limit=limit),
                after=traffic.after,
                seq=lambda row: row.seq,
            )
            stream.show(self._exchanges)
        elif self._exchanges is not None and self._exchanges.catch_up():
            stream.grown()

    def _fit_rows(self) -> None:
        """Give the upper panes the height that all scenarios need, within reason."""
        body = self.query_one("#body")
        if not self.wide or self.has_class("-max"):
            body.styles.clear_rule("grid_rows")
            self._upper = 0
            return
        scenarios = len(self.factory.fleet.run(self.run_id).grid.scenarios)
        most = body.size.height * 11 // 20
        upper = min(max(scenarios + 6, 14), most)
        if upper and upper != self._upper:
            self._upper = upper
            body.styles.grid_rows = f"{upper} 1fr"

    # -- detail ----------------------------------------------------------------------------

    def on_descendant_focus(self) -> None:
        """The detail shows what the focused pane has selected."""
        super().on_descendant_focus()
        if isinstance(self.focused, LineList):
            self._explain(self.focused)

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.lines is self.focused:
            self._explain(event.lines)

    def action_maximise(self) -> None:
        """Give the whole screen to one pane; the detail comes into view with its stream."""
        super().action_maximise()
        if isinstance(self.focused, LineList):
            self.call_after_refresh(self._explain, self.focused)

    def _explain(self, lines: LineList) -> None:
        detail = self.query_one(DetailPane)
        if not detail.display:
            return
        match lines:
            case Trajectory(current=Event() as event):
                detail.show(heading(event), explain(event), "enter in full")
            case TrafficStream(current=ExchangeRow() as row) if self._traffic is not None:
                full = self._traffic.get(row.seq)
                title = f"{row.twin} {row.method} {row.status or 'no answer'} · {row.operation}"
                detail.show(title, exchange_text(full), "enter inspects")
            case SatisfactionPanel(current=None):
                detail.show("", "")
            case SatisfactionPanel(current=GridRow() as found):
                info = found.scenario
                judged = "judged" if info.judged else "facts"
                text = f"{info.title}\n\n{info.split} scenario, {judged}, weight {info.weight:g}\n"
                text += f"{found.satisfied} of {found.trials} trials satisfied"
                text += f"\n\n{found.reason}" if found.reason else ""
                detail.show(info.id, text, "enter drills in")

    # -- opening ---------------------------------------------------------------------------

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        match event.lines:
            case SatisfactionPanel() as panel:
                self.factory.open_scenario(self.run_id, panel.row(event.index).scenario.id)
            case TrafficStream() as stream:
                row = stream.row(event.index)
                if row is not None:
                    self.factory.open_exchange(self.run_id, row.seq)
            case Trajectory() as trajectory:
                found = trajectory.row(event.index)
                if found is not None and found.kind == "trial.finished":
                    self.factory.open_scenario(self.run_id, found.scenario)
                elif found is not None:
                    self.factory.open_text(self.run_id, heading(found), self._in_full(found))

    def _in_full(self, event: Event) -> str:
        """The event's text; of a tool whose output was cut, all of the output."""
        turn = event.data.get("full")
        if isinstance(turn, int) and turn:
            try:
                payload = self.factory.store.turn(turn).payload
            except StoreError:
                return explain(event)  # what the event kept is better than nothing
            whole = payload.get("text") if isinstance(payload, dict) else None
            if isinstance(whole, str):
                return f"{event.data.get('summary') or ''}\n\n{whole}".strip()
        return explain(event)

    def action_twins(self) -> None:
        """Show what the twins held after the newest trial of the selected scenario."""
        row = self.query_one(SatisfactionPanel).current
        if row is None:
            self.notify("Select a scenario first")
        else:
            self.factory.open_twins(self.run_id, row.scenario.id)

    def action_feedback(self) -> None:
        """Show what the builder was last told."""
        feedback = self.factory.fleet.run(self.run_id).feedback
        if feedback is None:
            self.notify("No feedback yet: the first iteration is not scored")
            return
        levels = f"train level {feedback.train_level}, holdout level {feedback.holdout_level}"
        title = f"feedback on iteration {feedback.iteration} · {levels} · lint {feedback.lint}"
        self.factory.open_text(self.run_id, title, feedback.text)


def exchange_text(row: ExchangeRow) -> str:
    """An exchange as readable text: request, response, bodies."""
    note = f"  fault: {row.fault}" if row.fault else f"  gap: {row.gap}" if row.gap else ""
    lines = [f"{row.method} {row.path}", row.request_body or "(no body)", ""]
    lines += [f"{row.status or 'no answer'} in {row.ms:.0f} ms{note}", row.response_body]
    return "\n".join(lines)
