"""The expressions that guard edges: ``outcome=success && context.tests_passed!=true``.

Section 10 of the Attractor specification. `parse_condition` holds an expression to the grammar;
`evaluate_condition` is as lenient as the specification's evaluator: it skips empty clauses, takes
a bare key as "is it set", and looks unqualified keys up in the context.
"""

import re
from dataclasses import dataclass
from typing import Final

from factory_tui.attractor.context import Context
from factory_tui.attractor.outcome import Outcome

__all__ = [
    "Clause",
    "ConditionError",
    "evaluate_clause",
    "evaluate_condition",
    "parse_condition",
    "parse_literal",
    "resolve_key",
]

_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*\Z")
_STRING: Final = re.compile(r'"(?:\\["nt\\]|[^"\\])*"\Z')
_BARE: Final = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.:-]*|-?[0-9]+)\Z")
_ESCAPES: Final = {'\\"': '"', "\\n": "\n", "\\t": "\t", "\\\\": "\\"}
_QUALIFIED: Final = ("outcome", "preferred_label")


class ConditionError(ValueError):
    """An expression outside the grammar.

    Attributes:
        message: What is wrong.
        offset: Where in the expression, from 0.
    """

    def __init__(self, message: str, offset: int = 0):
        self.message, self.offset = message, offset
        super().__init__(f"{message} (at character {offset + 1})")


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison: ``key`` ``operator`` ``literal``; operator "" asks whether a key is set."""

    key: str
    operator: str
    literal: str


def parse_condition(text: str) -> list[Clause]:
    """Read an expression strictly; an empty one has no clauses and is always true.

    Raises:
        ConditionError: An operator other than ``=``, ``!=`` and ``&&``, a key that is neither
            ``outcome``, ``preferred_label`` nor ``context.…``, or a bad literal.
    """
    if not text.strip():
        return []
    clauses = []
    for piece, offset in _split(text):
        if not piece.strip():
            raise ConditionError("a clause is missing beside '&&'", offset)
        clause = _clause(piece)
        at = offset + len(piece) - len(piece.lstrip())
        if not _KEY.match(clause.key):
            raise ConditionError(_bad_key(clause.key), at)
        if not clause.operator:
            raise ConditionError(f"{clause.key!r} is compared with nothing (use = or !=)", at)
        if clause.key not in _QUALIFIED and not clause.key.startswith("context."):
            raise ConditionError(
                f"unknown key {clause.key!r} (use outcome, preferred_label or context.NAME)", at
            )
        raw = piece.split(clause.operator, 1)[1].strip()
        if not (_STRING.match(raw) or _BARE.match(raw)):
            hint = "use = instead of ==" if raw.startswith("=") else "quote it"
            raise ConditionError(f"bad literal {raw!r} ({hint})", at)
        clauses.append(clause)
    return clauses


def _bad_key(key: str) -> str:
    for operator in ("||", "<", ">", "!", "(", "|"):
        if operator in key:
            return f"{operator!r} is not supported (only =, != and &&)"
    return f"bad key {key!r}"


def evaluate_condition(text: str, outcome: Outcome, context: Context) -> bool:
    """Whether an expression holds for the outcome of a node and the context."""
    pieces = (piece for piece, _ in _split(text) if piece.strip())
    return all(evaluate_clause(piece, outcome, context) for piece in pieces)


def evaluate_clause(text: str, outcome: Outcome, context: Context) -> bool:
    """Whether a single clause holds: ``key=literal``, ``key!=literal``, or a key that is set."""
    return _holds(_clause(text), outcome, context)


def _split(text: str) -> list[tuple[str, int]]:
    """Cut at ``&&`` outside quotes; gives each piece and where it begins."""
    pieces, start = [], 0
    for found in re.finditer(r'"(?:\\.|[^"\\])*"?|&&', text, re.DOTALL):
        if found[0] == "&&":
            pieces.append((text[start : found.start()], start))
            start = found.end()
    return [*pieces, (text[start:], start)]


def _clause(piece: str) -> Clause:
    # Quotes only ever follow the operator, so the first = belongs to it.
    found = re.search(r"!?=", piece)
    if found is None:
        return Clause(piece.strip(), "", "")
    return Clause(piece[: found.start()].strip(), found[0], parse_literal(piece[found.end() :]))


def parse_literal(text: str) -> str:
    """What a literal stands for: a quoted one without quotes and escapes, else as it is."""
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r'\\["nt\\]', lambda found: _ESCAPES[found[0]], text[1:-1])
    return text


def _holds(clause: Clause, outcome: Outcome, context: Context) -> bool:
    actual = resolve_key(clause.key, outcome, context)
    if clause.operator == "=":
        return actual == clause.literal
    if clause.operator == "!=":
        return actual != clause.literal
    return actual not in ("", "false")


def resolve_key(key: str, outcome: Outcome, context: Context) -> str:
    """The text a key stands for; "" where it is not set."""
    if key == "outcome":
        return str(outcome.status)
    if key == "preferred_label":
        return outcome.preferred_label
    if context.get(key) is None and key.startswith("context."):
        return context.get_string(key.removeprefix("context."))
    return context.get_string(key)
