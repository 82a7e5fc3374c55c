"""Create a run, and start (or restart) the process that carries it out.

A run is its own process: it survives the terminal, and a crash of either loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from factory_tui import process, scenarios
from factory_tui.config import Settings
from factory_tui.engine.dotfile import pipeline_problem
from factory_tui.engine.inputs import data_problem, spec_problem
from factory_tui.engine.models import PROVIDERS, missing_access, same_family
from factory_tui.sandbox import probe
from factory_tui.store import RunRow, Store, UnknownRun

__all__ = ["BadInput", "RunOptions", "create_run", "model_access", "run_lock", "spawn"]

ENGINE_LOG = "engine.log"
SPEC_COPY = "spec.md"
"""In a run's folder: the spec's text as it was journaled last."""


class BadInput(Exception):
    """Something the engineer gave cannot be used; ``str()`` says what and how to mend it."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What one run differs in from the factory's settings; kept with the run for resuming.

    ``recording`` plays a recorded model back instead of calling one; ``record`` writes one.
    """

    tokens: int | None = None
    usd: str | None = None
    unsandboxed: bool = False
    seed_from: str = ""
    record: str = ""
    recording: str = ""
    may_fall_back: bool = False
    pace: float = 1.0


def model_access() -> bool:
    """Whether the environment says how to reach any model."""
    return any(os.environ.get(name) for names in PROVIDERS.values() for name in names)


@contextlib.contextmanager
def run_lock(folder: Path, patience: float = 0.0) -> Iterator[bool]:
    """Whether this process alone has a run in hand; its engine holds this as long as it lives.

    Args:
        folder: the run's folder.
        patience: seconds to wait for somebody else to let go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "engine.lock").open("w") as lock:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= end:
                    yield False
                    return
                time.sleep(0.2)
        yield True


def create_run(settings: Settings, options: RunOptions) -> str:
    """Write a new run into the store. Nothing runs yet: call :func:`spawn`.

    Returns:
        The run's id.

    Raises:
        BadInput: a scenario has mistakes, there are none, no model can be reached, or untrusted
            code cannot be confined on this machine.
    """
    missing = "" if options.recording else missing_access(settings.models)
    if missing:
        raise BadInput(f"{missing}; `factory-tui demo` needs none")
    if problem := pipeline_problem(settings):
        raise BadInput(problem)
    found, problems = scenarios.load_folder(settings.scenarios)
    errors = [p for p in problems if p.level == "error"]
    if errors:
        raise BadInput("\n".join(str(p) for p in errors))
    if not found:
        raise BadInput(f"{settings.scenarios}: there is no scenario yet; add one")
    if problem := spec_problem(settings) or data_problem(settings):
        raise BadInput(problem)
    spec = settings.spec.read_text(encoding="utf-8")
    if options.seed_from and not Path(options.seed_from).is_dir():
        raise BadInput(f"{options.seed_from}: no such folder to start from")
    if options.seed_from:
        source = Path(options.seed_from).resolve()
        for private in (settings.scenarios.resolve(), settings.runs.resolve()):
            if private.is_relative_to(source) or source.is_relative_to(private):
                raise BadInput(
                    f"{source} holds {private}, which the builder must not see; "
                    "give a folder without it"
                )
    if not options.unsandboxed and not options.may_fall_back:
        tier = asyncio.run(probe())
        if not tier.ok:
            raise BadInput(f"{tier.detail} Or give --unsandboxed to run without isolation.")
    settings.runs.mkdir(parents=True, exist_ok=True)
    budget = settings.budget
    tokens = budget.tokens if options.tokens is None else options.tokens
    usd = budget.usd if options.usd is None else Decimal(options.usd)
    recorded = bool(options.recording)
    models = dict.fromkeys(settings.models.roles(), "recorded")
    models = models if recorded else settings.models.roles()
    with Store.open(settings.store) as store:
        run_id = _fresh_id(store)
        digest = hashlib.sha256(spec.encode()).hexdigest()
        (settings.runs / run_id).mkdir(mode=0o755)
        (settings.runs / run_id / SPEC_COPY).write_text(spec, encoding="utf-8")
        store.add_run(
            RunRow(
                id=run_id,
                name=settings.name,
                spec_path=_shown(settings.spec, settings.folder),
                spec_hash=digest,
                status="starting",
                created_ms=int(time.time() * 1000),
                budget_tokens=tokens,
                budget_usd=None if usd is None else str(usd),
                recorded=recorded,
                factory_dir=str(settings.folder),
                seed_from=options.seed_from,
                settings=asdict(options),
            )
        )
        store.append(
            run_id,
            "run.created",
            {
                "name": settings.name,
                "spec": _shown(settings.spec, settings.folder),
                "spec_hash": digest,
                "target": settings.target,
                "max_iterations": settings.max_iterations,
                "product": settings.command,
                "budget": {
                    "tokens": tokens,
                    "usd": None if usd is None else str(usd),
                    "warn": list(budget.warn),
                },
                "models": models,
                "recorded": recorded,
                "judge_same_family": not recorded and same_family(settings.models),
                "twins": list(settings.packs),
                "scenarios": [_described(s) for s in found],
            },
        )
    return run_id


def _described(scenario: scenarios.Scenario) -> dict[str, Any]:
    return {
        "id": scenario.id,
        "title": scenario.title,
        "split": scenario.split,
        "weight": scenario.weight,
        "judged": any(c.kind == "judge" for c in scenario.criteria),
    }


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _fresh_id(store: Store) -> str:
    for digits in (2, 2, 2, 3, 4):
        ident = secrets.token_hex(digits)
        try:
            store.run(ident)
        except UnknownRun:
            return ident
    raise BadInput("no free run id was found; remove old runs with `factory-tui rm`")


def spawn(settings: Settings, run_id: str) -> int:
    """Start the run's process, detached from this terminal; a live one is left alone.

    Returns:
        The pid.
    """
    folder = settings.runs / run_id
    with Store.open(settings.store) as store, _starting(folder):
        row = store.run(run_id)
        if process.alive(row.pid, row.pid_started):
            return int(row.pid or 0)
        log = folder / ENGINE_LOG
        with log.open("ab") as sink:
            child = subprocess.Popen(
                [sys.executable, "-m", "factory_tui.engine", str(settings.folder), run_id],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
                cwd="/",
            )
        store.update_run(run_id, pid=child.pid, pid_started=process.start_time(child.pid))
        return child.pid


@contextlib.contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """One after the other: of two viewers that wake a run, the second finds it awake."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
