"""The running pipeline: where is the run, which way did it go, what did each node cost?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.widget import Widget

from factory_tui.state import Pipeline
from factory_tui.state import format as fmt
from factory_tui.state.pipeline import total
from factory_tui.ui.screens.panes import Panes
from factory_tui.ui.widgets.detail import DetailPane
from factory_tui.ui.widgets.frame import Line
from factory_tui.ui.widgets.graph import GraphView
from factory_tui.ui.widgets.nodetext import node_text

if TYPE_CHECKING:
    from factory_tui.ui.follower import Batch

__all__ = ["PipelineScreen"]

_BESIDE = 54
"""Cells of the node's text where it stands beside the graph; the styles below say the same."""


class PipelineScreen(Panes):
    """The graph, and the selected node in words; ``[`` and ``]`` change to child pipelines."""

    PANE_IDS = ("graph", "node")
    CSS = """
    PipelineScreen {
        #panes { height: 1fr; }
        #total { background: $panel; }
        #node { height: 1fr; }
        &.-wide.-beside #panes { layout: horizontal; }
        &.-wide.-beside #node { width: 54; height: 1fr; }
        &.-max #node { height: 1fr; width: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "other(-1)", "Child", key_display="[ ]"),
        Binding("right_square_bracket", "other(1)", "Next pipeline", show=False),
        Binding("a", "app.answer", "Answer", tooltip="Answer what the pipeline asks"),
        Binding("b", "app.budget", "Budget", tooltip="Edit the budget of this run"),
        Binding("p", "app.pause", "Pause", tooltip="Pause this run, or let it go on"),
        Binding("x", "app.stop", "Stop", tooltip="Stop this run (asks)"),
    ]

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self.run_id = run_id
        self._key = ""
        self._arranged: tuple[object, object] = (None, None)
        self._height = 0

    def body(self) -> Iterable[Widget]:
        """Totals, graph, node."""
        with Container(classes="body"):
            yield Line(ident="total")
            with Container(id="panes"):
                yield GraphView(ident="graph")
                yield DetailPane(ident="node")

    def crumbs(self) -> list[str]:
        """The run."""
        return [self.run_id, "pipeline"]

    def name_action(self, action: str, name: str) -> tuple[str, bool]:
        """Child pipelines are only named where there are some."""
        if action.startswith("other("):
            many = len(self.factory.fleet.run(self.run_id).pipeline.drawn) > 1
            return (name, True) if many else ("", False)
        return super().name_action(action, name)

    def on_mount(self) -> None:
        """Begin at the live node."""
        super().on_mount()
        self.focus_first()

    def focus_first(self) -> None:
        """The graph."""
        self.set_focus(self.query_one(GraphView))

    @property
    def pipeline(self) -> Pipeline | None:
        """The pipeline that is shown."""
        drawn = self.factory.fleet.run(self.run_id).pipeline.drawn
        return next((p for p in drawn if p.key == self._key), drawn[0] if drawn else None)

    def update(self, batch: Batch | None) -> None:
        """Show what is new."""
        run = self.factory.fleet.run(self.run_id)
        graph = self.query_one(GraphView)
        self._arrange(graph)
        graph.show(self.pipeline, run.moment(self.factory.now_ms()), going=self._moving)
        self._show_total()
        self._explain(graph.cursor)

    def _arrange(self, view: GraphView) -> None:
        """Put the node's text below the graph or beside it, whichever shows more of the graph."""
        pipeline = self.pipeline
        graph = None if pipeline is None else pipeline.graph
        size = self.app.size
        if (graph, size) == self._arranged or graph is None:
            return
        self._arranged = (graph, size)
        most = size.height * 13 // 20
        below, tall = view.seen_in(graph, Size(size.width - 4, most - 2))
        beside, _ = view.seen_in(graph, Size(size.width - _BESIDE - 4, size.height - 6))
        aside = self.wide and beside > below
        self.set_class(aside, "-beside")
        self._height = 0 if aside else max(9, min(tall + 3, most))
        self._size_graph()

    def _size_graph(self) -> None:
        """Below the graph the node's text takes what the drawing leaves."""
        view = self.query_one(GraphView)
        if self._height and not self.has_class("-max"):
            view.styles.height = self._height
        else:
            view.styles.clear_rule("height")

    def action_maximise(self) -> None:
        """Give the whole screen to one pane."""
        super().action_maximise()
        self._size_graph()

    def action_restore(self) -> None:
        """Show both panes again."""
        super().action_restore()
        self._size_graph()

    @property
    def _moving(self) -> bool:
        run = self.factory.fleet.run(self.run_id)
        return run.going or (run.pause_reason == "question" and run.status == "paused")

    def _show_total(self) -> None:
        pipeline = self.pipeline
        if pipeline is None:
            self.query_one("#total", Line).show([("no pipeline recorded", "faint")])
            return
        tokens, usd = total(pipeline.nodes.values())
        reached = sum(bool(run.visits) for run in pipeline.nodes.values())
        left = [(fmt.clip(pipeline.graph.goal or pipeline.graph.name, 90), "muted")]
        right = [
            (f"{reached} of {len(pipeline.graph.nodes)} nodes reached  ", "muted"),
            (f"{fmt.tokens(tokens)} tokens  {fmt.money(usd)}", "text"),
        ]
        self.query_one("#total", Line).show(left, right)

    def _explain(self, ident: str, *, full: bool = False) -> None:
        pipeline = self.pipeline
        node = None if pipeline is None else pipeline.graph.node(ident)
        if pipeline is None or node is None:
            return
        now = self.factory.fleet.run(self.run_id).moment(self.factory.now_ms())
        if full:
            text = node_text(pipeline, node, now, full=True)
            self.factory.open_text(self.run_id, f"node {node.label}", text)
        else:
            text = node_text(pipeline, node, now, full=self.wide)
            self.query_one(DetailPane).show(f"2 {node.label}", text, "enter in full")

    @on(GraphView.Moved)
    def _moved(self, event: GraphView.Moved) -> None:
        self._explain(event.node)

    @on(GraphView.Opened)
    def _opened(self, event: GraphView.Opened) -> None:
        self._explain(event.node, full=True)

    def action_other(self, direction: int) -> None:
        """Show the next or previous pipeline of this run."""
        keys = [p.key for p in self.factory.fleet.run(self.run_id).pipeline.drawn]
        if len(keys) < 2:
            self.notify("This run has one pipeline only")
            return
        at = keys.index(self._key) if self._key in keys else 0
        self._key = keys[(at + direction) % len(keys)]
        self.query_one(GraphView).follow = True
        self.refresh_all(None)
