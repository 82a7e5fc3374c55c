"""The tools of the provider profiles, on top of any `ExecutionEnvironment`. Section 3."""

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from factory_tui.agent.config import SessionConfig
from factory_tui.agent.environment import ExecResult, GrepOptions, resolved
from factory_tui.agent.patch import PatchError, apply_patch
from factory_tui.agent.tools import RegisteredTool, ToolError, coding_tools, command_answer
from factory_tui.llm import ToolDefinition

__all__ = ["ON_OUTPUT", "core_tools", "gemini_tools", "patch_tool"]

ON_OUTPUT: ContextVar[Callable[[str], None] | None] = ContextVar("on_output", default=None)
"""Called with pieces of the running command's output."""

_LINES: Final = 2000


async def _attempt(work: Any) -> Any:
    """What an environment returns; what it raises becomes something to tell the model."""
    try:
        return await resolved(work)
    except OSError as error:
        named = f": {error.filename}" if error.filename else ""
        raise ToolError(f"{error.strerror or error}{named}") from error
    except ValueError as error:
        raise ToolError(str(error)) from error


async def _read_numbered(env: Any, path: str, offset: int = 1, limit: int = _LINES) -> str:
    # One line more than wanted tells whether there are more.
    text: str = await _attempt(env.read_file(path, offset, limit + 1))
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return "(the file is empty)" if offset == 1 else f"({path} has fewer lines)"
    shown = lines[:limit]
    width = max(3, len(str(offset + len(shown) - 1)))
    numbered = [f"{n:{width}} | {line.rstrip(chr(13))}" for n, line in enumerate(shown, offset)]
    if len(lines) > limit:
        numbered.append(f"[lines {offset}-{offset + limit - 1}; there are more]")
    return "\n".join(numbered)


async def _read(arguments: Mapping[str, Any], env: Any) -> str:
    return await _read_numbered(
        env, arguments["file_path"], arguments.get("offset", 1), arguments.get("limit", _LINES)
    )


async def _read_many(arguments: Mapping[str, Any], env: Any) -> str:
    parts = []
    for path in arguments["paths"]:
        try:
            text = await _read_numbered(env, path)
        except ToolError as error:
            text = f"[{error}]"
        parts.append(f"--- {path} ---\n{text}")
    return "\n\n".join(parts)


async def _write(arguments: Mapping[str, Any], env: Any) -> str:
    path, content = arguments["file_path"], arguments["content"]
    was_there = await _attempt(env.file_exists(path))
    await _attempt(env.write_file(path, content))
    size = len(content.encode("utf-8", "surrogateescape"))
    return f"{'Replaced' if was_there else 'Created'} {path} ({size} bytes)"


async def _edit(arguments: Mapping[str, Any], env: Any) -> str:
    path, old, new = arguments["file_path"], arguments["old_string"], arguments["new_string"]
    if not old:
        raise ToolError("old_string is empty; use write_file to create a file")
    if old == new:
        raise ToolError("old_string and new_string are the same")
    text: str = await _attempt(env.read_file(path))
    count = text.count(old)
    if count == 0 and "\r\n" in text and "\r\n" not in old:
        # The model sees lines without their carriage returns, so it cannot quote them.
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
        count = text.count(old)
    if count == 0:
        raise ToolError(
            f"old_string was not found in {path}; it must match exactly, indentation included. "
            "Read the file again."
        )
    if count > 1 and not arguments.get("replace_all"):
        raise ToolError(
            f"old_string occurs {count} times in {path}; add context to make it unique, or set "
            "replace_all"
        )
    await _attempt(env.write_file(path, text.replace(old, new)))
    return f"Replaced {count} occurrence{'' if count == 1 else 's'} in {path}"


def _shell(default_ms: int | None) -> Callable[..., Any]:
    async def run(arguments: Mapping[str, Any], env: Any, config: SessionConfig) -> str:
        wanted = arguments.get("timeout_ms") or default_ms or config.default_command_timeout_ms
        limit = max(1, min(int(wanted), config.max_command_timeout_ms))
        more: dict[str, Any] = {}
        told = ON_OUTPUT.get()
        if told is not None and "on_output" in inspect.signature(env.exec_command).parameters:
            more["on_output"] = told
        done: ExecResult = await _attempt(
            env.exec_command(arguments["command"], timeout_ms=limit, **more)
        )
        return command_answer(done, limit)

    return run


