"""The Definition of Done of the Attractor specification, item by item (§11).

Each test is named after its item: ``test_11_3_2`` proves the second item of §11.3. The first line
of its docstring is the item in short; ``docs/conformance.md`` lists the same (checked below).
Only names importable from the top of ``factory_tui.attractor`` are used.
"""

import asyncio
import importlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from factory_tui import attractor
from factory_tui.attractor import (
    RETRY_POLICIES,
    Answer,
    AnswerValue,
    AutoApproveInterviewer,
    BackoffConfig,
    CallbackInterviewer,
    Checkpoint,
    CodergenHandler,
    ConditionalHandler,
    ConsoleInterviewer,
    Context,
    Diagnostic,
    ExitHandler,
    Graph,
    Handler,
    HandlerRegistry,
    Node,
    Option,
    Outcome,
    ParallelHandler,
    PipelineOutcome,
    PipelineRunner,
    PipelineServer,
    Question,
    QuestionType,
    QueueInterviewer,
    Severity,
    StageStatus,
    StartHandler,
    ToolHandler,
    ValidationError,
    VariableExpansionTransform,
    WaitForHumanHandler,
    build_retry_policy,
    check_goal_gates,
    evaluate_condition,
    load_checkpoint,
    parse_dot,
    parse_stylesheet,
    prepare_pipeline,
    run_pipeline,
    select_edge,
    serve_pipelines,
    validate,
    validate_or_raise,
)

DOCS = Path(__file__).parents[2] / "docs" / "conformance.md"
FAST = BackoffConfig(initial_delay_ms=1, jitter=False)
Backend = Callable[[Node, str, Context], Any]


def flow(body: str) -> str:
    return f"digraph P {{ start [shape=Mdiamond] exit [shape=Msquare] node [prompt=x] {body} }}"


async def run(source: str, backend: Backend | None = None, **options: Any) -> PipelineOutcome:
    return await run_pipeline(parse_dot(source), llm_callback=backend, backoff=FAST, **options)


def edges(graph: Graph) -> list[tuple[str, str]]:
    return [(edge.from_node, edge.to_node) for edge in graph.edges]


def found(source: str) -> dict[str, Diagnostic]:
    return {item.rule: item for item in validate(parse_dot(source))}


def scripted(**answers: list[Outcome | str]) -> Backend:
    """A backend with a list of answers per node; the last one stays."""

    def backend(node: Node, prompt: str, context: Context) -> Outcome | str:
        left = answers.get(node.id, ["ok"])
        return left.pop(0) if len(left) > 1 else left[0]

    return backend


FAIL = Outcome(StageStatus.FAIL, failure_reason="broken")
RETRY = Outcome(StageStatus.RETRY, failure_reason="busy")

# --- 11.1 DOT parsing -----------------------------------------------------------------------


def test_11_1_1() -> None:
    """The DOT subset: digraph with graph, node and edge attribute blocks"""
    graph = parse_dot("digraph G { graph [goal=g] node [a=1] edge [weight=2] n [b=2] n -> m; }")
    assert (graph.goal, graph.nodes["n"].attrs, graph.edges[0].weight) == ("g", {"a": 1, "b": 2}, 2)


def test_11_1_2() -> None:
    """Graph attributes goal, label, model_stylesheet"""
    graph = parse_dot('digraph G { graph [goal="a b", label=L] model_stylesheet="* {}" }')
    assert (graph.goal, graph.label, graph.model_stylesheet) == ("a b", "L", "* {}")


def test_11_1_3() -> None:
    """Node attributes over several lines"""
    node = parse_dot('digraph G { n [\n  label="N",\n\n  prompt="line 1\nline 2"\n] }').nodes["n"]
    assert (node.label, node.prompt) == ("N", "line 1\nline 2")


def test_11_1_4() -> None:
    """Edge attributes label, condition, weight"""
    (edge,) = parse_dot('digraph G { a -> b [label=L, condition="outcome=fail", weight=3] }').edges
    assert (edge.label, edge.condition, edge.weight) == ("L", "outcome=fail", 3)


def test_11_1_5() -> None:
    """Chained edges give an edge per pair"""
    graph = parse_dot("digraph G { a -> b -> c [label=x] }")
    assert edges(graph) == [("a", "b"), ("b", "c")]
    assert [edge.label for edge in graph.edges] == ["x", "x"]


