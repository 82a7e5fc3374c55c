"""What viewers see of a pipeline: its graph, the live nodes, retries, cost, the ways taken."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from factory_tui.attractor import (
    Graph,
    ParallelBranchCompleted,
    ParallelBranchStarted,
    ParallelCompleted,
    PipelineEvent,
    PipelineRestarted,
    PipelineStarted,
    StageCompleted,
    StageFailed,
    StageRetrying,
    StageStarted,
    current_trace,
)
from factory_tui.engine.graphs import graph_data
from factory_tui.engine.places import Places
from factory_tui.engine.runtime import Runtime
from factory_tui.engine.where import FRAME, Where, branch_key, branch_name
from factory_tui.text import clean

__all__ = ["Tracker"]


class Tracker:
    """Turns the attractor's events into the journal's, and opens the branches' workspaces."""

    def __init__(self, runtime: Runtime, places: Places) -> None:
        self.runtime, self.places = runtime, places
        self._book = runtime.store.book(runtime.run_id)
        self._began: dict[tuple[str, str, str], tuple[Where, float]] = {}
        self._graphs: dict[str, str] = {}
        self._errors: dict[tuple[str, str, str], str] = {}
        self._branches: set[str] = set()
        self._ended: set[str] = set()
        kinds = ["pipeline.started", "branch.started", "branch.ended"]
        for event in runtime.store.events(run_id=runtime.run_id, kinds=kinds, limit=1_000_000):
            if event.kind == "pipeline.started":
                self._graphs[str(event.data.get("pipeline", ""))] = str(event.data.get("hash"))
            elif event.kind == "branch.started":
                self._branches.add(str(event.data.get("key")))
            else:
                self._ended.add(str(event.data.get("key")))

    def __call__(self, event: PipelineEvent, graph: Graph, file: str) -> None:
        """Take in one event of a pipeline, in the context of what it is about."""
        match event:
            case PipelineStarted():
                self._started(event, graph, file)
            case StageStarted():
                self._entered(event, graph)
            case StageRetrying():
                self._retrying(event)
            case StageCompleted():
                self._left(event.status, event.notes, "", event.duration)
            case StageFailed(will_retry=False):
                self._left("fail", "", event.error, None)
            case StageFailed():
                self._errors[_live(self.runtime.where())] = clean(event.error, limit=2000)
            case ParallelBranchStarted():
                self._branch_started(event)
            case ParallelBranchCompleted():
                status = "success" if event.success else "fail"
                self._branch_ended(event.branch, status, event.duration)
            case ParallelCompleted():
                self._call_off(graph)
            case PipelineRestarted():
                text = f"the pipeline starts over at {event.at} (restart {event.count})"
                self.runtime.emit("note", {"text": text, "level": "info"})
            case _:
                pass

    def _started(self, event: PipelineStarted, graph: Graph, file: str) -> None:
        pipeline = FRAME.get().pipeline
        data = graph_data(graph)
        if self._graphs.get(pipeline) == data["hash"]:
            return
        self._graphs[pipeline] = data["hash"]
        where = self.runtime.where().data()
        about = {**where, "pipeline": pipeline, "node": "", "visit": 0}
        self.runtime.emit(
            "pipeline.started", {**about, **data, "file": file, "resumed": event.resumed}
        )

    def _entered(self, event: StageStarted, graph: Graph) -> None:
        runtime, where = self.runtime, self.runtime.where()
        fresh = not runtime.visits.knows(where)
        runtime.visits.number(where.pipeline, where.node, where.key)
        self._began.setdefault(_live(where), (where, time.monotonic()))
        node = graph.nodes.get(event.name)
        # Together: by the second event a restart knows that the first was told.
        with runtime.store.transaction():
            if fresh:
                self._edge(where, graph)
            runtime.emit(
                "node.entered",
                {
                    **where.data(),
                    "handler": event.handler,
                    "label": node.label if node else event.name,
                    "attempt": where.attempt,
                    "key": where.key,
                },
            )

    def _edge(self, where: Where, graph: Graph) -> None:
        trace = current_trace.get()
        edge, label = trace.entered, ""
        if trace.completed:
            came, how = trace.completed[-1], "jump"
            if edge is not None and edge.from_node == came:
                how, label = "edge", edge.label
            elif came in graph.nodes and graph.nodes[came].handler_type == "parallel":
                how = "join"
        elif "/" in trace.name:  # the first node of a branch
            came, how = trace.name.rpartition("/")[2].partition("@")[0], "edge"
        else:
            return
        about = {"pipeline": where.pipeline, "branch": where.branch}
        self.runtime.emit(
            "edge.taken", {"from": came, "to": where.node, "label": label, "how": how, **about}
        )

    def _retrying(self, event: StageRetrying) -> None:
        where = self.runtime.where()
        error = self._errors.pop(_live(where), "")
        data = {"attempt": event.attempt, "delay_s": round(event.delay, 3), "error": error}
        self.runtime.emit("node.retrying", {**where.data(), **data})

    def _left(self, status: str, notes: str, error: str, seconds: float | None) -> None:
        where = self.runtime.where()
        _, began = self._began.pop(_live(where), (where, time.monotonic()))
        spent = time.monotonic() - began if seconds is None else seconds
        self._tell_left(where, status, notes, error, spent)

    def _tell_left(self, where: Where, status: str, notes: str, error: str, seconds: float) -> None:
        self.runtime.emit(
            "node.left",
            {
                **where.data(),
                "status": status,
                "notes": clean(notes, limit=2000),
                "error": clean(error, limit=2000),
                "attempts": where.attempt,
                "ms": round(seconds * 1000),
                **self._cost(where),
            },
        )

    def _cost(self, where: Where) -> Mapping[str, Any]:
        data = where.data()
        tokens, usd, calls = self._book.spent_at(**data)
        shown: Decimal | None = usd
        return {
            "tokens": tokens,
            "usd": None if shown is None else f"{shown:f}",
            "calls": calls,
        }

    # -- branches ------------------------------------------------------------------------

    def _branch_started(self, event: ParallelBranchStarted) -> None:
        trace, where = current_trace.get(), self.runtime.where()
        way = f"{trace.visit}:{event.branch}"
        key = branch_key(way)
        place = self.places.open(key, way, parent=where.place)
        if key in self._branches:
            return
        self._branches.add(key)
        self.runtime.emit(
            "branch.started",
            {
                "branch": place.name,
                "node": where.node,
                "pipeline": where.pipeline,
                "start": event.branch,
                "index": event.index,
                "base": place.row.base,
                "key": key,
            },
        )

    def _branch_ended(self, start: str, status: str, seconds: float) -> None:
        trace, where = current_trace.get(), self.runtime.where()
        way = f"{trace.visit}:{start}"
        key = branch_key(way)
        if key in self._ended or key not in self._branches:
            return
        self._ended.add(key)
        row = self.runtime.store.place(self.runtime.run_id, key)
        overall = (row.scores.get("overall") or {}) if row else {}
        name = "/".join(filter(None, (FRAME.get().branch, branch_name(way))))
        self.runtime.emit(
            "branch.ended",
            {
                "branch": name,
                "node": where.node,
                "pipeline": where.pipeline,
                "status": status,
                "score": overall.get("rate"),
                "ms": round(seconds * 1000),
                "key": key,
            },
        )

    def _call_off(self, graph: Graph) -> None:
        """Close what was under way in branches that another branch's success called off."""
        trace = current_trace.get()
        for edge in graph.outgoing_edges(trace.at):
            key = branch_key(f"{trace.visit}:{edge.to_node}")
            for live, (where, began) in list(self._began.items()):
                if where.place == key or where.place.startswith(f"{key}/"):
                    del self._began[live]
                    spent = time.monotonic() - began
                    self._tell_left(where, "cancelled", "another branch won", "", spent)
            self._branch_ended(edge.to_node, "cancelled", 0.0)


def _live(where: Where) -> tuple[str, str, str]:
    return where.pipeline, where.place, where.node
