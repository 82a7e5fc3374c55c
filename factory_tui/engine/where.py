"""Where in the pipeline something happens: the node, its visit, the branch, the child pipeline.

The attractor runs every node in a context of its own way (:data:`attractor.current_trace`), which
tasks started by the node inherit. So whatever a node sets off, down to a model call of a subagent,
can be asked where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, Final

from factory_tui.attractor import Trace, current_trace

__all__ = ["FRAME", "NOWHERE", "Frame", "Visits", "Where", "branch_key", "branch_name"]

_ATTEMPT: Final = re.compile(r"#(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """What a child pipeline runs inside of: the manager nodes above it, and their workspace."""

    pipeline: str = ""
    branch: str = ""
    place: str = ""


_TOP: Final = Frame()

FRAME: ContextVar[Frame] = ContextVar("frame", default=_TOP)


@dataclass(frozen=True, slots=True)
class Where:
    """A visit of a node.

    Attributes:
        node: the node's id, "" outside of the pipeline.
        pipeline: "" for the run's own one, else the manager nodes above, joined by "/".
        branch: "" on the main line, else the first nodes of the branches, joined by "/".
        visit: how often this node has been come to, from 1.
        attempt: how often it was tried in this visit, from 1.
        key: names the visit, the same after a restart.
        place: the key of the workspace the node works in, "" for the run's own.
    """

    node: str = ""
    pipeline: str = ""
    branch: str = ""
    visit: int = 0
    attempt: int = 1
    key: str = ""
    place: str = ""

    def data(self) -> dict[str, Any]:
        """The form that events carry (``Where`` in the journal's vocabulary)."""
        names = ("node", "pipeline", "branch", "visit")
        return {name: value for name, value in asdict(self).items() if name in names}


NOWHERE: Final = Where()


def branch_name(way: str) -> str:
    """A way's name ("run/fan@1:a/inner@0:b") as people know the branch ("a/b")."""
    return "/".join(step.rpartition(":")[2] for step in way.split("/")[1:])


def branch_key(way: str) -> str:
    """The key of the workspace of a way; the main line of a pipeline has none of its own."""
    above = FRAME.get().place
    if "/" not in way:
        return above
    return f"{above}|{way}" if above else way


class Visits:
    """Numbers the visits of every node; a visit known from before a restart keeps its number.

    Args:
        known: pipeline, node and key of earlier visits, oldest first.
    """

    def __init__(self, known: Iterable[tuple[str, str, str]] = ()) -> None:
        self._numbers: dict[tuple[str, str], dict[str, int]] = {}
        for pipeline, node, key in known:
            self.number(pipeline, node, key)

    def knows(self, where: Where) -> bool:
        """Whether this visit has been entered before."""
        return where.key in self._numbers.get((where.pipeline, where.node), {})

    def number(self, pipeline: str, node: str, key: str) -> int:
        """The number of a visit, from 1."""
        numbers = self._numbers.setdefault((pipeline, node), {})
        return numbers.setdefault(key, len(numbers) + 1)

    def here(self) -> Where:
        """Where the running code belongs."""
        trace = current_trace.get(None)
        return NOWHERE if trace is None or not trace.at else self.of(trace)

    def of(self, trace: Trace) -> Where:
        """The node a way is at."""
        frame = FRAME.get()
        found = _ATTEMPT.search(trace.visit)
        key = _ATTEMPT.sub("", trace.visit)
        branch = "/".join(filter(None, (frame.branch, branch_name(trace.name))))
        known = self._numbers.get((frame.pipeline, trace.at), {})
        return Where(
            node=trace.at,
            pipeline=frame.pipeline,
            branch=branch,
            visit=known.get(key, len(known) + 1),
            attempt=int(found[1]) if found else 1,
            key=key,
            place=branch_key(trace.name),
        )
