"""Scenarios: what would satisfy the user, and how we know whether it did.

A scenario is one Markdown file (``scenarios/README.md`` in a factory tells its format). This
package reads and lints it, checks its facts, builds the judge's and the simulated user's prompts
and reads their answers, decides a verdict, does the statistics, and writes the feedback the builder
may see. It calls no model and touches no twin: it is handed what was observed.
"""

from factory_tui.scenarios import feedback, idle, judge, satisfaction, user, vault, verdict
from factory_tui.scenarios.binding import BindError, Binding
from factory_tui.scenarios.facts import (
    Evidence,
    Fact,
    FactResult,
    FactSyntaxError,
    check,
    parse_fact,
)
from factory_tui.scenarios.format import load, load_folder, parse
from factory_tui.scenarios.model import (
    SPLITS,
    Criterion,
    Limits,
    Scenario,
    Setup,
    Step,
    Trials,
    UserSpec,
)
from factory_tui.scenarios.problems import Problem, ScenarioErrors

__all__ = [
    "SPLITS",
    "BindError",
    "Binding",
    "Criterion",
    "Evidence",
    "Fact",
    "FactResult",
    "FactSyntaxError",
    "Limits",
    "Problem",
    "Scenario",
    "ScenarioErrors",
    "Setup",
    "Step",
    "Trials",
    "UserSpec",
    "check",
    "feedback",
    "idle",
    "judge",
    "load",
    "load_folder",
    "parse",
    "parse_fact",
    "satisfaction",
    "user",
    "vault",
    "verdict",
]