def test_11_1_6() -> None:
    """node and edge defaults apply to what follows"""
    graph = parse_dot("digraph G { a node [shape=hexagon] edge [weight=7] b c [shape=box] b -> c }")
    assert [node.shape for node in graph.nodes.values()] == ["box", "hexagon", "box"]
    assert graph.edges[0].weight == 7


def test_11_1_7() -> None:
    """Subgraphs are flattened"""
    graph = parse_dot("digraph G { subgraph cluster_x { label=X a subgraph { b } } a -> b }")
    assert list(graph.nodes) == ["a", "b"]
    assert graph.nodes["a"].classes == ["x"]


def test_11_1_8() -> None:
    """class brings in what the stylesheet says of it"""
    graph, _ = prepare_pipeline(flow('model_stylesheet=".fast { llm_model: m }" n [class=fast]'))
    assert graph.nodes["n"].llm_model == "m"


def test_11_1_9() -> None:
    """Quoted and unquoted values"""
    attrs = parse_dot('digraph G { n [a="x y", b=word, c=1, d=true, e=90s] }').nodes["n"].attrs
    assert {key: str(value) for key, value in attrs.items()} == {
        "a": "x y", "b": "word", "c": "1", "d": "True", "e": "90s",
    }  # fmt: skip


def test_11_1_10() -> None:
    """Comments are stripped"""
    graph = parse_dot('// one\ndigraph G { /* two\n */ n [label="// no"] // three\n}')
    assert graph.nodes["n"].label == "// no"


# --- 11.2 validation ------------------------------------------------------------------------


def test_11_2_1() -> None:
    """Exactly one start node"""
    for source in ("digraph G { exit }", flow("s2 [shape=Mdiamond] start -> exit s2 -> exit")):
        assert found(source)["start_node"].severity == "error"
    assert "start_node" not in found("digraph G { Start -> end }")


def test_11_2_2() -> None:
    """Exactly one exit node"""
    for source in ("digraph G { start }", flow("e2 [shape=Msquare] start -> exit start -> e2")):
        assert found(source)["terminal_node"].severity == "error"
    assert "terminal_node" not in found("digraph G { start -> end }")


def test_11_2_3() -> None:
    """The start node has no incoming edges"""
    assert found(flow("start -> a -> start a -> exit"))["start_no_incoming"].edge == ("a", "start")


def test_11_2_4() -> None:
    """The exit node has no outgoing edges"""
    assert found(flow("start -> a -> exit -> a"))["exit_no_outgoing"].edge == ("exit", "a")


def test_11_2_5() -> None:
    """All nodes are reachable"""
    diagnostics = found(flow("start -> exit lost"))
    assert diagnostics["reachability"].node_id == "lost"
    assert diagnostics["reachability"].severity is Severity.ERROR


def test_11_2_6() -> None:
    """Edges name existing nodes"""
    graph = parse_dot(flow("start -> a -> exit"))
    del graph.nodes["a"]
    assert {d.rule for d in validate(graph) if d.severity == "error"} >= {"edge_target_exists"}
    assert found(flow("start -> a a -> exit a -> exti"))["edge_target_exists"].edge == ("a", "exti")


def test_11_2_7() -> None:
    """A warning for model stages without a prompt"""
    source = "digraph G { start -> a -> exit a [shape=box] }"
    assert found(source)["prompt_on_llm_nodes"].severity is Severity.WARNING


def test_11_2_8() -> None:
    """Conditions parse"""
    assert "condition_syntax" in found(flow('start -> exit [condition="outcome ~ x"]'))
    assert "condition_syntax" not in found(flow('start -> exit [condition="outcome!=fail"]'))


def test_11_2_9() -> None:
    """validate_or_raise raises on errors"""
    with pytest.raises(ValidationError, match="no start node"):
        validate_or_raise(parse_dot("digraph G { exit }"))
    assert validate_or_raise(parse_dot(flow("start -> exit"))) == []


def test_11_2_10() -> None:
    """Findings have rule, severity, node or edge, message"""
    item = found(flow("start -> a -> start a -> exit"))["start_no_incoming"]
    assert (item.rule, item.severity) == ("start_no_incoming", "error")
    assert item.edge == ("a", "start")
    assert item.message
    assert found(flow("start -> exit x"))["reachability"].node_id == "x"


