"""Generate ``twins/jira/COVERAGE.md``: what is described, implemented, driven, refused in tests.

Usage, from the repository's root: ``python -m tests.twins.jira.coverage_table``

The tests of the Jira twin run once with a recorder on every universe, so each mark is measured.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from factory_tui.universe import Exchange, Universe, load_packs
from tests.twins.evidence import write_evidence
from tests.twins.jira.described import WRONG, Description

__all__ = ["Recorder", "main", "page"]

_ROOT: Final = Path(__file__).parents[3]
_COLUMNS: Final = ("described", "implemented", "driven", "agrees", "negative")
_CLIENTS: Final = ("python-requests", "axios")


class Recorder:
    """Notes what happens in every universe while tests run; a plug-in of pytest."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.driven: set[str] = set()
        self.refused: set[str] = set()
        self.agreeing: set[str] = set()
        self.problems: dict[str, set[str]] = {}

    def hear(self, universe: Universe, exchange: Exchange) -> None:
        """Note one exchange."""
        name = exchange.operation
        if exchange.twin != "jira" or exchange.direction != "in" or not name or exchange.fault:
            return
        agent = dict(exchange.request_headers).get("user-agent", "").lower()
        if 200 <= exchange.status < 400:
            if any(client in agent for client in _CLIENTS):
                self.driven.add(name)
            # What is described is Cloud; only its answers are held against it.
            if universe.twins["jira"]["site"]["site"]["deployment"] == "Cloud":
                found = self.description.problems(name, exchange.status, exchange.response_body)
                self.problems.setdefault(name, set()).update(found)
                self.agreeing.add(name)
        elif 400 <= exchange.status < 500 and exchange.status != 401:
            self.refused.add(name)

    def pytest_configure(self) -> None:
        """Listen to every universe there will be."""
        end: Callable[..., Any] = Universe._end

        def heard(universe: Universe, *arguments: Any) -> Any:
            answer = end(universe, *arguments)
            self.hear(universe, universe.tap[-1])
            return answer

        setattr(Universe, "_end", heard)  # noqa: B010 - a method is no field to mypy


def _area(method: str, path: str) -> str:
    parts = path.strip("/").split("/")
    return "/".join(parts[1:3]) if parts[0] == "rest" else parts[0]


def page(recorder: Recorder) -> str:
    """The page, in Markdown."""
    pack = load_packs(_ROOT / "twins", ["jira"])["jira"]
    described = recorder.description.operations
    rows: dict[str, Counter[str]] = {}
    others: dict[str, Counter[str]] = {}
    gaps: list[str] = []
    disagreeing: list[str] = []
    for name, (method, path, done) in sorted(pack.routes.operations.items()):
        if not name:
            continue
        area = _area(method, path)
        count = (rows if name in described else others).setdefault(area, Counter())
        problems = recorder.problems.get(name, set())
        count.update(
            {
                "described": 1,
                "implemented": int(done),
                "driven": int(name in recorder.driven),
                "agrees": int(name in recorder.agreeing and not problems),
                "negative": int(done and name in recorder.refused),
            }
        )
        if not done:
            gaps.append(f"- `{method} {path}` ({name})")
        disagreeing += [f"- {problem}" for problem in sorted(problems)]
    return "\n".join(
        [
            "# Coverage of the Jira twin",
            "",
            "Written by `python -m tests.twins.jira.coverage_table`; operations by the first part "
            "of their path.",
            "*Driven*: a real client (`jira`, `atlassian-python-api`, `jira.js`) called it in a "
            "test and",
            "got an answer. *Agrees*: every answer of success that a test got on Cloud validates "
            "against",
            "the description's schema. *Negative*: a test was refused by it (4xx, not 401).",
            "",
            *_table(rows),
            "",
            "## Outside the platform's description",
            "",
            "The agile API, webhooks of administrators, sessions, files. Nothing to validate them "
            "against.",
            "",
            *_table(others),
            "",
            "## Not implemented",
            "",
            *(gaps or ["Nothing."]),
            "",
            "## Where the description is taken to be wrong",
            "",
            *(f"- `{name}` {part}: {why}" for (name, part), why in WRONG.items()),
            "",
            "## Where answers differ from it",
            "",
            *(disagreeing or ["Nowhere."]),
            "",
        ]
    )


def _table(rows: dict[str, Counter[str]]) -> list[str]:
    total: Counter[str] = sum(rows.values(), Counter())
    lines = [
        f"| {area} | {' | '.join(str(count[name]) for name in _COLUMNS)} |"
        for area, count in [*sorted(rows.items()), ("**all**", total)]
    ]
    head = "| area | described | implemented | driven by a client | agrees | negative |"
    return [head, "|---|---:|---:|---:|---:|---:|", *lines]


def main() -> int:
    """Run the tests, write the page; the exit code is the tests'."""
    import pytest

    description = Description.find(_ROOT)
    if description is None:
        print("Jira's API description is not at hand")
        return 1
    recorder = Recorder(description)
    # Fuzzed calls prove nothing about an operation; the rest does.
    places = ["tests/twins/jira", "tests/javascript/test_jira_js.py"]
    options: list[Any] = [*(str(_ROOT / place) for place in places), "-q", "-n0"]
    options += ["-k", "not sent_makes and not hostile", "-p", "no:cacheprovider"]
    code = pytest.main(options, plugins=[recorder])
    if code == 0:
        (_ROOT / "twins/jira/COVERAGE.md").write_text(page(recorder))
        alike = {name for name in recorder.agreeing if not recorder.problems.get(name)}
        write_evidence("jira", driven=recorder.driven, agreeing=alike, refusing=recorder.refused)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
