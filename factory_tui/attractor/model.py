"""The graph a DOT file describes: nodes, edges, attributes, and where each was written.

Attribute names, defaults and meanings are those of sections 2.5 to 2.8 of the Attractor
specification. Values keep the type they had in the file (``str``, ``int``, ``float``, ``bool``
or `Duration`); the properties of `Node` and `Edge` give them the type the attribute calls for,
because authors write ``timeout=900s`` and ``timeout="900s"`` alike. A value that cannot be read
that way yields the attribute's default there, and an error from the lint rule ``attribute_type``.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = [
    "SHAPE_TO_TYPE",
    "Duration",
    "Edge",
    "Graph",
    "Node",
    "Position",
    "parse_duration",
]

SHAPE_TO_TYPE: Final[Mapping[str, str]] = {
    "Mdiamond": "start",
    "Msquare": "exit",
    "box": "codergen",
    "hexagon": "wait.human",
    "diamond": "conditional",
    "component": "parallel",
    "tripleoctagon": "parallel.fan_in",
    "parallelogram": "tool",
    "house": "stack.manager_loop",
}
"""Which handler runs a node of a shape, unless its ``type`` says otherwise."""

_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION: Final = re.compile(r"\s*(-?\d+)(ms|s|m|h|d)\s*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in the source; lines and columns count from 1, 0 is nowhere."""

    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as written: an amount and one of the units ms, s, m, h, d."""

    amount: int
    unit: str

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return self.amount * _UNIT_SECONDS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


Value = str | int | float | bool | Duration
"""What an attribute can hold."""


def parse_duration(value: object) -> float:
    """Read a duration in seconds from a `Duration`, a number of seconds or text like ``15m``.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(value, Duration):
        return value.seconds
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (found := _DURATION.match(value)):
        return Duration(int(found[1]), found[2]).seconds
    raise ValueError(f"not a duration: {value!r} (write for example 250ms, 900s, 15m, 2h or 1d)")


def parse_boolean(value: object) -> bool:
    """Read ``true`` or ``false``, quoted or not.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ValueError(f"not a boolean: {value!r} (write true or false)")


def parse_integer(value: object) -> int:
    """Read a whole number, quoted or not.

    Raises:
        ValueError: It is not one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,18}\s*", value, re.ASCII):
        return int(value)
    raise ValueError(f"not a whole number: {value!r}")


