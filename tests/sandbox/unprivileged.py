"""A supervisor without rights: ``unprivileged.py GROUND`` prints as JSON what its boxes did."""

import asyncio
import dataclasses
import json
import sys
from pathlib import Path

from attacks import (  # type: ignore[import-not-found]  # run as a script
    ASK,
    FORKS,
    HOARD,
    NOBODYS,
    saying,
)

from factory_tui.sandbox import Box, Door, Limits, Mount, Sandbox, prepare_tree, probe


async def main(ground: Path) -> None:
    tier = await probe()
    found: dict[str, object] = {"tier": dataclasses.asdict(tier)}
    work = ground / "work"
    work.mkdir()
    prepare_tree(work)
    async with Sandbox(tier) as sandbox:

        async def python(code: str, *words: str, **limits: int) -> dict[str, object]:
            box = Box(
                mounts=(Mount(work, "/work", writable=True),),
                doors=(Door("twin", 7002, saying("twin")),),
                limits=Limits(wall_s=30, **limits),
            )
            done = await sandbox.run(["/usr/bin/python3", "-I", "-S", "-c", code, *words], box)
            return dataclasses.asdict(done)

        found["door"] = await python(ASK, "7002")
        found["write"] = await python("open('/work/note', 'w').write('kept')")
        found["rights"] = await python("print(open('/proc/self/status').read())")
        found["forks"] = await asyncio.gather(*(python(FORKS, pids=40) for _ in range(3)))
        found["hoard"] = await python(HOARD, memory_mb=128)
        found["one"] = await python("x = bytearray(1 << 30)", memory_mb=128)
        found["nobodys"] = await python(NOBODYS, memory_mb=128)
    print(json.dumps(found))


asyncio.run(main(Path(sys.argv[1])))
