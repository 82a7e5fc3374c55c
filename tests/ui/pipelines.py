"""Journals of pipelines, as an engine writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from factory_tui.attractor import parse_dot
from factory_tui.attractor.layout import lay_out
from factory_tui.store import Store
from tests.ui.conftest import Factory

__all__ = ["GATE", "SHIPPED", "graph", "loop", "three"]

SHIPPED = Path(__file__).parents[2] / "factory_tui" / "pipelines"

GATE = """digraph gate {
    graph [label="Release gate", goal="Ship only what a person has looked at"]
    start [shape=Mdiamond, label="Start"]
    exit [shape=Msquare, label="Exit"]
    build [label="Build", prompt="Build what the spec says."]
    review [label="Ship it?", shape=hexagon]
    start -> build -> review
    review -> exit [label="[Y] Yes, ship"]
    review -> build [label="[N] No, once more"]
}"""


def graph(text: str) -> dict[str, Any]:
    """The data of ``pipeline.started`` for a DOT text."""
    found = parse_dot(text)
    layout = lay_out(found)
    start = found.start_node()
    return {
        "node": "",
        "pipeline": "",
        "branch": "",
        "visit": 0,
        "name": found.label or found.id,
        "goal": found.goal,
        "direction": "LR" if found.attrs.get("rankdir") == "LR" else "TB",
        "start": start.id if start else "",
        "hash": "c0ffee",
        "resumed": False,
        "nodes": [
            {
                "id": ident,
                "label": found.nodes[ident].label,
                "shape": found.nodes[ident].shape,
                "handler": found.nodes[ident].handler_type,
                "layer": layer,
                "order": order,
                "group": "",
                "model": "claude-opus-5-5" if found.nodes[ident].shape == "box" else "",
                "prompt": found.nodes[ident].prompt,
                "attrs": {"fidelity": "full"} if found.nodes[ident].shape == "box" else {},
            }
            for layer, row in enumerate(layout.layers)
            for order, ident in enumerate(row)
        ],
        "edges": [
            {
                "from": e.from_node,
                "to": e.to_node,
                "label": e.label,
                "condition": e.condition,
                "weight": e.weight,
                "back": False,
                "restart": False,
            }
            for e in found.edges
        ],
    }


class Teller:
    """Writes what a pipeline does."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.visits: dict[str, int] = {}

    def say(self, kind: str, seconds: float = 0.0, **data: Any) -> None:
        self.factory.clock.step(seconds)
        self.factory.append(kind, data, iteration=1)

    def rest(self, seconds: float) -> None:
        """Let time go by in which the engine lives but says nothing."""
        self.factory.clock.step(seconds)
        with Store.open(self.factory.path) as store:
            store.update_run("7f3a", heartbeat_ms=self.factory.clock())

    def enter(self, node: str, branch: str = "", seconds: float = 0.0) -> None:
        self.visits[node] = self.visits.get(node, 0) + 1
        self.say("node.entered", seconds, **self.where(node, branch), handler="", attempt=1)

    def where(self, node: str, branch: str = "") -> dict[str, Any]:
        return {
            "node": node,
            "pipeline": "",
            "branch": branch,
            "visit": self.visits.get(node, 1),
        }

    def spend(self, node: str, tokens: int, usd: str, branch: str = "") -> None:
        money = {"tokens": tokens, "usd": usd, "role": "builder", "model": "m"}
        self.say("spend", **money, state="committed", **self.where(node, branch))

    def leave(
        self, node: str, to: str = "", label: str = "", branch: str = "", **more: Any
    ) -> None:
        data = {"status": "success", "notes": "", "error": "", "attempts": 1, **more}
        self.say("node.left", **self.where(node, branch), **data)
        if to:
            ends = {"from": node, "to": to}
            self.say("edge.taken", **ends, label=label, how="edge", pipeline="", branch=branch)

    def walk(self, *nodes: str, seconds: float = 1.0) -> None:
        """Through several nodes, the last one is left towards nowhere yet."""
        for node, to in zip(nodes, [*nodes[1:], ""], strict=True):
            self.enter(node, seconds=seconds)
            self.leave(node, to, ms=int(seconds * 1000), tokens=0, usd="0", calls=0)


def loop(factory: Factory) -> Teller:
    """The factory's own loop, in its second build, after one retry."""
    tell = Teller(factory)
    tell.say("pipeline.started", **graph((SHIPPED / "factory.dot").read_text()))
    tell.walk("start")
    tell.say("edge.taken", **{"from": "start", "to": "build"}, label="", how="edge")
    tell.enter("build", seconds=2)
    tell.spend("build", 41_200, "0.37")
    tell.say(
        "node.retrying", 30, **tell.where("build"), attempt=2, delay_s=1, error="529 overloaded"
    )
    tell.leave("build", "validate", ms=64_000, tokens=48_100, usd="0.43", calls=12, attempts=2)
    tell.enter("validate", seconds=2)
    tell.leave("validate", "satisfied", ms=31_000, tokens=9_000, usd="0.08", calls=6)
    tell.enter("satisfied")
    tell.leave("satisfied", "learn", "Not yet", ms=0, tokens=0, usd="0", calls=0)
    tell.enter("learn")
    tell.leave("learn", "build", ms=900, tokens=1_200, usd="0.01", calls=1)
    tell.enter("build")
    tell.spend("build", 12_000, "0.10")
    tell.rest(21)
    return tell


def three(factory: Factory) -> Teller:
    """Three candidates side by side: one done and tried, one building, one failed."""
    tell = Teller(factory)
    tell.say("pipeline.started", **graph((SHIPPED / "three-candidates.dot").read_text()))
    tell.walk("start")
    tell.say("edge.taken", **{"from": "start", "to": "fan"}, label="", how="edge")
    tell.enter("fan")
    for index, name in enumerate("abc"):
        branch = f"build_{name}"
        about = {"node": "fan", "pipeline": "", "start": branch, "index": index, "base": ""}
        tell.say("branch.started", branch=branch, **about)
        tell.enter(branch, branch, seconds=1)
        tell.spend(branch, 20_000 + 3_000 * index, "0.20", branch)
    tell.leave("build_a", "try_a", branch="build_a", ms=40_000, tokens=26_000, usd="0.24", calls=7)
    tell.enter("try_a", "build_a")
    tell.leave("try_a", branch="build_a", ms=12_000, tokens=4_000, usd="0.03", calls=3)
    ended = {"branch": "build_a", "node": "fan", "pipeline": ""}
    tell.say("branch.ended", **ended, status="success", score=0.82, ms=52_000)
    tell.leave(
        "build_c", branch="build_c", status="fail", error="the model gave up", ms=9_000,
        tokens=26_000, usd="0.25", calls=3,
    )  # fmt: skip
    tell.say("branch.ended", **{**ended, "branch": "build_c"}, status="fail", score=None, ms=9_000)
    tell.rest(8)
    return tell