# --- 11.3 execution -------------------------------------------------------------------------


async def test_11_3_1() -> None:
    """Begins at the start node"""
    outcome = await run("digraph G { z [shape=Msquare] b [shape=Mdiamond] b -> z }")
    assert outcome.completed_nodes == ["b", "z"]


def test_11_3_2() -> None:
    """Handlers by shape"""
    runner = PipelineRunner()
    shapes = {"Mdiamond": StartHandler, "Msquare": ExitHandler, "box": CodergenHandler,
              "hexagon": WaitForHumanHandler, "diamond": ConditionalHandler,
              "component": ParallelHandler, "tripleoctagon": attractor.FanInHandler,
              "parallelogram": ToolHandler, "house": attractor.ManagerLoopHandler}  # fmt: skip
    for shape, kind in shapes.items():
        assert type(runner.registry.resolve(Node("n", {"shape": shape}))) is kind
    explicit = Node("n", {"shape": "box", "type": "wait.human"})
    assert type(runner.registry.resolve(explicit)) is WaitForHumanHandler
    assert type(runner.registry.resolve(Node("n", {"shape": "egg"}))) is CodergenHandler


class Spy:
    """A handler that keeps what it was called with."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.outcome = outcome or Outcome()

    async def execute(self, *arguments: Any) -> Outcome:
        self.calls.append(arguments)
        return self.outcome


async def test_11_3_3(tmp_path: Path) -> None:
    """A handler gets node, context, graph, logs_root and returns an Outcome"""
    spy, context = Spy(), Context()
    await run(flow("start -> n -> exit"), handlers={"codergen": spy}, logs_root=tmp_path,
              context=context)  # fmt: skip
    ((node, given, graph, logs_root),) = spy.calls
    assert (node.id, given, logs_root) == ("n", context, tmp_path)
    assert isinstance(graph, Graph)


async def test_11_3_4(tmp_path: Path) -> None:
    """status.json holds the outcome"""
    await run(flow("start -> n -> exit"), scripted(n=[Outcome(notes="fine")]), logs_root=tmp_path)
    status = json.loads((tmp_path / "n" / "status.json").read_text())
    assert (status["outcome"], status["notes"]) == ("success", "fine")


@pytest.mark.parametrize(
    ("ways", "outcome", "expected"),
    [
        ('n -> a [condition="outcome=success"] n -> b [weight=9]', Outcome(), "a"),
        ("n -> a [label=L] n -> b [weight=9]", Outcome(preferred_label="[L] l"), "a"),
        ("n -> a n -> b [weight=9]", Outcome(suggested_next_ids=["a"]), "a"),
        ("n -> a n -> b [weight=9]", Outcome(), "b"),
        ("n -> c n -> a n -> b", Outcome(), "a"),
    ],
)
def test_11_3_5(ways: str, outcome: Outcome, expected: str) -> None:
    """Edge selection: condition, preferred label, suggested ids, weight, name"""
    graph = parse_dot(f"digraph G {{ {ways} }}")
    edge = select_edge(graph.nodes["n"], outcome, Context(), graph)
    assert edge is not None
    assert edge.to_node == expected


async def test_11_3_6() -> None:
    """Execute, select an edge, advance, again"""
    source = flow('start -> a -> b b -> exit b -> a [condition="context.more=true"]')
    backend = scripted(b=[Outcome(context_updates={"more": True}),
                          Outcome(context_updates={"more": False})])  # fmt: skip
    assert (await run(source, backend)).completed_nodes == ["start", *"abab", "exit"]


async def test_11_3_7() -> None:
    """The exit ends the run"""
    assert (await run(flow("start -> exit"))).completed_nodes[-1] == "exit"


async def test_11_3_8() -> None:
    """success if all goal gates succeeded, else fail"""
    source = flow('start -> g g [goal_gate=true] g -> exit [condition="outcome!=retry"]')
    partial = Outcome(StageStatus.PARTIAL_SUCCESS)
    assert (await run(source, scripted(g=[partial]))).status == "success"
    assert (await run(source, scripted(g=[FAIL]))).status == "fail"


# --- 11.4 goal gates ------------------------------------------------------------------------


def test_11_4_1() -> None:
    """Goal gates are tracked"""
    graph = parse_dot(flow("a [goal_gate=true] b start -> a -> b -> exit"))
    assert check_goal_gates(graph, {"b": FAIL, "a": Outcome()}) == (True, None)
    assert check_goal_gates(graph, {"a": FAIL}) == (False, graph.nodes["a"])


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("success", "success"),
        ("skipped", "success"),
        ("partial_success", "success"),
        ("fail", "fail"),
    ],
)
async def test_11_4_2(status: StageStatus, ended: str) -> None:
    """Before the exit every visited gate must have succeeded"""
    source = flow('start -> g -> later g -> later [condition="outcome=fail"] later -> exit'
                  " g [goal_gate=true]")  # fmt: skip
    assert (await run(source, scripted(g=[Outcome(status)]))).status == ended


async def test_11_4_3() -> None:
    """An unsatisfied gate leads to retry_target"""
    source = flow('start -> g g -> exit [condition="outcome=fail"] g -> exit fix -> g'
                  " g [goal_gate=true, retry_target=fix]")  # fmt: skip
    outcome = await run(source, scripted(g=[FAIL, "ok"]))
    assert (outcome.status, outcome.completed_nodes) == (
        "success",
        ["start", "g", "fix", "g", "exit"],
    )


async def test_11_4_4() -> None:
    """Without a retry_target the pipeline fails"""
    outcome = await run(flow('start -> g g -> exit [condition="outcome=fail"] g [goal_gate=true]'),
                        scripted(g=[FAIL]))  # fmt: skip
    assert (outcome.status, "Goal gate unsatisfied" in outcome.failure_reason) == ("fail", True)


# --- 11.5 retries ---------------------------------------------------------------------------


@pytest.mark.parametrize("first", [RETRY, FAIL])
async def test_11_5_1(first: Outcome) -> None:
    """max_retries: tried again on RETRY or FAIL"""
    outcome = await run(
        flow("start -> n -> exit n [max_retries=2]"), scripted(n=[first, first, "k"])
    )
    assert outcome.status == "success"


async def test_11_5_2() -> None:
    """The count is per node and limited"""
    calls: list[str] = []

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        calls.append(node.id)
        return RETRY

    source = flow('start -> a a -> b [condition="outcome=fail"] b -> exit a [max_retries=2]'
                  " b [max_retries=1]")  # fmt: skip
    outcome = await run(source, backend)
    assert calls == ["a"] * 3 + ["b"] * 2
    assert outcome.context.get("internal.retry_count.a") == 2


def test_11_5_3() -> None:
    """Backoff: constant, growing, capped"""
    assert RETRY_POLICIES["linear"].backoff.backoff_factor == 1.0
    assert RETRY_POLICIES["patient"].max_attempts == 3
    growing = BackoffConfig(initial_delay_ms=200, max_delay_ms=1000, jitter=False)
    assert [growing.delay_for_attempt(n) for n in (1, 2, 3, 4)] == [200, 400, 800, 1000]
    graph = parse_dot("digraph G { default_max_retries=3 n m [max_retries=0] }")
    attempts = [build_retry_policy(graph.nodes[n], graph).max_attempts for n in "nm"]
    assert attempts == [4, 1]


def test_11_5_4() -> None:
    """Jitter"""
    delays = {BackoffConfig().delay_for_attempt(1) for _ in range(50)}
    assert len(delays) > 1
    assert all(100 <= delay <= 300 for delay in delays)


async def test_11_5_5() -> None:
    """After the last attempt the outcome selects the edge"""
    source = flow(
        'start -> n n -> exit n -> b [condition="outcome=fail"] b -> exit n [max_retries=1]'
    )
    assert "b" in (await run(source, scripted(n=[FAIL]))).completed_nodes
    partial = await run(flow("start -> n -> exit n [max_retries=1, allow_partial=true]"),
                        scripted(n=[RETRY]))  # fmt: skip
    assert partial.node_outcomes["n"].status is StageStatus.PARTIAL_SUCCESS


# --- 11.6 handlers --------------------------------------------------------------------------


async def direct(handler: Handler, node: Node, graph: Graph | None = None,
                 run_dir: Path = Path(), context: Context | None = None) -> Outcome:  # fmt: skip
    result = handler.execute(node, context or Context(), graph or Graph(), run_dir)
    assert not isinstance(result, Outcome) and result is not None
    outcome = await result
    assert outcome is not None
    return outcome


async def test_11_6_1() -> None:
    """Start handler succeeds"""
    assert (await direct(StartHandler(), Node("n"))).status == "success"


async def test_11_6_2() -> None:
    """Exit handler succeeds"""
    assert (await direct(ExitHandler(), Node("n"))).status == "success"


async def test_11_6_3(tmp_path: Path) -> None:
    """Codergen: $goal, backend.run, prompt.md, response.md"""

    class Backend:
        def run(self, node: Node, prompt: str, context: Context) -> str:
            return prompt.upper()

    graph = Graph(attrs={"goal": "win"})
    outcome = await direct(
        CodergenHandler(Backend()), Node("n", {"prompt": "Do $goal"}), graph, tmp_path
    )
    assert outcome.context_updates == {"last_stage": "n", "last_response": "DO WIN"}
    written = {p.name: p.read_text() for p in (tmp_path / "n").iterdir()}
    assert (written["prompt.md"], written["response.md"]) == ("Do win", "DO WIN")
    assert json.loads(written["status.json"])["outcome"] == "success"


async def test_11_6_4() -> None:
    """wait.human: edge labels are the choices, the chosen one is preferred"""
    asked: list[Question] = []

    def person(question: Question) -> Answer:
        asked.append(question)
        return Answer("F")

    graph = parse_dot(
        'digraph G { h [shape=hexagon] h -> a [label="[A] Approve"] h -> f [label="F) Fix"] }'
    )
    outcome = await direct(
        WaitForHumanHandler(CallbackInterviewer(person)), graph.nodes["h"], graph
    )
    assert asked[0].options == [Option("A", "[A] Approve"), Option("F", "F) Fix")]
    assert (outcome.preferred_label, outcome.suggested_next_ids) == ("F) Fix", ["f"])
    assert outcome.context_updates["human.gate.selected"] == "F"


async def test_11_6_5() -> None:
    """Conditional: the engine evaluates its edges"""
    assert (await direct(ConditionalHandler(), Node("d"))).status == "success"
    source = flow('d [shape=diamond] start -> n -> d d -> a [condition="context.k=1"]'
                  ' d -> b [condition="context.k=2"] a -> exit b -> exit')  # fmt: skip
    outcome = await run(source, scripted(n=[Outcome(context_updates={"k": 2})]))
    assert "b" in outcome.completed_nodes


FAN = flow("""fan [shape=component] join [shape=tripleoctagon, prompt=""]
    start -> fan fan -> a -> join fan -> b -> join fan -> c -> join join -> exit""")


async def test_11_6_6() -> None:
    """Parallel: branches run at the same time"""
    inside = asyncio.Barrier(3)

    async def backend(node: Node, prompt: str, context: Context) -> str:
        async with asyncio.timeout(30):
            await inside.wait()
        return "ok"

    assert (await run(FAN, backend)).context.get("parallel.success_count") == 3


async def test_11_6_7() -> None:
    """Fan-in waits for every branch"""
    ended: list[str] = []

    async def backend(node: Node, prompt: str, context: Context) -> str:
        await asyncio.sleep({"a": 0.03, "b": 0.02}.get(node.id, 0))
        ended.append(node.id)
        return "ok"

    outcome = await run(FAN, backend)
    assert sorted(ended) == ["a", "b", "c"]
    assert outcome.completed_nodes == ["start", "a", "b", "c", "fan", "join", "exit"]


async def test_11_6_8() -> None:
    """Tool: runs its command"""
    source = flow('start -> t -> exit t [shape=parallelogram, tool_command="echo $((6*7))"]')
    assert (await run(source)).context.get("tool.output") == "42\n"


async def test_11_6_9() -> None:
    """Custom handlers by type"""
    registry, spy = HandlerRegistry(), Spy(Outcome(notes="mine"))
    registry.register("my.type", spy)
    outcome = await run(flow('start -> n -> exit n [type="my.type"]'), handlers=registry)
    assert outcome.node_outcomes["n"].notes == "mine"


# --- 11.7 state -----------------------------------------------------------------------------


def test_11_7_1() -> None:
    """Context: a key-value store"""
    context = Context({"a": 1})
    context.set("b", [1])
    context.append_log("line")
    twin = context.clone()
    twin.get("b").append(2)
    twin.apply_updates({"c": True})
    assert (context.snapshot(), context.get("z", 9), twin.get_string("c")) == (
        {"a": 1, "b": [1]}, 9, "true",
    )  # fmt: skip
    assert twin.logs == ["line"]


async def test_11_7_2() -> None:
    """Handlers read the context and return context_updates"""

    def backend(node: Node, prompt: str, context: Context) -> Outcome:
        return Outcome(context_updates={"n": int(context.get("n") or 0) + 1})

    assert (await run(flow("start -> a -> b -> exit"), backend)).context.get("n") == 2


async def test_11_7_3() -> None:
    """Updates are merged after each node"""
    context = Context({"kept": 1, "k": "old"})
    backend = scripted(a=[Outcome(context_updates={"k": "new"})])
    await run(flow("start -> a -> exit"), backend, context=context)
    assert (context.get("kept"), context.get("k"), context.get("outcome")) == (1, "new", "success")


async def test_11_7_4(tmp_path: Path) -> None:
    """A checkpoint after each node"""
    seen: list[Checkpoint] = []

    def on_event(event: Any) -> None:
        if event.kind == "CheckpointSaved":
            seen.append(load_checkpoint(tmp_path))

    backend = scripted(a=[RETRY, Outcome(context_updates={"k": 1})])
    await run(flow("start -> a -> exit a [max_retries=1]"), backend, logs_root=tmp_path,
              on_event=on_event)  # fmt: skip
    assert [state.current_node for state in seen] == ["start", "a", "exit"]
    assert seen[1].completed_nodes == ["start", "a"]
    assert (seen[1].context_values["k"], seen[1].node_retries) == (1, {"a": 0})


async def test_11_7_5(tmp_path: Path) -> None:
    """Resume goes on after current_node"""
    calls: list[str] = []

    class Crash(BaseException):
        pass

    async def backend(node: Node, prompt: str, context: Context) -> str:
        calls.append(node.id)
        if node.id == "b" and calls.count("b") == 1:
            raise Crash
        return "ok"

    source = flow("start -> a -> b -> c -> exit")
    with pytest.raises(Crash):
        await run(source, backend, logs_root=tmp_path)
    outcome = await run(source, backend, logs_root=tmp_path, resume=True)
    assert calls == ["a", "b", "b", "c"]
    assert outcome.completed_nodes == ["start", "a", "b", "c", "exit"]


async def test_11_7_6(tmp_path: Path) -> None:
    """Artifacts: prompt.md, response.md, status.json per node"""
    await run(flow("start -> a -> exit"), scripted(), logs_root=tmp_path)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "prompt.md", "response.md", "status.json",
    ]  # fmt: skip


# --- 11.8 people ----------------------------------------------------------------------------

CHOICE = Question("?", options=[Option("A", "Yes"), Option("B", "No")])


async def test_11_8_1() -> None:
    """ask(question) gives an Answer"""
    assert isinstance(await AutoApproveInterviewer().ask(CHOICE), Answer)


def test_11_8_2() -> None:
    """Question types"""
    assert {kind.name for kind in QuestionType} == {
        "YES_NO", "MULTIPLE_CHOICE", "FREEFORM", "CONFIRMATION",
    }  # fmt: skip


async def test_11_8_3() -> None:
    """AutoApproveInterviewer takes the first option"""
    answer = await AutoApproveInterviewer().ask(CHOICE)
    assert (answer.value, answer.selected_option) == ("A", Option("A", "Yes"))


async def test_11_8_4() -> None:
    """ConsoleInterviewer asks on the terminal"""
    out = io.StringIO()
    answer = await ConsoleInterviewer(io.StringIO("b\n"), out).ask(CHOICE)
    assert answer.selected_option == Option("B", "No")
    assert "[?] ?\n  [A] Yes\n  [B] No\n" in out.getvalue()


async def test_11_8_5() -> None:
    """CallbackInterviewer calls a function"""
    assert (
        await CallbackInterviewer(lambda question: Answer(question.text)).ask(CHOICE)
    ).value == "?"


async def test_11_8_6() -> None:
    """QueueInterviewer gives prepared answers"""
    people = QueueInterviewer([Answer("B")])
    assert [(await people.ask(CHOICE)).value for _ in range(2)] == ["B", AnswerValue.SKIPPED]


# --- 11.9 conditions ------------------------------------------------------------------------


def holds(text: str, outcome: Outcome | None = None, /, **values: Any) -> bool:
    return evaluate_condition(text, outcome or Outcome(), Context(values))


def test_11_9_1() -> None:
    """= compares"""
    assert holds("outcome=success")
    assert not holds("outcome=Success")


def test_11_9_2() -> None:
    """!= compares"""
    assert holds("outcome!=fail")
    assert not holds("outcome!=success")


def test_11_9_3() -> None:
    """&& joins"""
    assert holds("outcome=success && context.a=1 && context.b!=1", a=1, b=2)
    assert not holds("outcome=success && context.a=1", a=2)


def test_11_9_4() -> None:
    """outcome is the node's status"""
    assert holds("outcome=fail", FAIL)


