"""What a builder node's first message says: the spec, how it went, and the node's own part."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from factory_tui.agent import prompts
from factory_tui.attractor import Graph, Node
from factory_tui.text import clean

__all__ = ["labels_of", "listing", "stage_task", "wants_report"]


def stage_task(
    *,
    spec: str,
    iteration: int,
    feedback: str,
    seeded: bool,
    files: Sequence[tuple[str, int]],
    said: str,
    rounds: int,
    answer_tokens: int,
    prompt: str,
    goal: str,
) -> str:
    """The first message of a conversation; see ``agent.prompts.task`` for most of it.

    Args:
        prompt: the node's prompt; one that is only the goal asks for nothing but to build.
        goal: the pipeline's goal.
    """
    whole = prompts.task(
        spec=spec,
        iteration=iteration,
        feedback=feedback,
        seeded=seeded,
        files=files,
        said=said,
        rounds=rounds,
        answer_tokens=answer_tokens,
    )
    if not prompt or prompt == goal:
        return whole
    # The usual sentence asks to build all of it, which may not be this node's part.
    plain = "Build the program this spec describes."
    own = f"Your part of the work:\n\n{prompt}"
    return whole.replace(plain, own, 1) if plain in whole else f"{whole}\n\n{own}"


def labels_of(node: Node, graph: Graph) -> list[str]:
    """The labels a node's outcome can choose among."""
    free = [e for e in graph.outgoing_edges(node.id) if e.label and not e.condition]
    return [edge.label for edge in free] if len(free) > 1 else []


def wants_report(node: Node, graph: Graph) -> bool:
    """Whether the pipeline goes by what this node reports: its ways on depend on it."""
    if node.goal_gate or labels_of(node, graph):
        return True
    for edge in graph.outgoing_edges(node.id):
        after = graph.nodes.get(edge.to_node)
        decides = after is not None and after.handler_type == "conditional"
        ways = [edge, *(graph.outgoing_edges(edge.to_node) if decides else ())]
        if any("outcome" in way.condition or "preferred_label" in way.condition for way in ways):
            return True
    return False


def listing(root: Path) -> list[tuple[str, int]]:
    """The workspace's regular files and their sizes in bytes; links are not followed."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in (".git", "__pycache__"))
        for name in sorted(names):
            path = Path(folder) / name
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append((clean(str(path.relative_to(root))), status.st_size))
    return found
