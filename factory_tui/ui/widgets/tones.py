"""Lines made of toned parts: the one way every panel paints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from factory_tui.state import format as fmt
from factory_tui.ui.theme import TONES

__all__ = ["Part", "Toned", "bar_parts", "fit", "width_of"]

Part: TypeAlias = tuple[str, str]
"""A piece of a line and the name of its tone (:data:`factory_tui.ui.theme.TONES`)."""


def width_of(parts: Iterable[Part]) -> int:
    """The cells that the parts take."""
    return sum(cell_len(text) for text, _ in parts)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text in exactly ``width`` cells, cut with ``…`` or padded (on the left if ``right``)."""
    if width <= 0:
        return ""
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - size) + text if right else text + " " * (width - size)


def bar_parts(share: float, width: int, tone: str) -> list[Part]:
    """A bar that is full to ``share``; untouched parts of a budget are calm."""
    full, rest = fmt.bar(share, width)
    return [(full, "accent" if tone == "text" else tone), (rest, "faint")]


def _cut(parts: list[Part], width: int) -> list[Part]:
    """The parts that fit, the last of them cut with ``…``."""
    kept: list[Part] = []
    for text, tone in parts:
        size = cell_len(text)
        if size > width:
            return [*kept, (fit(text, width), tone)]
        kept.append((text, tone))
        width -= size
    return kept


class Toned(Widget):
    """A widget whose lines are written in tones, so that every theme recolours them.

    Subclasses draw with :meth:`strip`. Text is never read as markup.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{name}" for name in TONES}
    DEFAULT_CSS = """
    Toned {
        & > .tone--text { color: $foreground; }
        & > .tone--strong { color: $foreground; text-style: bold; }
        & > .tone--muted { color: $muted; }
        & > .tone--faint { color: $faint; }
        & > .tone--accent { color: $accent; }
        & > .tone--good { color: $success; }
        & > .tone--warn { color: $warning; }
        & > .tone--bad { color: $error; }
        & > .tone--cursor { background: $cursor-blur; }
        & > .tone--hit { color: $background; background: $accent; }
        &:focus > .tone--cursor { background: $cursor; }
    }
    """

    _tones: dict[str, Style] | None = None
    _base: Style | None = None

    def notify_style_update(self) -> None:
        """Forget cached styles: the theme, the focus or a class has changed."""
        super().notify_style_update()
        self._tones = self._base = None

    @property
    def base(self) -> Style:
        """The widget's own colours."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def tone(self, name: str) -> Style:
        """The style of a tone, without a background unless the tone has one."""
        if self._tones is None:
            self._tones = {}
        style = self._tones.get(name)
        if style is None:
            style = self.get_component_rich_style(f"tone--{name}", partial=True)
            self._tones[name] = style
        return style

    def strip(self, parts: Iterable[Part], width: int, *, cursor: bool = False) -> Strip:
        """One line of exactly ``width`` cells; ``cursor`` paints it as the selected one."""
        base = self.base + self.tone("cursor") if cursor else self.base
        parts = list(parts)
        if width_of(parts) > width:
            parts = _cut(parts, width)
        segments = [Segment(text, base + self.tone(name)) for text, name in parts if text]
        return Strip(segments).crop_extend(0, width, base)

    def blank(self, width: int) -> Strip:
        """An empty line."""
        return Strip.blank(width, self.base)
