"""Amounts as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from factory_tui.state.amounts import parse_tokens, parse_usd


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("400000", 400_000),
        ("400_000", 400_000),
        (" 4,000,000 ", 4_000_000),
        ("400k", 400_000),
        ("1.5M", 1_500_000),
        ("0", 0),
        ("none", None),
        ("no limit", None),
    ],
)
def test_tokens_are_read_as_people_write_them(text: str, tokens: int | None) -> None:
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["", "-1", "ten", "1.5", "1e6", "4M5", "NaN", "9" * 20, "$4"])
def test_what_is_no_number_of_tokens_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^tokens: "):
        parse_tokens(text)


@pytest.mark.parametrize(
    ("text", "usd"),
    [("10", "10"), ("$12.50", "12.50"), ("1,000", "1000"), ("0", "0"), ("none", None)],
)
def test_dollars_are_read_as_people_write_them(text: str, usd: str | None) -> None:
    assert parse_usd(text) == (None if usd is None else Decimal(usd))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-1", "negative"),
        ("-inf", "negative"),
        ("", "give an amount"),
        ("ten", "give an amount"),
        ("NaN", "give an amount"),
        ("1.005", "whole cents"),
        ("Infinity", "more than any run"),
        ("1e12", "more than any run"),
    ],
)
def test_what_is_no_amount_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=rf"^dollars: .*{said}"):
        parse_usd(text)
