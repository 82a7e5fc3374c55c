"""Facts: the part of "the user is happy" that a program can check."""

from factory_tui.scenarios.facts.evaluate import Evidence, FactResult, check
from factory_tui.scenarios.facts.schema import VIEWS, lint_fact
from factory_tui.scenarios.facts.syntax import Fact, FactSyntaxError, parse_fact

__all__ = [
    "VIEWS",
    "Evidence",
    "Fact",
    "FactResult",
    "FactSyntaxError",
    "check",
    "lint_fact",
    "parse_fact",
]
