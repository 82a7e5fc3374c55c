"""What surrounds every screen: header, badges, banner, prompt, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input, Label

from factory_tui.ui.widgets.tones import Part, Toned, fit, width_of

__all__ = ["KeyLine", "Line", "Prompt"]


class Line(Toned):
    """One line with parts on the left and on the right; the left gives way."""

    DEFAULT_CSS = "Line { height: 1; width: 1fr; padding: 0 1; }"

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._left: Sequence[Part] = ()
        self._right: Sequence[Part] = ()

    def show(self, left: Iterable[Part], right: Iterable[Part] = ()) -> None:
        """Show other parts."""
        new = (list(left), list(right))
        if new != (self._left, self._right):
            self._left, self._right = new
            self.refresh()

    @property
    def text(self) -> str:
        """The line as plain text, left part first."""
        return "".join(text for text, _ in (*self._left, ("  ", ""), *self._right))

    def render_line(self, y: int) -> Strip:
        """Paint the line."""
        width = self.size.width
        if y:
            return self.blank(width)
        room = width - width_of(self._right)
        left: list[Part] = []
        for text, tone in self._left:
            rest = room - width_of(left) - 1
            if width_of([(text, tone)]) > rest:
                left.append((fit(text, max(0, rest)), tone))
                break
            left.append((text, tone))
        gap = max(0, room - width_of(left))
        return self.strip([*left, (" " * gap, "text"), *self._right], width)


class KeyLine(Toned):
    """The keys that work now, most particular first. A click presses the key."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; padding: 0 1; background: $panel; }"

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self._spots: list[tuple[int, int, str]] = []
        self._shown: list[tuple[str, str, str, bool]] = []

    def update_keys(self) -> None:
        """Paint again if other keys work now."""
        if self._keys() != self._shown:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint the keys; those that do not fit are left out, help never is."""
        width = self.size.width
        shown = self._shown = self._keys()
        home = [item for item in shown if item[0] == "q"]
        last = [item for item in shown if item[0] == "question_mark"]
        rest = [item for item in shown if item not in (*home, *last)]
        if home and home[0][2] != "Back":
            last, home = [*home, *last], []
        reserve = _length(last)
        parts: list[Part] = []
        self._spots = []
        used = 0
        if _length(rest) + reserve > width:
            # What would do nothing gives way first.
            rest = [item for item in rest if item[3]]
        if _length(rest) + _length(home) + reserve <= width:
            rest += home
        for key, label, name, enabled in rest:
            size = len(label) + len(name) + 3
            if used + size + reserve > width:
                continue
            self._add(parts, used, key, label, name, enabled)
            used += size
        for key, label, name, enabled in last:
            self._add(parts, used, key, label, name, enabled)
            used += len(label) + len(name) + 3
        return self.strip(parts, width)

    def _add(
        self, parts: list[Part], at: int, key: str, label: str, name: str, enabled: bool
    ) -> None:
        parts += [
            (label, "accent" if enabled else "faint"),
            (f" {name}  ", "muted" if enabled else "faint"),
        ]
        self._spots.append((at, at + len(label) + len(name) + 1, key))

    def _keys(self) -> list[tuple[str, str, str, bool]]:
        if isinstance(self.screen.focused, Input):
            return [("enter", "⏎", "Apply", True), ("escape", "esc", "Cancel", True)]
        found: dict[str, tuple[str, str, str, bool]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in found:
                label = self.app.get_key_display(binding)
                name, possible = self.naming(binding.action, binding.description)
                if not name:
                    continue
                found[binding.action] = (binding.key, label, name, active.enabled and possible)
        return self._in_order(found)

    def _in_order(
        self, found: dict[str, tuple[str, str, str, bool]]
    ) -> list[tuple[str, str, str, bool]]:
        """The screen's own keys in the order in which the screen lists them."""
        own = [b.action for b in self.screen.BINDINGS if isinstance(b, Binding)]
        mine = iter(sorted((action for action in found if action in own), key=own.index))
        return [found[next(mine) if action in own else action] for action in found]

    def naming(self, action: str, name: str) -> tuple[str, bool]:
        """What an action is called right now, and whether it would do something.

        A screen that knows better than the binding says so with ``name_action``; no name: the
        action makes no sense here and is not listed.
        """
        better = getattr(self.screen, "name_action", None)
        named: tuple[str, bool] = (name, True) if better is None else better(action, name)
        return named

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for start, end, key in self._spots:
            if start <= offset.x < end:
                self.app.simulate_key(key)


def _length(keys: Iterable[tuple[str, str, str, bool]]) -> int:
    return sum(len(label) + len(name) + 3 for _, label, name, _ in keys)


class Prompt(Horizontal):
    """A one-line question above the keys: find, filter, command."""

    DEFAULT_CSS = """
    Prompt {
        height: 1; dock: bottom; margin-bottom: 1; display: none; background: $panel;
        & > Label { color: $accent; padding: 0 1; width: auto; }
        & > Input { width: 1fr; background: $panel; }
        &.-open { display: block; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Cancel", priority=True),
        # Without these, tab would move the focus away and letters would act as keys.
        Binding("tab", "complete(1)", "Complete", priority=True),
        Binding("shift+tab", "complete(-1)", "Complete", priority=True),
    ]

    @dataclass
    class Changed(Message):
        """The text was edited."""

        mode: str
        text: str

    @dataclass
    class Entered(Message):
        """The text was accepted with enter."""

        mode: str
        text: str

    @dataclass
    class Closed(Message):
        """The prompt was left with escape."""

        mode: str

    def __init__(self, *, ident: str | None = None) -> None:
        super().__init__(id=ident)
        self.mode = ""
        self._words: Callable[[str], Sequence[str]] = lambda text: ()
        self._stem: str | None = None

    def compose(self) -> ComposeResult:
        """A label and an input."""
        yield Label("", markup=False)
        yield Input(compact=True, select_on_focus=False)

    def ask(
        self,
        mode: str,
        label: str,
        text: str = "",
        *,
        complete: Callable[[str], Sequence[str]] = lambda text: (),
    ) -> None:
        """Open with a label and a text to edit.

        ``complete`` gives the whole texts that what was typed may become with tab.
        """
        self.mode, self._words, self._stem = mode, complete, None
        self.query_one(Label).update(label)
        box = self.query_one(Input)
        box.value = text
        box.cursor_position = len(text)
        self.add_class("-open")
        self.screen.set_focus(box)

    @property
    def is_open(self) -> bool:
        """Whether a question is being asked."""
        return self.has_class("-open")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape and tab belong to the prompt only while it is open."""
        return self.is_open if action in ("close", "complete") else True

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value not in self._words(self._stem or ""):
            self._stem = None
        if self.is_open:
            self.post_message(self.Changed(self.mode, event.value))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.remove_class("-open")
        self.post_message(self.Entered(self.mode, event.value))

    def action_complete(self, direction: int) -> None:
        """Complete what was typed; again: the next possibility."""
        box = self.query_one(Input)
        self._stem = box.value if self._stem is None else self._stem
        words = list(self._words(self._stem))
        if not words:
            self.app.bell()
            return
        at = words.index(box.value) + direction if box.value in words else 0
        box.value = words[at % len(words)]
        box.cursor_position = len(box.value)

    def action_close(self) -> None:
        """Leave without an answer."""
        self.remove_class("-open")
        self.post_message(self.Closed(self.mode))
