"""The budget editor: what may this run still spend, and what would another limit do?"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from factory_tui.state import Budget, RunState
from factory_tui.state import format as fmt
from factory_tui.state.amounts import parse_tokens, parse_usd
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.frame import TALL, WIDE, badges
from factory_tui.ui.widgets.budget import BudgetHistory, BurnPanel, limits, used_dollars
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.spend import budget_tone
from factory_tui.ui.widgets.tones import Part, bar_parts, fit

if TYPE_CHECKING:
    from factory_tui.ui.app import FactoryApp

__all__ = ["BudgetScreen"]

STEP_TOKENS: Final = 100_000
STEP_USD: Final = Decimal(1)


class BudgetScreen(ModalScreen[None]):
    """Token and dollar limit of one run, over any screen."""

    AUTO_FOCUS = "#tokens"
    CSS = """
    BudgetScreen {
        align: center middle;
        background: $background 60%;
        & > #box {
            width: 76; max-width: 100%; height: auto; max-height: 100%;
            border: round $accent; background: $background;
            border-title-color: $accent; border-title-style: bold;
            border-subtitle-color: $muted; padding: 0 1;
        }
        .field { height: 1; margin-top: 1; }
        .field > Label { width: 10; color: $muted; }
        .field > Input { width: 16; background: $panel; }
        .field > Input:focus { background: $cursor; }
        #form > Line { padding: 0; }
        #rate { margin-top: 1; }
        #effect { height: auto; min-height: 2; margin-top: 1; }
        #effect.-warn { color: $warning; }
        #effect.-bad { color: $error; }
        #history { height: 6; margin-top: 1; }
        #burn { display: none; }
        &.-wide > #box { width: 132; }
        &.-wide #columns { height: 24; }
        &.-wide #form { width: 74; }
        &.-wide #burn { display: block; width: 1fr; height: 1fr; }
        &.-wide #history { height: 1fr; }
        #columns { height: auto; }
        #form { height: auto; width: 1fr; }
        &.-wide #form { height: 1fr; }
        #marks { margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "apply", "Apply", priority=True),
        Binding("escape", "cancel", "Cancel"),
        Binding("up", "step(1)", "More", show=False, priority=True),
        Binding("down", "step(-1)", "Less", show=False, priority=True),
        Binding("ctrl+up", "step(10)", "Much more", show=False, priority=True),
        Binding("ctrl+down", "step(-10)", "Much less", show=False, priority=True),
        Binding("f1", "app.help", "Help", show=False),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id

    # -- what is there ---------------------------------------------------------------------

    @property
    def factory(self) -> FactoryApp:
        """The app, typed."""
        return cast("FactoryApp", self.app)

    @property
    def run(self) -> RunState:
        """The run as of now."""
        return self.factory.fleet.run(self.run_id)

    def compose(self) -> ComposeResult:
        """Two fields, what they mean, what was before."""
        with Vertical(id="box"), Horizontal(id="columns"):
            with Vertical(id="form"):
                yield from self._form()
            yield BurnPanel(ident="burn")

    def _form(self) -> Iterable[Label | Line | Horizontal | BudgetHistory]:
        budget = self.run.budget
        tokens = "none" if budget.tokens is None else f"{budget.tokens:,}"
        usd = "none" if budget.usd is None else f"{budget.usd:.2f}"
        yield Horizontal(
            Label("tokens"), Input(tokens, compact=True, id="tokens"), Line(ident="used-tokens"),
            classes="field",
        )  # fmt: skip
        yield Horizontal(
            Label("dollars"), Input(usd, compact=True, id="usd"), Line(ident="used-usd"),
            classes="field",
        )  # fmt: skip
        yield Line(ident="rate")
        yield Line(ident="now")
        yield Line(ident="new")
        yield Label("", id="effect", markup=False)
        yield Line(ident="marks")
        yield BudgetHistory(ident="history")

    def on_mount(self) -> None:
        """Show the present state, and keep it present."""
        box = self.query_one("#box")
        name = f" · {self.run.name}" if self.run.name else ""
        box.border_title = Content(f"Budget of run {self.run_id}{name}")
        box.border_subtitle = Content("↑↓ ±100k  ctrl+↑↓ ±1M  tab field  ctrl+s apply  esc cancel")
        self.show()
        self.set_interval(1.0, self.show)

    def on_resize(self) -> None:
        """Choose the layout."""
        size = self.app.size
        self.set_class(size.width >= WIDE + 16 and size.height >= TALL, "-wide")

    # -- what it would do ------------------------------------------------------------------

    def _typed(self) -> Budget:
        """The budget in the fields. Raises ``ValueError`` with a sentence."""
        tokens = parse_tokens(self.query_one("#tokens", Input).value)
        usd = parse_usd(self.query_one("#usd", Input).value)
        return Budget(tokens, usd, self.run.budget.warn)

    def show(self) -> None:
        """Show what is used, and what the typed budget would do."""
        run, now = self.run, self.factory.now_ms()
        self._show_used(run)
        at = run.moment(now)
        rate = f"{fmt.tokens(run.spend.burn(at))}/min"
        room = 16 if self.has_class("-wide") else 24
        graph = fmt.spark(run.spend.history(at, room), room)
        burn: list[Part] = [(fit("burn", 10), "muted"), (fit(rate, 22), "text"), (graph, "accent")]
        self.query_one("#rate", Line).show(burn)
        self.query_one("#now", Line).show(self._until("now", run.budget, run, now))
        try:
            typed = self._typed()
        except ValueError as error:
            self.query_one("#new", Line).show([("new       ", "muted"), ("—", "faint")])
            self._say(f"▲ {error}", "bad")
        else:
            change = self._difference(run.budget, typed)
            self.query_one("#new", Line).show([*self._until("new", typed, run, now), *change])
            self._say(*self._effect(run, typed))
        self.query_one("#marks", Line).show(badges(run, wide=self.has_class("-wide")))
        self.query_one(BudgetHistory).show(run)
        self.query_one(BurnPanel).show(run, now)

    def _say(self, text: str, tone: str) -> None:
        label = self.query_one("#effect", Label)
        label.update(Content(text))
        label.set_class(tone == "warn", "-warn")
        label.set_class(tone == "bad", "-bad")

    def _show_used(self, run: RunState) -> None:
        spend, budget = run.spend, run.budget
        about = "≈" if spend.estimated else ""
        share = None
        if budget.tokens is not None:
            share = spend.tokens / budget.tokens if budget.tokens else 1.0
        tone = budget_tone(share, budget)
        used: list[Part] = [(f"{about}{fmt.tokens(spend.tokens)} used", "text")]
        if share is not None:
            used += [(f"  {fmt.percent(share):>4} ", tone), *bar_parts(share, 12, tone)]
        if spend.held_tokens:
            used.append((f"  {fmt.tokens(spend.held_tokens)} held", "muted"))
        self.query_one("#used-tokens", Line).show(used)
        cap = None
        if budget.usd is not None and not spend.unknown:
            cap = float(spend.usd / budget.usd) if budget.usd else 1.0
        tone = budget_tone(cap, budget)
        money: list[Part] = [(f"{used_dollars(run)} used", "text")]
        if cap is not None:
            money += [(f"  {fmt.percent(cap):>4} ", tone), *bar_parts(cap, 12, tone)]
        if run.recorded or spend.estimated:
            money.append(("  illustrative", "warn"))
        self.query_one("#used-usd", Line).show(money)

    def _until(self, name: str, budget: Budget, run: RunState, now: int) -> list[Part]:
        """When a budget would be exhausted at the present rate."""
        parts: list[Part] = [(fit(name, 10), "muted")]
        if run.finished:
            return [
                *parts,
                (fit(limits(_as_data(budget)), 24), "text"),
                ("the run has ended", "muted"),
            ]
        wait = run.spend.exhaustion_s(budget, run.moment(now))
        parts.append((fit(limits(_as_data(budget)), 24), "strong"))
        if budget.tokens is None and budget.usd is None:
            return [*parts, ("never empty", "muted")]
        spend = run.spend
        if (budget.tokens is not None and budget.tokens <= spend.tokens) or (
            budget.usd is not None and budget.usd <= spend.usd
        ):
            return [*parts, ("empty now", "bad")]
        if not run.going:
            left = []
            if budget.tokens is not None:
                left.append(fmt.tokens(budget.tokens - spend.tokens))
            if budget.usd is not None:
                left.append(fmt.money(budget.usd - spend.usd))
            return [*parts, (f"{', '.join(left)} left", "muted")]
        if wait is None:
            return [*parts, ("not empty at this rate", "muted")]
        at = fmt.clock(now + int(wait * 1000))[:5]
        return [*parts, (f"empty at {at}, in {fmt.duration(wait)}", "text")]

    @staticmethod
    def _difference(old: Budget, new: Budget) -> list[Part]:
        if old.tokens is None or new.tokens is None or old.tokens == new.tokens:
            return []
        change = new.tokens - old.tokens
        sign = "+" if change > 0 else "−"
        return [(f"  {sign}{fmt.tokens(abs(change))}", "good" if change > 0 else "warn")]

    def _below(self, run: RunState, budget: Budget) -> str:
        """Which limit lies below what is spent already; "" for none."""
        spend = run.spend
        if budget.tokens is not None and budget.tokens < spend.tokens:
            return f"{fmt.tokens(spend.tokens)} tokens"
        if budget.usd is not None and budget.usd < spend.usd:
            return fmt.money(spend.usd)
        return ""

    def _effect(self, run: RunState, budget: Budget) -> tuple[str, str]:
        """What applying would do, and its tone."""
        same = (budget.tokens, budget.usd) == (run.budget.tokens, run.budget.usd)
        below = self._below(run, budget)
        unpriced = run.spend.unknown and budget.usd is not None
        if run.status == "satisfied":
            return "The run is satisfied and has ended: it spends nothing any more.", "text"
        if run.finished:
            return f"The run has ended ({run.status}). The budget counts when p resumes it.", "text"
        if below and not same:
            return f"▲ Below the {below} already used: this would pause the run now.", "warn"
        if unpriced:
            return (
                "▲ With a dollar limit, calls to a model whose price is unknown are refused.",
                "warn",
            )
        if same:
            return "Unchanged.", "text"
        if budget.tokens is None and budget.usd is None:
            return "▲ Without any limit only p and x end the spending.", "warn"
        if self.factory.liveness(self.run_id).word == "dead":
            return "The engine is not running; applying starts it again.", "text"
        if run.status == "paused" and run.pause_reason in ("budget", "overbilled"):
            return "The run waits for money and goes on as soon as this is applied.", "text"
        held = run.spend.held_tokens
        if budget.tokens is not None and budget.tokens < run.spend.tokens + held:
            return (
                "▲ Calls in flight are finished; then the run pauses, for it has used up the rest.",
                "warn",
            )
        return "Takes effect at once; the call in flight is always finished.", "text"

    # -- keys ------------------------------------------------------------------------------

    @on(Input.Changed)
    def _changed(self) -> None:
        self.show()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_apply()

    def action_step(self, by: int) -> None:
        """Raise or lower the field with the cursor by a step; in the history, move."""
        field = self.focused
        if not isinstance(field, Input):
            if isinstance(field, BudgetHistory):
                field.action_move(1 if by < 0 else -1)
            return
        try:
            if field.id == "tokens":
                tokens = parse_tokens(field.value)
                start = self.run.spend.tokens if tokens is None else tokens
                field.value = f"{max(0, start + by * STEP_TOKENS):,}"
            else:
                usd = parse_usd(field.value)
                begin = self.run.spend.usd if usd is None else usd
                field.value = f"{max(Decimal(0), begin + by * STEP_USD):.2f}"
        except ValueError:
            return  # the sentence that says what is wrong stays
        field.cursor_position = len(field.value)

    def action_cancel(self) -> None:
        """Close without a change."""
        self.dismiss()

    def action_apply(self) -> None:
        """Ask the engine for the typed budget; ask back if that pauses the run."""
        try:
            budget = self._typed()
        except ValueError:
            self.app.bell()
            return
        run = self.run
        if run.status == "satisfied":
            self.notify(f"Run {self.run_id} is satisfied and has ended")
            self.dismiss()
            return
        if (budget.tokens, budget.usd) == (run.budget.tokens, run.budget.usd):
            self.notify("The budget stays as it is")
            self.dismiss()
            return
        below = self._below(run, budget)
        if below and not run.finished:
            question = (
                f"Run {self.run_id} has already used {below}. "
                f"A budget of {limits(_as_data(budget))} would pause the run now. Apply it?"
            )
            self.app.push_screen(
                ConfirmScreen("Below what is used", question),
                lambda yes: self._send(budget) if yes else None,
            )
            return
        self._send(budget)

    def _send(self, budget: Budget) -> None:
        self.factory.request(self.run_id, "budget", _as_data(budget))
        self.notify(f"Budget asked for: {limits(_as_data(budget))}")
        self.dismiss()


def _as_data(budget: Budget) -> dict[str, int | str | None]:
    usd = None if budget.usd is None else f"{budget.usd:.2f}"
    return {"tokens": budget.tokens, "usd": usd}
