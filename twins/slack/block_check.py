"""Checks that Block Kit's grammar is put together from, and what they find.

A check looks at one value and notes every problem, as Slack's answers list them all. A problem
is worded and pointed at (RFC 6901) as Slack does: ``must be less than 3001 characters
[json-pointer:/blocks/0/text/text]``.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "Check",
    "Problem",
    "Problems",
    "anything",
    "boolean",
    "choice",
    "each",
    "enum",
    "integer",
    "matching",
    "nullable",
    "one_of",
    "record",
    "required",
    "string",
]

Check = Callable[["Problems", Any, str], None]
"""Looks at a value that stands at a pointer."""

MOST_PROBLEMS: Final = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        message: Slack's words.
        pointer: Where: ``/blocks/0/text``.
        constraint: What kind of rule is broken: ``max_length``, ``enum``.
        expected: What the rule asks for.
    """

    message: str
    pointer: str
    constraint: str = ""
    expected: Any = None

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


class Problems(list[Problem]):
    """Everything that is wrong, in the order of reading."""

    def add(self, message: str, at: str, constraint: str = "", expected: Any = None) -> None:
        """Note a problem."""
        if len(self) < MOST_PROBLEMS:
            self.append(Problem(message, at, constraint, expected))


def anything(problems: Problems, value: Any, at: str) -> None:
    """Any value."""


def boolean(problems: Problems, value: Any, at: str) -> None:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        problems.add("must provide a boolean", at, "type", "boolean")


def string(most: int = 0, least: int = 0) -> Check:
    """A string of so many characters; ``most`` 0 is no limit."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, str):
            problems.add("must provide a string", at, "type", "string")
        elif len(value) < least:
            problems.add(f"must be more than {least - 1} characters", at, "min_length", least)
        elif most and len(value) > most:
            problems.add(f"must be less than {most + 1} characters", at, "max_length", most)

    return check


def matching(pattern: str, wanted: str) -> Check:
    """A string of a form, which ``wanted`` names."""
    form = re.compile(pattern)

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, str):
            problems.add("must provide a string", at, "type", "string")
        elif form.fullmatch(value) is None:
            problems.add(f"must be {wanted}", at, "pattern", pattern)

    return check


def integer(least: int | None = None, most: int | None = None) -> Check:
    """A whole number, perhaps as text, in a range."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.add("must provide a number", at, "type", "integer")
        elif least is not None and value < least:
            problems.add(f"must be greater than {least - 1}", at, "minimum", least)
        elif most is not None and value > most:
            problems.add(f"must be less than {most + 1}", at, "maximum", most)

    return check


def enum(*values: str) -> Check:
    """One of some words."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if value not in values:
            problems.add("must be a valid enum value", at, "enum", list(values))

    return check


def each(check_item: Check, most: int = 0, least: int = 0) -> Check:
    """A list of so many items."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, list):
            problems.add("must provide an array", at, "type", "array")
            return
        if len(value) < least:
            problems.add(f"no fewer than {least} items allowed", at, "min_items", least)
        elif most and len(value) > most:
            problems.add(f"no more than {most} items allowed", at, "max_items", most)
            return
        for number, item in enumerate(value):
            check_item(problems, item, f"{at}/{number}")

    return check


def nullable(check_value: Check) -> Check:
    """``null``, or what another check takes."""

    def check(problems: Problems, value: Any, at: str) -> None:
        if value is not None:
            check_value(problems, value, at)

    return check


def required(check: Check) -> Check:
    """Marks a property of a :func:`record` that must be there."""

    def marked(problems: Problems, value: Any, at: str) -> None:
        check(problems, value, at)

    marked.required = True  # type: ignore[attr-defined]
    return marked


def record(properties: Mapping[str, Check], rule: Check = anything) -> Check:
    """An object with these properties and no others; ``rule`` looks at all of it."""
    needed = [name for name, check in properties.items() if getattr(check, "required", False)]

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at, "type", "object")
            return
        for name in needed:
            if name not in value:
                problems.add(f"missing required field: {name}", at, "required", name)
        for name, item in value.items():
            found = properties.get(name)
            if found is None:
                problems.add(f"invalid additional property: {name}", at, "additional_property")
            else:
                found(problems, item, f"{at}/{name}")
        rule(problems, value, at)

    return check


def choice(kinds: Mapping[str, Check], allowed: Collection[str] | None = None) -> Check:
    """An object whose ``type`` says which check it has to pass."""
    names = sorted(kinds if allowed is None else allowed)

    def check(problems: Problems, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at, "type", "object")
            return
        kind = value.get("type")
        if "type" not in value:
            problems.add("missing required field: type", at, "required", "type")
        elif not isinstance(kind, str) or kind not in names or kind not in kinds:
            problems.add(f"unsupported type: {kind}", f"{at}/type", "enum", names)
        else:
            kinds[kind](problems, value, at)

    return check


def one_of(check_inner: Check) -> Check:
    """A value for which Slack has several schemas: it says that none fits, and then why."""

    def check(problems: Problems, value: Any, at: str) -> None:
        found = Problems()
        check_inner(found, value, at)
        if found:
            problems.add("failed to match all allowed schemas", at, "schema")
            for problem in found:
                problems.add(problem.message, problem.pointer, problem.constraint, problem.expected)

    return check
