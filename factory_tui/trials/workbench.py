"""The builder's box, inside a trial host: its workspace, and a universe to try the program in.

The same host program serves it, so the builder's commands run in the same kind of box as the
trials, away from the key, the store and the vault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory_tui.sandbox import Box, Completed, Limits, Mount, Sandbox, prepare_tree
from factory_tui.trials.acting import Acting
from factory_tui.trials.exchanges import exchange_rows
from factory_tui.trials.guard import Guard
from factory_tui.trials.network import Network
from factory_tui.universe import Pack, Universe

__all__ = ["Workbench", "development_universe"]


def development_universe(
    packs: Mapping[str, Pack], seeds: Mapping[str, str], seed: int
) -> Universe:
    """A universe for a builder: a twin without a data set is empty."""
    return Universe(
        packs,
        seeds={twin: seeds.get(twin, "empty") for twin in packs},
        seed=seed,
        clock="2026-01-05T09:00:00Z",
        vary=frozenset(),
    )


class Workbench:
    """A development universe and the workspace, for one iteration of the builder.

    Open it with :meth:`open`, and end it with :meth:`close`.
    """

    def __init__(
        self,
        workspace: Path,
        seeds: Mapping[str, str],
        seed: int,
        sandbox: Sandbox,
        packs: Mapping[str, Pack],
        outputs: Path | None = None,
    ) -> None:
        self.workspace = workspace
        self.outputs = outputs
        self.sandbox = sandbox
        self.universe = development_universe(packs, seeds, seed)
        self.network = Network(self.universe)
        self._acting: Acting | None = None
        prepare_tree(workspace)

    async def open(self, setup: Iterable[Sequence[Any]], tools: Path) -> None:
        """Set the universe up, and let the builder act in it from its boxes.

        Args:
            setup: (twin, operation, arguments) each.
            tools: A folder that boxes can read, for the builder's commands.

        Raises:
            HarnessFault: the set-up cannot be done.
        """
        self._acting = Acting(self.network, self.sandbox, tools)
        await self._acting.open(setup)

    async def close(self) -> None:
        """End what serves the builder's boxes."""
        if self._acting is not None:
            await self._acting.close()

    async def execute(self, argv: list[str], stdin: bytes, limits: Limits) -> dict[str, Any]:
        """Run one command of the builder with its workspace writable at ``/work``.

        Long outputs of earlier commands can be read at ``/tool-output``.
        """
        mounts: tuple[Mount, ...] = (Mount(self.workspace, "/work", writable=True),)
        if self.outputs is not None:
            mounts += (Mount(self.outputs, "/tool-output"),)
        over = asyncio.Event()

        def stop() -> None:
            over.set()
            self.network.cut()

        guard = Guard(self.universe, stop)
        done = await self._run(argv, self.network.box(mounts, limits), stdin, over)
        fresh = self.universe.tap[:]
        self.universe.tap.clear()
        return {
            "exit_code": done.exit_code,
            "killed": guard.killed or done.killed or "",
            "stdout": done.stdout,
            "stderr": done.stderr + (f"\n{guard.said}\n" if guard.said else ""),
            "truncated": done.truncated,
            "ms": done.ms,
            "exchanges": exchange_rows(fresh),
        }

    async def _run(self, argv: list[str], box: Box, stdin: bytes, over: asyncio.Event) -> Completed:
        if self._acting is None:
            return await self.sandbox.run(argv, box, stdin=stdin, stop=over)
        box, run = self._acting.enter(box)
        try:
            return await self.sandbox.run(argv, box, stdin=stdin, stop=over, started=run.begin)
        finally:
            self._acting.leave(run)
