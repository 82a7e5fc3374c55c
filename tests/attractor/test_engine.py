"""Running pipelines: routing, retries, gates, handlers, checkpoints."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from factory_tui.attractor import (
    Answer,
    AnswerValue,
    BackoffConfig,
    CallbackInterviewer,
    CheckpointError,
    Context,
    Graph,
    Handler,
    HandlerRegistry,
    Node,
    Outcome,
    PipelineEvent,
    PipelineOutcome,
    PipelineRunner,
    QueueInterviewer,
    StageStatus,
    ValidationError,
    load_checkpoint,
    parse_dot,
    run_pipeline,
)

SMOKE = """
digraph test_pipeline {
    graph [goal="Create a hello world Python script"]

    start       [shape=Mdiamond]
    plan        [shape=box, prompt="Plan how to create a hello world script for: $goal"]
    implement   [shape=box, prompt="Write the code based on the plan", goal_gate=true]
    review      [shape=box, prompt="Review the code for correctness"]
    done        [shape=Msquare]

    start -> plan
    plan -> implement
    implement -> review [condition="outcome=success"]
    implement -> plan   [condition="outcome=fail", label="Retry"]
    review -> done      [condition="outcome=success"]
    review -> implement [condition="outcome=fail", label="Fix"]
}
"""


class Script:
    """A backend whose answers are scripted per node; the last one repeats."""

    def __init__(self, **answers: Sequence[str | Outcome | Exception]) -> None:
        self.answers = {node: list(given) for node, given in answers.items()}
        self.calls: list[str] = []
        self.prompts: dict[str, str] = {}

    async def run(self, node: Node, prompt: str, context: Context) -> str | Outcome:
        self.calls.append(node.id)
        self.prompts[node.id] = prompt
        await asyncio.sleep(0)
        queue = self.answers.get(node.id, ["ok"])
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def fail(reason: str = "broken") -> Outcome:
    return Outcome.fail(reason)


async def run(source: str, tmp_path: Path | None = None, **options: Any) -> PipelineOutcome:
    options.setdefault("backoff", BackoffConfig(initial_delay_ms=1, jitter=False))
    return await run_pipeline(parse_dot(source), run_dir=tmp_path, **options)


def flow(body: str) -> str:
    return f"digraph P {{ start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x] {body} }}"


async def test_the_specifications_smoke_test(tmp_path: Path) -> None:
    backend = Script()
    outcome = await run(SMOKE, tmp_path, backend=backend)
    assert outcome.status == "success"
    assert outcome.completed_nodes == ["start", "plan", "implement", "review", "done"]
    assert "for: Create a hello world Python script" in backend.prompts["plan"]
    for node in ("plan", "implement", "review"):
        assert {path.name for path in (tmp_path / node).iterdir()} == {
            "prompt.md",
            "response.md",
            "status.json",
        }
    assert json.loads((tmp_path / "plan" / "status.json").read_text())["outcome"] == "success"
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.current_node == "done"
    assert {"plan", "implement", "review"} <= set(checkpoint.completed_nodes)
    assert outcome.node_outcomes["implement"].status.ok
    assert json.loads((tmp_path / "manifest.json").read_text())["goal"].startswith("Create")


async def test_fail_and_success_edges(tmp_path: Path) -> None:
    backend = Script(implement=[fail(), "ok"], review=[fail(), "ok"])
    outcome = await run(SMOKE, backend=backend)
    assert outcome.status == "success"
    assert backend.calls == ["plan", "implement", "plan", "implement", "review", "implement",
                             "review"]  # fmt: skip


async def test_without_a_backend_stages_are_simulated(tmp_path: Path) -> None:
    outcome = await run(SMOKE, tmp_path)
    assert outcome.status == "success"
    text = (tmp_path / "plan" / "response.md").read_text()
    assert text == "[Simulated] Response for stage: plan"


async def test_a_pipeline_with_errors_does_not_run() -> None:
    with pytest.raises(ValidationError):
        await run("digraph P { start [shape=Mdiamond] start -> a a [prompt=x] }")


# --- edges ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "outcome", "expected"),
    [
        ('n -> a [weight=9] n -> b [condition="outcome=success"]', Outcome(), "b"),
        ('n -> a [condition="outcome=fail"] n -> b', Outcome(), "b"),
        ('n -> a [weight=9] n -> b [label="[Y] Yes"]', Outcome(preferred_label="yes"), "b"),
        ('n -> a [label="A"] n -> b [label="Y) Yes"]', Outcome(preferred_label="Y - YES"), "b"),
        ("n -> a [weight=9] n -> b", Outcome(suggested_next_ids=["zz", "b"]), "b"),
        ("n -> a n -> b [weight=1]", Outcome(), "b"),
        ("n -> b n -> a", Outcome(), "a"),
        (
            'n -> a [condition="outcome=success", weight=1]'
            ' n -> b [condition="outcome!=fail", weight=2]',
            Outcome(),
            "b",
        ),
        (
            'n -> a [label=x] n -> b [condition="preferred_label=x"]',
            Outcome(preferred_label="x"),
            "b",
        ),
        (
            'n -> a n -> b [condition="context.k=true"]',
            Outcome(context_updates={"k": True}),
            "b",
        ),
    ],
)
async def test_the_five_steps_of_edge_selection(
    edges: str, outcome: Outcome, expected: str
) -> None:
    backend = Script(n=[outcome])
    await run(flow(f"start -> n {edges} a -> exit b -> exit"), backend=backend)
    assert backend.calls == ["n", expected]


async def test_a_dead_end_ends_the_pipeline() -> None:
    source = flow('start -> n n -> exit [condition="outcome=fail"]')
    assert (await run(source)).status == "success"


async def test_a_failure_without_a_route_ends_the_pipeline() -> None:
    outcome = await run(flow("start -> n -> exit"), backend=Script(n=[fail("no disk")]))
    assert outcome.status is StageStatus.FAIL
    assert outcome.failure_reason == "no disk"
    assert outcome.completed_nodes == ["start", "n"]


async def test_a_failure_jumps_to_the_retry_target_then_the_fallback() -> None:
    for attribute in ("retry_target=fix", "retry_target=gone, fallback_retry_target=fix"):
        backend = Script(n=[fail(), "ok"])
        source = flow(f"start -> n -> exit n [{attribute}] fix -> n")
        assert (await run(source, backend=backend)).status == "success"
        assert backend.calls == ["n", "fix", "n"]


async def test_a_fail_edge_goes_before_the_retry_target() -> None:
    backend = Script(n=[fail()])
    source = flow(
        'start -> n n -> exit n -> b [condition="outcome=fail"] n [retry_target=c] c -> n b -> exit'
    )
    await run(source, backend=backend)
    assert backend.calls == ["n", "b"]


BRANCH = """
digraph Branch {
    start [shape=Mdiamond] exit [shape=Msquare]
    plan [prompt=p] implement [prompt=i] validate [prompt=v]
    gate [shape=diamond, label="Tests passing?"]
    start -> plan -> implement -> validate -> gate
    gate -> exit      [label="Yes", condition="outcome=success"]
    gate -> implement [label="No", condition="outcome!=success"]
}
"""


async def test_a_diamond_decides_on_the_outcome_before_it() -> None:
    backend = Script(validate=[fail(), "ok"])
    outcome = await run(BRANCH, backend=backend)
    assert outcome.status == "success"
    assert backend.calls == ["plan", "implement", "validate", "implement", "validate"]


async def test_a_diamond_without_a_way_for_a_failure_fails() -> None:
    source = flow('g [shape=diamond] start -> n -> g g -> exit [condition="outcome=success"]')
    outcome = await run(source, backend=Script(n=[fail("why")]))
    assert (outcome.status, outcome.failure_reason) == ("fail", "why")


async def test_context_updates_are_seen_by_the_next_stage() -> None:
    seen = []

    async def backend(node: Node, prompt: str, context: Context) -> Outcome:
        seen.append((node.id, context.get("n"), context.get_string("outcome")))
        return Outcome(context_updates={"n": (context.get("n") or 0) + 1})

    outcome = await run(flow("start -> a -> b -> c -> exit"), backend=backend)
    assert seen == [("a", None, "success"), ("b", 1, "success"), ("c", 2, "success")]
    assert outcome.context.get("n") == 3
    assert outcome.context.get("current_node") == "exit"


# --- goal gates -----------------------------------------------------------------------------


async def test_an_unsatisfied_gate_blocks_the_exit() -> None:
    source = flow('start -> n n -> exit [condition="outcome=fail"] n [goal_gate=true]')
    outcome = await run(source, backend=Script(n=[fail()]))
    assert outcome.status == "fail"
    assert "Goal gate unsatisfied and no retry target" in outcome.failure_reason


@pytest.mark.parametrize(
    ("node", "graph"),
    [
        ("retry_target=fix", ""),
        ("fallback_retry_target=fix", ""),
        ("label=n", "retry_target=fix"),
        ("retry_target=gone", "fallback_retry_target=fix"),
    ],
)
async def test_an_unsatisfied_gate_leads_to_its_target(node: str, graph: str) -> None:
    backend = Script(n=[fail(), Outcome(StageStatus.PARTIAL_SUCCESS)])
    source = flow(
        f'{graph} start -> n n -> later n -> later [condition="outcome=fail"] later -> exit'
        f" n [goal_gate=true, {node}] fix -> n"
    )
    outcome = await run(source, backend=backend)
    assert outcome.status == "success"
    assert backend.calls == ["n", "later", "fix", "n", "later"]


# --- retries --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first", [fail(), Outcome(StageStatus.RETRY), ConnectionError("reset"), TimeoutError("slow")]
)
async def test_a_failing_stage_is_tried_again(first: Outcome | Exception) -> None:
    backend = Script(n=[first, first, "ok"])
    events: list[PipelineEvent] = []
    outcome = await run(
        flow("start -> n -> exit n [max_retries=2]"), backend=backend, on_event=events.append
    )
    assert outcome.status == "success"
    assert backend.calls == ["n"] * 3
    kinds = [event.kind for event in events if "name" in event.to_json()]
    assert kinds.count("StageRetrying") == 2
    assert outcome.context.get("internal.retry_count.n") == 0


async def test_retries_end_and_the_last_outcome_counts() -> None:
    backend = Script(n=[fail("a"), fail("b"), fail("c")])
    outcome = await run(flow("default_max_retries=1 start -> n -> exit"), backend=backend)
    assert backend.calls == ["n", "n"]
    assert outcome.failure_reason == "b"
    outcome = await run(
        flow("start -> n -> exit n [max_retries=1, allow_partial=true]"),
        backend=Script(n=[Outcome(StageStatus.RETRY)]),
    )
    assert outcome.node_outcomes["n"].status is StageStatus.PARTIAL_SUCCESS
    outcome = await run(
        flow("start -> n -> exit n [max_retries=1]"),
        backend=Script(n=[Outcome(StageStatus.RETRY, failure_reason="busy")]),
    )
    assert outcome.failure_reason == "max retries exceeded: busy"


async def test_an_accepted_part_is_told_as_completed() -> None:
    seen: list[PipelineEvent] = []
    await run(
        flow("start -> n -> exit n [max_retries=1, allow_partial=true]"),
        backend=Script(n=[Outcome(StageStatus.RETRY, failure_reason="busy")]),
        on_event=seen.append,
    )
    told = [(e.kind, e.to_json()) for e in seen if e.to_json().get("name") == "n"]
    assert [kind for kind, _ in told] == [
        *("StageStarted", "StageFailed", "StageRetrying", "StageStarted", "StageCompleted")
    ]
    assert told[1][1]["will_retry"] is True
    assert told[-1][1]["status"] == "partial_success"
    assert told[-1][1]["notes"] == "retries exhausted, partial accepted: busy"


async def test_what_cannot_get_better_is_not_tried_again() -> None:
    class Denied(Exception):
        status_code = 401

    for error in (Denied("key"), ValueError("bad request"), Outcome.fail("no", terminal=True)):
        backend = Script(n=[error])
        await run(flow("start -> n -> exit n [max_retries=5]"), backend=backend)
        assert backend.calls == ["n"]


async def test_the_same_hopeless_failure_twice_stops_a_cycle() -> None:
    backend = Script(n=[Outcome.fail("schema is wrong", terminal=True)])
    source = flow('start -> n n -> exit n -> fix [condition="outcome=fail"] fix -> n')
    outcome = await run(source, backend=backend)
    assert outcome.status == "fail"
    assert "the same way 2 times: schema is wrong" in outcome.failure_reason
    assert backend.calls == ["n", "fix", "n"]


async def test_waiting_times_grow() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    runner = PipelineRunner(
        backend=Script(n=[fail()]), sleep=sleep, backoff=BackoffConfig(jitter=False)
    )
    await runner.run(parse_dot(flow("start -> n -> exit n [max_retries=3]")))
    assert waits == [0.2, 0.4, 0.8]
    waits.clear()
    runner = PipelineRunner(backend=Script(n=[fail()]), sleep=sleep)
    await runner.run(parse_dot(flow("start -> n -> exit n [retry_policy=patient]")))
    assert [1 <= wait / base < 3 for wait, base in zip(waits, (1, 3), strict=True)] == [True] * 2


async def test_a_stage_has_its_time() -> None:
    async def slow(node: Node, prompt: str, context: Context) -> str:
        await asyncio.sleep(60)
        return "never"

    outcome = await run(flow("start -> n -> exit n [timeout=20ms]"), backend=slow)
    assert outcome.failure_reason == "timed out after 0.02 s"


# --- handlers -------------------------------------------------------------------------------


class Returning:
    """A handler that returns the same thing each time."""

    def __init__(self, result: Outcome | None, *, write: str = "") -> None:
        self.result, self.write = result, write

    async def execute(
        self, node: Node, context: Context, graph: Graph, run_dir: Path
    ) -> Outcome | None:
        if self.write:
            (run_dir / node.id).mkdir(exist_ok=True)
            (run_dir / node.id / "status.json").write_text(self.write)
        return self.result


@pytest.mark.parametrize(
    ("handler", "attributes", "status", "said"),
    [
        (Returning(Outcome(notes="fine")), "", "success", "fine"),
        (Returning(None, write='{"outcome": "success", "notes": "file"}'), "", "success", "file"),
        (Returning(None, write='{"outcome": "fail", "failure_reason": "f"}'), "", "fail", "f"),
        (Returning(None), ", auto_status=true", "success", "auto-status"),
        (Returning(None), "", "fail", "reported no status"),
        (Returning(None, write="{"), "", "fail", "not JSON"),
        (Returning(None, write='{"outcome": "maybe"}'), "", "fail", "must be one of"),
    ],
)
async def test_custom_handlers_and_the_status_file(
    handler: Handler, attributes: str, status: str, said: str, tmp_path: Path
) -> None:
    source = flow(f'start -> n -> exit n [type="my.type"{attributes}]')
    outcome = await run(source, tmp_path, handlers={"my.type": handler})
    got = outcome.node_outcomes["n"]
    assert got.status == status
    assert said in got.notes + got.failure_reason
    assert json.loads((tmp_path / "n" / "status.json").read_text())["outcome"] == status


async def test_a_handler_that_breaks_is_a_failed_stage() -> None:
    class Broken:
        async def execute(self, *_: Any) -> Outcome:
            raise RuntimeError("bang")

    outcome = await run(flow("start -> n -> exit n [type=mine]"), handlers={"mine": Broken()})
    assert (outcome.status, outcome.failure_reason) == ("fail", "bang")


async def test_an_agent_reports_through_the_status_file(tmp_path: Path) -> None:
    def backend(node: Node, prompt: str, context: Context) -> str:
        if node.id == "n":
            status = {"outcome": "success", "preferred_label": "B", "context_updates": {"k": 1}}
            (tmp_path / "n" / "status.json").write_text(json.dumps(status))
        return "text"

    outcome = await run(
        flow("start -> n n -> a [weight=9] n -> b [label=B] a -> exit b -> exit"),
        tmp_path,
        backend=backend,
    )
    assert outcome.completed_nodes == ["start", "n", "b", "exit"]
    assert outcome.context.get("k") == 1
    assert (tmp_path / "n" / "response.md").read_text() == "text"


async def test_a_registry_replaces_built_in_handlers() -> None:
    registry = HandlerRegistry({"codergen": Returning(Outcome(notes="mine"))})
    outcome = await run(flow("start -> n -> exit"), handlers=registry)
    assert outcome.node_outcomes["n"].notes == "mine"


GATE = """
digraph Review {
    start [shape=Mdiamond] exit [shape=Msquare]
    review_gate [shape=hexagon, label="Review Changes", type="wait.human"ATTRS]
    start -> review_gate
    review_gate -> ship_it [label="[A] Approve"]
    review_gate -> fixes   [label="[F] Fix"]
    ship_it -> exit
    fixes -> review_gate
}
"""


async def test_a_person_decides() -> None:
    answers = QueueInterviewer([Answer("f"), Answer("[A] Approve")])
    outcome = await run(GATE.replace("ATTRS", ""), interviewer=answers)
    assert outcome.completed_nodes == [
        "start", "review_gate", "fixes", "review_gate", "ship_it", "exit",
    ]  # fmt: skip
    assert outcome.context.get("human.gate.selected") == "A"
    assert outcome.node_outcomes["review_gate"].preferred_label == "[A] Approve"


async def test_a_person_who_declines_lets_nothing_through() -> None:
    outcome = await run(GATE.replace("ATTRS", ""), interviewer=QueueInterviewer([]))
    assert outcome.status == "fail"
    assert outcome.failure_reason == "human skipped interaction"
    assert "ship_it" not in outcome.completed_nodes


async def test_nobody_answers_in_time() -> None:
    async def never(question: Any) -> Answer:
        await asyncio.sleep(60)
        return Answer(AnswerValue.YES)

    source = GATE.replace("ATTRS", ", timeout=20ms, human.default_choice=ship_it")
    events: list[PipelineEvent] = []
    outcome = await run(
        source,
        interviewer=CallbackInterviewer(never),
        on_event=events.append,
    )
    assert "ship_it" in outcome.completed_nodes
    assert "InterviewTimeout" in [event.kind for event in events]
    source = GATE.replace("ATTRS", ", timeout=20ms")
    outcome = await run(source, interviewer=CallbackInterviewer(never))
    assert "human gate timeout, no default" in outcome.failure_reason


async def test_tools_run_commands(tmp_path: Path) -> None:
    source = flow(
        'start -> t -> exit t [shape=parallelogram, tool_command="echo $((6*7)); echo no >&2"]'
    )
    outcome = await run(source, tmp_path)
    assert outcome.context.get("tool.output") == "42\n"
    assert (tmp_path / "t" / "stderr.txt").read_text() == "no\n"
    outcome = await run(source.replace("echo $", "exit 3; $"))
    assert outcome.failure_reason == "exit code 3"
    outcome = await run(flow("start -> t -> exit t [shape=parallelogram]"))
    assert outcome.failure_reason == "No tool_command specified"


async def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    command = f"(sh -c 'echo $$ > {pid}; exec sleep 600') & sleep 600"
    source = flow(
        f'start -> t -> exit t [shape=parallelogram, timeout=1s, tool_command="{command}"]'
    )
    outcome = await run(source, tmp_path / "run")
    assert "timed out" in outcome.failure_reason
    stat = Path(f"/proc/{pid.read_text().strip()}/stat")
    # Gone, or dead and only waiting for somebody to notice.
    while stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z":
        await asyncio.sleep(0.01)


PARALLEL = """
digraph P {
    start [shape=Mdiamond] exit [shape=Msquare]
    fan [shape=component ATTRS]
    a [prompt=x] b [prompt=x] b2 [prompt=x] c [prompt=x] after [prompt=x]
    join [shape=tripleoctagon JOIN]
    start -> fan
    fan -> a  fan -> b  fan -> c
    a -> join  b -> b2 -> join  c -> join
    join -> after -> exit
}
"""


def parallel(attributes: str = "", join: str = "") -> str:
    return PARALLEL.replace("ATTRS", attributes).replace("JOIN", join)


async def test_branches_run_side_by_side_and_meet(tmp_path: Path) -> None:
    running = most = 0

    async def backend(node: Node, prompt: str, context: Context) -> Outcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        assert context.get("mine") in (None, "b"), "branches do not see each other's values"
        return Outcome(context_updates={"mine": node.id, "score": {"a": 1, "c": 3}.get(node.id, 2)})

    outcome = await run(parallel(), tmp_path, backend=backend)
    assert outcome.status == "success"
    assert most == 3
    assert outcome.completed_nodes[-3:] == ["join", "after", "exit"]
    assert sorted(outcome.completed_nodes[1:5]) == ["a", "b", "b2", "c"]
    assert outcome.context.get("parallel.fan_in.best_id") == "c"
    results = outcome.context.get("parallel.results")
    assert [(r["id"], r["outcome"], r["score"]) for r in results] == [
        ("a", "success", 1), ("b", "success", 2), ("c", "success", 3),
    ]  # fmt: skip
    most = 0
    await run(parallel(", max_parallel=1"), backend=backend)
    assert most == 1


async def test_a_failed_branch_makes_the_join_partial() -> None:
    outcome = await run(parallel(), backend=Script(b2=[fail()]))
    assert outcome.node_outcomes["fan"].status is StageStatus.PARTIAL_SUCCESS
    assert outcome.context.get("parallel.fan_in.best_id") == "a"
    assert outcome.status == "success"


async def test_when_all_branches_fail_so_does_the_fan_in() -> None:
    outcome = await run(parallel(), backend=Script(a=[fail()], b=[fail()], c=[fail()]))
    assert outcome.status == "fail"


async def test_the_first_success_calls_the_others_off() -> None:
    ended = []

    async def backend(node: Node, prompt: str, context: Context) -> str | Outcome:
        if node.id == "a":
            return fail()
        if node.id == "b":
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("b")
        return "ok"

    outcome = await run(parallel(", join_policy=first_success"), backend=backend)
    assert outcome.status == "success"
    assert ended == ["b"]
    assert [r["outcome"] for r in outcome.context.get("parallel.results")] == [
        "fail", "skipped", "success",
    ]  # fmt: skip
    outcome = await run(
        parallel(", join_policy=first_success"),
        backend=Script(a=[fail()], b=[fail()], c=[fail()]),
    )
    assert outcome.failure_reason == "no branch succeeded"


async def test_a_model_ranks_the_candidates() -> None:
    backend = Script(join=["The winner is b, then c."])
    outcome = await run(parallel(join=', prompt="Which is best?"'), backend=backend)
    assert outcome.context.get("parallel.fan_in.best_id") == "b"
    assert "- a: success" in backend.prompts["join"]
    backend = Script(join=["I cannot say"])
    outcome = await run(parallel(join=', prompt="Which is best?"'), backend=backend)
    assert outcome.context.get("parallel.fan_in.best_id") == "a"


async def test_parallel_inside_a_branch() -> None:
    source = flow(
        "fan [shape=component] inner [shape=component] j1 [shape=tripleoctagon]"
        " j2 [shape=tripleoctagon] start -> fan fan -> a fan -> inner inner -> x inner -> y"
        " x -> j1 y -> j1 j1 -> z -> j2 a -> j2 j2 -> exit"
    )
    outcome = await run(source)
    assert outcome.status == "success"
    assert outcome.completed_nodes.count("j2") == 1
    assert {"a", "x", "y", "j1", "z"} <= set(outcome.completed_nodes)
    assert [r["id"] for r in outcome.context.get("parallel.results")] == ["a", "inner"]


async def test_a_gate_inside_a_branch_is_remembered() -> None:
    source = parallel().replace("b2 [prompt=x]", "b2 [prompt=x, goal_gate=true]")
    outcome = await run(source, backend=Script(b2=[fail()]))
    assert outcome.status == "fail"
    assert "Goal gate unsatisfied" in outcome.failure_reason


async def test_a_manager_supervises_a_child(tmp_path: Path) -> None:
    (tmp_path / "child.dot").write_text(flow("start -> w -> exit"))
    source = flow(
        f'stack.child_dotfile="child.dot" stack.child_workdir="{tmp_path}"'
        " start -> m -> exit m [shape=house, manager.poll_interval=10ms]"
    )
    outcome = await run(source, tmp_path / "run", backend=Script())
    assert outcome.status == "success"
    assert outcome.context.get("context.stack.child.status") == "completed"
    assert (tmp_path / "run" / "m" / "child" / "w" / "response.md").read_text() == "ok"
    outcome = await run(source, backend=Script(w=[fail("hm")]))
    assert outcome.failure_reason == "Child failed: hm"
    stopped = source.replace("10ms", '10ms, manager.stop_condition="context.stack.child.retries=0"')
    outcome = await run(stopped, backend=Script())
    assert outcome.node_outcomes["m"].status == "success"
    outcome = await run(source.replace("child.dot", "none.dot"))
    assert outcome.status == "fail"


# --- fidelity -------------------------------------------------------------------------------


async def test_what_a_stage_is_told() -> None:
    seen: dict[str, tuple[str, str]] = {}
    prompts: dict[str, str] = {}

    def backend(node: Node, prompt: str, context: Context) -> str:
        seen[node.id] = (context.get("internal.fidelity"), context.get("internal.thread_id"))
        prompts[node.id] = prompt
        return "ok"

    await run(
        flow(
            'goal="G" start -> a -> b a -> x [condition="outcome=fail"] b -> c [fidelity=truncate]'
            " c -> d -> exit b [fidelity=full, thread_id=t] d [fidelity=full] x -> exit"
        ),
        backend=backend,
    )
    assert seen == {
        "a": ("compact", "start"),
        "b": ("full", "t"),
        "c": ("truncate", "b"),
        "d": ("full", "c"),
    }
    assert prompts["a"] == "x"
    assert prompts["b"] == prompts["d"] == "x"
    assert prompts["c"].startswith("Goal of the pipeline: G\nRun: ")


# --- checkpoints ----------------------------------------------------------------------------


class Crash(BaseException):
    """Ends the process in the middle of things."""


LOOPING = """
digraph L {
    graph [goal="g"]
    start [shape=Mdiamond] exit [shape=Msquare]
    node [prompt=x]
    a; b [max_retries=1]; gate [goal_gate=true, retry_target=a]
    check [shape=diamond]
    start -> a -> b -> gate
    gate -> check
    check -> a    [condition="context.again=true"]
    check -> done [condition="context.again!=true"]
    gate -> done  [condition="outcome=fail"]
    done -> exit
}
"""


def looping_backend(crash_at: int = 0) -> Callable[[Node, str, Context], Outcome]:
    """Its answers depend on the context alone, as they must for a run to be repeatable."""
    calls = 0

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == crash_at:
            raise Crash
        visits = (context.get(f"visits.{node.id}") or 0) + 1
        updates: dict[str, Any] = {f"visits.{node.id}": visits}
        if node.id == "gate":
            updates["again"] = visits == 2
            if visits == 1:
                return Outcome(StageStatus.FAIL, context_updates=updates, failure_reason="not yet")
        return Outcome(context_updates=updates)

    return backend


def _comparable(outcome: PipelineOutcome) -> tuple[Any, ...]:
    values = outcome.context.snapshot()
    values.pop("internal.run_id")
    return outcome.status, outcome.completed_nodes, outcome.node_outcomes, values


async def test_a_run_cut_off_in_any_node_ends_the_same(tmp_path: Path) -> None:
    whole = await run(LOOPING, tmp_path / "whole", backend=looping_backend())
    assert whole.completed_nodes == [
        "start", *"ab", "gate", "done", *"ab", "gate", "check", *"ab", "gate", "check", "done",
        "exit",
    ]  # fmt: skip
    for crash_at in range(1, 12):
        run_dir = tmp_path / str(crash_at)
        with pytest.raises(Crash):
            await run(LOOPING, run_dir, backend=looping_backend(crash_at))
        again = await run(LOOPING, run_dir, backend=looping_backend(), resume=True)
        assert _comparable(again) == _comparable(whole)


async def test_a_run_cut_off_after_any_checkpoint_ends_the_same(tmp_path: Path) -> None:
    whole = await run(LOOPING, tmp_path / "whole", backend=looping_backend())
    for crash_at in range(1, len(whole.completed_nodes) + 1):
        seen = 0

        def crash(event: PipelineEvent, crash_at: int = crash_at) -> None:
            nonlocal seen
            seen += event.kind == "CheckpointSaved"
            if seen == crash_at:
                raise Crash

        run_dir = tmp_path / str(crash_at)
        with pytest.raises(Crash):
            await run(LOOPING, run_dir, backend=looping_backend(), on_event=crash)
        again = await run(LOOPING, run_dir, backend=looping_backend(), resume=True)
        assert _comparable(again) == _comparable(whole)


async def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    await run(LOOPING, tmp_path, backend=looping_backend())
    again = await run(LOOPING, tmp_path, backend=looping_backend(crash_at=1), resume=True)
    assert again.status == "success"
    assert again.completed_nodes[-1] == "exit"


async def test_resuming_without_a_checkpoint_begins(tmp_path: Path) -> None:
    assert (await run(SMOKE, tmp_path / "new", resume=True)).status == "success"
    (tmp_path / "new" / "checkpoint.json").write_text('{"current_node": 1}')
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        await run(SMOKE, tmp_path / "new", resume=True)


async def test_a_resumed_full_session_is_degraded_for_one_hop(tmp_path: Path) -> None:
    source = flow("default_fidelity=full start -> a -> b -> c -> exit")
    modes: dict[str, str] = {}

    def backend(node: Node, prompt: str, context: Context) -> str:
        modes[node.id] = context.get("internal.fidelity")
        if node.id == "b" and "resumed" not in modes:
            raise Crash
        return "ok"

    with pytest.raises(Crash):
        await run(source, tmp_path, backend=backend)
    modes["resumed"] = "yes"
    await run(source, tmp_path, backend=backend, resume=True)
    assert (modes["a"], modes["b"], modes["c"]) == ("full", "summary:high", "full")


# --- loop_restart ---------------------------------------------------------------------------

RESTART = flow(
    'start -> a -> n n -> exit n -> n2 [condition="outcome=fail", loop_restart=true] n2 -> n'
)


async def test_loop_restart_begins_anew_in_a_fresh_directory(tmp_path: Path) -> None:
    backend = Script(n=[fail(), fail(), "ok"])
    outcome = await run(RESTART, tmp_path, backend=backend, context=Context({"given": 1}))
    assert outcome.status == "success"
    assert outcome.completed_nodes == ["n2", "n", "exit"]
    assert outcome.run_dir == tmp_path / "restart-2"
    assert outcome.context.get("given") == 1
    assert outcome.context.get("internal.restart_count") == 2
    assert backend.calls == ["a", "n", "n2", "n", "n2", "n"]
    assert (tmp_path / "restart-1" / "n2" / "status.json").exists()


async def test_restarts_survive_a_crash_and_end_some_day(tmp_path: Path) -> None:
    for crash_at in range(1, 4):
        seen = 0

        def crash(event: PipelineEvent, crash_at: int = crash_at) -> None:
            nonlocal seen
            seen += event.kind == "StageStarted" and event.to_json()["name"] == "n2"
            if seen == crash_at:
                raise Crash

        run_dir = tmp_path / str(crash_at)
        backend = Script(n=[fail(), fail(), fail(), "ok"])
        with pytest.raises(Crash):
            await run(RESTART, run_dir, backend=backend, on_event=crash)
        outcome = await run(RESTART, run_dir, backend=backend, resume=True)
        assert outcome.status == "success"
        assert outcome.context.get("internal.restart_count") == 3
    outcome = await run(
        RESTART.replace("start ->", "max_restarts=2 start ->", 1), backend=Script(n=[fail()])
    )
    assert outcome.failure_reason == "restarted 2 times without reaching the exit"


# --- the rest -------------------------------------------------------------------------------


async def test_events_as_a_stream() -> None:
    runner = PipelineRunner(backend=Script())

    async def collect() -> list[str]:
        return [event.kind async for event in runner.events()]

    reading = asyncio.create_task(collect())
    await asyncio.sleep(0)
    await runner.run(parse_dot(flow("start -> a -> exit")))
    assert await reading == [
        "PipelineStarted",
        *["StageStarted", "StageCompleted", "CheckpointSaved"] * 3,
        "PipelineCompleted",
    ]


async def test_a_cycle_that_never_waits_can_be_cancelled() -> None:
    class Instant:
        def execute(self, *_: Any) -> Outcome:
            return Outcome()

    source = flow('start -> a -> b -> a a -> exit [condition="outcome=fail"] a [type=i] b [type=i]')
    work = asyncio.create_task(run(source, handlers={"i": Instant()}))
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_the_shipped_pipeline_loops_until_satisfied_or_stopped() -> None:
    path = Path(__file__).parents[2] / "factory_tui" / "pipelines" / "factory.dot"
    log: list[str] = []

    class Step:
        def __init__(self, name: str, satisfied_at: int = 0, stop_at: int = 0) -> None:
            self.name, self.satisfied_at, self.stop_at = name, satisfied_at, stop_at

        async def execute(self, *_: Any) -> Outcome:
            log.append(self.name)
            rounds = log.count("validate")
            updates = {"satisfied": rounds == self.satisfied_at, "stop": rounds == self.stop_at}
            return Outcome(context_updates=updates if self.name == "validate" else {})

    for step in (Step("validate", satisfied_at=2), Step("validate", stop_at=2)):
        log.clear()
        handlers = {
            "codergen": Step("build"),
            "factory.validate": step,
            "factory.learn": Step("learn"),
        }
        outcome = await run(path.read_text(), handlers=handlers)
        assert outcome.status == "success"
        assert log == ["build", "validate", "learn", "build", "validate"]


@pytest.mark.slow
async def test_a_thousand_nodes(tmp_path: Path) -> None:
    names = [f"n{number}" for number in range(1000)]
    source = flow("start -> " + " -> ".join(names) + " -> exit")
    outcome = await run(source, tmp_path)
    assert len(outcome.completed_nodes) == 1002
