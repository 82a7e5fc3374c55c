"""One exchange with a twin: the bytes, decoded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from factory_tui.state import format as fmt
from factory_tui.store import ExchangeRow, StoreError, Traffic
from factory_tui.ui.screens.tabs import TabbedPanes
from factory_tui.ui.widgets import wire
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.sheet import Sheet
from factory_tui.ui.widgets.tones import Part

__all__ = ["ExchangeScreen"]


class ExchangeScreen(TabbedPanes):
    """Request and response of one exchange; ``[`` and ``]`` go through those of its trial."""

    PANE_IDS = ("request", "response")
    CSS = """
    ExchangeScreen {
        #call, #about { background: $panel; }
        &.-wide #both { layout: horizontal; }
        &.-wide #request, &.-wide #response { width: 1fr; height: 1fr; }
        &.-narrow #request { height: auto; max-height: 50%; min-height: 6; }
        &.-narrow #response { height: 1fr; }
        &.-max #request, &.-max #response { height: 1fr; max-height: 100%; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "other(-1)", "Call", key_display="[ ]"),
        Binding("right_square_bracket", "other(1)", "Next call", show=False),
        Binding("n", "failed(1)", "Failure", key_display="n/N", tooltip="Next failed call"),
        Binding("N", "failed(-1)", "Previous failed call", show=False),
        Binding("y,c", "curl", "Curl", key_display="y", tooltip="Copy as a curl command"),
        Binding("Y", "body", "Body", tooltip="Copy the response's body"),
        Binding("w", "wire", "Wire", tooltip="As it was sent, or decoded"),
        Binding("s", "scenario", "Scenario", tooltip="The scenario that called"),
    ]

    def __init__(self, run_id: str, seq: int) -> None:
        super().__init__()
        self.run_id, self.seq = run_id, seq
        self._traffic: Traffic | None = None
        self._row: ExchangeRow | None = None
        self._wire = False
        self._problem = ""

    def body(self) -> Iterable[Widget]:
        """What it is about, request, response."""
        with Container(classes="body"):
            yield Line(ident="call")
            yield Line(ident="about")
            with Container(id="both"):
                yield _Message(ident="request")
                yield _Message(ident="response")

    def crumbs(self) -> list[str]:
        """The run, who called, the twin."""
        row = self._row
        if row is None:
            return [self.run_id, f"exchange {self.seq}"]
        return [self.run_id, row.scenario or "builder", row.twin]

    def on_mount(self) -> None:
        """Read the exchange."""
        try:
            self._traffic = Traffic.open(self.factory.traffic_path(self.run_id), create=False)
        except StoreError as error:
            self._problem = str(error)
        self._read(self.seq)
        super().on_mount()
        self.focus_first()

    def on_unmount(self) -> None:
        """Let go of the traffic file."""
        if self._traffic is not None:
            self._traffic.close()

    def focus_first(self) -> None:
        """The response, where the trouble is told."""
        self.query_one("#response").focus()

    def _read(self, seq: int) -> None:
        if self._traffic is not None:
            try:
                self._row = self._traffic.get(seq)
                self.seq = seq
            except StoreError as error:
                self._problem = str(error)
        self._show()

    def _show(self) -> None:
        row = self._row
        request, response = self.query_one("#request", Sheet), self.query_one("#response", Sheet)
        if row is None:
            request.hint = self._problem or "There is no such exchange."
            request.redraw()
            return
        how = "as sent" if self._wire else "decoded"
        length = f" · {len(row.request_body):,} characters" if row.request_body else ""
        request.show(f"1 Request  {how}{length}", wire.request_lines(row, wire=self._wire))
        length = f" · {len(row.response_body):,} characters" if row.response_body else ""
        status = wire.status_text(row)
        response.show(
            f"2 Response  {status}{length}",
            wire.response_lines(row, wire=self._wire),
            keys="y curl · Y body · w wire" if not self._wire else "w decoded",
        )
        self._show_call(row)

    def _show_call(self, row: ExchangeRow) -> None:
        tone = wire.status_tone(row)
        call: list[Part] = [
            (f"{row.twin} ", "accent"),
            (row.operation or "unknown operation", "strong"),
            ("  → ", "faint"),
            (wire.status_text(row), tone),
            (f"  {fmt.millis(row.ms)}", "muted"),
        ]
        notes: list[Part] = []
        if row.fault:
            notes.append((f"▲ fault injected: {row.fault}", "warn"))
        if row.gap:
            notes.append((f"  ▲ gap: the twin does not know {row.gap}", "warn"))
        self.query_one("#call", Line).show(call, notes)
        who: list[Part] = [("called by ", "muted")]
        if row.scenario:
            info = self.factory.fleet.run(self.run_id).grid.scenarios.get(row.scenario)
            if info is not None and info.split == "holdout":
                who += [(" HOLDOUT ", "hit"), (" ", "text")]
            who += [
                (row.scenario, "text"),
                (f" step {row.step}", "accent"),
                (f", call {row.n} of iteration {row.iteration}", "muted"),
            ]
        else:
            who.append((f"the builder in iteration {row.iteration}", "text"))
        when: list[Part] = [(f"{row.t_virtual} in the universe", "faint")] if self.wide else []
        self.query_one("#about", Line).show(who, when)

    def on_resize(self, event: object) -> None:
        """Show as much as the new size allows."""
        if self._row is not None:
            self._show_call(self._row)

    # -- keys ------------------------------------------------------------------------------

    def _neighbour(self, direction: int, *, failed: bool = False) -> int | None:
        """The next exchange of the same trial (of the builder, where it called)."""
        row, traffic = self._row, self._traffic
        if row is None or traffic is None:
            return None
        if row.trial:
            rows = traffic.after(0, 1_000_000, trial=row.trial, errors_only=failed)
        else:
            # The builder's calls have no trial; they are many, so only near ones are looked at.
            start = max(0, row.seq - 2000)
            rows = [
                other for other in traffic.after(start, 4000, errors_only=failed) if not other.trial
            ]
        if direction > 0:
            return next((other.seq for other in rows if other.seq > row.seq), None)
        return next((other.seq for other in reversed(rows) if other.seq < row.seq), None)

    def action_other(self, direction: int) -> None:
        """Show the next or previous exchange of this trial."""
        self._go(self._neighbour(direction), "No further call in this trial")

    def action_failed(self, direction: int) -> None:
        """Show the next or previous failed exchange of this trial."""
        self._go(self._neighbour(direction, failed=True), "No further failed call in this trial")

    def _go(self, seq: int | None, otherwise: str) -> None:
        if seq is None:
            self.notify(otherwise, timeout=2)
            return
        self._read(seq)
        self._show_frame()

    def action_curl(self) -> None:
        """Copy the request as a curl command."""
        if self._row is not None:
            self.app.copy_to_clipboard(wire.curl(self._row))
            self.notify("Copied as curl; the token comes from the environment")

    def action_body(self) -> None:
        """Copy the response's body."""
        if self._row is not None:
            self.app.copy_to_clipboard(self._row.response_body)
            self.notify("Response body copied")

    def action_wire(self) -> None:
        """Show it as it was sent, or decoded."""
        self._wire = not self._wire
        self._show()

    def action_scenario(self) -> None:
        """Show the scenario that called."""
        if self._row is not None and self._row.scenario:
            below = self.app.screen_stack[-2]
            if getattr(below, "scenario_id", "") == self._row.scenario:
                self.app.pop_screen()
            else:
                self.factory.open_scenario(self.run_id, self._row.scenario)
        else:
            self.notify("The builder called, no scenario")

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        self.action_maximise()


class _Message(Sheet):
    """Request or response; ``y`` is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "screen.curl", "Copy as curl", show=False),
        Binding("enter", "open", "Full", show=False),
    ]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many lines as it takes, where the height is automatic."""
        return max(1, self.row_count())
