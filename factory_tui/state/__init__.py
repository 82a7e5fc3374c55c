"""Pure reducers: journal events in, what a screen shows out. No Textual, no I/O."""

from factory_tui.state.attention import Attention, Need
from factory_tui.state.detail import explain, heading
from factory_tui.state.fleet import FleetRow, FleetState, RunFacts
from factory_tui.state.grid import GLYPHS, Cell, Column, Grid, GridRow, ScenarioInfo, Score, Trial
from factory_tui.state.liveness import FINAL, Liveness
from factory_tui.state.pipeline import (
    NODE_GLYPHS,
    Graph,
    Node,
    NodeRun,
    Pipeline,
    PipelineState,
)
from factory_tui.state.questions import Option, Question
from factory_tui.state.run import FOLDED_KINDS, Built, Feedback, RunState, Tier
from factory_tui.state.spend import Budget, Spend
from factory_tui.state.trajectory import STREAM_KINDS, Entry, describe, is_error

__all__ = [
    "FINAL",
    "FOLDED_KINDS",
    "GLYPHS",
    "NODE_GLYPHS",
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
    "Graph",
    "Grid",
    "GridRow",
    "Liveness",
    "Need",
    "Node",
    "NodeRun",
    "Option",
    "Pipeline",
    "PipelineState",
    "Question",
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
