"""Where the builder's tools run: a workbench in a host process of its own."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from factory_tui.agent import BoxEnvironment, ExecResult
from factory_tui.attractor import ToolResult
from factory_tui.engine.places import Place
from factory_tui.engine.runtime import Runtime
from factory_tui.text import clean
from factory_tui.trials import HarnessFault, Host

__all__ = ["BenchEnvironment"]

_OUTPUTS: Final = "/tool-output"
_TRIES: Final = 3
"""Boxes in a row that cannot be opened before the run is held."""


class BenchEnvironment(BoxEnvironment):
    """The agent's ``ExecutionEnvironment``: every tool call is one command in a fresh box.

    A host that dies (the builder's code talks to the twins in it) is started again, and the
    development universe starts over with it. A harness that stays broken holds the run until
    somebody has mended it; the agent never hears of it.
    """

    def __init__(self, runtime: Runtime, place: Place, seed: int) -> None:
        super().__init__(self)
        self.runtime = runtime
        self.place = place
        self.seed = seed
        self.host = Host(runtime.pool.options)

    async def start(self) -> None:
        """Start the host and lay out the workbench, however long that takes."""
        while True:
            try:
                return await self._start()
            except HarnessFault as fault:
                await self.host.stop()
                await self._hold(fault)

    async def _start(self) -> None:
        outputs = self.place.outputs
        outputs.mkdir(parents=True, exist_ok=True)
        outputs.chmod(0o755)
        settings = self.runtime.settings
        setup = settings.development_setup
        await self.host.start()
        await self.host.call(
            "bench",
            bench="builder",
            workspace=str(self.place.workspace.root),
            seeds=dict(settings.development),
            seed=self.seed,
            outputs=str(outputs),
            setup=None if setup is None else [[each.twin, each.op, each.args] for each in setup],
            tools=str(self.place.tools),
        )

    async def _hold(self, fault: HarnessFault) -> None:
        self.runtime.pause("harness", clean(str(fault), limit=500))
        await self.runtime.gate.wait()

    async def close(self) -> None:
        """End the host; whatever the builder left running dies with it."""
        await self.host.stop()

    async def cleanup(self) -> None:
        """Nothing: kept outputs stay readable for the next conversation."""

    async def save_output(self, name: str, text: str) -> str:
        """Keep a long output beside the workspace; returns its path in the box."""
        file = f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)[:80]}.txt"
        path = self.place.outputs / file
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        path.chmod(0o644)
        return f"{_OUTPUTS}/{file}"

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        """Run one command at ``/work`` with the development twins at hand."""
        limits = self.runtime.settings.sandbox
        request: dict[str, Any] = {
            "bench": "builder",
            "argv": list(argv),
            "stdin": base64.b64encode(stdin).decode(),
            "limits": {
                "wall_s": timeout_s,
                "memory_mb": limits.memory,
                "pids": limits.pids,
                "disk_mb": limits.disk,
                "output_bytes": limits.output << 20,
            },
        }
        failed = 0
        while True:
            try:
                if not self.host.alive:
                    await self.host.stop()
                    await self.start()
                done = await self.host.call("execute", **request)
                break
            except HarnessFault as fault:
                failed += 1
                detail = clean(str(fault), limit=500)
                self.runtime.emit("harness.fault", {"where": "workbench", "detail": detail})
                if failed >= _TRIES:
                    failed = 0
                    await self._hold(fault)
        self.runtime.note_traffic(done["exchanges"], trial="workbench")
        return ExecResult(
            exit_code=done["exit_code"],
            killed=done["killed"],
            stdout=done["stdout"],
            stderr=done["stderr"],
            truncated=done["truncated"],
            ms=done["ms"],
        )

    async def command(
        self,
        command: str,
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 0.0,
    ) -> ToolResult:
        """Run a command line of the pipeline's author in the box (the attractor's interface)."""
        names = {key: value for key, value in (env or {}).items() if key.isidentifier()}
        setup = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in names.items())
        limit = timeout_s or self.runtime.settings.sandbox.wall
        done = await self.exec(["/bin/sh", "-c", setup + command], stdin=stdin, timeout_s=limit)
        code = -1 if done.exit_code is None else done.exit_code
        if done.killed:
            code = code if code > 0 else 124
            return ToolResult(
                code, done.stdout, f"{done.stderr}\nstopped by the {done.killed} limit"
            )
        return ToolResult(code, done.stdout, done.stderr)
