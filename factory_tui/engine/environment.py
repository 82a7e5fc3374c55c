"""Where the builder's tools run: a workbench in a host process of its own."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory_tui.agent import ExecResult
from factory_tui.engine.runtime import Runtime
from factory_tui.trials import HarnessFault, Host

__all__ = ["BenchEnvironment"]


class BenchEnvironment:
    """The agent's ``ExecutionEnvironment``: every tool call is one command in a fresh box.

    A host that dies (the builder's code talks to the twins in it) is started again, once per
    command; the development universe starts over with it.
    """

    def __init__(self, runtime: Runtime, workspace: Path, seed: int) -> None:
        self.runtime = runtime
        self.workspace = workspace
        self.seed = seed
        self.host = Host(runtime.pool.options)

    async def start(self) -> None:
        """Start the host and lay out the workbench."""
        await self.host.start()
        await self.host.call(
            "bench",
            bench="builder",
            workspace=str(self.workspace),
            seeds=dict(self.runtime.settings.development),
            seed=self.seed,
        )

    async def close(self) -> None:
        """End the host; whatever the builder left running dies with it."""
        await self.host.stop()

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
        try:
            done = await self.host.call("execute", **request)
        except HarnessFault as fault:
            self.runtime.emit("harness.fault", {"where": "workbench", "detail": str(fault)})
            if self.host.alive:
                return ExecResult(126, "", "", f"the box could not be opened: {fault}", False, 0)
            await self.host.stop()
            await self.start()
            done = await self.host.call("execute", **request)
        self.runtime.note_traffic(done["exchanges"], trial="workbench")
        return ExecResult(
            exit_code=done["exit_code"],
            killed=done["killed"],
            stdout=done["stdout"],
            stderr=done["stderr"],
            truncated=done["truncated"],
            ms=done["ms"],
        )
