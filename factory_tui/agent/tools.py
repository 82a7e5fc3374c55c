"""The tools a coding agent has, and the registry that finds, checks and runs them.

Section 3 of the coding agent loop specification. The file tools run as a small script in the
environment's own Python (`factory_tui.agent.box`), the shell tool as a command; nothing here
opens a file.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft202012Validator

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.environment import CommandRunner, ExecResult
from factory_tui.llm import Tool, ToolDefinition

__all__ = [
    "RegisteredTool",
    "ToolError",
    "ToolRegistry",
    "coding_tools",
    "command_answer",
    "summarize_call",
]

FILE_TOOL_TIMEOUT_S: Final = 60.0
"""Long enough for any search of a workspace within its limits, short enough for a bad regex."""

PYTHON: Final = ("/usr/bin/python3", "-I", "-S", "-c")
SHELL: Final = ("/bin/bash", "-c")


class ToolError(Exception):
    """A tool could not do what was asked; the message goes to the model."""


Executor = Callable[..., Any]
"""``executor(arguments, environment)`` or ``executor(arguments, environment, config)``, sync or
async: runs a tool on checked arguments; raises `ToolError` for what the model should know."""


@dataclass(frozen=True, slots=True)
class RegisteredTool:
    """A tool's description for the model, and what runs it."""

    definition: ToolDefinition
    executor: Executor


class ToolRegistry:
    """Tools by name; registering a name again replaces its tool."""

    def __init__(self, tools: Iterable[RegisteredTool] = ()) -> None:
        self._tools: dict[str, RegisteredTool] = {}
        for tool in tools:
            self.register(tool)

    def register(self, tool: RegisteredTool) -> None:
        """Add a tool.

        Raises:
            jsonschema.SchemaError: Its input schema is not a schema.
        """
        Draft202012Validator.check_schema(dict(tool.definition.input_schema))
        self._tools[tool.definition.name] = tool

    def unregister(self, name: str) -> None:
        """Remove a tool; nothing happens where there is none."""
        self._tools.pop(name, None)

    def get(self, name: str) -> RegisteredTool | None:
        """The tool of a name."""
        return self._tools.get(name)

    def definitions(self) -> list[ToolDefinition]:
        """What the model is told, in the order of registration."""
        return [tool.definition for tool in self._tools.values()]

    def names(self) -> list[str]:
        """The names, in the order of registration."""
        return list(self._tools)

    async def execute(
        self,
        name: str,
        arguments: Any,
        environment: Any,
        config: SessionConfig,
    ) -> str:
        """Find a tool, check its arguments and run it.

        Raises:
            ToolError: There is no such tool, the arguments do not fit, or it failed.
        """
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"Unknown tool: {name}. Available: {', '.join(self._tools)}")
        problems = list(
            Draft202012Validator(dict(tool.definition.input_schema)).iter_errors(arguments)
        )
        if problems:
            listed = "; ".join(
                f"{'.'.join(map(str, problem.absolute_path)) or 'arguments'}: {problem.message}"
                for problem in problems[:5]
            )
            raise ToolError(f"Invalid arguments for tool {name}: {listed[:2000]}")
        found = tool.executor(*[arguments, environment, config][: _arity(tool.executor)])
        if inspect.isawaitable(found):
            found = await found
        return found if isinstance(found, str) else json.dumps(found, default=str)


def _arity(executor: Executor) -> int:
    """How many of (arguments, environment, config) an executor takes."""
    try:
        parameters = inspect.signature(executor).parameters.values()
    except (TypeError, ValueError):
        return 3
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return 3
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return min(3, sum(p.kind in positional for p in parameters))


@cache
def _script() -> str:
    return (files("factory_tui.agent.box") / "files.py").read_text(encoding="utf-8")


async def _file_tool(name: str, arguments: dict[str, Any], environment: CommandRunner) -> str:
    """Run one of the script's tools in the environment."""
    request = json.dumps({"tool": name, "arguments": arguments})
    done = await environment.exec(
        [*PYTHON, _script()],
        stdin=request.encode("ascii"),
        timeout_s=FILE_TOOL_TIMEOUT_S,
    )
    try:
        if not done.ok:
            raise ValueError
        reply = json.loads(done.stdout)
        if not reply["ok"]:
            raise ToolError(str(reply["error"]))
        text = str(reply["text"])
    except (ValueError, KeyError, TypeError):
        raise ToolError(f"{name} did not finish: {_how_it_ended(done)}") from None
    if reply.get("cut"):
        text += f"\n[{reply['cut']} more characters]"
    return text


def _how_it_ended(done: ExecResult) -> str:
    if done.killed:
        return f"stopped by the {done.killed} limit"
    last = done.stderr.strip().splitlines()[-1:]
    return f"exit code {done.exit_code}" + (f" ({last[0][:300]})" if last else "")


