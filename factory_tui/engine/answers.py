"""Answers that were paid for: kept from before they are booked until their turn is stored.

Between a model's last word and the turn that keeps it lie a few writes. A process killed there
would pay for the same answer again.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from factory_tui.agent import AssistantTurn, part_to_json, turn_from_json, turn_to_json
from factory_tui.llm import Request, Response, Usage
from factory_tui.store import Store

__all__ = ["Answers"]

_ROLES: Final = frozenset({"builder", "summary"})
"""Whose answers are kept. A trial that is cut off is performed anew, its users' and judges' words
with it."""


class Answers:
    """The last answer of every conversation of a run."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store, self.run_id = store, run_id

    def keep(self, request: Request, response: Response) -> None:
        """Keep an answer; the next one in its conversation takes its place."""
        if request.role not in _ROLES or not request.key:
            return
        foreign = response.provider != "anthropic"
        turn = AssistantTurn(
            response.content,
            response.stop_reason,
            response.model,
            response.id,
            parts=[part_to_json(part) for part in response.message.content] if foreign else [],
        )
        usage = response.usage
        kept = {
            "turn": turn_to_json(turn),
            "provider": response.provider,
            "incomplete_tool": response.incomplete_tool,
            "tokens": {"input": usage.input_tokens, "output": usage.output_tokens},
        }
        self.store.keep_answer(self.run_id, _slot(request), _digest(request), kept)

    def find(self, request: Request) -> Response | None:
        """The answer to this very request, if it came before a restart."""
        if request.role not in _ROLES or not request.key:
            return None
        kept = self.store.kept_answer(self.run_id, _slot(request), _digest(request))
        if kept is None:
            return None
        turn = turn_from_json(kept["turn"])
        assert isinstance(turn, AssistantTurn)
        more: dict[str, Any] = {"message": turn.message} if turn.parts else {}
        return Response(
            turn.response_id,
            turn.model,
            turn.content,
            turn.stop_reason,
            Usage(kept["tokens"]["input"], kept["tokens"]["output"], estimated=True),
            incomplete_tool=kept["incomplete_tool"],
            provider=kept["provider"],
            **more,
        )


def _slot(request: Request) -> str:
    return request.key.rpartition("/")[0]


def _digest(request: Request) -> str:
    asked = (request.key, request.system, list(request.messages))
    return hashlib.sha256(repr(asked).encode("utf-8", "replace")).hexdigest()