def text_of(value: object) -> str:
    """Show a value the way conditions compare it: ``true``/``false`` for booleans, "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _Attributes:
    """Typed reading of an ``attrs`` mapping; values that do not fit give the default."""

    attrs: dict[str, Any]

    def _text(self, key: str, default: str = "") -> str:
        value = self.attrs.get(key)
        return default if value is None else text_of(value)

    def _flag(self, key: str) -> bool:
        try:
            return parse_boolean(self.attrs.get(key, False))
        except ValueError:
            return False

    def _whole(self, key: str) -> int | None:
        try:
            return parse_integer(self.attrs[key])
        except (KeyError, ValueError):
            return None

    def _seconds(self, key: str) -> float | None:
        try:
            return parse_duration(self.attrs[key])
        except (KeyError, ValueError):
            return None


@dataclass(slots=True)
class Node(_Attributes):
    """One stage of a pipeline.

    Attributes:
        id: The identifier used in edges.
        attrs: Every attribute in force, defaults of enclosing blocks included.
        explicit: The keys written on the node itself; a stylesheet never overrides these.
        classes: Names a stylesheet's ``.class`` selectors match: those of the ``class``
            attribute, then those derived from enclosing subgraphs, outermost first.
        position: Where the node was first named.
        positions: Where the value of each attribute was written.
        declared: Whether it has a statement of its own; False where only edges name it.
    """

    id: str
    attrs: dict[str, Any] = field(default_factory=dict)
    explicit: set[str] = field(default_factory=set)
    subgraph_classes: list[str] = field(default_factory=list)
    position: Position = Position()
    positions: dict[str, Position] = field(default_factory=dict)
    declared: bool = field(default=True, compare=False)

    @property
    def label(self) -> str:
        """Display name; the id where none is given."""
        return self._text("label") or self.id

    @property
    def shape(self) -> str:
        """Graphviz shape, ``box`` by default."""
        return self._text("shape", "box")

    @property
    def type(self) -> str:
        """Explicit handler type, or ""."""
        return self._text("type")

    @property
    def prompt(self) -> str:
        """Instruction of the stage, or ""."""
        return self._text("prompt")

    @property
    def max_retries(self) -> int | None:
        """Attempts beyond the first; None where the graph decides."""
        return self._whole("max_retries")

    @property
    def goal_gate(self) -> bool:
        """Whether the pipeline may exit only once this node has succeeded."""
        return self._flag("goal_gate")

    @property
    def retry_target(self) -> str:
        """Node to jump to after a failure, or ""."""
        return self._text("retry_target")

    @property
    def fallback_retry_target(self) -> str:
        """Second choice of `retry_target`, or ""."""
        return self._text("fallback_retry_target")

    @property
    def fidelity(self) -> str:
        """Context fidelity mode, or "" where inherited."""
        return self._text("fidelity")

    @property
    def thread_id(self) -> str:
        """Key of the model session to go on with under ``full`` fidelity, or ""."""
        return self._text("thread_id")

    @property
    def classes(self) -> list[str]:
        """Class names, without repetition."""
        own = (name.strip() for name in self._text("class").split(","))
        return list(dict.fromkeys([*filter(None, own), *self.subgraph_classes]))

    @property
    def timeout(self) -> float | None:
        """Longest time one attempt may take, in seconds; None for no limit."""
        return self._seconds("timeout")

    @property
    def llm_model(self) -> str:
        """Model identifier, or "" where inherited."""
        return self._text("llm_model")

    @property
    def llm_provider(self) -> str:
        """Provider key, or "" where it follows from the model."""
        return self._text("llm_provider")

    @property
    def reasoning_effort(self) -> str:
        """How hard the model is to think: ``low``, ``medium`` or ``high`` (the default)."""
        return self._text("reasoning_effort", "high")

    @property
    def auto_status(self) -> bool:
        """Whether a handler that reports nothing counts as a success."""
        return self._flag("auto_status")

    @property
    def allow_partial(self) -> bool:
        """Whether used-up retries end in a partial success instead of a failure."""
        return self._flag("allow_partial")

    @property
    def handler_type(self) -> str:
        """The handler the node asks for: its type, else that of its shape, else ``codergen``.

        A node named ``start`` or ``exit`` without a shape of its own is taken by its name.
        """
        if self.type:
            return self.type
        if self.is_start:
            return "start"
        if self.is_terminal:
            return "exit"
        return SHAPE_TO_TYPE.get(self.shape, "codergen")

    @property
    def is_start(self) -> bool:
        """Whether the pipeline may begin here: by shape, or by name where no shape is given."""
        return self.shape == "Mdiamond" or (
            self.id in ("start", "Start") and "shape" not in self.explicit
        )

    @property
    def is_terminal(self) -> bool:
        """Whether the pipeline ends here: by shape, or by name where no shape is given."""
        return self.shape == "Msquare" or (
            self.id in ("exit", "end", "Exit", "End") and "shape" not in self.explicit
        )


@dataclass(slots=True)
class Edge(_Attributes):
    """A way from one node to another."""

    from_node: str
    to_node: str
    attrs: dict[str, Any] = field(default_factory=dict)
    position: Position = Position()
    positions: dict[str, Position] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Caption and routing key, or ""."""
        return self._text("label")

    @property
    def condition(self) -> str:
        """Guard expression, or "" for an unconditional edge."""
        return self._text("condition").strip()

    @property
    def weight(self) -> int:
        """Priority among equally eligible edges; the higher wins."""
        return self._whole("weight") or 0

    @property
    def fidelity(self) -> str:
        """Fidelity mode for the target node, or ""."""
        return self._text("fidelity")

    @property
    def thread_id(self) -> str:
        """Session key for the target node, or ""."""
        return self._text("thread_id")

    @property
    def loop_restart(self) -> bool:
        """Whether taking this edge begins the run anew with a fresh run directory."""
        return self._flag("loop_restart")


