"""The running pipeline as the journal tells it: its graph, and what became of every node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from factory_tui.events import Event
from factory_tui.state.spend import decimal

__all__ = [
    "NODE_GLYPHS",
    "PIPELINE_KINDS",
    "Branch",
    "Edge",
    "Graph",
    "Node",
    "NodeRun",
    "Pipeline",
    "PipelineState",
    "Visit",
    "total",
]

NODE_GLYPHS: Final = {
    "idle": "·",
    "live": "●",
    "asks": "?",
    "retrying": "↻",
    "success": "✓",
    "partial_success": "~",
    "fail": "✗",
    "skipped": "○",
    "cancelled": "⊘",
    "stood": "‖",
}
"""One sign per state of a node; "stood": it was live when the run came to rest."""

PIPELINE_KINDS: Final = frozenset(
    {
        "pipeline.started",
        "node.entered",
        "node.retrying",
        "node.left",
        "edge.taken",
        "branch.started",
        "branch.ended",
        "candidate.scored",
        "candidate.kept",
        "spend",
        "question.asked",
        "question.answered",
    }
)


@dataclass(frozen=True, slots=True)
class Node:
    """A node as ``pipeline.started`` lists it; ``layer`` and ``order`` are its place, from 0."""

    id: str
    label: str
    shape: str = ""
    handler: str = ""
    layer: int = 0
    order: int = 0
    group: str = ""
    model: str = ""
    prompt: str = ""
    attrs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge; several between the same two nodes are told apart by ``label``."""

    source: str
    target: str
    label: str = ""
    condition: str = ""
    weight: int = 0
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A pipeline's graph. ``direction`` is the author's: "LR" or "TB"."""

    name: str
    goal: str = ""
    direction: str = "TB"
    start: str = ""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Graph:
        """Read ``pipeline.started``; edges to nodes that are not there are left out."""
        nodes = tuple(_node(item) for item in data.get("nodes") or ())
        known = {node.id for node in nodes}
        edges = tuple(
            Edge(
                source=str(item.get("from")),
                target=str(item.get("to")),
                label=str(item.get("label") or ""),
                condition=str(item.get("condition") or ""),
                weight=int(item.get("weight") or 0),
                restart=bool(item.get("restart")),
            )
            for item in data.get("edges") or ()
            if str(item.get("from")) in known and str(item.get("to")) in known
        )
        return cls(
            name=str(data.get("name") or ""),
            goal=str(data.get("goal") or ""),
            direction=str(data.get("direction") or "TB"),
            start=str(data.get("start") or ""),
            nodes=nodes,
            edges=edges,
        )

    def node(self, ident: str) -> Node | None:
        """A node by its id."""
        return next((node for node in self.nodes if node.id == ident), None)


def _node(item: Mapping[str, Any]) -> Node:
    names = ("id", "label", "shape", "handler", "group", "model", "prompt")
    texts = {name: str(item.get(name) or "") for name in names}
    texts["label"] = texts["label"] or texts["id"]
    attrs = {str(key): str(value) for key, value in (item.get("attrs") or {}).items()}
    return Node(
        **texts,
        layer=max(0, int(item.get("layer") or 0)),
        order=int(item.get("order") or 0),
        attrs=attrs,
    )


@dataclass(slots=True)
class Visit:
    """One time that the run came to a node; ``status`` is "" while it is there."""

    n: int
    branch: str = ""
    entered_ms: int = 0
    ms: int | None = None
    status: str = ""
    attempt: int = 1
    tokens: int = 0
    usd: Decimal = Decimal(0)
    unpriced: bool = False
    calls: int = 0
    notes: str = ""
    error: str = ""
    retrying: bool = False


@dataclass(slots=True)
class NodeRun:
    """What became of a node so far."""

    visits: dict[int, Visit] = field(default_factory=dict)
    question: str = ""

    @property
    def last(self) -> Visit | None:
        """The newest visit."""
        return self.visits[max(self.visits)] if self.visits else None

    @property
    def live(self) -> bool:
        """Whether the run is there now."""
        return any(not visit.status for visit in self.visits.values())

    @property
    def state(self) -> str:
        """A key of :data:`NODE_GLYPHS`."""
        open_visits = [visit for visit in self.visits.values() if not visit.status]
        if open_visits:
            if self.question:
                return "asks"
            return "retrying" if open_visits[-1].retrying else "live"
        last = self.last
        if last is None:
            return "idle"
        return last.status if last.status in NODE_GLYPHS else "fail"

    @property
    def retries(self) -> int:
        """Attempts beyond the first, of all visits."""
        return sum(visit.attempt - 1 for visit in self.visits.values())

    @property
    def tokens(self) -> int:
        """Budget tokens of all visits."""
        return sum(visit.tokens for visit in self.visits.values())

    @property
    def usd(self) -> Decimal | None:
        """Dollars of all visits, None where some price is unknown."""
        if any(visit.unpriced for visit in self.visits.values()):
            return None
        return sum((visit.usd for visit in self.visits.values()), Decimal(0))

    def seconds(self, now_ms: int) -> float:
        """Time spent there, the present visit up to now."""
        total = 0
        for visit in self.visits.values():
            total += max(0, now_ms - visit.entered_ms) if visit.ms is None else visit.ms
        return total / 1000


@dataclass(slots=True)
class Branch:
    """One of several parallel ways; ``status`` is "" while it goes on, ``score`` in 0..1."""

    name: str
    node: str
    start: str = ""
    status: str = ""
    score: float | None = None
    kept: bool = False


@dataclass(slots=True)
class Pipeline:
    """One pipeline of a run: its own one, or the child that a manager node supervises."""

    key: str
    graph: Graph = field(default_factory=lambda: Graph(""))
    nodes: dict[str, NodeRun] = field(default_factory=dict)
    taken: dict[tuple[str, str, str], int] = field(default_factory=dict)
    newest: tuple[str, str, str] | None = None
    branches: dict[str, Branch] = field(default_factory=dict)
    resumed: bool = False

    def run_of(self, node: str) -> NodeRun:
        """What became of a node, made if need be."""
        return self.nodes.setdefault(node, NodeRun())

    @property
    def live(self) -> list[str]:
        """The nodes where the run is now, in the graph's order."""
        return [n.id for n in self.graph.nodes if n.id in self.nodes and self.nodes[n.id].live]

    @property
    def rests_at(self) -> str:
        """The node to look at: the live one entered last, else any, else the start."""
        visits = [
            (not visit.status, visit.entered_ms, at, ident)
            for at, (ident, run) in enumerate(self.nodes.items())
            for visit in run.visits.values()
        ]
        return max(visits)[3] if visits else self.graph.start

    def times(self, edge: Edge) -> int:
        """How often an edge was taken. An edge without a label is told by its ends alone."""
        exact = self.taken.get((edge.source, edge.target, edge.label), 0)
        same = sum(e.source == edge.source and e.target == edge.target for e in self.graph.edges)
        if exact or same > 1:
            return exact
        ends = (edge.source, edge.target)
        count = sum(n for (source, target, _), n in self.taken.items() if (source, target) == ends)
        # Nobody chooses the ways into branches: all of them are taken.
        return count or sum((b.node, b.start) == ends for b in self.branches.values())


