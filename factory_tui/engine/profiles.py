"""Which tools and which prompt a builder works with: those its provider's models know best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Final

from factory_tui.agent import (
    AnthropicProfile,
    GeminiProfile,
    OpenAIProfile,
    ProviderProfile,
    RegisteredTool,
    ToolDefinition,
    ToolError,
    coding_tools,
    discover_project_docs,
    prompts,
)
from factory_tui.agent.base_prompts import BASE
from factory_tui.attractor import ToolCallSkipped, ToolHooks
from factory_tui.engine.runtime import Runtime

__all__ = ["CALL_ID", "builder_profile", "hooked", "report_tool", "system_prompt"]

CALL_ID: ContextVar[str] = ContextVar("call_id", default="")
"""The tool call that is being made."""

REPORT: Final = "report_outcome"


class _Boxed:
    """The six coding tools in the form that takes one box per call."""

    def own_tools(self) -> Iterable[RegisteredTool]:
        """The provider's tools, with the factory's own for what both have."""
        own = {tool.definition.name: tool for tool in coding_tools()}
        given: Iterable[RegisteredTool] = super().own_tools()  # type: ignore[misc]
        return [own.get(tool.definition.name, tool) for tool in given]


class _Anthropic(_Boxed, AnthropicProfile):
    pass


class _OpenAI(_Boxed, OpenAIProfile):
    pass


class _Gemini(_Boxed, GeminiProfile):
    pass


_PROFILES: Final[dict[str, type[ProviderProfile]]] = {
    "anthropic": _Anthropic,
    "openai": _OpenAI,
    "gemini": _Gemini,
}


def builder_profile(provider: str, model: str) -> ProviderProfile:
    """The profile of a model; calls of one answer run one after the other.

    Edits of one answer build on each other, and between two calls the engine looks whether
    anybody else has changed the workspace.
    """
    profile = _PROFILES[provider](model)
    profile.supports_parallel_tool_calls = False
    return profile


async def system_prompt(runtime: Runtime, profile: ProviderProfile, environment: Any) -> str:
    """The builder's system prompt: the factory's, the provider's way with tools, the project's.

    It is made once per conversation and kept: what a model has thought is bound to it.
    """
    settings = runtime.settings
    base = prompts.system(
        command=settings.command,
        twins=settings.packs,
        acting=settings.development_setup is not None,
    )
    tools = BASE[profile.id].partition("# Tools\n")[2].partition("\n\n#")[0]
    kept = [line for line in tools.split("\n") if not line.startswith("- Commands get")]
    parts = [base, "# Your tools\n" + "\n".join(kept)]
    seeded = bool(runtime.options.seed_from)
    if seeded and (docs := await discover_project_docs(environment, profile.doc_names)):
        parts.append(f"# Project instructions\n{docs}")
    return "\n\n".join(parts)


def hooked(tools: Sequence[RegisteredTool], hooks: ToolHooks) -> list[RegisteredTool]:
    """The tools with a pipeline's hooks around every call."""
    if not hooks.pre and not hooks.post:
        return list(tools)
    return [_with_hooks(tool, hooks) for tool in tools]


def _with_hooks(tool: RegisteredTool, hooks: ToolHooks) -> RegisteredTool:
    from factory_tui.agent.tools import ToolRegistry

    inner, name = ToolRegistry([tool]), tool.definition.name

    async def run(arguments: dict[str, Any], environment: Any, config: Any) -> str:
        async def execute() -> str:
            return await inner.execute(name, arguments, environment, config)

        try:
            return await hooks.call(name, arguments, execute, call_id=CALL_ID.get())
        except ToolCallSkipped as skipped:
            raise ToolError(str(skipped)) from None

    return replace(tool, executor=run)


def report_tool(labels: Sequence[str]) -> RegisteredTool:
    """How a model tells the pipeline what came of its stage; the last report counts."""
    properties: dict[str, Any] = {
        "outcome": {"type": "string", "enum": ["success", "partial_success", "fail"]},
        "preferred_label": {
            "type": "string",
            "description": "Which way to go on" + (f": {', '.join(labels)}." if labels else "."),
        },
        "failure_reason": {"type": "string", "description": "Why, if the outcome is fail."},
        "notes": {"type": "string", "description": "One sentence for people."},
    }

    async def run(arguments: dict[str, Any], environment: Any, config: Any) -> str:
        return "Noted. Finish your answer now."

    return RegisteredTool(
        ToolDefinition(
            REPORT,
            "Say how your part of the work ended, once, when it has. What you find wrong is a "
            "fail, however well you looked.",
            {
                "type": "object",
                "properties": properties,
                "required": ["outcome"],
                "additionalProperties": False,
            },
        ),
        run,
    )
