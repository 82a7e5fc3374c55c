"""What is wrong with a pipeline before it runs. Section 7 of the Attractor specification."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from factory_tui.attractor.conditions import ConditionError, parse_condition
from factory_tui.attractor.fidelity import FidelityMode
from factory_tui.attractor.model import (
    SHAPE_TO_TYPE,
    Edge,
    Graph,
    Node,
    Position,
    parse_boolean,
    parse_duration,
    parse_integer,
)
from factory_tui.attractor.stylesheet import StylesheetError, parse_stylesheet

__all__ = [
    "BUILT_IN_RULES",
    "Diagnostic",
    "LintRule",
    "Severity",
    "ValidationError",
    "validate",
    "validate_or_raise",
]


class Severity(StrEnum):
    """How bad a finding is; an ERROR keeps the pipeline from running."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``line`` and ``column`` count from 1 and are 0 where nothing was written, as for a missing
    start node or a graph that did not come from a file.
    """

    rule: str
    severity: Severity
    message: str
    node_id: str = ""
    edge: tuple[str, str] | None = None
    fix: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        where = f"{self.line}:{self.column}: " if self.line else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{where}{self.severity}: {self.message}{fix} [{self.rule}]"


class ValidationError(ValueError):
    """A pipeline that must not run; ``diagnostics`` holds its errors."""

    def __init__(self, diagnostics: list[Diagnostic]):
        self.diagnostics = diagnostics
        super().__init__("\n".join(map(str, diagnostics)))


class LintRule(Protocol):
    """A rule of one's own."""

    @property
    def name(self) -> str:
        """The rule's id."""
        ...

    def apply(self, graph: Graph) -> list[Diagnostic]:
        """Everything the rule finds in a graph."""
        ...


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    check: Callable[[Graph], Iterator[Diagnostic]]

    def apply(self, graph: Graph) -> list[Diagnostic]:
        return list(self.check(graph))


def validate(
    graph: Graph,
    extra_rules: Iterable[LintRule] | None = None,
    *,
    known_types: Iterable[str] = SHAPE_TO_TYPE.values(),
) -> list[Diagnostic]:
    """Apply the built-in rules, then ``extra_rules``; findings in that order.

    ``known_types`` are the handler types there are, for the rule ``type_known``.
    """
    found: list[Diagnostic] = []
    for rule in (*BUILT_IN_RULES, _type_known(known_types), *(extra_rules or ())):
        found.extend(rule.apply(graph))
    return found


def validate_or_raise(
    graph: Graph,
    extra_rules: Iterable[LintRule] | None = None,
    *,
    known_types: Iterable[str] = SHAPE_TO_TYPE.values(),
) -> list[Diagnostic]:
    """Like `validate`, for a pipeline that is about to run.

    Raises:
        ValidationError: There is at least one error.
    """
    found = validate(graph, extra_rules, known_types=known_types)
    if errors := [item for item in found if item.severity is Severity.ERROR]:
        raise ValidationError(errors)
    return found


_NOWHERE: Final = Position()


def _graph_finding(rule: str, message: str, fix: str = "", at: Position = _NOWHERE) -> Diagnostic:
    return Diagnostic(rule, Severity.ERROR, message, fix=fix, line=at.line, column=at.column)


def _node_finding(
    rule: str, severity: Severity, node: Node, message: str, fix: str = "", key: str = ""
) -> Diagnostic:
    at = node.positions.get(key, node.position)
    return Diagnostic(
        rule, severity, message, node_id=node.id, fix=fix, line=at.line, column=at.column
    )


def _edge_finding(
    rule: str, severity: Severity, edge: Edge, message: str, fix: str = "", key: str = ""
) -> Diagnostic:
    at = edge.positions.get(key, edge.position)
    ends = (edge.from_node, edge.to_node)
    return Diagnostic(rule, severity, message, edge=ends, fix=fix, line=at.line, column=at.column)


def _start_node(graph: Graph) -> Iterator[Diagnostic]:
    starts = [node for node in graph.nodes.values() if node.is_start]
    return _exactly_one("start_node", "start", starts, "Mdiamond")


def _terminal_node(graph: Graph) -> Iterator[Diagnostic]:
    return _exactly_one("terminal_node", "exit", graph.terminal_nodes(), "Msquare")


def _exactly_one(rule: str, kind: str, nodes: Sequence[Node], shape: str) -> Iterator[Diagnostic]:
    if not nodes:
        fix = f"add: {kind} [shape={shape}]"
        yield _graph_finding(rule, f"the pipeline has no {kind} node", fix)
    for node in nodes[1:]:
        said = f"{node.id!r} is a second {kind} node beside {nodes[0].id!r}"
        yield _node_finding(rule, Severity.ERROR, node, said, "keep one")


