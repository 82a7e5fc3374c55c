"""One performance of a scenario, inside a trial host: ``open → act* → close``.

A stage owns a universe of twins, a scratch folder and the box each command runs in. Whoever
drives it (scripted steps, a simulated user) only says which action comes next.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Any

import yaml

from factory_tui import scenarios
from factory_tui.config import duration
from factory_tui.sandbox import Box, Door, Limits, Mount, Sandbox, prepare_tree, read_beneath
from factory_tui.scenarios import Evidence, Scenario
from factory_tui.text import clean
from factory_tui.trials.wire import HarnessFault
from factory_tui.universe import Exchange, Pack, Universe, serve

__all__ = ["PORTS", "Stage", "StageOptions", "exchange_row", "run_in_box"]

PORTS = {"okta": 7001, "slack": 7002, "jira": 7003}
"""Where each twin listens inside a box; packs beyond these get the ports that follow."""

OUTPUT_KEPT = 20_000
"""Characters of a command's output that a trajectory keeps (head and tail)."""

FILE_KEPT = 1 << 20
"""Bytes of a file in the scratch folder that facts can see."""

FILES_KEPT = 200


def port_of(packs: Mapping[str, Pack], twin: str) -> int:
    """The port of a twin inside a box."""
    others = [name for name in packs if name not in PORTS]
    return PORTS.get(twin) or 7010 + others.index(twin)


@dataclass(slots=True)
class StageOptions:
    """What a stage needs beside the scenario. Limits: seconds, MiB."""

    product: Path
    command: str
    scratch: Path
    seed: int
    limits: Limits = field(default_factory=Limits)


def exchange_row(exchange: Exchange) -> dict[str, Any]:
    """An exchange as JSON, its bodies cleaned."""
    return {
        "n": exchange.n,
        "step": exchange.step,
        "t_virtual": str(exchange.t_virtual),
        "twin": exchange.twin,
        "operation": exchange.operation,
        "method": exchange.method,
        "path": clean(exchange.path, limit=2000),
        "status": exchange.status,
        "ms": exchange.ms,
        "fault": exchange.fault or "",
        "gap": exchange.gap,
        "request_headers": _headers(exchange.request_headers),
        "request_body": clean(exchange.request_body or b"", limit=OUTPUT_KEPT),
        "response_headers": _headers(exchange.response_headers),
        "response_body": clean(exchange.response_body or b"", limit=OUTPUT_KEPT),
    }


def _headers(headers: Sequence[tuple[str, str]]) -> list[list[str]]:
    pairs = [[clean(name), clean(value)] for name, value in headers]
    for pair in pairs:
        if pair[0].lower() == "authorization" and len(pair[1]) > 12:
            pair[1] = pair[1][:12] + "…"
    return pairs


