"""Context that the server sums up when it grows too long (Anthropic's beta ``compact-2026-01-12``).

A history stays append-only here: what the model thought is bound to what came before it. A server
that compacts puts a ``compaction`` block into its answer, which goes back with the history like
everything it said; what stands before that block is not read any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["BETA", "SMALLEST", "asking", "read_part", "spare"]

BETA: Final = "compact-2026-01-12"

SMALLEST: Final = 50_000
"""Tokens below which the API refuses to compact."""

_OUTPUT_PRICE: Final = 5
"""An output token costs as much as five of input, at most, in what a compaction is held for."""


def asking(threshold: int) -> dict[str, Any]:
    """What a request says so that its context is compacted beyond ``threshold`` input tokens."""
    trigger = {"type": "input_tokens", "value": max(threshold, SMALLEST)}
    return {"edits": [{"type": "compact_20260112", "trigger": trigger}]}


def read_part(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt without what the server will not read again."""
    messages: Sequence[Mapping[str, Any]] = prompt["messages"]
    for at in range(len(messages) - 1, -1, -1):
        content = messages[at]["content"]
        if isinstance(content, str):
            continue
        kinds = [
            block.get("type") == "compaction" and block.get("content") is not None
            for block in content
        ]
        if any(kinds):
            first = len(kinds) - 1 - kinds[::-1].index(True)
            rest = {**messages[at], "content": content[first:]}
            return {**prompt, "messages": [rest, *messages[at + 1 :]]}
    return dict(prompt)


def spare(bound: int, threshold: int, max_tokens: int) -> int:
    """Input tokens to hold besides, where a call may compact first.

    A compaction is a call of its own in the bill: it reads everything once more and writes a
    summary, whose output is counted as input of its price.
    """
    return bound + _OUTPUT_PRICE * max_tokens if bound >= max(threshold, SMALLEST) else 0
