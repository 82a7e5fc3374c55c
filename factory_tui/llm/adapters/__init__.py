"""Adapters: one provider's native API each, behind one interface."""

from factory_tui.llm.adapters.anthropic import AnthropicAdapter
from factory_tui.llm.adapters.base import AdapterTimeout, ProviderAdapter
from factory_tui.llm.adapters.compatible import OpenAICompatibleAdapter
from factory_tui.llm.adapters.gemini import GeminiAdapter
from factory_tui.llm.adapters.openai import OpenAIAdapter

__all__ = [
    "AdapterTimeout",
    "AnthropicAdapter",
    "GeminiAdapter",
    "OpenAIAdapter",
    "OpenAICompatibleAdapter",
    "ProviderAdapter",
]
