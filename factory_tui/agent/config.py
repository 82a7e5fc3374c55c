"""The limits of a session. Section 2.2 of the coding agent loop specification."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["SessionConfig"]


@dataclass(slots=True)
class SessionConfig:
    """What a session may do; 0 means unlimited.

    Attributes:
        max_turns: Model calls in the whole session.
        max_tool_rounds_per_input: Rounds of tool calls for one `Session.submit`.
        max_tokens: Longest answer of one model call.
        default_command_timeout_ms: Time a shell command gets if the model does not say (a profile
            may have a default of its own).
        max_command_timeout_ms: The most it can ask for.
        tool_output_limits: Characters of output per tool, over the defaults.
        tool_line_limits: Lines of output per tool, over the defaults.
        enable_loop_detection: Whether repeating tool calls are noticed.
        loop_detection_window: How many calls in a row must repeat.
        max_loop_warnings: Warnings after which a session that keeps repeating ends.
        max_continuations: Answers in a row cut off by ``max_tokens`` (or paused by the server)
            after which it ends.
        context_window_size: Tokens the model can hold, for the warning at 80 %; 0 if unknown.
        parallel_tools: Whether the calls of one answer run side by side. They do not by default:
            edits of one answer build on each other, and between two calls the host can check
            that nobody else changed the workspace. (A profile that supports it also turns it on.)
        reasoning_effort: "low", "medium", "high", or what else the provider knows; None leaves it
            to the provider. May be changed between two model calls.
        max_subagent_depth: How deep subagents may nest; 0 forbids them.
        user_instructions: Put at the end of a profile's system prompt, with the highest priority.
    """

    max_turns: int = 0
    max_tool_rounds_per_input: int = 0
    max_tokens: int = 8192
    default_command_timeout_ms: int = 10_000
    max_command_timeout_ms: int = 600_000
    tool_output_limits: Mapping[str, int] = field(default_factory=dict)
    tool_line_limits: Mapping[str, int] = field(default_factory=dict)
    enable_loop_detection: bool = True
    loop_detection_window: int = 10
    max_loop_warnings: int = 3
    max_continuations: int = 5
    context_window_size: int = 0
    parallel_tools: bool = False
    reasoning_effort: str | None = None
    max_subagent_depth: int = 1
    user_instructions: str = ""