@dataclass(slots=True)
class PipelineState:
    """All pipelines of a run, by their key ("" is the run's own)."""

    pipelines: dict[str, Pipeline] = field(default_factory=dict)

    def of(self, key: str) -> Pipeline:
        """A pipeline, made if need be."""
        return self.pipelines.setdefault(key, Pipeline(key))

    @property
    def drawn(self) -> list[Pipeline]:
        """Those whose graph is known, the run's own first."""
        return [p for _, p in sorted(self.pipelines.items()) if p.graph.nodes]

    def apply(self, event: Event) -> None:
        """Fold one event; kinds that tell nothing of a pipeline are skipped."""
        if event.kind not in PIPELINE_KINDS:
            return
        data = event.data
        pipeline = self.of(str(data.get("pipeline") or ""))
        node = str(data.get("node") or "")
        match event.kind:
            case "pipeline.started":
                pipeline.graph = Graph.of(data)
                pipeline.resumed = bool(data.get("resumed"))
            case "node.entered":
                self._entered(pipeline.run_of(node), event, data)
            case "node.retrying":
                visit = self._visit(pipeline.run_of(node), event, data)
                visit.attempt = max(visit.attempt, int(data.get("attempt") or 1))
                visit.error, visit.retrying = str(data.get("error") or ""), True
            case "node.left":
                self._left(pipeline.run_of(node), event, data)
            case "spend" if node:
                self._spent(self._visit(pipeline.run_of(node), event, data), data)
            case "edge.taken":
                ends = (str(data.get("from") or ""), str(data.get("to") or ""))
                key = (*ends, str(data.get("label") or ""))
                pipeline.taken[key] = pipeline.taken.get(key, 0) + 1
                pipeline.newest = key
            case "branch.started" | "branch.ended" | "candidate.scored" | "candidate.kept":
                self._branch(pipeline, event.kind, data)
            case "question.asked" if node:
                pipeline.run_of(node).question = str(data.get("id") or "?")
            case "question.answered" if node:
                pipeline.run_of(node).question = ""
            case _:
                pass

    @staticmethod
    def _visit(run: NodeRun, event: Event, data: Mapping[str, Any]) -> Visit:
        """The visit that an event is about; journals without numbers mean the newest."""
        n = int(data.get("visit") or 0) or (max(run.visits, default=1))
        visit = run.visits.get(n)
        if visit is None:
            visit = run.visits[n] = Visit(n, str(data.get("branch") or ""), event.ts_ms)
        return visit

    def _entered(self, run: NodeRun, event: Event, data: Mapping[str, Any]) -> None:
        if not data.get("visit"):
            data = {**data, "visit": max(run.visits, default=0) + 1}
        visit = self._visit(run, event, data)
        visit.attempt = max(visit.attempt, int(data.get("attempt") or 1))
        visit.retrying, visit.status, visit.ms = False, "", None

    def _left(self, run: NodeRun, event: Event, data: Mapping[str, Any]) -> None:
        visit = self._visit(run, event, data)
        visit.status = str(data.get("status") or "success")
        visit.notes, visit.retrying = str(data.get("notes") or ""), False
        run.question = ""
        visit.error = str(data.get("error") or "")
        visit.attempt = max(1, int(data.get("attempts") or visit.attempt))
        ms = data.get("ms")
        visit.ms = event.ts_ms - visit.entered_ms if ms is None else int(ms)
        if data.get("tokens") is not None:
            # The engine counts a visit as a whole, also what was spent before a restart.
            visit.tokens = int(data["tokens"])
            visit.calls = int(data.get("calls") or 0)
            usd = decimal(data.get("usd"))
            visit.unpriced = usd is None and visit.tokens > 0
            visit.usd = usd or Decimal(0)

    @staticmethod
    def _spent(visit: Visit, data: Mapping[str, Any]) -> None:
        visit.tokens += int(data.get("tokens") or 0)
        visit.calls += 1
        usd = decimal(data.get("usd"))
        visit.unpriced |= usd is None
        visit.usd += usd or Decimal(0)

    @staticmethod
    def _branch(pipeline: Pipeline, kind: str, data: Mapping[str, Any]) -> None:
        name = str(data.get("branch") or "")
        branch = pipeline.branches.get(name)
        if branch is None or kind == "branch.started":
            start = str(data.get("start") or name.rpartition("/")[2])
            branch = Branch(name, str(data.get("node") or ""), start)
            pipeline.branches[name] = branch
        if data.get("score") is not None:
            branch.score = float(data["score"])
        if kind == "branch.ended":
            branch.status = str(data.get("status") or "success")
        elif kind == "candidate.kept":
            for other in pipeline.branches.values():
                other.kept = other is branch


def total(runs: Iterable[NodeRun]) -> tuple[int, Decimal | None]:
    """Tokens and dollars of several nodes; None where some price is unknown."""
    tokens, usd = 0, Decimal(0)
    known = True
    for run in runs:
        tokens += run.tokens
        if run.usd is None:
            known = False
        else:
            usd += run.usd
    return tokens, usd if known else None