async def run_in_box(
    sandbox: Sandbox,
    universe: Universe,
    argv: list[str],
    *,
    mounts: tuple[Mount, ...],
    limits: Limits,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Any:
    """Run one command with every twin of the universe at its door.

    Returns:
        ``sandbox.Completed``.
    """
    doors = tuple(
        Door(twin, port_of(universe.packs, twin), _attach(universe, twin))
        for twin in universe.packs
    )

    def environment(ports: Mapping[str, int]) -> dict[str, str]:
        values = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        for twin, port in ports.items():
            values |= universe.env(twin, f"http://127.0.0.1:{port}")
        return values

    box = Box(mounts=mounts, cwd="/work", doors=doors, env=environment, limits=limits)
    return await sandbox.run(argv, box, stdin=stdin)


def _attach(universe: Universe, twin: str) -> Callable[[socket], Awaitable[Any]]:
    async def attach(listener: socket) -> Any:
        return await serve(universe, twin, listener)

    return attach


class Stage:
    """One trial on stage. Create with :meth:`open`, then :meth:`act`, then :meth:`close`."""

    def __init__(
        self, scenario: Scenario, options: StageOptions, sandbox: Sandbox, packs: Mapping[str, Pack]
    ) -> None:
        self.scenario = scenario
        self.options = options
        self.sandbox = sandbox
        setup = scenario.setup
        self.universe = Universe(
            packs,
            seeds={twin: setup.seeds.get(twin, "empty") for twin in packs},
            seed=options.seed,
            clock=setup.clock,
            vary=scenario.vary,
        )
        self.entities: dict[str, Any] = {"sut": self._sut}
        self.commands: list[dict[str, Any]] = []
        self.trajectory: list[dict[str, Any]] = []
        self._seen = 0

    # -- the three moments ---------------------------------------------------------------

    async def open(self) -> dict[str, Any]:
        """Set the universe up as the scenario wants it.

        Raises:
            HarnessFault: the set-up cannot be done.
        """
        scratch = self.options.scratch
        self.clear()  # a killed attempt at this trial may have left its files
        scratch.mkdir(parents=True, exist_ok=True)
        setup = self.scenario.setup
        try:
            for twin in self.universe.packs:
                url = f"http://127.0.0.1:{port_of(self.universe.packs, twin)}"
                self.entities.setdefault("env", {}).update(self.universe.env(twin, url))
            for twin, op, args in setup.operations:
                self._apply(twin, op, args)
            for fault in self.scenario.faults:
                self.universe.faults.add(self._bound(fault))
            for name, text in setup.files.items():
                self._write(name, self._text(text))
        except (KeyError, ValueError, TypeError, LookupError, OSError) as error:
            raise HarnessFault(f"{self.scenario.id}: set-up failed: {error}") from error
        prepare_tree(scratch)
        return {"entities": self.entities}

    async def act(self, verb: str, text: str, step: int) -> dict[str, Any]:
        """Perform one action of a step.

        Args:
            verb: ``run``, ``shell``, ``clock``, ``wait``, ``write`` or a twin's name.
            text: what follows the verb, unbound.
            step: the scenario's step (from 1) that observations are stamped with.

        Returns:
            ``{"entries": [...], "exchanges": [...], "entities": {...}}``: what was observed, in
            order, and what ``{{name}}`` means now.

        Raises:
            HarnessFault: the harness could not do it.
            ValueError: the action makes no sense.
        """
        self.universe.step = step
        before = len(self.trajectory)
        text = self._text(text)
        if verb in ("run", "shell"):
            await self._run(text.strip().strip("`"), step)
        elif verb in ("clock", "wait"):
            seconds = duration(text.strip().lstrip("+"))
            self.universe.clock.advance(seconds)
            self._note(verb, "world", f"{text.strip()} later", step)
        elif verb == "write":
            name, _, content = text.partition(":")
            self._write(name.strip().strip("`"), content.strip("\n").removeprefix(" "))
            prepare_tree(self.options.scratch)
            self._note("write", "world", f"wrote {name.strip()}", step)
        elif verb in self.universe.packs:
            op, _, raw = text.strip().partition(" ")
            try:
                self._apply(verb, op, yaml.safe_load(raw) if raw.strip() else {})
            except (KeyError, LookupError, yaml.YAMLError) as error:
                raise ValueError(f"{verb}: {op}: {error}") from error
            self._note("twin", verb, f"{op} {raw.strip()}", step)
        else:
            raise ValueError(f"unknown verb {verb!r}")
        fresh = self._exchanges()
        return {
            "entries": self.trajectory[before:],
            "exchanges": fresh,
            "entities": self.entities,
        }

    def say(self, who: str, text: str, step: int) -> list[dict[str, Any]]:
        """Note what somebody said or thought; nothing happens. Returns the entries."""
        self._note("user", who, text, step)
        return self.trajectory[-1:]

    async def close(self) -> dict[str, Any]:
        """Check the facts against what is there now, and clean up.

        Returns:
            ``{"facts": [...], "trajectory": [...], "gaps": [...], "entities": {...}}``.
        """
        evidence = Evidence(
            views={twin: self.universe.view(twin) for twin in self.universe.packs},
            calls=[exchange_row(e) for e in self.universe.tap],
            cmds=self.commands,
            files=self._files(),
            entities=self.entities,
        )
        facts = []
        for criterion in self.scenario.criteria:
            if criterion.fact is None:
                continue
            result = scenarios.check(criterion.fact, evidence)
            facts.append(
                {
                    "n": criterion.n,
                    "level": criterion.level,
                    "text": self._text(criterion.text),
                    "ok": result.ok,
                    "expected": result.expected,
                    "actual": clean(result.actual, limit=1000),
                    "steps": list(result.steps),
                    "error": result.error,
                }
            )
        gaps = sorted({(e.twin, e.operation) for e in self.universe.tap if e.gap})
        self.clear()
        if self.universe.failures:
            raise HarnessFault("; ".join(self.universe.failures))
        return {
            "facts": facts,
            "trajectory": self.trajectory,
            "gaps": [list(g) for g in gaps],
            "entities": self.entities,
        }

    def clear(self) -> None:
        """Remove the scratch folder."""
        shutil.rmtree(self.options.scratch, ignore_errors=True)

    # -- pieces --------------------------------------------------------------------------

    async def _run(self, command: str, step: int) -> None:
        options = self.options
        done = await run_in_box(
            self.sandbox,
            self.universe,
            ["/bin/sh", "-c", command],
            mounts=(
                Mount(options.product, "/app"),
                Mount(options.scratch, "/work", writable=True),
            ),
            limits=options.limits,
        )
        for exchange in list(self.universe.tap)[self._seen :]:
            self.trajectory.append(
                {
                    "kind": "call",
                    "who": exchange.twin,
                    "step": step,
                    "text": f"{exchange.method} {clean(exchange.path, limit=300)}",
                    "data": {
                        "n": exchange.n,
                        "operation": exchange.operation,
                        "status": exchange.status,
                        "fault": exchange.fault or "",
                        "gap": exchange.gap,
                        "request": clean(exchange.request_body or b"", limit=4000),
                        "response": clean(exchange.response_body or b"", limit=1000),
                    },
                }
            )
        record = {
            "step": step,
            "command": command,
            "exit": done.exit_code if not done.killed else None,
            "killed": done.killed or "",
            "stdout": done.stdout,
            "stderr": done.stderr,
            "output": done.stdout + ("\n" if done.stdout and done.stderr else "") + done.stderr,
            "seconds": done.ms / 1000,
        }
        self.commands.append(record)
        kept = {
            key: clean(record[key], limit=OUTPUT_KEPT) if key in ("stdout", "stderr") else value
            for key, value in record.items()
            if key not in ("output", "step")
        }
        self.trajectory.append(
            {"kind": "run", "who": "product", "step": step, "text": command, "data": kept}
        )

    def _exchanges(self) -> list[dict[str, Any]]:
        fresh = list(self.universe.tap)[self._seen :]
        self._seen += len(fresh)
        return [exchange_row(e) for e in fresh]

    def _note(self, kind: str, who: str, text: str, step: int) -> None:
        entry = {"kind": kind, "who": who, "step": step, "text": clean(text), "data": {}}
        self.trajectory.append(entry)

    def _apply(self, twin: str, op: str, args: Any) -> None:
        """Change a twin; what an ``as:`` names becomes an entity of the trial.

        A pack gives the entities it made as a list in the order of the arguments, or by name.
        """
        made = self.universe.apply(twin, op, self._bound(args))
        if isinstance(made, Mapping):
            self.entities |= {name: e for name, e in made.items() if isinstance(e, Mapping)}
        elif isinstance(made, list) and isinstance(args, list):
            for asked, entity in zip(args, made, strict=False):
                if isinstance(asked, Mapping) and asked.get("as"):
                    self.entities[asked["as"]] = entity

    def _text(self, text: str) -> str:
        return self.scenario.bind(self.entities)(text)

    @property
    def _sut(self) -> str:
        return "/app/" + self.options.command.removeprefix("./")

    def _bound(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {k: self._bound(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._bound(v) for v in value]
        return value

    def _write(self, name: str, text: str) -> None:
        root = self.options.scratch.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ValueError(f"{name}: outside the scratch folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _files(self) -> dict[str, str]:
        """The scratch folder's regular files, small ones only; no link is ever followed."""
        found: dict[str, str] = {}
        for folder, _, names in os.walk(self.options.scratch):
            for name in sorted(names):
                shown = str((Path(folder) / name).relative_to(self.options.scratch))
                content = read_beneath(self.options.scratch, shown, limit=FILE_KEPT)
                if content is not None and len(found) < FILES_KEPT:
                    found[clean(shown)] = clean(content)
        return found
