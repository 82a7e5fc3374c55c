"""How quantities are written."""

from __future__ import annotations

from decimal import Decimal

import pytest

from factory_tui.state import format as fmt


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "—"),
        (0, "0"),
        (850, "850"),
        (999, "999"),
        (1000, "1.0k"),
        (62_000, "62.0k"),
        (999_600, "1.0M"),
        (400_000, "400k"),
        (6_100_000, "6.1M"),
    ],
)
def test_tokens(count: int | None, text: str) -> None:
    assert fmt.tokens(count) == text


def test_money_never_hides_a_small_or_unknown_amount() -> None:
    assert fmt.money(Decimal("18.4")) == "$18.40"
    assert fmt.money(Decimal("0.0042")) == "$0.0042"
    assert fmt.money(Decimal(0)) == "$0.00"
    assert fmt.money(None) == "unknown"


def test_durations() -> None:
    shown = [fmt.duration(s) for s in (None, 0, 59, 61, 3600, 90_000)]
    assert shown == ["—", "0s", "59s", "1m01", "1h00", "1d01h"]


def test_percent_is_100_only_if_all_and_0_only_if_none() -> None:
    assert [fmt.percent(s) for s in (None, 0.0, 0.001, 0.996, 1.0)] == [
        "—",
        "0%",
        "1%",
        "99%",
        "100%",
    ]


@pytest.mark.parametrize("share", [-1, 0, 0.01, 0.33, 0.5, 0.99, 1, 7])
def test_bars_always_fill_their_width(share: float) -> None:
    full, rest = fmt.bar(share, 12)
    assert len(full) + len(rest) == 12


def test_sparklines() -> None:
    assert fmt.spark([], 8) == ""
    assert fmt.spark([0, 0], 8) == "▁▁"
    assert fmt.spark([1, 2, 4, 8], 3) == "▃▅█"


def test_trials_are_numbered_within_their_round() -> None:
    numbers = [fmt.trial_number(n) for n in (1, 1000, 1001, 1002, 2000, 2003)]
    assert numbers == [
        "#1", "#1000", "confirmation #1", "confirmation #2", "confirmation #1000", "retry #3",
    ]  # fmt: skip


def test_a_reason_is_short_where_a_sign_says_that_it_failed() -> None:
    assert fmt.why("does not hold: cmd[1].exit == 3 (expected == 3, was 0)") == (
        "cmd[1].exit == 3, was 0"
    )
    kept = "cmd[1].stdout contains x (expected a line, was nothing)"
    assert fmt.why(f"does not hold: {kept}") == kept
    assert fmt.why("must: Dana was told") == "must: Dana was told"
