"""Programs and doors that several test modules use; needs nothing but the package."""

import asyncio
import socket

from factory_tui.sandbox.model import Attach, Closable

ASK = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
    line.sendall(b"hello\\n")
    print(line.makefile().read())
"""

FORKS = """
import os, time
count = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(60); os._exit(0)
        count += 1
    except OSError:
        break
print(count, flush=True)
time.sleep(1)
"""

HOARD = """
import os, time
for _ in range(20):
    if os.fork() == 0:
        block = b"x" * (40 << 20); time.sleep(60); os._exit(0)
time.sleep(60)
"""

NOBODYS = """
import os
piece = b"x" * (1 << 20)
for _ in range(8):
    place = os.memfd_create("hoard")
    for _ in range(60):
        os.write(place, piece)
"""


def saying(text: str) -> Attach:
    """A door behind which a server answers every line with ``text``."""

    async def attach(listener: socket.socket) -> Closable:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(text.encode())
            await writer.drain()
            writer.close()

        return await asyncio.start_server(answer, sock=listener)

    return attach
