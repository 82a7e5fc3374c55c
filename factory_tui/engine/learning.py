"""Learn: what the builder is told about an iteration, through the one door of the vault."""

from __future__ import annotations

from factory_tui.engine.runtime import Runtime
from factory_tui.engine.validating import Validation
from factory_tui.scenarios import feedback, satisfaction
from factory_tui.scenarios.transcript import render

__all__ = ["compose"]


def compose(
    runtime: Runtime, validation: Validation, scored: satisfaction.Report, iteration: int
) -> str:
    """Compose the feedback, journal it, and return its text."""
    results = []
    for result in validation.results.values():
        excerpts = [
            render(report.trajectory)
            for n, report in sorted(result.reports.items())
            if result.verdicts[n].outcome == "unsatisfied"
        ]
        verdicts = list(result.verdicts.values())
        results.append(feedback.result_of(result.scenario, verdicts, excerpts))
    levels = runtime.settings.feedback
    made = feedback.compose(
        results,
        train=scored.train,
        holdout=scored.holdout,
        spec=runtime.spec.text,
        vault=validation.scenarios,
        train_level=levels.train,
        holdout_level=levels.holdout,
    )
    runtime.emit(
        "feedback.sent",
        {
            "train_level": made.train_level,
            "holdout_level": made.holdout_level,
            "text": made.text,
            "lint": made.lint,
        },
        iteration=iteration,
    )
    return made.text
