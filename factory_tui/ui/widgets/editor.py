"""What the spec editor is made of: the text, the notice of a change on disk, the diff."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from factory_tui.ui.specfile import unified
from factory_tui.ui.widgets.lines import LineList
from factory_tui.ui.widgets.sheet import wrap_parts
from factory_tui.ui.widgets.tones import Part, Toned, fit

__all__ = ["DiffPane", "DiskNotice", "SpecText"]


class SpecText(TextArea):
    """Markdown with line numbers, in the app's colours."""

    DEFAULT_CSS = """
    SpecText {
        border: round $line; padding: 0; background: $background;
        border-title-color: $muted; border-subtitle-color: $faint; border-title-style: none;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
        &:focus {
            border: round $accent; border-title-color: $accent; border-title-style: bold;
            border-subtitle-color: $muted;
        }
    }
    """

    def __init__(self, text: str, *, ident: str) -> None:
        super().__init__(
            text,
            language="markdown",
            show_line_numbers=True,
            soft_wrap=True,
            tab_behavior="focus",
            id=ident,
        )

    def on_mount(self) -> None:
        """Take the theme's colours."""
        self._dress()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._dress())

    def _dress(self) -> None:
        colours = self.app.theme_variables
        name = f"spec-{self.app.theme}"
        muted, faint = colours.get("muted", "#8b949e"), colours.get("faint", "#555d68")
        self.register_theme(
            TextAreaTheme(
                name,
                base_style=Style(color=colours["foreground"], bgcolor=colours["background"]),
                gutter_style=Style(color=faint, bgcolor=colours["background"]),
                cursor_style=Style(color=colours["background"], bgcolor=colours["accent"]),
                cursor_line_style=Style(bgcolor=colours.get("cursor-blur", colours["panel"])),
                cursor_line_gutter_style=Style(
                    color=muted, bgcolor=colours.get("cursor-blur", colours["panel"])
                ),
                selection_style=Style(bgcolor=colours.get("cursor", colours["panel"])),
                syntax_styles={
                    "heading": Style(color=colours["accent"], bold=True),
                    "heading.marker": Style(color=faint),
                    "text.literal": Style(color=colours["success"]),
                    "punctuation.delimiter": Style(color=faint),
                    "list.marker": Style(color=colours["accent"]),
                    "link.label": Style(color=colours["accent"]),
                    "link.uri": Style(color=colours["accent"], underline=True),
                    "punctuation.special": Style(color=muted),
                    "string.escape": Style(color=colours["warning"]),
                },
            )
        )
        self.theme = name


class DiskNotice(Toned, can_focus=True):
    """Says that the file has changed on disk, and what can be done. Keys ``r``, ``d``, ``k``."""

    DEFAULT_CSS = """
    DiskNotice {
        height: 2; display: none; background: $warning 15%; padding: 0 1;
        &.-on { display: block; }
        &:focus { background: $warning 30%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "choose('reload')", "Reload"),
        Binding("d", "choose('diff')", "Diff"),
        Binding("k", "choose('keep')", "Keep mine"),
        Binding("escape", "choose('later')", "Back to the text", show=False),
    ]

    class Chosen(Message):
        """The engineer has decided: "reload", "diff", "keep" or "later"."""

        def __init__(self, choice: str) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, ident: str) -> None:
        super().__init__(id=ident)
        self._text = ""

    def show(self, text: str) -> None:
        """Show a sentence; "" hides the notice."""
        self._text = text
        self.set_class(bool(text), "-on")
        self.refresh()

    @property
    def is_on(self) -> bool:
        """Whether something waits to be decided."""
        return self.has_class("-on")

    def render_line(self, y: int) -> Strip:
        """The sentence, then the keys."""
        width = self.size.width
        if y == 0:
            return self.strip([("▲ ", "warn"), (fit(self._text, width - 2), "strong")], width)
        keys: list[Part] = [("  ", "text")]
        for key, word in (("r", "reload"), ("d", "diff"), ("k", "keep mine")):
            keys += [(key, "accent"), (f" {word}   ", "text")]
        if not self.has_focus:
            keys.append(("(esc comes here first)", "muted"))
        return self.strip(keys, width)

    def action_choose(self, choice: str) -> None:
        """Tell the screen."""
        self.post_message(self.Chosen(choice))

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        if event.y == 1:
            for start, end, choice in ((2, 10, "reload"), (13, 19, "diff"), (22, 33, "keep")):
                if start <= event.x - 1 < end:
                    self.action_choose(choice)

    def on_focus(self) -> None:
        """The hint about esc is no longer needed."""
        self.refresh()

    def on_blur(self) -> None:
        """The hint about esc is needed."""
        self.refresh()


class DiffPane(LineList):
    """A unified diff of two texts."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Open", show=False)]

    def __init__(self, *, ident: str) -> None:
        super().__init__(id=ident)
        self._lines: list[list[Part]] = []
        self._texts = ("", "")
        self._same = ""
        self._laid_out_for = -1
        self.added = self.removed = 0

    def show(self, heading: str, old: str, new: str, same: str) -> None:
        """Show what changed from ``old`` to ``new``; ``same`` is said if nothing did."""
        self.border_title = Content(heading)
        if (old, new) != self._texts or same != self._same:
            self._texts, self._same, self._laid_out_for = (old, new), same, -1
            self.redraw()
        self.border_subtitle = Content(f"+{self.added} −{self.removed}")

    def row_count(self) -> int:
        """Lines."""
        width = self._inner_width
        if width != self._laid_out_for:
            self._laid_out_for = width
            self._lines = self._lay_out(width)
        return len(self._lines)

    def _lay_out(self, width: int) -> list[list[Part]]:
        lines: list[list[Part]] = []
        self.added = self.removed = 0
        for line in unified(*self._texts):
            tone = {"@": "accent", "+": "good", "-": "bad"}.get(line[:1], "muted")
            self.added += line[:1] == "+"
            self.removed += line[:1] == "-"
            lines += wrap_parts([(line, tone)], width, 1)
        return lines

    def draw_row(self, index: int, width: int) -> Sequence[Part]:
        """One line."""
        return self._lines[index]

    def empty(self, width: int) -> Sequence[Sequence[Part]]:
        """Nothing differs."""
        return [[(self._same, "muted")]]
