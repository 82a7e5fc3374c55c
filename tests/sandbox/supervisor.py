"""A supervisor to be killed: ``supervisor.py MODE WORK`` runs one box and never ends by itself.

"setup" holds the box before its command may start; "running" lets it run.
"""

import asyncio
import socket
import sys
from pathlib import Path

from factory_tui.sandbox import Box, Closable, Door, Limits, Mount, Sandbox, probe

BEAT = """
import time
while True:
    with open("/work/beat", "a") as file:
        file.write(".")
    time.sleep(0.02)
"""


async def main(mode: str, work: Path) -> None:
    async def attach(listener: socket.socket) -> Closable:
        (work / "door").touch()
        if mode == "setup":
            await asyncio.Event().wait()
        return listener

    async with Sandbox(await probe()) as sandbox:
        (work / "broker").write_text(str(sandbox.broker_pid))
        box = Box(
            mounts=(Mount(work, "/work", writable=True),),
            doors=(Door("twin", 7001, attach),),
            limits=Limits(wall_s=300),
        )
        (work / "begin").touch()
        await sandbox.run(["/usr/bin/python3", "-c", BEAT, f"mark-{work.parent.name}"], box)


asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
