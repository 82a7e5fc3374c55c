"""The vault's seal: one hash over every scenario and the judge's prompt.

It stands in every result, so that an edited scenario or another judge is noticed and scores
under different seals are never compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from blake3 import blake3

from factory_tui.scenarios.judge import PROMPT_HASH
from factory_tui.scenarios.model import Scenario

__all__ = ["leaves", "seal"]


def leaves(scenarios: Sequence[Scenario], *, judge: str = PROMPT_HASH) -> list[tuple[str, str]]:
    """``(name, hash)`` of everything the seal covers, in its order."""
    named = [("judge", judge), *((f"scenario:{s.id}", s.hash) for s in scenarios)]
    return sorted(named)


def seal(scenarios: Sequence[Scenario], *, judge: str = PROMPT_HASH) -> str:
    """The Merkle root, as hex.

    Leaves and inner nodes are hashed with different prefixes, and an odd node moves up as it is,
    so that no other set of texts has this root.
    """
    level = [
        blake3(b"\0" + f"{name}\0{digest}".encode()).digest()
        for name, digest in leaves(scenarios, judge=judge)
    ]
    while len(level) > 1:
        pairs = [
            blake3(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()
