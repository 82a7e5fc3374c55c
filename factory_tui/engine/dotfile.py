"""The file of a factory's pipeline: where it is, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from factory_tui.attractor import (
    SHAPE_TO_TYPE,
    DotSyntaxError,
    Graph,
    Severity,
    apply_transforms,
    parse_dot,
    validate,
)
from factory_tui.config import Settings
from factory_tui.trials import HarnessFault

__all__ = ["KNOWN_TYPES", "PIPELINES", "pipeline_path", "pipeline_problem", "read_pipeline"]

PIPELINES: Final = Path(__file__).resolve().parents[1] / "pipelines"

KNOWN_TYPES: Final = (*SHAPE_TO_TYPE.values(), "factory.validate", "factory.learn")
"""The types of nodes that a factory's pipeline may have; the last two the engine brings along."""


def pipeline_path(settings: Settings) -> Path:
    """The file of the run's pipeline: a shipped one by name, or one of the factory's own."""
    own = settings.folder / settings.pipeline
    return own if settings.pipeline.endswith(".dot") else PIPELINES / f"{settings.pipeline}.dot"


def read_pipeline(path: Path) -> Graph:
    """Parse a pipeline.

    Raises:
        HarnessFault: it cannot be read.
        DotSyntaxError: it is not DOT.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessFault(f"the pipeline {path} cannot be read: {error}") from error
    return parse_dot(source, path=str(path))


def pipeline_problem(settings: Settings) -> str:
    """Why the factory's pipeline cannot be run, with file and line; "" if it can."""
    path = pipeline_path(settings)
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in PIPELINES.glob("*.dot")))
        return (
            f"{path}: there is no such pipeline; `factory.pipeline` names a .dot file of the "
            f"factory or one of {shipped}"
        )
    try:
        graph = apply_transforms(read_pipeline(path))
    except (DotSyntaxError, HarnessFault) as error:
        return str(error)
    found = [d for d in validate(graph, known_types=KNOWN_TYPES) if d.severity is Severity.ERROR]
    return f"{path}:{found[0]}" if found else ""
