"""Does a text that leaves the vault say what only the vault knows?

Two measures against every scenario: runs of four words it shares with the text, and literals
(addresses, channels, keys, paths, quoted words, numbers), both minus what the spec already says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Leak", "find_leaks", "vault_text"]

GRAM: Final = 4

_WORD: Final = re.compile(r"[a-z0-9@#._\-{}]+")
_LITERAL: Final = re.compile(
    r"[\w.+-]+@[\w.-]+"  # addresses
    r"|\#[a-z][\w-]+"  # channels
    r"|\b[A-Z]{2,}-\d+\b"  # issue keys
    r"|`[^`]+`|\"[^\"]{3,}\""  # quoted
    r"|/[a-z]+/[\w./-]+"  # paths
    r"|\b\d{2,}\b"  # numbers
)
_SYMPTOM: Final = re.compile(r"^(\s+)symptom:.*(?:\n\s{3,}\S.*)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Leak:
    """What a text gives away of one scenario."""

    scenario: str
    phrases: tuple[str, ...] = ()
    literals: tuple[str, ...] = ()
    named: bool = False

    def __str__(self) -> str:
        said = ["its id"] * self.named + [f"“{p}”" for p in self.phrases] + list(self.literals)
        return f"{self.scenario}: " + ", ".join(said[:6])


def vault_text(text: str) -> str:
    """A scenario's text without its ``symptom:`` lines, which are written to be told."""
    return _SYMPTOM.sub("", text)


def _grams(text: str) -> set[tuple[str, ...]]:
    words = [w.strip(".-") for w in _WORD.findall(text.lower())]
    words = [w for w in words if w]
    return {tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)}


def _literals(text: str) -> set[str]:
    return {m.rstrip(".,") for m in _LITERAL.findall(text)}


def find_leaks(text: str, scenarios: Mapping[str, str], spec: str) -> list[Leak]:
    """What a text gives away.

    Args:
        text: what would be told. Mask a score's own numerals before.
        scenarios: id → text of every scenario in the vault.
        spec: what the builder knows anyway.
    """
    public_grams, public_literals = _grams(spec), _literals(spec)
    said_grams = _grams(text) - public_grams
    said_literals = {x for x in _literals(text) - public_literals if x.strip('`"') not in spec}
    found: list[Leak] = []
    for sid, secret in scenarios.items():
        phrases = said_grams & _grams(secret)
        literals = said_literals & _literals(secret)
        named = re.search(rf"(?<![\w-]){re.escape(sid)}(?![\w-])", text) is not None
        named = named and sid not in spec
        if phrases or literals or named:
            shown = tuple(" ".join(p) for p in sorted(phrases)[:3])
            found.append(Leak(sid, shown, tuple(sorted(literals)[:4]), named))
    return found
