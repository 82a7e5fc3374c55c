"""A trial host: ``python -m factory_tui.trials.host --twins DIR --packs a,b``.

Loads the twin packs once, keeps one sandbox, and serves stages and workbenches to the engine
over stdin and stdout (see :mod:`factory_tui.trials.wire`). It ends when its stdin does.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from factory_tui import scenarios
from factory_tui.sandbox import (
    Limits,
    Sandbox,
    SandboxFault,
    SandboxUnavailable,
    Tier,
    probe,
    unsandboxed,
)
from factory_tui.trials.stage import Stage, StageOptions
from factory_tui.trials.wire import LINE_LIMIT, HarnessFault, encode, read_message
from factory_tui.trials.workbench import Workbench
from factory_tui.universe import Pack, PackError, load_packs

__all__ = ["HostServer", "main"]


class HostServer:
    """Answers the engine's requests."""

    def __init__(self, sandbox: Sandbox, packs: Mapping[str, Pack], tier: Tier) -> None:
        self.sandbox = sandbox
        self.packs = packs
        self.tier = tier
        self.stages: dict[str, Stage] = {}
        self.benches: dict[str, Workbench] = {}

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; see the ``do_`` methods for what each takes."""
        method = getattr(self, f"do_{request['op']}", None)
        if method is None:
            raise ValueError(f"unknown operation {request['op']!r}")
        arguments = {k: v for k, v in request.items() if k not in ("id", "op")}
        result: dict[str, Any] = await method(**arguments)
        return result

    async def do_open(
        self,
        trial: str,
        path: str,
        text: str,
        product: str,
        command: str,
        scratch: str,
        seed: int,
        limits: dict[str, Any],
    ) -> dict[str, Any]:
        """Open a stage for the scenario of the file at ``path``, as ``text`` has it.

        The file may have been edited since the engine read it, and facts and judge must be about
        the same scenario.
        """
        scenario, problems = scenarios.parse(text, Path(path))
        if scenario is None:
            raise HarnessFault(f"{path}: {problems[0] if problems else 'cannot be read'}")
        options = StageOptions(Path(product), command, Path(scratch), seed, Limits(**limits))
        stage = Stage(scenario, options, self.sandbox, self.packs)
        try:
            opened = await stage.open()
        except BaseException:
            await stage.abandon()
            raise
        self.stages[trial] = stage
        return opened

    async def do_act(self, trial: str, verb: str, text: str, step: int) -> dict[str, Any]:
        """One action on an open stage."""
        return await self.stages[trial].act(verb, text, step)

    async def do_say(self, trial: str, who: str, text: str, step: int) -> dict[str, Any]:
        """Note what a simulated user said."""
        return {"entries": self.stages[trial].say(who, text, step)}

    async def do_close(self, trial: str) -> dict[str, Any]:
        """Check the facts and forget the stage."""
        return await self.stages.pop(trial).close()

    async def do_abandon(self, trial: str) -> dict[str, Any]:
        """Forget a stage that will not be played to its end."""
        stage = self.stages.pop(trial, None)
        if stage is not None:
            await stage.abandon()
        return {}

    async def do_bench(
        self,
        bench: str,
        workspace: str,
        seeds: dict[str, str],
        seed: int,
        outputs: str = "",
        setup: list[list[Any]] | None = None,
        tools: str = "",
    ) -> dict[str, Any]:
        """Open (or replace) a workbench.

        With ``setup``, (twin, operation, arguments) each, the builder can act in its twins.
        """
        made = Workbench(
            *(Path(workspace), seeds, seed, self.sandbox, self.packs),
            Path(outputs) if outputs else None,
        )
        if setup is not None:
            await made.open(setup, Path(tools))
        if (old := self.benches.get(bench)) is not None:
            await old.close()
        self.benches[bench] = made
        return {}

    async def do_execute(
        self, bench: str, argv: list[str], stdin: str, limits: dict[str, Any]
    ) -> dict[str, Any]:
        """Run a command of the builder; ``stdin`` is base64."""
        return await self.benches[bench].execute(argv, base64.b64decode(stdin), Limits(**limits))


async def serve(options: argparse.Namespace) -> int:
    """Serve requests until stdin ends."""
    loop = asyncio.get_running_loop()
    # The protocol owns the real stdout; whatever else prints goes to stderr.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def reply(message: dict[str, Any]) -> None:
        data = memoryview(encode(message))
        while data:
            data = data[out.write(data) or 0 :]

    try:
        packs = load_packs(Path(options.twins), options.packs.split(","))
    except PackError as error:
        reply({"id": 0, "error": str(error), "fault": True})
        return 1
    tier = await probe()
    if options.unsandboxed or (options.may_fall_back and not tier.ok):
        tier = unsandboxed(tier.detail if options.may_fall_back else "Chosen with --unsandboxed.")
    elif not tier.ok:
        reply({"id": 0, "error": tier.detail, "fault": True})
        return 1
    tasks: dict[int, asyncio.Task[None]] = {}
    async with Sandbox(tier, unsandboxed=not tier.ok) as sandbox:
        server = HostServer(sandbox, packs, tier)
        described = {k: v for k, v in asdict(tier).items() if isinstance(v, str | bool)}
        reply({"id": 0, "ok": {"tier": described}})

        async def handle(request: dict[str, Any]) -> None:
            ident = request["id"]
            try:
                reply({"id": ident, "ok": await server.answer(request)})
            except asyncio.CancelledError:
                raise
            except (HarnessFault, SandboxFault, SandboxUnavailable, OSError) as error:
                reply({"id": ident, "error": str(error), "fault": True})
            except ValueError as error:
                reply({"id": ident, "error": str(error), "fault": False})
            except Exception as error:
                # A twin or a fact that raises must void one trial, never end the host.
                reply({"id": ident, "error": f"{type(error).__name__}: {error}", "fault": True})
            finally:
                tasks.pop(ident, None)

        while (request := await read_message(reader)) is not None:
            if request["op"] == "cancel":
                if running := tasks.get(request["call"]):
                    running.cancel()
                continue
            tasks[request["id"]] = asyncio.create_task(handle(request))
        for task in list(tasks.values()):
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return 0


def main() -> None:
    """Entry of the process."""
    parser = argparse.ArgumentParser(prog="factory-tui trial host")
    parser.add_argument("--twins", required=True)
    parser.add_argument("--packs", required=True)
    parser.add_argument("--unsandboxed", action="store_true")
    parser.add_argument("--may-fall-back", action="store_true")
    options = parser.parse_args()
    try:
        sys.exit(asyncio.run(serve(options)))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
