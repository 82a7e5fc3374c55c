"""Models worth knowing: advice, not a gate. Unknown names go to the provider as they are.

``models.json`` holds what no library tells (capabilities, aliases), newest and best first per
provider; prices come from ``genai-prices``; ``learn_models`` adds what a provider itself lists.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

__all__ = [
    "ModelInfo",
    "forced_tool_choice",
    "get_latest_model",
    "get_model_info",
    "learn_models",
    "list_models",
]

_PRICED_AS = {"gemini": "google"}
"""Our providers under the price list's names, where they differ."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model. Costs are US dollars per million tokens of a short prompt, ``None`` if unknown.

    ``released`` is an ISO date or "". ``forced_tool_choice``: whether it can be made to use a
    tool.
    """

    id: str
    provider: str
    display_name: str
    context_window: int
    max_output: int | None = None
    supports_tools: bool = True
    supports_vision: bool = True
    supports_reasoning: bool = True
    input_cost_per_million: float | None = None
    output_cost_per_million: float | None = None
    aliases: tuple[str, ...] = ()
    released: str = ""
    forced_tool_choice: bool = True


@cache
def _shipped() -> dict[str, ModelInfo]:
    rows = json.loads((files("factory_tui.llm") / "models.json").read_text(encoding="utf-8"))
    models = [
        ModelInfo(**{**row, "aliases": tuple(row["aliases"]), "released": row["released"] or ""})
        for row in rows
    ]
    return {model.id: model for model in models}


_learnt: dict[str, ModelInfo] = {}


@cache
def _cost(model: str, provider: str, what: str) -> float | None:
    from genai_prices import Usage, calc_price

    few = 1000  # long prompts may cost more; the catalog tells the plain price
    counts: Any = Usage(**{f"{what}_tokens": few})
    try:
        price = calc_price(counts, model, provider_id=_PRICED_AS.get(provider, provider))
    except (LookupError, ValueError):
        return None
    return float(price.total_price * (Decimal(1_000_000) / few))


def _priced(model: ModelInfo) -> ModelInfo:
    return replace(
        model,
        input_cost_per_million=_cost(model.id, model.provider, "input"),
        output_cost_per_million=_cost(model.id, model.provider, "output"),
    )


def _known() -> dict[str, ModelInfo]:
    return {**_shipped(), **_learnt}


def get_model_info(model_id: str) -> ModelInfo | None:
    """The entry of a model, found by id or alias; ``None`` if it is unknown."""
    model = _find(model_id)
    return None if model is None else _priced(model)


def _find(model_id: str) -> ModelInfo | None:
    known = _known()
    if model_id in known:
        return known[model_id]
    return next((model for model in known.values() if model_id in model.aliases), None)


def list_models(provider: str | None = None) -> list[ModelInfo]:
    """All known models, best first, of one provider or of all."""
    chosen = [m for m in _known().values() if provider is None or m.provider == provider]
    return [_priced(model) for model in chosen]


def get_latest_model(provider: str, capability: str | None = None) -> ModelInfo | None:
    """The best model of a provider that has a capability ("reasoning", "vision" or "tools").

    Raises:
        ValueError: There is no such capability.
    """
    if capability not in (None, "reasoning", "vision", "tools"):
        raise ValueError(f"no capability {capability!r}: reasoning, vision or tools")
    for model in _known().values():
        able = capability is None or getattr(model, f"supports_{capability}")
        if model.provider == provider and able:
            return _priced(model)
    return None


def forced_tool_choice(model: str) -> bool:
    """Whether a model can be made to use a tool; unknown models are believed to."""
    known = _find(model)
    return known is None or known.forced_tool_choice


class Listing(Protocol):
    """An adapter that can list its provider's models."""

    @property
    def name(self) -> str:
        """The provider's name."""
        ...

    async def list_models(self) -> list[dict[str, Any]]:
        """The models as the provider describes them."""
        ...


async def learn_models(adapter: Listing) -> list[ModelInfo]:
    """Ask a provider for its models and keep what it says; returns what it listed.

    Models it does not list stay known: listings leave out previews and aliases.
    """
    listed = [_from_listing(adapter.name, row) for row in await adapter.list_models()]
    models = [model for model in listed if model is not None]
    _learnt.update({model.id: model for model in models})
    return [_priced(model) for model in models]


def _from_listing(provider: str, row: Mapping[str, Any]) -> ModelInfo | None:
    name = str(row.get("id") or row.get("name") or "").removeprefix("models/")
    if not name:
        return None
    known = _find(name)
    base = known or ModelInfo(
        name,
        provider,
        name,
        0,
        supports_tools=False,
        supports_vision=False,
        supports_reasoning=False,
    )
    window = _first(row, ("max_input_tokens", "inputTokenLimit"))
    most = _first(row, ("max_tokens", "outputTokenLimit"))
    return replace(
        base,
        display_name=str(row.get("display_name") or row.get("displayName") or base.display_name),
        context_window=window or base.context_window,
        max_output=most or base.max_output,
    )


def _first(row: Mapping[str, Any], names: Iterable[str]) -> int | None:
    return next((row[name] for name in names if isinstance(row.get(name), int)), None)
