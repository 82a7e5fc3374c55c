"""The way through the graph so far: of a run, or of one branch of it."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from factory_tui.attractor.context import Context
from factory_tui.attractor.model import Edge, Node
from factory_tui.attractor.outcome import Outcome

__all__ = ["Step", "Trace", "current_trace"]


@dataclass(slots=True)
class Trace:
    """Where a way has been.

    Attributes:
        context: The way's own context.
        completed: Ids of the completed nodes in order, repetitions included.
        outcomes: The last outcome of each node.
        last: What routing goes by: the outcome of the last node, as its edges saw it.
        name: Which way this is: the run, or a branch of a certain visit of a parallel node.
        visit: Name of the visit of the node being run; no two visits in a run share one.
        at: The node being run.
        entered: The edge it was entered by; None where a jump or a join led there.
        branches: Ways of the branches the node being run has finished, by their first node.
    """

    context: Context
    completed: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    last: Outcome | None = None
    name: str = ""
    visit: str = ""
    at: str = ""
    entered: Edge | None = None
    branches: dict[str, "Trace"] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """Where to go: a node and how it is entered, or the end.

    ``by_join`` says that a parallel node leads here because its branches have met; ``end`` is
    the outcome the way ends with where there is no node.
    """

    node: Node | None
    edge: Edge | None = None
    by_join: bool = False
    end: Outcome | None = None


current_trace: ContextVar[Trace] = ContextVar("current_trace")
"""The way whose node is being run, so that a parallel node's branches can report to it.

Handlers, backends, interviewers and observers of events are called in it as well.
"""
