"""The coding agent: a model with tools that works in somebody else's sandbox.

An implementation of the coding agent loop specification under its own names.
"""

from factory_tui.agent import prompts
from factory_tui.agent.asking import Model
from factory_tui.agent.boxed import BoxEnvironment
from factory_tui.agent.calling import ToolRecord
from factory_tui.agent.config import SessionConfig
from factory_tui.agent.context import (
    GitContext,
    discover_project_docs,
    environment_block,
    git_context,
)
from factory_tui.agent.environment import (
    CommandRunner,
    DirEntry,
    ExecResult,
    ExecutionEnvironment,
    GrepOptions,
)
from factory_tui.agent.events import EventEmitter, EventKind, SessionEvent
from factory_tui.agent.local import EnvPolicy, LocalExecutionEnvironment, filter_environment
from factory_tui.agent.loops import detect_loop
from factory_tui.agent.patch import PatchError, apply_patch, parse_patch
from factory_tui.agent.profiles import (
    AnthropicProfile,
    GeminiProfile,
    OpenAIProfile,
    ProviderProfile,
    create_anthropic_profile,
    create_gemini_profile,
    create_openai_profile,
    create_profile,
)
from factory_tui.agent.session import (
    Finished,
    Session,
    SessionClosed,
    SessionState,
    process_input,
)
from factory_tui.agent.subagents import (
    ScopedEnvironment,
    SubAgentHandle,
    SubAgentResult,
    SubAgentStatus,
)
from factory_tui.agent.tools import RegisteredTool, ToolError, ToolRegistry, coding_tools
from factory_tui.agent.truncation import (
    DEFAULT_LINE_LIMITS,
    DEFAULT_TOOL_LIMITS,
    truncate_lines,
    truncate_output,
    truncate_tool_output,
)
from factory_tui.agent.turns import (
    AssistantTurn,
    SteeringTurn,
    SystemTurn,
    ToolResultsTurn,
    Turn,
    UserTurn,
    part_to_json,
    to_conversation,
    to_messages,
    turn_from_json,
    turn_to_json,
)
from factory_tui.llm import ToolDefinition, ToolResult

__all__ = [
    "DEFAULT_LINE_LIMITS",
    "DEFAULT_TOOL_LIMITS",
    "AnthropicProfile",
    "AssistantTurn",
    "BoxEnvironment",
    "CommandRunner",
    "DirEntry",
    "EnvPolicy",
    "EventEmitter",
    "EventKind",
    "ExecResult",
    "ExecutionEnvironment",
    "Finished",
    "GeminiProfile",
    "GitContext",
    "GrepOptions",
    "LocalExecutionEnvironment",
    "Model",
    "OpenAIProfile",
    "PatchError",
    "ProviderProfile",
    "RegisteredTool",
    "ScopedEnvironment",
    "Session",
    "SessionClosed",
    "SessionConfig",
    "SessionEvent",
    "SessionState",
    "SteeringTurn",
    "SubAgentHandle",
    "SubAgentResult",
    "SubAgentStatus",
    "SystemTurn",
    "ToolDefinition",
    "ToolError",
    "ToolRecord",
    "ToolRegistry",
    "ToolResult",
    "ToolResultsTurn",
    "Turn",
    "UserTurn",
    "apply_patch",
    "coding_tools",
    "create_anthropic_profile",
    "create_gemini_profile",
    "create_openai_profile",
    "create_profile",
    "detect_loop",
    "discover_project_docs",
    "environment_block",
    "filter_environment",
    "git_context",
    "parse_patch",
    "part_to_json",
    "process_input",
    "prompts",
    "to_conversation",
    "to_messages",
    "truncate_lines",
    "truncate_output",
    "truncate_tool_output",
    "turn_from_json",
    "turn_to_json",
]
