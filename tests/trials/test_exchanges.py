"""What passed between a product and the twins, as rows that fit into a message."""

import pytest

from factory_tui import text
from factory_tui.trials import brief
from factory_tui.trials.exchanges import exchange_entries, exchange_rows
from factory_tui.trials.wire import LINE_LIMIT, encode
from factory_tui.universe import Exchange, Request


def exchange(body: bytes, header: str) -> Exchange:
    request = Request.build("POST", "/x", {f"h{n}": header for n in range(300)}, body)
    return Exchange.of(
        *(1, 1, 1_772_442_000_000_000, "slack", "op", request, body, 200, 1.0),
        *("", "", "", [("x", header)], body),
    )


def test_rows_of_hostile_traffic_fit_into_a_message() -> None:
    body = "\U0001f600".encode() * 20_000 + b"\xff" * 2_000_000
    heads = exchange(b"hello", '"' * 50_000)
    rows = exchange_rows([exchange(body, "x"), *[heads] * 1500])
    assert rows[0]["request_body"].startswith("\U0001f600")
    assert len(rows[0]["request_body"]) <= 20_000
    assert len(rows[1]["request_headers"]) == 100
    assert rows[-1]["request_body"] == "hello"
    assert len(encode({"rows": rows})) < LINE_LIMIT / 2


def test_little_is_cleaned_of_what_is_only_control_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cleaned: list[int] = []

    def clean(data: bytes | str, *, limit: int | None = None) -> str:
        cleaned.append(len(data))
        return text.clean(data, limit=limit)

    monkeypatch.setattr(brief, "clean", clean)
    one = exchange(b"\x01\x1b" * 10_000, "\x80" * 200)
    rows = exchange_rows([one] * 1600)  # 64 MiB of bodies
    entries = exchange_entries([one] * 1600, 1)
    assert sum(cleaned) < 20 << 20
    assert all(row["request_body"] == rows[-1]["request_body"] for row in rows[-10:])
    assert entries[0]["data"]["n"] == entries[-1]["data"]["n"] == 1


def test_plain_text_is_shown_whatever_else_there_was() -> None:
    hostile, plain = exchange(b"\x01\x1b" * 10_000, "x"), exchange(b"hello " * 500, "x")
    rows = exchange_rows([*[hostile] * 400, plain])
    assert rows[-1]["request_body"] == "hello " * 500
    accents = "žluťoučký kůň ".encode() * 400
    (row,) = exchange_rows([exchange(accents, "x")])
    assert row["request_body"] == accents.decode()
    (entry,) = exchange_entries([exchange(accents, "x")], 1)
    assert entry["data"]["request"] == text.clean(accents, limit=4000)
