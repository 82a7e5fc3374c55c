"""The base of every screen: header, badges, banner, body, prompt, keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from factory_tui.state import Liveness, RunState
from factory_tui.state import format as fmt
from factory_tui.ui.commands import completions
from factory_tui.ui.widgets.fleet import LIVE_TONE
from factory_tui.ui.widgets.frame import KeyLine, Line, Prompt
from factory_tui.ui.widgets.stream import Stream
from factory_tui.ui.widgets.tones import Part, fit, width_of

if TYPE_CHECKING:
    from factory_tui.ui.app import FactoryApp
    from factory_tui.ui.follower import Batch

__all__ = ["RECORDED", "FrameScreen", "badges"]

RECORDED: Final = "RECORDED – the model's words are played back"

RECORDED_SHORT: Final = "RECORDED model"

WIDE: Final = 120
TALL: Final = 34
"""From this size on, a screen shows its side panes all at once."""

_SHORTEST: Final = 8
"""Columns that a part of the path keeps."""


def badges(run: RunState, *, wide: bool) -> list[Part]:
    """What everybody who looks must know: recorded model, partial judge, isolation."""
    parts: list[Part] = []
    if run.recorded:
        parts.append((f"◉ {RECORDED if wide else RECORDED_SHORT}", "warn"))
    if run.judge_same_family:
        text = "judge is of the builder's model family" if wide else "judge of builder's family"
        parts += [("  ", "text"), (f"▲ {text}", "warn")]
    tier = run.tier
    if tier.unsandboxed:
        parts += [("  ", "text"), ("▲ UNSANDBOXED", "bad")]
    elif tier.letter:
        text = f"▣ isolation {tier.letter} {tier.label}".rstrip() if wide else f"▣ {tier.letter}"
        parts += [("  ", "text"), (text, "muted" if tier.letter == "A" else "warn")]
    return parts


class FrameScreen(Screen[Any]):
    """A screen of the factory.

    Subclasses give :meth:`body` (widgets), :meth:`crumbs` (where we are), :meth:`update`
    (called with every batch and once a second) and, if they show one run, :attr:`run_id`.
    The classes ``-wide`` / ``-narrow`` tell their styles which layout applies. Streams get
    find (``/``), filter (``&``) and search results from here.
    """

    AUTO_FOCUS = ""  # not the first pane that can: what matters most
    DEFAULT_CSS = """
    FrameScreen {
        layers: base;
        & > #header { background: $panel; }
        & > #banner { display: none; background: $warning 15%; }
        & > #banner.-on { display: block; }
        & > #banner.-error { background: $error 18%; }
        & > .body { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("q", "back", "Back"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False),
        Binding("colon", "command", "Command line", show=False, key_display=":"),
        Binding("question_mark,f1", "app.help", "Help", key_display="?"),
    ]

    run_id: str = ""
    """The run that this screen is about; "" for none."""

    # -- what a subclass says --------------------------------------------------------------

    def body(self) -> Iterable[Widget]:
        """The widgets between header and keys, in one container with the class ``body``."""
        return ()

    def crumbs(self) -> list[str]:
        """The path to here, without the leading "factory"."""
        return []

    def update(self, batch: Batch | None) -> None:
        """Show the present state; ``batch`` is what is new, None when only time has passed."""

    # -- frame -----------------------------------------------------------------------------

    @property
    def factory(self) -> FactoryApp:
        """The app, typed."""
        return cast("FactoryApp", self.app)

    @property
    def wide(self) -> bool:
        """Whether all panes are shown at once."""
        return self.has_class("-wide")

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        yield Line(ident="header")
        yield Line(ident="status")
        yield Line(ident="banner")
        yield from self.body()
        yield Prompt(ident="prompt")
        yield KeyLine(ident="keys")

    def on_mount(self) -> None:
        """Show the state at once."""
        self._measure(self.app.size.width, self.app.size.height)
        self.refresh_all(None)

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the new size."""
        self._measure(event.size.width, event.size.height)
        self.refresh_all(None)

    def on_screen_resume(self) -> None:
        """Catch up on what happened behind another screen."""
        self.refresh_all(None)

    def on_descendant_focus(self) -> None:
        """Other keys work now."""
        self.query_one(KeyLine).update_keys()

    def _measure(self, width: int, height: int) -> None:
        wide = width >= WIDE and height >= TALL
        self.set_class(wide, "-wide")
        self.set_class(not wide, "-narrow")

    def refresh_all(self, batch: Batch | None) -> None:
        """Show the present state in frame and body."""
        if not self.is_mounted:
            return
        self.update(batch)
        # Afterwards: what the frame says may be about the row that the body has selected now.
        self._show_frame()
        self.query_one(KeyLine).update_keys()

    def _show_frame(self) -> None:
        app = self.factory
        state: list[Part] = []
        right: list[Part] = []
        status: list[Part] = []
        marks: list[Part] = []
        if self.run_id:
            run = app.fleet.run(self.run_id)
            live = app.liveness(self.run_id)
            tone = LIVE_TONE[live.word]
            state.append((f"  {live.glyph} {live.word}", tone))
            if run.iteration:
                limit = run.max_iterations if self.wide else 0
                most = f" of at most {limit}" if limit else ""
                state.append((f"  iteration {run.iteration}{most}", "muted"))
            right.append((fmt.money(run.spend.known_usd), "strong"))
            status = self._doing(live)
            marks = badges(run, wide=self.wide)
        else:
            right += self.header_right()
        right.append((f"  {fmt.clock(app.now_ms())}", "muted"))
        # What the run does matters more than a long name.
        room = app.size.width - 3 - width_of([*state[:1], *right])
        self.query_one("#header", Line).show([*self._path(room), *state], right)
        self.query_one("#status", Line).show(status or self.status_left(), marks or self.marks())
        self._show_banner()

    def _path(self, room: int) -> list[Part]:
        """Where we are, in so many columns; the longest part gives way, but not wholly."""
        crumbs = self.crumbs()
        while True:
            parts: list[Part] = [("factory", "accent")]
            for crumb in crumbs:
                parts += [(" › ", "faint"), (crumb, "strong")]
            over = width_of(parts) - room
            longest = max(crumbs, key=lambda crumb: width_of([(crumb, "")]), default="")
            size = width_of([(longest, "")])
            if over <= 0 or size <= _SHORTEST:
                return parts
            crumbs[crumbs.index(longest)] = fit(longest, max(_SHORTEST, size - over)).rstrip()

    def header_right(self) -> list[Part]:
        """Figures at the header's right end, on screens that are not about one run."""
        return []

    def status_left(self) -> list[Part]:
        """The status line, on screens that are not about one run."""
        return []

    def marks(self) -> list[Part]:
        """Badges, on screens that are not about one run."""
        return []

    def _doing(self, live: Liveness) -> list[Part]:
        asked = self.factory.asked(self.run_id)
        if asked:
            return [(f"{asked} asked for, waiting for the engine", "accent")]
        return [(live.text, "text" if live.word == "working" else LIVE_TONE[live.word])]

    def _show_banner(self) -> None:
        banner = self.query_one("#banner", Line)
        found = self.factory.alerts(self.run_id)
        banner.set_class(bool(found), "-on")
        if found:
            level, text = found[0]
            banner.set_class(level == "error", "-error")
            more = [(f"  +{len(found) - 1} more", "muted")] if len(found) > 1 else []
            banner.show([("▲ ", "bad" if level == "error" else "warn"), (text, "strong")], more)

    # -- keys ------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back one screen; at home, leave."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.factory.action_leave()

    def action_command(self) -> None:
        """Ask for a command."""
        self.query_one(Prompt).ask(
            "command", ":", complete=lambda text: completions(self.factory, self.run_id, text)
        )

    def name_action(self, action: str, name: str) -> tuple[str, bool]:
        """What an action is called for the run that is shown, and whether it would do something."""
        return self.factory.name_action(action, name)

    def action_find(self) -> None:
        """Ask what to find in the focused stream."""
        stream = self.stream
        if stream is not None:
            self.query_one(Prompt).ask("find", "find", "")

    def action_filter(self) -> None:
        """Ask what the focused stream should show."""
        stream = self.stream
        if stream is not None:
            tags = "kind: tool: scenario: iter: twin: status:" if self.wide else "words, kind:…"
            self.query_one(Prompt).ask("filter", f"show only ({tags})", stream.filter_text)

    @property
    def stream(self) -> Stream[Any] | None:
        """The stream that find and filter are about: the focused one, or the last focused."""
        if isinstance(self.focused, Stream):
            self._stream: Stream[Any] | None = self.focused
        return getattr(self, "_stream", None)

    @on(Prompt.Changed)
    def _prompt_changed(self, event: Prompt.Changed) -> None:
        if event.mode == "find" and self.stream is not None:
            self.stream.find_text = event.text

    @on(Prompt.Entered)
    def _prompt_entered(self, event: Prompt.Entered) -> None:
        stream = self.stream
        if event.mode == "command":
            self._refocus()
            self.factory.run_command(event.text)
        elif stream is not None:
            self.set_focus(stream)
            if event.mode == "find":
                stream.find(event.text)
            else:
                stream.filter_text = event.text.strip()

    @on(Prompt.Closed)
    def _prompt_closed(self, event: Prompt.Closed) -> None:
        if event.mode == "find" and self.stream is not None:
            self.stream.find_text = ""
        self._refocus()

    def _refocus(self) -> None:
        if self.stream is not None:
            self.set_focus(self.stream)
        else:
            self.focus_first()

    def focus_first(self) -> None:
        """Focus the pane that matters most."""

    @on(Stream.Found)
    def _found(self, event: Stream.Found) -> None:
        if event.index is None:
            self.notify("Nothing found", severity="warning")
        elif event.wrapped:
            self.notify("Search went on from the other end", timeout=2)