def test_11_9_5() -> None:
    """preferred_label is the outcome's"""
    assert holds("preferred_label=Fix", Outcome(preferred_label="Fix"))


def test_11_9_6() -> None:
    """context.* looks up values, missing ones are empty"""
    assert holds("context.a.b=x", None, **{"a.b": "x"})
    assert holds("context.full=1", None, **{"context.full": 1})
    assert holds("context.none!=x")
    assert not holds("context.none=x")


def test_11_9_7() -> None:
    """An empty condition holds"""
    assert holds("")
    assert holds("  ")


# --- 11.10 stylesheet -----------------------------------------------------------------------


def styled(sheet: str, node: str = "") -> Node:
    graph, _ = prepare_pipeline(flow(f'model_stylesheet="{sheet}" start -> n -> exit n [{node}]'))
    return graph.nodes["n"]


def test_11_10_1() -> None:
    """Parsed from model_stylesheet"""
    rules = parse_stylesheet('* { llm_model: "m"; } .a { reasoning_effort: low }')
    assert [rule.selector for rule in rules] == ["*", ".a"]
    assert styled("* { llm_model: m }", "label=n").llm_model == "m"


def test_11_10_2() -> None:
    """Selectors by shape"""
    assert styled("box { llm_model: b } hexagon { llm_model: h }", "shape=box").llm_model == "b"


