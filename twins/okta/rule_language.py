"""Expressions of group rules: those of claims, about a user's profile and groups."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from .claim_language import ClaimError, compile_claim

__all__ = ["RuleError", "compile_rule", "looks_at_groups"]

_OF_GROUPS: Final = ("isMemberOf", "Groups.", "getFilteredGroups")


class RuleError(ValueError):
    """The expression is not in the part of the language that the twin knows."""


def compile_rule(expression: str) -> Callable[[Mapping[str, Any]], bool]:
    """A test of ``user`` (a profile) and ``groups`` (pairs of id and name).

    Raises:
        RuleError: With a sentence for ``errorCauses``.
    """
    try:
        value = compile_claim(expression)
    except ClaimError as problem:
        raise RuleError(str(problem)) from None
    return lambda context: bool(value(context))


def looks_at_groups(expression: str) -> bool:
    """Whether who matches depends on groups, and so changes when a membership does."""
    return any(word in expression for word in _OF_GROUPS)
