"""What a factory's settings name, looked at before a run costs anything: the spec, the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from factory_tui.config import FILE, Settings

if TYPE_CHECKING:
    from factory_tui.universe import Pack

__all__ = ["data_problem", "spec_problem"]


def spec_problem(settings: Settings) -> str:
    """Why the spec cannot be built from, as one sentence; empty when it can."""
    try:
        text = settings.spec.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return f"{settings.spec}:{line}: this is not UTF-8 text; save the spec as UTF-8"
    except OSError as error:
        return f"{settings.spec}: cannot be read: {error.strerror}"
    if not text.strip():
        return f"{settings.spec}:1: the spec is empty; write what to build"
    return ""


def data_problem(settings: Settings) -> str:
    """Why the builder's own twins cannot be set up, as one sentence; empty when they can."""
    from factory_tui.universe import ORGS, PackError, load_packs

    try:
        packs = load_packs(settings.twins, settings.packs)
    except PackError as error:
        return str(error)
    for name, wanted in settings.development.items():
        known = [*ORGS, *packs[name].seeds]
        if wanted not in known:
            return (
                f"{settings.folder / FILE}: `twins.development` gives {name} the data set "
                f"{wanted!r}, which it does not have; known: {', '.join(known)}"
            )
    return _setup_problem(settings, packs)


def _setup_problem(settings: Settings, packs: Mapping[str, Pack]) -> str:
    """What is wrong with the set-up of the builder's own twins, tried out; empty if nothing is."""
    from factory_tui.scenarios.operations import operation_problem
    from factory_tui.trials.operations import Operations
    from factory_tui.trials.workbench import development_universe

    if not settings.development_setup:
        return ""
    operations = Operations(development_universe(packs, settings.development, 0), {})
    operations.know_variables()
    for each in settings.development_setup:
        where = f"{settings.folder / FILE}:{each.line}: `twins.development.{each.twin}`"
        if problem := operation_problem(each.twin, each.op, each.args):
            return f"{where}: {problem}"
        try:
            operations.apply(each.twin, each.op, each.args)
        except (ValueError, LookupError) as error:
            return f"{where}: {each.op}: {error}"
    return ""
