"""What a factory's settings name, looked at before a run costs anything: the spec, the data."""

from __future__ import annotations

from factory_tui.config import FILE, Settings

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
    """Why the builder's own twins have no data, as one sentence; empty when they have."""
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
    return ""
