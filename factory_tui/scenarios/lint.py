"""What only shows when the whole scenario is seen: references, vacuous criteria, symptoms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from factory_tui.scenarios.binding import references
from factory_tui.scenarios.model import Scenario
from factory_tui.scenarios.problems import Problems, nearest

__all__ = ["lint"]

_ALWAYS = frozenset({"sut", "env"})
"""References every trial has: the product's command, and the environment given to it."""


def lint(
    scenario: Scenario,
    names: frozenset[str],
    positions: Mapping[str, tuple[int, int]],
    problems: Problems,
) -> None:
    """Note what does not fit together.

    Args:
        scenario: the scenario, possibly with holes where it was wrong.
        names: entities that ``as:`` declares.
        positions: line and column of the front matter's keys.
        problems: where to note it.
    """
    _criteria(scenario, problems)
    _references(scenario, names | _ALWAYS, positions, problems)
    _user(scenario, positions, problems)


def _criteria(scenario: Scenario, problems: Problems) -> None:
    criteria = scenario.criteria
    if criteria and all(c.level == "never" for c in criteria):
        hint = "add a `must` or `should` line; `never` lines alone pass vacuously"
        said = "nothing here can fail a program that does nothing"
        problems.warn(criteria[0].line, 1, said, hint)
    if scenario.split == "train":
        for criterion in criteria:
            if not criterion.symptom and criterion.level != "should":
                hint = "add `  symptom: …`: what a user would notice, in the spec's words"
                said = "when this fails, the builder is told no more than the scenario's tags"
                problems.warn(criterion.line, 1, said, hint)


def _texts(scenario: Scenario) -> Iterator[tuple[str, str, int]]:
    """Every text that is bound, with the front-matter key or the line it stands on."""
    for _, _, args in scenario.setup.operations:
        for text in _strings(args):
            yield text, "setup", 0
    for text in scenario.setup.files.values():
        yield text, "setup", 0
    for fault in scenario.faults:
        for text in _strings(fault):
            yield text, "faults", 0
    for step in scenario.steps:
        yield step.text, "", step.line
    for criterion in scenario.criteria:
        yield criterion.text, "", criterion.line


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _references(
    scenario: Scenario,
    names: frozenset[str],
    positions: Mapping[str, tuple[int, int]],
    problems: Problems,
) -> None:
    for text, key, line in _texts(scenario):
        for reference, offset in references(text):
            name, _, field = reference.partition(".")
            at = (line, 1) if line else positions.get(key, (1, 1))
            if line and "\n" not in text[:offset]:
                source = scenario.text.split("\n")[line - 1]
                at = (line, source.find(text[offset : offset + 4]) + 1 or 1)
            if name not in names:
                said = f"nothing is called `{name}`"
                problems.error(*at, said, nearest(name, names))
            elif not field and name != "sut":
                hint = f"for example `{{{{{name}.email}}}}`"
                problems.error(*at, f"`{name}` needs a field", hint)


def _user(scenario: Scenario, positions: Mapping[str, tuple[int, int]], problems: Problems) -> None:
    spoken = [s for s in scenario.steps if s.verb == "user"]
    if spoken and "user" not in positions:
        said = "a `user:` step needs a `user:` block in the front matter"
        problems.error(spoken[0].line, 1, said)
    if "user" in positions and scenario.steps and not spoken:
        said = "the `user` block is never used"
        problems.warn(*positions["user"], said, "add a step `1. user: …`")
    turns = scenario.limits.turns
    if scenario.user is not None and turns is not None and turns < scenario.user.min_turns:
        problems.error(*positions["user"], "min_turns is larger than limits.turns")
