"""The pipelines that ship with the package, run with handlers that stand in for the engine's."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factory_tui.attractor import (
    Answer,
    Context,
    Graph,
    Node,
    Outcome,
    PipelineOutcome,
    PipelineRunner,
    QueueInterviewer,
    Severity,
    ToolHandler,
    ToolResult,
    parse_dot,
    prepare_pipeline,
)

FOLDER = Path(__file__).parents[2] / "factory_tui" / "pipelines"
NAMES = sorted(path.stem for path in FOLDER.glob("*.dot"))


def test_they_are_all_there() -> None:
    assert NAMES == ["factory", "plan-build-review", "semport", "three-candidates"]


@pytest.mark.parametrize("name", NAMES)
def test_they_have_no_faults(name: str) -> None:
    graph, found = prepare_pipeline((FOLDER / f"{name}.dot").read_text(), path=name)
    assert [d for d in found if d.rule != "type_known"] == []
    assert {n.type for n in graph.nodes.values() if n.type} <= {"factory.validate", "factory.learn"}
    assert all(d.severity is Severity.WARNING for d in found)


class Step:
    """A handler from a function of the node and the context."""

    def __init__(self, does: Callable[[Node, Context], Outcome]) -> None:
        self.does = does

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        return self.does(node, context)


class World:
    """What the nodes were run with, and what they say."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answers: dict[str, Outcome] = {}
        self.verdicts: list[dict[str, Any]] = []
        self.scores: dict[str, float] = {}

    async def backend(self, node: Node, prompt: str, context: Context) -> Outcome:
        self.calls.append(node.id)
        return self.answers.get(node.id, Outcome())

    def validate(self, node: Node, context: Context) -> Outcome:
        self.calls.append(node.id)
        if node.id in self.scores:  # in a branch
            return Outcome(
                context_updates={"score": self.scores[node.id], "commit": f"c-{node.id}"}
            )
        verdict = self.verdicts.pop(0)
        if node.id == "adopt":
            verdict["commit"] = context.get("parallel.fan_in.best_context")["commit"]
        return Outcome(context_updates=verdict)

    def learn(self, node: Node, context: Context) -> Outcome:
        self.calls.append(node.id)
        return Outcome()

    async def run(self, name: str, **options: Any) -> PipelineOutcome:
        runner = PipelineRunner(
            backend=self.backend,
            handlers={"factory.validate": Step(self.validate), "factory.learn": Step(self.learn)},
            **options,
        )
        return await runner.run(parse_dot((FOLDER / f"{name}.dot").read_text()))


NOT_YET = {"satisfied": "false", "stop": "false"}


async def test_plan_build_review() -> None:
    world = World()
    world.answers["review"] = Outcome.fail("no error message")
    world.verdicts = [dict(NOT_YET), {"satisfied": "true", "stop": "true"}]
    outcome = await world.run("plan-build-review")
    assert outcome.status == "success"
    assert world.calls == [
        "plan", "build", "review", "rework", "validate", "learn",
        "build", "review", "rework", "validate",
    ]  # fmt: skip
    world = World()
    world.verdicts = [{"satisfied": "false", "stop": "true"}]
    assert (await world.run("plan-build-review")).status == "success"
    assert world.calls == ["plan", "build", "review", "validate"]


async def test_three_candidates_keep_the_best_by_satisfaction() -> None:
    world = World()
    world.scores = {"try_a": 0.4, "try_b": 0.9, "try_c": 0.7}
    world.verdicts = [dict(NOT_YET), {"satisfied": "true", "stop": "true"}]
    outcome = await world.run("three-candidates")
    assert outcome.status == "success"
    assert outcome.context.get("parallel.fan_in.best_id") == "build_b"
    assert outcome.context.get("parallel.fan_in.best_score") == 0.9
    assert outcome.context.get("commit") == "c-try_b"
    assert Counter(world.calls[:6]) == Counter(
        ["build_a", "build_b", "build_c", "try_a", "try_b", "try_c"]
    )
    assert world.calls[6:] == ["adopt", "learn", "build", "validate"]


async def test_semport_goes_through_the_upstream_changes() -> None:
    changes = ["c1 fix rounding", "c2 update CI", "c3 rename"]
    ledger: list[str] = []
    tests = [1, 0, 0]

    async def command(line: str) -> ToolResult:
        if line == "semport/next":
            done = len(ledger)
            return ToolResult(0, changes[done]) if done < 3 else ToolResult(3, "", "none left")
        if line == "semport/test":
            return ToolResult(tests.pop(0), "")
        ledger.append(line.split()[-1])
        return ToolResult(0, "")

    class Judging(World):
        async def backend(self, node: Node, prompt: str, context: Context) -> Outcome:
            self.calls.append(node.id)
            if node.id != "assess":
                return Outcome()
            change = context.get_string("tool.output")
            assert change in prompt, "it is told what has changed"
            labels = {"c1": "Applies", "c2": "Does not apply", "c3": "Ask"}
            return Outcome(preferred_label=labels[change[:2]])

    world = Judging()
    runner = PipelineRunner(
        backend=world.backend,
        handlers={"tool": ToolHandler(command)},
        interviewer=QueueInterviewer([Answer("A")]),
    )
    outcome = await runner.run(parse_dot((FOLDER / "semport.dot").read_text()))
    assert outcome.status == "success"
    assert ledger == ["ported", "skipped", "ported"]
    assert world.calls == ["assess", "port_it", "port_it", "assess", "assess", "port_it"]
