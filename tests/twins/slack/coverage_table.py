"""Write ``twins/slack/COVERAGE.md``: described, implemented, driven by an SDK, alike, refused.

Usage, from the repository's root: ``python -m tests.twins.slack.coverage_table``

The last three columns are measured: the tests of this pack run once with a recorder on every
universe. *SDK*: a client of slack_sdk, slack_bolt or @slack/web-api (told by its User-Agent)
called the method and it was ``ok``. *Shape*: no answer had a key that Slack's response sample
lacks (but for those its reference documents). *Negative*: some test got an error of that
method's own, so not one of those that any method gives.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from factory_tui.universe import Exchange, Response, Universe
from tests.twins.evidence import write_evidence
from tests.twins.slack.samples import compare
from twins.slack.dialect import DESCRIBED
from twins.slack.method import METHODS
from twins.slack.pack import Slack
from twins.slack.retired import RETIRED

__all__ = ["Recorder", "main", "table"]

_ROOT: Final = Path(__file__).parents[3]
_KEPT: Final = 30
_COMMON: Final = frozenset(DESCRIBED[""]["errors"]) | {
    "invalid_arguments",
    "method_deprecated",
    "missing_scope",
    "not_allowed_token_type",
    "token_expired",
}


class Recorder:
    """Notes what happens in every universe while tests run; a plug-in of pytest."""

    def __init__(self) -> None:
        self.driven: set[str] = set()
        self.refused: set[str] = set()
        self.answers: dict[str, list[dict[str, Any]]] = {}

    def hear(self, exchange: Exchange) -> None:
        """Note one exchange."""
        if exchange.twin != "slack" or exchange.operation not in METHODS:
            return
        try:
            answer = orjson.loads(exchange.response_body)
        except orjson.JSONDecodeError:
            return
        agent = dict(exchange.request_headers).get("user-agent", "").lower()
        error = answer.get("error", "")
        retired = error == "method_deprecated" and exchange.operation in RETIRED
        if answer.get("ok") and "slack" in agent:
            self.driven.add(exchange.operation)
            kept = self.answers.setdefault(exchange.operation, [])
            if len(kept) < _KEPT:
                kept.append(answer)
        elif error and (retired or error not in _COMMON):
            self.refused.add(exchange.operation)

    def pytest_configure(self) -> None:
        """Listen to every universe there will be."""
        end: Callable[..., Response] = Universe._end

        def heard(universe: Universe, *call: Any) -> Response:
            response = end(universe, *call)
            self.hear(universe.tap[-1])
            return response

        setattr(Universe, "_end", heard)  # noqa: B010 - a method is no field to mypy


def _shapes(recorder: Recorder, folder: Path) -> dict[str, str]:
    """Method to whether its answers have the sample's shape; "" for what has no sample."""
    found = {}
    for method, bodies in recorder.answers.items():
        if (folder / f"{method}.json").exists():
            found[method] = "differs" if compare({method: bodies}, folder) else "✔"
    return found


def table(recorder: Recorder, folder: Path) -> str:
    """The page, in Markdown."""
    Slack()
    shapes = _shapes(recorder, folder)
    areas: dict[str, Counter[str]] = {}
    lines = []
    for name in sorted(name for name in DESCRIBED if name):
        found = {
            "described": True,
            "implemented": name in METHODS and name not in RETIRED,
            "retired": name in RETIRED,
            "sdk": name in recorder.driven,
            "shape": shapes.get(name) == "✔",
            "negative": name in recorder.refused,
        }
        area = areas.setdefault(name.partition(".")[0], Counter())
        area.update(key for key, value in found.items() if value)
        state = "retired" if found["retired"] else "yes" if found["implemented"] else "gap"
        marks = [
            "✔" if found["sdk"] else "",
            shapes.get(name, ""),
            "✔" if found["negative"] else "",
        ]
        lines.append(f"| {name} | {state} | {' | '.join(marks)} |")
    admin = areas.pop("admin")
    total: Counter[str] = sum(areas.values(), Counter())
    keys = ("described", "implemented", "retired", "sdk", "shape", "negative")
    shown = [*areas.items(), ("**all but admin**", total), ("admin", admin)]
    rows = [f"| {area} | {' | '.join(str(count[key]) for key in keys)} |" for area, count in shown]
    return "\n".join(
        [
            "# Coverage of the Slack twin",
            "",
            "Written by `python -m tests.twins.slack.coverage_table`, which runs the pack's",
            "tests.",
            "*Retired* methods answer `method_deprecated`, as Slack does. *SDK*: a client of",
            "slack_sdk, slack_bolt or @slack/web-api called it in a test and got `ok`. *Shape*:",
            "its answers have no key that Slack's response sample lacks, but for what the",
            "reference documents (empty: no sample). *Negative*: a test got an error of its own.",
            "",
            "| area | described | implemented | retired | SDK | shape | negative |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            "| method | implemented | SDK | shape | negative |",
            "|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def main() -> int:
    """Run the tests, write the page; the exit code is the tests'."""
    import pytest

    folder = _ROOT.parent / "shared/api/slack/samples/api"
    if not folder.is_dir():
        print("Slack's response samples are not at hand", file=sys.stderr)
        return 2
    recorder = Recorder()
    # Fuzzed calls prove nothing about a method; the rest does.
    tests = [str(_ROOT / "tests/twins/slack"), str(_ROOT / "tests/javascript/test_slack_js.py")]
    options: list[Any] = [*tests, "-q", "-n0", "-k", "not sent_makes"]
    code = pytest.main([*options, "-p", "no:cacheprovider"], plugins=[recorder])
    if code == 0:
        (_ROOT / "twins/slack/COVERAGE.md").write_text(table(recorder, folder))
        shapes = _shapes(recorder, folder)
        alike = {name for name, shape in shapes.items() if shape == "✔"}
        write_evidence("slack", driven=recorder.driven, agreeing=alike, refusing=recorder.refused)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
