"""Panes that share one place where there is not room for all."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from factory_tui.ui.screens.panes import Panes

__all__ = ["TabbedPanes"]


class TabbedPanes(Panes):
    """All panes are reachable at every size: ``tab`` and numbers bring hidden ones to the front.

    Subclasses say which panes are seen (:meth:`is_seen`) and name them (:meth:`caption`).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_pane(1)", "Next pane", show=False),
        Binding("shift+tab", "next_pane(-1)", "Previous pane", show=False),
    ]

    _maxed = ""

    def is_seen(self, ident: str) -> bool:
        """Whether a pane is shown, as long as none is maximised."""
        return True

    def caption(self) -> None:
        """Write the panes' titles anew."""

    def reachable(self) -> list[str]:
        """The panes that ``tab`` goes through."""
        return list(self.PANE_IDS)

    def bring_forward(self, ident: str) -> None:
        """Make a pane be seen."""

    def lay_panes(self) -> None:
        """Decide which panes are seen."""
        if not self.is_mounted:
            return
        full = self.has_class("-max")
        for ident in self.PANE_IDS:
            seen = ident == self._maxed if full else self.is_seen(ident)
            self.query_one(f"#{ident}").display = seen
        self.caption()

    def focus_pane(self, ident: str) -> None:
        """Show and focus a pane; if another one fills the screen, this one takes its place."""
        if self.has_class("-max"):
            self._maxed = ident
        self.bring_forward(ident)
        self.lay_panes()
        self.query_one(f"#{ident}").focus()

    def _measure(self, width: int, height: int) -> None:
        super()._measure(width, height)
        self.lay_panes()

    def action_pane(self, number: int) -> None:
        """Focus a pane by its number."""
        if number < len(self.PANE_IDS):
            self.focus_pane(self.PANE_IDS[number])

    def action_next_pane(self, direction: int) -> None:
        """Focus the next pane, seen or not."""
        panes = self.reachable()
        held = self.focused.id if self.focused is not None else None
        at = panes.index(held) if held in panes else -1
        self.focus_pane(panes[(at + direction) % len(panes)])

    def action_maximise(self) -> None:
        """Give the whole screen to the focused pane, or restore."""
        if self.has_class("-max"):
            self.action_restore()
        elif self.focused is not None and self.focused.id in self.PANE_IDS:
            self._maxed = self.focused.id
            self.add_class("-max")
            self.lay_panes()

    def action_restore(self) -> None:
        """Show all panes again."""
        self.remove_class("-max")
        self.lay_panes()