async def _grep(arguments: Mapping[str, Any], env: Any) -> str:
    options = GrepOptions(
        arguments.get("glob_filter", ""),
        arguments.get("case_insensitive", False),
        arguments.get("max_results", 100),
        arguments.get("output_mode", "content"),
    )
    found: str = await _attempt(env.grep(arguments["pattern"], arguments.get("path", "."), options))
    return found


async def _glob(arguments: Mapping[str, Any], env: Any) -> str:
    found = await _attempt(env.glob(arguments["pattern"], arguments.get("path", ".")))
    return "\n".join(found) or "No files found"


async def _list(arguments: Mapping[str, Any], env: Any) -> str:
    depth = arguments.get("depth", 1)
    entries = await _attempt(env.list_directory(arguments.get("path", "."), depth))
    lines = [
        f"{entry.name}/" if entry.is_dir else f"{entry.name} ({entry.size} bytes)"
        for entry in entries
    ]
    return "\n".join(lines) or "(the directory is empty)"


async def _patch(arguments: Mapping[str, Any], env: Any) -> str:
    async def read(path: str) -> str:
        text: str = await _attempt(env.read_file(path))
        return text

    async def write(path: str, content: str) -> None:
        await _attempt(env.write_file(path, content))

    async def exists(path: str) -> bool:
        return bool(await _attempt(env.file_exists(path)))

    async def delete(path: str) -> None:
        remove = getattr(env, "delete_file", None)
        if remove is not None:
            await _attempt(remove(path))
            return
        import shlex

        done = await _attempt(env.exec_command(f"rm -- {shlex.quote(path)}", timeout_ms=10_000))
        command_answer(done, 10_000)  # refuses what failed

    try:
        done = await apply_patch(
            arguments["patch"], read=read, write=write, delete=delete, exists=exists
        )
    except PatchError as error:
        raise ToolError(f"The patch was not applied: {error}") from error
    return "\n".join(["Done:", *done])


def core_tools(shell_timeout_ms: int | None = None) -> dict[str, RegisteredTool]:
    """read_file, write_file, edit_file, shell, grep and glob, by name.

    ``shell_timeout_ms``: the shell's own default, over that of the session's configuration.
    """
    executors: dict[str, Callable[..., Any]] = {
        "read_file": _read,
        "write_file": _write,
        "edit_file": _edit,
        "shell": _shell(shell_timeout_ms),
        "grep": _grep,
        "glob": _glob,
    }
    tools = {}
    for tool in coding_tools():
        given = tool.definition
        described, parameters = given.description, dict(given.parameters)
        if given.name == "shell":
            default = shell_timeout_ms or 10_000
            properties = dict(parameters["properties"])
            properties["timeout_ms"] = {
                **properties["timeout_ms"],
                "description": f"Time limit in milliseconds (default {default}).",
            }
            parameters["properties"] = properties
        definition = ToolDefinition(given.name, described, parameters)
        tools[given.name] = RegisteredTool(definition, executors[given.name])
    return tools


def patch_tool() -> RegisteredTool:
    """apply_patch, for models that edit in the v4a format."""
    description = (
        "Change files with one patch: '*** Begin Patch', then '*** Add File: PATH' with '+' lines, "
        "'*** Delete File: PATH', or '*** Update File: PATH' (perhaps '*** Move to: PATH') with "
        "changes that start with '@@ nearby line' and consist of lines marked ' ', '-' or '+', "
        "then '*** End Patch'. All of it is applied, or nothing."
    )
    patch = {"type": "string", "description": "The whole patch."}
    schema = {"type": "object", "properties": {"patch": patch}, "required": ["patch"]}
    return RegisteredTool(
        ToolDefinition("apply_patch", description, {**schema, "additionalProperties": False}),
        _patch,
    )


def gemini_tools() -> list[RegisteredTool]:
    """read_many_files and list_dir."""
    paths = {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "maxItems": 50,
        "description": "The files' paths.",
    }
    depth = {"type": "integer", "minimum": 1, "maximum": 10, "description": "Levels (default 1)."}
    path = {"type": "string", "description": "The directory (default: the working directory)."}
    many = {"type": "object", "properties": {"paths": paths}, "required": ["paths"]}
    listing = {"type": "object", "properties": {"path": path, "depth": depth}}
    return [
        RegisteredTool(
            ToolDefinition("read_many_files", "Read several text files at once.", many), _read_many
        ),
        RegisteredTool(
            ToolDefinition("list_dir", "List what is in a directory, with sizes.", listing), _list
        ),
    ]
