"""The app: opens the store, follows the journal, and takes the engineer from screen to screen."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen

from factory_tui import process
from factory_tui.events import Event
from factory_tui.state import FINAL, FleetState, Liveness
from factory_tui.store import Store
from factory_tui.ui.commands import ActionProvider, run_command
from factory_tui.ui.follower import ACTIVE_S, IDLE_S, Batch, Follower
from factory_tui.ui.screens.confirm import ConfirmScreen
from factory_tui.ui.screens.fleet import FleetScreen
from factory_tui.ui.screens.frame import FrameScreen
from factory_tui.ui.screens.help import HelpScreen
from factory_tui.ui.screens.pager import PagerScreen
from factory_tui.ui.screens.run import RunScreen
from factory_tui.ui.screens.small import MIN_HEIGHT, MIN_WIDTH, SmallScreen
from factory_tui.ui.theme import DARK, FACTORY_DARK, LIGHT

__all__ = ["FactoryApp"]


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


class FactoryApp(App[None]):
    """The screens of one factory.

    Args:
        factory_dir: the factory's folder.
        store_path: its store, made if it does not exist yet; a run's files lie beside it.
        run_id: the run to open at once; None opens the list of runs.
        start_run: makes and starts a new run and returns its id; None if that cannot be done
            from here. It may raise; the message is shown.
        wake_run: starts the engine of a run whose process is gone.
        clock: the present in Unix ms (tests freeze it).
        alive: says of (pid, start time) whether that process exists.
    """

    CSS_PATH = "factory.tcss"
    TITLE = "factory-tui"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = {ActionProvider, *App.COMMANDS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "Palette", priority=True, show=False),
        Binding("ctrl+q", "leave", "Quit (runs go on)", show=False, priority=True),
    ]

    class Woken(Message):
        """The follower has something to take."""

        def can_replace(self, message: Message) -> bool:
            """One is as good as many."""
            return isinstance(message, FactoryApp.Woken)

    class Leave(Message):
        """The terminal is gone, or a signal asks to go.

        Args:
            code: the exit code.
        """

        def __init__(self, code: int) -> None:
            super().__init__()
            self.code = code

    def __init__(
        self,
        factory_dir: Path,
        store_path: Path,
        *,
        run_id: str | None = None,
        start_run: Callable[[], str] | None = None,
        wake_run: Callable[[str], None] | None = None,
        clock: Callable[[], int] = _wall_clock,
        alive: Callable[[int | None, int | None], bool] = process.alive,
    ) -> None:
        super().__init__()
        self.factory_dir, self.store_path = factory_dir, store_path
        self.store = Store.open(store_path)
        self.fleet = FleetState()
        self.now_ms = clock
        self.caught_up = False
        """Whether everything that was in the journal when it was opened has been shown."""
        self._first_run, self._start, self._wake, self._alive = run_id, start_run, wake_run, alive
        self._follower = Follower(store_path, self._woke)
        self._asked: dict[str, str] = {}
        self._error = ""
        self._needs = 0
        self.register_theme(FACTORY_DARK)
        self.theme = FACTORY_DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, for themes that do not have them."""
        return dict(DARK if self.current_theme.dark else LIGHT)

    # -- life ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Open the first screen and follow the journal."""
        self.push_screen(FleetScreen())
        if self._first_run:
            self.open_run(self._first_run)
        self._cover(self.size)
        self._follow()
        self.set_interval(1.0, self._tick)

    def _woke(self) -> None:
        self.post_message(self.Woken())

    @work(thread=True, group="follow", exit_on_error=True)
    def _follow(self) -> None:
        self._follower.run()

    def on_unmount(self) -> None:
        """Let go of the store; the runs go on."""
        self._follower.stop()
        self.store.close()

    def on_resize(self, event: events.Resize) -> None:
        """Cover the screens while they would be broken."""
        self._cover(event.size)

    def _cover(self, size: Size) -> None:
        small = size.width < MIN_WIDTH or size.height < MIN_HEIGHT
        if small and not isinstance(self.screen, SmallScreen):
            self.push_screen(SmallScreen())
        elif not small and isinstance(self.screen, SmallScreen):
            self.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No palette over a screen that cannot be seen."""
        return not (action == "command_palette" and isinstance(self.screen, SmallScreen))

    def on_app_focus(self) -> None:
        """Look often while somebody looks."""
        self._follower.interval = ACTIVE_S

    def on_app_blur(self) -> None:
        """Look less often while nobody does."""
        self._follower.interval = IDLE_S

    @on(Woken)
    def _woken(self) -> None:
        batch = self._follower.take()
        if batch is None or not self.is_running:
            return
        self._error = batch.error
        if batch.runs is not None:
            self.fleet.set_facts(batch.runs)
        for event in batch.events:
            self.fleet.apply(event)
            self._settle(event)
        self._look_for_engines()
        self.caught_up |= batch.caught_up
        needs = len(self.alerts(""))
        if needs > self._needs and self.caught_up and not self.app_focus:
            self.bell()
        self._needs = needs
        self._show(batch)

    def _tick(self) -> None:
        self._look_for_engines()
        self._show(None)

    def _look_for_engines(self) -> None:
        for ident in self.fleet.facts:
            self.fleet.run(ident).gone = self.liveness(ident).word == "dead"

    def _show(self, batch: Batch | None) -> None:
        # While the app shuts down, its screens lose their widgets one by one.
        if self.is_running and isinstance(self.screen, FrameScreen):
            self.screen.refresh_all(batch)

    def _where(self) -> str:
        """What a command needs to find this factory from the folder it was opened in."""
        here = self.factory_dir.resolve() == Path.cwd()
        return "" if here else f" --factory {self.factory_dir}"

    def _settle(self, event: Event) -> None:
        if event.kind in ("control.done", "run.paused", "run.resumed", "run.finished"):
            self._asked.pop(event.run_id, None)

    # -- what screens ask ------------------------------------------------------------------

    def liveness(self, run_id: str) -> Liveness:
        """What a run is doing right now."""
        return self.fleet.liveness(run_id, self.now_ms(), self._alive)

    def name_action(self, action: str, name: str) -> tuple[str, bool]:
        """What an action is called for the current run, and whether it would do something."""
        if action == "app.start":
            return name, self._start is not None
        if action == "app.answer":
            asked = self.current_run and self.fleet.run(self.current_run).questions.open
            return (name, True) if asked else ("", False)
        if action not in ("app.pause", "app.stop"):
            return name, True
        run_id = self.current_run
        word = self.liveness(run_id).word if run_id else ""
        if action == "app.stop":
            return name, bool(run_id) and word not in FINAL
        if word in ("paused", "dead", "unsatisfied", "stopped", "failed"):
            return "Resume", True
        return "Pause", bool(run_id) and word != "satisfied"

    def alive(self, pid: int | None, started: int | None) -> bool:
        """Whether a process exists."""
        return self._alive(pid, started)

    def asked(self, run_id: str) -> str:
        """What was asked of the run's engine and is not done yet; "" for nothing."""
        return self._asked.get(run_id, "")

    def alerts(self, run_id: str) -> list[tuple[str, str]]:
        """What needs the engineer, as (level, sentence): of one run, or of all for ""."""
        found: list[tuple[str, str]] = []
        if self._error:
            found.append(("error", self._error))
        for ident in [run_id] if run_id else list(self.fleet.facts):
            head = "" if run_id else f"{ident}: "
            if self.liveness(ident).word == "dead":
                found.append(("error", f"{head}{self.liveness(ident).text}"))
            found += [(need.level, head + need.text) for need in self.fleet.run(ident).needs]
        return sorted(found, key=lambda item: item[0] != "error")

    def traffic_path(self, run_id: str) -> Path:
        """Where a run's twin traffic is kept."""
        return self.run_dir(run_id) / "traffic.db"

    def run_dir(self, run_id: str) -> Path:
        """A run's folder."""
        return self.store_path.parent / run_id

    @property
    def current_run(self) -> str:
        """The run that the present screen is about, or has selected; "" for none."""
        screen = self.screen
        if isinstance(screen, FleetScreen):
            return screen.selected
        return screen.run_id if isinstance(screen, FrameScreen) else ""

    # -- going places ----------------------------------------------------------------------

    def open_fleet(self) -> None:
        """Show all runs."""
        while len(self.screen_stack) > 2:
            self.pop_screen()

    def open_run(self, run_id: str) -> None:
        """Show a run's dashboard."""
        self._follower.watched = run_id
        self.push_screen(RunScreen(run_id))

    def open_text(self, run_id: str, title: str, text: str) -> None:
        """Show one text in full."""
        self.push_screen(PagerScreen(run_id, title, text))

    def open_scenario(self, run_id: str, scenario_id: str) -> None:
        """Show a scenario's trials, verdicts and traffic."""
        self._open("scenario", "ScenarioScreen", run_id, scenario_id)

    def open_exchange(self, run_id: str, seq: int) -> None:
        """Show one exchange with a twin; ``seq`` is its number in the run's traffic."""
        self._open("exchange", "ExchangeScreen", run_id, seq)

    def open_pipeline(self, run_id: str) -> None:
        """Show the graph of a run's pipeline."""
        self._open("pipeline", "PipelineScreen", run_id)

    def open_answer(self, run_id: str, index: int = 0) -> None:
        """Answer an open question of a run: the first, or another one by its place."""
        questions = list(self.fleet.run(run_id).questions.open.values())
        if not questions:
            self.notify(f"Run {run_id} asks nothing")
            return
        place = index % len(questions)
        self._open("answer", "AnswerScreen", run_id, questions[place], (place + 1, len(questions)))

    def open_twins(self, run_id: str, scenario_id: str, trial_id: str = "") -> None:
        """Show what the twins held when a trial ended; the newest one without an id."""
        self._open("twins", "TwinsScreen", run_id, scenario_id, trial_id)

    def open_budget(self, run_id: str) -> None:
        """Edit a run's budget."""
        self._open("budget", "BudgetScreen", run_id)

    def open_spec(self, path: Path, run_id: str) -> None:
        """Edit a spec; ``run_id`` is the run that will get it, "" for none."""
        self._open("spec", "SpecScreen", path, run_id)

    def open_spec_of(self, run_id: str) -> None:
        """Edit the spec of a run, or the factory's newest one without a run."""
        facts = self.fleet.facts.get(run_id)
        if facts is not None and facts.spec_path:
            self.open_spec(self.factory_dir / facts.spec_path, run_id)
            return
        specs = sorted((self.factory_dir / "specs").glob("*.md"))
        if specs:
            self.open_spec(specs[0], run_id)
        else:
            self.notify("There is no spec in specs/ yet", severity="warning")

    def _open(self, module: str, name: str, *args: object) -> None:
        """Screens that most sessions never open are imported when they are."""
        found = importlib.import_module(f"factory_tui.ui.screens.{module}")
        screen: Screen[Any] = getattr(found, name)(*args)
        self.push_screen(screen)

    # -- doing -----------------------------------------------------------------------------

    def request(self, run_id: str, verb: str, args: Mapping[str, Any] | None = None) -> None:
        """Ask the engine of a run for something; wake it if it needs waking for that."""
        self.store.request(run_id, verb, args or {}, "you")
        self._asked[run_id] = verb
        facts = self.fleet.facts.get(run_id)
        gone = facts is not None and not self._alive(facts.pid, facts.pid_started)
        if gone and verb != "pause":
            self._wake_up(run_id)
        self._show(None)

    @work(thread=True, group="wake", exit_on_error=False)
    def _wake_up(self, run_id: str) -> None:
        if self._wake is None:
            self.call_from_thread(
                self.notify, f"The engine of {run_id} is not running", severity="warning"
            )
            return
        try:
            self._wake(run_id)
        except Exception as error:
            self.call_from_thread(self.notify, str(error), severity="error", timeout=10)

    def action_start(self) -> None:
        """Start a new run of this factory's spec."""
        if self._start is None:
            self.notify("Start runs from the command line: factory-tui run", severity="warning")
        else:
            self._start_new()

    @work(thread=True, group="start", exclusive=True, exit_on_error=False)
    def _start_new(self) -> None:
        assert self._start is not None
        try:
            run_id = self._start()
        except Exception as error:
            self.call_from_thread(self.notify, str(error), severity="error", timeout=15)
            return
        self.call_from_thread(self.open_run, run_id)

    def action_pause(self) -> None:
        """Pause the run, or let it go on."""
        run_id = self.current_run
        if not run_id:
            self.notify("Select a run first")
            return
        word = self.liveness(run_id).word
        if word == "satisfied":
            self.notify(f"Run {run_id} is satisfied and has ended")
        elif word in ("unsatisfied", "stopped", "failed"):
            question = f"Run {run_id} has ended ({word}). Let it go on from where it was?"
            self._ask("Resume", question, lambda: self.request(run_id, "resume"))
        else:
            self.request(run_id, "resume" if word in ("paused", "dead") else "pause")

    def action_stop(self) -> None:
        """Stop the run, after asking."""
        if self.current_run:
            self.ask_stop(self.current_run)

    def ask_stop(self, run_id: str) -> None:
        """Stop a run, after asking."""
        if self.fleet.run(run_id).finished:
            self.notify(f"Run {run_id} has ended already")
            return
        question = f"Stop run {run_id}? What it built and measured is kept. p pauses instead."
        self._ask("Stop", question, lambda: self.request(run_id, "stop"))

    def _ask(self, title: str, question: str, act: Callable[[], None]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                act()

        self.push_screen(ConfirmScreen(title, question), answered)

    def action_budget(self) -> None:
        """Edit the budget of the run."""
        if self.current_run:
            self.open_budget(self.current_run)

    def action_spec(self) -> None:
        """Edit the spec of the run."""
        self.open_spec_of(self.current_run)

    def action_pipeline(self) -> None:
        """Show the pipeline of the run."""
        if self.current_run:
            self.open_pipeline(self.current_run)

    def action_answer(self) -> None:
        """Answer what the pipeline asks."""
        if self.current_run:
            self.open_answer(self.current_run)

    def action_help(self) -> None:
        """Explain keys and words."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def run_command(self, line: str) -> None:
        """Do what a line of the command prompt says."""
        problem = run_command(self, self.current_run, line)
        if problem:
            self.notify(problem, severity="warning", timeout=8)

    @on(Leave)
    def _told_to_leave(self, event: Leave) -> None:
        self.exit(message=self._farewell(), return_code=event.code)

    def action_leave(self) -> None:
        """Leave the screens; runs go on."""
        self.exit(message=self._farewell())

    def _farewell(self) -> str | None:
        """What is said of the runs that go on; None if there are none."""
        going = [
            ident
            for ident, facts in self.fleet.facts.items()
            if facts.status in ("starting", "running") and self._alive(facts.pid, facts.pid_started)
        ]
        if not going:
            return None
        some = "Run" if len(going) == 1 else "Runs"
        goes = "goes" if len(going) == 1 else "go"
        return (
            f"Detached. {some} {', '.join(going)} {goes} on; "
            f"factory-tui attach {going[0]}{self._where()}"
        )

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the palette offers besides the keys."""
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Screenshot", "Save the screen as SVG", self.deliver_screenshot)
        yield SystemCommand("Quit", "Leave; runs go on", self.action_leave)
        yield SystemCommand("Start run", "Start a new run of this factory", self.action_start)
