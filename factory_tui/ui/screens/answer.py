"""Answer a question of the pipeline: its text, its choices with their keys, what happens if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from factory_tui.state import Option, Question
from factory_tui.state import format as fmt
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.tones import Part

if TYPE_CHECKING:
    from factory_tui.ui.app import FactoryApp

__all__ = ["AnswerScreen"]


class _Choices(LineList):
    """One choice per line."""

    DEFAULT_CSS = "_Choices { border: none; &:focus { border: none; } padding: 0; }"

    def __init__(self, question: Question) -> None:
        super().__init__(id="choices")
        self.question = question

    def row_count(self) -> int:
        """The choices."""
        return len(self.question.options)

    def draw_row(self, index: int, width: int) -> list[Part]:
        """Key, words, where it leads."""
        option = self.question.options[index]
        parts: list[Part] = [(f" {option.key:>2} ", "accent"), (f" {option.label}", "strong")]
        if option.to and option.to != option.label:
            parts.append((f"  → {option.to}", "muted"))
        if option.key == self.question.default:
            parts.append(("  default", "warn"))
        return parts


class AnswerScreen(ModalScreen[None]):
    """One open question. A choice's key answers; enter takes the one under the cursor."""

    AUTO_FOCUS = None
    CSS = """
    AnswerScreen {
        align: center middle;
        background: $background 60%;
        & > #box {
            width: 76; max-width: 100%; height: auto; max-height: 100%; padding: 1 2;
            border: round $warning; background: $panel;
            border-title-color: $warning; border-title-style: bold;
            border-subtitle-color: $muted;
        }
        #text { height: auto; max-height: 9; }
        #text > Label { width: 1fr; }
        #choices { margin-top: 1; background: $panel; }
        #free { margin-top: 1; background: $background; }
        #wait { color: $muted; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Later", priority=True),
        Binding("tab", "other(1)", "Next question", priority=True),
        Binding("shift+tab", "other(-1)", "Previous question", priority=True),
    ]

    def __init__(self, run_id: str, question: Question, place: tuple[int, int]) -> None:
        super().__init__()
        self.run_id, self.question = run_id, question
        self._place = place

    @property
    def factory(self) -> FactoryApp:
        """The app, typed."""
        return cast("FactoryApp", self.app)

    def compose(self) -> ComposeResult:
        """The question, its choices or a field, and what happens without an answer."""
        number, count = self._place
        more = f" · {number} of {count}" if count > 1 else ""
        box = Vertical(id="box")
        box.border_title = Content(f"Run {self.run_id} asks · {self.question.node}{more}")
        keys = "key or enter answers" if self.question.options else "enter answers"
        tab = " · tab next question" if count > 1 else ""
        box.border_subtitle = Content(f"{keys}{tab} · esc later")
        with box:
            with VerticalScroll(id="text"):
                yield Label(Content(self.question.text))
            if self.question.free:
                yield Input(id="free", placeholder="your answer", compact=True)
            else:
                choices = _Choices(self.question)
                choices.styles.height = min(10, len(self.question.options))
                yield choices
            yield Label("", id="wait", markup=False)

    def on_mount(self) -> None:
        """Put the cursor on the default."""
        if self.question.free:
            self.set_focus(self.query_one(Input))
        else:
            choices = self.query_one(_Choices)
            keys = [option.key for option in self.question.options]
            if self.question.default in keys:
                choices.move_to(keys.index(self.question.default))
            self.set_focus(choices)
        self.tell()
        self.set_interval(0.5, self.tell)

    def tell(self) -> None:
        """Say how long there is; a question that has been settled meanwhile closes."""
        open_now = self.factory.fleet.run(self.run_id).questions.open
        if self.question.id not in open_now:
            self.notify("The question has been settled meanwhile")
            self.dismiss()
            return
        now = self.factory.now_ms()
        asked = f"asked {fmt.ago(self.question.asked_ms, now)} ago"
        self.query_one("#wait", Label).update(Content(f"{asked} · {self.question.waits(now)}"))

    def on_key(self, event: events.Key) -> None:
        """A choice's key answers at once."""
        if self.question.free or event.character is None:
            return
        found = self.question.option(event.character)
        if found is not None:
            event.stop()
            event.prevent_default()
            self._answer(found)

    @on(LineList.Opened)
    def _chosen(self, event: LineList.Opened) -> None:
        self._answer(self.question.options[event.index])

    @on(Input.Submitted)
    def _written(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text:
            self._answer(Option(text, text))
        else:
            self.app.bell()

    def _answer(self, option: Option) -> None:
        args = {"question": self.question.id, "choice": option.key}
        self.factory.request(self.run_id, "answer", args)
        self.notify(f"Answered: {option.label}")
        self.dismiss()

    def action_close(self) -> None:
        """Leave the question open."""
        self.dismiss()

    def action_other(self, direction: int) -> None:
        """Show another open question of this run instead."""
        number, count = self._place
        if count > 1:
            self.dismiss()
            self.factory.open_answer(self.run_id, number - 1 + direction)
