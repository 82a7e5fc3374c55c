"""What a call costs in US dollars, and the dearest it could cost.

List prices come from ``genai-prices`` (offline; imported on first use). The user's own prices
win over them. A model nobody knows has no price: ``None``, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Literal

from factory_tui.llm.types import Usage

__all__ = ["FREE", "Price", "Prices", "Source"]

Source = Literal["user", "list", "illustrative", "unknown"]

_MTOK = Decimal(1_000_000)
_LISTED_AS = {"gemini": "google"}
"""Our providers under the price list's names, where they differ."""
_US_ONLY = Decimal("1.1")
"""Anthropic's factor for inference kept in the US."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; cache rates default to the plain input rate."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None

    def cost(self, usage: Usage) -> Decimal:
        """Dollars for this usage."""
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        return (
            self.input * usage.fresh_tokens
            + read * (usage.cache_read_tokens or 0)
            + write * (usage.cache_write_tokens or 0)
            + self.output * usage.billed_output_tokens
        ) / _MTOK

    @property
    def dearest_input(self) -> Decimal:
        """The most one million prompt tokens can cost, however they are cached."""
        return max(self.input, self.cache_read or Decimal(0), self.cache_write or Decimal(0))


FREE = Price(Decimal(0), Decimal(0))
"""For models on one's own machine."""

_ILLUSTRATIVE = {
    "recorded": Price(Decimal(2), Decimal(10), cache_read=Decimal("0.1"), cache_write=Decimal(4))
}
"""A played-back model costs nothing; these dollars only show what the screens do with money."""


@dataclass(slots=True)
class Prices:
    """Prices by model; ``user`` maps model names or globs (``"llama*"``) to the user's prices."""

    user: Mapping[str, Price] = field(default_factory=dict)

    def source(self, model: str) -> Source:
        """Where the price of this model comes from."""
        if self._user(model) is not None:
            return "user"
        if model in _ILLUSTRATIVE:
            return "illustrative"
        return "unknown" if _list_price(model, {"input_tokens": 1}) is None else "list"

    def cost(self, model: str, usage: Usage, provider: str = "anthropic") -> Decimal | None:
        """Dollars for what was used; ``None`` where the price is unknown."""
        own = self._user(model) or _ILLUSTRATIVE.get(model)
        if own is not None:
            return own.cost(usage)
        parts = {
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.billed_output_tokens,
            "cache_read_tokens": usage.cache_read_tokens or 0,
            "cache_write_tokens": usage.cache_write_tokens or 0,
        }
        if hour := usage.cache_write_1h_tokens:
            parts["cache_write_1h_tokens"] = hour
            parts["cache_write_5m_tokens"] = (usage.cache_write_tokens or 0) - hour
        price = _list_price(model, parts, provider)
        return price * _US_ONLY if price is not None and usage.geo == "us" else price

    def worst(
        self, model: str, input_tokens: int, output_tokens: int, provider: str = "anthropic"
    ) -> Decimal | None:
        """The dearest a call can cost: the whole prompt at its dearest rate, all output used.

        Long-prompt tiers depend on the prompt's size and never fall with it, so pricing the
        bound of the prompt covers every smaller one.
        """
        own = self._user(model) or _ILLUSTRATIVE.get(model)
        if own is not None:
            return (own.dearest_input * input_tokens + own.output * output_tokens) / _MTOK
        base = {"input_tokens": input_tokens, "output_tokens": output_tokens}
        ways = [
            base,
            {
                **base,
                "cache_write_tokens": input_tokens,
                "cache_write_5m_tokens": input_tokens,
            },
            {
                **base,
                "cache_write_tokens": input_tokens,
                "cache_write_1h_tokens": input_tokens,
            },
        ]
        known = [price for way in ways if (price := _list_price(model, way, provider)) is not None]
        return max(known, default=None)

    def _user(self, model: str) -> Price | None:
        if model in self.user:
            return self.user[model]
        return next((p for glob, p in self.user.items() if fnmatchcase(model, glob)), None)


def _list_price(
    model: str, tokens: Mapping[str, int], provider: str = "anthropic"
) -> Decimal | None:
    from genai_prices import Usage as Counts
    from genai_prices import calc_price

    counts: Any = Counts(**tokens)
    try:
        return calc_price(counts, model, provider_id=_LISTED_AS.get(provider, provider)).total_price
    except (LookupError, ValueError):  # unknown model, or one without a rate for these parts
        return None