def _reachability(graph: Graph) -> Iterator[Diagnostic]:
    start = graph.start_node()
    if start is None:
        return
    # Failure routing jumps without an edge, so what it jumps to is reachable as well.
    jumps = [graph.retry_target, graph.fallback_retry_target]
    for node in graph.nodes.values():
        jumps += [node.retry_target, node.fallback_retry_target]
    seen = graph.reachable(start.id)
    for target in filter(graph.nodes.__contains__, jumps):
        seen |= graph.reachable(target)
    for node in graph.nodes.values():
        # A second start node is reported as such.
        if node.id not in seen and not node.is_start:
            yield _node_finding(
                "reachability",
                Severity.ERROR,
                node,
                f"{node.id!r} cannot be reached from {start.id!r}",
                "add an edge to it or remove it",
            )


def _orphan_node(graph: Graph) -> Iterator[Diagnostic]:
    """Section 11.12 wants a warning for these beside the error of ``reachability`` (7.2)."""
    joined = {end for edge in graph.edges for end in (edge.from_node, edge.to_node)}
    for node in graph.nodes.values():
        if node.id not in joined and not (node.is_start or node.is_terminal):
            yield _node_finding(
                "orphan_node",
                Severity.WARNING,
                node,
                f"{node.id!r} is an orphan: no edge leads to it or from it",
                "add edges or remove it",
            )


def _edge_target_exists(graph: Graph) -> Iterator[Diagnostic]:
    for edge in graph.edges:
        target = graph.nodes.get(edge.to_node)
        # Naming a node in edges only is enough to declare it, but one that nothing is said of
        # and nothing follows is a slip of the pen, and would end the run as if it were done.
        if (
            target is not None
            and not target.declared
            and not target.is_terminal
            and not target.is_start
            and not graph.outgoing_edges(target.id)
        ):
            yield _edge_finding(
                "edge_target_exists",
                Severity.ERROR,
                edge,
                f"the edge {edge.from_node} -> {edge.to_node} leads to {target.id!r}, "
                "which is declared nowhere and leads nowhere",
                f"declare {target.id!r} or correct the name",
            )
        for end in (edge.from_node, edge.to_node):
            if end not in graph.nodes:
                yield _edge_finding(
                    "edge_target_exists",
                    Severity.ERROR,
                    edge,
                    f"the edge {edge.from_node} -> {edge.to_node} names {end!r}, "
                    "which does not exist",
                    f"declare {end!r}",
                )


def _start_no_incoming(graph: Graph) -> Iterator[Diagnostic]:
    for edge in graph.edges:
        target = graph.nodes.get(edge.to_node)
        if target is not None and target.is_start:
            yield _edge_finding(
                "start_no_incoming",
                Severity.ERROR,
                edge,
                f"the start node {target.id!r} has an incoming edge",
                "lead it to the first stage instead",
            )


def _exit_no_outgoing(graph: Graph) -> Iterator[Diagnostic]:
    for edge in graph.edges:
        source = graph.nodes.get(edge.from_node)
        if source is not None and source.is_terminal:
            yield _edge_finding(
                "exit_no_outgoing",
                Severity.ERROR,
                edge,
                f"the exit node {source.id!r} has an outgoing edge",
                "remove it",
            )


def _condition_syntax(graph: Graph) -> Iterator[Diagnostic]:
    for edge in graph.edges:
        try:
            parse_condition(edge.condition)
        except ConditionError as error:
            yield _edge_finding(
                "condition_syntax",
                Severity.ERROR,
                edge,
                f"condition {edge.condition!r}: {error}",
                key="condition",
            )


def _stylesheet_syntax(graph: Graph) -> Iterator[Diagnostic]:
    try:
        parse_stylesheet(graph.model_stylesheet)
    except StylesheetError as error:
        at = graph.positions.get("model_stylesheet", Position())
        yield _graph_finding("stylesheet_syntax", f"model_stylesheet: {error}", at=at)


def _type_known(types: Iterable[str]) -> LintRule:
    known = frozenset(types)

    def check(graph: Graph) -> Iterator[Diagnostic]:
        for node in graph.nodes.values():
            if node.type and node.type not in known:
                yield _node_finding(
                    "type_known",
                    Severity.WARNING,
                    node,
                    f"{node.id!r} has the unknown type {node.type!r}",
                    "register a handler for it, or it runs as its shape",
                    key="type",
                )

    return _Rule("type_known", check)


