"""One scenario of a run: what happened in each trial, what was held of it, whom it called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import Widget

from factory_tui.state import ScenarioInfo
from factory_tui.state import format as fmt
from factory_tui.store import ExchangeRow, StepRow, StoreError, Traffic, TrialRow, VerdictRow
from factory_tui.ui import evidence
from factory_tui.ui.evidence import Ruling
from factory_tui.ui.rows import PagedRows
from factory_tui.ui.screens.tabs import TabbedPanes
from factory_tui.ui.stories import file_of
from factory_tui.ui.widgets import wire
from factory_tui.ui.widgets.calls import TrialCalls
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.observed import Observed, in_full, of_entry, of_exchange
from factory_tui.ui.widgets.rounds import HOLDOUT, Round, RoundsLine, by_round, last_satisfied
from factory_tui.ui.widgets.sheet import Sheet
from factory_tui.ui.widgets.stepdiff import StepDiff
from factory_tui.ui.widgets.steps import StepList
from factory_tui.ui.widgets.verdict import VerdictPane

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["ScenarioScreen"]

TABS: Final = {"steps": "2 Trajectory", "calls": "3 Twin traffic", "diff": "5 Diff"}
"""The panes that share one place where there is not room for all."""


class ScenarioScreen(TabbedPanes):
    """Verdict, trajectory and twin traffic of one trial, linked by the scenario's step."""

    PANE_IDS = ("verdict", "steps", "calls", "detail", "diff")
    CSS = """
    ScenarioScreen {
        #rounds { background: $panel; }
        &.-wide #panes { layout: grid; grid-size: 3 2; grid-rows: 1fr 17; }
        &.-wide #detail, &.-wide #diff { column-span: 3; height: 1fr; }
        &.-narrow #verdict { height: 7; }
        &.-narrow #steps, &.-narrow #calls, &.-narrow #diff { height: 1fr; }
        &.-narrow #detail { height: 5; }
        &.-max #panes { layout: vertical; }
        &.-max #panes > * { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "evidence(1)", "Evidence", key_display="n/N", tooltip="Next evidence or failure"
        ),
        Binding("N", "evidence(-1)", "Previous evidence", show=False),
        Binding("left_square_bracket", "trial(-1)", "Trial", key_display="[ ]"),
        Binding("right_square_bracket", "trial(1)", "Next trial", show=False),
        Binding("left_curly_bracket", "round(-1)", "Iteration", key_display="{ }"),
        Binding("right_curly_bracket", "round(1)", "Next iteration", show=False),
        Binding("d", "diff", "Diff", tooltip="Compare with the last satisfied trial, by step"),
        Binding("L", "link", "Unlink", tooltip="Panes follow one another's step, or don't"),
        Binding("t", "twins", "Twins", tooltip="What the twins held when the trial ended"),
        Binding("v", "story", "Story", tooltip="The scenario as it is written"),
        Binding("e", "app.spec", "Spec", tooltip="Edit the spec of this run"),
        Binding("b", "app.budget", "Budget", tooltip="Edit the budget of this run"),
        Binding("p", "app.pause", "Pause/resume", show=False),
    ]

    def __init__(self, run_id: str, scenario_id: str) -> None:
        super().__init__()
        self.run_id, self.scenario_id = run_id, scenario_id
        self.linked = True
        self._rounds: list[Round] = []
        self._trial: TrialRow | None = None
        self._entries: list[StepRow] = []
        self._rulings: list[Ruling] = []
        self._evidence: list[int] = []
        self._traffic: Traffic | None = None
        self._exchanges: PagedRows[ExchangeRow] | None = None
        self._tab = "steps"
        self._diff = False
        self._behind = False

    # -- frame -----------------------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """Which trial, then five panes of which some share a place."""
        with Container(classes="body"):
            yield RoundsLine(ident="rounds")
            with Container(id="panes"):
                yield VerdictPane(ident="verdict")
                yield StepList(ident="steps")
                yield TrialCalls("3 Twin traffic", keys="enter opens", ident="calls")
                yield Sheet(ident="detail")
                yield StepDiff(ident="diff")

    def crumbs(self) -> list[str]:
        """The run and the scenario."""
        return [self.run_id, self.scenario_id]

    @property
    def info(self) -> ScenarioInfo:
        """What the run knows of the scenario."""
        known = self.factory.fleet.run(self.run_id).grid.scenarios.get(self.scenario_id)
        if known is not None:
            return known
        for row in self.factory.store.scenarios(self.run_id):
            if row.id == self.scenario_id:
                return ScenarioInfo(row.id, row.title, row.split, row.weight, row.judged)
        return ScenarioInfo(self.scenario_id, self.scenario_id, "train")

    def on_mount(self) -> None:
        """Open at the failing step of the newest failing trial."""
        super().on_mount()
        self._read_rounds()
        rounds = [round_ for round_ in self._rounds if round_.finished] or self._rounds
        if rounds:
            self._open_trial(rounds[-1].first)
        self.lay_panes()
        self.focus_first()

    def on_unmount(self) -> None:
        """Let go of the traffic file."""
        if self._traffic is not None:
            self._traffic.close()

    def on_screen_suspend(self) -> None:
        """Another screen is in front now."""
        self._behind = True

    def focus_first(self) -> None:
        """The trajectory, at what went wrong."""
        self.query_one(StepList).focus()

    def _measure(self, width: int, height: int) -> None:
        was_wide = self.wide
        super()._measure(width, height)
        index = self.query_one(StepList).current_index if self.is_mounted else None
        if self.wide != was_wide and index is not None:
            self._explain_entry(index)

    def update(self, batch: Batch | None) -> None:
        """Take in trials that started or ended."""
        news = batch is not None and any(
            event.scenario == self.scenario_id and event.run_id == self.run_id
            for event in batch.events
        )
        # Batches go to the front screen only: what came behind it is read on the way back.
        if news or self._behind:
            self._behind = False
            self._read_rounds()
            self._take_in()
        elif self._exchanges is not None and self._trial is not None and not self._trial.outcome:
            self._read_calls()
        self._show_rounds()

    # -- trials ----------------------------------------------------------------------------

    def _read_rounds(self) -> None:
        self._rounds = by_round(self.factory.store.trials(self.run_id, scenario=self.scenario_id))

    def _take_in(self) -> None:
        """Show what became of the shown trial; the choice of trial stays the engineer's."""
        held = self._trial
        if held is None:
            if self._rounds:
                self._open_trial(self._rounds[-1].first)
            return
        for round_ in self._rounds:
            for trial in round_.trials:
                if trial.id == held.id and trial != held:
                    self._open_trial(trial)

    @property
    def _round_index(self) -> int:
        for index, round_ in enumerate(self._rounds):
            if self._trial is not None and round_.place_of(self._trial) is not None:
                return index
        return 0

    def _open_trial(self, trial: TrialRow) -> None:
        store = self.factory.store
        self._trial = trial
        verdict = store.verdict(trial.id)
        self._entries = evidence.arrange(store.steps(trial.id))
        self._rulings = [] if verdict is None else evidence.rulings(verdict)
        self._evidence = evidence.evidence(self._entries, self._rulings)
        self._show_verdict(trial, verdict)
        message = "The steps are shown when the trial has ended; its calls come live (3)."
        marked = evidence.marked(self._entries, self._rulings)
        self.query_one(StepList).show(
            self._entries, marked, "Nothing was observed." if trial.outcome else message
        )
        self._show_traffic(trial)
        if self._diff:
            self._compare()
        start = None
        if trial.outcome == "unsatisfied":
            start = evidence.culprit(self._entries, self._rulings)
        self._go(0 if start is None else start)
        self._show_rounds()

    def _show_verdict(self, trial: TrialRow, verdict: VerdictRow | None) -> None:
        pane = self.query_one(VerdictPane)
        pane.show(trial, verdict, self._rulings)
        info = self.info
        about = f"1 Verdict  {info.title}"
        pane.border_title = Content(fmt.clip(about, max(24, self.app.size.width - 12)))
        pane.border_subtitle = Content("enter shows the evidence")

    def _show_traffic(self, trial: TrialRow) -> None:
        calls = self.query_one(TrialCalls)
        if self._traffic is None:
            path = self.factory.traffic_path(self.run_id)
            try:
                self._traffic = Traffic.open(path, create=False) if path.exists() else None
            except StoreError:
                self._traffic = None  # being created right now; the next look finds it whole
        traffic = self._traffic
        self._exchanges = None
        if traffic is not None:
            ident = trial.id
            self._exchanges = PagedRows(
                count=lambda: traffic.count(trial=ident),
                page=lambda offset, limit: traffic.page(offset=offset, limit=limit, trial=ident),
                after=lambda seq, limit: traffic.after(seq, limit, trial=ident),
                seq=lambda row: row.seq,
            )
        calls.follow = not trial.outcome
        calls.show(self._exchanges)

    def _read_calls(self) -> None:
        if self._exchanges is not None and self._exchanges.catch_up():
            self.query_one(TrialCalls).grown()

    def _show_rounds(self) -> None:
        try:
            line = self.query_one(RoundsLine)
        except NoMatches:
            return
        line.show_rounds(self.info, self._rounds, self._trial, linked=self.linked)

    # -- one cursor ------------------------------------------------------------------------

    def _go(self, index: int) -> None:
        """Put the cursor of all panes on an entry of the trajectory."""
        if not self._entries:
            self._show_detail(Observed("Detail"))
            return
        self.query_one(StepList).go_to(index)
        self._follow_entry(index)
        self._explain_entry(index)

    def _follow_entry(self, index: int, *, but: Widget | None = None) -> None:
        """Let the other panes show where an entry is."""
        entry = self._entries[index]
        calls, verdict = self.query_one(TrialCalls), self.query_one(VerdictPane)
        if calls is not but:
            n = entry.data.get("n") if entry.kind in evidence.EXCHANGES else None
            if not (isinstance(n, int) and calls.go_to_call(n)):
                calls.go_to_step(entry.step)
        if verdict is not but:
            verdict.go_to_step(entry.step)
        if self._diff:
            self.query_one(StepDiff).go_to(index)

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        if event.lines is not self.focused:
            return
        match event.lines:
            case StepList(current_index=int() as index):
                if self.linked:
                    self._follow_entry(index)
                self._explain_entry(index)
            case TrialCalls(current=ExchangeRow() as row) as calls:
                found = self._entry_of(row)
                if self.linked and found is not None:
                    self.query_one(StepList).go_to(found)
                    self._follow_entry(found, but=calls)
                self._explain_exchange(row)
            case VerdictPane(current=Ruling() as ruling) as verdict:
                told = evidence.of_ruling(self._entries, ruling)
                if self.linked and told:
                    self.query_one(StepList).go_to(told[0])
                    self._follow_entry(told[0], but=verdict)
                    self._explain_entry(told[0])
            case StepDiff(current_now=int() as index) if self.linked:
                self.query_one(StepList).go_to(index)
                self._follow_entry(index)

    def on_descendant_focus(self) -> None:
        """The detail shows what the focused pane has selected."""
        super().on_descendant_focus()
        if isinstance(self.focused, (StepList, TrialCalls)):
            self.focused.post_message(LineList.Moved(self.focused, self.focused.cursor))

    def _entry_of(self, row: ExchangeRow) -> int | None:
        """The entry of the trajectory that tells of an exchange."""
        in_step = None
        for index, entry in enumerate(self._entries):
            if entry.kind in evidence.EXCHANGES and entry.data.get("n") == row.n:
                return index
            if in_step is None and entry.step == row.step:
                in_step = index
        return in_step

    def _exchange_of(self, entry: StepRow) -> ExchangeRow | None:
        """The exchange that an entry tells of, without headers and bodies."""
        n = entry.data.get("n")
        if self._traffic is None or not isinstance(n, int) or self._trial is None:
            return None
        for row in self._traffic.after(0, n + 1, trial=self._trial.id):
            if row.n == n:
                return row
        return None

    # -- detail ----------------------------------------------------------------------------

    def _explain_entry(self, index: int) -> None:
        entry = self._entries[index]
        row = self._exchange_of(entry) if entry.kind in evidence.EXCHANGES else None
        if row is not None:
            self._explain_exchange(row)
        else:
            self._show_detail(of_entry(entry))

    def _explain_exchange(self, row: ExchangeRow) -> None:
        if self._traffic is not None:
            self._show_detail(of_exchange(self._traffic.get(row.seq), wide=self.wide))

    def _show_detail(self, seen: Observed) -> None:
        room = max(20, self.app.size.width - len(seen.keys) - 8)
        heading = fmt.clip(f"4 {seen.heading}", room)
        self.query_one("#detail", Sheet).show(heading, seen.left, seen.right, keys=seen.keys)

    # -- panes -----------------------------------------------------------------------------

    def is_seen(self, ident: str) -> bool:
        """With room all but one of detail and diff, else the verdict and one of the others."""
        if self.wide:
            return {"detail": not self._diff, "diff": self._diff}.get(ident, True)
        if ident == "detail":
            return self._tab != "diff"
        return ident == "verdict" or ident == self._tab

    def reachable(self) -> list[str]:
        """All panes, the diff only once it was asked for."""
        return [ident for ident in self.PANE_IDS if ident != "diff" or self._diff]

    def bring_forward(self, ident: str) -> None:
        """Give the shared place to a pane."""
        if ident == "diff" and not self._diff:
            self._diff = True
            self._compare()
        if ident in TABS:
            self._tab = ident
        elif ident == "detail":
            self._tab = "steps" if self._tab == "diff" else self._tab
            self._diff = self._diff and not self.wide

    def caption(self) -> None:
        """Where panes share a place, each title names the others."""
        shared = not self.wide and not self.has_class("-max")
        for ident in ("steps", "calls"):
            pane = self.query_one(f"#{ident}")
            title = TABS[ident]
            others = [other for key, other in TABS.items() if key != ident]
            text = f"{title} ┊ {' ┊ '.join(others)} (tab)" if shared else title
            if isinstance(pane, TrialCalls):
                pane.name_it(text)
            else:
                pane.border_title = Content(text)
                pane.border_subtitle = Content("enter opens · n/N evidence")

    # -- keys ------------------------------------------------------------------------------

    def action_evidence(self, direction: int) -> None:
        """Go to the next (1) or previous (-1) piece of evidence or failure."""
        steps = self.query_one(StepList)
        here = steps.current_index
        if not self._evidence or here is None:
            self.notify("No evidence and no failure in this trial")
            return
        if self._evidence == [here]:
            self.notify("This is the only evidence in this trial", timeout=2)
            self._go(here)
            return
        ahead = [i for i in self._evidence if (i > here if direction > 0 else i < here)]
        if not ahead:
            self.notify("Evidence went on from the other end", timeout=2)
            ahead = self._evidence
        self._go(ahead[0] if direction > 0 else ahead[-1])

    def action_trial(self, direction: int) -> None:
        """Show the next or previous trial of this iteration."""
        if self._trial is None:
            return
        trials = self._rounds[self._round_index].trials
        at = (self._rounds[self._round_index].place_of(self._trial) or 0) + direction
        if 0 <= at < len(trials):
            self._open_trial(trials[at])
        else:
            self.notify("No further trial in this iteration; { } change the iteration", timeout=3)

    def action_round(self, direction: int) -> None:
        """Show the trials of the next or previous iteration."""
        at = self._round_index + direction
        if self._rounds and 0 <= at < len(self._rounds):
            self._open_trial(self._rounds[at].first)
        else:
            self.notify("No further iteration with trials of this scenario", timeout=3)

    def action_link(self) -> None:
        """Link the panes' cursors by step, or unlink them."""
        self.linked = not self.linked
        self._show_rounds()
        self.notify("Panes are linked by step" if self.linked else "Panes move on their own")

    def action_diff(self) -> None:
        """Show or hide the comparison with the last satisfied trial."""
        if self._diff and self.query_one(StepDiff).display:
            self._diff = False
            self.focus_pane("steps")
        else:
            self.focus_pane("diff")

    def _compare(self) -> None:
        trial = self._trial
        if trial is None:
            return
        pane = self.query_one(StepDiff)
        model = last_satisfied(self._rounds, trial)
        if model is None:
            pane.show("5 Diff", (), (), "No trial of this scenario has satisfied its user yet.")
            return
        place = f"iteration {model.iteration}{'c' if model.confirmation else ''}, trial {model.n}"
        then = evidence.arrange(self.factory.store.steps(model.id))
        pane.show(f"5 Diff: then (■ {place}) → now", then, self._entries)
        index = self.query_one(StepList).current_index
        if index is not None:
            pane.go_to(index)

    # -- opening ---------------------------------------------------------------------------

    @on(LineList.Opened)
    def _opened(self, event: LineList.Opened) -> None:
        match event.lines:
            case TrialCalls(current=ExchangeRow() as row):
                self.factory.open_exchange(self.run_id, row.seq)
            case StepList(current=StepRow() as entry):
                self._open_entry(entry)
            case VerdictPane(current=Ruling()):
                self.focus_pane("steps")
            case StepDiff(current_now=int() as index):
                self._open_entry(self._entries[index])
            case Sheet():
                shown = self.query_one(StepList).current
                if shown is not None:
                    self._open_entry(shown)

    def _open_entry(self, entry: StepRow) -> None:
        row = self._exchange_of(entry) if entry.kind in evidence.EXCHANGES else None
        if row is not None:
            self.factory.open_exchange(self.run_id, row.seq)
            return
        if entry.kind in evidence.EXCHANGES:
            self.notify("The traffic of this run is gone; this is what the trajectory kept")
        self.factory.open_text(self.run_id, *in_full(self.scenario_id, entry))

    def action_curl(self) -> None:
        """Copy the call under the cursor as a curl command."""
        row = self.query_one(TrialCalls).current
        if row is not None and self._traffic is not None:
            self.app.copy_to_clipboard(wire.curl(self._traffic.get(row.seq)))
            self.notify("Copied as curl; the token comes from the environment")

    def action_twins(self) -> None:
        """Show what the twins held when this trial ended."""
        trial = "" if self._trial is None else self._trial.id
        self.factory.open_twins(self.run_id, self.scenario_id, trial)

    def action_story(self) -> None:
        """Show the scenario as it is written."""
        path = file_of(self.factory.factory_dir / "scenarios", self.scenario_id)
        if path is None:
            self.notify("The scenario's file is not in scenarios/ any more", severity="warning")
            return
        mark = f" · {HOLDOUT}: never shown to the builder" if self.info.split == "holdout" else ""
        text = path.read_text(encoding="utf-8", errors="replace")
        self.factory.open_text(self.run_id, f"{path.name}{mark}", text)
