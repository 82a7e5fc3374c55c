"""A scripted model and an environment that is a plain directory."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from factory_tui.agent import ExecResult
from factory_tui.llm import Request, Response, Usage

Step = Response | Exception | Callable[[Request], Response]


def reply(*blocks: Any, stop: str = "") -> Response:
    """An answer made of texts and tool calls ``(id, name, input)``."""
    content = [
        {"type": "text", "text": block}
        if isinstance(block, str)
        else block
        if isinstance(block, dict)
        else {"type": "tool_use", "id": block[0], "name": block[1], "input": block[2]}
        for block in blocks
    ]
    called = any(block["type"] == "tool_use" for block in content)
    return Response(
        "msg_1",
        "fake",
        content,
        stop or ("tool_use" if called else "end_turn"),
        Usage(100, 10),
        None,
        110,
    )


class FakeModel:
    """Answers from a script and keeps every request, as the bytes it would have been."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.sent: list[list[str]] = []

    async def complete(
        self, request: Request, on_delta: Callable[[str, str], None] | None = None
    ) -> Response:
        self.requests.append(request)
        self.sent.append([json.dumps(message) for message in request.messages])
        await asyncio.sleep(0)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        response = step(request) if callable(step) else step
        if on_delta is not None and response.text:
            on_delta("text", response.text)
        return response

    def last_message(self, request: int = -1) -> Any:
        return self.requests[request].messages[-1]


class LocalEnvironment:
    """Commands in a directory of this machine, for tests only."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.running: set[int] = set()
        self.commands: list[list[str]] = []

    async def exec(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout_s: float = 120.0
    ) -> ExecResult:
        self.commands.append(list(argv))
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=self.root,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self.running.add(process.pid)
        killed = ""
        pending = asyncio.ensure_future(process.communicate(stdin))
        try:
            done, _ = await asyncio.wait({pending}, timeout=timeout_s)
            if not done:
                killed = "wall"
                os.killpg(process.pid, signal.SIGKILL)
            out, err = await pending
        except asyncio.CancelledError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        finally:
            self.running.discard(process.pid)
        return ExecResult(
            process.returncode, killed, out.decode("utf-8", "replace"), err.decode(), False, 1
        )