def test_11_10_3() -> None:
    """Selectors by class"""
    assert styled(".fast { llm_model: f }", 'class="x,fast"').llm_model == "f"


def test_11_10_4() -> None:
    """Selectors by id"""
    assert styled("#n { reasoning_effort: low } #m { reasoning_effort: medium }",
                  "label=n").reasoning_effort == "low"  # fmt: skip


def test_11_10_5() -> None:
    """universal < shape < class < id"""
    rules = ["#n { llm_model: id }", ".c { llm_model: class }", "box { llm_model: shape }",
             "* { llm_model: all }"]  # fmt: skip
    for first, expected in enumerate(("id", "class", "shape", "all")):
        assert styled(" ".join(rules[first:]), "class=c").llm_model == expected


def test_11_10_6() -> None:
    """The node's own attributes win"""
    assert styled("#n { llm_model: sheet }", "llm_model=own").llm_model == "own"


# --- 11.11 transforms -----------------------------------------------------------------------


class Rename:
    def __init__(self, label: str) -> None:
        self.label = label

    def apply(self, graph: Graph) -> Graph:
        twin = graph.copy()
        twin.nodes["n"].attrs["prompt"] = twin.nodes["n"].prompt + self.label
        return twin


def test_11_11_1() -> None:
    """Transforms rewrite between parsing and validation"""

    def without_lost(graph: Graph) -> Graph:
        twin = graph.copy()
        del twin.nodes["lost"]
        return twin

    _, diagnostics = prepare_pipeline(flow("start -> n -> exit lost"), [without_lost])
    assert diagnostics == []