def _on_files(name: str) -> Executor:
    async def run(
        arguments: dict[str, Any], environment: CommandRunner, config: SessionConfig
    ) -> str:
        return await _file_tool(name, arguments, environment)

    return run


async def _shell(
    arguments: dict[str, Any], environment: CommandRunner, config: SessionConfig
) -> str:
    wanted = int(arguments.get("timeout_ms") or config.default_command_timeout_ms)
    limit_ms = max(1, min(wanted, config.max_command_timeout_ms))
    done = await environment.exec([*SHELL, arguments["command"]], timeout_s=limit_ms / 1000)
    return command_answer(done, limit_ms)


def command_answer(done: ExecResult, limit_ms: int) -> str:
    """What a command printed and how it ended, for the model.

    Raises:
        ToolError: The same, of a command that failed.
    """
    parts = [done.stdout.rstrip("\n")] if done.stdout.strip() else []
    if done.stderr.strip():
        parts.append(f"[stderr]\n{done.stderr.rstrip()}" if parts else done.stderr.rstrip())
    if done.truncated:
        parts.append("[output beyond the limit was dropped]")
    if done.timed_out:
        parts.append(
            f"[ERROR: Command timed out after {limit_ms}ms. Partial output is shown above.\n"
            "You can retry with a longer timeout by setting the timeout_ms parameter.]"
        )
    elif done.killed:
        parts.append(f"[ERROR: Command was stopped by the {done.killed} limit.]")
    else:
        parts.append(f"[exit code {done.exit_code}, {done.ms / 1000:.1f} s]")
    text = "\n".join(parts)
    if not done.ok:
        raise ToolError(text)
    return text


def _schema(required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _string(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _integer(description: str, maximum: int = 10_000_000) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": maximum, "description": description}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "description": description}


_PATH: Final = "Path in the workspace, relative to its root or absolute."


def coding_tools() -> list[RegisteredTool]:
    """read_file, write_file, edit_file, shell, grep and glob."""
    described = {
        "read_file": (
            "Read a text file. Returns its lines as 'NNN | text'.",
            _schema(
                ["file_path"],
                file_path=_string(_PATH),
                offset=_integer("Line to start at, from 1."),
                limit=_integer("How many lines at most (default 2000)."),
            ),
        ),
        "write_file": (
            "Create a file or replace all of it. Parent directories are created. An existing "
            "file keeps its mode; make a new program executable with shell.",
            _schema(
                ["file_path", "content"],
                file_path=_string(_PATH),
                content=_string("The whole content."),
            ),
        ),
        "edit_file": (
            "Replace an exact piece of text in a file. old_string must occur exactly once, "
            "indentation included and without line numbers, unless replace_all is set.",
            _schema(
                ["file_path", "old_string", "new_string"],
                file_path=_string(_PATH),
                old_string=_string("The exact text to replace."),
                new_string=_string("What to put in its place."),
                replace_all=_flag("Replace every occurrence (default false)."),
            ),
        ),
        "shell": (
            "Run a command with bash in the workspace's root. Each call is a new shell; nothing "
            "it leaves running survives. Returns stdout, stderr and the exit code.",
            _schema(
                ["command"],
                command=_string("The command line."),
                timeout_ms=_integer("Time limit in milliseconds (default 120000)."),
                description=_string("What it does, in a few words."),
            ),
        ),
        "grep": (
            "Search file contents with a regular expression (Python syntax). Returns "
            "'path:line:text', or only paths or counts.",
            _schema(
                ["pattern"],
                pattern=_string("The regular expression."),
                path=_string("File or directory to search (default: the whole workspace)."),
                glob_filter=_string("Only files whose name matches, such as '*.py'."),
                case_insensitive=_flag("Ignore case (default false)."),
                max_results=_integer("How many results at most (default 100).", 10_000),
                output_mode={
                    "type": "string",
                    "enum": ["content", "files_with_matches", "count"],
                    "description": "Default: content.",
                },
            ),
        ),
        "glob": (
            "Find files by name, newest first; '**' crosses directories.",
            _schema(
                ["pattern"],
                pattern=_string("The pattern, such as '**/*.py'."),
                path=_string("Directory to search (default: the whole workspace)."),
            ),
        ),
    }
    return [
        RegisteredTool(
            Tool(name, description, schema), _shell if name == "shell" else _on_files(name)
        )
        for name, (description, schema) in described.items()
    ]


def summarize_call(name: str, arguments: Mapping[str, Any]) -> str:
    """A tool call as one line, for people."""
    for key in ("file_path", "command", "pattern"):
        if isinstance(value := arguments.get(key), str):
            line = " ".join(value.split())
            return line if len(line) <= 160 else line[:159] + "…"
    return ""
