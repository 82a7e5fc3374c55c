"""Which provider a model belongs to, how it is reached, and what family it is of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from factory_tui.config import Models
from factory_tui.llm import get_model_info

if TYPE_CHECKING:
    from factory_tui.llm import Client, ProviderAdapter

__all__ = [
    "PROVIDERS",
    "family",
    "missing_access",
    "register_providers",
    "same_family",
    "same_family_warning",
    "split_model",
]

PROVIDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    "openai": ("OPENAI_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
"""Providers, and the environment variables of which one is needed to reach them."""

_FAMILIES: Final = {"gpt": "openai", "chatgpt": "openai", "codex": "openai", "gemini": "gemini"}


def split_model(model: str) -> tuple[str, str]:
    """A model of ``factory.toml`` as (provider, the provider's own name for it).

    ``openai/NAME`` names the provider; otherwise the catalog and the name's beginning decide, and
    what nobody knows is taken to be a model of the Messages API server in use.
    """
    head, _, name = model.partition("/")
    if name and head in PROVIDERS:
        return head, name
    info = get_model_info(model)
    if info is not None and info.provider in PROVIDERS:
        return info.provider, model
    word = model.split("-")[0].lower()
    if word in ("o1", "o3", "o4"):
        return "openai", model
    return _FAMILIES.get(word, "anthropic"), model


def family(model: str) -> str:
    """The family of a model: ``claude``, ``gpt``, ``gemini``, ``llama`` and so on."""
    provider, name = split_model(model)
    if provider != "anthropic":
        return {"openai": "gpt"}.get(provider, provider)
    # A Messages API server may serve anybody's models.
    word = re.match(r"[a-z]+", name.rpartition("/")[2].lower())
    return word[0] if word else name


def same_family(models: Models) -> bool:
    """Whether the judge is of the builder's own family, and may favour what it would write."""
    return family(models.judge) == family(models.builder)


def same_family_warning(models: Models) -> str:
    """Say so."""
    return (
        f"the judge ({models.judge}) is of the builder's own family ({models.builder}) and may "
        "favour what it would write itself; `models.judge` in factory.toml names another"
    )


def missing_access(models: Models) -> str:
    """What to set so that every role's model can be reached; "" if all can."""
    for role, model in models.roles().items():
        provider, _ = split_model(model)
        if not any(os.environ.get(name) for name in PROVIDERS[provider]):
            names = PROVIDERS[provider]
            other = f", or {names[-1]} for a local server" if provider == "anthropic" else ""
            return f"no model to call for {role} ({model}): set {names[0]}{other}"
    return ""


def register_providers(client: Client, models: Iterable[str]) -> None:
    """Give a client the adapters of all models that the Messages API does not serve."""
    for provider in sorted({split_model(model)[0] for model in models} - {"anthropic"}):
        if provider not in client.providers:
            client.register(provider, _adapter(provider))


def _adapter(provider: str) -> ProviderAdapter:
    # Imported late: each brings a whole SDK, and most factories use one provider.
    from factory_tui.llm import GeminiAdapter, OpenAIAdapter

    made: Any = {"openai": OpenAIAdapter, "gemini": GeminiAdapter}[provider]
    adapter: ProviderAdapter = made()
    return adapter
