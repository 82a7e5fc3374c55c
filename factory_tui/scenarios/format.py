"""A scenario file → :class:`Scenario`, with every mistake at its line and column.

The file: YAML front matter between two ``---`` lines, then ``# Story``, ``# Steps`` and
``# Satisfied when``. All problems of a file are reported, not only the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3

from factory_tui.scenarios.body import Body, read_body
from factory_tui.scenarios.facts.schema import VIEWS, View
from factory_tui.scenarios.frontmatter import FrontMatter, read_front_matter
from factory_tui.scenarios.lint import lint
from factory_tui.scenarios.model import Scenario
from factory_tui.scenarios.problems import Problem, Problems, ScenarioErrors
from factory_tui.scenarios.yamlmarks import YamlError, read_yaml

__all__ = ["load", "load_folder", "parse"]

_MAX_CHARS = 200_000


def load(path: Path, *, views: View = VIEWS) -> Scenario:
    """Read one scenario file.

    Args:
        path: the Markdown file.
        views: what facts may speak of (twin → collection → fields).

    Raises:
        ScenarioErrors: it cannot be used; ``.problems`` has every reason (and the warnings).
    """
    scenario, problems = _read(path, views)
    if scenario is None:
        raise ScenarioErrors(problems)
    return scenario


def load_folder(folder: Path, *, views: View = VIEWS) -> tuple[list[Scenario], list[Problem]]:
    """Read every ``*.md`` of a folder, except ``README.md``.

    Returns:
        The usable scenarios in order of their id, and every problem of every file.
    """
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.md")):
        if path.name.lower() == "readme.md":
            continue
        scenario, found = _read(path, views)
        problems += found
        if scenario is not None:
            scenarios.append(scenario)
    given = Counter(s.id for s in scenarios)
    for scenario in scenarios:
        if given[scenario.id] > 1:
            said = f"the id `{scenario.id}` is given to {given[scenario.id]} scenarios"
            problems.append(Problem(scenario.path, 1, 1, said, "ids must be unique"))
    if not scenarios and not problems:
        said = "there are no scenarios here"
        problems.append(Problem(folder, 1, 1, said, "add a Markdown file with one user story"))
    unique = [s for s in scenarios if given[s.id] == 1]
    return sorted(unique, key=lambda s: s.id), sorted(problems)


def parse(text: str, path: Path, *, views: View = VIEWS) -> tuple[Scenario | None, list[Problem]]:
    """Read a scenario from its text.

    Returns:
        The scenario, ``None`` if it has errors, and every problem in order of position.
    """
    problems = Problems(path)
    scenario = _scenario(text, path, problems, views)
    return (None if problems.fatal else scenario), sorted(problems.found)


def _read(path: Path, views: View) -> tuple[Scenario | None, list[Problem]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None, [Problem(path, 1, 1, "this file is not UTF-8 text")]
    except OSError as error:
        said = f"this file cannot be read: {error.strerror or error}"
        return None, [Problem(path, 1, 1, said)]
    return parse(text, path, views=views)


def _scenario(text: str, path: Path, problems: Problems, views: View) -> Scenario | None:
    if len(text) > _MAX_CHARS:
        problems.error(1, 1, f"a scenario has at most {_MAX_CHARS} characters")
        return None
    lines = text.split("\n")
    if lines[0].strip() != "---":
        problems.error(1, 1, "a scenario starts with a `---` front-matter block")
        return None
    end = next((i for i, line in enumerate(lines) if i and line.strip() == "---"), None)
    if end is None:
        hint = "add a line `---` before the first heading"
        problems.error(1, 1, "the front matter is never closed", hint)
        return None
    front = FrontMatter()
    try:
        tree = read_yaml("\n".join(lines[1:end]), line=2)
    except YamlError as error:
        problems.error(error.line, error.column, str(error), "the front matter is YAML")
        tree = None
    else:
        if tree is None:
            problems.error(1, 1, "the front matter is empty", "it needs `id` and `title`")
        else:
            front = read_front_matter(tree, problems, views)
    body = read_body(lines, end + 1, problems, views)
    scenario = _build(front, body, path, text)
    positions: Mapping[str, tuple[int, int]] = {
        item.key: (item.line, item.column) for item in (tree.items if tree else ())
    }
    if tree is not None:
        lint(scenario, front.names | body.names, positions, problems)
    return scenario


def _build(front: FrontMatter, body: Body, path: Path, text: str) -> Scenario:
    return Scenario(
        id=front.id,
        title=front.title,
        persona=front.persona,
        tags=front.tags,
        weight=front.weight,
        split=front.split,
        trials=front.trials,
        limits=front.limits,
        setup=front.setup,
        user=front.user,
        faults=front.faults,
        vary=front.vary,
        story=body.story,
        steps=tuple(body.steps),
        criteria=tuple(body.criteria),
        path=path,
        hash=blake3(text.encode()).hexdigest(),
        text=text,
        notes=front.notes,
    )
