"""Lint rules, conditions, the stylesheet and transforms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_tui.attractor import (
    ConditionError,
    Context,
    Diagnostic,
    Edge,
    Graph,
    Node,
    Outcome,
    Severity,
    StageStatus,
    StylesheetError,
    ValidationError,
    evaluate_condition,
    parse_condition,
    parse_dot,
    parse_stylesheet,
    prepare_pipeline,
    validate,
    validate_or_raise,
)


def pipeline(body: str = "", ways: str = "start -> a -> exit") -> str:
    return (
        "digraph P {\n start [shape=Mdiamond]\n exit [shape=Msquare]\n a [prompt=x]\n "
        f"{body}\n {ways}\n}}"
    )


@pytest.mark.parametrize(
    ("rule", "severity", "source", "node"),
    [
        ("start_node", "error", "digraph P { a [prompt=x] exit [shape=Msquare] a -> exit }", ""),
        ("start_node", "error", pipeline("s2 [shape=Mdiamond]", "start -> a -> exit s2 -> a"),
         "s2"),
        ("terminal_node", "error", "digraph P { start [shape=Mdiamond] start -> a a [prompt=x] }",
         ""),
        ("terminal_node", "error", pipeline("e2 [shape=Msquare]", "start -> a -> exit a -> e2"),
         "e2"),
        ("reachability", "error", pipeline("lost [prompt=x]"), "lost"),
        ("type_known", "warning", pipeline("a [type=nonsense]"), "a"),
        ("fidelity_valid", "warning", pipeline("a [fidelity=loud]"), "a"),
        ("fidelity_valid", "warning", pipeline("default_fidelity=loud"), ""),
        ("retry_target_exists", "warning", pipeline("a [retry_target=gone]"), "a"),
        ("retry_target_exists", "warning", pipeline("fallback_retry_target=gone"), ""),
        ("goal_gate_has_retry", "warning", pipeline("a [goal_gate=true]"), "a"),
        ("prompt_on_llm_nodes", "warning", pipeline("b", "start -> a -> b -> exit"), "b"),
        ("stylesheet_syntax", "error", pipeline('model_stylesheet="box { color: red }"'), ""),
        ("attribute_type", "error", pipeline("a [max_retries=many]"), "a"),
        ("attribute_type", "error", pipeline("a [timeout=soon]"), "a"),
        ("attribute_type", "error", pipeline("default_max_retries=-1"), ""),
    ],
)  # fmt: skip
def test_each_rule_finds_its_fault(rule: str, severity: str, source: str, node: str) -> None:
    found = [item for item in validate(parse_dot(source)) if item.rule == rule]
    assert [(str(item.severity), item.node_id) for item in found] == [(severity, node)]
    assert found[0].message
    assert found[0].line > 0 or not node


@pytest.mark.parametrize(
    ("rule", "edges", "edge"),
    [
        ("start_no_incoming", "start -> a -> exit a -> start", ("a", "start")),
        ("exit_no_outgoing", "start -> a -> exit exit -> a", ("exit", "a")),
        ("condition_syntax", 'start -> a  a -> exit [condition="outcome >> x"]', ("a", "exit")),
        ("fidelity_valid", "start -> a  a -> exit [fidelity=loud]", ("a", "exit")),
        ("attribute_type", "start -> a  a -> exit [weight=heavy]", ("a", "exit")),
    ],
)
def test_each_edge_rule_finds_its_fault(rule: str, edges: str, edge: tuple[str, str]) -> None:
    found = [item for item in validate(parse_dot(pipeline(ways=edges))) if item.rule == rule]
    assert [item.edge for item in found] == [edge]
    assert found[0].line == 6
    assert found[0].column > 1


def test_edge_targets_must_exist_in_graphs_made_otherwise() -> None:
    graph = parse_dot(pipeline())
    graph.edges.append(Edge("a", "gone"))
    (found,) = [item for item in validate(graph) if item.rule == "edge_target_exists"]
    assert found.edge == ("a", "gone")
    assert found.severity is Severity.ERROR


def test_a_sound_pipeline_has_no_findings() -> None:
    assert validate(parse_dot(pipeline())) == []
    assert validate(parse_dot("digraph P { start -> a -> end  a [prompt=A] }")) == []


def test_a_node_that_only_a_retry_reaches_is_reachable() -> None:
    source = pipeline("fix [prompt=x] a [retry_target=fix]", "start -> a -> exit  fix -> a")
    assert validate(parse_dot(source)) == []


def test_validate_or_raise() -> None:
    with pytest.raises(ValidationError) as caught:
        validate_or_raise(parse_dot(pipeline("lost [prompt=x]")))
    assert [item.rule for item in caught.value.diagnostics] == ["reachability"]
    assert "5:2: error: 'lost' cannot be reached" in str(caught.value)
    warnings = validate_or_raise(parse_dot(pipeline("a [type=mine]")))
    assert [item.rule for item in warnings] == ["type_known"]
    assert validate_or_raise(parse_dot(pipeline("a [type=mine]")), known_types=["mine"]) == []


def test_rules_of_ones_own_come_after_the_built_in_ones() -> None:
    class Short:
        name = "short_names"

        def apply(self, graph: Graph) -> list[Diagnostic]:
            return [
                Diagnostic(self.name, Severity.INFO, "long", node_id=node.id)
                for node in graph.nodes.values()
                if len(node.id) > 4
            ]

    found = validate(parse_dot(pipeline("lost [prompt=x]")), [Short()])
    assert [item.rule for item in found] == [
        "reachability",
        "orphan_node",
        "short_names",
    ]


# --- conditions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("outcome=success", False),
        ("outcome=fail", True),
        ("outcome!=success", True),
        ("preferred_label=Fix", True),
        ("preferred_label=fix", False),
        ("context.flag=true", True),
        ("context.n=5", True),
        ("context.missing=", True),
        ("context.missing!=x", True),
        ('context.name = "a && b = c"', True),
        ("outcome=fail && context.flag=true", True),
        ("outcome=fail && context.flag=false", False),
        ("outcome=fail &&", True),
        ("context.qualified=yes", True),
        ("flag=true", True),
        ("flag", True),
        ("context.off", False),
        ("context.missing", False),
    ],
)
def test_conditions(text: str, expected: bool) -> None:
    context = Context(
        {"flag": True, "off": False, "n": 5, "name": "a && b = c", "context.qualified": "yes"}
    )
    outcome = Outcome(StageStatus.FAIL, preferred_label="Fix")
    assert evaluate_condition(text, outcome, context) is expected


@pytest.mark.parametrize(
    "text",
    ["outcome=", "=x", "outcome", "outcome==x", "a=1", "outcome=a || outcome=b", "outcome<3",
     "outcome=a &&", "&&", "outcome=a b", "!outcome=a", "context.=x", 'outcome="a'],
)  # fmt: skip
def test_bad_conditions_are_refused_with_a_place(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse_condition(text)
    assert 0 <= caught.value.offset <= len(text)


def test_good_conditions_parse() -> None:
    clauses = parse_condition('outcome=success && context.loop.state != "a \\"b\\""')
    assert [(c.key, c.operator, c.literal) for c in clauses] == [
        ("outcome", "=", "success"),
        ("context.loop.state", "!=", 'a "b"'),
    ]
    assert parse_condition("  ") == []


@given(st.text())
def test_no_condition_crashes(text: str) -> None:
    evaluate_condition(text, Outcome(), Context())
    try:
        parse_condition(text)
    except ConditionError:
        pass


# --- stylesheet and transforms --------------------------------------------------------------

STYLED = """
digraph Pipeline {
    graph [
        goal="Implement feature X",
        reasoning_effort="low",
        model_stylesheet="
            /* cheap by default */
            * { llm_model: claude-sonnet-4-5; llm_provider: anthropic; }
            box { llm_provider: \\"any\\" }
            .code { llm_model: claude-opus-4-6; llm_provider: anthropic; }
            #critical_review { llm_model: gpt-5.2; llm_provider: openai; reasoning_effort: high; }
        "
    ]
    start [shape=Mdiamond]
    exit  [shape=Msquare]
    node [llm_model="from-defaults"]
    plan            [label="Plan", class="planning"]
    implement       [label="Implement", class="code"]
    critical_review [label="Critical Review", class="code"]
    own             [label="Own", class="code", llm_model="mine", prompt="Do $goal for $goal"]
    start -> plan -> implement -> critical_review -> own -> exit
}
"""


def test_the_stylesheet_sets_what_nodes_do_not_say_themselves() -> None:
    graph, diagnostics = prepare_pipeline(STYLED)
    assert {item.rule for item in diagnostics} == {"prompt_on_llm_nodes"}, "it has labels only"
    nodes = graph.nodes
    assert nodes["start"].llm_provider == "anthropic"
    assert (nodes["plan"].llm_model, nodes["plan"].llm_provider) == ("claude-sonnet-4-5", "any")
    assert nodes["plan"].reasoning_effort == "low", "the graph's own default"
    assert nodes["implement"].llm_model == "claude-opus-4-6"
    assert nodes["implement"].llm_provider == "anthropic"
    assert nodes["critical_review"].llm_model == "gpt-5.2"
    assert nodes["critical_review"].reasoning_effort == "high"
    assert nodes["own"].llm_model == "mine"


def test_of_equal_rules_the_later_wins() -> None:
    rules = parse_stylesheet(".a { llm_model: x } .b { llm_model: y }")
    assert [rule.specificity for rule in rules] == [2, 2]
    graph, _ = prepare_pipeline(
        'digraph P { model_stylesheet=".a { llm_model: x } .b { llm_model: y }"'
        ' start -> n -> exit n [class="b,a", label=N] }'
    )
    assert graph.nodes["n"].llm_model == "y"


@pytest.mark.parametrize(
    "text",
    ["box", "box {", "box {}", "box { llm_model }", "box { llm_model: }", "box { color: x }",
     "box { llm_model: x", "{ llm_model: x }", "box { llm_model: x } }", "! { llm_model: x }"],
)  # fmt: skip
def test_a_broken_stylesheet_says_where(text: str) -> None:
    with pytest.raises(StylesheetError) as caught:
        parse_stylesheet(text)
    assert (caught.value.line, caught.value.column) >= (1, 1)


@given(st.text())
def test_no_stylesheet_crashes(text: str) -> None:
    try:
        parse_stylesheet(text)
    except StylesheetError:
        pass


def test_transforms_run_in_order_and_leave_their_input_alone() -> None:
    seen = []

    class Mark:
        def apply(self, graph: Graph) -> Graph:
            seen.append(graph.nodes["own"].prompt)
            changed = graph.copy()
            changed.nodes["own"].attrs["prompt"] += "!"
            return changed

    def add(graph: Graph) -> Graph:
        changed = graph.copy()
        changed.nodes["extra"] = Node("extra", {"prompt": "more"})
        changed.edges.append(Edge("plan", "extra"))
        return changed

    before = parse_dot(STYLED)
    graph, _ = prepare_pipeline(STYLED, [Mark(), Mark(), add])
    assert seen[0] == "Do Implement feature X for Implement feature X"
    assert graph.nodes["own"].prompt.endswith("!!")
    assert [edge.to_node for edge in graph.outgoing_edges("plan")] == ["implement", "extra"]
    assert before.nodes["own"].prompt == "Do $goal for $goal"
