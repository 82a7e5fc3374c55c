"""Going on after a crash: kill -9 at every node, branches that had ended, damaged checkpoints."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_tui.attractor import (
    Checkpoint,
    Context,
    Node,
    Outcome,
    PipelineEvent,
    PipelineOutcome,
    StageStatus,
    load_checkpoint,
    parse_dot,
    run_pipeline,
)
from tests.attractor import killed

ROOT = Path(__file__).parents[2]
WITHIN = ["plan:1", "a:1", "b1:1", "b2:1", "c:1", "gate:1", "plan:2", "b1:2", "gate:2", "done:1"]
AFTER = ["start:1", "plan:1", "a:1", "b1:1", "b2:2", "c:1", "fan:1", "join:1", "gate:1", "plan:2",
         "fan:2", "b2:3", "check:1", "gate:3", "done:1", "exit:1"]  # fmt: skip


async def _killed_and_resumed(tmp_path: Path, place: str, moment: str) -> None:
    whole = await killed.run(tmp_path / "whole")
    assert whole.status == "success"
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, str(Path(killed.__file__)), str(tmp_path / "cut"), place, moment],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == -9, said.decode()
    again = await killed.run(tmp_path / "cut")
    assert killed.result(again) == killed.result(whole)


@pytest.mark.parametrize(
    ("place", "moment"), [("b2:1", "within"), ("gate:2", "within"), ("a:1", "after")]
)
async def test_a_killed_run_ends_the_same(tmp_path: Path, place: str, moment: str) -> None:
    await _killed_and_resumed(tmp_path, place, moment)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "moment"),
    [*((place, "within") for place in WITHIN), *((place, "after") for place in AFTER)],
)
async def test_a_run_killed_at_any_node_ends_the_same(
    tmp_path: Path, place: str, moment: str
) -> None:
    await _killed_and_resumed(tmp_path, place, moment)


class Crash(BaseException):
    """Ends a run in the middle of things, without a process to pay for."""


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_a_run_cut_off_at_any_events_ends_the_same(tmp_path: Path, cuts: list[int]) -> None:
    whole = asyncio.run(killed.run(tmp_path / "whole"))
    run_dir = tmp_path / "-".join(map(str, cuts))
    for cut in cuts:
        left = cut

        def crash(event: PipelineEvent) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash

        try:
            asyncio.run(killed.run(run_dir, on_event=crash))
        except Crash:
            pass
    again = asyncio.run(killed.run(run_dir))
    assert killed.result(again) == killed.result(whole)


# --- branches -------------------------------------------------------------------------------

FAN = """
digraph F {
    start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x]
    fan [shape=component, max_parallel=1 MORE] join [shape=tripleoctagon, prompt=""]
    start -> fan
    fan -> a -> join
    fan -> b -> b2 -> join
    fan -> c -> join
    join -> exit
}
"""


class Counting:
    """A backend that counts visits and crashes in one node, once."""

    def __init__(self, crash_in: str = "", fail: str = "") -> None:
        self.calls: Counter[str] = Counter()
        self.crash_in, self.fail = crash_in, fail

    async def run(self, node: Node, prompt: str, context: Context) -> Outcome:
        self.calls[node.id] += 1
        if node.id == self.crash_in:
            self.crash_in = ""
            raise Crash
        if node.id == self.fail:
            return Outcome.fail("broken")
        return Outcome(context_updates={"by": node.id, "score": ord(node.id[0])})


async def _run(source: str, backend: Any, run_dir: Path) -> PipelineOutcome:
    return await run_pipeline(parse_dot(source), backend=backend, run_dir=run_dir, resume=True)


async def test_finished_branches_are_not_run_again(tmp_path: Path) -> None:
    backend = Counting(crash_in="b2", fail="a")
    with pytest.raises(Crash):
        await _run(FAN.replace("MORE", ""), backend, tmp_path)
    outcome = await _run(FAN.replace("MORE", ""), backend, tmp_path)
    assert backend.calls == {"a": 1, "b": 1, "b2": 2, "c": 1}
    assert outcome.completed_nodes == ["start", "a", "b", "b2", "c", "fan", "join", "exit"]
    assert outcome.node_outcomes["a"].failure_reason == "broken"
    assert outcome.node_outcomes["fan"].status is StageStatus.PARTIAL_SUCCESS
    assert outcome.context.get("parallel.fan_in.best_id") == "c"
    assert outcome.context.get("parallel.fan_in.best_context") == {"by": "c", "score": 99}


async def test_a_crash_right_after_the_branches_runs_none_of_them_again(tmp_path: Path) -> None:
    backend = Counting()

    def crash(event: PipelineEvent) -> None:
        if event.kind == "ParallelCompleted":
            raise Crash

    source = FAN.replace("MORE", "")
    with pytest.raises(Crash):
        await run_pipeline(parse_dot(source), backend=backend, run_dir=tmp_path, on_event=crash)
    outcome = await _run(source, backend, tmp_path)
    assert set(backend.calls.values()) == {1}
    assert outcome.status == "success"


async def test_another_visit_or_attempt_runs_its_branches_anew(tmp_path: Path) -> None:
    source = FAN.replace("MORE", ", join_policy=first_success, max_retries=1")
    source = source.replace("fan -> b -> b2 -> join fan -> c -> join", "")
    for name in "abc":
        source = source.replace(f" {name} ->", f" {name} ->")

    class Failing(Counting):
        async def run(self, node: Node, prompt: str, context: Context) -> Outcome:
            self.calls[node.id] += 1
            return Outcome.fail("broken") if self.calls[node.id] == 1 else Outcome()

    backend = Failing()
    outcome = await _run(source, backend, tmp_path)
    assert outcome.status == "success"
    assert backend.calls["a"] == 2, "the second attempt did not take up the first one's failure"

    loop = FAN.replace("MORE", "").replace(
        "join -> exit", 'join -> exit [condition="context.n=2"] join -> count -> fan'
    )

    def counting(node: Node, prompt: str, context: Context) -> Outcome:
        seen[node.id] += 1
        return Outcome(context_updates={"n": seen["count"] + 1} if node.id == "count" else {})

    seen: Counter[str] = Counter()
    outcome = await _run(loop, counting, tmp_path / "loop")
    assert outcome.status == "success"
    assert seen["a"] == seen["b2"] == 2


async def test_a_run_begun_anew_takes_up_nothing(tmp_path: Path) -> None:
    source = FAN.replace("MORE", "")
    backend = Counting(crash_in="c")
    with pytest.raises(Crash):
        await _run(source, backend, tmp_path)
    outcome = await run_pipeline(parse_dot(source), backend=backend, run_dir=tmp_path)
    assert outcome.status == "success"
    assert backend.calls == {"a": 2, "b": 2, "b2": 2, "c": 2}


async def test_a_damaged_branch_checkpoint_costs_only_the_branch(tmp_path: Path) -> None:
    source = FAN.replace("MORE", "")
    backend = Counting(crash_in="c")
    with pytest.raises(Crash):
        await _run(source, backend, tmp_path)
    (tmp_path / "fan" / "branches" / "a" / "checkpoint.json").write_text("{")
    outcome = await _run(source, backend, tmp_path)
    assert outcome.status == "success"
    assert backend.calls == {"a": 2, "b": 1, "b2": 1, "c": 2}


# --- the checkpoint itself ------------------------------------------------------------------


def test_a_checkpoint_has_the_specifications_form(tmp_path: Path) -> None:
    state = Checkpoint(
        current_node="b",
        completed_nodes=["a", "b"],
        node_retries={"b": 2},
        context_values={"k": {"deep": [1]}, "huge": 2**70},
        logs=["begun"],
        node_outcomes={"a": Outcome(notes="fine")},
        last_outcome=Outcome.fail("no"),
    )
    state.save(tmp_path)
    data = json.loads((tmp_path / "checkpoint.json").read_text())
    assert set(data) >= {"timestamp", "current_node", "completed_nodes", "node_retries", "context",
                         "logs"}  # fmt: skip
    assert load_checkpoint(tmp_path) == state == Checkpoint.load(tmp_path / "checkpoint.json")
    state.save(tmp_path / "elsewhere.json")
    assert Checkpoint.load(str(tmp_path / "elsewhere.json")).context_values["huge"] == 2**70


async def test_retry_counters_come_back(tmp_path: Path) -> None:
    source = """digraph R { start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x]
        a [max_retries=2] start -> a -> b -> exit a -> b [condition="outcome=fail"] }"""

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        if node.id == "b" and not again:
            raise Crash
        return Outcome.fail("no") if node.id == "a" else Outcome()

    again: list[bool] = []
    with pytest.raises(Crash):
        await _run(source, backend, tmp_path)
    assert load_checkpoint(tmp_path).node_retries == {"a": 2}
    again.append(True)
    outcome = await _run(source, backend, tmp_path)
    assert outcome.context.get("internal.retry_count.a") == 2


def test_failures_in_a_row_are_counted_by_what_they_say() -> None:
    state = Checkpoint()
    same = [
        Outcome.fail(f"schema 1{n} is wrong, request req_0{n}af3c9d1{n}", terminal=True)
        for n in range(3)
    ]
    assert [state.count_failure("n", outcome) for outcome in same] == [1, 2, 3]
    assert state.count_failure("m", same[0]) == 1, "another node"
    assert state.count_failure("n", Outcome()) == 0
    assert state.count_failure("n", same[0]) == 1, "a success in between begins anew"
    progress = [Outcome.fail(f"{left} tests failed") for left in (9, 5, 2)]
    assert [state.count_failure("n", outcome) for outcome in progress] == [1, 1, 1]


async def test_a_failure_that_stays_the_same_ends_any_cycle_some_day(tmp_path: Path) -> None:
    source = """digraph C { start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x] MORE
        n [goal_gate=true, retry_target=fix] start -> n -> exit fix -> n }"""
    calls: Counter[str] = Counter()

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        calls[node.id] += 1
        return Outcome.fail("exit code 1") if node.id == "n" else Outcome()

    outcome = await _run(source.replace("MORE", ""), backend, tmp_path / "a")
    assert outcome.status == "fail"
    assert "n failed the same way 10 times: exit code 1" in outcome.failure_reason
    assert calls == {"n": 10, "fix": 9}
    calls.clear()
    await _run(source.replace("MORE", "max_same_failures=3"), backend, tmp_path / "b")
    assert calls == {"n": 3, "fix": 2}


async def test_a_hopeless_failure_in_a_branch_ends_the_branch(tmp_path: Path) -> None:
    source = FAN.replace("MORE", "").replace("a -> join", "a -> join a [retry_target=a]", 1)
    calls: Counter[str] = Counter()

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        calls[node.id] += 1
        return Outcome.fail("bad key", terminal=True) if node.id == "a" else Outcome()

    outcome = await _run(source, backend, tmp_path)
    assert calls["a"] == 2
    assert outcome.node_outcomes["fan"].status is StageStatus.PARTIAL_SUCCESS
