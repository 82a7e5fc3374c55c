"""Provider profiles: the tools and the prompt each family of models knows best. Section 3."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from factory_tui.agent.base_prompts import BASE
from factory_tui.agent.context import GitContext, environment_block
from factory_tui.agent.profile_tools import core_tools, gemini_tools, patch_tool
from factory_tui.agent.subagents import subagent_tools
from factory_tui.agent.tools import RegisteredTool, ToolRegistry
from factory_tui.llm import ToolDefinition, get_latest_model, get_model_info

__all__ = [
    "AnthropicProfile",
    "GeminiProfile",
    "OpenAIProfile",
    "ProviderProfile",
    "create_anthropic_profile",
    "create_gemini_profile",
    "create_openai_profile",
    "create_profile",
]

_SMALLEST_WINDOW = 200_000


class ProviderProfile:
    """What a session needs to know about a provider's models; derive from it for another one.

    Attributes:
        id: The provider, as the client knows it.
        model: The model's name.
        tool_registry: The tools; register more, or others under the same names.
        doc_names: Instruction files of a project that are for this provider.
        shell_timeout_ms: The shell's default timeout, if it has one of its own.
        options: Passed on as the provider's own options.
    """

    id: str = ""
    doc_names: tuple[str, ...] = ("AGENTS.md",)
    shell_timeout_ms: int | None = None
    supports_reasoning: bool = True
    supports_streaming: bool = True
    supports_parallel_tool_calls: bool = True

    def __init__(
        self,
        model: str | None = None,
        *,
        options: Mapping[str, Any] | None = None,
        context_window_size: int | None = None,
    ) -> None:
        latest = get_latest_model(self.id)
        self.model = model or (latest.id if latest is not None else "")
        self.options = dict(options or {})
        info = get_model_info(self.model)
        known = info.context_window if info is not None else 0
        self.context_window_size = context_window_size or known or _SMALLEST_WINDOW
        if info is not None:
            self.supports_reasoning = info.supports_reasoning
        self.tool_registry = ToolRegistry([*self.own_tools(), *subagent_tools()])

    def own_tools(self) -> Iterable[RegisteredTool]:
        """The provider's tools, without those for subagents."""
        return core_tools(self.shell_timeout_ms).values()

    def tools(self) -> list[ToolDefinition]:
        """What the model is told about its tools."""
        return self.tool_registry.definitions()

    def base_instructions(self) -> str:
        """The first layer of the system prompt."""
        return BASE[self.id]

    def build_system_prompt(
        self,
        environment: Any,
        project_docs: str = "",
        *,
        user_instructions: str = "",
        git: GitContext | None = None,
    ) -> str:
        """The layers of a system prompt, later ones with the higher priority."""
        described = "\n".join(f"- {tool.name}: {tool.description}" for tool in self.tools())
        layers = [
            self.base_instructions(),
            environment_block(environment, self.model, git),
            f"# Available tools\n{described}",
            f"# Project instructions\n{project_docs}" if project_docs else "",
            f"# User instructions (these win)\n{user_instructions}" if user_instructions else "",
        ]
        return "\n\n".join(layer for layer in layers if layer)

    def provider_options(self) -> dict[str, Any] | None:
        """Options for the client's request."""
        return {self.id: dict(self.options)} if self.options else None

    def with_model(self, model: str) -> "ProviderProfile":
        """The same profile, tools included, for another model."""
        other = copy.copy(self)
        other.model = model
        info = get_model_info(model)
        if info is not None and info.context_window:
            other.context_window_size = info.context_window
        return other


class AnthropicProfile(ProviderProfile):
    """For Claude: edit_file, and two minutes for commands.

    ``options`` may hold ``beta_headers``, ``thinking`` and what else the adapter passes on.
    """

    id = "anthropic"
    doc_names = ("AGENTS.md", "CLAUDE.md")
    shell_timeout_ms = 120_000


class OpenAIProfile(ProviderProfile):
    """For GPT: apply_patch instead of edit_file."""

    id = "openai"
    doc_names = ("AGENTS.md", ".codex/instructions.md")

    def own_tools(self) -> Iterable[RegisteredTool]:
        """See `ProviderProfile`."""
        core = core_tools(self.shell_timeout_ms)
        del core["edit_file"]
        first = core.pop("read_file")
        return [first, patch_tool(), *core.values()]


class GeminiProfile(ProviderProfile):
    """For Gemini: also read_many_files and list_dir.

    ``options`` may hold ``safetySettings``, grounding ``tools`` and so on, in the API's words.
    """

    id = "gemini"
    doc_names = ("AGENTS.md", "GEMINI.md")

    def own_tools(self) -> Iterable[RegisteredTool]:
        """See `ProviderProfile`."""
        return [*core_tools(self.shell_timeout_ms).values(), *gemini_tools()]


def create_anthropic_profile(model: str | None = None, **options: Any) -> AnthropicProfile:
    """A profile for Claude; the newest model if none is named. Options as in the class."""
    return AnthropicProfile(model, **options)


def create_openai_profile(model: str | None = None, **options: Any) -> OpenAIProfile:
    """A profile for GPT; the newest model if none is named. Options as in the class."""
    return OpenAIProfile(model, **options)


def create_gemini_profile(model: str | None = None, **options: Any) -> GeminiProfile:
    """A profile for Gemini; the newest model if none is named. Options as in the class."""
    return GeminiProfile(model, **options)


_PROFILES = {one.id: one for one in (AnthropicProfile, OpenAIProfile, GeminiProfile)}


def create_profile(provider: str, model: str | None = None, **options: Any) -> ProviderProfile:
    """The profile of a provider.

    Raises:
        KeyError: There is none.
    """
    return _PROFILES[provider](model, **options)
