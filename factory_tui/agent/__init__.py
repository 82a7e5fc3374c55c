"""The coding agent: a model with tools that works in somebody else's sandbox.

An implementation of the coding agent loop specification under its own names.
"""

from factory_tui.agent import prompts
from factory_tui.agent.config import SessionConfig
from factory_tui.agent.environment import ExecResult, ExecutionEnvironment
from factory_tui.agent.events import EventKind, SessionEvent
from factory_tui.agent.loops import detect_loop
from factory_tui.agent.session import (
    Finished,
    Model,
    Session,
    SessionClosed,
    SessionState,
    ToolRecord,
)
from factory_tui.agent.tools import RegisteredTool, ToolError, ToolRegistry, coding_tools
from factory_tui.agent.truncation import truncate_lines, truncate_output, truncate_tool_output
from factory_tui.agent.turns import (
    AssistantTurn,
    SteeringTurn,
    ToolResult,
    ToolResultsTurn,
    Turn,
    UserTurn,
    to_messages,
    turn_from_json,
    turn_to_json,
)

__all__ = [
    "AssistantTurn",
    "EventKind",
    "ExecResult",
    "ExecutionEnvironment",
    "Finished",
    "Model",
    "RegisteredTool",
    "Session",
    "SessionClosed",
    "SessionConfig",
    "SessionEvent",
    "SessionState",
    "SteeringTurn",
    "ToolError",
    "ToolRecord",
    "ToolRegistry",
    "ToolResult",
    "ToolResultsTurn",
    "Turn",
    "UserTurn",
    "coding_tools",
    "detect_loop",
    "prompts",
    "to_messages",
    "truncate_lines",
    "truncate_output",
    "truncate_tool_output",
    "turn_from_json",
    "turn_to_json",
]
