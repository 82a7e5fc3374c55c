"""Help: the keys that work where you come from, the words, the signs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from factory_tui.ui.screens.frame import FrameScreen
from factory_tui.ui.widgets.detail import wrap
from factory_tui.ui.widgets.frame import Prompt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part, fit

__all__ = ["HelpScreen"]

_MOVING = (
    ("j k ↓ ↑", "line down, line up"),
    ("g G", "first, last (in a stream G follows again)"),
    ("ctrl+d ctrl+u", "half a page"),
    ("enter  esc", "drill in, back"),
    ("tab  1–5", "next pane, pane by number"),
    ("+", "one pane in full size, again: all panes"),
)
_STREAMS = (
    ("f", "follow the newest row, or stay here"),
    ("/  n N", "find, next hit, previous hit"),
    ("&", "show only: words, kind:tool scenario:NAME iter:2 twin:okta status:429"),
    ("!", "failures only"),
    ("y", "copy the line"),
)
_RUNS = (
    ("b  e", "budget, spec: the two things you change"),
    ("v  a", "the pipeline's graph, answer what it asks"),
    ("p  x", "pause or resume, stop (asks)"),
    ("l  t", "what the builder was last told, what the twins held after a trial"),
    ("r  s", "start a run, sort the list (all runs)"),
    ("ctrl+p  :", "every action by name, command line"),
    ("q", "back; at home: leave, runs go on"),
)
_WORDS = (
    ("scenario", "one user story with what would satisfy the user"),
    ("trial", "one performance of a scenario against a product"),
    ("satisfaction", "the share of trials that likely satisfy the user: rate, [95 % interval], n"),
    ("train holdout", "the builder learns from train only; holdout shows what it has not seen"),
    ("target", "both must reach it, and again in a confirmation round (column 3c)"),
    ("iteration", "one build → trials → feedback round"),
    ("twin", "a stand-in for an outside service; gap: it does not know that call"),
    ("facts only", "no recorded judgement fits, so only facts were checked; counted apart"),
    ("judge's family", "a judge of the builder's own model family may favour it; flagged"),
    ("void", "the harness failed, not the product; does not count"),
)
_SIGNS = (
    ("■ ✗ ~", "scenario passes, fails, is flaky"),
    ("◌ ▸ ·", "void, running, not run"),
    ("● ◐ ○", "working, waiting for the model, quiet"),
    ("‖ ? ☠ ✓", "paused, asks you, engine gone, satisfied"),
    ("┏━┓ ╔═╗", "live node, selected node of a pipeline"),
    ("├─●─┤ ┃", "rate with its interval, target"),
    ("≈", "estimated"),
    ("▣ A … E", "isolation of untrusted code: A full … E none"),
)


_KEYS = 15
"""Cells of the keys' column."""


class _HelpText(LineList):
    """Keys and words as lines, narrowed by a search."""

    OPENS = False

    def __init__(self, sections: list[tuple[str, list[tuple[str, str]]]]) -> None:
        super().__init__(id="help")
        self.sections, self.needle = sections, ""
        self.border_title = Content("Help")
        self.border_subtitle = Content("/ search · esc closes")
        self.lines: list[list[Part]] = []

    def narrow(self, needle: str) -> None:
        """List only what contains a text."""
        self.needle = needle
        self._arrange()
        self.redraw()

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self._arrange()
        super().on_resize()

    def _arrange(self) -> None:
        room = max(20, self._inner_width - _KEYS - 3)
        needle = self.needle.casefold()
        self.lines = []
        for name, items in self.sections:
            found = [item for item in items if needle in " ".join(item).casefold()]
            if not found:
                continue
            self.lines.append([(name, "accent")])
            for key, text in found:
                for line in wrap(text, room):
                    self.lines.append([("  ", "text"), (fit(key, _KEYS), "strong"), (line, "text")])
                    key = ""
            self.lines.append([])

    def row_count(self) -> int:
        """Lines."""
        return len(self.lines)

    def draw_row(self, index: int, width: int) -> list[Part]:
        """One line."""
        return self.lines[index]

    def empty(self, width: int) -> list[list[Part]]:
        """Nothing matches the search."""
        return [[("Nothing matches.", "muted")]]


class HelpScreen(FrameScreen):
    """Help about the screen it was asked from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Close"),
        Binding("slash", "find", "Search", key_display="/"),
    ]

    def __init__(self, origin: Screen[Any]) -> None:
        super().__init__()
        self.run_id = origin.run_id if isinstance(origin, FrameScreen) else ""
        here = []
        for active in origin.active_bindings.values():
            binding = active.binding
            name = binding.description
            if isinstance(origin, FrameScreen):
                name, _ = origin.name_action(binding.action, name)
            if binding.show and active.enabled and name:
                text = binding.tooltip or name
                here.append((origin.app.get_key_display(binding), text))
        self._sections = [
            ("Here", sorted(set(here))),
            ("Moving", list(_MOVING)),
            ("Streams", list(_STREAMS)),
            ("Runs", list(_RUNS)),
            ("Words", list(_WORDS)),
            ("Signs: the shape says it, colour repeats it", list(_SIGNS)),
            (
                "You can change specs and budgets. Code belongs to the agents.",
                [("quitting", "detaches: runs go on; factory-tui attach RUN comes back")],
            ),
        ]

    def body(self) -> Iterable[Widget]:
        """One list."""
        with Container(classes="body"):
            yield _HelpText(self._sections)

    def action_find(self) -> None:
        """Ask what to look for."""
        self.query_one(Prompt).ask("help", "search", "")

    @on(Prompt.Changed)
    @on(Prompt.Entered)
    @on(Prompt.Closed)
    def _searched(self, event: Prompt.Changed | Prompt.Entered | Prompt.Closed) -> None:
        text = self.query_one(_HelpText)
        text.narrow("" if isinstance(event, Prompt.Closed) else event.text)
        if not isinstance(event, Prompt.Changed):
            text.focus()

    def crumbs(self) -> list[str]:
        """Where we are."""
        return ["help"]

    def on_mount(self) -> None:
        """Focus the text."""
        super().on_mount()
        self.query_one(_HelpText).focus()
