"""A pipeline's node in words: what it is, what became of it, where it leads."""

from __future__ import annotations

from factory_tui.state import Node, NodeRun, Pipeline
from factory_tui.state import format as fmt
from factory_tui.state.pipeline import Visit

__all__ = ["node_text"]

_SHAPES = {
    "Mdiamond": "start",
    "Msquare": "exit",
    "box": "model",
    "hexagon": "asks a person",
    "diamond": "decides",
    "component": "parallel branches",
    "tripleoctagon": "joins branches",
    "parallelogram": "tool",
    "house": "supervises a child",
}


def node_text(pipeline: Pipeline, node: Node, now_ms: int, *, full: bool) -> str:
    """Several lines; without ``full`` the prompt and older visits are cut short."""
    run = pipeline.nodes.get(node.id) or NodeRun()
    kind = _SHAPES.get(node.shape, "")
    about = [f"{node.id}: {node.shape or 'box'}{f' ({kind})' if kind else ''}"]
    if node.handler:
        about.append(f"handler {node.handler}")
    if node.model:
        about.append(f"model {node.model}")
    if node.group:
        about.append(f"in {node.group}")
    lines = [" · ".join(about)]
    if node.attrs:
        lines.append(" · ".join(f"{key} {value}" for key, value in node.attrs.items()))
    lines.append("")
    visits = sorted(run.visits.values(), key=lambda visit: -visit.n)
    if not visits:
        lines.append("not reached yet")
    for visit in visits if full else visits[:3]:
        lines += _visit(visit, now_ms)
    if len(visits) > 3 and not full:
        lines.append(f"… {len(visits) - 3} earlier visits (enter shows them)")
    lines += _branches(pipeline, node)
    lines += _ways_out(pipeline, node)
    if node.prompt:
        prompt = node.prompt if full else fmt.clip(fmt.one_line(node.prompt), 300)
        lines += ["", f"prompt  {prompt}"]
    return "\n".join(lines)


def _visit(visit: Visit, now_ms: int) -> list[str]:
    going = not visit.status
    ms = max(0, now_ms - visit.entered_ms) if visit.ms is None else visit.ms
    facts = [("under way" if going else visit.status.replace("_", " ")), fmt.duration(ms / 1000)]
    if visit.tokens:
        dollars = "price unknown" if visit.unpriced else fmt.money(visit.usd)
        facts += [f"{fmt.tokens(visit.tokens)} tokens", dollars]
    if visit.calls:
        facts.append(f"{visit.calls} call{'' if visit.calls == 1 else 's'}")
    if visit.attempt > 1:
        facts.append(f"attempt {visit.attempt}")
    if visit.branch:
        facts.append(f"branch {visit.branch}")
    lines = [f"visit {visit.n}  {fmt.clock(visit.entered_ms)}  {' · '.join(facts)}"]
    for text in (visit.notes, visit.error):
        if text:
            lines.append(f"         {fmt.one_line(text)}")
    return lines


def _branches(pipeline: Pipeline, node: Node) -> list[str]:
    lines = []
    for branch in pipeline.branches.values():
        if node.id in (branch.node, branch.start):
            score = "" if branch.score is None else f" · satisfaction {fmt.percent(branch.score)}"
            kept = " · kept" if branch.kept else ""
            status = branch.status.replace("_", " ") or "under way"
            lines.append(f"branch {branch.name}: {status}{score}{kept}")
    return ["", *lines] if lines else []


def _ways_out(pipeline: Pipeline, node: Node) -> list[str]:
    lines = []
    for edge in pipeline.graph.edges:
        if edge.source != node.id:
            continue
        times = pipeline.times(edge)
        label = f" “{edge.label}”" if edge.label else ""
        when = f" if {edge.condition}" if edge.condition else ""
        taken = f"  taken {times}×" if times else ""
        again = "  starts over" if edge.restart else ""
        lines.append(f"→ {edge.target}{label}{when}{again}{taken}")
    return ["", *lines] if lines else []
