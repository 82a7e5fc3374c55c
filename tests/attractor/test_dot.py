"""Parsing: the accepted subset, what is refused, and where it says so."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_tui.attractor import (
    DotSyntaxError,
    Duration,
    Edge,
    Graph,
    Node,
    parse_dot,
    parse_duration,
    to_dot,
)

SIMPLE = """
digraph Simple {
    graph [goal="Run tests and report"]
    rankdir=LR

    start [shape=Mdiamond, label="Start"]
    exit  [shape=Msquare, label="Exit"]

    run_tests [label="Run Tests", prompt="Run the test suite and report results"]
    report    [label="Report", prompt="Summarize the test results"]

    start -> run_tests -> report -> exit
}
"""


def test_a_simple_linear_pipeline() -> None:
    graph = parse_dot(SIMPLE)
    assert (graph.id, graph.goal) == ("Simple", "Run tests and report")
    assert graph.attrs["rankdir"] == "LR"
    assert list(graph.nodes) == ["start", "exit", "run_tests", "report"]
    ways = [(edge.from_node, edge.to_node) for edge in graph.edges]
    assert ways == [("start", "run_tests"), ("run_tests", "report"), ("report", "exit")]
    assert graph.nodes["run_tests"].label == "Run Tests"


def test_values_have_their_types() -> None:
    graph = parse_dot(
        r"""digraph T { n [a=42, b=-1, c=0.5, d=-3.14, e=true, f=false, g=900s, h=250ms,
        i="say \"hi\"\n\t\\", j=claude-opus-4-6, k=gpt-5.2, l=wait.human, m=.5, n="true"] }"""
    )
    assert graph.nodes["n"].attrs == {
        "a": 42,
        "b": -1,
        "c": 0.5,
        "d": -3.14,
        "e": True,
        "f": False,
        "g": Duration(900, "s"),
        "h": Duration(250, "ms"),
        "i": 'say "hi"\n\t\\',
        "j": "claude-opus-4-6",
        "k": "gpt-5.2",
        "l": "wait.human",
        "m": 0.5,
        "n": "true",
    }


def test_typed_reading_takes_quoted_values_too() -> None:
    node = Node("n", {"timeout": "15m", "max_retries": "3", "goal_gate": "true", "label": ""})
    assert (node.timeout, node.max_retries, node.goal_gate, node.label) == (900.0, 3, True, "n")
    assert Node("n", {"timeout": "soon"}).timeout is None
    assert parse_duration("2h") == 7200
    assert parse_duration(Duration(1, "d")) == 86400
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration("2 weeks")


def test_attribute_blocks_span_lines_and_keep_raw_line_ends() -> None:
    graph = parse_dot('digraph T { n [\n  label="a",\n  prompt="one\n  two",\n  x.y.z=1\n] }')
    assert graph.nodes["n"].prompt == "one\n  two"
    assert graph.nodes["n"].attrs["x.y.z"] == 1
    assert str(graph.nodes["n"].positions["prompt"]) == "3:10"


def test_chained_edges_share_their_attributes() -> None:
    graph = parse_dot('digraph T { a -> b -> c [label="next", weight=3] }')
    assert [(e.from_node, e.to_node, e.label, e.weight) for e in graph.edges] == [
        ("a", "b", "next", 3),
        ("b", "c", "next", 3),
    ]


def test_defaults_apply_to_what_follows_in_their_scope() -> None:
    graph = parse_dot(
        """digraph T {
            before
            node [shape=box, timeout="900s"]
            edge [weight=5]
            a -> b
            subgraph cluster_loop {
                label = "Loop A"
                node [thread_id="loop-a"]
                Plan [label="Plan"]
                Implement [timeout="1800s"]
                edge [weight=1]
                Plan -> Implement
            }
            after -> a [weight=7]
        }"""
    )
    assert graph.nodes["before"].attrs == {}
    assert graph.nodes["Plan"].attrs["thread_id"] == "loop-a"
    assert graph.nodes["Plan"].timeout == 900
    assert graph.nodes["Implement"].timeout == 1800
    assert graph.nodes["after"].thread_id == ""
    assert [edge.weight for edge in graph.edges] == [5, 1, 7]
    assert graph.label == "", "a subgraph's label is its own"


def test_a_declaration_counts_where_it_stands_not_the_first_mention() -> None:
    graph = parse_dot("digraph T { a -> b  subgraph { node [thread_id=x] b [label=B] } }")
    assert graph.nodes["b"].thread_id == "x"
    assert graph.nodes["a"].thread_id == ""


def test_subgraphs_are_flattened_and_give_classes() -> None:
    graph = parse_dot(
        """digraph T {
            subgraph cluster_a {
                label = "Loop A!"
                n [class="code, critical"]
                subgraph { graph [label="Inner_x"]  m }
            }
        }"""
    )
    assert graph.nodes["n"].classes == ["code", "critical", "loop-a"]
    assert graph.nodes["m"].classes == ["loop-a", "innerx"]


def test_comments_are_no_part_of_strings() -> None:
    graph = parse_dot(
        'digraph T { // one\n /* two\n * / */ n [a="http://x /* y */", b=1 /* c */, d=2] // end\n}'
    )
    assert graph.nodes["n"].attrs == {"a": "http://x /* y */", "b": 1, "d": 2}


def test_semicolons_are_optional_and_keywords_are_words_elsewhere() -> None:
    graph = parse_dot("digraph T { a; b -> c; goal=x; nodes; node_1 [graph=edge, node=1]; }")
    assert list(graph.nodes) == ["a", "b", "c", "nodes", "node_1"]
    assert graph.nodes["node_1"].attrs == {"graph": "edge", "node": 1}


@pytest.mark.parametrize(
    ("source", "where", "said"),
    [
        ("", "1:1", "the file ends where 'digraph' is missing"),
        ("digraph a {\n  b\n", "3:1", "the file ends where '}' is missing"),
        ("strict digraph a {}", "1:1", "'strict' is not supported"),
        ("graph a {}", "1:1", "'graph' is not supported"),
        ("digraph {}", "1:9", "unexpected '{'"),
        ("digraph a {\n  b -- c\n}", "2:5", "undirected edges are not supported"),
        ("digraph a { b [x=1 y=2] }", "1:20", "attributes are separated by commas"),
        ("digraph a { b [x=1; y=2] }", "1:19", "attributes are separated by commas"),
        ("digraph a { b [x=1,] }", "1:20", "a comma before ']'"),
        ("digraph a { b [x=<b>] }", "1:18", "HTML labels are not supported"),
        ("digraph a {} digraph b {}", "1:14", "only one digraph per file"),
        ('digraph a { b [x="c] }', "1:18", "a string is never closed"),
        (r'digraph a { b [x="\l"] }', "1:18", "unknown escape"),
        ('digraph a { "b" -> c }', "1:13", "a quoted string cannot stand here"),
        ("digraph a { b.c -> d }", "1:17", "a node id with a dot"),
        ("digraph a { 1b }", "1:13", "unexpected '1'"),
        ("digraph a { b [x=12abc] }", "1:18", "not a number or duration"),
        ("digraph a { /* b }", "1:13", "a comment is never closed"),
        ("# a\ndigraph a {}", "1:1", "'#' lines are not supported"),
        ("digraph a { b -> { c d } }", "1:18", "unexpected '{'"),
        ("digraph a { b [x=" + "9" * 5000 + "] }", "1:18", "a number is too long"),
        ("digraph a {" + "subgraph {" * 200 + "}" * 201, "1:", "nested too deeply"),
    ],
)
def test_what_is_refused_says_where_and_why(source: str, where: str, said: str) -> None:
    with pytest.raises(DotSyntaxError) as caught:
        parse_dot(source, path="p.dot")
    assert str(caught.value).startswith(f"p.dot:{where}")
    assert said in str(caught.value)


def test_the_shipped_pipeline_parses() -> None:
    path = Path(__file__).parents[2] / "factory_tui" / "pipelines" / "factory.dot"
    assert next(iter(parse_dot(path.read_text()).nodes)) == "start"


# --- any input ------------------------------------------------------------------------------

_SOUP = st.lists(
    st.sampled_from(
        [
            *[
                "digraph",
                "graph",
                "node",
                "edge",
                "subgraph",
                "strict",
                "a",
                "b.c",
                "->",
                "--",
                "{",
                "}",
                "[",
                "]",
                "=",
                ",",
                ";",
                "true",
                "label",
            ],
            *['"', '"x"', "1", "-2", "3.5", "900s", "//", "/*", "*/", "\\", "\n", "<", ">", "#"],
            *[":", "é", "\x00"],
        ]
    )
)


def _parses_or_says_why(source: str) -> None:
    try:
        parse_dot(source)
    except DotSyntaxError as error:
        assert error.line >= 1
        assert error.column >= 1


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_no_text_crashes_the_parser(source: str) -> None:
    _parses_or_says_why(source)
    _parses_or_says_why("digraph a {" + source + "}")


@settings(max_examples=200, deadline=None)
@given(_SOUP)
def test_no_heap_of_tokens_crashes_the_parser(tokens: list[str]) -> None:
    _parses_or_says_why("digraph a { " + " ".join(tokens) + " }")


_KEYWORDS = {"graph", "node", "edge", "digraph", "subgraph"}
_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in _KEYWORDS
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_VALUE = st.one_of(
    _TEXT,
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
    st.booleans(),
    st.builds(Duration, st.integers(0, 10**6), st.sampled_from(["ms", "s", "m", "h", "d"])),
)
_KEY = st.one_of(_NAME, st.builds("{}.{}".format, _NAME, _NAME))
_ATTRS = st.dictionaries(_KEY, _VALUE, max_size=3)


@st.composite
def graphs(draw: Any) -> Graph:
    graph = Graph(draw(_NAME), draw(_ATTRS))
    ids = draw(st.lists(_NAME, min_size=1, max_size=5, unique=True))
    graph.nodes = {node_id: Node(node_id, draw(_ATTRS)) for node_id in ids}
    ends = st.sampled_from(ids)
    graph.edges = draw(st.lists(st.builds(Edge, ends, ends, _ATTRS), max_size=5))
    return graph


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_a_written_graph_reads_back_the_same(graph: Graph) -> None:
    again = parse_dot(to_dot(graph))
    assert (again.id, again.attrs) == (graph.id, graph.attrs)
    assert {k: n.attrs for k, n in again.nodes.items()} == {
        k: n.attrs for k, n in graph.nodes.items()
    }
    assert [(e.from_node, e.to_node, e.attrs) for e in again.edges] == [
        (e.from_node, e.to_node, e.attrs) for e in graph.edges
    ]
    assert all(type(a) is type(b) for a, b in zip(again.attrs.values(), graph.attrs.values(),
                                                  strict=True))  # fmt: skip