def test_11_11_2() -> None:
    """transform.apply(graph) gives a graph"""
    graph = parse_dot(flow("n"))
    assert Rename("y").apply(graph).nodes["n"].prompt == "xy"
    assert graph.nodes["n"].prompt == "x"


def test_11_11_3() -> None:
    """$goal is expanded"""
    graph = parse_dot('digraph G { goal="win" n [prompt="Do $goal, $goal!"] }')
    assert VariableExpansionTransform().apply(graph).nodes["n"].prompt == "Do win, win!"


async def test_11_11_4() -> None:
    """Custom transforms run in order"""
    prompts: list[str] = []

    def backend(node: Node, prompt: str, context: Context) -> str:
        prompts.append(prompt)
        return "ok"

    runner = PipelineRunner(backend=backend)
    runner.register_transform(Rename("1"))
    runner.register_transform(Rename("2"))
    await runner.run(parse_dot(flow("start -> n -> exit")))
    assert prompts == ["x12"]


async def test_11_11_5(tmp_path: Path) -> None:
    """HTTP: POST /run, GET /status, POST /answer"""
    serving = await serve_pipelines(PipelineServer(tmp_path))
    source = flow('h [shape=hexagon] start -> h h -> exit [label="[A] Go"]')
    try:
        async with aiohttp.ClientSession(serving.url) as client:
            async with client.post("/run", data=source) as response:
                assert response.status == 201
            while True:
                async with client.get("/status") as response:
                    now = await response.json()
                if now["questions"]:
                    break
            async with client.post("/answer", json={"answer": "A"}) as response:
                assert response.status == 200
            while now["status"] == "running":
                async with client.get("/status") as response:
                    now = await response.json()
            assert now["status"] == "completed"
    finally:
        await serving.close()


