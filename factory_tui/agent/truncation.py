"""Cutting tool output to what a model should see. Section 5 of the specification."""

from collections.abc import Mapping
from typing import Final

__all__ = ["truncate_lines", "truncate_output", "truncate_tool_output"]

DEFAULT_TOOL_LIMITS: Final[Mapping[str, int]] = {
    "read_file": 50_000,
    "shell": 30_000,
    "grep": 20_000,
    "glob": 20_000,
    "edit_file": 10_000,
    "apply_patch": 10_000,
    "spawn_agent": 20_000,
    "wait": 20_000,
    "write_file": 1_000,
}
"""Characters of output a model sees, by tool."""

DEFAULT_LINE_LIMITS: Final[Mapping[str, int]] = {"shell": 256, "grep": 200, "glob": 500}
"""Lines of output a model sees, by tool."""

_MODES: Final[Mapping[str, str]] = {
    "read_file": "head_tail",
    "shell": "head_tail",
    "spawn_agent": "head_tail",
    "wait": "head_tail",
    # Newest files come first, so here the head is what matters.
    "glob": "head",
}
_OTHER_LIMIT: Final = 20_000
_AGAIN: Final = (
    "The full output is available in the event stream. "
    "If you need to see specific parts, re-run the tool with more targeted parameters.]"
)


def truncate_output(output: str, max_chars: int, mode: str) -> str:
    """Cut to ``max_chars`` characters: ``head_tail`` drops the middle, ``tail`` the start, ``head``
    the end; a marker says how much is gone.
    """
    removed = len(output) - max_chars
    if removed <= 0:
        return output
    marker = f"[WARNING: Tool output was truncated. {removed} characters were removed from the"
    if mode == "head_tail":
        half = max_chars // 2
        tail = output[len(output) - (max_chars - half) :]
        return f"{output[:half]}\n\n{marker} middle. {_AGAIN}\n\n{tail}"
    if mode == "head":
        return f"{output[:max_chars]}\n\n{marker} end. {_AGAIN}"
    return f"{marker} start. {_AGAIN}\n\n{output[removed:]}"


def truncate_lines(output: str, max_lines: int) -> str:
    """Keep the first and the last lines, ``max_lines`` in all."""
    lines = output.split("\n")
    omitted = len(lines) - max_lines
    if omitted <= 0:
        return output
    head = max_lines // 2
    tail = lines[len(lines) - (max_lines - head) :]
    return "\n".join([*lines[:head], f"[... {omitted} lines omitted ...]", *tail])


def truncate_tool_output(
    output: str,
    tool_name: str,
    limits: Mapping[str, int] | None = None,
    line_limits: Mapping[str, int] | None = None,
) -> str:
    """Cut a tool's output by characters first, then by lines.

    Characters come first because two lines can be ten megabytes each.
    """
    max_chars = {**DEFAULT_TOOL_LIMITS, **(limits or {})}.get(tool_name, _OTHER_LIMIT)
    result = truncate_output(output, max_chars, _MODES.get(tool_name, "tail"))
    max_lines = {**DEFAULT_LINE_LIMITS, **(line_limits or {})}.get(tool_name)
    return result if max_lines is None else truncate_lines(result, max_lines)