@dataclass(slots=True)
class Graph(_Attributes):
    """A parsed pipeline.

    Nodes and edges keep the order of the file.
    """

    id: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    positions: dict[str, Position] = field(default_factory=dict)
    _by_source: dict[str, list[Edge]] = field(default_factory=dict, repr=False, compare=False)
    _indexed: int = field(default=-1, repr=False, compare=False)

    @property
    def goal(self) -> str:
        """What the pipeline is for; ``$goal`` in prompts."""
        return self._text("goal")

    @property
    def label(self) -> str:
        """Display name, or ""."""
        return self._text("label")

    @property
    def model_stylesheet(self) -> str:
        """The stylesheet's source, or ""."""
        return self._text("model_stylesheet")

    @property
    def default_max_retries(self) -> int:
        """Attempts beyond the first of nodes that do not say."""
        for key in ("default_max_retries", "default_max_retry"):
            if (value := self._whole(key)) is not None:
                return max(0, value)
        return 0

    @property
    def retry_target(self) -> str:
        """Node to jump to when the exit is reached with an unsatisfied goal gate, or ""."""
        return self._text("retry_target")

    @property
    def fallback_retry_target(self) -> str:
        """Second choice of `retry_target`, or ""."""
        return self._text("fallback_retry_target")

    @property
    def default_fidelity(self) -> str:
        """Fidelity of nodes that do not say, or ""."""
        return self._text("default_fidelity")

    def outgoing_edges(self, node_id: str) -> list[Edge]:
        """The edges that leave a node, in file order."""
        # The index is built on first use: a pipeline of a thousand nodes asks a thousand times.
        if self._indexed != len(self.edges):
            index: defaultdict[str, list[Edge]] = defaultdict(list)
            for edge in self.edges:
                index[edge.from_node].append(edge)
            self._by_source, self._indexed = dict(index), len(self.edges)
        return list(self._by_source.get(node_id, ()))

    def incoming_edges(self, node_id: str) -> list[Edge]:
        """The edges that enter a node, in file order."""
        return [edge for edge in self.edges if edge.to_node == node_id]

    def start_node(self) -> Node | None:
        """Where the pipeline begins: the ``Mdiamond``, else a node named start; None if absent."""
        found = [node for node in self.nodes.values() if node.is_start]
        shaped = [node for node in found if node.shape == "Mdiamond"]
        return next(iter(shaped or found), None)

    def terminal_nodes(self) -> list[Node]:
        """Where the pipeline may end."""
        return [node for node in self.nodes.values() if node.is_terminal]

    def reachable(self, node_id: str) -> set[str]:
        """Ids of every node that edges lead to from a node, itself included."""
        seen, queue = {node_id}, [node_id]
        while queue:
            for edge in self.outgoing_edges(queue.pop()):
                if edge.to_node in self.nodes and edge.to_node not in seen:
                    seen.add(edge.to_node)
                    queue.append(edge.to_node)
        return seen

    def copy(self) -> "Graph":
        """A copy for transforms, which must not change what they are given."""
        # Values are immutable, so copying the containers is enough, and much faster.
        nodes = {
            node.id: Node(
                node.id,
                dict(node.attrs),
                set(node.explicit),
                list(node.subgraph_classes),
                node.position,
                dict(node.positions),
                node.declared,
            )
            for node in self.nodes.values()
        }
        edges = [
            Edge(e.from_node, e.to_node, dict(e.attrs), e.position, dict(e.positions))
            for e in self.edges
        ]
        return Graph(self.id, dict(self.attrs), nodes, edges, dict(self.positions))
