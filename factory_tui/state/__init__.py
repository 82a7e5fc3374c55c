"""Pure reducers: journal events in, what a screen shows out. No Textual, no I/O."""

from factory_tui.state.attention import Attention, Need
from factory_tui.state.detail import explain, heading
from factory_tui.state.fleet import FleetRow, FleetState, RunFacts
from factory_tui.state.grid import GLYPHS, Cell, Column, Grid, GridRow, ScenarioInfo, Score, Trial
from factory_tui.state.liveness import FINAL, Liveness
from factory_tui.state.run import FOLDED_KINDS, Built, Feedback, RunState, Tier
from factory_tui.state.spend import Budget, Spend
from factory_tui.state.trajectory import STREAM_KINDS, Entry, describe, is_error

__all__ = [
    "FINAL",
    "FOLDED_KINDS",
    "GLYPHS",
    "STREAM_KINDS",
    "Attention",
    "Budget",
    "Built",
    "Cell",
    "Column",
    "Entry",
    "Feedback",
    "FleetRow",
    "FleetState",
    "Grid",
    "GridRow",
    "Liveness",
    "Need",
    "RunFacts",
    "RunState",
    "ScenarioInfo",
    "Score",
    "Spend",
    "Tier",
    "Trial",
    "describe",
    "explain",
    "heading",
    "is_error",
]
