"""`factory-tui check`: settings, scenarios, and the null product.

A scenario that a program doing nothing satisfies measures nothing. So every scenario is performed
once against a program that exits at once, and must come out unsatisfied.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factory_tui import scenarios
from factory_tui.config import Settings
from factory_tui.engine.dotfile import pipeline_problem
from factory_tui.engine.inputs import data_problem, spec_problem
from factory_tui.engine.models import same_family, same_family_warning
from factory_tui.scenarios import Scenario, user, verdict
from factory_tui.trials import HarnessFault, HostOptions, Job, Pool, perform

__all__ = ["Finding", "check_factory", "null_product"]

LINE = 100
"""Characters of a line about a scenario that is as it should be; what is wrong is told in full."""

NULL_PRODUCT = "#!/bin/sh\nexit 0\n"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the null product did in one scenario; ``ok`` says that it failed as it must."""

    scenario: str
    ok: bool
    detail: str


class _Patient:
    """A simulated user without a model: starts the program as often as it must, then leaves."""

    def __init__(self, scenario: Scenario, command: str) -> None:
        self.turns = max(1, scenario.user.min_turns if scenario.user else 1)
        self.command = command

    async def answer(self, request: user.UserRequest, turn: int) -> str:
        action = "shell" if turn <= self.turns else "done"
        return json.dumps({"why": "tries it", "action": action, "command": self.command})


async def null_product(settings: Settings) -> list[Finding]:
    """Perform every scenario once against a product that does nothing.

    Raises:
        HarnessFault: no trial host can be started.
    """
    found, _ = scenarios.load_folder(settings.scenarios)
    with tempfile.TemporaryDirectory(prefix="factory-null-", dir=_reachable()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        program = folder / "product" / settings.command.removeprefix("./")
        program.parent.mkdir(parents=True)
        program.write_text(NULL_PRODUCT)
        program.chmod(0o755)
        options = HostOptions(settings.twins, settings.packs)
        async with Pool(options, settings.parallel) as pool:

            async def one(number: int, scenario: Scenario) -> Finding:
                job = Job(
                    trial=f"null.{scenario.id}",
                    scenario=scenario,
                    product=folder / "product",
                    command=settings.command,
                    scratch=folder / f"scratch{number}",
                    seed=number,
                    limits={"wall_s": scenario.limits.wall or settings.sandbox.wall},
                )
                mind = _Patient(scenario, f"/app/{settings.command.removeprefix('./')}")
                async with pool.host() as host:
                    try:
                        report = await perform(host, job, mind, lambda rows: None)
                    except HarnessFault as fault:
                        return Finding(scenario.id, False, f"could not be performed: {fault}")
                return _judged(scenario, report.facts)

            return await asyncio.gather(*(one(n, s) for n, s in enumerate(found)))


def _judged(scenario: Scenario, facts: list[dict[str, object]]) -> Finding:
    decided = verdict.decide(scenario, facts, facts_only=True)
    if decided.outcome == "unsatisfied":
        return Finding(scenario.id, True, decided.reason)
    if scenario.questions and all(c.kind == "judge" for c in scenario.criteria):
        return Finding(scenario.id, True, "no fact fails it; only the judge can")
    return Finding(
        scenario.id, False, "a program that does nothing satisfies it; add a `must fact`"
    )


def _reachable() -> str:
    """A place for temporary files that the sandbox's user can reach."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir()


def check_factory(settings: Settings, *, dynamic: bool, out: Callable[[str], object]) -> int:
    """Check a factory and print what was found.

    Returns:
        The exit code: 0 all is well, 2 something has to be mended, 4 the harness failed.
    """
    found, problems = scenarios.load_folder(settings.scenarios)
    for problem in problems:
        out(str(problem))
    errors = sum(p.level == "error" for p in problems)
    splits = {name: sum(s.split == name for s in found) for name in scenarios.SPLITS}
    counted = ", ".join(f"{count} {name}" for name, count in splits.items() if count)
    mistakes = "1 error" if errors == 1 else f"{errors} errors"
    out(f"{settings.scenarios}: {len(found)} scenarios ({counted}), {mistakes}")
    if errors or not found:
        return 2
    if wrong := pipeline_problem(settings) or spec_problem(settings) or data_problem(settings):
        out(wrong)
        return 2
    if same_family(settings.models):
        out(same_family_warning(settings.models))
    if not dynamic:
        return 0
    try:
        findings = asyncio.run(null_product(settings))
    except HarnessFault as fault:
        out(f"the null product could not be tried: {fault}")
        return 4
    out("a program that does nothing, tried once in each of them:")
    name = max(len(finding.scenario) for finding in findings) + 2
    for finding in findings:
        # The tick is about the scenario: it measures something.
        mark = "✓ fails, as it must: " if finding.ok else "✗ "
        line = f"  {finding.scenario:{name}}{mark}{' '.join(finding.detail.split())}"
        out(line if len(line) <= LINE or not finding.ok else line[: LINE - 1] + "…")
    bad = sum(not f.ok for f in findings)
    if not bad:
        out("every scenario measures something")
    else:
        out(f"{bad} {'scenario measures' if bad == 1 else 'scenarios measure'} nothing yet")
    return 2 if bad else 0