# --- 11.12 parity matrix: what the items above do not show ----------------------------------


def test_11_12_6() -> None:
    """An orphan is warned of"""
    assert found(flow("start -> exit lost"))["orphan_node"].severity is Severity.WARNING


async def test_11_12_7() -> None:
    """A linear pipeline of three nodes"""
    outcome = await run(flow("start -> a -> exit"), scripted())
    assert (outcome.status, len(outcome.completed_nodes)) == ("success", 3)


async def test_11_12_8() -> None:
    """Branching on success and failure"""
    source = flow(
        'start -> n n -> a [condition="outcome=success"] n -> b [condition="outcome=fail"]'
        " a -> exit b -> exit"
    )
    for first, expected in ((Outcome(), "a"), (FAIL, "b")):
        assert expected in (await run(source, scripted(n=[first]))).completed_nodes


async def test_11_12_22() -> None:
    """Ten nodes and more"""
    names = " -> ".join(f"n{number}" for number in range(12))
    assert len((await run(flow(f"start -> {names} -> exit"))).completed_nodes) == 14


# --- 11.13 smoke test -----------------------------------------------------------------------

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


async def test_11_13_1(tmp_path: Path) -> None:
    """The smoke test, with a callback in place of a model"""
    graph = parse_dot(SMOKE)
    assert (graph.goal, len(graph.nodes), len(graph.edges)) == (
        "Create a hello world Python script", 5, 6,
    )  # fmt: skip
    assert not [d for d in validate(graph) if d.severity == "error"]
    context = Context()
    outcome = await run_pipeline(
        graph, context, llm_callback=lambda node, prompt, context: "print('hello')",
        logs_root=tmp_path,
    )  # fmt: skip
    assert outcome.status == "success"
    assert "implement" in outcome.completed_nodes
    for stage in ("plan", "implement", "review"):
        for name in ("prompt.md", "response.md", "status.json"):
            assert (tmp_path / stage / name).exists()
    assert check_goal_gates(graph, outcome.node_outcomes) == (True, None)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.current_node == "done"
    assert {"plan", "implement", "review"} <= set(checkpoint.completed_nodes)


# --- the document ---------------------------------------------------------------------------


def test_the_document_lists_these_tests() -> None:
    tests = {name: value for name, value in globals().items() if name.startswith("test_11_")}
    listed = re.findall(r"^\| (11\.\d+\.\d+) \| (.+?) \| `(test_\w+)` \|$", DOCS.read_text(), re.M)
    assert [(number, name) for number, _, name in listed] == [
        (name.removeprefix("test_").replace("_", "."), name) for name in tests
    ]
    for _, item, name in listed:
        assert item == (tests[name].__doc__ or "").splitlines()[0]


def test_the_tests_the_document_names_exist() -> None:
    for path, name in re.findall(r"`(tests/attractor/\w+\.py)::(\w+)`", DOCS.read_text()):
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        assert hasattr(module, name), f"{path}::{name}"
