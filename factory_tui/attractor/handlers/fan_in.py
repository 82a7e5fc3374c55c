"""Where branches meet: the best of what they came to is kept. Section 4.9."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from factory_tui.attractor.context import Context
from factory_tui.attractor.files import write_text
from factory_tui.attractor.handlers.codergen import BackendLike, call_backend
from factory_tui.attractor.model import Graph, Node
from factory_tui.attractor.outcome import Outcome

__all__ = ["FanInHandler", "heuristic_select"]

Candidate = Mapping[str, Any]
"""One entry of ``parallel.results``: id, outcome, score, notes, failure_reason, context_updates."""

_RANK: Final = {"success": 0, "partial_success": 1, "retry": 2, "fail": 3}


def heuristic_select(candidates: Sequence[Candidate]) -> Candidate:
    """The best candidate by outcome, then by ``score`` (the higher wins), then by id."""
    return min(candidates, key=lambda c: (_RANK[c["outcome"]], -float(c.get("score", 0)), c["id"]))


class FanInHandler:
    """Chooses the best of ``parallel.results``.

    With a ``prompt`` and a backend a model ranks the candidates; otherwise, or where its answer
    names none of them, `heuristic_select` does.
    """

    def __init__(self, backend: BackendLike | None = None) -> None:
        self.backend = backend

    async def execute(self, node: Node, context: Context, graph: Graph, run_dir: Path) -> Outcome:
        """Choose; only when every candidate failed is this a failure."""
        results = context.get("parallel.results")
        if not results:
            return Outcome.fail("No parallel results to evaluate", terminal=True)
        candidates = [result for result in results if result["outcome"] in _RANK]
        if all(candidate["outcome"] == "fail" for candidate in candidates):
            return Outcome.fail("all candidates failed")
        best, how = None, "heuristic"
        if node.prompt and self.backend is not None:
            best, how = await self._ask(node, candidates, context, run_dir / node.id), "model"
        if best is None:
            best, how = heuristic_select(candidates), "heuristic"
        return Outcome(
            context_updates={
                "parallel.fan_in.best_id": best["id"],
                "parallel.fan_in.best_outcome": best["outcome"],
                "parallel.fan_in.best_score": best["score"],
                "parallel.fan_in.best_context": dict(best["context_updates"]),
                "parallel.fan_in.chosen_by": how,
            },
            notes=f"Selected best candidate: {best['id']}",
        )

    async def _ask(
        self, node: Node, candidates: Sequence[Candidate], context: Context, stage_dir: Path
    ) -> Candidate | None:
        assert self.backend is not None
        listed = "\n".join(
            f"- {c['id']}: {c['outcome']}, score {c['score']}. {c['notes'] or c['failure_reason']}"
            for c in candidates
        )
        prompt = (
            f"{node.prompt}\n\nCandidates:\n{listed}\n\n"
            "Answer with the id of the best candidate on the first line."
        )
        write_text(stage_dir / "prompt.md", prompt)
        answer = await call_backend(self.backend, node, prompt, context)
        text = answer.notes if isinstance(answer, Outcome) else answer
        write_text(stage_dir / "response.md", text)
        by_id = {candidate["id"]: candidate for candidate in candidates}
        words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", text)
        return next((by_id[word] for word in words if word in by_id), None)
