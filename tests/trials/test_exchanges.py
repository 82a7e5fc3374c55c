"""What passed between a product and the twins, as rows that fit into a message."""


from factory_tui.trials.exchanges import exchange_rows
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
