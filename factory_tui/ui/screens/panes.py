"""Panes by number, and one of them in full size."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from factory_tui.ui.screens.frame import FrameScreen

__all__ = ["Panes"]


class Panes(FrameScreen):
    """Keys ``1``–``9`` focus a pane, ``+`` maximises it, ``+`` or esc restores.

    Subclasses list the ids of their panes in order. A hidden pane's containers hide with it.
    """

    PANE_IDS: ClassVar[tuple[str, ...]] = ()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "pane(0)", "Pane 1", show=False),
        Binding("2", "pane(1)", "Pane 2", show=False),
        Binding("3", "pane(2)", "Pane 3", show=False),
        Binding("4", "pane(3)", "Pane 4", show=False),
        Binding("5", "pane(4)", "Pane 5", show=False),
        Binding("plus", "maximise", "Full", key_display="+", tooltip="One pane in full size"),
        Binding("minus,underscore", "restore", "Restore panes", show=False),
        Binding("escape", "out", "All panes, then back", show=False),
    ]

    def pane_ids(self) -> tuple[str, ...]:
        """The panes that are there at this size, in the order of their numbers."""
        return self.PANE_IDS

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Restoring is only possible while a pane is maximised."""
        if action == "restore":
            return self.has_class("-max")
        return True

    def action_pane(self, number: int) -> None:
        """Focus a pane; if another one fills the screen, this one takes its place."""
        if number >= len(self.pane_ids()):
            return
        pane = self.query_one(f"#{self.pane_ids()[number]}")
        if self.has_class("-max"):
            self._only(pane)
        # At once, not by pane.focus(), which comes after the next key of a fast hand.
        self.set_focus(pane)

    def action_maximise(self) -> None:
        """Give the whole screen to the focused pane, or restore."""
        if self.has_class("-max"):
            self.action_restore()
            return
        pane = next((p for p in self._panes() if self.focused in (p, *p.query("*"))), None)
        if pane is not None:
            self.add_class("-max")
            self._only(pane)

    def action_out(self) -> None:
        """Show all panes again; else go back, but never leave the program by accident."""
        if self.has_class("-max"):
            self.action_restore()
        elif len(self.app.screen_stack) > 2:
            self.action_back()

    def action_restore(self) -> None:
        """Show all panes again."""
        self.remove_class("-max")
        for pane in self._panes():
            for widget in self._chain(pane):
                widget.display = True

    def _panes(self) -> list[Widget]:
        return [self.query_one(f"#{ident}") for ident in self.pane_ids()]

    def _chain(self, pane: Widget) -> list[Widget]:
        """The pane and the containers around it, up to the body."""
        chain = []
        for node in pane.ancestors_with_self:
            if not isinstance(node, Widget) or node.has_class("body"):
                break
            chain.append(node)
        return chain

    def _only(self, kept: Widget) -> None:
        keep = set(self._chain(kept))
        for pane in self._panes():
            for widget in self._chain(pane):
                widget.display = widget in keep