def _fidelity_valid(graph: Graph) -> Iterator[Diagnostic]:
    allowed = ", ".join(FidelityMode)

    def bad(value: str) -> bool:
        return bool(value) and value not in list(FidelityMode)

    if bad(graph.default_fidelity):
        at = graph.positions.get("default_fidelity", Position())
        yield Diagnostic(
            "fidelity_valid",
            Severity.WARNING,
            f"unknown default_fidelity {graph.default_fidelity!r}",
            fix=f"one of {allowed}",
            line=at.line,
            column=at.column,
        )
    for node in graph.nodes.values():
        if bad(node.fidelity):
            message = f"unknown fidelity {node.fidelity!r}"
            yield _node_finding(
                "fidelity_valid", Severity.WARNING, node, message, f"one of {allowed}", "fidelity"
            )
    for edge in graph.edges:
        if bad(edge.fidelity):
            message = f"unknown fidelity {edge.fidelity!r}"
            yield _edge_finding(
                "fidelity_valid", Severity.WARNING, edge, message, f"one of {allowed}", "fidelity"
            )


def _retry_target_exists(graph: Graph) -> Iterator[Diagnostic]:
    for key in ("retry_target", "fallback_retry_target"):
        target = str(graph.attrs.get(key, ""))
        if target and target not in graph.nodes:
            at = graph.positions.get(key, Position())
            yield Diagnostic(
                "retry_target_exists",
                Severity.WARNING,
                f"{key} names {target!r}, which does not exist",
                line=at.line,
                column=at.column,
            )
        for node in graph.nodes.values():
            target = str(node.attrs.get(key, ""))
            if target and target not in graph.nodes:
                yield _node_finding(
                    "retry_target_exists",
                    Severity.WARNING,
                    node,
                    f"{key} of {node.id!r} names {target!r}, which does not exist",
                    key=key,
                )


def _goal_gate_has_retry(graph: Graph) -> Iterator[Diagnostic]:
    for node in graph.nodes.values():
        if node.goal_gate and not (node.retry_target or node.fallback_retry_target):
            yield _node_finding(
                "goal_gate_has_retry",
                Severity.WARNING,
                node,
                f"the goal gate {node.id!r} has no retry_target",
                "say where to go on when it is not satisfied",
                key="goal_gate",
            )


def _prompt_on_llm_nodes(graph: Graph) -> Iterator[Diagnostic]:
    for node in graph.nodes.values():
        if node.handler_type != "codergen" or node.prompt.strip():
            continue
        sent = "label" if str(node.attrs.get("label", "")).strip() else "id"
        yield _node_finding(
            "prompt_on_llm_nodes",
            Severity.WARNING,
            node,
            f"{node.id!r} is a model stage without a prompt, so its {sent} is sent instead",
            "add prompt",
        )


_CHECKS: Final = {
    "max_retries": (parse_integer, 0),
    "default_max_retries": (parse_integer, 0),
    "default_max_retry": (parse_integer, 0),
    "max_parallel": (parse_integer, 1),
    "weight": (parse_integer, None),
    "goal_gate": (parse_boolean, None),
    "auto_status": (parse_boolean, None),
    "allow_partial": (parse_boolean, None),
    "loop_restart": (parse_boolean, None),
    "timeout": (parse_duration, 0),
}


def _attribute_type(graph: Graph) -> Iterator[Diagnostic]:
    """Not among the specification's rules: a value of the wrong type would silently not count."""

    def problem(key: str, value: object) -> str:
        parse, least = _CHECKS[key]
        try:
            number = parse(value)
        except ValueError as error:
            return f"{key} is {error}"
        return "" if least is None or number >= least else f"{key} must not be below {least}"

    for key, value in graph.attrs.items():
        if key in _CHECKS and (found := problem(key, value)):
            at = graph.positions.get(key, Position())
            yield _graph_finding("attribute_type", found, at=at)
    for node in graph.nodes.values():
        for key, value in node.attrs.items():
            if key in _CHECKS and (found := problem(key, value)):
                message = f"{node.id!r}: {found}"
                yield _node_finding("attribute_type", Severity.ERROR, node, message, key=key)
    for edge in graph.edges:
        for key, value in edge.attrs.items():
            if key in _CHECKS and (found := problem(key, value)):
                yield _edge_finding("attribute_type", Severity.ERROR, edge, found, key=key)


BUILT_IN_RULES: Final[tuple[LintRule, ...]] = (
    _Rule("start_node", _start_node),
    _Rule("terminal_node", _terminal_node),
    _Rule("reachability", _reachability),
    _Rule("orphan_node", _orphan_node),
    _Rule("edge_target_exists", _edge_target_exists),
    _Rule("start_no_incoming", _start_no_incoming),
    _Rule("exit_no_outgoing", _exit_no_outgoing),
    _Rule("condition_syntax", _condition_syntax),
    _Rule("stylesheet_syntax", _stylesheet_syntax),
    _Rule("fidelity_valid", _fidelity_valid),
    _Rule("retry_target_exists", _retry_target_exists),
    _Rule("goal_gate_has_retry", _goal_gate_has_retry),
    _Rule("prompt_on_llm_nodes", _prompt_on_llm_nodes),
    _Rule("attribute_type", _attribute_type),
)
