"""Commands run around each tool call of a model. Section 9.7 of the Attractor specification.

The engine makes no tool calls itself; a backend that does asks `ToolHooks` before and after each.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from factory_tui.attractor.context import Context
from factory_tui.attractor.files import encode
from factory_tui.attractor.handlers.tool import ToolResult, run_shell_command
from factory_tui.attractor.model import Node, text_of

__all__ = ["ToolCallSkipped", "ToolHooks"]

LOG: Final = "tool_hooks.jsonl"
_LIMIT_S: Final = 60.0
_SHOWN: Final = 2_000

T = TypeVar("T")


class ToolCallSkipped(Exception):
    """A pre-hook refused a tool call; the message says why, for the model to read."""


@dataclass(frozen=True, slots=True)
class ToolHooks:
    """The hooks of one stage.

    A hook gets ``ATTRACTOR_HOOK`` (pre or post), ``ATTRACTOR_NODE``, ``ATTRACTOR_RUN``,
    ``ATTRACTOR_TOOL`` and ``ATTRACTOR_CALL`` in its environment and a JSON object on stdin: hook,
    node, run, tool, call, arguments, and for a post-hook result and is_error. It has a minute.
    What came of it is a line in ``tool_hooks.jsonl`` of the stage's directory.

    Attributes:
        pre: Command before each call; a non-zero exit, or none in time, skips the call.
        post: Command after each call; how it ends changes nothing.
        node_id: The stage.
        run_id: The run.
        stage_dir: Where the log goes; None for no log.
        run: How commands are run; a factory hands in one that uses its sandbox.
    """

    pre: str = ""
    post: str = ""
    node_id: str = ""
    run_id: str = ""
    stage_dir: Path | None = None
    run: Callable[..., Awaitable[ToolResult]] = run_shell_command

    @classmethod
    def of(
        cls,
        node: Node,
        context: Context,
        run: Callable[..., Awaitable[ToolResult]] = run_shell_command,
    ) -> "ToolHooks":
        """The hooks in force for a stage that is being run: the node's, else the graph's."""

        def command(key: str) -> str:
            own = node.attrs.get(key)
            return text_of(own) if own is not None else context.get_string(f"graph.{key}")

        place = context.get_string("internal.stage_dir")
        return cls(
            command("tool_hooks.pre"),
            command("tool_hooks.post"),
            node.id,
            context.get_string("internal.run_id"),
            Path(place) if place else None,
            run,
        )

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        execute: Callable[[], Awaitable[T]],
        *,
        call_id: str = "",
    ) -> T:
        """Make a tool call with the hooks around it.

        Raises:
            ToolCallSkipped: The pre-hook refused it; ``execute`` was not called.
            Exception: Whatever ``execute`` raised; the post-hook has seen it.
        """
        await self.before(tool, arguments, call_id=call_id)
        try:
            result = await execute()
        except Exception as error:
            await self.after(tool, arguments, str(error), is_error=True, call_id=call_id)
            raise
        await self.after(tool, arguments, result, is_error=False, call_id=call_id)
        return result

    async def before(self, tool: str, arguments: Mapping[str, Any], *, call_id: str = "") -> None:
        """Run the pre-hook.

        Raises:
            ToolCallSkipped: It says that the call must not be made.
        """
        if not self.pre:
            return
        said = {"tool": tool, "call": call_id, "arguments": arguments}
        result = await self._run("pre", self.pre, said)
        if result.exit_code != 0:
            reason = (result.stderr.strip() or result.stdout.strip())[:_SHOWN]
            raise ToolCallSkipped(
                f"the call of {tool} was refused by a hook (exit code {result.exit_code})"
                + (f": {reason}" if reason else "")
            )

    async def after(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        result: Any,
        *,
        is_error: bool = False,
        call_id: str = "",
    ) -> None:
        """Run the post-hook; its failure is logged and goes no further."""
        if self.post:
            said = {"tool": tool, "call": call_id, "arguments": arguments}
            await self._run("post", self.post, {**said, "result": result, "is_error": is_error})

    async def _run(self, hook: str, command: str, said: Mapping[str, Any]) -> ToolResult:
        about = {"hook": hook, "node": self.node_id, "run": self.run_id, **said}
        env = {
            f"ATTRACTOR_{key.upper()}": str(about[key])
            for key in ("hook", "node", "run", "tool", "call")
        }
        try:
            async with asyncio.timeout(_LIMIT_S):
                result = await self.run(command, stdin=encode(about), env=env)
        except TimeoutError:
            result = ToolResult(-1, "", f"the hook took longer than {_LIMIT_S:g} s")
        except OSError as error:
            result = ToolResult(-1, "", str(error))
        self._log(hook, said, result)
        return result

    def _log(self, hook: str, said: Mapping[str, Any], result: ToolResult) -> None:
        if self.stage_dir is None:
            return
        line = {
            "at": time.time(),
            "hook": hook,
            "tool": said["tool"],
            "call": said["call"],
            "exit_code": result.exit_code,
            "skipped": hook == "pre" and result.exit_code != 0,
            "stderr": result.stderr[:_SHOWN],
        }
        self.stage_dir.mkdir(parents=True, exist_ok=True)
        with (self.stage_dir / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
