"""The prose part of a scenario file: story, steps, and what would satisfy the user."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from factory_tui.scenarios.facts.schema import View, lint_fact
from factory_tui.scenarios.facts.syntax import Fact, FactSyntaxError, parse_fact
from factory_tui.scenarios.frontmatter import seconds
from factory_tui.scenarios.model import Criterion, Step
from factory_tui.scenarios.operations import declared_names, lint_operation
from factory_tui.scenarios.problems import Problems, nearest
from factory_tui.scenarios.yamlmarks import YamlError, read_yaml

__all__ = ["VERBS", "Body", "read_body"]

VERBS: Final = frozenset({"run", "user", "clock", "wait", "write", "shell", "start", "stop"})
"""Verbs of steps, beside the names of the twins."""

_SECTIONS: Final = ("story", "steps", "satisfied when")
_STEP: Final = re.compile(r"(\d+\.|-)\s+(\w+):\s*(.*)")
_CRITERION: Final = re.compile(r"-\s+(must|should|never)(\s+fact)?:\s*(.*)")
_SYMPTOM: Final = re.compile(r"\s+symptom:\s*(.*)")


@dataclass(slots=True)
class Body:
    """What the headings hold. ``names`` are entities that steps declare with ``as:``."""

    story: str = ""
    steps: list[Step] = field(default_factory=list)
    criteria: list[Criterion] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Lines:
    """A step or a criterion while its lines are gathered."""

    line: int
    column: int
    head: str
    level: str = ""
    fact: bool = False
    more: list[str] = field(default_factory=list)
    symptom: list[str] | None = None
    symptom_line: int = 0


def read_body(lines: list[str], start: int, problems: Problems, views: View) -> Body:
    """Read everything below the front matter.

    Args:
        lines: the whole file.
        start: index of the first line of the body.
        problems: where mistakes are noted.
        views: what facts may speak of.
    """
    reader = _Reader(problems, views)
    for index in range(start, len(lines)):
        reader.feed(lines[index].rstrip("\r"), index + 1)
    return reader.finish(len(lines))


class _Reader:
    def __init__(self, problems: Problems, views: View) -> None:
        self.problems = problems
        self.views = views
        self.verbs: Collection[str] = VERBS | views.keys()
        self.section: str | None = None
        self.seen: dict[str, int] = {}
        self.fenced = False
        self.story: list[str] = []
        self.steps: list[_Lines] = []
        self.criteria: list[_Lines] = []
        self.body = Body()

    def feed(self, line: str, n: int) -> None:
        if self.section == "story" and line.lstrip().startswith("```"):
            self.fenced = not self.fenced
        if line.startswith("#") and not self.fenced:
            self.heading(line, n)
        elif self.section == "story":
            self.story.append(line)
        elif self.section == "steps":
            self.step(line, n)
        elif self.section == "satisfied when":
            self.criterion(line, n)
        elif line.strip() and self.section is None and not self.seen:
            hint = "sections: `# Story`, `# Steps`, `# Satisfied when`"
            self.problems.error(n, 1, "text before the first section", hint)
            self.section = ""

    def heading(self, line: str, n: int) -> None:
        name = line.lstrip("#").strip().lower()
        if name not in _SECTIONS:
            hint = nearest(name, _SECTIONS)
            self.problems.error(n, 1, f"unknown section `{line.strip()}`", hint)
            self.section = ""
            return
        if name in self.seen:
            said = f"`{line.strip()}` is given twice (first on line {self.seen[name]})"
            self.problems.error(n, 1, said)
        self.seen.setdefault(name, n)
        self.section = name

    def step(self, line: str, n: int) -> None:
        if match := _STEP.match(line):
            self.steps.append(_Lines(n, match.start(2) + 1, match[3], level=match[2]))
        elif self.steps and (line.startswith("   ") or not line.strip()):
            self.steps[-1].more.append(line)
        elif line.strip():
            hint = "verbs: " + ", ".join(sorted(self.verbs))
            self.problems.error(n, 1, "a step is `1. verb: text`", hint)

    def criterion(self, line: str, n: int) -> None:
        last = self.criteria[-1] if self.criteria else None
        if match := _CRITERION.match(line):
            entry = _Lines(n, match.start(3) + 1, match[3], match[1], bool(match[2]))
            self.criteria.append(entry)
        elif last is not None and (match := _SYMPTOM.match(line)):
            if last.symptom is not None:
                self.problems.error(n, 1, "this criterion has two symptoms")
            last.symptom, last.symptom_line = [match[1]], n
        elif last is not None and line.startswith("  ") and line.strip():
            (last.more if last.symptom is None else last.symptom).append(line.strip())
        elif line.strip():
            said = "a criterion starts with `- must:`, `- should:` or `- never:`"
            self.problems.error(n, 1, said, "add ` fact` before the colon for a hard check")

    def finish(self, last_line: int) -> Body:
        for name in _SECTIONS:
            if name not in self.seen:
                self.problems.error(last_line, 1, f"missing section `# {name.capitalize()}`")
        self.body.story = "\n".join(self.story).strip()
        if "story" in self.seen and not self.body.story:
            self.problems.error(self.seen["story"], 1, "the story is empty")
        for n, entry in enumerate(self.steps, 1):
            self.body.steps.append(self.finish_step(n, entry))
        self.services()
        if "steps" in self.seen and not self.steps:
            self.problems.error(self.seen["steps"], 1, "there are no steps")
        for n, entry in enumerate(self.criteria, 1):
            self.body.criteria.append(self.finish_criterion(n, entry))
        if "satisfied when" in self.seen and not self.criteria:
            self.problems.error(self.seen["satisfied when"], 1, "there are no criteria")
        return self.body

    # -- steps ---------------------------------------------------------------------------

    def finish_step(self, n: int, entry: _Lines) -> Step:
        verb = entry.level
        more = textwrap.dedent("\n".join(entry.more)).strip("\n").rstrip()
        text = f"{entry.head}\n{more}" if more else entry.head.strip()
        if verb in ("run", "shell", "start"):
            text = _unquoted(text)
        if verb not in self.verbs:
            hint = nearest(verb, self.verbs)
            self.problems.error(entry.line, entry.column, f"unknown step verb `{verb}`", hint)
        elif not text.strip() and verb != "stop":
            self.problems.error(entry.line, entry.column, f"`{verb}:` says nothing")
        elif verb in ("clock", "wait"):
            if seconds(text.lstrip("+")) is None:
                said = f"`{verb}` takes a duration such as `+1h` or `90s`"
                self.problems.error(entry.line, entry.column, f"{said}, got {text!r}")
        elif verb == "write" and ":" not in text:
            hint = "for example `write: config.json: {}`, or the text on indented lines below"
            self.problems.error(entry.line, entry.column, "`write` is `path: content`", hint)
        elif verb in self.views:
            self.operation(verb, text, entry)
        return Step(n, verb, text, entry.line)

    def services(self) -> None:
        """One service runs at a time, and only what runs can be stopped."""
        running = False
        for entry in self.steps:
            if entry.level == "start" and running:
                said = "a service runs already"
                self.problems.error(entry.line, entry.column, said, "put a `stop:` step before")
            elif entry.level == "stop" and not running:
                said = "no service runs here that could be stopped"
                self.problems.error(entry.line, entry.column, said, "start one by `start: …`")
            if entry.level in ("start", "stop"):
                running = entry.level == "start"

    def operation(self, twin: str, text: str, entry: _Lines) -> None:
        op, _, raw = text.partition(" ")
        try:
            args = read_yaml(raw, line=entry.line, column=entry.column)
        except YamlError as error:
            self.problems.error(error.line, error.column, str(error), "arguments are YAML")
            return
        if args is None:
            hint = "for example `remove_from_group {group: a, users: [b]}`"
            self.problems.error(entry.line, entry.column, f"`{op}` has no arguments", hint)
            return
        lint_operation(twin, op, args, self.problems)
        self.body.names |= declared_names(args)

    # -- criteria ------------------------------------------------------------------------

    def finish_criterion(self, n: int, entry: _Lines) -> Criterion:
        text = " ".join([entry.head.strip(), *entry.more]).strip()
        if not text:
            self.problems.error(entry.line, entry.column, "this criterion is empty")
        if entry.symptom is not None and not " ".join(entry.symptom).strip():
            self.problems.error(entry.symptom_line, 1, "this symptom is empty")
        return Criterion(
            n=n,
            level=cast(Literal["must", "should", "never"], entry.level),
            kind="fact" if entry.fact else "judge",
            text=text,
            fact=self.fact(text, entry) if entry.fact and text else None,
            symptom=" ".join(entry.symptom or ()).strip(),
            line=entry.line,
        )

    def fact(self, text: str, entry: _Lines) -> Fact | None:
        base = entry.column - 1
        try:
            fact = parse_fact(text)
        except FactSyntaxError as error:
            self.problems.error(entry.line, base + error.column, str(error), error.hint)
            return None
        for column, message, hint in lint_fact(fact, views=self.views, steps=len(self.steps)):
            self.problems.error(entry.line, base + column, message, hint)
        return fact


def _unquoted(text: str) -> str:
    text = text.strip()
    whole = len(text) > 1 and text[0] == text[-1] == "`" and "`" not in text[1:-1]
    return text[1:-1] if whole else text
