"""One performance of a scenario, inside a trial host: ``open → act* → close``.

A stage owns a universe of twins, a scratch folder, the box each command runs in and the service
that a step may start. Whoever drives it (scripted steps, a simulated user) only says which action
comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import yaml

from factory_tui import scenarios
from factory_tui.config import duration
from factory_tui.sandbox import (
    Box,
    Completed,
    Limits,
    Mount,
    Sandbox,
    names_beneath,
    prepare_tree,
    read_beneath,
    remove_tree,
    write_beneath,
)
from factory_tui.scenarios import Evidence, Scenario
from factory_tui.scenarios.facts.schema import VIEWS
from factory_tui.text import clean
from factory_tui.trials import service
from factory_tui.trials.endstate import end_state
from factory_tui.trials.exchanges import exchange_entries, exchange_rows
from factory_tui.trials.guard import Guard
from factory_tui.trials.network import Network
from factory_tui.trials.operations import Operations
from factory_tui.trials.records import kept, new_record
from factory_tui.trials.service import Service
from factory_tui.trials.wire import HarnessFault
from factory_tui.universe import Courier, Pack, Universe

__all__ = ["Stage", "StageOptions"]

FILE_KEPT = 1 << 20
"""Bytes of a file in the scratch folder that facts can see."""

FILES_KEPT = 200

FILES_SIZE = 32 << 20
"""Bytes of all of them together."""

SERVICE_S: Final = 3600.0
"""Seconds a service may run at most."""

QUIET_S: Final = 0.3
"""Seconds without traffic after which a service is taken to have done what it was told."""

SETTLE_S: Final = 15.0
"""Seconds to wait for that. For a service that has not even taken its events there are as many as
a command may run."""


@dataclass(slots=True)
class StageOptions:
    """What a stage needs beside the scenario. Limits: seconds, MiB."""

    product: Path
    command: str
    scratch: Path
    seed: int
    limits: Limits = field(default_factory=Limits)


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
            limits=setup.rate_limits,
            strict=setup.strict,
        )
        self.network = Network(self.universe)
        self.service: Service | None = None
        self._service_record: dict[str, Any] = {}
        self._starting: Service | None = None
        self._started = asyncio.Event()
        self._started.set()
        self._courier = Courier(self.universe, connect=self._connect, ready=self._started.wait)
        self._over = asyncio.Event()
        self._guard = Guard(self.universe, self._cut_off)
        self.entities: dict[str, Any] = {"sut": self._sut}
        self._operations = Operations(self.universe, self.entities)
        self.commands: list[dict[str, Any]] = []
        self.trajectory: list[dict[str, Any]] = []
        self._seen = 0
        self._noted = 0
        self._sought = 0

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
            self._operations.know_variables()
            for twin, op, args in setup.operations:
                self._operations.apply(twin, op, args)
            for fault in self.scenario.faults:
                self.universe.faults.add(self._operations.bound(fault))
            for name, text in setup.files.items():
                self._write(name, self._operations.text(text))
        except (KeyError, ValueError, TypeError, LookupError, OSError) as error:
            raise HarnessFault(f"{self.scenario.id}: set-up failed: {error}") from error
        prepare_tree(scratch)
        self._begun = self.universe.snapshot()
        self._courier.start()
        return {"entities": self.entities}

    async def act(self, verb: str, text: str, step: int) -> dict[str, Any]:
        """Perform one action of a step.

        Args:
            verb: ``run``, ``shell``, ``start``, ``stop``, ``clock``, ``wait``, ``write`` or a
                twin's name.
            text: what follows the verb, unbound.
            step: the scenario's step (from 1) that observations are stamped with.

        Returns:
            ``{"entries": [...], "exchanges": [...], "entities": {...}, "over": str}``: what was
            observed, in order, what ``{{name}}`` means now, and why nothing more is to be done
            ("" while there is).

        Raises:
            HarnessFault: the harness could not do it.
            ValueError: the action makes no sense.
        """
        before = len(self.trajectory)
        if not self._over.is_set():
            await self._act(verb, text, step)
        return {
            "entries": self.trajectory[before:],
            "exchanges": self._exchanges(),
            "entities": self.entities,
            "over": self._guard.said,
        }

    async def _act(self, verb: str, text: str, step: int) -> None:
        self.universe.step = step
        text = self._operations.text(text)
        if verb in ("run", "shell"):
            await self._run(text.strip().strip("`"), step)
        elif verb == "start":
            await self._start(text.strip().strip("`"), step)
        elif verb == "stop":
            if self.service is not None:  # it may have ended by itself, which is noted
                await self._end_service(step)
        elif verb in ("clock", "wait"):
            seconds = duration(text.strip().lstrip("+"))
            await self._advance(seconds)
            self._note(verb, "world", clean(f"{text.strip()} later"), step)
        elif verb == "write":
            name, _, content = text.partition(":")
            self._user_writes(name.strip().strip("`"), content.strip("\n").removeprefix(" "), step)
        elif verb in self.universe.packs:
            op, _, raw = text.strip().partition(" ")
            try:
                self._operations.apply(verb, op, yaml.safe_load(raw) if raw.strip() else {})
            except (KeyError, LookupError, yaml.YAMLError) as error:
                raise ValueError(f"{verb}: {op}: {error}") from error
            self._note("twin", verb, clean(f"{op} {raw.strip()}"), step)
        else:
            raise ValueError(f"unknown verb {verb!r}")
        await self._settle(step)
        if self._over.is_set():
            if not self.commands:
                raise HarnessFault(f"{self.scenario.id}: {self._guard.said}")
            self._note("note", "product", self._guard.said, step)

    def say(self, who: str, text: str, step: int) -> list[dict[str, Any]]:
        """Note what somebody said or thought; nothing happens. Returns the entries."""
        self._note("user", who, clean(text), step)
        return self.trajectory[-1:]

    async def close(self) -> dict[str, Any]:
        """Check the facts against what is there now, and clean up.

        Returns:
            ``{"facts": [...], "trajectory": [...], "gaps": [...], "entities": {...},
            "state": {...}}``; the state as :func:`end_state` tells it.
        """
        try:
            return await self._close()
        finally:
            await self.abandon()

    async def _close(self) -> dict[str, Any]:
        if self.service is not None:
            await self._end_service(self.universe.step)
            self._note_exchanges(self.universe.step)
        await self._courier.close()
        evidence = Evidence(
            views={twin: self._view(twin) for twin in self.universe.packs},
            calls=exchange_rows(e for e in self.universe.tap if e.direction == "in"),
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
                    "text": self._operations.text(criterion.text),
                    "ok": result.ok,
                    "expected": result.expected,
                    "actual": clean(result.actual, limit=1000),
                    "steps": list(result.steps),
                    "error": result.error,
                }
            )
        gaps = sorted({(e.twin, e.operation) for e in self.universe.tap if e.gap})
        state = end_state(self.universe, self._begun, evidence.views)
        if self.universe.failures:
            raise HarnessFault("; ".join(self.universe.failures))
        return {
            "facts": facts,
            "trajectory": self.trajectory,
            "gaps": [list(g) for g in gaps],
            "entities": self.entities,
            "state": state,
        }

    def _view(self, twin: str) -> dict[str, list[Any]]:
        """A twin's state for facts: a collection that it leaves out is empty."""
        return {**{name: [] for name in VIEWS.get(twin, ())}, **self.universe.view(twin)}

    async def abandon(self) -> None:
        """End whatever still runs, and clean up."""
        try:
            await self._courier.close()
        finally:
            try:
                if self.service is not None:
                    running, self.service = self.service, None
                    await running.stop()
            finally:
                self.clear()

    def clear(self) -> None:
        """Remove the scratch folder."""
        remove_tree(self.options.scratch)

    # -- pieces --------------------------------------------------------------------------

    def _box(self) -> Box:
        options = self.options
        mounts = (
            Mount(options.product, "/app"),
            Mount(options.scratch, "/work", writable=True),
        )
        return self.network.box(mounts, options.limits)

    async def _run(self, command: str, step: int) -> None:
        box = self._box()
        if self.service is not None:
            box = self._with_service(box)
        done = await self.sandbox.run(["/bin/sh", "-c", command], box, stop=self._over)
        self._note_exchanges(step)
        record = new_record(command, step)
        self.commands.append(record)
        self._told(record, done)
        self._note("run", "product", command, step, kept(record))

    # -- a service -----------------------------------------------------------------------

    async def _start(self, command: str, step: int) -> None:
        if self.service is not None:
            raise ValueError("one service at a time: `stop:` the one before")

        def make_box(port: int) -> Box:
            box = self._box()
            variables = service.environment(port)
            return replace(
                box,
                env=lambda ports: {**self.network.environment(ports), **variables},
                limits=replace(box.limits, wall_s=SERVICE_S),
            )

        argv = ["/bin/sh", "-c", f"exec {command}"]
        record = self._service_record = new_record(command, step)
        self.commands.append(record)
        self._started.clear()
        try:
            self.service = await Service.start(self.sandbox, argv, make_box, self._begins)
        finally:
            self._starting = None
            self._started.set()
        if self.service.ended is not None:
            await self._end_service(step)
        elif self.service.listens:
            self._note("start", "product", command, step, {"listens": True})
        else:
            self._note("start", "product", command, step, {"listens": False})

    def _begins(self, starting: Service) -> None:
        self._starting = starting

    async def _end_service(self, step: int) -> None:
        """Stop the service if it still runs, and note what it printed and how it ended."""
        assert self.service is not None
        running, self.service = self.service, None
        by_itself = running.ended is not None
        done = await running.stop()
        record = self._service_record
        self._told(record, done)
        if not by_itself and not self._guard.killed:
            record["killed"] = ""  # we did, and that says nothing of it
        data = {**kept(record), "by_itself": by_itself}
        self._note("stop", "product", record["command"], step, data)

    def _with_service(self, box: Box) -> Box:
        """The box with a way to the running service."""
        assert self.service is not None
        door = self.service.door()

        def environment(ports: Mapping[str, int]) -> dict[str, str]:
            return {**self.network.environment(ports), **service.environment(ports[door.name])}

        return replace(box, doors=(*box.doors, door), env=environment)

    async def _connect(
        self, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Where the twins' events go: to the service, and nowhere else."""
        told = self.service or self._starting
        if told is None:
            raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
        return await told.connect(host, port)

    def _cut_off(self) -> None:
        """The guard has had enough of the product."""
        self._over.set()
        self.network.cut()
        if self.service is not None:
            self.service.halt()

    @property
    def _patience(self) -> float:
        """Seconds in which a service must have taken what the twins tell it."""
        return max(SETTLE_S, self.options.limits.wall_s)

    async def _advance(self, seconds: float) -> None:
        """Let virtual time pass."""
        until = asyncio.get_running_loop().time() + self._patience
        await self._courier.advance(seconds, until)
        self._look_at_the_time(until)

    def _look_at_the_time(self, until: float) -> None:
        """Stop a service for which something has been due for too long."""
        due = self.universe.outbox.next_due()
        late = asyncio.get_running_loop().time() >= until
        if late and due is not None and due <= self.universe.clock.now():
            self._guard.cross(
                "wall",
                f"the service did not take what it was told of within {self._patience:g} s",
            )

    async def _settle(self, step: int) -> None:
        """Deliver what is due, and let the service do what it was told."""
        loop = asyncio.get_running_loop()
        until, end = loop.time() + self._patience, loop.time() + SETTLE_S
        with self._guard.settling():
            await self._courier.flush(until)
            seen = -1
            while (
                self.service is not None
                and not self._over.is_set()
                and seen != len(self.universe.tap)
                and loop.time() < end
            ):
                seen = len(self.universe.tap)
                await asyncio.sleep(QUIET_S)
                await self._courier.flush(until)
            self._look_at_the_time(until)
        self._note_exchanges(step)
        if self.service is not None and (self._over.is_set() or self.service.ended is not None):
            await self._end_service(step)

    # -- notes ---------------------------------------------------------------------------

    def _told(self, record: dict[str, Any], done: Completed) -> None:
        """Fill a command's record with what became of it."""
        killed = self._guard.killed or done.killed or ""
        record.update(
            exit=done.exit_code if not killed else None,
            killed=killed,
            stdout=done.stdout,
            stderr=done.stderr,
            output=done.stdout + ("\n" if done.stdout and done.stderr else "") + done.stderr,
            seconds=done.ms / 1000,
        )

    def _note_exchanges(self, step: int) -> None:
        """Put the traffic since the last time into the trajectory, and what was sought in vain."""
        tap = self.universe.tap
        self.trajectory += exchange_entries(tap[self._noted :], step)
        self._noted = len(tap)
        for name in self.network.unknown[self._sought :]:
            said = f"it looked for the host {clean(name, limit=300)}, which does not exist here"
            self._note("note", "product", said, step)
        self._sought = len(self.network.unknown)

    def _exchanges(self) -> list[dict[str, Any]]:
        fresh = list(self.universe.tap)[self._seen :]
        self._seen += len(fresh)
        return exchange_rows(fresh)

    def _note(
        self, kind: str, who: str, text: str, step: int, data: Mapping[str, Any] | None = None
    ) -> None:
        entry = {"kind": kind, "who": who, "step": step, "text": text, "data": dict(data or {})}
        self.trajectory.append(entry)

    @property
    def _sut(self) -> str:
        return "/app/" + self.options.command.removeprefix("./")

    def _user_writes(self, name: str, text: str, step: int) -> None:
        """A user puts a file there; a product that bars the way has failed its user.

        Otherwise it could make any trial void that it does not like.
        """
        said, data = f"wrote {name}", dict[str, str]()
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        try:
            self._write(name, text)
        except (OSError, ValueError) as error:
            if not inside or not self.commands:
                raise
            said = f"could not write {name}: {getattr(error, 'strerror', None) or error}"
            data = {"killed": "blocked"}
        self._note("write", "world", clean(said), step, data)

    def _write(self, name: str, text: str) -> None:
        # A service may be at work there.
        write_beneath(self.options.scratch, name, text.encode())

    def _files(self) -> dict[str, str]:
        """The scratch folder's regular files, small ones only; no link is ever followed."""
        found: dict[str, str] = {}
        size = 0
        for name in names_beneath(self.options.scratch):
            content = read_beneath(self.options.scratch, name, limit=FILE_KEPT)
            if content is not None:
                size += len(content)
                if len(found) >= FILES_KEPT or size > FILES_SIZE:
                    break
                found[clean(name)] = clean(content)
        return found
